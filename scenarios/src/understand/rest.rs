//! Services, storage, links, devices, licences, the CVCF, prices and rules.

use models::law::battery::Battery;
use models::quantity::{Amperes, BytesPerSecond, Nanos, VoltAmperes, Watts};
use models::site::{
    CpuRule, Device, DomainId, DomainKind, DownRule, GroupId, Licence, Link, PowerOn, Prices, Rules, Service, ServiceId, Storage, Together,
    Ups, UpsRule,
};

use super::known::Known;
use crate::document::{At, Document};
use crate::error::Error;
use crate::file;

pub(super) fn services(file: &file::Site) -> Vec<Service> {
    file.service.iter().map(|s| Service { name: s.name.clone(), title: s.title.clone() }).collect()
}

pub(super) fn storage(doc: &Document<'_>, file: &file::Site, known: &Known) -> Result<Vec<Storage>, Error> {
    let all = file.storage.iter().enumerate();
    all.map(|(i, s)| {
        let services = known.services.find_all(doc, &At::element("storage", i).key("services"), &s.services, ServiceId::at)?;
        Ok(Storage { name: s.name.clone(), redundant: s.redundant, throughput: s.throughput_bytes_per_s, services })
    })
    .collect()
}

pub(super) fn links(file: &file::Site) -> Vec<Link> {
    let rate = |l: &file::Link| BytesPerSecond::new(l.rate_bytes_per_s.get()).expect("a number above 0 is a rate");
    // A delay is an amount of ms; beyond 584 years it saturates.
    let delay = |l: &file::Link| Nanos((l.delay_ms.get() * 1e6).round() as u64);
    file.link.iter().map(|l| Link { name: l.name.clone(), rate: rate(l), delay: delay(l) }).collect()
}

pub(super) fn devices(doc: &Document<'_>, file: &file::Site, known: &Known) -> Result<Vec<Device>, Error> {
    let mut all = Vec::new();
    for (i, d) in file.device.iter().enumerate() {
        let at = At::element("device", i).key("feed");
        let feed = d.feed.as_deref().map(|name| known.domains.find(doc, &at, name)).transpose()?;
        if let Some(domain) = feed.map(|f| &file.domain[f])
            && domain.kind != DomainKind::Feed
        {
            return Err(doc
                .error(&at, format!("`{}` is a {}, not a feed", domain.name, domain.kind.word()))
                .help("a device draws its power from a `[[domain]]` of `kind = \"feed\"`"));
        }
        all.push(Device {
            name: d.name.clone(),
            count: d.count.get(),
            expected: d.expected_w,
            power_factor: d.power_factor,
            nameplate_va: d.nameplate_va,
            nameplate_w: d.nameplate_w,
            feed: feed.map(DomainId::at),
            crest_factor: d.crest_factor,
        });
    }
    Ok(all)
}

pub(super) fn licences(doc: &Document<'_>, file: &file::Site) -> Result<Vec<Licence>, Error> {
    let mut all = Vec::new();
    for (i, l) in file.licence.iter().enumerate() {
        if let Some(max) = l.max
            && max < l.owned
        {
            return Err(doc
                .error(&At::element("licence", i).key("max"), format!("at most {max} of `{}`, and {} are owned", l.name, l.owned))
                .help("`max` counts all, those that are owned too"));
        }
        all.push(Licence {
            name: l.name.clone(),
            per: l.per,
            owned: l.owned,
            max: l.max,
            price_yen: l.price_yen,
            yearly_yen: l.yearly_yen,
        });
    }
    Ok(all)
}

