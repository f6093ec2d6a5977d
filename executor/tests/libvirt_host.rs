//! The libvirt host against real daemons and real QEMU guests: what is seen, what each call does, how each failure ends.
//!
//! Each test has two hosts of its own. Nothing here says how fast anything must be: deadlines are generous, and only there so that a
//! test ends.

#![cfg(feature = "libvirt")]

mod bed;

use std::thread;
use std::time::{Duration, Instant};

use executor::host::{Address, Call, CallError, Definition, GuestSeen, GuestState, Host, HowToMigrate, Pending, Reply, Seen};
use executor::libvirt::LibvirtHost;
use uuid::Uuid;

use bed::Bed;

/// After so long a test ends, whatever it waits for.
const PATIENCE: Duration = Duration::from_secs(180);

/// Between two looks at something that is waited for.
const PAUSE: Duration = Duration::from_millis(20);

/// As fast as it goes, peer to peer.
const PLAIN: HowToMigrate = HowToMigrate { peer_to_peer: true, bandwidth_mib_per_s: None, max_downtime_ms: None, post_copy: false };

/// A guest that dirties its memory faster than this can be moved.
const TOO_SLOW: HowToMigrate = HowToMigrate { bandwidth_mib_per_s: Some(8), ..PLAIN };
const RESTLESS: &str = "fill dirty=640";

/// Asks until something is there.
fn eventually<T>(what: &str, mut ask: impl FnMut() -> Option<T>) -> T {
    let begun = Instant::now();
    loop {
        if let Some(found) = ask() {
            return found;
        }
        assert!(begun.elapsed() < PATIENCE, "{what}: not within {} s", PATIENCE.as_secs());
        thread::sleep(PAUSE);
    }
}

/// Waits for a call's end.
fn end(mut pending: Box<dyn Pending>) -> Result<Reply, CallError> {
    eventually("the end of a call", || pending.poll())
}

fn ask(host: &LibvirtHost, call: Call) -> Result<Reply, CallError> {
    end(host.begin(call))
}

fn done(host: &LibvirtHost, call: Call) {
    let word = call.word();
    assert_eq!(ask(host, call), Ok(Reply::Done), "{word}");
}

fn look(host: &LibvirtHost) -> Seen {
    match ask(host, Call::Look) {
        Ok(Reply::Seen(seen)) => seen,
        other => panic!("a look ended in {other:?}"),
    }
}

fn guest_on(host: &LibvirtHost, guest: Uuid) -> Option<GuestSeen> {
    look(host).guest(guest).cloned()
}

fn state(host: &LibvirtHost, guest: Uuid) -> Option<GuestState> {
    guest_on(host, guest).map(|g| g.state)
}

/// Defines and starts a guest, and waits until it has dirtied its memory once.
fn started(bed: &Bed, host: &LibvirtHost, definition: &Definition) -> Uuid {
    done(host, Call::Define { definition: definition.clone() });
    done(host, Call::Start { guest: definition.uuid });
    bed.await_beats(definition);
    definition.uuid
}

/// Begins a migration that does not end by itself, and waits until its pages move.
fn migrating(from: &LibvirtHost, to: &LibvirtHost, guest: Uuid, how: HowToMigrate) -> Box<dyn Pending> {
    let mut migration = from.begin(Call::Migrate { guest, to: to.address().clone(), how });
    eventually("bytes to go", || {
        assert_eq!(migration.poll(), None, "the migration should go on");
        guest_on(from, guest).and_then(|g| g.job_remaining_bytes).filter(|bytes| *bytes > 0)
    });
    migration
}

