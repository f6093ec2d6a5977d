//! A trace larger than the memory that it may take: refused with its size, and replayed as a stream with the same figures.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

fn planetlab() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../scenarios/planetlab")
}

fn simulate(more: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_shuyaku"));
    command.arg("simulate").arg(planetlab()).args(more).output().expect("the program runs")
}

#[test]
fn a_stream_shows_the_same_as_the_whole_byte_for_byte() {
    let (whole, stream) = (simulate(&["--json"]), simulate(&["--json", "--stream"]));
    assert!(whole.status.success() && stream.status.success(), "{}", String::from_utf8_lossy(&stream.stderr));
    assert!(whole.stdout == stream.stdout);
}

#[test]
fn a_trace_above_the_cap_is_refused_with_its_size_and_streamed_within_it() {
    // 1,052 guests x 288 steps x 4 bytes = 1,211,904 bytes, above 1 MiB.
    let refused = simulate(&["--memory-cap", "1"]);
    assert_eq!(refused.status.code(), Some(2));
    let said = String::from_utf8_lossy(&refused.stderr);
    assert!(said.contains("1211904 bytes") && said.contains("--stream"), "{said}");

    let streamed = simulate(&["--memory-cap", "1", "--stream", "--json"]);
    assert!(streamed.status.success(), "{}", String::from_utf8_lossy(&streamed.stderr));
    let (whole, streamed) = (simulate(&["--json"]), String::from_utf8_lossy(&streamed.stdout).into_owned());
    let parse = |text: &str| reports::json::from_text(text).expect("measures");
    let (whole, streamed) = (parse(&String::from_utf8_lossy(&whole.stdout)), parse(&streamed));
    assert_eq!(whole.fleets[0].measures, streamed.fleets[0].measures);
    // The rules are judged on a coarser demand, and the run says so.
    assert!(streamed.unknowns.iter().any(|u| u.contains("replayed as a stream")), "{:?}", streamed.unknowns);
}
