//! Distributions as they stand in the file: a number, or a table with a mean, a word for the shape, and what the shape needs.

use std::fmt;

use schemars::JsonSchema;
use serde::de::{self, Deserialize, Deserializer};

use super::number::{Alpha, Cv, Cv2, Mean, Phases, WeibullK};

/// The word for a shape.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Word {
    /// Always the mean.
    Fixed,
    /// Exponential.
    Exponential,
    /// The sum of `phases` equal exponentials: steadier than one.
    Erlang,
    /// One of two exponentials with balanced means, of squared coefficient of variation `cv2`.
    Hyperexponential,
    /// Lognormal with coefficient of variation `cv`.
    Lognormal,
    /// Pareto with tail exponent `alpha`.
    Pareto,
    /// Weibull with shape `k`.
    Weibull,
    /// Uniform from 0 to twice the mean.
    Uniform,
    /// Geometric on 1, 2, 3 ...: only for counts.
    Geometric,
}

macro_rules! shaped {
    ($(#[$doc:meta])* $name:ident { $($(#[$field_doc:meta])* $field:ident: $kind:ty,)* }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, serde::Deserialize, JsonSchema)]
        #[serde(deny_unknown_fields)]
        pub(crate) struct $name {
            $($(#[$field_doc])* pub $field: $kind,)*
            /// The word for it.
            pub shape: Word,
            /// With `erlang`: phases, 1 to 1000.
            pub phases: Option<Phases>,
            /// With `hyperexponential`: the squared coefficient of variation, 1 or more.
            pub cv2: Option<Cv2>,
            /// With `lognormal`: the coefficient of variation, above 0.
            pub cv: Option<Cv>,
            /// With `pareto`: the tail exponent, above 1.
            pub alpha: Option<Alpha>,
            /// With `weibull`: its shape parameter, 0.1 to 100.
            pub k: Option<WeibullK>,
        }
    };
}
shaped!(
    /// A shape, for a mean that stands elsewhere.
    ShapeTable {}
);
shaped!(
    /// A distribution by its mean and its shape.
    DistTable {
        /// Its mean, above 0.
        mean: Mean,
    }
);

impl DistTable {
    /// Its shape alone.
    pub(crate) const fn shape(&self) -> ShapeTable {
        let Self { mean: _, shape, phases, cv2, cv, alpha, k } = *self;
        ShapeTable { shape, phases, cv2, cv, alpha, k }
    }
}

/// A distribution: a number, whose shape the key says, or a table.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Dist {
    /// Its mean.
    Number(Mean),
    /// With its shape.
    Table(DistTable),
}

impl<'de> Deserialize<'de> for Dist {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl<'de> de::Visitor<'de> for Visitor {
            type Value = Dist;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a number above 0, or { mean, shape, ... }")
            }
            fn visit_f64<E: de::Error>(self, v: f64) -> Result<Dist, E> {
                Mean::try_from(v).map(Dist::Number).map_err(E::custom)
            }
            fn visit_i64<E: de::Error>(self, v: i64) -> Result<Dist, E> {
                self.visit_f64(v as f64)
            }
            fn visit_u64<E: de::Error>(self, v: u64) -> Result<Dist, E> {
                self.visit_f64(v as f64)
            }
            fn visit_map<A: de::MapAccess<'de>>(self, map: A) -> Result<Dist, A::Error> {
                DistTable::deserialize(de::value::MapAccessDeserializer::new(map)).map(Dist::Table)
            }
        }
        deserializer.deserialize_any(Visitor)
    }
}

impl JsonSchema for Dist {
    fn inline_schema() -> bool {
        true
    }
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Dist".into()
    }
    fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        let (number, table) = (generator.subschema_for::<Mean>(), generator.subschema_for::<DistTable>());
        schemars::json_schema!({ "anyOf": [number, table] })
    }
}
