//! `shuyaku deploy-time`: how long a plan's own deployment takes.

mod common;

use std::path::Path;

use common::{Copy, Planned, plan, read, scenario, shuyaku};

fn asked(planned: &Planned, scenario: &Path, more: &[&str]) -> common::Said {
    let (plan, scenario) = (planned.path("plan.json"), scenario.to_str().unwrap().to_owned());
    shuyaku([&["deploy-time", plan.to_str().unwrap(), "--scenario", &scenario], more].concat())
}

/// The text is a golden file: a change that moves a number shows it in the diff.
#[test]
fn the_moves_of_s3_are_timed_as_before() {
    let planned = Planned::of("s3-jparc", &[]);
    let now = asked(&planned, &scenario("s3-jparc"), &[]).exits(0).out;
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/deploy_time_s3.txt");
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(&file, &now).unwrap();
    }
    assert!(read(&file) == now, "the times are others. UPDATE_GOLDEN=1 writes them anew.\n{now}");
}

#[test]
fn its_json_sums_up() {
    let planned = Planned::of("s3-jparc", &[]);
    let json = asked(&planned, &scenario("s3-jparc"), &["--json"]).exits(0).json();
    let steps = json["steps"].as_array().unwrap();
    assert_eq!(steps.len(), planned.plan().steps.len());
    let sum: f64 = steps.iter().map(|s| s["takes_s"]["value"].as_f64().unwrap()).sum();
    assert!((sum - json["serial_s"]["value"].as_f64().unwrap()).abs() < 1e-9);
    assert!(json["lanes"]["total_s"]["value"].as_f64().unwrap() <= sum);
    assert!(json["missing"].as_array().unwrap().is_empty());
}

#[test]
fn a_given_that_is_missing_is_named_and_nothing_is_made_up() {
    let planned = Planned::of("s3-jparc", &[]);
    // The plan is older than the change: that is said, and the times are those of the site as it is.
    let copy = Copy::with("s3-jparc", &[("power_off_s = { value = 30, low = 10, high = 90 }\n", "")]);
    let said = asked(&planned, copy.path(), &[]).exits(0);
    assert!(
        said.out.contains("one after the other  cannot say") && said.out.contains("1 step: not given: deploy.power_off_s"),
        "{}",
        said.out
    );
    assert!(said.out.contains("the plan is stale"), "{}", said.out);
    assert!(!said.out.contains("side by side  "), "{}", said.out);
}

#[test]
fn a_slower_link_and_a_slower_boot_take_longer() {
    let time =
        |planned: &Planned, scenario: &Path| asked(planned, scenario, &["--json"]).exits(0).json()["serial_s"]["value"].as_f64().unwrap();
    let planned = Planned::of("s3-jparc", &[]);
    let slow = Copy::with("s3-jparc", &[("{ value = 117e6, low = 60e6, high = 117e6 }", "58.5e6")]);
    assert!(time(&planned, slow.path()) > 1.5 * time(&planned, &scenario("s3-jparc")));
    let planned = Planned::of("s1-spring8", &[]);
    let slow = Copy::with("s1-spring8", &[("boot_s = { value = 60, low = 30, high = 180 }", "boot_s = 61")]);
    // 30 guests, a second more each.
    assert!((time(&planned, slow.path()) - time(&planned, &scenario("s1-spring8")) - 30.0).abs() < 1e-6);
}

#[test]
fn a_guest_whose_move_would_not_end_is_stopped_and_started_and_the_plan_says_why() {
    // The archive engine dirties 60 MB/s in 512 MiB, over 11.8 MB/s; it moves where its host is emptied.
    let copy = Copy::with(
        "s3-jparc",
        &[
            ("bandwidth_bytes_per_s = { value = 117e6, low = 60e6, high = 117e6 }", "bandwidth_bytes_per_s = 11.8e6"),
            ("dirty_bytes_per_s = { value = 5e6, low = 1e6, high = 20e6 }", "dirty_bytes_per_s = 30e6"),
        ],
    );
    let out = tempfile::tempdir().unwrap();
    plan(copy.path(), out.path(), &[]).exits(0);
    let text = read(&out.path().join("plan.json"));
    let made = models::plan::Plan::from_text(&text).unwrap();
    let of = |word: &str| {
        made.steps.iter().filter(|s| s.action.to_string().starts_with(word) && s.action.to_string().contains("server-")).count()
    };
    assert!(of("stop guest") > 0 && of("migrate guest") == 0, "{:?}", made.steps.iter().map(|s| s.action.to_string()).collect::<Vec<_>>());
    assert_eq!(of("stop guest"), of("start guest"));
    common::check(&out.path().join("plan.json"), copy.path()).exits(0);
    let why = reports::json::from_text(&read(&out.path().join("measures.json"))).unwrap().unknowns;
    // The working set of 64 MiB over 11.8 MB/s: 5.69 s.
    assert!(
        why.iter().any(|u| u.contains("server-1 cannot be moved live over the network at 11.8 MB/s") && u.contains("5.69 s")),
        "{why:?}"
    );
    // A plan that moves it live all the same does not pass.
    let planned = Planned::of("s3-jparc", &[]);
    let said = common::check(&planned.path("plan.json"), copy.path()).exits(1);
    assert!(said.out.contains("server-1 cannot be moved live"), "{}", said.out);
}

#[test]
fn what_cannot_be_asked_ends_with_2() {
    shuyaku(["deploy-time", "no/such/plan.json"]).exits(2);
    shuyaku(["deploy-time", "README.md"]).exits(2);
    let planned = Planned::of("s3-jparc", &[]);
    asked(&planned, &scenario("s1-spring8"), &[]).exits(2);
    asked(&planned, Path::new("no/such/folder"), &[]).exits(2);
}
