//! How long a plan's steps take, against sums and closed forms.

use models::Estimate;
use models::example;
use models::flow::Recovery;
use models::law::deployment::{Deployment, of};
use models::law::migration::StopRule;
use models::plan::{Action, Step};
use models::quantity::{BytesPerSecond, MiB, Nanos};
use models::site::{Deploy, Dirties, Images, LiveMigration, Site, Storage};
use proptest::prelude::*;

const MIB: f64 = 1_048_576.0;

fn numbered(actions: Vec<Action>) -> Vec<Step> {
    actions
        .into_iter()
        .enumerate()
        .map(|(i, action)| Step { number: i as u32 + 1, action, starts_after_s: None, beside: 0, before: Vec::new(), after: Vec::new() })
        .collect()
}

fn boot(h: u32) -> Action {
    Action::BootHost { host: format!("h{h}") }
}
fn off(h: u32) -> Action {
    Action::PowerOffHost { host: format!("h{h}") }
}
fn define(g: u32, h: u32) -> Action {
    Action::DefineGuest { guest: format!("g{g}"), host: format!("h{h}") }
}
fn start(g: u32, h: u32) -> Action {
    Action::StartGuest { guest: format!("g{g}"), host: format!("h{h}") }
}
fn stop(g: u32, h: u32) -> Action {
    Action::StopGuest { guest: format!("g{g}"), host: format!("h{h}") }
}
fn migrate(g: u32, from: u32, to: u32) -> Action {
    Action::MigrateGuest { guest: format!("g{g}"), from: format!("h{from}"), to: format!("h{to}") }
}

/// Hosts of 4 cores and 100 MB/s that boot in 120 s, guests of 1 GiB; everything given, without ranges.
fn site(guests: u32, lanes: u32) -> Site {
    let guests = (1..=guests).map(|n| example::guest(&format!("g{n}"), 1, 1024)).collect();
    let mut site = example::site(example::class("c", 4, 2000.0, 65_536), 3, guests);
    for g in &mut site.guests {
        g.dirties = Some(Dirties { bytes_per_s: Estimate::ZERO, working_set: MiB(0) });
    }
    site.migration = Some(LiveMigration {
        over: "the LAN".into(),
        bytes_per_s: Estimate::exactly(128.0 * MIB),
        stop: StopRule { downtime_max: Nanos::millis(30), rounds_max: 30 },
        at_once: 4,
    });
    site.deploy = Some(Deploy {
        define_s: Some(Estimate { value: 2.0, low: 1.0, high: 5.0 }),
        boot_s: Some(Estimate::exactly(40.0)),
        stop_s: Some(Estimate::exactly(10.0)),
        power_off_s: Some(Estimate::exactly(30.0)),
        images: Some(Images::Shared),
        lanes: Some(lanes),
    });
    site
}

fn total(d: &Deployment) -> f64 {
    d.serial_s.unwrap_or_else(|| panic!("{:?}", d.missing)).value
}

#[test]
fn one_after_the_other_is_the_sum_of_the_steps() {
    // 120 + 2 + 40 + 8 (1024 MiB at 128 MiB/s) + 10 + 30.
    let steps = numbered(vec![boot(1), define(1, 1), start(1, 1), migrate(1, 1, 2), stop(1, 2), off(2)]);
    let d = of(&site(1, 1), None, &steps);
    let takes: Vec<f64> = d.steps.iter().map(|t| t.takes_s.unwrap().value).collect();
    assert_eq!(takes, [120.0, 2.0, 40.0, 8.0, 10.0, 30.0]);
    assert_eq!(d.serial_s, Some(Estimate { value: 210.0, low: 209.0, high: 213.0 }));
    assert_eq!(d.steps[3].serial_s, Some((162.0, 170.0)));
    assert_eq!(
        d.steps.iter().map(|t| t.binds.as_str()).collect::<Vec<_>>(),
        ["boot_s of class c", "define_s", "boot_s", "the LAN", "stop_s", "power_off_s"]
    );
    // One lane is the same.
    assert_eq!(d.lanes.unwrap().total_s.value, 210.0);
    // Nobody gave the 120 s.
    assert!(d.notes.iter().any(|n| n.contains("boot_s of class c is not given")));
}

