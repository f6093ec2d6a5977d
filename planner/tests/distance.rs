//! Near and far: one network where possible, light hosts, and what to do when a host is down; held against brute force on tiny
//! sites and against the rules' own word.

use models::demand::Demand;
use models::example;
use models::loss;
use models::plan::Action;
use models::rule::{self, RuleName, walk};
use models::site::{
    Domain, DomainId, DomainKind, DownRule, GroupId, GuestId, HostId, OnLoss, Placement, Prefer, Service, ServiceId, Site, Together,
};
use planner::recover::{Recovered, Recovery, recover};
use planner::{Answer, Found, Options, bound, plan, prefer};
use proptest::prelude::*;

fn found(site: &Site, demand: &Demand) -> Found {
    match plan(site, std::slice::from_ref(demand), &Options::default()) {
        Answer::Fits(f) => *f,
        Answer::DoesNotFit { conflicts, .. } => panic!("{conflicts:#?}"),
    }
}

/// Hosts in turn in network `a` and `b`; guests of these sizes, those of `in_service` in the service `talk`.
fn two_networks(hosts: u32, memory: &[u64], in_service: usize) -> Site {
    let mut list: Vec<_> = memory.iter().enumerate().map(|(g, m)| example::guest(&format!("g{g}"), 1, *m)).collect();
    list.iter_mut().take(in_service).for_each(|g| g.service = Some(ServiceId(0)));
    let mut site = example::site(example::class("c", 4, 1000.0, 1000), hosts, list);
    site.domains = ["a", "b"].map(|n| Domain { name: n.into(), kind: DomainKind::Network, limit_va: None }).to_vec();
    site.hosts.iter_mut().enumerate().for_each(|(h, host)| host.domains = vec![DomainId(h as u32 % 2)]);
    site.services = vec![Service { name: "talk".into(), title: String::new() }];
    site
}

fn networks_of(site: &Site, placement: &Placement, guests: usize) -> Vec<u32> {
    (0..guests).map(|g| site.hosts[placement.host_of[g].unwrap().index()].domains[0].0).collect()
}

#[test]
fn a_service_stands_in_one_network_by_the_rule_and_also_without_where_it_costs_nothing() {
    // Four guests of 900 of 1000 MiB want a host each; the two that talk come first in the file, and the hosts take turns.
    let mut site = two_networks(4, &[900, 900, 900, 900], 2);
    let demand = example::steady(&[100.0; 4], 4);
    let free = found(&site, &demand);
    let networks = networks_of(&site, &free.placement, 2);
    assert_eq!(networks[0], networks[1], "{:?}", free.placement);
    site.rules.one_network = vec![Together::Service(ServiceId(0))];
    let asked = found(&site, &demand);
    let networks = networks_of(&site, &asked.placement, 2);
    assert_eq!(networks[0], networks[1]);
    assert!(asked.verdicts.iter().any(|j| j.rule == RuleName::OneNetwork && j.verdict.holds()));
    assert_eq!(asked.cost, free.cost);
}

#[test]
fn a_service_too_large_for_any_network_is_refused_and_the_rule_is_named() {
    let mut site = two_networks(4, &[900, 900, 900], 3);
    let demand = example::steady(&[100.0; 3], 4);
    assert_eq!(prefer::spans(&site, &found(&site, &demand).placement), 1);
    site.rules.one_network = vec![Together::Service(ServiceId(0))];
    let Answer::DoesNotFit { conflicts, .. } = plan(&site, std::slice::from_ref(&demand), &Options::default()) else {
        panic!("three hosts of one network are not there")
    };
    assert!(
        conflicts.iter().any(|c| c.contains("without the rule \"one network\" it fits") && c.contains("2 in network")),
        "{conflicts:#?}"
    );
}

#[test]
fn nothing_that_runs_is_moved_for_a_network_that_no_rule_asks_for() {
    let mut site = two_networks(2, &[900, 900], 2);
    site.today = Some(Placement { on: vec![true; 2], host_of: vec![Some(HostId(0)), Some(HostId(1))] });
    assert_eq!(found(&site, &example::steady(&[100.0; 2], 4)).steps, []);
}

