//! The rules on sites small enough to check by hand, and the loss rule against brute force.

use models::demand::Demand;
use models::estimate::Estimate;
use models::example;
use models::plan::{Action, Condition, Step};
use models::quantity::{CrestFactor, PowerFactor};
use models::rule::{self, Judgement, RuleName, Verdict, walk};
use models::site::*;
use proptest::prelude::*;

fn word(all: &[Judgement], rule: RuleName) -> &Verdict {
    &all.iter().find(|j| j.rule == rule).expect("the rule was asked").verdict
}

fn at(hosts: &[u32], of: usize) -> Placement {
    Placement { on: vec![true; of], host_of: hosts.iter().map(|h| Some(HostId(*h))).collect() }
}

/// Hosts of 4 x 1000 MHz and 1000 MiB with these guests' memories.
fn site(hosts: u32, memories: &[u64]) -> (Site, Demand) {
    let guests = memories.iter().enumerate().map(|(i, m)| example::guest(&format!("g{i}"), 1, *m)).collect();
    (example::site(example::class("c", 4, 1000.0, 1000), hosts, guests), example::steady(&vec![100.0; memories.len()], 4))
}

#[test]
fn memory_is_broken_by_one_mebibyte_and_the_breach_says_needed_and_available() {
    let (s, d) = site(1, &[500, 501]);
    let all = rule::judge(&s, &d, &at(&[0, 0], 1));
    let Verdict::Broken { breaches, count: 1 } = word(&all, RuleName::Memory) else { panic!("{all:?}") };
    assert_eq!((breaches[0].needed, breaches[0].available, breaches[0].place.as_str()), (1001.0, 1000.0, "h1"));
}

#[test]
fn cpu_is_judged_at_its_percentile_and_names_the_peak_step() {
    // 1 step of 20 at 4500 MHz, the rest at 1000: the 95th percentile is 1000, the 96th 4500.
    let (mut s, mut d) = site(1, &[100]);
    d = Demand { steps: 20, ..d };
    d.guests[0].cpu_khz = vec![1_000_000; 20];
    d.guests[0].cpu_khz[7] = 4_500_000;
    s.rules.cpu = CpuRule { percentile: 95.0, limit: 1.0 };
    assert!(word(&rule::judge(&s, &d, &at(&[0], 1)), RuleName::Cpu).holds());
    s.rules.cpu.percentile = 96.0;
    let all = rule::judge(&s, &d, &at(&[0], 1));
    let Verdict::Broken { breaches, .. } = word(&all, RuleName::Cpu) else { panic!("{all:?}") };
    assert_eq!((breaches[0].needed, breaches[0].when.as_deref()), (4500.0, Some("day 1 00:35:00")));
}

#[test]
fn three_hosts_of_16_gib_carry_30_gib_with_one_down_and_three_of_15_do_not() {
    // S1-3: 2 x 16 GiB hold 30 GiB; 2 x 14.9 do not.
    let guests: Vec<Guest> = (0..30).map(|i| example::guest(&format!("g{i}"), 1, 1024)).collect();
    let placed: Vec<u32> = (0..30).map(|i| i % 3).collect();
    let demand = example::steady(&[10.0; 30], 2);
    let judged = |memory| {
        let mut s = example::site(example::class("c", 8, 2000.0, memory), 3, guests.clone());
        s.rules.one_host_down = Some(DownRule { cpu_limit: 1.0 });
        word(&rule::judge(&s, &demand, &at(&placed, 3)), RuleName::OneHostDown).clone()
    };
    let Verdict::Holds { margin: Some(m) } = judged(16 * 1024) else { panic!("S1-3 holds") };
    // 10 GiB to restart, 2 x 6 GiB free.
    assert_eq!((m.needed, m.available), (10.0 * 1024.0, 12.0 * 1024.0));
    assert!(!judged(14 * 1024).holds());
}

