//! Laws: one a file, each with its formula, its source, the range in which it holds and how far off it was.

pub mod apparent;
pub mod availability;
pub mod battery;
pub mod branch;
pub mod cost;
pub mod crest;
pub mod failure_rate;
pub mod horizon;
pub mod interference;
pub mod lockup;
pub mod login;
pub mod memory_mix;
pub mod migration;
pub mod network_cap;
pub mod page;
pub mod percentile;
pub mod power;
pub mod queueing;
pub mod restart;
pub mod share;
pub mod supply;
pub mod switching;
pub mod ups;
