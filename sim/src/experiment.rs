//! An experiment: the ordinary course and its cases, each in independent replications, held against each other.
//!
//! All cases of a replication meet the same luck (common random numbers): a job has the same work in each. Differences are taken pair by
//! pair. Replications and cases run in parallel and are reduced in order, so that no number of threads shows in any figure.

use models::demand::Demand;
use models::flow::{Case, Objective};
use models::plan::Figure;
use models::quantity::Nanos;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use crate::engine::outcome::{Bin, Broken, Outcome, Tally};
use crate::engine::prepare::Setting;
use crate::engine::{self};
use crate::measure::{Measures, PowerPoint, figure};
use crate::statistics::{Decision, Stopping, bonferroni, interval, paired};

/// How often an experiment is repeated.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Effort {
    /// Seed of all random streams.
    pub seed: u64,
    /// Replications; where there is a precision, the most.
    pub replications: u32,
    /// Replications go on until the 95th percentile of every flow's delay is known to this share of itself.
    pub precision: Option<f64>,
}

/// What an experiment found. Names, not ids, so that it stands alone as JSON.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Findings {
    /// The fleet that was played.
    pub fleet: String,
    /// Seed of all random streams.
    pub seed: u64,
    /// The ordinary course first, then each case.
    pub cases: Vec<CaseFindings>,
    /// What is to be said of it, a sentence each.
    pub notes: Vec<String>,
}

/// What a case found.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CaseFindings {
    /// Its name.
    pub name: String,
    /// A line for people.
    pub title: String,
    /// The case that it is held against.
    pub against: Option<String>,
    /// What is played: start, hours from the start of the horizon.
    pub from_h: f64,
    /// What is played: length, hours.
    pub lasts_h: f64,
    /// Replications.
    pub replications: u32,
    /// Why the first replication that did not reach its end stopped, and how many did not.
    pub unstable: Option<(String, u32)>,
    /// Jobs a replication.
    pub jobs: Figure,
    /// Events a replication.
    pub events: Figure,
    /// By flow.
    pub flows: Vec<FlowFindings>,
    /// By host that is on.
    pub hosts: Vec<HostFindings>,
    /// By guest that was down, or lacked CPU in some replication.
    pub guests: Vec<GuestFindings>,
    /// Power on the CVCF: peaks, mean, energy.
    pub power: Vec<Figure>,
    /// Power over time, in the first replication.
    pub power_series: Vec<PowerPoint>,
    /// Faults and what followed, in the first replication.
    pub log: Vec<LogLine>,
    /// Held against another case, flow by flow; empty where that one is played over another stretch of time.
    pub comparisons: Vec<Comparison>,
}

/// What a flow found in a case.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FlowFindings {
    /// Its name.
    pub name: String,
    /// A line for people.
    pub title: String,
    /// Jobs that arrived, a replication.
    pub arrived: Figure,
    /// Jobs served.
    pub served: Figure,
    /// Jobs lost.
    pub lost: Figure,
    /// Attempts put off.
    pub retried: Figure,
    /// Jobs still there at the end: they have no delay yet.
    pub left: Figure,
    /// Of those served, the share served later than promised, %.
    pub late: Option<Figure>,
    /// Mean delay, s.
    pub mean: Option<Figure>,
    /// Quantiles of the delay, s: each with the share that it stands for. One that some replication has too few jobs for is left out.
    pub quantiles: Vec<(f64, Figure)>,
    /// Jobs present on average.
    pub present: Figure,
    /// Expected wait of a job for a CPU none of which is idle, ms, besides the delay.
    pub dispatch_ms: Figure,
    /// What is promised, and whether it is kept.
    pub objective: Option<Promise>,
    /// Over time, all replications together.
    pub series: Vec<FlowPoint>,
}

/// A promise and its verdict.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Promise {
    /// The percentile.
    pub percentile: f64,
    /// The longest delay, s.
    pub within_s: f64,
    /// The percentile reached by those that were served, s; nothing where there were too few.
    pub reached: Option<Figure>,
    /// Share of jobs for which it was not kept, %: served late, lost, or still there and late already. Nothing where no job
    /// has been decided.
    pub missed: Option<Figure>,
    /// Whether it is kept.
    pub kept: Kept,
}

