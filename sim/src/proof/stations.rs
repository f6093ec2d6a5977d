//! One station: M/M/c, loss, M/G/1, processor sharing with and beside permanent jobs, batches, bursts, a rate that follows the
//! hour; and the coverage of the intervals on it. Times are in seconds and the mean service is one, so that rates are loads.
//!
//! M/M/1 is measured by its delays. Elsewhere the time average of the number present is, over the known arrival rate (Little, which
//! each run audits to the nanosecond): no job that is still there at the end is left out, and heavy tails do no harm.

use models::distribution::{Distribution, Shape};
use models::law::queueing::{
    Batch, Mmpp2, SineRate, erlang_b, erlang_c, mg1_waiting, mm1_sojourn_quantile, mmc_sojourn, mx_m_1_sojourn, ps_hogs_sojourn, ps_sojourn,
};
use models::quantity::Nanos;
use rayon::prelude::*;

use super::judge::{Case, Sample, certain, seed_of};
use super::{Effort, Row, Test};
use crate::engine::arrivals::{Arrivals, Rate};
use crate::engine::example::{self, Discipline};
use crate::engine::{self, Broken, Model, Outcome};
use crate::random::{Sampler, stream};
use crate::statistics::{Delays, Summary, coverage};

type Rows = Result<Vec<Row>, Box<Broken>>;

/// The law of an example that is known to be possible.
const POSSIBLE: &str = "the example is a possible queue";

const fn exponential() -> Distribution {
    Distribution::exponential(1.0)
}

/// An upper estimate of the time in which the memory of an empty start falls to 1/e: 3 sigma^2 / m^2 with m the free capacity
/// and sigma^2 the variance of work that comes in a second; the heavy-traffic limit has 2 (a reflected Brownian motion), and M/M/1 has
/// 1 / (mu (1 - sqrt rho)^2), which is less. No less than three services.
fn relaxation(cores: u32, load: f64, work_squared: f64) -> f64 {
    let cores = f64::from(cores);
    (3.0 * cores * load * work_squared / (cores * (1.0 - load)).powi(2)).max(3.0)
}

/// The mean delay of those who arrived after the warm-up.
fn delay(outcome: &Outcome) -> f64 {
    outcome.flows[0].delays.mean().unwrap_or(f64::NAN)
}

/// Jobs present on average.
fn present(outcome: &Outcome) -> f64 {
    outcome.flows[0].mean_present(outcome.lasted)
}

pub(super) fn rows(seed: u64, effort: Effort) -> Rows {
    let mut out = Vec::new();
    let mut plain = |case: Case<'_>, index: u32| -> Result<(), Box<Broken>> {
        out.extend(case.ask(seed_of(seed, case.number * 100 + index), effort)?.into_iter().map(|x| x.0));
        Ok(())
    };
    for (i, load) in [0.5, 0.8, 0.9, 0.95].into_iter().enumerate() {
        plain(mm1(load), i as u32)?;
    }
    for (i, (number, cores, load)) in
        [(2, 2, 0.8), (2, 2, 0.9), (3, 4, 0.8), (4, 8, 0.5), (4, 8, 0.8), (4, 8, 0.9), (4, 8, 0.95), (5, 16, 0.9)].into_iter().enumerate()
    {
        plain(mmc(number, cores, load), 2 * i as u32)?;
        if number < 5 {
            plain(waits(number, cores, load), 2 * i as u32 + 1)?;
        }
    }
    for (i, (lines, offered)) in [(5, 3.0), (10, 8.0), (50, 40.0), (100, 90.0)].into_iter().enumerate() {
        for (k, (name, work)) in services().into_iter().take(3).enumerate() {
            plain(loss(lines, offered, name, work), (3 * i + k) as u32)?;
        }
    }
    for (i, cv2) in [0.0, 0.25, 1.0, 4.0, 16.0].into_iter().enumerate() {
        plain(mg1(cv2), i as u32)?;
    }
    for (i, (per_s, hogs)) in [(2.0, 4), (2.0, 6), (2.0, 8), (6.0, 8)].into_iter().enumerate() {
        plain(beside_hogs(per_s, hogs), i as u32)?;
    }
    let ten = [("batches of 10", Batch::Constant(10)), ("geometric of 10", Batch::Geometric { mean: 10.0 })];
    for (i, (name, batch)) in ten.into_iter().enumerate() {
        plain(batches(name, batch), i as u32)?;
    }
    plain(bursts(), 0)?;
    out.extend(loss_formula());
    for (number, cores, load) in [(8, 1, 0.8), (9, 8, 0.9)] {
        out.extend(sharing(number, cores, load, seed, effort)?);
    }
    out.extend(wave(seed, effort)?);
    out.extend(achieved_coverage(seed, effort)?);
    Ok(out)
}