#[test]
fn two_hosts_say_who_they_are_and_what_they_have() {
    let Some(bed) = Bed::up() else { return };
    let seen = [look(&bed.host(1)), look(&bed.host(2))];
    assert_ne!(seen[0].host.uuid, seen[1].host.uuid);
    // The kernel's own word for all memory, KiB.
    let meminfo = std::fs::read_to_string("/proc/meminfo").expect("a Linux system");
    let total: u64 = meminfo.lines().next().and_then(|l| l.split_whitespace().nth(1)).and_then(|n| n.parse().ok()).expect("MemTotal first");
    for Seen { host, guests } in &seen {
        assert_eq!(host.memory_kib, total);
        assert!(host.memory_free_kib > 0 && host.memory_free_kib < total);
        assert!(host.sockets >= 1 && host.cores >= host.sockets && host.threads_per_core >= 1);
        assert!(!host.hostname.is_empty());
        assert!(guests.is_empty());
    }
}

#[test]
fn a_guest_is_defined_once_started_once_shut_down_and_forgotten() {
    let Some(bed) = Bed::up() else { return };
    let (h1, definition) = (bed.host(1), bed.definition("g1", "fill"));
    let guest = definition.uuid;
    assert_eq!(state(&h1, guest), None);
    for _ in 0..2 {
        done(&h1, Call::Define { definition: definition.clone() });
        assert_eq!(look(&h1).guests.len(), 1);
    }
    let seen = guest_on(&h1, guest).expect("defined");
    assert_eq!((seen.state, seen.memory_kib, seen.vcpus), (GuestState::ShutOff, 64 * 1024, 1));
    assert_eq!((seen.persistent, seen.autostart, seen.cpu_ns, seen.job_remaining_bytes), (true, false, 0, None));

    done(&h1, Call::Start { guest });
    assert!(matches!(ask(&h1, Call::Start { guest }), Err(CallError::State(_))));
    assert!(matches!(ask(&h1, Call::Undefine { guest }), Err(CallError::State(_))));
    assert!(matches!(ask(&h1, Call::AbortJob { guest }), Err(CallError::State(_))));
    assert!(matches!(ask(&h1, Call::PostCopy { guest }), Err(CallError::State(_))));
    done(&h1, Call::SetAutostart { guest, on: true });
    bed.await_beats(&definition);
    let seen = guest_on(&h1, guest).expect("it runs");
    assert_eq!((seen.state, seen.persistent, seen.autostart), (GuestState::Running, true, true));
    assert!(seen.cpu_ns > 0);

    done(&h1, Call::ShutDown { guest });
    eventually("its end", || (state(&h1, guest) == Some(GuestState::ShutOff)).then_some(()));
    assert!(matches!(ask(&h1, Call::ShutDown { guest }), Err(CallError::State(_))));
    assert!(matches!(ask(&h1, Call::Destroy { guest }), Err(CallError::State(_))));
    done(&h1, Call::Undefine { guest });
    assert_eq!(state(&h1, guest), None);
}

#[test]
fn a_guest_that_a_host_does_not_know_is_named_as_such_by_every_call() {
    let Some(bed) = Bed::up() else { return };
    let (h1, h2, guest) = (bed.host(1), bed.host(2), Uuid::from_u128(77));
    let calls = [
        Call::Definition { guest },
        Call::Start { guest },
        Call::ShutDown { guest },
        Call::Destroy { guest },
        Call::Undefine { guest },
        Call::Migrate { guest, to: h2.address().clone(), how: PLAIN },
        Call::PostCopy { guest },
        Call::AbortJob { guest },
        Call::SetAutostart { guest, on: true },
        Call::MeasureDirtyRate { guest, seconds: 1 },
    ];
    for call in calls {
        let word = call.word();
        assert!(matches!(ask(&h1, call), Err(CallError::NoGuest(_))), "{word}");
    }
}

