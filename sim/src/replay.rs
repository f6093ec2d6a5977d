//! Recorded or generated demand played against a placement.
//!
//! A step is one pass over columns: for each host, its guests' columns are added, the sum is looked up in the power
//! curve, and the power is added to the site. Sums are of whole numbers (kHz, mW, mVA, mvar), so that no order of
//! summation and no number of threads shows in any figure. Where guests ask for more than a host has, capacity is shared
//! max-min fairly by vCPUs ([`models::law::share`]); a guest never gets more than its vCPUs times the host's clock.
//!
//! [`Replay`] takes the demand block by block, for a trace that is larger than memory; [`replay`] takes it whole. Besides
//! the demand it holds 24 bytes a step for the site (and for each feed) and 16 KiB a host.
//!
//! Left out: the hypervisor's own CPU, delay inside a step, and what full virtualisation costs neighbours.

use std::collections::BTreeMap;
use std::ops::Range;

use models::demand::Demand;
use models::law::power::PowerModel;
use models::law::share::max_min;
use models::quantity::{BytesPerSecond, Nanos, VoltAmperes, WattHours, Watts};
use models::rule::ups::nameplate;
use models::site::{ClassId, DomainId, DomainKind, GuestId, HostClass, HostId, Placement, Site};
use rayon::prelude::*;

use crate::measure::{HEAT_COLUMNS, HostMeasures, Measures, PowerMeasures, PowerPoint, SERIES_POINTS, Unserved};

/// Steps of one pass: a block of a column and its sum stay in the first cache.
const BLOCK: usize = 1024;

/// Bins of a host's load, a thousandth of its capacity each.
const BINS: usize = 4096;

/// The bin of all loads from four times the capacity on; those just below it may share it.
const OVER: usize = 4000;

/// Hosts of one task: small enough to share out, large enough to be worth it.
const HOSTS_A_TASK: usize = 16;

/// Plays a demand against a placement.
#[must_use]
pub fn replay(site: &Site, demand: &Demand, placement: &Placement) -> Measures {
    let mut replay = Replay::whole(site, placement, demand, 0, demand.steps);
    replay.push(demand);
    replay.finish()
}

/// Power of one host by step, in mW, for some guests on it: the curve look-up of the replay, laid open.
///
/// Demand above the host's capacity draws full power.
#[must_use]
pub fn host_power_mw(site: &Site, demand: &Demand, host: HostId, guests: &[GuestId]) -> Vec<u64> {
    let table = PowerTable::new(site, host);
    let mut asked = vec![0; demand.steps];
    for g in guests {
        add_wide(&mut asked, &demand.guests[g.index()].cpu_khz);
    }
    asked.iter().map(|khz| u64::from(table.mw(*khz))).collect()
}

/// Apparent power of one host by step, in mVA, for some guests on it: as [`host_power_mw`].
#[must_use]
pub fn host_apparent_mva(site: &Site, demand: &Demand, host: HostId, guests: &[GuestId]) -> Vec<u64> {
    let table = PowerTable::new(site, host);
    let mut asked = vec![0; demand.steps];
    for g in guests {
        add_wide(&mut asked, &demand.guests[g.index()].cpu_khz);
    }
    let constant = table.factors(0).0;
    let by = |khz: u64| if table.constant { constant } else { table.factors(khz).0 };
    asked.iter().map(|khz| (f64::from(table.mw(*khz)) * by(*khz) + 0.5) as u64).collect()
}

/// Apparent power of the devices, in mVA: the same at every step.
#[must_use]
pub fn devices_apparent_mva(site: &Site) -> u64 {
    devices(site, 1, None).mva[0]
}

/// W, VA and var of a host by its load, in thousandths.
struct PowerTable {
    capacity_khz: u64,
    /// Segments, and thousandths of the capacity, a kHz; times 2^32.
    segment_a_khz: u64,
    bin_a_khz: u64,
    last: usize,
    /// By segment: mW = first + second x kHz.
    segments: Vec<(f64, f64)>,
    /// The power factor is the same at every load: VA and var are in proportion to W.
    constant: bool,
    model: PowerModel,
}

impl PowerTable {
    fn new(site: &Site, host: HostId) -> Self {
        let class = site.class_of(host);
        let model = class.power.clone();
        let points = model.curve.points();
        let last = points.len() - 1;
        let capacity_khz = class.capacity().khz().max(1);
        let per_khz = last as f64 / capacity_khz as f64;
        let segment = |(i, p): (usize, &[Watts])| {
            let (start, rise) = (p[0].get() * 1000.0, (p[1].get() - p[0].get()) * 1000.0);
            (start - rise * i as f64, rise * per_khz)
        };
        let segments = points.windows(2).enumerate().map(segment).collect();
        let constant = model.power_factor.len() == 1;
        // The segment rounds down and the bin up: a load on a knot has the same power on either side, and a percentile is
        // never too kind.
        Self {
            capacity_khz,
            segment_a_khz: ((last as u64) << 32) / capacity_khz,
            bin_a_khz: (1000_u64 << 32).div_ceil(capacity_khz),
            last,
            segments,
            constant,
            model,
        }
    }

    /// mW, rounded to the nearest.
    ///
    /// The segment is found in whole numbers; a load within rounding of a knot may be read off either side of it, where
    /// both lines meet. The rounding is that of the number format: above 2^52 a double has no fraction left.
    #[inline]
    fn mw(&self, khz: u64) -> u32 {
        const WHOLE: f64 = 4_503_599_627_370_496.0;
        let khz = khz.min(self.capacity_khz);
        let i = ((khz * self.segment_a_khz) >> 32) as usize;
        let (base, slope) = self.segments[i.min(self.last - 1)];
        ((base + slope * khz as f64).min(f64::from(u32::MAX)) + WHOLE).to_bits() as u32
    }

