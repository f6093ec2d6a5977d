//! Any one host down; any one failure domain down (S1-2, S1-8, S3-4, S0-14).
//!
//! After the loss, without moving any other guest:
//! - each lost guest that is to be *restarted* finds a place on one of the other hosts that are on: memory always, CPU of
//!   every survivor at the rule's percentile within the rule's share, its pool, a machine of its own where it needs one;
//! - each lost guest whose *survivors* carry on has at least one member of its group running elsewhere; the load of the
//!   lost members falls evenly on those that survive, and counts in their hosts' CPU;
//! - a guest whose loss is *accepted* is not looked at.
//!
//! A host that is evacuated is given no guest then either.
//! The place is found by an exact search (depth first, hardest guest first), not by comparing sums: sums are only used to
//! say no early and with figures. Two members of a redundancy group may share a host while something is down.
//! Left out: branch circuits after the loss of a feed (what the survivors then draw on their own), and the time that the
//! recovery takes. A search that exceeds [`SEARCH_LIMIT`] nodes answers *undecided*, never *holds*.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use super::{Breach, HostLoads, Judgement, Margin, RuleName, Verdict, add, cpu_limit_khz, load_at};
use crate::demand::Demand;
use crate::quantity::MiB;
use crate::site::{DownRule, GuestId, HostId, Mode, OnLoss, Placement, PoolId, Site};

/// Most nodes of the search for one loss.
pub const SEARCH_LIMIT: u64 = 200_000;

/// What one loss leaves.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Headroom {
    /// What is lost: `host x`, `chassis y`.
    pub lost: String,
    /// Guests on it.
    pub guests: usize,
    /// Memory of the guests to be restarted, MiB.
    pub needed_mib: u64,
    /// Memory free on the survivors, MiB.
    pub free_mib: u64,
    /// CPU of the survivors at the rule's percentile, summed host by host, and of the guests to be restarted at their
    /// peaks, MHz.
    pub cpu_needed_mhz: f64,
    /// What the rule lets the survivors use, MHz.
    pub cpu_available_mhz: f64,
    /// Whether everything finds a place.
    pub verdict: Verdict,
    /// Where the restarted guests go: guest, host.
    pub moves: Vec<(String, String)>,
}

/// Every loss that the site's rules name, with what it leaves.
#[must_use]
pub fn headrooms(site: &Site, demand: &Demand, placement: &Placement) -> Vec<Headroom> {
    let loads = HostLoads::recount(site, demand, placement);
    losses(site, placement).into_iter().map(|(loss, rule)| after(site, demand, placement, &loads, &loss, rule, None)).collect()
}

/// A loss: what it is called, and the hosts that go with it.
pub(crate) struct Loss {
    name: String,
    rule: RuleName,
    hosts: Vec<HostId>,
}

/// The losses that the rules name. A host that is off cannot be lost.
pub(crate) fn losses(site: &Site, placement: &Placement) -> Vec<(Loss, DownRule)> {
    let on: Vec<HostId> = (0..site.hosts.len()).filter(|h| placement.on[*h]).map(HostId::at).collect();
    let mut all = Vec::new();
    if let Some(rule) = site.rules.one_host_down {
        all.extend(
            on.iter().map(|h| {
                (Loss { name: format!("host {}", site.hosts[h.index()].name), rule: RuleName::OneHostDown, hosts: vec![*h] }, rule)
            }),
        );
    }
    for &(kind, rule) in &site.rules.one_domain_down {
        for (d, domain) in site.domains.iter().enumerate().filter(|(_, d)| d.kind == kind) {
            let hosts: Vec<HostId> = on.iter().copied().filter(|h| site.hosts[h.index()].domains.iter().any(|x| x.index() == d)).collect();
            if !hosts.is_empty() {
                all.push((Loss { name: format!("{} {}", kind.word(), domain.name), rule: RuleName::OneDomainDown, hosts }, rule));
            }
        }
    }
    all
}

