//! The fake does what libvirt was measured to do: each fact is a sentence. And it is the same for the same seed, sees what must never
//! happen, and makes hard cases.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use executor::clock::Clock;
use executor::host::{Call, CallError, Definition, GuestState, Host, HowToMigrate, Pending, Reply, Seen};
use executor::journal::Store;
use executor::rehearse;
use executor::switch::{PowerState, PowerSwitch, Switch};
use models::plan::{Action, Condition, MOST_BESIDE, Step};
use testbed::fake::{
    AppendCrash, CallCrash, CallFault, Case, Cause, Fault, FaultPlan, Incident, Killed, Kind, Nth, Outsiders, Violation, World, killed,
    random_case,
};

const P2P: HowToMigrate = HowToMigrate { peer_to_peer: true, bandwidth_mib_per_s: None, max_downtime_ms: None, post_copy: false };
const MANAGED: HowToMigrate = HowToMigrate { peer_to_peer: false, ..P2P };
const POST_COPY: HowToMigrate = HowToMigrate { post_copy: true, ..P2P };

fn host(world: &World, name: &str) -> Box<dyn Host> {
    world.hosts().into_iter().find(|h| h.address().name == name).expect("the host is there")
}

fn begin(world: &World, name: &str, call: Call) -> Box<dyn Pending> {
    host(world, name).begin(call)
}

fn sleep(world: &World, seconds: u64) {
    world.sleep(Duration::from_secs(seconds));
}

/// Waits for a call's end, at most so long.
fn wait(world: &World, pending: &mut dyn Pending, seconds: u64) -> Result<Reply, CallError> {
    for _ in 0..seconds * 100 {
        if let Some(end) = pending.poll() {
            return end;
        }
        world.sleep(Duration::from_millis(10));
    }
    Err(CallError::Deadline(seconds))
}

fn ask(world: &World, name: &str, call: Call) -> Result<Reply, CallError> {
    wait(world, begin(world, name, call).as_mut(), 60)
}

fn look(world: &World, name: &str) -> Seen {
    match ask(world, name, Call::Look) {
        Ok(Reply::Seen(seen)) => seen,
        other => panic!("{name} shows itself, and not {other:?}"),
    }
}

fn migrate(world: &World, guest: &str, to: &str, how: HowToMigrate) -> Call {
    Call::Migrate { guest: world.uuid(guest), to: host(world, to).address().clone(), how }
}

fn start(world: &World, guest: &str) -> Call {
    Call::Start { guest: world.uuid(guest) }
}

fn switch(world: &World, name: &str, what: Switch) -> Result<PowerState, String> {
    let mut pending = PowerSwitch::begin(world, name, what).expect("there is a way");
    for _ in 0..6_000 {
        if let Some(end) = pending.poll() {
            return end;
        }
        world.sleep(Duration::from_millis(10));
    }
    Err("no end within 60 s".into())
}

fn states(world: &World, guest: &str) -> Vec<(String, GuestState)> {
    world.states(guest).into_iter().collect()
}

fn is(all: &[(&str, GuestState)]) -> Vec<(String, GuestState)> {
    all.iter().map(|(h, s)| ((*h).to_owned(), *s)).collect()
}

/// Two hosts, and a guest of 512 MiB on the first: its migration takes some 5 s.
fn two(seed: u64) -> World {
    World::new(seed).host("h1", 4096).host("h2", 4096).guest("g1", "h1", 512)
}

/// A migration in its middle.
fn in_the_middle(world: &World, how: HowToMigrate) -> Box<dyn Pending> {
    let mut pending = begin(world, "h1", migrate(world, "g1", "h2", how));
    sleep(world, 2);
    assert_eq!(pending.poll(), None);
    assert_eq!(states(world, "g1"), is(&[("h1", GuestState::Running), ("h2", GuestState::PausedForMigration)]));
    pending
}

fn of(kind: Kind, fault: CallFault) -> FaultPlan {
    FaultPlan(vec![Fault::OfCall(Nth { kind: Some(kind), nth: 1 }, fault)])
}

mod lifecycle {
    use super::*;

    #[test]
    fn starting_a_running_guest_is_not_possible_and_an_unknown_one_is_not_found() {
        let w = two(1);
        assert!(matches!(ask(&w, "h1", start(&w, "g1")), Err(CallError::State(_))));
        assert!(matches!(ask(&w, "h2", start(&w, "g1")), Err(CallError::NoGuest(_))));
    }

    #[test]
    fn a_stopped_guest_cannot_be_stopped_moved_or_aborted() {
        let w = World::new(1).host("h1", 4096).host("h2", 4096).stopped("g1", "h1", 512);
        let guest = w.uuid("g1");
        for call in [Call::Destroy { guest }, Call::ShutDown { guest }, Call::AbortJob { guest }, migrate(&w, "g1", "h2", P2P)] {
            assert!(matches!(ask(&w, "h1", call.clone()), Err(CallError::State(_))), "{call:?}");
        }
    }

    #[test]
    fn defining_twice_changes_nothing_and_another_guest_of_the_name_is_refused() {
        let w = two(2);
        let Ok(Reply::Definition(definition)) = ask(&w, "h1", Call::Definition { guest: w.uuid("g1") }) else { panic!("h1 knows it") };
        let define = |definition: &Definition| ask(&w, "h2", Call::Define { definition: definition.clone() });
        assert_eq!(define(&definition), Ok(Reply::Done));
        let once = look(&w, "h2").guests;
        assert_eq!(define(&definition), Ok(Reply::Done));
        assert_eq!(look(&w, "h2").guests, once);
        assert_eq!(once.len(), 1);
        assert_eq!((once[0].memory_kib, once[0].state, once[0].persistent), (512 << 10, GuestState::ShutOff, true));
        let uuid = uuid::Uuid::from_u128(7);
        let xml = definition.xml.replace(&definition.uuid.to_string(), &uuid.to_string());
        assert!(matches!(define(&Definition { uuid, name: "g1".into(), xml }), Err(CallError::Refused(_))));
    }

    #[test]
    fn a_definition_must_be_of_the_guest_that_it_is_given_as() {
        let w = two(2);
        let Ok(Reply::Definition(right)) = ask(&w, "h1", Call::Definition { guest: w.uuid("g1") }) else { panic!("h1 knows it") };
        let uuid = format!("<uuid>{}</uuid>", right.uuid);
        for xml in [right.xml.replace(&uuid, ""), right.xml.replace("<name>g1", "<name>g2"), right.xml.replace("</domain>", "")] {
            let end = ask(&w, "h2", Call::Define { definition: Definition { xml: xml.clone(), ..right.clone() } });
            assert!(matches!(end, Err(CallError::Refused(_))), "{xml}: {end:?}");
        }
    }

    #[test]
    fn undefining_a_running_guest_makes_it_transient_and_it_vanishes_when_it_stops() {
        let w = two(3);
        let guest = w.uuid("g1");
        assert_eq!(ask(&w, "h1", Call::Undefine { guest }), Ok(Reply::Done));
        let seen = look(&w, "h1");
        assert!(seen.guest(guest).is_some_and(|g| !g.persistent && g.state == GuestState::Running));
        assert!(matches!(ask(&w, "h1", Call::Undefine { guest }), Err(CallError::State(_))));
        assert!(matches!(ask(&w, "h1", Call::SetAutostart { guest, on: true }), Err(CallError::State(_))));
        assert_eq!(ask(&w, "h1", Call::Destroy { guest }), Ok(Reply::Done));
        assert_eq!(look(&w, "h1").guests, []);
        assert!(matches!(ask(&w, "h1", Call::Undefine { guest }), Err(CallError::NoGuest(_))));
    }

