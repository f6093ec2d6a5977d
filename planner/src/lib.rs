//! Which placement, by which steps, or why not.
//!
//! - [`search`]: over *how many hosts of which class*, cheapest first; the answer is one of three
//! - [`pack`]: placements on given hosts: first fit and best fit decreasing, balanced, and a local search on top
//! - `spread`: guests spread evenly, for delay: candidates for a judge that plays requests
//! - [`prefer`]: what is better among placements that cost the same: one network, light hosts
//! - [`recover`]: what to do now that a host is down
//! - [`quick`]: the running sums that the search keeps for itself; the rules never look at them
//! - [`bound`]: lower bounds by volume
//! - [`order`]: the steps from here to there
//! - [`lanes`]: steps that may be done side by side, as far as the judge lets them
//! - [`evacuate`]: how hosts are emptied and stay on
//! - [`stagger`]: boots that follow each other overlap, as far as the CVCF allows
//! - [`beside`]: how many new hosts can be on beside all old ones; [`renewal`]: what a plan's steps do with both
//! - [`explain`]: why nothing fits
//! - [`redundancy`]: what a lost host takes with it, and what cost alone would have done
//!
//! It proposes and never changes a site. Whether a plan is valid is the word of [`models::rule`] alone: every answer has
//! passed [`models::rule::judge`] at its end and [`models::rule::walk`] on its way. Proved bounds, exact search and the
//! best order of steps come later; their places are `bound.rs`, `pack.rs` and `order.rs`.

pub mod alternative;
pub mod beside;
pub mod bound;
pub mod evacuate;
pub mod explain;
pub mod lanes;
pub mod order;
pub mod pack;
pub mod prefer;
pub mod quick;
pub mod recover;
pub mod redundancy;
pub mod renewal;
pub mod search;
mod spread;
pub mod stagger;

pub use search::{Answer, Found, Options, plan};

use models::demand::Demand;
use models::rule::{self, Judgement};
use models::site::{Placement, Site};
use rayon::prelude::*;

/// Every rule's worst word on a placement under several demands, judged side by side.
///
/// # Panics
/// Where there is no demand.
#[must_use]
pub fn judge_all(site: &Site, demands: &[Demand], placement: &Placement) -> Vec<Judgement> {
    rule::worst(demands.par_iter().map(|d| rule::judge(site, d, placement)).collect::<Vec<_>>())
}
