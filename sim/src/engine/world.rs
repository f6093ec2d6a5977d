//! The state of a run, and its loop: the earliest of all events and alarms happens, and one `match` says what follows.

use std::collections::VecDeque;

use models::quantity::Nanos;
use rand_chacha::ChaCha8Rng;

use super::arrivals::Course;
use super::event::Event;
use super::meter::Meter;
use super::model::{Model, On};
use super::outcome::{Broken, Entry, Outcome, Stopped, Tally};
use crate::queue::{Queue, Timers};
use crate::random::{self, Sampler};
use crate::sharing::{Pool, Terms};

/// No member, no job, no guest.
pub(super) const NONE: u32 = u32::MAX;

/// The state of a run.
pub(super) struct World<'a> {
    pub model: &'a Model<'a>,
    pub queue: Queue<Event>,
    pub alarms: Timers,
    pub now: u64,
    /// Three a host (CPU, disk, network), then the model's others.
    pub pools: Vec<Pool>,
    pub hosts: Vec<HostState>,
    pub guests: Vec<GuestState>,
    pub tiers: Vec<TierState>,
    pub members: Vec<Member>,
    pub flows: Vec<FlowState>,
    pub generators: Vec<GeneratorState>,
    pub faults: Vec<FaultState>,
    pub jobs: Vec<Job>,
    pub free: Vec<u32>,
    /// Jobs that have been taken into service and have not gone on yet, with their turns: a chain of jobs or stages without work
    /// is a loop, and not a recursion.
    pub ready: VecDeque<(u32, u32)>,
    /// Members with room for whoever waits; empty between two events.
    pub roomy: Vec<u32>,
    /// Since when the network has been away, by whatever fault.
    pub network_away: Option<u64>,
    /// When the one who starts guests by hand has time again.
    pub hands_free: u64,
    /// Jobs of flows that are present; boots are not counted.
    pub present: u64,
    pub meter: Option<Meter<'a>>,
    /// Guests in the course of booting.
    pub boots: u32,
    pub log: Vec<Entry>,
    pub events: u64,
    pub stopped: Option<Stopped>,
}

