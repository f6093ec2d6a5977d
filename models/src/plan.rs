//! A plan: purchases, a placement, every step in order, the verdict of every rule, what is predicted.
//!
//! Its canonical JSON is the one format that two rooms share. It holds names of the inventory only: no XML, no path, no
//! URI, no command. It round-trips, and a key that is not known is refused.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::law::cost::Cost;
use crate::rule::{Judgement, RuleName};

/// The most replications that a plan may have been judged under.
pub const MOST_REPLICATIONS: u32 = 1000;

/// The version of the text form that this code reads and writes.
pub const VERSION: u32 = 1;

/// A plan.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Plan {
    /// The version of the text form.
    pub version: u32,
    /// The program and its version.
    pub tool: String,
    /// The site it is for.
    pub site: String,
    /// SHA-256 of the site as understood.
    pub site_digest: String,
    /// SHA-256 of the scenario's files.
    pub scenario_digest: String,
    /// The seed of all that was drawn at random.
    pub seed: u64,
    /// Replications of the load under which the plan was judged; 1 where nothing in it is random.
    pub replications: u32,
    /// Hosts to buy.
    pub purchases: Vec<Purchase>,
    /// The hosts that are on when the plan is done.
    pub hosts_on: Vec<String>,
    /// Where each guest runs when the plan is done.
    pub placement: Vec<Placed>,
    /// What to do, in order.
    pub steps: Vec<Step>,
    /// The verdict of every rule on the placement, and on the way to it.
    pub verdicts: Vec<Judgement>,
    /// Cost over the horizon.
    pub cost: Cost,
    /// No fleet can cost less than this: the sum of what each resource needs at its cheapest (see the report).
    pub cost_lower_bound_yen: f64,
    /// What is predicted, figure by figure.
    pub predicted: Vec<Figure>,
    /// What the engine predicts at request level over the stretch on which plans are judged: by flow, the delay at its promised
    /// percentile, with its interval. Empty where the site has no request level.
    #[serde(default)]
    pub predicted_requests: Vec<Figure>,
    /// Hosts that are lost: the plan starts from what they left, and uses none of them. Empty for an ordinary plan.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub lost: Vec<String>,
    /// What the plan starts from, as it can be seen on the hosts. An executor holds it against what is, and acts on nothing else; a plan
    /// without it can be read and checked, and not carried out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub start: Option<Start>,
    /// Hosts that carry nothing when the plan is done, stay on, and are nobody's spare: the plan was asked to empty them, in order of the
    /// site. Empty for an ordinary plan.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub evacuates: Vec<String>,
    /// Rules that are not asked of the plan, because the site cannot keep them after the loss. Empty for an ordinary plan.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub not_asked: Vec<NotAsked>,
}

/// What a plan starts from: all of the site that can be seen on its hosts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Start {
    /// Every host of the site and those that the plan buys; not those that are lost.
    pub hosts: Vec<StartHost>,
    /// Every guest of the site.
    pub guests: Vec<StartGuest>,
}

/// Something in which a site is not as a plan's start says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "differs", rename_all = "kebab-case")]
pub enum Difference {
    /// A host is there no more.
    HostGone {
        /// Which.
        host: String,
    },
    /// A host is there that was not.
    HostNew {
        /// Which.
        host: String,
    },
    /// A host was switched.
    HostPower {
        /// Which.
        host: String,
        /// Whether it is on.
        is_on: bool,
    },
    /// The guests of a host can have more or less memory.
    HostMemory {
        /// Which.
        host: String,
        /// How much, MiB.
        is_mib: u64,
        /// How much the plan started from, MiB.
        was_mib: u64,
    },
    /// A guest is there no more.
    GuestGone {
        /// Which.
        guest: String,
        /// Where it ran.
        was: Option<String>,
    },
    /// A guest is there that was not.
    GuestNew {
        /// Which.
        guest: String,
        /// Where it runs.
        is: Option<String>,
    },
    /// A guest runs elsewhere, or no more, or again.
    GuestElsewhere {
        /// Which.
        guest: String,
        /// Where it runs.
        is: Option<String>,
        /// Where it ran.
        was: Option<String>,
    },
    /// A guest has more or less memory.
    GuestMemory {
        /// Which.
        guest: String,
        /// How much, MiB.
        is_mib: u64,
        /// How much the plan started from, MiB.
        was_mib: u64,
    },
    /// A guest has more or fewer virtual CPUs.
    GuestVcpus {
        /// Which.
        guest: String,
        /// How many.
        is: u32,
        /// How many the plan started from.
        was: u32,
    },
}

