//! What was played at request level, on the terminal and on the page.

mod common;

use common::requests::{hour, two_flows};
use common::{USUAL, refused, sample, small};
use reports::json;
use reports::run::Run;
use reports::text::{COLUMNS, LINES};
use sim::experiment::{Findings, Kept};

/// The usual run, its plan played at request level.
fn played(findings: Findings) -> (Run, models::plan::Plan) {
    let (mut run, plan) = sample(USUAL);
    run.requests = vec![findings];
    (run, plan)
}

/// The texts of the section of requests.
fn words(html: &str) -> String {
    // Its tag is cut in two.
    let section = html.split_once("<section id=\"requests\"").expect("a section").1.split_once("</section>").unwrap().0;
    common::texts(&format!("<section{section}"))
}

/// The words of a case: from its title to the next.
fn of_case(html: &str, name: &str) -> String {
    let case = html.split("<article").find(|a| a.contains(&format!("<h4>{name} "))).expect("the case");
    let case = case.split_once("</article>").unwrap().0;
    words(&format!("<section id=\"requests\"{case}</section>"))
}

#[test]
fn two_flows_on_the_terminal_are_this() {
    // Half widths: of 0.912 s 0.035 and 0.04 with one digit; of 20 ms 1.0, two digits because the first is a one.
    let expected = "\
requests on plan: 10:00 to 11:00 x 10 replications, 1,040 jobs, 9,000 events each, seed 42

flow           p50           p95           p99  lost  promise
a     0.30 ±0.02 s  0.91 ±0.04 s    1.7 ±0.2 s     0  p95 0.8 s NOT KEPT
b     20.0 ±1.0 ms     50 ±20 ms  too few jobs     0  p95 60 ms UNDECIDED

down: h1 fails at 10:20
  1 flow moved, 1 did not move beyond its interval: a +1.2 ±0.2 s
  lost: a 12; down: g1 5.20 min
flood: ten times as many jobs of b
  UNSTABLE: 4 of 10 replications did not reach the end: t1 after day 1 00:10:00: 1000 jobs present,
    the most of them of b; offered 3.00 cores, capacity 2.00
  1 flow moved, 1 did not move beyond its interval: b +30 ±2 s
";
    assert_eq!(reports::requests(&two_flows()), expected);
}

#[test]
fn twenty_flows_and_five_cases_take_some_forty_lines_of_a_hundred_columns() {
    let mut findings = hour("a fleet with a name that is longer than it should be");
    for case in &mut findings.cases {
        let more: Vec<_> = case.flows.iter().take(6).cloned().collect();
        case.flows.extend(more);
        case.title = "a title that says more than there is room for on a line of a terminal ".repeat(2);
    }
    let text = reports::requests(&findings);
    assert_eq!(findings.cases.len(), 6);
    assert!(text.lines().count() <= 42, "{} lines:\n{text}", text.lines().count());
    for line in text.lines() {
        assert!(line.chars().count() <= COLUMNS, "{line}");
        assert_eq!(line, line.trim_end());
    }
    // With more flows than there is room for, those that keep their promise are left out first.
    for case in &mut findings.cases {
        for _ in 0..2 {
            let more: Vec<_> = case.flows.iter().rev().cloned().collect();
            case.flows.splice(0..0, more);
        }
    }
    let text = reports::requests(&findings);
    let broken = findings.cases[0].flows.iter().filter(|f| f.objective.as_ref().is_some_and(|p| p.kept == Kept::No)).count();
    assert_eq!(text.matches("NOT KEPT").count(), broken, "{text}");
    assert!(text.contains("and 40 more flows"), "{text}");
}

#[test]
fn an_experiment_without_a_case_is_a_line() {
    let findings = Findings { fleet: "today".into(), seed: 1, cases: Vec::new(), notes: Vec::new() };
    assert_eq!(reports::requests(&findings), "requests on today: nothing was played\n");
    let (run, plan) = played(findings);
    assert!(words(&reports::page(&run, Some(&plan)).unwrap()).contains("nothing was played"));
}

#[test]
fn the_summary_says_which_promises_the_plan_keeps() {
    let (run, plan) = played(hour("plan"));
    let text = reports::summary(&run, Some(&plan));
    // imap: 0.912 s with a half width of 0.912 (0.01 + 0.05 x 0.95^2) = 0.05 s.
    let expected = "requests    10 of 12 promises kept over 10:00 to 11:00 x 10 replications; imap p95 0.91 s (0.86 to\n            \
                    0.96) over its 0.8 s; unstable in case burst\n";
    assert!(text.contains(expected), "{text}");
    // Another fleet's play is not the plan's.
    let (run, plan) = played(hour("today"));
    assert!(!reports::summary(&run, Some(&plan)).contains("requests"));
    assert!(!reports::summary(&small(), None).contains("requests"));
}

