//! Services as flows of jobs: what a site is asked at request level, and what may go wrong.
//!
//! A [`Flow`] is a stream of jobs (messages, requests) that goes through [`Stage`]s; a stage is served by a [`Tier`] of
//! guests behind a load balancer. Its arrivals and its costs are those of the site's loads ([`crate::demand::Load`]), so
//! that no number is given twice: a load that some flow takes up is played as jobs, all others as columns. A [`Fault`] says
//! what fails, and a [`Case`] which faults and bursts are played together.

use serde::{Deserialize, Serialize};

use crate::distribution::{Distribution, Shape};
use crate::quantity::Nanos;
use crate::site::{DomainId, GuestId, id};

id!(
    /// A tier of [`Requests::tiers`].
    TierId
);
id!(
    /// A flow of [`Requests::flows`].
    FlowId
);
id!(
    /// A fault of [`Requests::faults`].
    FaultId
);

/// What a site is asked at request level.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Requests {
    /// Start of what is played, from the start of the horizon.
    pub from: Nanos,
    /// How long it is played.
    pub lasts: Nanos,
    /// The part of it that `plan` plays for each of its last candidates: start, from the start of the horizon.
    pub judged_from: Nanos,
    /// And how long.
    pub judged_lasts: Nanos,
    /// Delays and counts are shown over time in bins of this length.
    pub bin: Nanos,
    /// A run with more jobs present than this is stopped as unstable.
    pub population_cap: u64,
    /// How guests are scheduled.
    pub hypervisor: HypervisorCosts,
    /// What follows a loss; where there is no fault, nobody asks.
    pub recovery: Recovery,
    /// Where stages are served.
    pub tiers: Vec<Tier>,
    /// What arrives.
    pub flows: Vec<Flow>,
    /// What may fail.
    pub faults: Vec<Fault>,
    /// What is played besides the ordinary course: each is held against it.
    pub cases: Vec<Case>,
}

/// What the hypervisor takes for its guests.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct HypervisorCosts {
    /// CPU that the hypervisor spends for a paravirtual guest, as a share of the guest's own.
    pub paravirtual: f64,
    /// The same for a fully virtual guest whose devices are emulated.
    pub full: f64,
    /// The same for a fully virtual guest with paravirtual drivers.
    pub full_pv_drivers: f64,
    /// The scheduler's time slice: an arrival that finds no core idle waits for half of one to end, on average.
    pub slice: Nanos,
    /// What passing on guests' I/O costs, besides.
    pub virtual_io: VirtualIo,
}

/// What it costs a host to pass on its guests' I/O: the work of the driver domain, or of whatever emulates their devices
/// ([`crate::law::driver_domain`]). It is one customer of the host's CPU, of one core at most, and all guests' I/O goes
/// through it.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize)]
pub struct VirtualIo {
    /// For paravirtual guests.
    pub paravirtual: IoRange,
    /// For fully virtual guests whose devices are emulated.
    pub full: IoRange,
    /// For fully virtual guests with paravirtual drivers.
    pub full_pv_drivers: IoRange,
    /// The driver domain's weight in its host's CPU: that of a guest with so many virtual CPUs. 0 is taken as 1.
    pub weight: u32,
}

impl VirtualIo {
    /// The same with this end of each range as its value, and no range.
    #[must_use]
    pub fn at(self, end: impl Fn(IoRange) -> IoCost) -> Self {
        let at = |r| IoRange::exactly(end(r));
        Self { paravirtual: at(self.paravirtual), full: at(self.full), full_pv_drivers: at(self.full_pv_drivers), weight: self.weight }
    }
}

/// A cost, and the least and most that it may be.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize)]
pub struct IoRange {
    /// What is played.
    pub value: IoCost,
    /// The least.
    pub low: IoCost,
    /// The most.
    pub high: IoCost,
}

impl IoRange {
    /// A cost without a range.
    #[must_use]
    pub const fn exactly(value: IoCost) -> Self {
        Self { value, low: value, high: value }
    }
}

