//! Experiments: the same bytes for any number of threads, the same luck in every case.

use models::demand::{Load, LoadKind, Split, UnitCost};
use models::distribution::{Distribution, Shape};
use models::flow::{
    Balance, Burst, Case, Fault, FaultId, Flow, FlowId, Full, HypervisorCosts, Objective, Recovery, Requests, Source, Stage, Target, Tier,
    TierId, VirtualIo, When,
};
use models::quantity::{Mhz, Nanos};
use models::site::{GuestId, HostId, Placement, Site};
use sim::engine::prepare::Setting;
use sim::experiment::{Effort, Findings, play};
use sim::load::Grid;

fn site() -> (Site, Placement) {
    let guests = ["a", "b", "c"].map(|name| models::example::guest(name, 2, 1000)).to_vec();
    let site = models::example::site(models::example::class("c", 4, 1000.0, 8000), 2, guests);
    (site, Placement { on: vec![true; 2], host_of: [0, 1, 1].map(|h| Some(HostId(h))).to_vec() })
}

/// A flow of mail of about 2 a second, 0.2 s of CPU each, on two guests; another guest has columns alone.
fn loads() -> Vec<Load> {
    let cost = UnitCost { cpu_ms: 200.0, at: Mhz::new(1000.0).unwrap(), net_bytes: 10_000.0, disk_bytes: 100_000.0 };
    let load = |name: &str, guests: &[u32], kind| Load {
        name: name.into(),
        guests: guests.iter().map(|g| GuestId(*g)).collect(),
        split: Split::Even,
        kind,
        growth_per_year: 0.0,
    };
    let mail = LoadKind::Mail { per_day: 172_800.0, hours: vec![1.0; 24], days: vec![1.0; 7], cost };
    let steady = LoadKind::Constant { cpu: Mhz::new(500.0).unwrap(), net_bytes_per_s: 1000.0, disk_bytes_per_s: 1000.0 };
    vec![load("mail", &[0, 1], mail.clone()), load("more mail", &[0, 1], mail), load("rest", &[2], steady)]
}

fn case(name: &str) -> Case {
    Case {
        name: name.into(),
        title: name.into(),
        faults: vec![],
        bursts: vec![],
        shared: vec![],
        against: None,
        window: None,
        columns_only: false,
        automatic: false,
    }
}

fn requests() -> Requests {
    let flow = |name: &str, load: usize| Flow {
        name: name.into(),
        title: name.into(),
        arrivals: Source::Load(load),
        stages: vec![Stage {
            name: "serve".into(),
            tier: Some(TierId(0)),
            cost: Some(load),
            cpu_shape: Shape::Exponential,
            bytes_shape: Shape::Exponential,
            delay_s: Some(Distribution::exponential(0.1)),
            then: vec![],
            copies: Distribution::fixed(1.0),
        }],
        objective: Some(Objective { percentile: 95.0, within: Nanos::seconds(5) }),
        retry: vec![Nanos::seconds(1); 3],
    };
    let s = Nanos::seconds;
    Requests {
        from: s(3600),
        lasts: s(1800),
        judged_from: s(3600),
        judged_lasts: s(600),
        bin: s(300),
        population_cap: 100_000,
        hypervisor: HypervisorCosts {
            paravirtual: 0.05,
            full: 0.3,
            full_pv_drivers: 0.1,
            slice: Nanos::millis(30),
            virtual_io: VirtualIo::default(),
        },
        recovery: Recovery {
            detect: s(10),
            fence: s(20),
            by_hand: None,
            boots_at_once: 2,
            boot_cpu: s(20),
            boot_disk_bytes: 1e9,
            read_only_after: Some(s(30)),
            panics_after: Some(s(60)),
        },
        tiers: vec![Tier {
            name: "mx".into(),
            guests: vec![GuestId(0), GuestId(1)],
            balance: Balance::Random,
            slots: Some(20),
            queue: Some(100),
            full: Full::Retry,
        }],
        flows: vec![flow("mail", 0), flow("more mail", 1)],
        faults: vec![Fault { name: "h1".into(), target: Target::Host("h1".into()), when: When::At { at: s(4000), lasts: Some(s(300)) } }],
        cases: vec![
            case("nothing"),
            Case { faults: vec![FaultId(0)], ..case("h1 fails") },
            Case {
                bursts: vec![Burst { flow: FlowId(0), start: s(4000), ramp: s(60), plateau: s(120), decay: s(60), peak_per_s: 3.0 }],
                ..case("burst")
            },
            Case { against: Some(1), ..case("held against a fault") },
            Case { columns_only: true, faults: vec![FaultId(0)], ..case("columns") },
        ],
    }
}

