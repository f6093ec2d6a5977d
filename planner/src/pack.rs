//! Placements on given hosts: construct, then improve.
//!
//! Guests are taken hardest first (the greatest share of a typical host in any resource); hosts are opened in order of
//! what they cost to keep on for what they hold. The ways of choosing a host are first fit, best fit and balanced (worst
//! fit); a loss rule often wants the last. A local search then empties hosts, and moves and swaps guests.

use models::law::cost::electricity;
use models::quantity::Watts;
use models::site::{GuestId, HostClass, HostId, Placement, Site};

use crate::quick::{Quick, State};

/// How a host is chosen among those that can take a guest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fit {
    /// The first in order.
    First,
    /// The one that it leaves least room on.
    Best,
    /// The one that it leaves most room on, among the hosts that are on.
    Balanced,
}

/// What keeping a host on costs over the horizon besides its load: maintenance, and electricity when idle; yen.
#[must_use]
pub fn keep_yen(site: &Site, h: HostId) -> f64 {
    keep_class_yen(site, site.class_of(h))
}

/// The same for a host of a class.
#[must_use]
pub fn keep_class_yen(site: &Site, class: &HostClass) -> f64 {
    let licences: f64 = class
        .licences
        .iter()
        .map(|l| {
            let licence = &site.licences[l.index()];
            let units = if licence.per == models::site::LicencePer::Socket { class.sockets } else { 1 };
            licence.yearly_yen.value * site.prices.years * f64::from(units)
        })
        .sum();
    class.maintenance_yen_per_year.value * site.prices.years + licences + electricity(class.power.curve.idle(), &site.prices).value
}

/// Places every guest that is not pinned, on hosts that may be on; `must` hosts are on from the start.
///
/// Answers `None` where some guest finds no place. Losses are not looked at.
#[must_use]
pub fn construct(quick: &Quick, may: &[bool], must: &[bool], fit: Fit) -> Option<State> {
    let site = quick.site;
    let mut state = with_pinned(quick, must)?;
    let (most_memory, most_cpu) = typical(site);
    let mut guests: Vec<GuestId> =
        (0..site.guests.len()).map(GuestId::at).filter(|g| site.guests[g.index()].pinned.is_none() && quick.is_asked(*g)).collect();
    let size = |g: GuestId| {
        let guest = &site.guests[g.index()];
        f64::max(guest.memory.0 as f64 / most_memory, quick.peak_khz(g) as f64 / most_cpu)
    };
    guests.sort_by(|a, b| size(*b).total_cmp(&size(*a)).then(a.cmp(b)));
    let mut order: Vec<HostId> = (0..site.hosts.len()).map(HostId::at).filter(|h| may[h.index()]).collect();
    // The price of what a host holds: by memory and CPU, whichever is dearer for a typical guest.
    let dear = |h: HostId| {
        let class = site.class_of(h);
        keep_yen(site, h) / (class.guest_memory().0 as f64 / most_memory).min(class.capacity().get() * 1000.0 / most_cpu).max(1e-9)
    };
    order.sort_by(|a, b| dear(*a).total_cmp(&dear(*b)).then(a.cmp(b)));
    for g in guests {
        let open = order.iter().copied().filter(|h| state.placement.on[h.index()] && quick.fits(&state, g, *h));
        let room = |h: &HostId| {
            let class = site.class_of(*h);
            let memory = state.free_mib(*h) as f64 / class.guest_memory().0.max(1) as f64;
            let cpu = 1.0 - state.most_khz(*h) as f64 / (class.capacity().get() * 1000.0);
            memory.min(cpu)
        };
        let chosen = match fit {
            Fit::First => open.into_iter().next(),
            Fit::Best => open.min_by(|a, b| room(a).total_cmp(&room(b)).then(a.cmp(b))),
            Fit::Balanced => open.max_by(|a, b| room(a).total_cmp(&room(b)).then(b.cmp(a))),
        };
        let chosen = chosen.or_else(|| {
            order.iter().copied().find(|h| {
                !state.placement.on[h.index()] && quick.may_open(&state, *h) && {
                    state.placement.on[h.index()] = true;
                    let fits = quick.fits(&state, g, *h);
                    state.placement.on[h.index()] = fits;
                    fits
                }
            })
        })?;
        quick.put(&mut state, g, chosen);
    }
    Some(state)
}

