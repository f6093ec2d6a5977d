//! kVA and kW over time against the limits.

use models::Estimate;
use serde::Serialize;
use sim::measure::{Measures, PowerMeasures};

use super::{Chart, chart};
use crate::Error;
use crate::contender::{Lineup, hours};
use crate::plot::Ink;
use crate::plot::lines::{Curve, Level, Lines};
use crate::run::{Fleet, Run};
use crate::say;

/// Most feeds that get a chart of their own; the table holds all.
const MOST_FEED_CHARTS: usize = 6;

#[derive(Serialize)]
pub(super) struct Power {
    charts: Vec<Plot>,
    feeds: Vec<Feed>,
    feed_charts: Vec<Plot>,
    stretch: String,
    heads: Vec<String>,
}

/// A chart and its legend.
#[derive(Serialize)]
struct Plot {
    title: String,
    legend: Vec<Key>,
    chart: Chart,
}

/// An entry of a legend.
#[derive(Serialize)]
struct Key {
    class: &'static str,
    text: String,
}

/// A feed in the table.
#[derive(Serialize)]
struct Feed {
    name: String,
    limit: String,
    cells: Vec<FeedCell>,
}

#[derive(Serialize)]
struct FeedCell {
    expected: String,
    nameplate: String,
    bad: bool,
}

/// One unit of power.
#[derive(Clone, Copy, PartialEq)]
enum Unit {
    Kva,
    Kw,
}

impl Unit {
    const fn words(self) -> &'static str {
        match self {
            Self::Kva => "kVA",
            Self::Kw => "kW",
        }
    }

    fn peak(self, p: &PowerMeasures) -> (f64, u64) {
        match self {
            Self::Kva => (p.peak_va.get(), p.peak_va_at_ns),
            Self::Kw => (p.peak_w.get(), p.peak_w_at_ns),
        }
    }

    fn nameplate(self, p: &PowerMeasures) -> Estimate {
        match self {
            Self::Kva => p.nameplate.va,
            Self::Kw => p.nameplate.w,
        }
    }
}

const INKS: [(Ink, Ink, Ink); 2] = [(Ink::Today, Ink::TodayPlate, Ink::TodayBand), (Ink::Plan, Ink::PlanPlate, Ink::PlanBand)];
const CLASSES: [(&str, &str); 2] = [("today", "today-plate"), ("plan", "plan-plate")];

pub(super) fn view(run: &Run, lineup: &Lineup<'_>) -> Result<Power, Error> {
    let fleets: Vec<&Fleet> = lineup.both().collect();
    let hours = fleets.iter().map(|f| hours(&f.measures)).fold(0.0, f64::max);
    let ups = run.ups.as_ref();
    let mut charts = Vec::new();
    for (unit, limit) in [(Unit::Kva, ups.map(|u| u.rating_va)), (Unit::Kw, ups.map(|u| u.limit_w))] {
        let parts: Vec<(&str, &PowerMeasures)> = fleets.iter().map(|f| (f.name.as_str(), &f.measures.site)).collect();
        let limit = limit.map(|l| (ups.map_or("CVCF", |u| u.name.as_str()), l));
        let title = if unit == Unit::Kva { "Apparent power, kVA" } else { "Real power, kW" };
        charts.extend(plot(title.into(), unit, hours, &parts, limit)?);
    }

    let mut names: Vec<&str> = Vec::new();
    for name in
        run.branches.iter().map(|b| b.0.as_str()).chain(fleets.iter().flat_map(|f| f.measures.feeds.iter().map(|p| p.name.as_str())))
    {
        if !names.contains(&name) {
            names.push(name);
        }
    }
    let mut feeds = Vec::new();
    let mut feed_charts = Vec::new();
    for name in names {
        let limit = run.branches.iter().find(|b| b.0 == name).map(|b| b.1);
        let found = |f: &'_ Fleet| f.measures.feeds.iter().position(|p| p.name == name);
        feeds.push(Feed {
            name: name.to_owned(),
            limit: limit.map_or_else(|| "–".into(), say::kilo),
            cells: fleets
                .iter()
                .map(|f| match found(f).map(|i| &f.measures.feeds[i]) {
                    Some(p) => FeedCell {
                        expected: say::kilo(p.peak_va.get()),
                        nameplate: say::kilo(p.nameplate.va.value),
                        bad: limit.is_some_and(|l| p.peak_va.get() > l || p.nameplate.va.value > l),
                    },
                    None => FeedCell { expected: "–".into(), nameplate: "–".into(), bad: false },
                })
                .collect(),
        });
        if feed_charts.len() < MOST_FEED_CHARTS {
            let parts: Vec<(&str, &PowerMeasures)> =
                fleets.iter().filter_map(|f| found(f).map(|i| (f.name.as_str(), &f.measures.feeds[i]))).collect();
            feed_charts.extend(plot(format!("{name}, kVA"), Unit::Kva, hours, &parts, limit.map(|l| ("limit", l)))?);
        }
    }
    let points = fleets.iter().map(|f| f.measures.site.series.len()).max().unwrap_or(0);
    let steps = fleets.iter().map(|f| f.measures.steps).max().unwrap_or(0);
    let stretch = if points == 0 {
        String::new()
    } else if steps > points as u64 {
        format!("Each point is the highest step of {}.", say::span(hours / points as f64))
    } else {
        "Each point is one step.".into()
    };
    Ok(Power { charts, feeds, feed_charts, stretch, heads: fleets.iter().map(|f| f.name.clone()).collect() })
}

