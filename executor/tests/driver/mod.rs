//! A run of the executor against a world that goes wrong: it begins, dies, is resumed by an operator who does what he is told, and is judged.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use executor::carry::{Outcome, carry};
use executor::crew::{Crew, DefinitionSource, Policy};
use executor::expected::{Expected, touched};
use executor::host::{Definition, Host};
use executor::inventory::Inventory;
use executor::journal::{History, Progress};
use executor::log::{Log, Said};
use executor::runs::{self, Asked, NotReady};
use models::plan::{Action, Plan};
use testbed::fake::{Asked as Called, CallBegun, Killed, Violation, World, killed};
use uuid::Uuid;

/// Definitions on a disk that outlives the executor.
#[derive(Default)]
pub struct Kept(RefCell<BTreeMap<Uuid, Definition>>);

impl DefinitionSource for Kept {
    fn of(&self, guest: &str, uuid: Uuid, _: &str) -> Result<Definition, String> {
        self.0.borrow().get(&uuid).cloned().ok_or_else(|| format!("none of {guest} was kept"))
    }
    fn keep(&self, definition: &Definition) -> Result<(), String> {
        self.0.borrow_mut().insert(definition.uuid, definition.clone());
        Ok(())
    }
    fn admits(&self, _: &str, _: &Definition) -> Result<(), String> {
        Ok(())
    }
}

/// Everything that was said, for a failed test to show.
#[derive(Default)]
pub struct Heard(RefCell<Vec<String>>);

impl Log for Heard {
    fn say(&self, said: &Said) {
        self.0.borrow_mut().push(said.to_string());
    }
}

/// How a life of the executor ended.
#[derive(Debug)]
#[allow(dead_code, reason = "why a life ended is for the message of a failed test")]
pub enum Life {
    /// It was killed.
    Killed,
    /// It did not begin, and why.
    NotReady(NotReady),
    /// It ended by itself.
    Ended(Outcome),
    /// The journal could not be written.
    NoDisk,
}

/// A world, a plan for it, and all lives of the executor so far.
pub struct Story {
    pub world: World,
    pub plan: Plan,
    pub inventory: Inventory,
    pub max_parallel: u32,
    pub fenced: BTreeSet<String>,
    pub only: BTreeSet<u32>,
    pub until_unix_ns: Option<u64>,
    hosts: BTreeMap<String, Box<dyn Host>>,
    kept: Kept,
    pub heard: Heard,
    pub start: BTreeMap<String, Option<String>>,
}

/// The journal's name on the world's disk.
const JOURNAL: &str = "run";

impl Story {
    pub fn new(world: World, plan: Plan) -> Self {
        let mut inventory = world.inventory(Path::new("state"));
        inventory.site.clone_from(&plan.site);
        let hosts = world.hosts().into_iter().map(|h| (h.address().name.clone(), h)).collect();
        let start = plan.start.iter().flat_map(|s| &s.guests).map(|g| (g.name.clone(), g.runs_on.clone())).collect();
        Self {
            world,
            plan,
            inventory,
            max_parallel: 4,
            fenced: BTreeSet::new(),
            only: BTreeSet::new(),
            until_unix_ns: None,
            hosts,
            kept: Kept::default(),
            heard: Heard::default(),
            start,
        }
    }

    fn policy(&self) -> Policy {
        Policy {
            limits: self.inventory.limits,
            migration: self.inventory.migration,
            room_mib: self.inventory.hosts.iter().map(|(n, h)| (n.clone(), h.guest_memory_mib)).collect(),
            may_destroy: BTreeSet::new(),
            fenced: self.fenced.clone(),
        }
    }

    fn asked(&self) -> Asked {
        Asked { only: self.only.clone(), max_parallel: self.max_parallel, until_unix_ns: self.until_unix_ns }
    }

    pub fn history(&self) -> Option<History> {
        let bytes = self.world.journal_bytes(JOURNAL);
        let history = History::from_bytes(&bytes);
        // A run that died before its first line was whole has no journal, and did nothing.
        if history.is_err() && self.world.acts().is_empty() {
            return None;
        }
        Some(history.unwrap_or_else(|e| panic!("the journal does not read: {e}\n{}", self.tale())))
    }

