//! Several hosts on one machine: who owns them, how they come up, and that nothing of them is left.
//!
//! A host is a namespace of processes with a host name of its own. In it runs an unprivileged libvirt daemon with folders, an identity
//! and a loopback address of its own, and the daemon's QEMU guests. To end its first process is a power cut: daemon and guests die at
//! once.
//!
//! All hosts die with their [`Hosts`], on a panic too. Should the owning process itself be killed, its lock on the file `owner` goes with
//! it; the first process of each host waits for just that.

use std::fs::{self, DirBuilder, File, OpenOptions, Permissions};
use std::io::{self, Write};
use std::net::{Ipv4Addr, UdpSocket};
use std::ops::Deref;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::thread;

use rustix::fs::{FlockOperation, flock};

mod capabilities;
mod needs;
mod power;
mod processes;
mod run;
mod testbed;

pub use needs::missing;
pub use processes::{Process, processes_of};
pub(crate) use run::run;
pub use testbed::{RunningGuest, Testbed, binary};

/// How folders are named that [`Hosts::up`] makes.
const PREFIX: &str = "shuyaku-testbed-";
/// Each has an address that ends in its number; 254 is the claim's.
const COUNT_MAX: usize = 200;
/// The port of the claim on a network of loopback addresses; nothing listens there.
const CLAIM_PORT: u16 = 49_151;

/// Hosts that are up, and that die with this value.
///
/// What can be done with them is said at [`Testbed`].
#[derive(Debug)]
pub struct Hosts {
    testbed: Testbed,
    /// Its lock says that the hosts have an owner.
    _owner: File,
    /// Keeps our loopback addresses ours, whatever else runs on this machine.
    _network: UdpSocket,
}

/// That many hosts for a test; nothing where something that they need is not there, after a line that says so.
///
/// # Panics
/// The hosts do not come up; and as [`skipped`].
#[must_use]
pub fn hosts_or_skip(count: usize) -> Option<Hosts> {
    (!skipped()).then(|| Hosts::up(count).unwrap_or_else(|why| panic!("the hosts do not come up: {why}")))
}

/// Whether a test with real hosts is to be skipped because something that they need is not there; prints a line that says so.
///
/// # Panics
/// Something is missing although the tests must run: under CI (`CI` is set), or after `./test` has installed it
/// (`SHUYAKU_REQUIRE_LIBVIRT=1`).
#[must_use]
pub fn skipped() -> bool {
    let set = |name: &&str| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    skips(missing().as_deref(), ["CI", "SHUYAKU_REQUIRE_LIBVIRT"].into_iter().find(set))
}

/// The same for what is `missing`, where the variable `must` says that the tests must run.
fn skips(missing: Option<&str>, must: Option<&str>) -> bool {
    match (missing, must) {
        (None, _) => false,
        (Some(missing), None) => {
            eprintln!("skipped: {missing}");
            true
        }
        (Some(missing), Some(must)) => panic!("{missing}, and tests with real hosts must run: {must} is set"),
    }
}

impl Hosts {
    /// That many hosts, `h1`, `h2`, ..., all on, in a new folder among the temporary ones.
    ///
    /// # Errors
    /// What [`missing`] names; a count that is not 1 to 200; whatever keeps a host from coming up, with the end of its log.
    pub fn up(count: usize) -> io::Result<Self> {
        check(count)?;
        sweep(&std::env::temp_dir());
        let folder = tempfile::Builder::new().prefix(PREFIX).rand_bytes(4).tempdir()?;
        Self::bring_up(&folder.keep(), count)
    }

    /// The same in a folder that is empty or not there yet. It is removed at the end.
    ///
    /// # Errors
    /// As [`Hosts::up`]; a folder with something in it; under root, a folder that others cannot get to.
    pub fn up_in(root: &Path, count: usize) -> io::Result<Self> {
        check(count)?;
        Self::bring_up(root, count)
    }

    fn bring_up(root: &Path, count: usize) -> io::Result<Self> {
        DirBuilder::new().recursive(true).mode(0o755).create(root)?;
        let root = root.canonicalize()?;
        if fs::read_dir(&root)?.next().is_some() {
            return Err(io::Error::new(
                io::ErrorKind::AlreadyExists,
                format!("{}: there is something in it; name another folder", root.display()),
            ));
        }
        fs::set_permissions(&root, Permissions::from_mode(0o755))?;
        let (network, claim) = claim_network()?;
        let owner = own(&root)?;
        let testbed = Testbed::lay_out(&root, count, network)?;
        // From here on, whatever fails is cleaned up by dropping it.
        let hosts = Self { testbed, _owner: owner, _network: claim };
        hosts.switch_on()?;
        Ok(hosts)
    }

    /// Boots all, the first alone: what it learns about QEMU (seconds of probing) is given to the others and kept for the next time.
    fn switch_on(&self) -> io::Result<()> {
        capabilities::give(&self.capabilities(1))?;
        self.boot(1)?;
        self.virsh(1, &["capabilities"])?;
        capabilities::keep(&self.capabilities(1));
        thread::scope(|scope| {
            let others: Vec<_> = (2..=self.count())
                .map(|host| {
                    scope.spawn(move || {
                        capabilities::give(&self.capabilities(host))?;
                        self.boot(host)
                    })
                })
                .collect();
            others.into_iter().try_for_each(|other| other.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
        })
    }
}

impl Deref for Hosts {
    type Target = Testbed;

