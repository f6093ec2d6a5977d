//! Tables in Parquet: columns of numbers, none of them missing, read column by column in blocks of rows.
//!
//! Read: flat columns of whole or floating numbers, uncompressed or snappy. Not read: nested columns, decimals, text.

use std::fs::File;
use std::path::{Path, PathBuf};

use parquet::basic::{ConvertedType, LogicalType, Type as Physical};
use parquet::column::reader::{ColumnReader, ColumnReaderImpl};
use parquet::data_type::DataType;
use parquet::errors::ParquetError;
use parquet::file::reader::{FileReader, SerializedFileReader};
use parquet::schema::types::ColumnDescPtr;

use super::numbers::in_range;
use crate::error::Error;
use crate::lines;

/// A Parquet file.
pub(crate) struct ParquetFile {
    file: PathBuf,
    reader: SerializedFileReader<File>,
}

impl ParquetFile {
    pub(crate) fn open(file: &Path) -> Result<Self, Error> {
        let opened = lines::regular(file)?;
        let reader = guarded(|| SerializedFileReader::new(opened)).map_err(|e| not_parquet(file, e))?;
        Ok(Self { file: file.to_owned(), reader })
    }

    /// The columns.
    pub(crate) fn columns(&self) -> Vec<ColumnDescPtr> {
        self.reader.metadata().file_metadata().schema_descr().columns().to_vec()
    }

    /// Rows, as the file says.
    pub(crate) fn rows(&self) -> i64 {
        self.reader.metadata().file_metadata().num_rows()
    }

    fn error(&self, message: impl Into<String>) -> Error {
        Error::new(&self.file, message)
    }
}

fn not_parquet(file: &Path, e: ParquetError) -> Error {
    Error::new(file, format!("the Parquet file cannot be read: {e}"))
        .help("a Parquet file, uncompressed or snappy; one that was copied in part lacks its end")
        .cause(e)
}

/// Calls the library, which panics at some damaged files: that is an error of the file, not of the program.
fn guarded<T>(call: impl FnOnce() -> Result<T, ParquetError>) -> Result<T, ParquetError> {
    // What the call had in hand is given up with the file.
    std::panic::catch_unwind(std::panic::AssertUnwindSafe(call))
        .unwrap_or_else(|_| Err(ParquetError::General("the file is damaged".into())))
}

/// A table in Parquet being read.
pub(super) struct ParquetTable {
    file: ParquetFile,
    /// What is read: column, least, most.
    chosen: Vec<(usize, f64, f64)>,
    /// Of the row group being read.
    readers: Vec<ColumnReader>,
    next_group: usize,
    row: u64,
}

impl ParquetTable {
    pub(super) fn open(path: &Path) -> Result<(Self, Vec<String>), Error> {
        let file = ParquetFile::open(path)?;
        let names = file.columns().iter().map(|c| c.path().string()).collect();
        Ok((Self { file, chosen: Vec::new(), readers: Vec::new(), next_group: 0, row: 0 }, names))
    }

    pub(super) fn choose(&mut self, columns: &[(usize, f64, f64)]) -> Result<(), Error> {
        let described = self.file.columns();
        for (c, _, _) in columns {
            self.file.numeric(&described[*c])?;
        }
        self.chosen = columns.to_vec();
        Ok(())
    }

    pub(super) fn fill(&mut self, rows: usize, names: &[String], columns: &mut [Vec<f64>]) -> Result<usize, Error> {
        let described = self.file.columns();
        let mut done = 0;
        while done < rows {
            if self.readers.is_empty() && !self.next_readers()? {
                break;
            }
            let mut got = None;
            for (slot, (column, least, most)) in self.chosen.iter().enumerate() {
                let before = columns[slot].len();
                read(&mut self.readers[slot], &described[*column], rows - done, &mut columns[slot]).map_err(|bad| match bad {
                    Unread::Library(e) => not_parquet(&self.file.file, e).key(names[*column].clone()),
                    Unread::Missing(i) => self
                        .file
                        .error(format!("row {} of the column is empty", self.row + done as u64 + i as u64 + 1))
                        .line(self.row + done as u64 + i as u64 + 1)
                        .key(names[*column].clone())
                        .help("a number in every row; what was not recorded is not zero"),
                })?;
                let read = columns[slot].len() - before;
                for (i, x) in columns[slot][before..].iter().enumerate() {
                    if let Err((what, help)) = in_range(*x, *least, *most) {
                        let row = self.row + (done + i) as u64 + 1;
                        let error = self.file.error(format!("{what}, in row {row}, column {} of the table", column + 1));
                        return Err(error.line(row).key(names[*column].clone()).value(&x.to_string()).help(help));
                    }
                }
                if *got.get_or_insert(read) != read {
                    return Err(self.file.error("its columns are not equally long").key(names[*column].clone()));
                }
            }
            match got {
                Some(0) | None => self.readers.clear(),
                Some(n) => done += n,
            }
        }
        self.row += done as u64;
        Ok(done)
    }

