//! A resource that groups share, and within a group its jobs: processor sharing in two levels, weighted and max-min fair.
//!
//! The CPU of a host is such a resource, and its groups are guests; so is a disk, a network port, shared storage or a link.
//! A group asks for what its jobs and its background can use: at most its cap, at most `job_cap` a job. Capacity goes to
//! groups by weighted max-min fairness (water-filling, as [`models::law::share`]); within a group background is served
//! first, and jobs share what is left evenly. That is the fluid limit of credit and fair-share schedulers (models A2); time
//! slices and caches are left out.
//!
//! A group keeps a virtual time: the work that each of its jobs has had. A job that enters leaves when virtual time has gone on by its
//! work, so that an arrival or a departure costs O(log n) in the jobs of its group; it touches other groups only where the
//! resource is short and what the group asks for has changed, and then O(groups).
//!
//! Capacities are whole units a second (kHz: thousands of cycles; bytes), work is in units, time in ns. Completions are
//! rounded to the nearest nanosecond.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};

/// No completion in sight.
const NEVER: u64 = u64::MAX;

/// Units a second, in units a nanosecond.
const PER_NS: f64 = 1e-9;

/// What a group may have.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Terms {
    /// Its weight, at least 1.
    pub weight: u64,
    /// The most that it gets, units a second.
    pub cap: u64,
    /// The most that one of its jobs gets, units a second.
    pub job_cap: u64,
    /// What is spent for it on top of what it gets, as a share of it (the hypervisor's work).
    pub overhead: f64,
    /// The most of its jobs that are served at once; others wait in order of arrival.
    pub at_once: u32,
}

/// A resource and its groups.
#[derive(Debug, Clone)]
pub struct Pool {
    capacity: u64,
    groups: Vec<Group>,
    /// By group: when its next job ends, ns.
    dues: Vec<u64>,
    /// The least of them, and its group.
    due: (u64, u32),
    /// What all groups ask for.
    asked: u64,
    /// They ask for more than there is.
    short: bool,
    /// What was given since the start, units x 1e9.
    used: u128,
    /// What was asked for since the start, units x 1e9.
    wanted: u128,
    /// Time in which somebody got less than he asked for, ns.
    short_ns: u64,
    since: u64,
    stamp: u64,
}

#[derive(Debug, Clone)]
struct Group {
    terms: Terms,
    background: u64,
    /// It gets nothing, whatever it asks for.
    stalled: bool,
    /// Jobs in service by virtual time of their end, then in order of arrival; the job in the low bits.
    jobs: BinaryHeap<Reverse<u128>>,
    waiting: VecDeque<(u32, f64)>,
    /// Work that each job has had since the group was last empty, units.
    virtual_time: f64,
    /// What each job gets, units a ns.
    rate: f64,
    /// What the group asks for and gets, overhead included, units a second.
    asked: u64,
    given: f64,
    /// What it would ask for if it were not stalled.
    wants: u64,
    since: u64,
    /// A departure is told at a whole ns: for so long before `since`, ns and less than one, virtual time has still to go on.
    lead: f64,
    /// Sums over time, units: asked and given with overhead; served to jobs; work of jobs that entered, and what of it left unserved.
    asked_sum: f64,
    given_sum: f64,
    served_sum: f64,
    entered_sum: f64,
    abandoned_sum: f64,
}

/// What a group has asked for and got so far, in units.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Account {
    /// Asked for, with overhead.
    pub asked: f64,
    /// Got, with overhead: what it lacks of the above is steal.
    pub given: f64,
}

/// A law of conservation that does not hold.
#[derive(Debug, Clone, PartialEq)]
pub struct Imbalance {
    /// What was compared.
    pub what: &'static str,
    /// One side, units.
    pub left: f64,
    /// The other.
    pub right: f64,
}

const JOB_BITS: u32 = 24;

/// The most jobs that a run may number.
pub const MOST_JOBS: u32 = 1 << JOB_BITS;