#[test]
fn a_guest_goes_to_the_host_that_others_load_least_where_the_site_prefers_it() {
    // Both hosts are on for their pinned guests, of 3000 and 500 of 4000 MHz; the free one of 200 stands beside the first.
    let list = vec![example::guest("heavy", 1, 100), example::guest("light", 1, 100), example::guest("free", 1, 100)];
    let mut site = example::site(example::class("c", 4, 1000.0, 1000), 2, list);
    (site.guests[0].pinned, site.guests[1].pinned) = (Some(HostId(0)), Some(HostId(1)));
    site.today = Some(Placement { on: vec![true; 2], host_of: vec![Some(HostId(0)), Some(HostId(1)), Some(HostId(0))] });
    let demand = example::steady(&[3000.0, 500.0, 200.0], 4);
    let plain = found(&site, &demand);
    assert_eq!(plain.steps, [], "without the wish nothing is moved for it");
    site.rules.prefer = Some(Prefer::Light);
    let light = found(&site, &demand);
    assert_eq!(light.placement.host_of[2], Some(HostId(1)));
    assert!(light.cost.total().value <= 1.001 * plain.cost.total().value);
    assert!(prefer::weight(&site, &demand, &light.placement) < prefer::weight(&site, &demand, &plain.placement));
}

fn after(site: &Site, demand: &Demand, lost: &[u32], keep_spare: bool) -> (loss::Left, Result<Recovery, Vec<String>>) {
    let left = loss::after(site, &lost.iter().map(|h| HostId(*h)).collect::<Vec<_>>());
    match recover(&left, std::slice::from_ref(demand), keep_spare) {
        Recovered::Runs(r) => (left, Ok(*r)),
        Recovered::DoesNotFit { conflicts } => (left, Err(conflicts)),
    }
}

/// Hosts of 1000 MiB with these guests: host, MiB.
fn running(hosts: u32, guests: &[(u32, u64)]) -> (Site, Demand) {
    let list = guests.iter().enumerate().map(|(g, (_, m))| example::guest(&format!("g{g}"), 1, *m)).collect();
    let mut site = example::site(example::class("c", 4, 1000.0, 1000), hosts, list);
    site.today = Some(Placement { on: vec![true; hosts as usize], host_of: guests.iter().map(|(h, _)| Some(HostId(*h))).collect() });
    (site, example::steady(&vec![100.0; guests.len()], 4))
}

#[test]
fn fallen_guests_start_elsewhere_and_nothing_else_is_touched() {
    let (site, demand) = running(3, &[(0, 300), (0, 300), (1, 300), (2, 600)]);
    let (_, r) = after(&site, &demand, &[0], true);
    let r = r.unwrap();
    assert!(
        r.found.steps.iter().all(|s| matches!(s.action, Action::DefineGuest { .. } | Action::StartGuest { .. })),
        "{:?}",
        r.found.steps
    );
    assert_eq!(r.found.steps.len(), 4);
    assert_eq!((r.down, r.not_asked), (vec![], vec![]));
}

#[test]
fn a_running_guest_makes_room_where_nothing_else_helps_and_then_the_fallen_one_starts() {
    // 900 MiB want a host of their own: one of the two small guests joins the other.
    let (site, demand) = running(3, &[(0, 900), (1, 300), (2, 300)]);
    let r = after(&site, &demand, &[0], true).1.unwrap();
    let kinds: Vec<bool> = r.found.steps.iter().map(|s| matches!(s.action, Action::MigrateGuest { .. })).collect();
    assert_eq!(kinds, [true, false, false], "{:?}", r.found.steps);
}

#[test]
fn a_host_that_is_off_is_booted_for_them() {
    let (mut site, demand) = running(3, &[(0, 900), (1, 900)]);
    site.today.as_mut().unwrap().on[2] = false;
    let r = after(&site, &demand, &[0], true).1.unwrap();
    assert!(matches!(&r.found.steps[0].action, Action::BootHost { host } if host == "h3"), "{:?}", r.found.steps);
    assert_eq!(r.found.steps.len(), 3);
}

