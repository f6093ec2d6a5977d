//! Time of a whole plan by size of site: fan-shaped demand, one host down survived, hosts bought at one price.
//!
//! The limit it is held against is the replay of the same demand on the plan's hosts: the least that any planner pays to
//! look at its demand once.

use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use models::estimate::Estimate;
use models::site::{DownRule, Sale};
use planner::{Answer, Options};

fn plan(c: &mut Criterion) {
    let mut group = c.benchmark_group("plan");
    group.sample_size(10);
    for guests in [30u32, 100, 300] {
        let (mut site, demand, placement) = benches::fan(guests / 10, 10, 288);
        group.bench_with_input(BenchmarkId::new("reference: one replay", guests), &guests, |b, _| {
            b.iter(|| sim::replay::replay(&site, &demand, &placement));
        });
        site.hosts.clear();
        site.rules.one_host_down = Some(DownRule { cpu_limit: 1.0 });
        site.classes[0].sale = Some(Sale { price_yen: Estimate::exactly(1e6), max: guests, stands_in: Vec::new(), pools: Vec::new() });
        group.bench_with_input(BenchmarkId::new("plan", guests), &guests, |b, _| {
            b.iter(|| match planner::plan(&site, std::slice::from_ref(&demand), &Options::default()) {
                Answer::Fits(found) => found.placement.hosts_on(),
                Answer::DoesNotFit { conflicts, .. } => panic!("{conflicts:?}"),
            });
        });
    }
    group.finish();
}

criterion_group!(benches, plan);
criterion_main!(benches);
