//! `[requests.virtual_io]`: what passing on I/O costs; what is read, and what is refused.

mod common;

use common::Folder;
use models::flow::{IoCost, IoRange, VirtualIo};

const TABLE: &str = "[requests.virtual_io]
full = { disk_s_per_mb = 0.1, network_s_per_mb = 0.05 }
full-pv-drivers = { disk_s_per_mb = { value = 0.01, low = 0.005, high = 0.02 } }
weight = 2
source = \"proxy:another machine\"

[requests.recovery]";

/// Changes, the key that the error names, and what it says.
type Wrong<'a> = (&'a [(&'a str, &'a str)], &'a str, &'a str);

fn folder(changes: &[(&str, &str)]) -> Folder {
    let table = changes.iter().fold(TABLE.to_owned(), |text, (from, to)| {
        assert_eq!(text.matches(from).count(), 1, "`{from}`");
        text.replace(from, to)
    });
    Folder::with_requests(&[("[requests.recovery]", &table)])
}

#[test]
fn a_cost_a_mb_is_read_as_a_cost_a_byte() {
    let scenario = folder(&[]).load().unwrap();
    let is = |disk: f64, network: f64| IoCost { disk_s_per_byte: disk / 1e6, network_s_per_byte: network / 1e6 };
    let ranged = IoRange { value: is(0.01, 0.0), low: is(0.005, 0.0), high: is(0.02, 0.0) };
    let expected = VirtualIo { paravirtual: IoRange::default(), full: IoRange::exactly(is(0.1, 0.05)), full_pv_drivers: ranged, weight: 2 };
    let read = scenario.requests.unwrap().hypervisor.virtual_io;
    assert_eq!(read, expected);
    assert_eq!(read.at(|r| r.high).full_pv_drivers, IoRange::exactly(is(0.02, 0.0)));
    let given = |key: &str| {
        let found = scenario.site.givens.iter().find(|g| g.place == "requests virtual_io" && g.key == key).unwrap();
        (found.value.clone(), found.source.to_string())
    };
    assert_eq!(given("full"), ("disk_s_per_mb 0.1, network_s_per_mb 0.05".into(), "proxy:another machine".into()));
    assert_eq!(given("weight").0, "2");
}

#[test]
fn where_the_table_is_absent_nothing_costs_anything() {
    let scenario = Folder::with_requests(&[]).load().unwrap();
    assert_eq!(scenario.requests.unwrap().hypervisor.virtual_io, VirtualIo::default());
}

#[test]
fn what_is_wrong_is_refused_where_it_stands() {
    let wrong: [Wrong<'_>; 7] = [
        (
            &[("disk_s_per_mb = 0.1, ", "disk_s_per_mb = -0.1, ")],
            "requests.virtual_io.full.disk_s_per_mb",
            "-0.1 is not a number that is finite",
        ),
        (
            &[("disk_s_per_mb = { value = 0.01, low = 0.005, high = 0.02 }", "disk_s_per_mb = 0.0")],
            "requests.virtual_io.full-pv-drivers",
            "costs nothing here",
        ),
        (&[("low = 0.005", "low = 0.05")], "requests.virtual_io.full-pv-drivers.disk_s_per_mb", "low 0.05 <= value 0.01"),
        (&[("weight = 2", "weight = 0")], "requests.virtual_io.weight", "0 is not a count"),
        (&[("full = {", "emulated = {")], "requests.virtual_io.emulated", "emulated"),
        (&[("source = \"proxy:another machine\"", "")], "requests.virtual_io.source", "source"),
        (
            &[
                ("full = { disk_s_per_mb = 0.1, network_s_per_mb = 0.05 }\n", ""),
                ("full-pv-drivers = { disk_s_per_mb = { value = 0.01, low = 0.005, high = 0.02 } }\n", ""),
            ],
            "requests.virtual_io",
            "nobody's I/O costs anything",
        ),
    ];
    for (changes, key, says) in wrong {
        let error = folder(changes).load().unwrap_err();
        assert_eq!(error.key.as_deref(), Some(key), "{error}");
        assert!(error.to_string().contains(says) && error.line.is_some(), "{error}");
    }
}