#[test]
fn what_is_not_given_is_not_said() {
    let steps = numbered(vec![define(1, 1), start(1, 1), migrate(2, 1, 2), migrate(1, 1, 2), stop(1, 2), off(1)]);
    let mut poor = site(2, 2);
    poor.guests[0].dirties = None;
    poor.deploy = Some(Deploy { stop_s: Some(Estimate::exactly(10.0)), ..Deploy::default() });
    let d = of(&poor, None, &steps);
    assert_eq!((d.serial_s, d.lanes, d.known, d.known_s.value), (None, None, 2, 18.0));
    let missing: Vec<&str> = d.missing.iter().map(|(key, _)| key.as_str()).collect();
    assert_eq!(missing, ["deploy.define_s", "deploy.images", "deploy.power_off_s", "dirty_bytes_per_s and working_set_mib of guest g1"]);
    assert_eq!(d.steps[2].takes_s, Some(Estimate::exactly(8.0)));
    assert!(d.steps[2].serial_s.is_none() && d.steps[0].takes_s.is_none());
    // Neither table: nothing but boots of hosts.
    poor.migration = None;
    poor.deploy = None;
    let d = of(&poor, None, &steps);
    assert_eq!((d.known, d.steps[2].binds.as_str()), (0, "migration"));
    // Images known, and no boot.
    poor.deploy = Some(Deploy { images: Some(Images::Shared), ..Deploy::default() });
    assert_eq!(of(&poor, None, &steps).steps[1].binds, "deploy.boot_s, or requests.recovery");
    // A lane more than none is not made up.
    let mut serial = site(2, 1);
    serial.deploy.as_mut().unwrap().lanes = None;
    let d = of(&serial, None, &steps);
    assert!(d.serial_s.is_some() && d.lanes.is_none() && d.notes.iter().any(|n| n.contains("deploy.lanes")));
    // A step of another site.
    assert!(of(&serial, None, &numbered(vec![boot(9)])).steps[0].binds.contains("no host h9"));
}

#[test]
fn a_boot_takes_cpu_and_disk_as_the_law_of_restarts_says() {
    // Models A4: 15 guests, 60 s of CPU, 250 MB at 100 MB/s: alone 60 s, by CPU; with 15 at once on 4 cores 225 s by CPU. Storage of
    // 2 MB/s: 125 s alone.
    let recovery = Recovery {
        detect: Nanos::ZERO,
        fence: Nanos::ZERO,
        by_hand: None,
        boots_at_once: 15,
        boot_cpu: Nanos::seconds(60),
        boot_disk_bytes: 250e6,
        read_only_after: None,
        panics_after: None,
    };
    let steps = numbered((1..=15).map(|g| start(g, 1)).collect());
    let d = of(&site(15, 15), Some(&recovery), &steps);
    assert_eq!((d.steps[0].takes_s.unwrap().value, d.steps[0].binds.as_str()), (60.0, "CPU of h1"));
    assert!((total(&d) - 900.0).abs() < 1e-9);
    assert!((d.lanes.unwrap().total_s.value - 225.0).abs() < 1e-6, "{:?}", d.lanes);
    let mut slow = site(15, 15);
    let throughput = Some(BytesPerSecond::new(2e6).unwrap());
    slow.storage.push(Storage { name: "nfs".into(), redundant: false, throughput, services: Vec::new() });
    let d = of(&slow, Some(&recovery), &steps);
    assert_eq!((d.steps[0].takes_s.unwrap().value, d.steps[0].binds.as_str()), (125.0, "storage nfs"));
    // Nothing is gained beside each other: the storage is what binds.
    assert!((d.lanes.unwrap().total_s.value - 1875.0).abs() < 1e-6);
    // Four at once, 4 cores: four boots in 60 s, so four rounds of 60 s.
    let d = of(&site(15, 15), Some(&Recovery { boots_at_once: 4, ..recovery }), &steps);
    assert!((d.lanes.unwrap().total_s.value - 240.0).abs() < 1e-6, "{:?}", d.lanes);
}

#[test]
fn an_image_is_copied_before_the_boot_and_shares_its_link() {
    // 1280 MiB at 128 MiB/s: 10 s, then 40. Two at once: 20 + 40.
    let mut site = site(2, 2);
    let rate = Estimate { value: 128.0 * MIB, low: 64.0 * MIB, high: 128.0 * MIB };
    site.deploy.as_mut().unwrap().images =
        Some(Images::Copied { mib: Estimate::exactly(1280.0), over: "the LAN".into(), bytes_per_s: rate });
    let d = of(&site, None, &numbered(vec![start(1, 1), start(2, 2)]));
    assert_eq!(d.serial_s, Some(Estimate { value: 100.0, low: 100.0, high: 120.0 }));
    assert_eq!(d.lanes.unwrap().total_s, Estimate { value: 60.0, low: 60.0, high: 80.0 });
}

#[test]
fn boots_that_the_plan_lets_overlap_begin_by_the_clock() {
    // Three boots of 120 s, 30 s apart: the last ends at 60 + 120 s, with one lane or with two; then a guest is defined (5 s).
    for lanes in [1, 2] {
        let site = site(1, lanes);
        let mut steps = numbered(vec![boot(1), boot(2), boot(3), off(1)]);
        steps[1].starts_after_s = Some(30);
        steps[2].starts_after_s = Some(30);
        let d = of(&site, None, &steps);
        let spans: Vec<_> = d.steps.iter().map(|s| s.lanes_s.unwrap()).collect();
        assert_eq!(spans[..3], [(0.0, 120.0), (30.0, 150.0), (60.0, 180.0)]);
        // What follows waits for all of them, in lanes and one after the other.
        assert_eq!(spans[3].0, 180.0);
        assert_eq!(d.steps[3].serial_s.unwrap().0, 180.0);
    }
    // A delay longer than a boot leaves a pause.
    let mut steps = numbered(vec![boot(1), boot(2)]);
    steps[1].starts_after_s = Some(200);
    let d = of(&site(1, 2), None, &steps);
    assert_eq!((d.serial_s.unwrap().value, d.lanes.unwrap().total_s.value), (320.0, 320.0));
}

