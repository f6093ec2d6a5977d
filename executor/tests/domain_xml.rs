//! Definitions of guests: what the writer writes is what the reader and others read, whatever the names; and what a template may not be.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Command;

use executor::definitions::{Definitions, NotKept};
use executor::domain_xml::{DiskSource, Facts, InterfaceSource, NotADefinition, from_template, mac, read};
use executor::host::Definition;
use executor::inventory::{GuestEntry, HostEntry, Inventory, MadeFrom, Volume};
use proptest::prelude::*;
use uuid::Uuid;

const TEMPLATE: &str = include_str!("data/inventory/templates/small.xml");
const UUID: &str = "3b8f5c0e-5a55-4c1c-9d44-0c1f6d8a7b01";

fn uuid() -> Uuid {
    UUID.parse().unwrap()
}

/// Host h1 and guest web-1 of the example.
fn example() -> (GuestEntry, HostEntry) {
    let i = Inventory::from_text(include_str!("data/inventory/inventory.toml"), Path::new("inventory.toml")).unwrap();
    (i.guests["web-1"].clone(), i.hosts["h1"].clone())
}

/// A guest and a host that allows what it needs.
fn guest(volumes: &[(&str, &str)], networks: &[&str]) -> (GuestEntry, HostEntry) {
    let (mut entry, mut host) = example();
    host.storage_pools = volumes.iter().map(|(p, _)| (*p).to_owned()).collect();
    host.networks = networks.iter().map(|n| (*n).to_owned()).collect();
    entry.made_from = Some(MadeFrom {
        volumes: volumes.iter().map(|(p, v)| Volume { pool: (*p).to_owned(), volume: (*v).to_owned() }).collect(),
        networks: host.networks.clone(),
        ..entry.made_from.unwrap()
    });
    (entry, host)
}

fn made(template: &str) -> Result<Definition, NotADefinition> {
    let (entry, host) = example();
    from_template(template, &entry, "web-1", &host)
}

#[test]
fn a_guest_is_made_of_its_template_and_what_the_inventory_says() {
    let d = made(TEMPLATE).unwrap();
    assert_eq!((d.name.as_str(), d.uuid), ("web-1", uuid()));
    let image = |v: &str| DiskSource::Volume { pool: "images".into(), volume: v.into() };
    let facts = Facts {
        name: "web-1".into(),
        uuid: uuid(),
        memory_kib: 2048 * 1024,
        vcpus: 2,
        disks: vec![image("web-1.qcow2"), image("web-1-data")],
        interfaces: vec![InterfaceSource::Network("front".into())],
    };
    assert_eq!(read(&d.xml).unwrap(), facts);
    assert_eq!(Definition::from_xml(&d.xml).unwrap(), d);

    // Read by another hand.
    let tree = roxmltree::Document::parse(&d.xml).unwrap();
    let at = |path: &str| -> Vec<_> {
        path.split('/').fold(vec![tree.root_element()], |nodes, name| {
            nodes.iter().flat_map(|n| n.children().filter(|c| c.has_tag_name(name)).collect::<Vec<_>>()).collect()
        })
    };
    let attributes = |path: &str, name: &str| at(path).iter().map(|n| n.attribute(name).unwrap().to_owned()).collect::<Vec<_>>();
    assert_eq!(at("memory")[0].text(), Some("2097152"));
    assert_eq!(attributes("memory", "unit"), ["KiB"]);
    assert_eq!(at("currentMemory")[0].text(), Some("2097152"));
    assert_eq!(attributes("devices/disk", "type"), ["volume", "volume"]);
    assert_eq!(attributes("devices/disk/driver", "type"), ["qcow2", "raw"]);
    assert_eq!(attributes("devices/disk/target", "dev"), ["vda", "vdb"]);
    assert_eq!(attributes("devices/disk/target", "bus"), ["virtio", "virtio"]);
    assert_eq!(attributes("devices/interface/mac", "address"), [mac(uuid(), 0)]);
    // And the template is still all there.
    assert_eq!(at("devices/rng/backend")[0].text(), Some("/dev/urandom"));
    assert_eq!(at("os/type")[0].attribute("machine"), Some("q35"));
}