#[test]
fn memory_free_in_pieces_is_not_memory_free() {
    // Two survivors with 400 free each do not take a guest of 600, though 800 are free.
    let (mut s, d) = site(3, &[600, 600, 600]);
    s.rules.one_host_down = Some(DownRule { cpu_limit: 1.0 });
    let Verdict::Broken { breaches, count: 3 } = word(&rule::judge(&s, &d, &at(&[0, 1, 2], 3)), RuleName::OneHostDown).clone() else {
        panic!()
    };
    assert_eq!((breaches[0].needed, breaches[0].available, breaches[0].unit.as_str()), (1.0, 0.0, "guests placed"));
    assert!(breaches[0].why.contains("in pieces"), "{}", breaches[0].why);
}

#[test]
fn survivors_carry_the_load_of_the_lost_and_are_judged_with_it() {
    let (mut s, _) = site(2, &[100, 100]);
    s.groups = vec!["pair".into()];
    for g in &mut s.guests {
        g.group = Some(GroupId(0));
        g.on_loss = OnLoss::Survivor;
    }
    s.rules.one_host_down = Some(DownRule { cpu_limit: 1.0 });
    let judged = |mhz: f64| word(&rule::judge(&s, &example::steady(&[mhz, mhz], 2), &at(&[0, 1], 2)), RuleName::OneHostDown).clone();
    // 2 x 2000 MHz fill the 4000 MHz of the one left; 2 x 2001 do not.
    assert!(judged(2000.0).holds());
    assert!(!judged(2001.0).holds());
}

#[test]
fn a_pair_in_one_chassis_is_not_apart() {
    let (mut s, d) = site(2, &[100, 100]);
    s.groups = vec!["pair".into()];
    s.guests.iter_mut().for_each(|g| g.group = Some(GroupId(0)));
    s.rules.apart = Some(vec![DomainKind::Chassis]);
    assert!(word(&rule::judge(&s, &d, &at(&[0, 1], 2)), RuleName::Apart).holds());
    s.domains = vec![Domain { name: "blades".into(), kind: DomainKind::Chassis, limit_va: None }];
    s.hosts.iter_mut().for_each(|h| h.domains = vec![DomainId(0)]);
    assert!(!word(&rule::judge(&s, &d, &at(&[0, 1], 2)), RuleName::Apart).holds());
}

#[test]
fn the_kw_limit_binds_before_the_kva_limit_for_corrected_power_supplies() {
    // models 0.3: 3 hosts of 200 W at factor 1 draw 600 W = 600 VA; a CVCF of 700 VA at 0.8 gives 560 W.
    let (mut s, _) = site(3, &[100, 100, 100]);
    s.ups = Some(Ups { output_power_factor: PowerFactor::new(0.8).unwrap(), ..example::ups(700.0) });
    s.rules.ups = Some(UpsRule { view: PowerView::Expected, reserve: 0.0 });
    let full = example::steady(&[4000.0; 3], 2);
    let Verdict::Broken { breaches, count: 1 } = word(&rule::judge(&s, &full, &at(&[0, 1, 2], 3)), RuleName::Ups).clone() else { panic!() };
    assert_eq!((breaches[0].unit.as_str(), breaches[0].needed), ("W", 600.0));
    assert!((breaches[0].available - 560.0).abs() < 1e-9);
    // Idle hosts draw 300 W.
    assert!(word(&rule::judge(&s, &example::steady(&[0.0; 3], 2), &at(&[0, 1, 2], 3)), RuleName::Ups).holds());
}

/// Three hosts of 100 to 200 W at factor 1 under a CVCF of 700 VA and 700 W, with these crest factors.
fn crested(view: PowerView, ups: Option<f64>, hosts: f64) -> Site {
    let (mut s, _) = site(3, &[100, 100, 100]);
    s.ups = Some(Ups { crest_factor: ups.map(|c| CrestFactor::new(c).unwrap()), ..example::ups(700.0) });
    s.rules.ups = Some(UpsRule { view, reserve: 0.0 });
    s.classes[0].power.crest_factor = Some(CrestFactor::new(hosts).unwrap());
    s
}

