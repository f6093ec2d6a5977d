//! What guests ask for: from its description to columns on one grid.
//!
//! Random loads (mail, flash crowds, ship passes) draw counts of units a step from Poisson distributions about their
//! rate, the same counts on every machine; recordings are taken as they are. A unit's cost turns counts into CPU,
//! network and disk, spread over its step: what happens inside a step (queues, delay) is the engine's matter. Mail
//! arrivals are burstier than Poisson below a few seconds; at a step of a minute or more that does not show.

use models::demand::{Columns, Demand, Load, LoadKind, Split, UnitCost};
use models::quantity::{Mhz, Nanos};
use models::site::{GuestId, Site};

use crate::random::{self, Units};

/// The grid of a demand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Grid {
    /// Length of a step.
    pub step: Nanos,
    /// How many.
    pub steps: usize,
    /// Loads are as grown until the start of this year of the horizon; 1 is today.
    pub year: u32,
}

const DAY_S: f64 = 86_400.0;

/// All loads as columns, for one replication of what is random in them.
#[must_use]
pub fn demand(site: &Site, loads: &[Load], grid: Grid, seed: u64, replication: u32) -> Demand {
    let mut demand = Demand { step: grid.step, steps: grid.steps, guests: vec![Columns::default(); site.guests.len()] };
    for load in loads {
        add_load(&mut demand, site, load, grid, seed, replication);
    }
    demand
}

fn add_load(demand: &mut Demand, site: &Site, load: &Load, grid: Grid, seed: u64, replication: u32) {
    // Multiplied out: the same product on every machine.
    let growth = (1..grid.year).fold(1.0, |grown, _| grown * (1.0 + load.growth_per_year));
    let mut fall_on =
        |k: usize, g: GuestId, entity: &str, part: f64| fall(demand, load, k, g, entity, grid, growth, seed, replication, part);
    match load.split {
        Split::Each => {
            for (k, g) in load.guests.iter().enumerate() {
                fall_on(k, *g, &format!("{}/{}", load.name, site.guests[g.index()].name), 1.0);
            }
        }
        Split::Even => {
            let part = 1.0 / load.guests.len() as f64;
            for (k, g) in load.guests.iter().enumerate() {
                fall_on(k, *g, &load.name, part);
            }
        }
        Split::First => {
            if let Some(g) = load.guests.first() {
                fall_on(0, *g, &load.name, 1.0);
            }
        }
    }
}

/// The same where nothing is random, and the loads are not needed any more: a recording that is a guest's only load becomes
/// its column without a copy, so that a trace is held once, at 4 bytes a sample.
#[must_use]
pub fn demand_once(site: &Site, loads: Vec<Load>, grid: Grid, seed: u64) -> Demand {
    let mut whole = demand(site, &[], grid, seed, 0);
    for mut load in loads {
        let grown = load.growth_per_year != 0.0 && grid.year > 1;
        if let LoadKind::RecordedCpu { columns_khz, .. } = &mut load.kind
            && !grown
        {
            for (g, column) in load.guests.iter().zip(std::mem::take(columns_khz)) {
                let to = &mut whole.guests[g.index()].cpu_khz;
                if to.is_empty() {
                    *to = column;
                } else {
                    to.iter_mut().zip(column).for_each(|(a, b)| *a = a.saturating_add(b));
                }
            }
        } else {
            add_load(&mut whole, site, &load, grid, seed, 0);
        }
    }
    whole
}

