//! The keys of the request level of site.toml: what is played as jobs, by whom they are served, and what may fail.

use models::flow::{Balance, Full};
use models::{Estimate, Provenance};
use schemars::JsonSchema;
use serde::Deserialize;

use super::number::{Amount, Attempts, Cap, Count, InnerPercentile, Seconds, Share, SliceMs};
use super::shape::{Dist, DistTable, ShapeTable};
use super::{Sources, sourced};

sourced!(
    /// Loads are also played as jobs, one by one.
    struct Requests {
        /// Start of what is played, seconds from the start of the horizon.
        from_s: Seconds,
        /// How long it is played, seconds; up to the end of the step of the horizon in which it ends.
        lasts_s: Seconds,
        /// Start of the part that `plan` plays for each of its last candidates. Default `from_s`.
        judged_from_s: Option<Seconds>,
        /// How long that part is. Default: to the end of what is played.
        judged_s: Option<Seconds>,
        /// Delays and counts are shown over time in bins of so many seconds. Default 900.
        #[serde(default = "bin_s")]
        bin_s: Seconds,
        /// A run with more jobs present than this is stopped as unstable. Default 1000000.
        #[serde(default = "cap")]
        population_cap: Cap,
        /// CPU that the hypervisor spends for a guest, as a share of the guest's own, by the guest's mode.
        #[serde(default)]
        hypervisor_cpu: HypervisorCpu,
        /// What passing on guests' I/O costs a host besides. Absent: nothing.
        virtual_io: Option<VirtualIo>,
        /// The hypervisor's time slice, milliseconds.
        slice_ms: SliceMs,
        /// What follows a loss. Required where there is a `[[fault]]`.
        recovery: Option<Recovery>,
    }
);

fn bin_s() -> Seconds {
    Seconds::try_from(900.0).expect("900 s is a time")
}
fn cap() -> Cap {
    Cap::try_from(1_000_000).expect("it is in the range")
}

/// See `requests.hypervisor_cpu`. A mode may be missing where no guest of a tier has it.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct HypervisorCpu {
    /// For paravirtual guests: 0 to 1.
    pub paravirtual: Option<Share>,
    /// For fully virtual guests whose devices are emulated: 0 to 1.
    pub full: Option<Share>,
    /// For fully virtual guests with paravirtual drivers: 0 to 1.
    pub full_pv_drivers: Option<Share>,
}

sourced!(
    /// What passing on guests' I/O costs a host: the work of its driver domain, or of whatever emulates devices. One core at
    /// most does it for all guests of the host.
    struct VirtualIo {
        /// For paravirtual guests.
        paravirtual: Option<IoCost>,
        /// For fully virtual guests whose devices are emulated.
        full: Option<IoCost>,
        /// For fully virtual guests with paravirtual drivers.
        #[serde(rename = "full-pv-drivers")]
        full_pv_drivers: Option<IoCost>,
        /// The driver domain's weight in its host's CPU, that of a guest with so many virtual CPUs. Default 1.
        #[serde(default)]
        weight: Count,
    }
);

/// See `requests.virtual_io`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct IoCost {
    /// Seconds of a core of the host for a MB (10^6 bytes) that a guest reads from disk or writes. Default 0.
    pub disk_s_per_mb: Option<Estimate>,
    /// The same for a MB that it sends or receives. Default 0.
    pub network_s_per_mb: Option<Estimate>,
}

sourced!(
    /// What follows a loss.
    struct Recovery {
        /// Until a loss is noticed, seconds.
        detect_s: Seconds,
        /// Until the lost host is surely off, seconds.
        fence_s: Seconds,
        /// Starting a guest again by hand takes so many seconds for each, one after the other. Absent: it is automatic.
        by_hand_s: Option<Seconds>,
        /// The most guests that boot on a host at once.
        boots_at_once: Count,
        /// CPU time of a guest's boot, seconds on a core of its host.
        boot_cpu_s: Seconds,
        /// Bytes that a guest's boot reads from disk.
        boot_disk_bytes: Amount,
        /// Disks mounted over the network come back read-only after a longer pause of it, seconds. Absent: they stand any.
        read_only_after_s: Option<Seconds>,
        /// A guest without CPU for longer takes its host down, seconds. Absent: it does not.
        panics_after_s: Option<Seconds>,
    }
);

sourced!(
    /// Guests that serve the same stages behind a load balancer.
    struct Tier {
        /// Its name.
        name: String,
        /// Its members, in order: names, or prefixes that end in `*`. A guest may be in several tiers.
        guests: Vec<String>,
        /// Who gets the next job. Default round-robin.
        #[serde(default = "in_turn")]
        balance: Balance,
        /// The most jobs in service on a member. Absent: no limit.
        slots: Option<Count>,
        /// The most jobs that wait on a member for a slot. Absent: no limit.
        queue: Option<u32>,
        /// What happens to a job for which there is no room anywhere. Default refuse.
        #[serde(default = "refuse")]
        full: Full,
    }
);

const fn in_turn() -> Balance {
    Balance::RoundRobin
}
const fn refuse() -> Full {
    Full::Refuse
}

sourced!(
    /// A stream of jobs.
    struct Flow {
        /// Its name: also that of its random streams.
        name: String,
        /// A line for people.
        title: String,
        /// The load whose units arrive. Either this or `clients`.
        arrivals: Option<String>,
        /// Clients who think, ask, and wait for the answer. Either this or `arrivals`.
        clients: Option<Clients>,
        /// What is promised for the delay of its jobs.
        objective: Option<Objective>,
        /// When a job that was turned away is tried again. Absent: it is lost.
        retry: Option<Retry>,
        /// What its jobs go through; a job starts at the first.
        stage: Vec<Stage>,
    }
);

