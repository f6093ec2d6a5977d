//! A figure over independent replications: how far off it may be, and whether two plans differ.
//!
//! Nominal confidence is not coverage: for skewed figures and few replications a 95 % t interval covers less (for M/M/1 at
//! load 0.9, 10 replications of 2000 jobs: 88 %). State the [`coverage`] that was achieved on a case with a known answer.
//! Ranking and selection with an indifference zone is left out; [`bonferroni`] serves for a few plans.

use serde::{Deserialize, Serialize};
use statrs::distribution::{ContinuousCDF, StudentsT};

use super::TAIL;
use super::binomial::{Terms, solve};

/// A figure over replications.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Summary {
    /// The mean.
    pub mean: f64,
    /// The standard deviation of a replication (divisor n - 1); nothing where there is one only.
    pub sd: Option<f64>,
    /// Replications.
    pub n: u64,
    /// Half the width of the 95 % interval of the mean (Student's t); nothing where there is one replication only.
    pub half_width: Option<f64>,
}

impl Summary {
    /// Of values that are independent of each other: one a replication.
    ///
    /// In two passes, each with its rounding taken back: the mean from the sum and the mean of what is left, the variance
    /// from squares about it less the square of what is left (Chan, Golub and LeVeque 1983, equation 1.7).
    ///
    /// ```
    /// use sim::statistics::Summary;
    ///
    /// let s = Summary::of(&[1.0, 2.0, 3.0]);
    /// assert_eq!((s.mean, s.sd, s.n), (2.0, Some(1.0), 3));
    /// assert!((s.half_width.unwrap() - 2.484_138).abs() < 1e-6); // 4.302653 / sqrt(3)
    /// ```
    ///
    /// # Panics
    /// Where there is no value.
    #[must_use]
    pub fn of(values: &[f64]) -> Self {
        let (mean, sd) = moments(values);
        let half_width = sd.map(|sd| half_width(sd, values.len(), 1.0 - 2.0 * TAIL));
        Self { mean, sd, n: values.len() as u64, half_width }
    }

    /// The ends of the 95 % interval; nothing where there is one replication only.
    #[must_use]
    pub fn interval(&self) -> Option<(f64, f64)> {
        self.half_width.map(|half| (self.mean - half, self.mean + half))
    }
}

/// The interval of the mean at this confidence (Student's t); nothing where there are fewer than two values.
///
/// # Panics
/// Where there is no value, or the confidence is not within (0, 1).
#[must_use]
pub fn interval(values: &[f64], confidence: f64) -> Option<(f64, f64)> {
    let (mean, sd) = moments(values);
    let half = half_width(sd?, values.len(), confidence);
    Some((mean - half, mean + half))
}

/// The confidence that each of `k` intervals needs for all of them to hold at once with 95 %: `1 - 0.05 / k` (Bonferroni).
///
/// # Panics
/// Where `k` is zero.
#[must_use]
pub fn bonferroni(k: u32) -> f64 {
    assert!(k > 0, "no interval");
    1.0 - 2.0 * TAIL / f64::from(k)
}

fn moments(values: &[f64]) -> (f64, Option<f64>) {
    let n = values.len() as f64;
    assert!(n > 0.0, "a figure without a replication");
    let rough = values.iter().sum::<f64>() / n;
    let mean = rough + values.iter().map(|x| x - rough).sum::<f64>() / n;
    let (mut squares, mut left) = (0.0, 0.0);
    for x in values {
        squares += (x - mean) * (x - mean);
        left += x - mean;
    }
    let sd = (values.len() > 1).then(|| ((squares - left * left / n) / (n - 1.0)).max(0.0).sqrt());
    (mean, sd)
}

fn half_width(sd: f64, n: usize, confidence: f64) -> f64 {
    assert!(confidence > 0.0 && confidence < 1.0, "a confidence of {confidence}");
    let t = StudentsT::new(0.0, 1.0, (n - 1) as f64).expect("at least one degree of freedom").inverse_cdf(f64::midpoint(1.0, confidence));
    t * sd / (n as f64).sqrt()
}

/// Two plans on the same replications.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Paired {
    /// The first less the second, replication by replication.
    pub difference: Summary,
    /// `(var a + var b) / var(a - b)`: how many times the replications independent runs would need for the same width.
    /// About 1 where pairing is of no use, below 1 where it harms; nothing where the difference is the same in every
    /// replication, or there is one only.
    pub variance_reduction: Option<f64>,
}

