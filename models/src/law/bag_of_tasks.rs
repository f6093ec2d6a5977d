//! A bag of independent tasks on workers that fetch each task over a network with delay.
//!
//! # Formula
//! A task of t seconds that makes k round trips and moves D bytes waits w = k RTT + D / min(B, W / RTT) for the network, where
//! B is the rate of the path and W the window of the transport. N tasks on m workers that are alike are ceil(N / m) rounds.
//! A worker that keeps p more tasks at hand fetches them while it computes: the i-th starts at
//! S_i = max(S_(i-1) + t, S_(i-p) + w), so that n tasks take w + n t where p t >= w (the network is hidden but for the first),
//! and (j + 1) w + r t with j = ceil(n / p) - 1 and r = n - j p where it is not; without any at hand they take n (w + t).
//! Workers that are not alike are dealt tasks one by one, event by event ([`list`]).
//!
//! # Range
//! Tasks that are alike and wait for nothing but their own data; a path that carries all workers' data together (N D over
//! the job's time well under B); no loss of packets, so that the window stays open. The queue answers at once.
//!
//! # Source
//! models A7 (S4-3, S4-4); the rate of one window a round trip is elementary. List scheduling: R. L. Graham, 1966.
//!
//! # Error
//! None in the schedule, which is exact in whole nanoseconds. The paper prints no time and no delay to hold it against.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use crate::quantity::{BytesPerSecond, Nanos, QuantityError};

/// The most tasks of a bag that is played.
pub const MOST_TASKS: u64 = 10_000_000;

/// A task: what it computes and what it asks of the network.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Task {
    /// Time that it computes, t.
    pub compute: Nanos,
    /// Round trips that it waits for, k: not negative.
    pub round_trips: f64,
    /// Bytes that it moves, D: not negative.
    pub bytes: f64,
}

/// A path between a worker and the queue of tasks.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Path {
    /// Its round trip, RTT.
    pub round_trip: Nanos,
    /// What it carries, B: above 0.
    pub rate: BytesPerSecond,
    /// What may be on the way without an answer, W, bytes: above 0.
    pub window_bytes: f64,
}

/// A worker, for tasks that are alike.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Worker {
    /// Time that it computes a task.
    pub compute: Nanos,
    /// Time that it waits for the network a task.
    pub wide: Nanos,
}

/// Who gets the next task.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Deal {
    /// The worker that asks for it first; of several, the first in order. This is what a queue of tasks does.
    Asked,
    /// The worker that would end it first: the shortest schedule that there is, for a queue that knows the workers.
    Forecast,
}

/// A bag that was played.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Schedule {
    /// When the last task ends.
    pub end: Nanos,
    /// Tasks by worker.
    pub tasks: Vec<u64>,
}

fn refuse<T>(what: &'static str, value: impl ToString, unit: &'static str, expected: &'static str) -> Result<T, QuantityError> {
    Err(QuantityError { what, value: value.to_string(), unit, expected })
}

/// Nanoseconds of a span that may be too long to hold.
fn span(ns: u128) -> Result<Nanos, QuantityError> {
    match u64::try_from(ns) {
        Ok(ns) => Ok(Nanos(ns)),
        Err(_) => refuse("time of a job", ns / 1_000_000_000, "s", "it must be at most 584 years"),
    }
}

/// Seconds as nanoseconds, to the nearest.
fn nanos(s: f64) -> Result<Nanos, QuantityError> {
    span((s.max(0.0) * 1e9).round() as u128)
}

impl Path {
    /// The same path with another round trip.
    #[must_use]
    pub const fn with_round_trip(self, round_trip: Nanos) -> Self {
        Self { round_trip, ..self }
    }

