//! The keys of the loads of site.toml: an array of tables a kind.

use models::demand::Split;
use models::quantity::Mhz;
use schemars::JsonSchema;
use serde::Deserialize;

use super::number::{Amount, Dealt, Growth, Positive, Seconds, StepSeconds};

/// What guests ask for.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub(crate) struct Loads {
    /// The same at every step.
    pub constant: Vec<Constant>,
    /// Recorded CPU: a table with a column a guest and a row a step.
    pub recorded_cpu: Vec<RecordedCpu>,
    /// OpenDC's pair of Parquet files.
    pub opendc: Vec<OpenDc>,
    /// Recorded counts of requests or messages.
    pub recorded_counts: Vec<RecordedCounts>,
    /// A Web server's combined log, counted by step.
    pub web_log: Vec<WebLog>,
    /// Messages of a mail function.
    pub mail: Vec<Mail>,
    /// A burst of requests: linear rise, plateau, exponential decay.
    pub flash_crowd: Vec<FlashCrowd>,
    /// Batches over a link at set times.
    pub passes: Vec<Passes>,
    /// A batch job at the same time each day.
    pub nightly: Vec<Nightly>,
}

/// A kind of load: the keys that all have, and its own.
macro_rules! load {
    ($(#[$doc:meta])* struct $name:ident { $($(#[$field_doc:meta])* $field:ident: $kind:ty,)* }) => {
        crate::file::sourced!(
            $(#[$doc])*
            struct $name {
                /// Its name: also that of its random streams.
                name: String,
                /// The guests that it falls on, in order: names, or prefixes that end in `*`.
                guests: Vec<String>,
                /// How it falls on them: on each, evenly over all, or on the first. Default each.
                #[serde(default = "each")]
                split: Split,
                /// It grows by this share a year, compounded. Default 0.
                #[serde(default = "no_growth")]
                growth_per_year: Growth,
                $($(#[$field_doc])* $field: $kind,)*
            }
        );
        impl $name {
            pub(crate) fn common(&self) -> Common<'_> {
                Common { name: &self.name, guests: &self.guests, split: self.split, growth_per_year: self.growth_per_year.get() }
            }
        }
    };
}

/// The keys that all kinds have.
pub(crate) struct Common<'f> {
    pub name: &'f str,
    pub guests: &'f [String],
    pub split: Split,
    pub growth_per_year: f64,
}

const fn each() -> Split {
    Split::Each
}
fn no_growth() -> Growth {
    Growth::try_from(0.0).expect("0 is no growth")
}
fn zero() -> Amount {
    Amount::try_from(0.0).expect("0 is an amount")
}
fn one() -> Amount {
    Amount::try_from(1.0).expect("1 is an amount")
}

load!(
    /// The same at every step.
    struct Constant {
        /// CPU, MHz.
        cpu_mhz: Mhz,
        /// Network, bytes a second. Default 0.
        #[serde(default = "zero")]
        net_bytes_per_s: Amount,
        /// Disk, bytes a second. Default 0.
        #[serde(default = "zero")]
        disk_bytes_per_s: Amount,
    }
);

load!(
    /// Recorded CPU: a table with a column a guest and a row a step.
    struct RecordedCpu {
        /// The table, relative to the folder: .csv, .csv.gz or .parquet.
        file: String,
        /// The unit of its numbers.
        unit: CpuUnit,
        /// Clock of a virtual CPU, MHz; a list is dealt in equal consecutive blocks of the guests. Required for percent-of-vcpu.
        vcpu_mhz: Option<Dealt<Positive>>,
        /// Step of the recording, whole seconds: a multiple or a divisor of the horizon's step.
        step_s: StepSeconds,
        /// A column whose numbers must rise by `time_step` each row.
        time_column: Option<String>,
        /// What the numbers of `time_column` rise by.
        time_step: Option<Positive>,
        /// How columns and guests are matched. Default by-order.
        #[serde(default)]
        columns: Columns,
    }
);

/// The unit of recorded CPU.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum CpuUnit {
    /// Percent of all virtual CPUs of the guest: vcpus x `vcpu_mhz`.
    PercentOfVcpu,
    /// MHz.
    Mhz,
}

/// How columns and guests are matched.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Columns {
    /// The k-th column, the time column left out, is the k-th guest.
    #[default]
    ByOrder,
    /// A column has the name of its guest.
    ByName,
}

load!(
    /// OpenDC's pair of Parquet files; guests are named `vm-ID` after the tasks.
    struct OpenDc {
        /// The tasks, relative to the folder.
        tasks: String,
        /// The fragments, relative to the folder.
        fragments: String,
    }
);

