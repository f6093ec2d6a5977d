//! The way back: the inverse of what a run did, last step first.
//!
//! A rollback visits the states of the plan in reverse, each of which was judged on the way forth; in between, a migration takes memory on the same two
//! hosts. What a run found done already it did not do, and it is left as it is. Steps that were begun and have no end in the journal are looked
//! at: one whose end is there is taken back too.

use std::collections::BTreeMap;

use models::plan::{Action, Condition, Plan, Start, Step};

use crate::expected::{Expected, Thing, touched};
use crate::whereabouts::Survey;

/// The inverse of an action; nothing where there is nothing to take back.
#[must_use]
pub fn inverse(action: &Action) -> Option<Action> {
    Some(match action.clone() {
        Action::BootHost { host } => Action::PowerOffHost { host },
        Action::PowerOffHost { host } => Action::BootHost { host },
        Action::DefineGuest { guest, host } => Action::UndefineGuest { guest, host },
        Action::UndefineGuest { guest, host } => Action::DefineGuest { guest, host },
        Action::StartGuest { guest, host } => Action::StopGuest { guest, host },
        Action::StopGuest { guest, host } => Action::StartGuest { guest, host },
        Action::MigrateGuest { guest, from, to } => Action::MigrateGuest { guest, from: to, to: from },
        Action::EvacuateHost { .. } => return None,
    })
}

/// The way back of an action. A guest that was stopped is made known again before it is started: a migration to that host and away again takes its
/// definition along.
fn back_of(action: &Action) -> Vec<Action> {
    let known = match action.clone() {
        Action::StopGuest { guest, host } => Some(Action::DefineGuest { guest, host }),
        _ => None,
    };
    known.into_iter().chain(inverse(action)).collect()
}

/// What must be so before and after an action that stands by itself.
fn conditions(action: &Action, mib: u64) -> (Vec<Condition>, Vec<Condition>) {
    match action.clone() {
        Action::BootHost { host } => (vec![Condition::HostOff { host: host.clone() }], vec![Condition::HostOn { host }]),
        Action::PowerOffHost { host } => {
            (vec![Condition::HostOn { host: host.clone() }, Condition::HostEmpty { host: host.clone() }], vec![Condition::HostOff { host }])
        }
        Action::EvacuateHost { host } => (vec![Condition::HostOn { host: host.clone() }], vec![Condition::HostEmpty { host }]),
        Action::DefineGuest { guest, host } => {
            (vec![Condition::HostOn { host: host.clone() }], vec![Condition::GuestDefined { guest, host }])
        }
        Action::UndefineGuest { guest, host } => {
            (vec![Condition::GuestDefined { guest, host: host.clone() }], vec![Condition::HostOn { host }])
        }
        Action::StartGuest { guest, host } => (
            vec![
                Condition::GuestStopped { guest: guest.clone() },
                Condition::GuestDefined { guest: guest.clone(), host: host.clone() },
                Condition::MemoryFree { host: host.clone(), mib },
            ],
            vec![Condition::GuestRunning { guest, host }],
        ),
        Action::StopGuest { guest, host } => {
            (vec![Condition::GuestRunning { guest: guest.clone(), host }], vec![Condition::GuestStopped { guest }])
        }
        Action::MigrateGuest { guest, from, to } => (
            vec![
                Condition::GuestRunning { guest: guest.clone(), host: from },
                Condition::HostOn { host: to.clone() },
                Condition::MemoryFree { host: to.clone(), mib },
            ],
            vec![Condition::GuestRunning { guest, host: to }],
        ),
    }
}

/// The plan of the way back.
///
/// `did` are the steps that the run did itself, in the order in which they ended; `begun` those without an end in the journal: of these, the ones whose
/// end is to be seen are taken back too. `survey` is the site now. Predictions and verdicts of the old plan are left out: they are of its end.
#[must_use]
pub fn plan(old: &Plan, guests: &BTreeMap<String, uuid::Uuid>, did: &[u32], found: &[u32], begun: &[u32], survey: &Survey) -> Plan {
    let start = old.start.clone().unwrap_or(Start { hosts: Vec::new(), guests: Vec::new() });
    let by_number: BTreeMap<u32, &Step> = old.steps.iter().map(|s| (s.number, s)).collect();
    let mut at = Expected::at(&start);
    let mut order: Vec<u32> = Vec::new();
    // What was found done already is part of where the run began; the plan's own order says the rest.
    let mut all: Vec<u32> = did.iter().chain(found).copied().collect();
    all.sort_unstable();
    for n in all {
        let Some(step) = by_number.get(&n) else { continue };
        at.follow(step);
        if did.contains(&n) {
            order.push(n);
        }
    }
    for n in begun {
        let Some(step) = by_number.get(n) else { continue };
        let mut after = at.clone();
        after.follow(step);
        let is_after = touched(&step.action).iter().all(|t| {
            let differs = match t {
                Thing::Host(h) => after.host(h, survey),
                Thing::Guest(g) => after.guest(g, guests.get(g).copied(), survey),
            };
            differs.is_none()
        });
        // A definition does not show in where guests run.
        let known = |guest: &str, host: &str| guests.get(guest).is_some_and(|u| survey.guest_on(*u, host).is_some());
        let is_after = match &step.action {
            Action::DefineGuest { guest, host } => known(guest, host),
            Action::UndefineGuest { guest, host } => !known(guest, host),
            Action::EvacuateHost { .. } => false,
            _ => is_after,
        };
        if is_after {
            at = after;
            order.push(*n);
        }
    }
    order.sort_unstable();
    let sizes = at.sizes.clone();
    let back: Vec<Action> = order.iter().rev().filter_map(|n| by_number.get(n)).flat_map(|s| back_of(&s.action)).collect();
    let steps: Vec<Step> = (1..)
        .zip(back)
        .map(|(number, action)| {
            let guest = crate::prepare::about(&action).0.and_then(|g| sizes.get(g)).map_or(0, |s| s.0);
            let (before, after) = conditions(&action, guest);
            Step { number, action, starts_after_s: None, beside: 0, before, after }
        })
        .collect();
    let mut from = start;
    for h in &mut from.hosts {
        h.on = at.on.get(&h.name).copied().unwrap_or(h.on);
    }
    for g in &mut from.guests {
        g.runs_on = at.runs_on.get(&g.name).cloned().flatten();
    }
    let mut end = Expected::at(&from);
    steps.iter().for_each(|s| end.follow(s));
    let placement = end.runs_on.iter().filter_map(|(g, h)| h.clone().map(|host| models::plan::Placed { guest: g.clone(), host })).collect();
    Plan {
        steps,
        placement,
        hosts_on: end.on.iter().filter(|(_, on)| **on).map(|(h, _)| h.clone()).collect(),
        start: Some(from),
        verdicts: Vec::new(),
        predicted: Vec::new(),
        predicted_requests: Vec::new(),
        purchases: Vec::new(),
        ..old.clone()
    }
}
