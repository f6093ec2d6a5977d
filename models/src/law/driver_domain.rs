//! How fast a guest's bytes move where a driver domain passes each of them on to the device.
//!
//! # Formula
//! A byte costs the driver domain (or whatever emulates the device) c seconds of a core, of which it gets the share s, and
//! the device 1 / B seconds. One transfer at a time, byte after byte: c / s + 1 / B a byte. Many at once keep both busy:
//! the slower of s / c and B, whatever n of them share it.
//!
//! # Range
//! A driver domain of one thread (s is at most 1), costs in proportion to bytes. What a request costs whatever its size
//! is left out, so small requests cost more than this; and a transfer that reads ahead is faster alone than this, up to
//! the rate of many.
//!
//! # Source
//! The work is real and is done on the host's CPU, apart from the guest's own: it was measured by domain under Xen by
//! Cherkasova and Gardner 2005, who found it to go with exchanges of pages rather than with bytes; Santos and others 2008
//! give it by packet (models A3). That it is one thread holds of the device model of a fully virtual guest before Xen 3.3.
//!
//! # Error
//! Not measured. Against the word "rather than bytes" above, it is wrong by the ratio of a site's mean request to that
//! for which its cost was found.

use crate::quantity::{BytesPerSecond, QuantityError};

/// Bytes a second of one transfer at a time, and of many at once.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rates {
    /// One at a time.
    pub alone: BytesPerSecond,
    /// Many at once, all together.
    pub together: BytesPerSecond,
}

/// The rates through a driver domain that takes `cpu_s_per_byte` seconds of a core for a byte (0: nothing) and gets `share`
/// of a core (above 0, at most 1), to a device of rate `device` (above 0).
///
/// ```
/// use models::law::driver_domain::rates;
/// use models::quantity::BytesPerSecond;
/// // 20 ms of CPU a MB is 50 MB/s on a core of its own; a disk of 50 MB/s behind it: 25 MB/s one at a time.
/// let rates = rates(0.02e-6, 1.0, BytesPerSecond::new(50e6)?)?;
/// assert!((rates.alone.get() - 25e6).abs() < 1e-3 && (rates.together.get() - 50e6).abs() < 1e-3);
/// # Ok::<(), models::quantity::QuantityError>(())
/// ```
///
/// # Errors
/// A number that is not in its range.
pub fn rates(cpu_s_per_byte: f64, share: f64, device: BytesPerSecond) -> Result<Rates, QuantityError> {
    let refuse = |what, value: f64, unit, expected| Err(QuantityError { what, value: value.to_string(), unit, expected });
    if !(cpu_s_per_byte.is_finite() && cpu_s_per_byte >= 0.0) {
        return refuse("cost of a byte", cpu_s_per_byte, "s", "it must be finite and not negative");
    }
    if !(share > 0.0 && share <= 1.0) {
        return refuse("share of a core", share, "", "it must be above 0 and at most 1");
    }
    if device.get() <= 0.0 {
        return refuse("rate of a device", device.get(), "B/s", "it must be above 0");
    }
    let (passed_on, moved) = (cpu_s_per_byte / share, 1.0 / device.get());
    Ok(Rates { alone: BytesPerSecond::new(1.0 / (passed_on + moved))?, together: BytesPerSecond::new(1.0 / passed_on.max(moved))? })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn device(per_s: f64) -> BytesPerSecond {
        BytesPerSecond::new(per_s).unwrap()
    }

    #[test]
    fn without_a_cost_it_is_the_device() {
        let it = rates(0.0, 0.1, device(60e6)).unwrap();
        assert_eq!((it.alone.get().round(), it.together.get().round()), (60e6, 60e6));
    }

    #[test]
    fn a_device_without_end_leaves_the_driver_domain() {
        // 0.1 s of a core a MB, half a core: 5 MB/s.
        let it = rates(0.1e-6, 0.5, device(1e15)).unwrap();
        assert!((it.alone.get() / 5e6 - 1.0).abs() < 1e-6 && (it.together.get() / 5e6 - 1.0).abs() < 1e-12);
    }

    #[test]
    fn what_is_no_cost_no_share_or_no_device_is_refused() {
        for (cost, share, rate) in [(-1.0, 0.5, 1.0), (f64::NAN, 0.5, 1.0), (1.0, 0.0, 1.0), (1.0, 1.1, 1.0), (1.0, 0.5, 0.0)] {
            assert!(rates(cost, share, device(rate)).is_err(), "{cost} {share} {rate}");
        }
    }

    proptest! {
        #[test]
        fn a_dearer_byte_or_less_cpu_never_makes_it_faster(cost in 1e-9f64..1e-6, share in 0.01f64..1.0, per_s in 1e5f64..1e9) {
            let it = rates(cost, share, device(per_s)).unwrap();
            let dearer = rates(cost * 1.5, share, device(per_s)).unwrap();
            let poorer = rates(cost, share * 0.5, device(per_s)).unwrap();
            for worse in [dearer, poorer] {
                prop_assert!(worse.alone <= it.alone && worse.together <= it.together);
            }
            // One at a time is never faster than many, and at most half as fast where both are as slow.
            prop_assert!(it.alone <= it.together && it.together.get() <= 2.0 * it.alone.get() * (1.0 + 1e-12));
        }
    }
}
