//! Live migrations that share a link: how much longer each takes than alone, and which no longer end.
//!
//! # Formula
//! Each guest follows the rounds of [`super::migration`]; what it dirties is counted over the time that its round really
//! took. At any time the guests under way share the link by max-min fairness, none above its own cap. A guest is under way after the
//! latency of its start; at most `at_once` have started and not ended, the others wait in order. A round is the last where what is left
//! can be sent within the downtime at the share that the guest has then. Idle guests without caps: sorted by memory, the k-th ends at
//! latency + sum over j <= k of (M_j - M_(j-1)) (n - j + 1) / R.
//!
//! # Range
//! One link, or one that all have in common and that is the narrowest of each. Not: several links with other traffic on each, the
//! copy's own CPU, compression, guests slowed down. Where a share changes during the stop, the guest stands still longer or shorter than
//! was counted on.
//!
//! # Source
//! Models A5 for the rounds; max-min fairness is what models A2 takes for any shared resource. Bandwidth and latency are a straight line
//! through measured pairs of memory and time ([`fitted`]).
//!
//! # Error
//! Two guests of 1000 MB at once after a line through one of 1000 MB and one of 100 MB: 3e-6 of SimGrid's figure (see
//! `scenarios/simgrid-migration`), whose network model this is; real links share less evenly. Alone it is the law of one
//! migration, within 10 % (Akoush 2010).

use super::migration::{NotConverging, StopRule};
use crate::quantity::{BytesPerSecond, Nanos, QuantityError};

/// A guest that is moved.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Moved {
    /// Its memory, bytes: above 0.
    pub memory_bytes: f64,
    /// The part that it keeps writing to, bytes: at most the memory.
    pub working_set_bytes: f64,
    /// The rate at which it dirties memory that was clean.
    pub dirty: BytesPerSecond,
    /// The most that it may have of the link: the port of its host. `None`: all.
    pub cap: Option<BytesPerSecond>,
}

/// The link that they share.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Shared {
    /// Its rate: above 0.
    pub bandwidth: BytesPerSecond,
    /// From the start of a migration until its first byte is on its way.
    pub latency: Nanos,
    /// The most that are under way at once, 1 or more. `None`: all.
    pub at_once: Option<u32>,
}

/// How one migration went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Course {
    /// When it started.
    pub begin: Nanos,
    /// When the guest ran on the other host.
    pub end: Nanos,
    /// For how long it stood still, at the end.
    pub downtime: Nanos,
    /// Rounds copied while it ran.
    pub rounds: u32,
    /// Why it was stopped without keeping to the downtime; `None`: it converged.
    pub because: Option<NotConverging>,
}

impl Course {
    /// From its start to its end.
    #[must_use]
    pub fn total(&self) -> Nanos {
        Nanos(self.end.0 - self.begin.0)
    }
}

/// The rate and the fixed time of a straight line through measured pairs of memory (bytes) and time (seconds), by least squares.
///
/// ```
/// use models::law::shared_migration::fitted;
/// // 10 s for 1000 bytes and 2 s for 200: 100 bytes a second, and no fixed time.
/// let (rate, latency) = fitted(&[(1000.0, 10.0), (200.0, 2.0)])?;
/// assert!((rate.get() - 100.0).abs() < 1e-9 && latency.0 == 0);
/// # Ok::<(), models::quantity::QuantityError>(())
/// ```
///
/// # Errors
/// Fewer than two sizes, or a line that falls or meets zero time above zero memory.
pub fn fitted(history: &[(f64, f64)]) -> Result<(BytesPerSecond, Nanos), QuantityError> {
    let n = history.len() as f64;
    let (x, y) = (history.iter().map(|h| h.0).sum::<f64>() / n, history.iter().map(|h| h.1).sum::<f64>() / n);
    let spread: f64 = history.iter().map(|h| (h.0 - x) * (h.0 - x)).sum();
    let slope = history.iter().map(|h| (h.0 - x) * (h.1 - y)).sum::<f64>() / spread;
    let fixed = y - slope * x;
    // A part in 10^9 below zero is rounding.
    if !(slope > 0.0 && slope.is_finite() && fixed > -1e-9 * y) {
        return Err(QuantityError {
            what: "history of migrations",
            value: format!("{slope} s a byte and {fixed} s besides"),
            unit: "",
            expected: "it must hold two sizes at least, the larger one take longer, and none less than in proportion to a smaller one",
        });
    }
    Ok((BytesPerSecond::new(1.0 / slope)?, nanos(fixed.max(0.0))?))
}

