//! `[[study.interference]]`: what busy guests cost the others on their host.

use models::Estimate;
use models::quantity::BytesPerSecond;
use models::study::Kind;
use models::study::interference::{Devices, Guest, Interference, KindOfGuest, Measured, Mix, Network};

use super::{Reader, study};
use crate::document::At;
use crate::error::Error;
use crate::file::number::{Count, Positive, SliceMs};
use crate::file::sourced;
use crate::names;

study!(
    /// What busy guests cost the others on their host: a benchmark of one guest that serves requests.
    {
        /// Cores of the host.
        cores: Count,
        /// Virtual CPUs of its driver domain.
        driver_vcpus: Count,
        /// Weight of its driver domain in the scheduler.
        driver_weight: Count,
        /// The scheduler's slice, ms: above 0.
        slice_ms: SliceMs,
        /// Rate of the link between clients and host, bytes a second.
        link_bytes_per_s: Positive,
        /// Bytes of the page that is asked for.
        page_bytes: Estimate,
        /// Bytes of the HTTP header before it.
        http_header_bytes: Estimate,
        /// Frames without payload that go with the page for each request.
        bare_frames: Estimate,
        /// The largest content of a frame, bytes.
        mtu_bytes: Count,
        /// TCP options of a segment, bytes: 12 with timestamps, 0 without.
        tcp_option_bytes: Estimate,
        /// Clients that ask at the same time, each again when it is answered.
        clients: Count,
        /// Requests of a run.
        requests: Count,
        /// Virtual CPUs of the guest that serves.
        vcpus: Count,
        /// Its weight in the scheduler.
        weight: Count,
        /// Cores that it needs at its throughput alone: above 0, at most `vcpus`.
        needs_cores: Estimate,
        /// Cores that the driver domain needs for it at that throughput: at most `driver_vcpus`.
        driver_cores: Estimate,
        /// The share of throughput that paravirtualisation costs: 0 to below 1.
        paravirtual_cost: Estimate,
        /// Kinds of other guests.
        beside: Vec<BesideKeys>,
        /// Several kinds together.
        #[serde(default)]
        mix: Vec<MixKeys>,
    }
);

sourced!(
    /// A kind of guest that runs beside the one that serves.
    struct BesideKeys {
        /// Its name: figures are called by it.
        name: String,
        /// Cores that each keeps busy where nothing hinders it.
        cores: Estimate,
        /// Cores that the driver domain would keep busy for each.
        driver_cores: Estimate,
        /// Weight of each in the scheduler.
        weight: Count,
        /// What it does for its devices: `unused`, `emulated` or `paravirtual`.
        devices: Devices,
        /// The counts that are asked about; none for a kind that is only part of mixes.
        #[serde(default)]
        counts: Vec<Count>,
        /// What was measured beside some of them.
        measured: Option<MeasuredKeys>,
    }
);

/// A loss that was measured.
#[derive(Debug, serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct MeasuredKeys {
    /// Beside how many.
    count: Count,
    /// The share of throughput lost, with the range of its readings: above 0 and below 1.
    loss: Estimate,
}

sourced!(
    /// Guests of several kinds on one host.
    struct MixKeys {
        /// Its name: figures are called by it.
        name: String,
        /// Kinds and how many of each.
        guests: Vec<MixedKeys>,
        /// Cores of this host that the machine was worth which the guest replaced.
        replaced_cores: Option<Estimate>,
    }
);

/// Some guests of a mix.
#[derive(Debug, serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct MixedKeys {
    /// The name of a kind.
    kind: String,
    /// How many.
    count: Count,
}

