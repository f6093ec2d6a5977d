//! `[[study.interference]]`: what is read, what is refused, and which way its figures move.

mod common;

use std::path::Path;

use common::Folder;
use models::study::interference::{Devices, Interference, Placed};
use models::study::{Answer, Kind, Study};
use models::{Estimate, study};
use scenarios::Options;

const STUDY: &str = r#"
[[study.interference]]
name = "busy"
title = "What do busy guests cost?"
cores = 8
driver_vcpus = 2
driver_weight = 256
slice_ms = 30
link_bytes_per_s = 125e6
page_bytes = 65000
http_header_bytes = 300
bare_frames = 3
mtu_bytes = 1500
tcp_option_bytes = 12
clients = 100
requests = 50000
vcpus = 2
weight = 256
needs_cores = { value = 1.0, low = 0.5, high = 2.0 }
driver_cores = { value = 1.0, low = 0.0, high = 2.0 }
paravirtual_cost = 0.01
source = "assumed:an example"
[[study.interference.beside]]
name = "burner"
cores = 2
driver_cores = 0
weight = 256
devices = "unused"
counts = [3, 4]
measured = { count = 4, loss = 0.234 }
source = "assumed:an example"
[[study.interference.beside]]
name = "writer"
cores = { value = 2, low = 0.5, high = 2 }
driver_cores = { value = 0.5, low = 0, high = 1 }
weight = 128
devices = "emulated"
counts = [4]
measured = { count = 4, loss = { value = 0.375, low = 0.3, high = 0.4 } }
source = "assumed:an example"
[[study.interference.mix]]
name = "both"
guests = [{ kind = "writer", count = 1 }, { kind = "burner", count = 3 }]
replaced_cores = 1.5
source = "assumed:an example"
"#;

/// The study of an example with these changes.
fn changed(changes: &[(&str, &str)]) -> Study {
    let scenario = Folder::with_studies(STUDY, changes).load().unwrap();
    scenario.studies[0].clone()
}

fn interference(study: &Study) -> &Interference {
    let Kind::Interference(it) = &study.kind else { panic!("another kind") };
    it
}

fn answer(study: &Study) -> Answer {
    interference(study).answer(study).unwrap()
}

/// The figures of the site that the repository holds.
fn spring8() -> (Study, Answer) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("s1-spring8");
    let scenario = scenarios::load(&folder, &Options::default()).unwrap();
    let study = scenario.studies.iter().find(|s| s.name == "busy-windows").unwrap().clone();
    let answer = answer(&study);
    (study, answer)
}

fn figure<'a>(answer: &'a Answer, name: &str) -> &'a study::Figure {
    answer
        .figure(name)
        .unwrap_or_else(|| panic!("no figure `{name}` among {:?}", answer.figures.iter().map(|f| &f.name).collect::<Vec<_>>()))
}

/// The figure's value and range.
fn of(answer: &Answer, name: &str) -> (f64, f64, f64) {
    let Estimate { value, low, high } = figure(answer, name).value;
    (value, low, high)
}

/// Within a hundredth.
fn near(is: (f64, f64, f64), should: (f64, f64, f64)) {
    let far = |a: f64, b: f64| (a - b).abs() > 0.01;
    assert!(!far(is.0, should.0) && !far(is.1, should.1) && !far(is.2, should.2), "{is:?} is not {should:?}");
}

#[test]
fn its_keys_are_read() {
    let scenario = Folder::with_studies(STUDY, &[]).load().unwrap();
    let it = interference(&scenario.studies[0]);
    assert_eq!((it.cores, it.clients, it.guest.vcpus, it.network.mtu), (8, 100, 2, 1500));
    assert_eq!(
        it.kinds.iter().map(|k| (k.name.as_str(), k.weight, k.devices)).collect::<Vec<_>>(),
        [("burner", 256, Devices::Unused), ("writer", 128, Devices::Emulated)]
    );
    assert_eq!(it.mixes[0].beside, [(1, 1), (0, 3)]);
    // Its numbers are among the givens, those of its tables with sources of their own too.
    let given = |place: &str, key: &str| scenario.site.givens.iter().find(|g| g.place == place && g.key == key).map(|g| g.value.clone());
    assert_eq!(given("study.interference busy", "needs_cores").as_deref(), Some("1.0 (0.5 to 2.0)"));
    assert_eq!(given("study.interference busy beside writer", "driver_cores").as_deref(), Some("0.5 (0 to 1)"));
    assert_eq!(given("study.interference busy mix both", "replaced_cores").as_deref(), Some("1.5"));
}

