//! `[migration]`, `[deploy]` and what guests write: what is read, and what is refused.

mod common;

use common::Folder;
use models::Estimate;
use models::quantity::MiB;
use models::site::{Dirties, GuestId, Images};

const TABLES: &str = r#"
[migration]
link = "satellite"
downtime_max_ms = 300
rounds_max = 20
at_once = 2
source = "assumed:an example"

[deploy]
define_s = 5
boot_s = { value = 60, low = 30, high = 90 }
stop_s = 10
power_off_s = 20
images = "copied"
image_mib = 2048
image_bytes_per_s = { value = 100e6, low = 50e6, high = 110e6 }
lanes = 4
source = "assumed:an example"
"#;

/// The link of `[migration]`.
const LINK: &str = "[migration]\nlink = \"satellite\"";

/// `old-{n}` of two guests with 256 MiB each, with what they write.
const OLD: (&str, &str) = ("pinned = \"pop-{n}\"", "pinned = \"pop-{n}\"\ndirty_bytes_per_s = 3e6\nworking_set_mib = 64");

#[test]
fn their_keys_are_read() {
    let site = Folder::with_studies(TABLES, &[OLD]).load().unwrap().site;
    let way = site.migration.clone().unwrap();
    assert_eq!((way.over.as_str(), way.bytes_per_s, way.at_once), ("satellite", Estimate::exactly(8000.0), 2));
    assert_eq!((way.stop.downtime_max.0, way.stop.rounds_max), (300_000_000, 20));
    let deploy = site.deploy.clone().unwrap();
    assert_eq!((deploy.define_s, deploy.stop_s), (Some(Estimate::exactly(5.0)), Some(Estimate::exactly(10.0))));
    assert_eq!((deploy.boot_s.unwrap().high, deploy.power_off_s.unwrap().value, deploy.lanes), (90.0, 20.0, Some(4)));
    let Some(Images::Copied { mib, bytes_per_s, .. }) = deploy.images else { panic!("not copied") };
    assert_eq!((mib.value, bytes_per_s.low), (2048.0, 50e6));
    let old = site.guest_named("old-1").unwrap();
    assert_eq!(site.guests[old.index()].dirties, Some(Dirties { bytes_per_s: Estimate::exactly(3e6), working_set: MiB(64) }));
    let (copy, _) = site.pre_copy(old).unwrap();
    assert_eq!((copy.bandwidth.get(), copy.dirty.get(), copy.memory), (8000.0, 3e6, MiB(256)));
    assert!(site.pre_copy(GuestId(0)).is_none());
    let given = |place: &str, key: &str| site.givens.iter().any(|g| g.place == place && g.key == key);
    assert!(given("migration", "downtime_max_ms") && given("deploy", "image_mib") && given("deploy", "images"));
}

#[test]
fn a_site_without_them_is_the_site_it_was() {
    let site = Folder::with(&[]).load().unwrap().site;
    assert!(site.migration.is_none() && site.deploy.is_none() && site.guests.iter().all(|g| g.dirties.is_none()));
    let json = serde_json::to_value(&site).unwrap();
    assert!(json.get("migration").is_none() && json.get("deploy").is_none() && json["guests"][0].get("dirties").is_none());
}

#[test]
fn what_is_wrong_is_refused_where_it_stands() {
    let wrong: [(&str, &str, &str, &str); 12] = [
        (LINK, "[migration]\nlink = \"sattelite\"", "migration.link", "there is no link `sattelite`"),
        (LINK, "[migration]\n", "migration", "nothing says how fast it is"),
        (LINK, "[migration]\nbandwidth_bytes_per_s = 0", "migration.bandwidth_bytes_per_s", "carries nothing"),
        (LINK, "[migration]\nlink = \"satellite\"\nbandwidth_bytes_per_s = 1", "migration.bandwidth_bytes_per_s", "`link` says already"),
        ("rounds_max = 20", "rounds_max = 0", "migration.rounds_max", "0 is not a count"),
        ("images = \"copied\"", "images = \"shared\"", "deploy.image_mib", "nothing says that images are copied"),
        ("images = \"copied\"", "", "deploy.image_mib", "nothing says that images are copied"),
        ("image_mib = 2048", "", "deploy.images", "`image_mib` is missing"),
        ("define_s = 5", "define_s = -5", "deploy.define_s", "-5 is not a number"),
        (OLD.0, "pinned = \"pop-{n}\"\ndirty_bytes_per_s = 3e6", "guest.old-{n}.dirty_bytes_per_s", "`working_set_mib` is missing"),
        (OLD.0, "pinned = \"pop-{n}\"\nworking_set_mib = 3", "guest.old-{n}.working_set_mib", "`dirty_bytes_per_s` is missing"),
        (
            OLD.0,
            "pinned = \"pop-{n}\"\ndirty_bytes_per_s = 1\nworking_set_mib = 257",
            "guest.old-{n}.working_set_mib",
            "257 MiB in a guest of 256 MiB",
        ),
    ];
    for (from, to, key, says) in wrong {
        let error = Folder::with_studies(TABLES, &[(from, to)]).load().unwrap_err();
        assert_eq!(error.key.as_deref(), Some(key), "{error}");
        assert!(error.to_string().contains(says), "{error}");
    }
    // What a boot takes is said once.
    let both = format!("{}{TABLES}", common::REQUESTS);
    let error = Folder::with_studies(&both, &[]).load().unwrap_err();
    assert_eq!(error.key.as_deref(), Some("deploy.boot_s"), "{error}");
}
