//! Jobs: they arrive, are dealt to a member of a tier, do their work, go on, and leave; or are turned away.

use models::flow::{Balance, Full};
use models::quantity::Nanos;
use rand::Rng;

use super::event::Event;
use super::model::On;
use super::outcome::Stopped;
use super::world::{BOOT, Driver, GuestIs, Job, JobIs, NONE, World};
use crate::random::{Lot, Units};
use crate::sharing::MOST_JOBS;

/// What is drawn for a job besides the work of its phases.
const ROUTE: u32 = 200;
const COPIES: u32 = 201;
const DEAL: u32 = 202;

/// Where a job comes from.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Origin {
    /// A generator.
    Outside,
    /// A client, who waits for it.
    Client,
    /// Another job on its way.
    Copy,
}

/// The least that a client waits whose job was lost: a millisecond.
const REFUSED_NS: u64 = 1_000_000;

impl World<'_> {
    /// Sets a generator's next arrival.
    #[inline]
    pub(super) fn next_arrival(&mut self, generator: u32) {
        let it = &mut self.generators[generator as usize];
        if let Some((at, batch)) = it.course.next(self.now, &mut it.stream)
            && at <= self.model.lasts.0
        {
            it.batch = batch;
            self.queue.push(Nanos(at), Event::Arrive { generator });
        }
    }

    #[inline]
    pub(super) fn arrive(&mut self, generator: u32) {
        let flow = self.model.generators[generator as usize].flow;
        for _ in 0..self.generators[generator as usize].batch {
            let lot = self.generators[generator as usize].lots.next_u64();
            self.spawn(flow, 0, lot, self.now, Origin::Outside);
            self.go_on();
            if self.stopped.is_some() {
                return;
            }
        }
        self.next_arrival(generator);
    }

    /// A client of a closed flow begins to think.
    pub(super) fn think(&mut self, flow: u32) {
        self.think_at_least(flow, 0);
    }

    /// The same for a while at the least, ns: a client that is refused at once and does not think must not ask for ever at one instant.
    fn think_at_least(&mut self, flow: u32, least: u64) {
        let f = &mut self.flows[flow as usize];
        let (Some(think), Some((_, stream))) = (&f.think, &mut f.thinks) else { return };
        let wait = ((think.sample(stream) * 1e9 + 0.5) as u64).max(least);
        self.queue.push(Nanos(self.now.saturating_add(wait)), Event::Ask { flow });
    }

    pub(super) fn ask(&mut self, flow: u32) {
        let Some((lots, _)) = &mut self.flows[flow as usize].thinks else { return };
        let lot = lots.next_u64();
        self.spawn(flow, 0, lot, self.now, Origin::Client);
    }

    /// A new job of a flow: it arrives, or is a copy of one on its way. Where there is no place for it, it has never been there.
    #[inline]
    fn spawn(&mut self, flow: u32, stage: u16, lot: u64, began: u64, origin: Origin) {
        let Some(job) = self.new_job() else { return };
        let turn = self.jobs[job as usize].turn;
        let now = self.now;
        let (is, driver, client) = (JobIs::Away, Driver::Before, origin == Origin::Client);
        self.jobs[job as usize] =
            Job { lot, began, entered: now, flow, member: NONE, turn, hops: 0, tries: 0, stage, phase: 0, is, driver, client };
        self.present += 1;
        let tally = &mut self.flows[flow as usize].tally;
        if origin == Origin::Copy {
            tally.copies(now)
        } else {
            tally.arrives(now)
        }
        self.enter_stage(job);
    }

    /// A place for a job; nothing where there are too many: the run is stopped.
    pub(super) fn new_job(&mut self) -> Option<u32> {
        if self.present >= self.model.population_cap || self.jobs.len() as u32 >= MOST_JOBS {
            if self.stopped.is_none() {
                self.stopped = Some(self.overload());
            }
            return None;
        }
        Some(self.free.pop().unwrap_or_else(|| {
            self.jobs.push(Job {
                lot: 0,
                began: 0,
                entered: 0,
                flow: 0,
                member: NONE,
                turn: 0,
                hops: 0,
                tries: 0,
                stage: 0,
                phase: 0,
                is: JobIs::Free,
                driver: Driver::Before,
                client: false,
            });
            self.jobs.len() as u32 - 1
        }))
    }

    /// Gives a job's place back. What is still to happen to it is not: it has another turn.
    pub(super) fn free_job(&mut self, job: u32) {
        let j = &mut self.jobs[job as usize];
        j.turn = j.turn.wrapping_add(1);
        j.is = JobIs::Free;
        self.free.push(job);
    }

    /// All jobs that were taken into service go on, and those that they make room for, until each has work to do or is gone.
    #[inline]
    pub(super) fn go_on(&mut self) {
        while let Some((job, turn)) = self.ready.pop_front() {
            if self.jobs[job as usize].turn == turn {
                self.proceed(job);
            }
        }
    }

    /// A job comes to the tier of its stage.
    pub(super) fn enter_stage(&mut self, job: u32) {
        let j = self.jobs[job as usize];
        let Some(tier) = self.model.flows[j.flow as usize].stages[j.stage as usize].tier else {
            self.leave_member(job);
            let j = &mut self.jobs[job as usize];
            (j.phase, j.driver, j.is) = (0, Driver::Before, JobIs::Served);
            self.ready.push_back((job, j.turn));
            return;
        };
        // Only where it would be kept back does it hold on to its slot; that of the same tier is what it may be waiting for.
        let same = j.member != NONE && self.members[j.member as usize].tier == tier;
        if same || self.model.tiers[tier as usize].full != Full::Wait {
            self.leave_member(job);
        }
        match self.deal(tier, job) {
            Some((member, true)) => {
                self.leave_member(job);
                self.take(job, member);
            }
            Some((member, false)) => {
                self.leave_member(job);
                let j = &mut self.jobs[job as usize];
                (j.member, j.is) = (member, JobIs::Queued);
                self.members[member as usize].waiting.push_back(job);
            }
            None => self.turn_away(job, tier),
        }
    }

    /// A member takes a job into service.
    #[inline]
    fn take(&mut self, job: u32, member: u32) {
        let guest = self.members[member as usize].guest;
        if self.guests[guest as usize].is != GuestIs::Up {
            // The balancer has not noticed yet.
            self.fail_job(job);
            return;
        }
        self.members[member as usize].serving += 1;
        let j = &mut self.jobs[job as usize];
        (j.member, j.phase, j.driver, j.is) = (member, 0, Driver::Before, JobIs::Served);
        self.ready.push_back((job, j.turn));
    }

    /// The member for a job, and whether it has a slot free; nothing where there is no room.
    #[inline]
    fn deal(&mut self, tier: u32, job: u32) -> Option<(u32, bool)> {
        let t = &self.model.tiers[tier as usize];
        let state = &mut self.tiers[tier as usize];
        let (first, count) = (state.first, state.count);
        let members = &self.members;
        let (slots, queue) = (t.slots.unwrap_or(u32::MAX), t.queue.map_or(usize::MAX, |q| q as usize));
        let room = |m: u32| {
            let it = &members[m as usize];
            if !it.seen_up {
                None
            } else if it.serving < slots {
                Some((m, true))
            } else if it.waiting.len() < queue {
                Some((m, false))
            } else {
                None
            }
        };
        if count == 1 {
            return room(first);
        }
        let from = match t.balance {
            Balance::ActiveStandby => 0,
            Balance::RoundRobin => {
                let from = state.turn;
                state.turn = (state.turn + 1) % count;
                from
            }
            Balance::Random => {
                let j = &self.jobs[job as usize];
                let mut units = Lot(j.lot).of((j.hops << 8) | DEAL);
                // Another attempt is another draw.
                for _ in 0..j.tries {
                    units.bits();
                }
                units.below(u64::from(count)) as u32
            }
            Balance::FewestJobs => {
                let load = |m: &(u32, bool)| {
                    let it = &members[m.0 as usize];
                    it.serving as usize + it.waiting.len()
                };
                return (first..first + count).filter_map(room).min_by_key(load);
            }
        };
        (0..count).map(|k| first + (from + k) % count).find_map(room)
    }

    /// There is no room.
    fn turn_away(&mut self, job: u32, tier: u32) {
        match self.model.tiers[tier as usize].full {
            Full::Refuse => self.lose(job),
            Full::Retry => self.fail_job(job),
            Full::Wait => {
                self.jobs[job as usize].is = JobIs::Blocked;
                self.tiers[tier as usize].blocked.push_back(job);
            }
        }
    }

    /// A job that has no member any more is tried again by its flow's schedule, or lost.
    pub(super) fn fail_job(&mut self, job: u32) {
        let j = &mut self.jobs[job as usize];
        (j.member, j.is) = (NONE, JobIs::Away);
        let flow = &self.model.flows[j.flow as usize];
        if let Some(wait) = flow.retry.get(j.tries as usize) {
            j.tries += 1;
            let turn = j.turn;
            self.flows[j.flow as usize].tally.retried += 1;
            self.queue.push(Nanos(self.now + wait.0), Event::Retry { job, turn });
        } else {
            self.lose(job);
        }
    }

    fn lose(&mut self, job: u32) {
        let j = self.jobs[job as usize];
        let now = self.now;
        self.flows[j.flow as usize].tally.loses(now, j.entered);
        self.present -= 1;
        self.free_job(job);
        if j.client {
            self.think_at_least(j.flow, REFUSED_NS);
        }
    }

    /// A job does what comes next in its stage.
    #[inline]
    pub(super) fn proceed(&mut self, job: u32) {
        loop {
            let j = self.jobs[job as usize];
            if j.is == JobIs::Boot {
                return self.boot_phase(job);
            }
            let stage = &self.flows[j.flow as usize].stages[j.stage as usize];
            let Some((on, sampler)) = stage.phases.get(j.phase as usize) else {
                return self.stage_done(job);
            };
            let on = *on;
            let work = sampler.sample(&mut Lot(j.lot).of((j.hops << 8) | u32::from(j.phase)));
            if work <= 0.0 {
                self.jobs[job as usize].phase += 1;
                continue;
            }
            if on == On::Delay {
                let wait = work * 1e9 + 0.5;
                self.queue.push(Nanos(self.now.saturating_add(wait as u64)), Event::Waited { job, turn: j.turn });
                return;
            }
            let guest = if j.member == NONE { NONE } else { self.members[j.member as usize].guest };
            if self.passes_driver(job, on, guest, work) {
                return;
            }
            let (pool, group) = self.resource(on, guest);
            if on == On::Cpu {
                self.flows[j.flow as usize].tally.dispatched(self.pools[pool as usize].is_busy());
            }
            self.pools[pool as usize].enter(self.now, group, job, work);
            self.touch(pool);
            return;
        }
    }

    /// The resource of a phase, and the group in it.
    #[inline]
    pub(super) fn resource(&self, on: On, guest: u32) -> (u32, u32) {
        let others = 3 * self.model.hosts.len() as u32;
        let own = |i: usize| {
            let g = &self.guests[guest as usize];
            (3 * g.host + i as u32, g.groups[i])
        };
        match on {
            On::Cpu => own(0),
            On::Disk => match self.model.guests[guest as usize].storage {
                Some(s) => (others + s, self.guests[guest as usize].storage_group),
                None => own(1),
            },
            On::Network => own(2),
            On::Other(i) => (others + i, 0),
            On::Delay => unreachable!("time needs no resource"),
        }
    }

    /// All jobs whose work on a resource ends now.
    #[inline]
    pub(super) fn finish_work(&mut self, pool: u32) {
        while let Some((_, job)) = self.pools[pool as usize].finish(self.now) {
            self.work_done(job);
            self.proceed(job);
            self.go_on();
        }
        self.touch(pool);
    }

    /// A job has done all of its stage, and goes on.
    fn stage_done(&mut self, job: u32) {
        let j = self.jobs[job as usize];
        let flow = &self.model.flows[j.flow as usize];
        let stage = &flow.stages[j.stage as usize];
        let mut next = None;
        if !stage.then.is_empty() {
            let mut at = if stage.then.len() == 1 && stage.then[0].0 >= 1.0 { 0.0 } else { Lot(j.lot).of((j.hops << 8) | ROUTE).unit() };
            for (share, to) in &stage.then {
                if at < *share {
                    next = Some(*to);
                    break;
                }
                at -= share;
            }
        }
        let Some(next) = next else {
            self.leave_member(job);
            self.flows[j.flow as usize].tally.serves(self.now, j.began, j.entered);
            self.present -= 1;
            self.free_job(job);
            if j.client {
                self.think(j.flow);
            }
            return;
        };
        if let Some(copies) = &self.flows[j.flow as usize].stages[j.stage as usize].copies {
            let mut units = Lot(j.lot).of((j.hops << 8) | COPIES);
            let count = (copies.sample(&mut units) + 0.5) as u64;
            for _ in 1..count {
                // A copy has a lot of its own, and goes on by itself.
                self.spawn(j.flow, next as u16, units.bits(), j.began, Origin::Copy);
                if self.stopped.is_some() {
                    return;
                }
            }
        }
        let it = &mut self.jobs[job as usize];
        it.stage = next as u16;
        it.hops += 1;
        self.enter_stage(job);
    }

    /// A job gives its slot back, and whoever waits for it is taken.
    fn leave_member(&mut self, job: u32) {
        let m = self.jobs[job as usize].member;
        if m == NONE {
            return;
        }
        self.jobs[job as usize].member = NONE;
        self.members[m as usize].serving -= 1;
        self.fill_member(m);
    }

    /// Takes into service who waits, as far as there are slots; a queue with room lets those in who are kept waiting elsewhere, and
    /// that makes room there.
    pub(super) fn fill_member(&mut self, m: u32) {
        let mut roomy = std::mem::take(&mut self.roomy);
        roomy.push(m);
        while let Some(m) = roomy.pop() {
            let it = &self.members[m as usize];
            if self.guests[it.guest as usize].is != GuestIs::Up {
                continue;
            }
            let tier = it.tier;
            let t = &self.model.tiers[tier as usize];
            let (slots, queue) = (t.slots.unwrap_or(u32::MAX), t.queue.map_or(usize::MAX, |q| q as usize));
            loop {
                let it = &mut self.members[m as usize];
                let slot = it.serving < slots;
                if slot && let Some(next) = it.waiting.pop_front() {
                    self.take(next, m);
                    continue;
                }
                if !slot && it.waiting.len() >= queue {
                    break;
                }
                let Some(next) = self.tiers[tier as usize].blocked.pop_front() else { break };
                let was = std::mem::replace(&mut self.jobs[next as usize].member, NONE);
                if was != NONE {
                    self.members[was as usize].serving -= 1;
                    roomy.push(was);
                }
                if slot {
                    self.take(next, m);
                } else {
                    let j = &mut self.jobs[next as usize];
                    (j.member, j.is) = (m, JobIs::Queued);
                    self.members[m as usize].waiting.push_back(next);
                }
            }
        }
        self.roomy = roomy;
    }

    /// Which service is beyond what it can do: the tier with the most jobs, what is offered to it, and what it can do.
    fn overload(&self) -> Stopped {
        let mut by_flow: Vec<(u64, usize)> = self.flows.iter().enumerate().map(|(f, s)| (s.tally.present, f)).collect();
        by_flow.sort_by_key(|(n, f)| (std::cmp::Reverse(*n), *f));
        let mut at: Vec<u64> = vec![0; self.members.len() + 1];
        let last = self.members.len();
        let mut by_tier = vec![0u64; self.tiers.len()];
        for j in self.jobs.iter().filter(|j| j.flow != BOOT && j.is != JobIs::Free) {
            at[(j.member as usize).min(last)] += 1;
            if let Some(t) = self.model.flows[j.flow as usize].stages[j.stage as usize].tier {
                by_tier[t as usize] += 1;
            }
        }
        let tier = (0..by_tier.len()).max_by_key(|t| (by_tier[*t], std::cmp::Reverse(*t)));
        let flow = by_flow.first().map_or(0, |x| x.1);
        let (offered, capacity) = self.offered(tier);
        Stopped {
            at: Nanos(self.now),
            flow: self.model.flows.get(flow).map_or_else(String::new, |f| f.name.clone()),
            tier: tier.map(|t| self.model.tiers[t].name.clone()),
            present: self.present,
            offered_cores: offered,
            capacity_cores: capacity,
        }
    }

    /// CPU that has been offered to a tier since the start, and what its guests could have had, in cores of its hosts.
    fn offered(&self, tier: Option<usize>) -> (f64, f64) {
        let Some(t) = tier else { return (0.0, 0.0) };
        let seconds = (self.now.max(1)) as f64 / 1e9;
        let (mut work_khz_s, mut cores, mut core_khz) = (0.0, 0.0, 1.0);
        for (f, flow) in self.model.flows.iter().enumerate() {
            for (s, stage) in flow.stages.iter().enumerate().filter(|(_, s)| s.tier == Some(t as u32)) {
                let visits = self.visits(f, s);
                let cpu: f64 = stage.phases.iter().filter(|p| p.on == On::Cpu).map(|p| p.work.mean).sum();
                work_khz_s += self.flows[f].tally.arrived as f64 * visits * cpu;
            }
        }
        // Guests on one host share its cores.
        let mut by_host = std::collections::BTreeMap::new();
        for g in &self.model.tiers[t].guests {
            let guest = &self.model.guests[*g as usize];
            if let Some(h) = guest.host {
                *by_host.entry(h).or_insert(0.0) += f64::from(guest.vcpus);
            }
        }
        for (h, vcpus) in by_host {
            let host = &self.model.hosts[h as usize];
            core_khz = host.core_khz as f64;
            cores += f64::min(vcpus, host.cpu_khz as f64 / host.core_khz as f64);
        }
        (work_khz_s / seconds / core_khz, cores)
    }

    /// How often a job of a flow comes to a stage, on average.
    fn visits(&self, flow: usize, stage: usize) -> f64 {
        let stages = &self.model.flows[flow].stages;
        let mut at = vec![0.0; stages.len()];
        at[0] = 1.0;
        let mut sum = vec![0.0; stages.len()];
        // A loop that is left with one chance in a thousand is gone through to a ten-thousandth.
        for _ in 0..10_000 {
            if at.iter().sum::<f64>() < 1e-9 {
                break;
            }
            let mut next = vec![0.0; stages.len()];
            for (s, n) in at.iter().enumerate() {
                sum[s] += n;
                for (share, to) in &stages[s].then {
                    next[*to as usize] += n * share * stages[s].copies.mean;
                }
            }
            at = next;
        }
        sum[stage]
    }
}
