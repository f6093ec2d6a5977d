//! Definitions of guests as libvirt's domain XML: written from a template of the inventory, or read from what a host says.
//!
//! Nothing of a plan gets into it but the names by which the inventory knows things. It is written by events, and the writer escapes:
//! no string is ever pasted into XML.
//!
//! A template is domain XML without what differs from guest to guest: `<name>`, `<uuid>`, `<memory>`, `<currentMemory>` and `<vcpu>` of the
//! guest, disks that can be written to, and addresses of network cards. It goes through as it stands, but for comments; the rest
//! is put in: disks and cards at the end of `<devices>`.
//!
//! Left out: whether a hypervisor can do what a definition says. It is asked when the guest is defined.

mod walk;

use std::io::Write;

use quick_xml::events::{BytesEnd, BytesStart, BytesText, Event};
use quick_xml::writer::Writer;
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use crate::host::Definition;
use crate::inventory::{GuestEntry, HostEntry, MadeFrom, is_volume};
use crate::names::is_name;
pub(crate) use walk::is_xml_character;
use walk::{Node, Walk, attribute, character};

/// The longest domain XML, in bytes: 1 MiB.
pub const MOST_BYTES: u64 = 1 << 20;

/// The most volumes of a guest: `vda` to `vdz`.
pub(crate) const MOST_VOLUMES: usize = 26;

/// A text that is no definition of a guest, or a guest that cannot be made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotADefinition {
    /// The XML is not as it should be.
    #[error("line {line}, column {column}: {why}")]
    Xml {
        /// Where.
        line: usize,
        /// Where.
        column: usize,
        /// What is wrong, and what would be right.
        why: String,
    },
    /// The inventory does not say enough to make the guest.
    #[error("guest {guest} cannot be made: {why}")]
    NotMade {
        /// Which guest.
        guest: String,
        /// What is missing or wrong.
        why: String,
    },
    /// The host does not allow what the guest needs.
    #[error("guest {guest} needs {what} `{name}`, which host {host} does not allow; it allows {}", if allowed.is_empty() { "none".into() } else { allowed.join(", ") })]
    NotAllowed {
        /// Which guest.
        guest: String,
        /// Which host.
        host: String,
        /// `storage pool` or `network`.
        what: &'static str,
        /// Its name.
        name: String,
        /// Those that the host allows.
        allowed: Vec<String>,
    },
}

/// What a definition says, as far as we care.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Facts {
    /// The guest's name.
    pub name: String,
    /// Its identity.
    pub uuid: Uuid,
    /// Its memory, KiB; a rest is rounded up, as libvirt does.
    pub memory_kib: u64,
    /// The virtual CPUs that it starts with.
    pub vcpus: u32,
    /// Where its disks are; drives that are empty are left out.
    pub disks: Vec<DiskSource>,
    /// What its network cards are connected to.
    pub interfaces: Vec<InterfaceSource>,
}

/// Where a disk is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DiskSource {
    /// In a storage pool.
    Volume {
        /// The pool.
        pool: String,
        /// The volume.
        volume: String,
    },
    /// In a file of the host.
    File(String),
    /// A block device of the host.
    Block(String),
    /// Over the network.
    Network {
        /// `rbd`, `iscsi`, `nbd` ...
        protocol: String,
        /// The image's name; empty where there is none.
        name: String,
    },
    /// Something else: the disk's type.
    Other(String),
}

/// What a network card is connected to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum InterfaceSource {
    /// A network of libvirt.
    Network(String),
    /// A bridge of the host.
    Bridge(String),
    /// Something else: the card's type.
    Other(String),
}

impl Definition {
    /// The definition that a domain XML is: what it says of itself, and the text as it is.
    ///
    /// # Errors
    /// As [`read`].
    pub fn from_xml(xml: &str) -> Result<Self, NotADefinition> {
        let Facts { uuid, name, .. } = read(xml)?;
        Ok(Self { uuid, name, xml: xml.to_owned() })
    }
}

