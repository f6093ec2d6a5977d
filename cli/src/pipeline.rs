//! From a scenario to what was found: read, understand, simulate, measure, plan, check.

use std::io::Read as _;
use std::path::{Path, PathBuf};

use models::demand::{Demand, Load};
use models::flow::{Case, Requests};
use models::law::cost;
use models::plan::{Figure, Placed, Plan, Purchase, Start, StartGuest, StartHost, VERSION};
use models::rule::{self, Judgement, Verdict, down, walk};
use models::site::{ClassId, GuestId, HostId, Mode, Placement, Site};
use planner::{Answer, Found, alternative};
use rayon::prelude::*;
use reports::Run;
use reports::run::{Fleet, LowerBound, UpsLimits};
use scenarios::Scenario;
use sim::engine::prepare::Setting;
use sim::experiment::{self, Effort, Findings, FlowFindings, Kept};
use sim::load::Grid;
use sim::measure::{Measures, figure};
use sim::replay::replay;

use crate::args::Common;
use crate::diagnose::Failure;
use crate::evacuation;
use crate::progress::Progress;
use crate::recovery;
use crate::replan::Changed;
use crate::studies::{self, Facts};

/// The program and its version, as it stands in plans and reports.
pub const TOOL: &str = concat!("shuyaku ", env!("CARGO_PKG_VERSION"));

/// What `plan` found.
pub struct Outcome {
    /// For the report.
    pub run: Run,
    /// The plan, where something fits.
    pub plan: Option<Plan>,
    /// The columns that it was judged under, a replication each.
    pub demands: Vec<Demand>,
}

/// Reads a scenario.
pub fn load(site: &Path, common: &Common) -> Result<Scenario, Failure> {
    Ok(scenarios::load(site, &scenarios::Options { memory_cap_bytes: common.memory_cap << 20 })?)
}

/// Where this run is written.
pub fn out_folder(common: &Common, scenario: &Scenario) -> PathBuf {
    common.out.clone().unwrap_or_else(|| Path::new("out").join(&scenario.site.name))
}

/// The loads of a scenario as columns: once where they are recorded, else a replication each.
pub fn demands(site: &Site, loads: Vec<Load>, grid: &scenarios::Grid, seed: u64, replications: u32) -> Vec<Demand> {
    let grid = Grid { step: grid.step, steps: grid.steps, year: grid.judged_year };
    if loads.iter().any(|l| l.kind.is_random()) {
        (0..replications).into_par_iter().map(|r| sim::load::demand(site, &loads, grid, seed, r)).collect()
    } else {
        vec![sim::load::demand_once(site, loads, grid, seed)]
    }
}

/// Replays, compares, chooses and judges; `lanes`: steps at once at most.
pub fn plan(mut scenario: Scenario, common: &Common, lanes: u32) -> Result<Outcome, Failure> {
    let progress = Progress::new(common.json);
    let loads = std::mem::take(&mut scenario.loads);
    let all_requests = scenario.requests.take();
    let requests = all_requests.as_ref().filter(|r| !r.flows.is_empty());
    let kept = if requests.is_some() { loads.clone() } else { Vec::new() };
    let scenario = &scenario;
    let site = &scenario.site;
    let demands = demands(site, loads, &scenario.grid, common.seed(), common.replications());
    let (mut fleets, notes, also) = compared(site, &demands, &progress);
    let tell = |what: &str| progress.tell(what);
    let runners_up = if requests.is_some() { RUNNERS_UP } else { 0 };
    let options = planner::Options { progress: Some(&tell), also, runners_up, ..planner::Options::default() };
    let answer = planner::plan(site, &demands, &options);

    let mut run = empty_run(&scenario.site, &scenario.digest, common, demands.len());
    run.unknowns.extend(lint(site, all_requests.as_ref()));
    run.unknowns.extend(notes);
    let idle = demands[0].guests.iter().filter(|g| g.cpu_khz.is_empty()).count();
    if idle > 0 {
        run.unknowns.push(format!("{idle} of {} guests have no CPU load: they are planned as if they asked for none", site.guests.len()));
    }
    // A move that would not end is a stop and a start; where these break a rule on the way, it is why nothing was found.
    run.unknowns.extend(
        (0..site.guests.len())
            .filter(|g| site.today.as_ref().is_some_and(|t| t.host_of[*g].is_some()))
            .filter_map(|g| rule::migrate::refused(site, GuestId::at(g), 1)),
    );
    if site.ups.is_some() {
        run.unknowns.push("the loss of the CVCF is shown and not billed by itself: the PUE is taken to contain it".into());
    }
    let plan = match answer {
        Answer::Fits(mut found) => {
            let mut figures = Vec::new();
            if let Some(requests) = requests {
                let chosen = choose(*found, &kept, scenario, requests, common, &progress)?;
                found = chosen.found.into();
                run.unknowns.extend(chosen.said);
                figures = request_figures(&chosen.findings);
                run.requests.push(chosen.findings);
            }
            run.unknowns.extend(side_by_side(&mut found, &demands, lanes, &progress));
            progress.tell("judging the plan");
            let title = format!("the plan: {}", planner::search::words(site, &found.buys));
            let fleet = fleet("plan", &title, &found.site, &found.buys, &demands, &found.placement, Some(found.verdicts.clone()));
            let plan = plan_of(scenario, common, &found, &fleet, demands.len(), figures);
            run.binds = binds(&found.verdicts);
            run.unknowns.push("guests are placed by heuristics: a cheaper placement may exist between the lower bound and the plan".into());
            if !found.exhaustive {
                run.unknowns
                    .push(format!("the search stopped after {} fleets: a cheaper one may exist above the lower bound", found.tried));
            }
            for name in &found.broken_before {
                run.unknowns.push(format!(
                    "today's state breaks the rule \"{}\" already: it is asked of the plan's end, not of the way to it",
                    name.words()
                ));
            }
            run.lower_bound =
                Some(LowerBound { cost_yen: found.bound.cost_yen, hosts: found.bound.hosts, because: found.bound.because.clone() });
            run.chosen = Some(fleets.len());
            fleets.push(fleet);
            Some(plan)
        }
        Answer::DoesNotFit { conflicts, exhaustive } => {
            run.conflicts = conflicts;
            if !exhaustive {
                run.unknowns
                    .push("the search stopped at its limit before it had tried every fleet: one may fit that was not reached".into());
            }
            None
        }
    };
    run.fleets = fleets;
    let requests = all_requests.as_ref();
    let facts = Facts { scenario, planned: Some((&run, &demands)), plan: plan.as_ref(), loads: &kept, requests, common };
    run.studies = studies::all(&facts, false)?;
    let long: Vec<&str> = scenario.studies.iter().filter(|s| studies::is_long(&s.kind)).map(|s| s.name.as_str()).collect();
    if !long.is_empty() {
        run.unknowns.push(format!("not answered here, as each takes as long as a plan: {}; `shuyaku study` answers them", long.join(", ")));
    }
    run.laws = studies::laws_used(site, &run.studies);
    Ok(Outcome { run, plan, demands })
}

