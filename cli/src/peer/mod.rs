//! Other programs' own rules, laid on the input: the product's replay and power arithmetic stay as they are, and what a
//! foreign program prints can be held against them.

pub mod cloudsim;
pub mod opendc;
