//! The rules at every step of a plan, not only at its end: a plan that breaks a rule for one minute in the middle is a
//! failed plan.
//!
//! The states are recounted step by step from the plan's own actions; where a step may be done beside those before it, every mixture
//! of them is judged as well ([`super::beside`]). While a live migration lasts, the guest takes memory on both hosts; a host that boots
//! draws full power, and those that boot beside it (`starts_after_s`) draw theirs; electricity and CPU are judged over the whole horizon,
//! because a step may be carried out at any time of day.
//!
//! A rule that today's state breaks already cannot be kept on the way to a better state; such rules are named in
//! [`Walk::broken_before`]. On the way they may be broken where they were, by no more than they were; they are asked in full
//! of the end. That a service stands within one network (`near`) is asked of the end alone. A copy in flight is dropped when a host is lost: losses are judged with each guest where it runs. *Every guest runs* is asked of the end. A redundancy group that
//! did not run before counts for the loss rules once all its members run: its first member has no survivor yet.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use super::beside::{self, Deed};
use super::{Breach, HostLoads, Judgement, RuleName, Verdict, apart, capacity, down, judge, licence, migrate, place, spread, ups};
use crate::demand::Demand;
use crate::law::inrush::Draw;
use crate::plan::{Action, Condition, MOST_BESIDE, Step};
use crate::quantity::Nanos;
use crate::site::{GuestId, HostId, Mode, Placement, PowerView, Site};

/// What a walk through the steps found.
#[derive(Debug, Clone, PartialEq)]
pub struct Walk {
    /// The state after the last step.
    pub end: Placement,
    /// Rules that the first state breaks: on the way they may be broken where they were, by no more than they were.
    pub broken_before: Vec<RuleName>,
    /// Steps that cannot be done, or states that break a rule: step number (from 1), and what is wrong.
    pub faults: Vec<Fault>,
    /// How many judgements were made on the way.
    pub judged: usize,
    /// The most that the CVCF sees while the steps are done, in the view of its rule; the greatest VA and the greatest W may be of
    /// different steps. Nothing where no rule looks at it or no step changes what is drawn.
    pub most: Option<Draw>,
}

/// What is wrong at a step.
#[derive(Debug, Clone, PartialEq)]
pub struct Fault {
    /// The step's number.
    pub step: u32,
    /// The rule that its state breaks; `None` where the step itself cannot be done.
    pub rule: Option<RuleName>,
    /// In words, with figures.
    pub why: String,
}

/// Walks through the steps from `start`.
#[must_use]
pub fn walk(site: &Site, demand: &Demand, start: &Placement, steps: &[Step]) -> Walk {
    let mut walker = Walker::new(site, demand, start, steps);
    for (i, step) in steps.iter().enumerate() {
        walker.follow(i, step);
        for fault in beside::faults(&mut walker, step.beside) {
            walker.faults.push(fault);
        }
        walker.reached(step.beside);
    }
    let broken_before = walker.before.keys().copied().collect();
    Walk { end: walker.at, broken_before, faults: walker.faults, judged: walker.judged, most: walker.most }
}

/// The state that the steps lead to, where their names are known.
fn final_state(site: &Site, start: &Placement, steps: &[Step]) -> Option<Placement> {
    let mut at = start.clone();
    for step in steps {
        let (host, guest) = (|n: &str| site.host_named(n), |n: &str| site.guest_named(n));
        match &step.action {
            Action::BootHost { host: h } => at.on[host(h)?.index()] = true,
            Action::PowerOffHost { host: h } => at.on[host(h)?.index()] = false,
            Action::DefineGuest { .. } | Action::UndefineGuest { .. } | Action::EvacuateHost { .. } => {}
            Action::StartGuest { guest: g, host: h } | Action::MigrateGuest { guest: g, to: h, .. } => {
                at.host_of[guest(g)?.index()] = Some(host(h)?)
            }
            Action::StopGuest { guest: g, .. } => at.host_of[guest(g)?.index()] = None,
        }
    }
    Some(at)
}

