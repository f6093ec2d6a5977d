//! Why nothing fits: a short list of the rules that conflict, with figures.
//!
//! First what no fleet can mend (a guest that no host admits, a redundancy group larger than the hosts there may be).
//! Then each rule is left out in turn: a rule without which something fits is one of those that conflict. What the sale
//! limits leave room for is said with figures. Where no single rule explains it, the guests are spread over every host that
//! there may be, and every rule that is broken even there is named.

use models::demand::Demand;
use models::rule::Verdict;
use models::site::{ClassId, GuestId, HostId, Placement, Site};

use crate::beside::beside;
use crate::pack::{self, Fit};
use crate::quick::Quick;
use crate::search::{self, Found, NoOrder, Options, words};

/// A variant of a site with one rule left out.
type Without = (&'static str, fn(&mut Site) -> bool);

/// Every rule that can be left out; the function answers whether the site asked for it.
const RULES: [Without; 10] = [
    ("the CVCF", |s| s.rules.ups.take().is_some()),
    ("branch circuits", |s| s.rules.branches.take().is_some()),
    ("one host down", |s| s.rules.one_host_down.take().is_some()),
    ("one domain down", |s| !std::mem::take(&mut s.rules.one_domain_down).is_empty()),
    ("redundant guests apart", |s| s.rules.apart.take().is_some()),
    ("full-virtual guests spread", |s| s.rules.full_virtual_per_host.take().is_some()),
    ("licences", |s| s.licences.iter_mut().map(|l| l.max.take().is_some()).fold(false, |a, b| a | b)),
    ("retired", |s| s.hosts.iter_mut().map(|h| std::mem::take(&mut h.retires)).fold(false, |a, b| a | b)),
    ("one network", |s| !std::mem::take(&mut s.rules.one_network).is_empty()),
    ("CPU", |s| {
        s.rules.cpu.limit = 1e6;
        true
    }),
];

/// The conflicts of a site for which the search found nothing. `no_order`: an end that keeps every rule and has no way to it.
#[must_use]
pub(crate) fn conflicts(site: &Site, demands: &[Demand], no_order: Option<&NoOrder>) -> Vec<String> {
    let options = Options { most_tries: 8, ..Options::default() };
    conflicts_by(site, demands, no_order, &|variant| search::search(variant, demands, &options).ok())
}

/// The same for another search: `find` says what fits on a variant of the site.
pub(crate) fn conflicts_by(
    site: &Site,
    demands: &[Demand],
    no_order: Option<&NoOrder>,
    find: &dyn Fn(&Site) -> Option<Found>,
) -> Vec<String> {
    let mut all = Vec::new();
    let most: Vec<(ClassId, u32)> =
        (0..site.classes.len()).filter_map(|c| site.classes[c].sale.as_ref().map(|s| (ClassId::at(c), s.max.min(1_000)))).collect();
    let widest = site.with_bought(&most);
    for (g, guest) in site.guests.iter().enumerate() {
        if !(0..widest.hosts.len()).any(|h| widest.admits(HostId::at(h), GuestId::at(g))) {
            all.push(format!("guest {} ({}) is admitted by no host that stands or is for sale", guest.name, guest.memory));
        }
    }
    if !all.is_empty() {
        all.truncate(8);
        return all;
    }
    let memory: u64 = site.guests.iter().map(|g| g.memory.0).sum();
    let room: u64 = (0..widest.hosts.len()).map(|h| widest.class_of(HostId::at(h)).guest_memory().0).sum();
    if memory > room {
        all.push(format!(
            "{} guests need {memory} MiB; the hosts that stand and the most that can be bought ({}) give {room} MiB",
            site.guests.len(),
            words(site, &most)
        ));
        return all;
    }
    if let Some(end) = no_order {
        all.extend(without_order(end, demands));
    }
    for (name, leave_out) in RULES {
        let mut variant = site.clone();
        if !leave_out(&mut variant) {
            continue;
        }
        if let Some(found) = find(&variant) {
            let mut asked = Site { rules: site.rules.clone(), licences: site.licences.clone(), ..found.site.clone() };
            asked.hosts.iter_mut().zip(&site.hosts).for_each(|(h, standing)| h.retires = standing.retires);
            let there = broken(&asked, demands, &found.placement).join("; ");
            let there = if there.is_empty() { "it is broken on the way alone".to_owned() } else { there };
            let on = found.placement.hosts_on();
            all.push(format!("without the rule \"{name}\" it fits ({on} hosts on, {}); there, {there}", words(site, &found.buys)));
        }
    }
    if all.is_empty() {
        let hosts = widest.hosts.len();
        all.push(format!(
            "leaving out any one rule alone did not help in the fleets that were tried; with all {hosts} hosts that there may be:"
        ));
        all.extend(widest_placement(&widest, &demands[0]).map_or_else(
            || vec!["even without these rules some guest finds no place".into()],
            |placement| broken(&widest, demands, &placement),
        ));
    }
    all
}

/// An end that keeps every rule, and what stands in the way to it.
fn without_order(end: &NoOrder, demands: &[Demand]) -> Vec<String> {
    let on = end.placement.hosts_on();
    let mut all = vec![format!(
        "a placement keeps every rule ({}, {on} hosts on), and no order of steps was found that keeps them on the way: {}",
        words(&end.site, &end.buys),
        end.why
    )];
    if let Some(start) = &end.site.today {
        let new: Vec<HostId> = (0..end.site.hosts.len()).filter(|h| end.placement.on[*h] && !start.on[*h]).map(HostId::at).collect();
        let fits = beside(&end.site, demands, start, &new);
        if let Some(short) = fits.short {
            all.push(format!("at most {} of {} new hosts can be on beside the {} old ones: {short}", fits.new, new.len(), fits.old));
        }
    }
    all
}

/// The rules that a placement breaks, each with its worst breach.
fn broken(site: &Site, demands: &[Demand], placement: &Placement) -> Vec<String> {
    crate::judge_all(site, demands, placement)
        .into_iter()
        .filter_map(|j| match j.verdict {
            Verdict::Broken { breaches, .. } => breaches.first().map(|b| format!("{}: {b}", j.rule.words())),
            Verdict::Undecided { why } => Some(format!("{}: {why}", j.rule.words())),
            Verdict::Holds { .. } => None,
        })
        .collect()
}

/// Guests spread over every host that there may be, with no rule but memory and who may stand where.
fn widest_placement(widest: &Site, demand: &Demand) -> Option<Placement> {
    let mut bare = widest.clone();
    for (_, leave_out) in RULES {
        leave_out(&mut bare);
    }
    let every: Vec<bool> = widest.hosts.iter().map(|h| !h.retires).collect();
    pack::construct(&Quick::new(&bare, demand), &every, &every, Fit::Balanced).map(|s| s.placement)
}
