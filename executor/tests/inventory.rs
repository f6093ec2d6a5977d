//! The inventory: what is understood, what is refused and how it is said, and who may write to it.

use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use executor::host::{Address, HowToMigrate};
use executor::inventory::{Inventory, MOST_BYTES, NotAnInventory, Untrusted, Volume};
use executor::names::{NotOurName, check_plan_names, is_name};
use models::plan::Plan;
use proptest::prelude::*;
use tempfile::TempDir;

const EXAMPLE: &str = include_str!("data/inventory/inventory.toml");
const TEMPLATE: &str = include_str!("data/inventory/templates/small.xml");

fn understood(text: &str) -> Result<Inventory, NotAnInventory> {
    Inventory::from_text(text, Path::new("/etc/shuyaku/inventory.toml"))
}

#[test]
fn the_example_is_understood() {
    let i = understood(EXAMPLE).unwrap();
    assert_eq!(i.site, "three-hosts");
    assert_eq!(i.state, Path::new("/var/lib/shuyaku/three-hosts"));
    assert_eq!(i.base, None);
    assert_eq!(i.digest, models::digest::of_bytes(EXAMPLE.as_bytes()));
    assert_eq!(
        i.migration.how,
        HowToMigrate { peer_to_peer: true, bandwidth_mib_per_s: Some(800), max_downtime_ms: Some(300), post_copy: true }
    );
    assert_eq!((i.migration.timeout_s, i.migration.post_copy_timeout_s), (900, 300));
    // Two limits are given, the rest are the defaults.
    let l = i.limits;
    assert_eq!((l.call_s, l.start_s, l.shut_down_s, l.boot_s, l.power_off_s, l.settle_s), (20, 60, 180, 600, 300, 60));

    assert_eq!(i.hosts.keys().collect::<Vec<_>>(), ["h1", "h2", "h3"]);
    let (h1, h2, h3) = (&i.hosts["h1"], &i.hosts["h2"], &i.hosts["h3"]);
    assert_eq!(
        h1.address,
        Address { name: "h1".into(), uri: "qemu+tls://h1.example/system".into(), peer_uri: "qemu+tls://h1.internal/system".into() }
    );
    assert_eq!((&h1.class[..], &h1.domains[..], &h1.pools[..]), ("blade", &["rack-1".to_owned()][..], &["servers".to_owned()][..]));
    assert_eq!(h1.storage_pools, ["images", "scratch"]);
    assert_eq!(h1.networks, ["front", "back"]);
    assert_eq!(h1.guest_memory_mib, 65536);
    let power = h1.power.as_ref().unwrap();
    assert_eq!(power.off.as_ref().unwrap(), &["/usr/bin/ipmitool", "-H", "h1-bmc.example", "chassis", "power", "soft"]);
    assert_eq!(h2.address.peer_uri, h2.address.uri);
    assert_eq!(h2.power.as_ref().unwrap().wake_on_lan.as_deref(), Some("52:54:00:ab:cd:ef"));
    assert!(h3.power.is_none() && h3.storage_pools.is_empty() && h3.networks.is_empty());

    let web = i.guests["web-1"].made_from.as_ref().unwrap();
    assert_eq!(web.template, Path::new("/etc/shuyaku/templates/small.xml"));
    assert_eq!((web.memory_mib, web.vcpus), (2048, 2));
    let volume = |v: &str| Volume { pool: "images".into(), volume: v.into() };
    assert_eq!(web.volumes, [volume("web-1.qcow2"), volume("web-1-data")]);
    assert!(!i.guests["web-1"].destroy_after_shutdown);
    let db = &i.guests["db"];
    assert!(db.made_from.is_none() && db.destroy_after_shutdown);
    assert_eq!(db.uuid.unwrap().to_string(), "3b8f5c0e-5a55-4c1c-9d44-0c1f6d8a7b02");
}

#[test]
fn what_is_not_given_has_the_defaults_that_the_documentation_states() {
    let i = understood("site='s'\nstate='state'\n[[host]]\nname='h1'\nuri='test:///default'\nclass='c'\nguest_memory_mib=1\n").unwrap();
    assert_eq!(i.migration.how, HowToMigrate { peer_to_peer: true, bandwidth_mib_per_s: None, max_downtime_ms: None, post_copy: false });
    assert_eq!((i.migration.timeout_s, i.migration.post_copy_timeout_s), (600, 600));
    let l = i.limits;
    assert_eq!((l.call_s, l.start_s, l.shut_down_s, l.boot_s, l.power_off_s, l.settle_s), (15, 60, 180, 900, 300, 60));
    assert_eq!(i.state, Path::new("/etc/shuyaku/state"));
}

/// The example with a part replaced, and the line and column of the bar `¦` that stands in what is put in: where the error must point.
fn changed(old: &str, new: &str) -> (String, usize, usize) {
    assert_eq!(EXAMPLE.matches(old).count(), 1, "`{old}` must be in the example once");
    assert_eq!(new.matches('¦').count(), 1, "`{new}` must have one mark");
    let at = EXAMPLE.find(old).unwrap() + new.find('¦').unwrap();
    let text = EXAMPLE.replace(old, &new.replace('¦', ""));
    let before = &text[..at];
    let column = before.chars().rev().take_while(|c| *c != '\n').count() + 1;
    (text.clone(), before.matches('\n').count() + 1, column)
}

