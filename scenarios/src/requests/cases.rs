//! Cases: which faults and bursts are played together, with which tiers shared, and against what.

use models::flow::{Burst, Case, Fault, FaultId, Flow, FlowId, Source, Tier, TierId, When};
use models::quantity::Nanos;

use super::{MOST_JOBS, Reader, circles};
use crate::document::At;
use crate::error::Error;
use crate::file::requests as keys;
use crate::understand::Names;

impl Reader<'_, '_> {
    /// The cases, in order of the file.
    pub(super) fn cases(&self, tiers: &[Tier], flows: &[Flow], faults: &[Fault], ordinary: (Nanos, Nanos)) -> Result<Vec<Case>, Error> {
        let doc = self.doc;
        let mut known = Names::new("case", "cases");
        let mut all: Vec<Case> = Vec::new();
        for (i, c) in self.file.case.iter().enumerate() {
            known.add(doc, &At::element("case", i).key("name"), &c.name)?;
        }
        for (i, c) in self.file.case.iter().enumerate() {
            let at = At::element("case", i);
            self.has_its_source(&at, c)?;
            let window = self.case_window(&at, c)?;
            let fails = self.faults.find_all(doc, &at.key("faults"), &c.faults, FaultId::at)?;
            let shared = self.shared(&at, c)?;
            if c.columns_only {
                for (key, there) in [("burst", !c.burst.is_empty()), ("shared", !shared.is_empty())] {
                    if there {
                        return Err(doc
                            .error(&at.key(key), "without jobs this changes nothing")
                            .help("leave it out, or leave out `columns_only = true`"));
                    }
                }
            }
            if fails.is_empty() && c.burst.is_empty() && shared.is_empty() && window.is_none() && !c.columns_only && !c.automatic {
                return Err(doc
                    .error(&at, format!("nothing is different in the case `{}`", c.name))
                    .help("write `faults`, `burst`, `shared`, or `from_s` and `lasts_s`"));
            }
            let (from, lasts) = window.unwrap_or(ordinary);
            self.faults_happen(&at, &fails, faults, (from, lasts))?;
            let bursts = c.burst.iter().enumerate();
            let bursts = bursts.map(|(k, b)| self.burst(&at.key("burst").index(k), b, flows, (from, lasts))).collect::<Result<_, _>>()?;
            circles::of_tiers(doc, tiers, flows, &shared, |_| at.key("shared"))?;
            all.push(Case {
                name: c.name.clone(),
                title: c.title.clone(),
                faults: fails,
                bursts,
                shared,
                against: c.against.as_deref().map(|name| self.against(&at.key("against"), i, name, &known)).transpose()?,
                window,
                columns_only: c.columns_only,
                automatic: c.automatic,
            });
        }
        Ok(all)
    }

    /// A case with numbers of its own says whose they are.
    fn has_its_source(&self, at: &At, c: &keys::Case) -> Result<(), Error> {
        if c.source.is_some() || (c.burst.is_empty() && c.from_s.is_none() && c.lasts_s.is_none()) {
            return Ok(());
        }
        Err(self
            .doc
            .error(at, "the key `source` is missing")
            .key(format!("{}.source", self.doc.named(at)))
            .help("this case has numbers of its own: write `source = ...` (paper:ID, measured:WHAT, proxy:WHAT or assumed:WHY)"))
    }

    /// The stretch of time of a case: it may be longer than the horizon, as columns begin again.
    fn case_window(&self, at: &At, c: &keys::Case) -> Result<Option<(Nanos, Nanos)>, Error> {
        match (c.from_s, c.lasts_s) {
            (None, None) => Ok(None),
            (Some(from), Some(lasts)) if lasts.nanos() > Nanos::ZERO => Ok(Some((from.nanos(), lasts.nanos()))),
            (Some(_), Some(_)) => Err(self.doc.error(&at.key("lasts_s"), "this takes no time").help("seconds, above 0")),
            (Some(_), None) => Err(self.doc.error(&at.key("from_s"), "the key `lasts_s` is missing").help("`from_s` goes with `lasts_s`")),
            (None, Some(_)) => Err(self.doc.error(&at.key("lasts_s"), "the key `from_s` is missing").help("`lasts_s` goes with `from_s`")),
        }
    }