/// Whether `end` has the same hosts on, and every guest of `at` where `at` has it.
///
/// Then what survives a loss in `end` survives it in `at`, where also [`Walker::nobody_in_service_is_down`]: the same places
/// are there with no more in them, and a group that is not whole yet is not in service yet.
fn within(at: &Placement, end: &Placement) -> bool {
    at.on == end.on && at.host_of.iter().zip(&end.host_of).all(|(a, b)| a.is_none() || a == b)
}

/// What is passing while a step is done.
#[derive(Default)]
struct Passing {
    /// Memory taken on a host besides that of its guests.
    memory: Vec<(GuestId, HostId)>,
    booting: ups::Booting,
    touched: BTreeSet<HostId>,
    power_changes: bool,
}

/// A walk on its way: the state after a step, and what was found so far.
pub(super) struct Walker<'a> {
    pub(super) site: &'a Site,
    demand: &'a Demand,
    loads: HostLoads,
    /// The expected course of power, kept where the CVCF is judged by it.
    power: Option<ups::Series>,
    pub(super) at: Placement,
    pub(super) defined: BTreeSet<(GuestId, HostId)>,
    faults: Vec<Fault>,
    judged: usize,
    /// Rules that the first state breaks, and how.
    before: BTreeMap<RuleName, Verdict>,
    /// By redundancy group: it has run whole, or in part from the start.
    pub(super) in_service: Vec<bool>,
    /// The boots that may not have ended when the step begins: each host with its switch-on, the step's own last.
    run: Vec<(HostId, Nanos)>,
    /// The most that the CVCF saw.
    most: Option<Draw>,
    /// The state after the last step, where its names are known and it survives every loss.
    sound_end: Option<Placement>,
    /// What the last steps did, the latest last: as many as one may be done beside, and that one.
    pub(super) deeds: VecDeque<Deed<'a>>,
    /// How many steps before it the one before the latest may be done beside.
    pub(super) reach: u32,
}

/// A boot's host.
fn booted_by(site: &Site, step: &Step) -> Option<HostId> {
    match &step.action {
        Action::BootHost { host } => site.host_named(host),
        _ => None,
    }
}

impl<'a> Walker<'a> {
    /// Before the first step.
    pub(super) fn new(site: &'a Site, demand: &'a Demand, start: &Placement, steps: &[Step]) -> Self {
        let before = judge(site, demand, start).into_iter().filter(|j| !j.verdict.holds()).map(|j| (j.rule, j.verdict)).collect();
        let loads = HostLoads::recount(site, demand, start);
        let by_curves = site.ups.is_some() && site.rules.ups.is_some_and(|r| r.view == PowerView::Expected);
        let survives = |end: &Placement| {
            let loads = HostLoads::recount(site, demand, end);
            down::judge(site, demand, end, &loads, None).iter().all(|j| j.verdict.holds())
        };
        Self {
            site,
            demand,
            power: by_curves.then(|| ups::Series::of_site(site, demand, start, &loads)),
            loads,
            at: start.clone(),
            defined: (0..site.guests.len()).filter_map(|g| start.host_of[g].map(|h| (GuestId::at(g), h))).collect(),
            faults: Vec::new(),
            judged: 0,
            in_service: site.guests_by_group().iter().map(|members| members.iter().any(|m| start.host_of[m.index()].is_some())).collect(),
            before,
            run: Vec::new(),
            most: None,
            sound_end: final_state(site, start, steps).filter(survives),
            deeds: VecDeque::new(),
            reach: 0,
        }
    }

    /// Does a step, the `i`-th, and judges the state after it; those that it may be done beside have ended.
    pub(super) fn follow(&mut self, i: usize, step: &'a Step) {
        let expected = i as u32 + 1;
        self.begin(step);
        if step.number != expected {
            self.fault(step.number, None, format!("steps are numbered from 1 in order; here {expected} was due"));
        }
        self.conditions(step, &step.before, "before");
        let deed = Deed::before(self.site, &self.at, &self.defined, &self.in_service, step);
        let passing = self.act(step);
        if self.deeds.len() > MOST_BESIDE as usize {
            self.deeds.pop_front();
        }
        self.deeds.push_back(deed.after(&self.at, &self.defined));
        let Some(passing) = passing else { return };
        self.conditions(step, &step.after, "after");
        let in_service = self.in_service.clone();
        let judgements = self.judgements(&passing, &in_service);
        for (rule, why) in self.broken(judgements) {
            self.fault(step.number, Some(rule), why);
        }
    }

