//! Quantities that vary: a distribution by its mean and its shape.
//!
//! The mean is apart from the shape so that a load can be scaled, or one shape held against another at the same mean. What is drawn
//! is the simulator's matter; here stand what is allowed, the squared coefficient of variation and the closed-form quantiles.

use serde::Serialize;

/// A distribution of a positive quantity, by its mean and its shape. The unit is the holder's.
///
/// ```
/// use models::distribution::{Distribution, Shape};
/// let service_ms = Distribution { mean: 5.0, shape: Shape::Erlang { phases: 4 } };
/// service_ms.check()?;
/// assert_eq!(service_ms.cv2(), 0.25);
/// assert_eq!(service_ms.scaled(2.0).mean, 10.0);
/// # Ok::<(), models::distribution::NotADistribution>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Distribution {
    /// The mean: finite, not negative; 1 or more where the shape is [`Shape::Geometric`].
    pub mean: f64,
    /// How it varies about its mean.
    pub shape: Shape,
}

/// How a quantity varies about its mean.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Shape {
    /// Always the mean.
    Fixed,
    /// Without memory: P(X > x) = exp(-x / mean).
    Exponential,
    /// The sum of equal exponential phases: less varied than one of them.
    Erlang {
        /// How many, 1 to [`MOST_PHASES`].
        phases: u32,
    },
    /// One of two exponentials, each of which gives half of the mean (balanced means): more varied than one of them.
    HyperExponential {
        /// Variance over the mean squared: 1 to 10^12.
        cv2: f64,
    },
    /// Its logarithm is normal.
    LogNormal {
        /// Standard deviation over the mean: 0 to 1000.
        cv: f64,
    },
    /// P(X > x) = (xm / x)^alpha from xm = mean (alpha - 1) / alpha upwards.
    Pareto {
        /// The index of the tail: above 1. At 2 and below the variance is infinite.
        alpha: f64,
    },
    /// P(X > x) = exp(-(x / scale)^shape), scale = mean / gamma(1 + 1 / shape).
    Weibull {
        /// Below 1 the tail is heavier than the exponential's, above 1 lighter: 0.1 to 10^6.
        shape: f64,
    },
    /// Evenly between 0 and twice the mean.
    Uniform,
    /// On 1, 2, 3 ...: P(X > k) = (1 - 1 / mean)^k. For sizes of batches.
    Geometric,
}

/// The most phases of an Erlang distribution: each draw costs a random number a phase, and at this many its standard deviation is
/// 1 % of its mean.
pub const MOST_PHASES: u32 = 10_000;

/// A number that no distribution has.
#[derive(Debug, Clone, Copy, PartialEq, thiserror::Error)]
#[error("the {what} of the distribution is {given}: it must be {allowed}")]
pub struct NotADistribution {
    /// Which number, in words.
    pub what: &'static str,
    /// The number as given.
    pub given: f64,
    /// What would be right.
    pub allowed: &'static str,
}

impl Distribution {
    /// Always this.
    #[must_use]
    pub const fn fixed(mean: f64) -> Self {
        Self { mean, shape: Shape::Fixed }
    }

    /// Without memory.
    #[must_use]
    pub const fn exponential(mean: f64) -> Self {
        Self { mean, shape: Shape::Exponential }
    }

    /// Variance over the mean squared; infinite where the variance is. Of the shape alone, but for [`Shape::Geometric`].
    #[must_use]
    pub fn cv2(&self) -> f64 {
        match self.shape {
            Shape::Fixed => 0.0,
            Shape::Exponential => 1.0,
            Shape::Erlang { phases } => 1.0 / f64::from(phases),
            Shape::HyperExponential { cv2 } => cv2,
            Shape::LogNormal { cv } => cv * cv,
            Shape::Pareto { alpha } if alpha <= 2.0 => f64::INFINITY,
            Shape::Pareto { alpha } => 1.0 / (alpha * (alpha - 2.0)),
            // gamma(1 + 2/k) / gamma(1 + 1/k)^2 - 1; through logarithms, as for a light tail it is a difference of near equals.
            Shape::Weibull { shape } => libm::expm1(libm::lgamma(1.0 + 2.0 / shape) - 2.0 * libm::lgamma(1.0 + 1.0 / shape)),
            Shape::Uniform => 1.0 / 3.0,
            Shape::Geometric => 1.0 - 1.0 / self.mean,
        }
    }

