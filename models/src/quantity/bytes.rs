//! Data, and what a byte of it costs in time.

use super::nonnegative;

nonnegative!(
    /// An amount of data, in bytes. Sizes in MB are of 1,000,000 bytes.
    Bytes, "amount of data", "B"
);

nonnegative!(
    /// What each byte takes, in seconds a byte.
    SecondsPerByte, "time for a byte", "s/B"
);

impl Bytes {
    /// The same in MB, of 1,000,000 bytes.
    #[must_use]
    pub fn megabytes(self) -> f64 {
        self.get() / 1e6
    }
}

impl SecondsPerByte {
    /// Seconds for so much data.
    #[must_use]
    pub fn seconds(self, data: Bytes) -> f64 {
        self.get() * data.get()
    }

    /// The same for a MB of 1,000,000 bytes.
    #[must_use]
    pub fn per_megabyte(self) -> f64 {
        self.get() * 1e6
    }
}
