//! The restart of a lost host's guests: by hand against by itself, and how many to boot at a time.

use serde::Serialize;

use super::{Answer, Study};
use crate::estimate::Estimate;
use crate::law::restart::{self, ByHand, Sharing};
use crate::quantity::{BytesPerSecond, Nanos, QuantityError};

/// The givens.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Restart {
    /// Guests of the lost host.
    pub guests: u32,
    /// Hosts on which they start.
    pub survivors: u32,
    /// Cores of each of these.
    pub cores: u32,
    /// How boots that are more than the cores share them.
    pub sharing: Sharing,
    /// Until the loss is noticed.
    pub detect: Nanos,
    /// Until the lost host is surely off.
    pub fence: Nanos,
    /// What each takes by hand, one after the other.
    pub by_hand: Option<Nanos>,
    /// The most that boot on a host at once.
    pub boots_at_once: u32,
    /// The processor's time of a boot.
    pub boot_cpu: Nanos,
    /// What a boot reads, bytes.
    pub boot_bytes: u64,
    /// What storage gives to all of them together.
    pub storage: BytesPerSecond,
}

impl Restart {
    /// The restart by itself, with so many boots at a time on all survivors together.
    #[must_use]
    pub fn law(&self, at_once: u32) -> restart::Restart {
        restart::Restart {
            detect: self.detect,
            fence: self.fence,
            guests: self.guests,
            at_once,
            boot_cpu: self.boot_cpu,
            cores: self.cores.saturating_mul(self.survivors),
            sharing: self.sharing,
            boot_bytes: self.boot_bytes,
            storage: self.storage,
        }
    }

    /// As many at a time as the survivors take, and not more than there are.
    #[must_use]
    pub fn at_once(&self) -> u32 {
        self.boots_at_once.saturating_mul(self.survivors).min(self.guests).max(1)
    }

    /// The restart by hand, where its time is given.
    #[must_use]
    pub fn hands(&self) -> Option<ByHand> {
        self.by_hand.map(|each| ByHand { detect: self.detect, fence: self.fence, guests: self.guests, each })
    }

    /// Seconds until the last guest is up by itself: the formula, from boots whose reading and computing overlap to boots that
    /// read first and compute then.
    ///
    /// # Errors
    /// As [`restart::Restart::boot`].
    pub fn seconds(&self, at_once: u32) -> Result<Estimate, QuantityError> {
        let law = self.law(at_once);
        let value = law.total()?.as_seconds();
        let overlapping = law.course()?.last().map_or(value, |last| last.as_seconds());
        let in_turn = law.read_then_compute()?.at_most.as_seconds();
        Ok(Estimate { value, low: overlapping.min(value), high: in_turn.max(value) })
    }

    /// Answers.
    ///
    /// # Errors
    /// As [`restart::Restart::boot`].
    pub fn answer(&self, study: &Study) -> Result<Answer, QuantityError> {
        let mut answer = Answer::to(study, &["restart"]);
        let range = "closed form; high: boots read, then compute";
        let at_once = self.at_once();
        let by_itself = self.seconds(at_once)?;
        answer.tell("automatic", by_itself, "s", range);
        answer.tell("automatic, one at a time", self.seconds(1)?, "s", range);
        answer.tell("automatic, all at once", self.seconds(self.guests.max(1))?, "s", range);
        let law = self.law(at_once);
        let best = law.best_at_once()?;
        answer.tell("best number at a time", Estimate::exactly(f64::from(best)), "guests", "all numbers tried");
        // The last wave counts as many as there are, as in the choice of the number.
        let seconds = self.seconds(best)?;
        answer.tell("automatic, best number", Estimate { value: seconds.low, ..seconds }, "s", range);
        let free = law.unhindered()?;
        let binds = "closed form: the least of the cores and boot time x storage / bytes of a boot";
        answer.tell("boots that nothing slows", Estimate::exactly(f64::from(free)), "guests", binds);
        let mean = mean_seconds(&law.course()?);
        answer.tell("mean guest, automatic", Estimate::exactly(mean), "s", "mean of the course");
        match self.hands() {
            Some(hands) => {
                let total = hands.total()?.as_seconds();
                answer.tell("by hand", Estimate::exactly(total), "s", "closed form");
                answer.tell("mean guest, by hand", Estimate::exactly(mean_seconds(&hands.course()?)), "s", "mean of the course");
                if by_itself.low > 0.0 {
                    let times = Estimate { value: total / by_itself.value, low: total / by_itself.high, high: total / by_itself.low };
                    answer.tell("by hand over automatic", times, "", "closed form");
                }
                answer.say(format!(
                    "{} guests are back after {} by hand, and after {} ({} to {}) automatically, {at_once} at a time",
                    self.guests,
                    words(total),
                    words(by_itself.value),
                    words(by_itself.low),
                    words(by_itself.high),
                ));
            }
            None => answer.cannot_say.push(("by hand".into(), "no time of a restart by hand is given".into())),
        }
        answer.say(self.limit(at_once, free, best));
        Ok(answer)
    }

