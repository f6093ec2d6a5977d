//! Networks of stations, and k of n hosts that fail and are repaired.

use models::distribution::Distribution;
use models::flow::{IoCost, When};
use models::law::availability;
use models::law::queueing::{Node, Station, jackson, mva, ps_sojourn};
use models::quantity::Nanos;

use super::judge::{Case, certain, seed_of, two_stages};
use super::{Effort, Row, Test, Verdict};
use crate::engine::example::{self, Discipline};
use crate::engine::model::{Fault, On, Phase, Stage, Target};
use crate::engine::{Broken, Outcome};
use crate::random::{Sampler, Units, stream};

type Rows = Result<Vec<Row>, Box<Broken>>;

const POSSIBLE: &str = "the example is a possible network";

pub(super) fn rows(seed: u64, effort: Effort) -> Rows {
    let mut out = Vec::new();
    for (i, clients) in [50, 200].into_iter().enumerate() {
        let case = closed(clients);
        out.extend(case.ask(seed_of(seed, 1100 + i as u32), effort)?.into_iter().map(|x| x.0));
        // The digits of the plan, from another program.
        for (what, law, published, half_a_digit) in match clients {
            50 => [("X", case.references[0].1, 48.878_769, 5e-7), ("R, ms", case.references[1].1 * 1e3, 22.939, 5e-4)],
            _ => [("X", case.references[0].1, 125.0, 0.05), ("R, ms", case.references[1].1 * 1e3, 600.0, 0.05)],
        } {
            let test = Test::Within { relative: half_a_digit / published };
            out.push(certain(11, &format!("MVA, N={clients}"), what, published, law, test, "law against known digits".to_owned()));
        }
        let test = Test::Within { relative: 1e-9 };
        let note = "law against convolution".to_owned();
        out.push(certain(11, &format!("MVA, N={clients}"), "X", convolution(clients), case.references[0].1, test, note));
    }
    out.extend(feedback().ask(seed_of(seed, 1200), effort)?.into_iter().map(|x| x.0));
    out.extend(passed_on().ask(seed_of(seed, 1201), effort)?.into_iter().map(|x| x.0));
    out.extend(hosts(30.0, 3.0).ask(seed_of(seed, 1600), effort)?.into_iter().map(|x| x.0));
    out.extend(rare(seed_of(seed, 1601), effort));
    Ok(out)
}

/// Three stations that share, and clients who think for a second.
fn closed(clients: u32) -> Case<'static> {
    let demands = [0.005, 0.008, 0.003];
    let mut stations = demands.map(Station::Queueing).to_vec();
    stations.push(Station::Delay(1.0));
    let law = mva(&stations, clients).expect(POSSIBLE);
    Case {
        number: 11,
        name: format!("closed, D=(5,8,3) ms, Z=1 s, N={clients}"),
        references: vec![("X", law.throughput), ("R, s", law.response)],
        model: Box::new(move |lasts, warm_up| {
            let mut model = example::empty(lasts, warm_up);
            let tiers = demands.map(|_| example::station(&mut model, 1, Discipline::Sharing));
            let stage = |i: usize, then| example::cpu(tiers[i], Distribution::exponential(demands[i]), then);
            let f = example::flow(&mut model, vec![stage(0, vec![(1.0, 1)]), stage(1, vec![(1.0, 2)]), stage(2, Vec::new())]);
            model.flows[f as usize].clients = Some((clients, Distribution::exponential(1.0)));
            model
        }),
        measure: Box::new(|before, o| {
            let served = (o.flows[0].served - before.flows[0].served) as f64;
            let seconds = o.lasted.as_seconds() - before.lasted.as_seconds();
            // By Little, so that those still on their way at the end are not left out.
            vec![served / seconds, o.flows[0].mean_present(o.lasted) * seconds / served]
        }),
        window: true,
        // Thinking forgets in a second; the queue of 75 before the second station, 75 / 125 s long, in about as long.
        relaxation_s: 4.0,
        measured_s: 3e6 / law.throughput,
        replications: 20,
        end_bias_s: 0.0,
    }
}

/// Throughput by Buzen's convolution: X = G(N - 1) / G(N), in units of the greatest demand so that nothing is too large or small.
fn convolution(clients: u32) -> f64 {
    let unit = 0.008;
    // Thinking: Z^n / n!.
    let mut g = vec![1.0];
    for n in 1..=clients {
        g.push(g[n as usize - 1] * (1.0 / unit) / f64::from(n));
    }
    for demand in [0.005, 0.008, 0.003] {
        for n in 1..g.len() {
            g[n] += demand / unit * g[n - 1];
        }
    }
    g[clients as usize - 1] / g[clients as usize] / unit
}