    #[test]
    fn a_guest_that_was_asked_to_shut_down_does_later_and_a_deaf_one_never() {
        let w = two(4).guest("g2", "h1", 512).deaf("g2");
        for guest in ["g1", "g2"] {
            assert_eq!(ask(&w, "h1", Call::ShutDown { guest: w.uuid(guest) }), Ok(Reply::Done));
            assert_eq!(w.runs_on(guest), ["h1"], "the reply says only that it was asked");
        }
        sleep(&w, 60);
        assert_eq!(states(&w, "g1"), is(&[("h1", GuestState::ShutOff)]));
        sleep(&w, 86_400);
        assert_eq!(w.runs_on("g2"), ["h1"]);
        assert_eq!(ask(&w, "h1", Call::Destroy { guest: w.uuid("g2") }), Ok(Reply::Done));
        assert_eq!(states(&w, "g2"), is(&[("h1", GuestState::ShutOff)]));
    }

    #[test]
    fn nothing_keeps_a_guest_from_being_started_twice_and_the_world_writes_down_who_did_it() {
        let w = two(5).also_known_on("g1", "h2");
        assert_eq!(ask(&w, "h2", start(&w, "g1")), Ok(Reply::Done));
        assert_eq!(w.runs_on("g1"), ["h1", "h2"]);
        let [Violation::TwoCopies { guest, hosts, cause: Cause::Call(number), .. }] = &w.violations()[..] else { panic!("one violation") };
        assert_eq!((guest.as_str(), hosts.len()), ("g1", 2));
        let call = &w.calls()[*number as usize - 1];
        assert_eq!((call.host.as_str(), call.asked.kind()), ("h2", Kind::Start));
    }

    #[test]
    fn nothing_counts_memory_and_the_world_writes_down_what_does_not_fit() {
        let w = World::new(6).host("h1", 1024).guest("g1", "h1", 768).stopped("g2", "h1", 512);
        assert_eq!(ask(&w, "h1", start(&w, "g2")), Ok(Reply::Done));
        assert!(matches!(
            &w.violations()[..],
            [Violation::Overcommitted { held_mib: 1280, guest_memory_mib: 1024, cause: Cause::Call(_), .. }]
        ));
    }

    #[test]
    fn what_is_seen_of_memory_and_of_dirtying_is_what_the_guests_do() {
        let w = two(7).busy("g1", 40);
        let (before, guest) = (look(&w, "h2").host.memory_free_kib, w.uuid("g1"));
        assert_eq!(before - look(&w, "h1").host.memory_free_kib, 512 << 10);
        assert_eq!(ask(&w, "h1", Call::MeasureDirtyRate { guest, seconds: 5 }), Ok(Reply::Done));
        assert_eq!(look(&w, "h1").guest(guest).and_then(|g| g.dirty_mib_per_s), None);
        sleep(&w, 5);
        assert_eq!(look(&w, "h1").guest(guest).and_then(|g| g.dirty_mib_per_s), Some(40));
    }
}

mod migrations {
    use super::*;

    #[test]
    fn a_guest_that_moves_is_persistent_at_the_target_gone_at_the_source_and_not_started_at_boot_any_more() {
        for how in [P2P, MANAGED] {
            let w = two(1).autostart("g1");
            let mut pending = in_the_middle(&w, how);
            let remaining = |w: &World| look(w, "h1").guest(w.uuid("g1")).and_then(|g| g.job_remaining_bytes);
            let first = remaining(&w).expect("its job is seen at the source");
            sleep(&w, 1);
            assert!(remaining(&w).is_some_and(|next| next < first && next > 0));
            assert_eq!(look(&w, "h2").guest(w.uuid("g1")).and_then(|g| g.job_remaining_bytes), None);
            assert_eq!(wait(&w, pending.as_mut(), 60), Ok(Reply::Done));
            assert_eq!(states(&w, "g1"), is(&[("h2", GuestState::Running)]));
            let seen = look(&w, "h2");
            assert!(seen.guest(w.uuid("g1")).is_some_and(|g| g.persistent && !g.autostart));
            assert!(matches!(ask(&w, "h1", migrate(&w, "g1", "h2", how)), Err(CallError::NoGuest(_))), "it is not there any more");
            assert_eq!(w.violations(), []);
        }
    }

    #[test]
    fn a_second_migration_of_a_guest_and_an_abort_without_one_are_not_possible() {
        let w = two(2);
        let guest = w.uuid("g1");
        assert!(matches!(ask(&w, "h1", Call::AbortJob { guest }), Err(CallError::State(_))));
        let _pending = in_the_middle(&w, P2P);
        assert!(matches!(ask(&w, "h1", migrate(&w, "g1", "h2", P2P)), Err(CallError::State(_))));
        assert!(matches!(ask(&w, "h2", start(&w, "g1")), Err(CallError::State(_))), "the copy that comes in is active");
    }

    #[test]
    fn an_aborted_migration_ends_as_aborted_and_leaves_nothing_at_the_target() {
        let w = two(3);
        let mut pending = in_the_middle(&w, P2P);
        assert_eq!(ask(&w, "h1", Call::AbortJob { guest: w.uuid("g1") }), Ok(Reply::Done));
        assert!(matches!(wait(&w, pending.as_mut(), 5), Err(CallError::Aborted(_))));
        assert_eq!(states(&w, "g1"), is(&[("h1", GuestState::Running)]));
    }

    #[test]
    fn a_definition_at_the_target_is_no_hindrance_and_survives_a_failure() {
        let w = two(4).also_known_on("g1", "h2");
        let mut pending = in_the_middle(&w, P2P);
        assert_eq!(ask(&w, "h1", Call::AbortJob { guest: w.uuid("g1") }), Ok(Reply::Done));
        assert!(wait(&w, pending.as_mut(), 5).is_err());
        assert_eq!(states(&w, "g1"), is(&[("h1", GuestState::Running), ("h2", GuestState::ShutOff)]));
        assert_eq!(ask(&w, "h1", migrate(&w, "g1", "h2", P2P)), Ok(Reply::Done));
        assert_eq!(states(&w, "g1"), is(&[("h2", GuestState::Running)]));
    }

    #[test]
    fn what_cannot_be_moved_is_refused_by_its_own_name() {
        let w = two(5).guest("g2", "h1", 512).local_disk("g2").guest("g3", "h1", 256).also_known_on("g3", "h2");
        assert!(matches!(ask(&w, "h1", migrate(&w, "g2", "h2", P2P)), Err(CallError::Unsafe(_))));
        assert!(matches!(ask(&w, "h1", migrate(&w, "g1", "h1", P2P)), Err(CallError::Refused(_))), "to itself");
        w.strike(Incident::StartElsewhere { guest: "g3".into(), host: "h2".into() });
        assert!(matches!(ask(&w, "h1", migrate(&w, "g3", "h2", P2P)), Err(CallError::State(_))), "it is active there");
        w.strike(Incident::Cut { host: "h2".into(), boots_after_ns: None });
        assert!(matches!(ask(&w, "h1", migrate(&w, "g1", "h2", P2P)), Err(CallError::Refused(_))), "nobody is there");
        assert_eq!(w.runs_on("g1"), ["h1"]);
    }

