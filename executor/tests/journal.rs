//! The journal: what is written is read, what a crash leaves is a prefix of it, and what somebody changed is seen.

mod second;

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use executor::failure::Failure;
use executor::journal::{
    Begun, End, FileStore, History, Journal, NotAJournal, NotOpened, Progress, Record, Store, Summary, folder, journal_path, list,
    read_file,
};
use models::digest;
use models::plan::{Action, Condition, Figure, Plan, Step};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use second::{SECOND, Second, for_ever, say};
use uuid::Uuid;

// Samples.

fn plan(steps: Vec<Step>, value: f64) -> Plan {
    Plan { cost_lower_bound_yen: value, ..models::example::plan("tsukuba", None, steps) }
}

fn begun(plan: Plan) -> Record {
    Record::Begun(Box::new(Begun {
        tool: "shuyaku 0.1.0".into(),
        site: "tsukuba".into(),
        plan_digest: digest::of_bytes(plan.to_text().as_bytes()),
        plan,
        inventory: "/etc/shuyaku/tsukuba.toml".into(),
        inventory_digest: digest::of_bytes(b""),
        only: Vec::new(),
        max_parallel: 2,
        fenced: Vec::new(),
        guests: BTreeMap::from([("g1".into(), Uuid::from_u128(1))]),
        autostart: std::collections::BTreeSet::new(),
        rolls_back: None,
    }))
}

fn start() -> Record {
    begun(plan(Vec::new(), 0.1))
}

fn intent(step: u32) -> Record {
    Record::Intent { step, act: "migrate g1 from h1 to h2".into(), seen: "g1 runs on h1".into(), autostart: None }
}

fn done(step: u32) -> Record {
    Record::Done { step, seen: "g1 runs on h2 \"alone\"".into(), already: false }
}

fn already(step: u32) -> Record {
    Record::Done { step, seen: String::new(), already: true }
}

fn failed(step: u32) -> Record {
    Record::Failed {
        step,
        why: Failure::NotConverged { guest: "g1".into(), from: "h1".into(), to: "h2".into(), seconds: 60 },
        seen: "…".into(),
    }
}

fn stopped() -> Record {
    Record::Stopped { why: "step 2 stopped".into() }
}

fn resumed() -> Record {
    Record::Resumed { fenced: vec!["h3".into()] }
}

/// A run with a record of each kind.
fn sample() -> Vec<Record> {
    let by = "20261121T150405.000000000Z-rollback.jsonl".into();
    vec![start(), intent(1), done(1), intent(2), failed(2), stopped(), resumed(), already(2), Record::Finished, Record::RolledBack { by }]
}

// Stores.

/// Bytes in memory, as they are on disk; it can be told to fail.
#[derive(Clone, Default)]
struct Memory {
    bytes: Rc<RefCell<Vec<u8>>>,
    /// Each call; the calls of these numbers fail.
    calls: Rc<RefCell<usize>>,
    failing: BTreeSet<usize>,
}

impl Memory {
    fn call(&self) -> io::Result<()> {
        let mut calls = self.calls.borrow_mut();
        *calls += 1;
        if self.failing.contains(&(*calls - 1)) { Err(io::Error::other("the disk is gone")) } else { Ok(()) }
    }
}

impl Store for Memory {
    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.call()?;
        self.bytes.borrow_mut().extend_from_slice(bytes);
        Ok(())
    }

    fn sync(&mut self) -> io::Result<()> {
        self.call()
    }
}

fn write_all<S: Store>(journal: &mut Journal<S>, records: &[Record]) {
    for (i, r) in records.iter().enumerate() {
        journal.write(1_700_000_000_000_000_000 + i as u64, r.clone()).unwrap();
    }
}

fn bytes_of(records: &[Record]) -> Vec<u8> {
    let memory = Memory::default();
    write_all(&mut Journal::new(memory.clone()), records);
    memory.bytes.take()
}

fn records_of(history: &History) -> Vec<Record> {
    history.lines.iter().map(|l| l.what.clone()).collect()
}

fn lines(bytes: &[u8]) -> Vec<Vec<u8>> {
    bytes.split_inclusive(|b| *b == b'\n').map(<[u8]>::to_vec).collect()
}

