//! The inventory: how each host is reached, what guests are made of, and what may be done. Plans hold names; all else stands here.
//!
//! A connection to libvirt is as good as root on the host, and so is this file: it is refused where others than root (or the one who
//! runs the program) can write to it, to the templates that it names, or to a folder on the way to them.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use uuid::Uuid;

use crate::host::{Address, HowToMigrate};

/// The inventory of a site.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Inventory {
    /// The site that it is for: the name in its plans.
    pub site: String,
    /// The file it was read from.
    pub file: PathBuf,
    /// SHA-256 of the file.
    pub digest: String,
    /// Folder of locks, journals and kept definitions.
    pub state: PathBuf,
    /// Hosts by name.
    pub hosts: BTreeMap<String, HostEntry>,
    /// Guests by name: those that may have to be defined from a template, or are known by UUID. Others are found on the hosts.
    pub guests: BTreeMap<String, GuestEntry>,
    /// How guests are moved.
    pub migration: MigrationPolicy,
    /// How long things may take.
    pub limits: Limits,
    /// What `observe` cannot see: the site file's tables other than hosts, guests and loads.
    pub base: Option<PathBuf>,
}

/// A host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostEntry {
    /// How it is reached.
    pub address: Address,
    /// Its class in the site file.
    pub class: String,
    /// Failure domains that it stands in, as in the site file.
    pub domains: Vec<String>,
    /// Pools of hosts that it belongs to, as in the site file.
    pub pools: Vec<String>,
    /// Storage pools that guests on it may use.
    pub storage_pools: Vec<String>,
    /// Networks that guests on it may use.
    pub networks: Vec<String>,
    /// The memory that guests may have there, MiB.
    pub guest_memory_mib: u64,
    /// How it is switched on and off; nothing: not at all.
    pub power: Option<Power>,
}

/// How a host is switched.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Power {
    /// Words of a command that switches it on. Run as they are, without a shell.
    #[serde(default)]
    pub on: Option<Vec<String>>,
    /// Words of a command that switches it off in an orderly way.
    #[serde(default)]
    pub off: Option<Vec<String>>,
    /// Words of a command that prints a line with the word `on` or `off`.
    #[serde(default)]
    pub status: Option<Vec<String>>,
    /// The MAC address to which a wake-on-LAN packet is sent, instead of `on`.
    #[serde(default)]
    pub wake_on_lan: Option<String>,
}

/// A guest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GuestEntry {
    /// Its identity.
    pub uuid: Option<Uuid>,
    /// What it is made from where no host and no kept definition knows it.
    pub made_from: Option<MadeFrom>,
    /// Whether it may be stopped as by pulling its plug when it does not shut down in time.
    pub destroy_after_shutdown: bool,
}

/// A template, and what is put into it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MadeFrom {
    /// The template's file: domain XML.
    pub template: PathBuf,
    /// Memory, MiB.
    pub memory_mib: u64,
    /// Virtual CPUs.
    pub vcpus: u32,
    /// Its disks, in order: storage pool and volume.
    pub volumes: Vec<Volume>,
    /// Its networks, in order.
    pub networks: Vec<String>,
}

/// A volume of a storage pool.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Volume {
    /// The pool.
    pub pool: String,
    /// The volume's name: no path.
    pub volume: String,
}

/// How guests are moved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MigrationPolicy {
    /// As asked of hosts.
    pub how: HowToMigrate,
    /// How long one may take before it is aborted, s.
    pub timeout_s: u64,
    /// How long it may go on as post-copy, where that is allowed, s.
    pub post_copy_timeout_s: u64,
}

/// How long things may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Any other call, s.
    pub call_s: u64,
    /// A guest's start, s.
    pub start_s: u64,
    /// A guest's shutdown, s.
    pub shut_down_s: u64,
    /// A host's boot until its libvirt answers, s.
    pub boot_s: u64,
    /// A host's power-off, s.
    pub power_off_s: u64,
    /// How long what is unclear may take to become clear, s.
    pub settle_s: u64,
}

/// An inventory that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum NotAnInventory {
    /// It cannot be read.
    #[error("cannot read {}: {source}", path.display())]
    Io {
        /// Which.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// Others can write to it, or to something on the way to it.
    #[error("{}: {why}; {mend}", path.display())]
    Open {
        /// Which file or folder.
        path: PathBuf,
        /// Who can write.
        why: String,
        /// What to do: a command.
        mend: String,
    },
    /// A key is wrong.
    #[error("{}, line {line}, column {column}: key `{key}`: {why}", path.display())]
    Key {
        /// Which file.
        path: PathBuf,
        /// Where.
        line: usize,
        /// Where.
        column: usize,
        /// Which key; empty where the text is no TOML.
        key: String,
        /// What is wrong, with the value, and what would be right.
        why: String,
    },
}

impl Inventory {
    /// Reads an inventory and checks who can write to it and to what it names.
    ///
    /// # Errors
    /// A file that others can write to; a key that is missing, unknown or out of range, with its place.
    pub fn read(file: &Path) -> Result<Self, NotAnInventory> {
        let _ = file;
        todo!()
    }
}
