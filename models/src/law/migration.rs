//! Live migration by pre-copy: how long it takes, how long the guest stands still, and whether it ends.
//!
//! # Formula
//! The memory is copied while the guest runs; then what it dirtied meanwhile, and so on: t_i = V_i / R,
//! V_(i+1) = min(D t_i, W), with V_0 = M. When a volume can be sent within the downtime allowed, the guest is
//! stopped and the rest sent.
//!
//! # Range
//! A dirty rate that is constant. Left out: what the switch-over costs besides (some 30 ms, assumed), compression, slowing the
//! guest down, post-copy, and the copy's own use of CPU.
//!
//! # Source
//! Clark et al. 2005 for pre-copy under Xen; the table of models A5.
//!
//! # Error
//! Published models of this form predict to within 10 % (Akoush 2010).

use crate::quantity::{BytesPerSecond, MiB, Nanos, QuantityError};

/// What is copied, and over what.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PreCopy {
    /// Memory of the guest, M.
    pub memory: MiB,
    /// The part that it keeps writing to, W: at most the memory.
    pub working_set: MiB,
    /// The rate at which it dirties memory that was clean, D.
    pub dirty: BytesPerSecond,
    /// The rate at which memory is sent, R: above 0.
    pub bandwidth: BytesPerSecond,
}

/// When copying while the guest runs comes to an end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
pub struct StopRule {
    /// The guest may stand still for this long.
    pub downtime_max: Nanos,
    /// Rounds at most, the first copy of all memory included: 1 or more.
    pub rounds_max: u32,
}

/// What a migration comes to when the guest is stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Copied {
    /// Rounds copied while the guest ran.
    pub rounds: u32,
    /// From the start until the guest runs on the other host.
    pub total: Nanos,
    /// For which it stands still: the last part of the total.
    pub downtime: Nanos,
}

/// Whether a migration keeps to its downtime.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// It does.
    Converges(Copied),
    /// It does not: a plan must not hold such a step. Stopped all the same, it would come to this.
    DoesNotConverge {
        /// What it comes to where the guest is stopped at that point.
        forced: Copied,
        /// Why rounds ended.
        because: NotConverging,
    },
}

/// Why rounds end without a volume that is small enough.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NotConverging {
    /// A round left as much to send as it sent, or more.
    NotShrinking,
    /// Volumes shrink, too slowly for the rounds allowed.
    RoundsSpent,
}

impl PreCopy {
    /// Follows the rounds to their end. Volumes are bytes as doubles; times are rounded up to a nanosecond.
    ///
    /// ```
    /// use models::law::migration::{Outcome, PreCopy, StopRule};
    /// use models::quantity::{BytesPerSecond, MiB, Nanos};
    /// let mib_s = |n: f64| BytesPerSecond::new(n * 1048576.0);
    /// // An idle guest: 1000 MiB at 100 MiB/s are 10 s, and nothing is left to send.
    /// let idle = PreCopy { memory: MiB(1000), working_set: MiB(0), dirty: mib_s(0.0)?, bandwidth: mib_s(100.0)? };
    /// let Outcome::Converges(copied) = idle.run(StopRule { downtime_max: Nanos::millis(30), rounds_max: 30 })? else { panic!() };
    /// assert_eq!((copied.rounds, copied.total, copied.downtime), (1, Nanos::seconds(10), Nanos::ZERO));
    /// # Ok::<(), models::quantity::QuantityError>(())
    /// ```
    ///
    /// # Errors
    /// A bandwidth of zero, a working set above the memory, no round at all, or a time beyond 584 years.
    pub fn run(&self, stop: StopRule) -> Result<Outcome, QuantityError> {
        let refuse = |what, value: String, unit, expected| Err(QuantityError { what, value, unit, expected });
        if self.bandwidth == BytesPerSecond::ZERO {
            return refuse("bandwidth of a migration", "0".into(), "B/s", "it must be above 0");
        }
        if self.working_set > self.memory {
            return refuse("working set", self.working_set.0.to_string(), "MiB", "it must be at most the memory of the guest");
        }
        if stop.rounds_max == 0 {
            return refuse("limit of rounds", "0".into(), "rounds", "it must be at least 1");
        }
        let working_set = bytes(self.working_set);
        let (mut volume, mut copying) = (bytes(self.memory), Nanos::ZERO);
        let mut rounds = 0;
        loop {
            copying = sum(copying, self.send(volume)?)?;
            rounds += 1;
            let next = (self.dirty.get() * (volume / self.bandwidth.get())).min(working_set);
            let downtime = self.send(next)?;
            let copied = || Ok(Copied { rounds, total: sum(copying, downtime)?, downtime });
            if downtime <= stop.downtime_max {
                return Ok(Outcome::Converges(copied()?));
            }
            if next >= volume {
                return Ok(Outcome::DoesNotConverge { forced: copied()?, because: NotConverging::NotShrinking });
            }
            if rounds == stop.rounds_max {
                return Ok(Outcome::DoesNotConverge { forced: copied()?, because: NotConverging::RoundsSpent });
            }
            volume = next;
        }
    }

