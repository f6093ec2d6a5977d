//! The page: what must stand in it, and what must not.

mod common;

use common::{LARGE, USUAL, refused, sample, small, texts};
use models::{Given, Provenance};

/// The texts of all elements of a page.
fn words(html: &str) -> String {
    texts(html.split_once("<body>").expect("a body").1)
}

#[test]
fn the_answer_stands_first_with_its_figures() {
    let (run, plan) = sample(USUAL);
    let words = words(&reports::page(&run, Some(&plan)).unwrap());
    let answer = words.find("11 hosts carry 42 guests").expect("the answer");
    assert!(answer < words.find("hosts on").unwrap() && answer < words.find("Power over time").unwrap());
    for figure in ["26.9 kVA, 90 %", "24.7 to 28.5 kVA", "33.1 kVA, 110 %: over", "chassis A, 94 %", "14.16 M yen", "limit 30.0 kVA"] {
        assert!(words.contains(figure), "{figure} is missing");
    }
}

#[test]
fn a_hostile_name_is_shown_and_not_run() {
    const NAME: &str = "<script>alert(1)</script>\"'&";
    let (mut run, mut plan) = sample(USUAL);
    run.title = NAME.into();
    run.site = NAME.into();
    run.tool = NAME.into();
    run.ups.as_mut().unwrap().name = NAME.into();
    run.branches[0].0 = NAME.into();
    run.unknowns.push(NAME.into());
    run.binds.push(NAME.into());
    run.givens.push(Given { place: NAME.into(), key: NAME.into(), value: NAME.into(), source: Provenance::Assumed(NAME.into()) });
    for fleet in &mut run.fleets {
        fleet.name = NAME.into();
        fleet.title = NAME.into();
        fleet.measures.hosts[0].host = NAME.into();
        fleet.measures.hosts[0].class = NAME.into();
        fleet.headrooms[0].lost = NAME.into();
        fleet.placement[0] = (NAME.into(), NAME.into());
        fleet.verdicts[0].asked = NAME.into();
        fleet.figures[0].name = NAME.into();
        fleet.buys = vec![(NAME.into(), 1)];
        for feed in &mut fleet.measures.feeds {
            feed.name = NAME.into();
        }
    }
    plan.purchases[0].class = NAME.into();
    plan.purchases[0].hosts[0] = NAME.into();
    plan.steps[0].action = models::plan::Action::BootHost { host: NAME.into() };
    let page = reports::page(&run, Some(&plan)).unwrap();
    assert!(!page.to_lowercase().contains("<script"), "a name became an element");
    assert!(page.contains("&lt;script&gt;alert(1)"));
    // No attribute ends early: every quote of the name is written as an entity.
    assert!(!page.contains("script>\""));
}

#[test]
fn the_page_names_no_address_outside_of_itself() {
    let (run, plan) = sample(USUAL);
    for page in [reports::page(&run, Some(&plan)).unwrap(), reports::page(&refused(), None).unwrap()] {
        for outside in ["http:", "https:", "//", "url(", "@import", "<script", "<link rel=\"stylesheet\"", "<img"] {
            assert!(!page.contains(outside), "{outside}");
        }
    }
}

#[test]
fn every_given_appears_with_its_source() {
    let (run, plan) = sample(USUAL);
    let words = words(&reports::page(&run, Some(&plan)).unwrap());
    for given in &run.givens {
        let source = given.source.to_string();
        let source = source.split_once(':').unwrap().1;
        let row = format!("{} {} {} {source}", given.key, given.value, given.source.kind());
        assert!(words.contains(&row), "{row}");
    }
    assert!(words.contains("paper 10 of 22"));
    for unknown in &run.unknowns {
        assert!(words.contains(unknown.as_str()));
    }
}

#[test]
fn every_step_and_every_verdict_of_the_plan_appears() {
    let (run, plan) = sample(USUAL);
    let words = words(&reports::page(&run, Some(&plan)).unwrap());
    for step in &plan.steps {
        assert!(words.contains(&format!("{} {}", step.number, step.action)), "{}", step.action);
    }
    for j in &plan.verdicts {
        assert!(words.contains(&j.asked), "{}", j.asked);
    }
}

