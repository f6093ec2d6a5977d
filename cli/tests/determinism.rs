//! The same scenario and the same seed give the same bytes, whatever the number of threads.

mod common;

use common::{FILES, Planned};

#[track_caller]
fn same(a: &Planned, b: &Planned) {
    for file in FILES {
        assert!(a.text(file) == b.text(file), "{file} is another");
    }
}

/// Mail and outbreaks are drawn at random: three replications, of which each thread takes what comes.
#[test]
fn maffin_is_the_same_with_one_thread_and_with_two_and_another_with_another_seed() {
    let one = Planned::of("s0-maffin", &["--replications", "3", "--threads", "1"]);
    let two = Planned::of("s0-maffin", &["--replications", "3", "--threads", "2"]);
    same(&one, &two);
    assert_eq!(one.plan().replications, 3);

    let other = Planned::of("s0-maffin", &["--replications", "3", "--seed", "2"]);
    assert!(other.text("measures.json") != one.text("measures.json"), "the seed changes nothing");
    assert_eq!((one.plan().seed, other.plan().seed), (1, 2));
    let energy = |run: &Planned| run.measures().fleets[0].measures.site.energy_wh.get();
    assert_ne!(energy(&one), energy(&other), "only the seed's own number is another");
}

#[test]
fn spring8_is_the_same_with_one_thread_and_with_two() {
    same(&Planned::of("s1-spring8", &["--threads", "1"]), &Planned::of("s1-spring8", &["--threads", "2"]));
}

#[test]
fn the_same_seed_twice_is_the_same_run() {
    let run = || Planned::of("s3-jparc", &["--seed", "7"]);
    same(&run(), &run());
}

#[test]
fn a_recording_is_replayed_once_however_many_replications_are_asked_for() {
    let (few, many) = (Planned::of("bitbrains", &["--replications", "1"]), Planned::of("bitbrains", &["--replications", "9"]));
    same(&few, &many);
    assert_eq!(many.plan().replications, 1);
}