fn experiment(requests: &Requests, cases: &[&str], effort: Effort) -> Findings {
    let ((site, placement), loads) = (site(), loads());
    let grid = Grid { step: Nanos::seconds(300), steps: 48, year: 1 };
    let setting = Setting { site: &site, placement: &placement, loads: &loads, grid, requests, case: None, window: None };
    let cases: Vec<Case> = requests.cases.iter().filter(|c| cases.contains(&c.name.as_str())).cloned().collect();
    play(&setting, &cases, "as is", effort).unwrap()
}

const EFFORT: Effort = Effort { seed: 3, replications: 4, precision: None };

#[test]
fn no_number_of_threads_shows() {
    let requests = requests();
    let of = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| format!("{:?}", experiment(&requests, &["nothing", "h1 fails", "burst", "columns"], EFFORT)))
    };
    let one = of(1);
    assert!(one == of(2) && one == of(7));
}

#[test]
fn the_ordinary_course_is_the_same_with_cases_and_without() {
    let requests = requests();
    let alone = experiment(&requests, &[], EFFORT);
    let with = experiment(&requests, &["h1 fails", "burst"], EFFORT);
    assert_eq!((alone.cases.len(), with.cases.len()), (1, 3));
    assert_eq!(alone.cases[0], with.cases[0]);
    // A case that is held against another brings it along.
    let names: Vec<String> = experiment(&requests, &["held against a fault"], EFFORT).cases.into_iter().map(|c| c.name).collect();
    assert_eq!(names, ["ordinary", "h1 fails", "held against a fault"]);
}

#[test]
fn without_a_difference_all_differences_are_zero() {
    let found = experiment(&requests(), &["nothing"], EFFORT);
    assert_eq!(found.cases[1].comparisons.len(), 2);
    for c in &found.cases[1].comparisons {
        assert_eq!((c.difference.value, c.difference.interval, c.moved), (0.0, Some((0.0, 0.0)), false));
    }
    let (ordinary, nothing) = (&found.cases[0], &found.cases[1]);
    assert_eq!((&ordinary.flows, &ordinary.power), (&nothing.flows, &nothing.power));
}

#[test]
fn a_fault_is_seen_by_jobs_guests_and_power_alike() {
    let found = experiment(&requests(), &["h1 fails", "columns"], EFFORT);
    let (ordinary, fails, columns) = (&found.cases[0], &found.cases[1], &found.cases[2]);
    // Down from 4000 to 4300 s, then 120 s of boot: 7 min.
    assert_eq!(fails.hosts[0].down.value, 7.0);
    assert!(fails.flows[0].retried.value > 0.0 && ordinary.flows[0].retried.value == 0.0);
    assert!(fails.power[3].value < ordinary.power[3].value);
    assert!(fails.comparisons[0].difference.value > 0.0);
    // With columns alone too, hosts are busy and go down: 1.5 GHz h of 4 cores, half of it by the one that is up all along.
    assert_eq!(columns.hosts[0].down.value, 7.0);
    assert!(columns.hosts[1].busy.value > 10.0, "{}", columns.hosts[1].busy.value);
    assert!(columns.flows.is_empty());
}

#[test]
fn all_that_arrives_in_the_bins_is_all_that_arrives() {
    let found = experiment(&requests(), &["burst"], EFFORT);
    for case in &found.cases {
        for flow in &case.flows {
            let sum = |of: fn(&sim::experiment::FlowPoint) -> f64| flow.series.iter().map(of).sum::<f64>();
            assert!((sum(|p| p.arrived) - flow.arrived.value).abs() < 1e-9);
            assert!((sum(|p| p.served) - flow.served.value).abs() < 1e-9);
            assert_eq!((flow.series.len(), flow.series[0].hour), (6, 1.0));
        }
    }
    // The burst's integral: 3/s x (30 + 120 + 60) = 630 in each of four replications, give or take 4 x sqrt(630 / 4) = 50.
    let more = found.cases[1].flows[0].arrived.value - found.cases[0].flows[0].arrived.value;
    assert!((more - 630.0).abs() < 50.0, "{more}");
    assert_eq!(found.cases[1].flows[1].arrived, found.cases[0].flows[1].arrived);
}

#[test]
fn replications_go_on_until_the_percentile_is_known_well_enough() {
    let mut requests = requests();
    requests.lasts = Nanos::seconds(300);
    let loose = experiment(&requests, &[], Effort { precision: Some(0.5), replications: 200, seed: 1 });
    assert_eq!(loose.cases[0].replications, 40);
    let never = experiment(&requests, &[], Effort { precision: Some(1e-9), replications: 50, seed: 1 });
    assert_eq!(never.cases[0].replications, 50);
}
