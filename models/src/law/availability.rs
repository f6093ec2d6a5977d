//! How much of the time a service is up: hosts that fail and are repaired, parts in series, causes that take several at once.
//!
//! # Formula
//! A part is up A = MTBF / (MTBF + MTTR) of the time. k of n equal hosts: the sum over i >= k of C(n, i) A^i (1 - A)^(n - i);
//! unequal hosts: the same by convolution. Hosts that one cause takes together (a chassis, a feed) are a [`Domain`]: up with
//! the domain, each by itself, or not at all. A beta factor is the share of a host's failures that take its whole domain.
//! Parts that all must be up (storage, CVCF) multiply. A guest whose host fails is down for its restart: rate x restart.
//!
//! # Range
//! A holds whatever the distributions; k of n holds for hosts that fail and are repaired independently but for their domain,
//! and takes guests to move at once: the time of a restart is counted apart ([`super::restart`]). Left out: repairs that
//! wait for each other, and fences that fail.
//!
//! # Source
//! Renewal theory; models A4. The beta factor is that of common-cause analysis (Fleming 1975).
//!
//! # Error
//! None in the sums, up to rounding of doubles. Rates are known far worse than that: see [`super::failure_rate`].

use crate::quantity::{Nanos, QuantityError};

pub(super) fn refuse<T>(what: &'static str, value: impl ToString, unit: &'static str, expected: &'static str) -> Result<T, QuantityError> {
    Err(QuantityError { what, value: value.to_string(), unit, expected })
}

/// The share of time up: MTBF / (MTBF + MTTR), MTBF being the mean time up until a failure.
///
/// ```
/// use models::{law::availability, quantity::Nanos};
/// // Up 3 hours, down 1.
/// assert_eq!(availability::of(Nanos::seconds(3 * 3600), Nanos::seconds(3600))?, 0.75);
/// # Ok::<(), models::quantity::QuantityError>(())
/// ```
///
/// # Errors
/// Where `mtbf` is zero: who is never up has no repair to wait for.
pub fn of(mtbf: Nanos, mttr: Nanos) -> Result<f64, QuantityError> {
    if mtbf == Nanos::ZERO {
        return refuse("mean time between failures", 0, "ns", "it must be above 0");
    }
    Ok(mtbf.0 as f64 / (mtbf.0 as f64 + mttr.0 as f64))
}

/// The share of time up of what fails so many times a year and takes `repair` each time: 1 / (1 + rate x repair).
///
/// ```
/// use models::{law::availability, quantity::Nanos};
/// // Once in the time that it takes 365 times: down one day in 366.
/// assert!((availability::of_rate(1.0, Nanos::seconds(86_400))? - 365.0 / 366.0).abs() < 1e-15);
/// # Ok::<(), models::quantity::QuantityError>(())
/// ```
///
/// # Errors
/// A rate that is negative or not finite.
pub fn of_rate(failures_per_year: f64, repair: Nanos) -> Result<f64, QuantityError> {
    rate(failures_per_year)?;
    Ok(1.0 / (1.0 + failures_per_year * repair.hours() / HOURS_A_YEAR))
}

/// Hours of a year of 365 days.
const HOURS_A_YEAR: f64 = 8760.0;

/// Hosts that one cause takes together.
#[derive(Debug, Clone, PartialEq)]
pub struct Domain {
    /// The share of time at which the cause does not hold: 0 to 1.
    pub up: f64,
    /// The share of time that each host is up by itself: 0 to 1.
    pub hosts: Vec<f64>,
}

/// A rate of failures, parted: those of a host by itself, and those that take its domain, by the share `beta` of the latter.
///
/// # Errors
/// A rate that is negative or not finite, or a share that is not from 0 to 1.
pub fn parted(failures_per_year: f64, beta: f64) -> Result<(f64, f64), QuantityError> {
    rate(failures_per_year)?;
    let beta = share(beta)?;
    Ok(((1.0 - beta) * failures_per_year, beta * failures_per_year))
}

/// The outage of parts that must all be up, each with its own outage: keeps the digits that 1 - availability loses.
///
/// # Errors
/// A share that is not from 0 to 1.
pub fn outage_in_series(outages: &[f64]) -> Result<f64, QuantityError> {
    // Down with the first, or up with the first and down with the next.
    outages.iter().try_fold(0.0, |all, part| Ok(all + (1.0 - all) * share(*part)?))
}

