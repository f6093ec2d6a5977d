//! What can be seen of a host: itself, and all its guests.
//!
//! A guest that goes away while the host is looked at is left out. One that hangs is seen, without what only its monitor knows.

use std::collections::{BTreeMap, BTreeSet};

use uuid::Uuid;
use virt::sys;

use super::monitors::{self, Told, total};
use super::raw::{self, Stats};
use super::session::Link;
use super::xml::text_at;
use crate::host::{CallError, GuestSeen, GuestState, HostSeen, Seen};

/// The longest name of a guest, in characters; longer ones are cut short.
const LONGEST_NAME: usize = 255;

/// What is true of guests, as the host lists them.
struct Lists {
    persistent: BTreeSet<Uuid>,
    autostart: BTreeSet<Uuid>,
    told: BTreeMap<Uuid, Told>,
}

/// Looks at a host.
pub(super) fn look(link: &mut Link) -> Result<Seen, CallError> {
    let host = host(link)?;
    // Groups that libvirt answers by itself, without a guest's monitor.
    let groups = sys::VIR_DOMAIN_STATS_STATE | sys::VIR_DOMAIN_STATS_INTERFACE;
    let all = raw::all_domain_stats(&link.connection, groups).map_err(|e| link.failed(&e))?;
    let runs = all.iter().any(|stats| stats.domain.id().is_some());
    let lists = Lists {
        told: if runs { monitors::ask(&link.uri, &mut link.beside) } else { BTreeMap::new() },
        persistent: uuids(link, sys::VIR_CONNECT_LIST_DOMAINS_PERSISTENT)?,
        autostart: uuids(link, sys::VIR_CONNECT_LIST_DOMAINS_AUTOSTART)?,
    };
    let mut guests = Vec::new();
    for stats in &all {
        match guest(link, stats, &lists) {
            Ok(seen) => guests.push(seen),
            Err(CallError::NoGuest(_)) => {}
            Err(e) => return Err(e),
        }
    }
    guests.sort_by(|a, b| (&a.name, a.uuid).cmp(&(&b.name, b.uuid)));
    Ok(Seen { host, guests })
}

fn host(link: &mut Link) -> Result<HostSeen, CallError> {
    let uuid = match link.host {
        Some(uuid) => uuid,
        None => *link.host.insert(host_uuid(link)?),
    };
    let connection = &link.connection;
    let node = connection.node_info().map_err(|e| link.failed(&e))?;
    // The plain call for the memory knows that of one NUMA cell alone on some hosts; not every driver has the other one.
    let memory = raw::node_memory(connection).unwrap_or_default();
    // Free in the strictest sense: of what is cached, some is the shared memory of guests, which is not to be had.
    let free_kib = match memory.get("free") {
        Some(kib) => *kib,
        None => connection.free_memory().map_err(|e| link.failed(&e))? / 1024,
    };
    Ok(HostSeen {
        uuid,
        hostname: connection.hostname().map_err(|e| link.failed(&e))?,
        sockets: node.nodes.saturating_mul(node.sockets),
        cores: node.nodes.saturating_mul(node.sockets).saturating_mul(node.cores),
        threads_per_core: node.threads,
        core_mhz: node.mhz,
        memory_kib: memory.get("total").copied().unwrap_or(node.memory),
        memory_free_kib: free_kib,
        // Where a driver for them is missing or does not answer, there are none that a guest could use.
        storage_pools: names(connection.list_all_storage_pools(sys::VIR_CONNECT_LIST_STORAGE_POOLS_ACTIVE), |pool| pool.name()),
        networks: names(connection.list_all_networks(sys::VIR_CONNECT_LIST_NETWORKS_ACTIVE), |network| network.name()),
    })
}

/// The host's identity, from its capabilities.
fn host_uuid(link: &Link) -> Result<Uuid, CallError> {
    let capabilities = link.connection.capabilities().map_err(|e| link.failed(&e))?;
    let text = text_at(&capabilities, &["capabilities", "host", "uuid"]);
    let text = text.ok_or_else(|| CallError::Refused("its capabilities do not say who it is: no `<uuid>` of the host".into()))?;
    Uuid::try_parse(&text).map_err(|e| CallError::Refused(format!("its capabilities give the host the uuid {text}: {e}")))
}

fn names<T, E>(found: Result<Vec<T>, E>, name: impl Fn(&T) -> Result<String, E>) -> Vec<String> {
    let mut names: Vec<String> = found.unwrap_or_default().iter().filter_map(|x| name(x).ok()).collect();
    names.sort();
    names
}

/// The guests of which something is true.
fn uuids(link: &Link, which: sys::virConnectListAllDomainsFlags) -> Result<BTreeSet<Uuid>, CallError> {
    let domains = link.connection.list_all_domains(which).map_err(|e| link.failed(&e))?;
    domains.iter().map(|d| d.uuid().map_err(|e| link.failed(&e))).collect()
}

