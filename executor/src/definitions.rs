//! Definitions that are kept: what each guest was made of when it was last seen, so that it can be made again when the host that knew it
//! is gone.
//!
//! A file each, `STATE/definitions/UUID.xml`. It is on disk, whole, or the old one is: written beside it, synced, renamed over it. It can
//! hold passwords (of consoles), so nobody else reads the folder; and what stands in it will run on a host, so a file that others
//! can write to is not read.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use uuid::Uuid;

use crate::domain_xml::{self, NotADefinition};
use crate::host::Definition;
use crate::inventory::owner::{self, Untrusted};

/// The folder of kept definitions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Definitions {
    folder: PathBuf,
}

/// A definition that cannot be kept, or is kept and cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum NotKept {
    /// It cannot be read or written.
    #[error("definition {}: {source}", path.display())]
    Io {
        /// Which file or folder.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// It cannot be read, or others can write to it.
    #[error(transparent)]
    Untrusted(#[from] Untrusted),
    /// It is none.
    #[error("definition {}: {source}", path.display())]
    Form {
        /// Which file.
        path: PathBuf,
        /// What is wrong.
        source: Box<NotADefinition>,
    },
    /// It is of another guest than it should be.
    #[error("definition {}: it should be of guest {should}, and is of {is}", path.display())]
    OtherGuest {
        /// Which file.
        path: PathBuf,
        /// The guest: its UUID, or its name and UUID.
        should: String,
        /// Whose definition it is.
        is: String,
    },
}

impl Definitions {
    /// The kept definitions of a state folder. Nothing is touched until one is kept.
    #[must_use]
    pub fn of(state: &Path) -> Self {
        Self { folder: state.join("definitions") }
    }

    /// The file of a guest, whether it is there or not.
    #[must_use]
    pub fn file(&self, guest: Uuid) -> PathBuf {
        self.folder.join(format!("{guest}.xml"))
    }

    /// Keeps a definition in place of an older one; it is on disk when this returns.
    ///
    /// # Errors
    /// It is none, or not of the guest that it says; the folder cannot be written, or others can write to it.
    pub fn keep(&self, definition: &Definition) -> Result<(), NotKept> {
        let file = self.file(definition.uuid);
        let facts = domain_xml::read(&definition.xml).map_err(|e| NotKept::Form { path: file.clone(), source: Box::new(e) })?;
        if facts.uuid != definition.uuid || facts.name != definition.name {
            return Err(NotKept::OtherGuest {
                path: file,
                should: format!("{} ({})", definition.name, definition.uuid),
                is: format!("{} ({})", facts.name, facts.uuid),
            });
        }
        self.make_folder()?;
        let written = self.write_beside(definition)?;
        self.put_in_place(&written, &file)
    }

    /// The definition of a guest, where one is kept.
    ///
    /// # Errors
    /// There is one that cannot be read, that others can write to, that is none, or that is of another guest.
    pub fn kept(&self, guest: Uuid) -> Result<Option<Definition>, NotKept> {
        let path = self.file(guest);
        let bytes = match owner::read(&path, domain_xml::MOST_BYTES) {
            Ok(bytes) => bytes,
            Err(Untrusted::Io { source, .. }) if source.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(e) => return Err(e.into()),
        };
        let text = String::from_utf8(bytes).map_err(|e| NotKept::Io {
            path: path.clone(),
            source: std::io::Error::new(std::io::ErrorKind::InvalidData, e.utf8_error()),
        })?;
        let definition = Definition::from_xml(&text).map_err(|e| NotKept::Form { path: path.clone(), source: Box::new(e) })?;
        if definition.uuid != guest {
            return Err(NotKept::OtherGuest { path, should: guest.to_string(), is: definition.uuid.to_string() });
        }
        Ok(Some(definition))
    }

    /// All guests whose definition is kept, by identity.
    ///
    /// # Errors
    /// The folder cannot be read. (None is there: no guest.)
    pub fn guests(&self) -> Result<Vec<Uuid>, NotKept> {
        let io = |source| NotKept::Io { path: self.folder.clone(), source };
        let entries = match std::fs::read_dir(&self.folder) {
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
            entries => entries.map_err(io)?,
        };
        let mut all = Vec::new();
        for entry in entries {
            let name = entry.map_err(io)?.file_name();
            all.extend(name.to_str().and_then(|n| n.strip_suffix(".xml")).and_then(|n| n.parse::<Uuid>().ok()));
        }
        all.sort_unstable();
        Ok(all)
    }

    /// The folder, ours alone. The state folder is made with it where it is not there.
    fn make_folder(&self) -> Result<(), NotKept> {
        owner::check(&self.folder)?;
        if self.folder.is_dir() {
            return Ok(());
        }
        let io = |source| NotKept::Io { path: self.folder.clone(), source };
        // What is made must be found again after a power cut: each new folder's name is in its parent.
        let absent: Vec<&Path> = self.folder.ancestors().take_while(|f| !f.as_os_str().is_empty() && !f.exists()).collect();
        DirBuilder::new().recursive(true).mode(0o700).create(&self.folder).map_err(io)?;
        for parent in absent.iter().filter_map(|f| f.parent()) {
            let parent = if parent.as_os_str().is_empty() { Path::new(".") } else { parent };
            sync_folder(parent)?;
        }
        Ok(owner::check(&self.folder)?)
    }

    /// Writes the text where no reader looks, and syncs it.
    fn write_beside(&self, definition: &Definition) -> Result<PathBuf, NotKept> {
        let path = self.folder.join(format!("{}.xml.new", definition.uuid));
        let io = |source| NotKept::Io { path: path.clone(), source };
        // What is there is of a writer that died: one writes at a time, the one that holds the site's lock.
        match std::fs::remove_file(&path) {
            Ok(()) => {}
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => {}
            Err(e) => return Err(io(e)),
        }
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path).map_err(io)?;
        file.write_all(definition.xml.as_bytes()).map_err(io)?;
        file.sync_all().map_err(io)?;
        Ok(path)
    }

    /// Makes what was written the kept one.
    fn put_in_place(&self, written: &Path, file: &Path) -> Result<(), NotKept> {
        std::fs::rename(written, file).map_err(|source| NotKept::Io { path: file.to_owned(), source })?;
        sync_folder(&self.folder)
    }
}

