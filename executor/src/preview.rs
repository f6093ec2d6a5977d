//! A dry run: each step with what is there before it, what will be there after it, and whether its conditions hold; on the site as it was seen,
//! carried forward step by step. Nothing is asked of any host but to be looked at.

use std::collections::BTreeMap;

use models::plan::{Action, Plan};
use serde::Serialize;
use uuid::Uuid;

use crate::crew::Policy;
use crate::host::{GuestSeen, GuestState, HostSeen, Seen};
use crate::prepare::Prepared;
use crate::whereabouts::{HostLook, Survey, Truth};

/// A step, shown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Row {
    /// Its number.
    pub step: u32,
    /// In words.
    pub action: String,
    /// So many of the steps directly before it may still be under way.
    pub beside: u32,
    /// It is done already.
    pub already: bool,
    /// What is there.
    pub now: String,
    /// What will be there.
    pub then: String,
    /// Its conditions.
    pub checks: Vec<Check>,
    /// What an administrator would type for it.
    pub like: String,
}

/// A condition, checked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Check {
    /// In words.
    pub condition: String,
    /// `before` or `after`.
    pub when: &'static str,
    /// Whether it holds.
    pub holds: bool,
    /// What is so instead, or why it cannot be told.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub but: Option<String>,
}

/// Shows every step of a plan.
#[must_use]
pub fn preview(plan: &Plan, prepared: &Prepared, policy: &Policy) -> Vec<Row> {
    let mut at = prepared.survey.clone();
    let mut guests = prepared.guests.clone();
    let sizes: BTreeMap<&str, (u64, u32)> =
        plan.start.iter().flat_map(|s| &s.guests).map(|g| (g.name.as_str(), (g.memory_mib, g.vcpus))).collect();
    let nothing = BTreeMap::new();
    let mut rows = Vec::with_capacity(plan.steps.len());
    for step in &plan.steps {
        // A guest that no host knows yet gets a place holder: it is defined on the way.
        if let (Some(g), _) = crate::prepare::about(&step.action)
            && !guests.contains_key(g)
        {
            guests.insert(g.to_owned(), Uuid::from_u128(u128::MAX - guests.len() as u128));
        }
        // A step whose purpose is there is done, whoever did it; that a host is empty is looked at again.
        let purpose = crate::step::purpose(&step.action);
        let is_there = |c| at.truth(c, &guests, &policy.room_mib, &nothing) == Truth::Holds;
        let there = !matches!(step.action, Action::EvacuateHost { .. }) && !purpose.is_empty() && purpose.iter().all(is_there);
        let already = step.number <= prepared.done || there;
        let checks = |at: &Survey, all: &[models::plan::Condition], when| -> Vec<Check> {
            let one = |c: &models::plan::Condition| {
                let truth = at.truth(c, &guests, &policy.room_mib, &nothing);
                let (holds, but) = match truth {
                    Truth::Holds => (true, None),
                    Truth::Fails(is) | Truth::Unclear(is) => (false, Some(is)),
                };
                Check { condition: c.to_string(), when, holds, but }
            };
            all.iter().map(one).collect()
        };
        let now = words(&at, &step.action, &guests);
        let mut all = if already { Vec::new() } else { checks(&at, &step.before, "before") };
        if !already {
            follow(&mut at, &step.action, &guests, &sizes);
            all.extend(checks(&at, &step.after, "after"));
        }
        rows.push(Row {
            step: step.number,
            action: step.action.to_string(),
            beside: step.beside,
            already,
            then: words(&at, &step.action, &guests),
            now,
            checks: all,
            like: like(&step.action, policy),
        });
    }
    rows
}

/// What is there of what an action is about.
fn words(at: &Survey, action: &Action, guests: &BTreeMap<String, Uuid>) -> String {
    match action {
        Action::BootHost { host } | Action::PowerOffHost { host } | Action::EvacuateHost { host } => match at.hosts.get(host) {
            Some(HostLook::Answers(_)) => match at.active_on(host).len() {
                0 => format!("{host} is on and empty"),
                1 => format!("{host} is on with 1 guest"),
                n => format!("{host} is on with {n} guests"),
            },
            Some(HostLook::Off(how)) => format!("{host} is off ({how})"),
            Some(HostLook::Silent(e)) => format!("{host} does not answer: {e}"),
            None => format!("{host} is in no inventory"),
        },
        Action::DefineGuest { guest, host } | Action::UndefineGuest { guest, host } => {
            match guests.get(guest).and_then(|u| at.guest_on(*u, host)) {
                Some(g) => format!("{host} knows {guest}, {}", g.state.word()),
                None => format!("{host} does not know {guest}"),
            }
        }
        Action::StartGuest { guest, .. } | Action::StopGuest { guest, .. } | Action::MigrateGuest { guest, .. } => {
            let copies = guests.get(guest).map(|u| at.copies(*u)).unwrap_or_default();
            format!("{guest} is {}", copies.words())
        }
    }
}

