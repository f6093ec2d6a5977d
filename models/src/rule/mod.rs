//! The rules that a plan must keep: one a file. Each answers *holds with this margin* or *broken: needed, available,
//! where, when*.
//!
//! [`judge`] recounts everything from the site, the demand and the placement; it shares no code with the planner, which
//! may keep quick sums of its own. [`walk`] judges every state on the way to the placement, step by step. Only their word
//! makes a plan valid.
//!
//! What is left out: request delay (the engine's matter), correlated failures of several domains at once, and the time
//! that a recovery takes.

pub mod apart;
pub mod beside;
pub mod capacity;
pub mod down;
pub mod evacuated;
pub mod licence;
pub mod migrate;
pub mod near;
pub mod place;
pub mod retired;
pub mod spread;
pub mod ups;
pub mod walk;

use serde::{Deserialize, Serialize};

use crate::demand::Demand;
use crate::law::percentile;
use crate::site::{GuestId, HostId, Placement, Site};

/// The rules by name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RuleName {
    /// Every guest runs, on a host that is on.
    EveryGuestRuns,
    /// Physical-only workloads are alone, and a host without a hypervisor carries one workload, on the metal.
    PhysicalOnly,
    /// Pinned guests are where they are pinned, and pooled guests inside their pool.
    Pinned,
    /// Memory of every host, always.
    Memory,
    /// CPU of every host, at a percentile.
    Cpu,
    /// Redundant guests stand apart.
    Apart,
    /// Fully virtual guests are spread.
    FullVirtualSpread,
    /// Any one host down.
    OneHostDown,
    /// Any one failure domain down.
    OneDomainDown,
    /// The CVCF: kVA and kW.
    Ups,
    /// Branch circuits.
    Branches,
    /// Licences.
    Licences,
    /// Hosts that retire are off at the end.
    Retired,
    /// Guests that belong together stand within one network domain.
    OneNetwork,
    /// Hosts that are evacuated carry nothing at the end, and are on.
    Evacuated,
}

impl RuleName {
    /// The name as operators say it.
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Self::EveryGuestRuns => "every guest runs",
            Self::PhysicalOnly => "physical only",
            Self::Pinned => "pinned and pooled",
            Self::Memory => "memory",
            Self::Cpu => "CPU",
            Self::Apart => "redundant guests apart",
            Self::FullVirtualSpread => "full-virtual guests spread",
            Self::OneHostDown => "one host down",
            Self::OneDomainDown => "one domain down",
            Self::Ups => "CVCF",
            Self::Branches => "branch circuits",
            Self::Licences => "licences",
            Self::Retired => "retired",
            Self::OneNetwork => "one network",
            Self::Evacuated => "evacuated",
        }
    }
}

/// One rule's word.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Judgement {
    /// Which rule.
    pub rule: RuleName,
    /// What was asked, with its numbers.
    pub asked: String,
    /// The answer.
    pub verdict: Verdict,
}

/// Holds, broken, or not decided.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "verdict", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Verdict {
    /// It holds; the margin is the tightest one, where the rule has one.
    Holds {
        /// The tightest margin.
        margin: Option<Margin>,
    },
    /// It is broken.
    Broken {
        /// Where and by how much; the worst first, at most [`MOST_BREACHES`].
        breaches: Vec<Breach>,
        /// How many there are in all.
        count: usize,
    },
    /// The search for a re-placement stopped at its limit: neither shown to hold nor to be broken.
    Undecided {
        /// What was tried.
        why: String,
    },
}

/// A list of breaches is cut here.
pub const MOST_BREACHES: usize = 8;

/// What is left.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Margin {
    /// What is needed.
    pub needed: f64,
    /// What is available.
    pub available: f64,
    /// Unit of both.
    pub unit: String,
    /// Where.
    pub place: String,
    /// When, on the clock of the horizon.
    pub when: Option<String>,
}

