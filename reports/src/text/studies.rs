//! `shuyaku study`: what single laws answer.

use models::study::Answer;

use super::table::{Align, Table};
use crate::say;

/// Every answer: its figures with range, unit, what was fitted and how; what follows; what cannot be said.
#[must_use]
pub fn studies(answers: &[Answer]) -> String {
    let mut text = String::new();
    for (i, a) in answers.iter().enumerate() {
        if i > 0 {
            text.push('\n');
        }
        text += &format!("{}: {}\n", a.study, a.title);
        let mut table = Table::new(&[
            ("figure", Align::Left),
            ("value", Align::Right),
            ("range", Align::Left),
            ("fitted", Align::Right),
            ("how", Align::Left),
        ]);
        for f in &a.figures {
            let value = if f.unit.is_empty() { say::figure(f.value.value) } else { format!("{} {}", say::figure(f.value.value), f.unit) };
            let range = say::range(f.value, f.count);
            table.row(vec![f.name.clone(), value, range, f.fitted.to_string(), f.how.clone()]);
        }
        if !a.figures.is_empty() {
            text += &(table.lines(2, 48).join("\n") + "\n");
        }
        for s in &a.says {
            text += &format!("  {s}\n");
        }
        for (figure, why) in &a.cannot_say {
            text += &format!("  {figure}: cannot be said: {why}\n");
        }
        if !a.laws.is_empty() {
            text += &format!("  laws: {}\n", a.laws.join(", "));
        }
    }
    text
}
