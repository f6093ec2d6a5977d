//! A Web server's combined log: `host ident user [time] "request" status bytes "referer" "agent"`.
//!
//! Apache and nginx escape differently (`\"` and `\\`; `\x22` and `\x5C`); both are undone, to bytes, since what a client
//! sends need not be text. The common format (without the last two) and further fields at the end are taken too, and so is
//! a line that was cut off inside the last two: loggers cut long lines, and time, status and bytes are before them. Lines
//! need not be in order of time: a server writes them as requests end.

use std::path::Path;

use models::quantity::Nanos;

use crate::error::Error;
use crate::lines::{Limits, Lines};

/// A line of a log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// Who asked.
    pub host: Vec<u8>,
    /// When.
    pub time: Instant,
    /// The request line, its escapes undone.
    pub request: Vec<u8>,
    /// The status.
    pub status: u16,
    /// Bytes sent; `-` is 0.
    pub bytes: u64,
    /// Where the client came from, its escapes undone; nothing in the common format.
    pub referer: Option<Vec<u8>>,
    /// What the client says that it is, its escapes undone; nothing in the common format.
    pub agent: Option<Vec<u8>>,
}

/// A time as a log writes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Instant {
    /// Seconds since 1970, UTC.
    pub unix_s: i64,
    /// What the clock of the log is ahead of UTC, seconds.
    pub offset_s: i32,
}

impl Instant {
    /// The midnight before, by the clock of the log.
    #[must_use]
    pub const fn midnight(self) -> Self {
        let local = self.unix_s + self.offset_s as i64;
        Self { unix_s: self.unix_s - local.rem_euclid(86_400), ..self }
    }
}

/// The requests of a log, by step.
#[derive(Debug, Clone, PartialEq)]
pub struct Counts {
    /// The start of the first step.
    pub start: Instant,
    /// Requests in each step.
    pub by_step: Vec<u64>,
    /// All lines of the log, in the steps or not.
    pub lines: u64,
    /// Bytes of all lines.
    pub bytes: u64,
    /// The latest time in the log.
    pub last: Instant,
}

/// Counts the lines of a log by step, from `start` or else from the midnight before its first line.
///
/// # Errors
/// A line that is not of the format, a file that cannot be read, or a log without a line.
pub fn count(file: &Path, start: Option<Instant>, step: Nanos, steps: usize, limits: Limits) -> Result<Counts, Error> {
    let mut lines = Lines::open(file, limits)?;
    let mut counts: Option<Counts> = None;
    while let Some(text) = lines.next()? {
        if text.is_empty() {
            continue;
        }
        let line = parse(text).map_err(|bad| {
            let rest = String::from_utf8_lossy(&lines.last()[bad.at.min(lines.last().len())..]);
            lines.error(format!("this is not a line of a combined log: {}", bad.what)).column(bad.at + 1).value(&rest).help(FORM)
        })?;
        let counts = counts.get_or_insert_with(|| Counts {
            start: start.unwrap_or_else(|| line.time.midnight()),
            by_step: vec![0; steps],
            lines: 0,
            bytes: 0,
            last: line.time,
        });
        counts.lines += 1;
        counts.bytes = counts.bytes.saturating_add(line.bytes);
        if line.time.unix_s > counts.last.unix_s {
            counts.last = line.time;
        }
        if let Ok(after_s) = u64::try_from(line.time.unix_s - counts.start.unix_s) {
            let k = u128::from(after_s) * 1_000_000_000 / u128::from(step.0);
            if let Some(count) = usize::try_from(k).ok().and_then(|k| counts.by_step.get_mut(k)) {
                *count += 1;
            }
        }
    }
    counts.ok_or_else(|| Error::new(lines.file(), "the log is empty"))
}

const FORM: &str = "host ident user [17/May/2015:10:05:03 +0000] \"request\" status bytes \"referer\" \"agent\"";

/// What is wrong with a line, and at which byte.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("byte {at}: {what}")]
pub struct BadLine {
    /// The byte, from 0.
    pub at: usize,
    /// What is wrong.
    pub what: &'static str,
}

