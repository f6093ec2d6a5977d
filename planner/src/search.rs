//! Over *how many hosts of which class*: cheapest first.
//!
//! Fleets are taken in order of what is sure to be paid for them: purchase, licences, maintenance and idle electricity
//! over the horizon. A fleet that cannot hold the guests' memory, or breaks the nameplate limit of the CVCF, is passed
//! over; on the others guests are placed, the placement is judged by the rules under every replication of the load, and
//! its steps are walked. The search ends when what is sure to be paid for the next fleet exceeds the whole cost of the
//! best plan found, or at its limit of tries; then the answer says so.

use std::collections::{BTreeSet, BinaryHeap};

use models::demand::Demand;
use models::law::cost::{self, Cost, electricity};
use models::plan::Step;
use models::quantity::Watts;
use models::rule::ups::{nameplate, nameplate_peak};
use models::rule::{self, Judgement, walk};
use models::site::{ClassId, HostId, LicencePer, Mode, OnLoss, Placement, PowerView, Prefer, Site};
use rayon::prelude::*;
use sim::replay::replay;

use crate::bound::{self, Bound};
use crate::order::Boots;
use crate::quick::{Quick, State};
use crate::{explain, order, pack, prefer, spread, stagger};

/// Limits of the search, and who is told how it goes.
pub struct Options<'a> {
    /// Most fleets on which guests are placed.
    pub most_tries: usize,
    /// Told of each try.
    pub progress: Option<&'a dyn Fn(&str)>,
    /// Placements from elsewhere (the fleets that the plan is compared with), judged like the search's own: what is bought,
    /// and who runs where on the site with it.
    pub also: Vec<(Vec<(ClassId, u32)>, Placement)>,
    /// So many plans are handed on besides the best: for another judge to choose among, if the best does not please it.
    pub runners_up: usize,
}

impl Default for Options<'_> {
    fn default() -> Self {
        Self { most_tries: 400, progress: None, also: Vec::new(), runners_up: 0 }
    }
}

/// The answer.
pub enum Answer {
    /// A plan that keeps every rule, at its end and on its way.
    Fits(Box<Found>),
    /// Nothing that was tried keeps the rules: which conflict, with figures.
    DoesNotFit {
        /// A few sentences.
        conflicts: Vec<String>,
        /// Whether every fleet was tried. On each, guests are placed by heuristics: on a large site one may fit that was missed.
        exhaustive: bool,
    },
}

/// A plan found.
pub struct Found {
    /// The site with what is bought.
    pub site: Site,
    /// What is bought.
    pub buys: Vec<(ClassId, u32)>,
    /// Who runs where.
    pub placement: Placement,
    /// How to get there.
    pub steps: Vec<Step>,
    /// Every rule's word, the worst over the replications.
    pub verdicts: Vec<Judgement>,
    /// Rules that today's state breaks, and that the plan heals.
    pub broken_before: Vec<rule::RuleName>,
    /// Cost at the mean power of the first replication.
    pub cost: Cost,
    /// The lower bound by volume.
    pub bound: Bound,
    /// Fleets on which guests were placed.
    pub tried: usize,
    /// Whether every fleet that could be cheaper was tried. On each, guests are placed by heuristics: a cheaper placement
    /// may exist above the lower bound all the same.
    pub exhaustive: bool,
    /// Other plans that keep every rule, the cheapest first: placements met on the way, guests spread over the same hosts, and
    /// over one host more.
    pub runners_up: Vec<Found>,
}

/// Searches for the cheapest plan. The first of `demands` is the one that is searched on; all of them judge.
///
/// # Panics
/// Where there is no demand.
#[must_use]
pub fn plan(site: &Site, demands: &[Demand], options: &Options) -> Answer {
    let found = search(site, demands, options);
    match found {
        Ok(found) => Answer::Fits(Box::new(found)),
        Err(nothing) => {
            Answer::DoesNotFit { conflicts: explain::conflicts(site, demands, nothing.no_order.as_deref()), exhaustive: nothing.exhaustive }
        }
    }
}

