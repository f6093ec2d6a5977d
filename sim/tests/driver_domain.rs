//! Virtual I/O against hand calculation: one driver domain a host, of one core at most, passes on all I/O of its guests.
//!
//! As in `engine.rs` everything is fixed: transfers begin once, at [`T`], and what is given "at k s" is k seconds after that.
//! A MB costs 0.1 s of a core unless told otherwise, and disks are so fast that they do not count.

mod common;

use common::{END, T, come, fault, fixed, play};
use models::distribution::Distribution;
use models::flow::{IoCost, Recovery, When};
use models::law::driver_domain::rates;
use models::law::queueing::{Station, mva};
use models::quantity::{BytesPerSecond, Nanos};
use models::site::{HostId, Placement};
use proptest::prelude::*;
use sim::engine::example::{arrivals, cpu, empty, flow, guest, host, tier};
use sim::engine::model::{Background, Fault, Model, On, Phase, Stage, Target};
use sim::engine::{self, Outcome};

const MB: f64 = 1e6;
/// 0.1 s of a core a MB, of disk and of network.
const EMULATED: IoCost = IoCost { disk_s_per_byte: 0.1e-6, network_s_per_byte: 0.1e-6 };
/// A tenth of that.
const PV: IoCost = IoCost { disk_s_per_byte: 0.01e-6, network_s_per_byte: 0.01e-6 };

/// Hosts of so many cores, with disks and a network that do not count.
fn hosts(cores: &[u32]) -> Model<'static> {
    let mut model = empty(END, 0.0);
    for cores in cores {
        let h = host(&mut model, *cores) as usize;
        (model.hosts[h].disk_bytes_per_s, model.hosts[h].network_bytes_per_s) = (10_u64.pow(15), 10_u64.pow(15));
    }
    model
}

/// A guest on a host that moves so many MB at 0 s, in one transfer; answers its flow.
fn mover(model: &mut Model<'_>, host: u32, io: IoCost, on: On, mb: f64) -> u32 {
    let g = guest(model, host, 1);
    model.guests[g as usize].io = io;
    let t = tier(model, &[g], None, None);
    let phases = vec![Phase { on, work: fixed(mb * MB) }];
    let f = flow(model, vec![Stage { tier: Some(t), phases, then: vec![], copies: fixed(1.0) }]);
    come(model, f, 0.0, 1);
    f
}

/// A guest that computes for so long from 0 s on; answers its flow.
fn hog(model: &mut Model<'_>, host: u32, seconds: f64) -> u32 {
    let g = guest(model, host, 1);
    let t = tier(model, &[g], None, None);
    let f = flow(model, vec![cpu(t, fixed(seconds), vec![])]);
    come(model, f, 0.0, 1);
    f
}

/// How long the only job of each flow took, s.
fn took(outcome: &Outcome) -> Vec<f64> {
    outcome.flows.iter().map(|f| f.area as f64 / 1e9).collect()
}
#[track_caller]
fn are(took: &[f64], expected: &[f64]) {
    assert!(took.len() == expected.len() && took.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-5), "{took:?}, not {expected:?}");
}

#[test]
fn one_guest_alone_moves_bytes_as_fast_as_a_core_passes_them_on() {
    // 100 MB at 0.1 s a MB: 10 s, of disk or of network, on one core or on eight.
    for (cores, on) in [(1, On::Disk), (8, On::Disk), (1, On::Network)] {
        let mut model = hosts(&[cores]);
        mover(&mut model, 0, EMULATED, on, 100.0);
        let outcome = play(&model);
        are(&took(&outcome), &[10.0]);
        // The work is done on the host's CPU, and not by the guest.
        assert!((outcome.hosts[0].busy * f64::from(cores) * END - 10.0).abs() < 1e-6);
        assert_eq!(outcome.guests[0].given_khz_s, 0.0);
    }
}

