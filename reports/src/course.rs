//! What was played at request level, in words: the page and the terminal say the same.
//!
//! Nothing is judged here: whether a flow has moved and whether a promise is kept is [`sim::experiment`]'s word.

use models::plan::Figure;
use sim::experiment::{CaseFindings, Comparison, Findings, FlowFindings, Kept, ORDINARY, Promise};

use crate::say;

/// A quantity with its interval: every number with as many digits as its half width tells apart, all in one unit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Said {
    /// The value.
    pub value: String,
    /// The ends of the interval; nothing where there is none, or where it has no length.
    pub ends: Option<(String, String)>,
    /// Half the length of the interval.
    pub half: Option<String>,
    /// The unit; empty for a count.
    pub unit: String,
}

impl Said {
    fn of(value: f64, interval: Option<(f64, f64)>, by: f64, unit: &str) -> Self {
        Self::with(value, interval, by, unit, say::fixed)
    }

    fn with(value: f64, interval: Option<(f64, f64)>, by: f64, unit: &str, text: fn(f64, usize) -> String) -> Self {
        let interval = interval.map(|(l, h)| (by * l, by * h)).filter(|(l, h)| h > l);
        let half = interval.map(|(l, h)| (h - l) / 2.0);
        let decimals = digits(by * value, half);
        Self {
            value: text(by * value, decimals),
            ends: interval.map(|(l, h)| (text(l, decimals), text(h, decimals))),
            half: half.map(|h| say::fixed(h, decimals)),
            unit: unit.to_owned(),
        }
    }

    /// `0.91 s`.
    pub(crate) fn plain(&self) -> String {
        joined(&self.value, &self.unit)
    }

    /// `0.91 s (0.88 to 0.95)`.
    pub(crate) fn ranged(&self) -> String {
        match &self.ends {
            Some((l, h)) => format!("{} ({l} to {h})", self.plain()),
            None => self.plain(),
        }
    }

    /// `0.91 ±0.04 s`.
    pub(crate) fn halved(&self) -> String {
        match &self.half {
            Some(half) => joined(&format!("{} ±{half}", self.value), &self.unit),
            None => self.plain(),
        }
    }

    /// `0.88 to 0.95`, or nothing.
    pub(crate) fn interval(&self) -> String {
        self.ends.as_ref().map_or_else(String::new, |(l, h)| format!("{l} to {h}"))
    }
}

fn joined(number: &str, unit: &str) -> String {
    if unit.is_empty() { number.to_owned() } else { format!("{number} {unit}") }
}

/// Decimals such that the half width has one digit of its own, two where the first is a one; without an interval, three digits of
/// the value.
fn digits(value: f64, half: Option<f64>) -> usize {
    let size = |x: f64| libm::floor(libm::log10(x.abs())) as i32;
    let most = if value == 0.0 { 6 } else { 3 - size(value) };
    let wanted = match half {
        Some(half) if half > 0.0 => {
            let first = size(half);
            let leading = half / libm::pow(10.0, f64::from(first));
            // A half width that rounds up to ten has its one there.
            if leading < 1.95 { 1 - first } else { -first }
        }
        _ if value == 0.0 || value.fract() == 0.0 && value.abs() < 10.0 => 0,
        _ => 2 - size(value),
    };
    wanted.min(most.max(0)).clamp(0, 6) as usize
}

/// A factor and a unit in which a delay of this size is read.
pub(crate) fn scale(seconds: f64) -> (f64, &'static str) {
    match seconds.abs() {
        x if x == 0.0 || x >= 0.1 => (1.0, "s"),
        x if x >= 1e-4 => (1e3, "ms"),
        _ => (1e6, "µs"),
    }
}

/// A delay.
pub(crate) fn delay(f: &Figure) -> Said {
    let (by, unit) = scale(f.value);
    Said::of(f.value, f.interval, by, unit)
}

/// A number of jobs, minutes, per cent: whatever has no better unit than its own.
pub(crate) fn amount(f: &Figure, unit: &str) -> Said {
    Said::of(f.value, f.interval, 1.0, unit)
}

/// The change of a flow's delay with its sign, and the interval of this flow alone.
pub(crate) fn change(c: &Comparison) -> Said {
    change_of(&c.difference)
}

