//! A site file and its trace, written from what was seen: what is measured stands, what cannot be measured comes from the base or is
//! refused by name, and whatever is written is read again.

mod common;

use std::path::Path;

use common::Folder;
use models::observation::{Anomaly, Earlier, Guest, Hardware, Host, HostState, KnownFrom, Observation, Sample, VERSION};
use models::quantity::MiB;
use models::site::Mode;
use proptest::prelude::*;
use scenarios::Scenario;
use scenarios::observed::{CannotWrite, TRACE, Written, write};

const BASE: &str = include_str!("common/base.toml");

fn host(name: &str) -> Host {
    Host {
        name: name.into(),
        class: "small".into(),
        domains: vec!["rack-1".into()],
        pools: vec!["vm".into()],
        guest_memory_mib: 1024,
        state: HostState::On,
        hardware: Some(Hardware { sockets: 1, cores: 4, threads_per_core: 2, core_mhz: 1990, memory_mib: 4096 }),
    }
}

fn guest(name: &str, runs_on: &str) -> Guest {
    let sample = |cores| Some(Sample { cores, net_bytes_per_s: 1000.0, disk_bytes_per_s: 0.0 });
    Guest {
        name: name.into(),
        uuid: Some(format!("uuid of {name}")),
        memory_mib: Some(64),
        vcpus: Some(1),
        known_from: KnownFrom::Host { host: runs_on.into() },
        runs_on: Some(runs_on.into()),
        state: "running".into(),
        defined_on: vec![runs_on.into()],
        autostart_on: Vec::new(),
        in_inventory: false,
        dirty_mib_per_s: None,
        samples: vec![sample(0.5), sample(0.25)],
        earlier: None,
    }
}

/// Known, and running nowhere.
fn idle(name: &str) -> Guest {
    Guest { runs_on: None, state: "shut off".into(), samples: Vec::new(), ..guest(name, "h1") }
}

fn observation() -> Observation {
    Observation {
        version: VERSION,
        site: "three".into(),
        begun_unix_ns: 1_700_000_000_000_000_000,
        every_s: 5,
        ends_unix_ns: vec![1_700_000_005_000_000_000, 1_700_000_010_000_000_000],
        hosts: vec![host("h1"), host("h2"), host("h3")],
        guests: vec![guest("db", "h1"), guest("web-1", "h2")],
        anomalies: Vec::new(),
    }
}

fn seen(change: impl FnOnce(&mut Observation)) -> Observation {
    let mut it = observation();
    change(&mut it);
    it
}

fn with(seen: &Observation, base: &str) -> Result<Written, CannotWrite> {
    write(seen, Some((Path::new("base.toml"), base)))
}

/// Writes what was seen and reads it again.
#[track_caller]
fn read_again(seen: &Observation, base: &str) -> (Scenario, Written) {
    let written = with(seen, base).unwrap_or_else(|e| panic!("{e}"));
    let folder = Folder::empty();
    folder.write("site.toml", written.site_toml.as_bytes());
    if let Some(csv) = &written.trace_csv {
        folder.write(TRACE, csv.as_bytes());
    }
    let scenario = folder.load().unwrap_or_else(|e| panic!("{e}\n{}", written.site_toml));
    (scenario, written)
}

/// The base with one place changed.
#[track_caller]
fn base(from: &str, to: &str) -> String {
    assert_eq!(BASE.matches(from).count(), 1, "`{from}` is not once in the base");
    BASE.replace(from, to)
}

#[track_caller]
fn refused(seen: &Observation, base: &str) -> String {
    with(seen, base).expect_err("this should not be written").to_string()
}

