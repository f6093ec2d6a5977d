//! One step: look, write down, act, look again. What each action needs before, does, and must be seen to have done after, on both hosts.
//!
//! The end of a call is a hint. What counts is what all hosts concerned say afterwards; a call whose end is unknown is waited for until what is seen
//! is one of *before* and *after*, and a step that finds itself *after* is done, whoever did it.

use std::collections::BTreeMap;

use models::plan::{Action, Condition, Step};
use uuid::Uuid;

use crate::carry::Run;
use crate::crew::{answered, gone, is_off};
use crate::failure::Failure;
use crate::host::{Call, CallError, Definition, GuestState, Reply, Seen};
use crate::journal::{Record, Store};
use crate::log::What;
use crate::switch::{PowerState, Switch};
use crate::turns;
use crate::whereabouts::{Copies, HostLook, Survey, Truth};

/// Why a step does not go on.
#[derive(Debug)]
pub(crate) enum Halt {
    /// It stopped, and why.
    Failed(Failure),
    /// The journal cannot be written: nothing may be done any more.
    Journal(std::io::Error),
}

impl From<Failure> for Halt {
    fn from(f: Failure) -> Self {
        Self::Failed(f)
    }
}

/// How a step ended well.
pub(crate) struct Ended {
    /// What was seen.
    pub seen: String,
    /// It was so before anything was done.
    pub already: bool,
}

fn already(seen: impl Into<String>) -> Ended {
    Ended { seen: seen.into(), already: true }
}

fn done(seen: impl Into<String>) -> Ended {
    Ended { seen: seen.into(), already: false }
}

/// How long a round of looking again waits, ms.
const AGAIN_MS: u64 = 1000;

/// Where a guest is between two hosts of a migration.
enum Between {
    /// It runs at the source alone, and no job is on it.
    Source { autostart: bool },
    /// It runs at the target alone, and the source does not know it.
    Target,
    /// It runs at the target, and the source has a left-over that does not run.
    LeftOver(GuestState),
    /// It is on its way.
    OnItsWay(String),
    /// It runs on both.
    Both,
    /// Post-copy broke off.
    Torn(String),
    /// It runs on neither.
    Neither(String),
    /// A host does not answer.
    Silent(Failure),
}

/// One step under way.
pub(crate) struct Under<'r, 'c, S> {
    pub run: &'r Run<'c, S>,
    pub step: &'r Step,
}

impl<S: Store> Under<'_, '_, S> {
    /// Does the step.
    pub(crate) async fn carry(&self) -> Result<Ended, Halt> {
        match &self.step.action {
            Action::MigrateGuest { guest, from, to } => self.migrate(guest, from, to).await,
            Action::StartGuest { guest, host } => self.start(guest, host).await,
            Action::DefineGuest { guest, host } => self.define(guest, host).await,
            Action::StopGuest { guest, host } => self.stop(guest, host).await,
            Action::UndefineGuest { guest, host } => self.undefine(guest, host).await,
            Action::EvacuateHost { host } => self.evacuate(host).await,
            Action::BootHost { host } => self.boot(host).await,
            Action::PowerOffHost { host } => self.power_off(host).await,
        }
    }

    fn uuid(&self, guest: &str) -> Result<Uuid, Failure> {
        self.run.orders.guests.get(guest).copied().ok_or_else(|| Failure::NoDefinition {
            guest: guest.into(),
            why: "no host that answers knows it, and the inventory does not say its identity".into(),
        })
    }

    fn intends(&self, act: String, seen: &str) -> Result<(), Halt> {
        self.intends_of(act, seen, None)
    }

    fn intends_of(&self, act: String, seen: &str, autostart: Option<bool>) -> Result<(), Halt> {
        let record = Record::Intent { step: self.step.number, act: act.clone(), seen: seen.into(), autostart };
        self.run.write(record).map_err(Halt::Journal)?;
        self.run.crew.say(Some(self.step.number), What::Acts { act });
        Ok(())
    }

    /// Asks a host to do something, after it was written down.
    async fn act(&self, act: String, seen: &str, host: &str, call: Call, within_s: u64) -> Result<Result<Reply, CallError>, Halt> {
        self.intends(act, seen)?;
        Ok(self.run.crew.call(host, call, within_s).await)
    }

    async fn look(&self, host: &str) -> Result<Seen, Failure> {
        answered(host, self.run.look(host).await)
    }

    async fn survey(&self) -> Survey {
        self.run.survey().await
    }