/// Lets a plan's steps be done side by side in so many lanes; answers what is to be said of it.
pub(crate) fn side_by_side(found: &mut Found, demands: &[Demand], lanes: u32, progress: &Progress) -> Option<String> {
    if lanes < 2 {
        return None;
    }
    progress.tell("judging steps side by side");
    let start = found.site.today.clone().unwrap_or_else(|| Placement::empty(&found.site));
    found.steps = planner::lanes::side_by_side(&found.site, demands, &start, &found.steps, lanes);
    let (beside, not_looked_at) = (found.steps.iter().filter(|s| s.beside > 0).count(), planner::lanes::not_looked_at(&found.steps));
    let mut says = format!("{beside} of {} steps may be done beside those before them, in {lanes} lanes", found.steps.len());
    if not_looked_at > 0 {
        says += &format!("; the last {not_looked_at} were not looked at, and are done one after the other");
    }
    Some(says)
}

/// Fleets compared; what could not be placed, in words; and the alternatives' placements, for the planner to beat.
type Compared = (Vec<Fleet>, Vec<String>, Vec<(Vec<(ClassId, u32)>, Placement)>);

/// Today, then the alternatives (the baseline first).
fn compared(site: &Site, demands: &[Demand], progress: &Progress) -> Compared {
    let (mut fleets, mut notes, mut also) = (Vec::new(), Vec::new(), Vec::new());
    if let Some(today) = &site.today {
        progress.tell("today");
        fleets.push(fleet("today", "as it stands", site, &[], demands, today, None));
    }
    let mut order: Vec<_> = site.alternatives.iter().collect();
    order.sort_by_key(|a| !a.baseline);
    for a in order {
        progress.tell(&a.name);
        match alternative::place(site, &demands[0], a) {
            Ok((with, placement)) => {
                let fleet = fleet(&a.name, &a.title, &with, &a.buys, demands, &placement, None);
                if rule::all_hold(&fleet.verdicts) {
                    also.push((a.buys.clone(), placement));
                }
                fleets.push(fleet);
            }
            Err(e) => notes.push(format!("not compared: {e}")),
        }
    }
    (fleets, notes, also)
}

/// A run without fleets.
pub(crate) fn empty_run(site: &Site, digest: &str, common: &Common, replications: usize) -> Run {
    // What the rule keeps free is not there to be used.
    let keep = 1.0 - site.rules.ups.map_or(0.0, |r| r.reserve);
    Run {
        tool: TOOL.into(),
        site: site.name.clone(),
        title: site.title.clone(),
        site_digest: models::digest::of_value(site),
        scenario_digest: digest.to_owned(),
        seed: common.seed(),
        replications: replications as u32,
        years: site.prices.years,
        ups: site.ups.as_ref().map(|u| UpsLimits {
            name: u.name.clone(),
            rating_va: u.rating.get() * keep,
            limit_w: u.limit_w().get() * keep,
        }),
        branches: site.domains.iter().filter_map(|d| d.limit_va.map(|l| (d.name.clone(), l.get()))).collect(),
        fleets: Vec::new(),
        chosen: None,
        conflicts: Vec::new(),
        lower_bound: None,
        requests: Vec::new(),
        studies: Vec::new(),
        laws: Vec::new(),
        lost: None,
        evacuated: None,
        binds: Vec::new(),
        givens: site.givens.clone(),
        unknowns: site.unknowns.iter().cloned().chain(single_points(site)).collect(),
    }
}

