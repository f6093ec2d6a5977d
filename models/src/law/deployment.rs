//! How long the steps of a plan take: one after the other, and side by side where that is allowed.
//!
//! # Formula
//! Host boot: `boot_s` of its class. Define, stop, power-off: as given. Start: the image's bytes over its link, where it is copied, then the
//! boot: as given, or CPU time on a core of the host beside bytes from the host's disk and the shared storage, whichever lasts longest (models
//! A4). Live move: rounds of pre-copy over the site's link ([`super::migration`]). Side by side, those that use the same link, disk, storage or
//! host CPU share it evenly, a boot taking one core at most.
//!
//! # Range
//! Side by side a step waits for what it needs: earlier steps of its guest, the boot of its host, room on it (guests that leave it first), and a
//! host is switched off after all that touches it; hosts are booted one at a time, but for boots that the plan lets begin so many seconds after
//! the one before: these overlap, and take no lane. The rules were judged one step
//! at a time: that they hold in every state in between is not said. Fewer lanes than allowed are used where that is sooner (busy guests that
//! move together dirty more). A range takes all givens at one end together.
//!
//! # Source
//! Models A4 for boots, A5 for moves and images; the rest is arithmetic on givens.
//!
//! # Error
//! That of its givens; nothing here was measured on a deployment of one of the sites.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::estimate::Estimate;
use crate::flow::Recovery;
use crate::plan::{Action, Step};
use crate::site::{Deploy, HostId, Images, Site};

/// The most lanes, and the most moves at once, that are tried.
const MOST_LANES: u32 = 32;

/// How long a plan's steps take.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Deployment {
    /// Step by step.
    pub steps: Vec<Timed>,
    /// All of them, one after the other, s; `None`: there is a step of which nothing can be said.
    pub serial_s: Option<Estimate>,
    /// The steps of which something can be said, one after the other, s.
    pub known_s: Estimate,
    /// How many steps these are.
    pub known: usize,
    /// Side by side; `None`: a step is not known, or nobody said how many at once.
    pub lanes: Option<Lanes>,
    /// Givens that are missing, and how many steps wait for each.
    pub missing: Vec<(String, usize)>,
    /// What to know besides.
    pub notes: Vec<String>,
}

/// Side by side.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Lanes {
    /// Until the last step is done, s.
    pub total_s: Estimate,
    /// Lanes that were used.
    pub lanes: u32,
    /// Moves at once that were used.
    pub moves_at_once: u32,
}

/// A step.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Timed {
    /// Its number in the plan.
    pub number: u32,
    /// What is done.
    pub what: String,
    /// How long it takes by itself, s; `None`: it cannot be said.
    pub takes_s: Option<Estimate>,
    /// What it waits for most; where it cannot be said, the given that is missing.
    pub binds: String,
    /// One after the other: from, until, s.
    pub serial_s: Option<(f64, f64)>,
    /// Side by side: from, until, s.
    pub lanes_s: Option<(f64, f64)>,
}

/// Which end of the givens' ranges.
#[derive(Clone, Copy)]
enum End {
    Value,
    Quick,
    Slow,
}

impl End {
    const fn time(self, e: Estimate) -> f64 {
        match self {
            Self::Value => e.value,
            Self::Quick => e.low,
            Self::Slow => e.high,
        }
    }
    const fn rate(self, e: Estimate) -> f64 {
        match self {
            Self::Value => e.value,
            Self::Quick => e.high,
            Self::Slow => e.low,
        }
    }
}

/// What a step has to do.
#[derive(Clone)]
enum Job {
    Fixed { s: f64, binds: String },
    Start { copy_bytes: Option<f64>, host: usize, boot: Boot },
    Move { memory: f64, set: f64, dirty: f64 },
}

#[derive(Clone)]
enum Boot {
    Fixed(f64),
    Work { cpu_s: f64, bytes: f64, storage: Vec<usize> },
}

