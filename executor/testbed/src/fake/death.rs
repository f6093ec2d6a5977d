//! The executor's death at a chosen moment: as by kill -9 between two of its instructions.
//!
//! It is a panic with a payload of its own, which passes no panic hook and which [`killed`] alone takes for a death.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use super::state::State;

/// The executor was killed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Killed;

/// On which side of a call the executor dies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CallCrash {
    /// The call is never sent.
    Before,
    /// The call is on its way.
    After,
}

/// At which moment of an append to a journal the executor dies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AppendCrash {
    /// Nothing of it is on disk.
    Before,
    /// A part of it is on disk, at least one byte and not all.
    Torn,
    /// It is appended and not synced: all, a part or none of it is on disk, as drawn from the seed.
    Unsynced,
    /// It is on disk, and the executor dies when its sync returns.
    Synced,
}

pub(super) fn die() -> ! {
    resume_unwind(Box::new(Killed))
}

/// Runs the executor until it ends or is killed. Any other panic is passed on.
///
/// # Errors
/// It was killed.
pub fn killed<T>(run: impl FnOnce() -> T) -> Result<T, Killed> {
    catch_unwind(AssertUnwindSafe(run)).map_err(|payload| match payload.downcast::<Killed>() {
        Ok(killed) => *killed,
        Err(other) => resume_unwind(other),
    })
}

impl State {
    /// What the executor's death does to the world: calls that are on their way go on, peer-to-peer migrations too; managed ones are
    /// rolled back, mostly; what was appended and not synced is lost, or not.
    pub(super) fn executor_dies(&mut self) {
        self.life += 1;
        self.stop_is_asked = false;
        self.note("the executor is dead");
        self.driver_lost(None);
        for disk in self.disks.values_mut() {
            disk.crash(&mut self.platter);
        }
    }
}
