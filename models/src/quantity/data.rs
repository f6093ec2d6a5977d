//! Data rates.

use super::nonnegative;

nonnegative!(
    /// A rate of data, in bytes a second.
    BytesPerSecond, "data rate", "B/s"
);
