//! Whether to use the cached image for a request, decided beforehand by estimate.

use serde::Serialize;

use super::install::Install;
use super::transfer::Transfer;
use super::{Answer, Study};
use crate::law::cache::Gain;
use crate::law::transfer::predict;
use crate::quantity::{Bytes, QuantityError};

/// Numbers fitted: two for the transfer, three for the installation.
const FITTED: u32 = 5;

/// A request: what is sent and what is left to install, without the cache and with it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Request {
    /// Its name.
    pub name: String,
    /// Nodes.
    pub nodes: u32,
    /// Image and packages without the cache.
    pub without: (Bytes, u32),
    /// Image and packages with it.
    pub with: (Bytes, u32),
}

/// The givens.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Cache {
    /// Transfers timed before.
    pub transfer: Transfer,
    /// Installations timed before.
    pub install: Install,
    /// What is asked.
    pub asked: Vec<Request>,
}

impl Cache {
    /// Answers: for each request 1 where the cache pays, and seconds saved, added and gained.
    ///
    /// # Errors
    /// A history that gives no law.
    pub fn answer(&self, study: &Study) -> Result<Answer, QuantityError> {
        let (transfer, install) = (self.transfer.learn()?, self.install.learn()?);
        let mut answer = Answer::to(study, &["cache", "transfer", "install", "left_out", "least_squares"]);
        for r in &self.asked {
            let sent = |image| predict(&transfer, self.transfer.most_nodes(), image, r.nodes);
            let installed = |packages| install.predict(|l| Ok(l.time(packages, r.nodes)?.as_seconds()));
            let gain = Gain { saved: installed(r.without.1)?.less(installed(r.with.1)?), added: sent(r.with.0)?.less(sent(r.without.0)?) };
            let (pays, gained) = (gain.pays(), gain.gained());
            answer.tell_fitted(r.name.clone(), pays, "", FITTED, "1 where more is saved than added");
            answer.tell_fitted(format!("{}, saved", r.name), gain.saved, "s", 3, "installation without less with");
            answer.tell_fitted(format!("{}, added", r.name), gain.added, "s", 2, "transfer with less without");
            answer.tell_fitted(format!("{}, gained", r.name), gained, "s", FITTED, "saved less added");
            let word = if pays.value > 0.0 { "use the cache" } else { "do not use the cache" };
            let sure = if pays.is_ranged() { "; the ranges of the laws leave it open" } else { "" };
            answer.say(format!(
                "{}: {word}, it saves {:.1} s of installation and adds {:.1} s of transfer{sure}.",
                r.name, gain.saved.value, gain.added.value
            ));
        }
        Ok(answer)
    }
}