#[test]
fn a_template_without_devices_gets_some() {
    for template in ["<domain type='kvm'/>", "<domain type='kvm'></domain>", "<domain type='kvm'><devices/></domain>"] {
        let facts = read(&made(template).unwrap().xml).unwrap();
        assert_eq!((facts.disks.len(), facts.interfaces.len()), (2, 1), "{template}");
    }
}

#[test]
fn the_same_guest_has_the_same_addresses_everywhere_and_each_card_its_own() {
    // The first three bytes of SHA-256 of the UUID's bytes and the card's number in eight bytes (by `sha256sum`).
    assert_eq!(mac(uuid(), 0), "52:54:00:cb:d2:9e");
    assert_eq!(mac(uuid(), 1), "52:54:00:02:16:c7");
    assert_eq!(made(TEMPLATE).unwrap(), made(TEMPLATE).unwrap());
}

#[test]
fn a_pool_or_network_that_the_host_does_not_allow_is_an_error() {
    let (entry, host) = example();
    let without = |change: fn(&mut HostEntry)| {
        let mut host = host.clone();
        change(&mut host);
        from_template(TEMPLATE, &entry, "web-1", &host).unwrap_err().to_string()
    };
    assert_eq!(
        without(|h| h.storage_pools = vec!["scratch".into()]),
        "guest web-1 needs storage pool `images`, which host h1 does not allow; it allows scratch"
    );
    assert_eq!(without(|h| h.networks.clear()), "guest web-1 needs network `front`, which host h1 does not allow; it allows none");
}

#[test]
fn a_guest_of_which_the_inventory_says_too_little_is_not_made() {
    let (entry, host) = example();
    let said = |entry: &GuestEntry, name: &str| from_template(TEMPLATE, entry, name, &host).unwrap_err().to_string();
    assert!(said(&GuestEntry { made_from: None, ..entry.clone() }, "web-1").contains("no `template`"));
    assert!(said(&GuestEntry { uuid: None, ..entry.clone() }, "web-1").contains("no `uuid`"));
    for name in ["", "a/b", "<name/>", "a\0", "-a"] {
        assert!(said(&entry, name).contains("its name is none"), "{name:?}");
    }
    let volumes: Vec<String> = (0..27).map(|i| format!("v{i}")).collect();
    let volumes: Vec<(&str, &str)> = volumes.iter().map(|v| ("images", v.as_str())).collect();
    let (many, host) = guest(&volumes, &[]);
    assert!(from_template(TEMPLATE, &many, "g", &host).unwrap_err().to_string().contains("more than 26 volumes"));
    let (most, host) = guest(&volumes[..26], &[]);
    assert!(from_template(TEMPLATE, &most, "g", &host).unwrap().xml.contains("\"vdz\""));
}