fn mm1(load: f64) -> Case<'static> {
    let law = (1.0 / (1.0 - load), mm1_sojourn_quantile(load, 1.0, 0.95).expect(POSSIBLE));
    Case {
        number: 1,
        name: format!("M/M/1 load {load}"),
        references: vec![("W", law.0), ("p95 of W", law.1)],
        model: Box::new(move |lasts, warm_up| example::single(1, Discipline::Fcfs, load, exponential(), lasts, warm_up)),
        // Few and long runs: the quantile of a run is biased by about var / f^2 of what it knows.
        measure: Box::new(|_, o| vec![delay(o), o.flows[0].delays.quantile(0.95).map_or(f64::NAN, |q| q.value_s)]),
        window: false,
        relaxation_s: relaxation(1, load, 2.0),
        measured_s: if load < 0.85 { 16e6 } else { 20e6 },
        replications: 12,
        end_bias_s: law.0,
    }
}

fn mmc(number: u32, cores: u32, load: f64) -> Case<'static> {
    let per_s = load * f64::from(cores);
    let sojourn = mmc_sojourn(cores, per_s, 1.0).expect(POSSIBLE);
    Case {
        number,
        name: format!("M/M/{cores} load {load}"),
        references: vec![("W", sojourn)],
        model: Box::new(move |lasts, warm_up| example::single(cores, Discipline::Fcfs, per_s, exponential(), lasts, warm_up)),
        measure: Box::new(move |_, o| vec![present(o) / per_s]),
        window: false,
        relaxation_s: relaxation(cores, load, 2.0),
        measured_s: if load > 0.85 { 12e6 } else { 6e6 } / per_s,
        replications: 20,
        end_bias_s: 0.0,
    }
}

/// Who arrives finds all cores busy with Erlang's probability; counted where jobs share, where nobody stands in line before the core.
fn waits(number: u32, cores: u32, load: f64) -> Case<'static> {
    let per_s = load * f64::from(cores);
    Case {
        number,
        name: format!("M/M/{cores} load {load}, shared"),
        references: vec![("C", erlang_c(cores, per_s).expect(POSSIBLE))],
        model: Box::new(move |lasts, warm_up| example::single(cores, Discipline::Sharing, per_s, exponential(), lasts, warm_up)),
        measure: Box::new(|before, o| {
            let (a, b) = (&before.flows[0], &o.flows[0]);
            vec![(b.dispatched_busy - a.dispatched_busy) as f64 / (b.dispatches - a.dispatches) as f64]
        }),
        window: true,
        relaxation_s: relaxation(cores, load, 2.0),
        measured_s: 3e6 / per_s,
        replications: 20,
        end_bias_s: 0.0,
    }
}

/// Services of mean one, from light to heavy.
fn services() -> [(&'static str, Distribution); 4] {
    [
        ("exponential", exponential()),
        ("constant", Distribution::fixed(1.0)),
        ("lognormal cv2=4", Distribution { mean: 1.0, shape: Shape::LogNormal { cv: 2.0 } }),
        ("Pareto 2.5", Distribution { mean: 1.0, shape: Shape::Pareto { alpha: 2.5 } }),
    ]
}

fn loss(lines: u32, offered: f64, name: &str, work: Distribution) -> Case<'static> {
    Case {
        number: 6,
        name: format!("M/G/{lines}/{lines} {offered}, {name}"),
        references: vec![("B", erlang_b(lines, offered).expect(POSSIBLE))],
        model: Box::new(move |lasts, warm_up| example::single(lines, Discipline::Bounded(0), offered, work, lasts, warm_up)),
        measure: Box::new(|before, o| {
            let (a, b) = (&before.flows[0], &o.flows[0]);
            vec![(b.lost - a.lost) as f64 / (b.arrived - a.arrived) as f64]
        }),
        window: true,
        relaxation_s: 5.0,
        measured_s: 4e6 / offered,
        replications: 20,
        end_bias_s: 0.0,
    }
}

