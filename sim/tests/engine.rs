//! The engine against hand calculation: what tiers, links, columns and faults do to jobs, second by second.
//!
//! Steady states are proved elsewhere; here everything is fixed, so that each instant can be worked out. Arrivals come once, at
//! [`T`]; what is given "at k s" is k seconds after that.

mod common;

use common::{END, T, come, fault, fixed, play};
use models::demand::Demand;
use models::distribution::{Distribution, Shape};
use models::flow::{Balance, Full, Recovery, When};
use models::law::restart::{ByHand, Restart, Sharing};
use models::quantity::{BytesPerSecond, Nanos};
use models::site::{HostId, Placement, Site};
use proptest::prelude::*;
use sim::engine::arrivals::{Arrivals, Rate};
use sim::engine::example::{self, CORE_KHZ, Discipline, arrivals, cpu, delay, empty, flow, guest, host, station, tier};
use sim::engine::model::{Background, Fault, Model, On, Other, Phase, Stage, Target};
use sim::engine::{self, Outcome};

const S: u128 = 1_000_000_000;

const fn s(seconds: u64) -> Nanos {
    Nanos::seconds(seconds)
}
/// Detection 10 s, fencing 20 s, a boot of 30 s on a core, one at a time.
const RECOVERY: Recovery = Recovery {
    detect: s(10),
    fence: s(20),
    by_hand: None,
    boots_at_once: 1,
    boot_cpu: s(30),
    boot_disk_bytes: 0.0,
    read_only_after: None,
    panics_after: None,
};
/// Seconds of a whole number of ns, to 10 ns: a phase of a byte or a cycle takes no longer.
fn near(ns: u128, seconds: u128) -> bool {
    ns.abs_diff(seconds * S) <= 1_000
}
fn when(outcome: &Outcome, what: &str) -> Vec<f64> {
    outcome.log.iter().filter(|l| l.what.contains(what)).map(|l| l.at.as_seconds() - T as f64).collect()
}
/// One core, one job at a time, work of so many seconds; so many jobs at 0 s.
fn queue_of(jobs: u32, work_s: f64, slots: Option<u32>, queue: Option<u32>) -> Model<'static> {
    let mut model = empty(END, 0.0);
    let h = host(&mut model, 1);
    let g = guest(&mut model, h, 1);
    let t = tier(&mut model, &[g], slots, queue);
    let f = flow(&mut model, vec![cpu(t, fixed(work_s), vec![])]);
    come(&mut model, f, 0.0, jobs);
    model
}

// Tiers.

#[test]
fn a_full_queue_refuses() {
    // Three at once, a slot and a place: the third is lost; the others end at 1 and 2 s.
    let outcome = play(&queue_of(3, 1.0, Some(1), Some(1)));
    let f = &outcome.flows[0];
    assert_eq!((f.served, f.lost, f.retried, f.area), (2, 1, 0, 3 * S));
}

#[test]
fn a_job_is_tried_again_by_the_schedule_and_then_lost() {
    // The second of two finds no room at 0, 1 and 3 s, and is lost at 3; the first is served at 10.
    let mut model = queue_of(2, 10.0, Some(1), Some(0));
    model.tiers[0].full = Full::Retry;
    model.flows[0].retry = vec![s(1), s(2)];
    let f = &play(&model).flows[0];
    assert_eq!((f.served, f.lost, f.retried, f.area), (1, 1, 2, 13 * S));
    // With a third delay it comes again at 11 s, and is served at 21.
    model.flows[0].retry.push(s(8));
    let f = &play(&model).flows[0];
    assert_eq!((f.served, f.lost, f.retried, f.area), (2, 0, 3, 31 * S));
}

/// Stations of one slot in a row, without queues but for the first, that hold jobs back; work of 1 s, the last `last_s`.
fn row(stations: u32, last_s: f64, jobs: u32) -> Model<'static> {
    let mut model = empty(END, 0.0);
    let mut stages = Vec::new();
    for i in 0..stations {
        let t = station(&mut model, 1, Discipline::Fcfs);
        if i > 0 {
            model.tiers[t as usize].queue = Some(0);
            model.tiers[t as usize].full = Full::Wait;
        }
        let next = if i + 1 < stations { vec![(1.0, i + 1)] } else { vec![] };
        stages.push(cpu(t, fixed(if i + 1 < stations { 1.0 } else { last_s }), next));
    }
    let f = flow(&mut model, stages);
    come(&mut model, f, 0.0, jobs);
    model
}

#[test]
fn a_job_without_room_ahead_keeps_its_slot() {
    // First: A 0-1, B 1-4. Second: A 1-2, kept until 4, B 4-7. Third: A 4-5, kept until 7, B 7-10.
    let f = &play(&row(2, 3.0, 3)).flows[0];
    assert_eq!((f.served, f.area), (3, (4 + 7 + 10) * S));
}

#[test]
fn back_pressure_goes_through_all_stages() {
    // The last station passes one in 3 s: 5, 8, 11 and 14 s, whatever is kept where.
    let f = &play(&row(3, 3.0, 4)).flows[0];
    assert_eq!((f.served, f.area), (4, (5 + 8 + 11 + 14) * S));
}

#[test]
fn a_job_that_is_kept_back_dies_with_its_guest() {
    // As above; at 3 s the first guest dies with the second job, kept back, and the third, waiting. The first is served at 4.
    let mut model = row(2, 3.0, 3);
    fault(&mut model, Target::Guest(0), 3.0, None);
    let f = &play(&model).flows[0];
    assert_eq!((f.served, f.lost, f.area), (1, 2, (4 + 3 + 3) * S));
}

#[test]
fn a_job_that_comes_to_its_own_tier_again_takes_the_slot_that_it_leaves() {
    // A slot, two stages of 1 s on the same tier. Alone: 2 s, whatever the queue. Two: 0-1 and 2-3, 1-2 and 3-4.
    for (queue, full) in [(None, Full::Refuse), (Some(0), Full::Refuse), (Some(0), Full::Wait)] {
        let mut model = queue_of(1, 1.0, Some(1), queue);
        model.tiers[0].full = full;
        model.flows[0].stages[0].then = vec![(1.0, 1)];
        model.flows[0].stages.push(cpu(0, fixed(1.0), vec![]));
        let f = &play(&model).flows[0];
        assert_eq!((f.served, f.area), (1, 2 * S), "{queue:?} {full:?}");
        if queue.is_none() {
            model.generators[0].arrivals = Arrivals::Renewal { gap_s: fixed(T as f64), batch: fixed(2.0) };
            let f = &play(&model).flows[0];
            assert_eq!((f.served, f.area), (2, (3 + 4) * S));
        }
    }
}

#[test]
fn a_slot_is_never_given_twice() {
    // X works 1 s on A, Y waits behind it and needs nothing there; both then need 10 s of B's one slot: 11 and 21 s.
    let mut model = empty(END, 0.0);
    let a = station(&mut model, 1, Discipline::Fcfs);
    let b = station(&mut model, 1, Discipline::Fcfs);
    let x = flow(&mut model, vec![cpu(a, fixed(1.0), vec![(1.0, 1)]), cpu(b, fixed(10.0), vec![])]);
    let y = flow(&mut model, vec![cpu(a, fixed(0.0), vec![(1.0, 1)]), cpu(b, fixed(10.0), vec![])]);
    come(&mut model, x, 0.0, 1);
    come(&mut model, y, 0.5, 1);
    let outcome = play(&model);
    let mut ends = [outcome.flows[0].area, outcome.flows[1].area + S / 2];
    ends.sort_unstable();
    assert_eq!(ends, [11 * S, 21 * S]);
}

