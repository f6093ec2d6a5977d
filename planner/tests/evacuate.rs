//! Hosts that are emptied and stay on: on sites small enough to see, and against every placement there is.

use models::demand::Demand;
use models::estimate::Estimate;
use models::evacuation;
use models::example;
use models::plan::{Action, Condition};
use models::quantity::MiB;
use models::rule::{self, RuleName, walk};
use models::site::{DownRule, HostId, Placement, Sale, Site};
use planner::{Answer, Found, evacuate};
use proptest::prelude::*;

/// Hosts of 4 x 1000 MHz and 1000 MiB, all on, and guests of these memories on these hosts.
fn site(hosts: usize, guests: &[(u64, usize)]) -> (Site, Demand) {
    let list = guests.iter().enumerate().map(|(g, (mib, _))| example::guest(&format!("g{}", g + 1), 1, *mib)).collect();
    let mut s = example::site(example::class("c", 4, 1000.0, 1000), hosts as u32, list);
    s.today = Some(Placement { on: vec![true; hosts], host_of: guests.iter().map(|(_, h)| Some(HostId::at(*h))).collect() });
    (s, example::steady(&vec![100.0; guests.len()], 2))
}

fn evacuated(s: &Site, d: &Demand, hosts: &[usize]) -> Answer {
    let hosts: Vec<HostId> = hosts.iter().map(|h| HostId::at(*h)).collect();
    evacuate::plan(&evacuation::of(s, &hosts), std::slice::from_ref(d))
}

fn found(s: &Site, d: &Demand, hosts: &[usize]) -> Found {
    match evacuated(s, d, hosts) {
        Answer::Fits(f) => *f,
        Answer::DoesNotFit { conflicts, .. } => panic!("{conflicts:#?}"),
    }
}

fn conflicts(s: &Site, d: &Demand, hosts: &[usize]) -> Vec<String> {
    match evacuated(s, d, hosts) {
        Answer::Fits(f) => panic!("{:#?}", f.steps),
        Answer::DoesNotFit { conflicts, .. } => conflicts,
    }
}

fn says(f: &Found) -> Vec<String> {
    f.steps.iter().map(|s| s.action.to_string()).collect()
}

#[test]
fn the_guests_of_a_host_go_and_nothing_else_is_touched_and_it_stays_on() {
    let (s, d) = site(3, &[(300, 0), (300, 1), (200, 1), (300, 2)]);
    let f = found(&s, &d, &[1]);
    assert_eq!(says(&f), ["migrate guest g2 from h2 to h1", "migrate guest g3 from h2 to h3", "see that host h2 is evacuated"]);
    assert_eq!(f.placement.on, [true; 3]);
    assert!(rule::all_hold(&f.verdicts) && f.verdicts.iter().any(|j| j.rule == RuleName::Evacuated));
    assert_eq!(f.broken_before, vec![]);
    let last = f.steps.last().unwrap();
    assert_eq!(last.after, [Condition::HostEmpty { host: "h2".into() }]);
    assert_eq!(walk::walk(&f.site, &d, f.site.today.as_ref().unwrap(), &f.steps).faults, vec![]);
}

#[test]
fn an_empty_host_is_looked_at_and_two_are_each_seen_to_when_the_last_guest_has_left() {
    let (s, d) = site(3, &[(300, 0)]);
    assert_eq!(says(&found(&s, &d, &[1])), ["see that host h2 is evacuated"]);
    let (s, d) = site(3, &[(300, 0), (200, 1), (100, 0)]);
    let f = found(&s, &d, &[0, 1]);
    let seen = |host: &str| f.steps.iter().position(|x| x.action == Action::EvacuateHost { host: host.into() }).unwrap();
    let left = |host: &str| {
        f.steps.iter().rposition(|x| matches!(&x.action, Action::MigrateGuest { from, to, .. } if from == host && to == "h3")).unwrap()
    };
    for host in ["h1", "h2"] {
        assert_eq!(seen(host), left(host) + 1, "{:#?}", says(&f));
    }
}

#[test]
fn where_no_loss_would_be_survived_without_it_it_does_not_fit_and_the_rule_is_named() {
    // 1800 MiB on two hosts of 1000: with one of them down the other takes 1000. h2 itself is nobody's spare.
    let (mut s, d) = site(3, &[(300, 0), (300, 0), (300, 1), (300, 1), (300, 2), (300, 2)]);
    assert_eq!(found(&s, &d, &[1]).steps.len(), 3);
    s.rules.one_host_down = Some(DownRule { cpu_limit: 1.0 });
    let all = conflicts(&s, &d, &[1]);
    assert!(all[0].starts_with("h2 cannot be evacuated: without the rule \"one host down\" it fits"), "{all:#?}");
    assert!(all[0].contains("host h1: memory of 3 guests to restart exceeds"), "{all:#?}");
}

#[test]
fn a_guest_that_is_pinned_to_the_host_is_named() {
    let (mut s, d) = site(3, &[(300, 0), (300, 1), (300, 1)]);
    s.guests[1].pinned = Some(HostId(1));
    assert_eq!(conflicts(&s, &d, &[0, 1]), ["h2 cannot be evacuated: pinned to it: guest g2"]);
    s.guests[2].pinned = Some(HostId(1));
    assert_eq!(conflicts(&s, &d, &[1]), ["h2 cannot be evacuated: pinned to it: guests g2, g3"]);
    // A pin to another host is no reason.
    assert_eq!(found(&s, &d, &[0]).steps.len(), 2);
}

