//! A deterministic fake of libvirt: hosts, guests, migrations, power and time, with faults from a seed.
//!
//! It does what libvirt was measured to do (the tests of this module are the table of facts), and what libvirt does not do it does not
//! do either: nothing keeps a guest from being started twice, and no memory is counted. Both are written down as a [`Violation`]
//! instead: the fake is its own oracle.
//!
//! - [`World`]: builds a site, gives the executor its hosts, clock, power and disk, and says afterwards what happened.
//! - [`FaultPlan`]: what goes wrong, and when.
//! - [`killed`], [`CallCrash`], [`AppendCrash`]: the executor's death at any call and at any line of its journal.
//! - [`random_case`]: a small site at random, and a valid plan for it.
//!
//! Time is virtual. It moves when the executor sleeps, and a little with each call; what is due happens in order. Nothing here
//! depends on the time of day or on the order of a hash table: the same seed gives the same [`World::log`].
//!
//! Left out: storage and networks, CPU models, the events that libvirt sends, and everything else that the executor cannot ask.

mod call;
mod case;
mod chance;
mod death;
mod definition;
mod disk;
mod fault;
mod migration;
mod oracle;
mod state;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use executor::clock::Clock;
use executor::host::{Address, GuestState, Host, HowToMigrate};
use executor::inventory::{GuestEntry, HostEntry, Inventory, Limits, MigrationPolicy, Power};
use models::plan::{Start, StartGuest, StartHost};
use uuid::Uuid;

pub use case::{Case, random_case};
pub use death::{AppendCrash, CallCrash, Killed, killed};
pub use disk::DiskStore;
pub use fault::{CallFault, Fault, FaultPlan, Incident, Nth, Outsiders};
pub use oracle::{Asked, CallBegun, Cause, Happened, Kind, Violation};

use call::FakeHost;
use definition::Made;
use state::{Doing, Domain, EPOCH_UNIX_NS, Event, Machine, Nature, State};

/// The world: a handle that can be cloned. It survives panics of the executor.
#[derive(Clone)]
pub struct World(Arc<Mutex<State>>);

impl std::fmt::Debug for World {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let state = self.lock();
        f.debug_struct("World").field("seed", &state.seed).field("now_ns", &state.now_ns).finish_non_exhaustive()
    }
}

