//! Courses of events that went wrong once.
#![allow(dead_code)]

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use executor::carry::{Outcome, carry};
use executor::crew::{Crew, DefinitionSource, Policy};
use executor::host::{Address, Call, CallError, Definition, Host, Pending, Reply};
use executor::inventory::Inventory;
use executor::journal::History;
use executor::log::{Log, Said};
use executor::runs::{self, Asked, NotReady};
use executor::switch::{PowerPending, PowerSwitch, Switch};
use models::plan::{Action, Condition, Plan, Step};
use testbed::fake::{CallCrash, CallFault, Fault, FaultPlan, Incident, Kind, Nth, Outsiders, World, killed, random_case};
use uuid::Uuid;

#[derive(Default)]
struct Kept(RefCell<BTreeMap<Uuid, Definition>>, bool);
impl DefinitionSource for Kept {
    fn of(&self, guest: &str, uuid: Uuid, _: &str) -> Result<Definition, String> {
        self.0.borrow().get(&uuid).cloned().ok_or_else(|| format!("none of {guest} was kept"))
    }
    fn keep(&self, d: &Definition) -> Result<(), String> {
        if self.1 {
            return Err("no space left on device".into());
        }
        self.0.borrow_mut().insert(d.uuid, d.clone());
        Ok(())
    }
    fn admits(&self, _: &str, _: &Definition) -> Result<(), String> {
        Ok(())
    }
}
#[derive(Default)]
struct Heard(RefCell<Vec<String>>);
impl Log for Heard {
    fn say(&self, said: &Said) {
        self.0.borrow_mut().push(said.to_string());
    }
}

/// A host whose guests' monitors hang: what a look shows has no jobs.
struct NoJobs {
    host: Box<dyn Host>,
    on: Arc<AtomicBool>,
}
struct NoJobsPending(Box<dyn Pending>, bool);
impl Host for NoJobs {
    fn address(&self) -> &Address {
        self.host.address()
    }
    fn begin(&self, call: Call) -> Box<dyn Pending> {
        Box::new(NoJobsPending(self.host.begin(call), self.on.load(Ordering::SeqCst)))
    }
}
impl Pending for NoJobsPending {
    fn poll(&mut self) -> Option<Result<Reply, CallError>> {
        Some(match self.0.poll()? {
            Ok(Reply::Seen(mut s)) if self.1 => {
                s.guests.iter_mut().for_each(|g| g.job_remaining_bytes = None);
                Ok(Reply::Seen(s))
            }
            other => other,
        })
    }
}

/// No status command; on and off work.
struct NoStatus(World);
impl PowerSwitch for NoStatus {
    fn can(&self, host: &str, what: Switch) -> bool {
        what != Switch::Status && PowerSwitch::can(&self.0, host, what)
    }
    fn begin(&self, host: &str, what: Switch) -> Option<Box<dyn PowerPending>> {
        if what == Switch::Status { None } else { PowerSwitch::begin(&self.0, host, what) }
    }
}

struct Rig {
    world: World,
    inventory: Inventory,
    hosts: BTreeMap<String, Box<dyn Host>>,
    no_jobs: Arc<AtomicBool>,
    no_status: bool,
    kept: Kept,
    heard: Heard,
    fenced: BTreeSet<String>,
    parallel: u32,
    only: BTreeSet<u32>,
}

#[derive(Debug)]
enum Life {
    Killed,
    NotReady(NotReady),
    Ended(Outcome),
    NoDisk,
}
impl Life {
    fn finished(&self) -> bool {
        matches!(self, Life::Ended(Outcome { stopped: None, .. }))
    }
}

