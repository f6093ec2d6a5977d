//! A live migration ends: the guest stands still for no longer than the site allows.
//!
//! Asked of each move by itself, over the site's link, where `[migration]` is given and the guest's dirty rate is. Where either
//! is not, nothing is asked. Moves that may be under way together share the link evenly, and are asked with their share.

use crate::law::migration::{NotConverging, Outcome};
use crate::quantity::BytesPerSecond;
use crate::site::{GuestId, Site};

/// Why a live move of this guest, as one of `at_once` (1 or more), is refused: with the link, its rate, and the downtime it would have.
/// `None`: it may be moved, as far as is known.
#[must_use]
pub fn refused(site: &Site, guest: GuestId, at_once: u32) -> Option<String> {
    let way = site.migration.as_ref()?;
    let (mut copy, stop) = site.pre_copy(guest)?;
    // A share of a rate is a rate.
    copy.bandwidth = BytesPerSecond::new(copy.bandwidth.get() / f64::from(at_once.max(1))).ok()?;
    let name = &site.guests[guest.index()].name;
    let head = format!("{name} cannot be moved live over {} at {:.1} MB/s", way.over, copy.bandwidth.get() / 1e6);
    match copy.run(stop) {
        Ok(Outcome::Converges(_)) => None,
        Ok(Outcome::DoesNotConverge { forced, because }) => {
            let because = match because {
                NotConverging::NotShrinking => "a round leaves as much to send as it sent".to_owned(),
                NotConverging::RoundsSpent => format!("{} rounds are not enough", stop.rounds_max),
            };
            Some(format!(
                "{head}: it would stand still for {:.2} s, and {:.3} s are allowed; it dirties {:.1} MB/s, and {because}",
                forced.downtime.as_seconds(),
                stop.downtime_max.as_seconds(),
                copy.dirty.get() / 1e6,
            ))
        }
        Err(e) => Some(format!("{head}: {e}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::estimate::Estimate;
    use crate::example;
    use crate::law::migration::StopRule;
    use crate::plan::{Action, Step};
    use crate::quantity::{MiB, Nanos};
    use crate::rule::walk::walk;
    use crate::site::{Dirties, LiveMigration, Placement};

    /// Models A5: 1 GiB, 30 MiB/s into 64 MiB, over 11.8 MiB/s.
    fn site(link_mib_s: f64) -> Site {
        let mib = |x: f64| Estimate::exactly(x * 1_048_576.0);
        let mut site = example::site(example::class("c", 4, 2000.0, 4096), 2, vec![example::guest("g", 1, 1024)]);
        site.guests[0].dirties = Some(Dirties { bytes_per_s: mib(30.0), working_set: MiB(64) });
        let stop = StopRule { downtime_max: Nanos::millis(30), rounds_max: 30 };
        site.migration = Some(LiveMigration { over: "lan".into(), bytes_per_s: mib(link_mib_s), stop, at_once: 1 });
        site.today = Some(Placement { on: vec![true; 2], host_of: vec![site.host_named("h1")] });
        site
    }

    fn moved(site: &Site) -> Vec<String> {
        let action = Action::MigrateGuest { guest: "g".into(), from: "h1".into(), to: "h2".into() };
        let steps = [Step { number: 1, action, starts_after_s: None, beside: 0, before: Vec::new(), after: Vec::new() }];
        let start = site.today.clone().unwrap();
        walk(site, &example::steady(&[100.0], 2), &start, &steps).faults.into_iter().map(|f| f.why).collect()
    }

    #[test]
    fn a_move_that_would_not_end_is_a_fault_with_its_link_and_its_downtime() {
        let [why] = &moved(&site(11.8))[..] else { panic!("one fault") };
        // 64 / 11.8 = 5.42 s; 11.8 MiB/s are 12.4 MB/s.
        for part in ["g cannot be moved live over lan at 12.4 MB/s", "5.42 s", "0.030 s are allowed", "as much to send as it sent"] {
            assert!(why.contains(part), "{why}");
        }
        assert!(moved(&site(117.0)).is_empty());
        let mut few = site(117.0);
        few.migration.as_mut().unwrap().stop = StopRule { downtime_max: Nanos::ZERO, rounds_max: 2 };
        assert!(moved(&few)[0].contains("2 rounds are not enough"));
    }

    #[test]
    fn what_is_not_given_is_not_asked() {
        let mut unknown = site(11.8);
        unknown.guests[0].dirties = None;
        assert!(moved(&unknown).is_empty());
        let mut unknown = site(11.8);
        unknown.migration = None;
        assert!(moved(&unknown).is_empty());
    }
}
