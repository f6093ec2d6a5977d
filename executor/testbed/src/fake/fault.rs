//! Faults: what goes wrong with a call, what happens to the site, and when; written by hand or drawn from a seed.

use executor::host::{CallError, GuestState, HowToMigrate};

use super::World;
use super::chance::Chance;
use super::migration::KEEPALIVE_NS;
use super::oracle::{Cause, Kind};
use super::state::{Doing, Event, MS, S, State, Stuck};

/// What goes wrong with a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CallFault {
    /// It never reaches its host, and is never answered.
    RequestLost,
    /// It takes effect, and is never answered.
    ReplyLost,
    /// It takes effect, and the connection breaks at that moment.
    ConnectionBreaks,
    /// It does nothing, and is answered with this error.
    Fails(CallError),
    /// It takes effect, and its success is answered as this error.
    AnswersError(CallError),
    /// It takes effect so much later.
    Late {
        /// How much later, ns.
        by_ns: u64,
    },
}

/// Something that happens to the site. What cannot happen at its moment does not: a host that is off is not cut off.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Incident {
    /// A host loses its power, and perhaps gets it back.
    Cut {
        /// Which.
        host: String,
        /// It boots so much later; nothing: not by itself.
        boots_after_ns: Option<u64>,
    },
    /// A host that is off gets power.
    Boot {
        /// Which.
        host: String,
    },
    /// A host loses its power and never boots again, whatever its power command says.
    HostBreaks {
        /// Which.
        host: String,
    },
    /// A host's libvirt daemon hangs: it takes connections and answers nothing, and does all that it was asked once it is awake.
    Hang {
        /// Which.
        host: String,
        /// It wakes so much later; nothing: not by itself.
        wakes_after_ns: Option<u64>,
    },
    /// A hung daemon wakes.
    Wake {
        /// Of which host.
        host: String,
    },
    /// A host's libvirt daemon is killed; its guests run on.
    KillDaemon {
        /// Which.
        host: String,
        /// It is started again so much later; nothing: not by itself.
        restarts_after_ns: Option<u64>,
    },
    /// A killed daemon is started again.
    RestartDaemon {
        /// Of which host.
        host: String,
    },
    /// A host's network fails: it goes on, and nobody reaches it.
    Unplug {
        /// Which.
        host: String,
        /// It is mended so much later; nothing: not by itself.
        replugged_after_ns: Option<u64>,
    },
    /// A host's network is mended.
    Replug {
        /// Which.
        host: String,
    },
    /// Guests that come to a host are killed for want of memory, and none can start there.
    OutOfMemory {
        /// Which.
        host: String,
    },
    /// A host has memory again.
    MemoryFreed {
        /// Which.
        host: String,
    },
    /// A guest crashes, wherever it runs.
    CrashGuest {
        /// Which.
        guest: String,
    },
    /// Somebody destroys a guest, wherever it runs.
    DestroyGuest {
        /// Which.
        guest: String,
    },
    /// Somebody starts a guest on a host, whether it runs elsewhere or not.
    StartElsewhere {
        /// Which.
        guest: String,
        /// Where.
        host: String,
    },
    /// Somebody migrates a guest away, peer to peer.
    MigrateAway {
        /// Which.
        guest: String,
        /// Where to.
        to: String,
    },
    /// A guest does not listen any more when it is asked to shut down.
    GoesDeaf {
        /// Which.
        guest: String,
    },
    /// A guest begins to dirty its memory at this rate. A migration that begins then never ends where its link is not faster.
    GetsBusy {
        /// Which.
        guest: String,
        /// How fast, MiB/s.
        dirty_mib_per_s: u64,
    },
    /// The operator asks the executor to stop.
    StopAsked,
}

/// Which call: the n-th of a kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Nth {
    /// The kind; nothing: any.
    pub kind: Option<Kind>,
    /// From 1, over all lives of the executor.
    pub nth: u32,
}

/// A fault.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// Something goes wrong with a call.
    OfCall(Nth, CallFault),
    /// Something happens just before a call is sent.
    AtCall(Nth, Incident),
    /// Something happens at a moment, ns of virtual time.
    At(u64, Incident),
}

/// All that goes wrong in a world.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct FaultPlan(pub Vec<Fault>);

/// Whether others than the executor work on the site.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outsiders {
    /// They keep away.
    KeepAway,
    /// They destroy, start and migrate guests.
    Meddle,
}

const ACTS: [Kind; 10] = [
    Kind::Define,
    Kind::Start,
    Kind::ShutDown,
    Kind::Destroy,
    Kind::Undefine,
    Kind::Migrate,
    Kind::AbortJob,
    Kind::SetAutostart,
    Kind::PowerOn,
    Kind::PowerOff,
];

