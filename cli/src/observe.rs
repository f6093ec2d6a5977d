//! `observe`: what is on the hosts becomes a site file and a trace that `plan` takes.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use executor::clock::Clock;
use executor::definitions::Definitions;
use executor::host::Host;
use executor::inventory::Inventory;
use executor::observe::{self, How};
use models::observation::{Anomaly, HostState, Observation};
use scenarios::observed;

use crate::diagnose::Failure;
use crate::{pipeline, write};

/// What is asked.
#[derive(Debug, Clone, Copy)]
pub struct Asked<'a> {
    /// From look to look, s: at least 1.
    pub every_s: u32,
    /// Intervals between looks: at least 1.
    pub samples: u32,
    /// Whether running guests are asked how fast they dirty memory.
    pub dirty_rate: bool,
    /// Hosts that are off and stay off, the operator says.
    pub fenced: &'a [String],
    /// Hosts that are off and may be booted, the operator says.
    pub off: &'a [String],
    /// An earlier observation: its folder, or its observation.json.
    pub before: Option<&'a Path>,
    /// The folder to write to.
    pub out: Option<&'a Path>,
}

/// What was seen, and what was written of it.
#[derive(Debug)]
pub struct Observed {
    /// What was seen.
    pub observation: Observation,
    /// What whoever plans from it should know.
    pub notes: Vec<String>,
    /// The folder.
    pub folder: PathBuf,
    /// The files in it.
    pub files: Vec<PathBuf>,
}

/// The file in the folder that holds what was seen.
pub const OBSERVATION: &str = "observation.json";

/// Whether the hosts that the operator names are of the inventory, each under one option.
///
/// # Errors
/// A name that the inventory does not have, with the nearest that it has; one under both options.
pub fn admit(inventory: &Inventory, fenced: &[String], off: &[String]) -> Result<(), Failure> {
    for (option, names) in [("--fenced", fenced), ("--off", off)] {
        if let Some(name) = names.iter().find(|n| !inventory.hosts.contains_key(*n)) {
            let help = scenarios::help_for(name, "hosts", inventory.hosts.keys().map(String::as_str));
            return Err(Failure::Usage(format!("{option}: the inventory has no host `{name}`; {help}")));
        }
    }
    if let Some(both) = fenced.iter().find(|n| off.contains(n)) {
        return Err(Failure::Usage(format!("host {both} is fenced and stays off (--fenced), or may be booted (--off), and not both")));
    }
    Ok(())
}

/// Observes a site and writes what was seen.
///
/// # Errors
/// Hosts that the inventory does not have; a base or an earlier observation that cannot be read. Where what was seen does not make a site
/// file, what was seen is written all the same.
pub fn run(
    hosts: &BTreeMap<String, Box<dyn Host>>,
    inventory: &Inventory,
    clock: &dyn Clock,
    asked: &Asked<'_>,
) -> Result<Observed, Failure> {
    // What can be wrong without a host is found before the recording.
    admit(inventory, asked.fenced, asked.off)?;
    let base = inventory.base.as_deref().map(|file| Ok::<_, Failure>((file, pipeline::read(file)?))).transpose()?;
    let before = asked.before.map(earlier).transpose()?;

    let folder = asked.out.map_or_else(|| Path::new("out").join(format!("{}-observed", inventory.site)), Path::to_owned);
    write::can_write(&folder)?;

    let how = How {
        every_s: asked.every_s,
        samples: asked.samples,
        dirty_rate: asked.dirty_rate,
        fenced: asked.fenced.to_vec(),
        off: asked.off.to_vec(),
    };
    let mut observation = observe::observe(hosts, inventory, clock, &how);
    if let Some(before) = &before {
        observation.remember(before);
    }
    forgotten(&mut observation, inventory);
    let seen = (OBSERVATION, observation.to_text());
    set_aside(&folder)?;
    let written = match observed::write(&observation, base.as_ref().map(|(file, text)| (*file, text.as_str()))) {
        Ok(written) => written,
        Err(why) => {
            // The recording took its time: it is kept.
            write::observed(&folder, None, vec![seen])?;
            return Err(match why {
                observed::CannotWrite::File(e) => e.into(),
                missing @ observed::CannotWrite::Missing { .. } => Failure::Usage(missing.to_string()),
            });
        }
    };
    // What no plan should be made from is no site file: what was seen is there to be read.
    let files = if observation.forbids_plan().next().is_some() {
        write::observed(&folder, None, vec![seen])?
    } else {
        write::observed(&folder, written.trace_csv, vec![("site.toml", written.site_toml), seen])?
    };
    Ok(Observed { observation, notes: written.notes, folder, files })
}