/// These hosts on, and the pinned guests where they are pinned; `None` where one does not fit.
fn with_pinned(quick: &Quick, on: &[bool]) -> Option<State> {
    let mut state = quick.empty(on.to_vec());
    for (g, guest) in quick.site.guests.iter().enumerate() {
        if let Some(h) = guest.pinned.filter(|_| quick.is_asked(GuestId::at(g))) {
            state.placement.on[h.index()] = true;
            if !quick.fits(&state, GuestId::at(g), h) {
                return None;
            }
            quick.put(&mut state, GuestId::at(g), h);
        }
    }
    Some(state)
}

/// Memory and CPU of the largest host, to weigh resources against each other.
fn typical(site: &Site) -> (f64, f64) {
    let memory = site.classes.iter().map(|c| c.guest_memory().0 as f64).fold(1.0, f64::max);
    let cpu = site.classes.iter().map(|c| c.capacity().get() * 1000.0).fold(1.0, f64::max);
    (memory, cpu)
}

/// A placement on these hosts that survives every loss, as far as the quick sums can tell, improved by local search.
#[must_use]
pub fn place(quick: &Quick, may: &[bool], must: &[bool]) -> Option<State> {
    let mut best: Option<(f64, State)> = None;
    // As many hosts as may be on together.
    let every = {
        let mut state = quick.empty(must.to_vec());
        for h in (0..may.len()).map(HostId::at).filter(|h| may[h.index()] && !must[h.index()]) {
            state.placement.on[h.index()] = quick.may_open(&state, h);
        }
        state.placement.on
    };
    for (fit, start) in [(Fit::First, must), (Fit::Best, must), (Fit::Balanced, must), (Fit::Balanced, every.as_slice())] {
        let Some(mut state) = construct(quick, may, start, fit) else { continue };
        if !quick.survives(&state) && !open_spares(quick, may, &mut state) && !rebalance(quick, &mut state) && !repair(quick, &mut state) {
            continue;
        }
        improve(quick, must, &mut state);
        let yen = running_yen(quick, &state);
        if best.as_ref().is_none_or(|(least, _)| yen < *least) {
            best = Some((yen, state));
        }
    }
    best.map(|(_, state)| state).or_else(|| {
        let mut state = thorough(quick, &every, may).or_else(|| thorough(quick, must, may))?;
        improve(quick, must, &mut state);
        Some(state)
    })
}

/// Most nodes of [`thorough`].
const MOST_NODES: u32 = 20_000;

/// The last resort on small sites: depth first over all placements, on hosts that are on or may be switched on, up to a
/// limit of nodes.
fn thorough(quick: &Quick, on: &[bool], may: &[bool]) -> Option<State> {
    let site = quick.site;
    let mut state = with_pinned(quick, on)?;
    let mut guests: Vec<GuestId> =
        (0..site.guests.len()).map(GuestId::at).filter(|g| site.guests[g.index()].pinned.is_none() && quick.is_asked(*g)).collect();
    if guests.len() > 40 {
        return None;
    }
    guests.sort_by_key(|g| (std::cmp::Reverse(site.guests[g.index()].memory), std::cmp::Reverse(quick.peak_khz(*g)), *g));
    let mut nodes = 0;
    deeper(quick, may, &mut state, &guests, &mut nodes).then_some(state)
}

