//! A site some of whose hosts are to carry nothing while they stay on.
//!
//! No guest is given to such a host any more, neither by a plan nor after the loss of another: whoever empties a host is going to work on
//! it, and it is nobody's spare. Nothing is bought for it, there are no other fleets to compare, and a renewal waits. Left out: what is
//! done to the host once it is empty, and the way back, which is another plan.

use crate::site::{HostId, Site};

/// The site where these hosts are to carry nothing.
#[must_use]
pub fn of(site: &Site, hosts: &[HostId]) -> Site {
    let mut emptied = site.clone();
    emptied.rules.evacuated = hosts.to_vec();
    emptied.hosts.iter_mut().for_each(|h| h.retires = false);
    emptied.classes.iter_mut().for_each(|c| c.sale = None);
    emptied.alternatives.clear();
    emptied
}
