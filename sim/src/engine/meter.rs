//! What hosts use, in steps of the columns, played through the replay: load, power, CVCF.
//!
//! Power curves are measured against mean load, so that power is looked up for the mean of a step and never for an
//! instant. In a run with jobs, the load of a host is what its CPU gave in the step; in a run of columns alone, it is what
//! the columns ask for. A change of placement counts from the next step on; changes are kept with their step, and each host plays
//! its own in one pass over many steps.

use models::demand::Demand;
use models::site::{GuestId, HostId};

use super::model::{Background, Model};
use crate::measure::Measures;
use crate::replay::{Change, Part, Replay};

/// Steps that are played at once, at most: with what hosts used in each of them, and of columns alone. Either bounds what is held.
const USED_AT_ONCE: usize = 1024;
const ALONE_AT_ONCE: usize = 16 * 1024;

/// Changes of placement that are kept before all is played up to them, at least.
const CHANGES_KEPT: usize = 1 << 16;

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
    /// Changes of placement in the steps not yet played, and the step of the run from which on each counts.
    changes: Vec<(usize, Change)>,
}

impl<'a> Meter<'a> {
    pub(super) fn new(model: &'a Model<'a>) -> Option<Self> {
        let background = model.columns?;
        let step = background.demand.step.0;
        let steps = (model.lasts.0 / step) as usize;
        let offset = (model.start.0 / step) as usize % background.demand.steps.max(1);
        let used = (!model.flows.is_empty()).then(|| vec![Vec::with_capacity(USED_AT_ONCE); model.hosts.len()]);
        let Background { site, placement, demand } = background;
        let replay = match used {
            Some(_) => Replay::new(site, placement, demand.step, steps),
            None => Replay::whole(site, placement, demand, offset, steps),
        };
        Some(Self { replay, demand, offset, steps, done: 0, played: 0, used, changes: Vec::new() })
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
        let most = if self.used.is_some() { USED_AT_ONCE } else { ALONE_AT_ONCE };
        if self.done - self.played >= most || self.changes.len() >= CHANGES_KEPT {
            self.play();
        }
    }

    pub(super) fn host_changes(&mut self, host: u32, on: bool) {
        self.changes.push((self.done + 1, Change::Host(HostId(host), on)));
    }

    pub(super) fn guest_changes(&mut self, guest: u32, host: Option<u32>) {
        self.changes.push((self.done + 1, Change::Guest(GuestId(guest), host.map(HostId))));
    }

    /// Plays what has gone by, with all changes until then.
    fn play(&mut self) {
        let steps = self.done - self.played;
        // What changed in the last step of all counts from no step on: it only says who is where at the end.
        self.changes.iter_mut().for_each(|(step, _)| *step = (*step - self.played).min(steps));
        self.replay.push_part(&Part {
            block: self.demand,
            start: (self.offset + self.played) % self.demand.steps.max(1),
            steps,
            used: self.used.as_deref(),
            changes: &self.changes,
        });
        self.changes.clear();
        self.used.iter_mut().flatten().for_each(Vec::clear);
        self.played = self.done;
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
