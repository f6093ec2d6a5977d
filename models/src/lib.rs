//! What is true of machines whatever the clock does: quantities, sites, demand, laws, rules and plans.
//!
//! - [`quantity`]: units as types
//! - [`site`]: hosts, guests, services, failure domains, the power chain, prices; [`Estimate`] and [`Given`]: how sure we are and who says so
//! - [`demand`]: what guests ask for over time, as a description ([`demand::Load`]) and as columns ([`demand::Demand`])
//! - [`law`]: one law a file: formulas with their source and range
//! - [`rule`]: one rule a file: each says *holds with this margin* or *broken: needed, available, where, when*
//! - [`lint`]: settings that bring guests down and that no rule looks at
//! - [`evacuation`]: a site of which hosts are to carry nothing
//! - [`loss`]: what is left of a site that has just lost hosts
//! - [`study`]: questions that a site asks of single laws, and their answers
//! - [`example`]: a small site, for examples and tests
//! - [`message`]: what others wrote, fit for a message
//! - [`observation`]: what was seen on the hosts of a site over a short while
//! - [`plan`]: a placement, the steps that lead to it, and its one text form
//!
//! This crate knows no clock, no file, no seed and no event. It does not know how a placement is found: the rules
//! recount everything from the site and the demand, so that their word can be trusted against any planner's.

pub mod demand;
pub mod digest;
pub mod distribution;
pub mod estimate;
pub mod evacuation;
pub mod example;
pub mod flow;
pub mod law;
pub mod lint;
pub mod loss;
pub mod message;
pub mod observation;
pub mod plan;
pub mod provenance;
pub mod quantity;
pub mod rule;
pub mod site;
pub mod study;

pub use estimate::Estimate;
pub use provenance::{Given, Provenance};
