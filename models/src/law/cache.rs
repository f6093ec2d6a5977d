//! Whether to use a cached image, and which packages belong in it.
//!
//! # Formula
//! - Use it only where the installation that it saves takes longer than the transfer that it adds ([`Gain::pays`]).
//! - By share: a package belongs in it that stood in at least M % of the last N requests.
//! - By time: a package belongs in it that saves more than it costs, f e - s t > 0: f the share of requests it stood in, e the
//!   seconds that installing it takes, s the bytes that it adds to the image, t the seconds that a byte of it adds to the transfer.
//!
//! # Range
//! By time is the best set for one image that every request uses, where each package counts by itself (as in
//! [`super::install`] and [`super::transfer`]): saving what is done once for an installation is not counted. Requests to come
//! are taken to be like the last N.
//!
//! # Source
//! S2-7 and S2-11; by time: elementary (expected value).
//!
//! # Error
//! None in the sums; against all subsets on small cases, no other image saves more on the requests counted.

use crate::estimate::Estimate;
use crate::quantity::{Bytes, Nanos, QuantityError, SecondsPerByte};

/// What using the cached image would change, with the ranges of the laws; seconds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Gain {
    /// Seconds of installation saved.
    pub saved: Estimate,
    /// Seconds of transfer added.
    pub added: Estimate,
}

impl Gain {
    /// Seconds gained.
    #[must_use]
    pub fn gained(&self) -> Estimate {
        self.saved.less(self.added)
    }

    /// Whether it pays: 1 or 0, and 0 to 1 where the ranges do not decide.
    #[must_use]
    pub fn pays(&self) -> Estimate {
        let it = self.gained();
        let word = |x: f64| f64::from(u8::from(x > 0.0));
        Estimate { value: word(it.value), low: word(it.low), high: word(it.high) }
    }
}

/// A package, or a group that is always asked for together, and how often it was asked for.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Wanted {
    /// Requests among the last N that it stood in.
    pub requests: u32,
    /// Packages in it.
    pub packages: u32,
    /// What it adds to the image.
    pub adds: Bytes,
}

/// How often each of `kinds` packages stood in the last `last` requests, and how many requests these were.
///
/// ```
/// // Of the last two requests, 0 stood in both, 1 in one.
/// let (stood, of) = models::law::cache::count(&[vec![1], vec![0, 1], vec![0]], 2, 2);
/// assert_eq!((stood, of), (vec![2, 1], 2));
/// ```
#[must_use]
pub fn count(requests: &[Vec<usize>], last: u32, kinds: usize) -> (Vec<u32>, u32) {
    let counted = &requests[requests.len().saturating_sub(last as usize)..];
    let stood = (0..kinds).map(|k| counted.iter().filter(|r| r.contains(&k)).count() as u32).collect();
    (stood, counted.len() as u32)
}

/// Whether a package stood in at least `percent` of so many requests; without a request none did.
#[must_use]
pub fn by_share(wanted: &Wanted, of: u32, percent: f64) -> bool {
    of > 0 && f64::from(wanted.requests) * 100.0 >= percent * f64::from(of)
}

