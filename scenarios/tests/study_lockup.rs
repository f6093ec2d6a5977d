//! `[[study.lockup]]` and the setting of a class that goes with it: what is read, and what is refused.

mod common;

use common::Folder;
use models::quantity::Nanos;
use models::study::Kind;
use models::study::lockup::Lockup;

const STUDY: &str = r#"
[[study.lockup]]
name = "gap"
title = "How long may one wait?"
class = "rx300"
guests = ["web-*", "vm-7"]
busy = [0.5, 1.0]
slice_ms = 30
watchdog_thresh_s = 10
source = "assumed:an example"
"#;

#[test]
fn its_keys_are_read() {
    let scenario = Folder::with_studies(STUDY, &[]).load().unwrap();
    // Four guests of two virtual CPUs, one of one, on four cores.
    let read = Lockup { processors: 4, vcpus: vec![(8, 0.5), (1, 1.0)], slice: Nanos::millis(30), threshold: Nanos::seconds(10) };
    assert_eq!(scenario.studies[0].kind, Kind::Lockup(read));
}

#[test]
fn whether_a_class_panics_is_read_and_nothing_where_nobody_looked() {
    let settings = |changes: &[(&str, &str)]| -> Vec<Option<bool>> {
        Folder::with_studies("", changes).load().unwrap().site.classes.iter().map(|c| c.softlockup_panic).collect()
    };
    assert_eq!(settings(&[])[..2], [Some(true), None]);
    assert_eq!(settings(&[("softlockup_panic = true", "softlockup_panic = false")])[0], Some(false));
    assert_eq!(settings(&[("softlockup_panic = true\n", "")])[0], None);
    let error = Folder::with_studies("", &[("softlockup_panic = true", "softlockup_panic = 1")]).load().unwrap_err();
    assert_eq!(error.key.as_deref(), Some("class.rx300.softlockup_panic"), "{error}");
    // It is among the givens, with its source.
    let scenario = Folder::with_studies("", &[]).load().unwrap();
    assert!(scenario.site.givens.iter().any(|g| g.place == "class rx300" && g.key == "softlockup_panic" && g.value == "true"));
}

#[test]
fn what_is_wrong_is_refused_where_it_stands() {
    let wrong: [(&str, &str, &str, &str); 6] = [
        ("busy = [0.5, 1.0]", "busy = [0.5]", "study.lockup.gap.busy", "1 shares for 2 names"),
        ("busy = [0.5, 1.0]", "busy = [0.5, 1.1]", "study.lockup.gap.busy[1]", "a share from 0 to 1"),
        ("guests = [\"web-*\", \"vm-7\"]", "guests = [\"web-*\", \"web-1\"]", "study.lockup.gap.guests[1]", "twice"),
        ("guests = [\"web-*\", \"vm-7\"]", "guests = []", "study.lockup.gap.guests", "nobody stands on this host"),
        ("slice_ms = 30", "slice_ms = 1e9", "study.lockup.gap.slice_ms", "a time slice"),
        ("class = \"rx300\"\nguests", "class = \"rx3000\"\nguests", "study.lockup.gap.class", "rx3000"),
    ];
    for (from, to, key, says) in wrong {
        let error = Folder::with_studies(STUDY, &[(from, to)]).load().unwrap_err();
        assert_eq!(error.key.as_deref(), Some(key), "{error}");
        assert!(error.to_string().contains(says) && error.line.is_some(), "{error}");
    }
}
