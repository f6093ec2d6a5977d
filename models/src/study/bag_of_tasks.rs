//! A bag of independent tasks over a wide area: what delay does to the job's time, and for which tasks that stops being little.

use serde::Serialize;

use super::{Answer, Study};
use crate::estimate::Estimate;
use crate::law::bag_of_tasks::{Deal, Path, Task, Worker, at_hand_of, compute_of, efficiency, list, round_trip_of, rounds, slowdown, wide};
use crate::quantity::{BytesPerSecond, Nanos, QuantityError};

/// The givens.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct BagOfTasks {
    /// Tasks.
    pub tasks: u32,
    /// Time that one computes, s: 1e-6 to 3e9.
    pub task_s: Estimate,
    /// Round trips that one waits for.
    pub round_trips: Estimate,
    /// Bytes that one moves.
    pub bytes: Estimate,
    /// Window of the transport, bytes: above 0.
    pub window_bytes: Estimate,
    /// What the path carries: above 0.
    pub rate: BytesPerSecond,
    /// By site: workers, and the share of the delay that lies between them and the queue.
    pub sites: Vec<(u32, f64)>,
    /// Round trips that are tried.
    pub tried: Vec<Nanos>,
    /// The round trip at which it is judged.
    pub judged: Nanos,
    /// A job that takes longer by at most this share has hardly changed: above 0.
    pub hardly: f64,
}

/// One choice within the givens.
struct Corner {
    task: Task,
    path: Path,
}

impl BagOfTasks {
    /// Answers.
    ///
    /// # Errors
    /// As the law: [`wide`], [`list`].
    pub fn answer(&self, study: &Study) -> Result<Answer, QuantityError> {
        let mut answer = Answer::to(study, &["bag_of_tasks"]);
        let workers: u64 = self.sites.iter().map(|s| u64::from(s.0)).sum();
        if workers == 0 {
            return Err(QuantityError { what: "number of workers", value: "0".into(), unit: "", expected: "there must be at least one" });
        }
        let tasks = u64::from(self.tasks);
        answer.tell("rounds", Estimate::exactly(rounds(tasks, workers) as f64), "", "closed form, workers alike");
        answer.tell("workers' time that is used", Estimate::exactly(100.0 * efficiency(tasks, workers)), "%", "closed form");
        let schedule = "list schedule, event by event";
        let near = self.over(|c| self.job(c, Nanos::ZERO, 0))?;
        answer.tell("job without delay", near, "s", schedule);

        for rtt in &self.tried {
            let ms = rtt.0 as f64 / 1e6;
            let far = self.over(|c| Ok(100.0 * slowdown(&c.task, &c.path.with_round_trip(*rtt))?))?;
            answer.tell(format!("far task slower at {ms} ms"), far, "%", "closed form");
            answer.tell(format!("job slower at {ms} ms"), self.slowdown_of_job(*rtt, 0)?, "%", schedule);
        }

        let ms = self.judged.0 as f64 / 1e6;
        let job = self.slowdown_of_job(self.judged, 0)?;
        let limit = 100.0 * self.hardly;
        let yes = |slower: f64| f64::from(u8::from(slower <= limit));
        let hardly = Estimate { value: yes(job.value), low: yes(job.high), high: yes(job.low) };
        answer.tell("job hardly changes", hardly, "(1: yes)", &format!("slower by at most {limit} % at {ms} ms"));
        let least = self.over(|c| Ok(compute_of(&c.task, &c.path.with_round_trip(self.judged), self.hardly)?.as_seconds()))?;
        answer.tell("shortest task that stands it", least, "s", "closed form, for a far task");
        let mut crossing = Vec::new();
        for corner in self.corners()? {
            crossing.push(round_trip_of(&corner.task, &corner.path, self.hardly)?);
        }
        match crossing.into_iter().collect::<Option<Vec<_>>>() {
            Some(all) => {
                let all: Vec<f64> = all.into_iter().map(|x| x.0 as f64 / 1e6).collect();
                answer.tell("round trip that it stands", spread(&all), "ms", "closed form, for a far task");
            }
            None => answer.cannot_say.push(("round trip that it stands".into(), "a task that moves nothing is slowed by no delay".into())),
        }
        let at_hand = self.over(|c| {
            let wide = wide(&c.task, &c.path.with_round_trip(self.judged))?;
            Ok(at_hand_of(Worker { compute: c.task.compute, wide }).map_or(f64::INFINITY, |p| p as f64))
        })?;
        answer.tell("tasks at hand that hide it", at_hand, "", "closed form");
        answer.tell("job slower, one at hand", self.slowdown_of_job(self.judged, 1)?, "%", schedule);

        let far = self.over(|c| Ok(100.0 * slowdown(&c.task, &c.path.with_round_trip(self.judged))?))?;
        answer.say(format!(
            "at {ms} ms a far task takes {:.1} % longer ({:.1} to {:.1}) and the job {:.1} % ({:.1} to {:.1}); no far task is slowed by \
             more than {limit} % where it computes for {:.0} s or more",
            far.value, far.low, far.high, job.value, job.low, job.high, least.high
        ));
        if hardly.low < hardly.high {
            answer.say(format!(
                "whether the job hardly changes rests on the task's time, from {} to {} s here: measure one task before spreading a job",
                self.task_s.low, self.task_s.high
            ));
        }
        let ahead = if at_hand.high == 1.0 { "one task".to_owned() } else { format!("{:.0} tasks", at_hand.high) };
        answer.say(format!(
            "workers that fetch {ahead} ahead do not feel the delay, but for the first; a slow site that holds more than it needs \
             makes the end of the job later"
        ));
        Ok(answer)
    }