#[test]
fn what_was_seen_is_read_again_as_it_was_seen() {
    let (scenario, written) = read_again(&observation(), BASE);
    let site = &scenario.site;
    assert_eq!(written.notes, [""; 0]);
    assert_eq!((site.name.as_str(), site.title.as_str()), ("three", "three small hosts"));
    assert_eq!(site.hosts.iter().map(|h| h.name.as_str()).collect::<Vec<_>>(), ["h1", "h2", "h3"]);
    let today = site.today.as_ref().unwrap();
    assert_eq!(today.on, [true; 3]);
    let names: Vec<(&str, &str)> =
        site.guests.iter().zip(&today.host_of).map(|(g, h)| (g.name.as_str(), site.hosts[h.unwrap().index()].name.as_str())).collect();
    assert_eq!(names, [("db", "h1"), ("web-1", "h2")]);
    let class = &site.classes[0];
    assert_eq!((class.sockets, class.cores, class.threads_per_core, class.memory), (1, 4, 2, MiB(4096)));
    // The inventory leaves 1024 MiB to guests.
    assert_eq!(class.guest_memory(), MiB(1024));
    assert_eq!((scenario.grid.steps, scenario.grid.step.0), (2, 5_000_000_000));
    // Half a core of 2000 MHz, then a quarter.
    let demand = &scenario.loads[0].kind;
    assert!(
        matches!(demand, models::demand::LoadKind::RecordedCpu { columns_khz, .. } if *columns_khz == [[1_000_000, 500_000]; 2]),
        "{demand:?}"
    );
    assert_eq!(site.guests[1].service.map(|s| site.services[s.index()].name.as_str()), Some("web"));
    assert!(site.unknowns.contains(&"the cooling".to_owned()), "{:?}", site.unknowns);
    assert!(site.unknowns.iter().any(|u| u.contains("a recording of 10 s from 2023-11-14T22:13:20Z")), "{:?}", site.unknowns);
}

#[test]
fn every_number_says_who_says_so() {
    let (scenario, written) = read_again(&observation(), BASE);
    let of = |place: &str, key: &str| {
        let found = scenario.site.givens.iter().find(|g| g.place == place && g.key == key);
        found.unwrap_or_else(|| panic!("no {key} of {place}: {:#?}", scenario.site.givens)).source.to_string()
    };
    let at = "2023-11-14T22:13:20Z";
    assert_eq!(of("class small", "cores"), format!("measured:libvirt on h1, h2, h3 at {at}"));
    assert_eq!(of("class small", "hypervisor_mib"), "assumed:the inventory leaves 1024 MiB to guests");
    assert_eq!(of("class small", "power_w"), "assumed:a small server");
    assert_eq!(of("guest db", "memory_mib"), format!("measured:libvirt on h1 at {at}"));
    // Comments of the base stay, and words of it say their own source.
    assert!(written.site_toml.contains("# Watts at the plug of one of them."), "{}", written.site_toml);
    assert!(written.site_toml.contains("service = \"assumed:by its name\""), "{}", written.site_toml);
}

#[test]
fn the_same_observation_gives_the_same_bytes() {
    assert_eq!(with(&observation(), BASE).unwrap(), with(&observation(), BASE).unwrap());
    let csv = with(&observation(), BASE).unwrap().trace_csv.unwrap();
    assert_eq!(csv, "until,db,web-1\n2023-11-14T22:13:25Z,1000.000,1000.000\n2023-11-14T22:13:30Z,500.000,500.000\n");
}

#[test]
fn without_a_base_every_table_that_is_missing_is_named_with_the_reason() {
    let said = write(&observation(), None).unwrap_err().to_string();
    for part in [
        "in the inventory, as `base`",
        "[prices]: ",
        "[rules]: ",
        "[[class]] small (of h1, h2, h3): ",
        "power_w",
        "[[domain]] rack-1: ",
        "[[pool]] vm: ",
    ] {
        assert!(said.contains(part), "{part}: {said}");
    }
}

#[test]
fn a_key_of_a_class_that_cannot_be_measured_is_never_made_up() {
    for (line, key) in [
        ("power_w = [100.0, 150.0, 200.0]\n", "power_w"),
        ("power_factor = [0.95]\n", "power_factor"),
        ("nameplate_va = 300\n", "nameplate_va"),
        ("nameplate_w = 285\n", "nameplate_w"),
        ("network_bytes_per_s = 125e6\n", "network_bytes_per_s"),
        ("disk_bytes_per_s = 60e6\n", "disk_bytes_per_s"),
        ("maintenance_yen_per_year = 10_000\n", "maintenance_yen_per_year"),
        ("source = \"assumed:a small server\"\n", "source"),
    ] {
        let said = refused(&observation(), &base(line, ""));
        assert!(said.contains("Write what is missing in base.toml") && said.contains(&format!("- class small: key `{key}`")), "{said}");
        assert_eq!(said.matches("\n- ").count(), 1, "{said}");
    }
}

