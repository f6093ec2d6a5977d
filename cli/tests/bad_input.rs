//! What a user hands in that cannot be used: exit 2, the place, nothing on stdout, and nothing written.

mod common;

use std::ffi::OsStr;
use std::path::Path;

use common::{Copy, Said, names, plan, read, scenario, shuyaku};

/// `plan` is refused, for people and as JSON; stderr says all of `says`, and the folder of output does not appear.
#[track_caller]
fn refused(site: &Path, says: &[&str]) {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out");
    for json in [false, true] {
        let said = plan(site, &out, if json { &["--json"] } else { &[] }).exits(2);
        assert_eq!(said.out, "", "stdout is for answers");
        assert!(names(folder.path()).is_empty(), "something was written: {:?}", names(&out));
        if json {
            let error: serde_json::Value = serde_json::from_str(&said.err).unwrap_or_else(|e| panic!("{e}:\n{}", said.err));
            assert_eq!(error["severity"], "error");
            let text = format!("{} {}", error["message"].as_str().unwrap(), error["help"].as_str().unwrap_or(""));
            has(&text, says);
        } else {
            // Long lines are folded for people, wherever a space stands: a fold is no difference.
            has(&said.err.split_whitespace().filter(|w| *w != "│").collect::<Vec<_>>().join(" "), says);
            assert!(!said.err.contains('\u{1b}'), "no colour without a terminal");
        }
    }
}

#[track_caller]
fn has(text: &str, says: &[&str]) {
    for word in says {
        assert!(text.contains(word), "`{word}` is not in\n{text}");
    }
    assert!(!text.contains("panicked"), "{text}");
}

/// The line of site.toml on which `text` stands first, as `site.toml:LINE:`.
fn line_of(site: &Copy, text: &str) -> String {
    let at = read(&site.path().join("site.toml")).lines().position(|l| l.contains(text)).unwrap();
    format!("site.toml:{}:", at + 1)
}

#[track_caller]
fn refused_with(changes: &[(&str, &str)], at: &str, says: &[&str]) {
    let site = Copy::with("s4-wide", changes);
    let place = line_of(&site, at);
    refused(site.path(), &[&[place.as_str()], says].concat());
}

/// s1-spring8 with a recording of two columns for two of its guests.
fn with_recording(csv: &[u8]) -> Copy {
    let site = Copy::changed("s1-spring8", |site| {
        let load = "[[load.recorded-cpu]]\nname = \"cpu\"\nguests = [\"web-1\", \"web-2\"]\nfile = \"traces/cpu.csv\"\nunit = \"percent-of-vcpu\"\nvcpu_mhz = [1000]\nstep_s = 300\ntime_column = \"minute\"\ntime_step = 5.0\ncolumns = \"by-order\"\nsource = \"measured:a test\"\n\n[prices]\n";
        site.replace("steps = 288", "steps = 3").replace("[prices]\n", load)
    });
    site.write("traces/cpu.csv", csv);
    site
}

#[test]
fn a_recording_that_is_well_is_read() {
    let site = with_recording(b"minute,a,b\n0,1,2\n5,3,4\n10,5,6\n");
    shuyaku(["check".as_ref(), site.path().as_os_str()]).exits(0);
}

#[test]
fn a_folder_that_is_not_there_is_named() {
    refused("no/such/folder".as_ref(), &["no/such/folder: there is no such folder"]);
}

#[test]
fn a_folder_without_a_site_is_named() {
    let folder = tempfile::tempdir().unwrap();
    refused(folder.path(), &["site.toml: there is no such file"]);
}

#[test]
fn a_key_that_is_not_known_is_shown_with_the_one_that_was_meant() {
    let first = read(&scenario("s4-wide").join("site.toml")).lines().find(|l| l.starts_with("step_s")).unwrap().to_owned();
    let wrong = first.replacen("step_s", "step_sec", 1);
    refused_with(&[(&format!("{first}\n"), &format!("{wrong}\n"))], "step_sec", &["key `horizon.step_sec`", "did you mean `step_s`?"]);
}

/// s1-spring8 with another curve for its biggest class.
fn with_curve(curve: &str) -> Copy {
    let old = "power_w = [418, 438, 455, 472, 490, 511, 538, 566, 591, 611, 627]";
    Copy::with("s1-spring8", &[(old, curve)])
}

