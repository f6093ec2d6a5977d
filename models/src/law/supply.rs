//! Power factor of a machine by the load of its supplies.
//!
//! # Formula
//! n supplies that share a machine's power P each stand at x = P / (n x rating); the machine's factor is that of one supply
//! at x: straight lines between points evenly spaced from no load to full load.
//!
//! # Range
//! Supplies that are alike and share evenly, up to full load of all of them. One of n in cold reserve counts as n - 1.
//!
//! # Source
//! A maker's specification of a server supply (models A1.3): above 0.98 from half to full load, above 0.95 from a quarter to a
//! half. So redundant supplies, each below a quarter, have a lower factor than the sheet promises.
//!
//! # Error
//! P is taken at the wall. Where the rating is that of the output, x is too great by what the supply loses (a tenth to a
//! quarter of it), and a factor that rises with load too good by as little as that moves it.

use super::power::Curve;
use crate::quantity::{PowerFactor, QuantityError, Watts};

/// The supplies of a machine.
#[derive(Debug, Clone, PartialEq)]
pub struct Supply {
    count: u32,
    rating: Watts,
    power_factor: Vec<PowerFactor>,
}

impl Supply {
    /// Supplies that share the load: how many, the rating of one, and its power factor at evenly spaced loads from none to full.
    ///
    /// # Errors
    /// No supply, no rating, or fewer than two points.
    pub fn new(count: u32, rating: Watts, power_factor: Vec<PowerFactor>) -> Result<Self, QuantityError> {
        let refuse = |what, value: String, unit, expected| Err(QuantityError { what, value, unit, expected });
        if count == 0 {
            return refuse("number of supplies", "0".into(), "", "a machine has at least one");
        }
        if rating <= Watts::ZERO {
            return refuse("rating of a supply", rating.get().to_string(), "W", "it must be above 0");
        }
        if power_factor.len() < 2 {
            let points = format!("{} points", power_factor.len());
            return refuse("power factor by load", points, "", "it needs at least 2, from no load to full load");
        }
        Ok(Self { count, rating, power_factor })
    }

    /// The load of each, as a share of its rating, where the machine draws `power`.
    #[must_use]
    pub fn load_of_one(&self, power: Watts) -> f64 {
        power.get() / self.rating.get() / f64::from(self.count)
    }

    /// The power factor of the machine where it draws `power`.
    ///
    /// # Errors
    /// More than the supplies can deliver.
    pub fn factor_at(&self, power: Watts) -> Result<PowerFactor, QuantityError> {
        let load = self.load_of_one(power);
        if load > 1.0 {
            let expected = "the machine draws more than its supplies can deliver together";
            return Err(QuantityError { what: "load of a supply", value: load.to_string(), unit: "of its rating", expected });
        }
        let last = self.power_factor.len() - 1;
        let x = load * last as f64;
        let i = (x as usize).min(last - 1);
        let (a, b) = (self.power_factor[i].get(), self.power_factor[i + 1].get());
        PowerFactor::new(a + (b - a) * (x - i as f64))
    }

    /// The power factor of a machine of this curve at so many loads, evenly spaced from idle to full.
    ///
    /// # Errors
    /// A full load that the supplies cannot deliver.
    pub fn by_load(&self, curve: &Curve, points: u32) -> Result<Vec<PowerFactor>, QuantityError> {
        let last = f64::from(points.saturating_sub(1).max(1));
        (0..points).map(|i| self.factor_at(curve.at(f64::from(i) / last))).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn supply(count: u32, rating: f64, factors: &[f64]) -> Result<Supply, QuantityError> {
        Supply::new(count, Watts::new(rating)?, factors.iter().map(|f| PowerFactor::new(*f)).collect::<Result<_, _>>()?)
    }

    fn w(w: f64) -> Watts {
        Watts::new(w).unwrap()
    }

    #[test]
    fn two_supplies_that_share_stand_at_half_the_load_and_at_its_factor() {
        // Points at 0, 25, 50, 75, 100 %. 300 W: one of 600 W stands at a half, each of two at a quarter.
        let factors = [0.5, 0.95, 0.98, 0.99, 0.99];
        assert_eq!(supply(1, 600.0, &factors).unwrap().factor_at(w(300.0)).unwrap().get(), 0.98);
        assert_eq!(supply(2, 600.0, &factors).unwrap().factor_at(w(300.0)).unwrap().get(), 0.95);
        // 60 W: one at 10 %, of the way from 0 to 25 % two fifths: 0.5 + 0.4 x 0.45 = 0.68.
        assert!((supply(1, 600.0, &factors).unwrap().factor_at(w(60.0)).unwrap().get() - 0.68).abs() < 1e-12);
    }

    #[test]
    fn a_machine_is_read_off_its_curve() {
        let curve = Curve::new(vec![w(150.0), w(300.0)]).unwrap();
        let by_load = supply(2, 300.0, &[0.6, 1.0]).unwrap().by_load(&curve, 11).unwrap();
        // Idle: 150 of 600 W, 0.6 + 0.25 x 0.4; full: 0.6 + 0.5 x 0.4.
        assert_eq!(by_load.len(), 11);
        assert!((by_load[0].get() - 0.7).abs() < 1e-12 && (by_load[10].get() - 0.8).abs() < 1e-12);
    }

    #[test]
    fn supplies_that_cannot_be_are_refused() {
        assert!(supply(0, 300.0, &[0.9, 0.9]).is_err());
        assert!(supply(1, 0.0, &[0.9, 0.9]).is_err());
        assert!(supply(1, 300.0, &[0.9]).is_err());
        let beyond = supply(1, 300.0, &[0.9, 0.9]).unwrap().factor_at(w(301.0)).unwrap_err();
        assert!(beyond.to_string().contains("more than its supplies can deliver"), "{beyond}");
    }

    proptest! {
        #[test]
        fn one_more_supply_never_betters_a_factor_that_rises_with_load(
            mut factors in prop::collection::vec(0.1f64..1.0, 2..8), count in 1u32..6, power in 1.0f64..500.0,
        ) {
            factors.sort_by(f64::total_cmp);
            let at = |count| supply(count, 500.0, &factors).unwrap().factor_at(w(power)).unwrap();
            prop_assert!(at(count + 1).get() <= at(count).get() + 1e-12);
        }

        #[test]
        fn doubling_the_factor_halves_the_apparent_power(factors in prop::collection::vec(0.1f64..0.5, 2..8), power in 1.0f64..500.0) {
            let twice: Vec<f64> = factors.iter().map(|f| 2.0 * f).collect();
            let va = |f: &[f64]| w(power).apparent(supply(1, 500.0, f).unwrap().factor_at(w(power)).unwrap()).get();
            prop_assert!((va(&factors) / va(&twice) - 2.0).abs() < 1e-9);
        }
    }
}