    /// The given value, then the choices of the ranges that are slowed least and most.
    fn corners(&self) -> Result<[Corner; 3], QuantityError> {
        let corner = |task_s: f64, round_trips: f64, bytes: f64, window_bytes: f64| -> Result<Corner, QuantityError> {
            if !(1e-6..=3e9).contains(&task_s) {
                let expected = "it must be at least 1e-6 and at most 3e9";
                return Err(QuantityError { what: "time of a task", value: task_s.to_string(), unit: "s", expected });
            }
            let compute = Nanos((task_s * 1e9).round() as u64);
            let path = Path { round_trip: Nanos::ZERO, rate: self.rate, window_bytes };
            Ok(Corner { task: Task { compute, round_trips, bytes }, path })
        };
        Ok([
            corner(self.task_s.value, self.round_trips.value, self.bytes.value, self.window_bytes.value)?,
            corner(self.task_s.high, self.round_trips.low, self.bytes.low, self.window_bytes.high)?,
            corner(self.task_s.low, self.round_trips.high, self.bytes.high, self.window_bytes.low)?,
        ])
    }

    /// A figure at the given value, with its range over the corners.
    fn over(&self, of: impl Fn(&Corner) -> Result<f64, QuantityError>) -> Result<Estimate, QuantityError> {
        let all = self.corners()?.iter().map(of).collect::<Result<Vec<f64>, _>>()?;
        Ok(spread(&all))
    }

    /// Seconds of the job where each site has its share of the delay.
    fn job(&self, corner: &Corner, round_trip: Nanos, at_hand: u32) -> Result<f64, QuantityError> {
        let mut workers = Vec::new();
        for (count, share) in &self.sites {
            let path = corner.path.with_round_trip(Nanos((round_trip.0 as f64 * share).round() as u64));
            let worker = Worker { compute: corner.task.compute, wide: wide(&corner.task, &path)? };
            workers.extend(std::iter::repeat_n(worker, *count as usize));
        }
        Ok(list(u64::from(self.tasks), &workers, at_hand, Deal::Asked)?.end.as_seconds())
    }

    /// By how many per cent the job takes longer than without delay and with nothing at hand.
    fn slowdown_of_job(&self, round_trip: Nanos, at_hand: u32) -> Result<Estimate, QuantityError> {
        self.over(|c| Ok(100.0 * (self.job(c, round_trip, at_hand)? / self.job(c, Nanos::ZERO, 0)? - 1.0)))
    }
}