#[test]
fn what_is_wrong_is_refused_where_it_stands() {
    let wrong: [(&str, &str, &str, &str); 12] = [
        ("slice_ms = 30", "slice_ms = 0", "study.interference.busy.slice_ms", "a slice has a length"),
        (
            "needs_cores = { value = 1.0, low = 0.5, high = 2.0 }",
            "needs_cores = 2.5",
            "study.interference.busy.needs_cores",
            "2.5 is more than 2",
        ),
        (
            "needs_cores = { value = 1.0, low = 0.5, high = 2.0 }",
            "needs_cores = 0",
            "study.interference.busy.needs_cores",
            "some of a core",
        ),
        (
            "driver_cores = { value = 1.0, low = 0.0, high = 2.0 }",
            "driver_cores = 3",
            "study.interference.busy.driver_cores",
            "3 is more than 2",
        ),
        ("cores = 8\ndriver_vcpus", "cores = 3\ndriver_vcpus", "study.interference.busy.cores", "needs more cores"),
        ("paravirtual_cost = 0.01", "paravirtual_cost = 1", "study.interference.busy.paravirtual_cost", "nothing would be left"),
        ("mtu_bytes = 1500", "mtu_bytes = 52", "study.interference.busy.mtu_bytes", "52 B is not a largest content of a frame"),
        ("loss = 0.234", "loss = 0", "study.interference.busy.beside.burner.measured", "a part of the throughput"),
        ("name = \"writer\"", "name = \"burner\"", "study.interference.busy.beside.burner.name", "the kind `burner` is there twice"),
        ("kind = \"writer\"", "kind = \"writter\"", "study.interference.busy.mix.both.guests[0].kind", "there is no kind `writter`"),
        ("devices = \"emulated\"", "devices = \"real\"", "study.interference.busy.beside.writer.devices", "unused"),
        ("link_bytes_per_s = 125e6", "link_bytes_per_s = 0", "study.interference.busy.link_bytes_per_s", "above 0"),
    ];
    for (from, to, key, says) in wrong {
        let error = Folder::with_studies(STUDY, &[(from, to)]).load().unwrap_err();
        assert_eq!(error.key.as_deref(), Some(key), "{error}");
        assert!(error.to_string().contains(says) && error.line.is_some(), "{says}: {error}");
    }
}

#[test]
fn the_benchmark_of_spring8_has_the_figures_worked_out_by_hand() {
    let (_, answer) = spring8();
    // 65,300 B in 46 segments of 1448: 65,300 + 46 x 90 + 3 x 90 = 69,710 B; 125e6 / 69,710 = 1793.1. S1-12: 1765.51.
    let (native, low, high) = of(&answer, "native");
    assert!((native - 1793.1).abs() < 0.1 && low < 1765.51 && 1765.51 < high, "{native} {low} {high}");
    assert!(of(&answer, "one paravirtual guest").1 < 1710.78);
    // Fair share, 2 cores needed, the driver domain 0 to 2, 1 in the middle: 8 of 2 (n + 1) + delta (models B3 row 17).
    for (n, losses) in [(1, (0.0, 0.0, 0.0)), (2, (0.0, 0.0, 0.0)), (3, (100.0 / 9.0, 0.0, 20.0)), (4, (300.0 / 11.0, 20.0, 100.0 / 3.0))] {
        near(of(&answer, &format!("cpu-busy x {n}: share")), losses);
    }
    // S1-13, beside I/O: at most a third, where 37.5 % were measured (models B3 row 24).
    near(of(&answer, "io-busy x 4: share"), (100.0 / 3.0, 0.0, 100.0 / 3.0));
    // One number from the loss beside four: the losses beside three (models A3).
    near(of(&answer, "cpu-busy x 3: share, fitted"), (6.67, 5.26, 8.08));
    near(of(&answer, "cpu-busy x 4: share, fitted"), (23.4, 23.4, 23.4));
    near(of(&answer, "io-busy x 4: two-class"), (37.5, 37.5, 37.5));
    // delta = 2: u = (8 - 0.625 x 4) / 4 = 1.375, and 8 - 3 u = 3.875 of 4 beside three: 3.1 % lost.
    near(of(&answer, "io-busy x 3: two-class"), (0.0, 0.0, 3.125));
    // Delay, its number from the CPU-busy guests: 1 - 0.766 / 1.25 with half a core of emulation, and 1.5 with a whole one.
    near(of(&answer, "io-busy x 4: latency"), (38.72, 0.0, 48.93));
}

