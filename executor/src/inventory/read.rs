//! The text of an inventory, understood: every key checked by itself, and then against the others.
//!
//! A pure function of the text. Who can write to the file, and whether templates are what they should be, is asked in
//! [`Inventory::read`].

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use toml::de::DeTable;
use uuid::Uuid;

use super::address::{self, Reached};
use super::keys::{Source, Table, Value, listed};
use super::{GuestEntry, HostEntry, Inventory, Limits, MOST_BYTES, MadeFrom, MigrationPolicy, NotAnInventory, Power, Volume};
use crate::domain_xml::{self, MOST_VOLUMES};
use crate::host::{Address, HowToMigrate};

/// A day: nothing that is waited for takes longer.
const DAY_S: u64 = 86_400;
/// 64 TiB: more than any machine has.
const MOST_MEMORY_MIB: u64 = 64 << 20;
/// More than any hypervisor gives a guest.
const MOST_VCPUS: u64 = 4096;
/// As many as fit on a PCI bus beside other things.
const MOST_NETWORKS: usize = 16;

const ROOT: &[&str] = &["site", "state", "base", "migration", "limits", "host", "template", "guest"];
const MIGRATION: &[&str] = &["mode", "bandwidth_mib_per_s", "max_downtime_ms", "timeout_s", "on_timeout", "post_copy_timeout_s"];
const LIMITS: &[&str] = &["call_s", "start_s", "shut_down_s", "boot_s", "power_off_s", "settle_s"];
const HOST: &[&str] = &["name", "uri", "peer_uri", "class", "domains", "pools", "storage_pools", "networks", "guest_memory_mib", "power"];
const POWER: &[&str] = &["on", "off", "status", "wake_on_lan"];
const TEMPLATE: &[&str] = &["name", "file"];
const GUEST: &[&str] = &["name", "uuid", "template", "memory_mib", "vcpus", "volumes", "networks", "destroy_after_shutdown"];
const VOLUME: &[&str] = &["pool", "volume"];

/// The inventory that a text is.
pub(super) fn inventory(text: &str, file: &Path) -> Result<Inventory, NotAnInventory> {
    if text.len() as u64 > MOST_BYTES {
        return Err(super::Untrusted::TooLong { path: file.to_owned(), bytes: text.len() as u64, most: MOST_BYTES }.into());
    }
    let source = Source { file, text };
    let document = DeTable::parse(text)
        .map_err(|e| source.error(e.span().map_or(0, |s| s.start), "", format!("this is not TOML: {}", e.message().trim_end())))?;
    let root = Table::root(source, document.get_ref(), ROOT)?;
    let site = root.must("site", "\"NAME\"")?.name()?.to_owned();
    let state = root.must("state", "\"/var/lib/shuyaku\"")?.path()?;
    let base = root.may("base").map(|v| v.path()).transpose()?;
    let (migration, peer_to_peer) = migration(root.may("migration"))?;
    let limits = limits(root.may("limits"))?;
    let hosts = hosts(&root, peer_to_peer)?;
    let templates = templates(&root)?;
    let guests = guests(&root, &hosts, &templates)?;
    let digest = models::digest::of_bytes(text.as_bytes());
    Ok(Inventory { site, file: file.to_owned(), digest, state, hosts, guests, migration, limits, base })
}

/// Things that may stand once.
#[derive(Default)]
struct Once(BTreeMap<String, (String, usize)>);

impl Once {
    /// Notes a value under a form in which equal things are equal.
    fn note(&mut self, value: &Value<'_>, normal: &str) -> Result<(), NotAnInventory> {
        match self.0.get(normal) {
            Some((key, line)) => Err(value.wrong(format!("stands twice: it is `{key}` in line {line} too; each must have its own"))),
            None => {
                self.0.insert(normal.to_owned(), (value.key.clone(), value.line()));
                Ok(())
            }
        }
    }
}