#[test]
fn a_cvcf_that_carries_the_va_and_the_w_may_not_carry_the_peak_of_the_current() {
    // Full load: 600 VA of crest factor 2 are 1200; rated for 1.5 it gives 1050, for 2 it gives 1400.
    let full = example::steady(&[4000.0; 3], 2);
    let judged = |ups| word(&rule::judge(&crested(PowerView::Expected, ups, 2.0), &full, &at(&[0, 1, 2], 3)), RuleName::Ups).clone();
    let Verdict::Broken { breaches, count: 1 } = judged(Some(1.5)) else { panic!() };
    assert_eq!((breaches[0].needed, breaches[0].available, breaches[0].unit.as_str()), (1200.0, 1050.0, "VA x crest factor"));
    assert!(judged(Some(2.0)).holds());
    // Without a crest factor of its own it is not asked, and says what it always said.
    let Verdict::Holds { margin: Some(m) } = judged(None) else { panic!() };
    assert_eq!((m.needed, m.available, m.unit.as_str()), (600.0, 700.0, "VA"));
}

#[test]
fn nameplates_have_peaks_too() {
    // Two nameplates of 250 VA x 2 = 1000; rated for 1.5: 1050. A third host makes it 1500, but 750 VA are over already.
    let (_, d) = site(3, &[100]);
    let s = crested(PowerView::Nameplate, Some(1.5), 2.0);
    let two = Placement { on: vec![true, true, false], host_of: vec![Some(HostId(0)), Some(HostId(0)), Some(HostId(1))] };
    let d = Demand { guests: vec![d.guests[0].clone(); 3], ..d };
    let Verdict::Holds { margin: Some(m) } = word(&rule::judge(&s, &d, &two), RuleName::Ups).clone() else { panic!() };
    assert_eq!((m.needed, m.available, m.unit.as_str()), (1000.0, 1050.0, "VA x crest factor"));
    let Verdict::Broken { count: 3, .. } = word(&rule::judge(&s, &d, &at(&[0, 1, 2], 3)), RuleName::Ups) else { panic!() };
}

#[test]
fn a_host_that_boots_draws_the_peak_of_full_load() {
    // 100 + 100 W idle and 200 W of the one that boots, times 2: 800. A CVCF that gives 1.1 x 700 = 770 does not carry that, one
    // that gives 840 does; at the end 3 x 100 x 2 = 600.
    let (_, d) = site(3, &[100]);
    let d = Demand { guests: vec![models::demand::Columns::default(); 3], ..d };
    let start = Placement { on: vec![true, true, false], host_of: vec![Some(HostId(0)); 3] };
    let boot = [step(1, Action::BootHost { host: "h3".into() })];
    let faults = |ups: f64| walk::walk(&crested(PowerView::Expected, Some(ups), 2.0), &d, &start, &boot).faults;
    assert_eq!(faults(1.2), vec![]);
    assert_eq!(faults(1.1).iter().map(|f| f.rule).collect::<Vec<_>>(), [Some(RuleName::Ups)]);
}

#[test]
fn licences_count_sockets_of_hosts_that_are_on() {
    let (mut s, d) = site(2, &[100]);
    s.licences = vec![Licence {
        name: "hv".into(),
        per: LicencePer::Socket,
        owned: 0,
        max: Some(2),
        price_yen: Estimate::ZERO,
        yearly_yen: Estimate::ZERO,
    }];
    s.classes[0].licences = vec![LicenceId(0)];
    s.classes[0].sockets = 2;
    let mut p = at(&[0], 2);
    assert!(!word(&rule::judge(&s, &d, &p), RuleName::Licences).holds());
    p.on[1] = false;
    assert!(word(&rule::judge(&s, &d, &p), RuleName::Licences).holds());
}

#[test]
fn a_physical_only_workload_wants_a_host_to_itself_and_a_host_without_hypervisor_carries_one() {
    let (mut s, d) = site(1, &[100, 100]);
    s.guests[0].mode = Mode::PhysicalOnly;
    assert!(!word(&rule::judge(&s, &d, &at(&[0, 0], 1)), RuleName::PhysicalOnly).holds());
    s.guests[0].mode = Mode::Paravirtual;
    s.classes[0].hypervisor = None;
    assert!(!word(&rule::judge(&s, &d, &at(&[0, 0], 1)), RuleName::PhysicalOnly).holds());
}

