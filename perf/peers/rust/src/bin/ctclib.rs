//! `ctclib`, a beam search after flashlight's in Rust.

use ctclib::{BeamSearchDecoder, BeamSearchDecoderOptions, Decoder, DecoderOutput, ZeroLM};
use widebeam_peers::{Case, Hypothesis, Program, Result, serve};

/// It makes a state for each extension and sorts all of them at each frame.
const EXTENSIONS: usize = 20_000_000;
/// The tokens of a frame that it looks at where it prunes.
const TOKENS: usize = 20;

fn main() -> Result<()> {
    let case = Case::from_arguments()?;
    let [frames, vocab] = case.shape()?;
    let scores = case.log_probs();
    let search = |tokens| {
        let options = BeamSearchDecoderOptions {
            beam_size: case.beams,
            beam_size_token: tokens,
            beam_threshold: f32::MAX,
            lm_weight: 0.0,
        };
        Search {
            scores: &scores,
            frames,
            vocab,
            beams: case.beams,
            tokens,
            decoder: BeamSearchDecoder::new(options, ZeroLM),
            found: Vec::new(),
        }
    };
    serve(vec![Box::new(search(TOKENS)), Box::new(search(vocab))])
}

struct Search<'a> {
    scores: &'a [f32],
    frames: usize,
    vocab: usize,
    beams: usize,
    tokens: usize,
    decoder: BeamSearchDecoder<ZeroLM>,
    found: Vec<DecoderOutput>,
}

impl Program for Search<'_> {
    fn name(&self) -> String {
        match self.tokens {
            TOKENS => format!("ctclib, {TOKENS} tokens"),
            _ => "ctclib, all tokens".into(),
        }
    }

    fn differs(&self) -> &'static str {
        match self.tokens {
            TOKENS => "cuts tokens; holds a prefix twice",
            _ => "holds a prefix twice",
        }
    }

    fn exact(&self) -> bool {
        false
    }

    fn skipped(&self) -> Option<String> {
        let extensions = self.frames * self.beams * self.tokens;
        (extensions > EXTENSIONS)
            .then(|| format!("it would make {} million states", extensions / 1_000_000))
    }

    fn search(&mut self) -> Result<()> {
        self.found = self.decoder.decode(self.scores, self.frames, self.vocab, 0);
        Ok(())
    }

    fn answers(&self) -> Result<Vec<Vec<Hypothesis>>> {
        let tokens = |h: &DecoderOutput| h.tokens.iter().map(|&token| token as u32).collect();
        let found = self.found.iter();
        Ok(vec![
            found
                .map(|h| Hypothesis(tokens(h), Some(h.score.into())))
                .collect(),
        ])
    }
}
