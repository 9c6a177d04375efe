//! CTC searches, whole and as streams.

use widebeam::ctc::{Blank, CtcNBest, CtcPruning, CtcStream};
use widebeam::scorers::Scorer;
use widebeam::{CtcSearch, Error, ScoreKind, ScoresView};

use super::{is_about_memory, probabilities, refuse_each, word_scorers};

// Few, so that each of some hundred refusals takes little: more would refuse nothing
// but the same buffers again as they double once more.
const BEAMS: usize = 24;
const FRAMES: usize = 60;
/// Of 29 tokens phase one makes lists; rows of 300 are read late.
const VOCABULARIES: [usize; 2] = [29, 300];

fn search() -> CtcSearch {
    CtcSearch::new(BEAMS, Blank(0)).unwrap()
}

/// Refuses each allocation of a decode of two items in turn. Some of the items are refused
/// for a score.
fn check<S: Scorer + Sync + Send>(
    search: impl Fn() -> CtcSearch<S> + Sync,
    view: &ScoresView<'_>,
    refused: &[usize],
) {
    let mut expected = CtcNBest::new();
    let outcome = search().decode_into(view, &mut expected);
    outcome.as_ref().unwrap();
    let failed = expected.failures().map(|(item, _)| item);
    assert!(failed.eq(refused.iter().copied()));
    let needed = refuse_each(|refusal| {
        let (mut search, mut nbest) = (search(), CtcNBest::new());
        let decoded = refusal.during(|| search.decode_into(view, &mut nbest));
        let done = decoded == outcome;
        if let (false, Err(error)) = (done, decoded) {
            is_about_memory(&error);
            assert_eq!(nbest, CtcNBest::new(), "{refusal:?}");
            let again = search.decode_into(view, &mut nbest);
            assert_eq!(again, outcome, "{refusal:?}");
        }
        assert_eq!(nbest, expected, "{refusal:?}");
        done
    });
    assert!(needed > 90, "{needed}");
}

#[test]
fn a_decode_fails_at_each_allocation() {
    for vocab in VOCABULARIES {
        let data = probabilities(2 * FRAMES * vocab);
        for kind in [ScoreKind::Probabilities, ScoreKind::Logits] {
            let view = ScoresView::new(kind, &data, [2, FRAMES, vocab]).unwrap();
            check(search, &view, &[]);
        }
    }
}

#[test]
fn a_pruned_decode_fails_at_each_allocation() {
    let none = CtcPruning::none;
    for (vocab, pruning) in [
        (29, none().with_top_tokens(5).with_blank_skip(-0.5)),
        (300, none().with_score_threshold(2.5).with_commit_delay(10)),
        (300, none().with_min_token_log_probability(-5.0)),
    ] {
        let data = probabilities(2 * FRAMES * vocab);
        let view = ScoresView::probabilities(&data, [2, FRAMES, vocab]).unwrap();
        check(
            || search().with_pruning(pruning.clone()).unwrap(),
            &view,
            &[],
        );
    }
}

/// Rows of 300 tokens are listed again and again, for the tokens that a scorer alone lifts.
#[test]
fn a_decode_with_each_scorer_of_words_fails_at_each_allocation() {
    for vocab in VOCABULARIES {
        let data = probabilities(2 * FRAMES * vocab);
        let view = ScoresView::probabilities(&data, [2, FRAMES, vocab]).unwrap();
        let search = || CtcSearch::new(16, Blank(0)).unwrap();
        let ngram = word_scorers::word_ngram(vocab, 0);
        let spellings = word_scorers::spelling_lexicon(vocab);
        let lexicon = word_scorers::lexicon(vocab, 0);
        let phrases = word_scorers::phrases(vocab, 0);
        check(|| search().with_scorer(&ngram), &view, &[]);
        check(|| search().with_scorer(&spellings), &view, &[]);
        check(|| search().with_scorer(&phrases), &view, &[]);
        check(|| search().with_scorer((&lexicon, &phrases)), &view, &[]);
    }
}

/// Neither first nor last may it hide that there was no memory for the other.
#[test]
fn a_refused_item_is_not_taken_for_it() {
    for vocab in VOCABULARIES {
        for refused in [0, 1] {
            let mut data = probabilities(2 * FRAMES * vocab);
            data[(refused * FRAMES + 40) * vocab + 7] = 2.0;
            let view = ScoresView::probabilities(&data, [2, FRAMES, vocab]).unwrap();
            check(search, &view, &[refused]);
        }
    }
}

const VOCAB: usize = 29;

/// Feeds the frames that a stream has not had, some at a time, looks at what it
/// has, takes what is stable, and ends it.
fn feed(
    stream: &mut CtcStream,
    (kind, data): (ScoreKind, &[f32]),
    chunk: usize,
    (tokens, entered): &mut (Vec<u32>, Vec<u32>),
) -> Result<(), Error> {
    while stream.frames() < FRAMES {
        let from = stream.frames();
        let to = FRAMES.min(from + chunk);
        let frames = &data[from * VOCAB..to * VOCAB];
        stream.push(&ScoresView::new(kind, frames, [1, to - from, VOCAB])?)?;
        stream.current_best()?;
        stream.take_stable(tokens, entered)?;
    }
    stream.take_stable(tokens, entered)?;
    stream.finish()?;
    Ok(())
}

/// What was refused is fed again, and what was taken is not taken twice.
#[test]
fn a_stream_fails_at_each_allocation_and_goes_on_from_there() {
    let data = probabilities(FRAMES * VOCAB);
    let settled = CtcPruning::none()
        .with_score_threshold(6.0)
        .with_commit_delay(20);
    for (pruning, kind, chunk) in [
        (CtcPruning::none(), ScoreKind::Probabilities, FRAMES),
        (CtcPruning::none(), ScoreKind::Logits, 10),
        (settled, ScoreKind::Probabilities, 7),
    ] {
        let search = search().with_pruning(pruning).unwrap();
        let (mut whole, mut expected) = (search.stream(), Default::default());
        feed(&mut whole, (kind, &data), chunk, &mut expected).unwrap();
        assert!(!expected.0.is_empty());
        let rest: Vec<_> = whole.current().unwrap().collect();
        let needed = refuse_each(|refusal| {
            let (mut stream, mut taken) = (search.stream(), Default::default());
            let mut feed = || feed(&mut stream, (kind, &data), chunk, &mut taken);
            let fed = refusal.during(&mut feed);
            if let Err(error) = &fed {
                is_about_memory(error);
                feed().unwrap();
            }
            let left: Vec<_> = stream.current().unwrap().collect();
            assert_eq!(left, rest, "{refusal:?}");
            assert_eq!(taken, expected, "{refusal:?}");
            fed.is_ok()
        });
        assert!(needed > 90, "{needed}");
    }
}
