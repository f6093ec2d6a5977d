//! The engine under faults: whatever fails, the laws of conservation hold, and what can end does end; and the smallest cases of what
//! once did not.

use std::sync::Arc;

use models::distribution::Distribution;
use models::flow::{Balance, Full, Recovery, When};
use models::quantity::Nanos;
use proptest::prelude::*;
use proptest::test_runner::RngSeed;
use sim::engine::arrivals::Arrivals;
use sim::engine::example::{self, CORE_KHZ, Discipline};
use sim::engine::model::{Fault, On, Other, Phase, Stage, Target};
use sim::engine::{self, Model, Outcome};

const ONE: Distribution = Distribution::fixed(1.0);

fn play(model: &Model<'_>) -> Outcome {
    engine::run(model, 1, 0).unwrap()
}

/// So many jobs a second for so many seconds.
fn jobs(per_s: f64, seconds: usize) -> Arrivals {
    Arrivals::Counts { counts: Arc::new(vec![per_s; seconds]), step: Nanos::seconds(1), times: 1.0 }
}

/// One job every ten seconds.
fn one_in_ten() -> Arrivals {
    Arrivals::Renewal { gap_s: Distribution::fixed(10.0), batch: ONE }
}

fn fails(model: &mut Model<'_>, target: Target, at_s: u64, lasts_s: u64) {
    let when = When::At { at: Nanos::seconds(at_s), lasts: Some(Nanos::seconds(lasts_s)) };
    model.faults.push(Fault { name: format!("fault {}", model.faults.len()), target, when });
}

/// Noticed after 2 s, fenced after one more; a boot is a second of one core and half a second of disk.
fn recovery() -> Recovery {
    Recovery {
        detect: Nanos::seconds(2),
        fence: Nanos::seconds(1),
        by_hand: None,
        boots_at_once: 2,
        boot_cpu: Nanos::seconds(1),
        boot_disk_bytes: 5e7,
        read_only_after: Some(Nanos::seconds(3)),
        panics_after: Some(Nanos::seconds(4)),
    }
}

#[test]
fn a_job_that_comes_back_to_its_own_only_slot_is_served_again() {
    // Two stages of a second each on the same tier of one slot: each job is there for two seconds.
    for full in [Full::Refuse, Full::Wait] {
        for queue in [None, Some(0), Some(1)] {
            let mut model = example::empty(95.0, 0.0);
            let t = example::station(&mut model, 1, Discipline::Fcfs);
            (model.tiers[t as usize].full, model.tiers[t as usize].queue) = (full, queue);
            let f = example::flow(&mut model, vec![example::cpu(t, ONE, vec![(1.0, 1)]), example::cpu(t, ONE, Vec::new())]);
            example::arrivals(&mut model, f, one_in_ten());
            let tally = &play(&model).flows[0];
            assert_eq!((tally.served, tally.lost, tally.delays.mean()), (9, 0, Some(2.0)), "{full:?} {queue:?}");
        }
    }
}

#[test]
fn who_comes_back_to_his_only_slot_goes_behind_those_who_wait() {
    // Two jobs at once, two stages of a second: A1 B1 A2 B2, so that A is there for three seconds and B for four.
    let mut model = example::empty(15.0, 0.0);
    let t = example::station(&mut model, 1, Discipline::Fcfs);
    let f = example::flow(&mut model, vec![example::cpu(t, ONE, vec![(1.0, 1)]), example::cpu(t, ONE, Vec::new())]);
    example::arrivals(&mut model, f, Arrivals::Renewal { gap_s: Distribution::fixed(10.0), batch: Distribution::fixed(2.0) });
    let tally = &play(&model).flows[0];
    assert_eq!((tally.served, tally.delays.mean(), tally.delays.max()), (2, Some(3.5), Some(Nanos::seconds(4))));
}

#[test]
fn a_source_that_falls_silent_for_ever_ends() {
    // It leaves its one lively state at a rate of 1 a second and never comes back.
    let mut model = example::single(1, Discipline::Fcfs, 1.0, Distribution::exponential(0.1), 1000.0, 0.0);
    model.generators[0].arrivals = Arrivals::Modulated { per_s: [5.0, 0.0], change_per_s: [1.0, 0.0] };
    assert!(play(&model).flows[0].arrived < 200);
}