/// Erlang's B by the sum that defines it, against the recursion of the law: all are far from the ends of the doubles.
fn loss_formula() -> Vec<Row> {
    [(5, 3.0), (10, 8.0), (50, 40.0), (100, 90.0)]
        .into_iter()
        .map(|(lines, offered)| {
            let (mut term, mut sum) = (1.0, 1.0);
            for k in 1..=lines {
                term *= offered / f64::from(k);
                sum += term;
            }
            let ours = erlang_b(lines, offered).expect(POSSIBLE);
            let note = "law against its own sum".to_owned();
            certain(6, &format!("Erlang B, {lines} lines, {offered}"), "B", term / sum, ours, Test::Within { relative: 1e-12 }, note)
        })
        .collect()
}

fn mg1(cv2: f64) -> Case<'static> {
    let work = Distribution {
        mean: 1.0,
        shape: match cv2 {
            0.0 => Shape::Fixed,
            0.25 => Shape::Erlang { phases: 4 },
            1.0 => Shape::Exponential,
            _ => Shape::HyperExponential { cv2 },
        },
    };
    Case {
        number: 7,
        name: format!("M/G/1 load 0.8, cv2={cv2}"),
        references: vec![("Wq", mg1_waiting(0.8, 1.0, cv2).expect(POSSIBLE))],
        model: Box::new(move |lasts, warm_up| example::single(1, Discipline::Fcfs, 0.8, work, lasts, warm_up)),
        measure: Box::new(|_, o| vec![present(o) / 0.8 - 1.0]),
        window: false,
        relaxation_s: relaxation(1, 0.8, 1.0 + cv2),
        measured_s: if cv2 > 4.0 { 16e6 } else { 8e6 },
        replications: 200,
        end_bias_s: 0.0,
    }
}

/// The same sojourn whatever the service: each against the law, and each pair against each other.
fn sharing(number: u32, cores: u32, load: f64, seed: u64, effort: Effort) -> Rows {
    let per_s = load * f64::from(cores);
    let law = ps_sojourn(cores, per_s, 1.0).expect(POSSIBLE);
    let mut rows = Vec::new();
    let mut seen: Vec<Sample> = Vec::new();
    for (i, (name, work)) in services().into_iter().enumerate() {
        // Of a Pareto service, who is larger than the time played so far cannot have left: of L = lambda x the integral of
        // P(sojourn > u), sojourn = size / (1 - load) at most, what lies beyond 500 s is under 0.1 %, and it falls on.
        let relaxation_s = relaxation(cores, load, 1.0 + work.cv2()).max(if cores == 1 { 300.0 } else { 100.0 });
        let case = Case {
            number,
            name: format!("M/G/{cores}-PS {load}, {name}"),
            references: vec![("W", law)],
            model: Box::new(move |lasts, warm_up| example::single(cores, Discipline::Sharing, per_s, work, lasts, warm_up)),
            measure: Box::new(move |_, o| vec![present(o) / per_s]),
            window: false,
            relaxation_s,
            measured_s: 8e6 / per_s,
            replications: 200,
            end_bias_s: 0.0,
        };
        let answers = case.ask(seed_of(seed, number * 100 + i as u32), effort)?;
        seen.extend(answers.iter().map(|a| a.1));
        rows.extend(answers.into_iter().map(|a| a.0));
    }
    // The furthest end of the 90 % interval of any difference of two.
    let margin = if effort == Effort::Full { 0.08 } else { 0.5 };
    let pairs = seen.iter().enumerate().flat_map(|(i, a)| seen[i + 1..].iter().map(move |b| (a, b)));
    let worst = pairs.map(|(a, b)| (a.mean - b.mean).abs() + 1.645 * (a.error * a.error + b.error * b.error).sqrt()).fold(0.0, f64::max);
    let mut row =
        certain(number, &format!("M/G/{cores}-PS {load}, six pairs"), "|W - W'|", 0.0, worst, Test::Equivalence { margin }, String::new());
    row.passes = worst <= margin * law;
    row.note = format!("widest ends at {:.1}% of W", worst / law * 100.0);
    rows.push(row);
    Ok(rows)
}

