//! `[[study.construction]]`: how long a whole virtual cluster takes to build.

use models::study::construction::{Build, Construction};
use models::study::{Kind, Study};
use schemars::JsonSchema;
use serde::Deserialize;

use super::{Reader, install, study, transfer};
use crate::document::At;
use crate::error::Error;
use crate::file::number::{Count, Positive, Seconds};

study!(
    /// How long a whole virtual cluster takes to build: transfer, installation, and a rest that is the same for all.
    {
        /// The study of kind transfer whose history is used.
        transfer: String,
        /// The study of kind install whose history is used.
        install: String,
        /// Whole constructions timed before: `{ image_mb, packages, nodes, s }`; their mean rest is used.
        whole: Vec<Past>,
        /// What is asked: `{ name, image_mb, packages, nodes }`.
        ask: Vec<Ask>,
    }
);

/// A whole construction that was timed.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "PastConstruction")]
pub(crate) struct Past {
    /// The image, MB of 1,000,000 bytes.
    image_mb: Positive,
    /// Packages installed after that; 0: no installation.
    packages: u32,
    /// Nodes.
    nodes: Count,
    /// From the start until the last node is handed over, seconds.
    s: Seconds,
}

/// A construction that is asked about.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "AskedConstruction")]
pub(crate) struct Ask {
    /// What its figures are called.
    name: String,
    /// The image, MB of 1,000,000 bytes.
    image_mb: Positive,
    /// Packages installed after that; 0: no installation.
    packages: u32,
    /// Nodes.
    nodes: Count,
}

impl Keys {
    fn meant(&self, reader: &Reader<'_, '_>, at: &At) -> Result<Kind, Error> {
        let build = |at: &At, mb: Positive, packages, nodes: Count| {
            let image = transfer::megabytes(reader, &at.key("image_mb"), mb.get())?;
            Ok::<_, Error>(Build { image, packages, nodes: nodes.get() })
        };
        let mut whole = Vec::new();
        for (i, p) in self.whole.iter().enumerate() {
            whole.push((build(&at.key("whole").index(i), p.image_mb, p.packages, p.nodes)?, p.s.nanos()));
        }
        let mut asked = Vec::new();
        for (i, a) in self.ask.iter().enumerate() {
            let at = at.key("ask").index(i);
            if self.ask[..i].iter().any(|b| b.name == a.name) {
                let message = format!("`{}` is asked twice", a.name);
                return Err(reader.doc.error(&at.key("name"), message).help("figures are told apart by their names"));
            }
            asked.push((a.name.clone(), build(&at, a.image_mb, a.packages, a.nodes)?));
        }
        let it = Construction {
            transfer: transfer::of_name(reader, at, &self.transfer)?,
            install: install::of_name(reader, at, &self.install)?,
            whole,
            asked,
        };
        // Whether the whole is longer than its parts only the laws can say.
        let study = Study { name: self.name.clone(), title: self.title.clone(), kind: Kind::Construction(it.clone()) };
        it.answer(&study).map_err(|e| reader.doc.error(&at.key("whole"), e.to_string()).help(e.expected))?;
        Ok(study.kind)
    }
}
