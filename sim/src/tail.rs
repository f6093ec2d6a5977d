//! How often a site draws much apparent power: from its replayed course, in which all hosts see the same days.
//!
//! Beside it stands what hosts would draw together if they were independent: the exact convolution of their own
//! distributions. That is not an estimate of the tail, but a measure of what summing hosts one by one forgets: loads that
//! rise together (a working day, an outbreak) leave the mean as it is and make the tail (models 0.4).
//!
//! A level is told where at least [`LEAST_STEPS`] steps lie above it. Steps next to each other are alike, so that the number
//! of independent observations is smaller than that of steps; an interval is one over replications. What is rarer than the
//! loads of the scenario (an outbreak that none of them has) is not in the tail.

use models::demand::Demand;
use models::estimate::Estimate;
use models::quantity::VoltAmperes;
use models::site::{HostId, Placement, Site};
use models::study::power_tail::PowerTail;
use models::study::{Answer, Figure, Study};

use crate::measure::figure;
use crate::replay::{devices_apparent_mva, host_apparent_mva};

/// The fewest steps above a level for which it is told.
pub const LEAST_STEPS: usize = 10;

/// Steps of the grid on which independent hosts are summed, over the whole range of all hosts together.
const GRID: u64 = 1 << 15;

/// A chance below this is dropped at the ends of a distribution: far below every share that is asked for.
const NOTHING: f64 = 1e-30;

/// Apparent power of a site over time, and of its hosts as if they were independent.
#[derive(Debug, Clone, PartialEq)]
pub struct Tail {
    /// By replication, mVA by step, ascending.
    replications: Vec<Vec<u64>>,
    /// All of them, ascending.
    pooled: Vec<u64>,
    /// Standard deviation over all steps, VA.
    sd_va: f64,
    /// Standard deviation that independent hosts of the same distributions would have, VA.
    sd_independent_va: f64,
    independent: Sum,
}

impl Tail {
    /// Of a placement under these demands, each a replication.
    #[must_use]
    pub fn of(site: &Site, demands: &[Demand], placement: &Placement) -> Self {
        let guests = placement.guests_by_host();
        let hosts = (0..site.hosts.len()).filter(|h| placement.on[*h]);
        let columns = hosts.map(|h| demands.iter().map(|d| host_apparent_mva(site, d, HostId::at(h), &guests[h])).collect());
        let range: u64 = (0..site.hosts.len())
            .filter(|h| placement.on[*h])
            .map(|h| {
                // The factor may fall as the load rises: the range is a bound.
                let power = &site.class_of(HostId::at(h)).power;
                let factors = || power.power_factor.iter().map(|f| f.get());
                let most = power.curve.full().get() / factors().fold(1.0, f64::min);
                let least = power.curve.idle().get() / factors().fold(0.0, f64::max);
                ((most - least) * 1000.0) as u64
            })
            .sum();
        Self::of_columns(devices_apparent_mva(site), columns, range / GRID)
    }

    /// Of what draws the same at every step, and hosts: for each its mVA by step, a column a replication. Hosts are summed as
    /// independent on a grid of so many mVA, at least one.
    ///
    /// # Panics
    /// Where columns of a replication differ in length.
    #[must_use]
    pub fn of_columns(steady_mva: u64, hosts: impl Iterator<Item = Vec<Vec<u64>>>, grid_mva: u64) -> Self {
        let grid = grid_mva.max(1);
        let mut replications: Vec<Vec<u64>> = Vec::new();
        let mut independent = Sum { least_mva: steady_mva as f64, grid_mva: grid as f64, chance: vec![1.0], moving: 0 };
        let mut variance = 0.0;
        for columns in hosts {
            if replications.is_empty() {
                replications = columns.iter().map(|c| vec![steady_mva; c.len()]).collect();
            }
            for (sum, column) in replications.iter_mut().zip(&columns) {
                assert_eq!(sum.len(), column.len(), "steps of a host's column");
                sum.iter_mut().zip(column).for_each(|(s, x)| *s += x);
            }
            variance += variance_of(columns.iter().flatten());
            independent.add(&columns, grid);
        }
        let mut pooled: Vec<u64> = replications.iter().flatten().copied().collect();
        let sd_va = variance_of(pooled.iter()).sqrt() / 1000.0;
        pooled.sort_unstable();
        replications.iter_mut().for_each(|r| r.sort_unstable());
        Self { replications, pooled, sd_va, sd_independent_va: variance.sqrt() / 1000.0, independent }
    }