    #[test]
    fn hosts_reach_each_other_by_their_own_addresses_and_not_by_ours() {
        let w = two(5);
        let mut to = host(&w, "h2").address().clone();
        to.peer_uri = to.uri.clone();
        let end = ask(&w, "h1", Call::Migrate { guest: w.uuid("g1"), to, how: P2P });
        assert!(matches!(end, Err(CallError::Refused(_))), "{end:?}");
    }

    #[test]
    fn a_target_without_memory_kills_what_comes_in_and_the_source_runs_on() {
        for how in [P2P, MANAGED] {
            let w = two(6);
            w.strike(Incident::OutOfMemory { host: "h2".into() });
            assert!(matches!(ask(&w, "h1", migrate(&w, "g1", "h2", how)), Err(CallError::Refused(_))));
            assert_eq!(states(&w, "g1"), is(&[("h1", GuestState::Running)]));
        }
    }

    #[test]
    fn a_guest_that_outruns_its_link_never_arrives_until_it_is_switched_over() {
        let w = two(7).busy("g1", 200);
        let guest = w.uuid("g1");
        let mut pending = in_the_middle(&w, POST_COPY);
        sleep(&w, 86_400);
        assert_eq!(pending.poll(), None);
        assert_eq!(ask(&w, "h1", Call::PostCopy { guest }), Ok(Reply::Done));
        assert_eq!(states(&w, "g1"), is(&[("h1", GuestState::PostCopy), ("h2", GuestState::Running)]));
        assert!(matches!(ask(&w, "h1", Call::AbortJob { guest }), Err(CallError::State(_))), "there is no way back");
        assert_eq!(wait(&w, pending.as_mut(), 60), Ok(Reply::Done));
        assert_eq!(states(&w, "g1"), is(&[("h2", GuestState::Running)]));
        assert_eq!(w.violations(), []);
    }

    #[test]
    fn a_migration_that_was_not_begun_for_it_cannot_be_switched_over() {
        let w = two(8);
        let guest = w.uuid("g1");
        assert!(matches!(ask(&w, "h1", Call::PostCopy { guest }), Err(CallError::State(_))));
        let _pending = in_the_middle(&w, P2P);
        assert!(matches!(ask(&w, "h1", Call::PostCopy { guest }), Err(CallError::State(_))));
    }

    #[test]
    fn a_host_that_dies_in_post_copy_leaves_half_a_guest_on_the_other() {
        for (dies, survives) in [("h1", "h2"), ("h2", "h1")] {
            let w = World::new(9).host("h1", 4096).host("h2", 4096).guest("g1", "h1", 2048);
            let _pending = in_the_middle(&w, POST_COPY);
            assert_eq!(ask(&w, "h1", Call::PostCopy { guest: w.uuid("g1") }), Ok(Reply::Done));
            w.strike(Incident::Cut { host: dies.into(), boots_after_ns: None });
            assert_eq!(w.states("g1").get(survives), Some(&GuestState::PostCopyFailed));
            assert_eq!(w.runs_on("g1"), Vec::<String>::new());
        }
    }

    #[test]
    fn a_guest_whose_source_copy_crashes_is_shut_off_and_one_whose_target_copy_is_destroyed_runs_on() {
        let w = two(10);
        let mut pending = in_the_middle(&w, P2P);
        assert_eq!(ask(&w, "h2", Call::Destroy { guest: w.uuid("g1") }), Ok(Reply::Done));
        assert!(matches!(wait(&w, pending.as_mut(), 5), Err(CallError::Refused(_))));
        assert_eq!(states(&w, "g1"), is(&[("h1", GuestState::Running)]));
        let mut pending = in_the_middle(&w, P2P);
        w.strike(Incident::CrashGuest { guest: "g1".into() });
        assert!(matches!(wait(&w, pending.as_mut(), 5), Err(CallError::Refused(_))));
        assert_eq!(states(&w, "g1"), is(&[("h1", GuestState::ShutOff)]));
    }

    #[test]
    fn a_guest_that_shuts_down_after_its_move_does_so_at_the_target() {
        let mut seen = 0;
        for seed in 0..40 {
            let w = two(seed);
            assert_eq!(ask(&w, "h1", Call::ShutDown { guest: w.uuid("g1") }), Ok(Reply::Done));
            let moved = ask(&w, "h1", migrate(&w, "g1", "h2", P2P));
            sleep(&w, 60);
            let at = if moved.is_ok() { "h2" } else { "h1" };
            seen += u32::from(moved.is_ok());
            assert_eq!(states(&w, "g1"), is(&[(at, GuestState::ShutOff)]), "seed {seed}");
        }
        assert!((1..40).contains(&seen), "both are seen: {seen} of 40 moved");
    }
}

mod deaths {
    use super::*;

    /// What is left, by how often, over many seeds; time enough for everything to come up again has passed.
    fn left(how: HowToMigrate, dies: impl Fn(&World)) -> BTreeMap<Vec<(String, GuestState)>, u32> {
        let mut left = BTreeMap::new();
        for seed in 0..200 {
            let w = two(seed);
            let pending = in_the_middle(&w, how);
            dies(&w);
            sleep(&w, 300);
            assert_eq!(w.violations(), [], "seed {seed}: never two copies");
            *left.entry(states(&w, "g1")).or_default() += 1;
            drop(pending);
        }
        left
    }

    const NOT_MOVED: [(&str, GuestState); 1] = [("h1", GuestState::Running)];
    const MOVED: [(&str, GuestState); 1] = [("h2", GuestState::Running)];
    const LEFT_PAUSED: [(&str, GuestState); 2] = [("h1", GuestState::PausedForMigration), ("h2", GuestState::Running)];
    const LEFT_SHUT_OFF: [(&str, GuestState); 2] = [("h1", GuestState::ShutOff), ("h2", GuestState::Running)];

    fn only(all: &BTreeMap<Vec<(String, GuestState)>, u32>) -> Vec<Vec<(String, GuestState)>> {
        all.keys().cloned().collect()
    }

    #[test]
    fn a_peer_to_peer_migration_goes_on_when_the_executor_dies() {
        assert_eq!(only(&left(P2P, World::executor_died)), [is(&MOVED)]);
    }

    #[test]
    fn a_managed_migration_is_mostly_rolled_back_when_the_executor_dies_and_rarely_leaves_a_paused_copy() {
        let left = left(MANAGED, World::executor_died);
        let count = |what: &[(&str, GuestState)]| left.get(&is(what)).copied().unwrap_or(0);
        assert_eq!(left.len(), 3, "{left:?}");
        assert!(count(&NOT_MOVED) > count(&MOVED) && count(&MOVED) > count(&LEFT_PAUSED) && count(&LEFT_PAUSED) > 0, "{left:?}");
    }

    #[test]
    fn a_killed_source_daemon_leaves_each_of_the_four_ends_that_were_measured() {
        for how in [P2P, MANAGED] {
            let kill = |w: &World| w.strike(Incident::KillDaemon { host: "h1".into(), restarts_after_ns: Some(1_000_000_000) });
            let left = left(how, kill);
            let mut all = [is(&NOT_MOVED), is(&MOVED), is(&LEFT_PAUSED), is(&LEFT_SHUT_OFF)];
            all.sort();
            assert_eq!(only(&left), all);
            assert!(left[&is(&NOT_MOVED)] > 100, "mostly it is not moved: {left:?}");
        }
    }

    #[test]
    fn a_killed_source_daemon_breaks_its_calls_at_once() {
        let w = two(1);
        let mut pending = in_the_middle(&w, P2P);
        w.strike(Incident::KillDaemon { host: "h1".into(), restarts_after_ns: None });
        assert!(matches!(wait(&w, pending.as_mut(), 1), Err(CallError::Lost(_))));
        assert!(matches!(ask(&w, "h1", Call::Look), Err(CallError::Unreachable(_))));
    }