/// Nothing was found.
pub(crate) struct Nothing {
    /// Whether every fleet was tried.
    pub exhaustive: bool,
    /// The first placement that keeps every rule and that no order of steps was found for.
    pub no_order: Option<Box<NoOrder>>,
}

/// An end without a way to it.
pub(crate) struct NoOrder {
    /// The site with what is bought.
    pub site: Site,
    /// What is bought.
    pub buys: Vec<(ClassId, u32)>,
    /// The end.
    pub placement: Placement,
    /// What stands in the way.
    pub why: String,
}

/// Why a placement is no plan.
enum Refused {
    /// It costs too much, or breaks a rule.
    Itself,
    /// There is no way to it.
    NoOrder(Box<NoOrder>),
}

/// The search without its explanation.
pub(crate) fn search(site: &Site, demands: &[Demand], options: &Options) -> Result<Found, Nothing> {
    let demand = demands.first().expect("at least one demand");
    let bound = bound::by_volume(site, demand);
    let for_sale: Vec<ClassId> = (0..site.classes.len()).map(ClassId::at).filter(|c| site.classes[c.index()].sale.is_some()).collect();
    let most = |c: &ClassId| site.classes[c.index()].sale.as_ref().map_or(0, |s| s.max);

    let mut queue = BinaryHeap::new();
    let mut seen = BTreeSet::new();
    let none = vec![0u32; for_sale.len()];
    queue.push(Fleet { sure_yen: 0.0, counts: none.clone() });
    seen.insert(none);
    let mut least = f64::INFINITY;
    let (mut best, mut tried, mut looked, mut exhaustive): (Option<Found>, usize, usize, bool) = (None, 0, 0, true);
    let mut others: Vec<Found> = Vec::new();
    let mut no_order: Option<Box<NoOrder>> = None;
    for (buys, placement) in &options.also {
        if let Ok(found) = accept(site, &site.with_bought(buys), buys, demands, placement.clone(), &bound, least)
            && found.cost.total().value < least
        {
            least = found.cost.total().value;
            others.extend(best.replace(found));
        }
    }
    while let Some(Fleet { sure_yen, counts }) = queue.pop() {
        if sure_yen >= least {
            break;
        }
        looked += 1;
        if tried >= options.most_tries || looked > 200_000 {
            exhaustive = false;
            break;
        }
        for (k, class) in for_sale.iter().enumerate() {
            let mut more = counts.clone();
            more[k] += 1;
            if more[k] <= most(class) && seen.insert(more.clone()) {
                queue.push(Fleet { sure_yen: sure_yen_of(site, &for_sale, &more), counts: more });
            }
        }
        let buys: Vec<(ClassId, u32)> = for_sale.iter().copied().zip(counts).filter(|(_, n)| *n > 0).collect();
        let fleet = site.with_bought(&buys);
        if !can_hold(&fleet) {
            continue;
        }
        tried += 1;
        if let Some(tell) = options.progress {
            tell(&format!("fleet {tried}: {}", words(site, &buys)));
        }
        for candidate in candidates(&fleet, demand) {
            let accepted = accept(site, &fleet, &buys, demands, candidate, &bound, least * 1.001);
            if let Err(Refused::NoOrder(end)) = accepted {
                no_order.get_or_insert(end);
            } else if let Ok(found) = accepted {
                least = least.min(found.cost.total().value);
                // As cheap as the cheapest ever seen, to a thousandth, and liked better (fewer steps); or the only one that is.
                let near = |f: &Found| f.cost.total().value <= least * 1.001;
                if near(&found) && best.as_ref().is_none_or(|b| !near(b) || prefer::rank(&found, demand) < prefer::rank(b, demand)) {
                    others.extend(best.replace(found));
                } else if options.runners_up > 0 {
                    others.push(found);
                }
            }
        }
    }
    match best {
        Some(mut found) => {
            found.tried = tried;
            found.exhaustive = exhaustive;
            if options.runners_up > 0 {
                others.extend(spread_out(site, &found, &for_sale, demands, &bound));
                others.sort_by(|a, b| a.cost.total().value.total_cmp(&b.cost.total().value).then(a.steps.len().cmp(&b.steps.len())));
                let mut seen = vec![(found.buys.clone(), found.placement.clone())];
                others.retain(|f| {
                    let it = (f.buys.clone(), f.placement.clone());
                    let new = !seen.contains(&it);
                    seen.push(it);
                    new
                });
                others.truncate(options.runners_up);
                found.runners_up = others;
            }
            Ok(found)
        }
        None => Err(Nothing { exhaustive, no_order }),
    }
}