/// Each row: what of the example is replaced, by what, the key that must be blamed, and what must be said of it.
const REFUSED: &[(&str, &str, &str, &[&str])] = &[
    // The text.
    ("site = \"three-hosts\"", "site = \"three-hosts¦", "", &["this is not TOML"]),
    ("site = \"three-hosts\"", "site = \"three-hosts\"\n¦site = \"twice\"", "", &["duplicate key"]),
    // Keys that are unknown, missing, or of another kind.
    ("site = ", "¦sight = ", "sight", &["no such key", "`site`", "`state`"]),
    ("timeout_s = 900", "¦time_out_s = 900", "migration.time_out_s", &["no such key", "`timeout_s`"]),
    ("call_s = 20", "¦call = 20", "limits.call", &["no such key", "`call_s`"]),
    ("class = \"old\"", "¦klass = \"old\"", "host.h3.klass", &["no such key", "`class`"]),
    ("wake_on_lan =", "¦wol =", "host.h2.power.wol", &["no such key", "`wake_on_lan`"]),
    ("file = ", "¦path = ", "template.small.path", &["no such key", "`file`"]),
    ("vcpus = 2", "vcpus = 2\n¦cpus = 2", "guest.web-1.cpus", &["no such key", "`vcpus`"]),
    ("volume = \"web-1.qcow2\" }", "volume = \"web-1.qcow2\", ¦path = \"/\" }", "guest.web-1.volumes[0].path", &["no such key", "`pool`"]),
    (
        "# An inventory of three hosts: what each key means stands in the documentation of the module `inventory`.\nsite = \"three-hosts\"",
        "¦",
        "site",
        &["it is missing", "write `site = \"NAME\"`"],
    ),
    ("[[template]]\nname = \"small\"", "¦[[template]]", "template[0].name", &["it is missing"]),
    (
        "[[template]]\nname = \"small\"\nfile = \"templates/small.xml\"",
        "¦[[template]]\nname = \"small\"",
        "template.small.file",
        &["it is missing"],
    ),
    ("{ pool = \"images\", volume = \"web-1.qcow2\" }", "¦{ pool = \"images\" }", "guest.web-1.volumes[0].volume", &["it is missing"]),
    ("{ pool = \"images\", volume = \"web-1.qcow2\" }", "¦{ volume = \"web-1.qcow2\" }", "guest.web-1.volumes[0].pool", &["it is missing"]),
    ("[migration]\n", "¦[[migration]]\n", "migration", &["is a list", "must be a table"]),
    ("site = \"three-hosts\"", "site = ¦3", "site", &["`3` is a whole number", "a text in quotes"]),
    ("site = \"three-hosts\"", "site = ¦\"\"", "site", &["is empty"]),
    ("domains = [\"rack-1\"]", "domains = ¦\"rack-1\"", "host.h1.domains", &["`\"rack-1\"` is a text", "a list"]),
    ("domains = [\"rack-1\"]", "domains = [\"rack-1\", ¦\"rack-1\"]", "host.h1.domains[1]", &["twice"]),
    (
        "destroy_after_shutdown = true",
        "destroy_after_shutdown = ¦\"yes\"",
        "guest.db.destroy_after_shutdown",
        &["`\"yes\"` is a text", "`true` or `false`"],
    ),
    ("mode = \"peer-to-peer\"", "mode = ¦\"p2p\"", "migration.mode", &["`\"p2p\"`", "\"peer-to-peer\"", "\"managed\""]),
    ("on_timeout = \"post-copy\"", "on_timeout = ¦\"postcopy\"", "migration.on_timeout", &["`\"postcopy\"`", "\"abort\"", "\"post-copy\""]),
    // Names.
    ("site = \"three-hosts\"", "site = ¦\"three hosts\"", "site", &["`\"three hosts\"` is no name", "1 to 63"]),
    ("name = \"h3\"", "name = ¦\"-h3\"", "host[2].name", &["`\"-h3\"` is no name"]),
    ("name = \"h3\"", "name = ¦\"../h3\"", "host[2].name", &["`\"../h3\"` is no name"]),
    ("name = \"h3\"", "name = ¦\"h\\u00e4\"", "host[2].name", &["is no name"]),
    ("name = \"h3\"", "name = ¦\"h3\\u0000\"", "host[2].name", &["control character", "\\u{0}"]),
    (
        "name = \"db\"",
        "name = ¦\"a123456789a123456789a123456789a123456789a123456789a123456789a123\"",
        "guest[1].name",
        &["is no name", "1 to 63"],
    ),
    ("class = \"old\"", "class = ¦\"o/l/d\"", "host.h3.class", &["is no name"]),
    (
        "pools = [\"servers\"]\nstorage_pools = [\"images\", \"scratch\"]",
        "pools = [¦\"a b\"]\nstorage_pools = [\"images\", \"scratch\"]",
        "host.h1.pools[0]",
        &["is no name"],
    ),
    ("\"scratch\"]", "¦\"<pool>\"]", "host.h1.storage_pools[1]", &["is no name"]),
    ("\"back\"]", "¦\"b&k\"]", "host.h1.networks[1]", &["is no name"]),
    // Things that stand twice. The line of the first is told.
    ("name = \"h3\"", "name = ¦\"h1\"", "host.h1.name", &["stands twice", "`host.h1.name` in line 18"]),
    (
        "uri = \"qemu+ssh://operator@h2.example:2222/system?no_tty=1\"",
        "uri = ¦\"qemu+tls://H1.example/system\"",
        "host.h2.uri",
        &["stands twice", "`host.h1.uri` in line 19"],
    ),
    (
        "class = \"old\"",
        "peer_uri = ¦\"qemu+tls://h1.internal/system\"\nclass = \"old\"",
        "host.h3.peer_uri",
        &["stands twice", "`host.h1.peer_uri` in line 20"],
    ),
    (
        "file = \"templates/small.xml\"",
        "file = \"templates/small.xml\"\n[[template]]\nname = ¦\"small\"\nfile = \"other.xml\"",
        "template.small.name",
        &["stands twice"],
    ),
    ("name = \"db\"", "name = ¦\"web-1\"", "guest.web-1.name", &["stands twice"]),
    (
        "uuid = \"3b8f5c0e-5a55-4c1c-9d44-0c1f6d8a7b02\"",
        "uuid = ¦\"3B8F5C0E-5A55-4C1C-9D44-0C1F6D8A7B01\"",
        "guest.db.uuid",
        &["stands twice", "`guest.web-1.uuid`"],
    ),
    (
        "volume = \"web-1-data\"",
        "volume = ¦\"web-1.qcow2\"",
        "guest.web-1.volumes[1].volume",
        &["stands twice", "`guest.web-1.volumes[0].volume`"],
    ),
    // Numbers.
    ("call_s = 20", "call_s = ¦0", "limits.call_s", &["`0` is out of range", "1 to 86400 s"]),
    ("call_s = 20", "call_s = ¦-1", "limits.call_s", &["`-1` is out of range"]),
    ("call_s = 20", "call_s = ¦1.5", "limits.call_s", &["`1.5` is a number with a point", "whole number"]),
    ("boot_s = 600", "boot_s = ¦86401", "limits.boot_s", &["`86401` is out of range"]),
    ("boot_s = 600", "boot_s = ¦99999999999999999999999", "limits.boot_s", &["is out of range"]),
    (
        "bandwidth_mib_per_s = 800",
        "bandwidth_mib_per_s = ¦0",
        "migration.bandwidth_mib_per_s",
        &["`0` is out of range", "1 to 1000000 MiB/s"],
    ),
    ("max_downtime_ms = 300", "max_downtime_ms = ¦60001", "migration.max_downtime_ms", &["1 to 60000 ms"]),
    ("\ntimeout_s = 900", "\ntimeout_s = ¦0", "migration.timeout_s", &["1 to 86400 s"]),
    ("post_copy_timeout_s = 300", "post_copy_timeout_s = ¦0", "migration.post_copy_timeout_s", &["1 to 86400 s"]),
    ("guest_memory_mib = 16384", "guest_memory_mib = ¦0", "host.h3.guest_memory_mib", &["`0` is out of range", "MiB"]),
    ("guest_memory_mib = 16384", "guest_memory_mib = ¦67108865", "host.h3.guest_memory_mib", &["`67108865` is out of range"]),
    ("\nmemory_mib = 2048", "\nmemory_mib = ¦0", "guest.web-1.memory_mib", &["`0` is out of range"]),
    ("\nmemory_mib = 2048", "\nmemory_mib = ¦65537", "guest.web-1.memory_mib", &["more than any host", "65536 MiB"]),
    ("vcpus = 2", "vcpus = ¦0", "guest.web-1.vcpus", &["1 to 4096"]),
    ("vcpus = 2", "vcpus = ¦4097", "guest.web-1.vcpus", &["`4097` is out of range"]),
    // UUIDs and MAC addresses.
    (
        "uuid = \"3b8f5c0e-5a55-4c1c-9d44-0c1f6d8a7b02\"",
        "uuid = ¦\"3b8f5c0e\"",
        "guest.db.uuid",
        &["`\"3b8f5c0e\"` is no UUID", "8-4-4-4-12"],
    ),
    ("uuid = \"3b8f5c0e-5a55-4c1c-9d44-0c1f6d8a7b02\"", "uuid = ¦\"3b8f5c0e5a554c1c9d440c1f6d8a7b02\"", "guest.db.uuid", &["is no UUID"]),
    (
        "uuid = \"3b8f5c0e-5a55-4c1c-9d44-0c1f6d8a7b02\"",
        "uuid = ¦\"00000000-0000-0000-0000-000000000000\"",
        "guest.db.uuid",
        &["not all zeros"],
    ),
    ("\"52-54-00-AB-CD-EF\"", "¦\"52:54:00:ab:cd\"", "host.h2.power.wake_on_lan", &["is no MAC address", "52:54:00:12:34:56"]),
    ("\"52-54-00-AB-CD-EF\"", "¦\"52:54:00:ab:cd:+f\"", "host.h2.power.wake_on_lan", &["is no MAC address"]),
    ("\"52-54-00-AB-CD-EF\"", "¦\"525400abcdef\"", "host.h2.power.wake_on_lan", &["is no MAC address"]),
    ("\"52-54-00-AB-CD-EF\"", "¦\"52:54-00:ab:cd:ef\"", "host.h2.power.wake_on_lan", &["is no MAC address"]),
    ("\"52-54-00-AB-CD-EF\"", "¦\"ff:ff:ff:ff:ff:ff\"", "host.h2.power.wake_on_lan", &["that no card has"]),
    ("\"52-54-00-AB-CD-EF\"", "¦\"00:00:00:00:00:00\"", "host.h2.power.wake_on_lan", &["that no card has"]),
    // Power.
    (ON, "on = ¦[]", "host.h1.power.on", &["has no word", "/usr/bin/COMMAND"]),
    (ON, "on = [¦\"ipmitool\", \"on\"]", "host.h1.power.on[0]", &["`\"ipmitool\"` is no absolute path"]),
    (ON, "on = ¦\"/usr/bin/ipmitool on\"", "host.h1.power.on", &["is a text", "a list"]),
    (ON, "on = [\"/usr/bin/ipmitool\", ¦7]", "host.h1.power.on[1]", &["`7` is a whole number"]),
    (
        "wake_on_lan = \"52-54-00-AB-CD-EF\"",
        "on = [\"/bin/on\"]\nwake_on_lan = ¦\"52-54-00-AB-CD-EF\"",
        "host.h2.power.wake_on_lan",
        &["stands beside `on`"],
    ),
    (
        "[host.power]\nwake_on_lan = \"52-54-00-AB-CD-EF\"\nstatus = [\"/usr/local/sbin/power-status\", \"h2-bmc.example\"]",
        "[host.¦power]\nwake_on_lan = \"52-54-00-AB-CD-EF\"",
        "host.h2.power",
        &["`power` lacks `status`", "does not say that it is off"],
    ),
    // Volumes.
    ("volume = \"web-1-data\"", "volume = ¦\"a/b\"", "guest.web-1.volumes[1].volume", &["`\"a/b\"` is no name of a volume", "without `/`"]),
    ("volume = \"web-1-data\"", "volume = ¦\"a..b\"", "guest.web-1.volumes[1].volume", &["is no name of a volume"]),
    ("volume = \"web-1-data\"", "volume = ¦\"-a\"", "guest.web-1.volumes[1].volume", &["is no name of a volume"]),
    ("volume = \"web-1-data\"", "volume = ¦\".a\"", "guest.web-1.volumes[1].volume", &["is no name of a volume"]),
    ("volume = \"web-1-data\"", "volume = ¦\"a\\nb\"", "guest.web-1.volumes[1].volume", &["control character"]),
    ("volume = \"web-1-data\"", "volume = ¦\"a\\uffff\"", "guest.web-1.volumes[1].volume", &["is no name of a volume"]),
    // What is not there.
    ("template = \"small\"", "template = ¦\"large\"", "guest.web-1.template", &["`\"large\"` is no template", "`small`"]),
    (
        "{ pool = \"images\", volume = \"web-1-data\" }",
        "{ pool = ¦\"image\", volume = \"web-1-data\" }",
        "guest.web-1.volumes[1].pool",
        &["no host allows", "`images`, `scratch`"],
    ),
    (
        "networks = [\"front\"]\n\n[[guest]]",
        "networks = [¦\"frnt\"]\n\n[[guest]]",
        "guest.web-1.networks[0]",
        &["no host allows", "`back`, `front`"],
    ),
    // A guest half made.
    (
        "template = \"small\"\nmemory_mib = 2048",
        "memory_mib = ¦2048",
        "guest.web-1.memory_mib",
        &["is for a guest that is made from a template"],
    ),
    (
        "\nuuid = \"3b8f5c0e-5a55-4c1c-9d44-0c1f6d8a7b02\"",
        "\nvolumes = ¦[]",
        "guest.db.volumes",
        &["is for a guest that is made from a template"],
    ),
    (WEB_1, "¦[[guest]]\nname = \"web-1\"\ntemplate = \"small\"\nmemory_mib = 2048\nvcpus = 2\n", "guest.web-1.uuid", &["it is missing"]),
    (
        WEB_1,
        "¦[[guest]]\nname = \"web-1\"\nuuid = \"3b8f5c0e-5a55-4c1c-9d44-0c1f6d8a7b01\"\ntemplate = \"small\"\nvcpus = 2\n",
        "guest.web-1.memory_mib",
        &["it is missing"],
    ),
    (
        WEB_1,
        "¦[[guest]]\nname = \"web-1\"\nuuid = \"3b8f5c0e-5a55-4c1c-9d44-0c1f6d8a7b01\"\ntemplate = \"small\"\nmemory_mib = 2048\n",
        "guest.web-1.vcpus",
        &["it is missing"],
    ),
    (H3, "¦[[host]]\nname = \"h3\"\nclass = \"old\"\n", "host.h3.uri", &["it is missing", "qemu+tls://"]),
    (H3, "¦[[host]]\nname = \"h3\"\nuri = \"test:///default\"\n", "host.h3.class", &["it is missing"]),
    (
        "[[host]]\nname = \"h3\"\nuri = \"qemu+unix:///session?socket=/run/h3/libvirt-sock\"\nclass = \"old\"\nguest_memory_mib = 16384\n",
        "¦[[host]]\nname = \"h3\"\nuri = \"test:///default\"\nclass = \"old\"\n",
        "host.h3.guest_memory_mib",
        &["it is missing"],
    ),
    ("\"/var/lib/shuyaku/three-hosts\"", "¦\"\"", "state", &["is empty"]),
    ("file = \"templates/small.xml\"", "file = ¦\"templates\\u0000small.xml\"", "template.small.file", &["control character"]),
];

