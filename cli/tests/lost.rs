//! A host or a site is lost: who starts where, what is not kept, who stays down, and that the plan passes its check (S3-6, S4-5);
//! and placements that keep to one network (S2-10).

mod common;

use common::{Copy, Planned, check, plan, scenario, shuyaku};
use models::plan::{Action, Plan};
use models::rule::RuleName;

fn starts(plan: &Plan) -> Vec<(&str, &str)> {
    let starts = plan.steps.iter().filter_map(|s| match &s.action {
        Action::StartGuest { guest, host } => Some((guest.as_str(), host.as_str())),
        _ => None,
    });
    starts.collect()
}

#[test]
fn ten_guests_of_a_lost_host_of_jparc_start_again_by_a_procedure_that_is_checked() {
    // S3-5, S3-6: ioc-1 carries ten of the thirty, and they belong to the pool of ioc-2 and both-1.
    for (more, moves) in [(&["--lost", "ioc-1"][..], true), (&["--lost", "ioc-1", "--without-one-down"], false)] {
        let run = Planned::of("s3-jparc", more);
        assert_eq!(run.said.code, Some(0), "{}{}", run.said.out, run.said.err);
        let plan = run.plan();
        assert_eq!(plan.lost, ["ioc-1"]);
        let started = starts(&plan);
        assert_eq!(started.len(), 10);
        assert!(started.iter().all(|(guest, host)| guest.starts_with("ioc-") && ["ioc-2", "both-1"].contains(host)), "{started:?}");
        assert!(!plan.hosts_on.iter().any(|h| h == "ioc-1") && plan.placement.iter().all(|p| p.host != "ioc-1"));
        assert_eq!(plan.steps.iter().any(|s| matches!(s.action, Action::MigrateGuest { .. })), moves);
        let not_asked: Vec<RuleName> = plan.not_asked.iter().map(|n| n.rule).collect();
        assert_eq!(not_asked, if moves { vec![] } else { vec![RuleName::OneHostDown] });
        assert_eq!(run.said.out.contains("NOT ASKED until ioc-1 is back: ONE HOST DOWN"), !moves, "{}", run.said.out);
        assert!(run.said.out.contains("of 10 guests that ran there start again"), "{}", run.said.out);
        let said = check(&run.path("plan.json"), &scenario("s3-jparc")).exits(0);
        assert!(said.out.contains("LOST ioc-1\n") && !said.out.contains("FAULT"), "{}", said.out);
        assert!(shuyaku(["show".as_ref(), run.path("plan.json").as_os_str()]).exits(0).out.contains("LOST      ioc-1"));
        assert!(Plan::from_text(&plan.to_text()).unwrap() == plan);
    }
}

#[test]
fn a_plan_that_hides_its_loss_or_a_rule_does_not_pass() {
    let run = Planned::of("s3-jparc", &["--lost", "ioc-1", "--without-one-down"]);
    let forge = |change: &dyn Fn(&mut Plan)| {
        let mut plan = run.plan();
        change(&mut plan);
        let path = run.path("forged.json");
        std::fs::write(&path, plan.to_text()).unwrap();
        check(&path, &scenario("s3-jparc")).exits(1).out
    };
    assert!(forge(&|p| p.lost.clear()).contains("nothing is lost"));
    assert!(forge(&|p| p.not_asked.clear()).contains("one host down"));
    assert!(forge(&|p| p.not_asked[0].rule = RuleName::Memory).contains("no loss excuses"));
    assert!(forge(&|p| p.not_asked[0].why = "never mind".into()).contains("not what a recount says"));
}

#[test]
fn workers_whose_loss_is_accepted_stay_down_and_the_job_goes_on_without_them() {
    // S4-2: one guest a container leaves no container free.
    let run = Planned::of("s4-wide", &["--lost-domain", "site-b"]);
    assert_eq!(run.said.code, Some(0), "{}", run.said.err);
    let plan = run.plan();
    assert_eq!((plan.lost.len(), plan.steps.len(), plan.placement.len()), (5, 0, 10));
    assert!(run.said.out.contains("Guests that stay down: vn-6, vn-7, vn-8, vn-9 (loss accepted)"), "{}", run.said.out);
    check(&run.path("plan.json"), &scenario("s4-wide")).exits(0);
}

