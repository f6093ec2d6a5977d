//! Small scenarios in folders of their own, with every key that a site.toml can have.
#![allow(dead_code, reason = "each test file takes what it needs")]

use std::io::Write as _;
use std::path::{Path, PathBuf};

use scenarios::{Error, Options, Scenario};

/// A site with every table and every kind of load: two steps of an hour.
pub const SITE: &str = include_str!("site.toml");

/// A request level for [`SITE`], with every key that one can have.
pub const REQUESTS: &str = include_str!("requests.toml");

/// A folder with a scenario in it, gone when dropped.
pub struct Folder(tempfile::TempDir);

impl Folder {
    /// A folder without a file.
    pub fn empty() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    /// [`SITE`] with its recordings, and each `from` in it once replaced by its `to`.
    pub fn with(changes: &[(&str, &str)]) -> Self {
        Self::of(SITE.to_owned(), changes)
    }

    /// The same for [`SITE`] with [`REQUESTS`].
    pub fn with_requests(changes: &[(&str, &str)]) -> Self {
        Self::of(format!("{SITE}{REQUESTS}"), changes)
    }

    /// The same for [`SITE`] with these studies.
    pub fn with_studies(studies: &str, changes: &[(&str, &str)]) -> Self {
        Self::of(format!("{SITE}\n{studies}"), changes)
    }

    fn of(mut site: String, changes: &[(&str, &str)]) -> Self {
        let it = Self::empty();
        for (from, to) in changes {
            assert_eq!(site.matches(from).count(), 1, "`{from}` is not once in the site");
            site = site.replace(from, to);
        }
        it.write("site.toml", site.as_bytes());
        it.write("traces/cpu.csv", b"minute,a,b\n0,50,10\n30,100,20\n60,0,30\n90,50,40\n");
        it.write("traces/counts.txt", b"1\n2\n3\n4\n");
        it.write("traces/access.log", b"a - - [17/May/2015:00:10:03 +0000] \"GET / HTTP/1.1\" 200 100 \"-\" \"-\"\nb - - [17/May/2015:01:10:03 +0000] \"GET / HTTP/1.1\" 200 300 \"-\" \"-\"\n");
        tasks(&it.path("traces/tasks.parquet"), &[(7, 1000, 7_200_000), (9, 1000, 7_200_000)]);
        fragments(&it.path("traces/fragments.parquet"), &[(7, 7_200_000, 500.0), (9, 3_600_000, 100.0), (9, 3_600_000, 200.0)]);
        it
    }

    /// A path inside.
    pub fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// Writes a file.
    pub fn write(&self, name: &str, bytes: &[u8]) {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, bytes).unwrap();
    }

    /// Writes a file as gzip.
    pub fn write_gzip(&self, name: &str, bytes: &[u8]) {
        self.write(name, &gzip(bytes));
    }

    pub fn load(&self) -> Result<Scenario, Error> {
        scenarios::load(self.0.path(), &Options::default())
    }
}

pub fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut to = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    to.write_all(bytes).unwrap();
    to.finish().unwrap()
}

/// A column for a Parquet file.
pub enum Column<'a> {
    I32(&'a str, Vec<i32>),
    I64(&'a str, Vec<i64>),
    F64(&'a str, Vec<f64>),
    /// May be missing.
    Maybe(&'a str, Vec<Option<f64>>),
    Text(&'a str, Vec<&'a str>),
}

/// Writes a Parquet file, `groups` times the same row group.
pub fn parquet(path: &Path, groups: usize, columns: &[Column<'_>]) {
    use parquet::data_type::{ByteArray, ByteArrayType, DoubleType, Int32Type, Int64Type};
    let fields: String = columns
        .iter()
        .map(|c| match c {
            Column::I32(name, _) => format!("REQUIRED INT32 {name};"),
            Column::I64(name, _) => format!("REQUIRED INT64 {name};"),
            Column::F64(name, _) => format!("REQUIRED DOUBLE {name};"),
            Column::Maybe(name, _) => format!("OPTIONAL DOUBLE {name};"),
            Column::Text(name, _) => format!("REQUIRED BYTE_ARRAY {name} (UTF8);"),
        })
        .collect();
    let schema = parquet::schema::parser::parse_message_type(&format!("message schema {{ {fields} }}")).unwrap();
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    let file = std::fs::File::create(path).unwrap();
    let mut writer = parquet::file::writer::SerializedFileWriter::new(file, schema.into(), Default::default()).unwrap();
    for _ in 0..groups {
        let mut group = writer.next_row_group().unwrap();
        for column in columns {
            let mut to = group.next_column().unwrap().unwrap();
            match column {
                Column::I32(_, values) => to.typed::<Int32Type>().write_batch(values, None, None).unwrap(),
                Column::I64(_, values) => to.typed::<Int64Type>().write_batch(values, None, None).unwrap(),
                Column::F64(_, values) => to.typed::<DoubleType>().write_batch(values, None, None).unwrap(),
                Column::Maybe(_, values) => {
                    let levels: Vec<i16> = values.iter().map(|v| i16::from(v.is_some())).collect();
                    let there: Vec<f64> = values.iter().flatten().copied().collect();
                    to.typed::<DoubleType>().write_batch(&there, Some(&levels), None).unwrap()
                }
                Column::Text(_, values) => {
                    let values: Vec<ByteArray> = values.iter().map(|v| ByteArray::from(*v)).collect();
                    to.typed::<ByteArrayType>().write_batch(&values, None, None).unwrap()
                }
            };
            to.close().unwrap();
        }
        group.close().unwrap();
    }
    writer.close().unwrap();
}

/// OpenDC tasks: id, submission and duration in ms; one CPU of 1000 MHz.
pub fn tasks(path: &Path, tasks: &[(i32, i64, i64)]) {
    let n = tasks.len();
    parquet(
        path,
        1,
        &[
            Column::I32("id", tasks.iter().map(|t| t.0).collect()),
            Column::I64("submission_time", tasks.iter().map(|t| t.1).collect()),
            Column::I64("duration", tasks.iter().map(|t| t.2).collect()),
            Column::I32("cpu_count", vec![1; n]),
            Column::F64("cpu_capacity", vec![1000.0; n]),
            Column::I64("mem_capacity", vec![1024; n]),
        ],
    );
}

/// OpenDC fragments: id, duration in ms, MHz.
pub fn fragments(path: &Path, fragments: &[(i32, i64, f64)]) {
    parquet(
        path,
        1,
        &[
            Column::I32("id", fragments.iter().map(|f| f.0).collect()),
            Column::I64("duration", fragments.iter().map(|f| f.1).collect()),
            Column::F64("cpu_usage", fragments.iter().map(|f| f.2).collect()),
        ],
    );
}