impl Margin {
    /// The share of what is available that stays free.
    #[must_use]
    pub fn share_free(&self) -> f64 {
        if self.available > 0.0 { 1.0 - self.needed / self.available } else { 0.0 }
    }
}

/// What is missing.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Breach {
    /// What is needed.
    pub needed: f64,
    /// What is available.
    pub available: f64,
    /// Unit of both.
    pub unit: String,
    /// Where.
    pub place: String,
    /// When, on the clock of the horizon.
    pub when: Option<String>,
    /// In words.
    pub why: String,
}

impl Breach {
    /// What is missing, as a share of what is available.
    #[must_use]
    pub fn shortfall(&self) -> f64 {
        (self.needed - self.available) / self.available.abs().max(1e-9)
    }
}

impl std::fmt::Display for Breach {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {} (needed {:.1}, available {:.1} {}", self.place, self.why, self.needed, self.available, self.unit)?;
        if let Some(when) = &self.when {
            write!(f, ", {when}")?;
        }
        f.write_str(")")
    }
}

impl Verdict {
    /// Whether it holds.
    #[must_use]
    pub const fn holds(&self) -> bool {
        matches!(self, Self::Holds { .. })
    }

    /// Broken is worse than undecided, undecided worse than holds, and less left worse than more.
    #[must_use]
    pub fn is_worse_than(&self, other: &Self) -> bool {
        let rank = |v: &Self| match v {
            Self::Holds { .. } => 0,
            Self::Undecided { .. } => 1,
            Self::Broken { .. } => 2,
        };
        match (self, other) {
            (Self::Holds { margin: Some(a) }, Self::Holds { margin: Some(b) }) => a.share_free() < b.share_free(),
            (Self::Holds { margin: Some(_) }, Self::Holds { margin: None }) => true,
            (Self::Broken { breaches: a, .. }, Self::Broken { breaches: b, .. }) => {
                let worst = |all: &[Breach]| all.iter().map(Breach::shortfall).fold(0.0, f64::max);
                worst(a) > worst(b)
            }
            _ => rank(self) > rank(other),
        }
    }

    /// The verdict from what was found: the tightest margin, or the breaches, worst (by shortfall in its own unit) first.
    #[must_use]
    pub fn from(margins: Vec<Margin>, mut breaches: Vec<Breach>) -> Self {
        if breaches.is_empty() {
            let tightest = margins.into_iter().min_by(|a, b| a.share_free().total_cmp(&b.share_free()));
            return Self::Holds { margin: tightest };
        }
        let count = breaches.len();
        breaches.sort_by(|a, b| b.shortfall().total_cmp(&a.shortfall()));
        breaches.truncate(MOST_BREACHES);
        Self::Broken { breaches, count }
    }
}

/// Weighs what is needed against what is available, place by place.
#[derive(Default)]
pub(crate) struct Scales {
    margins: Vec<Margin>,
    breaches: Vec<Breach>,
}

impl Scales {
    /// Notes a margin where it holds, and a breach with its reason where it does not.
    pub(crate) fn weigh(&mut self, m: Margin, why: impl FnOnce() -> String) {
        if m.needed > m.available {
            let Margin { needed, available, unit, place, when } = m;
            self.breaches.push(Breach { needed, available, unit, place, when, why: why() });
        } else {
            self.margins.push(m);
        }
    }

    pub(crate) fn verdict(self) -> Verdict {
        Verdict::from(self.margins, self.breaches)
    }
}

/// CPU of the hosts of a placement, recounted.
pub(crate) struct HostLoads {
    /// By host.
    hosts: Vec<HostLoad>,
}

/// CPU of one host.
#[derive(Default)]
pub(crate) struct HostLoad {
    /// kHz a step; empty where nothing with a CPU column runs.
    pub khz: Vec<u64>,
    /// At the percentile of the site's CPU rule.
    pub at_percentile: u64,
    /// The greatest step, and which.
    pub most: u64,
    /// The first step at which it stands.
    pub peak_step: usize,
}