#[test]
fn a_definition_that_is_not_the_guests_or_not_libvirts_changes_nothing() {
    let Some(bed) = Bed::up() else { return };
    let (h1, good) = (bed.host(1), bed.definition("g1", "fill"));
    let bad = [
        Definition { uuid: Uuid::from_u128(5), ..good.clone() },
        Definition { name: "g2".into(), ..good.clone() },
        Definition { xml: good.xml.replace("<vcpu>1</vcpu>", "<vcpu>1</vcpu><vcpux/>"), ..good.clone() },
        Definition { xml: good.xml.replace("</domain>", ""), ..good.clone() },
    ];
    for definition in bad {
        let end = ask(&h1, Call::Define { definition: definition.clone() });
        assert!(matches!(end, Err(CallError::Refused(_))), "{end:?} of {definition:?}");
        assert!(look(&h1).guests.is_empty());
    }
    let kvm = Definition { xml: good.xml.replace("machine='pc'", "machine='abacus'"), ..good.clone() };
    let end = ask(&h1, Call::Define { definition: kvm });
    assert!(matches!(end, Err(CallError::Unsupported(_))), "{end:?}");
    // The name is another guest's.
    done(&h1, Call::Define { definition: good.clone() });
    let other = Uuid::from_u128(5);
    let taken = Definition { uuid: other, xml: good.xml.replace(&good.uuid.to_string(), &other.to_string()), ..good };
    assert!(matches!(ask(&h1, Call::Define { definition: taken }), Err(CallError::Refused(_))));
    assert_eq!(look(&h1).guests.len(), 1);
}

#[test]
fn a_definition_that_one_host_gives_is_one_that_another_takes() {
    let Some(bed) = Bed::up() else { return };
    let (h1, h2, given) = (bed.host(1), bed.host(2), bed.definition("g1", "fill"));
    done(&h1, Call::Define { definition: given.clone() });
    let Ok(Reply::Definition(read)) = ask(&h1, Call::Definition { guest: given.uuid }) else { panic!("it has one") };
    assert_eq!((read.uuid, &read.name), (given.uuid, &given.name));
    done(&h2, Call::Define { definition: read.clone() });
    assert_eq!(ask(&h2, Call::Definition { guest: given.uuid }), Ok(Reply::Definition(read)));
}

#[test]
fn a_migration_leaves_the_guest_running_at_the_target_and_nothing_at_the_source() {
    let Some(bed) = Bed::up() else { return };
    let (h1, h2, definition) = (bed.host(1), bed.host(2), bed.definition("g1", "fill dirty=16"));
    let guest = started(&bed, &h1, &definition);
    done(&h1, Call::SetAutostart { guest, on: true });
    let moves = [(&h1, &h2, PLAIN), (&h2, &h1, HowToMigrate { peer_to_peer: false, max_downtime_ms: Some(500), ..PLAIN })];
    for (from, to, how) in moves {
        done(from, Call::Migrate { guest, to: to.address().clone(), how });
        assert_eq!(state(from, guest), None, "{how:?}");
        let there = guest_on(to, guest).expect("it is there");
        // That the host starts it at boot is the host's own, and stays behind.
        assert_eq!((there.state, there.persistent, there.autostart), (GuestState::Running, true, false), "{how:?}");
        assert!(matches!(ask(from, Call::Migrate { guest, to: to.address().clone(), how }), Err(CallError::NoGuest(_))));
    }
}

#[test]
fn a_migration_that_is_refused_leaves_the_guest_where_it_is() {
    let Some(bed) = Bed::up() else { return };
    let (h1, h2) = (bed.host(1), bed.host(2));
    let guest = started(&bed, &h1, &bed.definition("g1", "fill"));
    let nowhere = Address { name: "h3".into(), uri: bed.nowhere(), peer_uri: bed.nowhere() };
    let p2p = ask(&h1, Call::Migrate { guest, to: nowhere.clone(), how: PLAIN });
    assert!(matches!(p2p, Err(CallError::Refused(_))), "the source's word, over a connection that lives: {p2p:?}");
    let managed = ask(&h1, Call::Migrate { guest, to: nowhere, how: HowToMigrate { peer_to_peer: false, ..PLAIN } });
    assert!(matches!(&managed, Err(CallError::Unreachable(why)) if why.contains("h3")), "{managed:?}");
    let itself = ask(&h1, Call::Migrate { guest, to: h1.address().clone(), how: PLAIN });
    assert!(matches!(itself, Err(CallError::Refused(_))), "{itself:?}");
    assert_eq!(state(&h1, guest), Some(GuestState::Running));
    done(&h1, Call::Destroy { guest });
    let stopped = ask(&h1, Call::Migrate { guest, to: h2.address().clone(), how: PLAIN });
    assert!(matches!(stopped, Err(CallError::State(_))), "{stopped:?}");
}

