//! A plan that was changed after it was made fails `check`, which says why.

mod common;

use std::sync::LazyLock;

use common::{Planned, Said, check, scenario, shuyaku};
use models::plan::{Action, Condition, Plan, Step};
use models::rule::{RuleName, Verdict};

/// Three hosts are bought, booted and filled.
static SPRING8: LazyLock<Planned> = LazyLock::new(|| Planned::of("s1-spring8", &[]));
/// Guests run today and are moved live.
static JPARC: LazyLock<Planned> = LazyLock::new(|| Planned::of("s3-jparc", &[]));

/// `check` of this text as a plan of the scenario.
fn check_text(name: &str, text: &str) -> Said {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("plan.json");
    std::fs::write(&file, text).unwrap();
    check(&file, &scenario(name))
}

/// `check` of the plan after `change`.
#[track_caller]
fn tampered(run: &Planned, change: impl FnOnce(&mut Plan)) -> Said {
    let mut plan = run.plan();
    let before = plan.clone();
    change(&mut plan);
    assert_ne!(plan, before, "nothing was changed");
    check_text(&before.site, &plan.to_text())
}

/// The check fails with exit 1 and says all of this; nothing of it is an error of input.
#[track_caller]
fn fails(said: Said, because: &[&str]) {
    let said = said.exits(1);
    assert!(said.out.ends_with("the plan does not hold\n"), "{}", said.out);
    for why in because {
        assert!(said.out.contains(why), "`{why}` is not in\n{}", said.out);
    }
    assert_eq!(said.err, "");
}

/// The plan is no input: exit 2, nothing on stdout, and stderr says all of this.
#[track_caller]
fn refused(said: Said, because: &[&str]) {
    let said = said.exits(2);
    assert_eq!(said.out, "");
    for why in because {
        assert!(said.err.contains(why), "`{why}` is not in\n{}", said.err);
    }
}

fn renumber(plan: &mut Plan) {
    for (i, step) in plan.steps.iter_mut().enumerate() {
        step.number = i as u32 + 1;
    }
}

#[test]
fn the_plans_hold_before_they_are_touched() {
    for run in [&SPRING8, &JPARC] {
        check(&run.path("plan.json"), &scenario(&run.plan().site)).exits(0);
    }
}

#[test]
fn a_guest_moved_in_the_placement_and_not_in_the_steps_is_seen() {
    // srv-1 keeps a host that is on and has room: only the steps contradict it.
    let said = tampered(&JPARC, |p| {
        let moved = p.placement.iter_mut().find(|x| x.host == "srv-2").unwrap();
        moved.host = "srv-1".into();
    });
    fails(said, &["the steps do not lead to the plan's placement"]);
}

#[test]
fn a_host_listed_as_on_that_no_step_boots_is_seen() {
    fails(tampered(&JPARC, |p| p.hosts_on.push("ioc-1".into())), &["the steps do not lead to the plan's placement"]);
}

#[test]
fn a_missing_step_is_seen_by_its_number() {
    // Without step 4 the guest of step 5 is not known to its host.
    let said = tampered(&SPRING8, |p| drop(p.steps.remove(3)));
    fails(said, &["step 5 ", "steps are numbered from 1 in order; here 4 was due", "does not know web-1"]);
}

#[test]
fn a_missing_step_is_seen_also_where_the_rest_is_numbered_anew() {
    let said = tampered(&SPRING8, |p| {
        p.steps.remove(3);
        renumber(p);
    });
    fails(said, &["step 4 ", "rack-8c-16g-1 does not know web-1"]);
    let said = tampered(&JPARC, |p| {
        p.steps.remove(0);
        renumber(p);
    });
    fails(said, &["the steps do not lead to the plan's placement"]);
}

#[test]
fn a_guest_started_before_its_host_boots_is_seen() {
    let said = tampered(&SPRING8, |p| {
        let start = p.steps.iter().position(|s| matches!(s.action, Action::StartGuest { .. })).unwrap();
        let Action::StartGuest { host, .. } = &p.steps[start].action else { unreachable!() };
        let boots = |s: &Step| matches!(&s.action, Action::BootHost { host: h } if h == host);
        let boot = p.steps.iter().position(boots).unwrap();
        assert!(boot < start);
        p.steps.swap(boot, start);
        renumber(p);
    });
    fails(said, &["step 1 ", "before it, `rack-8c-16g-1 is on` is not so", "its host rack-8c-16g-1 is off"]);
}

