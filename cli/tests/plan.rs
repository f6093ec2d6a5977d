//! The main job on every scenario: what is written, that it holds, and that it can be read.

mod common;

use std::sync::LazyLock;

use common::{FILES, Planned, check, names, read, root, scenario, shuyaku};
use models::plan::Plan;

static MAFFIN: LazyLock<Planned> = LazyLock::new(|| Planned::of("s0-maffin", &[]));
static SPRING8: LazyLock<Planned> = LazyLock::new(|| Planned::of("s1-spring8", &[]));
static IMAGES: LazyLock<Planned> = LazyLock::new(|| Planned::of("s2-images", &[]));
static JPARC: LazyLock<Planned> = LazyLock::new(|| Planned::of("s3-jparc", &[]));
static RENEWAL: LazyLock<Planned> = LazyLock::new(|| Planned::of("s0-renewal", &[]));
static WIDE: LazyLock<Planned> = LazyLock::new(|| Planned::of("s4-wide", &[]));
static SIMGRID: LazyLock<Planned> = LazyLock::new(|| Planned::of("simgrid-migration", &[]));
static PLANETLAB: LazyLock<Planned> = LazyLock::new(|| Planned::of("planetlab", &[]));
static BITBRAINS: LazyLock<Planned> = LazyLock::new(|| Planned::of("bitbrains", &[]));

/// Every scenario that the project has, with its plan.
static ALL: [(&str, &LazyLock<Planned>); 9] = [
    ("bitbrains", &BITBRAINS),
    ("planetlab", &PLANETLAB),
    ("s0-maffin", &MAFFIN),
    ("s0-renewal", &RENEWAL),
    ("s1-spring8", &SPRING8),
    ("s2-images", &IMAGES),
    ("s3-jparc", &JPARC),
    ("s4-wide", &WIDE),
    ("simgrid-migration", &SIMGRID),
];

#[test]
fn no_scenario_is_left_out_here() {
    let folders: Vec<String> = names(&root().join("scenarios")).into_iter().filter(|n| scenario(n).join("site.toml").is_file()).collect();
    assert_eq!(folders, ALL.map(|(name, _)| name));
}

#[test]
fn each_run_writes_a_plan_its_measures_and_a_report_and_nothing_else() {
    for (name, run) in ALL {
        assert_eq!(run.said.code, Some(0), "{name}: {}{}", run.said.out, run.said.err);
        assert_eq!(names(run.folder.path()), FILES, "{name}");
        assert_eq!(run.said.err, "", "{name}: without a terminal nothing is said of progress");
        for file in FILES {
            assert!(run.said.out.contains(&format!("wrote {}\n", run.path(file).display())), "{name}: {}", run.said.out);
        }
    }
}

#[test]
fn every_law_that_a_report_rests_on_has_its_page() {
    for (name, run) in ALL {
        let laws = run.measures().laws;
        assert!(laws.contains(&"power".to_owned()), "{name}: {laws:?}");
        for law in laws {
            assert!(models::law::page::named(&law).is_some(), "{name}: no page of `{law}`");
            assert!(
                run.text("report.html").contains(&format!("<b>{}</b>", law.replace('/', "&#x2f;"))),
                "{name}: {law} is not in the report"
            );
        }
    }
}

#[test]
fn a_plan_and_its_measures_round_trip_byte_for_byte() {
    for (name, run) in ALL {
        let text = run.text("plan.json");
        assert!(Plan::from_text(&text).unwrap().to_text() == text, "{name}/plan.json reads otherwise than it is written");
        let text = run.text("measures.json");
        assert!(reports::json::to_text(&reports::json::from_text(&text).unwrap()) == text, "{name}/measures.json");
    }
}

#[test]
fn each_plan_passes_check_with_every_rule_and_every_step() {
    for (name, run) in ALL {
        let said = check(&run.path("plan.json"), &scenario(name)).exits(0);
        let steps = run.plan().steps.len();
        assert!(said.out.contains(&format!("{steps} steps walked")), "{name}: {}", said.out);
        assert!(said.out.ends_with("the plan holds\n") && !said.out.contains("FAULT"), "{name}: {}", said.out);
    }
}

#[test]
fn a_plan_is_checked_against_the_scenario_of_its_name_where_none_is_given() {
    shuyaku(["check".as_ref(), JPARC.path("plan.json").as_os_str()]).exits(0);
}

#[test]
fn show_lists_every_step_in_order_with_its_action() {
    for (name, run) in ALL {
        let said = shuyaku(["show".as_ref(), run.path("plan.json").as_os_str()]).exits(0);
        let mut lines = said.out.lines();
        for step in run.plan().steps {
            let wanted = format!("{}  {step}", step.number);
            assert!(lines.any(|l| l.trim_start() == wanted), "{name}: `{wanted}` is not shown, or not in its place");
        }
        assert!(!said.out.contains("contradicts"), "{name}");
    }
}

#[test]
fn show_json_is_the_plan_itself() {
    let said = shuyaku(["show".as_ref(), JPARC.path("plan.json").as_os_str(), "--json".as_ref()]).exits(0);
    assert_eq!(said.out, JPARC.text("plan.json"));
}

