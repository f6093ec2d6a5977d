//! The schemas that editors complete from.

mod common;

use common::shuyaku;
use serde_json::Value;

/// Every object of a schema that names its properties.
fn closed(at: &Value, path: &str, open: &mut Vec<String>, count: &mut usize) {
    match at {
        Value::Object(map) => {
            if map.get("properties").is_some_and(Value::is_object) && map.get("type").is_some() {
                *count += 1;
                if map.get("additionalProperties") != Some(&Value::Bool(false)) {
                    open.push(path.to_owned());
                }
            }
            for (key, value) in map {
                closed(value, &format!("{path}/{key}"), open, count);
            }
        }
        Value::Array(all) => all.iter().enumerate().for_each(|(i, v)| closed(v, &format!("{path}/{i}"), open, count)),
        _ => {}
    }
}

#[track_caller]
fn schema(args: &[&str]) -> Value {
    let json = shuyaku(args).exits(0).json();
    assert_eq!(json["$schema"], "https://json-schema.org/draft/2020-12/schema");
    assert_eq!(json["additionalProperties"], false);
    let (mut open, mut count) = (Vec::new(), 0);
    closed(&json, "", &mut open, &mut count);
    assert!(count > 0 && open.is_empty(), "of {count} tables these take any key: {open:?}");
    json
}

#[test]
fn the_schema_of_a_site_closes_every_table() {
    let json = schema(&["schema"]);
    assert_eq!(json["title"], "site.toml");
    for table in ["class", "host", "guest", "load", "prices", "rules", "ups"] {
        assert!(json["properties"][table].is_object(), "{table}");
    }
}

#[test]
fn the_schema_of_targets_closes_every_table() {
    let json = schema(&["schema", "--targets"]);
    assert!(json["properties"]["target"].is_object());
}

#[test]
fn a_schema_is_the_same_with_json() {
    assert_eq!(shuyaku(["schema"]).out, shuyaku(["schema", "--json"]).out);
}
