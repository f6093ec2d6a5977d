//! `shuyaku laws`: what a law says of itself.

use models::law::page::Page;

use super::table::wrap;

/// The columns of a page on the terminal.
const COLUMNS: usize = 100;

/// A line a law; or, where `whole` is asked for, formula, range, source and error of each.
#[must_use]
pub fn laws(pages: &[Page], whole: bool) -> String {
    let widest = pages.iter().map(|p| p.name.len()).max().unwrap_or(0);
    let mut text = String::new();
    for (i, p) in pages.iter().enumerate() {
        if !whole {
            text += &(wrap(&format!("{:<widest$}  {}", p.name, p.title), COLUMNS, widest + 2).join("\n") + "\n");
            continue;
        }
        if i > 0 {
            text.push('\n');
        }
        text += &(wrap(&format!("{}: {}", p.name, p.title), COLUMNS, 2).join("\n") + "\n");
        for (what, part) in [("formula", &p.formula), ("range", &p.range), ("source", &p.source), ("error", &p.error)] {
            text += &(wrap(&format!("{what:<9}{part}"), COLUMNS, 9).join("\n") + "\n");
        }
    }
    text
}