    fn check(&self, task: &Task) -> Result<(), QuantityError> {
        if self.rate.get() <= 0.0 {
            return refuse("rate of a path", self.rate.get(), "B/s", "it must be above 0");
        }
        if !(self.window_bytes > 0.0 && self.window_bytes.is_finite()) {
            return refuse("window", self.window_bytes, "B", "it must be finite and above 0");
        }
        if !(task.round_trips >= 0.0 && task.round_trips.is_finite()) {
            return refuse("number of round trips", task.round_trips, "", "it must be finite and not negative");
        }
        if !(task.bytes >= 0.0 && task.bytes.is_finite()) {
            return refuse("volume of a task", task.bytes, "B", "it must be finite and not negative");
        }
        Ok(())
    }
}

/// Seconds that a task waits for the network.
fn wide_s(task: &Task, path: &Path) -> f64 {
    let rtt = path.round_trip.as_seconds();
    task.round_trips * rtt + task.bytes * f64::max(1.0 / path.rate.get(), rtt / path.window_bytes)
}

/// Time that a task waits for the network: its round trips, and its bytes at the path's rate or a window a round trip.
///
/// # Errors
/// A number of the task or of the path outside its range.
pub fn wide(task: &Task, path: &Path) -> Result<Nanos, QuantityError> {
    path.check(task)?;
    nanos(wide_s(task, path))
}

/// By which share of itself a task takes longer than over the same path without delay; nothing is kept at hand.
///
/// ```
/// use models::law::bag_of_tasks::{Path, Task, slowdown};
/// use models::quantity::{BytesPerSecond, Nanos};
/// // Six round trips of 100 ms, 32 windows: 0.6 s + 3.2 s on a minute.
/// let task = Task { compute: Nanos::seconds(60), round_trips: 6.0, bytes: 2097152.0 };
/// let path = Path { round_trip: Nanos::millis(100), rate: BytesPerSecond::new(1e12)?, window_bytes: 65536.0 };
/// assert!((slowdown(&task, &path)? - 3.8 / 60.0).abs() < 1e-6);
/// # Ok::<(), models::quantity::QuantityError>(())
/// ```
///
/// # Errors
/// As [`wide`]; a task that takes no time at all without delay.
pub fn slowdown(task: &Task, path: &Path) -> Result<f64, QuantityError> {
    path.check(task)?;
    let near = task.compute.as_seconds() + task.bytes / path.rate.get();
    if near <= 0.0 {
        return refuse("time of a task without delay", near, "s", "it must be above 0 for a share of it");
    }
    Ok((wide_s(task, path) - task.bytes / path.rate.get()) / near)
}

/// The round trip at which a task takes longer by this share; nothing where no delay does that.
///
/// Under the knee W / B the round trips alone count, above it the windows too; both parts are straight lines.
///
/// # Errors
/// As [`slowdown`]; a share that is negative or not finite.
pub fn round_trip_of(task: &Task, path: &Path, share: f64) -> Result<Option<Nanos>, QuantityError> {
    slowdown(task, path)?;
    if !(share >= 0.0 && share.is_finite()) {
        return refuse("slowdown", share, "", "it must be finite and not negative");
    }
    let at_rate = task.bytes / path.rate.get();
    let more = share * (task.compute.as_seconds() + at_rate);
    let knee = path.window_bytes / path.rate.get();
    if task.round_trips > 0.0 && more <= task.round_trips * knee {
        return nanos(more / task.round_trips).map(Some);
    }
    let slope = task.round_trips + task.bytes / path.window_bytes;
    if slope > 0.0 { nanos((more + at_rate) / slope).map(Some) } else { Ok(None) }
}

/// The computing time at which such a task takes longer by this share: shorter tasks are slowed by more, longer ones by less.
///
/// # Errors
/// As [`wide`]; a share that is not above 0.
pub fn compute_of(task: &Task, path: &Path, share: f64) -> Result<Nanos, QuantityError> {
    path.check(task)?;
    if !(share > 0.0 && share.is_finite()) {
        return refuse("slowdown", share, "", "it must be finite and above 0");
    }
    let at_rate = task.bytes / path.rate.get();
    nanos((wide_s(task, path) - at_rate) / share - at_rate)
}

