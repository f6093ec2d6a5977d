//! Power-on: all hosts from dark, as after the yearly inspection or an outage (S0-2): how far apart, how long, and what if not.

use serde::Serialize;

use super::{Answer, Study};
use crate::estimate::Estimate;
use crate::law::inrush::{Draw, Limit, Surge, booting_at_once, lasts, peak, rushing_at_once, smallest_delay, smallest_delay_of_rush};
use crate::quantity::{Nanos, VoltAmperes};
use crate::rule::ups::surge;
use crate::site::{HostId, PowerView, Site};

/// The givens: those of the site are enough.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PowerOn {
    /// The fleet that is switched on: the plan's, or one that it is compared with.
    pub fleet: String,
}

/// Delays are whole seconds, as in the steps of a plan.
const SECOND: Nanos = Nanos::seconds(1);

impl PowerOn {
    /// Answers for these hosts of a site, in their order. Devices run already; hosts draw by their measured curves whatever the
    /// view of the rule, as nameplates say nothing of time.
    #[must_use]
    pub fn answer(&self, study: &Study, site: &Site, hosts: &[HostId]) -> Answer {
        let mut answer = Answer::to(study, &["inrush"]);
        let surges: Vec<Surge> = hosts.iter().map(|h| surge(site, *h, PowerView::Expected)).collect();
        let running: Draw = site.devices.iter().map(|d| Draw::of(d.expected.scaled(f64::from(d.count)), d.power_factor)).sum();
        let figure = |answer: &mut Answer, name: &str, value: f64, unit: &str| {
            answer.tell(name, Estimate::exactly(value), unit, "closed form");
        };
        let power = |answer: &mut Answer, when: &str, draw: Draw| {
            figure(answer, &format!("kVA, {when}"), draw.va.get() / 1000.0, "kVA");
            figure(answer, &format!("kW, {when}"), draw.w.get() / 1000.0, "kW");
        };
        figure(&mut answer, "hosts", hosts.len() as f64, "hosts");
        let together = peak(running, &surges, Nanos::ZERO);
        power(&mut answer, "all at once", together);
        if let Some(p) = site.power_on {
            figure(&mut answer, "peak current, all at once", hosts.len() as f64 * p.inrush.get(), "A");
        } else {
            answer
                .cannot_say
                .push(("peak current, all at once".into(), "the site gives no `[power_on]`: no rush of a host is known".into()));
        }
        let longest = surges.iter().map(Surge::boot).max().unwrap_or(Nanos::ZERO);
        let one_by_one = Nanos(surges.iter().map(|s| s.boot().0).sum());
        figure(&mut answer, "time, one after the other", one_by_one.as_seconds(), "s");

        let Some(limit) = limit(site) else {
            answer.cannot_say.push(("smallest delay".into(), "the site has no CVCF with a rule: nothing limits it".into()));
            return answer;
        };
        let by_boots = smallest_delay(running, &surges, limit, SECOND);
        let by_rush = match site.power_on {
            Some(p) => smallest_delay_of_rush(hosts.len(), p.inrush, p.inrush_lasts, p.ups_peak, SECOND),
            None => Some(Nanos::ZERO),
        };
        let (Some(by_boots), Some(by_rush)) = (by_boots, by_rush) else {
            let alone = peak(running, &surges, longest);
            answer.cannot_say.push((
                "smallest delay".into(),
                format!("no delay does: even one at a time draws {:.2} kVA and {:.2} kW", alone.va.get() / 1e3, alone.w.get() / 1e3),
            ));
            return answer;
        };
        let delay = by_boots.max(by_rush);
        figure(&mut answer, "smallest delay", delay.as_seconds(), "s");
        figure(&mut answer, "delay for the boots alone", by_boots.as_seconds(), "s");
        power(&mut answer, "at the delay", peak(running, &surges, delay));
        figure(&mut answer, "booting at once", booting_at_once(&surges, delay) as f64, "hosts");
        figure(&mut answer, "time, at the delay", lasts(&surges, delay).as_seconds(), "s");
        let free = |needed: f64, there: f64| format!("{needed:.1} of {there:.1}");
        let kw = limit.w.map_or_else(String::new, |w| format!(" and {} kW", free(together.w.get() / 1e3, w.get() / 1e3)));
        let kva = free(together.va.get() / 1e3, limit.va.get() / 1e3);
        let verdict = if limit.holds(together) { "within the CVCF, the rush apart" } else { "the CVCF does not carry it" };
        answer.say(format!("all {} at once boot with {kva} kVA{kw}: {verdict}", hosts.len()));
        if let Some(p) = site.power_on {
            let at_delay = rushing_at_once(hosts.len(), p.inrush_lasts, delay);
            answer.say(format!(
                "all at once rush with {:.0} A for {:.0} ms, where the CVCF gives {:.0} A: {}; at the delay {at_delay} of them {}: {:.0} A",
                hosts.len() as f64 * p.inrush.get(),
                p.inrush_lasts.as_seconds() * 1e3,
                p.ups_peak.get(),
                if hosts.len() as f64 * p.inrush.get() <= p.ups_peak.get() { "it carries that" } else { "it does not carry that" },
                if at_delay == 1 { "rushes" } else { "rush" },
                at_delay as f64 * p.inrush.get(),
            ));
        }
        answer
    }
}

