//! `[[study.cvcf]]`: what the CVCF carries and for how long.

use models::Estimate;
use models::study::Kind;
use models::study::cvcf::{Cvcf, Saved};

use super::{Reader, study};
use crate::document::At;
use crate::error::Error;
use crate::file::number::{Count, Positive};

study!(
    /// What the CVCF carries and for how long: load, loss, battery, and the generator for the yearly inspection.
    {
        /// How long the yearly inspection of the electrical installation lasts, hours.
        inspection_hours: Estimate,
        /// Power factor of the CVCF's input, which a generator sees: above 0, at most 1.
        input_power_factor: Estimate,
        /// A published saving of electricity over `prices.years`, yen: to be turned back into watts.
        saved_yen: Option<Positive>,
        /// Servers that were done without for it.
        saved_servers: Option<Count>,
        /// Hosts that were added for it. Default: none are netted off.
        added_hosts: Option<Count>,
        /// What one of these draws, W.
        added_host_w: Option<Estimate>,
    }
);

impl Keys {
    fn meant(&self, reader: &Reader<'_, '_>, at: &At) -> Result<Kind, Error> {
        let doc = reader.doc;
        if reader.site.ups.is_none() {
            return Err(doc.error(at, "there is no CVCF to ask about").help("write `[ups]` with its rating, or leave the study out"));
        }
        if self.inspection_hours.low <= 0.0 {
            return Err(doc.error(&at.key("inspection_hours"), "an inspection takes time").help("hours above 0, and so its range"));
        }
        if self.input_power_factor.low <= 0.0 || self.input_power_factor.high > 1.0 {
            return Err(doc
                .error(&at.key("input_power_factor"), "this is not a power factor")
                .help("above 0 and at most 1, and so its range"));
        }
        let pair = |first: (&'static str, bool), second: (&'static str, bool)| match (first.1, second.1) {
            (true, false) => Err(doc
                .error(&at.key(first.0), format!("the key `{}` goes with it and is missing", second.0))
                .help("write both, or neither")),
            (false, true) => Err(doc
                .error(&at.key(second.0), format!("the key `{}` goes with it and is missing", first.0))
                .help("write both, or neither")),
            _ => Ok(()),
        };
        pair(("saved_yen", self.saved_yen.is_some()), ("saved_servers", self.saved_servers.is_some()))?;
        pair(("added_hosts", self.added_hosts.is_some()), ("added_host_w", self.added_host_w.is_some()))?;
        if self.saved_yen.is_none() && self.added_hosts.is_some() {
            return Err(doc
                .error(&at.key("added_hosts"), "there is no saving to net these hosts off")
                .help("write `saved_yen` and `saved_servers` too, or leave them out"));
        }
        let prices = &reader.site.prices;
        if self.saved_yen.is_some() && prices.yen_per_kwh.low <= 0.0 {
            return Err(doc
                .error(&at.key("saved_yen"), "electricity that costs nothing saves nothing")
                .help("`prices.yen_per_kwh` and its range must be above 0 for this"));
        }
        let saved = self.saved_yen.zip(self.saved_servers).map(|(yen, servers)| Saved {
            yen: yen.get(),
            servers: servers.get(),
            added: self.added_hosts.map_or(0, Count::get),
            added_w: self.added_host_w.unwrap_or(Estimate::ZERO),
        });
        Ok(Kind::Cvcf(Cvcf { inspection_hours: self.inspection_hours, input_power_factor: self.input_power_factor, saved }))
    }
}
