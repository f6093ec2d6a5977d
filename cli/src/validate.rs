//! The scorecard: published figures, ours, the difference, and what can be said of it.

use std::path::{Path, PathBuf};

use models::demand::LoadKind;
use models::estimate::Estimate;
use models::law::cost::electricity;
use models::rule::{self, RuleName, Verdict};
use models::site::{ClassId, PowerView, Site};
use models::study::{self, Answer};
use planner::pack;
use planner::quick::Quick;
use reports::Run;
use reports::run::Fleet;
use scenarios::Scenario;
use scenarios::targets::{Accept, Measure, Target, Want};
use serde::Serialize;

use crate::args::Common;
use crate::diagnose::Failure;
use crate::peer;
use crate::pipeline;
use crate::studies;

/// What can be said.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Said {
    /// Ours is within what passes.
    Reproduced,
    /// Ours is not, but the range that its givens leave reaches into what passes; or a yes or no that they leave open.
    Bracketed,
    /// Ours is not, and no value in its range is.
    Missed,
    /// Ours was fitted to this very figure: no agreement, and no miss.
    Fitted,
    /// Ours could not be computed.
    CannotSay,
}

impl Said {
    /// The word for it.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Reproduced => "reproduced",
            Self::Bracketed => "bracketed",
            Self::Missed => "MISSED",
            Self::Fitted => "fitted",
            Self::CannotSay => "cannot say",
        }
    }
}

/// One line.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Row {
    /// The scenario.
    pub scenario: String,
    /// The ledger id.
    pub id: String,
    /// What it says.
    pub what: String,
    /// The published figure.
    pub published: f64,
    /// Unit of both.
    pub unit: String,
    /// Ours, with the range that its givens leave.
    pub ours: Option<Estimate>,
    /// What passes.
    pub accept: Accept,
    /// Numbers that were fitted to measurements of the same kind to get ours.
    pub fitted: u32,
    /// Verdict.
    pub said: Said,
    /// What is assumed or cannot be compared; or why nothing can be said.
    pub note: Option<String>,
    /// Where the published figure stands.
    pub cite: String,
}

/// The engine held against closed forms.
///
/// # Errors
/// An audit that does not hold.
pub fn engine(common: &Common) -> Result<(u64, Vec<sim::proof::Row>), Failure> {
    crate::progress::Progress::new(common.json).tell("playing queues whose answers are known");
    // Other numbers each time, so that nobody can tune the engine to those of one seed; the answer names it.
    #[allow(
        clippy::disallowed_methods,
        reason = "a proof wants other numbers each time; what it plays follows from the seed that it prints"
    )]
    let fresh = || std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).map_or(0, |t| t.as_nanos() as u64 % 1_000_000_000);
    let seed = common.seed.unwrap_or_else(fresh);
    let rows = sim::proof::all(seed, sim::proof::Effort::Full).map_err(|e| Failure::Internal(e.to_string()))?;
    Ok((seed, rows))
}

/// What the scorecard holds.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
pub struct Scorecard {
    /// Published figures and ours.
    pub rows: Vec<Row>,
    /// What the authors wished for, and the command that does it.
    pub wants: Vec<Wish>,
}

/// A wish of a scenario's authors.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Wish {
    /// The scenario.
    pub scenario: String,
    /// The wish.
    #[serde(flatten)]
    pub want: Want,
}

/// Every scenario with targets, in order of folder.
///
/// # Errors
/// A scenario that cannot be read.
pub fn all(folders: &[PathBuf], common: &Common) -> Result<Scorecard, Failure> {
    let folders = if folders.is_empty() { found(Path::new("scenarios"))? } else { folders.to_vec() };
    let mut card = Scorecard::default();
    for folder in folders {
        let published = scenarios::targets::published(&folder)?;
        if published.targets.is_empty() && published.wants.is_empty() {
            continue;
        }
        let scenario = pipeline::load(&folder, common)?;
        let name = scenario.site.name.clone();
        if !published.targets.is_empty() {
            card.rows.extend(one(&scenario, &published.targets, common)?);
        }
        card.wants.extend(published.wants.into_iter().map(|want| Wish { scenario: name.clone(), want }));
    }
    Ok(card)
}

