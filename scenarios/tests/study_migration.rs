//! `[[study.migration]]`: what is read, and what is refused.

mod common;

use common::Folder;
use models::study::Kind;
use models::study::migration::{Known, Migration};

const STUDY: &str = r#"
[[study.migration]]
name = "moves"
title = "How long?"
history_memory_bytes = [1000e6, 100e6]
history_s = [10.5, 1.5]
memory_bytes = [512e6, 256e6]
dirty_bytes_per_s = [1e6, 0]
working_set_bytes = [64e6, 0]
downtime_max_ms = 30
rounds_max = 30
at_once = 2
source = "assumed:an example"
"#;

const RATE: &str = "bandwidth_bytes_per_s = 117e6\nlatency_ms = 5";
const HISTORY: &str = "history_memory_bytes = [1000e6, 100e6]\nhistory_s = [10.5, 1.5]";

fn read(changes: &[(&str, &str)]) -> Migration {
    let scenario = Folder::with_studies(STUDY, changes).load().unwrap();
    let Kind::Migration(moves) = scenario.studies[0].kind.clone() else { panic!("another kind") };
    moves
}

#[test]
fn its_keys_are_read_in_either_form() {
    let moves = read(&[]);
    assert_eq!(moves.link, Known::Fitted { history: vec![(1000e6, 10.5), (100e6, 1.5)] });
    assert_eq!((moves.guests.len(), moves.guests[0].working_set_bytes, moves.guests[1].dirty.get()), (2, 64e6, 0.0));
    assert_eq!((moves.downtime_max.0, moves.rounds_max, moves.at_once), (30_000_000, 30, Some(2)));
    let Known::Given { bandwidth, latency } = read(&[(HISTORY, RATE)]).link else { panic!("not given") };
    assert_eq!((bandwidth.get(), latency.0), (117e6, 5_000_000));
}

#[test]
fn what_is_wrong_is_refused_where_it_stands() {
    let wrong: [(&str, &str, &str, &str); 9] = [
        ("dirty_bytes_per_s = [1e6, 0]", "dirty_bytes_per_s = [1e6]", "dirty_bytes_per_s", "1 numbers for 2 guests"),
        ("working_set_bytes = [64e6, 0]", "working_set_bytes = [64e6]", "working_set_bytes", "1 numbers for 2 guests"),
        ("working_set_bytes = [64e6, 0]", "working_set_bytes = [1e9, 0]", "working_set_bytes[0]", "a working set of 1000000000 B"),
        ("history_s = [10.5, 1.5]", "history_s = [10.5]", "history_s", "1 times for 2 sizes"),
        ("history_s = [10.5, 1.5]", "history_s = [1.5, 10.5]", "history_s", "not a history of migrations"),
        ("history_s = [10.5, 1.5]", "history_s = [10.5, 1.5]\nlatency_ms = 1", "history_memory_bytes", "in both ways, or in part"),
        (HISTORY, "bandwidth_bytes_per_s = 1e6", "bandwidth_bytes_per_s", "`latency_ms` is missing"),
        (HISTORY, "latency_ms = 1", "latency_ms", "`bandwidth_bytes_per_s` is missing"),
        ("rounds_max = 30", "rounds_max = 0", "rounds_max", "0 is not a count"),
    ];
    for (from, to, key, says) in wrong {
        let error = Folder::with_studies(STUDY, &[(from, to)]).load().unwrap_err();
        assert_eq!(error.key.as_deref(), Some(format!("study.migration.moves.{key}").as_str()), "{error}");
        assert!(error.to_string().contains(says) && error.line.is_some(), "{error}");
    }
    let error = Folder::with_studies(STUDY, &[(HISTORY, "")]).load().unwrap_err();
    assert!(error.to_string().contains("nothing says how fast the link is"), "{error}");
    let error = Folder::with_studies(
        STUDY,
        &[
            ("\nmemory_bytes = [512e6", "\nmemory_bytes = [] #"),
            ("dirty_bytes_per_s = [", "dirty_bytes_per_s = [] #"),
            ("working_set_bytes = [", "working_set_bytes = [] #"),
        ],
    )
    .load()
    .unwrap_err();
    assert!(error.to_string().contains("no guest is moved"), "{error}");
}
