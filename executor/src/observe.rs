//! What is on the hosts now, and what their guests use for a short while. It changes nothing.
//!
//! All hosts are looked at at once, every so many seconds; what a guest used is the difference of its counters between two looks at
//! one host. A host that does not answer is part of what was seen, and so is all that is not as it should be.
//!
//! Left out: whether a host is off. Whoever can ask its power says so ([`How::off`]).

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use models::observation::{
    Anomaly, Guest, Hardware, Host as HostObserved, HostState, KnownFrom, Observation, Sample, UNSEEN, VERSION, utc,
};
use uuid::Uuid;

use crate::clock::Clock;
use crate::host::{Call, CallError, GuestSeen, GuestState, Host, Pending, Reply, Seen};
use crate::inventory::{HostEntry, Inventory};

/// How a site is observed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct How {
    /// From look to look, s: at least 1.
    pub every_s: u32,
    /// Intervals between looks: at least 1, which is two looks.
    pub samples: u32,
    /// Whether running guests are asked how fast they dirty memory, which slows them a little for some seconds.
    pub dirty_rate: bool,
    /// Hosts of which the operator says that they are off and stay off.
    pub fenced: Vec<String>,
    /// Hosts whose power was asked, and is off.
    pub off: Vec<String>,
}

/// The longest that a dirty rate is measured, s.
const MOST_DIRTY_RATE_S: u32 = 10;

/// How long is waited before calls that are under way are polled again.
const POLL: Duration = Duration::from_millis(5);

/// How long is waited before it is asked again whether to stop.
const WAIT: Duration = Duration::from_millis(100);

/// Observes a site: so many looks at all its hosts at once, and what they tell together.
#[must_use]
pub fn observe(hosts: &BTreeMap<String, Box<dyn Host>>, inventory: &Inventory, clock: &dyn Clock, how: &How) -> Observation {
    let mut it =
        Recording { inventory, clock, every_s: how.every_s.max(1), looks: Vec::new(), silent: BTreeMap::new(), anomalies: BTreeSet::new() };
    for name in inventory.hosts.keys().filter(|name| !hosts.contains_key(*name)) {
        it.silent.insert(name.clone(), "no connection to it was made".into());
    }
    for name in how.fenced.iter().filter(|name| !inventory.hosts.contains_key(*name)) {
        it.forbids(format!("host {name} is said to be fenced, and the inventory has no such host"));
    }
    let begun_unix_ns = clock.now_unix_ns();
    let measured = it.record(hosts, how);
    it.tell(how, begun_unix_ns, &measured)
}

/// A host's answer to a look, and when it was there.
struct Answer {
    seen: Seen,
    at_ns: u64,
}

/// All answers to a look, by host; the hosts that are silent are not in it.
struct Look {
    of: BTreeMap<String, Answer>,
    end_unix_ns: u64,
}

/// A call that is under way, and of what.
struct Asked<K> {
    of: K,
    pending: Box<dyn Pending>,
}

/// Looks, and what is said of them.
struct Recording<'a> {
    inventory: &'a Inventory,
    clock: &'a dyn Clock,
    every_s: u32,
    looks: Vec<Look>,
    /// Hosts that have failed to answer, and why.
    silent: BTreeMap<String, String>,
    anomalies: BTreeSet<Anomaly>,
}

