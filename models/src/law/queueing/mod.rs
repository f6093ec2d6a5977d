//! Queues with an exact answer: what a simulator is proved against, and the quick look before one is run.
//!
//! - one station: Erlang's loss and delay, M/M/c, M/G/1 first come first served
//! - processor sharing: M/G/k-PS, and PS beside guests that never stop
//! - networks: closed (mean value analysis) and open (Jackson)
//! - bursts: batches, a source of two phases, batches at a fixed period
//! - a rate that follows the hour: M_t/M/inf with a sine
//!
//! Rates are per unit of time and times are in that unit, whichever it is, except where [`Nanos`](crate::quantity::Nanos)
//! says otherwise. Every mean is of the steady state. A queue that has none is [`QueueError::Overloaded`], never infinity.
//! Finite buffers, priorities, and percentiles other than M/M/1's are left out: they are simulated.

mod bursty;
mod network;
mod sharing;
mod single;
mod varying;

pub use bursty::{Batch, Contacts, Mmpp2, mx_m_1_number, mx_m_1_sojourn};
pub use network::{Closed, Jackson, Node, Station, jackson, mva};
pub use sharing::{ps_hogs_number, ps_hogs_sojourn, ps_sojourn, ps_sojourn_of_size};
pub use single::{erlang_b, erlang_c, mg1_waiting, mm1_sojourn_quantile, mmc_sojourn, mmc_waiting};
pub use varying::SineRate;

use crate::quantity::QuantityError;

/// Why a queue has no mean.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum QueueError {
    /// As much work arrives as can be done, or more: the queue grows for ever.
    #[error("the queue grows for ever: work arrives at {load} of what can be done, and that must be below 1")]
    Overloaded {
        /// Work that arrives over work that can be done: 1 or more.
        load: f64,
    },
    /// The same, at one node of a network.
    #[error("the queue of node {node} grows for ever: work arrives at {load} of what can be done, and that must be below 1")]
    NodeOverloaded {
        /// The node, from 0.
        node: usize,
        /// Work that arrives over work that can be done: 1 or more.
        load: f64,
    },
    /// An argument that no queue can have.
    #[error(transparent)]
    Argument(#[from] QuantityError),
}

/// Refuses an argument.
fn argument(what: &'static str, value: impl ToString, expected: &'static str) -> QueueError {
    QueueError::Argument(QuantityError { what, value: value.to_string(), unit: "", expected })
}

/// A number that is finite and above zero.
fn positive(what: &'static str, value: f64) -> Result<f64, QueueError> {
    if value.is_finite() && value > 0.0 { Ok(value) } else { Err(argument(what, value, "it must be finite and above 0")) }
}

/// A number that is finite and not negative.
fn nonnegative(what: &'static str, value: f64) -> Result<f64, QueueError> {
    if value.is_finite() && value >= 0.0 { Ok(value) } else { Err(argument(what, value, "it must be finite and not negative")) }
}

/// A count that is not zero.
fn at_least_one(what: &'static str, value: u32) -> Result<f64, QueueError> {
    if value > 0 { Ok(f64::from(value)) } else { Err(argument(what, value, "it must be at least 1")) }
}

/// A load that a steady state can have: from 0 to below 1.
fn below_one(load: f64) -> Result<f64, QueueError> {
    nonnegative("load", load)?;
    if load < 1.0 { Ok(load) } else { Err(QueueError::Overloaded { load }) }
}

/// An answer that a double can hold: arguments near the ends of its range may leave none.
fn finite(answer: f64) -> Result<f64, QueueError> {
    if answer.is_finite() { Ok(answer) } else { Err(argument("mean", answer, "the arguments are too large or too small for a double")) }
}

#[cfg(test)]
pub(crate) mod testing {
    /// The two agree to `digits` parts of the larger: 1e-12 is twelve digits.
    pub fn close(a: f64, b: f64, relative: f64) -> bool {
        (a - b).abs() <= relative * a.abs().max(b.abs())
    }
    /// `value` prints as `printed` to as many decimals as that has.
    pub fn prints(value: f64, printed: &str) {
        let decimals = printed.split_once('.').map_or(0, |(_, d)| d.len());
        assert_eq!(format!("{value:.decimals$}"), printed, "{value}");
    }
}
