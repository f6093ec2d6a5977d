//! How long a runnable virtual CPU waits for a processor under a fair scheduler, and whether that reaches the watchdog.
//!
//! # Formula
//! N runnable virtual CPUs on m processors, evenly dealt: ceil(N / m) on the fullest, so that one waits at most
//! (ceil(N / m) - 1) q, q being the time slice. N is random: virtual CPUs that are busy a share of the time each make a binomial,
//! kinds of them a sum of binomials, summed exactly. P(gap > T) = P(N > m (floor(T / q) + 1)).
//! The watchdog of a kernel cries after W = 2 x watchdog_thresh.
//! A virtual CPU that wakes and finds no processor idle waits for what is left of a slice: P(N >= m) q / 2 on average, at most
//! P(N >= m) q.
//!
//! # Range
//! A fair scheduler with equal weights and no caps that keeps its run queues even, virtual CPUs that are busy independently
//! (loads that rise together have a wider N: give them their busiest share). It says nothing of gaps by other causes: memory
//! that runs out, swap, storage that stalls, a lock whose holder waits. Those are injected, not predicted: **whether a kernel
//! locks up is not promised**, only that contention for CPU by itself does not reach W.
//!
//! # Source
//! models A2: ten runnable on a processor, slices of 30 ms (Xen's credit scheduler): 0.27 s, about 0.3, against W = 20 s. Linux's
//! documentation of lockup watchdogs for W. S3-7 reports a host that went down when a guest got no CPU.
//!
//! # Error
//! Never measured here. That a host went down (S3-7) while this law rules contention out says that its cause was another.

use super::availability::refuse;
use crate::estimate::Estimate;
use crate::quantity::{Nanos, QuantityError};

/// Virtual CPUs of a kind.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Busy {
    /// How many.
    pub vcpus: u32,
    /// The share of time that each is runnable: 0 to 1.
    pub share: f64,
}

/// The most virtual CPUs of a host.
pub const MOST_VCPUS: u32 = 10_000;

/// When the watchdog of a kernel cries: twice its threshold.
///
/// # Errors
/// Beyond 584 years.
pub fn watchdog(threshold: Nanos) -> Result<Nanos, QuantityError> {
    match threshold.0.checked_mul(2) {
        Some(ns) => Ok(Nanos(ns)),
        None => refuse("threshold of the watchdog", threshold.0, "ns", "twice of it must be below 584 years"),
    }
}

/// The most that one of so many runnable virtual CPUs waits.
///
/// ```
/// use models::{law::lockup, quantity::Nanos};
/// // Ten on one processor, slices of 30 ms: the last waits for nine others.
/// assert_eq!(lockup::most_gap(10, 1, Nanos::millis(30))?, Nanos::millis(270));
/// # Ok::<(), models::quantity::QuantityError>(())
/// ```
///
/// # Errors
/// No processor, or a wait beyond 584 years.
pub fn most_gap(runnable: u32, processors: u32, slice: Nanos) -> Result<Nanos, QuantityError> {
    check(processors)?;
    let others = u64::from(runnable.div_ceil(processors).saturating_sub(1));
    match others.checked_mul(slice.0) {
        Some(ns) => Ok(Nanos(ns)),
        None => refuse("wait", format!("{others} x {}", slice.0), "ns", "it must be below 584 years"),
    }
}

/// The fewest runnable virtual CPUs with which one waits longer than `than`; nothing where slices take no time.
///
/// # Errors
/// No processor.
pub fn runnable_to_exceed(than: Nanos, processors: u32, slice: Nanos) -> Result<Option<u128>, QuantityError> {
    check(processors)?;
    Ok((than.0).checked_div(slice.0).map(|slices| u128::from(processors) * (u128::from(slices) + 1) + 1))
}

