//! What a lost host takes with it, of a placement and of the one that cost alone would choose (S0-14).

use models::demand::Demand;
use models::estimate::Estimate;
use models::rule;
use models::site::{DomainKind, Placement, Rules, Site};
use models::study::redundancy::{Lost, with_a_domain, with_a_host};
use models::study::{Answer, Study};

use crate::{Answer as Planned, Options, judge_all, plan};

/// Answers for a placement on a site with what it buys; the site before any purchase and the demands are for the plan
/// without the rule.
///
/// # Panics
/// Where there is no demand.
#[must_use]
pub fn answer(study: &Study, site: &Site, with: &Site, placement: &Placement, demands: &[Demand]) -> Answer {
    let mut answer = Answer::to(study, &[]);
    let groups = site.guests_by_group().into_iter().filter(|g| g.len() > 1).count();
    answer.tell("groups", Estimate::exactly(groups as f64), "groups", "counted");
    count(&mut answer, with, placement, "");
    // A survivor that is lost with those whom it was to survive breaks the rules on loss, too: cost alone knows neither.
    let rules = Rules { apart: None, one_host_down: None, one_domain_down: Vec::new(), ..site.rules.clone() };
    let free = Site { rules, ..site.clone() };
    match plan(&free, &demands[..1], &Options { most_tries: MOST_TRIES, ..Options::default() }) {
        Planned::Fits(found) => {
            count(&mut answer, &found.site, &found.placement, WITHOUT);
            answer.say(format!(
                "by cost alone {} hosts would do, without the rules on redundancy and on loss and with all others; here {} are on{}",
                found.placement.hosts_on(),
                placement.hosts_on(),
                if rule::all_hold(&judge_all(with, demands, placement)) { ", and every rule holds" } else { ", and not every rule holds" }
            ));
        }
        Planned::DoesNotFit { .. } => {
            answer.cannot_say.push((format!("{HOST}{WITHOUT}"), "nothing was found that fits, even without the rules on loss".into()));
        }
    }
    answer
}

/// Fleets tried for the placement by cost alone: the cheapest few.
const MOST_TRIES: usize = 50;
const HOST: &str = "groups lost with a host";
const WITHOUT: &str = ", placed by cost alone";

fn count(answer: &mut Answer, site: &Site, placement: &Placement, which: &str) {
    let mut tell = |name: String, what: &str, lost: Option<Lost>| {
        let number = lost.as_ref().map_or(0, |l| l.groups.len());
        answer.tell(name, Estimate::exactly(number as f64), "groups", "counted from the placement");
        if let Some(lost) = lost {
            let mut names: Vec<&str> = lost.groups.iter().map(|g| site.groups[g.index()].as_str()).collect();
            let more = names.len().saturating_sub(3);
            names.truncate(3);
            let more = if more > 0 { format!(" and {more} more") } else { String::new() };
            answer.says.push(format!("with {what} {}{which} all of {}{more} stop at once", lost.place, names.join(", ")));
        }
    };
    tell(format!("{HOST}{which}"), "host", with_a_host(site, placement));
    for kind in [DomainKind::Chassis, DomainKind::Rack, DomainKind::Feed, DomainKind::Network] {
        if site.domains.iter().any(|d| d.kind == kind) {
            tell(format!("groups lost with a {}{which}", kind.word()), kind.word(), with_a_domain(site, placement, kind));
        }
    }
}

#[cfg(test)]
mod tests {
    use models::example;
    use models::site::{GroupId, HostId};
    use models::study::Kind;
    use models::study::redundancy::Redundancy;

    use super::*;

    /// Two pairs, and two hosts of which one would carry them all.
    fn site() -> Site {
        let mut guests: Vec<_> = (0..4).map(|i| example::guest(&format!("g{i}"), 1, 100)).collect();
        for (i, guest) in guests.iter_mut().enumerate() {
            guest.group = Some(GroupId::at(i / 2));
        }
        let mut site = example::site(example::class("c", 4, 1000.0, 8000), 2, guests);
        site.groups = vec!["a".into(), "b".into()];
        site.rules.apart = Some(Vec::new());
        site
    }

    #[test]
    fn cost_alone_puts_redundant_guests_together_and_the_rule_apart() {
        let (site, demand) = (site(), example::steady(&[100.0; 4], 4));
        let study = Study { name: "apart".into(), title: "?".into(), kind: Kind::Redundancy(Redundancy { fleet: "plan".into() }) };
        let Planned::Fits(found) = plan(&site, std::slice::from_ref(&demand), &Options::default()) else { panic!("it fits") };
        let answer = answer(&study, &site, &found.site, &found.placement, std::slice::from_ref(&demand));
        let value = |name: &str| answer.figure(name).unwrap().value.value;
        assert_eq!(
            (value("groups"), value("groups lost with a host"), value("groups lost with a host, placed by cost alone")),
            (2.0, 0.0, 2.0)
        );
        // A placement that does not keep the rule is counted as it stands.
        let together = Placement { on: vec![true; 2], host_of: [0, 0, 0, 1].map(|h| Some(HostId(h))).to_vec() };
        let answer = super::answer(&study, &site, &site, &together, &[demand]);
        assert_eq!(answer.figure("groups lost with a host").unwrap().value.value, 1.0);
        assert!(answer.says.iter().any(|s| s.contains("not every rule holds")), "{:?}", answer.says);
    }
}