/// The rules, where the site asks for them.
///
/// `in_service`, by redundancy group: a group that is not in service yet need not survive.
pub(crate) fn judge(site: &Site, demand: &Demand, placement: &Placement, loads: &HostLoads, in_service: Option<&[bool]>) -> Vec<Judgement> {
    let losses = losses(site, placement);
    let mut all = Vec::new();
    let mut asked = Vec::new();
    if let Some(r) = site.rules.one_host_down {
        asked.push((RuleName::OneHostDown, format!("with any one host down the others carry on, CPU within {:.0} %", 100.0 * r.cpu_limit)));
    }
    if !site.rules.one_domain_down.is_empty() {
        let kinds: Vec<_> =
            site.rules.one_domain_down.iter().map(|(k, r)| format!("{} (CPU within {:.0} %)", k.word(), 100.0 * r.cpu_limit)).collect();
        asked.push((RuleName::OneDomainDown, format!("with any one {} down the others carry on", kinds.join(" or "))));
    }
    for (name, asked) in asked {
        let (mut margins, mut breaches, mut undecided) = (Vec::new(), Vec::new(), None);
        for (loss, rule) in losses.iter().filter(|(l, _)| l.rule == name) {
            match after(site, demand, placement, loads, loss, *rule, in_service).verdict {
                Verdict::Holds { margin } => margins.extend(margin),
                Verdict::Broken { breaches: b, .. } => breaches.extend(b),
                Verdict::Undecided { why } => undecided = Some(why),
            }
        }
        let verdict = match undecided {
            Some(why) if breaches.is_empty() => Verdict::Undecided { why },
            _ => Verdict::from(margins, breaches),
        };
        all.push(Judgement { rule: name, asked, verdict });
    }
    all
}

/// A survivor while places are sought.
struct Room<'a> {
    host: HostId,
    free: MiB,
    /// Its load as it stands, with what its survivors took over; copied when it changes.
    khz: Cow<'a, [u64]>,
    /// An upper bound of its load at any step.
    most_khz: u64,
    /// Its load at the rule's percentile, before guests to be restarted come.
    at_percentile: u64,
    limit_khz: f64,
    guests: usize,
    /// Takes no company: a physical-only workload runs there, or it has no hypervisor.
    single: bool,
}

