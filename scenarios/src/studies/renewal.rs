//! `[[study.renewal]]`: old and new hosts side by side.

use models::study::Kind;
use models::study::renewal::Renewal;

use super::{Reader, study};
use crate::document::At;
use crate::error::Error;

study!(
    /// What the steps of the plan do while old and new hosts stand side by side.
    {}
);

impl Keys {
    fn meant(&self, reader: &Reader<'_, '_>, at: &At) -> Result<Kind, Error> {
        if !reader.site.hosts.iter().any(|h| h.retires) {
            return Err(reader
                .doc
                .error(at, "no host retires: there is nothing to renew")
                .help("write `retires = true` in the `[[host]]` that are renewed, or leave the study out"));
        }
        Ok(Kind::Renewal(Renewal))
    }
}
