//! `[[study.availability]]`: how many minutes a year services are away.

use models::Estimate;
use models::study::Kind;
use models::study::availability::{Availability, Group as GroupOf, Part as PartOf, Together as TogetherOf};

use super::{Reader, study};
use crate::document::At;
use crate::error::Error;
use crate::file::number::{Count, Positive, Share};
use crate::file::sourced;
use crate::names;
use crate::understand::check_name;

study!(
    /// How many minutes a year services are away, and what of it restarts cost.
    {
        /// Failures of hosts that were seen; 0 is an answer.
        observed_failures: u32,
        /// In so many host-years.
        observed_host_years: Positive,
        /// Until a failed host can be used again, hours.
        repair_h: Estimate,
        /// Hosts that carry something together.
        group: Vec<Group>,
        /// What takes all hosts of a failure domain of two or more at once. Absent: left out.
        together: Option<Together>,
        /// What all groups need: shared storage, CVCF.
        #[serde(default)]
        series: Vec<Part>,
        /// How the guests of a lost host come back: the name of a `[[study.restart]]`.
        restart: Option<String>,
    }
);

sourced!(
    /// Hosts that carry something together.
    struct Group {
        /// Its name.
        name: String,
        /// How many of its hosts are needed.
        needed: Count,
        /// How many of its hosts stand in each failure domain: `[1, 1, 1]` are three hosts apart.
        domains: Vec<Count>,
    }
);

sourced!(
    /// What takes all hosts of a failure domain at once: `beta`, or a cause with its rate and repair.
    struct Together {
        /// The share of each host's failures that take its domain.
        beta: Option<Share>,
        /// A cause of its own: how often a year.
        failures_per_year: Option<Estimate>,
        /// And for how long each time, hours.
        repair_h: Option<Estimate>,
    }
);

sourced!(
    /// What all groups need.
    struct Part {
        /// Its name.
        name: String,
        /// How often it fails a year.
        failures_per_year: Estimate,
        /// For how long each time, hours.
        repair_h: Estimate,
    }
);

/// The most hosts of a group.
const MOST_HOSTS: u32 = 1000;
/// A hundred years, in hours.
const MOST_HOURS: f64 = 876_000.0;

impl Keys {
    fn meant(&self, reader: &Reader<'_, '_>, at: &At) -> Result<Kind, Error> {
        if self.group.is_empty() {
            return Err(reader
                .doc
                .error(&at.key("group"), "no group of hosts is asked for")
                .help("write a `[[study.availability.group]]`"));
        }
        repair(reader, &at.key("repair_h"), self.repair_h)?;
        let groups = self.group.iter().enumerate().map(|(i, g)| group(reader, &at.key("group").index(i), g, &self.group[..i]));
        let series = self.series.iter().enumerate().map(|(i, part)| {
            let at = at.key("series").index(i);
            check_name(reader.doc, &at.key("name"), &part.name)?;
            repair(reader, &at.key("repair_h"), part.repair_h)?;
            Ok(PartOf { name: part.name.clone(), failures_per_year: part.failures_per_year, repair_h: part.repair_h })
        });
        Ok(Kind::Availability(Availability {
            failures: self.observed_failures,
            host_years: self.observed_host_years.get(),
            repair_h: self.repair_h,
            groups: groups.collect::<Result<_, _>>()?,
            together: self.together.as_ref().map(|t| together(reader, &at.key("together"), t)).transpose()?,
            series: series.collect::<Result<_, Error>>()?,
            restart: self.restart.as_deref().map(|name| self.restart(reader, &at.key("restart"), name)).transpose()?,
        }))
    }

    fn restart(&self, reader: &Reader<'_, '_>, at: &At, name: &str) -> Result<models::study::restart::Restart, Error> {
        let all = &reader.file.study.restart;
        match all.iter().position(|r| r.is_named(name)) {
            Some(i) => all[i].restart(reader, &At::root().key("study").key("restart").index(i)),
            None => {
                let there = all.iter().map(super::Keys::name);
                Err(reader.doc.error(at, format!("there is no `[[study.restart]]` of the name `{name}`")).help(names::help_for(
                    name,
                    "studies of restarts",
                    there,
                )))
            }
        }
    }
}

fn group(reader: &Reader<'_, '_>, at: &At, g: &Group, before: &[Group]) -> Result<GroupOf, Error> {
    check_name(reader.doc, &at.key("name"), &g.name)?;
    if before.iter().any(|b| b.name == g.name) {
        return Err(reader
            .doc
            .error(&at.key("name"), format!("the group `{}` is there twice", g.name))
            .help("figures are named after their group: give each a name of its own"));
    }
    let domains: Vec<u32> = g.domains.iter().map(|n| n.get()).collect();
    let hosts: u64 = domains.iter().map(|n| u64::from(*n)).sum();
    if hosts > u64::from(MOST_HOSTS) {
        return Err(reader
            .doc
            .error(&at.key("domains"), format!("that makes {hosts} hosts"))
            .help(format!("at most {MOST_HOSTS} are taken in a group")));
    }
    if u64::from(g.needed.get()) > hosts {
        return Err(reader
            .doc
            .error(&at.key("needed"), format!("{} of {hosts} hosts cannot be up", g.needed.get()))
            .help("at most as many as `domains` has hosts in all"));
    }
    Ok(GroupOf { name: g.name.clone(), needed: g.needed.get(), domains })
}

fn together(reader: &Reader<'_, '_>, at: &At, t: &Together) -> Result<TogetherOf, Error> {
    match (t.beta, t.failures_per_year, t.repair_h) {
        (Some(beta), None, None) => Ok(TogetherOf::Beta(beta.get())),
        (None, Some(failures_per_year), Some(repair_h)) => {
            repair(reader, &at.key("repair_h"), repair_h)?;
            Ok(TogetherOf::Cause(PartOf { name: "common cause".into(), failures_per_year, repair_h }))
        }
        _ => Err(reader
            .doc
            .error(at, "it is not said how often hosts fail together")
            .help("either `beta`, the share of a host's failures, or `failures_per_year` and `repair_h` of a cause of its own")),
    }
}

fn repair(reader: &Reader<'_, '_>, at: &At, hours: Estimate) -> Result<(), Error> {
    if hours.high > MOST_HOURS {
        return Err(reader.doc.error(at, format!("{} hours are more than a hundred years", hours.high)).help("at most 876000"));
    }
    Ok(())
}
