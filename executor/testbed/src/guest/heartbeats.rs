//! What the lines of a guest's serial port prove: that it ran on without a break, that it was started again, or that two copies of it ran
//! at once.
//!
//! Two copies cannot hide. Copies of two boots leave lines of two names, in turns; copies of one boot (both ends of a migration) count
//! the same beats twice. And as each byte is written by itself, lines of two writers are soon torn.

use std::collections::BTreeSet;
use std::fmt;

/// A boot of a guest, as its serial port tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Boot {
    /// Its name: the guest's time of day at boot (UTC), `YYMMDDhhmmss`, and its time-stamp counter.
    pub id: String,
    /// How many beats there were, one a second.
    pub beats: u64,
    /// Whether it powered itself off.
    pub powered_off: bool,
}

/// All that a guest has said on its serial port.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Heartbeats {
    /// Its boots, in order.
    pub boots: Vec<Boot>,
    /// Lines that one copy of a guest, running at one place at a time, cannot have written: number (from 1) and what is wrong with it.
    pub faults: Vec<(usize, String)>,
}

impl Heartbeats {
    /// Reads what stands in the file of a serial port. A last line without its end is still being written and is left out.
    #[must_use]
    pub fn read(text: &str) -> Self {
        let mut found = Self::default();
        let mut left = BTreeSet::new();
        // A line that is none of ours: a power cut in the middle of it, if a boot follows; else two writers.
        let mut torn: Option<(usize, String)> = None;
        let ended = text.rfind('\n').map_or("", |end| &text[..end]);
        for (number, line) in (1..).zip(ended.split('\n')).filter(|(_, line)| !line.is_empty()) {
            let line_of = Line::read(line);
            if let Some(fault) = torn.take().filter(|_| !matches!(line_of, Some(Line::Boot { .. }))) {
                found.faults.push(fault);
            }
            let current = found.boots.last_mut();
            let fault = match line_of {
                None => {
                    torn = Some((number, format!("{line:?} is no line of a guest")));
                    None
                }
                Some(Line::Boot { id }) => {
                    left.extend(current.map(|boot| boot.id.clone()));
                    let again = left.contains(id).then(|| format!("boot {id} begins twice"));
                    found.boots.push(Boot { id: id.to_owned(), beats: 0, powered_off: false });
                    again
                }
                Some(Line::Beat { id, count }) => match current {
                    Some(boot) if boot.id == id && boot.powered_off => Some(format!("boot {id} beats after it powered off")),
                    Some(boot) if boot.id == id && count == boot.beats + 1 => {
                        boot.beats = count;
                        None
                    }
                    Some(boot) if boot.id == id => Some(format!("boot {id} beats {count} after {}", boot.beats)),
                    _ if left.contains(id) => Some(format!("boot {id} beats on although another has begun")),
                    _ => Some(format!("boot {id} beats and never began")),
                },
                Some(Line::Off { id }) => match current {
                    Some(boot) if boot.id == id && !boot.powered_off => {
                        boot.powered_off = true;
                        None
                    }
                    _ => Some(format!("boot {id} powers off and does not run")),
                },
            };
            found.faults.extend(fault.map(|what| (number, what)));
        }
        found.faults.extend(torn);
        found
    }

    /// How many beats there were in all boots.
    #[must_use]
    pub fn beats(&self) -> u64 {
        self.boots.iter().map(|boot| boot.beats).sum()
    }

    /// How many beats there were of a guest that booted once and ever ran on, one copy at a time.
    ///
    /// # Errors
    /// What says otherwise: it never booted, booted again, powered off, or two copies ran at once.
    pub fn uninterrupted(&self) -> Result<u64, String> {
        self.never_doubled()?;
        match self.boots.as_slice() {
            [] => Err("it never booted".to_owned()),
            [boot] if boot.powered_off => Err(format!("it powered off after {} beats", boot.beats)),
            [boot] => Ok(boot.beats),
            [.., last] => Err(format!("it booted {} times, last as {}", self.boots.len(), last.id)),
        }
    }

    /// That one copy at a time ran; it may have been started again.
    ///
    /// # Errors
    /// The first line that says otherwise.
    pub fn never_doubled(&self) -> Result<(), String> {
        self.faults.first().map_or(Ok(()), |(line, what)| Err(format!("line {line}: {what}")))
    }
}