fn deeper(quick: &Quick, may: &[bool], state: &mut State, guests: &[GuestId], nodes: &mut u32) -> bool {
    let Some((g, others)) = guests.split_first() else {
        if quick.survives(state) {
            return true;
        }
        let mut with_spares = state.clone();
        let survives = open_spares(quick, may, &mut with_spares);
        if survives {
            *state = with_spares;
        }
        return survives;
    };
    let site = quick.site;
    let takes = |state: &mut State, h: HostId| {
        let was_on = state.placement.on[h.index()];
        if !(was_on || may[h.index()] && quick.may_open(state, h)) {
            return false;
        }
        state.placement.on[h.index()] = true;
        let fits = quick.fits(state, *g, h);
        state.placement.on[h.index()] = was_on;
        fits
    };
    let mut hosts: Vec<HostId> = (0..site.hosts.len()).map(HostId::at).filter(|h| takes(state, *h)).collect();
    hosts.sort_by_key(|h| (!state.placement.on[h.index()], std::cmp::Reverse(state.free_mib(*h)), *h));
    let mut tried_empty = Vec::new();
    for h in hosts {
        // Hosts that are empty and alike need one try.
        let host = &site.hosts[h.index()];
        if state.guests_of(h).is_empty() {
            let like = (state.placement.on[h.index()], host.class, &host.domains, &host.pools);
            if tried_empty.contains(&like) {
                continue;
            }
            tried_empty.push(like);
        }
        *nodes += 1;
        if *nodes > MOST_NODES {
            return false;
        }
        let was_on = std::mem::replace(&mut state.placement.on[h.index()], true);
        quick.put(state, *g, h);
        if deeper(quick, may, state, others, nodes) {
            return true;
        }
        quick.take(state, *g);
        state.placement.on[h.index()] = was_on;
    }
    false
}

/// Maintenance and electricity of what is on, yen over the horizon, at mean loads.
#[must_use]
pub fn running_yen(quick: &Quick, state: &State) -> f64 {
    let site = quick.site;
    (0..site.hosts.len())
        .map(HostId::at)
        .filter(|h| state.placement.on[h.index()])
        .map(|h| {
            let idle = site.class_of(h).power.curve.idle().get();
            keep_yen(site, h) + electricity(Watts::new(quick.mean_watts(state, h) - idle).unwrap_or(Watts::ZERO), &site.prices).value
        })
        .sum()
}

/// Switches hosts on, empty, until every loss is survived.
fn open_spares(quick: &Quick, may: &[bool], state: &mut State) -> bool {
    let mut closed: Vec<HostId> = (0..may.len()).map(HostId::at).filter(|h| may[h.index()] && !state.placement.on[h.index()]).collect();
    closed.sort_by(|a, b| keep_yen(quick.site, *a).total_cmp(&keep_yen(quick.site, *b)).then(a.cmp(b)));
    // A spare of every class, cheapest first; a few rounds are enough where spares help at all.
    for h in closed.into_iter().take(8) {
        if !quick.may_open(state, h) {
            continue;
        }
        state.placement.on[h.index()] = true;
        if quick.survives(state) {
            return true;
        }
    }
    false
}

/// Moves and swaps guests between hosts that are on, towards level memory, until every loss is survived.
fn rebalance(quick: &Quick, state: &mut State) -> bool {
    let site = quick.site;
    for _ in 0..site.guests.len().min(64) {
        let mut on: Vec<HostId> = (0..site.hosts.len())
            .map(HostId::at)
            .filter(|h| state.placement.on[h.index()] && site.class_of(*h).hypervisor.is_some())
            .collect();
        on.sort_by_key(|h| (state.free_mib(*h), *h));
        let Some((tight, loose)) = on.first().zip(on.last()) else { return false };
        let gap = state.free_mib(*loose) - state.free_mib(*tight);
        let mut movable: Vec<GuestId> =
            state.guests_of(*tight).iter().copied().filter(|g| site.guests[g.index()].pinned.is_none()).collect();
        movable.sort_by_key(|g| (site.guests[g.index()].memory, *g));
        let moved = movable.into_iter().rev().any(|g| {
            if site.guests[g.index()].memory.0 as i64 * 2 > gap + site.guests[g.index()].memory.0 as i64 || !quick.fits(state, g, *loose) {
                return false;
            }
            quick.take(state, g);
            quick.put(state, g, *loose);
            true
        });
        if quick.survives(state) {
            return true;
        }
        if !moved {
            return false;
        }
    }
    false
}

/// Empties hosts, then moves and swaps guests, while that costs less and every loss is survived.
pub fn improve(quick: &Quick, must: &[bool], state: &mut State) {
    while empty_a_host(quick, must, state) {}
    let small = quick.site.guests.len() * state.placement.hosts_on() <= 4_000;
    if small {
        for _ in 0..4 {
            if !move_guests(quick, state) && !swap_guests(quick, state) {
                break;
            }
        }
    }
}

