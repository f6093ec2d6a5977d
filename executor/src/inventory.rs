//! The inventory: how each host is reached, what guests are made of, and what may be done. Plans hold names; all else stands here.
//!
//! A connection to libvirt is as good as root on the host, and so is this file: it is refused where others than root (or the one who
//! runs the program) can write to it, to what it names, or to a folder on the way to them.
//!
//! It is TOML. All keys are below; those marked * must be there. Paths that are relative begin in the inventory's folder.
//!
//! ```toml
//! site = "three-hosts"              # * the site's name, as in its plans
//! state = "/var/lib/shuyaku"        # * folder of locks, journals and kept definitions
//! base = "base.toml"                # what `observe` cannot see
//!
//! [migration]
//! mode = "peer-to-peer"             # default; or "managed": rolled back when this program dies
//! bandwidth_mib_per_s = 800         # default: as fast as it goes
//! max_downtime_ms = 300             # default: the hypervisor's own
//! timeout_s = 600                   # default
//! on_timeout = "abort"              # default; or "post-copy"
//! post_copy_timeout_s = 600         # default
//!
//! [limits]                          # with the defaults, s
//! call_s = 15
//! start_s = 60
//! shut_down_s = 180
//! boot_s = 900
//! power_off_s = 300
//! settle_s = 60
//!
//! [[host]]
//! name = "h1"                       # *
//! uri = "qemu+tls://h1.example/system"       # * qemu, qemu+unix, qemu+tls, qemu+ssh; for tests qemu+tcp (not encrypted), test
//! peer_uri = "qemu+tls://h1.internal/system" # how other hosts reach it; default: `uri`
//! class = "blade"                   # * as in the site file, like the next two
//! domains = ["rack-1"]
//! pools = ["servers"]
//! storage_pools = ["images"]        # what guests on it may use; default: none
//! networks = ["front"]              # likewise
//! guest_memory_mib = 65536          # *
//! [host.power]                      # default: not switched at all
//! on = ["/usr/bin/ipmitool", "-H", "h1-bmc", "chassis", "power", "on"]     # run without a shell; or instead of `on`:
//! # wake_on_lan = "52:54:00:12:34:56"
//! off = ["/usr/bin/ipmitool", "-H", "h1-bmc", "chassis", "power", "soft"]
//! status = ["/usr/bin/ipmitool", "-H", "h1-bmc", "chassis", "power", "status"]
//!
//! [[template]]
//! name = "small"                    # *
//! file = "templates/small.xml"      # * domain XML without what differs from guest to guest: see `domain_xml`
//!
//! [[guest]]
//! name = "web-1"                    # *
//! uuid = "3b8f5c0e-5a55-4c1c-9d44-0c1f6d8a7b01"  # * with `template`
//! template = "small"                # default: found on the hosts, never made
//! memory_mib = 2048                 # * with `template`, and never without, like the next three
//! vcpus = 2                         # * with `template`
//! volumes = [{ pool = "images", volume = "web-1.qcow2" }]   # vda, vdb ...; what does not end in .qcow2 is raw
//! networks = ["front"]
//! destroy_after_shutdown = false    # default
//! ```

mod address;
mod keys;
pub(crate) mod owner;
mod read;

pub(crate) use read::is_volume;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use uuid::Uuid;

use crate::domain_xml::{self, NotADefinition};
use crate::host::{Address, Definition, HowToMigrate};
pub use owner::Untrusted;

/// The longest inventory, in bytes: 4 MiB.
pub const MOST_BYTES: u64 = 4 << 20;

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
    /// It, or a file that it names, cannot be read, is too long, or others can write to it.
    #[error(transparent)]
    Untrusted(#[from] Untrusted),
    /// A key is wrong.
    #[error("{}, line {line}, column {column}: {}{why}", path.display(), named(key))]
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
    /// A guest cannot be made from its template.
    #[error("{}, for guest {guest}: {source}", path.display())]
    Template {
        /// The template.
        path: PathBuf,
        /// The guest.
        guest: String,
        /// What is wrong.
        source: Box<NotADefinition>,
    },
}

/// The most of a key that a message shows, in characters.
const MOST_OF_A_KEY: usize = 200;

fn named(key: &str) -> String {
    // A key can be as long as the text.
    if key.is_empty() { String::new() } else { format!("key `{}`: ", models::message::shown(key, MOST_OF_A_KEY)) }
}

