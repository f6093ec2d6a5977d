//! `plan --lost`: what to do now that hosts are down. Who may not run again and why is the planner's word; here it is put into a
//! plan, and into the sentences that come before everything else.

use std::collections::BTreeMap;

use models::demand::Demand;
use models::loss::{self, Left};
use models::plan::{Action, Plan};
use models::rule::RuleName;
use models::site::{HostId, Placement, Site};
use planner::recover::{self, Recovered, Recovery};
use reports::run::{Lost, LowerBound};
use scenarios::Scenario;

use crate::args::Common;
use crate::diagnose::Failure;
use crate::pipeline::{self, Outcome};
use crate::progress::Progress;

/// What is asked.
#[derive(Debug, Clone, Copy)]
pub struct Asked<'a> {
    /// Hosts that are down.
    pub hosts: &'a [String],
    /// Domains all of whose hosts are down.
    pub domains: &'a [String],
    /// Leave the rules on a further loss out from the start.
    pub without_one_down: bool,
}

impl Asked<'_> {
    /// Whether anything is lost.
    #[must_use]
    pub const fn is_any(&self) -> bool {
        !self.hosts.is_empty() || !self.domains.is_empty()
    }
}

/// The hosts of these names and domains, in order of the site.
///
/// # Errors
/// A name that the site does not have, with the nearest that it has.
fn lost(site: &Site, asked: &Asked<'_>) -> Result<Vec<HostId>, Failure> {
    let mut all = Vec::new();
    for name in asked.hosts {
        let found = site.host_named(name).ok_or_else(|| {
            let help = scenarios::help_for(name, "hosts", site.hosts.iter().map(|h| h.name.as_str()));
            Failure::Usage(format!("--lost: site {} has no host `{name}`; {help}", site.name))
        })?;
        all.push(found);
    }
    for name in asked.domains {
        let d = site.domains.iter().position(|d| d.name == *name).ok_or_else(|| {
            let help = scenarios::help_for(name, "domains", site.domains.iter().map(|d| d.name.as_str()));
            Failure::Usage(format!("--lost-domain: site {} has no domain `{name}`; {help}", site.name))
        })?;
        all.extend((0..site.hosts.len()).map(HostId::at).filter(|h| site.hosts[h.index()].domains.iter().any(|x| x.index() == d)));
    }
    all.sort_unstable();
    all.dedup();
    if all.is_empty() {
        return Err(Failure::Usage(format!("--lost-domain: no host stands in {}", asked.domains.join(", "))));
    }
    Ok(all)
}

/// The names of the hosts that are lost, in order of the site; none where nothing is.
///
/// # Errors
/// A name that the site does not have, with the nearest that it has.
pub fn names_of_lost(site: &Site, asked: &Asked<'_>) -> Result<Vec<String>, Failure> {
    if !asked.is_any() {
        return Ok(Vec::new());
    }
    Ok(lost(site, asked)?.into_iter().map(|h| site.hosts[h.index()].name.clone()).collect())
}

/// Plans the restart of what a loss took down.
///
/// # Errors
/// Unknown hosts and domains; as [`pipeline::plan`].
pub fn plan(mut scenario: Scenario, common: &Common, asked: &Asked<'_>, lanes: u32) -> Result<Outcome, Failure> {
    let progress = Progress::new(common.json);
    let hosts = lost(&scenario.site, asked)?;
    let names: Vec<String> = hosts.iter().map(|h| scenario.site.hosts[h.index()].name.clone()).collect();
    let left = loss::after(&scenario.site, &hosts);
    let loads = std::mem::take(&mut scenario.loads);
    let demands = pipeline::demands(&scenario.site, loads, &scenario.grid, common.seed(), common.replications());
    let mut run = pipeline::empty_run(&left.site, &scenario.digest, common, demands.len());
    run.site_digest = models::digest::of_value(&scenario.site);
    run.unknowns.push("requests are not played, studies are not answered and no other fleet is compared after a loss".into());
    run.unknowns.push("nothing is bought and no host is switched off after a loss: plan again when the hosts are back".into());
    if let Some(today) = &left.site.today {
        let title = format!("as it stands without {}", names.join(", "));
        run.fleets.push(pipeline::fleet("today", &title, &left.site, &[], &demands, today, None));
    }
    progress.tell("looking for places");
    let plan = match recover::recover(&left, &demands, !asked.without_one_down) {
        Recovered::Runs(mut recovery) => {
            run.unknowns.extend(pipeline::side_by_side(&mut recovery.found, &recovery.demands, lanes, &progress));
            let found = &recovery.found;
            let title = "after the loss";
            let fleet = pipeline::fleet("plan", title, &found.site, &[], &recovery.demands, &found.placement, Some(found.verdicts.clone()));
            let mut plan = pipeline::plan_of(&scenario, common, found, &fleet, demands.len(), Vec::new());
            plan.lost = names.clone();
            plan.not_asked = recovery.not_asked.clone();
            run.binds = pipeline::binds(&found.verdicts);
            run.lower_bound =
                Some(LowerBound { cost_yen: found.bound.cost_yen, hosts: found.bound.hosts, because: found.bound.because.clone() });
            for name in &found.broken_before {
                run.unknowns.push(format!(
                    "what the loss left breaks the rule \"{}\" already: it is asked of the plan's end, not of the way to it",
                    name.words()
                ));
            }
            run.lost = Some(Lost {
                hosts: names.clone(),
                says: says(&names, &left, &recovery, !asked.without_one_down),
                every_rule: recovery.not_asked.is_empty(),
            });
            run.chosen = Some(run.fleets.len());
            run.fleets.push(fleet);
            Some(plan)
        }
        Recovered::DoesNotFit { conflicts } => {
            run.conflicts = conflicts;
            if let Some(first) = run.conflicts.first_mut() {
                *first = format!("without {}: {first}", names.join(", "));
            }
            run.lost = Some(Lost { hosts: names, says: Vec::new(), every_rule: true });
            None
        }
    };
    run.laws = crate::studies::laws_used(&left.site, &run.studies);
    Ok(Outcome { run, plan, demands })
}

