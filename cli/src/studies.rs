//! The studies of a scenario: each is answered by the room that can.

use std::path::Path;

use models::demand::Demand;
use models::law::page::{self, Page};
use models::site::Site;
use models::study::{Answer, Kind, Study};
use reports::Run;
use scenarios::Scenario;

use crate::args::Common;
use crate::diagnose::Failure;
use crate::{pipeline, power};

/// What a study may look at besides its own givens.
#[allow(dead_code, reason = "each kind looks at what it needs")]
pub struct Facts<'a> {
    /// The scenario; where a plan was made, it has taken the loads and requests out.
    pub scenario: &'a Scenario,
    /// The fleets compared, replayed and judged, and the columns that they were judged under, where a plan was made.
    pub planned: Option<(&'a Run, &'a [Demand])>,
    /// Seed and replications.
    pub common: &'a Common,
}

/// All studies, in order of the file.
///
/// # Errors
/// A study whose givens pass each by itself and not together.
pub fn all(facts: &Facts<'_>) -> Result<Vec<Answer>, Failure> {
    facts.scenario.studies.iter().map(|s| one(s, facts)).collect()
}

/// The studies of these names, or all; a plan is made first where one of them needs it.
///
/// # Errors
/// As [`all`]; a scenario that cannot be read, and a name that no study has.
pub fn asked(site: &Path, names: &[String], common: &Common) -> Result<Vec<Answer>, Failure> {
    let mut scenario = pipeline::load(site, common)?;
    for name in names {
        if !scenario.studies.iter().any(|s| s.name == *name) {
            let there: Vec<&str> = scenario.studies.iter().map(|s| s.name.as_str()).collect();
            let there = if there.is_empty() { "it has none".to_owned() } else { format!("it has {}", there.join(", ")) };
            return Err(Failure::Usage(format!("{} has no study `{name}`: {there}", scenario.site.name)));
        }
    }
    if !names.is_empty() {
        scenario.studies.retain(|s| names.contains(&s.name));
    }
    if needs_plan(&scenario) {
        return Ok(pipeline::plan(scenario, common)?.run.studies);
    }
    all(&Facts { scenario: &scenario, planned: None, common })
}

/// The pages of these laws, or of all.
///
/// # Errors
/// A name that no law has.
pub fn laws(names: &[String]) -> Result<Vec<Page>, Failure> {
    if names.is_empty() {
        return Ok(page::all());
    }
    let known = || page::all().iter().map(|p| p.name).collect::<Vec<_>>().join(", ");
    names.iter().map(|n| page::named(n).ok_or_else(|| Failure::Usage(format!("there is no law `{n}`: there are {}", known())))).collect()
}

/// The laws that a run rests on, in order of name: those of every replay and plan, those of what the site has, and those
/// of its studies.
#[must_use]
pub fn laws_used(site: &Site, answers: &[Answer]) -> Vec<String> {
    let mut names: Vec<&str> = vec!["cost", "percentile", "power", "share"];
    names.extend(site.ups.as_ref().map(|_| "ups"));
    names.extend(answers.iter().flat_map(|a| a.laws.iter().map(String::as_str)));
    names.sort_unstable();
    names.dedup();
    names.into_iter().map(str::to_owned).collect()
}

/// Whether a study looks at the plan and the fleets that it was compared with.
#[must_use]
pub fn needs_plan(scenario: &Scenario) -> bool {
    scenario.studies.iter().any(|s| match s.kind {
        Kind::MemoryMix(_) => false,
        Kind::Cvcf(_) | Kind::PowerTail(_) => true,
    })
}

/// One study.
///
/// # Errors
/// As [`all`].
pub fn one(study: &Study, facts: &Facts<'_>) -> Result<Answer, Failure> {
    match &study.kind {
        Kind::MemoryMix(mix) => mix.answer(study),
        Kind::Cvcf(it) => power::cvcf(it, study, facts),
        Kind::PowerTail(it) => Ok(power::tail(it, study, facts)),
    }
    .map_err(|e| Failure::Usage(format!("study `{}`: {e}", study.name)))
}
