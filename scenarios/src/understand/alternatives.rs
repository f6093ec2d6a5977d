//! Other fleets that the plan is compared with.

use std::collections::{BTreeMap, BTreeSet};

use models::site::{Alternative, AlternativePlacement, ClassId, GuestId, Site};

use super::known::Known;
use crate::document::{At, Document};
use crate::error::Error;
use crate::file::{self, Place};
use crate::names;

pub(super) fn all(doc: &Document<'_>, file: &file::Site, known: &Known, site: &Site) -> Result<Vec<Alternative>, Error> {
    let mut baseline: Option<&str> = None;
    let mut all = Vec::new();
    for (i, a) in file.alternative.iter().enumerate() {
        let at = At::element("alternative", i);
        if ["plan", "today"].contains(&a.name.as_str()) {
            return Err(doc
                .error(&at.key("name"), format!("`{}` is the name of a column of the report", a.name))
                .help("give the alternative another name"));
        }
        if a.baseline
            && let Some(first) = baseline.replace(&a.name)
        {
            return Err(doc
                .error(&at.key("baseline"), format!("`{first}` is the baseline already"))
                .help("at most one alternative is `baseline = true`"));
        }
        let buys = buys(doc, &at, a, known, site)?;
        let place = match (a.place, &a.given) {
            (Place::Given, Some(given)) => AlternativePlacement::Given(place(doc, &at, given, &buys, known, site)?),
            (Place::Given, None) => {
                return Err(doc
                    .error(&at.key("place"), "the key `given` is missing")
                    .help("`place = \"given\"` needs `given = { guest = \"host\" }`"));
            }
            (_, Some(_)) => {
                return Err(doc
                    .error(&at.key("given"), "this placement is not asked for")
                    .help("`given` goes with `place = \"given\"` only"));
            }
            (Place::OneAHost, None) => AlternativePlacement::OneAHost,
            (Place::FirstFitFull, None) => AlternativePlacement::FirstFitFull,
            (Place::Planner, None) => AlternativePlacement::Planner,
        };
        all.push(Alternative { name: a.name.clone(), title: a.title.clone(), baseline: a.baseline, buys, place });
    }
    Ok(all)
}

fn buys(doc: &Document<'_>, at: &At, a: &file::Alternative, known: &Known, site: &Site) -> Result<Vec<(ClassId, u32)>, Error> {
    let mut buys: Vec<(ClassId, u32)> = Vec::new();
    for (k, buy) in a.buys.iter().enumerate() {
        let at = at.key("buys").index(k);
        let class = ClassId::at(known.classes.find(doc, &at.key("class"), &buy.class)?);
        if site.classes[class.index()].sale.is_none() {
            return Err(doc
                .error(&at.key("class"), format!("the class `{}` is not for sale", buy.class))
                .help("a class that can be bought has a `[class.sale]` with its price"));
        }
        if buys.iter().any(|(c, _)| *c == class) {
            return Err(doc.error(&at.key("class"), format!("the class `{}` is bought twice", buy.class)).help("add the counts up"));
        }
        buys.push((class, buy.count.get()));
    }
    Ok(buys)
}

/// Guest to host. A name goes before a pattern; two patterns for one guest contradict each other.
fn place(
    doc: &Document<'_>,
    at: &At,
    given: &BTreeMap<String, file::number::Dealt<String>>,
    buys: &[(ClassId, u32)],
    known: &Known,
    site: &Site,
) -> Result<Vec<(GuestId, String)>, Error> {
    let bought = buys.iter().flat_map(|(c, count)| (1..=*count).map(|n| format!("{}-{n}", site.classes[c.index()].name)));
    let hosts: BTreeSet<String> = site.hosts.iter().map(|h| h.name.clone()).chain(bought).collect();
    let mut host_of: Vec<Option<(bool, String)>> = vec![None; site.guests.len()];
    for (pattern, to) in given {
        let at = at.key("given").key(pattern.clone());
        for (k, host) in to.values().iter().enumerate() {
            if !hosts.contains(host) {
                let at = if to.values().len() > 1 { at.index(k) } else { at.clone() };
                return Err(doc.error(&at, format!("this alternative has no host `{host}`")).help(names::help_for(
                    host,
                    "hosts that stand or are bought here",
                    hosts.iter().map(String::as_str),
                )));
            }
        }
        let exact = !pattern.ends_with('*');
        let met: Vec<usize> = (0..site.guests.len()).filter(|g| names::matches(pattern, &site.guests[*g].name)).collect();
        if met.is_empty() {
            return Err(doc.error(&at, format!("no guest is meant by `{pattern}`")).help(known.guests.help(pattern.trim_end_matches('*'))));
        }
        for (k, g) in met.into_iter().enumerate() {
            let host = to.turn(k);
            let guest = &site.guests[g];
            if let Some(pin) = guest.pinned.map(|p| &site.hosts[p.index()].name)
                && pin != host
            {
                return Err(doc.error(&at, format!("`{}` is pinned to `{pin}` and cannot be on `{host}`", guest.name)));
            }
            match &host_of[g] {
                Some((true, _)) => {}
                Some((false, _)) if !exact => {
                    return Err(doc
                        .error(&at, format!("a second pattern places `{}`", guest.name))
                        .help("a guest is meant by one pattern; its full name goes before patterns"));
                }
                _ => host_of[g] = Some((exact, host.clone())),
            }
        }
    }
    let homeless: Vec<&str> =
        site.guests.iter().zip(&host_of).filter(|(g, host)| g.pinned.is_none() && host.is_none()).map(|(g, _)| g.name.as_str()).collect();
    if !homeless.is_empty() {
        return Err(doc
            .error(&at.key("given"), format!("{} guests have no host: {}", homeless.len(), names::listed("", homeless.iter().copied())))
            .help("every guest that is not pinned is placed: a guest that runs nowhere costs nothing and would win every comparison"));
    }
    Ok(host_of.into_iter().enumerate().filter_map(|(g, host)| host.map(|(_, name)| (GuestId::at(g), name))).collect())
}
