//! A compared fleet, put together again from the names in a run: for studies that replay it.

use models::site::{ClassId, Placement, Site};
use reports::Run;
use reports::run::Fleet;

/// A fleet with its hosts.
pub struct Rebuilt {
    /// Its name in the run.
    pub name: String,
    /// The site with what the fleet buys.
    pub site: Site,
    /// Who runs where, and which hosts are on.
    pub placement: Placement,
}

/// Every fleet of a run, in its order.
#[must_use]
pub fn all(run: &Run, site: &Site) -> Vec<Rebuilt> {
    run.fleets.iter().map(|f| rebuilt(f, site)).collect()
}

/// One fleet.
#[must_use]
pub fn rebuilt(fleet: &Fleet, site: &Site) -> Rebuilt {
    let class = |name: &str| site.classes.iter().position(|c| c.name == name).map(ClassId::at);
    let buys: Vec<(ClassId, u32)> = fleet.buys.iter().filter_map(|(name, n)| class(name).map(|c| (c, *n))).collect();
    let site = site.with_bought(&buys);
    let mut placement = Placement::empty(&site);
    for host in fleet.measures.hosts.iter().filter_map(|h| site.host_named(&h.host)) {
        placement.on[host.index()] = true;
    }
    for (guest, host) in &fleet.placement {
        if let Some(guest) = site.guest_named(guest) {
            placement.host_of[guest.index()] = site.host_named(host);
        }
    }
    Rebuilt { name: fleet.name.clone(), site, placement }
}
