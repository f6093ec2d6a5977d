//! targets.toml: published figures, and how ours are measured against them.

use std::path::Path;

use models::site::PowerView;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::document::{At, Document, Text};
use crate::error::Error;
use crate::file::number::{Amount, Finite};
use crate::folder;
use crate::{file, names};

/// A published figure.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Target {
    /// Its ledger id, or the program that it comes from.
    pub id: String,
    /// What it says, for people.
    pub what: String,
    /// The figure.
    pub published: f64,
    /// Its unit.
    pub unit: String,
    /// What passes.
    pub accept: Accept,
    /// How ours is measured.
    pub measure: Measure,
    /// Of what it is measured.
    pub of: Arguments,
    /// Where it stands.
    pub cite: String,
    /// What is assumed, or cannot be compared.
    pub note: Option<String>,
    /// Ours was fitted to this very figure: it is shown, and counts for nothing.
    pub fitted_to_it: bool,
}

/// What passes as agreement.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub enum Accept {
    /// A relative difference of at most this: 0.1 is a tenth either way.
    Within(f64),
    /// A figure between these, both included.
    Between {
        /// The least.
        low: f64,
        /// The most.
        high: f64,
    },
}

impl Accept {
    /// Whether a figure passes.
    ///
    /// ```
    /// use scenarios::targets::Accept;
    /// assert!(Accept::Within(0.1).passes(16.0, 17.6));
    /// assert!(!Accept::Within(0.0).passes(16.0, 17.0));
    /// assert!(Accept::Between { low: 1.0, high: 2.0 }.passes(7.0, 2.0));
    /// ```
    #[must_use]
    pub fn passes(self, published: f64, ours: f64) -> bool {
        match self {
            // A few units in the last place are not a difference.
            Self::Within(share) => (ours - published).abs() <= published.abs() * (share + 1e-12),
            Self::Between { low, high } => (low..=high).contains(&ours),
        }
    }
}

/// The measures that a published figure can be held against.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Measure {
    /// The least memory that each of so many hosts needs (`hosts`).
    LeastMemoryAHost,
    /// The most guests a host when one of so many hosts is down (`hosts`).
    GuestsAHostOneDown,
    /// How many hosts the plan uses.
    ChosenHosts,
    /// The memory of each host that the plan chose.
    ChosenMemoryAHost,
    /// The plan's total cost over that of another fleet (`than`).
    CostAgainst,
    /// How many hosts fewer than another fleet (`than`).
    HostsSaved,
    /// Electricity saved against another fleet, yen (`than`).
    ElectricitySavedYen,
    /// 1 where a fleet fits the CVCF in a view, else 0 (`fleet`, `view`).
    FitsUps,
    /// The difference of total cost to another fleet, as a share of the latter (`than`).
    CostDifferenceShare,
    /// 1 where a fleet carries on with any one host down, else 0 (`fleet`).
    SurvivesOneDown,
    /// Energy of a fleet over the horizon, kWh (`fleet`).
    EnergyKwh,
    /// CloudSim's energy without power management, kWh.
    CloudsimNpaKwh,
    /// CloudSim's energy with frequency scaling, kWh.
    CloudsimDvfsKwh,
    /// OpenDC's energy, J.
    OpendcEnergyJ,
    /// Energy of hosts at idle, kWh.
    IdleEnergyKwh,
    /// A figure of a study (`study`, `figure`).
    Study,
}

/// Of what a measure is taken. Which of these a measure needs stands with [`Measure`].
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
pub struct Arguments {
    /// A number of hosts.
    pub hosts: Option<u32>,
    /// The fleet that is compared with: an alternative, or `today`.
    pub than: Option<String>,
    /// The fleet that is measured: an alternative, `plan` or `today`.
    pub fleet: Option<String>,
    /// The view of power.
    pub view: Option<PowerView>,
    /// A class of hosts.
    pub class: Option<String>,
    /// Only hosts and guests of this pool.
    pub pool: Option<String>,
    /// A study of the site.
    pub study: Option<String>,
    /// The name of one of its figures.
    pub figure: Option<String>,
}

/// What the authors wished for and did not have, and what does it here.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Want {
    /// Its ledger id.
    pub id: String,
    /// What was wished for.
    pub what: String,
    /// The command that does it now.
    pub command: String,
    /// What it does not do.
    pub note: Option<String>,
}

/// targets.toml as it stands.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "targets.toml")]
pub(crate) struct File {
    /// Published figures.
    #[serde(default)]
    target: Vec<Raw>,
    /// What the authors wished for, and the command that does it.
    #[serde(default)]
    want: Vec<Want>,
}

/// A published figure, and how ours is measured against it.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Target")]
struct Raw {
    /// Its ledger id, or the program that it comes from.
    id: String,
    /// What it says, for people.
    what: String,
    /// The figure.
    published: Finite,
    /// Its unit.
    unit: String,
    /// The relative difference that passes: 0.1 is a tenth either way. This, or both bounds.
    accept: Option<Amount>,
    /// The least that passes.
    accept_low: Option<Finite>,
    /// The most that passes.
    accept_high: Option<Finite>,
    /// How ours is measured.
    measure: Measure,
    /// Argument: a number of hosts.
    hosts: Option<file::number::Count>,
    /// Argument: the fleet that is compared with, the name of an alternative or `today`.
    than: Option<String>,
    /// Argument: the fleet that is measured, the name of an alternative, `plan` or `today`.
    fleet: Option<String>,
    /// Argument: the view of power.
    view: Option<PowerView>,
    /// Argument: a class of hosts.
    class: Option<String>,
    /// Argument: only hosts and guests of this pool.
    pool: Option<String>,
    /// Argument: a study of the site.
    study: Option<String>,
    /// Argument: one of its figures.
    figure: Option<String>,
    /// Where the published figure stands.
    cite: String,
    /// What is assumed, or cannot be compared.
    note: Option<String>,
    /// Ours was fitted to this very figure: it is shown, and counts for nothing. Default: it was not.
    #[serde(default)]
    fitted_to_it: bool,
}