/// Empties the host that costs most for what it carries, and switches it off.
fn empty_a_host(quick: &Quick, must: &[bool], state: &mut State) -> bool {
    let site = quick.site;
    let mut candidates: Vec<HostId> = (0..site.hosts.len())
        .map(HostId::at)
        .filter(|h| state.placement.on[h.index()] && !must[h.index()])
        .filter(|h| state.guests_of(*h).iter().all(|g| site.guests[g.index()].pinned.is_none()))
        .collect();
    candidates.sort_by(|a, b| {
        let memory = |h: &HostId| state.guests_of(*h).iter().map(|g| site.guests[g.index()].memory.0).sum::<u64>();
        memory(a).cmp(&memory(b)).then(keep_yen(site, *b).total_cmp(&keep_yen(site, *a))).then(a.cmp(b))
    });
    // Hosts with the least on them are the likeliest to empty; a long tail of full ones is not worth the tries.
    for h in candidates.into_iter().take(24) {
        let before = running_yen(quick, state);
        let mut trial = state.clone();
        trial.placement.on[h.index()] = false;
        let mut guests = trial.guests_of(h).to_vec();
        guests.sort_by_key(|g| (std::cmp::Reverse(site.guests[g.index()].memory), *g));
        let placed = guests.into_iter().all(|g| {
            quick.take(&mut trial, g);
            let to = (0..site.hosts.len()).map(HostId::at).filter(|x| quick.fits(&trial, g, *x)).min_by_key(|x| (trial.free_mib(*x), *x));
            to.is_some_and(|to| {
                quick.put(&mut trial, g, to);
                true
            })
        });
        if placed && running_yen(quick, &trial) < before && quick.survives(&trial) {
            *state = trial;
            return true;
        }
        if placed && running_yen(quick, &trial) < before && repair(quick, &mut trial) && running_yen(quick, &trial) < before {
            *state = trial;
            return true;
        }
    }
    false
}

/// Sites of at most so many guests x hosts are repaired move by move.
const SMALL: usize = 1_000;

/// Moves guests, one by one or in exchange for another, while that lessens what the losses leave without a place.
fn repair(quick: &Quick, state: &mut State) -> bool {
    let site = quick.site;
    let movable: Vec<GuestId> = (0..site.guests.len()).map(GuestId::at).filter(|g| site.guests[g.index()].pinned.is_none()).collect();
    if movable.len() * state.placement.hosts_on() > SMALL {
        return false;
    }
    let mut short = quick.shortage(state);
    while short > 0 {
        let found = relieve_by_move(quick, state, &movable, short).or_else(|| relieve_by_swap(quick, state, &movable, short));
        match found {
            Some(less) => short = less,
            None => return false,
        }
    }
    true
}

/// The one move that lessens the shortage most.
fn relieve_by_move(quick: &Quick, state: &mut State, movable: &[GuestId], short: u64) -> Option<u64> {
    let mut best: Option<(u64, GuestId, HostId)> = None;
    for g in movable {
        let Some(from) = state.placement.host_of[g.index()] else { continue };
        for to in (0..quick.site.hosts.len()).map(HostId::at).filter(|h| *h != from) {
            if !quick.fits(state, *g, to) {
                continue;
            }
            quick.take(state, *g);
            quick.put(state, *g, to);
            let now = quick.shortage(state);
            quick.take(state, *g);
            quick.put(state, *g, from);
            if now < best.map_or(short, |b| b.0) {
                best = Some((now, *g, to));
            }
        }
    }
    let (now, g, to) = best?;
    quick.take(state, g);
    quick.put(state, g, to);
    Some(now)
}

/// The first exchange of two guests of different sizes that lessens the shortage.
fn relieve_by_swap(quick: &Quick, state: &mut State, movable: &[GuestId], short: u64) -> Option<u64> {
    for (i, a) in movable.iter().enumerate() {
        for b in &movable[i + 1..] {
            let (Some(ha), Some(hb)) = (state.placement.host_of[a.index()], state.placement.host_of[b.index()]) else { continue };
            if ha == hb || quick.site.guests[a.index()].memory == quick.site.guests[b.index()].memory || !exchange(quick, state, *a, *b) {
                continue;
            }
            let now = quick.shortage(state);
            if now < short {
                return Some(now);
            }
            exchange(quick, state, *a, *b);
        }
    }
    None
}