#[test]
fn a_site_that_cannot_lose_another_host_says_which_rule_is_not_asked_and_why() {
    // S3-4's rule on three hosts of 1000 MiB with 400 each: after one loss, 1200 MiB are on two, and on no one of them.
    let (mut site, demand) = running(3, &[(0, 400), (1, 400), (2, 400)]);
    site.rules.one_host_down = Some(DownRule { cpu_limit: 1.0 });
    let r = after(&site, &demand, &[0], true).1.unwrap();
    assert_eq!(r.not_asked.iter().map(|n| n.rule).collect::<Vec<_>>(), [RuleName::OneHostDown]);
    assert!(r.not_asked[0].why.starts_with("host h"), "{}", r.not_asked[0].why);
    assert_eq!(r.found.placement.host_of.iter().flatten().count(), 3);
    // With 300 each one host carries all: the rule is asked and kept.
    let (mut site, demand) = running(3, &[(0, 300), (1, 300), (2, 300)]);
    site.rules.one_host_down = Some(DownRule { cpu_limit: 1.0 });
    let r = after(&site, &demand, &[0], true).1.unwrap();
    assert_eq!(r.not_asked, []);
    assert!(r.found.verdicts.iter().any(|j| j.rule == RuleName::OneHostDown));
    // Unless it was not to be asked.
    let r = after(&site, &demand, &[0], false).1.unwrap();
    assert_eq!(r.not_asked[0].why, "it would hold at the end");
}

#[test]
fn a_service_that_loses_its_network_moves_to_another_as_a_whole_or_spans_two_and_says_so() {
    let mut site = two_networks(4, &[450, 450], 2);
    site.rules.one_network = vec![Together::Service(ServiceId(0))];
    site.today = Some(Placement { on: vec![true; 4], host_of: vec![Some(HostId(0)), Some(HostId(2))] });
    let demand = example::steady(&[100.0; 2], 4);
    // Network a is lost: both start in b.
    let (left, r) = after(&site, &demand, &[0, 2], true);
    assert_eq!(networks_of(&left.site, &r.unwrap().found.placement, 2), [1, 1]);
    // One host of a is lost, and the other has room.
    let (left, r) = after(&site, &demand, &[0], true);
    assert_eq!(networks_of(&left.site, &r.unwrap().found.placement, 2), [0, 0]);
    // It has none, and the others in b have room for one each only by spanning: 900 and 450 do not share 1000.
    site.guests[0].memory = models::quantity::MiB(900);
    let mut full = site.clone();
    full.hosts.truncate(3);
    full.today = Some(Placement { on: vec![true; 3], host_of: vec![Some(HostId(0)), Some(HostId(2))] });
    let (_, r) = after(&full, &demand, &[0], true);
    let r = r.unwrap();
    assert_eq!(r.not_asked.iter().map(|n| n.rule).collect::<Vec<_>>(), [RuleName::OneNetwork]);
}

#[test]
fn who_does_not_fit_is_named_with_figures_and_who_may_stay_down_stays_down() {
    let (mut site, demand) = running(2, &[(0, 900), (1, 900)]);
    let conflicts = after(&site, &demand, &[0], true).1.err().unwrap();
    assert_eq!(
        conflicts,
        [
            "1 of 1 guests that must start again find no host: g0",
            "guest g0 needs 900 MiB; of 1 hosts that admit it h2 has the most free, 100 MiB"
        ]
    );
    site.guests[0].on_loss = OnLoss::Accept;
    let r = after(&site, &demand, &[0], true).1.unwrap();
    assert_eq!(r.down, [(GuestId(0), "loss accepted")]);
    assert_eq!(r.found.steps, []);
    site.guests[0].pinned = Some(HostId(0));
    site.guests[0].on_loss = OnLoss::Restart;
    let conflicts = after(&site, &demand, &[0], true).1.err().unwrap();
    assert_eq!(conflicts[1], "guest g0 is pinned to a host that is lost");
}

