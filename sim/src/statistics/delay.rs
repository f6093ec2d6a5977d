//! Delays of many requests in a histogram of fixed size: mean, quantiles with their intervals, share above a limit.
//!
//! Buckets are as wide as 1/1024 to 1/2048 of the delay (HDR histogram, three significant digits), and one nanosecond up to
//! 2 µs. Count, sum and maximum are exact. Left out: delays by time of day (keep one histogram a stretch and merge them).

use hdrhistogram::Histogram;
use models::quantity::Nanos;
use serde::{Deserialize, Serialize};

use super::TAIL;
use super::binomial::Terms;
use super::replications::{Share, share};

/// The longest delay that has a bucket of its own: 30 days.
pub const LONGEST: Nanos = Nanos(30 * 86_400 * 1_000_000_000);

/// Significant digits of a bucket: 2048 buckets to the first power of two, then 1024 an octave.
const DIGITS: u8 = 3;

/// A collection of delays. 176 KiB, whatever the number of delays.
///
/// Collections of parts of a run, merged in any order, are the collection of the whole.
#[derive(Debug, Clone, PartialEq)]
pub struct Delays {
    /// Four bytes a bucket: eight would need 352 KiB. See [`Delays::quantile`] for what follows from it.
    buckets: Histogram<u32>,
    count: u64,
    sum_ns: u128,
    max: Nanos,
    saturated: u64,
}

/// A quantile of a sample with the interval of the quantile of what the sample was drawn from.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Quantile {
    /// Which: 0.99 for the 99th percentile.
    pub q: f64,
    /// The value of rank `ceil(q n)`, s: the middle of its bucket, at most 0.05 % (or 1 ns) off.
    pub value_s: f64,
    /// The low end of the 95 % interval, s: the low edge of its bucket.
    pub low_s: f64,
    /// The high end, s: the high edge of its bucket.
    pub high_s: f64,
    /// Delays behind it.
    pub count: u64,
}

impl Default for Delays {
    fn default() -> Self {
        Self::new()
    }
}

impl Delays {
    /// Without any delay yet. All memory is allocated here.
    ///
    /// # Panics
    /// Never: the bounds are ones that the histogram takes.
    #[must_use]
    pub fn new() -> Self {
        let buckets = Histogram::new_with_bounds(1, LONGEST.0, DIGITS).expect("the bounds are in order and three digits are possible");
        Self { buckets, count: 0, sum_ns: 0, max: Nanos(0), saturated: 0 }
    }

    /// Adds a delay. One above [`LONGEST`] goes to the bucket of `LONGEST` and is counted as saturated; mean and maximum
    /// know its true length.
    #[inline]
    pub fn record(&mut self, delay: Nanos) {
        self.count += 1;
        self.sum_ns += u128::from(delay.0);
        self.max = self.max.max(delay);
        self.saturated += u64::from(delay > LONGEST);
        self.buckets.saturating_record(delay.min(LONGEST).0);
    }

    /// Adds all delays of another collection.
    ///
    /// # Panics
    /// Never: all collections have the same buckets.
    pub fn merge(&mut self, other: &Self) {
        self.count += other.count;
        self.sum_ns += other.sum_ns;
        self.max = self.max.max(other.max);
        self.saturated += other.saturated;
        self.buckets.add(&other.buckets).expect("all collections have the same buckets");
    }