pub(super) fn ups(doc: &Document<'_>, file: &file::Site) -> Result<Option<Ups>, Error> {
    peaks(doc, file)?;
    let Some(u) = &file.ups else { return Ok(None) };
    let at = At::root().key("ups").key("battery");
    Ok(Some(Ups {
        name: u.name.clone(),
        rating: VoltAmperes::new(u.rating_va.get()).expect("a number above 0 is a rating"),
        output_power_factor: u.output_power_factor,
        loss_no_load: u.loss_no_load.get(),
        loss_proportional: u.loss_proportional.get(),
        loss_square: u.loss_square.get(),
        crest_factor: u.crest_factor,
        battery: u.battery.as_ref().map(|b| battery(doc, &at, b)).transpose()?,
    }))
}

fn battery(doc: &Document<'_>, at: &At, b: &file::Battery) -> Result<Battery, Error> {
    let rated = Watts::new(b.rated_w.get()).expect("a number above 0 is a power");
    let it = Battery { rated, rated_minutes: b.minutes.get(), exponent: b.exponent, left: b.left };
    it.checked().map_err(|e| {
        // The times and loads are above 0 by their kind: what is left is the exponent and the age.
        let key = if e.what.contains("exponent") { "exponent" } else { "left" };
        doc.error(&at.key(key), e.to_string()).help("`exponent` from 1 to 2, `left` above 0 and at most 1; a range lies within too")
    })
}

/// Where the CVCF is asked about peak current, everything on it says its own; and nothing does where it is not.
fn peaks(doc: &Document<'_>, file: &file::Site) -> Result<(), Error> {
    let classes = file.class.iter().enumerate().map(|(i, c)| (At::element("class", i), &c.name, c.crest_factor.is_some()));
    let devices = file.device.iter().enumerate().map(|(i, d)| (At::element("device", i), &d.name, d.crest_factor.is_some()));
    let asked = file.ups.as_ref().is_some_and(|u| u.crest_factor.is_some());
    for (at, name, given) in classes.chain(devices) {
        if given && !asked {
            return Err(doc
                .error(&at.key("crest_factor"), "a crest factor is given, and no CVCF is asked about it")
                .help("write `crest_factor` in `[ups]` too (1.414 where it is not known), or leave it out here"));
        }
        if asked && !given {
            return Err(doc
                .error(&at, format!("the CVCF is asked about peak current, and `{name}` does not say its own"))
                .key(format!("{}.crest_factor", doc.named(&at)))
                .help("write `crest_factor = ...`, the peak of its current over the effective value, or leave out that of `[ups]`"));
        }
    }
    Ok(())
}

pub(super) fn power_on(doc: &Document<'_>, file: &file::Site) -> Result<Option<PowerOn>, Error> {
    let Some(p) = &file.power_on else { return Ok(None) };
    let at = At::root().key("power_on");
    if file.ups.is_none() {
        return Err(doc
            .error(&at, "there is no CVCF that hosts could be switched on under")
            .help("write `[ups]` with its rating, or leave `[power_on]` out"));
    }
    if p.ups_peak_a.get() < p.inrush_a.get() {
        return Err(doc
            .error(&at.key("ups_peak_a"), format!("{} A do not carry the rush of one host, {} A", p.ups_peak_a.get(), p.inrush_a.get()))
            .help("the peak current that the CVCF can give is at least `inrush_a`, or no host can be switched on"));
    }
    let amperes = |x: f64| Amperes::new(x).expect("a number above 0 is a current");
    Ok(Some(PowerOn {
        inrush: amperes(p.inrush_a.get()),
        inrush_lasts: Nanos((p.inrush_ms.get() * 1e6).round() as u64),
        spin_up: p.spin_up_w,
        spin_up_lasts: p.spin_up_s.nanos(),
        ups_peak: amperes(p.ups_peak_a.get()),
    }))
}

pub(super) fn prices(doc: &Document<'_>, file: &file::Site) -> Result<Prices, Error> {
    let p = &file.prices;
    if p.pue.low < 1.0 {
        return Err(doc
            .error(&At::root().key("prices").key("pue"), "a site draws at least what its machines draw")
            .help("the PUE and the low end of its range are 1 or more"));
    }
    Ok(Prices { yen_per_kwh: p.yen_per_kwh, pue: p.pue, years: p.years.get() })
}