#[test]
fn a_guest_started_before_its_host_boots_is_seen_without_the_plans_own_conditions() {
    let said = tampered(&SPRING8, |p| {
        p.steps.swap(0, 4);
        renumber(p);
        for step in &mut p.steps {
            (step.before, step.after) = (Vec::new(), Vec::new());
        }
    });
    fails(said, &["step 1 ", "its host rack-8c-16g-1 is off"]);
}

#[test]
fn an_edited_margin_is_seen() {
    let said = tampered(&JPARC, |p| {
        let memory = p.verdicts.iter_mut().find(|j| j.rule == RuleName::Memory).unwrap();
        let Verdict::Holds { margin: Some(margin) } = &mut memory.verdict else { panic!("{memory:?}") };
        margin.needed -= 1024.0;
    });
    fails(said, &["the verdicts in the plan are not those of a recount"]);
}

#[test]
fn a_verdict_left_out_is_seen() {
    fails(tampered(&JPARC, |p| drop(p.verdicts.pop())), &["the verdicts in the plan are not those of a recount"]);
}

/// srv-2 has 1 GiB left of 19 when all is done; a guest of 2 GiB more is too much. The placement and conditions of the
/// plan agree with the migration, so that only the recount can say it.
#[test]
fn a_migration_to_a_full_host_is_seen() {
    let said = tampered(&JPARC, |p| {
        let guest = "server-3".to_owned();
        let (from, to) = ("srv-2".to_owned(), "srv-1".to_owned());
        assert!(p.placement.iter().any(|x| x.guest == guest && x.host == from), "the plan has changed: {:?}", p.placement);
        // All of srv-1 on srv-2, one after the other: 18 GiB are there already.
        let others: Vec<String> = p.placement.iter().filter(|x| x.host == to).map(|x| x.guest.clone()).collect();
        for guest in others {
            let number = p.steps.len() as u32 + 1;
            let running = |host: &String| Condition::GuestRunning { guest: guest.clone(), host: host.clone() };
            let action = Action::MigrateGuest { guest: guest.clone(), from: to.clone(), to: from.clone() };
            p.steps.push(Step { number, action, starts_after_s: None, beside: 0, before: vec![running(&to)], after: vec![running(&from)] });
            p.placement.iter_mut().find(|x| x.guest == guest).unwrap().host.clone_from(&from);
        }
    });
    fails(said, &["memory: srv-2:", "MiB", "BROKEN"]);
}

#[test]
fn a_plan_for_another_site_is_stale() {
    let other = "0".repeat(64);
    fails(tampered(&JPARC, |p| p.site_digest.clone_from(&other)), &["stale: the plan is for a site of digest 0000"]);
    fails(tampered(&JPARC, |p| p.scenario_digest.clone_from(&other)), &["stale: the plan is for files of digest 0000"]);
}

#[test]
fn a_plan_is_stale_once_its_scenario_changes() {
    let changed = common::Copy::with("s3-jparc", &[("\nname = \"s3-jparc\"\n", "\n# As of today.\nname = \"s3-jparc\"\n")]);
    let said = check(&JPARC.path("plan.json"), changed.path());
    fails(said, &["stale: the plan is for files of digest"]);
}

#[test]
fn a_plan_without_its_purchases_names_the_host_that_is_not_there() {
    refused(tampered(&SPRING8, |p| p.purchases.clear()), &["host `rack-8c-16g-1`", "s1-spring8"]);
}

#[test]
fn a_plan_that_buys_more_than_is_for_sale_is_refused() {
    let said = tampered(&SPRING8, |p| p.purchases[0].hosts = (0..41).map(|i| format!("x{i}")).collect());
    refused(said, &["41 of class `rack-8c-16g`, of which 40 are for sale"]);
}

/// Fifty hosts are booted a second apart, so that their rushes do not add up.
static MAFFIN: LazyLock<Planned> = LazyLock::new(|| Planned::of("s0-maffin", &["--replications", "1"]));

