//! Hosts that are up, known by their folder alone: whoever names it can look at them and switch them, from any process.
//!
//! ```text
//! ROOT/owner             locked by the process that the hosts live with
//! ROOT/hosts             how many, and their network of loopback addresses
//! ROOT/guest/            the test guest's image
//! ROOT/serial/NAME.log   what a guest says on its serial port, wherever it runs
//! ROOT/site/             inventory, templates and state of the executor
//! ROOT/hN/               a host: libvirtd.conf and logs, and the daemon's own config, cache, data, log; run is lost with its power
//! ```

use std::fs::{self, DirBuilder, Permissions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt, chown};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use uuid::Uuid;

use super::processes::{Process, all};
use super::run::run;
use super::{COUNT_MAX, needs};
use crate::guest::{self, Guest, Heartbeats, Parts, is_plain};

/// How long `virsh` may take.
const VIRSH_LIMIT: Duration = Duration::from_secs(60);
/// A socket's path has at most 107 bytes, and the longest are 59 longer than the root.
const ROOT_MAX: usize = 48;
/// The daemon's own folders in a host's.
const DAEMONS: [&str; 5] = ["config", "cache", "run", "data", "log"];

/// Hosts on this machine, numbered from 1. That they are up is the matter of [`Hosts`](super::Hosts).
///
/// Everything that takes a host's number panics where there is no such host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Testbed {
    root: PathBuf,
    count: usize,
    network: [u8; 3],
}

/// A guest that runs, as the kernel tells.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct RunningGuest {
    /// Its name.
    pub name: String,
    /// Its identity.
    pub uuid: Uuid,
    /// The process of its QEMU.
    pub pid: i32,
}

impl Testbed {
    /// The hosts whose folder this is.
    ///
    /// # Errors
    /// It is no such folder.
    pub fn at(root: &Path) -> io::Result<Self> {
        let not_one =
            |why: &dyn std::fmt::Display| io::Error::new(io::ErrorKind::NotFound, format!("{}: no hosts here: {why}", root.display()));
        let file = root.join("hosts");
        let text = fs::read_to_string(&file).map_err(|error| not_one(&format!("{}: {error}", file.display())))?;
        let (count, network) = read_hosts(&text).ok_or_else(|| not_one(&format!("{}: it should read `COUNT 127.B.C`", file.display())))?;
        Ok(Self { root: root.canonicalize()?, count, network })
    }

    /// Writes all files of a new one.
    pub(super) fn lay_out(root: &Path, count: usize, network: [u8; 3]) -> io::Result<Self> {
        check_root(root)?;
        let bed = Self { root: root.to_owned(), count, network };
        let [a, b, c] = network;
        fs::write(root.join("hosts"), format!("{count} {a}.{b}.{c}\n"))?;
        for folder in ["guest", "site", "site/state"] {
            make_folder(&root.join(folder))?;
        }
        make_daemons_folder(&bed.serial_folder())?;
        guest::build(&root.join("guest"), &bed.image())?;
        for host in 1..=count {
            let folder = bed.folder(host);
            make_folder(&folder)?;
            for name in DAEMONS {
                make_daemons_folder(&folder.join(name))?;
            }
            for path in ["config/libvirt", "cache/libvirt", "cache/libvirt/qemu", "cache/libvirt/qemu/cache", CAPABILITIES] {
                make_daemons_folder(&folder.join(path))?;
            }
            fs::write(
                folder.join("libvirtd.conf"),
                format!(
                    "listen_tls = 0\nlisten_tcp = 0\nauth_unix_rw = \"none\"\nhost_uuid = \"{}\"\nlog_outputs = \"3:file:{}\"\n",
                    bed.host_uuid(host),
                    bed.daemon_log(host).display()
                ),
            )?;
            // Without them a host that receives a migration tells the other its host name, which nobody can resolve.
            let address = format!("{a}.{b}.{c}.{host}");
            fs::write(
                folder.join("config/libvirt/qemu.conf"),
                format!("migration_address = \"{address}\"\nmigration_host = \"{address}\"\nstdio_handler = \"file\"\n"),
            )?;
        }
        Ok(bed)
    }

