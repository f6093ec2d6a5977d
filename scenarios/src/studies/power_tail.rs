//! `[[study.power-tail]]`: apparent power that is drawn for a small share of the time.

use models::study::Kind;
use models::study::power_tail::PowerTail;

use super::{Reader, study};
use crate::document::At;
use crate::error::Error;
use crate::file::number::PartShare;

study!(
    /// How much apparent power is drawn for a small share of the time, and what hosts taken as independent would say.
    {
        /// Shares of the time, each less than the one before: above 0, below 1.
        shares: Vec<PartShare>,
    }
);

impl Keys {
    fn meant(&self, reader: &Reader<'_, '_>, at: &At) -> Result<Kind, Error> {
        let at = at.key("shares");
        if self.shares.is_empty() {
            return Err(reader.doc.error(&at, "the list is empty").help("shares of the time, such as [0.01, 0.001]"));
        }
        let shares: Vec<f64> = self.shares.iter().map(|s| s.get()).collect();
        for (i, share) in shares.iter().enumerate() {
            if *share <= 0.0 {
                return Err(reader.doc.error(&at.index(i), "a level that is never exceeded has no bound").help("a share above 0"));
            }
            if i > 0 && *share >= shares[i - 1] {
                return Err(reader.doc.error(&at.index(i), "each share is less than the one before").help("such as [0.01, 0.001]"));
            }
        }
        Ok(Kind::PowerTail(PowerTail { shares }))
    }
}
