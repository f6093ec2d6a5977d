//! What a scenario means once it is read.

mod common;

use common::Folder;
use models::demand::{LoadKind, Split};
use models::quantity::{Mhz, Nanos};
use models::site::{AlternativePlacement, HostId, OnLoss};
use models::{Given, Provenance};
use scenarios::Scenario;

fn sample() -> Scenario {
    Folder::with(&[]).load().unwrap_or_else(|e| panic!("{e}"))
}

#[test]
fn templates_are_expanded_in_order_and_lists_are_dealt_in_turn() {
    let site = sample().site;
    let hosts: Vec<(&str, &str)> = site.hosts.iter().map(|h| (h.name.as_str(), site.classes[h.class.index()].name.as_str())).collect();
    assert_eq!(hosts, [("pop-1", "rx300"), ("pop-2", "metal"), ("pop-3", "rx300"), ("pop-4", "metal"), ("spare", "rx300")]);
    let guests: Vec<(&str, u64)> = site.guests.iter().map(|g| (g.name.as_str(), g.memory.0)).collect();
    assert_eq!(
        guests,
        [("web-1", 512), ("web-2", 1024), ("web-3", 512), ("web-4", 1024), ("old-1", 256), ("old-2", 256), ("vm-7", 256), ("vm-9", 256)]
    );
    assert_eq!(site.groups, ["org-1", "org-2"]);
    assert_eq!(
        site.guests.iter().map(|g| g.group.map(|g| g.0)).collect::<Vec<_>>(),
        [Some(0), Some(0), Some(1), Some(1), None, None, None, None]
    );
}

#[test]
fn what_is_expected_of_a_guest_follows_from_its_mode() {
    let site = sample().site;
    let on_loss: Vec<OnLoss> = site.guests.iter().map(|g| g.on_loss).collect();
    use OnLoss::{Accept, Restart, Survivor};
    assert_eq!(on_loss, [Survivor, Survivor, Survivor, Survivor, Accept, Accept, Restart, Restart]);
}

#[test]
fn today_is_where_the_file_says_that_guests_run() {
    let site = sample().site;
    let today = site.today.unwrap();
    assert_eq!(today.on, [true, true, true, true, false]);
    let (pop1, pop3) = (Some(HostId(0)), Some(HostId(2)));
    assert_eq!(today.host_of, [pop1, pop3, pop1, pop3, None, None, None, None]);
}

#[test]
fn where_no_guest_runs_there_is_no_today() {
    let site = Folder::with(&[("runs_on = [\"pop-1\", \"pop-3\"]\n", "")]).load().unwrap().site;
    assert_eq!(site.today, None);
}

#[test]
fn the_name_of_a_guest_goes_before_a_pattern_in_what_is_given() {
    let site = sample().site;
    let AlternativePlacement::Given(given) = &site.alternatives[1].place else { panic!("not given") };
    let given: Vec<(&str, &str)> = given.iter().map(|(g, host)| (site.guests[g.index()].name.as_str(), host.as_str())).collect();
    assert_eq!(
        given,
        [("web-1", "rx300-1"), ("web-2", "rx300-2"), ("web-3", "rx300-1"), ("web-4", "spare"), ("vm-7", "rx300-1"), ("vm-9", "rx300-1")]
    );
}

#[test]
fn loads_stand_in_order_of_the_file() {
    let loads = sample().loads;
    let names: Vec<&str> = loads.iter().map(|l| l.name.as_str()).collect();
    assert_eq!(names, ["os-tick", "cpu", "bitbrains", "counts", "site-log", "mail-in", "bse", "ships", "logs"]);
    assert_eq!(loads[0].guests.len(), 8);
    assert_eq!((loads[5].split, loads[1].growth_per_year), (Split::Even, 0.1));
}

#[test]
fn recorded_percent_are_khz_of_all_virtual_cpus() {
    // web-1: 2 x 2500 MHz; rows of half an hour 50, 100, 0, 50 %: means of an hour 75 % = 3,750,000 kHz, 25 % = 1,250,000 kHz.
    // old-1: 1 x 1000 MHz; 10, 20, 30, 40 %: 15 % = 150,000 kHz, 35 % = 350,000 kHz.
    let scenario = sample();
    let LoadKind::RecordedCpu { columns_khz, digest } = &scenario.loads[1].kind else { panic!("not recorded") };
    assert_eq!(columns_khz, &[vec![3_750_000, 1_250_000], vec![150_000, 350_000]]);
    // sha256sum of the file's bytes.
    assert_eq!(digest, &models::digest::of_bytes(b"minute,a,b\n0,50,10\n30,100,20\n60,0,30\n90,50,40\n"));
    assert_eq!(scenario.site.guests[0].full_speed, Some(Mhz::new(5000.0).unwrap()));
    assert_eq!(scenario.site.guests[6].full_speed, Some(Mhz::new(1000.0).unwrap()));
    assert_eq!(scenario.site.guests[1].full_speed, None);
}

