//! What is observed on hosts that are played: where guests run, what they use, and what is said of what is not as it should be.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use executor::clock::Clock;
use executor::host::{Address, Call, CallError, GuestSeen, GuestState, Host, HostSeen, HowToMigrate, Pending, Reply, Seen};
use executor::inventory::{GuestEntry, HostEntry, Inventory, Limits, MadeFrom, MigrationPolicy};
use executor::observe::{How, observe};
use models::observation::{HostState, KnownFrom, Observation, Sample};
use proptest::prelude::*;
use uuid::Uuid;

/// Time that passes only when somebody waits.
struct Played {
    now_ns: Cell<u64>,
    /// From when on a stop is asked.
    stop_ns: u64,
}

const EPOCH_NS: u64 = 1_700_000_000_000_000_000;

impl Clock for Played {
    fn now_unix_ns(&self) -> u64 {
        EPOCH_NS + self.now_ns.get()
    }
    fn monotonic_ns(&self) -> u64 {
        self.now_ns.get()
    }
    fn sleep(&self, how_long: Duration) {
        self.now_ns.set(self.now_ns.get() + how_long.as_nanos() as u64);
    }
    fn stop_is_asked(&self) -> bool {
        self.now_ns.get() >= self.stop_ns
    }
}

/// What a host answers to its k-th look; nothing: it hangs.
type Script = dyn Fn(usize) -> Option<Result<Seen, CallError>> + Send + Sync;

/// A host that plays a script and keeps what it was asked.
struct Scripted {
    address: Address,
    script: Box<Script>,
    asked: Arc<Mutex<Vec<Call>>>,
    /// Its answer to a dirty rate that is to be measured.
    dirty: Result<(), CallError>,
}

struct Answer(Option<Result<Reply, CallError>>);

impl Pending for Answer {
    fn poll(&mut self) -> Option<Result<Reply, CallError>> {
        self.0.take()
    }
}

impl Host for Scripted {
    fn address(&self) -> &Address {
        &self.address
    }
    fn begin(&self, call: Call) -> Box<dyn Pending> {
        let mut asked = self.asked.lock().unwrap();
        let looks = asked.iter().filter(|c| **c == Call::Look).count();
        asked.push(call.clone());
        Box::new(Answer(match call {
            Call::Look => (self.script)(looks).map(|r| r.map(Reply::Seen)),
            Call::MeasureDirtyRate { .. } => Some(self.dirty.clone().map(|()| Reply::Done)),
            other => panic!("observing asked to {}", other.word()),
        }))
    }
}

fn uuid(n: u128) -> Uuid {
    Uuid::from_u128(n)
}

/// A guest named `g{n}` that has used `cpu_s` of CPU time, and for each second of it 1000 bytes of network and 500 of disk.
fn guest(n: u128, state: GuestState, cpu_s: f64) -> GuestSeen {
    GuestSeen {
        uuid: uuid(n),
        name: format!("g{n}"),
        state,
        persistent: true,
        autostart: false,
        memory_kib: 65_536,
        vcpus: 2,
        cpu_ns: (cpu_s * 1e9) as u64,
        net_bytes: (cpu_s * 1000.0) as u64,
        disk_bytes: (cpu_s * 500.0) as u64,
        job_remaining_bytes: None,
        dirty_mib_per_s: None,
    }
}

/// A host of 4 cores and 4 GiB with these guests.
fn seen(host: u128, guests: Vec<GuestSeen>) -> Seen {
    let host = HostSeen {
        uuid: uuid(1000 + host),
        hostname: format!("host{host}"),
        sockets: 1,
        cores: 4,
        threads_per_core: 1,
        core_mhz: 2000,
        memory_kib: 4 << 20,
        memory_free_kib: 1 << 20,
        storage_pools: Vec::new(),
        networks: Vec::new(),
    };
    Seen { host, guests }
}

fn address(n: usize) -> Address {
    Address { name: format!("h{n}"), uri: format!("test://h{n}"), peer_uri: format!("test://h{n}") }
}

