//! Every given with who says so.

use serde::Serialize;

use super::{FOLD, SCREEN_ONLY};
use crate::run::Run;
use crate::say;

const KINDS: [(&str, &str); 4] = [
    ("paper", "published, by ledger id or citation"),
    ("measured", "on the very machine or service"),
    ("proxy", "measured on another machine that stands in for it"),
    ("assumed", "nobody measured it"),
];

#[derive(Serialize)]
pub(super) struct Givens<'a> {
    counts: Vec<Count>,
    total: String,
    groups: Vec<Group<'a>>,
    fold: bool,
    screen_only: bool,
}

#[derive(Serialize)]
struct Count {
    kind: &'static str,
    meaning: &'static str,
    count: String,
    share: String,
}

/// The givens of one place.
#[derive(Serialize)]
struct Group<'a> {
    place: &'a str,
    rows: Vec<Row<'a>>,
}

#[derive(Serialize)]
struct Row<'a> {
    key: &'a str,
    value: &'a str,
    kind: &'static str,
    source: String,
}

pub(super) fn view(run: &Run) -> Givens<'_> {
    let total = run.givens.len();
    let counts = KINDS
        .iter()
        .map(|(kind, meaning)| {
            let n = run.givens.iter().filter(|g| g.source.kind() == *kind).count();
            Count { kind, meaning, count: say::count(n as u64), share: say::percent(if total > 0 { n as f64 / total as f64 } else { 0.0 }) }
        })
        .collect();
    let mut groups: Vec<Group<'_>> = Vec::new();
    for g in &run.givens {
        let text = g.source.to_string();
        let source = text.split_once(':').map_or_else(String::new, |x| x.1.to_owned());
        let row = Row { key: &g.key, value: &g.value, kind: g.source.kind(), source };
        match groups.last_mut() {
            Some(group) if group.place == g.place => group.rows.push(row),
            _ => groups.push(Group { place: &g.place, rows: vec![row] }),
        }
    }
    Givens { counts, total: say::count(total as u64), groups, fold: total > FOLD, screen_only: total > SCREEN_ONLY }
}
