//! From the keys of the loads to [`Load`]s: guests found, recordings read and brought to the horizon's grid.

use models::demand::{Load, LoadKind, Split, UnitCost};
use models::quantity::{Mhz, Nanos};
use models::site::{GuestId, Site};

use crate::document::{At, Document};
use crate::error::Error;
use crate::file;
use crate::file::load::{Columns, Common, CpuUnit, Loads};
use crate::file::number::{Amount, Positive, Seconds};
use crate::folder::Folder;
use crate::lines::Limits;
use crate::names;
use crate::resample::{self, Means, Ratio};
use crate::table::{Choice, Layout, Numbers, Rising, Stream, Unit};
use crate::understand::{Known, check_name, meant};
use crate::{Grid, Options, opendc, weblog};

/// The loads, and what their recordings say of the guests.
pub(crate) struct Read {
    /// In order of the file.
    pub(crate) loads: Vec<Load>,
    /// By guest: see [`models::site::Guest::full_speed`].
    pub(crate) full_speed: Vec<Option<Mhz>>,
}

/// All loads.
pub(crate) fn all(
    doc: &Document<'_>,
    file: &file::Site,
    site: &Site,
    known: &Known,
    folder: &mut Folder,
    options: &Options,
) -> Result<Read, Error> {
    let mut it = Reader::new(doc, file, site, known, folder, options);
    let Loads { constant, recorded_cpu, opendc, recorded_counts, web_log, mail, flash_crowd, passes, nightly } = &file.load;
    let mut found: Vec<(usize, Load)> = Vec::new();
    macro_rules! each {
        ($kind:literal, $list:ident, $read:expr) => {
            for (i, load) in $list.iter().enumerate() {
                let at = At::root().key("load").key($kind).index(i);
                let common = load.common();
                check_name(doc, &at.key("name"), common.name)?;
                let guests = it.guests(&at, &common)?;
                let kind = ($read)(&mut it, &at, load, guests.as_slice())?;
                let offset = doc.offset(&at.key("name"));
                if let Some((first, _)) = found.iter().find(|(_, l)| l.name == common.name) {
                    return Err(doc
                        .error(&at.key("name"), format!("the load `{}` is there twice", common.name))
                        .help(format!("it is also named at line {}; a load's name is that of its random streams", doc.line_at(*first))));
                }
                let Common { name, split, growth_per_year, .. } = common;
                found.push((offset, Load { name: name.to_owned(), guests, split, kind, growth_per_year }));
            }
        };
    }
    each!("constant", constant, |_: &mut Reader<'_, '_>, _: &At, l: &file::load::Constant, _: &[GuestId]| Ok::<_, Error>(
        LoadKind::Constant { cpu: l.cpu_mhz, net_bytes_per_s: l.net_bytes_per_s.get(), disk_bytes_per_s: l.disk_bytes_per_s.get() }
    ));
    each!("recorded-cpu", recorded_cpu, Reader::recorded_cpu);
    each!("opendc", opendc, Reader::opendc);
    each!("recorded-counts", recorded_counts, Reader::recorded_counts);
    each!("web-log", web_log, Reader::web_log);
    each!("mail", mail, Reader::mail);
    each!("flash-crowd", flash_crowd, Reader::flash_crowd);
    each!("passes", passes, Reader::passes);
    each!("nightly", nightly, Reader::nightly);
    found.sort_by_key(|(offset, _)| *offset);
    Ok(Read { loads: found.into_iter().map(|(_, load)| load).collect(), full_speed: it.full_speed })
}

/// A single recorded table, opened to be read in blocks, and what it falls on.
pub(crate) struct OneTable {
    pub(crate) stream: Stream,
    pub(crate) guests: Vec<GuestId>,
    pub(crate) full_speed: Vec<Option<Mhz>>,
}