pub(super) struct HostState {
    pub up: bool,
    /// Reasons for which it is down: a host of a failed chassis whose mains are gone too comes back after both.
    pub downs: u32,
    pub turn: u32,
    pub memory_used_mib: u64,
    /// Used at the start: a placement that overcommits a host may be played, and must not get worse.
    pub memory_start_mib: u64,
    /// Guests in the course of booting, and those that wait for their turn.
    pub booting: u32,
    pub to_boot: VecDeque<u32>,
    /// The group of its driver domain in its CPU, where it has one, and what all columns ask of it, kHz.
    pub driver: u32,
    pub driven_khz: u64,
    /// What its CPU had given at the last step of the columns, kHz ns.
    pub used_before: u128,
    pub down_since: u64,
    pub down_ns: u64,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum GuestIs {
    Up,
    Down,
    Booting,
}

pub(super) struct GuestState {
    pub is: GuestIs,
    pub host: u32,
    /// Its groups in the CPU, disk and network of its host.
    pub groups: [u32; 3],
    /// Its group in shared storage.
    pub storage_group: u32,
    /// What its columns ask of the driver domain of its host, kHz.
    pub driven_khz: u64,
    pub turn: u32,
    /// Its disks are read-only: disk work never ends.
    pub read_only: bool,
    pub down_since: u64,
    pub down_ns: u64,
    pub outages: u32,
    /// Its positions in `members`.
    pub members: Vec<u32>,
    /// CPU accounts of hosts that it has left.
    pub asked: f64,
    pub given: f64,
}

pub(super) struct TierState {
    pub first: u32,
    pub count: u32,
    pub turn: u32,
    /// Jobs that keep their place elsewhere until there is room here.
    pub blocked: VecDeque<u32>,
}

pub(super) struct Member {
    pub guest: u32,
    pub tier: u32,
    pub serving: u32,
    pub waiting: VecDeque<u32>,
    /// What the load balancer believes.
    pub seen_up: bool,
}

pub(super) struct FlowState {
    pub stages: Vec<StageState>,
    pub tally: Tally,
    pub think: Option<Sampler>,
    /// Lots and thinking times of clients.
    pub thinks: Option<(ChaCha8Rng, ChaCha8Rng)>,
}

pub(super) struct StageState {
    pub phases: Vec<(On, Sampler)>,
    pub copies: Option<Sampler>,
}

pub(super) struct GeneratorState {
    pub course: Course,
    pub stream: ChaCha8Rng,
    /// Its jobs' lots: another generator of the same flow changes nobody's luck.
    pub lots: ChaCha8Rng,
    /// Jobs of the arrival that is due.
    pub batch: u64,
}

#[derive(Default)]
pub(super) struct FaultState {
    pub active: bool,
    pub turn: u32,
    pub sampler: Option<(Sampler, Sampler, ChaCha8Rng)>,
    /// The hosts that it has taken down.
    pub took: Vec<u32>,
}

/// A job, or the boot of a guest.
#[derive(Clone, Copy)]
pub(super) struct Job {
    pub lot: u64,
    /// When the first of its line arrived: its delay counts from here.
    pub began: u64,
    /// When it came to be itself: a copy is younger than its line.
    pub entered: u64,
    pub flow: u32,
    /// For a boot: the guest.
    pub member: u32,
    pub turn: u32,
    pub hops: u32,
    pub tries: u16,
    pub stage: u16,
    pub phase: u16,
    pub is: JobIs,
    /// Where its transfer is, if its phase is one.
    pub driver: Driver,
    /// A client waits for it, and thinks again once it is gone.
    pub client: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum JobIs {
    Free,
    /// In service on its member, or in a stage without a tier.
    Served,
    /// Waits for a slot of its member.
    Queued,
    /// Keeps its member's slot, if it has one, until there is room in the next tier.
    Blocked,
    /// Has no member, and will be tried again.
    Away,
    /// The boot of a guest.
    Boot,
}

/// Where a transfer is that a driver domain passes on to its device.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Driver {
    /// It has not been there; or the phase is no such transfer.
    Before,
    Passing,
    Passed,
}

/// The flow of boots.
pub(super) const BOOT: u32 = u32::MAX;

impl<'a> World<'a> {
    pub fn new(model: &'a Model<'a>, seed: u64, replication: u32) -> Self {
        let (hosts, others) = (model.hosts.len(), model.others.len());
        let mut pools = Vec::with_capacity(3 * hosts + others);
        for h in &model.hosts {
            for capacity in [h.cpu_khz, h.disk_bytes_per_s, h.network_bytes_per_s] {
                pools.push(Pool::new(if h.on { capacity } else { 0 }));
            }
        }
        for other in &model.others {
            let mut pool = Pool::new(if other.windows.is_some() { 0 } else { other.per_s });
            let whole = Terms { weight: 1, cap: other.per_s, job_cap: other.per_s, overhead: 0.0, at_once: other.at_once };
            pool.add_group(0, whole);
            pools.push(pool);
        }
        let mut tiers = Vec::new();
        let mut members = Vec::new();
        for (t, tier) in model.tiers.iter().enumerate() {
            tiers.push(TierState { first: members.len() as u32, count: tier.guests.len() as u32, turn: 0, blocked: VecDeque::new() });
            members.extend(tier.guests.iter().map(|g| Member {
                guest: *g,
                tier: t as u32,
                serving: 0,
                waiting: VecDeque::new(),
                seen_up: true,
            }));
        }
        let mut world = Self {
            model,
            queue: Queue::with_capacity(1024),
            alarms: Timers::new(pools.len()),
            now: 0,
            pools,
            hosts: model
                .hosts
                .iter()
                .map(|h| HostState {
                    up: h.on,
                    downs: 0,
                    turn: 0,
                    memory_used_mib: 0,
                    memory_start_mib: 0,
                    booting: 0,
                    to_boot: VecDeque::new(),
                    driver: NONE,
                    driven_khz: 0,
                    used_before: 0,
                    down_since: 0,
                    down_ns: 0,
                })
                .collect(),
            guests: Vec::new(),
            tiers,
            members,
            flows: Vec::new(),
            generators: Vec::new(),
            faults: Vec::new(),
            jobs: Vec::new(),
            free: Vec::new(),
            ready: VecDeque::new(),
            roomy: Vec::new(),
            network_away: None,
            hands_free: 0,
            present: 0,
            meter: None,
            boots: 0,
            log: Vec::new(),
            events: 0,
            stopped: None,
        };
        world.place_guests();
        world.meter = Meter::new(model);
        for (f, flow) in model.flows.iter().enumerate() {
            let stages = flow
                .stages
                .iter()
                .map(|s| StageState {
                    phases: s.phases.iter().map(|p| (p.on, Sampler::new(&p.work))).collect(),
                    copies: (s.copies != models::distribution::Distribution::fixed(1.0)).then(|| Sampler::new(&s.copies)),
                })
                .collect();
            world.flows.push(FlowState {
                stages,
                tally: Tally::new(model, f),
                think: flow.clients.map(|(_, think)| Sampler::new(&think)),
                thinks: flow.clients.map(|_| ["lots", "thinks"].map(|what| random::stream(seed, &flow.name, what, replication)).into()),
            });
        }
        world.start(seed, replication);
        world
    }

