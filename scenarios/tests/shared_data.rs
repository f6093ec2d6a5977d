//! The recorded loads of the data room, where it is there.

use std::io::Write as _;
use std::path::PathBuf;

use models::quantity::Nanos;
use scenarios::Limits;
use scenarios::table::{Choice, Layout, Rising, Stream, Unit};

/// A file of the data room; nothing, and a word about it, where there is none.
fn shared(name: &str) -> Option<PathBuf> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../shared/data").join(name);
    if path.is_file() {
        return Some(path);
    }
    // Not `eprintln`: the harness keeps back what a passing test prints with that.
    std::io::stderr().write_all(format!("SKIPPED: there is no {}\n", path.display()).as_bytes()).unwrap();
    None
}

#[test]
fn a_day_of_planetlab_has_1052_columns_and_288_rows() {
    let Some(path) = shared("planetlab_20110303.csv.gz") else { return };
    let layout = Layout {
        columns: Choice::First(1052),
        unit: Unit::PercentOfKhz(vec![1_000_000.0]),
        time: Some(Rising { column: "minute".into(), by: 5.0 }),
    };
    let mut stream = Stream::open(&path, &layout, Limits::default()).unwrap();
    let mut rows = 0;
    while let Some(block) = stream.next_block(100).unwrap() {
        if rows == 0 {
            // The first row: 24, 23, 47, 14 percent.
            assert_eq!(block.columns_khz[..4].iter().map(|c| c[0]).collect::<Vec<_>>(), [240_000, 230_000, 470_000, 140_000]);
        }
        rows += block.rows;
    }
    stream.finish().unwrap();
    assert_eq!((stream.names().len(), rows), (1052, 288));
    let more = Layout { columns: Choice::First(1053), ..layout };
    let error = Stream::open(&path, &more, Limits::default()).err().unwrap().to_string();
    assert!(error.contains("has 1052 columns of numbers, and 1053 are needed"), "{error}");
}

#[test]
fn four_days_of_a_web_log_are_counted_by_day() {
    let Some(path) = shared("apache_access.log") else { return };
    let counts = scenarios::weblog::count(&path, None, Nanos::seconds(86_400), 4, Limits::default()).unwrap();
    assert_eq!(counts.by_step, [1632, 2893, 2896, 2579]);
    assert_eq!(counts.lines, 10_000);
}

#[test]
fn the_opendc_pair_has_50_tasks_each_with_its_fragments() {
    let (Some(tasks), Some(fragments)) =
        (shared("opendc_bitbrains_small_tasks.parquet"), shared("opendc_bitbrains_small_fragments.parquet"))
    else {
        return;
    };
    let mut tasks = scenarios::opendc::read_tasks(&tasks).unwrap();
    scenarios::opendc::read_fragments(&fragments, &mut tasks).unwrap();
    assert_eq!(tasks.len(), 50);
    assert_eq!(tasks.iter().map(|t| t.fragments.len()).sum::<usize>(), 276_979);
    assert_eq!((tasks[0].id, tasks[0].submission_ms, tasks[0].cpu_count), (1019, 1_376_314_546_000, 1));
    // Work is neither lost nor made where fragments are cut by steps: columns of five minutes against the fragments.
    let first = tasks.iter().map(|t| t.submission_ms).min().unwrap();
    let starts: Vec<u64> = tasks.iter().map(|t| t.submission_ms - first).collect();
    let end_ms = tasks.iter().zip(&starts).map(|(t, s)| s + t.fragments.iter().map(|f| f.0).sum::<u64>()).max().unwrap();
    let step = Nanos::seconds(300);
    let columns = scenarios::opendc::columns(&tasks, &starts, step, end_ms.div_ceil(300_000) as usize).unwrap();
    let of_columns: f64 = columns.iter().flatten().map(|khz| f64::from(*khz) * 300.0).sum();
    let of_fragments: f64 = tasks.iter().flat_map(|t| &t.fragments).map(|(ms, mhz)| *ms as f64 * mhz).sum();
    assert!((of_columns / of_fragments - 1.0).abs() < 1e-6, "{of_columns} {of_fragments}");
}

#[test]
fn a_month_of_requests_a_second_is_read_as_one_number_a_line() {
    let Some(path) = shared("nasa_http_1995-07_requests_per_second.txt.gz") else { return };
    // 27 days: 2,332,800 seconds, 1,864,593 requests. By hour: 648 steps.
    let folder = tempfile::tempdir().unwrap();
    std::fs::copy(&path, folder.path().join("requests.txt.gz")).unwrap();
    let site = r#"
name = "nasa"
title = "a public Web server"
[horizon]
step_s = 3600
steps = 648
source = "measured:its log"
[[class]]
name = "c"
sockets = 1
cores = 1
core_mhz = 1000
memory_mib = 1024
network_bytes_per_s = 1
disk_bytes_per_s = 1
power_w = [50, 70]
power_factor = [1.0]
nameplate_va = 100
nameplate_w = 90
maintenance_yen_per_year = 0
source = "assumed:x"
[[host]]
name = "h"
class = "c"
source = "assumed:x"
[[guest]]
name = "www"
vcpus = 1
memory_mib = 512
mode = "physical-only"
source = "assumed:x"
[prices]
yen_per_kwh = 12
pue = 1
years = 1
source = "assumed:x"
[rules]
cpu = { percentile = 99, limit = 0.8 }
source = "assumed:x"
[[load.recorded-counts]]
name = "requests"
guests = ["www"]
file = "requests.txt.gz"
step_s = 1
cpu_ms = 10
at_mhz = 1000
source = "measured:its log"
"#;
    std::fs::write(folder.path().join("site.toml"), site).unwrap();
    let scenario = scenarios::load(folder.path(), &scenarios::Options::default()).unwrap_or_else(|e| panic!("{e}"));
    let models::demand::LoadKind::RecordedCounts { counts, .. } = &scenario.loads[0].kind else { panic!("not counts") };
    assert_eq!((counts.len(), counts.iter().sum::<f64>()), (648, 1_864_593.0));
}