#[test]
fn a_disk_behind_it_takes_its_own_time() {
    // The law: 0.1 s a MB and 100 MB/s are 1 / 0.11 MB/s: 11 s for 100 MB.
    let mut model = hosts(&[1]);
    model.hosts[0].disk_bytes_per_s = 100_000_000;
    mover(&mut model, 0, EMULATED, On::Disk, 100.0);
    let law = rates(EMULATED.disk_s_per_byte, 1.0, BytesPerSecond::new(100e6).unwrap()).unwrap();
    are(&took(&play(&model)), &[100.0 * MB / law.alone.get()]);
    // So does shared storage.
    model.others.push(sim::engine::model::Other { name: "nfs".into(), per_s: 10_000_000, at_once: u32::MAX, windows: None });
    model.guests[0].storage = Some(0);
    are(&took(&play(&model)), &[20.0]);
}

#[test]
fn two_guests_queue_behind_one_another_and_on_two_hosts_they_do_not() {
    let mut model = hosts(&[8]);
    mover(&mut model, 0, EMULATED, On::Disk, 100.0);
    mover(&mut model, 0, EMULATED, On::Network, 100.0);
    are(&took(&play(&model)), &[20.0, 20.0]);
    let mut model = hosts(&[8, 8]);
    mover(&mut model, 0, EMULATED, On::Disk, 100.0);
    mover(&mut model, 1, EMULATED, On::Disk, 100.0);
    are(&took(&play(&model)), &[10.0, 10.0]);
}

#[test]
fn paravirtual_drivers_are_cheaper_for_the_guest_and_for_its_neighbours() {
    let mut model = hosts(&[8]);
    mover(&mut model, 0, PV, On::Disk, 100.0);
    are(&took(&play(&model)), &[1.0]);
    // Beside an emulated one: 1 s of work at half a core, then the other's 9 s.
    mover(&mut model, 0, EMULATED, On::Disk, 100.0);
    are(&took(&play(&model)), &[2.0, 11.0]);
    // A workload on the metal passes nothing on.
    model.guests[1].io = IoCost::default();
    let t = took(&play(&model));
    assert!((t[0] - 1.0).abs() < 1e-5 && t[1] < 1e-5, "{t:?}");
}

#[test]
fn a_loaded_host_slows_the_driver_domain_and_so_everybodys_io() {
    // One core, a guest that computes: half of it is left for I/O: 10 s of work take 20 s. The guest, which has 30 s of work, has
    // lost those 10.
    let mut model = hosts(&[1]);
    mover(&mut model, 0, EMULATED, On::Disk, 100.0);
    hog(&mut model, 0, 30.0);
    are(&took(&play(&model)), &[20.0, 40.0]);
    // Three times its weight: three quarters of the core.
    model.driver_weight = 3;
    are(&took(&play(&model)), &[10.0 / 0.75, 40.0]);
    // A core for each: nobody is in the way of anybody.
    let mut model = hosts(&[2]);
    mover(&mut model, 0, EMULATED, On::Disk, 100.0);
    hog(&mut model, 0, 30.0);
    are(&took(&play(&model)), &[10.0, 30.0]);
    // Ten that compute on two cores: of 2 x 1/11 of a core, by the law for this share.
    let mut model = hosts(&[2]);
    mover(&mut model, 0, EMULATED, On::Disk, 10.0);
    for _ in 0..10 {
        hog(&mut model, 0, 100.0);
    }
    let law = rates(EMULATED.disk_s_per_byte, 2.0 / 11.0, BytesPerSecond::new(1e15).unwrap()).unwrap();
    assert!((took(&play(&model))[0] - 10.0 * MB / law.alone.get()).abs() < 1e-5);
}

#[test]
fn boots_go_through_it_too() {
    // Four guests boot at once, 1 GB each at 0.02 s a MB: 80 s of one core. All four are passed on by then, and the disk of
    // 100 MB/s has 4 GB: 40 s; then 30 s on a core each, after 30 s until they are started.
    let cost = IoCost { disk_s_per_byte: 0.02e-6, network_s_per_byte: 0.0 };
    let boots = |io: IoCost| {
        let mut model = hosts(&[8, 8]);
        model.hosts[1].disk_bytes_per_s = 100_000_000;
        for _ in 0..4 {
            let g = guest(&mut model, 0, 1);
            model.guests[g as usize].io = io;
        }
        let s = Nanos::seconds;
        model.recovery = Some(Recovery {
            detect: s(10),
            fence: s(20),
            by_hand: None,
            boots_at_once: 4,
            boot_cpu: s(30),
            boot_disk_bytes: 1e9,
            read_only_after: None,
            panics_after: None,
        });
        fault(&mut model, Target::Hosts(vec![0]), 0.0, None);
        let outcome = play(&model);
        let up = outcome.log.iter().filter(|l| l.what.contains("up again on h2"));
        up.map(|l| l.at.as_seconds() - T as f64).collect::<Vec<_>>()
    };
    are(&boots(IoCost::default()), &[100.0; 4]);
    are(&boots(cost), &[180.0; 4]);
}

