//! Streams and samplers: each against its own distribution, streams against each other, and known answers.

use models::distribution::{Distribution, Shape};
use statrs::distribution::{ContinuousCDF, Gamma, LogNormal};

use super::judge::{by_probability, certain, seed_of};
use super::{Effort, Row, Test};
use crate::random::test_of_fit::{chi_square, correlation, ks_uniform};
use crate::random::{Lot, Sampler, Units, poisson, stream};

pub(super) fn rows(seed: u64, effort: Effort) -> Vec<Row> {
    let draws = if effort == Effort::Full { 200_000 } else { 5_000 };
    let seed = seed_of(seed, 2700);
    let mut out = Vec::new();
    for (i, (name, d, cdf)) in continuous().into_iter().enumerate() {
        out.push(by_probability(name, "KS", draws, |stage, n| {
            let (sampler, mut units) = (Sampler::new(&d), stream(seed, name, "fit", 100 * stage + i as u32));
            let mut at: Vec<f64> = (0..n).map(|_| cdf(sampler.sample(&mut units))).collect();
            ks_uniform(&mut at).1
        }));
    }
    out.push(by_probability("a stream's uniforms", "KS", draws, |stage, n| {
        let mut units = stream(seed, "uniform", "fit", stage);
        ks_uniform(&mut (0..n).map(|_| units.unit()).collect::<Vec<_>>()).1
    }));
    out.push(by_probability("first uniforms of numbered lots", "KS", draws, |stage, n| {
        let first = Lot(seed).of(stage).bits();
        ks_uniform(&mut (0..n as u64).map(|k| Lot(first.wrapping_add(k)).of(0).unit()).collect::<Vec<_>>()).1
    }));
    out.push(by_probability("whole numbers below 6", "chi-square", draws, |stage, n| {
        let mut units = stream(seed, "die", "fit", stage);
        let mut counts = [0; 6];
        (0..n).for_each(|_| counts[units.below(6) as usize] += 1);
        chi_square(&counts, &[n as f64 / 6.0; 6]).1
    }));
    out.push(by_probability("geometric of mean 4", "chi-square", draws, |stage, n| {
        let (sampler, mut units) =
            (Sampler::new(&Distribution { mean: 4.0, shape: Shape::Geometric }), stream(seed, "geometric", "fit", stage));
        let mut counts = [0; 40];
        (0..n).for_each(|_| counts[(sampler.sample(&mut units) as usize - 1).min(39)] += 1);
        // P(k) = 1/4 (3/4)^(k - 1); the last cell holds all that is left.
        let mut left = n as f64;
        let expected: Vec<f64> = (0..40)
            .map(|k| {
                if k == 39 {
                    left
                } else {
                    let here = left / 4.0;
                    left -= here;
                    here
                }
            })
            .collect();
        chi_square(&counts, &expected).1
    }));
    for mean in [3.0, 40.0] {
        out.push(by_probability(&format!("Poisson of mean {mean}"), "chi-square", draws, |stage, n| {
            let mut units = stream(seed, "poisson", "fit", 1000 * stage + mean as u32);
            let mut counts = [0; 120];
            (0..n).for_each(|_| counts[(poisson(&mut units, mean) as usize).min(119)] += 1);
            let mut term = n as f64 * libm::exp(-mean);
            let mut left = n as f64;
            let mut expected: Vec<f64> = Vec::with_capacity(120);
            for k in 1..120 {
                expected.push(term);
                left -= term;
                term *= mean / f64::from(k);
            }
            expected.push(left.max(0.0));
            chi_square(&counts, &expected).1
        }));
    }
    let of = |s: u64, e: &str, p: &str, r: u32, n: usize| {
        let mut units = stream(s, e, p, r);
        (0..n).map(|_| units.unit()).collect::<Vec<f64>>()
    };
    // Each a neighbour of stream (seed, "a", "arrivals", r) in one part of its key.
    for (name, entity, purpose, more_seed, more_replication) in [
        ("streams of two replications", "a", "arrivals", 0, 1),
        ("streams of two purposes", "a", "lots", 0, 0),
        ("streams of two entities", "b", "arrivals", 0, 0),
        ("streams of two seeds", "a", "arrivals", 1, 0),
    ] {
        out.push(by_probability(name, "correlation", draws, |stage, n| {
            let r = 10 * stage;
            correlation(&of(seed, "a", "arrivals", r, n), &of(seed.wrapping_add(more_seed), entity, purpose, r + more_replication, n)).1
        }));
    }
    out.push(by_probability("a stream and itself, one later", "correlation", draws, |stage, n| {
        let all = of(seed, "serial", "fit", stage, n + 1);
        correlation(&all[..n], &all[1..]).1
    }));
    for (name, lot, purpose) in [("lots of two jobs in a row", 1, 0), ("two purposes of a lot", 0, 1)] {
        out.push(by_probability(name, "correlation", draws, |stage, n| {
            let first = Lot(seed).of(stage + 7).bits();
            let at = |more: u64, purpose: u32| {
                (0..n as u64).map(|k| Lot(first.wrapping_add(2 * k + more)).of(purpose).unit()).collect::<Vec<_>>()
            };
            correlation(&at(0, 0), &at(lot, purpose)).1
        }));
    }
    let known = [
        ("ChaCha8 of a known key", stream(42, "mail-in", "arrivals", 0).bits(), 13_166_329_688_761_514_200u64),
        ("splitmix64 of a known lot", Lot(42).of(1).bits(), 3_934_491_167_153_776_428),
    ];
    out.extend(known.map(|(name, got, published)| {
        let mut row = certain(27, name, "64 bits", published as f64, got as f64, Test::Exact, "known answer".into());
        row.passes = got == published;
        row
    }));
    out
}

