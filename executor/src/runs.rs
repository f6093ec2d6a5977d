//! How runs begin: afresh from a plan, again from a journal, or backwards from a journal. What comes of it are [`Orders`] and the first words of a
//! journal; a run that cannot be begun says exactly why not, and nothing was asked of any host but to be looked at.

use std::collections::{BTreeMap, BTreeSet};

use models::message::shown;
use models::plan::{Action, Plan};

use crate::carry::Orders;
use crate::clock::Clock;
use crate::crew::Crew;
use crate::expected::{Difference, Expected, touched};
use crate::failure::Failure;
use crate::inventory::Inventory;
use crate::journal::{Begun, History, Journal, Progress, Record, Store};
use crate::prepare::{self, Prepared, Refusal};
use crate::rollback;

/// What the operator asks of a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asked {
    /// Steps; empty: all.
    pub only: BTreeSet<u32>,
    /// The most steps at once.
    pub max_parallel: u32,
    /// No step begins after this moment, ns since 1970.
    pub until_unix_ns: Option<u64>,
}

/// A run that can begin.
#[derive(Debug, Clone, PartialEq)]
pub struct Ready {
    /// What is to be done.
    pub orders: Orders,
    /// The site as it was seen.
    pub prepared: Prepared,
}

/// Why a run cannot go on or back.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotReady {
    /// The plan or the site is not such that it could be.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The run is over.
    #[error("this run {0}: there is nothing to resume")]
    Over(String),
    /// Something is neither as before a step that was under way, nor as after it, nor as the journal says.
    #[error("the site is not as the journal says:{}\n  next: undo what is different, or observe and plan again from what is (`plan --replan`)", differences(.0))]
    Moved(Vec<Difference>),
    /// A guest has another identity than when the run began.
    #[error("guest {guest} was {was} when the run began, and is {is} now")]
    OtherGuest {
        /// Which.
        guest: String,
        /// Then.
        was: uuid::Uuid,
        /// Now.
        is: uuid::Uuid,
    },
    /// The journal's own words do not go together: it was not written by a run.
    #[error("the journal's {0} is not that of the plan in it: no run has written it so")]
    Altered(&'static str),
    /// Only some steps of a way back were asked for.
    #[error("a way back is gone as a whole: leave `--only` out (`--until` ends it early, and `resume` goes on with it)")]
    InParts,
    /// There is nothing to take back.
    #[error("this run changed nothing: there is nothing to roll back")]
    NothingToRollBack,
    /// A start that was asked for was given up, and nobody knows whether it still comes.
    #[error(
        "step {step} asked {host} to start {guest}, and gave it up: it may still come. Restart the libvirt daemon of {host}, resume until that step is done, then roll back"
    )]
    MayStillCome {
        /// The step.
        step: u32,
        /// The guest.
        guest: String,
        /// The host.
        host: String,
    },
    /// Steps were begun whose end cannot be seen.
    #[error("{host} does not answer: what the run did there cannot be told; make it answer, or give `--fenced {host}`")]
    Silent {
        /// The host.
        host: String,
    },
}

fn differences(all: &[Difference]) -> String {
    let lines: String = all.iter().take(20).map(|d| format!("\n  {d}")).collect();
    if all.len() > 20 { format!("{lines}\n  and {} more", all.len() - 20) } else { lines }
}

/// A fresh run of a plan.
///
/// # Errors
/// As [`Refusal`].
pub fn begin(crew: &Crew<'_>, plan: &Plan, inventory: &Inventory, asked: &Asked) -> Result<Ready, Refusal> {
    let prepared = prepare::prepare(crew, plan, inventory, &asked.only)?;
    let orders = Orders {
        plan: plan.clone(),
        guests: prepared.guests.clone(),
        only: asked.only.clone(),
        max_parallel: asked.max_parallel,
        until_unix_ns: asked.until_unix_ns,
        done: (1..=prepared.done).collect(),
        loose: BTreeSet::new(),
        autostart: BTreeSet::new(),
    };
    Ok(Ready { orders, prepared })
}

