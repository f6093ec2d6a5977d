//! Journals as files: made for us alone, on disk when they say so, one folder a site, sorted by time.

use std::fs::File;
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};

use super::{Begun, History, NotAJournal, Progress, Store};
use crate::inventory::owner::Untrusted;
use crate::private;

/// How the name of a journal ends: it is JSON, line by line.
const ENDING: &str = ".jsonl";

/// A journal that cannot be made or opened.
#[derive(Debug, thiserror::Error)]
pub enum NotOpened {
    /// The system says no.
    #[error("{}: {source}", path.display())]
    Io {
        /// Which file or folder.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// Others can write to it, or it is no file.
    #[error("{}: {why}; {mend}", path.display())]
    Open {
        /// Which file or folder.
        path: PathBuf,
        /// Who can write.
        why: String,
        /// What to do: a command.
        mend: String,
    },
    /// What it says does not add up.
    #[error("{}: {source}{}", path.display(), if is_no_journal(source) { "; name a journal (`status` lists them)" } else { "" })]
    Content {
        /// Which file.
        path: PathBuf,
        /// What is wrong with it.
        source: NotAJournal,
    },
}

/// Whether not even the first line is one of a journal: it is some other file.
fn is_no_journal(source: &NotAJournal) -> bool {
    matches!(source, NotAJournal::Line { line: 1, .. })
}

impl From<Untrusted> for NotOpened {
    fn from(e: Untrusted) -> Self {
        match e {
            Untrusted::Open { path, why, mend } => Self::Open { path, why, mend },
            Untrusted::Io { path, source } => Self::Io { path, source },
            Untrusted::TooLong { path, .. } => Self::Io { path, source: io::ErrorKind::FileTooLarge.into() },
        }
    }
}

impl NotOpened {
    fn io(path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        |source| Self::Io { path, source }
    }
}

/// A journal's file, open for appending.
#[derive(Debug)]
pub struct FileStore {
    file: File,
}

impl FileStore {
    /// Makes a new journal's file, and its folder where there is none. Only we can read or write either.
    ///
    /// # Errors
    /// The file is there already; others can write to its folder; or what the system says.
    pub fn create(path: &Path) -> Result<Self, NotOpened> {
        let folder = folder_of(path);
        private::make_folder(folder).map_err(NotOpened::io(folder))?;
        check(folder, &folder.metadata().map_err(NotOpened::io(folder))?)?;
        private::check_way(folder)?;
        let file = private::options().append(true).create_new(true).open(path).map_err(NotOpened::io(path))?;
        private::sync_folder(folder).map_err(NotOpened::io(folder))?;
        Ok(Self { file })
    }

    /// Opens a journal's file to go on with it: a torn end is cut off, and [`History::torn_bytes`] says how much that was.
    ///
    /// To say so before it is done, [`read_file`] reads without changing anything.
    ///
    /// # Errors
    /// Others can write to the file or its folder; it is not a journal; or what the system says.
    pub fn go_on(path: &Path) -> Result<(Self, History), NotOpened> {
        // What is said for people goes into files of the same name with another ending: never into the journal itself.
        if !path.to_string_lossy().ends_with(ENDING) {
            return Err(not_one(path, &format!("its name does not end in `{ENDING}`")));
        }
        let (file, history) = open(path, private::options().read(true).append(true))?;
        if history.torn_bytes > 0 {
            file.set_len(history.whole_bytes() as u64).and_then(|()| file.sync_all()).map_err(NotOpened::io(path))?;
        }
        Ok((Self { file }, history))
    }
}

impl Store for FileStore {
    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.file.write_all(bytes)
    }

    fn sync(&mut self) -> io::Result<()> {
        self.file.sync_data()
    }
}

/// Reads a journal's file and changes nothing.
///
/// # Errors
/// Others can write to the file or its folder; it is not a journal; or what the system says.
pub fn read_file(path: &Path) -> Result<History, NotOpened> {
    open(path, private::options().read(true)).map(|(_, history)| history)
}

