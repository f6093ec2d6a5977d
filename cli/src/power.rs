//! Studies of the power of the compared fleets: each is replayed again under every replication of its load.

use models::Estimate;
use models::quantity::QuantityError;
use models::study::cvcf::{Cvcf, Draw};
use models::study::power_tail::PowerTail;
use models::study::{Answer, Study};
use rayon::prelude::*;
use sim::measure::{Measures, figure};
use sim::replay::replay;
use sim::tail::{self, Tail};

use crate::fleets::{self, Rebuilt};
use crate::studies::Facts;

/// What the CVCF carries and for how long.
///
/// # Errors
/// A load that is not finite.
pub fn cvcf(it: &Cvcf, study: &Study, facts: &Facts<'_>) -> Result<Answer, QuantityError> {
    let site = &facts.scenario.site;
    let (Some(ups), Some((run, demands))) = (&site.ups, facts.planned) else {
        return Ok(nothing(study, "it needs a CVCF and the fleets that a plan compares"));
    };
    let draws: Vec<Draw> = fleets::all(run, site)
        .iter()
        .map(|fleet| {
            let replays: Vec<Measures> = demands.par_iter().map(|d| replay(&fleet.site, d, &fleet.placement)).collect();
            draw(fleet, &replays)
        })
        .collect();
    // As in the report: today where something stands, else the baseline.
    let baseline = site.alternatives.iter().find(|a| a.baseline).map_or("today", |a| a.name.as_str());
    let position = |name: &str| draws.iter().position(|d| d.name == name);
    let baseline = position("today").or_else(|| position(baseline));
    it.answer(study, ups, &site.prices, &draws, baseline)
}

fn draw(fleet: &Rebuilt, replays: &[Measures]) -> Draw {
    let over = |of: &dyn Fn(&Measures) -> f64| {
        let f = figure("", "", &replays.iter().map(of).collect::<Vec<_>>());
        let (low, high) = f.interval.unwrap_or((f.value, f.value));
        Estimate { value: f.value, low: low.max(0.0), high }
    };
    Draw {
        name: fleet.name.clone(),
        peak_va: over(&|m| m.site.peak_va.get()),
        peak_va_vector: over(&|m| m.site.peak_va_vector.get()),
        peak_w: over(&|m| m.site.peak_w.get()),
        mean_w: over(&|m| m.site.mean_w.get()),
        loss_mean_w: over(&|m| m.ups_loss_mean_w.map_or(0.0, |w| w.get())),
        count: (replays.len() > 1).then_some(replays.len() as u32),
    }
}

/// How often much apparent power is drawn.
#[must_use]
pub fn tail(it: &PowerTail, study: &Study, facts: &Facts<'_>) -> Answer {
    let site = &facts.scenario.site;
    let Some((run, demands)) = facts.planned else {
        return nothing(study, "it needs the fleets that a plan compares");
    };
    let tails: Vec<(String, Tail)> =
        fleets::all(run, site).into_iter().map(|f| (f.name, Tail::of(&f.site, demands, &f.placement))).collect();
    tail::answer(it, study, &tails, site.ups.as_ref().map(|u| u.rating))
}

fn nothing(study: &Study, why: &str) -> Answer {
    let mut answer = Answer::to(study, &[]);
    answer.cannot_say.push(("all".into(), why.into()));
    answer
}
