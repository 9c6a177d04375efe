//! What a search says that it needs is what it takes.

#[path = "support/counting.rs"]
mod counting;
#[path = "support/word_scorers.rs"]
mod word_scorers;

use arbitrary::Unstructured;
use widebeam::autoregressive::{
    AutoregressiveSearch, MaximumLength, Normaliser, Request, RequestId, Requirement, Rules,
    Sampling, Suppress, TokenTrie,
};
use widebeam::ctc::{Blank, CtcNBest};
use widebeam::reference::requests::{Extended, Model};
use widebeam::reference::toy::mix;
use widebeam::scorers::{
    LexiconState, NgramState, PhrasesState, Scorer, SpellingState, WordNgramState,
};
use widebeam::top_k::{Rows, TopK};
use widebeam::transducer::{Topology, TransducerSearch};
use widebeam::{CtcSearch, IndependentSearch, NBest, ScoreKind, ScoresView};
use widebeam_toy::{any_extended, any_request};

/// Source positions that rows attend to.
const SOURCES: usize = 9;

/// Bytes that `f` leaves allocated on this thread.
fn held<T>(f: impl FnOnce() -> T) -> (usize, T) {
    let before = counting::bytes_held();
    let kept = f();
    ((counting::bytes_held() - before) as usize, kept)
}

/// Rows of which no token is like another.
fn scores(shape: [usize; 3]) -> Vec<f32> {
    let count: usize = shape.iter().product();
    (0..count)
        .map(|at| ((at % 10_007 * 7919) % 10_007) as f32 / 10_007.0)
        .collect()
}

fn on_one_thread(f: impl FnOnce() + Send) {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build();
    pool.unwrap().install(f);
}

#[test]
fn the_best_of_rows_take_what_they_say() {
    counting::check();
    on_one_thread(|| {
        for (shape, k) in [([1, 50], 9), ([3, 5000], 64), ([20, 1000], 1000)] {
            let data = scores([1, shape[0], shape[1]]);
            let rows = Rows::new(&data, shape).unwrap();
            let places = shape[0] * k;
            let (mut indices, mut values) = (vec![0; places], vec![0.0; places]);
            let mut top_k = TopK::new(k).unwrap();
            let (bytes, _) = held(|| top_k.find_log_softmax(&rows, &mut indices, &mut values));
            let needed = top_k.bytes_needed(&rows);
            assert!(bytes <= needed, "{bytes} of {needed}, {k} of {shape:?}");
            assert!(2 * bytes > needed, "{bytes} of {needed}, {k} of {shape:?}");
        }
    });
}

#[test]
fn an_independent_search_takes_what_it_says() {
    counting::check();
    on_one_thread(|| {
        for (shape, beams) in [
            ([6, 200, 1000], 5),
            ([3, 50, 300], 300),
            ([2, 40, 3], 5000),
            ([1, 9, 4], usize::MAX >> (usize::BITS / 2 + 1)),
            ([40, 1, 1000], 64),
            ([1, 1, 1_000_000], 83_400),
        ] {
            let values = scores(shape);
            let view = ScoresView::logits(&values, shape).unwrap();
            let needed = IndependentSearch::new(beams).unwrap().bytes_needed(&view);
            let (taken, _kept) = held(|| {
                let mut search = IndependentSearch::new(beams).unwrap();
                let mut nbest = NBest::new();
                search.decode_into(&view, &mut nbest).unwrap();
                assert_eq!(nbest.failures().len(), 0);
                (search, nbest)
            });
            assert!(
                taken <= needed + needed / 8 && needed <= taken + taken / 8,
                "{shape:?} x {beams}: {taken} taken, {needed} needed"
            );
        }
    });
}

#[test]
fn a_ctc_search_takes_at_least_what_it_says() {
    on_one_thread(|| {
        // What it says is an estimate, so its value is kept: a change of it is meant.
        for (shape, beams, estimate) in [
            ([2, 100, 500], 200, 393_600),
            ([1, 3, 5000], 3000, 2_270_744),
        ] {
            let values = scores(shape);
            let view = ScoresView::logits(&values, shape).unwrap();
            let mut search = CtcSearch::new(beams, Blank(0)).unwrap();
            let needed = search.bytes_needed(&view);
            if cfg!(target_pointer_width = "64") {
                assert_eq!(needed, estimate, "{shape:?} x {beams}");
            }
            let mut nbest = CtcNBest::new();
            let (taken, ()) = held(|| search.decode_into(&view, &mut nbest).unwrap());
            assert_eq!(nbest.failures().len(), 0);
            assert!(
                needed <= taken && needed >= taken / 8,
                "{shape:?} x {beams}: {taken} taken, {needed} needed"
            );
        }
    });
}