#[test]
fn the_work_of_a_guest_that_stops_leaves_the_links_too() {
    // A transfer of 5 s begins at 10 s; the guest stops at 12 s, and the job is lost with it. The next, at 20 s, finds no guest.
    let mut model = example::empty(29.0, 0.0);
    model.others.push(Other { name: "link".into(), per_s: 1000, at_once: 1, windows: None });
    let t = example::station(&mut model, 1, Discipline::Sharing);
    let mut stage = example::cpu(t, ONE, Vec::new());
    stage.phases = vec![Phase { on: On::Other(0), work: Distribution::fixed(5000.0) }];
    let f = example::flow(&mut model, vec![stage]);
    // Another flow has the link to itself from 12 s on: 1000 bytes from 13 s are there at 14 s.
    let delay = Phase { on: On::Delay, work: Distribution::fixed(3.0) };
    let transfer = Phase { on: On::Other(0), work: Distribution::fixed(1000.0) };
    let other = example::flow(&mut model, vec![Stage { tier: None, phases: vec![delay, transfer], then: Vec::new(), copies: ONE }]);
    example::arrivals(&mut model, f, one_in_ten());
    example::arrivals(&mut model, other, one_in_ten());
    fails(&mut model, Target::Guest(0), 12, 100);
    let outcome = play(&model);
    assert_eq!((outcome.flows[0].served, outcome.flows[0].lost), (0, 2));
    assert_eq!(outcome.flows[1].delays.max(), Some(Nanos::seconds(4)));
}

#[test]
fn a_fault_of_a_guest_that_is_nowhere_changes_nothing() {
    let mut model = example::empty(100.0, 0.0);
    let h = example::host(&mut model, 1);
    let g = example::guest(&mut model, h, 1);
    model.guests[g as usize].host = None;
    model.recovery = Some(recovery());
    fails(&mut model, Target::Guest(g), 10, 10);
    assert_eq!(play(&model).guests[0].host, None);
}

#[test]
fn a_guest_whose_disks_came_back_read_only_is_up_again_after_its_restart() {
    // The network is away from 10 to 20 s, longer than 3 s: from then on the guest is of no use. Noticed at 22 s, it boots: half a
    // second of disk, one of CPU.
    let mut model = example::empty(100.0, 0.0);
    let h = example::host(&mut model, 1);
    let g = example::guest(&mut model, h, 1);
    model.guests[g as usize].mounts = true;
    model.recovery = Some(recovery());
    fails(&mut model, Target::Network, 10, 10);
    let outcome = play(&model);
    assert_eq!((outcome.guests[0].outages, outcome.guests[0].down), (1, Nanos::millis(3500)), "{:?}", outcome.log);
}

#[test]
fn a_guest_whose_stall_took_its_host_down_boots_with_it() {
    // Stalled from 10 s on, the host's kernel panics at 14 s; noticed, fenced and booted 2 + 1 + 120 s later, then the guest: 1.5 s.
    let mut model = example::empty(200.0, 0.0);
    let h = example::host(&mut model, 1);
    let g = example::guest(&mut model, h, 1);
    model.recovery = Some(recovery());
    fails(&mut model, Target::Stall(g), 10, 10);
    let outcome = play(&model);
    assert_eq!((outcome.guests[0].outages, outcome.guests[0].down), (1, Nanos::millis(124_500)), "{:?}", outcome.log);
}

