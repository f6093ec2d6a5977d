//! What only the monitors of guests can tell: their jobs, what their disks have moved, and how fast they dirty memory.
//!
//! libvirt waits for a monitor without end, and a guest that hangs (its storage is gone, say) has one that never answers. So they are
//! asked in a thread beside, and waited for with a limit: such a guest must not hide the host and the guests around it. The thread has a
//! connection of its own, because on one where a call hangs the others get their answers late: with the next sign of keepalive.

use std::collections::BTreeMap;
use std::sync::mpsc::{self, Sender};
use std::thread;
use std::time::{Duration, Instant};

use uuid::Uuid;
use virt::connect::Connect;
use virt::domain::Domain;
use virt::sys;

use super::raw;
use super::session::connect;

/// How long all monitors of a host together are waited for. Those that live answer in milliseconds.
const LIMIT: Duration = Duration::from_secs(2);

/// A monitor that is busy for longer than this hangs, ms: libvirt would wait half a minute for its turn.
const HANGS_MS: u64 = 5000;

/// What the monitor of a guest told.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Told {
    /// What a job has still to move, where there is one.
    pub(super) job_remaining_bytes: Option<u64>,
    /// Bytes from and to the disks.
    pub(super) disk_bytes: u64,
    /// The last measured dirty rate, MiB/s.
    pub(super) dirty_mib_per_s: Option<u64>,
}

/// What comes back from the thread.
enum Back {
    /// Bytes that a guest's job has still to move.
    Job(Uuid, u64),
    /// Statistics of a guest by name.
    Stats(Uuid, BTreeMap<String, u64>),
    /// All is told, and the connection is free.
    Connection(Connect),
}

/// Asks the monitors of all running guests of the host at a URI. What is not told within the limit is left out. `kept`: the connection for
/// it, which the next look finds again.
pub(super) fn ask(uri: &str, kept: &mut Option<Connect>) -> BTreeMap<Uuid, Told> {
    let mut told: BTreeMap<Uuid, Told> = BTreeMap::new();
    let (outbox, inbox) = mpsc::channel();
    let (uri, connection) = (uri.to_owned(), kept.take());
    // A thread that a monitor holds ends with the guest. There is one for each guest that hangs, not one for each look: who comes later
    // finds the monitor taken, and does not wait for it.
    let beside = thread::Builder::new().name("libvirt monitors".into()).spawn(move || {
        let alive = connection.filter(|c| c.is_alive().unwrap_or(false));
        if let Some(connection) = alive.or_else(|| connect(&uri).ok()) {
            ask_all(&connection, &outbox);
            let _ = outbox.send(Back::Connection(connection));
        }
    });
    if beside.is_err() {
        return told;
    }
    let begun = Instant::now();
    while let Ok(back) = inbox.recv_timeout(LIMIT.saturating_sub(begun.elapsed())) {
        match back {
            Back::Job(guest, bytes) => told.entry(guest).or_default().job_remaining_bytes = Some(bytes),
            Back::Stats(guest, fields) => {
                let told = told.entry(guest).or_default();
                told.disk_bytes = total(&fields, "block.", &[".rd.bytes", ".wr.bytes"]);
                told.dirty_mib_per_s = dirty_rate(&fields);
            }
            Back::Connection(connection) => *kept = Some(connection),
        }
    }
    told
}

/// Asks all, jobs first: whether a migration goes on is worth more than statistics.
fn ask_all(connection: &Connect, outbox: &Sender<Back>) {
    // What cannot be told, or is told when the limit is over and nobody listens, is left out.
    for domain in connection.list_all_domains(sys::VIR_CONNECT_LIST_DOMAINS_ACTIVE).unwrap_or_default() {
        if let (Ok(guest), Some(bytes)) = (domain.uuid(), job_remaining_bytes(&domain)) {
            let _ = outbox.send(Back::Job(guest, bytes));
        }
    }
    let groups = sys::VIR_DOMAIN_STATS_BLOCK | sys::VIR_DOMAIN_STATS_DIRTYRATE;
    for stats in raw::all_domain_stats(connection, groups).unwrap_or_default() {
        if let Ok(guest) = stats.domain.uuid() {
            let _ = outbox.send(Back::Stats(guest, stats.fields));
        }
    }
}

/// What a running job has still to move. A target has no figures of the guest that comes in.
fn job_remaining_bytes(domain: &Domain) -> Option<u64> {
    if raw::control(domain).is_ok_and(|control| control.busy && control.for_ms > HANGS_MS) {
        return None;
    }
    let job = domain.job_info().ok()?;
    let runs = matches!(u32::try_from(job.r#type), Ok(sys::VIR_DOMAIN_JOB_BOUNDED | sys::VIR_DOMAIN_JOB_UNBOUNDED));
    job.data_remaining.filter(|_| runs)
}

/// The last measured dirty rate, MiB/s.
fn dirty_rate(fields: &BTreeMap<String, u64>) -> Option<u64> {
    let measured = fields.get("dirtyrate.calc_status") == Some(&sys::VIR_DOMAIN_DIRTYRATE_MEASURED.into());
    fields.get("dirtyrate.megabytes_per_second").copied().filter(|_| measured)
}

/// The sum over a guest's devices of the numbers whose names begin and end so.
pub(super) fn total(fields: &BTreeMap<String, u64>, prefix: &str, suffixes: &[&str]) -> u64 {
    let ours = |name: &str| name.starts_with(prefix) && suffixes.iter().any(|s| name.ends_with(s));
    fields.iter().filter(|(name, _)| ours(name)).fold(0, |sum: u64, (_, value)| sum.saturating_add(*value))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields(of: &[(&str, u64)]) -> BTreeMap<String, u64> {
        of.iter().map(|(name, value)| ((*name).to_owned(), *value)).collect()
    }

    #[test]
    fn bytes_of_all_devices_of_a_kind_are_added_and_nothing_else() {
        let fields = fields(&[
            ("block.count", 2),
            ("block.0.rd.bytes", 1),
            ("block.0.rd.reqs", 100),
            ("block.0.wr.bytes", 20),
            ("block.11.wr.bytes", 300),
            ("net.0.rx.bytes", 4000),
        ]);
        assert_eq!(total(&fields, "block.", &[".rd.bytes", ".wr.bytes"]), 321);
        assert_eq!(total(&fields, "net.", &[".rx.bytes", ".tx.bytes"]), 4000);
    }

    #[test]
    fn a_dirty_rate_that_is_still_being_measured_is_none() {
        // virDomainDirtyRateStatus: 0 not begun, 1 measuring, 2 measured.
        let rate = |status| dirty_rate(&fields(&[("dirtyrate.calc_status", status), ("dirtyrate.megabytes_per_second", 7)]));
        assert_eq!([0, 1, 2].map(rate), [None, None, Some(7)]);
    }
}
