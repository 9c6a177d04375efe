//! Small inputs on which other decoders fail, with values found by enumeration or from the
//! definitions.

use widebeam::ctc::{Blank, CtcNBest};
use widebeam::scorers::{
    Lexicon, Lookahead, NgramModel, NgramScorer, Phrases, Scorer, SpellingLexicon, Unscored,
    Vocabulary, Word, WordBoundary, WordNgram,
};
use widebeam::{CtcSearch, ScoresView};

use crate::by_text::merged;

/// A bigram model of words, two of which are letters.
const ENGLISH: &str = "\\data\\
ngram 1=9
ngram 2=7

\\1-grams:
-99	<s>	-0.3
-1.2	</s>	-0.3
-3.0	<unk>	-0.3
-2.0	saw	-0.3
-1.5	bear	-0.3
-4.0	beat	-0.3
-1.0	the	-0.3
-1.3	a	-0.3
-1.4	i	-0.3

\\2-grams:
-0.5	saw the
-0.4	the bear
-0.2	bear </s>
-0.5	<s> i
-0.5	i saw
-0.4	saw a
-0.3	a bear

\\end\\
";

/// Frames in which one label has `high`, the others `low` each, and the first label, which
/// is the blank, has `blank` where it is not the one.
struct Peaks<'a> {
    labels: &'a [&'a str],
    low: f32,
    data: Vec<f32>,
}

impl<'a> Peaks<'a> {
    fn new(labels: &'a [&'a str], low: f32) -> Self {
        let data = Vec::new();
        Peaks { labels, low, data }
    }

    fn place(&self, label: &str) -> usize {
        let place = self.labels.iter().position(|&other| other == label);
        place.expect("a label")
    }

    /// A frame in which these labels have these probabilities.
    fn frame(&mut self, high: &[(&str, f32)]) {
        let start = self.data.len();
        self.data.resize(start + self.labels.len(), self.low);
        for &(label, probability) in high {
            let place = start + self.place(label);
            self.data[place] = probability;
        }
    }

    fn decode<S: Scorer + Sync>(&self, beams: usize, scorer: S) -> CtcNBest {
        let shape = [self.data.len() / self.labels.len(), self.labels.len()];
        let view = ScoresView::probabilities(&self.data, shape).unwrap();
        let search = CtcSearch::new(beams, Blank(0)).unwrap();
        search.with_scorer(scorer).decode(&view).unwrap()
    }

    fn vocabulary(&self) -> Vocabulary {
        Vocabulary::new(self.labels, Some(Blank(0)))
    }
}

/// The texts and scores of the best hypotheses.
fn texts(nbest: &CtcNBest, vocabulary: &Vocabulary) -> Vec<(String, f64)> {
    let text = |tokens| vocabulary.text(tokens).unwrap();
    let hypotheses = nbest.item(0).unwrap();
    hypotheses.map(|h| (text(h.tokens), h.score)).collect()
}

fn near(a: f64, b: f64, distance: f64) {
    assert!((a - b).abs() <= distance, "{a} is not {b}");
}

// Words

const LETTERS: [&str; 25] = [
    "_", " ", "a", "b", "c", "d", "e", "f", "g", "h", "i", "k", "l", "m", "n", "o", "p", "r", "s",
    "t", "u", "v", "w", "y", "'",
];

/// "i saw a beat" by a little more than "i saw a bear".
fn i_saw() -> Peaks<'static> {
    let mut peaks = Peaks::new(&LETTERS, 0.000_101_8);
    for letter in "i saw a bea".chars() {
        peaks.frame(&[("_", 0.081_44), (&letter.to_string(), 0.916_22)]);
        peaks.frame(&[("_", 0.997_48)]);
    }
    peaks.frame(&[("_", 0.030_54), ("r", 0.458_16), ("t", 0.509_06)]);
    peaks.frame(&[("_", 0.997_48)]);
    peaks
}

