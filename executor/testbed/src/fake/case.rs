//! Small sites at random, each with a valid plan: steps whose conditions hold in their order and in every mixture that `beside` allows.
//!
//! The planner is not asked: it would be the judge of its own plans. Steps here follow each other without purpose, which
//! makes odder plans than a planner would.

use std::collections::{BTreeMap, BTreeSet};

use models::plan::{Action, Condition, Placed, Plan, Step};

use super::World;
use super::chance::Chance;

/// A site, a plan for it, and what the plan leads to.
#[derive(Debug, Clone)]
pub struct Case {
    /// The site at the plan's start.
    pub world: World,
    /// The plan.
    pub plan: Plan,
    /// Where each guest runs when all steps are done; nothing: nowhere.
    pub end: BTreeMap<String, Option<String>>,
}

/// The site in the middle of a plan, as the generator counts it.
struct Course {
    chance: Chance,
    /// Memory for guests, MiB, and whether the host is on.
    hosts: BTreeMap<String, (u64, bool)>,
    /// Memory, MiB, and where it runs.
    guests: BTreeMap<String, (u64, Option<String>)>,
    known: BTreeSet<(String, String)>,
    steps: Vec<Step>,
}

/// A site of 2 to 5 hosts and 1 to 8 guests with a valid plan of one step at least.
///
/// Some hosts are off at the start and some guests stopped; nobody is deaf, and every migration ends. A guest that the plan stops is not
/// started by any host that boots.
///
/// # Panics
/// Never: a site of which nothing can be done is drawn again.
#[must_use]
pub fn random_case(seed: u64) -> Case {
    let mut chance = Chance::of(seed, "case");
    loop {
        let (world, mut course) = site(seed, chance);
        let wanted = course.chance.between(1, 14) as usize;
        for _ in 0..60 {
            if course.steps.len() >= wanted {
                break;
            }
            course.add();
        }
        if !course.steps.is_empty() {
            return course.done(world);
        }
        chance = course.chance;
    }
}

/// A site at random, and the generator's own account of it.
fn site(seed: u64, mut chance: Chance) -> (World, Course) {
    let mut world = World::new(seed);
    let mut hosts = BTreeMap::new();
    for h in 1..=chance.between(2, 5) {
        let (name, memory) = (format!("h{h}"), chance.between(4, 16) * 256);
        world = world.host(&name, memory);
        hosts.insert(name, (memory, true));
    }
    let names: Vec<String> = hosts.keys().cloned().collect();
    let (mut guests, mut known) = (BTreeMap::new(), BTreeSet::new());
    for g in 1..=chance.between(1, 8) {
        let (name, memory) = (format!("g{g}"), chance.between(1, 8) * 128);
        let Some(host) = chance.pick(&names).cloned() else { continue };
        let held: u64 = guests.values().filter(|(_, at)| *at == Some(host.clone())).map(|(m, _)| *m).sum();
        let runs = !chance.one_in(5) && held + memory <= hosts[&host].0;
        world = if runs { world.guest(&name, &host, memory) } else { world.stopped(&name, &host, memory) };
        known.insert((name.clone(), host.clone()));
        if chance.one_in(5)
            && let Some(other) = chance.pick(&names)
        {
            world = world.also_known_on(&name, other);
            known.insert((name.clone(), other.clone()));
        }
        guests.insert(name, (memory, runs.then_some(host)));
    }
    // The first host stays on: somebody must be there.
    for name in names.iter().skip(1) {
        let empty = guests.values().all(|(_, at)| at.as_ref() != Some(name));
        if empty && chance.below(3) > 0 {
            world = world.off(name);
            hosts.entry(name.clone()).and_modify(|(_, on)| *on = false);
        }
    }
    (world, Course { chance, hosts, guests, known, steps: Vec::new() })
}

impl Course {
    fn on(&self) -> Vec<String> {
        self.hosts.iter().filter(|(_, (_, on))| *on).map(|(name, _)| name.clone()).collect()
    }

    fn off(&self) -> Vec<String> {
        self.hosts.iter().filter(|(_, (_, on))| !*on).map(|(name, _)| name.clone()).collect()
    }

    fn running(&self) -> Vec<(String, String)> {
        self.guests.iter().filter_map(|(g, (_, at))| Some((g.clone(), at.clone()?))).collect()
    }

    fn stopped(&self) -> Vec<String> {
        self.guests.iter().filter(|(_, (_, at))| at.is_none()).map(|(g, _)| g.clone()).collect()
    }

    fn on_host(&self, host: &str) -> Vec<String> {
        self.running().into_iter().filter(|(_, at)| at == host).map(|(g, _)| g).collect()
    }

