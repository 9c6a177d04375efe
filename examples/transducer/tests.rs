//! The network against PyTorch's numbers, and what the searches find with it.

use std::path::PathBuf;

use widebeam::scorers::Unscored;

use crate::archive::Archive;
use crate::network::{Encoded, VOCABULARY};
use crate::utterances::{self, Utterance};
use crate::{BONUS, Found, Recogniser, WEIGHT, beam, folder, greedy, run, table};

/// How many of the utterances `expected.npz` tells of.
const UTTERANCES: usize = 24;

struct Case {
    recogniser: Recogniser,
    utterances: Vec<Utterance>,
    encoded: Vec<Encoded>,
    expected: Archive,
}

fn case() -> Case {
    let recogniser = Recogniser::load(WEIGHT, BONUS).unwrap();
    let mut utterances = utterances::load(&folder().join("held_out.npz")).unwrap();
    utterances.truncate(UTTERANCES);
    let (encoded, _) = recogniser.encode(&utterances);
    Case {
        recogniser,
        utterances,
        encoded,
        expected: Archive::open(&folder().join("expected.npz")).unwrap(),
    }
}

#[test]
fn logits_are_those_of_pytorch() {
    let mut case = case();
    let (expected, shape) = case.expected.array::<f32>("logits").unwrap();
    let (model, encoded) = (&case.recogniser.transducer, &case.encoded[0]);
    let &[frames, prefixes, VOCABULARY] = shape.as_slice() else {
        panic!("{shape:?}");
    };
    assert_eq!(frames, encoded.frames());
    let said = &case.utterances[0].text;
    let said = case.recogniser.vocabulary.spell(said).unwrap();
    let mut states = vec![model.start()];
    for (i, &token) in said[..prefixes - 1].iter().enumerate() {
        states.push(model.read(states[i].clone(), token));
    }
    let mut rows = expected.chunks_exact(VOCABULARY);
    let mut logits = [0.0; VOCABULARY];
    for frame in 0..frames {
        for (prefix, state) in states.iter().enumerate() {
            model.join(encoded, frame, state, &mut logits);
            for (found, expected) in logits.iter().zip(rows.next().unwrap()) {
                let error = (found - expected).abs();
                assert!(error < 1e-3, "{frame} {prefix}: {found} {expected}");
            }
        }
    }
}

#[test]
fn greedy_texts_are_those_of_pytorch() {
    let mut case = case();
    let (expected, _) = case.expected.array::<u8>("greedy").unwrap();
    let expected = String::from_utf8(expected).unwrap();
    assert_eq!(expected.lines().count(), case.encoded.len());
    for (encoded, expected) in case.encoded.iter().zip(expected.lines()) {
        let found = greedy::decode(&case.recogniser.transducer, encoded);
        let letters = found.tokens.iter();
        let letters = letters.map(|&token| case.recogniser.vocabulary.label(token).unwrap());
        assert_eq!(letters.collect::<String>(), expected);
    }
}

/// The mass that the search sums up is that of the forward algorithm in PyTorch, but for
/// alignments that the beam has dropped.
#[test]
fn masses_are_those_of_the_forward_algorithm() {
    let mut case = case();
    let (losses, _) = case.expected.array::<f64>("losses").unwrap();
    let (found, _) =
        beam::decode(&case.recogniser.transducer, &case.encoded, 16, Unscored).unwrap();
    let mut compared = 0;
    for ((found, utterance), loss) in found.iter().zip(&case.utterances).zip(losses) {
        let said = case.recogniser.vocabulary.spell(&utterance.text).unwrap();
        if found.tokens == said {
            let missing = -loss - found.log_mass;
            assert!(
                (-1e-3..0.05).contains(&missing),
                "{missing} {}",
                utterance.text
            );
            compared += 1;
        }
    }
    assert!(compared >= UTTERANCES / 2, "{compared}");
}

/// Of the words of the first utterances, no more are wrong than when this was written: by greedy
/// search, four beams, and four beams with the n-gram model.
#[test]
fn searches_make_no_more_errors_than_recorded() {
    let case = case();
    let (recogniser, model) = (&case.recogniser, &case.recogniser.transducer);
    let errors = |found: &[Found]| table::errors(recogniser, found, &case.utterances).unwrap();
    let found = case
        .encoded
        .iter()
        .map(|encoded| greedy::decode(model, encoded));
    let greedy = errors(&found.collect::<Vec<_>>());
    let plain = errors(&beam::decode(model, &case.encoded, 4, Unscored).unwrap().0);
    let ngram = &recogniser.ngram;
    let scored = errors(&beam::decode(model, &case.encoded, 4, ngram).unwrap().0);
    let found = [greedy, plain, scored];
    let recorded = [18, 16, 15];
    for (found, recorded) in found.into_iter().zip(recorded) {
        assert!(found <= recorded, "{found} errors, {recorded} before");
    }
}

#[test]
fn wrong_arguments_are_answered_with_the_usage() {
    for arguments in [
        &["--help"][..],
        &["a", "b"],
        &["a", "1", "x"],
        &["a", "1", "1", "1"],
    ] {
        let arguments: Vec<_> = arguments
            .iter()
            .map(|argument| argument.to_string())
            .collect();
        assert_eq!(run(&arguments).unwrap_err().to_string(), crate::USAGE);
    }
    let missing = [PathBuf::from("no/such.npz").display().to_string()];
    assert!(
        run(&missing)
            .unwrap_err()
            .to_string()
            .starts_with("no/such.npz: ")
    );
}
