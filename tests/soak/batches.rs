//! Batches of random tensors for the two searches that take whole ones, with an
//! invalid score in each.

use arbitrary::Unstructured;
use widebeam::ctc::{Blank, CtcNBest, CtcPruning, CtcSearch};
use widebeam::reference::{self, ctc};
use widebeam::scorers::Unscored;
use widebeam::{IndependentSearch, NBest, ScoresView};
use widebeam_toy::any_tensor::{Limits, Tensor, decoded};

use crate::Counts;
use crate::random::Random;

const BLANK: Blank = Blank(0);
/// One batch in so many is held against the reference.
const SAMPLE: usize = 8;

pub(crate) struct Batches {
    independent: Vec<IndependentSearch>,
    ctc: Vec<CtcSearch>,
    nbest: NBest,
    ctc_nbest: CtcNBest,
}

impl Batches {
    pub(crate) fn new() -> Self {
        let independent = [1, 5, 30].map(|beams| IndependentSearch::new(beams).unwrap());
        let ctc = [1, 3, 8].map(|beams| CtcSearch::new(beams, BLANK).unwrap());
        Batches {
            independent: independent.into(),
            ctc: ctc.into(),
            nbest: NBest::new(),
            ctc_nbest: CtcNBest::new(),
        }
    }

    pub(crate) fn round(&mut self, random: &mut Random, counts: &mut Counts) {
        let tensor = tensor(random, 300);
        self.decode(&tensor.view(), random, counts);
        let tensor = self::tensor(random, 40);
        self.decode_ctc(&tensor.view(), random, counts);
    }

    fn decode(&mut self, view: &ScoresView<'_>, random: &mut Random, counts: &mut Counts) {
        let search = &mut self.independent[random.below(3)];
        search.decode_into(view, &mut self.nbest).unwrap();
        let items = decoded(view, &self.nbest);
        counts.items += view.batch();
        counts.items_refused += self.nbest.failures().len();
        if !random.one_in(SAMPLE) {
            return;
        }
        for (item, found) in items {
            let expected = reference::independent(&view.items(item..item + 1), search.beams());
            let found = found.map(|h| (h.tokens.to_vec(), h.score));
            assert!(found.eq(expected[0].iter().cloned()));
            counts.items_compared += 1;
        }
    }

    fn decode_ctc(&mut self, view: &ScoresView<'_>, random: &mut Random, counts: &mut Counts) {
        let search = &mut self.ctc[random.below(3)];
        search.decode_into(view, &mut self.ctc_nbest).unwrap();
        let items = decoded(view, &self.ctc_nbest);
        counts.items += view.batch();
        counts.items_refused += self.ctc_nbest.failures().len();
        if !random.one_in(SAMPLE) {
            return;
        }
        let none = CtcPruning::none();
        for (item, found) in items {
            let expected = ctc::search(view, item, search.beams(), BLANK.0, &none, &Unscored);
            let expected = expected
                .iter()
                .map(|h| (&h.tokens[..], &h.frames[..], h.score));
            let found = found.map(|h| (h.tokens, h.frames, h.score));
            assert!(found.eq(expected));
            counts.items_compared += 1;
        }
    }
}

/// Any tensor, with an invalid score in one of its items.
fn tensor(random: &mut Random, vocab: usize) -> Tensor {
    let bytes = random.bytes(200);
    let limits = Limits {
        batch: 5,
        time: 10,
        vocab,
    };
    let mut tensor = Tensor::any(&mut Unstructured::new(&bytes), limits).expect("enough bytes");
    let view = tensor.view();
    let items: Vec<usize> = (0..view.batch())
        .filter(|&item| view.length(item) > 0)
        .collect();
    if !items.is_empty() {
        let item = items[random.below(items.len())];
        let (step, token) = (random.below(view.length(item)), random.below(view.vocab()));
        tensor.poison(item, step, token);
    }
    tensor
}
