//! Numbers that a file may hold, each with its range, so that a wrong one is found where it stands.

use std::fmt;
use std::marker::PhantomData;

use serde::de::{self, Deserialize, Deserializer, IntoDeserializer};

macro_rules! number {
    ($(#[$doc:meta])* $name:ident, $what:literal, |$x:ident| $holds:expr, {$($schema:tt)*}) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, serde::Deserialize, schemars::JsonSchema)]
        #[serde(try_from = "f64")]
        #[schemars(with = "f64", extend($($schema)*))]
        pub(crate) struct $name(f64);

        impl $name {
            /// The number.
            pub(crate) const fn get(self) -> f64 { self.0 }
        }
        impl TryFrom<f64> for $name {
            type Error = String;
            fn try_from($x: f64) -> Result<Self, String> {
                if $holds { Ok(Self($x)) } else { Err(format!("{} is not {}", $x, $what)) }
            }
        }
    };
}
number!(
    /// A number that is finite and not negative.
    Amount, "a number that is finite and not negative", |x| x.is_finite() && x >= 0.0, {"minimum" = 0}
);
number!(
    /// A number above 0.
    Positive, "a number that is finite and above 0", |x| x.is_finite() && x > 0.0, {"exclusiveMinimum" = 0}
);
number!(
    /// A share from 0 to 1.
    Share, "a share from 0 to 1", |x| (0.0..=1.0).contains(&x), {"minimum" = 0, "maximum" = 1}
);
number!(
    /// A share from 0 to below 1.
    PartShare, "a share from 0 to below 1", |x| (0.0..1.0).contains(&x), {"minimum" = 0, "exclusiveMaximum" = 1}
);
number!(
    /// A percentile above 0 and at most 100.
    Percentile, "a percentile: above 0 and at most 100", |x| x > 0.0 && x <= 100.0, {"exclusiveMinimum" = 0, "maximum" = 100}
);
number!(
    /// Growth a year, as a share: above -1.
    Growth, "growth as a share a year: finite and above -1 (0.1 is a tenth more each year)", |x| x.is_finite() && x > -1.0,
    {"exclusiveMinimum" = -1}
);
number!(
    /// Seconds, up to a hundred years.
    Seconds, "a time in seconds: not negative, and at most a hundred years (3155760000)", |x| (0.0..=3_155_760_000.0).contains(&x),
    {"minimum" = 0, "maximum" = 3_155_760_000_u64}
);
impl Seconds {
    /// The same as a span of time.
    pub(crate) fn nanos(self) -> models::quantity::Nanos {
        models::quantity::Nanos((self.0 * 1e9).round() as u64)
    }
}

number!(
    /// A percentile above 0 and below 100.
    InnerPercentile, "a percentile: above 0 and below 100", |x| x > 0.0 && x < 100.0, {"exclusiveMinimum" = 0, "exclusiveMaximum" = 100}
);
number!(
    /// The mean of a distribution: above 0, and at most a hundred years of seconds.
    Mean, "a mean: above 0 and at most 3155760000", |x| x > 0.0 && x <= 3_155_760_000.0,
    {"exclusiveMinimum" = 0, "maximum" = 3_155_760_000_u64}
);
number!(
    /// A coefficient of variation: standard deviation over mean.
    Cv, "a coefficient of variation: above 0 and at most 1000", |x| x > 0.0 && x <= 1000.0, {"exclusiveMinimum" = 0, "maximum" = 1000}
);
number!(
    /// The square of a coefficient of variation that an exponential does not reach.
    Cv2, "a squared coefficient of variation: 1 to 1000000", |x| (1.0..=1e6).contains(&x), {"minimum" = 1, "maximum" = 1_000_000}
);
number!(
    /// The tail exponent of a Pareto distribution that has a mean.
    Alpha, "a tail exponent: above 1 (at 1 there is no mean) and at most 1000", |x| x > 1.0 && x <= 1000.0,
    {"exclusiveMinimum" = 1, "maximum" = 1000}
);
number!(
    /// The shape parameter of a Weibull distribution.
    WeibullK, "a shape of a Weibull distribution: 0.1 to 100", |x| (0.1..=100.0).contains(&x), {"minimum" = 0.1, "maximum" = 100}
);
number!(
    /// A time slice in milliseconds.
    SliceMs, "a time slice in milliseconds: not negative, and at most 60000", |x| (0.0..=60_000.0).contains(&x),
    {"minimum" = 0, "maximum" = 60_000}
);

number!(
    /// A delay in milliseconds.
    DelayMs, "a delay in milliseconds: not negative, and at most 3600000", |x| (0.0..=3_600_000.0).contains(&x),
    {"minimum" = 0, "maximum" = 3_600_000}
);

number!(
    /// Any finite number.
    Finite, "a finite number", |x| x.is_finite(), {"type" = "number"}
);

macro_rules! whole {
    ($(#[$doc:meta])* $name:ident, $most:literal, $what:literal) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize, schemars::JsonSchema)]
        #[serde(try_from = "i64")]
        #[schemars(with = "u64", extend("minimum" = 1, "maximum" = $most))]
        pub(crate) struct $name(u32);

        impl $name {
            /// The number.
            pub(crate) const fn get(self) -> u32 { self.0 }
        }
        impl TryFrom<i64> for $name {
            type Error = String;
            fn try_from(x: i64) -> Result<Self, String> {
                u32::try_from(x).ok().filter(|x| (1..=$most).contains(x)).map(Self).ok_or_else(|| format!("{x} is not {}", $what))
            }
        }
        impl Default for $name {
            fn default() -> Self { Self(1) }
        }
    };
}
whole!(
    /// How many: 1 to 1,000,000.
    Count, 1_000_000, "a count: a whole number from 1 to 1000000"
);
whole!(
    /// Whole seconds from 1 to a year and a day.
    StepSeconds, 31_622_400, "the length of a step: whole seconds, above 0 and at most a year (31622400)"
);
whole!(
    /// A number of steps.
    Steps, 1_000_000_000, "a number of steps: a whole number, above 0 and at most 1000000000"
);
whole!(
    /// A year of the horizon of the purchase, from 1.
    Year, 100, "a year counted from 1: a whole number from 1 to 100"
);

whole!(
    /// The most jobs that may be present: 1 to 10,000,000.
    Cap, 10_000_000, "a number of jobs: a whole number from 1 to 10000000"
);
whole!(
    /// Attempts of a retry schedule: 1 to 1000.
    Attempts, 1000, "a number of attempts: a whole number from 1 to 1000"
);
whole!(
    /// Phases of an Erlang distribution: 1 to 1000.
    Phases, 1000, "a number of phases: a whole number from 1 to 1000"
);

/// One value for all, or a list that is dealt in turn.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Dealt<T>(Vec<T>);

impl<T> Dealt<T> {
    /// What number `k` gets, counted from 0.
    pub(crate) fn turn(&self, k: usize) -> &T {
        &self.0[k % self.0.len()]
    }
    /// What number `k` of `n` gets where the list is dealt in equal consecutive blocks.
    pub(crate) fn block(&self, k: usize, n: usize) -> &T {
        &self.0[k / n.div_ceil(self.0.len()).max(1)]
    }
    /// Its values; never none.
    pub(crate) fn values(&self) -> &[T] {
        &self.0
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Dealt<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor<T>(PhantomData<T>);
        impl<'de, T: Deserialize<'de>> de::Visitor<'de> for Visitor<T> {
            type Value = Dealt<T>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a value, or a list of values that are dealt in turn")
            }
            fn visit_i64<E: de::Error>(self, v: i64) -> Result<Dealt<T>, E> {
                T::deserialize(v.into_deserializer()).map(|it| Dealt(vec![it]))
            }
            fn visit_u64<E: de::Error>(self, v: u64) -> Result<Dealt<T>, E> {
                T::deserialize(v.into_deserializer()).map(|it| Dealt(vec![it]))
            }
            fn visit_f64<E: de::Error>(self, v: f64) -> Result<Dealt<T>, E> {
                T::deserialize(v.into_deserializer()).map(|it| Dealt(vec![it]))
            }
            fn visit_str<E: de::Error>(self, v: &str) -> Result<Dealt<T>, E> {
                T::deserialize(v.into_deserializer()).map(|it| Dealt(vec![it]))
            }
            fn visit_seq<A: de::SeqAccess<'de>>(self, mut seq: A) -> Result<Dealt<T>, A::Error> {
                let mut all = Vec::new();
                while let Some(it) = seq.next_element()? {
                    all.push(it);
                }
                if all.is_empty() {
                    return Err(de::Error::custom("the list is empty: there is nothing to deal"));
                }
                Ok(Dealt(all))
            }
        }
        deserializer.deserialize_any(Visitor(PhantomData))
    }
}