impl FaultPlan {
    /// One to three faults for this world's hosts and guests, drawn from a seed.
    #[must_use]
    pub fn random(seed: u64, world: &World, outsiders: Outsiders) -> Self {
        let mut chance = Chance::of(seed, "faults");
        let state = world.lock();
        let hosts: Vec<String> = state.hosts.keys().cloned().collect();
        let guests: Vec<String> = state.natures.values().map(|n| n.name.clone()).collect();
        drop(state);
        let count = chance.between(1, 3);
        Self((0..count).filter_map(|_| random_fault(&mut chance, &hosts, &guests, outsiders)).collect())
    }
}

fn random_fault(chance: &mut Chance, hosts: &[String], guests: &[String], outsiders: Outsiders) -> Option<Fault> {
    let nth = if chance.one_in(3) {
        Nth { kind: None, nth: chance.between(1, 120) as u32 }
    } else if chance.one_in(4) {
        Nth { kind: Some(Kind::Look), nth: chance.between(1, 60) as u32 }
    } else {
        Nth { kind: chance.pick(&ACTS).copied(), nth: chance.between(1, 4) as u32 }
    };
    if chance.below(5) < 2 {
        let error = || CallError::Refused("internal error: it did not work".into());
        let fault = match chance.below(6) {
            0 => CallFault::RequestLost,
            1 => CallFault::ReplyLost,
            2 => CallFault::ConnectionBreaks,
            3 => CallFault::Fails(error()),
            4 => CallFault::AnswersError(error()),
            _ => CallFault::Late { by_ns: chance.between(1, 3_600) * S },
        };
        return Some(Fault::OfCall(nth, fault));
    }
    let incident = random_incident(chance, hosts, guests, outsiders)?;
    Some(if chance.one_in(2) { Fault::AtCall(nth, incident) } else { Fault::At(chance.below(300_000) * MS, incident) })
}

fn random_incident(chance: &mut Chance, hosts: &[String], guests: &[String], outsiders: Outsiders) -> Option<Incident> {
    let host = chance.pick(hosts)?.clone();
    let guest = chance.pick(guests)?.clone();
    let later = if chance.one_in(3) { None } else { Some(chance.between(1, 900) * S) };
    let kinds = match outsiders {
        Outsiders::KeepAway => 9,
        Outsiders::Meddle => 12,
    };
    Some(match chance.below(kinds) {
        0 => Incident::Cut { host, boots_after_ns: later },
        1 => Incident::HostBreaks { host },
        2 => Incident::Hang { host, wakes_after_ns: later },
        3 => Incident::KillDaemon { host, restarts_after_ns: later },
        4 => Incident::Unplug { host, replugged_after_ns: later },
        5 => Incident::OutOfMemory { host },
        6 => Incident::CrashGuest { guest },
        7 => Incident::GoesDeaf { guest },
        8 => Incident::GetsBusy { guest, dirty_mib_per_s: chance.between(50, 500) },
        9 => Incident::DestroyGuest { guest },
        10 => Incident::StartElsewhere { guest, host },
        _ => Incident::MigrateAway { guest, to: host },
    })
}

impl Incident {
    /// Whether it is the end of something else.
    pub(super) const fn mends(&self) -> bool {
        matches!(self, Self::Boot { .. } | Self::Wake { .. } | Self::RestartDaemon { .. } | Self::Replug { .. } | Self::MemoryFreed { .. })
    }
}

impl State {
    /// Counts a call, lets happen what is to happen before it, and says what goes wrong with it.
    pub(super) fn fault_of(&mut self, kind: Kind) -> Option<CallFault> {
        let count = self.counts.entry(kind).or_default();
        *count += 1;
        let (of_kind, of_all) = (*count, self.begun);
        let is_due = |which: &Nth| {
            if which.kind.is_some() { which.kind == Some(kind) && which.nth == of_kind } else { u64::from(which.nth) == of_all }
        };
        let (due, later): (Vec<Fault>, Vec<Fault>) = std::mem::take(&mut self.faults).into_iter().partition(|f| match f {
            Fault::OfCall(nth, _) | Fault::AtCall(nth, _) => is_due(nth),
            Fault::At(..) => false,
        });
        self.faults = later;
        let mut found = None;
        for fault in due {
            match fault {
                Fault::OfCall(_, fault) => found = found.or(Some(fault)),
                Fault::AtCall(_, incident) | Fault::At(_, incident) => self.strike(&incident),
            }
        }
        found
    }

    fn follow(&mut self, after_ns: Option<u64>, incident: Incident) {
        if let Some(ns) = after_ns {
            self.schedule(ns, Event::Incident(incident));
        }
    }

