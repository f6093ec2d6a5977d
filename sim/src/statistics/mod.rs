//! What the numbers of many runs say, and how sure they are of it.
//!
//! - [`delay`]: a histogram of delays of fixed size: mean, quantiles with intervals, share above a limit
//! - [`replications`]: a figure over independent runs: Student's t, paired differences, shares, coverage
//! - [`stopping`]: when enough runs have been made
//! - [`warm_up`]: where the steady part of a run begins
//!
//! The unit of evidence is the run: runs are independent of each other, what is observed within one is not. All is a
//! function of its arguments. Student's t comes from `statrs`, whose last digit may differ between platforms; the binomial
//! distribution is summed here (see `binomial.rs`), the same on every platform. Comparing many plans at once (ranking and
//! selection) and rare-event splitting are left out.

mod binomial;
pub mod delay;
pub mod replications;
pub mod stopping;
pub mod warm_up;

#[cfg(test)]
mod accuracy;

pub use delay::{Delays, Quantile};
pub use replications::{Paired, Share, Summary, at_most, bonferroni, coverage, interval, paired, share};
pub use stopping::{Decision, Stopping};
pub use warm_up::{WarmUp, mser_5};

/// The part of 95 % that a two-sided interval with equal tails leaves on each side.
const TAIL: f64 = 0.025;
