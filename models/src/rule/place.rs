//! Every guest runs, on a host that may carry it.

use super::{Breach, Judgement, RuleName, Verdict};
use crate::site::{GuestId, HostId, Mode, Placement, Site};

fn breach(place: String, why: String) -> Breach {
    Breach { needed: 1.0, available: 0.0, unit: "host".into(), place, when: None, why }
}

/// Every guest runs on a host that is on; one that may stay down after a loss need not.
#[must_use]
pub fn every_guest_runs(site: &Site, placement: &Placement) -> Judgement {
    let mut breaches = Vec::new();
    for (g, guest) in site.guests.iter().enumerate() {
        match placement.host_of[g] {
            None if site.rules.excused.contains(&GuestId::at(g)) => {}
            None => breaches.push(breach(guest.name.clone(), "it runs nowhere".into())),
            Some(h) if !placement.on[h.index()] => {
                breaches.push(breach(guest.name.clone(), format!("its host {} is off", site.hosts[h.index()].name)));
            }
            Some(_) => {}
        }
    }
    let mut asked = format!("each of {} guests runs on a host that is on", site.guests.len());
    if !site.rules.excused.is_empty() {
        let names: Vec<&str> = site.rules.excused.iter().map(|g| site.guests[g.index()].name.as_str()).collect();
        asked += &format!(", but for {} that may stay down: {}", names.len(), names.join(", "));
    }
    Judgement { rule: RuleName::EveryGuestRuns, asked, verdict: Verdict::from(Vec::new(), breaches) }
}

/// Physical-only workloads are alone on their host, and a host without a hypervisor carries one workload, on the metal: a
/// guest may stand there today, alone, before it is virtualised.
#[must_use]
pub fn physical_only(site: &Site, placement: &Placement) -> Judgement {
    let mut breaches = Vec::new();
    for (h, guests) in placement.guests_by_host().into_iter().enumerate() {
        let class = site.class_of(HostId::at(h));
        let metal = |g: &GuestId| site.guests[g.index()].mode == Mode::PhysicalOnly;
        let alone = class.hypervisor.is_none() || guests.iter().any(metal);
        if alone && guests.len() > 1 {
            breaches.push(Breach {
                needed: guests.len() as f64,
                available: 1.0,
                unit: "workloads".into(),
                place: site.hosts[h].name.clone(),
                when: None,
                why: if class.hypervisor.is_none() {
                    "the host has no hypervisor and carries one workload"
                } else {
                    "a physical-only workload must be alone on its host"
                }
                .into(),
            });
        }
    }
    let count = site.guests.iter().filter(|g| g.mode == Mode::PhysicalOnly).count();
    Judgement {
        rule: RuleName::PhysicalOnly,
        asked: format!("{count} physical-only workloads alone; hosts without a hypervisor carry one workload"),
        verdict: Verdict::from(Vec::new(), breaches),
    }
}

/// Pinned guests are where they are pinned; pooled guests are inside their pool.
#[must_use]
pub fn pinned(site: &Site, placement: &Placement) -> Judgement {
    let mut breaches = Vec::new();
    let (mut pins, mut pools) = (0, 0);
    for (g, guest) in site.guests.iter().enumerate() {
        pins += usize::from(guest.pinned.is_some());
        pools += usize::from(guest.pool.is_some());
        let Some(h) = placement.host_of[g] else { continue };
        let host = &site.hosts[h.index()];
        if guest.pinned.is_some_and(|p| p != h) {
            let pin = guest.pinned.map_or("", |p| &site.hosts[p.index()].name);
            breaches.push(breach(guest.name.clone(), format!("it is pinned to {pin} and stands on {}", host.name)));
        }
        if let Some(p) = guest.pool
            && !host.pools.contains(&p)
        {
            breaches.push(breach(guest.name.clone(), format!("{} is not in its pool {}", host.name, site.pools[p.index()])));
        }
    }
    Judgement {
        rule: RuleName::Pinned,
        asked: format!("{pins} guests pinned to a host, {pools} kept in a pool"),
        verdict: Verdict::from(Vec::new(), breaches),
    }
}
