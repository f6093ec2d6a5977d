//! The running sums that the search keeps: CPU by slot, memory, redundancy groups, and what each loss would need.
//!
//! They may be coarser than the truth, never kinder: where the demand has more steps than [`MOST_SAMPLES`] allows, steps
//! are gathered in slots at their greatest, so that what fits here fits the rules. The search for places after a loss is
//! cut short and may miss some that exist. The rules recount everything.

use models::demand::Demand;
use models::law::cost;
use models::law::percentile;
use models::quantity::Nanos;
use models::rule::ups::{self, nameplate, nameplate_peak};
use models::site::{DomainId, DomainKind, GuestId, HostId, Mode, OnLoss, Placement, PowerView, Site};

/// Most samples (guests x slots) that the search looks at.
pub const MOST_SAMPLES: usize = 4_000_000;

/// Most nodes of the search for places after one loss.
const MOST_NODES: u32 = 4_000;

/// Where the guests of a lost host may go.
struct Homes {
    rest: Vec<HostId>,
    come: Vec<Vec<GuestId>>,
    used: Vec<i64>,
    nodes: u32,
}

/// A site and demand prepared for the search.
pub struct Quick<'a> {
    /// The site, with the hosts that may be bought among its hosts.
    pub site: &'a Site,
    /// By guest: kHz by slot; empty: none.
    columns: Vec<Vec<u32>>,
    /// By guest: the greatest slot.
    peak: Vec<u64>,
    /// By guest: the mean, kHz.
    mean: Vec<f64>,
    slots: usize,
    /// So many slots may lie above the limit.
    exceed: usize,
    /// By host: kHz that the CPU rule lets guests use.
    limit: Vec<f64>,
    /// By host: kHz of its capacity.
    capacity: Vec<f64>,
    groups: Vec<Vec<GuestId>>,
    /// By guest: the network domains that it is kept in for this try, a bit each; [`ANY`]: any host.
    within: Vec<u64>,
    /// By host: its network domains, a bit each.
    networks: Vec<u64>,
}

/// Any host, in a network domain or in none.
pub const ANY: u64 = u64::MAX;

/// Guests on hosts, with sums.
#[derive(Clone)]
pub struct State {
    /// Who runs where, and which hosts are on.
    pub placement: Placement,
    guests: Vec<Vec<GuestId>>,
    sum: Vec<Vec<u64>>,
    most: Vec<u64>,
    free: Vec<i64>,
}

impl<'a> Quick<'a> {
    /// Prepares a site and its demand.
    #[must_use]
    pub fn new(site: &'a Site, demand: &Demand) -> Self {
        let per_guest = (MOST_SAMPLES / site.guests.len().max(1)).max(24);
        let width = demand.steps.div_ceil(per_guest).max(1);
        let slots = demand.steps.div_ceil(width);
        let columns: Vec<Vec<u32>> =
            demand.guests.iter().map(|g| g.cpu_khz.chunks(width).map(|c| c.iter().copied().max().unwrap_or(0)).collect()).collect();
        let mean =
            demand.guests.iter().map(|g| g.cpu_khz.iter().map(|x| f64::from(*x)).sum::<f64>() / demand.steps.max(1) as f64).collect();
        let rule = site.rules.cpu;
        // A slot above the limit may hide as many steps above it as it is wide.
        let exceed = if demand.steps == 0 { 0 } else { (demand.steps - 1 - percentile::rank(demand.steps, rule.percentile)) / width };
        let capacity: Vec<f64> = (0..site.hosts.len()).map(|h| site.class_of(HostId::at(h)).capacity().get() * 1000.0).collect();
        Self {
            site,
            peak: columns.iter().map(|c| u64::from(c.iter().copied().max().unwrap_or(0))).collect(),
            columns,
            mean,
            slots,
            exceed,
            limit: capacity.iter().map(|c| c * rule.limit).collect(),
            capacity,
            groups: site.guests_by_group(),
            within: vec![ANY; site.guests.len()],
            networks: crate::prefer::networks(site),
        }
    }

    /// Keeps each guest in these network domains, by guest: see [`crate::prefer`].
    pub fn keep_within(&mut self, within: Vec<u64>) {
        self.within = within;
    }

    /// Whether a guest is asked to run: one that may stay down after a loss is not.
    #[must_use]
    pub fn is_asked(&self, g: GuestId) -> bool {
        !self.site.rules.excused.contains(&g)
    }

