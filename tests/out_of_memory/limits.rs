//! Searches with a limit on their memory: they hold no more, and what could take more is refused
//! before anything is allocated for it.

use widebeam::autoregressive::{AutoregressiveSearch, MaximumLength, Request};
use widebeam::ctc::{Blank, CtcNBest, CtcPruning, CtcSearch};
use widebeam::scorers::Scorer;
use widebeam::transducer::{Emitted, Topology, TransducerSearch};
use widebeam::{Error, ErrorKind, IndependentSearch, NBest, ScoresView};

use super::{counting, probabilities, word_scorers};

/// What an error takes.
const ERROR: isize = 1024;

fn on_one_thread<R: Send>(f: impl FnOnce() -> R + Send) -> R {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build();
    pool.unwrap().install(f)
}

/// The bytes that a refusal says are needed, of a call that has allocated nothing else.
fn refused<R>(call: impl FnOnce() -> Result<R, Error>) -> usize {
    let before = counting::bytes_held();
    let error = call().err().expect("it is above the limit");
    assert!(counting::bytes_held() - before < ERROR, "{error}");
    assert_eq!(error.kind(), ErrorKind::LimitExceeded);
    let message = error.to_string();
    let needed = message.strip_prefix("the search may take up to ");
    let needed = needed.expect(&message).split(' ').next().unwrap();
    needed.parse().unwrap()
}

/// Bytes that `f` leaves allocated on this thread.
fn held<T>(f: impl FnOnce() -> T) -> (usize, T) {
    let before = counting::bytes_held();
    let kept = f();
    ((counting::bytes_held() - before) as usize, kept)
}

#[test]
fn an_independent_search_is_refused_above_its_limit_alone() {
    let data = probabilities(3 * 20 * 50);
    let view = ScoresView::probabilities(&data, [3, 20, 50]).unwrap();
    on_one_thread(|| {
        let limited = |bytes| {
            let search = IndependentSearch::new(7).unwrap();
            search.with_max_bytes(Some(bytes))
        };
        let needed = limited(0).bytes_needed(&view);
        let mut nbest = NBest::new();
        let mut search = limited(needed - 1);
        assert_eq!(refused(|| search.decode_into(&view, &mut nbest)), needed);
        assert_eq!(search.clone().max_bytes(), Some(needed - 1));
        limited(needed).decode_into(&view, &mut nbest).unwrap();
        let unlimited = limited(0).with_max_bytes(None);
        assert_eq!(unlimited.clone().decode(&view).unwrap(), nbest);
    });
}

fn check_ctc<S: Scorer + Sync + Send>(shape: [usize; 3], beams: usize, scorer: S)
where
    S::State: Send,
{
    let data = probabilities(shape.iter().product());
    let view = ScoresView::probabilities(&data, shape).unwrap();
    on_one_thread(move || {
        let search = CtcSearch::new(beams, Blank(0)).unwrap();
        let mut search = search.with_max_bytes(Some(0)).with_scorer(&scorer);
        let mut nbest = CtcNBest::new();
        let needed = refused(|| search.decode_into(&view, &mut nbest));
        assert!(needed >= search.bytes_needed(&view));
        search = search.with_max_bytes(Some(needed - 1));
        assert_eq!(refused(|| search.decode_into(&view, &mut nbest)), needed);
        search = search.with_max_bytes(Some(needed));
        let (taken, ()) = held(|| search.decode_into(&view, &mut nbest).unwrap());
        assert!(taken <= needed, "{taken} of {needed}: {shape:?} x {beams}");
    });
}

#[test]
fn a_ctc_search_is_refused_above_its_limit_and_takes_no_more() {
    for (shape, beams) in [
        ([1, 1, 2], 1),
        ([2, 60, 29], 24),
        ([2, 60, 300], 24),
        ([1, 300, 29], 100),
        ([40, 5, 29], 8),
    ] {
        check_ctc(shape, beams, widebeam::scorers::Unscored);
    }
    check_ctc([2, 60, 29], 16, word_scorers::phrases(29, 0));
    check_ctc([2, 60, 29], 16, word_scorers::word_ngram(29, 0));
}

const VOCAB: usize = 29;

/// A stream with a commit delay whose stable tokens are taken goes on for ever under a limit; one
/// without either stops there, with what it has.
#[test]
fn a_stream_holds_no_more_than_its_limit() {
    let chunk = probabilities(10 * VOCAB);
    let view = ScoresView::probabilities(&chunk, [1, 10, VOCAB]).unwrap();
    let feed = |delay: Option<usize>| {
        let mut pruning = CtcPruning::none();
        if let Some(delay) = delay {
            pruning = pruning.with_commit_delay(delay);
        }
        let search = CtcSearch::new(24, Blank(0)).unwrap();
        let search = search.with_pruning(pruning).unwrap();
        let mut first = search.clone().with_max_bytes(Some(0)).stream();
        let limit = refused(|| first.push(&view)) + (512 << 10);
        let mut stream = search.with_max_bytes(Some(limit)).stream();
        let before = counting::bytes_held();
        let (mut tokens, mut frames) = (Vec::new(), Vec::new());
        for _ in 0..1000 {
            if stream.push(&view).is_err() {
                break;
            }
            if delay.is_some() {
                tokens.clear();
                frames.clear();
                stream.take_stable(&mut tokens, &mut frames).unwrap();
            }
            stream.current().unwrap();
            let held = counting::bytes_held() - before;
            assert!(held <= limit as isize, "{held}");
        }
        if stream.frames() < 10_000 {
            let frames = stream.frames();
            refused(|| stream.push(&view));
            assert_eq!(stream.frames(), frames);
        }
        assert!(stream.current_best().is_ok());
        (stream.frames(), stream.finish().unwrap().len())
    };
    on_one_thread(|| {
        assert_eq!(feed(Some(20)).0, 10_000);
        let (frames, found) = feed(None);
        assert!((100..9000).contains(&frames) && found == 24, "{frames}");
    });
}

