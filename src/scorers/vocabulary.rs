//! The text of tokens.

use std::collections::HashMap;
use std::ops::Range;

use crate::blank::Blank;
use crate::error::{Error, Kind};

/// What stands before a word in the pieces of SentencePiece: U+2581.
const WORD_MARK: &str = "\u{2581}";
/// What stands before a piece that continues a word in WordPiece.
const CONTINUED: &str = "##";
/// What stands after a piece whose word goes on in the next one (subword-nmt).
const GOES_ON: &str = "@@";
/// Labels of a token between words, in the order in which they are looked for.
const DELIMITERS: [&str; 3] = [" ", "|", "<space>"];

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

/// How the tokens of a vocabulary part words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case"))]
#[non_exhaustive]
pub enum WordBoundary {
    /// Only spaces within labels part words.
    Space,
    /// This token stands between words, and spells a space.
    Delimiter(u32),
    /// U+2581 stands before a word and spells a space, as in SentencePiece.
    BeginMark,
    /// `##` stands before a token that continues a word, as in WordPiece; every other
    /// token begins one.
    ContinueMark,
    /// `@@` stands after a token whose word goes on in the next one, as in subword-nmt;
    /// every other token ends a word.
    GoOnMark,
    /// Every token is a word.
    EveryToken,
}

/// The tokens of a vocabulary as text: what each spells, and where words part.
///
/// A token spells its label. Marks of [`WordBoundary`] spell a space or nothing, and a
/// label `<0xC3>` spells that byte: bytes join to UTF-8. The blank spells nothing, nor do
/// the usual special tokens: `<unk>`, `<pad>`, `<s>`, `</s>`, `<bos>`, `<eos>`, `<sos>`,
/// `<sos/eos>`, `<mask>`, `<blank>`, `<blk>`, `<eps>`, `<epsilon>`, `<ctc>`, `<null>`,
/// `[UNK]`, `[PAD]`, `[CLS]`, `[SEP]` and `[MASK]`, in capitals or not.
///
/// ```
/// use widebeam::ctc::Blank;
/// use widebeam::scorers::{Vocabulary, WordBoundary};
///
/// let labels = ["<blank>", "\u{2581}he", "llo", "\u{2581}you"];
/// let vocabulary = Vocabulary::new(&labels, Some(Blank(0)));
/// assert_eq!(vocabulary.boundary(), WordBoundary::BeginMark);
/// assert_eq!(vocabulary.text(&[1, 2, 3])?, "hello you");
/// let words = vocabulary.words(&[1, 2, 3])?;
/// assert_eq!((&*words[0].text, &words[0].tokens), ("hello", &(0..2)));
///
/// // The frames at which the tokens of a word begin, from those of a CTC hypothesis.
/// let frames = [3u32, 7, 12];
/// assert_eq!(frames[words[0].tokens.clone()], [3, 7]);
/// # Ok::<(), widebeam::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Vocabulary {
    labels: Vec<String>,
    tokens: HashMap<String, u32>,
    boundary: WordBoundary,
    blank: Option<Blank>,
    /// What each token spells, one after the other.
    spelled: Vec<u8>,
    ends: Vec<usize>,
}

/// A word of some tokens.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Word {
    /// Its text.
    pub text: String,
    /// Which of the tokens spell it, by their places.
    pub tokens: Range<usize>,
}

impl Vocabulary {
    /// The vocabulary of labels in order of the token ids. Of equal labels the first is that
    /// of [`Vocabulary::token`].
    ///
    /// Words part as the labels show: by a label that begins with U+2581; or else with `##`;
    /// or else that ends with `@@`; or else by the label of a space, `|` or `<space>`, in this
    /// order, which is a delimiter. With none of them, [`WordBoundary::Space`].
    pub fn new<L: AsRef<str>>(labels: &[L], blank: Option<Blank>) -> Self {
        let labels: Vec<String> = labels.iter().map(|l| l.as_ref().to_owned()).collect();
        let mut tokens = HashMap::new();
        for (token, label) in (0..).zip(&labels) {
            if !label.is_empty() && blank != Some(Blank(token)) {
                tokens.entry(label.clone()).or_insert(token);
            }
        }
        let mut vocabulary = Vocabulary {
            labels,
            tokens,
            boundary: WordBoundary::Space,
            blank,
            spelled: Vec::new(),
            ends: Vec::new(),
        };
        vocabulary.boundary = vocabulary.found_boundary();
        vocabulary.spell_tokens();
        vocabulary
    }

