//! The request level as its user meets it: `simulate --requests`, what `plan` makes of it, and what cannot be played.

mod common;

use std::ffi::OsStr;
use std::path::Path;

use common::{Said, check, names, plan, read, scenario, shuyaku};
use sim::experiment::{CaseFindings, Kept};
use tempfile::TempDir;

/// Two Web guests of 18 requests a second each at 50 ms of CPU: 0.9 of a core each. A host has two cores.
const SITE: &str = r#"
name = "small"
title = "Two Web servers"
[horizon]
step_s = 60
steps = 60
source = "assumed:an hour"
[[class]]
name = "box"
sockets = 1
cores = 2
core_mhz = 1000.0
memory_mib = 4096
hypervisor_mib = 0
network_bytes_per_s = 125e6
disk_bytes_per_s = 100e6
power_w = [100, 200]
power_factor = [1.0]
nameplate_va = 250
nameplate_w = 250
boot_s = 120
maintenance_yen_per_year = 0
source = "assumed:a machine"
[class.sale]
price_yen = 100000
max = 3
source = "assumed:a price"
[[guest]]
name = "web-{n}"
count = 2
vcpus = 2
memory_mib = [1024]
mode = "paravirtual"
on_loss = "accept"
source = "assumed:a Web server"
[[load.mail]]
name = "visits"
guests = ["web-*"]
split = "even"
per_day = 3110400
hours = [1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1]
days = [1, 1, 1, 1, 1, 1, 1]
cpu_ms = 50
at_mhz = 1000.0
net_bytes = 0
disk_bytes = 0
source = "assumed:36 a second"
[prices]
yen_per_kwh = 12
pue = 1
years = 1
source = "assumed:prices"
[rules]
cpu = { percentile = 99.0, limit = 1.0 }
source = "assumed:all of the CPU may be used"
[requests]
from_s = 0
lasts_s = 1200
bin_s = 300
population_cap = 20000
hypervisor_cpu = { paravirtual = 0.0 }
slice_ms = 30
source = "assumed:twenty minutes"
[requests.recovery]
detect_s = 10
fence_s = 10
boots_at_once = 1
boot_cpu_s = 10
boot_disk_bytes = 1e6
source = "assumed:times"
[[tier]]
name = "web"
guests = ["web-*"]
balance = "fewest-jobs"
source = "assumed:a balancer"
[[flow]]
name = "visits"
title = "Visits"
arrivals = "visits"
objective = { percentile = 95, within_s = 5 }
source = "assumed:a promise"
[[flow.stage]]
tier = "web"
cost = "visits"
[[fault]]
name = "web-1-stops"
guest = "web-1"
at_s = 600
source = "assumed:a fault"
[[case]]
name = "crash"
title = "A server crashes"
faults = ["web-1-stops"]
[[case]]
name = "crowd"
title = "Six times the visits"
burst = [{ flow = "visits", start_s = 300, ramp_s = 0, plateau_s = 900, decay_s = 0, peak_per_s = 200 }]
source = "assumed:a crowd"
[[alternative]]
name = "one"
title = "One host"
baseline = true
buys = [{ class = "box", count = 1 }]
place = "planner"
"#;

/// The site, with each `from` in it once replaced by its `to`.
fn site(changes: &[(&str, &str)]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let mut text = SITE.to_owned();
    for (from, to) in changes {
        assert_eq!(text.matches(from).count(), 1, "`{from}` is not once in the site");
        text = text.replace(from, to);
    }
    std::fs::write(folder.path().join("site.toml"), text).unwrap();
    folder
}

fn simulate(site: &Path, more: &[&str]) -> Said {
    shuyaku([OsStr::new("simulate"), site.as_os_str()].into_iter().chain(more.iter().map(OsStr::new)))
}

/// The cases of a run in JSON.
fn cases(said: &Said) -> Vec<CaseFindings> {
    let run: reports::Run = reports::json::from_text(&said.out).unwrap();
    run.requests[0].cases.clone()
}

