//! What leaves nothing to chance: shares of a host, pre-copy, batches at a fixed period, digits of the statistics.

use models::distribution::Distribution;
use models::law::migration::{Outcome, PreCopy, StopRule};
use models::law::queueing::Contacts;
use models::quantity::{BytesPerSecond, MiB, Nanos};

use super::judge::certain;
use super::{Row, Test};
use crate::engine::arrivals::Arrivals;
use crate::engine::example::{self, CORE_KHZ, Discipline};
use crate::engine::{self, Broken};
use crate::sharing::{Pool, Terms};
use crate::statistics::Summary;

pub(super) fn rows() -> Result<Vec<Row>, Box<Broken>> {
    let mut out = shares();
    out.extend(moves());
    out.extend(contacts()?);
    out.extend(numacc());
    Ok(out)
}

/// A web guest of two vCPUs on a host of eight cores, beside dom0 and n busy guests of two vCPUs, all of equal weight.
fn shares() -> Vec<Row> {
    let change = |busy: u32, dom0: bool| {
        let mut pool = Pool::new(8 * CORE_KHZ);
        let terms = Terms { weight: 256, cap: 2 * CORE_KHZ, job_cap: CORE_KHZ, overhead: 0.0, at_once: u32::MAX };
        let (web, host) = (pool.add_group(0, terms), pool.add_group(0, terms));
        let mut job = 0;
        let mut two_jobs = |pool: &mut Pool, group| {
            for _ in 0..2 {
                pool.enter(0, group, job, 1e15);
                job += 1;
            }
        };
        two_jobs(&mut pool, web);
        if dom0 {
            two_jobs(&mut pool, host);
        }
        for _ in 0..busy {
            let group = pool.add_group(0, terms);
            two_jobs(&mut pool, group);
        }
        (pool.share(web).1 / (2 * CORE_KHZ) as f64 - 1.0) * 100.0
    };
    // n = 1: 6 cores asked. n = 2: 8. n = 3: with dom0 10 for five: 1.6 of 2. n = 4: 8/5 without dom0, 8/6 with it.
    [(1, 0.0, 0.0), (2, 0.0, 0.0), (3, 0.0, -20.0), (4, -20.0, -100.0 / 3.0)]
        .into_iter()
        .flat_map(|(busy, idle, loaded)| [(busy, false, idle), (busy, true, loaded)])
        .map(|(busy, dom0, reference)| {
            let what = if dom0 { "%, dom0 busy" } else { "%, dom0 idle" };
            let case = format!("web guest beside {busy} busy guests");
            certain(17, &case, what, reference, change(busy, dom0), Test::Within { relative: 1e-12 }, String::new())
        })
        .collect()
}

/// Pre-copy over 117 and 11.8 MiB/s, allowed to stand still for 30 ms: as printed in the plan.
fn moves() -> Vec<Row> {
    let rate = |mib: f64| BytesPerSecond::new(mib * 1_048_576.0).expect("a rate above zero");
    let rule = StopRule { downtime_max: Nanos::millis(30), rounds_max: 30 };
    let mut out = Vec::new();
    for (memory, dirty, set, bandwidth, total_s, downtime_ms) in [
        (1024, 5.0, 64, 117.0, Some(9.1), 16.0),
        (1024, 80.0, 256, 117.0, Some(15.6), 23.0),
        (4096, 60.0, 256, 117.0, Some(39.5), 20.0),
        (1024, 30.0, 64, 11.8, None, 5400.0),
        (1024, 80.0, 256, 11.8, None, 21_700.0),
    ] {
        let guest = PreCopy { memory: MiB(memory), working_set: MiB(set), dirty: rate(dirty), bandwidth: rate(bandwidth) };
        let (copied, converges) = match guest.run(rule).expect("an example that is possible") {
            Outcome::Converges(copied) => (copied, true),
            Outcome::DoesNotConverge { forced, .. } => (forced, false),
        };
        let case = format!("pre-copy {memory} MiB, D={dirty}, R={bandwidth}");
        let tenth = |x: f64| (x * 10.0).round() / 10.0;
        if let Some(total_s) = total_s {
            out.push(certain(18, &case, "total, s", total_s, tenth(copied.total.as_seconds()), Test::Exact, "rounded as published".into()));
        }
        let ms = copied.downtime.as_seconds() * 1e3;
        let ms = if total_s.is_some() { ms.round() } else { tenth(ms / 1e3) * 1e3 };
        let note = if converges { "rounded as published" } else { "rounded; does not converge" };
        let mut row = certain(18, &case, "downtime, ms", downtime_ms, ms, Test::Exact, note.to_owned());
        row.passes &= converges == total_s.is_some();
        out.push(row);
    }
    out
}

