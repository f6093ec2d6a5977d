//! Boots that follow each other are let overlap: the smallest delay between them that the CVCF and the branch circuits allow.
//!
//! The delay is whole seconds, one for each run of boots, found by [`models::law::inrush`] from what is on before the run; the walk
//! judges the overlap again by its own count. Where the site has no CVCF, boots stay strictly one after the other. Other delays
//! between the hosts of one run, and another order of them, are left out.

use models::demand::Demand;
use models::law::inrush::{Draw, Surge, smallest_delay, smallest_delay_of_rush};
use models::plan::{Action, Step};
use models::quantity::Nanos;
use models::rule::ups;
use models::site::{GuestId, HostId, Placement, Site};

/// Delays are whole seconds.
const SECOND: Nanos = Nanos::seconds(1);

/// The steps with `starts_after_s` on each boot that may begin before the one before it has ended.
#[must_use]
pub fn stagger(site: &Site, demands: &[Demand], start: &Placement, mut steps: Vec<Step>) -> Vec<Step> {
    if site.ups.is_none() || site.rules.ups.is_none() {
        return steps;
    }
    let mut at = start.clone();
    let mut from = 0;
    while from < steps.len() {
        let hosts: Vec<HostId> = steps[from..].iter().map_while(|s| booted(site, s)).collect();
        if hosts.len() > 1
            && let Some(delay) = delay(site, demands, &at, &hosts)
            && hosts.iter().any(|h| delay < site.class_of(*h).boot)
        {
            for step in &mut steps[from + 1..from + hosts.len()] {
                step.starts_after_s = Some(delay.0 / SECOND.0);
            }
        }
        let run = hosts.len().max(1);
        steps[from..from + run].iter().for_each(|s| follow(site, &mut at, s));
        from += run;
    }
    steps
}

fn booted(site: &Site, step: &Step) -> Option<HostId> {
    match &step.action {
        Action::BootHost { host } => site.host_named(host),
        _ => None,
    }
}

/// The state after a step.
pub(crate) fn follow(site: &Site, at: &mut Placement, step: &Step) {
    let (host, guest) = (|n: &str| site.host_named(n), |n: &str| site.guest_named(n));
    let mut run = |g: Option<GuestId>, h: Option<HostId>| {
        if let Some(g) = g {
            at.host_of[g.index()] = h;
        }
    };
    match &step.action {
        Action::StartGuest { guest: g, host: h } | Action::MigrateGuest { guest: g, to: h, .. } => run(guest(g), host(h)),
        Action::StopGuest { guest: g, .. } => run(guest(g), None),
        Action::BootHost { host: h } | Action::PowerOffHost { host: h } => {
            if let Some(h) = host(h) {
                at.on[h.index()] = matches!(step.action, Action::BootHost { .. });
            }
        }
        Action::DefineGuest { .. } | Action::UndefineGuest { .. } | Action::EvacuateHost { .. } => {}
    }
}

/// The smallest delay between these boots, in this order, that every limit of power allows beside what is on.
fn delay(site: &Site, demands: &[Demand], at: &Placement, hosts: &[HostId]) -> Option<Nanos> {
    let mut least = Nanos::ZERO;
    for demand in demands {
        for room in ups::rooms(site, demand, at) {
            least = least.max(smallest_delay(room.running, &surges(site, hosts, &room), room.limit, SECOND)?);
        }
    }
    if let Some(p) = site.power_on {
        least = least.max(smallest_delay_of_rush(hosts.len(), p.inrush, p.inrush_lasts, p.ups_peak, SECOND)?);
    }
    Some(least)
}

/// What each host draws of a room; a host on another feed keeps its turn and draws nothing.
pub(crate) fn surges(site: &Site, hosts: &[HostId], room: &ups::Room) -> Vec<Surge> {
    let elsewhere = Surge::new(Draw::ZERO, Nanos::ZERO, Draw::ZERO);
    let here = |h: HostId| room.feed.is_none_or(|f| site.hosts[h.index()].domains.contains(&f));
    hosts.iter().map(|h| if here(*h) { ups::surge(site, *h, room.view) } else { elsewhere }).collect()
}
