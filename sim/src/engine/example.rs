//! Small models, for examples, tests, benches and the proof against closed forms: a core does one second's work in a second.

use models::distribution::Distribution;
use models::flow::{Balance, Full, IoCost};
use models::quantity::Nanos;

use super::arrivals::Arrivals;
use super::model::{AUDIT_EVERY, Flow, Generator, Guest, Host, Model, On, Phase, Stage, Tier};

/// Clock of a core here, kHz: work in seconds times this is thousands of cycles.
pub const CORE_KHZ: u64 = 1_000_000;

/// How a station serves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Discipline {
    /// First come, first served: as many jobs at once as there are cores.
    Fcfs,
    /// First come, first served, with at most so many waiting; others are refused.
    Bounded(u32),
    /// Processor sharing.
    Sharing,
}

/// A model without hosts, flows or faults, over so many seconds.
#[must_use]
pub fn empty(lasts_s: f64, warm_up_s: f64) -> Model<'static> {
    let ns = |s: f64| Nanos((s * 1e9) as u64);
    Model {
        start: Nanos(0),
        lasts: ns(lasts_s),
        warm_up: ns(warm_up_s),
        bin: Nanos(0),
        population_cap: 1_000_000,
        slice: Nanos::millis(30),
        driver_weight: 1,
        audit_every: AUDIT_EVERY,
        hosts: Vec::new(),
        guests: Vec::new(),
        others: Vec::new(),
        tiers: Vec::new(),
        flows: Vec::new(),
        generators: Vec::new(),
        faults: Vec::new(),
        recovery: None,
        columns: None,
    }
}

/// Adds a host of so many cores; answers its position.
pub fn host(model: &mut Model<'_>, cores: u32) -> u32 {
    let n = model.hosts.len() as u32;
    model.hosts.push(Host {
        name: format!("h{}", n + 1),
        cpu_khz: u64::from(cores) * CORE_KHZ,
        core_khz: CORE_KHZ,
        disk_bytes_per_s: 100_000_000,
        network_bytes_per_s: 125_000_000,
        memory_mib: 1 << 20,
        boot: Nanos::seconds(120),
        on: true,
        virtualises: true,
        panics: true,
    });
    n
}

/// Adds a guest of so many vCPUs on a host; answers its position.
pub fn guest(model: &mut Model<'_>, host: u32, vcpus: u32) -> u32 {
    let n = model.guests.len() as u32;
    model.guests.push(Guest {
        name: format!("g{}", n + 1),
        host: Some(host),
        vcpus,
        memory_mib: 1024,
        overhead: 0.0,
        io: IoCost::default(),
        restarts: true,
        may_run_on: Vec::new(),
        storage: None,
        mounts: false,
    });
    n
}

/// Adds a tier of guests; answers its position.
pub fn tier(model: &mut Model<'_>, guests: &[u32], slots: Option<u32>, queue: Option<u32>) -> u32 {
    let n = model.tiers.len() as u32;
    let name = format!("t{}", n + 1);
    model.tiers.push(Tier { name, guests: guests.to_vec(), balance: Balance::RoundRobin, slots, queue, full: Full::Refuse });
    n
}

/// Adds a station: a host of its own with one guest of so many vCPUs, and a tier of it.
pub fn station(model: &mut Model<'_>, cores: u32, discipline: Discipline) -> u32 {
    let h = host(model, cores);
    let g = guest(model, h, cores);
    match discipline {
        Discipline::Fcfs => tier(model, &[g], Some(cores), None),
        Discipline::Bounded(queue) => tier(model, &[g], Some(cores), Some(queue)),
        Discipline::Sharing => tier(model, &[g], None, None),
    }
}

/// A stage with CPU work, seconds of a core.
#[must_use]
pub fn cpu(tier: u32, work_s: Distribution, then: Vec<(f64, u32)>) -> Stage {
    let phases = vec![Phase { on: On::Cpu, work: work_s.scaled(CORE_KHZ as f64) }];
    Stage { tier: Some(tier), phases, then, copies: Distribution::fixed(1.0) }
}

/// A stage of pure delay, seconds.
#[must_use]
pub fn delay(work_s: Distribution, then: Vec<(f64, u32)>) -> Stage {
    Stage { tier: None, phases: vec![Phase { on: On::Delay, work: work_s }], then, copies: Distribution::fixed(1.0) }
}

/// Adds a flow that goes through these stages; answers its position.
pub fn flow(model: &mut Model<'_>, stages: Vec<Stage>) -> u32 {
    let n = model.flows.len() as u32;
    model.flows.push(Flow { name: format!("f{}", n + 1), stages, within: None, retry: Vec::new(), clients: None });
    n
}

/// Adds arrivals to a flow.
pub fn arrivals(model: &mut Model<'_>, flow: u32, arrivals: Arrivals) {
    let name = format!("a{}", model.generators.len() + 1);
    model.generators.push(Generator { flow, name, arrivals });
}

/// Poisson arrivals, jobs a second.
#[must_use]
pub const fn poisson(per_s: f64) -> Arrivals {
    Arrivals::Renewal { gap_s: Distribution::exponential(1.0 / per_s), batch: Distribution::fixed(1.0) }
}

/// One station with Poisson arrivals.
///
/// ```
/// use models::distribution::Distribution;
/// use sim::engine::{self, example};
/// // M/M/1 at a load of one half: a job is there for two seconds on average.
/// let model = example::single(1, example::Discipline::Fcfs, 0.5, Distribution::exponential(1.0), 200_000.0, 1_000.0);
/// let outcome = engine::run(&model, 1, 0).unwrap();
/// assert!((outcome.flows[0].delays.mean().unwrap() - 2.0).abs() < 0.1);
/// ```
#[must_use]
pub fn single(cores: u32, discipline: Discipline, per_s: f64, work_s: Distribution, lasts_s: f64, warm_up_s: f64) -> Model<'static> {
    let mut model = empty(lasts_s, warm_up_s);
    let t = station(&mut model, cores, discipline);
    let f = flow(&mut model, vec![cpu(t, work_s, Vec::new())]);
    arrivals(&mut model, f, poisson(per_s));
    model
}