/// Settings that bring guests down and that no rule looks at.
fn lint(site: &Site, requests: Option<&Requests>) -> Vec<String> {
    models::lint::settings(site, requests.map(|r| &r.recovery))
}

/// Shared storage whose failure no rule looks at.
fn single_points(site: &Site) -> impl Iterator<Item = String> {
    site.storage.iter().filter(|s| !s.redundant).map(|s| {
        let what = if s.services.is_empty() { "every guest" } else { "the guests of its services" };
        format!("shared storage {} is not redundant: its failure stops {what}, and no rule here looks at it", s.name)
    })
}

/// One fleet, replayed under every replication and judged.
pub(crate) fn fleet(
    name: &str,
    title: &str,
    site: &Site,
    buys: &[(ClassId, u32)],
    demands: &[Demand],
    placement: &Placement,
    verdicts: Option<Vec<Judgement>>,
) -> Fleet {
    let replays: Vec<Measures> = demands.par_iter().map(|d| replay(site, d, placement)).collect();
    let verdicts = verdicts.unwrap_or_else(|| planner::judge_all(site, demands, placement));
    let headrooms = down::headrooms(site, &demands[0], placement);
    fleet_of(name, title, site, buys, placement, replays, verdicts, headrooms)
}

/// One fleet from its replays and judgements.
#[allow(clippy::too_many_arguments, reason = "the parts of a fleet, each once")]
fn fleet_of(
    name: &str,
    title: &str,
    site: &Site,
    buys: &[(ClassId, u32)],
    placement: &Placement,
    replays: Vec<Measures>,
    verdicts: Vec<Judgement>,
    headrooms: Vec<down::Headroom>,
) -> Fleet {
    let first = &replays[0];
    let over = |name: &str, unit: &str, of: &dyn Fn(&Measures) -> f64| figure(name, unit, &replays.iter().map(of).collect::<Vec<_>>());
    let figures = vec![
        over("peak apparent power, expected", "kVA", &|m| m.site.peak_va.get() / 1000.0),
        over("peak real power, expected", "kW", &|m| m.site.peak_w.get() / 1000.0),
        over("mean real power, expected", "kW", &|m| m.site.mean_w.get() / 1000.0),
        over("energy over the replayed horizon", "kWh", &|m| m.site.energy_wh.get() / 1000.0),
        over("highest CPU load of a host in a step", "%", &|m| 100.0 * m.hosts.iter().map(|h| h.cpu_max).fold(0.0, f64::max)),
        over("CPU asked for and not served", "%", &|m| if m.asked_ghz_h > 0.0 { 100.0 * m.unserved_ghz_h / m.asked_ghz_h } else { 0.0 }),
        Figure {
            name: "apparent power by nameplate".into(),
            value: first.site.nameplate.va.value / 1000.0,
            unit: "kVA".into(),
            interval: None,
            count: 1,
        },
        Figure {
            name: "real power by nameplate".into(),
            value: first.site.nameplate.w.value / 1000.0,
            unit: "kW".into(),
            interval: None,
            count: 1,
        },
    ];
    Fleet {
        name: name.into(),
        title: title.into(),
        buys: buys.iter().map(|(c, n)| (site.classes[c.index()].name.clone(), *n)).collect(),
        hosts_on: placement.hosts_on() as u32,
        placement: placed(site, placement).into_iter().map(|p| (p.guest, p.host)).collect(),
        cost: cost::of(site, placement, first.site.mean_w),
        figures,
        verdicts,
        headrooms,
        measures: replays.into_iter().next().expect("at least one replay"),
    }
}

fn placed(site: &Site, placement: &Placement) -> Vec<Placed> {
    let name = |(g, h): (usize, &Option<HostId>)| {
        h.map(|h| Placed { guest: site.guests[g].name.clone(), host: site.hosts[h.index()].name.clone() })
    };
    placement.host_of.iter().enumerate().filter_map(name).collect()
}

/// What a plan on this site (with what it buys, without what is lost) starts from.
pub(crate) fn start_of(site: &Site) -> Start {
    let today = site.today.clone().unwrap_or_else(|| Placement::empty(site));
    // What stands on the metal has no hypervisor to be seen by.
    let virtual_hosts = site.hosts.iter().enumerate().filter(|(h, _)| site.class_of(HostId::at(*h)).hypervisor.is_some());
    let hosts = virtual_hosts.map(|(h, host)| StartHost {
        name: host.name.clone(),
        on: today.on[h],
        guest_memory_mib: site.class_of(HostId::at(h)).guest_memory().0,
    });
    let virtual_guests = site.guests.iter().enumerate().filter(|(_, g)| g.mode != Mode::PhysicalOnly);
    let guests = virtual_guests.map(|(g, guest)| StartGuest {
        name: guest.name.clone(),
        memory_mib: guest.memory.0,
        vcpus: guest.vcpus,
        runs_on: today.host_of[g].map(|h| site.hosts[h.index()].name.clone()),
    });
    Start { hosts: hosts.collect(), guests: guests.collect() }
}