/// Two stations that send jobs to and fro.
fn feedback() -> Case<'static> {
    let nodes = [Node { servers: 1, service_rate: 3.0 }, Node { servers: 1, service_rate: 2.5 }];
    let law = jackson(&[1.0, 0.0], &nodes, &[vec![0.0, 0.6], vec![0.5, 0.0]]).expect(POSSIBLE);
    Case {
        number: 12,
        name: "Jackson, two nodes".to_owned(),
        references: vec![("L", law.total())],
        model: Box::new(|lasts, warm_up| {
            let mut model = example::empty(lasts, warm_up);
            let tiers = [3.0, 2.5].map(|_| example::station(&mut model, 1, Discipline::Fcfs));
            let f = example::flow(
                &mut model,
                vec![
                    example::cpu(tiers[0], Distribution::exponential(1.0 / 3.0), vec![(0.6, 1)]),
                    example::cpu(tiers[1], Distribution::exponential(1.0 / 2.5), vec![(0.5, 0)]),
                ],
            );
            example::arrivals(&mut model, f, example::poisson(1.0));
            model
        }),
        measure: Box::new(|_, o| vec![o.flows[0].mean_present(o.lasted)]),
        window: false,
        // 1 / (mu (1 - sqrt rho)^2) is 3.5 s at the slower one to forget; doubled for the feedback, and more.
        relaxation_s: 12.0,
        measured_s: 5e6,
        replications: 20,
        end_bias_s: 0.0,
    }
}

/// Transfers of one size through a driver domain that shares its core with a guest which computes all the time, and then the disk:
/// each shares evenly among transfers, so that the disk sees them come at random and the size changes nothing (product form).
fn passed_on() -> Case<'static> {
    // 1 MB at 0.35 s of a core, of which half is there; 2 MB/s of disk.
    let (driver, disk) = (0.35 / 0.5, 0.5);
    let law = ps_sojourn(1, 1.0, driver).expect(POSSIBLE) + ps_sojourn(1, 1.0, disk).expect(POSSIBLE);
    Case {
        number: 12,
        name: "driver domain of half a core, disk".to_owned(),
        references: vec![("L", law)],
        model: Box::new(|lasts, warm_up| {
            let mut model = example::empty(lasts, warm_up);
            let host = example::host(&mut model, 1);
            model.hosts[host as usize].disk_bytes_per_s = 2_000_000;
            let (moves, computes) = (example::guest(&mut model, host, 1), example::guest(&mut model, host, 1));
            model.guests[moves as usize].io = IoCost { disk_s_per_byte: 0.35e-6, network_s_per_byte: 0.0 };
            let (t, busy) = (example::tier(&mut model, &[moves], None, None), example::tier(&mut model, &[computes], None, None));
            let phases = vec![Phase { on: On::Disk, work: Distribution::fixed(1e6) }];
            let f = example::flow(&mut model, vec![Stage { tier: Some(t), phases, then: Vec::new(), copies: Distribution::fixed(1.0) }]);
            example::arrivals(&mut model, f, example::poisson(1.0));
            // Thirty years of work.
            let f = example::flow(&mut model, vec![example::cpu(busy, Distribution::fixed(1e9), Vec::new())]);
            model.flows[f as usize].clients = Some((1, Distribution::fixed(0.0)));
            model
        }),
        measure: Box::new(|_, o| vec![o.flows[0].mean_present(o.lasted)]),
        window: false,
        // 3 sigma^2 / m^2 of the driver domain: work of 0.7 s a second, 3 x 0.49 / 0.09 = 16 s; doubled for the disk, and more.
        relaxation_s: 40.0,
        measured_s: 5e6,
        replications: 20,
        end_bias_s: 0.0,
    }
}

/// Three hosts in the engine that fail and are repaired by themselves; how long fewer than two are up. An hour counts as a second.
fn hosts(mtbf: f64, mttr: f64) -> Case<'static> {
    let up = mtbf / (mtbf + mttr);
    let law = availability::fewer_than(2, &[up; 3]).expect(POSSIBLE);
    Case {
        number: 16,
        name: format!("2 of 3, MTBF {mtbf}, MTTR {mttr}"),
        references: vec![("down, host", 1.0 - up), ("down, 2 of 3", law)],
        model: Box::new(move |lasts, warm_up| {
            let mut model = example::empty(lasts, warm_up);
            for i in 0..3 {
                let host = example::host(&mut model, 1);
                model.hosts[host as usize].boot = Nanos(0);
                let when = When::Renewal { up_s: Distribution::exponential(mtbf), down_s: Distribution::exponential(mttr) };
                model.faults.push(Fault { name: format!("fault {i}"), target: Target::Hosts(vec![host]), when });
            }
            model
        }),
        measure: Box::new(|before, o| {
            let seconds = o.lasted.as_seconds() - before.lasted.as_seconds();
            let down = |o: &Outcome| o.hosts[0].down.as_seconds();
            vec![(down(o) - down(before)) / seconds, (together_down_s(o) - together_down_s(before)) / seconds]
        }),
        window: true,
        relaxation_s: mttr,
        measured_s: 4e6 * mtbf / 30.0,
        replications: 40,
        end_bias_s: 0.0,
    }
}

