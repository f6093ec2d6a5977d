//! The replay against hand calculation, against the rules' own recount, and against itself in other orders.

use models::demand::{Columns, Demand};
use models::example;
use models::quantity::Nanos;
use models::site::{DomainId, HostId, Placement, Site};
use proptest::prelude::*;
use sim::replay::{Replay, replay};

fn one_host(demands: &[f64], steps: usize) -> (Site, Demand, Placement) {
    let guests = (0..demands.len()).map(|i| example::guest(&format!("g{i}"), 1, 100)).collect();
    let site = example::site(example::class("c", 4, 1000.0, 8000), 1, guests);
    let placement = Placement { on: vec![true], host_of: vec![Some(HostId(0)); demands.len()] };
    (site, example::steady(demands, steps), placement)
}

#[test]
fn half_load_for_an_hour_is_150_wh() {
    // 4 x 1000 MHz, 2000 MHz asked for: u = 0.5, P = 100 + 100 * 0.5 = 150 W; 12 steps of 5 minutes.
    let (site, demand, placement) = one_host(&[1000.0, 1000.0], 12);
    let m = replay(&site, &demand, &placement);
    assert_eq!(m.site.energy_wh.get(), 150.0);
    assert_eq!(m.hosts[0].cpu_mean, 0.5);
    assert_eq!(m.unserved_ghz_h, 0.0);
}

#[test]
fn what_a_host_cannot_give_is_shared_fairly_and_counted_as_unserved() {
    // 5 guests ask for 900 MHz of 4000: each gets 800, and 100 MHz each stay unserved for an hour: 0.5 GHz h in all.
    let (site, demand, placement) = one_host(&[900.0; 5], 12);
    let m = replay(&site, &demand, &placement);
    assert!((m.unserved_ghz_h - 0.5).abs() < 1e-12);
    assert_eq!(m.unserved.len(), 5);
    assert!(m.unserved.iter().all(|u| (u.unserved_ghz_h - 0.1).abs() < 1e-12 && u.steps == 12));
    assert_eq!(m.site.peak_w.get(), 200.0);
}

#[test]
fn a_guest_gets_no_more_than_its_vcpus_at_the_hosts_clock() {
    // One vCPU of 2500 MHz on a 1000 MHz core: 1500 MHz unserved although three cores idle.
    let (site, demand, placement) = one_host(&[2500.0], 12);
    let m = replay(&site, &demand, &placement);
    assert!((m.unserved_ghz_h - 1.5).abs() < 1e-12);
}

#[test]
fn a_host_that_is_off_draws_nothing_and_one_that_is_on_idles() {
    let (site, demand, mut placement) = one_host(&[], 12);
    assert_eq!(replay(&site, &demand, &placement).site.energy_wh.get(), 100.0);
    placement.on[0] = false;
    assert_eq!(replay(&site, &demand, &placement).site.energy_wh.get(), 0.0);
}

#[test]
fn a_feed_carries_its_own_hosts_only() {
    let mut site = example::site(example::class("c", 4, 1000.0, 8000), 3, vec![]);
    site.domains = vec![models::site::Domain { name: "a".into(), kind: models::site::DomainKind::Feed, limit_va: None }];
    site.hosts[1].domains = vec![DomainId(0)];
    let m = replay(&site, &example::steady(&[], 12), &Placement { on: vec![true; 3], host_of: vec![] });
    assert_eq!((m.site.peak_w.get(), m.feeds[0].peak_w.get()), (300.0, 100.0));
}

/// A random site with its demand and a random placement (which may well overload hosts).
fn random_run() -> impl Strategy<Value = (Site, Demand, Placement)> {
    (1usize..6, 1usize..12, 1usize..40).prop_flat_map(|(hosts, guests, steps)| {
        let columns = prop::collection::vec(prop::collection::vec(0u32..1_500_000, steps), guests);
        let homes = prop::collection::vec(0u32..hosts as u32, guests);
        (columns, homes).prop_map(move |(columns, homes)| {
            let list = (0..guests).map(|i| example::guest(&format!("g{i}"), 1 + (i % 2) as u32, 64)).collect();
            let mut site = example::site(example::class("c", 2, 1000.0, 8000), hosts as u32, list);
            let factors: &[f64] = if steps % 2 == 0 { &[0.7, 0.9, 0.95] } else { &[0.93] };
            site.classes[0].power.power_factor =
                factors.iter().map(|f| models::quantity::PowerFactor::new(*f).expect("a factor")).collect();
            let guests = columns.into_iter().map(|cpu_khz| Columns { cpu_khz, ..Columns::default() }).collect();
            let demand = Demand { step: Nanos::seconds(300), steps, guests };
            let placement = Placement { on: vec![true; hosts], host_of: homes.into_iter().map(|h| Some(HostId(h))).collect() };
            (site, demand, placement)
        })
    })
}

fn block(demand: &Demand, from: usize, to: usize) -> Demand {
    let cut = |c: &Vec<u32>| if c.is_empty() { Vec::new() } else { c[from..to].to_vec() };
    let guests =
        demand.guests.iter().map(|g| Columns { cpu_khz: cut(&g.cpu_khz), net_kbs: cut(&g.net_kbs), disk_kbs: cut(&g.disk_kbs) }).collect();
    Demand { step: demand.step, steps: to - from, guests }
}

