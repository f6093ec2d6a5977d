//! The little that is read from libvirt's XML: the text of one element.

use quick_xml::Reader;
use quick_xml::escape::resolve_predefined_entity;
use quick_xml::events::Event;
use uuid::Uuid;

/// Whether domain XML is that of a guest: its identity and its name stand in it as they should.
///
/// # Errors
/// What is missing or different.
pub(super) fn is_of(xml: &str, uuid: Uuid, name: &str) -> Result<(), String> {
    let has =
        |key: &str| text_at(xml, &["domain", key]).ok_or_else(|| format!("the definition of {name} has no `<{key}>` in its `<domain>`"));
    let (its_uuid, its_name) = (has("uuid")?, has("name")?);
    if Uuid::try_parse(&its_uuid) != Ok(uuid) {
        return Err(format!("the definition of {name} has uuid {its_uuid} in its XML, and should have {uuid}"));
    }
    if its_name != name {
        return Err(format!("the definition of {name} has the name {its_name} in its XML"));
    }
    Ok(())
}

/// The text of the first element at a path from the root, without blanks around it; `None` where there is none, or no XML.
pub(super) fn text_at(xml: &str, path: &[&str]) -> Option<String> {
    let mut reader = Reader::from_str(xml);
    let (mut at, mut found) = (Vec::new(), None::<String>);
    loop {
        let event = reader.read_event().ok()?;
        let inside = at.len() == path.len();
        match (event, &mut found) {
            (Event::Start(e), _) => {
                at.push(e.name().as_ref().to_owned());
                if at == path {
                    found = Some(String::new());
                }
            }
            (Event::Text(e), Some(text)) if inside => text.push_str(&e),
            (Event::CData(e), Some(text)) if inside => text.push_str(&e),
            (Event::GeneralRef(e), Some(text)) if inside => match e.resolve_char_ref().ok()? {
                Some(c) => text.push(c),
                None => text.push_str(resolve_predefined_entity(&e)?),
            },
            (Event::End(_), Some(text)) if inside => return Some(text.trim().to_owned()),
            (Event::End(_), _) => {
                at.pop();
            }
            (Event::Eof, _) => return None,
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const UUID: Uuid = Uuid::from_u128(0x1234);

    fn domain(inside: &str) -> String {
        format!("<?xml version='1.0'?>\n<!-- a guest -->\n<domain type='qemu'>{inside}</domain>")
    }

    #[test]
    fn a_definition_is_of_the_guest_whose_uuid_and_name_stand_in_it() {
        let xml = domain(&format!("<name>\n  a&amp;b&#33; </name><uuid>{UUID}</uuid>"));
        assert_eq!(is_of(&xml, UUID, "a&b!"), Ok(()));
        assert!(is_of(&xml, Uuid::from_u128(1), "a&b!").unwrap_err().contains("should have 00000000-0000-0000-0000-000000000001"));
        assert!(is_of(&xml, UUID, "a").unwrap_err().contains("has the name a&b!"));
    }

    #[test]
    fn names_and_uuids_of_other_things_in_a_definition_are_not_the_guests() {
        let xml = domain(&format!("<metadata><name>m</name><uuid>{UUID}</uuid></metadata><name>g</name>"));
        assert!(is_of(&xml, UUID, "g").unwrap_err().contains("no `<uuid>`"));
        assert_eq!(text_at(&xml, &["domain", "name"]).as_deref(), Some("g"));
    }

    #[test]
    fn what_is_no_xml_has_no_text() {
        for text in ["", "<domain", "<domain><name>g</domain>", "<domain><name>&lt;&what;</name></domain>"] {
            assert_eq!(text_at(text, &["domain", "name"]), None, "{text}");
        }
    }
}