impl Measure {
    /// The arguments that it cannot do without.
    const fn needs(self) -> &'static [&'static str] {
        match self {
            Self::LeastMemoryAHost | Self::GuestsAHostOneDown => &["hosts"],
            Self::CostAgainst | Self::HostsSaved | Self::ElectricitySavedYen | Self::CostDifferenceShare => &["than"],
            Self::FitsUps => &["fleet", "view"],
            Self::EnergyKwh | Self::SurvivesOneDown => &["fleet"],
            Self::Study => &["study", "figure"],
            Self::ChosenHosts
            | Self::ChosenMemoryAHost
            | Self::CloudsimNpaKwh
            | Self::CloudsimDvfsKwh
            | Self::OpendcEnergyJ
            | Self::IdleEnergyKwh => &[],
        }
    }
}

/// Reads the targets.toml beside a site.toml.
///
/// # Errors
/// A file that is missing or wrong, and a name that the site does not have.
pub fn targets(path: &Path) -> Result<Vec<Target>, Error> {
    Ok(published(path)?.targets)
}

/// What a targets.toml holds.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
pub struct Published {
    /// Figures.
    pub targets: Vec<Target>,
    /// Wishes.
    pub wants: Vec<Want>,
}

/// Reads the targets.toml beside a site.toml: figures and wishes.
///
/// # Errors
/// As [`targets`].
pub fn published(path: &Path) -> Result<Published, Error> {
    let (folder, site_file) = folder::site_file(path)?;
    let site_text = Text::read(&site_file)?;
    let site: file::Site = site_text.document()?.get()?;
    let text = Text::read(&folder.join("targets.toml"))?;
    let doc = text.document()?;
    let File { target, want } = doc.get()?;
    let targets =
        target.into_iter().enumerate().map(|(i, raw)| one(&doc, &At::element("target", i), raw, &site)).collect::<Result<_, _>>()?;
    Ok(Published { targets, wants: want })
}

fn one(doc: &Document<'_>, at: &At, raw: Raw, site: &file::Site) -> Result<Target, Error> {
    let accept = match (raw.accept, raw.accept_low, raw.accept_high) {
        (Some(share), None, None) => Accept::Within(share.get()),
        (None, Some(low), Some(high)) if low.get() <= high.get() => Accept::Between { low: low.get(), high: high.get() },
        (None, Some(_), Some(_)) => {
            return Err(doc.error(&at.key("accept_low"), "the least is more than the most").help("`accept_low` <= `accept_high`"));
        }
        (Some(_), _, _) => {
            return Err(doc
                .error(&at.key("accept"), "a share and bounds are given")
                .help("either `accept`, or `accept_low` and `accept_high`"));
        }
        (None, _, _) => {
            return Err(doc
                .error(&at.key("id"), "what passes is missing")
                .key(format!("{}.accept", doc.named(at)))
                .help("either `accept`, or `accept_low` and `accept_high`"));
        }
    };
    let of = Arguments {
        hosts: raw.hosts.map(|n| n.get()),
        than: raw.than,
        fleet: raw.fleet,
        view: raw.view,
        class: raw.class,
        pool: raw.pool,
        study: raw.study,
        figure: raw.figure,
    };
    for need in raw.measure.needs() {
        let is_there = match *need {
            "hosts" => of.hosts.is_some(),
            "than" => of.than.is_some(),
            "fleet" => of.fleet.is_some(),
            "study" => of.study.is_some(),
            "figure" => of.figure.is_some(),
            _ => of.view.is_some(),
        };
        if !is_there {
            return Err(doc
                .error(&at.key("measure"), format!("the key `{need}` is missing"))
                .help(format!("this measure needs {}", raw.measure.needs().join(" and "))));
        }
    }
    let runs_today = site.guest.iter().any(|g| g.runs_on.is_some());
    let alternatives = || site.alternative.iter().map(|a| a.name.as_str());
    let mut fleets: Vec<&str> = alternatives().collect();
    fleets.extend(runs_today.then_some("today"));
    let refer = |key: &'static str, name: &Option<String>, what: &str, names: &[&str]| match name {
        Some(name) if !names.contains(&name.as_str()) => {
            Err(doc.error(&at.key(key), format!("the site has no `{name}`")).help(names::help_for(name, what, names.iter().copied())))
        }
        _ => Ok(()),
    };
    refer("than", &of.than, "fleets to compare with", &fleets)?;
    fleets.push("plan");
    refer("fleet", &of.fleet, "fleets", &fleets)?;
    refer("class", &of.class, "classes", &site.class.iter().map(|c| c.name.as_str()).collect::<Vec<_>>())?;
    refer("study", &of.study, "studies", &site.study.names())?;
    refer("pool", &of.pool, "pools", &site.pool.iter().map(|p| p.name.as_str()).collect::<Vec<_>>())?;
    Ok(Target {
        id: raw.id,
        what: raw.what,
        published: raw.published.get(),
        unit: raw.unit,
        accept,
        measure: raw.measure,
        of,
        cite: raw.cite,
        note: raw.note,
        fitted_to_it: raw.fitted_to_it,
    })
}
