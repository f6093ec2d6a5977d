//! How runs begin, go on and go back: examples on hosts that are none.

#[allow(dead_code, reason = "each test file takes what it needs")]
mod driver;

use std::collections::BTreeSet;

use driver::{Life, Story};
use executor::carry::Outcome;
use executor::failure::Failure;
use executor::prepare::Refusal;
use executor::runs::NotReady;
use models::plan::{Action, Plan, Step};
use proptest::prelude::*;
use testbed::fake::{CallCrash, Fault, FaultPlan, Incident, Kind, Nth, World, random_case};

fn plan(world: &World, actions: Vec<Action>) -> Plan {
    let steps = (1..).zip(actions).map(|(number, action)| Step {
        number,
        before: Vec::new(),
        after: Vec::new(),
        action,
        starts_after_s: None,
        beside: 0,
    });
    models::example::plan("fake", Some(world.start()), steps.collect())
}

fn migrate(guest: &str, from: &str, to: &str) -> Action {
    Action::MigrateGuest { guest: guest.into(), from: from.into(), to: to.into() }
}

fn start(guest: &str, host: &str) -> Action {
    Action::StartGuest { guest: guest.into(), host: host.into() }
}

fn stop(guest: &str, host: &str) -> Action {
    Action::StopGuest { guest: guest.into(), host: host.into() }
}

fn define(guest: &str, host: &str) -> Action {
    Action::DefineGuest { guest: guest.into(), host: host.into() }
}

fn three() -> World {
    World::new(7).host("h1", 1024).host("h2", 1024).host("h3", 1024).guest("g1", "h1", 256).guest("g2", "h1", 256).guest("g3", "h2", 256)
}

fn of(world: World, actions: Vec<Action>) -> Story {
    let plan = plan(&world, actions);
    Story::new(world, plan)
}

#[track_caller]
fn ended(life: Life) -> Outcome {
    match life {
        Life::Ended(outcome) => outcome,
        other => panic!("{other:?}"),
    }
}

#[track_caller]
fn failure(life: Life) -> Failure {
    let outcome = ended(life);
    assert!(outcome.stopped.is_some());
    outcome.failed.into_iter().next().expect("a step failed").1
}