#[test]
fn a_migration_that_does_not_converge_is_seen_on_both_ends_and_can_be_aborted() {
    let Some(bed) = Bed::up() else { return };
    let (h1, h2) = (bed.host(1), bed.host(2));
    let guest = started(&bed, &h1, &bed.definition("g1", RESTLESS));
    for peer_to_peer in [true, false] {
        let migration = migrating(&h1, &h2, guest, HowToMigrate { peer_to_peer, ..TOO_SLOW });
        assert_eq!(state(&h1, guest), Some(GuestState::Running));
        let there = guest_on(&h2, guest).expect("the copy that comes in");
        assert_eq!((there.state, there.job_remaining_bytes), (GuestState::PausedForMigration, None));
        let second = ask(&h1, Call::Migrate { guest, to: h2.address().clone(), how: PLAIN });
        assert!(matches!(second, Err(CallError::State(_))), "one at a time: {second:?}");
        done(&h1, Call::AbortJob { guest });
        let end = end(migration);
        assert!(matches!(end, Err(CallError::Aborted(_))), "{end:?}");
        let here = guest_on(&h1, guest).expect("it stays");
        assert_eq!((here.state, here.persistent, here.job_remaining_bytes), (GuestState::Running, true, None));
        assert_eq!(state(&h2, guest), None);
    }
}

#[test]
fn post_copy_moves_a_guest_that_does_not_converge_or_is_refused_with_the_guest_where_it_was() {
    let Some(bed) = Bed::up() else { return };
    let (h1, h2) = (bed.host(1), bed.host(2));
    let guest = started(&bed, &h1, &bed.definition("g1", RESTLESS));
    let how = HowToMigrate { post_copy: true, ..TOO_SLOW };
    let mut migration = h1.begin(Call::Migrate { guest, to: h2.address().clone(), how });
    // Whether post-copy can be had is the kernel's say (userfaultfd): then pages move, else the call ends.
    let refused = eventually("pages that move, or an end", || {
        migration.poll().map(Some).or_else(|| guest_on(&h1, guest)?.job_remaining_bytes.filter(|bytes| *bytes > 0).map(|_| None))
    });
    if let Some(end) = refused {
        eprintln!("no post-copy here: {end:?}");
        assert!(matches!(end, Err(CallError::Unsupported(_) | CallError::Refused(_))), "{end:?}");
        assert_eq!((state(&h1, guest), state(&h2, guest)), (Some(GuestState::Running), None));
        return;
    }
    done(&h1, Call::PostCopy { guest });
    assert_eq!(end(migration), Ok(Reply::Done));
    assert_eq!((state(&h1, guest), state(&h2, guest)), (None, Some(GuestState::Running)));
}

#[test]
fn the_dirty_rate_that_is_measured_is_that_of_the_guest() {
    let Some(bed) = Bed::up() else { return };
    let h1 = bed.host(1);
    let quiet = started(&bed, &h1, &bed.definition("quiet", "fill"));
    let restless = started(&bed, &h1, &bed.definition("restless", RESTLESS));
    assert_eq!(guest_on(&h1, quiet).and_then(|g| g.dirty_mib_per_s), None);
    let rates = [quiet, restless].map(|guest| {
        done(&h1, Call::MeasureDirtyRate { guest, seconds: 1 });
        eventually("a rate", || guest_on(&h1, guest)?.dirty_mib_per_s)
    });
    // One writes nothing but its heartbeat; the other 62 MiB/s where it gets its time, and never more than all its memory, 64 MiB.
    eprintln!("dirty rates: {rates:?} MiB/s");
    assert!(rates[0] < rates[1] && rates[1] <= 64, "{rates:?}");
    let end = ask(&h1, Call::MeasureDirtyRate { guest: quiet, seconds: 61 });
    assert!(matches!(end, Err(CallError::Unsupported(_))), "{end:?}");
}

