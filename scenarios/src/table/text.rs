//! Tables in text: comma-separated values with a header, or one number a line without.

use std::path::Path;

use super::numbers::in_range;
use crate::error::Error;
use crate::lines::{Limits, Lines};

/// A table in text being read.
pub(super) struct TextTable {
    lines: Lines,
    has_header: bool,
    /// By column of the table: where its numbers go, and their range.
    slots: Vec<Option<(usize, f64, f64)>>,
}

impl TextTable {
    /// A table whose first line names its columns.
    pub(super) fn with_header(file: &Path, limits: Limits) -> Result<(Self, Vec<String>), Error> {
        let mut lines = Lines::open(file, limits)?;
        let names = match lines.next_text()? {
            Some(line) if !line.trim().is_empty() => split(line),
            _ => return Err(lines.error("the file is empty").help("a table starts with a line that names its columns")),
        };
        let Some(names) = names else { return Err(lines.error(UNCLOSED)) };
        if names.iter().all(|name| name.parse::<f64>().is_ok()) {
            return Err(lines
                .error("the first line holds numbers, not the names of columns")
                .help("a table starts with a line that names its columns"));
        }
        Ok((Self { lines, has_header: true, slots: vec![None; names.len()] }, names))
    }

    /// One number a line.
    pub(super) fn list(file: &Path, limits: Limits) -> Result<Self, Error> {
        Ok(Self { lines: Lines::open(file, limits)?, has_header: false, slots: vec![None] })
    }

    /// Says which columns are read, each with the range of its numbers.
    pub(super) fn choose(&mut self, columns: &[(usize, f64, f64)]) {
        self.slots.fill(None);
        for (slot, (column, least, most)) in columns.iter().enumerate() {
            self.slots[*column] = Some((slot, *least, *most));
        }
    }

    /// The line of a row, counted from 0.
    pub(super) fn line_of(&self, row: u64) -> u64 {
        row + 1 + u64::from(self.has_header)
    }

    pub(super) fn fill(&mut self, rows: usize, names: &[String], columns: &mut [Vec<f64>]) -> Result<usize, Error> {
        for done in 0..rows {
            let Some(line) = self.lines.next_text()? else { return Ok(done) };
            if line.trim().is_empty() {
                return self.only_empty_lines_follow().map(|()| done);
            }
            let (slots, mut cells) = (&self.slots, 0);
            let mut wrong = None;
            let mut take = |cell: &str, start: usize| {
                if let Some(Some((slot, least, most))) = slots.get(cells)
                    && wrong.is_none()
                {
                    match number(cell, *least, *most) {
                        Ok(x) => columns[*slot].push(x),
                        Err((what, help)) => wrong = Some((cells, start, cell.to_owned(), what, help)),
                    }
                }
                cells += 1;
            };
            if line.contains('"') {
                let Some(fields) = split(line) else { return Err(self.lines.error(UNCLOSED)) };
                for field in &fields {
                    // Quotes move characters: the place of the field is searched for.
                    take(field, line.find(field.as_str()).unwrap_or(0));
                }
            } else {
                let mut start = 0;
                for cell in line.split(',') {
                    take(cell, start);
                    start += cell.len() + 1;
                }
            }
            if let Some((column, start, cell, what, help)) = wrong {
                let before = String::from_utf8_lossy(&self.lines.last()[..start]).chars().count();
                let error = self.lines.error(format!("{what}, in column {} of the table", column + 1));
                return Err(error.column(before + 1).key(names[column].clone()).value(&cell).help(help));
            }
            if cells != slots.len() {
                return Err(self
                    .lines
                    .error(format!("the row has {cells} cells, and the table has {} columns", slots.len()))
                    .help("cells are separated by commas, decimals by a point; is the line cut off?"));
            }
        }
        Ok(rows)
    }

    pub(super) fn finish(&mut self) -> Result<(), Error> {
        self.lines.finish()
    }

    /// Empty lines may end a file, and stand nowhere else.
    fn only_empty_lines_follow(&mut self) -> Result<(), Error> {
        let first = self.lines.number();
        while let Some(line) = self.lines.next_text()? {
            if !line.trim().is_empty() {
                return Err(self.lines.error("a row follows an empty line").line(first).help("every line but the last is a row"));
            }
        }
        Ok(())
    }
}

const UNCLOSED: &str = "a quote is opened in this line and not closed";

fn number(cell: &str, least: f64, most: f64) -> Result<f64, (&'static str, String)> {
    let cell = cell.trim();
    if cell.is_empty() {
        return Err(("the cell is empty", "a finite number that is not negative; what was not recorded is not zero".into()));
    }
    match cell.parse() {
        Ok(x) => in_range(x, least, most),
        Err(_) => Err(("this is not a number", "a finite number that is not negative".into())),
    }
}

/// The cells of a line with quotes; nothing where a quote is left open.
fn split(line: &str) -> Option<Vec<String>> {
    let quotes = line.bytes().filter(|b| *b == b'"').count();
    if quotes % 2 == 1 {
        return None;
    }
    let mut reader = csv::ReaderBuilder::new().has_headers(false).trim(csv::Trim::All).from_reader(line.as_bytes());
    let record = reader.records().next()?.ok()?;
    Some(record.iter().map(str::to_owned).collect())
}
