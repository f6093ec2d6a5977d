//! Physical or virtual: when a service outgrows a guest, and when it can come back.
//!
//! # Formula
//! A guest can have c = min(vCPUs, cores) x clock x (1 - hypervisor's share). By stretches of time (days), the p-th percentile
//! of what the service asks for: above `out` x c it moves to a machine of its own at the start of that stretch, and comes
//! back at the first stretch from which it has stayed at or below `back` x c for so many stretches; `back` < `out`, so that a
//! load at the limit does not move to and fro.
//!
//! # Range
//! CPU alone decides. Loads are known ahead, as in a replay: an operator moves after the fact, so the first stretch is late by
//! up to its length. The move itself takes the service down for a stop and a start, which is counted in moves.
//!
//! # Source
//! A switch with hysteresis; the wish is S0-18's.
//!
//! # Error
//! None of its own: it is as good as the loads and the limits given.

/// When to move.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize)]
pub struct Limits {
    /// Above this share of what a guest can have, a service moves to a machine of its own: above 0.
    pub out: f64,
    /// At or below this share it may come back: below `out`.
    pub back: f64,
    /// For so many stretches it must have stayed there: 1 or more.
    pub calm: usize,
}

/// A stay on a machine of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stay {
    /// The stretch at whose start it moves out, from 0.
    pub out: usize,
    /// The stretch at whose start it is back; none: it stays to the end.
    pub back: Option<usize>,
}

/// The stays of a service: `asked` by stretch, and what a guest `can` have, in the same unit.
///
/// ```
/// use models::law::switching::{Limits, Stay, stays};
/// let limits = Limits { out: 0.8, back: 0.4, calm: 2 };
/// // A burst on the third day; two calm days, and it comes back.
/// let found = stays(&[1.0, 1.0, 9.0, 6.0, 1.0, 1.0, 1.0], 10.0, limits);
/// assert_eq!(found, [Stay { out: 2, back: Some(6) }]);
/// ```
#[must_use]
pub fn stays(asked: &[f64], can: f64, limits: Limits) -> Vec<Stay> {
    let mut found: Vec<Stay> = Vec::new();
    let mut calm = 0;
    for (i, x) in asked.iter().enumerate() {
        match found.last_mut().filter(|s| s.back.is_none()) {
            None if *x > limits.out * can => {
                found.push(Stay { out: i, back: None });
                calm = 0;
            }
            None => {}
            Some(stay) => {
                // What stands there now decides: calm until the end of the stretch before.
                if calm >= limits.calm && *x <= limits.out * can {
                    stay.back = Some(i);
                    continue;
                }
                calm = if *x <= limits.back * can { calm + 1 } else { 0 };
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const LIMITS: Limits = Limits { out: 0.8, back: 0.4, calm: 1 };

    #[test]
    fn a_load_between_the_limits_does_not_move_to_and_fro() {
        assert_eq!(stays(&[5.0, 7.0, 5.0, 7.9], 10.0, LIMITS), []);
        // Once out it stays out while it is above the lower limit.
        assert_eq!(stays(&[9.0, 7.0, 5.0, 7.0], 10.0, LIMITS), [Stay { out: 0, back: None }]);
    }

    #[test]
    fn two_bursts_are_two_stays() {
        let found = stays(&[1.0, 9.0, 1.0, 1.0, 9.0, 1.0, 1.0], 10.0, LIMITS);
        assert_eq!(found, [Stay { out: 1, back: Some(3) }, Stay { out: 4, back: Some(6) }]);
    }

    proptest! {
        #[test]
        fn while_it_is_a_guest_it_never_asks_for_more_than_the_limit(
            asked in prop::collection::vec(0.0f64..20.0, 0..40), calm in 1usize..4, back in 0.1f64..0.7,
        ) {
            let limits = Limits { out: 0.8, back, calm };
            let found = stays(&asked, 10.0, limits);
            let out = |i: usize| found.iter().any(|s| s.out <= i && s.back.is_none_or(|b| i < b));
            for (i, x) in asked.iter().enumerate() {
                prop_assert!(out(i) || *x <= 8.0, "{i} {x} {found:?}");
            }
            // It moves out only when it must, and stays are apart.
            for s in &found {
                prop_assert!(asked[s.out] > 8.0 && s.back.is_none_or(|b| b > s.out + calm));
            }
            prop_assert!(found.windows(2).all(|p| p[0].back.is_some_and(|b| b <= p[1].out)));
        }

        #[test]
        fn a_larger_guest_is_never_outgrown_earlier(asked in prop::collection::vec(0.0f64..20.0, 1..40), can in 5.0f64..15.0) {
            let first = |can| stays(&asked, can, LIMITS).first().map_or(usize::MAX, |s| s.out);
            prop_assert!(first(can * 1.5) >= first(can));
        }
    }
}
