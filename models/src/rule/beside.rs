//! Steps that may be done side by side: every mixture of those done and those under way keeps the rules.
//!
//! A step with `beside` may begin when all before its window are done; those in the window may be done, under way or not begun yet. So
//! every state between is one in which some of the window and the step itself are done. A step under way counts as not done, and besides
//! takes the memory that it is going to take: a guest on its way has memory on both hosts, one that starts where it starts, and CPU
//! where it was. A step that has not begun takes less than one under way, and is not judged by itself.
//!
//! Every subset is judged, also those that the other steps' own `beside` would not let come about: a plan is refused rather than an
//! executor trusted. Subsets grow double with each step, and so a window is short ([`MOST_BESIDE`]); each mixture is recounted from
//! the one before it, by the guest in which they differ, and one that was judged with the step before is not judged again.
//!
//! No step of a window may need, or see undone, what another of it brings about, and no two may be about one guest. Only steps about
//! guests are done side by side: what boots, is seen to be evacuated or is switched off waits for all before it.
//! Left out: how long a step takes, and what copying costs the CPUs of both hosts.

use std::collections::{BTreeSet, VecDeque};

use super::walk::{Fault, Walker};
use super::{RuleName, migrate};
use crate::demand::Demand;
use crate::plan::{Action, Condition, MOST_BESIDE, Step};
use crate::site::{GuestId, HostId, Placement, Site};

/// What a step did to its guest.
pub(super) struct Deed<'a> {
    step: &'a Step,
    /// Whose step it is; nothing where it is none for a window.
    guest: Option<GuestId>,
    /// Where the guest ran before it.
    from: Option<HostId>,
    /// Where it runs after it.
    to: Option<HostId>,
    /// Each host that it names, and whether it knew the guest before it, and knows it after.
    known: Vec<(HostId, bool, bool)>,
    /// The groups in service before it.
    in_service: Vec<bool>,
}

impl<'a> Deed<'a> {
    /// A step before it is done.
    pub(super) fn before(site: &Site, at: &Placement, defined: &BTreeSet<(GuestId, HostId)>, in_service: &[bool], step: &'a Step) -> Self {
        let (guest, hosts) = match &step.action {
            Action::DefineGuest { guest, host }
            | Action::StartGuest { guest, host }
            | Action::StopGuest { guest, host }
            | Action::UndefineGuest { guest, host } => (site.guest_named(guest), vec![host]),
            Action::MigrateGuest { guest, from, to } => (site.guest_named(guest), vec![from, to]),
            Action::BootHost { .. } | Action::EvacuateHost { .. } | Action::PowerOffHost { .. } => (None, Vec::new()),
        };
        let from = guest.and_then(|g| at.host_of[g.index()]);
        let known = |g: GuestId| hosts.iter().filter_map(|h| site.host_named(h)).map(|h| (h, defined.contains(&(g, h)), false)).collect();
        Self { step, guest, from, to: from, known: guest.map_or_else(Vec::new, known), in_service: in_service.to_vec() }
    }

    /// The same when it is done.
    pub(super) fn after(mut self, at: &Placement, defined: &BTreeSet<(GuestId, HostId)>) -> Self {
        if let Some(g) = self.guest {
            self.to = at.host_of[g.index()];
            self.known.iter_mut().for_each(|(h, _, now)| *now = defined.contains(&(g, *h)));
        }
        self
    }

    /// Whether its guest runs elsewhere after it.
    fn places(&self) -> bool {
        self.from != self.to
    }

    /// Where its guest runs in a mixture.
    const fn host(&self, done: bool) -> Option<HostId> {
        if done { self.to } else { self.from }
    }

    /// What it takes while it is under way, besides its guest where that was.
    fn takes(&self) -> Option<(GuestId, HostId)> {
        self.guest.zip(self.to.filter(|_| self.places()))
    }

    /// Whether what it does can make a condition true or not.
    fn bears_on(&self, site: &Site, c: &Condition) -> bool {
        match c {
            Condition::HostOn { .. } | Condition::HostOff { .. } => false,
            Condition::HostEmpty { host } | Condition::MemoryFree { host, .. } => {
                let host = site.host_named(host);
                self.places() && host.is_some() && (self.from == host || self.to == host)
            }
            Condition::GuestDefined { guest, .. } | Condition::GuestRunning { guest, .. } | Condition::GuestStopped { guest } => {
                self.guest.is_some() && site.guest_named(guest) == self.guest
            }
        }
    }
}

/// Guests that ran before the latest step's window or run after it: each member of a group may have run with each other.
pub(super) fn ran(deeds: &VecDeque<Deed<'_>>, beside: u32) -> Vec<GuestId> {
    let window = deeds.iter().rev().take(beside.min(MOST_BESIDE) as usize + 1);
    window.filter(|d| d.from.is_some()).filter_map(|d| d.guest).collect()
}