/// Reads a line, given without its end.
///
/// # Errors
/// What is wrong, and at which byte.
pub fn parse(line: &[u8]) -> Result<Line, BadLine> {
    let mut rest = Rest { line, at: 0 };
    let host = rest.word("no host")?.to_vec();
    rest.word("no ident")?;
    // A user name may hold blanks: it ends where the time starts.
    let bracket = line[rest.at..].windows(2).position(|two| two == b" [").ok_or(BadLine { at: rest.at, what: "no [time]" })?;
    rest.at += bracket + 2;
    let from = rest.at;
    let to = line[from..].iter().position(|b| *b == b']').ok_or(BadLine { at: from, what: "the [time] has no end" })?;
    let time = instant(&line[from..from + to]).ok_or(BadLine { at: from, what: "this is no time" })?;
    rest.at = from + to + 1;
    let request = rest.quoted("no \"request\"", IfCut::Refuse)?;
    let at = rest.at + 1;
    let status =
        rest.number().and_then(|n| u16::try_from(n).ok()).filter(|n| (100..1000).contains(n)).ok_or(BadLine { at, what: "no status" })?;
    let at = rest.at + 1;
    let bytes = if line[rest.at..].starts_with(b" -") && matches!(line.get(rest.at + 2), None | Some(b' ')) {
        rest.at += 2;
        0
    } else {
        rest.number().ok_or(BadLine { at, what: "no count of bytes" })?
    };
    let (mut referer, mut agent) = (None, None);
    if rest.at < line.len() {
        referer = Some(rest.quoted("no \"referer\"", IfCut::Take)?);
        agent = if rest.at < line.len() { Some(rest.quoted("no \"agent\"", IfCut::Take)?) } else { None };
    }
    Ok(Line { host, time, request, status, bytes, referer, agent })
}

struct Rest<'l> {
    line: &'l [u8],
    at: usize,
}

/// What becomes of a field whose end is missing.
#[derive(Clone, Copy, PartialEq, Eq)]
enum IfCut {
    Refuse,
    Take,
}