#[test]
fn a_model_of_words_scores_words_though_it_knows_two_letters() {
    let peaks = i_saw();
    let vocabulary = peaks.vocabulary();
    assert_eq!(vocabulary.boundary(), WordBoundary::Delimiter(1));
    let alone = peaks.decode(100, Unscored);
    assert_eq!(texts(&alone, &vocabulary)[0].0, "i saw a beat");
    for lookahead in [Lookahead::None, Lookahead::Unigram] {
        let model = NgramModel::read_arpa(ENGLISH.as_bytes()).unwrap();
        let scorer = WordNgram::new(model, &vocabulary).unwrap();
        let scorer = scorer.with_weight(0.5).unwrap();
        let scorer = scorer.with_lookahead(lookahead).unwrap();
        let nbest = peaks.decode(100, scorer);
        let best = nbest.best(0).unwrap();
        assert_eq!(vocabulary.text(best.tokens).unwrap(), "i saw a bear");
        near(best.score, -3.96, 0.01);
        near(best.log_mass, -1.77, 0.01);
        near(best.scorer_score, 0.5 * -4.37, 0.01);
        let texts = texts(&nbest, &vocabulary);
        let beat = texts
            .iter()
            .find(|(text, _)| text == "i saw a beat")
            .unwrap();
        near(beat.1, -9.95, 0.01);
    }
}

#[test]
fn words_have_the_frames_of_their_tokens() {
    let peaks = i_saw();
    let nbest = peaks.decode(10, Unscored);
    let best = nbest.best(0).unwrap();
    let words = peaks.vocabulary().words(best.tokens).unwrap();
    let framed = words.iter().map(|word: &Word| {
        let last = word.tokens.end - 1;
        let (start, end) = (best.frames[word.tokens.start], best.last_frames[last]);
        (&*word.text, start, end)
    });
    let expected = [("i", 0, 0), ("saw", 4, 8), ("a", 12, 12), ("beat", 16, 22)];
    assert_eq!(framed.collect::<Vec<_>>(), expected);
}

// Pieces

const PIECES: [&str; 10] = [
    "<b>",
    "\u{2581}",
    "\u{2581}he",
    "\u{2581}hel",
    "lo",
    "llo",
    "l",
    "o",
    "a",
    "\u{2581}j",
];

fn hela() -> Peaks<'static> {
    let mut peaks = Peaks::new(&PIECES, 0.000_01);
    peaks.frame(&[
        ("<b>", 0.051_54),
        ("\u{2581}he", 0.927_77),
        ("\u{2581}hel", 0.020_62),
    ]);
    peaks.frame(&[("<b>", 0.999_9)]);
    peaks.frame(&[("<b>", 0.052_63), ("llo", 0.421_02), ("l", 0.526_28)]);
    peaks.frame(&[("<b>", 0.473_64), ("a", 0.526_27)]);
    peaks
}

#[test]
fn a_phrase_is_favoured_in_whichever_pieces() {
    let peaks = hela();
    let vocabulary = peaks.vocabulary();
    let alone = texts(&peaks.decode(20, Unscored), &vocabulary);
    assert_eq!(alone[0].0, "hela");
    for hello in ["hello", "\u{2581}he llo", "\u{2581}hel lo", " hello "] {
        let phrases = [(hello, 10.0), ("jo", 1.5)];
        // "▁he llo" is the way that the emissions have; an "a" may follow it.
        let anywhere = Phrases::from_text(&phrases, &vocabulary, false).unwrap();
        let nbest = peaks.decode(20, anywhere);
        let best = nbest.best(0).unwrap();
        assert_eq!(best.tokens, [2, 5, 8]);
        near(best.scorer_score, 10.0, 1e-9);
        near(
            best.score - 10.0,
            (0.927_77f64 * 0.999_9 * 0.421_02 * 0.526_27).ln(),
            1e-3,
        );
        // Not so if it must be a whole word.
        let whole = Phrases::from_text(&phrases, &vocabulary, true).unwrap();
        let nbest = peaks.decode(20, whole);
        let best = nbest.best(0).unwrap();
        assert_eq!(best.tokens, [2, 5]);
        near(best.scorer_score, 10.0, 1e-9);
    }
}

