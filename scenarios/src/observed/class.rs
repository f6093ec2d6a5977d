//! A class of hosts: what it draws and costs is the base's word, and what it is made of is what its hosts were seen to be.
//!
//! Where the two disagree, sockets, cores, threads and memory are as measured: a planner must not count on memory or cores that are not
//! there. The clock is the base's where it gives one, because hosts tell the clock of the moment, which saves power; it is measured
//! only where the base gives none. Hosts of a class are planned as alike: as its least.

use std::collections::BTreeMap;

use models::observation::{Hardware, Host, Observation, utc};
use toml_edit::{InlineTable, Item, Table, Value};

use super::Findings;
use super::base::Base;

/// Keys of a class that no host can tell.
const NOT_MEASURED: [(&str, &str); 7] = [
    ("power_w", "what a host draws is measured at its plug, not by libvirt"),
    ("nameplate_va", "it stands on the nameplate"),
    ("nameplate_w", "it stands on the nameplate"),
    ("network_bytes_per_s", "what all ports carry together is not told by libvirt"),
    ("disk_bytes_per_s", "what its disks carry is not told by libvirt"),
    ("maintenance_yen_per_year", "it stands in a contract"),
    ("source", "who says all this"),
];

/// What a host says of itself.
type Part = fn(&Hardware) -> u64;

/// Keys of a class that are measured.
const MEASURED: [(&str, Part); 4] = [
    ("sockets", |h| h.sockets as u64),
    ("cores", |h| h.cores as u64),
    ("threads_per_core", |h| h.threads_per_core as u64),
    ("memory_mib", |h| h.memory_mib),
];

/// How far a clock may be from the base's before it is said, as a share.
const CLOCK_TOLERANCE: f64 = 0.1;

/// A number under a key.
pub(super) fn number(table: &Table, key: &str) -> Option<f64> {
    let item = table.get(key)?;
    item.as_float().or_else(|| item.as_integer().map(|i| i as f64))
}

/// A whole number under a key.
fn whole(table: &Table, key: &str) -> Option<u64> {
    table.get(key).and_then(Item::as_integer).and_then(|i| u64::try_from(i).ok())
}

/// Puts a value under a key, and says who says so.
fn set(table: &mut Table, key: &str, value: impl Into<Value>, source: &str) {
    table.insert(key, Item::Value(value.into()));
    let sources = table.entry("sources").or_insert_with(|| Item::Value(Value::InlineTable(InlineTable::new())));
    if let Some(sources) = sources.as_table_like_mut() {
        sources.insert(key, toml_edit::value(source));
    }
}

/// Names, the first few of them.
pub(super) fn some(names: &[&str]) -> String {
    const MOST: usize = 4;
    match names.len().saturating_sub(MOST) {
        0 => names.join(", "),
        more => format!("{} and {more} more", names[..MOST].join(", ")),
    }
}

/// Puts into the classes of the base what their hosts were seen to be.
pub(super) fn measured(seen: &Observation, base: &mut Base, found: &mut Findings) {
    let mut by_class: BTreeMap<&str, Vec<&Host>> = BTreeMap::new();
    for host in &seen.hosts {
        by_class.entry(&host.class).or_default().push(host);
    }
    for (name, hosts) in by_class {
        let called: Vec<&str> = hosts.iter().map(|h| h.name.as_str()).collect();
        let Some(table) = base.class_mut(name) else {
            let keys: Vec<&str> = NOT_MEASURED.iter().map(|(key, _)| *key).collect();
            found.missing.push(format!(
                "[[class]] {name} (of {}): what its hosts draw and cost is on no host: {}, and power_factor or supply",
                some(&called),
                keys.join(", ")
            ));
            continue;
        };
        one(name, &hosts, &utc(seen.begun_unix_ns), table, found);
    }
}

