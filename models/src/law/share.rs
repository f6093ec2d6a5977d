//! CPU shared among guests: weighted max-min fairness (water-filling).
//!
//! # Formula
//! Each guest gets a_i = min(d_i, level x w_i); the level is such that all capacity is used or all demand met.
//!
//! # Range
//! The fluid limit of Xen's credit scheduler and of the Linux scheduler's shares. It leaves out dispatch delay, caches and the
//! hypervisor's own work.
//!
//! # Source
//! Max-min fairness; weights as in Xen's credit scheduler (models A2).
//!
//! # Error
//! Rounded down to whole units, less than one a guest. Against four busy guests on eight cores the fair share alone brackets what
//! was measured for CPU, and misses it for I/O (S1-13).

/// Shares `capacity` among demands with weights; the answer has the order of the question.
///
/// Whole units: shares are rounded down, so that their sum never exceeds the capacity.
///
/// ```
/// use models::law::share::max_min;
/// assert_eq!(max_min(100, &[(10, 1), (80, 1), (80, 1)]), [10, 45, 45]);
/// ```
///
/// # Panics
/// Where a weight is zero.
#[must_use]
pub fn max_min(capacity: u64, demands: &[(u64, u64)]) -> Vec<u64> {
    let mut order: Vec<usize> = (0..demands.len()).collect();
    // The least demand for its weight is met first: d_i / w_i, compared without division.
    order.sort_by(|&a, &b| {
        let ((da, wa), (db, wb)) = (demands[a], demands[b]);
        (u128::from(da) * u128::from(wb)).cmp(&(u128::from(db) * u128::from(wa))).then(a.cmp(&b))
    });
    let mut left = u128::from(capacity);
    let mut weight: u128 = demands.iter().map(|(_, w)| u128::from(*w)).sum();
    let mut shares = vec![0; demands.len()];
    for i in order {
        let (d, w) = (u128::from(demands[i].0), u128::from(demands[i].1));
        assert!(w > 0, "a guest without weight");
        let share = d.min(left * w / weight);
        shares[i] = u64::try_from(share).expect("a share is no more than its demand");
        left -= share;
        weight -= w;
    }
    shares
}

/// The level to which `capacity` is filled, in real numbers: a demand d of weight w gets min(d, level x w). Demands come with how many
/// there are of each. Infinite where all is met.
///
/// ```
/// use models::law::share::level;
/// // 8 cores, five guests that want 2 each: 8/5 for each of them.
/// assert_eq!(level(8.0, &[(2.0, 1.0, 5)]), 1.6);
/// assert_eq!(level(8.0, &[(2.0, 1.0, 4)]), f64::INFINITY);
/// ```
///
/// Weights are above 0 and demands not negative; one that is not leaves a level without meaning.
#[must_use]
pub fn level(capacity: f64, demands: &[(f64, f64, u32)]) -> f64 {
    let mut order: Vec<(f64, f64)> = demands.iter().map(|(d, w, n)| (d / w, w * f64::from(*n))).collect();
    order.sort_by(|a, b| a.0.total_cmp(&b.0));
    let mut left = capacity;
    let mut weight: f64 = order.iter().map(|(_, w)| w).sum();
    for (wants, of_weight) in order {
        // `wants` is the level at which these are met.
        if wants * weight > left {
            return (left / weight).max(0.0);
        }
        left -= wants * of_weight;
        weight -= of_weight;
    }
    f64::INFINITY
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn weights_divide_what_is_short() {
        assert_eq!(max_min(90, &[(100, 2), (100, 1)]), [60, 30]);
        assert_eq!(max_min(1000, &[(100, 2), (100, 1)]), [100, 100]);
    }

    proptest! {
        #[test]
        fn it_is_feasible_conserves_work_and_is_fair(capacity in 0u64..10_000, demands in prop::collection::vec((0u64..5_000, 1u64..5), 1..12)) {
            let shares = max_min(capacity, &demands);
            let (given, asked): (u64, u64) = (shares.iter().sum(), demands.iter().map(|d| d.0).sum());
            prop_assert!(given <= capacity);
            // Rounding leaves at most one unit a guest unused.
            prop_assert!(given + demands.len() as u64 >= capacity.min(asked));
            for (i, (d, w)) in demands.iter().enumerate() {
                prop_assert!(shares[i] <= *d);
                if shares[i] < *d {
                    for (j, (_, wj)) in demands.iter().enumerate() {
                        // Nobody has more for its weight than one who is short, but for rounding: a unit a guest, and a
                        // unit for each of the weight.
                        prop_assert!(shares[j] * w <= (shares[i] + demands.len() as u64 + w) * wj);
                    }
                }
            }
        }

        #[test]
        fn in_real_numbers_it_is_the_same(capacity in 0u64..10_000, demands in prop::collection::vec((0u64..5_000, 1u64..5), 1..12)) {
            let whole = max_min(capacity, &demands);
            let real: Vec<(f64, f64, u32)> = demands.iter().map(|(d, w)| (*d as f64, *w as f64, 1)).collect();
            let level = level(capacity as f64, &real);
            for (share, (d, w, _)) in whole.iter().zip(&real) {
                // Whole shares are rounded down, a unit a guest at most for each of the weight.
                prop_assert!((*share as f64 - d.min(level * w)).abs() <= demands.len() as f64 + w, "{} {} {}", share, d, level);
            }
        }
    }
}