fn open(path: &Path, options: &std::fs::OpenOptions) -> Result<(File, History), NotOpened> {
    let folder = folder_of(path);
    check(folder, &folder.metadata().map_err(NotOpened::io(folder))?)?;
    private::check_way(folder)?;
    if path.is_symlink() {
        return Err(not_one(path, "it is a symbolic link"));
    }
    let mut file = options.open(path).map_err(NotOpened::io(path))?;
    // Of the file that is open, whatever has become of its name.
    let metadata = file.metadata().map_err(NotOpened::io(path))?;
    if !metadata.is_file() {
        return Err(not_one(path, "it is not a file"));
    }
    check(path, &metadata)?;
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes).map_err(NotOpened::io(path))?;
    let history = History::from_bytes(&bytes).map_err(|source| NotOpened::Content { path: path.into(), source })?;
    Ok((file, history))
}

fn not_one(path: &Path, why: &str) -> NotOpened {
    NotOpened::Open { path: path.into(), why: why.into(), mend: "name a journal (`status` lists them)".into() }
}

fn check(path: &Path, metadata: &std::fs::Metadata) -> Result<(), NotOpened> {
    private::others_can_write(path, metadata).map_or(Ok(()), |(why, mend)| Err(NotOpened::Open { path: path.into(), why, mend }))
}

fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// The folder of a site's journals.
#[must_use]
pub fn folder(state: &Path, site: &str) -> PathBuf {
    state.join("journals").join(file_name(site))
}

/// A name for a new journal, which no file has: `STATE/journals/SITE/20261121T150405.123456789Z-KIND.jsonl`. Names of a site sort by time.
///
/// Where a file has that name already, the next nanosecond that is free is taken; who holds the site's lock gets it to himself.
#[must_use]
pub fn journal_path(state: &Path, site: &str, unix_ns: u64, kind: &str) -> PathBuf {
    let folder = folder(state, site);
    let free = |ns: &u64| !folder.join(name(*ns, kind)).exists();
    let ns = (unix_ns..=u64::MAX).find(free).unwrap_or(unix_ns);
    folder.join(name(ns, kind))
}

fn name(unix_ns: u64, kind: &str) -> String {
    format!("{}-{}{ENDING}", utc(unix_ns), file_name(kind))
}

/// A name as part of a path: what is not a letter, a digit or one of `-_.` is written as its bytes (`%2F`), and so is a dot in front. Two
/// names never become one.
pub(crate) fn file_name(name: &str) -> String {
    let plain = |at: usize, b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_') || (b == b'.' && at > 0);
    name.bytes().enumerate().map(|(at, b)| if plain(at, b) { char::from(b).to_string() } else { format!("%{b:02X}") }).collect()
}

/// `20261121T150405.123456789Z`. Years count from March here, so that a leap day is the last of its year.
fn utc(unix_ns: u64) -> String {
    const DAYS_OF_400_YEARS: u64 = 146_097;
    // Days from 1 March of the year 0 to 1 January 1970.
    const DAYS_TO_1970: u64 = 719_468;
    let (s, ns) = (unix_ns / 1_000_000_000, unix_ns % 1_000_000_000);
    let (days, s) = (s / 86_400 + DAYS_TO_1970, s % 86_400);
    let (era, day) = (days / DAYS_OF_400_YEARS, days % DAYS_OF_400_YEARS);
    let year = (day - day / 1460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day + 2) / 153;
    let day = day - (153 * month + 2) / 5 + 1;
    let (month, next_year) = if month < 10 { (month + 3, 0) } else { (month - 9, 1) };
    let year = era * 400 + year + next_year;
    format!("{year:04}{month:02}{day:02}T{:02}{:02}{:02}.{ns:09}Z", s / 3600, s / 60 % 60, s % 60)
}

/// A journal of a site.
#[derive(Debug)]
pub struct Listed {
    /// Its file.
    pub path: PathBuf,
    /// What it says, or why it cannot be read.
    pub what: Result<Summary, NotOpened>,
}

