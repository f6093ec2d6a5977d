//! Cost over the horizon, part by part, with its range.

use models::Estimate;
use serde::Serialize;

use crate::contender::{buys, chosen};
use crate::run::{Fleet, Run};
use crate::say;

#[derive(Serialize)]
pub(super) struct Costs<'a> {
    years: String,
    rows: Vec<Row<'a>>,
    ranged: bool,
}

#[derive(Serialize)]
struct Row<'a> {
    name: &'a str,
    chosen: bool,
    buys: String,
    parts: [Part; 5],
}

/// Yen.
#[derive(Serialize)]
struct Part {
    value: String,
    low: String,
    high: String,
    ranged: bool,
}

pub(super) fn view<'a>(run: &Run, fleets: &[&'a Fleet]) -> Costs<'a> {
    let the_chosen = chosen(run);
    let rows: Vec<Row<'_>> = fleets
        .iter()
        .map(|f| Row {
            name: &f.name,
            chosen: the_chosen.is_some_and(|c| std::ptr::eq(c, *f)),
            buys: buys(f),
            parts: [f.cost.purchase_yen, f.cost.maintenance_yen, f.cost.licences_yen, f.cost.electricity_yen, f.cost.total()].map(part),
        })
        .collect();
    let ranged = rows.iter().any(|r| r.parts.iter().any(|p| p.ranged));
    Costs { years: say::years(run.years), rows, ranged }
}

fn part(e: Estimate) -> Part {
    let yen = |x: f64| say::fixed(x, 0);
    Part { value: yen(e.value), low: yen(e.low), high: yen(e.high), ranged: e.is_ranged() }
}
