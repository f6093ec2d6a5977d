//! `[[study.transfer]]`: how long images take to reach so many nodes.

use models::law::transfer::Sent;
use models::quantity::{Bytes, BytesPerSecond};
use models::study::Kind;
use models::study::transfer::Transfer;
use schemars::JsonSchema;
use serde::Deserialize;

use super::{Reader, study};
use crate::document::At;
use crate::error::Error;
use crate::file::number::{Count, PartShare, Positive, Seconds};
use crate::names;

study!(
    /// How long images take to reach so many nodes, from what past transfers took.
    {
        /// Transfers timed before: `{ image_mb, nodes, s }`; two or more node counts.
        history: Vec<Past>,
        /// The rate of the server's port, and of a chain's slowest link, bytes a second.
        port_bytes_per_s: BytesPerSecond,
        /// What a node of a chain takes before it hands on, bytes.
        block_bytes: Positive,
        /// Multicast: the share of packets that at least one node misses. With `repair_s`, or neither.
        loss: Option<PartShare>,
        /// Multicast: what asking for what is missing takes besides, seconds.
        repair_s: Option<Seconds>,
        /// What is asked: `{ image_mb, nodes }`.
        ask: Vec<Ask>,
    }
);

/// A transfer that was timed.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "PastTransfer")]
pub(crate) struct Past {
    /// The image, MB of 1,000,000 bytes.
    image_mb: Positive,
    /// Nodes that it was sent to at once.
    nodes: Count,
    /// From the start until the last node has it unpacked, seconds.
    s: Seconds,
}

/// A transfer that is asked about.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "AskedTransfer")]
pub(crate) struct Ask {
    /// The image, MB of 1,000,000 bytes.
    image_mb: Positive,
    /// Nodes.
    nodes: Count,
}

impl Keys {
    fn meant(&self, reader: &Reader<'_, '_>, at: &At) -> Result<Kind, Error> {
        let it = self.given(reader, at)?;
        it.learn().map_err(|e| reader.doc.error(&at.key("history"), e.to_string()).help(e.expected))?;
        Ok(Kind::Transfer(it))
    }

    /// Its givens.
    fn given(&self, reader: &Reader<'_, '_>, at: &At) -> Result<Transfer, Error> {
        if self.port_bytes_per_s == BytesPerSecond::ZERO {
            return Err(reader
                .doc
                .error(&at.key("port_bytes_per_s"), "the port carries nothing")
                .help("a rate above 0, in bytes a second"));
        }
        let row = |(i, p): (usize, &Past)| {
            let at = at.key("history").index(i).key("image_mb");
            Ok(Sent { image: megabytes(reader, &at, p.image_mb.get())?, nodes: p.nodes.get(), took: p.s.nanos() })
        };
        let ask =
            |(i, a): (usize, &Ask)| Ok((megabytes(reader, &at.key("ask").index(i).key("image_mb"), a.image_mb.get())?, a.nodes.get()));
        let multicast = match (&self.loss, &self.repair_s) {
            (Some(loss), Some(repair)) => Some((loss.get(), repair.nanos())),
            (None, None) => None,
            (given, _) => {
                let (there, missing) = if given.is_some() { ("loss", "repair_s") } else { ("repair_s", "loss") };
                let message = format!("multicast needs `{missing}` too");
                return Err(reader.doc.error(&at.key(there), message).help("give `loss` and `repair_s`, or neither"));
            }
        };
        Ok(Transfer {
            history: self.history.iter().enumerate().map(row).collect::<Result<_, Error>>()?,
            port: self.port_bytes_per_s,
            block: Bytes::new(self.block_bytes.get()).map_err(|e| reader.doc.error(&at.key("block_bytes"), e.to_string()))?,
            multicast,
            asked: self.ask.iter().enumerate().map(ask).collect::<Result<_, Error>>()?,
        })
    }
}

/// A size in MB of 1,000,000 bytes.
pub(super) fn megabytes(reader: &Reader<'_, '_>, at: &At, mb: f64) -> Result<Bytes, Error> {
    Bytes::new(mb * 1e6).map_err(|e| reader.doc.error(at, e.to_string()).help("a size in MB"))
}

/// The givens of the transfer study that the key `transfer` names.
pub(super) fn of_name(reader: &Reader<'_, '_>, at: &At, name: &str) -> Result<Transfer, Error> {
    let all = &reader.studies.transfer;
    let Some(i) = all.iter().position(|k| k.name == name) else {
        let there: Vec<&str> = all.iter().map(|k| k.name.as_str()).collect();
        let error = reader.doc.error(&at.key("transfer"), format!("there is no study of kind transfer named `{name}`"));
        return Err(error.help(names::help_for(name, "studies of kind transfer", there)));
    };
    let its = At::root().key("study").key("transfer").index(i);
    let it = all[i].given(reader, &its)?;
    it.learn().map_err(|e| reader.doc.error(&its.key("history"), e.to_string()).help(e.expected))?;
    Ok(it)
}