/// A site of one to three hosts, its tiers and flows, arrivals for a minute, and faults that all end.
fn any_site() -> impl Strategy<Value = Model<'static>> {
    let balance = || prop_oneof![Just(Balance::RoundRobin), Just(Balance::FewestJobs), Just(Balance::Random), Just(Balance::ActiveStandby)];
    let full = || prop_oneof![Just(Full::Refuse), Just(Full::Retry), Just(Full::Wait)];
    (1usize..4, 1usize..4).prop_flat_map(move |(hosts, tiers)| {
        let guest = (0..hosts as u32, 1u32..4, 0..tiers as u32, any::<bool>(), any::<bool>());
        // Tier, seconds of work, which resources, share that goes on.
        let stage = (0..tiers as u32, 0.05f64..0.5, 0u8..32, 0.3f64..1.0);
        (
            prop::collection::vec(1u32..4, hosts),
            prop::collection::vec(guest, tiers..tiers + 4),
            prop::collection::vec((prop::option::of(1u32..4), prop::option::of(0u32..4), balance(), full()), tiers),
            prop::collection::vec((0.5f64..4.0, prop::collection::vec(stage, 1..4)), 1..4),
            prop::collection::vec((0u8..6, 5u64..50, 1u64..15, any::<u32>()), 0..6),
            (any::<bool>(), any::<bool>(), any::<bool>(), any::<bool>()),
        )
            .prop_map(|(hosts, guests, tiers, flows, faults, (by_hand, read_only, panics, windows))| {
                let mut model = example::empty(10_000.0, 5.0);
                for cores in &hosts {
                    let h = example::host(&mut model, *cores);
                    model.hosts[h as usize].boot = Nanos::seconds(3);
                }
                let windows = windows.then_some((Nanos::seconds(3), Nanos::seconds(20), Nanos::seconds(9)));
                model.others.push(Other { name: "store".into(), per_s: 50_000_000, at_once: 4, windows });
                for (host, vcpus, _, stored, mounts) in &guests {
                    let g = example::guest(&mut model, *host, *vcpus) as usize;
                    let guest = &mut model.guests[g];
                    (guest.storage, guest.mounts, guest.restarts, guest.overhead) = (stored.then_some(0), *mounts, *mounts, 0.05);
                }
                for (t, (slots, queue, balance, full)) in tiers.iter().enumerate() {
                    let of = |(g, it): (usize, &(u32, u32, u32, bool, bool))| (g == t || it.2 == t as u32).then_some(g as u32);
                    let members: Vec<u32> = guests.iter().enumerate().filter_map(of).collect();
                    let i = example::tier(&mut model, &members, *slots, *queue) as usize;
                    (model.tiers[i].balance, model.tiers[i].full) = (*balance, *full);
                }
                for (per_s, mut stages) in flows {
                    // In one direction, or those who keep their place until there is room might wait for each other.
                    stages.sort_by_key(|s| s.0);
                    let last = stages.len() - 1;
                    let of = |(i, (tier, work, on, on_share)): (usize, (u32, f64, u8, f64))| {
                        let mut phases = vec![Phase { on: On::Cpu, work: Distribution::exponential(work * CORE_KHZ as f64) }];
                        let more = [(1, On::Disk, 2e7), (2, On::Network, 2e7), (4, On::Other(0), 1e7), (8, On::Delay, 1.0)];
                        for (bit, on_what, units) in more {
                            if on & bit != 0 {
                                phases.push(Phase { on: on_what, work: Distribution::exponential(work * units) });
                            }
                        }
                        let then = if i < last { vec![(on_share, i as u32 + 1)] } else { Vec::new() };
                        let copies = Distribution::fixed(if on & 16 != 0 { 2.0 } else { 1.0 });
                        Stage { tier: Some(tier), phases, then, copies }
                    };
                    let stages = stages.into_iter().enumerate().map(of).collect();
                    let f = example::flow(&mut model, stages);
                    model.flows[f as usize].retry = vec![Nanos::millis(500), Nanos::seconds(2)];
                    example::arrivals(&mut model, f, jobs(per_s, 60));
                }
                for (kind, at_s, lasts_s, which) in faults {
                    let guest = which % guests.len() as u32;
                    let target = match kind {
                        0 => Target::Hosts(vec![which % hosts.len() as u32]),
                        1 => Target::Mains { battery: Nanos::seconds(4) },
                        2 => Target::Disks(vec![guest]),
                        3 => Target::Network,
                        4 => Target::Guest(guest),
                        _ => Target::Stall(guest),
                    };
                    fails(&mut model, target, at_s, lasts_s);
                }
                let mut after = recovery();
                after.by_hand = by_hand.then_some(Nanos::seconds(2));
                after.read_only_after = after.read_only_after.filter(|_| read_only);
                after.panics_after = after.panics_after.filter(|_| panics);
                model.recovery = Some(after);
                model
            })
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, rng_seed: RngSeed::Fixed(20_262), failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whatever_fails_for_a_while_all_jobs_are_served_or_lost_in_the_end(model in any_site(), seed: u64) {
        // The audits within the run say that no job, work or memory is lost from the books.
        let outcome = engine::run(&model, seed, 0).unwrap();
        prop_assert!(outcome.stopped.is_none());
        for (tally, flow) in outcome.flows.iter().zip(&model.flows) {
            prop_assert_eq!(tally.present, 0, "{}", flow.name);
            prop_assert_eq!(tally.arrived + tally.copied, tally.served + tally.lost);
        }
        for (guest, told) in outcome.guests.iter().zip(&model.guests) {
            prop_assert!(guest.down < Nanos::seconds(300), "{} is down for {}", told.name, guest.down);
        }
    }
}
