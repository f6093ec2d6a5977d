//! Live migrations: how they go, and what is left where when somebody dies in the middle.
//!
//! What is left was measured on libvirt 9.0 with QEMU 7.2, by kills at random moments of migrations: never two running copies, never none
//! while the source host lives; and once in about fourteen, a copy at the source that is paused or shut off beside one that runs at
//! the target. Of deaths during post-copy nothing was measured: a host's death breaks it off (QEMU's documentation), a daemon's
//! leaves a paused copy at the source, the worst that was seen elsewhere.

use executor::host::{Address, CallError, GuestState, HowToMigrate, Reply};
use uuid::Uuid;

use super::oracle::Cause;
use super::state::{Doing, Event, MS, S, State, Stuck};

/// What a link between hosts carries, MiB/s.
const LINK_MIB_PER_S: u64 = 100;
/// After so long without a word hosts give each other up, ns: measured.
pub(super) const KEEPALIVE_NS: u64 = 32 * S;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Phase {
    /// The source waits for the target's daemon.
    Connecting,
    PreCopy,
    /// All is sent, and a daemon does not answer: the guest stands still on both sides.
    Finishing,
    PostCopy,
}

/// A migration under way.
#[derive(Debug, Clone)]
pub(super) struct Migration {
    pub(super) guest: Uuid,
    pub(super) source: String,
    pub(super) target: String,
    how: HowToMigrate,
    pub(super) phase: Phase,
    /// The call that it is the work of; nothing: somebody else's.
    call: Option<u64>,
    life: u32,
    total_bytes: u64,
    bytes_per_s: u64,
    /// When pages began to be sent, ns.
    begun_ns: u64,
    /// How long they take, ns; nothing: it never ends.
    takes_ns: Option<u64>,
    /// Bytes to go when post-copy began.
    post_copy_bytes: u64,
    /// The target has no memory for it, and will kill it.
    doomed: bool,
    /// The target's daemon has forgotten it, and the source does not know.
    forgotten: bool,
    /// Nobody will clear away the source's copy.
    left_over: bool,
    epoch: u32,
}

/// How a migration ends whose driver dies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Outcome {
    NotMoved,
    Moved,
    /// It runs at the target, and the source knows it as shut off.
    LeftShutOff,
    /// It runs at the target, and stands still at the source.
    LeftPaused,
}

/// How often of 14 each outcome was seen when the source's daemon was killed.
const OF_DAEMON: [(Outcome, u64); 4] = [(Outcome::NotMoved, 9), (Outcome::Moved, 3), (Outcome::LeftShutOff, 1), (Outcome::LeftPaused, 1)];
/// How often of 14 each outcome was seen when the client of a managed migration was killed.
const OF_CLIENT: [(Outcome, u64); 3] = [(Outcome::NotMoved, 10), (Outcome::Moved, 3), (Outcome::LeftPaused, 1)];

impl Migration {
    const fn cause(&self) -> Cause {
        match self.call {
            Some(number) => Cause::Call(number),
            None => Cause::Outsider,
        }
    }

    fn touches(&self, host: &str) -> bool {
        self.source == host || self.target == host
    }

    fn remaining_bytes(&self, now_ns: u64) -> u64 {
        let passed = now_ns.saturating_sub(self.begun_ns);
        let part = |of: u64, ns: u64| (u128::from(of) * u128::from(passed.min(ns)) / u128::from(ns.max(1))) as u64;
        match (self.phase, self.takes_ns) {
            (Phase::Connecting, _) => self.total_bytes,
            (Phase::Finishing, _) => 0,
            (Phase::PreCopy, Some(takes)) => self.total_bytes - part(self.total_bytes, takes),
            (Phase::PostCopy, Some(takes)) => self.post_copy_bytes - part(self.post_copy_bytes, takes),
            // It goes down to an eighth, and from there up and down for ever: as measured of a guest that outruns its link.
            (Phase::PreCopy | Phase::PostCopy, None) => {
                let first = (u128::from(self.total_bytes) * u128::from(S) / u128::from(self.bytes_per_s)) as u64;
                if passed < first {
                    self.total_bytes - part(self.total_bytes / 8 * 7, first)
                } else {
                    let wave = (passed - first) % (4 * S);
                    self.total_bytes / 8 + self.total_bytes / 8 / 4 * (wave / S)
                }
            }
        }
    }
}

