//! Arrivals in bursts: batches, a source that switches between two rates, and batches at a fixed period.
//!
//! # Formula
//! M^X/M/1's mean, the two-phase source's by its boundary equations, and s (b + 1) / 2 for batches of constant service.
//!
//! # Range
//! One exponential server, first come first served, except where constant service is said. The mean rate says little here: the
//! source of two phases at load 0.8 keeps its customers 16 times as long as a Poisson source of the same rate.
//!
//! # Source
//! Neuts 1981 for modulated sources (models A6; fixtures: B3, rows 13, 14 and 19).
//!
//! # Error
//! Exact within its range.

use super::{QueueError, argument, at_least_one, below_one, finite, nonnegative, positive};
use crate::quantity::Nanos;

/// How many come at once.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Batch {
    /// Always as many: 1 or more.
    Constant(u32),
    /// 1, 2, 3 ... in geometric proportion, with this mean: 1 or more.
    Geometric {
        /// The mean size of a batch.
        mean: f64,
    },
}

impl Batch {
    /// E\[X^2\] / E\[X\]: the mean size of the batch that a customer comes in.
    fn seen_by_a_customer(self) -> Result<f64, QueueError> {
        match self {
            Self::Constant(size) => at_least_one("size of a batch", size),
            // E[X^2] = 2 m^2 - m.
            Self::Geometric { mean } if mean.is_finite() && mean >= 1.0 => Ok(2.0 * mean - 1.0),
            Self::Geometric { mean } => Err(argument("mean size of a batch", mean, "it must be finite and at least 1")),
        }
    }
}

/// Mean number in M^X/M/1: L = rho (1 + E\[X^2\] / E\[X\]) / (2 (1 - rho)), rho the load of all customers together.
///
/// # Errors
/// A batch that cannot be, or a load outside 0 to below 1.
pub fn mx_m_1_number(rho: f64, batch: Batch) -> Result<f64, QueueError> {
    let seen = batch.seen_by_a_customer()?;
    let rho = below_one(rho)?;
    finite(rho * (1.0 + seen) / (2.0 * (1.0 - rho)))
}

/// Mean sojourn in M^X/M/1: the mean number over the rate of customers, rho x mu (Little).
///
/// # Errors
/// As [`mx_m_1_number`], and where `service_rate` is not above 0.
pub fn mx_m_1_sojourn(rho: f64, service_rate: f64, batch: Batch) -> Result<f64, QueueError> {
    let seen = batch.seen_by_a_customer()?;
    let rho = below_one(rho)?;
    finite((1.0 + seen) / (2.0 * (1.0 - rho)) / positive("service rate", service_rate)?)
}

/// A Poisson source that switches between two rates (a Markov-modulated Poisson process of two phases).
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Mmpp2 {
    /// Arrival rate in each phase; one may be 0.
    pub rate: [f64; 2],
    /// The rate at which each phase ends: above 0.
    pub leave: [f64; 2],
}

impl Mmpp2 {
    /// The mean arrival rate: each phase lasts in proportion to the other's rate of leaving.
    #[must_use]
    pub fn mean_rate(&self) -> f64 {
        (self.rate[0] * self.leave[1] + self.rate[1] * self.leave[0]) / (self.leave[0] + self.leave[1])
    }

