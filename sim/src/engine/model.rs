//! What the engine plays: hosts, guests and other resources, tiers and flows, generators of jobs, faults.
//!
//! It is a site made ready: capacities in whole units a second, times from the start of the run, one number for everything that
//! has a name. [`super::prepare`] makes it of a site; a test makes a small one by hand.

use models::demand::Demand;
use models::distribution::Distribution;
use models::flow::{Balance, Full, IoCost, Recovery, When};
use models::quantity::Nanos;
use models::site::{Placement, Site};

use super::arrivals::Arrivals;

/// What is played.
#[derive(Debug, Clone)]
pub struct Model<'a> {
    /// Where the run starts on the horizon: rates that follow the day, and columns, are read from here.
    pub start: Nanos,
    /// How long it lasts.
    pub lasts: Nanos,
    /// Delays of jobs that arrive before this (from the start of the run) are not measured, nor the jobs present before it; counts are
    /// of the whole run.
    pub warm_up: Nanos,
    /// Length of the bins in which delays and counts are shown over time.
    pub bin: Nanos,
    /// More jobs present than this: the run is stopped as unstable.
    pub population_cap: u64,
    /// The scheduler's time slice.
    pub slice: Nanos,
    /// The weight of a host's driver domain in its CPU, at least 1: that of a guest with so many virtual CPUs.
    pub driver_weight: u64,
    /// Events between two recounts of everything ([`AUDIT_EVERY`]). There is always one at the end.
    pub audit_every: u64,
    /// Machines.
    pub hosts: Vec<Host>,
    /// Who runs on them.
    pub guests: Vec<Guest>,
    /// Resources besides those of hosts: shared storage, links.
    pub others: Vec<Other>,
    /// Where stages are served.
    pub tiers: Vec<Tier>,
    /// What goes through them.
    pub flows: Vec<Flow>,
    /// What makes jobs.
    pub generators: Vec<Generator>,
    /// What may fail.
    pub faults: Vec<Fault>,
    /// What follows.
    pub recovery: Option<Recovery>,
    /// What guests ask for besides their jobs.
    pub columns: Option<Background<'a>>,
}

/// What guests ask for besides their jobs, in columns that begin again where they end; and the site, for its power.
#[derive(Debug, Clone, Copy)]
pub struct Background<'a> {
    /// The site: its hosts and guests are those of the model, in the same order.
    pub site: &'a Site,
    /// Who runs where at the start.
    pub placement: &'a Placement,
    /// The columns. The run starts and ends on a step.
    pub demand: &'a Demand,
}

/// Events between two recounts, unless a bench asks for the cost of them. A recount takes time in proportion to the jobs present, so
/// that there are also at least 64 events a job present between two.
pub const AUDIT_EVERY: u64 = 1 << 16;

/// A machine.
#[derive(Debug, Clone)]
pub struct Host {
    /// Its name.
    pub name: String,
    /// CPU of all cores, kHz.
    pub cpu_khz: u64,
    /// Of one core, kHz.
    pub core_khz: u64,
    /// Disk throughput, bytes a second.
    pub disk_bytes_per_s: u64,
    /// Network throughput, bytes a second.
    pub network_bytes_per_s: u64,
    /// Memory that guests can have, MiB.
    pub memory_mib: u64,
    /// Time from power-on until guests can start.
    pub boot: Nanos,
    /// Whether it is on at the start.
    pub on: bool,
    /// It can carry guests that are virtual.
    pub virtualises: bool,
    /// A guest that is starved takes it down; false where its kernel is set not to panic.
    pub panics: bool,
}

