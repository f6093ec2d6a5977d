//! `[[study.redundancy]]`: what a lost host takes with it.

use models::study::Kind;
use models::study::redundancy::Redundancy;

use super::{Reader, study};
use crate::document::At;
use crate::error::Error;

study!(
    /// How many redundancy groups lose all their members with one host, or one domain.
    {
        /// Who runs where: the name of an alternative, `plan` or `today`.
        fleet: String,
    }
);

impl Keys {
    fn meant(&self, reader: &Reader<'_, '_>, at: &At) -> Result<Kind, Error> {
        if !reader.site.guests_by_group().iter().any(|g| g.len() > 1) {
            return Err(reader
                .doc
                .error(at, "no two guests are redundant to each other")
                .help("give guests that carry on for each other the same `group`"));
        }
        super::fleet(reader, &at.key("fleet"), &self.fleet)?;
        Ok(Kind::Redundancy(Redundancy { fleet: self.fleet.clone() }))
    }
}
