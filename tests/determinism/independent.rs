//! The independent search on fixed tensors.

use half::{bf16, f16};
use widebeam::{IndependentSearch, Level, NBest, ScoreKind, ScoresView};

use crate::Results;
use crate::arrangement::{Order, everywhere};
use crate::inputs::{Hash, KINDS, Number, hex, value};

const BATCH: usize = 6;
/// Vocabularies and beams: rows that are sorted, of some stripes, of many.
const SHAPES: [(usize, usize, usize); 3] = [(9, 40, 5), (7, 700, 16), (2, 9000, 3)];

pub(crate) fn results() -> Results {
    let mut results = Results::new();
    for (time, vocab, beams) in SHAPES {
        for (name, kind) in KINDS {
            let mut add = |dtype, hash| {
                results.insert(format!("independent/{vocab}x{beams}/{name}/{dtype}"), hash);
            };
            add(f32::NAME, case::<f32>(kind, [BATCH, time, vocab], beams));
            add(f16::NAME, case::<f16>(kind, [BATCH, time, vocab], beams));
            add(bf16::NAME, case::<bf16>(kind, [BATCH, time, vocab], beams));
        }
    }
    results
}

fn case<T: Number>(kind: ScoreKind, shape: [usize; 3], beams: usize) -> String {
    let count = shape.iter().product();
    let data: Vec<T> = (0..count).map(|i| T::of(value(kind, 1, i))).collect();
    hex(&everywhere(|level, order| {
        run(&data, kind, shape, beams, level, order)
    }))
}

/// One small case, with so many added to the bits of the largest score of its
/// last row.
pub(crate) fn one_case(more: u32) -> String {
    let kind = ScoreKind::Probabilities;
    let mut data: Vec<f32> = (0..3 * 40).map(|i| value(kind, 1, i)).collect();
    let largest = data[80..].iter_mut().max_by(|a, b| a.total_cmp(b)).unwrap();
    *largest = f32::from_bits(largest.to_bits() + more);
    let shape = [1, 3, 40];
    hex(&run(&data, kind, shape, 2, Level::best(), Order::Together))
}

/// The hash of each item.
fn run<T: Number>(
    data: &[T],
    kind: ScoreKind,
    [batch, time, vocab]: [usize; 3],
    beams: usize,
    level: Level,
    order: Order,
) -> Vec<u64> {
    let mut search = IndependentSearch::new(beams)
        .unwrap()
        .with_level(level)
        .unwrap();
    let (mut nbest, mut hashes) = (NBest::new(), vec![0; batch]);
    for group in order.groups(batch) {
        let items = group
            .iter()
            .flat_map(|&item| &data[item * time * vocab..][..time * vocab]);
        let own: Vec<T> = items.copied().collect();
        let lengths: Vec<usize> = group.iter().map(|&item| time - item % 3 % time).collect();
        let view = ScoresView::new(kind, &own, [group.len(), time, vocab]).unwrap();
        search
            .decode_into(&view.with_lengths(&lengths).unwrap(), &mut nbest)
            .unwrap();
        for (at, &item) in group.iter().enumerate() {
            let mut hash = Hash::default();
            for hypothesis in nbest.item(at).unwrap() {
                hash.tokens(hypothesis.tokens);
                hash.score(hypothesis.score);
            }
            hashes[item] = hash.get();
        }
    }
    hashes
}
