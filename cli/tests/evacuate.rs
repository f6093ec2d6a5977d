//! A host is emptied and stays on: what is planned, what forbids it, and what is refused; and steps in several lanes.

mod common;

use common::{Copy, FILES, Planned, check, names, plan, scenario, shuyaku};
use models::plan::{Action, Plan};

#[test]
fn ten_guests_leave_a_host_of_jparc_that_stays_on_by_a_procedure_that_is_checked() {
    // S3-1, S3-4: the guests of ioc-1 belong to the pool of ioc-2 and both-1.
    let run = Planned::of("s3-jparc", &["--evacuate", "ioc-1"]);
    assert_eq!(run.said.code, Some(0), "{}{}", run.said.out, run.said.err);
    let plan = run.plan();
    assert_eq!(plan.evacuates, ["ioc-1"]);
    assert!(plan.purchases.is_empty() && plan.hosts_on.len() == 5 && plan.hosts_on.contains(&"ioc-1".to_owned()));
    assert!(plan.placement.len() == 38 && plan.placement.iter().all(|p| p.host != "ioc-1"));
    let leave: Vec<usize> =
        (0..plan.steps.len()).filter(|k| matches!(&plan.steps[*k].action, Action::MigrateGuest { from, .. } if from == "ioc-1")).collect();
    assert_eq!(leave.len(), 10);
    let seen = plan.steps.iter().position(|s| s.action == Action::EvacuateHost { host: "ioc-1".into() });
    assert_eq!(seen, leave.last().map(|last| last + 1), "it is looked at when the last has left");
    assert!(run.said.out.contains("CAN BE EVACUATED: ioc-1 carries nothing and stays on: 10 guests go, "), "{}", run.said.out);
    let said = check(&run.path("plan.json"), &scenario("s3-jparc")).exits(0);
    assert!(said.out.contains("EVACUATES ioc-1\n") && !said.out.contains("FAULT"), "{}", said.out);
    assert!(shuyaku(["show".as_ref(), run.path("plan.json").as_os_str()]).exits(0).out.contains("EVACUATES ioc-1: nothing runs there"));
    assert!(run.text("report.html").contains("ioc-1 carries nothing and stays on"));
    assert!(Plan::from_text(&plan.to_text()).unwrap() == plan);
    // Made again, it is an evacuation still: a host that is to stay on is not switched off.
    let file = run.path("plan.json");
    let again = Planned::of("s3-jparc", &["--replan", file.to_str().unwrap()]).plan();
    assert_eq!((again.evacuates, again.steps), (plan.evacuates, plan.steps));
}

#[test]
fn a_host_without_which_no_loss_is_survived_is_not_emptied_and_no_plan_is_written() {
    // S3-1, S3-4: 24 GiB of servers on srv-2 and both-1 of 19 GiB each: with one of them down the other does not take all.
    let run = Planned::of("s3-jparc", &["--evacuate", "srv-1"]);
    assert_eq!(run.said.code, Some(1), "{}{}", run.said.out, run.said.err);
    assert_eq!(names(run.folder.path()), ["measures.json", "report.html"]);
    for says in ["DOES NOT FIT, because:\n- srv-1 cannot be evacuated: without the rule \"one host down\" it fits", "host both-1"] {
        assert!(run.said.out.contains(says), "{says}: {}", run.said.out);
    }
    let conflicts = run.measures().conflicts;
    assert!(conflicts[0].starts_with("srv-1 cannot be evacuated: "), "{conflicts:?}");
    // A plan that stood there before does not stay beside measures that say no.
    let folder = tempfile::tempdir().unwrap();
    plan(&scenario("s3-jparc"), folder.path(), &["--evacuate", "ioc-1"]).exits(0);
    assert_eq!(names(folder.path()), FILES);
    plan(&scenario("s3-jparc"), folder.path(), &["--evacuate", "ioc-1,srv-1"]).exits(1);
    assert_eq!(names(folder.path()), ["measures.json", "report.html"]);
}

#[test]
fn a_guest_that_is_pinned_to_the_host_is_named() {
    let archive = "on_loss = \"restart\"\nruns_on = \"srv-2\"\n";
    let copy = Copy::with("s3-jparc", &[(archive, "on_loss = \"restart\"\nruns_on = \"srv-2\"\npinned = \"srv-2\"\n")]);
    let folder = tempfile::tempdir().unwrap();
    let said = plan(copy.path(), folder.path(), &["--evacuate", "srv-2"]).exits(1);
    assert!(said.out.contains("srv-2 cannot be evacuated: pinned to it: guest archive\n"), "{}", said.out);
    assert!(!folder.path().join("plan.json").exists());
}