/// The least number of tasks at hand that hides the network but for the first task, ceil(w / t); nothing where none does.
#[must_use]
pub fn at_hand_of(worker: Worker) -> Option<u64> {
    if worker.compute == Nanos::ZERO { (worker.wide == Nanos::ZERO).then_some(0) } else { Some(worker.wide.0.div_ceil(worker.compute.0)) }
}

/// Rounds in which so many tasks are done: the most that one worker does. 400 on 13 are 31 (S4-1, S4-3).
///
/// # Panics
/// Without a worker.
#[must_use]
pub fn rounds(tasks: u64, workers: u64) -> u64 {
    assert!(workers > 0, "no worker");
    tasks.div_ceil(workers)
}

/// The share of the workers' time that is used, where all are alike: tasks / (workers x rounds).
///
/// # Panics
/// Without a worker.
#[must_use]
pub fn efficiency(tasks: u64, workers: u64) -> f64 {
    let places = rounds(tasks, workers) as f64 * workers as f64;
    if tasks == 0 { 1.0 } else { tasks as f64 / places }
}

/// When a worker ends its `tasks`-th task, with so many kept at hand.
///
/// # Errors
/// More than 584 years.
pub fn worker_time(tasks: u64, worker: Worker, at_hand: u32) -> Result<Nanos, QuantityError> {
    let (n, t, w, p) = (u128::from(tasks), u128::from(worker.compute.0), u128::from(worker.wide.0), u128::from(at_hand));
    let ns = if n == 0 {
        0
    } else if p == 0 {
        n * (w + t)
    } else if p * t >= w {
        w + n * t
    } else {
        let fetches = n.div_ceil(p) - 1;
        (fetches + 1) * w + (n - fetches * p) * t
    };
    span(ns)
}

