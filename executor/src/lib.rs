//! Thin: carries out a plan step by step, or stops with nothing lost. It decides nothing, and cannot name the planner or the
//! simulator.
//!
//! - [`rehearse`]: what can be known of a plan without touching a host.
//! - [`inventory`]: how hosts are reached and what guests are made of; the only place that URIs, paths and commands come from.
//! - [`host`]: a hypervisor as we meet it. Two implementations: the fake of `testbed`, and `libvirt` behind the feature of that name.
//! - [`names`]: what a name may be, and whether all names of a plan are of the inventory.
//! - [`domain_xml`]: definitions of guests, written with an escaping writer from templates of the inventory.
//! - [`definitions`]: definitions that are kept, so that a guest can be made again when the host that knew it is gone.
//! - [`prepare`], [`runs`]: whether a plan may be carried out and the site is still the one it was made for; how a run begins, goes on, goes back.
//! - [`carry`]: which step may begin when, and when to stop; each step by itself: look, write down, act, look again.
//! - [`whereabouts`], [`expected`]: where guests are, from what all hosts say; where the plan has them, and what differs.
//! - [`preview`], [`rollback`]: a dry run; the way back.
//! - [`crew`], [`real`]: what a run works with, and the real ones of these.
//! - [`journal`], [`lock`]: what survives a kill -9, and what keeps a second executor away.
//! - [`power`]: the commands and packets that switch hosts.
//! - [`clock`]: time of day, waiting, and the operator's wish to stop.
//! - [`observe`]: what all hosts show, over a while, for planning again.
//! - [`failure`]: why a step stopped, by name, and what to do next.

pub mod carry;
pub mod clock;
pub mod crew;
pub mod definitions;
pub mod domain_xml;
pub mod expected;
pub mod failure;
pub mod host;
pub mod inventory;
pub mod journal;
#[cfg(feature = "libvirt")]
pub mod libvirt;
pub mod lock;
pub mod log;
pub mod names;
pub mod observe;
pub mod power;
pub mod prepare;
pub mod preview;
mod private;
pub mod real;
pub mod rollback;
pub mod runs;
mod step;
pub mod switch;
mod turns;
pub mod whereabouts;

use std::collections::BTreeMap;

use models::plan::{Action, Condition, Plan, Step};

/// What a rehearsal found.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Rehearsal {
    /// What must be true before the first step, because steps need it and no earlier step brings it about.
    pub start: Vec<Condition>,
    /// Steps whose preconditions contradict what an earlier step left: step number, and why.
    pub contradictions: Vec<(u32, String)>,
}

/// Something that can be in one of several states: what a condition is about, and what it says of it.
fn claim(c: &Condition) -> Option<(String, String)> {
    match c {
        Condition::HostOn { host } => Some((format!("host {host}"), "on".into())),
        Condition::HostOff { host } => Some((format!("host {host}"), "off".into())),
        Condition::GuestRunning { guest, host } => Some((format!("guest {guest}"), format!("running on {host}"))),
        Condition::GuestStopped { guest } => Some((format!("guest {guest}"), "stopped".into())),
        Condition::GuestDefined { guest, host } => Some((format!("definition of {guest} on {host}"), "there".into())),
        // These follow from where guests run, which only the site can tell.
        Condition::HostEmpty { .. } | Condition::MemoryFree { .. } => None,
    }
}

/// Rehearses a plan's steps in order.
#[must_use]
pub fn rehearse(plan: &Plan) -> Rehearsal {
    let mut known: BTreeMap<String, String> = BTreeMap::new();
    let mut found = Rehearsal::default();
    let boots = |s: &Step| matches!(s.action, Action::BootHost { .. });
    let mut last: Option<&Step> = None;
    for step in &plan.steps {
        if step.starts_after_s.is_some() && !(boots(step) && last.is_some_and(boots)) {
            found
                .contradictions
                .push((step.number, "only a boot that follows a boot may begin before the step before it has ended".into()));
        }
        last = Some(step);
        for c in &step.before {
            let Some((thing, state)) = claim(c) else { continue };
            match known.get(&thing) {
                Some(is) if *is != state => found.contradictions.push((step.number, format!("{thing} must be {state}, and is {is}"))),
                Some(_) => {}
                None => {
                    known.insert(thing, state);
                    found.start.push(c.clone());
                }
            }
        }
        for c in &step.after {
            if let Some((thing, state)) = claim(c) {
                known.insert(thing, state);
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan(steps: Vec<Step>) -> Plan {
        models::example::plan("s", None, steps)
    }

    fn boot(number: u32) -> Step {
        let host = || "h".to_owned();
        Step {
            number,
            action: Action::BootHost { host: host() },
            starts_after_s: None,
            beside: 0,
            before: vec![Condition::HostOff { host: host() }],
            after: vec![Condition::HostOn { host: host() }],
        }
    }

    #[test]
    fn what_no_step_brings_about_must_be_so_at_the_start() {
        let r = rehearse(&plan(vec![boot(1)]));
        assert_eq!(r.start, [Condition::HostOff { host: "h".into() }]);
        assert!(r.contradictions.is_empty());
    }

    #[test]
    fn a_first_boot_has_no_boot_before_it_that_it_could_follow() {
        let mut early = boot(1);
        early.starts_after_s = Some(5);
        assert_eq!(rehearse(&plan(vec![early])).contradictions.len(), 1);
        let (first, mut next) = (boot(1), boot(2));
        next.action = Action::BootHost { host: "h2".into() };
        (next.before, next.after, next.starts_after_s) = (Vec::new(), Vec::new(), Some(5));
        assert!(rehearse(&plan(vec![first, next])).contradictions.is_empty());
    }

    #[test]
    fn a_host_that_is_booted_twice_is_a_contradiction() {
        let r = rehearse(&plan(vec![boot(1), boot(2)]));
        assert_eq!(r.contradictions, [(2, "host h must be off, and is on".to_owned())]);
    }
}