/// Every way to place some guests on the hosts that are left, by memory and steady CPU.
fn can_be_placed(s: &Site, mhz: &[f64], hosts: &[u32], lost: u32, of: u32) -> bool {
    let left: Vec<u32> = (0..of).filter(|h| *h != lost).collect();
    let moving: Vec<usize> = (0..hosts.len()).filter(|g| hosts[*g] == lost).collect();
    if moving.is_empty() {
        return true;
    }
    if left.is_empty() {
        return false;
    }
    (0..left.len().pow(moving.len() as u32)).any(|mut code| {
        let mut now = hosts.to_vec();
        for g in &moving {
            now[*g] = left[code % left.len()];
            code /= left.len();
        }
        left.iter().all(|h| {
            let here: Vec<usize> = (0..now.len()).filter(|g| now[*g] == *h).collect();
            here.iter().map(|g| s.guests[*g].memory.0).sum::<u64>() <= 1000 && here.iter().map(|g| mhz[*g]).sum::<f64>() <= 4000.0
        })
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn one_host_down_holds_exactly_where_some_replacement_exists(
        hosts in 2u32..5,
        guests in prop::collection::vec((1u64..8, 0u32..15, 0u32..5), 1..8),
    ) {
        let memories: Vec<u64> = guests.iter().map(|g| g.0 * 100).collect();
        let mhz: Vec<f64> = guests.iter().map(|g| f64::from(g.1) * 100.0).collect();
        let placed: Vec<u32> = guests.iter().map(|g| g.2 % hosts).collect();
        let (mut s, _) = site(hosts, &memories);
        s.rules.one_host_down = Some(DownRule { cpu_limit: 1.0 });
        let judged = rule::judge(&s, &example::steady(&mhz, 2), &at(&placed, hosts as usize));
        // Only where the state before the loss is sound: an overfull host has no free memory to speak of.
        prop_assume!(word(&judged, RuleName::Memory).holds() && word(&judged, RuleName::Cpu).holds());
        let exists = (0..hosts).all(|lost| can_be_placed(&s, &mhz, &placed, lost, hosts));
        prop_assert_eq!(word(&judged, RuleName::OneHostDown).holds(), exists);
    }

    #[test]
    fn one_more_host_never_breaks_a_loss_rule(guests in prop::collection::vec((1u64..8, 0u32..3), 1..8)) {
        let memories: Vec<u64> = guests.iter().map(|g| g.0 * 100).collect();
        let placed: Vec<u32> = guests.iter().map(|g| g.1).collect();
        let judged = |hosts: u32| {
            let (mut s, d) = site(hosts, &memories);
            s.rules.one_host_down = Some(DownRule { cpu_limit: 1.0 });
            word(&rule::judge(&s, &d, &at(&placed, hosts as usize)), RuleName::OneHostDown).holds()
        };
        prop_assert!(!judged(3) || judged(4));
    }
}

fn step(number: u32, action: Action) -> Step {
    Step { number, action, starts_after_s: None, beside: 0, before: Vec::new(), after: Vec::new() }
}

fn migrate(number: u32, guest: &str, from: &str, to: &str) -> Step {
    step(number, Action::MigrateGuest { guest: guest.into(), from: from.into(), to: to.into() })
}

#[test]
fn a_migration_needs_the_memory_on_both_hosts_while_it_lasts() {
    // g1 (600) leaves h1 for h2, and g0 (600) h2 for h1: each alone is too much beside the other.
    let (s, d) = site(2, &[600, 600]);
    let walk = walk::walk(&s, &d, &at(&[1, 0], 2), &[migrate(1, "g0", "h2", "h1"), migrate(2, "g1", "h1", "h2")]);
    assert!(walk.faults.iter().any(|f| f.step == 1 && f.rule == Some(RuleName::Memory)), "{:?}", walk.faults);
    assert_eq!(walk.end, at(&[0, 1], 2));
}

#[test]
fn a_rule_broken_in_the_middle_alone_is_a_fault() {
    // Two full-virtual guests pass over one host on their way, where one is allowed.
    let (mut s, d) = site(3, &[100, 100]);
    s.guests.iter_mut().for_each(|g| g.mode = Mode::Full);
    s.rules.full_virtual_per_host = Some(1);
    let steps = [migrate(1, "g0", "h1", "h2"), migrate(2, "g0", "h2", "h3")];
    let walk = walk::walk(&s, &d, &at(&[0, 1], 3), &steps);
    assert_eq!(walk.faults.iter().map(|f| (f.step, f.rule)).collect::<Vec<_>>(), [(1, Some(RuleName::FullVirtualSpread))]);
}

#[test]
fn a_guest_is_never_started_twice_nor_on_a_host_that_is_off_nor_unknown() {
    let (s, d) = site(2, &[100]);
    let start = |n, host: &str| step(n, Action::StartGuest { guest: "g0".into(), host: host.into() });
    let define = |n, host: &str| step(n, Action::DefineGuest { guest: "g0".into(), host: host.into() });
    let none = Placement { on: vec![true, false], host_of: vec![None] };
    let why = |steps: &[Step]| walk::walk(&s, &d, &none, steps).faults.into_iter().map(|f| f.why).collect::<Vec<_>>().join("; ");
    assert_eq!(why(&[define(1, "h1"), start(2, "h1")]), "");
    assert!(why(&[start(1, "h1")]).contains("does not know"));
    assert!(why(&[define(1, "h1"), start(2, "h1"), define(3, "h1"), start(4, "h1")]).contains("never two running copies"));
    assert!(why(&[define(1, "h2"), start(2, "h2")]).contains("is off"));
    assert!(why(&[step(1, Action::BootHost { host: "nobody".into() })]).contains("no host `nobody`"));
}

#[test]
fn a_host_with_guests_on_it_is_not_powered_off_and_a_false_condition_is_a_fault() {
    let (s, d) = site(1, &[100]);
    let off = step(1, Action::PowerOffHost { host: "h1".into() });
    assert!(walk::walk(&s, &d, &at(&[0], 1), &[off]).faults.iter().any(|f| f.why.contains("guests run on h1")));
    let mut boot = step(1, Action::BootHost { host: "h1".into() });
    boot.before = vec![Condition::HostOff { host: "h1".into() }];
    let walk = walk::walk(&s, &d, &at(&[0], 1), &[boot]);
    assert!(walk.faults.iter().any(|f| f.why == "before it, `h1 is off` is not so"), "{:?}", walk.faults);
}

fn stop(number: u32, guest: &str, host: &str) -> Step {
    step(number, Action::StopGuest { guest: guest.into(), host: host.into() })
}

#[test]
fn a_member_that_is_stopped_on_its_way_leaves_its_partner_without_a_survivor() {
    let (mut s, d) = site(3, &[100, 100]);
    s.groups = vec!["pair".into()];
    for g in &mut s.guests {
        g.group = Some(GroupId(0));
        g.on_loss = OnLoss::Survivor;
    }
    s.rules.one_host_down = Some(DownRule { cpu_limit: 1.0 });
    let steps = [
        stop(1, "g0", "h1"),
        step(2, Action::DefineGuest { guest: "g0".into(), host: "h3".into() }),
        step(3, Action::StartGuest { guest: "g0".into(), host: "h3".into() }),
    ];
    let walk = walk::walk(&s, &d, &at(&[0, 1], 3), &steps);
    assert!(walk.faults.iter().any(|f| f.step == 1 && f.rule == Some(RuleName::OneHostDown)), "{:?}", walk.faults);
}

#[test]
fn a_workload_on_the_metal_is_not_moved_live() {
    let (mut s, d) = site(2, &[100]);
    s.guests[0].mode = Mode::PhysicalOnly;
    let live = [migrate(1, "g0", "h1", "h2")];
    assert!(walk::walk(&s, &d, &at(&[0], 2), &live).faults[0].why.contains("cannot be moved live"));
    s.guests[0].mode = Mode::Paravirtual;
    s.classes[0].hypervisor = None;
    assert!(walk::walk(&s, &d, &at(&[0], 2), &live).faults[0].why.contains("cannot be moved live"));
}

#[test]
fn a_rule_broken_today_may_not_be_broken_by_more_on_the_way() {
    // 3 x 250 VA by nameplate on 700 VA: broken by 50. A fourth host makes it 300.
    let (mut s, d) = site(4, &[100]);
    s.ups = Some(example::ups(700.0));
    s.rules.ups = Some(UpsRule { view: PowerView::Nameplate, reserve: 0.0 });
    let start = Placement { on: vec![true, true, true, false], host_of: vec![Some(HostId(0))] };
    let boot = step(1, Action::BootHost { host: "h4".into() });
    let walked = walk::walk(&s, &d, &start, &[boot]);
    assert_eq!(walked.broken_before, [RuleName::Ups]);
    assert_eq!(walked.faults.iter().map(|f| f.rule).collect::<Vec<_>>(), [Some(RuleName::Ups)]);
    let off = step(1, Action::PowerOffHost { host: "h3".into() });
    assert_eq!(walk::walk(&s, &d, &start, &[off]).faults, vec![]);
}

#[test]
fn rooms_that_differ_in_their_pools_are_not_alike() {
    // x (pool X) and y (pool Y) are lost; only h2 is in X alone, so that x must leave h1 to y.
    let (mut s, d) = site(3, &[600, 500]);
    s.pools = vec!["X".into(), "Y".into()];
    s.guests[0].pool = Some(PoolId(0));
    s.guests[1].pool = Some(PoolId(1));
    s.hosts[0].pools = vec![PoolId(0), PoolId(1)];
    s.hosts[1].pools = vec![PoolId(0)];
    s.hosts[2].pools = vec![PoolId(0), PoolId(1)];
    s.classes[0].memory = models::quantity::MiB(1100);
    s.rules.one_host_down = Some(DownRule { cpu_limit: 1.0 });
    s.classes.push(example::class("small", 4, 1000.0, 1000));
    s.hosts[0].class = ClassId(1);
    s.hosts[1].class = ClassId(1);
    assert!(word(&rule::judge(&s, &d, &at(&[2, 2], 3)), RuleName::OneHostDown).holds());
}

#[test]
fn two_feeds_a_host_are_both_looked_at() {
    let (mut s, d) = site(2, &[100, 100]);
    s.groups = vec!["pair".into()];
    s.guests.iter_mut().for_each(|g| g.group = Some(GroupId(0)));
    s.rules.apart = Some(vec![DomainKind::Feed]);
    s.domains = ["a", "b", "c"].map(|n| Domain { name: n.into(), kind: DomainKind::Feed, limit_va: None }).to_vec();
    s.hosts[0].domains = vec![DomainId(0), DomainId(2)];
    s.hosts[1].domains = vec![DomainId(1), DomainId(2)];
    assert!(!word(&rule::judge(&s, &d, &at(&[0, 1], 2)), RuleName::Apart).holds());
}

#[test]
fn the_margin_of_a_loss_is_its_tightest_be_it_memory_or_cpu() {
    // 100 MiB of 900 are needed, but CPU of the survivor is full: 2000 of its own and 2000 that come, of 4000.
    let (mut s, _) = site(2, &[100, 100]);
    s.rules.one_host_down = Some(DownRule { cpu_limit: 1.0 });
    let all = rule::judge(&s, &example::steady(&[2000.0, 2000.0], 2), &at(&[0, 1], 2));
    let Verdict::Holds { margin: Some(m) } = word(&all, RuleName::OneHostDown) else { panic!("{all:?}") };
    assert_eq!((m.needed, m.available, m.unit.as_str()), (4000.0, 4000.0, "MHz"));
}
