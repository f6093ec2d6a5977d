//! libvirt's calls that its crate does not wrap, each in a few lines: the one file with `unsafe`.
//!
//! The crate hands out what `virConnectGetAllDomainStats` found as a bare pointer, and its `Domain::state` overlooks failure;
//! states are therefore read from the statistics, all guests in one call.

#![allow(unsafe_code)]

use std::collections::BTreeMap;
use std::os::raw::{c_char, c_int};
use std::ptr;

use virt::connect::Connect;
use virt::domain::Domain;
use virt::error::Error;
use virt::sys;

/// What libvirt's functions return when they fail.
const FAILED: c_int = -1;

/// What a host says of one of its guests, as numbers by name: `state.state`, `net.0.rx.bytes`.
pub(super) struct Stats {
    /// The guest.
    pub(super) domain: Domain,
    /// The numbers. Texts and negative numbers are left out.
    pub(super) fields: BTreeMap<String, u64>,
}

/// How busy the monitor of a running guest is.
pub(super) struct Control {
    /// Whether a call waits for it, or holds it.
    pub(super) busy: bool,
    /// For how long, ms.
    pub(super) for_ms: u64,
}

/// Aborts the job (migration) of a guest.
pub(super) fn abort_job(domain: &Domain) -> Result<(), Error> {
    // SAFETY: the pointer stays valid while `domain` is borrowed, and the function keeps nothing of it.
    done(unsafe { sys::virDomainAbortJob(domain.as_ptr()) })
}

/// Lets a migration that allows post-copy switch to it.
pub(super) fn start_post_copy(domain: &Domain) -> Result<(), Error> {
    // SAFETY: the pointer stays valid while `domain` is borrowed, and the function keeps nothing of it.
    done(unsafe { sys::virDomainMigrateStartPostCopy(domain.as_ptr(), 0) })
}

/// Begins to measure the dirty rate of a guest over so many seconds, by sampling pages: the one way that needs nothing of the kernel.
pub(super) fn start_dirty_rate(domain: &Domain, seconds: c_int) -> Result<(), Error> {
    // SAFETY: the pointer stays valid while `domain` is borrowed, and the function keeps nothing of it.
    done(unsafe { sys::virDomainStartDirtyRateCalc(domain.as_ptr(), seconds, sys::VIR_DOMAIN_DIRTYRATE_MODE_PAGE_SAMPLING) })
}

/// How busy the monitor of a running guest is. Answers at once, whatever the guest does.
pub(super) fn control(domain: &Domain) -> Result<Control, Error> {
    let mut info = sys::virDomainControlInfo { state: 0, details: 0, stateTime: 0 };
    // SAFETY: the pointer stays valid while `domain` is borrowed; `info` is a whole structure that the function fills.
    done(unsafe { sys::virDomainGetControlInfo(domain.as_ptr(), &mut info, 0) })?;
    Ok(Control { busy: info.state != sys::VIR_DOMAIN_CONTROL_OK, for_ms: info.stateTime })
}

/// Memory of a host over all its NUMA cells, KiB by name: `total`, `free`, `buffers`, `cached`.
pub(super) fn node_memory(connection: &Connect) -> Result<BTreeMap<String, u64>, Error> {
    let cells = sys::VIR_NODE_MEMORY_STATS_ALL_CELLS;
    let mut count: c_int = 0;
    // SAFETY: the pointer stays valid while `connection` is borrowed; no array and a count of 0 ask for the count alone.
    done(unsafe { sys::virNodeGetMemoryStats(connection.as_ptr(), cells, ptr::null_mut(), &mut count, 0) })?;
    let nothing = sys::virNodeMemoryStats { field: [0; 80], value: 0 };
    let mut stats = vec![nothing; usize::try_from(count).unwrap_or(0)];
    // SAFETY: as above; the array holds `count` whole entries, and the function writes at most so many.
    done(unsafe { sys::virNodeGetMemoryStats(connection.as_ptr(), cells, stats.as_mut_ptr(), &mut count, 0) })?;
    Ok(stats.iter().take(usize::try_from(count).unwrap_or(0)).map(|s| (text(&s.field), s.value)).collect())
}

/// Statistics of all guests of a host, active and not: groups of `VIR_DOMAIN_STATS_`. A guest of which somebody else asks something at the
/// moment says less, and is not waited for.
pub(super) fn all_domain_stats(connection: &Connect, groups: sys::virDomainStatsTypes) -> Result<Vec<Stats>, Error> {
    let flags = sys::VIR_CONNECT_GET_ALL_DOMAINS_STATS_NOWAIT;
    let mut records: *mut sys::virDomainStatsRecordPtr = ptr::null_mut();
    // SAFETY: the pointer stays valid while `connection` is borrowed; `records` is set to an array that we own, or is left alone.
    let count = unsafe { sys::virConnectGetAllDomainStats(connection.as_ptr(), groups, &mut records, flags) };
    let count = usize::try_from(count).map_err(|_| Error::last_error())?;
    let mut found = Vec::with_capacity(count);
    for i in 0..count {
        // SAFETY: the array has `count` entries, each of which points to a whole record that lives until the array is freed below.
        let record = unsafe { &**records.add(i) };
        // SAFETY: the record's domain is valid, and with a reference of its own the wrapper may outlive the record.
        let domain = unsafe {
            if sys::virDomainRef(record.dom) == FAILED {
                continue;
            }
            Domain::from_ptr(record.dom)
        };
        let mut fields = BTreeMap::new();
        for n in 0..usize::try_from(record.nparams).unwrap_or(0) {
            // SAFETY: the record has `nparams` whole parameters.
            let parameter = unsafe { &*record.params.add(n) };
            if let Some(value) = number(parameter) {
                fields.insert(text(&parameter.field), value);
            }
        }
        found.push(Stats { domain, fields });
    }
    if !records.is_null() {
        // SAFETY: libvirt made the array, nothing of it is borrowed any more, and the domains that we keep have their own references.
        unsafe { sys::virDomainStatsRecordListFree(records) };
    }
    Ok(found)
}

/// The number in a parameter, where it holds one that is not negative.
fn number(parameter: &sys::virTypedParameter) -> Option<u64> {
    let value = &parameter.value;
    // SAFETY: each arm reads the member of the union that the type names.
    unsafe {
        match u32::try_from(parameter.type_).ok()? {
            sys::VIR_TYPED_PARAM_INT => u64::try_from(value.i).ok(),
            sys::VIR_TYPED_PARAM_UINT => Some(u64::from(value.ui)),
            sys::VIR_TYPED_PARAM_LLONG => u64::try_from(value.l).ok(),
            sys::VIR_TYPED_PARAM_ULLONG => Some(value.ul),
            _ => None,
        }
    }
}

/// The text of a field that ends at its first zero, or at its end.
fn text(field: &[c_char]) -> String {
    #[allow(clippy::cast_sign_loss, reason = "the bytes of a text, whose sign is the platform's whim")]
    let bytes: Vec<u8> = field.iter().take_while(|c| **c != 0).map(|c| *c as u8).collect();
    String::from_utf8_lossy(&bytes).into_owned()
}

/// What a function's return value says.
fn done(returned: c_int) -> Result<(), Error> {
    if returned == FAILED { Err(Error::last_error()) } else { Ok(()) }
}