/// What is shared, and what limits.
struct Ground {
    /// Capacities: the moves' link, the images' link, then CPU and disk of each host, then storage.
    capacity: Vec<f64>,
    names: Vec<String>,
    hosts: usize,
    downtime_s: f64,
    rounds_max: u32,
    boots_at_once: u32,
}

const MOVES: usize = 0;
const IMAGES: usize = 1;

impl Ground {
    fn of(site: &Site, recovery: Option<&Recovery>, end: End) -> Self {
        let mut capacity = vec![f64::INFINITY; 2];
        let mut names = vec![String::new(); 2];
        if let Some(m) = &site.migration {
            (capacity[MOVES], names[MOVES]) = (end.rate(m.bytes_per_s), m.over.clone());
        }
        if let Some(Images::Copied { over, bytes_per_s, .. }) = site.deploy.as_ref().and_then(|d| d.images.as_ref()) {
            (capacity[IMAGES], names[IMAGES]) = (end.rate(*bytes_per_s), over.clone());
        }
        for h in 0..site.hosts.len() {
            let class = site.class_of(HostId::at(h));
            capacity.extend([f64::from(class.cores), class.disk.get()]);
            names.extend([format!("CPU of {}", site.hosts[h].name), format!("disk of {}", site.hosts[h].name)]);
        }
        for s in &site.storage {
            capacity.push(s.throughput.map_or(f64::INFINITY, crate::quantity::BytesPerSecond::get));
            names.push(format!("storage {}", s.name));
        }
        let stop = site.migration.as_ref().map(|m| m.stop);
        Self {
            capacity,
            names,
            hosts: site.hosts.len(),
            downtime_s: stop.map_or(0.0, |s| s.downtime_max.as_seconds()),
            rounds_max: stop.map_or(1, |s| s.rounds_max),
            boots_at_once: recovery.map_or(u32::MAX, |r| r.boots_at_once.max(1)),
        }
    }
    const fn cpu(host: usize) -> usize {
        2 + 2 * host
    }
    const fn disk(host: usize) -> usize {
        3 + 2 * host
    }
    const fn storage(&self, k: usize) -> usize {
        2 + 2 * self.hosts + k
    }
}

/// How long the steps of a plan take, on the site that it is for with what it buys.
#[must_use]
pub fn of(site: &Site, recovery: Option<&Recovery>, steps: &[Step]) -> Deployment {
    let jobs = |end| -> Vec<Result<Job, String>> { steps.iter().map(|s| job(site, recovery, &s.action, end)).collect() };
    let (value, quick, slow) = (jobs(End::Value), jobs(End::Quick), jobs(End::Slow));
    let ground = |end| Ground::of(site, recovery, end);
    let grounds = [ground(End::Value), ground(End::Quick), ground(End::Slow)];
    let one = |job: &Job, ground: &Ground| schedule(ground, std::slice::from_ref(job), &[Needs::default()], 1, 1).remove(0);
    let mut serial = Serial::default();
    let mut notes = notes(site, steps);
    let (mut timed, mut missing, mut now) = (Vec::new(), BTreeMap::<String, usize>::new(), Some(()));
    for (i, step) in steps.iter().enumerate() {
        let (what, number) = (step.action.to_string(), step.number);
        match (&value[i], &quick[i], &slow[i]) {
            (Ok(v), Ok(q), Ok(s)) => {
                let ran = one(v, &grounds[0]);
                let takes = ranged(ran.end, one(q, &grounds[1]).end, one(s, &grounds[2]).end);
                if let Some(still) = ran.stands_still_s {
                    notes.push(format!("step {number} does not converge: the guest would stand still for {still:.1} s"));
                }
                let span = serial.next(step, takes);
                let serial_s = now.map(|()| span);
                timed.push(Timed { number, what, takes_s: Some(takes), binds: ran.binds, serial_s, lanes_s: None });
            }
            (Err(key), ..) | (_, Err(key), _) | (.., Err(key)) => {
                *missing.entry(key.clone()).or_default() += 1;
                now = None;
                timed.push(Timed { number, what, takes_s: None, binds: key.clone(), serial_s: None, lanes_s: None });
            }
        }
    }
    let known_s = serial.ends;
    let known = timed.iter().filter(|t| t.takes_s.is_some()).count();
    let serial_s = (known == timed.len()).then_some(known_s);
    let whole = |jobs: Vec<Result<Job, String>>| jobs.into_iter().collect::<Result<Vec<Job>, String>>().ok();
    let allowed = site.deploy.as_ref().and_then(|d| d.lanes);
    let mut lanes = None;
    if let (Some(allowed), Some(value), Some(quick), Some(slow)) = (allowed, whole(value), whole(quick), whole(slow)) {
        let (found, spans) = side_by_side(site, allowed, [&value, &quick, &slow], &grounds, &needs(steps));
        for (t, span) in timed.iter_mut().zip(spans) {
            t.lanes_s = Some(span);
        }
        lanes = Some(found);
    } else if allowed.is_none() {
        notes.push("how long it takes side by side cannot be said: the key deploy.lanes is missing".into());
    }
    Deployment { steps: timed, serial_s, known_s, known, lanes, missing: missing.into_iter().collect(), notes }
}

