//! A site file and its trace, written from what was seen on the hosts and from what hosts cannot say.
//!
//! - `base`: the operator's file of all that libvirt does not tell: power, prices, rules, domains, services
//! - `class`: a class of the base, with what its hosts were seen to be made of
//! - `guest`: a guest as seen, with what the base says of it
//! - `load`: the trace of CPU, and what guests sent and read
//!
//! What was measured stands, whatever the base says of it; what cannot be measured and is in no base is refused by name, never made up.

mod base;
mod class;
mod guest;
mod load;

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use models::observation::{HostState, Observation, utc};

use crate::document::Text;
use crate::error::Error;
use crate::{file, names, understand};
use base::Base;

/// A site file and its trace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Written {
    /// The text of site.toml.
    pub site_toml: String,
    /// The text of [`TRACE`]; nothing where no guest was measured.
    pub trace_csv: Option<String>,
    /// What whoever plans from it should know.
    pub notes: Vec<String>,
}

/// Where the site file looks for the trace.
pub const TRACE: &str = "traces/cpu.csv";

/// Why no site file can be written.
#[derive(Debug, thiserror::Error)]
pub enum CannotWrite {
    /// The base cannot be used, or what was seen does not go together with it.
    #[error(transparent)]
    File(#[from] Error),
    /// Things that a site file needs are neither measured nor in the base.
    #[error("what was seen does not make a site file. {}:\n{}", says_base(base.as_deref()), listed(missing))]
    Missing {
        /// The base, where there is one.
        base: Option<PathBuf>,
        /// Each: what is missing, and why it cannot be measured.
        missing: Vec<String>,
    },
}

fn says_base(base: Option<&Path>) -> String {
    match base {
        Some(file) => format!("Write what is missing in {}", file.display()),
        None => "Name a file with what is missing in the inventory, as `base`".into(),
    }
}

fn listed(all: &[String]) -> String {
    all.iter().map(|m| format!("- {m}")).collect::<Vec<_>>().join("\n")
}

/// What is written, and what is found wrong on the way.
#[derive(Default)]
struct Findings {
    notes: Vec<String>,
    missing: Vec<String>,
}

/// Writes what was seen as a site file. `base` is the file that the inventory names and its text.
///
/// The same observation and base give the same bytes.
///
/// # Errors
/// Whatever is needed, and neither measured nor in the base; a base that contradicts itself, or says what only hosts can say.
pub fn write(seen: &Observation, base: Option<(&Path, &str)>) -> Result<Written, CannotWrite> {
    let mut found = Findings::default();
    let file = base.map(|(file, _)| file);
    let text = base.map(|(file, text)| Text::of(file, text.as_bytes().to_vec())).transpose()?;
    let mut base = Base::read(text.as_ref())?;
    check_names(seen, &mut found);
    asked_for(seen, &base, &mut found);
    class::measured(seen, &mut base, &mut found);
    let guests = guest::all(seen, &base, &mut found);
    let load = load::all(seen, &base, &guests, &mut found);
    for host in seen.fenced() {
        found.notes.push(format!("host {host} is fenced and stays off: plan with `--lost {host}`, or the plan may boot it"));
    }
    if !found.missing.is_empty() {
        return Err(CannotWrite::Missing { base: file.map(Path::to_owned), missing: found.missing });
    }
    found.notes.sort();
    found.notes.dedup();

    let mut site = String::from("# What was seen on the hosts (`shuyaku observe`), and the inventory's base for what hosts cannot say.\n");
    let title = base.title.clone().unwrap_or_else(|| format!("{} as it was seen at {}", seen.site, utc(seen.begun_unix_ns)));
    let anomalies = seen.anomalies.iter().map(|a| &a.what);
    let unknowns: Vec<&String> = base.unknowns.iter().chain(anomalies).chain(&found.notes).chain([&load.reach]).collect();
    let _ = writeln!(site, "name = {}\ntitle = {}\nunknowns = [", quoted(&seen.site), quoted(&title));
    for line in unknowns {
        let _ = writeln!(site, "    {},", quoted(line));
    }
    let _ = writeln!(site, "]\n\n{}", base.rest().trim());
    let _ = write!(
        site,
        "\n[horizon]\nstep_s = {}\nsteps = {}\nsource = {}\n",
        seen.every_s,
        load.steps,
        quoted(&format!("measured:intervals of the recording that began at {}", utc(seen.begun_unix_ns)))
    );
    for host in &seen.hosts {
        site.push_str(&table_of_host(seen, host));
    }
    guests.iter().for_each(|g| site.push_str(&g.table));
    site.push_str(&load.tables);
    understood(&site, file)?;
    Ok(Written { site_toml: site, trace_csv: load.csv, notes: found.notes })
}

/// A text as a TOML string.
fn quoted(text: &str) -> String {
    toml_edit::Value::from(text).to_string()
}

/// Names as a TOML list.
fn list(names: &[String]) -> String {
    format!("[{}]", names.iter().map(|n| quoted(n)).collect::<Vec<_>>().join(", "))
}

fn table_of_host(seen: &Observation, host: &models::observation::Host) -> String {
    let at = utc(seen.begun_unix_ns);
    let source = match &host.state {
        HostState::On => format!("measured:libvirt on {} at {at}", host.name),
        HostState::Off => format!("measured:its power was off at {at}"),
        HostState::Fenced => format!("assumed:the operator says at {at} that it is off and stays off"),
        HostState::Silent { .. } => format!("assumed:it did not answer at {at}, and nobody says that it is off"),
    };
    let on = !matches!(host.state, HostState::Off | HostState::Fenced);
    let (name, class) = (quoted(&host.name), quoted(&host.class));
    let mut table = format!("\n[[host]]\nname = {name}\nclass = {class}\n");
    for (key, of) in [("domains", &host.domains), ("pools", &host.pools)] {
        if !of.is_empty() {
            let _ = writeln!(table, "{key} = {}", list(of));
        }
    }
    let _ = writeln!(table, "on = {on}\nsource = {}", quoted(&source));
    table
}

/// Names that a site file cannot hold.
fn check_names(seen: &Observation, found: &mut Findings) {
    let hosts = seen.hosts.iter().map(|h| ("host", &h.name));
    let guests = seen.guests.iter().map(|g| ("guest", &g.name));
    for (what, name) in hosts.chain(guests).filter(|(_, name)| !names::is_name(name)) {
        found.missing.push(format!("another name for {what} `{}`: {}", name.escape_debug(), names::NAME_FORM));
    }
}

/// Tables that a site must have, and that no host can fill.
fn asked_for(seen: &Observation, base: &Base, found: &mut Findings) {
    for (table, why) in [
        ("prices", "what electricity costs and how long the hosts are kept is on no host"),
        ("rules", "what a plan must keep is for the operator to say"),
    ] {
        if !base.has(table) {
            found.missing.push(format!("[{table}]: {why}"));
        }
    }
    let named = |list: fn(&models::observation::Host) -> &Vec<String>| -> Vec<&String> {
        let mut all: Vec<&String> = seen.hosts.iter().flat_map(list).collect();
        all.sort_unstable();
        all.dedup();
        all
    };
    for name in named(|h| &h.domains).into_iter().filter(|n| !base.names("domain", n)) {
        found.missing.push(format!("[[domain]] {name}: the inventory names it, and no host knows what fails together"));
    }
    for name in named(|h| &h.pools).into_iter().filter(|n| !base.names("pool", n)) {
        found.missing.push(format!("[[pool]] {name}: the inventory names it, and the base does not"));
    }
}

/// Whether what is written is a site file, its traces aside.
fn understood(site: &str, base: Option<&Path>) -> Result<(), Error> {
    let text = Text::of(Path::new("site.toml"), site.as_bytes().to_vec())?;
    let read = || {
        let doc = text.document()?;
        let file: file::Site = doc.get()?;
        understand::site(&doc, &file).map(drop)
    };
    let whence = base.map_or_else(String::new, |b| format!(" and from {}", b.display()));
    read().map_err(|e| e.note(&format!("this is the site file as it would be written from what was seen{whence}")))
}
