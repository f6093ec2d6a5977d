//! TOML in which every key can be found again: what is wrong with one is told with its line, its column and its value.

use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::NotAnInventory;
use crate::names::{NAME_FORM, is_name};

/// A text, and the file that it is from.
#[derive(Clone, Copy)]
pub(super) struct Source<'d> {
    pub(super) file: &'d Path,
    pub(super) text: &'d str,
}

impl Source<'_> {
    /// What is wrong at a byte of the text.
    pub(super) fn error(&self, at: usize, key: &str, why: impl Into<String>) -> NotAnInventory {
        let before = self.text.get(..at).unwrap_or(self.text);
        let line_start = before.rfind('\n').map_or(0, |n| n + 1);
        NotAnInventory::Key {
            path: self.file.to_owned(),
            line: self.line(at),
            column: before[line_start..].chars().count() + 1,
            key: key.to_owned(),
            why: why.into(),
        }
    }

    /// The line of a byte, from 1.
    fn line(&self, at: usize) -> usize {
        self.text.get(..at).unwrap_or(self.text).matches('\n').count() + 1
    }
}

/// A table with no key but those that it may have.
pub(super) struct Table<'d> {
    source: Source<'d>,
    /// Its name; empty for the file itself.
    key: String,
    at: usize,
    entries: &'d DeTable<'d>,
    allowed: &'static [&'static str],
}

impl<'d> Table<'d> {
    /// The file itself.
    pub(super) fn root(source: Source<'d>, entries: &'d DeTable<'d>, allowed: &'static [&'static str]) -> Result<Self, NotAnInventory> {
        Self { source, key: String::new(), at: 0, entries, allowed }.checked()
    }

    fn checked(self) -> Result<Self, NotAnInventory> {
        let unknown = self.entries.keys().filter(|k| !self.allowed.contains(&k.get_ref().as_ref())).min_by_key(|k| k.span().start);
        match unknown {
            None => Ok(self),
            Some(k) => {
                let why = format!("there is no such key here; there are {}", listed(self.allowed));
                Err(self.source.error(k.span().start, &self.named(&k.get_ref().escape_debug().to_string()), why))
            }
        }
    }

    fn named(&self, key: &str) -> String {
        if self.key.is_empty() { key.to_owned() } else { format!("{}.{key}", self.key) }
    }

    /// The value of a key, where it is there.
    pub(super) fn may(&self, key: &str) -> Option<Value<'d>> {
        debug_assert!(self.allowed.contains(&key), "{key} is asked for and not allowed");
        let (name, value) = self.entries.iter().find(|(name, _)| name.get_ref() == key)?;
        let mut value = Value::of(self.source, self.named(key), value);
        // A table with a header of its own is best pointed at, and shown, by its name.
        if value.inner.is_table() && !value.shown().starts_with('{') {
            (value.at, value.end) = (name.span().start, name.span().end);
        }
        Some(value)
    }

    /// The value of a key that must be there; `right`: how it is written.
    pub(super) fn must(&self, key: &str, right: &str) -> Result<Value<'d>, NotAnInventory> {
        self.may(key).ok_or_else(|| self.wrong(key, format!("it is missing; write `{key} = {right}`")))
    }

    /// What is wrong with a key of this table, told of where the table begins.
    pub(super) fn wrong(&self, key: &str, why: impl Into<String>) -> NotAnInventory {
        self.source.error(self.at, &self.named(key), why)
    }
}

/// A value, and where it stands.
pub(super) struct Value<'d> {
    source: Source<'d>,
    pub(super) key: String,
    at: usize,
    end: usize,
    inner: &'d DeValue<'d>,
}

impl<'d> Value<'d> {
    fn of(source: Source<'d>, key: String, value: &'d Spanned<DeValue<'d>>) -> Self {
        Self { source, key, at: value.span().start, end: value.span().end, inner: value.get_ref() }
    }

    /// Its text in the file, short enough for a line.
    fn shown(&self) -> String {
        const MOST: usize = 80;
        let text = self.source.text.get(self.at..self.end).unwrap_or("");
        let mut shown: String = text.chars().take(MOST).map(|c| if c.is_control() { ' ' } else { c }).collect();
        if text.chars().nth(MOST).is_some() {
            shown.push_str("...");
        }
        shown
    }

    /// Its line, from 1.
    pub(super) fn line(&self) -> usize {
        self.source.line(self.at)
    }

    /// What is wrong with it: the value, and then these words.
    pub(super) fn wrong(&self, why: impl std::fmt::Display) -> NotAnInventory {
        self.source.error(self.at, &self.key, format!("`{}` {why}", self.shown()))
    }

    fn not_a(&self, what: &str) -> NotAnInventory {
        self.wrong(format!("is {}; this must be {what}", kind(self.inner)))
    }