#[test]
fn what_a_template_must_not_have_is_refused_where_it_stands() {
    // `¦` marks where the error must point.
    let inside = |text: &str| format!("<domain type='kvm'>\n{text}\n</domain>");
    let devices = |text: &str| inside(&format!("<devices>{text}</devices>"));
    let qemu = "http://libvirt.org/schemas/domain/qemu/1.0";
    let rows: Vec<(String, &str)> = vec![
        // What is the inventory's to say.
        (inside("¦<name>x</name>"), "`<name>` stands in the template"),
        (inside("¦<uuid/>"), "`<uuid>` stands in the template"),
        (inside("<os/>¦<memory unit='GiB'>1</memory>"), "`<memory>` stands in the template"),
        (inside("¦<currentMemory>1</currentMemory>"), "`<currentMemory>` stands in the template"),
        (inside("¦<vcpu>1</vcpu>"), "`<vcpu>` stands in the template"),
        (devices("<interface type='network'>¦<mac address='52:54:00:00:00:01'/></interface>"), "`<mac>` stands in the template"),
        (devices("<disk type='file'><source file='/a'/><target dev='sda'/>¦</disk>"), "every guest made from it would write there"),
        (devices("<disk>¦<target dev='vdb'/></disk>"), "`vdb`, and so is a volume of guest web-1"),
        (format!("{}<devices/></domain>", devices("").replace("</domain>", "¦")), "second `<devices>`"),
        ("¦<domain type='kvm' id='3'/>".into(), "of a guest that runs"),
        ("¦<network/>".into(), "the root element is `<network>`"),
        ("¦<q:domain xmlns:q='u'/>".into(), "`<q:domain>` is an extension"),
        // Past what libvirt checks.
        (
            format!("¦<domain xmlns:qemu='{qemu}'><qemu:commandline><qemu:arg value='-S'/></qemu:commandline></domain>"),
            "`xmlns:qemu` makes this an extension",
        ),
        (inside(&format!("¦<commandline xmlns='{qemu}'><arg value='-S'/></commandline>")), "`xmlns` makes this an extension"),
        (inside(&format!("¦<x:commandline xmlns:x='{qemu}'/>")), "`<x:commandline>` is an extension"),
        ("¦<domain xmlns:x='http&#58;//libvirt.org/schemas/domain/lxc/1.0'/>".into(), "`xmlns:x` makes this an extension"),
        (inside(&format!("<metadata><a:b xmlns:a='urn:a'>¦<q:c xmlns:q='{qemu}'/></a:b></metadata>")), "`xmlns:q` makes this an extension"),
        (inside("¦<os x:y='1'/>"), "`x:y` makes this an extension"),
        // What only looks like XML, and what XML has and a definition never needs.
        ("¦<!DOCTYPE domain [<!ENTITY e SYSTEM 'file:///etc/shadow'>]><domain>&e;</domain>".into(), "a document type"),
        (inside("¦&e;"), "`&e;` is neither a character nor one of XML's own entities"),
        (inside("¦&#0;"), "`&#0;` is neither"),
        (inside("¦&#x1b;"), "`&#x1b;` is neither"),
        (inside("¦<os a='&e;'/>"), "attribute `a`"),
        (inside("¦<os a='&#1;'/>"), "attribute `a`: the character \\u{1}"),
        (inside("¦<os a='<'/>"), "`<` stands in attribute `a`"),
        (inside("¦<os a='1' a='2'/>"), "in `<os>`"),
        (inside("¦<os a=1/>"), "in `<os>`"),
        (inside("¦<os a/>"), "in `<os>`"),
        (inside("¦<os a='1'b='2'/>"), "without a space between them"),
        (inside("¦<?php echo?>"), "a processing instruction"),
        ("<domain/>¦<?php echo?>".into(), "a processing instruction"),
        ("\n¦<?xml version='1.0'?><domain/>".into(), "at the beginning or nowhere"),
        ("¦<?xml version='1.1'?><domain/>".into(), "something else than XML 1.0 in UTF-8"),
        ("¦<?xml version='1.0' encoding='UTF-16'?><domain/>".into(), "something else than XML 1.0 in UTF-8"),
        (inside("a\n¦\u{1}"), "the character \\u{1}"),
        (inside("¦\0"), "the character \\u{0}"),
        (inside("¦\u{ffff}"), "the character \\u{ffff}"),
        (inside("<os>¦]]></os>"), "`]]>` stands in text"),
        (inside("¦<1/>"), "`1` is no name"),
        (inside("¦<a:b:c/>"), "`a:b:c` is no name"),
        (inside("¦<os 1='2'/>"), "`1` is no name of an attribute"),
        ("<domain><os>¦</domain>".into(), "not XML"),
        ("<domain><os/>¦".into(), "before `<domain>` is closed"),
        ("<domain/>¦<domain/>".into(), "a second root element"),
        ("<domain/>¦text".into(), "text outside the root element"),
        ("¦text<domain/>".into(), "text outside the root element"),
        ("<domain/>¦&amp;".into(), "text outside the root element"),
        ("<domain/>¦<![CDATA[x]]>".into(), "text outside the root element"),
        ("¦".into(), "no element"),
        ("<!-- nothing -->¦".into(), "no element"),
        ("¦<domain".into(), "not XML"),
        (inside("¦<!-- never closed"), "not XML"),
    ];
    for (marked, words) in rows {
        assert_eq!(marked.matches('¦').count(), 1, "{marked}");
        let before = &marked[..marked.find('¦').unwrap()];
        let place = (before.matches('\n').count() + 1, before.chars().rev().take_while(|c| *c != '\n').count() + 1);
        let text = marked.replace('¦', "");
        match made(&text) {
            Err(NotADefinition::Xml { line, column, why }) => {
                assert!(why.contains(words), "`{words}` must be said of {text:?}: {why}");
                assert_eq!((line, column), place, "{text:?}: {why}");
            }
            other => panic!("{text:?}: {other:?}"),
        }
    }
}