impl Pool {
    /// A resource of so many units a second, without groups.
    #[must_use]
    pub fn new(capacity: u64) -> Self {
        Self {
            capacity,
            groups: Vec::new(),
            dues: Vec::new(),
            due: (NEVER, 0),
            asked: 0,
            short: false,
            used: 0,
            wanted: 0,
            short_ns: 0,
            since: 0,
            stamp: 0,
        }
    }

    /// One more group, without jobs.
    pub fn add_group(&mut self, now: u64, terms: Terms) -> u32 {
        assert!(terms.weight > 0, "a group without weight");
        self.groups.push(Group {
            terms,
            background: 0,
            stalled: false,
            jobs: BinaryHeap::new(),
            waiting: VecDeque::new(),
            virtual_time: 0.0,
            rate: 0.0,
            asked: 0,
            given: 0.0,
            wants: 0,
            since: now,
            lead: 0.0,
            asked_sum: 0.0,
            given_sum: 0.0,
            served_sum: 0.0,
            entered_sum: 0.0,
            abandoned_sum: 0.0,
        });
        self.dues.push(NEVER);
        self.groups.len() as u32 - 1
    }

    /// When the next job ends, ns; the greatest number where none is in sight.
    #[inline]
    #[must_use]
    pub const fn due(&self) -> u64 {
        self.due.0
    }

    /// Whether there is less than is asked for: a job that enters now finds no part of the resource idle.
    #[must_use]
    pub const fn is_busy(&self) -> bool {
        self.asked >= self.capacity
    }

    /// Jobs of a group, in service and waiting.
    #[must_use]
    pub fn jobs(&self, group: u32) -> usize {
        let g = &self.groups[group as usize];
        g.jobs.len() + g.waiting.len()
    }

    /// Jobs of all groups, in service and waiting.
    #[must_use]
    pub fn all_jobs(&self) -> usize {
        (0..self.groups.len() as u32).map(|g| self.jobs(g)).sum()
    }

    /// A job with so much work enters a group.
    #[inline]
    pub fn enter(&mut self, now: u64, group: u32, job: u32, work: f64) {
        let g = &mut self.groups[group as usize];
        g.bring(now);
        g.entered_sum += work;
        if g.jobs.len() as u64 >= u64::from(g.terms.at_once) {
            g.waiting.push_back((job, work));
            return;
        }
        self.stamp += 1;
        g.serve(self.stamp, job, work);
        self.refresh(now, group);
    }

    /// A job that ends now, if one does. To be asked again until there is none.
    #[inline]
    pub fn finish(&mut self, now: u64) -> Option<(u32, u32)> {
        if self.due.0 > now {
            return None;
        }
        let group = self.due.1;
        let g = &mut self.groups[group as usize];
        g.bring(now);
        let Reverse(key) = g.jobs.pop()?;
        let end = f64::from_bits((key >> 64) as u64);
        // The job left when virtual time was at its end, up to half a nanosecond from now: what is between the two is made up for with
        // those who stay, so that no rounding adds up.
        let slip = end - g.virtual_time;
        let present = (g.jobs.len() + 1) as f64;
        g.served_sum += slip * present;
        g.virtual_time = end;
        if g.rate > 0.0 {
            // Within a nanosecond, whatever has changed at this very instant.
            g.lead = (g.lead - slip / g.rate).clamp(-1.0, 1.0);
        }
        let job = key as u32 & (MOST_JOBS - 1);
        if let Some((next, work)) = g.waiting.pop_front() {
            self.stamp += 1;
            g.serve(self.stamp, next, work);
        } else if g.jobs.is_empty() {
            // Nobody's account is open: virtual time begins anew.
            g.begin_anew();
        }
        self.refresh(now, group);
        Some((group, job))
    }

    /// Another background of a group, units a second: it is served before jobs.
    pub fn set_background(&mut self, now: u64, group: u32, background: u64) {
        let g = &mut self.groups[group as usize];
        if g.background != background {
            g.bring(now);
            g.background = background;
            self.refresh(now, group);
        }
    }

