//! Physical or virtual: when each service outgrows a guest, and when it can come back.

use models::demand::Demand;
use models::law::percentile;
use models::law::switching::{Stay, stays};
use models::site::{GuestId, Mode};
use models::study::physical_or_virtual::PhysicalOrVirtual;
use models::study::{Answer, Study};
use models::{Estimate, site::Site};

use super::Facts;
use super::horizon::grown;
use crate::diagnose::Failure;
use crate::pipeline;

/// What a guest asks for by stretch: the percentile of its load, kHz. A last stretch that is cut short counts too.
fn by_stretch(demand: &Demand, guest: GuestId, steps: usize, p: f64) -> Vec<f64> {
    let column = &demand.guests[guest.index()].cpu_khz;
    column
        .chunks(steps.max(1))
        .map(|c| {
            let mut samples: Vec<u64> = c.iter().map(|x| u64::from(*x)).collect();
            percentile::of(&mut samples, p) as f64
        })
        .collect()
}

/// The stays on metal of every guest under one replication.
fn all_stays(it: &PhysicalOrVirtual, site: &Site, demand: &Demand, can_khz: f64) -> Vec<Vec<Stay>> {
    let steps = (it.stretch.0 / demand.step.0.max(1)) as usize;
    (0..site.guests.len()).map(|g| stays(&by_stretch(demand, GuestId::at(g), steps, it.percentile), can_khz, it.limits)).collect()
}

/// The most stays at a time, of the guests asked about.
fn at_once(found: &[Vec<Stay>], asked: &[usize]) -> usize {
    let out = |s: &Stay, i: usize| s.out <= i && s.back.is_none_or(|b| i < b);
    let last = found.iter().flatten().map(|s| s.out).max().unwrap_or(0);
    (0..=last).map(|i| asked.iter().filter(|g| found[**g].iter().any(|s| out(s, i))).count()).max().unwrap_or(0)
}

/// Answers.
pub(super) fn answer(it: &PhysicalOrVirtual, study: &Study, facts: &Facts<'_>) -> Result<Answer, Failure> {
    let mut answer = Answer::to(study, &["switching", "percentile"]);
    let Some((_, demands)) = facts.planned else { return Err(Failure::Internal("a study of the plan without a plan".into())) };
    let site = &facts.scenario.site;
    let class = &site.classes[it.host.index()];
    let can = class.capacity().get() * f64::from(it.vcpus.min(class.cores)) / f64::from(class.cores.max(1)) * (1.0 - it.hypervisor);
    let can_khz = can * 1000.0;
    let virtual_ones: Vec<usize> = (0..site.guests.len()).filter(|g| site.guests[*g].mode != Mode::PhysicalOnly).collect();
    let metal: Vec<usize> = (0..site.guests.len()).filter(|g| site.guests[*g].mode == Mode::PhysicalOnly).collect();
    answer.tell("CPU of a guest", Estimate::exactly(can), "MHz", "min(vCPUs, cores) x clock, less the hypervisor's share");

    // The judged year, in every replication.
    let runs: Vec<Vec<Vec<Stay>>> = demands.iter().map(|d| all_stays(it, site, d, can_khz)).collect();
    let over = |f: &dyn Fn(&Vec<Vec<Stay>>) -> usize| {
        let all: Vec<f64> = runs.iter().map(|r| f(r) as f64).collect();
        let (low, high) = (all.iter().copied().fold(f64::INFINITY, f64::min), all.iter().copied().fold(0.0, f64::max));
        Estimate { value: all.iter().sum::<f64>() / all.len() as f64, low, high }
    };
    let how = format!("least and most over {} replications of the load", runs.len());
    answer.tell("guests that outgrow a guest", over(&|r| virtual_ones.iter().filter(|g| !r[**g].is_empty()).count()), "guests", &how);
    answer.tell("moves out", over(&|r| virtual_ones.iter().map(|g| r[*g].len()).sum()), "moves", &how);
    answer.tell(
        "moves back",
        over(&|r| virtual_ones.iter().map(|g| r[*g].iter().filter(|s| s.back.is_some()).count()).sum()),
        "moves",
        &how,
    );
    answer.tell("physical servers needed at once", over(&|r| at_once(r, &virtual_ones)), "servers", &how);
    let room = class.guest_memory();
    let could = |r: &Vec<Vec<Stay>>| metal.iter().filter(|g| r[**g].is_empty() && site.guests[**g].memory <= room).count();
    answer.tell("workloads on metal that a guest would hold, each by itself", over(&could), "workloads", &how);

    by_year(it, facts, can_khz, &virtual_ones, &metal, &mut answer);
    Ok(answer)
}

