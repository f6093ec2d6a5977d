//! How many minutes a year a service is away: hosts of which so many are needed, what they rest on, and the restarts of guests.

use serde::Serialize;

use super::restart::{Restart, mean_seconds};
use super::{Answer, Study};
use crate::estimate::Estimate;
use crate::law::availability::{Domain, fewer_than_in_domains, of_rate, outage_in_series, parted};
use crate::law::failure_rate;
use crate::quantity::{Nanos, QuantityError};

/// The givens.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Availability {
    /// Failures of hosts that were seen.
    pub failures: u32,
    /// In so many host-years: above 0.
    pub host_years: f64,
    /// Until a failed host can be used again, hours.
    pub repair_h: Estimate,
    /// Hosts that carry something together.
    pub groups: Vec<Group>,
    /// What takes all hosts of a domain at once.
    pub together: Option<Together>,
    /// What all of them need: storage, CVCF.
    pub series: Vec<Part>,
    /// How guests of a lost host come back.
    pub restart: Option<Restart>,
}

/// Hosts that carry something together.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Group {
    /// Its name.
    pub name: String,
    /// How many of its hosts are needed.
    pub needed: u32,
    /// How many stand in each failure domain.
    pub domains: Vec<u32>,
}

/// What takes all hosts of a domain of two or more at once.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub enum Together {
    /// This share of each host's failures.
    Beta(f64),
    /// A cause of its own.
    Cause(Part),
}

/// Something that fails by itself.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Part {
    /// Its name.
    pub name: String,
    /// How often, a year.
    pub failures_per_year: Estimate,
    /// For how long each time, hours.
    pub repair_h: Estimate,
}

/// The confidence of ranges from few failures.
const CONFIDENCE: f64 = 0.95;
/// Of a year of 365 days.
const MINUTES_A_YEAR: f64 = 525_600.0;

/// The three ends of an estimate: a value, its low, its high.
const ENDS: [fn(Estimate) -> f64; 3] = [|e| e.value, |e| e.low, |e| e.high];

impl Availability {
    /// Answers.
    ///
    /// # Errors
    /// As the laws: rates and times that cannot be.
    pub fn answer(&self, study: &Study) -> Result<Answer, QuantityError> {
        let mut answer = Answer::to(study, &["availability", "failure_rate"]);
        let rate = failure_rate::estimate(self.failures, self.host_years, CONFIDENCE)?;
        let how = if self.failures == 0 { "one-sided 95 % bound of no failure" } else { "exact 95 % bounds of a Poisson count" };
        answer.tell("failures of a host", rate, "a year", how);
        if self.failures == 0 {
            answer.say(format!(
                "no failure in {} host-years does not say that there is none: read the upper ends, {:.2} a year",
                self.host_years, rate.high
            ));
        }
        let parts: Vec<Estimate> = self.series.iter().map(outage).collect::<Result<_, _>>()?;
        let series = ends(|end| outage_in_series(&parts.iter().map(|p| end(*p)).collect::<Vec<_>>()))?;
        let range = "closed form; the range takes all ends of the givens together";
        for (part, outage) in self.series.iter().zip(&parts) {
            answer.tell(format!("outage of {}", part.name), minutes(*outage), "min a year", range);
        }
        for group in &self.groups {
            let hosts = ends(|end| self.hosts_outage(group, end(rate), end))?;
            let all = ends(|end| outage_in_series(&[end(hosts), end(series)]))?;
            answer.tell(format!("{}: outage of hosts", group.name), minutes(hosts), "min a year", range);
            answer.tell(format!("{}: outage", group.name), minutes(all), "min a year", range);
            let up = Estimate { value: 1.0 - all.value, low: 1.0 - all.high, high: 1.0 - all.low };
            answer.tell(format!("{}: availability", group.name), up, "", range);
            self.what_binds(group, minutes(hosts), minutes(series), &mut answer);
        }
        if let Some(restart) = &self.restart {
            answer.laws.push("restart".into());
            self.restarts(restart, rate, &mut answer)?;
        }
        answer.say(
            "so many of so many takes guests to move at once; what they wait for on the way is the downtime of restarts, and comes on top",
        );
        if self.together.is_none() {
            answer.say("failures that come together (a chassis, a batch) are left out: the outages of hosts are least ones");
        }
        Ok(answer)
    }

