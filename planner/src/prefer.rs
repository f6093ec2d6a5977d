//! What is better among placements that cost the same: guests of a service over few networks (S2-10), and on hosts that others
//! load little (S4-5).
//!
//! A rule asks that guests stand within one network; then only such placements are tried. Where none asks, a service over fewer
//! networks is preferred where it costs nothing: no yen, and no step more. Light hosts are preferred where the site says so,
//! and that is worth steps. What is left out: how much guests talk to each other, and how far apart two networks are.

use models::demand::Demand;
use models::rule::near;
use models::site::{DomainId, DomainKind, GuestId, HostId, Placement, Prefer, ServiceId, Site, Together};

use crate::quick::{ANY, Quick, State};
use crate::search::Found;

/// Most ways to keep guests in networks that are tried on a fleet.
const MOST_WAYS: usize = 32;

/// Sites of at most so many guests x hosts are lightened move by move, and tried network by network without a rule.
const SMALL: usize = 20_000;

/// The network domains of a site; those beyond 63 have no bit.
fn domains(site: &Site) -> Vec<DomainId> {
    (0..site.domains.len()).map(DomainId::at).filter(|d| site.domains[d.index()].kind == DomainKind::Network).take(63).collect()
}

/// By host: its network domains, a bit each.
#[must_use]
pub fn networks(site: &Site) -> Vec<u64> {
    let domains = domains(site);
    let bit = |d: &DomainId| domains.iter().position(|x| x == d).map_or(0, |k| 1 << k);
    site.hosts.iter().map(|h| h.domains.iter().map(bit).fold(0, |a, b| a | b)).collect()
}

/// Ways to keep guests in networks, by guest: [`Quick::keep_within`]. The first keeps none but those of whom a rule asks it.
#[must_use]
pub fn within(site: &Site) -> Vec<Vec<u64>> {
    let (domains, networks) = (domains(site), networks(site));
    let mut ways: Vec<Vec<u64>> = vec![vec![ANY; site.guests.len()]];
    if domains.is_empty() {
        return ways;
    }
    // Whether the hosts of some networks could hold these guests by memory alone, each where it is admitted.
    let holds = |bits: u64, guests: &[GuestId]| {
        let inside = |h: &HostId| networks[h.index()] & bits != 0;
        let hosts: Vec<HostId> = (0..site.hosts.len()).map(HostId::at).filter(inside).collect();
        let room: u64 = hosts.iter().map(|h| site.class_of(*h).guest_memory().0).sum();
        guests.iter().map(|g| site.guests[g.index()].memory.0).sum::<u64>() <= room
            && guests.iter().all(|g| hosts.iter().any(|h| site.admits(*h, *g)))
    };
    for together in &site.rules.one_network {
        let members = near::members(site, *together);
        let mut more = Vec::new();
        for way in &ways {
            for bits in (0..domains.len()).map(|k| 1u64 << k).filter(|bits| holds(*bits, &members)) {
                let mut kept = way.clone();
                // A guest of two sets is kept in what both allow.
                members.iter().for_each(|g| kept[g.index()] = if kept[g.index()] == ANY { bits } else { kept[g.index()] & bits });
                more.push(kept);
            }
        }
        more.truncate(MOST_WAYS);
        ways = more;
    }
    if domains.len() < 2 || site.guests.len() * site.hosts.len() > SMALL {
        return ways;
    }
    // What is preferred without a rule: each service over as few networks as its memory allows.
    let asked: Vec<Vec<u64>> = ways.clone();
    for bits_of in few(site, &domains, &holds) {
        for way in &asked {
            let mut kept = way.clone();
            for (members, bits) in &bits_of {
                members.iter().filter(|g| way[g.index()] == ANY).for_each(|g| kept[g.index()] = *bits);
            }
            if !ways.contains(&kept) && ways.len() < 2 * MOST_WAYS {
                ways.push(kept);
            }
        }
    }
    ways
}

/// By way: the guests of each service, and the few networks that they are kept in.
fn few(site: &Site, domains: &[DomainId], holds: &impl Fn(u64, &[GuestId]) -> bool) -> Vec<Vec<(Vec<GuestId>, u64)>> {
    let mut ways: Vec<Vec<(Vec<GuestId>, u64)>> = vec![Vec::new()];
    // Sets of one or two networks: more than two are seldom worth the tries.
    let single = (0..domains.len()).map(|k| 1u64 << k);
    let double = (0..domains.len()).flat_map(|a| (a + 1..domains.len()).map(move |b| 1u64 << a | 1 << b));
    let sets: Vec<u64> = single.chain(double.filter(|bits| bits.count_ones() < domains.len() as u32)).collect();
    for s in 0..site.services.len() {
        let members = near::members(site, Together::Service(ServiceId::at(s)));
        let Some(least) = sets.iter().filter(|bits| holds(**bits, &members)).map(|bits| bits.count_ones()).min() else { continue };
        let fit = sets.iter().filter(|bits| bits.count_ones() == least && holds(**bits, &members));
        let more: Vec<_> = fit
            .flat_map(|bits| {
                ways.iter().map(|way| {
                    let mut way = way.clone();
                    way.push((members.clone(), *bits));
                    way
                })
            })
            .take(MOST_WAYS)
            .collect();
        if members.len() > 1 {
            ways = more;
        }
    }
    ways
}

/// Networks beyond the first that services span, summed over services.
#[must_use]
pub fn spans(site: &Site, placement: &Placement) -> usize {
    if domains(site).len() < 2 {
        return 0;
    }
    let of = |s| near::places(site, placement, &near::members(site, Together::Service(ServiceId::at(s)))).len().saturating_sub(1);
    (0..site.services.len()).map(of).sum()
}