/// A run that goes on where its journal ends.
///
/// # Errors
/// The run is over, or the site differs from the journal at something that no step under way was about.
pub fn resume(crew: &Crew<'_>, history: &History, inventory: &Inventory, asked: &Asked) -> Result<Ready, NotReady> {
    let (begun, progress) = (history.begun(), Progress::of(history));
    let plan = &begun.plan;
    if let Some(by) = &progress.rolled_back {
        return Err(NotReady::Over(format!("was rolled back by {}", shown(by, 300))));
    }
    if let Some(by) = &progress.superseded {
        return Err(NotReady::Over(format!("was given up for {}", shown(by, 300))));
    }
    let only: BTreeSet<u32> = if asked.only.is_empty() { begun.only.iter().copied().collect() } else { asked.only.clone() };
    // A run that was resumed for some of its steps has finished these.
    let left = plan.steps.iter().any(|s| (only.is_empty() || only.contains(&s.number)) && !progress.done.contains(&s.number));
    if progress.finished && !left {
        return Err(NotReady::Over("has finished".into()));
    }
    unaltered(begun)?;
    prepare::admissible(plan, inventory)?;
    let (survey, now) = prepare::seen(crew, plan, inventory)?;
    let guests = identities(&begun.guests, &now)?;
    prepare::in_order(plan, &only, |n| progress.done.contains(&n))?;
    let mut at = Expected::at(plan.start.as_ref().ok_or(Refusal::NoStart)?);
    plan.steps.iter().filter(|s| progress.done.contains(&s.number)).for_each(|s| at.follow(s));
    let loose: BTreeSet<u32> = progress.open.iter().copied().chain(progress.failed.keys().copied()).collect();
    let excused = plan.steps.iter().filter(|s| loose.contains(&s.number)).flat_map(|s| touched(&s.action)).collect();
    let differs = at.differences(&guests, &survey, &excused);
    if !differs.is_empty() {
        return Err(prepare::named(&differs, &survey).map_or_else(|| NotReady::Moved(differs), NotReady::Refused));
    }
    let strangers = survey.strangers(&guests);
    let done = (1..=plan.steps.len() as u32).take_while(|n| progress.done.contains(n)).last().unwrap_or(0);
    Ok(Ready {
        orders: Orders {
            plan: plan.clone(),
            guests: guests.clone(),
            only,
            max_parallel: asked.max_parallel,
            until_unix_ns: asked.until_unix_ns,
            done: progress.done.clone(),
            autostart: autostart(history),
            loose,
        },
        prepared: Prepared { survey, guests, done, strangers },
    })
}

/// The way back from a run.
///
/// # Errors
/// The run was rolled back already or did nothing; a host that it began something on does not answer; the site is not as the journal says.
pub fn back(crew: &Crew<'_>, history: &History, inventory: &Inventory, asked: &Asked) -> Result<Ready, NotReady> {
    let (begun, progress) = (history.begun(), Progress::of(history));
    if let Some(by) = &progress.rolled_back {
        return Err(NotReady::Over(format!("was rolled back by {}", shown(by, 300))));
    }
    if !asked.only.is_empty() {
        return Err(NotReady::InParts);
    }
    unaltered(begun)?;
    let old = &begun.plan;
    let (survey, now) = prepare::seen(crew, old, inventory)?;
    let guests = identities(&begun.guests, &now)?;
    let did: Vec<u32> = progress.order_done.iter().filter(|(_, already)| !already).map(|(n, _)| *n).collect();
    let found: Vec<u32> = progress.order_done.iter().filter(|(_, already)| *already).map(|(n, _)| *n).collect();
    let intended: BTreeSet<u32> = history
        .lines
        .iter()
        .filter_map(|l| match &l.what {
            Record::Intent { step, .. } => Some(*step),
            _ => None,
        })
        .collect();
    let begun_only: Vec<u32> = progress
        .open
        .iter()
        .chain(progress.failed.keys())
        .copied()
        .filter(|n| intended.contains(n))
        .collect::<BTreeSet<_>>()
        .into_iter()
        .collect();
    for step in old.steps.iter().filter(|s| begun_only.contains(&s.number)) {
        for host in prepare::about(&step.action).1 {
            if survey.silent_hosts().iter().any(|h| h == host) {
                return Err(NotReady::Silent { host: host.to_owned() });
            }
        }
    }
    // What a hung daemon was asked may still come: where the guest is started elsewhere by then, it would be a second copy.
    for (number, why) in &progress.failed {
        let Some(Action::StartGuest { guest, host }) = old.steps.iter().find(|s| s.number == *number).map(|s| &s.action) else { continue };
        let there = guests.get(guest).and_then(|u| survey.guest_on(*u, host)).is_some_and(|g| g.state.is_active());
        if matches!(why, Failure::HostHung { .. }) && survey.seen(host).is_some() && !there {
            return Err(NotReady::MayStillCome { step: *number, guest: guest.clone(), host: host.clone() });
        }
    }
    let plan = rollback::plan(old, &guests, &did, &found, &begun_only, &survey);
    if plan.steps.is_empty() {
        return Err(NotReady::NothingToRollBack);
    }
    prepare::admissible(&plan, inventory)?;
    let prepared = prepare::placed(&plan, survey, guests.clone(), &BTreeSet::new())?;
    let orders = Orders {
        plan,
        guests,
        only: BTreeSet::new(),
        max_parallel: asked.max_parallel,
        until_unix_ns: asked.until_unix_ns,
        done: (1..=prepared.done).collect(),
        loose: BTreeSet::new(),
        autostart: autostart(history),
    };
    Ok(Ready { orders, prepared })
}

