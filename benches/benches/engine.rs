//! Jobs through the engine's own hosts and guests, audits and measures on, beside a bare event list; and columns in the event
//! loop beside the bare replay.

use std::time::Duration;

use benches::events::{SplitMix, mm1};
use benches::reference::Heap4;
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use models::demand::Demand;
use models::distribution::Distribution;
use models::flow::{IoCost, When};
use models::quantity::Nanos;
use sim::engine::example::{self, Discipline};
use sim::engine::model::{Background, Fault, Guest, Host, Target};
use sim::engine::{self, Model};

/// M/M/1 at 0.9 through a host, a guest and its processor sharing.
fn mm1_through_a_guest(c: &mut Criterion) {
    let customers = 200_000;
    let mut group = c.benchmark_group("M/M/1 at 0.9 through a guest");
    group.sample_size(10).warm_up_time(Duration::from_millis(500)).measurement_time(Duration::from_secs(2));
    // Two events a customer.
    group.throughput(Throughput::Elements(2 * customers));
    let model = example::single(1, Discipline::Sharing, 0.9, Distribution::exponential(1.0), customers as f64 / 0.9, 0.0);
    group.bench_function("engine", |b| b.iter(|| engine::run(&model, 1, 0).expect("its audits hold").jobs));
    let unaudited = Model { audit_every: u64::MAX, ..model.clone() };
    group.bench_function("engine, recounted at its end only", |b| b.iter(|| engine::run(&unaudited, 1, 0).expect("its audits hold").jobs));
    group.bench_function("reference: bare 4-ary heap, first come first served", |b| {
        b.iter(|| mm1(Heap4::default(), SplitMix(1), SplitMix(2), customers))
    });
    group.finish();
}

/// Hosts of 8 cores with 20 guests of 2 vCPUs, 200 jobs in service on each on average, and as many guests short of CPU.
fn sharing(hosts: u32, jobs: f64) -> Model<'static> {
    // A host does 8 jobs a second.
    let mut model = example::empty(jobs / 8.0 / f64::from(hosts), 0.0);
    let mut guests = Vec::new();
    for _ in 0..hosts {
        let h = example::host(&mut model, 8);
        guests.extend((0..20).map(|_| example::guest(&mut model, h, 2)));
    }
    let t = example::tier(&mut model, &guests, None, None);
    let f = example::flow(&mut model, vec![example::cpu(t, Distribution::exponential(1.0), Vec::new())]);
    model.flows[f as usize].clients = Some((200 * hosts, Distribution::fixed(0.0)));
    model
}

fn processor_sharing(c: &mut Criterion) {
    let mut group = c.benchmark_group("processor sharing, 20 guests and 200 jobs a host");
    group.sample_size(10).warm_up_time(Duration::from_millis(500)).measurement_time(Duration::from_secs(3));
    for (hosts, jobs) in [(1, 400_000.0), (1000, 2_000_000.0)] {
        let model = sharing(hosts, jobs);
        // An arrival and a departure each.
        group.throughput(Throughput::Elements(2 * jobs as u64));
        group.bench_function(format!("{hosts} hosts"), |b| b.iter(|| engine::run(&model, 1, 0).expect("its audits hold").jobs));
    }
    group.finish();
}

/// Columns of 1,000 hosts with 10 guests each over 30 days in the event loop: nothing fails, then a host a day.
fn columns(c: &mut Criterion) {
    let (site, demand, placement) = benches::fan(1000, 10, 30 * 288);
    let mut group = c.benchmark_group("columns, 1,000 hosts of 10 guests, 30 days");
    group.sample_size(10).warm_up_time(Duration::from_millis(500)).measurement_time(Duration::from_secs(3));
    group.throughput(Throughput::Elements(10_000 * demand.steps as u64));
    let background = Background { site: &site, placement: &placement, demand: &demand };
    let still = columns_alone(background);
    let mut failing = still.clone();
    failing.faults = (0..30)
        .map(|day| Fault {
            name: format!("host {day}"),
            target: Target::Hosts(vec![day * 30]),
            when: When::At { at: Nanos::seconds(86_400 * u64::from(day) + 3600), lasts: Some(Nanos::seconds(10_800)) },
        })
        .collect();
    let one = rayon::ThreadPoolBuilder::new().num_threads(1).build().expect("a pool of one thread");
    let run = |model: &Model<'_>| one.install(|| engine::run(model, 1, 0).expect("its audits hold").measures);
    group.bench_function("engine", |b| b.iter(|| run(&still)));
    group.bench_function("engine, a host lost each day", |b| b.iter(|| run(&failing)));
    group.bench_function("reference: bare replay", |b| b.iter(|| one.install(|| sim::replay::replay(&site, &demand, &placement))));
    group.finish();
}

/// A model of columns alone.
fn columns_alone(background: Background<'_>) -> Model<'_> {
    let (site, demand): (_, &Demand) = (background.site, background.demand);
    let mut model = Model { columns: Some(background), ..example::empty(demand.horizon().as_seconds(), 0.0) };
    model.hosts = (0..site.hosts.len())
        .map(|h| {
            let class = site.class_of(models::site::HostId::at(h));
            Host {
                name: site.hosts[h].name.clone(),
                cpu_khz: class.capacity().khz(),
                core_khz: class.core_mhz.khz(),
                disk_bytes_per_s: 100_000_000,
                network_bytes_per_s: 125_000_000,
                memory_mib: class.guest_memory().0,
                boot: class.boot,
                on: true,
                virtualises: true,
                panics: true,
            }
        })
        .collect();
    model.guests = site
        .guests
        .iter()
        .enumerate()
        .map(|(g, guest)| Guest {
            name: guest.name.clone(),
            host: background.placement.host_of[g].map(|h| h.0),
            vcpus: guest.vcpus,
            memory_mib: guest.memory.0,
            overhead: 0.0,
            io: IoCost::default(),
            restarts: false,
            may_run_on: Vec::new(),
            storage: None,
            mounts: false,
        })
        .collect();
    model
}

criterion_group!(benches, mm1_through_a_guest, processor_sharing, columns);
criterion_main!(benches);
