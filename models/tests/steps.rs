//! Steps that overlap, and hosts that retire: judged by the walk, held against the law and against counting.

use models::demand::Demand;
use models::example;
use models::law::inrush::smallest_delay;
use models::plan::{Action, Condition, Step};
use models::quantity::{Amperes, Nanos, PowerFactor, VoltAmperes, Watts};
use models::rule::{self, RuleName, Verdict, ups, walk};
use models::site::*;
use proptest::prelude::*;

/// Dark hosts of 100 to 200 W and VA that boot for 120 s, under a CVCF of so many VA that delivers as many W.
fn site(hosts: u32, rating: f64, view: PowerView) -> (Site, Demand) {
    let mut s = example::site(example::class("c", 4, 1000.0, 1000), hosts, vec![example::guest("g", 1, 100)]);
    s.ups = Some(example::ups(rating));
    s.rules.ups = Some(UpsRule { view, reserve: 0.0 });
    (s, example::steady(&[100.0], 4))
}

/// Boots of all hosts in order, each so long after the one before it began; `None`: after its end.
fn boots(site: &Site, delay: Option<u64>) -> Vec<Step> {
    (0..site.hosts.len())
        .map(|h| Step {
            number: h as u32 + 1,
            action: Action::BootHost { host: site.hosts[h].name.clone() },
            beside: 0,
            starts_after_s: delay.filter(|_| h > 0),
            before: vec![Condition::HostOff { host: site.hosts[h].name.clone() }],
            after: vec![Condition::HostOn { host: site.hosts[h].name.clone() }],
        })
        .collect()
}

fn faults(site: &Site, demand: &Demand, steps: &[Step]) -> Vec<walk::Fault> {
    walk::walk(site, demand, &Placement::empty(site), steps).faults
}

#[test]
fn boots_that_overlap_are_judged_together_and_a_delay_that_is_too_small_is_refused() {
    // Four hosts; with the last one up to 3 idle: 300 + 200 one at a time, 200 + 400 two at a time, 800 all together.
    let (s, d) = site(4, 600.0, PowerView::Expected);
    assert_eq!(faults(&s, &d, &boots(&s, None)), vec![]);
    assert_eq!(faults(&s, &d, &boots(&s, Some(60))), vec![]);
    let refused = faults(&s, &d, &boots(&s, Some(59)));
    // The third boots beside two: 600. The fourth beside two, and one idles: 700.
    assert_eq!(refused.iter().map(|f| (f.step, f.rule)).collect::<Vec<_>>(), [(4, Some(RuleName::Ups))]);
    assert!(refused[0].why.contains("needed 700.0, available 600.0"), "{}", refused[0].why);
    let w_binds = {
        let mut s = s.clone();
        s.ups.as_mut().unwrap().output_power_factor = PowerFactor::new(0.5).unwrap();
        s.ups.as_mut().unwrap().rating = VoltAmperes::new(1200.0).unwrap();
        s
    };
    assert!(faults(&w_binds, &d, &boots(&s, Some(59)))[0].why.contains("while 3 hosts boot at once"));
    assert_eq!(faults(&s, &d, &boots(&s, Some(0))).iter().map(|f| f.step).collect::<Vec<_>>(), [4]);
}

#[test]
fn by_nameplate_boots_may_overlap_as_far_as_the_nameplates_do() {
    // 4 x 250 VA.
    let (s, d) = site(4, 1000.0, PowerView::Nameplate);
    assert_eq!(faults(&s, &d, &boots(&s, Some(0))), vec![]);
    assert_eq!(faults(&site(4, 999.0, PowerView::Nameplate).0, &d, &boots(&s, Some(0))).len(), 1);
}

#[test]
fn a_step_without_the_key_waits_for_all_before_it() {
    // Two together, and the third when both have ended: 200 idle + 200.
    let (s, d) = site(3, 400.0, PowerView::Expected);
    let mut steps = boots(&s, Some(0));
    assert!(!faults(&s, &d, &steps).is_empty());
    steps[2].starts_after_s = None;
    assert_eq!(faults(&s, &d, &steps), vec![]);
}