#[test]
fn what_a_guest_without_a_host_asks_for_is_unserved() {
    let (site, demand, mut placement) = one_host(&[500.0, 500.0], 12);
    placement.host_of[1] = None;
    let m = replay(&site, &demand, &placement);
    assert!((m.asked_ghz_h - 1.0).abs() < 1e-12 && (m.unserved_ghz_h - 0.5).abs() < 1e-12);
    assert_eq!(m.unserved[0].guest, "g1");
}

#[test]
fn a_load_of_ten_times_the_capacity_has_its_percentiles_there() {
    let (site, demand, placement) = one_host(&[10_000.0; 4], 12);
    let m = replay(&site, &demand, &placement);
    assert_eq!((m.hosts[0].cpu_p95, m.hosts[0].cpu_max), (10.0, 10.0));
}

proptest! {
    #[test]
    fn energy_by_host_is_the_energy_of_the_site((site, demand, placement) in random_run()) {
        let m = replay(&site, &demand, &placement);
        let by_host: f64 = m.hosts.iter().map(|h| h.energy_wh.get()).sum();
        prop_assert!((by_host - m.site.energy_wh.get()).abs() < 1e-6);
    }

    #[test]
    fn blocks_of_any_length_show_the_same_as_the_whole((site, demand, placement) in random_run(), at in 0.0f64..1.0) {
        let cut = (demand.steps as f64 * at) as usize;
        let mut parts = Replay::new(&site, &placement, demand.step, demand.steps);
        parts.push(&block(&demand, 0, cut));
        parts.push(&block(&demand, cut, demand.steps));
        prop_assert_eq!(parts.finish(), replay(&site, &demand, &placement));
    }

    #[test]
    fn the_order_of_hosts_does_not_show((site, demand, placement) in random_run()) {
        let last = site.hosts.len() - 1;
        let mut other = site.clone();
        other.hosts.reverse();
        let host_of = placement.host_of.iter().map(|h| h.map(|h| HostId::at(last - h.index()))).collect();
        let turned = replay(&other, &demand, &Placement { on: placement.on.clone(), host_of });
        let m = replay(&site, &demand, &placement);
        prop_assert_eq!(m.site, turned.site);
        prop_assert_eq!(m.unserved_ghz_h, turned.unserved_ghz_h);
    }

    #[test]
    fn one_more_idle_host_adds_its_idle_power_and_nothing_else((site, demand, placement) in random_run()) {
        let mut more = site.clone();
        let mut host = more.hosts[0].clone();
        host.name = "spare".into();
        more.hosts.push(host);
        let mut wider = placement.clone();
        wider.on.push(true);
        let (a, b) = (replay(&site, &demand, &placement), replay(&more, &demand, &wider));
        let idle = 100.0 * demand.horizon().hours();
        prop_assert!((b.site.energy_wh.get() - a.site.energy_wh.get() - idle).abs() < 1e-6);
        prop_assert_eq!(a.unserved, b.unserved);
    }

    #[test]
    fn a_lower_idle_power_never_raises_the_energy((site, demand, placement) in random_run(), less in 1.0f64..99.0) {
        use models::law::power::Curve;
        use models::quantity::Watts;
        let mut lower = site.clone();
        for class in &mut lower.classes {
            let mut points = class.power.curve.points().to_vec();
            points[0] = Watts::new(points[0].get() - less).unwrap();
            class.power.curve = Curve::new(points).unwrap();
        }
        let (a, b) = (replay(&site, &demand, &placement), replay(&lower, &demand, &placement));
        prop_assert!(b.site.energy_wh <= a.site.energy_wh && b.site.peak_w <= a.site.peak_w);
    }

    #[test]
    fn halving_every_power_factor_doubles_the_apparent_power((site, demand, placement) in random_run()) {
        use models::quantity::PowerFactor;
        let mut half = site.clone();
        half.classes.iter_mut().flat_map(|c| &mut c.power.power_factor).for_each(|f| *f = PowerFactor::new(f.get() / 2.0).unwrap());
        let (a, b) = (replay(&site, &demand, &placement), replay(&half, &demand, &placement));
        prop_assert!((b.site.peak_va.get() - 2.0 * a.site.peak_va.get()).abs() <= 0.01 * (1 + site.hosts.len()) as f64);
        prop_assert_eq!(a.site.peak_w, b.site.peak_w);
    }

    #[test]
    fn the_rules_own_recount_agrees_on_the_peak((mut site, demand, placement) in random_run()) {
        use models::site::{PowerView, UpsRule};
        // A CVCF that is too small, so that the rule answers with the peak.
        site.ups = Some(example::ups(1e-3));
        site.rules.ups = Some(UpsRule { view: PowerView::Expected, reserve: 0.0 });
        let m = replay(&site, &demand, &placement);
        let rule = models::rule::judge(&site, &demand, &placement).into_iter().find(|j| j.rule == models::rule::RuleName::Ups).unwrap();
        let models::rule::Verdict::Broken { breaches, .. } = rule.verdict else { panic!("a CVCF of 1 mVA carries nothing") };
        let needed = |unit: &str| breaches.iter().find(|b| b.unit == unit).unwrap().needed;
        // Each host's power is rounded to mW and mVA on both sides: they may differ by one each.
        let most = 2e-3 * site.hosts.len() as f64;
        prop_assert!((needed("VA") - m.site.peak_va.get()).abs() <= most);
        prop_assert!((needed("W") - m.site.peak_w.get()).abs() <= most);
        // The vector sum lies between the real power and the arithmetic sum.
        prop_assert!(m.site.peak_va_vector.get() <= m.site.peak_va.get() + most);
        prop_assert!(m.site.peak_va_vector.get() + most >= m.site.peak_w.get());
    }
}
