//! `[[study.memory-mix]]`: what is read, and what is refused.

mod common;

use common::Folder;
use models::quantity::MiB;
use models::study::Kind;
use models::study::memory_mix::MemoryMix;

const STUDY: &str = r#"
[[study.memory-mix]]
name = "mix"
title = "Do they fit?"
guests = 30
sizes_mib = [512, 1024]
weights = [2.0, 1.5]
installed_mib = 20480
source = "assumed:an example"
"#;

#[test]
fn its_keys_are_read() {
    let scenario = Folder::with_studies(STUDY, &[]).load().unwrap();
    let [study] = &scenario.studies[..] else { panic!("one study") };
    assert_eq!((study.name.as_str(), study.title.as_str()), ("mix", "Do they fit?"));
    let sizes = vec![(MiB(512), 2.0), (MiB(1024), 1.5)];
    assert_eq!(study.kind, Kind::MemoryMix(MemoryMix { guests: 30, sizes, installed: MiB(20480) }));
    // Its numbers are among the givens, with their source.
    assert!(scenario.site.givens.iter().any(|g| g.place == "study.memory-mix mix" && g.key == "weights" && g.value == "2.0, 1.5"));
}

#[test]
fn what_is_wrong_is_refused_where_it_stands() {
    let twice = format!("{STUDY}{STUDY}");
    let wrong: [(&str, &str, &str, &str); 3] = [
        ("weights = [2.0, 1.5]", "weights = [2.0]", "study.memory-mix.mix.weights", "1 weights for 2 sizes"),
        ("weights = [2.0, 1.5]", "weights = [2.0, 0.0]", "study.memory-mix.mix.weights[1]", "0 is not a number that is finite and above 0"),
        ("sizes_mib = [512, 1024]", "sizes_mib = [1, 999999]", "study.memory-mix.mix.sizes_mib", "16,777,216 steps"),
    ];
    for (from, to, key, says) in wrong {
        let error = Folder::with_studies(STUDY, &[(from, to)]).load().unwrap_err();
        assert_eq!(error.key.as_deref(), Some(key), "{error}");
        assert!(error.to_string().contains(says) && error.line.is_some(), "{error}");
    }
    let error = Folder::with_studies(&twice, &[]).load().unwrap_err();
    assert!(error.to_string().contains("the study `mix` is there twice"), "{error}");
}