#[test]
fn every_case_is_played_with_intervals_and_held_against_the_ordinary_course() {
    let site = site(&[]);
    let said = simulate(site.path(), &["--requests", "--replications", "4", "--json"]).exits(0);
    let cases = cases(&said);
    assert_eq!(cases.iter().map(|c| c.name.as_str()).collect::<Vec<_>>(), ["ordinary", "crash", "crowd"]);
    let visits = &cases[0].flows[0];
    // 36 a second for 1200 s is 43,200; Poisson, so within five standard deviations (208) of it over four replications.
    assert!((visits.arrived.value - 43_200.0).abs() < 5.0 * 208.0 / 2.0, "{:?}", visits.arrived);
    assert_eq!(visits.arrived.count, 4);
    let mean = visits.mean.as_ref().unwrap();
    let (low, high) = mean.interval.unwrap();
    assert!(low < mean.value && mean.value < high);
    // Five times what there is for a quarter of an hour: later, and said to be.
    let crowd = &cases[2].comparisons[0];
    assert!(crowd.moved && crowd.difference.value > 1.0, "{crowd:?}");
    assert_eq!(cases[1].log.first().map(|l| l.what.as_str()), Some("web-1-stops fails"));
    assert_eq!(cases[1].guests.iter().find(|g| g.guest == "web-1").unwrap().outages.value, 1.0);
}

#[test]
fn what_is_told_to_people_names_flows_and_cases() {
    let site = site(&[]);
    let said = simulate(site.path(), &["--requests", "--replications", "2", "--case", "crash"]).exits(0);
    for word in ["visits", "crash", "web-1"] {
        assert!(said.out.contains(word), "`{word}` is not in\n{}", said.out);
    }
    assert!(!said.out.contains("crowd"), "a case that was not asked for\n{}", said.out);
}

#[test]
fn the_same_seed_gives_the_same_bytes_for_any_number_of_threads() {
    let site = site(&[]);
    let run = |threads: &str| simulate(site.path(), &["--requests", "--replications", "3", "--json", "--threads", threads]).exits(0).out;
    let one = run("1");
    assert_eq!(one, run("2"));
    assert_eq!(one, run("7"));
    let other = simulate(site.path(), &["--requests", "--replications", "3", "--json", "--seed", "2"]).exits(0).out;
    assert_ne!(one, other, "another seed is another run");
}

#[test]
fn the_ordinary_course_is_the_same_whatever_is_played_beside_it() {
    let site = site(&[]);
    let all = cases(&simulate(site.path(), &["--requests", "--replications", "2", "--json"]).exits(0));
    let alone = cases(&simulate(site.path(), &["--requests", "--replications", "2", "--json", "--case", "ordinary"]).exits(0));
    assert_eq!(alone.len(), 1);
    assert_eq!(all[0], alone[0]);
}

#[test]
fn a_load_above_capacity_is_called_unstable_with_its_service_and_stops_at_the_cap() {
    // 80 a second at 50 ms: 4 cores asked for, and 2 guests of 2 vCPUs on a host of 2 cores.
    let site = site(&[("per_day = 3110400", "per_day = 6912000"), ("limit = 1.0", "limit = 9.0")]);
    let said = simulate(site.path(), &["--requests", "--replications", "1", "--case", "ordinary", "--json"]).exits(1);
    let (why, how_many) = cases(&said)[0].unstable.clone().unwrap();
    assert_eq!(how_many, 1);
    for word in ["unstable: web", "20000 jobs present", "of visits", "offered 4.", "capacity 2.00"] {
        assert!(why.contains(word), "`{word}` is not in {why}");
    }
    let text = simulate(site.path(), &["--requests", "--replications", "1", "--case", "ordinary"]).exits(1);
    assert!(text.out.contains("UNSTABLE"), "{}", text.out);
}

#[test]
fn replications_go_on_until_the_delays_are_known_well_enough() {
    let site = site(&[]);
    let at_most = ["--requests", "--case", "ordinary", "--json", "--replications", "200", "--precision"];
    let loose = cases(&simulate(site.path(), &[&at_most[..], &["20%"]].concat()).exits(0));
    // Two checks in a row, at 30 and at 40.
    assert_eq!(loose[0].replications, 40);
    let p95 = &loose[0].flows[0].quantiles.iter().find(|(q, _)| *q == 0.95).unwrap().1;
    let (low, high) = p95.interval.unwrap();
    assert!((high - low) / 2.0 <= 0.2 * p95.value);
}

