//! Why a step stopped, by name, and what to do next. Whoever reads it at night has not read our code.

use serde::{Deserialize, Serialize};

/// What stopped a step: the closed list. All of them leave the site as it was seen last; none is tried again by itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(tag = "failure", rename_all = "kebab-case")]
pub enum Failure {
    /// A host that should be on does not answer, or is off.
    #[error("host {host} is gone: {why}")]
    HostGone {
        /// Which.
        host: String,
        /// What was tried.
        why: String,
    },
    /// A host was reached, and did not answer in time.
    #[error("the daemon of host {host} hangs: {why}")]
    HostHung {
        /// Which.
        host: String,
        /// What was asked, and for how long.
        why: String,
    },
    /// The host has too little memory for the guest.
    #[error("host {host} has {free_mib} MiB free for guests, and {guest} needs {needed_mib} MiB")]
    NoMemory {
        /// Which.
        host: String,
        /// The guest that was to come.
        guest: String,
        /// What it needs.
        needed_mib: u64,
        /// What is free.
        free_mib: u64,
    },
    /// The guest is not where it should be, and on no host.
    #[error("guest {guest} has vanished: it should be on {host}, and no host runs it")]
    GuestVanished {
        /// Which.
        guest: String,
        /// Where it should be.
        host: String,
    },
    /// The guest runs somewhere else than the plan says.
    #[error("guest {guest} should {should}, and {is}")]
    NotAsPlanned {
        /// Which.
        guest: String,
        /// What the plan says.
        should: String,
        /// What is.
        is: String,
    },
    /// A host is not as the plan says.
    #[error("host {host} should be {should}, and is {is}")]
    HostNotAsPlanned {
        /// Which.
        host: String,
        /// What the plan says.
        should: String,
        /// What is.
        is: String,
    },
    /// Two copies of a guest run.
    #[error("guest {guest} runs on {}: TWO COPIES", hosts.join(" and on "))]
    BothRunning {
        /// Which.
        guest: String,
        /// Where.
        hosts: Vec<String>,
    },
    /// Where the guest is cannot be told, because a host that may have it does not answer.
    #[error("whether guest {guest} runs cannot be told: {} not answering", hosts.join(", "))]
    Unclear {
        /// Which.
        guest: String,
        /// The hosts that do not answer.
        hosts: Vec<String>,
    },
    /// A migration did not end in time, and was aborted; the guest runs where it ran.
    #[error("the migration of {guest} from {from} to {to} did not end within {seconds} s and was aborted; it runs on {from}")]
    NotConverged {
        /// Which.
        guest: String,
        /// Where it runs.
        from: String,
        /// Where it should have gone.
        to: String,
        /// How long it was given.
        seconds: u64,
    },
    /// A migration failed; the guest runs where it ran.
    #[error("the migration of {guest} from {from} to {to} failed; it runs on {from}: {why}")]
    MigrationFailed {
        /// Which.
        guest: String,
        /// Where it runs.
        from: String,
        /// Where it should have gone.
        to: String,
        /// What the hosts say.
        why: String,
    },
    /// A migration neither ends nor can be aborted.
    #[error("the migration of {guest} from {from} to {to} neither ends nor can be aborted: {is}")]
    MigrationStuck {
        /// Which.
        guest: String,
        /// From.
        from: String,
        /// To.
        to: String,
        /// What is seen on both.
        is: String,
    },
    /// A guest did not shut down when it was asked.
    #[error("guest {guest} on {host} did not shut down within {seconds} s")]
    Deaf {
        /// Which.
        guest: String,
        /// Where.
        host: String,
        /// How long it was given.
        seconds: u64,
    },
    /// Nobody can say what the guest is made of.
    #[error("no definition of guest {guest}: {why}")]
    NoDefinition {
        /// Which.
        guest: String,
        /// Where was looked.
        why: String,
    },
    /// Something runs on a host that should be empty.
    #[error("host {host} should be empty, and carries {}", guests.join(", "))]
    NotEmpty {
        /// Which.
        host: String,
        /// What runs there, of the site or not.
        guests: Vec<String>,
    },
    /// The inventory does not allow a host to be switched.
    #[error("the inventory gives no way to power {host} {way}")]
    NoPowerCommand {
        /// Which.
        host: String,
        /// `on` or `off`.
        way: String,
    },
    /// A command of the inventory failed, or the host did not follow it in time.
    #[error("power {way} of host {host}: {why}")]
    Power {
        /// Which.
        host: String,
        /// `on` or `off`.
        way: String,
        /// What went wrong.
        why: String,
    },
    /// A host refused or failed at a call, and nothing changed.
    #[error("host {host} did not {call} {guest}: {why}")]
    Refused {
        /// Which.
        host: String,
        /// What was asked.
        call: String,
        /// Of which guest.
        guest: String,
        /// What it says.
        why: String,
    },
}

