//! Renewal: what the steps of a plan do while old and new hosts stand side by side (S0-17, S0-20).
//!
//! The figures are taken from the plan's own steps; the planner counts them.

use serde::Serialize;

/// The givens: those of the site are enough.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Renewal;
