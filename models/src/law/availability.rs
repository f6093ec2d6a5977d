//! How much of the time a service is up: hosts that fail and are repaired, and guests that are started again elsewhere.
//!
//! # Formula
//! A host is up A = MTBF / (MTBF + MTTR) of the time. k of n are up with chance sum over i >= k of C(n, i) A^i (1 - A)^(n - i);
//! what all depend on (chassis, storage, CVCF) comes in series: A_1 A_2 ... A restart costs its time once a failure.
//!
//! # Range
//! Any distributions of up and down times, in the long run. Hosts fail and are repaired independently, and guests move at once;
//! the time of a restart is counted apart. Left out: failures that arrive together, and fences that fail.
//!
//! # Source
//! Elementary reliability theory (models A4).
//!
//! # Error
//! None in the formula. In use the rates are what is uncertain: one failure in ten host-years leaves a range of 200
//! ([`failure_rate`](super::failure_rate)).

use crate::quantity::{BytesPerSecond, Nanos, QuantityError};

fn refuse<T>(what: &'static str, value: impl ToString, unit: &'static str, expected: &'static str) -> Result<T, QuantityError> {
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
    Ok(by_number_up(k, hosts)?[k..].iter().sum())
}

/// The share of time at which fewer than `k` of these hosts are up: the outage that [`at_least`] leaves.
///
/// # Errors
/// As [`at_least`].
pub fn fewer_than(k: usize, hosts: &[f64]) -> Result<f64, QuantityError> {
    Ok(by_number_up(k, hosts)?[..k].iter().sum())
}

/// The share of time at which exactly i hosts are up, for i = 0..=n; only sums of positive terms.
fn by_number_up(k: usize, hosts: &[f64]) -> Result<Vec<f64>, QuantityError> {
    if k > hosts.len() {
        return refuse("number of hosts needed", k, "hosts", "it must be at most the number of hosts");
    }
    let mut up = vec![1.0];
    for host in hosts {
        let a = share(*host)?;
        up.push(0.0);
        for i in (0..up.len()).rev() {
            up[i] = up[i] * (1.0 - a) + if i > 0 { up[i - 1] * a } else { 0.0 };
        }
    }
    Ok(up)
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
    if !failures_per_year.is_finite() || failures_per_year < 0.0 {
        return refuse("rate of failures", failures_per_year, "a year", "it must be finite and not negative");
    }
    nanos("downtime", failures_per_year * restart.0 as f64)
}

/// Rounds a time up to a whole nanosecond.
fn nanos(what: &'static str, ns: f64) -> Result<Nanos, QuantityError> {
    let up = ns.ceil();
    // 2^64 as a double; below it every whole double is a u64.
    if up < 18_446_744_073_709_551_616.0 { Ok(Nanos(up as u64)) } else { refuse(what, ns, "ns", "it must be below 584 years") }
}

/// The restart of a failed host's guests on the others: T = detect + fence + ceil(k / c) boot(c) (models A4).
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Restart {
    /// Until the failure is noticed.
    pub detect: Nanos,
    /// Until the failed host can no longer write: no guest may run twice.
    pub fence: Nanos,
    /// Guests to start, k.
    pub guests: u32,
    /// How many start at a time, c: 1 or more.
    pub at_once: u32,
    /// The boot of a guest where storage is no limit.
    pub boot_cpu: Nanos,
    /// What a guest reads from storage to boot, in bytes.
    pub boot_bytes: u64,
    /// The rate at which storage reads for all of them together.
    pub storage: BytesPerSecond,
}

impl Restart {
    /// The boot of `at_once` guests that start together: max(boot_cpu, c x boot_bytes / storage).
    ///
    /// # Errors
    /// Nothing at once, bytes to read at a rate of zero, or a time beyond 584 years.
    pub fn boot(&self) -> Result<Nanos, QuantityError> {
        if self.at_once == 0 {
            return refuse("number of guests started at a time", 0, "guests", "it must be at least 1");
        }
        if self.boot_bytes == 0 {
            return Ok(self.boot_cpu);
        }
        if self.storage == BytesPerSecond::ZERO {
            return refuse("rate of storage", 0, "B/s", "it must be above 0 where a boot reads");
        }
        let bytes = u128::from(self.at_once) * u128::from(self.boot_bytes);
        Ok(self.boot_cpu.max(nanos("boot", bytes as f64 * 1e9 / self.storage.get())?))
    }

    /// Until the last guest is up. The last wave counts as a full one: an upper bound where c does not divide k.
    ///
    /// # Errors
    /// As [`Restart::boot`].
    pub fn total(&self) -> Result<Nanos, QuantityError> {
        let waves = u128::from(self.guests.div_ceil(self.at_once.max(1)));
        let ns = u128::from(self.detect.0) + u128::from(self.fence.0) + waves * u128::from(self.boot()?.0);
        u64::try_from(ns).map(Nanos).or_else(|_| refuse("restart", ns, "ns", "it must be below 584 years"))
    }
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

    fn example() -> Restart {
        // models A4: 15 guests, 60 s, 250 MB each from 100 MB/s, detection and fence 60 s together.
        Restart {
            detect: Nanos::seconds(20),
            fence: Nanos::seconds(40),
            guests: 15,
            at_once: 1,
            boot_cpu: Nanos::seconds(60),
            boot_bytes: 250_000_000,
            storage: BytesPerSecond::new(100e6).unwrap(),
        }
    }

    #[test]
    fn fifteen_guests_start_in_960_300_or_120_seconds() {
        // 1 at a time: 60 + 15 x 60; 4: 60 + 4 x 60; 15: 60 + max(60, 37.5).
        for (at_once, seconds) in [(1, 960), (4, 300), (15, 120)] {
            assert_eq!(Restart { at_once, ..example() }.total(), Ok(Nanos::seconds(seconds)));
        }
        // 40 at a time would read 10 GB: 100 s, more than the 60 of the processor.
        assert_eq!(Restart { at_once: 40, ..example() }.total(), Ok(Nanos::seconds(160)));
        assert_eq!(Restart { guests: 0, ..example() }.total(), Ok(Nanos::seconds(60)));
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
        assert!(Restart { at_once: 0, ..example() }.total().is_err());
        assert!(Restart { storage: BytesPerSecond::ZERO, ..example() }.total().is_err());
        assert!(Restart { boot_cpu: Nanos(u64::MAX), ..example() }.total().is_err());
        // A boot that reads nothing needs no storage.
        assert_eq!(Restart { storage: BytesPerSecond::ZERO, boot_bytes: 0, ..example() }.boot(), Ok(Nanos::seconds(60)));
    }

    proptest! {
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

        #[test]
        fn more_at_a_time_is_never_slower_while_storage_keeps_up(guests in 1u32..100, at_once in 1u32..23) {
            // 24 x 250 MB at 100 MB/s take the 60 s of a boot.
            let at = |at_once| Restart { guests, at_once, ..example() }.total().unwrap();
            prop_assert!(at(at_once + 1) <= at(at_once));
            prop_assert!(at(at_once) >= Nanos::seconds(120));
        }
    }
}
