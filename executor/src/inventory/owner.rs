//! Who can write to a file: nobody but root and the one who runs the program, or it is not read.
//!
//! The whole way to it counts: whoever can write to a folder can put another file in its place. Symbolic links are followed here, one at
//! a time, so that what they point to is checked in the same way, and a link of somebody else is refused: its owner can turn it
//! elsewhere. A folder that all can write to is allowed where it has the sticky bit, as /tmp has: there nobody can replace what is
//! ours. POSIX ACLs that let others write show in the bits of the group, and are refused with them.

use std::collections::VecDeque;
use std::ffi::OsString;
use std::fs::{File, Metadata, OpenOptions};
use std::io::Read as _;
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::{Component, Path, PathBuf};

/// Why a file is not read.
#[derive(Debug, thiserror::Error)]
pub enum Untrusted {
    /// It cannot be read.
    #[error("cannot read {}: {source}", path.display())]
    Io {
        /// Which.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// It is longer than anything that is meant.
    #[error("{} has {bytes} bytes; at most {most} are read", path.display())]
    TooLong {
        /// Which.
        path: PathBuf,
        /// How long it is.
        bytes: u64,
        /// How long it may be.
        most: u64,
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
}

/// The most links on the way to a file, as in Linux.
const MOST_LINKS: u32 = 40;

/// Reads a file that nobody else can write to.
///
/// # Errors
/// It cannot be read, is longer than `most` bytes, or others can write to it or to a folder on the way.
pub(crate) fn read(path: &Path, most: u64) -> Result<Vec<u8>, Untrusted> {
    let io = |source| Untrusted::Io { path: path.to_owned(), source };
    let place = follow(path)?;
    let Place::There(place) = place else { return Err(io(rustix::io::Errno::NOENT.into())) };
    // The folders are ours alone, so this is still the file that was checked; its own bits are looked at once more on what is open.
    // Not to wait for a writer where it is a pipe, which is refused next.
    let flags = (rustix::fs::OFlags::NOFOLLOW | rustix::fs::OFlags::NONBLOCK).bits().cast_signed();
    let file: File = OpenOptions::new().read(true).custom_flags(flags).open(&place).map_err(io)?;
    let meta = file.metadata().map_err(io)?;
    if !meta.is_file() {
        return Err(io(std::io::Error::other("this is not a file")));
    }
    only_ours(&place, &meta)?;
    let mut bytes = Vec::new();
    file.take(most + 1).read_to_end(&mut bytes).map_err(io)?;
    if bytes.len() as u64 > most {
        return Err(Untrusted::TooLong { path: path.to_owned(), bytes: meta.len(), most });
    }
    Ok(bytes)
}

/// Checks that nobody else can write to a file or folder, or, where it is not there yet, to the folders that it will stand in.
///
/// # Errors
/// It cannot be looked at, or others can write to it or to a folder on the way.
pub(crate) fn check(path: &Path) -> Result<(), Untrusted> {
    follow(path).map(|_| ())
}

/// Where a path leads.
enum Place {
    /// Here, and it is there.
    There(PathBuf),
    /// To something that is not there.
    Nowhere,
}

/// Goes to a path step by step and checks each.
fn follow(path: &Path) -> Result<Place, Untrusted> {
    let io = |source| Untrusted::Io { path: path.to_owned(), source };
    let whole = std::path::absolute(path).map_err(io)?;
    let mut to_go: VecDeque<OsString> = whole.components().map(|c| c.as_os_str().to_owned()).collect();
    let mut here = PathBuf::from("/");
    let mut links = 0;
    while let Some(part) = to_go.pop_front() {
        match Path::new(&part).components().next() {
            Some(Component::RootDir) => here = PathBuf::from("/"),
            Some(Component::ParentDir) => {
                here.pop();
            }
            _ => here.push(&part),
        }
        let meta = match std::fs::symlink_metadata(&here) {
            Ok(meta) => meta,
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(Place::Nowhere),
            Err(source) => return Err(Untrusted::Io { path: here, source }),
        };
        only_ours(&here, &meta)?;
        if meta.is_symlink() {
            links += 1;
            if links > MOST_LINKS {
                return Err(io(std::io::Error::other("too many symbolic links on the way")));
            }
            let target = std::fs::read_link(&here).map_err(io)?;
            here.pop();
            for part in target.components().rev() {
                to_go.push_front(part.as_os_str().to_owned());
            }
        }
    }
    Ok(Place::There(here))
}

/// Refuses what others own or can write to.
fn only_ours(path: &Path, meta: &Metadata) -> Result<(), Untrusted> {
    const STICKY: u32 = 0o1000;
    let us = rustix::process::geteuid().as_raw();
    let open = |why: String, mend: String| Err(Untrusted::Open { path: path.to_owned(), why, mend });
    let thing = if meta.is_dir() { "folder" } else { "file" };
    if meta.uid() != 0 && meta.uid() != us {
        let link = if meta.is_symlink() { "-h " } else { "" };
        return open(
            format!("user {} owns it and can write to it, and only root and user {us}, who runs this, may", meta.uid()),
            format!("if it is right as it is: `chown {link}{us} {}`", quoted(path)),
        );
    }
    // The bits of a link itself mean nothing.
    let bits = if meta.is_symlink() { 0 } else { meta.mode() & 0o022 };
    if bits == 0 || (meta.is_dir() && meta.mode() & STICKY != 0) {
        return Ok(());
    }
    let who = match bits {
        0o020 => format!("group {} (or an ACL)", meta.gid()),
        0o002 => "everybody".to_owned(),
        _ => format!("group {} and everybody", meta.gid()),
    };
    open(format!("{who} can write to this {thing} (mode {:04o})", meta.mode() & 0o7777), format!("`chmod go-w {}`", quoted(path)))
}

/// A path as a shell takes it.
fn quoted(path: &Path) -> String {
    let text = path.display().to_string();
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '/' | '.' | '_' | '-' | '+' | ',' | ':' | '@');
    if text.chars().all(plain) { text } else { format!("'{}'", text.replace('\'', r"'\''")) }
}