/// Batches at a fixed period, each job of constant service: the sum of sojourns of two hundred batches, to the nanosecond.
fn contacts() -> Result<Vec<Row>, Box<Broken>> {
    const BATCHES: u64 = 200;
    let mut out = Vec::new();
    for (batch, service_ns) in [(7u32, 1_000_003u64), (100, 12_345_679), (1000, 999_983)] {
        let period = Nanos(service_ns * u64::from(batch) + 1_000);
        let law = Contacts { period, batch, service: Nanos(service_ns) };
        let sums = [(Discipline::Fcfs, law.fcfs_sum_ns()), (Discipline::Sharing, law.ps_sum_ns())];
        for (discipline, sum) in sums {
            let sum = sum.expect("a batch is done before the next") * u128::from(BATCHES);
            let mut model = example::empty(0.0, 0.0);
            model.lasts = period.times(BATCHES + 1);
            let tier = example::station(&mut model, 1, discipline);
            // A core does 1e6 units in a second: a nanosecond is 0.001 of them.
            let mut stage = example::cpu(tier, Distribution::fixed(1.0), Vec::new());
            stage.phases[0].work = Distribution::fixed(service_ns as f64 / 1e9 * CORE_KHZ as f64);
            let flow = example::flow(&mut model, vec![stage]);
            let gap_s = Distribution::fixed(period.0 as f64 / 1e9);
            example::arrivals(&mut model, flow, Arrivals::Renewal { gap_s, batch: Distribution::fixed(f64::from(batch)) });
            // The batch that comes with the end is not played.
            model.lasts.0 -= 1;
            let outcome = engine::run(&model, 1, 0)?;
            let name = if discipline == Discipline::Fcfs { "FCFS" } else { "PS" };
            let case = format!("D^X/D/1, {batch} x {service_ns} ns, {name}");
            let (area, served) = (outcome.flows[0].area, outcome.flows[0].served);
            let note = format!("sum of {served} jobs {} ns off", area as i128 - sum as i128);
            let jobs = (BATCHES * u64::from(batch)) as f64;
            let mut row = certain(19, &case, "W, ns", sum as f64 / jobs, area as f64 / jobs, Test::Exact, note);
            row.passes = area == sum && served == BATCHES * u64::from(batch);
            out.push(row);
        }
    }
    Ok(out)
}

/// The data sets of NIST's StRD whose rule is known: `middle`, then `low` and `high` in turn. Certified: mean `middle`, deviation 0.1
/// (of the first: 1). The data of the last two are not binary numbers, which alone costs the deviation all but 9 and 8 digits.
fn numacc() -> Vec<Row> {
    let alternating = |middle: f64, low: f64, high: f64| -> Vec<f64> {
        std::iter::once(middle).chain([low, high].into_iter().cycle().take(1000)).collect()
    };
    let sets = [
        ("NumAcc1", vec![10_000_001.0, 10_000_003.0, 10_000_002.0], 10_000_002.0, 1.0),
        ("NumAcc2", alternating(1.2, 1.1, 1.3), 1.2, 0.1),
        ("NumAcc3", alternating(1_000_000.2, 1_000_000.1, 1_000_000.3), 1_000_000.2, 0.1),
        ("NumAcc4", alternating(10_000_000.2, 10_000_000.1, 10_000_000.3), 10_000_000.2, 0.1),
    ];
    let lre = |got: f64, certified: f64| {
        if got == certified { 15.0 } else { (-libm::log10((got - certified).abs() / certified.abs())).min(15.0) }
    };
    let mut out = Vec::new();
    for (name, values, mean, sd) in sets {
        let s = Summary::of(&values);
        for (what, certified, got) in [("mean", mean, s.mean), ("sd", sd, s.sd.unwrap_or(f64::NAN))] {
            let note = format!("{:.1} digits", lre(got, certified));
            out.push(certain(26, &format!("NIST StRD {name}"), what, certified, got, Test::Within { relative: 1e-8 }, note));
        }
    }
    out
}
