//! Time as a whole number of nanoseconds, never a float.

/// A span of simulated time, or an instant counted from the start of the horizon, in nanoseconds.
///
/// The range is 584 years.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(transparent)]
pub struct Nanos(pub u64);

impl Nanos {
    /// The start, or no time at all.
    pub const ZERO: Self = Self(0);

    /// Whole seconds.
    ///
    /// # Panics
    /// Above 18 thousand million seconds (584 years).
    #[must_use]
    pub const fn seconds(s: u64) -> Self {
        Self(s * 1_000_000_000)
    }

    /// Whole milliseconds.
    #[must_use]
    pub const fn millis(ms: u64) -> Self {
        Self(ms * 1_000_000)
    }

    /// The span of so many seconds, to the nearest nanosecond.
    ///
    /// ```
    /// use models::quantity::Nanos;
    /// assert_eq!(Nanos::from_seconds(1.5)?, Nanos::millis(1500));
    /// assert!(Nanos::from_seconds(-1.0).is_err());
    /// # Ok::<(), models::quantity::QuantityError>(())
    /// ```
    ///
    /// # Errors
    /// Where the number is negative, not a number, or beyond 584 years.
    pub fn from_seconds(s: f64) -> Result<Self, super::QuantityError> {
        let ns = (s * 1e9).round();
        // 2^64 as a double; below it every whole double is a u64.
        if (0.0..18_446_744_073_709_551_616.0).contains(&ns) {
            Ok(Self(ns as u64))
        } else {
            Err(super::QuantityError { what: "time", value: s.to_string(), unit: "s", expected: "it must be from 0 to 584 years" })
        }
    }

    /// The span in hours, for energy and prices.
    #[must_use]
    pub fn hours(self) -> f64 {
        self.0 as f64 / 3.6e12
    }

    /// The span in seconds.
    #[must_use]
    pub fn as_seconds(self) -> f64 {
        self.0 as f64 / 1e9
    }

    /// `self` taken `n` times.
    #[must_use]
    pub const fn times(self, n: u64) -> Self {
        Self(self.0 * n)
    }
}

impl std::ops::Add for Nanos {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Self(self.0 + other.0)
    }
}

/// Day and clock of the horizon: `day 3 14:05:00`, days from 1.
impl std::fmt::Display for Nanos {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let s = self.0 / 1_000_000_000;
        write!(f, "day {} {:02}:{:02}:{:02}", s / 86_400 + 1, s / 3600 % 24, s / 60 % 60, s % 60)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_instant_reads_as_day_and_clock() {
        assert_eq!(Nanos::seconds(2 * 86_400 + 14 * 3600 + 5 * 60).to_string(), "day 3 14:05:00");
    }
}
