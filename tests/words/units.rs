//! Vocabularies of every kind, with what their tokens spell written out.

use widebeam::ctc::Blank;
use widebeam::scorers::{Vocabulary, WordBoundary};

use crate::random::Random;

/// A small vocabulary whose token 0 is the blank.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Unit {
    pub(crate) labels: &'static [&'static str],
    pub(crate) boundary: WordBoundary,
    spellings: &'static [&'static [u8]],
}

impl Unit {
    pub(crate) fn vocabulary(&self) -> Vocabulary {
        let vocabulary = Vocabulary::new(self.labels, Some(Blank(0)));
        vocabulary.with_boundary(self.boundary).unwrap()
    }

    /// The bytes that each token spells.
    pub(crate) fn spellings(&self) -> Vec<Vec<u8>> {
        self.spellings.iter().map(|bytes| bytes.to_vec()).collect()
    }

    /// Many pieces, a third of which begin words; some are the same. It is never freed.
    pub(crate) fn of_random_pieces(random: &mut Random, count: usize) -> Self {
        let mut labels = vec!["-"];
        let mut spellings: Vec<&[u8]> = vec![b""];
        for _ in 1..count {
            let letters = (0..1 + random.below(3)).map(|_| ["a", "b", "\u{e4}"][random.below(3)]);
            let letters: String = letters.collect();
            let begins = random.one_in(3);
            let label = if begins { "\u{2581}" } else { "" };
            let spelling = if begins { " " } else { "" };
            labels.push(format!("{label}{letters}").leak());
            spellings.push(format!("{spelling}{letters}").leak().as_bytes());
        }
        Unit {
            labels: labels.leak(),
            boundary: WordBoundary::BeginMark,
            spellings: spellings.leak(),
        }
    }

    /// The number of tokens.
    pub(crate) fn len(&self) -> usize {
        self.labels.len()
    }
}

pub(crate) const LETTERS: Unit = Unit {
    labels: &["-", "a", "b", "|"],
    boundary: WordBoundary::Delimiter(3),
    spellings: &[b"", b"a", b"b", b" "],
};

/// A token completes a word and begins the next, or has whole words inside.
pub(crate) const SPACES: Unit = Unit {
    labels: &["-", "a ", "b", "b ab a"],
    boundary: WordBoundary::Space,
    spellings: &[b"", b"a ", b"b", b"b ab a"],
};

pub(crate) const BEGIN_MARK: Unit = Unit {
    labels: &["-", "\u{2581}a", "b", "\u{2581}", "\u{2581}ab\u{2581}b"],
    boundary: WordBoundary::BeginMark,
    spellings: &[b"", b" a", b"b", b" ", b" ab b"],
};

pub(crate) const CONTINUE_MARK: Unit = Unit {
    labels: &["[PAD]", "a", "##b", "ab", "##ab"],
    boundary: WordBoundary::ContinueMark,
    spellings: &[b"", b" a", b"b", b" ab", b"ab"],
};

pub(crate) const GO_ON_MARK: Unit = Unit {
    labels: &["-", "a@@", "b", "ab@@", "a"],
    boundary: WordBoundary::GoOnMark,
    spellings: &[b"", b"a", b"b ", b"ab", b"a "],
};

pub(crate) const EVERY_TOKEN: Unit = Unit {
    labels: &["-", "a", "ab", "aba", "bb"],
    boundary: WordBoundary::EveryToken,
    spellings: &[b"", b"a ", b"ab ", b"aba ", b"bb "],
};

/// Words in the midst of a character are no UTF-8.
pub(crate) const BYTES: Unit = Unit {
    labels: &["-", "a", "<0xC3>", "<0xA4>", "<space>"],
    boundary: WordBoundary::Delimiter(4),
    spellings: &[b"", b"a", b"\xc3", b"\xa4", b" "],
};

/// A special token spells nothing.
pub(crate) const SPECIAL: Unit = Unit {
    labels: &["-", "ab", "<unk>", "a ", "\u{e4}"],
    boundary: WordBoundary::Space,
    spellings: &[b"", b"ab", b"", b"a ", "\u{e4}".as_bytes()],
};

pub(crate) const ALL: [Unit; 8] = [
    LETTERS,
    SPACES,
    BEGIN_MARK,
    CONTINUE_MARK,
    GO_ON_MARK,
    EVERY_TOKEN,
    BYTES,
    SPECIAL,
];

#[test]
fn the_spellings_written_out_here_are_those_of_the_vocabularies() {
    for unit in ALL {
        let vocabulary = unit.vocabulary();
        for (token, spelling) in (0..).zip(unit.spellings()) {
            assert_eq!(vocabulary.spelling(token), spelling, "{token}: {unit:?}");
        }
    }
}

#[test]
fn the_labels_show_every_boundary_but_that_of_whole_words() {
    for unit in ALL {
        let found = Vocabulary::new(unit.labels, Some(Blank(0))).boundary();
        match unit.boundary {
            WordBoundary::EveryToken => assert_eq!(found, WordBoundary::Space),
            boundary => assert_eq!(found, boundary, "{unit:?}"),
        }
    }
}
