//! Failure domains, classes and hosts.

use models::law::branch::Circuit;
use models::law::power::{BadCurve, Curve, PowerModel};
use models::law::supply::Supply;
use models::quantity::{Amperes, Mhz, MiB, PowerFactor, VoltAmperes, Volts, Watts};
use models::site::{ClassId, Domain, DomainId, DomainKind, Host, HostClass, LicenceId, PoolId, Sale};

use super::known::{Known, expand_names};
use crate::document::{At, Document};
use crate::error::Error;
use crate::file;

/// The failure domains.
pub(super) fn domains(doc: &Document<'_>, file: &file::Site) -> Result<Vec<Domain>, Error> {
    let mut all = Vec::new();
    for (i, d) in file.domain.iter().enumerate() {
        let at = At::element("domain", i);
        let given = [("limit_va", d.limit_va.is_some()), ("circuit", d.circuit.is_some())];
        let given: Vec<&str> = given.into_iter().filter(|(_, is)| *is).map(|(key, _)| key).collect();
        if let [_, second] = given[..] {
            return Err(doc
                .error(&at.key(second), "the limit of this feed is given twice")
                .help("write `limit_va`, or the `circuit` that it follows from, and not both"));
        }
        if let [key] = given[..] {
            if d.kind != DomainKind::Feed {
                return Err(doc
                    .error(&at.key(key), format!("a {} has no limit in VA", d.kind.word()))
                    .help(format!("`{key}` is the limit of a feed's branch circuit: leave it out, or write `kind = \"feed\"`")));
            }
            if d.source.is_none() {
                return Err(doc.error(&at, "the key `source` is missing").key(format!("{}.source", doc.named(&at))).help(format!(
                    "`{key}` is a number of the world: write `source = ...` (paper:ID, measured:WHAT, proxy:WHAT or assumed:WHY)"
                )));
            }
        }
        let limit_va = match &d.circuit {
            Some(circuit) => Some(circuit_limit(doc, &at.key("circuit"), circuit)?),
            None => d.limit_va,
        };
        all.push(Domain { name: d.name.clone(), kind: d.kind, limit_va });
    }
    Ok(all)
}

fn circuit_limit(doc: &Document<'_>, at: &At, c: &file::Circuit) -> Result<VoltAmperes, Error> {
    let circuit = Amperes::new(c.amperes.get()).and_then(|a| Volts::new(c.volts.get()).and_then(|v| Circuit::new(a, v, c.derate.get())));
    circuit.map(|it| it.limit()).map_err(|e| {
        doc.error(at, e.to_string())
            .help("breaker, volts and the share of it for a lasting load: `{ amperes = 15, volts = 100, derate = 0.8 }`")
    })
}

/// The power factor by load: as it is given, or from the supplies.
fn power_factor(doc: &Document<'_>, at: &At, c: &file::Class, curve: &Curve) -> Result<Vec<PowerFactor>, Error> {
    match (&c.power_factor, &c.supply) {
        (Some(list), None) if list.is_empty() => Err(doc
            .error(&at.key("power_factor"), "the list is empty")
            .help("one number above 0 and at most 1, or several for evenly spaced loads")),
        (Some(list), None) => Ok(list.clone()),
        (None, Some(s)) => {
            let at = at.key("supply");
            let supply = Watts::new(s.rating_w.get()).and_then(|w| Supply::new(s.count.get(), w, s.power_factor.clone()));
            let supply = supply.map_err(|e| {
                doc.error(&at.key("power_factor"), e.to_string()).help("the factor of one supply at evenly spaced loads, from none to full")
            })?;
            supply.by_load(curve, LOADS).map_err(|e| {
                doc.error(&at.key("rating_w"), e.to_string())
                    .help(format!("`rating_w` x `count` must reach the last of `power_w`, {} W", curve.full().get()))
            })
        }
        (Some(_), Some(_)) => Err(doc
            .error(&at.key("supply"), "the power factor is given twice")
            .help("write `power_factor`, or the `supply` that it follows from, and not both")),
        (None, None) => Err(doc
            .error(at, "the key `power_factor` is missing")
            .key(format!("{}.power_factor", doc.named(at)))
            .help("write `power_factor = ...`, or `[class.supply]` from which it follows")),
    }
}

/// Loads of a host for which the factor of its supplies is read off: idle, a tenth, ... full.
const LOADS: u32 = 11;

/// The classes.
pub(super) fn classes(doc: &Document<'_>, file: &file::Site, known: &Known) -> Result<Vec<HostClass>, Error> {
    file.class.iter().enumerate().map(|(i, c)| class(doc, &At::element("class", i), c, known)).collect()
}

