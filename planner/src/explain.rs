//! Why nothing fits: a short list of the rules that conflict, with figures.
//!
//! First what no fleet can mend (a guest that no host admits, a redundancy group larger than the hosts there may be).
//! Then each rule is left out in turn: a rule without which something fits is one of those that conflict. What the sale
//! limits and the CVCF leave room for is said with figures.

use models::demand::Demand;
use models::rule::ups::nameplate;
use models::site::{ClassId, GuestId, HostId, Placement, PowerView, Site};

use crate::search::{self, Options, words};

/// A variant of a site with one rule left out.
type Without = (&'static str, fn(&mut Site) -> bool);

/// Every rule that can be left out; the function answers whether the site asked for it.
const RULES: [Without; 8] = [
    ("the CVCF", |s| s.rules.ups.take().is_some()),
    ("branch circuits", |s| s.rules.branches.take().is_some()),
    ("one host down", |s| s.rules.one_host_down.take().is_some()),
    ("one domain down", |s| !std::mem::take(&mut s.rules.one_domain_down).is_empty()),
    ("redundant guests apart", |s| s.rules.apart.take().is_some()),
    ("full-virtual guests spread", |s| s.rules.full_virtual_per_host.take().is_some()),
    ("licences", |s| s.licences.iter_mut().map(|l| l.max.take().is_some()).fold(false, |a, b| a | b)),
    ("CPU", |s| {
        s.rules.cpu.limit = 1e6;
        true
    }),
];

/// The conflicts of a site for which the search found nothing.
#[must_use]
pub fn conflicts(site: &Site, demands: &[Demand]) -> Vec<String> {
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
    all.push(format!(
        "{} guests need {memory} MiB; the hosts that stand and the most that can be bought ({}) give {room} MiB",
        site.guests.len(),
        words(site, &most)
    ));
    let options = Options { most_tries: 24, ..Options::default() };
    let mut conflicting = Vec::new();
    for (name, leave_out) in RULES {
        let mut variant = site.clone();
        if !leave_out(&mut variant) {
            continue;
        }
        if let Ok(found) = search::search(&variant, demands, &options) {
            conflicting.push(name);
            let mut line =
                format!("without the rule \"{name}\" it fits ({} hosts on, {})", found.placement.hosts_on(), words(site, &found.buys));
            for j in crate::judge_all(
                &Site { rules: site.rules.clone(), licences: site.licences.clone(), ..found.site.clone() },
                demands,
                &found.placement,
            ) {
                if let models::rule::Verdict::Broken { breaches, .. } = j.verdict
                    && let Some(worst) = breaches.first()
                {
                    line += &format!("; there, {}: {worst}", j.rule.words());
                }
            }
            all.push(line);
        }
    }
    if conflicting.is_empty() {
        all.push("leaving out any one rule alone did not help in the fleets that were tried".into());
        if let (Some(ups), Some(rule)) = (&site.ups, site.rules.ups)
            && rule.view == PowerView::Nameplate
        {
            let standing = Placement {
                on: site.guests.iter().fold(vec![false; site.hosts.len()], |mut on, g| {
                    if let Some(h) = g.pinned {
                        on[h.index()] = true;
                    }
                    on
                }),
                host_of: vec![None; site.guests.len()],
            };
            let n = nameplate(site, &standing, None);
            all.push(format!(
                "pinned hosts and devices alone take {:.1} of {:.1} kVA by nameplate",
                n.va.value / 1000.0,
                ups.rating.get() / 1000.0
            ));
        }
    }
    all
}