#[test]
fn report_writes_the_same_bytes_again() {
    for (name, run) in ALL {
        let copy = tempfile::tempdir().unwrap();
        for file in ["plan.json", "measures.json"] {
            std::fs::copy(run.path(file), copy.path().join(file)).unwrap();
        }
        shuyaku(["report".as_ref(), copy.path().as_os_str()]).exits(0);
        assert_eq!(names(copy.path()), FILES, "{name}");
        assert!(read(&copy.path().join("report.html")) == run.text("report.html"), "{name}/report.html is another");
    }
}

#[test]
fn a_report_asks_nothing_of_the_network() {
    for (name, run) in ALL {
        let page = run.text("report.html");
        for fetched in ["src=\"http", "href=\"http", "<script src", "url(http", "@import", "src=\"//"] {
            assert!(!page.contains(fetched), "{name}/report.html has {fetched}");
        }
    }
}

#[test]
fn the_summary_fits_one_screen() {
    for (name, run) in ALL {
        // The three last lines say where the files are, as long as the path is.
        let summary: Vec<&str> = run.said.out.lines().filter(|l| !l.starts_with("wrote ")).collect();
        assert!(summary.len() + 3 <= 30, "{name}: {} lines", summary.len() + 3);
        for line in summary {
            assert!(line.chars().count() <= 100, "{name}: {} columns: {line}", line.chars().count());
        }
    }
}

#[test]
fn the_summary_says_what_a_planner_asks_first() {
    let text = &MAFFIN.said.out;
    for asked in [
        "FITS",
        "hosts on",
        "peak kVA",
        "peak kW",
        "nameplate",
        "worst loss",
        "cost over 4 years",
        "steps",
        "binds",
        "bound",
        "30.0 kVA",
        "24.0 kW",
    ] {
        assert!(text.contains(asked), "`{asked}` is not in\n{text}");
    }
}

/// S0-12: with virtual hosts the fleet is within the CVCF by nameplate; without them it is over.
#[test]
fn maffin_fits_30_kva_with_virtual_hosts_and_not_without_by_nameplate() {
    let run = MAFFIN.measures();
    let ups = run.ups.as_ref().unwrap();
    assert_eq!((ups.rating_va, ups.limit_w), (30_000.0, 24_000.0));
    let nameplate = |name: &str| {
        let fleet = run.fleets.iter().find(|f| f.name == name).unwrap_or_else(|| panic!("no fleet {name}"));
        (fleet.measures.site.nameplate.va.value, fleet.measures.site.nameplate.w.value)
    };
    let fits = |(va, w): (f64, f64)| va <= ups.rating_va && w <= ups.limit_w;
    assert!(fits(nameplate("plan")) && fits(nameplate("paper-5-hosts")));
    assert!(!fits(nameplate("without-virtualisation")));
}

#[test]
fn plan_json_prints_the_same_findings_as_json() {
    let again = Planned::of("s3-jparc", &["--json"]);
    let json = again.said.json();
    assert_eq!((json["site"].as_str(), json["fits"].as_bool()), (Some("s3-jparc"), Some(true)));
    assert_eq!(json["steps"].as_u64(), Some(again.plan().steps.len() as u64));
    assert_eq!(json["wrote"].as_array().unwrap().len(), 3);
    for file in FILES {
        assert!(again.text(file) == JPARC.text(file), "{file} depends on --json");
    }
}

#[test]
fn a_scenario_is_found_by_its_folder_or_its_site_file() {
    let folder = tempfile::tempdir().unwrap();
    common::plan(&scenario("s3-jparc").join("site.toml"), folder.path(), &[]).exits(0);
    for file in FILES {
        assert!(read(&folder.path().join(file)) == JPARC.text(file), "{file}");
    }
}

#[test]
fn simulate_of_the_plan_repeats_the_figures_that_the_plan_predicts() {
    for (name, run) in [("s3-jparc", &JPARC), ("s1-spring8", &SPRING8)] {
        let args =
            ["simulate".into(), scenario(name).into_os_string(), "--placement".into(), run.path("plan.json").into(), "--json".into()];
        let again = reports::json::from_text(&shuyaku(args).exits(0).out).unwrap();
        assert_eq!(again.fleets[0].figures, run.plan().predicted, "{name}");
    }
}

#[test]
fn a_plan_holds_names_only_no_path_and_no_uri() {
    for (name, run) in ALL {
        let text = run.text("plan.json");
        for foreign in ["://", "/tmp", "/home", "scenarios/", "<domain", ".toml"] {
            assert!(!text.contains(foreign), "{name}/plan.json has {foreign}");
        }
    }
}

#[test]
fn an_old_run_is_replaced_whole() {
    let folder = tempfile::tempdir().unwrap();
    for file in FILES {
        std::fs::write(folder.path().join(file), "old").unwrap();
    }
    common::plan(&scenario("s4-wide"), folder.path(), &[]).exits(0);
    assert_eq!(names(folder.path()), FILES);
    for file in FILES {
        assert!(read(&folder.path().join(file)) == WIDE.text(file), "{file}");
    }
}
