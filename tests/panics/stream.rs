//! CTC streams.

use widebeam::ctc::{Blank, CtcSearch, CtcStream, OwnedCtcHypothesis};
use widebeam::scorers::Scorer;
use widebeam::{Error, ErrorKind, ScoresView};

use super::panicking::Panicking;
use super::{at_many_moments, in_pool, probabilities, unless_panicked};

const FRAMES: usize = 30;
const VOCAB: usize = 30;

fn frames(data: &[f32]) -> ScoresView<'_> {
    ScoresView::probabilities(data, [data.len() / VOCAB, VOCAB]).unwrap()
}

/// Pushes all frames, five at a time, looks at the best on the way, and finishes.
fn run<S: Scorer>(
    stream: &mut CtcStream<S>,
    data: &[f32],
) -> Result<Vec<OwnedCtcHypothesis>, Error> {
    for chunk in data.chunks(5 * VOCAB) {
        stream.push(&frames(chunk))?;
        stream.current_best()?;
    }
    Ok(stream.finish()?.map(|h| h.into_owned()).collect())
}

#[test]
fn a_stream_whose_scorer_panicked_says_so_until_it_is_reset() {
    let data = probabilities(FRAMES * VOCAB, 3);
    let search = CtcSearch::new(5, Blank(0)).unwrap();
    let whole = search.clone().with_scorer(Panicking::at(usize::MAX));
    let expected = run(&mut whole.stream(), &data).unwrap();
    at_many_moments(10_000, |threads, scorer| {
        let mut stream = search.clone().with_scorer(scorer.clone()).stream();
        in_pool(threads, || {
            let done = unless_panicked(|| run(&mut stream, &data));
            scorer.calm();
            let Some(done) = done else {
                let taken = stream.frames();
                let rest = &data[taken * VOCAB..];
                let mut copy = stream.clone();
                match copy.push(&frames(rest)) {
                    // It was asked outside of a frame: nothing was lost.
                    Ok(()) => {
                        let found = copy.finish().unwrap().map(|h| h.into_owned());
                        assert_eq!(found.collect::<Vec<_>>(), expected);
                    }
                    Err(error) => {
                        assert_eq!(error.kind(), ErrorKind::Panicked);
                        assert_eq!(copy.current().unwrap_err(), error);
                        assert_eq!(copy.finish().unwrap_err(), error);
                        assert_eq!(error.step(), Some(taken));
                    }
                }
                stream.reset();
                assert_eq!(run(&mut stream, &data).unwrap(), expected);
                return true;
            };
            assert_eq!(done.unwrap(), expected);
            false
        })
    });
}
