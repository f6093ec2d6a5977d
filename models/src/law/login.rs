//! Login nodes: a guest for each light user, a physical node for who needs more.
//!
//! # Formula
//! Of N users each is logged in with chance a. What one asks for is lognormal, F, in cores; above g cores (a guest's) a user
//! moves to a physical node. Heavy users at a time: binomial(N, a (1 - F(g))); nodes: the least k with P(heavy > k) at most
//! the chance allowed. Guests: binomial(N, a F(g)) at the same chance, times a guest's memory over a host's.
//!
//! # Range
//! Users log in independently: a course that starts at nine is no such thing. N up to a million. CPU of light users is
//! shared at their mean, E[X; X <= g], beside the memory; the host count is the larger of both.
//!
//! # Source
//! Elementary; the wish is S0-21's.
//!
//! # Error
//! The binomial sums are exact up to rounding of doubles; F is given, and is what is uncertain.

use crate::quantity::{MiB, QuantityError};

/// Users and what they get.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize)]
pub struct Login {
    /// Users in all.
    pub users: u32,
    /// The chance that one is logged in: 0 to 1.
    pub active: f64,
    /// Cores that one asks for at a time, on average: above 0.
    pub mean_cores: f64,
    /// Their standard deviation over their mean: above 0.
    pub cv: f64,
    /// Cores of a guest: above 0.
    pub guest_cores: f64,
    /// Memory of a guest: above 0.
    pub guest_memory: MiB,
    /// Cores of a host of guests: above 0.
    pub host_cores: f64,
    /// Memory of such a host for guests.
    pub host_memory: MiB,
    /// The chance that somebody finds no node or no guest: above 0 and below 1.
    pub refused: f64,
}

/// What they need.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Needs {
    /// The share of users who outgrow a guest.
    pub heavy: f64,
    /// Physical nodes.
    pub nodes: u32,
    /// Guests at a time.
    pub guests: u32,
    /// Hosts for the guests.
    pub hosts: u32,
    /// Hosts that their memory alone would need.
    pub hosts_by_memory: u32,
    /// Hosts that their CPU alone would need.
    pub hosts_by_cpu: u32,
}

/// The most users.
const MOST_USERS: u32 = 1_000_000;

/// What the users need.
///
/// # Errors
/// A number outside of its range, and a guest that is larger than a host.
pub fn needs(login: &Login) -> Result<Needs, QuantityError> {
    let refuse = |what, value: String, unit, expected| Err(QuantityError { what, value, unit, expected });
    if login.users > MOST_USERS {
        return refuse("number of users", login.users.to_string(), "", "it must be at most a million");
    }
    if !(0.0..=1.0).contains(&login.active) {
        return refuse("share of users who are logged in", login.active.to_string(), "", "it must be 0 to 1");
    }
    let is_above_0 = |x: f64| x > 0.0 && x.is_finite();
    if !(is_above_0(login.mean_cores) && is_above_0(login.cv)) {
        return refuse("cores that a user asks for", format!("{} (cv {})", login.mean_cores, login.cv), "", "both must be above 0");
    }
    if !(login.refused > 0.0 && login.refused < 1.0) {
        return refuse("chance that somebody is refused", login.refused.to_string(), "", "it must be above 0 and below 1");
    }
    if !(login.guest_cores > 0.0 && login.host_cores >= login.guest_cores) {
        return refuse("cores of a guest", login.guest_cores.to_string(), "", "they must be above 0 and at most the host's");
    }
    if login.guest_memory.0 == 0 || login.host_memory < login.guest_memory {
        return refuse("memory of a guest", login.guest_memory.0.to_string(), "MiB", "it must be above 0 and at most the host's");
    }
    let (light, mean_of_light) = below(login.mean_cores, login.cv, login.guest_cores);
    let heavy = 1.0 - light;
    let nodes = enough(login.users, login.active * heavy, login.refused);
    let guests = enough(login.users, login.active * light, login.refused);
    let a_host = u32::try_from(login.host_memory.0 / login.guest_memory.0).unwrap_or(u32::MAX);
    let hosts_by_memory = guests.div_ceil(a_host);
    let busy = f64::from(guests) * if light > 0.0 { mean_of_light / light } else { 0.0 };
    let hosts_by_cpu = (busy / login.host_cores).ceil() as u32;
    Ok(Needs { heavy, nodes, guests, hosts: hosts_by_memory.max(hosts_by_cpu), hosts_by_memory, hosts_by_cpu })
}