    /// The pools of tiers: each of two or more, and a tier in one of them.
    fn shared(&self, at: &At, c: &keys::Case) -> Result<Vec<Vec<TierId>>, Error> {
        let mut all: Vec<Vec<TierId>> = Vec::new();
        for (k, list) in c.shared.iter().enumerate() {
            let at = at.key("shared").index(k);
            let pool = self.tiers.find_all(self.doc, &at, list, TierId::at)?;
            if pool.len() < 2 {
                return Err(self.doc.error(&at, "a tier shares with another").help("name two tiers or more in each list"));
            }
            if let Some(twice) = pool.iter().position(|t| all.iter().flatten().any(|other| other == t)) {
                return Err(self
                    .doc
                    .error(&at.index(twice), format!("the tier `{}` is in another list already", list[twice]))
                    .help("a tier is in one pool: make one list of the two"));
            }
            all.push(pool);
        }
        Ok(all)
    }

    /// A fault at a set time happens in what the case plays.
    fn faults_happen(&self, at: &At, fails: &[FaultId], faults: &[Fault], (from, lasts): (Nanos, Nanos)) -> Result<(), Error> {
        for (k, f) in fails.iter().enumerate() {
            let fault = &faults[f.index()];
            if let When::At { at: instant, .. } = fault.when
                && !(from.0..from.0 + lasts.0).contains(&instant.0)
            {
                return Err(self
                    .doc
                    .error(
                        &at.key("faults").index(k),
                        format!("`{}` happens at {} s, and that is not played in this case", fault.name, instant.as_seconds()),
                    )
                    .help(format!("it is played from {} s to {} s", from.as_seconds(), (from + lasts).as_seconds())));
            }
        }
        Ok(())
    }

    fn burst(&self, at: &At, b: &keys::Burst, flows: &[Flow], (from, lasts): (Nanos, Nanos)) -> Result<Burst, Error> {
        let doc = self.doc;
        let flow = self.flows.find(doc, &at.key("flow"), &b.flow)?;
        if matches!(flows[flow].arrivals, Source::Clients { .. }) {
            return Err(doc
                .error(&at.key("flow"), format!("the jobs of `{}` come from its clients, who wait for their answers", b.flow))
                .help("a burst is of a flow with `arrivals`"));
        }
        let jobs = b.peak_per_s.get() * (b.ramp_s.get() / 2.0 + b.plateau_s.get() + b.decay_s.get());
        if jobs > MOST_JOBS {
            return Err(doc
                .error(&at.key("peak_per_s"), format!("a batch of 10^9 jobs: this burst has {jobs:.3e}, and they are played one by one"))
                .help("at most 1e9 jobs: make `peak_per_s` less, or the burst shorter"));
        }
        if jobs <= 0.0 {
            return Err(doc
                .error(&at.key("peak_per_s"), "nothing arrives in this burst")
                .help("make `peak_per_s` and the time that it takes more than 0"));
        }
        if b.start_s.nanos().0 >= from.0 + lasts.0 {
            return Err(doc
                .error(&at.key("start_s"), format!("the burst starts at {} s, after what is played", b.start_s.get()))
                .help(format!("it is played from {} s to {} s", from.as_seconds(), (from + lasts).as_seconds())));
        }
        // Twenty time constants after its plateau nothing is left of a burst.
        let ends = b.start_s.get() + b.ramp_s.get() + b.plateau_s.get() + 20.0 * b.decay_s.get();
        if ends <= from.as_seconds() {
            return Err(doc.error(&at.key("start_s"), format!("the burst is over at {ends} s, before what is played")).help(format!(
                "it is played from {} s to {} s",
                from.as_seconds(),
                (from + lasts).as_seconds()
            )));
        }
        Ok(Burst {
            flow: FlowId::at(flow),
            start: b.start_s.nanos(),
            ramp: b.ramp_s.nanos(),
            plateau: b.plateau_s.nanos(),
            decay: b.decay_s.nanos(),
            peak_per_s: b.peak_per_s.get(),
        })
    }

    /// The case that case `i` is held against: an earlier one, so that no case waits for itself.
    fn against(&self, at: &At, i: usize, name: &str, known: &Names) -> Result<usize, Error> {
        let other = known.find(self.doc, at, name)?;
        let wrong = match other.cmp(&i) {
            std::cmp::Ordering::Less => return Ok(other),
            std::cmp::Ordering::Equal => format!("the case `{name}` is held against itself"),
            std::cmp::Ordering::Greater => format!("the case `{name}` stands later in the file"),
        };
        Err(self.doc.error(at, wrong).help("name a case that stands earlier, or leave `against` out: the ordinary course"))
    }
}
