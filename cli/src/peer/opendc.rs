//! OpenDC's run of `bitbrains-small` on nine hosts, by its own scheduling.
//!
//! - Machines wait in one queue in order of submission, ties in order of file; where the first fits nowhere, nobody behind
//!   it is tried.
//! - A host takes a machine that has no more cores than itself, with at most 16 virtual cores a core in all, into its free
//!   memory; of those that can, the one with the most free memory takes it, the first in order of ties.
//! - A machine runs for the sum of its fragments, whenever it starts, and leaves.
//! - The run ends at the next tick of five minutes; every host is on throughout.
//!
//! One machine of the recording fits a single host only, which is full: it blocks the queue for a month, and those behind it
//! wait with it. The run lasts 59.9 days.

use std::collections::{BTreeSet, VecDeque};

use models::demand::{Columns, Demand};
use models::quantity::Nanos;
use models::site::{HostId, Placement, Site};
use scenarios::opendc::Task;
use sim::measure::Measures;
use sim::replay::replay;

/// Where and when a machine starts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Start {
    /// The host.
    pub host: HostId,
    /// From the first submission, ms.
    pub at_ms: u64,
}

/// The tick that a run is rounded up to.
const TICK_MS: u64 = 300_000;

/// Virtual cores a core.
const OVERCOMMIT: u32 = 16;

/// Starts by OpenDC's scheduling, in order of `tasks`; `None` where a machine fits no host at all.
///
/// `memory_mib` is each task's memory in the unit of the site's hosts.
#[must_use]
pub fn schedule(site: &Site, tasks: &[Task], memory_mib: &[u64]) -> Option<Vec<Start>> {
    let first = tasks.iter().map(|t| t.submission_ms).min()?;
    let mut order: Vec<usize> = (0..tasks.len()).collect();
    order.sort_by_key(|k| (tasks[*k].submission_ms, *k));
    let runs: Vec<u64> = tasks.iter().map(|t| t.fragments.iter().map(|f| f.0).sum()).collect();

    let class = |h: usize| site.class_of(HostId::at(h));
    let mut free: Vec<u64> = (0..site.hosts.len()).map(|h| class(h).guest_memory().0).collect();
    let mut cores = vec![0; site.hosts.len()];
    let mut starts: Vec<Option<Start>> = vec![None; tasks.len()];
    let mut arrivals: VecDeque<usize> = order.into();
    let mut waiting = VecDeque::new();
    let mut ends: BTreeSet<(u64, usize)> = BTreeSet::new();
    while !arrivals.is_empty() || !waiting.is_empty() {
        let next_arrival = arrivals.front().map(|k| tasks[*k].submission_ms - first);
        let next_end = ends.first().map(|e| e.0);
        let now = next_arrival.into_iter().chain(next_end).min()?;
        while let Some(k) = arrivals.pop_front_if(|k| tasks[*k].submission_ms - first == now) {
            waiting.push_back(k);
        }
        while let Some((_, k)) = ends.first().copied().filter(|e| e.0 == now) {
            ends.pop_first();
            let h = starts[k]?.host.index();
            free[h] += memory_mib[k];
            cores[h] -= tasks[k].cpu_count;
        }
        while let Some(k) = waiting.front().copied() {
            let wants = tasks[k].cpu_count;
            let takes =
                |h: &usize| wants <= class(*h).cores && cores[*h] + wants <= OVERCOMMIT * class(*h).cores && memory_mib[k] <= free[*h];
            let Some(h) = (0..site.hosts.len()).filter(takes).max_by_key(|h| (free[*h], std::cmp::Reverse(*h))) else { break };
            waiting.pop_front();
            free[h] -= memory_mib[k];
            cores[h] += wants;
            starts[k] = Some(Start { host: HostId::at(h), at_ms: now });
            ends.insert((now + runs[k], k));
        }
    }
    starts.into_iter().collect()
}

/// The replay of that run: every host on, guests in the order of `tasks`.
///
/// # Errors
/// The id of a task whose columns cannot be held.
pub fn run(site: &Site, tasks: &[Task], starts: &[Start]) -> Result<Measures, u64> {
    let step = Nanos::millis(TICK_MS);
    let end = tasks.iter().zip(starts).map(|(t, s)| s.at_ms + t.fragments.iter().map(|f| f.0).sum::<u64>()).max().unwrap_or(0);
    let steps = end.div_ceil(TICK_MS) as usize;
    let at: Vec<u64> = starts.iter().map(|s| s.at_ms).collect();
    let columns = scenarios::opendc::columns(tasks, &at, step, steps)?;
    let demand = Demand { step, steps, guests: columns.into_iter().map(|cpu_khz| Columns { cpu_khz, ..Columns::default() }).collect() };
    let placement = Placement { on: vec![true; site.hosts.len()], host_of: starts.iter().map(|s| Some(s.host)).collect() };
    Ok(replay(site, &demand, &placement))
}
