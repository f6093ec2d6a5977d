//! Hosts on this machine are what they claim to be: real, apart from each other, mortal, and gone when they are done with.

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use testbed::hosts::{Testbed, processes_of};
use testbed::{Guest, Hosts, hosts_or_skip};

/// The names of the guests whose QEMU runs on a host.
fn running(hosts: &Testbed, host: usize) -> Vec<String> {
    hosts.guests_running(host).into_iter().map(|guest| guest.name).collect()
}

/// Waits, for at most a minute, until something is so.
fn becomes(what: &str, is_so: impl Fn() -> bool) {
    let end = Instant::now() + Duration::from_secs(60);
    while !is_so() {
        assert!(Instant::now() < end, "never: {what}");
        thread::sleep(Duration::from_millis(10));
    }
}

/// Moves a guest there and back, first driven by us, then peer to peer, and shows at both ends that it did.
fn there_and_back(hosts: &Hosts, guest: &Guest) {
    let name = guest.name.as_str();
    hosts.start(1, guest).expect("it starts");
    hosts.await_beats(name, 1).expect("it beats");
    for (from, to, peer_to_peer) in [(1, 2, false), (2, 1, true)] {
        assert_eq!((running(hosts, from), running(hosts, to)), (vec![name.to_owned()], vec![]));
        let to_uri = hosts.uri(to);
        let words = ["migrate", "--live", "--p2p", "--persistent", "--undefinesource", name, &to_uri];
        let words: Vec<&str> = words.into_iter().filter(|word| peer_to_peer || *word != "--p2p").collect();
        hosts.virsh(from, &words).expect("it migrates");
        becomes("the source has let go of it", || running(hosts, from).is_empty());
        assert_eq!(running(hosts, to), [name]);
        assert_eq!(hosts.virsh(to, &["domstate", name]).expect("known there"), "running");
        assert!(hosts.virsh(from, &["domstate", name]).is_err(), "the source still knows it");
        hosts.await_beats(name, 2).expect("it beats on");
    }
    let seen = hosts.heartbeats(name).expect("heard");
    assert!(seen.uninterrupted().expect("one boot, every beat once") >= 5, "{seen}");
}

#[test]
fn guests_migrate_live_on_two_test_beds_at_once_without_missing_a_beat() {
    let Some(hosts) = hosts_or_skip(2) else { return };
    let Some(others) = hosts_or_skip(2) else { return };
    // The same name and UUID on both: they are apart.
    let guest = Guest::numbered(1, 48, "fill dirty=64");
    thread::scope(|scope| {
        scope.spawn(|| there_and_back(&others, &guest));
        there_and_back(&hosts, &guest);
    });
    assert_ne!(hosts.host_uuid(1), others.host_uuid(1));

    let roots = [hosts.root().to_owned(), others.root().to_owned()];
    // At each: two daemons, a guest, two first processes and their parents.
    for root in &roots {
        assert!(processes_of(root).len() >= 7, "{:?}", processes_of(root));
    }
    drop(hosts);
    assert_eq!(processes_of(&roots[0]), []);
    assert!(!roots[0].exists());
    assert_eq!(running(&others, 1), ["g1"], "the end of one test bed is nothing to the other");
    drop(others);
    assert_eq!(processes_of(&roots[1]), []);
}

