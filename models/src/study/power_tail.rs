//! How much apparent power is drawn for a small share of the time, under the loads that the hosts share.

use serde::Serialize;

/// The givens. Answered from replays, as no law of single hosts can: what all hosts share makes the tail.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PowerTail {
    /// Shares of the time: above 0, below 1, each less than the one before.
    pub shares: Vec<f64>,
}
