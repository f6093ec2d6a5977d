//! What a run works with: hosts, switches, definitions, a clock and a log; and the calls on them, each with its deadline.

use std::collections::{BTreeMap, BTreeSet};
use std::future::poll_fn;
use std::task::Poll;

use uuid::Uuid;

use crate::clock::Clock;
use crate::failure::Failure;
use crate::host::{Call, CallError, Definition, Host, Reply, Seen};
use crate::inventory::{Limits, MigrationPolicy};
use crate::log::{Log, Said, What};
use crate::switch::{PowerState, PowerSwitch, Switch};
use crate::turns;
use crate::whereabouts::{HostLook, Survey};

/// Where definitions come from besides the hosts, and what a host may carry.
pub trait DefinitionSource {
    /// The definition of a guest for a host, where no host has one: kept from earlier, or made from a template.
    ///
    /// # Errors
    /// Why there is none.
    fn of(&self, guest: &str, uuid: Uuid, host: &str) -> Result<Definition, String>;
    /// Keeps a definition as a host told it, for the day on which that host is dead.
    ///
    /// # Errors
    /// Why it could not be kept.
    fn keep(&self, definition: &Definition) -> Result<(), String>;
    /// Whether the inventory lets a host carry this guest: its networks and storage pools.
    ///
    /// # Errors
    /// What it does not allow.
    fn admits(&self, host: &str, definition: &Definition) -> Result<(), String>;
}

/// What the inventory and the operator say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    /// How long things may take.
    pub limits: Limits,
    /// How guests are moved.
    pub migration: MigrationPolicy,
    /// The memory that guests may have, MiB, by host.
    pub room_mib: BTreeMap<String, u64>,
    /// Guests that may be stopped as by pulling their plug where they do not shut down.
    pub may_destroy: BTreeSet<String>,
    /// Hosts of which the operator says that they are off and stay off.
    pub fenced: BTreeSet<String>,
}

/// What a run works with.
pub struct Crew<'a> {
    /// Hosts by name: all of the inventory.
    pub hosts: &'a BTreeMap<String, Box<dyn Host>>,
    /// What switches them.
    pub switch: &'a dyn PowerSwitch,
    /// Definitions of guests.
    pub definitions: &'a dyn DefinitionSource,
    /// The clock.
    pub clock: &'a dyn Clock,
    /// Where to say what happens.
    pub log: &'a dyn Log,
    /// What the inventory and the operator say.
    pub policy: &'a Policy,
}