#[test]
fn each_phrase_has_its_own_weight() {
    let peaks = hela();
    let vocabulary = peaks.vocabulary();
    let best = |hello| {
        let phrases = [("hello", hello), ("hela", 2.0)];
        let scorer = Phrases::from_text(&phrases, &vocabulary, true).unwrap();
        texts(&peaks.decode(20, scorer), &vocabulary)[0].0.clone()
    };
    assert_eq!([best(10.0), best(1.0)], ["hello", "hela"]);
}

// Separators

const CAPITALS: [&str; 9] = ["<pad>", "|", "T", "U", "R", "N", "L", "E", "F"];

fn turn_left() -> Peaks<'static> {
    let mut peaks = Peaks::new(&CAPITALS, 0.000_01);
    for letter in "TURN|LEFT".chars() {
        peaks.frame(&[(&letter.to_string(), 0.999_92)]);
        peaks.frame(&[("<pad>", 0.999_92)]);
    }
    peaks
}

#[test]
fn a_lexicon_allows_as_many_words_as_there_are() {
    let peaks = turn_left();
    let vocabulary = peaks.vocabulary();
    let lexicon = Lexicon::new(&["TURN", "LEFT"], &vocabulary).unwrap();
    let best = &texts(&peaks.decode(8, lexicon), &vocabulary)[0];
    assert_eq!(best.0, "TURN LEFT");
    near(best.1, -0.001, 0.000_6);

    // The same as spellings, with the separator at the end of each or without it.
    let spell = |word: &str| vocabulary.spell(word).unwrap();
    for end in ["|", ""] {
        let words = ["TURN", "LEFT"].map(|word| (word, spell(&format!("{word}{end}"))));
        let lexicon = SpellingLexicon::new(&words, Some(1)).unwrap();
        let nbest = peaks.decode(8, &lexicon);
        let best = nbest.best(0).unwrap();
        assert_eq!(vocabulary.text(best.tokens).unwrap(), "TURN LEFT");
        near(best.score, -0.001, 0.000_6);
        let words = lexicon.words(best.tokens).unwrap();
        let framed = words.iter().map(|word| {
            let last = word.tokens.end - 1;
            (
                &*word.text,
                best.frames[word.tokens.start],
                best.last_frames[last],
            )
        });
        let expected = [("TURN", 0, 6), ("LEFT", 10, 16)];
        assert_eq!(framed.collect::<Vec<_>>(), expected);
    }
}

#[test]
fn a_separator_has_several_names() {
    for name in ["|", "<space>", " ", "<wb>"] {
        let mut labels = CAPITALS;
        labels[1] = name;
        let peaks = Peaks {
            labels: &labels,
            ..turn_left()
        };
        let vocabulary = peaks.vocabulary();
        assert_eq!(
            vocabulary.boundary(),
            WordBoundary::Delimiter(1),
            "{name:?}"
        );
        let lexicon = Lexicon::new(&["TURN", "LEFT"], &vocabulary).unwrap();
        assert_eq!(
            texts(&peaks.decode(8, lexicon), &vocabulary)[0].0,
            "TURN LEFT"
        );
    }
}

