//! From the keys of the request level to [`Requests`]: names become positions, and what contradicts itself, would never
//! end, or would never happen is refused where it stands.
//!
//! Whether the tiers can carry what arrives is not asked here: that is what the play shows.

mod cases;
mod circles;
mod distribution;
mod faults;
mod flows;
mod tiers;

use models::Estimate;
use models::demand::Load;
use models::flow::{HypervisorCosts, IoCost, IoRange, Recovery, Requests, Tier, VirtualIo};
use models::quantity::Nanos;
use models::site::{Mode, Site};

use crate::Grid;
use crate::document::{At, Document};
use crate::error::Error;
use crate::file;
use crate::understand::{Known, Names};

/// What is known when the request level is read.
struct Reader<'a, 't> {
    doc: &'a Document<'t>,
    file: &'a file::Site,
    site: &'a Site,
    known: &'a Known,
    loads: &'a [Load],
    horizon: Nanos,
    tiers: Names,
    flows: Names,
    faults: Names,
}

/// The most jobs of a flow or burst: more would not end in a working day.
const MOST_JOBS: f64 = 1e9;

/// The request level of a site; nothing where there is no `[requests]`.
pub(crate) fn all(
    doc: &Document<'_>,
    file: &file::Site,
    site: &Site,
    known: &Known,
    loads: &[Load],
    grid: Grid,
) -> Result<Option<Requests>, Error> {
    let Some(r) = &file.requests else {
        let parts = [("tier", file.tier.len()), ("flow", file.flow.len()), ("fault", file.fault.len()), ("case", file.case.len())];
        return match parts.into_iter().find(|(_, count)| *count > 0) {
            None => Ok(None),
            Some((part, _)) => Err(doc
                .error(&At::element(part, 0), format!("there is a [[{part}]], and no [requests] that says what is played"))
                .help("write `[requests]` with `from_s`, `lasts_s` and `slice_ms`")),
        };
    };
    let at = At::root().key("requests");
    let horizon = grid.step.times(grid.steps as u64);
    let mut it = Reader {
        doc,
        file,
        site,
        known,
        loads,
        horizon,
        tiers: Names::new("tier", "tiers"),
        flows: Names::new("flow", "flows"),
        faults: Names::new("fault", "faults"),
    };
    let (from, lasts) = it.window(&at, ("from_s", r.from_s), ("lasts_s", r.lasts_s), (Nanos::ZERO, horizon), "the horizon")?;
    let judged_from = r.judged_from_s.unwrap_or(r.from_s);
    let rest = Nanos((from.0 + lasts.0).saturating_sub(judged_from.nanos().0));
    let (judged_from, judged_lasts) = match r.judged_s {
        Some(judged_s) => it.window(&at, ("judged_from_s", judged_from), ("judged_s", judged_s), (from, lasts), "what is played")?,
        None if rest == Nanos::ZERO || judged_from.nanos() < from => {
            return Err(doc
                .error(&at.key("judged_from_s"), format!("{} s is not in what is played", judged_from.get()))
                .help(inside(from, lasts)));
        }
        None => (judged_from.nanos(), rest),
    };
    let bin = r.bin_s.nanos();
    if bin == Nanos::ZERO || lasts.0 / bin.0.max(1) > 1_000_000 {
        return Err(doc
            .error(&at.key("bin_s"), format!("bins of {} s do not divide what is played", r.bin_s.get()))
            .help("seconds, above 0, and so long that there are at most a million bins"));
    }
    let tiers = it.tiers()?;
    let hypervisor = it.hypervisor(&at, r, &tiers)?;
    let flows = it.flows()?;
    it.tiers_are_used(&tiers, &flows)?;
    it.retry_has_a_schedule(&tiers, &flows)?;
    circles::of_tiers(doc, &tiers, &flows, &[], |t| At::element("tier", t).key("full"))?;
    let recovery = it.recovery(&at, r)?;
    let faults = it.faults()?;
    let cases = it.cases(&tiers, &flows, &faults, (from, lasts))?;
    Ok(Some(Requests {
        from,
        lasts,
        judged_from,
        judged_lasts,
        bin,
        population_cap: u64::from(r.population_cap.get()),
        hypervisor,
        recovery,
        tiers,
        flows,
        faults,
        cases,
    }))
}

/// What is allowed for a window in another.
fn inside(from: Nanos, lasts: Nanos) -> String {
    format!("from {} s to {} s, and above 0 s long", from.as_seconds(), (from + lasts).as_seconds())
}

