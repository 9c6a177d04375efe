//! Binary files of KenLM: whatever their bytes say, a model is refused in words, or answers.

use widebeam::scorers::NgramModel;

/// Tries one input.
pub fn run(data: &[u8]) {
    let model = match NgramModel::from_binary(data.to_vec()) {
        Ok(model) => model,
        Err(error) => {
            assert!(
                error.to_string().starts_with("KenLM file, byte "),
                "{error}"
            );
            return;
        }
    };
    assert!((2..=NgramModel::MAX_ORDER).contains(&model.order()));
    let ids = (0..model.vocab().min(20) as u32).map(Some);
    let words = ["a", "w1", "</s>", ""].map(|word| model.word(word));
    let mut state = model.start_state();
    for word in ids.chain(words).chain([None, Some(u32::MAX)]) {
        let (score, next) = model.score_and_advance(&state, word);
        assert_eq!(model.score(&state, word).to_bits(), score.to_bits());
        assert_eq!(model.advance(&state, word), next);
        let mut written = model.start_state();
        let into = model.score_into(&state, word, &mut written);
        assert_eq!((into.to_bits(), written), (score.to_bits(), next));
        state = next;
    }
    match model.words() {
        Ok(words) => assert!(words.count() <= data.len()),
        Err(error) => assert!(
            error.to_string().starts_with("KenLM file, byte "),
            "{error}"
        ),
    }
}
