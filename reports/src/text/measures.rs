//! `shuyaku simulate`: what a replay showed, host by host.

use sim::measure::{HostMeasures, Measures};

use super::table::{Align, Table};
use crate::contender::hours;
use crate::run::{Fleet, Run};
use crate::say;

/// Most guests in want that are listed.
const MOST_UNSERVED: usize = 20;

/// What the replay of each fleet showed: a table by host, the power of the site and of its feeds, guests not served.
#[must_use]
pub fn measures(run: &Run) -> String {
    run.fleets.iter().map(|f| of_fleet(run, f)).collect::<Vec<_>>().join("\n")
}

fn of_fleet(run: &Run, fleet: &Fleet) -> String {
    let m = &fleet.measures;
    let mut lines = vec![
        format!("{}: {}", fleet.name, fleet.title),
        format!("{} in {} of {}", say::span(hours(m)), say::some(m.steps, "step", "steps"), say::span(m.step_ns as f64 / 3.6e12)),
        String::new(),
    ];
    let mut table = Table::new(&[
        ("host", Align::Left),
        ("class", Align::Left),
        ("guests", Align::Right),
        ("cpu mean", Align::Right),
        ("p95", Align::Right),
        ("p99", Align::Right),
        ("max", Align::Right),
        ("memory", Align::Right),
        ("of", Align::Right),
        ("peak W", Align::Right),
        ("energy", Align::Right),
        ("not served", Align::Right),
    ]);
    for h in &m.hosts {
        table.row(host(h));
    }
    if m.hosts.is_empty() {
        lines.push("no host is on".into());
    } else {
        lines.extend(table.lines(0, 24));
    }
    lines.push(String::new());
    lines.extend(power(run, m));
    lines.push(String::new());
    lines.extend(unserved(m));
    lines.join("\n") + "\n"
}

fn host(h: &HostMeasures) -> Vec<String> {
    vec![
        h.host.clone(),
        h.class.clone(),
        h.guests.to_string(),
        say::percent(h.cpu_mean),
        say::percent(h.cpu_p95),
        say::percent(h.cpu_p99),
        say::percent(h.cpu_max),
        say::mib(h.memory_used_mib),
        say::mib(h.memory_mib),
        say::fixed(h.peak_w.get(), 0),
        say::energy(h.energy_wh.get()),
        if h.unserved_ghz_h == 0.0 { "0".into() } else { say::ghz_h(h.unserved_ghz_h) },
    ]
}

fn power(run: &Run, m: &Measures) -> Vec<String> {
    let mut table = Table::new(&[
        ("power", Align::Left),
        ("mean kW", Align::Right),
        ("peak kW", Align::Right),
        ("peak kVA", Align::Right),
        ("vector kVA", Align::Right),
        ("nameplate kVA", Align::Right),
        ("limit kVA", Align::Right),
        ("energy", Align::Right),
        ("peak at", Align::Left),
    ]);
    for p in std::iter::once(&m.site).chain(&m.feeds) {
        let limit = if std::ptr::eq(p, &m.site) {
            run.ups.as_ref().map(|u| u.rating_va)
        } else {
            run.branches.iter().find(|b| b.0 == p.name).map(|b| b.1)
        };
        table.row(vec![
            p.name.clone(),
            say::kilo(p.mean_w.get()),
            say::kilo(p.peak_w.get()),
            say::kilo(p.peak_va.get()),
            say::kilo(p.peak_va_vector.get()),
            say::kilo(p.nameplate.va.value),
            limit.map_or_else(|| "–".into(), say::kilo),
            say::energy(p.energy_wh.get()),
            Measures::when(p.peak_va_at_ns),
        ]);
    }
    let mut lines = table.lines(0, 24);
    if let Some(loss) = m.ups_loss_mean_w {
        lines.push(format!("the CVCF loses {} kW in the mean", say::kilo(loss.get())));
    }
    lines
}

fn unserved(m: &Measures) -> Vec<String> {
    if m.unserved.is_empty() {
        return vec![format!("every guest got the CPU it asked for ({})", say::ghz_h(m.asked_ghz_h))];
    }
    let share = if m.asked_ghz_h > 0.0 { m.unserved_ghz_h / m.asked_ghz_h } else { 0.0 };
    let mut lines = vec![format!(
        "{} got less CPU than asked for: {} of {} not served ({})",
        say::some(m.unserved.len() as u64, "guest", "guests"),
        say::number(m.unserved_ghz_h),
        say::ghz_h(m.asked_ghz_h),
        say::percent(share)
    )];
    let mut table = Table::new(&[
        ("guest", Align::Left),
        ("not served", Align::Right),
        ("asked", Align::Right),
        ("share", Align::Right),
        ("steps", Align::Right),
    ]);
    for u in m.unserved.iter().take(MOST_UNSERVED) {
        let share = if u.asked_ghz_h > 0.0 { u.unserved_ghz_h / u.asked_ghz_h } else { 0.0 };
        table.row(vec![u.guest.clone(), say::ghz_h(u.unserved_ghz_h), say::ghz_h(u.asked_ghz_h), say::percent(share), say::count(u.steps)]);
    }
    lines.extend(table.lines(2, 40));
    if m.unserved.len() > MOST_UNSERVED {
        lines.push(format!("  and {} more", m.unserved.len() - MOST_UNSERVED));
    }
    lines
}