    /// The bin of a load.
    #[inline]
    fn bin(&self, khz: u64) -> usize {
        // Above four times the capacity there is one bin, so that the product stays within 64 bits.
        if khz < 4 * self.capacity_khz { ((khz * self.bin_a_khz) >> 32) as usize % BINS } else { OVER }
    }

    /// VA per W and var per W at a load.
    fn factors(&self, khz: u64) -> (f64, f64) {
        let load = khz.min(self.capacity_khz) as f64 / self.capacity_khz as f64;
        let (one, pf) = (Watts::new(1.0).expect("one watt is a power"), self.model.factor_at(load));
        (one.apparent(pf).get(), one.reactive_var(pf))
    }
}

/// A demand on its way through a placement.
pub struct Replay<'a> {
    site: &'a Site,
    placement: &'a Placement,
    step: Nanos,
    /// Steps to come in all: they set the stretches of courses and heat rows.
    steps: usize,
    done: usize,
    /// The columns of all steps, and the one of them with which the replay begins, where they are known from the start: what guests
    /// in want asked for is made up for at the end, and most never are.
    whole: Option<(&'a Demand, usize)>,
    hosts: Vec<HostState>,
    /// Guests that run nowhere, or on a host that is off: all that they ask for is unserved.
    homeless: Vec<GuestState>,
    /// By guest: its place, the position of its host among those here; nothing: it runs nowhere.
    place: Vec<Option<usize>>,
    /// What guests wanted where they no longer are.
    left: BTreeMap<GuestId, Want>,
    /// What was asked for by who ran nowhere at the time.
    homeless_asked: u128,
    total: Course,
    feeds: Vec<(DomainId, Course)>,
}

/// Hosts of one class on the same feeds.
type Alike = (ClassId, Vec<usize>);

/// Sums by step, in thousandths.
#[derive(Default)]
struct Course {
    mw: Vec<u64>,
    mva: Vec<u64>,
    mvar: Vec<u64>,
}

impl Course {
    fn zeros(steps: usize) -> Self {
        Self { mw: vec![0; steps], mva: vec![0; steps], mvar: vec![0; steps] }
    }
    fn add(&mut self, other: &Self) {
        for (to, from) in [(&mut self.mw, &other.mw), (&mut self.mva, &other.mva), (&mut self.mvar, &other.mvar)] {
            to.iter_mut().zip(from).for_each(|(a, b)| *a += b);
        }
    }
    fn append(&mut self, mut block: Self) {
        self.mw.append(&mut block.mw);
        self.mva.append(&mut block.mva);
        self.mvar.append(&mut block.mvar);
    }
}

/// Some steps to be played, and what changes in them.
pub(crate) struct Part<'p> {
    /// The columns; they begin again where they end.
    pub block: &'p Demand,
    /// Of the block, the step with which the part begins.
    pub start: usize,
    /// Its length.
    pub steps: usize,
    /// By host, where it is known: what its CPU gave in each step, kHz. That is its load then, and not what the columns ask for.
    pub used: Option<&'p [Vec<u32>]>,
    /// In order of time: from which step of the part on it counts, and what changes.
    pub changes: &'p [(usize, Change)],
}

impl Part<'_> {
    /// Some steps of the part as stretches of the block, each with the step of the part in which it begins.
    fn stretches(&self, steps: Range<usize>) -> impl Iterator<Item = (Range<usize>, usize)> {
        let mut t = steps.start;
        std::iter::from_fn(move || {
            let (begins, at) = (t, (self.start + t) % self.block.steps.max(1));
            t = steps.end.min(t + self.block.steps - at);
            (begins < t).then(|| (at..at + t - begins, begins))
        })
    }
}

/// A change of placement.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Change {
    /// A host goes on or off. One that goes off has no guests any more.
    Host(HostId, bool),
    /// A guest goes to another host, or nowhere.
    Guest(GuestId, Option<HostId>),
}

/// A change of placement, as one host sees it.
enum Turn {
    Switch(bool),
    Comes(GuestState),
    Goes(GuestId),
}

/// A pass over a part.
struct Pass<'p> {
    part: &'p Part<'p>,
    /// Where it lies in the replay, and the steps of the replay in all.
    from: usize,
    of: usize,
    /// What each guest asks for is summed on the way.
    sums: bool,
}

/// One host that is on at the start.
struct HostState {
    host: HostId,
    on: bool,
    guests: Vec<GuestState>,
    /// What is to change here in the part to be played, and from which of its steps on.
    turns: Vec<(usize, Turn)>,
    /// Guests that went in the part played last.
    gone: Vec<GuestState>,
    table: PowerTable,
    asked_sum: u128,
    /// What guests did not get while they were here.
    unserved: u128,
    asked_max: u64,
    bins: Vec<u32>,
    heat_khz: Vec<u64>,
    mw_sum: u128,
    mw_max: u32,
    net_max: u64,
    disk_max: u64,
}

struct GuestState {
    guest: GuestId,
    /// The most it can get: its vCPUs at the host's clock, kHz.
    cap_khz: u32,
    weight: u64,
    want: Want,
}

impl GuestState {
    /// A guest on a host of this class; nothing: nowhere.
    fn new(site: &Site, guest: GuestId, on: Option<&HostClass>) -> Self {
        let vcpus = u64::from(site.guests[guest.index()].vcpus);
        let cap_khz = on.map_or(0, |class| u32::try_from(class.core_mhz.khz() * vcpus).unwrap_or(u32::MAX));
        Self { guest, cap_khz, weight: vcpus.max(1), want: Want::default() }
    }
}

/// What a guest asked for and did not get, in sums of kHz by step, and in how many steps.
#[derive(Clone, Copy, Default)]
struct Want {
    asked: u128,
    unserved: u128,
    short_steps: u64,
}