/// The one recorded table of a site that has no other load, at the horizon's own step.
pub(crate) fn one_table(
    doc: &Document<'_>,
    file: &file::Site,
    site: &Site,
    known: &Known,
    folder: &mut Folder,
    options: &Options,
) -> Result<OneTable, Error> {
    let Loads { constant, recorded_cpu, opendc, recorded_counts, web_log, mail, flash_crowd, passes, nightly } = &file.load;
    let others = constant.len()
        + opendc.len()
        + recorded_counts.len()
        + web_log.len()
        + mail.len()
        + flash_crowd.len()
        + passes.len()
        + nightly.len();
    let [only] = recorded_cpu.as_slice() else {
        return Err(doc.error(&At::root().key("load"), "a stream needs exactly one `load.recorded-cpu`"));
    };
    let at = At::root().key("load").key("recorded-cpu").index(0);
    if others > 0 || only.growth_per_year.get() != 0.0 {
        return Err(doc
            .error(&at, "a stream cannot be joined with other loads or with growth")
            .help("leave them out, or raise the cap with `--memory-cap MIB` and load all of it"));
    }
    let mut it = Reader::new(doc, file, site, known, folder, options);
    let guests = it.guests(&at, &only.common())?;
    // A stream never holds the whole, so that no cap is asked of what the file expands to.
    let limits = Limits { expanded_bytes: u64::MAX, ..Limits::default() };
    let (stream, _, ratio) = it.open_table(&at, only, &guests, limits)?;
    if ratio != Ratio::Gather(1) {
        return Err(doc.error(&at.key("step_s"), "a stream is replayed at its own step").help("make `horizon.step_s` the same"));
    }
    Ok(OneTable { stream, guests, full_speed: it.full_speed })
}

struct Reader<'a, 't> {
    doc: &'a Document<'t>,
    site: &'a Site,
    known: &'a Known,
    folder: &'a mut Folder,
    options: &'a Options,
    grid: Grid,
    step_s: u64,
    /// What the recorded columns read so far hold.
    held_bytes: u64,
    full_speed: Vec<Option<Mhz>>,
}

/// Rows that are read at a time.
const BLOCK_ROWS: usize = 256;

impl<'a, 't> Reader<'a, 't> {
    /// Nothing read yet.
    fn new(
        doc: &'a Document<'t>,
        file: &file::Site,
        site: &'a Site,
        known: &'a Known,
        folder: &'a mut Folder,
        options: &'a Options,
    ) -> Self {
        let step_s = u64::from(file.horizon.step_s.get());
        let full_speed = vec![None; site.guests.len()];
        Self { doc, site, known, folder, options, grid: Grid::of(file), step_s, held_bytes: 0, full_speed }
    }

    /// The guests of a load: by name or prefix, each once.
    fn guests(&self, at: &At, common: &Common<'_>) -> Result<Vec<GuestId>, Error> {
        let whose = ("the load falls on nobody", "load");
        meant(self.doc, &at.key("guests"), common.guests, whose, &self.site.guests, self.known)
    }

    fn limits(&self) -> Limits {
        Limits { expanded_bytes: self.options.memory_cap_bytes, ..Limits::default() }
    }

    /// Takes so much of the memory that recorded columns may hold.
    fn hold(&mut self, at: &At, columns: u64, bytes_each: u64) -> Result<(), Error> {
        let bytes = columns.saturating_mul(bytes_each);
        self.held_bytes = self.held_bytes.saturating_add(bytes);
        let cap = self.options.memory_cap_bytes;
        if self.held_bytes > cap {
            return Err(self
                .doc
                .error(
                    at,
                    format!("the recorded columns need {} bytes, {bytes} of them for this load, and the cap is {cap}", self.held_bytes),
                )
                .help("raise the cap with `--memory-cap MIB`, replay it as a stream with `simulate --stream`, take a coarser `horizon.step_s`, or name fewer guests"));
        }
        Ok(())
    }

    fn ratio(&self, at: &At, recording_s: u64) -> Result<Ratio, Error> {
        Ratio::of(recording_s, self.step_s).ok_or_else(|| {
            self.doc
                .error(
                    &at.key("step_s"),
                    format!("a recording in steps of {recording_s} s does not meet a horizon in steps of {} s", self.step_s),
                )
                .help("the step of the horizon is a multiple or a divisor of the recording's")
        })
    }

    fn too_short(&self, at: &At, what: String, ratio: Ratio) -> Error {
        let Grid { steps, .. } = self.grid;
        let can = match ratio {
            Ratio::Gather(k) => format!("{} steps of the horizon take {} rows ({k} a step)", steps, ratio.rows_for(steps as u64)),
            Ratio::Hold(k) => format!("{} steps of the horizon take {} rows (a row for {k} steps)", steps, ratio.rows_for(steps as u64)),
        };
        self.doc.error(at, what).help(format!("{can}; record longer, or make `horizon.steps` less: what was not recorded is not zero"))
    }