#[test]
fn rushes_add_up_and_disks_spin_up() {
    let (mut s, d) = site(4, 5000.0, PowerView::Expected);
    s.power_on = Some(PowerOn {
        inrush: Amperes::new(36.0).unwrap(),
        inrush_lasts: Nanos::millis(1500),
        spin_up: Watts::new(50.0).unwrap(),
        spin_up_lasts: Nanos::seconds(10),
        ups_peak: Amperes::new(100.0).unwrap(),
    });
    // 1.5 s: two rush together at a distance of 1 s, all four at 0 s.
    assert_eq!(faults(&s, &d, &boots(&s, Some(1))), vec![]);
    let all = faults(&s, &d, &boots(&s, Some(0)));
    assert_eq!(all.iter().map(|f| f.step).collect::<Vec<_>>(), [3, 4]);
    assert!(all[0].why.contains("the rush of 3 hosts switched on together"), "{}", all[0].why);
    // 4 x 200 W with two of them spinning up (5 s apart): 900.
    s.ups.as_mut().unwrap().rating = VoltAmperes::new(900.0).unwrap();
    assert_eq!(faults(&s, &d, &boots(&s, Some(5))), vec![]);
    assert_eq!(faults(&s, &d, &boots(&s, Some(4))).len(), 1);
    // At the end nothing rushes: the rules of the placement do not know it.
    let on = Placement { on: vec![true; 4], host_of: vec![Some(HostId(0))] };
    s.power_on.as_mut().unwrap().ups_peak = Amperes::new(1.0).unwrap();
    assert!(rule::all_hold(&rule::judge(&s, &d, &on)));
}

#[test]
fn only_a_boot_that_follows_a_boot_may_begin_early() {
    let (s, d) = site(2, 5000.0, PowerView::Expected);
    let mut first = boots(&s, None);
    first[0].starts_after_s = Some(1);
    assert!(faults(&s, &d, &first)[0].why.contains("`starts_after_s` is for a boot that follows a boot"));
    let mut define = boots(&s, Some(1));
    define[1].action = Action::DefineGuest { guest: "g".into(), host: "h1".into() };
    (define[1].before, define[1].after) = (vec![], vec![]);
    assert!(faults(&s, &d, &define).iter().any(|f| f.step == 2 && f.why.contains("`starts_after_s` is for a boot")));
}

#[test]
fn a_boot_that_does_not_wait_cannot_have_the_host_that_still_boots() {
    let (s, d) = site(2, 5000.0, PowerView::Expected);
    let mut steps = boots(&s, Some(30));
    steps[1].before.push(Condition::HostOn { host: "h1".into() });
    assert_eq!(faults(&s, &d, &steps).iter().map(|f| f.why.as_str()).collect::<Vec<_>>(), ["before it, `h1 is on` is not so"]);
    steps[1].starts_after_s = None;
    assert_eq!(faults(&s, &d, &steps), vec![]);
}

#[test]
fn no_number_of_seconds_is_too_large() {
    let (s, d) = site(4, 500.0, PowerView::Expected);
    assert_eq!(faults(&s, &d, &boots(&s, Some(u64::MAX))), vec![]);
}

#[test]
fn a_step_keeps_its_delay_through_its_text_and_without_one_has_no_key() {
    let (s, _) = site(2, 500.0, PowerView::Expected);
    for delay in [None, Some(0), Some(7)] {
        let step = boots(&s, delay).remove(1);
        let text = serde_json::to_string(&step).unwrap();
        assert_eq!(text.contains("starts_after_s"), delay.is_some());
        assert_eq!(serde_json::from_str::<Step>(&text).unwrap(), step);
    }
    let text = |delay| boots(&s, delay).remove(1).to_string();
    assert_eq!(text(None), "boot host h2");
    assert_eq!(text(Some(7)), "boot host h2 7 s after the boot before it began");
    assert_eq!(text(Some(0)), "boot host h2 together with the boot before it");
    assert!(
        serde_json::from_str::<Step>(&serde_json::to_string(&boots(&s, None)[0]).unwrap().replace("before", "starts_after\":1,\"before"))
            .is_err()
    );
}