    /// A text: not empty, without control characters.
    pub(super) fn text(&self) -> Result<&'d str, NotAnInventory> {
        let text = self.inner.as_str().ok_or_else(|| self.not_a("a text in quotes"))?;
        if text.is_empty() {
            return Err(self.wrong("is empty; leave the key out, or write what it should be"));
        }
        if let Some(c) = text.chars().find(|c| c.is_control()) {
            return Err(self.wrong(format!("has a control character ({}); take it out", c.escape_unicode())));
        }
        Ok(text)
    }

    /// A name.
    pub(super) fn name(&self) -> Result<&'d str, NotAnInventory> {
        let text = self.text()?;
        if is_name(text) { Ok(text) } else { Err(self.wrong(format!("is no name; {NAME_FORM}"))) }
    }

    /// A path; where it is relative, it begins in the folder of the file.
    pub(super) fn path(&self) -> Result<PathBuf, NotAnInventory> {
        let folder = self.source.file.parent().unwrap_or(Path::new(""));
        Ok(folder.join(self.text()?))
    }

    /// A whole number within a range of this unit.
    pub(super) fn number(&self, range: RangeInclusive<u64>, unit: &str) -> Result<u64, NotAnInventory> {
        let right = format!("a whole number from {} to {}{}{unit}", range.start(), range.end(), if unit.is_empty() { "" } else { " " });
        let number = self.inner.as_integer().ok_or_else(|| self.not_a(&right))?;
        match u64::from_str_radix(number.as_str(), number.radix()) {
            Ok(n) if range.contains(&n) => Ok(n),
            _ => Err(self.wrong(format!("is out of range; this must be {right}"))),
        }
    }

    /// Yes or no.
    pub(super) fn flag(&self) -> Result<bool, NotAnInventory> {
        self.inner.as_bool().ok_or_else(|| self.not_a("`true` or `false`"))
    }

    /// One of these words.
    pub(super) fn one_of<T: Copy>(&self, words: &[(&str, T)]) -> Result<T, NotAnInventory> {
        let text = self.text()?;
        words.iter().find(|(word, _)| *word == text).map(|(_, t)| *t).ok_or_else(|| {
            let all: Vec<String> = words.iter().map(|(word, _)| format!("\"{word}\"")).collect();
            self.wrong(format!("is not one of the words for this: {}", all.join(", ")))
        })
    }

    /// The elements of a list.
    pub(super) fn list(&self) -> Result<Vec<Self>, NotAnInventory> {
        let array = self.inner.as_array().ok_or_else(|| self.not_a("a list in `[` and `]`"))?;
        Ok(array.iter().enumerate().map(|(i, v)| Self::of(self.source, format!("{}[{i}]", self.key), v)).collect())
    }

    /// A list of names without doubles.
    pub(super) fn names(&self) -> Result<Vec<String>, NotAnInventory> {
        let mut names: Vec<String> = Vec::new();
        for element in self.list()? {
            let name = element.name()?;
            if names.iter().any(|n| n == name) {
                return Err(element.wrong("stands in the list twice; write it once"));
            }
            names.push(name.to_owned());
        }
        Ok(names)
    }

    /// A table with these keys and no other.
    pub(super) fn table(&self, allowed: &'static [&'static str]) -> Result<Table<'d>, NotAnInventory> {
        let entries = self.inner.as_table().ok_or_else(|| self.not_a("a table"))?;
        Table { source: self.source, key: self.key.clone(), at: self.at, entries, allowed }.checked()
    }

    /// The tables under headers in double brackets. They are called by their names in errors.
    pub(super) fn tables(&self, allowed: &'static [&'static str]) -> Result<Vec<Table<'d>>, NotAnInventory> {
        if !self.inner.is_array() {
            return Err(self.source.error(
                self.at,
                &self.key,
                format!("it is {}; write each one under a header `[[{}]]`", kind(self.inner), self.key),
            ));
        }
        let mut tables = Vec::new();
        for mut element in self.list()? {
            let name = element
                .inner
                .as_table()
                .and_then(|t| t.iter().find(|(k, _)| k.get_ref() == "name"))
                .and_then(|(_, v)| v.get_ref().as_str());
            if let Some(name) = name.filter(|n| is_name(n)) {
                element.key = format!("{}.{name}", self.key);
            }
            tables.push(element.table(allowed)?);
        }
        Ok(tables)
    }
}

/// What a value is, in words.
fn kind(value: &DeValue<'_>) -> &'static str {
    match value {
        DeValue::String(_) => "a text",
        DeValue::Integer(_) => "a whole number",
        DeValue::Float(_) => "a number with a point",
        DeValue::Boolean(_) => "a yes or no",
        DeValue::Datetime(_) => "a time",
        DeValue::Array(_) => "a list",
        DeValue::Table(_) => "a table",
    }
}

/// Names as a line holds them.
pub(super) fn listed<S: AsRef<str>>(names: impl IntoIterator<Item = S>) -> String {
    let all: Vec<String> = names.into_iter().map(|n| format!("`{}`", n.as_ref())).collect();
    if all.is_empty() { "none".to_owned() } else { all.join(", ") }
}
