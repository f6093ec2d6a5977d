//! A TOML text in which every key can be found again: errors point at what they speak of.

use std::borrow::Cow;
use std::fmt::Write as _;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::de::DeserializeOwned;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::error::Error;
use crate::names;

/// The way to a key: `class`, 2, `power_w`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct At(Vec<Part>);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    Key(Cow<'static, str>),
    Index(usize),
}

impl At {
    /// The file itself.
    pub(crate) const fn root() -> Self {
        Self(Vec::new())
    }
    /// The way to element `i` of the array of tables `name`.
    pub(crate) fn element(name: &'static str, i: usize) -> Self {
        Self::root().key(name).index(i)
    }
    /// One key further.
    pub(crate) fn key(&self, key: impl Into<Cow<'static, str>>) -> Self {
        let mut at = self.clone();
        at.0.push(Part::Key(key.into()));
        at
    }
    /// One element further.
    pub(crate) fn index(&self, i: usize) -> Self {
        let mut at = self.clone();
        at.0.push(Part::Index(i));
        at
    }
}

/// The text of a TOML file.
pub(crate) struct Text {
    file: PathBuf,
    text: Arc<str>,
}

/// The longest site.toml or targets.toml.
const BYTES_MAX: u64 = 16 << 20;

impl Text {
    /// Reads a file.
    pub(crate) fn read(file: &Path) -> Result<Self, Error> {
        let meta = std::fs::metadata(file).map_err(|e| match e.kind() {
            std::io::ErrorKind::NotFound => Error::new(file, "there is no such file").cause(e),
            _ => Error::io(file, "it cannot be read", e),
        })?;
        if !meta.is_file() {
            return Err(Error::new(file, "this is not a file"));
        }
        if meta.len() > BYTES_MAX {
            return Err(Error::new(file, format!("the file has {} bytes; at most {BYTES_MAX} are read", meta.len()))
                .help("recorded loads stand in files of their own, which the site names"));
        }
        Self::of(file, std::fs::read(file).map_err(|e| Error::io(file, "it cannot be read", e))?)
    }

    /// The text of these bytes.
    pub(crate) fn of(file: &Path, bytes: Vec<u8>) -> Result<Self, Error> {
        match String::from_utf8(bytes) {
            Ok(text) => Ok(Self { file: file.to_owned(), text: text.into() }),
            Err(e) => {
                let good = e.utf8_error().valid_up_to();
                let text: Arc<str> = String::from_utf8_lossy(e.as_bytes()).into();
                Err(Error::new(file, "the text is not UTF-8 here")
                    .text(&text, good..good + '\u{fffd}'.len_utf8())
                    .help("save the file as UTF-8"))
            }
        }
    }

    /// The text itself.
    pub(crate) fn as_str(&self) -> &str {
        &self.text
    }

    /// The tables in it.
    pub(crate) fn document(&self) -> Result<Document<'_>, Error> {
        let root = DeTable::parse(&self.text)
            .map_err(|e| Error::new(&self.file, format!("this is not TOML: {}", e.message())).text(&self.text, e.span().unwrap_or(0..0)))?;
        Ok(Document { file: &self.file, text: &self.text, root })
    }
}

/// A TOML file, read.
pub(crate) struct Document<'t> {
    file: &'t Path,
    text: &'t Arc<str>,
    root: Spanned<DeTable<'t>>,
}

impl<'t> Document<'t> {
    /// The file as a value of `T`.
    pub(crate) fn get<T: DeserializeOwned>(&self) -> Result<T, Error> {
        let mut track = serde_path_to_error::Track::new();
        let from = toml::de::Deserializer::from(self.root.clone());
        T::deserialize(serde_path_to_error::Deserializer::new(from, &mut track)).map_err(|e| self.misread(&track.path(), &e))
    }

    /// An error at a key: where it stands, and its value.
    pub(crate) fn error(&self, at: &At, message: impl Into<String>) -> Error {
        let error = Error::new(self.file, message).key(self.named(at));
        match self.find(at) {
            Some((span, Some(value))) => error.value(self.text.get(value).unwrap_or("")).text(self.text, span),
            Some((span, None)) => error.text(self.text, span),
            None => error,
        }
    }

    /// Where a key starts in the text.
    pub(crate) fn offset(&self, at: &At) -> usize {
        self.find(at).map_or(0, |(span, _)| span.start)
    }

    /// The line of a byte, from 1.
    pub(crate) fn line_at(&self, offset: usize) -> usize {
        self.text(0..offset).matches('\n').count() + 1
    }

