//! What each lost host or domain leaves.

use models::rule::Verdict;
use models::rule::down::Headroom;
use serde::Serialize;

use crate::contender::{cpu_share, memory_share, word, worst_first};
use crate::run::Fleet;
use crate::say;

/// Most losses that are shown, the worst first.
const MOST: usize = 40;

#[derive(Serialize)]
pub(super) struct Losses {
    name: String,
    finding: String,
    rows: Vec<Row>,
    folded: Vec<Row>,
    rest: usize,
    rest_words: String,
}

#[derive(Serialize)]
struct Row {
    lost: String,
    guests: usize,
    verdict: &'static str,
    why: String,
    memory: Bar,
    cpu: Bar,
}

/// Losses that are not folded away.
const OPEN: usize = 10;

/// Needed against available.
#[derive(Serialize)]
struct Bar {
    text: String,
    percent: String,
    /// Length of the bar, percent of its room, which stands for all that is available.
    length: String,
    over: bool,
}

pub(super) fn view(fleet: &Fleet) -> Option<Losses> {
    if fleet.headrooms.is_empty() {
        return None;
    }
    let all = worst_first(fleet);
    let count = |w: &str| all.iter().filter(|h| word(&h.verdict) == w).count();
    let (holds, broken, undecided) = (count("holds"), count("broken"), count("undecided"));
    let mut parts = vec![format!("{holds} of {} can be borne", say::some(all.len() as u64, "loss", "losses"))];
    if broken > 0 {
        parts.push(format!("{broken} cannot"));
    }
    if undecided > 0 {
        parts.push(format!("{undecided} not decided"));
    }
    let rest = all.len().saturating_sub(MOST);
    let rest_bad = all.iter().skip(MOST).filter(|h| !h.verdict.holds()).count();
    // What does not hold is never folded away.
    let open = OPEN.max(broken + undecided).min(MOST);
    Some(Losses {
        name: fleet.name.clone(),
        finding: parts.join(", "),
        rows: all.iter().take(open).map(|h| row(h)).collect(),
        folded: all.iter().take(MOST).skip(open).map(|h| row(h)).collect(),
        rest,
        rest_words: if rest_bad == 0 {
            "all of them can be borne".into()
        } else {
            format!("{rest_bad} of them cannot be borne or are not decided")
        },
    })
}

fn row(h: &Headroom) -> Row {
    let why = match &h.verdict {
        Verdict::Holds { .. } => String::new(),
        Verdict::Undecided { why } => why.clone(),
        Verdict::Broken { breaches, count } => {
            let first = breaches.first().map_or_else(String::new, |b| b.why.clone());
            if *count > 1 { format!("{first}; and {} more", count - 1) } else { first }
        }
    };
    Row {
        lost: h.lost.clone(),
        guests: h.guests,
        verdict: word(&h.verdict),
        why,
        memory: bar(memory_share(h), h.needed_mib as f64, h.free_mib as f64, "MiB"),
        cpu: bar(cpu_share(h), h.cpu_needed_mhz, h.cpu_available_mhz, "MHz"),
    }
}

fn bar(share: f64, needed: f64, available: f64, unit: &str) -> Bar {
    let p = say::pair(needed, available, unit);
    Bar {
        text: if unit == "MiB" && needed == 0.0 {
            "nothing to restart".into()
        } else {
            format!("{} of {} {}", p.needed, p.available, p.unit)
        },
        percent: if share.is_finite() { say::percent(share) } else { "over".into() },
        length: format!("{:.1}", 100.0 * share.clamp(0.0, 1.0)),
        over: share > 1.0,
    }
}
