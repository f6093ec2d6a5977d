//! When jobs come: open arrivals, one at a time or in batches.
//!
//! Rates that follow the day and bursts are inhomogeneous Poisson processes, by thinning (Lewis & Shedler 1979) against the
//! greatest rate up to the next change; where the rate is constant up to there, nothing is thinned out. Recorded counts are
//! spread over their step as uniform instants in order. All instants are whole nanoseconds.

use std::sync::Arc;

use models::distribution::Distribution;
use models::quantity::Nanos;

use crate::random::{Sampler, Units};

/// When jobs come.
#[derive(Debug, Clone)]
pub enum Arrivals {
    /// By independent gaps, seconds (exponential: Poisson), each with a batch of so many jobs.
    Renewal {
        /// Gap, seconds.
        gap_s: Distribution,
        /// Batch, at least 1 job.
        batch: Distribution,
    },
    /// Poisson about a rate that changes over time.
    Poisson(Rate),
    /// Poisson with a rate that jumps between two values at exponential times (Markov-modulated).
    Modulated {
        /// Jobs a second in either state.
        per_s: [f64; 2],
        /// Changes a second from either state to the other.
        change_per_s: [f64; 2],
    },
    /// So many a step, from the start of the horizon, at uniform instants within it; then none.
    Counts {
        /// By step.
        counts: Arc<Vec<f64>>,
        /// Length of a step.
        step: Nanos,
        /// Each count is taken times this; what rounding to whole jobs leaves is carried on.
        times: f64,
    },
}

/// A rate over time, jobs a second.
#[derive(Debug, Clone)]
pub enum Rate {
    /// By hour of the week from the start of the horizon, again and again.
    Hours(Arc<Vec<f64>>),
    /// A burst: linear rise from `start`, plateau, exponential decay.
    Burst {
        /// From the start of the horizon.
        start: Nanos,
        /// Length of the rise.
        ramp: Nanos,
        /// Length of the plateau.
        plateau: Nanos,
        /// Time constant of the decay.
        decay: Nanos,
        /// On the plateau.
        per_s: f64,
    },
    /// `mean x (1 + swing x sin(2 pi t / period))`.
    Wave {
        /// Mean.
        per_s: f64,
        /// 0 to 1.
        swing: f64,
        /// Period.
        period: Nanos,
    },
}

const HOUR: u64 = 3_600_000_000_000;
const S: f64 = 1e9;

/// Bursts are over after this many time constants: less than one job in 10^8 of its plateau's number is left.
const DECAYS: u64 = 20;

impl Rate {
    /// The greatest rate from an instant of the horizon on, and until when it is that; with the end of all.
    fn most(&self, at: u64) -> Option<(f64, u64)> {
        match self {
            Self::Hours(hours) => {
                let hour = at / HOUR;
                // A week without any rate has no end to look for.
                if hours.iter().all(|rate| *rate <= 0.0) {
                    return None;
                }
                Some((hours[(hour % hours.len() as u64) as usize], (hour + 1) * HOUR))
            }
            Self::Burst { start, ramp, plateau, decay, per_s } => {
                let (rises, falls) = (start.0, start.0 + ramp.0 + plateau.0);
                let ends = falls + DECAYS * decay.0;
                if at < rises {
                    Some((0.0, rises))
                } else if at < falls {
                    Some((*per_s, falls))
                } else if at < ends {
                    // In stretches of a time constant, so that little is thinned out.
                    let k = (at - falls) / decay.0;
                    Some((per_s * libm::exp(-(k as f64)), (falls + (k + 1) * decay.0).min(ends)))
                } else {
                    None
                }
            }
            Self::Wave { per_s, swing, .. } => (*per_s > 0.0).then(|| (per_s * (1.0 + swing), u64::MAX)),
        }
    }

    /// The rate at an instant, as a share of the greatest; nothing where it is that.
    fn share(&self, at: u64, most: f64) -> Option<f64> {
        match self {
            Self::Hours(_) => None,
            Self::Burst { start, ramp, plateau, decay, per_s } => {
                let since = at.saturating_sub(start.0);
                if since < ramp.0 {
                    return Some(since as f64 / ramp.0 as f64);
                }
                let after = since.saturating_sub(ramp.0 + plateau.0);
                if after == 0 { None } else { Some(per_s * libm::exp(-(after as f64) / decay.0 as f64) / most) }
            }
            Self::Wave { per_s, swing, period } => {
                let phase = 2.0 * std::f64::consts::PI * (at % period.0) as f64 / period.0 as f64;
                Some(per_s * (1.0 + swing * libm::sin(phase)) / most)
            }
        }
    }
}

