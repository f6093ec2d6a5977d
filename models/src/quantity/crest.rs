//! Crest factor of a current.

use super::QuantityError;

/// The peak of a current over its effective (rms) value: at least 1. A sine has the root of 2, a supply without correction
/// of its power factor 2 to 3.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(try_from = "f64", into = "f64")]
#[schemars(with = "f64")]
pub struct CrestFactor(f64);

impl CrestFactor {
    /// A crest factor.
    ///
    /// # Errors
    /// Where the number is below 1 or not finite: no current has a peak below its effective value.
    pub fn new(value: f64) -> Result<Self, QuantityError> {
        if value >= 1.0 && value.is_finite() {
            Ok(Self(value))
        } else {
            Err(QuantityError { what: "crest factor", value: value.to_string(), unit: "", expected: "it must be finite and at least 1" })
        }
    }

    /// The factor as a number.
    #[must_use]
    pub const fn get(self) -> f64 {
        self.0
    }
}

impl TryFrom<f64> for CrestFactor {
    type Error = QuantityError;
    fn try_from(value: f64) -> Result<Self, Self::Error> {
        Self::new(value)
    }
}
impl From<CrestFactor> for f64 {
    fn from(it: CrestFactor) -> f64 {
        it.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_peak_below_the_effective_value_is_refused() {
        for bad in [0.99, 0.0, -1.4, f64::NAN, f64::INFINITY] {
            assert!(CrestFactor::new(bad).is_err(), "{bad}");
        }
        assert_eq!(CrestFactor::new(1.0).unwrap().get(), 1.0);
    }
}
