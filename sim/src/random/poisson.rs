//! Counts of a Poisson distribution.

use super::Units;

/// From this mean on by rejection.
const BY_REJECTION: f64 = 10.0;
/// From this count on the logarithm of k! is taken from its series.
const BY_SERIES: f64 = 16.0;

/// How many events fall where `mean` are expected. None where `mean` is not above 0.
///
/// Below a mean of 10 by inversion, one uniform a count: so a count never falls when the mean rises, for the same luck. From 10 on by the
/// transformed rejection of Hoermann (PTRS; Insurance: Mathematics and Economics 12, 1993, 39-45), two uniforms a trial and about
/// 1.1 to 1.3 trials a count. A mean above 2^63 is its own count, at most `u64::MAX`.
///
/// ```
/// use sim::random::{poisson, stream};
/// let mut arrivals = stream(42, "mail-in", "arrivals", 0);
/// let counts: Vec<u64> = (0..5).map(|_| poisson(&mut arrivals, 3.0)).collect();
/// assert!(counts.iter().all(|k| *k < 20));
/// ```
pub fn poisson(u: &mut impl Units, mean: f64) -> u64 {
    if mean.is_nan() || mean <= 0.0 {
        0
    } else if mean < BY_REJECTION {
        by_inversion(u.unit(), mean)
    } else if mean < (1u64 << 63) as f64 {
        by_rejection(u, mean)
    } else {
        mean as u64
    }
}

/// The least count whose probability, with that of all below, exceeds `unit`: searched from 0 upwards.
fn by_inversion(unit: f64, mean: f64) -> u64 {
    let mut probability = libm::exp(-mean);
    let mut within = probability;
    let mut count = 0;
    while unit >= within {
        count += 1;
        probability *= mean / count as f64;
        let wider = within + probability;
        // The sum may stop short of 1 by its rounding: nothing more would be added.
        if wider == within {
            break;
        }
        within = wider;
    }
    count
}

/// A table mountain over the density, squeezed where it is nearly flat: the letters are the paper's.
fn by_rejection(u: &mut impl Units, mean: f64) -> u64 {
    let b = 0.931 + 2.53 * libm::sqrt(mean);
    let a = -0.059 + 0.02483 * b;
    let v_r = 0.9277 - 3.6224 / (b - 2.0);
    loop {
        let x = u.unit() - 0.5;
        let v = u.open();
        let us = 0.5 - x.abs();
        // us is 0 at x = -1/2 alone, and k then -infinity, which is refused below.
        let k = ((2.0 * a / us + b) * x + mean + 0.43).floor();
        if us >= 0.07 && v <= v_r {
            return k as u64;
        }
        if k < 0.0 || (us < 0.013 && v > us) {
            continue;
        }
        let inverse_alpha = 1.1239 + 1.1328 / (b - 3.4);
        if libm::log(v * inverse_alpha / (a / (us * us) + b)) <= log_probability(k, mean) {
            return k as u64;
        }
    }
}

/// ln(mean^k e^-mean / k!), for a whole k that is not negative.
///
/// From k = 16 on in the saddle-point form (Loader, "Fast and accurate computation of binomial probabilities", 2000), as
/// the plain sum is of terms near k ln k: at a mean of 10^12 their rounding alone would be 0.3 %.
fn log_probability(k: f64, mean: f64) -> f64 {
    if k < BY_SERIES {
        return k * libm::log(mean) - mean - libm::lgamma(k + 1.0);
    }
    let x = (k - mean) / mean;
    let deviance = mean * ((1.0 + x) * libm::log1p(x) - x);
    // ln k! less Stirling's formula; the next term is below 1e-13.
    let (r, r2) = (1.0 / k, 1.0 / (k * k));
    let rest = r * (1.0 / 12.0 - r2 * (1.0 / 360.0 - r2 * (1.0 / 1260.0 - r2 / 1680.0)));
    -deviance - rest - 0.5 * libm::log(2.0 * std::f64::consts::PI * k)
}