    #[test]
    fn a_killed_target_daemon_forgets_the_copy_and_the_source_runs_on() {
        let kill = |w: &World| w.strike(Incident::KillDaemon { host: "h2".into(), restarts_after_ns: Some(1_000_000_000) });
        for how in [P2P, MANAGED] {
            assert_eq!(only(&left(how, kill)), [is(&NOT_MOVED)]);
        }
        let (w, x) = (two(1), two(1));
        let (mut at_once, mut late) = (in_the_middle(&w, P2P), in_the_middle(&x, MANAGED));
        kill(&w);
        kill(&x);
        assert!(matches!(wait(&w, at_once.as_mut(), 1), Err(CallError::Refused(_))), "peer to peer, it is noticed at once");
        assert_eq!(wait(&x, late.as_mut(), 1), Err(CallError::Deadline(1)), "managed, when all pages are sent");
        assert!(matches!(wait(&x, late.as_mut(), 30), Err(CallError::Refused(_))));
    }

    #[test]
    fn what_a_forgetful_target_does_with_the_guest_afterwards_is_no_part_of_the_migration() {
        let w = two(2).also_known_on("g1", "h2");
        let mut pending = in_the_middle(&w, MANAGED);
        w.strike(Incident::KillDaemon { host: "h2".into(), restarts_after_ns: Some(1) });
        w.strike(Incident::RestartDaemon { host: "h2".into() });
        w.strike(Incident::StartElsewhere { guest: "g1".into(), host: "h2".into() });
        assert_eq!(ask(&w, "h2", Call::Destroy { guest: w.uuid("g1") }), Ok(Reply::Done));
        assert_eq!(wait(&w, pending.as_mut(), 1), Err(CallError::Deadline(1)));
        assert!(matches!(wait(&w, pending.as_mut(), 30), Err(CallError::Refused(_))));
        assert_eq!(states(&w, "g1"), is(&[("h1", GuestState::Running), ("h2", GuestState::ShutOff)]));
    }

    #[test]
    fn a_daemon_killed_in_post_copy_leaves_a_paused_copy_at_the_source_and_no_job() {
        for (dies, hangs_before) in [("h1", false), ("h2", false), ("h1", true), ("h2", true)] {
            let w = World::new(3).host("h1", 4096).host("h2", 4096).guest("g1", "h1", 2048);
            let _pending = in_the_middle(&w, POST_COPY);
            assert_eq!(ask(&w, "h1", Call::PostCopy { guest: w.uuid("g1") }), Ok(Reply::Done));
            if hangs_before {
                w.strike(Incident::Hang { host: dies.into(), wakes_after_ns: None });
                sleep(&w, 60);
            }
            w.strike(Incident::KillDaemon { host: dies.into(), restarts_after_ns: Some(1) });
            sleep(&w, 60);
            assert_eq!(states(&w, "g1"), is(&LEFT_PAUSED), "{dies}");
            assert!(look(&w, "h1").guest(w.uuid("g1")).is_some_and(|g| g.job_remaining_bytes.is_none()), "{dies}");
        }
    }

    #[test]
    fn a_power_cut_at_the_target_leaves_the_guest_at_the_source() {
        let cut = |w: &World| w.strike(Incident::Cut { host: "h2".into(), boots_after_ns: Some(1) });
        assert_eq!(only(&left(P2P, cut)), [is(&NOT_MOVED)]);
        assert_eq!(only(&left(MANAGED, cut)), [is(&NOT_MOVED)]);
    }

    #[test]
    fn a_power_cut_at_the_source_loses_the_guest() {
        let cut = |w: &World| w.strike(Incident::Cut { host: "h1".into(), boots_after_ns: Some(1) });
        assert_eq!(only(&left(P2P, cut)), [is(&[("h1", GuestState::ShutOff)])]);
    }

    #[test]
    fn a_cut_link_is_found_after_half_a_minute_and_the_source_runs_on() {
        let w = two(1);
        let mut pending = in_the_middle(&w, P2P);
        w.strike(Incident::Unplug { host: "h2".into(), replugged_after_ns: None });
        assert_eq!(wait(&w, pending.as_mut(), 30), Err(CallError::Deadline(30)));
        assert!(matches!(wait(&w, pending.as_mut(), 5), Err(CallError::Refused(_))));
        assert_eq!(states(&w, "g1"), is(&NOT_MOVED));
    }

    #[test]
    fn a_call_under_way_at_a_host_that_is_cut_off_is_lost_or_never_ends() {
        let mut ends = BTreeSet::new();
        for seed in 0..20 {
            let w = two(seed);
            let mut pending = begin(&w, "h1", Call::Look);
            w.strike(Incident::Cut { host: "h1".into(), boots_after_ns: None });
            let end = wait(&w, pending.as_mut(), 120);
            assert!(end.as_ref().is_err_and(CallError::is_unknown), "{end:?}");
            ends.insert(end.unwrap_err().to_string());
        }
        assert_eq!(ends.len(), 2, "both are seen: {ends:?}");
    }

    #[test]
    fn a_host_that_boots_again_starts_what_it_was_told_to_start_and_forgets_what_it_did_not_keep() {
        let w = two(2).autostart("g1").guest("g2", "h1", 256).guest("g3", "h1", 256).transient("g3");
        w.strike(Incident::Cut { host: "h1".into(), boots_after_ns: Some(5_000_000_000) });
        assert!(["g1", "g2", "g3"].iter().all(|g| w.runs_on(g).is_empty()));
        assert!(matches!(ask(&w, "h1", Call::Look), Err(CallError::Unreachable(_))));
        sleep(&w, 300);
        assert_eq!(states(&w, "g1"), is(&[("h1", GuestState::Running)]));
        assert_eq!(states(&w, "g2"), is(&[("h1", GuestState::ShutOff)]));
        assert_eq!(states(&w, "g3"), []);
    }

    #[test]
    fn a_host_that_starts_a_second_copy_when_it_boots_is_written_down_as_the_one_who_did() {
        let w = two(3).autostart("g1").also_known_on("g1", "h2");
        w.strike(Incident::Cut { host: "h1".into(), boots_after_ns: Some(60_000_000_000) });
        assert_eq!(ask(&w, "h2", start(&w, "g1")), Ok(Reply::Done));
        sleep(&w, 300);
        assert!(matches!(&w.violations()[..], [Violation::TwoCopies { cause: Cause::Autostart(h), .. }] if h == "h1"));
    }
}

mod anarchy {
    use super::*;
    use rand::Rng;
    use rand_chacha::ChaCha8Rng;
    use rand_chacha::rand_core::SeedableRng;