/// CPU that a byte of a guest's I/O costs its host, besides the guest's own; nothing by default.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize)]
pub struct IoCost {
    /// Of disk, seconds of a core of the host: finite, not negative.
    pub disk_s_per_byte: f64,
    /// Of network, the same.
    pub network_s_per_byte: f64,
}

impl IoCost {
    /// Whether no byte costs anything.
    #[must_use]
    pub fn is_nothing(self) -> bool {
        self.disk_s_per_byte <= 0.0 && self.network_s_per_byte <= 0.0
    }
}

/// What follows the loss of a host.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Recovery {
    /// Until a loss is noticed: by the load balancers, and by who starts guests again.
    pub detect: Nanos,
    /// Until the lost host is surely off, so that its guests may start elsewhere.
    pub fence: Nanos,
    /// Starting a guest again by hand takes this long for each, one after the other; nothing: it is automatic.
    pub by_hand: Option<Nanos>,
    /// The most guests that boot on a host at once.
    pub boots_at_once: u32,
    /// CPU time of a guest's boot, on a core of its host.
    pub boot_cpu: Nanos,
    /// Bytes that a guest's boot reads from disk.
    pub boot_disk_bytes: f64,
    /// A guest with its disks on NFS finds them read-only after a pause of the network longer than this, until it is
    /// restarted (S3-8); nothing: it stands any pause. Workloads on the metal stand it.
    pub read_only_after: Option<Nanos>,
    /// A guest that gets no CPU for longer than this takes its host down (S3-7); nothing: the host's kernel is set not to.
    pub panics_after: Option<Nanos>,
}

impl Recovery {
    /// One that takes no time: for sites on which nothing fails.
    pub const INSTANT: Self = Self {
        detect: Nanos::ZERO,
        fence: Nanos::ZERO,
        by_hand: None,
        boots_at_once: 1,
        boot_cpu: Nanos::ZERO,
        boot_disk_bytes: 0.0,
        read_only_after: None,
        panics_after: None,
    };
}

/// Guests that serve the same stages behind a load balancer.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Tier {
    /// Its name.
    pub name: String,
    /// Its members, in order.
    pub guests: Vec<GuestId>,
    /// Who gets the next job.
    pub balance: Balance,
    /// The most jobs in service on a member (sessions, processes); nothing: no limit.
    pub slots: Option<u32>,
    /// The most jobs that wait on a member for a slot; nothing: no limit.
    pub queue: Option<u32>,
    /// What happens to a job for which there is no room anywhere.
    pub full: Full,
}

/// How a load balancer chooses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Balance {
    /// Each in turn.
    RoundRobin,
    /// The one with the fewest jobs; the first of those.
    FewestJobs,
    /// Any, with the same chance.
    Random,
    /// The first that is up and has room: the others stand by.
    ActiveStandby,
}

/// What happens to a job that finds its tier full.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Full {
    /// It is refused: lost.
    Refuse,
    /// It is tried again by its flow's retry schedule, and lost at the schedule's end.
    Retry,
    /// It keeps its slot where it was until there is room (back-pressure).
    Wait,
}

/// A stream of jobs.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Flow {
    /// Its name: also that of its random streams.
    pub name: String,
    /// A line for people.
    pub title: String,
    /// Where its jobs come from.
    pub arrivals: Source,
    /// What they go through; a job starts at the first.
    pub stages: Vec<Stage>,
    /// What is promised for their delay.
    pub objective: Option<Objective>,
    /// When a job that was turned away, or whose server died, is tried again: a delay for each attempt. After the last it is
    /// lost. Empty: it is lost at once.
    pub retry: Vec<Nanos>,
}

/// Where jobs come from.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub enum Source {
    /// The units of one of the site's loads, by its position.
    Load(usize),
    /// So many clients, each of whom thinks, asks, and waits for the answer.
    Clients {
        /// How many.
        users: u32,
        /// How long each thinks, seconds.
        think_s: Distribution,
    },
}

