//! Thousands of courses that a run can take: random sites and plans, faults from seeds, the executor's death at every call and at every line of its
//! journal. A failed test prints its seed and the whole tale.

#[allow(dead_code, reason = "each test file takes what it needs")]
mod driver;

use driver::{Life, Story};
use executor::carry::Outcome;
use proptest::prelude::*;
use testbed::fake::{AppendCrash, CallCrash, CallFault, Fault, FaultPlan, Outsiders, random_case};

/// Lives after which a run that is resumed in peace has ended.
const LIVES: usize = 12;

fn finished(life: &Life) -> bool {
    matches!(life, Life::Ended(Outcome { stopped: None, .. }))
}

/// Resumes until the run has finished.
fn finish(story: &Story) {
    let mut last = story.live();
    for _ in 0..LIVES {
        if finished(&last) {
            return;
        }
        last = story.live();
    }
    panic!("in peace, the run does not end: {last:?}\n{}", story.tale());
}

#[test]
fn without_faults_every_plan_ends_as_it_says() {
    for seed in 0..400 {
        let case = random_case(seed);
        let story = Story::new(case.world, case.plan);
        let life = story.live();
        assert!(finished(&life), "seed {seed}: {life:?}\n{}", story.tale());
        story.judge();
        story.at_the_end(&case.end);
    }
}

#[test]
fn killed_at_any_call_and_resumed_the_plan_ends_as_it_says() {
    let mut deaths = 0;
    for seed in 0..20 {
        let calm = Story::new(random_case(seed).world, random_case(seed).plan);
        assert!(finished(&calm.live()));
        for nth in 1..=calm.world.begun() {
            for crash in [CallCrash::Before, CallCrash::After] {
                let case = random_case(seed);
                let story = Story::new(case.world, case.plan);
                story.world.crash_at_call(nth, crash);
                let life = story.live();
                assert!(matches!(life, Life::Killed), "seed {seed}, call {nth}: {life:?}");
                story.before_or_after();
                deaths += 1;
                story.world.peace();
                finish(&story);
                story.judge();
                story.at_the_end(&case.end);
            }
        }
    }
    assert!(deaths > 1000, "the cases are too small: {deaths} deaths");
}

#[test]
fn killed_at_any_line_of_the_journal_and_resumed_the_plan_ends_as_it_says() {
    let mut deaths = 0;
    for seed in 0..40 {
        let calm = Story::new(random_case(seed).world, random_case(seed).plan);
        assert!(finished(&calm.live()));
        for nth in 1..=calm.world.appends() {
            for crash in [AppendCrash::Before, AppendCrash::Torn, AppendCrash::Unsynced, AppendCrash::Synced] {
                let case = random_case(seed);
                let story = Story::new(case.world, case.plan);
                story.world.crash_at_append(nth, crash);
                let life = story.live();
                assert!(matches!(life, Life::Killed), "seed {seed}, line {nth}: {life:?}");
                story.before_or_after();
                deaths += 1;
                story.world.peace();
                // Killed after its last word, it has nothing left to do.
                let over = story.history().is_some_and(|h| executor::journal::Progress::of(&h).finished);
                if !over {
                    finish(&story);
                }
                story.judge();
                story.at_the_end(&case.end);
            }
        }
    }
    assert!(deaths > 1000, "the cases are too small: {deaths} deaths");
}

#[test]
fn a_disk_that_is_full_stops_everything_and_nothing_is_asked_after_it() {
    for seed in 0..60 {
        let calm = Story::new(random_case(seed).world, random_case(seed).plan);
        assert!(finished(&calm.live()));
        for nth in 1..=calm.world.appends() {
            let case = random_case(seed);
            let story = Story::new(case.world, case.plan);
            story.world.full_at_append(nth);
            let life = story.live();
            assert!(matches!(life, Life::NoDisk), "seed {seed}, line {nth}: {life:?}");
            // Each act has its line before it: as many as were written at most.
            let intents = story.history().map_or(0, |h| h.lines.iter().filter(|l| l.what.word() == "intent").count());
            assert!(story.world.acts().len() <= intents, "seed {seed}: {:?}\n{}", story.world.acts(), story.tale());
            story.judge();
        }
    }
}

/// Cases a property is tried on; `SHUYAKU_SCHEDULES` asks for more.
fn cases() -> ProptestConfig {
    let cases = std::env::var("SHUYAKU_SCHEDULES").ok().and_then(|n| n.parse().ok()).unwrap_or(1000);
    ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() }
}

proptest! {
    #![proptest_config(cases())]

    #[test]
    fn whatever_goes_wrong_there_is_never_a_second_copy_and_nothing_that_is_not_in_the_plan(
        case_seed in 0u64..1_000_000, fault_seed in 0u64..1_000_000, crash in proptest::option::of((1u64..150, any::<bool>())), parallel in 1u32..5,
        managed in any::<bool>(), post_copy in any::<bool>(),
    ) {
        let case = random_case(case_seed);
        let faults = FaultPlan::random(fault_seed, &case.world, Outsiders::KeepAway);
        let mut story = Story::new(case.world.faults(faults), case.plan);
        story.max_parallel = parallel;
        (story.inventory.migration.how.peer_to_peer, story.inventory.migration.how.post_copy) = (!managed, post_copy);
        if let Some((nth, before)) = crash {
            story.world.crash_at_call(nth, if before { CallCrash::Before } else { CallCrash::After });
        }
        for _ in 0..4 {
            if finished(&story.live()) {
                break;
            }
        }
        story.judge();
        // In peace it ends, or says why it cannot; it never goes on for ever.
        story.world.peace();
        for _ in 0..3 {
            if finished(&story.live()) {
                break;
            }
        }
        story.judge();
    }

    #[test]
    fn where_only_calls_and_replies_go_wrong_the_plan_ends_as_it_says_once_they_do_not(
        case_seed in 0u64..1_000_000, fault_seed in 0u64..1_000_000, crash in proptest::option::of((1u64..150, any::<bool>())), parallel in 1u32..5,
        managed in any::<bool>(), post_copy in any::<bool>(),
    ) {
        let case = random_case(case_seed);
        let mut faults = FaultPlan::random(fault_seed, &case.world, Outsiders::KeepAway);
        // One that takes effect much later than all else is done is no fault of its reply.
        faults.0.retain(|f| matches!(f, Fault::OfCall(_, c) if !matches!(c, CallFault::Late { .. })));
        let mut story = Story::new(case.world.faults(faults), case.plan);
        story.max_parallel = parallel;
        (story.inventory.migration.how.peer_to_peer, story.inventory.migration.how.post_copy) = (!managed, post_copy);
        if let Some((nth, before)) = crash {
            story.world.crash_at_call(nth, if before { CallCrash::Before } else { CallCrash::After });
        }
        let life = story.live();
        if !finished(&life) {
            if matches!(life, Life::Killed) {
                story.before_or_after();
            }
            story.world.peace();
            finish(&story);
        }
        story.judge();
        story.at_the_end(&case.end);
    }

    #[test]
    fn whatever_others_do_the_executor_itself_never_makes_a_second_copy(
        case_seed in 0u64..1_000_000, fault_seed in 0u64..1_000_000, parallel in 1u32..5,
    ) {
        let case = random_case(case_seed);
        let faults = FaultPlan::random(fault_seed, &case.world, Outsiders::Meddle);
        let mut story = Story::new(case.world.faults(faults), case.plan);
        story.max_parallel = parallel;
        for _ in 0..4 {
            if finished(&story.live()) {
                break;
            }
        }
        story.judge_beside_others();
    }
}