/// Steps one after the other, but for boots that overlap: when the last of them ends.
struct Serial {
    ends: Estimate,
    /// When the boot before began.
    began: Estimate,
}

impl Default for Serial {
    fn default() -> Self {
        Self { ends: Estimate::ZERO, began: Estimate::ZERO }
    }
}

impl Serial {
    /// Begin and end of the next step, s.
    fn next(&mut self, step: &Step, takes: Estimate) -> (f64, f64) {
        let begins = step.starts_after_s.map_or(self.ends, |s| self.began + Estimate::exactly(s as f64));
        let end = begins + takes;
        let later = |a: f64, b: f64| if b > a { b } else { a };
        self.ends = Estimate {
            value: later(self.ends.value, end.value),
            low: later(self.ends.low, end.low),
            high: later(self.ends.high, end.high),
        };
        self.began = begins;
        (begins.value, end.value)
    }
}

fn ranged(value: f64, quick: f64, slow: f64) -> Estimate {
    Estimate { value, low: quick.min(value), high: slow.max(value) }
}

/// The quickest of all numbers of lanes and of moves at once that are allowed: its total, and each step's span.
fn side_by_side(site: &Site, allowed: u32, jobs: [&[Job]; 3], grounds: &[Ground; 3], needs: &[Needs]) -> (Lanes, Vec<(f64, f64)>) {
    let allowed = allowed.clamp(1, MOST_LANES);
    let moves = jobs[0].iter().any(|j| matches!(j, Job::Move { .. }));
    let at_once = if moves { site.migration.as_ref().map_or(1, |m| m.at_once).clamp(1, MOST_LANES) } else { 1 };
    let last = |ran: &[Ran]| ran.iter().map(|r| r.end).fold(0.0, f64::max);
    let mut best: Option<(f64, u32, u32, Vec<Ran>)> = None;
    let mut alone: Option<usize> = None;
    for lanes in 1..=allowed {
        for at_once in 1..=at_once.min(lanes) {
            let ran = schedule(&grounds[0], jobs[0], needs, lanes, at_once);
            let total = last(&ran);
            let forced = ran.iter().filter(|r| r.stands_still_s.is_some()).count();
            // In company a move must end where it ends alone (the first tried has one lane).
            if forced > *alone.get_or_insert(forced) {
                continue;
            }
            // What is sooner by rounding alone is not sooner.
            if best.as_ref().is_none_or(|b| total < b.0 * (1.0 - 1e-12)) {
                best = Some((total, lanes, at_once, ran));
            }
        }
    }
    let (total, lanes, moves_at_once, ran) = best.unwrap_or((0.0, 1, 1, Vec::new()));
    let end = |k: usize| last(&schedule(&grounds[k], jobs[k], needs, lanes, moves_at_once));
    let found = Lanes { total_s: ranged(total, end(1), end(2)), lanes, moves_at_once };
    (found, ran.into_iter().map(|r| (r.begin, r.end)).collect())
}

