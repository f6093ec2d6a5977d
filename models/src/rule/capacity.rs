//! Capacity of every host: memory always, CPU at a percentile.

use super::{Breach, HostLoads, Judgement, Margin, RuleName, Verdict, clock, cpu_limit_khz, load_at};
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
    let (mut margins, mut breaches) = (Vec::new(), Vec::new());
    for (h, used) in used.into_iter().enumerate() {
        if used == MiB(0) {
            continue;
        }
        let available = site.class_of(HostId::at(h)).guest_memory();
        let (needed, available, unit, place) = (used.0 as f64, available.0 as f64, "MiB".to_owned(), site.hosts[h].name.clone());
        if needed > available {
            breaches.push(Breach { needed, available, unit, place, when: None, why: "memory of the guests exceeds what the hypervisor leaves".into() });
        } else {
            margins.push(Margin { needed, available, unit, place, when: None });
        }
    }
    Judgement { rule: RuleName::Memory, asked: "memory of the guests of each host fits, always".into(), verdict: Verdict::from(margins, breaches) }
}

/// CPU of every host: the percentile of its load is within the share of its capacity.
#[must_use]
pub(crate) fn cpu(site: &Site, demand: &Demand, placement: &Placement, loads: &HostLoads) -> Judgement {
    let rule = site.rules.cpu;
    let (mut margins, mut breaches) = (Vec::new(), Vec::new());
    for h in (0..site.hosts.len()).filter(|h| placement.on[*h] && !loads.khz[*h].is_empty()) {
        let (needed, available) = (load_at(&loads.khz[h], rule.percentile) as f64 / 1000.0, cpu_limit_khz(site, HostId::at(h), rule.limit) / 1000.0);
        let (unit, place) = ("MHz".to_owned(), site.hosts[h].name.clone());
        let peak = loads.khz[h].iter().enumerate().max_by_key(|(i, x)| (**x, usize::MAX - i)).map_or(0, |(i, _)| i);
        let when = clock(demand, peak);
        if needed > available {
            breaches.push(Breach { needed, available, unit, place, when, why: format!("its load at the {}th percentile exceeds {:.0} % of its capacity", rule.percentile, 100.0 * rule.limit) });
        } else {
            margins.push(Margin { needed, available, unit, place, when });
        }
    }
    Judgement {
        rule: RuleName::Cpu,
        asked: format!("each host's CPU load at the {}th percentile is within {:.0} % of its capacity", rule.percentile, 100.0 * rule.limit),
        verdict: Verdict::from(margins, breaches),
    }
}
