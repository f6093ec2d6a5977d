//! Files that nobody else can write: made so, and refused where they are not.
//!
//! Who can write a journal or a lock can make us act on what never happened, with the rights that we have on all hosts.

use std::fs::{DirBuilder, File, Metadata, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::Path;

use rustix::fs::OFlags;

use crate::inventory::owner::{self, Untrusted};

/// How a file is opened: for its owner alone, not through a symbolic link, and without waiting for who writes into a pipe, which is refused
/// once it is open.
pub fn options() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.mode(0o600).custom_flags((OFlags::NOFOLLOW | OFlags::NONBLOCK).bits().cast_signed());
    options
}

/// Makes a folder, and those above it, for its owner alone, so that they are on disk; one that is there stays as it is.
pub fn make_folder(folder: &Path) -> io::Result<()> {
    if folder.is_dir() {
        return Ok(());
    }
    if let Some(above) = folder.parent().filter(|p| !p.as_os_str().is_empty()) {
        make_folder(above)?;
    }
    match DirBuilder::new().mode(0o700).create(folder) {
        // Somebody else made it at the same moment; whoever can write there is checked by the caller.
        Err(e) if e.kind() == io::ErrorKind::AlreadyExists && folder.is_dir() => {}
        made => made?,
    }
    sync_folder(folder.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new(".")))
}

/// Returns when the entries of a folder are on disk: a file that was synced is lost with its name.
pub fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

/// Who else than root and we can write to a folder on the way to this, and could put another in its place.
///
/// # Errors
/// It cannot be looked at, or others can.
pub fn check_way(folder: &Path) -> Result<(), Untrusted> {
    owner::check(folder)
}

/// Who else than root and we can write to this, and the command that mends it.
pub fn others_can_write(path: &Path, metadata: &Metadata) -> Option<(String, String)> {
    let (owner, we) = (metadata.uid(), rustix::process::geteuid().as_raw());
    let path = path.display();
    if owner != 0 && owner != we {
        return Some((format!("it belongs to user {owner}, and should to root or to user {we}"), format!("chown {we} {path}")));
    }
    if metadata.mode() & 0o022 != 0 {
        return Some((
            format!("others than its owner can write to it (mode {:o})", metadata.mode() & 0o7777),
            format!("chmod go-w {path}"),
        ));
    }
    None
}