impl std::fmt::Display for Difference {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let on = |on: bool| if on { "on" } else { "off" };
        let runs = |is: &Option<String>| is.as_ref().map_or_else(|| "runs nowhere".to_owned(), |h| format!("runs on {h}"));
        let ran = |was: &Option<String>| was.as_ref().map_or_else(|| "ran nowhere".to_owned(), |h| format!("was on {h}"));
        match self {
            Self::HostGone { host } => write!(f, "host {host}: is there no more"),
            Self::HostNew { host } => write!(f, "host {host}: is new"),
            Self::HostPower { host, is_on } => write!(f, "host {host}: is {}, was {}", on(*is_on), on(!is_on)),
            Self::HostMemory { host, is_mib, was_mib } => write!(f, "host {host}: has {is_mib} MiB for guests, had {was_mib} MiB"),
            Self::GuestGone { guest, was } => write!(f, "guest {guest}: is there no more, {}", ran(was)),
            Self::GuestNew { guest, is } => write!(f, "guest {guest}: is new, {}", runs(is)),
            Self::GuestElsewhere { guest, is, was } => write!(f, "guest {guest}: {}, {}", runs(is), ran(was)),
            Self::GuestMemory { guest, is_mib, was_mib } => write!(f, "guest {guest}: has {is_mib} MiB, had {was_mib} MiB"),
            Self::GuestVcpus { guest, is, was } => write!(f, "guest {guest}: has {is} virtual CPUs, had {was}"),
        }
    }
}

impl Start {
    /// In what a site that is `now` is not as this start says: hosts, then guests, each by name. Nothing: the plan is not stale.
    #[must_use]
    pub fn difference(&self, now: &Self) -> Vec<Difference> {
        let mut all = Vec::new();
        for (name, was, is) in by_name(&self.hosts, &now.hosts, |h| h.name.as_str()) {
            let host = name.to_owned();
            match (was, is) {
                (Some(_), None) => all.push(Difference::HostGone { host }),
                (None, _) => all.push(Difference::HostNew { host }),
                (Some(was), Some(is)) => {
                    if was.on != is.on {
                        all.push(Difference::HostPower { host: host.clone(), is_on: is.on });
                    }
                    if was.guest_memory_mib != is.guest_memory_mib {
                        all.push(Difference::HostMemory { host, is_mib: is.guest_memory_mib, was_mib: was.guest_memory_mib });
                    }
                }
            }
        }
        for (name, was, is) in by_name(&self.guests, &now.guests, |g| g.name.as_str()) {
            let guest = name.to_owned();
            match (was, is) {
                (Some(was), None) => all.push(Difference::GuestGone { guest, was: was.runs_on.clone() }),
                (None, is) => all.push(Difference::GuestNew { guest, is: is.and_then(|g| g.runs_on.clone()) }),
                (Some(was), Some(is)) => {
                    if was.runs_on != is.runs_on {
                        all.push(Difference::GuestElsewhere { guest: guest.clone(), is: is.runs_on.clone(), was: was.runs_on.clone() });
                    }
                    if was.memory_mib != is.memory_mib {
                        all.push(Difference::GuestMemory { guest: guest.clone(), is_mib: is.memory_mib, was_mib: was.memory_mib });
                    }
                    if was.vcpus != is.vcpus {
                        all.push(Difference::GuestVcpus { guest, is: is.vcpus, was: was.vcpus });
                    }
                }
            }
        }
        all
    }
}

/// What two lists have under a name.
type Both<'a, T> = (Option<&'a T>, Option<&'a T>);