/// What is left after one loss.
pub(crate) fn after(
    site: &Site,
    demand: &Demand,
    placement: &Placement,
    loads: &HostLoads,
    loss: &Loss,
    rule: DownRule,
    in_service: Option<&[bool]>,
) -> Headroom {
    let lost = |h: HostId| loss.hosts.contains(&h);
    let p = site.rules.cpu.percentile;
    let by_host = placement.guests_by_host();
    let groups = site.guests_by_group();

    let mut rooms: Vec<Room<'_>> = (0..site.hosts.len())
        .map(HostId::at)
        .filter(|h| placement.on[h.index()] && !lost(*h))
        .map(|host| {
            let class = site.class_of(host);
            let guests = &by_host[host.index()];
            let used: MiB = guests.iter().map(|g| site.guests[g.index()].memory).sum();
            Room {
                host,
                free: class.guest_memory().saturating_sub(used),
                most_khz: loads[host.index()].most,
                at_percentile: loads[host.index()].at_percentile,
                khz: Cow::Borrowed(&loads[host.index()].khz),
                limit_khz: cpu_limit_khz(site, host, rule.cpu_limit),
                guests: guests.len(),
                single: class.hypervisor.is_none() || guests.iter().any(|g| site.guests[g.index()].mode == Mode::PhysicalOnly),
            }
        })
        .collect();

    let mut breaches = Vec::new();
    let mut taken_over = vec![false; site.hosts.len()];
    let mut restart = Vec::new();
    let gone: Vec<GuestId> = loss.hosts.iter().flat_map(|h| by_host[h.index()].iter().copied()).collect();
    for &g in &gone {
        let guest = &site.guests[g.index()];
        match guest.on_loss {
            OnLoss::Accept => {}
            OnLoss::Restart => restart.push(g),
            OnLoss::Survivor if in_service.is_some_and(|s| guest.group.is_some_and(|group| !s[group.index()])) => {}
            OnLoss::Survivor => {
                let members = guest.group.map_or(&[][..], |group| &groups[group.index()]);
                let alive: Vec<HostId> =
                    members.iter().filter_map(|m| placement.host_of[m.index()]).filter(|h| placement.on[h.index()] && !lost(*h)).collect();
                if alive.is_empty() {
                    breaches.push(Breach {
                        needed: 1.0,
                        available: 0.0,
                        unit: "survivors".into(),
                        place: loss.name.clone(),
                        when: None,
                        why: format!("no member of {}'s group survives", guest.name),
                    });
                    continue;
                }
                for host in &alive {
                    let room = rooms.iter_mut().find(|r| r.host == *host).expect("a survivor stands on a host that is on");
                    let share: Vec<u32> = demand.guests[g.index()].cpu_khz.iter().map(|x| x.div_ceil(alive.len() as u32)).collect();
                    add(room.khz.to_mut(), &share);
                    taken_over[host.index()] = true;
                }
            }
        }
    }
    for room in rooms.iter_mut().filter(|r| taken_over[r.host.index()]) {
        room.most_khz = room.khz.iter().copied().max().unwrap_or(0);
        room.at_percentile = load_at(&room.khz, p);
        let load = room.at_percentile as f64;
        if load > room.limit_khz {
            breaches.push(Breach {
                needed: load / 1000.0,
                available: room.limit_khz / 1000.0,
                unit: "MHz".into(),
                place: loss.name.clone(),
                when: None,
                why: format!("{} would carry the load of the lost members of its guests' groups", site.hosts[room.host.index()].name),
            });
        }
    }

    // Physical-only workloads want machines, not memory beside others: they are not in these sums.
    let shared = |g: &&GuestId| site.guests[g.index()].mode != Mode::PhysicalOnly;
    let needed: MiB = restart.iter().filter(shared).map(|g| site.guests[g.index()].memory).sum();
    // A host that is evacuated is nobody's spare.
    let spare = |r: &&Room<'_>| !site.rules.evacuated.contains(&r.host);
    let free: MiB = rooms.iter().filter(|r| !r.single).filter(spare).map(|r| r.free).sum();
    let mut moves = Vec::new();
    let mut came: Vec<HostId> = Vec::new();
    let mut undecided = None;
    if breaches.is_empty() && !restart.is_empty() {
        // Hardest first: the largest memory, then the highest load; ties by id.
        let peak = |g: &GuestId| demand.guests[g.index()].cpu_khz.iter().copied().max().unwrap_or(0);
        restart.sort_by(|a, b| {
            let key = |g: &GuestId| (std::cmp::Reverse(site.guests[g.index()].memory), std::cmp::Reverse(peak(g)), *g);
            key(a).cmp(&key(b))
        });
        let mut breach = |needed: f64, available: f64, unit: &str, why: String| {
            breaches.push(Breach { needed, available, unit: unit.into(), place: loss.name.clone(), when: None, why });
        };
        let count = restart.len();
        if needed > free {
            // Sums say no early, and with figures.
            breach(
                needed.0 as f64,
                free.0 as f64,
                "MiB",
                format!("memory of {count} guests to restart exceeds what is free on the survivors"),
            );
        } else {
            let mut search = Search { site, demand, p, guests: &restart, rooms: &mut rooms, nodes: 0, placed: Vec::new(), most_placed: 0 };
            let found = search.place(0);
            let (nodes, placed, most_placed) = (search.nodes, std::mem::take(&mut search.placed), search.most_placed);
            if found {
                moves = placed.iter().map(|(g, h)| (site.guests[g.index()].name.clone(), site.hosts[h.index()].name.clone())).collect();
                came = placed.iter().map(|(_, h)| *h).collect();
            } else if nodes > SEARCH_LIMIT {
                undecided = Some(format!("{}: no re-placement of {count} guests found in {SEARCH_LIMIT} nodes, none ruled out", loss.name));
            } else {
                let largest = restart.iter().map(|g| site.guests[g.index()].memory.0).max().unwrap_or(0);
                let why = format!(
                    "{count} guests to restart do not all find a place one by one (largest {largest} MiB; free memory is in pieces, or CPU at the {p}th percentile is short)"
                );
                breach(count as f64, most_placed as f64, "guests placed", why);
            }
        }
    }

    let comes: u64 = restart.iter().map(|g| u64::from(demand.guests[g.index()].cpu_khz.iter().copied().max().unwrap_or(0))).sum();
    let cpu_needed_mhz = (rooms.iter().map(|r| r.at_percentile).sum::<u64>() + comes) as f64 / 1000.0;
    let cpu_available_mhz = rooms.iter().filter(|r| !r.single && spare(r) || r.guests > 0).map(|r| r.limit_khz).sum::<f64>() / 1000.0;
    let mut margins: Vec<Margin> = rooms
        .iter()
        .filter(|r| taken_over[r.host.index()] || came.contains(&r.host))
        .map(|r| {
            let khz = if came.contains(&r.host) { load_at(&r.khz, p) } else { r.at_percentile };
            Margin {
                needed: khz as f64 / 1000.0,
                available: r.limit_khz / 1000.0,
                unit: "MHz".into(),
                place: loss.name.clone(),
                when: None,
            }
        })
        .collect();
    if needed > MiB(0) {
        margins.push(Margin {
            needed: needed.0 as f64,
            available: free.0 as f64,
            unit: "MiB".into(),
            place: loss.name.clone(),
            when: None,
        });
    }
    let verdict = match undecided {
        Some(why) if breaches.is_empty() => Verdict::Undecided { why },
        _ => Verdict::from(margins, breaches),
    };
    Headroom {
        lost: loss.name.clone(),
        guests: gone.len(),
        needed_mib: needed.0,
        free_mib: free.0,
        cpu_needed_mhz,
        cpu_available_mhz,
        verdict,
        moves,
    }
}