#[test]
fn a_lexicon_allows_words_in_whichever_pieces() {
    let labels = [
        "<b>",
        "\u{2581}turn",
        "\u{2581}left",
        "\u{2581}right",
        "\u{2581}l",
        "eft",
    ];
    let mut peaks = Peaks::new(&labels, 0.000_01);
    for piece in ["\u{2581}turn", "\u{2581}l", "eft"] {
        peaks.frame(&[(piece, 0.999_95)]);
        peaks.frame(&[("<b>", 0.999_95)]);
    }
    let vocabulary = peaks.vocabulary();
    let lexicon = Lexicon::new(&["turn", "left", "right"], &vocabulary).unwrap();
    let nbest = peaks.decode(8, lexicon);
    let best = nbest.best(0).unwrap();
    assert_eq!(best.tokens, [1, 4, 5]);
    assert_eq!(vocabulary.text(best.tokens).unwrap(), "turn left");
    near(best.score, 0.0, 0.001);
}

// Candidates

/// A unigram model of which "f" is the best word.
const F_IS_LIKELY: &str = "\\data\\
ngram 1=10

\\1-grams:
-99	<s>
-0.5	</s>
-2	a
-2	b
-2	c
-2	d
-2	e
-0.05	f
-2	g
-2	h

\\end\\
";

/// "f" is the sixth of nine.
fn sixth() -> Peaks<'static> {
    let mut peaks = Peaks::new(&["-", "a", "b", "c", "d", "e", "f", "g", "h"], 0.0);
    peaks.data = vec![0.04, 0.22, 0.2, 0.17, 0.14, 0.11, 0.08, 0.03, 0.01];
    peaks
}

#[test]
fn a_token_is_tried_whatever_its_rank_if_a_scorer_may_lift_it() {
    let peaks = sixth();
    let vocabulary = peaks.vocabulary();
    let words = vocabulary
        .clone()
        .with_boundary(WordBoundary::EveryToken)
        .unwrap();
    let f = 0.08f64.ln();
    for beams in 1..=10 {
        let best = |nbest: CtcNBest| {
            let best = nbest.best(0).unwrap();
            (best.tokens.to_vec(), best.score)
        };
        let model = || NgramModel::read_arpa(F_IS_LIKELY.as_bytes()).unwrap();
        let tokens = NgramScorer::of_tokens(model(), &vocabulary).unwrap();
        let characters = NgramScorer::of_characters(model(), &vocabulary).unwrap();
        for (tokens, score) in [
            best(peaks.decode(beams, tokens)),
            best(peaks.decode(beams, characters)),
            best(peaks.decode(beams, WordNgram::new(model(), &words).unwrap())),
        ] {
            assert_eq!(tokens, [6], "{beams} beams");
            near(score, -3.792, 0.000_5);
        }
        let favoured = [
            Phrases::from_text(&[("f", 4.0)], &vocabulary, false).unwrap(),
            Phrases::from_text(&[("f", 4.0)], &words, true).unwrap(),
            Phrases::from_tokens(&[([6], 4.0)]).unwrap(),
        ];
        for favoured in favoured {
            let (tokens, score) = best(peaks.decode(beams, favoured));
            assert_eq!(tokens, [6], "{beams} beams");
            near(score, f + 4.0, 1e-6);
        }
        let lexicon = Lexicon::new(&["f", "h"], &vocabulary).unwrap();
        let spelled = SpellingLexicon::new(&[("f", [6]), ("h", [8])], None).unwrap();
        for (tokens, score) in [
            best(peaks.decode(beams, lexicon)),
            best(peaks.decode(beams, spelled)),
        ] {
            assert_eq!(tokens, [6], "{beams} beams");
            near(score, f, 1e-6);
        }
    }
}

// Same text

