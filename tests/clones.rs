//! Clones of searches and streams go on by themselves, and share one scorer.

#[path = "support/ctc_case.rs"]
mod ctc_case;
#[path = "support/random.rs"]
mod random;
#[path = "support/word_scorers.rs"]
mod word_scorers;

use std::panic::{RefUnwindSafe, UnwindSafe};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use ctc_case::{Case, expected, plain, plain_item};
use random::Random;
use widebeam::ctc::{Blank, CtcHypothesis, CtcNBest, CtcPruning, CtcSearch, CtcStream};
use widebeam::reference::toy::Anything;
use widebeam::scorers::{
    Lexicon, LexiconState, Lookahead, NgramFit, NgramModel, NgramScorer, NgramState, NgramUnit,
    Phrases, PhrasesState, Scorer, Speller, SpellingLexicon, SpellingState, Unscored, Vocabulary,
    Word, WordBoundary, WordNgram, WordNgramState,
};
use widebeam::{IndependentSearch, Level, ScoreKind};

const BATCH: usize = 3;
const FRAMES: usize = 24;
const VOCAB: usize = 9;

fn case(seed: u64) -> Case {
    let mut random = Random::new(seed);
    let count = BATCH * FRAMES * VOCAB;
    Case {
        kind: ScoreKind::Probabilities,
        shape: [BATCH, FRAMES, VOCAB],
        lengths: vec![FRAMES; BATCH],
        data: (0..count).map(|_| random.unit()).collect(),
        beams: BEAMS,
        blank: BLANK,
    }
}

const BEAMS: usize = 6;
const BLANK: u32 = 4;

fn search() -> CtcSearch {
    CtcSearch::new(BEAMS, Blank(BLANK)).unwrap()
}

/// A scorer that cannot be cloned, and counts how many of it are dropped.
struct Single {
    scorer: Anything,
    dropped: Arc<AtomicUsize>,
}

impl Drop for Single {
    fn drop(&mut self) {
        self.dropped.fetch_add(1, Relaxed);
    }
}

impl Scorer for Single {
    type State = u64;

    fn start(&self) -> u64 {
        self.scorer.start()
    }

    fn score(&self, state: &u64, token: u32) -> f64 {
        self.scorer.score(state, token)
    }

    fn advance(&self, state: &u64, token: u32) -> u64 {
        self.scorer.advance(state, token)
    }

    fn finish(&self, state: &u64) -> f64 {
        self.scorer.finish(state)
    }
}

const ANYTHING: Anything = Anything {
    seed: 4,
    ends: true,
};

#[test]
fn a_clone_of_an_independent_search_has_its_settings_and_answers_as_it_does() {
    let cases = [case(1), case(2)];
    for level in Level::available() {
        let search = IndependentSearch::new(7).unwrap().with_level(level);
        let mut search = search.unwrap();
        let expected = cases
            .each_ref()
            .map(|case| search.decode(&case.view()).unwrap());
        let mut clone = search.clone();
        assert_eq!((clone.beams(), clone.level()), (7, level));
        // In turns, each with buffers of its own.
        for _ in 0..2 {
            for (case, expected) in cases.iter().zip(&expected) {
                assert_eq!(clone.decode(&case.view()).unwrap(), *expected);
                assert_eq!(search.decode(&case.view()).unwrap(), *expected);
            }
        }
        drop(search);
        assert_eq!(clone.decode(&cases[0].view()).unwrap(), expected[0]);
    }
}

#[test]
fn a_clone_of_a_ctc_search_has_its_settings_and_answers_as_it_does() {
    let cases = [case(1), case(2)];
    let pruning = CtcPruning::none().with_top_tokens(5).with_commit_delay(9);
    for level in Level::available() {
        let search = search().with_scorer(ANYTHING).with_level(level).unwrap();
        let mut search = search.with_pruning(pruning.clone()).unwrap();
        let expected = cases
            .each_ref()
            .map(|case| search.decode(&case.view()).unwrap());
        let mut clone = search.clone();
        assert_eq!(
            (clone.beams(), clone.blank(), clone.level()),
            (BEAMS, Blank(BLANK), level)
        );
        assert_eq!(*clone.pruning(), pruning);
        assert_eq!(clone.scorer().seed, ANYTHING.seed);
        for _ in 0..2 {
            for (case, expected) in cases.iter().zip(&expected) {
                assert_eq!(clone.decode(&case.view()).unwrap(), *expected);
                assert_eq!(search.decode(&case.view()).unwrap(), *expected);
            }
        }
        // What changes in the clone does not change in the search.
        let mut other = clone
            .with_pruning(CtcPruning::none().with_top_tokens(1))
            .unwrap();
        assert_ne!(other.decode(&cases[0].view()).unwrap(), expected[0]);
        assert_eq!(search.decode(&cases[0].view()).unwrap(), expected[0]);
    }
}