    /// The first of the step's own conditions that is not so, as a failure.
    fn conditions(&self, survey: &Survey, all: &[Condition], reserved: &BTreeMap<String, u64>) -> Result<(), Failure> {
        for c in all {
            let truth = survey.truth(c, &self.run.orders.guests, &self.run.crew.policy.room_mib, reserved);
            let is = match truth {
                Truth::Holds => continue,
                Truth::Fails(is) | Truth::Unclear(is) => is,
            };
            return Err(match c {
                Condition::MemoryFree { host, mib } => {
                    let room = self.run.crew.policy.room_mib.get(host).copied().unwrap_or(0);
                    let taken = survey.memory_taken_mib(host) + reserved.get(host).copied().unwrap_or(0);
                    let guest = match &self.step.action {
                        Action::StartGuest { guest, .. } | Action::MigrateGuest { guest, .. } => guest.clone(),
                        other => other.to_string(),
                    };
                    Failure::NoMemory { host: host.clone(), guest, needed_mib: *mib, free_mib: room.saturating_sub(taken) }
                }
                Condition::HostOn { host } | Condition::HostOff { host } | Condition::HostEmpty { host } => {
                    match survey.hosts.get(host) {
                        Some(HostLook::Silent(e)) => return Err(gone(host, e)),
                        Some(HostLook::Off(how)) if !matches!(c, Condition::HostOff { .. }) => return Err(is_off(host, how)),
                        _ => {}
                    }
                    if matches!(c, Condition::HostEmpty { .. }) && survey.seen(host).is_some() {
                        return Err(Failure::NotEmpty { host: host.clone(), guests: survey.active_on(host) });
                    }
                    let should = if matches!(c, Condition::HostOff { .. }) { "off" } else { "on" };
                    Failure::HostNotAsPlanned { host: host.clone(), should: should.into(), is }
                }
                Condition::GuestDefined { guest, host } => {
                    Failure::NotAsPlanned { guest: guest.clone(), should: format!("be known to {host}"), is }
                }
                Condition::GuestRunning { guest, host } => self.misplaced(guest, Some(host), survey),
                Condition::GuestStopped { guest } => self.misplaced(guest, None, survey),
            });
        }
        Ok(())
    }

    /// A guest that is not where it should be, by its name.
    fn misplaced(&self, guest: &str, should: Option<&str>, survey: &Survey) -> Failure {
        let copies = self.run.orders.guests.get(guest).map(|u| survey.copies(*u)).unwrap_or_default();
        misplaced(guest, should, &copies, survey)
    }

    /// The memory of a guest as the plan has it, or as it was seen where that is more, MiB.
    fn memory_mib(&self, guest: &str, seen_kib: u64) -> u64 {
        self.run.planned_mib(guest).max(seen_kib.div_ceil(1024))
    }

    /// Before a guest comes to a host: its own conditions hold, and there is room for what it really is. The room is reserved until the step ends.
    fn admit(&self, survey: &Survey, guest: &str, host: &str, seen_kib: u64) -> Result<(), Failure> {
        let reserved = self.run.reserved_but(self.step.number, survey);
        self.conditions(survey, &self.step.before, &reserved)?;
        let room = Condition::MemoryFree { host: host.to_owned(), mib: self.memory_mib(guest, seen_kib) };
        self.conditions(survey, std::slice::from_ref(&room), &reserved)?;
        self.run.reserve(self.step.number, guest, host, self.memory_mib(guest, seen_kib));
        Ok(())
    }

    /// After a step: what it is for holds on all hosts, and so do its own conditions.
    async fn confirmed(&self, seen: String) -> Result<Ended, Halt> {
        let survey = self.survey().await;
        self.conditions(&survey, &purpose(&self.step.action), &BTreeMap::new())?;
        self.conditions(&survey, &self.step.after, &BTreeMap::new())?;
        Ok(done(seen))
    }

    // ---- migration

    async fn between(&self, uuid: Uuid, guest: &str, from: &str, to: &str) -> Between {
        let looks = turns::all(vec![self.run.look(from), self.run.look(to)]).await;
        let [source, target] = looks.try_into().unwrap_or_else(|_| unreachable!("two hosts were looked at"));
        // A host that is off for sure has no running copy.
        let state = |look: &HostLook, host: &str| match look {
            HostLook::Answers(seen) => Ok(seen.guest(uuid).cloned()),
            HostLook::Off(_) => Ok(None),
            HostLook::Silent(e) => Err(gone(host, e)),
        };
        let (s, t) = match (state(&source, from), state(&target, to)) {
            (Ok(s), Ok(t)) => (s, t),
            (Err(f), _) | (_, Err(f)) => return Between::Silent(f),
        };
        let job = s.as_ref().is_some_and(|g| g.job_remaining_bytes.is_some());
        let words = || {
            let one = |g: &Option<crate::host::GuestSeen>, host: &str| match g {
                Some(g) => format!("{guest} is {} on {host}", g.state.word()),
                None => format!("{host} does not know {guest}"),
            };
            format!("{}, {}", one(&s, from), one(&t, to))
        };
        let (ss, ts) = (s.as_ref().map(|g| g.state), t.as_ref().map(|g| g.state));
        let inactive = |x: Option<GuestState>| x.is_none_or(|x| !x.is_active());
        match (ss, ts) {
            (Some(GuestState::PostCopyFailed), _) | (_, Some(GuestState::PostCopyFailed)) => Between::Torn(words()),
            (Some(a), Some(b)) if a.executes() && b.executes() => Between::Both,
            (Some(a), b) if a.executes() && inactive(b) && !job => Between::Source { autostart: s.as_ref().is_some_and(|g| g.autostart) },
            (None, Some(b)) if b.executes() => Between::Target,
            // A copy that comes in, or is on its way back, is no left-over.
            (Some(_), Some(b)) if b.executes() && t.as_ref().is_some_and(|g| g.job_remaining_bytes.is_some()) => Between::OnItsWay(words()),
            // Moved by hand, perhaps: the source has the only definition that outlives it.
            (Some(a), Some(b)) if b.executes() && !a.is_active() && t.as_ref().is_some_and(|g| !g.persistent) => {
                Between::Torn(format!("{}, and {to} would forget it when it stops: define it there", words()))
            }
            (Some(a), Some(b)) if b.executes() && !job && (a == GuestState::PausedForMigration || !a.is_active()) => Between::LeftOver(a),
            (a, b) if inactive(a) && inactive(b) => Between::Neither(words()),
            _ => Between::OnItsWay(words()),
        }
    }

