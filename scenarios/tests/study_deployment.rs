//! `[[study.transfer]]`, `install`, `construction`, `cache` and `cached-packages`: what is read, what is refused, and which way
//! their figures move.

mod common;

use common::Folder;
use models::Estimate;
use models::law::transfer::Sent;
use models::quantity::{Bytes, Nanos};
use models::study::{Answer, Kind, Study};

/// The laws behind the history: 0.1 s/MB + 2 ms/MB a node; 15 s + p (0.1 s + 0.05 s n). Port 200 MB/s.
const STUDIES: &str = r#"
[[study.transfer]]
name = "sent"
title = "How long?"
history = [
  { image_mb = 50, nodes = 5, s = 5.5 },
  { image_mb = 50, nodes = 10, s = 6.0 },
  { image_mb = 100, nodes = 5, s = 11.0 },
  { image_mb = 100, nodes = 10, s = 12.0 },
]
port_bytes_per_s = 2e8
block_bytes = 1000000
loss = 0.5
repair_s = 2
ask = [{ image_mb = 200, nodes = 10 }, { image_mb = 200, nodes = 1000 }]
source = "assumed:an example"

[[study.install]]
name = "installed"
title = "How long?"
history = [
  { packages = 10, mb = 5, nodes = 4, s = 18.0 },
  { packages = 10, mb = 9, nodes = 8, s = 20.0 },
  { packages = 40, mb = 30, nodes = 4, s = 27.0 },
  { packages = 40, mb = 26, nodes = 8, s = 35.0 },
]
ask = [{ packages = 20, mb = 10, nodes = 8 }]
source = "assumed:an example"

[[study.construction]]
name = "whole"
title = "How long?"
transfer = "sent"
install = "installed"
whole = [{ image_mb = 50, packages = 0, nodes = 5, s = 45.5 }]
ask = [{ name = "cluster", image_mb = 100, packages = 20, nodes = 8 }]
source = "assumed:an example"

[[study.cache]]
name = "use-it"
title = "Does it pay?"
transfer = "sent"
install = "installed"
image_mb = 50
cached_image_mb = 100
ask = [
  { name = "much is saved", nodes = 8, packages = 40, packages_left = 10 },
  { name = "little is saved", nodes = 8, packages = 40, packages_left = 36 },
]
source = "assumed:an example"

[[study.cached-packages]]
name = "hold-them"
title = "Which?"
transfer = "sent"
install = "installed"
nodes = 8
image_mb_per_package_mb = 2.0
groups = [{ name = "small", packages = 10, mb = 5 }, { name = "large", packages = 10, mb = 50 }]
requests = [["large"], ["small", "large"], ["small", "large"], ["large"], ["large"]]
last = 4
percent = 75
source = "assumed:an example"
"#;

fn answer(name: &str, changes: &[(&str, &str)]) -> Answer {
    let all = Folder::with_studies(STUDIES, changes).load().unwrap().studies;
    answered(all.iter().find(|s| s.name == name).unwrap())
}

fn answered(study: &Study) -> Answer {
    match &study.kind {
        Kind::Transfer(it) => it.answer(study),
        Kind::Install(it) => it.answer(study),
        Kind::Construction(it) => it.answer(study),
        Kind::Cache(it) => it.answer(study),
        Kind::CachedPackages(it) => it.answer(study),
        other => panic!("{other:?}"),
    }
    .unwrap()
}

fn figure(answer: &Answer, name: &str) -> Estimate {
    answer.figure(name).unwrap_or_else(|| panic!("no `{name}` in {answer:?}")).value
}

fn near(a: f64, b: f64) {
    assert!((a - b).abs() < 1e-6, "{a} is not {b}");
}

#[test]
fn their_keys_are_read() {
    let scenario = Folder::with_studies(STUDIES, &[]).load().unwrap();
    let names: Vec<&str> = scenario.studies.iter().map(|s| s.name.as_str()).collect();
    assert_eq!(names, ["sent", "installed", "whole", "use-it", "hold-them"]);
    let Kind::Transfer(it) = &scenario.studies[0].kind else { panic!("a transfer") };
    assert_eq!(it.history[1], Sent { image: Bytes::new(5e7).unwrap(), nodes: 10, took: Nanos::seconds(6) });
    assert_eq!(it.multicast, Some((0.5, Nanos::seconds(2))));
    let Kind::CachedPackages(it) = &scenario.studies[4].kind else { panic!("packages") };
    assert_eq!(it.requests[1], [0, 1]);
    // Their numbers are among the givens, with their source.
    let given = scenario.site.givens.iter().find(|g| g.place == "study.transfer sent" && g.key == "history").unwrap();
    assert!(given.value.contains("image_mb 50, nodes 5, s 5.5"), "{}", given.value);
}