/// Compares a clone of a stream, made after each number of frames, with the stream, and
/// both with a stream that was never cloned.
fn check_stream<S: Scorer + Sync>(search: &CtcSearch<S>) {
    let (case, other) = (case(1), case(2));
    for at in 0..=FRAMES {
        let mut stream = search.stream();
        let (mut tokens, mut frames) = (Vec::new(), Vec::new());
        for frame in 0..at {
            stream.push(&case.frames(0, frame, 1)).unwrap();
            if frame % 5 == 4 {
                stream.take_stable(&mut tokens, &mut frames).unwrap();
            }
        }
        let mut clone = stream.clone();
        let mut astray = stream.clone();
        assert_eq!(clone.frames(), at);
        let current = plain_item(stream.current().unwrap());
        assert_eq!(plain_item(clone.current().unwrap()), current);
        assert_eq!(clone.stable(), stream.stable());
        for frame in at..FRAMES {
            // Another clone reads something else.
            astray.push(&other.frames(0, frame, 1)).unwrap();
            stream.push(&case.frames(0, frame, 1)).unwrap();
        }
        assert_eq!(clone.frames(), at);
        assert_eq!(
            plain_item(clone.current().unwrap()),
            current,
            "it has not moved"
        );
        clone.push(&case.frames(0, at, FRAMES - at)).unwrap();
        let expected = plain_item(stream.finish().unwrap());
        // The clone of a stream that is finished is finished.
        let mut ended = stream.clone();
        assert!(ended.finish().is_err() && ended.push(&case.frames(0, 0, 1)).is_err());
        drop((stream, ended));
        assert_eq!(plain_item(clone.finish().unwrap()), expected);

        let mut whole = search.stream();
        whole.push(&case.frames(0, 0, FRAMES)).unwrap();
        let mut whole = plain_item(whole.finish().unwrap());
        for (of, entered, _) in &mut whole {
            assert!(of.starts_with(&tokens) && entered.starts_with(&frames));
            of.drain(..tokens.len());
            entered.drain(..frames.len());
        }
        assert_eq!(expected, whole);
        astray.reset();
        astray.push(&case.frames(1, 0, FRAMES)).unwrap();
        let mut fresh = search.stream();
        fresh.push(&case.frames(1, 0, FRAMES)).unwrap();
        assert_eq!(
            plain_item(astray.finish().unwrap()),
            plain_item(fresh.finish().unwrap())
        );
    }
}

#[test]
fn a_clone_of_a_stream_goes_on_by_itself_from_any_frame() {
    check_stream::<Unscored>(&search());
    check_stream(&search().with_scorer(ANYTHING));
    let pruning = CtcPruning::none()
        .with_score_threshold(4.0)
        .with_commit_delay(3);
    check_stream(&search().with_pruning(pruning.clone()).unwrap());
    let ngram = word_scorers::word_ngram(VOCAB, BLANK);
    check_stream(&search().with_scorer(&ngram));
    let phrases = word_scorers::phrases(VOCAB, BLANK);
    let words = (word_scorers::lexicon(VOCAB, BLANK), (phrases, ngram));
    check_stream(&search().with_scorer(words).with_pruning(pruning).unwrap());
    check_stream(&search().with_scorer(word_scorers::spelling_lexicon(VOCAB)));
}

/// A clone of a scorer of words says what the scorer says, whatever becomes of that one.
#[test]
fn clones_of_scorers_of_words_answer_alike() {
    fn check<S: Scorer + Clone + Sync>(scorer: S) {
        let case = case(6);
        let mut one = search().with_scorer(scorer.clone());
        let expected = plain(&one.decode(&case.view()).unwrap());
        assert!(expected.iter().all(|found| !found.is_empty()));
        let mut two = search().with_scorer(scorer);
        drop(one);
        assert_eq!(plain(&two.decode(&case.view()).unwrap()), expected);
    }
    check(word_scorers::word_ngram(VOCAB, BLANK));
    check(word_scorers::spelling_lexicon(VOCAB));
    check(word_scorers::phrases(VOCAB, BLANK));
    check(word_scorers::lexicon(VOCAB, BLANK));
}

