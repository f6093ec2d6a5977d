//! `[[study.bag-of-tasks]]`: independent tasks over a wide area.

use models::estimate::Estimate;
use models::quantity::{BytesPerSecond, Nanos};
use models::study::Kind;
use models::study::bag_of_tasks::BagOfTasks;

use super::{Reader, study};
use crate::document::At;
use crate::error::Error;
use crate::file::number::{Count, DelayMs, Positive, Share};

study!(
    /// What delay does to the time of a bag of independent tasks.
    {
        /// Tasks.
        tasks: Count,
        /// Time that one computes, s.
        task_s: Estimate,
        /// Round trips that one waits for.
        round_trips: Estimate,
        /// Bytes that one moves.
        bytes: Estimate,
        /// Window of the transport: bytes on the way without an answer.
        window_bytes: Estimate,
        /// What the path carries, bytes a second.
        rate_bytes_per_s: Positive,
        /// Workers of each site.
        workers: Vec<Count>,
        /// By site: the share of the delay that lies between its workers and the queue of tasks.
        delay_shares: Vec<Share>,
        /// Round trips that are tried, ms.
        round_trip_ms: Vec<DelayMs>,
        /// The round trip at which it is judged, ms.
        judged_ms: DelayMs,
        /// A job that takes longer by at most this share has hardly changed.
        hardly: Positive,
    }
);

/// Most workers of a bag.
const MOST_WORKERS: u64 = 100_000;

impl Keys {
    fn meant(&self, reader: &Reader<'_, '_>, at: &At) -> Result<Kind, Error> {
        if self.workers.is_empty() || self.delay_shares.len() != self.workers.len() {
            let message = format!("{} shares of the delay for {} sites", self.delay_shares.len(), self.workers.len());
            return Err(reader
                .doc
                .error(&at.key("delay_shares"), message)
                .help("one share for each of `workers`, of which there is at least one"));
        }
        let workers: u64 = self.workers.iter().map(|w| u64::from(w.get())).sum();
        if workers > MOST_WORKERS {
            return Err(reader.doc.error(&at.key("workers"), format!("{workers} workers in all; at most {MOST_WORKERS} are played")));
        }
        for (key, range, least, most) in [
            ("task_s", &self.task_s, 1e-6, 3e9),
            ("round_trips", &self.round_trips, 0.0, 1e9),
            ("bytes", &self.bytes, 0.0, 1e15),
            ("window_bytes", &self.window_bytes, 1.0, 1e15),
        ] {
            if range.low < least || range.high > most {
                let message = format!("from {} to {} is not within {least} to {most}", range.low, range.high);
                return Err(reader.doc.error(&at.key(key), message).help("a number, or { value, low, high }, within these"));
            }
        }
        let ms = |x: &DelayMs| Nanos((x.get() * 1e6).round() as u64);
        let bag = BagOfTasks {
            tasks: self.tasks.get(),
            task_s: self.task_s,
            round_trips: self.round_trips,
            bytes: self.bytes,
            window_bytes: self.window_bytes,
            rate: BytesPerSecond::new(self.rate_bytes_per_s.get()).expect("a number above 0 is a rate"),
            sites: self.workers.iter().zip(&self.delay_shares).map(|(w, s)| (w.get(), s.get())).collect(),
            tried: self.round_trip_ms.iter().map(ms).collect(),
            judged: ms(&self.judged_ms),
            hardly: self.hardly.get(),
        };
        Ok(Kind::BagOfTasks(bag))
    }
}