/// What a step has to do, or the given that is missing.
fn job(site: &Site, recovery: Option<&Recovery>, action: &Action, end: End) -> Result<Job, String> {
    let none = Deploy::default();
    let deploy = site.deploy.as_ref().unwrap_or(&none);
    let fixed = |given: Option<Estimate>, key: &str| match given {
        Some(e) => Ok(Job::Fixed { s: end.time(e), binds: key.to_owned() }),
        None => Err(format!("deploy.{key}")),
    };
    let host = |name: &str| site.host_named(name).ok_or_else(|| format!("the site has no host {name}"));
    let guest = |name: &str| site.guest_named(name).ok_or_else(|| format!("the site has no guest {name}"));
    match action {
        Action::BootHost { host: name } => {
            let class = site.class_of(host(name)?);
            Ok(Job::Fixed { s: class.boot.as_seconds(), binds: format!("boot_s of class {}", class.name) })
        }
        Action::PowerOffHost { .. } => fixed(deploy.power_off_s, "power_off_s"),
        Action::DefineGuest { .. } | Action::UndefineGuest { .. } => fixed(deploy.define_s, "define_s"),
        Action::EvacuateHost { .. } => Ok(Job::Fixed { s: 0.0, binds: "a look at the host".into() }),
        Action::StopGuest { .. } => fixed(deploy.stop_s, "stop_s"),
        Action::StartGuest { guest: g, host: h } => {
            let (g, h) = (guest(g)?, host(h)?);
            let copy_bytes = match &deploy.images {
                None => return Err("deploy.images".into()),
                Some(Images::Shared) => None,
                Some(Images::Copied { mib, .. }) => Some(end.time(*mib) * 1_048_576.0),
            };
            let boot = match (recovery, deploy.boot_s) {
                (Some(r), _) => {
                    let service = site.guests[g.index()].service;
                    let holds = |s: &crate::site::Storage| s.services.is_empty() || service.is_some_and(|x| s.services.contains(&x));
                    let storage: Vec<usize> = (0..site.storage.len()).filter(|k| holds(&site.storage[*k])).collect();
                    let still = |x: Option<crate::quantity::BytesPerSecond>| x.is_some_and(|x| x.get() == 0.0);
                    if r.boot_disk_bytes > 0.0 && still(Some(site.class_of(h).disk)) {
                        return Err(format!("disk_bytes_per_s of class {}, which is 0", site.class_of(h).name));
                    }
                    if let Some(k) = storage.iter().find(|k| r.boot_disk_bytes > 0.0 && still(site.storage[**k].throughput)) {
                        return Err(format!("throughput_bytes_per_s of storage {}, which is 0", site.storage[*k].name));
                    }
                    Boot::Work { cpu_s: r.boot_cpu.as_seconds(), bytes: r.boot_disk_bytes, storage }
                }
                (None, Some(s)) => Boot::Fixed(end.time(s)),
                (None, None) => return Err("deploy.boot_s, or requests.recovery".into()),
            };
            Ok(Job::Start { copy_bytes, host: h.index(), boot })
        }
        Action::MigrateGuest { guest: name, .. } => {
            let g = &site.guests[guest(name)?.index()];
            if site.migration.is_none() {
                return Err("migration".into());
            }
            let Some(dirties) = g.dirties else { return Err(format!("dirty_bytes_per_s and working_set_mib of guest {name}")) };
            let (memory, set) = (g.memory.0 as f64 * 1_048_576.0, dirties.working_set.0 as f64 * 1_048_576.0);
            Ok(Job::Move { memory, set, dirty: end.time(dirties.bytes_per_s) })
        }
    }
}