/// What the CVCF may carry, less what the rule keeps free.
fn limit(site: &Site) -> Option<Limit> {
    let (ups, rule) = (site.ups.as_ref()?, site.rules.ups?);
    let keep = 1.0 - rule.reserve;
    Some(Limit { va: VoltAmperes::new(ups.rating.get() * keep).ok()?, w: Some(ups.limit_w().scaled(keep)) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::example;
    use crate::quantity::{Amperes, Watts};
    use crate::site::UpsRule;
    use crate::study::Kind;

    /// Ten hosts of 100 to 200 W that boot for 120 s, under a CVCF of so many VA at factor 1.
    fn asked(rating_va: f64, ups_peak_a: f64) -> Answer {
        let mut site = example::site(example::class("c", 4, 1000.0, 1000), 10, vec![]);
        site.ups = Some(example::ups(rating_va));
        site.rules.ups = Some(UpsRule { view: PowerView::Nameplate, reserve: 0.0 });
        site.power_on = Some(crate::site::PowerOn {
            inrush: Amperes::new(36.0).unwrap(),
            inrush_lasts: Nanos::millis(20),
            spin_up: Watts::new(48.0).unwrap(),
            spin_up_lasts: Nanos::seconds(10),
            ups_peak: Amperes::new(ups_peak_a).unwrap(),
        });
        let kind = PowerOn { fleet: "plan".into() };
        let study = Study { name: "s".into(), title: "t".into(), kind: Kind::PowerOn(kind.clone()) };
        kind.answer(&study, &site, &(0..10).map(HostId::at).collect::<Vec<_>>())
    }

    fn figure(answer: &Answer, name: &str) -> f64 {
        answer.figure(name).unwrap_or_else(|| panic!("no {name} in {answer:?}")).value.value
    }

    #[test]
    fn with_room_for_all_only_the_rush_keeps_them_apart() {
        let a = asked(3000.0, 400.0);
        // 10 x (200 + 48) W; 360 A.
        assert!((figure(&a, "kW, all at once") - 2.48).abs() < 1e-9);
        assert_eq!(figure(&a, "peak current, all at once"), 360.0);
        assert_eq!(figure(&a, "smallest delay"), 0.0);
        assert_eq!(figure(&asked(3000.0, 359.0), "smallest delay"), 1.0);
    }

    #[test]
    fn with_less_room_they_wait_for_each_other() {
        // With the last: 9 x 100 idle, and 248 for itself. One at a time needs 1148 W, and two 1248 (whose disks are apart).
        let a = asked(1148.0, 400.0);
        assert_eq!((figure(&a, "smallest delay"), figure(&a, "booting at once")), (120.0, 1.0));
        assert_eq!((figure(&a, "time, at the delay"), figure(&a, "time, one after the other")), (1200.0, 1200.0));
        let b = asked(1248.0, 400.0);
        assert_eq!((figure(&b, "smallest delay"), figure(&b, "booting at once")), (60.0, 2.0));
        let none = asked(1147.0, 400.0);
        assert!(none.figure("smallest delay").is_none() && none.cannot_say[0].1.contains("1.15 kW"), "{none:?}");
    }
}