    /// Their folder.
    #[must_use]
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// How many there are.
    #[must_use]
    pub const fn count(&self) -> usize {
        self.count
    }

    /// A host's name: `h1`, `h2`, ...
    #[must_use]
    pub fn name(&self, host: usize) -> String {
        assert!((1..=self.count).contains(&host), "host {host}: there are {}, numbered from 1", self.count);
        format!("h{host}")
    }

    /// The URI of its libvirt, for us and for other hosts.
    #[must_use]
    pub fn uri(&self, host: usize) -> String {
        format!("qemu+unix:///session?socket={}/run/libvirt/libvirt-sock", self.folder(host).display())
    }

    /// What its libvirt calls the host: no other on this machine that is up has the same.
    #[must_use]
    pub fn host_uuid(&self, host: usize) -> Uuid {
        let [_, b, c] = self.network.map(u128::from);
        Uuid::from_u128(0x7e57_bed0_0000_4000_8000_0000_0000_0000 | b << 24 | c << 16 | u128::try_from(host).unwrap_or(0))
    }

    /// Its folder.
    #[must_use]
    pub fn folder(&self, host: usize) -> PathBuf {
        self.root.join(self.name(host))
    }

    /// Runs `virsh` on a host, for at most a minute: what it prints, without the last line's end.
    ///
    /// # Errors
    /// What `virsh` says. It has not ended in time, and was killed ([`io::ErrorKind::TimedOut`]).
    pub fn virsh(&self, host: usize, words: &[&str]) -> io::Result<String> {
        self.virsh_within(VIRSH_LIMIT, host, words)
    }

    /// The same with another limit.
    ///
    /// # Errors
    /// As [`Testbed::virsh`].
    pub fn virsh_within(&self, limit: Duration, host: usize, words: &[&str]) -> io::Result<String> {
        let mut virsh = Command::new("virsh");
        virsh.args(["-q", "-c", &self.uri(host)]).args(words).env("LC_ALL", "C");
        let output = run(&mut virsh, limit)?;
        if !output.status.success() {
            let said = String::from_utf8_lossy(&output.stderr);
            return Err(io::Error::other(format!("{}: virsh {}: {}", self.name(host), words.join(" "), said.trim())));
        }
        Ok(String::from_utf8_lossy(&output.stdout).trim_end().to_owned())
    }

    /// The guests whose QEMU runs on a host, by name. The kernel says so, not libvirt; a copy that a migration is bringing counts.
    #[must_use]
    pub fn guests_running(&self, host: usize) -> Vec<RunningGuest> {
        let mut guests: Vec<_> = self
            .processes_on(host)
            .into_iter()
            .filter(|process| process.program().starts_with("qemu-system"))
            .filter_map(|process| {
                let (name, uuid) = (process.value_of("-name", "guest=")?.to_owned(), process.value_of("-uuid", "")?.parse().ok()?);
                Some(RunningGuest { name, uuid, pid: process.pid })
            })
            .collect();
        guests.sort();
        guests
    }

    /// The processes that live in a host; none where it is off.
    pub(super) fn processes_on(&self, host: usize) -> Vec<Process> {
        let Some(namespace) = self.first_process(host).and_then(|first| first.namespace()) else { return Vec::new() };
        all().into_iter().filter(|process| process.namespace().as_ref() == Some(&namespace)).collect()
    }

    /// The domain XML of a guest: emulated, without disk and network.
    ///
    /// # Panics
    /// A name with characters other than letters, digits, `-`, `_` and `.`.
    #[must_use]
    pub fn guest_xml(&self, guest: &Guest) -> String {
        guest.xml(&Parts { emulator: &self.emulator(), image: &self.image(), serial: &self.serial(&guest.name) })
    }