    /// Migrations, aborts and switch-overs at random while daemons hang and die, networks fail and the executor is killed; then all is
    /// mended, and time passes. Nobody stops or starts a guest, and no host loses its power.
    fn muddle(seed: u64, post_copy: bool) -> World {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let mut below = |n: u64| rng.next_u64() % n;
        let hosts = ["h1", "h2", "h3"];
        let w = World::new(seed).host("h1", 8192).host("h2", 8192).host("h3", 8192);
        let w = w.guest("g1", "h1", 512).guest("g2", "h1", 1024).guest("g3", "h2", 256);
        let mut under_way = Vec::new();
        for _ in 0..40 {
            let name = hosts[below(3) as usize];
            let guest = ["g1", "g2", "g3"][below(3) as usize];
            let at = w.runs_on(guest).first().cloned().unwrap_or_else(|| name.to_owned());
            let later = Some((1 + below(60)) * 1_000_000_000).filter(|ns| ns % 3_000_000_000 > 0);
            match below(14) {
                0..=4 => under_way.push(begin(
                    &w,
                    &at,
                    migrate(&w, guest, name, HowToMigrate { post_copy, ..if below(2) == 0 { P2P } else { MANAGED } }),
                )),
                5 => under_way.push(begin(&w, &at, Call::AbortJob { guest: w.uuid(guest) })),
                6 => under_way.push(begin(&w, &at, Call::PostCopy { guest: w.uuid(guest) })),
                7 => w.strike(Incident::Hang { host: name.into(), wakes_after_ns: later }),
                8 => w.strike(Incident::KillDaemon { host: name.into(), restarts_after_ns: later }),
                // A link that is cut breaks post-copy off, and half a guest is left on each side.
                9 if !post_copy => w.strike(Incident::Unplug { host: name.into(), replugged_after_ns: later }),
                10 if !post_copy => w.strike(Incident::OutOfMemory { host: name.into() }),
                11 => w.heal(),
                12 => w.executor_died(),
                _ => {}
            }
            w.sleep(Duration::from_millis(below(6_000)));
        }
        w.heal();
        sleep(&w, 3_600);
        w
    }

    #[test]
    fn a_guest_that_nobody_stops_or_starts_runs_once_whatever_becomes_of_daemons_networks_and_the_executor() {
        let (mut moved, mut left) = (0, 0);
        for seed in 0..1_000 {
            for post_copy in [false, true] {
                let w = muddle(seed, post_copy);
                for (guest, home) in [("g1", "h1"), ("g2", "h1"), ("g3", "h2")] {
                    let at = w.runs_on(guest);
                    let story: Vec<String> = w.log().iter().map(ToString::to_string).collect();
                    assert_eq!(at.len(), 1, "seed {seed}, post-copy {post_copy}: {guest} runs on {at:?}\n{}", story.join("\n"));
                    for name in w.states(guest).into_keys() {
                        let seen = look(&w, &name);
                        let seen = seen.guest(w.uuid(guest)).expect("who knows it shows it");
                        assert!(seen.persistent && seen.job_remaining_bytes.is_none(), "seed {seed}: {seen:?}\n{}", story.join("\n"));
                    }
                    moved += u32::from(at[0] != home);
                    left += u32::from(w.states(guest).len() > 1);
                }
                let two = |v: &Violation| matches!(v, Violation::TwoCopies { .. });
                assert!(!w.violations().iter().any(two), "seed {seed}: {:?}", w.violations());
            }
        }
        assert!(moved > 1_000 && left > 100, "the muddle is one: {moved} of 6000 moved, {left} left a copy behind");
    }
}

mod hung {
    use super::*;

    fn hang(world: &World, name: &str) {
        world.strike(Incident::Hang { host: name.into(), wakes_after_ns: None });
    }

    fn wake(world: &World, name: &str) {
        world.strike(Incident::Wake { host: name.into() });
    }

    #[test]
    fn a_hung_daemon_never_answers_and_does_what_it_was_asked_once_it_is_awake() {
        let w = two(1).stopped("g2", "h1", 256);
        hang(&w, "h1");
        let mut pending = begin(&w, "h1", start(&w, "g2"));
        assert_eq!(wait(&w, pending.as_mut(), 1_000), Err(CallError::Deadline(1_000)));
        drop(pending);
        assert_eq!((w.runs_on("g1"), w.runs_on("g2")), (vec!["h1".to_owned()], vec![]));
        wake(&w, "h1");
        sleep(&w, 1);
        assert_eq!(w.runs_on("g2"), ["h1"], "though nobody waits for it any more");
    }

    #[test]
    fn a_migration_to_a_hung_target_waits_and_goes_on_when_it_wakes_even_when_the_executor_is_dead() {
        let w = two(2);
        hang(&w, "h2");
        let mut pending = begin(&w, "h1", migrate(&w, "g1", "h2", P2P));
        assert_eq!(wait(&w, pending.as_mut(), 150), Err(CallError::Deadline(150)));
        w.executor_died();
        wake(&w, "h2");
        sleep(&w, 60);
        assert_eq!(states(&w, "g1"), is(&[("h2", GuestState::Running)]));
    }

    #[test]
    fn a_managed_migration_to_a_hung_target_is_nothing_when_the_executor_is_dead() {
        let w = two(2);
        hang(&w, "h2");
        let mut pending = begin(&w, "h1", migrate(&w, "g1", "h2", MANAGED));
        assert_eq!(wait(&w, pending.as_mut(), 150), Err(CallError::Deadline(150)));
        w.executor_died();
        wake(&w, "h2");
        sleep(&w, 60);
        assert_eq!(states(&w, "g1"), is(&[("h1", GuestState::Running)]));
    }

    #[test]
    fn a_daemon_that_hangs_at_the_switch_over_lets_the_guest_stand_still_on_both_sides() {
        for hung in ["h1", "h2"] {
            let w = two(3);
            let mut pending = in_the_middle(&w, P2P);
            hang(&w, hung);
            sleep(&w, 600);
            assert_eq!(states(&w, "g1"), is(&[("h1", GuestState::PausedForMigration), ("h2", GuestState::PausedForMigration)]));
            wake(&w, hung);
            assert_eq!(wait(&w, pending.as_mut(), 60), Ok(Reply::Done));
            assert_eq!(states(&w, "g1"), is(&[("h2", GuestState::Running)]));
        }
    }

    #[test]
    fn an_abort_is_accepted_while_the_target_hangs_and_takes_effect_when_it_wakes() {
        let w = two(4);
        hang(&w, "h2");
        let mut pending = begin(&w, "h1", migrate(&w, "g1", "h2", P2P));
        sleep(&w, 5);
        assert_eq!(ask(&w, "h1", Call::AbortJob { guest: w.uuid("g1") }), Ok(Reply::Done));
        assert_eq!(wait(&w, pending.as_mut(), 60), Err(CallError::Deadline(60)));
        wake(&w, "h2");
        assert!(matches!(wait(&w, pending.as_mut(), 5), Err(CallError::Aborted(_))));
        assert_eq!(states(&w, "g1"), is(&[("h1", GuestState::Running)]));
    }

    #[test]
    fn a_migration_that_waited_for_a_hung_target_fails_when_that_is_killed() {
        for how in [P2P, MANAGED] {
            let w = two(5);
            hang(&w, "h2");
            let mut pending = begin(&w, "h1", migrate(&w, "g1", "h2", how));
            sleep(&w, 5);
            w.strike(Incident::KillDaemon { host: "h2".into(), restarts_after_ns: None });
            assert!(matches!(wait(&w, pending.as_mut(), 5), Err(CallError::Refused(_))));
            assert_eq!(states(&w, "g1"), is(&[("h1", GuestState::Running)]));
        }
    }
}

mod power {
    use super::*;

    #[test]
    fn a_host_that_is_switched_on_answers_once_it_has_booted() {
        let w = World::new(1).host("h1", 1024).off("h1");
        assert_eq!(switch(&w, "h1", Switch::Status), Ok(PowerState::Off));
        assert_eq!(switch(&w, "h1", Switch::On), Ok(PowerState::On));
        assert_eq!(switch(&w, "h1", Switch::Status), Ok(PowerState::On));
        assert!(matches!(ask(&w, "h1", Call::Look), Err(CallError::Unreachable(_))), "it boots");
        sleep(&w, 120);
        assert_eq!(look(&w, "h1").guests, []);
    }

