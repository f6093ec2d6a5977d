//! The test in two stages, and how a case is played for it.
//!
//! Replications are numbered: those of the second stage come after those of the first, so that no stream is used twice. They run
//! on all threads and are reduced in the order of their numbers.

use rayon::prelude::*;
use statrs::distribution::{ContinuousCDF, StudentsT};

use super::{Effort, Row, Test};
use crate::engine::{self, Broken, Model, Outcome};
use crate::random::{Lot, Units};
use crate::statistics::Summary;

/// Of the first stage.
pub(super) const FIRST_ALPHA: f64 = 0.01;
/// Of the second.
pub(super) const SECOND_ALPHA: f64 = 1e-4;
/// The second stage has so many times the data of the first.
pub(super) const MORE: u32 = 10;
/// A bias of this many standard errors is found at [`SECOND_ALPHA`] with a probability of 90 %: 3.89 + 1.28.
const FOUND: f64 = 5.17;

/// What was seen of one number.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Sample {
    /// Mean over replications.
    pub mean: f64,
    /// Standard error of the mean.
    pub error: f64,
    /// Half of the 95 % interval.
    pub half_width: f64,
    /// Replications.
    pub replications: u32,
}

/// What the test says.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Verdict {
    /// The stage that had the last word.
    pub stage: u8,
    /// Its sample.
    pub sample: Sample,
    /// The difference in standard errors.
    pub z: f64,
    /// Whether the law holds.
    pub passes: bool,
}

impl Verdict {
    /// The row of this verdict.
    pub(super) fn row(&self, number: u32, case: &str, what: &str, reference: f64, note: String) -> Row {
        Row {
            number,
            case: case.to_owned(),
            what: what.to_owned(),
            reference,
            ours: self.sample.mean,
            half_width: Some(self.sample.half_width),
            z: Some(self.z),
            replications: self.sample.replications,
            stage: self.stage,
            test: Test::Statistical,
            passes: self.passes,
            note,
        }
    }
}

impl Sample {
    fn of(values: &[f64]) -> Self {
        let s = Summary::of(values);
        let error = s.sd.unwrap_or(f64::NAN) / (values.len() as f64).sqrt();
        Self { mean: s.mean, error, half_width: s.half_width.unwrap_or(f64::NAN), replications: values.len() as u32 }
    }

    fn judge(self, reference: f64, stage: u8) -> Verdict {
        let alpha = if stage == 1 { FIRST_ALPHA } else { SECOND_ALPHA };
        let z = if self.mean == reference { 0.0 } else { (self.mean - reference) / self.error };
        // A number that is none never passes.
        let passes = z.is_finite() && {
            let law = StudentsT::new(0.0, 1.0, f64::from(self.replications - 1)).expect("two replications at least");
            2.0 * law.sf(z.abs()) >= alpha
        };
        Verdict { stage, sample: self, z, passes }
    }
}

/// Holds the means of several numbers against their references.
///
/// `play` answers the numbers of one replication; `replications` (two at least) make the first stage.
///
/// # Errors
/// What `play` says.
pub fn two_stages<E: Send>(
    references: &[f64],
    replications: u32,
    play: impl Fn(u32) -> Result<Vec<f64>, E> + Sync,
) -> Result<Vec<Verdict>, E> {
    let look = |range: std::ops::Range<u32>, stage| -> Result<Vec<Verdict>, E> {
        let values: Vec<Vec<f64>> = range.into_par_iter().map(&play).collect::<Result<_, E>>()?;
        let of = |i: usize| Sample::of(&values.iter().map(|v| v[i]).collect::<Vec<_>>());
        Ok(references.iter().enumerate().map(|(i, r)| of(i).judge(*r, stage)).collect())
    };
    let first = look(0..replications, 1)?;
    if first.iter().all(|v| v.passes) {
        return Ok(first);
    }
    // Only who failed the first is judged by the second.
    let second = look(replications..replications * (1 + MORE), 2)?;
    Ok(first.into_iter().zip(second).map(|(a, b)| if a.passes { a } else { b }).collect())
}

/// The numbers of a run, from what it had seen at the end of the warm-up and what at its end.
type Measure<'a> = Box<dyn Fn(&Outcome, &Outcome) -> Vec<f64> + Sync + 'a>;

/// One case: a model, what is measured, and what the law says.
pub(super) struct Case<'a> {
    pub number: u32,
    pub name: String,
    /// By number: what it is, by the law.
    pub references: Vec<(&'a str, f64)>,
    /// The model of a run that lasts so many seconds with a warm-up of so many.
    pub model: Box<dyn Fn(f64, f64) -> Model<'static> + Sync + 'a>,
    /// What is taken from a run. Without [`Case::window`] both outcomes are that at its end.
    pub measure: Measure<'a>,
    /// Counters are wanted from the end of the warm-up on: the run is played up to there, too.
    pub window: bool,
    /// Time in which the memory of an empty start falls to 1/e, seconds.
    pub relaxation_s: f64,
    /// What is measured in all replications together under full effort, seconds.
    pub measured_s: f64,
    pub replications: u32,
    /// A bias besides that of the start, as a share, times the seconds measured in a run: of jobs still there at its end.
    pub end_bias_s: f64,
}

/// Warm-up in relaxation times: e^-8 is 0.03 %.
const WARM_UPS: f64 = 8.0;

/// Case `index` under a seed: no two cases share their luck.
pub(super) fn seed_of(seed: u64, index: u32) -> u64 {
    Lot(seed).of(index).bits()
}

