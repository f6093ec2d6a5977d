//! Cost over the horizon of a purchase: hosts, maintenance, licences, electricity.
//!
//! # Formula
//! cost = sum of prices of what is bought + years x (maintenance of what is kept + licence fees)
//!      + mean power x hours x PUE x yen/kWh.
//!
//! # Range
//! Any. Money is not discounted. Old hosts that are switched off cost nothing.
//!
//! # Source
//! Bookkeeping; the parts are those that S0-10 to S0-13 name.
//!
//! # Error
//! That of the prices: each part is an [`Estimate`], ends are taken together, so the range is the widest that the givens allow.

use serde::{Deserialize, Serialize};

use crate::estimate::Estimate;
use crate::law::horizon::Outlay;
use crate::quantity::Watts;
use crate::site::{LicencePer, Placement, Prices, Site};

/// Hours in a year of 365.25 days.
pub const HOURS_PER_YEAR: f64 = 8766.0;

/// What a fleet costs over the horizon, yen, part by part.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cost {
    /// Hosts bought.
    pub purchase_yen: Estimate,
    /// Maintenance of the hosts kept on.
    pub maintenance_yen: Estimate,
    /// Licences bought, and their yearly fees.
    pub licences_yen: Estimate,
    /// Electricity.
    pub electricity_yen: Estimate,
}

impl Cost {
    /// All of it.
    #[must_use]
    pub fn total(&self) -> Estimate {
        self.purchase_yen + self.maintenance_yen + self.licences_yen + self.electricity_yen
    }
}

/// Electricity for a mean power held over the horizon.
///
/// ```
/// use models::{Estimate, law::cost::electricity, quantity::Watts, site::Prices};
/// let prices = Prices { yen_per_kwh: Estimate::exactly(12.0), pue: Estimate::exactly(1.0), years: 4.0 };
/// // 238 W for 4 years at 12 yen/kWh: about 100,000 yen (models A1.4).
/// let yen = electricity(Watts::new(238.0)?, &prices).value;
/// assert!((yen - 238.0 / 1000.0 * 8766.0 * 4.0 * 12.0).abs() < 1e-6);
/// # Ok::<(), models::quantity::QuantityError>(())
/// ```
#[must_use]
pub fn electricity(mean: Watts, prices: &Prices) -> Estimate {
    prices.yen_per_kwh.times_estimate(prices.pue).times(mean.get() / 1000.0 * HOURS_PER_YEAR * prices.years)
}

/// How many licences of each kind the placement needs.
///
/// Licences of a host or its sockets count where the host is on; licences of a guest where it runs.
#[must_use]
pub fn licences_needed(site: &Site, placement: &Placement) -> Vec<u32> {
    let mut needed = vec![0; site.licences.len()];
    for (h, host) in site.hosts.iter().enumerate().filter(|(h, _)| placement.on[*h]) {
        let class = &site.classes[host.class.index()];
        debug_assert!(h < placement.on.len());
        for l in &class.licences {
            needed[l.index()] += match site.licences[l.index()].per {
                LicencePer::Socket => class.sockets,
                LicencePer::Host | LicencePer::Guest => 1,
            };
        }
    }
    for (g, guest) in site.guests.iter().enumerate() {
        if placement.host_of[g].is_some() {
            for l in &guest.licences {
                needed[l.index()] += 1;
            }
        }
    }
    needed
}

/// The cost of a placement that draws `mean` power, as outlays at a renewal and by year.
#[must_use]
pub fn outlay(site: &Site, placement: &Placement, mean: Watts) -> Outlay {
    // What is paid by the year is in proportion to the years: over none of them only the purchases are left.
    let over = |years| {
        let mut site = site.clone();
        site.prices.years = years;
        of(&site, placement, mean).total()
    };
    let at_renewal = over(0.0);
    Outlay { at_renewal, yearly: same_ends(over(1.0), at_renewal) }
}

/// The difference of two estimates that share their givens: each end takes the same end of the other.
fn same_ends(a: Estimate, b: Estimate) -> Estimate {
    Estimate { value: a.value - b.value, low: a.low - b.low, high: a.high - b.high }
}

/// The cost of a placement that draws `mean` power.
#[must_use]
pub fn of(site: &Site, placement: &Placement, mean: Watts) -> Cost {
    let years = site.prices.years;
    let mut cost = Cost {
        purchase_yen: Estimate::ZERO,
        maintenance_yen: Estimate::ZERO,
        licences_yen: Estimate::ZERO,
        electricity_yen: electricity(mean, &site.prices),
    };
    for (h, host) in site.hosts.iter().enumerate() {
        let class = &site.classes[host.class.index()];
        if host.bought {
            cost.purchase_yen = cost.purchase_yen + class.sale.as_ref().map_or(Estimate::ZERO, |s| s.price_yen);
        }
        if placement.on[h] {
            cost.maintenance_yen = cost.maintenance_yen + class.maintenance_yen_per_year.times(years);
        }
    }
    for (licence, needed) in site.licences.iter().zip(licences_needed(site, placement)) {
        let to_buy = needed.saturating_sub(licence.owned);
        cost.licences_yen =
            cost.licences_yen + licence.price_yen.times(f64::from(to_buy)) + licence.yearly_yen.times(f64::from(needed) * years);
    }
    cost
}
