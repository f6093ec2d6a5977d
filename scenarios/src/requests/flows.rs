//! Flows: where their jobs come from, the stages that they go through, and when they are tried again.

use models::demand::{Load, LoadKind};
use models::distribution::{Distribution, Shape};
use models::flow::{Flow, Objective, Source, Stage, TierId};
use models::quantity::Nanos;

use super::distribution::{Of, distribution, shape};
use super::{MOST_JOBS, Reader, circles};
use crate::document::At;
use crate::error::Error;
use crate::file::requests as keys;
use crate::names;

/// The most stages of a flow, so that its loops are quickly found.
const MOST_STAGES: usize = 256;

/// The most visits of stages that one job makes, copies counted, on average.
const MOST_VISITS: f64 = 1e6;

/// The most attempts of a retry schedule.
const MOST_ATTEMPTS: usize = 1000;

impl Reader<'_, '_> {
    /// The flows, in order of the file.
    pub(super) fn flows(&mut self) -> Result<Vec<Flow>, Error> {
        let file = self.file;
        // Faults alone are played too: who is down, and for how long.
        if file.flow.is_empty() && file.fault.is_empty() {
            return Err(self
                .doc
                .error(&At::root().key("requests"), "there is no [[flow]] and no [[fault]], so nothing is played")
                .help("write at least one `[[flow]]` or `[[fault]]`, or leave `[requests]` out"));
        }
        let mut all: Vec<Flow> = Vec::new();
        for (i, f) in file.flow.iter().enumerate() {
            let at = At::element("flow", i);
            self.flows.add(self.doc, &at.key("name"), &f.name)?;
            let arrivals = self.source(&at, f)?;
            if let Source::Load(load) = arrivals
                && let Some(other) = all.iter().find(|o| o.arrivals == Source::Load(load))
            {
                return Err(self
                    .doc
                    .error(
                        &at.key("arrivals"),
                        format!("the units of `{}` are the jobs of `{}` already", self.loads[load].name, other.name),
                    )
                    .help("a load is the arrivals of one flow: part its jobs with `then`, or write a second load"));
            }
            let stages = self.stages(&at, f)?;
            all.push(Flow {
                name: f.name.clone(),
                title: f.title.clone(),
                arrivals,
                stages,
                objective: f.objective.as_ref().map(|o| self.objective(&at, o)).transpose()?,
                retry: f.retry.as_ref().map_or(Ok(Vec::new()), |r| self.retry(&at.key("retry"), r))?,
            });
        }
        Ok(all)
    }

    fn objective(&self, at: &At, o: &keys::Objective) -> Result<Objective, Error> {
        if o.within_s.nanos() == Nanos::ZERO {
            return Err(self.doc.error(&at.key("objective").key("within_s"), "no job takes no time").help("seconds, above 0"));
        }
        Ok(Objective { percentile: o.percentile.get(), within: o.within_s.nanos() })
    }

    /// Where the jobs come from: a load of units, or clients.
    fn source(&self, at: &At, f: &keys::Flow) -> Result<Source, Error> {
        let either = "write either `arrivals = \"LOAD\"` or `clients = { users, think_s }`";
        match (&f.arrivals, &f.clients) {
            (Some(_), Some(_)) => {
                Err(self.doc.error(&at.key("clients"), "the jobs of this flow come from `arrivals` already").help(either))
            }
            (None, None) => Err(self.doc.error(at, format!("nothing says where the jobs of `{}` come from", f.name)).help(either)),
            (Some(name), None) => {
                let at = at.key("arrivals");
                let load = self.unit_load(&at, name)?;
                let most = most_units(&self.loads[load], self.horizon);
                if most <= 0.0 {
                    return Err(self
                        .doc
                        .error(&at, format!("nothing ever arrives: the load `{name}` has no units"))
                        .help("make its rate or its counts more than zero, or leave the flow out"));
                }
                self.few_enough(&at, most)?;
                Ok(Source::Load(load))
            }
            (None, Some(c)) => {
                let at = at.key("clients");
                let think_s = distribution(self.doc, &at.key("think_s"), &c.think_s, Of::Amount, Shape::Exponential)?;
                let lasts_s = self.file.requests.as_ref().map_or(0.0, |r| r.lasts_s.get());
                self.few_enough(&at, f64::from(c.users.get()) * lasts_s / think_s.mean)?;
                Ok(Source::Clients { users: c.users.get(), think_s })
            }
        }
    }

    /// That so many jobs can be played.
    pub(super) fn few_enough(&self, at: &At, jobs: f64) -> Result<(), Error> {
        if jobs <= MOST_JOBS {
            return Ok(());
        }
        Err(self.doc.error(at, format!("{jobs:.3e} jobs are too many to be played one by one")).help("at most 1e9 jobs of a flow"))
    }

