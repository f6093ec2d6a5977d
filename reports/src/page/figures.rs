//! Headline figures with their interval and the count behind them.

use models::plan::Figure;
use serde::Serialize;

use crate::contender::Lineup;
use crate::say;

#[derive(Serialize)]
pub(super) struct Figures {
    heads: Vec<String>,
    rows: Vec<Row>,
    /// No figure has an interval.
    certain: bool,
}

#[derive(Serialize)]
struct Row {
    name: String,
    unit: String,
    cells: Vec<Cell>,
}

#[derive(Serialize)]
struct Cell {
    value: String,
    interval: String,
    count: u32,
    missing: bool,
}

pub(super) fn view(lineup: &Lineup<'_>) -> Figures {
    let fleets: Vec<_> = lineup.both().collect();
    let mut names: Vec<(&str, &str)> = Vec::new();
    for f in fleets.iter().flat_map(|f| &f.figures) {
        if !names.contains(&(f.name.as_str(), f.unit.as_str())) {
            names.push((&f.name, &f.unit));
        }
    }
    let rows = names
        .iter()
        .map(|(name, unit)| Row {
            name: (*name).to_owned(),
            unit: (*unit).to_owned(),
            cells: fleets.iter().map(|fleet| cell(fleet.figures.iter().find(|f| f.name == *name && f.unit == *unit))).collect(),
        })
        .collect();
    Figures {
        heads: fleets.iter().map(|f| f.name.clone()).collect(),
        rows,
        certain: fleets.iter().flat_map(|f| &f.figures).all(|f| f.interval.is_none()),
    }
}

fn cell(figure: Option<&Figure>) -> Cell {
    let Some(f) = figure else { return Cell { value: "–".into(), interval: String::new(), count: 0, missing: true } };
    // The ends are given as many digits as the half width needs for two of its own.
    let digits = f.interval.map_or(2, |(low, high)| {
        let half = ((high - low) / 2.0).abs();
        if half > 0.0 { (1 - half.log10().floor() as i32).clamp(0, 4) as usize } else { 2 }
    });
    Cell {
        value: say::fixed(f.value, digits),
        interval: f.interval.map_or_else(String::new, |(l, h)| format!("{} to {}", say::fixed(l, digits), say::fixed(h, digits))),
        count: f.count,
        missing: false,
    }
}
