//! Every rule's verdict, with what is needed and what is available.

use models::plan::Plan;
use models::rule::{Judgement, Verdict};
use serde::Serialize;

use crate::contender::{Lineup, chosen, rules, word};
use crate::run::Run;
use crate::say;

#[derive(Serialize)]
pub(super) struct Verdicts {
    name: String,
    finding: String,
    rows: Vec<Row>,
}

#[derive(Serialize)]
struct Row {
    rule: &'static str,
    asked: String,
    verdict: &'static str,
    lines: Vec<Line>,
    more: usize,
}

/// A margin or a breach.
#[derive(Serialize, Default)]
struct Line {
    needed: String,
    available: String,
    unit: String,
    left: String,
    place: String,
    when: String,
    why: String,
}

/// Today's verdicts and the plan's. The plan's own hold for its way too, not only for where it ends.
pub(super) fn view(run: &Run, plan: Option<&Plan>, lineup: &Lineup<'_>) -> Vec<Verdicts> {
    let the_chosen = chosen(run);
    lineup
        .both()
        .map(|f| match plan {
            Some(plan) if the_chosen.is_some_and(|c| std::ptr::eq(c, f)) => table(&f.name, &plan.verdicts),
            _ => table(&f.name, &f.verdicts),
        })
        .collect()
}

fn table(name: &str, verdicts: &[Judgement]) -> Verdicts {
    Verdicts { name: name.to_owned(), finding: rules(verdicts), rows: verdicts.iter().map(row).collect() }
}

fn row(j: &Judgement) -> Row {
    let (lines, more) = match &j.verdict {
        Verdict::Holds { margin: None } => (vec![Line::default()], 0),
        Verdict::Undecided { why } => (vec![Line { why: why.clone(), ..Line::default() }], 0),
        Verdict::Holds { margin: Some(m) } => {
            let left = if m.available > 0.0 { say::percent(m.share_free()) } else { String::new() };
            (vec![line(m.needed, m.available, &m.unit, left, &m.place, m.when.as_deref(), "")], 0)
        }
        Verdict::Broken { breaches, count } => (
            breaches.iter().map(|b| line(b.needed, b.available, &b.unit, String::new(), &b.place, b.when.as_deref(), &b.why)).collect(),
            count.saturating_sub(breaches.len()),
        ),
    };
    Row { rule: j.rule.words(), asked: j.asked.clone(), verdict: word(&j.verdict), lines, more }
}

fn line(needed: f64, available: f64, unit: &str, left: String, place: &str, when: Option<&str>, why: &str) -> Line {
    let p = say::pair(needed, available, unit);
    Line {
        needed: p.needed,
        available: p.available,
        unit: p.unit,
        left,
        place: place.to_owned(),
        when: when.unwrap_or_default().to_owned(),
        why: why.to_owned(),
    }
}