/// Every name of either list, in order, with what each list has under it.
fn by_name<'a, T>(
    was: &'a [T],
    is: &'a [T],
    name: impl Fn(&'a T) -> &'a str,
) -> impl Iterator<Item = (&'a str, Option<&'a T>, Option<&'a T>)> {
    let mut all: BTreeMap<&str, Both<'a, T>> = BTreeMap::new();
    was.iter().for_each(|x| all.entry(name(x)).or_default().0 = Some(x));
    is.iter().for_each(|x| all.entry(name(x)).or_default().1 = Some(x));
    all.into_iter().map(|(name, (was, is))| (name, was, is))
}

/// A host at the start.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StartHost {
    /// Its name.
    pub name: String,
    /// Whether it is on.
    pub on: bool,
    /// The memory that its guests can have, MiB.
    pub guest_memory_mib: u64,
}

/// A guest at the start.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StartGuest {
    /// Its name.
    pub name: String,
    /// Its memory, MiB.
    pub memory_mib: u64,
    /// Its virtual CPUs.
    pub vcpus: u32,
    /// Where it runs; absent: nowhere.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub runs_on: Option<String>,
}

/// A rule that is not asked of a plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NotAsked {
    /// The rule.
    pub rule: RuleName,
    /// Why not, with figures.
    pub why: String,
}

/// Hosts of a class to buy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Purchase {
    /// The class.
    pub class: String,
    /// The names that the bought hosts take.
    pub hosts: Vec<String>,
}

/// A guest and its host.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Placed {
    /// The guest.
    pub guest: String,
    /// The host.
    pub host: String,
}

/// One step.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Step {
    /// Its number, from 1.
    pub number: u32,
    /// What is done.
    pub action: Action,
    /// For a boot that follows a boot: it may begin so many seconds after that one began, without waiting for its end. Absent: a
    /// step begins when all those before it have ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub starts_after_s: Option<u64>,
    /// It may be done beside so many of the steps directly before it: every mixture of those done, under way and not begun was
    /// judged. 0: when all before it are done.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub beside: u32,
    /// What must be true before it.
    pub before: Vec<Condition>,
    /// What is true after it.
    pub after: Vec<Condition>,
}

/// The most steps directly before it that a step may be done beside: the states to judge double with each.
pub const MOST_BESIDE: u32 = 3;

#[allow(clippy::trivially_copy_pass_by_ref, reason = "the form that serde asks for")]
const fn is_zero(n: &u32) -> bool {
    *n == 0
}

impl std::fmt::Display for Step {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.action)?;
        match self.starts_after_s {
            Some(0) => f.write_str(" together with the boot before it")?,
            Some(s) => write!(f, " {s} s after the boot before it began")?,
            None => {}
        }
        match self.beside {
            0 => Ok(()),
            1 => f.write_str(", beside the step before it"),
            n => write!(f, ", beside the {n} steps before it"),
        }
    }
}

/// What a step does: the closed list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "do", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Action {
    /// Power on a host and wait until it can start guests.
    BootHost {
        /// The host.
        host: String,
    },
    /// Make a guest known to a host.
    DefineGuest {
        /// The guest.
        guest: String,
        /// The host.
        host: String,
    },
    /// Start a guest that the host knows.
    StartGuest {
        /// The guest.
        guest: String,
        /// The host.
        host: String,
    },
    /// Move a running guest, live.
    MigrateGuest {
        /// The guest.
        guest: String,
        /// Where it runs.
        from: String,
        /// Where it will run.
        to: String,
    },
    /// Shut a guest down.
    StopGuest {
        /// The guest.
        guest: String,
        /// Where it runs.
        host: String,
    },
    /// Make a host forget a guest that does not run there.
    UndefineGuest {
        /// The guest.
        guest: String,
        /// The host.
        host: String,
    },
    /// See that nothing runs on a host any more, of the site or not: the steps before it have moved what ran there.
    EvacuateHost {
        /// The host.
        host: String,
    },
    /// Power off a host on which nothing runs.
    PowerOffHost {
        /// The host.
        host: String,
    },
}