impl Want {
    fn add(&mut self, other: Self) {
        self.asked += other.asked;
        self.unserved += other.unserved;
        self.short_steps += other.short_steps;
    }
}

impl<'a> Replay<'a> {
    /// A replay of `steps` steps that is to come in blocks.
    #[must_use]
    pub fn new(site: &'a Site, placement: &'a Placement, step: Nanos, steps: usize) -> Self {
        let by_host = placement.guests_by_host();
        let mut order: Vec<usize> = (0..site.hosts.len()).filter(|h| placement.on[*h]).collect();
        // Hosts of a class side by side: their power is turned into VA and var together.
        order.sort_by_key(|h| (site.hosts[*h].class, *h));
        let hosts = order
            .into_iter()
            .map(|h| {
                let (host, class) = (HostId::at(h), site.class_of(HostId::at(h)));
                HostState {
                    host,
                    on: true,
                    guests: by_host[h].iter().map(|g| GuestState::new(site, *g, Some(class))).collect(),
                    turns: Vec::new(),
                    gone: Vec::new(),
                    table: PowerTable::new(site, host),
                    asked_sum: 0,
                    unserved: 0,
                    asked_max: 0,
                    bins: vec![0; BINS],
                    heat_khz: vec![0; steps.min(HEAT_COLUMNS)],
                    mw_sum: 0,
                    mw_max: 0,
                    net_max: 0,
                    disk_max: 0,
                }
            })
            .collect::<Vec<HostState>>();
        let mut place = vec![None; site.guests.len()];
        for (h, g) in hosts.iter().enumerate().flat_map(|(h, host)| host.guests.iter().map(move |g| (h, g.guest))) {
            place[g.index()] = Some(h);
        }
        let homeless =
            (0..site.guests.len()).filter(|g| place[*g].is_none()).map(|g| GuestState::new(site, GuestId::at(g), None)).collect();
        let feeds = (0..site.domains.len())
            .filter(|d| site.domains[*d].kind == DomainKind::Feed)
            .map(|d| (DomainId::at(d), Course::default()))
            .collect();
        Self {
            site,
            placement,
            step,
            steps,
            done: 0,
            whole: None,
            hosts,
            homeless,
            place,
            left: BTreeMap::new(),
            homeless_asked: 0,
            total: Course::default(),
            feeds,
        }
    }

    /// A replay of `steps` steps of columns that are known from the start, from one of them on; they begin again where they end.
    pub(crate) fn whole(site: &'a Site, placement: &'a Placement, demand: &'a Demand, start: usize, steps: usize) -> Self {
        Self { whole: Some((demand, start)), ..Self::new(site, placement, demand.step, steps) }
    }

    /// Plays the next block: a demand of the same guests and step that continues where the last ended.
    ///
    /// # Panics
    /// Where the block goes past the steps announced, or has a column that is neither empty nor as long as the block.
    pub fn push(&mut self, block: &Demand) {
        self.push_part(&Part { block, start: 0, steps: block.steps, used: None, changes: &[] });
    }

    /// Plays a part. Each host plays all of it in one go, whatever changes elsewhere.
    ///
    /// # Panics
    /// As [`push`](Self::push).
    pub(crate) fn push_part(&mut self, part: &Part<'_>) {
        let (from, to) = (self.done, self.done + part.steps);
        assert!(to <= self.steps && part.block.step == self.step, "a block of {} steps at {from} of {}", part.steps, self.steps);
        assert!(part.steps == 0 || part.block.steps > 0, "{} steps of columns of none", part.steps);
        for c in part.block.guests.iter().flat_map(|g| [&g.cpu_khz, &g.net_kbs, &g.disk_kbs]) {
            assert!(c.is_empty() || c.len() == part.block.steps, "a column of {} in a block of {}", c.len(), part.block.steps);
        }
        self.play_homeless(part);
        let pass = Pass { part, from, of: self.steps, sums: self.whole.is_none() };
        let (site, feeds) = (self.site, self.feeds.iter().map(|f| f.0).collect::<Vec<_>>());
        // W of the hosts of a class on the same feeds, together: VA and var follow from their sum, so that no grouping shows.
        let parts: Vec<Vec<(Alike, Course)>> = self
            .hosts
            .par_chunks_mut(HOSTS_A_TASK)
            .map(|hosts| {
                let of = |h: &HostState| -> Alike {
                    let host = &site.hosts[h.host.index()];
                    (host.class, (0..feeds.len()).filter(|f| host.domains.contains(&feeds[*f])).collect())
                };
                hosts
                    .chunk_by_mut(|a, b| of(a) == of(b))
                    .map(|alike| {
                        let mut course = Course::zeros(part.steps);
                        alike.iter_mut().for_each(|host| host.play_part(&pass, &mut course));
                        (of(&alike[0]), course)
                    })
                    .collect()
            })
            .collect();
        for g in self.hosts.iter_mut().flat_map(|h| h.gone.drain(..)) {
            self.left.entry(g.guest).or_default().add(g.want);
        }
        let mut together: BTreeMap<Alike, Course> = BTreeMap::new();
        for (alike, course) in parts.into_iter().flatten() {
            together.entry(alike).or_insert_with(|| Course::zeros(part.steps)).add(&course);
        }
        let mut total = devices(site, part.steps, None);
        let mut by_feed: Vec<Course> = feeds.iter().map(|f| devices(site, part.steps, Some(*f))).collect();
        for ((class, on_feeds), mut course) in together {
            let factors = &site.classes[class.index()].power.power_factor;
            if let [pf] = factors.as_slice() {
                let one = Watts::new(1.0).expect("one watt is a power");
                let in_proportion = |by: f64| course.mw.iter().map(|mw| (*mw as f64 * by + 0.5) as u64).collect();
                (course.mva, course.mvar) = (in_proportion(one.apparent(*pf).get()), in_proportion(one.reactive_var(*pf)));
            }
            total.add(&course);
            on_feeds.iter().for_each(|f| by_feed[*f].add(&course));
        }
        self.total.append(total);
        self.feeds.iter_mut().zip(by_feed).for_each(|(f, block)| f.1.append(block));
        self.done = to;
    }

