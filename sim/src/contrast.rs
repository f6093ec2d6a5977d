//! A case of the request level against the course that it is held against: how many times longer delays are, and what part
//! virtual I/O has in it.
//!
//! Only the case and that course are played, on one fleet, so that it takes seconds. Both meet the same luck, replication
//! by replication; ratios are taken within a replication, and averaged over flows and replications as logarithms. A
//! percentile is of those who were served: who is lost is told beside.

use models::estimate::Estimate;
use models::flow::{HypervisorCosts, Requests, VirtualIo};
use models::study::case_delay::CaseDelay;
use models::study::{Answer, Figure, Study};
use rayon::prelude::*;

use crate::engine;
use crate::engine::prepare::Setting;
use crate::experiment::{AuditFailed, ORDINARY};
use crate::statistics::interval;

/// The percentile of a flow that promises none.
const PERCENTILE: f64 = 95.0;

/// The figure that published words are held against.
const FACTOR: &str = "delay factor";

/// What is seen of a flow in one play.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Seen {
    /// The percentile of the delay, s; nothing where too few were served.
    delay_s: Option<f64>,
    arrived: f64,
    lost: f64,
}

/// One replication, by flow: of the course and of the case.
type Pair = [Vec<Seen>; 2];

/// Answers the study; nothing where it names a case or flow that the request level does not have.
///
/// # Errors
/// An audit that does not hold: a defect of the engine.
pub fn answer(it: &CaseDelay, study: &Study, setting: &Setting<'_>, seed: u64) -> Result<Option<Answer>, Box<AuditFailed>> {
    let requests = setting.requests;
    let Some(case) = requests.cases.iter().position(|c| c.name == it.case) else { return Ok(None) };
    let named = |name: &String| requests.flows.iter().position(|f| f.name == *name);
    let promising = || (0..requests.flows.len()).filter(|f| requests.flows[*f].objective.is_some());
    let flows: Option<Vec<usize>> = if it.flows.is_empty() { Some(promising().collect()) } else { it.flows.iter().map(named).collect() };
    let Some(flows) = flows else { return Ok(None) };
    let mut answer = Answer::to(study, &["driver_domain"]);
    let against = requests.cases[case].against;
    let of = |case: Option<usize>| Setting { case: case.map(|c| &requests.cases[c]), ..*setting };
    if of(Some(case)).stretch() != of(against).stretch() || of(Some(case)).columns_only() || of(against).columns_only() || flows.is_empty()
    {
        let why = "the case and what it is held against do not play the same flows over the same time";
        answer.cannot_say.push((FACTOR.into(), why.into()));
        return Ok(Some(answer));
    }
    let io = requests.hypervisor.virtual_io;
    let costs = |virtual_io: VirtualIo| Requests { hypervisor: HypervisorCosts { virtual_io, ..requests.hypervisor }, ..requests.clone() };
    let nothing = VirtualIo { weight: io.weight, ..VirtualIo::default() };
    let (low, high, without) = (costs(io.at(|r| r.low)), costs(io.at(|r| r.high)), costs(nothing));
    // With each end of what passing on may cost, and with none of it, where that is something else.
    let is_ranged = io.at(|r| r.low) != io.at(|r| r.high);
    let mut levels: Vec<&Requests> = vec![requests];
    if is_ranged {
        levels.extend([&low, &high]);
    }
    let is_passed_on = io != nothing;
    if is_passed_on {
        levels.push(&without);
    }
    let (start, _) = of(Some(case)).stretch();
    let windows: Vec<Setting<'_>> =
        std::iter::once(*setting).chain(it.first.map(|lasts| Setting { window: Some((start, lasts)), ..*setting })).collect();
    let played: Vec<Vec<Vec<Pair>>> = (0..it.replications)
        .into_par_iter()
        .map(|replication| {
            let background = setting.background(seed, replication);
            let play = |setting: &Setting<'_>, level: &Requests, case: Option<usize>| -> Result<Vec<Seen>, Box<AuditFailed>> {
                let with = Setting { requests: level, case: case.map(|c| &level.cases[c]), ..*setting };
                let outcome = engine::run(&with.model(&background), seed, replication).map_err(|broken| {
                    let case = case.map_or(ORDINARY, |c| &level.cases[c].name).to_owned();
                    Box::new(AuditFailed { broken: *broken, case, seed, replication })
                })?;
                let stopped = outcome.stopped.is_some();
                let seen = flows.iter().map(|f| {
                    let tally = &outcome.flows[*f];
                    let delay = tally.delays.quantile(percentile(requests, *f) / 100.0).filter(|_| !stopped);
                    Seen { delay_s: delay.map(|q| q.value_s), arrived: tally.arrived as f64, lost: tally.lost as f64 }
                });
                Ok(seen.collect())
            };
            let pairs = |setting: &Setting<'_>| -> Result<Vec<Pair>, Box<AuditFailed>> {
                levels.iter().map(|level| Ok([play(setting, level, against)?, play(setting, level, Some(case))?])).collect()
            };
            windows.iter().map(pairs).collect()
        })
        .collect::<Result<_, Box<AuditFailed>>>()?;
    for window in 0..windows.len() {
        let of = |level: usize| -> Vec<&Pair> { played.iter().map(|replication| &replication[window][level]).collect() };
        let seen = Found {
            given: of(0),
            ends: if is_ranged { vec![of(1), of(2)] } else { Vec::new() },
            without: is_passed_on.then(|| of(levels.len() - 1)),
        };
        let during = it.first.filter(|_| window > 0).map(|first| first.as_seconds());
        seen.tell(&mut answer, requests, &flows, during);
    }
    answer.say("a byte costs the same in any request here: what a request costs whatever its size is left out".to_owned());
    Ok(Some(answer))
}