load!(
    /// Recorded counts of requests or messages: numbers, one a line, or a column of a table.
    struct RecordedCounts {
        /// The file, relative to the folder: .txt or .csv, or either as .gz.
        file: String,
        /// The column of a table. Absent: one number a line, no header.
        column: Option<String>,
        /// Step of the recording, whole seconds: a multiple or a divisor of the horizon's step.
        step_s: StepSeconds,
        /// So many steps of the recording are skipped. Default 0.
        #[serde(default)]
        offset_steps: u64,
        /// Each count is taken times this. Default 1.
        #[serde(default = "one")]
        scale: Amount,
        /// CPU time of one, milliseconds on a core of `at_mhz`.
        cpu_ms: Amount,
        /// The core on which that was measured, MHz.
        at_mhz: Positive,
        /// Bytes of one over the network. Default 0.
        #[serde(default = "zero")]
        net_bytes: Amount,
        /// Bytes of one to or from disk. Default 0.
        #[serde(default = "zero")]
        disk_bytes: Amount,
    }
);

load!(
    /// A Web server's combined log, counted by step; its bytes go over the network.
    struct WebLog {
        /// The log, relative to the folder: plain or .gz.
        file: String,
        /// Start of the horizon, as the log writes time: `17/May/2015:00:00:00 +0000`. Default: midnight of the first line.
        start: Option<String>,
        /// Each count is taken times this. Default 1.
        #[serde(default = "one")]
        scale: Amount,
        /// CPU time of a request, milliseconds on a core of `at_mhz`.
        cpu_ms: Amount,
        /// The core on which that was measured, MHz.
        at_mhz: Positive,
        /// Bytes of a request to or from disk. Default 0.
        #[serde(default = "zero")]
        disk_bytes: Amount,
    }
);

load!(
    /// Messages of a mail function: Poisson about a rate with the shape of day and week.
    struct Mail {
        /// Messages a day, on a day of weight 1.
        per_day: Amount,
        /// Weights of the 24 hours.
        hours: Vec<Amount>,
        /// Weights of the seven days from the start of the horizon.
        days: Vec<Amount>,
        /// CPU time of a message, milliseconds on a core of `at_mhz`.
        cpu_ms: Amount,
        /// The core on which that was measured, MHz.
        at_mhz: Positive,
        /// Bytes of a message over the network.
        net_bytes: Amount,
        /// Bytes of a message to or from disk.
        disk_bytes: Amount,
    }
);

load!(
    /// A burst of requests: linear rise, plateau, exponential decay; Poisson about the rate.
    struct FlashCrowd {
        /// When it starts, seconds from the start of the horizon.
        start_s: Seconds,
        /// How long the rise takes, seconds.
        ramp_s: Seconds,
        /// How long it stays, seconds.
        plateau_s: Seconds,
        /// Time constant of the decay, seconds.
        decay_s: Seconds,
        /// Requests a second on the plateau.
        peak_per_s: Amount,
        /// CPU time of a request, milliseconds on a core of `at_mhz`.
        cpu_ms: Amount,
        /// The core on which that was measured, MHz.
        at_mhz: Positive,
        /// Bytes of a request over the network.
        net_bytes: Amount,
        /// Bytes of a request to or from disk.
        disk_bytes: Amount,
    }
);

load!(
    /// Batches over a link at set times: what has gathered since the last pass is handed over at the link's rate.
    struct Passes {
        /// Start of the first window, seconds from the start of the horizon.
        first_s: Seconds,
        /// From window to window, seconds.
        every_s: Seconds,
        /// How long a window is open, seconds.
        window_s: Seconds,
        /// Messages that gather a day.
        per_day: Amount,
        /// The link: the name of a `[[link]]`.
        link: String,
        /// CPU time of a message, milliseconds on a core of `at_mhz`.
        cpu_ms: Amount,
        /// The core on which that was measured, MHz.
        at_mhz: Positive,
        /// Bytes of a message over the link.
        net_bytes: Amount,
        /// Bytes of a message to or from disk.
        disk_bytes: Amount,
    }
);

load!(
    /// A batch job at the same time each day.
    struct Nightly {
        /// From midnight, seconds.
        at_s: Seconds,
        /// How long it runs, seconds.
        lasts_s: Seconds,
        /// CPU while it runs, MHz.
        cpu_mhz: Mhz,
        /// Disk while it runs, bytes a second.
        disk_bytes_per_s: Amount,
    }
);