#[test]
fn negative_watts_are_refused_where_they_stand() {
    let site = with_curve("power_w = [-418, 438, 455, 472, 490, 511, 538, 566, 591, 611, 627]");
    refused(site.path(), &[&line_of(&site, "[-418,"), "key `class.big-16c-32g.power_w", "-418"]);
}

#[test]
fn watts_that_are_no_number_are_refused_where_they_stand() {
    let site = with_curve("power_w = [418, nan, 455, 472, 490, 511, 538, 566, 591, 611, 627]");
    refused(site.path(), &[&line_of(&site, "nan,"), "key `class.big-16c-32g.power_w"]);
}

#[test]
fn a_curve_that_falls_with_load_is_refused() {
    let site = with_curve("power_w = [418, 438, 430, 472, 490, 511, 538, 566, 591, 611, 627]");
    refused(site.path(), &[&line_of(&site, "438, 430,"), "key `class.big-16c-32g.power_w", "430"]);
}

#[test]
fn a_curve_that_starts_at_zero_is_refused() {
    let site = with_curve("power_w = [0, 438, 455, 472, 490, 511, 538, 566, 591, 611, 627]");
    refused(site.path(), &[&line_of(&site, "[0, 438,"), "key `class.big-16c-32g.power_w"]);
}

#[test]
fn two_classes_or_two_guests_of_one_name_are_refused() {
    let site = Copy::with("s1-spring8", &[("name = \"blade-8c-16g\"", "name = \"blade-8c-8g\"")]);
    refused(site.path(), &["site.toml:", "`blade-8c-8g`", "class"]);
    let site = Copy::with("s1-spring8", &[("name = \"app-{n}\"", "name = \"web-{n}\"")]);
    refused(site.path(), &["site.toml:", "`web-1`"]);
}

#[test]
fn a_guest_larger_than_every_host_is_named_with_both_sizes() {
    let old = "memory_mib = [2048, 1024, 512, 1024, 512, 2048, 1024, 512, 512]";
    let site = Copy::with("s1-spring8", &[(old, "memory_mib = [2048, 1024, 512, 1024, 512, 2048, 1024, 512, 99999]")]);
    refused(site.path(), &["site.toml:", "app-9", "99999"]);
}

#[test]
fn a_gzip_that_is_cut_off_is_named() {
    let site = Copy::of("planetlab");
    let trace = "traces/planetlab_20110303.csv.gz";
    let whole = std::fs::read(site.path().join(trace)).unwrap();
    site.write(trace, &whole[..whole.len() / 2]);
    refused(site.path(), &[trace, "cut off"]);
    site.write(trace, &whole[..whole.len() - 4]);
    refused(site.path(), &[trace, "cut off"]);
    site.write(trace, b"");
    refused(site.path(), &[trace]);
}

#[test]
fn a_recording_without_its_column_of_time_is_refused() {
    let site = with_recording(b"min,a,b\n0,1,2\n5,3,4\n10,5,6\n");
    refused(site.path(), &["traces/cpu.csv", "minute", "did you mean `min`?"]);
}

#[test]
fn a_recording_with_a_column_too_few_is_refused() {
    let site = with_recording(b"minute,a\n0,1\n5,3\n10,5\n");
    refused(site.path(), &["traces/cpu.csv", "2"]);
    let site = with_recording(b"minute,a,b\n0,1,2\n5,3\n10,5,6\n");
    refused(site.path(), &["traces/cpu.csv:3"]);
}

#[test]
fn time_that_runs_backwards_is_refused_at_its_line() {
    let site = with_recording(b"minute,a,b\n0,1,2\n5,3,4\n3,5,6\n");
    refused(site.path(), &["traces/cpu.csv:4", "key `minute`", "backwards", "from 5 to 3"]);
}

#[test]
fn an_empty_recording_is_refused() {
    refused(with_recording(b"").path(), &["traces/cpu.csv"]);
    refused(with_recording(b"minute,a,b\n").path(), &["traces/cpu.csv"]);
}

#[test]
fn a_sample_that_is_no_number_is_refused_at_its_place() {
    refused(with_recording(b"minute,a,b\n0,1,2\n5,x,4\n10,5,6\n").path(), &["traces/cpu.csv:3", "key `a`", "x"]);
    refused(with_recording(b"minute,a,b\n0,1,2\n5,-1,4\n10,5,6\n").path(), &["traces/cpu.csv:3", "key `a`", "-1"]);
}

