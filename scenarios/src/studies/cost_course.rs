//! `[[study.cost-course]]`: two fleets over several renewals.

use std::num::NonZeroU32;

use models::site::ClassId;
use models::study::Kind;
use models::study::cost_course::CostCourse;

use super::{Reader, study};
use crate::document::At;
use crate::error::Error;
use crate::file::number::Count;
use crate::names;

/// More years than any price holds.
const MOST_YEARS: u32 = 100;

study!(
    /// Two fleets over several renewals: cost by year, and the prices at which they cost the same.
    {
        /// A fleet: `plan`, `today` or the name of an alternative.
        fleet: String,
        /// The fleet that it is held against.
        than: String,
        /// Years that are looked at.
        years: Count,
        /// Years between renewals.
        renewal_years: Count,
        /// Classes for sale whose price at break-even is asked for.
        #[serde(default)]
        break_even: Vec<String>,
    }
);

impl Keys {
    fn meant(&self, reader: &Reader<'_, '_>, at: &At) -> Result<Kind, Error> {
        let (doc, site) = (reader.doc, reader.site);
        let mut fleets: Vec<&str> = site.alternatives.iter().map(|a| a.name.as_str()).collect();
        fleets.extend(site.today.as_ref().map(|_| "today"));
        fleets.push("plan");
        for (key, name) in [("fleet", &self.fleet), ("than", &self.than)] {
            if !fleets.contains(&name.as_str()) {
                let help = names::help_for(name, "fleets", fleets.iter().copied());
                return Err(doc.error(&at.key(key), format!("the site has no fleet `{name}`")).help(help));
            }
        }
        if self.fleet == self.than {
            return Err(doc.error(&at.key("than"), "a fleet is held against itself").help("name another fleet"));
        }
        if self.years.get() > MOST_YEARS {
            let message = format!("{} years are looked at", self.years.get());
            return Err(doc.error(&at.key("years"), message).help(format!("at most {MOST_YEARS}")));
        }
        let for_sale = || site.classes.iter().filter(|c| c.sale.is_some()).map(|c| c.name.as_str());
        let mut break_even = Vec::new();
        for (i, name) in self.break_even.iter().enumerate() {
            match site.classes.iter().position(|c| c.name == *name && c.sale.is_some()) {
                Some(class) => break_even.push(ClassId::at(class)),
                None => {
                    let help = names::help_for(name, "classes for sale", for_sale());
                    return Err(doc.error(&at.key("break_even").index(i), format!("no class `{name}` is for sale")).help(help));
                }
            }
        }
        let renewal_years = NonZeroU32::new(self.renewal_years.get()).unwrap_or(NonZeroU32::MIN);
        Ok(Kind::CostCourse(CostCourse {
            fleet: self.fleet.clone(),
            than: self.than.clone(),
            years: self.years.get(),
            renewal_years,
            break_even,
        }))
    }
}