    /// Where a host is among those here, which are in order of class.
    fn position(&self, host: HostId) -> Option<usize> {
        let key = |h: HostId| (self.site.hosts[h.index()].class, h);
        self.hosts.binary_search_by_key(&key(host), |h| key(h.host)).ok()
    }

    /// Plays who runs nowhere, and hands to each host what changes there.
    fn play_homeless(&mut self, part: &Part<'_>) {
        let mut since = vec![0; self.homeless.len()];
        for (t, change) in part.changes {
            match *change {
                Change::Host(host, on) => {
                    if let Some(h) = self.position(host) {
                        self.hosts[h].turns.push((*t, Turn::Switch(on)));
                    }
                }
                Change::Guest(guest, to) => {
                    if let Some(h) = self.place[guest.index()] {
                        self.hosts[h].turns.push((*t, Turn::Goes(guest)));
                    } else if let Some(i) = self.homeless.iter().position(|g| g.guest == guest) {
                        let (mut state, since) = (self.homeless.remove(i), since.remove(i));
                        self.homeless_asked += state.go_without(part, since..*t);
                        self.left.entry(guest).or_default().add(state.want);
                    }
                    let place = to.and_then(|to| self.position(to));
                    self.place[guest.index()] = place;
                    let state = GuestState::new(self.site, guest, place.map(|h| self.site.class_of(self.hosts[h].host)));
                    if let Some(h) = place {
                        self.hosts[h].turns.push((*t, Turn::Comes(state)));
                    } else {
                        self.homeless.push(state);
                        since.push(*t);
                    }
                }
            }
        }
        for (g, since) in self.homeless.iter_mut().zip(since) {
            self.homeless_asked += g.go_without(part, since..part.steps);
        }
    }

    /// Energy by host and device, and energy of the site: both in mW steps.
    pub(crate) fn energy_balance(&self) -> (u128, u128) {
        let device = devices(self.site, 1, None).mw[0];
        let by_host = self.hosts.iter().map(|h| h.mw_sum).sum::<u128>() + u128::from(device) * self.done as u128;
        (by_host, self.total.mw.iter().map(|x| u128::from(*x)).sum())
    }

    /// A mW step that no host or device has drawn, for the tests of the audit.
    #[cfg(test)]
    pub(crate) fn falsify(&mut self) {
        self.total.mw[0] += 1;
    }

    /// What was observed.
    ///
    /// # Panics
    /// Where steps that were announced are missing.
    #[must_use]
    pub fn finish(self) -> Measures {
        assert_eq!(self.done, self.steps, "steps replayed");
        let site = self.site;
        let mut hosts: Vec<&HostState> = self.hosts.iter().collect();
        hosts.sort_by_key(|h| h.host);
        let mut unserved: Vec<(u128, Unserved)> = Vec::new();
        let asked = hosts.iter().map(|h| h.asked_sum).sum::<u128>() + self.homeless_asked;
        let mut short = 0u128;
        for g in hosts.iter().flat_map(|h| &h.guests).chain(&self.homeless) {
            let mut want = g.want;
            if let Some(left) = self.left.get(&g.guest) {
                want.add(*left);
            }
            short += want.unserved;
            if want.unserved > 0 {
                if let Some((demand, start)) = self.whole {
                    want.asked = asked_in_all(&demand.guests[g.guest.index()].cpu_khz, start, self.steps);
                }
                unserved.push((
                    want.unserved,
                    Unserved {
                        guest: site.guests[g.guest.index()].name.clone(),
                        asked_ghz_h: ghz_h(want.asked, self.step),
                        unserved_ghz_h: ghz_h(want.unserved, self.step),
                        steps: want.short_steps,
                    },
                ));
            }
        }
        unserved.sort_by_key(|u| std::cmp::Reverse(u.0));
        let ups_loss_mean_w = site.ups.as_ref().filter(|_| self.steps > 0).map(|ups| {
            let sum: f64 = self.total.mva.iter().map(|mva| ups.loss(va(*mva)).get()).sum();
            Watts::new(sum / self.steps as f64).expect("a mean of losses is a loss")
        });
        Measures {
            step_ns: self.step.0,
            steps: self.steps as u64,
            hosts: hosts.iter().map(|h| h.measures(site, self.step, self.steps)).collect(),
            unserved: unserved.into_iter().map(|u| u.1).collect(),
            asked_ghz_h: ghz_h(asked, self.step),
            unserved_ghz_h: ghz_h(short, self.step),
            site: power_measures("site", &self.total, self.step, nameplate(site, self.placement, None)),
            feeds: self
                .feeds
                .iter()
                .map(|(d, course)| {
                    power_measures(&site.domains[d.index()].name, course, self.step, nameplate(site, self.placement, Some(*d)))
                })
                .collect(),
            ups_loss_mean_w,
        }
    }
}

impl GuestState {
    /// Some steps of a part in which it gets nothing: answers what it asked for.
    fn go_without(&mut self, part: &Part<'_>, steps: Range<usize>) -> u128 {
        let mut asked = 0;
        for (at, _) in part.stretches(steps) {
            let column = slice(&part.block.guests[self.guest.index()].cpu_khz, at.start, at.end);
            asked += column.iter().map(|x| u128::from(*x)).sum::<u128>();
            self.want.short_steps += column.iter().filter(|x| **x > 0).count() as u64;
        }
        self.want.asked += asked;
        self.want.unserved += asked;
        asked
    }
}

