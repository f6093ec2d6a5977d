//! The steps from the placement of today to the plan's.
//!
//! Hosts are booted first, one at a time; then guests are moved, in an order in which each move fits when its turn comes;
//! then guests that do not run are defined and started; then empty hosts are switched off. Under [`Boots::WhenNeeded`] a host
//! is booted only when no move fits on those that are on, and hosts are switched off as soon as they are empty and no loss needs
//! them: old and new hosts stand side by side for the shortest time, for a CVCF that cannot carry both. Where every remaining move
//! waits for another, one guest is parked on a third host. What runs on the metal is not moved live, nor is a guest whose pre-copy
//! would not end over the site's link: it is stopped and started. A host that is evacuated is looked at as soon as the last guest has
//! left it. Where even parking does not help, the answer is *stuck*, with
//! the moves that are left. The shortest order and
//! lower bounds of moves come later and have their place here.

use std::collections::VecDeque;

use models::law::migration::Outcome;
use models::plan::{Action, Condition, Step};
use models::site::{GuestId, HostId, Mode, Placement, Site};

use crate::quick::{Quick, State};

/// No order was found: the guests whose moves are left.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the moves of {} guests wait for each other and no guest can be parked: {}", .0.len(), some(.0))]
pub struct Stuck(pub Vec<String>);

/// The first names of a list.
fn some(names: &[String]) -> String {
    let more = if names.len() > 8 { " ..." } else { "" };
    names[..names.len().min(8)].join(", ") + more
}

/// When hosts are booted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Boots {
    /// All at the start: losses are survived from the first move on.
    First,
    /// One at a time, when nothing can be moved otherwise; empty hosts are switched off at once.
    WhenNeeded,
}

/// The steps from `start` to `end`.
///
/// # Errors
/// Where moves wait for each other and no parking place is found.
pub fn steps(quick: &Quick, start: &Placement, end: &Placement, boots: Boots) -> Result<Vec<Step>, Stuck> {
    let site = quick.site;
    let mut out = Out { site, steps: Vec::new() };
    let mut on = start.on.clone();
    let mut dark: VecDeque<HostId> = (0..site.hosts.len()).filter(|h| end.on[*h] && !start.on[*h]).map(HostId::at).collect();
    if boots == Boots::First {
        for h in dark.drain(..) {
            out.boot(h);
            on[h.index()] = true;
        }
    }
    let mut state = quick.state(&Placement { on, host_of: start.host_of.clone() });
    let goes_off = |h: HostId| start.on[h.index()] && !end.on[h.index()];
    let mut waiting: Vec<GuestId> = (0..site.guests.len())
        .map(GuestId::at)
        .filter(|g| start.host_of[g.index()].is_some() && start.host_of[g.index()] != end.host_of[g.index()])
        .collect();
    let survived = quick.survives(&state);
    if boots == Boots::WhenNeeded {
        off_empty(quick, &mut state, &goes_off, survived, &mut out);
    }
    let mut parked: Vec<GuestId> = Vec::new();
    while !waiting.is_empty() {
        let ready = waiting.iter().enumerate().find_map(|(k, g)| {
            let from = state.placement.host_of[g.index()]?;
            match end.host_of[g.index()] {
                None => {
                    quick.take(&mut state, *g);
                    Some((k, from))
                }
                Some(to) => try_move(quick, &mut state, *g, to, survived).then_some((k, from)),
            }
        });
        if let Some((k, from)) = ready {
            let g = waiting.remove(k);
            match end.host_of[g.index()] {
                Some(to) => out.relocate(g, from, to),
                None => out.stop(g, from),
            }
            if boots == Boots::WhenNeeded {
                off_empty(quick, &mut state, &goes_off, survived, &mut out);
            }
            continue;
        }
        if let Some(k) = dark.iter().position(|h| quick.may_boot(&state, *h)) {
            let h = dark.remove(k).expect("a position in the queue");
            out.boot(h);
            state.placement.on[h.index()] = true;
            off_empty(quick, &mut state, &goes_off, survived, &mut out);
            continue;
        }
        if !dark.is_empty() && vacate(quick, &mut state, &goes_off, survived, &mut out) {
            continue;
        }
        // Everything waits: park one guest that has not been parked yet, the smallest first.
        let mut order = waiting.clone();
        order.sort_by_key(|g| (site.guests[g.index()].memory, *g));
        let found = order.iter().filter(|g| !parked.contains(g)).find_map(|g| {
            let from = state.placement.host_of[g.index()]?;
            (0..site.hosts.len())
                .map(HostId::at)
                .filter(|h| *h != from && Some(*h) != end.host_of[g.index()])
                .find(|h| try_move(quick, &mut state, *g, *h, survived))
                .map(|to| (*g, from, to))
        });
        let Some((g, from, to)) = found else {
            let name = |g: &GuestId| site.guests[g.index()].name.clone();
            return Err(Stuck(waiting.iter().map(name).collect()));
        };
        out.relocate(g, from, to);
        parked.push(g);
    }
    for h in dark {
        // Nobody waits for it: what is empty makes room for it.
        while !quick.may_boot(&state, h)
            && let Some(empty) = (0..site.hosts.len()).map(HostId::at).find(|x| is_left(&state, *x, &goes_off))
        {
            out.power_off(empty);
            state.placement.on[empty.index()] = false;
        }
        out.boot(h);
        state.placement.on[h.index()] = true;
    }
    for g in (0..site.guests.len()).map(GuestId::at) {
        if let (None, Some(h)) = (start.host_of[g.index()], end.host_of[g.index()]) {
            out.define_and_start(g, h);
        }
    }
    for h in (0..site.hosts.len()).map(HostId::at).filter(|h| goes_off(*h) && state.placement.on[h.index()]) {
        out.power_off(h);
    }
    for h in &site.rules.evacuated {
        out.evacuated(*h);
    }
    Ok(out.steps)
}

