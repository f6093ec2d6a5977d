//! `[[study.growth]]`: how long the plan lasts while its load grows.

use models::Estimate;
use models::study::Kind;
use models::study::growth::Growth;

use super::{Reader, study};
use crate::document::At;
use crate::error::Error;
use crate::file::number::Year;

study!(
    /// How long the plan lasts while its load grows, and what is needed then.
    {
        /// Years that are looked at, counted from 1.
        years: Year,
        /// Growth a year, as a share, of loads that give none of their own: 0.2, or { value, low, high }.
        growth_per_year: Option<Estimate>,
    }
);

impl Keys {
    fn meant(&self, _: &Reader<'_, '_>, _: &At) -> Result<Kind, Error> {
        Ok(Kind::Growth(Growth { years: self.years.get(), growth: self.growth_per_year }))
    }
}