    /// The same shape about `by` times the mean.
    ///
    /// This is the distribution of `by` times the quantity, but for [`Shape::Geometric`], which stays on whole numbers.
    #[must_use]
    pub fn scaled(self, by: f64) -> Self {
        Self { mean: self.mean * by, ..self }
    }

    /// Whether there is such a distribution, and one that can be drawn from with 53 random bits a draw: the bounds of [`Shape`] leave
    /// out those whose mean lies in what is rarer. Pareto is let through down to its mathematical bound, for what is
    /// published of alphas near 1; how much of the mean is then never drawn, the sampler says.
    ///
    /// # Errors
    /// A number outside the range that [`Distribution::mean`] and [`Shape`] state: which, and what is allowed.
    pub fn check(&self) -> Result<(), NotADistribution> {
        let demand = |holds: bool, what, given, allowed| if holds { Ok(()) } else { Err(NotADistribution { what, given, allowed }) };
        demand(self.mean.is_finite() && self.mean >= 0.0, "mean", self.mean, "finite and not negative")?;
        match self.shape {
            Shape::Fixed | Shape::Exponential | Shape::Uniform => Ok(()),
            Shape::Erlang { phases } => {
                demand((1..=MOST_PHASES).contains(&phases), "number of Erlang phases", f64::from(phases), "from 1 to 10000")
            }
            Shape::HyperExponential { cv2 } => {
                demand((1.0..=1e12).contains(&cv2), "squared coefficient of variation", cv2, "from 1 to 1e12 (Erlang is below 1)")
            }
            Shape::LogNormal { cv } => demand((0.0..=1e3).contains(&cv), "coefficient of variation", cv, "from 0 to 1000"),
            Shape::Pareto { alpha } => {
                demand(alpha.is_finite() && alpha > 1.0, "Pareto index alpha", alpha, "finite and above 1: at 1 and below there is no mean")
            }
            Shape::Weibull { shape } => demand((0.1..=1e6).contains(&shape), "Weibull shape", shape, "from 0.1 to 1e6"),
            Shape::Geometric => demand(self.mean >= 1.0, "mean", self.mean, "1 or more: the least size of a batch is 1"),
        }
    }