    /// Notes that the latest step may be done beside so many before it, and in which groups that lets all members run.
    pub(super) fn reached(&mut self, beside: u32) {
        if beside > 0 {
            let ran = beside::ran(&self.deeds, beside);
            self.in_service = self.in_service_with(&self.in_service, &ran);
        }
        self.reach = beside;
    }

    /// The groups that are in service: those that were, and those all of whose members run now or are among `ran`.
    pub(super) fn in_service_with(&self, were: &[bool], ran: &[GuestId]) -> Vec<bool> {
        let whole = |members: &[GuestId]| members.iter().all(|m| self.at.host_of[m.index()].is_some() || ran.contains(m));
        self.site.guests_by_group().iter().zip(were).map(|(members, were)| *were || whole(members)).collect()
    }

    /// Whether what survives a loss at the end is known to survive it now.
    fn covered(&self, in_service: &[bool]) -> bool {
        self.sound_end.as_ref().is_some_and(|end| within(&self.at, end) && self.nobody_in_service_is_down(end, in_service))
    }

    /// Whether every group in service has all its members where `end` has them: one that is down for a while lacks its
    /// survivors, whatever holds at the end.
    fn nobody_in_service_is_down(&self, end: &Placement, in_service: &[bool]) -> bool {
        self.site
            .guests_by_group()
            .iter()
            .enumerate()
            .filter(|(group, _)| in_service[*group])
            .all(|(_, members)| members.iter().all(|m| self.at.host_of[m.index()].is_some() || end.host_of[m.index()].is_none()))
    }

    /// Notes when a step begins: with the end of all before it, or, for a boot, so long after the beginning of the boot before it.
    fn begin(&mut self, step: &Step) {
        let boot = booted_by(self.site, step);
        let last = self.run.last().map(|(_, at)| *at);
        let at = match (step.starts_after_s, last, boot) {
            (Some(s), Some(last), Some(_)) => {
                // Beyond 584 years all before it has ended.
                let at = s.checked_mul(1_000_000_000).and_then(|after| last.0.checked_add(after));
                if at.is_none() {
                    self.run.clear();
                }
                Nanos(at.unwrap_or(0))
            }
            (after, ..) => {
                if after.is_some() {
                    let why = "`starts_after_s` is for a boot that follows a boot: any other step waits for the end of those before it";
                    self.fault(step.number, None, why.into());
                }
                self.run.clear();
                Nanos::ZERO
            }
        };
        self.run.extend(boot.map(|h| (h, at)));
    }

    /// The hosts that are on their way when the last boot begins, its own among them.
    fn on_their_way(&self) -> ups::Booting {
        let Some((own, now)) = self.run.last().copied() else { return ups::Booting::default() };
        let within = |at: Nanos, lasts: Nanos| now.0 - at.0 < lasts.0;
        let those = |is: &dyn Fn(HostId, Nanos) -> bool| -> Vec<HostId> {
            self.run.iter().filter(|(h, at)| is(*h, *at)).map(|(h, _)| *h).collect()
        };
        let power_on = self.site.power_on;
        ups::Booting {
            hosts: those(&|h, at| h == own || within(at, self.site.class_of(h).boot)),
            spinning: power_on.map_or_else(Vec::new, |p| those(&|_, at| within(at, p.spin_up_lasts))),
            rushing: power_on.map_or(0, |p| those(&|_, at| at == now || within(at, p.inrush_lasts)).len()),
        }
    }

    fn fault(&mut self, step: u32, rule: Option<RuleName>, why: String) {
        self.faults.push(Fault { step, rule, why });
    }

    fn host(&mut self, step: u32, name: &str) -> Option<HostId> {
        let found = self.site.host_named(name);
        if found.is_none() {
            self.fault(step, None, format!("the site has no host `{name}`"));
        }
        found
    }

    fn guest(&mut self, step: u32, name: &str) -> Option<GuestId> {
        let found = self.site.guest_named(name);
        if found.is_none() {
            self.fault(step, None, format!("the site has no guest `{name}`"));
        }
        found
    }

