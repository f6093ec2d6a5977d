//! Whether each guest, alone, fits any host that stands or can be bought: if not, no plan can help.

use std::collections::BTreeSet;

use models::quantity::MiB;
use models::site::{ClassId, Guest, Mode, PoolId, Site};

use super::guests::with_template;
use crate::document::{At, Document};
use crate::error::Error;
use crate::file;

/// Every guest fits a host that it may run on.
pub(super) fn every_guest(doc: &Document<'_>, file: &file::Site, site: &Site) -> Result<(), Error> {
    // Hosts of one class and the same pools are alike here.
    let mut places: BTreeSet<(ClassId, Vec<PoolId>)> =
        site.hosts.iter().filter(|h| !h.retires).map(|h| (h.class, h.pools.clone())).collect();
    for (c, class) in site.classes.iter().enumerate() {
        if let Some(sale) = class.sale.as_ref().filter(|s| s.max > 0) {
            places.insert((ClassId::at(c), sale.pools.clone()));
        }
    }
    for (i, k, guest) in with_template(file, &site.guests) {
        let at = At::element("guest", i);
        match guest.pinned {
            Some(pin) => {
                let host = &site.hosts[pin.index()];
                if host.retires {
                    return Err(doc
                        .error(&at.key("pinned"), format!("`{}` is pinned to `{}`, which retires", guest.name, host.name))
                        .help("a host that retires is off when the plan is done: leave one of `pinned` and `retires` out"));
                }
                if let Some(pool) = guest.pool
                    && !host.pools.contains(&pool)
                {
                    return Err(doc
                        .error(
                            &at.key("pinned"),
                            format!(
                                "`{}` is pinned to `{}`, which is not in its pool `{}`",
                                guest.name,
                                host.name,
                                site.pools[pool.index()]
                            ),
                        )
                        .help("add the host to the pool, or leave one of `pool` and `pinned` out"));
                }
                let there = site.class_of(pin).guest_memory();
                if guest.memory > there {
                    return Err(doc
                        .error(
                            &memory_at(&at, file, i, k),
                            format!(
                                "`{}` needs {} and is pinned to `{}`, which has {there} for guests",
                                guest.name, guest.memory, host.name
                            ),
                        )
                        .help("less memory, or another host"));
                }
            }
            None => unpinned(doc, file, site, &places, (i, k, guest))?,
        }
    }
    Ok(())
}

fn unpinned(
    doc: &Document<'_>,
    file: &file::Site,
    site: &Site,
    places: &BTreeSet<(ClassId, Vec<PoolId>)>,
    (i, k, guest): (usize, usize, &Guest),
) -> Result<(), Error> {
    let at = At::element("guest", i);
    let in_pool =
        || places.iter().filter(|(_, pools)| guest.pool.is_none_or(|p| pools.contains(&p))).map(|(class, _)| &site.classes[class.index()]);
    let of_mode = || in_pool().filter(|class| guest.mode == Mode::PhysicalOnly || class.hypervisor.is_some());
    if places.is_empty() {
        return Err(doc
            .error(&at, format!("there is no host for `{}`", guest.name))
            .help("write `[[host]]` for hosts that stand, or `[class.sale]` with `max` above 0 for hosts that can be bought"));
    }
    if in_pool().next().is_none() {
        return Err(doc
            .error(&at.key("pool"), format!("no host of this pool stands or can be bought, so `{}` can run nowhere", guest.name))
            .help("name the pool in the `pools` of a `[[host]]` or a `[class.sale]`"));
    }
    let Some(largest) = of_mode().map(|class| (class.guest_memory(), &class.name)).max() else {
        return Err(doc
            .error(&at.key("mode"), format!("`{}` is virtual, and no host that it may run on has a hypervisor", guest.name))
            .help("give a class `hypervisor_mib`, write `mode = \"physical-only\"`, or pin the guest to its host"));
    };
    let (most, class): (MiB, &String) = largest;
    if guest.memory > most {
        return Err(doc
            .error(
                &memory_at(&at, file, i, k),
                format!(
                    "`{}` needs {}, and the largest host that it may run on, of class `{class}`, has {most} for guests",
                    guest.name, guest.memory
                ),
            )
            .help("a class with more memory, standing or for sale; or less memory for the guest"));
    }
    Ok(())
}

fn memory_at(at: &At, file: &file::Site, i: usize, k: usize) -> At {
    match file.guest[i].memory_mib.values().len() {
        1 => at.key("memory_mib"),
        several => at.key("memory_mib").index(k % several),
    }
}