pub(crate) fn plan_of(
    scenario: &Scenario,
    common: &Common,
    found: &Found,
    fleet: &Fleet,
    replications: usize,
    requests: Vec<Figure>,
) -> Plan {
    let names = |class: ClassId| found.site.hosts.iter().filter(|h| h.bought && h.class == class).map(|h| h.name.clone()).collect();
    Plan {
        version: VERSION,
        tool: TOOL.into(),
        site: scenario.site.name.clone(),
        site_digest: models::digest::of_value(&scenario.site),
        scenario_digest: scenario.digest.clone(),
        seed: common.seed(),
        replications: replications as u32,
        purchases: found
            .buys
            .iter()
            .map(|(c, _)| Purchase { class: found.site.classes[c.index()].name.clone(), hosts: names(*c) })
            .collect(),
        hosts_on: found.site.hosts.iter().zip(&found.placement.on).filter(|(_, on)| **on).map(|(h, _)| h.name.clone()).collect(),
        placement: placed(&found.site, &found.placement),
        steps: found.steps.clone(),
        verdicts: found.verdicts.clone(),
        cost: fleet.cost,
        cost_lower_bound_yen: found.bound.cost_yen,
        predicted: fleet.figures.clone(),
        predicted_requests: requests,
        lost: Vec::new(),
        start: Some(start_of(&found.site)),
        evacuates: found.site.rules.evacuated.iter().map(|h| found.site.hosts[h.index()].name.clone()).collect(),
        not_asked: Vec::new(),
    }
}

/// `23.0 of 24.0 kW`: thousands of a unit read better with its prefix.
fn of(m: &rule::Margin) -> String {
    let (by, unit) = match m.unit.as_str() {
        "W" => (1000.0, "kW"),
        "VA" => (1000.0, "kVA"),
        "MHz" => (1000.0, "GHz"),
        "MiB" => (1024.0, "GiB"),
        unit => return format!("{:.0} of {:.0} {unit}", m.needed, m.available),
    };
    format!("{:.1} of {:.1} {unit}", m.needed / by, m.available / by)
}

/// The rules with the least left, tightest first.
pub(crate) fn binds(verdicts: &[Judgement]) -> Vec<String> {
    let mut tight: Vec<(f64, String)> = verdicts
        .iter()
        .filter_map(|j| match &j.verdict {
            Verdict::Holds { margin: Some(m) } => {
                Some((m.share_free(), format!("{}: {} on {}, {:.1} % free", j.rule.words(), of(m), m.place, 100.0 * m.share_free())))
            }
            _ => None,
        })
        .collect();
    tight.sort_by(|a, b| a.0.total_cmp(&b.0));
    tight.into_iter().take(3).map(|t| t.1).collect()
}

/// A placement that was asked for by name.
struct Named {
    name: String,
    title: String,
    site: Site,
    buys: Vec<(ClassId, u32)>,
    placement: Placement,
}

/// Today's placement, an alternative's or a plan's; today's (or the baseline's) where none is named.
fn named(site: &Site, demand: &Demand, placement: Option<&str>) -> Result<Named, Failure> {
    let wanted = match placement {
        Some(p) => p.to_owned(),
        None if site.today.is_some() => "today".to_owned(),
        None => match site.alternatives.iter().find(|a| a.baseline).or(site.alternatives.first()) {
            Some(a) => a.name.clone(),
            None => {
                return Err(Failure::Usage(
                    "nothing runs today and no alternative is given: name a plan with --placement plan.json".into(),
                ));
            }
        },
    };
    if let Some(today) = site.today.as_ref().filter(|_| wanted == "today") {
        return Ok(Named { name: wanted, title: "as it stands".into(), site: site.clone(), buys: Vec::new(), placement: today.clone() });
    }
    if let Some(a) = site.alternatives.iter().find(|a| a.name == wanted) {
        let (with, placement) = alternative::place(site, demand, a).map_err(|e| Failure::Usage(e.to_string()))?;
        return Ok(Named { name: wanted, title: a.title.clone(), site: with, buys: a.buys.clone(), placement });
    }
    if Path::new(&wanted).is_file() {
        let (with, buys, placement) = understand(site, &read_plan(Path::new(&wanted))?)?;
        return Ok(Named { name: "plan".into(), title: "the plan".into(), site: with, buys, placement });
    }
    let mut names: Vec<&str> = site.alternatives.iter().map(|a| a.name.as_str()).collect();
    if site.today.is_some() {
        names.insert(0, "today");
    }
    names.push("the path of a plan.json");
    let today = if site.today.is_none() { " (nothing runs today: no guest of the site has `runs_on`)" } else { "" };
    Err(Failure::Usage(format!("`{wanted}` is no placement: give {}{today}", names.join(" or "))))
}

/// Today's placement, or an alternative's, on the site with what it buys.
pub fn named_placement(site: &Site, demand: &Demand, name: &str) -> Result<(Site, Placement), Failure> {
    named(site, demand, Some(name)).map(|n| (n.site, n.placement))
}