/// Plays a bag on workers that need not be alike, event by event.
///
/// A worker asks for its next task when it ends one; with tasks at hand it asks for as many at the start, in turns with the
/// others, and for one more whenever it starts one. A task that is dealt is not taken back: with [`Deal::Asked`] a slow
/// worker that holds many can make the end of the job later.
///
/// # Errors
/// No worker, more than [`MOST_TASKS`], or more than 584 years.
pub fn list(tasks: u64, workers: &[Worker], at_hand: u32, deal: Deal) -> Result<Schedule, QuantityError> {
    if workers.is_empty() {
        return refuse("number of workers", 0, "", "there must be at least one");
    }
    if tasks > MOST_TASKS {
        return refuse("number of tasks", tasks, "", "it must be at most 10,000,000");
    }
    let mut dealt = vec![0u64; workers.len()];
    let mut end = Nanos::ZERO;
    match deal {
        Deal::Forecast => {
            let next = |w: usize, dealt: u64| Ok::<_, QuantityError>(Reverse((worker_time(dealt + 1, workers[w], at_hand)?, w)));
            let mut heap = (0..workers.len()).map(|w| next(w, 0)).collect::<Result<BinaryHeap<_>, _>>()?;
            for _ in 0..tasks {
                let Some(Reverse((done, w))) = heap.pop() else { break };
                dealt[w] += 1;
                end = end.max(done);
                heap.push(next(w, dealt[w])?);
            }
        }
        Deal::Asked => {
            // When, which of the first requests (all others after them), who. More of the first than there are tasks need not be asked.
            let turns = u64::from(at_hand.max(1)).min(rounds(tasks, workers.len() as u64));
            let mut heap: BinaryHeap<Reverse<(Nanos, u64, usize)>> =
                (0..turns).flat_map(|turn| (0..workers.len()).map(move |w| Reverse((Nanos::ZERO, turn, w)))).collect();
            let mut free = vec![Nanos::ZERO; workers.len()];
            for _ in 0..tasks {
                let Some(Reverse((asked, _, w))) = heap.pop() else { break };
                let there = span(u128::from(asked.0) + u128::from(workers[w].wide.0))?;
                let starts = free[w].max(there);
                free[w] = span(u128::from(starts.0) + u128::from(workers[w].compute.0))?;
                dealt[w] += 1;
                end = end.max(free[w]);
                heap.push(Reverse((if at_hand == 0 { free[w] } else { starts }, u64::MAX, w)));
            }
        }
    }
    Ok(Schedule { end, tasks: dealt })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const MIB: f64 = 1_048_576.0;

    fn rate(x: f64) -> BytesPerSecond {
        BytesPerSecond::new(x).unwrap()
    }

    /// models A7: k = 6, D = 2 MB, a window of 64 KB; the rate of the path is left out there, so it is very large here.
    fn docking(seconds: u64) -> Task {
        Task { compute: Nanos::seconds(seconds), round_trips: 6.0, bytes: 2.0 * MIB }
    }

    fn path(ms: u64) -> Path {
        Path { round_trip: Nanos::millis(ms), rate: rate(1e12), window_bytes: 65_536.0 }
    }

    #[test]
    fn the_slowdowns_worked_out_by_hand_come_out() {
        // 10 ms: 0.06 s + 32 windows of 10 ms = 0.38 s; 100 ms: 3.8 s; 200 ms: 7.6 s.
        for (seconds, ms, per_cent) in [(60, 10, 0.6), (60, 100, 6.3), (60, 200, 12.7), (300, 100, 1.3), (5, 100, 76.0)] {
            let ours = 100.0 * slowdown(&docking(seconds), &path(ms)).unwrap();
            assert!((ours - per_cent).abs() < 0.05, "{seconds} s at {ms} ms: {ours} %, not {per_cent} %");
        }
    }

    #[test]
    fn four_hundred_tasks_on_thirteen_workers_are_31_rounds_that_use_99_3_per_cent() {
        assert_eq!(rounds(400, 13), 31);
        assert!((efficiency(400, 13) - 0.993).abs() < 0.0005);
        let alike = [Worker { compute: Nanos::seconds(60), wide: Nanos::ZERO }; 13];
        assert_eq!(list(400, &alike, 0, Deal::Asked).unwrap().end, Nanos::seconds(31 * 60));
    }

    #[test]
    fn a_queue_that_is_asked_can_end_sooner_where_the_slow_worker_is_slower_still() {
        // The slow one takes the last task at 10 and ends it at 20; asked for at 11, the fast one takes it at 10 and ends it at 15.
        // So more delay is never better only for workers that are alike, or for a queue that knows them.
        let end = |slow: u64| {
            let workers = [Worker { compute: Nanos(slow), wide: Nanos(0) }, Worker { compute: Nanos(5), wide: Nanos(0) }];
            list(4, &workers, 0, Deal::Asked).unwrap().end
        };
        assert_eq!((end(10), end(11)), (Nanos(20), Nanos(15)));
    }

    #[test]
    fn a_slow_worker_that_holds_tasks_makes_the_end_later() {
        let workers = [Worker { compute: Nanos(100), wide: Nanos(1) }, Worker { compute: Nanos(10), wide: Nanos(1) }];
        let end = |p| list(8, &workers, p, Deal::Asked).unwrap().end;
        assert!(end(4) > end(1), "{:?} {:?}", end(4), end(1));
    }

    #[test]
    fn what_is_out_of_range_is_refused() {
        let worker = Worker { compute: Nanos(u64::MAX), wide: Nanos(u64::MAX) };
        assert!(list(1, &[], 0, Deal::Asked).is_err());
        assert!(list(MOST_TASKS + 1, &[worker], 0, Deal::Asked).is_err());
        for deal in [Deal::Asked, Deal::Forecast] {
            assert!(list(2, &[worker], 0, deal).is_err() && list(2, &[worker], 3, deal).is_err());
        }
        assert!(wide(&docking(1), &Path { rate: rate(0.0), ..path(1) }).is_err());
        assert!(wide(&docking(1), &Path { window_bytes: 0.0, ..path(1) }).is_err());
        assert!(wide(&Task { bytes: -1.0, ..docking(1) }, &path(1)).is_err());
        assert!(wide(&Task { round_trips: f64::NAN, ..docking(1) }, &path(1)).is_err());
        assert!(slowdown(&Task { compute: Nanos::ZERO, round_trips: 1.0, bytes: 0.0 }, &path(1)).is_err());
        assert!(round_trip_of(&docking(1), &path(1), -0.1).is_err() && compute_of(&docking(1), &path(1), 0.0).is_err());
        assert_eq!(round_trip_of(&Task { round_trips: 0.0, bytes: 0.0, ..docking(1) }, &path(1), 0.1), Ok(None));
        assert_eq!(at_hand_of(Worker { compute: Nanos::ZERO, wide: Nanos(1) }), None);
    }

    /// A queue of tasks played nanosecond by nanosecond, with nothing of the code above.
    fn by_ticks(tasks: u64, workers: &[(u64, u64)], at_hand: u32) -> (u64, Vec<u64>) {
        struct At {
            /// When each task that is on its way or at hand is there.
            coming: std::collections::VecDeque<u64>,
            busy_until: Option<u64>,
        }
        let mut left = tasks;
        let mut dealt = vec![0; workers.len()];
        let mut at: Vec<At> = workers.iter().map(|_| At { coming: [].into(), busy_until: None }).collect();
        for _ in 0..at_hand.max(1) {
            for (w, (_, wide)) in workers.iter().enumerate() {
                if left > 0 {
                    left -= 1;
                    dealt[w] += 1;
                    at[w].coming.push_back(*wide);
                }
            }
        }
        let (mut done, mut last) = (0, 0);
        for now in 0.. {
            if done == tasks {
                break;
            }
            for (w, (compute, wide)) in workers.iter().enumerate() {
                let mut asks = false;
                if at[w].busy_until == Some(now) {
                    (at[w].busy_until, done, last) = (None, done + 1, now);
                    asks |= at_hand == 0;
                }
                if at[w].busy_until.is_none() && at[w].coming.front().is_some_and(|there| *there <= now) {
                    at[w].coming.pop_front();
                    at[w].busy_until = Some(now + compute);
                    asks |= at_hand > 0;
                }
                if asks && left > 0 {
                    left -= 1;
                    dealt[w] += 1;
                    at[w].coming.push_back(now + wide);
                }
            }
        }
        (last, dealt)
    }

    /// The shortest end over every way to deal tasks to workers.
    fn shortest(tasks: u64, workers: &[Worker], at_hand: u32) -> Nanos {
        fn deal(left: u64, workers: &[Worker], at_hand: u32) -> Nanos {
            let Some((first, others)) = workers.split_first() else { return if left == 0 { Nanos::ZERO } else { Nanos(u64::MAX) } };
            (0..=left).map(|n| worker_time(n, *first, at_hand).unwrap().max(deal(left - n, others, at_hand))).min().unwrap()
        }
        deal(tasks, workers, at_hand)
    }

    fn some() -> impl Strategy<Value = Vec<Worker>> {
        prop::collection::vec((1u64..9, 1u64..12), 1..4)
            .prop_map(|all| all.into_iter().map(|(t, w)| Worker { compute: Nanos(t), wide: Nanos(w) }).collect())
    }

    proptest! {
        #[test]
        fn the_schedule_is_what_ticking_through_it_gives(workers in some(), tasks in 0u64..14, at_hand in 0u32..4) {
            let pairs: Vec<(u64, u64)> = workers.iter().map(|w| (w.compute.0, w.wide.0)).collect();
            let ours = list(tasks, &workers, at_hand, Deal::Asked).unwrap();
            prop_assert_eq!((ours.end.0, ours.tasks), by_ticks(tasks, &pairs, at_hand));
        }

        #[test]
        fn a_queue_that_knows_the_workers_is_as_short_as_any_deal(workers in some(), tasks in 0u64..9, at_hand in 0u32..4) {
            let ours = list(tasks, &workers, at_hand, Deal::Forecast).unwrap();
            prop_assert_eq!(ours.end, shortest(tasks, &workers, at_hand));
            prop_assert_eq!(ours.tasks.iter().sum::<u64>(), tasks);
            // Asked, it is later by at most the longest task.
            let asked = list(tasks, &workers, 0, Deal::Asked).unwrap().end;
            let longest = workers.iter().map(|w| w.compute.0 + w.wide.0).max().unwrap();
            prop_assert!(asked.0 <= shortest(tasks, &workers, 0).0 + longest);
        }

        #[test]
        fn workers_that_are_alike_need_no_schedule(t in 1u64..50, w in prop_oneof![Just(0u64), 0u64..200], m in 1u64..9, tasks in 1u64..60, at_hand in 0u32..5) {
            let worker = Worker { compute: Nanos(t), wide: Nanos(w) };
            let closed = worker_time(rounds(tasks, m), worker, at_hand).unwrap();
            for deal in [Deal::Asked, Deal::Forecast] {
                prop_assert_eq!(list(tasks, &vec![worker; m as usize], at_hand, deal).unwrap().end, closed);
            }
        }

        #[test]
        fn more_delay_and_fewer_at_hand_never_speed_the_job(workers in some(), tasks in 0u64..30, at_hand in 0u32..4, more in 0u64..9) {
            let end = |workers: &[Worker], p| list(tasks, workers, p, Deal::Forecast).unwrap().end;
            let later: Vec<Worker> = workers.iter().map(|w| Worker { wide: Nanos(w.wide.0 + more), ..*w }).collect();
            prop_assert!(end(&workers, at_hand) <= end(&later, at_hand));
            prop_assert!(end(&workers, at_hand + 1) <= end(&workers, at_hand));
        }

        #[test]
        fn enough_at_hand_hides_all_but_the_first_wait(t in 1u64..50, w in 0u64..500, n in 1u64..40) {
            let worker = Worker { compute: Nanos(t), wide: Nanos(w) };
            let p = at_hand_of(worker).unwrap() as u32;
            prop_assert_eq!(worker_time(n, worker, p.max(1)).unwrap(), Nanos(w + n * t));
            if p > 1 && n > u64::from(p) {
                prop_assert!(worker_time(n, worker, p - 1).unwrap() > Nanos(w + n * t));
            }
        }

        #[test]
        fn longer_tasks_are_slowed_by_a_smaller_share_and_more_delay_by_a_larger(
            t in 1u64..4000, more in 0u64..4000, ms in 0u64..900, further in 0u64..900, k in 0.0f64..20.0, mb in 0.0f64..50.0
        ) {
            let task = |t| Task { compute: Nanos::seconds(t), round_trips: k, bytes: mb * 1e6 };
            let path = |ms| Path { round_trip: Nanos::millis(ms), rate: rate(125e6), window_bytes: 65_536.0 };
            prop_assert!(slowdown(&task(t + more), &path(ms)).unwrap() <= slowdown(&task(t), &path(ms)).unwrap());
            prop_assert!(slowdown(&task(t), &path(ms)).unwrap() <= slowdown(&task(t), &path(ms + further)).unwrap());
        }

        #[test]
        fn at_the_round_trip_of_a_share_and_at_the_time_of_a_share_that_is_the_slowdown(
            t in 1u64..4000, ms in 1u64..900, k in 0.1f64..20.0, mb in 0.0f64..50.0, share in 0.001f64..2.0
        ) {
            let task = Task { compute: Nanos::seconds(t), round_trips: k, bytes: mb * 1e6 };
            let path = Path { round_trip: Nanos::millis(ms), rate: rate(125e6), window_bytes: 65_536.0 };
            let there = path.with_round_trip(round_trip_of(&task, &path, share).unwrap().unwrap());
            prop_assert!((slowdown(&task, &there).unwrap() - share).abs() < 1e-6);
            let compute = compute_of(&task, &path, share).unwrap();
            if compute > Nanos::seconds(1) {
                let such = Task { compute, ..task };
                prop_assert!((slowdown(&such, &path).unwrap() - share).abs() < 1e-6);
            }
        }
    }
}
