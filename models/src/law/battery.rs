//! How long a CVCF's battery carries a load.
//!
//! # Formula
//! Peukert: t = left x t_r x (P_r / P)^k, where P_r is a load that a new battery carries for t_r, k its exponent and `left` the
//! share of its capacity that its age has left (capacity in the sense of a discharge test: time reached over time rated).
//!
//! # Range
//! From a fifth of the rated load to the rated load. Above it a battery reaches its final voltage sooner than any exponent says;
//! below it the law would find capacity that no battery has. Both are refused, and so is a load of nothing. k from 1 (no loss
//! by rate) to 2. The vendor's discharge table is better where there is one.
//!
//! # Source
//! The points of a published calculator for valve-regulated lead-acid batteries (models A1.3): 136, 194 and 323 minutes at
//! 100, 75 and 50 % of the load give k = 1.235 to 1.248.
//!
//! # Error
//! With k = 1.25 these points are met within a minute. That is one calculator: k ranges from 1.1 to 1.3, which moves the time at
//! half load by 15 %. Temperature is left out. Between half and a fifth of the rated load nothing was checked.

use serde::Serialize;

use crate::estimate::Estimate;
use crate::quantity::{QuantityError, Watts};

/// The least load, as a share of the rated load, for which a time is told.
pub const LEAST_LOAD: f64 = 0.2;

/// A battery.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Battery {
    /// A load at the CVCF's output.
    pub rated: Watts,
    /// How long it carries that load when it is new.
    pub rated_minutes: f64,
    /// Peukert's exponent: 1 to 2.
    pub exponent: Estimate,
    /// The share of its capacity that is left: above 0, at most 1.
    pub left: Estimate,
}

impl Battery {
    /// Whether its numbers can be those of a battery.
    ///
    /// # Errors
    /// A rated load or time that is not above 0, an exponent outside 1 to 2, a share left that is not above 0 and at most 1.
    pub fn checked(self) -> Result<Self, QuantityError> {
        let refuse = |what, value: f64, unit, expected| Err(QuantityError { what, value: value.to_string(), unit, expected });
        if self.rated <= Watts::ZERO {
            return refuse("rated load of a battery", self.rated.get(), "W", "it must be above 0");
        }
        if !(self.rated_minutes > 0.0 && self.rated_minutes.is_finite()) {
            return refuse("rated time of a battery", self.rated_minutes, "min", "it must be finite and above 0");
        }
        for k in [self.exponent.low, self.exponent.value, self.exponent.high] {
            if !(1.0..=2.0).contains(&k) {
                return refuse("exponent of a battery", k, "", "it must be from 1 to 2, and so must its range");
            }
        }
        for left in [self.left.low, self.left.value, self.left.high] {
            if !(left > 0.0 && left <= 1.0) {
                return refuse("share of a battery's capacity", left, "", "it must be above 0 and at most 1, and so must its range");
            }
        }
        Ok(self)
    }