impl Rig {
    fn new(world: World) -> Self {
        let no_jobs = Arc::new(AtomicBool::new(false));
        let hosts = world.hosts().into_iter().map(|h| {
            let name = h.address().name.clone();
            (name, Box::new(NoJobs { host: h, on: Arc::clone(&no_jobs) }) as Box<dyn Host>)
        });
        let hosts = hosts.collect();
        Self {
            inventory: world.inventory(Path::new("state")),
            hosts,
            no_jobs,
            no_status: false,
            kept: Kept::default(),
            heard: Heard::default(),
            fenced: BTreeSet::new(),
            parallel: 4,
            only: BTreeSet::new(),
            world,
        }
    }
    fn history(&self, name: &str) -> Option<History> {
        History::from_bytes(&self.world.journal_bytes(name)).ok()
    }
    fn life(&self, run: impl FnOnce(&Crew<'_>, &Asked) -> Result<std::io::Result<Outcome>, NotReady>) -> Life {
        let policy = Policy {
            limits: self.inventory.limits,
            migration: self.inventory.migration,
            room_mib: self.inventory.hosts.iter().map(|(n, h)| (n.clone(), h.guest_memory_mib)).collect(),
            may_destroy: BTreeSet::new(),
            fenced: self.fenced.clone(),
        };
        let no_status = NoStatus(self.world.clone());
        let switch: &dyn PowerSwitch = if self.no_status { &no_status } else { &self.world };
        let crew = Crew { hosts: &self.hosts, switch, definitions: &self.kept, clock: &self.world, log: &self.heard, policy: &policy };
        let asked = Asked { only: self.only.clone(), max_parallel: self.parallel, until_unix_ns: None };
        match killed(|| run(&crew, &asked)) {
            Err(_) => Life::Killed,
            Ok(Err(e)) => Life::NotReady(e),
            Ok(Ok(Ok(o))) => Life::Ended(o),
            Ok(Ok(Err(_))) => Life::NoDisk,
        }
    }
    fn apply(&self, plan: &Plan, name: &str) -> Life {
        self.life(|crew, asked| {
            let mut store = self.world.journal(name);
            store.truncate(0);
            let ready = runs::begin(crew, plan, &self.inventory, asked)?;
            let begun = runs::begun(&ready, &self.inventory, &self.fenced, None);
            Ok(runs::open_journal(store, &self.world, &ready, begun).and_then(|j| carry(crew, &ready.orders, j)))
        })
    }
    fn resume(&self, name: &str) -> Life {
        self.life(|crew, asked| {
            let history = self.history(name).expect("a journal");
            let mut store = self.world.journal(name);
            store.truncate(history.whole_bytes());
            let ready = runs::resume(crew, &history, &self.inventory, asked)?;
            Ok(runs::go_on(store, &self.world, &history, &self.fenced).and_then(|j| carry(crew, &ready.orders, j)))
        })
    }
    fn rollback(&self, old: &str, name: &str) -> Life {
        self.life(|crew, asked| {
            let history = self.history(old).expect("a journal");
            let mut store = self.world.journal(name);
            store.truncate(0);
            let ready = runs::back(crew, &history, &self.inventory, asked)?;
            let begun = runs::begun(&ready, &self.inventory, &self.fenced, Some(old.into()));
            Ok(runs::open_journal(store, &self.world, &ready, begun).and_then(|j| carry(crew, &ready.orders, j)))
        })
    }
    fn tale(&self) -> String {
        let log: String = self.world.log().iter().map(|h| format!("  {h}\n")).collect();
        let heard: String = self.heard.0.borrow().iter().map(|h| format!("  {h}\n")).collect();
        format!("world:\n{log}said:\n{heard}")
    }
    fn autostart_of(&self, guest: &str, host: &str) -> Option<bool> {
        let uuid = self.world.uuid(guest);
        self.life_look(host, uuid)
    }
    fn life_look(&self, host: &str, uuid: Uuid) -> Option<bool> {
        use executor::clock::Clock as _;
        let mut p = self.hosts[host].begin(Call::Look);
        loop {
            if let Some(end) = p.poll() {
                let Ok(Reply::Seen(s)) = end else { return None };
                return s.guest(uuid).map(|g| g.autostart);
            }
            self.world.sleep(std::time::Duration::from_millis(1));
        }
    }
}

fn plan_of(world: &World, steps: Vec<(Action, u32, Vec<Condition>, Vec<Condition>)>) -> Plan {
    let steps = (1..)
        .zip(steps)
        .map(|(number, (action, beside, before, after))| Step { number, action, starts_after_s: None, beside, before, after })
        .collect();
    models::example::plan("fake", Some(world.start()), steps)
}
fn s(x: &str) -> String {
    x.to_owned()
}
fn mig(g: &str, from: &str, to: &str) -> Action {
    Action::MigrateGuest { guest: s(g), from: s(from), to: s(to) }
}
fn start(g: &str, h: &str) -> Action {
    Action::StartGuest { guest: s(g), host: s(h) }
}
fn stop(g: &str, h: &str) -> Action {
    Action::StopGuest { guest: s(g), host: s(h) }
}
fn bare(a: Action) -> (Action, u32, Vec<Condition>, Vec<Condition>) {
    (a, 0, vec![], vec![])
}

#[test]
fn a_post_copy_whose_job_is_not_told_is_not_cut_off() {
    let world = World::new(3).host("h1", 4096).host("h2", 4096).guest("g1", "h1", 2048).busy("g1", 200);
    let plan = plan_of(&world, vec![bare(mig("g1", "h1", "h2"))]);
    let mut rig = Rig::new(world);
    rig.inventory.migration.how.post_copy = true;
    rig.inventory.migration.how.bandwidth_mib_per_s = Some(1);
    rig.inventory.migration.timeout_s = 5;
    rig.inventory.migration.post_copy_timeout_s = 5;
    rig.no_jobs.store(true, Ordering::SeqCst);
    let life = rig.apply(&plan, "a");
    let destroyed = rig.world.acts().iter().any(|a| a.asked.kind() == Kind::Destroy);
    assert!(!destroyed, "{life:?} {:?}\n{}", rig.world.states("g1"), rig.tale());
}

#[test]
fn two_starts_of_one_guest_are_never_done_beside_each_other() {
    let world = World::new(3).host("h1", 4096).host("h2", 4096).stopped("g1", "h1", 512).also_known_on("g1", "h2");
    let mut steps = vec![bare(start("g1", "h1")), bare(start("g1", "h2"))];
    steps[1].1 = 1;
    let plan = plan_of(&world, steps);
    let rig = Rig::new(world);
    let life = rig.apply(&plan, "a");
    assert_eq!(rig.world.violations(), [], "{life:?}\n{}", rig.tale());
}

#[test]
fn a_power_off_is_never_done_beside_a_migration_to_its_host() {
    let mut bad = 0;
    for seed in 0..40 {
        let world = World::new(seed).host("h1", 4096).host("h2", 4096).guest("g1", "h1", 512);
        let mut steps = vec![bare(mig("g1", "h1", "h2")), bare(Action::PowerOffHost { host: s("h2") })];
        steps[1].1 = 1;
        let plan = plan_of(&world, steps);
        let rig = Rig::new(world);
        rig.apply(&plan, "a");
        bad += usize::from(!rig.world.violations().is_empty());
    }
    assert_eq!(bad, 0);
}

#[test]
fn the_only_definition_of_a_guest_is_not_undefined() {
    let world = World::new(3).host("h1", 4096).host("h2", 4096).guest("g1", "h1", 512);
    let plan = plan_of(&world, vec![bare(mig("g1", "h1", "h2"))]);
    let rig = Rig::new(world);
    // The executor dies when it has asked for the migration, which is never heard.
    let _ = rig.world.clone().faults(FaultPlan(vec![Fault::OfCall(
        Nth { kind: Some(Kind::Migrate), nth: 1 },
        CallFault::Fails(CallError::Refused("no".into())),
    )]));
    let life = rig.apply(&plan, "a");
    assert!(!life.finished());
    // An administrator moves it by hand, as `virsh migrate --live` does: transient there, shut off and known here.
    rig.world.strike(Incident::DestroyGuest { guest: s("g1") });
    rig.world.strike(Incident::StartElsewhere { guest: s("g1"), host: s("h2") });
    let life = rig.resume("a");
    rig.world.strike(Incident::DestroyGuest { guest: s("g1") });
    assert!(!rig.world.states("g1").is_empty(), "nobody knows g1 any more: {life:?}\n{}", rig.tale());
}

#[test]
fn a_copy_on_its_way_back_is_no_left_over() {
    let world = World::new(3).host("h1", 4096).host("h2", 4096).guest("g1", "h1", 2048);
    let plan = plan_of(&world, vec![bare(mig("g1", "h1", "h2"))]);
    let rig = Rig::new(world);
    rig.world.crash_at_call(10, CallCrash::After);
    let life = rig.apply(&plan, "a");
    use executor::clock::Clock as _;
    rig.world.peace();
    rig.world.sleep(std::time::Duration::from_secs(60));
    assert_eq!(rig.world.runs_on("g1"), ["h2"], "{life:?}\n{}", rig.tale());
    rig.world.strike(Incident::MigrateAway { guest: s("g1"), to: s("h1") });
    let life = rig.resume("a");
    let destroyed = rig.world.acts().iter().any(|a| a.asked.kind() == Kind::Destroy);
    assert!(!destroyed, "{life:?}\n{}", rig.tale());
}

#[test]
fn a_rollback_that_is_killed_and_resumed_restores_autostart() {
    let mut lost = Vec::new();
    for nth in 1..60 {
        let world = World::new(3).host("h1", 4096).host("h2", 4096).guest("g1", "h1", 512).autostart("g1");
        let plan = plan_of(&world, vec![bare(stop("g1", "h1"))]);
        let rig = Rig::new(world);
        assert!(rig.apply(&plan, "a").finished());
        rig.world.crash_at_call(rig.world.begun() + nth, CallCrash::After);
        let life = rig.rollback("a", "b");
        if life.finished() {
            break;
        }
        rig.world.peace();
        let life = if rig.history("b").is_some() { rig.resume("b") } else { rig.rollback("a", "b") };
        assert!(life.finished(), "{nth} {life:?}");
        if rig.autostart_of("g1", "h1") != Some(true) {
            lost.push(nth);
        }
    }
    assert!(lost.is_empty(), "autostart lost where it was killed at {lost:?}");
}

#[test]
fn a_stop_that_fails_leaves_autostart_as_it_was() {
    let world = World::new(3).host("h1", 4096).guest("g1", "h1", 512).autostart("g1").deaf("g1");
    let plan = plan_of(&world, vec![bare(stop("g1", "h1"))]);
    let rig = Rig::new(world);
    let life = rig.apply(&plan, "a");
    assert!(!life.finished());
    let back = rig.rollback("a", "b");
    assert_eq!(rig.autostart_of("g1", "h1"), Some(true), "{life:?} then {back:?}");
}

#[test]
fn a_run_resumed_for_some_of_its_steps_is_not_over() {
    let world = World::new(3).host("h1", 4096).host("h2", 4096).guest("g1", "h1", 512).guest("g2", "h1", 512);
    let plan = plan_of(&world, vec![bare(mig("g1", "h1", "h2")), bare(mig("g2", "h1", "h2"))]);
    let mut rig = Rig::new(world);
    let _ = rig.world.clone().faults(FaultPlan(vec![Fault::OfCall(
        Nth { kind: Some(Kind::Migrate), nth: 1 },
        CallFault::Fails(CallError::Refused("no".into())),
    )]));
    assert!(!rig.apply(&plan, "a").finished());
    rig.only = [1].into();
    let life = rig.resume("a");
    assert!(life.finished(), "{life:?}");
    rig.only = BTreeSet::new();
    let life = rig.resume("a");
    assert!(life.finished(), "{life:?}");
    assert_eq!(rig.world.runs_on("g2"), ["h2"]);
}

#[test]
fn a_job_of_somebody_else_is_not_aborted() {
    let world = World::new(3).host("h1", 8192).host("h2", 8192).host("h3", 8192).guest("g1", "h1", 4096).busy("g1", 500);
    let plan = plan_of(&world, vec![bare(mig("g1", "h1", "h2"))]);
    let rig = Rig::new(world);
    let _ = rig.world.clone().faults(FaultPlan(vec![Fault::AtCall(
        Nth { kind: Some(Kind::Migrate), nth: 1 },
        Incident::MigrateAway { guest: s("g1"), to: s("h3") },
    )]));
    let life = rig.apply(&plan, "a");
    let aborted = rig.world.acts().iter().any(|a| a.asked.kind() == Kind::AbortJob);
    assert!(!aborted, "{life:?}\n{}", rig.tale());
}

#[test]
fn a_definition_that_could_not_be_kept_is_not_undefined() {
    let world = World::new(3).host("h1", 4096).host("h2", 4096).stopped("g1", "h1", 512);
    let plan = plan_of(&world, vec![bare(Action::UndefineGuest { guest: s("g1"), host: s("h1") })]);
    let mut rig = Rig::new(world);
    rig.kept.1 = true;
    let life = rig.apply(&plan, "a");
    assert!(!rig.world.states("g1").is_empty(), "nobody knows g1 any more: {life:?}");
}

#[test]
fn a_start_that_comes_late_makes_no_second_copy_after_a_rollback() {
    let world = World::new(3).host("h1", 4096).host("h2", 4096).guest("g1", "h1", 512).also_known_on("g1", "h2");
    let plan = plan_of(&world, vec![bare(stop("g1", "h1")), bare(start("g1", "h2"))]);
    let rig = Rig::new(world);
    let _ = rig
        .world
        .clone()
        .faults(FaultPlan(vec![Fault::OfCall(Nth { kind: Some(Kind::Start), nth: 1 }, CallFault::Late { by_ns: 400_000_000_000 })]));
    let life = rig.apply(&plan, "a");
    let back = rig.rollback("a", "b");
    use executor::clock::Clock as _;
    rig.world.sleep(std::time::Duration::from_secs(600));
    assert_eq!(rig.world.violations(), [], "{life:?}\n{back:?}\n{}", rig.tale());
}

#[test]
fn two_strangers_of_one_name_are_no_reason_to_refuse_a_plan() {
    let world = World::new(3).host("h1", 4096).host("h2", 4096).guest("g1", "h1", 512);
    let plan = plan_of(&world, vec![bare(mig("g1", "h1", "h2"))]);
    let rig = Rig::new(world);
    // Two hosts, each with a service guest of its own of one name, of which the plan knows nothing.
    for (host, n) in [("h1", 7u128), ("h2", 8)] {
        let template = executor::host::Definition {
            uuid: Uuid::from_u128(n),
            name: s("agent"),
            xml: format!(
                "<domain type='qemu'><name>agent</name><uuid>{}</uuid><memory unit='KiB'>65536</memory><vcpu>1</vcpu></domain>",
                Uuid::from_u128(n)
            ),
        };
        let mut p = rig.hosts[host].begin(Call::Define { definition: template });
        use executor::clock::Clock as _;
        loop {
            if let Some(e) = p.poll() {
                e.expect("defined");
                break;
            }
            rig.world.sleep(std::time::Duration::from_millis(5));
        }
    }
    let life = rig.apply(&plan, "a");
    assert!(life.finished(), "{life:?}");
}

#[test]
fn killed_between_start_and_autostart_a_resumed_run_sets_it() {
    let mut lost = Vec::new();
    for nth in 1..90 {
        let world = World::new(3).host("h1", 4096).host("h2", 4096).guest("g1", "h1", 512).autostart("g1").also_known_on("g1", "h2");
        let plan = plan_of(&world, vec![bare(stop("g1", "h1")), bare(start("g1", "h2"))]);
        let rig = Rig::new(world);
        rig.world.crash_at_call(nth, CallCrash::After);
        let life = rig.apply(&plan, "a");
        if life.finished() {
            break;
        }
        if rig.history("a").is_none() {
            continue;
        }
        let life = rig.resume("a");
        assert!(life.finished(), "{nth} {life:?}");
        if rig.autostart_of("g1", "h2") != Some(true) || rig.autostart_of("g1", "h1") == Some(true) {
            lost.push(nth);
        }
    }
    assert!(lost.is_empty(), "autostart wrong where it was killed at {lost:?}");
}

#[test]
fn a_guest_that_comes_while_other_hosts_are_looked_at_keeps_its_host_on() {
    let case = random_case(368_814);
    let faults = FaultPlan::random(699_527, &case.world, Outsiders::Meddle);
    let mut rig = Rig::new(case.world.faults(faults));
    rig.parallel = 1;
    for _ in 0..4 {
        let life = if rig.history("a").is_some() { rig.resume("a") } else { rig.apply(&case.plan, "a") };
        if life.finished() {
            break;
        }
    }
    let off = rig.world.violations().into_iter().filter(|v| matches!(v, testbed::fake::Violation::OffUnderGuests { .. })).count();
    assert_eq!(off, 0);
}