/// Whether a promise is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kept {
    /// The whole interval of the share that missed it is within what the percentile leaves.
    Yes,
    /// The whole interval is beyond that.
    No,
    /// The interval reaches over it, or there is none.
    Undecided,
}

/// A flow in a stretch of time.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FlowPoint {
    /// Start of the stretch, hours from the start of the horizon.
    pub hour: f64,
    /// Jobs that arrived, a replication.
    pub arrived: f64,
    /// Jobs served, a replication.
    pub served: f64,
    /// Jobs lost, a replication.
    pub lost: f64,
    /// Mean delay of those served in it, s.
    pub mean_s: Option<f64>,
    /// 95th percentile of the delay of those served in it, s, to 15 %.
    pub p95_s: Option<f64>,
}

/// A host in a case.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HostFindings {
    /// Its name.
    pub host: String,
    /// CPU given, % of its capacity.
    pub busy: Figure,
    /// Share of the time in which some guest got less CPU than it asked for, %.
    pub short: Figure,
    /// Time down, min.
    pub down: Figure,
}

/// A guest in a case.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GuestFindings {
    /// Its name.
    pub guest: String,
    /// CPU asked for and not given, % of what was asked for; like the next two nothing in a run of columns alone.
    pub steal: Option<Figure>,
    /// CPU given to it, core-hours of 1 GHz: its own work.
    pub own_ghz_h: Option<Figure>,
    /// And what the hypervisor spent for it.
    pub hypervisor_ghz_h: Option<Figure>,
    /// Time down, min.
    pub down: Figure,
    /// How often.
    pub outages: Figure,
}

/// A line of the log.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LogLine {
    /// When, ns from the start of the horizon.
    pub at_ns: u64,
    /// What.
    pub what: String,
}

/// A flow's delay in a case, less the same in the case that it is held against.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Comparison {
    /// The flow.
    pub flow: String,
    /// The difference of mean delays, replication by replication, with its 95 % interval, s.
    pub difference: Figure,
    /// The same of the 95th percentiles, which are known to 0.1 %; nothing where some replication has too few jobs.
    pub of_p95: Option<Figure>,
    /// The interval of `difference` at which those of all flows of the case hold together with 95 % (Bonferroni).
    pub together: Option<(f64, f64)>,
    /// That interval does not contain zero.
    pub moved: bool,
    /// How many times the replications independent runs would need; nothing where the difference is always the same.
    pub variance_reduction: Option<f64>,
}

/// An audit that a replication broke.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error("{broken}; case {case}, seed {seed}, replication {replication}: a defect of the engine, please report it")]
pub struct AuditFailed {
    /// The law and where it broke.
    pub broken: Broken,
    /// The case.
    pub case: String,
    /// The seed.
    pub seed: u64,
    /// The replication.
    pub replication: u32,
}

/// Quantiles of the delay that are shown.
const QUANTILES: [f64; 4] = [0.5, 0.95, 0.99, 0.999];

/// What is kept of a replication.
struct Sample {
    flows: Vec<FlowSample>,
    hosts: Vec<[f64; 3]>,
    guests: Vec<[f64; 5]>,
    measures: Option<Measures>,
    log: Vec<LogLine>,
    jobs: u64,
    events: u64,
    stopped: Option<String>,
}

struct FlowSample {
    arrived: f64,
    served: f64,
    lost: f64,
    retried: f64,
    left: f64,
    missed: Option<f64>,
    late: Option<f64>,
    mean: Option<f64>,
    quantiles: Vec<Option<f64>>,
    promised: Option<f64>,
    present: f64,
    dispatch_ms: f64,
    bins: Vec<Bin>,
}