/// Plans for delay: guests spread over the best's own hosts, and over those with one more.
fn spread_out(site: &Site, best: &Found, for_sale: &[ClassId], demands: &[Demand], bound: &Bound) -> Vec<Found> {
    let found = |fleet: &Site, buys: &[(ClassId, u32)], candidate| accept(site, fleet, buys, demands, candidate, bound, f64::INFINITY).ok();
    let mut all = Vec::new();
    all.extend(spread::place(&best.site, &demands[0], &best.placement.on).and_then(|p| found(&best.site, &best.buys, p)));
    for class in for_sale {
        let mut buys = best.buys.clone();
        match buys.iter_mut().find(|(c, _)| c == class) {
            Some((_, n)) => *n += 1,
            None => buys.push((*class, 1)),
        }
        buys.sort_by_key(|(c, _)| *c);
        let most = site.classes[class.index()].sale.as_ref().map_or(0, |s| s.max);
        let fleet = site.with_bought(&buys);
        if buys.iter().any(|(c, n)| c == class && *n > most) || !can_hold(&fleet) {
            continue;
        }
        // Hosts that are bought stand after those of the site: what was on stays on.
        let mut on = best.placement.on[..site.hosts.len()].to_vec();
        on.resize(fleet.hosts.len(), true);
        all.extend(spread::place(&fleet, &demands[0], &on).and_then(|p| found(&fleet, &buys, p)));
    }
    all
}

/// Placements on a fleet, before they are judged: from today's where there is one, and from nothing.
fn candidates(fleet: &Site, demand: &Demand) -> Vec<Placement> {
    let mut quick = Quick::new(fleet, demand);
    let may: Vec<bool> = fleet.hosts.iter().map(|h| !h.retires).collect();
    // What is evacuated stays on.
    let emptied = |h: usize| fleet.rules.evacuated.contains(&HostId::at(h));
    let must: Vec<bool> = fleet.hosts.iter().enumerate().map(|(h, host)| host.bought || emptied(h)).collect();
    let mut all: Vec<State> = Vec::new();
    for within in prefer::within(fleet) {
        quick.keep_within(within);
        let mut some: Vec<State> = Vec::new();
        if let Some(today) = &fleet.today {
            let mut start = today.clone();
            start.on.iter_mut().zip(must.iter().zip(&may)).for_each(|(on, (must, may))| *on = *may && (*on || *must));
            if let Some(kept) = pack::keep_today(&quick, &start) {
                let mut improved = kept.clone();
                pack::improve(&quick, &must, &mut improved);
                some.push(kept);
                some.push(improved);
            }
        }
        some.extend(pack::place(&quick, &may, &must));
        if fleet.rules.prefer == Some(Prefer::Light) {
            some.extend(some.clone().into_iter().map(|state| prefer::lighten(&quick, state)));
        }
        all.extend(some);
    }
    all.into_iter().map(|s| s.placement).collect()
}

/// A plan with this placement, where it keeps every rule and there is a way to it; nothing is bought. Else, why there is no way.
pub(crate) fn way_to(site: &Site, demands: &[Demand], placement: Placement) -> Result<Found, Option<Box<NoOrder>>> {
    let bound = bound::by_volume(site, &demands[0]);
    accept(site, site, &[], demands, placement, &bound, f64::INFINITY).map_err(|refused| match refused {
        Refused::Itself => None,
        Refused::NoOrder(end) => Some(end),
    })
}