#[test]
fn a_list_of_three_is_one_arrival_and_three_departures() {
    let mut model = queue_of(1, 1.0, None, None);
    model.flows[0].stages[0].then = vec![(1.0, 1)];
    model.flows[0].stages[0].copies = fixed(3.0);
    model.flows[0].stages.push(delay(fixed(2.0), vec![]));
    // The original is there for 3 s, its copies for 2; the delay of all counts from the original's arrival.
    let outcome = play(&model);
    let f = &outcome.flows[0];
    assert_eq!((f.arrived, f.copied, f.served, f.area, outcome.jobs), (1, 2, 3, 7 * S, 3));
    assert!((f.delays.mean().unwrap() - 3.0).abs() < 0.01);
}

#[test]
fn a_client_asks_again_once_however_many_copies_are_made() {
    // Think 1 s, no work worth a ns, three copies of 1 s: an answer every 2 s: asked at 1, 3, 5 ... 9 s.
    let mut model = empty(10.0, 0.0);
    let mut first = delay(fixed(1e-9), vec![(1.0, 1)]);
    first.copies = fixed(3.0);
    let f = flow(&mut model, vec![first, delay(fixed(1.0), vec![])]);
    model.flows[f as usize].clients = Some((1, fixed(1.0)));
    let f = &play(&model).flows[0];
    assert_eq!((f.arrived, f.copied), (5, 10));
}

#[test]
fn a_client_goes_on_after_a_loss() {
    // Two clients think 1 s, one slot of 1.5 s, no queue. The first is served from 1 to 2.5, 3.5 to 5, ... The second is refused
    // at 1 and 2; at 3 it gets the slot: until 4.5; the first is refused at 3.5. Nobody is gone: each second somebody asks.
    let mut model = queue_of(1, 1.5, Some(1), Some(0));
    model.generators.clear();
    model.flows[0].clients = Some((2, fixed(1.0)));
    let f = &play(&model).flows[0];
    assert!(f.lost > 100 && f.served > 600, "{} lost, {} served", f.lost, f.served);
    assert_eq!(f.arrived, f.served + f.lost + f.present);
}

/// Four jobs at 0 s, of 10 s each, dealt to three guests with a core each, four to a guest.
fn dealt(balance: Balance) -> Vec<f64> {
    let mut model = empty(END, 0.0);
    let guests: Vec<u32> = (0..3)
        .map(|_| {
            let h = host(&mut model, 4);
            guest(&mut model, h, 4)
        })
        .collect();
    let t = tier(&mut model, &guests, Some(2), Some(0));
    model.tiers[t as usize].balance = balance;
    let f = flow(&mut model, vec![cpu(t, fixed(10.0), vec![])]);
    come(&mut model, f, 0.0, 4);
    play(&model).guests.iter().map(|g| (g.given_khz_s / CORE_KHZ as f64 / 10.0).round()).collect()
}

#[test]
fn a_balancer_deals_as_it_says() {
    assert_eq!(dealt(Balance::RoundRobin), [2.0, 1.0, 1.0]);
    assert_eq!(dealt(Balance::FewestJobs), [2.0, 1.0, 1.0]);
    // Two slots on the first, then the next.
    assert_eq!(dealt(Balance::ActiveStandby), [2.0, 2.0, 0.0]);
    assert_eq!(dealt(Balance::Random).iter().sum::<f64>(), 4.0);
}

#[test]
fn a_standby_takes_over_when_the_loss_is_noticed() {
    // The active guest dies at 5 s and is noticed dead at 15: what comes at 10 is lost, what comes at 20 is served by the other.
    let mut model = empty(END, 0.0);
    let (h, k) = (host(&mut model, 1), host(&mut model, 1));
    let guests = [guest(&mut model, h, 1), guest(&mut model, k, 1)];
    let t = tier(&mut model, &guests, Some(1), None);
    model.tiers[t as usize].balance = Balance::ActiveStandby;
    let f = flow(&mut model, vec![cpu(t, fixed(1.0), vec![])]);
    for at in [0.0, 10.0, 20.0] {
        come(&mut model, f, at, 1);
    }
    model.recovery = Some(RECOVERY);
    fault(&mut model, Target::Hosts(vec![0]), 5.0, None);
    let outcome = play(&model);
    assert_eq!((outcome.flows[0].served, outcome.flows[0].lost), (2, 1));
    assert_eq!(outcome.guests[1].outages, 0);
}

#[test]
fn another_attempt_is_another_draw() {
    // A thousand jobs at once for two guests of which one is dead and not yet noticed: half of them are dealt to it. They try
    // again after a second: half of those meet the living one. The chance that fewer than 150 or more than 350 of 1000 lose twice
    // is below 1e-12; with the same draw, all 500 of the first would lose again.
    let mut model = empty(END, 0.0);
    let (h, k) = (host(&mut model, 1), host(&mut model, 1));
    let guests = [guest(&mut model, h, 1), guest(&mut model, k, 1)];
    let t = tier(&mut model, &guests, None, None);
    model.tiers[t as usize].balance = Balance::Random;
    let f = flow(&mut model, vec![cpu(t, fixed(1e-6), vec![])]);
    model.flows[f as usize].retry = vec![s(1)];
    come(&mut model, f, 0.0, 1000);
    fault(&mut model, Target::Hosts(vec![0]), -1.0, None);
    let f = &play(&model).flows[0];
    assert!((150..350).contains(&f.lost), "{} of {} lost", f.lost, f.retried);
}

// Links, disks, the hypervisor.

/// A link of 100 bytes a second that is open 10 s of every 100, from `first` on.
fn link(first: Nanos, jobs: u32) -> Model<'static> {
    let mut model = empty(END, 0.0);
    model.others.push(Other { name: "link".into(), per_s: 100, at_once: 1, windows: Some((first, s(100), s(10))) });
    let on_link = Stage { tier: None, phases: vec![Phase { on: On::Other(0), work: fixed(400.0) }], then: vec![], copies: fixed(1.0) };
    let f = flow(&mut model, vec![on_link]);
    come(&mut model, f, 0.0, jobs);
    model
}

#[test]
fn what_has_gathered_is_handed_over_in_the_window() {
    // Open at 50-60, 150-160 s. Four of 4 s each: 54, 58, then 2 s of the third and 2 in the next window: 152, 156.
    let f = &play(&link(s(T + 50), 4)).flows[0];
    assert_eq!((f.served, f.area), (4, (54 + 58 + 152 + 156) * S));
}

