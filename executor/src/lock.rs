//! One executor a site: a lock that dies with the process that holds it.
//!
//! It is flock(2) on `STATE/SITE.lock`: the kernel drops it when the last file that holds it is closed, also by kill -9 or a crash, so
//! that no stale lock has to be judged. The file stays; what stands in it is for people only. The folder must be on a local disk (or an
//! NFS that carries flock): two machines with folders of their own do not see each other.

use std::fs::{File, TryLockError};
use std::io::{self, Read as _, Seek as _, Write as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::inventory::owner::Untrusted;
use crate::journal::file_name;
use crate::private;

/// The lock of a site; given back when dropped.
#[derive(Debug)]
pub struct SiteLock {
    file: File,
}

/// A lock that was not got.
#[derive(Debug, thiserror::Error)]
pub enum NotLocked {
    /// Another process has it.
    #[error("another run is at work on site {site}: {by}; wait for it or stop it ({} is let go of when it ends, however it ends)", path.display())]
    Held {
        /// The site.
        site: String,
        /// Who: process, host and what it does, as it says.
        by: String,
        /// The lock's file.
        path: PathBuf,
    },
    /// Others can write to it.
    #[error("{}: {why}; {mend}", path.display())]
    Open {
        /// Which file or folder.
        path: PathBuf,
        /// Who can write.
        why: String,
        /// What to do: a command.
        mend: String,
    },
    /// The system says no.
    #[error("{}: {source}", path.display())]
    Io {
        /// Which file or folder.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
}

impl From<Untrusted> for NotLocked {
    fn from(e: Untrusted) -> Self {
        match e {
            Untrusted::Open { path, why, mend } => Self::Open { path, why, mend },
            Untrusted::Io { path, source } => Self::Io { path, source },
            Untrusted::TooLong { path, .. } => Self::Io { path, source: io::ErrorKind::FileTooLarge.into() },
        }
    }
}

impl SiteLock {
    /// Takes the lock of a site, and writes into it who has it: this process, this host, and what it is about to do.
    ///
    /// Does not wait for another run; only for [`SiteLock::holder`], which touches the lock for a moment.
    ///
    /// # Errors
    /// Another process has it; others can write to it; or what the system says.
    pub fn take(state: &Path, site: &str, who: &str) -> Result<Self, NotLocked> {
        const TRIES: u32 = 10;
        let path = path(state, site);
        let io = |path: &Path| {
            let path = path.to_owned();
            |source| NotLocked::Io { path, source }
        };
        private::make_folder(state).map_err(io(state))?;
        check(state, &state.metadata().map_err(io(state))?)?;
        private::check_way(state)?;
        let mut file = private::options().read(true).write(true).create(true).truncate(false).open(&path).map_err(io(&path))?;
        check(&path, &file.metadata().map_err(io(&path))?)?;
        let mut tries = 0;
        loop {
            match file.try_lock() {
                Ok(()) => break,
                Err(TryLockError::WouldBlock) if tries < TRIES => {
                    tries += 1;
                    std::thread::sleep(Duration::from_millis(20));
                }
                Err(TryLockError::WouldBlock) => return Err(NotLocked::Held { site: site.into(), by: said(&mut file), path }),
                Err(TryLockError::Error(source)) => return Err(NotLocked::Io { path, source }),
            }
        }
        let uname = rustix::system::uname();
        let says = format!("process {} on host {}: {who}\n", std::process::id(), uname.nodename().to_string_lossy());
        file.set_len(0).and_then(|()| file.rewind()).and_then(|()| file.write_all(says.as_bytes())).map_err(io(&path))?;
        Ok(Self { file })
    }

    /// Who has the lock of a site, as he says; nobody, where it is free.
    ///
    /// # Errors
    /// What the system says.
    pub fn holder(state: &Path, site: &str) -> io::Result<Option<String>> {
        let mut file = match private::options().read(true).open(path(state, site)) {
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(None),
            file => file?,
        };
        match file.try_lock_shared() {
            Ok(()) => Ok(None),
            Err(TryLockError::WouldBlock) => Ok(Some(said(&mut file))),
            Err(TryLockError::Error(e)) => Err(e),
        }
    }
}

impl Drop for SiteLock {
    fn drop(&mut self) {
        // For people who look into the file; the lock itself goes with it. Where this fails, the next one overwrites it.
        let _ = self.file.set_len(0);
    }
}

fn path(state: &Path, site: &str) -> PathBuf {
    state.join(format!("{}.lock", file_name(site)))
}

fn check(path: &Path, metadata: &std::fs::Metadata) -> Result<(), NotLocked> {
    private::others_can_write(path, metadata).map_or(Ok(()), |(why, mend)| Err(NotLocked::Open { path: path.into(), why, mend }))
}

/// What stands in a lock's file, as one line for a message.
fn said(file: &mut File) -> String {
    let mut bytes = Vec::new();
    let read = file.rewind().and_then(|()| file.take(1000).read_to_end(&mut bytes));
    let text = String::from_utf8_lossy(&bytes);
    let line = text.trim_end();
    match (read, line) {
        (Ok(_), l) if !l.is_empty() => models::message::shown(l, 300),
        _ => "a process that has not said yet who it is".into(),
    }
}
