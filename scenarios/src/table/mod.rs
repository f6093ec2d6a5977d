//! Recorded CPU in tables, CSV (plain or gzip) or Parquet, read in blocks of rows: a table may be larger than memory.
//!
//! A table has a column a guest and a row a step. Its numbers become kHz as they are read; a number that is missing,
//! negative, not a number or more than a kHz column holds is an error at its cell. What length a row's step has, and how
//! that meets the horizon's, is for the caller.

mod numbers;
mod parquet;
mod text;

use std::path::Path;

pub(crate) use numbers::{Numbers, Wanted};
pub(crate) use parquet::ParquetFile;

use crate::error::Error;
use crate::lines::Limits;

/// Which columns of a table are read, and as what.
#[derive(Debug, Clone, PartialEq)]
pub struct Layout {
    /// The columns.
    pub columns: Choice,
    /// What their numbers are.
    pub unit: Unit,
    /// A column that tells the time, and is none of the others.
    pub time: Option<Rising>,
}

/// Which columns, the time column left out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Choice {
    /// All of them.
    All,
    /// So many, from the first.
    First(usize),
    /// Those of these names, in this order.
    Named(Vec<String>),
}

/// What the numbers of a table are.
#[derive(Debug, Clone, PartialEq)]
pub enum Unit {
    /// MHz.
    Mhz,
    /// Percent of so many kHz, one number for all columns or one a column.
    PercentOfKhz(Vec<f64>),
}

/// A column whose numbers rise by the same step from row to row.
#[derive(Debug, Clone, PartialEq)]
pub struct Rising {
    /// The column's name.
    pub column: String,
    /// The step.
    pub by: f64,
}

/// Some rows of a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Block {
    /// The number of its first row, from 0.
    pub first_row: u64,
    /// How many rows it has.
    pub rows: usize,
    /// By column, kHz.
    pub columns_khz: Vec<Vec<u32>>,
}

/// A table being read.
pub struct Stream {
    numbers: Numbers,
    per_number: Vec<f64>,
    row: u64,
}

impl Stream {
    /// Opens a table by the end of its name: `.csv`, `.csv.gz` or `.parquet`.
    ///
    /// ```no_run
    /// use scenarios::table::{Choice, Layout, Stream, Unit};
    /// let layout = Layout { columns: Choice::All, unit: Unit::Mhz, time: None };
    /// let mut table = Stream::open("load.csv".as_ref(), &layout, scenarios::Limits::default())?;
    /// while let Some(block) = table.next_block(1024)? {
    ///     println!("{} rows from row {}", block.rows, block.first_row);
    /// }
    /// # Ok::<(), scenarios::Error>(())
    /// ```
    ///
    /// # Errors
    /// A file that cannot be read or is not a table, and a column that it lacks.
    pub fn open(file: &Path, layout: &Layout, limits: Limits) -> Result<Self, Error> {
        let mut numbers = Numbers::open(file, limits)?;
        let chosen = numbers.find(&layout.columns, layout.time.as_ref().map(|t| t.column.as_str()))?;
        // kHz for one unit of the number.
        let per_number: Vec<f64> = match &layout.unit {
            Unit::Mhz => vec![1000.0; chosen.len()],
            Unit::PercentOfKhz(full) if full.len() == 1 => vec![full[0] / 100.0; chosen.len()],
            Unit::PercentOfKhz(full) if full.len() == chosen.len() => full.iter().map(|khz| khz / 100.0).collect(),
            Unit::PercentOfKhz(full) => {
                return Err(Error::new(file, format!("{} capacities were given for {} columns", full.len(), chosen.len())));
            }
        };
        let most = |khz: &f64| if *khz > 0.0 { f64::from(u32::MAX) / khz } else { f64::MAX };
        let wanted = chosen.iter().zip(&per_number).map(|(column, khz)| Wanted { column: *column, most: most(khz) }).collect();
        numbers.choose(wanted, layout.time.as_ref())?;
        Ok(Self { numbers, per_number, row: 0 })
    }

    /// The names of the columns that are read, in order.
    #[must_use]
    pub fn names(&self) -> Vec<&str> {
        self.numbers.chosen_names()
    }

    /// At most `rows` rows more; nothing after the last.
    ///
    /// # Errors
    /// A cell that is not a number that kHz can hold, a row that is too short, time that does not rise as it must, or
    /// a file that is damaged.
    pub fn next_block(&mut self, rows: usize) -> Result<Option<Block>, Error> {
        let mut columns = vec![Vec::with_capacity(rows.min(1 << 16)); self.per_number.len()];
        let got = self.numbers.fill(rows, &mut columns)?;
        if got == 0 {
            return Ok(None);
        }
        let khz = |(column, per): (Vec<f64>, &f64)| column.into_iter().map(|x| (x * per).round() as u32).collect();
        let block = Block { first_row: self.row, rows: got, columns_khz: columns.into_iter().zip(&self.per_number).map(khz).collect() };
        self.row += got as u64;
        Ok(Some(block))
    }

    /// Reads a compressed file to its end without looking at its rows, to find one that is cut off.
    ///
    /// # Errors
    /// A file that is cut off, damaged, or expands beyond its limit.
    pub fn finish(&mut self) -> Result<(), Error> {
        self.numbers.finish()
    }
}