    async fn migrate(&self, guest: &str, from: &str, to: &str) -> Result<Ended, Halt> {
        let uuid = self.uuid(guest)?;
        // Something of it may be under way already: ours of before, or somebody's with the same aim.
        let begun = self.settle(uuid, guest, from, to, false).await?;
        let autostart = match begun {
            Between::Target => {
                self.restore_autostart(uuid, guest, to).await?;
                let ended = self.confirmed(format!("{guest} runs on {to}, and {from} does not know it")).await?;
                return Ok(Ended { already: true, ..ended });
            }
            Between::Source { autostart } => autostart,
            Between::Neither(_) => return Err(self.lost(guest, from, to).await.into()),
            other => return Err(self.stuck(guest, from, to, other).into()),
        };
        let survey = self.survey().await;
        let alone = Condition::GuestRunning { guest: guest.to_owned(), host: from.to_owned() };
        self.conditions(&survey, std::slice::from_ref(&alone), &BTreeMap::new())?;
        let seen_kib = survey.guest_on(uuid, from).map_or(0, |g| g.memory_kib);
        self.admit(&survey, guest, to, seen_kib)?;
        let definition = self.read_definition(uuid, guest, from).await?;
        self.run.crew.definitions.admits(to, &definition).map_err(|why| refused_by(to, "admit", guest, why))?;
        let target = self.run.crew.hosts.get(to).map(|h| h.address().clone());
        let Some(target) = target else { return Err(gone(to, &CallError::Unreachable("it is not in the inventory".into())).into()) };
        let policy = self.run.crew.policy.migration;
        let seen = format!("{guest} runs on {from}, {to} does not run it");
        self.intends_of(format!("migrate {guest} from {from} to {to}"), &seen, Some(autostart))?;
        if autostart {
            self.run.note_autostart(guest);
        }
        let call = Call::Migrate { guest: uuid, to: target, how: policy.how };
        let mut end = self.follow(guest, from, call, policy.timeout_s, policy.how.post_copy.then_some(policy.post_copy_timeout_s)).await?;
        let mut aborted = false;
        if matches!(end, Err(CallError::Deadline(_))) {
            aborted = true;
            // Whether the abort is heard, and in time, only looking tells.
            let said = self
                .act(
                    format!("abort the migration of {guest}"),
                    "it did not end in time",
                    from,
                    Call::AbortJob { guest: uuid },
                    self.call_s(),
                )
                .await?;
            if let Err(e) = said {
                self.note(format!("the migration of {guest} could not be aborted: {e}"));
            }
        }
        loop {
            match self.settle(uuid, guest, from, to, true).await? {
                Between::Target => break,
                Between::Source { .. } if aborted => {
                    let seconds = policy.timeout_s;
                    return Err(Failure::NotConverged { guest: guest.into(), from: from.into(), to: to.into(), seconds }.into());
                }
                Between::Source { .. } => {
                    match self.run.look(to).await {
                        HostLook::Answers(_) => {}
                        HostLook::Off(how) => return Err(is_off(to, &format!("{how}; {guest} runs on {from}")).into()),
                        HostLook::Silent(e) => return Err(gone(to, &e).into()),
                    }
                    let why = match std::mem::replace(&mut end, Ok(Reply::Done)) {
                        Err(e) => e.to_string(),
                        Ok(_) => "it was said to be done".into(),
                    };
                    return Err(Failure::MigrationFailed { guest: guest.into(), from: from.into(), to: to.into(), why }.into());
                }
                Between::Neither(_) => return Err(self.lost(guest, from, to).await.into()),
                // What the source refused for its state was never begun: the job that is seen is somebody else's.
                Between::OnItsWay(_) if !aborted && !matches!(end, Err(CallError::State(_))) => {
                    aborted = true;
                    let seen = "it neither ended nor failed";
                    _ = self
                        .act(format!("abort the migration of {guest}"), seen, from, Call::AbortJob { guest: uuid }, self.call_s())
                        .await?;
                }
                other => return Err(self.stuck(guest, from, to, other).into()),
            }
        }
        self.restore_autostart(uuid, guest, to).await?;
        self.confirmed(format!("{guest} runs on {to}, and {from} does not know it")).await
    }