impl Failure {
    /// Its name, for programs and for searching.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::HostGone { .. } => "host-gone",
            Self::HostHung { .. } => "host-hung",
            Self::NoMemory { .. } => "no-memory",
            Self::GuestVanished { .. } => "guest-vanished",
            Self::NotAsPlanned { .. } => "not-as-planned",
            Self::HostNotAsPlanned { .. } => "host-not-as-planned",
            Self::BothRunning { .. } => "both-running",
            Self::Unclear { .. } => "unclear",
            Self::NotConverged { .. } => "not-converged",
            Self::MigrationFailed { .. } => "migration-failed",
            Self::MigrationStuck { .. } => "migration-stuck",
            Self::Deaf { .. } => "deaf",
            Self::NoDefinition { .. } => "no-definition",
            Self::NotEmpty { .. } => "not-empty",
            Self::NoPowerCommand { .. } => "no-power-command",
            Self::Power { .. } => "power",
            Self::Refused { .. } => "refused",
        }
    }

    /// What to do next.
    #[must_use]
    pub fn next(&self) -> String {
        match self {
            Self::HostGone { host, .. } => format!(
                "look whether {host} is alive. If its network failed, mend that and resume. If it is dead, make sure that it stays off (pull its \
                 power), then `observe --fenced {host}` and plan with `--lost {host}`"
            ),
            Self::HostHung { host, .. } => format!(
                "look whether {host} is alive. If it is, restart its libvirt daemon (its guests go on running), then resume. If it is dead, make sure that it \
                 stays off (pull its power), then `observe --fenced {host}` and plan with `--lost {host}`"
            ),
            Self::NoMemory { host, .. } => {
                format!("see what else runs on {host} (`observe`), free memory there or plan again from what is")
            }
            Self::GuestVanished { guest, host } => {
                format!("see why {guest} stopped (its log on {host}); start it there and resume, or plan again from what is")
            }
            Self::NotAsPlanned { .. } | Self::HostNotAsPlanned { .. } => {
                "somebody else has changed the site: undo that and resume, or plan again from what is (`plan --replan`)".into()
            }
            Self::BothRunning { guest, hosts } => format!(
                "stop one copy of {guest} BY HAND at once, the one whose disks and users you can do without (on {}); check its disks; nothing was and nothing \
                 will be done to it from here",
                hosts.join(" or ")
            ),
            Self::Unclear { hosts, .. } => format!(
                "make {} answer and resume; or, if it is surely off and stays off, resume with `--fenced {}`",
                hosts.join(", "),
                hosts.join(",")
            ),
            Self::NotConverged { guest, .. } => format!(
                "{guest} dirties memory faster than it can be copied: resume in a quiet hour, allow more bandwidth or downtime in the inventory, or allow \
                 post-copy"
            ),
            Self::MigrationFailed { .. } => "mend what the hosts say, then resume; or roll back".into(),
            Self::MigrationStuck { guest, from, to, .. } => format!(
                "look at {guest} on {from} and {to} by hand (`virsh domjobinfo`, `virsh domjobabort`); when it runs on one of them alone, resume"
            ),
            Self::Deaf { guest, .. } => {
                format!("shut {guest} down from inside and resume; or allow `destroy_after_shutdown` for it in the inventory")
            }
            Self::NoDefinition { guest, .. } => format!("give the inventory a template for {guest}, or bring back the host that knows it"),
            Self::NotEmpty { host, .. } => format!("decide what becomes of what runs on {host}; then resume"),
            Self::NoPowerCommand { host, way } => {
                format!("power {host} {way} by hand and resume, or give the host a `[host.power]` in the inventory")
            }
            Self::Power { host, way, .. } => format!("power {host} {way} by hand and resume"),
            Self::Refused { .. } => "mend what the host says, then resume; or roll back".into(),
        }
    }
}
