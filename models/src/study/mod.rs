//! Questions that a site asks of single laws, beside its plan: *what would four busy Windows guests cost the others?*
//!
//! A [`Study`] holds the givens of one question; its answer is a list of [`Figure`]s, each with its range, the law that it
//! comes from and how many numbers were fitted for it. Studies that need no more than the site are answered here; those
//! that need a replay, a plan or the engine are answered by who has these. Published figures are held against the
//! figures by their names.

pub mod availability;
pub mod bag_of_tasks;
pub mod bring_up;
pub mod cache;
pub mod cached_packages;
pub mod case_delay;
pub mod construction;
pub mod cost_course;
pub mod cvcf;
pub mod growth;
pub mod install;
pub mod interference;
pub mod lockup;
pub mod login_nodes;
pub mod memory_mix;
pub mod migration;
pub mod physical_or_virtual;
pub mod power_on;
pub mod power_tail;
pub mod redundancy;
pub mod renewal;
pub mod restart;
pub mod transfer;

use serde::{Deserialize, Serialize};

use crate::estimate::Estimate;

/// A question.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Study {
    /// Its name.
    pub name: String,
    /// A line for people.
    pub title: String,
    /// What is asked, with its givens.
    pub kind: Kind,
}

/// What can be asked.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// How sure a total of memory is where only a mean is known.
    MemoryMix(memory_mix::MemoryMix),
    /// What the CVCF carries and for how long.
    Cvcf(cvcf::Cvcf),
    /// How much apparent power is drawn for a small share of the time.
    PowerTail(power_tail::PowerTail),
    /// Two fleets over several renewals.
    CostCourse(cost_course::CostCourse),
    /// How long a fleet lasts while its load grows.
    Growth(growth::Growth),
    /// When a service outgrows a guest, and when it can come back.
    PhysicalOrVirtual(physical_or_virtual::PhysicalOrVirtual),
    /// A guest for each light user, a physical node for who needs more.
    LoginNodes(login_nodes::LoginNodes),
    /// How long the guests of a lost host are away.
    Restart(restart::Restart),
    /// How many minutes a year a service is away.
    Availability(availability::Availability),
    /// Whether contention for CPU reaches a kernel's watchdog.
    Lockup(lockup::Lockup),
    /// What busy guests cost the others on their host.
    Interference(Box<interference::Interference>),
    /// How long images take to reach so many nodes.
    Transfer(transfer::Transfer),
    /// How long packages take to install on so many nodes.
    Install(install::Install),
    /// How long a whole virtual cluster takes to build.
    Construction(construction::Construction),
    /// Whether to use a cached image.
    Cache(cache::Cache),
    /// Which packages belong in the cached image.
    CachedPackages(cached_packages::CachedPackages),
    /// How long live migrations over one link take, and whether they end.
    Migration(migration::Migration),
    /// What it takes to have so many nodes ready within so long.
    BringUp(bring_up::BringUp),
    /// All hosts from dark.
    PowerOn(power_on::PowerOn),
    /// Old and new hosts side by side.
    Renewal(renewal::Renewal),
    /// What delay does to the time of a bag of independent tasks.
    BagOfTasks(bag_of_tasks::BagOfTasks),
    /// How many times longer delays are in a case.
    CaseDelay(case_delay::CaseDelay),
    /// What a lost host takes with it.
    Redundancy(redundancy::Redundancy),
}

/// What came out.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Answer {
    /// The study's name.
    pub study: String,
    /// The study's line for people.
    pub title: String,
    /// The laws that it rests on, by the names of their files in `models::law`.
    pub laws: Vec<String>,
    /// Figures.
    pub figures: Vec<Figure>,
    /// What follows, a sentence each, with figures: warnings, the bottleneck, where it stops being true.
    pub says: Vec<String>,
    /// What cannot be said, and why: the figure's name, the reason.
    pub cannot_say: Vec<(String, String)>,
}

/// A figure of an answer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Figure {
    /// Its name, by which a published figure refers to it: short, the same for any givens.
    pub name: String,
    /// The figure, with the range that its givens, or rival models, leave (or its 95 % interval, where `count` is given).
    #[serde(deserialize_with = "crate::estimate::signed")]
    pub value: Estimate,
    /// Its unit; empty for a number or a share.
    pub unit: String,
    /// Numbers that were fitted to measurements of the same kind to get it.
    pub fitted: u32,
    /// How it was got: `closed form`, `fitted on set 1, asked of set 2`, `envelope of three models`.
    pub how: String,
    /// Replications, where the range is a 95 % confidence interval over them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub count: Option<u32>,
}

impl Answer {
    /// An answer without figures.
    #[must_use]
    pub fn to(study: &Study, laws: &[&str]) -> Self {
        Self {
            study: study.name.clone(),
            title: study.title.clone(),
            laws: laws.iter().map(|l| (*l).to_owned()).collect(),
            ..Self::default()
        }
    }

    /// Adds a figure for which nothing was fitted.
    pub fn tell(&mut self, name: impl Into<String>, value: Estimate, unit: &str, how: &str) {
        self.figures.push(Figure { name: name.into(), value, unit: unit.into(), fitted: 0, how: how.into(), count: None });
    }

    /// Adds a figure for which numbers were fitted.
    pub fn tell_fitted(&mut self, name: impl Into<String>, value: Estimate, unit: &str, fitted: u32, how: &str) {
        self.figures.push(Figure { name: name.into(), value, unit: unit.into(), fitted, how: how.into(), count: None });
    }

    /// Adds a sentence.
    pub fn say(&mut self, sentence: impl Into<String>) {
        self.says.push(sentence.into());
    }

    /// The figure of this name.
    #[must_use]
    pub fn figure(&self, name: &str) -> Option<&Figure> {
        self.figures.iter().find(|f| f.name == name)
    }
}
