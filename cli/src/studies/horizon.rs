//! Over the years: what fleets cost, and how long the plan lasts.

use models::demand::Load;
use models::law::cost;
use models::site::{ClassId, Site};
use models::study::cost_course::{CostCourse, Side};
use models::study::growth::Growth;
use models::study::{Answer, Study};
use models::{Estimate, rule::Verdict};
use planner::{Answer as Planned, Options};

use super::Facts;
use crate::diagnose::Failure;
use crate::fleets::{self, Rebuilt};
use crate::pipeline;

/// Fleets that are tried for a year beyond the plan's.
const MOST_FLEETS: usize = 12;

/// Two fleets over several renewals.
pub(super) fn cost_course(it: &CostCourse, study: &Study, facts: &Facts<'_>) -> Result<Answer, Failure> {
    let mut none = Answer::to(study, &["cost", "horizon"]);
    let Some((run, _)) = facts.planned else { return Err(Failure::Internal("a study of fleets without fleets".into())) };
    let site = &facts.scenario.site;
    let mut sides = Vec::new();
    for name in [&it.fleet, &it.than] {
        let Some(fleet) = run.fleets.iter().find(|f| f.name == *name) else {
            none.say(format!("there is no fleet `{name}`: nothing fits, or it could not be placed"));
            return Ok(none);
        };
        let Rebuilt { site: with, placement, .. } = fleets::rebuilt(fleet, site);
        let mean = fleet.measures.site.mean_w;
        let bought = (0..site.classes.len()).map(|c| with.hosts.iter().filter(|h| h.bought && h.class.index() == c).count() as u32);
        sides.push(Side {
            name: name.clone(),
            cost: fleet.cost,
            outlay: cost::outlay(&with, &placement, mean),
            mean,
            bought: bought.collect(),
        });
    }
    let price = |c: ClassId| {
        let class = &site.classes[c.index()];
        (class.name.clone(), class.sale.as_ref().map_or(Estimate::ZERO, |s| s.price_yen))
    };
    Ok(it.answer(study, &site.prices, &sides[0], &sides[1], &price))
}

/// The loads, with this growth a year where they give none of their own.
pub(super) fn grown(loads: &[Load], growth: Option<f64>) -> Vec<Load> {
    let mut loads = loads.to_vec();
    for load in loads.iter_mut().filter(|l| l.growth_per_year == 0.0) {
        load.growth_per_year = growth.unwrap_or(0.0);
    }
    loads
}

/// How long the plan lasts while its load grows.
pub(super) fn growth(it: &Growth, study: &Study, facts: &Facts<'_>) -> Result<Answer, Failure> {
    let mut answer = Answer::to(study, &["percentile", "share", "power"]);
    let Some((run, _)) = facts.planned else { return Err(Failure::Internal("a study of the plan without a plan".into())) };
    let site = &facts.scenario.site;
    let Some(fleet) = run.chosen.map(|c| &run.fleets[c]) else {
        answer.say("nothing fits, so nothing lasts");
        return Ok(answer);
    };
    if it.growth.is_none() && facts.loads.iter().all(|l| l.growth_per_year == 0.0) {
        answer.say("no load of this site grows, and the study gives no growth: the plan lasts as long as its hosts");
        answer.cannot_say.push(("years that the plan lasts".into(), "no load grows".into()));
        return Ok(answer);
    }
    let Rebuilt { site: with, placement, .. } = fleets::rebuilt(fleet, site);
    let at_year = |site: &Site, year, growth: Option<f64>| {
        let grid = scenarios::Grid { judged_year: year, ..facts.scenario.grid };
        pipeline::demands(site, grown(facts.loads, growth), &grid, facts.common.seed(), 1)
    };
    // The years that it lasts under a growth, and what breaks then: by halving, as load that grows frees nothing.
    let lasts = |growth: Option<f64>| {
        let broken_in =
            |year| planner::judge_all(&with, &at_year(&with, year, growth), &placement).into_iter().find(|j| !j.verdict.holds());
        let (mut holds, mut breaks, mut why) = (0, it.years + 1, None);
        while breaks - holds > 1 {
            let year = holds + (breaks - holds) / 2;
            match broken_in(year) {
                None => holds = year,
                Some(broken) => (breaks, why) = (year, Some(broken)),
            }
        }
        (holds, why)
    };
    let (years, broken) = lasts(it.growth.map(|g| g.value));
    let ends = it.growth.filter(|g| g.is_ranged()).map(|g| (lasts(Some(g.high)).0, lasts(Some(g.low)).0));
    let (low, high) = ends.unwrap_or((years, years));
    let value = Estimate { value: f64::from(years), low: f64::from(low), high: f64::from(high) };
    answer.tell("years that the plan lasts", value, "", &format!("every rule judged anew on one replication, up to year {}", it.years));
    if high == it.years && low < high {
        answer.say(format!("at the low end of its growth it lasts {} years or more: no later year was asked", it.years));
    }
    match broken {
        Some(j) => {
            let why = match &j.verdict {
                Verdict::Broken { breaches, .. } => breaches.first().map_or_else(String::new, ToString::to_string),
                Verdict::Undecided { why } => why.clone(),
                Verdict::Holds { .. } => String::new(),
            };
            answer.say(format!("load grown to the start of year {} breaks the rule \"{}\": {why}", years + 1, j.rule.words()));
        }
        None => answer.say(format!("every rule holds with load grown to the start of year {}", it.years)),
    }
    if years == it.years {
        return Ok(answer);
    }
    let demands = at_year(site, years + 1, it.growth.map(|g| g.value));
    match planner::plan(site, &demands, &Options { most_tries: MOST_FLEETS, ..Options::default() }) {
        Planned::Fits(found) => {
            let hosts = found.placement.hosts_on();
            answer.tell(
                "hosts needed then",
                Estimate::exactly(hosts as f64),
                "hosts",
                &format!("planned anew for one replication of year {}", years + 1),
            );
            answer.say(format!(
                "planned anew for year {}: {hosts} hosts on, {}, against {} in the plan",
                years + 1,
                planner::search::words(site, &found.buys),
                fleet.hosts_on
            ));
        }
        Planned::DoesNotFit { conflicts, .. } => {
            let why = format!("among the first {MOST_FLEETS} fleets none fits year {}: {}", years + 1, conflicts.join("; "));
            answer.cannot_say.push(("hosts needed then".into(), why));
        }
    }
    Ok(answer)
}