#[test]
fn a_summary_with_requests_is_still_one_screen() {
    let mut findings = hour("plan");
    findings.cases[0].unstable = Some(("unstable: ".to_owned() + &"web and more ".repeat(30), 10));
    let (mut run, plan) = played(findings);
    run.binds = vec!["x ".repeat(90); 4];
    let one = run.fleets[1].clone();
    run.fleets.splice(1..1, (0..20).map(|_| one.clone()));
    run.chosen = Some(run.fleets.len() - 1);
    let text = reports::summary(&run, Some(&plan));
    assert!(text.contains("requests    UNSTABLE: 10 of 10 replications did not reach the end: web"), "{text}");
    assert!(text.lines().count() <= LINES, "{text}");
    assert!(text.lines().all(|l| l.chars().count() <= COLUMNS), "{text}");
}

#[test]
fn figures_stand_on_the_page_with_interval_and_count() {
    let (run, plan) = played(two_flows());
    let page = reports::page(&run, Some(&plan)).unwrap();
    let text = words(&page);
    for figure in [
        "plan – 10:00 to 11:00 x 10 replications, 1,040 jobs, 9,000 events each, seed 42",
        "95 % confidence interval of the mean (Student's t), n = 10.",
        "0 of 2 promises kept; not kept: a; undecided: b.",
        "a flow a not kept p95 within 0.8 s: 0.91 s (0.88 to 0.95) 1,000 988 to 1,012",
        "2.9 s 2.3 to 3.5",
        // 40 jobs, half width 0.012 x 40 = 0.48; no p99 and no p99.9.
        "b flow b undecided p95 within 60 ms: 50 ms (30 to 70) 40.0 39.5 to 40.5",
        "50 ms 30 to 70 – too few jobs – too few jobs",
    ] {
        assert!(text.contains(figure), "{figure} is not in\n{text}");
    }
    assert!(page.contains("<a href=\"#requests\">"));
    let power = page.find("<section id=\"power\"").unwrap();
    let requests = page.find("<section id=\"requests\"").unwrap();
    assert!(power < requests && requests < page.find("<section id=\"hosts\"").unwrap());
}

#[test]
fn a_case_shows_what_moved_and_counts_what_did_not() {
    let (run, plan) = played(two_flows());
    let text = of_case(&reports::page(&run, Some(&plan)).unwrap(), "down");
    for figure in [
        "down – h1 fails at 10:20",
        "10:20 h1 fails 10:25 g1 is up again on h2",
        "1 flow moved, 1 did not move beyond its interval.",
        // Mean: 1.188 ± 0.2, together ± 0.3, from 0.36 to 1.548 s; p95: twice the change.
        "a +1.2 s +1.0 to +1.4 1.5 s 1.3 to 1.7 0.360 s 0.353 to 0.367 +2.4 s +2.0 to +2.8 +0.9 to +1.5 s 4",
        "a 12 9 to 15 1.2 % 0",
        "g1 5.20 1 0 0.840 0.828 to 0.852 0.110 0.108 to 0.112",
    ] {
        assert!(text.contains(figure), "{figure} is not in\n{text}");
    }
}

#[test]
fn an_unstable_case_says_so_first() {
    let (run, plan) = played(two_flows());
    let page = reports::page(&run, Some(&plan)).unwrap();
    let text = of_case(&page, "flood");
    let first = "flood – ten times as many jobs of b Unstable : 4 of 10 replications did not reach the end. The first: t1 after day 1";
    assert!(text.starts_with(first), "{text}");
    assert!(page.contains("<p class=\"verdict bad\"><strong>Unstable</strong>"));
    // Its log is empty, and nobody was down.
    assert!(!text.contains("What happened") && !text.contains("Guests that"), "{text}");
}

#[test]
fn a_long_log_is_folded_and_a_short_one_is_not() {
    let (run, plan) = played(hour("plan"));
    let page = reports::page(&run, Some(&plan)).unwrap();
    assert!(page.contains("<summary>What happened, first replication (14 lines)</summary>"));
    assert!(page.contains("<h5>What happened, first replication</h5>"));
    // Beyond the first day an instant has its day: 1.5e15 ns are 416 h 40 min, 17 days and 8:40.
    assert!(of_case(&page, "years").contains("day 18 8:40 vm02 fails"));
}