fn inventory(hosts: usize) -> Inventory {
    let entry = |n: usize| HostEntry {
        address: address(n),
        class: "small".into(),
        domains: Vec::new(),
        pools: Vec::new(),
        storage_pools: Vec::new(),
        networks: Vec::new(),
        guest_memory_mib: 1024,
        power: None,
    };
    let how = HowToMigrate { peer_to_peer: true, bandwidth_mib_per_s: None, max_downtime_ms: None, post_copy: false };
    Inventory {
        site: "three".into(),
        file: PathBuf::from("inventory.toml"),
        digest: String::new(),
        state: PathBuf::from("state"),
        hosts: (1..=hosts).map(|n| (format!("h{n}"), entry(n))).collect(),
        guests: BTreeMap::new(),
        migration: MigrationPolicy { how, timeout_s: 60, post_copy_timeout_s: 60 },
        limits: Limits { call_s: 2, start_s: 60, shut_down_s: 60, boot_s: 300, power_off_s: 60, settle_s: 10 },
        base: None,
    }
}

/// A site that is played: a script a host, three intervals of 5 s.
struct Stage {
    hosts: BTreeMap<String, Box<dyn Host>>,
    asked: Vec<Arc<Mutex<Vec<Call>>>>,
    inventory: Inventory,
    how: How,
    stop_ns: u64,
}

impl Stage {
    fn of(scripts: Vec<Box<Script>>) -> Self {
        let inventory = inventory(scripts.len());
        let (mut hosts, mut asked) = (BTreeMap::<String, Box<dyn Host>>::new(), Vec::new());
        for (k, script) in scripts.into_iter().enumerate() {
            let calls = Arc::new(Mutex::new(Vec::new()));
            asked.push(calls.clone());
            hosts.insert(format!("h{}", k + 1), Box::new(Scripted { address: address(k + 1), script, asked: calls, dirty: Ok(()) }));
        }
        let how = How { every_s: 5, samples: 3, dirty_rate: false, fenced: Vec::new(), off: Vec::new() };
        Self { hosts, asked, inventory, how, stop_ns: u64::MAX }
    }

    fn observe(&self) -> Observation {
        let clock = Played { now_ns: Cell::new(0), stop_ns: self.stop_ns };
        observe(&self.hosts, &self.inventory, &clock, &self.how)
    }

    fn forget_what_was_asked(&self) {
        self.asked.iter().for_each(|a| a.lock().unwrap().clear());
    }
}

/// The same answer at every look.
fn always(seen: Seen) -> Box<Script> {
    Box::new(move |_| Some(Ok(seen.clone())))
}

fn script(of: impl Fn(usize) -> Option<Result<Seen, CallError>> + Send + Sync + 'static) -> Box<Script> {
    Box::new(of)
}

fn said(it: &Observation) -> Vec<&str> {
    it.anomalies.iter().map(|a| a.what.as_str()).collect()
}

fn forbids(it: &Observation) -> Vec<&str> {
    it.forbids_plan().collect()
}

const NOTHING: [&str; 0] = [];

fn measured(it: &Observation, guest: usize) -> Vec<bool> {
    it.guests[guest].samples.iter().map(Option::is_some).collect()
}

#[test]
fn guests_run_where_they_are_seen_and_use_the_difference_of_their_counters() {
    // g1 keeps half a core busy: 2.5 s of CPU time in 5 s, with 2500 bytes sent and 1250 read.
    let h1 = script(|k| Some(Ok(seen(1, vec![guest(1, GuestState::Running, 10.0 + 2.5 * k as f64), guest(2, GuestState::ShutOff, 0.0)]))));
    let it = Stage::of(vec![h1, always(seen(2, vec![guest(3, GuestState::Running, 7.0)]))]).observe();
    assert_eq!(said(&it), NOTHING);
    assert_eq!(it.ends_unix_ns, [5, 10, 15].map(|s| EPOCH_NS + s * 1_000_000_000));
    let places: Vec<(&str, Option<&str>)> = it.guests.iter().map(|g| (g.name.as_str(), g.runs_on.as_deref())).collect();
    assert_eq!(places, [("g1", Some("h1")), ("g2", None), ("g3", Some("h2"))]);
    let half = Some(Sample { cores: 0.5, net_bytes_per_s: 500.0, disk_bytes_per_s: 250.0 });
    assert_eq!(it.guests[0].samples, [half; 3]);
    assert_eq!(it.guests[1].samples, []);
    assert_eq!(it.guests[2].samples, [Some(Sample::NOTHING); 3]);
    assert_eq!((it.guests[0].memory_mib, it.guests[0].vcpus, &it.guests[0].state[..]), (Some(64), Some(2), "running"));
    let is = it.hosts[0].hardware.unwrap();
    assert_eq!((is.cores, is.core_mhz, is.memory_mib, &it.hosts[0].state), (4, 2000, 4096, &HostState::On));
}

