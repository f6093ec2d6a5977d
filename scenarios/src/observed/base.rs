//! The base: tables of a site file for all that hosts cannot say. It keeps its comments and its order.

use toml_edit::{ArrayOfTables, DocumentMut, Item, Table, Value};

use crate::document::{At, Document, Text};
use crate::error::Error;
use crate::names;

/// A base, read.
pub(super) struct Base {
    /// Its title, where it has one.
    pub title: Option<String>,
    /// Its unknowns.
    pub unknowns: Vec<String>,
    /// What it says of guests, the least special first.
    pub guests: Vec<OfGuests>,
    /// All else.
    tables: DocumentMut,
}

/// What a base says of some guests.
pub(super) struct OfGuests {
    /// A name, or a prefix that ends in `*`.
    pub pattern: String,
    /// Its keys but the name and the sources, in order of the file.
    pub keys: Vec<OfKey>,
}

/// What a base says under a key.
pub(super) struct OfKey {
    /// The key.
    pub key: String,
    /// The value, without the space around it.
    pub value: Value,
    /// Who says so.
    pub source: String,
}

/// Keys and tables that only an observation can fill.
const MEASURED: [(&str, &str); 4] = [
    ("name", "the site is called as the inventory says"),
    ("host", "hosts are those of the inventory, as they are seen"),
    ("load", "loads are recorded"),
    ("horizon", "the horizon is that of the recording"),
];

/// Keys of a guest that only an observation can fill.
const MEASURED_OF_GUEST: [(&str, &str); 2] =
    [("count", "each guest is written by itself"), ("runs_on", "where a guest runs is seen on the hosts")];

impl Base {
    /// Reads a base; an empty one where there is none.
    pub(super) fn read(text: Option<&Text>) -> Result<Self, Error> {
        let mut it = Self { title: None, unknowns: Vec::new(), guests: Vec::new(), tables: DocumentMut::new() };
        let Some(text) = text else { return Ok(it) };
        let doc = text.document()?;
        let root = At::root();
        for (key, why) in MEASURED {
            if crate::document::entry(doc.root(), key).is_some() {
                return Err(doc.error(&root.key(key), format!("a base does not say this: {why}")).help("leave it out"));
            }
        }
        it.tables = text.as_str().parse().map_err(|e: toml_edit::TomlError| doc.error(&root, e.message().to_owned()))?;
        if let Some(title) = it.tables.remove("title") {
            let Some(title) = title.as_str() else { return Err(doc.error(&root.key("title"), "this is not a text")) };
            it.title = Some(title.to_owned());
        }
        if let Some(unknowns) = it.tables.remove("unknowns") {
            let all = unknowns.as_array().and_then(|a| a.iter().map(|v| v.as_str().map(str::to_owned)).collect());
            it.unknowns = all.ok_or_else(|| doc.error(&root.key("unknowns"), "this is not a list of sentences"))?;
        }
        for array in ["class", "guest", "domain", "pool"] {
            if it.tables.get(array).is_some_and(|item| !item.is_array_of_tables()) {
                return Err(doc.error(&root.key(array), "this is not a table with a header").help(format!("write `[[{array}]]`")));
            }
        }
        if let Some(Item::ArrayOfTables(guests)) = it.tables.remove("guest") {
            it.guests = of_guests(&doc, &guests)?;
        }
        Ok(it)
    }

    /// The text of all that it says, but of guests.
    pub(super) fn rest(&self) -> String {
        self.tables.to_string()
    }

    /// Whether it has a table.
    pub(super) fn has(&self, table: &str) -> bool {
        self.tables.contains_key(table)
    }

    /// Whether an array of its tables has one of this name.
    pub(super) fn names(&self, array: &str, name: &str) -> bool {
        self.named(array).any(|n| n == name)
    }

    /// The names in an array of tables.
    fn named(&self, array: &str) -> impl Iterator<Item = &str> {
        let tables = self.tables.get(array).and_then(Item::as_array_of_tables);
        tables.into_iter().flat_map(ArrayOfTables::iter).filter_map(|t| t.get("name").and_then(Item::as_str))
    }

    /// Its class of this name.
    pub(super) fn class(&self, name: &str) -> Option<&Table> {
        let classes = self.tables.get("class").and_then(Item::as_array_of_tables)?;
        classes.iter().find(|t| t.get("name").and_then(Item::as_str) == Some(name))
    }

    /// The same, to be changed.
    pub(super) fn class_mut(&mut self, name: &str) -> Option<&mut Table> {
        let classes = self.tables.get_mut("class").and_then(Item::as_array_of_tables_mut)?;
        classes.iter_mut().find(|t| t.get("name").and_then(Item::as_str) == Some(name))
    }

    /// What it says of a guest, the least special first.
    pub(super) fn of_guest<'b>(&'b self, name: &'b str) -> impl Iterator<Item = &'b OfGuests> {
        self.guests.iter().filter(move |g| names::matches(&g.pattern, name))
    }
}

fn of_guests(doc: &Document<'_>, tables: &ArrayOfTables) -> Result<Vec<OfGuests>, Error> {
    let mut all: Vec<OfGuests> = Vec::new();
    for (i, table) in tables.iter().enumerate() {
        let at = At::element("guest", i);
        let Some(pattern) = table.get("name").and_then(Item::as_str) else {
            let error = doc.error(&at, "the key `name` is missing, or is not a text");
            return Err(error.help("the name of a guest, or the beginning of names that ends in `*`"));
        };
        let stem = pattern.strip_suffix('*').unwrap_or(pattern);
        if !(names::is_name(stem) || pattern == "*") {
            let error = doc.error(&at.key("name"), format!("`{}` is not a name, nor a beginning that ends in `*`", pattern.escape_debug()));
            return Err(error.help(names::NAME_FORM));
        }
        if all.iter().any(|g| g.pattern == pattern) {
            return Err(doc.error(&at.key("name"), format!("`{pattern}` is there twice")));
        }
        for (key, why) in MEASURED_OF_GUEST {
            if table.contains_key(key) {
                return Err(doc.error(&at.key(key), format!("a base does not say this: {why}")).help("leave it out"));
            }
        }
        for key in ["group", "pinned"] {
            if table.get(key).and_then(Item::as_str).is_some_and(|t| t.contains(['{', '}'])) {
                let error = doc.error(&at.key(key), "braces count guests of one table, and here each guest is one by itself");
                return Err(error.help("write a `[[guest]]` for each, or for each beginning of names"));
            }
        }
        let Some(source) = table.get("source").and_then(Item::as_str) else {
            let error = doc.error(&at, "the key `source` is missing, or is not a text");
            return Err(error.help("write `paper:ID`, `measured:WHAT`, `proxy:WHAT` or `assumed:WHY`"));
        };
        let sources = table.get("sources").and_then(Item::as_table_like);
        let mut keys = Vec::new();
        for (key, item) in table.iter().filter(|(key, _)| !["name", "source", "sources"].contains(key)) {
            let Some(mut value) = item.clone().into_value().ok() else {
                return Err(doc.error(&at.key(key.to_owned()), "a guest has no such table"));
            };
            value.decor_mut().clear();
            let own = sources.and_then(|s| s.get(key)).and_then(Item::as_str);
            keys.push(OfKey { key: key.to_owned(), value, source: own.unwrap_or(source).to_owned() });
        }
        all.push(OfGuests { pattern: pattern.to_owned(), keys });
    }
    // A name is more special than any beginning, and a long beginning more than a short one.
    all.sort_by_key(|g| if g.pattern.ends_with('*') { g.pattern.len() } else { usize::MAX });
    Ok(all)
}