/// For people: one line a boot, then what is wrong.
impl fmt::Display for Heartbeats {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for Boot { id, beats, powered_off } in &self.boots {
            writeln!(f, "boot {id}: {beats} beats{}", if *powered_off { ", powered off" } else { "" })?;
        }
        self.faults.iter().try_for_each(|(line, what)| writeln!(f, "line {line}: {what}"))
    }
}

/// A line of a guest.
enum Line<'a> {
    Boot { id: &'a str },
    Beat { id: &'a str, count: u64 },
    Off { id: &'a str },
}

impl<'a> Line<'a> {
    fn read(line: &'a str) -> Option<Self> {
        let words: Vec<&str> = line.split(' ').collect();
        match words.as_slice() {
            ["boot", id, memory] if is_id(id) && memory.strip_prefix("memory_kib=")?.parse::<u64>().is_ok() => Some(Self::Boot { id }),
            ["beat", count, "of", id] if is_id(id) => Some(Self::Beat { id, count: count.parse().ok()? }),
            ["off", id] if is_id(id) => Some(Self::Off { id }),
            _ => None,
        }
    }
}

/// Twelve digits, a dash, eight hexadecimal digits.
fn is_id(word: &str) -> bool {
    word.split_once('-').is_some_and(|(time, stamp)| {
        time.len() == 12 && time.bytes().all(|b| b.is_ascii_digit()) && stamp.len() == 8 && stamp.bytes().all(|b| b.is_ascii_hexdigit())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: &str = "261121150209-0782d8eb";
    const B: &str = "261121150412-17a0b3c4";

    fn boot(id: &str, beats: std::ops::RangeInclusive<u64>) -> String {
        format!("\nboot {id} memory_kib=65408\n{}", self::beats(id, beats))
    }

    fn beats(id: &str, beats: std::ops::RangeInclusive<u64>) -> String {
        beats.map(|n| format!("beat {n} of {id}\n")).collect()
    }

    #[test]
    fn a_guest_that_runs_on_is_uninterrupted_and_its_line_under_way_is_not_read() {
        let seen = Heartbeats::read(&(boot(A, 1..=12) + "beat 1"));
        assert_eq!(seen.uninterrupted(), Ok(12), "{seen}");
    }

    #[test]
    fn silence_is_not_taken_for_a_guest_that_runs() {
        assert_eq!(Heartbeats::read("").uninterrupted(), Err("it never booted".to_owned()));
    }

    #[test]
    fn a_power_cut_in_the_middle_of_a_line_and_a_restart_is_a_restart_and_no_second_copy() {
        let seen = Heartbeats::read(&(boot(A, 1..=3) + "beat 4 o" + &boot(B, 1..=2)));
        assert_eq!(seen.never_doubled(), Ok(()), "{seen}");
        assert_eq!((seen.boots.len(), seen.beats()), (2, 5));
        assert!(seen.uninterrupted().unwrap_err().contains("booted 2 times"));
    }

    #[test]
    fn a_guest_that_powered_off_is_not_running_on_and_may_boot_again() {
        let once = boot(A, 1..=3) + &format!("off {A}\n");
        assert!(Heartbeats::read(&once).uninterrupted().unwrap_err().contains("powered off after 3 beats"));
        assert_eq!(Heartbeats::read(&(once + &boot(B, 1..=2))).never_doubled(), Ok(()));
    }

    #[test]
    fn both_ends_of_a_migration_running_are_seen() {
        let seen = Heartbeats::read(&(boot(A, 1..=5) + &beats(A, 5..=5)));
        assert_eq!(seen.never_doubled(), Err(format!("line 8: boot {A} beats 5 after 5")));
    }

    #[test]
    fn a_copy_started_while_the_first_runs_is_seen() {
        let seen = Heartbeats::read(&(boot(A, 1..=2) + &boot(B, 1..=1) + &beats(A, 3..=3)));
        assert_eq!(seen.never_doubled(), Err(format!("line 8: boot {A} beats on although another has begun")));
    }

    #[test]
    fn lines_of_two_writers_that_run_into_each_other_are_seen() {
        let seen = Heartbeats::read(&(boot(A, 1..=2) + &format!("bebeat 3 ofat 3 of {A}\n {A}\n") + &beats(A, 4..=4)));
        assert!(seen.never_doubled().unwrap_err().contains("is no line of a guest"), "{seen}");
    }

    #[test]
    fn a_beat_that_is_missing_is_seen() {
        assert_eq!(
            Heartbeats::read(&(boot(A, 1..=2) + &beats(A, 4..=4))).never_doubled(),
            Err(format!("line 5: boot {A} beats 4 after 2"))
        );
    }
}