#[test]
fn a_clock_that_neither_base_nor_hosts_tell_is_refused_and_one_that_hosts_tell_is_taken() {
    let without = base("core_mhz = 2000\n", "");
    assert_eq!(read_again(&observation(), &without).0.site.classes[0].core_mhz.get(), 1990.0);
    let silent = seen(|o| o.hosts.iter_mut().for_each(|h| h.hardware.as_mut().unwrap().core_mhz = 0));
    assert!(refused(&silent, &without).contains("class small: key `core_mhz`: its hosts do not tell"));
    // The clock of the moment does not overrule the base, and is said where it is far off.
    let slow = seen(|o| o.hosts[0].hardware.as_mut().unwrap().core_mhz = 800);
    let (scenario, written) = read_again(&slow, BASE);
    assert_eq!(scenario.site.classes[0].core_mhz.get(), 2000.0);
    assert_eq!(
        written.notes,
        ["class small: key `core_mhz` is 2000 in the base, and hosts tell 800 of the moment: the base's is planned with"]
    );
}

#[test]
fn what_is_measured_of_a_class_stands_against_the_base_and_is_said() {
    let bold = base("core_mhz = 2000\n", "core_mhz = 2000\ncores = 64\nmemory_mib = 65_536\n");
    let (scenario, written) = read_again(&observation(), &bold);
    assert_eq!((scenario.site.classes[0].cores, scenario.site.classes[0].memory), (4, MiB(4096)));
    assert_eq!(
        written.notes,
        [
            "class small: key `cores` is 64 in the base and 4 as measured: 4 is planned with",
            "class small: key `memory_mib` is 65536 in the base and 4096 as measured: 4096 is planned with",
        ]
    );
    // Hosts of a class are planned as its least.
    let mixed = seen(|o| o.hosts[1].hardware.as_mut().unwrap().cores = 2);
    let (scenario, written) = read_again(&mixed, BASE);
    assert_eq!(scenario.site.classes[0].cores, 2);
    assert_eq!(written.notes, ["hosts of class small have `cores` from 2 to 4: all are planned as 2"]);
}

#[test]
fn guests_are_never_given_memory_that_is_not_there() {
    let small = seen(|o| o.hosts[2].hardware.as_mut().unwrap().memory_mib = 900);
    assert!(
        refused(&small, BASE)
            .contains("class small: key `hypervisor_mib`: the inventory leaves 1024 MiB to guests, and there are only 900")
    );
    let (scenario, written) = read_again(&small, &base("core_mhz = 2000\n", "core_mhz = 2000\nhypervisor_mib = 200\n"));
    assert_eq!(scenario.site.classes[0].guest_memory(), MiB(700));
    assert!(written.notes.iter().any(|n| n.contains("guests are planned with 700")), "{:?}", written.notes);
    let unlike = seen(|o| o.hosts[1].guest_memory_mib = 512);
    assert!(refused(&unlike, BASE).contains("a class for h2 and one for h3"));
}

#[test]
fn hosts_that_do_not_answer_are_off_only_where_somebody_says_so() {
    let dark = |state: HostState| seen(|o| (o.hosts[2].state, o.hosts[2].hardware) = (state, None));
    for (state, on) in [(HostState::Off, false), (HostState::Fenced, false), (HostState::Silent { why: "no route".into() }, true)] {
        assert_eq!(read_again(&dark(state), BASE).0.site.today.unwrap().on, [true, true, on]);
    }
    let fenced = with(&dark(HostState::Fenced), BASE).unwrap();
    assert_eq!(fenced.notes, ["host h3 is fenced and stays off: plan with `--lost h3`, or the plan may boot it"]);
    // A class none of whose hosts answers is the base's word.
    let all_dark = seen(|o| o.hosts.iter_mut().for_each(|h| (h.state, h.hardware) = (HostState::Off, None)));
    let all_dark = Observation { guests: vec![Guest { in_inventory: true, ..idle("db") }], ..all_dark };
    let said = refused(&all_dark, BASE);
    assert!(said.contains("key `cores`: no host of the class answers") && said.contains("key `memory_mib`"), "{said}");
    let full = base("core_mhz = 2000\n", "core_mhz = 2000\nsockets = 1\ncores = 4\nmemory_mib = 4096\n");
    assert_eq!(read_again(&all_dark, &full).0.site.classes[0].guest_memory(), MiB(1024));
}

