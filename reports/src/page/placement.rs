//! Where the guests run, before and after.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::{FOLD, SCREEN_ONLY};
use crate::contender::Lineup;
use crate::run::Fleet;
use crate::say;

#[derive(Serialize)]
pub(super) struct Placement<'a> {
    today: &'a str,
    other: Option<&'a str>,
    summary: Vec<String>,
    rows: Vec<Host<'a>>,
    fold: bool,
    screen_only: bool,
    homeless: Vec<&'a str>,
}

#[derive(Serialize)]
struct Host<'a> {
    name: &'a str,
    class: &'a str,
    before: Side<'a>,
    after: Option<Side<'a>>,
}

/// One side of a row.
#[derive(Serialize)]
struct Side<'a> {
    on: bool,
    guests: Vec<Guest<'a>>,
}

#[derive(Serialize)]
struct Guest<'a> {
    name: &'a str,
    /// It is on this host on this side only.
    moved: bool,
}

struct Seen<'a> {
    classes: BTreeMap<&'a str, &'a str>,
    by_host: BTreeMap<&'a str, BTreeSet<&'a str>>,
    host_of: BTreeMap<&'a str, &'a str>,
}

impl<'a> Seen<'a> {
    fn of(fleet: &'a Fleet) -> Self {
        let mut by_host: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
        for (guest, host) in &fleet.placement {
            by_host.entry(host).or_default().insert(guest);
        }
        Self {
            classes: fleet.measures.hosts.iter().map(|h| (h.host.as_str(), h.class.as_str())).collect(),
            by_host,
            host_of: fleet.placement.iter().map(|(g, h)| (g.as_str(), h.as_str())).collect(),
        }
    }

    fn side(&self, host: &str, against: Option<&Self>) -> Side<'a> {
        let guests = self.by_host.get(host).into_iter().flatten();
        let guests = guests
            .map(|g| Guest { name: g, moved: against.is_some_and(|a| a.host_of.get(g).is_none_or(|h| *h != host)) })
            .collect::<Vec<_>>();
        Side { on: self.classes.contains_key(host) || !guests.is_empty(), guests }
    }
}

pub(super) fn view<'a>(lineup: &Lineup<'a>) -> Option<Placement<'a>> {
    let today = lineup.today?;
    let before = Seen::of(today);
    let after = lineup.other.map(Seen::of);

    // Hosts in the order of the site: those of the plan first, then those that it switches off.
    let mut hosts: Vec<&str> = Vec::new();
    let mut seen = BTreeSet::new();
    for fleet in lineup.other.into_iter().chain(lineup.today) {
        let names = fleet.measures.hosts.iter().map(|h| h.host.as_str()).chain(fleet.placement.iter().map(|p| p.1.as_str()));
        hosts.extend(names.filter(|h| seen.insert(*h)));
    }
    let rows: Vec<Host<'a>> = hosts
        .iter()
        .map(|h| Host {
            name: h,
            class: after.as_ref().and_then(|a| a.classes.get(h)).or_else(|| before.classes.get(h)).copied().unwrap_or(""),
            before: before.side(h, after.as_ref()),
            after: after.as_ref().map(|a| a.side(h, Some(&before))),
        })
        .collect();

    let mut summary = vec![spread(&today.name, &before)];
    let mut homeless = Vec::new();
    if let (Some(other), Some(after)) = (lineup.other, &after) {
        summary.push(spread(&other.name, after));
        let moved = after.host_of.iter().filter(|(g, h)| before.host_of.get(*g).is_some_and(|b| b != *h)).count();
        let started = after.host_of.keys().filter(|g| !before.host_of.contains_key(*g)).count();
        let off = rows.iter().filter(|r| r.before.on && r.after.as_ref().is_some_and(|a| !a.on)).count();
        let new = rows.iter().filter(|r| !r.before.on && r.after.as_ref().is_some_and(|a| a.on)).count();
        let mut text = format!("{} on another host than before", say::some(moved as u64, "guest is", "guests are"));
        if started > 0 {
            text += &format!(", {} only after", say::some(started as u64, "guest runs", "guests run"));
        }
        text += &format!("; {} switched off, {} switched on", say::some(off as u64, "host is", "hosts are"), say::count(new as u64));
        summary.push(text);
        homeless = before.host_of.keys().filter(|g| !after.host_of.contains_key(*g)).copied().collect();
    }
    Some(Placement {
        today: &today.name,
        other: lineup.other.map(|f| f.name.as_str()),
        summary,
        fold: rows.len() > FOLD,
        screen_only: rows.len() > SCREEN_ONLY,
        rows,
        homeless,
    })
}

fn spread(name: &str, seen: &Seen<'_>) -> String {
    let guests = seen.host_of.len() as u64;
    let hosts = seen.classes.len().max(seen.by_host.len()) as u64;
    let most = seen.by_host.iter().max_by(|a, b| a.1.len().cmp(&b.1.len()).then_with(|| b.0.cmp(a.0)));
    let most = most.map_or_else(String::new, |(h, g)| format!(", {} the most, on {h}", g.len()));
    format!("{name}: {} on {}{most}", say::some(guests, "guest", "guests"), say::some(hosts, "host", "hosts"))
}
