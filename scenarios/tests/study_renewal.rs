//! `retires` of `[[host]]` and `[[study.renewal]]`: what is read, and what is refused.

mod common;

use common::Folder;
use models::study::Kind;
use models::study::renewal::Renewal;

const STUDY: &str = r#"
[[study.renewal]]
name = "side-by-side"
title = "How do old and new stand side by side?"
source = "paper:S0-20"
"#;

const SPARE: &str = "name = \"spare\"\nclass = \"rx300\"\n";

fn spare_retires() -> (&'static str, String) {
    (SPARE, format!("{SPARE}retires = true\n"))
}

#[test]
fn its_keys_are_read() {
    let (from, to) = spare_retires();
    let scenario = Folder::with_studies(STUDY, &[(from, &to)]).load().unwrap();
    let retiring: Vec<&str> = scenario.site.hosts.iter().filter(|h| h.retires).map(|h| h.name.as_str()).collect();
    assert_eq!(retiring, ["spare"]);
    assert_eq!(scenario.studies[0].kind, Kind::Renewal(Renewal));
    assert!(scenario.site.givens.iter().any(|g| g.place == "host spare" && g.key == "retires" && g.value == "true"));
}

#[test]
fn a_renewal_of_nothing_is_refused() {
    let error = Folder::with_studies(STUDY, &[]).load().unwrap_err();
    assert!(error.to_string().contains("no host retires") && error.line.is_some(), "{error}");
}

#[test]
fn a_guest_pinned_to_a_host_that_retires_is_refused_where_it_is_pinned() {
    let pools = "class = [\"rx300\", \"metal\"]\n";
    let error = Folder::with(&[(pools, &format!("{pools}retires = true\n"))]).load().unwrap_err();
    assert!(error.key.as_deref().is_some_and(|k| k.ends_with(".pinned")), "{error}");
    assert!(error.to_string().contains("is pinned to `pop-1`, which retires"), "{error}");
}
