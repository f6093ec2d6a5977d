//! CPU capacity and CPU work.

use super::{Nanos, nonnegative};

nonnegative!(
    /// CPU capacity or demand in MHz: clock times cores (or times the part of a core in use).
    ///
    /// It compares machines of one kind by clock alone. A site whose machines differ in work per clock gives each class
    /// an equivalent clock and says where it got it.
    Mhz, "CPU capacity", "MHz"
);

impl Mhz {
    /// The unit that demand columns hold: kHz, as a whole number.
    #[must_use]
    pub fn khz(self) -> u64 {
        (self.0 * 1000.0).round() as u64
    }

    /// The capacity of a whole number of kHz.
    #[must_use]
    pub fn from_khz(khz: u64) -> Self {
        Self(khz as f64 / 1000.0)
    }

    /// `self` taken `n` times.
    #[must_use]
    pub fn times(self, n: f64) -> Self {
        Self(self.0 * n)
    }
}

/// CPU work: capacity held for a time, exact, in kHz x ns.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, serde::Serialize, serde::Deserialize)]
#[serde(transparent)]
pub struct CpuWork(pub u128);

impl CpuWork {
    /// `khz` held for `time`.
    #[must_use]
    pub fn of(khz: u64, time: Nanos) -> Self {
        Self(u128::from(khz) * u128::from(time.0))
    }

    /// The same work in seconds of one core of `core`.
    #[must_use]
    pub fn core_seconds(self, core: Mhz) -> f64 {
        self.0 as f64 / 1e9 / (core.get() * 1000.0)
    }

    /// The same work in GHz-hours.
    #[must_use]
    pub fn ghz_hours(self) -> f64 {
        self.0 as f64 / 1e6 / 3.6e12
    }
}
impl std::ops::Add for CpuWork {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Self(self.0 + other.0)
    }
}
impl std::iter::Sum for CpuWork {
    fn sum<I: Iterator<Item = Self>>(it: I) -> Self {
        it.fold(Self(0), |a, b| a + b)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_hour_of_one_2_ghz_core_is_3600_core_seconds_and_2_ghz_hours() {
        let core = Mhz::new(2000.0).unwrap();
        let work = CpuWork::of(core.khz(), Nanos::seconds(3600));
        assert!((work.core_seconds(core) - 3600.0).abs() < 1e-9);
        assert!((work.ghz_hours() - 2.0).abs() < 1e-12);
    }
}