/// Lets a part of a load fall on one guest: the `k`-th of the load.
#[allow(clippy::too_many_arguments, reason = "a private seam between the split and the kinds")]
fn fall(
    demand: &mut Demand,
    load: &Load,
    k: usize,
    guest: GuestId,
    entity: &str,
    grid: Grid,
    growth: f64,
    seed: u64,
    replication: u32,
    part: f64,
) {
    let columns = &mut demand.guests[guest.index()];
    let step_s = grid.step.as_seconds();
    let mut stream = random::stream(seed, entity, "arrivals", replication);
    match &load.kind {
        LoadKind::Constant { cpu, net_bytes_per_s, disk_bytes_per_s } => {
            let by = growth * part;
            add(&mut columns.cpu_khz, grid.steps, |_| cpu.get() * 1000.0 * by);
            add(&mut columns.net_kbs, grid.steps, |_| net_bytes_per_s / 1000.0 * by);
            add(&mut columns.disk_kbs, grid.steps, |_| disk_bytes_per_s / 1000.0 * by);
        }
        LoadKind::RecordedCpu { columns_khz, .. } => {
            let column = &columns_khz[k];
            add(&mut columns.cpu_khz, grid.steps, |t| f64::from(column[t]) * growth * part);
        }
        LoadKind::RecordedCounts { counts, cost, .. } => {
            spend(columns, grid, *cost, |t| counts[t] * growth * part);
        }
        LoadKind::Mail { per_day, hours, days, cost } => {
            let mean = hours.iter().sum::<f64>() / hours.len() as f64;
            spend(columns, grid, *cost, |t| {
                // Hour by hour of the step: a step may be longer than an hour.
                let (from, to) = (step_s * t as f64, step_s * (t + 1) as f64);
                let (mut at, mut expected) = (from, 0.0);
                while at < to {
                    let (hour, day) = ((at / 3600.0).floor(), (at / DAY_S).floor());
                    let end = f64::min(to, (hour + 1.0) * 3600.0);
                    expected += (end - at) / DAY_S * hours[hour as usize % hours.len()] / mean * days[day as usize % days.len()];
                    at = end;
                }
                poisson(&mut stream, growth * per_day * expected) * part
            });
        }
        LoadKind::FlashCrowd { start, ramp, plateau, decay, peak_per_s, cost } => {
            let until = |s: f64| crowd_until(s - start.as_seconds(), ramp.as_seconds(), plateau.as_seconds(), decay.as_seconds());
            spend(columns, grid, *cost, |t| {
                let (from, to) = (step_s * t as f64, step_s * (t + 1) as f64);
                poisson(&mut stream, growth * peak_per_s * (until(to) - until(from)).max(0.0)) * part
            });
        }
        LoadKind::Passes { first, every, window, per_day, link_bytes_per_s, cost } => {
            let mut waiting = 0.0;
            spend(columns, grid, *cost, |t| {
                waiting += poisson(&mut stream, growth * per_day * step_s / DAY_S);
                let open_s = overlap_s(step_s * t as f64, step_s, first.as_seconds(), every.as_seconds(), window.as_seconds());
                let most = if cost.net_bytes > 0.0 { link_bytes_per_s * open_s / cost.net_bytes } else { f64::INFINITY };
                let over = if open_s > 0.0 { f64::min(waiting, most) } else { 0.0 };
                waiting -= over;
                over * part
            });
        }
        LoadKind::Nightly { at, lasts, cpu, disk_bytes_per_s } => {
            // It runs every day of the horizon; the run that started the day before may reach past midnight.
            let share = |t: usize| overlap_s(step_s * t as f64, step_s, at.as_seconds() - DAY_S, DAY_S, lasts.as_seconds()) / step_s;
            add(&mut columns.cpu_khz, grid.steps, |t| cpu.get() * 1000.0 * growth * part * share(t));
            add(&mut columns.disk_kbs, grid.steps, |t| disk_bytes_per_s / 1000.0 * growth * part * share(t));
        }
    }
}

/// Adds a rate to a column, in whole units and held at the greatest that a column can hold; what rounding leaves is carried
/// to the next step, so that the sum is right to a unit.
fn add(column: &mut Vec<u32>, steps: usize, mut rate: impl FnMut(usize) -> f64) {
    let mut any = !column.is_empty();
    let mut carried = 0.0;
    for t in 0..steps {
        let exact = rate(t) + carried;
        let x = exact.round().max(0.0);
        carried = exact - x;
        if x > 0.0 {
            if !any {
                column.resize(steps, 0);
                any = true;
            }
            column[t] = column[t].saturating_add(x as u32);
        }
    }
}