impl<'l> Rest<'l> {
    /// What stands before the next blank.
    fn word(&mut self, what: &'static str) -> Result<&'l [u8], BadLine> {
        let rest = &self.line[self.at..];
        let rest = if self.at > 0 { rest.strip_prefix(b" ").ok_or(BadLine { at: self.at, what })? } else { rest };
        let length = rest.iter().position(|b| *b == b' ').filter(|n| *n > 0).ok_or(BadLine { at: self.at, what })?;
        self.at = self.line.len() - rest.len() + length;
        Ok(&rest[..length])
    }

    /// A blank, and digits up to a blank or the end.
    fn number(&mut self) -> Option<u64> {
        let rest = self.line[self.at..].strip_prefix(b" ")?;
        let length = rest.iter().position(|b| *b == b' ').unwrap_or(rest.len());
        if length == 0 || !rest[..length].iter().all(u8::is_ascii_digit) {
            return None;
        }
        let number = std::str::from_utf8(&rest[..length]).ok()?.parse().ok()?;
        self.at += 1 + length;
        Some(number)
    }

    /// A blank, and what stands between quotes, its escapes undone.
    fn quoted(&mut self, what: &'static str, if_cut: IfCut) -> Result<Vec<u8>, BadLine> {
        let bad = BadLine { at: self.at, what };
        let rest = self.line[self.at..].strip_prefix(b" \"").ok_or(bad)?;
        let start = self.at + 2;
        let mut out = Vec::new();
        let mut i = 0;
        loop {
            match rest.get(i) {
                None if if_cut == IfCut::Take => {
                    self.at = self.line.len();
                    return Ok(out);
                }
                None => return Err(BadLine { at: start, what: "a quote is not closed" }),
                Some(b'"') => break,
                Some(b'\\') => {
                    let (byte, length) = escape(&rest[i..]);
                    out.push(byte);
                    i += length;
                }
                Some(byte) => {
                    out.push(*byte);
                    i += 1;
                }
            }
        }
        self.at = start + i + 1;
        Ok(out)
    }
}

/// The byte that an escape stands for, and the escape's length. A backslash before anything else stands for itself.
fn escape(text: &[u8]) -> (u8, usize) {
    let hex = |b: u8| char::from(b).to_digit(16).map(|d| d as u8);
    match text.get(1) {
        Some(b'x') => match (text.get(2).and_then(|b| hex(*b)), text.get(3).and_then(|b| hex(*b))) {
            (Some(high), Some(low)) => (high << 4 | low, 4),
            _ => (b'\\', 1),
        },
        Some(b'"') => (b'"', 2),
        Some(b'\\') => (b'\\', 2),
        Some(b'n') => (b'\n', 2),
        Some(b'r') => (b'\r', 2),
        Some(b't') => (b'\t', 2),
        Some(b'b') => (8, 2),
        Some(b'v') => (11, 2),
        Some(b'f') => (12, 2),
        _ => (b'\\', 1),
    }
}

/// The time of a log: `17/May/2015:10:05:03 +0000`.
#[must_use]
pub fn instant(text: &[u8]) -> Option<Instant> {
    const MONTHS: [&[u8]; 12] = [b"Jan", b"Feb", b"Mar", b"Apr", b"May", b"Jun", b"Jul", b"Aug", b"Sep", b"Oct", b"Nov", b"Dec"];
    let (date, zone) = (text.get(..20)?, text.get(20..)?);
    let number = |from: usize, to: usize| -> Option<i64> {
        let digits = date.get(from..to)?;
        digits.iter().all(u8::is_ascii_digit).then(|| digits.iter().fold(0, |n, d| n * 10 + i64::from(d - b'0')))
    };
    if [date[2], date[6], date[11], date[14], date[17]] != *b"//:::" || zone.len() != 6 || zone[0] != b' ' {
        return None;
    }
    let (day, year) = (number(0, 2)?, number(7, 11)?);
    let month = MONTHS.iter().position(|m| *m == &date[3..6])? as i64 + 1;
    let (hour, minute, second) = (number(12, 14)?, number(15, 17)?, number(18, 20)?);
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let days_in_month = match month {
        2 => 28 + i64::from(leap),
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    };
    if !(1..=days_in_month).contains(&day) || hour > 23 || minute > 59 || second > 60 || year < 1970 {
        return None;
    }
    let sign = match zone[1] {
        b'+' => 1,
        b'-' => -1,
        _ => return None,
    };
    let zone_digits = &zone[2..];
    if !zone_digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let two = |i: usize| i32::from(zone_digits[i] - b'0') * 10 + i32::from(zone_digits[i + 1] - b'0');
    let offset_s = sign * (two(0) * 3600 + two(2) * 60);
    let local = days_from_1970(year, month, day) * 86_400 + hour * 3600 + minute * 60 + second;
    Some(Instant { unix_s: local - i64::from(offset_s), offset_s })
}

/// Days from 1 January 1970 in the Gregorian calendar (years counted from March, so that a leap day is the last).
const fn days_from_1970(year: i64, month: i64, day: i64) -> i64 {
    let y = if month <= 2 { year - 1 } else { year };
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    y * 365 + y / 4 - y / 100 + y / 400 + day_of_year - 719_468
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_of_apache_is_read_with_its_escapes() {
        let line =
            br#"10.0.0.1 - jo doe [17/May/2015:10:05:03 +0900] "GET /a\"b\\c HTTP/1.1" 200 203023 "http://\xe4\xe5/" "Mozilla/5.0 (X11)""#;
        let line = parse(line).unwrap();
        assert_eq!((line.status, line.bytes), (200, 203_023));
        assert_eq!(line.request, br#"GET /a"b\c HTTP/1.1"#);
        assert_eq!(line.referer.as_deref(), Some(&b"http://\xe4\xe5/"[..]));
        // 2015-05-17 01:05:03 UTC is 1431824703 (date -u -d @1431824703).
        assert_eq!(line.time, Instant { unix_s: 1_431_824_703, offset_s: 9 * 3600 });
        // Its midnight by its own clock: ten hours, five minutes and three seconds before.
        assert_eq!(line.time.midnight().unix_s, 1_431_824_703 - 36_303);
    }

    #[test]
    fn a_line_of_nginx_is_read_with_its_escapes_and_its_further_fields() {
        let line = br#"::1 - - [29/Feb/2024:23:59:60 +0000] "GET /\x22\x5C" 304 0 "-" "-" 0.004"#;
        let line = parse(line).unwrap();
        assert_eq!(line.request, br#"GET /"\"#);
        assert_eq!(line.agent.as_deref(), Some(&b"-"[..]));
    }

    #[test]
    fn the_common_format_is_read_and_no_bytes_are_zero() {
        let line = parse(br#"a - - [01/Jul/1995:00:00:01 -0400] "GET / HTTP/1.0" 304 -"#).unwrap();
        assert_eq!((line.bytes, line.agent), (0, None));
    }

    #[test]
    fn a_line_that_is_cut_off_in_the_agent_is_a_request_all_the_same() {
        let line = parse(br#"a - - [20/May/2015:05:05:26 +0000] "GET / HTTP/1.0" 200 37932 "-" "Mozilla/5.0 (comp"#).unwrap();
        assert_eq!((line.bytes, line.agent.as_deref()), (37_932, Some(&b"Mozilla/5.0 (comp"[..])));
    }

    #[test]
    fn a_wrong_line_says_at_which_byte() {
        for (line, at, what) in [
            (&b"a - - 17/May/2015"[..], 3, "no [time]"),
            (b"a - - [17/Mai/2015:10:05:03 +0000] \"x\" 200 1", 7, "this is no time"),
            (b"a - - [30/Feb/2015:10:05:03 +0000] \"x\" 200 1", 7, "this is no time"),
            (b"a - - [17/May/2015:10:05:03 +0000] \"x 200 1", 36, "a quote is not closed"),
            (b"a - - [17/May/2015:10:05:03 +0000] \"x\" 2x0 1", 39, "no status"),
            (b"a - - [17/May/2015:10:05:03 +0000] \"x\" 200 -1", 43, "no count of bytes"),
        ] {
            assert_eq!(parse(line), Err(BadLine { at, what }), "{}", String::from_utf8_lossy(line));
        }
    }
}