    /// The text between two bytes.
    pub(crate) fn text(&self, span: Range<usize>) -> &'t str {
        self.text.get(span).unwrap_or("")
    }

    /// The tables of the file, from the top.
    pub(crate) fn root(&self) -> &DeTable<'t> {
        self.root.get_ref()
    }

    /// A key in words: elements of arrays of tables by their name.
    pub(crate) fn named(&self, at: &At) -> String {
        let mut out = String::new();
        let mut value: Option<&DeValue<'_>> = None;
        for (depth, part) in at.0.iter().enumerate() {
            value = match part {
                Part::Key(key) => {
                    if depth > 0 {
                        out.push('.');
                    }
                    out.push_str(key);
                    let table = if depth == 0 { Some(self.root.get_ref()) } else { value.and_then(DeValue::as_table) };
                    table.and_then(|t| entry(t, key)).map(|(_, v)| v.get_ref())
                }
                Part::Index(i) => {
                    let element = value.and_then(DeValue::as_array).and_then(|a| a.get(*i)).map(Spanned::get_ref);
                    let name = element.and_then(DeValue::as_table).and_then(|t| entry(t, "name")).and_then(|(_, v)| v.get_ref().as_str());
                    match name {
                        Some(name) => write!(out, ".{name}"),
                        None => write!(out, "[{i}]"),
                    }
                    .expect("a string can be written to");
                    element
                }
            };
        }
        out
    }

    /// The bytes to point at, and those of the value (none where the value is a table with a header of its own).
    fn find(&self, at: &At) -> Option<(Range<usize>, Option<Range<usize>>)> {
        let mut found = (0..0, None);
        let mut value: Option<&Spanned<DeValue<'_>>> = None;
        for (depth, part) in at.0.iter().enumerate() {
            let next = match part {
                Part::Key(key) => {
                    let table = if depth == 0 { self.root.get_ref() } else { value?.get_ref().as_table()? };
                    let (name, next) = entry(table, key)?;
                    let header = next.get_ref().is_table() && !self.text.get(next.span())?.starts_with('{');
                    found = if header { (name.span(), None) } else { (next.span(), Some(next.span())) };
                    next
                }
                Part::Index(i) => {
                    let next = value?.get_ref().as_array()?.get(*i)?;
                    let header = next.get_ref().is_table() && !self.text.get(next.span())?.starts_with('{');
                    found = (next.span(), (!header).then(|| next.span()));
                    next
                }
            };
            value = Some(next);
        }
        Some(found)
    }

    /// What serde said, in our words.
    fn misread(&self, path: &serde_path_to_error::Path, e: &toml::de::Error) -> Error {
        let mut at = At::root();
        for segment in path {
            match segment {
                serde_path_to_error::Segment::Seq { index } => at = at.index(*index),
                serde_path_to_error::Segment::Map { key } => at = at.key(key.clone()),
                _ => {}
            }
        }
        let said = e.message().trim_end();
        let quoted: Vec<&str> = said.split('`').skip(1).step_by(2).collect();
        let (wrong, allowed) = (quoted.first().copied().unwrap_or(""), quoted.get(1..).unwrap_or(&[]));
        if said.starts_with("unknown field") {
            // The path may or may not hold the unknown key itself.
            let at = if matches!(at.0.last(), Some(Part::Key(k)) if k == wrong) { at } else { at.key(wrong.to_owned()) };
            let error = self.error(&at, format!("there is no key `{wrong}` here"));
            let span = self.key_span(&at);
            let error = if let Some(span) = span { error.text(self.text, span) } else { error };
            return error.help(names::help_for(wrong, "keys", allowed.iter().copied()));
        }
        if said.starts_with("missing field") {
            let error = Error::new(self.file, format!("the key `{wrong}` is missing")).key(self.named(&at.key(wrong.to_owned())));
            let span = self.find(&at).map_or(0..0, |(span, _)| span);
            return error.text(self.text, span).help(format!("write `{wrong} = ...`; `shuyaku schema` says what it means"));
        }
        if said.starts_with("unknown variant") {
            return self.error(&at, format!("`{wrong}` is not one of the words for this")).help(names::help_for(
                wrong,
                "words",
                allowed.iter().copied(),
            ));
        }
        let error = self.error(&at, said.to_owned());
        match (error.span.is_some(), e.span()) {
            (false, Some(span)) => error.text(self.text, span),
            _ => error,
        }
    }

    fn key_span(&self, at: &At) -> Option<Range<usize>> {
        let (Part::Key(last), before) = at.0.split_last()? else { return None };
        let mut value: Option<&DeValue<'_>> = None;
        for (depth, part) in before.iter().enumerate() {
            value = match part {
                Part::Key(key) => {
                    let table = if depth == 0 { self.root.get_ref() } else { value?.as_table()? };
                    Some(entry(table, key)?.1.get_ref())
                }
                Part::Index(i) => Some(value?.as_array()?.get(*i)?.get_ref()),
            };
        }
        let table = if before.is_empty() { self.root.get_ref() } else { value?.as_table()? };
        entry(table, last).map(|(name, _)| name.span())
    }
}

pub(crate) type Entry<'d, 't> = (&'d Spanned<Cow<'t, str>>, &'d Spanned<DeValue<'t>>);

/// The entries of a table as they stand in the file.
pub(crate) fn in_file_order<'d, 't>(table: &'d DeTable<'t>) -> impl Iterator<Item = (&'d str, &'d Spanned<DeValue<'t>>)> {
    let mut all: Vec<Entry<'d, 't>> = table.iter().collect();
    all.sort_by_key(|(name, _)| name.span().start);
    all.into_iter().map(|(name, value)| (name.get_ref().as_ref(), value))
}

/// A key of a table, and its value.
pub(crate) fn entry<'d, 't>(table: &'d DeTable<'t>, key: &str) -> Option<Entry<'d, 't>> {
    table.iter().find(|(name, _)| name.get_ref() == key)
}