#[test]
fn two_segmentations_of_a_text_are_one_on_demand() {
    let labels = [
        "<b>",
        "\u{2581}he",
        "\u{2581}hel",
        "lo",
        "llo",
        "\u{2581}jello",
    ];
    let mut peaks = Peaks::new(&labels, 0.0);
    peaks.data = [
        [0.02, 0.31, 0.29, 0.001, 0.001, 0.378],
        [0.94, 0.01, 0.01, 0.01, 0.02, 0.01],
        [0.25, 0.001, 0.001, 0.35, 0.397, 0.001],
    ]
    .concat();
    let vocabulary = peaks.vocabulary();
    let nbest = peaks.decode(64, Unscored);
    let found = texts(&nbest, &vocabulary);
    assert_eq!(found[0].0, "jellollo");
    near(found[0].1.exp(), 0.1475, 0.000_05);
    let hello: Vec<f64> = found
        .iter()
        .filter(|(text, _)| text == "hello")
        .map(|(_, score)| score.exp())
        .take(2)
        .collect();
    near(hello[0], 0.121, 0.000_5);
    near(hello[1], 0.098, 0.000_5);
    let found = texts(&merged(&nbest, &vocabulary), &vocabulary);
    assert_eq!((&*found[0].0, &*found[1].0), ("hello", "jellollo"));
    near(found[0].1.exp(), 0.2192, 0.000_05);
    near(found[1].1.exp(), 0.1475, 0.000_05);
    assert!(found.iter().filter(|(text, _)| text == "hello").count() == 1);
    // The tokens are those of the better of the two.
    assert_eq!(merged(&nbest, &vocabulary).best(0).unwrap().tokens, [1, 4]);
}

/// A mark that letters spell is the model's word, with a look-ahead as without: in the end the
/// same sum.
#[test]
fn a_look_ahead_does_not_change_the_score_of_a_mark() {
    let labels = ["", "<", "/", "s", ">", " ", "i", "a", "w"];
    let vocabulary = Vocabulary::new(&labels, Some(Blank(0)));
    let arpa = "\\data\\\nngram 1=5\n\n\\1-grams:\n-1 <s>\n-0.5 </s>\n-2 <unk>\n\
                -0.7 saw\n-0.9 is\n\n\\end\\\n";
    let sum = |lookahead: Lookahead| {
        let model = NgramModel::read_arpa(arpa.as_bytes()).unwrap();
        let scorer = WordNgram::new(model, &vocabulary).unwrap();
        let scorer = scorer.with_unknown_score(-10.0).unwrap();
        let scorer = scorer.with_lookahead(lookahead).unwrap();
        let (mut sum, mut state) = (0.0, scorer.start());
        for token in [1, 2, 3, 4, 5] {
            sum += scorer.score(&state, token);
            state = scorer.advance(&state, token);
        }
        sum + scorer.finish(&state)
    };
    let (with, without) = (sum(Lookahead::Unigram), sum(Lookahead::None));
    assert!(
        (without - -std::f64::consts::LN_10).abs() < 1e-6,
        "{without}"
    );
    assert!((with - without).abs() < 1e-9, "{with} {without}");
}

/// `<s>` and `</s>` are off whether the model comes before that or after.
#[test]
fn a_lexicon_remembers_that_marks_are_off() {
    let words = [("saw", [1u32]), ("is", [2])];
    let arpa = "\\data\\\nngram 1=5\nngram 2=1\n\n\\1-grams:\n-1 <s> -1\n-0.5 </s>\n-2 <unk>\n\
                -0.7 saw\n-0.9 is\n\n\\2-grams:\n-0.1 <s> is\n\n\\end\\\n";
    let lexicon = || SpellingLexicon::new(&words, None).unwrap();
    let model = || NgramModel::read_arpa(arpa.as_bytes()).unwrap();
    let sum = |lexicon: SpellingLexicon| {
        let start = lexicon.start();
        lexicon.score(&start, 1) + lexicon.finish(&lexicon.advance(&start, 1))
    };
    let plain = sum(lexicon().with_model(model()).unwrap());
    let before = lexicon().with_bos(false).with_eos(false);
    let before = sum(before.with_model(model()).unwrap());
    let after = lexicon().with_model(model()).unwrap();
    let after = sum(after.with_bos(false).with_eos(false));
    assert_eq!(before, after);
    // The back-off of <s>, and </s>.
    let marks = -1.5 * std::f64::consts::LN_10;
    assert!((plain - after - marks).abs() < 1e-6, "{plain} {after}");
}