fn one(name: &str, hosts: &[&Host], at: &str, table: &mut Table, found: &mut Findings) {
    for (key, why) in NOT_MEASURED.iter().filter(|(key, _)| !table.contains_key(key)) {
        found.missing.push(format!("class {name}: key `{key}`: {why}"));
    }
    if !table.contains_key("power_factor") && !table.contains_key("supply") {
        found.missing.push(format!("class {name}: key `power_factor` (or [class.supply]): it is measured at the plug, not by libvirt"));
    }
    let answered: Vec<(&Host, &Hardware)> = hosts.iter().filter_map(|h| Some((*h, h.hardware.as_ref()?))).collect();
    let names: Vec<&str> = answered.iter().map(|(h, _)| h.name.as_str()).collect();
    let source = format!("measured:libvirt on {} at {at}", some(&names));
    for (key, of) in MEASURED {
        let all = || answered.iter().map(|(_, h)| of(h));
        let was = whole(table, key);
        match (all().min(), all().max()) {
            (Some(least), Some(most)) => {
                if least < most {
                    found.notes.push(format!("hosts of class {name} have `{key}` from {least} to {most}: all are planned as {least}"));
                }
                if let Some(said) = was.filter(|said| *said != least) {
                    found
                        .notes
                        .push(format!("class {name}: key `{key}` is {said} in the base and {least} as measured: {least} is planned with"));
                }
                if was != Some(least) {
                    set(table, key, least as i64, &source);
                }
            }
            _ if was.is_none() && key != "threads_per_core" => {
                found.missing.push(format!("class {name}: key `{key}`: no host of the class answers, so that it cannot be measured now"));
            }
            _ => {}
        }
    }
    clock(name, &answered, &source, table, found);
    guest_memory(name, hosts, table, found);
}

/// The clock of a core.
fn clock(name: &str, answered: &[(&Host, &Hardware)], source: &str, table: &mut Table, found: &mut Findings) {
    let told = answered.iter().map(|(_, h)| h.core_mhz).filter(|mhz| *mhz > 0).min();
    match (number(table, "core_mhz"), told) {
        (Some(said), Some(told)) if (f64::from(told) - said).abs() > CLOCK_TOLERANCE * said => found.notes.push(format!(
            "class {name}: key `core_mhz` is {said} in the base, and hosts tell {told} of the moment: the base's is planned with"
        )),
        (None, Some(told)) => set(table, "core_mhz", i64::from(told), source),
        (None, None) => found.missing.push(format!("class {name}: key `core_mhz`: its hosts do not tell the clock of their cores")),
        (Some(_), _) => {}
    }
}

/// What the hypervisor keeps: all but what the inventory leaves to guests.
fn guest_memory(name: &str, hosts: &[&Host], table: &mut Table, found: &mut Findings) {
    let Some(memory) = whole(table, "memory_mib") else { return };
    let (Some(least), Some(most)) = (hosts.iter().min_by_key(|h| h.guest_memory_mib), hosts.iter().max_by_key(|h| h.guest_memory_mib))
    else {
        return;
    };
    let leaves = least.guest_memory_mib;
    if leaves != most.guest_memory_mib {
        found.missing.push(format!(
            "a class for {} and one for {}: both are of class {name}, and the inventory leaves {leaves} and {} MiB to their guests",
            least.name, most.name, most.guest_memory_mib
        ));
        return;
    }
    let keeps = whole(table, "hypervisor_mib");
    if leaves <= memory {
        if keeps != Some(memory - leaves) {
            set(table, "hypervisor_mib", (memory - leaves) as i64, &format!("assumed:the inventory leaves {leaves} MiB to guests"));
        }
        return;
    }
    // The bound is above what there is: what the hypervisor needs is not known from it.
    match keeps {
        Some(keeps) => found.notes.push(format!(
            "class {name}: the inventory leaves {leaves} MiB to guests, and there are {memory} MiB, of which the hypervisor keeps {keeps}: \
             guests are planned with {}",
            memory.saturating_sub(keeps)
        )),
        None => found.missing.push(format!(
            "class {name}: key `hypervisor_mib`: the inventory leaves {leaves} MiB to guests, and there are only {memory} MiB"
        )),
    }
}