    /// The mean of a guest, kHz.
    #[must_use]
    pub fn mean_khz(&self, g: GuestId) -> f64 {
        self.mean[g.index()]
    }

    /// The greatest slot of a guest, kHz.
    #[must_use]
    pub fn peak_khz(&self, g: GuestId) -> u64 {
        self.peak[g.index()]
    }

    /// No guest placed, these hosts on.
    #[must_use]
    pub fn empty(&self, on: Vec<bool>) -> State {
        let n = self.site.hosts.len();
        State {
            placement: Placement { on, host_of: vec![None; self.site.guests.len()] },
            guests: vec![Vec::new(); n],
            sum: vec![Vec::new(); n],
            most: vec![0; n],
            free: (0..n).map(|h| self.site.class_of(HostId::at(h)).guest_memory().0 as i64).collect(),
        }
    }

    /// A placement with its sums.
    #[must_use]
    pub fn state(&self, placement: &Placement) -> State {
        let mut state = self.empty(placement.on.clone());
        for (g, host) in placement.host_of.iter().enumerate() {
            if let Some(h) = host {
                self.put(&mut state, GuestId::at(g), *h);
            }
        }
        state
    }

    /// Puts a guest on a host.
    pub fn put(&self, state: &mut State, g: GuestId, h: HostId) {
        let (i, column) = (h.index(), &self.columns[g.index()]);
        state.placement.host_of[g.index()] = Some(h);
        state.guests[i].push(g);
        state.free[i] -= self.site.guests[g.index()].memory.0 as i64;
        if !column.is_empty() {
            state.sum[i].resize(self.slots, 0);
            state.sum[i].iter_mut().zip(column).for_each(|(s, x)| *s += u64::from(*x));
            state.most[i] = state.sum[i].iter().copied().max().unwrap_or(0);
        }
    }

    /// Takes a guest off its host.
    ///
    /// # Panics
    /// Where the guest runs nowhere.
    pub fn take(&self, state: &mut State, g: GuestId) -> HostId {
        let h = state.placement.host_of[g.index()].take().expect("a guest that is taken runs somewhere");
        let (i, column) = (h.index(), &self.columns[g.index()]);
        state.guests[i].retain(|x| *x != g);
        state.free[i] += self.site.guests[g.index()].memory.0 as i64;
        if !column.is_empty() {
            state.sum[i].iter_mut().zip(column).for_each(|(s, x)| *s -= u64::from(*x));
            state.most[i] = state.sum[i].iter().copied().max().unwrap_or(0);
        }
        h
    }

    /// Whether a host that is on can take a guest: mode, pool, pin, memory, CPU, apart, spread.
    #[must_use]
    pub fn fits(&self, state: &State, g: GuestId, h: HostId) -> bool {
        let (i, guest) = (h.index(), &self.site.guests[g.index()]);
        let near = self.within[g.index()];
        state.placement.on[i]
            && (near == ANY || near & self.networks[i] != 0)
            && (guest.memory.0 as i64) <= state.free[i]
            && self.site.admits(h, g)
            && self.company_fits(state, g, h)
            && self.apart(state, g, h)
            && self.cpu_fits(&state.sum[i], state.most[i], &[g], self.limit[i])
    }

    fn company_fits(&self, state: &State, g: GuestId, h: HostId) -> bool {
        let mode = |g: &GuestId| self.site.guests[g.index()].mode;
        let here = &state.guests[h.index()];
        let single = self.site.class_of(h).hypervisor.is_none() || mode(&g) == Mode::PhysicalOnly;
        if single || here.iter().any(|x| mode(x) == Mode::PhysicalOnly) {
            return here.is_empty();
        }
        match self.site.rules.full_virtual_per_host {
            Some(most) if mode(&g) == Mode::Full => here.iter().filter(|x| mode(x) == Mode::Full).count() < most as usize,
            _ => true,
        }
    }

    fn apart(&self, state: &State, g: GuestId, h: HostId) -> bool {
        let (Some(kinds), Some(group)) = (&self.site.rules.apart, self.site.guests[g.index()].group) else { return true };
        self.groups[group.index()].iter().filter(|m| **m != g).all(|m| match state.placement.host_of[m.index()] {
            None => true,
            Some(other) => {
                other != h && !kinds.iter().any(|k| self.domains(h, *k).any(|d| self.site.hosts[other.index()].domains.contains(&d)))
            }
        })
    }

