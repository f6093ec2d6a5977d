//! Before anything is done: is this a plan that may be carried out, and is the site still the one that it was made for?
//!
//! The digest of a site cannot be read off its hosts. What can be seen of it is in the plan ([`Start`](models::plan::Start)): which hosts are on, which
//! guests run where, of what size. That is held against what is, and a plan that starts from something else is stale.

use std::collections::{BTreeMap, BTreeSet};

use models::message::shown;
use models::plan::{Action, Plan};
use models::rule::Verdict;
use uuid::Uuid;

use crate::crew::{Crew, gone};
use crate::expected::{Difference, Stage, Thing, stage};
use crate::failure::Failure;
use crate::inventory::Inventory;
use crate::names::{NotOurName, check_plan_names};
use crate::rehearse;
use crate::switch::{PowerState, Switch};
use crate::turns;
use crate::whereabouts::{HostLook, Survey};

/// Why a plan is not carried out. Nothing was asked of any host but to be looked at.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The plan is of another site than the inventory.
    #[error("the plan is for site {}, and the inventory is of site {inventory}", shown(plan, 80))]
    OtherSite {
        /// The plan's.
        plan: String,
        /// The inventory's.
        inventory: String,
    },
    /// A name of the plan is none, or the inventory does not know it.
    #[error(transparent)]
    Names(#[from] NotOurName),
    /// The plan does not say what it starts from.
    #[error("the plan does not say what it starts from: it was made by an older version; make it again with `shuyaku plan`")]
    NoStart,
    /// A rule does not hold in the plan's own words.
    #[error("the plan breaks a rule by its own verdicts: {0}")]
    BreaksRule(String),
    /// Its steps contradict each other.
    #[error("step {step} of the plan contradicts those before it: {why}")]
    Contradiction {
        /// The step.
        step: u32,
        /// Why.
        why: String,
    },
    /// A step is about something that no hypervisor carries.
    #[error(
        "step {step} ({action}) is about {what}, which the plan does not list among what it starts from: a workload on the metal is not carried out from here"
    )]
    NotVirtual {
        /// The step.
        step: u32,
        /// In words.
        action: String,
        /// The host or guest.
        what: String,
    },
    /// A host of the plan is not in the inventory.
    #[error("the plan is about host {0}, which the inventory does not have")]
    UnknownHost(String),
    /// What stops a step stops it before it begins: two copies of a guest, a host that is gone or hangs.
    #[error("({name}) {0}\n    next: {next}", name = .0.name(), next = .0.next())]
    Failed(Failure),
    /// Guests cannot be told apart.
    #[error("{0}")]
    Identities(String),
    /// A host that is said to be off is on.
    #[error("host {host} is {said}, and {shows}: it is on")]
    NotOff {
        /// Which.
        host: String,
        /// Who says that it is off.
        said: String,
        /// What shows that it is on.
        shows: &'static str,
    },
    /// A host that is lost in the plan may be running.
    #[error(
        "host {0} is lost in the plan, does not answer, and nothing says that it is off: its guests may run there; make sure that it stays off, then give `--fenced {0}`"
    )]
    NotFenced(String),
    /// The site is not as the plan says at any of its steps.
    #[error("the plan is stale: {}\n  next: undo what is different, or observe and plan again from what is (`plan --replan`)", stale(*.nearest, .differs))]
    Stale {
        /// After so many steps it would be the most alike.
        nearest: u32,
        /// What differs there.
        differs: Vec<Difference>,
    },
    /// Steps were chosen that leave others before them undone.
    #[error(
        "step {missing} comes before step {wanted}, is not among those asked for, and is not done: only states in the plan's own order were judged"
    )]
    OutOfOrder {
        /// The first step that was asked for.
        wanted: u32,
        /// The first that is missing before it.
        missing: u32,
    },
    /// A step was chosen that the plan does not have.
    #[error("the plan has no step {0}: it has steps 1 to {1}")]
    NoStep(u32, usize),
}

/// What is different, a line each.
fn stale(nearest: u32, differs: &[Difference]) -> String {
    let at = if nearest == 0 { "at its start".to_owned() } else { format!("after step {nearest}, which it is nearest to,") };
    let lines: String = differs.iter().take(20).map(|d| format!("\n  {d}")).collect();
    let more = if differs.len() > 20 { format!("\n  and {} more", differs.len() - 20) } else { String::new() };
    format!(
        "{at} {} not as it says{lines}{more}",
        if differs.len() == 1 { "one thing is".into() } else { format!("{} things are", differs.len()) }
    )
}