/// One chart; nothing where there is no point.
fn plot(
    title: String,
    unit: Unit,
    hours: f64,
    parts: &[(&str, &PowerMeasures)],
    limit: Option<(&str, f64)>,
) -> Result<Option<Plot>, Error> {
    if parts.iter().all(|(_, p)| p.series.is_empty()) {
        return Ok(None);
    }
    let u = unit.words();
    let (mut curves, mut levels, mut legend, mut finding) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for (i, (name, p)) in parts.iter().enumerate() {
        let (line, plate, band) = INKS[i.min(1)];
        let (peak, at) = unit.peak(p);
        let plate_e = unit.nameplate(p);
        let points = p.series.iter().map(|s| (s.hour, if unit == Unit::Kva { s.max_va } else { s.max_w } / 1000.0)).collect();
        curves.push(Curve { label: format!("{} peak, {name}", say::kilo(peak)), ink: line, points });
        levels.push(Level {
            label: format!("{} nameplate, {name}", say::kilo(plate_e.value)),
            ink: plate,
            mark: line,
            band: Some(band),
            value: plate_e.value / 1000.0,
            low: plate_e.low / 1000.0,
            high: plate_e.high / 1000.0,
        });
        let (class, plate_class) = CLASSES[i.min(1)];
        legend.push(Key { class, text: format!("{name}, expected: peak {} {u}, {}", say::kilo(peak), Measures::when(at)) });
        legend.push(Key { class: plate_class, text: format!("{name}, nameplate: {}", say::kilo_range(plate_e, u)) });
        let over = |x: f64| match limit {
            Some((_, l)) if x > l => ", over the limit",
            Some(_) => ", within the limit",
            None => "",
        };
        finding.push(format!(
            "{name} peaks at {} {u} expected on {}{}, and adds up to {} {u} by nameplate{}",
            say::kilo(peak),
            Measures::when(at),
            over(peak),
            say::kilo(plate_e.value),
            over(plate_e.value)
        ));
    }
    if let Some((name, l)) = limit {
        let label = format!("{} {u}, {name}", say::kilo(l));
        let value = l / 1000.0;
        levels.push(Level { label, ink: Ink::Limit, mark: Ink::Limit, band: None, value, low: value, high: value });
        legend.insert(0, Key { class: "limit", text: format!("{name} may carry {} {u}", say::kilo(l)) });
    }
    let against = limit.map_or(String::new(), |(name, l)| format!(" against {} {u} of {name}", say::kilo(l)));
    let finding = format!("{title} over {}{against}: {}.", say::span(hours), finding.join("; "));
    let lines = Lines { unit: u, hours, curves, levels, label: finding.clone() };
    Ok(Some(Plot { title, legend, chart: chart(finding, |w| lines.svg(w))? }))
}
