//! The power chain of a site: supplies, branch circuits, peak current and the battery; what is read, and what is refused.

mod common;

use common::Folder;
use models::Estimate;

const FACTOR: &str = "power_factor = [0.9, 0.95]\n";
const SALE: &str = "  [class.sale]\n  price_yen = 1_100_000";
const SUPPLY: &str = "  [class.supply]\n  count = 2\n  rating_w = 300\n  power_factor = [0.6, 1.0]\n  source = \"proxy:a sheet\"\n";
const LIMIT: &str = "limit_va = 1600.0\n";
const UPS: &str = "sources = { output_power_factor = \"assumed:as of its kind\" }\n";
const BATTERY: &str = "[ups.battery]\nrated_w = 24000\nminutes = 10\nexponent = { value = 1.25, low = 1.1, high = 1.3 }\nleft = 0.9\nsource = \"assumed:ten minutes\"\n";

/// The changes with which the first class has supplies.
fn supplied() -> [(&'static str, String); 2] {
    [(FACTOR, String::new()), (SALE, format!("{SUPPLY}{SALE}"))]
}

/// The changes with which the CVCF and all on it have crest factors.
fn crested() -> [(&'static str, String); 4] {
    [
        (FACTOR, format!("{FACTOR}crest_factor = 2.5\n")),
        ("power_factor = [1.0]\n", "power_factor = [1.0]\ncrest_factor = 1.5\n".into()),
        ("feed = \"feed-b\"\n", "feed = \"feed-b\"\ncrest_factor = 3\n".into()),
        (UPS, format!("{UPS}crest_factor = 1.414\n")),
    ]
}

fn folder(changes: &[(&str, String)]) -> Folder {
    Folder::with(&changes.iter().map(|(from, to)| (*from, to.as_str())).collect::<Vec<_>>())
}

#[track_caller]
fn refused(changes: &[(&str, String)], key: &str, says: &str) {
    let error = folder(changes).load().err().unwrap_or_else(|| panic!("it was read"));
    assert_eq!(error.key.as_deref(), Some(key), "{error}");
    assert!(error.to_string().contains(says) && error.line.is_some(), "{error}");
}

/// The changes with one of them changed again.
fn but(mut changes: Vec<(&'static str, String)>, from: &str, to: &str) -> Vec<(&'static str, String)> {
    let all = changes.iter().map(|(_, text)| text.matches(from).count()).sum::<usize>();
    assert_eq!(all, 1, "`{from}` is not once in the changes");
    changes.iter_mut().for_each(|(_, text)| *text = text.replace(from, to));
    changes
}

#[test]
fn the_factor_of_a_host_follows_from_its_supplies() {
    let scenario = folder(&supplied()).load().unwrap();
    let factors = &scenario.site.classes[0].power.power_factor;
    // Idle 159 of 600 W: 0.6 + 0.265 x 0.4; full 336 of 600 W: 0.6 + 0.56 x 0.4. At a tenth 159 + 0.2 x 91 = 177.2 W.
    assert_eq!(factors.len(), 11);
    for (i, expected) in [(0, 0.706), (1, 0.6 + 0.4 * 177.2 / 600.0), (10, 0.824)] {
        assert!((factors[i].get() - expected).abs() < 1e-12, "{i}: {factors:?}");
    }
    let given = |key: &str| scenario.site.givens.iter().any(|g| g.place == "class rx300 supply x 2" && g.key == key);
    assert!(given("rating_w") && given("power_factor"), "{:?}", scenario.site.givens);
}

#[test]
fn a_factor_given_twice_or_never_and_supplies_that_cannot_be_are_refused() {
    let [none, supply] = supplied();
    refused(std::slice::from_ref(&supply), "class.rx300.supply", "given twice");
    refused(&[none], "class.rx300.power_factor", "the key `power_factor` is missing");
    let wrong = |from, to, key, says| refused(&but(supplied().to_vec(), from, to), key, says);
    wrong("rating_w = 300", "rating_w = 150", "class.rx300.supply.rating_w", "draws more than its supplies can deliver");
    wrong("count = 2", "count = 0", "class.rx300.supply.count", "0 is not a count");
    wrong("[0.6, 1.0]", "[0.6]", "class.rx300.supply.power_factor", "at least 2");
    wrong("[0.6, 1.0]", "[0.6, 1.1]", "class.rx300.supply.power_factor[1]", "above 0 and at most 1");
    wrong("  source = \"proxy:a sheet\"\n", "", "class.rx300.supply.source", "`source` is missing");
}

#[test]
fn a_circuit_is_the_limit_that_follows_from_it() {
    let circuit = "circuit = { amperes = 20, volts = 100, derate = 0.8 }\n".to_owned();
    let scenario = folder(&[(LIMIT, circuit.clone())]).load().unwrap();
    assert_eq!(scenario.site.domains[0].limit_va.unwrap().get(), 1600.0);
    // The same site, but for how its limit is written.
    let other = Folder::with(&[]).load().unwrap();
    assert_eq!(scenario.site.domains, other.site.domains);

    refused(&[(LIMIT, format!("{LIMIT}{circuit}"))], "domain.feed-a.circuit", "given twice");
    refused(&[("kind = \"rack\"\n\n", format!("kind = \"rack\"\n{circuit}\n"))], "domain.rack-1.circuit", "a rack has no limit");
    refused(
        &[("limit_va = 1600.0\nsource = \"assumed:80 % of a breaker\"", circuit.clone())],
        "domain.feed-a.source",
        "`circuit` is a number of the world",
    );
    refused(&[(LIMIT, circuit.replace("0.8", "1.2"))], "domain.feed-a.circuit", "it must be above 0 and at most 1");
    refused(&[(LIMIT, circuit.replace("volts = 100", "volts = 0"))], "domain.feed-a.circuit.volts", "above 0");
}

#[test]
fn crest_factors_stand_everywhere_or_nowhere() {
    let scenario = folder(&crested()).load().unwrap();
    let of = |c: Option<models::quantity::CrestFactor>| c.map(|c| c.get());
    assert_eq!(of(scenario.site.ups.as_ref().unwrap().crest_factor), Some(1.414));
    assert_eq!(of(scenario.site.classes[1].power.crest_factor), Some(1.5));
    assert_eq!(of(scenario.site.devices[0].crest_factor), Some(3.0));

    let all = crested();
    refused(&all[..3], "class.rx300.crest_factor", "no CVCF is asked about it");
    refused(&[all[0].clone(), all[2].clone(), all[3].clone()], "class.metal.crest_factor", "`metal` does not say its own");
    refused(&[all[0].clone(), all[1].clone(), all[3].clone()], "device.filer.crest_factor", "`filer` does not say its own");
    refused(&but(all.to_vec(), "crest_factor = 2.5", "crest_factor = 0.9"), "class.rx300.crest_factor", "at least 1");
}

#[test]
fn a_battery_is_read_with_its_range() {
    let with = |battery: String| vec![(UPS, format!("{UPS}\n{battery}"))];
    let scenario = folder(&with(BATTERY.into())).load().unwrap();
    let battery = scenario.site.ups.as_ref().unwrap().battery.unwrap();
    assert_eq!((battery.rated.get(), battery.rated_minutes, battery.left), (24_000.0, 10.0, Estimate::exactly(0.9)));
    assert_eq!(battery.exponent, Estimate { value: 1.25, low: 1.1, high: 1.3 });
    assert!(scenario.site.givens.iter().any(|g| g.place == "ups CVCF battery" && g.key == "exponent" && g.value == "1.25 (1.1 to 1.3)"));

    let wrong = |from: &str, to: &str, key: &str, says: &str| refused(&with(BATTERY.replace(from, to)), key, says);
    wrong("high = 1.3", "high = 2.3", "ups.battery.exponent", "from 1 to 2");
    wrong("left = 0.9", "left = 1.1", "ups.battery.left", "at most 1");
    wrong("minutes = 10", "minutes = 0", "ups.battery.minutes", "above 0");
    wrong("rated_w = 24000", "rated_w = -1", "ups.battery.rated_w", "above 0");
}

#[test]
fn a_site_without_these_keys_is_the_site_it_was() {
    let text = serde_json::to_string(&Folder::with(&[]).load().unwrap().site).unwrap();
    assert!(!text.contains("crest") && !text.contains("battery"), "{text}");
}
