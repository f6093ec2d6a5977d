//! What was played at request level: a table of flows, then a few lines a case.

use sim::experiment::{CaseFindings, Findings, FlowFindings, Kept};

use super::summary::COLUMNS;
use super::table::{Align, Table, wrap};
use crate::course::{
    amount, change, counts, course, delay, kept, moved, other, percentile, played, promises, quantile, stretch, unstable, within,
};
use crate::say;

/// Most flows in the table; those whose promises are not kept are the last to be left out.
const MOST_FLOWS: usize = 40;

/// Most names in a list.
const MOST_NAMES: usize = 3;

/// What was played on one fleet: lines of at most 100 columns, about forty of them for 20 flows and 5 cases.
///
/// Flows in the ordinary course with their median, 95th and 99th percentile (± half the 95 % interval), what was lost and what is
/// promised; then each case: which flows moved by how much, which did not, what was lost, who was down. The page and the JSON
/// hold all.
#[must_use]
pub fn requests(findings: &Findings) -> String {
    let mut lines = wrap(&format!("requests on {}: {}", findings.fleet, played(findings, false)), COLUMNS, 2);
    let Some((ordinary, cases)) = findings.cases.split_first() else { return lines.join("\n") + "\n" };
    lines.push(String::new());
    lines.extend(unstable_lines(ordinary));
    lines.extend(table(ordinary));
    let troubles = [lost(ordinary), guests(ordinary)].into_iter().flatten().collect::<Vec<_>>().join("; ");
    if !troubles.is_empty() {
        lines.push(troubles);
    }
    for note in &findings.notes {
        lines.extend(wrap(&format!("note: {note}"), COLUMNS, 6));
    }
    if !cases.is_empty() {
        lines.push(String::new());
    }
    for case in cases {
        lines.extend(of_case(findings, case));
    }
    lines.iter().map(|l| say::cut(l, COLUMNS)).collect::<Vec<_>>().join("\n") + "\n"
}

fn table(case: &CaseFindings) -> Vec<String> {
    if case.flows.is_empty() {
        return vec!["columns only: no flow was played".into()];
    }
    let mut table = Table::new(&[
        ("flow", Align::Left),
        ("p50", Align::Right),
        ("p95", Align::Right),
        ("p99", Align::Right),
        ("lost", Align::Right),
        ("promise", Align::Left),
    ]);
    // Flows as they stand; where there are too many, those that keep their promise give way to those that do not.
    let keeps = |f: &FlowFindings| f.objective.as_ref().is_none_or(|p| p.kept == Kept::Yes);
    let mut shown: Vec<usize> = (0..case.flows.len()).collect();
    shown.sort_by_key(|f| keeps(&case.flows[*f]));
    shown.truncate(MOST_FLOWS);
    shown.sort_unstable();
    for f in shown.iter().map(|f| &case.flows[*f]) {
        let q = |q: f64| quantile(f, q).map_or_else(|| "too few jobs".to_owned(), |x| delay(x).halved());
        table.row(vec![f.name.clone(), q(0.5), q(0.95), q(0.99), amount(&f.lost, "").halved(), promise(f)]);
    }
    let mut lines = table.lines(0, 18);
    if shown.len() < case.flows.len() {
        lines.push(format!("and {} more flows", case.flows.len() - shown.len()));
    }
    lines
}

fn promise(f: &FlowFindings) -> String {
    let Some(p) = &f.objective else { return "–".into() };
    let word = kept(p.kept).0;
    let word = if p.kept == Kept::Yes { word.to_owned() } else { word.to_uppercase() };
    format!("{} {} {word}", percentile(p.percentile), within(p.within_s))
}

fn unstable_lines(case: &CaseFindings) -> Vec<String> {
    unstable(case).map_or_else(Vec::new, |(how_many, why)| at_most_two(indented(&format!("UNSTABLE: {how_many}: {why}"))))
}

/// A case: what it is, whether it is unstable, which flows moved, and what was lost and who was down.
fn of_case(findings: &Findings, case: &CaseFindings) -> Vec<String> {
    let ordinary = &findings.cases[0];
    let against = case.against.as_deref().filter(|a| *a != ordinary.name).map_or_else(String::new, |a| format!(", against {}", course(a)));
    let mut lines = vec![format!("{}{against}: {}", case.name, case.title)];
    lines.extend(unstable_lines(case));
    if !case.comparisons.is_empty() {
        let changes = moved(case, other(findings, case)).iter().map(|c| format!("{} {}", c.flow, change(c).halved())).collect();
        lines.push(fitted(&format!("  {}", counts(case)), changes));
    }
    let mut parts = Vec::new();
    let (kept, promised, _) = promises(case);
    if promised > 0 && kept != promises(ordinary).0 {
        parts.push(format!("{kept} of {promised} promises kept"));
    }
    parts.extend(lost(case));
    parts.extend(guests(case));
    if case.flows.is_empty() {
        parts.insert(0, format!("columns only, {}", stretch(case)));
        parts.extend(case.power.first().map(|p| format!("{} {}", p.name, amount(p, &p.unit).ranged())));
    }
    if !parts.is_empty() {
        lines.push(format!("  {}", parts.join("; ")));
    } else if lines.len() == 1 {
        lines.push("  nothing was lost, nobody was down".into());
    }
    lines
}

/// A line with as many names after it as there is room for.
fn fitted(head: &str, names: Vec<String>) -> String {
    let all = names.len();
    let line = |n: usize| match n {
        0 => head.to_owned(),
        n => format!("{head}: {}", rest(names[..n].to_vec(), all)),
    };
    (0..=all).rev().map(line).find(|l| say::width(l) <= COLUMNS).unwrap_or_else(|| head.to_owned())
}

/// Words in lines two spaces in, four from the second on.
fn indented(text: &str) -> Vec<String> {
    wrap(text, COLUMNS - 2, 2).into_iter().map(|l| format!("  {l}")).collect()
}

/// What was lost.
fn lost(case: &CaseFindings) -> Option<String> {
    let mut all: Vec<&FlowFindings> = case.flows.iter().filter(|f| f.lost.value > 0.0).collect();
    all.sort_by(|a, b| b.lost.value.total_cmp(&a.lost.value).then_with(|| a.name.cmp(&b.name)));
    let named = all.iter().take(MOST_NAMES).map(|f| format!("{} {}", f.name, amount(&f.lost, "").value)).collect();
    (!all.is_empty()).then(|| format!("lost: {}", rest(named, all.len())))
}

/// Who was down.
fn guests(case: &CaseFindings) -> Option<String> {
    let mut all: Vec<_> = case.guests.iter().filter(|g| g.down.value > 0.0).collect();
    all.sort_by(|a, b| b.down.value.total_cmp(&a.down.value).then_with(|| a.guest.cmp(&b.guest)));
    let named = all.iter().take(MOST_NAMES).map(|g| format!("{} {}", g.guest, amount(&g.down, "min").plain())).collect();
    (!all.is_empty()).then(|| format!("down: {}", rest(named, all.len())))
}

/// A list of the first names, with how many there are besides.
fn rest(named: Vec<String>, all: usize) -> String {
    let more = all - named.len();
    let list = named.join(", ");
    if more == 0 { list } else { format!("{list} and {more} more") }
}

fn at_most_two(mut lines: Vec<String>) -> Vec<String> {
    if lines.len() > 2 {
        lines.truncate(2);
        lines[1] += " …";
    }
    lines
}