/// Makes the definition of a guest for a host.
///
/// # Errors
/// The template is no domain XML, or has what the inventory gives; the inventory has no template, UUID or right names for the guest; the
/// host does not allow one of its storage pools or networks.
pub fn from_template(template_xml: &str, entry: &GuestEntry, name: &str, host: &HostEntry) -> Result<Definition, NotADefinition> {
    let not_made = |why: &str| NotADefinition::NotMade { guest: name.escape_debug().to_string(), why: why.to_owned() };
    if !is_name(name) {
        return Err(not_made(&format!("its name is none; {}", crate::names::NAME_FORM)));
    }
    let made = entry.made_from.as_ref().ok_or_else(|| not_made("the inventory has no `template` for it"))?;
    let uuid = entry.uuid.ok_or_else(|| not_made("the inventory has no `uuid` for it"))?;
    if let Some(volume) = made.volumes.iter().find(|v| !is_volume(&v.volume)) {
        return Err(not_made(&format!("{:?} is no name of a volume", volume.volume)));
    }
    if let Some(other) = made.volumes.iter().map(|v| &v.pool).chain(&made.networks).find(|n| !is_name(n)) {
        return Err(not_made(&format!("{other:?} is no name of a storage pool or network")));
    }
    if made.volumes.len() > MOST_VOLUMES {
        return Err(not_made(&format!("it has more than {MOST_VOLUMES} volumes")));
    }
    let not_allowed = |what, wanted: &str, allowed: &[String]| NotADefinition::NotAllowed {
        guest: name.to_owned(),
        host: host.address.name.clone(),
        what,
        name: wanted.escape_debug().to_string(),
        allowed: allowed.to_vec(),
    };
    if let Some(v) = made.volumes.iter().find(|v| !host.storage_pools.contains(&v.pool)) {
        return Err(not_allowed("storage pool", &v.pool, &host.storage_pools));
    }
    if let Some(n) = made.networks.iter().find(|n| !host.networks.contains(n)) {
        return Err(not_allowed("network", n, &host.networks));
    }
    let xml = weave(template_xml, &Given { name, uuid, made })?;
    Ok(Definition { uuid, name: name.to_owned(), xml })
}

/// The address of a guest's network card, counted from 0: in the range that QEMU's cards have, the same whenever and wherever it is asked
/// for.
///
/// It has 24 bits of SHA-256 of the UUID and the number. That two guests of an inventory share one is refused when it is read.
#[must_use]
pub fn mac(uuid: Uuid, index: usize) -> String {
    let hash = Sha256::new().chain_update(uuid.as_bytes()).chain_update((index as u64).to_be_bytes()).finalize();
    format!("52:54:00:{:02x}:{:02x}:{:02x}", hash[0], hash[1], hash[2])
}

/// What is put into a template.
struct Given<'g> {
    name: &'g str,
    uuid: Uuid,
    made: &'g MadeFrom,
}

/// Elements of a domain that the inventory gives.
const GIVEN: [&str; 5] = ["name", "uuid", "memory", "currentMemory", "vcpu"];

/// A template with what is given.
fn weave(template: &str, given: &Given<'_>) -> Result<String, NotADefinition> {
    let mut walk = Walk::new(template)?;
    let mut rules = Rules::new(given);
    let mut out = Writer::new(Vec::new());
    loop {
        let event = match walk.next()? {
            Node::Open(start) => {
                rules.opened(&walk, &start)?;
                write(&mut out, Event::Start(start));
                if walk.open().len() == 1 {
                    given.write_head(&mut out);
                }
                continue;
            }
            Node::Close(end) => {
                // The element that closes is not open any more.
                match (walk.open(), end.name().into_inner()) {
                    ([_], "devices") => given.write_devices(&mut out),
                    ([], _) if !rules.devices_seen => {
                        write(&mut out, Event::Start(BytesStart::new("devices")));
                        given.write_devices(&mut out);
                        write(&mut out, Event::End(BytesEnd::new("devices")));
                    }
                    _ => {}
                }
                rules.closed(&walk, end.name().into_inner())?;
                Event::End(end)
            }
            Node::Text(text) => Event::Text(text),
            Node::CData(data) => Event::CData(data),
            Node::Reference(reference) => Event::GeneralRef(reference),
            Node::End => break,
        };
        write(&mut out, event);
    }
    out.get_mut().push(b'\n');
    String::from_utf8(out.into_inner()).map_err(|e| walk.wrong(format!("what was written is not UTF-8: {e}")))
}

/// Writes to memory, which does not fail.
fn write<'e>(out: &mut Writer<impl Write>, event: impl Into<Event<'e>>) {
    out.write_event(event).expect("memory can be written to");
}

/// `<name a="v" .../>` on a line of its own.
fn write_empty(out: &mut Writer<impl Write>, indent: &str, name: &str, attributes: &[(&str, &str)]) {
    write(out, Event::Text(BytesText::from_escaped(indent)));
    write(out, Event::Empty(BytesStart::new(name).with_attributes(attributes.iter().copied())));
}

