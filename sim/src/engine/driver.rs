//! The driver domain: all I/O of a host's guests is passed on by it, and that is work on the host's CPU.
//!
//! It is one more customer of its host's CPU beside the guests, of one core at most, as it is one thread; its weight is given.
//! A transfer is first passed on there and then moved by the device, so that on a busy host it waits twice, and a guest
//! that does much I/O is met by all others in one place ([`models::law::driver_domain`]). Requests share it evenly, whose
//! guest's ever they are; I/O of columns goes first, as everywhere. A boot reads through it like any other work.
//!
//! Where nobody's I/O costs anything, there is no driver domain, and nothing is different.
//!
//! Left out: what a request costs whatever its size, links (a message on one is charged where it is handled), and a
//! driver domain that is so busy with columns that these, too, move fewer bytes.

use super::model::On;
use super::world::{Driver, NONE, World};
use crate::sharing::Terms;

impl World<'_> {
    /// Where a guest's I/O costs something, its host has a driver domain.
    pub(super) fn has_driver(&mut self, guest: u32) {
        if self.model.guests[guest as usize].io.is_nothing() {
            return;
        }
        let host = self.guests[guest as usize].host;
        if self.hosts[host as usize].driver == NONE {
            let core = self.model.hosts[host as usize].core_khz;
            let terms = Terms { weight: self.model.driver_weight.max(1), cap: core, job_cap: core, overhead: 0.0, at_once: u32::MAX };
            self.hosts[host as usize].driver = self.pools[3 * host as usize].add_group(self.now, terms);
        }
    }

    /// Sends a job's transfer of so many bytes through the driver domain, if it has to go there and has not been; answers
    /// whether it is there now.
    #[inline]
    pub(super) fn passes_driver(&mut self, job: u32, on: On, guest: u32, bytes: f64) -> bool {
        let s_per_byte = match on {
            On::Disk => self.model.guests[guest as usize].io.disk_s_per_byte,
            On::Network => self.model.guests[guest as usize].io.network_s_per_byte,
            On::Cpu | On::Other(_) | On::Delay => return false,
        };
        if s_per_byte <= 0.0 || self.jobs[job as usize].driver == Driver::Passed {
            return false;
        }
        let host = self.guests[guest as usize].host;
        let (pool, group) = (3 * host, self.hosts[host as usize].driver);
        let work = bytes * s_per_byte * self.model.hosts[host as usize].core_khz as f64;
        self.jobs[job as usize].driver = Driver::Passing;
        self.pools[pool as usize].enter(self.now, group, job, work);
        self.touch(pool);
        true
    }

    /// A job's work on a resource is done: either it has been passed on and goes to the device, or its phase is over.
    #[inline]
    pub(super) fn work_done(&mut self, job: u32) {
        let j = &mut self.jobs[job as usize];
        if j.driver == Driver::Passing {
            j.driver = Driver::Passed;
        } else {
            j.phase += 1;
            j.driver = Driver::Before;
        }
    }

    /// What a guest's columns ask of the driver domain of its host: so many bytes a second of disk and of network.
    pub(super) fn drive_background(&mut self, guest: u32, disk_per_s: f64, network_per_s: f64) {
        let (io, host) = (self.model.guests[guest as usize].io, self.guests[guest as usize].host);
        if io.is_nothing() || host == NONE {
            return;
        }
        let cores = disk_per_s * io.disk_s_per_byte + network_per_s * io.network_s_per_byte;
        let asks = (cores * self.model.hosts[host as usize].core_khz as f64 + 0.5) as u64;
        let before = std::mem::replace(&mut self.guests[guest as usize].driven_khz, asks);
        let state = &mut self.hosts[host as usize];
        state.driven_khz = state.driven_khz - before + asks;
        let (driver, all) = (state.driver, state.driven_khz);
        self.pools[3 * host as usize].set_background(self.now, driver, all);
        self.touch(3 * host);
    }

    /// A guest stops: its columns ask for nothing, and what was being passed on for it is not.
    pub(super) fn driver_forgets(&mut self, guest: u32, is_gone: impl Fn(u32) -> bool) {
        if self.model.guests[guest as usize].io.is_nothing() {
            return;
        }
        self.drive_background(guest, 0.0, 0.0);
        let host = self.guests[guest as usize].host;
        let driver = self.hosts[host as usize].driver;
        self.pools[3 * host as usize].withdraw(self.now, driver, is_gone);
        self.touch(3 * host);
    }
}
