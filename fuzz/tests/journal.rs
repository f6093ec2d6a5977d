//! Journals: what is accepted is byte for byte what would be written, and no text brings the reader down.

use executor::journal::{History, NotAJournal, Progress, Summary};
use fuzz::{Answer, Syntax, Target, USUAL_TIME, message_is_fit_to_print};

fn read(bytes: &[u8]) -> Answer {
    match History::from_bytes(bytes) {
        Ok(history) => {
            let whole = history.whole_bytes();
            assert_eq!(whole + history.torn_bytes, bytes.len());
            let written: String = history.lines.iter().map(executor::journal::Line::to_text).collect();
            assert!(written.as_bytes() == &bytes[..whole], "what was accepted is not what would be written");
            // What is torn is one line.
            assert!(!bytes[whole..].strip_suffix(b"\n").unwrap_or(&bytes[whole..]).contains(&b'\n'));
            let progress = Progress::of(&history);
            assert!(progress.done.is_disjoint(&progress.open) && progress.done.len() == progress.order_done.len());
            assert_eq!(Summary::of(&history).begun, *history.begun());
            Answer::Accepted
        }
        Err(e) => {
            message_is_fit_to_print(&e.to_string());
            if let NotAJournal::Line { line, .. } = e {
                assert!((1..=bytes.split(|b| *b == b'\n').count()).contains(&line));
            }
            Answer::Refused(e.to_string())
        }
    }
}

/// Closes the chain again: gives each line of the right outline its number, the hash before it, and its own hash.
fn mend(text: &[u8]) -> Vec<u8> {
    let mut previous = "0".repeat(64);
    let mut mended = Vec::new();
    for (number, line) in text.split_inclusive(|b| *b == b'\n').enumerate() {
        let outline = || {
            let text = std::str::from_utf8(line).ok()?.strip_suffix('\n')?;
            let (_, rest) = text.split_once(",\"at_unix_ns\":")?;
            let (at, rest) = rest.split_once(",\"previous\":")?;
            let (_, rest) = rest.split_once(",\"what\":")?;
            let (what, _) = rest.rsplit_once(",\"hash\":")?;
            Some((at, what))
        };
        let Some((at, what)) = outline() else {
            mended.extend_from_slice(line);
            continue;
        };
        let rest = format!("{{\"number\":{number},\"at_unix_ns\":{at},\"previous\":\"{previous}\",\"what\":{what}");
        let hash = models::digest::of_bytes(format!("{previous}{rest}}}").as_bytes());
        mended.extend_from_slice(format!("{rest},\"hash\":\"{hash}\"}}\n").as_bytes());
        previous = hash;
    }
    mended
}

#[test]
fn a_whole_journal_is_mended_to_itself() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/corpus/journal/right");
    let mut whole = 0;
    for file in std::fs::read_dir(folder).unwrap() {
        let bytes = std::fs::read(file.unwrap().path()).unwrap();
        if History::from_bytes(&bytes).unwrap().torn_bytes == 0 {
            assert!(mend(&bytes) == bytes);
            whole += 1;
        }
    }
    assert!(whole > 0);
}

#[test]
fn every_text_of_the_corpus_is_accepted_or_refused_as_it_should_be() {
    let target = Target::new("journal", Syntax::Json, mend, read);
    target.read_corpus();
    target.tell();
}

#[test]
fn no_text_brings_the_reader_of_journals_down() {
    let target = Target::new("journal", Syntax::Json, mend, read);
    bolero::check!().with_test_time(USUAL_TIME).with_type().for_each(|program| target.run(program));
    target.tell();
}
