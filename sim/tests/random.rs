//! Whether what is drawn is distributed as it says, held against distribution functions that share nothing with the samplers.
//!
//! Seeds are fixed, so a probability above 1e-3 is a fact of this code: it fails when the code changes, not once in a thousand runs.

use models::distribution::{Distribution, Shape};
use sim::random::test_of_fit::{chi_square, correlation, ks_uniform};
use sim::random::{Lot, Sampler, Units, normal_quantile, poisson, stream};
use statrs::distribution::{self as oracle, ContinuousCDF, DiscreteCDF};

const DRAWS: usize = 100_000;
/// Chance alone is to be as far off as the draws at least this often.
const LEAST: f64 = 1e-3;

/// The probability of no more than its argument.
type Cdf = Box<dyn Fn(f64) -> f64>;

/// Shapes that are continuous, at a mean of 10, with the distribution function of each.
fn continuous() -> Vec<(Shape, Cdf)> {
    fn cdf(d: Result<impl ContinuousCDF<f64, f64> + 'static, impl std::fmt::Debug>) -> Cdf {
        let d = d.unwrap();
        Box::new(move |x| d.cdf(x))
    }
    let mut all = vec![
        (Shape::Exponential, cdf(oracle::Exp::new(0.1))),
        (Shape::Erlang { phases: 4 }, cdf(oracle::Erlang::new(4, 0.4))),
        (Shape::Erlang { phases: 40 }, cdf(oracle::Erlang::new(40, 4.0))),
        // sigma^2 = ln(1 + cv^2), mu = ln 10 - sigma^2 / 2.
        (Shape::LogNormal { cv: 0.5 }, cdf(oracle::LogNormal::new(10f64.ln() - 1.25f64.ln() / 2.0, 1.25f64.ln().sqrt()))),
        (Shape::LogNormal { cv: 2.0 }, cdf(oracle::LogNormal::new(10f64.ln() - 5f64.ln() / 2.0, 5f64.ln().sqrt()))),
        // xm = 10 (alpha - 1) / alpha: 6 at 2.5, 10/11 at 1.1.
        (Shape::Pareto { alpha: 2.5 }, cdf(oracle::Pareto::new(6.0, 2.5))),
        (Shape::Pareto { alpha: 1.1 }, cdf(oracle::Pareto::new(10.0 / 11.0, 1.1))),
        // Scale 10 / gamma(3) = 5 at a shape of 1/2; 10 / gamma(1.5) = 20 / sqrt(pi) at 2.
        (Shape::Weibull { shape: 0.5 }, cdf(oracle::Weibull::new(0.5, 5.0))),
        (Shape::Weibull { shape: 2.0 }, cdf(oracle::Weibull::new(2.0, 20.0 / std::f64::consts::PI.sqrt()))),
        (Shape::Uniform, cdf(oracle::Uniform::new(0.0, 20.0))),
    ];
    for cv2 in [1.0, 4.0, 16.0] {
        // p = (1 + sqrt((c - 1)/(c + 1))) / 2 at the rate 2p / mean, else 2(1 - p) / mean.
        let p: f64 = 0.5 * (1.0 + ((cv2 - 1.0) / (cv2 + 1.0f64)).sqrt());
        let above = move |x: f64| p * (-2.0 * p * x / 10.0).exp() + (1.0 - p) * (-2.0 * (1.0 - p) * x / 10.0).exp();
        all.push((Shape::HyperExponential { cv2 }, Box::new(move |x| 1.0 - above(x))));
    }
    all
}

fn draws(d: &Distribution, u: &mut impl Units, n: usize) -> Vec<f64> {
    let sampler = Sampler::new(d);
    (0..n).map(|_| sampler.sample(u)).collect()
}

#[test]
fn continuous_shapes_follow_their_distribution_functions() {
    for (i, (shape, cdf)) in continuous().into_iter().enumerate() {
        let d = Distribution { mean: 10.0, shape };
        let mut u = stream(1, "fit", "continuous", i as u32);
        let mut uniform: Vec<f64> = draws(&d, &mut u, DRAWS).into_iter().map(cdf).collect();
        let (distance, p) = ks_uniform(&mut uniform);
        assert!(p > LEAST, "{shape:?}: {distance}, {p}");
    }
}

#[test]
fn a_sampler_of_another_shape_would_be_found_out() {
    // The power of the test above: a coefficient of variation that is 5 % off, at the same mean.
    let mut u = stream(1, "fit", "power", 0);
    let (_, cdf) = continuous().into_iter().find(|(shape, _)| *shape == Shape::LogNormal { cv: 2.0 }).unwrap();
    let d = Distribution { mean: 10.0, shape: Shape::LogNormal { cv: 1.9 } };
    assert!(ks_uniform(&mut draws(&d, &mut u, DRAWS).into_iter().map(cdf).collect::<Vec<_>>()).1 < 1e-6);
}