impl HostState {
    /// Plays a part, from one change here to the next, and adds its power to a course (VA and var only where they are not in
    /// proportion to W).
    fn play_part(&mut self, pass: &Pass<'_>, course: &mut Course) {
        let mut played = 0;
        for (t, turn) in std::mem::take(&mut self.turns) {
            self.play_steps(pass, played..t, course);
            played = t;
            match turn {
                Turn::Switch(on) => self.on = on,
                // In order of id, as at the start.
                Turn::Comes(g) => self.guests.insert(self.guests.partition_point(|other| other.guest < g.guest), g),
                Turn::Goes(guest) => {
                    let i = self.guests.iter().position(|g| g.guest == guest).expect("it came before it goes");
                    self.gone.push(self.guests.remove(i));
                }
            }
        }
        self.play_steps(pass, played..pass.part.steps, course);
    }

    /// Plays some steps of a part in which nothing changes here.
    fn play_steps(&mut self, pass: &Pass<'_>, steps: Range<usize>, course: &mut Course) {
        if !self.on {
            debug_assert!(steps.is_empty() || self.guests.is_empty(), "guests on a host that is off");
            self.bins[0] += steps.len() as u32;
        } else if let Some(used) = pass.part.used {
            for (i, used) in used[self.host.index()][steps.clone()].chunks(BLOCK).enumerate() {
                self.tally(used, steps.start + i * BLOCK, pass, course);
            }
        } else {
            for (at, to) in pass.part.stretches(steps) {
                self.play(&at, to, pass, course);
            }
        }
    }

    /// Plays a stretch of the columns, from step `to` of the part on.
    fn play(&mut self, at: &Range<usize>, to: usize, pass: &Pass<'_>, course: &mut Course) {
        let block = pass.part.block;
        let mut asked = [0u32; BLOCK];
        let mut start = at.start;
        while start < at.end {
            let end = (start + BLOCK).min(at.end);
            // Where it lies in the part.
            let t = to + start - at.start;
            let asked = &mut asked[..end - start];
            asked.fill(0);
            let (mut clipped, mut caps) = (false, 0u64);
            for g in &mut self.guests {
                let column = slice(&block.guests[g.guest.index()].cpu_khz, start, end);
                clipped |= add_narrow(asked, column, g.cap_khz);
                caps += u64::from(g.cap_khz);
                if pass.sums {
                    g.want.asked += u128::from(column.iter().map(|x| u64::from(*x)).sum::<u64>());
                }
            }
            // Where no guest asks for more than it can get, and all they can get is a narrow number, nothing has wrapped.
            if !clipped && caps <= u64::from(u32::MAX) {
                let most = self.tally(asked, t, pass, course);
                if most > self.table.capacity_khz {
                    self.play_short(block, start, asked, false);
                }
            } else {
                let mut wide = vec![0u64; end - start];
                for g in &self.guests {
                    add_wide(&mut wide, slice(&block.guests[g.guest.index()].cpu_khz, start, end));
                }
                self.tally(&wide, t, pass, course);
                self.play_short(block, start, &wide, clipped);
            }
            start = end;
        }
        let guests: Vec<_> = self.guests.iter().map(|g| &block.guests[g.guest.index()]).collect();
        self.net_max = self.net_max.max(most_together(guests.iter().map(|c| slice(&c.net_kbs, at.start, at.end)), at.len()));
        self.disk_max = self.disk_max.max(most_together(guests.iter().map(|c| slice(&c.disk_kbs, at.start, at.end)), at.len()));
    }

    /// Looks up the power of each step from one of a part on, and tallies load and power; answers the greatest load.
    fn tally<T: Copy + Into<u64>>(&mut self, asked: &[T], start: usize, pass: &Pass<'_>, course: &mut Course) -> u64 {
        let (from, steps, end) = (pass.from, pass.of, start + asked.len());
        let table = &self.table;
        let bins: &mut [u32; BINS] = self.bins.as_mut_slice().try_into().expect("so many bins");
        // The look-up goes step by step; what follows from it goes many steps at once.
        let mut mw = [0u32; BLOCK];
        let mw = &mut mw[..asked.len()];
        for (x, mw) in asked.iter().zip(mw.iter_mut()) {
            let khz: u64 = (*x).into();
            *mw = table.mw(khz);
            bins[table.bin(khz)] += 1;
        }
        course.mw[start..end].iter_mut().zip(mw.iter()).for_each(|(to, mw)| *to += u64::from(*mw));
        self.mw_sum += u128::from(mw.iter().map(|x| u64::from(*x)).sum::<u64>());
        self.mw_max = self.mw_max.max(mw.iter().copied().fold(0, u32::max));
        self.asked_sum += u128::from(asked.iter().map(|x| (*x).into()).sum::<u64>());

        let columns = self.heat_khz.len();
        let (mut t, mut most) = (start, 0);
        while t < end {
            let column = (from + t) * columns / steps;
            let stop = end.min(((column + 1) * steps).div_ceil(columns) - from);
            let high = asked[t - start..stop - start].iter().map(|x| (*x).into()).fold(0, u64::max);
            self.heat_khz[column] = self.heat_khz[column].max(high);
            most = most.max(high);
            t = stop;
        }
        self.asked_max = self.asked_max.max(most);

        if !table.constant {
            for (t, x) in (start..end).zip(asked) {
                let (mw, (va, var)) = (f64::from(table.mw((*x).into())), table.factors((*x).into()));
                course.mva[t] += (mw * va + 0.5) as u64;
                course.mvar[t] += (mw * var + 0.5) as u64;
            }
        }
        most
    }

