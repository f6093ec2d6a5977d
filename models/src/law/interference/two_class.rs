//! Interference by priority: guests that wait for emulated devices run ahead of the others.
//!
//! # Formula
//! Each of n guests with emulated devices takes u cores, its own and those that the driver domain spends on emulation, before
//! anybody else. What is left, C - n u, is shared fairly ([`super::share`]) among the driver domain's packets, the guest that
//! serves requests and the others. With no others: x (d + delta) = C - n u.
//!
//! # Range
//! Counts near the one that u was taken from. It holds no credits: a scheduler takes the priority away from a guest that uses
//! more than its share, so that far beyond (n u near C, where the law leaves nothing) it overstates the loss.
//!
//! # Source
//! Priority BOOST of Xen's credit scheduler, for virtual CPUs that wake up; device emulation by one process for each guest
//! before stub domains (Xen 3.3) (models A2, A3).
//!
//! # Error
//! Not known: its one number was taken from the one loss measured beside I/O-busy guests (S1-13), and nothing is left to test
//! it by but that one to three of them cost little.

use super::{Case, check_left, halve, share};
use crate::quantity::{Cores, QuantityError};

/// The share of its throughput alone that is left to the guest: 0 to 1. Each neighbour with emulated devices takes `taken`.
///
/// # Errors
/// As [`Case::check`].
pub fn left(case: &Case, taken: Cores) -> Result<f64, QuantityError> {
    case.check()?;
    let (first, rest) = split(case);
    Ok(share::left_on(&rest, case.host.cores.get() - taken.times(first).get()))
}

/// How much each neighbour with emulated devices must take for a measured share to be left: one number from one measurement.
///
/// `None` where there is no such neighbour, or where as much would be lost though they took nothing.
///
/// # Errors
/// A share that is not between 0 and 1, or as [`Case::check`].
pub fn taken(case: &Case, measured: f64) -> Result<Option<Cores>, QuantityError> {
    case.check()?;
    check_left(measured)?;
    let (first, rest) = split(case);
    let all = case.host.cores.get();
    let leaves = |cores: f64| share::left_on(&rest, cores) >= measured;
    if first == 0 || !leaves(all) {
        return Ok(None);
    }
    // Fewer cores never leave more.
    let least = halve(all, 0.0, leaves);
    Ok(Some(Cores::new((all - least) / f64::from(first))?))
}

/// How many run ahead of the others, and the case without them.
fn split(case: &Case) -> (u32, Case) {
    let mut rest = case.clone();
    rest.beside.retain(|b| !b.emulated);
    (case.beside.iter().filter(|b| b.emulated).fold(0, |n, b| n.saturating_add(b.count)), rest)
}

#[cfg(test)]
mod tests {
    use super::super::examples::{any, cores, spring8};
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_four_io_busy_guests_took_leaves_three_little_to_take() {
        // S1-13: x = 0.625 = (8 - 4 u) / (2 + delta). delta = 0: u = 1.6875. delta = 0.35: u = 1.6328. delta = 1: u = 1.53125.
        for (delta, u) in [(0.0, 1.6875), (0.35, 1.632_812_5), (1.0, 1.531_25)] {
            let found = taken(&spring8(4, 2.0, delta, 0.5), 0.625).unwrap().unwrap();
            assert!((found.get() - u).abs() < 1e-9, "{found:?}");
            assert!((left(&spring8(4, 2.0, delta, 0.5), found).unwrap() - 0.625).abs() < 1e-9);
            // Beside three, 8 - 3 u is more than 2 + delta: nothing is lost.
            assert!((left(&spring8(3, 2.0, delta, 0.5), found).unwrap() - 1.0).abs() < 1e-12);
        }
    }

    #[test]
    fn those_who_take_all_leave_nothing() {
        let x = left(&spring8(5, 2.0, 0.5, 0.5), cores(1.6)).unwrap();
        assert!((0.0..1e-9).contains(&x), "{x}");
        assert!((0.0..1e-9).contains(&left(&spring8(u32::MAX, 2.0, 0.5, 0.5), cores(1.6)).unwrap()));
    }

    #[test]
    fn what_no_priority_explains_has_no_number() {
        assert_eq!(taken(&spring8(4, 2.0, 0.5, 0.0), 0.625).unwrap(), None);
        let mut beside_burners = spring8(4, 2.0, 2.0, 0.5);
        beside_burners.beside.push(spring8(4, 2.0, 2.0, 0.0).beside[0]);
        assert_eq!(taken(&beside_burners, 0.9).unwrap(), None);
        assert!(taken(&spring8(4, 2.0, 0.5, 0.5), 1.0).is_err());
    }

    proptest! {
        #[test]
        fn nobody_ahead_is_fair_sharing(mut case in any(), taken in 0.0f64..2.0) {
            for b in &mut case.beside {
                b.emulated = false;
            }
            prop_assert_eq!(left(&case, cores(taken)).unwrap(), share::left(&case).unwrap());
        }

        #[test]
        fn more_cores_never_hurt_and_taking_more_never_helps(case in any(), u in 0.0f64..2.0, more in 0.0f64..4.0) {
            let x = left(&case, cores(u)).unwrap();
            let mut larger = case.clone();
            larger.host.cores = cores(case.host.cores.get() + more);
            prop_assert!(left(&larger, cores(u)).unwrap() >= x - 1e-12);
            prop_assert!(left(&case, cores(u + more)).unwrap() <= x + 1e-12);
        }

        #[test]
        fn what_it_was_fitted_to_comes_back(case in any(), measured in 0.05f64..0.95) {
            if let Some(u) = taken(&case, measured).unwrap() {
                let x = left(&case, u).unwrap();
                prop_assert!((x - measured).abs() < 1e-6, "{}", x);
            }
        }
    }
}