#[test]
fn names_that_are_not_there_and_hosts_that_are_off_are_refused() {
    for (name, more, says) in [
        ("s3-jparc", &["--evacuate", "ioc1"][..], "--evacuate: site s3-jparc has no host `ioc1`; did you mean `ioc-1`?"),
        ("s3-jparc", &["--evacuate", "ioc-1,nowhere"], "has no host `nowhere`"),
        ("s4-wide", &["--evacuate", "front-a", "--lost", "front-b"], "cannot be used with"),
        ("s3-jparc", &["--evacuate", "ioc-1", "--without-one-down"], "cannot be used with"),
        ("s3-jparc", &["--lanes", "5"], "5 is not in 1..=4"),
        ("s3-jparc", &["--lanes", "0"], "0 is not in 1..=4"),
    ] {
        let run = Planned::of(name, more);
        assert_eq!(run.said.code, Some(2), "{}", run.said.out);
        // The printer wraps lines.
        let said = run.said.err.replace("\n  │ ", " ");
        assert!(said.contains(says), "{says}: {said}");
        assert!(names(run.folder.path()).is_empty());
    }
    // A host that carries nothing today and is off.
    let copy = Copy::with(
        "s3-jparc",
        &[(
            "[[host]]\nname = \"both-1\"\n",
            "[[host]]\nname = \"spare\"\nclass = \"hs22\"\ndomains = [\"chassis\"]\non = false\nsource = \"assumed:a test\"\n\n[[host]]\nname = \"both-1\"\n",
        )],
    );
    let folder = tempfile::tempdir().unwrap();
    let said = plan(copy.path(), folder.path(), &["--evacuate", "spare"]).exits(2);
    let words = said.err.replace("\n  │ ", " ");
    assert!(words.contains("--evacuate: host `spare` is off today, and carries nothing; these are on: srv-1, srv-2, both-1"), "{words}");
}

#[test]
fn in_one_lane_a_plan_is_as_it_was_and_in_four_it_is_the_same_work() {
    let more = ["--lost", "ioc-1", "--lanes"];
    let with = |lanes: &'static str| Planned::of("s3-jparc", &[&more[..], &[lanes]].concat());
    let (plain, one, four) = (Planned::of("s3-jparc", &more[..2]), with("1"), with("4"));
    assert_eq!(plain.text("plan.json"), one.text("plan.json"));
    assert!(!one.text("plan.json").contains("beside"));
    let (one, plan) = (one.plan(), four.plan());
    assert_eq!(plan.steps.iter().map(|s| s.beside).max(), Some(3));
    assert_eq!((&plan.placement, plan.steps.len(), &plan.verdicts), (&one.placement, one.steps.len(), &one.verdicts));
    let said = check(&four.path("plan.json"), &scenario("s3-jparc")).exits(0);
    assert!(!said.out.contains("FAULT"), "{}", said.out);
    let shown = shuyaku(["show".as_ref(), four.path("plan.json").as_os_str()]).exits(0).out;
    assert!(shown.contains(", up to 4 side by side)\n") && shown.contains(", beside the 3 steps before it\n"), "{shown}");
    let told = four.measures().unknowns;
    assert!(told.iter().any(|u| u.contains("of 21 steps may be done beside those before them, in 4 lanes")), "{told:?}");
    assert!(four.text("report.html").contains("up to 4 steps side by side"));
}

#[test]
fn in_four_lanes_fifty_hosts_are_filled_and_every_mixture_keeps_the_rules() {
    let run = Planned::of("s0-maffin", &["--replications", "1", "--lanes", "4"]);
    let plan = run.plan();
    let boots = plan.steps.iter().filter(|s| matches!(s.action, Action::BootHost { .. })).count();
    assert!(plan.steps.iter().all(|s| s.beside == 0 || !matches!(s.action, Action::BootHost { .. })));
    assert!(plan.steps.iter().filter(|s| s.beside == 3).count() > (plan.steps.len() - boots) / 2);
    check(&run.path("plan.json"), &scenario("s0-maffin")).exits(0);
}
