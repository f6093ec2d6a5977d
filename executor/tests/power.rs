//! Commands that switch hosts, run for real; and the packet that wakes one, received for real.

use std::net::UdpSocket;
use std::path::Path;
use std::time::Duration;

use executor::power::{MOST_OUTPUT_BYTES, Mac, PowerCall, parse_status};
use proptest::prelude::*;

const LONG: Duration = Duration::from_secs(120);

fn words(words: &[&str]) -> Vec<String> {
    words.iter().map(|w| (*w).to_owned()).collect()
}

fn shell(script: &str) -> Vec<String> {
    words(&["sh", "-c", script])
}

fn ended(mut call: PowerCall) -> Result<String, String> {
    loop {
        if let Some(end) = call.poll() {
            return end;
        }
        std::thread::sleep(Duration::from_millis(2));
    }
}

fn run(words: &[String]) -> Result<String, String> {
    ended(PowerCall::begin(words, LONG))
}

/// Waits until a process is gone, or stands there dead.
fn is_gone(pid: &str) -> bool {
    for _ in 0..5000 {
        let stat = std::fs::read_to_string(Path::new("/proc").join(pid).join("stat"));
        // The state stands after the name in brackets.
        let state = stat.ok().and_then(|s| s.rsplit_once(") ").and_then(|(_, rest)| rest.chars().next()));
        if state.is_none_or(|s| s == 'Z') {
            return true;
        }
        std::thread::sleep(Duration::from_millis(2));
    }
    false
}

#[test]
fn what_a_command_prints_is_given_back_and_its_errors_are_not() {
    assert_eq!(run(&shell("echo Chassis Power is on; echo a warning >&2")).unwrap(), "Chassis Power is on\n");
}

#[test]
fn words_go_to_the_command_as_they_stand() {
    assert_eq!(run(&words(&["printf", "%s|", "a b", "$HOME", "*", ";", ""])).unwrap(), "a b|$HOME|*|;||");
}

#[test]
fn a_command_has_our_path_and_nothing_else_of_our_environment_nor_anything_to_read() {
    assert!(std::env::vars().count() > 1, "there is something to leave out");
    assert_eq!(run(&words(&["env"])).unwrap(), format!("PATH={}\n", std::env::var("PATH").unwrap()));
    assert_eq!(run(&words(&["cat"])).unwrap(), "");
    assert_eq!(run(&words(&["pwd"])).unwrap(), "/\n");
}

#[test]
fn a_command_that_fails_says_with_which_words_how_and_what_it_printed() {
    assert_eq!(
        run(&shell("echo out; echo no route to the card >&2; exit 3")).unwrap_err(),
        "`sh -c echo out; echo no route to the card >&2; exit 3`: ended with exit code 3; it printed: \"out\"; its errors: \"no route to the card\""
    );
    assert_eq!(run(&shell("kill -TERM $$")).unwrap_err(), "`sh -c kill -TERM $$`: was killed by signal 15");
}

#[test]
fn a_command_that_is_not_there_or_has_no_words_is_an_error() {
    let why = run(&words(&["/nowhere/ipmi", "on"])).unwrap_err();
    assert!(why.starts_with("`/nowhere/ipmi on`: cannot be run: No such file"), "{why}");
    assert_eq!(run(&[]).unwrap_err(), "``: the command has no words");
}

#[test]
fn a_command_that_does_not_end_in_time_is_killed_with_all_that_it_started() {
    let folder = tempfile::tempdir().unwrap();
    let pid = folder.path().join("pid");
    // The outer sleep is the command; the inner one is of its group and would live on by itself. The name is put there when it is whole.
    let script = format!("sleep 1000 & echo $! > {0}.new; mv {0}.new {0}; sleep 1000", pid.display());
    let call = PowerCall::begin(&shell(&script), Duration::from_millis(400));
    let why = ended(call).unwrap_err();
    assert!(why.ends_with("did not end within 0.4 s and was killed"), "{why}");
    // Killed before it came so far, there is no inner one.
    if let Ok(pid) = std::fs::read_to_string(&pid) {
        assert!(is_gone(pid.trim()));
    }
}

#[test]
fn a_call_that_is_given_up_is_killed_with_all_that_it_started() {
    let folder = tempfile::tempdir().unwrap();
    let pid = folder.path().join("pid");
    let script = format!("sleep 1000 & echo $! > {0}.new; mv {0}.new {0}; sleep 1000", pid.display());
    let mut call = PowerCall::begin(&shell(&script), LONG);
    while !pid.exists() {
        assert_eq!(call.poll(), None);
        std::thread::sleep(Duration::from_millis(2));
    }
    drop(call);
    assert!(is_gone(std::fs::read_to_string(&pid).unwrap().trim()));
}