/// Whether a journal's beginning is of the plan that stands in it. (Who can write the file can make both fit: it is refused before, where
/// others than root and we can.)
fn unaltered(begun: &Begun) -> Result<(), NotReady> {
    if begun.site != begun.plan.site {
        return Err(NotReady::Altered("site"));
    }
    if begun.plan_digest != digest(&begun.plan) {
        return Err(NotReady::Altered("digest"));
    }
    Ok(())
}

/// SHA-256 of a plan's text.
fn digest(plan: &Plan) -> String {
    models::digest::of_bytes(plan.to_text().as_bytes())
}

/// The guests of a run: as they were when it began, and those that were found since.
fn identities(was: &BTreeMap<String, uuid::Uuid>, now: &BTreeMap<String, uuid::Uuid>) -> Result<BTreeMap<String, uuid::Uuid>, NotReady> {
    let mut all = was.clone();
    for (guest, is) in now {
        let was = *all.entry(guest.clone()).or_insert(*is);
        if was != *is {
            return Err(NotReady::OtherGuest { guest: guest.clone(), was, is: *is });
        }
    }
    Ok(all)
}

/// Guests of which it was written down that their host starts them when it boots.
fn autostart(history: &History) -> BTreeSet<String> {
    let steps = &history.begun().plan.steps;
    let marked = history.lines.iter().filter_map(|l| match &l.what {
        Record::Intent { step, autostart: Some(true), .. } => steps.iter().find(|s| s.number == *step),
        _ => None,
    });
    let begun = history.begun().autostart.iter().cloned();
    begun.chain(marked.filter_map(|s| prepare::about(&s.action).0.map(str::to_owned))).collect()
}

/// The first record of a run's journal.
#[must_use]
pub fn begun(ready: &Ready, inventory: &Inventory, fenced: &BTreeSet<String>, rolls_back: Option<String>) -> Begun {
    Begun {
        tool: concat!("shuyaku ", env!("CARGO_PKG_VERSION")).into(),
        site: ready.orders.plan.site.clone(),
        plan_digest: digest(&ready.orders.plan),
        plan: ready.orders.plan.clone(),
        inventory: inventory.file.display().to_string(),
        inventory_digest: inventory.digest.clone(),
        only: ready.orders.only.iter().copied().collect(),
        max_parallel: ready.orders.max_parallel,
        fenced: fenced.iter().cloned().collect(),
        guests: ready.orders.guests.clone(),
        autostart: ready.orders.autostart.clone(),
        rolls_back,
    }
}

/// Begins a run's journal: how the run begins, and the steps that were found done already.
///
/// # Errors
/// What the system says: then nothing may be done.
pub fn open_journal<S: Store>(store: S, clock: &dyn Clock, ready: &Ready, begun: Begun) -> std::io::Result<Journal<S>> {
    let mut journal = Journal::new(store);
    journal.write(clock.now_unix_ns(), Record::Begun(Box::new(begun)))?;
    for step in &ready.orders.done {
        let seen = "the site was as after it when the run began".to_owned();
        journal.write(clock.now_unix_ns(), Record::Done { step: *step, seen, already: true })?;
    }
    Ok(journal)
}

/// Goes on with a run's journal.
///
/// # Errors
/// As [`open_journal`].
pub fn go_on<S: Store>(store: S, clock: &dyn Clock, history: &History, fenced: &BTreeSet<String>) -> std::io::Result<Journal<S>> {
    let mut journal = Journal::after(store, history);
    journal.write(clock.now_unix_ns(), Record::Resumed { fenced: fenced.iter().cloned().collect() })?;
    Ok(journal)
}
