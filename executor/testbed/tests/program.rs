//! The program `testbed`: hosts that it keeps up can be switched from outside, and end with it however it ends.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use testbed::hosts::{Testbed, processes_of, skipped};

const PROGRAM: &str = env!("CARGO_BIN_EXE_testbed");

/// The program with hosts up; killed, should the test end early.
struct Up(Child);

impl Up {
    /// Brings them up, and gives what was printed about them.
    fn new(words: &[&str], root: &Path) -> (Self, String) {
        let mut command = Command::new(PROGRAM);
        let child = command.arg("up").args(words).arg("--root").arg(root).stdout(Stdio::piped()).spawn().expect("the program runs");
        let mut up = Self(child);
        let mut said = String::new();
        let mut lines = BufReader::new(up.0.stdout.take().expect("its output"));
        while !said.contains("Ctrl-C ends them all") {
            assert_ne!(lines.read_line(&mut said).expect("text"), 0, "it ended: {said}");
        }
        (up, said)
    }

    fn end_by(&mut self, signal: Signal) -> ExitStatus {
        let pid = Pid::from_child(&self.0);
        kill_process(pid, signal).expect("it runs");
        self.0.wait().expect("it ends")
    }
}

impl Drop for Up {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn testbed(words: &[&str], root: &Path, last: &str) -> Output {
    Command::new(PROGRAM).args(words).arg(root).arg(last).output().expect("the program runs")
}

fn printed(words: &[&str], root: &Path, last: &str) -> String {
    let output = testbed(words, root, last);
    assert!(output.status.success(), "{words:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn refused(words: &[&str], root: &Path, last: &str) -> String {
    let output = testbed(words, root, last);
    assert!(!output.status.success(), "{words:?}: {}", String::from_utf8_lossy(&output.stdout));
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn hosts_are_switched_from_outside_by_the_inventorys_own_commands_and_end_with_an_interrupt() {
    if skipped() {
        return;
    }
    let folder = tempfile::Builder::new().prefix("testbed-").tempdir().expect("a folder");
    open(folder.path());
    let root = &folder.path().join("hosts");
    let (mut up, said) = Up::new(&["2", "--guests", "1"], root);
    assert!(said.contains("h1/run/libvirt/libvirt-sock  g1\n"), "{said}");
    Testbed::at(root).expect("hosts").await_beats("g1", 1).expect("it beats");

    let inventory: toml::Table =
        std::fs::read_to_string(root.join("site/inventory.toml")).expect("it is there").parse().expect("it is TOML");
    let power = &inventory["host"][0]["power"];
    let switch = |key: &str| {
        let words: Vec<&str> = power[key].as_array().expect("words").iter().filter_map(toml::Value::as_str).collect();
        Command::new(words[0]).args(&words[1..]).output().expect("the command runs")
    };
    let status = || String::from_utf8_lossy(&switch("status").stdout).into_owned();
    assert_eq!(status(), "on\n");
    assert!(!switch("off").status.success(), "a guest runs there");
    assert_eq!(printed(&["power-cut"], root, "h1"), "");
    assert_eq!(status(), "off\n");
    assert!(switch("on").status.success());
    assert_eq!(status(), "on\n");
    assert!(switch("off").status.success(), "the guest is gone");
    assert_eq!(status(), "off\n");
    assert!(switch("on").status.success());
    assert_eq!(printed(&["guests"], root, "h1"), "");
    assert!(printed(&["heartbeats"], root, "g1").starts_with("boot "));

    assert!(refused(&["boot"], root, "h3").contains("no host \"h3\": there are h1 to h2"));
    assert!(refused(&["boot"], folder.path(), "h1").contains("no hosts here"));
    assert!(refused(&["heartbeats"], root, "../owner").contains("no guest"));

    // The host that was booted by another process ends too.
    assert!(up.end_by(Signal::INT).success(), "although nobody reads what it prints any more");
    assert_eq!(processes_of(root), []);
    assert!(!root.exists());
}

#[test]
fn hosts_whose_owner_is_killed_end_and_cannot_be_booted_again() {
    if skipped() {
        return;
    }
    let folder = tempfile::Builder::new().prefix("testbed-").tempdir().expect("a folder");
    open(folder.path());
    let root = &folder.path().join("hosts");
    let (mut up, _) = Up::new(&["2", "--guests", "2"], root);
    // One that hangs and one that was booted from outside as well.
    printed(&["hang"], root, "h1");
    printed(&["power-cut"], root, "h2");
    printed(&["boot"], root, "h2");
    up.end_by(Signal::KILL);
    let end = Instant::now() + Duration::from_secs(60);
    while !processes_of(root).is_empty() {
        assert!(Instant::now() < end, "these live on: {:?}", processes_of(root));
        thread::sleep(Duration::from_millis(10));
    }
    assert!(refused(&["boot"], root, "h1").contains("the process that kept these hosts up is gone"));
}

#[test]
fn a_folder_with_something_in_it_is_refused_and_left_alone_and_so_are_hosts_that_cannot_be_numbered() {
    if skipped() {
        return;
    }
    let folder = tempfile::tempdir().expect("a folder");
    let new = folder.path().join("new");
    for count in ["0", "201"] {
        assert!(refused(&["up", count, "--root"], &new, "--guests=0").contains(&format!("{count} hosts: from 1 to 200 can be had")));
    }
    assert!(!new.exists());
    std::fs::write(folder.path().join("mine"), "mine").expect("written");
    let output = Command::new(PROGRAM).args(["up", "1", "--root"]).arg(folder.path()).output().expect("the program runs");
    assert!(!output.status.success());
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains("there is something in it"), "{said}");
    assert_eq!(std::fs::read_to_string(folder.path().join("mine")).expect("still there"), "mine");
}

/// Daemons that run as `nobody` must get through it.
fn open(folder: &Path) {
    use std::os::unix::fs::PermissionsExt;
    std::fs::set_permissions(folder, std::fs::Permissions::from_mode(0o755)).expect("it is ours");
}