struct Search<'a, 'l> {
    site: &'a Site,
    demand: &'a Demand,
    p: f64,
    guests: &'a [GuestId],
    rooms: &'a mut [Room<'l>],
    nodes: u64,
    placed: Vec<(GuestId, HostId)>,
    most_placed: usize,
}

impl Search<'_, '_> {
    /// Places guests from the `k`-th on; leaves the rooms as they were found where it fails.
    fn place(&mut self, k: usize) -> bool {
        let Some(&g) = self.guests.get(k) else { return true };
        let guest = &self.site.guests[g.index()];
        let column = &self.demand.guests[g.index()].cpu_khz;
        let peak = u64::from(column.iter().copied().max().unwrap_or(0));
        // Tightest memory first: it keeps large holes whole. Ties by id.
        let mut order: Vec<usize> = (0..self.rooms.len()).filter(|r| self.fits(*r, g)).collect();
        order.sort_by_key(|r| (self.rooms[*r].free, self.rooms[*r].host));
        let mut tried: Vec<(MiB, u64, crate::site::ClassId, &[PoolId])> = Vec::new();
        for r in order {
            self.nodes += 1;
            if self.nodes > SEARCH_LIMIT {
                return false;
            }
            // Rooms that are empty and alike need one try.
            let room = &self.rooms[r];
            let host = &self.site.hosts[room.host.index()];
            let like = (room.free, room.most_khz, host.class, host.pools.as_slice());
            if room.guests == 0 && tried.contains(&like) {
                continue;
            }
            tried.push(like);
            if room.most_khz as f64 + peak as f64 > room.limit_khz {
                let mut sum = room.khz.to_vec();
                add(&mut sum, column);
                if load_at(&sum, self.p) as f64 > room.limit_khz {
                    continue;
                }
            }
            let room = &mut self.rooms[r];
            let before = (room.most_khz, room.single);
            add(room.khz.to_mut(), column);
            room.most_khz = if room.most_khz as f64 + peak as f64 > room.limit_khz {
                room.khz.iter().copied().max().unwrap_or(0)
            } else {
                room.most_khz + peak
            };
            room.free = room.free.saturating_sub(guest.memory);
            room.guests += 1;
            room.single |= guest.mode == Mode::PhysicalOnly;
            self.placed.push((g, room.host));
            self.most_placed = self.most_placed.max(self.placed.len());
            if self.place(k + 1) {
                return true;
            }
            let room = &mut self.rooms[r];
            for (s, x) in room.khz.to_mut().iter_mut().zip(column) {
                *s -= u64::from(*x);
            }
            (room.most_khz, room.single) = before;
            room.free = room.free + guest.memory;
            room.guests -= 1;
            self.placed.pop();
        }
        false
    }

    fn fits(&self, r: usize, g: GuestId) -> bool {
        let (room, guest) = (&self.rooms[r], &self.site.guests[g.index()]);
        let alone = room.single || guest.mode == Mode::PhysicalOnly;
        guest.memory <= room.free && (!alone || room.guests == 0) && self.site.admits(room.host, g)
    }
}