impl State {
    /// A call that asks for a migration; nothing, where it is under way.
    pub(super) fn migrate(
        &mut self,
        number: u64,
        source: &str,
        guest: Uuid,
        to: &Address,
        how: HowToMigrate,
    ) -> Option<Result<Reply, CallError>> {
        let Some(target) = self.hosts.get(&to.name) else {
            return Some(Err(CallError::Refused(format!("Unable to resolve address '{}'", to.name))));
        };
        let (asked, right) = if how.peer_to_peer { (&to.peer_uri, &target.address.peer_uri) } else { (&to.uri, &target.address.uri) };
        if asked != right {
            return Some(Err(CallError::Refused(format!("Unable to resolve address '{asked}'"))));
        }
        if let Err(e) = self.can_leave(source, guest, &to.name) {
            return Some(Err(e));
        }
        if !how.peer_to_peer && target.doing == Doing::Hung {
            // We would have to speak to it ourselves, before the source is asked for anything.
            self.host_mut(&to.name).stuck.push(Stuck::Effect(number));
            return None;
        }
        self.begin_migration(source, guest, &to.name, how, Some(number));
        None
    }

    /// Whether a guest can be sent from here to there, as its source sees it.
    pub(super) fn can_leave(&self, source: &str, guest: Uuid, target: &str) -> Result<(), CallError> {
        let state = self.active(source, guest)?.state;
        if self.migrations.values().any(|m| m.guest == guest && m.touches(source)) {
            return Err(CallError::State(format!("another migration job is already running for domain '{}'", self.name(guest))));
        }
        if state != GuestState::Running {
            return Err(CallError::State(format!("domain is {}", state.word())));
        }
        if source == target {
            return Err(CallError::Refused(format!("Attempt to migrate guest to the same host {}", self.host(source).uuid)));
        }
        if self.natures.get(&guest).is_some_and(|n| n.local_disk) {
            return Err(CallError::Unsafe("Migration without shared storage is unsafe".into()));
        }
        Ok(())
    }

    pub(super) fn begin_migration(&mut self, source: &str, guest: Uuid, target: &str, how: HowToMigrate, call: Option<u64>) {
        self.migrations_begun += 1;
        let id = self.migrations_begun;
        let memory_kib = self.domain(source, guest).map_or(0, |d| d.memory_kib);
        let dirty = self.natures.get(&guest).map_or(0, |n| n.dirty_mib_per_s);
        let mib_per_s = how.bandwidth_mib_per_s.unwrap_or(LINK_MIB_PER_S).clamp(1, LINK_MIB_PER_S);
        let takes_ns = (dirty < mib_per_s).then(|| 300 * MS + memory_kib * S / 1024 / (mib_per_s - dirty));
        let migration = Migration {
            guest,
            source: source.to_owned(),
            target: target.to_owned(),
            how,
            phase: Phase::Connecting,
            call,
            life: self.life,
            total_bytes: memory_kib << 10,
            bytes_per_s: mib_per_s << 20,
            begun_ns: self.now_ns,
            takes_ns,
            post_copy_bytes: 0,
            doomed: false,
            forgotten: false,
            left_over: false,
            epoch: 0,
        };
        self.migrations.insert(id, migration);
        if self.host(target).doing == Doing::Hung && !self.host(target).unplugged {
            self.host_mut(target).stuck.push(Stuck::Connect(id));
        } else {
            self.connect(id);
        }
    }

