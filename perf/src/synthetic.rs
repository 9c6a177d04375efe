//! Scores that look like a model's, made from nothing.

use widebeam::ScoreKind;

/// How far apart a row's logits lie: four uniform numbers as wide as this add
/// up to a bell of standard deviation 3.
const WIDTH: f64 = 5.196;

/// The score at `index` of a tensor of `kind`: independent from index to
/// index, the same wherever and whenever it is asked for.
///
/// Logits are close to normally distributed, with standard deviation 3.
/// Probabilities are their softmax, up to a factor near 1 a row.
pub fn random_score(kind: ScoreKind, vocab: usize, index: u64) -> f32 {
    let bits = split_mix(index);
    let uniform: u64 = (0..4).map(|part| bits >> (16 * part) & 0xffff).sum();
    let logit = (uniform as f64 / 65536.0 - 2.0) * WIDTH;
    // The mean of exp(logit), so that the mean probability is 1 / vocab.
    let mean = || ((WIDTH / 2.0).sinh() / (WIDTH / 2.0)).powi(4);
    let score = match kind {
        ScoreKind::Logits => logit,
        // What a vocabulary of a few tokens would lift above 1.
        ScoreKind::LogProbabilities => (logit - (mean() * vocab as f64).ln()).min(0.0),
        ScoreKind::Probabilities => (logit.exp() / (mean() * vocab as f64)).min(1.0),
    };
    score as f32
}

/// The score at `index` of CTC emissions of `kind`, their blank token 0: as
/// [`random_score`], but of logits of half the spread, and each frame is sure,
/// to 99 %, of one token: six frames in ten of the blank, the others of any.
pub fn random_emission(kind: ScoreKind, vocab: usize, index: u64) -> f32 {
    const ODDS: f64 = 150.0;
    let (frame, token) = (index / vocab as u64, index % vocab as u64);
    // Other numbers than those of the tokens.
    let bits = split_mix((1 << 63) + frame);
    let sure_of = match bits % 10 {
        0..6 => 0,
        _ => (bits >> 8) % vocab as u64,
    };
    let half = WIDTH / 4.0;
    let others = (half.sinh() / half).powi(4) * (vocab as f64 - 1.0) + 1.0;
    let logit = match token == sure_of {
        true => (ODDS * others).ln(),
        false => f64::from(random_score(ScoreKind::Logits, vocab, index)) / 2.0,
    };
    let log = logit - ((ODDS + 1.0) * others).ln();
    let score = match kind {
        ScoreKind::Logits => logit,
        ScoreKind::LogProbabilities => log.min(0.0),
        ScoreKind::Probabilities => log.exp().min(1.0),
    };
    score as f32
}

/// The output at `index` of the generator SplitMix64 (Steele, Lea and Flood,
/// "Fast Splittable Pseudorandom Number Generators", 2014, figure 14).
fn split_mix(index: u64) -> u64 {
    let mut z = (index + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    z = (z ^ z >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ z >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ z >> 31
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn logits_have_their_spread_and_probabilities_their_sum() {
        let rows =
            |kind| (0..1_000_000).map(move |index| f64::from(random_score(kind, 1000, index)));
        let mean = rows(ScoreKind::Logits).sum::<f64>() / 1e6;
        let variance = rows(ScoreKind::Logits).map(|x| x * x).sum::<f64>() / 1e6;
        assert!(mean.abs() < 0.02, "{mean}");
        assert!((variance - 9.0).abs() < 0.1, "{variance}");
        let sum = rows(ScoreKind::Probabilities).sum::<f64>() / 1e3;
        assert!((sum - 1.0).abs() < 0.02, "{sum}");
    }

    #[test]
    fn most_frames_are_sure_of_the_blank_and_all_of_something() {
        let frames = 10_000u64;
        let (mut blanks, mut sure) = (0, 0);
        for frame in 0..frames {
            let probability =
                |token| random_emission(ScoreKind::Probabilities, 29, frame * 29 + token);
            blanks += u32::from(probability(0) > 0.5);
            sure += u32::from((0..29).any(|token| probability(token) > 0.5));
        }
        assert!((5900..6500).contains(&blanks), "{blanks}");
        assert!(sure > 9900, "{sure}");
    }

    #[test]
    fn every_kind_accepts_its_scores() {
        for kind in [
            ScoreKind::Probabilities,
            ScoreKind::LogProbabilities,
            ScoreKind::Logits,
        ] {
            for vocab in [1, 2, 50_000] {
                for score in [random_score, random_emission] {
                    assert!((0..10_000).all(|index| kind.accepts(score(kind, vocab, index))));
                }
            }
        }
    }
}
