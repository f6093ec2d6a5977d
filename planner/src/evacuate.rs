//! How hosts are emptied while they stay on.
//!
//! As little as possible is touched: guests of the named hosts are moved to others that are on, where the rules allow it; then hosts that
//! are off are booted for them; then others are moved to make room. What is on stays on, and nothing is bought. Every rule of the site is
//! asked, with the named hosts as nobody's spare ([`models::evacuation`]). What costs least is not looked for: that is an ordinary plan's
//! question.

use models::demand::Demand;
use models::rule::RuleName;
use models::site::{GuestId, HostId, Placement, Site};

use crate::quick::Quick;
use crate::search::{self, Found, NoOrder};
use crate::{Answer, explain, pack, prefer};

/// So many hosts are booted one by one in the search.
const MOST_BOOTS: usize = 8;

/// Searches for a plan on a site whose `rules.evacuated` names the hosts.
///
/// # Panics
/// Where there is no demand.
#[must_use]
pub fn plan(site: &Site, demands: &[Demand]) -> Answer {
    let pinned = pinned(site);
    if !pinned.is_empty() {
        return Answer::DoesNotFit { conflicts: pinned, exhaustive: true };
    }
    let mut no_order: Option<Box<NoOrder>> = None;
    match find(site, demands, &mut no_order) {
        Some(mut found) => {
            // That the hosts are not empty yet is what was asked to be changed.
            found.broken_before.retain(|r| *r != RuleName::Evacuated);
            Answer::Fits(Box::new(found))
        }
        None => {
            let mut conflicts = explain::conflicts_by(site, demands, no_order.as_deref(), &|s| find(s, demands, &mut None));
            if let Some(first) = conflicts.first_mut() {
                *first = format!("{} cannot be evacuated: {first}", names(site, &site.rules.evacuated));
            }
            Answer::DoesNotFit { conflicts, exhaustive: false }
        }
    }
}

/// Guests that are pinned to a host that is to be emptied, a sentence a host.
fn pinned(site: &Site) -> Vec<String> {
    let of = |h: &HostId| -> Option<String> {
        let those: Vec<&str> = site.guests.iter().filter(|g| g.pinned == Some(*h)).map(|g| g.name.as_str()).collect();
        let (are, host) = (if those.len() == 1 { "guest" } else { "guests" }, &site.hosts[h.index()].name);
        (!those.is_empty()).then(|| format!("{host} cannot be evacuated: pinned to it: {are} {}", those.join(", ")))
    };
    site.rules.evacuated.iter().filter_map(of).collect()
}

fn names(site: &Site, hosts: &[HostId]) -> String {
    hosts.iter().map(|h| site.hosts[h.index()].name.as_str()).collect::<Vec<_>>().join(", ")
}

/// A plan that touches as little as possible; where there is none, the first end to which there is no way.
fn find(site: &Site, demands: &[Demand], no_order: &mut Option<Box<NoOrder>>) -> Option<Found> {
    let today = site.today.clone().unwrap_or_else(|| Placement::empty(site));
    let mut quick = Quick::new(site, &demands[0]);
    let mut closed: Vec<HostId> = (0..site.hosts.len()).map(HostId::at).filter(|h| !today.on[h.index()]).collect();
    closed.sort_by(|a, b| pack::keep_yen(site, *a).total_cmp(&pack::keep_yen(site, *b)).then(a.cmp(b)));
    let mut tried: Vec<Placement> = Vec::new();
    let mut judge = |placement: Placement| {
        if tried.contains(&placement) {
            return None;
        }
        tried.push(placement.clone());
        search::way_to(site, demands, placement).map_err(|end| *no_order = no_order.take().or(end)).ok()
    };
    let ways = prefer::within(site);
    for boots in (0..closed.len().min(MOST_BOOTS)).chain([closed.len()]) {
        let mut best: Option<Found> = None;
        for way in &ways {
            quick.keep_within(way.clone());
            let mut start = today.clone();
            let mut open = quick.state(&today);
            for h in &closed[..boots] {
                open.placement.on[h.index()] = quick.may_open(&open, *h);
            }
            start.on.clone_from(&open.placement.on);
            let found = pack::keep_today(&quick, &start).and_then(|state| judge(state.placement));
            best = [best, found].into_iter().flatten().min_by_key(|f| moved(&today, &f.placement));
        }
        if best.is_some() {
            return best;
        }
    }
    let may = vec![true; site.hosts.len()];
    let mut all: Vec<Found> = Vec::new();
    for way in ways {
        quick.keep_within(way);
        all.extend(pack::place(&quick, &may, &today.on).and_then(|state| judge(state.placement)));
    }
    all.into_iter().min_by_key(|f| moved(&today, &f.placement))
}

/// How many guests run elsewhere than today.
fn moved(today: &Placement, end: &Placement) -> usize {
    (0..today.host_of.len()).map(GuestId::at).filter(|g| today.host_of[g.index()] != end.host_of[g.index()]).count()
}