    /// The steps of a block in which somebody gets less than it asks for.
    #[cold]
    fn play_short<T: Copy + Into<u64>>(&mut self, block: &Demand, start: usize, asked: &[T], clipped: bool) {
        for (t, asked) in asked.iter().enumerate() {
            if !clipped && (*asked).into() <= self.table.capacity_khz {
                continue;
            }
            let wants: Vec<u32> =
                self.guests.iter().map(|g| block.guests[g.guest.index()].cpu_khz.get(start + t).copied().unwrap_or(0)).collect();
            let able: Vec<(u64, u64)> =
                self.guests.iter().zip(&wants).map(|(g, want)| (u64::from((*want).min(g.cap_khz)), g.weight)).collect();
            let shares = max_min(self.table.capacity_khz, &able);
            for ((g, want), share) in self.guests.iter_mut().zip(wants).zip(shares) {
                let missing = u64::from(want) - share;
                g.want.unserved += u128::from(missing);
                self.unserved += u128::from(missing);
                g.want.short_steps += u64::from(missing > 0);
            }
        }
    }

    fn measures(&self, site: &Site, step: Nanos, steps: usize) -> HostMeasures {
        let class = site.class_of(self.host);
        let capacity = self.table.capacity_khz as f64;
        let rate = |kbs: u64| BytesPerSecond::new(kbs as f64 * 1000.0).expect("a rate that is not negative");
        HostMeasures {
            host: site.hosts[self.host.index()].name.clone(),
            class: class.name.clone(),
            guests: self.guests.len() as u32,
            cpu_mean: if steps == 0 { 0.0 } else { self.asked_sum as f64 / steps as f64 / capacity },
            cpu_p95: self.percentile(95.0, steps),
            cpu_p99: self.percentile(99.0, steps),
            cpu_max: self.asked_max as f64 / capacity,
            memory_used_mib: self.guests.iter().map(|g| site.guests[g.guest.index()].memory.0).sum(),
            memory_mib: class.guest_memory().0,
            network_max: rate(self.net_max),
            network: class.network,
            disk_max: rate(self.disk_max),
            disk: class.disk,
            energy_wh: energy(self.mw_sum, step),
            peak_w: watts(u64::from(self.mw_max)),
            unserved_ghz_h: ghz_h(self.unserved, step),
            heat: self.heat_khz.iter().map(|x| (*x as f64 / capacity) as f32).collect(),
        }
    }

    /// The percentile of the load, to a thousandth of the capacity, rounded up, and never above the highest step.
    fn percentile(&self, p: f64, steps: usize) -> f64 {
        if steps == 0 {
            return 0.0;
        }
        let rank = models::law::percentile::rank(steps, p);
        let mut below = 0;
        for (bin, count) in self.bins.iter().enumerate() {
            below += *count as usize;
            if below > rank && bin < OVER {
                return ((bin + 1) as f64 / 1000.0).min(self.asked_max as f64 / self.table.capacity_khz as f64);
            }
        }
        self.asked_max as f64 / self.table.capacity_khz as f64
    }
}

/// The sum of so many steps of a column that begins again where it ends.
fn asked_in_all(column: &[u32], start: usize, steps: usize) -> u128 {
    if column.is_empty() {
        return 0;
    }
    let sum = |stretch: &[u32]| stretch.iter().map(|x| u128::from(*x)).sum::<u128>();
    let (rounds, end) = (steps / column.len(), start + steps % column.len());
    let (before, beyond) = (end.min(column.len()), end.saturating_sub(column.len()));
    sum(column) * rounds as u128 + sum(&column[start..before]) + sum(&column[..beyond])
}

fn slice(column: &[u32], start: usize, end: usize) -> &[u32] {
    if column.is_empty() { column } else { &column[start..end] }
}

/// Adds a column to a narrow sum, which may wrap; answers whether some sample is above a cap.
#[inline]
fn add_narrow(sum: &mut [u32], column: &[u32], cap: u32) -> bool {
    // The top bit shows it without a comparison: of the sample itself, or of what is left of a cap below it.
    let cap = cap.min(i32::MAX as u32);
    let mut signs = 0u32;
    for (s, x) in sum.iter_mut().zip(column) {
        *s = s.wrapping_add(*x);
        signs |= cap.wrapping_sub(*x) | *x;
    }
    signs > i32::MAX as u32
}

/// Adds a column to a sum.
fn add_wide(sum: &mut [u64], column: &[u32]) {
    for (s, x) in sum.iter_mut().zip(column) {
        *s += u64::from(*x);
    }
}

/// The greatest sum of some columns at one step.
fn most_together<'c>(columns: impl Iterator<Item = &'c [u32]>, steps: usize) -> u64 {
    let columns: Vec<_> = columns.filter(|c| !c.is_empty()).collect();
    if columns.is_empty() {
        return 0;
    }
    let mut sum = vec![0; steps];
    for c in columns {
        add_wide(&mut sum, c);
    }
    sum.into_iter().max().unwrap_or(0)
}

/// The course of the devices alone: they draw the same at every step.
fn devices(site: &Site, steps: usize, feed: Option<DomainId>) -> Course {
    let mut course = Course::zeros(steps);
    for d in site.devices.iter().filter(|d| feed.is_none() || d.feed == feed) {
        let count = u64::from(d.count);
        let parts = [d.expected.get(), d.expected.apparent(d.power_factor).get(), d.expected.reactive_var(d.power_factor)];
        for (to, unit) in [&mut course.mw, &mut course.mva, &mut course.mvar].into_iter().zip(parts) {
            to.iter_mut().for_each(|x| *x += count * (unit * 1000.0).round() as u64);
        }
    }
    course
}

