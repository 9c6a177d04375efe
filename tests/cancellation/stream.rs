//! CTC streams.

use widebeam::ctc::{Blank, CtcSearch, CtcStream, OwnedCtcHypothesis};
use widebeam::scorers::Scorer;
use widebeam::{CancellationToken, ErrorKind, ScoresView};

use super::stop_after::StopAfter;
use super::{check_ended, ended_before, in_pool, probabilities};

const FRAMES: usize = 30;
const VOCAB: usize = 40;

fn current<S: Scorer>(stream: &mut CtcStream<S>) -> Vec<OwnedCtcHypothesis> {
    stream.current().unwrap().map(|h| h.into_owned()).collect()
}

fn finish<S: Scorer>(stream: &mut CtcStream<S>) -> Vec<OwnedCtcHypothesis> {
    stream.finish().unwrap().map(|h| h.into_owned()).collect()
}

fn frames(data: &[f32]) -> ScoresView<'_> {
    ScoresView::probabilities(data, [data.len() / VOCAB, VOCAB]).unwrap()
}

#[test]
fn a_stream_that_is_cancelled_keeps_its_frames_and_tells_what_it_has() {
    let data = probabilities(FRAMES * VOCAB, 3);
    let (first, rest) = data.split_at(12 * VOCAB);
    let search = CtcSearch::new(8, Blank(0)).unwrap();
    let mut expected = search.stream();
    expected.push(&frames(first)).unwrap();
    let so_far = current(&mut expected);
    expected.push(&frames(rest)).unwrap();
    let expected = finish(&mut expected);
    for (token, kind, why) in ended_before() {
        let mut stream = search.clone().with_cancellation(token.clone()).stream();
        let error = stream.push(&frames(first)).unwrap_err();
        check_ended(&error, kind, (None, Some(0)), &format!("frame 0: {why}"));
        assert_eq!(stream.frames(), 0);
        stream.set_cancellation(None);
        stream.push(&frames(first)).unwrap();
        stream.set_cancellation(Some(token));
        let error = stream.push(&frames(rest)).unwrap_err();
        check_ended(&error, kind, (None, Some(12)), &format!("frame 12: {why}"));
        assert_eq!(
            (stream.frames(), current(&mut stream)),
            (12, so_far.clone())
        );
        let mut clone = stream.clone();
        assert_eq!(clone.push(&frames(rest)).unwrap_err().kind(), kind);
        assert_eq!(finish(&mut clone).len(), so_far.len());
        stream.set_cancellation(Some(CancellationToken::new()));
        stream.push(&frames(rest)).unwrap();
        assert_eq!(finish(&mut stream), expected);
    }
}

/// After each call of a scorer: the frames before it are taken, the others can be read later.
#[test]
fn a_stream_goes_on_after_the_frame_at_which_it_was_cancelled() {
    let data = probabilities(FRAMES * VOCAB, 5);
    let never = CancellationToken::new();
    let search = CtcSearch::new(8, Blank(0)).unwrap();
    let whole = search.clone();
    let whole = whole.with_scorer(StopAfter::new(usize::MAX, &never));
    let mut expected = whole.stream();
    expected.push(&frames(&data)).unwrap();
    let expected = finish(&mut expected);
    let all = whole.scorer().called();
    for threads in 1..=3 {
        let mut reached = Vec::new();
        for calls in (1..all * 9 / 10).step_by(all / 30) {
            let token = CancellationToken::new();
            let scorer = StopAfter::new(calls, &token);
            let search = search.clone().with_cancellation(token);
            let mut stream = search.with_scorer(scorer).stream();
            in_pool(threads, || {
                let error = stream.push(&frames(&data)).unwrap_err();
                let taken = stream.frames();
                let says = format!("frame {taken}: the search was cancelled");
                check_ended(&error, ErrorKind::Cancelled, (None, Some(taken)), &says);
                let mut so_far = whole.stream();
                so_far.push(&frames(&data[..taken * VOCAB])).unwrap();
                assert_eq!(current(&mut stream), current(&mut so_far));
                stream.set_cancellation(None);
                stream.push(&frames(&data[taken * VOCAB..])).unwrap();
                assert_eq!(finish(&mut stream), expected);
                reached.push(taken);
            });
        }
        assert!(
            reached.is_sorted() && reached.last() > Some(&10),
            "{reached:?}"
        );
    }
}
