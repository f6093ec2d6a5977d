//! Draws from distributions.

use models::distribution::{Distribution, Shape};

use super::{Units, normal_quantile};

/// A distribution made ready to be drawn from: what depends on it alone is reckoned once.
///
/// By inversion: a draw rises with its uniforms, and two loads of one shape differ by their factor alone. One uniform a draw, none for
/// [`Shape::Fixed`], one a phase for Erlang, two for the hyperexponential (which branch, then how long; the rare branch of long draws
/// has the low uniforms).
///
/// A uniform has 53 bits, so what is rarer than 1.1e-16 is never drawn. It shows only in Pareto's mean: about 2^-(53 (1 - 1/alpha)) of it is never
/// drawn, 0.0005 % at alpha = 1.5, 0.2 % at 1.2 and 3.5 % at 1.1.
#[derive(Debug, Clone, Copy)]
pub struct Sampler(Ready);

#[derive(Debug, Clone, Copy)]
enum Ready {
    Fixed { value: f64 },
    Exponential { mean: f64 },
    Erlang { phases: u32, phase_mean: f64 },
    HyperExponential { rare: f64, rare_mean: f64, common_mean: f64 },
    LogNormal { median: f64, sigma: f64 },
    Pareto { least: f64, per_alpha: f64 },
    Weibull { scale: f64, per_shape: f64 },
    Uniform { most: f64 },
    Geometric { rate: f64 },
}

/// So many open uniforms have a product that is no less than 2^-848, a normal double.
const PHASES_A_LOGARITHM: u32 = 16;

impl Sampler {
    /// A sampler of this distribution.
    ///
    /// # Panics
    /// Where there is no such distribution: what a user gives is to be held against [`Distribution::check`] where it is read.
    #[must_use]
    pub fn new(d: &Distribution) -> Self {
        d.check().expect("a distribution is checked where it is read");
        let mean = d.mean;
        Self(match d.shape {
            Shape::Fixed => Ready::Fixed { value: mean },
            Shape::Exponential => Ready::Exponential { mean },
            Shape::Erlang { phases } => Ready::Erlang { phases, phase_mean: mean / f64::from(phases) },
            Shape::HyperExponential { cv2 } => {
                // The rare branch has probability (1 - s) / 2, here without the difference of near equals; each branch gives half.
                let s = libm::sqrt((cv2 - 1.0) / (cv2 + 1.0));
                let rare = 1.0 / ((cv2 + 1.0) * (1.0 + s));
                Ready::HyperExponential { rare, rare_mean: 0.5 * mean / rare, common_mean: 0.5 * mean / (1.0 - rare) }
            }
            Shape::LogNormal { cv } => {
                let cv2 = cv * cv;
                Ready::LogNormal { median: mean / libm::sqrt(1.0 + cv2), sigma: libm::sqrt(libm::log1p(cv2)) }
            }
            Shape::Pareto { alpha } => Ready::Pareto { least: mean * (alpha - 1.0) / alpha, per_alpha: 1.0 / alpha },
            Shape::Weibull { shape } => Ready::Weibull { scale: mean / libm::tgamma(1.0 + 1.0 / shape), per_shape: 1.0 / shape },
            Shape::Uniform => Ready::Uniform { most: 2.0 * mean },
            // Infinite at a mean of 1, where every draw is 1.
            Shape::Geometric => Ready::Geometric { rate: -libm::log1p(-1.0 / mean) },
        })
    }

    /// A draw, in the unit of the mean: never negative; finite for any mean up to 10^200.
    #[inline]
    #[must_use]
    pub fn sample(&self, u: &mut impl Units) -> f64 {
        match self.0 {
            Ready::Fixed { value } => value,
            Ready::Exponential { mean } => mean * exponential(u),
            Ready::Erlang { phases, phase_mean } => phase_mean * erlang(u, phases),
            Ready::HyperExponential { rare, rare_mean, common_mean } => {
                let mean = if u.unit() < rare { rare_mean } else { common_mean };
                mean * exponential(u)
            }
            Ready::LogNormal { median, sigma } => median * libm::exp(sigma * normal_quantile(u.inside())),
            Ready::Pareto { least, per_alpha } => least * libm::exp(per_alpha * exponential(u)),
            Ready::Weibull { scale, per_shape } => scale * libm::pow(exponential(u), per_shape),
            Ready::Uniform { most } => most * u.unit(),
            Ready::Geometric { rate } => (exponential(u) / rate).floor() + 1.0,
        }
    }
}

