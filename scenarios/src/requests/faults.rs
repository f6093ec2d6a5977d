//! Faults: what fails, and when.

use models::flow::{Fault, Target, When};
use models::quantity::Nanos;
use models::site::{DomainId, GuestId};

use super::Reader;
use super::distribution::{Of, table};
use crate::document::At;
use crate::error::Error;
use crate::file::requests as keys;
use crate::names;

/// The keys that say what fails.
const TARGETS: &str = "`host`, `each_host`, `domain`, `mains`, `storage`, `network`, `guest` and `stall`";

/// The most hosts of a class for sale that a help line may come to name.
const MOST_NAMED: u32 = 100;

impl Reader<'_, '_> {
    /// The faults, in order of the file.
    pub(super) fn faults(&mut self) -> Result<Vec<Fault>, Error> {
        let file = self.file;
        let mut all = Vec::new();
        for (i, f) in file.fault.iter().enumerate() {
            let at = At::element("fault", i);
            self.faults.add(self.doc, &at.key("name"), &f.name)?;
            all.push(Fault { name: f.name.clone(), target: self.target(&at, f)?, when: self.when(&at, f)? });
        }
        Ok(all)
    }

    fn target(&self, at: &At, f: &keys::Fault) -> Result<Target, Error> {
        let there: Vec<&'static str> = [
            ("host", f.host.is_some()),
            ("each_host", f.each_host.is_some()),
            ("domain", f.domain.is_some()),
            ("mains", f.mains.is_some()),
            ("storage", f.storage.is_some()),
            ("network", f.network.is_some()),
            ("guest", f.guest.is_some()),
            ("stall", f.stall.is_some()),
        ]
        .into_iter()
        .filter_map(|(key, there)| there.then_some(key))
        .collect();
        let key = match there.as_slice() {
            [one] => at.key(*one),
            [] => {
                return Err(self
                    .doc
                    .error(at, format!("nothing says what fails in `{}`", f.name))
                    .help(format!("write exactly one of {TARGETS}")));
            }
            [first, second, ..] => {
                return Err(self
                    .doc
                    .error(&at.key(*second), format!("`{first}` says already what fails in `{}`", f.name))
                    .help(format!("write exactly one of {TARGETS}; several faults go together in a `[[case]]`")));
            }
        };
        let doc = self.doc;
        Ok(match f {
            keys::Fault { host: Some(name), .. } => Target::Host(self.host(&key, name)?),
            keys::Fault { each_host: Some(true), .. } => Target::EachHost,
            keys::Fault { domain: Some(name), .. } => Target::Domain(DomainId::at(self.known.domains.find(doc, &key, name)?)),
            keys::Fault { mains: Some(mains), .. } => {
                if self.site.ups.is_none() {
                    return Err(doc.error(&key, "there is no CVCF whose mains could fail").help("write `[ups]`, or fail the hosts"));
                }
                Target::Mains { battery: mains.battery_s.nanos() }
            }
            keys::Fault { storage: Some(name), .. } => Target::Storage(self.known.storage.find(doc, &key, name)?),
            keys::Fault { network: Some(true), .. } => Target::Network,
            keys::Fault { guest: Some(name), .. } => Target::Guest(GuestId::at(self.known.guests.find(doc, &key, name)?)),
            keys::Fault { stall: Some(name), .. } => Target::Stall(GuestId::at(self.known.guests.find(doc, &key, name)?)),
            _ => return Err(doc.error(&key, "`false` fails nothing").help("write `true`, or leave the key out")),
        })
    }

    /// The name of a host that stands, or that may be bought.
    fn host(&self, at: &At, name: &str) -> Result<String, Error> {
        let for_sale = || self.site.classes.iter().filter_map(|c| c.sale.as_ref().map(|s| (c.name.as_str(), s.max)));
        let bought = name.rsplit_once('-').is_some_and(|(class, number)| {
            let n = number.parse::<u32>().ok().filter(|n| *n > 0 && n.to_string() == number);
            n.is_some_and(|n| for_sale().any(|(c, max)| c == class && n <= max))
        });
        if bought || self.known.hosts.position(name).is_some() {
            return Ok(name.to_owned());
        }
        let could_be: Vec<String> = for_sale().flat_map(|(c, max)| (1..=max.min(MOST_NAMED)).map(move |n| format!("{c}-{n}"))).collect();
        let all = self.site.hosts.iter().map(|h| h.name.as_str()).chain(could_be.iter().map(String::as_str));
        Err(self.doc.error(at, format!("no host `{name}` stands or is for sale")).help(names::help_for(
            name,
            "hosts that stand or may be bought",
            all,
        )))
    }

    fn when(&self, at: &At, f: &keys::Fault) -> Result<When, Error> {
        let doc = self.doc;
        let forms = "write either `at_s` (and `lasts_s`, if it is repaired), or `up_s` and `down_s`";
        match (f.at_s, f.lasts_s, &f.up_s, &f.down_s) {
            (Some(at_s), lasts_s, None, None) => {
                if lasts_s.is_some_and(|s| s.nanos() == Nanos::ZERO) {
                    return Err(doc.error(&at.key("lasts_s"), "this takes no time").help("seconds, above 0; absent: it is not repaired"));
                }
                Ok(When::At { at: at_s.nanos(), lasts: lasts_s.map(|s| s.nanos()) })
            }
            (None, None, Some(up), Some(down)) => {
                let up_s = table(doc, &at.key("up_s"), up, Of::Amount)?;
                if up_s.mean < 1.0 {
                    return Err(doc
                        .error(&at.key("up_s").key("mean"), "what is up for less than a second at a time is not up")
                        .help("a mean time to failure in seconds, 1 or more"));
                }
                Ok(When::Renewal { up_s, down_s: table(doc, &at.key("down_s"), down, Of::Amount)? })
            }
            (None, None, None, None) => Err(doc.error(at, format!("nothing says when `{}` happens", f.name)).help(forms)),
            (Some(_), _, _, _) => {
                let key = if f.up_s.is_some() { "up_s" } else { "down_s" };
                Err(doc.error(&at.key(key), "`at_s` says already when this happens").help(forms))
            }
            (None, Some(_), _, _) => Err(doc.error(&at.key("lasts_s"), "the key `at_s` is missing").help(forms)),
            (None, None, Some(_), None) => Err(doc.error(&at.key("up_s"), "the key `down_s` is missing").help(forms)),
            (None, None, None, Some(_)) => Err(doc.error(&at.key("down_s"), "the key `up_s` is missing").help(forms)),
        }
    }
}
