//! Rates of events.

use super::nonnegative;

nonnegative!(
    /// Events a second: requests, packets, failures.
    PerSecond, "rate", "/s"
);