    /// A group gets nothing, or again what it asks for.
    pub fn set_stalled(&mut self, now: u64, group: u32, stalled: bool) {
        let g = &mut self.groups[group as usize];
        if g.stalled != stalled {
            g.bring(now);
            g.stalled = stalled;
            self.refresh(now, group);
        }
    }

    /// Another capacity; 0: nothing passes.
    pub fn set_capacity(&mut self, now: u64, capacity: u64) {
        if self.capacity != capacity {
            self.tick(now);
            self.capacity = capacity;
            self.short = self.asked > capacity;
            self.fill(now, true);
        }
    }

    /// All jobs of a group go, their work undone, and its background with them. Who they were, the caller knows.
    pub fn clear(&mut self, now: u64, group: u32) {
        let g = &mut self.groups[group as usize];
        g.bring(now);
        let undone: f64 = g.jobs.iter().map(|Reverse(key)| f64::from_bits((key >> 64) as u64) - g.virtual_time).sum();
        g.abandoned_sum += undone + g.waiting.iter().map(|(_, work)| work).sum::<f64>();
        g.jobs.clear();
        g.waiting.clear();
        g.begin_anew();
        g.background = 0;
        self.refresh(now, group);
    }

    /// Some jobs of a group go, their work undone; who waits takes their places.
    pub fn withdraw(&mut self, now: u64, group: u32, goes: impl Fn(u32) -> bool) {
        let g = &mut self.groups[group as usize];
        g.bring(now);
        let (virtual_time, mut undone) = (g.virtual_time, 0.0);
        g.jobs.retain(|Reverse(key)| {
            let stays = !goes(*key as u32 & (MOST_JOBS - 1));
            undone += if stays { 0.0 } else { f64::from_bits((key >> 64) as u64) - virtual_time };
            stays
        });
        g.waiting.retain(|(job, work)| {
            let stays = !goes(*job);
            undone += if stays { 0.0 } else { *work };
            stays
        });
        g.abandoned_sum += undone;
        if g.jobs.is_empty() {
            g.begin_anew();
        }
        while (g.jobs.len() as u64) < u64::from(g.terms.at_once)
            && let Some((next, work)) = g.waiting.pop_front()
        {
            self.stamp += 1;
            g.serve(self.stamp, next, work);
        }
        self.refresh(now, group);
    }

    /// What was given up to now, units x 1e9, overhead and background included.
    #[must_use]
    pub fn used(&self, now: u64) -> u128 {
        self.used + u128::from(self.flow()) * u128::from(now - self.since)
    }

    /// What was asked for up to now, units x 1e9.
    #[must_use]
    pub fn wanted(&self, now: u64) -> u128 {
        self.wanted + u128::from(self.asked) * u128::from(now - self.since)
    }

    /// How long somebody got less than he asked for, up to now, ns.
    #[must_use]
    pub fn short_ns(&self, now: u64) -> u64 {
        self.short_ns + if self.short { now - self.since } else { 0 }
    }

    /// What a group asks for and gets at this instant, units a second, overhead included.
    #[must_use]
    pub fn share(&self, group: u32) -> (u64, f64) {
        let g = &self.groups[group as usize];
        (g.asked, g.given)
    }

    /// What a group has asked for and got up to now.
    #[must_use]
    pub fn account(&self, now: u64, group: u32) -> Account {
        let g = &self.groups[group as usize];
        let dt = (now - g.since) as f64 * PER_NS;
        Account { asked: g.asked_sum + g.wants as f64 * dt, given: g.given_sum + g.given * dt }
    }

