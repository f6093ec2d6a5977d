//! The steps of the plan.

use models::plan::{Action, Condition, Plan};
use serde::Serialize;

use super::{FOLD, SCREEN_ONLY};
use crate::say;

/// Most steps that the page holds; the plan's JSON holds all.
const MOST: usize = 4000;

/// Kinds of steps: the word, one, many.
const KINDS: [(&str, &str, &str); 8] = [
    ("boot", "boot", "boots"),
    ("define", "definition", "definitions"),
    ("start", "start", "starts"),
    ("migrate", "live migration", "live migrations"),
    ("stop", "stop", "stops"),
    ("undefine", "definition taken back", "definitions taken back"),
    ("evacuate", "evacuation", "evacuations"),
    ("power-off", "power-off", "power-offs"),
];

const fn kind(action: &Action) -> &'static str {
    match action {
        Action::BootHost { .. } => "boot",
        Action::DefineGuest { .. } => "define",
        Action::StartGuest { .. } => "start",
        Action::MigrateGuest { .. } => "migrate",
        Action::StopGuest { .. } => "stop",
        Action::UndefineGuest { .. } => "undefine",
        Action::EvacuateHost { .. } => "evacuate",
        Action::PowerOffHost { .. } => "power-off",
    }
}

#[derive(Serialize)]
pub(super) struct Steps {
    purchases: Vec<String>,
    counts: String,
    rows: Vec<Row>,
    rest: usize,
    fold: bool,
    screen_only: bool,
}

#[derive(Serialize)]
struct Row {
    number: u32,
    action: String,
    before: String,
    after: String,
}

pub(super) fn view(plan: &Plan) -> Steps {
    let words = |all: &[Condition]| all.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ");
    let mut counts: Vec<String> = KINDS
        .iter()
        .map(|(word, one, many)| (plan.steps.iter().filter(|s| kind(&s.action) == *word).count() as u64, *one, *many))
        .filter(|(n, ..)| *n > 0)
        .map(|(n, one, many)| say::some(n, one, many))
        .collect();
    let beside = plan.steps.iter().map(|s| s.beside).max().unwrap_or(0);
    if beside > 0 {
        counts.push(format!("up to {} steps side by side", beside + 1));
    }
    Steps {
        purchases: plan.purchases.iter().map(|p| format!("{} × {}: {}", p.hosts.len(), p.class, p.hosts.join(", "))).collect(),
        counts: if counts.is_empty() { "nothing to do".into() } else { counts.join(", ") },
        rows: plan
            .steps
            .iter()
            .take(MOST)
            .map(|s| Row { number: s.number, action: s.to_string(), before: words(&s.before), after: words(&s.after) })
            .collect(),
        rest: plan.steps.len().saturating_sub(MOST),
        fold: plan.steps.len() > FOLD,
        screen_only: plan.steps.len() > SCREEN_ONLY,
    }
}