/// Seconds that a package in the image saves a request, less those that it adds; negative where it costs more.
///
/// # Errors
/// No request to count.
pub fn expected(wanted: &Wanted, of: u32, each: Nanos, byte: SecondsPerByte) -> Result<f64, QuantityError> {
    if of == 0 {
        return Err(QuantityError { what: "history of requests", value: "none".into(), unit: "", expected: "there must be one" });
    }
    let often = f64::from(wanted.requests) / f64::from(of);
    Ok(often * f64::from(wanted.packages) * each.as_seconds() - byte.seconds(wanted.adds))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::law::install::Install;
    use proptest::prelude::*;

    #[test]
    fn a_cache_that_adds_what_it_saves_does_not_pay() {
        let even = Gain { saved: Estimate::exactly(2.0), added: Estimate::exactly(2.0) };
        assert_eq!(even.pays(), Estimate::exactly(0.0));
        assert_eq!(Gain { saved: Estimate::exactly(2.1), ..even }.pays(), Estimate::exactly(1.0));
        // 2.1 saved, give or take half a second: open.
        let open = Gain { saved: Estimate { value: 2.1, low: 1.6, high: 2.6 }, ..even };
        assert_eq!(open.pays(), Estimate { value: 1.0, low: 0.0, high: 1.0 });
    }

    #[test]
    fn at_least_m_percent_holds_at_m_percent() {
        let it = Wanted { requests: 7, packages: 1, adds: Bytes::ZERO };
        assert!(by_share(&it, 10, 70.0) && !by_share(&it, 10, 70.1) && !by_share(&it, 0, 0.0));
    }

    #[test]
    fn what_is_seldom_asked_for_and_large_stays_out() {
        // Asked for once in four, 10 packages of 0.2 s: 0.5 s a request saved. 5 MB at 0.15 s/MB: 0.75 s added; at 0.05: 0.25 s.
        let it = Wanted { requests: 1, packages: 10, adds: Bytes::new(5e6).unwrap() };
        let byte = |s: f64| SecondsPerByte::new(s / 1e6).unwrap();
        assert!((expected(&it, 4, Nanos::millis(200), byte(0.15)).unwrap() + 0.25).abs() < 1e-12);
        assert!((expected(&it, 4, Nanos::millis(200), byte(0.05)).unwrap() - 0.25).abs() < 1e-12);
        assert!(expected(&it, 0, Nanos::ZERO, byte(0.1)).is_err());
    }

    proptest! {
        #[test]
        fn a_cache_that_holds_a_package_never_raises_the_install_time(
            fixed in 0u64..60_000, a in 0u64..1000, b in 0u64..200, p in 1u32..200, n in 1u32..500,
        ) {
            let it = Install { fixed: Nanos::millis(fixed), package: Nanos::millis(a), package_and_node: Nanos::millis(b) };
            prop_assert!(it.time(p - 1, n).unwrap() <= it.time(p, n).unwrap());
        }

        #[test]
        fn no_other_image_saves_more_on_the_requests_counted(
            kinds in prop::collection::vec((1u32..40, 0.1f64..30.0), 1..6),
            asks in prop::collection::vec(prop::collection::vec(0usize..6, 0..5), 1..12),
            each_ms in 0u64..1000, byte in 0.0f64..0.3,
        ) {
            let (each, byte) = (Nanos::millis(each_ms), SecondsPerByte::new(byte / 1e6).unwrap());
            let (stood, of) = count(&asks, 8, kinds.len());
            let size = |k: usize| Bytes::new(kinds[k].1 * 1e6).unwrap();
            // Played request by request: what an image saves in installing, less what it adds to each transfer.
            let total = |image: u32| -> f64 {
                let holds = |k: &usize| image >> k & 1 == 1;
                let counted = &asks[asks.len().saturating_sub(8)..];
                counted.iter().map(|r| {
                    let saved: f64 = (0..kinds.len()).filter(holds).filter(|k| r.contains(k))
                        .map(|k| f64::from(kinds[k].0) * each.as_seconds()).sum();
                    saved - (0..kinds.len()).filter(holds).map(|k| byte.seconds(size(k))).sum::<f64>()
                }).sum()
            };
            let mut ours = 0;
            for k in 0..kinds.len() {
                let it = Wanted { requests: stood[k], packages: kinds[k].0, adds: size(k) };
                if expected(&it, of, each, byte).unwrap() > 0.0 {
                    ours |= 1 << k;
                }
            }
            let best = (0..1u32 << kinds.len()).map(total).fold(f64::NEG_INFINITY, f64::max);
            prop_assert!(total(ours) >= best - 1e-9, "{} {best}", total(ours));
        }
    }
}