/// An exponential of mean 1. The difference from 0 is +0 where the logarithm is 0.
#[inline]
fn exponential(u: &mut impl Units) -> f64 {
    0.0 - libm::log(u.open())
}

/// The sum of exponentials of mean 1, by the logarithm of the product of their uniforms.
fn erlang(u: &mut impl Units, phases: u32) -> f64 {
    let (mut sum, mut left) = (0.0, phases);
    while left > 0 {
        let now = left.min(PHASES_A_LOGARITHM);
        let product = (0..now).fold(1.0, |product, _| product * u.open());
        sum -= libm::log(product);
        left -= now;
    }
    sum + 0.0
}

#[cfg(test)]
mod tests {
    use super::super::{These, stream};
    use super::*;
    use proptest::prelude::*;

    fn of(mean: f64, shape: Shape) -> Distribution {
        Distribution { mean, shape }
    }

    #[test]
    fn the_first_draws_of_each_shape_are_known() {
        // Pins formulas and order of draws to the bit: a change here changes every published figure that rests on them. A second program,
        // with 40 digits, gives the same to 2 units in the last place.
        let first = |mean, shape| {
            let (sampler, mut u) = (Sampler::new(&of(mean, shape)), stream(42, "known", "answers", 0));
            [(); 3].map(|()| sampler.sample(&mut u))
        };
        let known: [(f64, Shape, [f64; 3]); 9] = [
            (10.0, Shape::Fixed, [10.0, 10.0, 10.0]),
            (10.0, Shape::Exponential, [1.69004933658133, 6.270132940207206, 0.9685624461204256]),
            (10.0, Shape::Erlang { phases: 20 }, [5.157001992031366, 12.432344803513498, 13.167819688788862]),
            (10.0, Shape::HyperExponential { cv2: 4.0 }, [3.533272122553488, 1.6637971832251917, 1.8069322943069537]),
            (10.0, Shape::LogNormal { cv: 2.0 }, [1.2368312453778192, 4.010937001359345, 0.8309710173498867]),
            (10.0, Shape::Pareto { alpha: 2.5 }, [6.419636156742701, 7.710359288674349, 6.237016649873889]),
            (10.0, Shape::Weibull { shape: 0.7 }, [0.6231978727884644, 4.055292639606518, 0.28134405228226467]),
            (10.0, Shape::Uniform, [3.109905262438144, 9.316302520810053, 1.8462703684584647]),
            (10.0, Shape::Geometric, [2.0, 6.0, 1.0]),
        ];
        let got = known.map(|(mean, shape, _)| first(mean, shape));
        assert_eq!(got.map(|x| x.map(f64::to_bits)), known.map(|(_, _, x)| x.map(f64::to_bits)), "{got:?}");
    }

    #[test]
    fn what_is_fixed_takes_no_bits() {
        assert_eq!(Sampler::new(&Distribution::fixed(3.0)).sample(&mut These::new(Vec::new())), 3.0);
    }

    #[test]
    fn an_erlang_of_one_phase_is_an_exponential_and_of_many_their_sum() {
        let bits: Vec<u64> = (0..40u64).map(|i| i.wrapping_mul(0x9e37_79b9_7f4a_7c15)).collect();
        let one = |b: &u64| Sampler::new(&Distribution::exponential(2.0)).sample(&mut These::new([*b]));
        assert_eq!(Sampler::new(&of(2.0, Shape::Erlang { phases: 1 })).sample(&mut These::new(&bits[5..6])), one(&bits[5]));
        let sum: f64 = bits.iter().map(one).sum();
        let erlang = Sampler::new(&of(80.0, Shape::Erlang { phases: 40 })).sample(&mut These::new(bits));
        assert!((erlang - sum).abs() < 1e-12 * sum, "{erlang} for {sum}");
        // 16 of the least uniforms do not make it infinite: 16 x 53 ln 2 x 1.
        let least = Sampler::new(&of(16.0, Shape::Erlang { phases: 16 })).sample(&mut These::new([u64::MAX; 16]));
        assert!((least - 16.0 * 53.0 * std::f64::consts::LN_2).abs() < 1e-10, "{least}");
    }