#[test]
fn the_least_recording_is_two_looks_and_nothing_but_looks_is_asked() {
    let mut stage = Stage::of(vec![always(seen(1, vec![guest(1, GuestState::Running, 1.0)]))]);
    (stage.how.samples, stage.how.every_s) = (0, 0);
    let it = stage.observe();
    assert_eq!((it.every_s, it.ends_unix_ns.len()), (1, 1));
    assert_eq!(*stage.asked[0].lock().unwrap(), [Call::Look, Call::Look]);
}

#[test]
fn a_host_that_does_not_answer_is_in_the_observation_and_forbids_a_plan_unless_it_is_known_to_be_off() {
    let gone = || script(|_| Some(Err(CallError::Unreachable("no route".into()))));
    let mut stage = Stage::of(vec![always(seen(1, vec![guest(1, GuestState::Running, 1.0)])), gone(), script(|_| None)]);
    let it = stage.observe();
    assert_eq!(
        forbids(&it),
        [
            "host h2 does not answer, and nobody says that it is off: cannot be reached: no route",
            "host h3 does not answer, and nobody says that it is off: no answer within 2 s",
        ]
    );
    assert_eq!(it.hosts[2].state, HostState::Silent { why: "no answer within 2 s".into() });
    assert_eq!((it.hosts[1].hardware, it.guests.len()), (None, 1));
    // Who failed once is not asked again.
    assert_eq!(stage.asked[1].lock().unwrap().len(), 1);
    stage.how.fenced = vec!["h2".into()];
    stage.how.off = vec!["h3".into()];
    let it = stage.observe();
    assert_eq!(forbids(&it), NOTHING);
    assert_eq!(it.hosts[1..].iter().map(|h| &h.state).collect::<Vec<_>>(), [&HostState::Fenced, &HostState::Off]);
    assert_eq!(it.fenced().collect::<Vec<_>>(), ["h2"]);
}

#[test]
fn a_host_that_is_said_to_be_off_and_answers_forbids_a_plan() {
    let mut stage = Stage::of(vec![always(seen(1, vec![])), always(seen(2, vec![]))]);
    stage.how.fenced = vec!["h1".into(), "h9".into()];
    stage.how.off = vec!["h2".into()];
    assert_eq!(
        forbids(&stage.observe()),
        [
            "host h1 is said to be fenced, and it answers",
            "host h2 is said to be off, and it answers",
            "host h9 is said to be fenced, and the inventory has no such host",
        ]
    );
}

#[test]
fn a_host_without_a_connection_and_one_that_answers_to_two_names_are_told() {
    let mut stage = Stage::of(vec![always(seen(1, vec![])), always(seen(1, vec![])), always(seen(3, vec![]))]);
    stage.hosts.remove("h3");
    let it = stage.observe();
    assert!(forbids(&it).contains(&"hosts h1 and h2 are one machine: they answer with one identity"), "{:?}", said(&it));
    assert!(matches!(&it.hosts[2].state, HostState::Silent { why } if why.contains("no connection")));
}

