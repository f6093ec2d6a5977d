//! What guests and services ask for over time.
//!
//! A [`Load`] describes it: recorded columns, recorded request counts, or a shape to generate from. A [`Demand`] is the
//! same in columns on one grid of time: a column a guest, a number a step. `sim` turns the first into the second.

use serde::Serialize;

use crate::quantity::{Mhz, Nanos};
use crate::site::GuestId;

/// What all guests ask for: a column a guest, on one grid.
///
/// Numbers are whole, so that no order of summation shows in any figure.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Demand {
    /// The length of a step.
    pub step: Nanos,
    /// How many steps.
    pub steps: usize,
    /// By guest.
    pub guests: Vec<Columns>,
}

/// What one guest asks for, a number a step. A column that is empty asks for nothing.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Columns {
    /// CPU, in kHz (mean over the step).
    pub cpu_khz: Vec<u32>,
    /// Network, in units of 1000 bytes a second.
    pub net_kbs: Vec<u32>,
    /// Disk, in units of 1000 bytes a second.
    pub disk_kbs: Vec<u32>,
}

impl Demand {
    /// The instant at which a step starts.
    #[must_use]
    pub const fn at(&self, step: usize) -> Nanos {
        Nanos(self.step.0 * step as u64)
    }

    /// The length of the horizon.
    #[must_use]
    pub const fn horizon(&self) -> Nanos {
        self.at(self.steps)
    }

    /// Bytes that the columns hold.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.guests.iter().map(|g| 4 * (g.cpu_khz.len() + g.net_kbs.len() + g.disk_kbs.len())).sum()
    }
}

/// What some guests ask for, before it is columns.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Load {
    /// Its name: also the name of its random streams.
    pub name: String,
    /// The guests it falls on, in order.
    pub guests: Vec<GuestId>,
    /// How it falls on them.
    pub split: Split,
    /// What it is.
    pub kind: LoadKind,
    /// It grows by this share a year, compounded.
    pub growth_per_year: f64,
}

/// How a load falls on its guests.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Split {
    /// Each guest has such a load of its own.
    Each,
    /// One load, dealt evenly over all.
    Even,
    /// One load, all of it on the first guest: the others stand by.
    First,
}

/// What a unit of work (a request, a message) costs.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct UnitCost {
    /// CPU time of one unit on a core of `at`, in milliseconds.
    pub cpu_ms: f64,
    /// The core on which that was measured.
    pub at: Mhz,
    /// Bytes over the network.
    pub net_bytes: f64,
    /// Bytes to or from disk.
    pub disk_bytes: f64,
}

/// A kind of load.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub enum LoadKind {
    /// The same at every step.
    Constant {
        /// CPU.
        cpu: Mhz,
        /// Network, bytes a second.
        net_bytes_per_s: f64,
        /// Disk, bytes a second.
        disk_bytes_per_s: f64,
    },
    /// Recorded CPU, a column a guest of the load in kHz, as long as the horizon.
    RecordedCpu {
        /// By guest of the load.
        #[serde(skip)]
        columns_khz: Vec<Vec<u32>>,
        /// The digest of the recording, in place of its numbers.
        digest: String,
    },
    /// Recorded counts of units, a number a step.
    RecordedCounts {
        /// Units arriving in each step.
        #[serde(skip)]
        counts: Vec<f64>,
        /// The digest of the recording, in place of its numbers.
        digest: String,
        /// What one costs.
        cost: UnitCost,
    },
    /// Messages of a mail function: Poisson about a rate with the shape of day and week.
    Mail {
        /// Messages a day, on a day of weight 1.
        per_day: f64,
        /// Weights of the 24 hours; scaled to mean 1.
        hours: Vec<f64>,
        /// Weights of the seven days from the start of the horizon.
        days: Vec<f64>,
        /// What one message costs.
        cost: UnitCost,
    },
    /// A burst of requests: linear ramp, plateau, exponential decay; Poisson about the rate.
    FlashCrowd {
        /// When it starts.
        start: Nanos,
        /// How long the rise takes.
        ramp: Nanos,
        /// How long it stays.
        plateau: Nanos,
        /// Time constant of the decay.
        decay: Nanos,
        /// Requests a second on the plateau.
        peak_per_s: f64,
        /// What one costs.
        cost: UnitCost,
    },
    /// Batches over a link at set times: what has gathered since the last pass is handed over at the link's rate,
    /// while the window is open.
    Passes {
        /// The start of the first window.
        first: Nanos,
        /// From window to window.
        every: Nanos,
        /// How long a window is open.
        window: Nanos,
        /// Messages that gather a day; Poisson.
        per_day: f64,
        /// The link's rate, bytes a second.
        link_bytes_per_s: f64,
        /// What one message costs; its `net_bytes` cross the link.
        cost: UnitCost,
    },
    /// A batch job at the same time each day.
    Nightly {
        /// From midnight.
        at: Nanos,
        /// How long it runs.
        lasts: Nanos,
        /// CPU while it runs.
        cpu: Mhz,
        /// Disk while it runs, bytes a second.
        disk_bytes_per_s: f64,
    },
}

impl LoadKind {
    /// Whether it is drawn at random, so that figures from it need an interval.
    #[must_use]
    pub const fn is_random(&self) -> bool {
        matches!(self, Self::Mail { .. } | Self::FlashCrowd { .. } | Self::Passes { .. })
    }
}