/// Jobs that share a guest of eight vCPUs with others that never end.
fn beside_hogs(per_s: f64, hogs: u32) -> Case<'static> {
    Case {
        number: 10,
        name: format!("8-core PS, {hogs} hogs, rate {per_s}"),
        references: vec![("W", ps_hogs_sojourn(8, hogs, per_s, 1.0).expect(POSSIBLE))],
        model: Box::new(move |lasts, warm_up| {
            let mut model = example::single(8, Discipline::Sharing, per_s, exponential(), lasts, warm_up);
            // Thirty years of work.
            let f = example::flow(&mut model, vec![example::cpu(0, Distribution::fixed(1e9), Vec::new())]);
            model.flows[f as usize].clients = Some((hogs, Distribution::fixed(0.0)));
            model
        }),
        measure: Box::new(move |_, o| vec![present(o) / per_s]),
        window: false,
        // With n jobs the rate of leaving is 8 n / (8 + n): at the mean of 27 its slope is 64 / 35^2, so 19 s; doubled and more.
        relaxation_s: if per_s > 4.0 { 80.0 } else { 20.0 },
        measured_s: 6e6 / per_s,
        replications: 40,
        end_bias_s: 0.0,
    }
}

fn batches(name: &str, batch: Batch) -> Case<'static> {
    let (sizes, squared) = match batch {
        Batch::Constant(n) => (Distribution::fixed(f64::from(n)), f64::from(n * n)),
        Batch::Geometric { mean } => (Distribution { mean, shape: Shape::Geometric }, 2.0 * mean * mean - mean),
    };
    let law = mx_m_1_sojourn(0.6, 1.0, batch).expect(POSSIBLE);
    Case {
        number: 13,
        name: format!("M^X/M/1 load 0.6, {name}"),
        references: vec![("W", law)],
        model: Box::new(move |lasts, warm_up| {
            let mut model = example::single(1, Discipline::Fcfs, 1.0, exponential(), lasts, warm_up);
            model.generators[0].arrivals = Arrivals::Renewal { gap_s: Distribution::exponential(10.0 / 0.6), batch: sizes };
            model
        }),
        measure: Box::new(|_, o| vec![present(o) / 0.6]),
        window: false,
        // Work that comes in a second: a batch of X has E[X^2 + X] of it, squared, at 0.06 a second.
        relaxation_s: relaxation(1, 0.6, (squared + 10.0) / 10.0),
        measured_s: 10e6,
        replications: 40,
        end_bias_s: 0.0,
    }
}

fn bursts() -> Case<'static> {
    let source = Mmpp2 { rate: [0.2, 1.4], leave: [0.01, 0.01] };
    Case {
        number: 14,
        name: "MMPP(0.2, 1.4; 0.01)/M/1".to_owned(),
        references: vec![("W", source.sojourn(1.0).expect(POSSIBLE))],
        model: Box::new(move |lasts, warm_up| {
            let mut model = example::single(1, Discipline::Fcfs, 1.0, exponential(), lasts, warm_up);
            model.generators[0].arrivals = Arrivals::Modulated { per_s: source.rate, change_per_s: source.leave };
            model
        }),
        measure: Box::new(|_, o| vec![present(o) / 0.8]),
        window: false,
        // sigma^2 = 0.8 + 0.8 + 2 x 1/4 x 1.2^2 / 0.02 = 37.6, m = 0.2: 2 sigma^2 / m^2 = 1880 s, by half more.
        relaxation_s: 2800.0,
        measured_s: 20e6,
        replications: 20,
        end_bias_s: 0.0,
    }
}