#[test]
fn columns_are_found_by_the_names_of_guests() {
    let folder = Folder::with(&[("columns = \"by-order\"", "columns = \"by-name\""), ("step_s = 1800", "step_s = 7200")]);
    folder.write("traces/cpu.csv", b"other,old-1,minute,web-1\n1,10,0,50\n");
    let LoadKind::RecordedCpu { columns_khz, .. } = &folder.load().unwrap().loads[1].kind else { panic!("not recorded") };
    // A row of two hours is held over two steps of one.
    assert_eq!(columns_khz, &[vec![2_500_000; 2], vec![100_000; 2]]);
}

#[test]
fn a_parquet_table_and_a_gzip_table_read_as_the_csv_does() {
    let plain = sample();
    let gz = Folder::with(&[("file = \"traces/cpu.csv\"", "file = \"traces/cpu.csv.gz\"")]);
    gz.write_gzip("traces/cpu.csv.gz", b"minute,a,b\r\n0,50,10\r\n30,100,20\r\n60,0,30\r\n90,50,40\r\n\r\n");
    let parquet = Folder::with(&[
        ("file = \"traces/cpu.csv\"", "file = \"traces/cpu.parquet\""),
        ("time_step = 30.0", "time_step = 30"),
        ("steps = 2", "steps = 2"),
    ]);
    common::parquet(
        &parquet.path("traces/cpu.parquet"),
        1,
        &[
            common::Column::I32("minute", vec![0, 30, 60, 90]),
            common::Column::F64("a", vec![50.0, 100.0, 0.0, 50.0]),
            common::Column::Maybe("b", vec![Some(10.0), Some(20.0), Some(30.0), Some(40.0)]),
        ],
    );
    let columns = |s: &Scenario| match &s.loads[1].kind {
        LoadKind::RecordedCpu { columns_khz, .. } => columns_khz.clone(),
        other => panic!("{other:?}"),
    };
    assert_eq!(columns(&gz.load().unwrap()), columns(&plain));
    assert_eq!(columns(&parquet.load().unwrap()), columns(&plain));
}

#[test]
fn an_opendc_guest_is_its_task() {
    // vm-7: 500 MHz for two hours; vm-9: 100 MHz for one hour, then 200 MHz.
    let LoadKind::RecordedCpu { columns_khz, .. } = &sample().loads[2].kind else { panic!("not recorded") };
    assert_eq!(columns_khz, &[vec![500_000; 2], vec![100_000, 200_000]]);
}

#[test]
fn counts_are_taken_after_the_offset_and_scaled() {
    // 1 2 3 4, the first skipped: 2 and 3, times 2.5.
    let LoadKind::RecordedCounts { counts, cost, .. } = &sample().loads[3].kind else { panic!("not counts") };
    assert_eq!(counts, &[5.0, 7.5]);
    assert_eq!((cost.cpu_ms, cost.net_bytes, cost.disk_bytes), (12.0, 20_000.0, 10_000.0));
}

#[test]
fn counts_of_a_finer_recording_are_summed_and_of_a_coarser_dealt_evenly() {
    let finer = Folder::with(&[
        ("step_s = 3600\noffset_steps = 1", "step_s = 1800"),
        ("file = \"traces/counts.txt\"", "file = \"traces/counts.csv\"\ncolumn = \"requests\""),
    ]);
    finer.write("traces/counts.csv", b"time,requests\n0,1\n1,2\n2,3\n3,4\n");
    let LoadKind::RecordedCounts { counts, .. } = &finer.load().unwrap().loads[3].kind else { panic!("not counts") };
    assert_eq!(counts, &[7.5, 17.5]); // (1 + 2) x 2.5, (3 + 4) x 2.5
    let coarser = Folder::with(&[("step_s = 3600\noffset_steps = 1", "step_s = 7200")]);
    let LoadKind::RecordedCounts { counts, .. } = &coarser.load().unwrap().loads[3].kind else { panic!("not counts") };
    assert_eq!(counts, &[1.25, 1.25]); // 1 / 2 x 2.5
}

