//! What a lost host takes with it: how many redundancy groups lose all their members at once (S0-14).
//!
//! It is counted from who stands where, and shares nothing with the rule that keeps members apart.

use serde::Serialize;

use crate::site::{DomainId, DomainKind, GroupId, HostId, Placement, Site};

/// The givens.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Redundancy {
    /// Who runs where: an alternative, `plan` or `today`.
    pub fleet: String,
}

/// What is lost together: a host, or all hosts of a domain, and the groups of which nobody is left then.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lost {
    /// Its name.
    pub place: String,
    /// The groups, in order.
    pub groups: Vec<GroupId>,
}

/// The host with which the most groups are lost whole; the first of those; nothing where no group ever is.
#[must_use]
pub fn with_a_host(site: &Site, placement: &Placement) -> Option<Lost> {
    worst((0..site.hosts.len()).map(HostId::at).map(|h| {
        let groups = lost(site, placement, |at| at == h);
        Lost { place: site.hosts[h.index()].name.clone(), groups }
    }))
}

/// The same of the domains of a kind.
#[must_use]
pub fn with_a_domain(site: &Site, placement: &Placement, kind: DomainKind) -> Option<Lost> {
    let of_kind = (0..site.domains.len()).map(DomainId::at).filter(|d| site.domains[d.index()].kind == kind);
    worst(of_kind.map(|d| {
        let groups = lost(site, placement, |at| site.hosts[at.index()].domains.contains(&d));
        Lost { place: site.domains[d.index()].name.clone(), groups }
    }))
}

/// Groups of two or more that run, and of which every member that runs is where `fails` says.
fn lost(site: &Site, placement: &Placement, fails: impl Fn(HostId) -> bool) -> Vec<GroupId> {
    let mut groups = Vec::new();
    for (group, members) in site.guests_by_group().into_iter().enumerate() {
        let hosts: Vec<HostId> = members.iter().filter_map(|g| placement.host_of[g.index()]).collect();
        if members.len() > 1 && !hosts.is_empty() && hosts.into_iter().all(&fails) {
            groups.push(GroupId::at(group));
        }
    }
    groups
}

fn worst(all: impl Iterator<Item = Lost>) -> Option<Lost> {
    let mut worst: Option<Lost> = None;
    for lost in all.filter(|l| !l.groups.is_empty()) {
        if worst.as_ref().is_none_or(|w| lost.groups.len() > w.groups.len()) {
            worst = Some(lost);
        }
    }
    worst
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::example;
    use crate::site::Domain;

    /// Three hosts, the first two in a chassis; pairs (0, 1) and (2, 3), and a guest of no group.
    fn site() -> Site {
        let mut guests: Vec<_> = (0..5).map(|i| example::guest(&format!("g{i}"), 1, 100)).collect();
        for (i, guest) in guests.iter_mut().enumerate().take(4) {
            guest.group = Some(GroupId::at(i / 2));
        }
        let mut site = example::site(example::class("c", 1, 1000.0, 8000), 3, guests);
        site.groups = vec!["a".into(), "b".into()];
        site.domains = vec![Domain { name: "box".into(), kind: DomainKind::Chassis, limit_va: None }];
        site.hosts[0].domains = vec![DomainId(0)];
        site.hosts[1].domains = vec![DomainId(0)];
        site
    }
    fn placed(on: [Option<u32>; 5]) -> Placement {
        Placement { on: vec![true; 3], host_of: on.map(|h| h.map(HostId)).to_vec() }
    }

    #[test]
    fn a_group_is_lost_with_the_host_on_which_all_of_it_stands() {
        let (site, together) = (site(), placed([Some(1), Some(1), Some(1), Some(2), Some(0)]));
        let lost = with_a_host(&site, &together).unwrap();
        assert_eq!((lost.place.as_str(), lost.groups), (site.hosts[1].name.as_str(), vec![GroupId(0)]));
        // Both on one host: two; the first host that is as bad is told.
        assert_eq!(with_a_host(&site, &placed([Some(2); 5])).unwrap().groups.len(), 2);
        assert_eq!(with_a_host(&site, &placed([Some(0), Some(1), Some(1), Some(2), Some(0)])), None);
    }

    #[test]
    fn hosts_of_one_chassis_go_together() {
        let (site, apart) = (site(), placed([Some(0), Some(1), Some(1), Some(2), Some(0)]));
        assert_eq!(with_a_domain(&site, &apart, DomainKind::Chassis), Some(Lost { place: "box".into(), groups: vec![GroupId(0)] }));
        assert_eq!(with_a_domain(&site, &placed([Some(0), Some(2), Some(1), Some(2), Some(0)]), DomainKind::Chassis), None);
        assert_eq!(with_a_domain(&site, &apart, DomainKind::Rack), None);
    }

    #[test]
    fn who_runs_nowhere_saves_nobody_and_a_group_of_none_is_not_lost() {
        let site = site();
        let lost = with_a_host(&site, &placed([Some(0), None, None, None, Some(0)])).unwrap();
        assert_eq!(lost.groups, [GroupId(0)]);
    }
}