#[test]
fn disks_that_nobody_writes_to_and_metadata_may_stand_in_a_template() {
    let template = "<?xml version='1.0' encoding='UTF-8'?>\n<domain type='kvm' xmlns:app='urn:app'><metadata><app:a app:b='1'><c xmlns='urn:c'/></app:a></metadata>\
        <devices><disk device='cdrom' type='file'><source file='/iso'/><target dev='sda'/></disk><disk device='cdrom'><target dev='sdb'/></disk>\
        <disk type='file'><source file='/ro'/><target dev='vdc'/><readonly/></disk><!-- none --></devices><description>a &lt; b <![CDATA[< c]]> &#228;</description></domain>\n";
    let d = made(template).unwrap();
    let facts = read(&d.xml).unwrap();
    assert_eq!(facts.disks[..2], [DiskSource::File("/iso".into()), DiskSource::File("/ro".into())]);
    assert_eq!(facts.disks.len(), 4);
    let tree = roxmltree::Document::parse(&d.xml).unwrap();
    let description = tree.descendants().find(|n| n.has_tag_name("description")).unwrap();
    assert_eq!(description.children().filter_map(|n| n.text()).collect::<String>(), "a < b < c ä");
    assert!(tree.descendants().any(|n| n.has_tag_name(("urn:c", "c"))));
}

#[test]
fn a_template_too_long_too_deep_or_of_too_many_pieces_is_refused() {
    let deep = |n: usize| format!("<domain>{}{}</domain>", "<a>".repeat(n - 1), "</a>".repeat(n - 1));
    made(&deep(64)).unwrap();
    let said = |text: &str| made(text).unwrap_err().to_string();
    assert!(said(&deep(65)).contains("more than 64 deep"));
    assert!(said(&deep(100_000)).contains("more than 64 deep"));
    // An element is two nodes: it opens and it closes. With the root's two and the end there are 19,999, and with one more 20,001.
    let wide = |n: usize| format!("<domain>{}</domain>", "<a/>".repeat(n));
    made(&wide(9_998)).unwrap();
    assert!(said(&wide(9_999)).contains("more than 20000 elements"));
    let attributes: String = (0..20_000).map(|i| format!(" a{i}=''")).collect();
    assert!(said(&format!("<domain><a{attributes}/></domain>")).contains("attributes"));
    let long = |n: usize| format!("<domain>{}</domain>", "x".repeat(n - 17));
    made(&long(1 << 20)).unwrap();
    assert!(said(&long((1 << 20) + 1)).contains("1048577 bytes; at most 1048576"));
}

/// A domain with what is put at its top.
fn domain(inside: &str) -> String {
    format!("<domain type='kvm'>{inside}</domain>")
}

/// A domain with this `<memory>`.
fn with_memory(memory: &str) -> String {
    domain(&format!("<name>g</name><uuid>{UUID}</uuid>{memory}"))
}

#[test]
fn every_unit_of_memory_that_libvirt_has_is_understood() {
    // libvirt's documentation of <memory>: KB 10^3, K and KiB 2^10, MB 10^6 ... bytes; rounded up to whole KiB; KiB where there is none.
    for (text, kib) in [
        ("<memory>2048</memory>", 2048),
        ("<memory unit='KiB'>2048</memory>", 2048),
        ("<memory unit='k'>1</memory>", 1),
        ("<memory unit='K'>1</memory>", 1),
        ("<memory unit='b'>1</memory>", 1),
        ("<memory unit='bytes'>1025</memory>", 2),
        ("<memory unit='KB'>1</memory>", 1),
        ("<memory unit='KB'>1024</memory>", 1000),
        ("<memory unit='M'>1</memory>", 1024),
        ("<memory unit='MiB'>64</memory>", 65_536),
        ("<memory unit='MB'>1</memory>", 977),
        ("<memory unit='G'>1</memory>", 1 << 20),
        ("<memory unit='GiB'>1</memory>", 1 << 20),
        ("<memory unit='GB'>1</memory>", 976_563),
        ("<memory unit='T'>1</memory>", 1 << 30),
        ("<memory unit='TiB'>1</memory>", 1 << 30),
        ("<memory unit='TB'>1</memory>", 976_562_500),
        ("<memory dumpCore='off' unit='mib'>\n 1 </memory>", 1024),
        ("<memory unit='EiB'>1</memory>", 1 << 50),
    ] {
        assert_eq!(read(&with_memory(text)).unwrap().memory_kib, kib, "{text}");
    }
    for (text, why) in [
        ("<memory unit='XB'>1</memory>", "\"XB\" is no unit"),
        ("<memory unit=''>1</memory>", "\"\" is no unit"),
        ("<memory unit='KiBi'>1</memory>", "is no unit"),
        ("<memory>-1</memory>", "\"-1\" is no amount"),
        ("<memory>1.5</memory>", "is no amount"),
        ("<memory/>", "\"\" is no amount"),
        ("<memory>0</memory>", "without memory"),
        ("<memory unit='EiB'>18446744073709551615</memory>", "more memory than there is"),
        ("<memory>1<a/></memory>", "an element stands where text should be"),
    ] {
        let said = read(&with_memory(text)).unwrap_err().to_string();
        assert!(said.contains(why), "{text}: {said}");
    }
}

