//! Results for serde: an item is a map of `hypotheses` or of an `error`.

use serde::ser::{Serialize, SerializeMap, SerializeSeq, Serializer};

use super::{Details, Hypotheses, NBest};

/// A list of items, each `{"hypotheses": [..]}` or `{"error": ".."}`.
impl<D: Details> Serialize for NBest<D>
where
    for<'a> D::Hypothesis<'a>: Serialize,
{
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut items = serializer.serialize_seq(Some(self.len()))?;
        for item in self {
            items.serialize_element(&Item(item))?;
        }
        items.end()
    }
}

struct Item<'a, D: Details>(Result<Hypotheses<'a, D>, crate::Error>);

impl<D: Details> Serialize for Item<'_, D>
where
    for<'a> D::Hypothesis<'a>: Serialize,
{
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(1))?;
        match &self.0 {
            Ok(hypotheses) => map.serialize_entry("hypotheses", hypotheses)?,
            Err(error) => map.serialize_entry("error", error)?,
        }
        map.end()
    }
}

/// A list of hypotheses.
impl<D: Details> Serialize for Hypotheses<'_, D>
where
    for<'a> D::Hypothesis<'a>: Serialize,
{
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.clone())
    }
}
