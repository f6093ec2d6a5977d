//! From the keys of site.toml to a [`Site`]: names become ids, templates become hosts and guests, and what contradicts
//! itself is refused where it stands.

mod alternatives;
mod deploy;
mod fit;
mod guests;
mod hosts;
mod known;
mod rest;

use models::site::Site;

pub(crate) use guests::meant;
pub(crate) use known::{Known, Names, check_name};

use crate::document::{At, Document};
use crate::error::Error;
use crate::file;
use crate::givens;

/// The site of a file, and the names in it.
pub(crate) fn site(doc: &Document<'_>, file: &file::Site) -> Result<(Site, Known), Error> {
    known::check_name(doc, &At::root().key("name"), &file.name)?;
    for (key, is_empty) in [("class", file.class.is_empty()), ("guest", file.guest.is_empty())] {
        if is_empty {
            return Err(doc
                .error(&At::root().key(key), format!("there is no [[{key}]]"))
                .key(key)
                .help("a site has at least one class of hosts and one guest"));
        }
    }
    let mut known = Known::of(doc, file)?;
    let licences = rest::licences(doc, file)?;
    let domains = hosts::domains(doc, file)?;
    let classes = hosts::classes(doc, file, &known)?;
    let hosts = hosts::hosts(doc, file, &mut known)?;
    let guests = guests::guests(doc, file, &mut known)?;
    let today = guests::today(doc, file, &known, &hosts, &guests)?;
    let mut site = Site {
        name: file.name.clone(),
        title: file.title.clone(),
        unknowns: file.unknowns.clone(),
        classes,
        hosts: hosts.into_iter().map(|h| h.host).collect(),
        domains,
        pools: file.pool.iter().map(|p| p.name.clone()).collect(),
        services: rest::services(file),
        groups: known.groups.in_order(),
        guests,
        storage: rest::storage(doc, file, &known)?,
        links: rest::links(file),
        devices: rest::devices(doc, file, &known)?,
        licences,
        ups: rest::ups(doc, file)?,
        power_on: rest::power_on(doc, file)?,
        prices: rest::prices(doc, file)?,
        rules: rest::rules(doc, file, &known)?,
        today,
        alternatives: Vec::new(),
        migration: deploy::migration(doc, file, &known)?,
        deploy: deploy::deploy(doc, file, &known)?,
        givens: givens::all(doc)?,
    };
    fit::every_guest(doc, file, &site)?;
    site.alternatives = alternatives::all(doc, file, &known, &site)?;
    Ok((site, known))
}