    /// An error of a recording, which also says who named the recording.
    fn of<T>(&self, at: &At, result: Result<T, Error>) -> Result<T, Error> {
        result.map_err(|e| {
            let line = self.doc.line_at(self.doc.offset(at));
            e.note(&format!("read for {}, line {line} of the site file", self.doc.named(at)))
        })
    }

    /// What a guest is provisioned with; two recordings that say so must agree.
    fn provisioned(&mut self, at: &At, guest: GuestId, full: Mhz) -> Result<(), Error> {
        match self.full_speed[guest.index()].replace(full) {
            Some(before) if before != full => Err(self
                .doc
                .error(at, format!("`{}` has {full} here and {before} in another load", self.site.guests[guest.index()].name))
                .help("recordings of one guest agree on its full speed")),
            _ => Ok(()),
        }
    }

    /// Columns by guest need a guest each.
    fn only_each(&self, at: &At, split: Split) -> Result<(), Error> {
        if split == Split::Each {
            return Ok(());
        }
        Err(self
            .doc
            .error(&at.key("split"), "a recording with a column a guest is not split")
            .help("leave `split` out: each guest has its column"))
    }

    /// The table of a recorded load, opened, with its digest and how its step meets the horizon's.
    fn open_table(
        &mut self,
        at: &At,
        l: &file::load::RecordedCpu,
        guests: &[GuestId],
        limits: Limits,
    ) -> Result<(Stream, String, Ratio), Error> {
        let doc = self.doc;
        self.only_each(at, l.split)?;
        let ratio = self.ratio(at, u64::from(l.step_s.get()))?;
        let time = match (&l.time_column, l.time_step) {
            (Some(column), Some(by)) => Some(Rising { column: column.clone(), by: by.get() }),
            (None, None) => None,
            (Some(_), None) => {
                return Err(doc
                    .error(&at.key("time_column"), "the key `time_step` is missing")
                    .help("say what its numbers rise by: `time_step = ...`"));
            }
            (None, Some(_)) => {
                return Err(doc
                    .error(&at.key("time_step"), "the key `time_column` is missing")
                    .help("say which column rises: `time_column = ...`"));
            }
        };
        let unit = match (l.unit, &l.vcpu_mhz) {
            (CpuUnit::Mhz, None) => Unit::Mhz,
            (CpuUnit::Mhz, Some(_)) => {
                return Err(doc
                    .error(&at.key("vcpu_mhz"), "MHz need no clock")
                    .help("`vcpu_mhz` goes with `unit = \"percent-of-vcpu\"` only"));
            }
            (CpuUnit::PercentOfVcpu, None) => {
                return Err(doc
                    .error(&at.key("unit"), "the key `vcpu_mhz` is missing")
                    .help("a percent of what? write `vcpu_mhz = ...`, the clock of a virtual CPU"));
            }
            (CpuUnit::PercentOfVcpu, Some(clock)) => {
                let mut full_khz = Vec::with_capacity(guests.len());
                for (k, g) in guests.iter().enumerate() {
                    let full = mhz(*clock.block(k, guests.len())).times(f64::from(self.site.guests[g.index()].vcpus));
                    self.provisioned(&at.key("vcpu_mhz"), *g, full)?;
                    full_khz.push(full.get() * 1000.0);
                }
                Unit::PercentOfKhz(full_khz)
            }
        };
        let columns = match l.columns {
            Columns::ByOrder => Choice::First(guests.len()),
            Columns::ByName => Choice::Named(guests.iter().map(|g| self.site.guests[g.index()].name.clone()).collect()),
        };
        let named = self.folder.named(doc, &at.key("file"), &l.file, &[".csv", ".csv.gz", ".parquet"])?;
        let stream = self.of(at, Stream::open(&named.path, &Layout { columns, unit, time }, limits))?;
        Ok((stream, named.digest, ratio))
    }