#[test]
fn of_an_output_without_end_the_beginning_is_kept_and_the_command_is_not_held_up() {
    // 1 MiB of each output: many times what a pipe holds, so that it ends only where it is read.
    let said = run(&shell("head -c 1048576 /dev/zero | tr '\\0' x; head -c 1048576 /dev/zero >&2; echo on")).unwrap();
    assert_eq!(said, "x".repeat(MOST_OUTPUT_BYTES));
}

#[test]
fn what_a_command_leaves_running_does_not_hold_us_up() {
    let said = run(&shell("sleep 1000 & echo $!")).unwrap();
    // It still has our pipe, and is ours to clean up.
    let pid = said.trim().parse().ok().and_then(rustix::process::Pid::from_raw).unwrap();
    rustix::process::kill_process(pid, rustix::process::Signal::KILL).unwrap();
}

#[test]
fn a_host_is_on_or_off_where_one_whole_word_says_so() {
    for on in ["on", "on\n", "Chassis Power is on\n", "PowerState: On", "\"on\"", "power:ON.", "one on"] {
        assert_eq!(parse_status(on), Ok(true), "{on}");
    }
    for off in ["off", "Chassis Power is off\n", "OFF\r\n", "often off"] {
        assert_eq!(parse_status(off), Ok(false), "{off}");
    }
}

#[test]
fn a_status_without_one_such_word_is_an_error_that_quotes_it() {
    assert_eq!(parse_status("Chassis is one\n").unwrap_err(), "it should print the word `on` or `off`, and printed \"Chassis is one\\n\"");
    for none in ["", "power-on", "turn_off", "ÿon", "1on", "онoff"] {
        assert!(parse_status(none).unwrap_err().contains("and printed \""), "{none}");
    }
    for several in ["on off", "on on", "is on, was off"] {
        assert!(parse_status(several).unwrap_err().contains("printed several: \""), "{several}");
    }
}

#[test]
fn the_packet_that_arrives_is_six_bytes_ff_and_the_address_sixteen_times() {
    let receiver = UdpSocket::bind("127.0.0.1:0").unwrap();
    receiver.set_read_timeout(Some(LONG)).unwrap();
    "52:54:00:ab:CD:ef".parse::<Mac>().unwrap().wake_at(receiver.local_addr().unwrap()).unwrap();
    let mut packet = [0; 2000];
    let n = receiver.recv(&mut packet).unwrap();
    assert_eq!(packet[..n], [vec![0xff; 6], [0x52, 0x54, 0x00, 0xab, 0xcd, 0xef].repeat(16)].concat());
}

#[test]
fn what_is_not_the_address_of_a_card_is_refused_with_what_would_be_right() {
    for bad in [
        "",
        "52:54:00:12:34",
        "52:54:00:12:34:56:78",
        "52:54:00:12:34:5",
        "52:54:00:12:34:056",
        "52:54:00:12:34:5g",
        "52:54:00:12:34:+5",
        "52:54-00:12:34:56",
        "525400123456",
        " 52:54:00:12:34:56",
        "52:54:00:12:34:5é",
    ] {
        let why = bad.parse::<Mac>().unwrap_err();
        assert!(why.starts_with(&format!("{bad:?} is not a MAC address: it should be six pairs")), "{why}");
    }
    assert!("01:00:5e:00:00:01".parse::<Mac>().unwrap_err().contains("a group of cards"));
    assert!("ff:ff:ff:ff:ff:ff".parse::<Mac>().unwrap_err().contains("a group of cards"));
    assert!("00-00-00-00-00-00".parse::<Mac>().unwrap_err().contains("no card has it"));
    let why = executor::power::wake_on_lan("52:54:00").unwrap_err();
    assert!(why.ends_with("(like 52:54:00:12:34:56)"), "{why}");
}

proptest! {
    #[test]
    fn every_address_of_a_card_reads_as_itself(mut bytes: [u8; 6], dashes: bool, upper: bool) {
        bytes[0] &= 0xfe;
        bytes[5] |= 1;
        let mut text = bytes.map(|b| format!("{b:02x}")).join(if dashes { "-" } else { ":" });
        if upper {
            text = text.to_uppercase();
        }
        let packet = text.parse::<Mac>().unwrap().magic_packet();
        prop_assert_eq!(&packet[96..], &bytes);
    }
}
