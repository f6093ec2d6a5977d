//! `[[study.bring-up]]`: what it takes to have so many nodes ready within so long.

use models::Estimate;
use models::quantity::BytesPerSecond;
use models::study::Kind;
use models::study::bring_up::{BringUp, Change, MOST_UPGRADES, Means, Method, Start, Upgrade};
use schemars::JsonSchema;
use serde::Deserialize;

use super::{Reader, study};
use crate::document::At;
use crate::error::Error;
use crate::file::Sources;
use crate::file::number::{Count, Positive, Seconds};
use crate::understand::check_name;

study!(
    /// What it takes to have so many nodes ready within so long.
    {
        /// Nodes.
        nodes: Count,
        /// All are to be ready within this, seconds.
        within_s: Seconds,
        /// How the image comes to them.
        method: Method,
        /// What a node starts from.
        start: Start,
        /// Servers that hold the image.
        servers: Count,
        /// What is passed on at a time, bytes.
        block_bytes: Positive,
        /// To how many others a node passes it on in a tree.
        degree: Count,
        /// The image as it is kept, bytes.
        image_bytes: Positive,
        /// The image unpacked, bytes.
        unpacked_bytes: Positive,
        /// What a boot reads of it, bytes.
        working_set_bytes: Positive,
        /// A server's link, bytes a second.
        server_bytes_per_s: Positive,
        /// A node's link, bytes a second.
        node_bytes_per_s: Positive,
        /// Nodes in a rack.
        rack_nodes: Count,
        /// A rack's link to the others and to the servers, bytes a second.
        uplink_bytes_per_s: Positive,
        /// Unpacking on a node, bytes of the packed image a second.
        unpack_bytes_per_s: Positive,
        /// Writing to a node's disk, bytes a second.
        disk_write_bytes_per_s: Positive,
        /// Reading from it, bytes a second.
        disk_read_bytes_per_s: Positive,
        /// CPU time of a boot, seconds.
        boot_cpu_s: Estimate,
        /// How many of these numbers were fitted to measurements of such a deployment.
        fitted: u32,
        /// What could be changed, in order of preference.
        #[serde(default)]
        upgrade: Vec<UpgradeKeys>,
    }
);

/// A change that could be made: each key that is there replaces that of the study.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct UpgradeKeys {
    /// Its name.
    pub name: String,
    /// How the image comes to the nodes.
    pub method: Option<Method>,
    /// What a node starts from.
    pub start: Option<Start>,
    /// Servers that hold the image.
    pub servers: Option<Count>,
    /// What is passed on at a time, bytes.
    pub block_bytes: Option<Positive>,
    /// To how many others a node passes it on in a tree.
    pub degree: Option<Count>,
    /// A server's link, bytes a second.
    pub server_bytes_per_s: Option<Positive>,
    /// A node's link, bytes a second.
    pub node_bytes_per_s: Option<Positive>,
    /// A rack's link, bytes a second.
    pub uplink_bytes_per_s: Option<Positive>,
    /// Unpacking on a node, bytes of the packed image a second.
    pub unpack_bytes_per_s: Option<Positive>,
    /// Writing to a node's disk, bytes a second.
    pub disk_write_bytes_per_s: Option<Positive>,
    /// Reading from it, bytes a second.
    pub disk_read_bytes_per_s: Option<Positive>,
    /// CPU time of a boot, seconds.
    pub boot_cpu_s: Option<Estimate>,
    /// Where these numbers come from. Absent: from where the study's come.
    #[allow(dead_code, reason = "collected from the tree of the file")]
    pub source: Option<models::Provenance>,
    /// Sources of single keys, where they differ.
    #[serde(default)]
    #[allow(dead_code, reason = "collected from the tree of the file")]
    pub sources: Sources,
}

fn rate(x: Positive) -> BytesPerSecond {
    BytesPerSecond::new(x.get()).expect("a number above 0 is a rate")
}

impl UpgradeKeys {
    fn change(&self) -> Change {
        Change {
            method: self.method,
            start: self.start,
            servers: self.servers.map(Count::get),
            block_bytes: self.block_bytes.map(Positive::get),
            degree: self.degree.map(Count::get),
            server: self.server_bytes_per_s.map(rate),
            node: self.node_bytes_per_s.map(rate),
            uplink: self.uplink_bytes_per_s.map(rate),
            unpack: self.unpack_bytes_per_s.map(rate),
            disk_write: self.disk_write_bytes_per_s.map(rate),
            disk_read: self.disk_read_bytes_per_s.map(rate),
            boot_cpu_s: self.boot_cpu_s,
        }
    }
}

impl Keys {
    fn meant(&self, reader: &Reader<'_, '_>, at: &At) -> Result<Kind, Error> {
        if self.working_set_bytes.get() > self.unpacked_bytes.get() {
            let message = format!("a boot reads {} B of an image of {} B", self.working_set_bytes.get(), self.unpacked_bytes.get());
            return Err(reader.doc.error(&at.key("working_set_bytes"), message).help("at most `unpacked_bytes`"));
        }
        if self.upgrade.len() > MOST_UPGRADES {
            let message = format!("{} upgrades: every set of them is tried, and there may be at most {MOST_UPGRADES}", self.upgrade.len());
            return Err(reader.doc.error(&at.key("upgrade"), message).help("leave out those that do not bear on the time"));
        }
        let mut upgrades: Vec<Upgrade> = Vec::new();
        for (k, keys) in self.upgrade.iter().enumerate() {
            let at = at.key("upgrade").index(k);
            check_name(reader.doc, &at.key("name"), &keys.name)?;
            if upgrades.iter().any(|u| u.name == keys.name) {
                return Err(reader
                    .doc
                    .error(&at.key("name"), format!("the upgrade `{}` is there twice", keys.name))
                    .help("each upgrade of a study has a name of its own"));
            }
            let change = keys.change();
            if change.is_empty() {
                return Err(reader
                    .doc
                    .error(&at.key("name"), format!("the upgrade `{}` changes nothing", keys.name))
                    .help("write the key that it changes, such as `method = \"chain\"`"));
            }
            upgrades.push(Upgrade { name: keys.name.clone(), change });
        }
        let asked = BringUp {
            nodes: self.nodes.get(),
            within: self.within_s.nanos(),
            means: Means {
                method: self.method,
                start: self.start,
                servers: self.servers.get(),
                block_bytes: self.block_bytes.get(),
                degree: self.degree.get(),
                image_bytes: self.image_bytes.get(),
                unpacked_bytes: self.unpacked_bytes.get(),
                working_set_bytes: self.working_set_bytes.get(),
                server: rate(self.server_bytes_per_s),
                node: rate(self.node_bytes_per_s),
                rack_nodes: self.rack_nodes.get(),
                uplink: rate(self.uplink_bytes_per_s),
                unpack: rate(self.unpack_bytes_per_s),
                disk_write: rate(self.disk_write_bytes_per_s),
                disk_read: rate(self.disk_read_bytes_per_s),
                boot_cpu_s: self.boot_cpu_s,
            },
            fitted: self.fitted,
            upgrades,
        };
        Ok(Kind::BringUp(asked))
    }
}
