//! The usual greedy search: at each frame the best token, until that is the blank.

use crate::network::{BLANK, Encoded, Transducer, VOCABULARY};
use crate::{Found, MAX_SYMBOLS};

pub(crate) fn decode(model: &Transducer, encoded: &Encoded) -> Found {
    let mut found = Found::default();
    let mut prefix = model.start();
    let mut logits = [0.0; VOCABULARY];
    for frame in 0..encoded.frames() {
        for _ in 0..MAX_SYMBOLS {
            model.join(encoded, frame, &prefix, &mut logits);
            let best = (0..)
                .zip(&logits)
                .reduce(|best, other| match other.1 > best.1 {
                    true => other,
                    false => best,
                });
            let Some((token, _)) = best.filter(|&(token, _)| token != BLANK) else {
                break;
            };
            found.tokens.push(token);
            found.frames.push(frame as u32);
            prefix = model.read(prefix, token);
        }
    }
    found
}