/// A change with its sign and its interval.
pub(crate) fn change_of(f: &Figure) -> Said {
    let (by, unit) = scale(f.value);
    Said::with(f.value, f.interval, by, unit, signed)
}

/// The same with the interval at which all flows of the case hold together.
pub(crate) fn change_together(c: &Comparison) -> Said {
    let (by, unit) = scale(c.difference.value);
    Said::with(c.difference.value, c.together, by, unit, signed)
}

fn signed(x: f64, decimals: usize) -> String {
    let text = say::fixed(x, decimals);
    if x > 0.0 && text.bytes().any(|b| (b'1'..=b'9').contains(&b)) { format!("+{text}") } else { text }
}

/// A percentile by its name: `median`, `p95`, `p99.9`.
pub(crate) fn percentile(p: f64) -> String {
    if p == 50.0 { "median".into() } else { format!("p{}", (p * 1e6).round() / 1e6) }
}

/// A flow's quantile, where it was taken.
pub(crate) fn quantile(flow: &FlowFindings, q: f64) -> Option<&Figure> {
    flow.quantiles.iter().find(|x| (x.0 - q).abs() < 1e-9).map(|x| &x.1)
}

/// The mean delay.
pub(crate) fn typical(flow: &FlowFindings) -> Option<&Figure> {
    flow.mean.as_ref()
}

/// The flow of this name in a case.
pub(crate) fn flow<'a>(case: &'a CaseFindings, name: &str) -> Option<&'a FlowFindings> {
    case.flows.iter().find(|f| f.name == name)
}

/// What a case is held against.
pub(crate) fn other<'a>(findings: &'a Findings, case: &CaseFindings) -> Option<&'a CaseFindings> {
    let name = case.against.as_deref()?;
    findings.cases.iter().find(|c| c.name == name)
}

/// The course that a case is held against, as it is spoken of.
pub(crate) fn course(name: &str) -> String {
    if name == ORDINARY { "the ordinary course".into() } else { name.to_owned() }
}

/// Whether two cases are played over the same stretch.
pub(crate) fn same_stretch(a: &CaseFindings, b: &CaseFindings) -> bool {
    (a.from_h - b.from_h).abs() < 1e-9 && (a.lasts_h - b.lasts_h).abs() < 1e-9
}

/// The flows that moved, those first that moved by the largest factor; ties by name.
pub(crate) fn moved<'a>(case: &'a CaseFindings, other: Option<&CaseFindings>) -> Vec<&'a Comparison> {
    let factor = |c: &Comparison| -> f64 {
        let before = other.and_then(|o| flow(o, &c.flow)).and_then(typical).map_or(0.0, |f| f.value);
        let after = before + c.difference.value;
        if before <= 0.0 || after <= 0.0 { f64::MAX } else { (after / before).max(before / after) }
    };
    let mut all: Vec<&Comparison> = case.comparisons.iter().filter(|c| c.moved).collect();
    all.sort_by(|a, b| factor(b).total_cmp(&factor(a)).then_with(|| a.flow.cmp(&b.flow)));
    all
}

/// How many flows moved and how many did not, in a sentence without its stop.
pub(crate) fn counts(case: &CaseFindings) -> String {
    let moved = case.comparisons.iter().filter(|c| c.moved).count() as u64;
    let still = case.comparisons.len() as u64 - moved;
    let unknown = case.flows.len().saturating_sub(case.comparisons.len()) as u64;
    if case.replications < 2 {
        return "one replication: whether a flow moved is not tested".into();
    }
    let mut text = format!(
        "{} moved, {} did not move beyond {} interval",
        say::some(moved, "flow", "flows"),
        say::count(still),
        if still == 1 { "its" } else { "their" }
    );
    if unknown > 0 {
        text += &format!(", {} had no job served to compare", say::count(unknown));
    }
    text
}

/// An instant in h:mm from the start of the horizon, with its day where that matters.
pub(crate) fn instant(hours: f64, with_day: bool) -> String {
    let minutes = (hours * 60.0 + 1e-6).floor().max(0.0) as u64;
    if with_day {
        format!("day {} {}:{:02}", minutes / 1440 + 1, minutes / 60 % 24, minutes % 60)
    } else {
        format!("{}:{:02}", minutes / 60, minutes % 60)
    }
}