#[test]
fn requests_are_admitted_as_far_as_their_sum_fits() {
    let request = || Request::new(4, MaximumLength(20)).with_end_tokens([3]);
    let mut search = AutoregressiveSearch::new(50).unwrap();
    let each = search.bytes_needed(&request()).unwrap();
    search = search.with_max_bytes(Some(3 * each));
    let before = counting::bytes_held();
    let row = probabilities(50);
    let mut ids: Vec<_> = (0..3).map(|_| search.admit(request()).unwrap()).collect();
    assert_eq!(refused(|| search.admit(request())), each);
    while !search.is_idle() {
        let rows = search.feed().rows();
        let scores = row.repeat(rows);
        let scores = ScoresView::probabilities(&scores, [rows, 50]).unwrap();
        search.advance(&scores).unwrap();
    }
    // Those that are done count, a clone's like its own, those that are removed do not.
    assert_eq!(refused(|| search.admit(request())), each);
    let mut clone = search.clone();
    assert_eq!(clone.max_bytes(), Some(3 * each));
    assert_eq!(refused(|| clone.admit(request())), each);
    drop(clone);
    assert!(counting::bytes_held() - before <= 3 * each as isize);
    assert!(search.remove(ids.pop().unwrap()));
    search.admit(request()).unwrap();
    assert_eq!(refused(|| search.admit(request())), each);
    search.with_max_bytes(None).admit(request()).unwrap();
}

/// Runs what wants rows.
fn run(search: &mut TransducerSearch, rows: &[f32]) {
    while search.feed().rows() > 0 {
        let count = search.feed().rows();
        let scores = &rows[..count * search.columns()];
        let shape = [count, search.columns()];
        let scores = ScoresView::probabilities(scores, shape).unwrap();
        search.advance(&scores).unwrap();
    }
}

#[test]
fn utterances_and_streams_are_taken_in_as_far_as_their_sum_fits() {
    let vocab = 30;
    let rows = probabilities(64 * vocab);
    let new = || {
        let search = TransducerSearch::new(vocab, Blank(0), 4).unwrap();
        let topology = Topology::Standard { max_symbols: 2 };
        search.with_topology(topology).unwrap()
    };
    let each = new().bytes_needed(9).unwrap();
    let mut search = new().with_max_bytes(Some(2 * each));
    let before = counting::bytes_held();
    let first = search.admit(9).unwrap();
    search.admit(9).unwrap();
    assert_eq!(refused(|| search.admit(9)), each);
    run(&mut search, &rows);
    assert!(counting::bytes_held() - before <= 2 * each as isize);
    assert_eq!(refused(|| search.admit(9)), each);
    assert_eq!(search.clone().max_bytes(), search.max_bytes());
    assert!(search.remove(first));
    search.admit(8).unwrap();

    // A stream grows by its frames, unless they are committed and taken.
    for delay in [None, Some(5)] {
        let search = new().with_max_bytes(Some(new().bytes_needed(100).unwrap()));
        let mut search = search.with_commit_delay(delay).unwrap();
        let before = counting::bytes_held();
        let id = search.admit_stream().unwrap();
        let mut added = 0;
        while added < 5000 && search.add_frames(id, 5).is_ok() {
            added += 5;
            run(&mut search, &rows);
            let mut emitted = Emitted::new();
            search.take_stable(id, &mut emitted).unwrap();
            let held = counting::bytes_held() - before;
            assert!(held <= search.max_bytes().unwrap() as isize, "{held}");
        }
        match delay {
            None => {
                assert_eq!(added, 100);
                refused(|| search.add_frames(id, 1));
            }
            Some(_) => assert_eq!(added, 5000),
        }
        search.end(id).unwrap();
        assert!(search.outcome(id).unwrap().is_some());
    }

    // The frames of one stream count against those of another, also if the limit came later.
    let needed = |frames| new().bytes_needed(frames).unwrap();
    let limit = Some(needed(100) + needed(20));
    for first_limit in [limit, None] {
        let mut search = new().with_max_bytes(first_limit);
        let [first, second] = [(); 2].map(|()| search.admit_stream().unwrap());
        search.add_frames(first, 100).unwrap();
        let mut search = search.with_max_bytes(limit);
        search.add_frames(second, 20).unwrap();
        refused(|| search.add_frames(second, 10));
        assert!(search.remove(first));
        search.add_frames(second, 10).unwrap();
    }
}
