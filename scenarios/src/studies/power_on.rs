//! `[[study.power-on]]`: all hosts from dark.

use models::study::Kind;
use models::study::power_on::PowerOn;

use super::{Reader, study};
use crate::document::At;
use crate::error::Error;

study!(
    /// All hosts of a fleet are switched on from dark, as after an inspection or an outage.
    {
        /// The fleet: `plan` (the default), or the name of an alternative.
        fleet: Option<String>,
    }
);

impl Keys {
    fn meant(&self, reader: &Reader<'_, '_>, at: &At) -> Result<Kind, Error> {
        let fleet = self.fleet.clone().unwrap_or_else(|| "plan".into());
        let alternatives = &reader.site.alternatives;
        if fleet != "plan" && !alternatives.iter().any(|a| a.name == fleet) {
            let names: Vec<&str> = std::iter::once("plan").chain(alternatives.iter().map(|a| a.name.as_str())).collect();
            return Err(reader
                .doc
                .error(&at.key("fleet"), format!("there is no fleet `{fleet}`"))
                .help(format!("the fleets are {}", names.join(", "))));
        }
        Ok(Kind::PowerOn(PowerOn { fleet }))
    }
}