impl Case<'_> {
    /// Plays and judges.
    pub(super) fn ask(&self, seed: u64, effort: Effort) -> Result<Vec<(Row, Sample)>, Box<Broken>> {
        let (replications, measured) = match effort {
            Effort::Full => (self.replications, self.measured_s / f64::from(self.replications)),
            Effort::Quick => {
                let fewer = (self.replications / 8).max(10);
                (fewer, self.measured_s / 60.0 / f64::from(fewer))
            }
        };
        let warm_up = WARM_UPS * self.relaxation_s;
        // The share of the mean that an empty start lacks in all of what is measured, at most; and that of the end.
        let bias = (libm::exp(-WARM_UPS) * self.relaxation_s + self.end_bias_s) / measured;
        let model = (self.model)(warm_up + measured, warm_up);
        let play = |replication: u32| -> Result<Vec<f64>, Box<Broken>> {
            let outcome = engine::run(&model, seed, replication)?;
            if outcome.stopped.is_some() {
                return Ok(vec![f64::NAN; self.references.len()]);
            }
            if !self.window {
                return Ok((self.measure)(&outcome, &outcome));
            }
            let before = engine::run(&Model { lasts: model.warm_up, ..model.clone() }, seed, replication)?;
            Ok((self.measure)(&before, &outcome))
        };
        let references: Vec<f64> = self.references.iter().map(|r| r.1).collect();
        let verdicts = two_stages(&references, replications, play)?;
        Ok(verdicts.iter().zip(&self.references).map(|(v, (what, reference))| (self.row(v, what, *reference, bias), v.sample)).collect())
    }

    fn row(&self, verdict: &Verdict, what: &str, reference: f64, bias: f64) -> Row {
        let error = verdict.sample.error;
        let found = FOUND * error / reference.abs() * 100.0;
        let of_error = bias * reference.abs() / error;
        verdict.row(self.number, &self.name, what, reference, format!("5.17se {found:.2}%, bias<{of_error:.3}se"))
    }
}

/// A row of a probability p that chance alone is as far off: at least 0.01 at first, 0.0001 on ten times as many draws.
pub(super) fn by_probability(case: &str, what: &str, draws: u32, p: impl Fn(u32, usize) -> f64) -> Row {
    let first = p(0, draws as usize);
    let (stage, alpha, got) = if first >= FIRST_ALPHA { (1, FIRST_ALPHA, first) } else { (2, SECOND_ALPHA, p(1, (draws * MORE) as usize)) };
    Row {
        number: 27,
        case: case.to_owned(),
        what: what.to_owned(),
        reference: alpha,
        ours: got,
        half_width: None,
        z: None,
        replications: 1,
        stage,
        test: Test::Statistical,
        passes: got >= alpha,
        note: format!("{} draws", if stage == 1 { draws } else { draws * MORE }),
    }
}

/// A row in which chance has no part.
pub(super) fn certain(number: u32, case: &str, what: &str, reference: f64, ours: f64, test: Test, note: String) -> Row {
    let passes = match test {
        Test::Exact => ours == reference,
        Test::Within { relative } => (ours - reference).abs() <= relative * if reference == 0.0 { 1.0 } else { reference.abs() },
        _ => true,
    };
    Row {
        number,
        case: case.to_owned(),
        what: what.to_owned(),
        reference,
        ours,
        half_width: None,
        z: None,
        replications: 0,
        stage: 0,
        test,
        passes,
        note,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::{normal_quantile, stream};

    /// Normal draws about a mean, deviation 1.
    fn about(mean: f64, trial: u32) -> impl Fn(u32) -> Result<Vec<f64>, ()> + Sync {
        move |r| Ok(vec![mean + normal_quantile(stream(u64::from(trial), "judge", "test", r).inside())])
    }

    #[test]
    fn the_first_stage_doubts_one_true_law_in_a_hundred_and_the_second_believes_it() {
        // 1000 trials: 10 +- 3.1 at one sigma; none of some ten fails the second stage but with a probability of 0.1 %.
        let verdicts: Vec<Verdict> = (0..1000).map(|t| two_stages(&[3.0], 5, about(3.0, t)).unwrap()[0]).collect();
        let doubted = verdicts.iter().filter(|v| v.stage == 2).count();
        assert!((1..=22).contains(&doubted), "{doubted}");
        assert!(verdicts.iter().all(|v| v.passes));
    }

    #[test]
    fn a_law_that_is_off_by_5_17_standard_errors_of_the_first_stage_is_found() {
        // 50 replications: a standard error of 1 / sqrt 50, a bias of 0.731. The first stage, at 2.68 of its errors, overlooks 2.49 sigma:
        // 0.6 %; the second sees 16 of its own.
        let found = (0..100).filter(|t| !two_stages(&[3.0], 50, about(3.731, *t)).unwrap()[0].passes).count();
        assert!(found >= 95, "{found}");
    }

    #[test]
    fn what_is_no_number_never_passes() {
        let verdict = two_stages::<()>(&[3.0], 5, |_| Ok(vec![f64::NAN])).unwrap()[0];
        assert!(!verdict.passes && verdict.stage == 2);
    }

    #[test]
    fn the_second_stage_uses_no_stream_of_the_first() {
        // Replications 0 to 4 are off by far, 5 to 54 are right: the second stage alone has the last word.
        let play = |r: u32| about(if r < 5 { 100.0 } else { 3.0 }, 1)(r);
        let verdict = two_stages(&[3.0], 5, play).unwrap()[0];
        assert!(verdict.passes && verdict.stage == 2 && verdict.sample.replications == 50);
    }
}