/// A host that goes off, is on and carries nothing any more.
fn is_left(state: &State, h: HostId, goes_off: &impl Fn(HostId) -> bool) -> bool {
    goes_off(h) && state.placement.on[h.index()] && state.guests_of(h).is_empty()
}

/// Switches off hosts that go off and are empty, while losses that were survived still are: an empty host may be the spare one.
fn off_empty(quick: &Quick, state: &mut State, goes_off: &impl Fn(HostId) -> bool, survived: bool, out: &mut Out) {
    for h in (0..quick.site.hosts.len()).map(HostId::at) {
        if is_left(state, h, goes_off) {
            state.placement.on[h.index()] = false;
            if survived && !quick.survives(state) {
                state.placement.on[h.index()] = true;
            } else {
                out.power_off(h);
            }
        }
    }
}

/// Makes room for a boot: moves the guests of a host that goes off onto the others that are on, and switches it off.
fn vacate(quick: &Quick, state: &mut State, goes_off: &impl Fn(HostId) -> bool, survived: bool, out: &mut Out) -> bool {
    let mut hosts: Vec<HostId> =
        (0..quick.site.hosts.len()).map(HostId::at).filter(|h| state.placement.on[h.index()] && goes_off(*h)).collect();
    hosts.sort_by_key(|h| (state.guests_of(*h).len(), *h));
    for from in hosts {
        let (mut trial, mut moves) = (state.clone(), Vec::new());
        let emptied = state.guests_of(from).iter().all(|g| {
            let mut others: Vec<HostId> =
                (0..quick.site.hosts.len()).map(HostId::at).filter(|h| *h != from && trial.placement.on[h.index()]).collect();
            others.sort_by_key(|h| (trial.free_mib(*h), *h));
            let to = others.into_iter().find(|to| try_move(quick, &mut trial, *g, *to, survived));
            moves.extend(to.map(|to| (*g, to)));
            to.is_some()
        });
        trial.placement.on[from.index()] = false;
        if emptied && (!survived || quick.survives(&trial)) {
            for (g, to) in moves {
                out.relocate(g, from, to);
            }
            out.power_off(from);
            *state = trial;
            return true;
        }
    }
    false
}

/// Moves a guest in the state where that fits and, if losses were survived before, they still are.
fn try_move(quick: &Quick, state: &mut State, g: GuestId, to: HostId, survived: bool) -> bool {
    let memory_on_both = quick.site.guests[g.index()].memory.0 as i64 <= state.free_mib(to);
    if !memory_on_both || state.placement.host_of[g.index()] == Some(to) {
        return false;
    }
    let from = quick.take(state, g);
    if quick.fits(state, g, to) {
        quick.put(state, g, to);
        if !survived || quick.survives(state) {
            return true;
        }
        quick.take(state, g);
    }
    quick.put(state, g, from);
    false
}

