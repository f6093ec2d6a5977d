//! Processor sharing: guests that share cores evenly.
//!
//! # Formula
//! A job among k runs at rate min(1, m / k) on m cores: mean time as in M/M/m. With h >= m permanent jobs beside,
//! E[N] = (h + 1) rho / (1 - rho).
//!
//! # Range
//! Poisson arrivals, load below 1. Means depend on the service demand through its mean alone, so that they need no word about its
//! distribution; percentiles do depend on it, and are left out.
//!
//! # Source
//! Cohen 1979, generalised processor sharing (models A2; fixtures: B3, rows 8 to 10).
//!
//! # Error
//! Exact for means.

use super::{QueueError, at_least_one, below_one, erlang_b, finite, mmc_sojourn, nonnegative, positive};

/// Mean sojourn of M/G/k-PS, for any distribution of service: that of M/M/k (Cohen 1979).
///
/// ```
/// use models::law::queueing::ps_sojourn;
/// // One core at load 0.8, mean service 1: 1 / (1 - 0.8).
/// assert!((ps_sojourn(1, 0.8, 1.0)? - 5.0).abs() < 1e-12);
/// # Ok::<(), models::law::queueing::QueueError>(())
/// ```
///
/// # Errors
/// No core, a rate or mean that is not possible, or overload.
pub fn ps_sojourn(cores: u32, arrival_rate: f64, mean_service: f64) -> Result<f64, QueueError> {
    mmc_sojourn(cores, arrival_rate, 1.0 / positive("mean service", mean_service)?)
}

/// Mean sojourn in M/G/1-PS of a job that needs `size` of service: x / (1 - rho).
///
/// # Errors
/// A negative size, or a load outside 0 to below 1.
pub fn ps_sojourn_of_size(size: f64, rho: f64) -> Result<f64, QueueError> {
    finite(nonnegative("size", size)? / (1.0 - below_one(rho)?))
}

/// Mean number of jobs, without the hogs, where jobs share `cores` evenly with `hogs` that never stop (one vCPU each).
///
/// p_j is in proportion to the product over k = 1..j of lambda / (k mu min(1, m / (h + k))); for h >= m the mean is
/// (h + 1) rho / (1 - rho). The endless sum is closed exactly: up to J = max(m - h, 0) jobs the terms are Erlang's, and
/// the tail is 2F1(1, h + J + 1; J + 1; rho), which Pfaff's transformation makes a sum of h + 1 positive terms.
/// Held against simulation (models 0.8).
///
/// # Errors
/// No core, a rate that is not possible, or load lambda / (m mu) of 1 or more: the hogs take their share, yet yield to
/// the crowd, so they do not change when it is stable.
pub fn ps_hogs_number(cores: u32, hogs: u32, arrival_rate: f64, service_rate: f64) -> Result<f64, QueueError> {
    let m = at_least_one("number of cores", cores)?;
    let a = nonnegative("arrival rate", arrival_rate)? / positive("service rate", service_rate)?;
    let (rho, h) = (below_one(a / m)?, f64::from(hogs));
    // Everything is told relative to p_J: the head up to J adds to 1 / b, the tail from J on to `tail`.
    let free = cores.saturating_sub(hogs);
    let (b, j) = (erlang_b(free, a)?, f64::from(free));
    let odds = rho / (1.0 - rho);
    let (mut term, mut tail) = (1.0, 0.0);
    for k in 0..=hogs {
        tail += term;
        term *= (h - f64::from(k)) / (j + f64::from(k) + 1.0) * odds;
    }
    tail /= 1.0 - rho;
    // sum of j p_j: over the head a (1 / b - 1); over the tail by balance j p_j = rho (h + j) p_(j-1), once J is there.
    // Both sums are divided by `tail`, which may be too large for a double.
    let head = (1.0 - b) / tail;
    finite((a * head + b * (j * rho / tail + rho * (h + 1.0)) / (1.0 - rho)) / (head + b))
}

/// Mean sojourn of a job that shares `cores` evenly with `hogs`: [`ps_hogs_number`] over the arrival rate (Little).
///
/// # Errors
/// As [`ps_hogs_number`].
pub fn ps_hogs_sojourn(cores: u32, hogs: u32, arrival_rate: f64, service_rate: f64) -> Result<f64, QueueError> {
    let number = ps_hogs_number(cores, hogs, arrival_rate, service_rate)?;
    if arrival_rate > 0.0 {
        return finite(number / arrival_rate);
    }
    // The one who comes to an empty system shares with the hogs alone.
    finite((f64::from(hogs) + 1.0).max(f64::from(cores)) / f64::from(cores) / service_rate)
}

#[cfg(test)]
mod tests {
    use super::super::testing::{close, prints};
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn processor_sharing_has_the_means_of_the_table_whatever_the_service() {
        // models B3 row 8: 1 / (1 - 0.8); row 9: eight cores at 0.9.
        assert!(close(ps_sojourn(1, 0.8, 1.0).unwrap(), 5.0, 1e-12));
        prints(ps_sojourn(8, 7.2, 1.0).unwrap(), "1.876916238");
    }