    /// The level that is exceeded for a share of the time, VA; nothing where fewer than [`LEAST_STEPS`] steps are that share.
    /// The range is a 95 % interval over replications where each has steps enough: then their number is told too.
    #[must_use]
    pub fn level(&self, share: f64) -> Option<(Estimate, Option<u32>)> {
        let each: Option<Vec<f64>> = self.replications.iter().map(|r| level(r, share)).collect();
        match each {
            Some(each) if each.len() > 1 => Some(over(&each)),
            _ => level(&self.pooled, share).map(|va| (Estimate::exactly(va), None)),
        }
    }

    /// The share of all steps above a level.
    #[must_use]
    pub fn above(&self, level_va: f64) -> f64 {
        above(&self.pooled, level_va)
    }

    /// The same with its 95 % interval over replications, where there are several.
    #[must_use]
    pub fn above_by_replication(&self, level_va: f64) -> (Estimate, Option<u32>) {
        match self.replications.len() {
            0 | 1 => (Estimate::exactly(self.above(level_va)), None),
            _ => {
                let (share, count) = over(&self.replications.iter().map(|r| above(r, level_va)).collect::<Vec<_>>());
                (Estimate { low: share.low.max(0.0), ..share }, count)
            }
        }
    }

    /// The level that independent hosts of the same distributions would exceed for a share of the time, VA. It is higher by
    /// what rounding to the grid may hide, so that a level which a sum only reaches is not taken as exceeded.
    #[must_use]
    pub fn independent_level(&self, share: f64) -> f64 {
        let sum = &self.independent;
        sum.level(share) + sum.grid_mva * f64::from(sum.moving).sqrt() / 1000.0
    }

    /// The share of the time that independent hosts would be above a level.
    #[must_use]
    pub fn independent_above(&self, level_va: f64) -> f64 {
        self.independent.above(level_va)
    }

    /// Standard deviation over that of independent hosts; nothing where no host's power moves.
    #[must_use]
    pub fn sd_ratio(&self) -> Option<f64> {
        (self.sd_independent_va > 0.0).then(|| self.sd_va / self.sd_independent_va)
    }
}

/// A mean of replications, its interval and their number.
fn over(replications: &[f64]) -> (Estimate, Option<u32>) {
    let f = figure("", "", replications);
    match f.interval {
        Some((low, high)) => (Estimate { value: f.value, low, high }, Some(f.count)),
        None => (Estimate::exactly(f.value), None),
    }
}

/// The least level, VA, that at most a share of ascending steps is above.
fn level(steps: &[u64], share: f64) -> Option<f64> {
    // A share of 0.001 of 10,000 steps is ten of them, however it is rounded.
    let over = (share * steps.len() as f64 + 1e-9) as usize;
    (over >= LEAST_STEPS && over < steps.len()).then(|| steps[steps.len() - 1 - over] as f64 / 1000.0)
}

fn above(steps: &[u64], level_va: f64) -> f64 {
    if steps.is_empty() {
        return 0.0;
    }
    let below = steps.partition_point(|x| *x as f64 <= level_va * 1000.0);
    (steps.len() - below) as f64 / steps.len() as f64
}

fn variance_of<'a>(all: impl Iterator<Item = &'a u64> + Clone) -> f64 {
    let (n, sum) = all.clone().fold((0u64, 0u128), |(n, sum), x| (n + 1, sum + u128::from(*x)));
    if n == 0 {
        return 0.0;
    }
    let mean = sum as f64 / n as f64;
    all.map(|x| (*x as f64 - mean) * (*x as f64 - mean)).sum::<f64>() / n as f64
}

/// The distribution of a sum of independent parts on a grid.
#[derive(Debug, Clone, PartialEq)]
struct Sum {
    /// The level of the first chance.
    least_mva: f64,
    grid_mva: f64,
    chance: Vec<f64>,
    /// Parts that move: each is rounded by up to one step of the grid, and the errors are independent.
    moving: u32,
}

