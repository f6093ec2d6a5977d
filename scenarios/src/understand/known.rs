//! The names of a file: each once, each well formed, and each findable by whoever refers to it.

use std::collections::BTreeMap;

use crate::document::{At, Document};
use crate::error::Error;
use crate::file;
use crate::names;

/// Names of one kind of thing, with the place of each in its vector.
pub(crate) struct Names {
    one: &'static str,
    many: &'static str,
    /// Position, and where in the text it is named.
    by_name: BTreeMap<String, (usize, usize)>,
}

impl Names {
    pub(crate) const fn new(one: &'static str, many: &'static str) -> Self {
        Self { one, many, by_name: BTreeMap::new() }
    }

    /// One name more.
    pub(crate) fn add(&mut self, doc: &Document<'_>, at: &At, name: &str) -> Result<usize, Error> {
        check_name(doc, at, name)?;
        let position = self.by_name.len();
        match self.by_name.entry(name.to_owned()) {
            std::collections::btree_map::Entry::Vacant(free) => {
                free.insert((position, doc.offset(at)));
                Ok(position)
            }
            std::collections::btree_map::Entry::Occupied(taken) => {
                let first = doc.line_at(taken.get().1);
                Err(doc
                    .error(at, format!("the {} `{name}` is there twice", self.one))
                    .help(format!("it is also named at line {first}; each {} has a name of its own", self.one)))
            }
        }
    }

    /// A name that may be there already: a group is made by its first member.
    pub(crate) fn add_or_find(&mut self, doc: &Document<'_>, at: &At, name: &str) -> Result<usize, Error> {
        match self.position(name) {
            Some(position) => Ok(position),
            None => self.add(doc, at, name),
        }
    }

    /// The position of a name.
    pub(crate) fn position(&self, name: &str) -> Option<usize> {
        self.by_name.get(name).map(|(position, _)| *position)
    }

    /// The position of a name that must be there.
    pub(crate) fn find(&self, doc: &Document<'_>, at: &At, name: &str) -> Result<usize, Error> {
        self.position(name).ok_or_else(|| self.unknown(doc, at, name))
    }

    /// The positions of the names in a list that stands at `at`, each once.
    pub(crate) fn find_all<Id: PartialEq>(
        &self,
        doc: &Document<'_>,
        at: &At,
        list: &[String],
        id: impl Fn(usize) -> Id,
    ) -> Result<Vec<Id>, Error> {
        let mut found = Vec::with_capacity(list.len());
        for (i, name) in list.iter().enumerate() {
            let it = id(self.find(doc, &at.index(i), name)?);
            if found.contains(&it) {
                return Err(doc.error(&at.index(i), format!("the {} `{name}` is in this list twice", self.one)));
            }
            found.push(it);
        }
        Ok(found)
    }

    pub(crate) fn unknown(&self, doc: &Document<'_>, at: &At, name: &str) -> Error {
        doc.error(at, format!("there is no {} `{name}`", self.one)).help(names::help_for(
            name,
            self.many,
            self.by_name.keys().map(String::as_str),
        ))
    }

    /// The help for a pattern that matches nothing.
    pub(crate) fn help(&self, wrong: &str) -> String {
        names::help_for(wrong, self.many, self.by_name.keys().map(String::as_str))
    }

    /// All names, in order of position.
    pub(crate) fn in_order(&self) -> Vec<String> {
        let mut all: Vec<(usize, &String)> = self.by_name.iter().map(|(name, (position, _))| (*position, name)).collect();
        all.sort_unstable();
        all.into_iter().map(|(_, name)| name.clone()).collect()
    }
}

/// All names of a site.
pub(crate) struct Known {
    pub classes: Names,
    pub domains: Names,
    pub pools: Names,
    pub hosts: Names,
    pub services: Names,
    pub groups: Names,
    pub guests: Names,
    pub links: Names,
    pub licences: Names,
    pub storage: Names,
}

/// The most hosts, and the most guests, of a site.
pub(crate) const MOST: usize = 1_000_000;

impl Known {
    /// The names that stand in the file as they are; hosts and guests follow as their templates are expanded.
    pub(crate) fn of(doc: &Document<'_>, file: &file::Site) -> Result<Self, Error> {
        let listed = |one, many, table: &'static str, names: Vec<&str>| -> Result<Names, Error> {
            let mut all = Names::new(one, many);
            for (i, name) in names.into_iter().enumerate() {
                all.add(doc, &At::element(table, i).key("name"), name)?;
            }
            Ok(all)
        };
        // Nobody refers to these by name in the file; they are only checked.
        listed("device", "devices", "device", file.device.iter().map(|x| x.name.as_str()).collect())?;
        listed("alternative", "alternatives", "alternative", file.alternative.iter().map(|x| x.name.as_str()).collect())?;
        if let Some(ups) = &file.ups {
            check_name(doc, &At::root().key("ups").key("name"), &ups.name)?;
        }
        Ok(Self {
            classes: listed("class", "classes", "class", file.class.iter().map(|x| x.name.as_str()).collect())?,
            domains: listed("domain", "domains", "domain", file.domain.iter().map(|x| x.name.as_str()).collect())?,
            pools: listed("pool", "pools", "pool", file.pool.iter().map(|x| x.name.as_str()).collect())?,
            services: listed("service", "services", "service", file.service.iter().map(|x| x.name.as_str()).collect())?,
            links: listed("link", "links", "link", file.link.iter().map(|x| x.name.as_str()).collect())?,
            licences: listed("licence", "licences", "licence", file.licence.iter().map(|x| x.name.as_str()).collect())?,
            storage: listed("storage", "storage", "storage", file.storage.iter().map(|x| x.name.as_str()).collect())?,
            hosts: Names::new("host", "hosts"),
            groups: Names::new("group", "groups"),
            guests: Names::new("guest", "guests"),
        })
    }
}

/// Whether a name is well formed.
pub(crate) fn check_name(doc: &Document<'_>, at: &At, name: &str) -> Result<(), Error> {
    if names::is_name(name) {
        Ok(())
    } else {
        Err(doc.error(at, format!("`{}` is not a name", name.escape_debug())).help(names::NAME_FORM))
    }
}

/// What a template says for `n`, counted from 1.
pub(crate) fn expand(doc: &Document<'_>, at: &At, template: &str, n: u32) -> Result<String, Error> {
    names::expand(template, n).map_err(|what| {
        doc.error(at, format!("`{what}` means nothing here"))
            .help("`{n}` counts 1, 2, 3 ... and `{pair}` counts 1, 1, 2, 2, 3, 3 ...; other braces are not allowed")
    })
}

/// The names of a template's `count` things, checked: several need `{n}`.
pub(crate) fn expand_names(doc: &Document<'_>, at: &At, template: &str, count: u32, so_far: usize) -> Result<Vec<String>, Error> {
    if count > 1 && !template.contains("{n}") {
        return Err(doc
            .error(&at.key("name"), format!("{count} things cannot have one name"))
            .help(format!("write `{{n}}` where the number stands: `{template}-{{n}}`")));
    }
    if so_far + count as usize > MOST {
        return Err(doc.error(&at.key("count"), format!("that makes {} in all; at most {MOST} are taken", so_far + count as usize)));
    }
    (1..=count).map(|n| expand(doc, &at.key("name"), template, n)).collect()
}