/// The probability of counts 0, 1, ... by a discrete law.
fn fit_of_counts(drawn: impl Iterator<Item = u64>, law: impl DiscreteCDF<u64, f64>) -> f64 {
    let mut counts = std::collections::BTreeMap::new();
    drawn.for_each(|k| *counts.entry(k).or_insert(0u64) += 1);
    let n: u64 = counts.values().sum();
    let (from, to) = (*counts.keys().next().unwrap(), *counts.keys().next_back().unwrap());
    // A cell below the least that was drawn, one each up to the greatest, one above.
    let mut observed = vec![0];
    observed.extend((from..=to).map(|k| counts.get(&k).copied().unwrap_or(0)));
    observed.push(0);
    let below = |k: u64| if k == 0 { 0.0 } else { law.cdf(k - 1) };
    let mut expected = vec![n as f64 * below(from)];
    expected.extend((from..=to).map(|k| n as f64 * (law.cdf(k) - below(k))));
    expected.push(n as f64 * law.sf(to));
    chi_square(&observed, &expected).1
}

#[test]
fn batches_are_geometric() {
    for (i, mean) in [1.25, 4.0, 10.0, 250.0].into_iter().enumerate() {
        let d = Distribution { mean, shape: Shape::Geometric };
        let mut u = stream(1, "fit", "geometric", i as u32);
        let sizes = draws(&d, &mut u, DRAWS);
        assert!(sizes.iter().all(|k| *k >= 1.0 && k.fract() == 0.0));
        let p = fit_of_counts(sizes.into_iter().map(|k| k as u64), oracle::Geometric::new(1.0 / mean).unwrap());
        assert!(p > LEAST, "{mean}: {p}");
    }
}

#[test]
fn counts_are_poisson_on_either_side_of_the_change_of_method() {
    for (i, mean) in [0.5, 3.0, 9.9, 10.1, 50.0, 1e4].into_iter().enumerate() {
        let mut u = stream(1, "fit", "poisson", i as u32);
        let counts: Vec<u64> = (0..DRAWS).map(|_| poisson(&mut u, mean)).collect();
        let p = fit_of_counts(counts.iter().copied(), oracle::Poisson::new(mean).unwrap());
        assert!(p > LEAST, "{mean}: {p}");
        // Mean and variance are the rate. Their standard errors over n draws: sqrt(m / n), sqrt((2 m^2 + m) / n).
        let n = DRAWS as f64;
        let average = counts.iter().sum::<u64>() as f64 / n;
        let variance = counts.iter().map(|k| (*k as f64 - average).powi(2)).sum::<f64>() / (n - 1.0);
        assert!((average - mean).abs() < 4.0 * (mean / n).sqrt(), "{mean}: mean {average}");
        assert!((variance - mean).abs() < 4.0 * ((2.0 * mean * mean + mean) / n).sqrt(), "{mean}: variance {variance}");
    }
}

#[test]
fn counts_in_the_billions_are_poisson_too() {
    // There the distribution is normal to 1e-5 and its steps are 1/31,623 of a deviation: through the normal's own function.
    let mean = 1e9f64;
    let mut u = stream(1, "fit", "poisson", 99);
    let normal = oracle::Normal::new(mean, mean.sqrt()).unwrap();
    let mut uniform: Vec<f64> = (0..DRAWS).map(|_| normal.cdf(poisson(&mut u, mean) as f64)).collect();
    let (distance, p) = ks_uniform(&mut uniform);
    assert!(p > LEAST, "{distance}, {p}");
}

#[test]
fn means_and_variances_are_as_said() {
    // Shapes with four moments, so that the variance of the draws has a standard error, which is taken from the draws themselves.
    let shapes = [
        Shape::Exponential,
        Shape::Erlang { phases: 7 },
        Shape::HyperExponential { cv2: 4.0 },
        Shape::LogNormal { cv: 0.5 },
        Shape::Pareto { alpha: 9.0 },
        Shape::Weibull { shape: 0.8 },
        Shape::Weibull { shape: 3.0 },
        Shape::Uniform,
        Shape::Geometric,
    ];
    for (i, shape) in shapes.into_iter().enumerate() {
        let d = Distribution { mean: 10.0, shape };
        let xs = draws(&d, &mut stream(1, "moments", "size", i as u32), DRAWS);
        let n = xs.len() as f64;
        let mean = xs.iter().sum::<f64>() / n;
        let moment = |k: i32| xs.iter().map(|x| (x - mean).powi(k)).sum::<f64>() / n;
        let (variance, expected) = (moment(2), d.cv2() * 100.0);
        assert!((mean - 10.0).abs() < 4.0 * (expected / n).sqrt(), "{shape:?}: mean {mean}");
        let error = ((moment(4) - variance * variance) / n).sqrt();
        assert!((variance - expected).abs() < 4.0 * error, "{shape:?}: variance {variance} for {expected}, give or take {error}");
    }
    let fixed = draws(&Distribution::fixed(10.0), &mut stream(1, "moments", "size", 99), 10);
    assert_eq!(fixed, [10.0; 10]);
}

