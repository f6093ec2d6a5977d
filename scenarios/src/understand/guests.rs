//! Guests, and where they run today.

use models::quantity::MiB;
use models::site::{Dirties, GroupId, Guest, GuestId, HostId, LicenceId, Mode, OnLoss, Placement, PoolId, ServiceId};

use super::hosts::Standing;
use super::known::{Known, expand, expand_names};
use crate::document::{At, Document};
use crate::error::Error;
use crate::file;
use crate::names;

/// The guests, templates expanded in order of the file.
pub(super) fn guests(doc: &Document<'_>, file: &file::Site, known: &mut Known) -> Result<Vec<Guest>, Error> {
    let mut all = Vec::new();
    for (i, g) in file.guest.iter().enumerate() {
        let at = At::element("guest", i);
        if g.memory_mib.values().contains(&MiB(0)) {
            return Err(doc.error(&at.key("memory_mib"), "a guest without memory does not run").help("write its memory in MiB, above 0"));
        }
        let service = g.service.as_deref().map(|name| known.services.find(doc, &at.key("service"), name)).transpose()?.map(ServiceId::at);
        let pool = g.pool.as_deref().map(|name| known.pools.find(doc, &at.key("pool"), name)).transpose()?.map(PoolId::at);
        let licences = known.licences.find_all(doc, &at.key("licences"), &g.licences, LicenceId::at)?;
        let dirties = dirties(doc, &at, g)?;
        let default = if g.mode == Mode::PhysicalOnly { OnLoss::Accept } else { OnLoss::Restart };
        for (k, name) in expand_names(doc, &at, &g.name, g.count.get(), all.len())?.into_iter().enumerate() {
            let n = k as u32 + 1;
            known.guests.add(doc, &at.key("name"), &name)?;
            let group = match &g.group {
                None => None,
                Some(template) => {
                    let key = at.key("group");
                    let name = expand(doc, &key, template, n)?;
                    Some(GroupId::at(known.groups.add_or_find(doc, &key, &name)?))
                }
            };
            let pinned = match &g.pinned {
                None => None,
                Some(template) => Some(host(doc, &at.key("pinned"), known, template, n)?),
            };
            all.push(Guest {
                name,
                service,
                vcpus: g.vcpus.get(),
                memory: *g.memory_mib.turn(k),
                // Its recorded load may say it.
                full_speed: None,
                mode: g.mode,
                group,
                pool,
                pinned,
                on_loss: g.on_loss.unwrap_or(default),
                licences: licences.clone(),
                dirties,
            });
        }
    }
    survivors_have_others(doc, file, &all)?;
    Ok(all)
}

/// How guests of a template write to their memory: both keys, or neither.
fn dirties(doc: &Document<'_>, at: &At, g: &file::Guest) -> Result<Option<Dirties>, Error> {
    match (g.dirty_bytes_per_s, g.working_set_mib) {
        (None, None) => Ok(None),
        (Some(bytes_per_s), Some(working_set)) => match g.memory_mib.values().iter().find(|m| **m < working_set) {
            None => Ok(Some(Dirties { bytes_per_s, working_set })),
            Some(memory) => Err(doc
                .error(&at.key("working_set_mib"), format!("a working set of {working_set} in a guest of {memory}"))
                .help("the part of its memory that it keeps writing to: at most `memory_mib`")),
        },
        (Some(_), None) => Err(doc
            .error(&at.key("dirty_bytes_per_s"), "the key `working_set_mib` is missing")
            .help("the part of its memory that it keeps writing to; where nobody knows, all of it is the safe side")),
        (None, Some(_)) => Err(doc
            .error(&at.key("working_set_mib"), "the key `dirty_bytes_per_s` is missing")
            .help("how fast it dirties memory that was clean, bytes a second")),
    }
}

/// Where `on_loss` says that others of the group carry on, there is a group with others.
fn survivors_have_others(doc: &Document<'_>, file: &file::Site, guests: &[Guest]) -> Result<(), Error> {
    let mut members = std::collections::BTreeMap::<GroupId, usize>::new();
    for group in guests.iter().filter_map(|g| g.group) {
        *members.entry(group).or_default() += 1;
    }
    for (i, _, guest) in with_template(file, guests) {
        if guest.on_loss == OnLoss::Survivor && guest.group.is_none_or(|g| members[&g] < 2) {
            let at = At::element("guest", i);
            return Err(doc
                .error(&at.key("on_loss"), format!("no other guest survives `{}`", guest.name))
                .help("`survivor` needs a `group` with at least two members; `restart` and `accept` do not"));
        }
    }
    Ok(())
}

