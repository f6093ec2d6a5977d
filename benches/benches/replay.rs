//! Guest-samples a second of the columnar replay, beside a plain pass over f32 columns with the same curve: the memory's
//! limit. 10,000 guests on 1,000 hosts for 30 days at 5 minutes: 86 million samples.

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use models::site::HostId;

fn plain_pass(columns: &[Vec<f32>], per_host: usize, segments: &[(f32, f32)]) -> f64 {
    let steps = columns[0].len();
    let (mut energy, mut sum) = (0.0f64, vec![0.0f32; steps]);
    for host in columns.chunks(per_host) {
        sum.fill(0.0);
        for c in host {
            sum.iter_mut().zip(c).for_each(|(s, x)| *s += x);
        }
        let mut own = 0.0f32;
        for s in &sum {
            let x = s * (10.0 / (100.0 * per_host as f32));
            let i = (x as usize).min(9);
            own += segments[i].0 + segments[i].1 * (x - i as f32);
        }
        energy += f64::from(own);
    }
    energy
}

fn replay(c: &mut Criterion) {
    let (hosts, per_host, steps) = (1000, 10, 8640);
    let (site, demand, placement) = benches::fan(hosts, per_host, steps);
    let mut group = c.benchmark_group("replay 86 million guest-samples");
    group.sample_size(10).throughput(Throughput::Elements(u64::from(hosts * per_host) * steps as u64));
    for threads in [1, 2] {
        let pool = rayon_pool(threads);
        group.bench_function(format!("replay, {threads} thread(s)"), |b| {
            b.iter(|| pool(&|| drop(sim::replay::replay(&site, &demand, &placement))))
        });
    }
    let columns: Vec<Vec<f32>> = demand.guests.iter().map(|g| g.cpu_khz.iter().map(|x| *x as f32 / 20_000.0).collect()).collect();
    let points: Vec<f32> = site.class_of(HostId(0)).power.curve.points().iter().map(|w| w.get() as f32).collect();
    let segments: Vec<(f32, f32)> = points.windows(2).map(|p| (p[0], p[1] - p[0])).collect();
    group.bench_function("reference: a plain pass over f32 columns, 1 thread", |b| {
        b.iter(|| plain_pass(&columns, per_host as usize, &segments))
    });
    group.finish();
}

/// Runs a closure on so many threads.
fn rayon_pool(threads: usize) -> impl Fn(&(dyn Fn() + Sync)) {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("a pool of threads");
    move |work| pool.install(work)
}

criterion_group!(benches, replay);
criterion_main!(benches);
