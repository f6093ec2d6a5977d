//! The keys of `[migration]` and `[deploy]`: how guests are moved, and how long the parts of a deployment take.

use models::Estimate;
use schemars::JsonSchema;
use serde::Deserialize;

use super::number::{Amount, Count};
use super::sourced;

sourced!(
    /// How guests are moved live.
    struct Migration {
        /// The `[[link]]` that they are moved over. Either this or `bandwidth_bytes_per_s`.
        link: Option<String>,
        /// Its rate, bytes a second, above 0.
        bandwidth_bytes_per_s: Option<Estimate>,
        /// A guest may stand still for so long, milliseconds.
        downtime_max_ms: Amount,
        /// Rounds at most, the first copy of all memory included.
        rounds_max: Count,
        /// The most at once.
        at_once: Count,
    }
);

sourced!(
    /// How long the parts of a deployment take. What is absent makes `shuyaku deploy-time` say that it cannot say.
    struct Deploy {
        /// Making a guest known to a host, seconds.
        define_s: Option<Estimate>,
        /// From the start of a guest until it serves, seconds. Not where `[requests.recovery]` says what a boot takes.
        boot_s: Option<Estimate>,
        /// Shutting a guest down, seconds.
        stop_s: Option<Estimate>,
        /// Switching an empty host off, seconds.
        power_off_s: Option<Estimate>,
        /// Where guests' images are when they start.
        images: Option<Images>,
        /// Only with `images = "copied"`: size of a guest's image, MiB.
        image_mib: Option<Estimate>,
        /// Only with `images = "copied"`: the `[[link]]` that it is copied over. Either this or `image_bytes_per_s`.
        image_link: Option<String>,
        /// Only with `images = "copied"`: the rate of copying, bytes a second, above 0.
        image_bytes_per_s: Option<Estimate>,
        /// Steps at once at most. Absent: how long it takes in lanes is not said.
        lanes: Option<Count>,
    }
);

/// Where guests' images are when they start.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Images {
    /// On shared storage: nothing is copied.
    Shared,
    /// They are copied first.
    Copied,
}