    /// How long it carries a load, minutes; the range is that of its exponent, of its age and of the load.
    ///
    /// ```
    /// use models::Estimate;
    /// use models::law::battery::Battery;
    /// use models::quantity::Watts;
    /// // Ten minutes at 24 kW; at half of it, with k = 1, twice as long, of which four fifths are left.
    /// let (exponent, left) = (Estimate::exactly(1.0), Estimate::exactly(0.8));
    /// let battery = Battery { rated: Watts::new(24_000.0)?, rated_minutes: 10.0, exponent, left }.checked()?;
    /// assert!((battery.minutes(Estimate::exactly(12_000.0))?.value - 16.0).abs() < 1e-9);
    /// # Ok::<(), models::quantity::QuantityError>(())
    /// ```
    ///
    /// # Errors
    /// A load, or an end of its range, that is below a fifth of the rated load or above it.
    pub fn minutes(&self, load_w: Estimate) -> Result<Estimate, QuantityError> {
        let time = |w: f64, k: f64, left: f64| -> Result<f64, QuantityError> {
            let share = w / self.rated.get();
            if !(LEAST_LOAD..=1.0).contains(&share) {
                let expected = "the law holds from a fifth of the battery's rated load to that load: ask the vendor's discharge table";
                return Err(QuantityError { what: "load of a battery", value: format!("{w:.0}"), unit: "W", expected });
            }
            Ok(left * self.rated_minutes * libm::pow(1.0 / share, k))
        };
        Ok(Estimate {
            value: time(load_w.value, self.exponent.value, self.left.value)?,
            low: time(load_w.high, self.exponent.low, self.left.low)?,
            high: time(load_w.low, self.exponent.high, self.left.high)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn battery(minutes: f64, exponent: Estimate, left: f64) -> Battery {
        Battery { rated: Watts::new(1000.0).unwrap(), rated_minutes: minutes, exponent, left: Estimate::exactly(left) }
    }

    #[test]
    fn the_points_of_a_published_calculator_are_met() {
        // models A1.3: 136, 194, 323 min at 100, 75, 50 %: k = ln(194/136)/ln(4/3) = 1.235, ln(323/136)/ln 2 = 1.248.
        let k = |t: f64, share: f64| libm::log(t / 136.0) / libm::log(1.0 / share);
        assert!((k(194.0, 0.75) - 1.235).abs() < 5e-4 && (k(323.0, 0.5) - 1.248).abs() < 5e-4);
        let it = battery(136.0, Estimate { value: 1.25, low: 1.235, high: 1.25 }, 1.0).checked().unwrap();
        for (w, t) in [(1000.0, 136.0), (750.0, 194.0), (500.0, 323.0)] {
            let found = it.minutes(Estimate::exactly(w)).unwrap();
            assert!((found.value - t).abs() < 1.0, "{w} W: {found:?}");
        }
        // With k from 1.1 to 1.3: -10 % to +4 % at half load, 15 % from end to end.
        let wide = battery(136.0, Estimate { value: 1.25, low: 1.1, high: 1.3 }, 1.0).minutes(Estimate::exactly(500.0)).unwrap();
        assert!((wide.high / wide.low - 2f64.powf(0.2)).abs() < 1e-9);
    }

    #[test]
    fn a_load_outside_its_range_is_refused() {
        let it = battery(10.0, Estimate::exactly(1.25), 1.0);
        for w in [0.0, 199.0, 1001.0, f64::NAN] {
            let refused = it.minutes(Estimate::exactly(w)).unwrap_err();
            assert!(refused.to_string().contains("from a fifth of the battery's rated load"), "{refused}");
        }
        // One end is enough.
        assert!(it.minutes(Estimate { value: 900.0, low: 800.0, high: 1001.0 }).is_err());
    }

    #[test]
    fn what_is_no_battery_is_refused() {
        let good = battery(10.0, Estimate::exactly(1.25), 0.9);
        assert!(good.checked().is_ok());
        for bad in [
            Battery { rated: Watts::ZERO, ..good },
            Battery { rated_minutes: 0.0, ..good },
            Battery { exponent: Estimate { value: 1.2, low: 0.9, high: 1.3 }, ..good },
            Battery { exponent: Estimate::exactly(2.1), ..good },
            Battery { left: Estimate::exactly(0.0), ..good },
            Battery { left: Estimate { value: 1.0, low: 0.8, high: 1.2 }, ..good },
        ] {
            assert!(bad.checked().is_err(), "{bad:?}");
        }
    }

    proptest! {
        #[test]
        fn an_older_battery_never_lasts_longer_and_more_load_never_helps(
            k in 1.0f64..2.0, left in 0.1f64..1.0, older in 0.1f64..1.0, w in 200.0f64..1000.0, more in 1.0f64..2.0,
        ) {
            let new = battery(10.0, Estimate::exactly(k), left);
            let old = battery(10.0, Estimate::exactly(k), left * older);
            let at = |b: &Battery, w: f64| b.minutes(Estimate::exactly(w)).unwrap().value;
            prop_assert!(at(&old, w) <= at(&new, w));
            prop_assert!(at(&new, (w * more).min(1000.0)) <= at(&new, w));
        }

        #[test]
        fn halving_the_load_more_than_doubles_the_time(k in 1.001f64..2.0, w in 400.0f64..1000.0) {
            let it = battery(10.0, Estimate::exactly(k), 1.0);
            let at = |w: f64| it.minutes(Estimate::exactly(w)).unwrap().value;
            prop_assert!(at(w / 2.0) > 2.0 * at(w));
        }

        #[test]
        fn the_range_holds_the_value(k in 1.1f64..1.9, w in 300.0f64..900.0) {
            let it = battery(10.0, Estimate { value: k, low: k - 0.1, high: k + 0.1 }, 0.9);
            let t = it.minutes(Estimate { value: w, low: w - 50.0, high: w + 50.0 }).unwrap();
            prop_assert!(t.low <= t.value && t.value <= t.high);
        }
    }
}