#[test]
fn what_a_definition_must_say_is_asked_for() {
    let (name, id, memory) = ("<name>g</name>", format!("<uuid>{UUID}</uuid>"), "<memory>1</memory>");
    let said = |inside: &str| read(&domain(inside)).unwrap_err().to_string();
    assert!(said(&format!("{id}{memory}")).contains("no `<name>`"));
    assert!(said(&format!("{name}{memory}")).contains("no `<uuid>`"));
    assert!(said(&format!("{name}{id}")).contains("no `<memory>`"));
    for twice in [name, &id, memory, "<vcpu>1</vcpu>"] {
        assert!(said(&format!("{name}{id}{memory}<vcpu>1</vcpu>{twice}")).contains("twice"), "{twice}");
    }
    assert!(said(&format!("<name/>{id}{memory}")).contains("no name of a guest"));
    assert!(said(&format!("{name}<uuid>3b8f</uuid>{memory}")).contains("no UUID"));
    let vcpu = |v: &str| read(&domain(&format!("{name}{id}{memory}{v}"))).map(|f| f.vcpus).map_err(|e| e.to_string());
    assert_eq!(vcpu(""), Ok(1));
    assert_eq!(vcpu("<vcpu placement='static'> 4 </vcpu>"), Ok(4));
    assert_eq!(vcpu("<vcpu current='2'>4</vcpu>"), Ok(2));
    assert!(vcpu("<vcpu>0</vcpu>").unwrap_err().contains("no number of virtual CPUs"));
    assert!(vcpu("<vcpu current='5'>4</vcpu>").unwrap_err().contains("from 1 to 4"));
    assert!(read("<network/>").unwrap_err().to_string().contains("must be `<domain>`"));
}

#[test]
fn disks_and_cards_are_read_where_they_stand_and_nowhere_else() {
    let inside = format!(
        "<name>a&amp;b<![CDATA[<]]>&#99;</name><uuid>{UUID}</uuid><memory>1</memory>\
         <metadata><x:devices xmlns:x='u'><disk type='file'><source file='/no'/></disk></x:devices></metadata><devices>\
         <disk type='volume'><source pool='p' volume='v'/><backingStore type='file'><source file='/no'/></backingStore></disk>\
         <disk type='file'><source file='/f &quot;1&quot;'/></disk><disk type='block'><source dev='/dev/x'/></disk>\
         <disk type='network'><source protocol='rbd' name='pool/image'><host name='h'/></source></disk>\
         <disk type='network'><source protocol='nbd'/></disk><disk type='nvme'><source/></disk><disk type='file' device='cdrom'/>\
         <interface type='network'><source network='n' portid='3'/></interface><interface type='bridge'><source bridge='br0'/></interface>\
         <interface type='direct'><source dev='eth0'/></interface><interface type='user'/></devices>"
    );
    let facts = read(&domain(&inside)).unwrap();
    assert_eq!(facts.name, "a&b<c");
    assert_eq!(
        facts.disks,
        [
            DiskSource::Volume { pool: "p".into(), volume: "v".into() },
            DiskSource::File("/f \"1\"".into()),
            DiskSource::Block("/dev/x".into()),
            DiskSource::Network { protocol: "rbd".into(), name: "pool/image".into() },
            DiskSource::Network { protocol: "nbd".into(), name: String::new() },
            DiskSource::Other("nvme".into()),
        ]
    );
    assert_eq!(
        facts.interfaces,
        [InterfaceSource::Network("n".into()), InterfaceSource::Bridge("br0".into()), InterfaceSource::Other("direct".into())]
    );
}

