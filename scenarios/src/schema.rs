//! The JSON Schemas (draft 2020-12) of the files, for editors: written from the structs that read them.

/// The schema of site.toml, indented.
#[must_use]
pub fn schema() -> String {
    text(&schemars::schema_for!(crate::file::Site))
}

/// The schema of targets.toml, indented.
#[must_use]
pub fn targets_schema() -> String {
    text(&schemars::schema_for!(crate::targets::File))
}

fn text(schema: &schemars::Schema) -> String {
    serde_json::to_string_pretty(schema).expect("a schema is JSON")
}