const ON: &str = r#"on = ["/usr/bin/ipmitool", "-H", "h1-bmc.example", "chassis", "power", "on"]"#;
const H3: &str = "[[host]]\nname = \"h3\"\nuri = \"qemu+unix:///session?socket=/run/h3/libvirt-sock\"\nclass = \"old\"\n";
const WEB_1: &str =
    "[[guest]]\nname = \"web-1\"\nuuid = \"3b8f5c0e-5a55-4c1c-9d44-0c1f6d8a7b01\"\ntemplate = \"small\"\nmemory_mib = 2048\nvcpus = 2\n";

/// Holds an error against the place, the key and the words that it must have.
fn assert_blamed(text: &str, place: (usize, usize), key: &str, words: &[&str]) {
    let error = understood(text).expect_err(&format!("it must be refused:\n{text}"));
    let said = error.to_string();
    let NotAnInventory::Key { path, line, column, key: blamed, why } = error else { panic!("{said}") };
    assert_eq!(path, Path::new("/etc/shuyaku/inventory.toml"));
    assert_eq!((blamed.as_str(), line, column), (key, place.0, place.1), "{said}");
    assert!(!words.is_empty());
    for word in words {
        assert!(why.contains(word), "`{word}` must be said in: {said}");
    }
    assert!(said.starts_with(&format!("/etc/shuyaku/inventory.toml, line {line}, column {column}: ")), "{said}");
}

