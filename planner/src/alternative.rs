//! The fleets that a plan is compared with, placed as the scenario says.

use models::demand::Demand;
use models::quantity::MiB;
use models::site::{Alternative, AlternativePlacement, GuestId, HostId, Mode, Placement, Site};

use crate::pack;
use crate::quick::Quick;

/// An alternative that cannot be placed as it says.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unplaceable {
    /// Some guests found no host.
    #[error("alternative {0}: guest {1} finds no host ({2})")]
    NoHost(String, String, &'static str),
    /// The planner found nothing on exactly these hosts.
    #[error("alternative {0}: the planner found no placement on exactly these hosts that keeps capacity, apart and loss rules")]
    NoPlacement(String),
}

/// The site with what the alternative buys, and its placement. Hosts that carry nothing are off, but for bought ones.
///
/// # Errors
/// Where a guest finds no host by the alternative's own way of placing. That it breaks rules is no error: it is judged
/// like any other.
pub fn place(site: &Site, demand: &Demand, alternative: &Alternative) -> Result<(Site, Placement), Unplaceable> {
    let fleet = site.with_bought(&alternative.buys);
    let no_host = |g: usize, why| Unplaceable::NoHost(alternative.name.clone(), site.guests[g].name.clone(), why);
    let mut placement = Placement::empty(&fleet);
    for (h, host) in fleet.hosts.iter().enumerate() {
        placement.on[h] = host.bought;
    }
    for (g, guest) in fleet.guests.iter().enumerate() {
        if let Some(h) = guest.pinned {
            placement.host_of[g] = Some(h);
        }
    }
    match &alternative.place {
        AlternativePlacement::Planner => {
            let quick = Quick::new(&fleet, demand);
            let may: Vec<bool> = fleet.hosts.iter().map(|h| !h.retires).collect();
            let must: Vec<bool> = fleet.hosts.iter().map(|h| h.bought).collect();
            let state = pack::place(&quick, &may, &must).ok_or_else(|| Unplaceable::NoPlacement(alternative.name.clone()))?;
            return Ok((fleet, state.placement));
        }
        AlternativePlacement::OneAHost => {
            let mut empty = (0..fleet.hosts.len()).map(HostId::at).filter(|h| fleet.hosts[h.index()].bought);
            for g in 0..fleet.guests.len() {
                if placement.host_of[g].is_none() {
                    placement.host_of[g] = Some(
                        empty.next().ok_or_else(|| no_host(g, "each guest stands on a bought host of its own, and there are too few"))?,
                    );
                }
            }
        }
        AlternativePlacement::FirstFitFull => {
            first_fit_full(&fleet, &mut placement).map_err(|g| no_host(g, "core speed, CPU, memory or network is short on every host"))?
        }
        AlternativePlacement::Given(places) => {
            for (g, name) in places {
                placement.host_of[g.index()] =
                    Some(fleet.host_named(name).ok_or_else(|| no_host(g.index(), "the host named for it is not in the fleet"))?);
            }
            if let Some(g) = placement.host_of.iter().position(Option::is_none) {
                return Err(no_host(g, "no host is given for it"));
            }
        }
    }
    for h in placement.host_of.iter().flatten() {
        placement.on[h.index()] = true;
    }
    Ok((fleet, placement))
}

/// First fit in order of file: each guest at the greatest demand that it can ever make, on the first host whose cores are
/// fast enough and whose CPU and memory are free. A physical-only workload wants an empty host.
fn first_fit_full(fleet: &Site, placement: &mut Placement) -> Result<(), usize> {
    let mut cpu: Vec<u64> = (0..fleet.hosts.len()).map(|h| fleet.class_of(HostId::at(h)).capacity().khz()).collect();
    let mut memory: Vec<MiB> = (0..fleet.hosts.len()).map(|h| fleet.class_of(HostId::at(h)).guest_memory()).collect();
    let mut count = vec![0; fleet.hosts.len()];
    for (g, guest) in fleet.guests.iter().enumerate() {
        let (khz, vcpus) = (guest.full_speed.map_or(0, |s| s.khz()), u64::from(guest.vcpus.max(1)));
        let takes = |h: usize| {
            let core = fleet.class_of(HostId::at(h)).core_mhz.khz();
            let alone = guest.mode == Mode::PhysicalOnly || fleet.class_of(HostId::at(h)).hypervisor.is_none();
            fleet.admits(HostId::at(h), GuestId::at(g))
                && khz / vcpus <= core
                && khz <= cpu[h]
                && guest.memory <= memory[h]
                && (!alone || count[h] == 0)
        };
        let h = match placement.host_of[g] {
            Some(h) => h.index(),
            None => (0..fleet.hosts.len()).find(|h| takes(*h)).ok_or(g)?,
        };
        placement.host_of[g] = Some(HostId::at(h));
        cpu[h] = cpu[h].saturating_sub(khz);
        memory[h] = memory[h].saturating_sub(guest.memory);
        count[h] += 1;
    }
    Ok(())
}
