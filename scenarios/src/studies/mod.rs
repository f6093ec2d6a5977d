//! From the keys of `[[study.KIND]]` to [`Study`]s: one kind a file, which holds its keys and what they mean together.
//!
//! A kind is added by a file here, a line in [`Studies`] and a line in [`all`]; its value is in `models::study`.

mod availability;
mod bag_of_tasks;
mod bring_up;
mod cache;
mod cached_packages;
mod case_delay;
mod construction;
mod cost_course;
mod cvcf;
mod growth;
mod install;
mod interference;
mod lockup;
mod login_nodes;
mod memory_mix;
mod migration;
mod physical_or_virtual;
mod power_on;
mod power_tail;
mod redundancy;
mod renewal;
mod restart;
mod transfer;

use models::site::Site;
use models::study::{Kind, Study};
use schemars::JsonSchema;
use serde::Deserialize;

use crate::document::{At, Document};
use crate::error::Error;
use crate::file;
use crate::understand::{Known, check_name};

/// Questions to single laws, beside the plan.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub(crate) struct Studies {
    /// How sure a total of memory is where only a mean is known.
    pub memory_mix: Vec<memory_mix::Keys>,
    /// What the CVCF carries and for how long.
    pub cvcf: Vec<cvcf::Keys>,
    /// How much apparent power is drawn for a small share of the time.
    pub power_tail: Vec<power_tail::Keys>,
    /// Two fleets over several renewals: cost by year, and the prices at which they cost the same.
    pub cost_course: Vec<cost_course::Keys>,
    /// How long the plan lasts while its load grows.
    pub growth: Vec<growth::Keys>,
    /// When a service outgrows a guest, and when it can come back.
    pub physical_or_virtual: Vec<physical_or_virtual::Keys>,
    /// Login nodes: a guest for each light user, a physical node for who needs more.
    pub login_nodes: Vec<login_nodes::Keys>,
    /// How long the guests of a lost host are away, by hand and by themselves.
    pub restart: Vec<restart::Keys>,
    /// How many minutes a year services are away.
    pub availability: Vec<availability::Keys>,
    /// Whether contention for CPU reaches a kernel's watchdog.
    pub lockup: Vec<lockup::Keys>,
    /// What busy guests cost the others on their host.
    pub interference: Vec<interference::Keys>,
    /// How long images take to reach so many nodes.
    pub transfer: Vec<transfer::Keys>,
    /// How long packages take to install on so many nodes.
    pub install: Vec<install::Keys>,
    /// How long a whole virtual cluster takes to build.
    pub construction: Vec<construction::Keys>,
    /// Whether to use a cached image.
    pub cache: Vec<cache::Keys>,
    /// Which packages belong in the cached image.
    pub cached_packages: Vec<cached_packages::Keys>,
    /// Live migrations over one link, alone and together.
    pub migration: Vec<migration::Keys>,
    /// What it takes to have so many nodes ready within so long.
    pub bring_up: Vec<bring_up::Keys>,
    /// All hosts from dark.
    pub power_on: Vec<power_on::Keys>,
    /// Old and new hosts side by side.
    pub renewal: Vec<renewal::Keys>,
    /// What delay does to the time of a bag of independent tasks.
    pub bag_of_tasks: Vec<bag_of_tasks::Keys>,
    /// How many times longer delays are in a case.
    pub case_delay: Vec<case_delay::Keys>,
    /// What a lost host takes with it.
    pub redundancy: Vec<redundancy::Keys>,
}

impl Studies {
    /// The names of all studies.
    pub(crate) fn names(&self) -> Vec<&str> {
        fn of(list: &[impl Keys]) -> impl Iterator<Item = &str> {
            list.iter().map(Keys::name)
        }
        let mut names: Vec<&str> = of(&self.memory_mix).collect();
        names.extend(of(&self.cvcf));
        names.extend(of(&self.power_tail));
        names.extend(of(&self.cost_course));
        names.extend(of(&self.growth));
        names.extend(of(&self.physical_or_virtual));
        names.extend(of(&self.login_nodes));
        names.extend(of(&self.restart));
        names.extend(of(&self.availability));
        names.extend(of(&self.lockup));
        names.extend(of(&self.interference));
        names.extend(of(&self.transfer));
        names.extend(of(&self.install));
        names.extend(of(&self.construction));
        names.extend(of(&self.cache));
        names.extend(of(&self.cached_packages));
        names.extend(of(&self.migration));
        names.extend(of(&self.bring_up));
        names.extend(of(&self.power_on));
        names.extend(of(&self.renewal));
        names.extend(of(&self.bag_of_tasks));
        names.extend(of(&self.case_delay));
        names.extend(of(&self.redundancy));
        names
    }
}

/// What a kind can look at when its keys are understood.
#[allow(dead_code, reason = "each kind looks at what it needs")]
pub(crate) struct Reader<'a, 't> {
    /// The file: errors point into it.
    pub(crate) doc: &'a Document<'t>,
    /// The site.
    pub(crate) site: &'a Site,
    /// The whole file: cases, flows, alternatives.
    pub(crate) file: &'a file::Site,
    /// The names in it.
    pub(crate) known: &'a Known,
    /// The keys of all studies, for those that rest on the history of another.
    pub(crate) studies: &'a Studies,
}