/// See `flow.clients`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Clients {
    /// How many.
    pub users: Count,
    /// How long each thinks, seconds: a number (the mean of an exponential), or a mean with its shape.
    pub think_s: Dist,
}

/// See `flow.objective`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Objective {
    /// The percentile of the delay, above 0 and below 100.
    pub percentile: InnerPercentile,
    /// The longest that it may be, seconds.
    pub within_s: Seconds,
}

/// See `flow.retry`: `{ every_s, times }` or `{ after_s }`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Retry {
    /// From attempt to attempt, seconds.
    pub every_s: Option<Seconds>,
    /// So many attempts, 1 to 1000. Required with `every_s`.
    pub times: Option<Attempts>,
    /// The delay before each attempt, seconds; at most 1000 of them.
    pub after_s: Option<Vec<Seconds>>,
}

/// One stage of a flow.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Stage {
    /// Its name. Default: that of its tier.
    pub name: Option<String>,
    /// The tier that serves it. Absent: it is pure delay.
    pub tier: Option<String>,
    /// The load whose unit cost a job has here.
    pub cost: Option<String>,
    /// How CPU time varies from job to job. Default exponential.
    pub cpu_shape: Option<ShapeTable>,
    /// How bytes vary from job to job. Default exponential.
    pub bytes_shape: Option<ShapeTable>,
    /// What waits for others and takes no CPU, seconds: a number, or a mean with its shape.
    pub delay_s: Option<Dist>,
    /// Where jobs go next; what is left of 1 has been served. Default: all to the next stage in order.
    pub then: Option<Vec<Next>>,
    /// How many jobs go on in place of one: a number, or a mean with its shape. Default 1.
    pub copies: Option<Dist>,
    /// Where these numbers come from. Default: the `source` of the flow.
    #[allow(dead_code, reason = "collected from the tree of the file")]
    pub source: Option<Provenance>,
    /// Sources of single keys.
    #[serde(default)]
    #[allow(dead_code, reason = "collected from the tree of the file")]
    pub sources: Sources,
}

/// See `flow.stage.then`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Next {
    /// The share of jobs, 0 to 1.
    pub share: Share,
    /// The stage that they go to, by its name.
    pub to: String,
}

sourced!(
    /// What may fail: exactly one of the keys `host` to `stall`, and when.
    struct Fault {
        /// Its name.
        name: String,
        /// A host, with all guests on it; also one that may be bought (`CLASS-1`).
        host: Option<String>,
        /// Each host, by itself: `true`.
        each_host: Option<bool>,
        /// A failure domain.
        domain: Option<String>,
        /// The CVCF's mains.
        mains: Option<Mains>,
        /// Shared storage.
        storage: Option<String>,
        /// The network of all hosts: `true`.
        network: Option<bool>,
        /// A guest.
        guest: Option<String>,
        /// A guest that gets no CPU.
        stall: Option<String>,
        /// Once, so many seconds from the start of the horizon.
        at_s: Option<Seconds>,
        /// Until it is repaired, seconds. Absent: not within the horizon.
        lasts_s: Option<Seconds>,
        /// Again and again: time to failure, seconds.
        up_s: Option<DistTable>,
        /// Time to repair, seconds. Required with `up_s`.
        down_s: Option<DistTable>,
    }
);

/// See `fault.mains`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Mains {
    /// How long the battery lasts, seconds.
    pub battery_s: Seconds,
}

/// What is played besides the ordinary course.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Case {
    /// Its name.
    pub name: String,
    /// A line for people.
    pub title: String,
    /// What fails: names of `[[fault]]`.
    #[serde(default)]
    pub faults: Vec<String>,
    /// More jobs than usual.
    #[serde(default)]
    pub burst: Vec<Burst>,
    /// Tiers that share their servers: each list becomes one pool of guests, with the slots, queue and balance of the first.
    #[serde(default)]
    pub shared: Vec<Vec<String>>,
    /// The case that it is held against, which stands earlier in the file. Absent: the ordinary course.
    pub against: Option<String>,
    /// Played over another stretch of time: its start, seconds from the start of the horizon. With `lasts_s`.
    pub from_s: Option<Seconds>,
    /// And its length, seconds. With `from_s`.
    pub lasts_s: Option<Seconds>,
    /// Only columns are played, without jobs. Default false.
    #[serde(default)]
    pub columns_only: bool,
    /// Lost guests are started again by themselves, although `by_hand_s` says that they are not today. Default false.
    #[serde(default)]
    pub automatic: bool,
    /// Where its numbers come from: required with `burst` or `from_s`.
    pub source: Option<Provenance>,
    /// Sources of single keys.
    #[serde(default)]
    #[allow(dead_code, reason = "collected from the tree of the file")]
    pub sources: Sources,
}

/// More jobs of a flow: linear rise, plateau, exponential decay; Poisson about the rate.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Burst {
    /// The flow.
    pub flow: String,
    /// When it starts, seconds from the start of the horizon.
    pub start_s: Seconds,
    /// How long the rise takes, seconds.
    pub ramp_s: Seconds,
    /// How long it stays, seconds.
    pub plateau_s: Seconds,
    /// Time constant of the decay, seconds.
    pub decay_s: Seconds,
    /// Jobs a second on the plateau, besides the usual.
    pub peak_per_s: Amount,
}