#[test]
fn hosts_that_are_switched_on_closer_together_than_the_cvcf_carries_are_seen() {
    check(&MAFFIN.path("plan.json"), &scenario("s0-maffin")).exits(0);
    let said = tampered(&MAFFIN, |p| p.steps.iter_mut().filter(|s| s.starts_after_s.is_some()).for_each(|s| s.starts_after_s = Some(0)));
    fails(said, &["CVCF: the rush of 4 hosts switched on together exceeds its peak current (needed 144.0, available 112.0 A)"]);
}

#[test]
fn show_says_how_long_after_the_boot_before_it_a_boot_begins() {
    let said = shuyaku(["show".as_ref(), MAFFIN.path("plan.json").as_os_str()]).exits(0);
    assert_eq!(said.out.matches(" 1 s after the boot before it began\n").count(), MAFFIN.plan().hosts_on.len() - 1, "{}", said.out);
}

#[test]
fn a_renewal_whose_next_host_boots_before_an_old_one_is_off_is_seen() {
    let said = tampered(&Planned::of("s0-renewal", &["--replications", "1"]), |p| {
        let off = p.steps.iter().position(|s| matches!(s.action, Action::PowerOffHost { .. })).unwrap();
        p.steps.swap(off, off + 1);
        assert!(matches!(p.steps[off].action, Action::BootHost { .. }), "an old host goes off to make room for a boot");
        renumber(p);
    });
    fails(said, &["CVCF: CVCF: real power exceeds what it may carry (needed 24117.0, available 24000.0 W)"]);
}

#[test]
fn names_that_the_site_does_not_have_are_refused() {
    refused(tampered(&JPARC, |p| p.placement[0].guest = "nobody".into()), &["guest `nobody`"]);
    refused(tampered(&JPARC, |p| p.hosts_on[0] = "nowhere".into()), &["host `nowhere`"]);
    fails(
        tampered(&JPARC, |p| p.steps.last_mut().unwrap().action = Action::PowerOffHost { host: "nowhere".into() }),
        &["the site has no host `nowhere`"],
    );
}

#[test]
fn a_key_that_is_not_known_is_refused_with_its_place() {
    // The third line, of 18 characters with the colon.
    let text = JPARC.text("plan.json").replacen("  \"tool\":", "  \"tools\": 1,\n  \"tool\":", 1);
    refused(check_text("s3-jparc", &text), &["plan.json", "line 3, column 9", "tools"]);
}

#[test]
fn another_version_is_refused() {
    let text = JPARC.text("plan.json").replacen("\"version\": 1,", "\"version\": 99,", 1);
    refused(check_text("s3-jparc", &text), &["plan.json", "version 99", "reads version 1"]);
}

#[test]
fn a_plan_that_is_cut_off_is_refused_at_its_end() {
    let text = JPARC.text("plan.json");
    let cut = &text[..text.len() / 2];
    // A cut after a line's end is met on the next.
    let line = cut.lines().count() + usize::from(cut.ends_with('\n'));
    refused(check_text("s3-jparc", cut), &["plan.json", &format!("line {line}"), "EOF"]);
    refused(check_text("s3-jparc", ""), &["plan.json", "line 1, column 0"]);
}

#[test]
fn a_plan_that_is_not_there_is_named() {
    let said = shuyaku(["check", "no/such/plan.json", "--scenario", "scenarios/s3-jparc"]);
    refused(said, &["no/such/plan.json", "No such file"]);
}

#[test]
fn an_edited_cost_is_seen() {
    fails(tampered(&JPARC, |p| p.cost.electricity_yen.value /= 2.0), &["cost"]);
}

#[test]
fn an_edited_prediction_is_seen() {
    fails(tampered(&JPARC, |p| p.predicted[0].value /= 2.0), &["predict"]);
}

#[test]
fn a_guest_that_stands_in_two_places_is_seen() {
    let said = tampered(&JPARC, |p| {
        let mut twice = p.placement[0].clone();
        twice.host = p.hosts_on.iter().find(|h| **h != twice.host).unwrap().clone();
        p.placement.insert(0, twice);
    });
    assert!(matches!(said.code, Some(1 | 2)), "a plan that places a guest twice passes:\n{}", said.out);
}