/// What the reader must know of the givens.
fn notes(site: &Site, steps: &[Step]) -> Vec<String> {
    let mut all = Vec::new();
    let booted = |class: &str| {
        steps.iter().any(|s| match &s.action {
            Action::BootHost { host } => site.host_named(host).is_some_and(|h| site.class_of(h).name == class),
            _ => false,
        })
    };
    for class in site.classes.iter().filter(|c| booted(&c.name)) {
        let place = format!("class {}", class.name);
        if !site.givens.iter().any(|g| g.place == place && g.key == "boot_s") {
            let s = class.boot.as_seconds();
            all.push(format!("boot_s of class {} is not given: {s} s is the default of the key, and nobody's word", class.name));
        }
    }
    all
}

/// What a step waits for when steps go side by side.
#[derive(Debug, Clone, PartialEq, Default)]
struct Needs {
    /// Earlier steps that must have ended.
    done: Vec<usize>,
    /// A boot that must have begun so many seconds before.
    after: Option<(usize, f64)>,
}

/// For each step, what it waits for.
fn needs(steps: &[Step]) -> Vec<Needs> {
    let mut of_guest: BTreeMap<&str, usize> = BTreeMap::new();
    let mut boot: BTreeMap<&str, usize> = BTreeMap::new();
    let mut leave: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    let mut touch: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    // The last step that changes power, or the boots that overlap.
    let mut power: Vec<usize> = Vec::new();
    let mut all = Vec::with_capacity(steps.len());
    for (i, step) in steps.iter().enumerate() {
        let mut mine: Vec<usize> = Vec::new();
        let mut after = None;
        let (mut hosts, mut guest): (Vec<&str>, Option<&str>) = (Vec::new(), None);
        let arrives: Option<&str> = match &step.action {
            Action::BootHost { host } | Action::PowerOffHost { host } => {
                after = step.starts_after_s.and_then(|s| power.last().map(|p| (*p, s as f64)));
                if after.is_none() {
                    mine.append(&mut power);
                }
                power.push(i);
                mine.extend(touch.get(host.as_str()).into_iter().flatten());
                if matches!(step.action, Action::BootHost { .. }) {
                    boot.insert(host, i);
                }
                hosts.push(host);
                None
            }
            Action::DefineGuest { guest: g, host } | Action::UndefineGuest { guest: g, host } => {
                mine.extend(boot.get(host.as_str()));
                hosts.push(host);
                guest = Some(g);
                None
            }
            Action::EvacuateHost { host } => {
                mine.extend(touch.get(host.as_str()).into_iter().flatten());
                hosts.push(host);
                None
            }
            Action::StartGuest { guest: g, host } => {
                hosts.push(host);
                guest = Some(g);
                Some(host)
            }
            Action::MigrateGuest { guest: g, from, to } => {
                hosts.extend([from.as_str(), to]);
                guest = Some(g);
                Some(to)
            }
            Action::StopGuest { guest: g, host } => {
                hosts.push(host);
                guest = Some(g);
                None
            }
        };
        if let Some(to) = arrives {
            mine.extend(boot.get(to));
            mine.extend(leave.get(to).into_iter().flatten());
        }
        mine.extend(guest.and_then(|g| of_guest.insert(g, i)));
        if let Action::MigrateGuest { from: host, .. } | Action::StopGuest { host, .. } = &step.action {
            leave.entry(host).or_default().push(i);
        }
        for h in hosts {
            touch.entry(h).or_default().push(i);
        }
        mine.sort_unstable();
        mine.dedup();
        all.push(Needs { done: mine, after });
    }
    all
}

/// How a step went.
#[derive(Clone)]
struct Ran {
    begin: f64,
    end: f64,
    binds: String,
    /// It did not converge, and stood still for so long.
    stands_still_s: Option<f64>,
}

