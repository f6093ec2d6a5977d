//! A number with its range.

use serde::{Deserialize, Deserializer, Serialize, de};

/// A number that is used, and the range it may lie in. Written `12.0`, or `{ value = 12.0, low = 10.0, high = 17.0 }`.
///
/// A range is what the giver says: no distribution is read into it, and sums of estimates take all ends together.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, schemars::JsonSchema)]
#[schemars(with = "EstimateForm")]
pub struct Estimate {
    /// The number that the plan uses.
    pub value: f64,
    /// The least it may be.
    pub low: f64,
    /// The most it may be.
    pub high: f64,
}

impl Estimate {
    /// Nothing, for sure.
    pub const ZERO: Self = Self::exactly(0.0);

    /// A number without a range.
    #[must_use]
    pub const fn exactly(value: f64) -> Self {
        Self { value, low: value, high: value }
    }

    /// `self` times a number that is not negative.
    #[must_use]
    pub fn times(self, by: f64) -> Self {
        Self { value: self.value * by, low: self.low * by, high: self.high * by }
    }

    /// The product of two estimates, neither of them negative.
    #[must_use]
    pub fn times_estimate(self, by: Self) -> Self {
        Self { value: self.value * by.value, low: self.low * by.low, high: self.high * by.high }
    }

    /// `self` less `other`: the low end takes the high end of `other`.
    #[must_use]
    pub fn less(self, other: Self) -> Self {
        Self { value: self.value - other.value, low: self.low - other.high, high: self.high - other.low }
    }

    /// Whether a range was given.
    #[must_use]
    pub fn is_ranged(self) -> bool {
        self.low < self.high
    }
}
impl std::ops::Add for Estimate {
    type Output = Self;
    fn add(self, o: Self) -> Self {
        Self { value: self.value + o.value, low: self.low + o.low, high: self.high + o.high }
    }
}
impl std::iter::Sum for Estimate {
    fn sum<I: Iterator<Item = Self>>(it: I) -> Self {
        it.fold(Self::ZERO, |a, b| a + b)
    }
}

/// Reads a result, which may be below zero, unlike a given: `{ value, low, high }`.
///
/// # Errors
/// Another form, a number that is not finite, and a range upside down.
pub fn signed<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Estimate, D::Error> {
    let f = EstimateFields::deserialize(deserializer)?;
    if !(f.low.is_finite() && f.high.is_finite() && f.low <= f.value && f.value <= f.high) {
        return Err(de::Error::custom(format!("low {} <= value {} <= high {} does not hold", f.low, f.value, f.high)));
    }
    Ok(Estimate { value: f.value, low: f.low, high: f.high })
}

/// The two forms in a file.
#[derive(schemars::JsonSchema)]
#[serde(untagged)]
#[allow(dead_code, reason = "only its schema is used")]
enum EstimateForm {
    /// A number without a range.
    Exactly(f64),
    /// A number with its range: low <= value <= high.
    Ranged(EstimateFields),
}

#[derive(Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
struct EstimateFields {
    /// The number that the plan uses.
    value: f64,
    /// The least it may be.
    low: f64,
    /// The most it may be.
    high: f64,
}

impl<'de> Deserialize<'de> for Estimate {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl<'de> de::Visitor<'de> for Visitor {
            type Value = Estimate;
            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a number that is not negative, or { value, low, high }")
            }
            fn visit_f64<E: de::Error>(self, v: f64) -> Result<Estimate, E> {
                checked(Estimate::exactly(v))
            }
            fn visit_i64<E: de::Error>(self, v: i64) -> Result<Estimate, E> {
                self.visit_f64(v as f64)
            }
            fn visit_u64<E: de::Error>(self, v: u64) -> Result<Estimate, E> {
                self.visit_f64(v as f64)
            }
            fn visit_map<A: de::MapAccess<'de>>(self, map: A) -> Result<Estimate, A::Error> {
                let f = EstimateFields::deserialize(de::value::MapAccessDeserializer::new(map))?;
                checked(Estimate { value: f.value, low: f.low, high: f.high })
            }
        }
        deserializer.deserialize_any(Visitor)
    }
}

fn checked<E: de::Error>(it: Estimate) -> Result<Estimate, E> {
    if !(it.low.is_finite() && it.value.is_finite() && it.high.is_finite()) || it.low < 0.0 {
        return Err(E::custom(format!("{} is not a number that is finite and not negative", if it.low < 0.0 { it.low } else { it.value })));
    }
    if !(it.low <= it.value && it.value <= it.high) {
        return Err(E::custom(format!("low {} <= value {} <= high {} does not hold", it.low, it.value, it.high)));
    }
    Ok(it)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_difference_takes_opposite_ends() {
        let a = Estimate { value: 10.0, low: 8.0, high: 12.0 };
        let b = Estimate { value: 5.0, low: 4.0, high: 7.0 };
        assert_eq!(a.less(b), Estimate { value: 5.0, low: 1.0, high: 8.0 });
    }

    #[test]
    fn a_result_may_be_below_zero_and_a_given_may_not() {
        let text = r#"{"value":-1.0,"low":-2.0,"high":3.0}"#;
        let read = |text: &str| signed(&mut serde_json::Deserializer::from_str(text));
        assert_eq!(read(text).unwrap(), Estimate { value: -1.0, low: -2.0, high: 3.0 });
        assert!(serde_json::from_str::<Estimate>(text).is_err());
        assert!(read(r#"{"value":-1.0,"low":0.0,"high":3.0}"#).is_err());
    }

    #[test]
    fn a_range_upside_down_is_refused() {
        assert!(serde_json::from_str::<Estimate>(r#"{"value":1.0,"low":2.0,"high":3.0}"#).is_err());
        assert!(serde_json::from_str::<Estimate>("-1").is_err());
        assert_eq!(serde_json::from_str::<Estimate>("3").unwrap(), Estimate::exactly(3.0));
    }
}