#[test]
fn what_cannot_be_played_is_a_usage_error() {
    let with = site(&[]);
    let says = |site: &Path, args: &[&str], words: &[&str]| {
        let said = simulate(site, args).exits(2);
        assert_eq!(said.out, "");
        for word in words {
            assert!(said.err.contains(word), "`{word}` is not in\n{}", said.err);
        }
    };
    says(with.path(), &["--requests", "--case", "flood"], &["no case `flood`", "ordinary, crash, crowd"]);
    says(with.path(), &["--case", "crash"], &["--requests"]);
    says(with.path(), &["--requests", "--precision", "0"], &["per cent"]);
    says(with.path(), &["--requests", "--stream"], &["cannot be used with"]);
    says(&scenario("s4-wide"), &["--requests"], &["no request level", "[requests]"]);
}

/// On one host both guests share two cores that are used to 0.9: M/M/2 takes 0.26 s on average and 0.7 s for one in twenty.
/// On two hosts each has two cores to itself.
#[test]
fn a_plan_that_breaks_a_promise_gives_way_to_the_next_that_keeps_it() {
    let site = site(&[("within_s = 5", "within_s = 0.4")]);
    let out = tempfile::tempdir().unwrap();
    plan(site.path(), out.path(), &["--replications", "5"]).exits(0);
    let made = models::plan::Plan::from_text(&read(&out.path().join("plan.json"))).unwrap();
    assert_eq!(made.purchases[0].hosts.len(), 2, "one host would do by CPU");
    let delay = &made.predicted_requests[0];
    assert!(delay.name.contains("visits") && delay.value < 0.4 && delay.count == 5 && delay.interval.is_some(), "{delay:?}");
    let run: reports::Run = reports::json::from_text(&read(&out.path().join("measures.json"))).unwrap();
    assert_eq!(run.requests[0].cases[0].flows[0].objective.as_ref().unwrap().kept, Kept::Yes);
    assert!(run.unknowns.iter().any(|u| u.contains("cheapest plan breaks more promises")), "{:?}", run.unknowns);
    // An easier promise, and one host is enough.
    let easy = self::site(&[]);
    plan(easy.path(), out.path(), &["--replications", "5"]).exits(0);
    let made = models::plan::Plan::from_text(&read(&out.path().join("plan.json"))).unwrap();
    assert_eq!(made.purchases[0].hosts.len(), 1);
}

#[test]
fn a_plan_whose_delays_were_changed_does_not_pass_its_check() {
    let site = site(&[]);
    let out = tempfile::tempdir().unwrap();
    plan(site.path(), out.path(), &["--replications", "3"]).exits(0);
    assert_eq!(names(out.path()), common::FILES);
    let file = out.path().join("plan.json");
    check(&file, site.path()).exits(0);
    let mut made = models::plan::Plan::from_text(&read(&file)).unwrap();
    made.predicted_requests[0].value *= 0.5;
    std::fs::write(&file, made.to_text()).unwrap();
    let said = check(&file, site.path()).exits(1);
    assert!(said.out.contains("predicted delays"), "{}", said.out);
}

/// Nothing is as quick as 1 ms: a visit takes 50 on average.
#[test]
fn a_promise_that_no_plan_keeps_is_in_the_first_sentence_and_in_the_exit_code() {
    let site = site(&[("within_s = 5", "within_s = 0.001")]);
    let out = tempfile::tempdir().unwrap();
    let said = plan(site.path(), out.path(), &["--replications", "3"]).exits(1);
    assert!(said.out.contains("BREAKS PROMISES: not kept at request level: visits."), "{}", said.out);
    assert_eq!(names(out.path()), common::FILES, "the plan is written all the same");
    let said = simulate(site.path(), &["--requests", "--replications", "3", "--case", "ordinary"]).exits(1);
    assert!(said.out.contains("NOT KEPT"), "{}", said.out);
}