/// Parts that must all be up, such as host, shared storage and CVCF: the product.
///
/// # Errors
/// A share that is not from 0 to 1.
pub fn series(parts: &[f64]) -> Result<f64, QuantityError> {
    parts.iter().try_fold(1.0, |all, part| Ok(all * share(*part)?))
}

/// The share of time at which at least `k` of these hosts are up, each up its own share of the time, independently.
///
/// For equal hosts it is the sum over i >= k of C(n, i) A^i (1 - A)^(n - i). Where the answer is near 1, ask for
/// [`fewer_than`], which keeps its digits.
///
/// # Errors
/// A share that is not from 0 to 1, or `k` above the number of hosts.
pub fn at_least(k: usize, hosts: &[f64]) -> Result<f64, QuantityError> {
    Ok(summed(&by_number_up(k, hosts)?[k..]))
}

/// The share of time at which fewer than `k` of these hosts are up: the outage that [`at_least`] leaves.
///
/// # Errors
/// As [`at_least`].
pub fn fewer_than(k: usize, hosts: &[f64]) -> Result<f64, QuantityError> {
    Ok(summed(&by_number_up(k, hosts)?[..k]))
}

/// The share of time at which at least `k` hosts of these domains are up.
///
/// # Errors
/// As [`at_least`].
pub fn at_least_in_domains(k: usize, domains: &[Domain]) -> Result<f64, QuantityError> {
    Ok(summed(&by_number_up_in_domains(k, domains)?[k..]))
}

/// The share of time at which fewer than `k` hosts of these domains are up.
///
/// # Errors
/// As [`at_least`].
pub fn fewer_than_in_domains(k: usize, domains: &[Domain]) -> Result<f64, QuantityError> {
    Ok(summed(&by_number_up_in_domains(k, domains)?[..k]))
}

/// A sum of chances, which rounding may carry an ulp above 1.
fn summed(chances: &[f64]) -> f64 {
    chances.iter().sum::<f64>().min(1.0)
}

/// The share of time at which exactly i hosts are up, for i = 0..=n; only sums of positive terms.
fn by_number_up(k: usize, hosts: &[f64]) -> Result<Vec<f64>, QuantityError> {
    by_number_up_in_domains(k, &[Domain { up: 1.0, hosts: hosts.to_vec() }])
}

fn by_number_up_in_domains(k: usize, domains: &[Domain]) -> Result<Vec<f64>, QuantityError> {
    if k > domains.iter().map(|d| d.hosts.len()).sum() {
        return refuse("number of hosts needed", k, "hosts", "it must be at most the number of hosts");
    }
    let mut all = vec![1.0];
    for domain in domains {
        let whole = share(domain.up)?;
        let mut up = vec![1.0];
        for host in &domain.hosts {
            let a = share(*host)?;
            up.push(0.0);
            for i in (0..up.len()).rev() {
                up[i] = up[i] * (1.0 - a) + if i > 0 { up[i - 1] * a } else { 0.0 };
            }
        }
        up.iter_mut().for_each(|p| *p *= whole);
        up[0] += 1.0 - whole;
        let mut sum = vec![0.0; all.len() + up.len() - 1];
        for (i, a) in all.iter().enumerate() {
            for (j, b) in up.iter().enumerate() {
                sum[i + j] += a * b;
            }
        }
        all = sum;
    }
    Ok(all)
}

fn rate(failures_per_year: f64) -> Result<(), QuantityError> {
    if !failures_per_year.is_finite() || failures_per_year < 0.0 {
        return refuse("rate of failures", failures_per_year, "a year", "it must be finite and not negative");
    }
    Ok(())
}

fn share(value: f64) -> Result<f64, QuantityError> {
    if (0.0..=1.0).contains(&value) { Ok(value) } else { refuse("availability", value, "", "it must be from 0 to 1") }
}

/// Mean downtime of a guest a year, where its host fails `failures_per_year` times a year and each costs `restart`.
///
/// Holds while restarts are short against the time between failures.
///
/// # Errors
/// A rate that is negative or not finite, or a downtime beyond 584 years.
pub fn downtime_per_year(failures_per_year: f64, restart: Nanos) -> Result<Nanos, QuantityError> {
    rate(failures_per_year)?;
    nanos("downtime", failures_per_year * restart.0 as f64)
}