/// Names as an inventory takes them.
fn name() -> impl Strategy<Value = String> {
    "[A-Za-z0-9][A-Za-z0-9._-]{0,62}"
}

/// Texts that want to be something else in XML.
fn hostile() -> impl Strategy<Value = String> {
    let bits = prop::sample::select(vec![
        "<",
        ">",
        "&",
        "\"",
        "'",
        "]]>",
        "<![CDATA[",
        "<!--",
        "-->",
        "&amp;",
        "&#0;",
        "&#60;",
        "&e;",
        "'/><disk type='file'>",
        "</domain>",
        "<?x?>",
        "=",
        " ",
        "\t",
        "\n",
        "\r",
        "\0",
        "\u{1b}",
        "\u{85}",
        "\u{2028}",
        "\u{feff}",
        "\u{fffe}",
        "\u{ffff}",
        "ä",
        "\u{10ffff}",
        "/",
        "..",
        ".",
        "-",
        "a",
        "qcow2",
    ]);
    prop_oneof![prop::collection::vec(bits, 0..8).prop_map(|b| b.concat()), any::<String>()]
}

fn name_or_hostile() -> impl Strategy<Value = String> {
    prop_oneof![4 => name(), 1 => hostile()]
}

/// How many elements of each name there are, by another hand's count.
fn elements(xml: &str) -> BTreeMap<String, usize> {
    let tree = roxmltree::Document::parse(xml).unwrap();
    let mut count = BTreeMap::new();
    for node in tree.descendants().filter(roxmltree::Node::is_element) {
        *count.entry(node.tag_name().name().to_owned()).or_default() += 1;
    }
    count
}

/// A guest is made as it should be, or refused where a string is none that passes the checks.
fn assert_made(name: &str, volumes: &[(&str, &str)], networks: &[&str]) -> Result<Definition, NotADefinition> {
    let (entry, host) = guest(volumes, networks);
    let d = from_template(TEMPLATE, &entry, name, &host)?;
    let facts = read(&d.xml).unwrap();
    assert_eq!((facts.name.as_str(), facts.uuid), (name, uuid()));
    let disks: Vec<DiskSource> =
        volumes.iter().map(|(p, v)| DiskSource::Volume { pool: (*p).to_owned(), volume: (*v).to_owned() }).collect();
    assert_eq!(facts.disks, disks);
    let cards: Vec<InterfaceSource> = networks.iter().map(|n| InterfaceSource::Network((*n).to_owned())).collect();
    assert_eq!(facts.interfaces, cards);

    // No element but the template's and those that are to be put in; and the strings by another hand.
    let mut wanted = elements(TEMPLATE);
    let one_each = ["name", "uuid", "memory", "currentMemory", "vcpu"].map(|n| (n, 1));
    let (v, n) = (volumes.len(), networks.len());
    let more = [("disk", v), ("driver", v), ("source", v + n), ("target", v), ("interface", n), ("mac", n), ("model", n)];
    for (element, count) in one_each.into_iter().chain(more).filter(|(_, count)| *count > 0) {
        *wanted.entry(element.to_owned()).or_default() += count;
    }
    assert_eq!(elements(&d.xml), wanted);
    let tree = roxmltree::Document::parse(&d.xml).unwrap();
    let read_volumes: Vec<&str> = tree.descendants().filter_map(|n| n.attribute("volume")).collect();
    assert_eq!(read_volumes, volumes.iter().map(|(_, v)| *v).collect::<Vec<_>>());
    Ok(d)
}