impl Sample {
    fn of(outcome: Outcome, setting: &Setting<'_>, slice: Nanos) -> Self {
        let lasted = outcome.lasted;
        let objectives = |f: usize| setting.requests.flows.get(f).and_then(|x| x.objective);
        Self {
            flows: outcome
                .flows
                .into_iter()
                .enumerate()
                .map(|(f, tally)| {
                    let q = |q: f64| tally.delays.quantile(q).map(|x| x.value_s);
                    FlowSample {
                        arrived: tally.arrived as f64,
                        served: tally.served as f64,
                        lost: tally.lost as f64,
                        retried: tally.retried as f64,
                        left: tally.present as f64,
                        missed: share_missed(&tally),
                        late: (tally.served > 0).then(|| 100.0 * tally.late as f64 / tally.served as f64),
                        mean: tally.delays.mean(),
                        quantiles: QUANTILES.iter().map(|x| q(*x)).collect(),
                        promised: objectives(f).and_then(|o| q(o.percentile / 100.0)),
                        present: tally.mean_present(lasted),
                        dispatch_ms: 1000.0 * tally.dispatch_delay_s(slice),
                        bins: tally.bins,
                    }
                })
                .collect(),
            hosts: outcome.hosts.iter().map(|h| [100.0 * h.busy, 100.0 * h.short, h.down.as_seconds() / 60.0]).collect(),
            guests: outcome
                .guests
                .iter()
                .map(|g| {
                    let given = g.given_khz_s / 1e6 / 3600.0;
                    let own = given / (1.0 + g.overhead);
                    [100.0 * g.steal(), own, given - own, g.down.as_seconds() / 60.0, f64::from(g.outages)]
                })
                .collect(),
            measures: outcome.measures,
            log: outcome.log.into_iter().map(|l| LogLine { at_ns: l.at.0, what: l.what }).collect(),
            jobs: outcome.jobs,
            events: outcome.events,
            stopped: outcome.stopped.map(|s| s.to_string()),
        }
    }
}

/// The share of jobs whose promise was not kept, %, among those of which that is known: served late, lost, or present and late already.
fn share_missed(tally: &Tally) -> Option<f64> {
    let known = tally.served + tally.lost + tally.overdue;
    (known > 0).then(|| 100.0 * (tally.late + tally.lost + tally.overdue) as f64 / known as f64)
}

/// Plays the ordinary course and these cases on one fleet.
///
/// # Errors
/// An audit that does not hold: a defect of the engine.
pub fn play(setting: &Setting<'_>, cases: &[Case], fleet: &str, effort: Effort) -> Result<Findings, Box<AuditFailed>> {
    // A case that is held against another brings that one along.
    let all = &setting.requests.cases;
    let mut wanted: Vec<usize> = (0..all.len()).filter(|i| cases.iter().any(|c| c.name == all[*i].name)).collect();
    let mut i = 0;
    while i < wanted.len() {
        if let Some(a) = all[wanted[i]].against.filter(|a| !wanted.contains(a)) {
            wanted.push(a);
        }
        i += 1;
    }
    wanted.sort_unstable();
    let played: Vec<Option<&Case>> = std::iter::once(None).chain(wanted.iter().map(|i| Some(&all[*i]))).collect();
    let mut samples: Vec<Vec<Sample>> = played.iter().map(|_| Vec::new()).collect();
    let mut rule = Precision::new(effort);
    loop {
        let more = rule.more(&samples[0]);
        if more == 0 {
            break;
        }
        let from = samples[0].len() as u32;
        let new: Vec<Vec<Sample>> =
            (from..from + more).into_par_iter().map(|r| replicate(setting, &played, effort.seed, r)).collect::<Result<_, _>>()?;
        for replication in new {
            samples.iter_mut().zip(replication).for_each(|(to, sample)| to.push(sample));
        }
    }
    let position = |case: usize| 1 + wanted.iter().position(|w| *w == case).expect("a case's other comes with it");
    let findings = played.iter().zip(&samples).map(|(case, own)| {
        let with = Setting { case: *case, ..*setting };
        let against = case.map(|c| c.against.map_or(0, position));
        let other = against.map(|a| {
            let there = Setting { case: played[a], ..*setting };
            // Delays of an hour are not held against delays of a day.
            let same = there.stretch() == with.stretch();
            (played[a].map_or(ORDINARY, |c| c.name.as_str()), if same { samples[a].as_slice() } else { &[] })
        });
        case_findings(&with, own, other)
    });
    let cases: Vec<CaseFindings> = findings.collect();
    let notes = notes(&cases, effort);
    Ok(Findings { fleet: fleet.to_owned(), seed: effort.seed, cases, notes })
}

