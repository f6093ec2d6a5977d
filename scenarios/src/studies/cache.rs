//! `[[study.cache]]`: whether to use a cached image.

use models::study::Kind;
use models::study::cache::{Cache, Request};
use schemars::JsonSchema;
use serde::Deserialize;

use super::{Reader, install, study, transfer};
use crate::document::At;
use crate::error::Error;
use crate::file::number::{Count, Positive};

study!(
    /// Whether to use a cached image: only where the installation saved takes longer than the transfer added.
    {
        /// The study of kind transfer whose history is used.
        transfer: String,
        /// The study of kind install whose history is used.
        install: String,
        /// The image without the cache, MB of 1,000,000 bytes.
        image_mb: Positive,
        /// The cached image, MB of 1,000,000 bytes: at least as large.
        cached_image_mb: Positive,
        /// What is asked: `{ name, nodes, packages, packages_left }`.
        ask: Vec<Ask>,
    }
);

/// A request.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "AskedCache")]
pub(crate) struct Ask {
    /// What its figures are called.
    name: String,
    /// Nodes.
    nodes: Count,
    /// Packages to install without the cache.
    packages: u32,
    /// Packages to install with it: at most as many.
    packages_left: u32,
}

impl Keys {
    fn meant(&self, reader: &Reader<'_, '_>, at: &At) -> Result<Kind, Error> {
        let image = transfer::megabytes(reader, &at.key("image_mb"), self.image_mb.get())?;
        let cached = transfer::megabytes(reader, &at.key("cached_image_mb"), self.cached_image_mb.get())?;
        if cached < image {
            let message = format!("the cached image is smaller than the image without, {} MB", self.image_mb.get());
            return Err(reader.doc.error(&at.key("cached_image_mb"), message).help("it holds that image and packages besides"));
        }
        let mut asked = Vec::new();
        for (i, a) in self.ask.iter().enumerate() {
            let at = at.key("ask").index(i);
            if self.ask[..i].iter().any(|b| b.name == a.name) {
                let message = format!("`{}` is asked twice", a.name);
                return Err(reader.doc.error(&at.key("name"), message).help("figures are told apart by their names"));
            }
            if a.packages_left > a.packages {
                let message = format!("more packages are left than there are, {}", a.packages);
                return Err(reader.doc.error(&at.key("packages_left"), message).help("a cache never adds packages to install"));
            }
            let nodes = a.nodes.get();
            asked.push(Request { name: a.name.clone(), nodes, without: (image, a.packages), with: (cached, a.packages_left) });
        }
        let transfer = transfer::of_name(reader, at, &self.transfer)?;
        Ok(Kind::Cache(Cache { transfer, install: install::of_name(reader, at, &self.install)?, asked }))
    }
}
