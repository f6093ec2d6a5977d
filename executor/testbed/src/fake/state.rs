//! The world's state: hosts, what they know of guests, and what is still to happen.

use std::collections::{BTreeMap, BTreeSet};

use executor::host::{Address, Definition, GuestSeen, GuestState, HostSeen, Seen};
use uuid::Uuid;

use super::call::{End, Flight};
use super::chance::Chance;
use super::death::{AppendCrash, CallCrash};
use super::disk::Disk;
use super::fault::{Fault, Incident};
use super::migration::Migration;
use super::oracle::{CallBegun, Cause, Happened, Kind, Violation};

/// A millisecond of virtual time, ns.
pub(super) const MS: u64 = 1_000_000;
/// A second of virtual time, ns.
pub(super) const S: u64 = 1_000_000_000;
/// Virtual time begins so many ns after 1970.
pub(super) const EPOCH_UNIX_NS: u64 = 1_700_000_000 * S;
/// Nobody waits so long: an executor that does waits for ever.
const LONGEST_NS: u64 = 365 * 86_400 * S;
/// What a host keeps for itself, MiB.
const OWN_MIB: u64 = 512;

/// What a host is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Doing {
    Off,
    /// It is broken: it takes power, and nothing comes of it.
    Dead,
    Booting,
    Up,
    /// Its libvirt daemon is gone; guests run on.
    DaemonDown,
    /// Its libvirt daemon takes connections and does nothing; guests run on.
    Hung,
    GoingDown,
}

/// What a hung daemon will do once it is awake.
#[derive(Debug, Clone)]
pub(super) enum Stuck {
    Effect(u64),
    Answer(u64, End),
    Connect(u64),
    Abort(u64),
    Finish(u64),
}

pub(super) struct Machine {
    pub(super) address: Address,
    pub(super) uuid: Uuid,
    pub(super) guest_memory_mib: u64,
    pub(super) doing: Doing,
    /// Its network cable is out: it does all as before, and nobody reaches it.
    pub(super) unplugged: bool,
    /// What comes in is killed for want of memory.
    pub(super) out_of_memory: bool,
    /// Whether there is a way to its power.
    pub(super) power: bool,
    /// Counts what it has been through: an event of an earlier epoch is void.
    pub(super) epoch: u32,
    pub(super) domains: BTreeMap<Uuid, Domain>,
    pub(super) stuck: Vec<Stuck>,
}

impl Machine {
    pub(super) fn new(index: usize, name: &str, guest_memory_mib: u64) -> Self {
        let uri = format!("fake://{name}/system");
        Self {
            address: Address { name: name.to_owned(), uri, peer_uri: format!("fake+peer://{name}/system") },
            uuid: Uuid::from_u128(0x0000_0000_0000_4000_a000_0000_0000_0000 + index as u128),
            guest_memory_mib,
            doing: Doing::Up,
            unplugged: false,
            out_of_memory: false,
            power: true,
            epoch: 0,
            domains: BTreeMap::new(),
            stuck: Vec::new(),
        }
    }

    /// What its guests hold, KiB.
    pub(super) fn held_kib(&self) -> u64 {
        self.domains.values().filter(|d| d.state.is_active()).map(|d| d.memory_kib).sum()
    }

    /// Whether its daemon answers other hosts and us.
    pub(super) const fn answers(&self) -> bool {
        matches!(self.doing, Doing::Up) && !self.unplugged
    }
}

/// What a host knows of a guest.
#[derive(Debug, Clone)]
pub(super) struct Domain {
    pub(super) definition: Definition,
    pub(super) state: GuestState,
    pub(super) persistent: bool,
    pub(super) autostart: bool,
    pub(super) memory_kib: u64,
    pub(super) vcpus: u32,
    /// Which start of the guest it is; it travels with a migration. An event of an earlier run is void.
    pub(super) run: u64,
    pub(super) since_ns: u64,
    pub(super) dirty_mib_per_s: Option<u64>,
}

/// What a guest is like, wherever it runs.
#[derive(Debug, Clone)]
pub(super) struct Nature {
    pub(super) name: String,
    /// It does not listen when it is asked to shut down.
    pub(super) deaf: bool,
    pub(super) dirty_mib_per_s: u64,
    /// Its disks are on no shared storage.
    pub(super) local_disk: bool,
}