/// Whether a case goes beyond the first day, so that its times need their day.
pub(crate) fn needs_day(case: &CaseFindings) -> bool {
    case.from_h + case.lasts_h > 24.0 + 1e-9
}

/// The stretch that was played: `10:00 to 11:00`.
pub(crate) fn stretch(case: &CaseFindings) -> String {
    let day = needs_day(case);
    format!("{} to {}", instant(case.from_h, day), instant(case.from_h + case.lasts_h, day))
}

/// What was played, in a line; jobs with their interval where there is room for it.
pub(crate) fn played(findings: &Findings, room: bool) -> String {
    let Some(case) = findings.cases.first() else { return "nothing was played".into() };
    let each = if case.replications == 1 { "" } else { " each" };
    format!(
        "{} x {}, {} jobs, {} events{each}, seed {}",
        stretch(case),
        say::some(u64::from(case.replications), "replication", "replications"),
        if room { amount(&case.jobs, "").ranged() } else { say::count(case.jobs.value.max(0.0).round() as u64) },
        say::count(case.events.value.max(0.0).round() as u64),
        findings.seed
    )
}

/// That a case is unstable: in how many replications, and why the first of them stopped. Two sentences without a stop.
pub(crate) fn unstable(case: &CaseFindings) -> Option<(String, String)> {
    let (why, stopped) = case.unstable.as_ref()?;
    // Names stand first in it, so that its first letter stays as it is.
    let why = why.strip_prefix("unstable:").unwrap_or(why).trim().trim_end_matches('.').to_owned();
    let all = say::some(u64::from(case.replications), "replication", "replications");
    Some((format!("{} of {all} did not reach the end", say::count(u64::from(*stopped))), why))
}

/// A verdict on a promise: its words, and its class on the page.
pub(crate) const fn kept(kept: Kept) -> (&'static str, &'static str) {
    match kept {
        Kept::Yes => ("kept", "holds"),
        Kept::No => ("not kept", "broken"),
        Kept::Undecided => ("undecided", "undecided"),
    }
}

/// For how many a promise was missed: `12 % (11 to 13) of its jobs`.
pub(crate) fn missed(p: &Promise) -> String {
    p.missed.as_ref().map_or_else(|| "nobody knows how many".into(), |m| format!("{} of its jobs", amount(m, "%").ranged()))
}

/// What is promised: `p95 within 0.8 s`.
pub(crate) fn promised(p: &Promise) -> String {
    format!("{} within {}", percentile(p.percentile), within(p.within_s))
}

/// A delay as it was given, with no more digits than it has: `0.8 s`, `50 ms`.
pub(crate) fn within(seconds: f64) -> String {
    let (by, unit) = scale(seconds);
    let text = say::fixed(by * seconds, 6);
    format!("{} {unit}", text.trim_end_matches('0').trim_end_matches('.'))
}

/// Promises of a case: kept, all, and those that are not kept or not decided, the furthest beyond first.
pub(crate) fn promises(case: &CaseFindings) -> (usize, usize, Vec<(&FlowFindings, &Promise)>) {
    let all: Vec<(&FlowFindings, &Promise)> = case.flows.iter().filter_map(|f| Some((f, f.objective.as_ref()?))).collect();
    let rank = |p: &Promise| u8::from(p.kept == Kept::Undecided);
    let beyond = |p: &Promise| p.missed.as_ref().map_or(0.0, |m| m.value / (100.0 - p.percentile));
    let mut open: Vec<_> = all.iter().copied().filter(|(_, p)| p.kept != Kept::Yes).collect();
    open.sort_by(|a, b| rank(a.1).cmp(&rank(b.1)).then_with(|| beyond(b.1).total_cmp(&beyond(a.1))).then_with(|| a.0.name.cmp(&b.0.name)));
    (all.len() - open.len(), all.len(), open)
}

