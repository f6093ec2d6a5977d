//! Capacity of every host: memory always, CPU at a percentile.

use super::{HostLoads, Judgement, Margin, RuleName, Scales, clock, cpu_limit_khz};
use crate::demand::Demand;
use crate::quantity::MiB;
use crate::site::{GuestId, HostId, Placement, Site};

/// Memory of every host that is on: the guests' and the hypervisor's fit in what is installed.
///
/// `also` are guests that take memory on a host without running there: the target of a live migration.
#[must_use]
pub fn memory(site: &Site, placement: &Placement, also: &[(GuestId, HostId)]) -> Judgement {
    let mut used = vec![MiB(0); site.hosts.len()];
    for (g, host) in placement.host_of.iter().enumerate() {
        if let Some(h) = host {
            used[h.index()] = used[h.index()] + site.guests[g].memory;
        }
    }
    for (g, h) in also {
        used[h.index()] = used[h.index()] + site.guests[g.index()].memory;
    }
    let mut scales = Scales::default();
    for (h, used) in used.into_iter().enumerate().filter(|(_, used)| *used > MiB(0)) {
        let available = site.class_of(HostId::at(h)).guest_memory();
        let margin = Margin {
            needed: used.0 as f64,
            available: available.0 as f64,
            unit: "MiB".into(),
            place: site.hosts[h].name.clone(),
            when: None,
        };
        scales.weigh(margin, || "memory of the guests exceeds what the hypervisor leaves".into());
    }
    Judgement { rule: RuleName::Memory, asked: "memory of the guests of each host fits, always".into(), verdict: scales.verdict() }
}

/// CPU of every host: the percentile of its load is within the share of its capacity.
#[must_use]
pub(crate) fn cpu(site: &Site, demand: &Demand, placement: &Placement, loads: &HostLoads) -> Judgement {
    let rule = site.rules.cpu;
    let mut scales = Scales::default();
    for h in (0..site.hosts.len()).filter(|h| placement.on[*h] && !loads[*h].khz.is_empty()) {
        let margin = Margin {
            needed: loads[h].at_percentile as f64 / 1000.0,
            available: cpu_limit_khz(site, HostId::at(h), rule.limit) / 1000.0,
            unit: "MHz".into(),
            place: site.hosts[h].name.clone(),
            // A percentile has an instant only where it is the peak.
            when: clock(demand, loads[h].peak_step).filter(|_| loads[h].at_percentile == loads[h].most),
        };
        scales.weigh(margin, || {
            format!("its load at the {}th percentile exceeds {:.0} % of its capacity", rule.percentile, 100.0 * rule.limit)
        });
    }
    Judgement {
        rule: RuleName::Cpu,
        asked: format!(
            "each host's CPU load at the {}th percentile is within {:.0} % of its capacity",
            rule.percentile,
            100.0 * rule.limit
        ),
        verdict: scales.verdict(),
    }
}