    fn place_guests(&mut self) {
        for (g, guest) in self.model.guests.iter().enumerate() {
            let host = guest.host.filter(|h| self.model.hosts[*h as usize].on);
            let storage_group = guest.storage.map_or(NONE, |s| {
                let other = &self.model.others[s as usize];
                let terms = Terms { weight: 1, cap: other.per_s, job_cap: other.per_s, overhead: 0.0, at_once: u32::MAX };
                self.pools[3 * self.model.hosts.len() + s as usize].add_group(0, terms)
            });
            self.guests.push(GuestState {
                is: if host.is_some() { GuestIs::Up } else { GuestIs::Down },
                host: host.unwrap_or(NONE),
                groups: [NONE; 3],
                storage_group,
                driven_khz: 0,
                turn: 0,
                read_only: false,
                down_since: 0,
                down_ns: 0,
                outages: 0,
                members: Vec::new(),
                asked: 0.0,
                given: 0.0,
            });
            if let Some(h) = host {
                self.hosts[h as usize].memory_used_mib += guest.memory_mib;
                self.hosts[h as usize].memory_start_mib += guest.memory_mib;
                self.join(g as u32);
            }
        }
        for m in 0..self.members.len() {
            let g = self.members[m].guest as usize;
            self.members[m].seen_up = self.guests[g].is == GuestIs::Up;
            self.guests[g].members.push(m as u32);
        }
    }

    /// Gives a guest its groups in the resources of its host.
    pub fn join(&mut self, guest: u32) {
        let g = &self.model.guests[guest as usize];
        let host = self.guests[guest as usize].host;
        let h = &self.model.hosts[host as usize];
        let vcpus = u64::from(g.vcpus.max(1));
        let cpu = Terms { weight: vcpus, cap: vcpus * h.core_khz, job_cap: h.core_khz, overhead: g.overhead, at_once: u32::MAX };
        let whole = |rate: u64| Terms { weight: 1, cap: rate, job_cap: rate, overhead: 0.0, at_once: u32::MAX };
        let terms = [cpu, whole(h.disk_bytes_per_s), whole(h.network_bytes_per_s)];
        for (i, terms) in terms.into_iter().enumerate() {
            self.guests[guest as usize].groups[i] = self.pools[3 * host as usize + i].add_group(self.now, terms);
        }
        self.has_driver(guest);
    }

    fn start(&mut self, seed: u64, replication: u32) {
        for (i, other) in self.model.others.iter().enumerate() {
            if let Some((first, every, window)) = other.windows {
                // The window that is open at the start, or the next one.
                let start = self.model.start.0;
                let k = start.saturating_sub(first.0 + window.0.saturating_sub(1)).div_ceil(every.0);
                let opens = first.0 + k * every.0;
                self.queue.push(Nanos(opens.saturating_sub(start)), Event::Window { other: i as u32, open: true });
            }
        }
        if self.model.columns.is_some() {
            self.queue.push(Nanos(0), Event::Column);
        }
        self.start_faults(seed, replication);
        for (f, flow) in self.model.flows.iter().enumerate() {
            for _ in 0..flow.clients.map_or(0, |c| c.0) {
                self.think(f as u32);
            }
        }
        for (i, generator) in self.model.generators.iter().enumerate() {
            let mut stream = random::stream(seed, &generator.name, "arrivals", replication);
            let course = Course::new(&generator.arrivals, self.model.start.0, &mut stream);
            let lots = random::stream(seed, &generator.name, "lots", replication);
            self.generators.push(GeneratorState { course, stream, lots, batch: 0 });
            self.next_arrival(i as u32);
        }
    }