    /// A host that is to be evacuated is given no guest.
    fn takes_nobody(&mut self, step: u32, h: HostId) {
        if self.site.rules.evacuated.contains(&h) {
            let why = format!("{} is to be evacuated: no guest comes to it", self.site.hosts[h.index()].name);
            self.fault(step, None, why);
        }
    }

    fn conditions(&mut self, step: &Step, all: &[Condition], word: &str) {
        for c in all {
            // A step that needs a host waits until it has booted; one that does not wait cannot have it.
            let on_its_way = match c {
                Condition::HostOn { host } if word == "before" => {
                    self.site.host_named(host).is_some_and(|h| self.run.iter().any(|(x, _)| *x == h))
                }
                _ => false,
            };
            let holds = self.holds(c) && !on_its_way;
            if !holds {
                self.fault(step.number, None, format!("{word} it, `{c}` is not so"));
            }
        }
    }

    fn holds(&self, c: &Condition) -> bool {
        self.holds_with(c, &[])
    }

    /// Whether a condition holds while `also` is taken on hosts besides the memory of guests where they run.
    pub(super) fn holds_with(&self, c: &Condition, also: &[(GuestId, HostId)]) -> bool {
        let (host, guest) = (|n: &str| self.site.host_named(n), |n: &str| self.site.guest_named(n));
        let runs_on = |h: HostId| self.at.host_of.iter().filter(move |x| **x == Some(h)).count();
        match c {
            Condition::HostOn { host: h } => host(h).is_some_and(|h| self.at.on[h.index()]),
            Condition::HostOff { host: h } => host(h).is_some_and(|h| !self.at.on[h.index()]),
            Condition::HostEmpty { host: h } => host(h).is_some_and(|h| runs_on(h) == 0 && also.iter().all(|(_, x)| *x != h)),
            Condition::MemoryFree { host: h, mib } => host(h).is_some_and(|h| {
                let used: u64 =
                    (0..self.site.guests.len()).filter(|g| self.at.host_of[*g] == Some(h)).map(|g| self.site.guests[g].memory.0).sum();
                let besides: u64 = also.iter().filter(|(_, x)| *x == h).map(|(g, _)| self.site.guests[g.index()].memory.0).sum();
                used + besides + mib <= self.site.class_of(h).guest_memory().0
            }),
            Condition::GuestDefined { guest: g, host: h } => {
                matches!((guest(g), host(h)), (Some(g), Some(h)) if self.defined.contains(&(g, h)))
            }
            Condition::GuestRunning { guest: g, host: h } => {
                matches!((guest(g), host(h)), (Some(g), Some(h)) if self.at.host_of[g.index()] == Some(h))
            }
            Condition::GuestStopped { guest: g } => guest(g).is_some_and(|g| self.at.host_of[g.index()].is_none()),
        }
    }