proptest! {
    #[test]
    fn names_and_volumes_that_pass_the_checks_come_back_unchanged_and_make_no_element(
        name in name(),
        pools in prop::collection::vec((name(), "[^\\x00-\\x1f\\x7f-\\u{9f}/.\\-\\ufffe\\uffff ][^\\x00-\\x1f\\x7f-\\u{9f}/.\\ufffe\\uffff]{0,40}"), 0..5),
        networks in prop::collection::vec(self::name(), 0..5),
    ) {
        let volumes: Vec<(&str, &str)> = pools.iter().map(|(p, v)| (p.as_str(), v.as_str())).collect();
        let networks: Vec<&str> = networks.iter().map(String::as_str).collect();
        prop_assert!(assert_made(&name, &volumes, &networks).is_ok());
    }

    #[test]
    fn hostile_strings_come_back_unchanged_or_are_refused(name in name_or_hostile(), volume in hostile(), pool in name_or_hostile(), network in name_or_hostile()) {
        let result = assert_made(&name, &[(&pool, &volume)], &[&network]);
        for text in [&name, &volume, &pool, &network] {
            prop_assert!(result.is_err() || !text.contains(['\0', '\u{1b}', '\u{ffff}']), "{text:?}");
        }
        prop_assert!(result.is_err() || !volume.contains('/') && !volume.contains("..") && !volume.starts_with(['-', '.']));
    }

    #[test]
    fn any_text_is_either_a_definition_or_an_error(text in hostile(), at in any::<prop::sample::Index>(), cut in 0_usize..30) {
        let changed = |whole: &str| {
            let (from, to) = (at.index(whole.len()), (at.index(whole.len()) + cut).min(whole.len()));
            format!("{}{text}{}", &whole[..from], &whole[to..])
        };
        for changed in [text.clone(), changed(&made(TEMPLATE).unwrap().xml)] {
            if let Ok(facts) = read(&changed) {
                // Whatever we take, others take, and see the same name in.
                match roxmltree::Document::parse(&changed) {
                    Ok(tree) => {
                        let name = tree.root_element().children().find(|n| n.has_tag_name("name")).unwrap();
                        prop_assert_eq!(name.children().filter_map(|n| n.text()).collect::<String>(), facts.name);
                    }
                    // Prefixes that nobody declared are part of the name to libvirt, and to us.
                    Err(e) => prop_assert!(matches!(e, roxmltree::Error::UnknownNamespace(..)), "{e} in {changed}"),
                }
            }
        }
        if let Ok(d) = made(&changed(TEMPLATE)) {
            prop_assert_eq!(read(&d.xml).unwrap().uuid, uuid());
            prop_assert!(roxmltree::Document::parse(&d.xml).is_ok());
        }
    }
}

/// Whether a program is there.
fn is_there(program: &str) -> bool {
    std::env::var_os("PATH").is_some_and(|path| std::env::split_paths(&path).any(|folder| folder.join(program).is_file()))
}

/// A folder for a test, ours alone whatever the umask.
fn folder() -> tempfile::TempDir {
    tempfile::Builder::new().permissions(fs::Permissions::from_mode(0o700)).tempdir().unwrap()
}

/// What libvirt's own mock makes of a definition: it is defined there, held against the schema, and read back.
#[test]
fn libvirt_takes_a_guest_made_from_a_template_and_says_the_same_of_it() {
    if !is_there("virsh") {
        assert!(std::env::var_os("CI").is_none(), "virsh is not installed, and CI asks for it");
        println!("skipped: virsh is not installed");
        return;
    }
    let folder = folder();
    let volumes = [("images", "a <b> & 'c' \"d\" ä.qcow2"), ("images", "data")];
    let (entry, host) = guest(&volumes, &["front", "back"]);
    let d = from_template(&TEMPLATE.replace("type='kvm'", "type='test'"), &entry, "web-1", &host).unwrap();
    fs::write(folder.path().join("web-1.xml"), &d.xml).unwrap();
    let out = Command::new("timeout")
        .args(["--kill-after=5", "60", "virsh", "-q", "-c", "test:///default", "define --validate web-1.xml; dumpxml --inactive web-1"])
        .current_dir(folder.path())
        .env("LC_ALL", "C")
        .output()
        .unwrap();
    let (said, complaint) = (String::from_utf8(out.stdout).unwrap(), String::from_utf8_lossy(&out.stderr).into_owned());
    assert!(out.status.success() && complaint.is_empty(), "{complaint}\n{}", d.xml);
    let dumped = &said[said.find("<domain").unwrap()..];
    assert_eq!(read(dumped).unwrap(), read(&d.xml).unwrap());
    let tree = roxmltree::Document::parse(dumped).unwrap();
    let macs: Vec<&str> = tree.descendants().filter(|n| n.has_tag_name("mac")).filter_map(|n| n.attribute("address")).collect();
    assert_eq!(macs, [mac(uuid(), 0), mac(uuid(), 1)]);
}

fn definition(name: &str, memory_mib: u64) -> Definition {
    let (mut entry, host) = example();
    entry.made_from.as_mut().unwrap().memory_mib = memory_mib;
    from_template(TEMPLATE, &entry, name, &host).unwrap()
}

