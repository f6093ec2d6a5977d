//! `[[study.restart]]`: what is read, what is taken from `[requests.recovery]`, and what is refused.

mod common;

use common::{Folder, REQUESTS};
use models::law::restart::Sharing;
use models::quantity::{BytesPerSecond, Nanos};
use models::study::Kind;
use models::study::restart::Restart;

const STUDY: &str = r#"
[[study.restart]]
name = "lost"
title = "How long are they away?"
guests = 10
class = "rx300"
survivors = 2
storage = "nas"
detect_s = 20
fence_s = 40
by_hand_s = 900
boots_at_once = 3
boot_cpu_s = 30.5
boot_disk_bytes = 100e6
whole_cores = true
source = "assumed:an example"
"#;

fn only(studies: &[models::study::Study]) -> &Restart {
    let [models::study::Study { kind: Kind::Restart(it), .. }] = studies else { panic!("one study of a restart") };
    it
}

#[test]
fn its_keys_are_read() {
    let scenario = Folder::with_studies(STUDY, &[]).load().unwrap();
    let read = Restart {
        guests: 10,
        survivors: 2,
        cores: 4,
        sharing: Sharing::Whole,
        detect: Nanos::seconds(20),
        fence: Nanos::seconds(40),
        by_hand: Some(Nanos::seconds(900)),
        boots_at_once: 3,
        boot_cpu: Nanos::millis(30_500),
        boot_bytes: 100_000_000,
        storage: BytesPerSecond::new(100e6).unwrap(),
    };
    assert_eq!(only(&scenario.studies), &read);
    assert!(scenario.site.givens.iter().any(|g| g.place == "study.restart lost" && g.key == "boots_at_once" && g.value == "3"));
    // Without shared storage: the disks of two survivors, 60 MB/s each.
    let local = Folder::with_studies(STUDY, &[("storage = \"nas\"\n", "")]).load().unwrap();
    assert_eq!(only(&local.studies).storage, BytesPerSecond::new(120e6).unwrap());
}

#[test]
fn what_it_leaves_out_is_as_in_the_recovery_of_the_requests() {
    let short = STUDY.lines().filter(|l| !l.contains("_s = ") && !l.contains("boot")).collect::<Vec<_>>().join("\n");
    let scenario = Folder::with_studies(&format!("{REQUESTS}\n{short}"), &[]).load().unwrap();
    let it = only(&scenario.studies);
    assert_eq!((it.detect, it.fence, it.by_hand), (Nanos::seconds(30), Nanos::seconds(20), Some(Nanos::seconds(1080))));
    assert_eq!((it.boots_at_once, it.boot_cpu, it.boot_bytes), (4, Nanos::seconds(60), 250_000_000));
    let error = Folder::with_studies(&short, &[]).load().unwrap_err();
    assert!(error.to_string().contains("is missing") && error.key.as_deref().unwrap().starts_with("study.restart.lost."), "{error}");
}

#[test]
fn what_is_wrong_is_refused_where_it_stands() {
    let wrong: [(&str, &str, &str, &str); 6] = [
        ("class = \"rx300\"\nsurvivors", "class = \"rx301\"\nsurvivors", "study.restart.lost.class", "rx301"),
        ("storage = \"nas\"", "storage = \"san\"", "study.restart.lost.storage", "san"),
        ("throughput_bytes_per_s = 100e6\n", "", "study.restart.lost.storage", "no throughput above 0"),
        ("guests = 10", "guests = 0", "study.restart.lost.guests", "0 is not a count"),
        ("boot_disk_bytes = 100e6", "boot_disk_bytes = 1e19", "study.restart.lost.boot_disk_bytes", "does not read"),
        ("boot_cpu_s = 30.5", "boot_cpu_s = -1", "study.restart.lost.boot_cpu_s", "a time in seconds"),
    ];
    for (from, to, key, says) in wrong {
        let error = Folder::with_studies(STUDY, &[(from, to)]).load().unwrap_err();
        assert_eq!(error.key.as_deref(), Some(key), "{error}");
        assert!(error.to_string().contains(says) && error.line.is_some(), "{error}");
    }
}