    fn domains(&self, h: HostId, kind: DomainKind) -> impl Iterator<Item = DomainId> {
        self.site.hosts[h.index()].domains.iter().copied().filter(move |d| self.site.domains[d.index()].kind == kind)
    }

    /// Whether one more host may be on: licences of hosts, and the CVCF and branches where they bind by nameplate.
    #[must_use]
    pub fn may_open(&self, state: &State, h: HostId) -> bool {
        let site = self.site;
        let by_nameplate =
            site.rules.ups.is_some_and(|r| r.view == PowerView::Nameplate) || site.rules.branches == Some(PowerView::Nameplate);
        if !by_nameplate && site.licences.iter().all(|l| l.max.is_none()) {
            return true;
        }
        let mut with = state.placement.clone();
        with.on[h.index()] = true;
        if !site.licences.iter().zip(cost::licences_needed(site, &with)).all(|(l, n)| l.max.is_none_or(|max| n <= max)) {
            return false;
        }
        if let (Some(ups), Some(rule)) = (&site.ups, site.rules.ups)
            && rule.view == PowerView::Nameplate
        {
            let (n, keep) = (nameplate(site, &with, None), 1.0 - rule.reserve);
            if n.va.value > ups.rating.get() * keep || n.w.value > ups.limit_w().get() * keep {
                return false;
            }
            if nameplate_peak(site, &with).is_some_and(|(needed, most)| needed > most * keep) {
                return false;
            }
        }
        site.rules.branches != Some(PowerView::Nameplate)
            || site.hosts[h.index()]
                .domains
                .iter()
                .all(|d| site.domains[d.index()].limit_va.is_none_or(|limit| nameplate(site, &with, Some(*d)).va.value <= limit.get()))
    }

    /// Whether one more host may boot now: [`Self::may_open`], and the CVCF and branches where they bind by measured curves, with
    /// the host at full load and the others at theirs.
    #[must_use]
    pub fn may_boot(&self, state: &State, h: HostId) -> bool {
        let site = self.site;
        let (by_curves, branches) =
            (site.rules.ups.is_some_and(|r| r.view == PowerView::Expected), site.rules.branches == Some(PowerView::Expected));
        let limits = site
            .ups
            .iter()
            .filter(|_| by_curves)
            .map(|u| {
                let keep = 1.0 - site.rules.ups.map_or(0.0, |r| r.reserve);
                (None, u.rating.get() * keep, u.limit_w().get() * keep)
            })
            .chain(
                site.hosts[h.index()]
                    .domains
                    .iter()
                    .filter(|_| branches)
                    .filter_map(|d| site.domains[d.index()].limit_va.map(|limit| (Some(*d), limit.get(), f64::INFINITY))),
            );
        self.may_open(state, h) && limits.into_iter().all(|(feed, va, w)| self.power_holds(state, h, feed, va, w))
    }

    /// Whether the hosts that are on, at their load, and one that boots stay within a limit at every slot.
    fn power_holds(&self, state: &State, boots: HostId, feed: Option<DomainId>, most_va: f64, most_w: f64) -> bool {
        let site = self.site;
        let on: Vec<HostId> = (0..site.hosts.len())
            .map(HostId::at)
            .filter(|h| state.placement.on[h.index()] && feed.is_none_or(|f| site.hosts[h.index()].domains.contains(&f)))
            .collect();
        let surge = ups::surge(site, boots, PowerView::Expected).at(Nanos::ZERO);
        let (mut steady_va, mut steady_w) = (surge.va.get(), surge.w.get());
        for d in site.devices.iter().filter(|d| feed.is_none() || d.feed == feed) {
            steady_w += d.expected.get() * f64::from(d.count);
            steady_va += d.expected.apparent(d.power_factor).get() * f64::from(d.count);
        }
        let at = |khz: &dyn Fn(HostId) -> u64| {
            on.iter().fold((steady_va, steady_w), |(va, w), h| {
                let (load, power) = (khz(*h) as f64 / self.capacity[h.index()], &site.class_of(*h).power);
                let draw = power.curve.at(load);
                (va + draw.apparent(power.factor_at(load)).get(), w + draw.get())
            })
        };
        let holds = |(va, w): (f64, f64)| va <= most_va && w <= most_w;
        // Every host at its own peak: where that fits, all slots do.
        holds(at(&|h| state.most[h.index()]))
            || (0..self.slots.max(1)).all(|t| holds(at(&|h| state.sum[h.index()].get(t).copied().unwrap_or(0))))
    }

