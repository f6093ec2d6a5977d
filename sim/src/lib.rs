//! What happens, in order.
//!
//! - [`load`]: what guests ask for, from its description to columns on one grid
//! - [`replay`]: the columns played against a placement: CPU, network, disk, power, demand not served
//! - [`measure`]: what is observed, and how sure it is
//! - [`random`]: named random streams
//!
//! Between changes of placement a step is one pass over columns, never an event a guest. Request-level events come with
//! the engine; their places are kept: `queue.rs` (events in order of time), `event.rs` (the closed list of what can
//! happen), `world.rs` and `step/`.
//!
//! This crate does no I/O and reads no time of day: scenario and seed determine every byte it returns, for any number of
//! threads.

pub mod load;
pub mod measure;
pub mod random;
pub mod replay;