impl Nature {
    pub(super) fn of(name: &str) -> Self {
        Self { name: name.to_owned(), deaf: false, dirty_mib_per_s: 1, local_disk: false }
    }
}

/// What is still to happen.
#[derive(Debug, Clone)]
pub(super) enum Event {
    Effect(u64),
    Answer(u64, End),
    /// Our own side says how a call ended: its host does not.
    Told(u64, End),
    Sent {
        migration: u64,
        epoch: u32,
    },
    LinkLost(u64),
    Booted {
        host: String,
        epoch: u32,
    },
    Off {
        host: String,
        epoch: u32,
    },
    PowersOff {
        guest: Uuid,
        run: u64,
    },
    Gone {
        guest: Uuid,
        run: u64,
    },
    Measured {
        guest: Uuid,
        run: u64,
    },
    Incident(Incident),
}

pub(super) struct State {
    pub(super) seed: u64,
    pub(super) now_ns: u64,
    pub(super) events: BTreeMap<(u64, u64), Event>,
    pub(super) scheduled: u64,
    pub(super) hosts: BTreeMap<String, Machine>,
    pub(super) natures: BTreeMap<Uuid, Nature>,
    pub(super) flights: BTreeMap<u64, Flight>,
    pub(super) migrations: BTreeMap<u64, Migration>,
    pub(super) migrations_begun: u64,
    pub(super) runs: u64,
    pub(super) begun: u64,
    pub(super) counts: BTreeMap<Kind, u32>,
    pub(super) faults: Vec<Fault>,
    /// Which life of the executor it is, from 0.
    pub(super) life: u32,
    pub(super) crash_at_call: Option<(u64, CallCrash)>,
    pub(super) crash_at_append: Option<(u64, AppendCrash)>,
    pub(super) full_at_append: Option<u64>,
    pub(super) crash_at_sync: bool,
    pub(super) appends: u64,
    pub(super) disks: BTreeMap<String, Disk>,
    pub(super) stop_is_asked: bool,
    pub(super) calls: Vec<CallBegun>,
    pub(super) log: Vec<Happened>,
    pub(super) violations: Vec<Violation>,
    pub(super) copies: BTreeMap<Uuid, usize>,
    pub(super) held_mib: BTreeMap<String, u64>,
    /// How long calls take.
    pub(super) latency: Chance,
    /// How what breaks off ends.
    pub(super) fate: Chance,
    /// How long guests and hosts take.
    pub(super) habits: Chance,
    /// What a dying disk keeps.
    pub(super) platter: Chance,
    /// Polls since time last moved.
    pub(super) polls: u64,
}

impl State {
    pub(super) fn new(seed: u64) -> Self {
        Self {
            seed,
            now_ns: 0,
            events: BTreeMap::new(),
            scheduled: 0,
            hosts: BTreeMap::new(),
            natures: BTreeMap::new(),
            flights: BTreeMap::new(),
            migrations: BTreeMap::new(),
            migrations_begun: 0,
            runs: 0,
            begun: 0,
            counts: BTreeMap::new(),
            faults: Vec::new(),
            life: 0,
            crash_at_call: None,
            crash_at_append: None,
            full_at_append: None,
            crash_at_sync: false,
            appends: 0,
            disks: BTreeMap::new(),
            stop_is_asked: false,
            calls: Vec::new(),
            log: Vec::new(),
            violations: Vec::new(),
            copies: BTreeMap::new(),
            held_mib: BTreeMap::new(),
            latency: Chance::of(seed, "latency"),
            fate: Chance::of(seed, "fate"),
            habits: Chance::of(seed, "habits"),
            platter: Chance::of(seed, "platter"),
            polls: 0,
        }
    }

    pub(super) fn host(&self, name: &str) -> &Machine {
        self.hosts.get(name).unwrap_or_else(|| panic!("the fake has no host `{name}`"))
    }

    pub(super) fn host_mut(&mut self, name: &str) -> &mut Machine {
        self.hosts.get_mut(name).unwrap_or_else(|| panic!("the fake has no host `{name}`"))
    }