#[test]
fn a_guest_that_no_other_host_admits_is_named() {
    let (mut s, d) = site(2, &[(300, 0)]);
    s.classes.push(example::class("small", 4, 1000.0, 200));
    s.hosts[1].class = models::site::ClassId(1);
    assert_eq!(conflicts(&s, &d, &[0]), ["h1 cannot be evacuated: guest g1 (300 MiB) is admitted by no host that stands or is for sale"]);
}

#[test]
fn nothing_is_bought_for_it() {
    let (mut s, d) = site(2, &[(600, 0), (600, 1)]);
    s.classes[0].sale = Some(Sale { price_yen: Estimate::exactly(1.0), max: 5, stands_in: Vec::new(), pools: Vec::new() });
    let all = conflicts(&s, &d, &[1]);
    assert!(all[0].starts_with("h2 cannot be evacuated: "), "{all:#?}");
}

#[test]
fn a_host_that_is_off_is_booted_where_those_that_are_on_do_not_suffice() {
    let (mut s, d) = site(3, &[(600, 0), (600, 1)]);
    s.today.as_mut().unwrap().on[2] = false;
    assert_eq!(says(&found(&s, &d, &[1])), ["boot host h3", "migrate guest g2 from h2 to h3", "see that host h2 is evacuated"]);
}

#[test]
fn others_are_moved_to_make_room_where_they_must_be() {
    // g2 needs 500: h1 has 400 free and h3 has, until g3 goes to h1.
    let (s, d) = site(3, &[(600, 0), (500, 1), (200, 2), (400, 2)]);
    let f = found(&s, &d, &[1]);
    assert_eq!(f.placement.host_of[1], Some(HostId(2)), "{:#?}", says(&f));
    assert!(says(&f).contains(&"migrate guest g2 from h2 to h3".to_owned()));
}

#[test]
fn a_guest_that_cannot_be_moved_live_is_stopped_and_started() {
    let (mut s, d) = site(2, &[(300, 0)]);
    s.classes.push(models::site::HostClass { hypervisor: None, ..example::class("metal", 4, 1000.0, 1000) });
    s.hosts[0].class = models::site::ClassId(1);
    assert_eq!(
        says(&found(&s, &d, &[0])),
        ["stop guest g1 on h1", "see that host h1 is evacuated", "define guest g1 on h2", "start guest g1 on h2"]
    );
}

proptest! {
    #[test]
    fn it_fits_where_some_placement_keeps_the_rules_and_there_is_a_way_and_else_says_which_host(
        memories in prop::collection::vec(1u64..7, 1..6), seats in prop::collection::vec(0usize..3, 6), loss in any::<bool>(),
    ) {
        let guests: Vec<(u64, usize)> = memories.iter().zip(&seats).map(|(m, h)| (100 * m, *h)).collect();
        let (mut s, d) = site(3, &guests);
        s.rules.one_host_down = loss.then_some(DownRule { cpu_limit: 1.0 });
        prop_assume!(rule::all_hold(&rule::judge(&s, &d, s.today.as_ref().unwrap())));
        let emptied = evacuation::of(&s, &[HostId(1)]);
        // Every placement on the other two.
        let some_end = (0..1u32 << guests.len()).any(|bits| {
            let host_of = (0..guests.len()).map(|g| Some(HostId(if bits >> g & 1 == 0 { 0 } else { 2 }))).collect();
            rule::all_hold(&rule::judge(&emptied, &d, &Placement { on: vec![true; 3], host_of }))
        });
        match evacuate::plan(&emptied, std::slice::from_ref(&d)) {
            Answer::Fits(f) => {
                prop_assert!(some_end);
                prop_assert!(rule::all_hold(&rule::judge(&f.site, &d, &f.placement)));
                prop_assert!(f.placement.on.iter().all(|on| *on) && !f.placement.host_of.contains(&Some(HostId(1))));
                let walked = walk::walk(&f.site, &d, f.site.today.as_ref().unwrap(), &f.steps);
                prop_assert_eq!(walked.faults, vec![]);
                prop_assert_eq!(walked.end, f.placement);
                prop_assert_eq!(f.steps.iter().filter(|x| matches!(x.action, Action::EvacuateHost { .. })).count(), 1);
            }
            Answer::DoesNotFit { conflicts, .. } => {
                prop_assert!(conflicts[0].starts_with("h2 cannot be evacuated: "), "{:?}", conflicts);
                // Where an end is there, the way to it is what is missing.
                prop_assert!(!some_end || conflicts[0].contains("no order of steps was found"), "{:?}", conflicts);
            }
        }
    }
}

#[test]
fn memory_of_a_class_is_what_its_hypervisor_leaves_here_too() {
    let (mut s, d) = site(2, &[(500, 0), (500, 1)]);
    assert_eq!(found(&s, &d, &[1]).steps.len(), 2);
    s.classes[0].hypervisor = Some(MiB(1));
    assert!(conflicts(&s, &d, &[1])[0].starts_with("h2 cannot be evacuated: "));
}