/// A visit of a minute in a run of twenty, and a promise of 5 s: who is still there is late already.
#[test]
fn a_promise_to_those_who_still_wait_is_not_kept() {
    let site = site(&[("cpu_ms = 50", "cpu_ms = 60000"), ("per_day = 3110400", "per_day = 17280"), ("limit = 1.0", "limit = 99.0")]);
    let said = simulate(site.path(), &["--requests", "--replications", "3", "--case", "ordinary", "--json"]).exits(1);
    let visits = &cases(&said)[0].flows[0];
    let promise = visits.objective.as_ref().unwrap();
    assert_eq!(promise.kept, Kept::No);
    assert!(visits.left.value > 100.0 && promise.missed.as_ref().unwrap().value > 90.0, "{promise:?}");
    let told = simulate(site.path(), &["--requests", "--replications", "3", "--case", "ordinary"]).exits(1);
    assert!(told.out.contains("work piles up"), "{}", told.out);
}

#[test]
fn a_precision_that_is_not_reached_is_told() {
    let site = site(&[]);
    let args = ["--requests", "--case", "ordinary", "--replications", "3", "--precision", "0.01"];
    let said = simulate(site.path(), &args).exits(0);
    assert!(said.out.contains("do not give the precision of 0.01 %"), "{}", said.out);
}

#[test]
fn with_one_replication_nothing_is_said_to_have_moved_or_not() {
    let site = site(&[]);
    let said = simulate(site.path(), &["--requests", "--replications", "1", "--case", "crowd"]).exits(0);
    assert!(said.out.contains("not tested") && !said.out.contains("did not move"), "{}", said.out);
}

#[test]
fn hosts_that_panic_for_a_starved_guest_are_named_by_check() {
    let said = shuyaku([OsStr::new("check"), scenario("s3-jparc").as_os_str()]).exits(0);
    for part in ["class hs22", "softlockup_panic = 1, paper:S3-7", "set it to 0", "38 guests have their disks on nfs", "read-only"] {
        assert!(said.out.contains(part), "{part}: {}", said.out);
    }
}

/// The paper's host of the IOC pool (S3-5): ten guests, by hand one after the other, about three hours; by themselves, minutes.
#[test]
fn a_lost_host_of_jparc_takes_hours_by_hand_and_minutes_by_itself() {
    let said = simulate(&scenario("s3-jparc"), &["--requests", "--replications", "1", "--json"]).exits(0);
    let longest = |name: &str| {
        let all = cases(&said);
        let case = all.iter().find(|c| c.name == name).unwrap().clone();
        case.guests.iter().map(|g| g.down.value).fold(0.0, f64::max)
    };
    // 2 min to notice and fence, 10 x 18 min, a boot of half a minute.
    assert!((longest("by-hand") - 182.5).abs() < 1.0, "{}", longest("by-hand"));
    // The law's range for the same givens (figures of the study in seconds): from boots that overlap to boots that read first. The other
    // guests' light load is not in it, so a hundredth more is let through.
    let study = shuyaku([OsStr::new("study"), scenario("s3-jparc").as_os_str(), OsStr::new("failover"), OsStr::new("--json")]).exits(0);
    let answers = study.json();
    let figures = answers[0]["figures"].as_array().unwrap();
    let figure =
        |name: &str| figures.iter().find(|f| f["name"] == name).unwrap_or_else(|| panic!("{name}: {}", study.out))["value"].clone();
    let (low, high) = (figure("automatic")["low"].as_f64().unwrap() / 60.0, figure("automatic")["high"].as_f64().unwrap() / 60.0);
    assert!((low..high * 1.01).contains(&longest("automatic")), "{} not in {low} to {high}", longest("automatic"));
    // By hand the engine boots after the hands: longer than the law by one boot, 2.5 s of reading and 30 s of CPU.
    let by_hand = figure("by hand")["value"].as_f64().unwrap() / 60.0;
    assert!((longest("by-hand") - by_hand - 32.5 / 60.0).abs() < 0.01, "{} {by_hand}", longest("by-hand"));
}
