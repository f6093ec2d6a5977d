//! Where a number of the world comes from.

use serde::{Deserialize, Serialize};

/// Who says so: written `paper:S1-7`, `measured:what and when`, `proxy:what stands in`, `assumed:why`.
///
/// ```
/// use models::Provenance;
/// assert_eq!("paper:S1-7".parse(), Ok(Provenance::Paper("S1-7".into())));
/// assert!("rumour".parse::<Provenance>().is_err());
/// ```
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(try_from = "String", into = "String")]
#[schemars(with = "String")]
pub enum Provenance {
    /// A published paper, by its ledger id or citation.
    Paper(String),
    /// Measured on the very machine or service; the text says when and how.
    Measured(String),
    /// Measured on another machine that stands in for this one; the text names it.
    Proxy(String),
    /// Nobody measured it; the text says why it was taken so.
    Assumed(String),
}

/// A source that is not one of the four kinds.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no source: write `paper:ID`, `measured:WHAT`, `proxy:WHAT` or `assumed:WHY`")]
pub struct NoSuchSource(pub String);

impl std::str::FromStr for Provenance {
    type Err = NoSuchSource;
    fn from_str(text: &str) -> Result<Self, NoSuchSource> {
        let (kind, what) = text.split_once(':').unwrap_or((text, ""));
        let what = what.trim().to_owned();
        match (kind.trim(), what.is_empty()) {
            ("paper", false) => Ok(Self::Paper(what)),
            ("measured", _) => Ok(Self::Measured(what)),
            ("proxy", false) => Ok(Self::Proxy(what)),
            ("assumed", _) => Ok(Self::Assumed(what)),
            _ => Err(NoSuchSource(text.to_owned())),
        }
    }
}
impl TryFrom<String> for Provenance {
    type Error = NoSuchSource;
    fn try_from(text: String) -> Result<Self, NoSuchSource> {
        text.parse()
    }
}
impl From<Provenance> for String {
    fn from(it: Provenance) -> String {
        it.to_string()
    }
}
impl Provenance {
    /// The kind alone: `paper`, `measured`, `proxy` or `assumed`.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Paper(_) => "paper",
            Self::Measured(_) => "measured",
            Self::Proxy(_) => "proxy",
            Self::Assumed(_) => "assumed",
        }
    }
}
impl std::fmt::Display for Provenance {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (Self::Paper(what) | Self::Measured(what) | Self::Proxy(what) | Self::Assumed(what)) = self;
        if what.is_empty() { f.write_str(self.kind()) } else { write!(f, "{}:{what}", self.kind()) }
    }
}

/// One number of the site as it was given, for the report.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Given {
    /// Which part of the site: `class rx300`, `prices`, `load mail-in`.
    pub place: String,
    /// The key, with its unit in the name.
    pub key: String,
    /// The value as written, with its range where one was given.
    pub value: String,
    /// Who says so.
    pub source: Provenance,
}