#[test]
fn a_recording_larger_than_the_memory_given_is_refused_with_its_size() {
    let folder = tempfile::tempdir().unwrap();
    let said = plan(&scenario("planetlab"), &folder.path().join("out"), &["--memory-cap", "1"]).exits(2);
    assert_eq!(said.out, "");
    assert!(said.err.contains("planetlab") && said.err.contains("1211904 bytes"), "{}", said.err);
    assert!(names(folder.path()).is_empty());
}

#[test]
fn a_bad_scenario_leaves_an_old_run_as_it_is() {
    let site = with_curve("power_w = [-418, 438, 455, 472, 490, 511, 538, 566, 591, 611, 627]");
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("plan.json"), "old").unwrap();
    plan(site.path(), folder.path(), &[]).exits(2);
    assert_eq!(names(folder.path()), ["plan.json"]);
    assert_eq!(read(&folder.path().join("plan.json")), "old");
}

/// A run whose output cannot be written where it is wanted ends with exit 2 and the place.
#[test]
fn a_folder_of_output_that_is_a_file_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("taken");
    std::fs::write(&file, "mine").unwrap();
    let said = plan(&scenario("s4-wide"), &file, &[]).exits(2);
    assert!(said.err.contains("taken"), "{}", said.err);
    assert_eq!(read(&file), "mine");
}

/// 2^44 MiB are 2^64 bytes: more than can be counted, and no cap at all rather than a cap of nothing.
#[test]
fn a_cap_of_memory_beyond_all_counting_does_not_turn_into_none() {
    let said = shuyaku(["check", "scenarios/planetlab", "--memory-cap", "17592186044416"]);
    assert!(said.code == Some(0) || said.err.contains("--memory-cap <MIB>"), "{}", said.err);
}

#[test]
fn every_command_refuses_a_folder_that_is_not_there() {
    for command in ["plan", "simulate", "check", "show", "report", "validate"] {
        let said = shuyaku([command, "no/such/place"]).exits(2);
        assert_eq!(said.out, "", "{command}");
        assert!(said.err.contains("no/such/place"), "{command}: {}", said.err);
    }
}

#[test]
fn a_placement_that_is_not_known_is_answered_with_those_that_are() {
    let said = shuyaku(["simulate", "scenarios/s1-spring8", "--placement", "todya"]).exits(2);
    assert!(said.err.contains("`todya` is no placement") && said.err.contains("two-big-hosts"), "{}", said.err);
}

/// Words that the command line does not know: exit 2, nothing on stdout, the word on stderr.
const WRONG_WORDS: [(&[&str], &str); 7] = [
    (&["plan", "scenarios/s4-wide", "--threads", "0"], "--threads"),
    (&["plan", "scenarios/s4-wide", "--replications", "0"], "--replications"),
    (&["plan", "scenarios/s4-wide", "--replications", "1001"], "--replications"),
    (&["plan", "scenarios/s4-wide", "--seed", "-1"], "-1"),
    (&["plan", "scenarios/s4-wide", "--colour"], "--colour"),
    (&["plam", "scenarios/s4-wide"], "plam"),
    (&["plan"], "<SITE>"),
];

fn wrong(words: &[&str], more: &[&str]) -> Said {
    shuyaku(words.iter().chain(more).map(OsStr::new)).exits(2)
}

#[test]
fn wrong_words_on_the_command_line_are_named() {
    for (words, named) in WRONG_WORDS {
        let said = wrong(words, &[]);
        assert_eq!(said.out, "", "{words:?}");
        assert!(said.err.contains(named), "{words:?}: {}", said.err);
    }
}

#[test]
fn wrong_words_on_the_command_line_are_json_where_json_is_asked_for() {
    for (words, named) in WRONG_WORDS {
        let said = wrong(words, &["--json"]);
        assert_eq!(said.out, "", "{words:?}");
        let error: serde_json::Value = serde_json::from_str(&said.err).unwrap_or_else(|e| panic!("{words:?}: {e}:\n{}", said.err));
        assert!(error["message"].as_str().unwrap().contains(named), "{error}");
    }
}