    /// How long a volume in bytes takes to send.
    fn send(&self, volume: f64) -> Result<Nanos, QuantityError> {
        let ns = (volume * 1e9 / self.bandwidth.get()).ceil();
        // 2^64 as a double; below it every whole double is a u64.
        if ns < 18_446_744_073_709_551_616.0 { Ok(Nanos(ns as u64)) } else { too_long(ns) }
    }
}

fn bytes(memory: MiB) -> f64 {
    memory.0 as f64 * 1_048_576.0
}

fn sum(a: Nanos, b: Nanos) -> Result<Nanos, QuantityError> {
    a.0.checked_add(b.0).map_or_else(|| too_long(a.0 as f64 + b.0 as f64), |ns| Ok(Nanos(ns)))
}

fn too_long<T>(ns: f64) -> Result<T, QuantityError> {
    Err(QuantityError { what: "time of a migration", value: ns.to_string(), unit: "ns", expected: "it must be below 584 years" })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const RULE: StopRule = StopRule { downtime_max: Nanos::millis(30), rounds_max: 30 };

    fn guest(memory: u64, working_set: u64, dirty: f64, bandwidth: f64) -> PreCopy {
        let rate = |mib: f64| BytesPerSecond::new(mib * 1_048_576.0).unwrap();
        PreCopy { memory: MiB(memory), working_set: MiB(working_set), dirty: rate(dirty), bandwidth: rate(bandwidth) }
    }

    #[test]
    fn guests_move_over_gigabit_ethernet_as_in_the_table() {
        // models A5, R = 117 a second, downtime 30 ms. The first: 1024 / 117 = 8.752 s, 43.76 left: 0.374 s, 1.87 left: 16 ms.
        for (memory, dirty, working_set, rounds, seconds, millis) in
            [(1024, 5.0, 64, 2, "9.1", "16"), (1024, 80.0, 256, 13, "15.6", "23"), (4096, 60.0, 256, 8, "39.5", "20")]
        {
            let Outcome::Converges(copied) = guest(memory, working_set, dirty, 117.0).run(RULE).unwrap() else {
                panic!("{memory} {dirty}")
            };
            assert_eq!(copied.rounds, rounds);
            assert_eq!(format!("{:.1}", copied.total.as_seconds()), seconds);
            assert_eq!(format!("{:.0}", copied.downtime.as_seconds() * 1e3), millis);
        }
    }

    #[test]
    fn over_100_mbit_ethernet_a_busy_guest_does_not_converge() {
        // models A5, R = 11.8 a second: the working set alone is 64 / 11.8 = 5.4 s, 256 / 11.8 = 21.7 s.
        for (dirty, working_set, seconds) in [(30.0, 64, "5.4"), (80.0, 256, "21.7")] {
            let outcome = guest(1024, working_set, dirty, 11.8).run(RULE).unwrap();
            let Outcome::DoesNotConverge { forced, because: NotConverging::NotShrinking } = outcome else { panic!("{outcome:?}") };
            assert_eq!(format!("{:.1}", forced.downtime.as_seconds()), seconds);
            // All of it, the working set while it runs, and the working set again.
            assert_eq!(forced.rounds, 2);
        }
    }

    #[test]
    fn volumes_that_shrink_too_slowly_spend_the_rounds() {
        // D / R = 0.9, no bound by the working set: 1000 x 0.9^3 = 729 are left after three rounds of 10, 9 and 8.1 s.
        let outcome = guest(1000, 1000, 90.0, 100.0).run(StopRule { rounds_max: 3, ..RULE }).unwrap();
        let Outcome::DoesNotConverge { forced, because: NotConverging::RoundsSpent } = outcome else { panic!("{outcome:?}") };
        assert_eq!(forced.rounds, 3);
        assert!((forced.downtime.as_seconds() - 7.29).abs() < 1e-8 && (forced.total.as_seconds() - 34.39).abs() < 1e-8);
    }

    #[test]
    fn what_cannot_be_is_refused() {
        let good = guest(1024, 64, 5.0, 117.0);
        assert!(PreCopy { bandwidth: BytesPerSecond::ZERO, ..good }.run(RULE).is_err());
        assert!(PreCopy { working_set: MiB(1025), ..good }.run(RULE).is_err());
        assert!(good.run(StopRule { rounds_max: 0, ..RULE }).is_err());
        assert!(PreCopy { memory: MiB(u64::MAX), ..good }.run(RULE).is_err());
    }

    proptest! {
        #[test]
        fn without_a_bound_it_is_a_geometric_sum(memory in 1u64..100_000, ratio in 0.0f64..0.9, bandwidth in 1.0f64..2000.0) {
            // V_i = M q^i, so that n rounds and the stop take M / R (1 - q^(n + 1)) / (1 - q).
            let outcome = guest(memory, memory, ratio * bandwidth, bandwidth).run(StopRule { rounds_max: 1000, ..RULE }).unwrap();
            let Outcome::Converges(copied) = outcome else { panic!("{outcome:?}") };
            let first = memory as f64 / bandwidth;
            let power: f64 = (0..=copied.rounds).map(|_| ratio).product();
            let total = first * (1.0 - power) / (1.0 - ratio);
            prop_assert!((copied.total.as_seconds() - total).abs() <= 1e-9 * (total + f64::from(copied.rounds) + 2.0));
            prop_assert!(copied.downtime <= RULE.downtime_max);
        }

        #[test]
        fn a_faster_link_never_makes_a_migration_longer(
            memory in 256u64..8192, set in 0u64..256, dirty in 0.0f64..200.0, bandwidth in 5.0f64..500.0, faster in 1.01f64..4.0,
        ) {
            let slow = guest(memory, set, dirty, bandwidth).run(RULE).unwrap();
            let fast = guest(memory, set, dirty, bandwidth * faster).run(RULE).unwrap();
            if let Outcome::Converges(slow) = slow {
                let Outcome::Converges(fast) = fast else { panic!("{fast:?}") };
                prop_assert!(fast.total <= slow.total && fast.rounds <= slow.rounds);
            }
        }

        #[test]
        fn downtime_is_within_the_working_set_and_the_total(
            memory in 256u64..8192, set in 0u64..256, dirty in 0.0f64..200.0, bandwidth in 5.0f64..500.0,
        ) {
            let case = guest(memory, set, dirty, bandwidth);
            let (Outcome::Converges(copied) | Outcome::DoesNotConverge { forced: copied, .. }) = case.run(RULE).unwrap();
            prop_assert!(copied.downtime.as_seconds() <= set as f64 / bandwidth + 1e-9);
            prop_assert!(copied.total.as_seconds() >= copied.downtime.as_seconds() + memory as f64 / bandwidth - 1e-9);
            prop_assert!(copied.rounds >= 1 && copied.rounds <= RULE.rounds_max);
        }
    }
}