    /// How many delays.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.count
    }

    /// How many of them were above [`LONGEST`].
    #[must_use]
    pub fn saturated(&self) -> u64 {
        self.saturated
    }

    /// Their mean, s, from the exact sum; nothing where there is no delay.
    #[must_use]
    pub fn mean(&self) -> Option<f64> {
        (self.count > 0).then(|| self.sum_ns as f64 / self.count as f64 / 1e9)
    }

    /// The longest, exactly; nothing where there is no delay.
    #[must_use]
    pub fn max(&self) -> Option<Nanos> {
        (self.count > 0).then_some(self.max)
    }

    /// The buckets that hold a delay, from the shortest: lowest value, highest value, delays. For a plot.
    pub fn buckets(&self) -> impl Iterator<Item = (Nanos, Nanos, u64)> {
        self.buckets.iter_recorded().map(|b| {
            let v = b.value_iterated_to();
            (Nanos(self.buckets.lowest_equivalent(v)), Nanos(self.buckets.highest_equivalent(v)), u64::from(b.count_at_value()))
        })
    }

    /// A quantile with its order-statistic (binomial) 95 % interval, 2.5 % on each side.
    ///
    /// Nothing where there are fewer delays than a two-sided interval needs ([`least_count`]): a p99.9 of 3000 requests is
    /// not a number to print. Nothing either where a bucket ran over (2^32 - 1 delays within 0.1 % of each other): refused
    /// rather than wrong. A quantile that falls among saturated delays shows as [`LONGEST`]; see [`Delays::saturated`].
    ///
    /// The interval holds for independent delays. Delays within a run are correlated (one long job delays all behind it),
    /// and the true interval is wider, often several times. The one to report is over replications: a quantile a run, then
    /// [`Summary::of`](super::Summary::of). This one is for a look at pooled delays.
    ///
    /// ```
    /// use models::quantity::Nanos;
    /// use sim::statistics::Delays;
    ///
    /// let mut delays = Delays::new();
    /// (1..=1000).for_each(|ms| delays.record(Nanos(ms * 1_000_000)));
    /// let p95 = delays.quantile(0.95).unwrap();
    /// assert!((p95.value_s - 0.950).abs() < 0.001 && p95.low_s < 0.94 && p95.high_s > 0.96);
    /// assert!(delays.quantile(0.999).is_none()); // needs 3688
    /// ```
    ///
    /// # Panics
    /// Where `q` is not within (0, 1).
    #[must_use]
    pub fn quantile(&self, q: f64) -> Option<Quantile> {
        let n = self.count;
        if n < least_count(q) || !self.is_whole() {
            return None;
        }
        // A product such as 0.95 * 100 may come out a hair above the whole number that is meant.
        let rank = ((q * n as f64 - 1e-6).ceil() as u64).clamp(1, n);
        let (low, high) = Terms::of(n, q).ranks(n, TAIL)?;
        let (low_ns, _) = self.bucket_of(low);
        let (bottom, top) = self.bucket_of(rank);
        let (_, high_ns) = self.bucket_of(high);
        let seconds = |ns: u64| ns as f64 / 1e9;
        Some(Quantile {
            q,
            value_s: seconds((bottom + (top - bottom) / 2).min(self.max.0)),
            low_s: seconds(low_ns),
            high_s: seconds(high_ns.min(self.max.0)),
            count: n,
        })
    }

    /// The share of delays above a limit, with its interval (see [`share`], and the warning at [`Delays::quantile`] on
    /// correlation). Delays in the bucket of the limit count as not above it: the limit is sharp to 0.1 %. Saturated delays
    /// count as above every limit that is below the maximum. Nothing where there is no delay, or a bucket ran over.
    #[must_use]
    pub fn share_above(&self, limit: Nanos) -> Option<Share> {
        if self.count == 0 || !self.is_whole() {
            return None;
        }
        let above = if limit >= self.max {
            0
        } else if limit >= LONGEST {
            self.saturated
        } else {
            // A limit in the last bucket shares it with the saturated delays, which are above it all the same.
            let edge = self.buckets.highest_equivalent(limit.0);
            let beyond: u64 = self.buckets().filter(|(low, _, _)| low.0 > edge).map(|(_, _, count)| count).sum();
            beyond.max(self.saturated)
        };
        Some(share(above, self.count))
    }

    /// True where no bucket has stood still at its greatest count.
    fn is_whole(&self) -> bool {
        self.count <= u64::from(u32::MAX) || self.buckets().map(|(_, _, count)| count).sum::<u64>() == self.count
    }

    /// The edges of the bucket of the delay of this rank, from 1.
    fn bucket_of(&self, rank: u64) -> (u64, u64) {
        let mut passed = 0;
        for (low, high, count) in self.buckets() {
            passed += count;
            if passed >= rank {
                return (low.0, high.0);
            }
        }
        unreachable!("rank {rank} among {} delays", self.count)
    }
}

