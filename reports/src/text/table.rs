//! Aligned columns of text.

use crate::say;

/// How a column stands.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Align {
    /// Names and words.
    Left,
    /// Numbers.
    Right,
}

/// A table with a head; columns are two spaces apart and no line ends in a space.
pub(crate) struct Table {
    align: Vec<Align>,
    rows: Vec<Vec<String>>,
}

impl Table {
    /// A table with these column heads.
    pub(crate) fn new(head: &[(&str, Align)]) -> Self {
        Self { align: head.iter().map(|h| h.1).collect(), rows: vec![head.iter().map(|h| h.0.to_owned()).collect()] }
    }

    /// Adds a row.
    pub(crate) fn row(&mut self, cells: Vec<String>) {
        debug_assert_eq!(cells.len(), self.align.len());
        self.rows.push(cells);
    }

    /// The lines, each `indent` spaces in; no cell but the last is wider than `most`.
    pub(crate) fn lines(&self, indent: usize, most: usize) -> Vec<String> {
        let last = self.align.len() - 1;
        let cell = |row: &[String], c: usize| if c == last { row[c].clone() } else { say::cut(&row[c], most) };
        let widths: Vec<usize> = (0..=last).map(|c| self.rows.iter().map(|r| say::width(&cell(r, c))).max().unwrap_or(0)).collect();
        self.rows
            .iter()
            .map(|row| {
                let mut line = " ".repeat(indent);
                for (c, width) in widths.iter().enumerate() {
                    let text = cell(row, c);
                    let pad = " ".repeat(width - say::width(&text));
                    match self.align[c] {
                        Align::Left => line += &format!("{text}{pad}"),
                        Align::Right => line += &format!("{pad}{text}"),
                    }
                    if c < last {
                        line += "  ";
                    }
                }
                line.truncate(line.trim_end().len());
                line
            })
            .collect()
    }
}

/// Words in lines of at most so many columns; lines after the first are indented. Runs of spaces before the first break
/// stay, so that a head may stand in its own column.
pub(crate) fn wrap(text: &str, columns: usize, indent: usize) -> Vec<String> {
    if say::width(text) <= columns {
        return vec![text.to_owned()];
    }
    let mut lines = vec![String::new()];
    for word in text.split(' ') {
        let line = lines.last_mut().expect("there is a first line");
        if line.is_empty() {
            line.push_str(&say::cut(word, columns.saturating_sub(indent)));
        } else if say::width(line) + 1 + say::width(word) <= columns {
            line.push(' ');
            line.push_str(word);
        } else {
            lines.push(format!("{}{}", " ".repeat(indent), say::cut(word, columns.saturating_sub(indent))));
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_stand_right_and_no_line_ends_in_a_space() {
        let mut t = Table::new(&[("host", Align::Left), ("W", Align::Right), ("why", Align::Left)]);
        t.row(vec!["a".into(), "1,200".into(), String::new()]);
        t.row(vec!["long".into(), "9".into(), "x".into()]);
        assert_eq!(t.lines(0, 20), ["host      W  why", "a     1,200", "long      9  x"]);
    }

    #[test]
    fn words_are_wrapped_under_the_indent() {
        assert_eq!(wrap("one two three", 8, 2), ["one two", "  three"]);
    }
}