impl std::fmt::Display for Action {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::BootHost { host } => write!(f, "boot host {host}"),
            Self::DefineGuest { guest, host } => write!(f, "define guest {guest} on {host}"),
            Self::StartGuest { guest, host } => write!(f, "start guest {guest} on {host}"),
            Self::MigrateGuest { guest, from, to } => write!(f, "migrate guest {guest} from {from} to {to}"),
            Self::StopGuest { guest, host } => write!(f, "stop guest {guest} on {host}"),
            Self::UndefineGuest { guest, host } => write!(f, "undefine guest {guest} on {host}"),
            Self::EvacuateHost { host } => write!(f, "see that host {host} is evacuated"),
            Self::PowerOffHost { host } => write!(f, "power off host {host}"),
        }
    }
}

/// What can be seen to be true or not.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "is", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Condition {
    /// The host is on.
    HostOn {
        /// The host.
        host: String,
    },
    /// The host is off.
    HostOff {
        /// The host.
        host: String,
    },
    /// No guest runs on the host.
    HostEmpty {
        /// The host.
        host: String,
    },
    /// The host has this much memory free.
    MemoryFree {
        /// The host.
        host: String,
        /// How much, in MiB.
        mib: u64,
    },
    /// The host knows the guest.
    GuestDefined {
        /// The guest.
        guest: String,
        /// The host.
        host: String,
    },
    /// The guest runs on the host.
    GuestRunning {
        /// The guest.
        guest: String,
        /// The host.
        host: String,
    },
    /// The guest runs nowhere.
    GuestStopped {
        /// The guest.
        guest: String,
    },
}

impl std::fmt::Display for Condition {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::HostOn { host } => write!(f, "{host} is on"),
            Self::HostOff { host } => write!(f, "{host} is off"),
            Self::HostEmpty { host } => write!(f, "nothing runs on {host}"),
            Self::MemoryFree { host, mib } => write!(f, "{host} has {mib} MiB free"),
            Self::GuestDefined { guest, host } => write!(f, "{host} knows {guest}"),
            Self::GuestRunning { guest, host } => write!(f, "{guest} runs on {host}"),
            Self::GuestStopped { guest } => write!(f, "{guest} runs nowhere"),
        }
    }
}

/// A predicted number with its unit, its interval and the count behind it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Figure {
    /// What it is: `peak apparent power, expected`.
    pub name: String,
    /// The number (the mean over replications where there are several).
    pub value: f64,
    /// Its unit.
    pub unit: String,
    /// The ends of its 95 % confidence interval over replications (Student's t); absent for a replay of a recording.
    pub interval: Option<(f64, f64)>,
    /// Replications behind it; 1 for a replay of a recording.
    pub count: u32,
}

impl std::fmt::Display for Figure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {:.2} {}", self.name, self.value, self.unit)?;
        if let Some((low, high)) = self.interval {
            write!(f, " [{low:.2}, {high:.2}] n={}", self.count)?;
        }
        Ok(())
    }
}

/// The longest reason why a text is not a plan, in characters: what serde says, without the end of a text that it quotes at length.
const LONGEST_CAUSE: usize = 600;

/// A text that is not a plan.
#[derive(Debug, thiserror::Error)]
pub enum NotAPlan {
    /// It is not the JSON of a plan.
    #[error("line {line}, column {column}: {cause}")]
    Form {
        /// Where.
        line: usize,
        /// Where.
        column: usize,
        /// What is wrong.
        cause: String,
    },
    /// It was judged under none, or under more than can be repeated.
    #[error("key `replications`: {0} replications (1 to {MOST_REPLICATIONS} are possible)")]
    Replications(u32),
    /// It is of another version.
    #[error("the plan has version {0}, and this program reads version {VERSION}")]
    Version(u32),
}

impl Plan {
    /// The canonical text: JSON with two spaces, keys in the order of the type, one line feed at the end.
    ///
    /// # Panics
    /// Never: a plan has a JSON form.
    #[must_use]
    pub fn to_text(&self) -> String {
        let mut text = serde_json::to_string_pretty(self).expect("a plan has a JSON form");
        text.push('\n');
        text
    }

