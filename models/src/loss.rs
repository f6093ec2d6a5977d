//! A site that has just lost hosts: what is left of it, who runs nowhere, and who may stay down.
//!
//! What is lost cannot be used: the site without it has no such host. Nothing is for sale, because nothing is bought at night, and
//! there are no other fleets to compare. Left out: when the hosts come back, and what a guest was doing when it died.

use crate::demand::Demand;
use crate::site::{GuestId, HostId, OnLoss, Placement, Site};

/// What a loss leaves.
#[derive(Debug, Clone, PartialEq)]
pub struct Left {
    /// The site without the hosts that are lost; guests that ran there run nowhere.
    pub site: Site,
    /// Guests that ran on a lost host, in order.
    pub fallen: Vec<GuestId>,
    /// Those of all guests that are pinned to a lost host: no other admits them.
    pub stranded: Vec<GuestId>,
}

/// The pool of guests that are pinned to a lost host: it has no host.
const NO_POOL: &str = "(lost host)";

/// The site without these hosts.
#[must_use]
pub fn after(site: &Site, lost: &[HostId]) -> Left {
    let mut left = site.clone();
    let kept: Vec<usize> = (0..site.hosts.len()).filter(|h| !lost.contains(&HostId::at(*h))).collect();
    let now = |h: HostId| kept.binary_search(&h.index()).ok().map(HostId::at);
    left.hosts = kept.iter().map(|h| site.hosts[*h].clone()).collect();
    // A renewal waits until the hosts are back: what is old carries on.
    left.hosts.iter_mut().for_each(|h| h.retires = false);
    let (mut fallen, mut stranded) = (Vec::new(), Vec::new());
    if let Some(today) = &site.today {
        fallen = (0..site.guests.len()).filter(|g| today.host_of[*g].is_some_and(|h| now(h).is_none())).map(GuestId::at).collect();
        left.today = Some(Placement {
            on: kept.iter().map(|h| today.on[*h]).collect(),
            host_of: today.host_of.iter().map(|h| h.and_then(now)).collect(),
        });
    }
    for (g, guest) in left.guests.iter_mut().enumerate() {
        if let Some(pin) = guest.pinned {
            guest.pinned = now(pin);
            if guest.pinned.is_none() {
                stranded.push(GuestId::at(g));
            }
        }
    }
    if !stranded.is_empty() {
        left.pools.push(NO_POOL.into());
        for g in &stranded {
            left.guests[g.index()].pool = Some(crate::site::PoolId::at(left.pools.len() - 1));
        }
    }
    left.classes.iter_mut().for_each(|c| c.sale = None);
    left.alternatives.clear();
    Left { site: left, fallen, stranded }
}

/// Why a guest that fell may stay down: its loss is accepted, or others of its group run and carry its load.
#[must_use]
pub fn may_stay_down(site: &Site, placement: &Placement, g: GuestId) -> Option<&'static str> {
    let guest = &site.guests[g.index()];
    let mate = |m: usize| m != g.index() && site.guests[m].group == guest.group && placement.host_of[m].is_some();
    match guest.on_loss {
        OnLoss::Restart => None,
        OnLoss::Accept => Some("loss accepted"),
        OnLoss::Survivor => (guest.group.is_some() && (0..site.guests.len()).any(mate)).then_some("the rest of the group carries the load"),
    }
}