#[test]
fn what_a_driver_cannot_do_is_not_supported() {
    // libvirt's own test driver, in this process, with its one guest.
    let uri = || String::from("test:///default");
    let host = LibvirtHost::new(Address { name: "h".into(), uri: uri(), peer_uri: uri() });
    let guest = Uuid::from_u128(0x6695_eb01_f6a4_8304_79aa_97f2_502e_193f);
    let to = host.address().clone();
    let managed = HowToMigrate { peer_to_peer: false, ..PLAIN };
    for call in [
        Call::MeasureDirtyRate { guest, seconds: 1 },
        Call::PostCopy { guest },
        Call::Migrate { guest, to: to.clone(), how: PLAIN },
        Call::Migrate { guest, to, how: managed },
    ] {
        let end = ask(&host, call);
        assert!(matches!(end, Err(CallError::Unsupported(_))), "{end:?}");
    }
    // Nor does it say who the host is, and a host without identity is none.
    let end = ask(&host, Call::Look);
    assert!(matches!(&end, Err(CallError::Refused(why)) if why.contains("who it is")), "{end:?}");
}

#[test]
fn a_host_that_nobody_answers_for_is_unreachable() {
    let Some(bed) = Bed::up() else { return };
    for uri in [bed.nowhere(), "no uri".into(), "nothing:///".into(), String::from("qemu:///\0")] {
        let host = LibvirtHost::new(Address { name: "h9".into(), uri: uri.clone(), peer_uri: uri });
        for call in [Call::Look, Call::Start { guest: Uuid::from_u128(1) }] {
            let end = ask(&host, call);
            assert!(matches!(end, Err(CallError::Unreachable(_))), "{end:?}");
        }
    }
}

#[test]
fn calls_to_a_daemon_that_hangs_can_be_given_up_and_hold_up_nobody() {
    let Some(bed) = Bed::up() else { return };
    let (h1, h2, definition) = (bed.host(1), bed.host(2), bed.definition("g1", "fill"));
    let guest = definition.uuid;
    done(&h1, Call::Define { definition });
    bed.hang(1);
    let mut over_an_open_connection = h1.begin(Call::Look);
    // Over a new connection a daemon that hangs is waited for without end, and what was given up meanwhile must not happen later.
    let fresh = bed.host(1);
    drop(fresh.begin(Call::Start { guest }));
    let given_up: Vec<_> = (0..15).map(|_| fresh.begin(Call::Look)).collect();
    assert_eq!(look(&h2).guests.len(), 0, "another host answers");
    assert_eq!(over_an_open_connection.poll(), None);
    drop(over_an_open_connection);
    drop(given_up);
    // Threads that never come back have a bound, and who meets it is told so at once.
    let refused = fresh.begin(Call::Look).poll();
    assert!(matches!(&refused, Some(Err(CallError::Unreachable(why))) if why.contains("16 earlier calls hang")), "{refused:?}");
    bed.wake(1);
    let seen = eventually("an answer", || match ask(&fresh, Call::Look) {
        Ok(Reply::Seen(seen)) => Some(seen),
        Err(CallError::Unreachable(_)) => None,
        other => panic!("{other:?}"),
    });
    assert_eq!(seen.guest(guest).map(|g| g.state), Some(GuestState::ShutOff));
    assert_eq!(state(&h1, guest), Some(GuestState::ShutOff));
    // The threads have all come back: 16 calls find room again, and the start has not been asked for.
    let again: Vec<_> = (0..16).map(|_| fresh.begin(Call::Look)).collect();
    for look in again {
        let end = end(look);
        assert!(matches!(&end, Ok(Reply::Seen(s)) if s.guest(guest).map(|g| g.state) == Some(GuestState::ShutOff)), "{end:?}");
    }
}

