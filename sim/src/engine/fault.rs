//! Faults and their aftermath: what stops, who notices when, and how it comes back.
//!
//! A lost host takes its guests with it. Load balancers go on sending to a dead guest until the loss is noticed. After
//! detection and fencing, guests that restart are started on the host with the most free memory that admits them: by
//! themselves, or by hand one after the other. A boot is disk and CPU work on the very resources that serve jobs, so
//! that boots delay each other and everybody else. A repaired host boots, and starts those of its guests that still lie on it.

use models::flow::When;
use models::quantity::Nanos;

use super::event::Event;
use super::model::{On, Target};
use super::outcome::Entry;
use super::world::{BOOT, Driver, FaultState, GuestIs, Job, JobIs, NONE, World};
use crate::random::{self, Sampler};

const S: f64 = 1e9;

impl World<'_> {
    pub(super) fn start_faults(&mut self, seed: u64, replication: u32) {
        for (i, fault) in self.model.faults.iter().enumerate() {
            let mut state = FaultState::default();
            let at = match fault.when {
                When::At { at, .. } => at.0.checked_sub(self.model.start.0),
                When::Renewal { up_s, down_s } => {
                    let mut stream = random::stream(seed, &fault.name, "faults", replication);
                    let (up, down) = (Sampler::new(&up_s), Sampler::new(&down_s));
                    let first = up.sample(&mut stream) * S;
                    state.sampler = Some((up, down, stream));
                    Some(first as u64)
                }
            };
            self.faults.push(state);
            if let Some(at) = at
                && at <= self.model.lasts.0
            {
                self.queue.push(Nanos(at), Event::Fails { fault: i as u32 });
            }
        }
    }

    fn note(&mut self, what: String) {
        self.log.push(Entry { at: Nanos(self.now + self.model.start.0), what });
    }

    pub(super) fn fails(&mut self, fault: u32) {
        let it = &self.model.faults[fault as usize];
        let state = &mut self.faults[fault as usize];
        state.active = true;
        state.turn += 1;
        let turn = state.turn;
        let lasts = match (&it.when, &mut state.sampler) {
            (When::At { lasts, .. }, _) => lasts.map(|l| l.0),
            (_, Some((_, down, stream))) => Some((down.sample(stream) * S + 0.5) as u64),
            _ => None,
        };
        if let Some(lasts) = lasts {
            self.queue.push(Nanos(self.now.saturating_add(lasts)), Event::Repaired { fault, turn });
        }
        self.note(format!("{} fails", it.name));
        match &it.target {
            Target::Hosts(hosts) => self.take_down(fault, hosts),
            Target::Mains { battery } => {
                self.queue.push(Nanos(self.now.saturating_add(battery.0)), Event::BatteryEmpty { fault, turn });
            }
            Target::Disks(guests) => guests.iter().for_each(|g| self.set_disk(*g)),
            Target::Network => {
                self.network_away.get_or_insert(self.now);
                self.set_network();
            }
            // A guest that runs nowhere, or whose host is down, cannot stop once more.
            Target::Guest(g) => {
                let host = self.guests[*g as usize].host;
                if host != NONE && self.hosts[host as usize].up {
                    self.stop_guest(*g);
                    self.after_guest_stop(*g);
                    self.next_boots(host);
                }
            }
            Target::Stall(g) => {
                self.set_cpu(*g);
                if let Some(after) = self.model.recovery.and_then(|r| r.panics_after) {
                    self.queue.push(Nanos(self.now.saturating_add(after.0)), Event::Panics { fault, turn });
                }
            }
        }
    }

    pub(super) fn repaired(&mut self, fault: u32, turn: u32) {
        let state = &mut self.faults[fault as usize];
        if state.turn != turn {
            return;
        }
        // A stall is over once its host has panicked, but the next one comes as it would have.
        let was_active = std::mem::replace(&mut state.active, false);
        let took = std::mem::take(&mut state.took);
        if let Some((up, _, stream)) = &mut state.sampler {
            let next = self.now.saturating_add((up.sample(stream) * S + 0.5) as u64);
            if next <= self.model.lasts.0 {
                self.queue.push(Nanos(next), Event::Fails { fault });
            }
        }
        if !was_active {
            return;
        }
        let it = &self.model.faults[fault as usize];
        self.note(format!("{} is repaired", it.name));
        self.bring_back(&took);
        match &it.target {
            Target::Hosts(_) | Target::Mains { .. } | Target::Guest(_) => {}
            Target::Disks(guests) => guests.iter().for_each(|g| self.set_disk(*g)),
            Target::Network => {
                self.set_network();
                // The pause is over with the last of its faults.
                if !self.network_fails()
                    && let Some(since) = self.network_away.take()
                {
                    self.read_only_mounts(self.now - since);
                }
            }
            Target::Stall(g) => self.set_cpu(*g),
        }
    }

    pub(super) fn battery_empty(&mut self, fault: u32, turn: u32) {
        if self.faults[fault as usize].active && self.faults[fault as usize].turn == turn {
            self.note("the battery is empty".into());
            let all: Vec<u32> = (0..self.hosts.len() as u32).filter(|h| self.model.hosts[*h as usize].on).collect();
            self.take_down(fault, &all);
        }
    }

    /// A starved guest takes its host down with it (S3-7); the host comes back by a boot after it has been noticed and fenced.
    pub(super) fn panics(&mut self, fault: u32, turn: u32) {
        if !self.faults[fault as usize].active || self.faults[fault as usize].turn != turn {
            return;
        }
        let Target::Stall(g) = self.model.faults[fault as usize].target else { return };
        let host = self.guests[g as usize].host;
        if host == NONE || !self.hosts[host as usize].up || !self.model.hosts[host as usize].panics {
            return;
        }
        self.note(format!("the kernel of {} panics", self.model.hosts[host as usize].name));
        self.faults[fault as usize].active = false;
        self.set_cpu(g);
        self.lose_host(host);
        self.hosts[host as usize].downs -= 1;
        let wait = self.model.recovery.map_or(0, |r| r.detect.0 + r.fence.0) + self.model.hosts[host as usize].boot.0;
        let turn = self.hosts[host as usize].turn;
        self.queue.push(Nanos(self.now.saturating_add(wait)), Event::Booted { host, turn });
    }

    fn take_down(&mut self, fault: u32, hosts: &[u32]) {
        // What was off from the start cannot fail, and does not come on by a repair.
        for &h in hosts.iter().filter(|h| self.model.hosts[**h as usize].on) {
            self.faults[fault as usize].took.push(h);
            self.lose_host(h);
        }
    }

    fn lose_host(&mut self, host: u32) {
        let state = &mut self.hosts[host as usize];
        state.downs += 1;
        state.turn += 1;
        if !state.up {
            return;
        }
        state.up = false;
        state.down_since = self.now;
        state.booting = 0;
        state.to_boot.clear();
        let on_it: Vec<u32> = (0..self.guests.len() as u32).filter(|g| self.guests[*g as usize].host == host).collect();
        for &g in &on_it {
            self.stop_guest(g);
        }
        for i in 0..3 {
            self.pools[3 * host as usize + i].set_capacity(self.now, 0);
            self.touch(3 * host + i as u32);
        }
        if let Some(meter) = &mut self.meter {
            meter.host_changes(host, false);
        }
        let Some(recovery) = self.model.recovery else { return };
        for g in on_it.into_iter().filter(|g| self.model.guests[*g as usize].restarts) {
            self.restart_after(g, recovery.detect.0 + recovery.fence.0);
        }
    }

    /// A guest is to be started again so long from now; by hand, once the one who does it has done it.
    fn restart_after(&mut self, guest: u32, wait: u64) {
        let mut at = self.now.saturating_add(wait);
        if let Some(each) = self.model.recovery.and_then(|r| r.by_hand) {
            at = at.max(self.hands_free).saturating_add(each.0);
            self.hands_free = at;
        }
        let turn = self.guests[guest as usize].turn;
        self.queue.push(Nanos(at), Event::Restart { guest, turn });
    }

    fn bring_back(&mut self, hosts: &[u32]) {
        for &h in hosts {
            let state = &mut self.hosts[h as usize];
            state.downs -= 1;
            if state.downs == 0 && !state.up {
                let (turn, boot) = (state.turn, self.model.hosts[h as usize].boot.0);
                self.queue.push(Nanos(self.now.saturating_add(boot)), Event::Booted { host: h, turn });
            }
        }
    }

    pub(super) fn booted(&mut self, host: u32, turn: u32) {
        let state = &mut self.hosts[host as usize];
        if state.up || state.turn != turn || state.downs > 0 {
            return;
        }
        state.up = true;
        state.down_ns += self.now - state.down_since;
        let h = &self.model.hosts[host as usize];
        for (i, capacity) in [h.cpu_khz, h.disk_bytes_per_s].into_iter().enumerate() {
            self.pools[3 * host as usize + i].set_capacity(self.now, capacity);
            self.touch(3 * host + i as u32);
        }
        self.set_host_network(host as usize);
        if let Some(meter) = &mut self.meter {
            meter.host_changes(host, true);
        }
        self.note(format!("{} is up again", h.name));
        for g in 0..self.guests.len() as u32 {
            if self.guests[g as usize].host == host && self.guests[g as usize].is == GuestIs::Down {
                self.start_on(g, host);
            }
        }
    }

    /// A guest stops at once: its jobs fail, its memory stays booked until it is started elsewhere.
    fn stop_guest(&mut self, guest: u32) {
        let state = &mut self.guests[guest as usize];
        if state.host == NONE {
            return;
        }
        let was = state.is;
        state.turn += 1;
        state.is = GuestIs::Down;
        // One that ran read-only was of no use already.
        if was == GuestIs::Up && !state.read_only {
            state.down_since = self.now;
            state.outages += 1;
        }
        let (host, groups, storage) = (state.host, state.groups, state.storage_group);
        for (i, group) in groups.into_iter().enumerate() {
            self.pools[3 * host as usize + i].clear(self.now, group);
            self.touch(3 * host + i as u32);
        }
        if storage != NONE {
            let pool = 3 * self.hosts.len() as u32 + self.model.guests[guest as usize].storage.expect("it has a group there");
            self.pools[pool as usize].clear(self.now, storage);
            self.touch(pool);
        }
        if let Some(meter) = &mut self.meter {
            meter.guest_changes(guest, None);
        }
        let (mut failed, mut boots) = (Vec::new(), Vec::new());
        for (i, j) in self.jobs.iter_mut().enumerate() {
            match j.is {
                JobIs::Boot if j.member == guest => boots.push(i as u32),
                JobIs::Served | JobIs::Queued | JobIs::Blocked if j.member != NONE && self.members[j.member as usize].guest == guest => {
                    j.turn = j.turn.wrapping_add(1);
                    failed.push(i as u32);
                }
                _ => {}
            }
        }
        for m in self.guests[guest as usize].members.clone() {
            self.members[m as usize].serving = 0;
            self.members[m as usize].waiting.clear();
        }
        // A job that kept its place here while it waited for room elsewhere no longer waits there; nor does a link go on with it.
        let fails = |j: u32| failed.binary_search(&j).is_ok();
        if failed.iter().any(|j| self.jobs[*j as usize].is == JobIs::Blocked) {
            self.tiers.iter_mut().for_each(|t| t.blocked.retain(|j| !fails(*j)));
        }
        let mut links: Vec<u32> = failed.iter().filter_map(|j| self.link_of(*j)).collect();
        links.sort_unstable();
        links.dedup();
        for link in links {
            let pool = 3 * self.hosts.len() as u32 + link;
            self.pools[pool as usize].withdraw(self.now, 0, fails);
            self.touch(pool);
        }
        self.driver_forgets(guest, |j| fails(j) || boots.contains(&j));
        for j in boots {
            self.free_job(j);
            let h = &mut self.hosts[host as usize];
            h.booting = h.booting.saturating_sub(1);
            self.boots -= 1;
        }
        self.hosts[host as usize].to_boot.retain(|g| *g != guest);
        failed.into_iter().for_each(|j| self.fail_job(j));
        if let Some(recovery) = self.model.recovery {
            let turn = self.guests[guest as usize].turn;
            self.queue.push(Nanos(self.now.saturating_add(recovery.detect.0)), Event::Noticed { guest, turn });
        }
    }

    /// The resource besides those of hosts on which a job is served, if it is on one.
    fn link_of(&self, job: u32) -> Option<u32> {
        let j = &self.jobs[job as usize];
        match self.model.flows[j.flow as usize].stages[j.stage as usize].phases.get(j.phase as usize)?.on {
            On::Other(i) if j.is == JobIs::Served => Some(i),
            _ => None,
        }
    }

    /// A guest that has stopped by itself is started again where it was.
    fn after_guest_stop(&mut self, guest: u32) {
        if let Some(recovery) = self.model.recovery {
            self.restart_after(guest, recovery.detect.0);
        }
    }

    pub(super) fn noticed(&mut self, guest: u32, turn: u32) {
        if self.guests[guest as usize].turn == turn && self.guests[guest as usize].is != GuestIs::Up {
            for m in self.guests[guest as usize].members.clone() {
                self.members[m as usize].seen_up = false;
            }
        }
    }

    pub(super) fn restart(&mut self, guest: u32, turn: u32) {
        let state = &self.guests[guest as usize];
        if state.turn != turn || state.is == GuestIs::Booting {
            return;
        }
        if state.is == GuestIs::Up {
            // A guest that runs and is of no use: its disks are read-only.
            self.stop_guest(guest);
        }
        let home = self.guests[guest as usize].host;
        if home != NONE && self.hosts[home as usize].up {
            self.start_on(guest, home);
            return;
        }
        let g = &self.model.guests[guest as usize];
        let mut best: Option<(u64, u32)> = None;
        for (h, host) in self.model.hosts.iter().enumerate() {
            let allowed = if g.may_run_on.is_empty() { host.virtualises } else { g.may_run_on.contains(&(h as u32)) };
            let room = host.memory_mib.saturating_sub(self.hosts[h].memory_used_mib);
            if self.hosts[h].up && allowed && room >= g.memory_mib && best.is_none_or(|(most, _)| room > most) {
                best = Some((room, h as u32));
            }
        }
        match best {
            Some((_, host)) => self.start_on(guest, host),
            None => self.note(format!("{} finds no host with room", g.name)),
        }
    }

    fn start_on(&mut self, guest: u32, host: u32) {
        let was = self.guests[guest as usize].host;
        if was != host {
            let memory = self.model.guests[guest as usize].memory_mib;
            self.leave_accounts(guest);
            if was != NONE {
                self.hosts[was as usize].memory_used_mib -= memory;
            }
            self.hosts[host as usize].memory_used_mib += memory;
            self.guests[guest as usize].host = host;
            self.join(guest);
        }
        let state = &mut self.guests[guest as usize];
        (state.is, state.read_only) = (GuestIs::Booting, false);
        // A boot is work on disk and CPU: it meets the faults of now and of here.
        self.set_disk(guest);
        self.set_cpu(guest);
        self.hosts[host as usize].to_boot.push_back(guest);
        self.next_boots(host);
    }

    /// Closes a guest's CPU account on the host that it leaves.
    pub(super) fn leave_accounts(&mut self, guest: u32) {
        let state = &mut self.guests[guest as usize];
        if state.host != NONE {
            let account = self.pools[3 * state.host as usize].account(self.now, state.groups[0]);
            state.asked += account.asked;
            state.given += account.given;
        }
    }

    fn next_boots(&mut self, host: u32) {
        let most = self.model.recovery.map_or(u32::MAX, |r| r.boots_at_once);
        while self.hosts[host as usize].booting < most {
            let Some(guest) = self.hosts[host as usize].to_boot.pop_front() else { return };
            self.hosts[host as usize].booting += 1;
            self.boots += 1;
            // Where nothing is known of recovery, a boot is no work, and feels nothing.
            if self.hosts[host as usize].booting == 1 && self.model.flows.is_empty() && self.model.recovery.is_some() {
                (0..self.guests.len() as u32)
                    .filter(|g| self.feels_boots(*g))
                    .collect::<Vec<_>>()
                    .into_iter()
                    .for_each(|g| self.background_of(g));
            }
            let Some(job) = self.new_job() else { return };
            let turn = self.jobs[job as usize].turn;
            let now = self.now;
            self.jobs[job as usize] = Job {
                lot: 0,
                began: now,
                entered: now,
                flow: BOOT,
                member: guest,
                turn,
                hops: 0,
                tries: 0,
                stage: 0,
                phase: 0,
                is: JobIs::Boot,
                driver: Driver::Before,
                client: false,
            };
            self.boot_phase(job);
        }
    }

    /// A boot reads from disk, then computes.
    pub(super) fn boot_phase(&mut self, job: u32) {
        let (guest, phase) = (self.jobs[job as usize].member, self.jobs[job as usize].phase);
        let host = self.guests[guest as usize].host;
        // Where nothing is known of recovery, a boot costs nothing.
        let (on, work) = match (self.model.recovery, phase) {
            (Some(recovery), 0) => (On::Disk, recovery.boot_disk_bytes),
            (Some(recovery), 1) => (On::Cpu, recovery.boot_cpu.as_seconds() * self.model.hosts[host as usize].core_khz as f64),
            _ => {
                self.free_job(job);
                self.hosts[host as usize].booting -= 1;
                self.boots -= 1;
                self.guest_up(guest);
                self.next_boots(host);
                return;
            }
        };
        if self.passes_driver(job, on, guest, work) {
            return;
        }
        let (pool, group) = self.resource(on, guest);
        self.pools[pool as usize].enter(self.now, group, job, work.max(1.0));
        self.touch(pool);
    }

    fn guest_up(&mut self, guest: u32) {
        let host = self.guests[guest as usize].host;
        let state = &mut self.guests[guest as usize];
        state.is = GuestIs::Up;
        state.turn += 1;
        state.down_ns += self.now - state.down_since;
        let (name, on) = (&self.model.guests[guest as usize].name, &self.model.hosts[host as usize].name);
        self.note(format!("{name} is up again on {on}"));
        if let Some(meter) = &mut self.meter {
            meter.guest_changes(guest, Some(host));
        }
        if !self.model.flows.is_empty() || self.boots > 0 {
            self.background_of(guest);
        }
        for m in self.guests[guest as usize].members.clone() {
            self.members[m as usize].seen_up = true;
            self.fill_member(m);
        }
    }

    /// Whether a guest's disks work: no storage fault on it, not read-only, and a network where they come over it.
    fn set_disk(&mut self, guest: u32) {
        let stopped = self.guests[guest as usize].read_only
            || (self.model.guests[guest as usize].mounts && self.network_fails())
            || self
                .model
                .faults
                .iter()
                .zip(&self.faults)
                .any(|(f, s)| s.active && matches!(&f.target, Target::Disks(all) if all.contains(&guest)));
        if self.guests[guest as usize].host == NONE {
            return;
        }
        let (pool, group) = self.resource(On::Disk, guest);
        self.pools[pool as usize].set_stalled(self.now, group, stopped);
        self.touch(pool);
    }

    /// Whether a guest gets CPU: no stall on it.
    fn set_cpu(&mut self, guest: u32) {
        if self.guests[guest as usize].host == NONE {
            return;
        }
        let stalled = self.model.faults.iter().zip(&self.faults).any(|(f, s)| s.active && f.target == Target::Stall(guest));
        let (pool, group) = self.resource(On::Cpu, guest);
        self.pools[pool as usize].set_stalled(self.now, group, stalled);
        self.touch(pool);
    }

    fn network_fails(&self) -> bool {
        self.model.faults.iter().zip(&self.faults).any(|(f, s)| s.active && f.target == Target::Network)
    }

    /// What follows for all from a fault of the network, or its repair.
    fn set_network(&mut self) {
        (0..self.hosts.len()).for_each(|h| self.set_host_network(h));
        for g in (0..self.guests.len() as u32).filter(|g| self.model.guests[*g as usize].mounts) {
            self.set_disk(g);
        }
    }

    /// The network of a host passes where the host is up and no fault stops the network.
    fn set_host_network(&mut self, host: usize) {
        let capacity = if self.hosts[host].up && !self.network_fails() { self.model.hosts[host].network_bytes_per_s } else { 0 };
        let pool = 3 * host + 2;
        self.pools[pool].set_capacity(self.now, capacity);
        self.touch(pool as u32);
    }

    /// After a long pause, disks that are mounted over the network come back read-only; only a restart helps (S3-8).
    fn read_only_mounts(&mut self, paused: u64) {
        let Some(recovery) = self.model.recovery else { return };
        if recovery.read_only_after.is_none_or(|stands| paused <= stands.0) {
            return;
        }
        let mut k = 0;
        for g in 0..self.guests.len() as u32 {
            if self.model.guests[g as usize].mounts && self.guests[g as usize].is == GuestIs::Up {
                k += 1;
                let state = &mut self.guests[g as usize];
                state.read_only = true;
                state.down_since = self.now;
                state.outages += 1;
                self.set_disk(g);
                self.restart_after(g, recovery.detect.0);
            }
        }
        if k > 0 {
            self.note(format!("{k} guests find their disks read-only"));
        }
    }
}