/// What a guest is at.
#[derive(Debug, Clone, Copy)]
enum At {
    Waiting,
    Latency { until: f64 },
    Round { left: f64, volume: f64, since: f64 },
    Stopped { left: f64, volume: f64, since: f64 },
    Done,
}

/// Follows all of them to their ends, in the order in which they are given.
///
/// # Errors
/// A bandwidth or a cap of zero, a memory that is not above 0, a working set above it, no round at all, none at once, or a time beyond 584
/// years.
pub fn run(link: &Shared, guests: &[Moved], stop: StopRule) -> Result<Vec<Course>, QuantityError> {
    check(link, guests, stop)?;
    let most = link.at_once.map_or(guests.len(), |n| n as usize);
    let latency = link.latency.as_seconds();
    let allowed = stop.downtime_max.as_seconds();
    let mut at = vec![At::Waiting; guests.len()];
    let mut courses = vec![(0.0, 0.0, 0.0, 0, None); guests.len()];
    let (mut now, mut next) = (0.0, 0);
    loop {
        let mut under_way = at.iter().filter(|a| !matches!(a, At::Waiting | At::Done)).count();
        while next < guests.len() && under_way < most {
            at[next] = At::Latency { until: now + latency };
            courses[next].0 = now;
            (next, under_way) = (next + 1, under_way + 1);
        }
        if under_way == 0 {
            break;
        }
        let rates = shares(link, guests, &at);
        let due = |i: usize| match at[i] {
            At::Latency { until } => until - now,
            At::Round { left, .. } | At::Stopped { left, .. } => left / rates[i],
            At::Waiting | At::Done => f64::INFINITY,
        };
        let (mut step, mut first) = (f64::INFINITY, 0);
        for i in 0..guests.len() {
            if due(i) < step {
                (step, first) = (due(i), i);
            }
        }
        let step = step.max(0.0);
        now += step;
        for i in 0..guests.len() {
            let guest = &guests[i];
            // What is due within rounding of the first is due with it.
            let spent = |left: &mut f64, volume: f64| {
                *left -= rates[i] * step;
                i == first || *left <= 1e-12 * volume
            };
            match &mut at[i] {
                At::Waiting | At::Done => {}
                At::Latency { until } => {
                    if i == first || *until <= now {
                        at[i] = At::Round { left: guest.memory_bytes, volume: guest.memory_bytes, since: now };
                    }
                }
                At::Round { left, volume, since } => {
                    if spent(left, *volume) {
                        let (volume, since) = (*volume, *since);
                        let course = &mut courses[i];
                        course.3 += 1;
                        let dirtied = (guest.dirty.get() * (now - since)).min(guest.working_set_bytes);
                        let because = if dirtied / rates[i] <= allowed {
                            None
                        } else if dirtied >= volume {
                            Some(NotConverging::NotShrinking)
                        } else if course.3 == stop.rounds_max {
                            Some(NotConverging::RoundsSpent)
                        } else {
                            at[i] = At::Round { left: dirtied, volume: dirtied, since: now };
                            continue;
                        };
                        course.4 = because;
                        course.1 = now;
                        at[i] = if dirtied > 0.0 { At::Stopped { left: dirtied, volume: dirtied, since: now } } else { At::Done };
                    }
                }
                At::Stopped { left, volume, since } => {
                    if spent(left, *volume) {
                        courses[i].1 = now;
                        courses[i].2 = now - *since;
                        at[i] = At::Done;
                    }
                }
            }
        }
    }
    courses
        .into_iter()
        .map(|(begin, end, downtime, rounds, because)| {
            Ok(Course { begin: nanos(begin)?, end: nanos(end)?, downtime: nanos(downtime)?, rounds, because })
        })
        .collect()
}

/// What each guest gets of the link now, bytes a second.
fn shares(link: &Shared, guests: &[Moved], at: &[At]) -> Vec<f64> {
    let cap = |i: usize| guests[i].cap.map_or(f64::INFINITY, BytesPerSecond::get);
    let mut order: Vec<usize> = (0..guests.len()).filter(|i| matches!(at[*i], At::Round { .. } | At::Stopped { .. })).collect();
    order.sort_by(|a, b| cap(*a).total_cmp(&cap(*b)).then(a.cmp(b)));
    let (mut left, mut rates) = (link.bandwidth.get(), vec![0.0; guests.len()]);
    for (k, i) in order.iter().enumerate() {
        rates[*i] = cap(*i).min(left / (order.len() - k) as f64);
        left -= rates[*i];
    }
    rates
}

