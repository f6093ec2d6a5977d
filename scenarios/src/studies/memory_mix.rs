//! `[[study.memory-mix]]`: sizing by the mean.

use models::law::memory_mix::{Size, exceeds};
use models::quantity::MiB;
use models::study::Kind;
use models::study::memory_mix::MemoryMix;

use super::{Reader, study};
use crate::document::At;
use crate::error::Error;
use crate::file::number::{Count, Positive};

study!(
    /// How sure a total of memory is where only a mean is known.
    {
        /// Guests.
        guests: Count,
        /// Sizes that a guest may have, MiB.
        sizes_mib: Vec<Count>,
        /// The weight of each size; they need not sum to 1.
        weights: Vec<Positive>,
        /// Memory that the guests have in all, MiB.
        installed_mib: Count,
    }
);

impl Keys {
    fn meant(&self, reader: &Reader<'_, '_>, at: &At) -> Result<Kind, Error> {
        if self.sizes_mib.len() != self.weights.len() {
            let message = format!("{} weights for {} sizes", self.weights.len(), self.sizes_mib.len());
            return Err(reader.doc.error(&at.key("weights"), message).help("one weight for each of `sizes_mib`"));
        }
        let sizes: Vec<(MiB, f64)> = self.sizes_mib.iter().zip(&self.weights).map(|(s, w)| (MiB(u64::from(s.get())), w.get())).collect();
        let drawn: Vec<Size> = sizes.iter().map(|(memory, weight)| Size { memory: *memory, weight: *weight }).collect();
        exceeds(&drawn, self.guests.get(), MiB(0)).map_err(|e| {
            reader.doc.error(&at.key("sizes_mib"), e.to_string()).help("fewer guests, or sizes with a larger common divisor, such as 512")
        })?;
        Ok(Kind::MemoryMix(MemoryMix { guests: self.guests.get(), sizes, installed: MiB(u64::from(self.installed_mib.get())) }))
    }
}