#[test]
fn a_host_loses_power_hangs_and_comes_back() {
    let Some(hosts) = hosts_or_skip(2) else { return };
    let guest = Guest::numbered(1, 16, "");
    hosts.start(1, &guest).expect("it starts");
    hosts.await_beats("g1", 1).expect("it beats");

    // The daemon dies, and is stopped: the guest does not notice.
    hosts.kill_daemon(1).expect("killed");
    assert!(hosts.virsh(1, &["list"]).is_err());
    assert!(hosts.kill_daemon(1).unwrap_err().to_string().contains("h1: no libvirt daemon runs there"));
    hosts.start_daemon(1).expect("it starts again");
    hosts.stop_daemon(1).expect("stopped");
    hosts.await_beats("g1", 1).expect("it beats without a daemon");
    hosts.start_daemon(1).expect("it starts again");
    assert_eq!(hosts.virsh(1, &["domstate", "g1"]).expect("found again"), "running");

    // It hangs: who asks waits for ever.
    hosts.hang_daemon(1).expect("hung");
    let asked = hosts.virsh_within(Duration::from_secs(2), 1, &["domstate", "g1"]);
    assert_eq!(asked.expect_err("nothing answers").kind(), io::ErrorKind::TimedOut);
    assert_eq!(hosts.virsh(2, &["list"]).expect("the other host answers"), "");
    hosts.wake_daemon(1).expect("awake");
    assert_eq!(hosts.virsh(1, &["domstate", "g1"]).expect("it answers"), "running");
    hosts.heartbeats("g1").expect("heard").uninterrupted().expect("the guest ran through all of it");

    // A host without memory takes no guest, and loses none.
    hosts.starve(2).expect("starved");
    let to = hosts.uri(2);
    let migrate = ["migrate", "--live", "--p2p", "--persistent", "--undefinesource", "g1", &to];
    let refused = hosts.virsh(1, &migrate).expect_err("there is no memory").to_string();
    assert!(refused.contains("Cannot allocate memory"), "{refused}");
    assert_eq!((running(&hosts, 1), running(&hosts, 2)), (vec!["g1".to_owned()], vec![]));
    hosts.feed(2).expect("fed");
    hosts.virsh(1, &migrate).expect("now there is");
    hosts.starve(2).expect("starved");
    hosts.await_beats("g1", 1).expect("who runs there runs on");
    hosts.virsh(2, &["migrate", "--live", "--p2p", "--persistent", "--undefinesource", "g1", &hosts.uri(1)]).expect("and may leave");
    hosts.heartbeats("g1").expect("heard").uninterrupted().expect("it never noticed");

    // An orderly power-off is for hosts without guests.
    assert!(hosts.power_off(1).unwrap_err().to_string().contains("h1 still runs g1 and is left on"));
    assert!(hosts.is_on(1));

    // Power cuts take everything, a hung daemon too; definitions are on disk.
    hosts.hang_daemon(1).expect("hung");
    hosts.power_cut(1).expect("cut");
    hosts.power_cut(1).expect("it is off already");
    assert!(!hosts.is_on(1) && running(&hosts, 1).is_empty());
    assert!(hosts.virsh(1, &["list"]).is_err());
    assert!(hosts.start_daemon(1).unwrap_err().to_string().contains("h1 is off"));
    hosts.boot(1).expect("it boots");
    hosts.boot(1).expect("it is on already");
    assert_eq!(hosts.virsh(1, &["domstate", "g1"]).expect("still defined"), "shut off");
    hosts.virsh(1, &["start", "g1"]).expect("it starts");
    let seen = hosts.await_beats("g1", 2).expect("it beats");
    assert_eq!(seen.boots.len(), 2, "{seen}");
    assert_eq!(seen.never_doubled(), Ok(()));

    hosts.power_off(2).expect("no guest runs there");
    assert!(!hosts.is_on(2) && hosts.is_on(1));
}

#[test]
fn a_guest_hears_its_power_button_unless_deaf_and_two_copies_give_themselves_away() {
    let Some(hosts) = hosts_or_skip(2) else { return };
    let (listens, deaf) = (Guest::numbered(1, 16, "busy=5"), Guest::numbered(2, 16, "deaf"));
    for guest in [&listens, &deaf] {
        hosts.start(1, guest).expect("it starts");
    }
    for guest in [&listens, &deaf] {
        hosts.await_beats(&guest.name, 1).expect("it beats");
        hosts.virsh(1, &["shutdown", &guest.name]).expect("asked");
    }
    becomes("the one that listens is off", || running(&hosts, 1) == ["g2"]);
    assert!(hosts.heartbeats("g1").expect("heard").boots[0].powered_off);
    hosts.await_beats("g2", 2).expect("the deaf one beats on");

    // Nothing in libvirt keeps the same guest from being started on another host.
    hosts.start(2, &deaf).expect("a second copy starts");
    hosts.await_beats("g2", 4).expect("both beat");
    assert_eq!([1, 2].map(|host| running(&hosts, host)), [["g2"], ["g2"]]);
    let seen = hosts.heartbeats("g2").expect("heard");
    assert!(seen.never_doubled().is_err(), "two copies ran and nobody saw: {seen}");
}

#[test]
fn a_panic_leaves_nothing_behind() {
    let Some(hosts) = hosts_or_skip(1) else { return };
    let root = hosts.root().to_owned();
    hosts.start(1, &Guest::numbered(1, 16, "")).expect("it starts");
    let broken = catch_unwind(AssertUnwindSafe(move || {
        assert!(!processes_of(hosts.root()).is_empty());
        panic!("as a test that fails");
    }));
    assert!(broken.is_err());
    assert_eq!(processes_of(&root), []);
    assert!(!Path::new(&root).exists());
}