    /// Counts everything again: shares within capacity, what groups got = what the resource gave, work that entered = work
    /// served + left undone + still to do.
    ///
    /// # Errors
    /// The first law that does not hold.
    pub fn audit(&mut self, now: u64) -> Result<(), Imbalance> {
        let close = |a: f64, b: f64, scale: f64| (a - b).abs() <= 1e-7 * scale.abs() + 1e-3;
        let (mut flow, mut given) = (0.0, 0.0);
        for g in &mut self.groups {
            g.bring(now);
            flow += g.given;
            given += g.given_sum;
            let left: f64 = g.jobs.iter().map(|Reverse(key)| f64::from_bits((key >> 64) as u64) - g.virtual_time).sum::<f64>()
                + g.waiting.iter().map(|(_, work)| work).sum::<f64>();
            let right = g.served_sum + g.abandoned_sum + left;
            if !close(g.entered_sum, right, g.entered_sum) {
                return Err(Imbalance { what: "work entered = served + abandoned + present", left: g.entered_sum, right });
            }
        }
        if flow > self.capacity as f64 * (1.0 + 1e-12) + 1e-6 {
            return Err(Imbalance { what: "shares within capacity", left: flow, right: self.capacity as f64 });
        }
        let used = self.used(now) as f64 * PER_NS;
        if !close(given, used, used) {
            return Err(Imbalance { what: "given to groups = busy x capacity", left: given, right: used });
        }
        Ok(())
    }

    /// What is given at this instant: all that is asked for, or all there is.
    const fn flow(&self) -> u64 {
        if self.short { self.capacity } else { self.asked }
    }

    /// Brings the resource's own sums up to now.
    #[inline]
    fn tick(&mut self, now: u64) {
        let dt = now - self.since;
        if dt > 0 {
            self.used += u128::from(self.flow()) * u128::from(dt);
            self.wanted += u128::from(self.asked) * u128::from(dt);
            if self.short {
                self.short_ns += dt;
            }
            self.since = now;
        }
    }

    /// What follows from a change in a group that has been brought up to now.
    #[inline]
    fn refresh(&mut self, now: u64, group: u32) {
        let g = &mut self.groups[group as usize];
        g.wants = g.ask();
        let asked = if g.stalled { 0 } else { g.wants };
        if asked != g.asked {
            let before = g.asked;
            g.asked = asked;
            // The resource's sums run on what was asked before.
            self.tick(now);
            self.asked = self.asked - before + asked;
            let was_short = self.short;
            self.short = self.asked > self.capacity;
            if was_short || self.short {
                self.fill(now, false);
            }
            let g = &mut self.groups[group as usize];
            if !self.short {
                g.given = asked as f64;
            }
        }
        self.set_due(now, group);
    }

    /// Shares the capacity anew among all groups.
    #[cold]
    #[inline(never)]
    fn fill(&mut self, now: u64, all: bool) {
        let level = if self.short { self.level() } else { f64::INFINITY };
        for group in 0..self.groups.len() {
            let g = &mut self.groups[group];
            let given = (g.asked as f64).min(level * g.terms.weight as f64);
            // Without demand there is nothing to give, however high the level: no product of infinity and zero arises, a weight being at least 1.
            if given != g.given || all {
                g.bring(now);
                g.given = given;
                self.set_due(now, group as u32);
            }
        }
    }

    /// The level at which all capacity is used: what a group that is short gets for its weight.
    fn level(&self) -> f64 {
        let total: u64 = self.groups.iter().filter(|g| g.asked > 0).map(|g| g.terms.weight).sum();
        let mut level = self.capacity as f64 / total as f64;
        loop {
            let (mut left, mut weight) = (self.capacity as f64, 0u64);
            for g in self.groups.iter().filter(|g| g.asked > 0) {
                if g.asked as f64 <= level * g.terms.weight as f64 {
                    left -= g.asked as f64;
                } else {
                    weight += g.terms.weight;
                }
            }
            if weight == 0 {
                return level;
            }
            let next = left / weight as f64;
            if next <= level {
                return level;
            }
            level = next;
        }
    }

    /// Sets the rate of a group's jobs, and when the next of them ends.
    #[inline]
    fn set_due(&mut self, now: u64, group: u32) {
        let g = &mut self.groups[group as usize];
        let at = g.rerate(now);
        self.dues[group as usize] = at;
        if at < self.due.0 || (at == self.due.0 && group < self.due.1) {
            self.due = (at, group);
        } else if self.due.1 == group && at != self.due.0 {
            let mut least = (NEVER, 0);
            for (i, at) in self.dues.iter().enumerate() {
                if *at < least.0 {
                    least = (*at, i as u32);
                }
            }
            self.due = least;
        }
    }
}