#[test]
fn without_a_plan_the_conflicts_stand_where_the_answer_would() {
    let run = refused();
    let words = words(&reports::page(&run, None).unwrap());
    assert!(words.contains("does not fit , because:"), "{}", &words[..400]);
    for conflict in &run.conflicts {
        assert!(words.contains(conflict.as_str()));
    }
    assert!(!words.contains("Steps of the plan"));
}

#[test]
fn charts_take_their_colours_from_the_style() {
    let (run, plan) = sample(USUAL);
    let page = reports::page(&run, Some(&plan)).unwrap();
    let style = page.split_once("<style>").unwrap().1.split_once("</style>").unwrap().0;
    let body = page.split_once("<body>").unwrap().1;
    assert!(!body.contains("=\"#F") && !body.contains("=\"#0"), "a chart holds a colour of its own");
    let mut classes: Vec<&str> = body
        .split("class=\"")
        .skip(1)
        .map(|x| x.split_once('"').unwrap().0)
        .filter(|c| c.starts_with("s-") || c.starts_with("f-"))
        .collect();
    classes.sort_unstable();
    classes.dedup();
    assert!(classes.len() > 12, "{classes:?}");
    for class in classes {
        assert!(style.contains(&format!(".{class}")), "the style knows no {class}");
    }
}

#[test]
fn each_chart_says_what_it_shows() {
    let (run, plan) = sample(USUAL);
    let page = reports::page(&run, Some(&plan)).unwrap();
    let charts: Vec<&str> = page.split("<svg").skip(1).collect();
    // kVA, kW and two heat maps, each for a screen and for a phone, and two feeds for both in one.
    assert_eq!(charts.len(), 2 * 4 + 2);
    for chart in charts {
        let head = chart.split_once('>').unwrap().0;
        assert!(head.contains("role=\"img\"") && head.contains("aria-label=\"") && !head.contains("aria-label=\"\""), "{head}");
    }
    assert!(page.contains(
        "today peaks at 11.2 kVA expected on day 4 12:30:00, within the limit, and adds up to 33.1 kVA by nameplate, over the limit"
    ));
}

#[test]
fn no_ups_no_host_one_step_and_no_fleet_still_make_a_page() {
    let mut run = small();
    run.ups = None;
    assert!(reports::page(&run, None).is_ok());
    for fleet in &mut run.fleets {
        fleet.measures.steps = 1;
        fleet.measures.site.series.truncate(1);
        for host in &mut fleet.measures.hosts {
            host.heat.truncate(1);
        }
    }
    assert!(reports::page(&run, None).unwrap().contains("<svg"));
    for fleet in &mut run.fleets {
        fleet.measures.hosts.clear();
        fleet.measures.site.series.clear();
        fleet.measures.steps = 0;
        fleet.placement.clear();
        fleet.verdicts.clear();
        fleet.hosts_on = 0;
    }
    assert!(words(&reports::page(&run, None).unwrap()).contains("No host is on."));
    run.fleets.clear();
    run.chosen = None;
    run.givens.clear();
    assert!(words(&reports::page(&run, None).unwrap()).contains("nothing replayed"));
    // A position that does not exist is no panic either.
    run.chosen = Some(7);
    assert!(reports::page(&run, None).is_ok());
}

#[test]
fn the_plan_may_be_what_stands_today() {
    let mut run = small();
    run.chosen = Some(0);
    run.fleets.truncate(1);
    let words = words(&reports::page(&run, None).unwrap());
    assert!(words.contains("2 hosts carry 2 guests") && words.contains("Guests by host"));
}

#[test]
fn eight_hundred_hosts_make_a_page_below_three_megabytes() {
    let (run, plan) = sample(LARGE);
    let page = reports::page(&run, Some(&plan)).unwrap();
    assert!(page.len() < 3_000_000, "{} bytes", page.len());
    assert!(page.contains("the other 760 are taken together in two rows"));
    assert!(page.contains("more losses leave more room than these"));
}

#[test]
fn the_same_run_gives_the_same_bytes() {
    let (run, plan) = sample(USUAL);
    assert_eq!(reports::page(&run, Some(&plan)).unwrap(), reports::page(&run.clone(), Some(&plan)).unwrap());
}
