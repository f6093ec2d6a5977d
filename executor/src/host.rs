//! A hypervisor as the executor meets it: what can be seen of it, what it can be asked to do, and how a call can end.
//!
//! Two implementations: libvirt, behind the feature of that name, and the fake of `testbed`. A call is begun and then
//! polled, because libvirt's own calls can block for ever on a hung daemon: whoever waits decides how long. A call that was
//! given up, or whose reply was lost, may have taken effect or not: what it did is found out by looking ([`Call::Look`]).
//!
//! Left out: everything that a plan does not need. Storage and networks are named in definitions and never changed.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// How a host is reached. It comes from the inventory alone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Address {
    /// The host's name in the inventory.
    pub name: String,
    /// The URI of its libvirt, as we reach it.
    pub uri: String,
    /// The URI by which other hosts reach it, for peer-to-peer migration.
    pub peer_uri: String,
}

/// A hypervisor.
pub trait Host: Send + Sync {
    /// How it is reached.
    fn address(&self) -> &Address;

    /// Begins a call. Never blocks.
    ///
    /// Dropping what is returned gives the call up: it may still take effect, and the host must go on answering other calls as far as
    /// it can (a new connection, where one is stuck).
    fn begin(&self, call: Call) -> Box<dyn Pending>;
}

/// A call that was begun.
pub trait Pending: Send {
    /// Its end, once it is there; never blocks. Not asked again after that.
    fn poll(&mut self) -> Option<Result<Reply, CallError>>;
}

/// What a host can be asked: the closed list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Call {
    /// All that there is to see of the host and its guests, active and not.
    Look,
    /// The definition of a guest that outlives its shutdown.
    Definition {
        /// The guest.
        guest: Uuid,
    },
    /// Make a guest known. The same definition again changes nothing.
    Define {
        /// What it is made of.
        definition: Definition,
    },
    /// Start a guest that is known.
    Start {
        /// The guest.
        guest: Uuid,
    },
    /// Ask a guest to shut down. The reply says that it was asked: a guest may take its time, and may not listen.
    ShutDown {
        /// The guest.
        guest: Uuid,
    },
    /// Stop a guest as by pulling its plug.
    Destroy {
        /// The guest.
        guest: Uuid,
    },
    /// Forget a guest that does not run.
    Undefine {
        /// The guest.
        guest: Uuid,
    },
    /// Move a running guest live; asked of the host that it runs on. Always: abort on error, persist on the target, undefine at the source.
    Migrate {
        /// The guest.
        guest: Uuid,
        /// Where to.
        to: Address,
        /// How.
        how: HowToMigrate,
    },
    /// Let a migration that was begun with [`HowToMigrate::post_copy`] go on after the guest has been switched over.
    PostCopy {
        /// The guest.
        guest: Uuid,
    },
    /// Abort the job (migration) of a guest; asked of its source.
    AbortJob {
        /// The guest.
        guest: Uuid,
    },
    /// Whether the host starts the guest when it boots. It does not travel with a migration.
    SetAutostart {
        /// The guest.
        guest: Uuid,
        /// Whether.
        on: bool,
    },
    /// Begin to measure how fast a guest dirties its memory, over so many seconds; what was found is in a later [`Call::Look`].
    MeasureDirtyRate {
        /// The guest.
        guest: Uuid,
        /// Over how long, s: 1 to 60.
        seconds: u32,
    },
}

impl Call {
    /// The word for it.
    #[must_use]
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Look => "look",
            Self::Definition { .. } => "read definition",
            Self::Define { .. } => "define",
            Self::Start { .. } => "start",
            Self::ShutDown { .. } => "shut down",
            Self::Destroy { .. } => "destroy",
            Self::Undefine { .. } => "undefine",
            Self::Migrate { .. } => "migrate",
            Self::PostCopy { .. } => "switch to post-copy",
            Self::AbortJob { .. } => "abort job",
            Self::SetAutostart { .. } => "set autostart",
            Self::MeasureDirtyRate { .. } => "measure dirty rate",
        }
    }

    /// Whether it can change anything.
    #[must_use]
    pub const fn acts(&self) -> bool {
        !matches!(self, Self::Look | Self::Definition { .. } | Self::MeasureDirtyRate { .. })
    }
}

/// How a guest is moved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HowToMigrate {
    /// The source host sends by itself (peer to peer): it goes on whatever happens to us. Otherwise we drive it (managed): it is rolled back
    /// when we die.
    pub peer_to_peer: bool,
    /// At most so much, MiB/s; `None`: as fast as it goes.
    pub bandwidth_mib_per_s: Option<u64>,
    /// The longest that the guest may stand still at the end, ms; `None`: the hypervisor's own.
    pub max_downtime_ms: Option<u64>,
    /// Whether post-copy may follow where pre-copy does not end.
    pub post_copy: bool,
}

/// The end of a call that did what it was asked.
#[derive(Debug, Clone, PartialEq)]
pub enum Reply {
    /// It is done.
    Done,
    /// What was seen.
    Seen(Seen),
    /// A definition.
    Definition(Definition),
}