    /// The position of a load whose units are jobs.
    fn unit_load(&self, at: &At, name: &str) -> Result<usize, Error> {
        let of_units = self.loads.iter().filter(|l| is_of_units(l)).map(|l| l.name.as_str());
        match self.loads.iter().position(|l| l.name == name) {
            Some(position) if is_of_units(&self.loads[position]) => Ok(position),
            Some(_) => Err(self.doc.error(at, format!("the load `{name}` is not of units: it has no jobs")).help(format!(
                "recorded-counts, web-log, mail, flash-crowd and passes are of units; here: {}",
                names::listed(name, of_units)
            ))),
            None => Err(self.doc.error(at, format!("there is no load `{name}`")).help(names::help_for(
                name,
                "loads of units",
                of_units.clone(),
            ))),
        }
    }

    fn stages(&self, at: &At, f: &keys::Flow) -> Result<Vec<Stage>, Error> {
        let doc = self.doc;
        let key = at.key("stage");
        if f.stage.is_empty() || f.stage.len() > MOST_STAGES {
            return Err(doc
                .error(&key, format!("the flow `{}` has {} stages", f.name, f.stage.len()))
                .help(format!("1 to {MOST_STAGES} tables `[[flow.stage]]`")));
        }
        let mut stage_names: Vec<&str> = Vec::new();
        for (s, stage) in f.stage.iter().enumerate() {
            stage_names.push(self.stage_name(&key.index(s), stage, &stage_names)?);
        }
        let mut all = Vec::new();
        for (s, stage) in f.stage.iter().enumerate() {
            all.push(self.stage(&key.index(s), s, stage, &stage_names)?);
        }
        self.stages_end(&key, f, &all, &stage_names)?;
        Ok(all)
    }

