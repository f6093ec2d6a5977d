//! What one run observed.

use models::quantity::Nanos;

use super::model::Model;
use crate::measure::Measures;
use crate::statistics::delay::Delays;

/// What one run observed.
#[derive(Debug, Clone)]
pub struct Outcome {
    /// How long the run was.
    pub lasted: Nanos,
    /// By flow.
    pub flows: Vec<Tally>,
    /// By host.
    pub hosts: Vec<HostOutcome>,
    /// By guest.
    pub guests: Vec<GuestOutcome>,
    /// Load of hosts, power, CVCF, where columns were played.
    pub measures: Option<Measures>,
    /// Faults and what followed, in order of time.
    pub log: Vec<Entry>,
    /// Events that happened.
    pub events: u64,
    /// Jobs that came, copies included.
    pub jobs: u64,
    /// The run was stopped before its end.
    pub stopped: Option<Stopped>,
}

/// One line of a run's log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// When, from the start of the horizon.
    pub at: Nanos,
    /// What.
    pub what: String,
}

/// A host in a run.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct HostOutcome {
    /// CPU given, as a share of its capacity over the run; in a run of columns alone what they asked for, at most all.
    pub busy: f64,
    /// Share of the time in which some guest got less CPU than it asked for; stalls do not count, nor do columns alone.
    pub short: f64,
    /// Time down.
    pub down: Nanos,
}

/// A guest in a run.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct GuestOutcome {
    /// CPU asked for, the hypervisor's work for it included, kHz s.
    pub asked_khz_s: f64,
    /// CPU it got, kHz s.
    pub given_khz_s: f64,
    /// The hypervisor's work for it, as a share of its own.
    pub overhead: f64,
    /// Time down.
    pub down: Nanos,
    /// How often it went down.
    pub outages: u32,
    /// Where it was at the end.
    pub host: Option<u32>,
}

impl GuestOutcome {
    /// CPU asked for and not given, as a share of what was asked for: steal.
    #[must_use]
    pub fn steal(&self) -> f64 {
        if self.asked_khz_s > 0.0 { ((self.asked_khz_s - self.given_khz_s) / self.asked_khz_s).max(0.0) } else { 0.0 }
    }
}

/// A run with more jobs than its cap.
#[derive(Debug, Clone, PartialEq)]
pub struct Stopped {
    /// When, from the start of the run.
    pub at: Nanos,
    /// The flow with the most jobs.
    pub flow: String,
    /// The tier with the most jobs.
    pub tier: Option<String>,
    /// Jobs present: the most that there may be.
    pub present: u64,
    /// CPU offered to the tier since the start, in cores.
    pub offered_cores: f64,
    /// Cores that its guests could have.
    pub capacity_cores: f64,
}

impl std::fmt::Display for Stopped {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let service = self.tier.as_deref().unwrap_or(&self.flow);
        write!(
            f,
            "unstable: {service} after {:.0} s: {} jobs present, which is the population cap, the most of them of {}; offered {:.2} cores, capacity {:.2}",
            self.at.as_seconds(),
            self.present,
            self.flow,
            self.offered_cores,
            self.capacity_cores
        )
    }
}

/// A law of conservation that a run has broken: a defect of the engine, never of the site.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error("audit: {law} does not hold: {left} against {right}, at {at}, event {event}")]
pub struct Broken {
    /// The law.
    pub law: String,
    /// One side.
    pub left: f64,
    /// The other.
    pub right: f64,
    /// When, from the start of the run.
    pub at: Nanos,
    /// How many events had happened.
    pub event: u64,
}

/// What became of the jobs of a flow.
#[derive(Debug, Clone)]
pub struct Tally {
    /// Jobs that arrived.
    pub arrived: u64,
    /// Copies made on the way.
    pub copied: u64,
    /// Jobs served to the end.
    pub served: u64,
    /// Jobs lost: refused, or given up.
    pub lost: u64,
    /// Attempts put off to a later time.
    pub retried: u64,
    /// Jobs served later than promised.
    pub late: u64,
    /// Jobs present.
    pub present: u64,
    /// Jobs present at the end that are later than promised already.
    pub overdue: u64,
    /// Times that a job came to a CPU, and of those, times that no part of it was idle.
    pub dispatches: u64,
    /// See above.
    pub dispatched_busy: u64,
    /// Delays of jobs served that arrived after the warm-up.
    pub delays: Delays,
    /// Over time, by the bin in which a job was served (arrivals: in which it arrived).
    pub bins: Vec<Bin>,
    /// Jobs present integrated over time, jobs x ns: all, and after the warm-up.
    pub area: u128,
    /// See above.
    pub measured_area: u128,
    pub(super) sojourns: u128,
    since: u64,
    warm_up: u64,
    bin: u64,
    within: u64,
}

/// Steps of a decade of delay in a bin.
pub const STEPS_A_DECADE: usize = 16;
/// Decades from 0.1 ms on.
const DECADES: usize = 9;

/// What was seen in a stretch of time.
#[derive(Debug, Clone)]
pub struct Bin {
    /// Jobs that arrived.
    pub arrived: u64,
    /// Jobs served.
    pub served: u64,
    /// Jobs lost.
    pub lost: u64,
    /// Sum of the delays of those served, ns.
    pub delay_sum: u128,
    /// How many had which delay: steps of a sixteenth of a decade from 0.1 ms on.
    counts: Vec<u32>,
}

impl Bin {
    fn new() -> Self {
        Self { arrived: 0, served: 0, lost: 0, delay_sum: 0, counts: vec![0; STEPS_A_DECADE * DECADES] }
    }

