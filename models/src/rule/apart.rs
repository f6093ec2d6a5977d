//! Redundant guests stand apart: no two of a group on one host, nor in one failure domain of the kinds asked (S0-14, S1-8).

use super::{Breach, Judgement, RuleName, Verdict};
use crate::site::{DomainId, DomainKind, HostId, Placement, Site};

/// A domain of this kind that two hosts share.
fn shared_domain(site: &Site, a: HostId, b: HostId, kind: DomainKind) -> Option<DomainId> {
    let of = |h: HostId| site.hosts[h.index()].domains.iter().copied();
    of(a).find(|d| site.domains[d.index()].kind == kind && of(b).any(|x| x == *d))
}

/// The rule, where the site asks for it.
#[must_use]
pub fn judge(site: &Site, placement: &Placement) -> Option<Judgement> {
    let kinds = site.rules.apart.as_ref()?;
    let mut breaches = Vec::new();
    for (group, members) in site.guests_by_group().into_iter().enumerate() {
        for (i, a) in members.iter().enumerate() {
            for b in &members[i + 1..] {
                let (Some(ha), Some(hb)) = (placement.host_of[a.index()], placement.host_of[b.index()]) else { continue };
                let shared = if ha == hb {
                    Some(format!("host {}", site.hosts[ha.index()].name))
                } else {
                    kinds
                        .iter()
                        .find_map(|k| shared_domain(site, ha, hb, *k).map(|d| format!("{} {}", k.word(), site.domains[d.index()].name)))
                };
                if let Some(shared) = shared {
                    breaches.push(Breach {
                        needed: 2.0,
                        available: 1.0,
                        unit: "places".into(),
                        place: format!("group {}", site.groups[group]),
                        when: None,
                        why: format!("{} and {} share {shared}", site.guests[a.index()].name, site.guests[b.index()].name),
                    });
                }
            }
        }
    }
    let mut asked = format!("no two guests of a redundancy group ({} in all) share a host", site.groups.len());
    for k in kinds {
        asked += &format!(", nor a {}", k.word());
    }
    Some(Judgement { rule: RuleName::Apart, asked, verdict: Verdict::from(Vec::new(), breaches) })
}