/// Compares two plans that were played against the same random streams (common random numbers): entry `i` of both is
/// replication `i`.
///
/// # Panics
/// Where there is no value, or the two differ in length.
#[must_use]
pub fn paired(a: &[f64], b: &[f64]) -> Paired {
    assert_eq!(a.len(), b.len(), "pairs");
    let difference = Summary::of(&a.iter().zip(b).map(|(a, b)| a - b).collect::<Vec<_>>());
    let variance = |sd: Option<f64>| sd.map(|sd| sd * sd);
    let apart = variance(moments(a).1).zip(variance(moments(b).1)).map(|(a, b)| a + b);
    let variance_reduction = apart.zip(variance(difference.sd)).filter(|(_, d)| *d > 0.0).map(|(apart, d)| apart / d);
    Paired { difference, variance_reduction }
}

/// How often something happened, and how sure that is.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Share {
    /// `hits / n`.
    pub value: f64,
    /// The low end of the 95 % interval of the probability.
    pub low: f64,
    /// The high end.
    pub high: f64,
    /// How often it happened.
    pub hits: u64,
    /// In how many independent trials.
    pub n: u64,
}

impl std::fmt::Display for Share {
    /// Never a bare zero: that something did not happen in `n` trials shows as `at most 3/n` ([`at_most`]).
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.hits {
            0 => write!(f, "at most {:.2e} (0 of {})", at_most(self.n), self.n),
            hits => write!(f, "{:.3e} [{:.3e}, {:.3e}] ({hits} of {})", self.value, self.low, self.high, self.n),
        }
    }
}

/// The share of `hits` among `n` independent trials with its 95 % interval (Clopper and Pearson 1934: from the binomial
/// tails, 2.5 % each, so that it covers at least 95 % for every probability and `n`). Takes time in proportion to
/// `sqrt(n)`: for 10^9 trials and even odds about a fifth of a second.
///
/// ```
/// use sim::statistics::share;
///
/// let s = share(5, 10);
/// assert!((s.low - 0.187_086).abs() < 1e-6 && (s.high - 0.812_914).abs() < 1e-6);
/// assert_eq!(share(0, 1000).to_string(), "at most 3.00e-3 (0 of 1000)");
/// ```
///
/// # Panics
/// Where there is no trial, or there are more hits than trials.
#[must_use]
pub fn share(hits: u64, n: u64) -> Share {
    assert!(n > 0 && hits <= n, "{hits} hits in {n} trials");
    let value = hits as f64 / n as f64;
    // All of one kind has a closed form: the probability whose n-th power is 2.5 %.
    let root = libm::exp(libm::log(TAIL) / n as f64);
    let low = match hits {
        0 => 0.0,
        k if k == n => root,
        k => solve(0.0, value, TAIL, |p| Terms::of(n, p).at_least(k)),
    };
    let high = match hits {
        0 => -libm::expm1(libm::log(TAIL) / n as f64),
        k if k == n => 1.0,
        // The probability of at most k falls as p rises.
        k => solve(value, 1.0, -TAIL, |p| -Terms::of(n, p).at_most(k)),
    };
    Share { value, low, high, hits, n }
}

/// The upper bound, with 95 % confidence on the one side, of the probability of what did not happen in `n` independent
/// trials: the rule of three, `3 / n` (at most 1), a little above the exact `1 - 0.05^(1/n)`. The high end of [`share`] is
/// about `3.69 / n`, for it gives half of the 5 % to the other side.
///
/// # Panics
/// Where there is no trial.
#[must_use]
pub fn at_most(n: u64) -> f64 {
    assert!(n > 0, "no trial");
    (3.0 / n as f64).min(1.0)
}