    /// One life: begins, or goes on from the journal.
    pub fn live(&self) -> Life {
        let policy = self.policy();
        let crew = self.crew(&policy);
        let end: Result<Life, Killed> = killed(|| {
            let written = match self.history() {
                None => {
                    let mut store = self.world.journal(JOURNAL);
                    store.truncate(0);
                    let ready = match runs::begin(&crew, &self.plan, &self.inventory, &self.asked()) {
                        Ok(ready) => ready,
                        Err(e) => return Life::NotReady(e.into()),
                    };
                    let begun = runs::begun(&ready, &self.inventory, &self.fenced, None);
                    runs::open_journal(store, &self.world, &ready, begun).and_then(|journal| carry(&crew, &ready.orders, journal))
                }
                Some(history) => {
                    let mut store = self.world.journal(JOURNAL);
                    store.truncate(history.whole_bytes());
                    let ready = match runs::resume(&crew, &history, &self.inventory, &self.asked()) {
                        Ok(ready) => ready,
                        Err(e) => return Life::NotReady(e),
                    };
                    runs::go_on(store, &self.world, &history, &self.fenced).and_then(|journal| carry(&crew, &ready.orders, journal))
                }
            };
            written.map_or(Life::NoDisk, Life::Ended)
        });
        end.unwrap_or(Life::Killed)
    }

    /// The way back from what has been done, in one life. Its journal is a second file.
    pub fn roll_back(&self) -> Life {
        let policy = self.policy();
        let crew = self.crew(&policy);
        let Some(history) = self.history() else { panic!("nothing was begun") };
        let end: Result<Life, Killed> = killed(|| {
            let ready = match runs::back(&crew, &history, &self.inventory, &self.asked()) {
                Ok(ready) => ready,
                Err(e) => return Life::NotReady(e),
            };
            let begun = runs::begun(&ready, &self.inventory, &self.fenced, Some(JOURNAL.into()));
            let written = runs::open_journal(self.world.journal("back"), &self.world, &ready, begun)
                .and_then(|journal| carry(&crew, &ready.orders, journal));
            written.map_or(Life::NoDisk, Life::Ended)
        });
        end.unwrap_or(Life::Killed)
    }

    fn crew<'s>(&'s self, policy: &'s Policy) -> Crew<'s> {
        Crew { hosts: &self.hosts, switch: &self.world, definitions: &self.kept, clock: &self.world, log: &self.heard, policy }
    }

    /// What happened, for a failed test.
    pub fn tale(&self) -> String {
        let steps: String = self.plan.steps.iter().map(|s| format!("  {} {s} (beside {})\n", s.number, s.beside)).collect();
        let log: String = self.world.log().iter().map(|h| format!("  {h}\n")).collect();
        let heard: String = self.heard.0.borrow().iter().map(|h| format!("  {h}\n")).collect();
        format!("plan:\n{steps}world:\n{log}said:\n{heard}")
    }

    /// What must hold of every story, however it went: nothing that the executor did made a second copy, filled a host beyond its memory or switched
    /// a host off under its guests; nothing was asked that is not in the plan; the journal reads, and every step in it is as before or as after.
    pub fn judge(&self) {
        for v in self.world.violations() {
            assert!(v.call().is_none(), "{v:?}\n{}", self.tale());
        }
        for act in self.world.acts() {
            assert!(self.in_plan(&act), "not in the plan: {act:?}\n{}", self.tale());
        }
    }

    /// The same beside others who start and move guests at any moment: what they bring to a host between our look and our act is theirs to answer for.
    pub fn judge_beside_others(&self) {
        for v in self.world.violations() {
            let Violation::TwoCopies { guest, at_ns, .. } = &v else { continue };
            // Libvirt keeps nobody from starting a second copy. What somebody starts between our look and the end of our start nobody can prevent.
            let started = format!("StartElsewhere {{ guest: {guest:?}");
            let race =
                self.world.log().iter().any(|h| h.what.starts_with(&started) && h.at_ns <= *at_ns && at_ns - h.at_ns < 5_000_000_000);
            let ours = v.call().is_some() && !race;
            assert!(!ours, "{v:?}\n{}", self.tale());
        }
        for act in self.world.acts() {
            assert!(self.in_plan(&act), "not in the plan: {act:?}\n{}", self.tale());
        }
    }

