//! Steps side by side: each step gets the largest `beside` at which the judge finds nothing.
//!
//! [`gather`] first brings steps into an order in which they can be side by side: a definition and the start that needs it keep the
//! start after them waiting, and several definitions before several starts do not. [`widen`] changes no order. It asks
//! [`models::rule::beside`] under every demand, and the walk has the last word. Another order of moves, in which more of them could
//! run together, is left out.

use models::demand::Demand;
use models::plan::{Action, MOST_BESIDE, Step};
use models::rule::{beside, walk};
use models::site::{Placement, Site};
use rayon::prelude::*;

/// So many of the steps that could be done side by side are looked at; those after them are done one after the other.
pub const MOST_WIDENED: usize = 2_000;

/// The most lanes that there is something to do for.
pub const MOST_LANES: u32 = MOST_BESIDE + 1;

/// Steps with `beside`, set from the first on to the largest value below `lanes` that the judge lets pass under every demand.
#[must_use]
pub fn widen(site: &Site, demands: &[Demand], start: &Placement, mut steps: Vec<Step>, lanes: u32) -> Vec<Step> {
    steps.iter_mut().for_each(|s| s.beside = 0);
    let Some((first, others)) = demands.split_first() else { return steps };
    let most = lanes.saturating_sub(1).min(MOST_BESIDE);
    let mut looked_at = 0;
    let caps: Vec<u32> = steps
        .iter()
        .map(|s| {
            looked_at += usize::from(has_lanes(s));
            if has_lanes(s) && looked_at <= MOST_WIDENED { most } else { 0 }
        })
        .collect();
    let mut wide = beside::widest(site, first, start, &steps, &caps);
    let under_others: Vec<Vec<u32>> = others.par_iter().map(|d| beside::widest(site, d, start, &steps, &wide)).collect();
    for narrower in under_others {
        wide.iter_mut().zip(narrower).for_each(|(w, n)| *w = (*w).min(n));
    }
    steps.iter_mut().zip(wide).for_each(|(s, w)| s.beside = w);
    // A window changes which groups may have run whole before the steps after it: what is then refused is taken back.
    loop {
        let walks: Vec<walk::Walk> = demands.par_iter().map(|d| walk::walk(site, d, start, &steps)).collect();
        let refused = |s: &Step| s.beside > 0 && walks.iter().any(|w| w.faults.iter().any(|f| f.step == s.number));
        let Some(step) = steps.iter_mut().find(|s| refused(s)) else { return steps };
        step.beside -= 1;
    }
}

/// How many of the steps that could be done side by side [`widen`] does not look at.
#[must_use]
pub fn not_looked_at(steps: &[Step]) -> usize {
    steps.iter().filter(|s| has_lanes(s)).count().saturating_sub(MOST_WIDENED)
}

/// Whether a step is one of those that may be done beside others.
const fn has_lanes(step: &Step) -> bool {
    match step.action {
        Action::DefineGuest { .. }
        | Action::StartGuest { .. }
        | Action::MigrateGuest { .. }
        | Action::StopGuest { .. }
        | Action::UndefineGuest { .. } => true,
        Action::BootHost { .. } | Action::EvacuateHost { .. } | Action::PowerOffHost { .. } => false,
    }
}

/// The steps with as many definitions as there are lanes before as many starts, wherever guests are defined and started one after the
/// other.
#[must_use]
pub fn gather(steps: &[Step], lanes: u32) -> Vec<Step> {
    let at_once = 2 * lanes.max(1) as usize;
    let mut all: Vec<Step> = Vec::with_capacity(steps.len());
    let mut k = 0;
    while k < steps.len() {
        let run = steps[k..].chunks_exact(2).take_while(|pair| define_and_start(pair)).count() * 2;
        for some in steps[k..k + run].chunks(at_once) {
            all.extend(some.iter().step_by(2).cloned());
            all.extend(some.iter().skip(1).step_by(2).cloned());
        }
        if run == 0 {
            all.push(steps[k].clone());
        }
        k += run.max(1);
    }
    for (number, step) in (1..).zip(&mut all) {
        step.number = number;
    }
    all
}

/// Whether two steps define a guest and start it there.
fn define_and_start(pair: &[Step]) -> bool {
    match (&pair[0].action, &pair[1].action) {
        (Action::DefineGuest { guest: a, host: x }, Action::StartGuest { guest: b, host: y }) => a == b && x == y,
        _ => false,
    }
}

/// The steps side by side in as many lanes as asked: gathered where that keeps every rule, and widened.
#[must_use]
pub fn side_by_side(site: &Site, demands: &[Demand], start: &Placement, steps: &[Step], lanes: u32) -> Vec<Step> {
    let gathered = gather(steps, lanes);
    let holds = demands.par_iter().all(|d| walk::walk(site, d, start, &gathered).faults.is_empty());
    widen(site, demands, start, if holds { gathered } else { steps.to_vec() }, lanes)
}