/// The flows whose promises are surely not kept in the ordinary course; all with a promise where it is unstable.
pub(crate) fn broken(findings: &Findings) -> Vec<&str> {
    let Some(case) = findings.cases.first() else { return Vec::new() };
    let no = |f: &&FlowFindings| f.objective.as_ref().is_some_and(|p| case.unstable.is_some() || p.kept == Kept::No);
    case.flows.iter().filter(no).map(|f| f.name.as_str()).collect()
}

/// The request level of a run in a line or two for its summary, without a stop.
pub(crate) fn brief(findings: &Findings) -> Option<String> {
    let case = findings.cases.first().filter(|c| !c.flows.is_empty())?;
    let (kept, all, open) = promises(case);
    let mut parts = Vec::new();
    if let Some((how_many, why)) = unstable(case) {
        parts.push(format!("UNSTABLE: {how_many}: {why}"));
    }
    let over = format!("over {} x {}", stretch(case), say::some(u64::from(case.replications), "replication", "replications"));
    parts.push(match all {
        0 => format!("{} played {over}, none with a promise", say::some(case.flows.len() as u64, "flow", "flows")),
        _ => format!("{kept} of {} kept {over}", say::some(all as u64, "promise", "promises")),
    });
    if let Some((flow, p)) = open.first() {
        let within = within(p.within_s);
        let name = percentile(p.percentile);
        parts.push(match (&p.reached, p.kept) {
            // Those that were served may be in time while others are lost or still wait.
            (Some(r), Kept::No) if r.value > p.within_s => format!("{} {name} {} over its {within}", flow.name, delay(r).ranged()),
            (_, Kept::No) => format!("{} misses its {within} for {}", flow.name, missed(p)),
            (Some(r), _) => format!("{} {name} {} not shown within its {within}", flow.name, delay(r).ranged()),
            (None, _) => format!("{}: too few jobs for its {name} within {within}", flow.name),
        });
    }
    let unstable: Vec<&str> = findings.cases.iter().skip(1).filter(|c| c.unstable.is_some()).map(|c| c.name.as_str()).collect();
    if !unstable.is_empty() {
        parts.push(format!("unstable in case {}", unstable.join(", ")));
    }
    Some(parts.join("; "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_interval_decides_how_many_digits_are_given() {
        let said = |v, l, h| Said::of(v, Some((l, h)), 1.0, "s").ranged();
        // Half widths 0.035, 0.012, 40 and 1.6: the first digit, two where it is a one.
        assert_eq!(said(0.912_34, 0.877_34, 0.947_34), "0.91 s (0.88 to 0.95)");
        assert_eq!(said(0.5, 0.488, 0.512), "0.500 s (0.488 to 0.512)");
        assert_eq!(said(1234.5, 1194.5, 1274.5), "1,234 s (1,194 to 1,274)");
        assert_eq!(said(20.0, 18.4, 21.6), "20.0 s (18.4 to 21.6)");
        // All replications alike: no interval, three digits.
        assert_eq!(said(2.0 / 3.0, 2.0 / 3.0, 2.0 / 3.0), "0.667 s");
        assert_eq!(Said::of(0.0, Some((0.0, 0.0)), 1.0, "").ranged(), "0");
        assert_eq!(Said::of(0.0421, Some((0.0411, 0.0431)), 1e3, "ms").halved(), "42.1 ±1.0 ms");
    }

    #[test]
    fn a_promise_is_given_as_it_was_made() {
        assert_eq!((within(0.8), within(30.0), within(0.05), within(0.1)), ("0.8 s".into(), "30 s".into(), "50 ms".into(), "0.1 s".into()));
    }

    #[test]
    fn a_change_has_a_sign_unless_it_is_nothing() {
        assert_eq!((signed(0.5, 1), signed(-0.5, 1), signed(0.01, 1)), ("+0.5".into(), "-0.5".into(), "0.0".into()));
    }

    #[test]
    fn instants_count_from_the_start_and_name_their_day_where_asked() {
        assert_eq!(instant(10.5, false), "10:30");
        assert_eq!(instant(34.25, true), "day 2 10:15");
        // 9.95 h are 597 minutes, though 9.95 x 60 falls short of it in binary.
        assert_eq!(instant(9.95, false), "9:57");
        assert_eq!((percentile(95.0), percentile(99.9), percentile(50.0)), ("p95".into(), "p99.9".into(), "median".into()));
    }
}
