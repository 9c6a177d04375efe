//! Scores for serde. JSON has no infinity, so there one is a string.

use std::fmt;

use serde::de::{Deserializer, Error, Visitor};
use serde::ser::Serializer;

pub(crate) fn serialize<S: Serializer>(score: &f64, serializer: S) -> Result<S::Ok, S::Error> {
    if serializer.is_human_readable() && !score.is_finite() {
        return serializer.collect_str(score);
    }
    serializer.serialize_f64(*score)
}

pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<f64, D::Error> {
    if deserializer.is_human_readable() {
        return deserializer.deserialize_any(Score);
    }
    serde::Deserialize::deserialize(deserializer)
}

struct Score;

impl Visitor<'_> for Score {
    type Value = f64;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a number, or \"-inf\"")
    }

    fn visit_f64<E: Error>(self, score: f64) -> Result<f64, E> {
        Ok(score)
    }

    fn visit_i64<E: Error>(self, score: i64) -> Result<f64, E> {
        Ok(score as f64)
    }

    fn visit_u64<E: Error>(self, score: u64) -> Result<f64, E> {
        Ok(score as f64)
    }

    fn visit_str<E: Error>(self, score: &str) -> Result<f64, E> {
        let infinite = score.parse().ok().filter(|score: &f64| score.is_infinite());
        infinite.ok_or_else(|| E::invalid_value(serde::de::Unexpected::Str(score), &self))
    }
}