#[test]
fn a_history_without_noise_is_answered_by_hand() {
    let it = answer("sent", &[]);
    near(figure(&it, "unpacking").value, 0.1);
    near(figure(&it, "share of the server").value, 0.002);
    // 200 MB: 20 s + 4 s; the port's 10 s do not matter. To 1000 nodes the port's 1000 s do.
    near(figure(&it, "200 MB, 10 nodes").value, 24.0);
    let many = figure(&it, "200 MB, 1000 nodes");
    near(many.value, 1000.0);
    near(many.high, 1020.0);
    // A chain: 1 s, 9 blocks of 5 ms, 20 s to unpack. Multicast: 1 s twice, 2 s, 20 s.
    near(figure(&it, "200 MB, 10 nodes, chain").value, 21.045);
    near(figure(&it, "200 MB, 10 nodes, multicast").value, 24.0);
    near(figure(&it, "200 MB, 10 nodes, scaled").value, 24.0);
    assert!(it.figure("200 MB, 1000 nodes, scaled").is_none());
    near(figure(&it, "100 MB, 10 nodes, left out").value, 12.0);
    near(figure(&it, "port takes longer than unpacking from").value, 20.0);

    let it = answer("installed", &[]);
    near(figure(&it, "fixed").value, 15.0);
    near(figure(&it, "20 packages, 8 nodes").value, 25.0);
    near(figure(&it, "largest error left out").value, 0.0);
    assert_eq!(it.figure("20 packages, 8 nodes").unwrap().fitted, 3);

    // 45.5 s less 5.5 s of transfer: 40 s. 100 MB to 8 nodes 11.6 s, 20 packages 25 s.
    let it = answer("whole", &[]);
    near(figure(&it, "fixed").value, 40.0);
    near(figure(&it, "cluster").value, 76.6);

    // 50 MB more to 8 nodes: 5.8 s added. 30 packages of 0.5 s: 15 s saved; 4: 2 s.
    let it = answer("use-it", &[]);
    near(figure(&it, "much is saved, gained").value, 15.0 - 5.8);
    near(figure(&it, "little is saved, gained").value, 2.0 - 5.8);
    assert_eq!((figure(&it, "much is saved").value, figure(&it, "little is saved").value), (1.0, 0.0));

    // The last four: small in 2, large in 4. Small: half of 5 s less 10 MB x 0.116 s; large: 5 s less 100 MB x 0.116 s.
    let it = answer("hold-them", &[]);
    near(figure(&it, "small, stood in").value, 0.5);
    near(figure(&it, "small, saves").value, 2.5 - 1.16);
    near(figure(&it, "large, saves").value, 5.0 - 11.6);
    let words = ["small, by share", "small, by time", "large, by share", "large, by time"].map(|name| figure(&it, name).value);
    assert_eq!(words, [0.0, 1.0, 1.0, 0.0]);
    near(figure(&it, "image by share saves").value, -6.6);
    near(figure(&it, "image by time saves").value, 1.34);
}

#[test]
fn one_given_moves_its_figures_as_it_must() {
    let (before, after) = (answer("sent", &[]), answer("sent", &[("port_bytes_per_s = 2e8", "port_bytes_per_s = 4e8")]));
    // A port of twice the rate: half the time where the port sets it, and no other where unpacking does.
    near(figure(&after, "200 MB, 10 nodes").value, figure(&before, "200 MB, 10 nodes").value);
    // 200 (0.1 + 0.002 x 1000) = 420 s, below the port's 500 s.
    near(figure(&after, "200 MB, 1000 nodes").value, 500.0);
    assert!(figure(&after, "200 MB, 10 nodes, chain").value < figure(&before, "200 MB, 10 nodes, chain").value);
    let larger = answer("sent", &[("block_bytes = 1000000", "block_bytes = 10000000")]);
    assert!(figure(&larger, "200 MB, 1000 nodes, chain").value > figure(&before, "200 MB, 1000 nodes, chain").value);
    // One slower installation, and the law follows; and it has a range.
    let noisy = answer("installed", &[("nodes = 8, s = 35.0", "nodes = 8, s = 39.0")]);
    let t = figure(&noisy, "20 packages, 8 nodes");
    assert!(t.value > 25.0 && t.low < t.value && t.value < t.high, "{t:?}");
    let longer = answer("whole", &[("nodes = 5, s = 45.5", "nodes = 5, s = 50.5")]);
    near(figure(&longer, "cluster").value, 81.6);
    // Fewer requests counted: small stood in neither of the last two.
    let fewer = answer("hold-them", &[("last = 4", "last = 2")]);
    assert_eq!(figure(&fewer, "small, by time").value, 0.0);
    // More than there are: said.
    assert!(answer("hold-them", &[("last = 4", "last = 9")]).says.iter().any(|s| s.contains("Only 5 requests")));
}

