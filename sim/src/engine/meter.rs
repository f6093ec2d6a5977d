//! What hosts use, in steps of the columns, played through the replay: load, power, CVCF.
//!
//! Power curves are measured against mean load, so that power is looked up for the mean of a step and never for an
//! instant. In a run with jobs, the load of a host is what its CPU gave in the step; in a run of columns alone, it is what
//! the columns ask for, and steps between two changes of placement are one pass over columns. A change of placement counts from
//! the next step on.

use models::demand::Demand;
use models::site::{GuestId, HostId};

use super::model::Model;
use crate::measure::Measures;
use crate::replay::Replay;

/// Steps that are played at once, at most.
const BLOCK: usize = 1024;

pub(super) struct Meter<'a> {
    replay: Replay<'a>,
    demand: &'a Demand,
    /// Of the columns, the step in which the run starts.
    offset: usize,
    steps: usize,
    /// Steps that have gone by, and that have been played.
    done: usize,
    played: usize,
    /// By host: what its CPU gave in the steps not yet played, kHz. Nothing in a run of columns alone.
    used: Option<Vec<Vec<u32>>>,
    changes: Vec<Change>,
}

enum Change {
    Host(u32, bool),
    Guest(u32, Option<u32>),
}

impl<'a> Meter<'a> {
    pub(super) fn new(model: &'a Model<'a>) -> Option<Self> {
        let background = model.columns?;
        let step = background.demand.step.0;
        let steps = (model.lasts.0 / step) as usize;
        let used = (!model.flows.is_empty()).then(|| vec![Vec::with_capacity(BLOCK); model.hosts.len()]);
        Some(Self {
            replay: Replay::new(background.site, background.placement, background.demand.step, steps),
            demand: background.demand,
            offset: (model.start.0 / step) as usize,
            steps,
            done: 0,
            played: 0,
            used,
            changes: Vec::new(),
        })
    }

    /// A step has gone by, in which each host used so many kHz.
    pub(super) fn step_done(&mut self, mut used: impl FnMut(usize) -> u32) {
        if self.done == self.steps {
            return;
        }
        if let Some(all) = &mut self.used {
            all.iter_mut().enumerate().for_each(|(h, column)| column.push(used(h)));
        }
        self.done += 1;
        let full = self.used.is_some() && self.done - self.played >= BLOCK;
        if full || !self.changes.is_empty() {
            self.play();
        }
    }

    pub(super) fn host_changes(&mut self, host: u32, on: bool) {
        self.changes.push(Change::Host(host, on));
    }

    pub(super) fn guest_changes(&mut self, guest: u32, host: Option<u32>) {
        self.changes.push(Change::Guest(guest, host));
    }

    /// Plays what has gone by, then lets the changes take effect.
    fn play(&mut self) {
        while self.played < self.done {
            let at = (self.offset + self.played) % self.demand.steps;
            let count = (self.done - self.played).min(self.demand.steps - at);
            let used =
                self.used.as_mut().map(|all| all.iter_mut().map(|column| column.drain(..count).collect()).collect::<Vec<Vec<u32>>>());
            self.replay.push_part(self.demand, at..at + count, used.as_deref());
            self.played += count;
        }
        for change in self.changes.drain(..) {
            match change {
                Change::Host(host, on) => self.replay.switch(HostId(host), on),
                Change::Guest(guest, host) => self.replay.put(GuestId(guest), host.map(HostId)),
            }
        }
    }

    /// Energy from nowhere, for the tests of the audit.
    #[cfg(test)]
    pub(super) fn falsify(&mut self) {
        self.play();
        self.replay.falsify();
    }

    /// What was observed, and whether energy by host and device is the energy of the site: both in mW steps. Nothing where the run
    /// was stopped before its end.
    pub(super) fn finish(mut self) -> Option<(Measures, (u128, u128))> {
        self.play();
        let balance = self.replay.energy_balance();
        (self.played == self.steps).then(|| (self.replay.finish(), balance))
    }
}
