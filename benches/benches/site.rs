//! A whole site in the engine: a day of s0-maffin job by job, and a year of its columns in which every host may fail, one
//! replication each on one core; beside a bare replay of as many columns.

use std::path::Path;
use std::time::Duration;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use models::flow::Case;
use models::site::{ClassId, HostId, Placement};
use scenarios::Scenario;
use sim::engine;
use sim::engine::prepare::Setting;
use sim::load::Grid;

/// The paper's fleet: five VM hosts, the light functions dealt over them in turn.
fn fleet(scenario: &Scenario) -> (models::site::Site, Placement) {
    let site = &scenario.site;
    let vm = site.classes.iter().position(|c| c.hypervisor.is_some()).expect("it sells VM hosts");
    let with = site.with_bought(&[(ClassId::at(vm), 5)]);
    let first = site.hosts.len() as u32;
    let mut free = (0..5).map(|k| HostId(first + k)).cycle();
    let host_of = with.guests.iter().map(|g| g.pinned.or_else(|| free.next())).collect();
    let placement = Placement { on: vec![true; with.hosts.len()], host_of };
    (with, placement)
}

fn maffin(c: &mut Criterion) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../scenarios/s0-maffin");
    let scenario = scenarios::load(&folder, &scenarios::Options::default()).expect("it can be read");
    let requests = scenario.requests.as_ref().expect("it has a request level");
    let (site, placement) = fleet(&scenario);
    let grid = Grid { step: scenario.grid.step, steps: scenario.grid.steps, year: scenario.grid.judged_year };
    let year: Option<&Case> = requests.cases.iter().find(|c| c.name == "year");
    let setting = |case| Setting { site: &site, placement: &placement, loads: &scenario.loads, grid, requests, case, window: None };
    let one = rayon::ThreadPoolBuilder::new().num_threads(1).build().expect("a pool of one thread");

    let mut group = c.benchmark_group("s0-maffin");
    group.sample_size(10).warm_up_time(Duration::from_millis(100)).measurement_time(Duration::from_secs(2));
    let day = setting(None);
    let background = day.background(1, 0);
    let model = day.model(&background);
    let jobs = engine::run(&model, 1, 0).expect("its audits hold").jobs;
    group.throughput(Throughput::Elements(jobs));
    group.bench_function("a day, job by job", |b| b.iter(|| one.install(|| engine::run(&model, 1, 0).expect("its audits hold").events)));

    let with_faults = setting(year);
    let columns = with_faults.background(1, 0);
    let model = with_faults.model(&columns);
    // Samples: guests x minutes.
    group.throughput(Throughput::Elements(site.guests.len() as u64 * 525_600));
    group.bench_function("a year of columns, hosts fail", |b| {
        b.iter(|| one.install(|| engine::run(&model, 1, 0).expect("its audits hold").events))
    });
    group.bench_function("reference: 52 bare replays of a week", |b| {
        b.iter(|| one.install(|| (0..52).map(|_| sim::replay::replay(&site, &columns, &placement).steps).sum::<u64>()))
    });
    group.finish();
}

criterion_group!(benches, maffin);
criterion_main!(benches);
