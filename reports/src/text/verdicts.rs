//! `shuyaku check`: the verdict of every rule.

use models::rule::{Judgement, Verdict};

use super::table::{Align, Table};
use crate::contender::word;
use crate::say;

/// The verdict of every rule, one line each: what is needed, what is available, where and when; breaches in lines of
/// their own under the rule. Ends with a count.
#[must_use]
pub fn verdicts(judgements: &[Judgement]) -> String {
    let mut table = Table::new(&[
        ("verdict", Align::Left),
        ("rule", Align::Left),
        ("needed", Align::Right),
        ("available", Align::Right),
        ("unit", Align::Left),
        ("left", Align::Right),
        ("where, when", Align::Left),
    ]);
    let place = |place: &str, when: &Option<String>| when.as_ref().map_or_else(|| place.to_owned(), |w| format!("{place}, {w}"));
    for j in judgements {
        let (verdict, rule) = (word(&j.verdict), j.rule.words());
        match &j.verdict {
            Verdict::Holds { margin: Some(m) } => {
                let p = say::pair(m.needed, m.available, &m.unit);
                let free = if m.available > 0.0 { say::percent(m.share_free()) } else { String::new() };
                table.row(vec![verdict.into(), rule.into(), p.needed, p.available, p.unit, free, place(&m.place, &m.when)]);
            }
            Verdict::Holds { margin: None } => {
                table.row(vec![verdict.into(), rule.into(), String::new(), String::new(), String::new(), String::new(), j.asked.clone()]);
            }
            Verdict::Undecided { why } => {
                table.row(vec!["UNDECIDED".into(), rule.into(), String::new(), String::new(), String::new(), String::new(), why.clone()]);
            }
            Verdict::Broken { breaches, count } => {
                for (i, b) in breaches.iter().enumerate() {
                    let p = say::pair(b.needed, b.available, &b.unit);
                    let head = if i == 0 { ("BROKEN".to_owned(), rule.to_owned()) } else { (String::new(), String::new()) };
                    let text = format!("{}: {}", place(&b.place, &b.when), b.why);
                    table.row(vec![head.0, head.1, p.needed, p.available, p.unit, String::new(), text]);
                }
                if *count > breaches.len() {
                    let more = format!("and {} more", count - breaches.len());
                    table.row(vec![String::new(), String::new(), String::new(), String::new(), String::new(), String::new(), more]);
                }
            }
        }
    }
    let hold = judgements.iter().filter(|j| j.verdict.holds()).count();
    let mut text = if judgements.is_empty() { String::new() } else { table.lines(0, 28).join("\n") + "\n" };
    text += &match judgements.len() {
        0 => "no rule was asked\n".to_owned(),
        n if n == hold => format!("every rule holds ({n})\n"),
        n => format!("{} of {n} rules do not hold\n", n - hold),
    };
    text
}