#[track_caller]
fn refusal(life: Life) -> Refusal {
    match life {
        Life::NotReady(NotReady::Refused(r)) => r,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_stale_plan_is_refused_with_what_differs_and_nothing_is_done() {
    let story = of(three(), vec![migrate("g1", "h1", "h2")]);
    story.world.strike(Incident::DestroyGuest { guest: "g3".into() });
    let Refusal::Stale { nearest: 0, differs } = refusal(story.live()) else { panic!("it is stale") };
    assert_eq!(differs.len(), 1);
    assert_eq!(differs[0].to_string(), "guest g3 should run on h2, and is shut off on h2");
    assert!(story.world.acts().is_empty());
}

#[test]
fn a_site_that_is_half_way_along_a_plan_goes_on_from_there() {
    let story = of(three(), vec![migrate("g1", "h1", "h2"), migrate("g2", "h1", "h3")]);
    story.world.strike(Incident::MigrateAway { guest: "g1".into(), to: "h2".into() });
    while story.world.runs_on("g1") != ["h2"] {
        executor::clock::Clock::sleep(&story.world, std::time::Duration::from_secs(1));
    }
    let outcome = ended(story.live());
    assert_eq!((outcome.done, outcome.stopped), (vec![(2, false)], None));
    assert_eq!(story.world.runs_on("g2"), ["h3"]);
}

#[test]
fn steps_that_were_asked_for_are_done_and_the_others_are_left_and_none_may_be_left_out_before_them() {
    let mut story = of(three(), vec![migrate("g1", "h1", "h2"), migrate("g2", "h1", "h3"), migrate("g3", "h2", "h3")]);
    story.only = BTreeSet::from([2, 3]);
    assert_eq!(refusal(story.live()), Refusal::OutOfOrder { wanted: 2, missing: 1 });
    story.only = BTreeSet::from([9]);
    assert_eq!(refusal(story.live()), Refusal::NoStep(9, 3));
    story.only = BTreeSet::from([1, 2]);
    assert_eq!(ended(story.live()).done, [(1, false), (2, false)]);
    assert_eq!(story.world.runs_on("g3"), ["h2"]);
}

#[test]
fn after_the_time_that_was_given_no_step_begins() {
    let mut story = of(three(), vec![migrate("g1", "h1", "h2")]);
    story.until_unix_ns = Some(executor::clock::Clock::now_unix_ns(&story.world));
    let outcome = ended(story.live());
    assert!(outcome.stopped.is_some_and(|w| w.contains("time")) && outcome.done.is_empty());
    assert!(story.world.acts().is_empty());
    // It can be resumed without the limit.
    story.until_unix_ns = None;
    assert_eq!(ended(story.live()).stopped, None);
}

#[test]
fn an_operator_who_asks_to_stop_gets_the_step_under_way_finished_and_no_other_begun() {
    let story = of(three(), vec![migrate("g1", "h1", "h2"), migrate("g2", "h1", "h3")]);
    story.world.strike(Incident::StopAsked);
    let outcome = ended(story.live());
    assert!(outcome.stopped.is_some_and(|w| w.contains("operator")) && outcome.done.is_empty());
}

#[test]
fn a_guest_is_started_nowhere_while_a_host_that_may_run_it_is_silent_and_is_once_that_host_is_fenced() {
    // h3 cannot be asked for its power, and its network fails: it may run anything.
    let world = World::new(3).host("h1", 1024).host("h2", 1024).host("h3", 1024).stopped("g1", "h1", 256).without_power("h3");
    let mut story = of(world, vec![define("g1", "h2"), start("g1", "h2")]);
    story.plan.start.as_mut().unwrap().hosts.retain(|h| h.name != "h3");
    story.world.strike(Incident::Unplug { host: "h3".into(), replugged_after_ns: None });
    let Failure::Unclear { guest, hosts } = failure(story.live()) else { panic!("it is unclear") };
    assert_eq!((guest.as_str(), hosts), ("g1", vec!["h3".to_owned()]));
    assert!(story.world.runs_on("g1").is_empty());
    story.fenced.insert("h3".into());
    assert_eq!(ended(story.live()).stopped, None);
    assert_eq!(story.world.runs_on("g1"), ["h2"]);
}

#[test]
fn a_host_that_is_said_to_be_fenced_and_answers_is_not_believed_to_be_off() {
    let mut story = of(three(), vec![migrate("g1", "h1", "h2")]);
    story.fenced.insert("h3".into());
    assert!(matches!(refusal(story.live()), Refusal::NotOff { host, .. } if host == "h3"));
}

#[test]
fn a_host_lost_in_the_plan_that_is_not_surely_off_stops_everything() {
    let world = three().without_power("h3");
    let mut story = of(world, vec![migrate("g1", "h1", "h2")]);
    story.plan.lost = vec!["h3".into()];
    story.plan.start.as_mut().unwrap().hosts.retain(|h| h.name != "h3");
    assert!(matches!(refusal(story.live()), Refusal::NotOff { host, .. } if host == "h3"));
    story.world.strike(Incident::Unplug { host: "h3".into(), replugged_after_ns: None });
    assert_eq!(refusal(story.live()), Refusal::NotFenced("h3".into()));
    story.fenced.insert("h3".into());
    assert_eq!(ended(story.live()).stopped, None);
}

#[test]
fn autostart_goes_with_a_guest_that_is_moved_or_stopped_here_and_started_there() {
    let world = three().autostart("g1").autostart("g3");
    let steps = vec![migrate("g1", "h1", "h2"), stop("g3", "h2"), define("g3", "h3"), start("g3", "h3")];
    let story = of(world, steps);
    assert_eq!(ended(story.live()).stopped, None, "{}", story.tale());
    // The old host of g3 is power-cycled: it does not start it again.
    story.world.strike(Incident::Cut { host: "h2".into(), boots_after_ns: Some(1_000_000_000) });
    executor::clock::Clock::sleep(&story.world, std::time::Duration::from_secs(300));
    assert_eq!(story.world.runs_on("g3"), ["h3"]);
    // g1 was there, and comes back by itself.
    assert_eq!(story.world.runs_on("g1"), ["h2"]);
    assert!(story.world.violations().is_empty(), "{:?}", story.world.violations());
}

#[test]
fn two_copies_by_somebodys_hand_are_named_and_nothing_is_done_to_either() {
    let story = of(three(), vec![migrate("g1", "h1", "h2"), migrate("g2", "h1", "h3")]);
    story.world.crash_at_call(9, CallCrash::After);
    assert!(matches!(story.live(), Life::Killed));
    let before = story.world.acts().len();
    executor::clock::Clock::sleep(&story.world, std::time::Duration::from_secs(60));
    let at = story.world.runs_on("g1")[0].clone();
    let other = if at == "h3" { "h1" } else { "h3" };
    story.world.strike(Incident::StartElsewhere { guest: "g1".into(), host: other.into() });
    let refused = refusal(story.live());
    assert!(matches!(&refused, Refusal::Failed(Failure::BothRunning { guest, .. }) if guest == "g1"), "{refused:?}");
    assert!(refused.to_string().contains("BY HAND"), "{refused}");
    assert_eq!(story.world.acts().len(), before, "{}", story.tale());
    assert_eq!(story.world.runs_on("g1").len(), 2);
}

#[test]
fn a_guest_that_has_no_room_where_it_should_go_is_not_sent() {
    // 1,024 MiB for guests on h2, of which g3 has 256 and g4 600.
    let story = of(three().guest("g4", "h2", 600), vec![migrate("g1", "h1", "h2")]);
    let Failure::NoMemory { host, guest, needed_mib: 256, free_mib: 168 } = failure(story.live()) else { panic!("there is no room") };
    assert_eq!((host.as_str(), guest.as_str()), ("h2", "g1"));
    assert!(story.world.acts().is_empty());
}

#[test]
fn two_guests_on_their_way_to_one_host_do_not_take_the_same_room() {
    // Room for one of them, in a plan that is wrong and says that both may go at once.
    let mut story = of(three().guest("g4", "h2", 400), vec![migrate("g1", "h1", "h2"), migrate("g2", "h1", "h2")]);
    story.plan.steps[1].beside = 1;
    assert!(matches!(failure(story.live()), Failure::NoMemory { guest, .. } if guest == "g2"));
    assert!(story.world.violations().is_empty(), "{:?}", story.world.violations());
    assert_eq!((story.world.runs_on("g1"), story.world.runs_on("g2")), (vec!["h2".to_owned()], vec!["h1".to_owned()]));
}

/// When calls of a kind were begun and migrations ended, in order.
fn course(story: &Story) -> Vec<&'static str> {
    let log = story.world.log();
    let one = |what: &str| match what {
        w if w.contains(" migrate ") && w.ends_with("is begun") => Some("begun"),
        w if w.starts_with("the migration of ") && w.contains(" ends: ") => Some("ended"),
        _ => None,
    };
    log.iter().filter_map(|h| one(&h.what)).collect()
}

#[test]
fn steps_are_done_side_by_side_where_the_plan_says_so_and_only_there() {
    let moves = || vec![migrate("g1", "h1", "h2"), migrate("g2", "h1", "h3")];
    let story = of(three(), moves());
    assert_eq!(ended(story.live()).stopped, None);
    assert_eq!(course(&story), ["begun", "ended", "begun", "ended"]);
    let mut story = of(three(), moves());
    story.plan.steps[1].beside = 1;
    assert_eq!(ended(story.live()).stopped, None);
    assert_eq!(course(&story), ["begun", "begun", "ended", "ended"]);
    // One lane is one lane.
    let mut story = of(three(), moves());
    story.plan.steps[1].beside = 1;
    story.max_parallel = 1;
    assert_eq!(ended(story.live()).stopped, None);
    assert_eq!(course(&story), ["begun", "ended", "begun", "ended"]);
}

#[test]
fn what_happens_to_a_guest_that_no_step_is_about_stops_the_run_before_its_next_step() {
    let first = Nth { kind: Some(Kind::Migrate), nth: 1 };
    let world = three().faults(FaultPlan(vec![Fault::AtCall(first, Incident::DestroyGuest { guest: "g3".into() })]));
    let story = of(world, vec![migrate("g1", "h1", "h2"), migrate("g2", "h1", "h3")]);
    let outcome = ended(story.live());
    assert_eq!(outcome.done, [(1, false)]);
    assert!(matches!(&outcome.failed[..], [(2, Failure::GuestVanished { guest, .. })] if guest == "g3"), "{outcome:?}");
    assert_eq!(story.world.runs_on("g2"), ["h1"]);
    // Nor is it resumed as long as that is so.
    let Life::NotReady(NotReady::Moved(differs)) = story.live() else { panic!("the site has moved") };
    assert_eq!(differs[0].to_string(), "guest g3 should run on h2, and is shut off on h2");
}

#[test]
fn what_is_rolled_back_can_be_neither_resumed_nor_rolled_back_again_without_a_word() {
    let story = of(three(), vec![stop("g1", "h1"), migrate("g2", "h1", "h3")]);
    assert_eq!(ended(story.live()).stopped, None);
    assert_eq!(ended(story.roll_back()).stopped, None);
    assert_eq!((story.world.runs_on("g1"), story.world.runs_on("g2")), (vec!["h1".to_owned()], vec!["h1".to_owned()]));
}

#[test]
fn a_run_that_did_nothing_has_nothing_to_roll_back() {
    let mut story = of(three(), vec![migrate("g1", "h1", "h2")]);
    story.until_unix_ns = Some(0);
    assert!(ended(story.live()).stopped.is_some());
    assert!(matches!(story.roll_back(), Life::NotReady(NotReady::NothingToRollBack)));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn rolled_back_wherever_it_was_killed_a_run_leaves_every_guest_and_host_as_it_found_them(
        case_seed in 0u64..1_000_000, nth in proptest::option::of(1u64..200),
    ) {
        let case = random_case(case_seed);
        let story = Story::new(case.world, case.plan);
        let first = story.world.start();
        if let Some(nth) = nth {
            story.world.crash_at_call(nth, CallCrash::After);
        }
        let life = story.live();
        prop_assume!(story.history().is_some());
        story.world.peace();
        // What is under way when it dies goes on: it is waited for, as an operator would.
        executor::clock::Clock::sleep(&story.world, std::time::Duration::from_secs(600));
        match story.roll_back() {
            Life::Ended(Outcome { stopped: None, .. }) => {}
            Life::NotReady(NotReady::NothingToRollBack) => {}
            other => panic!("after {life:?}: {other:?}\n{}", story.tale()),
        }
        let last = story.world.start();
        for (a, b) in first.guests.iter().zip(&last.guests) {
            prop_assert_eq!(&a.runs_on, &b.runs_on, "{}\n{}", &a.name, story.tale());
        }
        for (a, b) in first.hosts.iter().zip(&last.hosts) {
            prop_assert_eq!(a.on, b.on, "{}\n{}", &a.name, story.tale());
        }
        for v in story.world.violations() {
            prop_assert!(v.call().is_none(), "{:?}\n{}", v, story.tale());
        }
    }
}
