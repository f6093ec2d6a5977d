//! Licences: no more in use than there may be.

use super::{Breach, Judgement, Margin, RuleName, Verdict};
use crate::law::cost::licences_needed;
use crate::site::{Placement, Site};

/// The rule; it holds without a margin where no licence has a limit.
#[must_use]
pub fn judge(site: &Site, placement: &Placement) -> Judgement {
    let (mut margins, mut breaches) = (Vec::new(), Vec::new());
    for (licence, needed) in site.licences.iter().zip(licences_needed(site, placement)) {
        let Some(max) = licence.max else { continue };
        let (needed, available, unit, place) = (f64::from(needed), f64::from(max), "licences".to_owned(), licence.name.clone());
        if needed > available {
            breaches.push(Breach { needed, available, unit, place, when: None, why: "more licences in use than there may be".into() });
        } else {
            margins.push(Margin { needed, available, unit, place, when: None });
        }
    }
    Judgement { rule: RuleName::Licences, asked: "licences in use are within their number".into(), verdict: Verdict::from(margins, breaches) }
}
