//! `plan --evacuate`: named hosts are emptied and stay on. Which guests go where, and why not, is the planner's word; here it is put into
//! a plan, and into the sentences that come before everything else.

use std::collections::BTreeMap;

use models::evacuation;
use models::plan::{Action, Plan};
use models::site::{HostId, Placement, Site};
use planner::{Answer, Found};
use reports::run::{Evacuated, LowerBound};
use scenarios::Scenario;

use crate::args::Common;
use crate::diagnose::Failure;
use crate::pipeline::{self, Outcome};
use crate::progress::Progress;

/// The hosts of these names, in order of the site.
///
/// # Errors
/// A name that the site does not have, with the nearest that it has; a host that is off.
fn named(site: &Site, names: &[String]) -> Result<Vec<HostId>, Failure> {
    let mut all = Vec::new();
    for name in names {
        let host = site.host_named(name).ok_or_else(|| {
            let help = scenarios::help_for(name, "hosts", site.hosts.iter().map(|h| h.name.as_str()));
            Failure::Usage(format!("--evacuate: site {} has no host `{name}`; {help}", site.name))
        })?;
        if !is_on(site, host) {
            let on: Vec<&str> =
                (0..site.hosts.len()).filter(|h| is_on(site, HostId::at(*h))).map(|h| site.hosts[h].name.as_str()).collect();
            let on = if on.is_empty() { "no host of the site is on".to_owned() } else { format!("these are on: {}", on.join(", ")) };
            return Err(Failure::Usage(format!("--evacuate: host `{name}` is off today, and carries nothing; {on}")));
        }
        all.push(host);
    }
    all.sort_unstable();
    all.dedup();
    Ok(all)
}

fn is_on(site: &Site, host: HostId) -> bool {
    site.today.as_ref().is_some_and(|today| today.on[host.index()])
}

/// Plans how hosts are emptied.
///
/// # Errors
/// Hosts that are not known or off; as [`pipeline::plan`].
pub fn plan(mut scenario: Scenario, common: &Common, names: &[String], lanes: u32) -> Result<Outcome, Failure> {
    let progress = Progress::new(common.json);
    let hosts = named(&scenario.site, names)?;
    let site = evacuation::of(&scenario.site, &hosts);
    let names: Vec<String> = hosts.iter().map(|h| site.hosts[h.index()].name.clone()).collect();
    let loads = std::mem::take(&mut scenario.loads);
    let demands = pipeline::demands(&site, loads, &scenario.grid, common.seed(), common.replications());
    let mut run = pipeline::empty_run(&site, &scenario.digest, common, demands.len());
    run.site_digest = models::digest::of_value(&scenario.site);
    run.unknowns.push("requests are not played, studies are not answered and no other fleet is compared for an evacuation".into());
    run.unknowns.push("for an evacuation nothing is bought and no host is switched off; the way back is another plan".into());
    if let Some(today) = &site.today {
        run.fleets.push(pipeline::fleet("today", "as it stands", &scenario.site, &[], &demands, today, None));
    }
    progress.tell("looking for places");
    let plan = match planner::evacuate::plan(&site, &demands) {
        Answer::Fits(mut found) => {
            run.unknowns.extend(pipeline::side_by_side(&mut found, &demands, lanes, &progress));
            let title = "after the evacuation";
            let fleet = pipeline::fleet("plan", title, &found.site, &[], &demands, &found.placement, Some(found.verdicts.clone()));
            let plan = pipeline::plan_of(&scenario, common, &found, &fleet, demands.len(), Vec::new());
            run.binds = pipeline::binds(&found.verdicts);
            run.lower_bound =
                Some(LowerBound { cost_yen: found.bound.cost_yen, hosts: found.bound.hosts, because: found.bound.because.clone() });
            for name in &found.broken_before {
                run.unknowns.push(format!(
                    "with nobody to be started on what is evacuated, today's state breaks the rule \"{}\" already: it is asked of the plan's end, not of the way to it",
                    name.words()
                ));
            }
            run.evacuated = Some(Evacuated { says: says(&names, &found), hosts: names });
            run.chosen = Some(run.fleets.len());
            run.fleets.push(fleet);
            Some(plan)
        }
        Answer::DoesNotFit { conflicts, .. } => {
            run.conflicts = conflicts;
            run.unknowns.push("guests are placed by heuristics: a placement may exist that was not met".into());
            run.evacuated = Some(Evacuated { hosts: names, says: Vec::new() });
            None
        }
    };
    run.laws = crate::studies::laws_used(&site, &run.studies);
    Ok(Outcome { run, plan, demands })
}