/// Exchanges two guests where both fit; leaves the state as it was where they do not.
fn exchange(quick: &Quick, state: &mut State, a: GuestId, b: GuestId) -> bool {
    let (ha, hb) = (quick.take(state, a), quick.take(state, b));
    if quick.fits(state, a, hb) {
        quick.put(state, a, hb);
        if quick.fits(state, b, ha) {
            quick.put(state, b, ha);
            return true;
        }
        quick.take(state, a);
    }
    quick.put(state, a, ha);
    quick.put(state, b, hb);
    false
}

/// Moves single guests where that costs less.
fn move_guests(quick: &Quick, state: &mut State) -> bool {
    let site = quick.site;
    let mut any = false;
    for g in (0..site.guests.len()).map(GuestId::at).filter(|g| site.guests[g.index()].pinned.is_none()) {
        let Some(from) = state.placement.host_of[g.index()] else { continue };
        for to in (0..site.hosts.len()).map(HostId::at).filter(|h| *h != from) {
            if !quick.fits(state, g, to) {
                continue;
            }
            let before = quick.mean_watts(state, from) + quick.mean_watts(state, to);
            quick.take(state, g);
            quick.put(state, g, to);
            let after = quick.mean_watts(state, from) + quick.mean_watts(state, to);
            // A tenth of a watt is not worth a migration.
            if after + 0.1 < before && quick.survives(state) {
                any = true;
                break;
            }
            quick.take(state, g);
            quick.put(state, g, from);
        }
    }
    any
}

/// Swaps two guests where that costs less.
fn swap_guests(quick: &Quick, state: &mut State) -> bool {
    let site = quick.site;
    let movable: Vec<GuestId> = (0..site.guests.len()).map(GuestId::at).filter(|g| site.guests[g.index()].pinned.is_none()).collect();
    for (i, a) in movable.iter().enumerate() {
        for b in &movable[i + 1..] {
            let (Some(ha), Some(hb)) = (state.placement.host_of[a.index()], state.placement.host_of[b.index()]) else { continue };
            // Hosts of one class draw the same whichever guest they carry, as far as the mean load tells.
            if ha == hb || site.hosts[ha.index()].class == site.hosts[hb.index()].class {
                continue;
            }
            let watts = |state: &State| quick.mean_watts(state, ha) + quick.mean_watts(state, hb);
            let before = watts(state);
            if !exchange(quick, state, *a, *b) {
                continue;
            }
            if watts(state) + 0.1 < before && quick.survives(state) {
                return true;
            }
            exchange(quick, state, *a, *b);
        }
    }
    false
}

/// The placement of today if the quick sums find no fault with it, for a plan that starts from what is.
#[must_use]
pub fn keep_today(quick: &Quick, today: &Placement) -> Option<State> {
    let mut state = quick.empty(today.on.clone());
    let mut homeless = Vec::new();
    for (g, host) in today.host_of.iter().enumerate() {
        let g = GuestId::at(g);
        match host.filter(|h| quick.fits(&state, g, *h)) {
            Some(h) => quick.put(&mut state, g, h),
            None if !quick.is_asked(g) => {}
            None => homeless.push(g),
        }
    }
    homeless.sort_by_key(|g| (std::cmp::Reverse(quick.site.guests[g.index()].memory), *g));
    for g in homeless {
        let h = (0..quick.site.hosts.len())
            .map(HostId::at)
            .filter(|h| quick.fits(&state, g, *h))
            .max_by_key(|h| (state.free_mib(*h), std::cmp::Reverse(*h)))?;
        quick.put(&mut state, g, h);
    }
    let may: Vec<bool> = quick.site.hosts.iter().map(|h| !h.retires).collect();
    (quick.survives(&state) || repair(quick, &mut state) || rebalance(quick, &mut state) || open_spares(quick, &may, &mut state))
        .then_some(state)
}
