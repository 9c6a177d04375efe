//! Hypotheses of one text as one.

use proptest::prelude::*;
use widebeam::CtcSearch;
use widebeam::ctc::{Blank, CtcNBest, CtcPruning};
use widebeam::reference::ctc as reference;
use widebeam::scorers::Vocabulary;
use widebeam_toy::seeded;

use crate::emissions::drawn;
use crate::found::{Found, of_library, of_reference};
use crate::models::{Model, SETTINGS, WORDS};
use crate::random::Random;
use crate::{units, word_ngrams};

/// The list with those of one text as one.
pub(crate) fn merged(nbest: &CtcNBest, vocabulary: &Vocabulary) -> CtcNBest {
    nbest.merged_by_text(vocabulary).unwrap()
}

proptest! {
    #![proptest_config(seeded::cases(200))]

    #[test]
    fn hypotheses_of_one_text_are_one(
        drawn in drawn(8, 20),
        unit in 0..units::ALL.len(),
        settings in 0..SETTINGS.len(),
        seed in 1u64..1 << 40,
    ) {
        let (unit, settings) = (&units::ALL[unit], &SETTINGS[settings]);
        let model = Model::random(&mut Random::new(seed), 2, WORDS[0], false);
        let scorer = word_ngrams::scorer(&model, unit, settings);
        let naive = word_ngrams::naive(&model, unit, settings);
        let (case, vocabulary) = (drawn.case(unit.len()), unit.vocabulary());
        let view = case.view();
        let text = |tokens: &[u32]| vocabulary.text(tokens).unwrap();
        let item = |item| {
            let pruning = CtcPruning::none();
            let found = reference::search(&view, item, case.beams, 0, &pruning, &naive);
            of_reference(reference::merged_by_text(&found, text))
        };
        let expected: Vec<Vec<Found>> = (0..view.batch()).map(item).collect();
        let mut search = CtcSearch::new(case.beams, Blank(0)).unwrap().with_scorer(scorer);
        let nbest = merged(&search.decode(&view).unwrap(), &vocabulary);
        let found = nbest.iter().map(|item| of_library(item.unwrap()));
        prop_assert_eq!(found.collect::<Vec<_>>(), expected);
        // Nothing is left to merge.
        prop_assert_eq!(&merged(&nbest, &vocabulary), &nbest);
    }
}