/// Turns counts of units into CPU, network and disk.
fn spend(columns: &mut Columns, grid: Grid, cost: UnitCost, counts: impl FnMut(usize) -> f64) {
    let counts: Vec<f64> = (0..grid.steps).map(counts).collect();
    let step_s = grid.step.as_seconds();
    let khz = cost.cpu_ms / 1000.0 * Mhz::get(cost.at) * 1000.0 / step_s;
    add(&mut columns.cpu_khz, grid.steps, |t| counts[t] * khz);
    add(&mut columns.net_kbs, grid.steps, |t| counts[t] * cost.net_bytes / 1000.0 / step_s);
    add(&mut columns.disk_kbs, grid.steps, |t| counts[t] * cost.disk_bytes / 1000.0 / step_s);
}

fn poisson(stream: &mut impl Units, mean: f64) -> f64 {
    random::poisson(stream, mean) as f64
}

/// The integral, from its start, of a burst from 0 to 1: linear ramp, plateau, exponential decay; in seconds.
fn crowd_until(since_s: f64, ramp_s: f64, plateau_s: f64, decay_s: f64) -> f64 {
    if since_s <= 0.0 {
        return 0.0;
    }
    let ramp = f64::min(since_s, ramp_s);
    let rise = if ramp_s > 0.0 { ramp * ramp / (2.0 * ramp_s) } else { 0.0 };
    let plateau = (since_s - ramp_s).clamp(0.0, plateau_s);
    let after = (since_s - ramp_s - plateau_s).max(0.0);
    let decay = if decay_s > 0.0 { decay_s * (1.0 - libm::exp(-after / decay_s)) } else { 0.0 };
    rise + plateau + decay
}

/// How long the windows [first + k every, + window), k = 0, 1, ..., are open within [from, from + length).
fn overlap_s(from: f64, length: f64, first: f64, every: f64, window: f64) -> f64 {
    let to = from + length;
    let mut k = ((from - first - window) / every).floor().max(0.0);
    let mut open = 0.0;
    loop {
        let start = first + k * every;
        if start >= to {
            return open;
        }
        open += (f64::min(start + window, to) - f64::max(start, from)).max(0.0);
        k += 1.0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_is_open_for_its_overlap_with_the_step() {
        // Windows of 20 s every 100 s from 50 s: [50,70) [150,170).
        assert_eq!(overlap_s(0.0, 60.0, 50.0, 100.0, 20.0), 10.0);
        assert_eq!(overlap_s(60.0, 100.0, 50.0, 100.0, 20.0), 20.0);
        assert_eq!(overlap_s(70.0, 80.0, 50.0, 100.0, 20.0), 0.0);
    }

    #[test]
    fn a_crowd_rises_stays_and_decays() {
        // Ramp of 10 s: half of it by its middle weighs 5 * 5 / 20 = 1.25; all of it 5; the plateau of 10 s one each.
        assert_eq!(crowd_until(-1.0, 10.0, 10.0, 5.0), 0.0);
        assert_eq!(crowd_until(5.0, 10.0, 10.0, 5.0), 1.25);
        assert_eq!(crowd_until(15.0, 10.0, 10.0, 5.0), 10.0);
        assert!((crowd_until(25.0, 10.0, 10.0, 5.0) - (15.0 + 5.0 * (1.0 - (-1.0f64).exp()))).abs() < 1e-12);
        // A burst shorter than a step is not missed, nor multiplied.
        assert_eq!(crowd_until(300.0, 0.0, 60.0, 0.0), 60.0);
    }

    #[test]
    fn a_rate_below_one_unit_a_step_is_not_lost() {
        let mut column = Vec::new();
        add(&mut column, 1000, |_| 0.3);
        assert_eq!(column.iter().sum::<u32>(), 300);
    }
}
