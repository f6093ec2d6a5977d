//! The whole construction of a virtual cluster: transfer, installation, and a rest that grows with neither.

use serde::Serialize;

use super::install::Install;
use super::transfer::Transfer;
use super::{Answer, Study};
use crate::estimate::Estimate;
use crate::law::transfer::predict;
use crate::quantity::{Bytes, Nanos, QuantityError};

/// Numbers fitted: two for the transfer, three for the installation, one for the rest.
const FITTED: u32 = 6;

/// What is built.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Build {
    /// The image sent.
    pub image: Bytes,
    /// Packages installed after that; none: no installation.
    pub packages: u32,
    /// Nodes.
    pub nodes: u32,
}

/// The givens.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Construction {
    /// Transfers timed before.
    pub transfer: Transfer,
    /// Installations timed before.
    pub install: Install,
    /// Whole constructions timed before: what transfer and installation leave of them is the rest.
    pub whole: Vec<(Build, Nanos)>,
    /// What is asked, by name.
    pub asked: Vec<(String, Build)>,
}

impl Construction {
    /// Answers.
    ///
    /// # Errors
    /// A history that gives no law, no whole construction, or one shorter than its parts.
    pub fn answer(&self, study: &Study) -> Result<Answer, QuantityError> {
        let (transfer, install) = (self.transfer.learn()?, self.install.learn()?);
        let parts = |b: &Build| -> Result<(Estimate, Estimate), QuantityError> {
            let sent = predict(&transfer, self.transfer.most_nodes(), b.image, b.nodes)?;
            Ok((sent, install.predict(|l| Ok(l.time(b.packages, b.nodes)?.as_seconds()))?))
        };
        let rests = self.whole.iter().map(|(build, took)| {
            let (sent, installed) = parts(build)?;
            Ok(Estimate::exactly(took.as_seconds()).less(sent).less(installed))
        });
        let rests: Vec<Estimate> = rests.collect::<Result<_, QuantityError>>()?;
        let n = rests.len() as f64;
        let fixed = Estimate {
            value: rests.iter().map(|r| r.value).sum::<f64>() / n,
            low: rests.iter().map(|r| r.low).fold(f64::INFINITY, f64::min).max(0.0),
            high: rests.iter().map(|r| r.high).fold(0.0, f64::max),
        };
        // Without a whole construction the mean is not a number, which is refused too.
        if fixed.value.is_nan() || fixed.value < 0.0 {
            return Err(QuantityError {
                what: "time besides transfer and installation",
                value: fixed.value.to_string(),
                unit: "s",
                expected: "it must be 0 or more: give whole constructions that took longer than their parts",
            });
        }
        let mut answer = Answer::to(study, &["transfer", "install", "left_out", "least_squares"]);
        answer.tell_fitted("fixed", fixed, "s", FITTED, &format!("whole less the laws' parts, mean of {}", rests.len()));
        for (name, build) in &self.asked {
            let (sent, installed) = parts(build)?;
            answer.tell_fitted(name.clone(), fixed + sent + installed, "s", FITTED, "fixed + transfer + installation");
            answer.tell_fitted(format!("{name}, transfer"), sent, "s", 2, "fitted to past transfers");
            answer.tell_fitted(format!("{name}, installation"), installed, "s", 3, "fitted to past installations");
        }
        answer.say(format!(
            "Of each construction {:.1} s ({:.1} to {:.1}) are neither transfer nor installation: a cache cannot save them.",
            fixed.value, fixed.low, fixed.high
        ));
        Ok(answer)
    }
}