impl Reader<'_, '_> {
    /// A stretch of time that is in another one (start and length), and not empty.
    fn window(
        &self,
        at: &At,
        (from_key, from): (&'static str, file::number::Seconds),
        (lasts_key, lasts): (&'static str, file::number::Seconds),
        (low, long): (Nanos, Nanos),
        what: &str,
    ) -> Result<(Nanos, Nanos), Error> {
        let (start, length) = (from.nanos(), lasts.nanos());
        if length == Nanos::ZERO {
            return Err(self.doc.error(&at.key(lasts_key), "this takes no time").help("seconds, above 0"));
        }
        if start < low || start.0 >= low.0 + long.0 {
            return Err(self.doc.error(&at.key(from_key), format!("{} s is not in {what}", from.get())).help(inside(low, long)));
        }
        if start.0 + length.0 > low.0 + long.0 {
            return Err(self
                .doc
                .error(&at.key(lasts_key), format!("{} s from {} s on end after {what}", lasts.get(), from.get()))
                .help(inside(low, long)));
        }
        Ok((start, length))
    }

    /// What the hypervisor takes; for a mode that no guest of a tier has, nothing is asked and nothing is taken.
    fn hypervisor(&self, at: &At, r: &file::requests::Requests, tiers: &[Tier]) -> Result<HypervisorCosts, Error> {
        let h = &r.hypervisor_cpu;
        let share = |key: &str, mode: Mode, share: Option<file::number::Share>| {
            let guest = tiers.iter().flat_map(|t| &t.guests).map(|g| &self.site.guests[g.index()]).find(|g| g.mode == mode);
            match (share, guest) {
                (Some(share), _) => Ok(share.get()),
                (None, None) => Ok(0.0),
                (None, Some(guest)) => Err(self
                    .doc
                    .error(&at.key("hypervisor_cpu"), format!("the guest `{}` of a tier is {key}, and its share is missing", guest.name))
                    .help(format!(
                        "write `hypervisor_cpu = {{ {key} = ... }}`: CPU that the hypervisor spends, as a share of the guest's"
                    ))),
            }
        };
        Ok(HypervisorCosts {
            paravirtual: share("paravirtual", Mode::Paravirtual, h.paravirtual)?,
            full: share("full", Mode::Full, h.full)?,
            full_pv_drivers: share("full-pv-drivers", Mode::FullPvDrivers, h.full_pv_drivers)?,
            slice: Nanos((r.slice_ms.get() * 1e6).round() as u64),
            virtual_io: r.virtual_io.as_ref().map_or(Ok(VirtualIo::default()), |v| self.virtual_io(&at.key("virtual_io"), v))?,
        })
    }

    /// What passing on I/O costs; a table that says it costs nothing is a mistake.
    fn virtual_io(&self, at: &At, v: &file::requests::VirtualIo) -> Result<VirtualIo, Error> {
        let cost = |key: &'static str, given: &Option<file::requests::IoCost>| match given {
            None => Ok(IoRange::default()),
            Some(c) => {
                let (disk, network) = (c.disk_s_per_mb.unwrap_or(Estimate::ZERO), c.network_s_per_mb.unwrap_or(Estimate::ZERO));
                let bytes = |end: fn(Estimate) -> f64| IoCost { disk_s_per_byte: end(disk) / 1e6, network_s_per_byte: end(network) / 1e6 };
                let cost = IoRange { value: bytes(|e| e.value), low: bytes(|e| e.low), high: bytes(|e| e.high) };
                if cost.value.is_nothing() {
                    return Err(self
                        .doc
                        .error(&at.key(key), format!("I/O of {key} guests costs nothing here"))
                        .help("write `disk_s_per_mb` or `network_s_per_mb`, above 0, or leave the mode out"));
                }
                Ok(cost)
            }
        };
        if v.paravirtual.is_none() && v.full.is_none() && v.full_pv_drivers.is_none() {
            return Err(self
                .doc
                .error(at, "nobody's I/O costs anything here")
                .help("write a mode, such as `full = { disk_s_per_mb = 0.1, network_s_per_mb = 0.1 }`, or leave the table out"));
        }
        Ok(VirtualIo {
            paravirtual: cost("paravirtual", &v.paravirtual)?,
            full: cost("full", &v.full)?,
            full_pv_drivers: cost("full-pv-drivers", &v.full_pv_drivers)?,
            weight: v.weight.get(),
        })
    }

    /// What follows a loss; where nothing fails and nothing is said, a recovery that takes no time, which nobody asks.
    fn recovery(&self, at: &At, r: &file::requests::Requests) -> Result<Recovery, Error> {
        let seconds = |s: Option<file::number::Seconds>| s.map(file::number::Seconds::nanos);
        match &r.recovery {
            Some(r) => Ok(Recovery {
                detect: r.detect_s.nanos(),
                fence: r.fence_s.nanos(),
                by_hand: seconds(r.by_hand_s),
                boots_at_once: r.boots_at_once.get(),
                boot_cpu: r.boot_cpu_s.nanos(),
                boot_disk_bytes: r.boot_disk_bytes.get(),
                read_only_after: seconds(r.read_only_after_s),
                panics_after: seconds(r.panics_after_s),
            }),
            None if self.file.fault.is_empty() => Ok(Recovery::INSTANT),
            None => Err(self
                .doc
                .error(&At::element("fault", 0), "there is a [[fault]], and nothing says what follows a loss")
                .help(format!("write `[{}.recovery]` with `detect_s`, `fence_s` and the rest", self.doc.named(at)))),
        }
    }
}