impl Crew<'_> {
    /// Says something.
    pub fn say(&self, step: Option<u32>, what: What) {
        self.log.say(&Said { at_unix_ns: self.clock.now_unix_ns(), step, what });
    }

    /// The moment so long from now, in the clock's own nanoseconds.
    #[must_use]
    pub fn deadline_ns(&self, within_s: u64) -> u64 {
        self.clock.monotonic_ns().saturating_add(within_s.saturating_mul(1_000_000_000))
    }

    /// Calls a host, and gives up after so long.
    ///
    /// # Errors
    /// As [`CallError`]; [`CallError::Deadline`] where it was given up.
    pub async fn call(&self, host: &str, call: Call, within_s: u64) -> Result<Reply, CallError> {
        let Some(h) = self.hosts.get(host) else { return Err(CallError::Unreachable(format!("the inventory has no host {host}"))) };
        let mut pending = h.begin(call);
        let until = self.deadline_ns(within_s);
        poll_fn(|_| match pending.poll() {
            Some(end) => Poll::Ready(end),
            None if self.clock.monotonic_ns() >= until => Poll::Ready(Err(CallError::Deadline(within_s))),
            None => Poll::Pending,
        })
        .await
    }

    /// Switches a host, or asks whether it is on; nothing where the inventory gives no way.
    pub async fn power(&self, host: &str, what: Switch, within_s: u64) -> Option<Result<PowerState, String>> {
        let mut pending = self.switch.begin(host, what)?;
        let until = self.deadline_ns(within_s);
        let end = poll_fn(|_| match pending.poll() {
            Some(end) => Poll::Ready(end),
            None if self.clock.monotonic_ns() >= until => Poll::Ready(Err(format!("no end within {within_s} s"))),
            None => Poll::Pending,
        });
        Some(end.await)
    }

    /// Looks at one host. `switched_off`: hosts that this run has switched off.
    pub async fn look(&self, host: &str, switched_off: &BTreeSet<String>) -> HostLook {
        let mut last = CallError::Unreachable(String::new());
        // A connection that broke since the last look is made anew.
        for again in 0..2 {
            match self.call(host, Call::Look, self.policy.limits.call_s).await {
                Ok(Reply::Seen(seen)) => return HostLook::Answers(seen),
                Ok(_) => last = CallError::Refused("it answered something else than was asked".into()),
                Err(e) => last = e,
            }
            if again == 0 && matches!(last, CallError::Lost(_)) {
                turns::pause(self.clock, 500).await;
            } else {
                break;
            }
        }
        if self.policy.fenced.contains(host) {
            return HostLook::Off("the operator says so".into());
        }
        match self.power(host, Switch::Status, self.policy.limits.call_s).await {
            Some(Ok(PowerState::Off)) => HostLook::Off("its power status says so".into()),
            Some(Err(_)) | None if switched_off.contains(host) => HostLook::Off("it was switched off from here".into()),
            _ => HostLook::Silent(last),
        }
    }

    /// Looks at all hosts.
    pub async fn survey(&self, switched_off: &BTreeSet<String>) -> Survey {
        let names: Vec<&String> = self.hosts.keys().collect();
        let begun_ns = self.clock.monotonic_ns();
        let looks = turns::all(names.iter().map(|n| self.look(n, switched_off)).collect()).await;
        Survey { begun_ns, hosts: names.into_iter().cloned().zip(looks).collect() }
    }

    /// Looks at all hosts, and waits until it is done.
    #[must_use]
    pub fn look_around(&self) -> Survey {
        turns::run(self.clock, self.survey(&BTreeSet::new()))
    }

    /// Reads a guest's definition from a host that knows it.
    ///
    /// # Errors
    /// As [`Crew::call`].
    pub async fn definition(&self, guest: Uuid, host: &str) -> Result<Definition, CallError> {
        match self.call(host, Call::Definition { guest }, self.policy.limits.call_s).await? {
            Reply::Definition(d) if d.uuid == guest => Ok(d),
            _ => Err(CallError::Refused("it answered something else than was asked".into())),
        }
    }
}

/// Keeps the definition of every guest that a survey shows, for the day on which its host is dead. What could not be kept is told.
#[must_use]
pub fn keep_definitions(crew: &Crew<'_>, survey: &Survey) -> Vec<String> {
    let mut told = Vec::new();
    for (host, look) in &survey.hosts {
        let HostLook::Answers(seen) = look else { continue };
        // What a host knows of a guest that runs elsewhere is of long ago.
        let elsewhere = |guest: Uuid| survey.hosts.keys().filter(|h| *h != host).any(|h| is_active(survey, guest, h));
        let guests: Vec<_> = seen.guests.iter().filter(|g| g.state.is_active() || !elsewhere(g.uuid)).collect();
        let calls = guests.iter().map(|g| crew.definition(g.uuid, host)).collect();
        for (guest, found) in guests.iter().zip(turns::run(crew.clock, turns::all(calls))) {
            let kept = found.map_err(|e| e.to_string()).and_then(|d| crew.definitions.keep(&d));
            if let Err(why) = kept {
                told.push(format!("the definition of {} on {host} was not kept: {why}", guest.name));
            }
        }
    }
    told
}

fn is_active(survey: &Survey, guest: Uuid, host: &str) -> bool {
    survey.guest_on(guest, host).is_some_and(|g| g.state.is_active())
}

/// What a host that does not answer means for a step.
#[must_use]
pub fn gone(host: &str, why: &CallError) -> Failure {
    let (host, text) = (host.to_owned(), why.to_string());
    match why {
        CallError::Deadline(_) => Failure::HostHung { host, why: text },
        CallError::Unreachable(_) | CallError::Lost(_) => Failure::HostGone { host, why: text },
        _ => Failure::Refused { host, call: Call::Look.word().into(), guest: "its guests".into(), why: text },
    }
}

/// A host that is off where the plan needs it on: it died, or somebody switched it off.
#[must_use]
pub fn is_off(host: &str, how: &str) -> Failure {
    Failure::HostGone { host: host.to_owned(), why: format!("it is off ({how})") }
}

/// What a host answers, or why a step cannot go on.
///
/// # Errors
/// It is off, or does not answer.
pub fn answered(host: &str, look: HostLook) -> Result<Seen, Failure> {
    match look {
        HostLook::Answers(seen) => Ok(seen),
        HostLook::Off(how) => Err(is_off(host, &how)),
        HostLook::Silent(e) => Err(gone(host, &e)),
    }
}