/// Replays one placement.
pub fn simulate(mut scenario: Scenario, placement: Option<&str>, asked: Option<Asked>, common: &Common) -> Result<Run, Failure> {
    let requests = scenario.requests.take();
    let cases = match &asked {
        Some(asked) => cases(requests.as_ref(), asked.cases)?,
        None => Vec::new(),
    };
    let loads = std::mem::take(&mut scenario.loads);
    let kept = if asked.is_some() { loads.clone() } else { Vec::new() };
    let site = &scenario.site;
    let demands = demands(site, loads, &scenario.grid, common.seed(), common.replications());
    let mut run = empty_run(site, &scenario.digest, common, demands.len());
    run.unknowns.extend(lint(site, requests.as_ref()));
    let a = named(site, &demands[0], placement)?;
    run.fleets.push(fleet(&a.name, &a.title, &a.site, &a.buys, &demands, &a.placement, None));
    if let (Some(requests), Some(asked)) = (&requests, asked) {
        drop(demands);
        Progress::new(common.json).tell("playing requests");
        let setting = setting(&a.site, &a.placement, &kept, &scenario.grid, requests);
        let effort = Effort { seed: common.seed(), replications: common.replications(), precision: asked.precision.map(|p| p / 100.0) };
        run.requests.push(experiment::play(&setting, &cases, &a.name, effort).map_err(|e| Failure::Internal(e.to_string()))?);
    }
    Ok(run)
}

/// What is played of the request level.
#[derive(Debug, Clone, Copy)]
pub struct Asked<'a> {
    /// Names of cases; empty: all.
    pub cases: &'a [String],
    /// Replications go on until the 95th percentile of every flow's delay is known to so many per cent of itself.
    pub precision: Option<f64>,
}

/// The cases of these names; all where none is named.
fn cases(requests: Option<&Requests>, names: &[String]) -> Result<Vec<Case>, Failure> {
    let Some(requests) = requests else {
        return Err(Failure::Usage(
            "the site has no request level: it needs `[requests]`, `[[tier]]` and `[[flow]]` in its site.toml".into(),
        ));
    };
    if names.is_empty() {
        return Ok(requests.cases.clone());
    }
    let find = |name: &String| {
        requests.cases.iter().find(|c| c.name == *name).cloned().ok_or_else(|| {
            let all: Vec<&str> = std::iter::once(experiment::ORDINARY).chain(requests.cases.iter().map(|c| c.name.as_str())).collect();
            Failure::Usage(format!("the site has no case `{name}`: it has {}", all.join(", ")))
        })
    };
    names.iter().filter(|n| *n != experiment::ORDINARY).map(find).collect()
}

/// What the engine plays on a fleet.
pub fn setting<'a>(
    site: &'a Site,
    placement: &'a Placement,
    loads: &'a [Load],
    grid: &scenarios::Grid,
    requests: &'a Requests,
) -> Setting<'a> {
    let grid = Grid { step: grid.step, steps: grid.steps, year: grid.judged_year };
    Setting { site, placement, loads, grid, requests, case: None, window: None }
}

/// The stretch that `plan` plays for each of its last candidates.
fn judged_stretch(requests: &Requests) -> (models::quantity::Nanos, models::quantity::Nanos) {
    (requests.judged_from, requests.judged_lasts)
}

/// Plays a candidate over the stretch on which plans are judged.
fn play_candidate(
    found: &Found,
    name: &str,
    loads: &[Load],
    grid: &scenarios::Grid,
    requests: &Requests,
    common: &Common,
) -> Result<Findings, Failure> {
    let setting = Setting { window: Some(judged_stretch(requests)), ..setting(&found.site, &found.placement, loads, grid, requests) };
    let effort = Effort { seed: common.seed(), replications: common.replications(), precision: None };
    experiment::play(&setting, &[], name, effort).map_err(|e| Failure::Internal(e.to_string()))
}

/// Plans besides the best that the engine may choose among.
const RUNNERS_UP: usize = 2;

/// The plan that the engine lets stand.
struct Chosen {
    found: Found,
    findings: Findings,
    /// What is to be said of it.
    said: Vec<String>,
}

/// Plays the last candidates at request level, the cheapest first, until one breaks no promise; where all break some, takes
/// the first of those that break the fewest.
fn choose(
    mut best: Found,
    loads: &[Load],
    scenario: &Scenario,
    requests: &Requests,
    common: &Common,
    progress: &Progress,
) -> Result<Chosen, Failure> {
    let mut candidates = std::mem::take(&mut best.runners_up);
    candidates.insert(0, best);
    let (bound, tried, exhaustive) = (candidates[0].bound.clone(), candidates[0].tried, candidates[0].exhaustive);
    let count = candidates.len();
    let mut chosen: Option<(usize, usize, Found, Findings)> = None;
    for (k, found) in candidates.into_iter().enumerate() {
        progress.tell(&format!("playing requests on candidate {} of {count}", k + 1));
        let findings = play_candidate(&found, "plan", loads, &scenario.grid, requests, common)?;
        let broken = broken_promises(&findings);
        if chosen.as_ref().is_none_or(|(least, ..)| broken < *least) {
            chosen = Some((broken, k, found, findings));
        }
        if broken == 0 {
            break;
        }
    }
    let (broken, k, mut found, findings) = chosen.expect("there is at least one candidate");
    (found.bound, found.tried, found.exhaustive) = (bound, tried, exhaustive);
    let mut said = Vec::new();
    if k > 0 {
        said.push(format!("the cheapest plan breaks more promises at request level than this one, which is number {} by cost", k + 1));
    }
    if let Some((why, _)) = &findings.cases[0].unstable {
        said.push(format!("at request level the plan is {why}"));
    } else if broken > 0 {
        said.push(format!("at request level the plan breaks {broken} promises, and no candidate of {count} breaks fewer"));
    }
    Ok(Chosen { found, findings, said })
}

