//! Events a second of the queue, beside event lists written plainly: the hold model with 10^3, 10^5 and 10^6 pending, and
//! M/M/1 at a load of 0.9.

use benches::events::{EventList, Hold, SplitMix, Stream, mm1};
use benches::reference::{Heap4, PlainLadder, Std};
use criterion::measurement::WallTime;
use criterion::{BenchmarkGroup, Criterion, Throughput, criterion_group, criterion_main};
use sim::queue::Queue;
use std::time::Duration;

fn one(group: &mut BenchmarkGroup<'_, WallTime>, name: &str, queue: impl EventList, n: u32, events: u64) {
    let mut hold = Hold::new(queue, n);
    // Every event list reaches its steady state first.
    hold.run(3 * u64::from(n));
    group.bench_function(name, |b| b.iter(|| hold.run(events)));
}

fn hold(c: &mut Criterion) {
    for n in [1_000, 100_000, 1_000_000] {
        let events = u64::from(n).max(100_000);
        let mut group = c.benchmark_group(format!("hold, {n} pending"));
        group.sample_size(10).warm_up_time(Duration::from_millis(500)).measurement_time(Duration::from_secs(2));
        group.throughput(Throughput::Elements(events));
        one(&mut group, "queue", Queue::new(), n, events);
        one(&mut group, "reference: bare 4-ary heap", Heap4::default(), n, events);
        one(&mut group, "reference: plain ladder", PlainLadder::default(), n, events);
        one(&mut group, "reference: std BinaryHeap", Std::default(), n, events);
        group.finish();
    }
}

fn customers(c: &mut Criterion) {
    let customers = 100_000;
    let mut group = c.benchmark_group("M/M/1 at 0.9");
    group.sample_size(10).warm_up_time(Duration::from_millis(500)).measurement_time(Duration::from_secs(2));
    // Two events a customer.
    group.throughput(Throughput::Elements(2 * customers));
    let stream = |purpose| Stream(sim::random::stream(1, "mm1", purpose, 0));
    group.bench_function("queue, named streams", |b| b.iter(|| mm1(Queue::new(), stream("arrivals"), stream("services"), customers)));
    group.bench_function("reference: bare 4-ary heap, named streams", |b| {
        b.iter(|| mm1(Heap4::default(), stream("arrivals"), stream("services"), customers))
    });
    group.bench_function("queue, SplitMix64", |b| b.iter(|| mm1(Queue::new(), SplitMix(1), SplitMix(2), customers)));
    group.bench_function("reference: bare 4-ary heap, SplitMix64", |b| {
        b.iter(|| mm1(Heap4::default(), SplitMix(1), SplitMix(2), customers))
    });
    group.finish();
}

criterion_group!(benches, hold, customers);
criterion_main!(benches);