/// The end of a call that did not, or of which nobody knows.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CallError {
    /// The host cannot be reached: nothing was asked of it.
    #[error("cannot be reached: {0}")]
    Unreachable(String),
    /// The connection broke while the call was under way: it may have taken effect.
    #[error("the connection broke: {0}")]
    Lost(String),
    /// Our own deadline passed: it may have taken effect, now or later.
    #[error("no answer within {0} s")]
    Deadline(u64),
    /// The host does not know the guest.
    #[error("no such guest: {0}")]
    NoGuest(String),
    /// The guest is not in a state for it: it runs already, does not run, has no job, is being migrated.
    #[error("not possible in this state: {0}")]
    State(String),
    /// Moving the guest would be unsafe: its disks are not on shared storage.
    #[error("unsafe to migrate: {0}")]
    Unsafe(String),
    /// The job was aborted.
    #[error("aborted: {0}")]
    Aborted(String),
    /// The hypervisor cannot do what the definition or the call asks.
    #[error("not supported: {0}")]
    Unsupported(String),
    /// Anything else that it refused or failed at.
    #[error("{0}")]
    Refused(String),
}

impl CallError {
    /// Whether the call may have taken effect, or may still.
    #[must_use]
    pub const fn is_unknown(&self) -> bool {
        matches!(self, Self::Lost(_) | Self::Deadline(_))
    }
}

/// A host and its guests at a moment.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Seen {
    /// The host.
    pub host: HostSeen,
    /// Its guests, by name.
    pub guests: Vec<GuestSeen>,
}

impl Seen {
    /// This guest, where the host knows it.
    #[must_use]
    pub fn guest(&self, uuid: Uuid) -> Option<&GuestSeen> {
        self.guests.iter().find(|g| g.uuid == uuid)
    }
}

/// What a host says of itself.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct HostSeen {
    /// Its own identity.
    pub uuid: Uuid,
    /// Its host name.
    pub hostname: String,
    /// CPU sockets.
    pub sockets: u32,
    /// Cores in all.
    pub cores: u32,
    /// Hardware threads a core.
    pub threads_per_core: u32,
    /// Clock, MHz; 0 where it is not told.
    pub core_mhz: u32,
    /// Memory installed, KiB.
    pub memory_kib: u64,
    /// Memory that nothing uses, KiB.
    pub memory_free_kib: u64,
    /// Active storage pools and networks by name; empty where the driver has none.
    pub storage_pools: Vec<String>,
    /// Active networks by name.
    pub networks: Vec<String>,
}

/// What a host says of a guest.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct GuestSeen {
    /// Its identity, the same on every host.
    pub uuid: Uuid,
    /// Its name.
    pub name: String,
    /// What it does.
    pub state: GuestState,
    /// Whether its definition outlives a shutdown.
    pub persistent: bool,
    /// Whether the host starts it when it boots.
    pub autostart: bool,
    /// Its memory, KiB.
    pub memory_kib: u64,
    /// Its virtual CPUs.
    pub vcpus: u32,
    /// CPU time since it started here, ns.
    pub cpu_ns: u64,
    /// Bytes over its network interfaces since it started here.
    pub net_bytes: u64,
    /// Bytes from and to its disks since it started here.
    pub disk_bytes: u64,
    /// A job on it (a migration that leaves), where there is one: bytes still to go.
    pub job_remaining_bytes: Option<u64>,
    /// The last measured rate at which it dirtied memory, MiB/s.
    pub dirty_mib_per_s: Option<u64>,
}

/// What a guest does on a host.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum GuestState {
    /// It runs.
    Running,
    /// It stands still for a migration: the copy that comes in, or what a migration left at the source. Never to be resumed by us.
    PausedForMigration,
    /// It stands still, and the rest of its memory is being fetched from here: post-copy is under way. Without this copy the guest is lost.
    PostCopy,
    /// It stands still, and is half here and half there: post-copy broke off.
    PostCopyFailed,
    /// Somebody paused it.
    Paused,
    /// It is on its way down.
    ShuttingDown,
    /// It is known and does not run.
    ShutOff,
    /// It died.
    Crashed,
    /// Something else that we do not touch.
    Other,
}

impl GuestState {
    /// Whether it holds memory and may hold disks.
    #[must_use]
    pub const fn is_active(self) -> bool {
        !matches!(self, Self::ShutOff | Self::Crashed)
    }

    /// Whether it executes, or will by itself.
    #[must_use]
    pub const fn executes(self) -> bool {
        matches!(self, Self::Running | Self::ShuttingDown)
    }

    /// The word for it.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::PausedForMigration => "paused for a migration",
            Self::PostCopy => "in post-copy",
            Self::PostCopyFailed => "in a post-copy that broke off",
            Self::Paused => "paused",
            Self::ShuttingDown => "shutting down",
            Self::ShutOff => "shut off",
            Self::Crashed => "crashed",
            Self::Other => "in another state",
        }
    }
}

/// The definition of a guest: domain XML from a host or from our own writer, never from a plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Definition {
    /// The guest.
    pub uuid: Uuid,
    /// Its name.
    pub name: String,
    /// The domain XML.
    pub xml: String,
}