    /// Waits for a migration call; where pre-copy does not end in time and post-copy is allowed, switches over.
    async fn follow(
        &self,
        guest: &str,
        from: &str,
        call: Call,
        within_s: u64,
        post_copy_s: Option<u64>,
    ) -> Result<Result<Reply, CallError>, Halt> {
        let uuid = self.uuid(guest)?;
        let Some(host) = self.run.crew.hosts.get(from) else {
            return Ok(Err(CallError::Unreachable(format!("the inventory has no host {from}"))));
        };
        let clock = self.run.crew.clock;
        let begun = clock.monotonic_ns();
        let mut pending = host.begin(call);
        let (mut until, mut told) = (self.run.crew.deadline_ns(within_s), begun);
        let mut switched = false;
        loop {
            if let Some(end) = pending.poll() {
                return Ok(end);
            }
            let now = clock.monotonic_ns();
            if now >= until {
                let Some(more_s) = post_copy_s.filter(|_| !switched) else {
                    return Ok(Err(CallError::Deadline((now - begun) / 1_000_000_000)));
                };
                switched = true;
                until = self.run.crew.deadline_ns(more_s);
                let seen = format!("pre-copy did not end within {within_s} s");
                let said = self
                    .act(
                        format!("switch the migration of {guest} to post-copy"),
                        &seen,
                        from,
                        Call::PostCopy { guest: uuid },
                        self.call_s(),
                    )
                    .await?;
                if let Err(e) = said {
                    self.note(format!("post-copy of {guest} could not begin: {e}"));
                    return Ok(Err(CallError::Deadline((now - begun) / 1_000_000_000)));
                }
            }
            if now.saturating_sub(told) >= 10_000_000_000 {
                told = now;
                let until = match self.run.look(from).await {
                    HostLook::Answers(seen) => match seen.guest(uuid).and_then(|g| g.job_remaining_bytes) {
                        Some(left) => format!("{} MiB still to copy", left >> 20),
                        None => format!("{from} has not said that it is over; at most {within_s} s in all"),
                    },
                    HostLook::Off(how) => format!("{from} is off ({how})"),
                    HostLook::Silent(e) => format!("{from} does not answer: {e}"),
                };
                self.run.crew.say(Some(self.step.number), What::Waits { until });
            }
            turns::pause(clock, 20).await;
        }
    }

    /// Looks until a guest is at one end of a migration or is seen to be stuck; clears away what a finished migration left at its source.
    async fn settle(&self, uuid: Uuid, guest: &str, from: &str, to: &str, ours: bool) -> Result<Between, Halt> {
        // One that was found under way may take as long as one of ours.
        let policy = self.run.crew.policy;
        let within_s = if ours { policy.limits.settle_s } else { policy.migration.timeout_s + policy.limits.settle_s };
        let until = self.run.crew.deadline_ns(within_s);
        let (mut told, mut doubted) = (false, false);
        let mut cleared = 0;
        loop {
            let is = self.between(uuid, guest, from, to).await;
            let late = self.run.crew.clock.monotonic_ns() >= until;
            match is {
                Between::LeftOver(state) if cleared < 3 => {
                    cleared += 1;
                    self.clear(uuid, guest, from, to, state).await?;
                    continue;
                }
                Between::OnItsWay(_) | Between::Silent(_) | Between::LeftOver(_) if !late => {
                    // A host that is silent at the beginning stops the step at once: nothing was done yet.
                    if matches!(is, Between::Silent(_)) && !ours {
                        return Ok(is);
                    }
                    if let (Between::OnItsWay(words), false) = (&is, told) {
                        told = true;
                        self.run.crew.say(Some(self.step.number), What::Waits { until: words.clone() });
                    }
                }
                // Both at once may be the moment between two looks: it is looked at again before it is believed.
                Between::Both | Between::Neither(_) if !doubted => doubted = true,
                other => return Ok(other),
            }
            turns::pause(self.run.crew.clock, AGAIN_MS).await;
        }
    }

    /// Clears away what a finished migration left at its source: it runs at the target, and never here again.
    async fn clear(&self, uuid: Uuid, guest: &str, from: &str, to: &str, state: GuestState) -> Result<(), Halt> {
        let seen = format!("{guest} runs on {to}, and is {} on {from}", state.word());
        let (word, call) =
            if state.is_active() { ("stop", Call::Destroy { guest: uuid }) } else { ("forget", Call::Undefine { guest: uuid }) };
        if let Err(e) = self.act(format!("{word} what the migration of {guest} left on {from}"), &seen, from, call, self.call_s()).await? {
            self.note(format!("what the migration of {guest} left on {from}: {e}"));
        }
        Ok(())
    }

    /// Why a guest runs on neither host of its migration: one of them died, or it stopped by itself.
    async fn lost(&self, guest: &str, from: &str, to: &str) -> Failure {
        let survey = self.survey().await;
        let off = [from, to].into_iter().find_map(|h| match survey.hosts.get(h) {
            Some(HostLook::Off(how)) => Some(is_off(h, how)),
            Some(HostLook::Silent(e)) => Some(gone(h, e)),
            _ => None,
        });
        off.unwrap_or_else(|| self.misplaced(guest, Some(from), &survey))
    }

