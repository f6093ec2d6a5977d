//! Quantities as types: a watt is not a volt-ampere, and a time is a whole number of nanoseconds.
//!
//! Each file holds one kind. What crosses a seam as a bare number ends in its unit (`copy_ns_max`, `price_yen`).

mod bytes;
mod cores;
mod cpu;
mod crest;
mod current;
mod data;
mod memory;
mod money;
mod power;
mod rate;
mod time;

pub use bytes::{Bytes, SecondsPerByte};
pub use cores::Cores;
pub use cpu::{CpuWork, Mhz};
pub use crest::CrestFactor;
pub use current::{Amperes, Volts};
pub use data::BytesPerSecond;
pub use memory::MiB;
pub use money::Yen;
pub use power::{PowerFactor, VoltAmperes, WattHours, Watts};
pub use rate::PerSecond;
pub use time::Nanos;

/// A number that cannot be the quantity it was given for.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error("{value} {unit} is not a {what}: {expected}")]
pub struct QuantityError {
    /// What the number was to be, in words.
    pub what: &'static str,
    /// The number as given.
    pub value: String,
    /// The unit it was given in.
    pub unit: &'static str,
    /// What would be right.
    pub expected: &'static str,
}

/// A newtype over `f64` that is finite and never negative, with the arithmetic that keeps it so.
macro_rules! nonnegative {
    ($(#[$doc:meta])* $name:ident, $what:literal, $unit:literal) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, PartialOrd, Default, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
        #[serde(try_from = "f64", into = "f64")]
        #[schemars(with = "f64")]
        pub struct $name(f64);

        impl $name {
            /// Nothing of it.
            pub const ZERO: Self = Self(0.0);

            #[doc = concat!("A ", $what, " in ", $unit, ".")]
            ///
            /// # Errors
            /// Where the number is negative, infinite or not a number.
            pub fn new(value: f64) -> Result<Self, $crate::quantity::QuantityError> {
                if value.is_finite() && value >= 0.0 {
                    Ok(Self(value))
                } else {
                    Err($crate::quantity::QuantityError {
                        what: $what, value: value.to_string(), unit: $unit,
                        expected: "it must be finite and not negative",
                    })
                }
            }

            #[doc = concat!("The number of ", $unit, ".")]
            #[must_use]
            pub const fn get(self) -> f64 { self.0 }

            /// The larger of two.
            #[must_use]
            pub fn max(self, other: Self) -> Self { if other.0 > self.0 { other } else { self } }

            /// What is left when `other` is taken away, and nothing where `other` is more.
            #[must_use]
            pub fn saturating_sub(self, other: Self) -> Self { Self((self.0 - other.0).max(0.0)) }
        }

        impl TryFrom<f64> for $name {
            type Error = $crate::quantity::QuantityError;
            fn try_from(value: f64) -> Result<Self, Self::Error> { Self::new(value) }
        }
        impl From<$name> for f64 { fn from(it: $name) -> f64 { it.0 } }
        impl std::ops::Add for $name { type Output = Self; fn add(self, o: Self) -> Self { Self(self.0 + o.0) } }
        impl std::ops::AddAssign for $name { fn add_assign(&mut self, o: Self) { self.0 += o.0; } }
        impl std::iter::Sum for $name { fn sum<I: Iterator<Item = Self>>(it: I) -> Self { it.fold(Self::ZERO, |a, b| a + b) } }
        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                match f.precision() {
                    Some(p) => write!(f, "{:.*} {}", p, self.0, $unit),
                    None => write!(f, "{} {}", self.0, $unit),
                }
            }
        }
    };
}
pub(crate) use nonnegative;