#[test]
fn a_figure_says_how_many_numbers_went_into_it() {
    let (_, answer) = spring8();
    for (name, fitted) in [
        ("native", 0),
        ("one paravirtual guest", 0),
        ("cpu-busy x 4: share", 0),
        ("io-busy x 4: share", 0),
        ("cpu-busy x 4: share, fitted", 1),
        ("cpu-busy x 3: share, fitted", 1),
        ("io-busy x 4: two-class", 1),
        ("cpu-busy x 4: fitted", 2),
        ("order: io-busy over cpu-busy", 0),
    ] {
        assert_eq!(figure(&answer, name).fitted, fitted, "{name}");
    }
    assert!(answer.figures.iter().all(|f| f.fitted <= 2));
}

#[test]
fn outside_the_benchmark_the_laws_say_what_the_paper_says() {
    let (_, answer) = spring8();
    // Two on each of two hosts (S1-16): nothing lost, by any law.
    near(of(&answer, "cpu-busy x 4 on two hosts"), (0.0, 0.0, 0.0));
    near(of(&answer, "io-busy x 4 on two hosts"), (0.0, 0.0, 0.0));
    // Paravirtual drivers take nothing first: the loss is near that beside CPU-busy guests, and far below 37.5 %.
    let drivers = figure(&answer, "io-pv x 4: fitted").value;
    assert!(drivers.value < 27.0 && drivers.high < 37.5 - 4.0, "{drivers:?}");
    // The experiment that tells the laws apart.
    near(of(&answer, "twice the clients: share"), (23.4, 23.4, 23.4));
    near(of(&answer, "twice the clients: latency"), (0.0, 0.0, 0.0));
    // S1-14 and S1-15: yes, and not for all that is possible.
    assert_eq!(of(&answer, "order: io-busy over cpu-busy"), (1.0, 0.0, 1.0));
    assert_eq!(of(&answer, "in operation: as fast"), (1.0, 0.0, 1.0));
    assert!(answer.says.iter().any(|s| s.contains("missed by 4.2 points")), "{:?}", answer.says);
    assert!(answer.says.iter().any(|s| s.contains("1.5 to 5.1 % beside 3 cpu-busy")), "{:?}", answer.says);
    assert!(answer.says.iter().any(|s| s.contains("1.74 to 2.00 cores")), "{:?}", answer.says);
}

