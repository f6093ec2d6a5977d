//! Interference by fair sharing alone: what a guest's share of the cores leaves of its throughput.
//!
//! # Formula
//! At a share x of its throughput alone a guest needs d x cores, and the driver domain delta x for it; each other guest of
//! kind i wants g_i, and the driver domain q_i for it. Cores are shared by weighted max-min (water-filling). x is the
//! largest, at most 1, at which the guest has d x and the driver domain has delta x. The driver domain moves packets (in its
//! kernel) before it emulates devices (in a process), so emulation delays packets only by taking from the domain's share of
//! the cores. With equal weights and n others that get less than they want: x = C / ((n + 1) d + delta).
//!
//! # Range
//! A work-conserving scheduler by weight, without caps, whose shares are even over the time of a measurement: thousands of
//! slices. It knows no delay of a dispatch and no priority; [`super::two_class`] and [`super::latency`] do.
//!
//! # Source
//! Xen's credit scheduler in the fluid limit (models A2, A3); water-filling as in [`crate::law::share`].
//!
//! # Error
//! S1-13, nothing fitted, the guest short of CPU: beside four CPU-busy guests 20 to 33.3 % lost, 23.4 % measured; beside four
//! I/O-busy ones at most 33.3 %, 37.5 % measured: missed by more than 4 points, so fair sharing is not all there is (models
//! 0.2).

use super::{Case, check_left, halve};
use crate::law::share::level;
use crate::quantity::{Cores, QuantityError};

/// The share of its throughput alone that is left to the guest: 0 to 1.
///
/// ```
/// use models::law::interference::{Beside, Case, Host, Serving, share};
/// use models::quantity::Cores;
/// let cores = |n| Cores::new(n);
/// // Five guests of two busy virtual CPUs on eight cores, an idle driver domain: 8/5 of 2 cores.
/// let case = Case {
///     host: Host { cores: cores(8.0)?, driver_vcpus: cores(2.0)?, driver_weight: 256 },
///     guest: Serving { needs: cores(2.0)?, driver: cores(0.0)?, weight: 256 },
///     beside: vec![Beside { count: 4, cores: cores(2.0)?, driver: cores(0.0)?, weight: 256, emulated: false }],
/// };
/// assert!((share::left(&case)? - 0.8).abs() < 1e-12);
/// # Ok::<(), models::quantity::QuantityError>(())
/// ```
///
/// # Errors
/// As [`Case::check`].
pub fn left(case: &Case) -> Result<f64, QuantityError> {
    case.check()?;
    Ok(left_on(case, case.host.cores.get()))
}

/// The same on so many cores, with nothing checked.
pub(super) fn left_on(case: &Case, cores: f64) -> f64 {
    let (host, guest) = (&case.host, &case.guest);
    let emulated: f64 = case.beside.iter().map(|b| b.driver.get() * f64::from(b.count)).sum();
    // The driver domain first, then the guest; the others do not depend on x.
    let mut demands = vec![(0.0, f64::from(host.driver_weight), 1), (0.0, f64::from(guest.weight), 1)];
    demands.extend(case.beside.iter().map(|b| (b.cores.get(), f64::from(b.weight), b.count)));
    let carries = |x: f64| {
        let (packets, needs) = (guest.driver.get() * x, guest.needs.get() * x);
        let mut demands = demands.clone();
        demands[0].0 = (packets + emulated).min(host.driver_vcpus.get());
        demands[1].0 = needs;
        let level = level(cores.max(0.0), &demands);
        packets <= level * demands[0].1 && needs <= level * demands[1].1
    };
    if carries(1.0) { 1.0 } else { halve(0.0, 1.0, carries) }
}