/// What the figures alone do not say: a precision that was not reached, and work that piles up.
fn notes(cases: &[CaseFindings], effort: Effort) -> Vec<String> {
    let mut all = Vec::new();
    if let (Some(asked), Some(ordinary)) = (effort.precision, cases.first()) {
        let missed: Vec<String> = ordinary
            .flows
            .iter()
            .filter_map(|f| {
                let p95 = &f.quantiles.iter().find(|(q, _)| *q == 0.95)?.1;
                let (low, high) = p95.interval?;
                let share = (high - low) / 2.0 / p95.value;
                (share > asked).then(|| format!("{} (±{:.1} %)", f.name, 100.0 * share))
            })
            .collect();
        if !missed.is_empty() {
            let n = ordinary.replications;
            all.push(format!("{n} replications do not give the precision of {} % asked for: {}", 100.0 * asked, missed.join(", ")));
        }
    }
    for case in cases.iter().filter(|c| c.unstable.is_none()) {
        // More than a twentieth is still there, and more than was there on average: a queue that grows all the time ends at twice its
        // mean, what waits for a window does not. Then delays measure the length of the run.
        let piles = |f: &&FlowFindings| {
            let left = f.left.value;
            left > 100.0 && left > 0.05 * (f.served.value + f.lost.value + left) && left > 1.5 * f.present.value
        };
        let named: Vec<String> = case.flows.iter().filter(piles).map(|f| format!("{} {:.0}", f.name, f.left.value)).collect();
        if !named.is_empty() {
            all.push(format!(
                "{}: work piles up and is still there at the end (jobs: {}): delays of these are those of the jobs that got through, and grow with \
                 the length of the run",
                case.name,
                named.join(", ")
            ));
        }
    }
    all
}

/// The name of the ordinary course.
pub const ORDINARY: &str = "ordinary";

/// One replication of every case, on the same columns.
fn replicate(setting: &Setting<'_>, played: &[Option<&Case>], seed: u64, replication: u32) -> Result<Vec<Sample>, Box<AuditFailed>> {
    let mut backgrounds: [Option<Demand>; 2] = [None, None];
    for case in played {
        let with = Setting { case: *case, ..*setting };
        backgrounds[usize::from(with.columns_only())].get_or_insert_with(|| with.background(seed, replication));
    }
    played
        .iter()
        .map(|case| {
            let with = Setting { case: *case, ..*setting };
            let background = backgrounds[usize::from(with.columns_only())].as_ref().expect("made above");
            let model = with.model(background);
            let slice = model.slice;
            let outcome = engine::run(&model, seed, replication).map_err(|broken| {
                let case = case.map_or(ORDINARY, |c| &c.name).to_owned();
                Box::new(AuditFailed { broken: *broken, case, seed, replication })
            })?;
            Ok(Sample::of(outcome, &with, slice))
        })
        .collect()
}

/// When there are enough replications.
struct Precision {
    effort: Effort,
    rules: Vec<Stopping>,
}

impl Precision {
    fn new(effort: Effort) -> Self {
        Self { effort, rules: Vec::new() }
    }

    /// How many more replications are to be made.
    fn more(&mut self, ordinary: &[Sample]) -> u32 {
        let done = ordinary.len() as u32;
        let Some(relative) = self.effort.precision else {
            return self.effort.replications.max(1) - done.min(self.effort.replications.max(1));
        };
        let flows = ordinary.first().map_or(1, |s| s.flows.len().max(1));
        self.rules.resize_with(flows.max(self.rules.len()), || Stopping::new(relative, self.effort.replications));
        let values = |f: usize| -> Vec<f64> { ordinary.iter().filter_map(|s| s.flows.get(f)?.quantiles[1]).collect() };
        let asked = (0..flows).map(|f| {
            let known = values(f);
            // A flow with too few jobs for its percentile has nothing to wait for.
            if done > 0 && known.len() < ordinary.len() {
                return 0;
            }
            match self.rules[f].next(&known) {
                Decision::More(n) => n,
                Decision::Enough | Decision::GaveUp => 0,
            }
        });
        asked.max().unwrap_or(0).min(self.effort.replications - done.min(self.effort.replications))
    }
}