#[test]
fn what_is_wrong_is_refused_with_its_line_its_column_its_key_and_what_would_be_right() {
    for (old, new, key, words) in REFUSED {
        let (text, line, column) = changed(old, new);
        assert_blamed(&text, (line, column), key, words);
    }
}

#[test]
fn an_inventory_without_hosts_is_refused() {
    assert_blamed("site = 's'\nstate = 's'\n", (1, 1), "host", &["no host", "[[host]]"]);
    assert_blamed("site = 's'\nstate = 's'\nhost = []\n", (1, 1), "host", &["no host", "[[host]]"]);
    assert_blamed("site = 's'\nstate = 's'\n[host]\nname = 'h1'\n", (3, 2), "host", &["`[[host]]`"]);
    assert_blamed("site = 's'\nstate = 's'\nhost = [3]\n", (3, 9), "host[0]", &["`3` is a whole number", "a table"]);
}

#[test]
fn a_guest_that_can_run_on_no_host_is_refused_though_each_thing_it_needs_is_somewhere() {
    // The pool is h1's, the network h2's, and the memory h3's.
    let hosts = "site='s'\nstate='s'\n\
        [[host]]\nname='h1'\nuri='qemu+tls://h1/system'\nclass='c'\nguest_memory_mib=100\nstorage_pools=['p']\n\
        [[host]]\nname='h2'\nuri='qemu+tls://h2/system'\nclass='c'\nguest_memory_mib=100\nnetworks=['n']\n\
        [[host]]\nname='h3'\nuri='qemu+tls://h3/system'\nclass='c'\nguest_memory_mib=200\n\
        [[template]]\nname='t'\nfile='t.xml'\n\
        [[guest]]\nname='g'\nuuid='3b8f5c0e-5a55-4c1c-9d44-0c1f6d8a7b01'\ntemplate='t'\nvcpus=1\n";
    let guest = |more: &str| format!("{hosts}{more}");
    understood(&guest("memory_mib=100\nvolumes=[{pool='p',volume='v'}]\n")).unwrap();
    understood(&guest("memory_mib=100\nnetworks=['n']\n")).unwrap();
    understood(&guest("memory_mib=200\n")).unwrap();
    for more in [
        "memory_mib=100\nnetworks=['n']\nvolumes=[{pool='p',volume='v'}]\n",
        "memory_mib=101\nnetworks=['n']\n",
        "memory_mib=101\nvolumes=[{pool='p',volume='v'}]\n",
    ] {
        assert_blamed(&guest(more), (26, 10), "guest.g.template", &["can run nowhere"]);
    }
}

#[test]
fn a_disk_that_two_guests_would_write_to_is_refused() {
    let text = EXAMPLE.replace(
        "destroy_after_shutdown = true",
        "template = \"small\"\nmemory_mib = 1\nvcpus = 1\nvolumes = [{ pool = \"images\", volume = \"web-1.qcow2\" }]",
    );
    let line = text.lines().count();
    assert_blamed(&text, (line, 40), "guest.db.volumes[0].volume", &["stands twice", "`guest.web-1.volumes[0].volume`"]);
    // The same name in another pool is another disk.
    understood(&text.replace("[{ pool = \"images\"", "[{ pool = \"scratch\"")).unwrap();
}

#[test]
fn more_disks_or_cards_than_a_guest_can_have_are_refused() {
    let volumes = |n: usize| (0..n).map(|i| format!("{{ pool = \"images\", volume = \"v{i}\" }}")).collect::<Vec<_>>().join(", ");
    let networks = |n: usize| vec!["\"front\""; n].join(", ");
    let with = |v, n| {
        let guest = format!("template = \"small\"\nmemory_mib = 1\nvcpus = 1\nvolumes = [{}]\nnetworks = [{}]", volumes(v), networks(n));
        EXAMPLE.replace("destroy_after_shutdown = true", &guest)
    };
    understood(&with(26, 16)).unwrap();
    let lines = with(0, 0).lines().count();
    assert_blamed(&with(27, 16), (lines - 1, 11), "guest.db.volumes", &["27 volumes", "at most 26"]);
    assert_blamed(&with(26, 17), (lines, 12), "guest.db.networks", &["17 networks", "at most 16"]);
}

/// The inventory of one host with this URI.
fn one_host(uri: &str) -> String {
    format!("site='s'\nstate='s'\n[[host]]\nname='h1'\nuri='{uri}'\nclass='c'\nguest_memory_mib=1\n")
}