impl Group {
    /// What it can use, with overhead, stalled or not.
    #[inline]
    fn ask(&self) -> u64 {
        let own = (self.background + self.jobs.len() as u64 * self.terms.job_cap).min(self.terms.cap);
        if self.terms.overhead == 0.0 { own } else { own + (own as f64 * self.terms.overhead + 0.5) as u64 }
    }

    /// Takes a job into service.
    #[inline]
    fn serve(&mut self, stamp: u64, job: u32, work: f64) {
        let end = self.virtual_time + work.max(0.0);
        self.jobs.push(Reverse((u128::from(end.to_bits()) << 64) | u128::from((stamp << JOB_BITS) | u64::from(job))));
    }

    /// Its virtual time begins anew: nobody's account is open.
    #[inline]
    fn begin_anew(&mut self) {
        (self.virtual_time, self.lead) = (0.0, 0.0);
    }

    /// Brings its sums up to now, at the rates that have held since.
    #[inline]
    fn bring(&mut self, now: u64) {
        if now == self.since {
            return;
        }
        let dt = (now - self.since) as f64;
        self.since = now;
        if !self.jobs.is_empty() {
            let step = self.rate * (dt + self.lead);
            self.lead = 0.0;
            self.virtual_time += step;
            self.served_sum += step * self.jobs.len() as f64;
        }
        self.asked_sum += self.wants as f64 * dt * PER_NS;
        self.given_sum += self.given * dt * PER_NS;
    }

    /// Sets the rate of its jobs; answers when the next of them ends.
    #[inline]
    fn rerate(&mut self, now: u64) -> u64 {
        let Some(Reverse(first)) = self.jobs.peek() else {
            self.rate = 0.0;
            return NEVER;
        };
        let own = self.given / (1.0 + self.terms.overhead) - self.background as f64;
        let each = (own / self.jobs.len() as f64).min(self.terms.job_cap as f64);
        if each <= 0.0 {
            self.rate = 0.0;
            return NEVER;
        }
        self.rate = each * PER_NS;
        let left = f64::from_bits((first >> 64) as u64) - self.virtual_time;
        if left <= 0.0 {
            return now;
        }
        let wait = left / self.rate - self.lead + 0.5;
        if wait < 9.0e18 { now.saturating_add(wait as u64) } else { NEVER }
    }
}

/// What the tests of the audits falsify.
#[cfg(test)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Lie {
    /// Work that nobody brought has been done.
    Served,
    /// A group gets more than there is.
    Shares,
    /// A group has got what the resource did not give.
    Given,
}

#[cfg(test)]
impl Pool {
    /// Makes a law of conservation fail.
    pub(crate) fn falsify(&mut self, lie: Lie) {
        let capacity = self.capacity as f64;
        let g = &mut self.groups[0];
        match lie {
            Lie::Served => g.served_sum += 1.0 + g.entered_sum,
            Lie::Shares => g.given = 2.0 * capacity,
            Lie::Given => g.given_sum += capacity,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_law_that_does_not_hold_is_told_with_both_sides() {
        for (lie, what, left, right) in [
            (Lie::Served, "work entered = served + abandoned + present", 100.0, 201.0),
            (Lie::Shares, "shares within capacity", 20.0, 10.0),
            (Lie::Given, "given to groups = busy x capacity", 60.0, 50.0),
        ] {
            let mut pool = Pool::new(10);
            pool.add_group(0, Terms { weight: 1, cap: 10, job_cap: 10, overhead: 0.0, at_once: 1 });
            pool.enter(0, 0, 0, 100.0);
            pool.audit(5_000_000_000).unwrap();
            pool.falsify(lie);
            let told = pool.audit(5_000_000_000).unwrap_err();
            assert_eq!(told.what, what);
            assert!((told.left - left).abs() < 1e-6 && (told.right - right).abs() < 1e-6, "{told:?}");
        }
    }
}