    /// The target is asked to take the guest in.
    pub(super) fn connect(&mut self, id: u64) {
        let Some(m) = self.migrations.get(&id).cloned() else { return };
        let Some(at_source) = self.domain(&m.source, m.guest).cloned() else { return };
        let target = self.host(&m.target);
        let refused = if self.host(&m.source).unplugged || !target.answers() {
            Some(CallError::Refused(format!("unable to connect to server at '{}': Connection refused", m.target)))
        } else if let Some(other) = target.domains.get(&m.guest).filter(|d| d.state.is_active()) {
            Some(CallError::State(format!("domain '{}' is already active", other.definition.name)))
        } else {
            let name = &at_source.definition.name;
            let other = target.domains.values().map(|d| &d.definition).find(|d| d.uuid != m.guest && d.name == *name);
            other.map(|d| CallError::Refused(format!("domain '{name}' already exists with uuid {}", d.uuid)))
        };
        if let Some(error) = refused {
            return self.migration_fails(id, error);
        }
        let doomed = target.out_of_memory;
        let known = target.domains.get(&m.guest);
        let mut copy = at_source;
        copy.state = GuestState::PausedForMigration;
        copy.persistent = known.is_some();
        copy.autostart = known.is_some_and(|d| d.autostart);
        (copy.since_ns, copy.dirty_mib_per_s) = (self.now_ns, None);
        self.host_mut(&m.target).domains.insert(m.guest, copy);
        let now_ns = self.now_ns;
        if let Some(m) = self.migrations.get_mut(&id) {
            (m.phase, m.begun_ns, m.doomed) = (Phase::PreCopy, now_ns, doomed);
        }
        let ends = if doomed { Some(m.takes_ns.unwrap_or(4 * S) / 2) } else { m.takes_ns };
        if let Some(in_ns) = ends {
            self.schedule(in_ns, Event::Sent { migration: id, epoch: m.epoch });
        }
        self.judge(&m.cause());
    }

    /// All pages are sent (or, in post-copy, pulled); or the target kills what came in.
    pub(super) fn sent(&mut self, id: u64, epoch: u32) {
        let Some(m) = self.migrations.get(&id).filter(|m| m.epoch == epoch).cloned() else { return };
        if m.doomed {
            self.note(format!("{} has no memory for {}", m.target, self.name(m.guest)));
            self.guest_stops(&m.target, m.guest, "qemu unexpectedly closed the monitor");
            return self.judge(&m.cause());
        }
        if m.forgotten {
            return self.migration_fails(id, CallError::Refused("Cannot write data: Broken pipe".into()));
        }
        if self.host(&m.source).unplugged || self.host(&m.target).unplugged {
            return self.schedule(S, Event::Sent { migration: id, epoch });
        }
        let hung = [&m.target, &m.source].into_iter().find(|h| self.host(h).doing == Doing::Hung);
        if let Some(host) = hung {
            if m.phase == Phase::PreCopy {
                self.set_state(&m.source, m.guest, GuestState::PausedForMigration);
                self.migrations.entry(id).and_modify(|m| m.phase = Phase::Finishing);
            }
            return self.host_mut(host).stuck.push(Stuck::Finish(id));
        }
        let source = if m.left_over { Outcome::LeftPaused } else { Outcome::Moved };
        self.migration_ends(id, source);
        self.reply_of(&m, Ok(Reply::Done));
    }

    pub(super) fn finish(&mut self, id: u64) {
        if let Some(epoch) = self.migrations.get(&id).map(|m| m.epoch) {
            self.sent(id, epoch);
        }
    }

    fn set_state(&mut self, host: &str, guest: Uuid, state: GuestState) {
        if let Some(domain) = self.domain_mut(host, guest) {
            domain.state = state;
        }
    }

    fn reply_of(&mut self, m: &Migration, end: Result<Reply, CallError>) {
        if let Some(number) = m.call {
            self.reply(number, end);
        }
    }

    /// Ends a migration and leaves both hosts as the outcome says.
    fn migration_ends(&mut self, id: u64, outcome: Outcome) {
        let Some(m) = self.migrations.remove(&id) else { return };
        self.note(format!("the migration of {} from {} to {} ends: {outcome:?}", self.name(m.guest), m.source, m.target));
        if outcome == Outcome::NotMoved {
            let incoming = |d: &super::state::Domain| d.state == GuestState::PausedForMigration;
            if m.phase != Phase::Connecting && self.domain(&m.target, m.guest).is_some_and(incoming) {
                self.copy_ends(&m.target, m.guest);
            }
            if m.phase == Phase::Finishing {
                self.set_state(&m.source, m.guest, GuestState::Running);
            }
        } else {
            match outcome {
                Outcome::Moved => {
                    self.host_mut(&m.source).domains.remove(&m.guest);
                }
                Outcome::LeftShutOff => self.copy_ends(&m.source, m.guest),
                Outcome::LeftPaused => self.set_state(&m.source, m.guest, GuestState::PausedForMigration),
                Outcome::NotMoved => {}
            }
            if let Some(domain) = self.domain_mut(&m.target, m.guest) {
                (domain.state, domain.persistent) = (GuestState::Running, true);
            }
        }
        self.judge(&m.cause());
    }