#[test]
fn a_host_that_falls_silent_leaves_its_guests_unmeasured_from_then_on() {
    let h2 = script(|k| (k < 2).then(|| Ok(seen(2, vec![guest(2, GuestState::Running, k as f64)]))));
    let it = Stage::of(vec![always(seen(1, vec![guest(1, GuestState::Running, 1.0)])), h2]).observe();
    assert_eq!(said(&it), ["host h2 does not answer, and nobody says that it is off: no answer within 2 s"]);
    assert_eq!((measured(&it, 0), measured(&it, 1)), (vec![true; 3], vec![true, false, false]));
    assert_eq!(it.guests[1].runs_on.as_deref(), Some("h2"));
}

#[test]
fn two_copies_that_run_forbid_a_plan() {
    let copy = |host| always(seen(host, vec![guest(1, GuestState::Running, 1.0)]));
    let it = Stage::of(vec![copy(1), copy(2)]).observe();
    assert_eq!(forbids(&it), ["guest g1 runs on h1 and on h2: TWO COPIES; stop one of them by hand at once"]);
    assert!(said(&it).contains(&"guest g1 is defined on h1 and on h2"));
}

#[test]
fn a_guest_in_migration_forbids_a_plan_and_counts_where_it_executes() {
    let leaves = GuestSeen { job_remaining_bytes: Some(5), ..guest(1, GuestState::Running, 1.0) };
    let comes = GuestSeen { persistent: false, ..guest(1, GuestState::PausedForMigration, 0.0) };
    // The copy that comes in stands on the first host by name.
    let it = Stage::of(vec![always(seen(1, vec![comes])), always(seen(2, vec![leaves]))]).observe();
    assert_eq!(
        said(&it),
        ["guest g1 is paused for a migration on h1 and running on h2: wait for the end of its migration and observe again"]
    );
    assert_eq!((forbids(&it).len(), it.guests[0].runs_on.as_deref()), (1, Some("h2")));
}

#[test]
fn a_guest_that_moves_during_the_recording_is_told_and_its_sample_is_dropped() {
    let there = |host: u128, when: fn(usize) -> bool| {
        script(move |k| Some(Ok(seen(host, if when(k) { vec![guest(1, GuestState::Running, 1.0 + k as f64)] } else { vec![] }))))
    };
    let it = Stage::of(vec![there(1, |k| k < 2), there(2, |k| k >= 2)]).observe();
    assert_eq!(measured(&it, 0), [true, false, true]);
    assert_eq!(it.guests[0].runs_on.as_deref(), Some("h2"));
    assert_eq!(said(&it), ["guest g1 moved from h1 to h2 during the recording, by 2023-11-14T22:13:30Z"]);
    assert_eq!(forbids(&it), NOTHING);
}

#[test]
fn starts_stops_and_what_is_forgotten_during_the_recording_are_told() {
    let h1 = script(|k| {
        let state = |on| if on { GuestState::Running } else { GuestState::ShutOff };
        let mut guests = vec![guest(1, state(k >= 1), k as f64), guest(2, state(k < 3), k as f64)];
        if k == 0 {
            guests.push(guest(3, GuestState::ShutOff, 0.0));
        }
        Some(Ok(seen(1, guests)))
    });
    let it = Stage::of(vec![h1]).observe();
    assert_eq!(
        said(&it),
        [
            "guest g1 started on h1 during the recording, by 2023-11-14T22:13:25Z",
            "guest g2 stopped on h1 during the recording, by 2023-11-14T22:13:35Z",
            "guest g3 was forgotten by its host during the recording",
        ]
    );
    assert_eq!(it.guests.iter().map(|g| g.name.as_str()).collect::<Vec<_>>(), ["g1", "g2"]);
    assert_eq!(measured(&it, 0), [false, true, true]);
}

#[test]
fn counters_that_went_back_drop_their_sample_and_are_told() {
    let h1 = script(|k| Some(Ok(seen(1, vec![guest(1, GuestState::Running, [10.0, 11.0, 0.5, 1.5][k])]))));
    let it = Stage::of(vec![h1]).observe();
    assert_eq!(
        said(&it),
        [
            "the counters of guest g1 on h1 went back by 2023-11-14T22:13:30Z (it was restarted, or moved away and back): that sample is dropped"
        ]
    );
    assert_eq!(it.guests[0].samples.iter().map(|s| s.map(|s| s.cores)).collect::<Vec<_>>(), [Some(0.2), None, Some(0.2)]);
}