#[test]
fn scorers_their_states_and_searches_with_them_cross_threads() {
    type Model = Arc<NgramModel>;
    fn crosses<T: Clone + Send + Sync + 'static>() {}
    crosses::<Vocabulary>();
    crosses::<Speller>();
    crosses::<Word>();
    crosses::<NgramFit>();
    crosses::<NgramModel>();
    crosses::<(NgramScorer<Model>, NgramState)>();
    crosses::<(WordNgram<Model>, WordNgramState)>();
    crosses::<(SpellingLexicon<Model>, SpellingState)>();
    crosses::<(Phrases, PhrasesState)>();
    crosses::<(Lexicon, LexiconState)>();
    crosses::<CtcSearch<(Lexicon, (Phrases, WordNgram<Model>))>>();
    crosses::<CtcStream<SpellingLexicon<Model>>>();
    crosses::<CtcNBest>();
    fn is_unwind_safe<T: UnwindSafe + RefUnwindSafe>() {}
    is_unwind_safe::<(Vocabulary, Word, WordBoundary, Speller)>();
    is_unwind_safe::<(NgramFit, NgramUnit, Lookahead)>();
    is_unwind_safe::<(NgramState, WordNgramState, SpellingState)>();
    is_unwind_safe::<(Phrases, PhrasesState, Lexicon, LexiconState, Unscored)>();
    is_unwind_safe::<(CtcNBest, CtcHypothesis<'_>)>();
    is_unwind_safe::<(CtcSearch<(Lexicon, Phrases)>, CtcStream<Lexicon>)>();
}

#[test]
fn searches_streams_and_their_clones_share_one_scorer() {
    let case = case(3);
    let expected = expected(&case, &case.view(), &CtcPruning::none(), &ANYTHING);
    let dropped = Arc::new(AtomicUsize::new(0));
    let single = Single {
        scorer: ANYTHING,
        dropped: Arc::clone(&dropped),
    };
    let mut search = search().with_scorer(single);
    let address: *const Single = search.scorer();
    assert_eq!(plain(&search.decode(&case.view()).unwrap()), expected);
    let mut clone = search.clone();
    assert!(std::ptr::eq(clone.scorer(), address));
    let mut streams = vec![search.stream(), clone.stream(), search.stream()];
    drop(search);
    assert_eq!(plain(&clone.decode(&case.view()).unwrap()), expected);
    drop(clone);
    // The streams outlive the searches that made them.
    for frame in 0..FRAMES {
        for (item, stream) in streams.iter_mut().enumerate() {
            stream.push(&case.frames(item, frame, 1)).unwrap();
        }
        if frame == 7 {
            streams = streams.to_vec();
        }
    }
    let found: Vec<_> = streams
        .iter_mut()
        .map(|stream| plain_item(stream.finish().unwrap()))
        .collect();
    assert_eq!(found, expected);
    assert_eq!(dropped.load(Relaxed), 0);
    let last = streams.pop();
    drop(streams);
    assert_eq!(dropped.load(Relaxed), 0);
    drop(last);
    assert_eq!(dropped.load(Relaxed), 1);
}

#[test]
fn a_scorer_that_the_caller_shares_is_counted_once() {
    let scorer = Arc::new(ANYTHING);
    let search = search().with_scorer(Arc::clone(&scorer));
    let (clone, streams) = (search.clone(), [search.stream(), search.stream()]);
    let clones = streams.each_ref().map(|stream| stream.clone());
    assert_eq!(Arc::strong_count(&scorer), 2);
    drop((search, clone, streams));
    assert_eq!(Arc::strong_count(&scorer), 2);
    drop(clones);
    assert_eq!(Arc::strong_count(&scorer), 1);
}

/// Each thread has a search of its own, and all have one scorer.
#[test]
fn clones_on_threads_answer_alike() {
    let case = case(5);
    let dropped = Arc::new(AtomicUsize::new(0));
    let single = Single {
        scorer: ANYTHING,
        dropped: Arc::clone(&dropped),
    };
    let mut search = search().with_scorer(single);
    let expected = plain(&search.decode(&case.view()).unwrap());
    std::thread::scope(|scope| {
        for _ in 0..3 {
            let mut search = search.clone();
            let (view, expected) = (case.view(), &expected);
            scope.spawn(move || {
                for _ in 0..3 {
                    assert_eq!(plain(&search.decode(&view).unwrap()), *expected);
                }
            });
        }
    });
    assert_eq!(dropped.load(Relaxed), 0);
}
