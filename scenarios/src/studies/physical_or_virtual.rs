//! `[[study.physical-or-virtual]]`: when a service outgrows a guest, and when it can come back.

use models::Estimate;
use models::law::switching::Limits;
use models::site::ClassId;
use models::study::Kind;
use models::study::physical_or_virtual::PhysicalOrVirtual;

use super::{Reader, study};
use crate::document::At;
use crate::error::Error;
use crate::file::number::{Count, PartShare, Percentile, Positive, StepSeconds, Year};
use crate::names;

study!(
    /// When a service outgrows a guest, and when it can come back.
    {
        /// The class of hosts whose guests are asked about.
        host: String,
        /// The class of the physical server that a service moves to.
        server: String,
        /// vCPUs of a guest, at most.
        vcpus: Count,
        /// Share of a guest's CPU that the hypervisor takes.
        hypervisor_share: PartShare,
        /// The percentile of the load within a stretch that decides.
        percentile: Percentile,
        /// Above this share of what a guest can have, it moves out.
        out: Positive,
        /// At or below this share it may come back.
        back: Positive,
        /// For so many stretches it must have stayed there.
        calm: Count,
        /// The length of a stretch, s: whole steps of the horizon.
        stretch_s: StepSeconds,
        /// Years of growth that are looked at, counted from 1.
        years: Year,
        /// Growth a year, as a share, of loads that give none of their own: 0.2, or { value, low, high }.
        growth_per_year: Option<Estimate>,
    }
);

impl Keys {
    fn meant(&self, reader: &Reader<'_, '_>, at: &At) -> Result<Kind, Error> {
        let (doc, classes) = (reader.doc, &reader.site.classes);
        let class = |key: &'static str, name: &str| {
            classes.iter().position(|c| c.name == name).map(ClassId::at).ok_or_else(|| {
                let help = names::help_for(name, "classes", classes.iter().map(|c| c.name.as_str()));
                doc.error(&at.key(key), format!("the site has no class `{name}`")).help(help)
            })
        };
        let (host, server) = (class("host", &self.host)?, class("server", &self.server)?);
        if classes[host.index()].hypervisor.is_none() {
            return Err(doc
                .error(&at.key("host"), format!("`{}` has no hypervisor, so it has no guests", self.host))
                .help("name a class with `hypervisor_mib`"));
        }
        let (guest, whole) = (f64::from(self.vcpus.get()), &classes[server.index()]);
        let can =
            classes[host.index()].core_mhz.get() * guest.min(f64::from(classes[host.index()].cores)) * (1.0 - self.hypervisor_share.get());
        if whole.capacity().get() < 1.2 * can {
            return Err(doc
                .error(
                    &at.key("server"),
                    format!("a `{}` of {:.0} MHz is hardly more than a guest of {can:.0} MHz", self.server, whole.capacity().get()),
                )
                .help("name a class with at least a fifth more CPU than a guest can have, or moving out gains nothing"));
        }
        if self.back.get() >= self.out.get() {
            return Err(doc
                .error(&at.key("back"), format!("{} is not below `out` = {}", self.back.get(), self.out.get()))
                .help("`back` below `out`: else a load at the limit moves to and fro"));
        }
        Ok(Kind::PhysicalOrVirtual(PhysicalOrVirtual {
            host,
            server,
            vcpus: self.vcpus.get(),
            hypervisor: self.hypervisor_share.get(),
            percentile: self.percentile.get(),
            limits: Limits { out: self.out.get(), back: self.back.get(), calm: self.calm.get() as usize },
            stretch: models::quantity::Nanos::seconds(u64::from(self.stretch_s.get())),
            years: self.years.get(),
            growth: self.growth_per_year,
        }))
    }
}
