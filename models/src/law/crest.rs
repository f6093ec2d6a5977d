//! Peak current on a CVCF: what is left of its rating for loads that draw their current in short peaks.
//!
//! # Formula
//! derating = crest factor that it is rated for x I_rms / I_peak, at most 1: it carries S where sum CF_i x S_i is at most
//! CF_ups x S_rated. The voltage is the same on both sides, so that peaks are told in VA x crest factor.
//!
//! # Range
//! Rectifiers, which all draw their peak at the crest of the voltage, so that peaks add. Loads whose peaks fall apart draw less.
//!
//! # Source
//! The derating is in a maker's planning page for power units (models A1.3), which says to take the root of 2 where the
//! crest factor of the CVCF is not known.
//!
//! # Error
//! A crest factor grows as load falls and shrinks on a weak source; a single number for it is a bound only where it is that of
//! the load at hand.

use crate::quantity::{CrestFactor, VoltAmperes};

/// The peak that a load of this crest factor draws, VA x crest factor; peaks of several loads add.
#[must_use]
pub fn peak_va(load: VoltAmperes, crest: CrestFactor) -> f64 {
    load.get() * crest.get()
}

/// The share of its rating that a CVCF carries of a load of this crest factor.
///
/// ```
/// use models::law::crest::derating;
/// use models::quantity::CrestFactor;
/// // Rated for a sine, loaded by rectifiers whose peak is 2.5 times their effective current: 1.414 / 2.5.
/// let share = derating(CrestFactor::new(1.414)?, CrestFactor::new(2.5)?);
/// assert!((share - 0.5656).abs() < 1e-12);
/// # Ok::<(), models::quantity::QuantityError>(())
/// ```
#[must_use]
pub fn derating(rated_for: CrestFactor, load: CrestFactor) -> f64 {
    (rated_for.get() / load.get()).min(1.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn cf(x: f64) -> CrestFactor {
        CrestFactor::new(x).unwrap()
    }

    #[test]
    fn a_load_no_worse_than_it_is_rated_for_takes_nothing_off() {
        assert_eq!(derating(cf(3.0), cf(1.414)), 1.0);
        assert_eq!(derating(cf(1.414), cf(1.414)), 1.0);
    }

    proptest! {
        #[test]
        fn what_the_derating_lets_on_draws_the_peak_that_it_is_rated_for(ups in 1.0f64..3.0, load in 1.0f64..4.0, rating in 1.0f64..1e5) {
            let most = rating * derating(cf(ups), cf(load));
            let peak = peak_va(VoltAmperes::new(most).unwrap(), cf(load));
            prop_assert!(peak <= rating * ups * (1.0 + 1e-12));
            prop_assert!(load < ups || (peak / (rating * ups) - 1.0).abs() < 1e-12);
        }
    }
}