#[test]
fn streams_and_lots_are_uniform() {
    let fit = |mut xs: Vec<f64>| ks_uniform(&mut xs).1;
    let mut u = stream(1, "web", "arrivals", 0);
    assert!(fit((0..DRAWS).map(|_| u.unit()).collect()) > LEAST);
    assert!(fit((0..DRAWS).map(|_| u.open()).collect()) > LEAST);
    assert!(fit((0..DRAWS).map(|_| u.inside()).collect()) > LEAST);
    // Across jobs that follow each other, first and second draw; and along one lot.
    assert!(fit((0..DRAWS as u64).map(|job| Lot(job).of(0).unit()).collect()) > LEAST);
    let second = |job| {
        let mut u = Lot(job).of(3);
        u.bits();
        u.unit()
    };
    assert!(fit((0..DRAWS as u64).map(second).collect()) > LEAST);
    let mut u = Lot(7).of(1);
    assert!(fit((0..DRAWS).map(|_| u.unit()).collect()) > LEAST);
    // The low bits count too: the last 8 of a number.
    for low in [|job| Lot(job).of(0).bits(), |job| Lot(job << 32).of(0).bits()] {
        let mut counts = [0; 256];
        (0..DRAWS as u64).for_each(|job| counts[low(job) as usize % 256] += 1);
        assert!(chi_square(&counts, &[DRAWS as f64 / 256.0; 256]).1 > LEAST);
    }
}

#[test]
fn streams_purposes_lots_and_replications_are_not_correlated() {
    let units = |u: &mut dyn FnMut() -> f64| (0..DRAWS).map(|_| u()).collect::<Vec<f64>>();
    let of = |entity, purpose, replication| {
        let mut u = stream(1, entity, purpose, replication);
        units(&mut move || u.unit())
    };
    let one = of("web", "arrivals", 0);
    for other in [of("web", "size", 0), of("db", "arrivals", 0), of("web", "arrivals", 1)] {
        let (r, p) = correlation(&one, &other);
        assert!(p > LEAST, "{r}, {p}");
    }
    // Job by job: two purposes; two draws of one purpose; the same purpose of a job and of the next.
    let draw = |skip: usize, purpose: u32, from: u64| -> Vec<f64> {
        (from..from + DRAWS as u64)
            .map(|job| {
                let mut u = Lot(job).of(purpose);
                (0..skip).for_each(|_| _ = u.bits());
                u.unit()
            })
            .collect()
    };
    let one = draw(0, 0, 0);
    for other in [draw(0, 1, 0), draw(1, 0, 0), draw(0, 0, 1), draw(1, 1, 0), draw(0, 0, 1 << 40)] {
        let (r, p) = correlation(&one, &other);
        assert!(p > LEAST, "{r}, {p}");
    }
    // Pairs of draws fill the square: 16 x 16 cells of purposes 0 and 1.
    let mut counts = [0; 256];
    one.iter().zip(draw(0, 1, 0)).for_each(|(x, y)| counts[(x * 16.0) as usize * 16 + (y * 16.0) as usize] += 1);
    assert!(chi_square(&counts, &[DRAWS as f64 / 256.0; 256]).1 > LEAST);
}

#[test]
fn whole_numbers_below_a_bound_are_equally_likely() {
    // 3/4 of 2^64 is where a remainder would favour the lower third twice over.
    let mut u = stream(1, "fit", "below", 0);
    for n in [2, 3, 10, 1000] {
        let mut counts = vec![0; n as usize];
        (0..DRAWS).for_each(|_| counts[u.below(n) as usize] += 1);
        assert!(chi_square(&counts, &vec![DRAWS as f64 / n as f64; n as usize]).1 > LEAST, "{n}");
    }
    let n = 3 << 62;
    let mut thirds = [0; 3];
    (0..DRAWS).for_each(|_| thirds[(u.below(n) >> 62) as usize] += 1);
    assert!(chi_square(&thirds, &[DRAWS as f64 / 3.0; 3]).1 > LEAST, "{thirds:?}");
}

#[test]
fn the_same_luck_meets_a_job_in_any_order_of_service() {
    // Two candidates serve jobs in opposite orders and the second draws a purpose more: each job's service time is the same.
    let service = Sampler::new(&Distribution { mean: 10.0, shape: Shape::HyperExponential { cv2: 4.0 } });
    let first: Vec<f64> = (0..1000).map(|job| service.sample(&mut Lot(job).of(0))).collect();
    let mut second: Vec<f64> = (0..1000)
        .rev()
        .map(|job| {
            let mut patience = Lot(job).of(1);
            (0..job % 5).for_each(|_| _ = patience.bits());
            service.sample(&mut Lot(job).of(0))
        })
        .collect();
    second.reverse();
    assert_eq!(first, second);
}

#[test]
fn normal_draws_are_normal() {
    let mut u = stream(1, "fit", "normal", 0);
    let normal = oracle::Normal::standard();
    let mut uniform: Vec<f64> = (0..DRAWS).map(|_| normal.cdf(normal_quantile(u.inside()))).collect();
    assert!(ks_uniform(&mut uniform).1 > LEAST);
}
