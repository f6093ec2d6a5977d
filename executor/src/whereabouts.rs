//! Where guests are, from what all hosts say of them at a moment.
//!
//! A host that does not answer is not off: only a status command, the operator's word (`--fenced`) or our own switching-off says that.
//! What such a host may carry is *unclear*, and nothing is started anywhere while it is.

use std::collections::{BTreeMap, BTreeSet};

use models::plan::Condition;
use uuid::Uuid;

use crate::host::{CallError, GuestSeen, GuestState, Seen};

/// What is known of a host.
#[derive(Debug, Clone, PartialEq)]
pub enum HostLook {
    /// It answers: this is on it.
    Answers(Seen),
    /// It is off; how we know.
    Off(String),
    /// It does not answer, and nobody says that it is off.
    Silent(CallError),
}

/// All hosts at a moment.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Survey {
    /// When it was begun, in the clock's own nanoseconds.
    pub begun_ns: u64,
    /// By name.
    pub hosts: BTreeMap<String, HostLook>,
}

/// The copies of a guest.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Copies {
    /// Hosts on which it executes.
    pub executing: Vec<String>,
    /// Hosts on which it stands still for a migration, and whether a job is on it there.
    pub passing: Vec<(String, bool)>,
    /// Hosts on which it is active in any other way.
    pub stuck: Vec<(String, GuestState)>,
    /// Hosts that know it and do not run it.
    pub known: Vec<String>,
    /// Hosts that may have it, and do not answer.
    pub silent: Vec<String>,
}

impl Copies {
    /// Whether it is active nowhere, for sure.
    #[must_use]
    pub fn is_nowhere(&self) -> bool {
        self.executing.is_empty() && self.passing.is_empty() && self.stuck.is_empty() && self.silent.is_empty()
    }

    /// In words: `running on h1, paused for a migration on h2`.
    #[must_use]
    pub fn words(&self) -> String {
        let mut all: Vec<String> = self.executing.iter().map(|h| format!("running on {h}")).collect();
        all.extend(self.passing.iter().map(|(h, _)| format!("{} on {h}", GuestState::PausedForMigration.word())));
        all.extend(self.stuck.iter().map(|(h, s)| format!("{} on {h}", s.word())));
        if all.is_empty() {
            all.push(match self.known.as_slice() {
                [] => "known to no host that answers".into(),
                hosts => format!("shut off on {}", hosts.join(", ")),
            });
        }
        if !self.silent.is_empty() {
            all.push(format!("{} not answering", self.silent.join(", ")));
        }
        all.join(", ")
    }
}

/// Whether a condition holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Truth {
    /// It does.
    Holds,
    /// It does not: what is so instead.
    Fails(String),
    /// It cannot be told: why.
    Unclear(String),
}

impl Survey {
    /// What a host that answers has.
    #[must_use]
    pub fn seen(&self, host: &str) -> Option<&Seen> {
        match self.hosts.get(host) {
            Some(HostLook::Answers(seen)) => Some(seen),
            _ => None,
        }
    }

    /// A guest as this host has it.
    #[must_use]
    pub fn guest_on(&self, guest: Uuid, host: &str) -> Option<&GuestSeen> {
        self.seen(host)?.guest(guest)
    }

    /// The copies of a guest on all hosts.
    #[must_use]
    pub fn copies(&self, guest: Uuid) -> Copies {
        let mut found = Copies::default();
        for (name, look) in &self.hosts {
            match look {
                HostLook::Off(_) => {}
                HostLook::Silent(_) => found.silent.push(name.clone()),
                HostLook::Answers(seen) => {
                    let Some(g) = seen.guest(guest) else { continue };
                    match g.state {
                        s if s.executes() => found.executing.push(name.clone()),
                        GuestState::PausedForMigration => found.passing.push((name.clone(), g.job_remaining_bytes.is_some())),
                        s if s.is_active() => found.stuck.push((name.clone(), s)),
                        _ => found.known.push(name.clone()),
                    }
                }
            }
        }
        found
    }

    /// Memory of the guests that are active on a host, whoever they belong to, MiB, each rounded up.
    #[must_use]
    pub fn memory_taken_mib(&self, host: &str) -> u64 {
        let active = self.seen(host).into_iter().flat_map(|s| &s.guests).filter(|g| g.state.is_active());
        active.map(|g| g.memory_kib.div_ceil(1024)).sum()
    }

    /// Guests that are active on a host, by name.
    #[must_use]
    pub fn active_on(&self, host: &str) -> Vec<String> {
        let active = self.seen(host).into_iter().flat_map(|s| &s.guests).filter(|g| g.state.is_active());
        active.map(|g| g.name.clone()).collect()
    }