    pub(super) fn uuid(&self, guest: &str) -> Uuid {
        let found = self.natures.iter().find(|(_, n)| n.name == guest);
        *found.unwrap_or_else(|| panic!("the fake has no guest `{guest}`")).0
    }

    pub(super) fn name(&self, guest: Uuid) -> String {
        self.natures.get(&guest).map_or_else(|| guest.to_string(), |n| n.name.clone())
    }

    pub(super) fn domain(&self, host: &str, guest: Uuid) -> Option<&Domain> {
        self.hosts.get(host)?.domains.get(&guest)
    }

    pub(super) fn domain_mut(&mut self, host: &str, guest: Uuid) -> Option<&mut Domain> {
        self.hosts.get_mut(host)?.domains.get_mut(&guest)
    }

    /// The hosts on which a guest executes.
    pub(super) fn executing(&self, guest: Uuid) -> Vec<String> {
        let runs = |h: &Machine| h.domains.get(&guest).is_some_and(|d| d.state.executes());
        self.hosts.iter().filter(|(_, h)| runs(h)).map(|(name, _)| name.clone()).collect()
    }

    pub(super) fn schedule(&mut self, in_ns: u64, event: Event) {
        self.scheduled += 1;
        self.events.insert((self.now_ns + in_ns, self.scheduled), event);
    }

    /// Lets time pass: what is due happens at its time, in order.
    pub(super) fn pass(&mut self, ns: u64) {
        self.polls = 0;
        let until = self.now_ns.saturating_add(ns);
        assert!(until < LONGEST_NS, "the executor has waited for a year of virtual time");
        while let Some(entry) = self.events.first_entry().filter(|e| e.key().0 <= until) {
            let ((at_ns, _), event) = entry.remove_entry();
            self.now_ns = at_ns;
            self.happen(event);
        }
        self.now_ns = until;
    }

    fn happen(&mut self, event: Event) {
        match event {
            Event::Effect(call) => self.take_effect(call),
            Event::Answer(call, end) => self.answer(call, end),
            Event::Told(call, end) => self.told(call, end),
            Event::Sent { migration, epoch } => self.sent(migration, epoch),
            Event::LinkLost(migration) => self.link_lost(migration),
            Event::Booted { host, epoch } if self.host(&host).epoch == epoch => self.booted(&host),
            Event::Off { host, epoch } if self.host(&host).epoch == epoch => {
                self.host_mut(&host).doing = Doing::Off;
                self.note(format!("{host} is off"));
            }
            Event::Booted { .. } | Event::Off { .. } => {}
            Event::PowersOff { guest, run } => self.powers_off(guest, run),
            Event::Gone { guest, run } => self.gone(guest, run),
            Event::Measured { guest, run } => {
                let rate = self.natures.get(&guest).map(|n| n.dirty_mib_per_s);
                for domain in self.hosts.values_mut().filter_map(|h| h.domains.get_mut(&guest)).filter(|d| d.run == run) {
                    domain.dirty_mib_per_s = rate;
                }
            }
            Event::Incident(incident) => self.strike(&incident),
        }
    }

    /// A guest that was asked to shut down does.
    fn powers_off(&mut self, guest: Uuid, run: u64) {
        let here = |d: &&mut Domain| d.run == run && d.state == GuestState::Running;
        if let Some(domain) = self.hosts.values_mut().filter_map(|h| h.domains.get_mut(&guest)).find(here) {
            domain.state = GuestState::ShuttingDown;
            self.schedule(200 * MS, Event::Gone { guest, run });
        } else if self.hosts.values().filter_map(|h| h.domains.get(&guest)).any(|d| d.run == run && d.state.is_active()) {
            // It stands still for its switch-over: it goes on with it on the other side.
            self.schedule(S, Event::PowersOff { guest, run });
        }
    }

    fn gone(&mut self, guest: Uuid, run: u64) {
        let name = self.name(guest);
        for host in self.executing(guest) {
            if self.domain(&host, guest).is_some_and(|d| d.run == run) {
                self.note(format!("{name} has shut down on {host}"));
                self.guest_stops(&host, guest, "the guest has shut down");
            }
        }
        self.judge(&Cause::Nature);
    }