/// Building a site. A name that is not known, or known already, is a mistake of the test, and panics.
impl World {
    /// An empty site. All that is left to chance in it comes from the seed.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self(Arc::new(Mutex::new(State::new(seed))))
    }

    fn with(self, change: impl FnOnce(&mut State)) -> Self {
        let mut state = self.lock();
        change(&mut state);
        state.judge(&Cause::Nature);
        drop(state);
        self
    }

    /// A host that is on, with so much memory for guests, MiB.
    ///
    /// # Panics
    /// There is a host of that name.
    #[must_use]
    pub fn host(self, name: &str, guest_memory_mib: u64) -> Self {
        self.with(|s| {
            let machine = Machine::new(s.hosts.len(), name, guest_memory_mib);
            assert!(s.hosts.insert(name.to_owned(), machine).is_none(), "two hosts of the name `{name}`");
        })
    }

    /// A host is off at the start; what it knows stays known.
    ///
    /// # Panics
    /// No such host, or guests run there.
    #[must_use]
    pub fn off(self, host: &str) -> Self {
        self.with(|s| {
            let machine = s.host_mut(host);
            assert!(machine.held_kib() == 0, "guests run on `{host}`");
            machine.doing = Doing::Off;
        })
    }

    /// There is no way to a host's power.
    ///
    /// # Panics
    /// No such host.
    #[must_use]
    pub fn without_power(self, host: &str) -> Self {
        self.with(|s| s.host_mut(host).power = false)
    }

    /// A guest that runs on a host, which keeps its definition; so much memory, MiB, and one virtual CPU.
    ///
    /// # Panics
    /// No such host, or there is a guest of that name.
    #[must_use]
    pub fn guest(self, name: &str, host: &str, memory_mib: u64) -> Self {
        self.stopped(name, host, memory_mib).with(|s| {
            let uuid = s.uuid(name);
            s.run(host, uuid);
        })
    }

    /// A guest that a host knows, and that runs nowhere; so much memory, MiB, and one virtual CPU.
    ///
    /// # Panics
    /// No such host, or there is a guest of that name.
    #[must_use]
    pub fn stopped(self, name: &str, host: &str, memory_mib: u64) -> Self {
        self.with(|s| {
            assert!(s.natures.values().all(|n| n.name != name), "two guests of the name `{name}`");
            let uuid = Uuid::from_u128(0x0000_0000_0000_4000_b000_0000_0000_0000 + s.natures.len() as u128);
            let made = Made { memory_kib: memory_mib << 10, vcpus: 1 };
            let domain = Domain {
                definition: definition::write(uuid, name, &made),
                state: GuestState::ShutOff,
                persistent: true,
                autostart: false,
                memory_kib: made.memory_kib,
                vcpus: made.vcpus,
                run: 0,
                since_ns: s.now_ns,
                dirty_mib_per_s: None,
            };
            s.natures.insert(uuid, Nature::of(name));
            s.host_mut(host).domains.insert(uuid, domain);
        })
    }

    /// Another host that knows a guest, which does not run there.
    ///
    /// # Panics
    /// No such guest or host.
    #[must_use]
    pub fn also_known_on(self, guest: &str, host: &str) -> Self {
        self.with(|s| {
            let uuid = s.uuid(guest);
            if let Some(mut copy) = s.hosts.values().find_map(|h| h.domains.get(&uuid)).cloned() {
                (copy.state, copy.persistent, copy.autostart) = (GuestState::ShutOff, true, false);
                s.host_mut(host).domains.entry(uuid).or_insert(copy);
            }
        })
    }

    /// The hosts that know a guest now start it when they boot.
    ///
    /// # Panics
    /// No such guest.
    #[must_use]
    pub fn autostart(self, guest: &str) -> Self {
        self.with(|s| {
            let uuid = s.uuid(guest);
            s.hosts.values_mut().filter_map(|h| h.domains.get_mut(&uuid)).for_each(|d| d.autostart = true);
        })
    }

    /// A guest's definition ends with its run: no host keeps it.
    ///
    /// # Panics
    /// No such guest.
    #[must_use]
    pub fn transient(self, guest: &str) -> Self {
        self.with(|s| {
            let uuid = s.uuid(guest);
            s.hosts.values_mut().filter_map(|h| h.domains.get_mut(&uuid)).for_each(|d| d.persistent = false);
        })
    }

    /// A guest's disks are on no shared storage: moving it is unsafe.
    ///
    /// # Panics
    /// No such guest.
    #[must_use]
    pub fn local_disk(self, guest: &str) -> Self {
        self.with(|s| {
            let uuid = s.uuid(guest);
            s.natures.entry(uuid).and_modify(|n| n.local_disk = true);
        })
    }

    /// A guest does not listen when it is asked to shut down.
    ///
    /// # Panics
    /// No such guest.
    #[must_use]
    pub fn deaf(self, guest: &str) -> Self {
        self.strike(Incident::GoesDeaf { guest: guest.to_owned() });
        self
    }

    /// A guest dirties its memory at this rate, MiB/s: 1 unless told.
    ///
    /// # Panics
    /// No such guest.
    #[must_use]
    pub fn busy(self, guest: &str, dirty_mib_per_s: u64) -> Self {
        self.strike(Incident::GetsBusy { guest: guest.to_owned(), dirty_mib_per_s });
        self
    }

    /// Adds faults.
    #[must_use]
    pub fn faults(self, plan: FaultPlan) -> Self {
        self.with(|s| {
            for fault in plan.0 {
                match fault {
                    Fault::At(at_ns, incident) => s.schedule(at_ns.saturating_sub(s.now_ns), Event::Incident(incident)),
                    other => s.faults.push(other),
                }
            }
        })
    }

    /// The executor dies at the n-th call that it begins, from 1, calls of power included.
    pub fn crash_at_call(&self, nth: u64, crash: CallCrash) {
        self.lock().crash_at_call = Some((nth, crash));
    }

    /// The executor dies at the n-th append to any journal, from 1.
    pub fn crash_at_append(&self, nth: u64, crash: AppendCrash) {
        self.lock().crash_at_append = Some((nth, crash));
    }

    /// The disk is full from the n-th append on, from 1.
    pub fn full_at_append(&self, nth: u64) {
        self.lock().full_at_append = Some(nth);
    }

    /// Nothing goes wrong any more that has not gone wrong already, nobody asks for a stop, and the executor does not die.
    pub fn peace(&self) {
        let mut state = self.lock();
        state.faults.clear();
        (state.crash_at_call, state.crash_at_append, state.full_at_append) = (None, None, None);
        (state.crash_at_sync, state.stop_is_asked) = (false, false);
        state.events.retain(|_, e| !matches!(e, Event::Incident(incident) if !incident.mends()));
    }

    /// Somebody mends what he can without touching a guest: daemons are woken and started again, networks are mended, and hosts have
    /// memory again. Hosts without power stay off.
    pub fn heal(&self) {
        let mut state = self.lock();
        let hosts: Vec<String> = state.hosts.keys().cloned().collect();
        for host in hosts {
            state.strike(&Incident::Replug { host: host.clone() });
            state.strike(&Incident::MemoryFreed { host: host.clone() });
            state.strike(&Incident::RestartDaemon { host: host.clone() });
            state.strike(&Incident::Wake { host });
        }
    }
}

