//! Least squares: the few numbers of a law that come nearest to what was measured.
//!
//! # Formula
//! Minimises |X c - y|^2 by Householder reflections of [X | y], columns scaled to length 1. [`relative`] minimises the
//! squares of X c / y - 1: an error of a tenth counts the same for a short time as for a long one.
//!
//! # Range
//! One to three unknowns in practice. A column that others give to within 1e-9 of its length is refused: the history
//! cannot tell such unknowns apart.
//!
//! # Source
//! Householder 1958; the textbook method. No crate that the workspace already has solves it.
//!
//! # Error
//! NIST's `Pontius` (quadratic, 40 rows) and `NoInt1` to more than 10 digits.

use crate::quantity::QuantityError;

/// A column is given by those before it where less than this share of it is left.
const DEPENDENT: f64 = 1e-9;

/// The coefficients that come nearest: one for each column of `rows`.
///
/// ```
/// use models::law::least_squares::fit;
/// // y = 3 + 2 x.
/// let [a, b] = fit(&[[1.0, 0.0], [1.0, 1.0], [1.0, 5.0]], &[3.0, 5.0, 13.0])?;
/// assert!((a - 3.0).abs() < 1e-12 && (b - 2.0).abs() < 1e-12);
/// # Ok::<(), models::quantity::QuantityError>(())
/// ```
///
/// # Errors
/// Fewer rows than unknowns, as many values as rows not given, numbers that are not finite, or columns that depend on
/// one another.
pub fn fit<const K: usize>(rows: &[[f64; K]], values: &[f64]) -> Result<[f64; K], QuantityError> {
    let refuse = |what, value: String, unit, expected| Err(QuantityError { what, value, unit, expected });
    if rows.len() != values.len() {
        return refuse("history", format!("{} rows with {} values", rows.len(), values.len()), "", "each row has one value");
    }
    if rows.len() < K {
        let expected = "it must have at least as many rows as numbers to be fitted";
        return refuse("history", format!("{} rows for {K} numbers", rows.len()), "", expected);
    }
    if !rows.iter().flatten().chain(values).all(|x| x.is_finite()) {
        return refuse("history", "a number that is not finite".into(), "", "all must be finite");
    }
    let mut columns: [Vec<f64>; K] = std::array::from_fn(|k| rows.iter().map(|r| r[k]).collect());
    let mut y = values.to_vec();
    let scale: [f64; K] = std::array::from_fn(|k| length(&columns[k]));
    if scale.iter().any(|s| !(*s > 0.0 && s.is_finite())) {
        return refuse("history", "a column of zeros".into(), "", "each number to be fitted needs a row that depends on it");
    }
    for (column, scale) in columns.iter_mut().zip(scale) {
        column.iter_mut().for_each(|x| *x /= scale);
    }
    // Column by column: reflect what is below the diagonal away.
    for k in 0..K {
        let below = length(&columns[k][k..]);
        if below <= DEPENDENT {
            let expected = "rows must differ in each quantity by itself";
            return refuse("history", format!("number {} of {K} follows from the others", k + 1), "", expected);
        }
        let mut mirror = columns[k][k..].to_vec();
        mirror[0] += below.copysign(mirror[0]);
        let square: f64 = mirror.iter().map(|x| x * x).sum();
        for column in columns.iter_mut().skip(k).chain(std::iter::once(&mut y)) {
            let by = 2.0 * mirror.iter().zip(&column[k..]).map(|(a, b)| a * b).sum::<f64>() / square;
            column[k..].iter_mut().zip(&mirror).for_each(|(x, m)| *x -= by * m);
        }
    }
    let mut c = [0.0; K];
    for k in (0..K).rev() {
        let rest: f64 = (k + 1..K).map(|j| columns[j][k] * c[j]).sum();
        c[k] = (y[k] - rest) / columns[k][k];
    }
    for (c, scale) in c.iter_mut().zip(scale) {
        *c /= scale;
    }
    if c.iter().all(|x| x.is_finite()) { Ok(c) } else { refuse("history", "numbers too large to square".into(), "", "use larger units") }
}

/// The same with relative errors: the coefficients for which the squares of prediction / value - 1 are least in sum.
///
/// # Errors
/// As [`fit`]; and a value that is not above 0.
pub fn relative<const K: usize>(rows: &[[f64; K]], values: &[f64]) -> Result<[f64; K], QuantityError> {
    if let Some(bad) = values.iter().find(|v| !(**v > 0.0 && v.is_finite())) {
        let expected = "it must be finite and above 0, for errors are shares of it";
        return Err(QuantityError { what: "measured value", value: bad.to_string(), unit: "", expected });
    }
    let shares: Vec<[f64; K]> = rows.iter().zip(values).map(|(r, v)| r.map(|x| x / v)).collect();
    if rows.len() == values.len() { fit(&shares, &vec![1.0; values.len()]) } else { fit(rows, values) }
}