#[test]
fn uris_that_name_a_host_or_a_socket_are_taken() {
    for uri in [
        "qemu:///system",
        "qemu:///session",
        "qemu://h1.example/system",
        "qemu+unix:///system",
        "qemu+unix:///session?socket=/tmp/dir.1/h-1_a/libvirt-sock",
        "qemu:///session?socket=/run/user/1000/libvirt/libvirt-sock&mode=direct",
        "qemu+tls://h1/system",
        "qemu+tls://[2001:db8::1]:16514/system",
        "qemu+tcp://10.77.0.1:16509/session",
        "qemu+ssh://operator@h1.example:22/system?no_tty=1",
        "test:///default",
    ] {
        let i = understood(&one_host(uri)).unwrap_or_else(|e| panic!("{uri}: {e}"));
        assert_eq!(i.hosts["h1"].address.uri, uri);
        assert_eq!(i.hosts["h1"].address.peer_uri, uri);
    }
}

#[test]
fn uris_that_run_commands_read_files_or_check_nobody_are_refused() {
    for (uri, words) in [
        // Other drivers and transports.
        ("h1", &["has no scheme", "`qemu+tls://`"][..]),
        ("xen:///system", &["scheme `xen`"]),
        ("qemu+ext:///system?command=/bin/sh", &["scheme `qemu+ext`"]),
        ("qemu+libssh2://h1/system", &["scheme `qemu+libssh2`"]),
        ("QEMU:///system", &["scheme `QEMU`"]),
        ("test:///etc/shadow", &["path `/etc/shadow`", "/default"]),
        ("test+unix:///default", &["scheme `test+unix`"]),
        ("qemu:///embed?root=/", &["path `/embed`", "/system or /session"]),
        ("qemu://h1", &["path ``"]),
        ("qemu://h1/system/..", &["path `/system/..`"]),
        // Parameters.
        ("qemu+ssh://h1/system?command=/bin/sh", &["`command`", "runs a command on this machine"]),
        ("qemu+ssh://h1/system?Command=/bin/sh", &["`Command`", "runs a command on this machine"]),
        ("qemu+ssh://h1/system?%63ommand=/bin/sh", &["`%63ommand`", "not known"]),
        ("qemu+ssh://h1/system?no_tty=1&command=/bin/sh", &["`command`"]),
        ("qemu+ssh://h1/system?no_tty=1;command=/bin/sh", &["`command`"]),
        ("qemu+ssh://h1/system?netcat=/bin/sh", &["`netcat`", "runs a command on the host"]),
        ("qemu+ssh://h1/system?keyfile=/root/.ssh/id", &["`keyfile`", "a file of this machine"]),
        ("qemu+ssh://h1/system?known_hosts_verify=ignore", &["`known_hosts_verify`", "who answers"]),
        ("qemu+ssh://h1/system?knownhosts=/dev/null", &["`knownhosts`"]),
        ("qemu+ssh://h1/system?sshauth=privkey", &["`sshauth`"]),
        ("qemu+ssh://h1/system?proxy=native", &["`proxy`"]),
        ("qemu+ssh://h1/system?socket=/run/x", &["`socket=`", "alone"]),
        ("qemu+tls://h1/system?no_verify=1", &["`no_verify`", "who answers"]),
        ("qemu+tls://h1/system?pkipath=/tmp", &["`pkipath`"]),
        ("qemu+tls://h1/system?name=qemu:///system", &["`name`"]),
        ("qemu+tls://h1/system?tls_priority=NONE", &["`tls_priority`"]),
        ("qemu+tls://h1/system?", &["parameter ``"]),
        ("qemu:///system?socket=run/x", &["absolute path"]),
        ("qemu:///system?socket=/run/../etc/x", &["absolute path"]),
        ("qemu:///system?socket=/run/%2e%2e/x", &["absolute path"]),
        ("qemu:///system?socket=/run/a&socket=/run/b", &["one `socket=`"]),
        ("qemu:///system?mode=other", &["`mode=other`", "direct"]),
        ("qemu+ssh://h1/system?no_tty=0", &["`no_tty=0`"]),
        ("test:///default?socket=/run/a", &["`socket=`"]),
        // Hosts.
        ("qemu+tls:///system", &["names no host"]),
        ("qemu+unix://h1/system", &["names a host"]),
        ("test://h1/default", &["names a host"]),
        ("qemu+ssh://-oProxyCommand=x/system", &["host `-oProxyCommand=x`"]),
        ("qemu+ssh://-l@h1/system", &["a user"]),
        ("qemu+ssh://root:secret@h1/system", &["a password never stands here"]),
        ("qemu+ssh://a@b@h1/system", &["host `b@h1`"]),
        ("qemu+tls://h1:0/system", &["port"]),
        ("qemu+tls://h1:65536/system", &["port"]),
        ("qemu+tls://h1:+1/system", &["port"]),
        ("qemu+tls://h1:/system", &["port"]),
        ("qemu+tls://[::1/system", &["host `[`"]),
        ("qemu+tls://[h1]/system", &["no IPv6 address"]),
        ("qemu+tls://[::1]x/system", &["port"]),
        ("qemu+tls://h%31/system", &["host `h%31`"]),
        // Characters.
        ("qemu+tls://h1/system#x", &["is no URI"]),
        ("qemu+tls://h 1/system", &["is no URI"]),
        ("qemu+tls://h1/sys\\tem", &["is no URI"]),
        ("qemu+tls://hä/system", &["is no URI"]),
    ] {
        assert_blamed(&one_host(uri), (5, 5), "host.h1.uri", words);
        let peer = one_host("test:///default").replace("class=", &format!("peer_uri='{uri}'\nclass="));
        assert_blamed(&peer, (6, 10), "host.h1.peer_uri", words);
    }
}

#[test]
fn a_uri_that_means_another_host_on_every_host_cannot_be_a_target_of_peer_to_peer_migration() {
    let second = "[[host]]\nname='h2'\nuri='qemu+tls://h2/system'\nclass='c'\nguest_memory_mib=1\n";
    let text = format!("{}{second}", one_host("qemu:///system"));
    assert_blamed(&text, (5, 5), "host.h1.uri", &["means another host on every host", "`peer_uri`"]);
    understood(&format!("{text}[migration]\nmode='managed'\n")).unwrap();
    understood(&text.replace("class='c'\nguest_memory_mib=1\n[[", "peer_uri='qemu+tls://h1/system'\nclass='c'\nguest_memory_mib=1\n[["))
        .unwrap();
    understood(&one_host("qemu:///system")).unwrap();
}

#[test]
fn a_file_longer_than_four_mib_is_not_even_parsed() {
    let whole = usize::try_from(MOST_BYTES).unwrap();
    let text = format!("{EXAMPLE}#{}", "x".repeat(whole - EXAMPLE.len() - 1));
    understood(&text).unwrap();
    let said = understood(&format!("{text}[")).unwrap_err().to_string();
    assert_eq!(said, "/etc/shuyaku/inventory.toml has 4194305 bytes; at most 4194304 are read");

    let site = Site::new();
    fs::write(site.file(), format!("{text}[")).unwrap();
    let said = site.read().unwrap_err().to_string();
    assert!(said.contains("has 4194305 bytes; at most 4194304 are read"), "{said}");
}

