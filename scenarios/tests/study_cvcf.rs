//! `[[study.cvcf]]`: what is read, and what is refused.

mod common;

use common::Folder;
use models::Estimate;
use models::study::Kind;
use models::study::cvcf::{Cvcf, Saved};

const STUDY: &str = r#"
[[study.cvcf]]
name = "inspection"
title = "How long?"
inspection_hours = { value = 4.0, low = 1.0, high = 8.0 }
input_power_factor = 0.9
saved_yen = 2000000
saved_servers = 20
added_hosts = 5
added_host_w = 181
source = "assumed:an example"
"#;

#[test]
fn its_keys_are_read() {
    let scenario = Folder::with_studies(STUDY, &[]).load().unwrap();
    let saved = Some(Saved { yen: 2e6, servers: 20, added: 5, added_w: Estimate::exactly(181.0) });
    let inspection_hours = Estimate { value: 4.0, low: 1.0, high: 8.0 };
    assert_eq!(scenario.studies[0].kind, Kind::Cvcf(Cvcf { inspection_hours, input_power_factor: Estimate::exactly(0.9), saved }));
    assert!(scenario.site.givens.iter().any(|g| g.place == "study.cvcf inspection" && g.key == "inspection_hours"));
}

#[test]
fn a_saving_may_be_left_out() {
    let without = "saved_yen = 2000000\nsaved_servers = 20\nadded_hosts = 5\nadded_host_w = 181\n";
    let scenario = Folder::with_studies(STUDY, &[(without, "")]).load().unwrap();
    assert!(matches!(&scenario.studies[0].kind, Kind::Cvcf(Cvcf { saved: None, .. })));
}

#[test]
fn what_is_wrong_is_refused_where_it_stands() {
    let added = "added_hosts = 5\nadded_host_w = 181\n";
    let wrong: [(&str, &str, &str, &str); 8] = [
        ("low = 1.0, high = 8.0 }\ninput", "low = 0.0, high = 8.0 }\ninput", "inspection_hours", "an inspection takes time"),
        ("input_power_factor = 0.9", "input_power_factor = 0", "input_power_factor", "not a power factor"),
        (
            "input_power_factor = 0.9",
            "input_power_factor = { value = 0.9, low = 0.8, high = 1.1 }",
            "input_power_factor",
            "not a power factor",
        ),
        ("saved_servers = 20\n", "", "saved_yen", "`saved_servers` goes with it"),
        ("saved_yen = 2000000\n", "", "saved_servers", "`saved_yen` goes with it"),
        ("added_host_w = 181\n", "", "added_hosts", "`added_host_w` goes with it"),
        ("saved_yen = 2000000\nsaved_servers = 20\n", "", "added_hosts", "no saving to net these hosts off"),
        (added, "added = 5\n", "added", "there is no key `added`"),
    ];
    for (from, to, key, says) in wrong {
        let error = Folder::with_studies(STUDY, &[(from, to)]).load().unwrap_err();
        assert_eq!(error.key, Some(format!("study.cvcf.inspection.{key}")), "{error}");
        assert!(error.to_string().contains(says) && error.line.is_some(), "{error}");
    }
}

#[test]
fn a_site_without_a_cvcf_has_nothing_to_ask() {
    let ups = "[ups]\nname = \"CVCF\"\nrating_va = 30_000\noutput_power_factor = 0.8\nloss_no_load = 0.035\nloss_proportional = 0.03\nloss_square = 0.02\nsource = \"paper:S0-2\"\nsources = { output_power_factor = \"assumed:as of its kind\" }\n";
    let error = Folder::with_studies(STUDY, &[(ups, ""), ("ups = { view = \"nameplate\", reserve = 0.1 }\n", "")]).load().unwrap_err();
    assert!(error.to_string().contains("there is no CVCF to ask about"), "{error}");
}
