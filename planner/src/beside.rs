//! Old and new hosts side by side: how many new ones can be on while all that is on today stays on.
//!
//! New hosts boot one after the other, today's guests stay where they are, and what runs is taken at its peak. It asks the CVCF and
//! the branch circuits alone: an upper bound of what a renewal can do before the first old host goes off.

use models::demand::Demand;
use models::law::inrush::{peak, smallest_delay};
use models::quantity::Nanos;
use models::rule::ups;
use models::site::{HostId, Placement, Site};

use crate::stagger::surges;

/// What fits beside.
#[derive(Debug, Clone, PartialEq)]
pub struct Beside {
    /// Hosts that are on today.
    pub old: usize,
    /// New hosts that can be on beside all of them.
    pub new: usize,
    /// Why not one more, with figures; nothing where all of them can.
    pub short: Option<String>,
}

/// A step longer than any boot: one host boots at a time.
const ONE_BY_ONE: Nanos = Nanos::seconds(3_200_000_000);

/// How many of these hosts, in their order, can be on beside those that are on at the start.
#[must_use]
pub fn beside(site: &Site, demands: &[Demand], start: &Placement, new: &[HostId]) -> Beside {
    let rooms: Vec<ups::Room> = demands.iter().flat_map(|d| ups::rooms(site, d, start)).collect();
    let mut found = Beside { old: start.hosts_on(), new: new.len(), short: None };
    for room in rooms {
        let all = surges(site, new, &room);
        let holds = |n: usize| smallest_delay(room.running, &all[..n], room.limit, ONE_BY_ONE).is_some();
        let fits = (0..=new.len()).rev().find(|n| holds(*n)).unwrap_or(0);
        if fits < found.new {
            let draw = peak(room.running, &all[..=fits], ONE_BY_ONE);
            let place = room
                .feed
                .map_or_else(|| site.ups.as_ref().map_or_else(String::new, |u| u.name.clone()), |f| site.domains[f.index()].name.clone());
            let kilo = |x: f64| x / 1000.0;
            let kw = room.limit.w.map_or_else(String::new, |w| format!(" and {:.2} of {:.2} kW", kilo(draw.w.get()), kilo(w.get())));
            found.new = fits;
            found.short =
                Some(format!("one more would draw {:.2} of {:.2} kVA{kw} on {place}", kilo(draw.va.get()), kilo(room.limit.va.get())));
        }
    }
    found
}
