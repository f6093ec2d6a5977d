//! How far off a fitted law is: each measurement predicted by the law fitted to the others.
//!
//! # Formula
//! For row i of the history, the law without it, f_i, predicts f_i(x_i); r_i = |y_i / f_i(x_i) - 1|. What was not measured, x,
//! ranges from min f_i(x) (1 - r_i) to max f_i(x) (1 + r_i): the widest jackknife+, in shares. It widens by itself where
//! the law is stretched beyond its history.
//!
//! # Range
//! Any law. For n rows drawn alike the range holds what comes in at least 1 - 2 / (n + 1) of cases (6 rows: 71 %; 12: 85 %);
//! a new kind of image or package is not drawn alike, so for it this is an indication. A history in which some row cannot be
//! spared gives no range.
//!
//! # Source
//! Barber, Candes, Ramdas, Tibshirani, Predictive inference with the jackknife+, Annals of Statistics 49 (2021).
//!
//! # Error
//! On S2-5, fitted to the six times of S2-4: all six measured times lie in their range.

use crate::estimate::Estimate;
use crate::quantity::QuantityError;

/// A law fitted to a history, and to the history without each of its rows.
#[derive(Debug, Clone, PartialEq)]
pub struct Learned<L> {
    /// Fitted to all rows.
    pub law: L,
    /// Fitted without row i, or why that cannot be.
    pub without: Vec<Result<Without<L>, QuantityError>>,
}

/// A law fitted without a row, held against that row.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Without<L> {
    /// The law.
    pub law: L,
    /// What it predicts for the row, above 0.
    pub predicted: f64,
    /// What was measured.
    pub measured: f64,
}

impl<L> Without<L> {
    /// How far off the prediction is, as a share of what was measured; with its sign.
    #[must_use]
    pub fn error(&self) -> f64 {
        self.predicted / self.measured - 1.0
    }

    /// How far off what was measured is, as a share of the prediction.
    fn residual(&self) -> f64 {
        (self.measured / self.predicted - 1.0).abs()
    }
}

impl<L> Learned<L> {
    /// Fits to all rows, and to all but each.
    ///
    /// # Errors
    /// Where the law cannot be fitted to all rows. Where it cannot be without one, the row says so.
    pub fn from<R: Clone>(
        history: &[R],
        fit: impl Fn(&[R]) -> Result<L, QuantityError>,
        predicted: impl Fn(&L, &R) -> Result<f64, QuantityError>,
        measured: impl Fn(&R) -> f64,
    ) -> Result<Self, QuantityError> {
        let law = fit(history)?;
        let without = (0..history.len()).map(|i| {
            let others: Vec<R> = history.iter().enumerate().filter(|(j, _)| *j != i).map(|(_, r)| r.clone()).collect();
            let law = fit(&others)?;
            let predicted = predicted(&law, &history[i])?;
            if predicted > 0.0 {
                return Ok(Without { law, predicted, measured: measured(&history[i]) });
            }
            Err(QuantityError { what: "prediction", value: predicted.to_string(), unit: "", expected: "it must be above 0" })
        });
        let without = without.collect();
        Ok(Self { law, without })
    }

    /// What the law predicts, with its range; the value alone where some row cannot be spared ([`Self::has_range`]).
    ///
    /// # Errors
    /// Those of `predict`.
    pub fn predict(&self, predict: impl Fn(&L) -> Result<f64, QuantityError>) -> Result<Estimate, QuantityError> {
        let mut it = Estimate::exactly(predict(&self.law)?);
        if self.has_range() {
            for w in self.without.iter().flatten() {
                let (x, r) = (predict(&w.law)?, w.residual());
                it.low = it.low.min(x * (1.0 - r)).max(0.0);
                it.high = it.high.max(x * (1.0 + r));
            }
        }
        Ok(it)
    }

    /// A number of the law itself, with its spread over the rows left out.
    #[must_use]
    pub fn number(&self, of: impl Fn(&L) -> f64) -> Estimate {
        let mut it = Estimate::exactly(of(&self.law));
        for w in self.without.iter().flatten() {
            let x = of(&w.law);
            it.low = it.low.min(x);
            it.high = it.high.max(x);
        }
        it
    }

    /// Whether each row can be spared, so that predictions have a range.
    #[must_use]
    pub fn has_range(&self) -> bool {
        self.without.iter().all(Result::is_ok)
    }

    /// The largest error of the rows left out, as a share; nothing where some row cannot be spared.
    #[must_use]
    pub fn worst(&self) -> Option<f64> {
        let errors: Option<Vec<f64>> = self.without.iter().map(|w| w.as_ref().ok().map(|w| w.error().abs())).collect();
        Some(errors?.into_iter().fold(0.0, f64::max))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mean(rows: &[f64]) -> Result<f64, QuantityError> {
        if rows.is_empty() {
            return Err(QuantityError { what: "history", value: "none".into(), unit: "", expected: "there must be one" });
        }
        Ok(rows.iter().sum::<f64>() / rows.len() as f64)
    }

    fn learned(rows: &[f64]) -> Learned<f64> {
        Learned::from(rows, mean, |law, _| Ok(*law), |y| *y).unwrap()
    }

    #[test]
    fn the_range_is_that_of_the_worst_row_by_the_law_without_it() {
        // 1, 2, 3 by their mean: without 1 it is 2.5 (off by 0.6 of it), without 2 it is 2 (right), without 3 it is 1.5 (off by 1).
        let it = learned(&[1.0, 2.0, 3.0]).predict(|law| Ok(*law)).unwrap();
        assert_eq!((it.value, it.low, it.high), (2.0, 0.0, 4.0));
        // The mean itself is from 1.5 to 2.5.
        assert_eq!(learned(&[1.0, 2.0, 3.0]).number(|law| *law), Estimate { value: 2.0, low: 1.5, high: 2.5 });
        // As shares of what was measured: 1.5, 0 and -0.5.
        assert_eq!(learned(&[1.0, 2.0, 3.0]).worst(), Some(1.5));
    }

    #[test]
    fn a_history_without_noise_leaves_no_range() {
        let it = learned(&[2.0, 2.0, 2.0]).predict(|law| Ok(*law)).unwrap();
        assert_eq!(it, Estimate::exactly(2.0));
    }

    #[test]
    fn a_row_that_cannot_be_spared_is_said() {
        let one = learned(&[2.0]);
        assert!(!one.has_range());
        assert_eq!(one.worst(), None);
        assert_eq!(one.predict(|law| Ok(*law)).unwrap(), Estimate::exactly(2.0));
    }
}