#[test]
fn guests_that_do_not_run_as_they_should_are_told() {
    let starts = GuestSeen { autostart: true, ..guest(4, GuestState::ShutOff, 0.0) };
    let here =
        vec![guest(1, GuestState::Paused, 0.0), guest(2, GuestState::Crashed, 0.0), guest(3, GuestState::PostCopyFailed, 0.0), starts];
    let it = Stage::of(vec![always(seen(1, here)), always(seen(2, vec![guest(4, GuestState::Running, 0.0)]))]).observe();
    assert_eq!(
        said(&it),
        [
            "guest g3 is in a post-copy that broke off on h1: only whoever moved it can mend that",
            "guest g4 does not run on h1, and that host starts it when it boots: a second copy; `virsh -c h1 autostart --disable g4`, or undefine it there",
            "guest g1 is paused on h1, and holds its memory there",
            "guest g2 has crashed on h1",
            "guest g4 is defined on h1 and on h2",
        ]
    );
    assert_eq!(forbids(&it).len(), 2);
    assert_eq!(it.guests.iter().map(|g| g.runs_on.as_deref()).collect::<Vec<_>>(), [Some("h1"), None, Some("h1"), Some("h2")]);
}

#[test]
fn memory_that_is_not_there_is_told() {
    let mut small = seen(1, (1..=17).map(|n| guest(n, GuestState::Running, 0.0)).collect());
    small.host.memory_kib = 512 << 10;
    assert_eq!(
        said(&Stage::of(vec![always(small)]).observe()),
        [
            "guests on host h1 hold 1088 MiB, and the inventory leaves 1024 MiB to them",
            "host h1 has 512 MiB, and the inventory leaves 1024 MiB of it to guests",
        ]
    );
}

#[test]
fn guests_of_the_inventory_are_known_by_identity_and_those_seen_nowhere_are_told() {
    let mut stage = Stage::of(vec![always(seen(1, vec![guest(1, GuestState::Running, 0.0), guest(2, GuestState::Running, 0.0)]))]);
    let entry = |id: u128| GuestEntry { uuid: Some(uuid(id)), made_from: None, destroy_after_shutdown: false };
    let made = MadeFrom { template: "t.xml".into(), memory_mib: 96, vcpus: 3, volumes: Vec::new(), networks: Vec::new() };
    let mail = GuestEntry { made_from: Some(made), ..entry(78) };
    stage.inventory.guests = [("db", entry(1)), ("g2", entry(77)), ("mail", mail)].map(|(n, e)| (n.to_owned(), e)).into();
    let it = stage.observe();
    assert_eq!(
        said(&it),
        [
            &format!("the guest named g2 has the identity {}, and the inventory says {}: it is another", uuid(2), uuid(77))[..],
            "two guests are named g2",
            "guest mail is in the inventory, and on no host that answers",
        ]
    );
    let db = &it.guests[0];
    assert_eq!((db.name.as_str(), db.in_inventory, db.runs_on.as_deref()), ("db", true, Some("h1")));
    let mail = it.guests.last().unwrap();
    assert_eq!((mail.memory_mib, mail.vcpus, &mail.known_from), (Some(96), Some(3), &KnownFrom::Inventory));
}

#[test]
fn a_dirty_rate_is_taken_where_it_was_asked_for_and_an_old_one_is_not() {
    let rated = |k: usize| GuestSeen { dirty_mib_per_s: (k != 1).then_some(40), ..guest(1, GuestState::Running, 0.0) };
    let mut stage = Stage::of(vec![script(move |k| Some(Ok(seen(1, vec![rated(k), guest(2, GuestState::ShutOff, 0.0)]))))]);
    assert_eq!(stage.observe().guests[0].dirty_mib_per_s, None);
    stage.forget_what_was_asked();
    stage.how.dirty_rate = true;
    let it = stage.observe();
    assert_eq!((it.guests[0].dirty_mib_per_s, said(&it)), (Some(40), vec![]));
    // Of 15 s it takes 7, so that it has ended before the last look; a guest that does not run is not asked.
    let asked: Vec<Call> = stage.asked[0].lock().unwrap().iter().filter(|c| **c != Call::Look).cloned().collect();
    assert_eq!(asked, [Call::MeasureDirtyRate { guest: uuid(1), seconds: 7 }]);
    // Too short to have ended: the last look is the second.
    stage.forget_what_was_asked();
    stage.how.samples = 1;
    assert_eq!(said(&stage.observe()), ["the dirty rate of guest g1 was not there when the recording ended: record longer"]);
}