/// A line with a hash that is right, whatever it says: by the definition, not by the writer.
fn forged(number: u64, previous: &str, what: &str) -> (Vec<u8>, String) {
    let rest = format!(r#"{{"number":{number},"at_unix_ns":7,"previous":"{previous}","what":{what}"#);
    let hash = digest::of_bytes(format!("{previous}{rest}}}").as_bytes());
    (format!("{rest},\"hash\":\"{hash}\"}}\n").into_bytes(), hash)
}

fn why(bytes: &[u8]) -> (usize, String) {
    match History::from_bytes(bytes) {
        Err(NotAJournal::Line { line, why }) => (line, why),
        other => panic!("not the error of a line: {other:?}"),
    }
}

// What is written is read.

fn step() -> impl Strategy<Value = Step> {
    let action = prop_oneof![
        any::<String>().prop_map(|host| Action::BootHost { host }),
        any::<(String, String, String)>().prop_map(|(guest, from, to)| Action::MigrateGuest { guest, from, to }),
    ];
    (any::<u32>(), action, any::<Option<u64>>(), any::<u32>(), any::<(String, u64)>()).prop_map(
        |(number, action, starts_after_s, beside, (host, mib))| Step {
            number,
            action,
            starts_after_s,
            beside,
            before: vec![Condition::MemoryFree { host, mib }],
            after: Vec::new(),
        },
    )
}

fn finite() -> impl Strategy<Value = f64> {
    any::<u64>().prop_map(f64::from_bits).prop_filter("finite", |x| x.is_finite())
}

fn any_start() -> impl Strategy<Value = Record> {
    (vec(step(), 0..3), finite(), finite(), option::of((finite(), finite())), any::<(String, Vec<u32>, Vec<String>, Option<String>)>())
        .prop_map(|(steps, bound, value, interval, (site, only, fenced, rolls_back))| {
            let mut plan = plan(steps, bound);
            plan.predicted.push(Figure { name: site.clone(), value, unit: "W".into(), interval, count: 1 });
            let Record::Begun(mut b) = begun(plan) else { unreachable!() };
            (b.site, b.only, b.fenced, b.rolls_back) = (site, only, fenced, rolls_back);
            Record::Begun(b)
        })
}

fn any_record() -> impl Strategy<Value = Record> {
    let text = any::<String>;
    let failure = prop_oneof![
        (text(), vec(text(), 0..3)).prop_map(|(guest, hosts)| Failure::BothRunning { guest, hosts }),
        (text(), text(), any::<u64>(), any::<u64>()).prop_map(|(host, guest, a, b)| Failure::NoMemory {
            host,
            guest,
            needed_mib: a,
            free_mib: b
        }),
    ];
    prop_oneof![
        vec(text(), 0..3).prop_map(|fenced| Record::Resumed { fenced }),
        (0..4_u32, text(), text(), proptest::option::of(any::<bool>())).prop_map(|(step, act, seen, autostart)| Record::Intent {
            step,
            act,
            seen,
            autostart
        }),
        (0..4_u32, text(), any::<bool>()).prop_map(|(step, seen, already)| Record::Done { step, seen, already }),
        (0..4_u32, failure, text()).prop_map(|(step, why, seen)| Record::Failed { step, why, seen }),
        text().prop_map(|why| Record::Stopped { why }),
        Just(Record::Finished),
        text().prop_map(|by| Record::RolledBack { by }),
    ]
}

fn any_records() -> impl Strategy<Value = Vec<Record>> {
    (any_start(), vec(any_record(), 0..12)).prop_map(|(first, rest)| [vec![first], rest].concat())
}

proptest! {
    #[test]
    fn what_is_written_is_read_and_nothing_is_torn(records in any_records(), at in any::<u64>()) {
        let memory = Memory::default();
        let mut journal = Journal::new(memory.clone());
        let written: Vec<_> = records.iter().map(|r| journal.write(at, r.clone()).unwrap()).collect();
        let bytes = memory.bytes.borrow();
        let history = History::from_bytes(&bytes).unwrap();
        prop_assert_eq!(&records_of(&history), &records);
        prop_assert_eq!(&history.lines, &written);
        prop_assert_eq!((history.torn_bytes, history.whole_bytes()), (0, bytes.len()));
        prop_assert!(matches!(&records[0], Record::Begun(b) if **b == *history.begun()));
    }

    #[test]
    fn any_journal_cut_anywhere_is_a_prefix_of_its_records(records in any_records(), at in any::<prop::sample::Index>()) {
        let bytes = bytes_of(&records);
        cut_is_a_prefix(&bytes, &records, at.index(bytes.len() + 1), b"");
    }

    #[test]
    fn a_journal_that_goes_on_is_the_one_that_never_stopped(records in any_records(), at in any::<prop::sample::Index>()) {
        let (first, rest) = records.split_at(1 + at.index(records.len()));
        let memory = Memory::default();
        write_all(&mut Journal::new(memory.clone()), first);
        let history = History::from_bytes(&memory.bytes.borrow()).unwrap();
        let mut journal = Journal::after(memory.clone(), &history);
        for (i, r) in rest.iter().enumerate() {
            journal.write(1_700_000_000_000_000_000 + (first.len() + i) as u64, r.clone()).unwrap();
        }
        prop_assert_eq!(&*memory.bytes.borrow(), &bytes_of(&records));
    }

    #[test]
    fn a_step_is_done_open_or_failed_by_its_last_word(records in any_records()) {
        let history = History::from_bytes(&bytes_of(&records)).unwrap();
        let progress = Progress::of(&history);
        for step in 0..4 {
            let word = |r: &Record| match r {
                Record::Intent { step: s, .. } | Record::Done { step: s, .. } | Record::Failed { step: s, .. } if *s == step => Some(r.word()),
                _ => None,
            };
            let last = records.iter().rev().find_map(word);
            prop_assert_eq!(progress.open.contains(&step), last == Some("intent"));
            prop_assert_eq!(progress.done.contains(&step), last == Some("done"));
            prop_assert_eq!(progress.failed.contains_key(&step), last == Some("failed"));
        }
        let in_order: BTreeSet<u32> = progress.order_done.iter().map(|(s, _)| *s).collect();
        prop_assert_eq!(in_order.len(), progress.order_done.len());
        prop_assert_eq!(in_order, progress.done);
    }
}

// What a crash leaves.

/// A journal cut at a byte, with something after it that a disk may have put there, is the records whose lines are whole.
fn cut_is_a_prefix(bytes: &[u8], records: &[Record], at: usize, then: &[u8]) {
    let whole = bytes[..at].iter().filter(|b| **b == b'\n').count();
    let whole_bytes = bytes[..at].iter().rposition(|b| *b == b'\n').map_or(0, |p| p + 1);
    let left = [&bytes[..at], then].concat();
    match History::from_bytes(&left) {
        Ok(history) => {
            assert_eq!(records_of(&history), records[..whole], "cut at byte {at}");
            assert_eq!((history.whole_bytes(), history.torn_bytes), (whole_bytes, left.len() - whole_bytes));
        }
        Err(NotAJournal::NoBeginning(why)) => {
            assert_eq!(whole, 0, "cut at byte {at}");
            assert!(why.ends_with("nothing was done"), "{why}");
        }
        Err(e) => panic!("cut at byte {at}: {e}"),
    }
}

#[test]
fn a_journal_cut_at_any_byte_is_a_prefix_of_its_records_and_a_torn_end() {
    let (records, bytes) = (sample(), bytes_of(&sample()));
    for at in 0..=bytes.len() {
        cut_is_a_prefix(&bytes, &records, at, b"");
    }
}

#[test]
fn zeros_where_the_last_line_should_be_are_a_torn_end() {
    let (records, bytes) = (sample(), bytes_of(&sample()));
    for at in 0..=bytes.len() {
        cut_is_a_prefix(&bytes, &records, at, &[0; 600]);
    }
    // The block with the beginning of the last line was not filled, and that with its end was.
    let lines = lines(&bytes);
    let last = lines.last().unwrap();
    for zeros in 1..last.len() {
        let left = [&lines[..lines.len() - 1].concat(), &vec![0; zeros], &last[zeros..]].concat();
        let history = History::from_bytes(&left).unwrap();
        assert_eq!((history.lines.len(), history.torn_bytes), (lines.len() - 1, last.len()));
    }
}

#[test]
fn zeros_in_front_of_a_whole_line_are_not_a_torn_end() {
    let lines = lines(&bytes_of(&sample()));
    let left = [&lines[..5].concat(), &b"\0\0\0"[..], &lines[5..].concat()].concat();
    assert_eq!(why(&left).0, 6);
}

// What somebody changed.

#[test]
fn any_byte_of_a_line_that_is_changed_is_seen() {
    let bytes = bytes_of(&[start(), intent(1), done(1)]);
    let last_line = lines(&bytes)[..2].concat().len();
    let mut changed = bytes.clone();
    for at in 0..bytes.len() {
        // Each bit, and what means something to the reader.
        for to in (0..8).map(|bit| bytes[at] ^ (1 << bit)).chain(*b"\0\n\" 09,:{}") {
            changed[at] = to;
            match History::from_bytes(&changed) {
                _ if to == bytes[at] => {}
                Err(_) => {}
                // A change to the last line can look as if it had been torn; never as if it said something else.
                Ok(history) => assert!(at >= last_line && history.lines.len() == 2 && history.torn_bytes > 0, "byte {at} to {to}"),
            }
        }
        changed[at] = bytes[at];
    }
}

#[test]
fn lines_taken_out_put_in_repeated_or_exchanged_are_seen() {
    let lines = lines(&bytes_of(&sample()));
    let n = lines.len();
    for i in 0..n {
        if i + 1 < n {
            let without: Vec<u8> = [&lines[..i], &lines[i + 1..]].concat().concat();
            assert_eq!(why(&without).0, i + 1);
        }
        for j in 0..=n {
            let again: Vec<u8> = [&lines[..j], &lines[i..=i], &lines[j..]].concat().concat();
            // A line after itself reads, up to it, as it was.
            assert_eq!(why(&again).0, if i == j { j + 2 } else { j + 1 });
        }
        for j in i + 1..n {
            let mut exchanged = lines.clone();
            exchanged.swap(i, j);
            assert_eq!(why(&exchanged.concat()).0, i + 1);
        }
    }
}

#[test]
fn a_chain_that_somebody_closed_again_after_a_change_does_not_hold_with_the_rest() {
    let bytes = bytes_of(&[start(), intent(1), done(1)]);
    let history = History::from_bytes(&bytes).unwrap();
    let mut lines = lines(&bytes);
    let (other, hash) = forged(1, &history.lines[0].hash, r#"{"record":"intent","step":9,"act":"a","seen":"s"}"#);
    lines[1] = other;
    let (line, why) = why(&lines.concat());
    assert_eq!(line, 3);
    assert!(
        why.starts_with(&format!("`previous` is {}, and should be {hash}, the hash of the line before", history.lines[1].hash)),
        "{why}"
    );
}

#[test]
fn the_hash_is_that_of_the_definition() {
    // SHA-256 of the hash before and of the line's JSON without its hash.
    let bytes = bytes_of(&sample());
    let mut previous = "0".repeat(64);
    for (number, line) in lines(&bytes).into_iter().enumerate() {
        let text = String::from_utf8(line).unwrap();
        let (rest, hash) = text.split_once(",\"hash\":\"").unwrap();
        assert!(rest.starts_with(&format!("{{\"number\":{number},\"at_unix_ns\":")));
        let hash = hash.strip_suffix("\"}\n").unwrap();
        assert_eq!(hash, digest::of_bytes(format!("{previous}{rest}}}").as_bytes()));
        previous = hash.into();
    }
}

// What is not a journal.

/// The first line, what follows it, and what is said of the second line.
fn second_line(what: &str) -> (usize, String) {
    let first = bytes_of(&[start()]);
    let hash = History::from_bytes(&first).unwrap().lines[0].hash.clone();
    why(&[first, forged(1, &hash, what).0].concat())
}

#[test]
fn a_line_that_does_not_say_what_it_should_is_named_with_its_value_and_what_would_be_right() {
    let said = |what: &str| {
        let (line, why) = second_line(what);
        assert_eq!(line, 2);
        why
    };
    let unknown = said(r#"{"record":"stopped","why":"w","user":"root"}"#);
    assert!(unknown.ends_with(": unknown field `user`, expected `why`"), "{unknown}");
    let kind = said(r#"{"record":"begin"}"#);
    assert!(kind.contains("unknown variant `begin`, expected one of `begun`, `resumed`, `intent`"), "{kind}");
    let missing = said(r#"{"record":"done","step":1,"seen":""}"#);
    assert!(missing.ends_with(": missing field `already`"), "{missing}");
    let size = said(r#"{"record":"done","step":4294967296,"seen":"","already":true}"#);
    assert!(size.ends_with("invalid value: integer `4294967296`, expected u32"), "{size}");
    // Serde lets this through; it is not what would have been written.
    let extra = said(r#"{"record":"finished","user":"root"}"#);
    assert!(extra.starts_with("`hash` is ") && extra.ends_with(": the line was changed"), "{extra}");
}

#[test]
fn a_beginning_stands_first_and_only_first() {
    assert_eq!(
        History::from_bytes(&forged(0, &"0".repeat(64), r#"{"record":"finished"}"#).0).unwrap_err(),
        NotAJournal::Line { line: 1, why: "the first record is `finished`, and should be `begun`".into() }
    );
    let again = second_line(&serde_json::to_string(&start()).unwrap());
    assert_eq!(again, (2, "the record is `begun`, which is the first of a journal and only the first".into()));
}

#[test]
fn a_line_with_another_number_or_another_spelling_is_named() {
    let zeros = "0".repeat(64);
    let (line, number) = why(&forged(4, &zeros, &serde_json::to_string(&start()).unwrap()).0);
    assert_eq!((line, number.as_str()), (1, "`number` is 4, and should be 0: a line was taken out, put in or repeated"));
    let text = String::from_utf8(bytes_of(&[start()])).unwrap();
    let (line, spaced) = why(text.replacen("{\"number\":0", "{ \"number\":0", 1).as_bytes());
    assert_eq!(line, 1);
    assert!(spaced.starts_with("column 2: it reads ` \"number\":0,") && spaced.contains("and is written `\"number\":0,"), "{spaced}");
    let (_, escaped) = why(text.replacen("tsukuba", "ts\\u0075kuba", 1).as_bytes());
    assert!(escaped.contains("it reads `\\u0075kuba\""), "{escaped}");
    let (_, hash) = why(text.replacen("\"max_parallel\":2", "\"max_parallel\":3", 1).as_bytes());
    assert!(hash.starts_with("`hash` is ") && hash.contains(", and should be ") && hash.ends_with(": the line was changed"), "{hash}");
}

#[test]
fn a_message_quotes_a_bounded_part_of_a_line_and_no_control_characters() {
    let long = format!("{{\"number\":0,\"\u{1b}[2J{}\":1}}\n", "x".repeat(1_000_000));
    let (_, said) = why(long.as_bytes());
    assert!(said.len() < 2000 && !said.contains('\u{1b}'), "{said}");
}

#[test]
fn what_has_no_first_line_is_not_a_journal() {
    let said = |bytes: &[u8]| History::from_bytes(bytes).unwrap_err().to_string();
    assert_eq!(said(b""), "the journal does not say what it is of: it is empty; nothing was done");
    assert_eq!(
        said(b"{\"num"),
        "the journal does not say what it is of: its first line is torn (5 bytes without an end); nothing was done"
    );
    assert_eq!(said(b"\n"), "line 1: column 0: EOF while parsing a value");
}

#[test]
fn deep_nesting_is_an_error_and_not_the_end_of_the_stack() {
    let deep = format!("{}\n", "[".repeat(1_000_000));
    assert_eq!(why(deep.as_bytes()).1, "column 1: invalid type: sequence, expected u64");
    let (_, said) = second_line(&format!("{{\"record\":\"stopped\",\"why\":{}1{}}}", "[".repeat(100_000), "]".repeat(100_000)));
    assert!(said.ends_with(": recursion limit exceeded"), "{said}");
}

// A disk that fails.

#[test]
fn after_a_failure_of_the_disk_nothing_is_written_any_more() {
    // Two calls a record: to append, and to sync.
    for failing in 0..6 {
        let memory = Memory { failing: BTreeSet::from([failing]), ..Memory::default() };
        let mut journal = Journal::new(memory.clone());
        let ends: Vec<_> = [start(), intent(1), done(1), stopped()].into_iter().map(|r| journal.write(7, r)).collect();
        let at = failing / 2;
        assert!(ends[..at].iter().all(Result::is_ok));
        assert_eq!(ends[at].as_ref().unwrap_err().to_string(), "the disk is gone");
        for later in &ends[at + 1..] {
            let why = later.as_ref().unwrap_err().to_string();
            assert_eq!(why, "the journal could not be written before, and is not written any more: the disk is gone");
        }
        assert_eq!(*memory.calls.borrow(), failing + 1, "the disk is not asked again");
    }
}

#[test]
fn a_record_that_could_not_be_read_back_is_not_written_and_the_journal_goes_on() {
    let memory = Memory::default();
    let mut journal = Journal::new(memory.clone());
    let refused = |end: io::Result<_>, why: &str| {
        let e = end.map(|_| ()).unwrap_err();
        assert_eq!(e.kind(), io::ErrorKind::InvalidInput);
        assert!(e.to_string().starts_with("a record that cannot be read back: ") && e.to_string().contains(why), "{e}");
    };
    refused(journal.write(1, intent(1)), "should be `begun`");
    refused(journal.write(1, begun(plan(Vec::new(), f64::NAN))), "invalid type: null, expected f64");
    journal.write(1, start()).unwrap();
    refused(journal.write(1, start()), "the first of a journal and only the first");
    journal.write(1, intent(1)).unwrap();
    assert_eq!(records_of(&History::from_bytes(&memory.bytes.borrow()).unwrap()), [start(), intent(1)]);
}

// What a journal comes to.

fn progress(records: &[Record]) -> Progress {
    Progress::of(&History::from_bytes(&bytes_of(&[&[start()], records].concat())).unwrap())
}

#[test]
fn a_step_that_was_cut_off_and_is_found_done_is_our_doing() {
    assert_eq!(progress(&[already(1)]).order_done, [(1, true)]);
    assert_eq!(progress(&[intent(1), resumed(), already(1)]).order_done, [(1, false)]);
    // Also where it stopped in between, and where it is looked at again later.
    assert_eq!(progress(&[intent(1), failed(1), resumed(), already(1)]).order_done, [(1, false)]);
    assert_eq!(progress(&[intent(1), done(1), resumed(), already(1)]).order_done, [(1, false)]);
    assert_eq!(progress(&[already(1), resumed(), already(1)]).order_done, [(1, true)]);
}

#[test]
fn steps_are_in_the_order_in_which_they_were_done() {
    let p = progress(&[intent(1), intent(2), done(2), already(3), done(1), already(2)]);
    assert_eq!(p.order_done, [(2, false), (3, true), (1, false)]);
    assert_eq!(p.done, BTreeSet::from([1, 2, 3]));
}

#[test]
fn a_step_is_open_between_its_intent_and_its_end() {
    assert_eq!(progress(&[intent(1)]).open, BTreeSet::from([1]));
    assert_eq!(progress(&[intent(1), resumed(), intent(2), done(2)]).open, BTreeSet::from([1]));
    let p = progress(&[intent(1), failed(1), resumed(), intent(1)]);
    assert_eq!((p.open.contains(&1), p.failed.is_empty()), (true, true));
}

#[test]
fn a_run_that_goes_on_is_neither_stopped_nor_finished() {
    assert_eq!(progress(&[stopped()]).stopped.as_deref(), Some("step 2 stopped"));
    assert_eq!(progress(&[stopped(), resumed()]).stopped, None);
    assert!(progress(&[Record::Finished]).finished);
    assert!(!progress(&[Record::Finished, resumed()]).finished);
    let p = progress(&[stopped(), Record::RolledBack { by: "other".into() }]);
    assert_eq!(p.rolled_back.as_deref(), Some("other"));
}

// Files.

fn mode(path: &Path) -> u32 {
    path.metadata().unwrap().permissions().mode() & 0o7777
}

fn make(state: &Path, kind: &str, records: &[Record]) -> PathBuf {
    let path = journal_path(state, "tsukuba", 1_700_000_000_000_000_000, kind);
    write_all(&mut Journal::new(FileStore::create(&path).unwrap()), records);
    path
}

fn append(path: &Path, bytes: &[u8]) {
    io::Write::write_all(&mut std::fs::OpenOptions::new().append(true).open(path).unwrap(), bytes).unwrap();
}

#[test]
fn a_journal_and_its_folders_are_made_for_their_owner_alone_and_never_over_another() {
    let state = tempfile::tempdir().unwrap();
    let path = make(&state.path().join("new"), "apply", &sample());
    assert_eq!(mode(&path), 0o600);
    for folder in path.ancestors().skip(1).take(3) {
        assert_eq!(mode(folder), 0o700, "{}", folder.display());
    }
    assert_eq!(std::fs::read(&path).unwrap(), bytes_of(&sample()));
    assert!(matches!(FileStore::create(&path), Err(NotOpened::Io { source, .. }) if source.kind() == io::ErrorKind::AlreadyExists));
    assert_eq!(records_of(&read_file(&path).unwrap()), sample());
}

#[test]
fn a_torn_last_line_is_cut_off_and_nothing_else_is_and_the_journal_goes_on() {
    let state = tempfile::tempdir().unwrap();
    let path = make(state.path(), "apply", &[start(), intent(1)]);
    append(&path, b"{\"number\":2,\"at_un\0\0\0");
    // Who only reads changes nothing.
    assert_eq!(read_file(&path).unwrap().torn_bytes, 21);
    assert_eq!(read_file(&path).unwrap().torn_bytes, 21);
    let (store, history) = FileStore::go_on(&path).unwrap();
    assert_eq!((history.torn_bytes, history.lines.len()), (21, 2));
    assert_eq!(std::fs::read(&path).unwrap(), bytes_of(&[start(), intent(1)]));
    let mut journal = Journal::after(store, &history);
    journal.write(9, resumed()).unwrap();
    let (_, history) = FileStore::go_on(&path).unwrap();
    assert_eq!((records_of(&history), history.torn_bytes), (vec![start(), intent(1), resumed()], 0));
}

#[test]
fn a_journal_that_does_not_add_up_is_not_touched() {
    let state = tempfile::tempdir().unwrap();
    let path = make(state.path(), "apply", &[start(), intent(1)]);
    append(&path, b"{}\n{\"torn");
    let before = std::fs::read(&path).unwrap();
    let why = FileStore::go_on(&path).unwrap_err().to_string();
    assert_eq!(why, format!("{}: line 3: column 2: missing field `number`", path.display()));
    assert_eq!(std::fs::read(&path).unwrap(), before);
}

#[test]
fn a_journal_that_others_can_write_is_refused_with_the_command_that_mends_it() {
    let state = tempfile::tempdir().unwrap();
    let path = make(state.path(), "apply", &sample());
    for (opened, others) in [(path.clone(), 0o620), (path.clone(), 0o602), (path.parent().unwrap().to_owned(), 0o777)] {
        let usual = opened.metadata().unwrap().permissions();
        std::fs::set_permissions(&opened, std::fs::Permissions::from_mode(others)).unwrap();
        for why in [read_file(&path).unwrap_err().to_string(), FileStore::go_on(&path).unwrap_err().to_string()] {
            let says = format!("others than its owner can write to it (mode {others:o}); chmod go-w {}", opened.display());
            assert_eq!(why, format!("{}: {says}", opened.display()));
        }
        std::fs::set_permissions(&opened, usual).unwrap();
    }
    std::fs::set_permissions(path.parent().unwrap(), std::fs::Permissions::from_mode(0o770)).unwrap();
    assert!(matches!(FileStore::create(&path.with_file_name("other.jsonl")), Err(NotOpened::Open { .. })));
}

#[test]
fn a_journal_on_whose_way_is_a_folder_that_others_can_write_is_refused() {
    let state = tempfile::tempdir().unwrap();
    let path = make(state.path(), "apply", &sample());
    std::fs::set_permissions(state.path(), std::fs::Permissions::from_mode(0o777)).unwrap();
    for why in [read_file(&path).unwrap_err(), FileStore::go_on(&path).unwrap_err()] {
        let NotOpened::Open { path, .. } = &why else { panic!("{why}") };
        assert_eq!(path, state.path());
    }
    assert!(matches!(FileStore::create(&path.with_file_name("other.jsonl")), Err(NotOpened::Open { .. })));
}

#[test]
fn a_journal_with_another_ending_is_read_and_not_gone_on_with() {
    let state = tempfile::tempdir().unwrap();
    let path = make(state.path(), "apply", &sample());
    let copy = path.with_extension("log");
    std::fs::copy(&path, &copy).unwrap();
    assert!(read_file(&copy).is_ok());
    assert!(FileStore::go_on(&copy).unwrap_err().to_string().contains("its name does not end in `.jsonl`"));
}

#[test]
fn a_link_a_folder_or_nothing_is_not_a_journal() {
    let state = tempfile::tempdir().unwrap();
    let path = make(state.path(), "apply", &sample());
    let link = path.with_file_name("link.jsonl");
    std::os::unix::fs::symlink(&path, &link).unwrap();
    assert!(read_file(&link).unwrap_err().to_string().contains("it is a symbolic link; name a journal"));
    assert!(matches!(FileStore::go_on(&link), Err(NotOpened::Open { .. })));
    // Nobody waits for who would write into a pipe.
    let pipe = path.with_file_name("pipe.jsonl");
    assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    assert!(read_file(&pipe).unwrap_err().to_string().contains("it is not a file"));
    assert!(FileStore::go_on(&pipe).unwrap_err().to_string().contains("it is not a file"));
    let other = path.with_file_name("plan.jsonl");
    std::fs::write(&other, "{\n}\n").unwrap();
    assert!(read_file(&other).unwrap_err().to_string().ends_with("; name a journal (`status` lists them)"));
    assert!(read_file(path.parent().unwrap()).unwrap_err().to_string().contains("it is not a file"));
    assert!(
        matches!(read_file(&path.with_file_name("none.jsonl")), Err(NotOpened::Io { source, .. }) if source.kind() == io::ErrorKind::NotFound)
    );
}

#[test]
fn a_writer_killed_by_kill_9_has_lost_nothing_that_it_said_was_written() {
    if let Some(path) = std::env::var_os(SECOND) {
        let mut journal = Journal::new(FileStore::create(Path::new(&path)).unwrap());
        journal.write(0, start()).unwrap();
        for step in 1..1_000_000 {
            journal.write(u64::from(step), intent(step)).unwrap();
            say(&format!("step {step} is written"));
        }
        for_ever();
    }
    let state = tempfile::tempdir().unwrap();
    for kill_after in [1, 2, 17, 60] {
        let path = journal_path(state.path(), "tsukuba", 7, "apply");
        let mut second = Second::of("a_writer_killed_by_kill_9_has_lost_nothing_that_it_said_was_written", &path);
        second.awaits(&format!("step {kill_after} is written"));
        second.signal(rustix::process::Signal::KILL);
        second.child.wait().unwrap();
        let (_, history) = FileStore::go_on(&path).unwrap();
        assert!(history.lines.len() > kill_after);
        for (step, line) in (0..).zip(&history.lines).skip(1) {
            assert_eq!(line.what, intent(step));
        }
    }
}

#[test]
fn names_of_journals_never_collide_and_never_lead_out_of_the_folder() {
    let state = tempfile::tempdir().unwrap();
    let (a, b) = (make(state.path(), "apply", &sample()), make(state.path(), "apply", &sample()));
    assert_eq!(a, state.path().join("journals/tsukuba/20231114T221320.000000000Z-apply.jsonl"));
    assert_eq!(b, state.path().join("journals/tsukuba/20231114T221320.000000001Z-apply.jsonl"));
    let names = ["..", ".", "", "a/b", "a%2Fb", "a b", "\0", "é", "/etc"];
    let folders: BTreeSet<PathBuf> = names.iter().map(|n| folder(state.path(), n)).collect();
    // The empty name is the folder itself; no site has it.
    assert_eq!(folders.len(), names.len());
    for f in &folders {
        let rest = f.strip_prefix(state.path().join("journals")).unwrap();
        assert!(
            rest.components().all(|c| matches!(c, std::path::Component::Normal(_))) && rest.components().count() <= 1,
            "{}",
            f.display()
        );
    }
    let path = journal_path(state.path(), "s", 0, "../apply");
    assert_eq!(path, state.path().join("journals/s/19700101T000000.000000000Z-%2E.%2Fapply.jsonl"));
}

proptest! {
    #[test]
    fn names_of_journals_sort_by_time(a: u64, b: u64) {
        let name = |ns| journal_path(Path::new("/nowhere"), "s", ns, "apply");
        prop_assert_eq!(name(a).cmp(&name(b)), a.cmp(&b));
    }
}

#[test]
fn all_journals_of_a_site_are_listed_with_their_ends_and_unreadable_ones_with_the_reason() {
    let state = tempfile::tempdir().unwrap();
    assert!(list(state.path(), "tsukuba").unwrap().is_empty());
    let other = journal_path(state.path(), "sayo", 1, "apply");
    write_all(&mut Journal::new(FileStore::create(&other).unwrap()), &sample());

    let paths = [
        make(state.path(), "apply", &[start(), intent(1), done(1), Record::Finished]),
        make(state.path(), "apply", &[start(), intent(1), failed(1), stopped()]),
        make(state.path(), "apply", &sample()),
        make(state.path(), "apply", &[start(), intent(1), done(1), intent(2)]),
        make(state.path(), "apply", &[start(), stopped()]),
        make(state.path(), "apply", &[start()]),
    ];
    append(&paths[3], b"{\"numb");
    append(&paths[4], b"x\n");
    std::fs::write(&paths[5], "{").unwrap();
    let listed = list(state.path(), "tsukuba").unwrap();
    assert_eq!(listed.iter().map(|l| l.path.clone()).collect::<Vec<_>>(), {
        let mut sorted = paths.to_vec();
        sorted.sort();
        sorted
    });
    let summary = |path: &PathBuf| listed.iter().find(|l| l.path == *path).unwrap().what.as_ref();
    let end = |path| summary(path).unwrap().end.clone();
    assert_eq!(end(&paths[0]), End::Finished);
    assert_eq!(end(&paths[1]), End::Stopped { why: "step 2 stopped".into() });
    assert_eq!(end(&paths[2]), End::RolledBack { by: "20261121T150405.000000000Z-rollback.jsonl".into() });
    assert_eq!(end(&paths[3]), End::Open);
    let Summary { begun, begun_unix_ns, last_unix_ns, progress, torn_bytes, .. } = summary(&paths[3]).unwrap();
    assert_eq!((begun.site.as_str(), *begun_unix_ns, *last_unix_ns), ("tsukuba", 1_700_000_000_000_000_000, 1_700_000_000_000_000_003));
    assert_eq!((&progress.done, &progress.open, *torn_bytes), (&BTreeSet::from([1]), &BTreeSet::from([2]), 6));
    assert_eq!(summary(&paths[1]).unwrap().progress.failed.keys().collect::<Vec<_>>(), [&1]);
    assert!(summary(&paths[4]).unwrap_err().to_string().contains(": line 3: column 1: expected value"));
    assert!(summary(&paths[5]).unwrap_err().to_string().ends_with("its first line is torn (1 bytes without an end); nothing was done"));
}