/// F(x) of a lognormal, and the mean of what is at or below x: E[X; X <= x].
fn below(mean: f64, cv: f64, x: f64) -> (f64, f64) {
    let variance = libm::log1p(cv * cv);
    let (mu, sigma) = (libm::log(mean) - variance / 2.0, variance.sqrt());
    let z = (libm::log(x) - mu) / sigma;
    (normal(z), mean * normal(z - sigma))
}

/// The chance that a standard normal is at most z.
fn normal(z: f64) -> f64 {
    0.5 * libm::erfc(-z / std::f64::consts::SQRT_2)
}

/// The least k with P(binomial(n, p) > k) at most `beyond`.
fn enough(n: u32, p: f64, beyond: f64) -> u32 {
    if p <= 0.0 {
        return 0;
    }
    if p >= 1.0 {
        return n;
    }
    // Terms by their logarithm, from the top: the tail is summed from its least term, so that nothing is lost.
    let m = f64::from(n);
    let log_term =
        |k: f64| libm::lgamma(m + 1.0) - libm::lgamma(k + 1.0) - libm::lgamma(m - k + 1.0) + k * libm::log(p) + (m - k) * libm::log1p(-p);
    let mut tail = 0.0;
    let mut k = n;
    loop {
        let term = libm::exp(log_term(f64::from(k)));
        if tail + term > beyond || k == 0 {
            return k;
        }
        tail += term;
        k -= 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn login() -> Login {
        Login {
            users: 200,
            active: 0.3,
            mean_cores: 0.5,
            cv: 1.5,
            guest_cores: 1.0,
            guest_memory: MiB(1024),
            host_cores: 8.0,
            host_memory: MiB(15360),
            refused: 0.01,
        }
    }

    #[test]
    fn enough_is_the_quantile_of_a_binomial() {
        // Two coins: more than 1 head has chance 1/4, more than 0 has 3/4.
        assert_eq!((enough(2, 0.5, 0.25), enough(2, 0.5, 0.2), enough(2, 0.5, 0.75)), (1, 2, 0));
        assert_eq!((enough(10, 0.0, 0.01), enough(10, 1.0, 0.01)), (0, 10));
    }

    #[test]
    fn half_of_a_lognormal_lies_below_its_median_and_all_of_it_sums_to_its_mean() {
        // The median of mean 1 and cv 1 is 1 / sqrt 2.
        let (f, _) = below(1.0, 1.0, 1.0 / 2.0f64.sqrt());
        assert!((f - 0.5).abs() < 1e-12, "{f}");
        let (f, mean) = below(1.0, 1.0, 1e9);
        assert!((f - 1.0).abs() < 1e-12 && (mean - 1.0).abs() < 1e-12, "{f} {mean}");
    }

    #[test]
    fn what_cannot_be_is_refused() {
        for bad in [
            Login { active: 1.5, ..login() },
            Login { cv: 0.0, ..login() },
            Login { mean_cores: f64::NAN, ..login() },
            Login { refused: 0.0, ..login() },
            Login { guest_cores: 9.0, ..login() },
            Login { guest_memory: MiB(0), ..login() },
            Login { users: 2_000_000, ..login() },
        ] {
            assert!(needs(&bad).is_err(), "{bad:?}");
        }
    }

    proptest! {
        #[test]
        fn a_larger_guest_never_needs_more_nodes(cores in 0.2f64..4.0, users in 1u32..2000) {
            let of = |guest_cores| needs(&Login { users, guest_cores, ..login() }).unwrap();
            prop_assert!(of(cores * 1.5).nodes <= of(cores).nodes);
        }

        #[test]
        fn more_users_never_need_less(users in 1u32..2000) {
            let of = |users| needs(&Login { users, ..login() }).unwrap();
            let (few, many) = (of(users), of(users + 50));
            prop_assert!(few.nodes <= many.nodes && few.guests <= many.guests && few.hosts <= many.hosts);
        }
    }
}
