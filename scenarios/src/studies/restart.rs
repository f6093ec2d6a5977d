//! `[[study.restart]]`: how long the guests of a lost host are away.

use models::law::restart::Sharing;
use models::quantity::BytesPerSecond;
use models::study::Kind;
use models::study::restart::Restart;

use super::{Reader, study};
use crate::document::At;
use crate::error::Error;
use crate::file::number::{Amount, Count, Seconds};
use crate::file::requests::Recovery;

study!(
    /// How long the guests of a lost host are away, by hand and by themselves. What is absent is as in `[requests.recovery]`.
    {
        /// Guests of the lost host.
        guests: Count,
        /// The class of the hosts on which they start.
        class: String,
        /// How many such hosts there are.
        survivors: Count,
        /// The shared storage that they boot from: the name of a `[[storage]]` with a throughput. Absent: the disks of the survivors.
        storage: Option<String>,
        /// Until the loss is noticed, seconds.
        detect_s: Option<Seconds>,
        /// Until the lost host is surely off, seconds.
        fence_s: Option<Seconds>,
        /// Starting a guest again by hand takes so many seconds for each, its boot included.
        by_hand_s: Option<Seconds>,
        /// The most guests that boot on a host at once.
        boots_at_once: Option<Count>,
        /// CPU time of a guest's boot, seconds on a core.
        boot_cpu_s: Option<Seconds>,
        /// Bytes that a guest's boot reads from disk.
        boot_disk_bytes: Option<Amount>,
        /// A boot keeps a core until it is done, and others wait. Default false: boots share cores in any part.
        #[serde(default)]
        whole_cores: bool,
    }
);

impl Keys {
    fn meant(&self, reader: &Reader<'_, '_>, at: &At) -> Result<Kind, Error> {
        self.restart(reader, at).map(Kind::Restart)
    }

    /// Its name: other studies refer to it.
    pub(super) fn is_named(&self, name: &str) -> bool {
        self.name == name
    }

    /// What it asks.
    pub(super) fn restart(&self, reader: &Reader<'_, '_>, at: &At) -> Result<Restart, Error> {
        let class = &reader.site.classes[reader.known.classes.find(reader.doc, &at.key("class"), &self.class)?];
        let storage = match &self.storage {
            Some(name) => shared(reader, &at.key("storage"), name)?,
            None => {
                BytesPerSecond::new(class.disk.get() * f64::from(self.survivors.get())).map_err(|e| reader.doc.error(at, e.to_string()))?
            }
        };
        let known = reader.file.requests.as_ref().and_then(|r| r.recovery.as_ref());
        let bytes = given(reader, at, "boot_disk_bytes", self.boot_disk_bytes, known.map(|r| r.boot_disk_bytes))?.get();
        if bytes > 1e18 {
            return Err(reader.doc.error(&at.key("boot_disk_bytes"), format!("a boot does not read {bytes} bytes")).help("at most 1e18"));
        }
        let seconds = |key, own, recovery: fn(&Recovery) -> Seconds| given(reader, at, key, own, known.map(recovery)).map(Seconds::nanos);
        Ok(Restart {
            guests: self.guests.get(),
            survivors: self.survivors.get(),
            cores: class.cores,
            sharing: if self.whole_cores { Sharing::Whole } else { Sharing::Fluid },
            detect: seconds("detect_s", self.detect_s, |r| r.detect_s)?,
            fence: seconds("fence_s", self.fence_s, |r| r.fence_s)?,
            by_hand: self.by_hand_s.or(known.and_then(|r| r.by_hand_s)).map(Seconds::nanos),
            boots_at_once: given(reader, at, "boots_at_once", self.boots_at_once, known.map(|r| r.boots_at_once))?.get(),
            boot_cpu: seconds("boot_cpu_s", self.boot_cpu_s, |r| r.boot_cpu_s)?,
            boot_bytes: bytes.round() as u64,
            storage,
        })
    }
}

/// What a shared storage gives to all that boot from it.
fn shared(reader: &Reader<'_, '_>, at: &At, name: &str) -> Result<BytesPerSecond, Error> {
    let storage = &reader.site.storage[reader.known.storage.find(reader.doc, at, name)?];
    storage.throughput.filter(|rate| rate.get() > 0.0).ok_or_else(|| {
        reader
            .doc
            .error(at, format!("the storage `{name}` has no throughput above 0"))
            .help("write its `throughput_bytes_per_s`, which boots share; or leave this out, where they boot from disks of their host")
    })
}

/// The study's own number, or that of the file's recovery.
fn given<T>(reader: &Reader<'_, '_>, at: &At, key: &'static str, own: Option<T>, recovery: Option<T>) -> Result<T, Error> {
    own.or(recovery).ok_or_else(|| {
        reader
            .doc
            .error(at, format!("the key `{key}` is missing"))
            .key(format!("{}.{key}", reader.doc.named(at)))
            .help("write it here, or in `[requests.recovery]`: what follows a loss is taken from there")
    })
}
