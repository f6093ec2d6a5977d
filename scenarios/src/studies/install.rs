//! `[[study.install]]`: how long packages take to install on so many nodes.

use models::law::install::Installed;
use models::study::Kind;
use models::study::install::Install;
use schemars::JsonSchema;
use serde::Deserialize;

use super::transfer::megabytes;
use super::{Reader, study};
use crate::document::At;
use crate::error::Error;
use crate::file::number::{Count, Positive, Seconds};
use crate::names;

study!(
    /// How long packages take to install on so many nodes, from what past installations took.
    {
        /// Installations timed before: `{ packages, mb, nodes, s }`; two or more package counts and node counts.
        history: Vec<Past>,
        /// What is asked: `{ packages, mb, nodes }`.
        ask: Vec<Ask>,
    }
);

/// An installation that was timed.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "PastInstallation")]
pub(crate) struct Past {
    /// Packages installed.
    packages: Count,
    /// Their size, MB of 1,000,000 bytes: for the rival law by size.
    mb: Positive,
    /// Nodes that installed at once.
    nodes: Count,
    /// From the start until the last node is done, seconds.
    s: Seconds,
}

/// An installation that is asked about.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "AskedInstallation")]
pub(crate) struct Ask {
    /// Packages to install.
    packages: Count,
    /// Their size, MB of 1,000,000 bytes: for the rival law by size.
    mb: Positive,
    /// Nodes.
    nodes: Count,
}

impl Keys {
    fn meant(&self, reader: &Reader<'_, '_>, at: &At) -> Result<Kind, Error> {
        let it = self.given(reader, at)?;
        it.learn().map_err(|e| reader.doc.error(&at.key("history"), e.to_string()).help(e.expected))?;
        Ok(Kind::Install(it))
    }

    /// Its givens.
    fn given(&self, reader: &Reader<'_, '_>, at: &At) -> Result<Install, Error> {
        let row = |(i, p): (usize, &Past)| {
            let size = megabytes(reader, &at.key("history").index(i).key("mb"), p.mb.get())?;
            Ok(Installed { packages: p.packages.get(), size, nodes: p.nodes.get(), took: p.s.nanos() })
        };
        let ask = |(i, a): (usize, &Ask)| {
            let size = megabytes(reader, &at.key("ask").index(i).key("mb"), a.mb.get())?;
            Ok((a.packages.get(), size, a.nodes.get()))
        };
        Ok(Install {
            history: self.history.iter().enumerate().map(row).collect::<Result<_, Error>>()?,
            asked: self.ask.iter().enumerate().map(ask).collect::<Result<_, Error>>()?,
        })
    }
}

/// The givens of the install study that the key `install` names.
pub(super) fn of_name(reader: &Reader<'_, '_>, at: &At, name: &str) -> Result<Install, Error> {
    let all = &reader.studies.install;
    let Some(i) = all.iter().position(|k| k.name == name) else {
        let there: Vec<&str> = all.iter().map(|k| k.name.as_str()).collect();
        let error = reader.doc.error(&at.key("install"), format!("there is no study of kind install named `{name}`"));
        return Err(error.help(names::help_for(name, "studies of kind install", there)));
    };
    let its = At::root().key("study").key("install").index(i);
    let it = all[i].given(reader, &its)?;
    it.learn().map_err(|e| reader.doc.error(&its.key("history"), e.to_string()).help(e.expected))?;
    Ok(it)
}