    /// A migration fails, and the guest runs on where it ran.
    fn migration_fails(&mut self, id: u64, error: CallError) {
        let Some(m) = self.migrations.get(&id).cloned() else { return };
        self.migration_ends(id, Outcome::NotMoved);
        self.reply_of(&m, Err(error));
    }

    /// One of a migration's copies is about to end.
    pub(super) fn migration_loses(&mut self, host: &str, guest: Uuid, why: &str) {
        let its =
            |m: &Migration| m.guest == guest && (m.source == host || (m.target == host && m.phase != Phase::Connecting && !m.forgotten));
        let Some(id) = self.migrations.iter().find(|(_, m)| its(m)).map(|(id, _)| *id) else { return };
        let Some(m) = self.migrations.get(&id).cloned() else { return };
        let error = CallError::Refused(why.to_owned());
        if m.phase == Phase::PostCopy {
            // Half of the guest's memory is gone.
            let survivor = if m.source == host { &m.target } else { &m.source };
            self.set_state(survivor, guest, GuestState::PostCopyFailed);
            self.migrations.remove(&id);
            self.reply_of(&m, Err(error));
        } else {
            self.migration_fails(id, error);
        }
    }

    /// The migrations that wait for this target wait for nothing.
    pub(super) fn connecting_fails(&mut self, target: &str, why: &str) {
        let waits = |m: &Migration| m.target == target && m.phase == Phase::Connecting;
        let ids: Vec<u64> = self.migrations.iter().filter(|(_, m)| waits(m)).map(|(id, _)| *id).collect();
        for id in ids {
            self.migration_fails(id, CallError::Refused(why.to_owned()));
        }
    }

    fn job(&self, host: &str, guest: Uuid) -> Result<(u64, Migration), CallError> {
        self.known(host, guest)?;
        let job = self.migrations.iter().find(|(_, m)| m.guest == guest && m.source == host);
        job.map(|(id, m)| (*id, m.clone())).ok_or_else(|| CallError::State("no job is active on the domain".into()))
    }

    pub(super) fn remaining_bytes(&self, host: &str, guest: Uuid) -> Option<u64> {
        let job = self.migrations.values().find(|m| m.guest == guest && m.source == host);
        job.map(|m| m.remaining_bytes(self.now_ns))
    }

    pub(super) fn abort(&mut self, host: &str, guest: Uuid) -> Result<Reply, CallError> {
        let (id, m) = self.job(host, guest)?;
        if m.phase == Phase::PostCopy {
            return Err(CallError::State("cannot abort migration in post-copy mode".into()));
        }
        if self.host(&m.target).doing == Doing::Hung {
            self.host_mut(&m.target).stuck.push(Stuck::Abort(id));
        } else {
            self.cancel(id);
        }
        Ok(Reply::Done)
    }

    pub(super) fn cancel(&mut self, id: u64) {
        if self.migrations.get(&id).is_some_and(|m| m.phase != Phase::PostCopy) {
            self.migration_fails(id, CallError::Aborted("operation aborted: migration out job: canceled by client".into()));
        }
    }

    pub(super) fn post_copy(&mut self, host: &str, guest: Uuid) -> Result<Reply, CallError> {
        let (id, m) = self.job(host, guest)?;
        if !m.how.post_copy {
            return Err(CallError::State("switching to post-copy requires migration to be started with the post-copy flag".into()));
        }
        match m.phase {
            Phase::PostCopy => return Ok(Reply::Done),
            Phase::PreCopy if !m.forgotten => {}
            _ => return Err(CallError::State("migration is not in a state in which it can be switched to post-copy".into())),
        }
        let bytes = m.remaining_bytes(self.now_ns);
        let takes = 100 * MS + (u128::from(bytes) * u128::from(S) / u128::from(m.bytes_per_s)) as u64;
        let (now_ns, epoch) = (self.now_ns, m.epoch + 1);
        self.migrations.entry(id).and_modify(|m| {
            (m.phase, m.begun_ns, m.takes_ns, m.post_copy_bytes, m.epoch) = (Phase::PostCopy, now_ns, Some(takes), bytes, epoch);
        });
        self.set_state(&m.source, guest, GuestState::PostCopy);
        self.set_state(&m.target, guest, GuestState::Running);
        self.schedule(if m.doomed { takes / 2 } else { takes }, Event::Sent { migration: id, epoch });
        Ok(Reply::Done)
    }