/// A plan that may be carried out, and the site as it was seen.
#[derive(Debug, Clone, PartialEq)]
pub struct Prepared {
    /// What was seen.
    pub survey: Survey,
    /// The identity of each guest that is known.
    pub guests: BTreeMap<String, Uuid>,
    /// So many steps are done already.
    pub done: u32,
    /// Guests that run and are none of the plan's, by host.
    pub strangers: BTreeMap<String, Vec<String>>,
}

/// What can be refused of a plan without looking at a host.
///
/// # Errors
/// As [`Refusal`].
pub fn admissible(plan: &Plan, inventory: &Inventory) -> Result<(), Refusal> {
    if plan.site != inventory.site {
        return Err(Refusal::OtherSite { plan: plan.site.clone(), inventory: inventory.site.clone() });
    }
    check_plan_names(plan, inventory)?;
    let start = plan.start.as_ref().ok_or(Refusal::NoStart)?;
    let excused: BTreeSet<_> = plan.not_asked.iter().map(|n| n.rule).collect();
    for j in plan.verdicts.iter().filter(|j| !excused.contains(&j.rule)) {
        let why = match &j.verdict {
            Verdict::Holds { .. } => continue,
            Verdict::Broken { breaches, .. } => breaches.first().map_or_else(String::new, ToString::to_string),
            Verdict::Undecided { why } => why.clone(),
        };
        return Err(Refusal::BreaksRule(format!("{}: {why}", j.rule.words())));
    }
    if let Some((step, why)) = rehearse(plan).contradictions.into_iter().next() {
        return Err(Refusal::Contradiction { step, why });
    }
    let hosts: BTreeSet<&str> = start.hosts.iter().map(|h| h.name.as_str()).collect();
    let guests: BTreeSet<&str> = start.guests.iter().map(|g| g.name.as_str()).collect();
    for (due, step) in (1..).zip(&plan.steps) {
        if step.number != due {
            return Err(Refusal::Contradiction {
                step: step.number,
                why: format!("steps are numbered from 1 in order, and here {due} was due"),
            });
        }
        if step.beside >= step.number {
            let why = format!("it may begin beside {} steps before it, and there are {}", step.beside, step.number - 1);
            return Err(Refusal::Contradiction { step: step.number, why });
        }
        let (guest, on) = about(&step.action);
        let missing = on.into_iter().find(|h| !hosts.contains(h)).map(|h| format!("host {h}"));
        if let Some(what) = missing.or_else(|| guest.filter(|g| !guests.contains(g)).map(|g| format!("guest {g}"))) {
            return Err(Refusal::NotVirtual { step: step.number, action: step.action.to_string(), what });
        }
    }
    match hosts.iter().find(|h| !inventory.hosts.contains_key(**h)) {
        Some(h) => Err(Refusal::UnknownHost((*h).to_owned())),
        None => Ok(()),
    }
}

/// The guest and the hosts that an action is about.
#[must_use]
pub fn about(action: &Action) -> (Option<&str>, Vec<&str>) {
    match action {
        Action::BootHost { host } | Action::PowerOffHost { host } | Action::EvacuateHost { host } => (None, vec![host]),
        Action::DefineGuest { guest, host }
        | Action::StartGuest { guest, host }
        | Action::StopGuest { guest, host }
        | Action::UndefineGuest { guest, host } => (Some(guest), vec![host]),
        Action::MigrateGuest { guest, from, to } => (Some(guest), vec![from, to]),
    }
}

/// Looks at all hosts, and says how far the site is along the plan.
///
/// # Errors
/// As [`Refusal`].
pub fn prepare(crew: &Crew<'_>, plan: &Plan, inventory: &Inventory, only: &BTreeSet<u32>) -> Result<Prepared, Refusal> {
    admissible(plan, inventory)?;
    let (survey, guests) = seen(crew, plan, inventory)?;
    placed(plan, survey, guests, only)
}

