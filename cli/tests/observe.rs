//! The loop from hosts to plans: what is observed on three hosts that are played is written, checked and planned; after a host's death
//! its guests start elsewhere; and a plan that is stale is made again.

mod common;

use std::cell::Cell;
use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use cli::diagnose::Failure;
use cli::observe::{Asked, Observed, run};
use common::{check, plan, read, shuyaku};
use executor::clock::Clock;
use executor::host::{Address, Call, CallError, GuestSeen, GuestState, Host, HostSeen, HowToMigrate, Pending, Reply, Seen};
use executor::inventory::{HostEntry, Inventory, Limits, MigrationPolicy};
use models::plan::{Action, Plan};
use tempfile::TempDir;
use uuid::Uuid;

/// Time that passes only when somebody waits.
struct Played(Cell<u64>);

impl Clock for Played {
    fn now_unix_ns(&self) -> u64 {
        1_700_000_000_000_000_000 + self.0.get()
    }
    fn monotonic_ns(&self) -> u64 {
        self.0.get()
    }
    fn sleep(&self, how_long: Duration) {
        self.0.set(self.0.get() + how_long.as_nanos() as u64);
    }
    fn stop_is_asked(&self) -> bool {
        false
    }
}

/// A host that shows the same guests at every look; nothing: it is dead.
struct Still {
    address: Address,
    seen: Option<Seen>,
}

struct Answer(Option<Result<Reply, CallError>>);

impl Pending for Answer {
    fn poll(&mut self) -> Option<Result<Reply, CallError>> {
        self.0.take()
    }
}

impl Host for Still {
    fn address(&self) -> &Address {
        &self.address
    }
    fn begin(&self, call: Call) -> Box<dyn Pending> {
        assert_eq!(call, Call::Look);
        let reply = self.seen.clone().map(Reply::Seen).ok_or_else(|| CallError::Unreachable("no route".into()));
        Box::new(Answer(Some(reply)))
    }
}

/// Three hosts with twelve guests of 64 MiB, and a folder for what is written.
struct Site {
    folder: TempDir,
    inventory: Inventory,
    /// By guest, from g1: the host it runs on.
    places: [usize; 12],
    dead: Option<usize>,
}

/// Four guests on each host.
const SPREAD: [usize; 12] = [1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3];