/// A scorer without a state, of which a search cannot know that it says nothing.
struct Zero;

impl Scorer for Zero {
    type State = ();

    fn start(&self) {}

    fn score(&self, _: &(), _: u32) -> f64 {
        0.0
    }

    fn advance(&self, _: &(), _: u32) {}

    fn finish(&self, _: &()) -> f64 {
        0.0
    }

    fn max_score(&self, _: &()) -> f64 {
        0.0
    }
}

#[test]
fn a_scored_search_takes_the_states_of_its_scorer_as_well() {
    const SHAPE: [usize; 3] = [2, 100, 300];
    const BEAMS: usize = 200;
    fn needed<S: Scorer + Sync>(scorer: &S) -> usize {
        let values = scores(SHAPE);
        let view = ScoresView::logits(&values, SHAPE).unwrap();
        let search = CtcSearch::new(BEAMS, Blank(0)).unwrap();
        let mut search = search.with_scorer(scorer);
        let needed = search.bytes_needed(&view);
        let mut nbest = CtcNBest::new();
        let (taken, ()) = held(|| search.decode_into(&view, &mut nbest).unwrap());
        assert_eq!(nbest.failures().len(), 0);
        assert!(
            needed <= taken && needed >= taken / 8,
            "{taken} taken, {needed} needed"
        );
        needed
    }
    fn check<S: Scorer + Sync>(scorer: &S) {
        // Two beams of states, where each is, and which are kept.
        let states = BEAMS * (2 * (size_of::<S::State>() + size_of::<u32>()) + 1);
        assert_eq!(needed(scorer) - needed(&Zero), states);
    }
    on_one_thread(|| {
        let vocab = SHAPE[2];
        check(&word_scorers::word_ngram(vocab, 0));
        check(&word_scorers::spelling_lexicon(vocab));
        check(&word_scorers::phrases(vocab, 0));
        check(&word_scorers::lexicon(vocab, 0));
        check(&(
            word_scorers::lexicon(vocab, 0),
            word_scorers::phrases(vocab, 0),
        ));
    });
}

/// A beam holds two of them for each of its prefixes.
#[test]
fn states_are_as_small_as_they_can_be() {
    let sizes = [
        size_of::<LexiconState>(),
        size_of::<PhrasesState>(),
        size_of::<NgramState>(),
        size_of::<WordNgramState>(),
        size_of::<SpellingState>(),
    ];
    // Of spellings the states after whole words are most: to find them again takes longer than
    // to keep them.
    let spelling = if cfg!(target_pointer_width = "64") {
        1504
    } else {
        1468
    };
    assert_eq!(sizes, [4, 4, 76, 208, spelling]);
}

#[test]
fn what_cannot_be_counted_is_the_largest_number() {
    let values = vec![0.0; 4 * 100_000];
    let view = ScoresView::logits(&values, [100_000, 4]).unwrap();
    let needed = |beams| IndependentSearch::new(beams).unwrap().bytes_needed(&view);
    if cfg!(target_pointer_width = "64") {
        assert!(needed(1 << 30) > usize::MAX >> 15);
        assert!(needed(IndependentSearch::MAX_BEAMS) > needed(1 << 30));
    } else {
        assert_eq!(needed(1 << 30), usize::MAX);
    }
}