    /// Reads a plan.
    ///
    /// # Errors
    /// Where the text is not JSON, a key is missing or not known, or the version is another.
    pub fn from_text(text: &str) -> Result<Self, NotAPlan> {
        let plan: Self = serde_json::from_str(text).map_err(|e| {
            // The place is said once; it stands at the end. What is wrong may quote all of the text.
            let text = e.to_string();
            let cause = text.rsplit_once(" at line ").map_or(text.as_str(), |(cause, _)| cause);
            NotAPlan::Form { line: e.line(), column: e.column(), cause: crate::message::shown(cause, LONGEST_CAUSE) }
        })?;
        if plan.version != VERSION {
            return Err(NotAPlan::Version(plan.version));
        }
        if plan.replications == 0 || plan.replications > MOST_REPLICATIONS {
            return Err(NotAPlan::Replications(plan.replications));
        }
        Ok(plan)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn host(name: &str, on: bool, guest_memory_mib: u64) -> StartHost {
        StartHost { name: name.into(), on, guest_memory_mib }
    }

    fn guest(name: &str, runs_on: Option<&str>) -> StartGuest {
        StartGuest { name: name.into(), memory_mib: 64, vcpus: 1, runs_on: runs_on.map(Into::into) }
    }

    fn start() -> Start {
        Start {
            hosts: vec![host("h1", true, 512), host("h2", false, 512)],
            guests: vec![guest("g1", Some("h1")), guest("g2", None), guest("g3", Some("h1"))],
        }
    }

    fn said(change: impl Fn(&mut Start)) -> Vec<String> {
        let mut now = start();
        change(&mut now);
        start().difference(&now).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_site_that_is_as_the_plan_says_does_not_differ_in_whatever_order_it_is_told() {
        let nothing: [&str; 0] = [];
        assert_eq!(said(|_| {}), nothing);
        assert_eq!(said(|now| (now.hosts.reverse(), now.guests.reverse()).0), nothing);
    }

    #[test]
    fn every_kind_of_difference_says_what_is_and_what_was() {
        assert_eq!(said(|now| now.hosts.truncate(1)), ["host h2: is there no more"]);
        assert_eq!(said(|now| now.hosts.push(host("h3", true, 1))), ["host h3: is new"]);
        assert_eq!(said(|now| now.hosts[1].on = true), ["host h2: is on, was off"]);
        assert_eq!(said(|now| now.hosts[0].on = false), ["host h1: is off, was on"]);
        assert_eq!(said(|now| now.hosts[0].guest_memory_mib = 256), ["host h1: has 256 MiB for guests, had 512 MiB"]);
        assert_eq!(said(|now| now.guests.truncate(2)), ["guest g3: is there no more, was on h1"]);
        assert_eq!(said(|now| drop(now.guests.remove(1))), ["guest g2: is there no more, ran nowhere"]);
        assert_eq!(said(|now| now.guests.push(guest("g4", Some("h2")))), ["guest g4: is new, runs on h2"]);
        assert_eq!(said(|now| now.guests.push(guest("g4", None))), ["guest g4: is new, runs nowhere"]);
        assert_eq!(said(|now| now.guests[2].runs_on = Some("h2".into())), ["guest g3: runs on h2, was on h1"]);
        assert_eq!(said(|now| now.guests[2].runs_on = None), ["guest g3: runs nowhere, was on h1"]);
        assert_eq!(said(|now| now.guests[1].runs_on = Some("h1".into())), ["guest g2: runs on h1, ran nowhere"]);
        assert_eq!(said(|now| now.guests[0].memory_mib = 128), ["guest g1: has 128 MiB, had 64 MiB"]);
        assert_eq!(said(|now| now.guests[0].vcpus = 4), ["guest g1: has 4 virtual CPUs, had 1"]);
    }

    #[test]
    fn several_differences_are_told_hosts_first_and_by_name() {
        let all = said(|now| {
            now.guests.reverse();
            now.guests.iter_mut().for_each(|g| g.vcpus = 2);
            now.hosts[0].on = false;
            now.hosts[0].guest_memory_mib = 1;
        });
        let things: Vec<&str> = all.iter().map(|s| s.split(':').next().unwrap()).collect();
        assert_eq!(things, ["host h1", "host h1", "guest g1", "guest g2", "guest g3"]);
    }
}