impl Site {
    fn of(base: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("base.toml");
        std::fs::write(&file, base).unwrap();
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
        let inventory = Inventory {
            site: "three".into(),
            file: folder.path().join("inventory.toml"),
            digest: String::new(),
            state: folder.path().join("state"),
            hosts: (1..=3).map(|n| (format!("h{n}"), entry(n))).collect(),
            guests: BTreeMap::new(),
            migration: MigrationPolicy { how, timeout_s: 60, post_copy_timeout_s: 60 },
            limits: Limits { call_s: 2, start_s: 60, shut_down_s: 60, boot_s: 300, power_off_s: 60, settle_s: 10 },
            base: Some(file),
        };
        Self { folder, inventory, places: SPREAD, dead: None }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn host(&self, n: usize) -> Box<dyn Host> {
        let guests = (1..=12).filter(|g| self.places[g - 1] == n).map(|g| guest(g, GuestState::Running));
        let host = HostSeen {
            uuid: Uuid::from_u128(100 + n as u128),
            hostname: format!("host{n}"),
            sockets: 1,
            cores: 4,
            threads_per_core: 1,
            core_mhz: 2000,
            memory_kib: 4 << 20,
            memory_free_kib: 1 << 20,
            storage_pools: Vec::new(),
            networks: Vec::new(),
        };
        let seen = (self.dead != Some(n)).then(|| Seen { host, guests: guests.collect() });
        Box::new(Still { address: address(n), seen })
    }

    /// Observes into the folder `to`.
    fn observe(&self, to: &str, fenced: &[String], before: Option<&Path>) -> Result<Observed, Failure> {
        let hosts = (1..=3).map(|n| (format!("h{n}"), self.host(n))).collect();
        let out = self.path(to);
        let asked = Asked { every_s: 5, samples: 3, dirty_rate: false, fenced, off: &[], before, out: Some(&out) };
        run(&hosts, &self.inventory, &Played(Cell::new(0)), &asked)
    }

    /// Plans what was observed into `from` and checks the plan.
    #[track_caller]
    fn planned(&self, from: &str, more: &[&str]) -> (Plan, String) {
        let (site, out) = (self.path(from), self.path(&format!("{from}-plan")));
        shuyaku([OsStr::new("check"), site.as_os_str()]).exits(0);
        let said = plan(&site, &out, more).exits(0);
        check(&out.join("plan.json"), &site).exits(0);
        (Plan::from_text(&read(&out.join("plan.json"))).unwrap(), said.out)
    }
}

fn address(n: usize) -> Address {
    Address { name: format!("h{n}"), uri: format!("test://h{n}"), peer_uri: format!("test://h{n}") }
}

fn guest(n: usize, state: GuestState) -> GuestSeen {
    GuestSeen {
        uuid: Uuid::from_u128(n as u128),
        name: format!("g{n}"),
        state,
        persistent: true,
        autostart: false,
        memory_kib: 65_536,
        vcpus: 1,
        cpu_ns: 0,
        net_bytes: 0,
        disk_bytes: 0,
        job_remaining_bytes: None,
        dirty_mib_per_s: None,
    }
}

/// Rules under which two hosts are enough: what runs on one finds room on the other.
fn base(more: &str) -> String {
    include_str!("../../scenarios/tests/common/base.toml").to_owned() + more
}

fn migrations(plan: &Plan) -> usize {
    plan.steps.iter().filter(|s| matches!(s.action, Action::MigrateGuest { .. })).count()
}

#[test]
fn three_hosts_that_are_hardly_used_are_planned_as_two_and_their_guests_are_moved() {
    let site = Site::of(&base(""));
    let observed = site.observe("seen", &[], None).unwrap();
    assert_eq!(observed.observation.forbids_plan().count(), 0);
    assert_eq!(common::names(&site.path("seen")), ["observation.json", "site.toml", "traces"]);
    let text = observed.text();
    assert!(text.contains("g12") && text.contains(&format!("next: shuyaku plan {}\n", site.path("seen").display())), "{text}");
    let (plan, _) = site.planned("seen", &[]);
    let start = plan.start.as_ref().unwrap();
    assert!(start.hosts.iter().filter(|h| h.name.starts_with('h')).all(|h| h.on && h.guest_memory_mib == 1024), "{:?}", start.hosts);
    assert!(start.guests.iter().all(|g| g.memory_mib == 64 && g.runs_on.is_some()));
    // The four guests of one host go to the two others, and it is switched off.
    assert_eq!((plan.hosts_on.len(), migrations(&plan)), (2, 4), "{}", plan.to_text());
    assert!(plan.steps.iter().any(|s| matches!(s.action, Action::PowerOffHost { .. })));
}

#[test]
fn guests_of_a_group_that_stand_together_are_moved_apart() {
    let pair = |g: usize| format!("\n[[guest]]\nname = \"g{g}\"\ngroup = \"pair\"\nsource = \"assumed:they are redundant\"\n");
    let apart =
        base(&(pair(1) + &pair(2))).replace("one_host_down = { cpu_limit = 1.0 }", "one_host_down = { cpu_limit = 1.0 }\napart = []");
    let site = Site::of(&apart);
    site.observe("seen", &[], None).unwrap();
    let (plan, _) = site.planned("seen", &[]);
    let of = |name: &str| plan.placement.iter().find(|p| p.guest == name).unwrap().host.clone();
    assert_ne!(of("g1"), of("g2"));
    assert!(migrations(&plan) > 0);
}

#[test]
fn after_a_hosts_death_its_guests_start_elsewhere_and_the_host_is_not_touched() {
    let mut site = Site::of(&base(""));
    site.observe("before", &[], None).unwrap();
    site.dead = Some(3);
    // As long as nobody says that it is off, no plan should be made.
    let unclear = site.observe("unclear", &[], Some(&site.path("before"))).unwrap();
    assert_eq!(unclear.observation.forbids_plan().count(), 1);
    assert!(unclear.text().contains("NO PLAN SHOULD BE MADE FROM THIS"), "{}", unclear.text());
    let observed = site.observe("after", &["h3".into()], Some(&site.path("before"))).unwrap();
    let text = observed.text();
    assert!(text.contains("4 guests run nowhere") && text.contains("--lost h3\n"), "{text}");
    let (plan, said) = site.planned("after", &["--lost", "h3"]);
    assert!(said.contains("of the guests that run nowhere start"), "{said}");
    let mut started: Vec<&str> = Vec::new();
    for step in &plan.steps {
        match &step.action {
            Action::StartGuest { guest, host } => {
                assert!(["h1", "h2"].contains(&host.as_str()));
                started.push(guest);
            }
            Action::DefineGuest { host, .. } => assert_ne!(host, "h3"),
            other => panic!("{other} is not needed"),
        }
    }
    started.sort_unstable();
    assert_eq!(started, ["g10", "g11", "g12", "g9"]);
    // What the plan starts from is what is: two hosts on, four guests that run nowhere.
    let start = plan.start.unwrap();
    assert_eq!(start.hosts.iter().map(|h| (h.name.as_str(), h.on)).collect::<Vec<_>>(), [("h1", true), ("h2", true)]);
    assert_eq!(start.guests.iter().filter(|g| g.runs_on.is_none()).count(), 4);
}

#[test]
fn a_stale_plan_is_made_again_and_what_differs_is_told_first() {
    let mut site = Site::of(&base(""));
    site.observe("seen", &[], None).unwrap();
    let (old, _) = site.planned("seen", &["--seed", "7"]);
    let plan_json = site.path("seen-plan").join("plan.json");
    // Nothing has happened: nothing differs, and the plan is the same.
    let (same, said) = site.planned("seen", &["--replan", plan_json.to_str().unwrap()]);
    assert!(said.starts_with("nothing that a host shows differs from what the old plan started from\n"), "{said}");
    assert_eq!(same, old);
    // Somebody has moved g1 by hand.
    site.places[0] = 2;
    site.observe("moved", &[], None).unwrap();
    let (new, said) = site.planned("moved", &["--replan", plan_json.to_str().unwrap()]);
    assert!(said.starts_with("what differs from what the old plan started from:\n  guest g1: runs on h2, was on h1\n\n"), "{said}");
    assert_eq!((new.seed, new.start.unwrap().guests.iter().find(|g| g.name == "g1").unwrap().runs_on.as_deref()), (7, Some("h2")));
    // For programs.
    let moved = site.path("moved");
    let more = ["--json", "--replan", plan_json.to_str().unwrap(), "--seed", "8"];
    let json = plan(&moved, &site.path("json"), &more).exits(0).json();
    assert_eq!(json["differences"][0]["differs"], "guest-elsewhere");
    assert_eq!(Plan::from_text(&read(&site.path("json").join("plan.json"))).unwrap().seed, 8);
    // A host dies: what the old plan lost is lost again.
    site.dead = Some(3);
    site.observe("dead", &["h3".into()], Some(&moved)).unwrap();
    let (after, said) = site.planned("dead", &["--replan", plan_json.to_str().unwrap(), "--lost", "h3"]);
    for part in ["host h3: is there no more", "guest g9: runs nowhere, was on h3"] {
        assert!(said.contains(part), "{said}");
    }
    let after_json = site.path("dead-plan").join("plan.json");
    let (again, said) = site.planned("dead", &["--replan", after_json.to_str().unwrap()]);
    assert!(said.starts_with("nothing that a host shows differs"), "{said}");
    assert_eq!((again.lost.clone(), again), (vec!["h3".to_owned()], after));
}

#[test]
fn a_plan_for_another_site_or_no_plan_at_all_is_not_made_again() {
    let site = Site::of(&base(""));
    site.observe("seen", &[], None).unwrap();
    let (mut other, _) = site.planned("seen", &[]);
    other.site = "four".into();
    let file = site.path("other.json");
    std::fs::write(&file, other.to_text()).unwrap();
    let said = plan(&site.path("seen"), &site.path("out"), &["--replan", file.to_str().unwrap()]).exits(2);
    assert!(said.err.contains("the plan is for site four, and this is site three"), "{}", said.err);
    std::fs::write(&file, "{}").unwrap();
    let said = plan(&site.path("seen"), &site.path("out"), &["--replan", file.to_str().unwrap()]).exits(2);
    assert!(said.err.contains("other.json"), "{}", said.err);
    (other.site, other.start) = ("three".into(), None);
    std::fs::write(&file, other.to_text()).unwrap();
    let said = plan(&site.path("seen"), &site.path("out"), &["--replan", file.to_str().unwrap()]).exits(0);
    assert!(said.out.starts_with("the old plan does not say what it started from"), "{}", said.out);
}

#[test]
fn what_is_missing_is_refused_and_what_was_seen_is_kept() {
    let mut site = Site::of(&base("").replace("power_w = [100.0, 150.0, 200.0]\n", ""));
    let said = site.observe("seen", &[], None).unwrap_err().to_string();
    assert!(said.contains("class small: key `power_w`") && said.contains("base.toml"), "{said}");
    assert_eq!(common::names(&site.path("seen")), ["observation.json"]);
    site.inventory.base = Some(site.path("nowhere.toml"));
    assert!(site.observe("seen", &[], None).unwrap_err().to_string().contains("nowhere.toml"));
}

#[test]
fn words_that_do_not_go_together_are_refused_before_anything_is_asked() {
    let site = Site::of(&base(""));
    let out = site.path("seen");
    let ask = |fenced: &[String], off: &[String], before: Option<&Path>| {
        let asked = Asked { every_s: 5, samples: 3, dirty_rate: false, fenced, off, before, out: Some(&out) };
        run(&BTreeMap::new(), &site.inventory, &Played(Cell::new(0)), &asked).unwrap_err().to_string()
    };
    let names = |all: &[&str]| all.iter().map(|n| (*n).to_owned()).collect::<Vec<_>>();
    let said = ask(&names(&["h4"]), &[], None);
    assert!(said.contains("--fenced: the inventory has no host `h4`") && said.contains("`h1`"), "{said}");
    assert!(ask(&[], &names(&["x"]), None).contains("--off: the inventory has no host `x`"));
    assert!(ask(&names(&["h1"]), &names(&["h1"]), None).contains("and not both"));
    let file = site.path("old.json");
    std::fs::write(&file, "{\"version\": 9}").unwrap();
    assert!(ask(&[], &[], Some(&file)).contains("--before: "));
    assert!(!out.exists());
}

#[test]
fn an_observation_that_is_in_the_folder_already_is_kept_under_its_time() {
    let mut site = Site::of(&base(""));
    site.observe("now", &[], None).unwrap();
    let first = read(&site.path("now").join("observation.json"));
    site.dead = Some(3);
    // The host is dead, and nobody said so: no site file is written, and the old one cannot be taken for it.
    site.observe("now", &[], None).unwrap();
    let names = common::names(&site.path("now"));
    let kept = names.iter().find(|n| n.starts_with("observation-")).unwrap_or_else(|| panic!("{names:?}"));
    assert_eq!(read(&site.path("now").join(kept)), first);
    assert!(!names.contains(&"site.toml".to_owned()) && names.iter().any(|n| n.starts_with("site-")), "{names:?}");
}

#[test]
fn a_guest_that_was_seen_once_and_is_forgotten_while_a_host_is_off_forbids_a_plan() {
    use std::os::unix::fs::PermissionsExt as _;
    let mut site = Site::of(&base(""));
    // Its folder is ours alone, whatever the umask.
    std::fs::set_permissions(site.folder.path(), std::fs::Permissions::from_mode(0o700)).unwrap();
    site.observe("before", &[], None).unwrap();
    let kept = executor::definitions::Definitions::of(&site.inventory.state);
    for n in [9, 77] {
        let (name, uuid) = (format!("g{n}"), Uuid::from_u128(n));
        let xml = format!("<domain type='kvm'><name>{name}</name><uuid>{uuid}</uuid><memory unit='MiB'>64</memory></domain>");
        kept.keep(&executor::host::Definition::from_xml(&xml).unwrap()).unwrap();
    }
    // All hosts answer: whoever is on none of them is gone, and that is said.
    let all = site.observe("all", &[], None).unwrap();
    assert_eq!(all.observation.forbids_plan().count(), 0);
    assert!(all.text().contains("guest g77 was on a host once"), "{}", all.text());
    // g9 ran on h3. With an observation of before it is known; without one it would be forgotten.
    site.dead = Some(3);
    let with = site.observe("with", &["h3".into()], Some(&site.path("before"))).unwrap();
    let forgotten = |o: &Observed| o.observation.forbids_plan().filter(|w| w.contains("guest g9 ")).count();
    assert_eq!(forgotten(&with), 0, "{}", with.text());
    let without = site.observe("without", &["h3".into()], None).unwrap();
    assert_eq!(forgotten(&without), 1, "{}", without.text());
}