    /// The same vocabulary with words parted in another way.
    ///
    /// # Errors
    ///
    /// If there is no token of a [`WordBoundary::Delimiter`].
    pub fn with_boundary(mut self, boundary: WordBoundary) -> Result<Self, Error> {
        if let WordBoundary::Delimiter(token) = boundary {
            let (what, vocab) = ("the word delimiter", self.len());
            if token as usize >= vocab {
                return Err(Kind::UnknownToken { what, token, vocab }.into());
            }
        }
        self.boundary = boundary;
        self.spell_tokens();
        Ok(self)
    }

    /// The word boundary that the labels show.
    fn found_boundary(&self) -> WordBoundary {
        let any = |marked: fn(&str) -> bool| self.labels.iter().any(|label| marked(label));
        if any(|label| label.starts_with(WORD_MARK)) {
            return WordBoundary::BeginMark;
        }
        if any(|label| label.len() > CONTINUED.len() && label.starts_with(CONTINUED)) {
            return WordBoundary::ContinueMark;
        }
        if any(|label| label.len() > GOES_ON.len() && label.ends_with(GOES_ON)) {
            return WordBoundary::GoOnMark;
        }
        let delimiter = DELIMITERS.iter().find_map(|label| self.token(label));
        delimiter.map_or(WordBoundary::Space, WordBoundary::Delimiter)
    }

    /// How words part.
    pub fn boundary(&self) -> WordBoundary {
        self.boundary
    }

    /// The number of tokens.
    pub fn len(&self) -> usize {
        self.labels.len()
    }

    /// Whether there is no token.
    pub fn is_empty(&self) -> bool {
        self.labels.is_empty()
    }

    /// The first token with exactly this label; the blank has none.
    pub fn token(&self, label: &str) -> Option<u32> {
        self.tokens.get(label).copied()
    }

    /// The label of a token, if there is such a token.
    pub fn label(&self, token: u32) -> Option<&str> {
        self.labels.get(token as usize).map(String::as_str)
    }

    /// The labels by token.
    pub fn labels(&self) -> &[String] {
        &self.labels
    }

    /// The bytes that a token spells; spaces part words. Empty for the blank, and for what
    /// is no token.
    pub fn spelling(&self, token: u32) -> &[u8] {
        let token = token as usize;
        let start = token.checked_sub(1).map(|before| self.ends.get(before));
        let start = start.map_or(Some(&0), |start| start);
        match (start, self.ends.get(token)) {
            (Some(&start), Some(&end)) => &self.spelled[start..end],
            _ => &[],
        }
    }

    /// The text of some tokens. The space before a first word that is marked, or after a
    /// last one, is left out. What is not UTF-8 becomes U+FFFD.
    ///
    /// # Errors
    ///
    /// If a token is not in the vocabulary.
    pub fn text(&self, tokens: &[u32]) -> Result<String, Error> {
        let mut bytes = Vec::new();
        for &token in tokens {
            self.check(token)?;
            bytes.extend_from_slice(self.spelling(token));
        }
        let text = match self.boundary {
            WordBoundary::BeginMark | WordBoundary::ContinueMark | WordBoundary::EveryToken => {
                bytes.strip_prefix(b" ")
            }
            WordBoundary::GoOnMark => bytes.strip_suffix(b" "),
            _ => None,
        };
        Ok(String::from_utf8_lossy(text.unwrap_or(&bytes)).into_owned())
    }

    /// The words of some tokens, which are what stands between spaces.
    ///
    /// # Errors
    ///
    /// If a token is not in the vocabulary.
    pub fn words(&self, tokens: &[u32]) -> Result<Vec<Word>, Error> {
        let mut words = Vec::new();
        let (mut word, mut places) = (Vec::new(), 0..0);
        let mut end = |word: &mut Vec<u8>, places: &Range<usize>| {
            if !word.is_empty() {
                let text = String::from_utf8_lossy(word).into_owned();
                let tokens = places.clone();
                words.push(Word { text, tokens });
                word.clear();
            }
        };
        for (place, &token) in tokens.iter().enumerate() {
            self.check(token)?;
            for &byte in self.spelling(token) {
                if byte == b' ' {
                    end(&mut word, &places);
                    continue;
                }
                if word.is_empty() {
                    places.start = place;
                }
                places.end = place + 1;
                word.push(byte);
            }
        }
        end(&mut word, &places);
        Ok(words)
    }