    /// Whether a load and some guests' columns stay within a limit at the rule's percentile.
    fn cpu_fits(&self, sum: &[u64], most: u64, guests: &[GuestId], limit: f64) -> bool {
        let more: u64 = guests.iter().map(|g| self.peak[g.index()]).sum();
        if (most + more) as f64 <= limit {
            return true;
        }
        let mut above = 0;
        for t in 0..self.slots {
            let mut x = sum.get(t).copied().unwrap_or(0);
            for g in guests {
                x += self.columns[g.index()].get(t).map_or(0, |x| u64::from(*x));
            }
            if x as f64 > limit {
                above += 1;
                if above > self.exceed {
                    return false;
                }
            }
        }
        true
    }

    /// Whether every loss that the rules name is survived, as far as a short search can show.
    #[must_use]
    pub fn survives(&self, state: &State) -> bool {
        self.losses(state).iter().all(|(lost, cpu_limit)| self.survives_loss(state, lost, *cpu_limit))
    }

    /// Memory, in MiB, of the guests that find no place, one by one, summed over the losses that are not survived; never
    /// zero where some loss is not survived. It guides a repair.
    #[must_use]
    pub fn shortage(&self, state: &State) -> u64 {
        self.losses(state)
            .iter()
            .filter(|(lost, cpu_limit)| !self.survives_loss(state, lost, *cpu_limit))
            .map(|(lost, _)| {
                let mut free: Vec<(i64, HostId)> = self.by_free(state, lost).iter().map(|h| (state.free[h.index()], *h)).collect();
                let mut restart: Vec<GuestId> = lost
                    .iter()
                    .flat_map(|h| state.guests[h.index()].iter().copied())
                    .filter(|g| self.site.guests[g.index()].on_loss == OnLoss::Restart)
                    .collect();
                restart.sort_by_key(|g| (std::cmp::Reverse(self.site.guests[g.index()].memory), *g));
                let mut short = 1;
                for g in restart {
                    let needs = self.site.guests[g.index()].memory.0;
                    match free.iter_mut().filter(|(f, h)| *f >= needs as i64 && self.site.admits(*h, g)).min() {
                        Some(room) => room.0 -= needs as i64,
                        None => short += needs,
                    }
                }
                short
            })
            .sum()
    }

    /// The losses that the rules name: hosts that go together, and the share of CPU that survivors may use.
    fn losses(&self, state: &State) -> Vec<(Vec<HostId>, f64)> {
        let on: Vec<HostId> = (0..self.site.hosts.len()).filter(|h| state.placement.on[*h]).map(HostId::at).collect();
        let mut all = Vec::new();
        if let Some(rule) = self.site.rules.one_host_down {
            all.extend(on.iter().map(|h| (vec![*h], rule.cpu_limit)));
        }
        for (kind, rule) in &self.site.rules.one_domain_down {
            for d in (0..self.site.domains.len()).filter(|d| self.site.domains[*d].kind == *kind) {
                let lost: Vec<HostId> = on.iter().copied().filter(|h| self.domains(*h, *kind).any(|x| x.index() == d)).collect();
                if !lost.is_empty() {
                    all.push((lost, rule.cpu_limit));
                }
            }
        }
        all
    }

    /// The hosts with memory left after a loss, the least first.
    fn by_free(&self, state: &State, lost: &[HostId]) -> Vec<HostId> {
        let mut rest: Vec<HostId> = (0..self.site.hosts.len())
            .map(HostId::at)
            .filter(|h| state.placement.on[h.index()] && !lost.contains(h) && state.free[h.index()] > 0)
            .collect();
        rest.sort_by_key(|h| (state.free[h.index()], *h));
        rest
    }

