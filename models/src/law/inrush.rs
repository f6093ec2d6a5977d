//! What hosts draw while they are switched on one after the other: rush current in milliseconds, boots in minutes.
//!
//! # Formula
//! Host i of n is switched on at i x delta. Two time scales:
//! - The rush of a supply lasts some milliseconds. At most min(n, ceil(lasts / delta)) hosts rush together, and so many times
//!   the peak current of one must be within what the CVCF can give for a moment.
//! - A host that boots draws its full-load power, its disks more while they spin up, and its idle power from then on. With
//!   P_i(a) the draw of host i at age a, peak(delta) = running + max over t of the sum of P_i(t - i x delta). P_i never
//!   rises with age, so the maximum stands at a start, and the peak never rises with delta.
//!
//! # Range
//! Hosts at equal distances, in their order. What runs already is taken at its own peak. kVA are added arithmetically: the
//! safe upper bound (models A1.3). A delay of 0: all at the same instant, their rushes in phase.
//!
//! # Source
//! models A1.3: 36 A for 20 ms a cord (a maker of servers), 20 to 40 ms typical with outlets switched one after the other
//! every 100 ms (a maker of PDUs), and a planning manual that computes the rush over the power-on sequence, because a UPS
//! may trip on overcurrent.
//!
//! # Error
//! Not measured. Full load for the whole boot is above what boots draw; rushes of supplies that are warm are above 36 A.

use crate::quantity::{Amperes, Nanos, PowerFactor, VoltAmperes, Watts};

/// Real and apparent power together.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Draw {
    /// Real power.
    pub w: Watts,
    /// Apparent power.
    pub va: VoltAmperes,
}

impl Draw {
    /// Nothing.
    pub const ZERO: Self = Self { w: Watts::ZERO, va: VoltAmperes::ZERO };

    /// What a load of this factor draws.
    #[must_use]
    pub fn of(w: Watts, factor: PowerFactor) -> Self {
        Self { w, va: w.apparent(factor) }
    }

    /// The greater of each.
    #[must_use]
    pub fn max(self, other: Self) -> Self {
        Self { w: self.w.max(other.w), va: self.va.max(other.va) }
    }
}

impl std::ops::Add for Draw {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Self { w: self.w + other.w, va: self.va + other.va }
    }
}
impl std::iter::Sum for Draw {
    fn sum<I: Iterator<Item = Self>>(it: I) -> Self {
        it.fold(Self::ZERO, |a, b| a + b)
    }
}

/// What may be drawn.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Limit {
    /// Apparent power.
    pub va: VoltAmperes,
    /// Real power, where it is limited: a branch circuit limits VA alone.
    pub w: Option<Watts>,
}

impl Limit {
    /// Whether it holds.
    #[must_use]
    pub fn holds(&self, draw: Draw) -> bool {
        draw.va <= self.va && self.w.is_none_or(|w| draw.w <= w)
    }
}

/// What a host draws from the moment it is switched on.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Surge {
    booting: Draw,
    boot: Nanos,
    after: Draw,
    disks: Draw,
    spin_up: Nanos,
}

impl Surge {
    /// A host that draws `booting` for `boot` and `after` from then on; where `after` is more, it counts from the start.
    #[must_use]
    pub fn new(booting: Draw, boot: Nanos, after: Draw) -> Self {
        Self { booting: booting.max(after), boot, after, disks: Draw::ZERO, spin_up: Nanos::ZERO }
    }

    /// The same with disks that draw so much more for so long.
    #[must_use]
    pub const fn with_disks(self, disks: Draw, spin_up: Nanos) -> Self {
        Self { disks, spin_up, ..self }
    }

    /// What it draws at an age; a boot that lasts until an instant is over at it.
    #[must_use]
    pub fn at(&self, age: Nanos) -> Draw {
        let base = if age < self.boot { self.booting } else { self.after };
        if age < self.spin_up { base + self.disks } else { base }
    }

    /// From power-on until guests can start.
    #[must_use]
    pub const fn boot(&self) -> Nanos {
        self.boot
    }
}

const fn age(later: usize, delay: Nanos) -> Nanos {
    Nanos(delay.0.saturating_mul(later as u64))
}

