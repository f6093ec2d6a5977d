//! Guests that talk to each other stand within one network domain: across sites the network is slow (S2-10).
//!
//! It is asked of a placement, not of the way to it: a service that moves from one network to another spans both meanwhile.

use std::collections::BTreeSet;

use super::{Breach, Judgement, Margin, RuleName, Verdict};
use crate::site::{DomainId, DomainKind, GuestId, HostId, Placement, Site, Together};

/// The network domains of a host.
fn networks(site: &Site, h: HostId) -> BTreeSet<DomainId> {
    site.hosts[h.index()].domains.iter().copied().filter(|d| site.domains[d.index()].kind == DomainKind::Network).collect()
}

/// The guests of a set, in order.
#[must_use]
pub fn members(site: &Site, together: Together) -> Vec<GuestId> {
    let of = |g: &GuestId| match together {
        Together::Service(s) => site.guests[g.index()].service == Some(s),
        Together::Group(s) => site.guests[g.index()].group == Some(s),
    };
    (0..site.guests.len()).map(GuestId::at).filter(of).collect()
}

/// The places that these guests stand in, each with how many: network domains, the one with the most guests first, and hosts that
/// are in no such domain. Each guest counts once, so that one place alone means that all are together.
#[must_use]
pub fn places(site: &Site, placement: &Placement, guests: &[GuestId]) -> Vec<(String, usize)> {
    let mut left: Vec<(HostId, BTreeSet<DomainId>)> =
        guests.iter().filter_map(|g| placement.host_of[g.index()]).map(|h| (h, networks(site, h))).collect();
    let mut places = Vec::new();
    while !left.is_empty() {
        // One host is one place, be it in many domains or in none.
        let hosts: BTreeSet<HostId> = left.iter().map(|x| x.0).collect();
        let domains: BTreeSet<DomainId> = left.iter().flat_map(|x| x.1.iter().copied()).collect();
        let most = domains.into_iter().map(|d| (left.iter().filter(|x| x.1.contains(&d)).count(), std::cmp::Reverse(d))).max();
        match most {
            Some((count, std::cmp::Reverse(d))) => {
                places.push((format!("network {}", site.domains[d.index()].name), count));
                left.retain(|x| !x.1.contains(&d));
            }
            None => {
                for h in hosts {
                    places.push((format!("host {}", site.hosts[h.index()].name), left.iter().filter(|x| x.0 == h).count()));
                }
                left.clear();
            }
        }
    }
    places
}

/// The rule, where the site asks for it.
#[must_use]
pub fn judge(site: &Site, placement: &Placement) -> Option<Judgement> {
    if site.rules.one_network.is_empty() {
        return None;
    }
    let (mut names, mut margins, mut breaches) = (Vec::new(), Vec::new(), Vec::new());
    for together in &site.rules.one_network {
        let name = together.name(site);
        let places = places(site, placement, &members(site, *together));
        let (needed, unit) = (places.len() as f64, "network domains");
        if places.len() > 1 {
            let told: Vec<String> = places.iter().map(|(place, count)| format!("{count} in {place}")).collect();
            breaches.push(Breach {
                needed,
                available: 1.0,
                unit: unit.into(),
                place: name.clone(),
                when: None,
                why: format!("its guests are not within one network domain: {}", told.join(", ")),
            });
        } else if let Some((place, _)) = places.first() {
            margins.push(Margin { needed, available: 1.0, unit: unit.into(), place: format!("{name} in {place}"), when: None });
        }
        names.push(name);
    }
    Some(Judgement {
        rule: RuleName::OneNetwork,
        asked: format!("the guests of {} stand within one network domain", names.join(", and those of ")),
        verdict: Verdict::from(margins, breaches),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::example;
    use crate::site::{Domain, Service, ServiceId};
    use proptest::prelude::*;

    /// Four hosts: two in `a`, one in `b`, one in none; the last of `in_both` in `a` and `b`.
    fn site(guests: usize, in_both: bool) -> Site {
        let mut list: Vec<_> = (0..guests).map(|g| example::guest(&format!("g{g}"), 1, 1)).collect();
        list.iter_mut().for_each(|g| g.service = Some(ServiceId(0)));
        let mut site = example::site(example::class("c", 4, 1000.0, 1000), 4, list);
        let domain = |name: &str, kind| Domain { name: name.into(), kind, limit_va: None };
        site.domains = vec![domain("a", DomainKind::Network), domain("b", DomainKind::Network), domain("all", DomainKind::Rack)];
        for (h, domains) in [vec![0, 2], vec![0, 2], vec![1, 2], vec![2]].into_iter().enumerate() {
            site.hosts[h].domains = domains.into_iter().map(DomainId).collect();
        }
        if in_both {
            site.hosts[2].domains.push(DomainId(0));
        }
        site.services = vec![Service { name: "s".into(), title: String::new() }];
        site.rules.one_network = vec![Together::Service(ServiceId(0))];
        site
    }

    fn on(hosts: &[u32]) -> Placement {
        Placement { on: vec![true; 4], host_of: hosts.iter().map(|h| Some(HostId(*h))).collect() }
    }

    #[test]
    fn a_service_over_two_networks_is_told_how_many_stand_where() {
        let all = judge(&site(3, false), &on(&[0, 1, 2])).unwrap();
        let Verdict::Broken { breaches, count: 1 } = &all.verdict else { panic!("{all:?}") };
        assert_eq!(
            breaches[0].to_string(),
            "service s: its guests are not within one network domain: 2 in network a, 1 in network b (needed 2.0, available 1.0 network domains)"
        );
        assert!(judge(&site(3, false), &on(&[0, 1, 0])).unwrap().verdict.holds());
    }

    #[test]
    fn one_host_is_one_network_and_another_in_none_is_not_the_same() {
        assert!(judge(&site(2, false), &on(&[3, 3])).unwrap().verdict.holds());
        assert!(!judge(&site(2, false), &on(&[2, 3])).unwrap().verdict.holds());
    }

    #[test]
    fn what_is_not_asked_is_not_judged_and_who_does_not_run_stands_nowhere() {
        let mut s = site(2, false);
        let down = Placement { host_of: vec![Some(HostId(0)), None], ..on(&[0, 2]) };
        assert!(judge(&s, &down).unwrap().verdict.holds());
        s.rules.one_network.clear();
        assert_eq!(judge(&s, &on(&[0, 2])), None);
    }

    proptest! {
        #[test]
        fn it_is_what_looking_for_one_domain_of_all_finds(hosts in prop::collection::vec(0u32..4, 1..6), in_both in any::<bool>()) {
            let s = site(hosts.len(), in_both);
            let in_domain = |d: u32| hosts.iter().all(|h| s.hosts[*h as usize].domains.contains(&DomainId(d)));
            let together = hosts.iter().all(|h| *h == hosts[0]) || in_domain(0) || in_domain(1);
            prop_assert_eq!(judge(&s, &on(&hosts)).unwrap().verdict.holds(), together);
            let sum: usize = places(&s, &on(&hosts), &members(&s, Together::Service(ServiceId(0)))).iter().map(|p| p.1).sum();
            prop_assert_eq!(sum, hosts.len());
        }
    }
}