impl Given<'_> {
    /// What stands at the top of a domain.
    fn write_head(&self, out: &mut Writer<impl Write>) {
        let kib = |mib: u64| mib.saturating_mul(1024).to_string();
        let memory = kib(self.made.memory_mib);
        let elements = [
            ("name", None, self.name.to_owned()),
            ("uuid", None, self.uuid.to_string()),
            ("memory", Some(("unit", "KiB")), memory.clone()),
            ("currentMemory", Some(("unit", "KiB")), memory),
            ("vcpu", None, self.made.vcpus.to_string()),
        ];
        for (name, attribute, text) in &elements {
            write(out, Event::Text(BytesText::from_escaped("\n  ")));
            write(out, Event::Start(BytesStart::new(*name).with_attributes(*attribute)));
            write(out, Event::Text(BytesText::new(text)));
            write(out, Event::End(BytesEnd::new(*name)));
        }
    }

    /// What stands at the end of its devices.
    fn write_devices(&self, out: &mut Writer<impl Write>) {
        const DEEP: &str = "\n      ";
        let open = |out: &mut Writer<_>, name: &str, attributes: &[(&str, &str)]| {
            write(out, Event::Text(BytesText::from_escaped("\n    ")));
            write(out, Event::Start(BytesStart::new(name).with_attributes(attributes.iter().copied())));
        };
        let close = |out: &mut Writer<_>, name: &str| {
            write(out, Event::Text(BytesText::from_escaped("\n    ")));
            write(out, Event::End(BytesEnd::new(name)));
        };
        for (volume, letter) in self.made.volumes.iter().zip('a'..='z') {
            open(out, "disk", &[("type", "volume"), ("device", "disk")]);
            write_empty(out, DEEP, "driver", &[("name", "qemu"), ("type", form(&volume.volume))]);
            write_empty(out, DEEP, "source", &[("pool", &volume.pool), ("volume", &volume.volume)]);
            write_empty(out, DEEP, "target", &[("dev", &format!("vd{letter}")), ("bus", "virtio")]);
            close(out, "disk");
        }
        for (index, network) in self.made.networks.iter().enumerate() {
            open(out, "interface", &[("type", "network")]);
            write_empty(out, DEEP, "mac", &[("address", &mac(self.uuid, index))]);
            write_empty(out, DEEP, "source", &[("network", network)]);
            write_empty(out, DEEP, "model", &[("type", "virtio")]);
            close(out, "interface");
        }
        write(out, Event::Text(BytesText::from_escaped("\n  ")));
    }
}

/// The form of an image, by its name. What is not said to be qcow2 is raw, never looked into: a guest could write a header that
/// names other files.
fn form(volume: &str) -> &'static str {
    if volume.ends_with(".qcow2") { "qcow2" } else { "raw" }
}

/// What a template may be.
struct Rules<'g> {
    given: &'g Given<'g>,
    devices_seen: bool,
    disk: Disk,
}

/// A disk of the template.
#[derive(Default)]
struct Disk {
    has_source: bool,
    never_written: bool,
}

impl<'g> Rules<'g> {
    fn new(given: &'g Given<'g>) -> Self {
        Self { given, devices_seen: false, disk: Disk::default() }
    }

    /// An element of the template opens; it is the last of those that are open.
    fn opened(&mut self, walk: &Walk<'_>, start: &BytesStart<'_>) -> Result<(), NotADefinition> {
        namespaces(walk, start)?;
        let path: Vec<&str> = walk.open().iter().map(String::as_str).collect();
        match path[..] {
            ["domain"] if attribute(start, "id").is_some() => {
                Err(walk.wrong("the template is of a guest that runs (`id`); take what `virsh dumpxml --inactive` says"))
            }
            ["domain"] => Ok(()),
            [root] => Err(walk.wrong(format!("the root element is `<{root}>`, and must be `<domain>`"))),
            ["domain", child] if GIVEN.contains(&child) => {
                Err(walk.wrong(format!("`<{child}>` stands in the template; take it out, it is the inventory's to say for each guest")))
            }
            ["domain", "devices"] if self.devices_seen => Err(walk.wrong("there is a second `<devices>`; put them together")),
            ["domain", "devices"] => {
                self.devices_seen = true;
                Ok(())
            }
            ["domain", "devices", "disk"] => {
                let reads = matches!(attribute(start, "device").as_deref(), Some("cdrom"));
                self.disk = Disk { has_source: false, never_written: reads };
                Ok(())
            }
            ["domain", "devices", "disk", "source"] => {
                self.disk.has_source = true;
                Ok(())
            }
            ["domain", "devices", "disk", "readonly" | "shareable"] => {
                self.disk.never_written = true;
                Ok(())
            }
            ["domain", "devices", "disk", "target"] => match attribute(start, "dev") {
                Some(dev) if ('a'..='z').zip(&self.given.made.volumes).any(|(letter, _)| dev == format!("vd{letter}")) => Err(walk.wrong(
                    format!("a disk of the template is `{dev}`, and so is a volume of guest {}; give it another name", self.given.name),
                )),
                _ => Ok(()),
            },
            ["domain", "devices", "interface", "mac"] => {
                Err(walk.wrong("`<mac>` stands in the template, and every guest made from it would have this address; take it out"))
            }
            _ => Ok(()),
        }
    }