/// The most that is drawn, beside what runs, where the hosts are switched on at this distance.
///
/// ```
/// use models::law::inrush::{Draw, Surge, peak};
/// use models::quantity::{Nanos, PowerFactor, Watts};
/// let draw = |w| Draw::of(Watts::new(w).unwrap(), PowerFactor::UNITY);
/// // Three hosts boot for 3 minutes at 300 W and idle at 100 W, every 2 minutes: two boot at once, when the first idles too.
/// let host = Surge::new(draw(300.0), Nanos::seconds(180), draw(100.0));
/// assert_eq!(peak(Draw::ZERO, &[host; 3], Nanos::seconds(120)), draw(700.0));
/// assert_eq!(peak(Draw::ZERO, &[host; 3], Nanos::ZERO), draw(900.0));
/// ```
#[must_use]
pub fn peak(running: Draw, hosts: &[Surge], delay: Nanos) -> Draw {
    let at_start_of = |i: usize| hosts[..=i].iter().enumerate().map(|(j, h)| h.at(age(i - j, delay))).sum::<Draw>();
    (0..hosts.len()).map(|i| running + at_start_of(i)).fold(running, Draw::max)
}

/// The most hosts that boot at once.
#[must_use]
pub fn booting_at_once(hosts: &[Surge], delay: Nanos) -> usize {
    (0..hosts.len()).map(|i| (0..=i).filter(|j| *j == i || age(i - j, delay) < hosts[*j].boot).count()).max().unwrap_or(0)
}

/// From the first power-on until the last host can start guests.
#[must_use]
pub fn lasts(hosts: &[Surge], delay: Nanos) -> Nanos {
    Nanos(hosts.iter().enumerate().map(|(i, h)| age(i, delay).0.saturating_add(h.boot.0)).max().unwrap_or(0))
}

/// The smallest delay, in whole `step`s, with which a limit holds; `None` where no delay does, not even boots that wait for each
/// other's end.
///
/// # Panics
/// Where the step is 0.
#[must_use]
pub fn smallest_delay(running: Draw, hosts: &[Surge], limit: Limit, step: Nanos) -> Option<Nanos> {
    assert!(step > Nanos::ZERO, "delays are counted in steps");
    let holds = |steps: u64| limit.holds(peak(running, hosts, step.times(steps)));
    let longest = hosts.iter().map(|h| h.boot.max(h.spin_up).0).max().unwrap_or(0);
    let (mut low, mut high) = (0, longest.div_ceil(step.0));
    if !holds(high) {
        return None;
    }
    // The peak never rises with the delay.
    while low < high {
        let middle = low + (high - low) / 2;
        if holds(middle) { high = middle } else { low = middle + 1 }
    }
    Some(step.times(low))
}

/// The most of `count` hosts whose rushes, each of this length, overlap.
#[must_use]
pub const fn rushing_at_once(count: usize, lasts: Nanos, delay: Nanos) -> usize {
    if count == 0 || delay.0 == 0 {
        return count;
    }
    let together = lasts.0.div_ceil(delay.0);
    if together >= count as u64 {
        count
    } else if together == 0 {
        1
    } else {
        together as usize
    }
}

