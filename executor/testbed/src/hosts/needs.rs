//! What must be installed for hosts on this machine, and as whom they run.

use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use super::run::run;

/// The user and group as whom daemons run where we are root: `nobody`. As root they would be the system's own libvirt.
pub(super) const NOBODY: u32 = 65_534;

/// Folders of programs that an ordinary user's path may lack; libvirtd stands there.
const MORE_FOLDERS: &str = "/usr/local/sbin:/usr/sbin:/sbin";

/// Who we are.
pub(super) fn user() -> u32 {
    rustix::process::geteuid().as_raw()
}

/// Whether we are root.
pub(super) fn is_root() -> bool {
    user() == 0
}

/// The path of programs for a host.
pub(super) fn path() -> String {
    std::env::var("PATH").map_or_else(|_| MORE_FOLDERS.to_owned(), |path| format!("{path}:{MORE_FOLDERS}"))
}

/// Where a program stands.
pub(super) fn program(name: &str) -> Option<PathBuf> {
    std::env::split_paths(&path()).map(|folder| folder.join(name)).find(|file| file.is_file())
}

/// How `unshare` is asked for a host's namespaces.
pub(super) fn namespaces() -> Vec<&'static str> {
    let mut words = vec!["--pid", "--fork", "--mount-proc", "--uts", "--kill-child=KILL"];
    if !is_root() {
        // The capability to set the namespace's host name is kept; in our own namespace it is worth nothing.
        words.extend(["--user", "--map-current-user", "--keep-caps"]);
    }
    words
}

/// The words before a command that is run as who the daemons are.
pub(super) fn as_daemon() -> Vec<String> {
    if !is_root() {
        return Vec::new();
    }
    vec!["setpriv".to_owned(), format!("--reuid={NOBODY}"), format!("--regid={NOBODY}"), "--clear-groups".to_owned()]
}

/// What is missing for hosts on this machine, in a sentence without its full stop; nothing, if nothing is.
#[must_use]
pub fn missing() -> Option<String> {
    let mut needed = vec!["libvirtd", "virsh", "qemu-system-x86_64", "unshare", "nsenter", "flock", "prlimit", "cc"];
    if is_root() {
        needed.push("setpriv");
    }
    needed.retain(|name| program(name).is_none());
    if !needed.is_empty() {
        return Some(format!("hosts on this machine need {}, not installed here", needed.join(", ")));
    }
    let tried = run(Command::new("unshare").args(namespaces()).arg("true"), Duration::from_secs(20));
    let why = match tried {
        Ok(output) if output.status.success() => return None,
        Ok(output) => String::from_utf8_lossy(&output.stderr).trim().to_owned(),
        Err(error) => error.to_string(),
    };
    Some(format!("hosts on this machine need namespaces, and we may not have them here ({why})"))
}