#[test]
fn bought_hosts_of_other_names_are_seen() {
    let said = tampered(&SPRING8, |p| p.purchases[0].hosts[0] = "web-99".into());
    assert!(matches!(said.code, Some(1 | 2)), "a plan that buys `web-99` passes:\n{}", said.out);
}

/// With no replication there is nothing to judge: such a plan must not pass, and must not end in a panic.
#[test]
fn a_plan_judged_under_no_replication_is_refused() {
    let said = tampered(&MAFFIN, |p| p.replications = 0);
    assert!(matches!(said.code, Some(1 | 2)), "{:?}\n{}{}", said.code, said.out, said.err);
    assert!(!said.err.contains("panicked"), "{}", said.err);
}

/// `show` has the plan alone: what step 1 asks of the site is taken as given, and step 5 contradicts it.
#[test]
fn show_says_which_step_contradicts_those_before_it() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("plan.json");
    let mut plan = SPRING8.plan();
    plan.steps.swap(0, 4);
    renumber(&mut plan);
    std::fs::write(&file, plan.to_text()).unwrap();
    let said = shuyaku(["show".as_ref(), file.as_os_str()]).exits(1);
    assert!(said.out.contains("step 5 contradicts what stands before it"), "{}", said.out);
}

#[test]
fn check_json_says_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("plan.json");
    let mut plan = JPARC.plan();
    plan.verdicts.pop();
    std::fs::write(&file, plan.to_text()).unwrap();
    let said = shuyaku(["check".as_ref(), file.as_os_str(), "--scenario".as_ref(), scenario("s3-jparc").as_os_str(), "--json".as_ref()]);
    let json = said.exits(1).json();
    assert_eq!(json["holds"], false);
    assert_eq!(json["faults"].as_array().unwrap().len(), 1);
    assert_eq!(json["steps"].as_u64(), Some(plan.steps.len() as u64));
}

#[test]
fn a_plan_whose_start_was_changed_is_seen_whatever_was_changed() {
    let because = &["what the plan starts from is not what the site says of today"];
    fails(tampered(&JPARC, |p| p.start.as_mut().unwrap().hosts[0].on ^= true), because);
    fails(tampered(&JPARC, |p| p.start.as_mut().unwrap().hosts[0].guest_memory_mib += 1), because);
    fails(tampered(&JPARC, |p| p.start.as_mut().unwrap().hosts[0].name = "elsewhere".into()), because);
    fails(tampered(&JPARC, |p| drop(p.start.as_mut().unwrap().hosts.pop())), because);
    fails(tampered(&JPARC, |p| p.start.as_mut().unwrap().guests[0].runs_on = None), because);
    fails(tampered(&JPARC, |p| p.start.as_mut().unwrap().guests[0].memory_mib -= 1), because);
    fails(tampered(&JPARC, |p| p.start.as_mut().unwrap().guests[0].vcpus += 1), because);
    fails(tampered(&JPARC, |p| p.start.as_mut().unwrap().guests.swap(0, 1)), because);
    fails(tampered(&SPRING8, |p| p.start.as_mut().unwrap().hosts[0].on = true), because);
}

#[test]
fn a_plan_without_a_start_is_still_checked() {
    let said = tampered(&JPARC, |p| p.start = None).exits(0);
    assert!(said.out.ends_with("the plan holds\n"), "{}", said.out);
}

/// Guests are defined and started in four lanes.
static LANES: LazyLock<Planned> = LazyLock::new(|| Planned::of("s3-jparc", &["--lost", "ioc-1", "--lanes", "4"]));

#[test]
fn a_step_that_would_be_done_beside_what_it_waits_for_is_seen() {
    check(&LANES.path("plan.json"), &scenario("s3-jparc")).exits(0);
    let start = |p: &Plan| p.steps.iter().position(|s| matches!(s.action, Action::StartGuest { .. })).unwrap();
    // With fewer than four definitions between, its own is among those it would be done beside.
    let said = tampered(&LANES, |p| {
        let k = start(p);
        let (Action::StartGuest { guest, .. }, defined) = (p.steps[k].action.clone(), k - 4) else { unreachable!() };
        assert!(matches!(&p.steps[defined].action, Action::DefineGuest { guest: g, .. } if *g == guest));
        let define = p.steps.remove(defined);
        p.steps.insert(k - 1, define);
        renumber(p);
    });
    fails(said, &["`beside` is 3", "both about ioc-"]);
    fails(tampered(&LANES, |p| p.steps[5].beside = 4), &["step 6 ", "`beside` is 4: a step may be done beside at most 3 before it"]);
    fails(tampered(&LANES, |p| p.steps[0].beside = 1), &["step 1 ", "`beside` is 1: it reaches over the first step"]);
    // One after the other is always sound.
    tampered(&LANES, |p| p.steps.iter_mut().for_each(|s| s.beside = 0)).exits(0);
}

