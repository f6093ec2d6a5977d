//! Audits that are always on: laws of conservation that a run must keep, whatever it is of. One that is broken stops the run.

use models::quantity::Nanos;

use super::model::On;
use super::outcome::{Broken, GuestOutcome, HostOutcome, Outcome};
use super::world::{BOOT, GuestIs, Job, JobIs, NONE, World};
use crate::sharing::Pool;

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
            let kept = tally.present;
            if counted != accounted {
                let law = format!("arrivals = departures + present + lost ({name})");
                return Err(Box::new(self.broken(&law, counted as f64, accounted as f64)));
            }
            if kept != count {
                let law = format!("jobs present as counted ({name})");
                return Err(Box::new(self.broken(&law, kept as f64, count as f64)));
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
        // A run that was stopped was so amid an event.
        if self.stopped.is_none() {
            self.audit_places()?;
        }
        let mut memory = vec![0u64; self.hosts.len()];
        for (g, state) in self.guests.iter().enumerate().filter(|(_, s)| s.host != NONE) {
            memory[state.host as usize] += self.model.guests[g].memory_mib;
        }
        for (h, used) in memory.into_iter().enumerate() {
            let state = &self.hosts[h];
            let (booked, installed) = (state.memory_used_mib, self.model.hosts[h].memory_mib.max(state.memory_start_mib));
            if used != booked || used > installed {
                let law = format!("memory used <= installed ({})", self.model.hosts[h].name);
                return Err(Box::new(self.broken(&law, used.max(booked) as f64, installed as f64)));
            }
        }
        Ok(())
    }

    /// No slot is given twice, nobody waits for one that is free, and who is served on a resource is there, once.
    fn audit_places(&self) -> Result<(), Box<Broken>> {
        for member in &self.members {
            let tier = &self.model.tiers[member.tier as usize];
            let slots = tier.slots.unwrap_or(u32::MAX);
            if member.serving > slots {
                let law = format!("slots taken <= slots ({})", tier.name);
                return Err(Box::new(self.broken(&law, f64::from(member.serving), f64::from(slots))));
            }
            let waiting = member.waiting.len() + self.tiers[member.tier as usize].blocked.len();
            if waiting > 0 && member.serving < slots && self.guests[member.guest as usize].is == GuestIs::Up {
                let law = format!("nobody waits while a slot is free ({})", tier.name);
                return Err(Box::new(self.broken(&law, waiting as f64, 0.0)));
            }
        }
        let phase = |j: &Job| self.model.flows[j.flow as usize].stages[j.stage as usize].phases.get(j.phase as usize);
        let served = |j: &&Job| j.is == JobIs::Boot || (j.is == JobIs::Served && phase(j).is_some_and(|p| p.on != On::Delay));
        let (here, there) = (self.jobs.iter().filter(served).count(), self.pools.iter().map(Pool::all_jobs).sum::<usize>());
        if here != there {
            return Err(Box::new(self.broken("jobs on resources = jobs that are served there", there as f64, here as f64)));
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
        for j in self.jobs.iter().filter(|j| j.is != JobIs::Free && j.flow != BOOT) {
            let within = self.model.flows[j.flow as usize].within.map_or(u64::MAX, |w| w.0);
            self.flows[j.flow as usize].tally.overdue += u64::from(now - j.began > within);
        }
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
        // Columns alone are played beside the resources.
        let alone = measures.as_ref().filter(|_| self.model.flows.is_empty());
        let hosts = self.hosts.iter().enumerate().map(|(h, state)| {
            let pool = &self.pools[3 * h];
            let capacity = self.model.hosts[h].cpu_khz as f64 * now as f64;
            HostOutcome {
                busy: match alone {
                    Some(m) => m.hosts.iter().find(|x| x.host == self.model.hosts[h].name).map_or(0.0, |x| x.cpu_mean.min(1.0)),
                    None if capacity > 0.0 => pool.used(now) as f64 / capacity,
                    None => 0.0,
                },
                short: if now > 0 { pool.short_ns(now) as f64 / now as f64 } else { 0.0 },
                down: Nanos(state.down_ns + if state.up || !self.model.hosts[h].on { 0 } else { now - state.down_since }),
            }
        });
        let guests = self.guests.iter().enumerate().map(|(g, state)| {
            let is_down = state.host != NONE && (state.is != GuestIs::Up || state.read_only);
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

#[cfg(test)]
mod tests {
    use models::distribution::Distribution;
    use models::quantity::Nanos;
    use models::site::{HostId, Placement};

    use super::super::example::{self, Discipline};
    use super::super::model::{Background, Model};
    use super::*;
    use crate::sharing::Lie;

    /// One core, a slot and a place to wait, jobs of 10 s: two of them are there after 5 s, and 7 events.
    fn model() -> Model<'static> {
        example::single(1, Discipline::Fcfs, 1.0, Distribution::fixed(10.0), 100.0, 0.0)
    }
    fn world<'a>(model: &'a Model<'a>) -> World<'a> {
        let mut world = World::new(model, 1, 0);
        world.arrive(0);
        world.arrive(0);
        (world.now, world.events) = (5_000_000_000, 7);
        world.audit().unwrap();
        world
    }

    #[test]
    fn a_law_that_is_broken_is_told_with_the_event_and_the_time() {
        type Falsify = fn(&mut World<'_>);
        let lies: [(&str, Falsify); 11] = [
            ("work entered = served + abandoned + present (CPU of h1)", |w| w.pools[0].falsify(Lie::Served)),
            ("shares within capacity (CPU of h1)", |w| w.pools[0].falsify(Lie::Shares)),
            ("given to groups = busy x capacity (CPU of h1)", |w| w.pools[0].falsify(Lie::Given)),
            ("arrivals = departures + present + lost (f1)", |w| w.flows[0].tally.served += 1),
            ("jobs present as counted (f1)", |w| w.flows[0].tally.present += 1),
            ("time integral of jobs present = sum of their times (Little, f1)", |w| w.flows[0].tally.area += 1),
            ("slots taken = jobs that hold one", |w| w.members[0].serving += 1),
            ("nobody waits while a slot is free (t1)", |w| {
                let served = w.jobs.iter().position(|j| j.is == JobIs::Served).unwrap();
                (w.jobs[served].member, w.members[0].serving) = (NONE, 0);
            }),
            ("slots taken <= slots (t1)", |w| {
                let waits = w.members[0].waiting.pop_front().unwrap();
                w.jobs[waits as usize].is = JobIs::Served;
                w.members[0].serving += 1;
            }),
            ("jobs on resources = jobs that are served there", |w| {
                w.pools[0].clear(w.now, w.guests[0].groups[0]);
            }),
            ("memory used <= installed (h1)", |w| w.hosts[0].memory_used_mib += 1),
        ];
        let model = model();
        for (law, falsify) in lies {
            let mut world = world(&model);
            falsify(&mut world);
            let told = world.audit().unwrap_err();
            assert_eq!((told.law.as_str(), told.at, told.event), (law, Nanos(5_000_000_000), 7));
            assert!(told.left != told.right && told.to_string().contains("event 7"), "{told}");
        }
    }

    #[test]
    fn a_clock_that_goes_back_is_told() {
        let model = model();
        let mut world = World::new(&model, 1, 0);
        world.now = model.lasts.0;
        let told = world.run().unwrap_err();
        assert_eq!((told.law.as_str(), told.event), ("the clock is monotone", 1));
    }

    #[test]
    fn a_placement_beyond_the_memory_may_be_played_and_more_of_it_is_told() {
        let mut model = model();
        model.hosts[0].memory_mib = 1023;
        assert!(World::new(&model, 1, 0).run().is_ok());
        let mut world = World::new(&model, 1, 0);
        world.hosts[0].memory_start_mib = 0;
        let told = world.audit().unwrap_err();
        assert_eq!((told.law.as_str(), told.left, told.right), ("memory used <= installed (h1)", 1024.0, 1023.0));
    }

    #[test]
    fn energy_from_nowhere_is_told() {
        let site = models::example::site(models::example::class("c", 1, 1000.0, 8000), 1, vec![models::example::guest("g", 1, 100)]);
        let placement = Placement { on: vec![true], host_of: vec![Some(HostId(0))] };
        let demand = models::example::steady(&[500.0], 12);
        let mut model = model();
        model.lasts = Nanos::seconds(600);
        model.columns = Some(Background { site: &site, placement: &placement, demand: &demand });
        let mut world = World::new(&model, 1, 0);
        let meter = world.meter.as_mut().unwrap();
        meter.step_done(|_| 0);
        meter.step_done(|_| 0);
        meter.falsify();
        (world.now, world.events) = (600_000_000_000, 9);
        let told = world.close().unwrap_err();
        // 100 W for two steps, and a mW step more.
        assert_eq!((told.law.as_str(), told.left, told.right), ("energy by host = energy of the site", 200_000.0, 200_001.0));
        assert_eq!((told.at, told.event), (Nanos::seconds(600), 9));
    }
}
