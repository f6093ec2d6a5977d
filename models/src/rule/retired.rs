//! Hosts that retire are off when the plan is done.
//!
//! It is asked of the end only: on the way old and new hosts stand side by side.

use super::{Breach, Judgement, RuleName, Verdict};
use crate::site::{Placement, Site};

/// The rule; nothing where no host retires.
#[must_use]
pub fn judge(site: &Site, placement: &Placement) -> Option<Judgement> {
    site.hosts.iter().any(|h| h.retires).then(|| {
        let on = site.hosts.iter().zip(&placement.on).enumerate().filter(|(_, (host, on))| host.retires && **on);
        let breaches = on
            .map(|(h, (host, _))| {
                let guests = placement.host_of.iter().flatten().filter(|x| x.index() == h).count();
                let carries = if guests == 0 { "nothing".to_owned() } else { format!("{guests} guests") };
                Breach {
                    needed: 1.0,
                    available: 0.0,
                    unit: "host".into(),
                    place: host.name.clone(),
                    when: None,
                    why: format!("it retires, is on and carries {carries}"),
                }
            })
            .collect();
        Judgement {
            rule: RuleName::Retired,
            asked: "hosts that retire are off when the plan is done".into(),
            verdict: Verdict::from(Vec::new(), breaches),
        }
    })
}
