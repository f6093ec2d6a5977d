//! `report.html`: one file, read without a network and without a script, on a screen, a phone or paper, light or dark.
//!
//! The answer stands first, what it rests on after it, and last what is not known. Each section has a file here, which
//! turns a run into what the section says, and a template of the same name, which sets it. Names come from the outside
//! and are escaped by the template; charts are the only markup that is passed through.

mod cost;
mod figures;
mod givens;
mod hosts;
mod laws;
mod losses;
mod placement;
mod power;
mod requests;
mod steps;
mod verdicts;

use minijinja::Environment;
use minijinja::syntax::SyntaxConfig;
use minijinja::value::Serde;
use models::plan::Plan;
use serde::Serialize;

use crate::Error;
use crate::contender::{self, Answer, Lineup, Row};
use crate::plot::Width;
use crate::run::{Fleet, Run};
use crate::say;

/// Most fleets side by side in the key table; the others have a line each in a table of their own.
const MOST_COLUMNS: usize = 4;

/// Rows from which a table is folded away.
const FOLD: usize = 40;

/// Rows from which a folded table stays folded on paper.
const SCREEN_ONLY: usize = 250;

/// What is left out where nothing was played at request level.
const NO_REQUESTS: &str = "Request delay: what users wait for. CPU that was not served is its only trace here.";

/// What is left out of a play at request level.
const OF_REQUESTS: &str =
    "At request level: caches, lost packets, live migration while requests run, and anything that a job of one flow knows of another.";

/// What no figure of the report contains.
const LEFT_OUT: [&str; 7] = [
    "The hypervisor's own CPU and I/O overhead, and interference between guests on one host, where the load as given does not contain them.",
    "Two losses at once, and the time that a recovery takes.",
    "Inrush when many hosts start together, the battery and its age, harmonics, and imbalance between phases.",
    "Storage as capacity and as a single point of failure, unless the site names it as a failure domain.",
    "Heat: whether the room can be cooled is not asked; PUE stands in for its price.",
    "Load that was not recorded: growth and rare events count only as far as the scenario adds them.",
    "Prices over time: money is not discounted, and a host that is switched off costs nothing.",
];

/// The page's templates, by the names under which they include each other.
const TEMPLATES: [(&str, &str); 15] = [
    ("page.html", include_str!("../../templates/page.html")),
    ("answer.html", include_str!("../../templates/answer.html")),
    ("power.html", include_str!("../../templates/power.html")),
    ("requests.html", include_str!("../../templates/requests.html")),
    ("hosts.html", include_str!("../../templates/hosts.html")),
    ("losses.html", include_str!("../../templates/losses.html")),
    ("placement.html", include_str!("../../templates/placement.html")),
    ("cost.html", include_str!("../../templates/cost.html")),
    ("verdicts.html", include_str!("../../templates/verdicts.html")),
    ("steps.html", include_str!("../../templates/steps.html")),
    ("figures.html", include_str!("../../templates/figures.html")),
    ("laws.html", include_str!("../../templates/laws.html")),
    ("givens.html", include_str!("../../templates/givens.html")),
    ("unknown.html", include_str!("../../templates/unknown.html")),
    ("again.html", include_str!("../../templates/again.html")),
];

/// A chart in both widths.
#[derive(Serialize)]
struct Chart {
    /// What it shows, under it.
    caption: String,
    wide: String,
    narrow: String,
}

/// The whole page.
#[derive(Serialize)]
struct Page<'a> {
    style: &'static str,
    run: Head<'a>,
    answer: Answer,
    views: Option<String>,
    conflicts: &'a [String],
    bound: Option<String>,
    fleets: Vec<Column<'a>>,
    rows: Vec<Row>,
    others: Vec<OtherFleet<'a>>,
    power: power::Power,
    requests: Vec<requests::Played>,
    hosts: hosts::Hosts<'a>,
    losses: Vec<losses::Losses>,
    placement: Option<placement::Placement<'a>>,
    cost: cost::Costs<'a>,
    verdicts: Vec<verdicts::Verdicts>,
    steps: Option<steps::Steps>,
    figures: figures::Figures,
    laws: laws::Laws,
    givens: givens::Givens<'a>,
    unknowns: &'a [String],
    left_out: Vec<&'static str>,
}

/// What identifies the run.
#[derive(Serialize)]
struct Head<'a> {
    tool: &'a str,
    site: &'a str,
    title: &'a str,
    site_digest: &'a str,
    scenario_digest: &'a str,
    seed: u64,
    replications: String,
    horizon: String,
}

/// The head of a fleet's column.
#[derive(Serialize)]
struct Column<'a> {
    name: &'a str,
    title: &'a str,
    chosen: bool,
}

/// A fleet that has no column.
#[derive(Serialize)]
struct OtherFleet<'a> {
    name: &'a str,
    title: &'a str,
    chosen: bool,
    hosts_on: String,
    expected_kva: String,
    nameplate_kva: String,
    unserved: String,
    cost: String,
    rules: String,
    bad: bool,
}

