//! What libvirt has learnt about the QEMU of this machine, kept between runs: to ask QEMU takes each new daemon half a second to seconds.
//!
//! A daemon never works on the kept files: it gets copies, and takes them only where QEMU, libvirt and kernel are still the same. What
//! is kept is replaced file by file, each in one act.

use std::fs::{self, DirBuilder};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Path, PathBuf};

use super::needs;

/// Where they are kept: a folder that nobody but us can write to, or none.
fn kept() -> Option<PathBuf> {
    let folder = std::env::temp_dir().join(format!("shuyaku-testbed-capabilities-{}", needs::user()));
    let _ = DirBuilder::new().mode(0o700).create(&folder);
    let at = fs::symlink_metadata(&folder).ok()?;
    (at.is_dir() && at.uid() == needs::user() && at.mode() & 0o077 == 0).then_some(folder)
}

/// Copies what is kept into the folder where a daemon looks for it.
///
/// # Errors
/// The daemon's folder cannot be written.
pub(super) fn give(daemons: &Path) -> io::Result<()> {
    let Some(kept) = kept() else { return Ok(()) };
    for file in files(&kept) {
        // Kept files are replaced while we read: one that is gone is not missed.
        let Ok(bytes) = fs::read(&file) else { continue };
        let copy = daemons.join(file.file_name().unwrap_or_default());
        fs::write(&copy, bytes)?;
        if needs::is_root() {
            std::os::unix::fs::chown(&copy, Some(needs::NOBODY), Some(needs::NOBODY))?;
        }
    }
    Ok(())
}

/// Keeps what a daemon has learnt. Nothing depends on it, so it may fail.
pub(super) fn keep(daemons: &Path) {
    let Some(kept) = kept() else { return };
    for file in files(daemons) {
        let (Ok(bytes), Some(name)) = (fs::read(&file), file.file_name()) else { continue };
        let there = kept.join(name);
        if fs::read(&there).is_ok_and(|old| old == bytes) {
            continue;
        }
        let new = kept.join(format!("{}.new", std::process::id()));
        let _ = fs::write(&new, bytes).and_then(|()| fs::rename(&new, there));
    }
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    entries.map(|entry| entry.path()).filter(|path| path.extension().is_some_and(|extension| extension == "xml")).collect()
}