/// What is wrong with doing the latest step beside so many before it: what the steps forbid of themselves, or else each rule that
/// some mixture breaks, by its first.
pub(super) fn faults(walker: &mut Walker<'_>, beside: u32) -> Vec<Fault> {
    look(walker, beside, (1..=beside.min(MOST_BESIDE)).collect())
}

/// Whether the latest step may be done beside so many before it, where it may be beside one fewer.
fn one_more_holds(walker: &mut Walker<'_>, beside: u32) -> bool {
    look(walker, beside, vec![beside]).is_empty()
}

/// By step: how many of the steps directly before it, and at most so many as `caps` says of it, it may be done beside: the most at
/// which the judge finds nothing. What the steps say of themselves is not looked at, nor what they break one after the other.
#[must_use]
pub fn widest(site: &Site, demand: &Demand, start: &Placement, steps: &[Step], caps: &[u32]) -> Vec<u32> {
    let mut walker = Walker::new(site, demand, start, steps);
    let last = caps.iter().rposition(|most| *most > 0).map_or(0, |k| k + 1);
    let mut wide = vec![0; steps.len()];
    for (i, step) in steps.iter().enumerate().take(last) {
        walker.follow(i, step);
        let most = caps[i].min(MOST_BESIDE).min(i as u32);
        wide[i] = (1..=most).take_while(|b| one_more_holds(&mut walker, *b)).count() as u32;
        walker.reached(wide[i]);
    }
    wide
}

/// Looks at windows of the latest step; `reaches`: those so long whose mixtures have not been judged, each with its first step not done.
fn look(walker: &mut Walker<'_>, beside: u32, reaches: Vec<u32>) -> Vec<Fault> {
    if beside == 0 {
        return Vec::new();
    }
    let deeds = std::mem::take(&mut walker.deeds);
    let number = deeds.back().map_or(0, |d| d.step.number);
    let fault = |rule, why| Fault { step: number, rule, why };
    let found = match window(walker.site, &deeds, beside) {
        Err(why) => vec![fault(None, why)],
        Ok(window) => {
            let mut all: Vec<Fault> = conditions(walker, &window).into_iter().map(|why| fault(None, why)).collect();
            all.extend(mixtures(walker, &window, &reaches).into_iter().map(|(rule, why)| fault(Some(rule), why)));
            all
        }
    };
    walker.deeds = deeds;
    found
}

/// The steps of a window, the latest step last; or why there is no such window.
fn window<'w, 'a>(site: &Site, deeds: &'w VecDeque<Deed<'a>>, beside: u32) -> Result<Vec<&'w Deed<'a>>, String> {
    if beside > MOST_BESIDE {
        return Err(format!("`beside` is {beside}: a step may be done beside at most {MOST_BESIDE} before it"));
    }
    let Some(first) = deeds.len().checked_sub(beside as usize + 1) else {
        return Err(format!("`beside` is {beside}: it reaches over the first step"));
    };
    let window: Vec<&Deed<'_>> = deeds.iter().skip(first).collect();
    let last = window.len() - 1;
    let mut guests = Vec::new();
    for (k, deed) in window.iter().enumerate() {
        let Some(guest) = deed.guest else {
            let it = if k == last { "it".to_owned() } else { format!("step {}", deed.step.number) };
            return Err(format!("`beside` is {beside}: {it} ({}) is done by itself", deed.step.action));
        };
        if guests.contains(&guest) {
            let name = &site.guests[guest.index()].name;
            return Err(format!(
                "`beside` is {beside}: step {} and one before it that it would be done beside are both about {name}",
                deed.step.number
            ));
        }
        guests.push(guest);
    }
    moves_together(site, &window)?;
    Ok(window)
}

/// Live moves that may be under way together are no more than the site does at once, and each ends over its share of the link.
fn moves_together(site: &Site, window: &[&Deed<'_>]) -> Result<(), String> {
    let Some(way) = &site.migration else { return Ok(()) };
    let moved: Vec<GuestId> =
        window.iter().filter(|d| matches!(d.step.action, Action::MigrateGuest { .. })).filter_map(|d| d.guest).collect();
    let count = moved.len() as u32;
    if count < 2 {
        return Ok(());
    }
    if count > way.at_once {
        return Err(format!("{count} guests would be moved over {} at once, and at most {} may be", way.over, way.at_once));
    }
    match moved.iter().find_map(|g| migrate::refused(site, *g, count)) {
        Some(why) => Err(format!("with {count} guests moved at once, {why}")),
        None => Ok(()),
    }
}

/// Conditions of the window's steps that do not hold in every mixture of the others, in words.
fn conditions(walker: &mut Walker<'_>, window: &[&Deed<'_>]) -> Vec<String> {
    let mut asked: Vec<(usize, &str, &Condition)> = Vec::new();
    for (k, deed) in window.iter().enumerate() {
        let borne = |c: &&Condition| window.iter().enumerate().any(|(i, other)| i != k && other.bears_on(walker.site, c));
        asked.extend(deed.step.before.iter().filter(borne).map(|c| (k, "before", c)));
        asked.extend(deed.step.after.iter().filter(borne).map(|c| (k, "after", c)));
    }
    let mut wrong = Vec::new();
    if asked.is_empty() {
        return wrong;
    }
    let all = vec![true; window.len()];
    for mask in 0..1u32 << window.len() {
        let done: Vec<bool> = (0..window.len()).map(|k| mask & (1 << k) == 0).collect();
        set(walker, window, &done);
        asked.retain(|(k, word, c)| {
            let looked_at = if *word == "before" { !done[*k] } else { done[*k] };
            let under_way: Vec<(GuestId, HostId)> =
                window.iter().enumerate().filter(|(i, _)| i != k && !done[*i]).filter_map(|(_, d)| d.takes()).collect();
            let holds = !looked_at || walker.holds_with(c, &under_way);
            if !holds {
                let number = window[*k].step.number;
                wrong.push(format!("{}, {word} step {number} `{c}` is not so", mixture(window, &done, Some(*k))));
            }
            holds
        });
    }
    set(walker, window, &all);
    wrong
}

