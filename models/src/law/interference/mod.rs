//! What guests on one host cost each other: three rival laws for the throughput that is left to one of them.
//!
//! A guest serves requests; beside it run others that keep the host busy, some with emulated devices. Each law says which
//! part of its throughput alone is left, from 0 to 1:
//!
//! - [`share`]: the scheduler shares the cores fairly by weight, and nothing else happens.
//! - [`two_class`]: guests that wait for emulated devices run ahead of all others.
//! - [`latency`]: cores are not short, but a request waits for slices of others to end.
//!
//! What was measured on one host (S1-13: two losses) cannot tell them apart; the spread between them is how sure a prediction
//! is. Left out by all three: caches, memory bandwidth, the shared disks, the cost of leaving a guest.

pub mod latency;
pub mod share;
pub mod two_class;

use crate::quantity::{Cores, QuantityError};

/// A host, the guest that is asked about, and who else runs there.
#[derive(Debug, Clone, PartialEq)]
pub struct Case {
    /// The host.
    pub host: Host,
    /// The guest that serves requests.
    pub guest: Serving,
    /// The others.
    pub beside: Vec<Beside>,
}

/// A host and its driver domain (Xen: dom0), which moves packets and emulates devices for the guests.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Host {
    /// Cores.
    pub cores: Cores,
    /// The most that the driver domain may use: its virtual CPUs.
    pub driver_vcpus: Cores,
    /// Its weight: above 0.
    pub driver_weight: u32,
}

/// The guest that serves requests.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Serving {
    /// Cores that it keeps busy at its throughput alone, d.
    pub needs: Cores,
    /// Cores that the driver domain keeps busy for it at that throughput, delta.
    pub driver: Cores,
    /// Its weight: above 0.
    pub weight: u32,
}

/// Guests of one kind.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Beside {
    /// How many.
    pub count: u32,
    /// Cores that each keeps busy where nothing hinders it, g.
    pub cores: Cores,
    /// Cores that the driver domain would keep busy for each, q: high with emulated devices, low with paravirtual drivers.
    pub driver: Cores,
    /// The weight of each: above 0.
    pub weight: u32,
    /// Whether its devices are emulated: it waits for them, and is woken ahead of others.
    pub emulated: bool,
}

impl Case {
    /// Whether the question can be asked: every weight above 0, and the guest alone has the cores that it needs.
    ///
    /// # Errors
    /// Where it cannot.
    pub fn check(&self) -> Result<(), QuantityError> {
        let refuse = |what, value: String, unit, expected| Err(QuantityError { what, value, unit, expected });
        let weights = [self.guest.weight, self.host.driver_weight];
        if weights.into_iter().chain(self.beside.iter().map(|b| b.weight)).any(|w| w == 0) {
            return refuse("weight", "0".into(), "", "it must be above 0");
        }
        if self.guest.driver > self.host.driver_vcpus {
            let value = self.guest.driver.get().to_string();
            return refuse("work of the driver domain", value, "cores", "it must be at most its virtual CPUs");
        }
        // A sum that is rounded up by a few units in the last place is not too much.
        let alone = (self.guest.needs + self.guest.driver).get();
        if alone > self.host.cores.get() * (1.0 + 1e-12) {
            return refuse(
                "need of a guest alone, with the driver domain's work for it",
                alone.to_string(),
                "cores",
                "it must be at most the host's cores",
            );
        }
        Ok(())
    }

    /// The same with so many of each kind: `counts` in the order of `beside`; kinds without a count are left as they are.
    #[must_use]
    pub fn with_counts(&self, counts: &[u32]) -> Self {
        let mut it = self.clone();
        for (b, n) in it.beside.iter_mut().zip(counts) {
            b.count = *n;
        }
        it
    }
}

/// Halves the space between a value at which `holds` and one at which it does not, until they are neighbours or as near as
/// 128 halvings bring them. Answers the side that holds.
fn halve(mut holds_at: f64, mut fails_at: f64, holds: impl Fn(f64) -> bool) -> f64 {
    for _ in 0..128 {
        let middle = holds_at + (fails_at - holds_at) / 2.0;
        if middle == holds_at || middle == fails_at {
            break;
        }
        if holds(middle) { holds_at = middle } else { fails_at = middle }
    }
    holds_at
}

/// A share of throughput to fit to: above 0 and below 1.
fn check_left(left: f64) -> Result<(), QuantityError> {
    if left > 0.0 && left < 1.0 {
        Ok(())
    } else {
        let expected = "it must be above 0 and below 1: what is not lost says nothing";
        Err(QuantityError { what: "share of throughput left", value: left.to_string(), unit: "", expected })
    }
}

#[cfg(test)]
pub(crate) mod examples {
    use super::*;
    use crate::quantity::Cores;

    pub(crate) fn cores(n: f64) -> Cores {
        Cores::new(n).unwrap()
    }

    /// The benchmark of S1-11: 8 cores, equal weights, a Web guest that keeps its 2 virtual CPUs busy, and `n` guests that each
    /// keep 2 busy; the driver domain works `driver` cores for the Web guest and `q` for each of the others.
    pub(crate) fn spring8(n: u32, needs: f64, driver: f64, q: f64) -> Case {
        Case {
            host: Host { cores: cores(8.0), driver_vcpus: cores(2.0), driver_weight: 256 },
            guest: Serving { needs: cores(needs), driver: cores(driver), weight: 256 },
            beside: vec![Beside { count: n, cores: cores(2.0), driver: cores(q), weight: 256, emulated: q > 0.0 }],
        }
    }

    /// Any case that can be asked.
    pub(crate) fn any() -> impl proptest::strategy::Strategy<Value = Case> {
        use proptest::prelude::*;
        let beside = (0u32..7, 0.0f64..3.0, 0.0f64..1.0, 1u32..1000, any::<bool>()).prop_map(|(count, g, q, weight, emulated)| Beside {
            count,
            cores: cores(g),
            driver: cores(q),
            weight,
            emulated,
        });
        (4.0f64..20.0, 0.1f64..2.0, 0.0f64..2.0, 1u32..1000, 1u32..1000, prop::collection::vec(beside, 0..4)).prop_map(
            |(all, needs, driver, weight, driver_weight, beside)| Case {
                host: Host { cores: cores(all), driver_vcpus: cores(2.0), driver_weight },
                guest: Serving { needs: cores(needs), driver: cores(driver), weight },
                beside,
            },
        )
    }
}