    fn stuck(&self, guest: &str, from: &str, to: &str, is: Between) -> Failure {
        let (guest, from, to) = (guest.to_owned(), from.to_owned(), to.to_owned());
        match is {
            Between::Both => Failure::BothRunning { guest, hosts: vec![from, to] },
            Between::Silent(f) => f,
            Between::OnItsWay(is) | Between::Torn(is) | Between::Neither(is) => Failure::MigrationStuck { guest, from, to, is },
            Between::LeftOver(state) => {
                let is = format!("it runs on {to}, and {from} keeps a left-over that is {}", state.word());
                Failure::MigrationStuck { guest, from, to, is }
            }
            Between::Source { .. } => Failure::MigrationFailed { why: "it was said to be done".into(), guest, from, to },
            Between::Target => Failure::MigrationStuck { is: format!("it runs on {to}"), guest, from, to },
        }
    }

    async fn set_autostart(&self, uuid: Uuid, guest: &str, host: &str) -> Result<(), Halt> {
        let call = Call::SetAutostart { guest: uuid, on: true };
        if let Err(e) =
            self.act(format!("let {host} start {guest} when it boots"), "it was so where it ran", host, call, self.call_s()).await?
        {
            // The guest runs where it should: that it would not come back by itself is said, and no reason to stop.
            self.note(format!("{host} could not be told to start {guest} when it boots, as its old host would have: {e}"));
        }
        Ok(())
    }

    /// Where a guest has come to: autostart as it was written down before it was moved or stopped. It does not travel.
    async fn restore_autostart(&self, uuid: Uuid, guest: &str, host: &str) -> Result<(), Halt> {
        let wanted = self.run.wants_autostart(guest);
        let has = self.look(host).await?.guest(uuid).is_some_and(|g| g.autostart);
        if wanted && !has { self.set_autostart(uuid, guest, host).await } else { Ok(()) }
    }

    // ---- definitions

    /// A guest's definition from its host, kept for the day on which that host is dead.
    async fn read_definition(&self, uuid: Uuid, guest: &str, host: &str) -> Result<Definition, Failure> {
        let found = self.run.crew.definition(uuid, host).await;
        let definition = found.map_err(|e| match &e {
            CallError::Unreachable(_) | CallError::Lost(_) | CallError::Deadline(_) => gone(host, &e),
            _ => Failure::NoDefinition { guest: guest.into(), why: format!("{host}: {e}") },
        })?;
        if let Err(e) = self.run.crew.definitions.keep(&definition) {
            self.note(format!("the definition of {guest} could not be kept: {e}"));
        }
        Ok(definition)
    }

    async fn define(&self, guest: &str, host: &str) -> Result<Ended, Halt> {
        let uuid = self.uuid(guest)?;
        let survey = self.survey().await;
        if survey.guest_on(uuid, host).is_some() {
            return Ok(already(format!("{host} knows {guest}")));
        }
        self.conditions(&survey, &self.step.before, &BTreeMap::new())?;
        // A host that has the guest knows best; then what was kept; then a template.
        // Of several, the one that runs it: a left-over may be older.
        let elsewhere = [true, false].into_iter().find_map(|active| {
            survey
                .hosts
                .keys()
                .find(|h| survey.guest_on(uuid, h).is_some_and(|g| g.state.is_active() == active && (active || g.persistent)))
        });
        let definition = match elsewhere {
            Some(other) => self.read_definition(uuid, guest, other).await?,
            None => {
                let made = self.run.crew.definitions.of(guest, uuid, host);
                made.map_err(|why| Failure::NoDefinition { guest: guest.into(), why })?
            }
        };
        if definition.uuid != uuid || definition.name != guest {
            let why = format!("it is the definition of {} ({}), not of {guest} ({uuid})", definition.name, definition.uuid);
            return Err(Failure::NoDefinition { guest: guest.into(), why }.into());
        }
        let refused = |why| refused_by(host, "define", guest, why);
        self.run.crew.definitions.admits(host, &definition).map_err(refused)?;
        let seen = format!("{host} does not know {guest}");
        let end = self.act(format!("define {guest} on {host}"), &seen, host, Call::Define { definition }, self.call_s()).await?;
        self.until(host, uuid, &end, |g| g.is_some(), || refused(said(&end))).await?;
        self.confirmed(format!("{host} knows {guest}")).await
    }

    async fn undefine(&self, guest: &str, host: &str) -> Result<Ended, Halt> {
        let uuid = self.uuid(guest)?;
        let survey = self.survey().await;
        let Some(there) = survey.guest_on(uuid, host) else {
            answered(
                host,
                survey
                    .hosts
                    .get(host)
                    .cloned()
                    .unwrap_or_else(|| HostLook::Silent(CallError::Unreachable("it is not in the inventory".into()))),
            )?;
            return Ok(already(format!("{host} does not know {guest}")));
        };
        if there.state.is_active() {
            let is = format!("is {} there", there.state.word());
            return Err(Failure::NotAsPlanned { guest: guest.into(), should: format!("not run on {host}"), is }.into());
        }
        self.conditions(&survey, &self.step.before, &BTreeMap::new())?;
        let definition = self.read_definition(uuid, guest, host).await?;
        let elsewhere = survey.hosts.keys().any(|h| h != host && survey.guest_on(uuid, h).is_some_and(|g| g.persistent));
        if !elsewhere {
            // Nobody else knows it: what is forgotten here must be kept by us.
            self.run.crew.definitions.keep(&definition).map_err(|e| Failure::NoDefinition {
                guest: guest.into(),
                why: format!("{host} has the only one, and it could not be kept: {e}"),
            })?;
        }
        let seen = format!("{host} knows {guest} and does not run it");
        let end = self.act(format!("undefine {guest} on {host}"), &seen, host, Call::Undefine { guest: uuid }, self.call_s()).await?;
        let refused = || refused_by(host, "undefine", guest, said(&end));
        self.until(host, uuid, &end, |g| g.is_none(), refused).await?;
        self.confirmed(format!("{host} does not know {guest}")).await
    }