#[test]
fn a_front_end_that_may_run_on_one_machine_only_is_named() {
    let run = Planned::of("s4-wide", &["--lost", "front-a"]);
    assert_eq!(run.said.code, Some(1));
    for says in ["DOES NOT FIT", "without front-a: 1 of 1 guests that must start again find no host: front", "of its pool front"] {
        assert!(run.said.out.contains(says), "{says}: {}", run.said.out);
    }
    assert!(!run.path("plan.json").exists());
}

#[test]
fn a_lost_cluster_starts_again_on_the_others_where_containers_take_two() {
    // S4-5: smaller guests, two a container, that are to be restarted; and a front end that any site's machine may run.
    let copy = Copy::with(
        "s4-wide",
        &[
            ("memory_mib = 2048\n", "memory_mib = 1024\n"),
            ("on_loss = \"accept\"\n", "on_loss = \"restart\"\n"),
            (
                "apart = []\nsource = \"assumed:a compute node may be used up\"\nsources = { apart = \"paper:S4-2\" }\n",
                "source = \"assumed:a test\"\n",
            ),
            (
                "name = \"front-b\"\nclass = \"container\"\ndomains = [\"site-b\"]\n",
                "name = \"front-b\"\nclass = \"container\"\ndomains = [\"site-b\"]\npools = [\"front\"]\n",
            ),
        ],
    );
    let folder = tempfile::tempdir().unwrap();
    plan(copy.path(), folder.path(), &["--lost-domain", "site-a"]).exits(0);
    let plan = Plan::from_text(&common::read(&folder.path().join("plan.json"))).unwrap();
    let started = starts(&plan);
    assert_eq!(started.len(), 6);
    assert!(started.contains(&("front", "front-b")), "{started:?}");
    assert!(started.iter().all(|(_, host)| host.contains("-b") || host.contains("-c")), "{started:?}");
    // What runs on the other clusters is not touched: the job does not stop.
    assert!(plan.steps.iter().all(|s| matches!(s.action, Action::DefineGuest { .. } | Action::StartGuest { .. })));
    check(&folder.path().join("plan.json"), copy.path()).exits(0);
}

#[test]
fn the_loss_of_an_empty_host_asks_for_nothing() {
    let run = Planned::of("s4-wide", &["--lost", "front-b"]);
    assert_eq!((run.said.code, run.plan().steps.len(), run.plan().placement.len()), (Some(0), 0, 14));
    assert!(run.said.out.contains("front-b is lost, and no guest ran there: nothing has to start."), "{}", run.said.out);
}

#[test]
fn a_name_that_the_site_does_not_have_is_refused_with_the_nearest() {
    for (more, says) in [
        (&["--lost", "node-b1"][..], "did you mean `node-b-1`?"),
        (&["--lost", "node-b-1,node-x"], "has no host `node-x`"),
        (&["--lost-domain", "siteb"], "did you mean `site-b`?"),
        (&["--without-one-down"], "--without-one-down is for --lost"),
    ] {
        let run = Planned::of("s4-wide", more);
        assert_eq!(run.said.code, Some(2), "{}", run.said.out);
        // The printer wraps lines.
        let said = run.said.err.replace("\n  │ ", " ");
        assert!(said.contains(says), "{says}: {said}");
    }
}

#[test]
fn a_virtual_cluster_is_built_within_one_network() {
    // S2-10: eight nodes of another network come first in the file.
    let other = "[[domain]]\nname = \"other-net\"\nkind = \"network\"\n\n[[host]]\nname = \"far-{n}\"\ncount = 8\nclass = \"presto-node\"\ndomains = [\"other-net\"]\nsource = \"assumed:a test\"\n\n[[host]]\nname = \"node-{n}\"\n";
    for (rule, asked) in [("apart = []\n", false), ("apart = []\none_network = [\"cluster\"]\n", true)] {
        let copy = Copy::with("s2-images", &[("[[host]]\nname = \"node-{n}\"\n", other), ("apart = []\n", rule)]);
        let folder = tempfile::tempdir().unwrap();
        plan(copy.path(), folder.path(), &[]).exits(0);
        let plan = Plan::from_text(&common::read(&folder.path().join("plan.json"))).unwrap();
        assert!(plan.placement.iter().all(|p| p.host.starts_with("node-")), "{:?}", plan.placement);
        assert_eq!(plan.verdicts.iter().any(|j| j.rule == RuleName::OneNetwork), asked);
        check(&folder.path().join("plan.json"), copy.path()).exits(0);
    }
}