fn bits(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o7777
}

#[test]
fn a_definition_that_is_kept_is_found_again_and_a_newer_one_takes_its_place() {
    let folder = folder();
    let state = folder.path().join("state");
    let store = Definitions::of(&state);
    assert_eq!(store.kept(uuid()).unwrap(), None);
    assert!(!state.exists(), "looking makes nothing");
    for memory_mib in [64, 128] {
        let d = definition("web-1", memory_mib);
        store.keep(&d).unwrap();
        assert_eq!(Definitions::of(&state).kept(uuid()).unwrap(), Some(d));
    }
    let file = store.file(uuid());
    assert_eq!(file, state.join("definitions").join(format!("{UUID}.xml")));
    assert_eq!((bits(&file), bits(file.parent().unwrap()), bits(&state)), (0o600, 0o700, 0o700));
    assert_eq!(fs::read_dir(file.parent().unwrap()).unwrap().count(), 1, "nothing is left beside it");
}

#[test]
fn a_kept_definition_that_others_can_write_to_is_not_read() {
    let folder = folder();
    let store = Definitions::of(folder.path());
    store.keep(&definition("web-1", 64)).unwrap();
    let file = store.file(uuid());
    let said = |path: &Path, mode: u32| {
        let before = bits(path);
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
        let (kept, keep) = (store.kept(uuid()), store.keep(&definition("web-1", 128)));
        fs::set_permissions(path, fs::Permissions::from_mode(before)).unwrap();
        (kept.unwrap_err().to_string(), keep)
    };
    let (kept, keep) = said(file.parent().unwrap(), 0o770);
    assert!(kept.contains("can write to this folder (mode 0770)") && kept.contains("`chmod go-w "), "{kept}");
    assert!(matches!(keep, Err(NotKept::Untrusted(_))));
    assert_eq!(store.kept(uuid()).unwrap(), Some(definition("web-1", 64)), "and nothing was changed");
    let (kept, keep) = said(&file, 0o602);
    assert!(kept.contains("can write to this file (mode 0602)"), "{kept}");
    // A new file takes the place of one that is not trusted.
    keep.unwrap();
}

#[test]
fn a_definition_of_another_guest_is_neither_kept_nor_taken() {
    let folder = folder();
    let store = Definitions::of(folder.path());
    let d = definition("web-1", 64);
    let other: Uuid = "3b8f5c0e-5a55-4c1c-9d44-0c1f6d8a7b02".parse().unwrap();
    for wrong in [Definition { uuid: other, ..d.clone() }, Definition { name: "web-2".into(), ..d.clone() }] {
        let said = store.keep(&wrong).unwrap_err().to_string();
        assert!(said.contains("it should be of guest") && said.contains("web-1 (3b8f5c0e"), "{said}");
    }
    let said = store.keep(&Definition { xml: "<domain/>".into(), ..d.clone() }).unwrap_err().to_string();
    assert!(said.contains("no `<name>`"), "{said}");
    assert_eq!(store.kept(d.uuid).unwrap(), None);

    store.keep(&d).unwrap();
    fs::rename(store.file(d.uuid), store.file(other)).unwrap();
    let error = store.kept(other).unwrap_err();
    assert!(matches!(&error, NotKept::OtherGuest { should, is, .. } if *should == other.to_string() && is == UUID), "{error}");
}

#[test]
fn a_kept_file_that_is_no_definition_is_an_error_and_not_nothing() {
    let folder = folder();
    let store = Definitions::of(folder.path());
    let d = definition("web-1", 64);
    store.keep(&d).unwrap();
    let file = store.file(d.uuid);
    for (bytes, why) in [(&b""[..], "no element"), (&d.xml.as_bytes()[..50], "closed"), (b"<domain>\xff</domain>", "invalid utf-8")] {
        fs::write(&file, bytes).unwrap();
        let said = store.kept(d.uuid).unwrap_err().to_string();
        assert!(said.contains(why) && said.contains(UUID), "{said}");
    }
    fs::remove_file(&file).unwrap();
    fs::create_dir(&file).unwrap();
    fs::set_permissions(&file, fs::Permissions::from_mode(0o700)).unwrap();
    assert!(store.kept(d.uuid).unwrap_err().to_string().contains("not a file"));
}