/// How guests are moved. Without the table: peer to peer, as fast as it goes, aborted after ten minutes.
fn migration(value: Option<Value<'_>>) -> Result<(MigrationPolicy, bool), NotAnInventory> {
    let mut policy = MigrationPolicy {
        how: HowToMigrate { peer_to_peer: true, bandwidth_mib_per_s: None, max_downtime_ms: None, post_copy: false },
        timeout_s: 600,
        post_copy_timeout_s: 600,
    };
    if let Some(value) = value {
        let table = value.table(MIGRATION)?;
        if let Some(v) = table.may("mode") {
            policy.how.peer_to_peer = v.one_of(&[("peer-to-peer", true), ("managed", false)])?;
        }
        policy.how.bandwidth_mib_per_s = table.may("bandwidth_mib_per_s").map(|v| v.number(1..=1_000_000, "MiB/s")).transpose()?;
        policy.how.max_downtime_ms = table.may("max_downtime_ms").map(|v| v.number(1..=60_000, "ms")).transpose()?;
        if let Some(v) = table.may("on_timeout") {
            policy.how.post_copy = v.one_of(&[("abort", false), ("post-copy", true)])?;
        }
        for (key, place) in [("timeout_s", &mut policy.timeout_s), ("post_copy_timeout_s", &mut policy.post_copy_timeout_s)] {
            if let Some(v) = table.may(key) {
                *place = v.number(1..=DAY_S, "s")?;
            }
        }
    }
    let peer_to_peer = policy.how.peer_to_peer;
    Ok((policy, peer_to_peer))
}

/// How long things may take.
fn limits(value: Option<Value<'_>>) -> Result<Limits, NotAnInventory> {
    let mut limits = Limits { call_s: 15, start_s: 60, shut_down_s: 180, boot_s: 900, power_off_s: 300, settle_s: 60 };
    let Some(value) = value else { return Ok(limits) };
    let table = value.table(LIMITS)?;
    let places = [
        ("call_s", &mut limits.call_s),
        ("start_s", &mut limits.start_s),
        ("shut_down_s", &mut limits.shut_down_s),
        ("boot_s", &mut limits.boot_s),
        ("power_off_s", &mut limits.power_off_s),
        ("settle_s", &mut limits.settle_s),
    ];
    for (key, place) in places {
        if let Some(v) = table.may(key) {
            *place = v.number(1..=DAY_S, "s")?;
        }
    }
    Ok(limits)
}

fn hosts(root: &Table<'_>, peer_to_peer: bool) -> Result<BTreeMap<String, HostEntry>, NotAnInventory> {
    let tables = match root.may("host") {
        Some(v) => v.tables(HOST)?,
        None => Vec::new(),
    };
    if tables.is_empty() {
        return Err(root.wrong("host", "there is no host; write each one under a header `[[host]]`"));
    }
    let (mut names, mut uris, mut peers) = (Once::default(), Once::default(), Once::default());
    let mut hosts = BTreeMap::new();
    for table in &tables {
        let name = table.must("name", "\"h1\"")?;
        names.note(&name, name.name()?)?;
        let uri = table.must("uri", "\"qemu+tls://h1.example/system\"")?;
        let reached = reached(&uri)?;
        uris.note(&uri, &reached.normal)?;
        let (peer, peer_reached) = match table.may("peer_uri") {
            Some(v) => {
                let r = self::reached(&v)?;
                (v, r)
            }
            None => (table.must("uri", "")?, reached),
        };
        peers.note(&peer, &peer_reached.normal)?;
        if peer_to_peer && tables.len() > 1 && !peer_reached.same_everywhere {
            return Err(peer.wrong(
                "means another host on every host, so no guest could be moved to this one peer to peer; write `peer_uri` with the host's \
                 name, or `mode = \"managed\"` under `[migration]`",
            ));
        }
        let name_list = |key| table.may(key).map_or(Ok(Vec::new()), |v| v.names());
        let entry = HostEntry {
            address: Address { name: name.name()?.to_owned(), uri: uri.text()?.to_owned(), peer_uri: peer.text()?.to_owned() },
            class: table.must("class", "\"NAME\"")?.name()?.to_owned(),
            domains: name_list("domains")?,
            pools: name_list("pools")?,
            storage_pools: name_list("storage_pools")?,
            networks: name_list("networks")?,
            guest_memory_mib: table.must("guest_memory_mib", "65536")?.number(1..=MOST_MEMORY_MIB, "MiB")?,
            power: table.may("power").map(|v| power(&v)).transpose()?,
        };
        hosts.insert(entry.address.name.clone(), entry);
    }
    Ok(hosts)
}

fn reached(uri: &Value<'_>) -> Result<Reached, NotAnInventory> {
    address::check(uri.text()?).map_err(|why| uri.wrong(why))
}

fn power(value: &Value<'_>) -> Result<Power, NotAnInventory> {
    let table = value.table(POWER)?;
    let command = |key| table.may(key).map(|v| command(&v)).transpose();
    let power = Power {
        on: command("on")?,
        off: command("off")?,
        status: command("status")?,
        wake_on_lan: table.may("wake_on_lan").map(|v| mac(&v)).transpose()?,
    };
    if let (Some(v), Some(_)) = (table.may("wake_on_lan"), &power.on) {
        return Err(v.wrong("stands beside `on`, and only one of them can switch the host on; leave one out"));
    }
    if power.status.is_none() {
        let why = "lacks `status`, a command that prints `on` or `off`: that a host does not answer does not say that it is off";
        return Err(value.wrong(why));
    }
    Ok(power)
}

