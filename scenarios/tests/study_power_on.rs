//! `[power_on]` and `[[study.power-on]]`: what is read, and what is refused.

mod common;

use common::Folder;
use models::quantity::{Amperes, Nanos, Watts};
use models::site::PowerOn;
use models::study::Kind;

const POWER_ON: &str = r#"
[power_on]
inrush_a = 36
inrush_ms = 20
spin_up_w = 48
spin_up_s = 10
ups_peak_a = 112
source = "proxy:a planning guide"

[[study.power-on]]
name = "from-dark"
title = "How far apart?"
source = "paper:S0-2"
"#;

#[test]
fn its_keys_are_read() {
    let scenario = Folder::with_studies(POWER_ON, &[]).load().unwrap();
    let expected = PowerOn {
        inrush: Amperes::new(36.0).unwrap(),
        inrush_lasts: Nanos::millis(20),
        spin_up: Watts::new(48.0).unwrap(),
        spin_up_lasts: Nanos::seconds(10),
        ups_peak: Amperes::new(112.0).unwrap(),
    };
    assert_eq!(scenario.site.power_on, Some(expected));
    assert!(scenario.site.givens.iter().any(|g| g.place == "power_on" && g.key == "inrush_a" && g.value == "36"));
    let [study] = &scenario.studies[..] else { panic!("one study") };
    assert_eq!(study.kind, Kind::PowerOn(models::study::power_on::PowerOn { fleet: "plan".into() }));
}

#[test]
fn a_site_without_it_has_the_digest_that_it_had() {
    let without = Folder::with(&[]).load().unwrap().site;
    assert_eq!(without.power_on, None);
    let text = serde_json::to_string(&without).unwrap();
    assert!(!text.contains("power_on") && !text.contains("retires"));
}

#[test]
fn what_is_wrong_is_refused_where_it_stands() {
    let wrong: [(&str, &str, &str, &str); 4] = [
        ("inrush_a = 36", "inrush_a = 0", "power_on.inrush_a", "0 is not a number that is finite and above 0"),
        ("spin_up_w = 48", "spin_up_w = -1", "power_on.spin_up_w", "-1"),
        ("ups_peak_a = 112", "ups_peak_a = 35", "power_on.ups_peak_a", "35 A do not carry the rush of one host, 36 A"),
        ("title = \"How far apart?\"", "title = \"x\"\nfleet = \"nobody\"", "study.power-on.from-dark.fleet", "there is no fleet `nobody`"),
    ];
    for (from, to, key, says) in wrong {
        let error = Folder::with_studies(POWER_ON, &[(from, to)]).load().unwrap_err();
        assert_eq!(error.key.as_deref(), Some(key), "{error}");
        assert!(error.to_string().contains(says) && error.line.is_some(), "{error}");
    }
    let missing = Folder::with_studies(POWER_ON, &[("ups_peak_a = 112\n", "")]).load().unwrap_err();
    assert!(missing.to_string().contains("ups_peak_a"), "{missing}");
}