    /// Whether a group rests on its hosts or on what they rest on: surely, or by values whose ranges overlap.
    fn what_binds(&self, group: &Group, hosts: Estimate, series: Estimate, answer: &mut Answer) {
        let names: Vec<&str> = self.series.iter().map(|p| p.name.as_str()).collect();
        let (name, parts) = (&group.name, names.join(" and "));
        let both = format!("{:.1} min a year against the {:.1} of the hosts", series.value, hosts.value);
        if series.low >= hosts.high && series.low > 0.0 {
            answer.say(format!("{name}: more hosts would not help: {parts} in series cost {both}, whatever the ends of the ranges"));
        } else if series.value > hosts.value && self.failures > 0 {
            answer.say(format!("{name}: {parts} in series cost more than its hosts, {both}; but the ranges overlap"));
        }
    }

    /// Guest downtime by restarts: rate x time, by hand and by itself.
    fn restarts(&self, restart: &Restart, rate: Estimate, answer: &mut Answer) -> Result<(), QuantityError> {
        let how = "rate of host failures x restart; the range is that of both";
        let automatic = restart.seconds(restart.at_once())?;
        let last = rate.times_estimate(automatic.times(1.0 / 60.0));
        answer.tell("automatic: last guest", last, "min a year", how);
        let mean = mean_seconds(&restart.law(restart.at_once()).course()?);
        answer.tell("automatic: mean guest", rate.times(mean / 60.0), "min a year", how);
        let Some(hands) = restart.hands() else { return Ok(()) };
        let by_hand = rate.times(hands.total()?.as_seconds() / 60.0);
        answer.tell("by hand: last guest", by_hand, "min a year", how);
        answer.tell("by hand: mean guest", rate.times(mean_seconds(&hands.course()?) / 60.0), "min a year", how);
        let (hands, itself) = (by_hand, last);
        if self.failures > 0 {
            answer.say(format!(
                "the last guest of a lost host is away for {:.1} min a year by hand ({:.2} to {:.0}), and {:.2} automatically ({:.2} to {:.1}): \
                 the rate of failures is known worst of all",
                hands.value, hands.low, hands.high, itself.value, itself.low, itself.high
            ));
        } else {
            let ends = (hands.high, itself.high);
            answer.say(format!(
                "the last guest of a lost host is away for up to {:.1} min a year by hand, and {:.1} automatically",
                ends.0, ends.1
            ));
        }
        Ok(())
    }

    /// The share of time at which fewer hosts than needed are up.
    fn hosts_outage(&self, group: &Group, rate: f64, end: fn(Estimate) -> f64) -> Result<f64, QuantityError> {
        let repair = hours(end(self.repair_h))?;
        let domains = group.domains.iter().map(|hosts| {
            let (alone, up) = match &self.together {
                Some(Together::Beta(beta)) if *hosts > 1 => {
                    let (alone, common) = parted(rate, *beta)?;
                    (alone, of_rate(common, repair)?)
                }
                Some(Together::Cause(cause)) if *hosts > 1 => (rate, of_rate(end(cause.failures_per_year), hours(end(cause.repair_h))?)?),
                _ => (rate, 1.0),
            };
            Ok(Domain { up, hosts: vec![of_rate(alone, repair)?; *hosts as usize] })
        });
        fewer_than_in_domains(group.needed as usize, &domains.collect::<Result<Vec<_>, QuantityError>>()?)
    }
}

fn outage(part: &Part) -> Result<Estimate, QuantityError> {
    ends(|end| {
        // 1 - 1 / (1 + x) loses the digits that x / (1 + x) keeps.
        let up = of_rate(end(part.failures_per_year), hours(end(part.repair_h))?)?;
        Ok(up * end(part.failures_per_year) * hours(end(part.repair_h))?.as_seconds() / 60.0 / MINUTES_A_YEAR)
    })
}