    #[test]
    fn a_host_that_is_switched_off_is_off_after_some_seconds_and_keeps_what_it_knows() {
        let w = World::new(2).host("h1", 1024).stopped("g1", "h1", 256);
        assert_eq!(switch(&w, "h1", Switch::Off), Ok(PowerState::Off));
        sleep(&w, 15);
        assert_eq!(switch(&w, "h1", Switch::Status), Ok(PowerState::Off));
        assert!(!w.is_on("h1"));
        assert_eq!(switch(&w, "h1", Switch::On), Ok(PowerState::On));
        sleep(&w, 120);
        assert_eq!(look(&w, "h1").guests.len(), 1);
        assert_eq!(w.violations(), []);
    }

    #[test]
    fn switching_a_host_off_under_its_guests_is_written_down() {
        let w = two(3);
        assert_eq!(switch(&w, "h1", Switch::Off), Ok(PowerState::Off));
        assert_eq!(states(&w, "g1"), is(&[("h1", GuestState::ShutOff)]));
        assert!(matches!(&w.violations()[..], [v @ Violation::OffUnderGuests { guests, .. }] if guests == &["g1"] && v.call() == Some(1)));
    }

    #[test]
    fn a_broken_host_takes_power_and_nothing_comes_of_it() {
        let w = two(4);
        w.strike(Incident::HostBreaks { host: "h1".into() });
        assert_eq!(switch(&w, "h1", Switch::On), Ok(PowerState::On));
        sleep(&w, 3_600);
        assert_eq!(switch(&w, "h1", Switch::Status), Ok(PowerState::Off));
        assert!(matches!(ask(&w, "h1", Call::Look), Err(CallError::Unreachable(_))));
    }

    #[test]
    fn a_host_without_a_way_to_its_power_says_so_at_once() {
        let w = two(5).without_power("h1");
        assert!(PowerSwitch::begin(&w, "h1", Switch::On).is_none());
        assert_eq!(w.calls(), []);
        assert_eq!(w.inventory(std::path::Path::new("state")).hosts["h1"].power, None);
    }

    #[test]
    fn power_commands_have_faults_too() {
        let error = CallError::Refused("no such outlet".into());
        let site = || World::new(6).host("h1", 1024);
        let w = site().faults(of(Kind::PowerOff, CallFault::Fails(error.clone())));
        assert!(switch(&w, "h1", Switch::Off).is_err());
        assert!(w.is_on("h1"));
        for (fault, said) in [
            (CallFault::AnswersError(error), "no such outlet"),
            (CallFault::ReplyLost, "60 s"),
            (CallFault::ConnectionBreaks, "connection"),
        ] {
            let w = site().faults(of(Kind::PowerOff, fault));
            assert!(switch(&w, "h1", Switch::Off).is_err_and(|e| e.contains(said)));
            sleep(&w, 15);
            assert!(!w.is_on("h1"));
        }
    }
}

mod faults {
    use super::*;

    fn started(fault: CallFault) -> (World, Result<Reply, CallError>, bool) {
        let w = World::new(1).host("h1", 1024).stopped("g1", "h1", 256).faults(of(Kind::Start, fault));
        let end = ask(&w, "h1", start(&w, "g1"));
        let runs = !w.runs_on("g1").is_empty();
        (w, end, runs)
    }

    #[test]
    fn a_lost_request_does_nothing_and_a_lost_reply_hides_what_was_done() {
        let (w, end, runs) = started(CallFault::RequestLost);
        assert_eq!((end, runs), (Err(CallError::Deadline(60)), false));
        assert_eq!(ask(&w, "h1", start(&w, "g1")), Ok(Reply::Done), "the host goes on answering");
        let (_, end, runs) = started(CallFault::ReplyLost);
        assert_eq!((end, runs), (Err(CallError::Deadline(60)), true));
    }

    #[test]
    fn a_connection_can_break_after_the_effect_and_success_can_be_answered_as_an_error() {
        let (_, end, runs) = started(CallFault::ConnectionBreaks);
        assert!(matches!(end, Err(CallError::Lost(_))) && runs);
        let error = CallError::Refused("it did not work".into());
        assert_eq!((Err(error.clone()), true), {
            let (_, end, runs) = started(CallFault::AnswersError(error.clone()));
            (end, runs)
        });
        assert_eq!((Err(error.clone()), false), {
            let (_, end, runs) = started(CallFault::Fails(error));
            (end, runs)
        });
    }

    #[test]
    fn a_late_call_takes_effect_long_after_everybody_has_given_up() {
        let (w, end, runs) = started(CallFault::Late { by_ns: 3_600_000_000_000 });
        assert_eq!((end, runs), (Err(CallError::Deadline(60)), false));
        sleep(&w, 3_600);
        assert_eq!(w.runs_on("g1"), ["h1"]);
    }

    #[test]
    fn a_managed_migration_whose_connection_breaks_is_rolled_back_or_has_just_ended() {
        let w = two(1).faults(of(Kind::Migrate, CallFault::ConnectionBreaks)).busy("g1", 500);
        assert!(matches!(ask(&w, "h1", migrate(&w, "g1", "h2", MANAGED)), Err(CallError::Lost(_))));
        assert_eq!(states(&w, "g1"), is(&[("h1", GuestState::Running)]));
    }

    #[test]
    fn an_incident_happens_at_its_call_or_at_its_time_and_once() {
        let cut = Incident::Cut { host: "h1".into(), boots_after_ns: None };
        let w = two(2).faults(FaultPlan(vec![Fault::AtCall(Nth { kind: None, nth: 2 }, cut.clone())]));
        assert!(ask(&w, "h1", Call::Look).is_ok());
        assert!(matches!(ask(&w, "h1", Call::Look), Err(CallError::Unreachable(_))));
        let w = two(2).faults(FaultPlan(vec![Fault::At(60_000_000_000, cut)]));
        sleep(&w, 59);
        assert!(w.is_on("h1"));
        sleep(&w, 2);
        assert!(!w.is_on("h1"));
        w.strike(Incident::Boot { host: "h1".into() });
        sleep(&w, 600);
        assert!(w.is_on("h1"));
    }

    #[test]
    fn a_second_copy_that_somebody_else_starts_is_not_laid_to_the_executor() {
        let w = two(3);
        w.strike(Incident::StartElsewhere { guest: "g1".into(), host: "h2".into() });
        let violations = w.violations();
        assert!(matches!(&violations[..], [Violation::TwoCopies { cause: Cause::Outsider, .. }]));
        assert!(violations.iter().all(|v| v.call().is_none()));
    }

    #[test]
    fn somebody_else_can_move_and_destroy_guests() {
        let w = two(4);
        w.strike(Incident::MigrateAway { guest: "g1".into(), to: "h2".into() });
        sleep(&w, 60);
        assert_eq!(states(&w, "g1"), is(&[("h2", GuestState::Running)]));
        w.strike(Incident::DestroyGuest { guest: "g1".into() });
        assert_eq!(states(&w, "g1"), is(&[("h2", GuestState::ShutOff)]));
        assert_eq!(w.calls(), [], "and the executor has asked nothing");
    }

    #[test]
    fn a_stop_is_asked_when_the_plan_of_faults_says_so() {
        let w = two(5).faults(FaultPlan(vec![Fault::At(1_000_000_000, Incident::StopAsked)]));
        assert!(!w.stop_is_asked());
        sleep(&w, 2);
        assert!(w.stop_is_asked());
    }

