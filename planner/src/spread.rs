//! Guests spread evenly over the hosts that there are: for delay, where packing is for power.
//!
//! Worst fit by CPU: the guest that asks for the most goes first, each to the host that is the least loaded with it. Members of
//! a group stand on different hosts where that is possible. It asks for no rule but memory and what a host admits; whether the
//! placement keeps the rules is for their judge.

use models::demand::Demand;
use models::site::{GuestId, HostId, Placement, Site};

/// A spread placement over the hosts that are to be on; nothing where some guest finds no memory.
pub(crate) fn place(site: &Site, demand: &Demand, on: &[bool]) -> Option<Placement> {
    let asked = |g: usize| demand.guests[g].cpu_khz.iter().map(|x| u64::from(*x)).sum::<u64>();
    let mut order: Vec<(u64, usize)> = (0..site.guests.len()).map(|g| (asked(g), g)).collect();
    // Pinned guests first: others make room for them.
    order.sort_by_key(|(khz, g)| (site.guests[*g].pinned.is_none(), std::cmp::Reverse(*khz), *g));
    let hosts = site.hosts.len();
    let (mut load, mut memory) = (vec![0u64; hosts], vec![0u64; hosts]);
    let mut placement = Placement { on: on.to_vec(), host_of: vec![None; site.guests.len()] };
    let mut groups: Vec<Vec<HostId>> = vec![Vec::new(); site.groups.len()];
    for (khz, g) in order {
        let (id, guest) = (GuestId::at(g), &site.guests[g]);
        let full = |h: usize| (load[h] + khz) as f64 / site.class_of(HostId::at(h)).capacity().khz().max(1) as f64;
        let fits = |h: &usize| {
            on[*h] && site.admits(HostId::at(*h), id) && memory[*h] + guest.memory.0 <= site.class_of(HostId::at(*h)).guest_memory().0
        };
        let mate = |h: usize| guest.group.is_some_and(|group| groups[group.index()].contains(&HostId::at(h)));
        let best = (0..hosts).filter(fits).min_by(|a, b| mate(*a).cmp(&mate(*b)).then(full(*a).total_cmp(&full(*b))).then(a.cmp(b)))?;
        load[best] += khz;
        memory[best] += guest.memory.0;
        placement.host_of[g] = Some(HostId::at(best));
        if let Some(group) = guest.group {
            groups[group.index()].push(HostId::at(best));
        }
    }
    Some(placement)
}

#[cfg(test)]
mod tests {
    use super::*;
    use models::example;

    #[test]
    fn the_most_demanding_guests_stand_apart() {
        // 900 + 100 and 600 + 300 of 1000 MHz each: 900 goes to the first host, 600 to the second, 300 there
        // too (900 against 1200), and 100 to the first of two that would both be full.
        let list = (0..4).map(|g| example::guest(&format!("g{g}"), 1, 64)).collect();
        let site = example::site(example::class("c", 1, 1000.0, 4096), 2, list);
        let demand = example::steady(&[300.0, 900.0, 100.0, 600.0], 2);
        let placed = place(&site, &demand, &[true, true]).unwrap();
        assert_eq!(placed.host_of, [Some(HostId(1)), Some(HostId(0)), Some(HostId(0)), Some(HostId(1))]);
    }

    #[test]
    fn a_guest_without_room_has_no_placement() {
        let list = vec![example::guest("a", 1, 3000), example::guest("b", 1, 3000)];
        let site = example::site(example::class("c", 1, 1000.0, 4096), 1, list);
        assert_eq!(place(&site, &example::steady(&[1.0, 1.0], 1), &[true]), None);
    }
}
