//! Columns inside the run: at each step guests' background changes, and what hosts have used goes to the meter.

use models::quantity::Nanos;

use super::event::Event;
use super::model::On;
use super::world::{GuestIs, NONE, World};

impl World<'_> {
    /// The next step of the columns begins.
    pub(super) fn column(&mut self) {
        let Some(background) = self.model.columns else { return };
        let step = background.demand.step.0;
        if let Some(meter) = &mut self.meter {
            if self.now > 0 {
                let (hosts, pools, now) = (&mut self.hosts, &self.pools, self.now);
                meter.step_done(|h| {
                    let used = pools[3 * h].used(now);
                    let mean = (used - hosts[h].used_before + u128::from(step / 2)) / u128::from(step);
                    hosts[h].used_before = used;
                    u32::try_from(mean).unwrap_or(u32::MAX)
                });
            }
            if self.now >= self.model.lasts.0 {
                return;
            }
        }
        // Where there are no jobs, nobody feels the background but guests that boot.
        if !self.model.flows.is_empty() || self.boots > 0 {
            for g in 0..self.guests.len() as u32 {
                if !self.model.flows.is_empty() || self.feels_boots(g) {
                    self.background_of(g);
                }
            }
        }
        self.queue.push(Nanos(self.now + step), Event::Column);
    }

    /// Whether some guest boots on the host of this one, or may read from the storage of this one.
    pub(super) fn feels_boots(&self, guest: u32) -> bool {
        let host = self.guests[guest as usize].host;
        host != NONE && (self.hosts[host as usize].booting > 0 || (self.boots > 0 && self.model.guests[guest as usize].storage.is_some()))
    }

    /// Gives a guest that runs the background of the step in course.
    pub(super) fn background_of(&mut self, guest: u32) {
        let Some(background) = self.model.columns else { return };
        let state = &self.guests[guest as usize];
        if state.is != GuestIs::Up || state.host == NONE {
            return;
        }
        let demand = background.demand;
        let t = ((self.model.start.0 + self.now) / demand.step.0) as usize % demand.steps;
        let columns = &demand.guests[guest as usize];
        let per_s = |column: &[u32]| column.get(t).map_or(0.0, |x| f64::from(*x) * 1000.0);
        self.drive_background(guest, per_s(&columns.disk_kbs), per_s(&columns.net_kbs));
        for (on, column, times) in
            [(On::Cpu, &columns.cpu_khz, 1), (On::Disk, &columns.disk_kbs, 1000), (On::Network, &columns.net_kbs, 1000)]
        {
            if let Some(x) = column.get(t) {
                let (pool, group) = self.resource(on, guest);
                self.pools[pool as usize].set_background(self.now, group, u64::from(*x) * times);
                self.touch(pool);
            }
        }
    }
}
