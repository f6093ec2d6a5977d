//! The trace of CPU, and what guests sent and read besides.
//!
//! Hosts count CPU time, and a site counts MHz: a core that was kept busy is the clock of its host's class. A busy hardware thread counts
//! as a busy core, which is the safe side. An interval in which a running guest cannot be measured is left out for all guests, because
//! what was not recorded is not zero.

use std::fmt::Write as _;

use models::observation::{Guest, KnownFrom, Observation, Sample, utc};

use super::base::Base;
use super::guest::Of;
use super::{Findings, TRACE, class, quoted};

/// The loads of a site as it was seen.
pub(super) struct Loads {
    /// Steps of the horizon: 1 or more.
    pub steps: usize,
    /// The tables.
    pub tables: String,
    /// The trace.
    pub csv: Option<String>,
    /// What the recording reaches, in a sentence.
    pub reach: String,
}

/// All loads.
pub(super) fn all(seen: &Observation, base: &Base, guests: &[Of<'_>], found: &mut Findings) -> Loads {
    let measured: Vec<(&Guest, f64)> =
        guests.iter().map(|g| g.guest).filter(|g| !g.samples.is_empty()).filter_map(|g| Some((g, mhz(seen, base, host_of(g)?)?))).collect();
    let intervals = seen.ends_unix_ns.len();
    let whole = |k: &usize| measured.iter().all(|(g, _)| g.samples.get(*k).is_some_and(Option::is_some));
    let kept: Vec<usize> = (0..intervals).filter(whole).collect();
    if kept.is_empty() && !measured.is_empty() {
        found.missing.push("an interval in which every running guest was measured: observe again, longer".into());
    } else if kept.len() < intervals {
        let dropped = intervals - kept.len();
        found
            .notes
            .push(format!("{dropped} of {intervals} intervals are left out of the trace: a running guest could not be measured in them"));
    }
    for guest in guests.iter().map(|g| g.guest).filter(|g| g.samples.is_empty() && g.earlier.as_ref().is_none_or(|e| e.most.is_none())) {
        found.notes.push(format!("no load of guest {} is known: it is planned as if it asked for none", guest.name));
    }
    let began = utc(seen.begun_unix_ns);
    let mut tables = String::new();
    let csv = (!measured.is_empty()).then(|| {
        let names: Vec<String> = measured.iter().map(|(g, _)| quoted(&g.name)).collect();
        let _ = write!(
            tables,
            "\n[[load.recorded-cpu]]\nname = \"cpu\"\nguests = [{}]\nfile = {}\nunit = \"mhz\"\nstep_s = {}\ncolumns = \"by-name\"\nsource = {}\n",
            names.join(", "),
            quoted(TRACE),
            seen.every_s,
            quoted(&format!("measured:CPU time told by libvirt from {began}, times the clock of the host's class"))
        );
        csv(seen, &measured, &kept)
    });
    for (k, (guest, _)) in measured.iter().enumerate() {
        if let Some(mean) = guest.mean().filter(|m| m.net_bytes_per_s + m.disk_bytes_per_s > 0.0) {
            let source = format!("measured:counters told by libvirt from {began}, their mean over the recording");
            tables.push_str(&constant(&format!("io-{}", k + 1), guest, 0.0, mean, &source));
        }
    }
    let earlier = guests.iter().map(|g| g.guest).filter(|g| g.samples.is_empty());
    for (k, (guest, was)) in earlier.filter_map(|g| Some((g, g.earlier.as_ref()?))).enumerate() {
        if let (Some(most), Some(mhz)) = (was.most, mhz(seen, base, &was.host)) {
            let source = format!("measured:the most in an interval of the recording of {}, on {}", utc(was.unix_ns), was.host);
            tables.push_str(&constant(&format!("earlier-{}", k + 1), guest, most.cores * mhz, most, &source));
        }
    }
    let reach = format!(
        "loads are a recording of {} s from {began}: what guests ask for at other hours is not in it",
        kept.len() as u64 * u64::from(seen.every_s)
    );
    Loads { steps: kept.len().max(1), tables, csv, reach }
}

/// The host on whose clock a guest was measured.
fn host_of(guest: &Guest) -> Option<&str> {
    match (&guest.runs_on, &guest.known_from) {
        (Some(host), _) | (None, KnownFrom::Host { host }) => Some(host),
        (None, _) => None,
    }
}

/// The clock of a host's class.
fn mhz(seen: &Observation, base: &Base, host: &str) -> Option<f64> {
    let host = seen.hosts.iter().find(|h| h.name == host)?;
    class::number(base.class(&host.class)?, "core_mhz")
}

fn csv(seen: &Observation, measured: &[(&Guest, f64)], kept: &[usize]) -> String {
    let mut text = String::from("until");
    measured.iter().for_each(|(g, _)| {
        let _ = write!(text, ",{}", g.name);
    });
    text.push('\n');
    for k in kept {
        text.push_str(&utc(seen.ends_unix_ns[*k]));
        for (guest, mhz) in measured {
            let sample = guest.samples[*k].expect("an interval is kept where every guest was measured in it");
            let _ = write!(text, ",{:.3}", sample.cores * mhz);
        }
        text.push('\n');
    }
    text
}

fn constant(name: &str, guest: &Guest, cpu_mhz: f64, io: Sample, source: &str) -> String {
    format!(
        "\n[[load.constant]]\nname = {}\nguests = [{}]\ncpu_mhz = {cpu_mhz:.3}\nnet_bytes_per_s = {:.1}\ndisk_bytes_per_s = {:.1}\nsource = {}\n",
        quoted(name),
        quoted(&guest.name),
        io.net_bytes_per_s,
        io.disk_bytes_per_s,
        quoted(source)
    )
}
