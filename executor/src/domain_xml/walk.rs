//! XML, event by event, with everything that a definition never needs refused: document types, entities, processing instructions,
//! depth and size beyond reason, and what only looks like XML.
//!
//! quick-xml reads events and finds tags that do not match; it does not ask for one root, for names that are names, or for characters
//! that XML has. That is asked here.

use quick_xml::XmlVersion;
use quick_xml::escape::resolve_xml_entity;
use quick_xml::events::{BytesCData, BytesEnd, BytesRef, BytesStart, BytesText, Event};
use quick_xml::reader::Reader;

use super::{MOST_BYTES, NotADefinition};

/// How deep elements may stand in each other.
const MOST_DEEP: usize = 64;
/// How many elements, attributes and pieces of text there may be.
const MOST_NODES: usize = 20_000;
/// How many attributes an element may have. (They are looked up one by one.)
const MOST_ATTRIBUTES: usize = 100;
/// The longest reason, in characters: the names that it quotes are as long as the text allows.
const LONGEST_REASON: usize = 600;

/// An event that is in order. Attributes of an opened element have been checked too.
pub(super) enum Node<'x> {
    /// An element opens; an empty one closes at once.
    Open(BytesStart<'x>),
    /// An element closes.
    Close(BytesEnd<'x>),
    /// Text.
    Text(BytesText<'x>),
    /// Text that needs no escaping.
    CData(BytesCData<'x>),
    /// A character by number, or one of XML's own five entities.
    Reference(BytesRef<'x>),
    /// The end.
    End,
}

/// Reads a text.
pub(super) struct Walk<'x> {
    reader: Reader<&'x [u8]>,
    text: &'x str,
    /// Where the last node begins, in bytes.
    at: usize,
    open: Vec<String>,
    nodes: usize,
    root_seen: bool,
}

impl<'x> Walk<'x> {
    /// A walk from the beginning.
    pub(super) fn new(text: &'x str) -> Result<Self, NotADefinition> {
        let mut reader = Reader::from_str(text);
        reader.config_mut().enable_all_checks(true);
        // So that there is one way in which an element is written.
        reader.config_mut().expand_empty_elements = true;
        let walk = Self { reader, text, at: 0, open: Vec::new(), nodes: 0, root_seen: false };
        if text.len() as u64 > MOST_BYTES {
            return Err(walk.wrong(format!("it has {} bytes; at most {MOST_BYTES} are read", text.len())));
        }
        if let Some((at, c)) = text.char_indices().find(|(_, c)| !is_xml_character(*c)) {
            return Err(walk.wrong_at(at, format!("the character {} is none of XML's", c.escape_unicode())));
        }
        Ok(walk)
    }

    /// What is wrong with the last node.
    pub(super) fn wrong(&self, why: impl Into<String>) -> NotADefinition {
        self.wrong_at(self.at, why)
    }

    fn wrong_at(&self, at: usize, why: impl Into<String>) -> NotADefinition {
        let before = self.text.get(..at).unwrap_or(self.text);
        let line_start = before.rfind('\n').map_or(0, |n| n + 1);
        NotADefinition::Xml {
            line: before.matches('\n').count() + 1,
            column: before[line_start..].chars().count() + 1,
            why: models::message::shown(&why.into(), LONGEST_REASON),
        }
    }

    /// Whether the elements that are open are these.
    pub(super) fn is_in(&self, path: &[&str]) -> bool {
        self.open.iter().eq(path)
    }

    /// The elements that are open, from the root.
    pub(super) fn open(&self) -> &[String] {
        &self.open
    }

    /// The next node.
    pub(super) fn next(&mut self) -> Result<Node<'x>, NotADefinition> {
        loop {
            self.at = usize::try_from(self.reader.buffer_position()).unwrap_or(usize::MAX);
            let first = self.at == 0;
            let event = self.reader.read_event().map_err(|e| {
                let at = usize::try_from(self.reader.error_position()).unwrap_or(usize::MAX);
                self.wrong_at(at, format!("this is not XML: {e}"))
            })?;
            self.nodes += 1;
            if self.nodes > MOST_NODES {
                return Err(self.wrong(format!("it has more than {MOST_NODES} elements, attributes and pieces of text")));
            }
            match event {
                Event::Start(start) => {
                    self.check_start(&start)?;
                    return Ok(Node::Open(start));
                }
                Event::End(end) => {
                    self.open.pop();
                    return Ok(Node::Close(end));
                }
                Event::Text(text) => {
                    if self.open.is_empty() && !text.trim_ascii().is_empty() {
                        return Err(self.wrong("there is text outside the root element"));
                    }
                    if text.contains("]]>") {
                        return Err(self.wrong("`]]>` stands in text; write `]]&gt;`"));
                    }
                    if !self.open.is_empty() {
                        return Ok(Node::Text(text));
                    }
                }
                Event::CData(data) => {
                    if self.open.is_empty() {
                        return Err(self.wrong("there is text outside the root element"));
                    }
                    return Ok(Node::CData(data));
                }
                Event::GeneralRef(reference) => {
                    if self.open.is_empty() {
                        return Err(self.wrong("there is text outside the root element"));
                    }
                    if character(&reference).is_none() {
                        return Err(
                            self.wrong(format!("`&{};` is neither a character nor one of XML's own entities", reference.escape_debug()))
                        );
                    }
                    return Ok(Node::Reference(reference));
                }
                Event::Comment(_) => {}
                Event::Decl(declaration) => {
                    if !first {
                        return Err(self.wrong("`<?xml` stands at the beginning or nowhere"));
                    }
                    let version = declaration.version().map_err(|e| self.wrong(format!("this is not XML: {e}")))?;
                    let utf8 = match declaration.encoding() {
                        None => true,
                        Some(e) => e.is_ok_and(|e| e.eq_ignore_ascii_case("utf-8")),
                    };
                    if version != "1.0" || !utf8 {
                        return Err(self.wrong("it is declared as something else than XML 1.0 in UTF-8"));
                    }
                }
                Event::DocType(_) => {
                    return Err(self.wrong("a document type stands here; a definition has none, and its entities could read files"));
                }
                Event::PI(_) => return Err(self.wrong("a processing instruction stands here; a definition has none")),
                Event::Empty(_) => return Err(self.wrong("this is not XML: an empty element was not expanded")),
                Event::Eof => {
                    if let Some(name) = self.open.last() {
                        return Err(self.wrong(format!("it ends before `<{name}>` is closed")));
                    }
                    if !self.root_seen {
                        return Err(self.wrong("there is no element in it"));
                    }
                    return Ok(Node::End);
                }
            }
        }
    }

    fn check_start(&mut self, start: &BytesStart<'_>) -> Result<(), NotADefinition> {
        let name = start.name().into_inner().to_owned();
        if !is_xml_name(&name) {
            return Err(self.wrong(format!("`{}` is no name of an element", name.escape_debug())));
        }
        if self.open.is_empty() && self.root_seen {
            return Err(self.wrong(format!("there is a second root element, `<{name}>`")));
        }
        self.root_seen = true;
        if self.open.len() == MOST_DEEP {
            return Err(self.wrong(format!("elements stand in each other more than {MOST_DEEP} deep")));
        }
        if !are_apart(start.attributes_raw()) {
            return Err(self.wrong(format!("in `<{name}>`: attributes stand without a space between them")));
        }
        for (i, attribute) in start.attributes().enumerate() {
            if i == MOST_ATTRIBUTES {
                return Err(self.wrong(format!("`<{name}>` has more than {MOST_ATTRIBUTES} attributes")));
            }
            let attribute = attribute.map_err(|e| self.wrong(format!("in `<{name}>`: {e}")))?;
            self.nodes += 1;
            let key = attribute.key.into_inner();
            if !is_xml_name(key) {
                return Err(self.wrong(format!("in `<{name}>`: `{}` is no name of an attribute", key.escape_debug())));
            }
            if attribute.value.contains('<') {
                return Err(self.wrong(format!("in `<{name}>`: `<` stands in attribute `{key}`; write `&lt;`")));
            }
            let value = attribute
                .normalized_value(XmlVersion::Implicit1_0)
                .map_err(|e| self.wrong(format!("in `<{name}>`, attribute `{key}`: {e}")))?;
            if let Some(c) = value.chars().find(|c| !is_xml_character(*c)) {
                return Err(self.wrong(format!("in `<{name}>`, attribute `{key}`: the character {} is none of XML's", c.escape_unicode())));
            }
        }
        self.open.push(name);
        Ok(())
    }
}

/// Whether there is a space after every value but the last.
fn are_apart(attributes: &str) -> bool {
    let mut rest = attributes;
    while let Some(open) = rest.find(['"', '\'']) {
        let quote = &rest[open..=open];
        let Some((_, after)) = rest[open + 1..].split_once(quote) else { return true };
        if after.starts_with(|c: char| !matches!(c, ' ' | '\t' | '\r' | '\n')) {
            return false;
        }
        rest = after;
    }
    true
}

/// An attribute of an element that has been checked.
pub(super) fn attribute(start: &BytesStart<'_>, name: &str) -> Option<String> {
    let attribute = start.attributes().flatten().find(|a| a.key.into_inner() == name)?;
    attribute.normalized_value(XmlVersion::Implicit1_0).ok().map(std::borrow::Cow::into_owned)
}

/// The character that a reference stands for.
pub(super) fn character(reference: &BytesRef<'_>) -> Option<char> {
    match reference.resolve_char_ref() {
        Ok(Some(c)) => Some(c).filter(|c| is_xml_character(*c)),
        Ok(None) => resolve_xml_entity(reference).and_then(|text| text.chars().next()),
        Err(_) => None,
    }
}

/// Whether XML 1.0 has a character.
pub(crate) const fn is_xml_character(c: char) -> bool {
    matches!(c, '\t' | '\n' | '\r' | ' '..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..='\u{10ffff}')
}

/// Whether a text is a name of an element or attribute: as in XML, but of ASCII alone, which all names of libvirt are, and with at most
/// one colon, as namespaces ask.
fn is_xml_name(text: &str) -> bool {
    let part = |p: &str| {
        p.bytes().next().is_some_and(|b| b.is_ascii_alphabetic() || b == b'_')
            && p.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.'))
    };
    text.split_once(':').map_or_else(|| part(text), |(prefix, name)| part(prefix) && part(name))
}