/// What the executor is given.
impl World {
    /// All hosts, by name.
    #[must_use]
    pub fn hosts(&self) -> Vec<Box<dyn Host>> {
        let addresses: Vec<Address> = self.lock().hosts.values().map(|h| h.address.clone()).collect();
        addresses.into_iter().map(|address| Box::new(FakeHost { world: self.clone(), address }) as Box<dyn Host>).collect()
    }

    /// A file on the disk.
    #[must_use]
    pub fn journal(&self, name: &str) -> DiskStore {
        DiskStore { world: self.clone(), name: name.to_owned() }
    }

    /// What a reader reads of a file now; nothing where there is none.
    #[must_use]
    pub fn journal_bytes(&self, name: &str) -> Vec<u8> {
        self.lock().disks.get(name).map(|d| d.bytes.clone()).unwrap_or_default()
    }

    /// What a plan for the site as it is now starts from.
    #[must_use]
    pub fn start(&self) -> Start {
        let state = self.lock();
        let hosts = state.hosts.iter().map(|(name, h)| StartHost {
            name: name.clone(),
            on: !matches!(h.doing, Doing::Off | Doing::Dead),
            guest_memory_mib: h.guest_memory_mib,
        });
        let guests = state.natures.iter().map(|(uuid, n)| {
            let made = state.hosts.values().find_map(|h| h.domains.get(uuid));
            StartGuest {
                name: n.name.clone(),
                memory_mib: made.map_or(0, |d| d.memory_kib >> 10),
                vcpus: made.map_or(1, |d| d.vcpus),
                runs_on: state.executing(*uuid).first().cloned(),
            }
        });
        Start { hosts: hosts.collect(), guests: guests.collect() }
    }

