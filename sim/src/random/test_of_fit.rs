//! Whether draws are what they should be: how far off they are, and how often chance alone would be as far off.
//!
//! The second number of each answer is that probability: near 0 the draws are not what was claimed. It is small once in a while for
//! good draws too, so a threshold goes with fixed seeds, or with a second look at fresh draws, never with a retry until it passes.

use statrs::distribution::{ChiSquared, ContinuousCDF, StudentsT};

/// Kolmogorov and Smirnov's greatest distance between the draws' distribution and the uniform on [0, 1], and its probability.
///
/// Any continuous distribution is tested by passing draws through its own distribution function. Sorts the draws. The probability
/// is Kolmogorov's limit with Stephens' correction (JRSS B 32(1), 1970), good from 8 draws or so.
///
/// # Panics
/// Where there is no draw, or one is not a number.
pub fn ks_uniform(draws: &mut [f64]) -> (f64, f64) {
    assert!(!draws.is_empty() && draws.iter().all(|x| !x.is_nan()), "draws are numbers, one at least");
    draws.sort_unstable_by(f64::total_cmp);
    let n = draws.len() as f64;
    let d = draws.iter().enumerate().map(|(i, x)| f64::max((i + 1) as f64 / n - x, x - i as f64 / n)).fold(0.0, f64::max);
    let root = libm::sqrt(n);
    (d, kolmogorov((root + 0.12 + 0.11 / root) * d))
}

/// How often chance alone exceeds this scaled distance. Two series of the same function: each converges in a few terms on its side.
fn kolmogorov(x: f64) -> f64 {
    use std::f64::consts::PI;
    if x <= 0.0 {
        1.0
    } else if x < 1.18 {
        let term = |j: i32| libm::exp(-f64::from((2 * j - 1) * (2 * j - 1)) * PI * PI / (8.0 * x * x));
        1.0 - libm::sqrt(2.0 * PI) / x * (1..=4).map(term).sum::<f64>()
    } else {
        let term = |j: i32| f64::from(if j % 2 == 1 { 2 } else { -2 }) * libm::exp(-2.0 * f64::from(j * j) * x * x);
        (1..=4).map(term).sum()
    }
}

/// Pearson's chi-square of counts by cell against what was expected, and its probability.
///
/// Neighbouring cells are pooled from the first on until 5 are expected in each (what is left joins the last), and the degrees
/// of freedom are one less than the pooled cells: the expected come from outside, none of their numbers from the counts.
///
/// # Panics
/// Where the lengths differ, the sums differ by more than 1 in a million (what falls outside all cells is to be a cell),
/// or fewer than two pooled cells are left.
#[must_use]
pub fn chi_square(counts: &[u64], expected: &[f64]) -> (f64, f64) {
    assert_eq!(counts.len(), expected.len(), "a count and an expected number a cell");
    let (all, all_expected) = (counts.iter().sum::<u64>() as f64, expected.iter().sum::<f64>());
    assert!((all - all_expected).abs() <= 1e-6 * all, "{all} counted, {all_expected} expected");
    let mut cells: Vec<(f64, f64)> = Vec::new();
    for (count, expected) in counts.iter().zip(expected) {
        match cells.last_mut() {
            Some(open) if open.1 < 5.0 => *open = (open.0 + *count as f64, open.1 + expected),
            _ => cells.push((*count as f64, *expected)),
        }
    }
    if let [.., before, last] = cells.as_mut_slice()
        && last.1 < 5.0
    {
        *before = (before.0 + last.0, before.1 + last.1);
        cells.pop();
    }
    assert!(cells.len() >= 2, "too few are expected for two cells");
    let x2 = cells.iter().map(|(count, expected)| (count - expected) * (count - expected) / expected).sum();
    let law = ChiSquared::new((cells.len() - 1) as f64).expect("one degree of freedom at least");
    (x2, law.sf(x2))
}

/// The correlation of paired draws (Pearson), and how often independent normal draws, or many of any kind, are as correlated
/// either way.
///
/// # Panics
/// Where the lengths differ, there are fewer than three pairs, or one side does not vary.
#[must_use]
pub fn correlation(xs: &[f64], ys: &[f64]) -> (f64, f64) {
    assert!(xs.len() == ys.len() && xs.len() > 2, "three pairs at least");
    let n = xs.len() as f64;
    let mean = |v: &[f64]| v.iter().sum::<f64>() / n;
    let (mx, my) = (mean(xs), mean(ys));
    let sum = |f: &dyn Fn(f64, f64) -> f64| xs.iter().zip(ys).map(|(x, y)| f(x - mx, y - my)).sum::<f64>();
    let (xx, yy) = (sum(&|x, _| x * x), sum(&|_, y| y * y));
    assert!(xx > 0.0 && yy > 0.0, "both sides vary");
    let r = (sum(&|x, y| x * y) / libm::sqrt(xx * yy)).clamp(-1.0, 1.0);
    if r.abs() == 1.0 {
        return (r, 0.0);
    }
    let t = r * libm::sqrt((n - 2.0) / (1.0 - r * r));
    let law = StudentsT::new(0.0, 1.0, n - 2.0).expect("one degree of freedom at least");
    (r, 2.0 * law.sf(t.abs()))
}