/// The scenario folders that have targets.
fn found(root: &Path) -> Result<Vec<PathBuf>, Failure> {
    let io = |source| Failure::Io { path: root.to_owned(), doing: "list", source };
    let mut folders = Vec::new();
    for entry in std::fs::read_dir(root).map_err(io)? {
        let path = entry.map_err(io)?.path();
        if path.join("targets.toml").is_file() {
            folders.push(path);
        }
    }
    folders.sort();
    Ok(folders)
}

/// One scenario: the plan is made once, and each target measured on it.
///
/// # Errors
/// As [`all`].
pub fn one(scenario: &Scenario, targets: &[Target], common: &Common) -> Result<Vec<Row>, Failure> {
    let needs_plan =
        |t: &Target| !matches!(t.measure, Measure::CloudsimNpaKwh | Measure::CloudsimDvfsKwh | Measure::OpendcEnergyJ | Measure::Study);
    let plan = targets.iter().any(needs_plan) || studies::needs_plan(scenario);
    let outcome = if plan { Some(pipeline::plan(scenario.clone(), common, 1)?) } else { None };
    // A long study is answered only where a figure of it is published.
    let mut asked = scenario.clone();
    asked.studies.retain(|s| !studies::is_long(&s.kind) || targets.iter().any(|t| t.of.study.as_deref() == Some(&s.name)));
    let answers = match &outcome {
        Some(outcome) => studies::after(&asked, outcome, common)?,
        None => studies::whole(&asked, common)?,
    };
    let run = outcome.map(|o| o.run);
    Ok(targets
        .iter()
        .map(|t| {
            let figure = studied(&answers, t);
            let ours = match &figure {
                Some(found) => found.as_ref().map(|f| f.value).map_err(Clone::clone),
                None => measure(scenario, run.as_ref(), t),
            };
            let passes = |x: f64| t.accept.passes(t.published, x);
            let said = match &ours {
                Err(_) => Said::CannotSay,
                Ok(_) if t.fitted_to_it => Said::Fitted,
                // A yes or no that the ranges of the givens do not decide is no agreement; its unit says what 1 means.
                Ok(e) if (t.measure == Measure::FitsUps || t.unit.starts_with("(1:")) && e.is_ranged() => Said::Bracketed,
                Ok(e) if passes(e.value) => Said::Reproduced,
                Ok(e) if e.is_ranged() && reaches(*e, t) => Said::Bracketed,
                Ok(_) => Said::Missed,
            };
            Row {
                scenario: scenario.site.name.clone(),
                id: t.id.clone(),
                what: t.what.clone(),
                published: t.published,
                unit: t.unit.clone(),
                accept: t.accept,
                fitted: figure.and_then(Result::ok).map_or(0, |f| f.fitted),
                said,
                note: ours.as_ref().err().cloned().or(t.note.clone()),
                ours: ours.ok(),
                cite: t.cite.clone(),
            }
        })
        .collect())
}

/// Whether some value of a range passes.
fn reaches(ours: Estimate, target: &Target) -> bool {
    let (low, high) = match target.accept {
        Accept::Between { low, high } => (low, high),
        Accept::Within(share) => {
            let by = target.published.abs() * share;
            (target.published - by, target.published + by)
        }
    };
    ours.low <= high && low <= ours.high
}