    /// Does what the step says; `None` where it cannot be done.
    fn act(&mut self, step: &Step) -> Option<Passing> {
        let n = step.number;
        let mut passing = Passing::default();
        match &step.action {
            Action::BootHost { host } => {
                let h = self.host(n, host)?;
                if self.at.on[h.index()] {
                    self.fault(n, None, format!("{host} is on already"));
                }
                if let Some(power) = self.power.as_mut().filter(|_| !self.at.on[h.index()]) {
                    power.add_host(self.site, h, &self.loads[h.index()].khz);
                }
                self.at.on[h.index()] = true;
                passing.booting = self.on_their_way();
                passing.power_changes = true;
            }
            Action::PowerOffHost { host } => {
                let h = self.host(n, host)?;
                if !self.at.on[h.index()] {
                    self.fault(n, None, format!("{host} is off already"));
                }
                if self.at.host_of.contains(&Some(h)) {
                    self.fault(n, None, format!("guests run on {host}"));
                }
                if let Some(power) = self.power.as_mut().filter(|_| self.at.on[h.index()]) {
                    power.remove_host(self.site, h, &self.loads[h.index()].khz);
                }
                self.at.on[h.index()] = false;
                passing.power_changes = true;
            }
            Action::DefineGuest { guest, host } => {
                let (g, h) = (self.guest(n, guest)?, self.host(n, host)?);
                if !self.at.on[h.index()] {
                    self.fault(n, None, format!("{host} is off: it cannot be told of {guest}"));
                }
                self.defined.insert((g, h));
            }
            Action::UndefineGuest { guest, host } => {
                let (g, h) = (self.guest(n, guest)?, self.host(n, host)?);
                if self.at.host_of[g.index()] == Some(h) {
                    self.fault(n, None, format!("{guest} runs on {host}: it is shut down before it is forgotten"));
                }
                self.defined.remove(&(g, h));
            }
            Action::EvacuateHost { host } => {
                let h = self.host(n, host)?;
                if self.at.host_of.contains(&Some(h)) {
                    self.fault(n, None, format!("guests run on {host}: the steps before it have not evacuated it"));
                }
            }
            Action::StartGuest { guest, host } => {
                let (g, h) = (self.guest(n, guest)?, self.host(n, host)?);
                if let Some(there) = self.at.host_of[g.index()] {
                    let there = self.site.hosts[there.index()].name.clone();
                    self.fault(n, None, format!("{guest} runs already, on {there}: never two running copies"));
                }
                if !self.defined.contains(&(g, h)) {
                    self.fault(n, None, format!("{host} does not know {guest}"));
                }
                self.takes_nobody(n, h);
                self.at.host_of[g.index()] = Some(h);
                passing.touched.insert(h);
            }
            Action::MigrateGuest { guest, from, to } => {
                let (g, a, b) = (self.guest(n, guest)?, self.host(n, from)?, self.host(n, to)?);
                if self.at.host_of[g.index()] != Some(a) {
                    self.fault(n, None, format!("{guest} does not run on {from}"));
                }
                if a == b {
                    self.fault(n, None, format!("{guest} is on {to} already"));
                }
                self.takes_nobody(n, b);
                let metal = |h: HostId| self.site.class_of(h).hypervisor.is_none();
                if self.site.guests[g.index()].mode == Mode::PhysicalOnly || metal(a) || metal(b) {
                    self.fault(
                        n,
                        None,
                        format!("{guest} cannot be moved live: one of {from} and {to} has no hypervisor, or it is physical only"),
                    );
                }
                if let Some(why) = migrate::refused(self.site, g, 1) {
                    self.fault(n, None, why);
                }
                self.at.host_of[g.index()] = Some(b);
                self.defined.remove(&(g, a));
                self.defined.insert((g, b));
                passing.memory.push((g, a));
                passing.touched.extend([a, b]);
            }
            Action::StopGuest { guest, host } => {
                let (g, h) = (self.guest(n, guest)?, self.host(n, host)?);
                if self.at.host_of[g.index()] != Some(h) {
                    self.fault(n, None, format!("{guest} does not run on {host}"));
                }
                self.at.host_of[g.index()] = None;
                passing.touched.insert(h);
            }
        }
        if !passing.touched.is_empty() {
            self.in_service = self.in_service_with(&self.in_service, &[]);
            self.recount(&passing.touched);
        }
        Some(passing)
    }

    /// Recounts what these hosts carry and draw.
    fn recount(&mut self, touched: &BTreeSet<HostId>) {
        let by_host = self.at.guests_by_host();
        for h in touched {
            let on = self.at.on[h.index()];
            if let Some(power) = self.power.as_mut().filter(|_| on) {
                power.remove_host(self.site, *h, &self.loads[h.index()].khz);
            }
            self.loads.update(self.site, self.demand, *h, &by_host[h.index()]);
            if let Some(power) = self.power.as_mut().filter(|_| on) {
                power.add_host(self.site, *h, &self.loads[h.index()].khz);
            }
        }
    }

    /// Puts a guest where it runs in another mixture of steps done and under way.
    pub(super) fn put(&mut self, guest: GuestId, host: Option<HostId>) {
        let was = std::mem::replace(&mut self.at.host_of[guest.index()], host);
        self.recount(&was.into_iter().chain(host).collect());
    }

    /// Judges the state as a mixture in which nothing boots; the rules that it breaks, with figures.
    pub(super) fn mixture(&mut self, in_service: &[bool]) -> Vec<(RuleName, String)> {
        let mut all = self.of_guests(&[]);
        all.extend(self.of_hosts(&ups::Booting::default(), in_service));
        self.judged += all.len();
        self.broken(all)
    }

