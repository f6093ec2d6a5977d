//! Hosts that are evacuated are on and carry nothing when the plan is done.
//!
//! It is asked of the end; on the way [`super::walk`] lets no guest be started on such a host, nor moved to it.

use super::{Breach, Judgement, RuleName, Verdict};
use crate::site::{Placement, Site};

/// The rule; nothing where no host is evacuated.
#[must_use]
pub fn judge(site: &Site, placement: &Placement) -> Option<Judgement> {
    let hosts = &site.rules.evacuated;
    if hosts.is_empty() {
        return None;
    }
    let mut breaches = Vec::new();
    for h in hosts {
        let mut breach = |needed: f64, available: f64, unit: &str, why: &str| {
            let place = site.hosts[h.index()].name.clone();
            breaches.push(Breach { needed, available, unit: unit.into(), place, when: None, why: why.into() });
        };
        let guests = placement.host_of.iter().filter(|x| **x == Some(*h)).count();
        if guests > 0 {
            breach(guests as f64, 0.0, "guests", "it is to be evacuated, and guests run there");
        }
        if !placement.on[h.index()] {
            breach(1.0, 0.0, "host", "it is to be evacuated and to stay on, and it is off");
        }
    }
    let names: Vec<&str> = hosts.iter().map(|h| site.hosts[h.index()].name.as_str()).collect();
    Some(Judgement {
        rule: RuleName::Evacuated,
        asked: format!("{} carry nothing and are on when the plan is done", names.join(", ")),
        verdict: Verdict::from(Vec::new(), breaches),
    })
}