/// The two ends of the needs (d, delta) that fair sharing reproduces a measured share with: one number, `left`, fixes a line, not a point.
///
/// d goes up to `vcpus`, and delta from nothing to d, as a driver domain that moves a guest's packets works no more than the guest does.
/// `None` where no member does: then fair sharing cannot explain what was measured.
///
/// # Errors
/// A share that is not between 0 and 1, or as [`left()`].
pub fn line(case: &Case, vcpus: Cores, measured: f64) -> Result<Option<[(Cores, Cores); 2]>, QuantityError> {
    check_left(measured)?;
    let most = |d: f64| d.min(case.host.driver_vcpus.get());
    let at = |d: f64, delta: f64| {
        let mut it = case.clone();
        (it.guest.needs, it.guest.driver) = (Cores::new(d)?, Cores::new(delta)?);
        left(&it)
    };
    let vcpus = vcpus.get();
    if at(vcpus, most(vcpus))? > measured {
        return Ok(None);
    }
    // More work never leaves more, so each end is found by halving; what cannot be asked was asked above for the largest needs.
    let leaves = |d: f64, delta: f64| at(d, delta).is_ok_and(|x| x >= measured);
    let low = halve(0.0, vcpus, |d| leaves(d, most(d)));
    let (high, delta) = if leaves(vcpus, 0.0) {
        (vcpus, halve(0.0, most(vcpus), |delta| leaves(vcpus, delta)))
    } else {
        (halve(0.0, vcpus, |d| leaves(d, 0.0)), 0.0)
    };
    Ok(Some([(Cores::new(low)?, Cores::new(most(low))?), (Cores::new(high)?, Cores::new(delta)?)]))
}

#[cfg(test)]
mod tests {
    use super::super::examples::{any, cores, spring8};
    use super::*;
    use proptest::prelude::*;

    /// Loss in percent.
    fn loss(n: u32, driver: f64, q: f64) -> f64 {
        100.0 * (1.0 - left(&spring8(n, 2.0, driver, q)).unwrap())
    }

    #[test]
    fn one_and_two_neighbours_cost_nothing_three_up_to_20_and_four_20_to_33_percent() {
        // models B3 row 17. The guest keeps 2 cores busy. Driver domain idle: 2 (n + 1) cores asked of 8. As busy as the guest: 2 (n + 2).
        for (n, idle, busy) in [(1, 0.0, 0.0), (2, 0.0, 0.0), (3, 0.0, 20.0), (4, 20.0, 100.0 / 3.0)] {
            assert!((loss(n, 0.0, 0.0) - idle).abs() < 1e-10, "{n}");
            assert!((loss(n, 2.0, 0.0) - busy).abs() < 1e-10, "{n} {}", loss(n, 2.0, 0.0));
        }
    }

    #[test]
    fn the_loss_measured_beside_cpu_burners_lies_within_and_that_beside_io_is_missed_by_four_points() {
        // models B3 rows 23 and 24 (S1-13).
        assert!(loss(4, 0.0, 0.0) <= 23.4 && 23.4 <= loss(4, 2.0, 0.0));
        let most = loss(4, 2.0, 1.0);
        assert!((most - 100.0 / 3.0).abs() < 1e-10 && 37.5 - most > 4.0);
    }

    #[test]
    fn four_neighbours_that_take_their_share_leave_8_over_5_d_and_delta() {
        for (d, delta) in [(2.0, 0.44), (1.8, 1.4), (1.75, 1.74)] {
            let x = left(&spring8(4, d, delta, 0.0)).unwrap();
            assert!((x - 8.0 / (5.0 * d + delta)).abs() < 1e-12, "{d} {delta} {x}");
        }
    }

    #[test]
    fn what_was_measured_beside_four_fixes_a_line_that_says_5_to_8_percent_beside_three() {
        // 5 d + delta = 8 / 0.766 = 10.444: d = 2 and delta = 0.444, to d = delta = 1.741 (models A3).
        let [low, high] = line(&spring8(4, 2.0, 0.0, 0.0), cores(2.0), 0.766).unwrap().unwrap();
        assert!((low.0.get() - 8.0 / 0.766 / 6.0).abs() < 1e-9 && low.0 == low.1, "{low:?}");
        assert!((high.0.get() - 2.0).abs() < 1e-12 && (high.1.get() - (8.0 / 0.766 - 10.0)).abs() < 1e-9, "{high:?}");
        let beside_three = |(d, delta): (Cores, Cores)| 100.0 * (1.0 - left(&spring8(3, d.get(), delta.get(), 0.0)).unwrap());
        // x = 8 / (4 d + delta): 0.9474; where the driver domain is short as well, 8 / 5 of 1.741: 0.9192.
        let (high, low) = (beside_three(high), beside_three(low));
        assert!((high - 5.26).abs() < 0.01 && (low - 8.08).abs() < 0.01, "{high} {low}");
        // Beside two nothing is lost: 4 + 2 + 0.444 of 8.
        assert!(left(&spring8(2, 2.0, 0.444, 0.0)).unwrap() > 1.0 - 1e-12);
    }