#[test]
fn hosts_that_are_on_are_on_even_where_no_guest_runs() {
    let quiet = seen(|o| o.guests = vec![Guest { in_inventory: true, ..idle("db") }]);
    let (scenario, written) = read_again(&quiet, BASE);
    let today = scenario.site.today.unwrap();
    assert_eq!((today.on, today.host_of), (vec![true; 3], vec![None]));
    assert_eq!(written.trace_csv, None);
    assert_eq!(written.notes, ["no load of guest db is known: it is planned as if it asked for none"]);
}

#[test]
fn a_guest_that_is_shut_off_is_written_only_where_somebody_wants_it() {
    let names = |guest: Guest| -> Vec<String> {
        let (scenario, _) = read_again(&seen(|o| o.guests.push(guest)), BASE);
        scenario.site.guests.iter().map(|g| g.name.clone()).filter(|n| n != "db" && n != "web-1").collect()
    };
    assert_eq!(names(idle("old")), [""; 0]);
    assert_eq!(names(Guest { in_inventory: true, ..idle("old") }), ["old"]);
    assert_eq!(names(Guest { autostart_on: vec!["h1".into()], ..idle("old") }), ["old"]);
    assert_eq!(names(Guest { state: "crashed".into(), ..idle("old") }), ["old"]);
    assert_eq!(names(idle("web-2")), ["web-2"]);
    let written = with(&seen(|o| o.guests.push(idle("old"))), BASE).unwrap();
    assert!(written.notes.iter().any(|n| n.starts_with("guest old is shut off, and neither the inventory nor the base names it")));
}

#[test]
fn a_more_special_entry_of_the_base_overrides_a_less_special_one_and_nothing_measured() {
    let more = format!(
        "{BASE}\n[[guest]]\nname = \"web-1\"\nmode = \"paravirtual\"\nmemory_mib = 9\non_loss = \"accept\"\nsource = \"assumed:this one\"\n\
         [[guest]]\nname = \"mail\"\nsource = \"assumed:was here\"\n"
    );
    let (scenario, written) = read_again(&observation(), &more);
    let of = |name: &str| &scenario.site.guests[scenario.site.guest_named(name).unwrap().index()];
    assert_eq!((of("web-1").mode, of("web-1").memory, of("db").mode), (Mode::Paravirtual, MiB(64), Mode::FullPvDrivers));
    assert!(of("web-1").service.is_some());
    assert_eq!(
        written.notes,
        [
            "guest mail is in the base alone: no host that answers shows it and the inventory does not name it, so that it is left out",
            "guest web-1: key `memory_mib` is 9 in the base and 64 as seen: 64 is planned with",
        ]
    );
    // A mode that nobody gives is an assumption, and says so.
    let without = base("mode = \"full-pv-drivers\"\n", "");
    assert!(with(&observation(), &without).unwrap().site_toml.contains("mode = \"assumed:libvirt does not tell"));
}

#[test]
fn what_only_hosts_can_say_is_refused_in_a_base_where_it_stands() {
    for (text, key, line) in [
        ("name = \"x\"\n", "name", 1),
        ("[horizon]\nstep_s = 1\n", "horizon", 1),
        ("[[host]]\nname = \"h1\"\n", "host", 1),
        ("[[load.constant]]\nname = \"x\"\n", "load", 1),
        ("[[guest]]\nname = \"a\"\ncount = 2\nsource = \"assumed:x\"\n", "guest.a.count", 3),
        ("[[guest]]\nname = \"a\"\nruns_on = \"h1\"\nsource = \"assumed:x\"\n", "guest.a.runs_on", 3),
        ("[[guest]]\nname = \"a\"\ngroup = \"g-{pair}\"\nsource = \"assumed:x\"\n", "guest.a.group", 3),
        ("[[guest]]\nname = \"a\"\n[[guest]]\nname = \"b\"\nsource = \"assumed:x\"\n", "guest.a", 1),
        ("[[guest]]\nname = \"a b\"\nsource = \"assumed:x\"\n", "guest.a b.name", 2),
        ("[[guest]]\nname = \"a\"\nsource = \"assumed:x\"\n[[guest]]\nname = \"a\"\nsource = \"assumed:x\"\n", "guest.a.name", 5),
        ("[[guest]]\nsource = \"assumed:x\"\n", "guest[0]", 1),
        ("title = 3\n", "title", 1),
        ("unknowns = [3]\n", "unknowns", 1),
        ("class = [{ name = \"small\" }]\n", "class", 1),
    ] {
        let Err(CannotWrite::File(e)) = with(&observation(), text) else { panic!("{text}") };
        assert_eq!((e.key.as_deref(), e.line, e.file.as_path()), (Some(key), Some(line), Path::new("base.toml")), "{text}: {e}");
    }
    let Err(CannotWrite::File(e)) = with(&observation(), "[rules\n") else { panic!() };
    assert!(e.message.contains("this is not TOML") && e.line == Some(1), "{e}");
}