/// Our figure; `Err` says why there is none.
fn measure(scenario: &Scenario, run: Option<&Run>, target: &Target) -> Result<Estimate, String> {
    let of = &target.of;
    let fleet = |name: &str| -> Result<&Fleet, String> {
        run.and_then(|r| r.fleets.iter().find(|f| f.name == name)).ok_or_else(|| format!("there is no fleet `{name}`"))
    };
    let ours = || fleet(of.fleet.as_deref().unwrap_or("plan"));
    let than = || fleet(of.than.as_deref().ok_or("`than` is not given")?);
    let hosts = || of.hosts.ok_or_else(|| "`hosts` is not given".to_owned());
    let kwh = |wh: f64| Estimate::exactly(wh / 1000.0);
    Ok(match target.measure {
        Measure::LeastMemoryAHost => least_memory(scenario, hosts()?)?,
        Measure::GuestsAHostOneDown => guests_one_down(scenario, hosts()?)?,
        Measure::ChosenHosts => Estimate::exactly(f64::from(match &of.pool {
            None => ours()?.hosts_on,
            Some(pool) => in_pool(&scenario.site, ours()?, pool)?,
        })),
        Measure::ChosenMemoryAHost => {
            let bought = &ours()?.buys;
            let memory = |name: &String| scenario.site.classes.iter().find(|c| c.name == *name).map(|c| c.memory.0);
            let sizes: Vec<u64> = bought.iter().filter_map(|(name, _)| memory(name)).collect();
            let (least, most) = (sizes.iter().min().ok_or("nothing is bought")?, sizes.iter().max().ok_or("nothing is bought")?);
            if least != most {
                return Err(format!("hosts of {least} and of {most} MiB are bought"));
            }
            Estimate::exactly(*most as f64 / 1024.0)
        }
        Measure::CostAgainst => {
            let (a, b) = (ours()?.cost.total(), than()?.cost.total());
            Estimate { value: a.value / b.value, low: a.low / b.high, high: a.high / b.low }
        }
        Measure::HostsSaved => Estimate::exactly(f64::from(than()?.hosts_on) - f64::from(ours()?.hosts_on)),
        Measure::ElectricitySavedYen => {
            let saved = than()?.measures.site.mean_w.get() - ours()?.measures.site.mean_w.get();
            let prices = &scenario.site.prices;
            // The price and PUE are the same for both fleets: their range scales the difference.
            let of_one = electricity(models::quantity::Watts::new(saved.abs()).map_err(|e| e.to_string())?, prices);
            if saved >= 0.0 { of_one } else { Estimate { value: -of_one.value, low: -of_one.high, high: -of_one.low } }
        }
        Measure::FitsUps => {
            fits(ours()?, run.and_then(|r| r.ups.as_ref()).ok_or("the site has no CVCF")?, of.view.ok_or("`view` is not given")?)
        }
        Measure::CostDifferenceShare => {
            // What is bought and kept up: electricity has a line of its own.
            let of = |f: &Fleet| f.cost.purchase_yen + f.cost.maintenance_yen + f.cost.licences_yen;
            let (a, b) = (of(ours()?), of(than()?));
            share_apart(a, b, kept_by_both(&scenario.site, ours()?, than()?))
        }
        Measure::SurvivesOneDown => {
            let word = ours()?.verdicts.iter().find(|j| j.rule == RuleName::OneHostDown).ok_or("the rule is not asked")?;
            Estimate::exactly(f64::from(u8::from(word.verdict.holds())))
        }
        Measure::EnergyKwh => kwh(ours()?.measures.site.energy_wh.get()),
        Measure::IdleEnergyKwh => {
            let f = ours()?;
            let watts = |h: &reports::run::Fleet| -> f64 {
                h.measures
                    .hosts
                    .iter()
                    .filter_map(|m| scenario.site.classes.iter().find(|c| c.name == m.class))
                    .map(|c| c.power.curve.idle().get())
                    .sum()
            };
            kwh(watts(f) * f.measures.steps as f64 * models::quantity::Nanos(f.measures.step_ns).hours())
        }
        Measure::CloudsimNpaKwh => kwh(cloudsim(scenario)?.npa.get()),
        Measure::CloudsimDvfsKwh => kwh(cloudsim(scenario)?.dvfs.get()),
        Measure::OpendcEnergyJ => Estimate::exactly(opendc(scenario)?),
        Measure::Study => return Err("a study's figure is taken from its answer".into()),
    })
}