#[cfg(test)]
mod tests {
    use super::super::{These, stream};
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn counts_of_known_streams_are_known() {
        let mut u = stream(42, "mail-in", "arrivals", 0);
        let counts = [0.5, 3.0, 9.9, 10.1, 50.0, 1e4, 1e9, 1e15].map(|mean| poisson(&mut u, mean));
        // From a second program, with 40 digits.
        assert_eq!(counts, [1, 1, 9, 10, 49, 10_028, 1_000_015_214, 1_000_000_056_300_972]);
    }

    #[test]
    fn a_thousand_counts_by_rejection_are_known_by_their_sum() {
        // From the second program too: the paper's constants, each of which moves some of so many counts.
        let mut u = stream(42, "known", "counts", 0);
        let sums = [10.0, 50.0, 1e4].map(|mean| (0..1000).map(|_| poisson(&mut u, mean)).sum::<u64>());
        assert_eq!(sums, [10_057, 50_158, 9_997_017]);
    }

    #[test]
    fn a_unit_is_inverted_as_reckoned_by_hand() {
        // Mean 1: P(0) = 0.3679, P(<= 1) = 0.7358, P(<= 2) = 0.9197.
        let count = |unit| poisson(&mut These::unit(unit), 1.0);
        assert_eq!([0.0, 0.3678, 0.3680, 0.7357, 0.7359, 0.9196, 0.9198].map(count), [0, 0, 1, 1, 2, 2, 3]);
    }

    #[test]
    fn the_last_unit_below_one_ends_the_search() {
        for tenths in 1..100 {
            let count = by_inversion(1.0 - 1.0 / (1u64 << 53) as f64, f64::from(tenths) / 10.0);
            // P(X > 60) at a mean of 10 is 1e-26.
            assert!(count < 60, "{count} at {tenths}");
        }
    }

    #[test]
    fn nothing_comes_where_nothing_is_expected_and_the_greatest_is_held() {
        // No bits are taken.
        let count = |mean| poisson(&mut These::new(Vec::new()), mean);
        assert_eq!([0.0, -1.0, f64::NAN, f64::INFINITY, 1e19].map(count), [0, 0, 0, u64::MAX, 10_000_000_000_000_000_000]);
    }

    #[test]
    fn the_probability_is_the_same_by_its_series_as_by_the_gamma_function() {
        for (k, mean) in [(16.0, 10.0), (16.0, 30.0), (17.0, 16.5), (40.0, 25.0), (100.0, 100.0), (1000.0, 900.0)] {
            let plain = k * libm::log(mean) - mean - libm::lgamma(k + 1.0);
            assert!((log_probability(k, mean) - plain).abs() < 2e-12, "{k} {mean}");
        }
        // At the mean of 10^12 it is 1 / sqrt(2 pi mean), less 1/12 of a mean.
        let peak = -0.5 * libm::log(2.0 * std::f64::consts::PI * 1e12);
        assert!((log_probability(1e12, 1e12) - peak).abs() < 1e-12);
    }

    #[test]
    fn probabilities_add_up_to_one() {
        for mean in [10.0, 50.0, 1e4] {
            let (from, to) = ((mean - 12.0 * f64::sqrt(mean)).max(0.0) as u64, (mean + 14.0 * f64::sqrt(mean)) as u64);
            let sum: f64 = (from..to).map(|k| libm::exp(log_probability(k as f64, mean))).sum();
            assert!((sum - 1.0).abs() < 1e-10, "{sum}");
        }
    }

    proptest! {
        #[test]
        fn more_expected_never_gives_fewer_for_the_same_luck(unit in 0.0f64..1.0, mean in 0.0f64..9.99, more in 0.0f64..5.0) {
            let count = |mean| poisson(&mut These::unit(unit), mean);
            prop_assert!(count(mean) <= count((mean + more).min(9.999)));
        }
    }
}