    /// A stage's name is for people, and for `then`: a line of text, once in its flow.
    fn stage_name<'f>(&self, at: &At, stage: &'f keys::Stage, before: &[&str]) -> Result<&'f str, Error> {
        let name = match (&stage.name, &stage.tier) {
            (Some(name), _) | (None, Some(name)) => name.as_str(),
            (None, None) => {
                return Err(self
                    .doc
                    .error(at, "this stage has neither a name nor a tier to be called after")
                    .help("write `name = \"...\"`, `tier = \"...\"`, or both"));
            }
        };
        let key = at.key(if stage.name.is_some() { "name" } else { "tier" });
        if name.trim() != name || !(1..=63).contains(&name.chars().count()) || name.chars().any(char::is_control) {
            return Err(self
                .doc
                .error(&key, format!("`{}` is not a name of a stage", name.escape_debug()))
                .help("1 to 63 letters, without blanks at its ends"));
        }
        if before.contains(&name) {
            return Err(self
                .doc
                .error(&key, format!("the stage `{name}` is there twice in this flow"))
                .help("each stage of a flow has a `name` of its own"));
        }
        Ok(name)
    }

    fn stage(&self, at: &At, s: usize, stage: &keys::Stage, stage_names: &[&str]) -> Result<Stage, Error> {
        let doc = self.doc;
        let tier = stage.tier.as_deref().map(|name| self.tiers.find(doc, &at.key("tier"), name)).transpose()?;
        let cost = stage.cost.as_deref().map(|name| self.unit_load(&at.key("cost"), name)).transpose()?;
        if tier.is_none() && cost.is_some() {
            return Err(doc.error(&at.key("cost"), "nobody does this work").help("write the `tier` that does it, or leave `cost` out"));
        }
        if tier.is_none() && stage.delay_s.is_none() {
            return Err(doc
                .error(at, format!("nothing happens in the stage `{}`", stage_names[s]))
                .help("write its `tier` and `cost`, or its `delay_s`"));
        }
        let vary = |key: &'static str, given: Option<&crate::file::shape::ShapeTable>| match given {
            Some(_) if cost.is_none() => {
                Err(doc.error(&at.key(key), "this is the shape of a cost, and there is none").help("write `cost`, or leave it out"))
            }
            Some(given) => shape(doc, &at.key(key), given, Of::Amount),
            None => Ok(Shape::Exponential),
        };
        let delay = |d| distribution(doc, &at.key("delay_s"), d, Of::Amount, Shape::Fixed);
        let copies = |c| distribution(doc, &at.key("copies"), c, Of::Count, Shape::Fixed);
        Ok(Stage {
            name: stage_names[s].to_owned(),
            tier: tier.map(TierId::at),
            cost,
            cpu_shape: vary("cpu_shape", stage.cpu_shape.as_ref())?,
            bytes_shape: vary("bytes_shape", stage.bytes_shape.as_ref())?,
            delay_s: stage.delay_s.as_ref().map(delay).transpose()?,
            then: self.then(&at.key("then"), s, stage, stage_names)?,
            copies: stage.copies.as_ref().map_or(Ok(Distribution::fixed(1.0)), copies)?,
        })
    }

    /// Where jobs go after a stage.
    fn then(&self, at: &At, s: usize, stage: &keys::Stage, stage_names: &[&str]) -> Result<Vec<(f64, usize)>, Error> {
        let Some(then) = &stage.then else {
            return Ok(if s + 1 < stage_names.len() { vec![(1.0, s + 1)] } else { Vec::new() });
        };
        let mut all = Vec::new();
        for (k, next) in then.iter().enumerate() {
            let to = stage_names.iter().position(|name| *name == next.to).ok_or_else(|| {
                self.doc.error(&at.index(k).key("to"), format!("there is no stage `{}` in this flow", next.to)).help(names::help_for(
                    &next.to,
                    "stages",
                    stage_names.iter().copied(),
                ))
            })?;
            all.push((next.share.get(), to));
        }
        // Shares in decimals may sum to a little above 1.
        let sum: f64 = all.iter().map(|(share, _)| share).sum();
        if sum > 1.0 + 1e-9 {
            return Err(self
                .doc
                .error(at, format!("the shares of `{}` sum to {sum}", stage_names[s]))
                .help("at most 1: what is left of 1 has been served"));
        }
        Ok(all)
    }

    /// That every stage is met, and every job is served some day.
    fn stages_end(&self, at: &At, f: &keys::Flow, all: &[Stage], stage_names: &[&str]) -> Result<(), Error> {
        let mut met = vec![false; all.len()];
        let mut open = vec![0];
        while let Some(s) = open.pop() {
            if !std::mem::replace(&mut met[s], true) {
                open.extend(all[s].then.iter().filter(|(share, _)| *share > 0.0).map(|(_, to)| *to));
            }
        }
        if let Some(s) = met.iter().position(|met| !met) {
            return Err(self
                .doc
                .error(&at.index(s), format!("no job comes to the stage `{}`", stage_names[s]))
                .help("name it in the `then` of another stage, or leave it out"));
        }
        if let Err(endless) = circles::endless_stages(all) {
            let who: Vec<String> = endless.iter().map(|s| format!("`{}`", stage_names[*s])).collect();
            return Err(self
                .doc
                .error(&at.index(endless[0]), format!("jobs never leave the loop of {}", who.join(", ")))
                .help("let some leave it: make the shares of `then` that lead round, times the copies, less than 1 a round"));
        }
        let visits: f64 = circles::visits(all).iter().sum();
        if visits > MOST_VISITS {
            return Err(self
                .doc
                .error(at, format!("one job of `{}` becomes {visits:.3e} visits of stages", f.name))
                .help("at most 1e6: take fewer copies, or let more jobs leave loops"));
        }
        Ok(())
    }

    /// A delay for each attempt.
    fn retry(&self, at: &At, r: &keys::Retry) -> Result<Vec<Nanos>, Error> {
        let doc = self.doc;
        let forms = "write `{ every_s = 1800, times = 48 }`, or `{ after_s = [300, 900, 3600] }`";
        let (key, all): (At, Vec<Nanos>) = match (r.every_s, r.times, &r.after_s) {
            (Some(every), Some(times), None) => (at.key("every_s"), vec![every.nanos(); times.get() as usize]),
            (Some(_), None, None) => {
                return Err(doc.error(&at.key("every_s"), "this retry schedule has no end: the key `times` is missing").help(forms));
            }
            (None, None, Some(after)) => (at.key("after_s"), after.iter().map(|s| s.nanos()).collect()),
            _ => return Err(doc.error(at, "this is not a retry schedule").help(forms)),
        };
        if all.is_empty() || all.len() > MOST_ATTEMPTS {
            return Err(doc
                .error(&key, format!("here are {} attempts", all.len()))
                .help(format!("1 to {MOST_ATTEMPTS}; a flow without `retry` loses its job at once")));
        }
        if all.contains(&Nanos::ZERO) {
            return Err(doc.error(&key, "an attempt at once finds what the last one found").help("seconds, above 0"));
        }
        Ok(all)
    }
}

/// Whether a load is of requests or messages.
const fn is_of_units(load: &Load) -> bool {
    matches!(load.kind, LoadKind::RecordedCounts { .. } | LoadKind::Mail { .. } | LoadKind::FlashCrowd { .. } | LoadKind::Passes { .. })
}

/// About the most units of a load within this time; 0 exactly where it never has one.
fn most_units(load: &Load, within: Nanos) -> f64 {
    let days = within.as_seconds() / 86_400.0;
    match &load.kind {
        LoadKind::RecordedCounts { counts, .. } => counts.iter().sum(),
        LoadKind::Mail { per_day, days: weights, .. } => per_day * days * weights.iter().copied().fold(0.0, f64::max),
        LoadKind::FlashCrowd { ramp, plateau, decay, peak_per_s, .. } => {
            peak_per_s * (ramp.as_seconds() / 2.0 + plateau.as_seconds() + decay.as_seconds())
        }
        LoadKind::Passes { per_day, .. } => per_day * days,
        LoadKind::Constant { .. } | LoadKind::RecordedCpu { .. } | LoadKind::Nightly { .. } => 0.0,
    }
}