#[test]
fn a_log_is_counted_by_step_and_its_bytes_are_the_mean_of_a_request() {
    let LoadKind::RecordedCounts { counts, cost, .. } = &sample().loads[4].kind else { panic!("not counts") };
    assert_eq!(counts, &[2.0, 2.0]);
    assert_eq!((cost.net_bytes, cost.disk_bytes), (200.0, 7.0));
}

#[test]
fn a_pass_goes_at_the_rate_of_its_link() {
    let LoadKind::Passes { link_bytes_per_s, every, .. } = sample().loads[7].kind else { panic!("not passes") };
    assert_eq!((link_bytes_per_s, every), (8000.0, Nanos::seconds(43_200)));
}

#[test]
fn every_given_names_its_place_its_value_and_its_source() {
    let givens = sample().site.givens;
    let find = |place: &str, key: &str| {
        givens.iter().find(|g| g.place == place && g.key == key).unwrap_or_else(|| panic!("{place} {key}")).clone()
    };
    let given = |place: &str, key: &str, value: &str, source: &str| Given {
        place: place.into(),
        key: key.into(),
        value: value.into(),
        source: source.parse().unwrap(),
    };
    assert_eq!(find("class rx300", "cores"), given("class rx300", "cores", "4", "paper:S0-3"));
    assert_eq!(
        find("class rx300", "nameplate_va"),
        given("class rx300", "nameplate_va", "450.0 (350.0 to 620.0)", "proxy:a table of another machine")
    );
    assert_eq!(find("class rx300", "power_w").value, "159.0, 250.0, 336.0");
    assert_eq!(find("class rx300 sale", "price_yen"), given("class rx300 sale", "price_yen", "1_100_000", "assumed:a list price"));
    assert_eq!(find("host pop-{n} x 4", "count").source, Provenance::Paper("S0-3".into()));
    assert_eq!(find("prices", "yen_per_kwh").value, "12 (10 to 17)");
    assert_eq!(find("rules", "cpu").value, "percentile 99.0, limit 0.8");
    assert_eq!(find("rules", "one_domain_down").value, "kind rack, cpu_limit 1.1");
    assert_eq!(find("load.mail mail-in", "hours").value, "1, 1 ... 1 (24 values)");
    assert_eq!(find("load.recorded-cpu cpu", "file").value, "traces/cpu.csv");
    assert_eq!(find("ups CVCF", "output_power_factor").source, Provenance::Assumed("as of its kind".into()));
    assert_eq!(find("guest web-{n} x 4", "memory_mib").value, "512, 1024");
    // References and names are no givens.
    assert!(!givens.iter().any(|g| ["name", "class", "domains", "service", "guests", "source"].contains(&g.key.as_str())));
}

#[test]
fn the_digest_covers_every_file_that_is_named() {
    let (a, b) = (Folder::with(&[]), Folder::with(&[]));
    let first = a.load().unwrap().digest;
    assert_eq!(first, b.load().unwrap().digest);
    // The same numbers in other bytes.
    b.write("traces/counts.txt", b"1.0\n2\n3\n4\n");
    assert_ne!(first, b.load().unwrap().digest);
    b.write("traces/counts.txt", b"1\n2\n3\n4\n");
    b.write("traces/not-named.txt", b"1\n");
    assert_eq!(first, b.load().unwrap().digest);
}

#[test]
fn a_path_to_the_file_reads_as_the_folder_does() {
    let folder = Folder::with(&[]);
    let by_file = scenarios::load(&folder.path("site.toml"), &scenarios::Options::default()).unwrap();
    assert_eq!(by_file, folder.load().unwrap());
}

#[test]
fn a_trace_is_read_in_blocks_of_rows() {
    use scenarios::table::{Choice, Layout, Stream, Unit};
    let folder = Folder::empty();
    let rows: String = (0..10).map(|i| format!("{i},{}\n", 2 * i)).collect();
    folder.write_gzip("load.csv.gz", format!("a,b\n{rows}").as_bytes());
    let layout = Layout { columns: Choice::Named(vec!["b".into()]), unit: Unit::Mhz, time: None };
    let mut stream = Stream::open(&folder.path("load.csv.gz"), &layout, scenarios::Limits::default()).unwrap();
    assert_eq!(stream.names(), ["b"]);
    let mut blocks = Vec::new();
    while let Some(block) = stream.next_block(4).unwrap() {
        blocks.push((block.first_row, block.rows, block.columns_khz[0][0]));
    }
    assert_eq!(blocks, [(0, 4, 0), (4, 4, 8000), (8, 2, 16_000)]);
}