    fn recorded_cpu(&mut self, at: &At, l: &file::load::RecordedCpu, guests: &[GuestId]) -> Result<LoadKind, Error> {
        let steps = self.grid.steps;
        let key = at.key("file");
        self.hold(&key, guests.len() as u64, 4 * steps as u64)?;
        let limits = self.limits();
        let (mut stream, digest, ratio) = self.open_table(at, l, guests, limits)?;
        let mut means: Vec<Means> = guests.iter().map(|_| Means::new(ratio, steps)).collect();
        let needed = ratio.rows_for(steps as u64);
        let mut rows = 0;
        while rows < needed {
            let most = usize::try_from(needed - rows).unwrap_or(usize::MAX).min(BLOCK_ROWS);
            let Some(block) = self.of(at, stream.next_block(most))? else { break };
            rows += block.rows as u64;
            for (column, mean) in block.columns_khz.iter().zip(&mut means) {
                column.iter().for_each(|khz| mean.push(*khz));
            }
        }
        self.of(at, stream.finish())?;
        if rows < needed {
            return Err(self.too_short(&key, rows_message(&l.file, rows, needed), ratio));
        }
        Ok(LoadKind::RecordedCpu { columns_khz: means.into_iter().map(|m| m.column).collect(), digest })
    }

    fn opendc(&mut self, at: &At, l: &file::load::OpenDc, guests: &[GuestId]) -> Result<LoadKind, Error> {
        let (doc, steps) = (self.doc, self.grid.steps);
        self.only_each(at, l.split)?;
        self.hold(&at.key("fragments"), guests.len() as u64, 4 * steps as u64)?;
        let tasks_file = self.folder.named(doc, &at.key("tasks"), &l.tasks, &[".parquet"])?;
        let fragments_file = self.folder.named(doc, &at.key("fragments"), &l.fragments, &[".parquet"])?;
        let reading = self.of(at, opendc::fragment_bytes(&fragments_file.path))?;
        self.hold(&at.key("fragments"), 1, reading)?;
        let mut tasks = self.of(at, opendc::read_tasks(&tasks_file.path))?;
        self.of(at, opendc::read_fragments(&fragments_file.path, &mut tasks))?;
        self.held_bytes -= reading;
        let first = tasks.iter().map(|t| t.submission_ms).min().unwrap_or(0);
        let mut mine = Vec::with_capacity(guests.len());
        for g in guests {
            let name = &self.site.guests[g.index()].name;
            let task = name.strip_prefix("vm-").and_then(|id| tasks.iter().find(|t| t.id.to_string() == id));
            let Some(task) = task else {
                let ids: Vec<String> = tasks.iter().map(|t| format!("vm-{}", t.id)).collect();
                return Err(doc
                    .error(&at.key("guests"), format!("there is no task of the guest `{name}` in {}", l.tasks))
                    .help(names::help_for(name, "tasks", ids.iter().map(String::as_str))));
            };
            let full = Mhz::new(task.cpu_capacity_mhz).map_err(|bad| doc.error(&at.key("tasks"), bad.to_string()))?;
            self.provisioned(&at.key("guests"), *g, full)?;
            mine.push(task.clone());
        }
        let starts: Vec<u64> = mine.iter().map(|t| t.submission_ms - first).collect();
        let ends_ms = mine
            .iter()
            .zip(&starts)
            .map(|(t, start)| start.saturating_add(t.fragments.iter().map(|f| f.0).fold(0, u64::saturating_add)))
            .max()
            .unwrap_or(0);
        let last_step_ms = self.grid.step.0 / 1_000_000 * (steps as u64 - 1);
        if ends_ms <= last_step_ms {
            return Err(doc
                .error(
                    &at.key("fragments"),
                    format!("the recording ends after {} s, and the horizon is {} s long", ends_ms / 1000, self.step_s * steps as u64),
                )
                .help("make `horizon.steps` less: what was not recorded is not zero"));
        }
        let columns_khz = opendc::columns(&mine, &starts, self.grid.step, steps).map_err(|id| {
            doc.error(&at.key("fragments"), format!("the task {id} uses more CPU than a column holds"))
                .help(format!("at most {} MHz", u32::MAX / 1000))
        })?;
        let digest = models::digest::of_bytes(format!("{}{}", tasks_file.digest, fragments_file.digest).as_bytes());
        Ok(LoadKind::RecordedCpu { columns_khz, digest })
    }