#[test]
fn bytes_that_are_not_utf_8_are_refused_where_they_stand() {
    let mut bytes = EXAMPLE.as_bytes().to_vec();
    let at = EXAMPLE.find("h3\"").unwrap();
    bytes[at] = 0xff;
    let line = EXAMPLE[..at].lines().count();
    let error = Inventory::from_bytes(&bytes, Path::new("i.toml")).unwrap_err();
    assert!(matches!(error, NotAnInventory::Key { line: l, column: 9, .. } if l == line), "{error}");
    assert!(error.to_string().contains("not UTF-8"), "{error}");
}

/// A folder for a test, ours alone whatever the umask.
fn folder() -> tempfile::TempDir {
    tempfile::Builder::new().permissions(Permissions::from_mode(0o700)).tempdir().unwrap()
}

/// An inventory in a folder of its own, with files and folders that are ours alone.
struct Site {
    folder: TempDir,
}

impl Site {
    fn new() -> Self {
        let site = Self { folder: folder() };
        fs::create_dir(site.path("templates")).unwrap();
        mode(&site.path("templates"), 0o755);
        site.write("inventory.toml", &EXAMPLE.replace("/var/lib/shuyaku/three-hosts", "state"));
        site.write("templates/small.xml", TEMPLATE);
        site
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn file(&self) -> PathBuf {
        self.path("inventory.toml")
    }

    fn write(&self, name: &str, text: &str) {
        fs::write(self.path(name), text).unwrap();
        mode(&self.path(name), 0o644);
    }

    fn change(&self, old: &str, new: &str) {
        let text = fs::read_to_string(self.file()).unwrap();
        assert!(text.contains(old));
        self.write("inventory.toml", &text.replace(old, new));
    }

    fn read(&self) -> Result<Inventory, NotAnInventory> {
        Inventory::read(&self.file())
    }

    /// That reading is refused because of this file or folder; what is said.
    fn assert_open(&self, name: &str) -> String {
        let error = self.read().expect_err("it must be refused");
        let said = error.to_string();
        let NotAnInventory::Untrusted(Untrusted::Open { path, .. }) = error else { panic!("{said}") };
        // The folder of temporary files may itself be reached by a link.
        assert!(path.ends_with(name) && !name.is_empty(), "{said}");
        said
    }
}

fn mode(path: &Path, mode: u32) {
    fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
}

fn we_are_root() -> bool {
    fs::metadata("/proc/self").unwrap().uid() == 0
}

#[test]
fn an_inventory_that_only_we_can_write_to_is_read() {
    let site = Site::new();
    let i = site.read().unwrap();
    assert_eq!(i.guests.len(), 2);
    assert_eq!(i.file, site.file());
    assert_eq!(i.digest, models::digest::of_bytes(&fs::read(site.file()).unwrap()));
}

#[test]
fn a_file_that_others_can_write_to_is_refused_with_the_command_that_mends_it() {
    for name in ["inventory.toml", "templates/small.xml", "templates", "state", "base.toml", "power"] {
        let site = Site::new();
        fs::create_dir(site.path("state")).unwrap();
        site.write("base.toml", "");
        site.write("power", "");
        site.change("site =", "base = \"base.toml\"\nsite =");
        site.change("\"/usr/bin/ipmitool\"", &format!("{:?}", site.path("power")));
        for folder in ["templates", "state"] {
            mode(&site.path(folder), 0o755);
        }
        site.read().unwrap();
        for (bits, who) in [(0o666, "and everybody can write"), (0o664, "(or an ACL) can write"), (0o646, "everybody can write")] {
            let path = site.path(name);
            // Folders are entered too.
            let bits = if path.is_dir() { bits | 0o111 } else { bits };
            mode(&path, bits);
            let said = site.assert_open(name);
            assert!(said.contains(who), "{said}");
            assert!(said.contains(&format!("mode {bits:04o}")), "{said}");
            assert!(said.contains(&format!("`chmod go-w {}`", fs::canonicalize(&path).unwrap().display())), "{said}");
            mode(&path, bits & !0o022);
            site.read().unwrap();
        }
    }
}

#[test]
fn a_folder_above_that_others_can_write_to_is_refused_unless_it_has_the_sticky_bit() {
    let above = folder();
    mode(above.path(), 0o775);
    let folder = above.path().join("a folder");
    fs::create_dir(&folder).unwrap();
    mode(&folder, 0o755);
    let file = folder.join("inventory.toml");
    fs::write(
        &file,
        EXAMPLE
            .replace("/var/lib/shuyaku/three-hosts", "state")
            .replace("template = \"small\"\nmemory_mib = 2048\nvcpus = 2\n", "")
            .split("volumes = [")
            .next()
            .unwrap(),
    )
    .unwrap();
    mode(&file, 0o644);
    let said = Inventory::read(&file).unwrap_err().to_string();
    assert!(said.contains("can write to this folder (mode 0775)"), "{said}");
    mode(above.path(), 0o1777);
    Inventory::read(&file).unwrap();
    // A folder's name can need quotes in the command.
    mode(above.path(), 0o755);
    mode(&folder, 0o777);
    let said = Inventory::read(&file).unwrap_err().to_string();
    assert!(said.contains(&format!("`chmod go-w '{}'`", fs::canonicalize(&folder).unwrap().display())), "{said}");
}

#[test]
fn what_a_symbolic_link_points_to_is_checked_and_not_the_link() {
    let site = Site::new();
    let elsewhere = folder();
    let target = elsewhere.path().join("real.xml");
    fs::write(&target, TEMPLATE).unwrap();
    mode(&target, 0o644);
    fs::remove_file(site.path("templates/small.xml")).unwrap();
    std::os::unix::fs::symlink(&target, site.path("templates/small.xml")).unwrap();
    site.read().unwrap();
    mode(&target, 0o666);
    site.assert_open("real.xml");
    mode(&target, 0o644);
    mode(elsewhere.path(), 0o777);
    site.assert_open(elsewhere.path().file_name().unwrap().to_str().unwrap());
    mode(elsewhere.path(), 0o700);
    // A relative link, through the folder above.
    fs::remove_file(site.path("templates/small.xml")).unwrap();
    site.write("shared.xml", TEMPLATE);
    std::os::unix::fs::symlink("../shared.xml", site.path("templates/small.xml")).unwrap();
    site.read().unwrap();
    mode(&site.path("shared.xml"), 0o602);
    site.assert_open("shared.xml");
    // A circle has an end.
    fs::remove_file(site.path("shared.xml")).unwrap();
    std::os::unix::fs::symlink("templates/small.xml", site.path("shared.xml")).unwrap();
    let said = site.read().unwrap_err().to_string();
    assert!(said.contains("too many symbolic links"), "{said}");
}

#[test]
fn what_somebody_else_owns_is_refused() {
    if !we_are_root() {
        println!("skipped: only root can give a file away");
        return;
    }
    use std::os::unix::fs::{chown, lchown};
    for name in ["inventory.toml", "templates/small.xml", "templates"] {
        let site = Site::new();
        chown(site.path(name), Some(4242), None).unwrap();
        let said = site.assert_open(name);
        assert!(said.contains("user 4242 owns it"), "{said}");
        assert!(said.contains("`chown 0 /"), "{said}");
        chown(site.path(name), Some(0), Some(4242)).unwrap();
        site.read().unwrap();
    }
    // A folder with the sticky bit is its owner's to change all the same.
    let site = Site::new();
    mode(&site.path("templates"), 0o1777);
    site.read().unwrap();
    chown(site.path("templates"), Some(4242), None).unwrap();
    site.assert_open("templates");
    // A link of somebody else, though it points to what is ours.
    let site = Site::new();
    site.write("real.xml", TEMPLATE);
    fs::remove_file(site.path("templates/small.xml")).unwrap();
    std::os::unix::fs::symlink(site.path("real.xml"), site.path("templates/small.xml")).unwrap();
    site.read().unwrap();
    lchown(site.path("templates/small.xml"), Some(4242), None).unwrap();
    let said = site.assert_open("templates/small.xml");
    assert!(said.contains("`chown -h 0 /"), "{said}");
}

#[test]
fn what_is_not_there_or_is_no_file_is_said() {
    let site = Site::new();
    fs::remove_file(site.path("templates/small.xml")).unwrap();
    let said = site.read().unwrap_err().to_string();
    assert!(said.starts_with("cannot read ") && said.contains("templates/small.xml"), "{said}");
    fs::create_dir(site.path("templates/small.xml")).unwrap();
    mode(&site.path("templates/small.xml"), 0o755);
    let said = site.read().unwrap_err().to_string();
    assert!(said.contains("this is not a file"), "{said}");
    let said = Inventory::read(&site.path("nowhere.toml")).unwrap_err().to_string();
    assert!(said.starts_with("cannot read ") && said.contains("nowhere.toml"), "{said}");
    let site = Site::new();
    site.change("site =", "base = \"base.toml\"\nsite =");
    let said = site.read().unwrap_err().to_string();
    assert!(said.starts_with("cannot read ") && said.contains("base.toml"), "{said}");
}

#[test]
fn a_template_from_which_a_guest_cannot_be_made_is_found_when_the_inventory_is_read() {
    let site = Site::new();
    site.write("templates/small.xml", &TEMPLATE.replace("<os>", "<name>x</name><os>"));
    let said = site.read().unwrap_err().to_string();
    assert!(said.contains("templates/small.xml, for guest web-1: line 3, column 3: `<name>` stands in the template"), "{said}");
}

#[test]
fn a_guest_is_made_for_a_host_that_the_inventory_has() {
    let site = Site::new();
    let i = site.read().unwrap();
    let d = i.make("web-1", "h2").unwrap();
    assert_eq!(executor::domain_xml::read(&d.xml).unwrap().memory_kib, 2048 * 1024);
    let said = |guest, host| i.make(guest, host).unwrap_err().to_string();
    assert!(said("web-2", "h2").contains("the inventory does not have it"));
    assert!(said("db", "h2").contains("no `template`"));
    assert!(said("web-1", "h9").contains("no host `h9`"));
    assert!(said("web-1", "h3").contains("storage pool `images`, which host h3 does not allow"));
    // The template can have changed since the inventory was read.
    mode(&site.path("templates/small.xml"), 0o666);
    assert!(said("web-1", "h2").contains("`chmod go-w "));
}

#[test]
fn two_guests_whose_network_cards_would_have_the_same_address_are_refused() {
    // 24 bits: among a few thousand UUIDs two agree.
    let mut seen = std::collections::BTreeMap::new();
    let (first, second, mac) = (1_u128..)
        .find_map(|n| {
            let uuid = uuid::Uuid::from_u128(n << 64 | 1);
            let mac = executor::domain_xml::mac(uuid, 0);
            seen.insert(mac.clone(), uuid).map(|first| (first, uuid, mac))
        })
        .unwrap();
    let guest = |uuid| format!("uuid = \"{uuid}\"\ntemplate = \"small\"\nmemory_mib = 1\nvcpus = 1\nnetworks = [\"front\"]\n");
    let text = |first, second| format!("{EXAMPLE}[[guest]]\nname = \"a\"\n{}[[guest]]\nname = \"b\"\n{}", guest(first), guest(second));
    understood(&text(first, uuid::Uuid::from_u128(2))).unwrap();
    let text = text(first, second);
    assert_blamed(&text, (text.lines().count() - 4, 8), "guest.b.uuid", &[&mac, "another UUID"]);
}

#[test]
fn a_pipe_in_place_of_the_file_is_refused_and_not_waited_for() {
    let site = Site::new();
    fs::remove_file(site.file()).unwrap();
    rustix::fs::mknodat(rustix::fs::CWD, site.file(), rustix::fs::FileType::Fifo, rustix::fs::Mode::RUSR, 0).unwrap();
    let said = site.read().unwrap_err().to_string();
    assert!(said.contains("this is not a file"), "{said}");
}

#[test]
fn a_name_is_what_it_is_said_to_be() {
    let long = "a".repeat(63);
    for name in ["a", "7", "h1", "web-1.example_2", &long] {
        assert!(is_name(name), "{name}");
    }
    let longer = "a".repeat(64);
    for name in ["", "-a", ".a", "_a", "a b", "a/b", "a\n", "a\0", "ä", "a:b", &longer] {
        assert!(!is_name(name), "{name:?}");
    }
}

/// A plan that names hosts and guests wherever a plan can.
fn plan() -> serde_json::Value {
    let condition = |is: &str| serde_json::json!({ "is": is, "host": "h1", "guest": "g1" });
    let mut conditions: Vec<serde_json::Value> = ["guest-defined", "guest-running"].iter().map(|is| condition(is)).collect();
    conditions.push(serde_json::json!({ "is": "guest-stopped", "guest": "g1" }));
    conditions.extend(["host-on", "host-off", "host-empty"].iter().map(|is| serde_json::json!({ "is": is, "host": "h1" })));
    conditions.push(serde_json::json!({ "is": "memory-free", "host": "h1", "mib": 1 }));
    let mut steps = Vec::new();
    for what in ["define-guest", "start-guest", "stop-guest", "undefine-guest"] {
        steps.push(serde_json::json!({ "do": what, "guest": "g1", "host": "h1" }));
    }
    for what in ["boot-host", "evacuate-host", "power-off-host"] {
        steps.push(serde_json::json!({ "do": what, "host": "h1" }));
    }
    steps.push(serde_json::json!({ "do": "migrate-guest", "guest": "g1", "from": "h1", "to": "h2" }));
    let steps: Vec<serde_json::Value> = steps
        .into_iter()
        .zip(1..)
        .map(|(action, number)| serde_json::json!({ "number": number, "action": action, "before": conditions, "after": conditions }))
        .collect();
    let nothing = serde_json::to_value(models::estimate::Estimate::ZERO).unwrap();
    serde_json::json!({
        "version": models::plan::VERSION, "tool": "t", "site": "s", "site_digest": "", "scenario_digest": "", "seed": 1, "replications": 1,
        "purchases": [{ "class": "blade", "hosts": ["h3"] }],
        "hosts_on": ["h1"], "placement": [{ "guest": "g1", "host": "h1" }], "steps": steps, "verdicts": [],
        "cost": { "purchase_yen": nothing, "maintenance_yen": nothing, "licences_yen": nothing, "electricity_yen": nothing },
        "cost_lower_bound_yen": 0.0, "predicted": [], "lost": ["dead-1"],
        "start": { "hosts": [{ "name": "h1", "on": true, "guest_memory_mib": 1 }],
                   "guests": [{ "name": "g1", "memory_mib": 1, "vcpus": 1, "runs_on": "h1" }] },
    })
}

/// Every text in a JSON value, with the way to it.
fn texts(value: &serde_json::Value, way: &str, out: &mut Vec<(String, String)>) {
    match value {
        serde_json::Value::String(s) => out.push((way.to_owned(), s.clone())),
        serde_json::Value::Array(a) => a.iter().enumerate().for_each(|(i, v)| texts(v, &format!("{way}/{i}"), out)),
        serde_json::Value::Object(o) => o.iter().for_each(|(k, v)| texts(v, &format!("{way}/{k}"), out)),
        _ => {}
    }
}

#[test]
fn every_host_and_guest_of_a_plan_must_have_a_name_and_every_host_must_be_in_the_inventory() {
    let inventory = understood(EXAMPLE).unwrap();
    let check = |json: &serde_json::Value| check_plan_names(&Plan::from_text(&json.to_string()).unwrap(), &inventory);
    let whole = plan();
    check(&whole).unwrap();
    let mut all = Vec::new();
    texts(&whole, "", &mut all);
    let places: Vec<_> = all.into_iter().filter(|(_, text)| ["h1", "h2", "h3", "g1", "dead-1"].contains(&text.as_str())).collect();
    // 8 steps with 8 hosts and 5 guests and one host more, 14 conditions each with 12 hosts and 6 guests, and 8 places outside of steps.
    assert_eq!(places.len(), 14 + 8 * 18 + 8);
    for (way, text) in places {
        let is_host = text.starts_with('h');
        let with = |name: &str| {
            let mut json = whole.clone();
            *json.pointer_mut(&way).unwrap() = name.into();
            check(&json)
        };
        for hostile in ["", "../../etc/passwd", "a b", "<x>", "\u{1b}[2J", "-rf"] {
            let error = with(hostile).expect_err(&format!("{hostile:?} at {way}"));
            assert!(matches!(&error, NotOurName::NoName { name, .. } if name == hostile), "{way}: {error}");
            assert!(!error.to_string().contains('\u{1b}'), "{way}");
            if let Some(step) = way.strip_prefix("/steps/") {
                let number = step.split('/').next().unwrap().parse::<u32>().unwrap() + 1;
                assert!(error.to_string().starts_with(&format!("step {number}, key `")), "{way}: {error}");
            }
        }
        match with("stranger") {
            Err(NotOurName::UnknownHost { host, known, .. }) => {
                assert!(is_host, "{way}");
                assert_eq!((host.as_str(), known.join(" ").as_str()), ("stranger", "h1 h2 h3"), "{way}");
            }
            other => assert!(!is_host && other.is_ok(), "{way}: {other:?}"),
        }
    }
}

/// The example with some bytes cut out, doubled, or replaced by what means something in TOML.
fn mutated() -> impl Strategy<Value = Vec<u8>> {
    let bits = prop::sample::select(vec![
        &b"["[..],
        b"]",
        b"[[",
        b"]]",
        b"{",
        b"}",
        b"=",
        b"\"",
        b"'",
        b"\"\"\"",
        b"\n",
        b",",
        b".",
        b"#",
        b"\\u0000",
        b"\\",
        b"\xff",
        b"\0",
        b"-",
        b"0x",
        b"1e9",
        b"nan",
        b"inf",
        b"true",
        b"1979-05-27",
        b"host",
        b"[[guest]]\n",
        b"name",
        b"\xc3\xa4",
        b"99999999999999999999",
    ]);
    let edit = (any::<prop::sample::Index>(), 0_usize..40, bits, any::<bool>());
    prop::collection::vec(edit, 1..6).prop_map(|edits| {
        let mut bytes = EXAMPLE.as_bytes().to_vec();
        for (at, cut, put, doubled) in edits {
            let from = at.index(bytes.len() + 1);
            let to = (from + cut).min(bytes.len());
            let mut new = if doubled { bytes[from..to].repeat(2) } else { Vec::new() };
            new.extend_from_slice(put);
            bytes.splice(from..to, new);
        }
        bytes
    })
}

/// That bytes are an inventory or an error, and that the error points into the text.
fn assert_read(bytes: &[u8]) {
    let lines = bytes.iter().filter(|b| **b == b'\n').count() + 1;
    match Inventory::from_bytes(bytes, Path::new("i.toml")) {
        Ok(i) => {
            assert!(!i.hosts.is_empty());
            assert!(i.hosts.keys().chain(i.guests.keys()).all(|n| is_name(n)));
        }
        Err(NotAnInventory::Key { line, column, why, .. }) => {
            assert!((1..=lines).contains(&line) && column >= 1 && !why.is_empty());
        }
        Err(other) => panic!("{other}"),
    }
}

proptest! {
    #[test]
    fn any_bytes_are_either_an_inventory_or_an_error(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        assert_read(&bytes);
    }

    #[test]
    fn a_changed_inventory_is_either_an_inventory_or_an_error(bytes in mutated()) {
        assert_read(&bytes);
    }
}

#[test]
fn nesting_as_deep_as_the_text_is_long_is_an_error_and_not_an_overflow() {
    for (open, close) in [("[", "]"), ("{a=", "}")] {
        let text = format!("site = {}1{}\n", open.repeat(100_000), close.repeat(100_000));
        assert!(understood(&text).is_err());
    }
    assert!(understood(&format!("{}site = 1\n", "a.".repeat(100_000))).is_err());
}

#[test]
fn a_key_as_long_as_the_text_is_shortened_in_the_message() {
    let key = "most_".repeat(2000);
    let said = Inventory::from_text(&format!("{key} = 1\n"), Path::new("inventory.toml")).unwrap_err().to_string();
    assert!(said.len() < 1000 && said.contains("no such key") && said.contains("most_most_"), "{} bytes: {said}", said.len());
}