fn class(doc: &Document<'_>, at: &At, c: &file::Class, known: &Known) -> Result<HostClass, Error> {
    if c.core_mhz == Mhz::ZERO {
        return Err(doc.error(&at.key("core_mhz"), "a core without a clock does no work").help("write its clock in MHz"));
    }
    if c.memory_mib == MiB(0) {
        return Err(doc.error(&at.key("memory_mib"), "a host without memory carries no guest").help("write its memory in MiB"));
    }
    if let Some(kept) = c.hypervisor_mib
        && kept >= c.memory_mib
    {
        return Err(doc
            .error(&at.key("hypervisor_mib"), format!("the hypervisor leaves nothing of {} for guests", c.memory_mib))
            .help("it must be less than `memory_mib`"));
    }
    let curve = Curve::new(c.power_w.clone()).map_err(|bad| {
        let key = at.key("power_w");
        let place = match bad {
            BadCurve::TooShort(_) => key,
            BadCurve::IdleIsZero(_) => key.index(0),
            BadCurve::Falls(_, _, point, _) => key.index(point),
        };
        doc.error(&place, bad.to_string())
            .help("watts at evenly spaced loads, idle to full: at least 2 points, the first above 0, none below the one before")
    })?;
    Ok(HostClass {
        name: c.name.clone(),
        sockets: c.sockets.get(),
        cores: c.cores.get(),
        core_mhz: c.core_mhz,
        threads_per_core: c.threads_per_core.get(),
        thread_gain: c.thread_gain.get(),
        memory: c.memory_mib,
        hypervisor: c.hypervisor_mib,
        network: c.network_bytes_per_s,
        disk: c.disk_bytes_per_s,
        power: PowerModel {
            power_factor: power_factor(doc, at, c, &curve)?,
            curve,
            nameplate_va: c.nameplate_va,
            nameplate_w: c.nameplate_w,
            crest_factor: c.crest_factor,
        },
        boot: c.boot_s.nanos(),
        licences: known.licences.find_all(doc, &at.key("licences"), &c.licences, LicenceId::at)?,
        sale: c.sale.as_ref().map(|s| sale(doc, &at.key("sale"), s, known)).transpose()?,
        maintenance_yen_per_year: c.maintenance_yen_per_year,
        softlockup_panic: c.softlockup_panic,
    })
}

fn sale(doc: &Document<'_>, at: &At, s: &file::Sale, known: &Known) -> Result<Sale, Error> {
    let lists = s.stands_in.iter().enumerate();
    Ok(Sale {
        price_yen: s.price_yen,
        max: s.max,
        stands_in: lists
            .map(|(k, list)| known.domains.find_all(doc, &at.key("stands_in").index(k), list, DomainId::at))
            .collect::<Result<_, _>>()?,
        pools: known.pools.find_all(doc, &at.key("pools"), &s.pools, PoolId::at)?,
    })
}

/// A host, and whether it is on today.
pub(super) struct Standing {
    pub host: Host,
    pub on: bool,
}

/// The hosts that stand today, templates expanded in order of the file.
pub(super) fn hosts(doc: &Document<'_>, file: &file::Site, known: &mut Known) -> Result<Vec<Standing>, Error> {
    let mut all = Vec::new();
    for (i, h) in file.host.iter().enumerate() {
        let at = At::element("host", i);
        let classes: Vec<ClassId> = match h.class.values() {
            [one] => vec![ClassId::at(known.classes.find(doc, &at.key("class"), one)?)],
            several => several
                .iter()
                .enumerate()
                .map(|(k, name)| known.classes.find(doc, &at.key("class").index(k), name).map(ClassId::at))
                .collect::<Result<_, _>>()?,
        };
        let domains = known.domains.find_all(doc, &at.key("domains"), &h.domains, DomainId::at)?;
        let pools = known.pools.find_all(doc, &at.key("pools"), &h.pools, PoolId::at)?;
        for (k, name) in expand_names(doc, &at, &h.name, h.count.get(), all.len())?.into_iter().enumerate() {
            known.hosts.add(doc, &at.key("name"), &name)?;
            bought_names_are_free(doc, &at, file, &name)?;
            let host = Host {
                name,
                class: classes[k % classes.len()],
                domains: domains.clone(),
                pools: pools.clone(),
                bought: false,
                retires: h.retires,
            };
            all.push(Standing { host, on: h.on.unwrap_or(true) });
        }
    }
    Ok(all)
}

/// Hosts that are bought are named after their class, and no standing host has such a name.
fn bought_names_are_free(doc: &Document<'_>, at: &At, file: &file::Site, name: &str) -> Result<(), Error> {
    let Some((class, number)) = name.rsplit_once('-') else { return Ok(()) };
    let counts = number.parse::<u32>().is_ok_and(|n| n > 0 && n.to_string() == number);
    if counts && file.class.iter().any(|c| c.name == class && c.sale.is_some()) {
        return Err(doc
            .error(&at.key("name"), format!("`{name}` is what a host bought of class `{class}` is called"))
            .help(format!("give standing hosts names that are not `{class}-` and a number")));
    }
    Ok(())
}
