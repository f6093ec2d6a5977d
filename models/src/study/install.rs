//! Installation: how long packages take to install on so many nodes, from what past installations took.

use serde::Serialize;

use super::{Answer, Study};
use crate::estimate::Estimate;
use crate::law::install::{BySize, Install as Law, Installed};
use crate::law::left_out::Learned;
use crate::quantity::{Bytes, QuantityError};

/// Numbers that each of the two laws fits.
const FITTED: u32 = 3;

/// The givens.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Install {
    /// Installations timed before.
    pub history: Vec<Installed>,
    /// Packages, their size, and the nodes that are to install them.
    pub asked: Vec<(u32, Bytes, u32)>,
}

impl Install {
    /// The law fitted to the history, and to all of it but each row.
    ///
    /// # Errors
    /// As [`Law::fit`].
    pub fn learn(&self) -> Result<Learned<Law>, QuantityError> {
        Law::learn(&self.history)
    }

    /// Answers, by count and, as a comparison, by size.
    ///
    /// # Errors
    /// As [`Law::fit`]: the rival by size may be refused, that is said.
    pub fn answer(&self, study: &Study) -> Result<Answer, QuantityError> {
        let learned = self.learn()?;
        let mut answer = Answer::to(study, &["install", "left_out", "least_squares"]);
        let how = format!("fitted to {} installations", self.history.len());
        answer.tell_fitted("fixed", learned.number(|l| l.fixed.as_seconds()), "s", FITTED, &how);
        answer.tell_fitted("a package", learned.number(|l| l.package.as_seconds()), "s", FITTED, &how);
        answer.tell_fitted("a package and node", learned.number(|l| l.package_and_node.as_seconds()), "s", FITTED, &how);
        for (row, without) in self.history.iter().zip(&learned.without) {
            let name = format!("{}, left out", named(row.packages, row.nodes));
            match without {
                Ok(w) => answer.tell_fitted(name, Estimate::exactly(w.predicted), "s", FITTED, "fitted to all others of the history"),
                Err(why) => answer.cannot_say.push((name, why.to_string())),
            }
        }
        let worst = learned.worst();
        match worst {
            Some(worst) => answer.tell_fitted("largest error left out", Estimate::exactly(worst), "", FITTED, "each row by all others"),
            None => answer.say("Some row of the history cannot be spared: predictions have no range."),
        }
        let rival = BySize::learn(&self.history);
        match &rival {
            Ok(rival) => match rival.worst() {
                Some(other) => {
                    answer.tell_fitted("largest error left out, by size", Estimate::exactly(other), "", FITTED, "each row by all others");
                    if let Some(worst) = worst {
                        answer.say(compared(worst, other));
                    }
                }
                None => answer.say("By size some row of the history cannot be spared."),
            },
            Err(why) => answer.say(format!("By size the history gives no law: {why}.")),
        }
        let counts = || self.history.iter().map(|r| r.packages);
        let (least, most) = (counts().min().unwrap_or(0), counts().max().unwrap_or(0));
        for (packages, size, nodes) in &self.asked {
            let name = named(*packages, *nodes);
            let t = learned.predict(|l| Ok(l.time(*packages, *nodes)?.as_seconds()))?;
            answer.tell_fitted(name.clone(), t, "s", FITTED, &how);
            match rival.as_ref().map(|r| r.predict(|l| Ok(l.time(*size, *nodes)?.as_seconds()))) {
                Ok(t) => answer.tell_fitted(format!("{name}, by size"), t?, "s", FITTED, "the rival, by MB: for comparison"),
                Err(_) => answer.cannot_say.push((format!("{name}, by size"), "this history gives no law by size".into())),
            }
            // A tenth beyond is hardly a stretch; half is.
            if *packages > 0 && (packages * 2 < least || *packages > most.saturating_mul(3) / 2) {
                answer.say(format!("{name}: far outside the {least} to {most} packages of the history."));
            }
        }
        Ok(answer)
    }
}

fn compared(by_count: f64, by_size: f64) -> String {
    let (count, size) = (100.0 * by_count, 100.0 * by_size);
    let word = if by_size > 1.5 * by_count {
        "the count of packages, not their size, sets the time"
    } else if by_count > 1.5 * by_size {
        "here their size describes it better than their count"
    } else {
        "this history alone does not tell which of the two sets the time"
    };
    format!("Each row left out: off by at most {count:.1} % by count of packages, {size:.1} % by size: {word}.")
}

/// `47 packages, 4 nodes`.
fn named(packages: u32, nodes: u32) -> String {
    format!("{packages} packages, {nodes} nodes")
}
