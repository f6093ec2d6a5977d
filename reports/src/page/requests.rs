//! What was played at request level: the ordinary course, then each case against it.

use models::plan::Figure;
use serde::Serialize;
use sim::experiment::{CaseFindings, Comparison, Findings, FlowFindings, FlowPoint, GuestFindings, Kept, ORDINARY};

use super::{Chart, SCREEN_ONLY, chart};
use crate::Error;
use crate::course::{self, Said, amount, delay, quantile};
use crate::plot::course::{Course, Scale, Trace};
use crate::plot::dots::{Dots, Row as DotRow};
use crate::plot::{Ink, Width};
use crate::run::Run;
use crate::say;

/// Most small charts of a case.
const MOST_SMALL: usize = 8;

/// Most rows of the chart of changes.
const MOST_DOTS: usize = 40;

/// Rows or lines from which a table or a log is folded.
const FOLD: usize = 12;

/// Most lines of a log that the page holds.
const MOST_LOG: usize = 1000;

/// Quantiles of the table: the head, the share.
const QUANTILES: [(&str, f64); 4] = [("median", 0.5), ("p95", 0.95), ("p99", 0.99), ("p99.9", 0.999)];

/// A share of time or of CPU in %, from which it is shown.
const SHOWN_PERCENT: f64 = 0.05;

/// Shares of time or CPU that differ by less than this many points are told once.
const SAME_PERCENT: f64 = 0.5;

/// What was played on one fleet.
#[derive(Serialize)]
pub(super) struct Played {
    fleet: String,
    played: String,
    sure: String,
    notes: Vec<String>,
    heads: Vec<&'static str>,
    cases: Vec<Case>,
}

