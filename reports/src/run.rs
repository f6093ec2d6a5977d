//! What a run found: everything that a report needs, and the content of `measures.json`.

use models::Given;
use models::law::cost::Cost;
use models::plan::Figure;
use models::rule::Judgement;
use models::rule::down::Headroom;
use serde::{Deserialize, Serialize};
use sim::experiment::Findings;
use sim::measure::Measures;

/// A run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Run {
    /// The program and its version.
    pub tool: String,
    /// The site's short name.
    pub site: String,
    /// The site's line for people.
    pub title: String,
    /// SHA-256 of the site as understood.
    pub site_digest: String,
    /// SHA-256 of the scenario's files.
    pub scenario_digest: String,
    /// The seed of all that was drawn at random.
    pub seed: u64,
    /// Replications of the load; 1 where nothing in it is random.
    pub replications: u32,
    /// Years over which cost is counted.
    pub years: f64,
    /// The CVCF, where there is one.
    pub ups: Option<UpsLimits>,
    /// Branch circuits: feed, VA.
    pub branches: Vec<(String, f64)>,
    /// Fleets compared: today (or the baseline) first, the chosen plan last.
    pub fleets: Vec<Fleet>,
    /// The position of the chosen plan among the fleets; `None` where nothing fits or nothing was planned.
    pub chosen: Option<usize>,
    /// Why nothing fits, in a few sentences with figures; empty where a plan was found.
    pub conflicts: Vec<String>,
    /// No fleet can cost less, yen; with the resource that says so.
    pub lower_bound: Option<LowerBound>,
    /// What binds the chosen plan: the rules with the least left, tightest first.
    pub binds: Vec<String>,
    /// Every number as given, with its source.
    pub givens: Vec<Given>,
    /// What is not known.
    pub unknowns: Vec<String>,
    /// What was played at request level: one a fleet, by the fleet's name. Empty where nothing was.
    #[serde(default)]
    pub requests: Vec<Findings>,
    /// What single laws answer to the site's studies, in order of the file.
    #[serde(default)]
    pub studies: Vec<models::study::Answer>,
    /// The laws that its figures rest on, by the names of their files in `models::law`.
    #[serde(default)]
    pub laws: Vec<String>,
    /// What is lost, where the run asks what to do now that hosts are down.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lost: Option<Lost>,
    /// What is evacuated, where the run asks for that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub evacuated: Option<Evacuated>,
}

/// An evacuation, and what is said of it before anything else.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Evacuated {
    /// Hosts that carry nothing when the plan is done, and stay on.
    pub hosts: Vec<String>,
    /// Sentences: who goes where, what else is touched.
    pub says: Vec<String>,
}

/// A loss, and what is said of it before anything else.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Lost {
    /// Hosts that are down.
    pub hosts: Vec<String>,
    /// Sentences: who starts where, which rule cannot be kept, who stays down.
    pub says: Vec<String>,
    /// Whether every rule of the site was asked; if not, the site may not stand a further loss.
    pub every_rule: bool,
}

/// What a CVCF may carry.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UpsLimits {
    /// Its name.
    pub name: String,
    /// VA.
    pub rating_va: f64,
    /// W: rating x output power factor.
    pub limit_w: f64,
}

/// A lower bound of the cost.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LowerBound {
    /// Yen over the horizon.
    pub cost_yen: f64,
    /// Hosts that must be on.
    pub hosts: u32,
    /// The resource that needs them.
    pub because: String,
}

/// One fleet with its placement, replayed and judged.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fleet {
    /// Its name: `today`, an alternative's, or `plan`.
    pub name: String,
    /// A line for people.
    pub title: String,
    /// What it buys: class, how many.
    pub buys: Vec<(String, u32)>,
    /// Hosts that are on.
    pub hosts_on: u32,
    /// Where each guest runs: guest, host. A guest that does not run is missing.
    pub placement: Vec<(String, String)>,
    /// What its replay showed (the first replication, where there are several).
    pub measures: Measures,
    /// Its headline figures, over all replications.
    pub figures: Vec<Figure>,
    /// Its cost over the horizon.
    pub cost: Cost,
    /// Every rule's verdict.
    pub verdicts: Vec<Judgement>,
    /// What each loss leaves.
    pub headrooms: Vec<Headroom>,
}