#[test]
fn what_does_not_go_together_is_refused_with_the_text_that_would_be_written() {
    for (from, to, says) in [
        ("service = \"web\"\n", "service = \"wbe\"\n", "wbe"),
        ("pue = 1.5\n", "pue = 1.5\ncolour = 3\n", "there is no key `colour`"),
        ("service = \"web\"\n", "pinned = \"h1\"\n", "is pinned to `h1`"),
    ] {
        let Err(CannotWrite::File(e)) = with(&observation(), &base(from, to)) else { panic!("{to}") };
        assert!(e.to_string().contains(says) && e.to_string().contains("would be written from what was seen and from base.toml"), "{e}");
    }
}

#[test]
fn names_that_a_site_file_cannot_hold_are_refused_and_no_text_breaks_out_of_its_place() {
    let odd = seen(|o| o.guests[0].name = "a\"\n[rules]".into());
    assert!(refused(&odd, BASE).contains("another name for guest `a\\\"\\n[rules]`"));
    let what = "a \"quoted\" \\ thing\n[[guest]]\u{1b}".to_owned();
    let loud = seen(|o| o.anomalies = vec![Anomaly { forbids_plan: false, what: what.clone() }]);
    assert!(read_again(&loud, BASE).0.site.unknowns.contains(&what));
}

#[test]
fn an_interval_that_a_running_guest_was_not_measured_in_is_left_out_for_all() {
    let (scenario, written) = read_again(&seen(|o| o.guests[1].samples[0] = None), BASE);
    assert_eq!(written.trace_csv.unwrap(), "until,db,web-1\n2023-11-14T22:13:30Z,500.000,500.000\n");
    assert_eq!(scenario.grid.steps, 1);
    assert_eq!(written.notes, ["1 of 2 intervals are left out of the trace: a running guest could not be measured in them"]);
    let never = seen(|o| o.guests[1].samples = vec![None, None]);
    assert!(refused(&never, BASE).contains("an interval in which every running guest was measured"));
}

#[test]
fn what_was_sent_and_read_is_a_load_of_its_mean() {
    let mut it = observation();
    it.guests[0].samples[0].as_mut().unwrap().disk_bytes_per_s = 300.0;
    let (scenario, _) = read_again(&it, BASE);
    let rates: Vec<(f64, f64)> = scenario
        .loads
        .iter()
        .filter_map(|l| match &l.kind {
            models::demand::LoadKind::Constant { net_bytes_per_s, disk_bytes_per_s, .. } => Some((*net_bytes_per_s, *disk_bytes_per_s)),
            _ => None,
        })
        .collect();
    assert_eq!(rates, [(1000.0, 150.0), (1000.0, 0.0)]);
}

#[test]
fn a_dirty_rate_that_was_measured_is_written_with_all_memory_as_its_working_set_unless_the_base_knows_better() {
    let it = seen(|o| o.guests[1].dirty_mib_per_s = Some(3));
    let dirties = |base: &str| {
        let (scenario, written) = read_again(&it, base);
        let d = scenario.site.guests[1].dirties.unwrap();
        (d.bytes_per_s.value, d.working_set, written.notes.len())
    };
    assert_eq!(dirties(BASE), (3.0 * 1_048_576.0, MiB(64), 0));
    assert_eq!(dirties(&base("service = \"web\"\n", "service = \"web\"\nworking_set_mib = 16\n")), (3.0 * 1_048_576.0, MiB(16), 0));
    assert_eq!(dirties(&base("service = \"web\"\n", "service = \"web\"\nworking_set_mib = 65\n")), (3.0 * 1_048_576.0, MiB(64), 1));
}