/// The ordinary course or a case.
#[derive(Serialize)]
struct Case {
    name: String,
    title: String,
    ordinary: bool,
    /// What it is held against.
    against: String,
    facts: String,
    unstable: Option<(String, String)>,
    promises: String,
    flows: Vec<Flow>,
    moved: Vec<Moved>,
    counts: String,
    joint: bool,
    lost: Vec<Lost>,
    lost_before: bool,
    guests: Vec<Guest>,
    hosts: Vec<Host>,
    power: Vec<Power>,
    power_before: bool,
    log: Vec<(String, String)>,
    log_rest: usize,
    log_fold: bool,
    fold_guests: bool,
    fold_hosts: bool,
    screen_only: bool,
    changes: Option<Chart>,
    /// The first case with changes says how they are read.
    explain: bool,
    small: Vec<Small>,
    arrivals: Option<(String, Chart)>,
    power_chart: Option<Chart>,
    keys: Vec<(&'static str, String)>,
}

/// A value and its interval.
#[derive(Serialize)]
struct Cell {
    value: String,
    note: String,
}

/// A flow in the ordinary course.
#[derive(Serialize)]
struct Flow {
    name: String,
    title: String,
    cells: Vec<Cell>,
    promise: Option<Promised>,
}

#[derive(Serialize)]
struct Promised {
    word: &'static str,
    class: &'static str,
    text: String,
}

/// A flow that moved.
#[derive(Serialize)]
struct Moved {
    name: String,
    /// The change of the 95th percentile.
    p95: Cell,
    before: Cell,
    after: Cell,
    change: Cell,
    together: String,
    variance: String,
}

/// What a flow lost.
#[derive(Serialize)]
struct Lost {
    name: String,
    lost: Cell,
    share: String,
    before: Cell,
}

#[derive(Serialize)]
struct Guest {
    name: String,
    down: Cell,
    outages: Cell,
    steal: Cell,
    own: Cell,
    hypervisor: Cell,
}

#[derive(Serialize)]
struct Host {
    name: String,
    busy: Cell,
    short: Cell,
    down: Cell,
    bad: bool,
}

#[derive(Serialize)]
struct Power {
    name: String,
    unit: String,
    value: Cell,
    before: Cell,
}

/// A small chart.
#[derive(Serialize)]
struct Small {
    title: String,
    note: String,
    svg: String,
}

pub(super) fn view(run: &Run) -> Result<Vec<Played>, Error> {
    run.requests.iter().map(played).collect()
}

fn played(findings: &Findings) -> Result<Played, Error> {
    let n = findings.cases.first().map_or(0, |c| c.replications);
    let sure = if n > 1 {
        format!("Means over independent replications with the 95 % confidence interval of the mean (Student's t), n = {n}.")
    } else {
        "One replication, no interval.".into()
    };
    let mut cases: Vec<Case> = findings.cases.iter().enumerate().map(|(i, c)| case(findings, c, i == 0)).collect::<Result<_, _>>()?;
    if let Some(first) = cases.iter_mut().find(|c| !c.moved.is_empty()).map(|c| &mut c.explain) {
        *first = true;
    }
    Ok(Played {
        fleet: findings.fleet.clone(),
        notes: findings.notes.clone(),
        played: course::played(findings, true),
        sure,
        heads: QUANTILES.iter().map(|q| q.0).collect(),
        cases,
    })
}

fn cell(said: &Said) -> Cell {
    Cell { value: said.plain(), note: said.interval() }
}

fn missing(note: &str) -> Cell {
    Cell { value: "–".into(), note: note.into() }
}

fn case(findings: &Findings, case: &CaseFindings, ordinary: bool) -> Result<Case, Error> {
    let other = course::other(findings, case);
    let beside = other.filter(|o| course::same_stretch(case, o));
    let against = case.against.as_deref().map(course::course).unwrap_or_default();
    let of_moved = course::moved(case, other);
    let day = course::needs_day(case);
    let first = findings.cases.first();
    let mut facts = Vec::new();
    if first.is_none_or(|f| !course::same_stretch(f, case)) {
        facts.push(format!("Played {}.", course::stretch(case)));
    }
    if first.is_none_or(|f| f.replications != case.replications) {
        facts.push(format!("{}.", say::some(u64::from(case.replications), "replication", "replications")));
    }
    if case.flows.is_empty() {
        facts.push("Only columns of load were played, no jobs.".into());
    } else if !ordinary {
        facts.push(format!("{} jobs a replication.", amount(&case.jobs, "").ranged()));
    }
    if case.against.as_deref().is_some_and(|a| a != ORDINARY) {
        facts.push(format!("Held against {against}."));
    }
    if other.is_some() && beside.is_none() && !case.flows.is_empty() {
        facts.push(format!("Played over another stretch than {against}, so that curves stand alone."));
    }
    let (kept, promised, open) = course::promises(case);
    let not: Vec<&str> = open.iter().filter(|(_, p)| p.kept == Kept::No).map(|(f, _)| f.name.as_str()).collect();
    let unsure: Vec<&str> = open.iter().filter(|(_, p)| p.kept == Kept::Undecided).map(|(f, _)| f.name.as_str()).collect();
    let mut promises =
        if promised > 0 { format!("{kept} of {} kept", say::some(promised as u64, "promise", "promises")) } else { String::new() };
    if !not.is_empty() {
        promises += &format!("; not kept: {}", not.join(", "));
    }
    if !unsure.is_empty() {
        promises += &format!("; undecided: {}", unsure.join(", "));
    }
    // What lacks CPU in the other case as much as in this one is told there.
    let maybe = |f: Option<&Figure>| f.map_or_else(|| missing(""), |x| cell(&amount(x, "")));
    let steal = |g: &GuestFindings| g.steal.as_ref().map_or(0.0, |s| s.value);
    let lacks_as_much = |name: &str, now: f64| {
        let then = other.and_then(|o| o.guests.iter().find(|x| x.guest == name)).map(steal);
        !ordinary && then.is_some_and(|then| (now - then).abs() < SAME_PERCENT)
    };
    let short_as_much = |name: &str, now: f64| {
        let then = other.and_then(|o| o.hosts.iter().find(|x| x.host == name)).map(|x| x.short.value);
        !ordinary && then.is_some_and(|then| (now - then).abs() < SAME_PERCENT)
    };
    let guests: Vec<Guest> = case
        .guests
        .iter()
        .filter(|g| g.down.value > 0.0 || !lacks_as_much(&g.guest, steal(g)))
        .map(|g| Guest {
            name: g.guest.clone(),
            down: cell(&amount(&g.down, "")),
            outages: cell(&amount(&g.outages, "")),
            steal: maybe(g.steal.as_ref()),
            own: maybe(g.own_ghz_h.as_ref()),
            hypervisor: maybe(g.hypervisor_ghz_h.as_ref()),
        })
        .collect();
    let hosts: Vec<Host> = case
        .hosts
        .iter()
        .filter(|h| h.down.value > 0.0 || (h.short.value > SHOWN_PERCENT && !short_as_much(&h.host, h.short.value)))
        .map(|h| Host {
            name: h.host.clone(),
            busy: cell(&amount(&h.busy, "")),
            short: cell(&amount(&h.short, "")),
            down: cell(&amount(&h.down, "")),
            bad: h.short.value > SHOWN_PERCENT,
        })
        .collect();
    let before = |name: &str| other.and_then(|o| o.power.iter().find(|p| p.name == name));
    let power = |p: &Figure| Power {
        name: p.name.clone(),
        unit: p.unit.clone(),
        value: cell(&amount(p, "")),
        before: before(&p.name).map_or_else(|| missing(""), |b| cell(&amount(b, ""))),
    };
    let mut keys = Vec::new();
    let (changes, small, arrivals, power_chart) = if ordinary {
        (None, spikes(case)?, None, power_course(case, None)?)
    } else {
        (
            changes(case, other)?,
            of_moved.iter().take(MOST_SMALL).filter_map(|c| small(case, beside, c).transpose()).collect::<Result<_, _>>()?,
            arrivals(case, beside)?,
            power_course(case, beside)?,
        )
    };
    if ordinary && !small.is_empty() {
        keys.push(("case", "served; p95 of the delay".into()));
        keys.push(("before", "arrived".into()));
    } else if !ordinary && (!small.is_empty() || arrivals.is_some() || power_chart.is_some()) {
        keys.push(("case", case.name.clone()));
        if beside.is_some() {
            keys.push(("before", against.clone()));
        }
        if arrivals.is_some() && case.flows.iter().any(|f| f.lost.value > 0.0) {
            keys.push(("lost", "lost".into()));
        }
        if of_moved.iter().take(MOST_SMALL).any(|c| course::flow(case, &c.flow).is_some_and(|f| promise_95(f).is_some())) {
            keys.push(("limit", "promised".into()));
        }
    }
    let lost: Vec<Lost> = if ordinary { Vec::new() } else { case.flows.iter().filter_map(|f| lost(f, other)).collect() };
    Ok(Case {
        name: case.name.clone(),
        title: case.title.clone(),
        ordinary,
        facts: facts.join(" "),
        unstable: course::unstable(case),
        promises,
        flows: if ordinary { case.flows.iter().map(flow).collect() } else { Vec::new() },
        moved: of_moved.iter().map(|c| moved(case, other, c)).collect(),
        counts: if case.comparisons.is_empty() { String::new() } else { course::counts(case) },
        joint: case.comparisons.iter().any(|c| c.together.is_some()),
        lost_before: other.is_some(),
        lost,
        fold_guests: guests.len() > FOLD,
        fold_hosts: hosts.len() > FOLD,
        screen_only: guests.len().max(hosts.len()).max(case.log.len()) > SCREEN_ONLY,
        guests,
        hosts,
        power: case.power.iter().map(power).collect(),
        power_before: case.power.iter().any(|p| before(&p.name).is_some()),
        log: case.log.iter().take(MOST_LOG).map(|l| (course::instant(l.at_ns as f64 / 3.6e12, day), l.what.clone())).collect(),
        log_rest: case.log.len().saturating_sub(MOST_LOG),
        log_fold: case.log.len() > FOLD,
        changes,
        explain: false,
        small,
        arrivals,
        power_chart,
        keys,
        against,
    })
}

fn flow(f: &FlowFindings) -> Flow {
    let mut cells: Vec<Cell> = [&f.arrived, &f.served, &f.lost, &f.left].into_iter().map(|x| cell(&amount(x, ""))).collect();
    let of = |x: Option<&Figure>| x.map_or_else(|| missing("too few jobs"), |x| cell(&delay(x)));
    cells.push(of(f.mean.as_ref()));
    cells.extend(QUANTILES.iter().map(|q| of(quantile(f, q.1))));
    let promise = f.objective.as_ref().map(|p| {
        let (word, class) = course::kept(p.kept);
        let reached = p.reached.as_ref().map_or_else(|| "too few jobs".to_owned(), |r| delay(r).ranged());
        let missed =
            p.missed.as_ref().filter(|m| m.value > 0.0).map_or_else(String::new, |_| format!("; missed for {}", course::missed(p)));
        Promised { word, class, text: format!("{}: {reached}{missed}", course::promised(p)) }
    });
    Flow { name: f.name.clone(), title: f.title.clone(), cells, promise }
}

fn moved(case: &CaseFindings, other: Option<&CaseFindings>, c: &Comparison) -> Moved {
    let found = course::flow(case, &c.flow);
    let of = |f: Option<&FlowFindings>| f.and_then(|f| f.mean.as_ref()).map_or_else(|| missing(""), |x| cell(&delay(x)));
    Moved {
        name: c.flow.clone(),
        p95: c.of_p95.as_ref().map_or_else(|| missing("too few jobs"), |f| cell(&course::change_of(f))),
        before: of(other.and_then(|o| course::flow(o, &c.flow))),
        after: of(found),
        change: cell(&course::change(c)),
        together: together(c),
        variance: c.variance_reduction.map_or_else(|| "–".into(), say::number),
    }
}

fn together(c: &Comparison) -> String {
    let said = course::change_together(c);
    if said.ends.is_some() { format!("{} {}", said.interval(), said.unit) } else { String::new() }
}

fn lost(f: &FlowFindings, other: Option<&CaseFindings>) -> Option<Lost> {
    let before = other.and_then(|o| course::flow(o, &f.name)).map(|f| &f.lost);
    if f.lost.value <= 0.0 && before.is_none_or(|b| b.value <= 0.0) {
        return None;
    }
    let share = if f.arrived.value > 0.0 { say::percent(f.lost.value / f.arrived.value) } else { "–".into() };
    let before = before.map_or_else(|| missing(""), |b| cell(&amount(b, "")));
    Some(Lost { name: f.name.clone(), lost: cell(&amount(&f.lost, "")), share, before })
}

/// The chart of the change of every flow.
fn changes(case: &CaseFindings, other: Option<&CaseFindings>) -> Result<Option<Chart>, Error> {
    let mut all: Vec<&Comparison> = case.comparisons.iter().collect();
    if all.is_empty() {
        return Ok(None);
    }
    all.sort_by(|a, b| b.difference.value.abs().total_cmp(&a.difference.value.abs()).then_with(|| a.flow.cmp(&b.flow)));
    let left_out = all.len().saturating_sub(MOST_DOTS);
    all.truncate(MOST_DOTS);
    all.sort_by(|a, b| b.difference.value.total_cmp(&a.difference.value).then_with(|| a.flow.cmp(&b.flow)));
    let (by, unit) = course::scale(all.iter().map(|c| c.difference.value.abs()).fold(0.0, f64::max));
    let times = |i: Option<(f64, f64)>| i.map(|(l, h)| (by * l, by * h));
    let rows = all.iter().map(|c| DotRow {
        name: c.flow.clone(),
        value: by * c.difference.value,
        own: times(c.difference.interval),
        together: times(c.together),
        moved: c.moved,
        words: course::change(c).ranged(),
    });
    let against = other.map_or_else(|| "what it is held against".into(), |o| course::course(&o.name));
    let mut finding = format!("Change of the mean delay in {} against {against}: {}", case.name, course::counts(case));
    if let Some(most) = course::moved(case, other).first() {
        finding += &format!("; {} moved most, by {}", most.flow, course::change(most).ranged());
    }
    finding.push('.');
    if left_out > 0 {
        finding += &format!(" {left_out} smaller changes are not drawn.");
    }
    let dots = Dots { rows: rows.collect(), axis: format!("change of the mean delay, {unit}"), label: finding.clone() };
    chart(finding, |w| dots.svg(w)).map(Some)
}

/// The length of a stretch of a flow's series, hours.
fn stretch_h(case: &CaseFindings, series: &[FlowPoint]) -> f64 {
    match series {
        [a, b, ..] => b.hour - a.hour,
        _ => case.lasts_h,
    }
}

fn promise_95(f: &FlowFindings) -> Option<f64> {
    f.objective.as_ref().filter(|p| (p.percentile - 95.0).abs() < 1e-9).map(|p| p.within_s).filter(|l| *l > 0.0)
}

/// Most flows of the ordinary course with charts of their own.
const MOST_SPIKES: usize = 4;

/// A flow is shown over time where its busiest stretch serves so many times its mean.
const SPIKE: f64 = 2.2;

/// The flows whose work comes the most unevenly: jobs and delay over time.
fn spikes(case: &CaseFindings) -> Result<Vec<Small>, Error> {
    let uneven = |f: &FlowFindings| {
        let sum: f64 = f.series.iter().map(|p| p.served).sum();
        let most = f.series.iter().map(|p| p.served).fold(0.0, f64::max);
        if sum > 0.0 { most * f.series.len() as f64 / sum } else { 0.0 }
    };
    let mut flows: Vec<&FlowFindings> = case.flows.iter().filter(|f| uneven(f) >= SPIKE).collect();
    flows.sort_by(|a, b| uneven(b).total_cmp(&uneven(a)).then_with(|| a.name.cmp(&b.name)));
    let mut all = Vec::new();
    for f in flows.into_iter().take(MOST_SPIKES) {
        let each = stretch_h(case, &f.series);
        let trace = |ink, of: &dyn Fn(&FlowPoint) -> Option<f64>| Trace {
            ink,
            points: f.series.iter().map(|p| (p.hour + each / 2.0, of(p))).collect(),
        };
        let a_minute = |x: f64| Some(x / (60.0 * each));
        let jobs = vec![trace(Ink::Before, &|p| a_minute(p.arrived)), trace(Ink::Case, &|p| a_minute(p.served))];
        let charts = [
            ("jobs a minute", "jobs/min", Scale::Linear, jobs, None),
            ("p95 of the delay", "s", Scale::Log, vec![trace(Ink::Case, &|p| p.p95_s)], promise_95(f)),
        ];
        for (what, unit, scale, traces, level) in charts {
            let label = format!("{what} of {} over time in the ordinary course.", f.name);
            let course = Course { unit, from: case.from_h, hours: case.lasts_h, scale, traces, level, label };
            if course.shows() {
                all.push(Small { title: format!("{}, {what}", f.name), note: String::new(), svg: course.svg(Width::Narrow)? });
            }
        }
    }
    Ok(all)
}

/// The delay of one flow over time, against the other case.
fn small(case: &CaseFindings, beside: Option<&CaseFindings>, c: &Comparison) -> Result<Option<Small>, Error> {
    let trace = |case: &CaseFindings, ink| {
        course::flow(case, &c.flow).map(|f| {
            let half = stretch_h(case, &f.series) / 2.0;
            Trace { ink, points: f.series.iter().map(|p| (p.hour + half, p.p95_s)).collect() }
        })
    };
    let what = "p95 of the delay";
    let level = course::flow(case, &c.flow).and_then(promise_95);
    let promised = level.map_or_else(String::new, |l| format!(", {} promised", course::within(l)));
    let label =
        format!("{what} of {} over time in {}; its mean delay changed by {}{promised}.", c.flow, case.name, course::change(c).ranged());
    let traces = beside.and_then(|o| trace(o, Ink::Before)).into_iter().chain(trace(case, Ink::Case)).collect();
    let course = Course { unit: "s", from: case.from_h, hours: case.lasts_h, scale: Scale::Log, traces, level, label };
    if !course.shows() {
        return Ok(None);
    }
    let title = format!("{}, {what}", c.flow);
    let note = c.of_p95.as_ref().map_or_else(|| format!("mean {}", course::change(c).ranged()), |p| course::change_of(p).ranged());
    Ok(Some(Small { title, note, svg: course.svg(Width::Narrow)? }))
}

/// Arrivals and losses of the flow whose arrivals change most; of the one that loses most where none changes.
fn arrivals(case: &CaseFindings, beside: Option<&CaseFindings>) -> Result<Option<(String, Chart)>, Error> {
    let change = |f: &FlowFindings| {
        let before = beside.and_then(|o| course::flow(o, &f.name)).map_or(f.arrived.value, |o| o.arrived.value);
        (f.arrived.value - before).abs()
    };
    let rank = |f: &FlowFindings| (change(f), f.lost.value);
    let most = case.flows.iter().reduce(|a, b| {
        let (x, y) = (rank(a), rank(b));
        if y.0.total_cmp(&x.0).then(y.1.total_cmp(&x.1)).is_gt() { b } else { a }
    });
    let Some(f) = most.filter(|f| rank(f) > (0.0, 0.0)) else { return Ok(None) };
    let trace = |case: &CaseFindings, f: &FlowFindings, ink, of: fn(&FlowPoint) -> f64| {
        let each = stretch_h(case, &f.series);
        Trace { ink, points: f.series.iter().map(|p| (p.hour + each / 2.0, Some(of(p) / (60.0 * each)))).collect() }
    };
    let mut traces = Vec::new();
    let before = beside.and_then(|o| Some((o, course::flow(o, &f.name)?)));
    traces.extend(before.map(|(o, f)| trace(o, f, Ink::Before, |p| p.arrived)));
    traces.push(trace(case, f, Ink::Case, |p| p.arrived));
    if f.lost.value > 0.0 {
        traces.push(trace(case, f, Ink::Lost, |p| p.lost));
    }
    let mut label = format!("{} of {} arrive in {}", amount(&f.arrived, "").ranged(), f.name, case.name);
    if let Some((o, before)) = before {
        label += &format!(", {} in {}", amount(&before.arrived, "").ranged(), course::course(&o.name));
    }
    label += &format!("; {} are lost.", amount(&f.lost, "").ranged());
    let course = Course {
        unit: "jobs/min",
        from: case.from_h,
        hours: case.lasts_h,
        scale: Scale::Linear,
        traces,
        level: None,
        label: label.clone(),
    };
    if !course.shows() {
        return Ok(None);
    }
    Ok(Some((f.name.clone(), chart(label, |w| course.svg(w))?)))
}

/// Apparent power over time, in the first replication.
fn power_course(case: &CaseFindings, beside: Option<&CaseFindings>) -> Result<Option<Chart>, Error> {
    if case.power_series.is_empty() {
        return Ok(None);
    }
    // A course of power counts its hours from the start of what was played.
    let trace = |case: &CaseFindings, ink| Trace {
        ink,
        points: case.power_series.iter().map(|p| (case.from_h + p.hour, Some(p.max_va / 1000.0))).collect(),
    };
    let peak = |case: &CaseFindings| say::kilo(case.power_series.iter().map(|p| p.max_va).fold(0.0, f64::max));
    let mut label = format!("Apparent power over time in {}, peak {} kVA", case.name, peak(case));
    let mut traces = Vec::new();
    if let Some(o) = beside.filter(|o| !o.power_series.is_empty()) {
        label += &format!(", against {} in {}", peak(o), course::course(&o.name));
        traces.push(trace(o, Ink::Before));
    }
    label += " (first replication).";
    traces.push(trace(case, Ink::Case));
    let course =
        Course { unit: "kVA", from: case.from_h, hours: case.lasts_h, scale: Scale::Linear, traces, level: None, label: label.clone() };
    chart(label, |w| course.svg(w)).map(Some)
}