#[test]
fn what_is_passed_on_for_a_guest_dies_with_it_and_leaves_the_core_to_others() {
    // Two of 10 s of work; at 6 s each has had 3 of it and the first dies: 7 s more.
    let mut model = hosts(&[1]);
    mover(&mut model, 0, EMULATED, On::Disk, 100.0);
    mover(&mut model, 0, EMULATED, On::Disk, 100.0);
    fault(&mut model, Target::Guest(0), 6.0, None);
    let outcome = play(&model);
    are(&took(&outcome), &[6.0, 13.0]);
    assert_eq!((outcome.flows[0].lost, outcome.flows[1].served), (1, 1));
    // A job that lost its server begins its transfer anew on the next.
    model.flows[0].retry = vec![Nanos::seconds(20)];
    let h = host(&mut model, 1);
    model.hosts[h as usize].disk_bytes_per_s = 10_u64.pow(15);
    let other = guest(&mut model, h, 1);
    model.guests[other as usize].io = EMULATED;
    model.tiers[0].guests.push(other);
    model.tiers[0].balance = models::flow::Balance::ActiveStandby;
    model.recovery = None;
    let outcome = play(&model);
    // Where nobody notices, it comes back to the dead one: lost.
    assert_eq!((outcome.flows[0].lost, outcome.flows[0].retried), (1, 1));
    model.recovery = Some(Recovery {
        detect: Nanos::seconds(1),
        fence: Nanos::ZERO,
        by_hand: Some(Nanos::seconds(5000)),
        boots_at_once: 1,
        boot_cpu: Nanos::ZERO,
        boot_disk_bytes: 0.0,
        read_only_after: None,
        panics_after: None,
    });
    are(&took(&play(&model)), &[36.0, 13.0]);
}

#[test]
fn columns_go_through_it_first_and_leave_with_their_guest() {
    // The columns of one guest move 5 MB/s: half of the driver domain's core, so another's 100 MB take 20 s.
    let guests = (0..2).map(|i| models::example::guest(&format!("g{i}"), 1, 100)).collect();
    let site = models::example::site(models::example::class("c", 2, 1000.0, 8000), 1, guests);
    let mut demand = models::example::steady(&[0.0, 0.0], 12);
    demand.guests[0].disk_kbs = vec![3000; 12];
    demand.guests[0].net_kbs = vec![2000; 12];
    let placement = Placement { on: vec![true], host_of: vec![Some(HostId(0)); 2] };
    let mut model = hosts(&[2]);
    model.lasts = Nanos::seconds(1800);
    let g = guest(&mut model, 0, 1);
    model.guests[g as usize].io = EMULATED;
    mover(&mut model, 0, EMULATED, On::Disk, 100.0);
    model.columns = Some(Background { site: &site, placement: &placement, demand: &demand });
    let outcome = play(&model);
    are(&took(&outcome), &[20.0]);
    // 0.5 s a second over 1800 s and 10 s, of two cores.
    assert!((outcome.hosts[0].busy - (900.0 + 10.0) / 3600.0).abs() < 1e-9, "{}", outcome.hosts[0].busy);
    // It stops at 10 s: 5 s of work are left, alone.
    fault(&mut model, Target::Guest(0), 10.0, None);
    are(&took(&play(&model)), &[15.0]);
}

#[test]
fn where_no_io_costs_anything_there_is_no_driver_domain() {
    let mut model = hosts(&[1, 2]);
    mover(&mut model, 0, IoCost::default(), On::Disk, 100.0);
    mover(&mut model, 1, IoCost::default(), On::Network, 100.0);
    hog(&mut model, 0, 3.0);
    let plain = play(&model);
    model.driver_weight = 7;
    assert_eq!(format!("{:?}", play(&model)), format!("{plain:?}"));
}

