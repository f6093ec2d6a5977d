//! The CVCF (UPS): what it may carry and what it loses.
//!
//! # Formula
//! It holds where the sum of VA is within the rating *and* the sum of W within rating x output power factor: with
//! corrected power supplies (PF 0.97) the second binds first on a machine of output factor 0.7 or 0.8.
//! Loss = rating x (a + b x + c x^2), x the load over the rating; efficiency = P / (P + loss).
//!
//! # Range
//! Loads up to the rating. Phases are not told apart. The crest factor is in [`super::crest`], battery time in
//! [`super::battery`], a branch in [`super::branch`].
//!
//! # Source
//! Output factors: makers' data of 1997 (0.7) to today (1.0); the three-part loss: a maker's white paper (models 0.3, A1.3).
//!
//! # Error
//! The parts of the loss are assumed for a machine without a published curve; published no-load shares reach 40 % of all loss.

use crate::quantity::{VoltAmperes, Watts};
use crate::site::Ups;

impl Ups {
    /// The most real power it delivers.
    #[must_use]
    pub fn limit_w(&self) -> Watts {
        self.rating.real(self.output_power_factor)
    }

    /// What it loses while it delivers `load`.
    #[must_use]
    pub fn loss(&self, load: VoltAmperes) -> Watts {
        let x = load.get() / self.rating.get();
        let share = self.loss_no_load + self.loss_proportional * x + self.loss_square * x * x;
        Watts::new(self.rating.get() * share).expect("a load that is not negative makes a loss that is not negative")
    }

    /// The share of what it takes that it passes on, where it delivers `real` and loses `loss`; nothing where both are zero.
    #[must_use]
    pub fn efficiency(real: Watts, loss: Watts) -> Option<f64> {
        let taken = real.get() + loss.get();
        (taken > 0.0).then(|| real.get() / taken)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::quantity::PowerFactor;

    fn cvcf() -> Ups {
        Ups {
            name: "cvcf".into(),
            rating: VoltAmperes::new(30_000.0).unwrap(),
            output_power_factor: PowerFactor::new(0.8).unwrap(),
            loss_no_load: 0.035,
            loss_proportional: 0.03,
            loss_square: 0.02,
            crest_factor: None,
            battery: None,
        }
    }

    #[test]
    fn thirty_kva_at_0_8_carries_24_kw() {
        // S0-2; models A1.3.
        assert!((cvcf().limit_w().get() - 24_000.0).abs() < 1e-9);
    }

    #[test]
    fn half_load_at_factor_1_is_passed_on_with_an_efficiency_of_0_90() {
        // 15 kW of 15 kVA, and 1.65 kW lost: 15 / 16.65 = 0.9009 (models A1.3: about 0.90 at half load).
        let w = Watts::new(15_000.0).unwrap();
        let eta = Ups::efficiency(w, cvcf().loss(VoltAmperes::new(15_000.0).unwrap())).unwrap();
        assert!((eta - 15.0 / 16.65).abs() < 1e-12);
        assert_eq!(Ups::efficiency(Watts::ZERO, Watts::ZERO), None);
    }

    #[test]
    fn half_load_loses_055_of_the_rating() {
        // 0.035 + 0.03 * 0.5 + 0.02 * 0.25 = 0.055.
        assert!((cvcf().loss(VoltAmperes::new(15_000.0).unwrap()).get() - 1650.0).abs() < 1e-9);
    }
}