type Continuous = (&'static str, Distribution, Box<dyn Fn(f64) -> f64>);

/// Each shape that has a density, with its distribution function.
fn continuous() -> Vec<Continuous> {
    let of = |mean, shape| Distribution { mean, shape };
    let erlang = Gamma::new(4.0, 2.0).expect("a shape and a rate");
    // sigma^2 = ln(1 + cv^2), the mean of the logarithm ln 2 - sigma^2 / 2.
    let spread = libm::log(5.0);
    let lognormal = LogNormal::new(libm::log(2.0) - spread / 2.0, libm::sqrt(spread)).expect("a spread above zero");
    let rare = (1.0 - libm::sqrt(0.6)) / 2.0;
    let scale = 2.0 / libm::tgamma(1.0 + 1.0 / 0.7);
    vec![
        ("exponential", Distribution::exponential(2.0), Box::new(|x| -libm::expm1(-x / 2.0))),
        ("Erlang of 4 phases", of(2.0, Shape::Erlang { phases: 4 }), Box::new(move |x| erlang.cdf(x))),
        (
            "hyperexponential, cv2=4",
            of(2.0, Shape::HyperExponential { cv2: 4.0 }),
            Box::new(move |x| -rare * libm::expm1(-x * rare) - (1.0 - rare) * libm::expm1(-x * (1.0 - rare))),
        ),
        ("lognormal, cv=2", of(2.0, Shape::LogNormal { cv: 2.0 }), Box::new(move |x| lognormal.cdf(x))),
        ("Pareto 2.5", of(2.0, Shape::Pareto { alpha: 2.5 }), Box::new(|x| 1.0 - libm::pow((1.2 / x).min(1.0), 2.5))),
        ("Weibull 0.7", of(2.0, Shape::Weibull { shape: 0.7 }), Box::new(move |x| -libm::expm1(-libm::pow(x / scale, 0.7)))),
        ("uniform", of(2.0, Shape::Uniform), Box::new(|x| x / 4.0)),
    ]
}