#[test]
fn each_chart_of_a_case_says_what_it_shows() {
    let (run, plan) = played(hour("plan"));
    let page = reports::page(&run, Some(&plan)).unwrap();
    let charts = |name: &str| -> Vec<String> {
        let case = page.split("<article").find(|a| a.contains(&format!("<h4>{name} "))).unwrap();
        let case = case.split_once("</article>").unwrap().0;
        case.split("<svg").skip(1).map(|s| s.split_once('>').unwrap().0.to_owned()).collect()
    };
    // Changes, arrivals and power in two widths, and a small chart for each of the five flows that moved.
    let down = charts("host-down");
    assert_eq!(down.len(), 3 * 2 + 5);
    assert!(down.iter().all(|c| c.contains("role=\"img\"") && c.contains("aria-label=\"") && !c.contains("aria-label=\"\"")), "{down:?}");
    assert!(down[0].contains("Change of the mean delay in host-down against the ordinary course: 5 flows moved, 9 did"));
    // Thirteen flows moved: eight are drawn.
    assert_eq!(charts("power-cut").len(), 3 * 2 + 8);
    // Nothing moved, nothing more arrived, nothing was lost.
    assert_eq!(charts("pool").len(), 2 * 2);
    // Columns alone: power alone.
    assert_eq!(charts("years").len(), 2);
}

#[test]
fn nothing_is_shown_where_nothing_was_played() {
    let (run, plan) = sample(USUAL);
    for page in [reports::page(&run, Some(&plan)).unwrap(), reports::page(&refused(), None).unwrap()] {
        assert!(!page.contains("id=\"requests\"") && !page.contains("href=\"#requests\""));
        assert!(page.contains("Request delay: what users wait for."));
    }
    let (run, plan) = played(hour("plan"));
    assert!(!reports::page(&run, Some(&plan)).unwrap().contains("Request delay: what users wait for."));
}

#[test]
fn one_replication_has_no_interval_anywhere() {
    let mut findings = two_flows();
    for case in &mut findings.cases {
        case.replications = 1;
        let figures = [&mut case.jobs, &mut case.events].into_iter();
        let flows = case.flows.iter_mut().flat_map(|f| {
            let quantiles = f.quantiles.iter_mut().map(|q| &mut q.1);
            let promised = f.objective.iter_mut().filter_map(|p| p.reached.as_mut());
            quantiles.chain(f.mean.as_mut()).chain(promised).chain([&mut f.arrived, &mut f.served, &mut f.lost])
        });
        for figure in figures.chain(flows) {
            (figure.interval, figure.count) = (None, 1);
        }
        for c in &mut case.comparisons {
            (c.difference.interval, c.together, c.moved, c.variance_reduction) = (None, None, false, None);
        }
    }
    let text = reports::requests(&findings);
    assert!(!text.contains('±') && text.contains("10:00 to 11:00 x 1 replication, 1,040 jobs, 9,000 events, seed 42"), "{text}");
    let (run, plan) = played(findings);
    assert!(words(&reports::page(&run, Some(&plan)).unwrap()).contains("One replication, no interval."));
}

#[test]
fn a_hostile_name_is_shown_and_not_run() {
    const NAME: &str = "<script>alert(1)</script>\"'&";
    let mut findings = two_flows();
    findings.fleet = NAME.into();
    for case in &mut findings.cases[1..] {
        case.name = NAME.into();
        case.title = NAME.into();
        case.unstable = Some((NAME.into(), 1));
        case.flows[0].title = NAME.into();
        case.flows[0].name = NAME.into();
        case.comparisons[0].flow = NAME.into();
        case.comparisons[0].moved = true;
    }
    findings.cases[1].log[0].what = NAME.into();
    findings.cases[1].guests[0].guest = NAME.into();
    let (run, plan) = played(findings);
    let page = reports::page(&run, Some(&plan)).unwrap();
    assert!(!page.to_lowercase().contains("<script") && page.contains("&lt;script&gt;alert(1)"));
    assert!(!page.contains("script>\""));
}

#[test]
fn findings_survive_the_json_of_a_run_and_may_be_missing_from_it() {
    let (run, _) = played(hour("plan"));
    let text = json::to_text(&run);
    assert_eq!(json::from_text(&text).unwrap(), run);
    let mut older = small();
    let text = json::to_text(&older).replace(",\n  \"requests\": []", "");
    assert!(!text.contains("requests"));
    older.requests = Vec::new();
    assert_eq!(json::from_text(&text).unwrap(), older);
}

#[test]
fn charts_take_their_colours_from_the_style() {
    let (run, plan) = played(hour("plan"));
    let page = reports::page(&run, Some(&plan)).unwrap();
    let style = page.split_once("<style>").unwrap().1.split_once("</style>").unwrap().0;
    let section = page.split_once("<section id=\"requests\"").unwrap().1.split_once("</section>").unwrap().0;
    assert!(!section.contains("=\"#"), "a chart holds a colour of its own");
    for class in ["s-case", "s-before", "s-lost", "s-still", "f-case", "f-still", "f-paper", "s-limit"] {
        assert!(section.contains(&format!("class=\"{class}\"")), "nothing is drawn as {class}");
        assert!(style.contains(&format!(".{class}{{")) || style.contains(&format!(".{class},")), "the style knows no {class}");
    }
}