/// A journal in short.
#[derive(Debug, Clone, PartialEq)]
pub struct Summary {
    /// How the run began.
    pub begun: Begun,
    /// When, ns since 1970.
    pub begun_unix_ns: u64,
    /// When its last line was written, ns since 1970.
    pub last_unix_ns: u64,
    /// How it ended.
    pub end: End,
    /// How far it came.
    pub progress: Progress,
    /// Bytes of a torn last line.
    pub torn_bytes: usize,
}

/// How a run ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum End {
    /// All that was asked for is done.
    Finished,
    /// It stopped, and can be resumed.
    Stopped {
        /// Why.
        why: String,
    },
    /// Another run took its place.
    Superseded {
        /// The journal of that run.
        by: String,
    },
    /// It was rolled back.
    RolledBack {
        /// The journal of the rollback.
        by: String,
    },
    /// Neither: it is under way (then the site's lock is held), or was killed.
    Open,
}

impl Summary {
    /// Of a journal.
    #[must_use]
    pub fn of(history: &History) -> Self {
        let progress = Progress::of(history);
        let end = match &progress {
            Progress { rolled_back: Some(by), .. } => End::RolledBack { by: by.clone() },
            Progress { finished: true, .. } => End::Finished,
            Progress { superseded: Some(by), .. } => End::Superseded { by: by.clone() },
            Progress { stopped: Some(why), .. } => End::Stopped { why: why.clone() },
            _ => End::Open,
        };
        let at = |line: Option<&super::Line>| line.map_or(0, |l| l.at_unix_ns);
        Self {
            begun: history.begun().clone(),
            begun_unix_ns: at(history.lines.first()),
            last_unix_ns: at(history.lines.last()),
            end,
            progress,
            torn_bytes: history.torn_bytes,
        }
    }
}

/// All journals of a site, the oldest first. One that cannot be read is listed with the reason.
///
/// # Errors
/// The folder cannot be read. (None is there: no journals.)
pub fn list(state: &Path, site: &str) -> Result<Vec<Listed>, NotOpened> {
    let folder = folder(state, site);
    let entries = match std::fs::read_dir(&folder) {
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries.map_err(NotOpened::io(&folder))?,
    };
    let mut paths = entries.map(|e| e.map(|e| e.path())).collect::<io::Result<Vec<_>>>().map_err(NotOpened::io(&folder))?;
    paths.retain(|p| p.to_string_lossy().ends_with(ENDING));
    paths.sort();
    Ok(paths.into_iter().map(|path| Listed { what: read_file(&path).map(|h| Summary::of(&h)), path }).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_date_is_that_of_the_calendar() {
        // The right side is what `date -u -d @N` says.
        for (s, date) in [
            (0, "19700101T000000.000000000Z"),
            (68_169_599, "19720228T235959.000000000Z"),
            (68_169_600, "19720229T000000.000000000Z"),
            (951_868_800, "20000301T000000.000000000Z"),
            (1_798_675_200, "20261231T000000.000000000Z"),
            (4_107_542_400, "21000301T000000.000000000Z"),
        ] {
            assert_eq!(utc(s * 1_000_000_000), date);
        }
    }

    #[test]
    fn every_day_is_followed_by_the_next_of_the_calendar() {
        let leap = |y: u64| y.is_multiple_of(4) && (!y.is_multiple_of(100) || y.is_multiple_of(400));
        let (mut year, mut month, mut day) = (1970, 1, 1);
        for days in 0..(u64::MAX / 1_000_000_000 / 86_400) {
            assert_eq!(utc(days * 86_400 * 1_000_000_000)[..8], format!("{year:04}{month:02}{day:02}"));
            let last = match month {
                4 | 6 | 9 | 11 => 30,
                2 => 28 + u64::from(leap(year)),
                _ => 31,
            };
            (year, month, day) = match (month, day) {
                (12, 31) => (year + 1, 1, 1),
                (_, d) if d == last => (year, month + 1, 1),
                _ => (year, month, day + 1),
            };
        }
    }
}