    // ---- start and stop

    async fn start(&self, guest: &str, host: &str) -> Result<Ended, Halt> {
        let uuid = self.uuid(guest)?;
        let survey = self.survey().await;
        let copies = survey.copies(uuid);
        if copies.executing.as_slice() == [host] && copies.passing.is_empty() && copies.stuck.is_empty() {
            // Ours of before, perhaps, which died between the two.
            self.restore_autostart(uuid, guest, host).await?;
            return Ok(already(format!("{guest} runs on {host}")));
        }
        // Nothing keeps a second copy from being started but this.
        if !copies.is_nowhere() {
            let silent = !copies.silent.is_empty() && copies.executing.is_empty() && copies.passing.is_empty() && copies.stuck.is_empty();
            return Err(if silent {
                Failure::Unclear { guest: guest.into(), hosts: copies.silent }
            } else {
                misplaced(guest, None, &copies, &survey)
            }
            .into());
        }
        let Some(there) = survey.guest_on(uuid, host) else {
            return Err(Failure::NoDefinition { guest: guest.into(), why: format!("{host} does not know it") }.into());
        };
        self.admit(&survey, guest, host, there.memory_kib)?;
        let start_s = self.run.crew.policy.limits.start_s;
        let seen = format!("{guest} runs nowhere, {host} knows it");
        let end = self.act(format!("start {guest} on {host}"), &seen, host, Call::Start { guest: uuid }, start_s).await?;
        let refused = || refused_by(host, "start", guest, said(&end));
        self.until(host, uuid, &end, |g| g.is_some_and(|g| g.state == GuestState::Running), refused).await?;
        self.restore_autostart(uuid, guest, host).await?;
        self.confirmed(format!("{guest} runs on {host} and nowhere else")).await
    }

    async fn stop(&self, guest: &str, host: &str) -> Result<Ended, Halt> {
        let uuid = self.uuid(guest)?;
        let survey = self.survey().await;
        let copies = survey.copies(uuid);
        if copies.is_nowhere() {
            self.stays_down(uuid, guest, host, &survey).await?;
            return Ok(already(copies.words()));
        }
        // One that is on its way down already is waited for.
        if copies.executing.as_slice() != [host] || !copies.passing.is_empty() || !copies.stuck.is_empty() {
            return Err(misplaced(guest, Some(host), &copies, &survey).into());
        }
        self.conditions(&survey, &self.step.before, &BTreeMap::new())?;
        let definition = self.read_definition(uuid, guest, host).await?;
        let persistent = survey.guest_on(uuid, host).is_some_and(|g| g.persistent);
        if !persistent {
            // It would be forgotten as soon as it stops.
            let end = self
                .act(
                    format!("define {guest} on {host}"),
                    "it would be forgotten when it stops",
                    host,
                    Call::Define { definition },
                    self.call_s(),
                )
                .await?;
            let refused = || refused_by(host, "define", guest, said(&end));
            self.until(host, uuid, &end, |g| g.is_none_or(|g| g.persistent), refused).await?;
        }
        let seconds = self.run.crew.policy.limits.shut_down_s;
        let seen = format!("{guest} runs on {host}");
        let end = self.act(format!("shut down {guest} on {host}"), &seen, host, Call::ShutDown { guest: uuid }, self.call_s()).await?;
        if let Err(e) = &end {
            self.note(format!("{host} on being asked to shut down {guest}: {e}"));
        }
        if !self.is_down(uuid, host, seconds).await? {
            if !self.run.crew.policy.may_destroy.contains(guest) {
                return Err(Failure::Deaf { guest: guest.into(), host: host.into(), seconds }.into());
            }
            let seen = format!("{guest} has not shut down within {seconds} s");
            let end =
                self.act(format!("pull the plug of {guest} on {host}"), &seen, host, Call::Destroy { guest: uuid }, self.call_s()).await?;
            if let Err(e) = &end {
                self.note(format!("{host} on being asked to stop {guest}: {e}"));
            }
            if !self.is_down(uuid, host, self.run.crew.policy.limits.settle_s).await? {
                return Err(Failure::Deaf { guest: guest.into(), host: host.into(), seconds }.into());
            }
        }
        let down = self.survey().await;
        self.stays_down(uuid, guest, host, &down).await?;
        self.confirmed(format!("{guest} runs nowhere")).await
    }

