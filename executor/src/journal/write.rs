//! From records to lines: the chain, and what is on disk when.

use serde::Serialize;

use super::{History, Journal, Line, NO_HASH, Record, Store};

/// A line without its hash, in the order in which it is written.
#[derive(Serialize)]
struct Unhashed<'a> {
    number: u64,
    at_unix_ns: u64,
    previous: &'a str,
    what: &'a Record,
}

/// The hash that a line should have: SHA-256 of the hash before it, then of the JSON of all but the hash.
pub(super) fn hash(number: u64, at_unix_ns: u64, previous: &str, what: &Record) -> String {
    let rest = serde_json::to_string(&Unhashed { number, at_unix_ns, previous, what }).expect("a record has a JSON form");
    models::digest::of_bytes(format!("{previous}{rest}").as_bytes())
}

impl Line {
    /// As it is written: JSON without spaces, keys in the order of the type, a line feed.
    ///
    /// # Panics
    /// Never: a line has a JSON form.
    #[must_use]
    pub fn to_text(&self) -> String {
        let mut text = serde_json::to_string(self).expect("a line has a JSON form");
        text.push('\n');
        text
    }
}

impl<S: Store> Journal<S> {
    /// A new journal.
    pub fn new(store: S) -> Self {
        Self { store, next: 0, previous: NO_HASH.into(), broken: None }
    }

    /// A journal that goes on. A torn end is cut off before ([`super::FileStore::go_on`]).
    #[must_use]
    pub fn after(store: S, history: &History) -> Self {
        let last = history.lines.last();
        Self {
            store,
            next: last.map_or(0, |l| l.number + 1),
            previous: last.map_or_else(|| NO_HASH.to_owned(), |l| l.hash.clone()),
            broken: None,
        }
    }

    /// Appends a record and returns when it is on disk.
    ///
    /// After a failure of the store every later write fails too, without trying: a system that failed to sync may have dropped the
    /// bytes and say that all is well the next time, so that nobody knows any more what is on disk.
    ///
    /// # Errors
    /// What the system says: then nothing may be done any more. Also a record that would not be read back (a beginning elsewhere
    /// than first, a number that is not finite): it is not written, and the journal is as it was.
    pub fn write(&mut self, at_unix_ns: u64, what: Record) -> std::io::Result<Line> {
        if let Some(why) = &self.broken {
            return Err(std::io::Error::other(format!("the journal could not be written before, and is not written any more: {why}")));
        }
        let hash = hash(self.next, at_unix_ns, &self.previous, &what);
        let line = Line { number: self.next, at_unix_ns, previous: self.previous.clone(), what, hash };
        let text = line.to_text();
        super::read::line(text.trim_end().as_bytes(), self.next, &self.previous)
            .map_err(|why| std::io::Error::new(std::io::ErrorKind::InvalidInput, format!("a record that cannot be read back: {why}")))?;
        if let Err(e) = self.store.append(text.as_bytes()).and_then(|()| self.store.sync()) {
            self.broken = Some(e.to_string());
            return Err(e);
        }
        self.next += 1;
        self.previous.clone_from(&line.hash);
        Ok(line)
    }
}
