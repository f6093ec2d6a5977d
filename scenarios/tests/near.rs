//! `[rules] one_network` and `prefer`: what is read, and what is refused.

mod common;

use common::Folder;
use models::site::{GroupId, Prefer, ServiceId, Together};

const NETWORK: &str = "[[domain]]\nname = \"net\"\nkind = \"network\"\n";

fn ask(rule: &str) -> (&'static str, String) {
    ("full_virtual_per_host = 2\n", format!("full_virtual_per_host = 2\n{rule}\n"))
}

#[test]
fn services_and_groups_are_found_by_name_and_the_wish_is_read() {
    let (from, to) = ask("one_network = [\"web\", \"org-1\"]\nprefer = \"light\"");
    let site = Folder::with_studies(NETWORK, &[(from, &to)]).load().unwrap().site;
    assert_eq!(site.rules.one_network, [Together::Service(ServiceId(0)), Together::Group(GroupId(0))]);
    assert_eq!(site.rules.prefer, Some(Prefer::Light));
    let given = |key: &str| site.givens.iter().find(|g| g.place == "rules" && g.key == key).map(|g| g.value.clone());
    assert_eq!((given("one_network").as_deref(), given("prefer").as_deref()), (Some("web, org-1"), Some("light")));
}

#[test]
fn a_site_that_asks_for_neither_has_the_digest_that_it_had() {
    let site = Folder::with(&[]).load().unwrap().site;
    let text = serde_json::to_string(&site.rules).unwrap();
    assert!(!text.contains("one_network") && !text.contains("prefer") && !text.contains("excused"), "{text}");
}

#[test]
fn what_is_wrong_is_refused_where_it_stands() {
    let wrong = [
        ("one_network = [\"wbe\"]", NETWORK, "rules.one_network[0]", "there is no service or redundancy group `wbe`"),
        ("one_network = [\"web\", \"web\"]", NETWORK, "rules.one_network[1]", "`web` is in this list twice"),
        ("one_network = [\"web\"]", "", "rules.one_network", "the site has no network domain"),
        ("prefer = \"cheap\"", NETWORK, "rules.prefer", "`cheap` is not one of the words for this"),
    ];
    for (rule, more, key, says) in wrong {
        let (from, to) = ask(rule);
        let error = Folder::with_studies(more, &[(from, &to)]).load().unwrap_err();
        assert_eq!(error.key.as_deref(), Some(key), "{error}");
        assert!(error.to_string().contains(says) && error.line.is_some(), "{error}");
    }
    let (from, to) = ask("one_network = [\"web\"]");
    let error = Folder::with_studies(NETWORK, &[(from, &to), ("group = \"org-{pair}\"", "group = \"web\"")]).load().unwrap_err();
    assert!(error.to_string().contains("`web` is a service and a redundancy group"), "{error}");
}