    /// Plays to the end.
    pub fn run(mut self) -> Result<Outcome, Box<Broken>> {
        let end = self.model.lasts.0;
        let mut next_audit = self.model.audit_every;
        while self.stopped.is_none() {
            // Events and alarms are one sequence: the earlier instant, then who came first.
            let event = self.queue.peek();
            let alarm = self.alarms.peek();
            let alarm_first = match (event, alarm) {
                (None, None) => break,
                (Some(_), None) => false,
                (None, Some(_)) => true,
                (Some((at, stamp)), Some((alarm_at, alarm_stamp, _))) => (alarm_at, alarm_stamp) < (at, stamp),
            };
            let at = if alarm_first { alarm.map(|a| a.0.0) } else { event.map(|e| e.0.0) }.expect("one of them is there");
            if at > end {
                break;
            }
            self.events += 1;
            if at < self.now {
                return Err(Box::new(self.broken("the clock is monotone", self.now as f64, at as f64)));
            }
            self.now = at;
            if alarm_first {
                let pool = alarm.expect("it is first").2;
                self.alarms.pop();
                self.finish_work(pool);
            } else if let Some((_, event)) = self.queue.pop() {
                self.happen(event);
            }
            if self.events >= next_audit {
                self.audit()?;
                next_audit = self.events.saturating_add(self.model.audit_every.max(64 * self.present));
            }
        }
        if self.stopped.is_none() {
            self.now = end;
        }
        self.audit()?;
        self.close()
    }

    #[inline]
    fn happen(&mut self, event: Event) {
        match event {
            Event::Arrive { generator } => self.arrive(generator),
            Event::Ask { flow } => self.ask(flow),
            Event::Waited { job, turn } => {
                if self.jobs[job as usize].turn == turn {
                    self.jobs[job as usize].phase += 1;
                    self.proceed(job);
                }
            }
            Event::Retry { job, turn } => {
                if self.jobs[job as usize].turn == turn {
                    self.enter_stage(job);
                }
            }
            Event::Column => self.column(),
            Event::Window { other, open } => self.window(other, open),
            Event::Fails { fault } => self.fails(fault),
            Event::Repaired { fault, turn } => self.repaired(fault, turn),
            Event::BatteryEmpty { fault, turn } => self.battery_empty(fault, turn),
            Event::Panics { fault, turn } => self.panics(fault, turn),
            Event::Noticed { guest, turn } => self.noticed(guest, turn),
            Event::Restart { guest, turn } => self.restart(guest, turn),
            Event::Booted { host, turn } => self.booted(host, turn),
        }
        self.go_on();
    }

    /// Sets a resource's alarm to when its next job ends.
    #[inline]
    pub fn touch(&mut self, pool: u32) {
        let due = self.pools[pool as usize].due();
        if due == u64::MAX {
            self.alarms.clear(pool);
        } else if self.alarms.at(pool) != Some(Nanos(due)) {
            let stamp = self.queue.stamp();
            self.alarms.set(pool, Nanos(due), stamp);
        }
    }

    fn window(&mut self, other: u32, open: bool) {
        let it = &self.model.others[other as usize];
        let (first, every, window) = it.windows.expect("only a resource with windows has such events");
        let pool = 3 * self.model.hosts.len() as u32 + other;
        let capacity = if open { it.per_s } else { 0 };
        self.pools[pool as usize].set_capacity(self.now, capacity);
        self.touch(pool);
        // A window that never closes before the next opens stays open.
        let (wait, next) = if open {
            // A run may start inside a window: the part of it that has gone by is not given again.
            let gone = (self.model.start.0 + self.now - first.0) % every.0;
            (window.0.min(every.0) - gone, false)
        } else {
            (every.0.saturating_sub(window.0), true)
        };
        self.queue.push(Nanos(self.now.saturating_add(wait)), Event::Window { other, open: next });
    }
}