    /// A template for the executor's inventory, of this guest alone: the same without name, UUID, memory and CPUs.
    ///
    /// # Panics
    /// As [`Testbed::guest_xml`].
    #[must_use]
    pub fn template_xml(&self, guest: &Guest) -> String {
        guest.template(&Parts { emulator: &self.emulator(), image: &self.image(), serial: &self.serial(&guest.name) })
    }

    /// Makes a guest known to a host.
    ///
    /// # Errors
    /// What `virsh` says.
    pub fn define(&self, host: usize, guest: &Guest) -> io::Result<()> {
        let file = self.root.join("site").join(format!("{}.define.{}.xml", guest.name, self.name(host)));
        fs::write(&file, self.guest_xml(guest))?;
        let defined = self.virsh(host, &["define", &file.to_string_lossy()]);
        fs::remove_file(file)?;
        defined.map(drop)
    }

    /// Defines a guest on a host and starts it.
    ///
    /// # Errors
    /// What `virsh` says.
    pub fn start(&self, host: usize, guest: &Guest) -> io::Result<()> {
        self.define(host, guest)?;
        self.virsh(host, &["start", &guest.name]).map(drop)
    }

    /// What a guest has said so far on its serial port; nothing where it never ran.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn heartbeats(&self, name: &str) -> io::Result<Heartbeats> {
        match fs::read(self.serial(name)) {
            Ok(bytes) => Ok(Heartbeats::read(&String::from_utf8_lossy(&bytes))),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Heartbeats::default()),
            Err(error) => Err(error),
        }
    }

    /// Waits until a guest has beaten so many times more than it has now.
    ///
    /// # Errors
    /// It has not within that many seconds and another minute: what it did say.
    pub fn await_beats(&self, name: &str, more: u64) -> io::Result<Heartbeats> {
        let goal = self.heartbeats(name)?.beats() + more;
        let limit = Duration::from_secs(60 + more);
        let reached = super::run::wait_for(limit, || Ok(Some(self.heartbeats(name)?).filter(|seen| seen.beats() >= goal)))?;
        match reached {
            Some(seen) => Ok(seen),
            None => Err(io::Error::new(
                io::ErrorKind::TimedOut,
                format!("{name} did not reach {goal} beats; so far:\n{}", self.heartbeats(name)?),
            )),
        }
    }

    /// The file of a guest's serial port.
    ///
    /// # Panics
    /// As [`Testbed::guest_xml`].
    #[must_use]
    pub fn serial(&self, name: &str) -> PathBuf {
        assert!(is_plain(name), "{name:?} is no name of a test guest");
        self.serial_folder().join(format!("{name}.log"))
    }

    /// Where a host's daemon keeps what it has learnt about QEMU.
    pub(super) fn capabilities(&self, host: usize) -> PathBuf {
        self.folder(host).join(CAPABILITIES)
    }

    pub(super) fn daemon_log(&self, host: usize) -> PathBuf {
        self.folder(host).join("log/libvirtd.log")
    }

    fn serial_folder(&self) -> PathBuf {
        self.root.join("serial")
    }

    fn image(&self) -> PathBuf {
        self.root.join("guest/guest.elf")
    }

    fn emulator(&self) -> PathBuf {
        needs::program("qemu-system-x86_64").unwrap_or_else(|| PathBuf::from("/usr/bin/qemu-system-x86_64"))
    }
}

/// As libvirt 9 names it. Another version that looks elsewhere asks QEMU itself.
const CAPABILITIES: &str = "cache/libvirt/qemu/cache/capabilities";

/// The program `testbed`, which switches hosts from other processes. Cargo builds it beside our own.
///
/// # Errors
/// It is not there.
pub fn binary() -> io::Result<PathBuf> {
    let ours = std::env::current_exe()?;
    let told = std::env::var_os("CARGO_BIN_EXE_testbed").map(PathBuf::from);
    let mut candidates = told.into_iter().chain(ours.ancestors().take(4).map(|folder| folder.with_file_name("testbed")));
    candidates.find(|file| file.is_file()).ok_or_else(|| {
        let why = format!("no program `testbed` in the folders above {}: build it (cargo build -p testbed)", ours.display());
        io::Error::new(io::ErrorKind::NotFound, why)
    })
}

