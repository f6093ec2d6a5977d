//! The load of the hosts over time, and each host in figures.

use serde::Serialize;
use sim::measure::HostMeasures;

use super::{Chart, FOLD, SCREEN_ONLY, chart};
use crate::Error;
use crate::contender::{Lineup, hours};
use crate::plot::heat::{self, Heat};
use crate::run::Fleet;
use crate::say;

/// Rows up to which every host has its own.
const MOST_ROWS: usize = 60;

/// Hosts that keep a row of their own where there are more.
const BUSIEST: usize = 40;

#[derive(Serialize)]
pub(super) struct Hosts<'a> {
    fleets: Vec<Of<'a>>,
    legend: [&'static str; heat::CLASSES],
}

#[derive(Serialize)]
struct Of<'a> {
    name: &'a str,
    map: Option<Chart>,
    note: String,
    hosts: Vec<Host<'a>>,
    fold: bool,
    screen_only: bool,
}

#[derive(Serialize)]
struct Host<'a> {
    name: &'a str,
    class: &'a str,
    guests: u32,
    mean: String,
    p95: String,
    p99: String,
    max: String,
    memory: String,
    of: String,
    network: String,
    disk: String,
    peak_w: String,
    energy: String,
    unserved: String,
    bad: bool,
}

pub(super) fn view<'a>(lineup: &Lineup<'a>) -> Result<Hosts<'a>, Error> {
    Ok(Hosts { fleets: lineup.both().map(of).collect::<Result<_, _>>()?, legend: heat::WORDS })
}

fn of(fleet: &Fleet) -> Result<Of<'_>, Error> {
    let m = &fleet.measures;
    let (rows, note) = rows(&m.hosts);
    let map = if rows.iter().all(|r| r.1.is_empty()) {
        None
    } else {
        let label = finding(fleet);
        let heat = Heat { rows, hours: hours(m), label: label.clone() };
        Some(chart(label, |w| heat.svg(w))?)
    };
    let hosts = m.hosts.iter().map(host).collect::<Vec<_>>();
    let (fold, screen_only) = (hosts.len() > FOLD, hosts.len() > SCREEN_ONLY);
    Ok(Of { name: &fleet.name, map, note, hosts, fold, screen_only })
}

/// The rows of the map, and what they leave out.
fn rows(hosts: &[HostMeasures]) -> (Vec<(String, Vec<f32>)>, String) {
    if hosts.len() <= MOST_ROWS {
        return (hosts.iter().map(|h| (h.host.clone(), h.heat.clone())).collect(), String::new());
    }
    let mut order: Vec<&HostMeasures> = hosts.iter().collect();
    order.sort_by(|a, b| b.cpu_max.total_cmp(&a.cpu_max).then_with(|| b.cpu_p95.total_cmp(&a.cpu_p95)).then_with(|| a.host.cmp(&b.host)));
    let (busiest, rest) = order.split_at(BUSIEST);
    let mut rows: Vec<(String, Vec<f32>)> = busiest.iter().map(|h| (h.host.clone(), h.heat.clone())).collect();
    let columns = rest.iter().map(|h| h.heat.len()).max().unwrap_or(0);
    let column = |k: usize| rest.iter().filter_map(move |h| h.heat.get(k).copied());
    rows.push((format!("{} others, top", rest.len()), (0..columns).map(|k| column(k).fold(0.0, f32::max)).collect()));
    rows.push((format!("{} others, mean", rest.len()), (0..columns).map(|k| column(k).sum::<f32>() / rest.len() as f32).collect()));
    let note = format!(
        "{} hosts are on. Those {BUSIEST} with the highest load at any step have a row each; the other {} are taken together in two rows.",
        hosts.len(),
        rest.len()
    );
    (rows, note)
}

fn finding(fleet: &Fleet) -> String {
    let hosts = &fleet.measures.hosts;
    let over = hosts.iter().filter(|h| h.cpu_max > 1.0).count();
    let top = hosts.iter().max_by(|a, b| a.cpu_max.total_cmp(&b.cpu_max).then_with(|| b.host.cmp(&a.host)));
    let mean = hosts.iter().map(|h| h.cpu_mean).sum::<f64>() / hosts.len().max(1) as f64;
    let top = top.map_or_else(String::new, |h| format!("; the highest step is {} on {}", say::percent(h.cpu_max), h.host));
    let over = match over {
        0 => "no host is asked for more than it has".into(),
        n => format!(
            "{} asked for more than {} at some step",
            if n == 1 { "1 host is".into() } else { format!("{n} hosts are") },
            if n == 1 { "it has" } else { "they have" }
        ),
    };
    format!(
        "CPU load of {} of {}: {} in the mean{top}; {over}.",
        say::some(hosts.len() as u64, "host", "hosts"),
        fleet.name,
        say::percent(mean)
    )
}

fn host(h: &HostMeasures) -> Host<'_> {
    let rate = |max: f64, of: f64| if of > 0.0 { say::percent(max / of) } else { "–".into() };
    Host {
        name: &h.host,
        class: &h.class,
        guests: h.guests,
        mean: say::percent(h.cpu_mean),
        p95: say::percent(h.cpu_p95),
        p99: say::percent(h.cpu_p99),
        max: say::percent(h.cpu_max),
        memory: say::mib(h.memory_used_mib),
        of: say::mib(h.memory_mib),
        network: rate(h.network_max.get(), h.network.get()),
        disk: rate(h.disk_max.get(), h.disk.get()),
        peak_w: say::fixed(h.peak_w.get(), 0),
        energy: say::energy(h.energy_wh.get()),
        unserved: if h.unserved_ghz_h == 0.0 { "0".into() } else { say::ghz_h(h.unserved_ghz_h) },
        bad: h.unserved_ghz_h > 0.0,
    }
}