    fn recorded_counts(&mut self, at: &At, l: &file::load::RecordedCounts, _: &[GuestId]) -> Result<LoadKind, Error> {
        let (doc, steps) = (self.doc, self.grid.steps);
        let ratio = self.ratio(at, u64::from(l.step_s.get()))?;
        let cost = self.cost(l.cpu_ms, l.at_mhz, l.net_bytes, l.disk_bytes);
        let needed = ratio.rows_for(steps as u64);
        let key = at.key("file");
        // As recorded, and as counted by step of the horizon.
        self.hold(&key, 1, 8 * (steps as u64).saturating_add(needed))?;
        let named = self.folder.named(doc, &key, &l.file, &[".txt", ".txt.gz", ".csv", ".csv.gz"])?;
        // A count above 2^53 is not the one that was written.
        const MOST: f64 = 9_007_199_254_740_992.0;
        let open = || match &l.column {
            None => Numbers::list(&named.path, self.limits(), MOST),
            Some(column) => {
                let mut table = Numbers::open(&named.path, self.limits())?;
                let wanted = table.find(&Choice::Named(vec![column.clone()]), None)?;
                table.choose(wanted.into_iter().map(|column| crate::table::Wanted { column, most: MOST }).collect(), None)?;
                Ok(table)
            }
        };
        let mut numbers = self.of(at, open())?;
        let (mut skipped, mut recorded) = (0, vec![Vec::new()]);
        while (recorded[0].len() as u64) < needed {
            let skipping = skipped < l.offset_steps;
            let left = if skipping { l.offset_steps - skipped } else { needed - recorded[0].len() as u64 };
            let most = usize::try_from(left).unwrap_or(usize::MAX).min(1 << 16);
            let got = self.of(at, numbers.fill(most, &mut recorded))?;
            if got == 0 {
                break;
            }
            if skipping {
                skipped += got as u64;
                recorded[0].clear();
            }
        }
        self.of(at, numbers.finish())?;
        let recorded = recorded.swap_remove(0);
        if (recorded.len() as u64) < needed {
            let offset = if l.offset_steps > 0 { format!(" after the first {}", l.offset_steps) } else { String::new() };
            return Err(self.too_short(&key, rows_message(&format!("{}{offset}", l.file), recorded.len() as u64, needed), ratio));
        }
        let counts = resample::counts(ratio, steps, &recorded).into_iter().map(|count| count * l.scale.get()).collect();
        Ok(LoadKind::RecordedCounts { counts, digest: named.digest, cost })
    }

    fn web_log(&mut self, at: &At, l: &file::load::WebLog, _: &[GuestId]) -> Result<LoadKind, Error> {
        let (doc, steps) = (self.doc, self.grid.steps);
        let key = at.key("file");
        let start = match &l.start {
            None => None,
            Some(text) => Some(weblog::instant(text.as_bytes()).ok_or_else(|| {
                doc.error(&at.key("start"), "this is not a time as a log writes it").help("such as \"17/May/2015:00:00:00 +0000\"")
            })?),
        };
        self.hold(&key, 1, 16 * steps as u64)?;
        let named = self.folder.named(doc, &key, &l.file, &[".log", ".log.gz", ".txt", ".txt.gz", ".gz"])?;
        let counts = self.of(at, weblog::count(&named.path, start, self.grid.step, steps, self.limits()))?;
        // A log says nothing of the time after it; the day of its last request is taken as whole.
        let covered_s = counts.last.midnight().unix_s + 86_400 - counts.start.unix_s;
        let needed_s = i64::try_from(self.step_s.saturating_mul(steps as u64)).unwrap_or(i64::MAX);
        if covered_s < needed_s {
            return Err(doc
                .error(
                    &key,
                    format!(
                        "the log ends on the day that ends {} s after the start, and the horizon is {needed_s} s long",
                        covered_s.max(0)
                    ),
                )
                .help("make `horizon.steps` less, or `start` earlier: what was not recorded is not zero"));
        }
        if counts.by_step.iter().all(|n| *n == 0) {
            return Err(doc.error(&key, "no request of the log is inside the horizon").help("make `start` a time that the log covers"));
        }
        let cost = UnitCost {
            cpu_ms: l.cpu_ms.get(),
            at: mhz(l.at_mhz),
            net_bytes: counts.bytes as f64 / counts.lines as f64,
            disk_bytes: l.disk_bytes.get(),
        };
        let scaled = counts.by_step.into_iter().map(|n| n as f64 * l.scale.get()).collect();
        Ok(LoadKind::RecordedCounts { counts: scaled, digest: named.digest, cost })
    }