    /// An element of the template has closed.
    fn closed(&mut self, walk: &Walk<'_>, name: &str) -> Result<(), NotADefinition> {
        if name == "disk" && walk.is_in(&["domain", "devices"]) {
            let disk = std::mem::take(&mut self.disk);
            if disk.has_source && !disk.never_written {
                return Err(walk.wrong(
                    "a disk of the template can be written to, and every guest made from it would write there; mark it `<readonly/>`, or give it to a \
                     guest as one of its `volumes`",
                ));
            }
        }
        Ok(())
    }
}

/// Refuses extensions of libvirt's schema, above all `qemu:commandline`: what stands there goes to QEMU's command line (or environment)
/// as it is, past all that libvirt checks, isolates and takes along in a migration.
///
/// libvirt knows them by their namespace whatever the prefix, so it is the namespace that is refused, wherever it is declared. Names of
/// other namespaces stand in `<metadata>` alone, which no hypervisor reads.
fn namespaces(walk: &Walk<'_>, start: &BytesStart<'_>) -> Result<(), NotADefinition> {
    const EXTENSIONS: &str = "http://libvirt.org/schemas/domain/";
    let why = "would go past what libvirt checks; say it with libvirt's own elements";
    let in_metadata = matches!(walk.open(), [_, metadata, _, ..] if metadata == "metadata");
    if !in_metadata && start.name().into_inner().contains(':') {
        return Err(walk.wrong(format!("`<{}>` is an extension, and {why}", start.name().into_inner())));
    }
    for a in start.attributes().flatten() {
        let key = a.key.into_inner();
        let declares = key == "xmlns" || key.starts_with("xmlns:");
        let extension = declares && attribute(start, key).is_some_and(|v| v.trim().starts_with(EXTENSIONS));
        if extension || (!in_metadata && (key == "xmlns" || (!declares && key.contains(':')))) {
            return Err(walk.wrong(format!("`{key}` makes this an extension, which {why}")));
        }
    }
    Ok(())
}

/// What a domain XML says, as a host gives it.
///
/// # Errors
/// It is no domain XML, or lacks a name, a UUID or memory, or has one twice, or a number in it is none.
pub fn read(xml: &str) -> Result<Facts, NotADefinition> {
    let mut walk = Walk::new(xml)?;
    let (mut name, mut uuid, mut memory_kib, mut vcpus) = (None, None, None, None);
    let (mut disks, mut interfaces) = (Vec::new(), Vec::new());
    let mut kind = String::new();
    loop {
        let start = match walk.next()? {
            Node::Open(start) => start,
            Node::End => break,
            _ => continue,
        };
        let path: Vec<&str> = walk.open().iter().map(String::as_str).collect();
        let twice = |there: bool| if there { Err(walk.wrong("it stands twice")) } else { Ok(()) };
        match path[..] {
            ["domain"] => {}
            [root] => return Err(walk.wrong(format!("the root element is `<{root}>`, and must be `<domain>`"))),
            ["domain", "name"] => {
                twice(name.is_some())?;
                let text = text(&mut walk)?;
                if text.is_empty() || text.chars().any(char::is_control) {
                    return Err(walk.wrong(format!("{text:?} is no name of a guest")));
                }
                name = Some(text);
            }
            ["domain", "uuid"] => {
                twice(uuid.is_some())?;
                let text = text(&mut walk)?;
                uuid = Some(Uuid::try_parse(text.trim()).map_err(|e| walk.wrong(format!("{text:?} is no UUID: {e}")))?);
            }
            ["domain", "memory"] => {
                twice(memory_kib.is_some())?;
                let unit = attribute(&start, "unit");
                let text = text(&mut walk)?;
                memory_kib = Some(kib(&text, unit.as_deref()).map_err(|why| walk.wrong(why))?);
            }
            ["domain", "vcpu"] => {
                twice(vcpus.is_some())?;
                let current = attribute(&start, "current");
                let text = text(&mut walk)?;
                let number = |t: &str| t.trim().parse::<u32>().ok().filter(|n| *n > 0);
                let most = number(&text).ok_or_else(|| walk.wrong(format!("{text:?} is no number of virtual CPUs")))?;
                vcpus = Some(match current {
                    None => most,
                    Some(c) => number(&c)
                        .filter(|n| *n <= most)
                        .ok_or_else(|| walk.wrong(format!("`current` is {c:?}, and must be a number from 1 to {most}")))?,
                });
            }
            ["domain", "devices", "disk" | "interface"] => kind = attribute(&start, "type").unwrap_or_default(),
            ["domain", "devices", "disk", "source"] => disks.push(disk_source(&kind, &start)),
            ["domain", "devices", "interface", "source"] => interfaces.push(interface_source(&kind, &start)),
            _ => {}
        }
    }
    let missing = |what: &str| walk.wrong(format!("it has no `<{what}>`"));
    Ok(Facts {
        name: name.ok_or_else(|| missing("name"))?,
        uuid: uuid.ok_or_else(|| missing("uuid"))?,
        memory_kib: memory_kib.ok_or_else(|| missing("memory"))?,
        // libvirt's own default.
        vcpus: vcpus.unwrap_or(1),
        disks,
        interfaces,
    })
}