fn percentile(requests: &Requests, flow: usize) -> f64 {
    requests.flows[flow].objective.map_or(PERCENTILE, |o| o.percentile)
}

/// What was found over one stretch of time, replication by replication.
struct Found<'a> {
    /// With what passing on costs.
    given: Vec<&'a Pair>,
    /// With the least and the most that it may cost.
    ends: Vec<Vec<&'a Pair>>,
    /// With none of it.
    without: Option<Vec<&'a Pair>>,
}

impl Found<'_> {
    fn tell(&self, answer: &mut Answer, requests: &Requests, flows: &[usize], during_s: Option<f64>) {
        let n = self.given.len();
        let when = during_s.map_or_else(String::new, |s| format!(" of the first {s:.0} s"));
        let figure = |what: &str, value: Estimate, unit: &str, how: String, count: Option<u32>| Figure {
            name: format!("{what}{when}"),
            value,
            unit: unit.into(),
            fitted: 0,
            how,
            count,
        };
        let over = || format!("{n} replications of the engine, the same luck in both");
        let Some(by_flow) = logs(&self.given) else {
            let why = "some replication serves too few for the percentile, or was stopped as unstable";
            answer.cannot_say.push((format!("{FACTOR}{when}"), why.into()));
            return;
        };
        let given = factor(&by_flow);
        // Its range: of chance, or of what passing on may cost where that is wider. Both at once would let a few replications reach far.
        let ends: Vec<Estimate> = self.ends.iter().filter_map(|end| logs(end).map(|l| factor(&l))).collect();
        if ends.is_empty() {
            answer.figures.push(figure(FACTOR, given, "times", over(), Some(n as u32)));
        } else {
            let ranged = Estimate {
                value: given.value,
                low: ends.iter().fold(given.low, |x, e| x.min(e.value)),
                high: ends.iter().fold(given.high, |x, e| x.max(e.value)),
            };
            let how = format!("chance over {n} replications, or the least and most that I/O may cost");
            answer.figures.push(figure(FACTOR, ranged, "times", how, None));
        }
        if let Some(without) = self.without.as_ref().and_then(|w| logs(w)).map(|l| factor(&l)) {
            answer.figures.push(figure("delay factor, I/O for nothing", without, "times", over(), Some(n as u32)));
            let over_what = during_s.map_or_else(|| "over all that is played".to_owned(), |s| format!("over the first {s:.0} s"));
            answer.say(format!(
                "{over_what} the {}th percentile of the delay is {:.1} times as long ({:.1} to {:.1} by chance); sharing the CPU alone makes it \
                 {:.1} times, and passing on I/O the rest",
                percentile(requests, flows[0]),
                given.value,
                given.low,
                given.high,
                without.value
            ));
        }
        if during_s.is_some() {
            return;
        }
        if flows.len() > 1 {
            let of = |f: usize| by_flow.iter().map(|flows| flows[f]).collect::<Vec<f64>>();
            let worst = (0..flows.len()).max_by(|a, b| mean(&of(*a)).total_cmp(&mean(&of(*b)))).unwrap_or(0);
            answer.figures.push(figure("delay factor of the worst flow", exp(&of(worst)), "times", over(), Some(n as u32)));
            answer.say(format!("the worst flow is {}", requests.flows[flows[worst]].name));
        }
        for (side, what) in ["delay held against", "delay in the case"].into_iter().enumerate() {
            let of = |p: &&Pair| mean(&p[side].iter().map(|s| s.delay_s.map_or(f64::NAN, libm::log)).collect::<Vec<_>>());
            let delays: Vec<f64> = self.given.iter().map(of).collect();
            answer.figures.push(figure(what, exp(&delays), "s", over(), Some(n as u32)));
        }
        let lost = |p: &&Pair| {
            let sum = |of: &dyn Fn(&Seen) -> f64| p[1].iter().map(of).sum::<f64>();
            100.0 * sum(&|s| s.lost) / sum(&|s| s.arrived).max(1.0)
        };
        let lost: Vec<f64> = self.given.iter().map(lost).collect();
        let (low, high) = interval(&lost, 0.95).unwrap_or((mean(&lost), mean(&lost)));
        let lost = Estimate { value: mean(&lost), low: low.max(0.0), high };
        answer.figures.push(figure("lost in the case", lost, "%", over(), Some(n as u32)));
    }
}

/// By replication and flow: the logarithm of the ratio. Nothing where some percentile is missing.
fn logs(pairs: &[&Pair]) -> Option<Vec<Vec<f64>>> {
    let ratio = |(a, b): (&Seen, &Seen)| Some(libm::log(b.delay_s.filter(|x| *x > 0.0)? / a.delay_s.filter(|x| *x > 0.0)?));
    pairs.iter().map(|[before, after]| before.iter().zip(after).map(ratio).collect()).collect()
}

/// Over flows in each replication, and then over replications.
fn factor(by_flow: &[Vec<f64>]) -> Estimate {
    exp(&by_flow.iter().map(|flows| mean(flows)).collect::<Vec<_>>())
}

fn mean(of: &[f64]) -> f64 {
    of.iter().sum::<f64>() / of.len() as f64
}

/// The mean of logarithms and its 95 % interval, back from the logarithm.
fn exp(logs: &[f64]) -> Estimate {
    let mean = mean(logs);
    let (low, high) = interval(logs, 0.95).unwrap_or((mean, mean));
    Estimate { value: libm::exp(mean), low: libm::exp(low), high: libm::exp(high) }
}
