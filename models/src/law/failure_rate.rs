//! What few failures say about a rate: exact bounds for a Poisson count.
//!
//! # Formula
//! With n failures in so many host-years, the bounds are the rates at which n or fewer, and n or more, would be seen with the
//! chance left on that side. No failure is no proof of a rate of zero: it leaves an upper bound, -ln(1 - confidence) / exposure.
//!
//! # Range
//! Failures that come one by one. Those that come together (a chassis, a batch of disks) are not Poisson, and make these
//! bounds too narrow.
//!
//! # Source
//! Garwood 1936; models A4.
//!
//! # Error
//! None, up to rounding: the bounds are exact, so that they hold the rate at least as often as they say.

use crate::estimate::Estimate;
use crate::quantity::QuantityError;

/// Failures a unit of exposure, at least and at most.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Bounds {
    /// 0 where none was seen.
    pub low: f64,
    /// Above 0 always.
    pub high: f64,
}

/// The rate above which `failures` or fewer in `exposure` would have a chance below `1 - confidence`: one-sided.
///
/// ```
/// use models::law::failure_rate;
/// // None in 15 host-years: with 95 % at most ln 20 / 15 a year, the rule of three.
/// assert!((failure_rate::upper(0, 15.0, 0.95)? - 0.1997).abs() < 1e-4);
/// # Ok::<(), models::quantity::QuantityError>(())
/// ```
///
/// # Errors
/// An exposure that is not above 0, or a confidence that is not between 0 and 1.
pub fn upper(failures: u32, exposure: f64, confidence: f64) -> Result<f64, QuantityError> {
    check(exposure, confidence)?;
    Ok(count_with_tail(failures, 1.0 - confidence) / exposure)
}

/// Bounds of the rate with half of `1 - confidence` on each side.
///
/// # Errors
/// As [`upper`].
pub fn bounds(failures: u32, exposure: f64, confidence: f64) -> Result<Bounds, QuantityError> {
    check(exposure, confidence)?;
    let side = (1.0 - confidence) / 2.0;
    // n or more with chance `side` is n - 1 or fewer with the rest.
    let low = failures.checked_sub(1).map_or(0.0, |fewer| count_with_tail(fewer, 1.0 - side));
    Ok(Bounds { low: low / exposure, high: count_with_tail(failures, side) / exposure })
}

/// The rate with its range: failures over exposure, from [`bounds`]; where none was seen 0, up to [`upper`].
///
/// ```
/// use models::law::failure_rate;
/// let none = failure_rate::estimate(0, 15.0, 0.95)?;
/// assert_eq!((none.value, none.low), (0.0, 0.0));
/// assert!((none.high - 0.1997).abs() < 1e-4);
/// # Ok::<(), models::quantity::QuantityError>(())
/// ```
///
/// # Errors
/// As [`upper`].
pub fn estimate(failures: u32, exposure: f64, confidence: f64) -> Result<Estimate, QuantityError> {
    if failures == 0 {
        return Ok(Estimate { value: 0.0, low: 0.0, high: upper(0, exposure, confidence)? });
    }
    let range = bounds(failures, exposure, confidence)?;
    Ok(Estimate { value: f64::from(failures) / exposure, low: range.low, high: range.high })
}

fn check(exposure: f64, confidence: f64) -> Result<(), QuantityError> {
    if !exposure.is_finite() || exposure <= 0.0 {
        return Err(QuantityError {
            what: "exposure",
            value: exposure.to_string(),
            unit: "host-years",
            expected: "it must be finite and above 0",
        });
    }
    if !(confidence > 0.0 && confidence < 1.0) {
        return Err(QuantityError {
            what: "confidence",
            value: confidence.to_string(),
            unit: "",
            expected: "it must be above 0 and below 1",
        });
    }
    Ok(())
}

/// The mean at which a Poisson count is `n` or fewer with chance `p`, by halving: the chance falls as the mean grows.
fn count_with_tail(n: u32, p: f64) -> f64 {
    let (mut low, mut high) = (0.0, f64::from(n) + 1.0);
    while at_most(n, high) > p {
        high *= 2.0;
    }
    loop {
        let middle = low + (high - low) / 2.0;
        if middle <= low || middle >= high {
            return high;
        }
        if at_most(n, middle) > p { low = middle } else { high = middle }
    }
}

