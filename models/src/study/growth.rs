//! How long a fleet lasts while its load grows, and what is needed then.

use serde::Serialize;

use crate::estimate::Estimate;

/// The givens.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Growth {
    /// Years that are looked at, from 1.
    pub years: u32,
    /// Growth a year, as a share, of loads that give none of their own; with its range.
    pub growth: Option<Estimate>,
}