    fn free_mib(&self, host: &str) -> u64 {
        let held: u64 = self.on_host(host).iter().map(|g| self.guests[g].0).sum();
        self.hosts[host].0.saturating_sub(held)
    }

    fn knows(&self, guest: &str, host: &str) -> bool {
        self.known.contains(&(guest.to_owned(), host.to_owned()))
    }

    /// Whether a host that is on, other than `but`, can say what a guest is made of.
    fn known_elsewhere(&self, guest: &str, but: &str) -> bool {
        self.on().iter().any(|h| h != but && self.knows(guest, h))
    }

    fn push(&mut self, action: Action, before: Vec<Condition>, after: Vec<Condition>) {
        let number = self.steps.len() as u32 + 1;
        self.steps.push(Step { number, action, starts_after_s: None, beside: 0, before, after });
    }

    /// Adds what can be done, or nothing.
    fn add(&mut self) {
        match self.chance.below(16) {
            0 | 1 => self.boot(),
            2 => self.power_off(),
            3..=5 => self.migrate(1),
            6..=8 => self.migrate(4),
            9 => self.drain(),
            10 | 11 => self.stop(),
            12 | 13 => self.define_and_start(),
            14 => self.undefine(),
            _ => self.evacuated(),
        }
    }

    fn boot(&mut self) {
        let off = self.off();
        let Some(host) = self.chance.pick(&off).cloned() else { return };
        let follows = matches!(self.steps.last().map(|s| &s.action), Some(Action::BootHost { .. }));
        let before = vec![Condition::HostOff { host: host.clone() }];
        self.push(Action::BootHost { host: host.clone() }, before, vec![Condition::HostOn { host: host.clone() }]);
        if follows && self.chance.one_in(2) {
            let after = self.chance.below(30);
            if let Some(step) = self.steps.last_mut() {
                step.starts_after_s = Some(after);
            }
        }
        self.hosts.entry(host).and_modify(|(_, on)| *on = true);
    }

    fn power_off(&mut self) {
        let on = self.on();
        let empty: Vec<String> = on.iter().filter(|h| self.on_host(h).is_empty()).cloned().collect();
        if let Some(host) = self.chance.pick(&empty).cloned().filter(|_| on.len() > 1) {
            self.power_off_this(host);
        }
    }

    fn power_off_this(&mut self, host: String) {
        let before = vec![Condition::HostOn { host: host.clone() }, Condition::HostEmpty { host: host.clone() }];
        self.push(Action::PowerOffHost { host: host.clone() }, before, vec![Condition::HostOff { host: host.clone() }]);
        self.hosts.entry(host).and_modify(|(_, on)| *on = false);
    }

    fn evacuated(&mut self) {
        let empty: Vec<String> = self.on().into_iter().filter(|h| self.on_host(h).is_empty()).collect();
        if let Some(host) = self.chance.pick(&empty).cloned() {
            self.evacuated_this(host);
        }
    }

    fn evacuated_this(&mut self, host: String) {
        let after = vec![Condition::HostEmpty { host: host.clone() }];
        self.push(Action::EvacuateHost { host: host.clone() }, vec![Condition::HostOn { host }], after);
    }

    /// Migrates as many of these guests as find a place.
    ///
    /// Those that are more than one may be done beside each other. Any mixture of them done, under way and not begun must fit: so
    /// each target carries all that come while nothing has left yet.
    fn migrate(&mut self, most: usize) {
        let mut free: BTreeMap<String, u64> = self.on().into_iter().map(|h| (h.clone(), self.free_mib(&h))).collect();
        let mut running = self.running();
        let mut moves = Vec::new();
        while moves.len() < most && !running.is_empty() {
            let (guest, from) = running.remove(self.chance.below(running.len() as u64) as usize);
            let memory = self.guests[&guest].0;
            let fit: Vec<String> = free.iter().filter(|(h, free)| **h != from && **free >= memory).map(|(h, _)| h.clone()).collect();
            if let Some(to) = self.chance.pick(&fit).cloned() {
                free.entry(to.clone()).and_modify(|free| *free -= memory);
                moves.push((guest, from, to));
            }
        }
        let beside = self.chance.between(1, 2) as u32;
        for (i, (guest, from, to)) in moves.into_iter().enumerate() {
            self.migrate_this(guest, from, to);
            if let Some(step) = self.steps.last_mut() {
                step.beside = beside.min(i as u32);
            }
        }
    }

