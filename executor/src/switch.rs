//! Switching hosts on and off. Two implementations: the commands and packets of the inventory, and the fake of `testbed`.
//!
//! As with a [`crate::host::Host`], what is begun is polled, and whoever waits decides how long: a command can hang.

/// What is asked of a host's power.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Switch {
    /// Switch it on. That the command has ended does not say that the host has booted.
    On,
    /// Switch it off in an orderly way. That the command has ended does not say that the host is off.
    Off,
    /// Say whether it is on.
    Status,
}

impl Switch {
    /// The word for it.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::On => "power on",
            Self::Off => "power off",
            Self::Status => "read power status",
        }
    }
}

/// Whether a host has power.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PowerState {
    /// It has.
    On,
    /// It has not.
    Off,
}

/// The way to hosts' power.
pub trait PowerSwitch {
    /// Whether there is a way.
    fn can(&self, host: &str, what: Switch) -> bool;

    /// Begins to do it; nothing, where the inventory gives no way. Never blocks.
    ///
    /// Dropping what is returned gives it up: it may still take effect.
    fn begin(&self, host: &str, what: Switch) -> Option<Box<dyn PowerPending>>;
}

/// A power command that was begun.
pub trait PowerPending {
    /// Its end, once it is there: what was seen, or, of [`Switch::On`] and [`Switch::Off`], what was asked; never blocks. Not asked
    /// again after that.
    ///
    /// # Errors
    /// What went wrong, in words.
    fn poll(&mut self) -> Option<Result<PowerState, String>>;
}