impl HostLoad {
    fn of(site: &Site, khz: Vec<u64>) -> Self {
        let (mut most, mut peak_step) = (0, 0);
        for (t, x) in khz.iter().enumerate() {
            if *x > most {
                (most, peak_step) = (*x, t);
            }
        }
        Self { at_percentile: load_at(&khz, site.rules.cpu.percentile), khz, most, peak_step }
    }
}

impl HostLoads {
    pub(crate) fn recount(site: &Site, demand: &Demand, placement: &Placement) -> Self {
        let by_host = placement.guests_by_host();
        Self { hosts: by_host.iter().map(|guests| HostLoad::of(site, host_khz(demand, guests))).collect() }
    }

    /// Recounts one host.
    pub(crate) fn update(&mut self, site: &Site, demand: &Demand, host: HostId, guests: &[GuestId]) {
        self.hosts[host.index()] = HostLoad::of(site, host_khz(demand, guests));
    }
}

impl std::ops::Index<usize> for HostLoads {
    type Output = HostLoad;
    fn index(&self, host: usize) -> &HostLoad {
        &self.hosts[host]
    }
}

/// The sum of the CPU columns of some guests.
fn host_khz(demand: &Demand, guests: &[GuestId]) -> Vec<u64> {
    let mut sum = Vec::new();
    for g in guests {
        add(&mut sum, &demand.guests[g.index()].cpu_khz);
    }
    sum
}

pub(crate) fn add(sum: &mut Vec<u64>, column: &[u32]) {
    if column.is_empty() {
        return;
    }
    if sum.is_empty() {
        sum.resize(column.len(), 0);
    }
    for (s, x) in sum.iter_mut().zip(column) {
        *s += u64::from(*x);
    }
}

/// The percentile of a load column; nothing where the column is empty.
pub(crate) fn load_at(khz: &[u64], p: f64) -> u64 {
    if khz.is_empty() { 0 } else { percentile::of(&mut khz.to_vec(), p) }
}

pub(crate) fn clock(demand: &Demand, step: usize) -> Option<String> {
    Some(demand.at(step).to_string())
}

/// The share of a host's capacity, in kHz, that a rule lets guests use.
pub(crate) fn cpu_limit_khz(site: &Site, host: HostId, limit: f64) -> f64 {
    site.class_of(host).capacity().get() * 1000.0 * limit
}

/// Judges a placement by every rule of the site, in the order of [`RuleName`].
#[must_use]
pub fn judge(site: &Site, demand: &Demand, placement: &Placement) -> Vec<Judgement> {
    let loads = HostLoads::recount(site, demand, placement);
    let mut all = vec![
        place::every_guest_runs(site, placement),
        place::physical_only(site, placement),
        place::pinned(site, placement),
        capacity::memory(site, placement, &[]),
        capacity::cpu(site, demand, placement, &loads),
    ];
    all.extend(apart::judge(site, placement));
    all.extend(spread::judge(site, placement));
    all.extend(down::judge(site, demand, placement, &loads, None));
    all.extend(ups::judge(site, demand, placement, &loads));
    all.push(licence::judge(site, placement));
    all.extend(retired::judge(site, placement));
    all.extend(near::judge(site, placement));
    all.extend(evacuated::judge(site, placement));
    all
}

/// Each rule's worst word among judgements of one placement under several demands (replications of a random load).
///
/// # Panics
/// Where there is none.
#[must_use]
pub fn worst(words: impl IntoIterator<Item = Vec<Judgement>>) -> Vec<Judgement> {
    let mut words = words.into_iter();
    let mut worst = words.next().expect("at least one judgement");
    for other in words {
        for (w, o) in worst.iter_mut().zip(other) {
            if o.verdict.is_worse_than(&w.verdict) {
                *w = o;
            }
        }
    }
    worst
}

/// Whether every rule holds.
#[must_use]
pub fn all_hold(judgements: &[Judgement]) -> bool {
    judgements.iter().all(|j| j.verdict.holds())
}