fn disk_source(kind: &str, source: &BytesStart<'_>) -> DiskSource {
    let a = |name| attribute(source, name);
    match kind {
        "volume" => match (a("pool"), a("volume")) {
            (Some(pool), Some(volume)) => DiskSource::Volume { pool, volume },
            _ => DiskSource::Other(kind.to_owned()),
        },
        "file" => a("file").map_or_else(|| DiskSource::Other(kind.to_owned()), DiskSource::File),
        "block" => a("dev").map_or_else(|| DiskSource::Other(kind.to_owned()), DiskSource::Block),
        "network" => match a("protocol") {
            Some(protocol) => DiskSource::Network { protocol, name: a("name").unwrap_or_default() },
            None => DiskSource::Other(kind.to_owned()),
        },
        _ => DiskSource::Other(kind.to_owned()),
    }
}

fn interface_source(kind: &str, source: &BytesStart<'_>) -> InterfaceSource {
    let named = match kind {
        "network" => attribute(source, "network").map(InterfaceSource::Network),
        "bridge" => attribute(source, "bridge").map(InterfaceSource::Bridge),
        _ => None,
    };
    named.unwrap_or_else(|| InterfaceSource::Other(kind.to_owned()))
}

/// The text of the element that has just opened, to its end.
fn text(walk: &mut Walk<'_>) -> Result<String, NotADefinition> {
    let mut text = String::new();
    loop {
        match walk.next()? {
            Node::Text(t) => text.push_str(&t.xml10_content()),
            Node::CData(t) => text.push_str(&t.xml10_content()),
            Node::Reference(r) => text.extend(character(&r)),
            Node::Open(_) => return Err(walk.wrong("an element stands where text should be")),
            Node::Close(_) => return Ok(text),
            Node::End => return Err(walk.wrong("it ends too early")),
        }
    }
}

/// An amount of memory in KiB, rounded up. Units as libvirt reads them: a letter alone and with `iB` counts in 1024, with `B` in 1000; great
/// and small letters are the same; nothing means KiB.
fn kib(text: &str, unit: Option<&str>) -> Result<u64, String> {
    let amount: u64 = text.trim().parse().map_err(|_| format!("{text:?} is no amount of memory"))?;
    let unit = unit.unwrap_or("KiB");
    let small = unit.to_ascii_lowercase();
    let bytes: u128 = match small.as_str() {
        "b" | "byte" | "bytes" => 1,
        _ => {
            let unknown = || format!("{unit:?} is no unit of memory; there are b, KiB, MiB, GiB, TiB, PiB, EiB and KB, MB, GB, TB, PB, EB");
            let mut letters = small.chars();
            let power = letters.next().and_then(|c| "kmgtpe".find(c)).ok_or_else(unknown)?;
            let base: u128 = match letters.as_str() {
                "" | "ib" => 1024,
                "b" => 1000,
                _ => return Err(unknown()),
            };
            (0..=power).fold(1, |n, _| n * base)
        }
    };
    let kib = u128::from(amount).checked_mul(bytes).map(|b| b.div_ceil(1024)).and_then(|k| u64::try_from(k).ok());
    match kib {
        Some(0) => Err("a guest without memory is none".to_owned()),
        Some(k) => Ok(k),
        None => Err(format!("{} {unit} are more memory than there is", text.trim())),
    }
}