fn over(samples: &[Sample], name: &str, unit: &str, of: impl Fn(&Sample) -> f64) -> Figure {
    figure(name, unit, &samples.iter().map(of).collect::<Vec<_>>())
}

/// A figure that every replication must have.
fn over_all(samples: &[Sample], name: &str, unit: &str, of: impl Fn(&Sample) -> Option<f64>) -> Option<Figure> {
    let values: Option<Vec<f64>> = samples.iter().map(of).collect();
    values.map(|v| figure(name, unit, &v))
}

fn case_findings(setting: &Setting<'_>, samples: &[Sample], other: Option<(&str, &[Sample])>) -> CaseFindings {
    let (start, lasts) = setting.stretch();
    let (site, requests) = (setting.site, setting.requests);
    let flows: &[models::flow::Flow] = if setting.columns_only() { &[] } else { &requests.flows };
    let hosts = (0..site.hosts.len()).filter(|h| setting.placement.on[*h]).map(|h| HostFindings {
        host: site.hosts[h].name.clone(),
        busy: over(samples, "CPU given", "%", |s| s.hosts[h][0]),
        short: over(samples, "time short of CPU", "%", |s| s.hosts[h][1]),
        down: over(samples, "time down", "min", |s| s.hosts[h][2]),
    });
    // Without jobs a guest's own CPU is kept account of only while somebody boots.
    let with_jobs = !setting.columns_only();
    let troubled = |g: &usize| samples.iter().any(|s| (with_jobs && s.guests[*g][0] > 0.05) || s.guests[*g][3] > 0.0);
    let guests = (0..site.guests.len()).filter(troubled).map(|g| GuestFindings {
        guest: site.guests[g].name.clone(),
        steal: with_jobs.then(|| over(samples, "steal", "%", |s| s.guests[g][0])),
        own_ghz_h: with_jobs.then(|| over(samples, "own CPU", "GHz h", |s| s.guests[g][1])),
        hypervisor_ghz_h: with_jobs.then(|| over(samples, "the hypervisor's CPU for it", "GHz h", |s| s.guests[g][2])),
        down: over(samples, "time down", "min", |s| s.guests[g][3]),
        outages: over(samples, "outages", "", |s| s.guests[g][4]),
    });
    let power = |name: &str, unit: &str, of: &dyn Fn(&Measures) -> f64| over_all(samples, name, unit, |s| s.measures.as_ref().map(of));
    let stopped: Vec<&String> = samples.iter().filter_map(|s| s.stopped.as_ref()).collect();
    CaseFindings {
        name: setting.case.map_or(ORDINARY, |c| &c.name).to_owned(),
        title: setting.case.map_or("the ordinary course", |c| &c.title).to_owned(),
        against: other.map(|o| o.0.to_owned()),
        from_h: start.hours(),
        lasts_h: lasts.hours(),
        replications: samples.len() as u32,
        unstable: stopped.first().map(|s| ((*s).clone(), stopped.len() as u32)),
        jobs: over(samples, "jobs", "", |s| s.jobs as f64),
        events: over(samples, "events", "", |s| s.events as f64),
        flows: flows.iter().enumerate().map(|(f, flow)| flow_findings(flow, f, samples, start, requests.bin)).collect(),
        hosts: hosts.collect(),
        guests: guests.collect(),
        power: [
            power("peak apparent power", "kVA", &|m| m.site.peak_va.get() / 1000.0),
            power("peak real power", "kW", &|m| m.site.peak_w.get() / 1000.0),
            power("mean real power", "kW", &|m| m.site.mean_w.get() / 1000.0),
            power("energy", "kWh", &|m| m.site.energy_wh.get() / 1000.0),
        ]
        .into_iter()
        .flatten()
        .collect(),
        power_series: samples.first().and_then(|s| s.measures.as_ref()).map(|m| m.site.series.clone()).unwrap_or_default(),
        log: samples.first().map(|s| s.log.clone()).unwrap_or_default(),
        comparisons: other.filter(|(_, o)| !o.is_empty()).map(|(_, o)| comparisons(flows, samples, o)).unwrap_or_default(),
    }
}

