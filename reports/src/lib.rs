//! The only room that writes for people.
//!
//! - [`run`]: what a run found, the input of everything here
//! - [`mod@page`]: `report.html`, one file without a network and without a script
//! - [`text`]: what the terminal shows: [`summary`], [`steps()`], [`verdicts()`], [`measures()`],
//!   [`requests()`], [`studies()`], [`laws()`]
//! - [`json`]: the same content for programs: `measures.json` (the plan's own JSON is in [`models::plan`])
//!
//! Inside: `say` (numbers and quantities in words), `contender` (a fleet as it is compared), `course` (what was played at
//! request level, in words), `plot` (charts by plotters).
//!
//! Nothing here reads a file or the time of day, and nothing is judged here: verdicts come from [`models::rule`], figures
//! from [`sim::measure`] and [`sim::experiment`]. The same run gives the same bytes. Comparison with a paper's targets is not here yet.

mod contender;
mod course;
pub mod json;
pub mod page;
mod plot;
pub mod run;
mod say;
pub mod text;

pub use page::page;
pub use run::{Fleet, Run};
pub use text::{deploy_time, laws, measures, observation, requests, steps, studies, summary, verdicts};

/// A page that could not be written: only a fault of this crate leads here, never a site.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The template and what it is filled with do not agree.
    #[error("the page's template: {0}")]
    Template(#[from] minijinja::Error),
    /// A chart could not be drawn.
    #[error("a chart: {0}")]
    Chart(String),
}
