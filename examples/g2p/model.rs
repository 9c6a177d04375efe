//! The encoder and decoder of g2p-en, for any number of words at once.

use crate::weights::{Gru, Weights};

pub(crate) const UNITS: usize = 256;
pub(crate) const START: u32 = 2;
pub(crate) const END: u32 = 3;
const UNKNOWN_LETTER: usize = 1;
const END_OF_WORD: usize = 2;

/// The decoder's vocabulary.
pub(crate) const PHONEMES: [&str; 74] = [
    "<pad>", "<unk>", "<s>", "</s>", "AA0", "AA1", "AA2", "AE0", "AE1", "AE2", "AH0", "AH1", "AH2",
    "AO0", "AO1", "AO2", "AW0", "AW1", "AW2", "AY0", "AY1", "AY2", "B", "CH", "D", "DH", "EH0",
    "EH1", "EH2", "ER0", "ER1", "ER2", "EY0", "EY1", "EY2", "F", "G", "HH", "IH0", "IH1", "IH2",
    "IY0", "IY1", "IY2", "JH", "K", "L", "M", "N", "NG", "OW0", "OW1", "OW2", "OY0", "OY1", "OY2",
    "P", "R", "S", "SH", "T", "TH", "UH0", "UH1", "UH2", "UW", "UW0", "UW1", "UW2", "V", "W", "Y",
    "Z", "ZH",
];

/// One step of a gated recurrent unit on one row.
fn step(gru: &Gru, token: usize, hidden: &mut [f32]) {
    let sigmoid = |x: f32| 1.0 / (1.0 + (-x).exp());
    let embedding = &gru.embedding[token * UNITS..(token + 1) * UNITS];
    let mut from_input = gru.input_bias.clone();
    let mut from_hidden = gru.hidden_bias.clone();
    gru.input.add_product(embedding, &mut from_input);
    gru.hidden.add_product(hidden, &mut from_hidden);
    for (i, hidden) in hidden.iter_mut().enumerate() {
        let (reset, update, new) = (i, UNITS + i, 2 * UNITS + i);
        let reset = sigmoid(from_input[reset] + from_hidden[reset]);
        let update = sigmoid(from_input[update] + from_hidden[update]);
        let new = (from_input[new] + reset * from_hidden[new]).tanh();
        *hidden = (1.0 - update) * new + update * *hidden;
    }
}

/// Whether the model knows any letter of a word.
pub(crate) fn knows_any(word: &str) -> bool {
    letters(word).any(|letter| letter != UNKNOWN_LETTER)
}

/// The encoder's tokens of a word, upper and lower case alike.
fn letters(word: &str) -> impl Iterator<Item = usize> {
    word.bytes().map(|byte| match byte.to_ascii_lowercase() {
        letter @ b'a'..=b'z' => usize::from(letter - b'a') + 3,
        _ => UNKNOWN_LETTER,
    })
}

/// Appends to `state` the row that decoding a word starts from.
pub(crate) fn encode(weights: &Weights, word: &str, state: &mut Vec<f32>) {
    let start = state.len();
    state.resize(start + UNITS, 0.0);
    for letter in letters(word).chain([END_OF_WORD]) {
        step(&weights.encoder, letter, &mut state[start..]);
    }
}

/// Feeds each row of `state` its token and writes the logits of what follows.
pub(crate) fn decode(
    weights: &Weights,
    tokens: impl Iterator<Item = u32>,
    state: &mut [f32],
    logits: &mut [f32],
) {
    let rows = state
        .chunks_exact_mut(UNITS)
        .zip(logits.chunks_exact_mut(PHONEMES.len()));
    for (token, (hidden, logits)) in tokens.zip(rows) {
        step(&weights.decoder, token as usize, hidden);
        logits.copy_from_slice(&weights.output_bias);
        weights.output.add_product(hidden, logits);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn upper_and_lower_case_are_the_same_letters() {
        assert!(letters("beam").eq(letters("BeaM")));
        assert!(letters("az'9").eq([3, 28, UNKNOWN_LETTER, UNKNOWN_LETTER]));
    }
}