    /// Mean sojourn in MMPP(2)/M/1, the spectral way.
    ///
    /// With P(z) the generating functions of the number by phase and A_i = mu - lambda_i z, balance reads
    /// P(z) M(z) = mu (1 - z) p0. The determinant of M, without its factor 1 - z, is
    /// q(z) = (1 - z) A_1 A_2 - z (r_1 A_2 + r_2 A_1): q(0) > 0 > q(1), and its one root between makes p0 known. The
    /// derivative at z = 1 then gives L = (mean rate (r_1 + r_2) + c (lambda_2 - lambda_1)) / ((r_1 + r_2) mu (1 - rho))
    /// with c = p_1 (mu - lambda_1) - mu p0_1, p_1 = r_2 / (r_1 + r_2).
    ///
    /// Held against 60 digits, nine are right for phases as long as 10^7 services, and all but the last few otherwise.
    ///
    /// # Errors
    /// Rates that are not possible, no arrivals at all, or a mean rate that reaches `service_rate` (one phase may).
    pub fn sojourn(&self, service_rate: f64) -> Result<f64, QueueError> {
        let mu = positive("service rate", service_rate)?;
        for i in 0..2 {
            nonnegative("arrival rate", self.rate[i])?;
            positive("rate of leaving a phase", self.leave[i])?;
        }
        let mean_rate = positive("mean arrival rate", self.mean_rate())?;
        let rho = below_one(mean_rate / mu)?;
        // The phases may stand in either order; with the one of fewer arrivals first, A_1 is never small and more digits are kept.
        let (few, many) = if self.rate[0] <= self.rate[1] { (0, 1) } else { (1, 0) };
        let ([l1, l2], [r1, r2]) = ([self.rate[few], self.rate[many]], [self.leave[few], self.leave[many]]);
        // The root in u = 1 - z: with slow phases z nears 1, and 1 - z would lose its digits.
        let (a1, a2) = (|u: f64| mu - l1 + l1 * u, |u: f64| mu - l2 + l2 * u);
        let q = |u: f64| u * a1(u) * a2(u) - (1.0 - u) * (r1 * a2(u) + r2 * a1(u));
        let (mut low, mut high) = (0.0f64, 1.0f64);
        loop {
            let middle = low + (high - low) / 2.0;
            if middle <= low || middle >= high {
                break;
            }
            if q(middle) > 0.0 { high = middle } else { low = middle }
        }
        let empty_few = (1.0 - rho) * (1.0 - r1 * (1.0 - high) / (high * a1(high)));
        let c = r2 / (r1 + r2) * (mu - l1) - mu * empty_few;
        let number = (mean_rate * (r1 + r2) + c * (l2 - l1)) / ((r1 + r2) * mu * (1.0 - rho));
        finite(number / mean_rate)
    }
}

/// Batches that come at a fixed period, each customer of constant service: D^X/D/1, exact in whole nanoseconds.
///
/// A contact with a ship or a satellite hands over what has gathered since the last (models A6). Each batch is done before
/// the next one comes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Contacts {
    /// From one batch to the next.
    pub period: Nanos,
    /// Customers in each: 1 or more.
    pub batch: u32,
    /// Service of one customer alone.
    pub service: Nanos,
}

impl Contacts {
    /// The sum of the sojourns of one batch, one after the other: s b (b + 1) / 2, in nanoseconds.
    ///
    /// # Errors
    /// An empty batch, or one that is not done before the next.
    pub fn fcfs_sum_ns(&self) -> Result<u128, QueueError> {
        self.check()?;
        let b = u128::from(self.batch);
        Ok(u128::from(self.service.0) * (b * (b + 1) / 2))
    }

    /// The sum of the sojourns of one batch, all at once: all end together, s b x b, in nanoseconds.
    ///
    /// # Errors
    /// As [`Contacts::fcfs_sum_ns`].
    pub fn ps_sum_ns(&self) -> Result<u128, QueueError> {
        self.check()?;
        Ok(u128::from(self.service.0) * u128::from(self.batch) * u128::from(self.batch))
    }

    /// Mean sojourn one after the other: s (b + 1) / 2, rounded down to a nanosecond.
    ///
    /// # Errors
    /// As [`Contacts::fcfs_sum_ns`].
    pub fn fcfs_mean(&self) -> Result<Nanos, QueueError> {
        Ok(self.mean(self.fcfs_sum_ns()?))
    }

    /// Mean sojourn all at once: s b.
    ///
    /// # Errors
    /// As [`Contacts::fcfs_sum_ns`].
    pub fn ps_mean(&self) -> Result<Nanos, QueueError> {
        Ok(self.mean(self.ps_sum_ns()?))
    }

    fn mean(&self, sum_ns: u128) -> Nanos {
        Nanos(u64::try_from(sum_ns / u128::from(self.batch)).expect("no sojourn exceeds the period"))
    }