impl Recording<'_> {
    fn says(&mut self, what: String) {
        self.anomalies.insert(Anomaly { forbids_plan: false, what });
    }

    fn forbids(&mut self, what: String) {
        self.anomalies.insert(Anomaly { forbids_plan: true, what });
    }

    /// Waits for calls that were begun, each to its end or to the deadline.
    fn wait<K>(&self, mut asked: Vec<Asked<K>>) -> Vec<(K, Result<Reply, CallError>, u64)> {
        let limit_s = self.inventory.limits.call_s;
        let until = self.clock.monotonic_ns().saturating_add(limit_s.saturating_mul(1_000_000_000));
        let mut ended = Vec::new();
        loop {
            let mut waiting = Vec::new();
            for mut a in asked {
                match a.pending.poll() {
                    Some(reply) => ended.push((a.of, reply, self.clock.monotonic_ns())),
                    None => waiting.push(a),
                }
            }
            asked = waiting;
            if asked.is_empty() {
                return ended;
            }
            if self.clock.monotonic_ns() >= until {
                let now = self.clock.monotonic_ns();
                ended.extend(asked.into_iter().map(|a| (a.of, Err(CallError::Deadline(limit_s)), now)));
                return ended;
            }
            self.clock.sleep(POLL);
        }
    }

    /// One look at all hosts that have answered so far.
    fn look(&mut self, hosts: &BTreeMap<String, Box<dyn Host>>) {
        let begin = |name: &String| Asked { of: name.clone(), pending: hosts[name].begin(Call::Look) };
        let here = |name: &&String| self.inventory.hosts.contains_key(*name) && !self.silent.contains_key(*name);
        let asked = hosts.keys().filter(here).map(begin).collect();
        let mut of = BTreeMap::new();
        for (name, reply, at_ns) in self.wait(asked) {
            match reply {
                Ok(Reply::Seen(seen)) => drop(of.insert(name, Answer { seen, at_ns })),
                Ok(_) => drop(self.silent.insert(name, "it answered something else than it was asked".into())),
                Err(e) => drop(self.silent.insert(name, e.to_string())),
            }
        }
        self.looks.push(Look { of, end_unix_ns: self.clock.now_unix_ns() });
    }

    /// All looks; answers the guests whose dirty rate is being measured, by host.
    fn record(&mut self, hosts: &BTreeMap<String, Box<dyn Host>>, how: &How) -> BTreeSet<(String, Uuid)> {
        let samples = how.samples.max(1);
        let step_ns = u64::from(self.every_s) * 1_000_000_000;
        let begun = self.clock.monotonic_ns();
        self.look(hosts);
        let measured = if how.dirty_rate { self.measure_dirty_rates(hosts, samples) } else { BTreeSet::new() };
        let mut late = 0;
        for k in 1..=u64::from(samples) {
            let due = begun + k * step_ns;
            let mut stop = false;
            loop {
                // The first interval is always ended: without it nothing was measured.
                stop = stop || (k > 1 && self.clock.stop_is_asked());
                let now = self.clock.monotonic_ns();
                if stop || now >= due {
                    late += u32::from(!stop && now - due > step_ns / 2);
                    break;
                }
                self.clock.sleep(WAIT.min(Duration::from_nanos(due - now)));
            }
            if stop {
                self.says(format!("the recording was stopped after {} of {samples} intervals", k - 1));
                break;
            }
            self.look(hosts);
        }
        if late > 0 {
            self.says(format!(
                "{late} of {samples} looks began more than half an interval late: the steps of the trace are longer than {} s",
                self.every_s
            ));
        }
        measured
    }

    /// Begins to measure how fast every running guest dirties its memory.
    fn measure_dirty_rates(&mut self, hosts: &BTreeMap<String, Box<dyn Host>>, samples: u32) -> BTreeSet<(String, Uuid)> {
        // To be seen in a look, it must end before the last one.
        let seconds = (self.every_s.saturating_mul(samples) / 2).clamp(1, MOST_DIRTY_RATE_S);
        let mut asked = Vec::new();
        for (name, answer) in &self.looks[0].of {
            for g in answer.seen.guests.iter().filter(|g| g.state == GuestState::Running) {
                let call = Call::MeasureDirtyRate { guest: g.uuid, seconds };
                asked.push(Asked { of: (name.clone(), g.uuid, g.name.clone()), pending: hosts[name].begin(call) });
            }
        }
        let mut measured = BTreeSet::new();
        for ((host, uuid, guest), reply, _) in self.wait(asked) {
            match reply {
                Ok(_) => drop(measured.insert((host, uuid))),
                Err(e) => self.says(format!("the dirty rate of guest {guest} on {host} is not measured: {e}")),
            }
        }
        measured
    }

    /// What all looks tell together.
    fn tell(mut self, how: &How, begun_unix_ns: u64, measured: &BTreeSet<(String, Uuid)>) -> Observation {
        let hosts = self.inventory.hosts.iter().map(|(name, entry)| self.host(name, entry, how)).collect::<Vec<_>>();
        for host in &hosts {
            self.tell_of_host(host, how);
        }
        self.one_machine_one_name();
        let guests = self.guests(measured);
        self.too_much_on_a_host(&guests);
        let mut anomalies: Vec<Anomaly> = std::mem::take(&mut self.anomalies).into_iter().collect();
        anomalies.sort_by_key(|a| !a.forbids_plan);
        Observation {
            version: VERSION,
            site: self.inventory.site.clone(),
            begun_unix_ns,
            every_s: self.every_s,
            ends_unix_ns: self.looks.iter().skip(1).map(|l| l.end_unix_ns).collect(),
            hosts,
            guests,
            anomalies,
        }
    }

    /// The last answer of a host.
    fn last(&self, host: &str) -> Option<&Seen> {
        self.looks.iter().rev().find_map(|l| l.of.get(host)).map(|a| &a.seen)
    }

    fn host(&self, name: &str, entry: &HostEntry, how: &How) -> HostObserved {
        let said = |list: &[String]| list.iter().any(|n| n == name);
        let state = match self.silent.get(name) {
            None => HostState::On,
            Some(_) if said(&how.fenced) => HostState::Fenced,
            Some(_) if said(&how.off) => HostState::Off,
            Some(why) => HostState::Silent { why: why.clone() },
        };
        let hardware = self.last(name).map(|s| Hardware {
            sockets: s.host.sockets,
            cores: s.host.cores,
            threads_per_core: s.host.threads_per_core,
            core_mhz: s.host.core_mhz,
            memory_mib: s.host.memory_kib / 1024,
        });
        HostObserved {
            name: name.to_owned(),
            class: entry.class.clone(),
            domains: entry.domains.clone(),
            pools: entry.pools.clone(),
            guest_memory_mib: entry.guest_memory_mib,
            state,
            hardware,
        }
    }

    fn tell_of_host(&mut self, host: &HostObserved, how: &How) {
        let name = &host.name;
        match &host.state {
            HostState::Silent { why } => self.forbids(format!("host {name} does not answer, and nobody says that it is off: {why}")),
            HostState::On if how.fenced.contains(name) => self.forbids(format!("host {name} is said to be fenced, and it answers")),
            HostState::On if how.off.contains(name) => self.forbids(format!("host {name} is said to be off, and it answers")),
            HostState::On | HostState::Off | HostState::Fenced => {}
        }
        if let Some(is) = host.hardware
            && is.memory_mib < host.guest_memory_mib
        {
            let (has, leaves) = (is.memory_mib, host.guest_memory_mib);
            self.says(format!("host {name} has {has} MiB, and the inventory leaves {leaves} MiB of it to guests"));
        }
    }

    /// Two names of the inventory that lead to one machine.
    fn one_machine_one_name(&mut self) {
        let mut by_uuid: BTreeMap<Uuid, Vec<String>> = BTreeMap::new();
        for name in self.inventory.hosts.keys() {
            if let Some(seen) = self.last(name) {
                by_uuid.entry(seen.host.uuid).or_default().push(name.clone());
            }
        }
        for names in by_uuid.into_values().filter(|names| names.len() > 1) {
            self.forbids(format!("hosts {} are one machine: they answer with one identity", names.join(" and ")));
        }
    }

    /// More memory in use than the inventory leaves to guests.
    fn too_much_on_a_host(&mut self, guests: &[Guest]) {
        for (name, entry) in &self.inventory.hosts {
            let held: u64 = guests.iter().filter(|g| g.runs_on.as_ref() == Some(name)).filter_map(|g| g.memory_mib).sum();
            if held > entry.guest_memory_mib {
                let leaves = entry.guest_memory_mib;
                self.says(format!("guests on host {name} hold {held} MiB, and the inventory leaves {leaves} MiB to them"));
            }
        }
    }

    /// The name of a guest: the inventory's, where it knows the identity.
    fn name_of(&self, seen: &GuestSeen) -> String {
        let known = self.inventory.guests.iter().find(|(_, g)| g.uuid == Some(seen.uuid));
        known.map_or_else(|| seen.name.clone(), |(name, _)| name.clone())
    }

    /// All guests: those seen on a host, and those that the inventory names besides.
    fn guests(&mut self, measured: &BTreeSet<(String, Uuid)>) -> Vec<Guest> {
        let mut seen: BTreeMap<Uuid, String> = BTreeMap::new();
        for answer in self.looks.iter().flat_map(|l| l.of.values()) {
            for g in &answer.seen.guests {
                seen.insert(g.uuid, self.name_of(g));
            }
        }
        let mut all: Vec<Guest> = seen.iter().filter_map(|(uuid, name)| self.guest(*uuid, name, measured)).collect();
        let inventory = self.inventory;
        let silent: Vec<String> = self.silent.keys().cloned().collect();
        for (name, entry) in &inventory.guests {
            let namesake = seen.iter().find(|(_, n)| *n == name).map(|(uuid, _)| *uuid);
            match (namesake, entry.uuid) {
                (Some(is), Some(should)) if is != should => {
                    self.forbids(format!("the guest named {name} has the identity {is}, and the inventory says {should}: it is another"));
                }
                (Some(_), _) => continue,
                (None, _) => {
                    let who = if silent.is_empty() { String::new() } else { format!(" ({} not answering)", silent.join(", ")) };
                    self.says(format!("guest {name} is in the inventory, and on no host that answers{who}"));
                }
            }
            let made = entry.made_from.as_ref();
            all.push(Guest {
                name: name.clone(),
                uuid: entry.uuid.map(|u| u.to_string()),
                memory_mib: made.map(|m| m.memory_mib),
                vcpus: made.map(|m| m.vcpus),
                known_from: KnownFrom::Inventory,
                runs_on: None,
                state: UNSEEN.into(),
                defined_on: Vec::new(),
                autostart_on: Vec::new(),
                in_inventory: true,
                dirty_mib_per_s: None,
                samples: Vec::new(),
                earlier: None,
            });
        }
        all.sort_by(|a, b| (&a.name, &a.uuid).cmp(&(&b.name, &b.uuid)));
        for pair in all.windows(2).filter(|p| p[0].name == p[1].name) {
            self.forbids(format!("two guests are named {}", pair[0].name));
        }
        all
    }

    /// One guest that a host showed; nothing where none shows it at the end and it did not run.
    fn guest(&mut self, uuid: Uuid, name: &str, measured: &BTreeSet<(String, Uuid)>) -> Option<Guest> {
        let hosts = self.inventory.hosts.keys();
        let at_the_end: Vec<(String, GuestSeen)> = hosts.filter_map(|h| Some((h.clone(), self.last(h)?.guest(uuid)?.clone()))).collect();
        let active: Vec<(&str, &GuestSeen)> =
            at_the_end.iter().filter(|(_, g)| g.state.is_active()).map(|(h, g)| (h.as_str(), g)).collect();
        let runs = active.iter().find(|(_, g)| g.state.executes()).or(active.first()).copied();
        self.tell_of_copies(name, &active);
        self.tell_of_moves(name, uuid);
        let samples = self.samples(name, uuid);
        let Some((from, says)) = runs.or_else(|| at_the_end.first().map(|(h, g)| (h.as_str(), g))) else {
            self.says(format!("guest {name} was forgotten by its host during the recording"));
            return None;
        };
        let on = |which: &dyn Fn(&GuestSeen) -> bool| -> Vec<String> {
            at_the_end.iter().filter(|(_, g)| which(g)).map(|(h, _)| h.clone()).collect()
        };
        let (defined_on, autostart_on) = (on(&|g| g.persistent), on(&|g| g.autostart));
        if defined_on.len() > 1 {
            self.says(format!("guest {name} is defined on {}", defined_on.join(" and on ")));
        }
        for host in autostart_on.iter().filter(|h| runs.is_some_and(|(r, _)| r != h.as_str())) {
            let mend = format!("`virsh -c {host} autostart --disable {name}`, or undefine it there");
            self.forbids(format!("guest {name} does not run on {host}, and that host starts it when it boots: a second copy; {mend}"));
        }
        if says.state == GuestState::Crashed {
            self.says(format!("guest {name} has crashed on {from}"));
        }
        let asked = runs.is_some_and(|(h, _)| measured.contains(&(h.to_owned(), uuid)));
        let dirty_mib_per_s = says.dirty_mib_per_s.filter(|_| asked);
        if asked && dirty_mib_per_s.is_none() {
            self.says(format!("the dirty rate of guest {name} was not there when the recording ended: record longer"));
        }
        let in_inventory = self.inventory.guests.get(name).is_some_and(|g| g.uuid.is_none_or(|u| u == uuid));
        Some(Guest {
            name: name.to_owned(),
            uuid: Some(uuid.to_string()),
            memory_mib: Some(says.memory_kib.div_ceil(1024)),
            vcpus: Some(says.vcpus),
            known_from: KnownFrom::Host { host: from.to_owned() },
            runs_on: runs.map(|(h, _)| h.to_owned()),
            state: says.state.word().to_owned(),
            defined_on,
            autostart_on,
            in_inventory,
            dirty_mib_per_s,
            samples,
            earlier: None,
        })
    }

    /// What is wrong with the copies of a guest that hold memory at the end.
    fn tell_of_copies(&mut self, name: &str, active: &[(&str, &GuestSeen)]) {
        let executing: Vec<&str> = active.iter().filter(|(_, g)| g.state.executes()).map(|(h, _)| *h).collect();
        if executing.len() > 1 {
            self.forbids(format!("guest {name} runs on {}: TWO COPIES; stop one of them by hand at once", executing.join(" and on ")));
            return;
        }
        let leaves = active.iter().any(|(_, g)| g.job_remaining_bytes.is_some());
        let moves = active.len() > 1
            || leaves
            || active.iter().any(|(_, g)| matches!(g.state, GuestState::PausedForMigration | GuestState::PostCopy));
        if moves {
            let places: Vec<String> = active.iter().map(|(h, g)| format!("{} on {h}", g.state.word())).collect();
            self.forbids(format!("guest {name} is {}: wait for the end of its migration and observe again", places.join(" and ")));
            return;
        }
        for (host, g) in active {
            match g.state {
                GuestState::PostCopyFailed => {
                    self.forbids(format!("guest {name} is {} on {host}: only whoever moved it can mend that", g.state.word()));
                }
                GuestState::Paused | GuestState::ShuttingDown | GuestState::Other => {
                    self.says(format!("guest {name} is {} on {host}, and holds its memory there", g.state.word()));
                }
                _ => {}
            }
        }
    }

    /// Where a guest holds memory at a look: where it executes, or else the first place.
    fn place(look: &Look, uuid: Uuid) -> Option<(&str, &Answer, &GuestSeen)> {
        let all = || look.of.iter().filter_map(|(h, a)| Some((h.as_str(), a, a.seen.guest(uuid)?))).filter(|(_, _, g)| g.state.is_active());
        all().find(|(_, _, g)| g.state.executes()).or_else(|| all().next())
    }

    /// A guest that was not in one place all the time.
    fn tell_of_moves(&mut self, name: &str, uuid: Uuid) {
        let mut told = Vec::new();
        for pair in self.looks.windows(2) {
            let at = |look| Self::place(look, uuid).map(|(h, _, _)| h);
            // Of a host that fell silent nobody knows.
            let known = |host: Option<&str>| host.is_none_or(|h| pair[1].of.contains_key(h));
            let by = utc(pair[1].end_unix_ns);
            match (at(&pair[0]), at(&pair[1])) {
                (Some(from), Some(to)) if from != to => {
                    told.push(format!("guest {name} moved from {from} to {to} during the recording, by {by}"))
                }
                (Some(from), None) if known(Some(from)) => {
                    told.push(format!("guest {name} stopped on {from} during the recording, by {by}"))
                }
                (None, Some(to)) => told.push(format!("guest {name} started on {to} during the recording, by {by}")),
                _ => {}
            }
        }
        told.into_iter().for_each(|what| self.says(what));
    }

    /// What a guest used in each interval; empty where it was never seen running.
    fn samples(&mut self, name: &str, uuid: Uuid) -> Vec<Option<Sample>> {
        if self.looks.iter().all(|l| Self::place(l, uuid).is_none()) {
            return Vec::new();
        }
        let (mut all, mut back) = (Vec::new(), Vec::new());
        let answering = self.looks[0].of.len();
        for pair in self.looks.windows(2) {
            all.push(match (Self::place(&pair[0], uuid), Self::place(&pair[1], uuid)) {
                (Some((h, a, was)), Some((i, b, is))) if h == i => {
                    let sample = between(was, is, b.at_ns.saturating_sub(a.at_ns));
                    if sample.is_none() {
                        back.push((h.to_owned(), utc(pair[1].end_unix_ns)));
                    }
                    sample
                }
                // Of a host that fell silent nobody knows.
                (None, None) if pair[1].of.len() == answering => Some(Sample::NOTHING),
                _ => None,
            });
        }
        for (host, by) in back {
            self.says(format!(
                "the counters of guest {name} on {host} went back by {by} (it was restarted, or moved away and back): that sample is dropped"
            ));
        }
        all
    }
}

/// What a guest used between two looks at one host; nothing where a counter went back, or no time passed.
fn between(was: &GuestSeen, is: &GuestSeen, elapsed_ns: u64) -> Option<Sample> {
    let per_s = |was: u64, is: u64| is.checked_sub(was).filter(|_| elapsed_ns > 0).map(|d| d as f64 * 1e9 / elapsed_ns as f64);
    Some(Sample {
        cores: per_s(was.cpu_ns, is.cpu_ns)? / 1e9,
        net_bytes_per_s: per_s(was.net_bytes, is.net_bytes)?,
        disk_bytes_per_s: per_s(was.disk_bytes, is.disk_bytes)?,
    })
}