    /// The tokens whose labels, one after the other, are `text`: from left to right the
    /// longest label that fits. So words are written with what parts them in the labels, as
    /// `cat|bat` or with U+2581 before each.
    ///
    /// # Errors
    ///
    /// If no label fits somewhere: the error names the character.
    pub fn spell(&self, text: &str) -> Result<Vec<u32>, Error> {
        let longest = self.tokens.keys().map(String::len).max().unwrap_or(0);
        let mut tokens = Vec::new();
        let mut rest = text;
        while let Some(character) = rest.chars().next() {
            let mut fitting = (1..=longest.min(rest.len())).rev().filter_map(|length| {
                let label = rest.get(..length)?;
                Some((self.token(label)?, length))
            });
            let Some((token, length)) = fitting.next() else {
                let text = text.to_owned();
                return Err(Kind::Unspellable { text, character }.into());
            };
            tokens.push(token);
            rest = &rest[length..];
        }
        Ok(tokens)
    }

    fn check(&self, token: u32) -> Result<(), Error> {
        let (what, vocab) = ("the tokens of a text", self.len());
        if token as usize >= vocab {
            return Err(Kind::UnknownToken { what, token, vocab }.into());
        }
        Ok(())
    }

    /// Writes what each token spells.
    fn spell_tokens(&mut self) {
        self.spelled.clear();
        self.ends.clear();
        for (token, label) in (0..).zip(&self.labels) {
            if self.blank != Some(Blank(token)) {
                spell_label(label, token, self.boundary, &mut self.spelled);
            }
            self.ends.push(self.spelled.len());
        }
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
            spelled.push(b' ');
            spelled.extend_from_slice(label.as_bytes());
        }
    }
}

/// The byte of a label such as `<0xC3>`.
fn byte_of(label: &str) -> Option<u8> {
    let digits = label.strip_prefix("<0x")?.strip_suffix('>')?;
    let plain = digits.len() == 2 && digits.bytes().all(|digit| digit.is_ascii_hexdigit());
    plain.then(|| u8::from_str_radix(digits, 16).ok())?
}

#[cfg(test)]
mod tests {
    use super::*;

    fn vocabulary(labels: &[&str]) -> Vocabulary {
        Vocabulary::new(labels, Some(Blank(0)))
    }

    #[track_caller]
    fn check(vocabulary: &Vocabulary, tokens: &[u32], text: &str, words: &[(&str, Range<usize>)]) {
        assert_eq!(vocabulary.text(tokens).unwrap(), text);
        let found = vocabulary.words(tokens).unwrap();
        let found: Vec<_> = found.iter().map(|w| (&*w.text, w.tokens.clone())).collect();
        assert_eq!(found, words);
    }

    #[test]
    fn words_part_at_a_delimiter_whatever_its_label() {
        for delimiter in [" ", "|", "<space>"] {
            let letters = vocabulary(&["-", "a", "b", delimiter]);
            assert_eq!(letters.boundary(), WordBoundary::Delimiter(3));
            check(
                &letters,
                &[1, 2, 3, 2],
                "ab b",
                &[("ab", 0..2), ("b", 3..4)],
            );
            check(
                &letters,
                &[3, 1, 3, 3, 2],
                " a  b",
                &[("a", 1..2), ("b", 4..5)],
            );
            check(&letters, &[], "", &[]);
        }
        let named = vocabulary(&["-", "a", "<wb>", " "]);
        let named = named.with_boundary(WordBoundary::Delimiter(2)).unwrap();
        check(&named, &[1, 2, 1], "a a", &[("a", 0..1), ("a", 2..3)]);
        assert!(named.with_boundary(WordBoundary::Delimiter(4)).is_err());
    }

    #[test]
    fn marks_begin_words_and_one_space_before_the_first_is_left_out() {
        let pieces = vocabulary(&[
            "-",
            "\u{2581}he",
            "llo",
            "\u{2581}you",
            "\u{2581}",
            "\u{2581}\u{2581}a",
        ]);
        assert_eq!(pieces.boundary(), WordBoundary::BeginMark);
        check(
            &pieces,
            &[1, 2, 3],
            "hello you",
            &[("hello", 0..2), ("you", 2..3)],
        );
        check(
            &pieces,
            &[2, 4, 2],
            "llo llo",
            &[("llo", 0..1), ("llo", 2..3)],
        );
        check(&pieces, &[4, 2], "llo", &[("llo", 1..2)]);
        check(&pieces, &[5], " a", &[("a", 0..1)]);
        // A mark within a label alone is not that of word pieces.
        let within = vocabulary(&["b\u{2581}", "x"]);
        assert_eq!(within.boundary(), WordBoundary::Space);
    }