    fn mail(&mut self, at: &At, l: &file::load::Mail, _: &[GuestId]) -> Result<LoadKind, Error> {
        for (key, weights, count) in [("hours", &l.hours, 24), ("days", &l.days, 7)] {
            if weights.len() != count {
                return Err(self.doc.error(&at.key(key), format!("here are {} weights, and {count} are needed", weights.len())).help(
                    if count == 24 {
                        "a weight for each hour of the day, from midnight"
                    } else {
                        "a weight for each day of the week, from the first of the horizon"
                    },
                ));
            }
            if weights.iter().all(|w| w.get() == 0.0) {
                return Err(self.doc.error(&at.key(key), "all weights are zero").help("at least one is above 0"));
            }
        }
        let weights = |list: &[Amount]| list.iter().map(|w| w.get()).collect();
        Ok(LoadKind::Mail {
            per_day: l.per_day.get(),
            hours: weights(&l.hours),
            days: weights(&l.days),
            cost: self.cost(l.cpu_ms, l.at_mhz, l.net_bytes, l.disk_bytes),
        })
    }

    fn flash_crowd(&mut self, _: &At, l: &file::load::FlashCrowd, _: &[GuestId]) -> Result<LoadKind, Error> {
        Ok(LoadKind::FlashCrowd {
            start: l.start_s.nanos(),
            ramp: l.ramp_s.nanos(),
            plateau: l.plateau_s.nanos(),
            decay: l.decay_s.nanos(),
            peak_per_s: l.peak_per_s.get(),
            cost: self.cost(l.cpu_ms, l.at_mhz, l.net_bytes, l.disk_bytes),
        })
    }

    fn passes(&mut self, at: &At, l: &file::load::Passes, _: &[GuestId]) -> Result<LoadKind, Error> {
        let doc = self.doc;
        for (key, seconds) in [("every_s", l.every_s), ("window_s", l.window_s)] {
            if seconds.nanos() == Nanos::ZERO {
                return Err(doc.error(&at.key(key), "this takes no time").help("seconds, above 0"));
            }
        }
        if l.window_s.get() > l.every_s.get() {
            return Err(doc.error(&at.key("window_s"), "a window is open when the next one opens").help("at most `every_s`"));
        }
        let link = self.known.links.find(doc, &at.key("link"), &l.link)?;
        Ok(LoadKind::Passes {
            first: l.first_s.nanos(),
            every: l.every_s.nanos(),
            window: l.window_s.nanos(),
            per_day: l.per_day.get(),
            link_bytes_per_s: self.site.links[link].rate.get(),
            cost: self.cost(l.cpu_ms, l.at_mhz, l.net_bytes, l.disk_bytes),
        })
    }

    fn nightly(&mut self, at: &At, l: &file::load::Nightly, _: &[GuestId]) -> Result<LoadKind, Error> {
        const DAY_S: f64 = 86_400.0;
        let over = |key: &'static str, seconds: Seconds, limit: bool| {
            if limit {
                Ok(())
            } else {
                Err(self
                    .doc
                    .error(&at.key(key), format!("{} s is longer than a day", seconds.get()))
                    .help("the job runs once a day, from a time after midnight"))
            }
        };
        over("at_s", l.at_s, l.at_s.get() < DAY_S)?;
        over("lasts_s", l.lasts_s, l.lasts_s.get() <= DAY_S)?;
        Ok(LoadKind::Nightly { at: l.at_s.nanos(), lasts: l.lasts_s.nanos(), cpu: l.cpu_mhz, disk_bytes_per_s: l.disk_bytes_per_s.get() })
    }

    fn cost(&self, cpu_ms: Amount, at: Positive, net_bytes: Amount, disk_bytes: Amount) -> UnitCost {
        UnitCost { cpu_ms: cpu_ms.get(), at: mhz(at), net_bytes: net_bytes.get(), disk_bytes: disk_bytes.get() }
    }
}

fn mhz(clock: Positive) -> Mhz {
    Mhz::new(clock.get()).expect("a number above 0 is a clock")
}

fn rows_message(file: &str, there: u64, needed: u64) -> String {
    match there {
        0 => format!("{file} has no rows, and the horizon needs {needed}"),
        _ => format!("{file} has {there} rows, and the horizon needs {needed}"),
    }
}