#[test]
fn a_parquet_table_of_several_row_groups_is_read_across_them() {
    use scenarios::table::{Choice, Layout, Stream, Unit};
    let folder = Folder::empty();
    let path = folder.path("load.parquet");
    common::parquet(&path, 3, &[common::Column::I32("a", vec![1, 2, 3]), common::Column::F64("b", vec![0.5, 1.5, 2.5])]);
    let layout = Layout { columns: Choice::All, unit: Unit::PercentOfKhz(vec![1000.0]), time: None };
    let mut stream = Stream::open(&path, &layout, scenarios::Limits::default()).unwrap();
    let mut a = Vec::new();
    let mut sizes = Vec::new();
    while let Some(block) = stream.next_block(4).unwrap() {
        sizes.push(block.rows);
        a.extend(block.columns_khz[0].clone());
    }
    assert_eq!(sizes, [4, 4, 1]);
    assert_eq!(a, [10, 20, 30, 10, 20, 30, 10, 20, 30]);
}

#[test]
fn targets_are_read_with_their_arguments() {
    use scenarios::targets::{Accept, Measure};
    let folder = Folder::with(&[]);
    folder.write(
        "targets.toml",
        br#"
[[target]]
id = "S1-3"
what = "memory of each of 3 hosts"
published = 16.0
unit = "GiB"
accept = 0.0
measure = "least-memory-a-host"
hosts = 3
cite = "section 3"

[[target]]
id = "S0-5"
what = "cost"
published = 0.4
unit = ""
accept_low = 0.3
accept_high = 0.5
measure = "cost-against"
than = "small-servers"
cite = "table 2"
note = "prices are assumed"
"#,
    );
    let targets = scenarios::targets(&folder.path("")).unwrap();
    assert_eq!((targets[0].measure, targets[0].of.hosts, targets[0].accept), (Measure::LeastMemoryAHost, Some(3), Accept::Within(0.0)));
    assert_eq!((targets[1].of.than.as_deref(), targets[1].accept), (Some("small-servers"), Accept::Between { low: 0.3, high: 0.5 }));
}

#[test]
fn the_schema_is_json_that_names_every_table_and_lets_no_other_key_in() {
    let schema: serde_json::Value = serde_json::from_str(&scenarios::schema()).unwrap();
    assert_eq!(schema["$schema"], "https://json-schema.org/draft/2020-12/schema");
    assert_eq!(schema["additionalProperties"], false);
    for table in [
        "horizon",
        "class",
        "domain",
        "pool",
        "host",
        "service",
        "guest",
        "storage",
        "link",
        "device",
        "licence",
        "ups",
        "prices",
        "rules",
        "alternative",
        "load",
        "requests",
        "tier",
        "flow",
        "fault",
        "case",
    ] {
        assert!(schema["properties"][table].is_object(), "{table}");
    }
    let loads = schema["$defs"]["Loads"]["properties"].as_object().unwrap();
    let kinds: Vec<&str> = loads.keys().map(String::as_str).collect();
    assert_eq!(kinds, ["constant", "flash-crowd", "mail", "nightly", "opendc", "passes", "recorded-counts", "recorded-cpu", "web-log"]);
    // Every table of keys is closed, and every key is described.
    for (name, table) in schema["$defs"].as_object().unwrap() {
        let Some(properties) = table["properties"].as_object() else { continue };
        assert_eq!(table["additionalProperties"], false, "{name}");
        for (key, property) in properties {
            assert!(property["description"].is_string(), "{name}.{key}");
        }
    }
    let targets: serde_json::Value = serde_json::from_str(&scenarios::targets_schema()).unwrap();
    assert_eq!(targets["additionalProperties"], false);
}

/// The scenarios of the repository, where there are any, can be read.
#[test]
fn the_scenarios_beside_this_crate_can_be_read() {
    let here = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    for entry in std::fs::read_dir(here).unwrap() {
        let folder = entry.unwrap().path();
        if folder.join("site.toml").is_file() {
            scenarios::load(&folder, &scenarios::Options::default()).unwrap_or_else(|e| panic!("{e}"));
        }
        if folder.join("targets.toml").is_file() {
            scenarios::targets(&folder).unwrap_or_else(|e| panic!("{e}"));
        }
    }
}