/// The first of some numbers, with the least and the most of all.
fn spread(all: &[f64]) -> Estimate {
    let (low, high) = all.iter().fold((f64::INFINITY, f64::NEG_INFINITY), |(l, h), x| (l.min(*x), h.max(*x)));
    Estimate { value: all.first().copied().unwrap_or(0.0), low, high }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::study::Kind;

    fn docking() -> BagOfTasks {
        BagOfTasks {
            tasks: 400,
            task_s: Estimate { value: 60.0, low: 5.0, high: 300.0 },
            round_trips: Estimate::exactly(6.0),
            bytes: Estimate::exactly(2_097_152.0),
            window_bytes: Estimate::exactly(65_536.0),
            rate: BytesPerSecond::new(117e6).unwrap(),
            sites: vec![(5, 0.0), (8, 1.0)],
            tried: vec![Nanos::millis(10), Nanos::millis(100)],
            judged: Nanos::millis(100),
            hardly: 0.1,
        }
    }

    fn figure(bag: &BagOfTasks, name: &str) -> Estimate {
        let study = Study { name: "s".into(), title: "t".into(), kind: Kind::BagOfTasks(bag.clone()) };
        bag.answer(&study).unwrap().figure(name).unwrap_or_else(|| panic!("no {name}")).value
    }

    #[test]
    fn the_job_is_slowed_by_no_more_than_its_far_tasks() {
        let (far, job) = (figure(&docking(), "far task slower at 100 ms"), figure(&docking(), "job slower at 100 ms"));
        assert!((far.value - 6.3).abs() < 0.05 && (far.low - 1.3).abs() < 0.05 && (far.high - 75.4).abs() < 0.5, "{far:?}");
        assert!(job.value > 0.0 && job.value < far.value, "{job:?}");
        // Where all sites are as far, the job is slowed as its tasks are.
        let all = BagOfTasks { sites: vec![(13, 1.0)], ..docking() };
        assert!((figure(&all, "job slower at 100 ms").value - far.value).abs() < 1e-6);
    }

    #[test]
    fn the_statement_turns_from_true_to_open_to_false_as_tasks_get_shorter() {
        let at = |task_s| figure(&BagOfTasks { task_s, ..docking() }, "job hardly changes");
        assert_eq!(at(Estimate { value: 200.0, low: 100.0, high: 300.0 }), Estimate::exactly(1.0));
        assert_eq!(at(docking().task_s), Estimate { value: 1.0, low: 0.0, high: 1.0 });
        assert_eq!(at(Estimate { value: 6.0, low: 5.0, high: 7.0 }), Estimate::exactly(0.0));
        // 3.8 s less what a path of 117 MB/s takes without delay, over a tenth: about 38 s.
        assert!((figure(&docking(), "shortest task that stands it").value - 37.8).abs() < 0.2);
    }

    #[test]
    fn a_wider_window_and_fewer_round_trips_allow_more_delay() {
        let crossing = |bag: &BagOfTasks| figure(bag, "round trip that it stands").value;
        let wider = BagOfTasks { window_bytes: Estimate::exactly(1e6), ..docking() };
        let fewer = BagOfTasks { round_trips: Estimate::exactly(2.0), ..docking() };
        assert!(crossing(&wider) > crossing(&docking()) && crossing(&fewer) > crossing(&docking()));
    }

    #[test]
    fn one_task_at_hand_hides_the_delay_where_tasks_are_longer_than_the_wait() {
        // Tasks of a minute and waits of 3.8 s: what is left is the first wait, 3.8 s of half an hour, less the waits of near workers.
        assert!(figure(&docking(), "job slower, one at hand").value < 0.3);
        assert_eq!(figure(&docking(), "tasks at hand that hide it"), Estimate::exactly(1.0));
    }

    #[test]
    fn a_bag_without_workers_is_refused() {
        let bag = BagOfTasks { sites: vec![], ..docking() };
        let study = Study { name: "s".into(), title: "t".into(), kind: Kind::BagOfTasks(bag.clone()) };
        assert!(bag.answer(&study).is_err());
    }
}
