//! How many times longer a delay is in a case of the request level than in the course that the case is held against, with
//! the site's virtual I/O and without.
//!
//! It needs the engine: `sim::contrast` answers it.

use serde::Serialize;

use crate::quantity::Nanos;

/// The givens.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CaseDelay {
    /// The case, by name. It is held against what it says itself.
    pub case: String,
    /// Who runs where: an alternative, `plan` or `today`.
    pub fleet: String,
    /// The flows whose delay is meant, by name; empty: all that promise one.
    pub flows: Vec<String>,
    /// Besides, over so long from the start of what is played: while it lasts.
    pub first: Option<Nanos>,
    /// Independent replications, 2 or more.
    pub replications: u32,
}
