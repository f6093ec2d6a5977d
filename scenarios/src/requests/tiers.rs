//! Tiers: who serves, and that every tier is asked for something.

use models::flow::{Flow, Full, Tier, TierId};

use super::Reader;
use crate::document::At;
use crate::error::Error;
use crate::understand::meant;

/// The most tiers of a site, so that circles of them are quickly found.
const MOST_TIERS: usize = 1000;

impl Reader<'_, '_> {
    /// The tiers, in order of the file.
    pub(super) fn tiers(&mut self) -> Result<Vec<Tier>, Error> {
        let count = self.file.tier.len();
        if count > MOST_TIERS {
            return Err(self
                .doc
                .error(&At::element("tier", MOST_TIERS), format!("that makes {count} tiers"))
                .help(format!("at most {MOST_TIERS} are taken: join those that serve alike")));
        }
        let mut all = Vec::new();
        for (i, t) in self.file.tier.iter().enumerate() {
            let at = At::element("tier", i);
            self.tiers.add(self.doc, &at.key("name"), &t.name)?;
            let whose = ("nobody serves in this tier", "tier");
            all.push(Tier {
                name: t.name.clone(),
                guests: meant(self.doc, &at.key("guests"), &t.guests, whose, &self.site.guests, self.known)?,
                balance: t.balance,
                slots: t.slots.map(|n| n.get()),
                queue: t.queue,
                full: t.full,
            });
        }
        Ok(all)
    }

    /// A tier that no stage names is a slip: its guests would be idle.
    pub(super) fn tiers_are_used(&self, tiers: &[Tier], flows: &[Flow]) -> Result<(), Error> {
        for (t, tier) in tiers.iter().enumerate() {
            if !flows.iter().flat_map(|f| &f.stages).any(|s| s.tier == Some(TierId::at(t))) {
                return Err(self
                    .doc
                    .error(&At::element("tier", t), format!("no stage is served by the tier `{}`", tier.name))
                    .help("leave the tier out, or name it in a `[[flow.stage]]`"));
            }
        }
        Ok(())
    }

    /// A tier that sends jobs back to be tried again needs flows that say when.
    pub(super) fn retry_has_a_schedule(&self, tiers: &[Tier], flows: &[Flow]) -> Result<(), Error> {
        for (t, _) in tiers.iter().enumerate().filter(|(_, tier)| tier.full == Full::Retry) {
            let without = flows.iter().find(|f| f.retry.is_empty() && f.stages.iter().any(|s| s.tier == Some(TierId::at(t))));
            if let Some(flow) = without {
                return Err(self
                    .doc
                    .error(&At::element("tier", t).key("full"), format!("jobs of the flow `{}` have no retry schedule", flow.name))
                    .help(format!(
                        "write `retry = {{ every_s = ..., times = ... }}` in the flow `{}`, or `full = \"refuse\"` here",
                        flow.name
                    )));
            }
        }
        Ok(())
    }
}
