//! The studies of power on the fleets of a plan: they replay what the plan replayed.

mod common;

use common::{Copy, plan, read};

const UPS: &str = r#"[ups]
name = "CVCF"
rating_va = 1000
output_power_factor = 0.8
loss_no_load = 0.035
loss_proportional = 0.03
loss_square = 0.02
source = "assumed:a test"
[ups.battery]
rated_w = 800
minutes = 10
exponent = { value = 1.25, low = 1.1, high = 1.3 }
left = LEFT
source = "assumed:a test"

[prices]
"#;

const STUDIES: &str = r#"
[[study.cvcf]]
name = "inspection"
title = "How long?"
inspection_hours = 1
input_power_factor = 0.9
source = "assumed:a test"

[[study.power-tail]]
name = "tail"
title = "How much, how seldom?"
shares = [0.01]
source = "assumed:a test"
"#;

/// Blades on a CVCF whose battery has so much left.
fn planned(left: &str) -> reports::Run {
    let site = Copy::changed("s3-jparc", |site| {
        let made = site.replace("[prices]\n", &UPS.replace("LEFT", left));
        made.replace("[rules]\n", "[rules]\nups = { view = \"expected\", reserve = 0.0 }\n") + STUDIES
    });
    let out = tempfile::tempdir().unwrap();
    plan(site.path(), out.path(), &[]).exits(0);
    reports::json::from_text(&read(&out.path().join("measures.json"))).unwrap()
}

#[test]
fn the_fleets_put_together_again_draw_what_the_plan_says_and_an_older_battery_lasts_less() {
    let (new, old) = (planned("1.0"), planned("0.8"));
    let answer = |run: &reports::Run, study: &str| run.studies.iter().find(|s| s.study == study).unwrap().clone();
    let (cvcf, tail, older) = (answer(&new, "inspection"), answer(&new, "tail"), answer(&old, "inspection"));
    assert!(new.fleets.len() > 1 && new.chosen.is_some());
    for fleet in &new.fleets {
        let name = |what: &str| format!("{}: {what}", fleet.name);
        let figure = |what: &str| cvcf.figure(&name(what)).unwrap().value.value;
        // One replication each, or the mean of several: the run's own figure.
        let own = |what: &str| fleet.figures.iter().find(|f| f.name == what).unwrap().value;
        assert!((figure("peak kVA, arithmetic") - own("peak apparent power, expected")).abs() < 1e-9, "{}", fleet.name);
        assert!((figure("peak kW") - own("peak real power, expected")).abs() < 1e-9, "{}", fleet.name);
        assert!((figure("electricity") - fleet.cost.electricity_yen.value).abs() < 0.01 * fleet.cost.electricity_yen.value);
        let level = tail.figure(&name("exceeded 0.01 of the time")).unwrap().value.value;
        assert!(level <= figure("peak kVA, arithmetic") + 1e-9 && level > 0.0);
        let minutes = |a: &models::study::Answer| a.figure(&name("battery at the peak")).unwrap().value.value;
        assert!((minutes(&older) / minutes(&cvcf) - 0.8).abs() < 1e-9);
    }
}
