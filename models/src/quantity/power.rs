//! Real power, apparent power, power factor and energy.

use super::{Nanos, QuantityError, nonnegative};

nonnegative!(
    /// Real power, in watts: finite and never negative.
    ///
    /// ```
    /// use models::quantity::{PowerFactor, Watts};
    /// let apparent = Watts::new(950.0)?.apparent(PowerFactor::new(0.95)?);
    /// assert_eq!(apparent.get(), 1000.0);
    /// # Ok::<(), models::quantity::QuantityError>(())
    /// ```
    ///
    /// Watts and volt-amperes do not add:
    /// ```compile_fail
    /// use models::quantity::{VoltAmperes, Watts};
    /// let _ = Watts::ZERO + VoltAmperes::ZERO;
    /// ```
    Watts, "real power", "W"
);
nonnegative!(
    /// Apparent power, in volt-amperes: what a CVCF is rated in.
    VoltAmperes, "apparent power", "VA"
);
nonnegative!(
    /// Energy, in watt-hours.
    WattHours, "energy", "Wh"
);

/// Real power over apparent power: above 0, at most 1.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(try_from = "f64", into = "f64")]
#[schemars(with = "f64")]
pub struct PowerFactor(f64);

impl PowerFactor {
    /// A load that draws no more than it uses.
    pub const UNITY: Self = Self(1.0);

    /// A power factor.
    ///
    /// # Errors
    /// Where the number is not above 0 and at most 1.
    pub fn new(value: f64) -> Result<Self, QuantityError> {
        if value > 0.0 && value <= 1.0 {
            Ok(Self(value))
        } else {
            Err(QuantityError { what: "power factor", value: value.to_string(), unit: "", expected: "it must be above 0 and at most 1" })
        }
    }

    /// The factor as a number.
    #[must_use]
    pub const fn get(self) -> f64 {
        self.0
    }
}

impl TryFrom<f64> for PowerFactor {
    type Error = QuantityError;
    fn try_from(value: f64) -> Result<Self, Self::Error> {
        Self::new(value)
    }
}
impl From<PowerFactor> for f64 {
    fn from(it: PowerFactor) -> f64 {
        it.0
    }
}

impl Watts {
    /// The apparent power that a load of this factor draws for `self`: S = P / PF.
    #[must_use]
    pub fn apparent(self, factor: PowerFactor) -> VoltAmperes {
        VoltAmperes(self.0 / factor.0)
    }

    /// The reactive part of the same load, in var: Q = P * tan(arccos PF), taken as displacement.
    #[must_use]
    pub fn reactive_var(self, factor: PowerFactor) -> f64 {
        self.0 * (1.0 - factor.0 * factor.0).max(0.0).sqrt() / factor.0
    }

    /// The energy of this power held for `time`.
    #[must_use]
    pub fn over(self, time: Nanos) -> WattHours {
        WattHours(self.0 * time.hours())
    }

    /// `self` times a plain number that is finite and not negative.
    ///
    /// # Panics
    /// Where the number is negative or not finite: only our own code can do that.
    #[must_use]
    pub fn scaled(self, by: f64) -> Self {
        Self::new(self.0 * by).expect("a power is scaled by a finite number that is not negative")
    }
}

impl VoltAmperes {
    /// The real power that an output of this factor can deliver: P = S * PF.
    #[must_use]
    pub fn real(self, factor: PowerFactor) -> Watts {
        Watts(self.0 * factor.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn negative_infinite_and_nan_watts_are_refused() {
        for bad in [-1.0, f64::NAN, f64::INFINITY] {
            assert!(Watts::new(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_30_kva_cvcf_of_output_factor_0_8_delivers_24_kw() {
        // models A1: 30 kVA at 0.8 is 24 kW.
        let rating = VoltAmperes::new(30_000.0).unwrap();
        assert_eq!(rating.real(PowerFactor::new(0.8).unwrap()), Watts::new(24_000.0).unwrap());
    }

    #[test]
    fn halving_the_power_factor_doubles_the_apparent_power() {
        let p = Watts::new(400.0).unwrap();
        let s1 = p.apparent(PowerFactor::new(0.9).unwrap()).get();
        let s2 = p.apparent(PowerFactor::new(0.45).unwrap()).get();
        assert!((s2 - 2.0 * s1).abs() < 1e-9);
    }

    #[test]
    fn real_and_reactive_make_apparent() {
        let (p, pf) = (Watts::new(800.0).unwrap(), PowerFactor::new(0.8).unwrap());
        assert!((p.get().hypot(p.reactive_var(pf)) - p.apparent(pf).get()).abs() < 1e-9);
    }

    #[test]
    fn a_power_factor_of_zero_or_above_one_is_refused() {
        for bad in [0.0, -0.5, 1.01, f64::NAN] {
            assert!(PowerFactor::new(bad).is_err(), "{bad}");
        }
    }
}