#[test]
fn a_guest_of_which_nobody_knows_the_memory_is_refused_and_an_earlier_recording_knows_it() {
    let unseen = Guest { in_inventory: true, memory_mib: None, vcpus: None, known_from: KnownFrom::Inventory, ..idle("mail") };
    let said = refused(&seen(|o| o.guests.push(unseen.clone())), BASE);
    assert!(
        said.contains("guest mail: key `memory_mib`") && said.contains("guest mail: key `vcpus`") && said.contains("--before"),
        "{said}"
    );
    let told = format!("{BASE}\n[[guest]]\nname = \"mail\"\nvcpus = 1\nmemory_mib = 32\nsource = \"assumed:as set up\"\n");
    assert_eq!(read_again(&seen(|o| o.guests.push(unseen.clone())), &told).0.site.guests[2].memory, MiB(32));

    let most = Some(Sample { cores: 0.5, net_bytes_per_s: 7.0, disk_bytes_per_s: 8.0 });
    let earlier = Some(Earlier { unix_ns: 1_699_999_999_000_000_000, host: "h3".into(), most, dirty_mib_per_s: Some(2) });
    let known = Guest { memory_mib: Some(48), vcpus: Some(2), known_from: KnownFrom::Earlier, earlier, ..unseen };
    let (scenario, written) = read_again(&seen(|o| o.guests.push(known)), BASE);
    let mail = &scenario.site.guests[2];
    assert_eq!((mail.memory, mail.vcpus, mail.dirties.map(|d| d.working_set)), (MiB(48), 2, Some(MiB(48))));
    assert_eq!(scenario.site.today.unwrap().host_of[2], None);
    // It is planned with the most that it used then: half a core of 2000 MHz.
    let load = scenario.loads.iter().find(|l| l.name == "earlier-1").unwrap();
    assert!(matches!(&load.kind, models::demand::LoadKind::Constant { cpu, .. } if cpu.get() == 1000.0), "{load:?}");
    assert!(written.site_toml.contains("measured:libvirt on h3 at 2023-11-14T22:13:19Z; seen nowhere at 2023-11-14T22:13:20Z"));
}

proptest! {
    /// Whatever is seen, what is written is read again with every guest that runs where it runs.
    #[test]
    fn whatever_is_seen_is_read_again(
        guests in proptest::collection::vec((0_usize..3, 1_u64..65, 1_u32..4, proptest::option::of(0_u64..100), proptest::collection::vec(0.0_f64..4.0, 3)), 1..20),
        off in proptest::bool::ANY,
    ) {
        let mut it = observation();
        it.ends_unix_ns = vec![1_700_000_005_000_000_000, 1_700_000_010_000_000_000, 1_700_000_015_000_000_000];
        it.guests = guests.iter().enumerate().map(|(n, (h, memory, vcpus, dirty, cores))| Guest {
            memory_mib: Some(*memory),
            vcpus: Some(*vcpus),
            dirty_mib_per_s: *dirty,
            samples: cores.iter().map(|c| Some(Sample { cores: *c, net_bytes_per_s: c * 10.0, disk_bytes_per_s: 0.0 })).collect(),
            ..guest(&format!("g{n}"), ["h1", "h2", "h3"][*h])
        }).collect();
        if off {
            it.hosts.push(Host { state: HostState::Off, hardware: None, ..host("h4") });
        }
        let (scenario, _) = read_again(&it, BASE);
        let site = &scenario.site;
        let today = site.today.as_ref().unwrap();
        prop_assert_eq!(today.hosts_on(), 3);
        for (n, (h, memory, vcpus, _, _)) in guests.iter().enumerate() {
            prop_assert_eq!(today.host_of[n].unwrap().index(), *h);
            prop_assert_eq!((site.guests[n].memory, site.guests[n].vcpus), (MiB(*memory), *vcpus));
        }
        prop_assert_eq!(scenario.grid.steps, 3);
    }
}
