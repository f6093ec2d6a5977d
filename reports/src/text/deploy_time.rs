//! `shuyaku deploy-time`: how long a plan's steps take.

use models::law::deployment::Deployment;
use models::plan::Plan;

use super::table::{Align, Table, wrap};
use crate::say;

/// The widest line.
const COLUMNS: usize = 100;

/// A table of the steps with begin, end and what binds, one after the other and side by side; the totals with their ranges; what could
/// not be said and for want of which key; notes.
#[must_use]
pub fn deploy_time(plan: &Plan, found: &Deployment) -> String {
    let mut lines = vec![format!("plan for {}: how long it takes, {}", plan.site, say::some(found.steps.len() as u64, "step", "steps"))];
    let in_lanes = found.lanes.is_some();
    let right = |name| (name, Align::Right);
    let mut head = vec![right("step"), ("what", Align::Left), right("takes"), right("begins"), right("ends")];
    if in_lanes {
        head.extend([right("in lanes"), right("ends")]);
    }
    head.push(("what binds", Align::Left));
    let mut table = Table::new(&head);
    let at = |span: Option<(f64, f64)>| span.map_or((String::new(), String::new()), |(a, b)| (clock(a), clock(b)));
    for s in &found.steps {
        let (from, until) = at(s.serial_s);
        let takes = s.takes_s.map_or_else(|| "?".to_owned(), |t| seconds(t.value));
        let mut row = vec![s.number.to_string(), s.what.clone(), takes, from, until];
        if in_lanes {
            let (from, until) = at(s.lanes_s);
            row.extend([from, until]);
        }
        row.push(if s.takes_s.is_some() { s.binds.clone() } else { format!("cannot say: {}", s.binds) });
        table.row(row);
    }
    if !found.steps.is_empty() {
        lines.extend(table.lines(2, 44));
    }
    let range = |e: models::Estimate| {
        if e.is_ranged() { format!("{} ({} to {})", clock(e.value), clock(e.low), clock(e.high)) } else { clock(e.value) }
    };
    match found.serial_s {
        Some(all) => lines.push(format!("one after the other  {}", range(all))),
        None => {
            lines.push("one after the other  cannot say".into());
            let steps = say::some(found.steps.len() as u64, "step", "steps");
            lines.push(format!("  {} of {steps} of which it can be said: {}", found.known, range(found.known_s)));
        }
    }
    if let Some(lanes) = &found.lanes {
        let moves = if lanes.moves_at_once > 1 { format!(", {} moves at once", lanes.moves_at_once) } else { String::new() };
        let word = say::some(u64::from(lanes.lanes), "lane", "lanes");
        lines.push(format!("side by side         {} in {word}{moves}", range(lanes.total_s)));
    }
    for (key, n) in &found.missing {
        let steps = say::some(*n as u64, "step", "steps");
        lines.extend(wrap(&format!("cannot say           {steps}: not given: {key}"), COLUMNS, 21));
    }
    for note in &found.notes {
        lines.extend(wrap(&format!("note                 {note}"), COLUMNS, 21));
    }
    lines.join("\n") + "\n"
}

/// Seconds by their size.
fn seconds(s: f64) -> String {
    if s < 100.0 { format!("{s:.1} s") } else { format!("{} s", say::fixed(s, 0)) }
}

/// `h:mm:ss` on the clock of the deployment; to a tenth below a minute and a half.
fn clock(s: f64) -> String {
    if s < 90.0 {
        return format!("{s:.1} s");
    }
    let s = s.round() as u64;
    format!("{}:{:02}:{:02}", s / 3600, s / 60 % 60, s % 60)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_read_as_seconds_and_then_as_a_clock() {
        assert_eq!(
            (clock(9.06), clock(89.94), clock(90.0), clock(3725.4)),
            ("9.1 s".into(), "89.9 s".into(), "0:01:30".into(), "1:02:05".into())
        );
        assert_eq!((seconds(9.06), seconds(1234.4)), ("9.1 s".into(), "1,234 s".into()));
    }
}