    fn booted(&mut self, host: &str) {
        self.host_mut(host).doing = Doing::Up;
        self.note(format!("{host} has booted"));
        let due: Vec<Uuid> = self.host(host).domains.values().filter(|d| d.autostart).map(|d| d.definition.uuid).collect();
        for guest in due {
            self.run(host, guest);
            let name = self.name(guest);
            self.note(format!("{host} starts {name} by itself"));
            self.judge(&Cause::Autostart(host.to_owned()));
        }
    }

    /// A guest that a host knows begins to run there.
    pub(super) fn run(&mut self, host: &str, guest: Uuid) {
        self.runs += 1;
        let (run, since_ns) = (self.runs, self.now_ns);
        if let Some(domain) = self.domain_mut(host, guest) {
            (domain.state, domain.run, domain.since_ns, domain.dirty_mib_per_s) = (GuestState::Running, run, since_ns, None);
        }
    }

    /// A copy of a guest ends here: a host that keeps its definition knows it as shut off, another forgets it. A migration that it was
    /// part of ends with it.
    pub(super) fn guest_stops(&mut self, host: &str, guest: Uuid, why: &str) {
        self.migration_loses(host, guest, why);
        self.copy_ends(host, guest);
    }

    /// As [`Self::guest_stops`], and migrations are somebody else's care.
    pub(super) fn copy_ends(&mut self, host: &str, guest: Uuid) {
        let Some(domain) = self.domain_mut(host, guest) else { return };
        if domain.persistent {
            domain.state = GuestState::ShutOff;
        } else {
            self.host_mut(host).domains.remove(&guest);
        }
    }

    /// A host loses its power: all that ran there is gone.
    pub(super) fn host_stops(&mut self, host: &str, then: Doing, why: &str) {
        self.break_flights(host, false);
        let machine = self.host_mut(host);
        machine.epoch += 1;
        machine.doing = then;
        machine.unplugged = false;
        self.unstick(host);
        let active: BTreeSet<Uuid> = self.host(host).domains.values().filter(|d| d.state.is_active()).map(|d| d.definition.uuid).collect();
        for guest in active {
            self.guest_stops(host, guest, why);
        }
        self.connecting_fails(host, why);
    }

    /// A host gets power.
    pub(super) fn host_boots(&mut self, host: &str) {
        let takes = self.habits.between(30, 90) * S;
        let machine = self.host_mut(host);
        if machine.doing != Doing::Off {
            return;
        }
        machine.doing = Doing::Booting;
        machine.epoch += 1;
        let epoch = machine.epoch;
        self.note(format!("{host} boots"));
        self.schedule(takes, Event::Booted { host: host.to_owned(), epoch });
    }

    /// What a host says of itself and its guests.
    pub(super) fn seen(&self, host: &str) -> Seen {
        let machine = self.host(host);
        let memory_kib = (machine.guest_memory_mib + OWN_MIB) << 10;
        let mut guests: Vec<GuestSeen> = machine.domains.values().map(|d| self.guest_seen(host, d)).collect();
        guests.sort_by(|a, b| a.name.cmp(&b.name));
        Seen {
            host: HostSeen {
                uuid: machine.uuid,
                hostname: host.to_owned(),
                sockets: 1,
                cores: 8,
                threads_per_core: 2,
                core_mhz: 2_000,
                memory_kib,
                memory_free_kib: memory_kib.saturating_sub(machine.held_kib() + (OWN_MIB << 10)),
                storage_pools: vec!["default".into()],
                networks: vec!["default".into()],
            },
            guests,
        }
    }

    fn guest_seen(&self, host: &str, d: &Domain) -> GuestSeen {
        let ran_ns = if d.state.is_active() { self.now_ns - d.since_ns } else { 0 };
        GuestSeen {
            uuid: d.definition.uuid,
            name: d.definition.name.clone(),
            state: d.state,
            persistent: d.persistent,
            autostart: d.autostart,
            memory_kib: d.memory_kib,
            vcpus: d.vcpus,
            cpu_ns: ran_ns / 10 * u64::from(d.vcpus),
            net_bytes: ran_ns / 10_000,
            disk_bytes: ran_ns / 100_000,
            job_remaining_bytes: self.remaining_bytes(host, d.definition.uuid),
            dirty_mib_per_s: d.dirty_mib_per_s,
        }
    }
}
