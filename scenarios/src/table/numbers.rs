//! Columns of numbers, whatever holds them: text or Parquet.

use std::path::{Path, PathBuf};

use super::parquet::ParquetTable;
use super::text::TextTable;
use super::{Choice, Rising};
use crate::error::Error;
use crate::lines::Limits;
use crate::names;

/// A column that is wanted: its place in the table, and the most that its numbers may be. None may be negative.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Wanted {
    pub column: usize,
    pub most: f64,
}

/// What holds the numbers.
enum Holder {
    Text(TextTable),
    Parquet(ParquetTable),
}

/// A table of numbers being read.
pub(crate) struct Numbers {
    file: PathBuf,
    holder: Holder,
    names: Vec<String>,
    wanted: Vec<Wanted>,
    /// The time column is read behind the wanted ones.
    time: Option<(Rising, Option<f64>)>,
    row: u64,
}

impl Numbers {
    /// Opens a table with a header.
    pub(crate) fn open(file: &Path, limits: Limits) -> Result<Self, Error> {
        let (holder, names) = if file.extension().is_some_and(|e| e == "parquet") {
            let (table, names) = ParquetTable::open(file)?;
            (Holder::Parquet(table), names)
        } else {
            let (table, names) = TextTable::with_header(file, limits)?;
            (Holder::Text(table), names)
        };
        Ok(Self { file: file.to_owned(), holder, names, wanted: Vec::new(), time: None, row: 0 })
    }

    /// Opens a list of numbers, one a line, without a header.
    pub(crate) fn list(file: &Path, limits: Limits, most: f64) -> Result<Self, Error> {
        let mut it = Self {
            file: file.to_owned(),
            holder: Holder::Text(TextTable::list(file, limits)?),
            names: vec!["number".into()],
            wanted: Vec::new(),
            time: None,
            row: 0,
        };
        it.choose(vec![Wanted { column: 0, most }], None)?;
        Ok(it)
    }

    /// The places of these columns.
    pub(crate) fn find(&self, choice: &Choice, time: Option<&str>) -> Result<Vec<usize>, Error> {
        let time = time.map(|name| self.position(name)).transpose()?;
        let data: Vec<usize> = (0..self.names.len()).filter(|c| Some(*c) != time).collect();
        match choice {
            Choice::All if data.is_empty() => Err(self.header_error("the table has no column of numbers")),
            Choice::All => Ok(data),
            Choice::First(n) if *n > data.len() => Err(self
                .header_error(format!("the table has {} columns of numbers, and {n} are needed", data.len()))
                .help("a column a guest of the load, in the order of its `guests`; `columns = \"by-name\"` matches them by name")),
            Choice::First(n) => Ok(data[..*n].to_vec()),
            Choice::Named(all) => all.iter().map(|name| self.position(name)).collect(),
        }
    }

    /// Says which columns are read.
    pub(crate) fn choose(&mut self, wanted: Vec<Wanted>, time: Option<&Rising>) -> Result<(), Error> {
        let mut columns: Vec<(usize, f64, f64)> = wanted.iter().map(|w| (w.column, 0.0, w.most)).collect();
        if let Some(time) = time {
            columns.push((self.position(&time.column)?, -f64::MAX, f64::MAX));
        }
        self.wanted = wanted;
        self.time = time.map(|t| (t.clone(), None));
        match &mut self.holder {
            Holder::Text(table) => table.choose(&columns),
            Holder::Parquet(table) => table.choose(&columns)?,
        }
        Ok(())
    }

    /// The names of the columns that are read.
    pub(crate) fn chosen_names(&self) -> Vec<&str> {
        self.wanted.iter().map(|w| self.names[w.column].as_str()).collect()
    }

    /// Puts at most `rows` rows more at the end of the columns, and says how many.
    pub(crate) fn fill(&mut self, rows: usize, columns: &mut Vec<Vec<f64>>) -> Result<usize, Error> {
        if self.time.is_some() {
            columns.push(Vec::new());
        }
        let got = match &mut self.holder {
            Holder::Text(table) => table.fill(rows, &self.names, columns)?,
            Holder::Parquet(table) => table.fill(rows, &self.names, columns)?,
        };
        if let Some((time, last)) = &mut self.time {
            for (i, now) in columns.pop().unwrap_or_default().into_iter().enumerate() {
                if let Some(before) = last.replace(now) {
                    let off = (now - before - time.by).abs();
                    if off > 1e-6 * time.by.max(now.abs() * 1e-6) {
                        let what = match now.partial_cmp(&before) {
                            Some(std::cmp::Ordering::Less) => "time runs backwards",
                            Some(std::cmp::Ordering::Equal) => "time stands still",
                            _ => "time jumps",
                        };
                        let line = match &self.holder {
                            Holder::Text(table) => table.line_of(self.row + i as u64),
                            Holder::Parquet(_) => self.row + i as u64 + 1,
                        };
                        return Err(Error::new(&self.file, format!("{what}: from {before} to {now}"))
                            .line(line)
                            .key(time.column.clone())
                            .value(&now.to_string())
                            .help(format!("each row is {} later than the one before (`time_step`)", time.by)));
                    }
                }
            }
        }
        self.row += got as u64;
        Ok(got)
    }

    /// See [`super::Stream::finish`].
    pub(crate) fn finish(&mut self) -> Result<(), Error> {
        match &mut self.holder {
            Holder::Text(table) => table.finish(),
            Holder::Parquet(_) => Ok(()),
        }
    }

    fn position(&self, name: &str) -> Result<usize, Error> {
        let mut at = self.names.iter().enumerate().filter(|(_, n)| *n == name).map(|(i, _)| i);
        match (at.next(), at.next()) {
            (Some(only), None) => Ok(only),
            (Some(first), Some(second)) => Err(self
                .header_error(format!("two columns are named `{name}`: {} and {}", first + 1, second + 1))
                .key(name)
                .help("a column that is found by its name has a name of its own")),
            (None, _) => Err(self.header_error(format!("there is no column `{name}`")).key(name).help(names::help_for(
                name,
                "columns",
                self.names.iter().map(String::as_str),
            ))),
        }
    }

    fn header_error(&self, message: impl Into<String>) -> Error {
        let error = Error::new(&self.file, message);
        if matches!(self.holder, Holder::Text(_)) { error.line(1) } else { error }
    }
}

/// The number in a cell, in the range that is wanted; or what is wrong with it, and what is allowed.
pub(super) fn in_range(x: f64, least: f64, most: f64) -> Result<f64, (&'static str, String)> {
    if x.is_nan() {
        Err(("this is not a number", "a finite number that is not negative".into()))
    } else if x.is_infinite() {
        Err(("this is infinite", "a finite number that is not negative".into()))
    } else if x < least {
        Err(("this is negative", "a finite number that is not negative".into()))
    } else if x > most {
        Err(("this is more than can be held", format!("at most {most}: is the unit right?")))
    } else {
        Ok(x)
    }
}