#[test]
fn side_by_side_a_step_waits_for_what_it_needs() {
    // Guest 1 leaves h2 before guest 2 comes; h1 is off after both have left; the second boot waits for the first.
    let steps = numbered(vec![stop(1, 2), migrate(2, 1, 2), off(1), boot(3), define(1, 3), start(1, 3)]);
    let d = of(&site(2, 8), None, &steps);
    let span = |n: usize| d.steps[n - 1].lanes_s.unwrap();
    assert_eq!((span(1), span(2), span(3), span(4)), ((0.0, 10.0), (10.0, 18.0), (18.0, 48.0), (48.0, 168.0)));
    assert_eq!((span(5), span(6)), ((168.0, 170.0), (170.0, 210.0)));
}

#[test]
fn busy_guests_that_end_alone_and_not_together_are_moved_one_by_one() {
    let mut site = site(2, 2);
    for g in &mut site.guests {
        g.dirties = Some(Dirties { bytes_per_s: Estimate::exactly(80.0 * MIB), working_set: MiB(256) });
    }
    let d = of(&site, None, &numbered(vec![migrate(1, 1, 2), migrate(2, 1, 2)]));
    assert_eq!(d.lanes.unwrap().moves_at_once, 1);
    assert!((d.lanes.unwrap().total_s.value - total(&d)).abs() < 1e-9);
    // A guest that does not end even alone is named.
    site.guests[0].dirties = Some(Dirties { bytes_per_s: Estimate::exactly(200.0 * MIB), working_set: MiB(256) });
    let d = of(&site, None, &numbered(vec![migrate(1, 1, 2)]));
    assert!(d.notes.iter().any(|n| n.contains("step 1 does not converge") && n.contains("2.0 s")), "{:?}", d.notes);
}

fn any_steps() -> impl Strategy<Value = Vec<Step>> {
    prop::collection::vec((1u32..6, 1u32..4, 0u32..5), 1..20).prop_map(|all| {
        let to = |h: u32| h % 3 + 1;
        let one = |(g, h, what): (u32, u32, u32)| match what {
            0 => vec![define(g, h), start(g, h)],
            1 => vec![stop(g, h)],
            2 | 3 => vec![migrate(g, h, to(h))],
            _ => vec![boot(h)],
        };
        numbered(all.into_iter().flat_map(one).collect())
    })
}

proptest! {
    #[test]
    fn more_lanes_are_never_slower_and_one_is_the_sum(steps in any_steps(), dirty in 0.0f64..60.0) {
        let time = |lanes| {
            let mut site = site(5, lanes);
            for g in &mut site.guests {
                g.dirties = Some(Dirties { bytes_per_s: Estimate::exactly(dirty * MIB), working_set: MiB(128) });
            }
            let d = of(&site, None, &steps);
            (total(&d), d.lanes.unwrap().total_s.value)
        };
        let (sum, mut before) = time(1);
        prop_assert!((sum - before).abs() < 1e-6);
        for lanes in 2..5 {
            let (_, now) = time(lanes);
            prop_assert!(now <= before + 1e-9);
            before = now;
        }
    }

    #[test]
    fn a_faster_link_is_never_slower(steps in any_steps(), dirty in 0.0f64..40.0, rate in 60.0f64..200.0, by in 1.01f64..3.0) {
        let time = |rate: f64| {
            let mut site = site(5, 1);
            for g in &mut site.guests {
                g.dirties = Some(Dirties { bytes_per_s: Estimate::exactly(dirty * MIB), working_set: MiB(128) });
            }
            site.migration.as_mut().unwrap().bytes_per_s = Estimate::exactly(rate * MIB);
            total(&of(&site, None, &steps))
        };
        prop_assert!(time(rate * by) <= time(rate) + 1e-9);
    }

    #[test]
    fn a_range_holds_its_value(steps in any_steps(), low in 0.5f64..1.0, high in 1.0f64..2.0) {
        let mut site = site(5, 3);
        let around = |x: f64| Estimate { value: x, low: x * low, high: x * high };
        site.migration.as_mut().unwrap().bytes_per_s = around(128.0 * MIB);
        site.deploy.as_mut().unwrap().boot_s = Some(around(40.0));
        let d = of(&site, None, &steps);
        for e in d.steps.iter().filter_map(|t| t.takes_s).chain(d.serial_s).chain(d.lanes.map(|l| l.total_s)) {
            prop_assert!(e.low <= e.value && e.value <= e.high);
        }
    }
}