/// Says where the guests of a window run, and who knows them, where these steps are done; loads are not recounted.
fn set(walker: &mut Walker<'_>, window: &[&Deed<'_>], done: &[bool]) {
    for (deed, done) in window.iter().zip(done) {
        let Some(g) = deed.guest else { continue };
        walker.at.host_of[g.index()] = deed.host(*done);
        for (h, before, after) in &deed.known {
            if if *done { *after } else { *before } {
                walker.defined.insert((g, *h));
            } else {
                walker.defined.remove(&(g, *h));
            }
        }
    }
}

/// The rules that some mixture breaks, each with the first that does.
fn mixtures(walker: &mut Walker<'_>, window: &[&Deed<'_>], reaches: &[u32]) -> Vec<(RuleName, String)> {
    let last = window.len() - 1;
    let ran: Vec<GuestId> = window.iter().filter(|d| d.from.is_some()).filter_map(|d| d.guest).collect();
    let mut done = vec![true; window.len()];
    let mut found: Vec<(RuleName, String)> = Vec::new();
    let mut note = |broken: Vec<(RuleName, String)>, done: &[bool]| {
        for (rule, why) in broken {
            if found.iter().all(|(r, _)| *r != rule) {
                found.push((rule, format!("{}, {why}", mixture(window, done, None))));
            }
        }
    };
    // Memory: the most is taken where all are under way.
    let nothing_done = vec![false; window.len()];
    set(walker, window, &nothing_done);
    let taken: Vec<(GuestId, HostId)> = window.iter().filter_map(|d| d.takes()).collect();
    note(walker.memory(&taken), &nothing_done);
    set(walker, window, &done);
    for reach in reaches {
        let first = last - *reach as usize;
        // One that places nobody makes no other mixture.
        if !window[first].places() {
            continue;
        }
        // Where the step before reached as far, the mixtures without this one were judged with it.
        let without_last = *reach > walker.reach + 1;
        let free: Vec<usize> = (first + 1..last + usize::from(without_last)).filter(|k| window[*k].places()).collect();
        flip(walker, window, &mut done, first);
        let mut judge = |walker: &mut Walker<'_>, done: &[bool]| {
            let in_service = walker.in_service_with(&window[0].in_service, &ran);
            note(walker.mixture(&in_service), done);
        };
        judge(walker, &done);
        // By Gray's code each mixture differs from the one before it in one step.
        for n in 1..1u32 << free.len() {
            flip(walker, window, &mut done, free[n.trailing_zeros() as usize]);
            judge(walker, &done);
        }
        for k in 0..window.len() {
            if !done[k] {
                flip(walker, window, &mut done, k);
            }
        }
    }
    found
}

/// Undoes a step, or does it again.
fn flip(walker: &mut Walker<'_>, window: &[&Deed<'_>], done: &mut [bool], k: usize) {
    done[k] = !done[k];
    if let Some(g) = window[k].guest {
        walker.put(g, window[k].host(done[k]));
    }
}

/// A mixture in words; `of`: the step whose condition is looked at, which is left out.
fn mixture(window: &[&Deed<'_>], done: &[bool], of: Option<usize>) -> String {
    let numbers = |what: bool| -> Vec<String> {
        let those = window.iter().zip(done).enumerate().filter(|(k, (_, done))| **done == what && Some(*k) != of);
        those.map(|(_, (d, _))| d.step.number.to_string()).collect()
    };
    let say = |numbers: Vec<String>, word: &str| {
        let many = if numbers.len() > 1 { "s" } else { "" };
        (!numbers.is_empty()).then(|| format!("step{many} {} {word}", numbers.join(", ")))
    };
    let parts: Vec<String> = [say(numbers(false), "under way"), say(numbers(true), "done")].into_iter().flatten().collect();
    format!("side by side, with {}", parts.join(" and "))
}