#[test]
fn a_request_takes_at_most_what_the_search_says() {
    let vocab = 700;
    let suppressed = || Suppress((0..vocab as u32).step_by(2).collect());
    let plain = |beams, length| Request::new(beams, MaximumLength(length));
    let words = || {
        let long = Requirement::phrase([5, 9, 5, 11]).unwrap();
        [long, Requirement::any_of([vec![1], vec![2, 2]]).unwrap()]
    };
    let trie = || {
        TokenTrie::new((0..50u32).map(|i| (0..20).map(|at| (i * at + i) % 700).collect::<Vec<_>>()))
    };
    on_one_thread(|| {
        for (request, least) in [
            (plain(1, 1), 4),
            (plain(4, 64), 8),
            (plain(30, 200).with_end_tokens([3, 7]), 8),
            (
                plain(12, 50)
                    .with_diverse_groups(3, 0.5)
                    .with_prompt(vec![1; 500]),
                16,
            ),
            (plain(8, 20).process_log_probabilities(suppressed()), 8),
            (plain(5, 40).with_stop_sequences([vec![3, 4], vec![9]]), 16),
            // Any candidate might be looked at.
            (plain(4, 20).ends_when(|_, token| token % 2 == 0), 256),
            (plain(4, 20).with_widths([2, 30, 7]).with_own_scores(), 32),
            (plain(3, 30).with_n_best(20).with_end_tokens([3]), 16),
            (
                plain(5, 30)
                    .with_end_tokens([3])
                    .with_rules(Rules::whisper(None, 2.0)),
                16,
            ),
            (
                plain(3, 20)
                    .with_end_tokens([3, 4, 5])
                    .with_rules(Rules::vllm(1.0)),
                64,
            ),
            (
                plain(6, 30).with_sampling(Sampling::stochastic_beams(3)),
                16,
            ),
            (
                plain(8, 30)
                    .with_end_tokens([3])
                    .with_required_words(words()),
                32,
            ),
            (
                plain(6, 12)
                    .with_diverse_groups(3, 0.5)
                    .with_required_words(words())
                    .with_sampling(Sampling::beam_sampling(4))
                    .with_own_scores(),
                64,
            ),
            (
                plain(5, 30)
                    .with_end_tokens([3])
                    .with_coverage(0.5, SOURCES),
                16,
            ),
            (
                plain(4, 20)
                    .with_constraint(trie(), Normaliser::Permitted)
                    .with_sampling(Sampling::stochastic_beams(3)),
                64,
            ),
            (
                plain(4, 30)
                    .with_end_tokens([3])
                    .with_sampling(Sampling::beam_sampling(3).with_temperature(0.7).unwrap())
                    .process_log_probabilities(suppressed()),
                32,
            ),
        ] {
            let mut search = AutoregressiveSearch::new(vocab).unwrap();
            let needed = search.bytes_needed(&request).unwrap();
            let mut step = 0u8;
            let (taken, _id) = held(|| {
                let id = search.admit(request.clone()).unwrap();
                while !search.is_idle() {
                    let rows = search.feed().rows();
                    let sharpness = 8.0 * f32::from(step);
                    let values = scores([1, rows, vocab]).into_iter();
                    let values: Vec<f32> = values.map(|value| value * sharpness).collect();
                    let view = ScoresView::logits(&values, [rows, vocab]).unwrap();
                    let attention = vec![0.25; rows * SOURCES];
                    let attention = ScoresView::probabilities(&attention, [rows, SOURCES]);
                    search.advance_with(&view, &attention.unwrap()).unwrap();
                    step += 1;
                }
                id
            });
            assert!(
                taken <= needed && needed <= taken * least,
                "{request:?}: {taken} taken, {needed} needed"
            );
        }
        // What would be refused has no figure, and what cannot be counted saturates.
        let search = AutoregressiveSearch::new(vocab).unwrap();
        assert!(search.bytes_needed(&plain(0, 1)).is_err());
        let uneven = plain(4, 4).with_diverse_groups(0, 0.0);
        assert!(search.bytes_needed(&uneven).is_err());
        let longest = plain(Request::MAX_BEAMS, usize::MAX);
        assert_eq!(search.bytes_needed(&longest), Ok(usize::MAX));
        let longest = plain(1, usize::MAX).with_stop_sequences([[1]]);
        assert_eq!(search.bytes_needed(&longest), Ok(usize::MAX));
    });
}