    /// The least x with P(X <= x) >= p, where that has a closed form; nothing for Erlang, hyperexponential and lognormal.
    ///
    /// Infinite at p = 1 where there is no greatest value.
    ///
    /// ```
    /// # use models::distribution::Distribution;
    /// // The median of an exponential is ln 2 of its mean.
    /// let median = Distribution::exponential(10.0).quantile(0.5).unwrap();
    /// assert!((median - 6.931471805599453).abs() < 1e-15 * 10.0);
    /// ```
    ///
    /// # Panics
    /// Where `p` is not from 0 to 1.
    #[must_use]
    pub fn quantile(&self, p: f64) -> Option<f64> {
        assert!((0.0..=1.0).contains(&p), "quantile {p}");
        // How much is left above, in logarithm: -ln(1 - p). The 0 is for p = 0, where the negative would be -0.
        let e = 0.0 - libm::log1p(-p);
        match self.shape {
            Shape::Fixed => Some(self.mean),
            Shape::Exponential => Some(self.mean * e),
            Shape::Pareto { alpha } => Some(self.mean * (alpha - 1.0) / alpha * libm::exp(e / alpha)),
            Shape::Weibull { shape } => Some(self.mean / libm::tgamma(1.0 + 1.0 / shape) * libm::pow(e, 1.0 / shape)),
            Shape::Uniform => Some(2.0 * self.mean * p),
            // At a mean of 1 the divisor is infinite and all is 1.
            Shape::Geometric => Some((e / -libm::log1p(-1.0 / self.mean)).ceil().max(1.0)),
            Shape::Erlang { .. } | Shape::HyperExponential { .. } | Shape::LogNormal { .. } => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn of(mean: f64, shape: Shape) -> Distribution {
        Distribution { mean, shape }
    }

    #[test]
    fn the_variation_is_the_textbooks() {
        assert_eq!(Distribution::fixed(3.0).cv2(), 0.0);
        assert_eq!(Distribution::exponential(3.0).cv2(), 1.0);
        assert_eq!(of(3.0, Shape::Erlang { phases: 4 }).cv2(), 0.25);
        assert_eq!(of(3.0, Shape::HyperExponential { cv2: 16.0 }).cv2(), 16.0);
        assert_eq!(of(3.0, Shape::LogNormal { cv: 2.0 }).cv2(), 4.0);
        // Pareto, alpha = 2.5: 1 / (2.5 x 0.5) = 0.8; at 2 the integral of x^2 x^-3 has no end.
        assert_eq!(of(3.0, Shape::Pareto { alpha: 2.5 }).cv2(), 0.8);
        assert_eq!(of(3.0, Shape::Pareto { alpha: 2.0 }).cv2(), f64::INFINITY);
        // Uniform on 0..2m: (2m)^2 / 12 over m^2.
        assert_eq!(of(3.0, Shape::Uniform).cv2(), 1.0 / 3.0);
        // Geometric with p = 1/4: variance (1 - p) / p^2 = 12, over 4^2.
        assert_eq!(of(4.0, Shape::Geometric).cv2(), 0.75);
    }

    #[test]
    fn a_weibull_of_shape_one_is_exponential_of_two_rayleigh_and_of_a_half_five() {
        // gamma(2) = 1, gamma(3) = 2: 2 / 1 - 1. Rayleigh: 1 / (pi / 4) - 1. Shape 1/2: gamma(5) / gamma(3)^2 - 1 = 24 / 4 - 1.
        for (shape, cv2) in [(1.0, 1.0), (2.0, 4.0 / std::f64::consts::PI - 1.0), (0.5, 5.0)] {
            let got = of(7.0, Shape::Weibull { shape }).cv2();
            assert!((got - cv2).abs() < 1e-14 * cv2, "{shape}: {got} for {cv2}");
        }
        // The least that is allowed: gamma(21) / gamma(11)^2 - 1 = C(20, 10) - 1.
        let heaviest = of(7.0, Shape::Weibull { shape: 0.1 }).cv2();
        assert!((heaviest / 184_755.0 - 1.0).abs() < 1e-13, "{heaviest}");
        // Far above 1 it is pi^2 / 6 shape^2, though both gammas are near 1.
        let lightest = of(7.0, Shape::Weibull { shape: 1e5 }).cv2();
        assert!((lightest * 1e10 / 1.644_934_066_848_226_4 - 1.0).abs() < 1e-4, "{lightest:e}");
    }

    #[test]
    fn what_is_no_distribution_says_which_number_and_what_is_allowed() {
        let wrong = |mean, shape| of(mean, shape).check().unwrap_err();
        assert_eq!(
            wrong(5.0, Shape::Pareto { alpha: 0.9 }).to_string(),
            "the Pareto index alpha of the distribution is 0.9: it must be finite and above 1: at 1 and below there is no mean"
        );
        assert_eq!(wrong(-1.0, Shape::Fixed).what, "mean");
        assert_eq!(wrong(f64::NAN, Shape::Exponential).what, "mean");
        assert_eq!(wrong(f64::INFINITY, Shape::Uniform).what, "mean");
        assert_eq!(wrong(0.5, Shape::Geometric).given, 0.5);
        for shape in [
            Shape::Erlang { phases: 0 },
            Shape::Erlang { phases: MOST_PHASES + 1 },
            Shape::HyperExponential { cv2: 0.99 },
            Shape::HyperExponential { cv2: f64::INFINITY },
            Shape::LogNormal { cv: -0.1 },
            Shape::LogNormal { cv: f64::NAN },
            Shape::Pareto { alpha: 1.0 },
            Shape::Pareto { alpha: f64::INFINITY },
            Shape::Weibull { shape: 0.09 },
            Shape::Weibull { shape: f64::NAN },
        ] {
            assert_ne!(wrong(1.0, shape).what, "mean", "{shape:?}");
        }
    }

    #[test]
    fn the_ends_of_what_is_allowed_are_allowed() {
        for shape in [
            Shape::Fixed,
            Shape::Erlang { phases: 1 },
            Shape::Erlang { phases: MOST_PHASES },
            Shape::HyperExponential { cv2: 1.0 },
            Shape::LogNormal { cv: 0.0 },
            Shape::Pareto { alpha: 1.001 },
            Shape::Weibull { shape: 0.1 },
            Shape::Geometric,
        ] {
            assert_eq!(of(1.0, shape).check(), Ok(()), "{shape:?}");
        }
        // Nothing at all is an amount too.
        assert_eq!(Distribution::exponential(0.0).check(), Ok(()));
    }

    #[test]
    fn quantiles_of_halves_and_quarters_are_as_reckoned_by_hand() {
        // Pareto, alpha = 2, mean 4: xm = 2; P(X > x) = 1/4 at x = 2 x 2.
        let near = |got: Option<f64>, x: f64| assert!((got.unwrap() - x).abs() <= 1e-14 * x, "{got:?} for {x}");
        near(of(4.0, Shape::Pareto { alpha: 2.0 }).quantile(0.75), 4.0);
        // Weibull, shape 1/2, mean 2: gamma(3) = 2, scale 1; P(X > x) = 1/2 at x = (ln 2)^2.
        near(of(2.0, Shape::Weibull { shape: 0.5 }).quantile(0.5), std::f64::consts::LN_2 * std::f64::consts::LN_2);
        near(of(3.0, Shape::Uniform).quantile(0.25), 1.5);
        // Geometric, mean 4: P(X <= 1) = 0.25, P(X <= 2) = 0.4375, P(X <= 3) = 0.578.
        near(of(4.0, Shape::Geometric).quantile(0.2), 1.0);
        near(of(4.0, Shape::Geometric).quantile(0.5), 3.0);
        near(of(1.0, Shape::Geometric).quantile(0.999), 1.0);
        assert_eq!(Distribution::fixed(3.0).quantile(0.1), Some(3.0));
        assert_eq!(Distribution::exponential(3.0).quantile(1.0), Some(f64::INFINITY));
        assert_eq!(of(3.0, Shape::LogNormal { cv: 1.0 }).quantile(0.5), None);
    }

    fn closed() -> impl Strategy<Value = Shape> {
        prop_oneof![
            Just(Shape::Exponential),
            (1.05f64..20.0).prop_map(|alpha| Shape::Pareto { alpha }),
            (0.2f64..20.0).prop_map(|shape| Shape::Weibull { shape }),
            Just(Shape::Uniform),
        ]
    }

    proptest! {
        #[test]
        fn quantiles_rise_and_scale_with_the_mean(shape in closed(), mean in 0.1f64..1e6, p in 0.0f64..0.999, more in 0.0f64..0.5) {
            let at = |d: Distribution, p: f64| d.quantile(p).unwrap();
            let d = of(mean, shape);
            prop_assert!(at(d, p) <= at(d, p + more * (1.0 - p)));
            let twice = at(d.scaled(3.0), p);
            prop_assert!((twice - 3.0 * at(d, p)).abs() <= 1e-14 * twice);
        }

        #[test]
        fn the_mean_of_the_quantiles_is_the_mean(shape in prop_oneof![
            Just(Shape::Exponential), Just(Shape::Uniform), (3.0f64..20.0).prop_map(|alpha| Shape::Pareto { alpha }),
            (0.8f64..10.0).prop_map(|shape| Shape::Weibull { shape }),
        ]) {
            // The integral of the quantile over p is the mean; the middle of 20,000 cells. What it misses is the last cell's tail:
            // at most (1/20,000)^(1 - 1/alpha), 0.14 % at alpha = 3.
            let d = of(5.0, shape);
            let n = 20_000;
            let mean = (0..n).map(|i| d.quantile((f64::from(i) + 0.5) / f64::from(n)).unwrap()).sum::<f64>() / f64::from(n);
            prop_assert!((mean / 5.0 - 1.0).abs() < 2e-3, "{}", mean);
        }
    }
}