/// Whether no promise is surely broken in the ordinary course.
pub fn promises_kept(findings: &Findings) -> bool {
    broken_promises(findings) == 0
}

/// Promises that are surely broken; a candidate on which the flows are unstable breaks all of them.
fn broken_promises(findings: &Findings) -> usize {
    let ordinary = &findings.cases[0];
    let promises = ordinary.flows.iter().filter_map(|f| f.objective.as_ref());
    if ordinary.unstable.is_some() { usize::MAX } else { promises.filter(|p| p.kept == Kept::No).count() }
}

/// The figures of the request level that stand in a plan: by flow, the delay at its promised percentile, or the 95th.
fn request_figures(findings: &Findings) -> Vec<Figure> {
    let of = |f: &FlowFindings| {
        let promised = f.objective.as_ref().and_then(|o| o.reached.clone());
        let figure = promised.or_else(|| f.quantiles.iter().find(|(q, _)| *q == 0.95).map(|(_, x)| x.clone()))?;
        Some(Figure { name: format!("{}: {}", f.name, figure.name), ..figure })
    };
    findings.cases[0].flows.iter().filter_map(of).collect()
}

/// Steps of a block of a stream.
const BLOCK_STEPS: usize = 1024;

/// Replays one placement block by block: the trace is never held whole.
///
/// Power and shortage are those of every step. The rules are judged on a coarser demand that is kept besides, the greatest
/// step of each stretch, within a quarter of the memory cap: what holds there holds.
pub fn simulate_stream(path: &Path, placement: Option<&str>, common: &Common) -> Result<Run, Failure> {
    let cap = common.memory_cap << 20;
    let mut streamed = scenarios::stream(path, &scenarios::Options { memory_cap_bytes: cap })?;
    let (site, grid) = (streamed.site.clone(), streamed.grid);
    let mut run = empty_run(&site, &streamed.digest, common, 1);
    run.unknowns.extend(lint(&site, None));
    let nothing = Demand { step: grid.step, steps: 0, guests: vec![models::demand::Columns::default(); site.guests.len()] };
    let a = named(&site, &nothing, placement)?;

    let most_slots = (cap / 16 / site.guests.len().max(1) as u64).max(1);
    let width = (grid.steps as u64).div_ceil(most_slots).max(1);
    let mut coarse = Demand { step: grid.step.times(width), steps: (grid.steps as u64).div_ceil(width) as usize, guests: nothing.guests };
    let mut replay = sim::replay::Replay::new(&a.site, &a.placement, grid.step, grid.steps);
    let (progress, mut done) = (Progress::new(common.json), 0u64);
    while let Some(block) = streamed.next_block(BLOCK_STEPS)? {
        replay.push(&block);
        for (to, from) in coarse.guests.iter_mut().zip(&block.guests).filter(|(_, from)| !from.cpu_khz.is_empty()) {
            to.cpu_khz.resize(coarse.steps, 0);
            for (t, khz) in from.cpu_khz.iter().enumerate() {
                let slot = &mut to.cpu_khz[((done + t as u64) / width) as usize];
                *slot = (*slot).max(*khz);
            }
        }
        done += block.steps as u64;
        progress.tell(&format!("{done} of {} steps", grid.steps));
    }
    if width > 1 {
        run.unknowns.push(format!(
            "the trace was replayed as a stream: the rules are judged on the greatest of every {width} steps, which is on the safe side"
        ));
    }
    let verdicts = rule::judge(&a.site, &coarse, &a.placement);
    let headrooms = down::headrooms(&a.site, &coarse, &a.placement);
    run.fleets.push(fleet_of(&a.name, &a.title, &a.site, &a.buys, &a.placement, vec![replay.finish()], verdicts, headrooms));
    Ok(run)
}

/// What `check` found.
pub struct Checked {
    /// For people.
    pub text: String,
    /// For programs.
    pub json: serde_json::Value,
    /// Whether all is well.
    pub holds: bool,
}

/// Checks a scenario's files, or a plan against its scenario.
pub fn check(what: &Path, scenario: Option<&Path>, common: &Common) -> Result<Checked, Failure> {
    if what.extension().is_some_and(|e| e == "json") {
        let plan = read_plan(what)?;
        let folder = scenario.map_or_else(|| Path::new("scenarios").join(&plan.site), Path::to_path_buf);
        return check_plan(&plan, load(&folder, common)?);
    }
    let scenario = load(what, common)?;
    let site = &scenario.site;
    let digest = models::digest::of_value(site);
    let warnings = lint(site, scenario.requests.as_ref());
    let text = format!(
        "{}: {}\n{} classes, {} hosts, {} guests, {} loads over {} steps of {} s\nsite digest {digest}\nscenario digest {}\n",
        site.name,
        site.title,
        site.classes.len(),
        site.hosts.len(),
        site.guests.len(),
        scenario.loads.len(),
        scenario.grid.steps,
        scenario.grid.step.as_seconds(),
        scenario.digest,
    ) + &requests_line(scenario.requests.as_ref())
        + &warnings.iter().map(|w| format!("note: {w}\n")).collect::<String>();
    let json = serde_json::json!({
        "site": site.name, "hosts": site.hosts.len(), "guests": site.guests.len(), "loads": scenario.loads.len(),
        "steps": scenario.grid.steps, "step_ns": scenario.grid.step.0, "site_digest": digest, "scenario_digest": scenario.digest,
        "attend_to": warnings,
    });
    Ok(Checked { text, json, holds: true })
}