    fn migrate_this(&mut self, guest: String, from: String, to: String) {
        let memory = self.guests[&guest].0;
        self.push(
            Action::MigrateGuest { guest: guest.clone(), from: from.clone(), to: to.clone() },
            vec![
                Condition::GuestRunning { guest: guest.clone(), host: from.clone() },
                Condition::HostOn { host: to.clone() },
                Condition::MemoryFree { host: to.clone(), mib: memory },
            ],
            vec![Condition::GuestRunning { guest: guest.clone(), host: to.clone() }],
        );
        self.known.remove(&(guest.clone(), from));
        self.known.insert((guest.clone(), to.clone()));
        self.guests.insert(guest, (memory, Some(to)));
    }

    /// All guests of a host move away; it is seen to be empty, and is switched off.
    fn drain(&mut self) {
        let on = self.on();
        let Some(host) = self.chance.pick(&on).cloned() else { return };
        for guest in self.on_host(&host) {
            let memory = self.guests[&guest].0;
            let fit: Vec<String> = on.iter().filter(|h| **h != host && self.free_mib(h) >= memory).cloned().collect();
            let Some(to) = self.chance.pick(&fit).cloned() else { return };
            self.migrate_this(guest, host.clone(), to);
        }
        if on.len() > 1 {
            self.evacuated_this(host.clone());
            self.power_off_this(host);
        }
    }

    fn stop(&mut self) {
        let running = self.running();
        let Some((guest, host)) = self.chance.pick(&running).cloned() else { return };
        self.push(
            Action::StopGuest { guest: guest.clone(), host: host.clone() },
            vec![Condition::GuestRunning { guest: guest.clone(), host }],
            vec![Condition::GuestStopped { guest: guest.clone() }],
        );
        self.guests.entry(guest).and_modify(|(_, at)| *at = None);
    }

    fn define_and_start(&mut self) {
        let (stopped, on) = (self.stopped(), self.on());
        let (Some(guest), Some(host)) = (self.chance.pick(&stopped).cloned(), self.chance.pick(&on).cloned()) else { return };
        let stopped = Condition::GuestStopped { guest: guest.clone() };
        let defined = Condition::GuestDefined { guest: guest.clone(), host: host.clone() };
        let is_on = Condition::HostOn { host: host.clone() };
        if !self.knows(&guest, &host) {
            if !self.known_elsewhere(&guest, &host) {
                return;
            }
            let action = Action::DefineGuest { guest: guest.clone(), host: host.clone() };
            self.push(action, vec![is_on.clone(), stopped.clone()], vec![defined.clone()]);
            self.known.insert((guest.clone(), host.clone()));
        }
        let memory = self.guests[&guest].0;
        if self.free_mib(&host) >= memory {
            self.push(
                Action::StartGuest { guest: guest.clone(), host: host.clone() },
                vec![is_on, defined, stopped, Condition::MemoryFree { host: host.clone(), mib: memory }],
                vec![Condition::GuestRunning { guest: guest.clone(), host: host.clone() }],
            );
            self.guests.insert(guest, (memory, Some(host)));
        }
    }

    /// A host forgets a guest that another knows.
    fn undefine(&mut self) {
        let forgettable: Vec<(String, String)> = self
            .known
            .iter()
            .filter(|(g, h)| self.hosts[h].1 && self.guests[g].1.as_ref() != Some(h) && self.known_elsewhere(g, h))
            .cloned()
            .collect();
        let Some((guest, host)) = self.chance.pick(&forgettable).cloned() else { return };
        let is = match &self.guests[&guest].1 {
            Some(at) => Condition::GuestRunning { guest: guest.clone(), host: at.clone() },
            None => Condition::GuestStopped { guest: guest.clone() },
        };
        let before = vec![Condition::HostOn { host: host.clone() }, is.clone()];
        self.push(Action::UndefineGuest { guest: guest.clone(), host: host.clone() }, before, vec![is]);
        self.known.remove(&(guest, host));
    }

    /// The plan of these steps.
    fn done(mut self, mut world: World) -> Case {
        for guest in self.guests.keys() {
            let is_stopped = |s: &Step| matches!(&s.action, Action::StopGuest { guest: g, .. } if g == guest);
            let known_once = world.states(guest).len() == 1;
            if known_once && !world.runs_on(guest).is_empty() && !self.steps.iter().any(is_stopped) && self.chance.one_in(3) {
                world = world.autostart(guest);
            }
        }
        let plan = Plan {
            hosts_on: self.on(),
            placement: self.running().into_iter().map(|(guest, host)| Placed { guest, host }).collect(),
            ..models::example::plan("fake", Some(world.start()), self.steps)
        };
        Case { world, plan, end: self.guests.into_iter().map(|(g, (_, at))| (g, at)).collect() }
    }
}
