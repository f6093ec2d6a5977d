//! The engine: jobs, columns and faults in one run of events in order of time.
//!
//! - [`model`]: what is played; [`arrivals`]: when jobs come
//! - [`event`]: the closed list of what can happen
//! - `world`: the state and its loop; `job`, `fault`, `column`: what follows from each event; `driver`: I/O that a driver domain
//!   passes on; `meter`: power
//! - `audit`: laws of conservation, always on
//! - [`outcome`]: what one run observed
//!
//! A host shares its CPU among guests, and a guest among its jobs, as processor sharing in two levels
//! ([`crate::sharing`]); disks, network ports, shared storage and links are resources of the same kind. A run is a
//! function of its model, seed and replication. A job's work is drawn from a lot of its own, so that it meets the same luck in
//! every candidate.
//!
//! Left out: caches, time slices (their delay is measured beside, see [`outcome::Tally::dispatch_delay_s`]), packet loss,
//! live migration within a run, and anything that a job of one flow knows of another.

pub mod arrivals;
mod audit;
mod column;
mod driver;
pub mod event;
pub mod example;
mod fault;
mod job;
mod meter;
pub mod model;
pub mod outcome;
pub mod prepare;
mod world;

pub use model::Model;
pub use outcome::{Broken, Outcome};

/// Plays a model once.
///
/// # Errors
/// An audit that does not hold: a defect of the engine. Load beyond capacity is an answer ([`Outcome::stopped`]).
pub fn run(model: &Model<'_>, seed: u64, replication: u32) -> Result<Outcome, Box<Broken>> {
    world::World::new(model, seed, replication).run()
}
