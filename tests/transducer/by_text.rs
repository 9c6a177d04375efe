//! Hypotheses of one text as one.

use widebeam::Level;
use widebeam::reference::toy::Anything;
use widebeam::reference::transducer::merged_by_text;
use widebeam::scorers::Vocabulary;

use crate::batch::{batch, engine, plain, without_signs};
use crate::driver::{Driver, all_found};
use crate::random::Random;

/// Texts of which some are those of several tokens.
const TEXTS: [&str; 5] = ["a", "b", "ab", "aa", ""];

#[test]
fn hypotheses_of_one_text_are_one() {
    let mut random = Random::new(31);
    let mut merges = 0;
    for number in 0..150 {
        let mut batch = batch(&mut random);
        (batch.settings.beams, batch.settings.nbest) = (12, 12);
        let scorer = Anything {
            seed: number,
            ends: true,
        };
        let labels: Vec<&str> = (0..batch.cases[0].model.vocab)
            .map(|token| TEXTS[token % TEXTS.len()])
            .collect();
        let vocabulary = Vocabulary::new(&labels, None);
        let text = |tokens: &[u32]| vocabulary.text(tokens).unwrap();
        let kind = batch.cases[0].model.kind;
        let mut driver = Driver::new(engine(&batch, scorer, Level::best()));
        for case in &batch.cases {
            let id = driver.search.admit(case.frames).unwrap();
            driver.run(kind, |_, frame, prefix| case.model.row(frame, prefix));
            let outcome = driver.search.outcome(id).unwrap().expect("it is done");
            let nbest = outcome.nbest();
            let merged = nbest.merged_by_text(&vocabulary).unwrap();
            let found = all_found(merged.item(0).unwrap());
            let all = case.search(&batch.settings, &scorer).unwrap();
            let expected = merged_by_text(&batch.settings, &all, text);
            merges += all.len() - expected.len();
            let expected = expected.into_iter().map(|one| plain(&batch, one));
            let found: Vec<_> = found.into_iter().map(without_signs).collect();
            assert_eq!(found, expected.collect::<Vec<_>>(), "{:?}", batch.settings);
            // Nothing is left to merge.
            let again = merged.merged_by_text(&vocabulary).unwrap();
            assert_eq!(again, merged);
        }
    }
    assert!(merges > 40, "{merges}");
}
