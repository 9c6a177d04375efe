//! Searches on several threads, with scorers: each allocation of all of them is refused in turn.

use std::fmt::Debug;
use std::sync::{Mutex, PoisonError};

use widebeam::autoregressive::{AutoregressiveSearch, MaximumLength, Request};
use widebeam::ctc::{Blank, CtcNBest, CtcPruning, CtcSearch};
use widebeam::scorers::{Scorer, Unscored};
use widebeam::transducer::{Topology, TransducerSearch};
use widebeam::{Error, IndependentSearch, NBest, ScoresView};

use super::{counting, is_about_memory, probabilities, word_scorers};

const THREADS: [usize; 2] = [2, 4];
const VOCAB: usize = 29;

/// The refusals are of all threads that are enlisted, so one test at a time has some.
static ALONE: Mutex<()> = Mutex::new(());

/// Calls `search` again and again in a pool of several threads, and refuses their first
/// allocation, then the second, and so on until it is done; once with all that follow, once with
/// none. Called again with memory it must do what it does with memory at once, as `found` says.
/// `search` allocates nothing itself.
fn refuse_each<T: Send, R: PartialEq + Debug + Send>(
    new: impl Fn() -> T + Sync,
    search: impl Fn(&mut T) -> Result<(), Error> + Sync,
    found: impl Fn(&mut T) -> R + Sync,
) {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    for threads in THREADS {
        counting::in_enlisted_pool(threads, |pool| {
            // Rayon's threads have what they need after the first call.
            let mut whole = new();
            pool.install(|| search(&mut whole)).unwrap();
            let expected = found(&mut whole);
            for count in [usize::MAX - 1, 1] {
                let mut failed = 0;
                for after in 0.. {
                    let mut made = new();
                    let refused =
                        || counting::refusing_to_enlisted(after, count, || search(&mut made));
                    let done = pool.install(refused);
                    if let Err(error) = &done {
                        is_about_memory(error);
                        failed += 1;
                        pool.install(|| search(&mut made)).unwrap();
                    }
                    let what = format!("{threads} threads, {after} granted, {count} refused");
                    assert_eq!(found(&mut made), expected, "{what}");
                    // On several threads some allocations come before others by chance.
                    if done.is_ok() && after > failed + 8 {
                        break;
                    }
                }
                assert!(failed > 8, "{failed} on {threads} threads");
            }
        });
    }
}

#[test]
fn independent_searches_on_threads_fail_at_each_allocation() {
    let data = probabilities(5 * 8 * 400);
    let view = ScoresView::logits(&data, [5, 8, 400]).unwrap();
    refuse_each(
        || (IndependentSearch::new(6).unwrap(), NBest::new()),
        |(search, nbest)| search.decode_into(&view, nbest),
        |(_, nbest)| std::mem::take(nbest),
    );
}

fn check_ctc<S: Scorer + Sync + Send + Clone>(vocab: usize, scorer: S)
where
    S::State: Send,
{
    let data = probabilities(5 * 12 * vocab);
    let view = ScoresView::logits(&data, [5, 12, vocab]).unwrap();
    let new = || {
        let search = CtcSearch::new(8, Blank(0)).unwrap();
        (search.with_scorer(scorer.clone()), CtcNBest::new())
    };
    refuse_each(
        new,
        |(search, nbest)| search.decode_into(&view, nbest),
        |(_, nbest)| std::mem::take(nbest),
    );
}

#[test]
fn ctc_searches_on_threads_fail_at_each_allocation() {
    for vocab in [VOCAB, 300] {
        check_ctc(vocab, Unscored);
    }
    check_ctc(VOCAB, word_scorers::phrases(VOCAB, 0));
    check_ctc(VOCAB, word_scorers::word_ngram(VOCAB, 0));
    check_ctc(VOCAB, word_scorers::spelling_lexicon(VOCAB));
}