fn length(x: &[f64]) -> f64 {
    x.iter().map(|x| x * x).sum::<f64>().sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// NIST StRD `Pontius`: load 150,000 to 3,000,000 twice, and deflection.
    const PONTIUS: [f64; 40] = [
        0.11019, 0.21956, 0.32949, 0.43899, 0.54803, 0.65694, 0.76562, 0.87487, 0.98292, 1.09146, 1.20001, 1.30822, 1.41599, 1.52399,
        1.63194, 1.73947, 1.84646, 1.95392, 2.06128, 2.16844, 0.11052, 0.22018, 0.32939, 0.43886, 0.54798, 0.65739, 0.76596, 0.87474,
        0.98300, 1.09150, 1.20004, 1.30818, 1.41613, 1.52408, 1.63159, 1.73965, 1.84696, 1.95445, 2.06177, 2.16829,
    ];

    fn near(a: f64, b: f64, share: f64) -> bool {
        (a - b).abs() <= share * b.abs()
    }

    #[test]
    fn it_gives_the_certified_values_of_nists_pontius() {
        let rows: Vec<[f64; 3]> = (0..40).map(|i| 150_000.0 * f64::from(i % 20 + 1)).map(|x| [1.0, x, x * x]).collect();
        let [a, b, c] = fit(&rows, &PONTIUS).unwrap();
        assert!(near(a, 0.673_565_789_473_684e-3, 1e-10), "{a:e}");
        assert!(near(b, 0.732_059_160_401_003e-6, 1e-12), "{b:e}");
        assert!(near(c, -0.316_081_871_345_029e-14, 1e-10), "{c:e}");
    }

    #[test]
    fn it_gives_the_certified_value_of_nists_noint1() {
        let rows: Vec<[f64; 1]> = (60..=70).map(|x| [f64::from(x)]).collect();
        let values: Vec<f64> = (130..=140).map(f64::from).collect();
        let [b] = fit(&rows, &values).unwrap();
        assert!(near(b, 2.074_380_165_289_26, 1e-14), "{b}");
    }

    #[test]
    fn what_cannot_be_told_apart_is_refused() {
        // One package count only: the second column is 47 times the first.
        let one_count = [[1.0, 47.0, 188.0], [1.0, 47.0, 376.0], [1.0, 47.0, 752.0]];
        assert!(fit(&one_count, &[1.0, 2.0, 3.0]).unwrap_err().to_string().contains("follows from the others"));
        assert!(fit(&[[1.0, 2.0]], &[1.0]).unwrap_err().to_string().contains("1 rows for 2 numbers"));
        assert!(fit(&[[1.0, 0.0], [2.0, 0.0]], &[1.0, 1.0]).unwrap_err().to_string().contains("column of zeros"));
        assert!(fit(&[[f64::NAN]], &[1.0]).is_err());
        assert!(fit(&[[1.0]], &[1.0, 2.0]).is_err());
        assert!(fit(&[[1e300], [1e300]], &[1.0, 2.0]).is_err());
        assert!(relative(&[[1.0]], &[0.0]).is_err());
        assert!(relative(&[[1.0]], &[1.0, 2.0]).is_err());
    }

    #[test]
    fn relative_errors_weigh_short_times_as_long_ones() {
        // One constant for 1 and 3. Squares: the mean, 2. Relative: (1 + 1/3) / (1 + 1/9) = 1.2.
        assert!(near(fit(&[[1.0], [1.0]], &[1.0, 3.0]).unwrap()[0], 2.0, 1e-15));
        assert!(near(relative(&[[1.0], [1.0]], &[1.0, 3.0]).unwrap()[0], 1.2, 1e-15));
    }

    proptest! {
        #[test]
        fn a_law_without_noise_is_found_again(a in 1.0f64..100.0, b in 0.01f64..10.0, c in 0.001f64..1.0) {
            let rows: Vec<[f64; 3]> = [(47, 4), (47, 16), (9, 4), (9, 8), (13, 16)].iter()
                .map(|(p, n)| [1.0, f64::from(*p), f64::from(p * n)]).collect();
            let y: Vec<f64> = rows.iter().map(|r| a * r[0] + b * r[1] + c * r[2]).collect();
            for found in [fit(&rows, &y).unwrap(), relative(&rows, &y).unwrap()] {
                prop_assert!(near(found[0], a, 1e-9) && near(found[1], b, 1e-9) && near(found[2], c, 1e-9), "{found:?}");
            }
        }

        #[test]
        fn no_other_coefficients_come_nearer(
            points in prop::collection::vec((0.0f64..10.0, -5.0f64..5.0), 3..12), da in -1.0f64..1.0, db in -1.0f64..1.0,
        ) {
            let rows: Vec<[f64; 2]> = points.iter().map(|p| [1.0, p.0]).collect();
            let y: Vec<f64> = points.iter().map(|p| p.1).collect();
            let Ok([a, b]) = fit(&rows, &y) else { return Ok(()) };
            let off = |a: f64, b: f64| rows.iter().zip(&y).map(|(r, y)| (a * r[0] + b * r[1] - y).powi(2)).sum::<f64>();
            prop_assert!(off(a, b) <= off(a + da, b + db) * (1.0 + 1e-9) + 1e-9);
        }
    }
}
