//! Studies over the years: what is read of `cost-course`, `growth`, `physical-or-virtual` and `login-nodes`, and what is
//! refused.

mod common;

use common::Folder;
use models::Estimate;
use models::study::Kind;

const STUDIES: &str = r#"
[[study.cost-course]]
name = "course"
title = "What do they cost?"
fleet = "plan"
than = "today"
years = 8
renewal_years = 4
source = "assumed:an example"

[[study.growth]]
name = "growth"
title = "How long does it last?"
years = 5
growth_per_year = { value = 0.3, low = 0.1, high = 0.6 }
source = "assumed:an example"

[[study.physical-or-virtual]]
name = "switch"
title = "Metal or guest?"
host = "rx300"
server = "rx300"
vcpus = 1
hypervisor_share = 0.03
percentile = 99.0
out = 0.7
back = 0.35
calm = 2
stretch_s = 3600
years = 4
source = "assumed:an example"

[[study.login-nodes]]
name = "login"
title = "Who needs a node?"
users = 300
active = 0.2
mean_cores = 0.3
cv = 2.0
guest_cores = 1.0
guest_memory_mib = 512
host_cores = 2.0
host_memory_mib = 5376
refused = 0.01
source = "assumed:an example"
"#;

#[test]
fn their_keys_are_read_in_order_of_the_file() {
    let scenario = Folder::with_studies(STUDIES, &[]).load().unwrap();
    let names: Vec<&str> = scenario.studies.iter().map(|s| s.name.as_str()).collect();
    assert_eq!(names, ["course", "growth", "switch", "login"]);
    let Kind::CostCourse(course) = &scenario.studies[0].kind else { panic!() };
    assert_eq!((course.years, course.renewal_years.get(), course.break_even.len()), (8, 4, 0));
    let Kind::Growth(growth) = &scenario.studies[1].kind else { panic!() };
    assert_eq!(growth.growth, Some(Estimate { value: 0.3, low: 0.1, high: 0.6 }));
    let Kind::PhysicalOrVirtual(it) = &scenario.studies[2].kind else { panic!() };
    assert_eq!((it.limits.out, it.limits.back, it.limits.calm, it.stretch.as_seconds()), (0.7, 0.35, 2, 3600.0));
    let Kind::LoginNodes(login) = &scenario.studies[3].kind else { panic!() };
    assert_eq!((login.login.users, login.mean_cores), (300, Estimate::exactly(0.3)));
}

#[test]
fn what_is_wrong_is_refused_where_it_stands() {
    let wrong = [
        ("fleet = \"plan\"", "fleet = \"plane\"", "study.cost-course.course.fleet", "did you mean `plan`?"),
        ("than = \"today\"", "than = \"plan\"", "study.cost-course.course.than", "held against itself"),
        ("years = 8\n", "years = 800\n", "study.cost-course.course.years", "at most 100"),
        ("renewal_years = 4", "renewal_years = 4\nbreak_even = [\"biig\"]", "study.cost-course.course.break_even[0]", "no class `biig`"),
        ("host = \"rx300\"", "host = \"rx30\"", "study.physical-or-virtual.switch.host", "did you mean `rx300`?"),
        ("host = \"rx300\"", "host = \"metal\"", "study.physical-or-virtual.switch.host", "no hypervisor"),
        ("server = \"rx300\"", "server = \"metal\"", "study.physical-or-virtual.switch.server", "hardly more than a guest"),
        ("back = 0.35", "back = 0.7", "study.physical-or-virtual.switch.back", "not below `out`"),
        ("guest_cores = 1.0", "guest_cores = 3.0", "study.login-nodes.login.guest_cores", "at most the host's"),
        ("guest_memory_mib = 512", "guest_memory_mib = 9999", "study.login-nodes.login.guest_memory_mib", "at most the host's"),
        ("refused = 0.01", "refused = 0.0", "study.login-nodes.login.refused", "above 0 and below 1"),
        ("mean_cores = 0.3", "mean_cores = 0", "study.login-nodes.login.mean_cores", "above 0"),
        ("users = 300", "users = 3000000", "study.login-nodes.login.users", "from 1 to 1000000"),
    ];
    for (from, to, key, says) in wrong {
        let error = Folder::with_studies(STUDIES, &[(from, to)]).load().unwrap_err();
        assert_eq!(error.key.as_deref(), Some(key), "{error}");
        assert!(format!("{error} {:?}", error.help).contains(says) && error.line.is_some(), "{error}");
    }
}
