//! OpenDC's own asserted result for `bitbrains-small` on nine hosts, by its scheduling and our power arithmetic.

mod common;

use clap::Parser;
use cli::args::Args;
use cli::peer::opendc::schedule;
use cli::pipeline;
use common::{scenario, shuyaku};
use scenarios::opendc::{Task, read_tasks};

/// What OpenDC's test asserts, J.
const ENERGY_J: f64 = 1.001_612_339_2e10;

#[test]
fn the_energy_of_bitbrains_on_nine_hosts_is_that_of_opendc() {
    let folder = scenario("bitbrains");
    let rows = shuyaku(["validate".as_ref(), folder.as_os_str(), "--json".as_ref()]).exits(0).json();
    let row = rows["rows"].as_array().unwrap().iter().find(|r| r["id"] == "OpenDC").expect("a row of OpenDC");
    let ours = row["ours"]["value"].as_f64().unwrap();
    assert!((ours / ENERGY_J - 1.0).abs() < 1e-6, "{ours:e} J");
    assert_eq!(row["published"].as_f64(), Some(ENERGY_J));
}

/// The tasks with their fragments.
fn tasks() -> Vec<Task> {
    let traces = scenario("bitbrains").join("traces");
    let mut tasks = read_tasks(&traces.join("opendc_bitbrains_small_tasks.parquet")).unwrap();
    scenarios::opendc::read_fragments(&traces.join("opendc_bitbrains_small_fragments.parquet"), &mut tasks).unwrap();
    tasks
}

/// Some machines find no room beside the others and wait. Task 740 takes the big host when it is free enough, 2,584,799 s
/// after the first submission: a month, so that the run lasts for two.
#[test]
fn task_740_waits_until_the_big_host_is_free() {
    let args = Args::parse_from(["shuyaku", "schema"]);
    let site = pipeline::load(&scenario("bitbrains"), &args.common).unwrap().site;
    let tasks = tasks();
    let memory: Vec<u64> = tasks.iter().map(|t| (t.mem_capacity as f64 / 1000.0).round() as u64).collect();
    let starts = schedule(&site, &tasks, &memory).expect("every task fits some host");

    let at = |id| starts[tasks.iter().position(|t| t.id == id).unwrap()];
    assert_eq!((at(740).at_ms, at(740).host.index()), (2_584_799_000, 0));
    assert_eq!(site.hosts[0].name, "big-1");

    // Nobody starts before it is submitted.
    let first = tasks.iter().map(|t| t.submission_ms).min().unwrap();
    assert!(tasks.iter().zip(&starts).all(|(t, s)| s.at_ms >= t.submission_ms - first));

    // OpenDC's idle and active time are those of nine hosts: (43,101,787,496 + 3,489,412,504) / 9 = 5,176,800,000 ms.
    let end = tasks.iter().zip(&starts).map(|(t, s)| s.at_ms + t.fragments.iter().map(|f| f.0).sum::<u64>()).max().unwrap();
    assert_eq!(end.div_ceil(300_000) * 300_000, 5_176_800_000);
}

/// Energy = 200 W x host time + 200 W x active time: 43,101,787,496 ms idle and 3,489,412,504 ms active, as OpenDC
/// counts them, are 1.0016e10 J.
#[test]
fn the_asserted_times_and_the_asserted_energy_of_opendc_agree_with_each_other() {
    let (idle_s, active_s) = (43_101_787.496, 3_489_412.504);
    let joules: f64 = 200.0 * (idle_s + active_s) + 200.0 * active_s;
    assert!((joules / ENERGY_J - 1.0).abs() < 1e-6, "{joules:e} J");
}