    /// Something happens to the site.
    pub(super) fn strike(&mut self, incident: &Incident) {
        self.note(format!("{incident:?}"));
        let powered = |s: &Self, host: &str| !matches!(s.host(host).doing, Doing::Off | Doing::Dead);
        match incident {
            Incident::Cut { host, boots_after_ns } => {
                if powered(self, host) {
                    self.host_stops(host, Doing::Off, "Connection reset by peer");
                    self.follow(*boots_after_ns, Incident::Boot { host: host.clone() });
                }
            }
            Incident::Boot { host } => self.host_boots(host),
            Incident::HostBreaks { host } => self.host_stops(host, Doing::Dead, "Connection reset by peer"),
            Incident::Hang { host, wakes_after_ns } => {
                if self.host(host).doing == Doing::Up {
                    self.host_mut(host).doing = Doing::Hung;
                    self.follow(*wakes_after_ns, Incident::Wake { host: host.clone() });
                }
            }
            Incident::Wake { host } => self.wake(host),
            Incident::KillDaemon { host, restarts_after_ns } => {
                if matches!(self.host(host).doing, Doing::Up | Doing::Hung) {
                    self.break_flights(host, true);
                    self.unstick(host);
                    self.host_mut(host).doing = Doing::DaemonDown;
                    self.daemon_lost(host);
                    self.follow(*restarts_after_ns, Incident::RestartDaemon { host: host.clone() });
                }
            }
            Incident::RestartDaemon { host } => {
                if self.host(host).doing == Doing::DaemonDown {
                    self.host_mut(host).doing = Doing::Up;
                }
            }
            Incident::Unplug { host, replugged_after_ns } => {
                if powered(self, host) && !self.host(host).unplugged {
                    self.host_mut(host).unplugged = true;
                    for id in self.migrations_of(host) {
                        self.schedule(KEEPALIVE_NS, Event::LinkLost(id));
                    }
                    self.follow(*replugged_after_ns, Incident::Replug { host: host.clone() });
                }
            }
            Incident::Replug { host } => self.host_mut(host).unplugged = false,
            Incident::OutOfMemory { host } => self.host_mut(host).out_of_memory = true,
            Incident::MemoryFreed { host } => self.host_mut(host).out_of_memory = false,
            Incident::CrashGuest { guest } | Incident::DestroyGuest { guest } => {
                let guest = self.uuid(guest);
                for host in self.executing(guest) {
                    self.guest_stops(&host, guest, "the guest ended");
                }
            }
            Incident::StartElsewhere { guest, host } => self.start_elsewhere(guest, host),
            Incident::MigrateAway { guest, to } => {
                let uuid = self.uuid(guest);
                if let Some(source) = self.executing(uuid).first().cloned()
                    && self.can_leave(&source, uuid, to).is_ok()
                    && self.host(&source).answers()
                {
                    let how = HowToMigrate { peer_to_peer: true, bandwidth_mib_per_s: None, max_downtime_ms: None, post_copy: false };
                    self.begin_migration(&source, uuid, to, how, None);
                }
            }
            Incident::GoesDeaf { guest } => {
                let guest = self.uuid(guest);
                self.natures.entry(guest).and_modify(|n| n.deaf = true);
            }
            Incident::GetsBusy { guest, dirty_mib_per_s } => {
                let guest = self.uuid(guest);
                self.natures.entry(guest).and_modify(|n| n.dirty_mib_per_s = *dirty_mib_per_s);
            }
            Incident::StopAsked => self.stop_is_asked = true,
        }
        let meddles = matches!(incident, Incident::StartElsewhere { .. } | Incident::MigrateAway { .. } | Incident::DestroyGuest { .. });
        self.judge(&if meddles { Cause::Outsider } else { Cause::Nature });
    }

    fn start_elsewhere(&mut self, guest: &str, host: &str) {
        let uuid = self.uuid(guest);
        if !matches!(self.host(host).doing, Doing::Up) || self.domain(host, uuid).is_some_and(|d| d.state.is_active()) {
            return;
        }
        if self.domain(host, uuid).is_none() {
            let Some(mut copy) = self.hosts.values().find_map(|h| h.domains.get(&uuid)).cloned() else { return };
            (copy.persistent, copy.autostart, copy.state) = (false, false, GuestState::ShutOff);
            self.host_mut(host).domains.insert(uuid, copy);
        }
        self.run(host, uuid);
    }

    /// A hung daemon wakes, and does all that it was asked: whoever asked may have given up long ago.
    fn wake(&mut self, host: &str) {
        if self.host(host).doing != Doing::Hung {
            return;
        }
        self.host_mut(host).doing = Doing::Up;
        for stuck in std::mem::take(&mut self.host_mut(host).stuck) {
            let after = self.latency.between(1, 20) * MS;
            match stuck {
                Stuck::Effect(number) => self.schedule(after, Event::Effect(number)),
                Stuck::Answer(number, end) => self.schedule(after, Event::Answer(number, end)),
                Stuck::Connect(migration) => self.connect(migration),
                Stuck::Abort(migration) => self.cancel(migration),
                Stuck::Finish(migration) => self.finish(migration),
            }
        }
    }

    /// What waited for a daemon that is gone waits no more. Its own calls are broken already; those of others, who waited for it, fail.
    pub(super) fn unstick(&mut self, host: &str) {
        for stuck in std::mem::take(&mut self.host_mut(host).stuck) {
            if let Stuck::Effect(number) = stuck
                && self.flights.get(&number).is_some_and(|f| f.host != host)
            {
                self.reply(number, Err(CallError::Refused("End of file while reading data: Input/output error".into())));
            }
        }
    }
}