fn hours(h: f64) -> Result<Nanos, QuantityError> {
    let ns = h * 3.6e12;
    if ns >= 0.0 && ns < u64::MAX as f64 {
        return Ok(Nanos(ns.round() as u64));
    }
    Err(QuantityError { what: "time of a repair", value: h.to_string(), unit: "h", expected: "it must be from 0 to 584 years" })
}

fn ends(of: impl Fn(fn(Estimate) -> f64) -> Result<f64, QuantityError>) -> Result<Estimate, QuantityError> {
    let [value, low, high] = ENDS;
    Ok(Estimate { value: of(value)?, low: of(low)?, high: of(high)? })
}

fn minutes(outage: Estimate) -> Estimate {
    outage.times(MINUTES_A_YEAR)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::law::restart::Sharing;
    use crate::quantity::BytesPerSecond;
    use crate::study::Kind;

    fn part(name: &str, rate: f64, repair_h: f64) -> Part {
        Part { name: name.into(), failures_per_year: Estimate::exactly(rate), repair_h: Estimate::exactly(repair_h) }
    }

    fn example() -> Availability {
        // One failure in ten host-years (models A4), three hours each; two of three hosts, two of them in a chassis.
        Availability {
            failures: 1,
            host_years: 10.0,
            repair_h: Estimate::exactly(3.0),
            groups: vec![Group { name: "pool".into(), needed: 2, domains: vec![2, 1] }],
            together: None,
            series: Vec::new(),
            restart: None,
        }
    }

    fn ask(it: &Availability, name: &str) -> Estimate {
        let study = Study { name: "x".into(), title: String::new(), kind: Kind::Availability(it.clone()) };
        it.answer(&study).unwrap().figure(name).unwrap_or_else(|| panic!("{name}")).value
    }

    fn restart() -> Restart {
        // 300 s by itself (15 guests, four at a time), 3 h by hand for ten of 18 minutes: models A4.
        Restart {
            guests: 10,
            survivors: 1,
            cores: 8,
            sharing: Sharing::Fluid,
            detect: Nanos::ZERO,
            fence: Nanos::ZERO,
            by_hand: Some(Nanos::seconds(1080)),
            boots_at_once: 2,
            boot_cpu: Nanos::seconds(60),
            boot_bytes: 0,
            storage: BytesPerSecond::ZERO,
        }
    }

    #[test]
    fn a_failure_in_ten_host_years_costs_18_minutes_a_year_by_hand_and_half_a_minute_automatically() {
        // models A4: 0.1 a year x 3 h, and x 300 s (here five waves of 60 s); the range of the rate is 0.0025 to 0.56.
        let it = Availability { restart: Some(restart()), ..example() };
        let by_hand = ask(&it, "by hand: last guest");
        assert!((by_hand.value - 18.0).abs() < 1e-9);
        assert_eq!((format!("{:.2}", by_hand.low), format!("{:.0}", by_hand.high)), ("0.46".into(), "100".into()));
        assert!((ask(&it, "automatic: last guest").value - 0.5).abs() < 1e-9);
        // The mean guest of ten by hand waits 5.5 x 18 min.
        assert!((ask(&it, "by hand: mean guest").value - 9.9).abs() < 1e-9);
    }

    #[test]
    fn two_of_three_are_away_as_the_table_says() {
        // models B3 row 16: one failure in 8760 h, three hours: 1 - A(2 of 3) = 3.515272603034106e-7.
        let it = Availability { host_years: 1.0, ..example() };
        let outage = ask(&it, "pool: outage of hosts").value / MINUTES_A_YEAR;
        assert!((outage / 3.515_272_603_034_106e-7 - 1.0).abs() < 1e-9, "{outage}");
    }

    #[test]
    fn a_part_in_series_a_common_cause_and_a_host_less_each_cost_something() {
        let base = ask(&example(), "pool: outage");
        let with_storage = Availability { series: vec![part("nfs", 0.1, 4.0)], ..example() };
        // 0.1 x 4 h = 24 min a year, whatever the hosts do.
        assert!((ask(&with_storage, "outage of nfs").value - 24.0).abs() < 0.01);
        assert!((ask(&with_storage, "pool: outage").value - base.value - 24.0).abs() < 0.01);
        let common = |beta| Availability { together: Some(Together::Beta(beta)), ..example() };
        assert!((ask(&common(0.0), "pool: outage").value - base.value).abs() < 1e-9);
        // A tenth of 0.1 a year takes both blades: 0.01 x 180 min = 1.8 min, far above what meets by chance.
        let tenth = ask(&common(0.1), "pool: outage").value;
        assert!((tenth - 1.8).abs() < 0.02, "{tenth}");
        let cause = Availability { together: Some(Together::Cause(part("chassis", 0.01, 3.0))), ..example() };
        assert!((ask(&cause, "pool: outage").value - 1.8).abs() < 0.02);
        // A domain of one is not a domain.
        let apart = Availability { groups: vec![Group { name: "pool".into(), needed: 2, domains: vec![1, 1, 1] }], ..common(0.1) };
        assert!((ask(&apart, "pool: outage").value - base.value).abs() < 1e-9);
        let fewer = Availability { groups: vec![Group { name: "pool".into(), needed: 2, domains: vec![1, 1] }], ..example() };
        assert!(ask(&fewer, "pool: outage").value > 100.0 * base.value);
        let more = Availability { groups: vec![Group { name: "pool".into(), needed: 2, domains: vec![2, 2] }], ..common(0.1) };
        assert!(ask(&more, "pool: outage").value < 1.8);
    }

    #[test]
    fn that_more_hosts_would_not_help_is_said_only_where_the_ranges_say_so() {
        let says = |it: &Availability| {
            let study = Study { name: "x".into(), title: String::new(), kind: Kind::Availability(it.clone()) };
            it.answer(&study).unwrap().says.join("\n")
        };
        let with = |series| Availability { series: vec![part("nfs", series, 4.0)], ..example() };
        // Hosts cost 0.002 to 0.06 min a year: 24 are surely more, 0.024 are more by the value alone.
        assert!(says(&with(0.1)).contains("more hosts would not help: nfs"), "{}", says(&with(0.1)));
        assert!(says(&with(1e-4)).contains("the ranges overlap"), "{}", says(&with(1e-4)));
        // One host alone, of which no failure was seen: its value of 0 proves nothing, and nothing is said.
        let alone = vec![Group { name: "single".into(), needed: 1, domains: vec![1] }];
        let unseen = Availability { failures: 0, groups: alone, restart: Some(restart()), ..with(0.1) };
        assert!(!says(&unseen).contains("single: "), "{}", says(&unseen));
        // ln 20 / 10 x 180 min.
        assert!(says(&unseen).contains("up to 53.9 min a year by hand"), "{}", says(&unseen));
    }

    #[test]
    fn no_failure_leaves_a_range_and_longer_watching_narrows_it() {
        let none = |host_years| ask(&Availability { failures: 0, host_years, ..example() }, "failures of a host");
        // models A4: 0 in 15 host-years: at most 0.20.
        let it = none(15.0);
        assert_eq!((it.value, it.low, format!("{:.2}", it.high)), (0.0, 0.0, "0.20".into()));
        assert!(none(30.0).high < it.high);
        let one = ask(&example(), "pool: outage");
        let longer = ask(&Availability { host_years: 20.0, ..example() }, "pool: outage");
        assert!(one.low < one.value && one.value < one.high && longer.high - longer.low < one.high - one.low);
    }

    #[test]
    fn what_cannot_be_is_refused() {
        let study = Study { name: "x".into(), title: String::new(), kind: Kind::Availability(example()) };
        let refused = |it: Availability| it.answer(&study).is_err();
        assert!(refused(Availability { host_years: 0.0, ..example() }));
        assert!(refused(Availability { repair_h: Estimate::exactly(1e9), ..example() }));
        assert!(refused(Availability { series: vec![part("nfs", -1.0, 1.0)], ..example() }));
        assert!(refused(Availability { groups: vec![Group { name: "x".into(), needed: 2, domains: vec![1] }], ..example() }));
    }
}