    /// The link between two hosts has been silent for too long, if it still is.
    pub(super) fn link_lost(&mut self, id: u64) {
        let Some(m) = self.migrations.get(&id).cloned() else { return };
        if !self.host(&m.source).unplugged && !self.host(&m.target).unplugged {
            return;
        }
        let error = CallError::Refused("internal error: connection closed due to keepalive timeout".into());
        if m.phase == Phase::PostCopy {
            self.set_state(&m.source, m.guest, GuestState::PostCopyFailed);
            self.set_state(&m.target, m.guest, GuestState::PostCopyFailed);
            self.migrations.remove(&id);
            self.reply_of(&m, Err(error));
        } else {
            self.migration_fails(id, error);
        }
    }

    /// The migrations that touch a host.
    pub(super) fn migrations_of(&self, host: &str) -> Vec<u64> {
        self.migrations.iter().filter(|(_, m)| m.touches(host)).map(|(id, _)| *id).collect()
    }

    /// How a migration ends whose driver dies now.
    fn outcome(&mut self, m: &Migration, seen: &[(Outcome, u64)]) -> Outcome {
        let all: u64 = seen.iter().map(|(_, count)| count).sum();
        let mut draw = self.fate.below(all);
        let can_end =
            m.takes_ns.is_some() && !m.doomed && !m.forgotten && self.host(&m.target).answers() && !self.host(&m.source).unplugged;
        for (outcome, count) in seen {
            if draw < *count {
                return if can_end { *outcome } else { Outcome::NotMoved };
            }
            draw -= count;
        }
        Outcome::NotMoved
    }

    /// What becomes of migrations when a host's daemon dies.
    pub(super) fn daemon_lost(&mut self, host: &str) {
        for id in self.migrations_of(host) {
            let Some(m) = self.migrations.get(&id).cloned() else { continue };
            match m.phase {
                // QEMU pulls the pages to their end by itself.
                Phase::PostCopy => {
                    self.migrations.entry(id).and_modify(|m| m.left_over = true);
                    let left_ns = (m.begun_ns + m.takes_ns.unwrap_or(0)).saturating_sub(self.now_ns);
                    self.schedule(left_ns, Event::Sent { migration: id, epoch: m.epoch });
                }
                Phase::PreCopy | Phase::Finishing if m.source == host => {
                    let outcome = self.outcome(&m, &OF_DAEMON);
                    self.migration_ends(id, outcome);
                }
                // Whoever drives it himself speaks to the target again only when all is sent.
                Phase::PreCopy if !m.how.peer_to_peer => {
                    self.copy_ends(&m.target, m.guest);
                    self.migrations.entry(id).and_modify(|m| m.forgotten = true);
                }
                _ => self.migration_fails(id, CallError::Refused("client socket is closed".into())),
            }
        }
    }

    /// What becomes of managed migrations when we die, or when the connection of this one's call breaks.
    pub(super) fn driver_lost(&mut self, call: Option<u64>) {
        let life = self.life;
        let its = |m: &Migration| !m.how.peer_to_peer && m.call.is_some() && if call.is_some() { m.call == call } else { m.life < life };
        let ids: Vec<u64> = self.migrations.iter().filter(|(_, m)| its(m)).map(|(id, _)| *id).collect();
        for id in ids {
            let Some(m) = self.migrations.get(&id).cloned() else { continue };
            if m.phase == Phase::PostCopy {
                self.migrations.entry(id).and_modify(|m| m.left_over = true);
            } else {
                let outcome = self.outcome(&m, &OF_CLIENT);
                self.migration_ends(id, outcome);
            }
        }
    }
}
