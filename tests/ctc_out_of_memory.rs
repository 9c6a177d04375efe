//! A CTC search that gets no more memory says so, whichever allocation is the
//! first to be refused, and goes on when there is some again.

#[path = "support/counting.rs"]
mod counting;

use widebeam::{CtcNBest, CtcSearch, ScoresView};

/// Emissions that keep many prefixes alive, so that the trees of an item grow
/// beyond what it begins with.
fn emissions(frames: usize, vocab: usize) -> Vec<f32> {
    let mut state = 3u64;
    let mut random = move || {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        (state >> 40) as f32 / (1 << 24) as f32
    };
    (0..frames * vocab).map(|_| random() * 0.02).collect()
}

/// Runs `f` on one thread of a pool, where rayon does not allocate.
fn on_one_thread<R: Send>(f: impl FnOnce() -> R + Send) -> R {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(1);
    pool.build().unwrap().install(f)
}

const BEAMS: usize = 64;
const FRAMES: usize = 150;

#[test]
fn a_search_fails_at_each_allocation_and_decodes_when_there_is_memory_again() {
    counting::check();
    // Of 29 tokens phase one makes lists; rows of 300 are read late.
    for vocab in [29, 300] {
        let data = emissions(2 * FRAMES, vocab);
        let view = ScoresView::probabilities(&data, [2, FRAMES, vocab]).unwrap();
        let expected = CtcSearch::new(BEAMS, 0).unwrap().decode(&view).unwrap();
        let failures = on_one_thread(|| {
            for allocations in 0.. {
                let mut search = CtcSearch::new(BEAMS, 0).unwrap();
                let mut nbest = CtcNBest::new();
                let decoded =
                    counting::with_only(allocations, || search.decode_into(&view, &mut nbest));
                match decoded {
                    Ok(()) => {
                        assert_eq!(nbest, expected);
                        return allocations;
                    }
                    Err(error) => {
                        assert!(error.is_out_of_memory(), "{allocations}: {error}");
                        let message = error.to_string();
                        assert!(message.starts_with("no memory for the "), "{message}");
                    }
                }
                search.decode_into(&view, &mut nbest).unwrap();
                assert_eq!(nbest, expected, "after {allocations} allocations");
            }
            unreachable!("every number of allocations was too few")
        });
        assert!(failures > 40, "{failures}");
    }
}

#[test]
fn a_stream_holds_the_frames_before_the_refusal_and_takes_the_rest_later() {
    const VOCAB: usize = 29;
    let data = emissions(FRAMES, VOCAB);
    let frames = |range: std::ops::Range<usize>| {
        let rows = &data[range.start * VOCAB..range.end * VOCAB];
        ScoresView::probabilities(rows, [1, range.len(), VOCAB]).unwrap()
    };
    let (whole, first, rest) = (frames(0..FRAMES), frames(0..1), frames(1..FRAMES));
    let expected = CtcSearch::new(BEAMS, 0).unwrap().decode(&whole).unwrap();
    let failures = on_one_thread(|| {
        let search = CtcSearch::new(BEAMS, 0).unwrap();
        for allocations in 0.. {
            let mut stream = search.stream();
            let fed = counting::with_only(allocations, || {
                stream.push(&first)?;
                stream.current_best()?;
                stream.push(&rest)
            });
            let complete = fed.is_ok();
            if let Err(error) = fed {
                assert!(error.is_out_of_memory(), "{allocations}: {error}");
                let taken = stream.frames();
                stream.push(&frames(taken..FRAMES)).unwrap();
            }
            assert_eq!(stream.finish().unwrap(), &expected, "{allocations}");
            if complete {
                return allocations;
            }
        }
        unreachable!("every number of allocations was too few")
    });
    assert!(failures > 40, "{failures}");
}
