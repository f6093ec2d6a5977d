//! The studies of a scenario: each is answered by the room that can.

mod horizon;
mod physical;

use std::path::Path;

use models::demand::{Demand, Load};
use models::flow::Requests;
use models::law::page::{self, Page};
use models::plan::Plan;
use models::quantity::QuantityError;
use models::site::{HostId, Mode, Placement, Site};
use models::study::case_delay::CaseDelay;
use models::study::interference::{Interference, Placed};
use models::study::{Answer, Kind, Study};
use reports::Run;
use scenarios::Scenario;

use crate::args::Common;
use crate::diagnose::Failure;
use crate::fleets;
use crate::pipeline::{self, Outcome};
use crate::power;

/// What a study may look at besides its own givens.
pub struct Facts<'a> {
    /// The scenario; where a plan was made, it has taken the loads and requests out.
    pub scenario: &'a Scenario,
    /// The fleets compared, replayed and judged, and the columns that they were judged under, where a plan was made.
    pub planned: Option<(&'a Run, &'a [Demand])>,
    /// The loads, before they are columns: for the long studies, which are not answered while a plan is made.
    pub loads: &'a [Load],
    /// The request level, where the site has one.
    pub requests: Option<&'a Requests>,
    /// The plan, where one was made and something fits.
    pub plan: Option<&'a Plan>,
    /// Seed and replications.
    pub common: &'a Common,
}

/// All studies, in order of the file; those that judge or plan anew, year by year, only where `long_ones` are asked for.
///
/// # Errors
/// A study whose givens pass each by itself and not together.
pub fn all(facts: &Facts<'_>, long_ones: bool) -> Result<Vec<Answer>, Failure> {
    facts.scenario.studies.iter().filter(|s| long_ones || !is_long(&s.kind)).map(|s| one(s, facts)).collect()
}

/// Whether a study takes as long as a plan, or longer.
#[must_use]
pub const fn is_long(kind: &Kind) -> bool {
    matches!(kind, Kind::Growth(_) | Kind::PhysicalOrVirtual(_) | Kind::CaseDelay(_) | Kind::Redundancy(_))
}

/// The studies of these names, or all; a plan is made first where one of them needs it.
///
/// # Errors
/// As [`all`]; a scenario that cannot be read, and a name that no study has.
pub fn asked(site: &Path, names: &[String], common: &Common) -> Result<Vec<Answer>, Failure> {
    let mut scenario = pipeline::load(site, common)?;
    if scenario.studies.is_empty() {
        return Err(Failure::Usage(format!("{} has no studies: tables `[[study.KIND]]` of its site.toml ask them", scenario.site.name)));
    }
    for name in names {
        if !scenario.studies.iter().any(|s| s.name == *name) {
            let there: Vec<&str> = scenario.studies.iter().map(|s| s.name.as_str()).collect();
            return Err(Failure::Usage(format!("{} has no study `{name}`: it has {}", scenario.site.name, there.join(", "))));
        }
    }
    if !names.is_empty() {
        scenario.studies.retain(|s| names.contains(&s.name));
    }
    whole(&scenario, common)
}

/// Every study of a scenario, the long ones too; a plan is made first where one of them needs it.
///
/// # Errors
/// As [`all`].
pub fn whole(scenario: &Scenario, common: &Common) -> Result<Vec<Answer>, Failure> {
    let loads = &scenario.loads;
    if !needs_plan(scenario) {
        return all(&Facts { scenario, planned: None, plan: None, loads, requests: scenario.requests.as_ref(), common }, true);
    }
    let outcome = pipeline::plan(scenario.clone(), common, 1)?;
    after(scenario, &outcome, common)
}

