//! What a plan's steps do while old and new hosts stand side by side (S0-17, S0-20): the figures of `[[study.renewal]]`.
//!
//! Guests are moved as they are; what is inside them is renewed afterwards, one by one, on the new hosts, and is no step here.

use models::demand::Demand;
use models::estimate::Estimate;
use models::law::inrush::Draw;
use models::plan::{Action, Step};
use models::rule::{ups, walk::walk};
use models::site::{HostId, Placement, Site};
use models::study::{Answer, Study};

use crate::beside::beside;
use crate::stagger::follow;

/// Answers from a plan's steps; `site` has its purchases.
#[must_use]
pub fn answer(study: &Study, site: &Site, demands: &[Demand], steps: &[Step]) -> Answer {
    let mut answer = Answer::to(study, &["inrush", "power"]);
    let Some(start) = &site.today else {
        answer.cannot_say.push(("steps".into(), "nothing runs today: there is nothing to renew".into()));
        return answer;
    };
    let count = |is: fn(&Action) -> bool| steps.iter().filter(|s| is(&s.action)).count() as f64;
    let figure = |answer: &mut Answer, name: &str, value: f64, unit: &str| {
        answer.tell(name, Estimate::exactly(value), unit, "counted on the plan's steps");
    };
    figure(&mut answer, "steps", steps.len() as f64, "steps");
    figure(&mut answer, "live migrations", count(|a| matches!(a, Action::MigrateGuest { .. })), "moves");
    figure(&mut answer, "guests stopped", count(|a| matches!(a, Action::StopGuest { .. })), "guests");
    let moved: f64 = steps.iter().filter_map(|s| migrated(site, s)).sum();
    figure(&mut answer, "memory moved", moved / 1024.0, "GiB");

    let side = side_by_side(site, start, steps);
    figure(&mut answer, "old hosts on before", start.hosts_on() as f64, "hosts");
    figure(&mut answer, "new hosts on after", side.new_after as f64, "hosts");
    figure(&mut answer, "both kinds on at once", side.most as f64, "hosts");
    figure(&mut answer, "old on at the last boot", side.old_at_last_boot as f64, "hosts");
    if let Some(step) = side.first_off {
        figure(&mut answer, "first old host off: step", f64::from(step), "");
    }
    let new: Vec<HostId> = booted(site, start, steps);
    let fits = beside(site, demands, start, &new);
    answer.tell("new beside all old, at most", Estimate::exactly(fits.new as f64), "hosts", "closed form");
    if let Some(short) = &fits.short {
        answer.say(format!("{} of {} new hosts can be on beside the {} old ones: {short}", fits.new, new.len(), fits.old));
    } else {
        answer.say(format!("all {} new hosts can be on beside the {} old ones", new.len(), fits.old));
    }
    powers(&mut answer, site, demands, start, steps);
    answer.say(turns(site, steps));
    answer.say(
        "guests move as they are, live, over storage that old and new hosts reach; what is inside them is renewed afterwards, one by one",
    );
    answer
}

/// Before, on the way and after: the most that the CVCF sees, the worst of the replications.
fn powers(answer: &mut Answer, site: &Site, demands: &[Demand], start: &Placement, steps: &[Step]) {
    let mut end = start.clone();
    steps.iter().for_each(|s| follow(site, &mut end, s));
    let at = |placement: &Placement| {
        let of = |d: &Demand| ups::rooms(site, d, placement).into_iter().find(|r| r.feed.is_none());
        demands.iter().filter_map(of).map(|r| r.running).reduce(Draw::max)
    };
    let (Some(before), Some(after)) = (at(start), at(&end)) else {
        answer.cannot_say.push(("kVA on the way".into(), "the site has no CVCF with a rule".into()));
        return;
    };
    let passing = demands.iter().filter_map(|d| walk(site, d, start, steps).most).fold(before.max(after), Draw::max);
    for (when, draw) in [("before", before), ("on the way", passing), ("after", after)] {
        let how = "the walk's own sum, in the view of the rule";
        answer.tell(format!("kVA {when}"), Estimate::exactly(draw.va.get() / 1000.0), "kVA", how);
        answer.tell(format!("kW {when}"), Estimate::exactly(draw.w.get() / 1000.0), "kW", how);
    }
}

/// Memory of the guest that a step moves live, MiB.
fn migrated(site: &Site, step: &Step) -> Option<f64> {
    match &step.action {
        Action::MigrateGuest { guest, .. } => site.guest_named(guest).map(|g| site.guests[g.index()].memory.0 as f64),
        _ => None,
    }
}

/// The hosts that the steps boot and that were off at the start, in order.
fn booted(site: &Site, start: &Placement, steps: &[Step]) -> Vec<HostId> {
    let mut all: Vec<HostId> = Vec::new();
    for step in steps {
        if let Action::BootHost { host } = &step.action
            && let Some(h) = site.host_named(host).filter(|h| !start.on[h.index()])
            && !all.contains(&h)
        {
            all.push(h);
        }
    }
    all
}

/// Hosts of both kinds on the way.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SideBySide {
    /// The most hosts on at once while some of both kinds are.
    pub most: usize,
    /// New hosts on at the end.
    pub new_after: usize,
    /// The most new hosts on while every old one still is.
    pub new_beside_all_old: usize,
    /// Old hosts on when the last new one boots.
    pub old_at_last_boot: usize,
    /// The step that switches the first old host off.
    pub first_off: Option<u32>,
}

/// Counts the hosts that were on at the start and those that were not, step by step.
#[must_use]
pub fn side_by_side(site: &Site, start: &Placement, steps: &[Step]) -> SideBySide {
    let mut found = SideBySide::default();
    let mut at = start.clone();
    let all_old = start.hosts_on();
    for step in steps {
        follow(site, &mut at, step);
        let old = (0..at.on.len()).filter(|h| at.on[*h] && start.on[*h]).count();
        let new = at.hosts_on() - old;
        if old > 0 && new > 0 {
            found.most = found.most.max(old + new);
        }
        if old == all_old {
            found.new_beside_all_old = found.new_beside_all_old.max(new);
        }
        match step.action {
            Action::BootHost { .. } => found.old_at_last_boot = old,
            Action::PowerOffHost { .. } if found.first_off.is_none() && old < all_old => found.first_off = Some(step.number),
            _ => {}
        }
        found.new_after = new;
    }
    found
}

/// The steps in a line: boots and power-offs by name, moves by number.
fn turns(site: &Site, steps: &[Step]) -> String {
    let mut all: Vec<String> = Vec::new();
    let mut moves = 0;
    let flush = |moves: &mut usize, all: &mut Vec<String>| {
        match *moves {
            0 => {}
            1 => all.push("1 move".into()),
            n => all.push(format!("{n} moves")),
        }
        *moves = 0;
    };
    for step in steps {
        match &step.action {
            Action::BootHost { host } | Action::PowerOffHost { host } => {
                flush(&mut moves, &mut all);
                let on = matches!(step.action, Action::BootHost { .. });
                all.push(format!("{host} {}", if on { "on" } else { "off" }));
            }
            Action::MigrateGuest { .. } => moves += 1,
            _ => {}
        }
    }
    flush(&mut moves, &mut all);
    let more = if all.len() > MOST_TURNS { format!(", and {} more", all.len() - MOST_TURNS) } else { String::new() };
    all.truncate(MOST_TURNS);
    format!("the order on {}: {}{more}", site.name, all.join(", "))
}

/// So many turns are told.
const MOST_TURNS: usize = 40;
