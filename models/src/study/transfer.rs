//! Image transfer: how long an image takes to reach so many nodes, from what past transfers took.

use serde::Serialize;

use super::{Answer, Study};
use crate::estimate::Estimate;
use crate::law::left_out::Learned;
use crate::law::transfer::{Chain, Multicast, Nfs, Sent, crossover, predict, scaled};
use crate::quantity::{Bytes, BytesPerSecond, Nanos, QuantityError};

/// The givens.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Transfer {
    /// Transfers timed before.
    pub history: Vec<Sent>,
    /// The rate of the server's port, and of a chain's slowest link: above 0.
    pub port: BytesPerSecond,
    /// What a node of a chain takes before it hands on: above 0.
    pub block: Bytes,
    /// Where multicast is asked about: the share of packets that some node misses, and what repair takes besides.
    pub multicast: Option<(f64, Nanos)>,
    /// Images, and the nodes that each is to reach.
    pub asked: Vec<(Bytes, u32)>,
}

impl Transfer {
    /// The law fitted to the history, and to all of it but each row.
    ///
    /// # Errors
    /// As [`Nfs::fit`].
    pub fn learn(&self) -> Result<Learned<Nfs>, QuantityError> {
        Nfs::learn(&self.history, self.port)
    }

    /// The most nodes of the history.
    #[must_use]
    pub fn most_nodes(&self) -> u32 {
        self.history.iter().map(|r| r.nodes).max().unwrap_or(0)
    }

    /// Answers.
    ///
    /// # Errors
    /// As [`Nfs::fit`], and a time beyond 584 years.
    pub fn answer(&self, study: &Study) -> Result<Answer, QuantityError> {
        let learned = self.learn()?;
        let mut answer = Answer::to(study, &["transfer", "left_out", "least_squares"]);
        let how = format!("fitted to {} transfers", self.history.len());
        let law = learned.law;
        answer.tell_fitted("unpacking", learned.number(|l| l.unpack.per_megabyte()), "s/MB", 2, &how);
        answer.tell_fitted("share of the server", learned.number(|l| l.share.per_megabyte()), "s/MB a node", 2, &how);
        let sets_from = learned.number(Nfs::port_sets_from);
        answer.tell_fitted("port takes longer than unpacking from", sets_from, "nodes", 2, &how);
        for (row, without) in self.history.iter().zip(&learned.without) {
            let name = format!("{}, left out", named(row.image, row.nodes));
            match without {
                Ok(w) => answer.tell_fitted(name, Estimate::exactly(w.predicted), "s", 2, "fitted to all others of the history"),
                Err(why) => answer.cannot_say.push((name, why.to_string())),
            }
        }
        match learned.worst() {
            Some(worst) => answer.tell_fitted("largest error left out", Estimate::exactly(worst), "", 2, "each row by all others"),
            None => answer.say("Some row of the history cannot be spared: predictions have no range."),
        }
        for (image, nodes) in &self.asked {
            self.ask(&learned, *image, *nodes, &mut answer)?;
        }
        let mut images: Vec<Bytes> = Vec::new();
        for (image, _) in &self.asked {
            if !images.contains(image) {
                images.push(*image);
            }
        }
        for image in images {
            let name = format!("{} MB, chain not slower from", image.megabytes());
            match crossover(&law, &self.chain(&law), image)? {
                Some(from) => answer.tell_fitted(name, Estimate::exactly(f64::from(from)), "nodes", 2, "closed form on the fitted law"),
                None => answer.cannot_say.push((name, "blocks as large as the image: the chain only hands whole files on".into())),
            }
        }
        Ok(answer)
    }

    fn chain(&self, law: &Nfs) -> Chain {
        Chain { rate: self.port, block: self.block, unpack: law.unpack }
    }

    /// One image to so many nodes, each way.
    fn ask(&self, learned: &Learned<Nfs>, image: Bytes, nodes: u32, answer: &mut Answer) -> Result<(), QuantityError> {
        let name = named(image, nodes);
        let nfs = predict(learned, self.most_nodes(), image, nodes)?;
        answer.tell_fitted(name.clone(), nfs, "s", 2, &format!("fitted to {} transfers", self.history.len()));
        let chain = learned.predict(|l| Ok(self.chain(l).time(image, nodes)?.as_seconds()))?;
        answer.tell_fitted(format!("{name}, chain"), chain, "s", 2, "unpacking as fitted, the rest closed form");
        if let Some((loss, repair)) = self.multicast {
            let by = |l: &Nfs| Multicast { rate: self.port, loss, repair, unpack: l.unpack };
            let cast = learned.predict(|l| Ok(by(l).time(image)?.as_seconds()))?;
            answer.tell_fitted(format!("{name}, multicast"), cast, "s", 2, "unpacking as fitted, the rest closed form");
        }
        // The same nodes, another image: the one nearest in size.
        let off = |r: &&Sent| (r.image.get() - image.get()).abs();
        let past = self.history.iter().filter(|r| r.nodes == nodes && r.image != image).min_by(|a, b| off(a).total_cmp(&off(b)));
        if let Some(past) = past {
            let how =
                format!("that of {} MB to as many nodes x {} / {}", past.image.megabytes(), image.megabytes(), past.image.megabytes());
            answer.tell(format!("{name}, scaled"), Estimate::exactly(scaled(past, image)?.as_seconds()), "s", &how);
        }
        if nodes > self.most_nodes() {
            let sets = if f64::from(nodes) > learned.law.port_sets_from() { "the server's port" } else { "unpacking" };
            answer.say(format!(
                "{name}: {:.1} s by NFS ({:.1} to {:.1}), {sets} sets it; {:.1} s by a chain. Nothing was timed beyond {} nodes.",
                nfs.value,
                nfs.low,
                nfs.high,
                chain.value,
                self.most_nodes()
            ));
        }
        Ok(())
    }
}

/// `61.3 MB, 16 nodes`.
fn named(image: Bytes, nodes: u32) -> String {
    format!("{} MB, {nodes} nodes", image.megabytes())
}