/// What there is at request level, in a line.
fn requests_line(requests: Option<&Requests>) -> String {
    let Some(r) = requests else { return String::new() };
    format!("{} tiers, {} flows, {} faults, {} cases\n", r.tiers.len(), r.flows.len(), r.faults.len(), r.cases.len())
}

/// Recounts every rule of a plan, at every step and at its end.
pub fn check_plan(plan: &Plan, mut scenario: Scenario) -> Result<Checked, Failure> {
    // After a loss, and for an evacuation, no requests are played.
    let ordinary = plan.lost.is_empty() && plan.evacuates.is_empty();
    let requests = scenario.requests.take().filter(|r| !r.flows.is_empty() && ordinary);
    let kept = if requests.is_some() { scenario.loads.clone() } else { Vec::new() };
    let site = &scenario.site;
    let mut faults = Vec::new();
    let digest = models::digest::of_value(site);
    if plan.site_digest != digest {
        faults.push(format!("stale: the plan is for a site of digest {}, and the site has {digest}", plan.site_digest));
    }
    if plan.scenario_digest != scenario.digest {
        faults.push(format!("stale: the plan is for files of digest {}, and the files have {}", plan.scenario_digest, scenario.digest));
    }
    let demands = demands(site, scenario.loads, &scenario.grid, plan.seed, plan.replications);
    let emptied = evacuation::judged(plan, site, &mut faults)?;
    let (with, placement, demands) = if plan.lost.is_empty() && plan.not_asked.is_empty() {
        let (with, _, placement) = understand(&emptied, plan)?;
        (with, placement, demands)
    } else {
        recovery::judged(plan, site, &demands, &mut faults)?
    };
    let verdicts = planner::judge_all(&with, &demands, &placement);
    let start = with.today.clone().unwrap_or_else(|| Placement::empty(&with));
    let mut judged = 0;
    let walks: Vec<walk::Walk> = demands.par_iter().map(|d| walk::walk(&with, d, &start, &plan.steps)).collect();
    for (r, walk) in walks.into_iter().enumerate() {
        judged += walk.judged;
        for f in walk.faults {
            let rule = f.rule.map_or(String::new(), |r| format!("{}: ", r.words()));
            faults.push(format!("step {} (replication {}): {rule}{}", f.step, r + 1, f.why));
        }
        if walk.end != placement {
            faults.push("the steps do not lead to the plan's placement".into());
            break;
        }
    }
    if plan.start.as_ref().is_some_and(|s| *s != start_of(&with)) {
        faults.push("what the plan starts from is not what the site says of today".into());
    }
    if plan.verdicts != verdicts {
        faults.push("the verdicts in the plan are not those of a recount".into());
    }
    let recounted = fleet("plan", "", &with, &[], &demands, &placement, Some(verdicts.clone()));
    if plan.cost != recounted.cost {
        faults.push("the cost in the plan is not that of a recount".into());
    }
    if plan.predicted != recounted.figures {
        faults.push("the predicted figures in the plan are not those of a replay".into());
    }
    if let Some(requests) = &requests {
        let setting = Setting { window: Some(judged_stretch(requests)), ..setting(&with, &placement, &kept, &scenario.grid, requests) };
        let replications = plan.predicted_requests.first().map_or(1, |f| f.count);
        let effort = Effort { seed: plan.seed, replications, precision: None };
        let played = experiment::play(&setting, &[], "plan", effort).map_err(|e| Failure::Internal(e.to_string()))?;
        let ours = request_figures(&played);
        if plan.predicted_requests != ours {
            let differs = plan.predicted_requests.iter().zip(&ours).find(|(a, b)| a != b);
            let which =
                differs.map_or_else(String::new, |(a, b)| format!(": {} is {} {} in the plan and {}", a.name, a.value, a.unit, b.value));
            faults.push(format!("the predicted delays in the plan are not those of a run of the engine{which}"));
        }
    }
    let bounded = if ordinary { site } else { &with };
    if plan.cost_lower_bound_yen != planner::bound::by_volume(bounded, &demands[0]).cost_yen {
        faults.push("the lower bound in the plan is not that of a recount".into());
    }
    let holds = faults.is_empty() && rule::all_hold(&verdicts);
    let mut text = reports::verdicts(&verdicts);
    if !plan.lost.is_empty() {
        text += &format!("LOST {}\n", plan.lost.join(", "));
    }
    if !plan.evacuates.is_empty() {
        text += &format!("EVACUATES {}\n", plan.evacuates.join(", "));
    }
    for n in &plan.not_asked {
        text += &format!("NOT KEPT {}: {}\n", n.rule.words(), n.why);
    }
    text += &format!("{} steps walked, {judged} judgements on the way\n", plan.steps.len());
    for f in &faults {
        text += &format!("FAULT {f}\n");
    }
    text += match (holds, plan.not_asked.is_empty()) {
        (true, true) => "the plan holds\n",
        (true, false) => "the plan holds, but for what is not kept\n",
        (false, _) => "the plan does not hold\n",
    };
    let json = serde_json::json!({ "holds": holds, "steps": plan.steps.len(), "judged": judged, "faults": faults, "verdicts": verdicts });
    Ok(Checked { text, json, holds })
}

