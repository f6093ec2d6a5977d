//! The scorecard for people: on the terminal, and as the page `scorecard.md`.

use crate::validate::{Row, Said, Scorecard};

fn figure(x: f64) -> String {
    match x.abs() {
        a if a >= 1e7 || (a > 0.0 && a < 1e-3) => format!("{x:.6e}"),
        a if a >= 1e4 => format!("{x:.0}"),
        _ => format!("{}", (x * 1e4).round() / 1e4),
    }
}

/// Ours, with the range that its givens or rival models leave.
fn ours(row: &Row) -> String {
    row.ours.map_or("-".into(), |e| {
        let range = if e.is_ranged() { format!(" ({} to {})", figure(e.low), figure(e.high)) } else { String::new() };
        figure(e.value) + &range
    })
}

/// The relative difference in per cent, rounded; never a negative zero.
fn share(ours: f64, published: f64) -> f64 {
    (1e4 * (ours / published - 1.0)).round() / 1e2 + 0.0
}

fn difference(row: &Row) -> String {
    match row.ours {
        Some(e) if row.published != 0.0 => format!("{:+.2} %", share(e.value, row.published)),
        Some(e) => format!("{:+}", (e.value * 1e4).round() / 1e4),
        None => "-".into(),
    }
}

/// How many there are of each verdict, in a sentence.
fn counts(card: &Scorecard) -> String {
    let count = |s: Said| card.rows.iter().filter(|r| r.said == s).count();
    let fitted = card.rows.iter().filter(|r| r.fitted > 0 && r.said != Said::Fitted).count();
    let mut with = if fitted > 0 { format!("; {fitted} of them rest on fitted numbers") } else { String::new() };
    match count(Said::Fitted) {
        0 => {}
        n => with += &format!("; besides {n} to which ours was fitted, which proves nothing"),
    }
    format!(
        "{} figures: {} reproduced, {} bracketed by the ranges of the givens, {} missed, {} cannot be said{with}",
        card.rows.len() - count(Said::Fitted),
        count(Said::Reproduced),
        count(Said::Bracketed),
        count(Said::Missed),
        count(Said::CannotSay)
    )
}

/// The scorecard on the terminal.
#[must_use]
pub fn text(card: &Scorecard) -> String {
    let mut out = String::new();
    for r in &card.rows {
        let fitted = if r.fitted > 0 { format!("; fitted {}", r.fitted) } else { String::new() };
        out += &format!("{:<11} {:<14} {:<15} {}\n", r.said.word(), r.scenario, r.id, r.what);
        out +=
            &format!("{:>12}published {}; ours {}; difference {}{fitted}\n", "", with_unit(r.published, &r.unit), ours(r), difference(r));
        if let Some(note) = &r.note {
            out += &format!("{:>12}{note}\n", "");
        }
    }
    if !card.wants.is_empty() {
        out += "\nwished for by the authors, and what does it here\n";
    }
    for w in &card.wants {
        out += &format!("{:<11} {:<14} {:<15} {}\n", "now", w.scenario, w.want.id, w.want.what);
        out += &format!("{:>12}{}\n", "", w.want.command);
        if let Some(note) = &w.want.note {
            out += &format!("{:>12}{note}\n", "");
        }
    }
    out + &counts(card) + "\n"
}

fn with_unit(x: f64, unit: &str) -> String {
    if unit.is_empty() { figure(x) } else { format!("{} {unit}", figure(x)) }
}

/// Text in a cell of a Markdown table.
fn cell(text: &str) -> String {
    text.replace('\\', "\\\\").replace('|', "\\|").replace('\n', " ")
}

/// The page.
#[must_use]
pub fn markdown(card: &Scorecard) -> String {
    let mut out = String::from(
        "# Scorecard: published figures and ours\n\nWritten by `shuyaku validate`; a test keeps it true. A *fitted* number was taken from \
         measurements of the same kind as the figure;\nwhere it is 0, ours was predicted from givens alone. *reproduced*: ours is within what \
         passes, which was set from the words of the source.\n*bracketed*: ours is not, but the range that its givens or rival models leave \
         reaches it, or a yes or no that they leave open.\n*fitted*: a number was fitted to this very figure, so that it proves nothing and counts \
         for nothing.\n*MISSED*: no value of the range passes. *cannot say*: ours could not be computed.\n\n",
    );
    out += &counts(card);
    out += ".\n";
    let mut scenario = "";
    for r in &card.rows {
        if r.scenario != scenario {
            scenario = &r.scenario;
            out += &format!(
                "\n## {scenario}\n\n| id | what | published | predicted | difference | fitted | verdict | why, and what is assumed |\n"
            );
            out += "|---|---|---|---|---|---|---|---|\n";
        }
        let why = r.note.as_deref().unwrap_or("");
        let why = if why.is_empty() { format!("Source: {}.", r.cite) } else { format!("{why} Source: {}.", r.cite) };
        out += &format!(
            "| {} | {} | {} | {} | {} | {} | {} | {} |\n",
            cell(&r.id),
            cell(&r.what),
            cell(&with_unit(r.published, &r.unit)),
            ours(r),
            difference(r),
            r.fitted,
            r.said.word(),
            cell(&why)
        );
    }
    if !card.wants.is_empty() {
        out += "\n## Wished for by the authors\n\n| id | wish | command | what it does not do |\n|---|---|---|---|\n";
        for w in &card.wants {
            out += &format!(
                "| {} | {} | `{}` | {} |\n",
                cell(&w.want.id),
                cell(&w.want.what),
                cell(&w.want.command),
                cell(w.want.note.as_deref().unwrap_or(""))
            );
        }
    }
    out
}
