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

/// Lists of scores for serde.
pub(crate) mod list {
    use serde::de::{Deserialize, Deserializer};
    use serde::ser::{Serialize, SerializeSeq, Serializer};

    /// One score, as the module around this one writes it.
    #[derive(Clone, Copy)]
    struct One(f64);

    impl Serialize for One {
        fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            super::serialize(&self.0, serializer)
        }
    }

    impl<'de> Deserialize<'de> for One {
        fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
            super::deserialize(deserializer).map(One)
        }
    }

    pub(crate) fn serialize<S: Serializer>(
        scores: &[f64],
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        let mut list = serializer.serialize_seq(Some(scores.len()))?;
        for &score in scores {
            list.serialize_element(&One(score))?;
        }
        list.end()
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Vec<f64>, D::Error> {
        let list: Vec<One> = Deserialize::deserialize(deserializer)?;
        Ok(list.into_iter().map(|One(score)| score).collect())
    }
}