/// The site after an action.
fn follow(at: &mut Survey, action: &Action, guests: &BTreeMap<String, Uuid>, sizes: &BTreeMap<&str, (u64, u32)>) {
    let mut on = |host: &str, change: &mut dyn FnMut(&mut Seen)| {
        if let Some(HostLook::Answers(seen)) = at.hosts.get_mut(host) {
            change(seen);
        }
    };
    let fresh = |name: &str, uuid: Uuid, state| {
        let (mib, vcpus) = sizes.get(name).copied().unwrap_or((0, 1));
        GuestSeen {
            uuid,
            name: name.to_owned(),
            state,
            persistent: true,
            autostart: false,
            memory_kib: mib * 1024,
            vcpus,
            cpu_ns: 0,
            net_bytes: 0,
            disk_bytes: 0,
            job_remaining_bytes: None,
            dirty_mib_per_s: None,
        }
    };
    let set = |seen: &mut Seen, name: &str, uuid: Uuid, state| match seen.guests.iter_mut().find(|g| g.uuid == uuid) {
        Some(g) => g.state = state,
        None => seen.guests.push(fresh(name, uuid, state)),
    };
    match action {
        Action::BootHost { host } => {
            let seen = Seen { host: booted(host), guests: Vec::new() };
            at.hosts.insert(host.clone(), HostLook::Answers(seen));
        }
        Action::PowerOffHost { host } => _ = at.hosts.insert(host.clone(), HostLook::Off("a step of this plan switches it off".into())),
        Action::EvacuateHost { .. } => {}
        Action::DefineGuest { guest, host } => {
            if let Some(uuid) = guests.get(guest) {
                on(host, &mut |s| {
                    if s.guest(*uuid).is_none() {
                        s.guests.push(fresh(guest, *uuid, GuestState::ShutOff));
                    }
                });
            }
        }
        Action::UndefineGuest { guest, host } => {
            let uuid = guests.get(guest);
            on(host, &mut |s| s.guests.retain(|g| Some(&g.uuid) != uuid));
        }
        Action::StartGuest { guest, host } => {
            if let Some(uuid) = guests.get(guest) {
                on(host, &mut |s| set(s, guest, *uuid, GuestState::Running));
            }
        }
        Action::StopGuest { guest, host } => {
            if let Some(uuid) = guests.get(guest) {
                on(host, &mut |s| set(s, guest, *uuid, GuestState::ShutOff));
            }
        }
        Action::MigrateGuest { guest, from, to } => {
            if let Some(uuid) = guests.get(guest) {
                let mut moved = None;
                on(from, &mut |s| {
                    moved = s.guests.iter().position(|g| g.uuid == *uuid).map(|i| s.guests.remove(i));
                });
                on(to, &mut |s| {
                    s.guests.retain(|g| g.uuid != *uuid);
                    s.guests.push(moved.clone().unwrap_or_else(|| fresh(guest, *uuid, GuestState::Running)));
                });
            }
        }
    }
}

/// A host that will have booted: nothing is known of it yet.
fn booted(host: &str) -> HostSeen {
    HostSeen {
        uuid: Uuid::nil(),
        hostname: host.to_owned(),
        sockets: 0,
        cores: 0,
        threads_per_core: 1,
        core_mhz: 0,
        memory_kib: 0,
        memory_free_kib: 0,
        storage_pools: Vec::new(),
        networks: Vec::new(),
    }
}

/// What an administrator would type: for reading, never run.
fn like(action: &Action, policy: &Policy) -> String {
    match action {
        Action::BootHost { host } => format!("(power on {host}, wait for its libvirt)"),
        Action::PowerOffHost { host } => format!("(power off {host})"),
        Action::EvacuateHost { host } => format!("virsh -c {host} list"),
        Action::DefineGuest { guest, host } => format!("virsh -c {host} define {guest}.xml"),
        Action::UndefineGuest { guest, host } => format!("virsh -c {host} undefine {guest}"),
        Action::StartGuest { guest, host } => format!("virsh -c {host} start {guest}"),
        Action::StopGuest { guest, host } if policy.may_destroy.contains(guest) => {
            let limit = policy.limits.shut_down_s;
            format!("virsh -c {host} shutdown {guest}; after {limit} s, if it still runs: virsh -c {host} destroy {guest}")
        }
        Action::StopGuest { guest, host } => format!("virsh -c {host} shutdown {guest}"),
        Action::MigrateGuest { guest, from, to } => {
            format!("virsh -c {from} migrate --live --persistent --undefinesource --abort-on-error {guest} {to}")
        }
    }
}
