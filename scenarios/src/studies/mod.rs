//! From the keys of `[[study.KIND]]` to [`Study`]s: one kind a file, which holds its keys and what they mean together.
//!
//! A kind is added by a file here and a line in `kinds!`; its value is in `models::study`.

use models::site::Site;
use models::study::{Kind, Study};
use schemars::JsonSchema;
use serde::Deserialize;

use crate::document::{At, Document};
use crate::error::Error;
use crate::file;
use crate::understand::{Known, check_name};

/// Every kind, once: its file, its key (`memory_mix` is `[[study.memory-mix]]`), and its place in the list of names and of studies.
macro_rules! kinds {
    ($($(#[$doc:meta])* $kind:ident)*) => {
        $(mod $kind;)*

        /// Questions to single laws, beside the plan.
        #[derive(Debug, Default, Deserialize, JsonSchema)]
        #[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
        pub(crate) struct Studies {
            $($(#[$doc])* pub $kind: Vec<$kind::Keys>,)*
        }

        impl Studies {
            /// The names of all studies.
            pub(crate) fn names(&self) -> Vec<&str> {
                let mut names: Vec<&str> = Vec::new();
                $(names.extend(self.$kind.iter().map(Keys::name));)*
                names
            }

            /// All studies, each with its offset in the file.
            fn understand(&self, reader: &Reader<'_, '_>) -> Result<Vec<(usize, Study)>, Error> {
                let mut found = Vec::new();
                $(of_kind(reader, stringify!($kind), &self.$kind, &mut found)?;)*
                Ok(found)
            }
        }
    };
}
kinds! {
    /// How sure a total of memory is where only a mean is known.
    memory_mix
    /// What the CVCF carries and for how long.
    cvcf
    /// How much apparent power is drawn for a small share of the time.
    power_tail
    /// Two fleets over several renewals: cost by year, and the prices at which they cost the same.
    cost_course
    /// How long the plan lasts while its load grows.
    growth
    /// When a service outgrows a guest, and when it can come back.
    physical_or_virtual
    /// Login nodes: a guest for each light user, a physical node for who needs more.
    login_nodes
    /// How long the guests of a lost host are away, by hand and by themselves.
    restart
    /// How many minutes a year services are away.
    availability
    /// Whether contention for CPU reaches a kernel's watchdog.
    lockup
    /// What busy guests cost the others on their host.
    interference
    /// How long images take to reach so many nodes.
    transfer
    /// How long packages take to install on so many nodes.
    install
    /// How long a whole virtual cluster takes to build.
    construction
    /// Whether to use a cached image.
    cache
    /// Which packages belong in the cached image.
    cached_packages
    /// Live migrations over one link, alone and together.
    migration
    /// What it takes to have so many nodes ready within so long.
    bring_up
    /// All hosts from dark.
    power_on
    /// Old and new hosts side by side.
    renewal
    /// What delay does to the time of a bag of independent tasks.
    bag_of_tasks
    /// How many times longer delays are in a case.
    case_delay
    /// What a lost host takes with it.
    redundancy
}

/// What a kind can look at when its keys are understood.
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
    let mut found = file.study.understand(&reader)?;
    found.sort_by_key(|(offset, _)| *offset);
    Ok(found.into_iter().map(|(_, study)| study).collect())
}

fn of_kind(reader: &Reader<'_, '_>, kind: &str, list: &[impl Keys], found: &mut Vec<(usize, Study)>) -> Result<(), Error> {
    for (i, keys) in list.iter().enumerate() {
        let at = At::root().key("study").key(kind.replace('_', "-")).index(i);
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
