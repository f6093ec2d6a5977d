//! `[[study.power-tail]]`: what is read, and what is refused.

mod common;

use common::Folder;
use models::study::Kind;
use models::study::power_tail::PowerTail;

const STUDY: &str = r#"
[[study.power-tail]]
name = "tail"
title = "How much, how seldom?"
shares = [0.01, 0.001]
source = "assumed:an example"
"#;

#[test]
fn its_keys_are_read() {
    let scenario = Folder::with_studies(STUDY, &[]).load().unwrap();
    assert_eq!(scenario.studies[0].kind, Kind::PowerTail(PowerTail { shares: vec![0.01, 0.001] }));
}

#[test]
fn what_is_wrong_is_refused_where_it_stands() {
    for (to, key, says) in [
        ("[]", "shares", "the list is empty"),
        ("[0.01, 0.0]", "shares[1]", "never exceeded"),
        ("[0.01, 0.02]", "shares[1]", "less than the one before"),
        ("[1.0]", "shares[0]", "from 0 to below 1"),
    ] {
        let error = Folder::with_studies(STUDY, &[("[0.01, 0.001]", to)]).load().unwrap_err();
        assert_eq!(error.key, Some(format!("study.power-tail.tail.{key}")), "{error}");
        assert!(error.to_string().contains(says) && error.line.is_some(), "{error}");
    }
}