impl<T: schemars::JsonSchema> schemars::JsonSchema for Dealt<T> {
    fn inline_schema() -> bool {
        true
    }
    fn schema_name() -> std::borrow::Cow<'static, str> {
        format!("Dealt_{}", T::schema_name()).into()
    }
    fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        let one = generator.subschema_for::<T>();
        schemars::json_schema!({ "anyOf": [one, { "type": "array", "items": one, "minItems": 1 }] })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_is_dealt_in_turn_or_in_equal_blocks() {
        let list: Dealt<i64> =
            toml::from_str::<std::collections::BTreeMap<String, Dealt<i64>>>("a = [2500, 2000, 1000, 500]").unwrap()["a"].clone();
        assert_eq!((0..6).map(|k| *list.turn(k)).collect::<Vec<_>>(), [2500, 2000, 1000, 500, 2500, 2000]);
        // 10 in 4 blocks: ceil(10 / 4) = 3, so 3, 3, 3, 1.
        assert_eq!((0..10).map(|k| *list.block(k, 10)).collect::<Vec<_>>(), [2500, 2500, 2500, 2000, 2000, 2000, 1000, 1000, 1000, 500]);
        // 2 in 4 blocks: the first two.
        assert_eq!((0..2).map(|k| *list.block(k, 2)).collect::<Vec<_>>(), [2500, 2000]);
    }
}