    fn survives_loss(&self, state: &State, lost: &[HostId], cpu_limit: f64) -> bool {
        let gone = || lost.iter().flat_map(|h| state.guests[h.index()].iter().copied());
        let guest = |g: GuestId| &self.site.guests[g.index()];
        // What falls on each survivor: the columns of guests that come, and those of lost members of its guests' groups.
        let mut taken: Vec<(HostId, Vec<u64>)> = Vec::new();
        for g in gone().filter(|g| guest(*g).on_loss == OnLoss::Survivor) {
            let members = guest(g).group.map_or(&[][..], |group| &self.groups[group.index()]);
            let alive: Vec<HostId> =
                members.iter().filter_map(|m| state.placement.host_of[m.index()]).filter(|h| !lost.contains(h)).collect();
            if alive.is_empty() {
                return false;
            }
            for h in &alive {
                let at = taken.iter().position(|(x, _)| x == h).unwrap_or_else(|| {
                    let mut sum = state.sum[h.index()].clone();
                    sum.resize(self.slots, 0);
                    taken.push((*h, sum));
                    taken.len() - 1
                });
                let sum = &mut taken[at].1;
                sum.iter_mut().zip(&self.columns[g.index()]).for_each(|(s, x)| *s += u64::from(x.div_ceil(alive.len() as u32)));
            }
        }
        let fits = |h: HostId, come: &[GuestId]| {
            let limit = self.capacity[h.index()] * cpu_limit;
            match taken.iter().find(|(x, _)| *x == h) {
                Some((_, sum)) => self.cpu_fits(sum, sum.iter().copied().max().unwrap_or(0), come, limit),
                None => self.cpu_fits(&state.sum[h.index()], state.most[h.index()], come, limit),
            }
        };
        if !taken.iter().all(|(h, _)| fits(*h, &[])) {
            return false;
        }
        let mut restart: Vec<GuestId> = gone().filter(|g| guest(*g).on_loss == OnLoss::Restart).collect();
        if restart.is_empty() {
            return true;
        }
        restart.sort_by_key(|g| (std::cmp::Reverse(guest(*g).memory), std::cmp::Reverse(self.peak[g.index()]), *g));
        let mut homes = Homes {
            rest: self.by_free(state, lost),
            come: vec![Vec::new(); self.site.hosts.len()],
            used: vec![0; self.site.hosts.len()],
            nodes: 0,
        };
        self.find_homes(state, &mut homes, &restart, &fits)
    }

    /// Finds a place for each guest that is to be restarted: depth first, tightest host first, up to [`MOST_NODES`].
    fn find_homes(&self, state: &State, homes: &mut Homes, guests: &[GuestId], fits: &impl Fn(HostId, &[GuestId]) -> bool) -> bool {
        let Some((g, others)) = guests.split_first() else { return true };
        let needs = self.site.guests[g.index()].memory.0 as i64;
        let metal = |x: &GuestId| self.site.guests[x.index()].mode == Mode::PhysicalOnly;
        let mut order: Vec<(i64, HostId)> =
            homes.rest.iter().map(|h| (state.free[h.index()] - homes.used[h.index()], *h)).filter(|(free, _)| *free >= needs).collect();
        order.sort_unstable();
        for (_, h) in order {
            let i = h.index();
            let alone = self.site.class_of(h).hypervisor.is_none() || metal(g) || state.guests[i].iter().chain(&homes.come[i]).any(metal);
            if !self.site.admits(h, *g) || (alone && !(state.guests[i].is_empty() && homes.come[i].is_empty())) {
                continue;
            }
            homes.nodes += 1;
            if homes.nodes > MOST_NODES {
                return false;
            }
            homes.come[i].push(*g);
            homes.used[i] += needs;
            if fits(h, &homes.come[i]) && self.find_homes(state, homes, others, fits) {
                return true;
            }
            homes.come[i].pop();
            homes.used[i] -= needs;
        }
        false
    }

    /// The mean power of a host that is on, W, taken at its mean load: enough to compare moves.
    #[must_use]
    pub fn mean_watts(&self, state: &State, h: HostId) -> f64 {
        let khz: f64 = state.guests[h.index()].iter().map(|g| self.mean[g.index()]).sum();
        self.site.class_of(h).power.curve.at(khz / self.capacity[h.index()]).get()
    }
}

impl State {
    /// The guests of a host.
    #[must_use]
    pub fn guests_of(&self, h: HostId) -> &[GuestId] {
        &self.guests[h.index()]
    }

    /// Memory free on a host, MiB.
    #[must_use]
    pub fn free_mib(&self, h: HostId) -> i64 {
        self.free[h.index()]
    }

    /// The greatest slot of a host's load, kHz.
    #[must_use]
    pub fn most_khz(&self, h: HostId) -> u64 {
        self.most[h.index()]
    }
}