/// Words of a command: run as they are, so the first must say by itself which file it is.
fn command(value: &Value<'_>) -> Result<Vec<String>, NotAnInventory> {
    let elements = value.list()?;
    let Some(first) = elements.first() else {
        return Err(value.wrong("has no word; write [\"/usr/bin/COMMAND\", \"WORD\", ...]"));
    };
    let words: Vec<String> = elements.iter().map(|e| e.text().map(str::to_owned)).collect::<Result<_, _>>()?;
    if !words[0].starts_with('/') {
        return Err(
            first.wrong("is no absolute path; the first word is the command's file, as in \"/usr/bin/ipmitool\" (no shell looks for it)")
        );
    }
    Ok(words)
}

/// The MAC address of a card, in small letters with colons.
fn mac(value: &Value<'_>) -> Result<String, NotAnInventory> {
    let text = value.text()?;
    let parts: Vec<&str> = text.split(if text.contains('-') { '-' } else { ':' }).collect();
    let byte = |p: &&str| (p.len() == 2 && p.bytes().all(|b| b.is_ascii_hexdigit())).then(|| u8::from_str_radix(p, 16).ok()).flatten();
    let bytes: Vec<u8> = parts.iter().filter_map(byte).collect();
    if parts.len() != 6 || bytes.len() != 6 {
        return Err(value.wrong("is no MAC address; it is six pairs of hexadecimal digits, as in \"52:54:00:12:34:56\""));
    }
    if bytes[0] & 1 == 1 || bytes.iter().all(|b| *b == 0) {
        return Err(value.wrong("is a MAC address that no card has (a group's, or all zeros)"));
    }
    Ok(parts.join(":").to_ascii_lowercase())
}

fn templates(root: &Table<'_>) -> Result<BTreeMap<String, PathBuf>, NotAnInventory> {
    let tables = match root.may("template") {
        Some(v) => v.tables(TEMPLATE)?,
        None => Vec::new(),
    };
    let mut names = Once::default();
    let mut templates = BTreeMap::new();
    for table in &tables {
        let name = table.must("name", "\"NAME\"")?;
        names.note(&name, name.name()?)?;
        templates.insert(name.name()?.to_owned(), table.must("file", "\"templates/NAME.xml\"")?.path()?);
    }
    Ok(templates)
}

fn guests(
    root: &Table<'_>,
    hosts: &BTreeMap<String, HostEntry>,
    templates: &BTreeMap<String, PathBuf>,
) -> Result<BTreeMap<String, GuestEntry>, NotAnInventory> {
    let tables = match root.may("guest") {
        Some(v) => v.tables(GUEST)?,
        None => Vec::new(),
    };
    let mut once = OnceOfGuests::default();
    let mut guests = BTreeMap::new();
    for table in &tables {
        let name = table.must("name", "\"NAME\"")?;
        once.names.note(&name, name.name()?)?;
        let uuid = table.may("uuid").map(|v| uuid(&v)).transpose()?;
        if let (Some(v), Some(uuid)) = (table.may("uuid"), uuid) {
            once.uuids.note(&v, &uuid.to_string())?;
        }
        let made_from = made_from(table, hosts, templates, &mut once)?;
        if let (Some(v), Some(made), Some(uuid)) = (table.may("uuid"), &made_from, uuid) {
            for index in 0..made.networks.len() {
                let mac = domain_xml::mac(uuid, index);
                once.macs.note(&v, &mac).map_err(|_| {
                    v.wrong(format!("gives the guest's network card the address {mac}, which another guest's has; take another UUID"))
                })?;
            }
        }
        let destroy_after_shutdown = table.may("destroy_after_shutdown").map_or(Ok(false), |v| v.flag())?;
        guests.insert(name.name()?.to_owned(), GuestEntry { uuid, made_from, destroy_after_shutdown });
    }
    Ok(guests)
}

/// What no two guests may share.
#[derive(Default)]
struct OnceOfGuests {
    names: Once,
    uuids: Once,
    macs: Once,
    volumes: Once,
}

fn uuid(value: &Value<'_>) -> Result<Uuid, NotAnInventory> {
    let text = value.text()?;
    match Uuid::try_parse(text) {
        Ok(uuid) if text.len() == 36 && !uuid.is_nil() => Ok(uuid),
        _ => Err(value.wrong("is no UUID; it is 32 hexadecimal digits as 8-4-4-4-12, not all zeros (`uuidgen` makes one)")),
    }
}