#[test]
fn a_run_that_starts_inside_a_window_sees_it_close_in_time() {
    // Arrivals at T from the start of the run; the run starts 4 s into a window: the windows are at -4 to 6, 96 to 106 s, ... 996 to
    // 1006: what comes at 1000 has 6 s: 4, then 2 s of the second and 2 s from 1096 on: 98.
    let mut model = link(s(0), 2);
    model.start = s(4);
    let f = &play(&model).flows[0];
    assert_eq!((f.served, f.area), (2, (4 + 98) * S));
    // At the end of one: 1010, so that the next opens after 90 s.
    model.start = s(10);
    let f = &play(&model).flows[0];
    assert_eq!((f.served, f.area), (2, (94 + 98) * S));
}

#[test]
fn a_window_as_long_as_its_period_is_always_open() {
    let mut model = link(s(0), 3);
    model.others[0].windows = Some((s(0), s(100), s(100)));
    assert_eq!(play(&model).flows[0].area, (4 + 8 + 12) * S);
}

#[test]
fn a_job_on_a_link_dies_with_its_guest_and_frees_the_link() {
    // The first of two guests dies at 2 s with its job half over the link: the other's goes over from 2 to 6 s. What comes
    // at 3 s to the second waits for the link until 6, and is over at 10.
    let mut model = empty(END, 0.0);
    model.others.push(Other { name: "link".into(), per_s: 100, at_once: 1, windows: None });
    let (h, k) = (host(&mut model, 1), host(&mut model, 1));
    let tiers = [h, k].map(|h| {
        let g = guest(&mut model, h, 1);
        tier(&mut model, &[g], None, None)
    });
    for t in tiers {
        let phases = vec![Phase { on: On::Other(0), work: fixed(400.0) }];
        flow(&mut model, vec![Stage { tier: Some(t), phases, then: vec![], copies: fixed(1.0) }]);
    }
    come(&mut model, 0, 0.0, 1);
    come(&mut model, 1, 0.0, 1);
    come(&mut model, 1, 3.0, 1);
    fault(&mut model, Target::Guest(0), 2.0, None);
    let outcome = play(&model);
    assert_eq!((outcome.flows[0].served, outcome.flows[0].lost, outcome.flows[0].area), (0, 1, 2 * S));
    assert_eq!((outcome.flows[1].served, outcome.flows[1].area), (2, (6 + 7) * S));
}

#[test]
fn disk_and_network_pass_their_bytes() {
    // 200 MB at 100 MB/s of disk, 250 MB at 125 MB/s of network, two at once: 4 + 4 s.
    let mut model = queue_of(2, 1.0, None, None);
    model.flows[0].stages[0].phases = vec![Phase { on: On::Disk, work: fixed(2e8) }, Phase { on: On::Network, work: fixed(2.5e8) }];
    assert_eq!(play(&model).flows[0].area, 2 * 8 * S);
    // Shared storage of 10 MB/s in place of the disk: 40 s.
    model.others.push(Other { name: "nfs".into(), per_s: 10_000_000, at_once: u32::MAX, windows: None });
    model.guests[0].storage = Some(0);
    assert_eq!(play(&model).flows[0].area, 2 * 44 * S);
}

#[test]
fn the_hypervisors_work_is_done_on_the_same_core_and_accounted_apart() {
    // A job of 10 s with a quarter on top, on one core: 12.5 s. On two: 10 s, and 12.5 core seconds given.
    let mut model = queue_of(1, 10.0, None, None);
    model.guests[0].overhead = 0.25;
    assert!(near(play(&model).flows[0].area * 2, 25));
    model.hosts[0].cpu_khz *= 2;
    let outcome = play(&model);
    assert!(near(outcome.flows[0].area, 10));
    assert!((outcome.guests[0].given_khz_s / CORE_KHZ as f64 - 12.5).abs() < 1e-6);
    assert_eq!(outcome.guests[0].steal(), 0.0);
}

// Columns.

fn background(mhz: &[f64]) -> (Site, Demand, Placement) {
    let guests = (0..mhz.len()).map(|i| models::example::guest(&format!("g{i}"), 1, 100)).collect();
    let site = models::example::site(models::example::class("c", 1, 1000.0, 8000), 1, guests);
    (site, models::example::steady(mhz, 12), Placement { on: vec![true], host_of: vec![Some(HostId(0)); mhz.len()] })
}

#[test]
fn jobs_see_what_the_columns_leave() {
    let (site, demand, placement) = background(&[750.0]);
    let mut model = queue_of(1, 10.0, None, None);
    model.lasts = s(1800);
    model.columns = Some(Background { site: &site, placement: &placement, demand: &demand });
    // A quarter of the core is left: 40 s.
    let outcome = play(&model);
    assert!(near(outcome.flows[0].area, 40));
    // 0.75 x 1800 s of columns and 10 s of work in 1800 s.
    assert!((outcome.hosts[0].busy - 1360.0 / 1800.0).abs() < 1e-9);
    // Columns above the core from step 3 (900 s) to step 4: nothing is left until 1200 s.
    let mut demand = demand.clone();
    demand.guests[0].cpu_khz[3] = 1_500_000;
    model.columns = Some(Background { site: &site, placement: &placement, demand: &demand });
    assert!(near(play(&model).flows[0].area, 240));
}

#[test]
fn columns_of_shared_storage_are_served_there() {
    // Storage of 10 MB/s, of which the columns take 7.5: 25 MB take 10 s.
    let (site, mut demand, placement) = background(&[0.0]);
    demand.guests[0].disk_kbs = vec![7500; 12];
    let mut model = queue_of(1, 1.0, None, None);
    model.lasts = s(1800);
    model.others.push(Other { name: "nfs".into(), per_s: 10_000_000, at_once: u32::MAX, windows: None });
    model.guests[0].storage = Some(0);
    model.flows[0].stages[0].phases = vec![Phase { on: On::Disk, work: fixed(2.5e7) }];
    model.columns = Some(Background { site: &site, placement: &placement, demand: &demand });
    assert!(near(play(&model).flows[0].area, 10));
}

#[test]
fn columns_alone_are_the_replay_and_say_how_busy_hosts_are() {
    let (site, demand, placement) = background(&[300.0, 450.0]);
    let mut model = empty(3600.0, 0.0);
    let h = host(&mut model, 1);
    guest(&mut model, h, 1);
    guest(&mut model, h, 1);
    model.columns = Some(Background { site: &site, placement: &placement, demand: &demand });
    let outcome = play(&model);
    assert_eq!(outcome.measures, Some(sim::replay::replay(&site, &demand, &placement)));
    assert_eq!(outcome.hosts[0].busy, 0.75);
}

#[test]
fn a_host_that_is_down_draws_nothing_from_the_next_step_on() {
    // Half load of 1000 MHz: 150 W over 12 steps of 300 s. It fails in step 3 (at 1000 s) and is repaired in step 5 (1500 s), boots for
    // 120 s: up from 1620 s, so off in steps 4 and 5, and idle until its guest is up.
    let (site, demand, placement) = background(&[500.0]);
    let mut model = empty(3600.0, 0.0);
    let h = host(&mut model, 1);
    guest(&mut model, h, 1);
    model.columns = Some(Background { site: &site, placement: &placement, demand: &demand });
    model.recovery = Some(RECOVERY);
    fault(&mut model, Target::Hosts(vec![0]), 0.0, Some(500.0));
    let outcome = play(&model);
    assert_eq!(when(&outcome, "h1 is up again"), [620.0]);
    // The guest is up at 1650 s: steps 0-3 and 6-11 at 150 W, 4 and 5 at none: 10 x 150 / 12.
    let measures = outcome.measures.unwrap();
    assert!((measures.site.energy_wh.get() - 125.0).abs() < 1e-9, "{}", measures.site.energy_wh.get());
    // Unserved: 2 steps of 500 MHz.
    assert!((measures.unserved_ghz_h - 0.5 / 6.0).abs() < 1e-9);
}