fn flow_findings(flow: &models::flow::Flow, f: usize, samples: &[Sample], start: Nanos, bin: Nanos) -> FlowFindings {
    let count = |name: &str, of: &dyn Fn(&FlowSample) -> f64| over(samples, name, "", |s| of(&s.flows[f]));
    let quantile = |(i, q): (usize, &f64)| {
        over_all(samples, &format!("delay, {} %", q * 100.0), "s", |s| s.flows[f].quantiles[i]).map(|figure| (*q, figure))
    };
    let n = samples.len() as f64;
    let mut bins = samples.first().map(|s| s.flows[f].bins.clone()).unwrap_or_default();
    for s in samples.iter().skip(1) {
        bins.iter_mut().zip(&s.flows[f].bins).for_each(|(a, b)| a.merge(b));
    }
    FlowFindings {
        name: flow.name.clone(),
        title: flow.title.clone(),
        arrived: count("jobs arrived", &|s| s.arrived),
        served: count("jobs served", &|s| s.served),
        lost: count("jobs lost", &|s| s.lost),
        retried: count("attempts put off", &|s| s.retried),
        left: count("jobs left at the end", &|s| s.left),
        late: flow.objective.and_then(|_| over_all(samples, "served late", "%", |s| s.flows[f].late)),
        mean: over_all(samples, "mean delay", "s", |s| s.flows[f].mean),
        quantiles: QUANTILES.iter().enumerate().filter_map(quantile).collect(),
        present: count("jobs present", &|s| s.present),
        dispatch_ms: over(samples, "wait for a core", "ms", |s| s.flows[f].dispatch_ms),
        objective: flow.objective.map(|o| promise(o, samples, f)),
        series: bins
            .iter()
            .enumerate()
            .map(|(i, b)| FlowPoint {
                hour: Nanos(start.0 + bin.0 * i as u64).hours(),
                arrived: b.arrived as f64 / n,
                served: b.served as f64 / n,
                lost: b.lost as f64 / n,
                mean_s: b.mean_s(),
                p95_s: b.quantile_s(0.95),
            })
            .collect(),
    }
}

fn promise(o: Objective, samples: &[Sample], f: usize) -> Promise {
    let name = format!("delay, {} %", o.percentile);
    let reached = over_all(samples, &name, "s", |s| s.flows[f].promised);
    let within_s = o.within.as_seconds();
    let missed = over_all(samples, "promise missed", "%", |s| s.flows[f].missed);
    let may = 100.0 - o.percentile;
    let kept = match missed.as_ref().and_then(|m| m.interval) {
        Some((_, high)) if high <= may => Kept::Yes,
        Some((low, _)) if low > may => Kept::No,
        _ => Kept::Undecided,
    };
    Promise { percentile: o.percentile, within_s, reached, missed, kept }
}

fn comparisons(flows: &[models::flow::Flow], own: &[Sample], other: &[Sample]) -> Vec<Comparison> {
    let both = |f: usize, of: &dyn Fn(&FlowSample) -> Option<f64>| -> Option<(Vec<f64>, Vec<f64>)> {
        let values = |samples: &[Sample]| -> Option<Vec<f64>> { samples.iter().map(|s| of(s.flows.get(f)?)).collect() };
        Some((values(own)?, values(other)?))
    };
    let confidence = bonferroni((flows.len() as u32).max(1));
    let change = |name: &str, a: &[f64], b: &[f64]| {
        let pair = paired(a, b);
        let interval = pair.difference.interval();
        let name = format!("change of {name}");
        (Figure { name, value: pair.difference.mean, unit: "s".into(), interval, count: a.len() as u32 }, pair.variance_reduction)
    };
    let one = |(f, flow): (usize, &models::flow::Flow)| {
        let (a, b) = both(f, &|s| s.mean)?;
        let (difference, variance_reduction) = change("mean delay", &a, &b);
        let differences: Vec<f64> = a.iter().zip(&b).map(|(a, b)| a - b).collect();
        let together = interval(&differences, confidence);
        Some(Comparison {
            flow: flow.name.clone(),
            difference,
            of_p95: both(f, &|s| s.quantiles[1]).map(|(a, b)| change("delay, 95 %", &a, &b).0),
            together,
            moved: together.is_some_and(|(low, high)| low > 0.0 || high < 0.0),
            variance_reduction,
        })
    };
    flows.iter().enumerate().filter_map(one).collect()
}