fn made_from(
    table: &Table<'_>,
    hosts: &BTreeMap<String, HostEntry>,
    templates: &BTreeMap<String, PathBuf>,
    once: &mut OnceOfGuests,
) -> Result<Option<MadeFrom>, NotAnInventory> {
    let Some(template) = table.may("template") else {
        for key in ["memory_mib", "vcpus", "volumes", "networks"] {
            if let Some(v) = table.may(key) {
                return Err(v.wrong("is for a guest that is made from a template; write `template = \"NAME\"` too, or leave it out"));
            }
        }
        return Ok(None);
    };
    let file =
        templates.get(template.name()?).ok_or_else(|| template.wrong(format!("is no template; there are {}", listed(templates.keys()))))?;
    table.must("uuid", "\"8-4-4-4-12 hexadecimal digits\"")?;

    let memory = table.must("memory_mib", "2048")?;
    let memory_mib = memory.number(1..=MOST_MEMORY_MIB, "MiB")?;
    let largest = hosts.values().map(|h| h.guest_memory_mib).max().unwrap_or(0);
    if memory_mib > largest {
        return Err(memory.wrong(format!("is more than any host has for guests: at most {largest} MiB (key `guest_memory_mib`)")));
    }
    let vcpus = table.must("vcpus", "2")?.number(1..=MOST_VCPUS, "")?;
    let vcpus = u32::try_from(vcpus).unwrap_or(u32::MAX);

    let mut volumes = Vec::new();
    if let Some(list) = table.may("volumes") {
        for element in list.list()? {
            volumes.push(volume(&element, hosts, once)?);
        }
        if volumes.len() > MOST_VOLUMES {
            return Err(list.wrong(format!("has {} volumes; a guest has at most {MOST_VOLUMES}", volumes.len())));
        }
    }
    let mut networks = Vec::new();
    if let Some(list) = table.may("networks") {
        for element in list.list()? {
            let network = element.name()?;
            let allowed = || hosts.values().flat_map(|h| &h.networks);
            if !allowed().any(|n| n == network) {
                return Err(element.wrong(format!("is a network that no host allows; hosts allow {}", listed(distinct(allowed())))));
            }
            networks.push(network.to_owned());
        }
        if networks.len() > MOST_NETWORKS {
            return Err(list.wrong(format!("has {} networks; a guest has at most {MOST_NETWORKS}", networks.len())));
        }
    }
    let made = MadeFrom { template: file.clone(), memory_mib, vcpus, volumes, networks };
    if !hosts.values().any(|h| h.has_what_it_needs(&made)) {
        return Err(template.wrong("makes a guest that can run nowhere: no host allows all of its pools and networks and has its memory"));
    }
    Ok(Some(made))
}

fn volume(element: &Value<'_>, hosts: &BTreeMap<String, HostEntry>, once: &mut OnceOfGuests) -> Result<Volume, NotAnInventory> {
    let table = element.table(VOLUME)?;
    let pool = table.must("pool", "\"NAME\"")?;
    let allowed = || hosts.values().flat_map(|h| &h.storage_pools);
    if !allowed().any(|p| pool.name().is_ok_and(|name| name == p)) {
        pool.name()?;
        return Err(pool.wrong(format!("is a storage pool that no host allows; hosts allow {}", listed(distinct(allowed())))));
    }
    let name = table.must("volume", "\"NAME.qcow2\"")?;
    if !is_volume(name.text()?) {
        return Err(name.wrong(format!("is no name of a volume; {VOLUME_FORM}")));
    }
    // A `/` is in neither name, so two volumes never look like one. A guest each: two that write to one disk destroy it.
    once.volumes.note(&name, &format!("{}/{}", pool.name()?, name.text()?))?;
    Ok(Volume { pool: pool.name()?.to_owned(), volume: name.text()?.to_owned() })
}

fn distinct<'a>(names: impl Iterator<Item = &'a String>) -> std::collections::BTreeSet<&'a String> {
    names.collect()
}

/// What the name of a volume may be, in words.
const VOLUME_FORM: &str = "it is 1 to 255 bytes without `/`, `..` and control characters, and begins with neither `.`, `-` nor a space";

/// Whether a text can be the name of a volume of a pool, and cannot lead out of it.
pub(crate) fn is_volume(text: &str) -> bool {
    (1..=255).contains(&text.len())
        && !text.starts_with(['.', '-', ' '])
        && !text.contains('/')
        && !text.contains("..")
        && !text.chars().any(char::is_control)
        && text.chars().all(domain_xml::is_xml_character)
}
