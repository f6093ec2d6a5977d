//! The journal: what was intended, what was done, what was seen; appended, chained by hash, on disk before and after each act.
//!
//! One line a record: JSON with its number, time, the hash of the line before, what happened, and its own hash. A last line that is torn
//! was never acted on and is cut off; anything else that does not add up stops the reader. The chain shows that lines were changed,
//! taken out of the middle or put in; lines cut off at the end, all of them, it cannot show.
//!
//! Here is what a journal says; `read` and `write` are the two ways between that and bytes, `progress` is what it comes to, and `file`
//! is where the bytes are kept.

mod file;
mod progress;
mod read;
mod write;

use std::collections::BTreeMap;

use models::plan::Plan;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::failure::Failure;

pub(crate) use file::file_name;
pub use file::{End, FileStore, Listed, NotOpened, Summary, folder, journal_path, list, read_file};
pub use progress::Progress;

/// The hash before the first line.
const NO_HASH: &str = "0000000000000000000000000000000000000000000000000000000000000000";

/// What happened: the closed list.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "record", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Record {
    /// A run begins. Always the first record, and only the first.
    Begun(Box<Begun>),
    /// A run goes on after it was stopped or killed.
    Resumed {
        /// Hosts of which the operator says that they are off and stay off.
        fenced: Vec<String>,
    },
    /// The next record but these is an act: what will be asked of whom. Written and on disk before the act.
    Intent {
        /// The step's number.
        step: u32,
        /// What is asked: `migrate g1 from h1 to h2`.
        act: String,
        /// What was seen just before.
        seen: String,
        /// Before a guest is moved or stopped: whether its host starts it when it boots, which has to be set again where it goes.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        autostart: Option<bool>,
    },
    /// A step's end is as planned, and was observed.
    Done {
        /// The step's number.
        step: u32,
        /// What was seen.
        seen: String,
        /// It was so before anything was done.
        already: bool,
    },
    /// A step stopped.
    Failed {
        /// The step's number.
        step: u32,
        /// Why.
        why: Failure,
        /// What was seen.
        seen: String,
    },
    /// The run stops before the plan's end; it can be resumed.
    Stopped {
        /// Why.
        why: String,
    },
    /// Every step that was asked for is done.
    Finished,
    /// Another run has begun on the site since; this one cannot be resumed.
    Superseded {
        /// The journal of that run.
        by: String,
    },
    /// The run was rolled back by another; it cannot be resumed.
    RolledBack {
        /// The journal of the rollback.
        by: String,
    },
}

impl Record {
    /// Its name in the journal.
    #[must_use]
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Begun(_) => "begun",
            Self::Resumed { .. } => "resumed",
            Self::Intent { .. } => "intent",
            Self::Done { .. } => "done",
            Self::Failed { .. } => "failed",
            Self::Stopped { .. } => "stopped",
            Self::Finished => "finished",
            Self::Superseded { .. } => "superseded",
            Self::RolledBack { .. } => "rolled-back",
        }
    }

    /// Why it cannot stand at this place: the beginning is first, and only first.
    fn misplaced(&self, number: u64) -> Option<String> {
        match (number, self) {
            (0, Self::Begun(_)) => None,
            (0, _) => Some(format!("the first record is `{}`, and should be `begun`", self.word())),
            (_, Self::Begun(_)) => Some("the record is `begun`, which is the first of a journal and only the first".into()),
            _ => None,
        }
    }
}

/// How a run begins.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Begun {
    /// The program and its version.
    pub tool: String,
    /// The site.
    pub site: String,
    /// SHA-256 of the plan's text.
    pub plan_digest: String,
    /// The plan; for a rollback, the inverse steps with the start that they were made for.
    pub plan: Plan,
    /// The inventory's file.
    pub inventory: String,
    /// SHA-256 of the inventory.
    pub inventory_digest: String,
    /// The steps that were asked for; empty: all.
    pub only: Vec<u32>,
    /// The most steps at once.
    pub max_parallel: u32,
    /// Hosts of which the operator says that they are off and stay off.
    pub fenced: Vec<String>,
    /// The identity of each guest of the plan, as found or as in the inventory.
    pub guests: BTreeMap<String, Uuid>,
    /// Guests of which the journal that this run rolls back says that their host starts them when it boots.
    #[serde(default, skip_serializing_if = "std::collections::BTreeSet::is_empty")]
    pub autostart: std::collections::BTreeSet<String>,
    /// The journal that this run rolls back.
    pub rolls_back: Option<String>,
}

/// A line of the journal.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Line {
    /// From 0.
    pub number: u64,
    /// When, ns since 1970.
    pub at_unix_ns: u64,
    /// The hash of the line before: 64 zeros for the first.
    pub previous: String,
    /// What happened.
    pub what: Record,
    /// SHA-256 of `previous` and of the canonical JSON of the rest.
    pub hash: String,
}

/// Where the lines go: a file, or the disk of the fake.
pub trait Store {
    /// Appends bytes. They may be lost until [`Store::sync`] has returned.
    ///
    /// # Errors
    /// What the system says.
    fn append(&mut self, bytes: &[u8]) -> std::io::Result<()>;
    /// Returns when all that was appended is on disk.
    ///
    /// # Errors
    /// What the system says.
    fn sync(&mut self) -> std::io::Result<()>;
}

/// A text that is not a journal.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotAJournal {
    /// A line that is none, and is not the torn end.
    #[error("line {line}: {why}")]
    Line {
        /// From 1.
        line: usize,
        /// What is wrong.
        why: String,
    },
    /// It has no line, or does not begin with the beginning of a run.
    #[error("the journal does not say what it is of: {0}")]
    NoBeginning(String),
}

/// Writes a journal.
pub struct Journal<S> {
    /// Where to.
    store: S,
    next: u64,
    previous: String,
    /// What the system said when it failed to write: nothing is written after that.
    broken: Option<String>,
}

/// A journal as read.
#[derive(Debug, Clone, PartialEq)]
pub struct History {
    /// All whole lines.
    pub lines: Vec<Line>,
    /// Bytes of a torn line after them: 0 where there is none.
    pub torn_bytes: usize,
}
