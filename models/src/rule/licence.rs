//! Licences: no more in use than there may be.

use super::{Judgement, Margin, RuleName, Scales};
use crate::law::cost::licences_needed;
use crate::site::{Placement, Site};

/// The rule; it holds without a margin where no licence has a limit.
#[must_use]
pub fn judge(site: &Site, placement: &Placement) -> Judgement {
    let mut scales = Scales::default();
    for (licence, needed) in site.licences.iter().zip(licences_needed(site, placement)) {
        if let Some(max) = licence.max {
            let margin = Margin {
                needed: f64::from(needed),
                available: f64::from(max),
                unit: "licences".into(),
                place: licence.name.clone(),
                when: None,
            };
            scales.weigh(margin, || "more licences in use than there may be".into());
        }
    }
    Judgement { rule: RuleName::Licences, asked: "licences in use are within their number".into(), verdict: scales.verdict() }
}