/// Arrivals under way.
#[derive(Debug, Clone)]
pub(super) struct Course {
    kind: Kind,
    /// Where the run starts on the horizon.
    start: u64,
}

#[derive(Debug, Clone)]
enum Kind {
    Renewal { gap: Sampler, batch: Sampler },
    Poisson { rate: Rate },
    Modulated { per_s: [f64; 2], change_per_s: [f64; 2], state: usize, until: u64 },
    Counts { counts: Arc<Vec<f64>>, step: u64, times: f64, next: usize, left: u64, carried: f64 },
}

/// A gap in whole ns; the greatest number where it is beyond all horizons.
fn ns(seconds: f64) -> u64 {
    let x = seconds * S + 0.5;
    if x < 9.0e18 { x as u64 } else { u64::MAX }
}

impl Course {
    pub(super) fn new(arrivals: &Arrivals, start: u64, u: &mut impl Units) -> Self {
        let kind = match arrivals {
            Arrivals::Renewal { gap_s, batch } => Kind::Renewal { gap: Sampler::new(gap_s), batch: Sampler::new(batch) },
            Arrivals::Poisson(rate) => Kind::Poisson { rate: rate.clone() },
            Arrivals::Modulated { per_s, change_per_s } => {
                // It starts in a state by its share of time.
                let both = change_per_s[0] + change_per_s[1];
                let state = usize::from(u.unit() >= change_per_s[1] / both);
                Kind::Modulated { per_s: *per_s, change_per_s: *change_per_s, state, until: gap(u, change_per_s[state]) }
            }
            Arrivals::Counts { counts, step, times } => {
                // Of a step that has begun, the part that is still to come.
                let next = (start / step.0) as usize;
                Kind::Counts { counts: Arc::clone(counts), step: step.0, times: *times, next, left: 0, carried: 0.0 }
            }
        };
        Self { kind, start }
    }

    /// The next arrival after `now` (from the start of the run), and how many jobs come then.
    #[inline]
    pub(super) fn next(&mut self, now: u64, u: &mut impl Units) -> Option<(u64, u64)> {
        match &mut self.kind {
            Kind::Renewal { gap, batch } => {
                let at = now.saturating_add(ns(gap.sample(u)));
                Some((at, (batch.sample(u) + 0.5) as u64))
            }
            Kind::Poisson { rate } => {
                let mut at = now + self.start;
                loop {
                    let (most, until) = rate.most(at)?;
                    if most <= 0.0 {
                        at = until;
                        continue;
                    }
                    let next = at.saturating_add(self::gap(u, most));
                    if next >= until {
                        // Beyond the stretch, the process begins anew at its end: it has no memory.
                        if until == u64::MAX {
                            return None;
                        }
                        at = until;
                        continue;
                    }
                    at = next;
                    match rate.share(at, most) {
                        Some(share) if u.unit() >= share => {}
                        _ => return Some((at - self.start, 1)),
                    }
                }
            }
            Kind::Modulated { per_s, change_per_s, state, until } => {
                if per_s.iter().all(|rate| *rate <= 0.0) {
                    return None;
                }
                let mut at = now;
                loop {
                    let next = at.saturating_add(self::gap(u, per_s[*state]));
                    if next < *until {
                        return Some((next, 1));
                    }
                    if *until == u64::MAX {
                        return None;
                    }
                    at = *until;
                    *state = 1 - *state;
                    *until = at.saturating_add(self::gap(u, change_per_s[*state]));
                }
            }
            Kind::Counts { counts, step, times, next, left, carried } => {
                let mut at = now + self.start;
                while *left == 0 {
                    let count = *counts.get(*next)?;
                    let from = *next as u64 * *step;
                    // Of the step in which the run starts, in proportion.
                    let share = if from < self.start { (from + *step - self.start) as f64 / *step as f64 } else { 1.0 };
                    let exact = count * *times * share + *carried;
                    *left = (exact + 0.5) as u64;
                    *carried = exact - *left as f64;
                    at = at.max(from);
                    *next += 1;
                }
                // The first of k uniform instants in what is left of the step.
                let end = *next as u64 * *step;
                let rest = (end - at) as f64;
                let first = rest * (1.0 - libm::pow(u.open(), 1.0 / *left as f64));
                *left -= 1;
                at = (at + first as u64).min(end - 1);
                Some((at - self.start, 1))
            }
        }
    }
}

/// An exponential gap in ns.
#[inline]
fn gap(u: &mut impl Units, per_s: f64) -> u64 {
    if per_s <= 0.0 { u64::MAX } else { ns(-libm::log(u.open()) / per_s) }
}
