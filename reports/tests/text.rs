//! What the terminal shows, and the JSON.

mod common;

use common::{LARGE, USUAL, refused, sample, small};
use reports::json;
use reports::text::{COLUMNS, LINES};

#[test]
fn the_summary_of_two_hosts_is_this() {
    // 600 W at a factor of 0.95 are 631.6 VA: 63 % of 1000. 380 W are 400 VA. 2 x 24 h x 300 W = 14.4 kWh; 24 h x 380 W = 9.12.
    // 400,000 yen of maintenance and 10,000 (8,000 to 15,000) of electricity; the plan costs 210,000: 5 % above 200,000.
    let expected = "\
two: Two hosts of one guest each
FITS: 1 host carries 2 guests and draws at most 0.40 kVA expected, 0.60 kVA by nameplate, of 1.00
  kVA on UPS; every rule holds.

                    today                             plan                              limit
hosts on            2                                 1
peak kVA, expected  0.63 kVA, 63 %                    0.40 kVA, 40 %                    1.00 kVA
peak kW, expected   0.60 kW, 75 %                     0.38 kW, 48 %                     0.80 kW
nameplate kVA       1.20 kVA (1.10 to 1.30) OVER      0.60 kVA, 60 %                    1.00 kVA
nameplate kW        1.08 kW (0.99 to 1.17) OVER       0.54 kW, 68 %                     0.80 kW
CPU not served      0 %                               0 %
energy              14.4 kWh                          9.12 kWh
cost over 4 years   410,000 yen (408,000 to 415,000)  210,000 yen (208,000 to 215,000)
rules               every rule holds                  every rule holds
views       by nameplate all fit but today (135 %); by measured curves all fit, the fullest (today)
            with 75 % of the limit
binds       memory: 2.0 of 4.0 GiB on a
bound       no fleet that keeps the rules costs less than 200,000 yen (memory: 1 host at least); the
            plan costs 5.0 % more
";
    assert_eq!(reports::summary(&small(), None), expected);
}

#[test]
fn a_summary_is_one_screen() {
    let (mut usual, plan) = sample(USUAL);
    let (large, large_plan) = sample(LARGE);
    let mut texts = vec![
        reports::summary(&usual, Some(&plan)),
        reports::summary(&large, Some(&large_plan)),
        reports::summary(&refused(), None),
        reports::summary(&small(), None),
    ];
    let one = usual.fleets[1].clone();
    usual.fleets.extend((0..20).map(|_| one.clone()));
    usual.title = "長い題名".repeat(60);
    usual.fleets[0].name = "a name that is much longer than its column".into();
    usual.binds = vec!["x ".repeat(90); 4];
    texts.push(reports::summary(&usual, Some(&plan)));
    usual.chosen = None;
    usual.conflicts = vec!["memory against kVA ".repeat(20); 30];
    texts.push(reports::summary(&usual, None));
    for text in texts {
        assert!(text.lines().count() <= LINES, "{} lines:\n{text}", text.lines().count());
        for line in text.lines() {
            let width: usize = line.chars().map(|c| if (c as u32) > 0x2e7f { 2 } else { 1 }).sum();
            assert!(width <= COLUMNS, "{width} columns: {line}");
        }
    }
}

#[test]
fn where_nothing_fits_the_summary_says_why() {
    let text = reports::summary(&refused(), None);
    assert!(text.contains("DOES NOT FIT, because:\n  - CVCF against one host down: 33.1 kVA"), "{text}");
}

#[test]
fn fleets_besides_the_two_have_a_line_each() {
    let (run, plan) = sample(USUAL);
    let text = reports::summary(&run, Some(&plan));
    assert!(!text.contains("chosen: 11 hosts"), "the plan has its column: {text}");
    assert!(text.contains("\n4 VM hosts  10 hosts, "), "{text}");
}

#[test]
fn a_plan_is_shown_with_every_step_and_condition() {
    let (_, plan) = sample(USUAL);
    let text = reports::steps(&plan);
    assert!(text.starts_with("plan for s0-maffin, version 1, by shuyaku 0.1.0, seed 42\n"));
    assert!(text.contains("\n  5 x vm-host: vm01, vm02, vm03, vm04, vm05\n"));
    assert!(text.contains("\n   1  boot host vm01\n      before  vm01 is off\n      after   vm01 is on; "));
    for step in &plan.steps {
        assert!(text.contains(&step.action.to_string()));
    }
    assert!(text.contains("[9.06, 9.34] n=30"), "{text}");
}

#[test]
fn a_broken_rule_shows_each_breach_and_the_rest_as_a_count() {
    let (run, _) = sample(USUAL);
    let mut judgements = run.fleets[0].verdicts.clone();
    if let models::rule::Verdict::Broken { count, .. } = &mut judgements[6].verdict {
        *count = 5;
    }
    let text = reports::verdicts(&judgements);
    assert!(text.contains("BROKEN"), "{text}");
    assert!(text.contains("33.1       30.0  kVA"), "{text}");
    assert!(text.contains("and 3 more"), "{text}");
    assert!(text.contains("UNDECIDED"), "{text}");
    assert!(text.ends_with("2 of 8 rules do not hold\n"), "{text}");
    assert!(text.lines().all(|l| l == l.trim_end()));
    assert_eq!(reports::verdicts(&[]), "no rule was asked\n");
}

#[test]
fn a_replay_is_shown_host_by_host() {
    let text = reports::measures(&small());
    for line in [
        "today: today",
        "24 h in 24 steps of 1 h",
        "a     old         1      20 %  20 %  20 %  20 %   1 GiB  4 GiB     300  7.20 kWh           0",
        "every guest got the CPU it asked for (12.0 GHz h)",
    ] {
        assert!(text.contains(line), "{line} is not in\n{text}");
    }
    let (run, _) = sample(USUAL);
    let text = reports::measures(&run);
    assert!(text.contains("1 guest got less CPU than asked for: 1.85 of 1,843 GHz h not served (0.1 %)"), "{text}");
    assert!(text.contains("the CVCF loses 0.84 kW in the mean"), "{text}");
}

#[test]
fn a_run_survives_its_json_to_the_last_digit() {
    let (mut run, _) = sample(USUAL);
    run.years = 0.1 + 0.2;
    run.fleets[0].measures.asked_ghz_h = 1.0 / 3.0;
    run.fleets[0].measures.hosts[0].heat[0] = 0.1;
    let text = json::to_text(&run);
    assert!(text.starts_with("{\n  \"tool\": \"shuyaku 0.1.0\",\n") && text.ends_with("}\n") && !text.ends_with("\n\n"));
    let back = json::from_text(&text).unwrap();
    assert_eq!(back, run);
    assert_eq!(json::to_text(&back), text);
}

#[test]
fn a_key_that_is_not_known_is_refused_with_its_place() {
    let text = json::to_text(&small()).replacen("  \"tool\"", "  \"tol\": 1,\n  \"tool\"", 1);
    let error = json::from_text(&text).unwrap_err();
    assert_eq!(error.line, 2);
    assert!(error.to_string().contains("unknown field `tol`"), "{error}");
}