/// The same where the plan is made already.
///
/// # Errors
/// As [`all`].
pub fn after(scenario: &Scenario, outcome: &Outcome, common: &Common) -> Result<Vec<Answer>, Failure> {
    let planned = Some((&outcome.run, &outcome.demands[..]));
    let (loads, requests) = (&scenario.loads[..], scenario.requests.as_ref());
    let facts = Facts { scenario, planned, plan: outcome.plan.as_ref(), loads, requests, common };
    let answered = |s: &Study| outcome.run.studies.iter().find(|a| a.study == s.name).cloned();
    scenario.studies.iter().map(|s| answered(s).map_or_else(|| one(s, &facts), Ok)).collect()
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
    let has_full = || scenario.site.guests.iter().any(|g| g.mode == Mode::Full);
    scenario.studies.iter().any(|s| match &s.kind {
        Kind::Cvcf(_) | Kind::PowerTail(_) | Kind::PowerOn(_) | Kind::Renewal(_) => true,
        Kind::CostCourse(_) | Kind::Growth(_) | Kind::PhysicalOrVirtual(_) => true,
        Kind::Interference(_) => has_full(),
        Kind::Redundancy(_) => true,
        Kind::CaseDelay(it) => it.fleet == PLAN,
        _ => false,
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
        Kind::LoginNodes(nodes) => nodes.answer(study),
        Kind::CostCourse(it) => return horizon::cost_course(it, study, facts),
        Kind::Growth(it) => return horizon::growth(it, study, facts),
        Kind::PhysicalOrVirtual(it) => return physical::answer(it, study, facts),
        Kind::Restart(restart) => restart.answer(study),
        Kind::Availability(availability) => availability.answer(study),
        Kind::Lockup(lockup) => lockup.answer(study),
        Kind::Interference(it) => interference(it, study, facts),
        Kind::Transfer(it) => it.answer(study),
        Kind::Install(it) => it.answer(study),
        Kind::Construction(it) => it.answer(study),
        Kind::Cache(it) => it.answer(study),
        Kind::CachedPackages(it) => it.answer(study),
        Kind::Migration(moves) => moves.answer(study),
        Kind::BringUp(asked) => sim::deploy::answer(asked, study),
        Kind::PowerOn(power_on) => Ok(match fleet(&power_on.fleet, facts) {
            Ok((site, on)) => power_on.answer(study, &site, &hosts_on(&on)),
            Err(_) => nothing_fits(study, "smallest delay", facts),
        }),
        Kind::Renewal(_) => Ok(match (facts.plan, facts.planned) {
            (Some(plan), Some((_, demands))) => {
                let (site, _, _) = pipeline::understand(&facts.scenario.site, plan)?;
                planner::renewal::answer(study, &site, demands, &plan.steps)
            }
            _ => nothing_fits(study, "steps", facts),
        }),
        Kind::BagOfTasks(bag) => bag.answer(study),
        Kind::CaseDelay(it) => return case_delay(it, study, facts),
        Kind::Redundancy(it) => return redundancy(&it.fleet, study, facts),
    }
    .map_err(|e| Failure::Usage(format!("study `{}`: {e}", study.name)))
}

/// The benchmark, and what the fully virtual guests of the chosen plan cost their neighbours.
fn interference(it: &Interference, study: &Study, facts: &Facts<'_>) -> Result<Answer, QuantityError> {
    let mut answer = it.answer(study)?;
    let site = &facts.scenario.site;
    if let Some(fleet) = facts.planned.and_then(|(run, _)| run.fleets.get(run.chosen?)) {
        let full = |guest: &str| site.guest_named(guest).is_some_and(|g| site.guests[g.index()].mode == Mode::Full);
        let mut stacks = Vec::new();
        for host in &fleet.measures.hosts {
            let Some(class) = site.classes.iter().find(|c| c.name == host.class) else { continue };
            let count = fleet.placement.iter().filter(|(guest, on)| *on == host.host && full(guest)).count() as u32;
            stacks.push((host.host.clone(), class.cores, count));
        }
        let placed = Placed { stacks, limit: site.rules.full_virtual_per_host };
        if let Err(e) = it.beside_placed(&placed, &mut answer) {
            answer.cannot_say.push(("in the plan".into(), e.to_string()));
        }
    }
    Ok(answer)
}

fn hosts_on(placement: &Placement) -> Vec<HostId> {
    (0..placement.on.len()).filter(|h| placement.on[*h]).map(HostId::at).collect()
}

/// What is said where there is no plan.
fn nothing_fits(study: &Study, figure: &str, facts: &Facts<'_>) -> Answer {
    let mut answer = Answer::to(study, &[]);
    let conflicts = facts.planned.map_or(&[][..], |(run, _)| &run.conflicts);
    let why = if conflicts.is_empty() { "no plan was made".to_owned() } else { format!("does not fit: {}", conflicts.join("; ")) };
    answer.cannot_say.push((figure.to_owned(), why));
    answer
}

/// The fleet that was planned.
const PLAN: &str = "plan";

/// A case against what it is held against, on one fleet.
fn case_delay(it: &CaseDelay, study: &Study, facts: &Facts<'_>) -> Result<Answer, Failure> {
    let cannot = |why: String| Ok(Answer { cannot_say: vec![("delay factor".into(), why)], ..Answer::to(study, &[]) });
    let Some(requests) = facts.requests else { return cannot("the site has no request level".into()) };
    let (site, placement) = match fleet(&it.fleet, facts) {
        Ok(found) => found,
        Err(why) => return cannot(why),
    };
    let setting = pipeline::setting(&site, &placement, facts.loads, &facts.scenario.grid, requests);
    let answered = sim::contrast::answer(it, study, &setting, facts.common.seed()).map_err(|e| Failure::Internal(e.to_string()))?;
    answered.map_or_else(|| cannot("the request level has no such case or flow".into()), Ok)
}

/// What a lost host takes with it, on one fleet.
fn redundancy(name: &str, study: &Study, facts: &Facts<'_>) -> Result<Answer, Failure> {
    let Some((_, demands)) = facts.planned else {
        return Err(Failure::Internal(format!("study `{}` was asked without a plan", study.name)));
    };
    Ok(match fleet(name, facts) {
        Ok((site, placement)) => planner::redundancy::answer(study, &facts.scenario.site, &site, &placement, demands),
        Err(why) => Answer { cannot_say: vec![("groups lost with a host".into(), why)], ..Answer::to(study, &[]) },
    })
}

/// A fleet by its name, on the site with what it buys; `Err` says why there is none.
fn fleet(name: &str, facts: &Facts<'_>) -> Result<(Site, Placement), String> {
    let site = &facts.scenario.site;
    if let Some((run, _)) = facts.planned {
        let found = run.fleets.iter().find(|f| f.name == name).ok_or_else(|| format!("there is no fleet `{name}`"))?;
        let fleets::Rebuilt { site, placement, .. } = fleets::rebuilt(found, site);
        return Ok((site, placement));
    }
    let demands = pipeline::demands(site, facts.loads.to_vec(), &facts.scenario.grid, facts.common.seed(), 1);
    pipeline::named_placement(site, &demands[0], name).map_err(|e| e.to_string())
}