/// The chance of each number of runnable virtual CPUs, from none to all.
///
/// # Errors
/// More than [`MOST_VCPUS`] virtual CPUs, or a share that is not from 0 to 1.
pub fn runnable(kinds: &[Busy]) -> Result<Vec<f64>, QuantityError> {
    let all: u64 = kinds.iter().map(|k| u64::from(k.vcpus)).sum();
    if all > u64::from(MOST_VCPUS) {
        return refuse("number of virtual CPUs", all, "vCPUs", "it must be at most 10,000 on a host");
    }
    // Those with a chance so far are the first `so_far + 1`.
    let mut chance = vec![0.0; all as usize + 1];
    chance[0] = 1.0;
    let mut so_far = 0;
    for kind in kinds {
        if !(0.0..=1.0).contains(&kind.share) {
            return refuse("share of time that a virtual CPU is busy", kind.share, "", "it must be from 0 to 1");
        }
        for _ in 0..kind.vcpus {
            so_far += 1;
            for n in (0..=so_far).rev() {
                chance[n] = chance[n] * (1.0 - kind.share) + if n > 0 { chance[n - 1] * kind.share } else { 0.0 };
            }
        }
    }
    Ok(chance)
}

/// P(gap > than): the share of time at which somebody may wait longer. `chance` is that of [`runnable`].
///
/// # Errors
/// No processor.
pub fn exceeds(chance: &[f64], processors: u32, slice: Nanos, than: Nanos) -> Result<f64, QuantityError> {
    let from = runnable_to_exceed(than, processors, slice)?.map_or(usize::MAX, |n| usize::try_from(n).unwrap_or(usize::MAX));
    // Smallest terms first.
    Ok(chance.iter().skip(from).rev().sum())
}

/// The gap that is not exceeded with this chance: a percentile over time, 0 to 1.
///
/// # Errors
/// As [`most_gap`].
pub fn gap_at(chance: &[f64], processors: u32, slice: Nanos, share: f64) -> Result<Nanos, QuantityError> {
    let mut above: f64 = 0.0;
    for n in (1..chance.len()).rev() {
        above += chance[n];
        if above > 1.0 - share {
            return most_gap(n as u32, processors, slice);
        }
    }
    Ok(Nanos::ZERO)
}

/// The delay of a virtual CPU that wakes while others run, in nanoseconds: nothing where a processor is idle, else half a slice, from
/// none to a whole one. `chance` is that of the others.
///
/// # Errors
/// No processor.
pub fn dispatch_delay_ns(chance: &[f64], processors: u32, slice: Nanos) -> Result<Estimate, QuantityError> {
    check(processors)?;
    let none_idle: f64 = chance.iter().skip(processors as usize).rev().sum();
    let slice = slice.0 as f64;
    Ok(Estimate { value: none_idle * slice / 2.0, low: 0.0, high: none_idle * slice })
}

