//! What happens, in order.
//!
//! - [`engine`]: jobs, columns and faults in one run of events in order of time; [`experiment`]: its replications and cases
//! - [`load`]: what guests ask for, from its description to columns on one grid
//! - [`replay`]: the columns played against a placement: CPU, network, disk, power, demand not served
//! - [`queue`]: events in order of time; [`sharing`]: a resource shared by groups and their jobs; neither knows a site
//! - [`deploy`]: an image to many nodes at once, until all are ready
//! - [`random`]: named random streams and what is drawn from them
//! - [`tail`]: how often much power is drawn, from the loads that hosts share
//! - [`proof`]: the engine held against closed forms
//! - [`measure`]: what a replay observes; [`statistics`]: what many runs say, and how sure they are of it
//!
//! Columns between changes of placement are one pass, never an event a guest; requests are events.
//!
//! This crate does no I/O and reads no time of day: scenario and seed determine every byte it returns, for any number of
//! threads.

pub mod contrast;
pub mod deploy;
pub mod engine;
pub mod experiment;
pub mod load;
pub mod measure;
pub mod proof;
pub mod queue;
pub mod random;
pub mod replay;
pub mod sharing;
pub mod statistics;
pub mod tail;
