//! Audits that are always on: laws of conservation that a run must keep, whatever it is of. One that is broken stops the run.

use models::quantity::Nanos;

use super::outcome::{Broken, GuestOutcome, HostOutcome, Outcome};
use super::world::{BOOT, JobIs, NONE, World};

impl World<'_> {
    pub(super) fn broken(&self, law: &str, left: f64, right: f64) -> Broken {
        Broken { law: law.to_owned(), left, right, at: Nanos(self.now), event: self.events }
    }

    /// Recounts jobs, resources and memory.
    pub(super) fn audit(&mut self) -> Result<(), Box<Broken>> {
        let now = self.now;
        for p in 0..self.pools.len() {
            if let Err(e) = self.pools[p].audit(now) {
                return Err(Box::new(self.broken(&format!("{} ({})", e.what, self.pool_name(p)), e.left, e.right)));
            }
        }
        // Jobs by flow, and the time that those present have spent: sample-path Little, in whole ns.
        let mut present = vec![(0u64, 0u128); self.flows.len()];
        let mut served = vec![0u32; self.members.len()];
        for j in self.jobs.iter().filter(|j| j.is != JobIs::Free && j.flow != BOOT) {
            let it = &mut present[j.flow as usize];
            it.0 += 1;
            it.1 += u128::from(now - j.entered);
            if j.member != NONE && j.is != JobIs::Queued {
                served[j.member as usize] += 1;
            }
        }
        for (f, (count, spent)) in present.into_iter().enumerate() {
            let tally = &mut self.flows[f].tally;
            tally.advance(now);
            let (area, sojourns) = (tally.area, tally.sojourns + spent);
            let counted = tally.arrived + tally.copied;
            let accounted = tally.served + tally.lost + count;
            let name = &self.model.flows[f].name;
            if counted != accounted || tally.present != count {
                let law = format!("arrivals = departures + present + lost ({name})");
                return Err(Box::new(self.broken(&law, counted as f64, accounted as f64)));
            }
            if area != sojourns {
                let law = format!("time integral of jobs present = sum of their times (Little, {name})");
                return Err(Box::new(self.broken(&law, area as f64, sojourns as f64)));
            }
        }
        for (m, count) in served.into_iter().enumerate() {
            if count != self.members[m].serving {
                return Err(Box::new(self.broken(
                    "slots taken = jobs that hold one",
                    f64::from(self.members[m].serving),
                    f64::from(count),
                )));
            }
        }
        let mut memory = vec![0u64; self.hosts.len()];
        for (g, state) in self.guests.iter().enumerate().filter(|(_, s)| s.host != NONE) {
            memory[state.host as usize] += self.model.guests[g].memory_mib;
        }
        for (h, used) in memory.into_iter().enumerate() {
            let (booked, installed) = (self.hosts[h].memory_used_mib, self.model.hosts[h].memory_mib);
            if used != booked || used > installed {
                let law = format!("memory used <= installed ({})", self.model.hosts[h].name);
                return Err(Box::new(self.broken(&law, used.max(booked) as f64, installed as f64)));
            }
        }
        Ok(())
    }

    fn pool_name(&self, pool: usize) -> String {
        let hosts = self.model.hosts.len();
        if pool < 3 * hosts {
            format!("{} of {}", ["CPU", "disk", "network"][pool % 3], self.model.hosts[pool / 3].name)
        } else {
            self.model.others[pool - 3 * hosts].name.clone()
        }
    }

    /// The end of a run: everything observed.
    pub(super) fn close(mut self) -> Result<Outcome, Box<Broken>> {
        let now = self.now;
        for g in 0..self.guests.len() as u32 {
            self.leave_accounts(g);
        }
        let measures = match self.meter.take().and_then(super::meter::Meter::finish) {
            Some((measures, (by_host, of_site))) => {
                if by_host != of_site {
                    return Err(Box::new(self.broken("energy by host = energy of the site", by_host as f64, of_site as f64)));
                }
                Some(measures)
            }
            None => None,
        };
        let hosts = self.hosts.iter().enumerate().map(|(h, state)| {
            let pool = &self.pools[3 * h];
            let capacity = self.model.hosts[h].cpu_khz as f64 * now as f64;
            HostOutcome {
                busy: if capacity > 0.0 { pool.used(now) as f64 / capacity } else { 0.0 },
                short: if now > 0 { pool.short_ns(now) as f64 / now as f64 } else { 0.0 },
                down: Nanos(state.down_ns + if state.up || !self.model.hosts[h].on { 0 } else { now - state.down_since }),
            }
        });
        let guests = self.guests.iter().enumerate().map(|(g, state)| {
            let is_down = state.host != NONE && (state.is != super::world::GuestIs::Up || state.read_only);
            GuestOutcome {
                asked_khz_s: state.asked,
                given_khz_s: state.given,
                overhead: self.model.guests[g].overhead,
                down: Nanos(state.down_ns + if is_down { now - state.down_since } else { 0 }),
                outages: state.outages,
                host: (state.host != NONE).then_some(state.host),
            }
        });
        Ok(Outcome {
            lasted: Nanos(now),
            hosts: hosts.collect(),
            guests: guests.collect(),
            measures,
            events: self.events,
            jobs: self.flows.iter().map(|f| f.tally.arrived + f.tally.copied).sum(),
            log: self.log,
            stopped: self.stopped,
            flows: self.flows.into_iter().map(|f| f.tally).collect(),
        })
    }
}
