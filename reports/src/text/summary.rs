//! One screen: today against the chosen plan, or why nothing fits.

use models::plan::Plan;

use super::table::{Align, Table, wrap};
use crate::contender::{Lineup, answer, bound, chosen, line, ordered, rows, views};
use crate::course;
use crate::run::Run;
use crate::say;

/// Most lines of a summary.
pub const LINES: usize = 25;

/// Most columns of a summary.
pub const COLUMNS: usize = 100;

/// The summary of a run for the terminal: at most [`LINES`] lines of [`COLUMNS`] columns.
///
/// The verdict in a sentence, today against the chosen plan row by row, the promises of the chosen plan where it was played at
/// request level, what binds, the lower bound and the gap, and a line for each fleet where more than two were compared (as many as there is room for). Where nothing fits: the
/// conflicts in place of what binds.
#[must_use]
pub fn summary(run: &Run, plan: Option<&Plan>) -> String {
    let answer = answer(run, plan);
    let mut lines = vec![say::cut(&format!("{}: {}", run.site, run.title), COLUMNS)];
    let conflicts = run.chosen.is_none() && !run.conflicts.is_empty();
    let verdict =
        if conflicts { "DOES NOT FIT, because:".to_owned() } else { format!("{}: {}", answer.word.to_uppercase(), answer.sentence) };
    // After a loss, and for an evacuation, what to do now is said before what it comes to.
    lines.extend(at_most(wrap(&verdict, COLUMNS, 2), if run.lost.is_some() || run.evacuated.is_some() { 8 } else { 3 }));
    if conflicts {
        for conflict in run.conflicts.iter().take(5) {
            lines.extend(at_most(wrap(&format!("  - {conflict}"), COLUMNS, 4), 4));
        }
        if run.conflicts.len() > 5 {
            lines.push(format!("  and {} more in the report", run.conflicts.len() - 5));
        }
    }
    lines.push(String::new());

    let lineup = Lineup::of(run);
    let fleets: Vec<_> = lineup.both().collect();
    if !fleets.is_empty() {
        let limited = run.ups.is_some();
        let mut head = vec![("", Align::Left)];
        let names: Vec<String> = fleets.iter().map(|f| say::cut(&f.name, 30)).collect();
        head.extend(names.iter().map(|n| (n.as_str(), Align::Left)));
        if limited {
            head.push(("limit", Align::Left));
        }
        let mut table = Table::new(&head);
        for row in rows(run, plan, &fleets) {
            if row.name == "what binds" || row.name == "guests that run" {
                continue;
            }
            let mut cells = vec![row.name.clone()];
            cells.extend(row.cells.iter().map(|c| if c.brief.is_empty() { c.text.clone() } else { c.brief.clone() }));
            if limited {
                cells.push(row.limit.clone());
            }
            table.row(cells);
        }
        lines.extend(table.lines(0, 34).into_iter().map(|l| say::cut(&l, COLUMNS)));
    }
    if let Some(text) = views(run) {
        lines.extend(at_most(wrap(&format!("views       {text}"), COLUMNS, 12), 2));
    }
    let played = chosen(run).and_then(|c| run.requests.iter().find(|r| r.fleet == c.name));
    if let Some(text) = played.and_then(course::brief) {
        lines.extend(at_most(wrap(&format!("requests    {text}"), COLUMNS, 12), 2));
    }
    let binds: Vec<&str> = run.binds.iter().take(2).map(String::as_str).collect();
    if !conflicts && !binds.is_empty() {
        lines.extend(at_most(wrap(&format!("binds       {}", binds.join("; ")), COLUMNS, 12), 2));
    }
    if let Some(text) = bound(run, plan) {
        lines.extend(at_most(wrap(&format!("bound       {text}"), COLUMNS, 12), 2));
    }
    if run.fleets.len() > 2 {
        let room = LINES.saturating_sub(lines.len());
        // Those side by side above need no line of their own.
        let all: Vec<_> = ordered(run).into_iter().filter(|f| !fleets.iter().any(|x| std::ptr::eq(*x, *f))).collect();
        let shown = if all.len() > room { room.saturating_sub(1) } else { all.len() };
        let names: Vec<String> = all.iter().take(shown).map(|f| say::cut(&f.name, 16)).collect();
        let wide = names.iter().map(|n| say::width(n)).max().unwrap_or(0).max(10);
        lines.extend(all.iter().zip(&names).map(|(f, name)| {
            let pad = " ".repeat(wide - say::width(name));
            say::cut(&format!("{name}{pad}  {}", line(run, f)), COLUMNS)
        }));
        if shown < all.len() && room > 0 {
            lines.push(format!("            and {} more fleets in the report", all.len() - shown));
        }
    }
    lines.truncate(LINES);
    let mut text = lines.join("\n");
    text.push('\n');
    text
}

/// The first lines, with an ellipsis at the end of the last where some are left out.
fn at_most(mut lines: Vec<String>, n: usize) -> Vec<String> {
    if lines.len() > n {
        lines.truncate(n);
        if let Some(last) = lines.last_mut() {
            *last = say::cut(&format!("{last} …"), COLUMNS);
        }
    }
    lines
}