/// The smallest delay, in whole `step`s, with which the rushes of `count` hosts stay within a peak current; `None` where that of
/// one host alone is above it.
///
/// # Panics
/// Where the step is 0.
#[must_use]
pub fn smallest_delay_of_rush(count: usize, rush: Amperes, lasts: Nanos, most: Amperes, step: Nanos) -> Option<Nanos> {
    assert!(step > Nanos::ZERO, "delays are counted in steps");
    let within = |n: usize| n as f64 * rush.get() <= most.get();
    if within(count) {
        return Some(Nanos::ZERO);
    }
    if !within(1) {
        return None;
    }
    let most_together = (1..=count).rev().find(|n| within(*n)).unwrap_or(1);
    Some(step.times(lasts.0.div_ceil(most_together as u64).div_ceil(step.0).max(1)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn draw(w: f64) -> Draw {
        Draw::of(Watts::new(w).unwrap(), PowerFactor::new(0.9).unwrap())
    }

    fn amperes(a: f64) -> Amperes {
        Amperes::new(a).unwrap()
    }

    const SECOND: Nanos = Nanos::seconds(1);

    fn limit(va: f64, w: f64) -> Limit {
        Limit { va: VoltAmperes::new(va).unwrap(), w: Some(Watts::new(w).unwrap()) }
    }

    #[test]
    fn a_delay_of_the_whole_boot_lets_one_boot_at_a_time() {
        let host = Surge::new(draw(336.0), Nanos::seconds(180), draw(159.0));
        assert_eq!(booting_at_once(&[host; 5], Nanos::seconds(180)), 1);
        assert_eq!(booting_at_once(&[host; 5], Nanos::seconds(179)), 2);
        // Four idle and the last at full load: 4 x 159 + 336.
        assert!((peak(Draw::ZERO, &[host; 5], Nanos::seconds(180)).w.get() - 972.0).abs() < 1e-9);
        assert_eq!(lasts(&[host; 5], Nanos::seconds(60)), Nanos::seconds(4 * 60 + 180));
    }

    #[test]
    fn ceil_of_boot_over_delay_hosts_boot_at_once() {
        let host = Surge::new(draw(300.0), Nanos::seconds(180), draw(100.0));
        for delay in 1..200u64 {
            assert_eq!(booting_at_once(&[host; 12], Nanos::seconds(delay)) as u64, 180u64.div_ceil(delay).min(12), "{delay}");
        }
    }

    #[test]
    fn fifty_rushes_of_36_a_at_once_are_1800_a_and_one_by_one_36() {
        // models A1.3: 36 A for 20 ms a cord. 424 A carry 11 of them: 20 ms / 11, rounded up to whole milliseconds, is 2 ms.
        let (rush, lasts) = (amperes(36.0), Nanos::millis(20));
        assert_eq!(rushing_at_once(50, lasts, Nanos::ZERO), 50);
        assert_eq!(rushing_at_once(50, lasts, SECOND), 1);
        assert_eq!(smallest_delay_of_rush(50, rush, lasts, amperes(424.0), Nanos::millis(1)), Some(Nanos::millis(2)));
        assert_eq!(smallest_delay_of_rush(50, rush, lasts, amperes(424.0), SECOND), Some(SECOND));
        assert_eq!(smallest_delay_of_rush(50, rush, lasts, amperes(1800.0), SECOND), Some(Nanos::ZERO));
        assert_eq!(smallest_delay_of_rush(50, rush, lasts, amperes(35.9), SECOND), None);
    }

    #[test]
    fn where_one_boot_alone_is_too_much_no_delay_does() {
        let host = Surge::new(draw(300.0), Nanos::seconds(180), draw(100.0));
        assert_eq!(smallest_delay(draw(800.0), &[host; 3], limit(1e6, 1299.0), SECOND), None);
        // 800 + 2 x 100 + 300.
        assert_eq!(smallest_delay(draw(800.0), &[host; 3], limit(1e6, 1300.0), SECOND), Some(Nanos::seconds(180)));
        assert_eq!(smallest_delay(draw(800.0), &[], limit(1e6, 800.0), SECOND), Some(Nanos::ZERO));
    }

    #[test]
    fn disks_count_while_they_spin_up() {
        let host = Surge::new(draw(300.0), Nanos::seconds(180), draw(100.0)).with_disks(draw(48.0), Nanos::seconds(10));
        let at = |s| peak(Draw::ZERO, &[host; 2], Nanos::seconds(s)).w.get();
        assert!((at(9) - 696.0).abs() < 1e-9 && (at(10) - 648.0).abs() < 1e-9);
    }

    /// Up to six hosts whose boots last up to two minutes; some idle at more VA than they boot with.
    fn fleet() -> impl Strategy<Value = Vec<Surge>> {
        let host = (50.0f64..300.0, 0.0f64..200.0, 0u64..120, 0.0f64..60.0, 0u64..30, 0.5f64..1.0);
        prop::collection::vec(host, 1..7).prop_map(|all| {
            all.into_iter()
                .map(|(idle, more, boot, disks, spin, factor)| {
                    let after = Draw::of(Watts::new(idle).unwrap(), PowerFactor::new(factor).unwrap());
                    Surge::new(draw(idle + more), Nanos::seconds(boot), after).with_disks(draw(disks), Nanos::seconds(spin))
                })
                .collect()
        })
    }

    /// The most of any instant, looked at every half second, each host's draw added from its own switch-on.
    fn on_a_grid(running: Draw, hosts: &[Surge], delay_s: u64) -> Draw {
        let mut most = running;
        for half in 0..=2 * (delay_s * hosts.len() as u64 + 130) {
            let mut now = running;
            for (i, h) in hosts.iter().enumerate() {
                let switched_on = 2 * delay_s * i as u64;
                if half >= switched_on {
                    now = now + h.at(Nanos::millis(500 * (half - switched_on)));
                }
            }
            most = most.max(now);
        }
        most
    }

    proptest! {
        #[test]
        fn the_peak_is_that_of_a_fine_grid_of_time(hosts in fleet(), delay in 0u64..130, running in 0.0f64..500.0) {
            let (law, grid) = (peak(draw(running), &hosts, Nanos::seconds(delay)), on_a_grid(draw(running), &hosts, delay));
            prop_assert!((law.w.get() - grid.w.get()).abs() < 1e-6 && (law.va.get() - grid.va.get()).abs() < 1e-6, "{law:?} {grid:?}");
        }

        #[test]
        fn the_smallest_delay_is_the_first_that_holds_on_the_grid(hosts in fleet(), room in 0.0f64..2000.0) {
            let (running, limit) = (draw(100.0), limit(100.0 / 0.9 + room * 1.1, 100.0 + room));
            let first = (0..=130).find(|d| limit.holds(on_a_grid(running, &hosts, *d)));
            prop_assert_eq!(smallest_delay(running, &hosts, limit, SECOND), first.map(Nanos::seconds));
        }

        #[test]
        fn a_larger_limit_never_needs_a_longer_delay(hosts in fleet(), room in 0.0f64..2000.0, more in 0.0f64..500.0) {
            let with = |w: f64| smallest_delay(draw(100.0), &hosts, limit(w * 1.2, w), SECOND);
            match (with(room), with(room + more)) {
                (Some(a), Some(b)) => prop_assert!(b <= a),
                (small, large) => prop_assert!(small.is_none() || large.is_some()),
            }
        }

        #[test]
        fn a_longer_delay_never_has_a_higher_peak_nor_more_boots_at_once(hosts in fleet(), delay in 0u64..130, more in 0u64..60) {
            let (a, b) = (Nanos::seconds(delay), Nanos::seconds(delay + more));
            let (soon, late) = (peak(Draw::ZERO, &hosts, a), peak(Draw::ZERO, &hosts, b));
            prop_assert!(late.w.get() <= soon.w.get() + 1e-9 && late.va.get() <= soon.va.get() + 1e-9);
            prop_assert!(booting_at_once(&hosts, b) <= booting_at_once(&hosts, a));
        }

        #[test]
        fn rushes_that_overlap_are_counted_as_on_a_grid(count in 1usize..9, lasts in 0u64..40, delay in 0u64..50) {
            let on_grid = (0..2 * (lasts + delay * count as u64) + 2)
                .map(|half| (0..count as u64).filter(|i| half == 2 * delay * i || half >= 2 * delay * i && half - 2 * delay * i < 2 * lasts).count())
                .max();
            prop_assert_eq!(Some(rushing_at_once(count, Nanos::millis(lasts), Nanos::millis(delay))), on_grid);
        }

        #[test]
        fn the_smallest_delay_of_rushes_is_the_first_that_holds(count in 1usize..9, lasts in 0u64..40, rush in 1.0f64..50.0, most in 1.0f64..300.0) {
            let lasts = Nanos::millis(lasts);
            let first = (0..60).find(|d| rushing_at_once(count, lasts, Nanos::millis(*d)) as f64 * rush <= most).map(Nanos::millis);
            prop_assert_eq!(smallest_delay_of_rush(count, amperes(rush), lasts, amperes(most), Nanos::millis(1)), first);
        }
    }
}
