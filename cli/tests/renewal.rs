//! Old and new hosts under one CVCF (S0-17, S0-20), and hosts from dark (S0-2): what the studies of the scenarios say, and what moves
//! when a given does.

mod common;

use std::path::Path;

use common::{Copy, scenario, shuyaku};

/// The figures of a study of a scenario, by name.
struct Studied(serde_json::Value);

impl Studied {
    fn of(folder: &Path, study: &str) -> Self {
        let said =
            shuyaku(["study".as_ref(), folder.as_os_str(), study.as_ref(), "--replications".as_ref(), "1".as_ref(), "--json".as_ref()]);
        Self(said.exits(0).json())
    }

    #[track_caller]
    fn figure(&self, name: &str) -> f64 {
        let figures = self.0[0]["figures"].as_array().unwrap();
        let it = figures.iter().find(|f| f["name"] == name).unwrap_or_else(|| panic!("no `{name}` in {:#}", self.0));
        it["value"].as_f64().or_else(|| it["value"]["value"].as_f64()).unwrap()
    }

    fn says(&self) -> String {
        self.0.to_string()
    }
}

fn with_rating(va: &str) -> Studied {
    Studied::of(Copy::with("s0-renewal", &[("rating_va = 30000", &format!("rating_va = {va}"))]).path(), "side-by-side")
}

#[test]
fn the_vm_hosts_are_renewed_in_turns_as_only_one_new_host_fits_beside_the_five_old_ones() {
    let s = Studied::of(&scenario("s0-renewal"), "side-by-side");
    // 24,000 W: 21,244 of the rest, 5 x 437 old, 344 a new one: 23,773 with one, 24,117 with two.
    assert_eq!((s.figure("new beside all old, at most"), s.figure("both kinds on at once")), (1.0, 6.0));
    for (name, kw) in [("kW before", 23.429), ("kW on the way", 23.773), ("kW after", 22.276)] {
        assert!((s.figure(name) - kw).abs() < 1e-9, "{name} {}", s.figure(name));
    }
    assert!(s.figure("live migrations") >= 29.0 && s.figure("guests stopped") == 0.0);
    // Some old host is off before the last new one boots.
    assert!(s.figure("old on at the last boot") < 5.0);
}

#[test]
fn with_room_for_all_three_the_new_hosts_boot_first() {
    // 21,244 + 2,185 + 1,032 W = 24,461 at 0.8.
    let s = with_rating("30600");
    assert_eq!(
        (s.figure("new beside all old, at most"), s.figure("both kinds on at once"), s.figure("old on at the last boot")),
        (3.0, 8.0, 5.0)
    );
    assert_eq!(s.figure("live migrations"), 29.0);
    assert!(s.says().contains("rx300-s4-vm-1 on, rx300-s4-vm-2 on, rx300-s4-vm-3 on, 2"));
}

#[test]
fn with_room_for_none_old_hosts_are_emptied_onto_each_other_first() {
    // 23,760 W: one new host would need 23,773.
    let s = with_rating("29700");
    assert_eq!(s.figure("new beside all old, at most"), 0.0);
    // Two moves empty an old host, which goes off before the first new one boots.
    assert_eq!(s.figure("first old host off: step"), 3.0, "{}", s.says());
    assert!(s.figure("live migrations") > 30.0 && s.figure("kW on the way") <= 23.76, "{}", s.says());
}

#[test]
fn where_old_hosts_are_too_full_to_make_room_it_does_not_fit_and_says_how_many_stand_side_by_side() {
    // Old hosts with 5,120 MiB for guests: vm-1 and vm-2 are full, and a spare gibibyte is left on no other either.
    let copy = Copy::changed("s0-renewal", |text| {
        text.replace("rating_va = 30000", "rating_va = 29700")
            .replace("memory_mib = [512]\nmode", "memory_mib = [530]\nmode")
            .replace("memory_mib = [1024]\nmode", "memory_mib = [2400]\nmode")
    });
    let said = shuyaku([
        "plan".as_ref(),
        copy.path().as_os_str(),
        "--replications".as_ref(),
        "1".as_ref(),
        "--out".as_ref(),
        copy.path().as_os_str(),
    ]);
    let said = said.exits(1);
    assert!(said.out.contains("DOES NOT FIT") || said.out.contains("does not fit"), "{}", said.out);
    let words: String = said.out.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(words.contains("new hosts can be on beside the 5 old ones: one more would draw"), "{}", said.out);
}

#[test]
fn fifty_hosts_from_dark_are_a_second_apart_for_their_rush_and_not_for_their_boots() {
    let s = Studied::of(&scenario("s0-maffin"), "after-the-inspection");
    let hosts = s.figure("hosts");
    assert_eq!(s.figure("peak current, all at once"), 36.0 * hosts);
    assert_eq!((s.figure("smallest delay"), s.figure("delay for the boots alone")), (1.0, 0.0));
    assert_eq!((s.figure("time, at the delay"), s.figure("time, one after the other")), (hosts - 1.0 + 180.0, 180.0 * hosts));
    assert!(s.figure("kW, at the delay") < s.figure("kW, all at once") && s.figure("kW, all at once") < 24.0);
    // A CVCF that gives enough for all needs no delay.
    let changed = |from: &str, to: &str| Studied::of(Copy::with("s0-maffin", &[(from, to)]).path(), "after-the-inspection");
    assert_eq!(changed("ups_peak_a = 112", "ups_peak_a = 1800").figure("smallest delay"), 0.0);
    assert_eq!(changed("ups_peak_a = 112", "ups_peak_a = 36").figure("smallest delay"), 1.0);
}
