//! `[[study.case-delay]]` and `[[study.redundancy]]`: what is read, and what is refused.

mod common;

use common::Folder;
use models::study::Kind;
use models::study::case_delay::CaseDelay;
use models::study::redundancy::Redundancy;

const STUDIES: &str = r#"
[[study.case-delay]]
name = "flooded"
title = "How much longer?"
case = "flood"
fleet = "plan"
flows = ["ma*", "users"]
first_s = 60
replications = 3
source = "assumed:an example"

[[study.redundancy]]
name = "apart"
title = "What stops at once?"
fleet = "today"
source = "assumed:an example"

[requests.recovery]"#;

fn folder(changes: &[(&str, &str)]) -> Folder {
    let text = changes.iter().fold(STUDIES.to_owned(), |text, (from, to)| {
        assert_eq!(text.matches(from).count(), 1, "`{from}`");
        text.replace(from, to)
    });
    Folder::with_requests(&[("[requests.recovery]", &text)])
}

#[test]
fn their_keys_are_read() {
    let scenario = folder(&[]).load().unwrap();
    let [delay, redundancy] = &scenario.studies[..] else { panic!("two studies") };
    let flows = vec!["mail".to_owned(), "users".to_owned()];
    let first = Some(models::quantity::Nanos::seconds(60));
    assert_eq!(delay.kind, Kind::CaseDelay(CaseDelay { case: "flood".into(), fleet: "plan".into(), flows, first, replications: 3 }));
    assert_eq!(redundancy.kind, Kind::Redundancy(Redundancy { fleet: "today".into() }));
    assert!(scenario.site.givens.iter().any(|g| g.place == "study.case-delay flooded" && g.key == "replications" && g.value == "3"));
}

#[test]
fn what_is_wrong_is_refused_where_it_stands() {
    let wrong: [(&str, &str, &str, &str); 8] = [
        ("case = \"flood\"", "case = \"flod\"", "study.case-delay.flooded.case", "there is no case `flod`"),
        ("case = \"flood\"", "case = \"year\"", "study.case-delay.flooded.case", "of columns only"),
        ("fleet = \"plan\"", "fleet = \"pln\"", "study.case-delay.flooded.fleet", "no fleet `pln`"),
        ("\"users\"]", "\"usrs\"]", "study.case-delay.flooded.flows[1]", "no flow is meant by `usrs`"),
        ("first_s = 60", "first_s = 6001", "study.case-delay.flooded.first_s", "at most 6000 s"),
        ("replications = 3", "replications = 1", "study.case-delay.flooded.replications", "1 replications"),
        ("replications = 3", "replications = 101", "study.case-delay.flooded.replications", "2 to 100"),
        ("fleet = \"today\"", "fleet = \"tomorrow\"", "study.redundancy.apart.fleet", "no fleet `tomorrow`"),
    ];
    for (from, to, key, says) in wrong {
        let error = folder(&[(from, to)]).load().unwrap_err();
        assert_eq!(error.key.as_deref(), Some(key), "{error}");
        let text = format!("{error} {}", error.help.clone().unwrap_or_default());
        assert!(text.contains(says) && error.line.is_some(), "{text}");
    }
}
