//! Fully virtual guests are spread over the hosts (S1-16): without PV drivers they cost their neighbours most.

use super::{Breach, Judgement, Margin, RuleName, Verdict};
use crate::site::{Mode, Placement, Site};

/// The rule, where the site asks for it.
#[must_use]
pub fn judge(site: &Site, placement: &Placement) -> Option<Judgement> {
    let most = site.rules.full_virtual_per_host?;
    let (mut margins, mut breaches) = (Vec::new(), Vec::new());
    for (h, guests) in placement.guests_by_host().into_iter().enumerate() {
        let count = guests.iter().filter(|g| site.guests[g.index()].mode == Mode::Full).count();
        let (needed, available, unit, place) = (count as f64, f64::from(most), "full-virtual guests".to_owned(), site.hosts[h].name.clone());
        if count > most as usize {
            breaches.push(Breach { needed, available, unit, place, when: None, why: "too many fully virtual guests on one host".into() });
        } else if count > 0 {
            margins.push(Margin { needed, available, unit, place, when: None });
        }
    }
    Some(Judgement { rule: RuleName::FullVirtualSpread, asked: format!("at most {most} fully virtual guests a host"), verdict: Verdict::from(margins, breaches) })
}