impl Sum {
    /// Adds a part by all that was seen of it. Its steps are counted from its least value, and what rounding to the grid moves
    /// its mean by is put right, so that a part that never moves is exact.
    fn add(&mut self, columns: &[Vec<u64>], grid: u64) {
        let all = || columns.iter().flatten();
        let (Some(least), Some(most)) = (all().min(), all().max()) else { return };
        self.moving += u32::from(least < most);
        let bin = |x: u64| ((x - least + grid / 2) / grid) as usize;
        let mut counts = vec![0u64; bin(*most) + 1];
        let (mut n, mut moved) = (0u64, 0.0);
        for x in all() {
            counts[bin(*x)] += 1;
            n += 1;
            moved += (x - least) as f64 - bin(*x) as f64 * self.grid_mva;
        }
        self.least_mva += *least as f64 + moved / n as f64;
        let mut next = vec![0.0; self.chance.len() + counts.len() - 1];
        for (by, count) in counts.iter().enumerate().filter(|(_, c)| **c > 0) {
            let p = *count as f64 / n as f64;
            for (to, from) in next[by..].iter_mut().zip(&self.chance) {
                *to += p * from;
            }
        }
        let first = next.iter().position(|p| *p > NOTHING).unwrap_or(0);
        let last = next.iter().rposition(|p| *p > NOTHING).unwrap_or(0);
        self.least_mva += first as f64 * self.grid_mva;
        self.chance = next[first..=last].to_vec();
    }

    fn level(&self, share: f64) -> f64 {
        let mut over = 0.0;
        for (i, p) in self.chance.iter().enumerate().rev() {
            if over + p > share {
                return (self.least_mva + i as f64 * self.grid_mva) / 1000.0;
            }
            over += p;
        }
        self.least_mva / 1000.0
    }

    fn above(&self, level_va: f64) -> f64 {
        let over = |i: usize| self.least_mva + i as f64 * self.grid_mva > level_va * 1000.0;
        self.chance.iter().enumerate().rev().take_while(|(i, _)| over(*i)).fold(0.0, |sum, (_, p)| sum + p)
    }
}