/// Jobs present at hours of the day where arrivals follow a sine and nobody waits. Each run ends at the hour in question and starts
/// 14 services before, of which e^-14 is left. The lag is taken from eight hours together: the part of the number that swings at a right
/// angle to the law's phase, over the amplitude.
fn wave(seed: u64, effort: Effort) -> Rows {
    const HOUR: f64 = 3600.0;
    let law = SineRate::new(100.0, 0.8, 24.0, 1.0).expect(POSSIBLE);
    let hours: Vec<f64> = (0..8).map(|k| law.peak_time() + 3.0 * f64::from(k)).collect();
    let model = move |hour: f64| -> Model<'static> {
        let mut model = example::empty(14.0 * HOUR, 0.0);
        model.start = Nanos(((24.0 + hour - 14.0) * HOUR * 1e9) as u64);
        let f = example::flow(&mut model, vec![example::delay(Distribution::exponential(HOUR), Vec::new())]);
        let rate = Rate::Wave { per_s: 100.0 / HOUR, swing: 0.8, period: Nanos::seconds(86_400) };
        example::arrivals(&mut model, f, Arrivals::Poisson(rate));
        model
    };
    let models: Vec<Model<'static>> = hours.iter().map(|h| model(*h)).collect();
    // A quarter of the period after the peak lag shifts most: d number / d lag = amplitude x angular velocity.
    let slope = (law.peak_number() - 100.0) * std::f64::consts::TAU / 24.0;
    let seed = seed_of(seed, 1500);
    let play = |replication: u32| -> Result<Vec<f64>, Box<Broken>> {
        let mut number = Vec::with_capacity(8);
        for (k, model) in models.iter().enumerate() {
            number.push(engine::run(model, seed, 8 * replication + k as u32)?.flows[0].present as f64);
        }
        // sum of cos^2 over eight equal steps is 4.
        let across: f64 = number.iter().enumerate().map(|(k, n)| n * libm::sin(std::f64::consts::TAU * k as f64 / 8.0)).sum::<f64>() / 4.0;
        Ok(vec![number[0], number[2], number[4], law.lag() + across / slope])
    };
    let references = [law.number_at(hours[0]), law.number_at(hours[2]), law.number_at(hours[4]), law.lag()];
    let what = ["L, 6.978 h", "L, 12.978 h", "L, 18.978 h", "lag, h"];
    let replications = if effort == Effort::Full { 1000 } else { 30 };
    let verdicts = super::two_stages(&references, replications, play)?;
    let row = |(i, v): (usize, &super::Verdict)| Row {
        number: 15,
        case: "M_t/M/inf, a day's sine".to_owned(),
        what: what[i].to_owned(),
        reference: references[i],
        ours: v.sample.mean,
        half_width: Some(v.sample.half_width),
        z: Some(v.z),
        replications: v.sample.replications,
        stage: v.stage,
        test: Test::Statistical,
        passes: v.passes,
        note: format!("5.17se {:.2}%, bias<0.001se", 517.0 * v.sample.error / references[i]),
    };
    Ok(verdicts.iter().enumerate().map(row).collect())
}

/// How often the 95 % interval of the mean sojourn covers it, on M/M/1 at load 0.9 in short runs.
fn achieved_coverage(seed: u64, effort: Effort) -> Rows {
    let runs = if effort == Effort::Full { 6000 } else { 300 };
    let model = example::single(1, Discipline::Fcfs, 0.9, exponential(), 4_400.0, 2_400.0);
    let seed = seed_of(seed, 2500);
    let values: Vec<f64> =
        (0..runs).into_par_iter().map(|r| Ok(present(&engine::run(&model, seed, r)?) / 0.9)).collect::<Result<_, Box<Broken>>>()?;
    let row = |each: usize| {
        let intervals: Vec<(f64, f64)> = values.chunks_exact(each).filter_map(|v| Summary::of(v).interval()).collect();
        let got = coverage(10.0, &intervals);
        let note = format!("in [{:.3}, {:.3}], 2000 s a run", got.low, got.high);
        let mut row = certain(25, "M/M/1 load 0.9, 95 % intervals", &format!("cover, R={each}"), 0.95, got.value, Test::Published, note);
        (row.replications, row.half_width) = (got.n as u32, Some((got.high - got.low) / 2.0));
        row
    };
    Ok(vec![row(10), row(30), quantiles(seed, effort)])
}

/// How often the interval of a p95 by order statistics covers it, on 500 independent exponential delays.
fn quantiles(seed: u64, effort: Effort) -> Row {
    let samples = if effort == Effort::Full { 4000 } else { 200 };
    let intervals: Vec<(f64, f64)> = (0..samples)
        .into_par_iter()
        .map(|r| {
            let (sampler, mut units) = (Sampler::new(&exponential()), stream(seed, "delays", "coverage", r));
            let mut delays = Delays::new();
            (0..500).for_each(|_| delays.record(Nanos((sampler.sample(&mut units) * 1e9) as u64)));
            delays.quantile(0.95).map_or((f64::NAN, f64::NAN), |q| (q.low_s, q.high_s))
        })
        .collect();
    let got = coverage(libm::log(20.0), &intervals);
    let note = format!("in [{:.3}, {:.3}], 500 delays each", got.low, got.high);
    let mut row = certain(25, "p95 by order statistics", "cover", 0.95, got.value, Test::Published, note);
    (row.replications, row.half_width) = (got.n as u32, Some((got.high - got.low) / 2.0));
    row
}
