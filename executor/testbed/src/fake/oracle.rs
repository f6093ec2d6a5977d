//! What the world remembers: what it was asked, what happened, and what must never happen.

use executor::host::Call;
use executor::switch::Switch;
use uuid::Uuid;

use super::state::State;

/// What was asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Asked {
    /// Of a hypervisor.
    Call(Call),
    /// Of a host's power.
    Switch(Switch),
}

impl Asked {
    /// Which kind of call it is.
    #[must_use]
    pub const fn kind(&self) -> Kind {
        match self {
            Self::Call(call) => match call {
                Call::Look => Kind::Look,
                Call::Definition { .. } => Kind::Definition,
                Call::Define { .. } => Kind::Define,
                Call::Start { .. } => Kind::Start,
                Call::ShutDown { .. } => Kind::ShutDown,
                Call::Destroy { .. } => Kind::Destroy,
                Call::Undefine { .. } => Kind::Undefine,
                Call::Migrate { .. } => Kind::Migrate,
                Call::PostCopy { .. } => Kind::PostCopy,
                Call::AbortJob { .. } => Kind::AbortJob,
                Call::SetAutostart { .. } => Kind::SetAutostart,
                Call::MeasureDirtyRate { .. } => Kind::MeasureDirtyRate,
            },
            Self::Switch(Switch::On) => Kind::PowerOn,
            Self::Switch(Switch::Off) => Kind::PowerOff,
            Self::Switch(Switch::Status) => Kind::PowerStatus,
        }
    }

    /// The word for it.
    #[must_use]
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Call(call) => call.word(),
            Self::Switch(what) => what.word(),
        }
    }

    /// Whether it can change anything.
    #[must_use]
    pub const fn acts(&self) -> bool {
        match self {
            Self::Call(call) => call.acts(),
            Self::Switch(what) => !matches!(what, Switch::Status),
        }
    }

    /// The guest that it is about, where it is about one.
    #[must_use]
    pub const fn guest(&self) -> Option<Uuid> {
        match self {
            Self::Call(Call::Look) | Self::Switch(_) => None,
            Self::Call(Call::Define { definition }) => Some(definition.uuid),
            Self::Call(
                Call::Definition { guest }
                | Call::Start { guest }
                | Call::ShutDown { guest }
                | Call::Destroy { guest }
                | Call::Undefine { guest }
                | Call::Migrate { guest, .. }
                | Call::PostCopy { guest }
                | Call::AbortJob { guest }
                | Call::SetAutostart { guest, .. }
                | Call::MeasureDirtyRate { guest, .. },
            ) => Some(*guest),
        }
    }
}

/// A kind of call: the closed list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[allow(missing_docs, reason = "each is the call of that name")]
pub enum Kind {
    Look,
    Definition,
    Define,
    Start,
    ShutDown,
    Destroy,
    Undefine,
    Migrate,
    PostCopy,
    AbortJob,
    SetAutostart,
    MeasureDirtyRate,
    PowerOn,
    PowerOff,
    PowerStatus,
}

/// A call that was begun.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CallBegun {
    /// Its number, from 1, in the order in which calls were begun.
    pub number: u64,
    /// When, ns of virtual time.
    pub at_ns: u64,
    /// Of which host.
    pub host: String,
    /// What.
    pub asked: Asked,
}

/// Something that happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Happened {
    /// When, ns of virtual time.
    pub at_ns: u64,
    /// What.
    pub what: String,
}

impl std::fmt::Display for Happened {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:12.6} s  {}", self.at_ns as f64 / 1e9, self.what)
    }
}

/// Who brought something about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Cause {
    /// A call of the executor: its number.
    Call(u64),
    /// Somebody else, by a fault that was asked for.
    Outsider,
    /// A host that has booted and starts its guests.
    Autostart(String),
    /// The course of things.
    Nature,
}

/// What must never happen: the closed list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Violation {
    /// A guest executes on more than one host.
    TwoCopies {
        /// Its name.
        guest: String,
        /// When it began, ns of virtual time.
        at_ns: u64,
        /// The hosts.
        hosts: Vec<String>,
        /// Who brought the last copy about.
        cause: Cause,
    },
    /// The guests of a host hold more memory than it has for guests. libvirt does not look after that.
    Overcommitted {
        /// The host.
        host: String,
        /// When it began, ns of virtual time.
        at_ns: u64,
        /// What they hold, MiB; a copy that comes in counts.
        held_mib: u64,
        /// What there is, MiB.
        guest_memory_mib: u64,
        /// Who brought the last of them there.
        cause: Cause,
    },
    /// A host was switched off by the executor while guests were active on it.
    OffUnderGuests {
        /// The host.
        host: String,
        /// When, ns of virtual time.
        at_ns: u64,
        /// Their names.
        guests: Vec<String>,
        /// The number of the call.
        call: u64,
    },
}

impl Violation {
    /// The number of the executor's call that brought it about; nothing where somebody else did.
    #[must_use]
    pub const fn call(&self) -> Option<u64> {
        match self {
            Self::TwoCopies { cause: Cause::Call(number), .. }
            | Self::Overcommitted { cause: Cause::Call(number), .. }
            | Self::OffUnderGuests { call: number, .. } => Some(*number),
            _ => None,
        }
    }
}

impl State {
    /// Writes down that something happened.
    pub(super) fn note(&mut self, what: impl Into<String>) {
        let at_ns = self.now_ns;
        self.log.push(Happened { at_ns, what: what.into() });
    }

    /// Holds the world against what must never happen; called after whatever changes a guest or a host. A thing is written down when
    /// it begins, and again only after it has ended.
    pub(super) fn judge(&mut self, cause: &Cause) {
        let at_ns = self.now_ns;
        let guests: Vec<(Uuid, String)> = self.natures.iter().map(|(uuid, n)| (*uuid, n.name.clone())).collect();
        for (uuid, guest) in guests {
            let hosts = self.executing(uuid);
            let before = self.copies.insert(uuid, hosts.len()).unwrap_or(0);
            if hosts.len() > 1 && hosts.len() > before {
                self.note(format!("VIOLATION: {guest} executes on {} ({cause:?})", hosts.join(", ")));
                self.violations.push(Violation::TwoCopies { guest, at_ns, hosts, cause: cause.clone() });
            }
        }
        let held: Vec<(String, u64, u64)> =
            self.hosts.iter().map(|(name, h)| (name.clone(), h.held_kib() >> 10, h.guest_memory_mib)).collect();
        for (host, held_mib, guest_memory_mib) in held {
            let before = self.held_mib.insert(host.clone(), held_mib).unwrap_or(0);
            if held_mib > guest_memory_mib && held_mib > before {
                self.note(format!("VIOLATION: guests hold {held_mib} of {guest_memory_mib} MiB of {host} ({cause:?})"));
                self.violations.push(Violation::Overcommitted { host, at_ns, held_mib, guest_memory_mib, cause: cause.clone() });
            }
        }
    }
}