/// What was fed before memory ended stays fed.
#[test]
fn streams_on_threads_fail_at_each_allocation() {
    const FRAMES: usize = 40;
    let data = probabilities(FRAMES * VOCAB);
    let pruning = CtcPruning::none().with_commit_delay(9);
    let search = CtcSearch::new(8, Blank(0)).unwrap();
    let search = search.with_pruning(pruning).unwrap();
    let search = search.with_scorer(word_scorers::phrases(VOCAB, 0));
    refuse_each(
        || (search.stream(), Vec::new(), Vec::new()),
        |(stream, tokens, frames)| {
            while stream.frames() < FRAMES {
                let from = stream.frames();
                let to = FRAMES.min(from + 10);
                let chunk = &data[from * VOCAB..to * VOCAB];
                stream.push(&ScoresView::logits(chunk, [to - from, VOCAB])?)?;
                stream.take_stable(tokens, frames)?;
            }
            stream.current()?;
            stream.take_stable(tokens, frames)
        },
        |(stream, tokens, frames)| {
            let rest = stream.current().unwrap();
            let rest: Vec<_> = rest.map(|found| found.score.to_bits()).collect();
            (std::mem::take(tokens), std::mem::take(frames), rest)
        },
    );
}

/// A request whose memory ends is refused; the others go on. Asked again, all begin anew.
#[test]
fn transducer_searches_on_threads_fail_at_each_allocation() {
    let rows = probabilities(64 * VOCAB).into_iter().map(|p| 200.0 * p);
    let rows: Vec<f32> = rows.collect();
    let new = || {
        let search = TransducerSearch::new(VOCAB, Blank(0), 4).unwrap();
        let topology = Topology::Standard { max_symbols: 2 };
        let search = search.with_topology(topology).unwrap();
        let search = search.with_scorer(word_scorers::phrases(VOCAB, 0));
        (search, [None; 4])
    };
    refuse_each(
        new,
        |(search, ids)| {
            search.abandon_step();
            for id in &mut *ids {
                id.take().map(|id| search.remove(id));
                *id = Some(search.admit(5)?);
            }
            while search.feed().rows() > 0 {
                let count = search.feed().rows();
                let view = ScoresView::logits(&rows[..count * VOCAB], [count, VOCAB])?;
                search.advance(&view)?;
            }
            ids.iter()
                .flatten()
                .try_for_each(|&id| search.outcome(id).map(|_| ()))
        },
        |(search, ids)| {
            let outcomes = ids.iter().flatten().map(|&id| search.outcome(id));
            let found = outcomes.flat_map(|outcome| outcome.unwrap().unwrap().hypotheses());
            found
                .map(|found| (found.tokens.to_vec(), found.score.to_bits()))
                .collect::<Vec<_>>()
        },
    );
}

#[test]
fn autoregressive_searches_on_threads_fail_at_each_allocation() {
    // Rows long enough for several threads.
    let vocab = 20_000;
    let row = probabilities(4 * vocab);
    refuse_each(
        || {
            let request = || Request::new(4, MaximumLength(5));
            let search = AutoregressiveSearch::new(vocab).unwrap();
            (search, None, vec![request(), request()])
        },
        |(search, id, requests)| {
            search.abandon_step();
            id.take().map(|id| search.remove(id));
            let request = requests.pop().expect("one for each call");
            let own = *id.insert(search.admit(request)?);
            while !search.is_idle() {
                let count = search.feed().rows();
                let view = ScoresView::logits(&row[..count * vocab], [count, vocab])?;
                search.advance(&view)?;
            }
            search.outcome(own).map(|_| ())
        },
        |(search, id, _)| {
            let outcome = search.outcome(id.unwrap()).unwrap().unwrap();
            let found = outcome.hypotheses();
            found
                .map(|found| (found.tokens.to_vec(), found.score.to_bits()))
                .collect::<Vec<_>>()
        },
    );
}