    fn check(&self) -> Result<(), QueueError> {
        at_least_one("size of a batch", self.batch)?;
        if self.period == Nanos::ZERO {
            return Err(argument("period", 0, "it must be above 0"));
        }
        let work = u128::from(self.service.0) * u128::from(self.batch);
        // Work that fills the period exactly is done as the next batch comes: nothing builds up.
        if work > u128::from(self.period.0) {
            return Err(QueueError::Overloaded { load: work as f64 / self.period.0 as f64 });
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{close, prints};
    use super::super::{ps_sojourn, single::mmc_sojourn};
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn batches_of_ten_stay_as_long_as_in_the_table() {
        // models B3 row 13: 0.6 x 11 / 0.8 = 8.25 and 0.6 x 20 / 0.8 = 15 present, over 0.6.
        assert!(close(mx_m_1_sojourn(0.6, 1.0, Batch::Constant(10)).unwrap(), 13.75, 1e-12));
        assert!(close(mx_m_1_sojourn(0.6, 1.0, Batch::Geometric { mean: 10.0 }).unwrap(), 25.0, 1e-12));
        assert!(close(mx_m_1_number(0.6, Batch::Constant(10)).unwrap(), 8.25, 1e-12));
    }

    #[test]
    fn a_source_of_two_phases_keeps_its_customers_16_times_as_long() {
        // models B3 row 14 and A6: W = 82.0084 where Poisson has 5.
        let source = Mmpp2 { rate: [0.2, 1.4], leave: [0.01, 0.01] };
        let w = source.sojourn(1.0).unwrap();
        prints(w, "82.0084");
        // The same root and formula in 60 digits.
        assert!(close(w, 82.008_420_598_836_6, 1e-12), "{w}");
        prints(w / mmc_sojourn(1, 0.8, 1.0).unwrap(), "16");
    }

    #[test]
    fn phases_of_a_million_services_keep_twelve_digits_in_either_order() {
        // The same root and formula in 60 digits: 750007.18747994786.
        for rate in [[0.2, 1.4], [1.4, 0.2]] {
            let w = Mmpp2 { rate, leave: [1e-6, 1e-6] }.sojourn(1.0).unwrap();
            assert!(close(w, 750_007.187_479_947_9, 1e-12), "{w}");
        }
    }

    #[test]
    fn overload_and_nonsense_are_errors() {
        let burst = Mmpp2 { rate: [0.2, 1.9], leave: [0.01, 0.01] };
        assert!(matches!(burst.sojourn(1.0), Err(QueueError::Overloaded { load }) if load > 1.0));
        assert!(matches!(mx_m_1_number(1.0, Batch::Constant(2)), Err(QueueError::Overloaded { load: 1.0 })));
        for (rate, leave, mu) in [
            ([0.0, 0.0], [1.0, 1.0], 1.0),
            ([-0.1, 0.5], [1.0, 1.0], 1.0),
            ([0.1, 0.5], [0.0, 1.0], 1.0),
            ([0.1, 0.5], [1.0, f64::NAN], 1.0),
            ([0.1, 0.5], [1.0, 1.0], 0.0),
        ] {
            assert!(matches!(Mmpp2 { rate, leave }.sojourn(mu), Err(QueueError::Argument(_))));
        }
        for batch in [Batch::Constant(0), Batch::Geometric { mean: 0.9 }, Batch::Geometric { mean: f64::INFINITY }] {
            assert!(matches!(mx_m_1_sojourn(0.5, 1.0, batch), Err(QueueError::Argument(_))));
        }
    }

    #[test]
    fn contacts_are_exact_to_the_nanosecond() {
        // models B3 row 19: five customers of 3 ns: sojourns 3, 6, 9, 12, 15, mean 9; at once, all 15.
        let pass = Contacts { period: Nanos(15), batch: 5, service: Nanos(3) };
        assert_eq!((pass.fcfs_sum_ns(), pass.fcfs_mean(), pass.ps_mean()), (Ok(45), Ok(Nanos(9)), Ok(Nanos(15))));
        // Two of 3 ns: 3 and 6 add to 9; the half is rounded down.
        assert_eq!(Contacts { batch: 2, ..pass }.fcfs_mean(), Ok(Nanos(4)));
        assert!(matches!(Contacts { batch: 6, ..pass }.ps_mean(), Err(QueueError::Overloaded { load: 1.2 })));
        assert!(matches!(Contacts { batch: 0, ..pass }.ps_mean(), Err(QueueError::Argument(_))));
        assert!(matches!(Contacts { period: Nanos::ZERO, ..pass }.fcfs_mean(), Err(QueueError::Argument(_))));
    }

    /// The rate matrix R of the same queue by plain iteration, R = (L + R^2 mu) (L + mu I - Q)^-1, and from it the mean:
    /// p_n = p_0 R^n. It shares nothing with the spectral way.
    fn sojourn_by_iteration(source: &Mmpp2, mu: f64) -> f64 {
        type M = [[f64; 2]; 2];
        let times = |a: &M, b: &M| -> M { std::array::from_fn(|i| std::array::from_fn(|j| a[i][0] * b[0][j] + a[i][1] * b[1][j])) };
        let inverse = |a: &M| -> M {
            let d = a[0][0] * a[1][1] - a[0][1] * a[1][0];
            [[a[1][1] / d, -a[0][1] / d], [-a[1][0] / d, a[0][0] / d]]
        };
        let ([l1, l2], [r1, r2]) = (source.rate, source.leave);
        let local = inverse(&[[l1 + mu + r1, -r1], [-r2, l2 + mu + r2]]);
        let mut r: M = [[0.0; 2]; 2];
        for _ in 0..100_000 {
            let square = times(&r, &r);
            let next = times(&[[l1 + mu * square[0][0], mu * square[0][1]], [mu * square[1][0], l2 + mu * square[1][1]]], &local);
            let change = (0..4).map(|k| (next[k / 2][k % 2] - r[k / 2][k % 2]).abs()).fold(0.0, f64::max);
            r = next;
            if change < 1e-16 {
                break;
            }
        }
        // p_0 (Q - L + R mu) = 0, and p_0 (I - R)^-1 adds to 1.
        let (b00, b10) = (-r1 - l1 + mu * r[0][0], r2 + mu * r[1][0]);
        let p = [b10, -b00];
        let rest = inverse(&[[1.0 - r[0][0], -r[0][1]], [-r[1][0], 1.0 - r[1][1]]]);
        let sum = |m: &M| (0..2).map(|i| p[i] * (m[i][0] + m[i][1])).sum::<f64>();
        sum(&times(&r, &times(&rest, &rest))) / sum(&rest) / source.mean_rate()
    }

    proptest! {
        #[test]
        fn the_spectral_way_agrees_with_the_rate_matrix(
            low in 0.0f64..0.6, high in 0.6f64..1.6, leave in prop::array::uniform2(0.01f64..2.0), rho in 0.05f64..0.9, swap in any::<bool>(),
        ) {
            let source = Mmpp2 { rate: if swap { [high, low] } else { [low, high] }, leave };
            let mu = source.mean_rate() / rho;
            let (spectral, matrix) = (source.sojourn(mu).unwrap(), sojourn_by_iteration(&source, mu));
            prop_assert!(close(spectral, matrix, 1e-8), "{spectral} {matrix}");
        }

        #[test]
        fn two_equal_phases_are_poisson(rate in 0.01f64..0.99, leave in prop::array::uniform2(0.001f64..10.0)) {
            let w = Mmpp2 { rate: [rate, rate], leave }.sojourn(1.0).unwrap();
            prop_assert!(close(w, mmc_sojourn(1, rate, 1.0).unwrap(), 1e-10));
        }

        #[test]
        fn fast_phases_average_out_and_slow_ones_keep_longer(low in 0.05f64..0.5, high in 0.5f64..1.3) {
            let at = |speed| Mmpp2 { rate: [low, high], leave: [speed, speed] }.sojourn(1.0).unwrap();
            let poisson = mmc_sojourn(1, (low + high) / 2.0, 1.0).unwrap();
            prop_assert!(close(at(1e7), poisson, 1e-4));
            prop_assert!(poisson * (1.0 - 1e-9) <= at(10.0) && at(10.0) <= at(0.1) * (1.0 + 1e-9) && at(0.1) <= at(0.001) * (1.0 + 1e-9));
        }

        #[test]
        fn batches_of_one_are_m_m_1(rho in 0.0f64..0.99, mu in 0.1f64..10.0) {
            for one in [Batch::Constant(1), Batch::Geometric { mean: 1.0 }] {
                prop_assert!(close(mx_m_1_sojourn(rho, mu, one).unwrap(), ps_sojourn(1, rho * mu, 1.0 / mu).unwrap(), 1e-11));
            }
        }

        #[test]
        fn sharing_keeps_a_batch_of_equals_no_shorter(batch in 1u32..1000, service in 0u64..1_000_000) {
            let pass = Contacts { period: Nanos(1_000_000_000), batch, service: Nanos(service) };
            // Replayed: the i-th leaves after i services.
            let replay: u128 = (1..=u128::from(batch)).map(|i| i * u128::from(service)).sum();
            prop_assert_eq!(pass.fcfs_sum_ns().unwrap(), replay);
            prop_assert!(pass.ps_mean().unwrap() >= pass.fcfs_mean().unwrap());
        }
    }
}