#[test]
fn figures_move_with_their_givens_as_physics_says() {
    let plain = answer(&changed(&[]));
    let moved = |change: (&str, &str), name: &str| {
        let other = answer(&changed(&[change]));
        (figure(&plain, name).value.value, figure(&other, name).value.value)
    };
    let (a, b) = moved(("link_bytes_per_s = 125e6", "link_bytes_per_s = 12.5e6"), "native");
    assert!((a - 10.0 * b).abs() < 1e-6, "a tenth of the link carries a tenth: {a} {b}");
    let (a, b) = moved(("page_bytes = 65000", "page_bytes = 130000"), "native");
    assert!(b < a && b > a / 2.1);
    // 12 cores: 5 x 2 + 1 fit.
    let (a, b) = moved(("cores = 8\ndriver_vcpus", "cores = 12\ndriver_vcpus"), "burner x 4: share");
    assert!(a > 27.0 && b == 0.0, "{a} {b}");
    // Twice the weight: 4 x 2 x (256 / 512) and the two of the guest, one of the driver domain: all it needs.
    let (a, b) = moved(("\nweight = 256\nneeds_cores", "\nweight = 512\nneeds_cores"), "burner x 4: share");
    assert!(a > 27.0 && b == 0.0, "{a} {b}");
    // A busier neighbour never helps, an idler one never hurts.
    let (a, b) = moved(("cores = 2\ndriver_cores = 0", "cores = 1\ndriver_cores = 0"), "burner x 4: share");
    assert!(b < a);
    // Fair sharing knows neither clients nor slices.
    for change in [("clients = 100", "clients = 200"), ("slice_ms = 30", "slice_ms = 60")] {
        for name in ["burner x 4: share", "burner x 3: share, fitted", "writer x 4: share", "writer x 4: two-class"] {
            let (a, b) = moved(change, name);
            assert_eq!(a, b, "{name}");
        }
    }
    // A larger measured loss fits a larger one beside three.
    let (a, b) = moved(("loss = 0.234", "loss = 0.28"), "burner x 3: share, fitted");
    assert!(b > a);
    // One that fair sharing cannot lose is said to be so, and has no figure.
    let study = changed(&[("loss = 0.234", "loss = 0.4")]);
    let answer = answer(&study);
    assert!(answer.figure("burner x 3: share, fitted").is_none());
    assert!(answer.says.iter().any(|s| s.contains("No need of the guest")), "{:?}", answer.says);
}

#[test]
fn without_a_measurement_no_number_is_fitted() {
    let study = changed(&[
        ("measured = { count = 4, loss = 0.234 }\n", ""),
        ("measured = { count = 4, loss = { value = 0.375, low = 0.3, high = 0.4 } }\n", ""),
    ]);
    assert!(answer(&study).figures.iter().all(|f| f.fitted == 0 && !f.name.contains("fitted")));
}

#[test]
fn a_placement_has_the_price_of_its_fullest_host() {
    let (study, _) = spring8();
    let it = interference(&study);
    let price = |stacks: &[(&str, u32, u32)], limit| {
        let mut answer = Answer::default();
        let stacks = stacks.iter().map(|(host, cores, n)| ((*host).to_owned(), *cores, *n)).collect();
        it.beside_placed(&Placed { stacks, limit }, &mut answer).unwrap();
        answer
    };
    let spread = price(&[("a", 8, 2), ("b", 8, 1), ("c", 8, 1)], Some(2));
    assert_eq!(of(&spread, "plan: most on a host").0, 2.0);
    near(of(&spread, "in the plan: cpu-busy x 2"), (0.0, 0.0, 0.0));
    near(of(&spread, "one more: cpu-busy x 3"), (6.67, 0.0, 20.0));
    near(of(&spread, "all on one: cpu-busy x 4"), (23.4, 20.0, 100.0 / 3.0));
    assert!(spread.figure("at the limit: cpu-busy x 2").is_none());
    let [said] = &spread.says[..] else { panic!("{:?}", spread.says) };
    for part in [
        "on a host in the plan: 2 (a); predicted loss of a neighbour: 0.0 % beside cpu-busy",
        "at one more, 3:",
        "with all 4 on one host: 20.0 to 33.3 %",
    ] {
        assert!(said.contains(part), "{said}");
    }
    // Where the plan has fewer than the limit, the limit has a price of its own.
    let wider = price(&[("a", 8, 1), ("b", 8, 1), ("c", 8, 1), ("d", 8, 1), ("e", 8, 1)], Some(3));
    near(of(&wider, "at the limit: cpu-busy x 3"), (6.67, 0.0, 20.0));
    near(of(&wider, "one more: cpu-busy x 4"), (23.4, 20.0, 100.0 / 3.0));
    // A larger host carries them all.
    near(of(&price(&[("a", 16, 4)], Some(2)), "in the plan: cpu-busy x 4"), (0.0, 0.0, 0.0));
    // Nobody is there, nothing is said.
    assert_eq!(price(&[("a", 8, 0)], Some(2)), Answer::default());
    assert_eq!(price(&[], None), Answer::default());
}
