//! The engine in arrangements that random batches do not have: more rows than one thread
//! takes, types and layouts of scores.

use widebeam::ScoreKind::Logits;
use widebeam::half::{bf16, f16};
use widebeam::transducer::{RequestId, TransducerSearch};
use widebeam::{Layout, ScoresView};

use crate::driver::Driver;
use crate::toys::{Toy, VOCAB, search, tdt, topologies};

/// Of many utterances, so that several threads take a share.
#[test]
fn a_wide_batch_is_the_same_on_any_number_of_threads() {
    for topology in topologies() {
        let run = |threads: usize| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads);
            pool.build().unwrap().install(|| {
                let mut driver = Driver::new(search(VOCAB, 8, &topology));
                let columns = driver.search.columns();
                let admit = |_| driver.search.admit(4).unwrap();
                let ids: Vec<RequestId> = (0..100).map(admit).collect();
                driver.run(Logits, |id, frame, prefix| {
                    let utterance = ids.binary_search(&id).unwrap() as u64 + 1;
                    let spread = 7.0;
                    let toy = Toy {
                        utterance,
                        columns,
                        spread,
                    };
                    toy.row(frame, prefix)
                });
                let found: Vec<_> = ids.iter().map(|&id| driver.outcome(id)).collect();
                found
            })
        };
        assert_eq!(run(1), run(4));
    }
}

/// Scores of 16 bits are read as they are, and strided rows in place.
#[test]
fn types_and_layouts_of_scores() {
    let toy = Toy {
        utterance: 5,
        columns: VOCAB + 4,
        spread: 9.0,
    };
    let run = |write: &dyn Fn(&mut TransducerSearch, &[f32])| {
        let mut driver = Driver::new(search(VOCAB, 5, &tdt(&[0, 1, 2, 4])));
        let id = driver.search.admit(8).unwrap();
        loop {
            let rows = driver.predict();
            if rows.is_empty() {
                break;
            }
            let rounded = |value: f32| bf16::from_f32(f16::from_f32(value).to_f32()).to_f32();
            let scores: Vec<f32> = rows
                .iter()
                .flat_map(|(_, frame, prefix)| toy.row(*frame, prefix))
                .map(rounded)
                .collect();
            write(&mut driver.search, &scores);
        }
        driver.outcome(id)
    };
    let columns = toy.columns;
    let expected = run(&|search, scores| {
        let shape = [scores.len() / columns, columns];
        let view = ScoresView::logits(scores, shape).unwrap();
        search.advance(&view).unwrap();
    });
    let halves = run(&|search, scores| {
        let scores: Vec<f16> = scores.iter().map(|&score| f16::from_f32(score)).collect();
        let shape = [scores.len() / columns, 1, columns];
        let view = ScoresView::logits(&scores, shape).unwrap();
        search.advance(&view).unwrap();
    });
    let strided = run(&|search, scores| {
        let mut wide = Vec::new();
        for row in scores.chunks(columns) {
            wide.extend(row.iter().map(|&score| bf16::from_f32(score)));
            wide.extend([bf16::NAN; 3]);
        }
        let shape = [1, scores.len() / columns, columns];
        let layout = Layout::strided(shape, [0, columns + 3]);
        let view = ScoresView::logits(&wide, layout).unwrap();
        search.advance(&view).unwrap();
    });
    assert_eq!(halves, expected);
    assert_eq!(strided, expected);
}
