//! Which packages belong in the cached image, from the requests of the past.

use serde::Serialize;

use super::install::Install;
use super::transfer::Transfer;
use super::{Answer, Study};
use crate::estimate::Estimate;
use crate::law::cache::{Wanted, by_share, count, expected};
use crate::quantity::{Bytes, QuantityError};

/// Numbers fitted: two for the transfer, three for the installation.
const FITTED: u32 = 5;

/// Packages that are always asked for together.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Group {
    /// Its name.
    pub name: String,
    /// Packages in it.
    pub packages: u32,
    /// What they add to the image.
    pub adds: Bytes,
}

/// The givens.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct CachedPackages {
    /// Transfers timed before.
    pub transfer: Transfer,
    /// Installations timed before.
    pub install: Install,
    /// Nodes of a request to come.
    pub nodes: u32,
    /// Packages.
    pub groups: Vec<Group>,
    /// Requests of the past, oldest first: the groups that each asked for, by their place in `groups`.
    pub requests: Vec<Vec<usize>>,
    /// How many requests are counted, N: the last ones.
    pub last: u32,
    /// The share of them that a package must have stood in, M, percent.
    pub percent: f64,
}

impl CachedPackages {
    /// Answers: for each group 1 where it belongs in the cache, by share and by time, and the seconds that it saves.
    ///
    /// # Errors
    /// A history that gives no law, and no request.
    pub fn answer(&self, study: &Study) -> Result<Answer, QuantityError> {
        let (transfer, install) = (self.transfer.learn()?, self.install.learn()?);
        let mut answer = Answer::to(study, &["cache", "transfer", "install", "left_out", "least_squares"]);
        let (stood, of) = count(&self.requests, self.last, self.groups.len());
        if of < self.last {
            answer.say(format!("Only {of} requests are known, not the last {}.", self.last));
        }
        let (each, byte) = (install.law.each(self.nodes)?, transfer.law.byte(self.nodes));
        let word = |yes: bool| Estimate::exactly(f64::from(u8::from(yes)));
        let (mut share_s, mut time_s, mut share_in, mut time_in) = (0.0, 0.0, Vec::new(), Vec::new());
        for (group, requests) in self.groups.iter().zip(stood) {
            let it = Wanted { requests, packages: group.packages, adds: group.adds };
            let (frequent, s) = (by_share(&it, of, self.percent), expected(&it, of, each, byte)?);
            let name = &group.name;
            answer.tell(format!("{name}, stood in"), Estimate::exactly(f64::from(requests) / f64::from(of)), "", "counted");
            answer.tell(format!("{name}, by share"), word(frequent), "", "1 where it stood in often enough");
            answer.tell_fitted(format!("{name}, by time"), word(s > 0.0), "", FITTED, "1 where it saves more than it adds");
            answer.tell_fitted(format!("{name}, saves"), Estimate::exactly(s), "s", FITTED, "share x installation less transfer");
            if frequent {
                share_s += s;
                share_in.push(name.as_str());
            }
            if s > 0.0 {
                time_s += s;
                time_in.push(name.as_str());
            }
        }
        answer.tell_fitted("image by share saves", Estimate::exactly(share_s), "s", FITTED, "sum over its packages");
        answer.tell_fitted("image by time saves", Estimate::exactly(time_s), "s", FITTED, "sum over its packages");
        let list = |names: &[&str]| if names.is_empty() { "nothing".to_owned() } else { names.join(", ") };
        answer.say(format!(
            "On {} nodes, by share ({} % of {of}) the image holds {}: {share_s:.1} s saved a request; by time {}: {time_s:.1} s.",
            self.nodes,
            self.percent,
            list(&share_in),
            list(&time_in)
        ));
        Ok(answer)
    }
}