#[test]
fn a_guest_that_hangs_is_seen_and_hides_nobody() {
    let Some(bed) = Bed::up() else { return };
    let (h1, hung, other) = (bed.host(1), bed.definition("g1", "fill"), bed.definition("g2", "fill"));
    let guests = [started(&bed, &h1, &hung), started(&bed, &h1, &other)];
    done(&h1, Call::MeasureDirtyRate { guest: guests[1], seconds: 1 });
    eventually("a rate", || guest_on(&h1, guests[1])?.dirty_mib_per_s);
    bed.hang_guest(1, guests[0]);
    // The first look takes the monitor that never answers, and those after it find it taken.
    for _ in 0..3 {
        let seen = look(&h1);
        assert_eq!(guests.map(|g| seen.guest(g).map(|g| g.state)), [Some(GuestState::Running); 2]);
    }
    assert!(guest_on(&h1, guests[1]).and_then(|g| g.dirty_mib_per_s).is_some(), "its monitor answers");
    bed.wake_guest(1, guests[0]);
    done(&h1, Call::Destroy { guest: guests[0] });
}

#[test]
fn a_call_under_which_the_daemon_dies_is_lost_and_the_next_daemon_is_found() {
    let Some(bed) = Bed::up() else { return };
    let (h1, h2) = (bed.host(1), bed.host(2));
    let guest = started(&bed, &h1, &bed.definition("g1", RESTLESS));
    let migration = migrating(&h1, &h2, guest, TOO_SLOW);
    bed.kill_daemon(1);
    let end = end(migration);
    assert!(matches!(end, Err(CallError::Lost(_))), "{end:?}");
    // Nothing is asked any more, so nothing can be lost; acting calls too.
    for call in [Call::Look, Call::Destroy { guest }] {
        let end = ask(&h1, call);
        assert!(matches!(end, Err(CallError::Unreachable(_))), "{end:?}");
    }
    bed.start_daemon(1);
    eventually("the source to be alone with the guest", || {
        let states = (state(&h1, guest), state(&h2, guest));
        (states == (Some(GuestState::Running), None)).then_some(())
    });
    done(&h1, Call::Destroy { guest });
}

#[test]
fn a_call_under_way_on_a_daemon_that_hangs_is_lost_by_keepalive() {
    let Some(bed) = Bed::up() else { return };
    let (h1, h2) = (bed.host(1), bed.host(2));
    let guest = started(&bed, &h1, &bed.definition("g1", RESTLESS));
    let migration = migrating(&h1, &h2, guest, TOO_SLOW);
    bed.hang(1);
    let end = end(migration);
    bed.wake(1);
    assert!(matches!(end, Err(CallError::Lost(_))), "{end:?}");
    // It went on without us, peer to peer.
    done(&h1, Call::AbortJob { guest });
    eventually("the source to be alone with the guest", || {
        let states = (state(&h1, guest), state(&h2, guest));
        (states == (Some(GuestState::Running), None)).then_some(())
    });
}

#[test]
fn a_daemon_that_was_restarted_between_two_calls_costs_none() {
    let Some(bed) = Bed::up() else { return };
    let (h1, definition) = (bed.host(1), bed.definition("g1", "fill"));
    let guest = definition.uuid;
    done(&h1, Call::Define { definition });
    let restart = || {
        bed.kill_daemon(1);
        bed.start_daemon(1);
    };
    restart();
    done(&h1, Call::SetAutostart { guest, on: true });
    restart();
    assert_eq!(guest_on(&h1, guest).map(|g| g.autostart), Some(true));
}

#[test]
fn a_daemon_that_dies_under_a_migration_between_others_is_the_sources_to_report() {
    let Some(bed) = Bed::up() else { return };
    let (h1, h2) = (bed.host(1), bed.host(2));
    let guest = started(&bed, &h1, &bed.definition("g1", RESTLESS));
    let migration = migrating(&h1, &h2, guest, TOO_SLOW);
    bed.kill_daemon(2);
    let end = end(migration);
    assert!(matches!(end, Err(CallError::Refused(_))), "{end:?}");
    assert_eq!(state(&h1, guest), Some(GuestState::Running));
}