/// By year of growth, the first replication: who outgrows a guest first and by which steps, and which services never do.
fn by_year(it: &PhysicalOrVirtual, facts: &Facts<'_>, can_khz: f64, virtual_ones: &[usize], metal: &[usize], answer: &mut Answer) {
    let site = &facts.scenario.site;
    let years: Vec<Vec<Vec<Stay>>> = (1..=it.years)
        .map(|year| {
            let grid = scenarios::Grid { judged_year: year, ..facts.scenario.grid };
            let loads = grown(facts.loads, it.growth.map(|g| g.value));
            let demands = pipeline::demands(site, loads, &grid, facts.common.seed(), 1);
            all_stays(it, site, &demands[0], can_khz)
        })
        .collect();
    let first = |g: usize| years.iter().position(|year| !year[g].is_empty());
    for g in virtual_ones {
        if let Some(year) = first(*g) {
            for stay in &years[year][*g] {
                answer.say(steps(it, facts, *g, year + 1, *stay));
            }
        }
    }
    let (mut within, mut beyond) = (Vec::new(), Vec::new());
    for (s, service) in site.services.iter().enumerate() {
        let of = |all: &[usize]| -> Vec<usize> {
            all.iter().copied().filter(|g| site.guests[*g].service.is_some_and(|x| x.index() == s)).collect()
        };
        let (guests, on_metal) = (of(virtual_ones), of(metal));
        let where_now = if guests.is_empty() { "on metal" } else { "guests" };
        let mine = if guests.is_empty() { on_metal } else { guests };
        match mine.iter().filter_map(|g| first(*g)).min() {
            _ if mine.is_empty() => {}
            None => within.push(format!("{} ({where_now})", service.name)),
            Some(year) => {
                let figure = format!("{}: first year beyond a guest", service.name);
                answer.tell(figure, Estimate::exactly(year as f64 + 1.0), "", "first replication, load grown by the year");
                beyond.push(format!("{} ({where_now}) from year {}", service.name, year + 1));
            }
        }
    }
    if !beyond.is_empty() {
        answer.say(format!("beyond a guest's CPU within {} years: {}", it.years, beyond.join(", ")));
    }
    if !within.is_empty() {
        answer.say(format!("within a guest's CPU for all {} years: {}", it.years, within.join(", ")));
    }
}

/// The steps of a stay, out and back.
fn steps(it: &PhysicalOrVirtual, facts: &Facts<'_>, g: usize, year: usize, stay: Stay) -> String {
    let site = &facts.scenario.site;
    let (name, server) = (&site.guests[g].name, &site.classes[it.server.index()].name);
    let placement = facts.planned.and_then(|(run, _)| run.chosen.map(|c| &run.fleets[c].placement));
    let from = placement.and_then(|p| p.iter().find(|(guest, _)| guest == name)).map_or("its host", |(_, host)| host.as_str());
    let when = |stretch: usize| format!("hour {:.0}", it.stretch.hours() * stretch as f64);
    let back = match stay.back {
        Some(b) => format!(
            "{}: stop guest {name} on {server}, define guest {name} on {from}, start guest {name} on {from}, power off {server}",
            when(b)
        ),
        None => "it does not come back within the horizon".to_owned(),
    };
    format!(
        "{name} outgrows a guest in year {year}. {}: boot a {server}, stop guest {name} on {from}, define guest {name} on {server}, start \
         guest {name} on {server}. {back}",
        when(stay.out)
    )
}
