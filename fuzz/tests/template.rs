//! Templates of definitions: whatever is in one that is accepted, the guest is the one that the inventory gives, with its disks alone.

use std::path::PathBuf;

use executor::domain_xml::{DiskSource, from_template, read as read_definition};
use executor::host::Address;
use executor::inventory::{GuestEntry, HostEntry, MadeFrom, Volume};
use fuzz::{Answer, Syntax, Target, USUAL_TIME, message_is_fit_to_print};

fn host() -> HostEntry {
    let uri = || "qemu+unix:///session".to_owned();
    HostEntry {
        address: Address { name: "h1".into(), uri: uri(), peer_uri: uri() },
        class: "old".into(),
        domains: Vec::new(),
        pools: Vec::new(),
        storage_pools: vec!["images".into()],
        networks: vec!["front".into()],
        guest_memory_mib: 4096,
        power: None,
    }
}

fn guest() -> GuestEntry {
    GuestEntry {
        uuid: Some("3b8f5c0e-5a55-4c1c-9d44-0c1f6d8a7b01".parse().expect("a UUID")),
        made_from: Some(MadeFrom {
            template: PathBuf::from("/etc/shuyaku/small.xml"),
            memory_mib: 1024,
            vcpus: 2,
            volumes: vec![Volume { pool: "images".into(), volume: "web-1.qcow2".into() }],
            networks: vec!["front".into()],
        }),
        destroy_after_shutdown: false,
    }
}

fn read(bytes: &[u8]) -> Answer {
    let text = String::from_utf8_lossy(bytes);
    let guest = guest();
    match from_template(&text, &guest, "web-1", &host()) {
        Ok(made) => {
            let facts = read_definition(&made.xml).expect("what was written is a definition");
            assert_eq!((facts.name.as_str(), Some(facts.uuid), facts.memory_kib, facts.vcpus), ("web-1", guest.uuid, 1024 * 1024, 2));
            let ours = DiskSource::Volume { pool: "images".into(), volume: "web-1.qcow2".into() };
            assert_eq!(facts.disks.iter().filter(|d| **d == ours).count(), 1);
            Answer::Accepted
        }
        Err(e) => {
            message_is_fit_to_print(&e.to_string());
            Answer::Refused(e.to_string())
        }
    }
}

#[test]
fn every_text_of_the_corpus_is_accepted_or_refused_as_it_should_be() {
    let target = Target::new("template", Syntax::Xml, <[u8]>::to_vec, read);
    target.read_corpus();
    target.tell();
}

#[test]
fn no_text_brings_the_reader_of_templates_down() {
    let target = Target::new("template", Syntax::Xml, <[u8]>::to_vec, read);
    bolero::check!().with_test_time(USUAL_TIME).with_type().for_each(|program| target.run(program));
    target.tell();
}