/// Requests with any settings, whose pools and draws become as large as they can.
#[test]
fn any_request_takes_at_most_what_the_search_says() {
    on_one_thread(|| {
        let (mut tried, mut drew) = (0, 0);
        for seed in 0..4000 {
            let bytes = (0..600).map(|at| (mix(seed ^ mix(at)) >> 40) as u8);
            let input: Vec<u8> = bytes.collect();
            let mut u = Unstructured::new(&input);
            let mut model = any_request::model(&mut u).unwrap();
            model.kind = ScoreKind::Logits;
            let mut request = any_extended::request(&mut u, &model).unwrap();
            // What constraints of the caller hold comes on top.
            request.grammar = None;
            request.given = None;
            // Steps that are wider than the request.
            if request.widths.len() == 1 {
                request.widths[0] *= 16;
            }
            let engine = request.engine();
            let mut search = AutoregressiveSearch::new(model.vocab).unwrap();
            let Ok(needed) = search.bytes_needed(&engine) else {
                continue;
            };
            let (taken, id) = held(|| run(&mut search, &request, &model));
            assert!(search.outcome(id).unwrap().is_some());
            assert!(
                taken <= needed,
                "seed {seed}: {taken} taken, {needed} needed, {request:?}"
            );
            tried += 1;
            drew += usize::from(request.sampling.is_some());
        }
        assert!(tried > 3000 && drew > 300, "{tried} {drew}");
    });
}

/// Runs a request alone.
fn run(search: &mut AutoregressiveSearch, request: &Extended, model: &Model) -> RequestId {
    let id = search.admit(request.engine()).unwrap();
    let mut tokens = Vec::new();
    while !search.is_idle() {
        let (mut scores, mut attention) = (Vec::new(), Vec::new());
        let feed = search.feed();
        let rows = feed.rows();
        for row in 0..rows {
            feed.sequence(row, &mut tokens);
            scores.extend(model.scores(&tokens));
            attention.extend([0.25; SOURCES]);
        }
        let attention = ScoresView::probabilities(&attention, [rows, SOURCES]).unwrap();
        search
            .advance_with(&model.view(&scores), &attention)
            .unwrap();
    }
    id
}

/// Random rows, so that the beam changes in every frame.
#[test]
fn an_utterance_takes_at_most_what_the_transducer_search_says() {
    let standard = |max_symbols| Topology::Standard { max_symbols };
    let tdt = |durations: &[u32]| Topology::Tdt {
        durations: durations.to_vec(),
        max_symbols: 2,
    };
    on_one_thread(|| {
        for (topology, [vocab, beams, frames], least) in [
            (Topology::OneSymbol, [300, 4, 500], 8),
            (Topology::OneSymbol, [1000, 16, 50], 8),
            (Topology::OneSymbol, [40, 3, 2000], 16),
            (Topology::OneSymbol, [90, 80, 40], 16),
            (standard(1), [300, 8, 200], 16),
            (standard(4), [300, 8, 100], 64),
            (tdt(&[0, 1, 2, 4]), [200, 4, 60], 64),
            (tdt(&[1, 3]), [100, 6, 100], 32),
        ] {
            let search = TransducerSearch::new(vocab, Blank(0), beams).unwrap();
            let mut search = search.with_topology(topology.clone()).unwrap();
            let columns = search.columns();
            let needed = search.bytes_needed(frames).unwrap();
            let mut step = 0usize;
            let (taken, id) = held(|| {
                let id = search.admit(frames).unwrap();
                while !search.is_idle() {
                    let rows = search.feed().rows();
                    let values = (0..rows * columns).map(|at| {
                        let at = at + step * 104_729;
                        ((at % 10_007 * 7919) % 10_007) as f32 / 1500.0
                    });
                    let values: Vec<f32> = values.collect();
                    let view = ScoresView::logits(&values, [rows, columns]).unwrap();
                    search.advance(&view).unwrap();
                    step += 1;
                }
                id
            });
            assert!(search.outcome(id).unwrap().is_some());
            assert!(
                taken <= needed && needed <= taken * least,
                "{topology:?} {beams}: {taken} taken, {needed} needed"
            );
        }
        let search = TransducerSearch::new(100, Blank(0), 4).unwrap();
        assert!(
            search
                .bytes_needed(TransducerSearch::MAX_FRAMES + 1)
                .is_err()
        );
        assert!(search.bytes_needed(0).unwrap() < 1 << 20);
        let search = TransducerSearch::new(1 << 20, Blank(0), 1 << 20).unwrap();
        let topology = standard(usize::MAX);
        let search = search.with_topology(topology).unwrap();
        assert_eq!(
            search.bytes_needed(TransducerSearch::MAX_FRAMES),
            Ok(usize::MAX)
        );
    });
}
