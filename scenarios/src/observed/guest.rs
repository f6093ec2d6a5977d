//! A guest: what was seen of it, and what the base says of it besides.
//!
//! A guest that does not run is written where somebody wants it to run: the inventory or the base names it, a host starts it at boot, it
//! crashed, or it ran on a host that is gone. A plan starts every guest that is written; others that are shut off stay so.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use models::observation::{Guest, HostState, KnownFrom, Observation, utc};

use super::base::{Base, OfKey};
use super::{Findings, quoted};

/// A guest that is written.
pub(super) struct Of<'o> {
    /// As it was seen.
    pub guest: &'o Guest,
    /// Its table.
    pub table: String,
}

/// How guests are virtualised where the base does not say.
const MODE: (&str, &str) =
    ("full-pv-drivers", "assumed:libvirt does not tell whether a guest has PV drivers, and guests of QEMU as a rule have virtio");

/// All guests that are written.
pub(super) fn all<'o>(seen: &'o Observation, base: &Base, found: &mut Findings) -> Vec<Of<'o>> {
    let mut all = Vec::new();
    for guest in &seen.guests {
        if is_wanted(guest, base) {
            let table = table(seen, guest, base, found);
            all.push(Of { guest, table });
        } else {
            found.notes.push(format!(
                "guest {} is {}, and neither the inventory nor the base names it: it is left out, and no plan starts it",
                guest.name, guest.state
            ));
        }
    }
    for named in base.guests.iter().filter(|g| !g.pattern.ends_with('*') && !seen.guests.iter().any(|s| s.name == g.pattern)) {
        found.notes.push(format!(
            "guest {} is in the base alone: no host that answers shows it and the inventory does not name it, so that it is left out",
            named.pattern
        ));
    }
    if all.is_empty() {
        found.missing.push("a guest: no host shows one that runs, and the inventory names none".into());
    }
    all
}

fn is_wanted(guest: &Guest, base: &Base) -> bool {
    guest.runs_on.is_some()
        || guest.in_inventory
        || guest.earlier.is_some()
        || !guest.autostart_on.is_empty()
        || !guest.samples.is_empty()
        || guest.state == "crashed"
        || base.of_guest(&guest.name).any(|g| g.pattern != "*")
}

/// Keys, their values, and who says so where that is another than of the table.
#[derive(Default)]
struct Keys {
    lines: String,
    sources: BTreeMap<String, String>,
}

impl Keys {
    fn put(&mut self, key: &str, value: &str, source: Option<&str>) {
        let _ = writeln!(self.lines, "{key} = {value}");
        if let Some(source) = source {
            self.sources.insert(key.to_owned(), source.to_owned());
        }
    }
}

fn table(seen: &Observation, guest: &Guest, base: &Base, found: &mut Findings) -> String {
    let at = utc(seen.begun_unix_ns);
    let mut said: BTreeMap<&str, &OfKey> = BTreeMap::new();
    for key in base.of_guest(&guest.name).flat_map(|g| &g.keys) {
        said.insert(&key.key, key);
    }
    let source = match (&guest.known_from, &guest.earlier) {
        (KnownFrom::Host { host }, _) => format!("measured:libvirt on {host} at {at}"),
        (KnownFrom::Earlier, Some(earlier)) => {
            format!("measured:libvirt on {} at {}; seen nowhere at {at}", earlier.host, utc(earlier.unix_ns))
        }
        (KnownFrom::Inventory | KnownFrom::Earlier, _) => format!("assumed:the inventory makes it so; seen nowhere at {at}"),
    };
    let mut keys = Keys::default();
    made_of(guest, &mut said, &mut keys, found);
    if let Some(host) = &guest.runs_on {
        // A host that is off carries nobody, whatever it said before it fell silent.
        let off = |h: &models::observation::Host| h.name == *host && matches!(h.state, HostState::Off | HostState::Fenced);
        if !seen.hosts.iter().any(off) {
            keys.put("runs_on", &quoted(host), None);
        }
    }
    dirties(guest, &mut said, &mut keys, found);
    if !said.contains_key("mode") {
        keys.put("mode", &quoted(MODE.0), Some(MODE.1));
    }
    for (key, of) in said {
        keys.put(key, &of.value.to_string(), Some(&of.source));
    }
    let mut table = format!("\n[[guest]]\nname = {}\n{}source = {}\n", quoted(&guest.name), keys.lines, quoted(&source));
    if !keys.sources.is_empty() {
        let all: Vec<String> = keys.sources.iter().map(|(key, source)| format!("{key} = {}", quoted(source))).collect();
        let _ = writeln!(table, "sources = {{ {} }}", all.join(", "));
    }
    table
}

/// Virtual CPUs and memory: as seen, or else as the base says.
fn made_of(guest: &Guest, said: &mut BTreeMap<&str, &OfKey>, keys: &mut Keys, found: &mut Findings) {
    for (key, is) in [("vcpus", guest.vcpus.map(u64::from)), ("memory_mib", guest.memory_mib)] {
        let of_base = said.remove(key);
        match (is, of_base) {
            (Some(is), of_base) => {
                if let Some(of_base) = of_base.filter(|b| b.value.as_integer() != i64::try_from(is).ok()) {
                    let other = of_base.value.to_string();
                    found.notes.push(format!("guest {}: key `{key}` is {other} in the base and {is} as seen: {is} is planned with", guest.name));
                }
                keys.put(key, &is.to_string(), None);
            }
            (None, Some(of_base)) => keys.put(key, &of_base.value.to_string(), Some(&of_base.source)),
            (None, None) => found.missing.push(format!(
                "guest {}: key `{key}`: no host that answers knows it; it stands in an earlier recording (`--before`), in a `made_from` of the inventory, \
                 or in the base",
                guest.name
            )),
        }
    }
}

/// How it writes to its memory, where that was measured.
fn dirties(guest: &Guest, said: &mut BTreeMap<&str, &OfKey>, keys: &mut Keys, found: &mut Findings) {
    let earlier = guest
        .earlier
        .as_ref()
        .and_then(|e| Some((e.dirty_mib_per_s?, Some(format!("measured:libvirt on {} at {}", e.host, utc(e.unix_ns))))));
    let Some((mib_per_s, source)) = guest.dirty_mib_per_s.map(|d| (d, None)).or(earlier) else { return };
    let Some(memory) = guest.memory_mib else { return };
    said.remove("dirty_bytes_per_s");
    keys.put("dirty_bytes_per_s", &format!("{:.1}", mib_per_s as f64 * 1_048_576.0), source.as_deref());
    match said.remove("working_set_mib") {
        Some(set) if set.value.as_integer().is_some_and(|mib| i64::try_from(memory).is_ok_and(|m| mib <= m)) => {
            keys.put("working_set_mib", &set.value.to_string(), Some(&set.source));
        }
        other => {
            if let Some(set) = other {
                let value = set.value.to_string();
                found.notes.push(format!("guest {}: a working set of {value} MiB in {memory} MiB: all its memory is taken", guest.name));
            }
            let why = "assumed:the working set was not measured; all of its memory is the safe side";
            keys.put("working_set_mib", &memory.to_string(), Some(why));
        }
    }
}
