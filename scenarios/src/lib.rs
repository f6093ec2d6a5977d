//! The only room that reads scenario files and recorded loads, and turns them into a [`Site`] and its [`Load`]s.
//!
//! - [`load`]: a folder with a site.toml, understood: a [`Scenario`]
//! - [`stream`]: the same with its one recorded table read in blocks: a [`Streamed`]
//! - [`observed`]: a site file and its trace, written from what was seen on the hosts
//! - [`targets`](targets::targets): published figures that ours are held against
//! - [`schema`]: the JSON Schema of site.toml for editors
//! - [`table`]: recorded CPU in CSV, gzip or Parquet, also in blocks where it is larger than memory
//! - [`opendc`]: OpenDC's Parquet pair
//! - [`weblog`]: a Web server's combined log
//! - [`Error`]: file, line, column, key, value, and what is allowed there
//!
//! The way of a file: its text is parsed to a tree in which every key can be found again (`document`), to structs of its
//! keys (`file`), and to the values of [`models`] (`understand`, `loads`, `requests`, `studies`); what has a source is listed (`givens`).
//!
//! Every number is checked where it is read: what is missing is an error, never zero, and never a paper's default.
//! This crate does not judge whether a site fits its rules: that is for [`models::rule`].

mod document;
mod error;
mod file;
mod folder;
mod givens;
mod lines;
mod loads;
mod names;
pub mod observed;
pub mod opendc;
mod requests;
mod resample;
mod schema;
mod studies;
pub mod table;
pub mod targets;
mod understand;
pub mod weblog;

use std::path::{Path, PathBuf};

use models::demand::{Columns, Demand, Load};
use models::flow::Requests;
use models::quantity::Nanos;
use models::site::{GuestId, Site};
use models::study::Study;

pub use error::{Error, Fault};
pub use lines::Limits;
pub use names::help_for;
pub use schema::{schema, targets_schema};
pub use targets::{Target, targets};

/// A site, what is asked of it, and the grid of time on which that is replayed.
#[derive(Debug, Clone, PartialEq)]
pub struct Scenario {
    /// The site.
    pub site: Site,
    /// What its guests ask for, in order of the file.
    pub loads: Vec<Load>,
    /// The same at request level, where the site has `[requests]`.
    pub requests: Option<Requests>,
    /// Questions to single laws, in order of the file.
    pub studies: Vec<Study>,
    /// The grid of time.
    pub grid: Grid,
    /// SHA-256 over a line `SHA-256  NAME` for site.toml and every file that it names, in order of name (as `sha256sum` writes).
    pub digest: String,
    /// The folder.
    pub folder: PathBuf,
}

/// The grid of time on which loads are replayed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Grid {
    /// The length of a step.
    pub step: Nanos,
    /// How many steps.
    pub steps: usize,
    /// Loads are replayed as grown until the start of this year, counted from 1.
    pub judged_year: u32,
}

impl Grid {
    fn of(file: &file::Site) -> Self {
        let h = &file.horizon;
        Self { step: Nanos::seconds(u64::from(h.step_s.get())), steps: h.steps.get() as usize, judged_year: h.judged_year.get() }
    }
}

/// What may be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Options {
    /// The most bytes that recorded columns may hold, and that a compressed file may expand to. Default 4 GiB.
    pub memory_cap_bytes: u64,
}

impl Default for Options {
    fn default() -> Self {
        Self { memory_cap_bytes: 4 << 30 }
    }
}

/// Reads a scenario: a folder with a site.toml in it, or a path to a site.toml.
///
/// # Errors
/// The first thing that is wrong, where it stands, and what is allowed there.
pub fn load(path: &Path, options: &Options) -> Result<Scenario, Error> {
    let (folder, site_file) = folder::site_file(path)?;
    let text = document::Text::read(&site_file)?;
    let doc = text.document()?;
    let file: file::Site = doc.get()?;
    let grid = Grid::of(&file);
    let (mut site, known) = understand::site(&doc, &file)?;
    // 100 years: what nanoseconds hold, with room for sums.
    if grid.step.0.checked_mul(grid.steps as u64).is_none_or(|ns| ns > 3_155_760_000_000_000_000) {
        let at = document::At::root().key("horizon").key("steps");
        return Err(doc.error(&at, "the horizon is longer than a hundred years").help("make `step_s` or `steps` less"));
    }
    let mut files = folder::Folder::of(folder, &site_file)?;
    let read = loads::all(&doc, &file, &site, &known, &mut files, options)?;
    for (guest, full_speed) in site.guests.iter_mut().zip(read.full_speed) {
        guest.full_speed = full_speed;
    }
    let requests = requests::all(&doc, &file, &site, &known, &read.loads, grid)?;
    let studies = studies::all(&doc, &file, &site, &known)?;
    Ok(Scenario { site, loads: read.loads, requests, studies, grid, digest: files.digest(), folder: files.path })
}

/// A site whose one recorded table is read in blocks, for a trace larger than memory.
pub struct Streamed {
    /// The site.
    pub site: Site,
    /// The grid of time.
    pub grid: Grid,
    /// As [`Scenario::digest`].
    pub digest: String,
    guests: Vec<GuestId>,
    table: table::Stream,
    done: usize,
    file: PathBuf,
}

/// Opens a scenario whose only load is one `load.recorded-cpu` at the horizon's own step, to be read in blocks.
///
/// # Errors
/// As [`load`]; and where there are other loads, growth, or another step.
pub fn stream(path: &Path, options: &Options) -> Result<Streamed, Error> {
    let (folder, site_file) = folder::site_file(path)?;
    let text = document::Text::read(&site_file)?;
    let doc = text.document()?;
    let file: file::Site = doc.get()?;
    if file.requests.is_some() {
        return Err(doc.error(&document::At::root().key("requests"), "a stream is not played as jobs").help("leave `[requests]` out"));
    }
    let (mut site, known) = understand::site(&doc, &file)?;
    // Nothing to read: tiers and flows without `[requests]` are refused as ever.
    requests::all(&doc, &file, &site, &known, &[], Grid::of(&file))?;
    let mut files = folder::Folder::of(folder, &site_file)?;
    let one = loads::one_table(&doc, &file, &site, &known, &mut files, options)?;
    for (guest, full_speed) in site.guests.iter_mut().zip(one.full_speed) {
        guest.full_speed = full_speed;
    }
    let digest = files.digest();
    Ok(Streamed { site, grid: Grid::of(&file), digest, guests: one.guests, table: one.stream, done: 0, file: site_file })
}

impl Streamed {
    /// The next steps of the horizon, at most so many; nothing after the last.
    ///
    /// # Errors
    /// What is wrong with the table where it is read, and a table that ends before the horizon.
    pub fn next_block(&mut self, steps: usize) -> Result<Option<Demand>, Error> {
        let left = self.grid.steps - self.done;
        if left == 0 {
            self.table.finish()?;
            return Ok(None);
        }
        let Some(block) = self.table.next_block(steps.min(left))? else {
            let message = format!("the recorded table ends after {} rows, and the horizon has {} steps", self.done, self.grid.steps);
            return Err(Error::new(&self.file, message).help("make `horizon.steps` less: what was not recorded is not zero"));
        };
        self.done += block.rows;
        let mut demand = Demand { step: self.grid.step, steps: block.rows, guests: vec![Columns::default(); self.site.guests.len()] };
        for (g, cpu_khz) in self.guests.iter().zip(block.columns_khz) {
            demand.guests[g.index()].cpu_khz = cpu_khz;
        }
        Ok(Some(demand))
    }
}
