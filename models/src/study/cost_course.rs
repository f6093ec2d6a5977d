//! Two fleets over several renewals: what each has cost by which year, and at which prices they cost the same.

use std::num::NonZeroU32;

use serde::Serialize;

use super::{Answer, Study};
use crate::estimate::Estimate;
use crate::law::cost::{Cost, HOURS_PER_YEAR};
use crate::law::horizon::{Outlay, break_even, first_no_dearer};
use crate::quantity::Watts;
use crate::site::{ClassId, Prices};

/// The givens.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct CostCourse {
    /// A fleet: `plan`, `today` or an alternative.
    pub fleet: String,
    /// The fleet that it is held against.
    pub than: String,
    /// Years that are looked at.
    pub years: u32,
    /// Years between renewals.
    pub renewal_years: NonZeroU32,
    /// Classes whose price at break-even is asked for.
    pub break_even: Vec<ClassId>,
}

/// A fleet as the study needs it.
#[derive(Debug, Clone, PartialEq)]
pub struct Side {
    /// Its name.
    pub name: String,
    /// Its cost over the horizon of the site's prices.
    pub cost: Cost,
    /// The same as outlays.
    pub outlay: Outlay,
    /// Its mean power.
    pub mean: Watts,
    /// Hosts bought, by class.
    pub bought: Vec<u32>,
}

impl CostCourse {
    /// Answers for two fleets; `price_of` gives the price of a class, and its name.
    #[must_use]
    pub fn answer(
        &self,
        study: &Study,
        prices: &Prices,
        fleet: &Side,
        than: &Side,
        price_of: &dyn Fn(ClassId) -> (String, Estimate),
    ) -> Answer {
        let mut answer = Answer::to(study, &["cost", "horizon"]);
        for side in [fleet, than] {
            for (what, part) in [
                ("purchase", side.cost.purchase_yen),
                ("maintenance", side.cost.maintenance_yen),
                ("licences", side.cost.licences_yen),
                ("electricity", side.cost.electricity_yen),
            ] {
                answer.tell(format!("{}: {what}", side.name), part, "yen", &format!("over {} years, ends taken together", prices.years));
            }
            let by = side.outlay.by_the_end_of(self.years, self.renewal_years);
            answer.tell(
                format!("{}: by the end of year {}", side.name, self.years),
                by,
                "yen",
                &format!("renewed every {} years", self.renewal_years),
            );
        }
        match first_no_dearer(&fleet.outlay, &than.outlay, self.renewal_years, self.years) {
            Some(year) => {
                answer.tell("first year that is no dearer", Estimate::exactly(f64::from(year)), "", "by the values; 0: from the start")
            }
            None => answer.cannot_say.push((
                "first year that is no dearer".into(),
                format!("{} stays dearer than {} for {} years", fleet.name, than.name, self.years),
            )),
        }
        let years = prices.years;
        let rest = |side: &Side, own: Estimate| {
            let all = side.cost.total();
            // The class's own price is known exactly here: what is left is the range of all else.
            Estimate { value: all.value - own.value, low: all.low - own.low, high: all.high - own.high }
        };
        for class in &self.break_even {
            let (name, price) = price_of(*class);
            let count = |side: &Side| f64::from(side.bought.get(class.index()).copied().unwrap_or(0));
            let of = |side: &Side| rest(side, price.times(count(side)));
            let figure = format!("price of {name} at break-even");
            match break_even(count(fleet), of(fleet), count(than), of(than)) {
                Some(at) => {
                    answer.tell(figure, at, "yen", "linear in the price, all else as given");
                    answer.say(format!(
                        "{} and {} cost the same over {years} years where a {name} costs {:.0} yen ({:.0} to {:.0}); {:.0} yen is given",
                        fleet.name, than.name, at.value, at.low, at.high, price.value
                    ));
                }
                None => answer.cannot_say.push((figure, "both buy as many of it, or no price above zero does it".into())),
            }
        }
        let kwh = |side: &Side| side.mean.get() / 1000.0 * HOURS_PER_YEAR * years * prices.pue.value;
        let without = |side: &Side| side.cost.purchase_yen + side.cost.maintenance_yen + side.cost.licences_yen;
        match break_even(kwh(fleet), without(fleet), kwh(than), without(than)) {
            Some(at) => answer.tell("tariff at break-even", at, "yen/kWh", "linear in the tariff, PUE by its value"),
            None => answer.cannot_say.push(("tariff at break-even".into(), "no tariff above zero makes them equal".into())),
        }
        answer
    }
}