#[cfg(test)]
mod tests {
    use super::super::{Units, stream};
    use super::*;

    #[test]
    fn the_distance_is_the_greatest_of_both_sides_of_each_step() {
        // Four draws: the steps are 0, 1/4, 1/2, 3/4, 1; before 0.7 the share is 1/4 (0.45 off), after 0.2 it is 1/4.
        let (d, _) = ks_uniform(&mut [0.7, 0.2, 0.9, 0.8]);
        assert!((d - 0.45).abs() < 1e-15);
    }

    #[test]
    fn the_tables_of_kolmogorov_chi_square_and_student_are_met() {
        for (x, p) in [(0.827_57, 0.5), (1.223_85, 0.1), (1.358_10, 0.05), (1.627_62, 0.01), (1.949_47, 0.001)] {
            assert!((kolmogorov(x) / p - 1.0).abs() < 1e-4, "{x}: {}", kolmogorov(x));
        }
        // The two series meet.
        assert!((kolmogorov(1.18 - 1e-12) - kolmogorov(1.18)).abs() < 1e-11);
        // 60 and 40 for 50 and 50: 100 / 50 twice; 4 at one degree of freedom is two sigma, 4.55 %.
        let (x2, p) = chi_square(&[60, 40], &[50.0, 50.0]);
        assert!((x2 - 4.0).abs() < 1e-12 && (p - 0.045_500_263_896_358_4).abs() < 1e-9, "{x2} {p}");
        let (r, p) = correlation(&[-2.0, -1.0, 0.0, 1.0, 2.0], &[-1.0, 0.0, -1.0, 2.0, 0.0]);
        // Sums of products 2 + 0 + 0 + 2 + 0 = 4, of squares 10 and 6: r = 4 / sqrt 60.
        assert!((r - 4.0 / f64::sqrt(60.0)).abs() < 1e-15);
        let t = r * f64::sqrt(3.0 / (1.0 - r * r));
        // Student with 3 degrees of freedom, closed form: P(|T| > t) = 1 - 2/pi (atan(t/sqrt 3) + (t/sqrt 3) / (1 + t^2/3)).
        let s = t / f64::sqrt(3.0);
        let closed = 1.0 - 2.0 / std::f64::consts::PI * (f64::atan(s) + s / (1.0 + s * s));
        assert!((p - closed).abs() < 1e-9, "{p} for {closed}");
    }

    #[test]
    fn thin_cells_are_pooled() {
        // 2 + 2 + 2 make 6; 6; 6; 3 is left and joins the last: 6, 6, 9 at two degrees of freedom, where the tail is e^(-x2 / 2).
        let (x2, p) = chi_square(&[1, 2, 3, 9, 4, 2], &[2.0, 2.0, 2.0, 6.0, 6.0, 3.0]);
        // 0 / 6 + 9 / 6 + 9 / 9.
        assert!((x2 - 2.5).abs() < 1e-12 && (p - libm::exp(-1.25)).abs() < 1e-9, "{x2} {p}");
    }

    #[test]
    fn the_probabilities_of_good_draws_are_uniform_themselves() {
        let mut u = stream(1, "fit", "uniform", 0);
        let mut of = |f: &mut dyn FnMut(Vec<f64>) -> f64| {
            let mut ps: Vec<f64> = (0..300).map(|_| f((0..400).map(|_| u.unit()).collect())).collect();
            ks_uniform(&mut ps).1
        };
        assert!(of(&mut |mut draws| ks_uniform(&mut draws).1) > 1e-3);
        assert!(of(&mut |draws| correlation(&draws[..200], &draws[200..]).1) > 1e-3);
        assert!(
            of(&mut |draws| {
                let mut counts = [0; 20];
                draws.iter().for_each(|x| counts[(x * 20.0) as usize] += 1);
                chi_square(&counts, &[20.0; 20]).1
            }) > 1e-3
        );
    }

    #[test]
    fn draws_that_are_a_little_wrong_are_found_out() {
        let mut u = stream(2, "fit", "wrong", 0);
        let draws: Vec<f64> = (0..100_000).map(|_| u.unit()).collect();
        // 2 % too long; a die said to favour one face by a tenth; a tenth of one stream in the other.
        assert!(ks_uniform(&mut draws.iter().map(|x| x * 1.02).collect::<Vec<_>>()).1 < 1e-6);
        let mut counts = [0u64; 10];
        draws.iter().for_each(|x| counts[(x * 10.0) as usize] += 1);
        let mut die = [9_900.0; 10];
        die[3] = 10_900.0;
        assert!(chi_square(&counts, &die).1 < 1e-6);
        let (a, b) = draws.split_at(50_000);
        let mixed: Vec<f64> = a.iter().zip(b).map(|(x, y)| 0.9 * y + 0.1 * x).collect();
        assert!(correlation(a, &mixed).1 < 1e-6);
    }
}
