//! The normal distribution's quantile.

#![allow(clippy::excessive_precision, reason = "coefficients and known answers stand as published")]

/// The x below which a standard normal lies with probability `p`, to about 1 part in 10^15.
///
/// Rational approximations PPND16 of Wichura, algorithm AS 241, Applied Statistics 37(3), 1988, 477-484: one about the middle, two in the
/// tails over sqrt(-ln p). -infinity at 0, infinity at 1. The lower tail is good to the least p that a double holds; near 1
/// the doubles are 10^-16 apart, so where p is close to 1 take the negative of the quantile of 1 - p.
///
/// ```
/// use sim::random::normal_quantile;
/// assert!((normal_quantile(0.975) - 1.959963984540054).abs() < 1e-15);
/// assert_eq!(normal_quantile(0.5), 0.0);
/// ```
///
/// # Panics
/// Where `p` is not from 0 to 1.
#[must_use]
pub fn normal_quantile(p: f64) -> f64 {
    assert!((0.0..=1.0).contains(&p), "normal quantile {p}");
    let q = p - 0.5;
    if q.abs() <= 0.425 {
        let r = 0.180625 - q * q;
        return q * polynomial(&MIDDLE.0, r) / polynomial(&MIDDLE.1, r);
    }
    let tail = if q < 0.0 { p } else { 1.0 - p };
    if tail == 0.0 {
        return f64::INFINITY.copysign(q);
    }
    let r = libm::sqrt(-libm::log(tail));
    // r = 5 is where p is 1.4e-11.
    let (r, (above, below)) = if r <= 5.0 { (r - 1.6, &TAIL) } else { (r - 5.0, &FAR) };
    (polynomial(above, r) / polynomial(below, r)).copysign(q)
}

/// The constant comes first.
#[inline]
fn polynomial(coefficients: &[f64; 8], x: f64) -> f64 {
    coefficients.iter().rev().fold(0.0, |sum, c| sum * x + c)
}

/// Numerator and denominator for |p - 1/2| <= 0.425.
const MIDDLE: ([f64; 8], [f64; 8]) = (
    [
        3.387_132_872_796_366_608,
        1.331_416_678_917_843_774_5e2,
        1.971_590_950_306_551_442_7e3,
        1.373_169_376_550_946_112_5e4,
        4.592_195_393_154_987_145_7e4,
        6.726_577_092_700_870_085_3e4,
        3.343_057_558_358_812_810_5e4,
        2.509_080_928_730_122_672_7e3,
    ],
    [
        1.0,
        4.231_333_070_160_091_125_2e1,
        6.871_870_074_920_579_083e2,
        5.394_196_021_424_751_107_7e3,
        2.121_379_430_158_659_586_7e4,
        3.930_789_580_009_271_061e4,
        2.872_908_573_572_194_267_4e4,
        5.226_495_278_852_854_561e3,
    ],
);
/// In 1.6 less than sqrt(-ln p), down to p = e^-25.
const TAIL: ([f64; 8], [f64; 8]) = (
    [
        1.423_437_110_749_683_577_34,
        4.630_337_846_156_545_295_9,
        5.769_497_221_460_691_405_5,
        3.647_848_324_763_204_605_04,
        1.270_458_252_452_368_382_58,
        2.417_807_251_774_506_117_7e-1,
        2.272_384_498_926_918_458_33e-2,
        7.745_450_142_783_414_076_4e-4,
    ],
    [
        1.0,
        2.053_191_626_637_758_821_87,
        1.676_384_830_183_803_849_4,
        6.897_673_349_851_000_045_5e-1,
        1.481_039_764_274_800_745_9e-1,
        1.519_866_656_361_645_719_66e-2,
        5.475_938_084_995_344_946e-4,
        1.050_750_071_644_416_843_24e-9,
    ],
);
/// In 5 less than sqrt(-ln p), below that.
const FAR: ([f64; 8], [f64; 8]) = (
    [
        6.657_904_643_501_103_777_2,
        5.463_784_911_164_114_369_9,
        1.784_826_539_917_291_335_8,
        2.965_605_718_285_048_912_3e-1,
        2.653_218_952_657_612_309_3e-2,
        1.242_660_947_388_078_438_6e-3,
        2.711_555_568_743_487_578_15e-5,
        2.010_334_399_292_288_132_65e-7,
    ],
    [
        1.0,
        5.998_322_065_558_879_376_9e-1,
        1.369_298_809_227_358_053_1e-1,
        1.487_536_129_085_061_485_25e-2,
        7.868_691_311_456_132_591e-4,
        1.846_318_317_510_054_681_8e-5,
        1.421_511_758_316_445_888_7e-7,
        2.044_263_103_389_939_785_64e-15,
    ],
);

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn known_quantiles_are_met_to_fifteen_digits() {
        // Reckoned with 40 digits at the double that is nearest to p.
        let known = [
            (0.5001, 2.506_628_300_880_074_9e-4),
            (0.3, -0.524_400_512_708_040_8),
            (0.925, 1.439_531_470_938_456_2),
            (0.0749, -1.440_238_267_527_963_7),
            (0.975, 1.959_963_984_540_053_9),
            (0.999, 3.090_232_306_167_813_3),
            (1e-3, -3.090_232_306_167_813_5),
            (1e-7, -5.199_337_582_192_816_9),
            (1e-10, -6.361_340_902_404_056_2),
            (1e-15, -7.941_345_326_170_996_8),
            (1e-100, -21.273_453_560_965_324),
            (1e-300, -37.047_096_299_361_199),
        ];
        for (p, x) in known {
            let got = normal_quantile(p);
            assert!((got - x).abs() <= 1e-15 * f64::abs(x), "{p}: {got} for {x}");
        }
        // 2^-53 from either end, the farthest that a draw reaches.
        assert_eq!(normal_quantile(1.0 - 1.0 / (1u64 << 53) as f64), -normal_quantile(1.0 / (1u64 << 53) as f64));
        assert_eq!((normal_quantile(0.0), normal_quantile(1.0)), (f64::NEG_INFINITY, f64::INFINITY));
    }

    proptest! {
        #[test]
        fn the_normals_own_probability_leads_back(x in -37.0f64..6.0) {
            // An oracle that shares nothing: p = erfc(-x / sqrt 2) / 2. An error of 1 ulp in p moves x by about p / density, that is
            // 1 / |x| in the lower tail and up to e^18 x 2.5 x 1e-16 at 6; the erfc of x itself is good to x^2 ulps.
            let p = 0.5 * libm::erfc(-x / std::f64::consts::SQRT_2);
            let density = 0.398_942_280_401_432_7 * libm::exp(-0.5 * x * x);
            let allowed = 1e-15 * (x.abs() + 1.0) + 2e-16 * (4.0 + x * x) * p / density;
            prop_assert!((normal_quantile(p) - x).abs() <= allowed, "{} for {x}", normal_quantile(p));
        }

        #[test]
        fn quantiles_never_fall(p in 0.0f64..1.0, by in 0.0f64..1e-3) {
            prop_assert!(normal_quantile(p) <= normal_quantile((p + by).min(1.0)));
        }
    }
}