    /// An inventory of the site: guests known by UUID and made from nothing, peer-to-peer migration without post-copy.
    #[must_use]
    pub fn inventory(&self, state_folder: &Path) -> Inventory {
        let state = self.lock();
        let word = |w: &str| Some(vec![w.to_owned()]);
        let hosts = state.hosts.iter().map(|(name, h)| {
            let entry = HostEntry {
                address: h.address.clone(),
                class: "fake".into(),
                domains: Vec::new(),
                pools: Vec::new(),
                storage_pools: vec!["default".into()],
                networks: vec!["default".into()],
                guest_memory_mib: h.guest_memory_mib,
                power: h.power.then(|| Power { on: word("on"), off: word("off"), status: word("status"), wake_on_lan: None }),
            };
            (name.clone(), entry)
        });
        let guests = state.natures.iter().map(|(uuid, n)| {
            let entry = GuestEntry { uuid: Some(*uuid), made_from: None, destroy_after_shutdown: false };
            (n.name.clone(), entry)
        });
        Inventory {
            site: "fake".into(),
            file: state_folder.join("inventory.toml"),
            digest: String::new(),
            state: state_folder.to_owned(),
            hosts: hosts.collect(),
            guests: guests.collect(),
            migration: MigrationPolicy {
                how: HowToMigrate { peer_to_peer: true, bandwidth_mib_per_s: None, max_downtime_ms: None, post_copy: false },
                timeout_s: 300,
                post_copy_timeout_s: 300,
            },
            limits: Limits { call_s: 10, start_s: 30, shut_down_s: 60, boot_s: 300, power_off_s: 60, settle_s: 120 },
            base: None,
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // An executor that panicked has left the world as it was: no panic happens while it is being changed but our own assertions'.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Counts a call and sends it, or kills the executor before or after.
    fn issue(&self, host: &str, asked: Asked) -> u64 {
        let mut state = self.lock();
        state.begun += 1;
        let number = state.begun;
        let crash = state.crash_at_call.take_if(|(n, _)| *n == number).map(|(_, crash)| crash);
        if crash != Some(CallCrash::Before) {
            state.send(host, asked);
        }
        if crash.is_some() {
            state.executor_dies();
            drop(state);
            death::die();
        }
        number
    }
}

/// What happens, and what has happened.
impl World {
    /// Something happens to the site, now.
    ///
    /// # Panics
    /// It is of a host or a guest that the site does not have.
    pub fn strike(&self, incident: Incident) {
        self.lock().strike(&incident);
    }

    /// The executor is dead: for a test that ends it in another way than by a crash that the world was asked for, which tells the world
    /// itself.
    pub fn executor_died(&self) {
        self.lock().executor_dies();
    }

    /// Virtual time, ns.
    #[must_use]
    pub fn now_ns(&self) -> u64 {
        self.lock().now_ns
    }

    /// A guest's identity.
    ///
    /// # Panics
    /// No such guest.
    #[must_use]
    pub fn uuid(&self, guest: &str) -> Uuid {
        self.lock().uuid(guest)
    }

    /// The hosts on which a guest executes, by name.
    ///
    /// # Panics
    /// No such guest.
    #[must_use]
    pub fn runs_on(&self, guest: &str) -> Vec<String> {
        let state = self.lock();
        state.executing(state.uuid(guest))
    }

    /// What each host that knows a guest knows of it, whether the host answers or not.
    ///
    /// # Panics
    /// No such guest.
    #[must_use]
    pub fn states(&self, guest: &str) -> BTreeMap<String, GuestState> {
        let state = self.lock();
        let uuid = state.uuid(guest);
        state.hosts.iter().filter_map(|(name, h)| Some((name.clone(), h.domains.get(&uuid)?.state))).collect()
    }

    /// Whether a host has power.
    ///
    /// # Panics
    /// No such host.
    #[must_use]
    pub fn is_on(&self, host: &str) -> bool {
        !matches!(self.lock().host(host).doing, Doing::Off | Doing::Dead)
    }

    /// Every call that was begun, in order.
    #[must_use]
    pub fn calls(&self) -> Vec<CallBegun> {
        self.lock().calls.clone()
    }

    /// Every call that could change something, in order.
    #[must_use]
    pub fn acts(&self) -> Vec<CallBegun> {
        self.lock().calls.iter().filter(|b| b.asked.acts()).cloned().collect()
    }

    /// How many calls were begun, those included at which the executor died before they were sent: where [`Self::crash_at_call`] counts.
    #[must_use]
    pub fn begun(&self) -> u64 {
        self.lock().begun
    }

    /// How many appends were begun: where [`Self::crash_at_append`] counts.
    #[must_use]
    pub fn appends(&self) -> u64 {
        self.lock().appends
    }

    /// All that happened, in order.
    #[must_use]
    pub fn log(&self) -> Vec<Happened> {
        self.lock().log.clone()
    }

    /// What must never happen and did.
    #[must_use]
    pub fn violations(&self) -> Vec<Violation> {
        self.lock().violations.clone()
    }
}

impl Clock for World {
    fn now_unix_ns(&self) -> u64 {
        EPOCH_UNIX_NS + self.lock().now_ns
    }

    fn monotonic_ns(&self) -> u64 {
        self.lock().now_ns
    }

    fn sleep(&self, how_long: Duration) {
        self.lock().pass(u64::try_from(how_long.as_nanos()).unwrap_or(u64::MAX));
    }

    fn stop_is_asked(&self) -> bool {
        self.lock().stop_is_asked
    }
}