    /// Once a guest is down: its host no longer starts it when it boots, wherever it runs by then. Not before, so that a guest which does not go
    /// down is as it was.
    async fn stays_down(&self, uuid: Uuid, guest: &str, host: &str, survey: &Survey) -> Result<(), Halt> {
        if !survey.guest_on(uuid, host).is_some_and(|g| g.autostart) {
            return Ok(());
        }
        let act = format!("let {host} no longer start {guest} when it boots");
        self.intends_of(act, "it is stopped", Some(true))?;
        self.run.note_autostart(guest);
        let end = self.run.crew.call(host, Call::SetAutostart { guest: uuid, on: false }, self.call_s()).await;
        let refused = || refused_by(host, "set autostart of", guest, said(&end));
        Ok(self.until(host, uuid, &end, |g| g.is_none_or(|g| !g.autostart), refused).await?)
    }

    /// Looks until a guest is down on a host, so long at most.
    async fn is_down(&self, uuid: Uuid, host: &str, within_s: u64) -> Result<bool, Failure> {
        let until = self.run.crew.deadline_ns(within_s);
        loop {
            if self.look(host).await?.guest(uuid).is_none_or(|g| !g.state.is_active()) {
                return Ok(true);
            }
            if self.run.crew.clock.monotonic_ns() >= until {
                return Ok(false);
            }
            turns::pause(self.run.crew.clock, AGAIN_MS).await;
        }
    }

    /// Looks until a guest is on a host as it should be. A call that ended is believed at once where it failed; one of unknown end is waited for.
    async fn until(
        &self,
        host: &str,
        uuid: Uuid,
        end: &Result<Reply, CallError>,
        is_so: impl Fn(Option<&crate::host::GuestSeen>) -> bool,
        refused: impl Fn() -> Failure,
    ) -> Result<(), Failure> {
        let unknown = end.as_ref().is_err_and(CallError::is_unknown);
        let patience_s = if unknown { self.run.crew.policy.limits.settle_s } else { 3 };
        let until = self.run.crew.deadline_ns(patience_s);
        loop {
            let look = self.run.look(host).await;
            if let HostLook::Answers(seen) = &look
                && is_so(seen.guest(uuid))
            {
                return Ok(());
            }
            // A refusal that is no reply lost is final; success is given a moment to show.
            let over = self.run.crew.clock.monotonic_ns() >= until || (end.is_err() && !unknown);
            if over {
                answered(host, look)?;
                return Err(match end {
                    Err(CallError::Deadline(s)) => Failure::HostHung {
                        host: host.into(),
                        why: format!("it was asked, and nothing came of it within {s} s; it may still come when the daemon wakes up"),
                    },
                    _ => refused(),
                });
            }
            turns::pause(self.run.crew.clock, AGAIN_MS).await;
        }
    }

    // ---- hosts

    async fn evacuate(&self, host: &str) -> Result<Ended, Halt> {
        let survey = self.survey().await;
        self.conditions(&survey, &self.step.before, &BTreeMap::new())?;
        let empty = Condition::HostEmpty { host: host.to_owned() };
        self.conditions(&survey, std::slice::from_ref(&empty), &BTreeMap::new())?;
        self.conditions(&survey, &self.step.after, &BTreeMap::new())?;
        Ok(already(format!("nothing runs on {host}")))
    }

    async fn boot(&self, host: &str) -> Result<Ended, Halt> {
        let look = self.run.look(host).await;
        if matches!(look, HostLook::Answers(_)) {
            return Ok(already(format!("{host} answers")));
        }
        let limits = self.run.crew.policy.limits;
        let failed = |why| Failure::Power { host: host.into(), way: "on".into(), why };
        if self.run.crew.policy.fenced.contains(host) {
            return Err(failed("the operator says that it stays off (--fenced)".into()).into());
        }
        let seen = match &look {
            HostLook::Off(how) => format!("{host} is off ({how})"),
            HostLook::Silent(e) => format!("{host} does not answer: {e}"),
            HostLook::Answers(_) => unreachable!("it was asked above"),
        };
        self.switch(host, Switch::On, seen, limits.call_s).await?;
        let until = self.run.crew.deadline_ns(limits.boot_s);
        self.run.crew.say(Some(self.step.number), What::Waits { until: format!("libvirt of {host} answers, {} s at most", limits.boot_s) });
        loop {
            if let Ok(Reply::Seen(_)) = self.run.crew.call(host, Call::Look, limits.call_s).await {
                let ended = self.confirmed(format!("{host} is on and answers")).await?;
                // A host that comes back may start guests by itself that run elsewhere by now.
                let survey = self.survey().await;
                for (guest, uuid) in &self.run.orders.guests {
                    let copies = survey.copies(*uuid);
                    if copies.executing.len() > 1 {
                        return Err(misplaced(guest, None, &copies, &survey).into());
                    }
                }
                return Ok(ended);
            }
            if self.run.crew.clock.monotonic_ns() >= until {
                return Err(failed(format!("it was switched on, and its libvirt does not answer after {} s", limits.boot_s)).into());
            }
            turns::pause(self.run.crew.clock, 2 * AGAIN_MS).await;
        }
    }

