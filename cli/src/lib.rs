//! The program `shuyaku` as a library: its pipeline and its scorecard, so that tests can hold them.
//!
//! - [`args`], [`diagnose`], [`progress`], [`mod@write`]: the command line, errors, progress, files
//! - [`pipeline`]: from a scenario to what was found
//! - [`recovery`]: the same after hosts are lost; [`replan`]: the same where a plan is stale
//! - [`mod@observe`], [`hosts`]: from hosts to a scenario
//! - [`studies`]: questions to single laws; [`power`]: those that replay the compared [`fleets`] again
//! - [`validate`], [`scorecard`]: our figures against published ones
//! - [`peer`]: other programs' own rules, laid on the input so that their figures can be compared with ours

pub mod apply;
pub mod args;
pub mod deploy_time;
pub mod diagnose;
pub mod evacuation;
pub mod fleets;
pub mod hosts;
pub mod observe;
pub mod peer;
pub mod pipeline;
pub mod power;
pub mod progress;
pub mod recovery;
pub mod replan;
pub mod scorecard;
pub mod studies;
pub mod validate;
pub mod write;