/// Judges a placement and its steps; it is refused where it costs more than `most_yen`, a rule does not hold, or no order of steps
/// leads to it.
fn accept(
    site: &Site,
    fleet: &Site,
    buys: &[(ClassId, u32)],
    demands: &[Demand],
    placement: Placement,
    bound: &Bound,
    most_yen: f64,
) -> Result<Found, Refused> {
    // What it costs is known sooner than whether its way is sound.
    let cost = cost::of(fleet, &placement, replay(fleet, &demands[0], &placement).site.mean_w);
    if cost.total().value > most_yen {
        return Err(Refused::Itself);
    }
    let verdicts = crate::judge_all(fleet, demands, &placement);
    if !rule::all_hold(&verdicts) {
        return Err(Refused::Itself);
    }
    let start = fleet.today.clone().unwrap_or_else(|| Placement::empty(fleet));
    let quick = Quick::new(fleet, &demands[0]);
    // All boots first keeps the most in reserve; where that breaks a rule on the way, each boot waits until it is needed.
    let mut why = String::new();
    let mut walked = |steps: Vec<Step>| {
        let walks: Vec<walk::Walk> = demands.par_iter().map(|d| walk::walk(fleet, d, &start, &steps)).collect();
        if let Some(f) = walks.iter().find_map(|w| w.faults.first()) {
            let rule = f.rule.map_or_else(String::new, |r| format!("{}: ", r.words()));
            why = format!("step {}, {}: {rule}{}", f.step, steps[f.step as usize - 1], f.why);
        }
        walks.iter().all(|w| w.faults.is_empty() && w.end == placement).then_some((steps, walks))
    };
    let mut stuck = None;
    let way = [Boots::First, Boots::WhenNeeded].into_iter().find_map(|boots| {
        let steps = order::steps(&quick, &start, &placement, boots).map_err(|e| stuck = Some(e.to_string())).ok()?;
        let together = stagger::stagger(fleet, demands, &start, steps.clone());
        let differs = together != steps;
        walked(together).or_else(|| if differs { walked(steps) } else { None })
    });
    let Some((steps, walks)) = way else {
        let why = stuck.unwrap_or(why);
        return Err(Refused::NoOrder(Box::new(NoOrder { site: fleet.clone(), buys: buys.to_vec(), placement, why })));
    };
    let mut broken_before: Vec<rule::RuleName> = walks.into_iter().flat_map(|w| w.broken_before).collect();
    broken_before.sort_unstable();
    broken_before.dedup();
    if site.today.is_none() {
        broken_before.clear();
    }
    let (site, buys) = (fleet.clone(), buys.to_vec());
    Ok(Found {
        site,
        buys,
        placement,
        steps,
        verdicts,
        broken_before,
        cost,
        bound: bound.clone(),
        tried: 0,
        exhaustive: false,
        runners_up: Vec::new(),
    })
}

/// `3 x rx300, 1 x blade`, or `no purchase`.
#[must_use]
pub fn words(site: &Site, buys: &[(ClassId, u32)]) -> String {
    if buys.is_empty() {
        return "no purchase".into();
    }
    let one = |(c, n): &(ClassId, u32)| format!("{n} x {}", site.classes[c.index()].name);
    buys.iter().map(one).collect::<Vec<_>>().join(", ")
}