/// A tiny random site that runs, and a host to lose.
fn tiny() -> impl Strategy<Value = (Site, Demand, u32)> {
    let guest = (1u64..9, 0u32..12, 0u8..6, 0u8..3);
    (2usize..5, prop::collection::vec(guest, 1..7), any::<(bool, bool)>(), 0u32..4).prop_map(|(hosts, guests, (down, apart), lost)| {
        let list = guests
            .iter()
            .enumerate()
            .map(|(i, (memory, _, group, on_loss))| {
                let mut g = example::guest(&format!("g{i}"), 4, *memory * 100);
                g.group = (*group < 2).then_some(GroupId(u32::from(*group)));
                g.on_loss = match on_loss {
                    0 => OnLoss::Accept,
                    1 if g.group.is_some() => OnLoss::Survivor,
                    _ => OnLoss::Restart,
                };
                g
            })
            .collect();
        let mut site = example::site(example::class("c", 4, 1000.0, 1200), hosts as u32, list);
        site.groups = vec!["a".into(), "b".into()];
        site.rules.one_host_down = down.then_some(DownRule { cpu_limit: 1.0 });
        site.rules.apart = apart.then(Vec::new);
        let mhz: Vec<f64> = guests.iter().map(|(_, cpu, _, _)| f64::from(*cpu) * 150.0).collect();
        let demand = example::steady(&mhz, 2);
        if let Answer::Fits(f) = plan(&site, std::slice::from_ref(&demand), &Options::default()) {
            site.today = Some(f.placement.clone());
        }
        (site, demand, lost % hosts as u32)
    })
}