/// How long two hosts or more were down at once, from the log.
fn together_down_s(outcome: &Outcome) -> f64 {
    let (mut down, mut since, mut sum) = (0, Nanos(0), 0);
    for entry in &outcome.log {
        if down >= 2 {
            sum += entry.at.0 - since.0;
        }
        since = entry.at;
        if entry.what.ends_with(" fails") {
            down += 1;
        } else if entry.what.ends_with(" is up again") {
            down -= 1;
        }
    }
    if down >= 2 {
        sum += outcome.lasted.0 - since.0;
    }
    Nanos(sum).as_seconds()
}

/// Two of three hosts of MTBF 8760 h and MTTR 3 h, by splitting with fixed effort over streams: of many times at which one host
/// has failed, the share that comes to a second failure before the repair; from those, how long two are down until all are up. A cycle
/// is from all up to all up: with exponential times up, hosts that are up are as good as new, and cycles are independent.
fn rare(seed: u64, effort: Effort) -> Vec<Row> {
    let (mtbf, mttr) = (8760.0, 3.0);
    let hours = |h: u64| Nanos::seconds(h * 3600);
    let up = availability::of(hours(8760), hours(3)).expect(POSSIBLE);
    let law = availability::fewer_than(2, &[up; 3]).expect(POSSIBLE);
    let trials = if effort == Effort::Full { 400_000 } else { 40_000 };
    let estimate = |replication: u32| -> Result<Vec<f64>, Box<Broken>> {
        let mut units = stream(seed, "2 of 3", "splitting", replication);
        let (lives, repairs) = (Sampler::new(&Distribution::exponential(mtbf)), Sampler::new(&Distribution::exponential(mttr)));
        // First level: one host is down; what is left of its repair where a second follows.
        let (mut reached, mut length) = (Vec::new(), 0.0);
        for _ in 0..trials {
            let all_up = (0..3).map(|_| lives.sample(&mut units)).fold(f64::INFINITY, f64::min);
            let repair = repairs.sample(&mut units);
            let second = lives.sample(&mut units).min(lives.sample(&mut units));
            length += all_up + repair.min(second);
            if second < repair {
                reached.push(repair - second);
            }
        }
        if reached.is_empty() {
            return Ok(vec![0.0]);
        }
        // Second level: as many continuations as it takes, from what was reached, until all are up.
        let continuations = trials / 10;
        let (mut bad, mut rest) = (0.0, 0.0);
        for _ in 0..continuations {
            let left = reached[units.below(reached.len() as u64) as usize];
            let mut down = vec![left, repairs.sample(&mut units)];
            while !down.is_empty() {
                let next = down.iter().copied().fold(f64::INFINITY, f64::min);
                let fails = (down.len()..3).map(|_| lives.sample(&mut units)).fold(f64::INFINITY, f64::min);
                let step = next.min(fails);
                rest += step;
                bad += if down.len() >= 2 { step } else { 0.0 };
                down.iter_mut().for_each(|d| *d -= step);
                if fails < next {
                    down.push(repairs.sample(&mut units));
                } else {
                    down.retain(|d| *d > 0.0);
                }
            }
        }
        let share = reached.len() as f64 / f64::from(trials);
        let (bad, rest) = (share * bad / f64::from(continuations), share * rest / f64::from(continuations));
        Ok(vec![bad / (length / f64::from(trials) + rest)])
    };
    let replications = if effort == Effort::Full { 100 } else { 20 };
    let verdict: Verdict = two_stages(&[law], replications, estimate).expect("no run of the engine is in it")[0];
    let note = format!("5.17se {:.2}%, splitting", 517.0 * verdict.sample.error / law);
    let splitting = verdict.row(16, "2 of 3, MTBF 8760, MTTR 3", "down, 2 of 3", law, note);
    let published = certain(
        16,
        "2 of 3, MTBF 8760, MTTR 3",
        "up",
        0.999_999_648_5,
        1.0 - law,
        Test::Within { relative: 5e-11 },
        "law against known digits".to_owned(),
    );
    vec![splitting, published]
}