/// A part of what a step does now.
struct Work {
    /// What it uses; `None`: nothing that is shared, one second a second.
    of: Option<usize>,
    left: f64,
    whole: f64,
    /// The most that it gets.
    cap: f64,
}

#[derive(Clone, Copy)]
enum Stage {
    Once,
    Copying,
    Round { volume: f64, rounds: u32 },
    Stopped { forced: bool },
}

struct Active {
    step: usize,
    stage: Stage,
    since: f64,
    works: Vec<Work>,
    /// Time by what bound.
    bound: Vec<(String, f64)>,
}

/// Does the steps, each as soon as those that it needs are done and there is a lane for it.
fn schedule(ground: &Ground, jobs: &[Job], needs: &[Needs], lanes: u32, moves_at_once: u32) -> Vec<Ran> {
    let mut ran = vec![Ran { begin: 0.0, end: 0.0, binds: String::new(), stands_still_s: None }; jobs.len()];
    let (mut done, mut begun) = (vec![false; jobs.len()], vec![false; jobs.len()]);
    let mut waiting: Vec<usize> = (0..jobs.len()).collect();
    let mut active: Vec<Active> = Vec::new();
    let mut now = 0.0;
    loop {
        waiting.retain(|i| {
            let room = match &jobs[*i] {
                Job::Move { .. } => active.iter().filter(|a| matches!(jobs[a.step], Job::Move { .. })).count() < moves_at_once as usize,
                Job::Start { host, .. } => {
                    let here = |a: &&Active| matches!(&jobs[a.step], Job::Start { host: h, .. } if h == host);
                    active.iter().filter(here).count() < ground.boots_at_once as usize
                }
                Job::Fixed { .. } => true,
            };
            // Boots that overlap are switched on by the clock: they take no lane.
            let taken = active.iter().filter(|a| needs[a.step].after.is_none()).count();
            let full = needs[*i].after.is_none() && taken >= lanes as usize;
            let early = needs[*i].after.is_some_and(|(p, s)| !begun[p] || now < ran[p].begin + s);
            if !room || full || early || !needs[*i].done.iter().all(|n| done[*n]) {
                return true;
            }
            begun[*i] = true;
            let (stage, works) = begin(ground, &jobs[*i]);
            ran[*i].begin = now;
            active.push(Active { step: *i, stage, since: now, works, bound: Vec::new() });
            false
        });
        let due = waiting.iter().filter_map(|i| needs[*i].after.filter(|(p, _)| begun[*p]).map(|(p, s)| ran[p].begin + s));
        let clock = due.filter(|at| *at > now).fold(f64::INFINITY, f64::min);
        if active.is_empty() {
            if clock.is_finite() {
                now = clock;
                continue;
            }
            return ran;
        }
        let mut users = vec![0u32; ground.capacity.len()];
        for w in active.iter().flat_map(|a| &a.works).filter(|w| w.left > 0.0) {
            if let Some(of) = w.of {
                users[of] += 1;
            }
        }
        let rate = |w: &Work| w.of.map_or(1.0, |of| w.cap.min(ground.capacity[of] / f64::from(users[of])));
        let due = |w: &Work| if w.left > 0.0 { w.left / rate(w) } else { f64::INFINITY };
        let mut step = active.iter().flat_map(|a| &a.works).map(due).fold(f64::INFINITY, f64::min);
        if active.iter().any(|a| a.works.iter().all(|w| w.left <= 0.0)) || !step.is_finite() {
            step = 0.0;
        }
        // A boot that waits for the clock only may begin before anything ends: then exactly at its time.
        if clock - now <= step {
            (step, now) = (clock - now, clock);
        } else {
            now += step;
        }
        let mut k = 0;
        while k < active.len() {
            let a = &mut active[k];
            let (mut last, mut share) = (None, f64::INFINITY);
            for (n, w) in a.works.iter_mut().enumerate().filter(|(_, w)| w.left > 0.0) {
                share = rate(w);
                w.left -= share * step;
                // What ends within rounding of the first ends with it; what never moves is not waited for.
                if w.left <= 1e-12 * w.whole || share == f64::INFINITY {
                    w.left = 0.0;
                    last = Some(n);
                }
            }
            if a.works.iter().any(|w| w.left > 0.0) {
                k += 1;
                continue;
            }
            let took = now - a.since;
            if let Some(name) = last.map(|n| bound_by(ground, &jobs[a.step], &a.works[n])) {
                match a.bound.iter_mut().find(|(b, _)| *b == name) {
                    Some((_, s)) => *s += took,
                    None => a.bound.push((name, took)),
                }
            }
            if let Stage::Stopped { forced: true } = a.stage {
                ran[a.step].stands_still_s = Some(took);
            }
            match next(ground, &jobs[a.step], a.stage, took, share) {
                Some((stage, works)) => {
                    (a.stage, a.works, a.since) = (stage, works, now);
                    k += 1;
                }
                None => {
                    let a = active.remove(k);
                    ran[a.step].end = now;
                    done[a.step] = true;
                    let most = a.bound.into_iter().fold((String::new(), -1.0), |m, b| if b.1 > m.1 { b } else { m });
                    ran[a.step].binds = if most.0.is_empty() { "nothing".into() } else { most.0 };
                }
            }
        }
    }
}

