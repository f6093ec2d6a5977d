//! What an executor says while it works: one closed list, written for people by one sink and for programs by another.

use serde::Serialize;

use crate::failure::Failure;

/// Something worth saying.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Said {
    /// When, ns since 1970.
    pub at_unix_ns: u64,
    /// The step it is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub step: Option<u32>,
    /// What.
    #[serde(flatten)]
    pub what: What,
}

/// What is said.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "event", rename_all = "kebab-case")]
pub enum What {
    /// A step begins.
    Begins {
        /// The step in words.
        action: String,
    },
    /// Something is asked of a host.
    Acts {
        /// What.
        act: String,
    },
    /// Something takes its time.
    Waits {
        /// For what.
        until: String,
    },
    /// A step's end is as planned.
    Done {
        /// What was seen.
        seen: String,
        /// It was so before anything was done.
        already: bool,
    },
    /// A step stopped.
    Failed {
        /// Its name.
        failure: String,
        /// In words.
        why: String,
        /// What to do next.
        next: String,
    },
    /// Anything else.
    Note {
        /// In words.
        text: String,
    },
}

impl What {
    /// A failure.
    #[must_use]
    pub fn failed(why: &Failure) -> Self {
        Self::Failed { failure: why.name().into(), why: why.to_string(), next: why.next() }
    }
}

impl std::fmt::Display for Said {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if let Some(step) = self.step {
            write!(f, "step {step}: ")?;
        }
        match &self.what {
            What::Begins { action } => f.write_str(action),
            What::Acts { act } => write!(f, "asks: {act}"),
            What::Waits { until } => write!(f, "waits: {until}"),
            What::Done { seen, already: false } => write!(f, "done: {seen}"),
            What::Done { seen, already: true } => write!(f, "done already: {seen}"),
            What::Failed { failure, why, next } => write!(f, "FAILED ({failure}): {why}\n    next: {next}"),
            What::Note { text } => f.write_str(text),
        }
    }
}

/// Where it is said.
pub trait Log {
    /// Says it.
    fn say(&self, said: &Said);
}
