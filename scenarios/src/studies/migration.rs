//! `[[study.migration]]`: live migrations over one link, alone and together.

use models::law::shared_migration::fitted;
use models::quantity::{BytesPerSecond, Nanos};
use models::study::Kind;
use models::study::migration::{Guest, Known, Migration};

use super::{Reader, study};
use crate::document::At;
use crate::error::Error;
use crate::file::number::{Amount, Count, Positive};

study!(
    /// Live migrations over one link, alone and together.
    {
        /// Rate of the link, bytes a second. Either this and `latency_ms`, or a history.
        bandwidth_bytes_per_s: Option<Positive>,
        /// What each migration takes before its first byte, milliseconds.
        latency_ms: Option<Amount>,
        /// Memory of idle guests that were moved over it alone, bytes: two sizes at least. Rate and fixed time are fitted to them.
        history_memory_bytes: Option<Vec<Positive>>,
        /// How long each of these took, seconds.
        history_s: Option<Vec<Positive>>,
        /// Memory of each guest that is to be moved, bytes, in the order in which they start.
        memory_bytes: Vec<Positive>,
        /// How fast each dirties memory, bytes a second.
        dirty_bytes_per_s: Vec<Amount>,
        /// The part of its memory that each keeps writing to, bytes.
        working_set_bytes: Vec<Amount>,
        /// A guest may stand still for so long, milliseconds.
        downtime_max_ms: Amount,
        /// Rounds at most, the first copy of all memory included.
        rounds_max: Count,
        /// The most at once. Absent: all.
        at_once: Option<Count>,
    }
);

impl Keys {
    fn meant(&self, reader: &Reader<'_, '_>, at: &At) -> Result<Kind, Error> {
        for (key, n) in [("dirty_bytes_per_s", self.dirty_bytes_per_s.len()), ("working_set_bytes", self.working_set_bytes.len())] {
            if n != self.memory_bytes.len() {
                let message = format!("{n} numbers for {} guests", self.memory_bytes.len());
                return Err(reader.doc.error(&at.key(key), message).help("one number for each of `memory_bytes`"));
            }
        }
        if self.memory_bytes.is_empty() {
            return Err(reader.doc.error(&at.key("memory_bytes"), "no guest is moved").help("the memory of each guest, in bytes"));
        }
        for (k, (set, memory)) in self.working_set_bytes.iter().zip(&self.memory_bytes).enumerate() {
            if set.get() > memory.get() {
                let message = format!("a working set of {} B in a memory of {} B", set.get(), memory.get());
                return Err(reader.doc.error(&at.key("working_set_bytes").index(k), message).help("at most the memory of the guest"));
            }
        }
        let rate = |x: f64| BytesPerSecond::new(x).expect("the number is finite and not negative");
        let nanos = |ms: &Amount| Nanos((ms.get() * 1e6).round() as u64);
        let guests = (0..self.memory_bytes.len())
            .map(|k| Guest {
                memory_bytes: self.memory_bytes[k].get(),
                working_set_bytes: self.working_set_bytes[k].get(),
                dirty: rate(self.dirty_bytes_per_s[k].get()),
            })
            .collect();
        Ok(Kind::Migration(Migration {
            link: self.link(reader, at)?,
            guests,
            downtime_max: nanos(&self.downtime_max_ms),
            rounds_max: self.rounds_max.get(),
            at_once: self.at_once.map(Count::get),
        }))
    }

    fn link(&self, reader: &Reader<'_, '_>, at: &At) -> Result<Known, Error> {
        let forms = "write either `bandwidth_bytes_per_s` and `latency_ms`, or `history_memory_bytes` and `history_s`";
        match (self.bandwidth_bytes_per_s, self.latency_ms, &self.history_memory_bytes, &self.history_s) {
            (Some(bandwidth), Some(latency), None, None) => Ok(Known::Given {
                bandwidth: BytesPerSecond::new(bandwidth.get()).expect("a number above 0 is a rate"),
                latency: Nanos((latency.get() * 1e6).round() as u64),
            }),
            (None, None, Some(memory), Some(seconds)) => {
                if memory.len() != seconds.len() {
                    let message = format!("{} times for {} sizes", seconds.len(), memory.len());
                    return Err(reader.doc.error(&at.key("history_s"), message).help("one time for each of `history_memory_bytes`"));
                }
                let history: Vec<(f64, f64)> = memory.iter().zip(seconds).map(|(m, s)| (m.get(), s.get())).collect();
                fitted(&history).map_err(|e| {
                    reader
                        .doc
                        .error(&at.key("history_s"), e.to_string())
                        .help("two different sizes at least, the larger one slower; a line through them gives rate and fixed time")
                })?;
                Ok(Known::Fitted { history })
            }
            (None, None, None, None) => Err(reader.doc.error(at, "nothing says how fast the link is").help(forms)),
            (_, _, Some(_), _) => {
                Err(reader.doc.error(&at.key("history_memory_bytes"), "the link is given in both ways, or in part").help(forms))
            }
            (_, _, None, Some(_)) => Err(reader.doc.error(&at.key("history_s"), "the link is given in both ways, or in part").help(forms)),
            (Some(_), None, None, None) => {
                Err(reader.doc.error(&at.key("bandwidth_bytes_per_s"), "the key `latency_ms` is missing").help(forms))
            }
            (None, Some(_), None, None) => {
                Err(reader.doc.error(&at.key("latency_ms"), "the key `bandwidth_bytes_per_s` is missing").help(forms))
            }
        }
    }
}