/// The share of its host's CPU that others take, on average over the guests that run and over time.
#[must_use]
pub fn weight(site: &Site, demand: &Demand, placement: &Placement) -> f64 {
    let mean = |g: &GuestId| {
        let khz = &demand.guests[g.index()].cpu_khz;
        khz.iter().map(|x| f64::from(*x)).sum::<f64>() / demand.steps.max(1) as f64
    };
    let of = |(h, guests): (usize, &Vec<GuestId>)| burden(guests.len(), guests.iter().map(mean).sum(), capacity(site, HostId::at(h)));
    let by_host = placement.guests_by_host();
    let running = placement.host_of.iter().flatten().count().max(1) as f64;
    by_host.iter().enumerate().map(of).sum::<f64>() / running
}

/// What others take, summed over the guests of a host: each finds the load of all but itself.
fn burden(guests: usize, khz: f64, capacity_khz: f64) -> f64 {
    guests.saturating_sub(1) as f64 * khz / capacity_khz.max(1.0)
}

fn capacity(site: &Site, h: HostId) -> f64 {
    site.class_of(h).capacity().get() * 1000.0
}

/// Among plans that cost the same, the least is taken: light hosts where they are asked for, then steps, then networks spanned.
#[must_use]
pub fn rank(found: &Found, demand: &Demand) -> (u64, usize, usize) {
    let light = match found.site.rules.prefer {
        // To a hundredth of a per cent: less is no reason to move.
        Some(Prefer::Light) => (1e4 * weight(&found.site, demand, &found.placement)).round() as u64,
        None => 0,
    };
    (light, found.steps.len(), spans(&found.site, &found.placement))
}

/// Moves guests between hosts that are on to where others load less, while losses are survived.
#[must_use]
pub fn lighten(quick: &Quick, mut state: State) -> State {
    let site = quick.site;
    let on: Vec<HostId> = (0..site.hosts.len()).map(HostId::at).filter(|h| state.placement.on[h.index()]).collect();
    if site.guests.len() * on.len() > SMALL {
        return state;
    }
    let survived = quick.survives(&state);
    for _ in 0..4 * site.guests.len() {
        let load = |state: &State, h: HostId| state.guests_of(h).iter().map(|g| quick.mean_khz(*g)).sum::<f64>();
        let mut moves: Vec<(f64, GuestId, HostId)> = Vec::new();
        for g in (0..site.guests.len()).map(GuestId::at).filter(|g| site.guests[g.index()].pinned.is_none()) {
            let Some(from) = state.placement.host_of[g.index()] else { continue };
            let (n, khz, mine) = (state.guests_of(from).len(), load(&state, from), quick.mean_khz(g));
            let left = burden(n, khz, capacity(site, from)) - burden(n - 1, khz - mine, capacity(site, from));
            for to in on.iter().copied().filter(|to| *to != from && quick.fits(&state, g, *to)) {
                let (n, khz) = (state.guests_of(to).len(), load(&state, to));
                let come = burden(n + 1, khz + mine, capacity(site, to)) - burden(n, khz, capacity(site, to));
                if come + 1e-9 < left {
                    moves.push((left - come, g, to));
                }
            }
        }
        moves.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)).then(a.2.cmp(&b.2)));
        let moved = moves.into_iter().any(|(_, g, to)| {
            let from = quick.take(&mut state, g);
            quick.put(&mut state, g, to);
            let keeps = !survived || quick.survives(&state);
            if !keeps {
                quick.take(&mut state, g);
                quick.put(&mut state, g, from);
            }
            keeps
        });
        if !moved {
            break;
        }
    }
    state
}

#[cfg(test)]
mod tests {
    use super::*;
    use models::example;

    #[test]
    fn a_guest_finds_the_load_of_all_but_itself() {
        // 100 and 300 of 1000 MHz on one host: the first finds 0.3, the second 0.1; the third is alone. 0.4 / 3.
        let list = (0..3).map(|g| example::guest(&format!("g{g}"), 1, 64)).collect();
        let site = example::site(example::class("c", 1, 1000.0, 4096), 2, list);
        let demand = example::steady(&[100.0, 300.0, 200.0], 2);
        let placement = Placement { on: vec![true; 2], host_of: vec![Some(HostId(0)), Some(HostId(0)), Some(HostId(1))] };
        assert!((weight(&site, &demand, &placement) - 0.4 / 3.0).abs() < 1e-12);
    }

    #[test]
    fn a_guest_leaves_a_host_that_another_loads() {
        // The pinned one takes 700 of 1000 MHz of h1; h2 is on and empty.
        let list: Vec<_> = ["heavy", "free"].iter().map(|g| example::guest(g, 1, 64)).collect();
        let mut site = example::site(example::class("c", 1, 1000.0, 4096), 2, list);
        site.guests[0].pinned = Some(HostId(0));
        let demand = example::steady(&[700.0, 200.0], 2);
        let quick = Quick::new(&site, &demand);
        let start = Placement { on: vec![true; 2], host_of: vec![Some(HostId(0)), Some(HostId(0))] };
        let light = lighten(&quick, quick.state(&start)).placement;
        assert_eq!(light.host_of, [Some(HostId(0)), Some(HostId(1))]);
        assert!(weight(&site, &demand, &light) < weight(&site, &demand, &start));
        // Hosts that are off stay off.
        let alone = Placement { on: vec![true, false], ..start };
        assert_eq!(lighten(&quick, quick.state(&alone)).placement, alone);
    }
}
