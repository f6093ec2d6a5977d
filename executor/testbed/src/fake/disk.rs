//! The disk that journals are on: it outlives the executor, and keeps for sure only what was synced.

use std::io;

use executor::journal::Store;

use super::World;
use super::chance::Chance;
use super::death::{AppendCrash, die};

/// A file.
#[derive(Debug, Clone, Default)]
pub(super) struct Disk {
    pub(super) bytes: Vec<u8>,
    /// So many of them are safe.
    pub(super) synced: usize,
}

impl Disk {
    /// Of what was not synced, all, a part or none stays.
    pub(super) fn crash(&mut self, platter: &mut Chance) {
        let unsynced = self.bytes.len() - self.synced;
        if unsynced > 0 {
            let kept = match platter.below(3) {
                0 => 0,
                1 => unsynced,
                _ => platter.below(unsynced as u64) as usize,
            };
            self.bytes.truncate(self.synced + kept);
        }
        self.synced = self.bytes.len();
    }
}

/// A file on the world's disk, as a journal writes it. Opened anew, it goes on where it ended.
pub struct DiskStore {
    pub(super) world: World,
    pub(super) name: String,
}

impl DiskStore {
    /// What a reader reads of it now.
    #[must_use]
    pub fn bytes(&self) -> Vec<u8> {
        self.world.journal_bytes(&self.name)
    }

    /// Cuts it off after so many bytes; more than there are change nothing.
    pub fn truncate(&mut self, bytes: usize) {
        if let Some(disk) = self.world.lock().disks.get_mut(&self.name) {
            disk.bytes.truncate(bytes);
            disk.synced = disk.synced.min(bytes);
        }
    }
}

impl Store for DiskStore {
    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        let mut state = self.world.lock();
        state.appends += 1;
        let number = state.appends;
        if state.full_at_append.is_some_and(|n| number >= n) {
            return Err(io::Error::from(io::ErrorKind::StorageFull));
        }
        let crash = state.crash_at_append.take_if(|(n, _)| *n == number).map(|(_, crash)| crash);
        let kept = match crash {
            Some(AppendCrash::Before) => 0,
            Some(AppendCrash::Torn) if bytes.len() > 1 => state.platter.between(1, bytes.len() as u64 - 1) as usize,
            _ => bytes.len(),
        };
        let disk = state.disks.entry(self.name.clone()).or_default();
        disk.bytes.extend_from_slice(&bytes[..kept]);
        match crash {
            Some(AppendCrash::Torn) => disk.synced = disk.bytes.len(),
            Some(AppendCrash::Synced) => state.crash_at_sync = true,
            _ => {}
        }
        if matches!(crash, Some(AppendCrash::Before | AppendCrash::Torn | AppendCrash::Unsynced)) {
            state.executor_dies();
            drop(state);
            die();
        }
        Ok(())
    }

    fn sync(&mut self) -> io::Result<()> {
        let mut state = self.world.lock();
        let disk = state.disks.entry(self.name.clone()).or_default();
        disk.synced = disk.bytes.len();
        if std::mem::take(&mut state.crash_at_sync) {
            state.executor_dies();
            drop(state);
            die();
        }
        Ok(())
    }
}