fn check(link: &Shared, guests: &[Moved], stop: StopRule) -> Result<(), QuantityError> {
    let refuse = |what, value: String, unit, expected| Err(QuantityError { what, value, unit, expected });
    if link.bandwidth == BytesPerSecond::ZERO || guests.iter().any(|g| g.cap == Some(BytesPerSecond::ZERO)) {
        return refuse("bandwidth of a migration", "0".into(), "B/s", "it must be above 0");
    }
    if stop.rounds_max == 0 {
        return refuse("limit of rounds", "0".into(), "rounds", "it must be at least 1");
    }
    if link.at_once == Some(0) {
        return refuse("number of migrations at once", "0".into(), "", "it must be at least 1");
    }
    for g in guests {
        if !(g.memory_bytes > 0.0 && g.memory_bytes.is_finite()) {
            return refuse("memory of a guest", g.memory_bytes.to_string(), "B", "it must be finite and above 0");
        }
        if !(0.0..=g.memory_bytes).contains(&g.working_set_bytes) {
            return refuse("working set", g.working_set_bytes.to_string(), "B", "it must be at most the memory of the guest");
        }
    }
    Ok(())
}

fn nanos(seconds: f64) -> Result<Nanos, QuantityError> {
    let ns = (seconds * 1e9).round();
    // 2^64 as a double; below it every whole double is a u64.
    if ns < 18_446_744_073_709_551_616.0 {
        Ok(Nanos(ns as u64))
    } else {
        Err(QuantityError { what: "time of a migration", value: ns.to_string(), unit: "ns", expected: "it must be below 584 years" })
    }
}

#[cfg(test)]
mod tests {
    use super::super::migration::{Outcome, PreCopy};
    use super::*;
    use crate::quantity::MiB;
    use proptest::prelude::*;

    const STOP: StopRule = StopRule { downtime_max: Nanos::millis(30), rounds_max: 30 };
    const MIB: f64 = 1_048_576.0;

    fn rate(mib_s: f64) -> BytesPerSecond {
        BytesPerSecond::new(mib_s * MIB).unwrap()
    }
    fn guest(memory_mib: f64, set_mib: f64, dirty_mib_s: f64) -> Moved {
        Moved { memory_bytes: memory_mib * MIB, working_set_bytes: set_mib * MIB, dirty: rate(dirty_mib_s), cap: None }
    }
    fn link(mib_s: f64) -> Shared {
        Shared { bandwidth: rate(mib_s), latency: Nanos::ZERO, at_once: None }
    }

    #[test]
    fn two_busy_guests_that_each_converge_alone_do_not_together() {
        // D = 80 against R = 117 alone, and against 58.5 together: what is dirtied in a round is more than the round sent.
        let busy = guest(1024.0, 256.0, 80.0);
        assert_eq!(run(&link(117.0), &[busy], STOP).unwrap()[0].because, None);
        let both = run(&link(117.0), &[busy, busy], STOP).unwrap();
        assert!(both.iter().all(|c| c.because == Some(NotConverging::NotShrinking)), "{both:?}");
        // The working set again at half the link: 256 / 58.5 = 4.376 s.
        assert!((both[0].downtime.as_seconds() - 256.0 / 58.5).abs() < 1e-8);
    }

    #[test]
    fn a_cap_leaves_the_rest_to_the_others() {
        // 100 a second: one is capped at 20, the other gets 80 and ends its 800 at 10 s; the capped one's 400 take 20 s.
        let capped = Moved { cap: Some(rate(20.0)), ..guest(400.0, 0.0, 0.0) };
        let both = run(&link(100.0), &[capped, guest(800.0, 0.0, 0.0)], STOP).unwrap();
        assert!((both[0].end.as_seconds() - 20.0).abs() < 1e-8 && (both[1].end.as_seconds() - 10.0).abs() < 1e-8);
    }