/// A site with a plan's purchases, what is bought, and the plan's placement on it.
pub(crate) type Understood = (Site, Vec<(ClassId, u32)>, Placement);

/// A plan's names on a site.
pub(crate) fn understand(site: &Site, plan: &Plan) -> Result<Understood, Failure> {
    let unknown =
        |kind: &str, name: &str| Failure::Usage(format!("the plan names {kind} `{name}`, which site {} does not have", site.name));
    let mut buys = Vec::new();
    for p in &plan.purchases {
        let class = site.classes.iter().position(|c| c.name == p.class).ok_or_else(|| unknown("class", &p.class))?;
        let most = site.classes[class].sale.as_ref().map_or(0, |s| s.max);
        if p.hosts.len() > most as usize {
            return Err(Failure::Usage(format!("the plan buys {} of class `{}`, of which {most} are for sale", p.hosts.len(), p.class)));
        }
        buys.push((ClassId::at(class), p.hosts.len() as u32));
    }
    let with = site.with_bought(&buys);
    for p in &plan.purchases {
        let names: Vec<&String> =
            with.hosts.iter().filter(|h| h.bought && with.classes[h.class.index()].name == p.class).map(|h| &h.name).collect();
        if p.hosts.iter().collect::<Vec<_>>() != names {
            let names = names.into_iter().map(String::as_str).collect::<Vec<_>>().join(", ");
            return Err(Failure::Usage(format!("the hosts bought of class `{}` are named {names}, not {}", p.class, p.hosts.join(", "))));
        }
    }
    let host = |name: &str| with.host_named(name).ok_or_else(|| unknown("host", name));
    let guest = |name: &str| with.guest_named(name).ok_or_else(|| unknown("guest", name));
    let mut placement = Placement::empty(&with);
    for name in &plan.hosts_on {
        placement.on[host(name)?.index()] = true;
    }
    for p in &plan.placement {
        let (g, h): (GuestId, HostId) = (guest(&p.guest)?, host(&p.host)?);
        if placement.host_of[g.index()].replace(h).is_some() {
            return Err(Failure::Usage(format!("the plan places guest `{}` twice", p.guest)));
        }
    }
    Ok((with, buys, placement))
}

/// Reads a plan.json.
pub fn read_plan(path: &Path) -> Result<Plan, Failure> {
    Plan::from_text(&read(path)?).map_err(|source| Failure::Plan { path: path.to_owned(), source })
}

/// Reads what `plan` wrote: measures.json and, where there is one, plan.json.
pub fn read_run(folder: &Path) -> Result<(Run, Option<Plan>), Failure> {
    let path = folder.join("measures.json");
    let run = reports::json::from_text(&read(&path)?).map_err(|e| Failure::Measures { path, why: e.to_string() })?;
    let plan = folder.join("plan.json");
    let plan = if plan.exists() { Some(read_plan(&plan)?) } else { None };
    Ok((run, plan))
}

/// The most of a JSON file that is read: 256 MiB.
const MOST_BYTES: u64 = 256 << 20;

/// The text of a file, if it is not too long.
pub(crate) fn read(path: &Path) -> Result<String, Failure> {
    let io = |source| Failure::Io { path: path.to_owned(), doing: "read", source };
    let file = std::fs::File::open(path).map_err(io)?;
    let mut text = String::new();
    // Not by its length, which a device or a pipe does not tell.
    file.take(MOST_BYTES + 1).read_to_string(&mut text).map_err(io)?;
    if text.len() as u64 > MOST_BYTES {
        return Err(Failure::Usage(format!("{} is too long: at most {MOST_BYTES} bytes are read", path.display())));
    }
    Ok(text)
}

/// The summary of `plan` for programs.
pub fn summary_json(outcome: &Outcome, files: &[PathBuf], changed: Option<&Changed>) -> Result<String, serde_json::Error> {
    let fleets: Vec<_> = outcome
        .run
        .fleets
        .iter()
        .map(|f| {
            serde_json::json!({
                "name": f.name, "buys": f.buys, "hosts_on": f.hosts_on, "cost_yen": f.cost.total(), "figures": f.figures,
                "rules_hold": rule::all_hold(&f.verdicts),
            })
        })
        .collect();
    let mut json = serde_json::json!({
        "site": outcome.run.site, "fits": outcome.plan.is_some(), "conflicts": outcome.run.conflicts,
        "steps": outcome.plan.as_ref().map(|p| p.steps.len()), "lower_bound": outcome.run.lower_bound, "binds": outcome.run.binds,
        "fleets": fleets, "ups": outcome.run.ups, "wrote": files,
    });
    if let Some(changed) = changed {
        json["differences"] = serde_json::to_value(&changed.differences)?;
    }
    serde_json::to_string_pretty(&json)
}
