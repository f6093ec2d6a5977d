//! Percentiles of a recorded column, by nearest rank: the least value that at least p % of the samples do not exceed.
//!
//! # Formula
//! Sample number ceil(p / 100 x n) in ascending order. No interpolation: the answer is a sample, so that *holds at the 99th
//! percentile* means that at most 1 % of the steps are above. 100 is the maximum.
//!
//! # Range
//! 0 < p <= 100, one sample or more.
//!
//! # Source
//! The definition by nearest rank.
//!
//! # Error
//! None; how far another recording's percentile would differ is not said here.

/// The rank (from 0) of the `p`-th percentile among `n` samples.
///
/// # Panics
/// Where there is no sample, or `p` is not above 0 and at most 100: scenario files are checked for both.
#[must_use]
pub fn rank(n: usize, p: f64) -> usize {
    assert!(n > 0 && p > 0.0 && p <= 100.0, "percentile {p} of {n} samples");
    // 99.9 % of 1000 are 999, not the 999.0000000000001 that the product of doubles makes of them.
    ((p * n as f64 / 100.0 - 1e-9).ceil() as usize).clamp(1, n) - 1
}

/// The `p`-th percentile; reorders the samples.
///
/// # Panics
/// As [`rank`].
pub fn of(samples: &mut [u64], p: f64) -> u64 {
    let k = rank(samples.len(), p);
    *samples.select_nth_unstable(k).1
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_hundredth_is_the_maximum_and_the_fiftieth_of_four_is_the_second() {
        assert_eq!(of(&mut [4, 1, 3, 2], 100.0), 4);
        assert_eq!(of(&mut [4, 1, 3, 2], 50.0), 2);
        assert_eq!(of(&mut [7], 1.0), 7);
    }

    #[test]
    fn a_thousandth_above_is_allowed_at_the_99_9th_percentile() {
        assert_eq!((rank(1000, 99.9), rank(10_000, 99.9), rank(1440, 55.0)), (998, 9989, 791));
    }

    proptest! {
        #[test]
        fn at_least_p_percent_do_not_exceed_it_and_no_lesser_sample_has_that(mut xs in prop::collection::vec(0u64..50, 1..60), p in 0.1f64..=100.0) {
            let v = of(&mut xs.clone(), p);
            xs.sort_unstable();
            let within = |v| xs.iter().filter(|x| **x <= v).count() as f64 >= p / 100.0 * xs.len() as f64 - 1e-9;
            prop_assert!(within(v));
            if let Some(below) = xs.iter().rev().find(|x| **x < v) { prop_assert!(!within(*below)); }
        }
    }
}
