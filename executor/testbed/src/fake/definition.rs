//! Domain XML as far as the fake reads it: name, UUID, memory and virtual CPUs.

use executor::host::{CallError, Definition};
use quick_xml::events::Event;
use quick_xml::{Reader, escape};
use uuid::Uuid;

/// What the fake knows of a definition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Made {
    pub(super) memory_kib: u64,
    pub(super) vcpus: u32,
}

/// A definition as a host would keep it.
pub(super) fn write(uuid: Uuid, name: &str, made: &Made) -> Definition {
    let (memory, vcpus, escaped) = (made.memory_kib, made.vcpus, escape::escape(name));
    let xml = format!(
        "<domain type='qemu'>\n  <name>{escaped}</name>\n  <uuid>{uuid}</uuid>\n  <memory unit='KiB'>{memory}</memory>\n  <vcpu>{vcpus}</vcpu>\n  \
         <os>\n    <type arch='x86_64' machine='pc'>hvm</type>\n  </os>\n  <devices/>\n</domain>\n"
    );
    Definition { uuid, name: name.to_owned(), xml }
}

/// Reads a definition, and holds what its text says against what it is said to be of.
pub(super) fn read(definition: &Definition) -> Result<Made, CallError> {
    let bad = |why: &str| CallError::Refused(format!("XML error: {why}"));
    let mut reader = Reader::from_str(&definition.xml);
    let (mut path, mut text): (Vec<String>, String) = (Vec::new(), String::new());
    let (mut name, mut uuid, mut memory, mut vcpus, mut unit) = (None, None, None, None, "KiB".to_owned());
    loop {
        match reader.read_event().map_err(|e| bad(&e.to_string()))? {
            Event::Start(e) => {
                path.push(e.name().as_ref().to_owned());
                text.clear();
                if path == ["domain", "memory"]
                    && let Some(a) = e.try_get_attribute("unit").map_err(|e| bad(&e.to_string()))?
                {
                    unit = a.value.into_owned();
                }
            }
            Event::Text(t) => text.push_str(&t),
            Event::GeneralRef(r) => {
                let char = r.resolve_char_ref().map_err(|e| bad(&e.to_string()))?.map(String::from);
                let named = || escape::resolve_predefined_entity(&r).map(str::to_owned);
                text.push_str(&char.or_else(named).ok_or_else(|| bad("an entity that is not known"))?);
            }
            Event::End(_) => {
                let said = text.trim().to_owned();
                match path.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
                    ["domain", "name"] => name = Some(said),
                    ["domain", "uuid"] => uuid = Some(said),
                    ["domain", "memory"] => memory = Some(said),
                    ["domain", "vcpu"] => vcpus = Some(said),
                    _ => {}
                }
                path.pop();
                text.clear();
            }
            Event::Eof if path.is_empty() => break,
            Event::Eof => return Err(bad("it ends in the middle")),
            _ => {}
        }
    }
    if name.as_deref() != Some(definition.name.as_str()) {
        return Err(bad(&format!("its name is {name:?}, and it is given as of {:?}", definition.name)));
    }
    // Without a UUID of its own, every definition would make another guest.
    if uuid.as_deref().and_then(|u| Uuid::parse_str(u).ok()) != Some(definition.uuid) {
        return Err(bad(&format!("its UUID is {uuid:?}, and it is given as of {}", definition.uuid)));
    }
    let kib_of_unit = match unit.as_str() {
        "KiB" | "k" => 1,
        "MiB" | "M" => 1 << 10,
        "GiB" | "G" => 1 << 20,
        _ => return Err(bad(&format!("memory in {unit:?}"))),
    };
    let memory_kib: u64 = memory.as_deref().and_then(|m| m.parse::<u64>().ok()).ok_or_else(|| bad("no memory"))? * kib_of_unit;
    let vcpus = vcpus.map_or(Ok(1), |v| v.parse()).map_err(|_| bad("vcpu is no number"))?;
    Ok(Made { memory_kib, vcpus })
}