    #[test]
    fn the_branches_of_a_hyperexponential_give_half_of_the_mean_each() {
        // cv2 = 4: s = sqrt(3/5) = 0.7746; the rare branch has 0.1127 and the mean 10 / (2 x 0.1127) = 44.36, the other 5.635.
        let sampler = Sampler::new(&of(10.0, Shape::HyperExponential { cv2: 4.0 }));
        let s = f64::sqrt(0.6);
        let draw = |branch: f64| sampler.sample(&mut These::new([((branch * (1u64 << 53) as f64) as u64) << 11, 1 << 63]));
        let expected = |p: f64| 10.0 / (2.0 * p) * std::f64::consts::LN_2;
        assert!((draw(0.1127) / expected((1.0 - s) / 2.0) - 1.0).abs() < 1e-14);
        assert!((draw(0.1128) / expected((1.0 + s) / 2.0) - 1.0).abs() < 1e-14);
    }

    #[test]
    fn nothing_is_drawn_as_nothing_and_a_batch_of_mean_one_is_one() {
        let any = [1u64 << 62; 4];
        for shape in [Shape::Exponential, Shape::Erlang { phases: 2 }, Shape::LogNormal { cv: 1.0 }, Shape::Uniform] {
            assert_eq!(Sampler::new(&of(0.0, shape)).sample(&mut These::new(any)), 0.0);
        }
        for bits in [0, 1 << 40, u64::MAX] {
            assert_eq!(Sampler::new(&of(1.0, Shape::Geometric)).sample(&mut These::new([bits])), 1.0);
        }
    }

    #[test]
    #[should_panic(expected = "Pareto index alpha")]
    fn what_is_no_distribution_is_no_sampler() {
        let _ = Sampler::new(&of(1.0, Shape::Pareto { alpha: 1.0 }));
    }

    fn any_shape() -> impl Strategy<Value = Shape> {
        prop_oneof![
            Just(Shape::Fixed),
            Just(Shape::Exponential),
            (1u32..40).prop_map(|phases| Shape::Erlang { phases }),
            (1.0f64..1e12).prop_map(|cv2| Shape::HyperExponential { cv2 }),
            (0.0f64..1e3).prop_map(|cv| Shape::LogNormal { cv }),
            (1.001f64..50.0).prop_map(|alpha| Shape::Pareto { alpha }),
            (0.1f64..50.0).prop_map(|shape| Shape::Weibull { shape }),
            Just(Shape::Uniform),
            Just(Shape::Geometric),
        ]
    }

    proptest! {
        #[test]
        fn a_draw_is_finite_and_not_negative_and_rises_with_its_uniforms(
            shape in any_shape(), mean in prop_oneof![1.0f64..1e9, Just(1e200)], a in 0u64..1 << 53, b in 0u64..1 << 53
        ) {
            let sampler = Sampler::new(&of(mean, shape));
            // The rare branch comes first in the uniform: between branches a hyperexponential does not rise.
            let draw = |x: u64| sampler.sample(&mut These::new(std::array::from_fn::<u64, 40, _>(|i| {
                if i == 0 && matches!(shape, Shape::HyperExponential { .. }) { u64::MAX } else { x << 11 }
            })));
            let (less, more) = (draw(a.min(b)), draw(a.max(b)));
            prop_assert!(less >= 0.0 && more.is_finite(), "{} {}", less, more);
            prop_assert!(less <= more, "{} {}", less, more);
        }

        #[test]
        fn a_draw_is_the_quantile_of_its_uniform(
            shape in prop_oneof![
                Just(Shape::Exponential), (1.05f64..20.0).prop_map(|alpha| Shape::Pareto { alpha }),
                (0.2f64..20.0).prop_map(|shape| Shape::Weibull { shape }), Just(Shape::Uniform), Just(Shape::Geometric),
            ],
            mean in 1.0f64..1e9, step in 1u64..(1 << 53) - 1
        ) {
            let d = of(mean, shape);
            let quantile = d.quantile(step as f64 * super::super::STEP).unwrap();
            let draw = Sampler::new(&d).sample(&mut These::new([step << 11]));
            // ln(1 - p) and log1p(-p) of the same exact p differ by an ulp or two, 1 / 0.2 of that after Weibull's power.
            // Where a geometric steps, the two may fall on either side.
            let whole = if shape == Shape::Geometric { 1.0 } else { 0.0 };
            prop_assert!((draw - quantile).abs() <= 1e-14 * quantile + whole, "{draw} {quantile}");
        }
    }
}