    #[test]
    fn what_cannot_be_is_refused() {
        let good = guest(1024.0, 64.0, 5.0);
        assert!(run(&link(0.0), &[good], STOP).is_err());
        assert!(run(&link(1.0), &[Moved { working_set_bytes: 2e9, ..good }], STOP).is_err());
        assert!(run(&link(1.0), &[Moved { memory_bytes: 0.0, working_set_bytes: 0.0, ..good }], STOP).is_err());
        assert!(run(&link(1.0), &[Moved { cap: Some(BytesPerSecond::ZERO), ..good }], STOP).is_err());
        assert!(run(&link(1.0), &[good], StopRule { rounds_max: 0, ..STOP }).is_err());
        assert!(run(&Shared { at_once: Some(0), ..link(1.0) }, &[good], STOP).is_err());
        assert!(run(&link(1e-9), &[guest(1e12, 0.0, 0.0)], STOP).is_err());
        assert!(fitted(&[]).is_err() && fitted(&[(1.0, 1.0)]).is_err() && fitted(&[(1.0, 1.0), (1.0, 2.0)]).is_err());
        assert!(fitted(&[(1.0, 2.0), (2.0, 1.0)]).is_err() && fitted(&[(1.0, 1.0), (2.0, 3.0)]).is_err());
    }

    proptest! {
        #[test]
        fn alone_it_is_the_law_of_one_migration(
            memory in 256u64..8192, set in 0u64..256, dirty in 0.0f64..200.0, bandwidth in 5.0f64..500.0,
        ) {
            let one = PreCopy { memory: MiB(memory), working_set: MiB(set), dirty: rate(dirty), bandwidth: rate(bandwidth) };
            let (copied, why) = match one.run(STOP).unwrap() {
                Outcome::Converges(copied) => (copied, None),
                Outcome::DoesNotConverge { forced, because } => (forced, Some(because)),
            };
            let here = run(&link(bandwidth), &[guest(memory as f64, set as f64, dirty)], STOP).unwrap()[0];
            prop_assert_eq!((here.rounds, here.because), (copied.rounds, why));
            prop_assert!((here.total().as_seconds() - copied.total.as_seconds()).abs() < 1e-6);
            prop_assert!((here.downtime.as_seconds() - copied.downtime.as_seconds()).abs() < 1e-6);
        }

        #[test]
        fn idle_guests_end_as_the_closed_form_says(mut memory in prop::collection::vec(1.0f64..10_000.0, 1..12), bandwidth in 1.0f64..500.0) {
            memory.sort_by(f64::total_cmp);
            let guests: Vec<Moved> = memory.iter().map(|m| guest(*m, 0.0, 0.0)).collect();
            let courses = run(&link(bandwidth), &guests, STOP).unwrap();
            let (mut end, mut before) = (0.0, 0.0);
            for (k, m) in memory.iter().enumerate() {
                end += (m - before) * (memory.len() - k) as f64 / bandwidth;
                before = *m;
                prop_assert!((courses[k].end.as_seconds() - end).abs() < 1e-9 * end + 1e-8);
            }
        }

        #[test]
        fn idle_guests_take_the_link_as_long_one_by_one_as_together(
            memory in prop::collection::vec(1.0f64..10_000.0, 1..12), bandwidth in 1.0f64..500.0, at_once in 1u32..5,
        ) {
            let guests: Vec<Moved> = memory.iter().map(|m| guest(*m, 0.0, 0.0)).collect();
            let last = |at_once| {
                let courses = run(&Shared { at_once, ..link(bandwidth) }, &guests, STOP).unwrap();
                courses.iter().map(|c| c.end.as_seconds()).fold(0.0, f64::max)
            };
            let all = last(None);
            prop_assert!((last(Some(at_once)) - all).abs() < 1e-9 * all + 1e-8);
        }

        #[test]
        fn company_never_makes_a_migration_shorter_than_alone(
            busy in prop::collection::vec((256.0f64..4096.0, 0.0f64..256.0, 0.0f64..40.0), 2..6), bandwidth in 50.0f64..500.0,
        ) {
            let guests: Vec<Moved> = busy.iter().map(|(m, w, d)| guest(*m, *w, *d)).collect();
            let together = run(&link(bandwidth), &guests, STOP).unwrap();
            for (one, shared) in guests.iter().zip(&together) {
                let alone = run(&link(bandwidth), &[*one], STOP).unwrap()[0];
                // The first copy alone is shorter for each byte; later rounds may be fewer where company leaves early.
                prop_assert!(shared.end.as_seconds() >= one.memory_bytes / (bandwidth * MIB) - 1e-8);
                if one.dirty == BytesPerSecond::ZERO {
                    prop_assert!(shared.end >= alone.end);
                }
            }
        }
    }
}