/// A fleet in the queue; the least sure cost comes first, then the fewest hosts, then the first in order of class.
#[derive(PartialEq)]
struct Fleet {
    sure_yen: f64,
    counts: Vec<u32>,
}
impl Eq for Fleet {}
impl Ord for Fleet {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        let size = |f: &Self| f.counts.iter().sum::<u32>();
        other.sure_yen.total_cmp(&self.sure_yen).then(size(other).cmp(&size(self))).then(other.counts.cmp(&self.counts))
    }
}
impl PartialOrd for Fleet {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

/// What is sure to be paid for the hosts bought.
fn sure_yen_of(site: &Site, classes: &[ClassId], counts: &[u32]) -> f64 {
    let years = site.prices.years;
    let mut licences = vec![0u32; site.licences.len()];
    let mut yen = 0.0;
    for (c, n) in classes.iter().zip(counts) {
        let class = &site.classes[c.index()];
        let price = class.sale.as_ref().map_or(0.0, |s| s.price_yen.value);
        yen += f64::from(*n)
            * (price + class.maintenance_yen_per_year.value * years + electricity(class.power.curve.idle(), &site.prices).value);
        for l in &class.licences {
            licences[l.index()] += n * if site.licences[l.index()].per == LicencePer::Socket { class.sockets } else { 1 };
        }
    }
    for (licence, needed) in site.licences.iter().zip(licences) {
        yen += licence.price_yen.value * f64::from(needed.saturating_sub(licence.owned))
            + licence.yearly_yen.value * f64::from(needed) * years;
    }
    yen
}

/// What no placement can mend: memory by volume, nameplates, licences.
fn can_hold(fleet: &Site) -> bool {
    let mut pinned: Vec<HostId> = fleet.guests.iter().filter_map(|g| g.pinned).collect();
    pinned.sort_unstable();
    let room: Vec<(HostId, u64)> = (0..fleet.hosts.len())
        .map(HostId::at)
        .filter(|h| fleet.class_of(*h).hypervisor.is_some() && !fleet.hosts[h.index()].retires)
        .map(|h| {
            let own: u64 = fleet.guests.iter().filter(|g| g.pinned == Some(h)).map(|g| g.memory.0).sum();
            (h, fleet.class_of(h).guest_memory().0.saturating_sub(own))
        })
        .collect();
    let needs = |restart_only: bool| -> u64 {
        let counts = |g: &&models::site::Guest| {
            g.pinned.is_none() && g.mode != Mode::PhysicalOnly && (!restart_only || g.on_loss == OnLoss::Restart)
        };
        fleet.guests.iter().filter(counts).map(|g| g.memory.0).sum()
    };
    // After any loss, all guests that are to be restarted run on what is left: those that were lost, and those that were not.
    let left_without = |lost: &dyn Fn(HostId) -> bool| room.iter().filter(|(h, _)| !lost(*h)).map(|(_, m)| m).sum::<u64>();
    let (all, restart) = (left_without(&|_| false), needs(true));
    if needs(false) > all {
        return false;
    }
    if fleet.rules.one_host_down.is_some() && room.iter().any(|(_, m)| restart > all - m) {
        return false;
    }
    for (kind, _) in &fleet.rules.one_domain_down {
        let lost_with = |d: usize| left_without(&|h| fleet.hosts[h.index()].domains.iter().any(|x| x.index() == d));
        if (0..fleet.domains.len()).any(|d| fleet.domains[d].kind == *kind && restart > lost_with(d)) {
            return false;
        }
    }
    let must: Vec<bool> = (0..fleet.hosts.len()).map(|h| fleet.hosts[h].bought || pinned.binary_search(&HostId::at(h)).is_ok()).collect();
    let least = Placement { on: must, host_of: vec![None; fleet.guests.len()] };
    if let (Some(ups), Some(rule)) = (&fleet.ups, fleet.rules.ups) {
        let keep = 1.0 - rule.reserve;
        let (va, w) = match rule.view {
            PowerView::Nameplate => {
                let n = nameplate(fleet, &least, None);
                (n.va.value, n.w.value)
            }
            // What is on draws its idle power at the least.
            PowerView::Expected => {
                let hosts =
                    (0..fleet.hosts.len()).map(HostId::at).filter(|h| least.on[h.index()]).map(|h| fleet.class_of(h).power.curve.idle());
                let w = hosts.sum::<Watts>() + fleet.devices.iter().map(|d| d.expected.scaled(f64::from(d.count))).sum();
                (w.get(), w.get())
            }
        };
        if va > ups.rating.get() * keep || w > ups.limit_w().get() * keep {
            return false;
        }
        let by_nameplate = rule.view == PowerView::Nameplate;
        if nameplate_peak(fleet, &least).is_some_and(|(needed, most)| by_nameplate && needed > most * keep) {
            return false;
        }
    }
    fleet.licences.iter().zip(cost::licences_needed(fleet, &least)).all(|(l, n)| l.max.is_none_or(|max| n <= max))
}