/// A guest.
#[derive(Debug, Clone)]
pub struct Guest {
    /// Its name.
    pub name: String,
    /// Where it runs at the start; nothing: nowhere.
    pub host: Option<u32>,
    /// Virtual CPUs.
    pub vcpus: u32,
    /// Memory, MiB.
    pub memory_mib: u64,
    /// The hypervisor's work for it, as a share of its own.
    pub overhead: f64,
    /// What its I/O costs the driver domain of its host.
    pub io: IoCost,
    /// It is started again on another host when its own is lost.
    pub restarts: bool,
    /// The hosts that it may run on; empty: any that virtualises.
    pub may_run_on: Vec<u32>,
    /// Shared storage by position in [`Model::others`], where its throughput is known: disk work is done there.
    pub storage: Option<u32>,
    /// Its disks come over the network: a long pause leaves them read-only.
    pub mounts: bool,
}

/// A resource besides those of hosts.
#[derive(Debug, Clone)]
pub struct Other {
    /// Its name.
    pub name: String,
    /// Units (bytes) a second.
    pub per_s: u64,
    /// The most jobs at once; others wait in order of arrival.
    pub at_once: u32,
    /// When it works: first opening from the start of the horizon, from opening to opening, and how long; nothing: always.
    pub windows: Option<(Nanos, Nanos, Nanos)>,
}

/// Guests behind a load balancer.
#[derive(Debug, Clone)]
pub struct Tier {
    /// Its name.
    pub name: String,
    /// Its members.
    pub guests: Vec<u32>,
    /// Who gets the next job.
    pub balance: Balance,
    /// The most jobs in service on a member.
    pub slots: Option<u32>,
    /// The most jobs that wait on a member.
    pub queue: Option<u32>,
    /// What becomes of a job for which there is no room.
    pub full: Full,
}

/// A stream of jobs.
#[derive(Debug, Clone)]
pub struct Flow {
    /// Its name.
    pub name: String,
    /// What its jobs go through.
    pub stages: Vec<Stage>,
    /// A job that takes longer is late.
    pub within: Option<Nanos>,
    /// Delays between attempts.
    pub retry: Vec<Nanos>,
    /// Closed: how long a client thinks before it asks, seconds, and how many clients.
    pub clients: Option<(u32, Distribution)>,
}

/// A stage.
#[derive(Debug, Clone)]
pub struct Stage {
    /// Who serves it.
    pub tier: Option<u32>,
    /// What a job does there, in order.
    pub phases: Vec<Phase>,
    /// Where it goes next: shares, positions; what is left of 1 has been served.
    pub then: Vec<(f64, u32)>,
    /// How many go on in place of one.
    pub copies: Distribution,
}

/// One thing that a job does in a stage.
#[derive(Debug, Clone, Copy)]
pub struct Phase {
    /// On what.
    pub on: On,
    /// How much: units of the resource (thousands of cycles, bytes), or seconds of delay.
    pub work: Distribution,
}

/// What a phase needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum On {
    /// The CPU of the guest.
    Cpu,
    /// The disk of its host, or its shared storage.
    Disk,
    /// The network of its host.
    Network,
    /// Another resource, by position in [`Model::others`].
    Other(u32),
    /// Nothing: time passes.
    Delay,
}

/// What makes jobs of a flow.
#[derive(Debug, Clone)]
pub struct Generator {
    /// The flow.
    pub flow: u32,
    /// The name of its random stream.
    pub name: String,
    /// When they come.
    pub arrivals: Arrivals,
}

/// What may fail.
#[derive(Debug, Clone)]
pub struct Fault {
    /// Its name.
    pub name: String,
    /// What fails.
    pub target: Target,
    /// When, from the start of the horizon.
    pub when: When,
}

/// What fails.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// These hosts, together.
    Hosts(Vec<u32>),
    /// The mains: all hosts, once the battery is empty.
    Mains {
        /// How long the battery lasts.
        battery: Nanos,
    },
    /// Shared storage: these guests do no disk work.
    Disks(Vec<u32>),
    /// The network of all hosts.
    Network,
    /// A guest stops.
    Guest(u32),
    /// A guest gets no CPU.
    Stall(u32),
}