impl Keys {
    fn meant(&self, reader: &Reader<'_, '_>, at: &At) -> Result<Kind, Error> {
        let doc = reader.doc;
        let most = |key: &'static str, it: Estimate, most: u32, help: &str| {
            if it.high <= f64::from(most) {
                return Ok(());
            }
            Err(doc.error(&at.key(key), format!("{} is more than {most}", it.high)).help(help.to_owned()))
        };
        if self.slice_ms.get() <= 0.0 {
            return Err(doc.error(&at.key("slice_ms"), "a slice has a length").help("such as 30, the slice of Xen's credit scheduler"));
        }
        most("needs_cores", self.needs_cores, self.vcpus.get(), "a guest keeps at most its virtual CPUs busy (`vcpus`)")?;
        if self.needs_cores.low <= 0.0 {
            return Err(doc.error(&at.key("needs_cores"), "a guest that serves needs some of a core").help("above 0, and at most `vcpus`"));
        }
        most("driver_cores", self.driver_cores, self.driver_vcpus.get(), "the driver domain keeps at most `driver_vcpus` busy")?;
        if f64::from(self.vcpus.get()) + self.driver_cores.high > f64::from(self.cores.get()) {
            return Err(doc
                .error(&at.key("cores"), "the guest alone, with the driver domain's work for it, needs more cores")
                .help("`vcpus` + `driver_cores` at its high end <= `cores`: else what is lost beside others has no measure"));
        }
        if self.paravirtual_cost.high >= 1.0 {
            return Err(doc.error(&at.key("paravirtual_cost"), "nothing would be left").help("a share from 0 to below 1: 0.03 is 3 %"));
        }
        let mut kinds: Vec<KindOfGuest> = Vec::new();
        for (i, b) in self.beside.iter().enumerate() {
            let at = at.key("beside").index(i);
            if kinds.iter().any(|k| k.name == b.name) {
                return Err(doc.error(&at.key("name"), format!("the kind `{}` is there twice", b.name)).help("figures are called by it"));
            }
            let measured = match &b.measured {
                Some(m) if m.loss.low <= 0.0 || m.loss.high >= 1.0 => {
                    return Err(doc
                        .error(&at.key("measured"), "a law is fitted to a part of the throughput")
                        .help("a loss above 0 and below 1: 0.234 is 23.4 %"));
                }
                measured => measured.as_ref().map(|m| Measured { count: m.count.get(), loss: m.loss }),
            };
            kinds.push(KindOfGuest {
                name: b.name.clone(),
                cores: b.cores,
                driver: b.driver_cores,
                weight: b.weight.get(),
                devices: b.devices,
                counts: b.counts.iter().map(|n| n.get()).collect(),
                measured,
            });
        }
        let known: Vec<&str> = kinds.iter().map(|k| k.name.as_str()).collect();
        let mut mixes: Vec<Mix> = Vec::new();
        for (i, m) in self.mix.iter().enumerate() {
            let at = at.key("mix").index(i);
            if mixes.iter().any(|k| k.name == m.name) {
                return Err(doc.error(&at.key("name"), format!("the mix `{}` is there twice", m.name)).help("figures are called by it"));
            }
            let mut beside = Vec::new();
            for (j, g) in m.guests.iter().enumerate() {
                let Some(k) = known.iter().position(|name| *name == g.kind) else {
                    return Err(doc
                        .error(&at.key("guests").index(j).key("kind"), format!("there is no kind `{}`", g.kind))
                        .help(names::help_for(&g.kind, "kinds of this study", known.iter().copied())));
                };
                beside.push((k, g.count.get()));
            }
            mixes.push(Mix { name: m.name.clone(), beside, replaced: m.replaced_cores });
        }
        let link = BytesPerSecond::new(self.link_bytes_per_s.get()).map_err(|e| doc.error(&at.key("link_bytes_per_s"), e.to_string()))?;
        let it = Interference {
            cores: self.cores.get(),
            driver_vcpus: self.driver_vcpus.get(),
            driver_weight: self.driver_weight.get(),
            slice: models::quantity::Nanos((self.slice_ms.get() * 1e6).round().max(1.0) as u64),
            network: Network {
                link,
                page: self.page_bytes,
                header: self.http_header_bytes,
                bare_frames: self.bare_frames,
                mtu: self.mtu_bytes.get(),
                options: self.tcp_option_bytes,
            },
            clients: self.clients.get(),
            requests: self.requests.get(),
            guest: Guest {
                vcpus: self.vcpus.get(),
                weight: self.weight.get(),
                needs: self.needs_cores,
                driver: self.driver_cores,
                paravirtual_cost: self.paravirtual_cost,
            },
            kinds,
            mixes,
        };
        // What is left is the length of a request on the wire, and what only the laws can refuse.
        it.throughput_most().map_err(|e| doc.error(&at.key("mtu_bytes"), e.to_string()).help("1500 on plain Ethernet"))?;
        Ok(Kind::Interference(Box::new(it)))
    }
}