/// Whether the guests that fell find places beside those that run, which stay; by trying every way, without rules on a further loss.
fn some_restart_holds(left: &loss::Left, demand: &Demand) -> bool {
    let today = left.site.today.as_ref().unwrap();
    let homeless: Vec<usize> = (0..today.host_of.len()).filter(|g| today.host_of[*g].is_none()).collect();
    let hosts = left.site.hosts.len();
    // One more choice: to stay down.
    (0..(hosts + 1).pow(homeless.len() as u32)).any(|mut code| {
        let mut placement = Placement { on: vec![true; hosts], host_of: today.host_of.clone() };
        for g in &homeless {
            placement.host_of[*g] = (code % (hosts + 1) < hosts).then(|| HostId::at(code % (hosts + 1)));
            code /= hosts + 1;
        }
        let out = [RuleName::OneHostDown];
        let (site, demands) = planner::recover::judged_under(left, std::slice::from_ref(demand), &placement, &out);
        rule::all_hold(&rule::judge(&site, &demands[0], &placement))
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn after_a_loss_every_rule_that_is_asked_holds_at_every_step((site, demand, lost) in tiny()) {
        prop_assume!(site.today.is_some());
        let (left, r) = after(&site, &demand, &[lost], true);
        let start = left.site.today.clone().unwrap();
        match r {
            Ok(r) => {
                let f = &r.found;
                let out: Vec<RuleName> = r.not_asked.iter().map(|n| n.rule).collect();
                let (judged, demands) =
                    planner::recover::judged_under(&left, std::slice::from_ref(&demand), &f.placement, &out);
                prop_assert!(rule::all_hold(&rule::judge(&judged, &demands[0], &f.placement)));
                let walked = walk::walk(&judged, &demands[0], &start, &f.steps);
                prop_assert_eq!(walked.faults, vec![]);
                prop_assert_eq!(&walked.end, &f.placement);
                for g in 0..site.guests.len() {
                    let down = r.down.iter().any(|d| d.0 == GuestId::at(g));
                    prop_assert_eq!(f.placement.host_of[g].is_none(), down);
                    prop_assert!(!down || site.guests[g].on_loss != OnLoss::Restart);
                }
                // What was on stays on, and a site with less is not carried by fewer hosts than the whole one needs.
                prop_assert!(start.on.iter().zip(&f.placement.on).all(|(was, is)| *is || !was));
                if r.down.is_empty() {
                    let mut bare = site.clone();
                    bare.rules.one_host_down = None;
                    prop_assert!(bound::by_volume(&bare, &demand).hosts as usize <= f.placement.hosts_on());
                }
                prop_assert!(f.bound.cost_yen <= f.cost.total().value + 1e-6, "bound {} cost {}", f.bound.cost_yen, f.cost.total().value);
            }
            Err(_) => prop_assert!(!some_restart_holds(&left, &demand), "a restart exists that was missed"),
        }
    }

    #[test]
    fn the_loss_of_an_empty_host_changes_nothing_for_guests((site, demand, lost) in tiny()) {
        prop_assume!(site.today.as_ref().is_some_and(|t| !t.host_of.contains(&Some(HostId(lost)))));
        // A rule on a further loss may need the lost host as its spare, and then guests may move.
        let mut site = site;
        site.rules.one_host_down = None;
        let (left, r) = after(&site, &demand, &[lost], true);
        let r = r.ok().unwrap();
        prop_assert_eq!(r.found.steps, vec![]);
        prop_assert_eq!(Some(&r.found.placement), left.site.today.as_ref());
    }

    #[test]
    fn one_network_is_found_wherever_brute_force_finds_it(
        memory in prop::collection::vec(2u64..10, 1..6), in_service in 0usize..6, hosts in 2u32..5
    ) {
        let sizes: Vec<u64> = memory.iter().map(|m| 100 * m).collect();
        let mut site = two_networks(hosts, &sizes, in_service);
        let demand = example::steady(&vec![100.0; sizes.len()], 2);
        let free = plan(&site, std::slice::from_ref(&demand), &Options::default());
        site.rules.one_network = vec![Together::Service(ServiceId(0))];
        let exists = (0..(hosts as usize).pow(sizes.len() as u32)).any(|mut code| {
            let host_of = sizes.iter().map(|_| { let h = code % hosts as usize; code /= hosts as usize; Some(HostId::at(h)) }).collect();
            rule::all_hold(&rule::judge(&site, &demand, &Placement { on: vec![true; hosts as usize], host_of }))
        });
        match plan(&site, std::slice::from_ref(&demand), &Options::default()) {
            Answer::Fits(f) => {
                prop_assert!(exists && rule::all_hold(&rule::judge(&f.site, &demand, &f.placement)));
                // The rule never makes it cheaper, and where it is as cheap, it is kept without being asked.
                let Answer::Fits(free) = free else { panic!("it fits with a rule more") };
                prop_assert!(f.cost.total().value >= free.cost.total().value / 1.001);
                if f.cost.total().value <= free.cost.total().value && f.steps.len() <= free.steps.len() {
                    prop_assert_eq!(prefer::spans(&site, &free.placement), 0);
                }
            }
            Answer::DoesNotFit { .. } => prop_assert!(!exists, "a placement in one network was missed"),
        }
    }
}

#[test]
fn the_generator_of_losses_makes_all_kinds() {
    use proptest::strategy::ValueTree;
    use proptest::test_runner::TestRunner;
    let mut runner = TestRunner::deterministic();
    let (mut kept, mut not_kept, mut down, mut refused) = (0, 0, 0, 0);
    for _ in 0..150 {
        let (site, demand, lost) = tiny().new_tree(&mut runner).unwrap().current();
        if site.today.is_none() {
            continue;
        }
        match after(&site, &demand, &[lost], true).1 {
            Err(_) => refused += 1,
            Ok(r) if !r.down.is_empty() => down += 1,
            Ok(r) if !r.not_asked.is_empty() => not_kept += 1,
            Ok(_) => kept += 1,
        }
    }
    assert!(kept >= 5 && not_kept >= 5 && down >= 3 && refused >= 3, "{kept} kept, {not_kept} not kept, {down} down, {refused} refused");
}