    #[test]
    fn in_peace_nothing_new_goes_wrong_and_what_was_to_be_mended_is() {
        let hang = Incident::Hang { host: "h1".into(), wakes_after_ns: Some(60_000_000_000) };
        let cut = Incident::Cut { host: "h2".into(), boots_after_ns: None };
        let w = two(6).faults(FaultPlan(vec![
            Fault::At(1, hang),
            Fault::At(30_000_000_000, cut.clone()),
            Fault::AtCall(Nth { kind: None, nth: 1 }, cut),
        ]));
        w.strike(Incident::StopAsked);
        w.crash_at_call(1, CallCrash::Before);
        sleep(&w, 1);
        w.peace();
        let mut pending = begin(&w, "h1", Call::Look);
        assert_eq!(wait(&w, pending.as_mut(), 30), Err(CallError::Deadline(30)), "it hangs still");
        assert!(wait(&w, pending.as_mut(), 60).is_ok(), "and wakes in its time");
        assert!(w.is_on("h2") && !w.stop_is_asked());
    }

    #[test]
    fn healing_makes_every_host_answer_that_has_power() {
        let w = two(7).host("h3", 1024).host("h4", 1024);
        w.strike(Incident::Hang { host: "h1".into(), wakes_after_ns: None });
        w.strike(Incident::KillDaemon { host: "h2".into(), restarts_after_ns: None });
        w.strike(Incident::Unplug { host: "h3".into(), replugged_after_ns: None });
        w.strike(Incident::Cut { host: "h4".into(), boots_after_ns: None });
        w.heal();
        assert!(["h1", "h2", "h3"].iter().all(|h| ask(&w, h, Call::Look).is_ok()));
        assert!(matches!(ask(&w, "h4", Call::Look), Err(CallError::Unreachable(_))));
    }

    #[test]
    fn faults_drawn_at_random_are_of_every_kind_and_others_meddle_only_where_they_may() {
        let w = two(6);
        let mut seen = BTreeSet::new();
        let word = |x: String| x.split([' ', '(', '{']).next().unwrap_or_default().to_owned();
        for seed in 0..2_000 {
            for outsiders in [Outsiders::KeepAway, Outsiders::Meddle] {
                for fault in FaultPlan::random(seed, &w, outsiders).0 {
                    let what = match fault {
                        Fault::OfCall(_, fault) => word(format!("{fault:?}")),
                        Fault::AtCall(_, incident) | Fault::At(_, incident) => word(format!("{incident:?}")),
                    };
                    let meddles = ["DestroyGuest", "StartElsewhere", "MigrateAway"].contains(&what.as_str());
                    assert!(!meddles || outsiders == Outsiders::Meddle, "seed {seed}: {what}");
                    seen.insert(what);
                }
            }
        }
        // Six of calls and twelve of the site; the others are their ends, or are asked for by name.
        assert_eq!(seen.len(), 18, "{seen:?}");
    }
}

mod crashes {
    use super::*;

    #[test]
    fn an_executor_dies_before_or_after_a_call_is_sent_and_the_world_goes_on() {
        for (crash, runs) in [(CallCrash::Before, false), (CallCrash::After, true)] {
            let w = World::new(1).host("h1", 1024).stopped("g1", "h1", 256);
            w.crash_at_call(2, crash);
            let run = || {
                look(&w, "h1");
                ask(&w, "h1", start(&w, "g1"))
            };
            assert_eq!(killed(run), Err(Killed));
            sleep(&w, 10);
            assert_eq!(!w.runs_on("g1").is_empty(), runs);
            assert_eq!((w.begun(), w.acts().len()), (2, usize::from(runs)));
            assert!(killed(|| look(&w, "h1")).is_ok(), "it dies once");
        }
    }

    #[test]
    fn any_other_panic_is_passed_on() {
        let passed = std::panic::catch_unwind(|| killed(|| std::panic::resume_unwind(Box::new("another"))));
        assert_eq!(passed.map(|_: Result<(), Killed>| ()).unwrap_err().downcast_ref::<&str>(), Some(&"another"));
    }

    #[test]
    fn a_crash_leaves_of_a_journal_what_its_moment_allows() {
        let (line, next) = (b"a first line\n", b"a second line\n");
        let both = [&line[..], &next[..]].concat();
        let mut kept: BTreeMap<&str, BTreeSet<usize>> = BTreeMap::new();
        for seed in 0..100 {
            for (name, crash) in [
                ("before", AppendCrash::Before),
                ("torn", AppendCrash::Torn),
                ("unsynced", AppendCrash::Unsynced),
                ("synced", AppendCrash::Synced),
            ] {
                let w = World::new(seed);
                w.crash_at_append(2, crash);
                let run = || {
                    let mut disk = w.journal("j");
                    for bytes in [&line[..], &next[..]] {
                        disk.append(bytes).and_then(|()| disk.sync()).expect("the disk takes it");
                    }
                };
                assert_eq!(killed(run), Err(Killed));
                let bytes = w.journal_bytes("j");
                assert!(both.starts_with(&bytes) && bytes.len() >= line.len(), "what was synced stays");
                kept.entry(name).or_default().insert(bytes.len() - line.len());
            }
        }
        assert_eq!(kept["before"], [0].into());
        assert_eq!(kept["synced"], [next.len()].into());
        assert_eq!(kept["torn"], (1..next.len()).collect(), "every tear is seen");
        assert_eq!(kept["unsynced"], (0..=next.len()).collect());
    }

    #[test]
    fn a_full_disk_says_so_and_keeps_what_it_has() {
        let w = World::new(1);
        w.full_at_append(2);
        let mut disk = w.journal("j");
        assert!(disk.append(b"first").and_then(|()| disk.sync()).is_ok());
        assert_eq!(disk.append(b"second").map_err(|e| e.kind()), Err(std::io::ErrorKind::StorageFull));
        assert_eq!(disk.bytes(), b"first");
        disk.truncate(2);
        assert_eq!((disk.bytes(), w.appends()), (b"fi".to_vec(), 2));
    }

    #[test]
    fn an_executor_that_waits_for_ever_is_found_out() {
        let w = two(1);
        let waits = std::panic::catch_unwind(|| {
            loop {
                sleep(&w, 86_400);
            }
        });
        assert!(waits.is_err());
        let mut pending = begin(&w, "h1", Call::Look);
        let polls = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| while pending.poll().is_none() {}));
        assert!(polls.is_err());
        assert_eq!(w.runs_on("g1"), ["h1"], "the world survives it");
    }
}

mod cases {
    use super::*;

    /// Carries out one step as an executor that nothing happens to would, and sees that its conditions hold.
    fn carry(w: &World, step: &Step) {
        step.before.iter().for_each(|c| assert!(holds(w, c), "before step {} ({step}), {c}: {:?}", step.number, w.log()));
        if let Some((name, mut pending)) = act(w, step) {
            let end = wait(w, pending.as_mut(), 300);
            assert_eq!(end, Ok(Reply::Done), "step {} ({step}) on {name}", step.number);
        }
        sleep(w, 120);
        step.after.iter().for_each(|c| assert!(holds(w, c), "after step {} ({step}), {c}: {:?}", step.number, w.log()));
    }