/// Guests that were seen once, and that neither this observation nor an earlier one that was given knows: where a host is off or silent, they
/// may have been on it, and a plan would forget them.
fn forgotten(seen: &mut Observation, inventory: &Inventory) {
    let all_answer = seen.hosts.iter().all(|h| h.state == HostState::On);
    let kept = Definitions::of(&inventory.state);
    let mut say = |forbids_plan, what| seen.anomalies.push(Anomaly { forbids_plan, what });
    let guests = match kept.guests() {
        Ok(guests) => guests,
        Err(e) => return say(false, format!("kept definitions cannot be read: {e}")),
    };
    let known: Vec<String> = seen.guests.iter().filter_map(|g| g.uuid.clone()).collect();
    for uuid in guests.into_iter().filter(|u| !known.contains(&u.to_string())) {
        let (file, name) = (kept.file(uuid), kept.kept(uuid).ok().flatten().map_or_else(|| uuid.to_string(), |d| d.name));
        let mend =
            format!("give --before an observation in which it runs, or delete {} if there is no such guest any more", file.display());
        seen.anomalies.push(Anomaly {
            forbids_plan: !all_answer,
            what: format!("guest {name} was on a host once, and is on none that answers; {mend}"),
        });
    }
}

/// An observation that is in the folder already is kept under the time at which it was made: it may be the last of a host that is dead now.
fn set_aside(folder: &Path) -> Result<(), Failure> {
    let old = folder.join(OBSERVATION);
    let Ok(observation) = Observation::from_text(&match pipeline::read(&old) {
        Ok(text) => text,
        Err(_) => return Ok(()),
    }) else {
        return Ok(());
    };
    let aside = folder.join(format!("observation-{}.json", models::observation::utc(observation.begun_unix_ns)));
    std::fs::rename(&old, &aside).map_err(|source| Failure::Io { path: aside.clone(), doing: "write", source })?;
    // A site file of that observation must not be taken for one of this.
    let site = folder.join("site.toml");
    if site.exists() {
        let aside = folder.join(format!("site-{}.toml", models::observation::utc(observation.begun_unix_ns)));
        std::fs::rename(&site, &aside).map_err(|source| Failure::Io { path: aside.clone(), doing: "write", source })?;
    }
    Ok(())
}

/// An observation that was written before.
fn earlier(path: &Path) -> Result<Observation, Failure> {
    let file = if path.is_dir() { path.join(OBSERVATION) } else { path.to_owned() };
    Observation::from_text(&pipeline::read(&file)?).map_err(|e| Failure::Usage(format!("--before: {}: {e}", file.display())))
}

impl Observed {
    /// What was seen, in words, and what to do next.
    #[must_use]
    pub fn text(&self) -> String {
        reports::observation(&self.observation, &self.notes) + &write::listing(&self.files) + &self.next()
    }

    /// What to do next: a command, or why there is none.
    fn next(&self) -> String {
        let seen = &self.observation;
        if seen.forbids_plan().next().is_some() {
            return "NO PLAN SHOULD BE MADE FROM THIS: mend what is marked with `!` and observe again\n".into();
        }
        let fenced: Vec<&str> = seen.fenced().collect();
        let lost = if fenced.is_empty() { String::new() } else { format!(" --lost {}", fenced.join(",")) };
        let idle = seen.guests.iter().filter(|g| g.runs_on.is_none()).count();
        let starts = match idle {
            0 => String::new(),
            1 => "1 guest runs nowhere: a plan starts it. ".into(),
            n => format!("{n} guests run nowhere: a plan starts those that are in the site file. "),
        };
        format!("{starts}next: shuyaku plan {}{lost}\n", self.folder.display())
    }

    /// The same for programs.
    ///
    /// # Errors
    /// Never: it has a JSON form.
    pub fn json(&self) -> Result<String, serde_json::Error> {
        serde_json::to_string_pretty(&serde_json::json!({
            "observation": self.observation, "notes": self.notes, "wrote": self.files,
            "forbids_plan": self.observation.forbids_plan().collect::<Vec<_>>(), "fenced": self.observation.fenced().collect::<Vec<_>>(),
        }))
    }
}