/// `1 guest`, `3 guests`.
fn some(n: usize, one: &str) -> String {
    if n == 1 { format!("1 {one}") } else { format!("{n} {one}s") }
}

/// What an operator has to know first: who leaves, to where and how, and what else is touched.
fn says(names: &[String], found: &Found) -> Vec<String> {
    let site = &found.site;
    let nowhere = Placement::empty(site);
    let today = site.today.as_ref().unwrap_or(&nowhere);
    let mut to: BTreeMap<&str, usize> = BTreeMap::new();
    let (mut leave, mut others) = (0, 0);
    for (before, after) in today.host_of.iter().zip(&found.placement.host_of) {
        let Some(after) = after.filter(|h| *before != Some(*h)) else { continue };
        if before.is_some_and(|h| site.rules.evacuated.contains(&h)) {
            leave += 1;
            *to.entry(&site.hosts[after.index()].name).or_default() += 1;
        } else {
            others += 1;
        }
    }
    let stops = found.steps.iter().filter(|s| matches!(s.action, Action::StopGuest { .. })).count();
    let boots: Vec<&str> = found
        .steps
        .iter()
        .filter_map(|s| match &s.action {
            Action::BootHost { host } => Some(host.as_str()),
            _ => None,
        })
        .collect();
    let are = if names.len() == 1 { "carries nothing and stays on" } else { "carry nothing and stay on" };
    let places: Vec<String> = to.iter().map(|(host, n)| format!("{n} to {host}")).collect();
    let mut says = vec![match leave {
        0 => format!("{} {are}: no guest runs there today.", names.join(", ")),
        _ => format!("{} {are}: {} go, {}.", names.join(", "), some(leave, "guest"), places.join(", ")),
    }];
    if others > 0 {
        says.push(format!(
            "{} moved to make room.",
            if others == 1 { "1 other guest is".into() } else { some(others, "other guest") + " are" }
        ));
    }
    if stops > 0 {
        says.push(format!(
            "{} stopped and started: not to be moved live.",
            if stops == 1 { "1 guest is".into() } else { some(stops, "guest") + " are" }
        ));
    }
    if !boots.is_empty() {
        says.push(format!("{} booted: {}.", some(boots.len(), "host"), boots.join(", ")));
    }
    says
}

/// The site that a plan is checked on: the hosts that it evacuates carry nothing. What does not follow from the plan's own words is put
/// among the faults.
///
/// # Errors
/// Names that the site does not have.
pub fn judged(plan: &Plan, site: &Site, faults: &mut Vec<String>) -> Result<Site, Failure> {
    let mut hosts = Vec::new();
    for name in &plan.evacuates {
        let host = site
            .host_named(name)
            .ok_or_else(|| Failure::Usage(format!("the plan evacuates a host `{name}`, which site {} does not have", site.name)))?;
        if !is_on(site, host) {
            faults.push(format!("the plan evacuates {name}, which is off today"));
        }
        hosts.push(host);
    }
    if !hosts.is_sorted_by(|a, b| a < b) {
        faults.push("`evacuates` names each host once, in order of the site".into());
    }
    if !plan.lost.is_empty() && !hosts.is_empty() {
        faults.push("a plan after a loss evacuates nothing".into());
    }
    let seen_to: Vec<&str> = plan
        .steps
        .iter()
        .filter_map(|s| match &s.action {
            Action::EvacuateHost { host } => Some(host.as_str()),
            _ => None,
        })
        .collect();
    for name in seen_to.iter().filter(|s| !plan.evacuates.iter().any(|e| e == **s)) {
        faults.push(format!("a step sees that {name} is evacuated, and `evacuates` does not name it"));
    }
    for name in plan.evacuates.iter().filter(|e| !seen_to.contains(&e.as_str())) {
        faults.push(format!("`evacuates` names {name}, and no step sees to it"));
    }
    Ok(if hosts.is_empty() { site.clone() } else { evacuation::of(site, &hosts) })
}