#[test]
fn moves_that_the_site_does_one_by_one_are_not_let_run_together() {
    let said = tampered(&JPARC, |p| p.steps[1].beside = 1);
    fails(said, &["step 2 ", "2 guests would be moved over", "at once, and at most 1 may be"]);
    let said = tampered(&SPRING8, |p| p.steps[1].beside = 1);
    fails(said, &["step 2 ", "(boot host rack-8c-16g-1) is done by itself"]);
}

/// ioc-1 carries nothing at the end.
static EMPTIED: LazyLock<Planned> = LazyLock::new(|| Planned::of("s3-jparc", &["--evacuate", "ioc-1"]));

#[test]
fn a_plan_that_hides_what_it_evacuates_or_does_not_do_it_is_seen() {
    check(&EMPTIED.path("plan.json"), &scenario("s3-jparc")).exits(0);
    let said = tampered(&EMPTIED, |p| p.evacuates.clear());
    fails(
        said,
        &["a step sees that ioc-1 is evacuated, and `evacuates` does not name it", "the verdicts in the plan are not those of a recount"],
    );
    let said = tampered(&EMPTIED, |p| p.evacuates = vec!["ioc-2".into()]);
    fails(said, &["`evacuates` names ioc-2, and no step sees to it", "ioc-2: it is to be evacuated, and guests run there"]);
    fails(tampered(&EMPTIED, |p| p.evacuates.push("ioc-1".into())), &["`evacuates` names each host once, in order of the site"]);
    refused(tampered(&EMPTIED, |p| p.evacuates = vec!["nowhere".into()]), &["the plan evacuates a host `nowhere`"]);
    fails(tampered(&JPARC, |p| p.evacuates = vec!["ioc-1".into()]), &["`evacuates` names ioc-1, and no step sees to it"]);
    fails(tampered(&LANES, |p| p.evacuates = vec!["srv-1".into()]), &["a plan after a loss evacuates nothing"]);
    let said = tampered(&EMPTIED, |p| {
        let seen = p.steps.iter().position(|s| matches!(s.action, Action::EvacuateHost { .. })).unwrap();
        p.steps.remove(seen);
        renumber(p);
    });
    fails(said, &["`evacuates` names ioc-1, and no step sees to it"]);
}

#[test]
fn a_guest_that_stays_on_or_comes_back_to_a_host_that_is_evacuated_is_seen() {
    let said = tampered(&EMPTIED, |p| {
        let k = p.steps.iter().position(|s| matches!(&s.action, Action::MigrateGuest { from, .. } if from == "ioc-1")).unwrap();
        let Action::MigrateGuest { guest, .. } = p.steps.remove(k).action else { unreachable!() };
        p.placement.iter_mut().find(|x| x.guest == guest).unwrap().host = "ioc-1".into();
        renumber(p);
    });
    fails(said, &["guests run on ioc-1: the steps before it have not evacuated it", "ioc-1: it is to be evacuated, and guests run there"]);
    let said = tampered(&EMPTIED, |p| {
        let there = p.placement.iter_mut().find(|x| x.host == "ioc-2").unwrap();
        let guest = there.guest.clone();
        there.host = "ioc-1".into();
        let number = p.steps.len() as u32 + 1;
        let action = Action::MigrateGuest { guest, from: "ioc-2".into(), to: "ioc-1".into() };
        p.steps.push(Step { number, action, starts_after_s: None, beside: 0, before: Vec::new(), after: Vec::new() });
    });
    fails(said, &["ioc-1 is to be evacuated: no guest comes to it"]);
}
