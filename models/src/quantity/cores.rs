//! Processor cores kept busy.

use super::nonnegative;

nonnegative!(
    /// Cores of a host, or the cores' worth of time that something keeps busy: 0.5 is half of one core's time.
    Cores, "number of cores", "cores"
);

impl Cores {
    /// `self` taken `n` times.
    #[must_use]
    pub fn times(self, n: u32) -> Self {
        Self(self.0 * f64::from(n))
    }
}