pub(super) fn rules(doc: &Document<'_>, file: &file::Site, known: &Known) -> Result<Rules, Error> {
    let (r, at) = (&file.rules, At::root().key("rules"));
    if r.ups.is_none() && file.ups.is_some() {
        return Err(doc
            .error(&At::root().key("ups"), "a CVCF is given, and no rule asks about it")
            .help("say in which view it binds: `ups = { view = \"expected\" }` or `\"nameplate\"` under `[rules]`"));
    }
    if r.ups.is_some() && file.ups.is_none() {
        return Err(doc.error(&at.key("ups"), "there is no CVCF to hold").help("write `[ups]` with its rating, or leave the rule out"));
    }
    if r.branches.is_some() && file.domain.iter().all(|d| d.limit_va.is_none() && d.circuit.is_none()) {
        return Err(doc
            .error(&at.key("branches"), "no feed has a limit to hold")
            .help("write `limit_va` or `circuit` in a `[[domain]]` of `kind = \"feed\"`, or leave the rule out"));
    }
    let mut one_domain_down: Vec<(DomainKind, DownRule)> = Vec::new();
    for (i, d) in r.one_domain_down.iter().enumerate() {
        if one_domain_down.iter().any(|(kind, _)| *kind == d.kind) {
            return Err(doc.error(&at.key("one_domain_down").index(i), format!("{} is there twice", d.kind.word())));
        }
        one_domain_down.push((d.kind, DownRule { cpu_limit: d.cpu_limit.get() }));
    }
    Ok(Rules {
        cpu: CpuRule { percentile: r.cpu.percentile.get(), limit: r.cpu.limit.get() },
        one_host_down: r.one_host_down.as_ref().map(|d| DownRule { cpu_limit: d.cpu_limit.get() }),
        one_domain_down,
        apart: r.apart.clone(),
        full_virtual_per_host: r.full_virtual_per_host,
        ups: r.ups.as_ref().map(|u| UpsRule { view: u.view, reserve: u.reserve.get() }),
        branches: r.branches,
        one_network: one_network(doc, file, known)?,
        prefer: r.prefer,
        excused: Vec::new(),
        evacuated: Vec::new(),
    })
}

/// Services and groups whose guests stand within one network domain.
fn one_network(doc: &Document<'_>, file: &file::Site, known: &Known) -> Result<Vec<Together>, Error> {
    let mut all = Vec::new();
    for (i, name) in file.rules.one_network.iter().enumerate() {
        let at = At::root().key("rules").key("one_network").index(i);
        let together = match (known.services.position(name), known.groups.position(name)) {
            (Some(_), Some(_)) => {
                return Err(doc
                    .error(&at, format!("`{name}` is a service and a redundancy group"))
                    .help("rename one of them, so that it is clear whose guests stand within one network domain"));
            }
            (Some(s), None) => Together::Service(ServiceId::at(s)),
            (None, Some(g)) => Together::Group(GroupId::at(g)),
            (None, None) => {
                let there: Vec<String> = known.services.in_order().into_iter().chain(known.groups.in_order()).collect();
                return Err(doc.error(&at, format!("there is no service or redundancy group `{name}`")).help(crate::names::help_for(
                    name,
                    "services and groups",
                    there.iter().map(String::as_str),
                )));
            }
        };
        if all.contains(&together) {
            return Err(doc.error(&at, format!("`{name}` is in this list twice")));
        }
        all.push(together);
    }
    if !all.is_empty() && file.domain.iter().all(|d| d.kind != DomainKind::Network) {
        return Err(doc
            .error(&At::root().key("rules").key("one_network"), "the site has no network domain")
            .help("write a `[[domain]]` of `kind = \"network\"` and name it in the hosts' `domains`, or leave the rule out"));
    }
    Ok(all)
}