    /// Mean delay, seconds.
    #[must_use]
    pub fn mean_s(&self) -> Option<f64> {
        (self.served > 0).then(|| self.delay_sum as f64 / self.served as f64 / 1e9)
    }

    /// A quantile of the delay, seconds, read off steps of a sixteenth of a decade (15 %), in proportion within a step: for a
    /// picture, not for a promise.
    #[must_use]
    pub fn quantile_s(&self, q: f64) -> Option<f64> {
        let rank = q * self.served as f64;
        let mut below = 0.0;
        for (i, n) in self.counts.iter().enumerate().filter(|(_, n)| **n > 0) {
            let here = f64::from(*n);
            if below + here > rank {
                let within = ((rank - below) / here).max(0.0);
                return Some(1e-4 * libm::pow(10.0, (i as f64 + within) / STEPS_A_DECADE as f64));
            }
            below += here;
        }
        None
    }

    /// Takes in what another replication saw in the same stretch.
    pub fn merge(&mut self, other: &Self) {
        self.arrived += other.arrived;
        self.served += other.served;
        self.lost += other.lost;
        self.delay_sum += other.delay_sum;
        self.counts.iter_mut().zip(&other.counts).for_each(|(a, b)| *a += b);
    }
}

/// The upper ends of all steps of delay, ns: a bin is found by comparison, without a logarithm.
fn step_of(delay_ns: u64) -> usize {
    use std::sync::LazyLock;
    static ENDS: LazyLock<Vec<u64>> = LazyLock::new(|| {
        (1..=STEPS_A_DECADE * DECADES).map(|i| (1e5 * libm::pow(10.0, i as f64 / STEPS_A_DECADE as f64)) as u64).collect()
    });
    ENDS.partition_point(|end| *end < delay_ns).min(STEPS_A_DECADE * DECADES - 1)
}

impl Tally {
    pub(super) fn new(model: &Model<'_>, flow: usize) -> Self {
        let bins = if model.bin.0 == 0 { 0 } else { model.lasts.0.div_ceil(model.bin.0) as usize };
        Self {
            arrived: 0,
            copied: 0,
            served: 0,
            lost: 0,
            retried: 0,
            late: 0,
            present: 0,
            overdue: 0,
            dispatches: 0,
            dispatched_busy: 0,
            delays: Delays::new(),
            bins: vec![Bin::new(); bins],
            area: 0,
            measured_area: 0,
            sojourns: 0,
            since: 0,
            warm_up: model.warm_up.0,
            bin: model.bin.0,
            within: model.flows[flow].within.map_or(u64::MAX, |w| w.0),
        }
    }

    /// Brings the time integral up to now.
    #[inline]
    pub(super) fn advance(&mut self, now: u64) {
        let present = u128::from(self.present);
        self.area += present * u128::from(now - self.since);
        let from = self.since.max(self.warm_up);
        if now > from {
            self.measured_area += present * u128::from(now - from);
        }
        self.since = now;
    }

    fn bin_at(&mut self, now: u64) -> Option<&mut Bin> {
        if self.bin == 0 {
            return None;
        }
        // What happens at the very end belongs to the last bin.
        let last = self.bins.len().checked_sub(1)?;
        self.bins.get_mut(((now / self.bin) as usize).min(last))
    }

    #[inline]
    pub(super) fn arrives(&mut self, now: u64) {
        self.advance(now);
        self.arrived += 1;
        self.present += 1;
        if let Some(bin) = self.bin_at(now) {
            bin.arrived += 1;
        }
    }

    pub(super) fn copies(&mut self, now: u64) {
        self.advance(now);
        self.copied += 1;
        self.present += 1;
    }

    #[inline]
    pub(super) fn serves(&mut self, now: u64, began: u64, entered: u64) {
        self.advance(now);
        self.served += 1;
        self.present -= 1;
        self.sojourns += u128::from(now - entered);
        let delay = now - began;
        if delay > self.within {
            self.late += 1;
        }
        if began >= self.warm_up {
            self.delays.record(Nanos(delay));
        }
        if let Some(bin) = self.bin_at(now) {
            bin.served += 1;
            bin.delay_sum += u128::from(delay);
            bin.counts[step_of(delay)] += 1;
        }
    }

    pub(super) fn loses(&mut self, now: u64, entered: u64) {
        self.advance(now);
        self.lost += 1;
        self.present -= 1;
        self.sojourns += u128::from(now - entered);
        if let Some(bin) = self.bin_at(now) {
            bin.lost += 1;
        }
    }

    #[inline]
    pub(super) fn dispatched(&mut self, busy: bool) {
        self.dispatches += 1;
        self.dispatched_busy += u64::from(busy);
    }

    /// Jobs present on average after the warm-up.
    #[must_use]
    pub fn mean_present(&self, lasted: Nanos) -> f64 {
        self.measured_area as f64 / (lasted.0.saturating_sub(self.warm_up)).max(1) as f64
    }

    /// Expected wait of a job that comes to a CPU of which no part is idle, averaged over all that come, seconds: half of a
    /// time slice times the share of those. It is measured beside the delay, and not part of it: in the fluid model a job starts at once.
    #[must_use]
    pub fn dispatch_delay_s(&self, slice: Nanos) -> f64 {
        if self.dispatches == 0 {
            return 0.0;
        }
        self.dispatched_busy as f64 / self.dispatches as f64 * slice.as_seconds() / 2.0
    }
}
