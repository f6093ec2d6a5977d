//! Laws: one a file, each with its formula, its source, the range in which it holds and how far off it was.

pub mod cost;
pub mod percentile;
pub mod power;
pub mod share;
pub mod ups;