/// The page of a run, and of the plan where there is one.
///
/// It is one file of HTML: no script, no font, no address outside of itself. The same run and plan give the same bytes.
///
/// # Errors
/// Where a chart or the template fails: only a fault of this crate does that.
pub fn page(run: &Run, plan: Option<&Plan>) -> Result<String, Error> {
    let lineup = Lineup::of(run);
    let all = contender::ordered(run);
    let columns: Vec<&Fleet> = all.iter().copied().take(MOST_COLUMNS).collect();
    let chosen = contender::chosen(run);
    let is_chosen = |f: &Fleet| chosen.is_some_and(|c| std::ptr::eq(c, f));
    // Where some fleet has no column, the table of all fleets has a line for each.
    let lines = if all.len() > MOST_COLUMNS { &all[..] } else { &[] };
    let page = Page {
        style: include_str!("../../templates/style.css"),
        run: Head {
            tool: &run.tool,
            site: &run.site,
            title: &run.title,
            site_digest: &run.site_digest,
            scenario_digest: &run.scenario_digest,
            seed: run.seed,
            replications: if run.replications > 1 {
                run.replications.to_string()
            } else {
                format!("{}: nothing in the load is random", run.replications)
            },
            horizon: run.fleets.first().map_or_else(String::new, |f| {
                let m = &f.measures;
                format!(
                    "{} in {} of {}",
                    say::span(contender::hours(m)),
                    say::some(m.steps, "step", "steps"),
                    say::span(m.step_ns as f64 / 3.6e12)
                )
            }),
        },
        answer: contender::answer(run, plan),
        views: contender::views(run),
        conflicts: &run.conflicts,
        bound: contender::bound(run, plan),
        fleets: columns.iter().map(|f| Column { name: &f.name, title: &f.title, chosen: is_chosen(f) }).collect(),
        rows: contender::rows(run, plan, &columns),
        others: lines
            .iter()
            .map(|f| {
                let (m, s) = (&f.measures, &f.measures.site);
                OtherFleet {
                    name: &f.name,
                    title: &f.title,
                    chosen: is_chosen(f),
                    hosts_on: say::count(u64::from(f.hosts_on)),
                    expected_kva: say::kilo(s.peak_va.get()),
                    nameplate_kva: say::kilo(s.nameplate.va.value),
                    unserved: say::percent(if m.asked_ghz_h > 0.0 { m.unserved_ghz_h / m.asked_ghz_h } else { 0.0 }),
                    cost: say::yen(f.cost.total().value),
                    rules: contender::rules(&f.verdicts),
                    bad: f.verdicts.iter().any(|j| !j.verdict.holds()),
                }
            })
            .collect(),
        power: power::view(run, &lineup)?,
        requests: requests::view(run)?,
        hosts: hosts::view(&lineup)?,
        losses: lineup.both().filter_map(losses::view).collect(),
        placement: placement::view(&lineup),
        cost: cost::view(run, &all),
        verdicts: verdicts::view(run, plan, &lineup),
        steps: plan.map(steps::view),
        figures: figures::view(&lineup),
        laws: laws::view(run),
        givens: givens::view(run),
        unknowns: &run.unknowns,
        left_out: left_out(run),
    };
    let mut environment = Environment::new();
    environment.set_syntax(SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).build()?);
    environment.add_filter("units", units);
    for (name, source) in TEMPLATES {
        environment.add_template(name, source)?;
    }
    Ok(environment.get_template("page.html")?.render(Serde(&page))?)
}

fn left_out(run: &Run) -> Vec<&'static str> {
    let first = if run.requests.is_empty() { NO_REQUESTS } else { OF_REQUESTS };
    std::iter::once(first).chain(LEFT_OUT).collect()
}

/// Ties each number to its unit, so that no line ends between them.
fn units(text: String) -> String {
    let mut out = String::with_capacity(text.len() + 8);
    let mut words = text.split(' ').peekable();
    while let Some(word) = words.next() {
        out.push_str(word);
        if let Some(next) = words.peek() {
            let next = next.trim_end_matches([',', ';', ':', '.', ')']);
            let unit =
                matches!(next, "%" | "s" | "ms" | "kVA" | "kW" | "kWh" | "MWh" | "GiB" | "MiB" | "GHz" | "M" | "yen" | "h" | "W" | "VA");
            let tie = unit && word.ends_with(|c: char| c.is_ascii_digit() || c == 'M' || c == 'z');
            out.push(if tie { '\u{a0}' } else { ' ' });
        }
    }
    out
}

/// Draws a chart for both widths.
fn chart(caption: String, svg: impl Fn(Width) -> Result<String, Error>) -> Result<Chart, Error> {
    Ok(Chart { caption, wide: svg(Width::Wide)?, narrow: svg(Width::Narrow)? })
}

#[cfg(test)]
mod tests {
    use super::units;

    #[test]
    fn no_line_ends_between_a_number_and_its_unit() {
        assert_eq!(units("33.1 kVA, 110 %: over on host h 2".into()), "33.1\u{a0}kVA, 110\u{a0}%: over on host h 2");
        assert_eq!(units("9.06 M yen".into()), "9.06\u{a0}M\u{a0}yen");
    }
}
