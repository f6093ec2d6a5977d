//! Fully virtual guests are spread over the hosts (S1-16): without PV drivers they cost their neighbours most.

use super::{Judgement, Margin, RuleName, Scales};
use crate::site::{Mode, Placement, Site};

/// The rule, where the site asks for it.
#[must_use]
pub fn judge(site: &Site, placement: &Placement) -> Option<Judgement> {
    let most = site.rules.full_virtual_per_host?;
    let mut scales = Scales::default();
    for (h, guests) in placement.guests_by_host().into_iter().enumerate() {
        let count = guests.iter().filter(|g| site.guests[g.index()].mode == Mode::Full).count();
        if count > 0 {
            let margin = Margin {
                needed: count as f64,
                available: f64::from(most),
                unit: "full-virtual guests".into(),
                place: site.hosts[h].name.clone(),
                when: None,
            };
            scales.weigh(margin, || "too many fully virtual guests on one host".into());
        }
    }
    Some(Judgement {
        rule: RuleName::FullVirtualSpread,
        asked: format!("at most {most} fully virtual guests a host"),
        verdict: scales.verdict(),
    })
}
