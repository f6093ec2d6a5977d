//! Apparent power of several loads together.
//!
//! # Formula
//! P = sum P_i, Q = sum P_i tan(phi_i) with cos(phi_i) the power factor, S = sqrt(P^2 + Q^2): the vector sum. Beside it the
//! arithmetic sum of S_i = P_i / cos(phi_i), which is never less, and equal only where all factors are.
//!
//! # Range
//! Any loads of one phase or of phases that are balanced, all lagging or all leading. Where some lead and some lag, Q
//! cancels in part: less than the vector sum here, and the arithmetic sum is still a bound.
//!
//! # Source
//! Elementary; models A1.3 asks for both sums.
//!
//! # Error
//! A power factor is taken as displacement. What a rectifier adds by distortion sums neither way: it lies between both sums
//! as far as the harmonics of the loads agree, so that a limit is held against the arithmetic sum.

use crate::quantity::{PowerFactor, VoltAmperes, Watts};

/// A load.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Load {
    /// Its real power.
    pub real: Watts,
    /// Its power factor.
    pub factor: PowerFactor,
}

/// Loads together.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Sum {
    /// Real power.
    pub real: Watts,
    /// Reactive power, var.
    pub reactive_var: f64,
    /// The vector sum of apparent power.
    pub vector: VoltAmperes,
    /// The arithmetic sum of apparent power: the safe bound.
    pub arithmetic: VoltAmperes,
}

/// The apparent power of a real and a reactive part, var.
#[must_use]
pub fn vector(real: Watts, reactive_var: f64) -> VoltAmperes {
    // Held at the greatest number there is, so that no input makes it infinite.
    VoltAmperes::new(real.get().hypot(reactive_var).min(f64::MAX)).expect("a hypotenuse is a power")
}

/// Some loads together.
///
/// ```
/// use models::law::apparent::{Load, sum};
/// use models::quantity::{PowerFactor, Watts};
/// // 600 W at 0.6 (800 var, 1000 VA) and 600 W at 1: 1200 W and 800 var make 1442 VA, where VA add up to 1600.
/// let load = |pf| Ok(Load { real: Watts::new(600.0)?, factor: PowerFactor::new(pf)? });
/// let both = sum([load(0.6)?, load(1.0)?]);
/// assert!((both.vector.get() - 1442.22).abs() < 0.01 && (both.arithmetic.get() - 1600.0).abs() < 1e-9);
/// # Ok::<(), models::quantity::QuantityError>(())
/// ```
#[must_use]
pub fn sum(loads: impl IntoIterator<Item = Load>) -> Sum {
    let (mut real, mut reactive_var, mut arithmetic) = (Watts::ZERO, 0.0, VoltAmperes::ZERO);
    for load in loads {
        real += load.real;
        reactive_var += load.real.reactive_var(load.factor);
        arithmetic += load.real.apparent(load.factor);
    }
    Sum { real, reactive_var, vector: vector(real, reactive_var), arithmetic }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn load(w: f64, pf: f64) -> Load {
        Load { real: Watts::new(w).unwrap(), factor: PowerFactor::new(pf).unwrap() }
    }

    #[test]
    fn nothing_is_nothing() {
        assert_eq!(sum([]), Sum { real: Watts::ZERO, reactive_var: 0.0, vector: VoltAmperes::ZERO, arithmetic: VoltAmperes::ZERO });
    }

    #[test]
    fn no_load_makes_it_infinite() {
        assert!(vector(Watts::new(f64::MAX).unwrap(), f64::MAX).get().is_finite());
    }

    proptest! {
        #[test]
        fn the_vector_sum_never_exceeds_the_arithmetic_sum(all in prop::collection::vec((0.0f64..1e4, 0.05f64..1.0), 0..12)) {
            let it = sum(all.iter().map(|(w, pf)| load(*w, *pf)));
            prop_assert!(it.vector.get() <= it.arithmetic.get() * (1.0 + 1e-12));
            prop_assert!(it.real.get() <= it.vector.get() * (1.0 + 1e-12));
        }

        #[test]
        fn they_are_equal_where_all_factors_are_and_only_there(
            all in prop::collection::vec(1.0f64..1e4, 2..12), pf in 0.1f64..0.9, other in 0.01f64..0.1,
        ) {
            let alike = sum(all.iter().map(|w| load(*w, pf)));
            prop_assert!((alike.vector.get() / alike.arithmetic.get() - 1.0).abs() < 1e-12);
            let unlike = sum(all.iter().enumerate().map(|(i, w)| load(*w, if i == 0 { pf + other } else { pf })));
            prop_assert!(unlike.vector.get() < unlike.arithmetic.get() * (1.0 - 1e-12), "{unlike:?}");
        }

        #[test]
        fn doubling_every_power_factor_halves_the_arithmetic_sum(all in prop::collection::vec((1.0f64..1e4, 0.05f64..0.5), 1..12)) {
            let half = sum(all.iter().map(|(w, pf)| load(*w, *pf)));
            let whole = sum(all.iter().map(|(w, pf)| load(*w, 2.0 * pf)));
            prop_assert!((half.arithmetic.get() / whole.arithmetic.get() - 2.0).abs() < 1e-12);
        }
    }
}