    /// Whether a condition of a step holds. `guests` are the identities, `room_mib` the memory that guests may have by host, `reserved_mib` what is
    /// promised there to guests that are not seen yet.
    #[must_use]
    pub fn truth(
        &self,
        condition: &Condition,
        guests: &BTreeMap<String, Uuid>,
        room_mib: &BTreeMap<String, u64>,
        reserved_mib: &BTreeMap<String, u64>,
    ) -> Truth {
        let silent = |host: &str| match self.hosts.get(host) {
            Some(HostLook::Silent(e)) => Truth::Unclear(format!("{host}: {e}")),
            Some(HostLook::Off(how)) => Truth::Fails(format!("{host} is off ({how})")),
            Some(HostLook::Answers(_)) => Truth::Fails(format!("{host} is on")),
            None => Truth::Fails(format!("the inventory has no host {host}")),
        };
        match condition {
            Condition::HostOn { host } => match self.hosts.get(host) {
                Some(HostLook::Answers(_)) => Truth::Holds,
                _ => silent(host),
            },
            Condition::HostOff { host } => match self.hosts.get(host) {
                Some(HostLook::Off(_)) => Truth::Holds,
                _ => silent(host),
            },
            Condition::HostEmpty { host } => match (self.seen(host), self.active_on(host)) {
                (Some(_), active) if active.is_empty() => Truth::Holds,
                (Some(_), active) => Truth::Fails(format!("{} on {host}", active.join(", "))),
                (None, _) if matches!(self.hosts.get(host), Some(HostLook::Off(_))) => Truth::Holds,
                (None, _) => silent(host),
            },
            Condition::MemoryFree { host, mib } => {
                if self.seen(host).is_none() {
                    return silent(host);
                }
                let room = room_mib.get(host).copied().unwrap_or(0);
                let taken = self.memory_taken_mib(host) + reserved_mib.get(host).copied().unwrap_or(0);
                match room.checked_sub(taken) {
                    Some(free) if free >= *mib => Truth::Holds,
                    free => Truth::Fails(format!("{host} has {} MiB free for guests ({taken} of {room} taken)", free.unwrap_or(0))),
                }
            }
            Condition::GuestDefined { guest, host } => match (guests.get(guest), self.seen(host)) {
                (_, None) => silent(host),
                (Some(uuid), Some(seen)) if seen.guest(*uuid).is_some() => Truth::Holds,
                _ => Truth::Fails(format!("{host} does not know {guest}")),
            },
            Condition::GuestRunning { guest, host } => {
                let Some(uuid) = guests.get(guest) else { return Truth::Fails(format!("no host knows {guest}")) };
                let copies = self.copies(*uuid);
                let alone = copies.executing.as_slice() == [host.as_str()] && copies.stuck.is_empty();
                match (alone, self.seen(host)) {
                    (true, _) => Truth::Holds,
                    (false, None) if copies.executing.is_empty() => silent(host),
                    _ => Truth::Fails(copies.words()),
                }
            }
            Condition::GuestStopped { guest } => {
                let Some(uuid) = guests.get(guest) else {
                    // Nobody knows it: it runs nowhere, if everybody answers.
                    return match self.silent_hosts() {
                        hosts if hosts.is_empty() => Truth::Holds,
                        hosts => Truth::Unclear(format!("{} not answering", hosts.join(", "))),
                    };
                };
                let copies = self.copies(*uuid);
                match (copies.is_nowhere(), copies.silent.is_empty()) {
                    (true, _) => Truth::Holds,
                    (false, false) if copies.executing.is_empty() && copies.passing.is_empty() && copies.stuck.is_empty() => {
                        Truth::Unclear(copies.words())
                    }
                    _ => Truth::Fails(copies.words()),
                }
            }
        }
    }

    /// Hosts that do not answer and are not known to be off.
    #[must_use]
    pub fn silent_hosts(&self) -> Vec<String> {
        self.hosts.iter().filter(|(_, l)| matches!(l, HostLook::Silent(_))).map(|(n, _)| n.clone()).collect()
    }

    /// The identities of guests by name, from all hosts that answer: a name of ours with two identities is an error. Others may share names as they like.
    ///
    /// # Errors
    /// A sentence that names the guest and where its two identities are.
    pub fn identities(&self, ours: &BTreeSet<&str>) -> Result<BTreeMap<String, Uuid>, String> {
        let mut found: BTreeMap<String, (Uuid, &str)> = BTreeMap::new();
        let mut reverse: BTreeMap<Uuid, &str> = BTreeMap::new();
        for (host, look) in &self.hosts {
            let HostLook::Answers(seen) = look else { continue };
            for g in &seen.guests {
                if let Some((other, there)) = found.insert(g.name.clone(), (g.uuid, host))
                    && other != g.uuid
                    && ours.contains(g.name.as_str())
                {
                    return Err(format!("two guests are named {}: {other} on {there}, and {} on {host}", g.name, g.uuid));
                }
                if let Some(other) = reverse.insert(g.uuid, &g.name)
                    && other != g.name
                    && (ours.contains(other) || ours.contains(g.name.as_str()))
                {
                    return Err(format!("guest {} is named {other} on one host, and {} on {host}", g.uuid, g.name));
                }
            }
        }
        Ok(found.into_iter().map(|(name, (uuid, _))| (name, uuid)).collect())
    }

    /// Guests that run and are none of these, by host.
    #[must_use]
    pub fn strangers(&self, guests: &BTreeMap<String, Uuid>) -> BTreeMap<String, Vec<String>> {
        let ours: BTreeSet<Uuid> = guests.values().copied().collect();
        let mut found: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for (host, look) in &self.hosts {
            let HostLook::Answers(seen) = look else { continue };
            for g in seen.guests.iter().filter(|g| g.state.is_active() && !ours.contains(&g.uuid)) {
                found.entry(host.clone()).or_default().push(g.name.clone());
            }
        }
        found
    }
}