/// The chance that a Poisson count of this mean is `n` or fewer.
fn at_most(n: u32, mean: f64) -> f64 {
    // From the largest term both ways. It is told by its logarithm: e^-mean alone is 0 from 746 on.
    let n = f64::from(n);
    let top = mean.floor().min(n);
    let largest = libm::exp(top * libm::log(mean) - mean - libm::lgamma(top + 1.0));
    let (mut sum, mut term, mut k) = (0.0, largest, top);
    while term > sum * 1e-18 {
        sum += term;
        term *= k / mean;
        k -= 1.0;
    }
    (term, k) = (largest, top + 1.0);
    while k <= n && term > sum * 1e-18 {
        term *= mean / k;
        sum += term;
        k += 1.0;
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn one_failure_in_ten_host_years_leaves_a_range_of_200() {
        // models A4: 0.0025 to 0.56 a host-year. Low: 1 - e^-x = 0.025; high: e^-x (1 + x) = 0.025 at 5.5716434.
        let b = bounds(1, 10.0, 0.95).unwrap();
        assert_eq!((format!("{:.4}", b.low), format!("{:.2}", b.high)), ("0.0025".into(), "0.56".into()));
        assert!((b.low + libm::log(0.975) / 10.0).abs() < 1e-12);
        assert!((b.high - 0.557_164_34).abs() < 1e-8);
    }

    #[test]
    fn no_failure_in_fifteen_host_years_leaves_a_fifth_a_year() {
        // models A4: at most 0.20 with 95 %: ln 20 / 15.
        let high = upper(0, 15.0, 0.95).unwrap();
        assert_eq!(format!("{high:.2}"), "0.20");
        assert!((high - libm::log(20.0) / 15.0).abs() < 1e-12);
        assert_eq!(bounds(0, 15.0, 0.95).unwrap().low, 0.0);
    }

    #[test]
    fn many_failures_are_known_to_about_twice_the_root_of_their_number() {
        // Wilson and Hilferty: n (1 - 1/(9n) - z / (3 sqrt n))^3 and the same of n + 1 with + z; z = 1.959964 for 95 %.
        for n in [1000u32, 100_000, 10_000_000] {
            let cube = |n: f64, z: f64| {
                let x = 1.0 - 1.0 / (9.0 * n) + z / (3.0 * n.sqrt());
                n * x * x * x
            };
            let (low, high) = (cube(f64::from(n), -1.959_964), cube(f64::from(n) + 1.0, 1.959_964));
            let b = bounds(n, 1.0, 0.95).unwrap();
            assert!((b.low - low).abs() < 0.05 && (b.high - high).abs() < 0.05, "{b:?} {low} {high}");
        }
    }

    #[test]
    fn no_exposure_and_no_confidence_are_refused() {
        for (exposure, confidence) in [(0.0, 0.95), (-1.0, 0.95), (f64::NAN, 0.95), (1.0, 0.0), (1.0, 1.0), (1.0, f64::NAN)] {
            assert!(bounds(1, exposure, confidence).is_err() && upper(1, exposure, confidence).is_err());
        }
    }

    proptest! {
        #[test]
        fn the_bounds_hold_the_estimate_and_narrow_with_exposure(n in 0u32..200, exposure in 0.1f64..100.0, confidence in 0.5f64..0.999) {
            let b = bounds(n, exposure, confidence).unwrap();
            let seen = f64::from(n) / exposure;
            prop_assert!(b.low <= seen && seen < b.high);
            prop_assert!(upper(n, exposure, confidence).unwrap() < b.high);
            let longer = bounds(2 * n, 2.0 * exposure, confidence).unwrap();
            prop_assert!(longer.high - longer.low < b.high - b.low);
            // The same few failures in a longer time.
            let quieter = estimate(n, 2.0 * exposure, confidence).unwrap();
            let it = estimate(n, exposure, confidence).unwrap();
            prop_assert!(it.low <= it.value && it.value < it.high);
            prop_assert!(quieter.high < it.high && quieter.high - quieter.low < it.high - it.low);
        }
    }
}
