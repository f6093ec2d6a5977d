//! `[[study.bag-of-tasks]]`: what is read, and what is refused.

mod common;

use common::Folder;
use models::estimate::Estimate;
use models::quantity::{BytesPerSecond, Nanos};
use models::study::Kind;
use models::study::bag_of_tasks::BagOfTasks;

const STUDY: &str = r#"
[[study.bag-of-tasks]]
name = "bag"
title = "What does delay do?"
tasks = 400
task_s = { value = 60, low = 5, high = 300 }
round_trips = 6
bytes = 2e6
window_bytes = 65536
rate_bytes_per_s = 117e6
workers = [5, 8]
delay_shares = [0.0, 1.0]
round_trip_ms = [0.5, 100]
judged_ms = 100
hardly = 0.1
source = "assumed:an example"
"#;

#[test]
fn its_keys_are_read() {
    let scenario = Folder::with_studies(STUDY, &[]).load().unwrap();
    let [study] = &scenario.studies[..] else { panic!("one study") };
    let bag = BagOfTasks {
        tasks: 400,
        task_s: Estimate { value: 60.0, low: 5.0, high: 300.0 },
        round_trips: Estimate::exactly(6.0),
        bytes: Estimate::exactly(2e6),
        window_bytes: Estimate::exactly(65_536.0),
        rate: BytesPerSecond::new(117e6).unwrap(),
        sites: vec![(5, 0.0), (8, 1.0)],
        tried: vec![Nanos(500_000), Nanos::millis(100)],
        judged: Nanos::millis(100),
        hardly: 0.1,
    };
    assert_eq!(study.kind, Kind::BagOfTasks(bag));
    assert!(scenario.site.givens.iter().any(|g| g.place == "study.bag-of-tasks bag" && g.key == "task_s" && g.value == "60 (5 to 300)"));
}

#[test]
fn what_is_wrong_is_refused_where_it_stands() {
    let wrong: [(&str, &str, &str, &str); 6] = [
        ("delay_shares = [0.0, 1.0]", "delay_shares = [0.0]", "delay_shares", "1 shares of the delay for 2 sites"),
        ("delay_shares = [0.0, 1.0]", "delay_shares = [0.0, 1.5]", "delay_shares[1]", "1.5 is not a share from 0 to 1"),
        ("workers = [5, 8]", "workers = [99999, 8]", "workers", "100007 workers in all; at most 100000"),
        (
            "task_s = { value = 60, low = 5, high = 300 }",
            "task_s = { value = 60, low = 0, high = 300 }",
            "task_s",
            "from 0 to 300 is not within",
        ),
        ("round_trip_ms = [0.5, 100]", "round_trip_ms = [-1]", "round_trip_ms[0]", "-1 is not a delay in milliseconds"),
        ("hardly = 0.1", "hardly = 0", "hardly", "0 is not a number that is finite and above 0"),
    ];
    for (from, to, key, says) in wrong {
        let error = Folder::with_studies(STUDY, &[(from, to)]).load().unwrap_err();
        assert_eq!(error.key.as_deref(), Some(format!("study.bag-of-tasks.bag.{key}").as_str()), "{error}");
        assert!(error.to_string().contains(says) && error.line.is_some(), "{error}");
    }
}
