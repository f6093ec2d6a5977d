//! Interference by delay: a request waits for slices of other guests to end, and a closed loop of clients waits with it.
//!
//! # Formula
//! N clients, each of which asks again when it is answered, get X = min(X_0, N / R), R the time of a request without the
//! network's queue. While a core is idle a virtual CPU that wakes up runs at once: R is hidden in that queue. Where the
//! others keep all cores busy, b = sum of n (g + q) >= C, each dispatch waits for a slice to end, and longer where they stand
//! in line: R = k s b / C, s the slice and k the dispatches that a request waits for. Left: x = min(1, N / (R X_0)).
//!
//! # Range
//! A benchmark with a fixed number of clients and no time to think. The step at b = C stands for the steep rise of the chance
//! that no core is idle; close to it the law is a bound, not a value. Weights do not enter: what waits uses less than its
//! share.
//!
//! # Source
//! Closed queueing networks (asymptotic bounds); Xen's credit scheduler with its slice of 30 ms (models A2, A3).
//!
//! # Error
//! Not known by itself: k = 2.5 slices was taken from the loss beside four CPU-busy guests (S1-13). The same k beside
//! I/O-busy guests says 23 to 49 % for 0 to 1 core of emulation each; 37.5 % was measured.

use super::{Case, check_left};
use crate::quantity::{Nanos, PerSecond, QuantityError};

/// Clients that ask again as soon as they are answered, and the scheduler's slice.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Loop {
    /// Clients: above 0.
    pub clients: u32,
    /// The slice of the scheduler: above 0.
    pub slice: Nanos,
    /// The throughput alone, X_0: above 0.
    pub alone: PerSecond,
}

/// The share of its throughput alone that is left to the guest: 0 to 1. A request waits for `dispatches`, k.
///
/// # Errors
/// A loop without clients, slice or throughput, dispatches that are not a number of at least 0, or as [`Case::check`].
pub fn left(case: &Case, of: &Loop, dispatches: f64) -> Result<f64, QuantityError> {
    case.check()?;
    of.check()?;
    if !(dispatches.is_finite() && dispatches >= 0.0) {
        let expected = "it must be finite and not negative";
        return Err(QuantityError { what: "number of dispatches", value: dispatches.to_string(), unit: "", expected });
    }
    let delay = dispatches * of.slice.as_seconds() * standing_in_line(case);
    // No delay: all is left.
    Ok((f64::from(of.clients) / (delay * of.alone.get())).min(1.0))
}

/// The dispatches that a request must wait for where a measured share was left: one number from one measurement.
///
/// `None` where the others leave a core idle: no delay explains a loss then.
///
/// # Errors
/// A share that is not between 0 and 1, or as [`left()`].
pub fn dispatches(case: &Case, of: &Loop, measured: f64) -> Result<Option<f64>, QuantityError> {
    case.check()?;
    of.check()?;
    check_left(measured)?;
    let line = standing_in_line(case);
    let time = f64::from(of.clients) / (measured * of.alone.get());
    Ok((line > 0.0).then(|| time / (of.slice.as_seconds() * line)))
}

impl Loop {
    fn check(&self) -> Result<(), QuantityError> {
        let refuse = |what, unit| Err(QuantityError { what, value: "0".into(), unit, expected: "it must be above 0" });
        match self {
            Self { clients: 0, .. } => refuse("number of clients", ""),
            Self { slice: Nanos::ZERO, .. } => refuse("slice", "ns"),
            Self { alone: PerSecond::ZERO, .. } => refuse("throughput alone", "/s"),
            _ => Ok(()),
        }
    }
}