#[test]
fn what_is_wrong_is_refused_where_it_stands() {
    let wrong: [(&str, &str, &str, &str); 17] = [
        ("port_bytes_per_s = 2e8", "port_bytes_per_s = 0", "study.transfer.sent.port_bytes_per_s", "carries nothing"),
        ("port_bytes_per_s = 2e8", "port_bytes_per_s = 2e6", "study.transfer.sent.history", "50 MB to 5 nodes in 5.5 s"),
        ("nodes = 10, s = 6.0", "nodes = 10, s = 0", "study.transfer.sent.history", "port cannot carry"),
        ("nodes = 10, s = 12.0", "nodes = 10, s = 5.5", "study.transfer.sent.history", "neither can be below 0"),
        ("repair_s = 2\n", "", "study.transfer.sent.loss", "multicast needs `repair_s` too"),
        ("loss = 0.5\n", "", "study.transfer.sent.repair_s", "multicast needs `loss` too"),
        ("loss = 0.5", "loss = 1.0", "study.transfer.sent.loss", "1 is not a share from 0 to below 1"),
        ("image_mb = 200, nodes = 1000", "image_mb = 0, nodes = 1000", "study.transfer.sent.ask[1].image_mb", "0 is not a number"),
        ("mb = 30, nodes = 4, s = 27.0", "mb = 30, nodes = 4, s = 2.0", "study.install.installed.history", "none can be below 0"),
        ("packages = 20, mb", "packages = 0, mb", "study.install.installed.ask[0].packages", "0 is not a count"),
        (
            "packages = 0, nodes = 5, s = 45.5",
            "packages = 0, nodes = 5, s = 4.5",
            "study.construction.whole.whole",
            "longer than their parts",
        ),
        (
            "install = \"installed\"\nwhole",
            "install = \"instaled\"\nwhole",
            "study.construction.whole.install",
            "no study of kind install named `instaled`",
        ),
        ("cached_image_mb = 100", "cached_image_mb = 40", "study.cache.use-it.cached_image_mb", "smaller than the image without"),
        ("packages_left = 36", "packages_left = 41", "study.cache.use-it.ask.little is saved.packages_left", "more packages are left"),
        ("name = \"little is saved\"", "name = \"much is saved\"", "study.cache.use-it.ask.much is saved.name", "asked twice"),
        (
            "[\"large\"], [\"small\", \"large\"], [",
            "[\"huge\"], [\"small\", \"large\"], [",
            "study.cached-packages.hold-them.requests[0][0]",
            "no group `huge`",
        ),
        ("percent = 75", "percent = 0", "study.cached-packages.hold-them.percent", "0 is not a percentile"),
    ];
    for (from, to, key, says) in wrong {
        let error = Folder::with_studies(STUDIES, &[(from, to)]).load().unwrap_err();
        assert_eq!(error.key.as_deref(), Some(key), "{error}");
        assert!(error.to_string().contains(says) && error.line.is_some(), "{error}");
    }
    let none = [("requests = [[\"large\"], [\"small\", \"large\"], [\"small\", \"large\"], [\"large\"], [\"large\"]]", "requests = []")];
    let error = Folder::with_studies(STUDIES, &none).load().unwrap_err();
    assert!(error.to_string().contains("there is no request"), "{error}");
}

#[test]
fn rows_of_full_installations_only_are_refused_for_what_they_do_not_tell() {
    let full = [("packages = 10, mb = 5, nodes", "packages = 40, mb = 5, nodes"), ("packages = 10, mb = 9", "packages = 40, mb = 9")];
    let error = Folder::with_studies(STUDIES, &full).load().unwrap_err();
    assert_eq!(error.key.as_deref(), Some("study.install.installed.history"));
    assert!(error.to_string().contains("two package counts"), "{error}");
}
