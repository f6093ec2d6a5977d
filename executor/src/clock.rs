//! Time of day, waiting, and whether the operator wants a stop: the one place where the executor meets them.

use std::time::Duration;

/// A clock.
pub trait Clock {
    /// Nanoseconds since 1970.
    fn now_unix_ns(&self) -> u64;
    /// Nanoseconds since some moment; never goes back.
    fn monotonic_ns(&self) -> u64;
    /// Waits.
    fn sleep(&self, how_long: Duration);
    /// Whether the operator has asked to stop: no step begins any more, and what is under way is finished.
    fn stop_is_asked(&self) -> bool;
}
