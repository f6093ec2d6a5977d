//! Bringing many nodes up at once: what is there, what could be changed, and within how long all are to be ready.
//!
//! The answer is a simulation's (`sim::deploy`); here are its givens.

use serde::Serialize;

use crate::estimate::Estimate;
use crate::quantity::{BytesPerSecond, Nanos};

/// The givens.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct BringUp {
    /// Nodes: 1 or more.
    pub nodes: u32,
    /// All are to be ready within this.
    pub within: Nanos,
    /// What there is.
    pub means: Means,
    /// How many of the means' numbers were fitted to measurements of such a deployment.
    pub fitted: u32,
    /// What could be changed, in order of preference: at most [`MOST_UPGRADES`].
    pub upgrades: Vec<Upgrade>,
}

/// The most upgrades that are searched: 4,096 sets.
pub const MOST_UPGRADES: usize = 12;

/// How an image comes to the nodes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Method {
    /// Each node reads it from a server, all at once.
    Nfs,
    /// Each node passes on what it gets to the next one, block by block (Dolly+).
    Chain,
    /// Each node passes on what it gets to several others, block by block.
    Tree,
    /// It is sent once, to all.
    Multicast,
}

impl Method {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Nfs, Self::Chain, Self::Tree, Self::Multicast];

    /// The word for it.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Nfs => "nfs",
            Self::Chain => "chain",
            Self::Tree => "tree",
            Self::Multicast => "multicast",
        }
    }
}

/// What a node starts from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Start {
    /// The packed image is sent whole, unpacked and written to the node's disk; then the node boots from it.
    Packed,
    /// The unpacked image is sent whole and written to the node's disk; then the node boots from it.
    Unpacked,
    /// The unpacked image is sent whole and kept in memory; then the node boots from it.
    InMemory,
    /// Only what a boot reads is sent, and the node boots as it comes; writes stay on the node (copy-on-write).
    CopyOnWrite,
}

/// What there is.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Means {
    /// How the image comes.
    pub method: Method,
    /// What a node starts from.
    pub start: Start,
    /// Servers that hold the image: 1 or more.
    pub servers: u32,
    /// What is passed on at a time, bytes: above 0.
    pub block_bytes: f64,
    /// To how many others a node passes it on in a tree: 1 or more.
    pub degree: u32,
    /// The image as it is kept, bytes: above 0.
    pub image_bytes: f64,
    /// The image unpacked, bytes: above 0.
    pub unpacked_bytes: f64,
    /// What a boot reads of it, bytes: above 0, at most the unpacked image.
    pub working_set_bytes: f64,
    /// A server's link.
    pub server: BytesPerSecond,
    /// A node's link, each way.
    pub node: BytesPerSecond,
    /// Nodes in a rack: 1 or more.
    pub rack_nodes: u32,
    /// A rack's link to the others and to the servers, each way.
    pub uplink: BytesPerSecond,
    /// Unpacking on a node, bytes of the packed image a second.
    pub unpack: BytesPerSecond,
    /// Writing to a node's disk.
    pub disk_write: BytesPerSecond,
    /// Reading from it.
    pub disk_read: BytesPerSecond,
    /// CPU time of a boot, s.
    pub boot_cpu_s: Estimate,
}

/// A change that may be made.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Upgrade {
    /// Its name.
    pub name: String,
    /// What it changes.
    pub change: Change,
}

/// What a change sets; `None`: left as it is.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize)]
pub struct Change {
    /// See [`Means::method`].
    pub method: Option<Method>,
    /// See [`Means::start`].
    pub start: Option<Start>,
    /// See [`Means::servers`].
    pub servers: Option<u32>,
    /// See [`Means::block_bytes`].
    pub block_bytes: Option<f64>,
    /// See [`Means::degree`].
    pub degree: Option<u32>,
    /// See [`Means::server`].
    pub server: Option<BytesPerSecond>,
    /// See [`Means::node`].
    pub node: Option<BytesPerSecond>,
    /// See [`Means::uplink`].
    pub uplink: Option<BytesPerSecond>,
    /// See [`Means::unpack`].
    pub unpack: Option<BytesPerSecond>,
    /// See [`Means::disk_write`].
    pub disk_write: Option<BytesPerSecond>,
    /// See [`Means::disk_read`].
    pub disk_read: Option<BytesPerSecond>,
    /// See [`Means::boot_cpu_s`].
    pub boot_cpu_s: Option<Estimate>,
}

/// Runs a macro over the keys that a change may set.
macro_rules! each_key {
    ($do:ident) => {
        $do!(method start servers block_bytes degree server node uplink unpack disk_write disk_read boot_cpu_s)
    };
}

impl Change {
    /// The same means, changed.
    #[must_use]
    pub fn on(&self, means: &Means) -> Means {
        let mut means = *means;
        macro_rules! set {
            ($($key:ident)*) => { $(if let Some(to) = self.$key { means.$key = to; })* };
        }
        each_key!(set);
        means
    }

    /// Whether both set the same: then they cannot be made together.
    #[must_use]
    pub fn excludes(&self, other: &Self) -> bool {
        macro_rules! both {
            ($($key:ident)*) => { false $(|| (self.$key.is_some() && other.$key.is_some()))* };
        }
        each_key!(both)
    }

    /// Whether it sets nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn changes_of_one_key_exclude_each_other() {
        let servers = Change { servers: Some(4), ..Change::default() };
        let chain = Change { method: Some(Method::Chain), block_bytes: Some(1.0), ..Change::default() };
        assert!(servers.excludes(&servers) && !servers.excludes(&chain) && !chain.is_empty() && Change::default().is_empty());
    }
}
