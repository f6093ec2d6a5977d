//! What was wrong with a file, where in it, and what is allowed there.

use std::fmt;
use std::ops::{Deref, Range};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A file that cannot be used. It reads as its [`Fault`]: `error.file`, `error.line`, `error.help` ...
///
/// Printed: `file:line:column: key `k`: message (value)`, and what is allowed on a second line.
#[derive(Debug)]
pub struct Error(Box<Fault>);

/// The parts of an [`Error`], for a program that shows the place.
#[derive(Debug)]
pub struct Fault {
    /// The file.
    pub file: PathBuf,
    /// The line, from 1; nothing where the whole file is meant.
    pub line: Option<u64>,
    /// The character in the line, from 1.
    pub column: Option<u64>,
    /// The key of the file (`class.rx300.power_w`), or the column of a table.
    pub key: Option<String>,
    /// The value found there, shortened where it is long.
    pub value: Option<String>,
    /// What is wrong.
    pub message: String,
    /// What is allowed there, or what to do.
    pub help: Option<String>,
    /// The text of the file, where it was read as a whole.
    pub text: Option<Arc<str>>,
    /// The bytes of `text` that are meant.
    pub span: Option<Range<usize>>,
    /// What the system or a library said.
    pub cause: Option<Box<dyn std::error::Error + Send + Sync>>,
}

impl Deref for Error {
    type Target = Fault;
    fn deref(&self) -> &Fault {
        &self.0
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.file.display())?;
        for n in [self.line, self.column].into_iter().flatten() {
            write!(f, ":{n}")?;
        }
        if let Some(key) = &self.key {
            write!(f, ": key `{key}`")?;
        }
        write!(f, ": {}", self.message)?;
        if let Some(value) = &self.value {
            write!(f, " ({value})")?;
        }
        if let Some(help) = &self.help {
            write!(f, "\n{help}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.cause.as_deref().map(|c| c as _)
    }
}

/// The longest value that an error repeats, in characters.
const VALUE_MAX: usize = 80;

impl Error {
    pub(crate) fn new(file: &Path, message: impl Into<String>) -> Self {
        Self(Box::new(Fault {
            file: file.to_owned(),
            line: None,
            column: None,
            key: None,
            value: None,
            message: message.into(),
            help: None,
            text: None,
            span: None,
            cause: None,
        }))
    }

    pub(crate) fn io(file: &Path, doing: &str, cause: std::io::Error) -> Self {
        Self::new(file, format!("{doing}: {cause}")).cause(cause)
    }

    pub(crate) fn line(mut self, line: u64) -> Self {
        self.0.line = Some(line);
        self
    }

    pub(crate) fn column(mut self, column: usize) -> Self {
        self.0.column = Some(column as u64);
        self
    }

    pub(crate) fn key(mut self, key: impl Into<String>) -> Self {
        self.0.key = Some(key.into());
        self
    }

    pub(crate) fn value(mut self, value: &str) -> Self {
        let one_line = value.split_whitespace().collect::<Vec<_>>().join(" ");
        let mut short: String = one_line.chars().take(VALUE_MAX).collect();
        if short.len() < one_line.len() {
            short.push_str(" ...");
        }
        self.0.value = Some(short);
        self
    }

    pub(crate) fn help(mut self, help: impl Into<String>) -> Self {
        self.0.help = Some(help.into());
        self
    }

    /// More help, after what is there.
    pub(crate) fn note(mut self, note: &str) -> Self {
        self.0.help = Some(self.0.help.take().map_or_else(|| note.to_owned(), |h| format!("{h}\n{note}")));
        self
    }

    pub(crate) fn cause(mut self, cause: impl std::error::Error + Send + Sync + 'static) -> Self {
        self.0.cause = Some(Box::new(cause));
        self
    }

    pub(crate) fn text(mut self, text: &Arc<str>, span: Range<usize>) -> Self {
        let before = text.get(..span.start).unwrap_or(text);
        let line_start = before.rfind('\n').map_or(0, |i| i + 1);
        self.0.line = Some(before.matches('\n').count() as u64 + 1);
        self.0.column = Some(before[line_start..].chars().count() as u64 + 1);
        self.0.text = Some(text.clone());
        self.0.span = Some(span);
        self
    }
}