#[test]
fn a_dirty_rate_that_cannot_be_measured_is_told() {
    let mut stage = Stage::of(vec![]);
    stage.inventory = inventory(1);
    let script = always(seen(1, vec![guest(1, GuestState::Running, 0.0)]));
    let dirty = Err(CallError::Unsupported("too old".into()));
    stage.hosts.insert("h1".into(), Box::new(Scripted { address: address(1), script, asked: Arc::default(), dirty }));
    stage.how.dirty_rate = true;
    assert_eq!(said(&stage.observe()), ["the dirty rate of guest g1 on h1 is not measured: not supported: too old"]);
}

#[test]
fn a_stop_ends_the_recording_after_its_first_interval() {
    let mut stage = Stage::of(vec![always(seen(1, vec![guest(1, GuestState::Running, 0.0)]))]);
    stage.how.samples = 100;
    stage.stop_ns = 0;
    let it = stage.observe();
    assert_eq!((it.ends_unix_ns.len(), said(&it)), (1, vec!["the recording was stopped after 1 of 100 intervals"]));
    stage.stop_ns = 12_000_000_000;
    assert_eq!(stage.observe().ends_unix_ns.len(), 2);
}

#[test]
fn looks_that_come_late_are_told() {
    // A host that hangs holds the first look up for 2 s; with looks every second the second comes a second late.
    let mut stage = Stage::of(vec![always(seen(1, vec![])), script(|_| None)]);
    stage.how.every_s = 1;
    let it = stage.observe();
    assert!(
        said(&it).contains(&"1 of 3 looks began more than half an interval late: the steps of the trace are longer than 1 s"),
        "{it:?}"
    );
}

proptest! {
    /// Whatever guests were made to use, wherever they were put, is what is told.
    #[test]
    fn what_is_told_is_what_was_played(
        steps in proptest::collection::vec(proptest::collection::vec(0_u64..10_000_000_000, 3), 1..6),
        places in proptest::collection::vec(1_u128..3, 3),
    ) {
        let used = |g: usize, k: usize| -> u64 { steps.iter().take(k).map(|s| s[g]).sum() };
        let totals: Vec<Vec<u64>> = (0..=steps.len()).map(|k| (0..3).map(|g| used(g, k)).collect()).collect();
        let host = |host: u128| {
            let (totals, places) = (totals.clone(), places.clone());
            script(move |k| {
                let here = (0..3).filter(|g| places[*g] == host);
                let guests = here.map(|g| GuestSeen { cpu_ns: totals[k][g], ..guest(g as u128, GuestState::Running, 0.0) }).collect();
                Some(Ok(seen(host, guests)))
            })
        };
        let mut stage = Stage::of(vec![host(1), host(2)]);
        stage.how.samples = steps.len() as u32;
        let it = stage.observe();
        prop_assert_eq!(said(&it), NOTHING);
        for (g, found) in it.guests.iter().enumerate() {
            prop_assert_eq!(found.runs_on.clone(), Some(format!("h{}", places[g])));
            let told: Vec<f64> = found.samples.iter().map(|s| s.unwrap().cores).collect();
            let played: Vec<f64> = steps.iter().map(|s| s[g] as f64 / 5e9).collect();
            prop_assert_eq!(told.len(), played.len());
            prop_assert!(told.iter().zip(&played).all(|(t, p)| (t - p).abs() < 1e-9), "{told:?} {played:?}");
        }
    }
}
