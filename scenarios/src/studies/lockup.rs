//! `[[study.lockup]]`: whether contention for CPU reaches a kernel's watchdog.

use models::law::lockup::MOST_VCPUS;
use models::quantity::Nanos;
use models::study::Kind;
use models::study::lockup::Lockup;

use super::{Reader, study};
use crate::document::At;
use crate::error::Error;
use crate::file::number::{Seconds, Share, SliceMs};
use crate::understand::meant;

study!(
    /// Whether contention for CPU reaches a kernel's watchdog.
    {
        /// The class of the host: its cores.
        class: String,
        /// The guests that stand on one such host: names, or prefixes that end in `*`.
        guests: Vec<String>,
        /// The share of time that a virtual CPU of each of these names or prefixes is runnable.
        busy: Vec<Share>,
        /// The scheduler's time slice, milliseconds.
        slice_ms: SliceMs,
        /// The threshold of the kernel's watchdog, seconds; it cries after twice as long.
        watchdog_thresh_s: Seconds,
    }
);

impl Keys {
    fn meant(&self, reader: &Reader<'_, '_>, at: &At) -> Result<Kind, Error> {
        let (doc, site) = (reader.doc, reader.site);
        let class = &site.classes[reader.known.classes.find(doc, &at.key("class"), &self.class)?];
        let whose = ("nobody stands on this host", "study");
        meant(doc, &at.key("guests"), &self.guests, whose, &site.guests, reader.known)?;
        if self.busy.len() != self.guests.len() {
            let message = format!("{} shares for {} names or prefixes of guests", self.busy.len(), self.guests.len());
            return Err(doc.error(&at.key("busy"), message).help("one share for each of `guests`"));
        }
        let of = |pattern: &String| -> u64 {
            let met = site.guests.iter().filter(|g| crate::names::matches(pattern, &g.name));
            met.map(|g| u64::from(g.vcpus)).sum()
        };
        let all: u64 = self.guests.iter().map(of).sum();
        if all > u64::from(MOST_VCPUS) {
            return Err(doc
                .error(&at.key("guests"), format!("that makes {all} virtual CPUs"))
                .help(format!("at most {MOST_VCPUS} are taken on a host")));
        }
        let vcpus = self.guests.iter().zip(&self.busy).map(|(pattern, busy)| (of(pattern) as u32, busy.get())).collect();
        let slice = Nanos((self.slice_ms.get() * 1e6).round() as u64);
        Ok(Kind::Lockup(Lockup { processors: class.cores, vcpus, slice, threshold: self.watchdog_thresh_s.nanos() }))
    }
}