/// What a study of the tail says of these fleets; `rating` is that of the CVCF, where there is one.
#[must_use]
pub fn answer(asked: &PowerTail, study: &Study, fleets: &[(String, Tail)], rating: Option<VoltAmperes>) -> Answer {
    let mut answer = Answer::to(study, &["power"]);
    for (fleet, tail) in fleets {
        let mut tell = |name: String, (value, count): (Estimate, Option<u32>), unit: &str, how: &str| {
            let name = format!("{fleet}: {name}");
            answer.figures.push(Figure { name, value, unit: unit.into(), fitted: 0, how: how.into(), count });
        };
        let mut cannot: Vec<(String, String)> = Vec::new();
        let mut rarest: Option<(f64, f64, f64)> = None;
        for share in &asked.shares {
            let name = format!("exceeded {share} of the time");
            match tail.level(*share) {
                Some((level, count)) => {
                    tell(name, (level.times(0.001), count), "kVA", "replayed steps; all hosts see the same days");
                }
                None => cannot.push((
                    format!("{fleet}: {name}"),
                    format!("{} steps were replayed: fewer than {LEAST_STEPS} are so rare", tail.pooled.len()),
                )),
            }
            let level = tail.independent_level(*share);
            let how = "exact convolution of each host's own distribution";
            tell(format!("exceeded {share} of the time, hosts independent"), (Estimate::exactly(level / 1000.0), None), "kVA", how);
            let really = tail.above_by_replication(level);
            tell(format!("really above the independent level of {share}"), really, "", "share of replayed steps");
            rarest = Some((*share, level, tail.above(level)));
        }
        match tail.sd_ratio() {
            Some(ratio) => {
                tell("sd over that of independent hosts".into(), (Estimate::exactly(ratio), None), "", "over all steps");
                tell("sd".into(), (Estimate::exactly(tail.sd_va / 1000.0), None), "kVA", "over all steps");
            }
            None => cannot.push((format!("{fleet}: sd over that of independent hosts"), "the power of no host moves".into())),
        }
        if let Some(rating) = rating {
            tell("above the CVCF's rating".into(), tail.above_by_replication(rating.get()), "", "share of replayed steps");
            let independent = Estimate::exactly(tail.independent_above(rating.get()));
            tell("above the CVCF's rating, hosts independent".into(), (independent, None), "", "exact convolution");
        }
        answer.cannot_say.append(&mut cannot);
        if let (Some((share, level, really)), Some(ratio)) = (rarest, tail.sd_ratio()) {
            let times = really / share;
            let told = tail.level(share).map(|(l, _)| (l.value, 100.0 * (l.value / level - 1.0)));
            answer.say(format!(
                "{fleet}: independent hosts would exceed {:.2} kVA {} % of the time; under the loads that they share it is exceeded {:.2} % \
                 of the time{}{}; the standard deviation is {ratio:.1} times as large",
                level / 1000.0,
                100.0 * share,
                100.0 * really,
                if times >= 2.0 { format!(", {times:.0} times as often") } else { String::new() },
                told.map_or(String::new(), |(va, much)| format!(", and the level that is so rare is {:.2} kVA, {much:+.1} %", va / 1000.0))
            ));
        }
    }
    answer
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::{self, Units};
    use models::study::Kind;
    use models::{example, site::Site};
    use proptest::prelude::*;

    /// A site of some hosts, one guest each, whose loads are a share of capacity by host and step.
    fn site_of(hosts: u32, steps: usize, mut load: impl FnMut(usize, usize) -> f64) -> (Site, Demand, Placement) {
        let guests: Vec<_> = (0..hosts).map(|h| example::guest(&format!("g{h}"), 4, 100)).collect();
        let site = example::site(example::class("c", 4, 1000.0, 8000), hosts, guests);
        let mut demand = example::steady(&vec![0.0; hosts as usize], steps);
        for (h, columns) in demand.guests.iter_mut().enumerate() {
            columns.cpu_khz = (0..steps).map(|t| (load(h, t).clamp(0.0, 1.0) * 4e6) as u32).collect();
        }
        let placement = Placement { on: vec![true; hosts as usize], host_of: (0..hosts).map(|h| Some(HostId(h))).collect() };
        (site, demand, placement)
    }

    /// Noise of its own for each host, from 0.6 to 1.4.
    fn noise(hosts: usize, steps: usize) -> Vec<Vec<f64>> {
        let mut stream = random::stream(20_041, "tail", "noise", 0);
        (0..hosts).map(|_| (0..steps).map(|_| 0.6 + 0.8 * stream.unit()).collect()).collect()
    }

    #[test]
    fn one_load_that_all_share_exceeds_the_independent_level_far_more_often() {
        // models 0.4: 51 hosts; on one day in five a crowd multiplies every load. What independent hosts exceed 1e-4 of the time
        // is exceeded a fifth of the time, and the standard deviation is about five times as large.
        let (hosts, steps) = (51, 20_000);
        let own = noise(hosts, steps);
        let common = |t: usize| if (t / 100).is_multiple_of(5) { 2.0 } else { 1.0 };
        let (site, demand, placement) = site_of(51, steps, |h, t| 0.2 * own[h][t] * common(t));
        let tail = Tail::of(&site, &[demand], &placement);
        let level = tail.independent_level(1e-4);
        let really = tail.above(level);
        assert!((0.15..0.21).contains(&really), "{really}");
        assert!((4.0..8.0).contains(&tail.sd_ratio().unwrap()), "{:?}", tail.sd_ratio());
        assert!(tail.level(1e-2).unwrap().0.value > tail.independent_level(1e-2));
    }

    #[test]
    fn hosts_that_share_nothing_agree_with_the_convolution() {
        let (hosts, steps) = (30, 40_000);
        let own = noise(hosts, steps);
        let (site, demand, placement) = site_of(30, steps, |h, t| 0.3 * own[h][t]);
        let tail = Tail::of(&site, &[demand], &placement);
        for share in [0.1, 1e-2, 1e-3] {
            // Four standard errors of a share of so many independent steps.
            let error = 4.0 * (share * (1.0 - share) / steps as f64).sqrt();
            let really = tail.above(tail.independent_level(share));
            assert!((really - share).abs() < error, "{share}: {really}");
        }
        assert!((tail.sd_ratio().unwrap() - 1.0).abs() < 0.03, "{:?}", tail.sd_ratio());
    }

    #[test]
    fn the_course_is_that_of_the_replay() {
        let own = noise(5, 500);
        let (site, demand, placement) = site_of(5, 500, |h, t| 0.5 * own[h][t]);
        let tail = Tail::of(&site, std::slice::from_ref(&demand), &placement);
        let measures = crate::replay::replay(&site, &demand, &placement);
        assert_eq!(tail.pooled.last().copied(), Some((measures.site.peak_va.get() * 1000.0).round() as u64));
    }

    #[test]
    fn what_is_too_rare_for_the_steps_is_not_told() {
        let columns = vec![vec![(0..1000u64).collect::<Vec<_>>()]];
        let tail = Tail::of_columns(0, columns.into_iter(), 1);
        // Ten steps of a thousand are above 989 mVA: 990 to 999.
        assert_eq!(tail.level(1e-2), Some((Estimate::exactly(0.989), None)));
        assert_eq!(tail.level(9e-3), None);
        let study = Study { name: "s".into(), title: "t".into(), kind: Kind::PowerTail(PowerTail { shares: vec![1e-2, 1e-3] }) };
        let a = answer(&PowerTail { shares: vec![1e-2, 1e-3] }, &study, &[("f".into(), tail)], None);
        assert!(a.figure("f: exceeded 0.01 of the time").is_some() && a.figure("f: exceeded 0.001 of the time").is_none());
        assert!(a.cannot_say[0].1.contains("1000 steps were replayed"), "{:?}", a.cannot_say);
    }

    #[test]
    fn replications_give_an_interval_where_each_has_steps_enough() {
        let of = |from: u64| (from..from + 1000).collect::<Vec<u64>>();
        let tail = Tail::of_columns(0, std::iter::once(vec![of(0), of(10), of(20)]), 1);
        let (level, count) = tail.level(1e-2).unwrap();
        assert_eq!(count, Some(3));
        assert!((level.value - 0.999).abs() < 1e-12 && level.low < level.value && level.value < level.high);
        // Together they have 15 steps of a share of 0.005, each alone 5.
        assert_eq!(tail.level(5e-3).unwrap().1, None);
    }

    #[test]
    fn a_level_that_a_sum_only_reaches_is_not_exceeded() {
        // Two values each, a twentieth of the steps at the upper, together: no sum is above both upper values, whatever the grid.
        let column = |low: u64, high: u64| vec![(0..1000).map(|t| if t % 20 == 0 { high } else { low }).collect::<Vec<u64>>()];
        for grid in [1, 7, 10, 64] {
            let tail = Tail::of_columns(0, [column(100_003, 101_234), column(90_017, 92_111)].into_iter(), grid);
            assert_eq!(tail.above(tail.independent_level(1e-3)), 0.0, "{grid}");
        }
    }

    #[test]
    fn hosts_that_never_move_have_no_tail() {
        let tail = Tail::of_columns(500, [vec![vec![1234; 100]], vec![vec![777; 100]]].into_iter(), 100);
        assert_eq!((tail.independent_level(0.5), tail.above(2.511), tail.above(2.510)), (2.511, 0.0, 1.0));
        assert_eq!(tail.sd_ratio(), None);
    }

    proptest! {
        #[test]
        fn the_independent_sum_is_what_counting_all_combinations_says(
            hosts in prop::collection::vec(prop::collection::vec(0u64..20, 1..5), 1..5), level in 0u64..80, share in 0.01f64..0.99,
        ) {
            // The grid is 1 mVA: nothing is rounded.
            let steps = hosts.iter().map(Vec::len).product::<usize>();
            let repeated = hosts.iter().map(|h| vec![h.iter().copied().cycle().take(h.len() * 60).collect::<Vec<_>>()]);
            let mut sum = Sum { least_mva: 0.0, grid_mva: 1.0, chance: vec![1.0], moving: 0 };
            repeated.for_each(|columns| sum.add(&columns, 1));
            let mut totals: Vec<u64> = (0..steps)
                .map(|mut i| hosts.iter().map(|h| { let x = h[i % h.len()]; i /= h.len(); x }).sum())
                .collect();
            totals.sort_unstable();
            let over = |x: f64| totals.iter().filter(|t| **t as f64 > x).count() as f64 / steps as f64;
            // Half a mVA aside, so that rounding of the mean does not decide.
            let at = level as f64 + 0.5;
            prop_assert!((sum.above(at / 1000.0) - over(at)).abs() < 1e-9);
            let found = (sum.level(share) * 1000.0).round();
            prop_assert!(over(found) <= share + 1e-9 && over(found - 1.0) >= share - 1e-9, "{found}");
        }

        #[test]
        fn a_rarer_level_is_never_lower(seed in 0u64..1000, share in 0.02f64..0.5, rarer in 0.1f64..1.0) {
            let mut stream = random::stream(seed, "tail", "test", 0);
            let columns: Vec<Vec<Vec<u64>>> = (0..3).map(|_| vec![(0..2000).map(|_| (stream.unit() * 1e5) as u64).collect()]).collect();
            let tail = Tail::of_columns(10, columns.into_iter(), 50);
            prop_assert!(tail.level(share * rarer).is_none_or(|(l, _)| l.value >= tail.level(share).unwrap().0.value));
            prop_assert!(tail.independent_level(share * rarer) >= tail.independent_level(share));
        }
    }
}
