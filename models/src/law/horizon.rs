//! Cost year by year over several renewals, and the price at which two fleets cost the same.
//!
//! # Formula
//! C(y) = A x ceil(y / r) + Y x y for y years from 1 on, and A for none: A is paid at each renewal (hosts, licences), every
//! r years, Y each year (maintenance, fees, electricity). Two fleets with n and m hosts of a class cost the same at the
//! price p at which n p + R_n = m p + R_m: p = (R_m - R_n) / (n - m), R all other cost.
//!
//! # Range
//! Whole years; the same fleet is bought again at each renewal at the same price; money is not discounted.
//!
//! # Source
//! Bookkeeping; a renewal every four years is S0-17's, break-even is what S0-13 states.
//!
//! # Error
//! That of the prices: ends are taken together, so a range is the widest that the givens allow.

use std::num::NonZeroU32;

use crate::estimate::Estimate;

/// What a fleet costs.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Outlay {
    /// At each renewal, yen.
    pub at_renewal: Estimate,
    /// A year, yen.
    pub yearly: Estimate,
}

impl Outlay {
    /// What was paid by the end of a year, counted from 1; 0: at the start.
    ///
    /// ```
    /// use std::num::NonZeroU32;
    /// use models::{Estimate, law::horizon::Outlay};
    /// let fleet = Outlay { at_renewal: Estimate::exactly(100.0), yearly: Estimate::exactly(10.0) };
    /// let four = NonZeroU32::new(4).expect("above 0");
    /// let paid = [0, 1, 4, 5, 8].map(|y| fleet.by_the_end_of(y, four).value);
    /// assert_eq!(paid, [100.0, 110.0, 140.0, 250.0, 280.0]);
    /// ```
    #[must_use]
    pub fn by_the_end_of(&self, year: u32, renewal_years: NonZeroU32) -> Estimate {
        let renewals = year.div_ceil(renewal_years.get()).max(1);
        self.at_renewal.times(f64::from(renewals)) + self.yearly.times(f64::from(year))
    }
}

/// The first year, up to `years`, by whose end a fleet has cost no more than another, by the values of both; 0: from the start.
#[must_use]
pub fn first_no_dearer(fleet: &Outlay, than: &Outlay, renewal_years: NonZeroU32, years: u32) -> Option<u32> {
    (0..=years).find(|y| fleet.by_the_end_of(*y, renewal_years).value <= than.by_the_end_of(*y, renewal_years).value)
}

/// The price of a thing at which two fleets cost the same: `n` of it in one, whose other cost is `rest`, and so on. None where
/// both have as many, or where only a price below zero would do.
///
/// The range is that of the other costs.
#[must_use]
pub fn break_even(n: f64, rest: Estimate, m: f64, than_rest: Estimate) -> Option<Estimate> {
    let by = n - m;
    if by == 0.0 {
        return None;
    }
    let (more, by) = if by > 0.0 { (than_rest.less(rest), by) } else { (rest.less(than_rest), -by) };
    let price = Estimate { value: more.value / by, low: (more.low / by).max(0.0), high: more.high / by };
    (price.value >= 0.0).then_some(price)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn outlay(at_renewal: f64, yearly: f64) -> Outlay {
        Outlay { at_renewal: Estimate::exactly(at_renewal), yearly: Estimate::exactly(yearly) }
    }

    #[test]
    fn dear_hosts_that_run_cheaply_pay_within_the_renewal_or_never() {
        let four = NonZeroU32::new(4).unwrap();
        assert_eq!(first_no_dearer(&outlay(120.0, 5.0), &outlay(100.0, 12.0), four, 8), Some(3));
        // 40 more at each renewal against 4 x 7 saved: never.
        assert_eq!(first_no_dearer(&outlay(140.0, 5.0), &outlay(100.0, 12.0), four, 100), None);
        assert_eq!(first_no_dearer(&outlay(90.0, 5.0), &outlay(100.0, 12.0), four, 8), Some(0));
    }

    #[test]
    fn a_thing_that_both_have_as_often_has_no_break_even() {
        assert_eq!(break_even(3.0, Estimate::exactly(1.0), 3.0, Estimate::exactly(9.0)), None);
        assert_eq!(break_even(5.0, Estimate::exactly(10.0), 3.0, Estimate::exactly(4.0)), None);
    }

    proptest! {
        #[test]
        fn at_the_break_even_both_cost_the_same(n in 0u32..40, m in 0u32..40, a in 0.0f64..1e7, b in 0.0f64..1e7) {
            let (n, m) = (f64::from(n), f64::from(m));
            if let Some(p) = break_even(n, Estimate::exactly(a), m, Estimate::exactly(b)) {
                prop_assert!((n * p.value + a - m * p.value - b).abs() <= 1e-6 * (a + b + 1.0));
                prop_assert!(p.low <= p.value && p.value <= p.high);
            }
        }

        #[test]
        fn a_longer_life_never_costs_more(at in 0.0f64..1e7, yearly in 0.0f64..1e6, year in 0u32..30, r in 1u32..10) {
            let fleet = outlay(at, yearly);
            let cost = |r| fleet.by_the_end_of(year, NonZeroU32::new(r).unwrap()).value;
            prop_assert!(cost(r + 1) <= cost(r));
        }
    }
}