    fn in_plan(&self, act: &CallBegun) -> bool {
        let name = |uuid: Uuid| self.start.keys().find(|g| self.world.uuid(g) == uuid).cloned().unwrap_or_default();
        self.plan.steps.iter().any(|s| match (&s.action, &act.asked) {
            (Action::BootHost { host }, Called::Switch(executor::switch::Switch::On))
            | (Action::PowerOffHost { host }, Called::Switch(executor::switch::Switch::Off)) => *host == act.host,
            (_, Called::Switch(_)) => false,
            (action, Called::Call(call)) => {
                use executor::host::Call;
                match (action, call) {
                    (Action::DefineGuest { guest, host }, Call::Define { definition }) => definition.name == *guest && *host == act.host,
                    // A transient guest is defined so that it is not forgotten when it stops.
                    (Action::StopGuest { guest, host }, Call::Define { definition }) => definition.name == *guest && *host == act.host,
                    // Autostart follows a guest: off where it is stopped, on where it starts.
                    (Action::StopGuest { guest, host }, Call::SetAutostart { guest: g, on: false })
                    | (Action::StartGuest { guest, host }, Call::SetAutostart { guest: g, on: true }) => {
                        name(*g) == *guest && *host == act.host
                    }
                    (Action::StartGuest { guest, host }, Call::Start { guest: g }) => name(*g) == *guest && *host == act.host,
                    (Action::StopGuest { guest, host }, Call::ShutDown { guest: g }) => name(*g) == *guest && *host == act.host,
                    (Action::UndefineGuest { guest, host }, Call::Undefine { guest: g }) => name(*g) == *guest && *host == act.host,
                    (Action::MigrateGuest { guest, from, to }, call) => match call {
                        Call::Migrate { guest: g, to: target, .. } => name(*g) == *guest && *from == act.host && target.name == *to,
                        // The left-over of a migration at its source, and its abort.
                        Call::Destroy { guest: g }
                        | Call::Undefine { guest: g }
                        | Call::AbortJob { guest: g }
                        | Call::PostCopy { guest: g } => name(*g) == *guest && *from == act.host,
                        Call::SetAutostart { guest: g, on: true } => name(*g) == *guest && *to == act.host,
                        _ => false,
                    },
                    _ => false,
                }
            }
        })
    }

    /// Every guest is where the journal's done steps leave it, but for those of steps under way, which are as before or as after one of them.
    pub fn before_or_after(&self) {
        let Some(history) = self.history() else { return };
        let progress = Progress::of(&history);
        let Some(start) = &self.plan.start else { panic!("a plan without its start") };
        let mut at = Expected::at(start);
        self.plan.steps.iter().filter(|s| progress.done.contains(&s.number)).for_each(|s| at.follow(s));
        let loose: Vec<_> =
            self.plan.steps.iter().filter(|s| progress.open.contains(&s.number) || progress.failed.contains_key(&s.number)).collect();
        for (guest, should) in &at.runs_on {
            let mut accepted = vec![should.clone()];
            for s in &loose {
                if touched(&s.action).iter().any(|t| matches!(t, executor::expected::Thing::Guest(g) if g == guest)) {
                    let mut after = at.clone();
                    after.follow(s);
                    accepted.push(after.runs_on[guest].clone());
                }
            }
            let is = self.world.runs_on(guest);
            let is_one = accepted.iter().any(|a| a.iter().cloned().collect::<Vec<_>>() == is);
            assert!(is_one, "{guest} runs on {is:?}, and should on one of {accepted:?}\n{}", self.tale());
        }
    }

    /// Every guest is where the plan's end has it.
    pub fn at_the_end(&self, end: &BTreeMap<String, Option<String>>) {
        for (guest, should) in end {
            let should: Vec<String> = should.iter().cloned().collect();
            assert_eq!(self.world.runs_on(guest), should, "{guest}\n{}", self.tale());
        }
    }
}
