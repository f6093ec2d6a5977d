//! Hosts are switched on and off by something that is not their hypervisor: a management controller, a power strip, a packet.

/// What is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Switch {
    /// Switch on.
    On,
    /// Switch off.
    Off,
    /// Say whether it is on.
    Status,
}

/// Whether a host has power.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PowerState {
    /// It has.
    On,
    /// It has not.
    Off,
}

/// Switches hosts.
pub trait PowerSwitch {
    /// Whether the inventory gives a way.
    fn can(&self, host: &str, what: Switch) -> bool;
    /// Begins; never blocks. `None`: the inventory gives no way.
    fn begin(&self, host: &str, what: Switch) -> Option<Box<dyn PowerPending>>;
}

/// A switching that was begun.
pub trait PowerPending {
    /// Its end, once it is there: the state that was read, or the one that was asked for; never blocks. `Err`: what went wrong, in words.
    fn poll(&mut self) -> Option<Result<PowerState, String>>;
}