// Faults.

/// A job of 1 s at each of these times, for a tier of one guest on the first of so many hosts.
fn hosts(count: u32, asks_at: &[f64]) -> Model<'static> {
    let mut model = empty(END, 0.0);
    for _ in 0..count {
        host(&mut model, 4);
    }
    let g = guest(&mut model, 0, 1);
    let t = tier(&mut model, &[g], None, None);
    let f = flow(&mut model, vec![cpu(t, fixed(1.0), vec![])]);
    for at in asks_at {
        come(&mut model, f, *at, 1);
    }
    model.recovery = Some(RECOVERY);
    model
}

#[test]
fn guests_of_a_lost_host_boot_on_a_survivor_as_many_at_once_as_may() {
    // models::law::restart: detect + fence + ceil(k / c) x boot, where the host has a core for each.
    for (k, c) in [(7_u32, 1_u32), (7, 2), (7, 4), (8, 4)] {
        let mut model = empty(END, 0.0);
        let (a, b) = (host(&mut model, 8), host(&mut model, 8));
        for _ in 0..k {
            guest(&mut model, a, 1);
        }
        model.recovery = Some(Recovery { boots_at_once: c, ..RECOVERY });
        fault(&mut model, Target::Hosts(vec![a]), 0.0, None);
        let outcome = play(&model);
        let law = Restart {
            detect: s(10),
            fence: s(20),
            guests: k,
            at_once: c,
            boot_cpu: s(30),
            cores: 8,
            sharing: Sharing::Fluid,
            boot_bytes: 0,
            storage: BytesPerSecond::ZERO,
        };
        let up = when(&outcome, "up again on h2");
        assert_eq!(up.len(), k as usize);
        assert!((up.last().unwrap() - law.total().unwrap().as_seconds()).abs() < 1e-5, "{up:?}");
        assert!(outcome.guests.iter().all(|g| g.host == Some(b) && g.outages == 1));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Boots read and then compute, so that waves fall out of step: the law's two bounds hold whatever meets, on disks and on shared storage.
    #[test]
    fn an_automatic_restart_stays_within_the_bounds_of_the_law(
        k in 1u32..13, c in 1u32..6, cores in 1u32..5, boot_ms in 1u64..20_000, mb in 1u32..1000, survivors in 1u32..3,
    ) {
        let mut model = empty(END, 0.0);
        let a = host(&mut model, 8);
        for _ in 0..survivors {
            host(&mut model, cores);
        }
        model.others.push(Other { name: "nfs".into(), per_s: 100_000_000, at_once: u32::MAX, windows: None });
        for _ in 0..k {
            let g = guest(&mut model, a, 1);
            // With one survivor its own disk, which is as fast; with two the storage that they share.
            model.guests[g as usize].storage = (survivors > 1).then_some(0);
        }
        let boot_cpu = Nanos::millis(boot_ms);
        let boot_disk_bytes = f64::from(mb) * 1e6;
        model.recovery = Some(Recovery { boots_at_once: c, boot_cpu, boot_disk_bytes, ..RECOVERY });
        fault(&mut model, Target::Hosts(vec![a]), 0.0, None);
        let law = Restart {
            detect: s(10),
            fence: s(20),
            guests: k,
            at_once: c * survivors,
            boot_cpu,
            cores: cores * survivors,
            sharing: Sharing::Fluid,
            boot_bytes: u64::from(mb) * 1_000_000,
            storage: BytesPerSecond::new(1e8).unwrap(),
        };
        let up = when(&play(&model), "up again on h");
        prop_assert_eq!(up.len(), k as usize);
        let (window, last) = (law.read_then_compute().unwrap(), up.last().unwrap());
        prop_assert!(window.at_least.as_seconds() - 1e-4 <= *last, "{window:?} {last}");
        // The law has the cores of all survivors in one pool: a wave that does not divide evenly has a guest more on one of them.
        let uneven = if survivors > 1 { f64::from(k.div_ceil(c * survivors)) * boot_cpu.as_seconds() / f64::from(cores) } else { 0.0 };
        prop_assert!(*last <= window.at_most.as_seconds() + uneven + 1e-4, "{window:?} {last}");
        // One at a time there is nothing to share, and the bounds meet.
        if c == 1 && survivors == 1 {
            prop_assert!((window.at_most.as_seconds() - last).abs() < 1e-4);
        }
    }
}

#[test]
fn hands_start_a_guest_and_its_boot_comes_on_top() {
    // The law takes the boot to be in the 18 minutes of S3-5; the engine boots after the hands: longer by one boot, no more.
    let mut model = empty(END, 0.0);
    let (a, _) = (host(&mut model, 8), host(&mut model, 8));
    for _ in 0..5 {
        guest(&mut model, a, 1);
    }
    model.recovery = Some(Recovery { by_hand: Some(s(100)), ..RECOVERY });
    fault(&mut model, Target::Hosts(vec![a]), 0.0, None);
    let law = ByHand { detect: s(10), fence: s(20), guests: 5, each: s(100) };
    for (up, at) in when(&play(&model), "up again on h2").iter().zip(law.course().unwrap()) {
        assert!((up - at.as_seconds() - 30.0).abs() < 1e-5, "{up} {at:?}");
    }
}

#[test]
fn a_host_that_is_set_not_to_panic_stands_a_starved_guest() {
    // A stall of 60 s against 15: with the setting the host goes down, without it nobody does.
    for (panics, outages) in [(true, 1), (false, 0)] {
        let mut model = hosts(2, &[]);
        model.hosts[0].panics = panics;
        model.recovery = Some(Recovery { panics_after: Some(s(15)), ..RECOVERY });
        fault(&mut model, Target::Stall(0), 0.0, Some(60.0));
        assert_eq!(play(&model).guests[0].outages, outages);
    }
}

#[test]
fn boots_delay_each_other_on_the_disk_that_they_read() {
    // Four at once read 1 GB each from 100 MB/s: 40 s, then 30 s on a core each.
    let mut model = empty(END, 0.0);
    let (a, _) = (host(&mut model, 8), host(&mut model, 8));
    for _ in 0..4 {
        guest(&mut model, a, 1);
    }
    model.recovery = Some(Recovery { boots_at_once: 4, boot_disk_bytes: 1e9, ..RECOVERY });
    fault(&mut model, Target::Hosts(vec![a]), 0.0, None);
    assert!(when(&play(&model), "up again on h2").iter().all(|at| (at - 100.0).abs() < 1e-5));
}

#[test]
fn one_pair_of_hands_starts_one_guest_after_the_other() {
    // Two hosts of a chassis with a guest each: by hand 100 s each after 30 s: started at 130 and 230, up 30 s later.
    let mut model = hosts(3, &[]);
    guest(&mut model, 1, 1);
    model.recovery = Some(Recovery { by_hand: Some(s(100)), ..RECOVERY });
    fault(&mut model, Target::Hosts(vec![0, 1]), 0.0, None);
    let up = when(&play(&model), "up again on h3");
    assert!(up.len() == 2 && (up[0] - 160.0).abs() < 1e-5 && (up[1] - 260.0).abs() < 1e-5, "{up:?}");
}

#[test]
fn a_guest_that_fits_nowhere_waits_for_its_host() {
    let mut model = hosts(2, &[]);
    model.hosts[1].memory_mib = 1023;
    fault(&mut model, Target::Hosts(vec![0]), 0.0, Some(400.0));
    let outcome = play(&model);
    assert_eq!(when(&outcome, "finds no host with room"), [30.0]);
    // Repaired at 400, booted at 520, its guest with it at 550.
    assert_eq!(when(&outcome, "h1 is up again"), [520.0]);
    assert!((when(&outcome, "g1 is up again on h1")[0] - 550.0).abs() < 1e-5);
    assert!((outcome.guests[0].down.as_seconds() - 550.0).abs() < 1e-5);
    assert_eq!(outcome.hosts[0].down, s(520));
}

#[test]
fn without_a_word_on_recovery_guests_come_back_with_their_host() {
    // Repaired at 100, booted at 220: nobody notices, nobody starts a guest elsewhere, and its boot costs nothing.
    let mut model = hosts(2, &[50.0, 230.0]);
    model.recovery = None;
    fault(&mut model, Target::Hosts(vec![0]), 0.0, Some(100.0));
    let outcome = play(&model);
    assert_eq!((outcome.guests[0].down, outcome.flows[0].served, outcome.flows[0].lost), (s(220), 1, 1));
}

#[test]
fn a_host_with_two_faults_comes_back_after_both() {
    // Fault 0-100 on both hosts of a chassis, 50-300 on the second: up at 220 and at 420.
    let mut model = hosts(2, &[]);
    fault(&mut model, Target::Hosts(vec![0, 1]), 0.0, Some(100.0));
    fault(&mut model, Target::Hosts(vec![1]), 50.0, Some(250.0));
    let outcome = play(&model);
    assert_eq!((when(&outcome, "h1 is up again"), when(&outcome, "h2 is up again")), (vec![220.0], vec![420.0]));
}

#[test]
fn hosts_go_off_when_the_battery_is_empty_and_not_before() {
    for (battery, down) in [(100, 0), (60, 0), (59, 121)] {
        let mut model = hosts(1, &[]);
        fault(&mut model, Target::Mains { battery: s(battery) }, 0.0, Some(60.0));
        // Down from 59 s, repaired at 60, booted at 180.
        assert_eq!(play(&model).hosts[0].down, s(down), "{battery}");
    }
}

#[test]
fn disk_work_waits_for_the_storage() {
    // 10 s of disk from 0 s; the storage is away from 4 to 54: 60 s.
    let mut model = hosts(1, &[0.0]);
    model.flows[0].stages[0].phases = vec![Phase { on: On::Disk, work: fixed(1e9) }];
    fault(&mut model, Target::Disks(vec![0]), 4.0, Some(50.0));
    assert_eq!(play(&model).flows[0].area, 60 * S);
}

#[test]
fn a_short_pause_of_the_network_is_only_a_delay() {
    let mut model = hosts(1, &[0.0]);
    model.guests[0].mounts = true;
    model.recovery = Some(Recovery { read_only_after: Some(s(50)), ..RECOVERY });
    model.flows[0].stages[0].phases = vec![Phase { on: On::Network, work: fixed(1.25e9) }];
    fault(&mut model, Target::Network, 4.0, Some(50.0));
    let outcome = play(&model);
    assert_eq!((outcome.flows[0].area, outcome.guests[0].outages), (60 * S, 0));
}

#[test]
fn a_long_pause_of_the_network_leaves_disks_read_only_until_a_restart() {
    // A pause from 0 to 51 s, longer than 50: noticed 10 s later, booted (1 GB of disk, 30 s of CPU) at 101 s. What comes at 200
    // is served as ever.
    let mut model = hosts(1, &[200.0]);
    model.guests[0].mounts = true;
    model.recovery = Some(Recovery { read_only_after: Some(s(50)), boot_disk_bytes: 1e9, ..RECOVERY });
    model.flows[0].stages[0].phases.push(Phase { on: On::Disk, work: fixed(1e8) });
    fault(&mut model, Target::Network, 0.0, Some(51.0));
    let outcome = play(&model);
    assert!((when(&outcome, "g1 is up again")[0] - 101.0).abs() < 1e-5);
    assert_eq!((outcome.flows[0].served, outcome.flows[0].area), (1, 2 * S));
}

#[test]
fn a_pause_of_two_faults_is_one_pause() {
    // 0-40 and 30-70 s: 70 s without a network, longer than 50, though neither fault is: read-only at 70, noticed at 80, up at 110.
    let mut model = hosts(1, &[]);
    model.guests[0].mounts = true;
    model.recovery = Some(Recovery { read_only_after: Some(s(50)), ..RECOVERY });
    fault(&mut model, Target::Network, 0.0, Some(40.0));
    fault(&mut model, Target::Network, 30.0, Some(40.0));
    let outcome = play(&model);
    assert_eq!(when(&outcome, "read-only"), [70.0]);
    assert!((when(&outcome, "g1 is up again")[0] - 110.0).abs() < 1e-5);
}

#[test]
fn disks_that_are_mounted_over_the_network_stand_still_without_it() {
    // 10 s of disk from 0 s; no network from 4 to 24 s: 30 s. A guest with disks of its own does not notice.
    for (mounts, ends) in [(true, 30), (false, 10)] {
        let mut model = hosts(1, &[0.0]);
        model.guests[0].mounts = mounts;
        model.flows[0].stages[0].phases = vec![Phase { on: On::Disk, work: fixed(1e9) }];
        fault(&mut model, Target::Network, 4.0, Some(20.0));
        assert_eq!(play(&model).flows[0].area, ends * S);
    }
}

#[test]
fn a_guest_that_crashes_is_started_where_it_was() {
    // Crash at 0.5 s, noticed at 10.5, up at 40.5: the job in service is lost, that of 20 s too, that of 50 s is served.
    let mut model = hosts(2, &[0.0, 20.0, 50.0]);
    fault(&mut model, Target::Guest(0), 0.5, None);
    let outcome = play(&model);
    assert_eq!((outcome.flows[0].served, outcome.flows[0].lost), (1, 2));
    assert!((outcome.guests[0].down.as_seconds() - 40.0).abs() < 1e-5);
    assert_eq!(outcome.guests[0].host, Some(0));
}

#[test]
fn a_guest_that_crashes_in_its_boot_lets_the_next_boot() {
    // Three guests of a lost host boot one at a time on the other from 30 s on; the first crashes at 40 s, is started again at
    // 50, and has its turn after the others: 70, 100, 130.
    let mut model = hosts(2, &[]);
    guest(&mut model, 0, 1);
    guest(&mut model, 0, 1);
    fault(&mut model, Target::Hosts(vec![0]), 0.0, None);
    fault(&mut model, Target::Guest(0), 40.0, None);
    let outcome = play(&model);
    let up: Vec<f64> = ["g2", "g3", "g1"].iter().flat_map(|g| when(&outcome, &format!("{g} is up again"))).collect();
    assert!(up.len() == 3 && up.iter().zip([70.0, 100.0, 130.0]).all(|(a, b)| (a - b).abs() < 1e-5), "{up:?}");
}

#[test]
fn a_guest_that_is_down_or_nowhere_cannot_crash() {
    // Its host is lost at 0: it is started elsewhere at 30 s and not at 15 + 10, before the fence. A guest that runs nowhere stays there.
    let mut model = hosts(2, &[]);
    model.recovery = Some(Recovery { detect: s(1), fence: s(29), ..RECOVERY });
    let nowhere = guest(&mut model, 0, 1);
    model.guests[nowhere as usize].host = None;
    fault(&mut model, Target::Hosts(vec![0]), 0.0, None);
    fault(&mut model, Target::Guest(0), 15.0, None);
    fault(&mut model, Target::Guest(nowhere), 15.0, None);
    let outcome = play(&model);
    let up = when(&outcome, "up again on h2");
    assert!(up.len() == 1 && (up[0] - 60.0).abs() < 1e-5, "{up:?}");
    assert_eq!(outcome.guests[1].host, None);
}

#[test]
fn a_stalled_guest_goes_on_where_it_stopped_and_its_lack_is_steal() {
    // 10 s of work from 0; no CPU from 4 to 24: 30 s, of which a guest that asks for a core gets it 10.
    let mut model = hosts(1, &[0.0]);
    model.flows[0].stages[0] = cpu(0, fixed(10.0), vec![]);
    fault(&mut model, Target::Stall(0), 4.0, Some(20.0));
    let outcome = play(&model);
    assert_eq!((outcome.flows[0].area, outcome.guests[0].outages), (30 * S, 0));
    assert!((outcome.guests[0].steal() - 20.0 / 30.0).abs() < 1e-9, "{}", outcome.guests[0].steal());
}

#[test]
fn a_stall_that_lasts_takes_the_host_down_and_the_guest_comes_back() {
    // Starved from 0, panic at 15: noticed, fenced and booted at 15 + 30 + 120 = 165. There is no other host: up at 195. A stall of 15 s at
    // most does nothing.
    for (lasts, alone) in [(100.0, true), (100.0, false), (14.0, true)] {
        let mut model = hosts(if alone { 1 } else { 2 }, &[400.0]);
        model.recovery = Some(Recovery { panics_after: Some(s(15)), ..RECOVERY });
        fault(&mut model, Target::Stall(0), 0.0, Some(lasts));
        let outcome = play(&model);
        let up = when(&outcome, "g1 is up again");
        match (lasts > 15.0, alone) {
            (true, true) => assert!(up.len() == 1 && (up[0] - 195.0).abs() < 1e-5, "{up:?}"),
            (true, false) => assert!(up.len() == 1 && (up[0] - 75.0).abs() < 1e-5, "{up:?}"),
            (false, _) => assert!(up.is_empty()),
        }
        assert_eq!(outcome.flows[0].served, 1);
    }
}

#[test]
fn a_host_that_is_off_stays_off() {
    let mut model = hosts(2, &[]);
    model.hosts[1].on = false;
    fault(&mut model, Target::Hosts(vec![0, 1]), 0.0, Some(10.0));
    let outcome = play(&model);
    assert!(when(&outcome, "h2").is_empty());
    assert_eq!(outcome.hosts[1].down, s(0));
}

#[test]
fn faults_at_the_very_start_and_end_are_played() {
    let mut model = hosts(2, &[0.0]);
    model.faults.push(Fault { name: "a".into(), target: Target::Hosts(vec![0]), when: When::At { at: s(0), lasts: None } });
    let last = Nanos(model.lasts.0 - 1);
    model.faults.push(Fault { name: "b".into(), target: Target::Hosts(vec![1]), when: When::At { at: last, lasts: Some(s(1)) } });
    let outcome = play(&model);
    assert_eq!(outcome.hosts[0].down, model.lasts);
    assert_eq!(outcome.hosts[1].down, Nanos(1));
    assert_eq!(outcome.flows[0].served, 1);
}

// Limits.

#[test]
fn too_many_jobs_stop_the_run_with_an_answer() {
    // Two jobs of 1 s a second on one core: 2 cores offered, 1 there is.
    let mut model = example::single(1, Discipline::Sharing, 2.0, fixed(1.0), 1e6, 0.0);
    model.population_cap = 1000;
    let stopped = play(&model).stopped.unwrap();
    assert_eq!((stopped.flow.as_str(), stopped.tier.as_deref(), stopped.present), ("f1", Some("t1"), 1000));
    assert!((stopped.offered_cores - 2.0).abs() < 0.3, "{}", stopped.offered_cores);
    assert_eq!(stopped.capacity_cores, 1.0);
}

#[test]
fn copies_and_batches_beyond_the_cap_stop_the_run_too() {
    let mut model = queue_of(1_000_000, 1.0, Some(1), None);
    model.population_cap = 999_999;
    assert_eq!(play(&model).stopped.unwrap().present, 999_999);
    let mut model = queue_of(1, 1.0, Some(1), None);
    model.flows[0].stages[0].then = vec![(1.0, 0)];
    model.flows[0].stages[0].copies = fixed(5.0);
    model.population_cap = 1000;
    assert_eq!(play(&model).stopped.unwrap().present, 1000);
}

#[test]
fn a_batch_of_a_million_is_served() {
    // 1 us each, one after the other: a second.
    let f = &play(&queue_of(1_000_000, 1e-6, Some(1), None)).flows[0];
    assert_eq!(f.served, 1_000_000);
}

#[test]
fn a_run_of_no_length_is_a_run() {
    let (site, mut demand, placement) = background(&[300.0]);
    demand.steps = 12;
    let mut model = example::single(1, Discipline::Fcfs, 2.0, fixed(1.0), 0.0, 0.0);
    model.bin = s(1);
    model.columns = Some(Background { site: &site, placement: &placement, demand: &demand });
    let outcome = play(&model);
    assert_eq!((outcome.lasted, outcome.flows[0].arrived), (s(0), 0));
}

#[test]
fn a_generator_without_a_rate_makes_nothing() {
    use std::sync::Arc;
    let none = [
        Arrivals::Poisson(Rate::Hours(Arc::new(vec![0.0; 24]))),
        Arrivals::Poisson(Rate::Wave { per_s: 0.0, swing: 0.5, period: s(10) }),
        Arrivals::Poisson(Rate::Burst { start: s(0), ramp: s(1), plateau: s(1), decay: s(1), per_s: 0.0 }),
        Arrivals::Modulated { per_s: [0.0, 0.0], change_per_s: [1.0, 1.0] },
        Arrivals::Modulated { per_s: [0.0, 0.0], change_per_s: [0.0, 0.0] },
        Arrivals::Counts { counts: Arc::new(vec![0.0; 10]), step: s(1), times: 1.0 },
        Arrivals::Counts { counts: Arc::new(vec![]), step: s(1), times: 1.0 },
    ];
    for kind in none {
        let mut model = queue_of(1, 1.0, None, None);
        model.generators[0].arrivals = kind.clone();
        assert_eq!(play(&model).flows[0].arrived, 0, "{kind:?}");
    }
}

#[test]
fn counts_arrive_to_the_last_one() {
    use std::sync::Arc;
    // 0.4 x 25 steps = 10 and 1000 a step x 3; from the middle of step 1 on: half of its 1000.
    let mut counts = vec![0.4; 25];
    counts.extend([1000.0; 3]);
    let mut model = queue_of(1, 1e-9, None, None);
    let kind = |counts: &Vec<f64>| Arrivals::Counts { counts: Arc::new(counts.clone()), step: s(10), times: 1.0 };
    model.generators[0].arrivals = kind(&counts);
    assert_eq!(play(&model).flows[0].arrived, 3010);
    model.generators[0].arrivals = kind(&vec![1000.0; 3]);
    model.start = s(15);
    assert_eq!(play(&model).flows[0].arrived, 1500);
}

#[test]
fn a_burst_brings_its_integral() {
    // 100/s x (20/2 + 30 + 50) = 9000, give or take 5 x sqrt(9000) = 474.
    let mut model = queue_of(1, 1e-9, None, None);
    model.generators[0].arrivals =
        Arrivals::Poisson(Rate::Burst { start: s(100), ramp: s(20), plateau: s(30), decay: s(50), per_s: 100.0 });
    let arrived = play(&model).flows[0].arrived;
    assert!(arrived.abs_diff(9000) < 474, "{arrived}");
}

#[test]
fn nothing_is_lost_where_an_hour_ends() {
    use std::sync::Arc;
    // 2/s in even hours, 10/s in odd ones, 5 hours: 3 x 7200 + 2 x 36000 = 93600, give or take 5 x 306; by half hours too.
    let mut model = queue_of(1, 1e-9, None, None);
    model.lasts = s(5 * 3600);
    model.bin = s(1800);
    model.generators[0].arrivals = Arrivals::Poisson(Rate::Hours(Arc::new(vec![2.0, 10.0])));
    let f = &play(&model).flows[0];
    assert!(f.arrived.abs_diff(93_600) < 1530, "{}", f.arrived);
    for (i, bin) in f.bins.iter().enumerate() {
        let expected = if i / 2 % 2 == 0 { 3600_u64 } else { 18_000 };
        assert!(bin.arrived.abs_diff(expected) < 5 * (expected as f64).sqrt() as u64, "bin {i}: {}", bin.arrived);
    }
}

#[test]
fn bins_hold_all_that_is_counted() {
    // One a second, the last of them at the very end.
    let mut model = queue_of(1, 1e-3, None, None);
    model.lasts = s(10);
    model.bin = s(5);
    model.generators[0].arrivals = Arrivals::Renewal { gap_s: fixed(1.0), batch: fixed(1.0) };
    let f = &play(&model).flows[0];
    assert_eq!((f.arrived, f.bins.iter().map(|b| b.arrived).sum::<u64>()), (10, 10));
    assert_eq!(f.served, f.bins.iter().map(|b| b.served).sum::<u64>());
}

#[test]
fn a_hundred_thousand_jobs_without_work_leave_one_slot_at_once() {
    // One job of 1 s holds the slot; 10^5 jobs that need nothing wait behind it.
    let mut model = queue_of(1, 1.0, Some(1), None);
    let f = flow(&mut model, vec![cpu(0, fixed(0.0), vec![])]);
    come(&mut model, f, 0.5, 100_000);
    let outcome = play(&model);
    assert_eq!((outcome.flows[1].served, outcome.flows[1].area), (100_000, 100_000 * S / 2));
}

#[test]
fn a_chain_of_stages_without_work_takes_no_time() {
    let mut model = queue_of(1, 0.0, None, None);
    let stages = 50_000;
    model.flows[0].stages = (0..stages).map(|i| cpu(0, fixed(0.0), if i + 1 < stages { vec![(1.0, i + 1)] } else { vec![] })).collect();
    let f = &play(&model).flows[0];
    assert_eq!((f.served, f.area), (1, 0));
}

#[test]
fn a_long_row_that_is_kept_back_is_let_go() {
    // 300 stations of one slot and no queue but for the first; 200 jobs: the last station passes one in 3 s: 299 + 3 k s.
    let f = &play(&row(300, 3.0, 200)).flows[0];
    assert_eq!((f.served, f.area), (200, (1..=200).map(|k| 299 + 3 * k).sum::<u128>() * S));
}

#[test]
fn a_burst_changes_nobody_elses_luck() {
    // Pure delays: nobody meets anybody. Then the ordinary jobs' time is the same with a burst as without.
    let work = Distribution { mean: 1.0, shape: Shape::Exponential };
    let area = |ordinary: bool, burst: bool| {
        let mut model = empty(500.0, 0.0);
        let f = flow(&mut model, vec![delay(work, vec![])]);
        if ordinary {
            arrivals(&mut model, f, Arrivals::Poisson(Rate::Wave { per_s: 5.0, swing: 0.0, period: s(10) }));
        }
        if burst {
            arrivals(&mut model, f, Arrivals::Poisson(Rate::Burst { start: s(100), ramp: s(1), plateau: s(50), decay: s(1), per_s: 5.0 }));
            model.generators.last_mut().unwrap().name = "burst".into();
        }
        play(&model).flows[0].area
    };
    assert_eq!(area(true, true), area(true, false) + area(false, true));
}

#[test]
fn the_same_seed_plays_the_same_run() {
    let model = example::single(2, Discipline::Sharing, 1.5, Distribution::exponential(1.0), 1000.0, 0.0);
    let run = |seed, replication| format!("{:?}", engine::run(&model, seed, replication).unwrap());
    assert_eq!(run(1, 0), run(1, 0));
    assert_ne!(run(1, 0), run(1, 1));
    assert_ne!(run(1, 0), run(2, 0));
}

// Whatever is played.

fn any_stage(tiers: usize, stages: usize) -> impl Strategy<Value = Stage> {
    let on = prop_oneof![3 => Just(On::Cpu), 1 => Just(On::Disk), 1 => Just(On::Network), 1 => Just(On::Other(0)), 1 => Just(On::Delay)];
    let phase = (on, prop_oneof![1 => Just(0.0), 4 => 0.01..3.0f64], any::<bool>()).prop_map(|(on, work_s, varies)| {
        let units = match on {
            On::Cpu => CORE_KHZ as f64,
            On::Disk => 1e8,
            On::Network => 1.25e8,
            On::Other(_) => 1e6,
            On::Delay => 1.0,
        };
        let mean = work_s * units;
        Phase { on, work: if varies { Distribution::exponential(mean) } else { fixed(mean) } }
    });
    let then = prop::option::of((prop_oneof![Just(1.0), Just(0.5)], 0..stages as u32));
    (prop::option::weighted(0.9, 0..tiers as u32), prop::collection::vec(phase, 0..4), then, 0.0..1.0f64).prop_map(
        move |(tier, mut phases, then, lot)| {
            if tier.is_none() {
                phases.retain(|p| matches!(p.on, On::Delay | On::Other(_)));
            }
            // Forward with certainty, back with a chance; two copies now and then.
            let then: Vec<_> = then.into_iter().map(|(share, to)| (share * 0.7, to)).collect();
            Stage { tier, phases, then, copies: fixed(if lot < 0.1 { 2.0 } else { 1.0 }) }
        },
    )
}

fn any_fault() -> impl Strategy<Value = Fault> {
    let target = prop_oneof![
        (0u32..3).prop_map(|h| Target::Hosts(vec![h])),
        Just(Target::Hosts(vec![0, 1])),
        Just(Target::Hosts(vec![0, 1, 2, 3])),
        (0u64..60).prop_map(|b| Target::Mains { battery: s(b) }),
        (0u32..5).prop_map(|g| Target::Disks(vec![g, (g + 1) % 5])),
        Just(Target::Network),
        (0u32..6).prop_map(Target::Guest),
        (0u32..6).prop_map(Target::Stall),
    ];
    let once = (0u64..300, prop::option::of(0u64..100)).prop_map(|(at, lasts)| When::At { at: s(at), lasts: lasts.map(s) });
    let often = (5.0..100.0f64, 0.0..50.0f64)
        .prop_map(|(up, down)| When::Renewal { up_s: Distribution::exponential(up), down_s: Distribution::exponential(down) });
    (target, prop_oneof![once, often], any::<u32>()).prop_map(|(target, when, n)| Fault { name: format!("fault {n}"), target, when })
}

fn any_model() -> impl Strategy<Value = Model<'static>> {
    let tier_of = (
        prop::collection::btree_set(0u32..6, 1..4),
        prop::option::of(1u32..4),
        prop::option::of(0u32..3),
        prop_oneof![Just(Full::Refuse), Just(Full::Retry), Just(Full::Wait)],
        prop_oneof![Just(Balance::RoundRobin), Just(Balance::FewestJobs), Just(Balance::Random), Just(Balance::ActiveStandby)],
    );
    let flow_of = (prop::collection::vec(any_stage(3, 4), 4), prop::collection::vec(0u64..20, 0..3), prop::option::of(1u32..5), 1u32..4);
    let recovery =
        (0u64..20, 0u64..20, prop::option::of(0u64..30), 1u32..3, 0u64..30, prop::option::of(0u64..30), prop::option::of(0u64..30));
    (
        prop::collection::vec(tier_of, 3),
        prop::collection::vec(flow_of, 1..4),
        prop::collection::vec(any_fault(), 0..6),
        prop::option::weighted(0.9, recovery),
        any::<bool>(),
    )
        .prop_map(|(tiers, flows, faults, recovery, storage)| {
            let mut model = empty(400.0, 0.0);
            model.population_cap = 2000;
            model.bin = s(60);
            for _ in 0..4 {
                let h = host(&mut model, 2);
                model.hosts[h as usize].memory_mib = 4 * 1024;
                model.hosts[h as usize].boot = s(10);
            }
            model.hosts[3].on = false;
            for g in 0..6 {
                guest(&mut model, g % 3, 1 + g % 2);
                let it = &mut model.guests[g as usize];
                (it.mounts, it.restarts, it.overhead) = (g % 2 == 0, g != 3, 0.1 * f64::from(g % 2));
                if storage && g % 3 == 0 {
                    it.storage = Some(1);
                }
            }
            model.guests[5].host = None;
            let windows = Some((s(3), s(20), s(7)));
            model.others.push(Other { name: "link".into(), per_s: 1_000_000, at_once: 1, windows });
            model.others.push(Other { name: "nfs".into(), per_s: 50_000_000, at_once: u32::MAX, windows: None });
            for (i, (guests, slots, queue, full, balance)) in tiers.into_iter().enumerate() {
                let guests = guests.into_iter().collect();
                model.tiers.push(sim::engine::model::Tier { name: format!("t{i}"), guests, balance, slots, queue, full });
            }
            for (stages, retry, clients, batch) in flows {
                let f = flow(&mut model, stages) as usize;
                model.flows[f].retry = retry.into_iter().map(s).collect();
                match clients {
                    Some(n) => model.flows[f].clients = Some((n, Distribution::exponential(2.0))),
                    None => arrivals(
                        &mut model,
                        f as u32,
                        Arrivals::Renewal { gap_s: Distribution::exponential(3.0), batch: fixed(f64::from(batch)) },
                    ),
                }
            }
            model.faults = faults;
            model.recovery = recovery.map(|(detect, fence, by_hand, boots_at_once, boot, read_only_after, panics_after)| Recovery {
                detect: s(detect),
                fence: s(fence),
                by_hand: by_hand.map(s),
                boots_at_once,
                boot_cpu: s(boot),
                boot_disk_bytes: boot as f64 * 1e7,
                read_only_after: read_only_after.map(s),
                panics_after: panics_after.map(s),
            });
            model
        })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, rng_algorithm: prop::test_runner::RngAlgorithm::ChaCha, failure_persistence: None,
        rng_seed: prop::test_runner::RngSeed::Fixed(11), max_shrink_iters: 2000, ..ProptestConfig::default() })]

    /// The audits look at the whole state at the end of each run: cut where it may, all laws hold there, and it is the same twice.
    #[test]
    fn every_run_keeps_all_laws(model in any_model(), cuts in prop::collection::vec(0u64..400_000, 3)) {
        for cut in cuts {
            let mut model = model.clone();
            model.lasts = Nanos::millis(cut);
            let outcome = engine::run(&model, 1, 0);
            prop_assert!(outcome.is_ok(), "{}", outcome.unwrap_err());
            let outcome = outcome.unwrap();
            for g in &outcome.guests {
                prop_assert!(g.down <= outcome.lasted && g.given_khz_s <= g.asked_khz_s * (1.0 + 1e-9) + 1e-3);
            }
            prop_assert!(outcome.hosts.iter().all(|h| h.down <= outcome.lasted && h.busy <= 1.0 + 1e-9));
            for f in &outcome.flows {
                prop_assert_eq!(f.arrived, f.bins.iter().map(|b| b.arrived).sum::<u64>());
            }
            prop_assert_eq!(format!("{outcome:?}"), format!("{:?}", engine::run(&model, 1, 0).unwrap()));
        }
    }
}

#[test]
fn a_client_that_is_refused_at_once_does_not_ask_for_ever_at_one_instant() {
    // One slot, no queue, a job of 10 s, and two clients who do not think: the second asks every millisecond.
    let mut model = example::empty(5.0, 0.0);
    let t = example::station(&mut model, 1, Discipline::Bounded(0));
    let f = example::flow(&mut model, vec![example::cpu(t, Distribution::fixed(10.0), Vec::new())]);
    model.flows[f as usize].clients = Some((2, Distribution::fixed(0.0)));
    let outcome = engine::run(&model, 1, 0).unwrap();
    assert_eq!((outcome.flows[0].served, outcome.flows[0].present), (0, 1));
    assert!((4_990..=5_001).contains(&outcome.flows[0].lost), "{}", outcome.flows[0].lost);
}
