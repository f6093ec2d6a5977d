//! Power of a host by its load.
//!
//! # Formula
//! P(u) is read off a table of watts at evenly spaced loads (SPECpower_ssj2008 publishes 0, 10 ... 100 %), straight lines
//! between.
//!
//! # Range
//! Two points or more, rising, above zero at idle. The table is measured under a Java server load; memory- or disk-heavy loads
//! differ.
//!
//! # Source
//! Published SPECpower_ssj2008 results; the curve 2u - u^1.4 that others take is Fan et al. 2007 (models A1.2).
//!
//! # Error
//! Held against 11-point tables, three points (0, 50, 100 %) are off by up to 2.6 %, a straight line by up to 11 %, and
//! 2u - u^1.4 by up to 21.5 % on the convex machines of 2004, so a table is the only form taken. A table of another machine is a
//! *proxy*: take 10 % either side.

use serde::Serialize;

use crate::estimate::Estimate;
use crate::quantity::{CrestFactor, PowerFactor, Watts};

/// Watts at evenly spaced loads from idle to full.
///
/// ```
/// use models::{law::power::Curve, quantity::Watts};
/// let w = |w| Watts::new(w).unwrap();
/// let curve = Curve::new(vec![w(86.0), w(102.0), w(117.0)])?;
/// assert_eq!(curve.at(0.25), w(94.0)); // half-way between 86 and 102
/// # Ok::<(), models::law::power::BadCurve>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(transparent)]
pub struct Curve(Vec<Watts>);

/// A table that no machine can have.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum BadCurve {
    /// Too few points.
    #[error("a power curve needs at least 2 points (idle and full load), here {0}")]
    TooShort(usize),
    /// A machine that is on draws power.
    #[error("a power curve starts at {0} W at idle: a machine that is on draws power; a host that is switched off is a step of the plan")]
    IdleIsZero(f64),
    /// It falls.
    #[error("a power curve falls with load: point {0} is {1} W, point {2} is {3} W")]
    Falls(usize, f64, usize, f64),
}

impl Curve {
    /// A curve from its points.
    ///
    /// # Errors
    /// Fewer than two points, an idle power of zero, or a point below the one before it.
    pub fn new(points: Vec<Watts>) -> Result<Self, BadCurve> {
        if points.len() < 2 {
            return Err(BadCurve::TooShort(points.len()));
        }
        if points[0] <= Watts::ZERO {
            return Err(BadCurve::IdleIsZero(points[0].get()));
        }
        for (i, pair) in points.windows(2).enumerate() {
            if pair[1] < pair[0] {
                return Err(BadCurve::Falls(i, pair[0].get(), i + 1, pair[1].get()));
            }
        }
        Ok(Self(points))
    }

    /// Watts at a load from 0 to 1; a load above 1 draws what full load draws.
    #[must_use]
    pub fn at(&self, load: f64) -> Watts {
        let last = self.0.len() - 1;
        let x = load.clamp(0.0, 1.0) * last as f64;
        let i = (x as usize).min(last - 1);
        let (a, b) = (self.0[i].get(), self.0[i + 1].get());
        Watts::new(a + (b - a) * (x - i as f64)).expect("between two powers lies a power")
    }

    /// The points.
    #[must_use]
    pub fn points(&self) -> &[Watts] {
        &self.0
    }

    /// Watts without load.
    #[must_use]
    pub fn idle(&self) -> Watts {
        self.0[0]
    }

    /// Watts at full load.
    #[must_use]
    pub fn full(&self) -> Watts {
        self.0[self.0.len() - 1]
    }
}

/// What a host of a class draws.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PowerModel {
    /// Watts by load.
    pub curve: Curve,
    /// Power factor at evenly spaced loads from idle to full; one number: at every load.
    pub power_factor: Vec<PowerFactor>,
    /// What the nameplate says, VA.
    pub nameplate_va: Estimate,
    /// What the nameplate says, W.
    pub nameplate_w: Estimate,
    /// Crest factor of the current of its supplies, where the CVCF is asked about peak current.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub crest_factor: Option<CrestFactor>,
}

impl PowerModel {
    /// The power factor at a load from 0 to 1: straight lines between the points given.
    ///
    /// # Panics
    /// Where no factor was given: `scenarios` refuses that.
    #[must_use]
    pub fn factor_at(&self, load: f64) -> PowerFactor {
        let last = self.power_factor.len() - 1;
        if last == 0 {
            return self.power_factor[0];
        }
        let x = load.clamp(0.0, 1.0) * last as f64;
        let i = (x as usize).min(last - 1);
        let (a, b) = (self.power_factor[i].get(), self.power_factor[i + 1].get());
        PowerFactor::new(a + (b - a) * (x - i as f64)).expect("between two power factors lies a power factor")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn curve(points: &[f64]) -> Result<Curve, BadCurve> {
        Curve::new(points.iter().map(|w| Watts::new(*w).unwrap()).collect())
    }

    #[test]
    fn a_curve_that_falls_starts_at_zero_or_has_one_point_is_refused() {
        assert_eq!(curve(&[0.0, 100.0]), Err(BadCurve::IdleIsZero(0.0)));
        // The copy of a published curve with two points swapped: 241, 288, 263 (models 0.9).
        assert_eq!(curve(&[241.0, 288.0, 263.0]), Err(BadCurve::Falls(1, 288.0, 2, 263.0)));
        assert_eq!(curve(&[200.0]), Err(BadCurve::TooShort(1)));
    }

    #[test]
    fn a_table_is_met_at_its_points() {
        // HP ProLiant ML110 G4, SPECpower_ssj2008.
        let points = [86.0, 89.4, 92.6, 96.0, 99.5, 102.0, 106.0, 108.0, 112.0, 114.0, 117.0];
        let c = curve(&points).unwrap();
        for (i, w) in points.iter().enumerate() {
            assert!((c.at(i as f64 / 10.0).get() - w).abs() < 1e-9);
        }
        assert_eq!(c.at(7.0), c.full());
    }

    proptest! {
        #[test]
        fn more_load_never_draws_less(steps in prop::collection::vec(0.0f64..40.0, 1..11), a in 0.0f64..1.0, b in 0.0f64..1.0) {
            let mut at = 50.0;
            let mut points = vec![at];
            for s in steps { at += s; points.push(at); }
            let c = curve(&points).unwrap();
            let (low, high) = if a < b { (a, b) } else { (b, a) };
            prop_assert!(c.at(low) <= c.at(high));
            prop_assert!(c.idle() <= c.at(a) && c.at(a) <= c.full());
        }

        #[test]
        fn a_lower_idle_never_draws_more(idle in 50.0f64..150.0, less in 0.0f64..49.0, rise in 0.0f64..200.0, load in 0.0f64..1.0) {
            let of = |idle: f64| curve(&[idle, 150.0 + rise]).unwrap();
            prop_assert!(of(idle - less).at(load) <= of(idle).at(load));
        }
    }
}