fn sync_folder(folder: &Path) -> Result<(), NotKept> {
    File::open(folder).and_then(|f| f.sync_all()).map_err(|source| NotKept::Io { path: folder.to_owned(), source })
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    fn definition(memory_mib: u64) -> Definition {
        Definition::from_xml(&format!(
            "<domain type='kvm'><name>g1</name><uuid>3b8f5c0e-5a55-4c1c-9d44-0c1f6d8a7b01</uuid><memory unit='MiB'>{memory_mib}</memory></domain>"
        ))
        .unwrap()
    }

    /// A folder for a test, ours alone whatever the umask.
    fn folder() -> tempfile::TempDir {
        tempfile::Builder::new().permissions(std::fs::Permissions::from_mode(0o700)).tempdir().unwrap()
    }

    #[test]
    fn a_crash_between_the_write_and_the_rename_leaves_the_old_one() {
        let folder = folder();
        let store = Definitions::of(folder.path());
        let (old, new) = (definition(64), definition(128));
        store.keep(&old).unwrap();
        let written = store.write_beside(&new).unwrap();
        // Here the program dies. The next one finds the old definition whole, the new one beside it, and can keep again.
        let store = Definitions::of(folder.path());
        assert_eq!(std::fs::read_to_string(&written).unwrap(), new.xml);
        assert_eq!(store.kept(old.uuid).unwrap(), Some(old));
        store.keep(&new).unwrap();
        assert_eq!(store.kept(new.uuid).unwrap(), Some(new));
        assert!(!written.exists());
    }

    #[test]
    fn a_crash_in_the_middle_of_the_write_leaves_the_old_one() {
        let folder = folder();
        let store = Definitions::of(folder.path());
        let old = definition(64);
        store.keep(&old).unwrap();
        let written = store.write_beside(&definition(128)).unwrap();
        for bytes in 0..old.xml.len() as u64 {
            OpenOptions::new().write(true).open(&written).unwrap().set_len(bytes).unwrap();
            assert_eq!(store.kept(old.uuid).unwrap().as_ref(), Some(&old), "cut off after {bytes} bytes");
        }
    }
}
