//! Digests that tie a plan to the site and the recorded load it was made for.

use serde::Serialize;
use sha2::{Digest as _, Sha256};

/// The SHA-256 of some bytes, as 64 hexadecimal digits.
#[must_use]
pub fn of_bytes(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|b| format!("{b:02x}")).collect()
}

/// The SHA-256 of the canonical JSON of a value.
///
/// # Panics
/// Where the value has no JSON form (a map whose keys are not strings): only our own types come here.
#[must_use]
pub fn of_value(value: &impl Serialize) -> String {
    of_bytes(serde_json::to_string(value).expect("our own types have a JSON form").as_bytes())
}