fn check(processors: u32) -> Result<(), QuantityError> {
    if processors == 0 { refuse("number of processors", 0, "processors", "it must be at least 1") } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const SLICE: Nanos = Nanos::millis(30);

    #[test]
    fn contention_alone_stays_seventy_times_below_the_watchdog() {
        // models A2: 10 runnable x 30 ms = 0.3 s, well below 20 s = 2 x 10 s.
        let cries = watchdog(Nanos::seconds(10)).unwrap();
        assert_eq!(cries, Nanos::seconds(20));
        let gap = most_gap(10, 1, SLICE).unwrap();
        assert_eq!(gap, Nanos::millis(270));
        assert!(gap.0 * 70 < cries.0);
        // 20 s are 666.7 slices: 667 others on each of 8 processors make 20.01 s, and 5337 is the first that has them.
        assert_eq!(runnable_to_exceed(cries, 8, SLICE), Ok(Some(8 * 667 + 1)));
        assert!(most_gap(8 * 667 + 1, 8, SLICE).unwrap() > cries && most_gap(8 * 667, 8, SLICE).unwrap() <= cries);
        assert_eq!(runnable_to_exceed(cries, 8, Nanos::ZERO), Ok(None));
    }

    #[test]
    fn two_busy_halves_on_one_processor_meet_a_quarter_of_the_time() {
        let chance = runnable(&[Busy { vcpus: 2, share: 0.5 }]).unwrap();
        assert_eq!(chance, [0.25, 0.5, 0.25]);
        assert_eq!(exceeds(&chance, 1, SLICE, Nanos::ZERO), Ok(0.25));
        // A gap of one slice is not more than one slice.
        assert_eq!(exceeds(&chance, 1, SLICE, SLICE), Ok(0.0));
        assert_eq!(exceeds(&chance, 2, SLICE, Nanos::ZERO), Ok(0.0));
        assert_eq!((gap_at(&chance, 1, SLICE, 0.5), gap_at(&chance, 1, SLICE, 0.99)), (Ok(Nanos::ZERO), Ok(SLICE)));
        // One more that wakes finds the processor taken three times in four.
        let delay = dispatch_delay_ns(&chance, 1, SLICE).unwrap();
        assert_eq!((delay.low, delay.value, delay.high), (0.0, 0.75 * 15e6, 0.75 * 30e6));
    }

    #[test]
    fn what_cannot_be_is_refused() {
        assert!(most_gap(1, 0, SLICE).is_err() && exceeds(&[1.0], 0, SLICE, SLICE).is_err());
        assert!(dispatch_delay_ns(&[1.0], 0, SLICE).is_err() && watchdog(Nanos(u64::MAX)).is_err());
        assert!(most_gap(u32::MAX, 1, Nanos(u64::MAX)).is_err());
        for share in [-0.1, 1.1, f64::NAN] {
            assert!(runnable(&[Busy { vcpus: 1, share }]).is_err());
        }
        assert!(runnable(&[Busy { vcpus: MOST_VCPUS, share: 0.5 }, Busy { vcpus: 1, share: 0.5 }]).is_err());
    }

    proptest! {
        #[test]
        fn it_is_what_counting_all_states_says(
            shares in prop::collection::vec(0.0f64..=1.0, 1..10), processors in 1u32..4, slices in 0u64..4, part in 0u64..30,
        ) {
            let kinds: Vec<Busy> = shares.iter().map(|s| Busy { vcpus: 1, share: *s }).collect();
            let than = Nanos::millis(30 * slices + part);
            let ours = exceeds(&runnable(&kinds).unwrap(), processors, SLICE, than).unwrap();
            let brute: f64 = (0u32..1 << shares.len())
                .filter(|state| most_gap(state.count_ones(), processors, SLICE).unwrap() > than)
                .map(|state| shares.iter().enumerate().map(|(i, s)| if state >> i & 1 == 1 { *s } else { 1.0 - s }).product::<f64>())
                .sum();
            prop_assert!((ours - brute).abs() < 1e-13, "{ours} {brute}");
        }

        /// An oracle that runs the scheduler slice by slice.
        #[test]
        fn round_robin_makes_nobody_wait_longer(vcpus in 1u32..40, processors in 1u32..9) {
            // Dealt in turn; each processor gives a slice to each of its own in turn.
            let mut longest = 0;
            for p in 0..processors {
                let own = (0..vcpus).filter(|v| v % processors == p).count() as u64;
                let mut last: Vec<u64> = vec![0; own as usize];
                for turn in 0..4 * own {
                    let v = (turn % own) as usize;
                    longest = longest.max(turn - last[v]);
                    last[v] = turn + 1;
                }
            }
            prop_assert_eq!(most_gap(vcpus, processors, SLICE).unwrap(), SLICE.times(longest));
        }

        #[test]
        fn more_processors_shorter_slices_and_less_load_never_make_it_worse(vcpus in 1u32..60, share in 0.0f64..=1.0, processors in 1u32..12, ms in 0u64..300) {
            let chance = |vcpus, share| runnable(&[Busy { vcpus, share }]).unwrap();
            let than = Nanos::millis(ms);
            let it = exceeds(&chance(vcpus, share), processors, SLICE, than).unwrap();
            let at_most = it + 1e-12;
            prop_assert!(exceeds(&chance(vcpus, share), processors + 1, SLICE, than).unwrap() <= at_most);
            prop_assert!(exceeds(&chance(vcpus, share), processors, Nanos::millis(20), than).unwrap() <= at_most);
            prop_assert!(exceeds(&chance(vcpus, share / 2.0), processors, SLICE, than).unwrap() <= at_most);
            prop_assert!(exceeds(&chance(vcpus, share), processors, SLICE, Nanos::millis(ms + 10)).unwrap() <= at_most);
        }
    }
}
