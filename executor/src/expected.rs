//! The state that a plan says the site is in after so many of its steps, and what differs from it.

use std::collections::{BTreeMap, BTreeSet};

use models::plan::{Action, Start, Step};
use uuid::Uuid;

use crate::whereabouts::{HostLook, Survey};

/// Hosts and guests as the plan has them at some step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Expected {
    /// By host: whether it is on.
    pub on: BTreeMap<String, bool>,
    /// By guest: where it runs.
    pub runs_on: BTreeMap<String, Option<String>>,
    /// By guest: memory, MiB, and virtual CPUs.
    pub sizes: BTreeMap<String, (u64, u32)>,
}

/// Something that is not as the plan says.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Difference {
    /// A host or a guest.
    pub of: Thing,
    /// What the plan says.
    pub should: String,
    /// What is.
    pub is: String,
}

/// What a difference is about.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Thing {
    /// A host.
    Host(String),
    /// A guest.
    Guest(String),
}

impl Thing {
    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        let (Self::Host(name) | Self::Guest(name)) = self;
        name
    }
}

impl std::fmt::Display for Difference {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (Thing::Host(name) | Thing::Guest(name)) = &self.of;
        let kind = if matches!(self.of, Thing::Host(_)) { "host" } else { "guest" };
        write!(f, "{kind} {name} should {}, and {}", self.should, self.is)
    }
}

impl Expected {
    /// The state at the start.
    #[must_use]
    pub fn at(start: &Start) -> Self {
        Self {
            on: start.hosts.iter().map(|h| (h.name.clone(), h.on)).collect(),
            runs_on: start.guests.iter().map(|g| (g.name.clone(), g.runs_on.clone())).collect(),
            sizes: start.guests.iter().map(|g| (g.name.clone(), (g.memory_mib, g.vcpus))).collect(),
        }
    }

    /// The state after one more step.
    pub fn follow(&mut self, step: &Step) {
        match &step.action {
            Action::BootHost { host } => _ = self.on.insert(host.clone(), true),
            Action::PowerOffHost { host } => _ = self.on.insert(host.clone(), false),
            Action::StartGuest { guest, host } | Action::MigrateGuest { guest, to: host, .. } => {
                self.runs_on.insert(guest.clone(), Some(host.clone()));
            }
            Action::StopGuest { guest, .. } => _ = self.runs_on.insert(guest.clone(), None),
            Action::DefineGuest { .. } | Action::UndefineGuest { .. } | Action::EvacuateHost { .. } => {}
        }
    }

    /// How a host differs, if it does.
    #[must_use]
    pub fn host(&self, name: &str, survey: &Survey) -> Option<Difference> {
        let on = *self.on.get(name)?;
        let is = match (on, survey.hosts.get(name)) {
            (true, Some(HostLook::Answers(_))) | (false, Some(HostLook::Off(_))) => return None,
            (_, Some(HostLook::Answers(_))) => "is on".to_owned(),
            (_, Some(HostLook::Off(how))) => format!("is off ({how})"),
            (_, Some(HostLook::Silent(e))) => format!("does not answer, and nothing says that it is off: {e}"),
            (_, None) => "is not in the inventory".to_owned(),
        };
        Some(Difference { of: Thing::Host(name.to_owned()), should: format!("be {}", if on { "on" } else { "off" }), is })
    }

    /// How a guest differs, if it does.
    #[must_use]
    pub fn guest(&self, name: &str, uuid: Option<Uuid>, survey: &Survey) -> Option<Difference> {
        let should = self.runs_on.get(name)?;
        let copies = uuid.map(|u| survey.copies(u)).unwrap_or_default();
        let words = || match should {
            Some(host) => format!("run on {host}"),
            None => "run nowhere".to_owned(),
        };
        let differs = |is: String| Some(Difference { of: Thing::Guest(name.to_owned()), should: words(), is });
        let placed = match should {
            Some(host) => copies.executing.as_slice() == [host.as_str()] && copies.passing.is_empty() && copies.stuck.is_empty(),
            // A silent host stands for itself among the hosts that differ.
            None => copies.executing.is_empty() && copies.passing.is_empty() && copies.stuck.is_empty(),
        };
        if !placed {
            return differs(format!("is {}", copies.words()));
        }
        let (host, (mib, vcpus)) = (should.as_ref()?, *self.sizes.get(name)?);
        let seen = survey.guest_on(uuid?, host)?;
        if seen.memory_kib.div_ceil(1024) == mib && seen.vcpus == vcpus {
            return None;
        }
        Some(Difference {
            of: Thing::Guest(name.to_owned()),
            should: format!("have {mib} MiB and {vcpus} virtual CPUs"),
            is: format!("has {} MiB and {}", seen.memory_kib.div_ceil(1024), seen.vcpus),
        })
    }

    /// All that differs, but for what is excused.
    #[must_use]
    pub fn differences(&self, guests: &BTreeMap<String, Uuid>, survey: &Survey, excused: &BTreeSet<Thing>) -> Vec<Difference> {
        let hosts = self.on.keys().filter_map(|h| self.host(h, survey));
        let all = hosts.chain(self.runs_on.keys().filter_map(|g| self.guest(g, guests.get(g).copied(), survey)));
        all.filter(|d| !excused.contains(&d.of)).collect()
    }
}

/// What a step is about: what may differ while it is under way.
#[must_use]
pub fn touched(action: &Action) -> Vec<Thing> {
    match action {
        Action::BootHost { host } | Action::PowerOffHost { host } => vec![Thing::Host(host.clone())],
        Action::EvacuateHost { .. } => Vec::new(),
        Action::DefineGuest { guest, .. }
        | Action::StartGuest { guest, .. }
        | Action::StopGuest { guest, .. }
        | Action::UndefineGuest { guest, .. }
        | Action::MigrateGuest { guest, .. } => vec![Thing::Guest(guest.clone())],
    }
}

/// How far the site is along a plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Stage {
    /// It is as after so many steps: 0 is the start.
    After(u32),
    /// It is at no step. What differs from the step that it is nearest to, which is this.
    Nowhere {
        /// As after so many steps.
        nearest: u32,
        /// What differs there.
        differs: Vec<Difference>,
    },
}

/// How far the site is along a plan: the earliest step after which it would be as it is.
#[must_use]
pub fn stage(start: &Start, steps: &[Step], guests: &BTreeMap<String, Uuid>, survey: &Survey) -> Stage {
    let mut at = Expected::at(start);
    let mut differs: BTreeMap<Thing, Difference> =
        at.differences(guests, survey, &BTreeSet::new()).into_iter().map(|d| (d.of.clone(), d)).collect();
    let mut best = (0, differs.clone());
    for (done, step) in (1..).zip(steps) {
        if best.1.is_empty() {
            break;
        }
        at.follow(step);
        for thing in touched(&step.action) {
            let now = match &thing {
                Thing::Host(h) => at.host(h, survey),
                Thing::Guest(g) => at.guest(g, guests.get(g).copied(), survey),
            };
            differs.remove(&thing);
            differs.extend(now.map(|d| (thing, d)));
        }
        if differs.len() < best.1.len() {
            best = (done, differs.clone());
        }
    }
    match best {
        (done, d) if d.is_empty() => Stage::After(done),
        (nearest, d) => Stage::Nowhere { nearest, differs: d.into_values().collect() },
    }
}