/// `1 guest`, `3 guests`.
fn some(n: usize, one: &str) -> String {
    if n == 1 { format!("1 {one}") } else { format!("{n} {one}s") }
}

/// Names, the first eight of them.
fn listed(names: &[&str]) -> String {
    match names.len().saturating_sub(8) {
        0 => names.join(", "),
        more => format!("{} and {more} more", names[..8].join(", ")),
    }
}

/// What an operator has to know first: who starts where, what is not kept, who stays down, what else moves.
fn says(lost: &[String], left: &Left, recovery: &Recovery, kept_spare: bool) -> Vec<String> {
    let found = &recovery.found;
    let mut says = Vec::new();
    let mut starts: BTreeMap<&str, usize> = BTreeMap::new();
    let (mut moves, mut boots) = (0, Vec::new());
    for step in &found.steps {
        match &step.action {
            Action::StartGuest { host, .. } => *starts.entry(host).or_default() += 1,
            Action::MigrateGuest { .. } | Action::StopGuest { .. } => moves += 1,
            Action::BootHost { host } => boots.push(host.as_str()),
            Action::DefineGuest { .. } | Action::UndefineGuest { .. } | Action::EvacuateHost { .. } | Action::PowerOffHost { .. } => {}
        }
    }
    if !recovery.not_asked.is_empty() {
        let rules: Vec<String> = recovery.not_asked.iter().map(|n| format!("{} ({})", n.rule.words().to_uppercase(), n.why)).collect();
        let (is, names) = if lost.len() == 1 { ("is", lost[0].clone()) } else { ("are", some(lost.len(), "lost host")) };
        says.push(format!("NOT ASKED until {names} {is} back: {}.", rules.join("; ")));
    }
    let places: Vec<String> = starts.iter().map(|(host, n)| format!("{n} on {host}")).collect();
    let names: Vec<&str> = lost.iter().map(String::as_str).collect();
    let down = format!("{} {} lost", listed(&names), if lost.len() == 1 { "is" } else { "are" });
    says.push(match (left.fallen.len(), places.len()) {
        (0, 0) => format!("{down}, and no guest ran there: nothing has to start."),
        (0, _) => format!("{down}; of the guests that run nowhere start: {}.", places.join(", ")),
        (fallen, 0) => format!("{down}; of {} that ran there none starts elsewhere.", some(fallen, "guest")),
        (fallen, _) => format!("{down}; of {} that ran there start again: {}.", some(fallen, "guest"), places.join(", ")),
    });
    if !recovery.down.is_empty() {
        let mut by_why: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for (g, why) in &recovery.down {
            by_why.entry(why).or_default().push(&found.site.guests[g.index()].name);
        }
        let told: Vec<String> = by_why.iter().map(|(why, names)| format!("{} ({why})", listed(names))).collect();
        says.push(format!("{} down: {}.", if recovery.down.len() == 1 { "1 guest stays" } else { "Guests that stay" }, told.join("; ")));
    }
    if !boots.is_empty() {
        says.push(format!("{} booted: {}.", some(boots.len(), "host"), listed(&boots)));
    }
    if moves > 0 {
        let spare = kept_spare && recovery.not_asked.is_empty();
        let hint = if spare { ", so that a further loss is survived at every step; --without-one-down starts guests first" } else { "" };
        says.push(format!(
            "{} moved to make room{hint}.",
            if moves == 1 { "1 running guest is".into() } else { some(moves, "running guest") + " are" }
        ));
    }
    says
}

/// What a plan after a loss is checked on: the site that was left, its placement, and the demand with what survivors carry.
///
/// What does not follow from the plan's own words is put among the faults.
///
/// # Errors
/// Names that the site does not have.
pub fn judged(plan: &Plan, site: &Site, demands: &[Demand], faults: &mut Vec<String>) -> Result<(Site, Placement, Vec<Demand>), Failure> {
    let mut hosts = Vec::new();
    for name in &plan.lost {
        let host = site.host_named(name);
        hosts.push(
            host.ok_or_else(|| Failure::Usage(format!("the plan names a lost host `{name}`, which site {} does not have", site.name)))?,
        );
    }
    let left = loss::after(site, &hosts);
    let (_, _, placement) = pipeline::understand(&left.site, plan)?;
    let rules: Vec<RuleName> = plan.not_asked.iter().map(|n| n.rule).collect();
    if hosts.is_empty() {
        faults.push("the plan leaves rules out, and nothing is lost".into());
    }
    for rule in rules.iter().filter(|r| !recover::MAY_BE_LEFT_OUT.contains(r)) {
        faults.push(format!("the plan leaves out the rule \"{}\", which no loss excuses", rule.words()));
    }
    if plan.not_asked != recover::not_asked(&left, demands, &placement, &rules) {
        faults.push("what the rules that are not asked would say is not what a recount says".into());
    }
    let (with, demands) = recover::judged_under(&left, demands, &placement, &rules);
    Ok((with, placement, demands))
}