    #[test]
    fn no_needs_explain_a_loss_beyond_a_third() {
        assert_eq!(line(&spring8(4, 2.0, 0.0, 1.0), cores(2.0), 0.625).unwrap(), None);
        for bad in [0.0, 1.0, f64::NAN, -1.0] {
            assert!(line(&spring8(4, 2.0, 0.0, 0.0), cores(2.0), bad).is_err());
        }
    }

    #[test]
    fn what_cannot_be_asked_is_refused() {
        let good = spring8(4, 2.0, 1.0, 0.0);
        let mut bad = good.clone();
        bad.guest.weight = 0;
        assert!(left(&bad).is_err());
        let mut bad = good.clone();
        bad.host.cores = cores(2.9);
        assert!(left(&bad).is_err());
        let mut bad = good;
        bad.guest.driver = cores(2.1);
        assert!(left(&bad).is_err());
    }

    proptest! {
        #[test]
        fn more_cores_never_hurt_and_a_higher_weight_neither(case in any(), more in 0.0f64..8.0, heavier in 0u32..1000) {
            let mut larger = case.clone();
            larger.host.cores = cores(case.host.cores.get() + more);
            prop_assert!(left(&larger).unwrap() >= left(&case).unwrap() - 1e-12);
            // Where the guest needs the driver domain, a higher weight can take from it what the guest needs there.
            let mut plain = case;
            plain.guest.driver = cores(0.0);
            let mut favoured = plain.clone();
            favoured.guest.weight += heavier;
            prop_assert!(left(&favoured).unwrap() >= left(&plain).unwrap() - 1e-12);
        }

        #[test]
        fn another_neighbour_or_a_busier_one_never_helps(case in any(), more in 1u32..4, busier in 0.0f64..1.0) {
            let x = left(&case).unwrap();
            for i in 0..case.beside.len() {
                let mut it = case.clone();
                it.beside[i].count += more;
                prop_assert!(left(&it).unwrap() <= x + 1e-12);
                let mut it = case.clone();
                it.beside[i].driver = cores(it.beside[i].driver.get() + busier);
                prop_assert!(left(&it).unwrap() <= x + 1e-12);
            }
        }

        #[test]
        fn it_is_what_sharing_in_whole_units_says(case in any()) {
            // The guest is held at x by the whole-number law: at x all have what they need, a little above it somebody has not.
            let x = left(&case).unwrap();
            let nano = |n: f64| (n * 1e9) as u64;
            let holds = |x: f64, slack: f64| {
                let emulated: f64 = case.beside.iter().map(|b| b.driver.get() * f64::from(b.count)).sum();
                let packets = case.guest.driver.get() * x;
                let mut demands = vec![
                    (nano((packets + emulated).min(case.host.driver_vcpus.get())), u64::from(case.host.driver_weight)),
                    (nano(case.guest.needs.get() * x), u64::from(case.guest.weight)),
                ];
                for b in &case.beside {
                    demands.extend(vec![(nano(b.cores.get()), u64::from(b.weight)); b.count as usize]);
                }
                let shares = crate::law::share::max_min(nano(case.host.cores.get()), &demands);
                shares[0] as f64 / 1e9 >= packets - slack && shares[1] as f64 / 1e9 >= case.guest.needs.get() * x - slack
            };
            prop_assert!(holds(x, 1e-7));
            if x < 0.99 {
                prop_assert!(!holds(x + 0.01, 1e-7));
            }
        }
    }
}
