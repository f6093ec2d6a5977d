//! A foreign program's word on our replay and power arithmetic: CloudSim 3.0.3 on five PlanetLab days, by its own rules.

mod common;

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use clap::Parser;
use cli::args::Args;
use cli::peer::cloudsim::{Energies, energies};
use cli::pipeline;
use common::{Copy, read, root, scenario, shuyaku};
use models::demand::LoadKind;

/// A day, its machines, and what unmodified CloudSim 3.0.3 prints with `dvfs`, in kWh.
const DAYS: [(&str, u32, f64); 5] = [
    ("20110303", 1052, 802.75),
    ("20110306", 898, 625.53),
    ("20110309", 1061, 704.93),
    ("20110322", 1516, 1011.14),
    ("20110325", 1078, 789.25),
];

/// Every one of 800 hosts at full power for 86,100 s: 400 x (117 W + 135 W) x 23.91667 h = 2410.80 kWh.
const NPA_KWH: f64 = 2410.80;

/// The day that the project ships.
const SHIPPED: &str = "20110303";

/// Recordings that are not ours to ship, where they are at hand.
fn shared(file: &str) -> Option<PathBuf> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/data").join(file);
    path.is_file().then_some(path)
}

/// The PlanetLab scenario with another day: machines in four blocks of ceil(n/4), the last with the rest.
fn day(date: &str, machines: u32, trace: &Path) -> Copy {
    let block = machines.div_ceil(4);
    let counts = [block, block, block, machines - 3 * block];
    let copy = Copy::changed("planetlab", |site| {
        let mut parts = site.split("count = 263\n");
        let mut made = parts.next().unwrap().to_owned();
        let mut blocks = 0;
        for (part, count) in parts.zip(counts) {
            write!(made, "count = {count}\n{part}").unwrap();
            blocks += 1;
        }
        assert_eq!(blocks, 4, "the scenario has no longer four blocks of 263");
        made.replace(SHIPPED, date)
    });
    copy.write(&format!("traces/planetlab_{date}.csv.gz"), &std::fs::read(trace).unwrap());
    copy
}

/// CloudSim's energies on a scenario.
fn run(folder: &Path, machines: u32) -> Energies {
    let args = Args::parse_from(["shuyaku", "schema"]);
    let scenario = pipeline::load(folder, &args.common).unwrap();
    assert_eq!(scenario.site.guests.len(), machines as usize);
    assert_eq!(scenario.site.hosts.len(), 800);
    let columns = scenario.loads.iter().find_map(|l| match &l.kind {
        LoadKind::RecordedCpu { columns_khz, .. } => Some(columns_khz),
        _ => None,
    });
    energies(&scenario.site, columns.expect("a recording of CPU"), scenario.grid.step).unwrap()
}

#[track_caller]
fn agree(date: &str, ours: Energies, dvfs_kwh: f64) {
    let (npa, dvfs) = (ours.npa.get() / 1000.0, ours.dvfs.get() / 1000.0);
    assert!((npa - NPA_KWH).abs() <= 0.01, "{date}: npa {npa} kWh, CloudSim {NPA_KWH}");
    assert!((dvfs - dvfs_kwh).abs() <= 0.01, "{date}: dvfs {dvfs} kWh, CloudSim {dvfs_kwh}");
}

#[test]
fn cloudsim_is_reproduced_on_the_day_that_is_shipped() {
    let (date, machines, dvfs) = DAYS[0];
    assert_eq!(date, SHIPPED);
    agree(date, run(&scenario("planetlab"), machines), dvfs);
}

#[test]
fn cloudsim_is_reproduced_on_every_day_at_hand() {
    let mut ran = Vec::new();
    for (date, machines, dvfs) in DAYS {
        let Some(trace) = shared(&format!("planetlab_{date}.csv.gz")) else { continue };
        let copy = day(date, machines, &trace);
        agree(date, run(copy.path(), machines), dvfs);
        ran.push(date);
    }
    println!("PlanetLab days that ran: {ran:?} of {:?}", DAYS.map(|d| d.0));
}

/// The figures above are those of the published list.
#[test]
fn the_figures_above_are_those_that_cloudsim_printed() {
    let Some(file) = shared("planetlab_cloudsim303_reference.csv") else {
        println!("no planetlab_cloudsim303_reference.csv at hand");
        return;
    };
    let text = read(&file);
    for (date, machines, dvfs) in DAYS {
        for (policy, kwh) in [("npa", NPA_KWH), ("dvfs", dvfs)] {
            let line = format!("{date},{policy},{machines},{kwh:.2},");
            assert!(text.lines().any(|l| l.starts_with(&line)), "no line `{line}`");
        }
    }
}

/// By the right rules a machine whose load is zero for a while comes back. CloudSim's arithmetic without the defect gives
/// about 931 kWh over 286 intervals; ours replays the whole day, 288 intervals, and says 936.2 kWh.
#[test]
fn first_fit_without_the_defect_takes_a_seventh_more_energy() {
    let said = shuyaku(["simulate", "scenarios/planetlab", "--placement", "first-fit-full", "--json"]).exits(0);
    let run = reports::json::from_text(&said.out).unwrap();
    let site = &run.fleets[0].measures.site;
    let kwh = site.energy_wh.get() / 1000.0;
    assert!((931.0..=937.0).contains(&kwh), "{kwh} kWh");
    let share = 1.0 - DAYS[0].2 / kwh;
    assert!((share - 1.0 / 7.0).abs() < 0.01, "the defect hides {share} of the energy");
}

/// The report names the right figure, and CloudSim's figures stand in the scenario and in tests only.
#[test]
fn no_figure_of_cloudsim_stands_in_library_code() {
    let figures = ["2410.8", "2_410.8", "802.75", "625.53", "704.93", "1011.14", "1_011.14", "789.25"];
    let mut files = 0;
    for library in ["models", "sim", "planner", "scenarios", "reports", "executor", "cli"] {
        for_each_source(&root().join(library).join("src"), &mut |path, text| {
            files += 1;
            for figure in figures {
                assert!(!text.contains(figure), "{} holds {figure}", path.display());
            }
        });
    }
    assert!(files > 30, "only {files} files were read");
}

fn for_each_source(folder: &Path, then: &mut impl FnMut(&Path, &str)) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            for_each_source(&path, then);
        } else if path.extension().is_some_and(|e| e == "rs") {
            then(&path, &read(&path));
        }
    }
}
