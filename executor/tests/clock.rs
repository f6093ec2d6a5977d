//! The operator's wish to stop, by real signals to a real second process; and the time of day.

mod second;

use std::os::unix::process::ExitStatusExt as _;
use std::path::Path;
use std::time::Duration;

use executor::clock::{Clock as _, SystemClock};
use rustix::process::Signal;
use second::{SECOND, Second, for_ever, say};

/// The second process of the two tests below.
fn stops_when_asked() -> ! {
    let clock = SystemClock::stopped_by_signals().unwrap();
    assert!(!clock.stop_is_asked());
    say("running");
    while !clock.stop_is_asked() {
        clock.sleep(Duration::from_millis(2));
    }
    say("stopping");
    for_ever();
}

#[test]
fn the_first_sigterm_asks_for_a_stop_and_the_second_is_death() {
    if std::env::var_os(SECOND).is_some() {
        stops_when_asked();
    }
    let mut second = Second::of("the_first_sigterm_asks_for_a_stop_and_the_second_is_death", Path::new("."));
    second.awaits("running");
    second.signal(Signal::TERM);
    second.awaits("stopping");
    second.signal(Signal::TERM);
    assert_eq!(second.child.wait().unwrap().signal(), Some(15));
}

#[test]
fn the_first_control_c_asks_for_a_stop_and_a_second_signal_of_either_kind_is_death() {
    if std::env::var_os(SECOND).is_some() {
        stops_when_asked();
    }
    let mut second = Second::of("the_first_control_c_asks_for_a_stop_and_a_second_signal_of_either_kind_is_death", Path::new("."));
    second.awaits("running");
    second.signal(Signal::INT);
    second.awaits("stopping");
    second.signal(Signal::TERM);
    assert_eq!(second.child.wait().unwrap().signal(), Some(15));
}

#[test]
fn the_clock_of_the_system_is_the_clock_of_the_system_and_does_not_go_back() {
    let folder = tempfile::tempdir().unwrap();
    let modified = |name: &str| {
        std::fs::write(folder.path().join(name), "").unwrap();
        folder.path().join(name).metadata().unwrap().modified().unwrap()
    };
    let clock = SystemClock::new();
    let (before, monotonic) = (modified("before"), clock.monotonic_ns());
    // Files are dated by a coarser clock: a tick or more lies between.
    clock.sleep(Duration::from_millis(50));
    let now = std::time::UNIX_EPOCH + Duration::from_nanos(clock.now_unix_ns());
    clock.sleep(Duration::from_millis(50));
    assert!(before < now && now < modified("after"));
    assert!(clock.monotonic_ns() >= monotonic + 100_000_000);
    assert!(!clock.stop_is_asked());
}