    /// Opens the columns of the next row group; false after the last.
    fn next_readers(&mut self) -> Result<bool, Error> {
        if self.next_group >= self.file.reader.num_row_groups() {
            return Ok(false);
        }
        let group = guarded(|| self.file.reader.get_row_group(self.next_group)).map_err(|e| not_parquet(&self.file.file, e))?;
        let open = |(c, _, _): &(usize, f64, f64)| guarded(|| group.get_column_reader(*c));
        self.readers = self.chosen.iter().map(open).collect::<Result<_, _>>().map_err(|e| not_parquet(&self.file.file, e))?;
        self.next_group += 1;
        Ok(true)
    }
}

impl ParquetFile {
    /// Whether a column holds plain numbers.
    fn numeric(&self, column: &ColumnDescPtr) -> Result<(), Error> {
        let what = if column.max_rep_level() > 0 || column.path().parts().len() > 1 {
            "is nested"
        } else if matches!(column.logical_type_ref(), Some(LogicalType::Decimal { .. }))
            || column.converted_type() == ConvertedType::DECIMAL
        {
            "holds decimals"
        } else {
            match column.physical_type() {
                Physical::INT32 | Physical::INT64 | Physical::FLOAT | Physical::DOUBLE => return Ok(()),
                Physical::BOOLEAN => "holds yes and no",
                _ => "holds text",
            }
        };
        let name = column.path().string();
        Err(self.error(format!("the column {what}, not numbers")).key(name).help("columns of INT32, INT64, FLOAT or DOUBLE are read"))
    }

    /// A whole column of numbers, by name.
    pub(crate) fn whole_column(&self, name: &str) -> Result<Vec<f64>, Error> {
        let columns = self.columns();
        let Some((c, column)) = columns.iter().enumerate().find(|(_, column)| column.path().string() == name) else {
            let all: Vec<String> = columns.iter().map(|c| c.path().string()).collect();
            return Err(self.error(format!("there is no column `{name}`")).key(name).help(crate::names::help_for(
                name,
                "columns",
                all.iter().map(String::as_str),
            )));
        };
        self.numeric(column)?;
        let mut all = Vec::new();
        for g in 0..self.reader.num_row_groups() {
            let group = guarded(|| self.reader.get_row_group(g)).map_err(|e| not_parquet(&self.file, e))?;
            let mut reader = guarded(|| group.get_column_reader(c)).map_err(|e| not_parquet(&self.file, e))?;
            loop {
                let before = all.len();
                read(&mut reader, column, 1 << 16, &mut all).map_err(|bad| match bad {
                    Unread::Library(e) => not_parquet(&self.file, e).key(name),
                    Unread::Missing(i) => {
                        let row = (before + i) as u64 + 1;
                        self.error(format!("row {row} of the column is empty")).line(row).key(name).help("a number in every row")
                    }
                })?;
                if all.len() == before {
                    break;
                }
            }
        }
        for (i, x) in all.iter().enumerate() {
            if let Err((what, help)) = in_range(*x, 0.0, f64::MAX) {
                return Err(self.error(format!("{what}, in row {}", i + 1)).line(i as u64 + 1).key(name).value(&x.to_string()).help(help));
            }
        }
        Ok(all)
    }
}

/// Why a column could not be read.
enum Unread {
    Library(ParquetError),
    /// The row, from the first of this read.
    Missing(usize),
}

/// At most `rows` numbers more of a column.
fn read(reader: &mut ColumnReader, column: &ColumnDescPtr, rows: usize, to: &mut Vec<f64>) -> Result<(), Unread> {
    let unsigned = match column.logical_type_ref() {
        Some(LogicalType::Integer(int)) => !int.is_signed,
        _ => matches!(
            column.converted_type(),
            ConvertedType::UINT_8 | ConvertedType::UINT_16 | ConvertedType::UINT_32 | ConvertedType::UINT_64
        ),
    };
    let full = column.max_def_level();
    match reader {
        ColumnReader::Int32ColumnReader(r) => part(r, full, rows, to, |x| if unsigned { f64::from(x as u32) } else { f64::from(x) }),
        ColumnReader::Int64ColumnReader(r) => part(r, full, rows, to, |x| if unsigned { x as u64 as f64 } else { x as f64 }),
        ColumnReader::FloatColumnReader(r) => part(r, full, rows, to, f64::from),
        ColumnReader::DoubleColumnReader(r) => part(r, full, rows, to, |x| x),
        _ => Err(Unread::Library(ParquetError::General("not a column of numbers".into()))),
    }
}

fn part<T: DataType>(
    reader: &mut ColumnReaderImpl<T>,
    full: i16,
    rows: usize,
    to: &mut Vec<f64>,
    number: impl Fn(T::T) -> f64,
) -> Result<(), Unread> {
    let (mut levels, mut values) = (Vec::new(), Vec::new());
    let (records, ..) = guarded(|| reader.read_records(rows, Some(&mut levels), None, &mut values)).map_err(Unread::Library)?;
    if let Some(missing) = levels.iter().position(|level| *level != full) {
        return Err(Unread::Missing(missing));
    }
    if values.len() != records {
        return Err(Unread::Library(ParquetError::General(format!("{} values in {records} rows", values.len()))));
    }
    to.extend(values.into_iter().map(number));
    Ok(())
}