/// Others that are busy, over the cores, where they leave none idle; else 0.
fn standing_in_line(case: &Case) -> f64 {
    let busy: f64 = case.beside.iter().map(|b| (b.cores + b.driver).get() * f64::from(b.count)).sum();
    let line = busy / case.host.cores.get();
    if line >= 1.0 { line } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::super::examples::{any, cores, spring8};
    use super::super::share;
    use super::*;
    use proptest::prelude::*;

    /// The benchmark of S1-11 and S1-12.
    const AB: u32 = 100;
    fn ab(clients: u32) -> Loop {
        Loop { clients, slice: Nanos::millis(30), alone: PerSecond::new(1710.78).unwrap() }
    }

    #[test]
    fn the_losses_measured_are_of_two_and_a_half_and_three_slices() {
        // R = 100 / (0.766 x 1710.78) = 76.3 ms; 100 / (0.625 x 1710.78) = 93.5 ms (models A3).
        let cpu = dispatches(&spring8(4, 2.0, 1.0, 0.0), &ab(AB), 0.766).unwrap().unwrap();
        assert!((cpu * 30.0 - 76.3).abs() < 0.05, "{cpu}");
        let io = dispatches(&spring8(4, 2.0, 1.0, 0.0), &ab(AB), 0.625).unwrap().unwrap();
        assert!((io * 30.0 - 93.5).abs() < 0.05, "{io}");
        // Below 100 / 1710.78 = 58.5 ms a delay is hidden by the network's queue.
        assert_eq!(left(&spring8(4, 2.0, 1.0, 0.0), &ab(AB), 58.4 / 30.0).unwrap(), 1.0);
        assert!(left(&spring8(4, 2.0, 1.0, 0.0), &ab(AB), 58.6 / 30.0).unwrap() < 1.0);
    }

    #[test]
    fn nothing_shows_while_a_core_is_idle() {
        for n in 0..4 {
            assert_eq!(left(&spring8(n, 2.0, 1.0, 0.0), &ab(AB), 2.54).unwrap(), 1.0);
        }
        assert_eq!(dispatches(&spring8(3, 2.0, 1.0, 0.0), &ab(AB), 0.766).unwrap(), None);
    }

    #[test]
    fn emulation_that_stands_in_line_too_makes_the_wait_longer() {
        // k from CPU-busy guests, then 4 x (2 + 0.5) busy on 8 cores: 0.766 / 1.25 = 0.613.
        let k = dispatches(&spring8(4, 2.0, 1.0, 0.0), &ab(AB), 0.766).unwrap().unwrap();
        for (q, says) in [(0.0, 0.766), (0.5, 0.766 / 1.25), (1.0, 0.766 / 1.5)] {
            assert!((left(&spring8(4, 2.0, 1.0, q), &ab(AB), k).unwrap() - says).abs() < 1e-12);
        }
    }

    #[test]
    fn twice_the_clients_tell_delay_from_sharing() {
        let case = spring8(4, 2.0, 0.444, 0.0);
        let k = dispatches(&case, &ab(AB), 0.766).unwrap().unwrap();
        // 200 / 76.3 ms = 2621/s: more than the network carries.
        assert_eq!(left(&case, &ab(2 * AB), k).unwrap(), 1.0);
        // Fair sharing knows no clients.
        assert!((share::left(&case).unwrap() - 0.766).abs() < 1e-4);
    }

    #[test]
    fn what_cannot_be_asked_is_refused() {
        let case = spring8(4, 2.0, 0.444, 0.0);
        assert!(left(&case, &ab(0), 2.5).is_err());
        assert!(left(&case, &Loop { slice: Nanos::ZERO, ..ab(1) }, 2.5).is_err());
        assert!(left(&case, &Loop { alone: PerSecond::ZERO, ..ab(1) }, 2.5).is_err());
        for k in [-1.0, f64::NAN, f64::INFINITY] {
            assert!(left(&case, &ab(1), k).is_err());
        }
    }

    proptest! {
        #[test]
        fn more_cores_or_clients_never_hurt_and_paravirtual_drivers_neither(case in any(), k in 0.0f64..10.0, more in 0.0f64..8.0, clients in 1u32..500) {
            let x = left(&case, &ab(clients), k).unwrap();
            let mut larger = case.clone();
            larger.host.cores = cores(case.host.cores.get() + more);
            prop_assert!(left(&larger, &ab(clients), k).unwrap() >= x);
            prop_assert!(left(&case, &ab(2 * clients), k).unwrap() >= x);
            let mut drivers = case.clone();
            for b in &mut drivers.beside {
                b.driver = cores(b.driver.get() / 8.0);
            }
            prop_assert!(left(&drivers, &ab(clients), k).unwrap() >= x);
        }

        #[test]
        fn a_longer_slice_with_as_many_fewer_dispatches_is_the_same(case in any(), k in 0.1f64..10.0, by in 2u64..5) {
            let slow = Loop { slice: Nanos::millis(30 * by), ..ab(AB) };
            let (a, b) = (left(&case, &ab(AB), k).unwrap(), left(&case, &slow, k / by as f64).unwrap());
            prop_assert!((a - b).abs() < 1e-12);
        }
    }
}
