//! The closed list of what can happen.
//!
//! The end of a job's work on a resource is not here: a resource has one alarm, set anew whenever its shares change
//! ([`crate::queue::Timers`]).

/// What can happen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Event {
    /// A generator's next jobs arrive.
    Arrive {
        /// The generator.
        generator: u32,
    },
    /// A client has thought, and asks.
    Ask {
        /// Its flow.
        flow: u32,
    },
    /// A job's pure delay ends.
    Waited {
        /// The job.
        job: u32,
        /// Its turn: a job that has been taken away meanwhile has another.
        turn: u32,
    },
    /// A job that was turned away is tried again.
    Retry {
        /// The job.
        job: u32,
        /// Its turn.
        turn: u32,
    },
    /// The next step of the columns begins.
    Column,
    /// A resource's window opens or closes.
    Window {
        /// Its position in the model's others.
        other: u32,
        /// Opens.
        open: bool,
    },
    /// A fault begins.
    Fails {
        /// The fault.
        fault: u32,
    },
    /// A fault is repaired.
    Repaired {
        /// The fault.
        fault: u32,
        /// Which of its occurrences: a later one is not repaired with it.
        turn: u32,
    },
    /// The battery is empty.
    BatteryEmpty {
        /// The fault.
        fault: u32,
        /// Which of its occurrences.
        turn: u32,
    },
    /// A guest has gone without CPU for as long as its host's kernel stands it.
    Panics {
        /// The fault.
        fault: u32,
        /// Which of its occurrences.
        turn: u32,
    },
    /// Load balancers notice that a guest is down.
    Noticed {
        /// The guest.
        guest: u32,
        /// Its turn.
        turn: u32,
    },
    /// A guest that is down is started: here, or on another host where its own is lost.
    Restart {
        /// The guest.
        guest: u32,
        /// Its turn.
        turn: u32,
    },
    /// A host has booted.
    Booted {
        /// The host.
        host: u32,
        /// Its turn.
        turn: u32,
    },
}