    #[test]
    fn hogs_slow_the_jobs_of_an_eight_core_host_as_in_the_table() {
        // models B3 row 10, mu = 1; the long digits are the endless sum in 40 digits.
        for (lambda, hogs, printed, digits) in [
            (2.0, 4, "1.033262", 1.033_261_767_077_084_4),
            (2.0, 6, "1.186463", 1.186_463_384_671_089_2),
            (2.0, 8, "1.5", 1.5),
            (6.0, 8, "4.5", 4.5),
            (6.0, 3, "2.038486", 2.038_485_833_937_721),
        ] {
            let sojourn = ps_hogs_sojourn(8, hogs, lambda, 1.0).unwrap();
            prints(sojourn, printed);
            assert!(close(sojourn, digits, 1e-12), "{lambda} {hogs}: {sojourn}");
        }
    }

    #[test]
    fn a_job_alone_shares_with_the_hogs_alone() {
        // Three hogs and one job on two cores: half a core each. Without arrivals the same holds in the limit.
        assert_eq!(ps_hogs_sojourn(2, 3, 0.0, 1.0), Ok(2.0));
        // Room for all: as fast as one core goes.
        assert_eq!(ps_hogs_sojourn(8, 3, 0.0, 2.0), Ok(0.5));
        assert!(close(ps_hogs_sojourn(2, 3, 1e-9, 1.0).unwrap(), 2.0, 1e-8));
    }

    #[test]
    fn overload_and_nonsense_are_errors() {
        assert!(matches!(ps_hogs_number(8, 3, 8.0, 1.0), Err(QueueError::Overloaded { load: 1.0 })));
        assert!(matches!(ps_sojourn(2, 3.0, 1.0), Err(QueueError::Overloaded { .. })));
        for bad in [
            ps_hogs_number(0, 1, 0.5, 1.0),
            ps_hogs_sojourn(1, 1, -0.5, 1.0),
            ps_hogs_sojourn(1, 1, 0.5, 0.0),
            ps_sojourn(1, 0.5, 0.0),
            ps_sojourn_of_size(-1.0, 0.5),
            ps_sojourn_of_size(1.0, f64::NAN),
        ] {
            assert!(matches!(bad, Err(QueueError::Argument(_))), "{bad:?}");
        }
    }

    #[test]
    fn many_hogs_and_a_high_load_leave_a_finite_answer() {
        // The tail is (1 - rho)^-(h + 1), beyond any double; the mean is (h + 1) rho / (1 - rho) = 1001 x 999.
        assert!(close(ps_hogs_number(8, 1000, 7.992, 1.0).unwrap(), 999_999.0, 1e-9));
    }

    proptest! {
        #[test]
        fn without_hogs_it_is_m_m_m(cores in 1u32..40, rho in 0.001f64..0.999, mu in 0.1f64..10.0) {
            let lambda = rho * f64::from(cores) * mu;
            prop_assert!(close(ps_hogs_sojourn(cores, 0, lambda, mu).unwrap(), mmc_sojourn(cores, lambda, mu).unwrap(), 1e-11));
        }

        #[test]
        fn with_a_hog_a_core_the_mean_is_closed(cores in 1u32..12, more in 0u32..12, rho in 0.001f64..0.99) {
            let h = f64::from(cores + more);
            let expected = (h + 1.0) * rho / (1.0 - rho);
            prop_assert!(close(ps_hogs_number(cores, cores + more, rho * f64::from(cores), 1.0).unwrap(), expected, 1e-11));
        }

        #[test]
        fn it_is_the_endless_sum(cores in 1u32..12, hogs in 0u32..16, rho in 0.01f64..0.9) {
            let (m, h) = (f64::from(cores), f64::from(hogs));
            let (mut p, mut all, mut number) = (1.0, 1.0, 0.0);
            for k in 1..5000 {
                let k = f64::from(k);
                p *= rho * m / (k * (m / (h + k)).min(1.0));
                all += p;
                number += k * p;
            }
            prop_assert!(close(ps_hogs_number(cores, hogs, rho * m, 1.0).unwrap(), number / all, 1e-11));
        }

        #[test]
        fn one_hog_more_never_helps(cores in 1u32..16, hogs in 0u32..16, rho in 0.01f64..0.95) {
            let lambda = rho * f64::from(cores);
            let with = |h| ps_hogs_number(cores, h, lambda, 1.0).unwrap();
            prop_assert!(with(hogs + 1) >= with(hogs) * (1.0 - 1e-12));
        }

        #[test]
        fn sizes_average_to_the_mean_sojourn(rho in 0.0f64..0.99) {
            // Jobs of 0.5 and of 1.5, evenly: mean 1.
            let of = |x| ps_sojourn_of_size(x, rho).unwrap();
            prop_assert!(close((of(0.5) + of(1.5)) / 2.0, ps_sojourn(1, rho, 1.0).unwrap(), 1e-12));
        }
    }
}