/// `COUNT A.B.C`.
fn read_hosts(text: &str) -> Option<(usize, [u8; 3])> {
    let (count, network) = text.trim_end().split_once(' ')?;
    let count = count.parse().ok().filter(|count| (1..=COUNT_MAX).contains(count))?;
    let bytes: Vec<u8> = network.split('.').map(|byte| byte.parse().ok()).collect::<Option<_>>()?;
    Some((count, bytes.try_into().ok()?))
}

/// Whether daemons can work in this folder.
fn check_root(root: &Path) -> io::Result<()> {
    let refuse = |why: String| Err(io::Error::new(io::ErrorKind::InvalidInput, format!("{}: {why}", root.display())));
    let length = root.as_os_str().len();
    if length > ROOT_MAX {
        return refuse(format!(
            "its path has {length} bytes, and paths of sockets in it would be too long: name one of at most {ROOT_MAX}"
        ));
    }
    if root.to_string_lossy().contains(|c: char| !(c.is_ascii_alphanumeric() || "/-_.".contains(c))) {
        return refuse("its path goes into URIs and settings: use letters, digits, '-', '_' and '.' alone".to_owned());
    }
    if needs::is_root() {
        for folder in root.ancestors() {
            if fs::metadata(folder)?.mode() & 0o001 == 0 {
                return refuse(format!(
                    "daemons run as `nobody` and cannot get into {}: name a folder elsewhere, as in /tmp",
                    folder.display()
                ));
            }
        }
    }
    Ok(())
}

/// Makes a folder that all may look into.
fn make_folder(folder: &Path) -> io::Result<()> {
    DirBuilder::new().mode(0o755).create(folder)?;
    fs::set_permissions(folder, Permissions::from_mode(0o755))
}

/// Makes a folder that daemons write into.
pub(super) fn make_daemons_folder(folder: &Path) -> io::Result<()> {
    make_folder(folder)?;
    if needs::is_root() {
        chown(folder, Some(needs::NOBODY), Some(needs::NOBODY))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_without_hosts_is_said_to_have_none() {
        let folder = tempfile::tempdir().expect("a folder");
        let error = Testbed::at(folder.path()).expect_err("nothing is there").to_string();
        assert!(error.contains("no hosts here"), "{error}");
        fs::write(folder.path().join("hosts"), "three 127.1.2\n").expect("written");
        let error = Testbed::at(folder.path()).expect_err("no number").to_string();
        assert!(error.contains("it should read `COUNT 127.B.C`"), "{error}");
        fs::write(folder.path().join("hosts"), "3 127.1.2\n").expect("written");
        let bed = Testbed::at(folder.path()).expect("hosts");
        assert_eq!((bed.count(), bed.network), (3, [127, 1, 2]));
    }

    #[test]
    fn a_path_too_long_for_sockets_is_refused_before_anything_starts() {
        let error = check_root(Path::new("/tmp/a-folder-with-a-name-that-is-longer-than-can-be-had")).expect_err("too long").to_string();
        assert!(error.contains("56 bytes") && error.contains("at most 48"), "{error}");
    }

    #[test]
    fn a_path_that_would_break_a_uri_is_refused() {
        let error = check_root(Path::new("/tmp/a b?c")).expect_err("it has a blank").to_string();
        assert!(error.contains("letters, digits"), "{error}");
    }

    #[test]
    fn no_two_hosts_have_the_same_identity() {
        let bed = |network| Testbed { root: PathBuf::from("/r"), count: 3, network };
        let all: std::collections::BTreeSet<Uuid> = [[127, 64, 1], [127, 64, 2], [127, 65, 1]]
            .into_iter()
            .flat_map(|network| (1..=3).map(move |host| bed(network).host_uuid(host)))
            .collect();
        assert_eq!(all.len(), 9);
    }
}
