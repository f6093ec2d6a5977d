//! One given changed in a shipped scenario: the figure moves as physics says, and what has nothing to do with it stays.

mod common;

use common::{Copy, shuyaku};

/// Which way a figure goes.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Goes {
    Up,
    Down,
    Nowhere,
}
use Goes::{Down, Nowhere, Up};

/// The text of site.toml with another value for a key: the first of that name after `name = "TABLE"`.
fn with_key(site: &str, table: &str, key: &str, value: &str) -> String {
    let start = site.find(&format!("\nname = \"{table}\"\n")).unwrap_or_else(|| panic!("no table is named {table}"));
    let at = start + site[start..].find(&format!("\n{key} = ")).unwrap_or_else(|| panic!("{table} has no {key}")) + 1;
    let end = at + site[at..].find('\n').unwrap();
    format!("{}{key} = {value}{}", &site[..at], &site[end..])
}

/// The values of a study's figures.
fn figure(folder: &std::path::Path, study: &str, figure: &str) -> f64 {
    let answers = shuyaku(["study".as_ref(), folder.as_os_str(), study.as_ref(), "--json".as_ref()]).exits(0).json();
    let figures = answers[0]["figures"].as_array().unwrap();
    let found = figures.iter().find(|f| f["name"] == figure).unwrap_or_else(|| panic!("{study} has no figure {figure}"));
    found["value"]["value"].as_f64().unwrap()
}

/// A change of one key in a table of a scenario, and what it does to figures of a study.
#[track_caller]
fn moves(scenario: &str, table: &str, key: &str, value: &str, study: &str, what: &[(&str, Goes)]) {
    let before = Copy::of(scenario);
    let after = Copy::changed(scenario, |site| with_key(&site, table, key, value));
    for (name, goes) in what {
        let (a, b) = (figure(before.path(), study, name), figure(after.path(), study, name));
        let went = if b > a * (1.0 + 1e-9) + 1e-12 {
            Up
        } else if b < a * (1.0 - 1e-9) - 1e-12 {
            Down
        } else {
            Nowhere
        };
        assert_eq!(went, *goes, "{scenario}: {table}.{key} = {value}: `{name}` of {study} goes from {a} to {b}");
    }
}

#[test]
fn more_memory_installed_makes_a_total_surer_and_leaves_the_mean() {
    moves(
        "s1-spring8",
        "sizing-by-the-mean",
        "installed_mib",
        "36864",
        "sizing-by-the-mean",
        &[("chance of not fitting", Down), ("mean of a guest", Nowhere), ("enough in 99 of 100", Nowhere)],
    );
}

#[test]
fn guests_are_back_later_with_slower_boots_and_by_hand_that_changes_little() {
    let what = [("automatic", Up), ("automatic, all at once", Up), ("boots that nothing slows", Nowhere)];
    moves("s1-spring8", "lost-host", "boot_cpu_s", "90", "lost-host", &what);
    moves("s1-spring8", "lost-host", "boots_at_once", "8", "lost-host", &[("automatic", Down), ("by hand", Nowhere)]);
    moves("s1-spring8", "lost-host", "by_hand_s", "600", "lost-host", &[("by hand", Down), ("automatic", Nowhere)]);
    moves("s3-jparc", "failover", "guests", "20", "failover", &[("automatic", Up), ("by hand", Up)]);
}

#[test]
fn a_longer_watch_without_more_failures_means_fewer_minutes_a_year() {
    let what = [("failures of a host", Down), ("by hand: last guest", Down), ("outage of nfs", Nowhere)];
    moves("s3-jparc", "pools", "observed_host_years", "40", "pools", &what);
}

#[test]
fn a_longer_slice_lengthens_the_gap_and_still_does_not_reach_the_watchdog() {
    let what = [("gap, all runnable", Up), ("watchdog", Nowhere), ("share beyond the watchdog", Nowhere)];
    moves("s3-jparc", "starved", "slice_ms", "30", "starved", &what);
}

#[test]
fn a_faster_port_helps_many_nodes_and_not_a_chain_that_waits_for_unpacking() {
    let what = [("61.3 MB, 1000 nodes", Down), ("unpacking", Nowhere)];
    moves("s2-images", "transfer", "port_bytes_per_s", "1170e6", "transfer", &what);
}

#[test]
fn more_nodes_take_longer_by_nfs_and_a_faster_boot_helps_every_way() {
    let what = [("ready after, by nfs", Up), ("ready after, by chain", Up), ("ready after, by multicast", Nowhere)];
    moves("s2-images", "thousand-nodes", "nodes", "2000", "thousand-nodes", &what);
    let what = [("ready after, by nfs", Down), ("ready after, by chain", Down), ("image on all after", Nowhere)];
    moves("s2-images", "thousand-nodes", "boot_cpu_s", "3", "thousand-nodes", &what);
    // The server's link is what NFS waits for: the nodes' own links change nothing.
    moves("s2-images", "thousand-nodes", "node_bytes_per_s", "1170e6", "thousand-nodes", &[("ready after, by nfs", Nowhere)]);
    moves("s2-images", "thousand-nodes", "server_bytes_per_s", "234e6", "thousand-nodes", &[("ready after, by nfs", Down)]);
}

#[test]
fn longer_tasks_feel_delay_less_and_a_wider_window_takes_it_away() {
    let slow = ("far task slower at 100 ms", Down);
    moves(
        "s4-wide",
        "docking-over-delay",
        "task_s",
        "{ value = 120, low = 10, high = 600 }",
        "docking-over-delay",
        &[slow, ("rounds", Nowhere)],
    );
    moves("s4-wide", "docking-over-delay", "window_bytes", "262144", "docking-over-delay", &[slow, ("job without delay", Nowhere)]);
    moves("s4-wide", "docking-over-delay", "round_trips", "12", "docking-over-delay", &[("far task slower at 100 ms", Up)]);
}

#[test]
fn twice_the_memory_takes_longer_to_move_alone_and_together() {
    let what = [("longest alone", Up), ("longest together", Up), ("bandwidth", Nowhere)];
    moves("simgrid-migration", "two-at-once", "memory_bytes", "[2000e6, 1000e6]", "two-at-once", &what);
}

#[test]
fn users_who_ask_for_more_need_more_nodes_and_fewer_guests() {
    let what = [("share of users who outgrow a guest", Up), ("physical nodes", Up), ("guests at a time", Down)];
    moves("s0-maffin", "login-nodes", "mean_cores", "0.8", "login-nodes", &what);
    moves(
        "s0-maffin",
        "login-nodes",
        "guest_memory_mib",
        "1024",
        "login-nodes",
        &[("hosts for the guests", Up), ("physical nodes", Nowhere)],
    );
}

#[test]
fn half_the_wire_halves_what_the_benchmark_can_reach() {
    let after = Copy::changed("s1-spring8", |site| with_key(&site, "busy-windows", "link_bytes_per_s", "62.5e6"));
    let before = Copy::of("s1-spring8");
    let of = |c: &Copy| figure(c.path(), "busy-windows", "native");
    assert!((of(&after) / of(&before) - 0.5).abs() < 1e-9);
}