/// A kind of study as it stands in the file.
pub(crate) trait Keys {
    /// Its name.
    fn name(&self) -> &str;
    /// Its line for people.
    fn title(&self) -> &str;
    /// What it asks.
    fn understand(&self, reader: &Reader<'_, '_>, at: &At) -> Result<Kind, Error>;
}

/// The keys of a study: those that all have, and its own.
macro_rules! study {
    ($(#[$doc:meta])* { $($(#[$field_doc:meta])* $field:ident: $kind:ty,)* }) => {
        crate::file::sourced!(
            $(#[$doc])*
            struct Keys {
                /// Its name: published figures refer to it.
                name: String,
                /// A line for people: what is asked.
                title: String,
                $($(#[$field_doc])* $field: $kind,)*
            }
        );
        impl crate::studies::Keys for Keys {
            fn name(&self) -> &str {
                &self.name
            }
            fn title(&self) -> &str {
                &self.title
            }
            fn understand(
                &self,
                reader: &crate::studies::Reader<'_, '_>,
                at: &crate::document::At,
            ) -> Result<models::study::Kind, crate::error::Error> {
                self.meant(reader, at)
            }
        }
    };
}
pub(crate) use study;

/// All studies, in order of the file.
pub(crate) fn all(doc: &Document<'_>, file: &file::Site, site: &Site, known: &Known) -> Result<Vec<Study>, Error> {
    let reader = Reader { doc, site, known, file, studies: &file.study };
    let mut found: Vec<(usize, Study)> = Vec::new();
    let s = &file.study;
    of_kind(&reader, "memory-mix", &s.memory_mix, &mut found)?;
    of_kind(&reader, "cvcf", &s.cvcf, &mut found)?;
    of_kind(&reader, "power-tail", &s.power_tail, &mut found)?;
    of_kind(&reader, "cost-course", &s.cost_course, &mut found)?;
    of_kind(&reader, "growth", &s.growth, &mut found)?;
    of_kind(&reader, "physical-or-virtual", &s.physical_or_virtual, &mut found)?;
    of_kind(&reader, "login-nodes", &s.login_nodes, &mut found)?;
    of_kind(&reader, "restart", &s.restart, &mut found)?;
    of_kind(&reader, "availability", &s.availability, &mut found)?;
    of_kind(&reader, "lockup", &s.lockup, &mut found)?;
    of_kind(&reader, "interference", &s.interference, &mut found)?;
    of_kind(&reader, "transfer", &s.transfer, &mut found)?;
    of_kind(&reader, "install", &s.install, &mut found)?;
    of_kind(&reader, "construction", &s.construction, &mut found)?;
    of_kind(&reader, "cache", &s.cache, &mut found)?;
    of_kind(&reader, "cached-packages", &s.cached_packages, &mut found)?;
    of_kind(&reader, "migration", &s.migration, &mut found)?;
    of_kind(&reader, "bring-up", &s.bring_up, &mut found)?;
    of_kind(&reader, "power-on", &s.power_on, &mut found)?;
    of_kind(&reader, "renewal", &s.renewal, &mut found)?;
    of_kind(&reader, "bag-of-tasks", &s.bag_of_tasks, &mut found)?;
    of_kind(&reader, "case-delay", &s.case_delay, &mut found)?;
    of_kind(&reader, "redundancy", &s.redundancy, &mut found)?;
    found.sort_by_key(|(offset, _)| *offset);
    Ok(found.into_iter().map(|(_, study)| study).collect())
}

fn of_kind(reader: &Reader<'_, '_>, kind: &'static str, list: &[impl Keys], found: &mut Vec<(usize, Study)>) -> Result<(), Error> {
    for (i, keys) in list.iter().enumerate() {
        let at = At::root().key("study").key(kind).index(i);
        check_name(reader.doc, &at.key("name"), keys.name())?;
        let offset = reader.doc.offset(&at.key("name"));
        if let Some((first, _)) = found.iter().find(|(_, s)| s.name == keys.name()) {
            return Err(reader
                .doc
                .error(&at.key("name"), format!("the study `{}` is there twice", keys.name()))
                .help(format!("it is also named at line {}; published figures refer to studies by name", reader.doc.line_at(*first))));
        }
        let kind = keys.understand(reader, &at)?;
        found.push((offset, Study { name: keys.name().to_owned(), title: keys.title().to_owned(), kind }));
    }
    Ok(())
}

/// A fleet by its name: an alternative, `plan`, or `today` where guests run.
fn fleet(reader: &Reader<'_, '_>, at: &At, name: &str) -> Result<(), Error> {
    let mut fleets: Vec<&str> = reader.file.alternative.iter().map(|a| a.name.as_str()).collect();
    if reader.site.today.is_some() {
        fleets.push("today");
    }
    fleets.push("plan");
    if fleets.contains(&name) {
        return Ok(());
    }
    Err(reader.doc.error(at, format!("the site has no fleet `{name}`")).help(crate::names::help_for(
        name,
        "fleets",
        fleets.iter().copied(),
    )))
}
