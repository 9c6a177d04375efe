//! The ids of words. Id 0 is the unknown word, the others are in order of the file.

use super::super::hash;
use super::placed::Placed;

/// The names of the unknown word.
const UNKNOWN: [&str; 2] = ["<unk>", "<UNK>"];

#[derive(Debug)]
pub(super) struct Vocab {
    /// All words but the unknown one, one after another.
    text: String,
    /// Where they end.
    ends: Vec<usize>,
    ids: Placed<u32>,
    /// Whether the model has the unknown word.
    has_unknown: bool,
}

impl Default for Vocab {
    fn default() -> Self {
        Vocab {
            text: String::new(),
            ends: Vec::new(),
            ids: Placed::for_entries(0),
            has_unknown: false,
        }
    }
}

impl Vocab {
    /// The number of words, the unknown one included.
    pub(super) fn words(&self) -> u32 {
        self.ends.len() as u32 + 1
    }

    /// The id of a new word.
    pub(super) fn insert(&mut self, word: &str) -> Result<u32, String> {
        let again = || format!("{word:?} is there twice");
        if UNKNOWN.contains(&word) {
            if self.has_unknown {
                return Err(again());
            }
            self.has_unknown = true;
            return Ok(0);
        }
        let id = self.words();
        if id == u32::MAX {
            return Err(format!("{id} words are too many"));
        }
        let hash = hash::of_word(word.as_bytes());
        // A word of the same hash could not be told apart.
        self.ids.insert(hash, id).ok_or_else(again)?;
        self.text.push_str(word);
        self.ends.push(self.text.len());
        Ok(id)
    }

    #[inline]
    pub(super) fn find(&self, word: &[u8]) -> Option<u32> {
        if UNKNOWN.iter().any(|unknown| unknown.as_bytes() == word) {
            return self.has_unknown.then_some(0);
        }
        self.ids.find(hash::of_word(word))
    }

    /// Every word, in order of their ids.
    pub(super) fn strings(&self) -> impl Iterator<Item = &str> {
        (0..self.words()).map(|id| self.string(id))
    }

    fn string(&self, id: u32) -> &str {
        let Some(place) = (id as usize).checked_sub(1) else {
            return UNKNOWN[0];
        };
        let start = place.checked_sub(1).map_or(0, |before| self.ends[before]);
        &self.text[start..self.ends[place]]
    }

    /// The text of an n-gram, whose last word comes first.
    pub(super) fn text(&self, words: &[u32]) -> String {
        let words: Vec<&str> = words.iter().rev().map(|&id| self.string(id)).collect();
        words.join(" ")
    }
}
