//! What tokens spell.

use super::boundary::{CONTINUED, GOES_ON, WORD_MARK, WordBoundary};
use crate::blank::Blank;
use crate::error::Error;
use crate::memory::reserve;
use crate::scorers::trie::Trie;

/// Labels that are no text, in lower case: what tokenisers call tokens that stand for
/// nothing that was said or written. Other labels in brackets are text, such as the tags
/// that table recognition reads.
const SPECIAL: [&str; 20] = [
    "<unk>",
    "<pad>",
    "<s>",
    "</s>",
    "<bos>",
    "<eos>",
    "<sos>",
    "<sos/eos>",
    "<mask>",
    "<blank>",
    "<blk>",
    "<eps>",
    "<epsilon>",
    "<ctc>",
    "<null>",
    "[unk]",
    "[pad]",
    "[cls]",
    "[sep]",
    "[mask]",
];

/// The bytes that each token spells. A vocabulary shares them with scorers over text.
#[derive(Debug)]
pub(in crate::scorers) struct Spellings {
    /// What each token spells, one after the other.
    bytes: Vec<u8>,
    /// Where the spelling of each token starts, and where the last one ends.
    starts: Vec<usize>,
}

impl Spellings {
    pub(super) fn new(labels: &[String], boundary: WordBoundary, blank: Option<Blank>) -> Self {
        let (mut bytes, mut starts) = (Vec::new(), vec![0]);
        for (token, label) in (0..).zip(labels) {
            if blank != Some(Blank(token)) {
                spell_label(label, token, boundary, &mut bytes);
            }
            starts.push(bytes.len());
        }
        Spellings { bytes, starts }
    }

    /// What a token spells; nothing if there is no such token.
    #[inline]
    pub(in crate::scorers) fn of(&self, token: u32) -> &[u8] {
        let token = token as usize;
        match (
            self.starts.get(token),
            self.starts.get(token.wrapping_add(1)),
        ) {
            (Some(&start), Some(&end)) => &self.bytes[start..end],
            _ => &[],
        }
    }

    /// The number of tokens.
    pub(in crate::scorers) fn len(&self) -> usize {
        self.starts.len() - 1
    }

    /// The spelling of each token.
    pub(in crate::scorers) fn iter(&self) -> impl ExactSizeIterator<Item = &[u8]> {
        self.starts
            .windows(2)
            .map(|ends| &self.bytes[ends[0]..ends[1]])
    }

    /// Where the spelling of each token starts, and where the last one ends.
    pub(super) fn starts(&self) -> &[usize] {
        &self.starts
    }

    /// The number of bytes of the longest spelling.
    pub(in crate::scorers) fn longest(&self) -> usize {
        self.iter().map(<[u8]>::len).max().unwrap_or(0)
    }

    /// All spellings, one after the other.
    pub(super) fn text(&self) -> &[u8] {
        &self.bytes
    }

    /// The trie of all spellings, and which of its nodes end one.
    ///
    /// # Errors
    ///
    /// If memory runs out, or the trie would have more than `u32::MAX` nodes.
    pub(in crate::scorers) fn trie(&self) -> Result<(Trie<u8>, Vec<bool>), Error> {
        let mut spellings = Vec::new();
        reserve(&mut spellings, self.len(), "the spellings of tokens")?;
        spellings.extend(self.iter());
        let (trie, ends) = Trie::new(&spellings)?;
        let whole = trie.marks(&ends)?;
        Ok((trie, whole))
    }
}

/// Appends what a token of this label spells.
fn spell_label(label: &str, token: u32, boundary: WordBoundary, spelled: &mut Vec<u8>) {
    if boundary == WordBoundary::Delimiter(token) {
        spelled.push(b' ');
        return;
    }
    if let Some(byte) = byte_of(label) {
        spelled.push(byte);
        return;
    }
    if SPECIAL
        .iter()
        .any(|special| label.eq_ignore_ascii_case(special))
    {
        return;
    }
    match boundary {
        WordBoundary::Space => spelled.extend_from_slice(label.as_bytes()),
        WordBoundary::Delimiter(_) => spelled.extend_from_slice(label.as_bytes()),
        WordBoundary::BeginMark => {
            spelled.extend_from_slice(label.replace(WORD_MARK, " ").as_bytes());
        }
        WordBoundary::ContinueMark => match label.strip_prefix(CONTINUED) {
            Some(continued) => spelled.extend_from_slice(continued.as_bytes()),
            None => {
                spelled.push(b' ');
                spelled.extend_from_slice(label.as_bytes());
            }
        },
        WordBoundary::GoOnMark => match label.strip_suffix(GOES_ON) {
            Some(going_on) => spelled.extend_from_slice(going_on.as_bytes()),
            None => {
                spelled.extend_from_slice(label.as_bytes());
                spelled.push(b' ');
            }
        },
        WordBoundary::EveryToken => {
            spelled.extend_from_slice(label.as_bytes());
            spelled.push(b' ');
        }
    }
}

/// The byte of a label such as `<0xC3>`.
fn byte_of(label: &str) -> Option<u8> {
    let digits = label.strip_prefix("<0x")?.strip_suffix('>')?;
    let plain = digits.len() == 2 && digits.bytes().all(|digit| digit.is_ascii_hexdigit());
    plain.then(|| u8::from_str_radix(digits, 16).ok())?
}
