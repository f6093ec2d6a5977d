//! What was seen on the hosts: hosts, guests, and what is not as it should be.

use models::observation::{Guest, HostState, Observation, utc};

use super::table::{Align, Table};

/// Hosts, guests, anomalies (those that forbid a plan are marked with `!`) and notes.
#[must_use]
pub fn observation(seen: &Observation, notes: &[String]) -> String {
    let mut lines = vec![format!(
        "{} as it was seen from {}: {} intervals of {} s",
        seen.site,
        utc(seen.begun_unix_ns),
        seen.ends_unix_ns.len(),
        seen.every_s
    )];
    lines.push(String::new());
    lines.extend(hosts(seen).lines(0, WIDEST));
    lines.push(String::new());
    lines.extend(guests(seen).lines(0, WIDEST));
    if !seen.anomalies.is_empty() || !notes.is_empty() {
        lines.push(String::new());
    }
    lines.extend(seen.anomalies.iter().map(|a| format!("{} {}", if a.forbids_plan { '!' } else { '-' }, a.what)));
    lines.extend(notes.iter().map(|n| format!("- {n}")));
    lines.push(String::new());
    lines.join("\n") + "\n"
}

/// The widest cell, but for the last of a row.
const WIDEST: usize = 32;

fn hosts(seen: &Observation) -> Table {
    use Align::{Left, Right};
    let mut table = Table::new(&[
        ("host", Left),
        ("class", Left),
        ("cores", Right),
        ("MiB", Right),
        ("for guests", Right),
        ("guests", Right),
        ("is", Left),
    ]);
    for h in &seen.hosts {
        let part = |of: &dyn Fn(&models::observation::Hardware) -> String| h.hardware.as_ref().map_or_else(|| "-".into(), of);
        let runs = seen.guests.iter().filter(|g| g.runs_on.as_ref() == Some(&h.name)).count();
        table.row(vec![
            h.name.clone(),
            h.class.clone(),
            part(&|is| is.cores.to_string()),
            part(&|is| is.memory_mib.to_string()),
            h.guest_memory_mib.to_string(),
            if h.state == HostState::On { runs.to_string() } else { "-".into() },
            h.state.to_string(),
        ]);
    }
    table
}

fn guests(seen: &Observation) -> Table {
    use Align::{Left, Right};
    let mut table = Table::new(&[
        ("guest", Left),
        ("runs on", Left),
        ("MiB", Right),
        ("vCPUs", Right),
        ("cores, mean", Right),
        ("most", Right),
        ("net kB/s", Right),
        ("disk kB/s", Right),
        ("dirty MiB/s", Right),
        ("is", Left),
    ]);
    for g in &seen.guests {
        let whole = |n: Option<u64>| n.map_or_else(|| "-".to_owned(), |n| n.to_string());
        let number = |x: Option<f64>, digits| x.map_or_else(|| "-".to_owned(), |x| format!("{x:.digits$}"));
        let (mean, most) = (g.mean(), g.most());
        table.row(vec![
            g.name.clone(),
            g.runs_on.clone().unwrap_or_else(|| "-".into()),
            whole(g.memory_mib),
            whole(g.vcpus.map(u64::from)),
            number(mean.map(|m| m.cores), 2),
            number(most.map(|m| m.cores), 2),
            number(mean.map(|m| m.net_bytes_per_s / 1000.0), 1),
            number(mean.map(|m| m.disk_bytes_per_s / 1000.0), 1),
            whole(g.dirty_mib_per_s),
            state(g),
        ]);
    }
    table
}

fn state(g: &Guest) -> String {
    match &g.earlier {
        Some(was) if g.runs_on.is_none() => format!("{}; ran on {} at {}", g.state, was.host, utc(was.unix_ns)),
        _ => g.state.clone(),
    }
}