/// The figure of a study, for a target that asks for one; `Err` says why there is none.
fn studied<'a>(answers: &'a [Answer], target: &Target) -> Option<Result<&'a study::Figure, String>> {
    if target.measure != Measure::Study {
        return None;
    }
    let (study, figure) = (target.of.study.as_deref().unwrap_or(""), target.of.figure.as_deref().unwrap_or(""));
    let Some(answer) = answers.iter().find(|a| a.study == study) else { return Some(Err(format!("there is no study `{study}`"))) };
    Some(answer.figure(figure).ok_or_else(|| match answer.cannot_say.iter().find(|(name, _)| name == figure) {
        Some((_, why)) => why.clone(),
        None => format!("the study `{study}` has no figure `{figure}`"),
    }))
}

/// Maintenance over the horizon of the hosts that stand today and are on in both fleets.
fn kept_by_both(site: &Site, a: &Fleet, b: &Fleet) -> Estimate {
    let on = |f: &Fleet, name: &str| f.measures.hosts.iter().any(|h| h.host == name);
    let both = site.hosts.iter().filter(|h| !h.bought && on(a, &h.name) && on(b, &h.name));
    both.map(|h| site.classes[h.class.index()].maintenance_yen_per_year.times(site.prices.years)).sum()
}

/// a / b - 1, where `common` is a part of both: it takes the same end in both, all else the ends that are furthest apart.
fn share_apart(a: Estimate, b: Estimate, common: Estimate) -> Estimate {
    let own = |x: Estimate| Estimate { value: x.value - common.value, low: x.low - common.low, high: x.high - common.high };
    let (own_a, own_b) = (own(a), own(b));
    let at = |a: f64, b: f64, c: f64| (a + c) / (b + c) - 1.0;
    let ends = [common.low, common.high];
    let low = ends.map(|c| at(own_a.low, own_b.high, c)).into_iter().fold(f64::INFINITY, f64::min);
    let high = ends.map(|c| at(own_a.high, own_b.low, c)).into_iter().fold(f64::NEG_INFINITY, f64::max);
    Estimate { value: a.value / b.value - 1.0, low, high }
}

/// 1 where a fleet fits a CVCF in a view; by nameplate with the range of the nameplates: 0 to 1 where they do not decide.
fn fits(fleet: &Fleet, ups: &reports::run::UpsLimits, view: PowerView) -> Estimate {
    let site = &fleet.measures.site;
    let says = |va: f64, w: f64| f64::from(u8::from(va <= ups.rating_va && w <= ups.limit_w));
    match view {
        PowerView::Expected => Estimate::exactly(says(site.peak_va.get(), site.peak_w.get())),
        PowerView::Nameplate => {
            let n = &site.nameplate;
            Estimate { value: says(n.va.value, n.w.value), low: says(n.va.high, n.w.high), high: says(n.va.low, n.w.low) }
        }
    }
}

/// Hosts on that belong to a pool.
fn in_pool(site: &Site, fleet: &Fleet, pool: &str) -> Result<u32, String> {
    let p = site.pools.iter().position(|p| p == pool).ok_or_else(|| format!("the site has no pool `{pool}`"))?;
    let on = |name: &String| site.host_named(name).is_some_and(|h| site.hosts[h.index()].pools.iter().any(|x| x.index() == p));
    Ok(fleet.measures.hosts.iter().filter(|m| on(&m.host)).count() as u32)
}

/// The site with so many hosts of one class, judged for the loss of any one of them: its plan, if it holds.
fn with_hosts(scenario: &Scenario, class: usize, hosts: u32) -> Option<Vec<rule::down::Headroom>> {
    let mut site = scenario.site.clone();
    // The published figures speak of one host down; where bought hosts stand is another rule's matter.
    site.rules.one_domain_down.clear();
    site.rules.apart = None;
    let sale = site.classes[class].sale.as_mut()?;
    sale.max = sale.max.max(hosts);
    let site = site.with_bought(&[(ClassId::at(class), hosts)]);
    let grid = sim::load::Grid { step: scenario.grid.step, steps: scenario.grid.steps, year: scenario.grid.judged_year };
    let demand = sim::load::demand(&site, &scenario.loads, grid, 1, 0);
    let quick = Quick::new(&site, &demand);
    let bought: Vec<bool> = site.hosts.iter().map(|h| h.bought).collect();
    let state = pack::place(&quick, &bought, &bought)?;
    let judged = rule::judge(&site, &demand, &state.placement);
    judged.iter().all(|j| j.verdict.holds()).then(|| rule::down::headrooms(&site, &demand, &state.placement))
}