fn alone(s: f64) -> Vec<Work> {
    vec![Work { of: None, left: s, whole: s, cap: 1.0 }]
}

fn over(of: usize, amount: f64) -> Work {
    Work { of: Some(of), left: amount, whole: amount, cap: f64::INFINITY }
}

fn begin(ground: &Ground, job: &Job) -> (Stage, Vec<Work>) {
    match job {
        Job::Fixed { s, .. } => (Stage::Once, alone(*s)),
        Job::Start { copy_bytes: Some(bytes), .. } => (Stage::Copying, vec![over(IMAGES, *bytes)]),
        Job::Start { host, boot, .. } => (Stage::Once, boots(ground, *host, boot)),
        Job::Move { memory, .. } => (Stage::Round { volume: *memory, rounds: 1 }, vec![over(MOVES, *memory)]),
    }
}

fn boots(ground: &Ground, host: usize, boot: &Boot) -> Vec<Work> {
    match boot {
        Boot::Fixed(s) => alone(*s),
        Boot::Work { cpu_s, bytes, storage } => {
            let cpu = Work { cap: 1.0, ..over(Ground::cpu(host), *cpu_s) };
            let stores =
                storage.iter().map(|k| over(ground.storage(*k), *bytes)).filter(|w| w.of.is_some_and(|of| ground.capacity[of].is_finite()));
            [cpu, over(Ground::disk(host), *bytes)].into_iter().chain(stores).collect()
        }
    }
}

/// What follows a stage that took so long and ended at this share of the link; `None`: the step is done.
fn next(ground: &Ground, job: &Job, stage: Stage, took: f64, share: f64) -> Option<(Stage, Vec<Work>)> {
    match (stage, job) {
        (Stage::Copying, Job::Start { host, boot, .. }) => Some((Stage::Once, boots(ground, *host, boot))),
        (Stage::Round { volume, rounds }, Job::Move { set, dirty, .. }) => {
            let left = (dirty * took).min(*set);
            let converges = left / share <= ground.downtime_s;
            let stage = if converges || left >= volume || rounds >= ground.rounds_max {
                Stage::Stopped { forced: !converges }
            } else {
                Stage::Round { volume: left, rounds: rounds + 1 }
            };
            (left > 0.0).then(|| (stage, vec![over(MOVES, left)]))
        }
        _ => None,
    }
}

fn bound_by(ground: &Ground, job: &Job, work: &Work) -> String {
    match (work.of, job) {
        (Some(of), _) => ground.names[of].clone(),
        (None, Job::Fixed { binds, .. }) => binds.clone(),
        (None, _) => "boot_s".into(),
    }
}