    /// Judges memory alone, with what is taken besides that of guests where they run.
    pub(super) fn memory(&mut self, also: &[(GuestId, HostId)]) -> Vec<(RuleName, String)> {
        self.judged += 1;
        self.broken(vec![capacity::memory(self.site, &self.at, also)])
    }

    /// Judges the state, as far as the step can have changed the answer.
    fn judgements(&mut self, passing: &Passing, in_service: &[bool]) -> Vec<Judgement> {
        let mut all: Vec<Judgement> = Vec::new();
        if !passing.touched.is_empty() {
            all.extend(self.of_guests(&passing.memory));
        }
        if passing.power_changes || !passing.touched.is_empty() {
            all.extend(self.of_hosts(&passing.booting, in_service));
        }
        self.judged += all.len();
        all
    }

    /// What changes when a guest runs elsewhere; `also` is taken besides the memory of guests where they run.
    fn of_guests(&self, also: &[(GuestId, HostId)]) -> Vec<Judgement> {
        let (site, at) = (self.site, &self.at);
        let mut all = vec![
            off_host(site, at),
            place::physical_only(site, at),
            place::pinned(site, at),
            capacity::memory(site, at, also),
            capacity::cpu(site, self.demand, at, &self.loads),
        ];
        all.extend(apart::judge(site, at));
        all.extend(spread::judge(site, at));
        all
    }

    /// What changes when hosts draw or carry another load.
    fn of_hosts(&mut self, booting: &ups::Booting, in_service: &[bool]) -> Vec<Judgement> {
        let (site, demand) = (self.site, self.demand);
        let mut all = vec![licence::judge(site, &self.at)];
        let (power, seen) = ups::judge_booting(site, demand, &self.at, &self.loads, booting, self.power.as_ref());
        all.extend(power);
        if let Some(seen) = seen {
            self.most = Some(self.most.map_or(seen, |most| most.max(seen)));
        }
        if !self.covered(in_service) && self.at.host_of.iter().any(Option::is_some) {
            all.extend(down::judge(site, demand, &self.at, &self.loads, Some(in_service)));
        }
        all
    }

    /// Those of the judgements that are breaches, and none that today's state excuses.
    fn broken(&self, all: Vec<Judgement>) -> Vec<(RuleName, String)> {
        let mut broken = Vec::new();
        for j in all {
            let why = match &j.verdict {
                Verdict::Holds { .. } => continue,
                Verdict::Broken { breaches, .. } => breaches.first().map_or_else(String::new, Breach::to_string),
                Verdict::Undecided { why } => why.clone(),
            };
            // That a guest does not run yet is asked of the end only, and is not among these judgements.
            let excused = j.rule != RuleName::EveryGuestRuns && self.before.get(&j.rule).is_some_and(|b| no_worse(&j.verdict, b));
            if !excused {
                broken.push((j.rule, why));
            }
        }
        broken
    }
}

/// Whether a broken rule is broken at no other place and by no more than it was before.
fn no_worse(now: &Verdict, before: &Verdict) -> bool {
    match (now, before) {
        (Verdict::Broken { breaches: now, count }, Verdict::Broken { breaches: before, count: count_before }) => {
            let was = |b: &Breach| {
                before.iter().any(|x| x.place == b.place && x.unit == b.unit && b.needed - b.available <= x.needed - x.available + 1e-9)
            };
            count <= count_before && now.iter().all(was)
        }
        (Verdict::Undecided { .. }, _) => true,
        _ => false,
    }
}

/// Every guest that runs stands on a host that is on.
fn off_host(site: &Site, at: &Placement) -> Judgement {
    let breaches = (0..site.guests.len())
        .filter_map(|g| at.host_of[g].filter(|h| !at.on[h.index()]).map(|h| (g, h)))
        .map(|(g, h)| Breach {
            needed: 1.0,
            available: 0.0,
            unit: "host".into(),
            place: site.guests[g].name.clone(),
            when: None,
            why: format!("its host {} is off", site.hosts[h.index()].name),
        })
        .collect();
    Judgement {
        rule: RuleName::EveryGuestRuns,
        asked: "each guest that runs stands on a host that is on".into(),
        verdict: Verdict::from(Vec::new(), breaches),
    }
}