/// The fewest independent values that a two-sided 95 % order-statistic interval of the quantile `q` needs, with equal
/// tails: the least `n` at which neither all values lie below the quantile (`q^n`) nor all above it (`(1 - q)^n`) with
/// more than 2.5 %. 72 for 0.95, 368 for 0.99, 3688 for 0.999, 36 887 for 0.9999.
///
/// # Panics
/// Where `q` is not within (0, 1).
#[must_use]
pub fn least_count(q: f64) -> u64 {
    assert!(q > 0.0 && q < 1.0, "a quantile of {q}");
    count_for(q.max(1.0 - q), TAIL)
}

/// The fewest for an upper bound alone with 95 % confidence, which may put 5 % on the one side: 59 for 0.95, 299 for 0.99,
/// 2995 for 0.999, 29 956 for 0.9999.
///
/// # Panics
/// Where `q` is not within (0, 1).
#[must_use]
pub fn least_count_upper(q: f64) -> u64 {
    assert!(q > 0.0 && q < 1.0, "a quantile of {q}");
    count_for(q, 2.0 * TAIL)
}

/// The least `n` with `p^n <= tail`.
fn count_for(p: f64, tail: f64) -> u64 {
    (libm::log(tail) / libm::log(p)).ceil() as u64
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rand_distr::{Distribution, LogNormal};

    fn of(values: &[u64]) -> Delays {
        let mut delays = Delays::new();
        values.iter().for_each(|v| delays.record(Nanos(*v)));
        delays
    }

    /// All that a collection can say, as bytes.
    fn bytes(delays: &Delays) -> Vec<u8> {
        let mut bytes = Vec::new();
        for (low, high, count) in delays.buckets() {
            [low.0, high.0, count].iter().for_each(|x| bytes.extend(x.to_le_bytes()));
        }
        bytes.extend(delays.sum_ns.to_le_bytes());
        [delays.count, delays.max.0, delays.saturated].iter().for_each(|x| bytes.extend(x.to_le_bytes()));
        for q in [0.5, 0.95, 0.99] {
            bytes.extend(format!("{:?}", delays.quantile(q)).bytes());
        }
        bytes
    }

    #[test]
    fn the_least_counts_are_the_published_ones() {
        // ln 0.025 / ln 0.95 = 71.92; ln 0.05 / ln 0.95 = 58.40; and so on.
        assert_eq!([0.95, 0.99, 0.999, 0.9999].map(least_count), [72, 368, 3688, 36_887]);
        assert_eq!([0.95, 0.99, 0.999, 0.9999].map(least_count_upper), [59, 299, 2995, 29_956]);
        assert_eq!(least_count(0.05), 72);
    }

    #[test]
    fn the_ranks_of_an_interval_exist_from_the_least_count_on() {
        // Two ways to the same number: the logarithm, and the sum of binomial terms.
        for q in [0.5, 0.95, 0.99, 0.999, 0.9999, 0.05] {
            let n = least_count(q);
            assert!(Terms::of(n, q).ranks(n, TAIL).is_some() && Terms::of(n - 1, q).ranks(n - 1, TAIL).is_none(), "{q}");
        }
    }

    #[test]
    fn a_quantile_appears_with_the_72nd_delay() {
        let mut delays = of(&(1..=71).collect::<Vec<_>>());
        assert_eq!(delays.quantile(0.95), None);
        delays.record(Nanos(72));
        let p95 = delays.quantile(0.95).unwrap();
        // Rank ceil(68.4) = 69; the interval ends at the longest: 0.95^72 = 0.0249.
        assert_eq!((p95.value_s, p95.high_s, p95.count), (69e-9, 72e-9, 72));
        // B ~ Bin(72, 0.95): P(B <= 63) = 0.0096, P(B <= 64) = 0.0272. So X(64) is the greatest sure enough to lie below.
        assert_eq!(p95.low_s, 64e-9);
    }

    #[test]
    fn it_fits_into_a_quarter_of_a_mebibyte() {
        assert!(Delays::new().buckets.distinct_values() * size_of::<u32>() + size_of::<Delays>() <= 256 * 1024);
    }

    #[test]
    fn nothing_is_said_of_no_delay() {
        let none = Delays::new();
        assert!(none.mean().is_none() && none.max().is_none() && none.quantile(0.5).is_none() && none.share_above(Nanos(0)).is_none());
    }

    #[test]
    fn the_mean_of_long_delays_is_exact() {
        // 2^40 and 2^40 + 3 share a bucket of 2^30 ns; their mean is 2^40 + 1.5 ns.
        let delays = of(&[1 << 40, (1 << 40) + 3]);
        assert_eq!(delays.mean(), Some(((1u64 << 40) as f64 + 1.5) / 1e9));
        assert_eq!((delays.max(), delays.buckets().count()), (Some(Nanos((1 << 40) + 3)), 1));
    }

    #[test]
    fn a_delay_of_a_year_is_counted_as_saturated_and_keeps_its_length() {
        let year = 365 * 86_400 * 1_000_000_000;
        let mut delays = of(&[1000; 9]);
        delays.record(Nanos(year));
        assert_eq!((delays.saturated(), delays.max(), delays.count()), (1, Some(Nanos(year)), 10));
        assert_eq!(delays.mean(), Some((9000 + year) as f64 / 10.0 / 1e9));
        let above = |ns| delays.share_above(Nanos(ns)).unwrap().value;
        assert_eq!([above(999), above(1000), above(LONGEST.0 - 1), above(year - 1), above(year)], [1.0, 0.1, 0.1, 0.1, 0.0]);
    }

    #[test]
    fn a_bucket_that_ran_over_says_nothing_instead_of_something_wrong() {
        let mut delays = of(&[1; 100]);
        for _ in 0..26 {
            let same = delays.clone();
            delays.merge(&same);
        }
        assert_eq!((delays.count(), delays.mean()), (100 << 26, Some(1e-9)));
        assert!(delays.quantile(0.5).is_none() && delays.share_above(Nanos(0)).is_none());
    }

    #[test]
    fn the_share_above_a_limit_is_that_of_a_limit_at_most_a_thousandth_higher() {
        let mut rng = crate::random::stream(7, "delays", "test", 0);
        let values: Vec<u64> = (0..20_000).map(|_| (LogNormal::new(16.0, 1.0).unwrap().sample(&mut rng)) as u64).collect();
        let delays = of(&values);
        for limit in [1_000_000_u64, 20_000_000, 100_000_000] {
            let got = delays.share_above(Nanos(limit)).unwrap();
            let exact = |limit: f64| values.iter().filter(|v| **v as f64 > limit).count() as u64;
            assert!(got.hits <= exact(limit as f64) && got.hits >= exact(limit as f64 * 1.001), "{limit}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]
        #[test]
        fn quantiles_are_those_of_the_sorted_delays_to_a_thousandth(
            seed in 0u64..1 << 32, mu in 7.0f64..30.0, sigma in 0.0f64..2.0, n in 72usize..3000, q in 0.05f64..0.95
        ) {
            let mut rng = crate::random::stream(seed, "delays", "test", 0);
            let law = LogNormal::new(mu, sigma).unwrap();
            let mut values: Vec<u64> = (0..n).map(|_| (law.sample(&mut rng) as u64).clamp(1000, LONGEST.0)).collect();
            let got = of(&values).quantile(q).unwrap();
            values.sort_unstable();
            let exact = |rank: u64| values[rank as usize - 1] as f64 / 1e9;
            let (low, high) = Terms::of(n as u64, q).ranks(n as u64, TAIL).unwrap();
            let within = |got: f64, exact: f64| (got - exact).abs() <= exact * 0.001;
            prop_assert!(within(got.value_s, exact((q * n as f64 - 1e-6).ceil() as u64)));
            prop_assert!(within(got.low_s, exact(low)) && got.low_s <= exact(low));
            prop_assert!(within(got.high_s, exact(high)) && got.high_s >= exact(high));
        }

        #[test]
        fn parts_merged_in_any_order_are_the_whole(
            values in prop::collection::vec(0u64..u64::MAX >> 4, 0..200), cuts in prop::collection::vec(0usize..4, 200), order in Just([0, 1, 2, 3]).prop_shuffle()
        ) {
            let mut parts = vec![Delays::new(); 4];
            values.iter().zip(&cuts).for_each(|(v, part)| parts[*part].record(Nanos(*v)));
            let mut merged = Delays::new();
            order.iter().for_each(|k| merged.merge(&parts[*k]));
            prop_assert_eq!(bytes(&merged), bytes(&of(&values)));
        }
    }
}