/// Rounds a time up to a whole nanosecond.
pub(super) fn nanos(what: &'static str, ns: f64) -> Result<Nanos, QuantityError> {
    let up = ns.ceil();
    // 2^64 as a double; below it every whole double is a u64.
    if up < 18_446_744_073_709_551_616.0 { Ok(Nanos(up as u64)) } else { refuse(what, ns, "ns", "it must be below 584 years") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const HOUR: Nanos = Nanos::seconds(3600);

    #[test]
    fn two_of_three_hosts_are_up_as_in_the_table() {
        // models A4 and B3 row 16: MTBF 8760 h. 1 - (3 A^2 (1 - A) + A^3) in 40 digits: 3.515272603034106e-7 and
        // 3.909307403090225e-10; that outage is known to about 1e-16 / (1 - A), so to 12 and to 10 digits.
        for (mttr, one, two_of_three, outage, digits) in [
            (HOUR.times(3), "0.9996576515", "0.9999996485", 3.515_272_603_034_106e-7, 1e-12),
            (Nanos::seconds(360), "0.9999885846", "0.9999999996", 3.909_307_403_090_225e-10, 1e-10),
        ] {
            let a = of(HOUR.times(8760), mttr).unwrap();
            assert_eq!(format!("{a:.10}"), one);
            assert_eq!(format!("{:.10}", at_least(2, &[a; 3]).unwrap()), two_of_three);
            let computed = fewer_than(2, &[a; 3]).unwrap();
            assert!((computed / outage - 1.0).abs() < digits, "{computed}");
        }
    }

    #[test]
    fn a_failure_in_ten_years_costs_18_minutes_by_hand_and_half_a_minute_automatically() {
        // models A4: 0.1 x 3 h and 0.1 x 300 s.
        assert_eq!(downtime_per_year(0.1, HOUR.times(3)), Ok(Nanos::seconds(18 * 60)));
        assert_eq!(downtime_per_year(0.1, Nanos::seconds(300)), Ok(Nanos::seconds(30)));
    }

    #[test]
    fn a_shared_storage_bounds_what_redundant_hosts_reach() {
        let hosts = at_least(2, &[0.999; 3]).unwrap();
        assert!((series(&[hosts, 0.999, 0.9995]).unwrap() - hosts * 0.999 * 0.9995).abs() < 1e-15);
        assert!(series(&[hosts, 0.999]).unwrap() < 0.999);
        assert_eq!(series(&[]), Ok(1.0));
    }

    #[test]
    fn what_cannot_be_is_refused() {
        assert!(of(Nanos::ZERO, HOUR).is_err() && of(Nanos::ZERO, Nanos::ZERO).is_err());
        for bad in [-0.1, 1.1, f64::NAN] {
            assert!(series(&[bad]).is_err() && at_least(1, &[0.9, bad]).is_err());
        }
        assert!(at_least(4, &[0.9; 3]).is_err() && fewer_than(4, &[0.9; 3]).is_err());
        assert!(downtime_per_year(-1.0, HOUR).is_err() && downtime_per_year(f64::NAN, HOUR).is_err());
        assert!(downtime_per_year(1e6, HOUR.times(8760)).is_err());
    }

    #[test]
    fn a_chassis_under_two_of_three_hosts_is_what_they_rest_on() {
        // Two blades in a chassis, a rack server apart; two of three needed. Worked out by hand with c = 0.99, a = 0.9:
        // chassis up: 0.99 x (0.9^3 + 3 x 0.9^2 x 0.1) = 0.99 x 0.972; down: at most one host is left.
        let blades = Domain { up: 0.99, hosts: vec![0.9; 2] };
        let rack = Domain { up: 1.0, hosts: vec![0.9] };
        let up = at_least_in_domains(2, &[blades, rack]).unwrap();
        assert!((up - 0.99 * 0.972).abs() < 1e-15, "{up}");
    }

    #[test]
    fn what_always_fails_together_is_one_host_and_what_never_does_is_independent() {
        let day = Nanos::seconds(86_400);
        let with = |beta| {
            let (alone, together) = parted(2.0, beta).unwrap();
            let hosts = vec![of_rate(alone, day).unwrap(); 3];
            fewer_than_in_domains(2, &[Domain { up: of_rate(together, day).unwrap(), hosts }]).unwrap()
        };
        let a = of_rate(2.0, day).unwrap();
        assert!((with(1.0) - (1.0 - a)).abs() < 1e-15);
        assert!((with(0.0) - fewer_than(2, &[a; 3]).unwrap()).abs() < 1e-15);
        // A tenth of failures in common costs more than all those that meet by chance.
        assert!(with(0.1) > 2.0 * with(0.0));
    }

    #[test]
    fn a_rate_and_the_time_between_failures_are_the_same_law() {
        let a = of(HOUR.times(8760), HOUR.times(3)).unwrap();
        assert!((of_rate(1.0, HOUR.times(3)).unwrap() - a).abs() < 1e-15);
        assert_eq!(of_rate(0.0, HOUR), Ok(1.0));
        assert!(of_rate(-1.0, HOUR).is_err() && parted(1.0, 1.1).is_err() && parted(f64::NAN, 0.0).is_err());
        assert!(outage_in_series(&[1.1]).is_err() && at_least_in_domains(2, &[Domain { up: 1.0, hosts: vec![0.5] }]).is_err());
        assert!(at_least_in_domains(1, &[Domain { up: 1.5, hosts: vec![0.5] }]).is_err());
    }

    proptest! {
        #[test]
        fn domains_are_the_sum_over_all_states(
            ups in prop::collection::vec((0.0f64..=1.0, prop::collection::vec(0.0f64..=1.0, 0..4)), 1..4), any in 0usize..9,
        ) {
            let domains: Vec<Domain> = ups.iter().map(|(up, hosts)| Domain { up: *up, hosts: hosts.clone() }).collect();
            let hosts: Vec<(usize, f64)> = domains.iter().enumerate().flat_map(|(d, x)| x.hosts.iter().map(move |a| (d, *a))).collect();
            let k = any.min(hosts.len());
            let mut brute = 0.0;
            for state in 0u32..1 << (domains.len() + hosts.len()) {
                let is = |bit: usize| state >> bit & 1 == 1;
                let p: f64 = domains.iter().enumerate().map(|(d, x)| if is(d) { x.up } else { 1.0 - x.up }).product::<f64>()
                    * hosts.iter().enumerate().map(|(i, h)| if is(domains.len() + i) { h.1 } else { 1.0 - h.1 }).product::<f64>();
                if hosts.iter().enumerate().filter(|(i, h)| is(domains.len() + i) && is(h.0)).count() >= k {
                    brute += p;
                }
            }
            let (up, down) = (at_least_in_domains(k, &domains).unwrap(), fewer_than_in_domains(k, &domains).unwrap());
            prop_assert!((up - brute).abs() < 1e-13 && (up + down - 1.0).abs() < 1e-13, "{up} {brute}");
            // One host more never lowers it, in whichever domain; nor does a part in series ever raise it.
            for d in 0..domains.len() {
                let mut more = domains.clone();
                more[d].hosts.push(0.5);
                prop_assert!(at_least_in_domains(k, &more).unwrap() >= up - 1e-14);
            }
            prop_assert!(series(&[up, ups[0].0]).unwrap() <= up);
            let outage = outage_in_series(&[down, 1.0 - ups[0].0]).unwrap();
            prop_assert!((outage - (1.0 - up * ups[0].0)).abs() < 1e-13);
        }

        #[test]
        fn it_is_the_sum_over_all_states(hosts in prop::collection::vec(0.0f64..=1.0, 1..9), any in 0usize..9) {
            let k = any.min(hosts.len());
            let brute: f64 = (0u32..1 << hosts.len())
                .filter(|state| state.count_ones() as usize >= k)
                .map(|state| hosts.iter().enumerate().map(|(i, a)| if state >> i & 1 == 1 { *a } else { 1.0 - a }).product::<f64>())
                .sum();
            let (up, down) = (at_least(k, &hosts).unwrap(), fewer_than(k, &hosts).unwrap());
            prop_assert!((up - brute).abs() < 1e-13 && (up + down - 1.0).abs() < 1e-13);
        }

        #[test]
        fn one_host_more_never_hurts_and_one_more_needed_never_helps(hosts in prop::collection::vec(0.0f64..=1.0, 1..9), extra in 0.0f64..=1.0) {
            let mut more = hosts.clone();
            more.push(extra);
            for k in 1..=hosts.len() {
                let up = at_least(k, &hosts).unwrap();
                prop_assert!(at_least(k, &more).unwrap() >= up - 1e-14);
                prop_assert!(at_least(k - 1, &hosts).unwrap() >= up);
            }
        }
    }
}