fn guest(link: &Link, stats: &Stats, lists: &Lists) -> Result<GuestSeen, CallError> {
    let domain = &stats.domain;
    let failed = |e: virt::error::Error| link.failed(&e);
    let uuid = domain.uuid().map_err(failed)?;
    let field = |name: &str| stats.fields.get(name).copied();
    let (Some(state), Some(reason)) = (field("state.state"), field("state.reason")) else {
        return Err(CallError::Refused(format!("it does not say what {uuid} does")));
    };
    let info = domain.info().map_err(failed)?;
    let told = lists.told.get(&uuid).cloned().unwrap_or_default();
    Ok(GuestSeen {
        uuid,
        // It goes into messages as it is, and a host may say anything. What is changed here is no name of a plan's guest.
        name: models::message::shown(&domain.name().map_err(failed)?, LONGEST_NAME),
        state: guest_state(state, reason, domain.id().is_some()),
        persistent: lists.persistent.contains(&uuid),
        autostart: lists.autostart.contains(&uuid),
        memory_kib: info.max_mem,
        vcpus: info.nr_virt_cpu,
        cpu_ns: info.cpu_time,
        net_bytes: total(&stats.fields, "net.", &[".rx.bytes", ".tx.bytes"]),
        disk_bytes: told.disk_bytes,
        job_remaining_bytes: told.job_remaining_bytes,
        dirty_mib_per_s: told.dirty_mib_per_s,
    })
}

/// libvirt's state and reason in our words. `active`: there is a process, and with it memory and disks.
fn guest_state(state: u64, reason: u64, active: bool) -> GuestState {
    let (Ok(state), Ok(reason)) = (u32::try_from(state), u32::try_from(reason)) else { return GuestState::Other };
    match (state, reason) {
        (sys::VIR_DOMAIN_RUNNING, sys::VIR_DOMAIN_RUNNING_POSTCOPY_FAILED)
        | (sys::VIR_DOMAIN_PAUSED, sys::VIR_DOMAIN_PAUSED_POSTCOPY_FAILED) => GuestState::PostCopyFailed,
        (sys::VIR_DOMAIN_RUNNING | sys::VIR_DOMAIN_BLOCKED, _) => GuestState::Running,
        // The guest runs at the target, and its memory is still here in part.
        (sys::VIR_DOMAIN_PAUSED, sys::VIR_DOMAIN_PAUSED_POSTCOPY) => GuestState::PostCopy,
        (sys::VIR_DOMAIN_PAUSED, sys::VIR_DOMAIN_PAUSED_MIGRATION | sys::VIR_DOMAIN_PAUSED_STARTING_UP) => GuestState::PausedForMigration,
        (sys::VIR_DOMAIN_PAUSED, sys::VIR_DOMAIN_PAUSED_SHUTTING_DOWN) | (sys::VIR_DOMAIN_SHUTDOWN, _) => GuestState::ShuttingDown,
        // It died and its process is kept for who looks into it: it holds its memory and its disks.
        (sys::VIR_DOMAIN_PAUSED, sys::VIR_DOMAIN_PAUSED_CRASHED) => GuestState::Other,
        (sys::VIR_DOMAIN_PAUSED, _) => GuestState::Paused,
        (sys::VIR_DOMAIN_SHUTOFF, _) if !active => GuestState::ShutOff,
        (sys::VIR_DOMAIN_CRASHED, _) if !active => GuestState::Crashed,
        _ => GuestState::Other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_guest_holds_its_memory_whenever_it_has_a_process() {
        for state in 0..12 {
            for reason in 0..20 {
                assert!(guest_state(state, reason, true).is_active(), "{state} {reason}");
            }
        }
    }

    #[test]
    fn only_a_running_guest_runs() {
        for state in 0..12 {
            for reason in 0..20 {
                let runs = guest_state(state, reason, true) == GuestState::Running;
                // Running with reason 11 is a post-copy that broke off; blocked is running and waiting for a resource.
                assert_eq!(runs, state == 1 && reason != 11 || state == 2, "{state} {reason}");
            }
        }
    }

    #[test]
    fn what_a_migration_left_or_brings_is_told_from_what_somebody_paused() {
        // virDomainPausedReason: 1 user, 2 migration, 5 I/O error, 11 starting up, 12 post-copy, 13 post-copy failed.
        let paused = |reason| guest_state(3, reason, true);
        assert_eq!([2, 11].map(paused), [GuestState::PausedForMigration; 2]);
        assert_eq!(paused(12), GuestState::PostCopy);
        assert_eq!([1, 5].map(paused), [GuestState::Paused; 2]);
        assert_eq!(paused(13), GuestState::PostCopyFailed);
    }

    #[test]
    fn states_that_no_libvirt_has_yet_are_left_alone() {
        assert_eq!(guest_state(99, 0, true), GuestState::Other);
        assert_eq!(guest_state(u64::MAX, u64::MAX, false), GuestState::Other);
    }
}
