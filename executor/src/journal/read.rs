//! From bytes to lines: all that was written and nothing else, or the first line that does not add up.
//!
//! What a crash can leave of the last line was never acted on: it is torn, and counted. That is a line without its line feed (cut short,
//! or with zeros at its end, because a file may grow on disk before its blocks are filled), and one that begins with a zero (its end is
//! in a block that was filled earlier than the one with its beginning). A line is appended only after the one before is on disk, so
//! there is never more than one such.

use super::{Begun, History, Line, NO_HASH, NotAJournal, Record, write};

impl History {
    /// Reads a journal.
    ///
    /// # Errors
    /// A line that does not add up, other than a torn last one; a journal without a first line, or with a torn one: nothing was done.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, NotAJournal> {
        let mut lines: Vec<Line> = Vec::new();
        let mut rest = bytes;
        while let Some(end) = rest.iter().position(|b| *b == b'\n') {
            let (text, after) = (&rest[..end], &rest[end + 1..]);
            if after.is_empty() && text.first() == Some(&0) {
                break;
            }
            let previous = lines.last().map_or(NO_HASH, |l| l.hash.as_str());
            let line = line(text, lines.len() as u64, previous).map_err(|why| NotAJournal::Line { line: lines.len() + 1, why })?;
            lines.push(line);
            rest = after;
        }
        if lines.is_empty() {
            return Err(NotAJournal::NoBeginning(if bytes.is_empty() {
                "it is empty; nothing was done".into()
            } else {
                format!("its first line is torn ({} bytes without an end); nothing was done", bytes.len())
            }));
        }
        Ok(Self { lines, torn_bytes: rest.len() })
    }

    /// How the run began.
    ///
    /// # Panics
    /// Never: a history without a beginning is not read.
    #[must_use]
    pub fn begun(&self) -> &Begun {
        match self.lines.first().map(|l| &l.what) {
            Some(Record::Begun(b)) => b,
            _ => unreachable!("a history without a beginning is not read"),
        }
    }

    /// Bytes of all whole lines: where a torn end is cut off.
    #[must_use]
    pub fn whole_bytes(&self) -> usize {
        // What is read is byte for byte what would be written.
        self.lines.iter().map(|l| l.to_text().len()).sum()
    }
}

/// Reads a line without its line feed, which should have this number and follow on this hash. The error says what is wrong with it.
pub(super) fn line(text: &[u8], number: u64, previous: &str) -> Result<Line, String> {
    let line: Line = serde_json::from_slice(text).map_err(|e| {
        // Of the place the column alone is right: every line is read by itself.
        let said = e.to_string();
        let cause = said.rsplit_once(" at line ").map_or(said.as_str(), |(cause, _)| cause);
        format!("column {}: {}", e.column(), shortened(cause))
    })?;
    if line.number != number {
        return Err(format!("`number` is {}, and should be {number}: a line was taken out, put in or repeated", line.number));
    }
    if line.previous != previous {
        return Err(format!(
            "`previous` is {}, and should be {previous}, the hash of the line before: a line was changed, taken out or put in",
            shortened(&line.previous)
        ));
    }
    let hash = write::hash(line.number, line.at_unix_ns, &line.previous, &line.what);
    if line.hash != hash {
        return Err(format!("`hash` is {}, and should be {hash}: the line was changed", shortened(&line.hash)));
    }
    let written = line.to_text();
    let written = written.trim_end_matches('\n').as_bytes();
    if text != written {
        let at = text.iter().zip(written).take_while(|(a, b)| a == b).count();
        return Err(format!(
            "column {}: it reads `{}`, and is written `{}`: the line was changed",
            at + 1,
            shortened(&String::from_utf8_lossy(&text[at..])),
            shortened(&String::from_utf8_lossy(&written[at..]))
        ));
    }
    line.what.misplaced(number).map_or(Ok(line), Err)
}

/// The beginning of a text from a journal, fit for a message.
fn shortened(text: &str) -> String {
    models::message::shown(text, 300)
}