    /// What binds, in words.
    fn limit(&self, at_once: u32, free: u32, best: u32) -> String {
        let cores = self.cores.saturating_mul(self.survivors);
        let what = if free >= cores { format!("the {cores} cores that boot them") } else { "storage".to_owned() };
        let more = match best.cmp(&at_once) {
            std::cmp::Ordering::Greater => format!("up to {best} at a time would be faster"),
            std::cmp::Ordering::Less => format!("{best} at a time would do as well or better"),
            std::cmp::Ordering::Equal => "no other number is faster".to_owned(),
        };
        format!("from {} boots at a time on, {what} would slow each of them; {at_once} at a time are set: {more}", free.saturating_add(1))
    }
}

/// The mean, s; 0 of none.
pub(super) fn mean_seconds(course: &[Nanos]) -> f64 {
    course.iter().map(|at| at.as_seconds()).sum::<f64>() / course.len().max(1) as f64
}

/// `3.0 h`, `5.0 min`, `40 s`.
fn words(seconds: f64) -> String {
    match seconds {
        s if s >= 7200.0 => format!("{:.1} h", s / 3600.0),
        s if s >= 120.0 => format!("{:.1} min", s / 60.0),
        s => format!("{s:.0} s"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::study::Kind;

    fn example() -> Restart {
        // models A4.
        Restart {
            guests: 15,
            survivors: 2,
            cores: 8,
            sharing: Sharing::Fluid,
            detect: Nanos::seconds(30),
            fence: Nanos::seconds(30),
            by_hand: Some(Nanos::seconds(1080)),
            boots_at_once: 2,
            boot_cpu: Nanos::seconds(60),
            boot_bytes: 250_000_000,
            storage: BytesPerSecond::new(100e6).unwrap(),
        }
    }

    fn figure(it: &Restart, name: &str) -> Estimate {
        let study = Study { name: "x".into(), title: String::new(), kind: Kind::Restart(it.clone()) };
        it.answer(&study).unwrap().figure(name).unwrap_or_else(|| panic!("{name}")).value
    }

    #[test]
    fn the_three_numbers_at_a_time_are_those_of_the_table() {
        // models A4: 960, 300 and 120 s; 15 boots of 250 MB read for 37.5 s.
        let it = example();
        assert_eq!(figure(&it, "automatic, one at a time").value, 960.0);
        assert_eq!(figure(&it, "automatic").value, 300.0);
        assert_eq!(figure(&it, "automatic, all at once").value, 120.0);
        // In series: 60 + 4 waves of 10 + 60, the last of them counted full.
        assert_eq!(figure(&it, "automatic").high, 340.0);
        assert_eq!(figure(&it, "by hand").value, 60.0 + 15.0 * 1080.0);
    }

    #[test]
    fn a_given_moves_its_figure_as_it_must() {
        let it = example();
        let base = figure(&it, "automatic");
        // Storage a tenth as fast: four at a time read for 100 s, more than they compute.
        let slow = Restart { storage: BytesPerSecond::new(10e6).unwrap(), ..it.clone() };
        assert_eq!(figure(&slow, "automatic").value, 60.0 + 4.0 * 100.0);
        assert_eq!(figure(&slow, "boots that nothing slows").value, 2.0);
        // Noticed half a minute later: half a minute more, by hand and by itself.
        let late = Restart { detect: Nanos::seconds(60), ..it.clone() };
        assert_eq!(figure(&late, "automatic").value, base.value + 30.0);
        assert_eq!(figure(&late, "by hand").value, figure(&it, "by hand").value + 30.0);
        // One core in all: four share it.
        let narrow = Restart { survivors: 1, cores: 1, boots_at_once: 4, ..it.clone() };
        assert_eq!(figure(&narrow, "automatic").value, 60.0 + 4.0 * 240.0);
        // Nobody's hands: nothing is said of them.
        let study = Study { name: "x".into(), title: String::new(), kind: Kind::Restart(it.clone()) };
        let answer = Restart { by_hand: None, ..it }.answer(&study).unwrap();
        assert!(answer.figure("by hand").is_none() && answer.cannot_say[0].0 == "by hand");
    }
}