#[test]
fn clients_that_move_bytes_all_the_time_get_what_two_stations_in_a_row_give() {
    // Twenty clients who do nothing else: MVA over 0.02 s of the driver domain and 0.01 s of disk for a MB. Sizes are the same at
    // both, which changes nothing under processor sharing.
    let cost = IoCost { disk_s_per_byte: 0.02e-6, network_s_per_byte: 0.0 };
    for clients in [1, 3, 20] {
        let mut model = hosts(&[1]);
        model.lasts = Nanos::seconds(4000);
        model.hosts[0].disk_bytes_per_s = 100_000_000;
        let g = guest(&mut model, 0, 1);
        model.guests[g as usize].io = cost;
        let t = tier(&mut model, &[g], None, None);
        let phases = vec![Phase { on: On::Disk, work: Distribution::exponential(MB) }];
        let f = flow(&mut model, vec![Stage { tier: Some(t), phases, then: vec![], copies: fixed(1.0) }]);
        model.flows[f as usize].clients = Some((clients, fixed(0.0)));
        let law = mva(&[Station::Queueing(0.02), Station::Queueing(0.01)], clients).unwrap().throughput;
        let ours = play(&model).flows[0].served as f64 / 4000.0;
        assert!((ours / law - 1.0).abs() < 0.02, "{clients}: {ours} {law}");
        // Alone and together, the laws' two ends.
        let ends = rates(0.02e-6, 1.0, BytesPerSecond::new(100e6).unwrap()).unwrap();
        assert!((0.98 * ends.alone.get()..1.02 * ends.together.get()).contains(&(ours * MB)));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    /// Whatever is passed on for whom, and whoever dies amid it: all laws of conservation hold at every event.
    #[test]
    fn nothing_is_lost_between_driver_domain_and_device(
        seed in 0u64..1000,
        guests in prop::collection::vec((0u32..2, 0.0f64..0.2, 0.0f64..0.2, 0u32..2), 1..6),
        dies in 0u32..6,
        loses in 0u32..3,
        weight in 1u64..4,
    ) {
        let mut model = hosts(&[1, 2]);
        model.lasts = Nanos::seconds(300);
        model.driver_weight = weight;
        model.audit_every = 1;
        for h in 0..2 {
            (model.hosts[h].disk_bytes_per_s, model.hosts[h].network_bytes_per_s) = (20_000_000, 10_000_000);
        }
        for (h, disk, network, slots) in &guests {
            let g = guest(&mut model, *h, 1);
            model.guests[g as usize].io = IoCost { disk_s_per_byte: disk * 1e-6, network_s_per_byte: network * 1e-6 };
            let t = tier(&mut model, &[g], (*slots > 0).then_some(*slots), Some(5));
            let phase = |on, mean| Phase { on, work: Distribution::exponential(mean) };
            let phases = vec![phase(On::Network, MB), phase(On::Cpu, 0.1 * 1e6), phase(On::Disk, 2.0 * MB)];
            let f = flow(&mut model, vec![Stage { tier: Some(t), phases, then: vec![(0.3, 0)], copies: fixed(1.0) }]);
            model.flows[f as usize].retry = vec![Nanos::seconds(7); 2];
            arrivals(&mut model, f, sim::engine::example::poisson(1.0));
        }
        model.recovery = Some(Recovery {
            detect: Nanos::seconds(3),
            fence: Nanos::seconds(2),
            by_hand: None,
            boots_at_once: 2,
            boot_cpu: Nanos::seconds(1),
            boot_disk_bytes: 3e6,
            read_only_after: None,
            panics_after: None,
        });
        let at = |s: u64, lasts: Option<u64>| When::At { at: Nanos::seconds(s), lasts: lasts.map(Nanos::seconds) };
        if (dies as usize) < guests.len() {
            model.faults.push(Fault { name: "guest".into(), target: Target::Guest(dies), when: at(60, None) });
        }
        if loses < 2 {
            model.faults.push(Fault { name: "host".into(), target: Target::Hosts(vec![loses]), when: at(120, Some(40)) });
        }
        model.faults.push(Fault { name: "net".into(), target: Target::Network, when: at(200, Some(10)) });
        let outcome = engine::run(&model, seed, 0);
        prop_assert!(outcome.is_ok(), "{:?}", outcome.err());
    }
}