impl Inventory {
    /// Reads an inventory and checks who can write to it and to what it names: templates, `base`, `state` and the files of power commands
    /// (these two may not be there yet). Every guest that has a template is made once, so that a template is found wrong here and not
    /// in the middle of a plan.
    ///
    /// # Errors
    /// A file that others can write to; a key that is missing, unknown or out of range, with its place; a template from which a guest
    /// cannot be made.
    pub fn read(file: &Path) -> Result<Self, NotAnInventory> {
        let file = std::path::absolute(file).map_err(|source| Untrusted::Io { path: file.to_owned(), source })?;
        let inventory = Self::from_bytes(&owner::read(&file, MOST_BYTES)?, &file)?;
        owner::check(&inventory.state)?;
        if let Some(base) = &inventory.base {
            owner::read(base, MOST_BASE_BYTES)?;
        }
        for power in inventory.hosts.values().filter_map(|h| h.power.as_ref()) {
            for command in [&power.on, &power.off, &power.status].into_iter().flatten() {
                owner::check(Path::new(&command[0]))?;
            }
        }
        let mut templates: BTreeMap<&Path, String> = BTreeMap::new();
        for (name, entry) in &inventory.guests {
            let Some(made) = &entry.made_from else { continue };
            let template = match templates.get(made.template.as_path()) {
                Some(text) => text,
                None => {
                    let text = read_template(&made.template)?;
                    templates.entry(&made.template).or_insert(text)
                }
            };
            if let Some(host) = inventory.hosts.values().find(|h| h.has_what_it_needs(made)) {
                domain_xml::from_template(template, entry, name, host).map_err(|source| NotAnInventory::Template {
                    path: made.template.clone(),
                    guest: name.clone(),
                    source: Box::new(source),
                })?;
            }
        }
        Ok(inventory)
    }

    /// The inventory that some bytes are. Pure: nobody is asked who can write to the file, and nothing else is opened.
    ///
    /// # Errors
    /// As [`Inventory::from_text`]; and bytes that are not UTF-8.
    pub fn from_bytes(bytes: &[u8], file: &Path) -> Result<Self, NotAnInventory> {
        match std::str::from_utf8(bytes) {
            Ok(text) => Self::from_text(text, file),
            Err(e) => {
                let good = std::str::from_utf8(&bytes[..e.valid_up_to()]).unwrap_or("");
                Err(keys::Source { file, text: good }.error(good.len(), "", "the text is not UTF-8 here; save the file as UTF-8"))
            }
        }
    }

    /// The inventory that a text is. Pure, like [`Inventory::from_bytes`]; `file` is named in errors, and relative paths begin in its
    /// folder.
    ///
    /// # Errors
    /// It is longer than [`MOST_BYTES`], is not TOML, or a key is missing, unknown, of the wrong form, out of range, or does not fit the
    /// others.
    pub fn from_text(text: &str, file: &Path) -> Result<Self, NotAnInventory> {
        read::inventory(text, file)
    }

    /// Makes the definition of a guest for a host from the guest's template, which is read anew.
    ///
    /// # Errors
    /// The inventory lacks the guest, the host, or what the guest is made from; the template cannot be read, others can write to it, or
    /// the guest cannot be made from it there.
    pub fn make(&self, guest: &str, host: &str) -> Result<Definition, NotAnInventory> {
        let wrong =
            |path: &Path, source| NotAnInventory::Template { path: path.to_owned(), guest: guest.to_owned(), source: Box::new(source) };
        let not_made = |why: String| wrong(&self.file, NotADefinition::NotMade { guest: guest.to_owned(), why });
        let entry = self.guests.get(guest).ok_or_else(|| not_made("the inventory does not have it".into()))?;
        let made = entry.made_from.as_ref().ok_or_else(|| not_made("the inventory has no `template` for it".into()))?;
        let host = self.hosts.get(host).ok_or_else(|| not_made(format!("the inventory has no host `{}`", host.escape_debug())))?;
        let template = read_template(&made.template)?;
        domain_xml::from_template(&template, entry, guest, host).map_err(|e| wrong(&made.template, e))
    }
}

/// The longest `base`, in bytes: as long as a site file may be.
const MOST_BASE_BYTES: u64 = 16 << 20;

/// Reads a template that nobody else can write to.
///
/// # Errors
/// It cannot be read, is no UTF-8, is longer than [`domain_xml::MOST_BYTES`], or others can write to it or to a folder on the way.
pub fn read_template(file: &Path) -> Result<String, NotAnInventory> {
    let bytes = owner::read(file, domain_xml::MOST_BYTES)?;
    String::from_utf8(bytes).map_err(|e| Untrusted::Io { path: file.to_owned(), source: std::io::Error::other(e.utf8_error()) }.into())
}

impl HostEntry {
    /// Whether what a guest is made of may be used here, and its memory is not more than all that guests have.
    #[must_use]
    pub fn has_what_it_needs(&self, made: &MadeFrom) -> bool {
        made.memory_mib <= self.guest_memory_mib
            && made.volumes.iter().all(|v| self.storage_pools.contains(&v.pool))
            && made.networks.iter().all(|n| self.networks.contains(n))
    }
}