/// Every guest with the number of its template and its number in it, from 0.
pub(super) fn with_template<'a>(file: &'a file::Site, guests: &'a [Guest]) -> impl Iterator<Item = (usize, usize, &'a Guest)> {
    let numbers = file.guest.iter().enumerate().flat_map(|(i, g)| (0..g.count.get() as usize).map(move |k| (i, k)));
    numbers.zip(guests).map(|((i, k), guest)| (i, k, guest))
}

/// The guests that a list stands for, which is at `at`: each by its name or a prefix that ends in `*`, and each once.
/// `nobody` says what an empty list means, and `whose` whose list it is.
pub(crate) fn meant(
    doc: &Document<'_>,
    at: &At,
    patterns: &[String],
    (nobody, whose): (&str, &str),
    guests: &[Guest],
    known: &Known,
) -> Result<Vec<GuestId>, Error> {
    if patterns.is_empty() {
        return Err(doc.error(at, nobody).help("names of guests, or prefixes that end in `*`"));
    }
    let mut taken = vec![false; guests.len()];
    let mut all = Vec::new();
    for (j, pattern) in patterns.iter().enumerate() {
        let met: Vec<usize> = if pattern.ends_with('*') {
            (0..guests.len()).filter(|g| names::matches(pattern, &guests[*g].name)).collect()
        } else {
            known.guests.position(pattern).into_iter().collect()
        };
        if met.is_empty() {
            return Err(doc
                .error(&at.index(j), format!("no guest is meant by `{pattern}`"))
                .help(known.guests.help(pattern.trim_end_matches('*'))));
        }
        for g in met {
            if std::mem::replace(&mut taken[g], true) {
                return Err(doc
                    .error(&at.index(j), format!("`{}` is in this {whose} twice", guests[g].name))
                    .help(format!("a guest is meant by one name or prefix of a {whose}")));
            }
            all.push(GuestId::at(g));
        }
    }
    Ok(all)
}

fn host(doc: &Document<'_>, at: &At, known: &Known, template: &str, n: u32) -> Result<HostId, Error> {
    known.hosts.find(doc, at, &expand(doc, at, template, n)?).map(HostId::at)
}

/// Who runs where today: nothing where no guest says so, and no host says that it is on.
pub(super) fn today(
    doc: &Document<'_>,
    file: &file::Site,
    known: &Known,
    hosts: &[Standing],
    guests: &[Guest],
) -> Result<Option<Placement>, Error> {
    if file.guest.iter().all(|g| g.runs_on.is_none()) && file.host.iter().all(|h| h.on != Some(true)) {
        return Ok(None);
    }
    let mut today = Placement { on: hosts.iter().map(|h| h.on).collect(), host_of: vec![None; guests.len()] };
    for (position, (i, k, guest)) in with_template(file, guests).enumerate() {
        let Some(runs_on) = &file.guest[i].runs_on else { continue };
        let at = At::element("guest", i).key("runs_on");
        let at = if runs_on.values().len() > 1 { at.index(k % runs_on.values().len()) } else { at };
        let on = host(doc, &at, known, runs_on.turn(k), k as u32 + 1)?;
        let name = &hosts[on.index()].host.name;
        if let Some(pin) = guest.pinned
            && pin != on
        {
            return Err(doc
                .error(&at, format!("`{}` runs on `{name}` and is pinned to `{}`", guest.name, hosts[pin.index()].host.name))
                .help("a pinned guest runs where it is pinned: leave one of the two out, or make them agree"));
        }
        if !hosts[on.index()].on {
            return Err(doc
                .error(&at, format!("`{}` runs on `{name}`, and that host is off", guest.name))
                .help("a host that carries a guest today is on: leave `on = false` out"));
        }
        today.host_of[GuestId::at(position).index()] = Some(on);
    }
    Ok(Some(today))
}
