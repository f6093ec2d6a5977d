//! Runs that may not begin: what shows that a host is on beats the word that it is off, and a journal that no run has written is not gone on with.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use executor::crew::{Crew, DefinitionSource, Policy};
use executor::failure::Failure;
use executor::host::{Definition, Host};
use executor::inventory::Inventory;
use executor::journal::{History, Record};
use executor::log::{Log, Said};
use executor::prepare::Refusal;
use executor::runs::{self, Asked, NotReady};
use models::plan::Plan;
use testbed::fake::{Incident, World, random_case};
use uuid::Uuid;

struct Nothing;

impl DefinitionSource for Nothing {
    fn of(&self, _: &str, _: Uuid, _: &str) -> Result<Definition, String> {
        Err("none".into())
    }
    fn keep(&self, _: &Definition) -> Result<(), String> {
        Ok(())
    }
    fn admits(&self, _: &str, _: &Definition) -> Result<(), String> {
        Ok(())
    }
}

impl Log for Nothing {
    fn say(&self, _: &Said) {}
}

struct Case {
    world: World,
    plan: Plan,
    inventory: Inventory,
    hosts: BTreeMap<String, Box<dyn Host>>,
}

impl Case {
    fn new() -> Self {
        let case = random_case(1);
        let mut inventory = case.world.inventory(Path::new("state"));
        inventory.site.clone_from(&case.plan.site);
        let hosts = case.world.hosts().into_iter().map(|h| (h.address().name.clone(), h)).collect();
        Self { world: case.world, plan: case.plan, inventory, hosts }
    }

    fn with<T>(&self, fenced: &[&str], then: impl FnOnce(&Crew<'_>) -> T) -> T {
        let policy = Policy {
            limits: self.inventory.limits,
            migration: self.inventory.migration,
            room_mib: self.inventory.hosts.iter().map(|(n, h)| (n.clone(), h.guest_memory_mib)).collect(),
            may_destroy: BTreeSet::new(),
            fenced: fenced.iter().map(|h| (*h).to_owned()).collect(),
        };
        let (hosts, world) = (&self.hosts, &self.world);
        then(&Crew { hosts, switch: world, definitions: &Nothing, clock: world, log: &Nothing, policy: &policy })
    }

    fn begin(&self, fenced: &[&str]) -> Result<runs::Ready, Refusal> {
        self.with(fenced, |crew| runs::begin(crew, &self.plan, &self.inventory, &asked(&[])))
    }

    /// The journal of a run that has begun and done nothing yet, after a change of its first line.
    fn journal(&self, change: impl FnOnce(&mut executor::journal::Begun)) -> History {
        let ready = self.begin(&[]).unwrap();
        let mut begun = runs::begun(&ready, &self.inventory, &BTreeSet::new(), None);
        change(&mut begun);
        let mut journal = executor::journal::Journal::new(self.world.journal("run"));
        journal.write(1, Record::Begun(Box::new(begun))).unwrap();
        History::from_bytes(&self.world.journal_bytes("run")).unwrap()
    }

    /// A host of the plan that is on.
    fn host(&self) -> String {
        self.plan.start.iter().flat_map(|s| &s.hosts).find(|h| h.on).unwrap().name.clone()
    }
}

fn asked(only: &[u32]) -> Asked {
    Asked { only: only.iter().copied().collect(), max_parallel: 1, until_unix_ns: None }
}

#[test]
fn a_host_that_is_said_to_be_fenced_and_has_power_is_not_believed_to_be_off() {
    let case = Case::new();
    let host = case.host();
    case.world.strike(Incident::KillDaemon { host: host.clone(), restarts_after_ns: None });
    let why = case.begin(&[&host]).unwrap_err();
    assert_eq!(why.to_string(), format!("host {host} is off by `--fenced`, and its power status says `on`: it is on"));
}

#[test]
fn a_host_that_is_silent_is_named_and_what_to_do_next_and_not_what_follows_from_it() {
    let case = Case::new();
    let host = case.host();
    case.world.strike(Incident::KillDaemon { host: host.clone(), restarts_after_ns: None });
    let why = case.begin(&[]).unwrap_err();
    assert!(matches!(&why, Refusal::Failed(Failure::HostGone { host: gone, .. }) if *gone == host), "{why}");
    assert!(why.to_string().contains("\n    next: look whether"), "{why}");
}

#[test]
fn a_journal_whose_plan_is_not_that_of_its_digest_is_neither_resumed_nor_rolled_back() {
    let case = Case::new();
    let step = case.plan.steps.last().unwrap().clone();
    for (what, history) in
        [("digest", case.journal(|b| b.plan.steps.push(executor_step(&step)))), ("site", Case::new().journal(|b| b.site.push('x')))]
    {
        let resumed = case.with(&[], |crew| runs::resume(crew, &history, &case.inventory, &asked(&[]))).unwrap_err();
        let back = case.with(&[], |crew| runs::back(crew, &history, &case.inventory, &asked(&[]))).unwrap_err();
        assert_eq!((&resumed, &back), (&NotReady::Altered(what), &NotReady::Altered(what)));
    }
}

/// The step once more.
fn executor_step(step: &models::plan::Step) -> models::plan::Step {
    models::plan::Step { number: step.number + 1, ..step.clone() }
}

#[test]
fn a_way_back_is_not_gone_in_parts() {
    let case = Case::new();
    let history = case.journal(|_| ());
    let back = |only: &[u32]| case.with(&[], |crew| runs::back(crew, &history, &case.inventory, &asked(only))).unwrap_err();
    assert_eq!(back(&[1]), NotReady::InParts);
    assert_eq!(back(&[]), NotReady::NothingToRollBack);
}

#[test]
fn a_step_is_beside_no_more_steps_than_there_are_before_it() {
    let case = Case::new();
    for beside in [1, u32::MAX] {
        let mut plan = case.plan.clone();
        plan.steps[0].beside = beside;
        let why = executor::prepare::admissible(&plan, &case.inventory).unwrap_err();
        assert!(matches!(why, Refusal::Contradiction { step: 1, .. }), "{why}");
    }
}

#[test]
fn a_name_in_a_journal_is_as_one_in_a_plan() {
    let case = Case::new();
    let mut plan = case.plan.clone();
    plan.start.as_mut().unwrap().guests[0].name = "g\u{1b}[2J".into();
    let why = executor::prepare::admissible(&plan, &case.inventory).unwrap_err();
    assert!(matches!(why, Refusal::Names(_)) && !why.to_string().contains('\u{1b}'), "{why}");
    plan = case.plan.clone();
    plan.site = "x\u{1b}[2J".into();
    let why = executor::prepare::admissible(&plan, &case.inventory).unwrap_err().to_string();
    assert!(why.starts_with("the plan is for site x\u{fffd}[2J, and"), "{why}");
}