    async fn power_off(&self, host: &str) -> Result<Ended, Halt> {
        let look = self.run.look(host).await;
        if let HostLook::Off(how) = &look {
            return Ok(already(format!("{host} is off ({how})")));
        }
        answered(host, look)?;
        let survey = self.survey().await;
        self.conditions(&survey, &self.step.before, &BTreeMap::new())?;
        let empty = Condition::HostEmpty { host: host.to_owned() };
        self.conditions(&survey, std::slice::from_ref(&empty), &BTreeMap::new())?;
        // To look at hosts that are off takes seconds: what is switched off is looked at once more.
        let guests: Vec<String> = self.look(host).await?.guests.into_iter().filter(|g| g.state.is_active()).map(|g| g.name).collect();
        if !guests.is_empty() {
            return Err(Failure::NotEmpty { host: host.into(), guests }.into());
        }
        let limits = self.run.crew.policy.limits;
        if self.switch(host, Switch::Off, format!("nothing runs on {host}"), limits.power_off_s).await? {
            self.run.note_switched_off(host);
        }
        let until = self.run.crew.deadline_ns(limits.power_off_s);
        loop {
            if let HostLook::Off(how) = self.run.look(host).await {
                return self.confirmed(format!("{host} is off ({how})")).await;
            }
            if self.run.crew.clock.monotonic_ns() >= until {
                let why = format!("it was switched off, and is not seen to be off after {} s", limits.power_off_s);
                return Err(Failure::Power { host: host.into(), way: "off".into(), why }.into());
            }
            turns::pause(self.run.crew.clock, 2 * AGAIN_MS).await;
        }
    }

    /// Switches a host; whether that was said to have worked.
    async fn switch(&self, host: &str, what: Switch, seen: String, within_s: u64) -> Result<bool, Halt> {
        let way = if what == Switch::On { "on" } else { "off" };
        if !self.run.crew.switch.can(host, what) {
            return Err(Failure::NoPowerCommand { host: host.into(), way: way.into() }.into());
        }
        self.intends(format!("power {host} {way}"), &seen)?;
        match self.run.crew.power(host, what, within_s).await {
            Some(Ok(PowerState::On | PowerState::Off)) => Ok(true),
            Some(Err(why)) => {
                // It may have happened all the same: what follows looks.
                self.note(format!("power {way} of {host}: {why}"));
                Ok(false)
            }
            None => Err(Failure::NoPowerCommand { host: host.into(), way: way.into() }.into()),
        }
    }

    fn call_s(&self) -> u64 {
        self.run.crew.policy.limits.call_s
    }

    fn note(&self, text: String) {
        self.run.crew.say(Some(self.step.number), What::Note { text });
    }
}

/// What must be so after an action, whatever the plan says of it.
pub(crate) fn purpose(action: &Action) -> Vec<Condition> {
    match action.clone() {
        Action::MigrateGuest { guest, to: host, .. } | Action::StartGuest { guest, host } => vec![Condition::GuestRunning { guest, host }],
        Action::DefineGuest { guest, host } => vec![Condition::GuestDefined { guest, host }],
        Action::StopGuest { guest, .. } => vec![Condition::GuestStopped { guest }],
        Action::BootHost { host } => vec![Condition::HostOn { host }],
        Action::PowerOffHost { host } => vec![Condition::HostOff { host }],
        Action::EvacuateHost { host } => vec![Condition::HostEmpty { host }],
        // That a host does not know a guest is no condition of plans; it was looked at.
        Action::UndefineGuest { .. } => Vec::new(),
    }
}

/// A host that did not do what it was asked.
fn refused_by(host: &str, call: &str, guest: &str, why: String) -> Failure {
    Failure::Refused { host: host.into(), call: call.into(), guest: guest.into(), why }
}

/// What came of a call, for people.
fn said(end: &Result<Reply, CallError>) -> String {
    match end {
        Err(e) => e.to_string(),
        Ok(_) => "it said that it did, and it is not so".into(),
    }
}

/// A guest that is not where it should be, by its name.
pub(crate) fn misplaced(guest: &str, should: Option<&str>, copies: &Copies, survey: &Survey) -> Failure {
    let guest = guest.to_owned();
    if copies.executing.len() > 1 {
        return Failure::BothRunning { guest, hosts: copies.executing.clone() };
    }
    if let Some(host) = should {
        match survey.hosts.get(host) {
            Some(HostLook::Silent(e)) => return gone(host, e),
            Some(HostLook::Off(how)) if copies.is_nowhere() => return is_off(host, how),
            _ => {}
        }
        if copies.is_nowhere() {
            return Failure::GuestVanished { guest, host: host.to_owned() };
        }
    }
    if !copies.silent.is_empty() && copies.executing.is_empty() && copies.passing.is_empty() && copies.stuck.is_empty() {
        return Failure::Unclear { guest, hosts: copies.silent.clone() };
    }
    let should = should.map_or_else(|| "run nowhere".to_owned(), |h| format!("run on {h}"));
    Failure::NotAsPlanned { guest, should, is: format!("is {}", copies.words()) }
}
