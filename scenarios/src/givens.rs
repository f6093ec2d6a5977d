//! Every number of a file with its source, for the report.
//!
//! Collected from the tree of the file, not from the structs: a key that is added to the file cannot be forgotten here.

use std::fmt::Write as _;

use models::{Given, Provenance};
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::document::{At, Document, entry, in_file_order};
use crate::error::Error;
use crate::names;

/// Keys that say who says so, or what something is called.
const NOT_GIVEN: [&str; 4] = ["name", "title", "source", "sources"];

/// Keys whose value is a word and not a reference to something else in the file.
const WORDS: [&str; 15] = [
    "file",
    "tasks",
    "fragments",
    "start",
    "mode",
    "on_loss",
    "per",
    "branches",
    "apart",
    "balance",
    "full",
    "images",
    "method",
    "one_network",
    "prefer",
];

/// All givens, in order of the file.
pub(crate) fn all(doc: &Document<'_>) -> Result<Vec<Given>, Error> {
    let mut givens = Vec::new();
    for (key, value) in in_file_order(doc.root()) {
        walk(doc, value, &At::root().key(key.to_owned()), key, None, &mut givens)?;
    }
    Ok(givens)
}

/// Looks for tables with a `source`, however deep. `outer` is that of the table around, for a table of a list that has none.
fn walk(
    doc: &Document<'_>,
    value: &Spanned<DeValue<'_>>,
    at: &At,
    place: &str,
    outer: Option<&str>,
    givens: &mut Vec<Given>,
) -> Result<(), Error> {
    match value.get_ref() {
        DeValue::Array(elements) => {
            for (i, element) in elements.iter().enumerate() {
                walk(doc, element, &at.index(i), place, outer, givens)?;
            }
        }
        DeValue::Table(table) => {
            let text = |key| entry(table, key).and_then(|(_, v)| v.get_ref().as_str());
            let mut place = place.to_owned();
            // A stage without a name is called after its tier.
            if let Some(name) = text("name").or_else(|| text("tier")) {
                write!(place, " {name}").expect("a string can be written to");
            }
            if let Some(count) = entry(table, "count").map(|(_, v)| doc.text(v.span())).filter(|c| *c != "1") {
                write!(place, " x {count}").expect("a string can be written to");
            }
            let source = text("source").or(outer);
            if let Some(source) = source {
                table_of(doc, table, source, at, &place, givens)?;
            }
            for (key, value) in in_file_order(table).filter(|(_, v)| is_apart(doc, v)) {
                // `load` and `study` hold kinds: `load.mail`; other tables hold parts of themselves: `class rx300 sale`.
                let inner = if place == "load" || place == "study" { format!("{place}.{key}") } else { format!("{place} {key}") };
                // Only the tables of a list (a flow's stages) may leave their source to the table around.
                let outer = source.filter(|_| value.get_ref().is_array());
                walk(doc, value, &at.key(key.to_owned()), &inner, outer, givens)?;
            }
        }
        _ => {}
    }
    Ok(())
}

/// Whether a table, or any in a list of tables, speaks of its own source.
fn is_sourced(value: &DeValue<'_>) -> bool {
    match value {
        DeValue::Table(table) => entry(table, "source").is_some() || table.values().any(|v| is_sourced(v.get_ref())),
        DeValue::Array(elements) => elements.iter().any(|v| is_sourced(v.get_ref())),
        _ => false,
    }
}

/// Whether a value has givens of its own: it speaks of its source, or is a list of tables with headers (`[[flow.stage]]`).
fn is_apart(doc: &Document<'_>, value: &Spanned<DeValue<'_>>) -> bool {
    let header = |v: &Spanned<DeValue<'_>>| v.get_ref().is_table() && !doc.text(v.span()).starts_with('{');
    is_sourced(value.get_ref()) || value.get_ref().as_array().is_some_and(|list| list.iter().any(header))
}

fn table_of(doc: &Document<'_>, table: &DeTable<'_>, source: &str, at: &At, place: &str, givens: &mut Vec<Given>) -> Result<(), Error> {
    let parse = |text: &str, at: &At| text.parse::<Provenance>().map_err(|bad| doc.error(at, bad.to_string()));
    let source = parse(source, &at.key("source"))?;
    let own = entry(table, "sources").and_then(|(_, v)| v.get_ref().as_table());
    for (key, _) in own.into_iter().flat_map(in_file_order) {
        if entry(table, key).is_none() || NOT_GIVEN.contains(&key) {
            let keys: Vec<&str> = in_file_order(table).map(|(key, _)| key).filter(|key| !NOT_GIVEN.contains(key)).collect();
            return Err(doc
                .error(&at.key("sources").key(key.to_owned()), format!("this table has no key `{key}` that could have a source"))
                .help(names::help_for(key, "keys of this table", keys.iter().copied())));
        }
    }
    for (key, value) in in_file_order(table) {
        if NOT_GIVEN.contains(&key) || is_apart(doc, value) {
            continue;
        }
        if let Some(written) = written(doc, key, value) {
            let source = match own.and_then(|own| entry(own, key)) {
                Some((_, text)) => parse(text.get_ref().as_str().unwrap_or(""), &at.key("sources").key(key.to_owned()))?,
                None => source.clone(),
            };
            givens.push(Given { place: place.to_owned(), key: key.to_owned(), value: written, source });
        }
    }
    Ok(())
}

/// The longest list that is repeated in full.
const LIST_MAX: usize = 12;

/// A value as it is written, with its range; nothing for a name or a reference.
fn written(doc: &Document<'_>, key: &str, value: &Spanned<DeValue<'_>>) -> Option<String> {
    let text = doc.text(value.span());
    match value.get_ref() {
        DeValue::Integer(_) | DeValue::Float(_) | DeValue::Boolean(_) | DeValue::Datetime(_) => Some(text.to_owned()),
        DeValue::String(s) => WORDS.contains(&key).then(|| s.to_string()),
        DeValue::Array(elements) if elements.is_empty() => WORDS.contains(&key).then(|| "none".to_owned()),
        DeValue::Array(elements) => {
            let all: Vec<String> = elements.iter().filter_map(|e| written(doc, key, e)).collect();
            match all.len() {
                0 => None,
                n if n <= LIST_MAX => Some(all.join(", ")),
                n => Some(format!("{}, {} ... {} ({n} values)", all[0], all[1], all[n - 1])),
            }
        }
        DeValue::Table(table) => {
            let part = |key: &str| entry(table, key).map(|(_, v)| doc.text(v.span()));
            if let (Some(value), Some(low), Some(high)) = (part("value"), part("low"), part("high")) {
                return Some(format!("{value} ({low} to {high})"));
            }
            // A part may be a word: the view of `rules.ups`, the kind of `rules.one_domain_down`.
            let parts: Vec<String> = in_file_order(table)
                .filter_map(|(k, v)| {
                    written(doc, k, v).or_else(|| Some(v.get_ref().as_str()?.to_owned())).map(|text| format!("{k} {text}"))
                })
                .collect();
            (!parts.is_empty()).then(|| parts.join(", "))
        }
    }
}
