//! `[[study.bring-up]]`: what is read, and what is refused.

mod common;

use common::Folder;
use models::study::Kind;
use models::study::bring_up::{BringUp, Method, Start};

const STUDY: &str = r#"
[[study.bring-up]]
name = "up"
title = "How long?"
nodes = 100
within_s = 10
method = "nfs"
start = "packed"
servers = 1
block_bytes = 65536
degree = 2
image_bytes = 61.3e6
unpacked_bytes = 180e6
working_set_bytes = 30e6
server_bytes_per_s = 117e6
node_bytes_per_s = 116e6
rack_nodes = 40
uplink_bytes_per_s = 1e9
unpack_bytes_per_s = 7e6
disk_write_bytes_per_s = 60e6
disk_read_bytes_per_s = 61e6
boot_cpu_s = { value = 5, low = 3, high = 8 }
fitted = 0
source = "assumed:an example"

[[study.bring-up.upgrade]]
name = "chain"
method = "chain"
block_bytes = 1000
source = "assumed:a program"

[[study.bring-up.upgrade]]
name = "copy-on-write"
start = "copy-on-write"
"#;

#[test]
fn its_keys_are_read() {
    let scenario = Folder::with_studies(STUDY, &[]).load().unwrap();
    let Kind::BringUp(BringUp { nodes, within, means, upgrades, fitted }) = scenario.studies[0].kind.clone() else {
        panic!("another kind")
    };
    assert_eq!((nodes, within.as_seconds(), means.method, means.start, fitted), (100, 10.0, Method::Nfs, Start::Packed, 0));
    assert_eq!((means.server.get(), means.node.get(), means.uplink.get()), (117e6, 116e6, 1e9));
    assert_eq!((means.unpack.get(), means.disk_write.get(), means.disk_read.get()), (7e6, 60e6, 61e6));
    assert_eq!((means.image_bytes, means.unpacked_bytes, means.working_set_bytes), (61.3e6, 180e6, 30e6));
    assert_eq!((means.boot_cpu_s.low, means.boot_cpu_s.high, means.rack_nodes, means.degree, means.servers), (3.0, 8.0, 40, 2, 1));
    let changed = upgrades.iter().fold(means, |m, u| u.change.on(&m));
    assert_eq!((changed.method, changed.block_bytes, changed.start, changed.degree), (Method::Chain, 1000.0, Start::CopyOnWrite, 2));
    let given =
        |place: &str, key: &str| scenario.site.givens.iter().find(|g| g.place == place && g.key == key).map(|g| g.source.to_string());
    assert_eq!(given("study.bring-up up", "nodes").as_deref(), Some("assumed:an example"));
    assert_eq!(given("study.bring-up up upgrade chain", "block_bytes").as_deref(), Some("assumed:a program"));
}

#[test]
fn what_is_wrong_is_refused_where_it_stands() {
    let wrong: [(&str, &str, &str, &str); 7] = [
        ("working_set_bytes = 30e6", "working_set_bytes = 300e6", "study.bring-up.up.working_set_bytes", "a boot reads 300000000 B"),
        ("start = \"copy-on-write\"", "", "study.bring-up.up.upgrade.copy-on-write.name", "changes nothing"),
        ("name = \"copy-on-write\"", "name = \"chain\"", "study.bring-up.up.upgrade.chain.name", "is there twice"),
        ("method = \"nfs\"", "method = \"pigeon\"", "study.bring-up.up.method", "`pigeon` is not one of the words"),
        ("rack_nodes = 40", "rack_nodes = 0", "study.bring-up.up.rack_nodes", "0 is not a count"),
        (
            "unpack_bytes_per_s = 7e6",
            "unpack_bytes_per_s = 0",
            "study.bring-up.up.unpack_bytes_per_s",
            "0 is not a number that is finite and above 0",
        ),
        ("fitted = 0", "", "study.bring-up.up.fitted", "the key `fitted` is missing"),
    ];
    for (from, to, key, says) in wrong {
        let error = Folder::with_studies(STUDY, &[(from, to)]).load().unwrap_err();
        assert_eq!(error.key.as_deref(), Some(key), "{error}");
        assert!(error.to_string().contains(says) && error.line.is_some(), "{error}");
    }
    let many: String = (0..13).map(|k| format!("\n[[study.bring-up.upgrade]]\nname = \"u{k}\"\nservers = 2\n")).collect();
    let error = Folder::with_studies(&format!("{STUDY}{many}"), &[]).load().unwrap_err();
    assert!(error.to_string().contains("15 upgrades"), "{error}");
}
