//! `[[study.availability]]`: what is read, and what is refused.

mod common;

use common::Folder;
use models::Estimate;
use models::study::Kind;
use models::study::availability::{Availability, Group, Part, Together};

const STUDY: &str = r#"
[[study.availability]]
name = "up"
title = "How much of the time?"
observed_failures = 0
observed_host_years = 15
repair_h = { value = 4, low = 1, high = 24 }
restart = "lost"
source = "assumed:an example"
[[study.availability.group]]
name = "pool"
needed = 2
domains = [2, 1]
source = "assumed:an example"
[study.availability.together]
beta = 0.1
source = "assumed:an example"
[[study.availability.series]]
name = "nfs"
failures_per_year = 0.1
repair_h = 5
source = "assumed:an example"

[[study.restart]]
name = "lost"
title = "How long are they away?"
guests = 10
class = "rx300"
survivors = 2
detect_s = 20
fence_s = 40
boots_at_once = 3
boot_cpu_s = 30
boot_disk_bytes = 0
source = "assumed:an example"
"#;

fn read(changes: &[(&str, &str)]) -> Availability {
    let scenario = Folder::with_studies(STUDY, changes).load().unwrap();
    let Kind::Availability(it) = scenario.studies[0].kind.clone() else { panic!("a study of availability") };
    it
}

#[test]
fn its_keys_are_read() {
    let it = read(&[]);
    assert_eq!((it.failures, it.host_years, it.repair_h), (0, 15.0, Estimate { value: 4.0, low: 1.0, high: 24.0 }));
    assert_eq!(it.groups, [Group { name: "pool".into(), needed: 2, domains: vec![2, 1] }]);
    assert_eq!(it.together, Some(Together::Beta(0.1)));
    let nfs = Part { name: "nfs".into(), failures_per_year: Estimate::exactly(0.1), repair_h: Estimate::exactly(5.0) };
    assert_eq!(it.series, [nfs]);
    assert_eq!(it.restart.map(|r| (r.guests, r.by_hand)), Some((10, None)));
    let cause = read(&[("beta = 0.1", "failures_per_year = 0.02\nrepair_h = 9")]);
    assert!(matches!(cause.together, Some(Together::Cause(Part { repair_h, .. })) if repair_h == Estimate::exactly(9.0)));
    // The numbers of its parts are among the givens, each with its place.
    let scenario = Folder::with_studies(STUDY, &[]).load().unwrap();
    let places =
        ["study.availability up", "study.availability up group pool", "study.availability up together", "study.availability up series nfs"];
    for place in places {
        assert!(scenario.site.givens.iter().any(|g| g.place == place), "{place}: {:?}", scenario.site.givens);
    }
}

#[test]
fn what_is_wrong_is_refused_where_it_stands() {
    let twice = "source = \"assumed:an example\"\n[[study.availability.group]]\nname = \"pool\"\nneeded = 1\ndomains = [1]\nsource = \"assumed:x\"\n[study.availability.together]";
    let wrong: [(&str, &str, &str, &str); 9] = [
        ("needed = 2", "needed = 4", "study.availability.up.group.pool.needed", "4 of 3 hosts"),
        ("domains = [2, 1]", "domains = [1001]", "study.availability.up.group.pool.domains", "that makes 1001 hosts"),
        ("observed_host_years = 15", "observed_host_years = 0", "study.availability.up.observed_host_years", "above 0"),
        ("observed_failures = 0", "observed_failures = -1", "study.availability.up.observed_failures", "-1"),
        ("high = 24", "high = 1e9", "study.availability.up.repair_h", "a hundred years"),
        ("repair_h = 5", "repair_h = 1e9", "study.availability.up.series.nfs.repair_h", "a hundred years"),
        ("beta = 0.1", "beta = 0.1\nrepair_h = 3", "study.availability.up.together", "how often hosts fail together"),
        ("restart = \"lost\"", "restart = \"last\"", "study.availability.up.restart", "`last`"),
        ("source = \"assumed:an example\"\n[study.availability.together]", twice, "study.availability.up.group.pool.name", "there twice"),
    ];
    for (from, to, key, says) in wrong {
        let error = Folder::with_studies(STUDY, &[(from, to)]).load().unwrap_err();
        assert!(error.to_string().contains(says) && error.line.is_some(), "{error}");
        assert_eq!(error.key.as_deref(), Some(key), "{error}");
    }
}
