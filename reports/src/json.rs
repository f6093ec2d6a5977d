//! `measures.json`: a run as canonical JSON.
//!
//! Two spaces, keys in the order of the type, one line feed at the end. It round-trips, number for number, and a key that
//! is not known is refused.

use crate::run::Run;

/// A text that is not a run.
#[derive(Debug, thiserror::Error)]
#[error("line {line}, column {column}: {cause}")]
pub struct NotARun {
    /// Where.
    pub line: usize,
    /// Where.
    pub column: usize,
    /// What is wrong.
    #[source]
    pub cause: serde_json::Error,
}

/// The canonical text of a run.
///
/// # Panics
/// Never: a run has a JSON form.
#[must_use]
pub fn to_text(run: &Run) -> String {
    let mut text = serde_json::to_string_pretty(run).expect("a run has a JSON form");
    text.push('\n');
    text
}

/// Reads a run.
///
/// # Errors
/// Where the text is not JSON, or a key is missing or not known.
pub fn from_text(text: &str) -> Result<Run, NotARun> {
    serde_json::from_str(text).map_err(|e| NotARun { line: e.line(), column: e.column(), cause: e })
}