    #[test]
    fn marks_continue_words_before_or_after() {
        let before = vocabulary(&["[PAD]", "un", "##aff", "##able", "you"]);
        assert_eq!(before.boundary(), WordBoundary::ContinueMark);
        check(
            &before,
            &[1, 2, 3, 4],
            "unaffable you",
            &[("unaffable", 0..3), ("you", 3..4)],
        );
        check(&before, &[2, 4], "aff you", &[("aff", 0..1), ("you", 1..2)]);
        let after = vocabulary(&["-", "un@@", "aff@@", "able", "you", "@@"]);
        assert_eq!(after.boundary(), WordBoundary::GoOnMark);
        check(
            &after,
            &[1, 2, 3, 4],
            "unaffable you",
            &[("unaffable", 0..3), ("you", 3..4)],
        );
        check(&after, &[4, 1], "you un", &[("you", 0..1), ("un", 1..2)]);
    }

    #[test]
    fn every_token_may_be_a_word() {
        let words = vocabulary(&["-", "turn", "left"]);
        check(&words, &[1, 2], "turnleft", &[("turnleft", 0..2)]);
        let words = words.with_boundary(WordBoundary::EveryToken).unwrap();
        check(
            &words,
            &[1, 2],
            "turn left",
            &[("turn", 0..1), ("left", 1..2)],
        );
    }

    #[test]
    fn special_tokens_spell_nothing_and_tags_are_text() {
        let labels = ["-", "\u{2581}a", "<unk>", "[PAD]", "</S>", "<td>", "[a]"];
        let pieces = vocabulary(&labels);
        check(
            &pieces,
            &[1, 2, 3, 4, 1],
            "a a",
            &[("a", 0..1), ("a", 4..5)],
        );
        check(&pieces, &[5, 6], "<td>[a]", &[("<td>[a]", 0..2)]);
        assert_eq!(pieces.token("<unk>"), Some(2));
        let named = vocabulary(&["-", "a", "<eps>"]);
        let named = named.with_boundary(WordBoundary::Delimiter(2)).unwrap();
        check(&named, &[1, 2, 1], "a a", &[("a", 0..1), ("a", 2..3)]);
    }

    #[test]
    fn bytes_join_to_characters() {
        let bytes = vocabulary(&[
            "-", "gr", "<0xC3>", "<0xBC>", "n", "<0xc3>", "<0x2>", "<0x+2>",
        ]);
        check(&bytes, &[1, 2, 3, 4], "gr\u{fc}n", &[("gr\u{fc}n", 0..4)]);
        check(&bytes, &[5, 3], "\u{fc}", &[("\u{fc}", 0..2)]);
        check(&bytes, &[1, 2, 4], "gr\u{fffd}n", &[("gr\u{fffd}n", 0..3)]);
        assert_eq!(bytes.text(&[6, 7]).unwrap(), "<0x2><0x+2>");
    }

    #[test]
    fn the_blank_spells_nothing_and_what_is_no_token_is_an_error() {
        let letters = vocabulary(&["a", "a", "", "b"]);
        assert_eq!((letters.token("a"), letters.token("")), (Some(1), None));
        assert_eq!((letters.label(0), letters.label(4)), (Some("a"), None));
        check(&letters, &[0, 1, 2, 3], "ab", &[("ab", 1..4)]);
        for call in [
            |v: &Vocabulary| v.text(&[1, 4]).map(drop),
            |v: &Vocabulary| v.words(&[1, 4]).map(drop),
        ] {
            let error = call(&letters).unwrap_err().to_string();
            assert_eq!(
                error,
                "the tokens of a text: token 4 is beyond the vocabulary of 4 tokens"
            );
        }
        assert!(letters.spelling(4).is_empty() && letters.spelling(u32::MAX).is_empty());
        let all = Vocabulary::new(&["a"], None);
        check(&all, &[0], "a", &[("a", 0..1)]);
        assert!(Vocabulary::new::<&str>(&[], None).is_empty());
    }
}