/// What a flow promises: this percentile of its delay is at most so long.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Objective {
    /// Above 0, below 100.
    pub percentile: f64,
    /// The longest delay.
    pub within: Nanos,
}

/// One stage of a flow.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Stage {
    /// Its name.
    pub name: String,
    /// Who serves it; nothing: it is pure delay.
    pub tier: Option<TierId>,
    /// What one job costs: the unit cost of one of the site's loads, by its position; nothing: no CPU, network or disk.
    pub cost: Option<usize>,
    /// How CPU time varies from job to job.
    pub cpu_shape: Shape,
    /// How bytes vary from job to job.
    pub bytes_shape: Shape,
    /// What waits for others and takes no CPU (external look-ups), seconds.
    pub delay_s: Option<Distribution>,
    /// Where a job goes next: shares of 0 to 1 and the position of a stage; what is left of 1 has been served.
    pub then: Vec<(f64, usize)>,
    /// How many jobs go on in place of one (a list's members); 1 where nothing is given.
    pub copies: Distribution,
}

/// What may fail.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Fault {
    /// Its name.
    pub name: String,
    /// What fails.
    pub target: Target,
    /// When.
    pub when: When,
}

/// What fails.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub enum Target {
    /// A host by its name, with all guests on it: one that stands, or one that may be bought (`CLASS-1`, `CLASS-2` ...) and is
    /// there only where a plan buys so many.
    Host(String),
    /// Each host of the site, by itself.
    EachHost,
    /// All hosts of a chassis, rack, network domain or feed, at once.
    Domain(DomainId),
    /// The CVCF's mains: hosts run on until the battery is empty.
    Mains {
        /// How long the battery lasts.
        battery: Nanos,
    },
    /// Shared storage by position: guests whose disks it holds do no disk work.
    Storage(usize),
    /// The network of all hosts: nothing passes; where it lasts, disks mounted over it come back read-only.
    Network,
    /// A guest: it stops, and is started again.
    Guest(GuestId),
    /// A guest gets no CPU.
    Stall(GuestId),
}

/// When something fails, and how long it takes.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub enum When {
    /// Once, at a set time from the start of the horizon.
    At {
        /// When.
        at: Nanos,
        /// Until it is repaired; nothing: not within the horizon.
        lasts: Option<Nanos>,
    },
    /// Again and again: up for a while, then down for a while; seconds.
    Renewal {
        /// Time to failure.
        up_s: Distribution,
        /// Time to repair.
        down_s: Distribution,
    },
}

/// Something that is played and held against the ordinary course.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Case {
    /// Its name.
    pub name: String,
    /// A line for people.
    pub title: String,
    /// What fails.
    pub faults: Vec<FaultId>,
    /// More jobs than usual.
    pub bursts: Vec<Burst>,
    /// Tiers that share their servers: each list becomes one pool of guests.
    pub shared: Vec<Vec<TierId>>,
    /// What it is held against: another case by position; nothing: the ordinary course.
    pub against: Option<usize>,
    /// Played over another stretch of time: start and length. Columns begin again where they end.
    pub window: Option<(Nanos, Nanos)>,
    /// Only columns are played, without jobs.
    pub columns_only: bool,
    /// Lost guests are started again by themselves, whatever the site's way is today.
    pub automatic: bool,
}

/// More jobs of a flow: linear ramp, plateau, exponential decay; Poisson about the rate.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Burst {
    /// The flow.
    pub flow: FlowId,
    /// When it starts, from the start of the horizon.
    pub start: Nanos,
    /// How long the rise takes.
    pub ramp: Nanos,
    /// How long it stays.
    pub plateau: Nanos,
    /// Time constant of the decay.
    pub decay: Nanos,
    /// Jobs a second on the plateau, besides the usual.
    pub peak_per_s: f64,
}