proptest! {
    #[test]
    fn the_law_gives_the_first_delay_that_the_walk_lets_pass(
        classes in prop::collection::vec((50u32..300, 0u32..200, 1u64..100), 1..4), dealt in prop::collection::vec(0usize..4, 2..7), rating in 100u32..2500,
    ) {
        let (mut s, d) = site(dealt.len() as u32, f64::from(rating) + 0.5, PowerView::Expected);
        s.classes = classes
            .iter()
            .map(|(idle, more, boot)| {
                let mut class = example::class("c", 4, 1000.0, 1000);
                let w = |w: u32| Watts::new(f64::from(w)).unwrap();
                class.power.curve = models::law::power::Curve::new(vec![w(*idle), w(idle + more)]).unwrap();
                class.boot = Nanos::seconds(*boot);
                class
            })
            .collect();
        for (h, k) in dealt.iter().enumerate() {
            s.hosts[h].class = ClassId::at(k % classes.len());
        }
        let room = &ups::rooms(&s, &d, &Placement::empty(&s))[0];
        let surges: Vec<_> = (0..dealt.len()).map(|h| ups::surge(&s, HostId::at(h), room.view)).collect();
        let law = smallest_delay(room.running, &surges, room.limit, Nanos::seconds(1)).map(|d| d.0 / 1_000_000_000);
        let walked = (0..=100).find(|delay| faults(&s, &d, &boots(&s, Some(*delay))).is_empty());
        prop_assert_eq!(law, walked);
        // Where no delay does, waiting for each other's end does not either.
        prop_assert_eq!(walked.is_none(), !faults(&s, &d, &boots(&s, None)).is_empty());
    }

    #[test]
    fn a_host_that_retires_is_off_at_the_end_and_nothing_else_is_asked(retires in prop::collection::vec(any::<bool>(), 3), on in prop::collection::vec(any::<bool>(), 3)) {
        let (mut s, d) = site(3, 5000.0, PowerView::Expected);
        for (host, r) in s.hosts.iter_mut().zip(&retires) {
            host.retires = *r;
        }
        let judged = rule::judge(&s, &d, &Placement { on: on.clone(), host_of: vec![None] });
        let word = judged.iter().find(|j| j.rule == RuleName::Retired);
        prop_assert_eq!(word.is_some(), retires.contains(&true));
        let left = (0..3).filter(|h| retires[*h] && on[*h]).count();
        match word.map(|j| &j.verdict) {
            Some(Verdict::Broken { count, .. }) => prop_assert_eq!(*count, left),
            Some(v) => prop_assert!(v.holds() && left == 0),
            None => {}
        }
    }
}

#[test]
fn on_the_way_a_host_that_retires_may_be_on() {
    let (mut s, d) = site(2, 5000.0, PowerView::Expected);
    s.hosts[0].retires = true;
    let today = Placement { on: vec![true, false], host_of: vec![Some(HostId(0))] };
    let step = |number, action| Step { number, action, starts_after_s: None, beside: 0, before: vec![], after: vec![] };
    let steps = [
        step(1, Action::BootHost { host: "h2".into() }),
        step(2, Action::MigrateGuest { guest: "g".into(), from: "h1".into(), to: "h2".into() }),
        step(3, Action::PowerOffHost { host: "h1".into() }),
    ];
    let walked = walk::walk(&s, &d, &today, &steps);
    assert_eq!((walked.faults, walked.broken_before), (vec![], vec![RuleName::Retired]));
    assert!(rule::all_hold(&rule::judge(&s, &d, &walked.end)));
    // 102.5 W of h1 at a fortieth of its load, and 200 of the boot.
    assert!((walked.most.unwrap().w.get() - 302.5).abs() < 1e-9, "{:?}", walked.most);
}