fn watts(mw: u64) -> Watts {
    Watts::new(mw as f64 / 1000.0).expect("whole mW are a power")
}
fn va(mva: u64) -> VoltAmperes {
    VoltAmperes::new(mva as f64 / 1000.0).expect("whole mVA are a power")
}
fn energy(mw_steps: u128, step: Nanos) -> WattHours {
    WattHours::new(mw_steps as f64 / 1000.0 * step.hours()).expect("a sum of powers over a time is an energy")
}
fn ghz_h(khz_steps: u128, step: Nanos) -> f64 {
    khz_steps as f64 / 1e6 * step.hours()
}

fn power_measures(name: &str, course: &Course, step: Nanos, nameplate: models::rule::ups::Nameplate) -> PowerMeasures {
    let steps = course.mw.len();
    let peak = |series: &[u64]| {
        let mut best = (0, 0);
        for (t, x) in series.iter().enumerate() {
            if *x > best.1 {
                best = (t, *x);
            }
        }
        (best.1, step.times(best.0 as u64).0)
    };
    let ((peak_mw, peak_w_at_ns), (peak_mva, peak_va_at_ns)) = (peak(&course.mw), peak(&course.mva));
    let vector = course.mw.iter().zip(&course.mvar).map(|(w, var)| (*w as f64).hypot(*var as f64)).fold(0.0, f64::max);
    let sum: u128 = course.mw.iter().map(|x| u128::from(*x)).sum();
    let points = steps.min(SERIES_POINTS);
    let series = (0..points)
        .map(|i| {
            let (a, b) = (i * steps / points, (i + 1) * steps / points);
            let stretch = &course.mw[a..b];
            PowerPoint {
                hour: step.times(a as u64).hours(),
                mean_w: stretch.iter().map(|x| u128::from(*x)).sum::<u128>() as f64 / 1000.0 / (b - a) as f64,
                max_w: stretch.iter().copied().max().unwrap_or(0) as f64 / 1000.0,
                max_va: course.mva[a..b].iter().copied().max().unwrap_or(0) as f64 / 1000.0,
            }
        })
        .collect();
    PowerMeasures {
        name: name.to_owned(),
        mean_w: if steps == 0 { Watts::ZERO } else { Watts::new(sum as f64 / 1000.0 / steps as f64).expect("a mean of powers") },
        energy_wh: energy(sum, step),
        peak_w: watts(peak_mw),
        peak_w_at_ns,
        peak_va: va(peak_mva),
        peak_va_at_ns,
        peak_va_vector: VoltAmperes::new(vector / 1000.0).expect("a hypotenuse is a power"),
        nameplate,
        series,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use models::example;
    use proptest::prelude::*;

    /// Two hosts, three guests, 3000 steps of a demand that now and then is above what a host has.
    fn three_guests() -> (Site, Demand, Placement) {
        let guests = (0..3).map(|i| example::guest(&format!("g{i}"), 4, 100)).collect();
        let site = example::site(example::class("c", 4, 1000.0, 8000), 2, guests);
        let mut demand = example::steady(&[0.0; 3], 3000);
        for (g, columns) in demand.guests.iter_mut().enumerate() {
            columns.cpu_khz = (0..3000_u32).map(|t| (t * 7919 + g as u32 * 104_729) % 3_000_000).collect();
            columns.net_kbs = (0..3000_u32).map(|t| (t * 31 + g as u32) % 1000).collect();
        }
        (site, demand, Placement { on: vec![true; 2], host_of: vec![Some(HostId(0)), Some(HostId(0)), Some(HostId(1))] })
    }

    #[test]
    fn parts_of_any_length_are_the_whole() {
        let (site, demand, placement) = three_guests();
        let mut parts = Replay::new(&site, &placement, demand.step, 3000);
        for part in [0..1, 1..1000, 1000..1000, 1000..2500, 2500..3000] {
            parts.push_part(&Part { block: &demand, start: part.start, steps: part.len(), used: None, changes: &[] });
        }
        let (by_host, of_site) = parts.energy_balance();
        assert_eq!(by_host, of_site);
        assert_eq!(parts.finish(), replay(&site, &demand, &placement));
    }

    #[test]
    fn a_host_that_goes_off_and_a_guest_that_moves_are_the_replays_of_the_stretches() {
        // 0-999 as placed; from 1000 on g1 runs nowhere; from 1500 on it is on h2; from 2000 on h1 is off and g0 nowhere.
        let (site, demand, placement) = three_guests();
        let changes = [
            (1000, Change::Guest(GuestId(1), None)),
            (1500, Change::Guest(GuestId(1), Some(HostId(1)))),
            (2000, Change::Guest(GuestId(0), None)),
            (2000, Change::Host(HostId(0), false)),
        ];
        let mut parts = Replay::whole(&site, &placement, &demand, 0, 3000);
        parts.push_part(&Part { block: &demand, start: 0, steps: 3000, used: None, changes: &changes });
        let (by_host, of_site) = parts.energy_balance();
        assert_eq!(by_host, of_site);
        let whole = parts.finish();
        let h = |h: u32| Some(HostId(h));
        let stretches = [
            (0..1000, vec![true, true], vec![h(0), h(0), h(1)]),
            (1000..1500, vec![true, true], vec![h(0), None, h(1)]),
            (1500..2000, vec![true, true], vec![h(0), h(1), h(1)]),
            (2000..3000, vec![false, true], vec![None, h(1), h(1)]),
        ];
        let (mut energy, mut unserved, mut asked, mut on_hosts) = (0.0, 0.0, 0.0, 0.0);
        for (steps, on, host_of) in stretches {
            let cut = |c: &Vec<u32>| if c.is_empty() { vec![] } else { c[steps.clone()].to_vec() };
            let guests = demand.guests.iter().map(|c| models::demand::Columns {
                cpu_khz: cut(&c.cpu_khz),
                net_kbs: cut(&c.net_kbs),
                disk_kbs: cut(&c.disk_kbs),
            });
            let part = Demand { step: demand.step, steps: steps.len(), guests: guests.collect() };
            let m = replay(&site, &part, &Placement { on, host_of });
            energy += m.site.energy_wh.get();
            unserved += m.unserved_ghz_h;
            asked += m.asked_ghz_h;
            on_hosts += m.hosts.iter().map(|h| h.unserved_ghz_h).sum::<f64>();
        }
        assert!((whole.site.energy_wh.get() / energy - 1.0).abs() < 1e-12);
        assert!((whole.unserved_ghz_h / unserved - 1.0).abs() < 1e-12);
        assert!((whole.asked_ghz_h / asked - 1.0).abs() < 1e-12);
        // What nobody got on a host is the host's, and what was asked for nowhere is nobody's.
        let of_hosts: f64 = whole.hosts.iter().map(|h| h.unserved_ghz_h).sum();
        assert!((of_hosts / on_hosts - 1.0).abs() < 1e-12);
        // All hosts' energy is the site's: there are no devices.
        let hosts: f64 = whole.hosts.iter().map(|h| h.energy_wh.get()).sum();
        assert!((hosts / energy - 1.0).abs() < 1e-12);
    }

    /// Changes of placement in order of time; a host that goes off has its guests taken off it first.
    fn timeline(drawn: &[(usize, u32, Option<u32>, bool)], placement: &Placement) -> Vec<(usize, Change)> {
        let (mut on, mut host_of) = (placement.on.clone(), placement.host_of.clone());
        let mut changes = Vec::new();
        for &(t, guest, host, switches) in drawn {
            if let Some(h) = host.filter(|_| switches) {
                on[h as usize] = !on[h as usize];
                for (g, place) in host_of.iter_mut().enumerate().filter(|(_, place)| **place == Some(HostId(h))) {
                    changes.push((t, Change::Guest(GuestId::at(g), None)));
                    *place = None;
                }
                changes.push((t, Change::Host(HostId(h), on[h as usize])));
            } else {
                let to = host.filter(|h| on[*h as usize]).map(HostId);
                changes.push((t, Change::Guest(GuestId(guest), to)));
                host_of[guest as usize] = to;
            }
        }
        changes
    }

    proptest! {
        #[test]
        fn one_pass_with_all_changes_is_a_part_for_each_step_and_the_replays_of_all_steps(
            mut drawn in prop::collection::vec((0usize..=250, 0u32..3, prop::option::of(0u32..2), any::<bool>()), 0..12),
            start in 0usize..90,
            cut in 0usize..250,
            varying: bool,
        ) {
            // 250 steps of columns of 90, which begin again where they end.
            let (mut site, mut demand, placement) = three_guests();
            if varying {
                site.classes[0].power.power_factor = [0.7, 0.95].map(|x| models::quantity::PowerFactor::new(x).unwrap()).to_vec();
            }
            demand.steps = 90;
            demand.guests.iter_mut().for_each(|c| { c.cpu_khz.truncate(90); c.net_kbs.truncate(90); });
            drawn.sort_by_key(|d| d.0);
            let changes = timeline(&drawn, &placement);
            let play = |cuts: &[usize]| {
                let mut parts = Replay::whole(&site, &placement, &demand, start, 250);
                for cut in cuts.windows(2) {
                    let (a, b) = (cut[0], cut[1]);
                    let of_part = |t: usize| if b == 250 { a <= t } else { (a..b).contains(&t) };
                    let here: Vec<_> = changes.iter().filter(|c| of_part(c.0)).map(|c| (c.0 - a, c.1)).collect();
                    parts.push_part(&Part { block: &demand, start: (start + a) % 90, steps: b - a, used: None, changes: &here });
                }
                let (by_host, of_site) = parts.energy_balance();
                assert_eq!(by_host, of_site);
                parts.finish()
            };
            let whole = play(&[0, 250]);
            prop_assert_eq!(&whole, &play(&[0, cut, 250]));
            prop_assert_eq!(&whole, &play(&(0..=250).collect::<Vec<_>>()));
            // Each step by itself, as it is placed then.
            let mut now = placement.clone();
            let (mut energy, mut asked) = (0.0, 0.0);
            let mut by_guest = BTreeMap::<String, (f64, u64)>::new();
            for t in 0..250 {
                for (_, change) in changes.iter().filter(|c| c.0 == t) {
                    match *change {
                        Change::Host(h, on) => now.on[h.index()] = on,
                        Change::Guest(g, to) => now.host_of[g.index()] = to,
                    }
                }
                let mut step = demand.clone();
                step.steps = 1;
                for c in &mut step.guests {
                    (c.cpu_khz, c.net_kbs) = (vec![c.cpu_khz[(start + t) % 90]], Vec::new());
                }
                let m = replay(&site, &step, &now);
                energy += m.site.energy_wh.get();
                asked += m.asked_ghz_h;
                for u in m.unserved {
                    let sum = by_guest.entry(u.guest).or_default();
                    (sum.0, sum.1) = (sum.0 + u.unserved_ghz_h, sum.1 + u.steps);
                }
            }
            let near = |a: f64, b: f64| (a - b).abs() <= 1e-9 * (1.0 + b);
            prop_assert!(near(whole.site.energy_wh.get(), energy) && near(whole.asked_ghz_h, asked));
            prop_assert_eq!(whole.unserved.len(), by_guest.len());
            for u in &whole.unserved {
                let (unserved, steps) = by_guest[&u.guest];
                prop_assert!(near(u.unserved_ghz_h, unserved) && u.steps == steps);
                let g: usize = u.guest[1..].parse().unwrap();
                let column: f64 = (0..250).map(|t| f64::from(demand.guests[g].cpu_khz[(start + t) % 90])).sum();
                prop_assert!(near(u.asked_ghz_h, column / 1e6 / 12.0));
            }
        }
    }
}