    fn deref(&self) -> &Testbed {
        &self.testbed
    }
}

impl Drop for Hosts {
    fn drop(&mut self) {
        let ended = self.testbed.power_cut_all().and_then(|()| fs::remove_dir_all(self.testbed.root()));
        if let Err(why) = ended {
            // No panic: the test may be on its way down already. What still runs ends with our lock.
            eprintln!("{}: not all cleaned up: {why}", self.testbed.root().display());
        }
    }
}

/// Whether so many hosts can be had here.
fn check(count: usize) -> io::Result<()> {
    if !(1..=COUNT_MAX).contains(&count) {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, format!("{count} hosts: from 1 to {COUNT_MAX} can be had")));
    }
    missing().map_or(Ok(()), |missing| Err(io::Error::new(io::ErrorKind::Unsupported, missing)))
}

/// Takes the lock that says that the hosts in `root` have an owner. The file has its name only once it is locked, so who finds it free
/// knows that its owner is gone.
fn own(root: &Path) -> io::Result<File> {
    let new = root.join("owner.new");
    let mut owner = OpenOptions::new().write(true).create_new(true).open(&new)?;
    flock(&owner, FlockOperation::NonBlockingLockExclusive)?;
    writeln!(owner, "{}", std::process::id())?;
    fs::rename(new, owner_file(root))?;
    Ok(owner)
}

/// The file that the owner holds a lock on.
fn owner_file(root: &Path) -> PathBuf {
    root.join("owner")
}

/// Whether somebody owns the hosts in `root`.
fn is_owned(root: &Path) -> io::Result<bool> {
    match flock(&File::open(owner_file(root))?, FlockOperation::NonBlockingLockShared) {
        Ok(()) => Ok(false),
        Err(rustix::io::Errno::WOULDBLOCK) => Ok(true),
        Err(other) => Err(other.into()),
    }
}

/// Removes folders that owners left behind who were killed.
fn sweep(temporary: &Path) {
    let Ok(entries) = fs::read_dir(temporary) else { return };
    for root in entries.flatten().filter(|entry| entry.file_name().to_string_lossy().starts_with(PREFIX)).map(|entry| entry.path()) {
        let ours = fs::symlink_metadata(&root).is_ok_and(|at| at.is_dir() && at.uid() == needs::user());
        if ours && is_owned(&root).is_ok_and(|owned| !owned) {
            // Another sweeper may have been faster.
            let _ = fs::remove_dir_all(&root);
        }
    }
}

/// Three bytes of loopback addresses that nobody else on this machine uses for hosts, and the socket that keeps them ours: a migration is
/// received at the target's address from port 49152 on, so hosts that shared one would be in each other's way.
///
/// Not `127.0.0`: libvirt refuses to receive migrations at 127.0.0.1.
fn claim_network() -> io::Result<([u8; 3], UdpSocket)> {
    const NETWORKS: u32 = 190 * 256;
    let mut in_use = io::Error::other("no loopback addresses are free");
    for number in 0..NETWORKS {
        let [_, _, high, low] = ((std::process::id() + number) % NETWORKS).to_be_bytes();
        let network = [127, 64 + high, low];
        match UdpSocket::bind((Ipv4Addr::new(network[0], network[1], network[2], 254), CLAIM_PORT)) {
            Ok(socket) => return Ok((network, socket)),
            Err(error) if error.kind() == io::ErrorKind::AddrInUse => in_use = error,
            Err(error) => return Err(error),
        }
    }
    Err(in_use)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_libvirt_tests_are_skipped() {
        assert!(skips(Some("hosts on this machine need libvirtd, not installed here"), None));
        assert!(!skips(None, Some("CI")));
    }

    #[test]
    #[should_panic(expected = "need libvirtd, not installed here, and tests with real hosts must run: CI is set")]
    fn under_ci_tests_without_libvirt_fail() {
        let _ = skips(Some("hosts on this machine need libvirtd, not installed here"), Some("CI"));
    }

    #[test]
    fn claims_on_addresses_never_meet() {
        let claims: Vec<_> = (0..40).map(|_| claim_network().expect("free addresses")).collect();
        let networks: std::collections::BTreeSet<_> = claims.iter().map(|(network, _)| *network).collect();
        assert_eq!(networks.len(), claims.len());
        assert!(!networks.contains(&[127, 0, 0]));
    }

    #[test]
    fn only_what_a_dead_owner_left_is_swept() {
        let temporary = tempfile::tempdir().expect("a folder");
        let [owned, left, begun, other] = [format!("{PREFIX}owned"), format!("{PREFIX}left"), format!("{PREFIX}begun"), "else".to_owned()]
            .map(|name| temporary.path().join(name));
        for folder in [&owned, &left, &begun, &other] {
            fs::create_dir(folder).expect("a folder");
        }
        let owner = own(&owned).expect("a lock");
        drop(own(&left).expect("a lock"));
        drop(own(&other).expect("a lock"));
        sweep(temporary.path());
        assert_eq!([&owned, &left, &begun, &other].map(|folder| folder.exists()), [true, false, true, true]);
        drop(owner);
    }
}
