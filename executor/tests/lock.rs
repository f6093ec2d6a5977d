//! One executor a site: with a real second process, really killed.

mod second;

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use executor::lock::{NotLocked, SiteLock};
use rustix::process::Signal;
use second::{SECOND, Second, for_ever, say};

#[test]
fn a_lock_dies_with_its_process_also_by_kill_9_and_not_before() {
    if let Some(state) = std::env::var_os(SECOND) {
        let _lock = SiteLock::take(Path::new(&state), "tsukuba", "apply plan.json").unwrap();
        say("locked");
        for_ever();
    }
    let folder = tempfile::tempdir().unwrap();
    let state = folder.path();
    let mut second = Second::of("a_lock_dies_with_its_process_also_by_kill_9_and_not_before", state);
    second.awaits("locked");
    let pid = second.child.id();
    match SiteLock::take(state, "tsukuba", "resume") {
        Err(NotLocked::Held { site, by, path }) => {
            assert_eq!((site.as_str(), path), ("tsukuba", state.join("tsukuba.lock")));
            assert!(by.starts_with(&format!("process {pid} on host ")) && by.ends_with(": apply plan.json"), "{by}");
        }
        other => panic!("two have it: {other:?}"),
    }
    assert!(SiteLock::holder(state, "tsukuba").unwrap().unwrap().contains(&format!("process {pid} ")));
    // Another site is another lock.
    drop(SiteLock::take(state, "sayo", "apply").unwrap());

    second.signal(Signal::KILL);
    second.child.wait().unwrap();
    assert_eq!(SiteLock::holder(state, "tsukuba").unwrap(), None);
    let lock = SiteLock::take(state, "tsukuba", "resume").unwrap();
    assert!(SiteLock::holder(state, "tsukuba").unwrap().unwrap().ends_with(": resume"), "nothing of the dead one's words is left");
    drop(lock);
    assert_eq!(SiteLock::holder(state, "tsukuba").unwrap(), None);
    drop(SiteLock::take(state, "tsukuba", "apply").unwrap());
}

#[test]
fn a_lock_is_held_within_one_process_too() {
    let folder = tempfile::tempdir().unwrap();
    let _lock = SiteLock::take(folder.path(), "s", "apply").unwrap();
    let why = SiteLock::take(folder.path(), "s", "apply").unwrap_err().to_string();
    assert!(why.starts_with("another run is at work on site s: process ") && why.contains("s.lock is let go of when it ends"), "{why}");
}

#[test]
fn a_lock_and_its_folder_are_made_for_their_owner_alone() {
    let folder = tempfile::tempdir().unwrap();
    let state = folder.path().join("deep/state");
    let _lock = SiteLock::take(&state, "../s", "apply").unwrap();
    let mode = |p: &Path| p.metadata().unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&state), 0o700);
    // The name of a site never leads out of the folder.
    assert_eq!(mode(&state.join("%2E.%2Fs.lock")), 0o600);
}

#[test]
fn a_lock_that_others_can_write_is_refused_with_the_command_that_mends_it() {
    let folder = tempfile::tempdir().unwrap();
    let state = folder.path();
    drop(SiteLock::take(state, "s", "apply").unwrap());
    let refused = |path: &Path| {
        let usual = path.metadata().unwrap().permissions();
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o722)).unwrap();
        let why = SiteLock::take(state, "s", "apply").unwrap_err().to_string();
        assert!(why.contains("can write to it (mode 722)") && why.ends_with(&format!("chmod go-w {}", path.display())), "{why}");
        std::fs::set_permissions(path, usual).unwrap();
    };
    refused(&state.join("s.lock"));
    refused(state);
    drop(SiteLock::take(state, "s", "apply").unwrap());
}

#[test]
fn a_lock_on_whose_way_is_a_folder_that_others_can_write_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let state = folder.path().join("state");
    drop(SiteLock::take(&state, "s", "apply").unwrap());
    std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o777)).unwrap();
    let Err(NotLocked::Open { path, .. }) = SiteLock::take(&state, "s", "apply") else { panic!("it was taken") };
    assert_eq!(path, folder.path());
}

#[test]
fn a_lock_is_not_taken_through_a_symbolic_link() {
    let folder = tempfile::tempdir().unwrap();
    let elsewhere = folder.path().join("elsewhere");
    std::fs::write(&elsewhere, "kept").unwrap();
    std::os::unix::fs::symlink(&elsewhere, folder.path().join("s.lock")).unwrap();
    assert!(matches!(SiteLock::take(folder.path(), "s", "apply"), Err(NotLocked::Io { .. })));
    assert_eq!(std::fs::read_to_string(&elsewhere).unwrap(), "kept");
}