/// Whether a live move of the guest keeps to the site's downtime, as far as is known.
fn ends(site: &Site, g: GuestId) -> bool {
    site.pre_copy(g).is_none_or(|(copy, stop)| matches!(copy.run(stop), Ok(Outcome::Converges(_))))
}

struct Out<'a> {
    site: &'a Site,
    steps: Vec<Step>,
}

impl Out<'_> {
    fn push(&mut self, action: Action, before: Vec<Condition>, after: Vec<Condition>) {
        let number = self.steps.len() as u32 + 1;
        self.steps.push(Step { number, action, starts_after_s: None, beside: 0, before, after });
    }

    fn names(&self, g: GuestId, h: HostId) -> (String, String) {
        (self.site.guests[g.index()].name.clone(), self.site.hosts[h.index()].name.clone())
    }

    fn boot(&mut self, h: HostId) {
        let host = self.site.hosts[h.index()].name.clone();
        self.push(
            Action::BootHost { host: host.clone() },
            vec![Condition::HostOff { host: host.clone() }],
            vec![Condition::HostOn { host }],
        );
    }

    fn power_off(&mut self, h: HostId) {
        let host = self.site.hosts[h.index()].name.clone();
        self.push(
            Action::PowerOffHost { host: host.clone() },
            vec![Condition::HostOn { host: host.clone() }, Condition::HostEmpty { host: host.clone() }],
            vec![Condition::HostOff { host }],
        );
    }

    /// Sees that a host is evacuated, when the last guest has left it.
    fn evacuated(&mut self, h: HostId) {
        let host = self.site.hosts[h.index()].name.clone();
        let leaves = |s: &Step| match &s.action {
            Action::MigrateGuest { from, .. } => *from == host,
            Action::StopGuest { host: from, .. } => *from == host,
            _ => false,
        };
        let at = self.steps.iter().rposition(leaves).map_or(self.steps.len(), |last| last + 1);
        let step = Step {
            number: 0,
            action: Action::EvacuateHost { host: host.clone() },
            starts_after_s: None,
            beside: 0,
            before: vec![Condition::HostOn { host: host.clone() }],
            after: vec![Condition::HostEmpty { host }],
        };
        self.steps.insert(at, step);
        for (number, step) in (1..).zip(&mut self.steps) {
            step.number = number;
        }
    }

    fn memory(&self, g: GuestId, host: &str) -> Condition {
        Condition::MemoryFree { host: host.to_owned(), mib: self.site.guests[g.index()].memory.0 }
    }

    fn define_and_start(&mut self, g: GuestId, h: HostId) {
        let (guest, host) = self.names(g, h);
        self.push(
            Action::DefineGuest { guest: guest.clone(), host: host.clone() },
            vec![Condition::HostOn { host: host.clone() }, Condition::GuestStopped { guest: guest.clone() }],
            vec![Condition::GuestDefined { guest: guest.clone(), host: host.clone() }],
        );
        self.push(
            Action::StartGuest { guest: guest.clone(), host: host.clone() },
            vec![
                Condition::HostOn { host: host.clone() },
                Condition::GuestDefined { guest: guest.clone(), host: host.clone() },
                Condition::GuestStopped { guest: guest.clone() },
                self.memory(g, &host),
            ],
            vec![Condition::GuestRunning { guest, host }],
        );
    }

    fn stop(&mut self, g: GuestId, h: HostId) {
        let (guest, host) = self.names(g, h);
        self.push(
            Action::StopGuest { guest: guest.clone(), host: host.clone() },
            vec![Condition::GuestRunning { guest: guest.clone(), host }],
            vec![Condition::GuestStopped { guest }],
        );
    }

    fn relocate(&mut self, g: GuestId, from: HostId, to: HostId) {
        let metal = |h: HostId| self.site.class_of(h).hypervisor.is_none();
        if self.site.guests[g.index()].mode == Mode::PhysicalOnly || metal(from) || metal(to) || !ends(self.site, g) {
            self.stop(g, from);
            self.define_and_start(g, to);
            return;
        }
        let (guest, to) = self.names(g, to);
        let from = self.site.hosts[from.index()].name.clone();
        self.push(
            Action::MigrateGuest { guest: guest.clone(), from: from.clone(), to: to.clone() },
            vec![Condition::GuestRunning { guest: guest.clone(), host: from }, Condition::HostOn { host: to.clone() }, self.memory(g, &to)],
            vec![Condition::GuestRunning { guest, host: to }],
        );
    }
}
