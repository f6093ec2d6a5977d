//! What a journal comes to: which steps are done, which were begun and not ended, and whether the run is over.

use std::collections::{BTreeMap, BTreeSet};

use super::{History, Record};
use crate::failure::Failure;

/// How far a run has come. Of each step the last word counts: it stands in one of `done`, `open` and `failed`, or in none.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Progress {
    /// Steps that are done.
    pub done: BTreeSet<u32>,
    /// Steps with an intent and no end after it: whether they took effect is found out by looking.
    pub open: BTreeSet<u32>,
    /// Steps that stopped, and why.
    pub failed: BTreeMap<u32, Failure>,
    /// The run has finished.
    pub finished: bool,
    /// The run has stopped, and why; a run that was killed did not say so.
    pub stopped: Option<String>,
    /// The journal of the run that rolled this one back.
    pub rolled_back: Option<String>,
    /// The journal of the run that took its place.
    pub superseded: Option<String>,
    /// The steps of `done` in the order in which they were done, and whether each was so before we did anything: it was so when we looked,
    /// and we had never begun it. (A step that was begun, cut off by a crash, and found done on resuming is our doing.)
    pub order_done: Vec<(u32, bool)>,
}

impl Progress {
    /// Of a journal.
    #[must_use]
    pub fn of(history: &History) -> Self {
        let mut at = Self::default();
        let mut begun: BTreeSet<u32> = BTreeSet::new();
        for line in &history.lines {
            match &line.what {
                Record::Begun(_) => {}
                Record::Resumed { .. } => (at.finished, at.stopped) = (false, None),
                Record::Intent { step, .. } => {
                    at.forget(*step);
                    begun.insert(*step);
                    at.open.insert(*step);
                }
                Record::Done { step, already, .. } => {
                    // Looked at again: who did it first did it.
                    if !at.done.contains(step) {
                        at.forget(*step);
                        at.done.insert(*step);
                        at.order_done.push((*step, *already && !begun.contains(step)));
                    }
                }
                Record::Failed { step, why, .. } => {
                    at.forget(*step);
                    at.failed.insert(*step, why.clone());
                }
                Record::Stopped { why } => at.stopped = Some(why.clone()),
                Record::Finished => (at.finished, at.stopped) = (true, None),
                Record::Superseded { by } => at.superseded = Some(by.clone()),
                Record::RolledBack { by } => at.rolled_back = Some(by.clone()),
            }
        }
        at
    }

    /// Takes back what was said of a step.
    fn forget(&mut self, step: u32) {
        self.open.remove(&step);
        self.failed.remove(&step);
        if self.done.remove(&step) {
            self.order_done.retain(|(done, _)| *done != step);
        }
    }
}