/// How far the site, as it was seen, is along a plan that is admissible.
///
/// # Errors
/// It is at none of the plan's steps; or steps before those that were asked for are not done.
pub fn placed(plan: &Plan, survey: Survey, guests: BTreeMap<String, Uuid>, only: &BTreeSet<u32>) -> Result<Prepared, Refusal> {
    let start = plan.start.as_ref().ok_or(Refusal::NoStart)?;
    let done = match stage(start, &plan.steps, &guests, &survey) {
        Stage::After(done) => done,
        Stage::Nowhere { nearest, differs } => return Err(named(&differs, &survey).unwrap_or(Refusal::Stale { nearest, differs })),
    };
    in_order(plan, only, |n| n <= done)?;
    let strangers = survey.strangers(&guests);
    Ok(Prepared { survey, guests, done, strangers })
}

/// A host that does not answer, among what differs: it has a name and a next action of its own.
#[must_use]
pub fn named(differs: &[Difference], survey: &Survey) -> Option<Refusal> {
    differs.iter().find_map(|d| match &d.of {
        Thing::Host(host) => match survey.hosts.get(host) {
            Some(HostLook::Silent(e)) => Some(Refusal::Failed(gone(host, e))),
            _ => None,
        },
        Thing::Guest(_) => None,
    })
}

/// Looks at all hosts, and tells guests apart.
///
/// # Errors
/// A host that is said to be off and answers, a lost one that may run, two guests of one name.
pub fn seen(crew: &Crew<'_>, plan: &Plan, inventory: &Inventory) -> Result<(Survey, BTreeMap<String, Uuid>), Refusal> {
    let survey = crew.look_around();
    for host in &crew.policy.fenced {
        let not_off = |shows| Refusal::NotOff { host: host.clone(), said: "off by `--fenced`".into(), shows };
        match survey.hosts.get(host) {
            Some(HostLook::Answers(_)) => return Err(not_off("it answers")),
            Some(_) => {}
            None => return Err(Refusal::UnknownHost(host.clone())),
        }
        // A daemon that is down is no host that is down: its guests go on. Asked once: where the power is pulled, so is what would answer.
        let status = turns::run(crew.clock, crew.power(host, Switch::Status, crew.policy.limits.call_s));
        if status == Some(Ok(PowerState::On)) {
            return Err(not_off("its power status says `on`"));
        }
    }
    for host in &plan.lost {
        match survey.hosts.get(host) {
            Some(HostLook::Answers(_)) => {
                return Err(Refusal::NotOff { host: host.clone(), said: "lost in the plan".into(), shows: "it answers" });
            }
            Some(HostLook::Silent(_)) => return Err(Refusal::NotFenced(host.clone())),
            // A host that is in no inventory can have nothing of ours that we could see.
            Some(HostLook::Off(_)) | None => {}
        }
    }
    let ours: BTreeSet<&str> = plan.start.iter().flat_map(|s| &s.guests).map(|g| g.name.as_str()).collect();
    let mut guests = survey.identities(&ours).map_err(Refusal::Identities)?;
    for (name, entry) in &inventory.guests {
        let Some(uuid) = entry.uuid else { continue };
        if let Some(other) = guests.get(name).filter(|u| **u != uuid) {
            return Err(Refusal::Identities(format!("guest {name} is {uuid} in the inventory, and {other} on the hosts")));
        }
        if let Some((other, _)) = guests.iter().find(|(n, u)| **u == uuid && *n != name) {
            return Err(Refusal::Identities(format!("{uuid} is guest {name} in the inventory, and guest {other} on the hosts")));
        }
        guests.insert(name.clone(), uuid);
    }
    guests.retain(|name, _| ours.contains(name.as_str()));
    for (guest, uuid) in &guests {
        let hosts = survey.copies(*uuid).executing;
        if hosts.len() > 1 {
            return Err(Refusal::Failed(Failure::BothRunning { guest: guest.clone(), hosts }));
        }
    }
    Ok((survey, guests))
}

/// Whether every step before one that was asked for is done or asked for too.
///
/// # Errors
/// The first that is not.
pub fn in_order(plan: &Plan, only: &BTreeSet<u32>, is_done: impl Fn(u32) -> bool) -> Result<(), Refusal> {
    let Some(last) = only.last().copied() else { return Ok(()) };
    if let Some(n) = only.iter().find(|n| **n == 0 || **n as usize > plan.steps.len()) {
        return Err(Refusal::NoStep(*n, plan.steps.len()));
    }
    match (1..last).find(|n| !only.contains(n) && !is_done(*n)) {
        Some(missing) => Err(Refusal::OutOfOrder { wanted: only.iter().copied().find(|n| *n > missing).unwrap_or(last), missing }),
        None => Ok(()),
    }
}