/// The least memory, in GiB, of a class for sale of which so many hosts do.
fn least_memory(scenario: &Scenario, hosts: u32) -> Result<Estimate, String> {
    let classes = &scenario.site.classes;
    let mut for_sale: Vec<usize> = (0..classes.len()).filter(|c| classes[*c].sale.is_some()).collect();
    for_sale.sort_by_key(|c| classes[*c].memory);
    let found = for_sale.into_iter().find(|c| with_hosts(scenario, *c, hosts).is_some());
    found
        .map(|c| Estimate::exactly(classes[c].memory.0 as f64 / 1024.0))
        .ok_or_else(|| format!("no class for sale does with {hosts} hosts"))
}

/// The most guests on a host after the loss of another, on the smallest class of which so many hosts do.
fn guests_one_down(scenario: &Scenario, hosts: u32) -> Result<Estimate, String> {
    let classes = &scenario.site.classes;
    let mut for_sale: Vec<usize> = (0..classes.len()).filter(|c| classes[*c].sale.is_some()).collect();
    for_sale.sort_by_key(|c| classes[*c].memory);
    let headrooms = for_sale
        .into_iter()
        .find_map(|c| with_hosts(scenario, c, hosts))
        .ok_or_else(|| format!("no class for sale does with {hosts} hosts"))?;
    // Guests on each host as it stands: what is lost with it.
    let own: Vec<(String, usize)> = headrooms.iter().map(|h| (h.lost.trim_start_matches("host ").to_owned(), h.guests)).collect();
    let most = headrooms
        .iter()
        .filter(|h| matches!(h.verdict, Verdict::Holds { .. }))
        .flat_map(|h| {
            own.iter()
                .filter(|(name, _)| h.lost != format!("host {name}"))
                .map(|(name, n)| n + h.moves.iter().filter(|(_, to)| to == name).count())
        })
        .max()
        .ok_or("no loss is survived")?;
    Ok(Estimate::exactly(most as f64))
}

/// CloudSim's energies on the scenario's recorded CPU.
fn cloudsim(scenario: &Scenario) -> Result<peer::cloudsim::Energies, String> {
    let columns = scenario
        .loads
        .iter()
        .find_map(|l| match &l.kind {
            LoadKind::RecordedCpu { columns_khz, .. } if l.guests.len() == scenario.site.guests.len() => Some(columns_khz),
            _ => None,
        })
        .ok_or("no recorded CPU falls on every guest")?;
    peer::cloudsim::energies(&scenario.site, columns, scenario.grid.step).map_err(|e| e.to_string())
}

/// OpenDC's energy, J, on the scenario's Parquet pair.
fn opendc(scenario: &Scenario) -> Result<f64, String> {
    let traces = scenario.folder.join("traces");
    let mut tasks = scenarios::opendc::read_tasks(&traces.join("opendc_bitbrains_small_tasks.parquet")).map_err(|e| e.to_string())?;
    scenarios::opendc::read_fragments(&traces.join("opendc_bitbrains_small_fragments.parquet"), &mut tasks).map_err(|e| e.to_string())?;
    let memory: Vec<u64> = tasks.iter().map(|t| (t.mem_capacity as f64 / 1000.0).round() as u64).collect();
    let starts = peer::opendc::schedule(&scenario.site, &tasks, &memory).ok_or("a machine fits no host")?;
    // Guests of the run are the tasks, in their order; the site lends its hosts.
    let mut site = scenario.site.clone();
    site.guests = tasks
        .iter()
        .map(|t| {
            let name = format!("vm-{}", t.id);
            scenario
                .site
                .guest_named(&name)
                .map(|g| scenario.site.guests[g.index()].clone())
                .ok_or_else(|| format!("the site has no guest {name}"))
        })
        .collect::<Result<_, _>>()?;
    let measures = peer::opendc::run(&site, &tasks, &starts).map_err(|id| format!("task {id} does not fit in columns"))?;
    Ok(measures.site.energy_wh.get() * 3600.0)
}