/// The demand where these guests stay down: the load of one whose survivors carry on falls evenly on those that run; that of
/// another is gone.
#[must_use]
pub fn carried(site: &Site, demand: &Demand, placement: &Placement, down: &[GuestId]) -> Demand {
    let mut carried = demand.clone();
    for g in down {
        let lost = std::mem::take(&mut carried.guests[g.index()]);
        let guest = &site.guests[g.index()];
        if guest.on_loss != OnLoss::Survivor || guest.group.is_none() {
            continue;
        }
        let mates: Vec<usize> =
            (0..site.guests.len()).filter(|m| site.guests[*m].group == guest.group && placement.host_of[*m].is_some()).collect();
        let share = |x: u32| x.div_ceil(mates.len() as u32);
        for m in &mates {
            let to = &mut carried.guests[*m];
            for (to, from) in [(&mut to.cpu_khz, &lost.cpu_khz), (&mut to.net_kbs, &lost.net_kbs), (&mut to.disk_kbs, &lost.disk_kbs)] {
                to.resize(to.len().max(from.len()), 0);
                to.iter_mut().zip(from).for_each(|(t, x)| *t = t.saturating_add(share(*x)));
            }
        }
    }
    carried
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::example;
    use crate::site::GroupId;

    fn site() -> Site {
        let list = (0..4).map(|g| example::guest(&format!("g{g}"), 1, 100)).collect();
        let mut site = example::site(example::class("c", 4, 1000.0, 1000), 3, list);
        site.today = Some(Placement { on: vec![true, true, false], host_of: [0, 1, 1, 0].map(|h| Some(HostId(h))).to_vec() });
        site
    }

    #[test]
    fn guests_of_a_lost_host_run_nowhere_and_the_others_where_they_did() {
        let left = after(&site(), &[HostId(0)]);
        assert_eq!(left.fallen, [GuestId(0), GuestId(3)]);
        let today = left.site.today.unwrap();
        assert_eq!(today.on, [true, false]);
        assert_eq!(today.host_of, [None, Some(HostId(0)), Some(HostId(0)), None]);
        assert_eq!(left.site.hosts.iter().map(|h| h.name.as_str()).collect::<Vec<_>>(), ["h2", "h3"]);
    }

    #[test]
    fn the_loss_of_an_empty_host_changes_nothing_for_guests() {
        let left = after(&site(), &[HostId(2)]);
        assert_eq!((left.fallen, left.stranded), (vec![], vec![]));
        assert_eq!(left.site.today.unwrap().host_of, site().today.unwrap().host_of);
    }

    #[test]
    fn a_guest_that_is_pinned_to_a_lost_host_is_admitted_nowhere() {
        let mut s = site();
        s.guests[0].pinned = Some(HostId(0));
        s.guests[1].pinned = Some(HostId(1));
        let left = after(&s, &[HostId(0)]);
        assert_eq!(left.stranded, [GuestId(0)]);
        assert!((0..2).all(|h| !left.site.admits(HostId(h), GuestId(0))));
        assert!(left.site.admits(HostId(0), GuestId(1)) && !left.site.admits(HostId(1), GuestId(1)));
    }

    #[test]
    fn the_load_of_a_lost_member_falls_on_its_survivors_and_that_of_another_is_gone() {
        let mut s = site();
        s.groups = vec!["pair".into()];
        for g in 0..3 {
            s.guests[g].group = Some(GroupId(0));
            s.guests[g].on_loss = OnLoss::Survivor;
        }
        s.guests[3].on_loss = OnLoss::Accept;
        let left = after(&s, &[HostId(0)]);
        let today = left.site.today.clone().unwrap();
        let demand = carried(&left.site, &example::steady(&[100.0, 200.0, 300.0, 400.0], 2), &today, &left.fallen);
        let khz: Vec<Option<u32>> = demand.guests.iter().map(|g| g.cpu_khz.first().copied()).collect();
        // 100 MHz on two survivors are 50 each.
        assert_eq!(khz, [None, Some(250_000), Some(350_000), None]);
        assert_eq!(may_stay_down(&left.site, &today, GuestId(0)), Some("the rest of the group carries the load"));
        assert_eq!(may_stay_down(&left.site, &today, GuestId(3)), Some("loss accepted"));
        assert_eq!(may_stay_down(&site(), &today, GuestId(0)), None);
        // With nobody of the group left, nobody carries it.
        let alone = after(&s, &[HostId(0), HostId(1)]);
        assert_eq!(may_stay_down(&alone.site, alone.site.today.as_ref().unwrap(), GuestId(0)), None);
    }
}
