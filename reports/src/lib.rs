//! The only room that writes for people.
pub mod run;