    fn act(w: &World, step: &Step) -> Option<(String, Box<dyn Pending>)> {
        let (name, call) = match &step.action {
            Action::BootHost { host } => {
                assert_eq!(switch(w, host, Switch::On), Ok(PowerState::On));
                return None;
            }
            Action::PowerOffHost { host } => {
                assert_eq!(switch(w, host, Switch::Off), Ok(PowerState::Off));
                return None;
            }
            Action::EvacuateHost { .. } => return None,
            Action::DefineGuest { guest, host } => {
                let knows = w.states(guest).into_keys().find(|h| h != host && w.is_on(h)).expect("somebody can say what it is made of");
                let Ok(Reply::Definition(definition)) = ask(w, &knows, Call::Definition { guest: w.uuid(guest) }) else {
                    panic!("{knows}")
                };
                (host, Call::Define { definition })
            }
            Action::StartGuest { guest, host } => (host, start(w, guest)),
            Action::MigrateGuest { guest, from, to } => (from, migrate(w, guest, to, P2P)),
            Action::StopGuest { guest, host } => (host, Call::ShutDown { guest: w.uuid(guest) }),
            Action::UndefineGuest { guest, host } => (host, Call::Undefine { guest: w.uuid(guest) }),
        };
        Some((name.clone(), begin(w, name, call)))
    }

    fn free_mib(w: &World, name: &str) -> u64 {
        let all = w.start();
        let held: u64 = all.guests.iter().filter(|g| g.runs_on.as_deref() == Some(name)).map(|g| g.memory_mib).sum();
        all.hosts.iter().find(|h| h.name == name).map_or(0, |h| h.guest_memory_mib.saturating_sub(held))
    }

    fn holds(w: &World, c: &Condition) -> bool {
        match c {
            Condition::HostOn { host } => w.is_on(host),
            Condition::HostOff { host } => !w.is_on(host),
            Condition::HostEmpty { host } => w.start().guests.iter().all(|g| g.runs_on.as_ref() != Some(host)),
            Condition::MemoryFree { host, mib } => free_mib(w, host) >= *mib,
            Condition::GuestDefined { guest, host } => w.states(guest).contains_key(host),
            Condition::GuestRunning { guest, host } => w.runs_on(guest) == [host.clone()],
            Condition::GuestStopped { guest } => w.runs_on(guest).is_empty(),
        }
    }

    fn ends_as_it_says(seed: u64, case: &Case) {
        for (guest, end) in &case.end {
            assert_eq!(case.world.runs_on(guest).first(), end.as_ref(), "seed {seed}: {guest}");
        }
        let on: Vec<String> = case.world.start().hosts.into_iter().filter(|h| h.on).map(|h| h.name).collect();
        assert_eq!(on, case.plan.hosts_on, "seed {seed}");
        assert_eq!(case.world.violations(), [], "seed {seed}");
    }

    #[test]
    fn every_plan_is_a_plan_and_rehearses_without_contradiction() {
        for seed in 0..500 {
            let case = random_case(seed);
            assert_eq!(rehearse(&case.plan).contradictions, [], "seed {seed}");
            assert_eq!(models::plan::Plan::from_text(&case.plan.to_text()).expect("it reads"), case.plan);
            assert_eq!(case.plan.start, Some(case.world.start()));
            for (i, step) in case.plan.steps.iter().enumerate() {
                assert_eq!(step.number as usize, i + 1);
                assert!(step.beside <= MOST_BESIDE && step.beside as usize <= i);
            }
        }
    }

    #[test]
    fn every_plan_carried_out_step_by_step_ends_as_it_says() {
        for seed in 0..500 {
            let case = random_case(seed);
            case.plan.steps.iter().for_each(|s| carry(&case.world, s));
            ends_as_it_says(seed, &case);
        }
    }

    /// The steps that may be done beside each other, in groups.
    fn groups(steps: &[Step]) -> Vec<&[Step]> {
        steps.chunk_by(|_, next| next.beside > 0).collect()
    }

    #[test]
    fn steps_beside_each_other_can_be_done_all_at_once_or_in_the_other_order() {
        for seed in 0..500 {
            let at_once = random_case(seed);
            for group in groups(&at_once.plan.steps) {
                if group.len() == 1 {
                    carry(&at_once.world, &group[0]);
                    continue;
                }
                let mut all: Vec<_> = group.iter().filter_map(|s| act(&at_once.world, s)).collect();
                for (name, pending) in &mut all {
                    assert_eq!(wait(&at_once.world, pending.as_mut(), 300), Ok(Reply::Done), "seed {seed}: {name}");
                }
            }
            ends_as_it_says(seed, &at_once);
            let reversed = random_case(seed);
            groups(&reversed.plan.steps).iter().for_each(|g| g.iter().rev().for_each(|s| carry(&reversed.world, s)));
            ends_as_it_says(seed, &reversed);
        }
    }

    #[test]
    fn the_generator_makes_hard_cases() {
        let (mut kinds, mut beside, mut overlapping, mut off, mut stopped, mut long): (BTreeMap<String, u32>, u32, u32, u32, u32, u32) =
            Default::default();
        for seed in 0..500 {
            let case = random_case(seed);
            for step in &case.plan.steps {
                *kinds.entry(step.action.to_string().split(' ').take(2).collect()).or_default() += 1;
                beside += u32::from(step.beside > 0);
                overlapping += u32::from(step.starts_after_s.is_some());
            }
            let begin = case.world.start();
            off += u32::from(begin.hosts.iter().any(|h| !h.on));
            stopped += u32::from(begin.guests.iter().any(|g| g.runs_on.is_none()));
            long += u32::from(case.plan.steps.len() >= 8);
        }
        assert_eq!(kinds.len(), 8, "every action: {kinds:?}");
        assert!(kinds.values().all(|n| *n >= 50), "{kinds:?}");
        assert!(kinds["migrateguest"] >= 1_000 && kinds["poweroff"] >= 150, "{kinds:?}");
        assert!(beside >= 300 && overlapping >= 10, "{beside} beside, {overlapping} boots that overlap");
        assert!(
            off >= 100 && stopped >= 100 && long >= 150,
            "{off} with a host off, {stopped} with a guest stopped, {long} of 8 steps or more"
        );
    }

    #[test]
    fn the_same_seed_gives_the_same_log_and_another_gives_another() {
        let run = |seed| {
            let case = random_case(seed);
            let faults = FaultPlan::random(seed, &case.world, Outsiders::Meddle);
            let w = case.world.clone().faults(faults);
            for step in &case.plan.steps {
                if let Some((_, mut pending)) = faulty(&w, step) {
                    let _ = wait(&w, pending.as_mut(), 60);
                }
            }
            w.executor_died();
            sleep(&w, 3_600);
            (w.log(), w.calls(), w.violations())
        };
        let mut different = BTreeSet::new();
        for seed in 0..100 {
            let once = run(seed);
            assert_eq!(once, run(seed), "seed {seed}");
            different.insert(format!("{once:?}"));
        }
        assert_eq!(different.len(), 100);
    }

    /// As [`act`], and takes what comes.
    fn faulty(w: &World, step: &Step) -> Option<(String, Box<dyn Pending>)> {
        match &step.action {
            Action::BootHost { .. } | Action::PowerOffHost { .. } | Action::DefineGuest { .. } => {
                let name = match &step.action {
                    Action::BootHost { host } | Action::PowerOffHost { host } | Action::DefineGuest { host, .. } => host,
                    _ => return None,
                };
                let what = if matches!(step.action, Action::BootHost { .. }) { Switch::On } else { Switch::Status };
                let _ = switch(w, name, what);
                None
            }
            _ => act(w, step),
        }
    }
}
