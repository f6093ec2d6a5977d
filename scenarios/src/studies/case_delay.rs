//! `[[study.case-delay]]`: how many times longer delays are in a case.

use models::study::Kind;
use models::study::case_delay::CaseDelay;

use super::{Reader, study};
use crate::document::At;
use crate::error::Error;
use crate::file::number::{Count, Seconds};
use crate::names;

study!(
    /// How many times longer delays are in a case of the request level than in what it is held against.
    {
        /// The case.
        case: String,
        /// Who runs where: the name of an alternative, `plan` or `today`.
        fleet: String,
        /// The flows that are meant: names, or prefixes that end in `*`. Absent: all that have an `objective`.
        flows: Option<Vec<String>>,
        /// Besides, over so many seconds from the start of what the case plays. Absent: over all of it alone.
        first_s: Option<Seconds>,
        /// Independent replications, 2 to 100.
        replications: Count,
    }
);

/// The most replications: a study is answered with every plan.
const MOST: u32 = 100;

impl Keys {
    fn meant(&self, reader: &Reader<'_, '_>, at: &At) -> Result<Kind, Error> {
        let (doc, file) = (reader.doc, reader.file);
        let cases = || file.case.iter().map(|c| c.name.as_str());
        let Some(case) = file.case.iter().find(|c| c.name == self.case) else {
            return Err(doc.error(&at.key("case"), format!("there is no case `{}`", self.case)).help(names::help_for(
                &self.case,
                "cases",
                cases(),
            )));
        };
        if case.columns_only {
            return Err(doc
                .error(&at.key("case"), format!("the case `{}` is of columns only, and has no delays", self.case))
                .help("name a case that plays jobs"));
        }
        super::fleet(reader, &at.key("fleet"), &self.fleet)?;
        if !(2..=MOST).contains(&self.replications.get()) {
            return Err(doc
                .error(&at.key("replications"), format!("{} replications", self.replications.get()))
                .help(format!("2 to {MOST}: one has no interval, and many take long")));
        }
        let lasts_s = case.lasts_s.or(file.requests.as_ref().map(|r| r.lasts_s)).map_or(0.0, Seconds::get);
        if let Some(first_s) = self.first_s.map(Seconds::get)
            && !(first_s > 0.0 && first_s <= lasts_s)
        {
            return Err(doc
                .error(&at.key("first_s"), format!("{first_s} s are not a part of what the case plays"))
                .help(format!("above 0, and at most {lasts_s} s")));
        }
        let mut flows: Vec<String> = Vec::new();
        for (i, wanted) in self.flows.iter().flatten().enumerate() {
            let is_meant = |name: &str| wanted.strip_suffix('*').map_or(name == wanted, |prefix| name.starts_with(prefix));
            let found: Vec<&str> = file.flow.iter().map(|f| f.name.as_str()).filter(|f| is_meant(f)).collect();
            if found.is_empty() {
                return Err(doc.error(&at.key("flows").index(i), format!("no flow is meant by `{wanted}`")).help(names::help_for(
                    wanted,
                    "flows",
                    file.flow.iter().map(|f| f.name.as_str()),
                )));
            }
            for name in found {
                if !flows.iter().any(|f| f == name) {
                    flows.push(name.to_owned());
                }
            }
        }
        Ok(Kind::CaseDelay(CaseDelay {
            case: self.case.clone(),
            fleet: self.fleet.clone(),
            flows,
            first: self.first_s.map(Seconds::nanos),
            replications: self.replications.get(),
        }))
    }
}
