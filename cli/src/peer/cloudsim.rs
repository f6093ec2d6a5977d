//! CloudSim 3.0.3's power examples on PlanetLab days, by its own rules.
//!
//! 1. First fit: machines in order, hosts in order, each machine at its full speed.
//! 2. Its clock is 0.1 s late: the load at tick k is x\[k\] + (x\[k+1\] - x\[k\]) * 0.1 / 300, with x\[n\] = x\[n-1\].
//! 3. Its defect: a machine whose load is zero at a tick k >= 1 is taken off its host for good. That removes a seventh of
//!    the energy.
//! 4. Energy from tick 1 to the last: the trapezoid of the power at both ends of each interval, and nothing where the
//!    load at its start is zero.
//!
//! `npa` is every host at full power for 86,100 s; `dvfs` is rule 1 to 4. Policies with migrations are not reproduced.

use models::demand::{Columns, Demand};
use models::quantity::{Nanos, WattHours};
use models::site::{Alternative, AlternativePlacement, HostId, Site};
use planner::alternative::{self, Unplaceable};
use sim::replay::host_power_mw;

/// What CloudSim prints for a day.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Energies {
    /// Every host at full power.
    pub npa: WattHours,
    /// Power follows load; hosts without load use nothing.
    pub dvfs: WattHours,
}

/// The length of a run, s: 286 intervals of 300 s and one without power management of 300 s.
const RUN_S: u64 = 86_100;

/// CloudSim's energies for a site, with each machine's samples in kHz.
///
/// # Errors
/// Where first fit finds no host for a machine.
pub fn energies(site: &Site, samples_khz: &[Vec<u32>], step: Nanos) -> Result<Energies, Unplaceable> {
    let steps = samples_khz.first().map_or(0, Vec::len);
    let demand = Demand { step, steps, guests: samples_khz.iter().map(|x| columns(x, step)).collect() };
    let rule = Alternative {
        name: "cloudsim".into(),
        title: String::new(),
        baseline: false,
        buys: Vec::new(),
        place: AlternativePlacement::FirstFitFull,
    };
    let (site, placement) = alternative::place(site, &demand, &rule)?;

    let interval_h = step.hours();
    let mut dvfs = 0.0;
    for (h, guests) in placement.guests_by_host().iter().enumerate().filter(|(_, g)| !g.is_empty()) {
        let power = host_power_mw(&site, &demand, HostId::at(h), guests);
        let loaded = |t: usize| guests.iter().any(|g| demand.guests[g.index()].cpu_khz[t] > 0);
        let mw: u128 = (1..steps.saturating_sub(1)).filter(|t| loaded(*t)).map(|t| u128::from(power[t] + power[t + 1])).sum();
        dvfs += mw as f64 / 2.0 / 1000.0 * interval_h;
    }
    let full: f64 = (0..site.hosts.len()).map(|h| site.class_of(HostId::at(h)).power.curve.full().get()).sum();
    let energy = |wh: f64| WattHours::new(wh).expect("a sum of powers over a time is an energy");
    Ok(Energies { npa: energy(full * Nanos::seconds(RUN_S).hours()), dvfs: energy(dvfs) })
}

/// Rules 2 and 3 on one machine's samples.
fn columns(x: &[u32], step: Nanos) -> Columns {
    let late = 0.1 / step.as_seconds();
    let at = |k: usize| {
        let (a, b) = (f64::from(x[k]), f64::from(x[(k + 1).min(x.len() - 1)]));
        (a + (b - a) * late).round() as u32
    };
    // Zero only where the sample and the next are zero: between them it is on its way.
    let is_zero = |k: usize| x[k] == 0 && x[(k + 1).min(x.len() - 1)] == 0;
    let gone = (1..x.len()).find(|k| is_zero(*k)).unwrap_or(x.len());
    Columns { cpu_khz: (0..x.len()).map(|k| if k < gone { at(k) } else { 0 }).collect(), ..Columns::default() }
}
