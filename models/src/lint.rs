//! Settings of hosts and guests that bring guests down and that no rule looks at: what to attend to beside a plan.
//!
//! These are warnings, not verdicts: a plan may be carried out with them standing, and no placement guards against them.

use crate::flow::Recovery;
use crate::provenance::Provenance;
use crate::quantity::Nanos;
use crate::site::{HostClass, Mode, Site, Storage};

/// What to attend to, a sentence each.
#[must_use]
pub fn settings(site: &Site, recovery: Option<&Recovery>) -> Vec<String> {
    panics(site, recovery.and_then(|r| r.panics_after))
        .into_iter()
        .chain(read_only(site, recovery.and_then(|r| r.read_only_after)))
        .collect()
}

/// Kernels of hosts that panic where a guest is starved. A class may say so itself; where none does, those of a site whose recovery
/// plays it are meant.
fn panics(site: &Site, after: Option<Nanos>) -> Option<String> {
    let set: Vec<&HostClass> = site.classes.iter().filter(|c| c.softlockup_panic == Some(true)).collect();
    let (classes, source) = if set.is_empty() {
        after?;
        let unsaid = site.classes.iter().filter(|c| c.hypervisor.is_some() && c.softlockup_panic.is_none());
        (unsaid.collect::<Vec<_>>(), source(site, "panics_after_s"))
    } else {
        (set, source(site, "softlockup_panic"))
    };
    if classes.is_empty() {
        return None;
    }
    let names: Vec<&str> = classes.iter().map(|c| c.name.as_str()).collect();
    let of = if names.len() == 1 { "class" } else { "classes" };
    let when = after.map_or_else(|| "its watchdog cries".to_owned(), |after| format!("a guest gets no CPU for {} s", after.as_seconds()));
    Some(format!(
        "hosts of {of} {} are set to panic when {when} (softlockup_panic = 1{source}), and all their guests go with them: set it to 0 on hosts \
         of virtual machines, as vendors advise; no plan guards against it",
        names.join(", ")
    ))
}

/// Guests whose disks stay read-only after a pause of the network.
fn read_only(site: &Site, after: Option<Nanos>) -> Option<String> {
    let after = after?;
    let held = |storage: &Storage, g: usize| {
        let guest = &site.guests[g];
        guest.mode != Mode::PhysicalOnly && (storage.services.is_empty() || guest.service.is_some_and(|s| storage.services.contains(&s)))
    };
    let count = (0..site.guests.len()).filter(|g| site.storage.iter().any(|s| held(s, *g))).count();
    if count == 0 {
        return None;
    }
    let names: Vec<&str> = site.storage.iter().filter(|s| (0..site.guests.len()).any(|g| held(s, g))).map(|s| s.name.as_str()).collect();
    Some(format!(
        "{count} guests have their disks on {} over mounts that give up: after a pause of the network of more than {} s they come back \
         read-only until each is restarted (read_only_after_s{}); mount hard, or give the mounts a longer time-out than a pause lasts",
        names.join(", "),
        after.as_seconds(),
        source(site, "read_only_after_s")
    ))
}

/// Who says so, for the end of a bracket: `, paper:S3-7`, or the kind of source alone where it is no paper.
fn source(site: &Site, key: &str) -> String {
    match site.givens.iter().find(|g| g.key == key).map(|g| &g.source) {
        Some(paper @ Provenance::Paper(_)) => format!(", {paper}"),
        Some(other) => format!(", {}", other.kind()),
        None => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::example;
    use crate::provenance::Given;

    fn site(softlockup_panic: Option<bool>) -> Site {
        let class = HostClass { softlockup_panic, ..example::class("hs22", 8, 2000.0, 16384) };
        let metal = HostClass { hypervisor: None, ..example::class("metal", 1, 1000.0, 1024) };
        let mut site = example::site(class, 2, vec![example::guest("a", 1, 512), example::guest("b", 1, 512)]);
        site.classes.push(metal);
        site
    }

    #[test]
    fn a_class_that_says_so_is_named_with_its_setting_the_advice_and_who_says_so() {
        let mut site = site(Some(true));
        let source = "paper:S3-7".parse().unwrap();
        site.givens.push(Given { place: "class hs22".into(), key: "softlockup_panic".into(), value: "true".into(), source });
        let all = settings(&site, None);
        assert_eq!(all.len(), 1);
        for part in ["hosts of class hs22 are", "softlockup_panic = 1, paper:S3-7", "set it to 0", "vendors"] {
            assert!(all[0].contains(part), "{part}: {}", all[0]);
        }
        let played = Recovery { panics_after: Some(Nanos::seconds(20)), ..Recovery::INSTANT };
        assert!(settings(&site, Some(&played))[0].contains("gets no CPU for 20 s"));
    }

    #[test]
    fn where_no_class_says_so_those_that_are_played_so_are_named_and_a_class_that_says_no_is_not() {
        let played = Recovery { panics_after: Some(Nanos::seconds(20)), ..Recovery::INSTANT };
        let all = settings(&site(None), Some(&played));
        assert!(all.len() == 1 && all[0].contains("class hs22") && !all[0].contains("metal"), "{all:?}");
        assert!(settings(&site(Some(false)), Some(&played)).is_empty());
        assert!(settings(&site(None), Some(&Recovery::INSTANT)).is_empty() && settings(&site(Some(false)), None).is_empty());
    }

    #[test]
    fn guests_with_disks_that_give_up_are_counted_and_those_on_the_metal_are_not() {
        let gives_up = Recovery { read_only_after: Some(Nanos::seconds(180)), ..Recovery::INSTANT };
        let mut site = site(None);
        assert!(settings(&site, Some(&gives_up)).is_empty());
        site.storage.push(Storage { name: "nfs".into(), redundant: false, throughput: None, services: Vec::new() });
        let all = settings(&site, Some(&gives_up));
        assert!(all.len() == 1 && all[0].starts_with("2 guests have their disks on nfs") && all[0].contains("180 s"), "{all:?}");
        site.guests[1].mode = Mode::PhysicalOnly;
        assert!(settings(&site, Some(&gives_up))[0].starts_with("1 guests"));
        assert!(settings(&site, Some(&Recovery::INSTANT)).is_empty());
    }
}