/// The share of intervals that contain the truth: the coverage achieved, with its own interval. Ends belong to an interval;
/// one with an end that is not a number does not cover.
///
/// # Panics
/// Where there is no interval.
#[must_use]
pub fn coverage(truth: f64, intervals: &[(f64, f64)]) -> Share {
    share(intervals.iter().filter(|(low, high)| *low <= truth && truth <= *high).count() as u64, intervals.len() as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn near(a: f64, b: f64, relative: f64) -> bool {
        (a - b).abs() <= b.abs() * relative
    }

    #[test]
    fn one_replication_has_no_interval() {
        let s = Summary::of(&[5.0]);
        assert_eq!((s.mean, s.sd, s.n, s.half_width, s.interval(), interval(&[5.0], 0.9)), (5.0, None, 1, None, None, None));
    }

    #[test]
    fn students_t_is_that_of_the_tables() {
        // Two values 0 and d have sd d / sqrt(2), so that the half width is t d / 2. t(0.975, 1) = 12.7062047362.
        assert!(near(Summary::of(&[0.0, 2.0]).half_width.unwrap(), 12.706_204_736_2, 1e-11));
        // 0..29: variance n (n + 1) / 12 = 77.5; t(0.975, 29) = 2.0452296421; t(0.995, 29) = 2.7563859037.
        let values: Vec<f64> = (0..30).map(f64::from).collect();
        let se = (77.5f64 / 30.0).sqrt();
        assert!(near(Summary::of(&values).half_width.unwrap(), 2.045_229_642_1 * se, 1e-10));
        let (low, high) = interval(&values, 0.99).unwrap();
        assert!(near(high - low, 2.0 * 2.756_385_903_7 * se, 1e-10) && near(low + high, 29.0, 1e-12));
    }

    #[test]
    fn five_intervals_need_99_percent_each() {
        assert!(near(bonferroni(5), 0.99, 1e-15) && near(bonferroni(1), 0.95, 1e-15));
    }

    #[test]
    fn pairing_takes_out_what_both_plans_share() {
        // Days 10, 20, 30 fall on both: variances 100 and 103 (9, 21, 29 less their mean: squares 113.78 + 1.78 + 87.11,
        // halved 101.33); differences 1, -1, 1: mean 1/3, variance (4/9 + 16/9 + 4/9) / 2 = 4/3. (100 + 101.33) / 1.333 = 151.
        let p = paired(&[10.0, 20.0, 30.0], &[9.0, 21.0, 29.0]);
        assert!(near(p.difference.mean, 1.0 / 3.0, 1e-14) && near(p.difference.sd.unwrap(), (4.0f64 / 3.0).sqrt(), 1e-14));
        assert!(near(p.variance_reduction.unwrap(), 151.0, 1e-12));
    }

    #[test]
    fn plans_that_differ_by_a_constant_have_no_variance_reduction_to_name() {
        let p = paired(&[1.0, 2.0, 3.0], &[0.0, 1.0, 2.0]);
        assert_eq!((p.difference.mean, p.difference.half_width, p.variance_reduction), (1.0, Some(0.0), None));
    }

    #[test]
    fn the_interval_of_a_share_is_clopper_and_pearsons() {
        // The tails summed and solved in 30 digits.
        let known = KNOWN_SHARES;
        for (hits, n, low, high) in known {
            let s = share(hits, n);
            assert!(near(s.low, low, 1e-10) && near(s.high, high, 1e-10), "{s:?}");
        }
    }
    const KNOWN_SHARES: [(u64, u64, f64, f64); 4] = [
        (1, 1000, 2.531_748_749_13e-5, 5.558_924_279_83e-3),
        (5, 10, 1.870_860_284_47e-1, 8.129_139_715_53e-1),
        (5, 1_000_000, 1.623_488_319_24e-6, 1.166_829_317_52e-5),
        (50, 1000, 3.733_539_760_47e-2, 6.539_048_791_55e-2),
    ];

    #[test]
    fn all_and_nothing_are_mirrored() {
        // 0.025^(1/10) = 0.691503.
        let (none, all) = (share(0, 10), share(10, 10));
        assert!(none.low == 0.0 && all.high == 1.0 && near(all.low, 0.691_503, 1e-6) && near(none.high, 1.0 - all.low, 1e-14));
        assert_eq!(share(0, 1).to_string(), "at most 1.00e0 (0 of 1)");
    }

    #[test]
    fn the_rule_of_three_is_above_the_exact_bound_and_within_a_fifth_of_it() {
        // p with (1 - p)^n = 0.05.
        for n in [20, 100, 10_000, 1_000_000_000] {
            let exact = -libm::expm1(libm::log(0.05) / n as f64);
            assert!(at_most(n) > exact && at_most(n) < 1.2 * exact, "{n}");
        }
    }

    #[test]
    fn a_share_of_a_thousand_million_trials_is_found() {
        // Poisson with 5 hits: 1.62348639 to 11.66833208 (chi-square tables halved).
        let s = share(5, 1_000_000_000);
        assert!(near(s.low, 1.623_486e-9, 1e-6) && near(s.high, 11.668_332e-9, 1e-6), "{s:?}");
    }

    #[test]
    fn coverage_counts_intervals_that_hold_the_truth() {
        let c = coverage(1.0, &[(0.0, 1.0), (1.0, 2.0), (1.5, 2.0), (f64::NAN, 2.0)]);
        assert_eq!((c.hits, c.n, c.value), (2, 4, 0.5));
    }
}
