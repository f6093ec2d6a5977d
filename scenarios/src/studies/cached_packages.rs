//! `[[study.cached-packages]]`: which packages belong in the cached image.

use models::study::Kind;
use models::study::cached_packages::{CachedPackages, Group};
use schemars::JsonSchema;
use serde::Deserialize;

use super::{Reader, install, study, transfer};
use crate::document::At;
use crate::error::Error;
use crate::file::number::{Count, Percentile, Positive};
use crate::names;

study!(
    /// Which packages belong in the cached image: those often asked for, and those that save more than they cost.
    {
        /// The study of kind transfer whose history is used.
        transfer: String,
        /// The study of kind install whose history is used.
        install: String,
        /// Nodes of a request to come.
        nodes: Count,
        /// What a MB of packages adds to the image, MB.
        image_mb_per_package_mb: Positive,
        /// Packages that are asked for together: `{ name, packages, mb }`.
        groups: Vec<Packages>,
        /// Requests of the past, oldest first: the names of the groups that each asked for.
        requests: Vec<Vec<String>>,
        /// How many requests are counted, the last ones (N).
        last: Count,
        /// The share of these that a package must have stood in, percent (M).
        percent: Percentile,
    }
);

/// Packages that are asked for together.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Packages {
    /// Their name.
    name: String,
    /// How many.
    packages: Count,
    /// Their size, MB of 1,000,000 bytes.
    mb: Positive,
}

impl Keys {
    fn meant(&self, reader: &Reader<'_, '_>, at: &At) -> Result<Kind, Error> {
        let mut groups: Vec<Group> = Vec::new();
        for (i, g) in self.groups.iter().enumerate() {
            let at = at.key("groups").index(i);
            if groups.iter().any(|b| b.name == g.name) {
                let message = format!("`{}` is there twice", g.name);
                return Err(reader.doc.error(&at.key("name"), message).help("requests refer to groups by name"));
            }
            let adds = transfer::megabytes(reader, &at.key("mb"), g.mb.get() * self.image_mb_per_package_mb.get())?;
            groups.push(Group { name: g.name.clone(), packages: g.packages.get(), adds });
        }
        if self.requests.is_empty() {
            let error = reader.doc.error(&at.key("requests"), "there is no request");
            return Err(error.help("give the groups that each past request asked for, oldest first"));
        }
        let mut requests = Vec::new();
        for (i, request) in self.requests.iter().enumerate() {
            let mut found = Vec::new();
            for (j, name) in request.iter().enumerate() {
                let Some(k) = groups.iter().position(|g| g.name == *name) else {
                    let error = reader.doc.error(&at.key("requests").index(i).index(j), format!("there is no group `{name}`"));
                    return Err(error.help(names::help_for(name, "groups", groups.iter().map(|g| g.name.as_str()))));
                };
                found.push(k);
            }
            requests.push(found);
        }
        Ok(Kind::CachedPackages(CachedPackages {
            transfer: transfer::of_name(reader, at, &self.transfer)?,
            install: install::of_name(reader, at, &self.install)?,
            nodes: self.nodes.get(),
            groups,
            requests,
            last: self.last.get(),
            percent: self.percent.get(),
        }))
    }
}
