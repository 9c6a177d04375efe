//! The beam search, over all utterances at once.

use std::collections::HashMap;
use std::error::Error;
use std::time::{Duration, Instant};

use widebeam::scorers::Scorer;
use widebeam::transducer::{Blank, PredictorInput, Topology, TransducerSearch};

use crate::network::{BLANK, Encoded, Prefix, Transducer, VOCABULARY};
use crate::{Found, MAX_SYMBOLS};

/// Where the time went.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Times {
    /// The predictor and the joiner.
    pub(crate) model: Duration,
    pub(crate) search: Duration,
}

/// The best hypothesis of each utterance.
pub(crate) fn decode(
    model: &Transducer,
    utterances: &[Encoded],
    beams: usize,
    scorer: impl Scorer + Sync,
) -> Result<(Vec<Found>, Times), Box<dyn Error>> {
    let begun = Instant::now();
    let topology = Topology::Standard {
        max_symbols: MAX_SYMBOLS,
    };
    let mut search = TransducerSearch::new(VOCABULARY, Blank(BLANK), beams)?
        .with_topology(topology)?
        .with_nbest(1)?
        .with_scorer(scorer);
    let mut ids = Vec::new();
    for encoded in utterances {
        ids.push(search.admit(encoded.frames())?);
    }
    let places: HashMap<_, _> = ids.iter().copied().zip(0..).collect();

    let mut in_model = Duration::ZERO;
    // The predictor's states, by slot.
    let mut prefixes: Vec<Prefix> = Vec::new();
    search.run(|feed, logits| {
        let begun = Instant::now();
        prefixes.resize(feed.slots(), Prefix::default());
        for step in feed.predictor_steps() {
            prefixes[step.slot as usize] = match step.input {
                PredictorInput::Start => model.start(),
                PredictorInput::Token { slot, token } => {
                    model.read(prefixes[slot as usize].clone(), token)
                }
            };
        }
        let rows = feed.joiner_rows().iter();
        for (row, logits) in rows.zip(logits.chunks_exact_mut(VOCABULARY)) {
            let encoded = &utterances[places[&row.request]];
            let prefix = &prefixes[row.slot as usize];
            model.join(encoded, row.frame as usize, prefix, logits);
        }
        in_model += begun.elapsed();
        Ok::<(), widebeam::Error>(())
    })?;

    let mut found = Vec::new();
    for id in ids {
        let outcome = search.outcome(id)?.ok_or("an utterance is not done")?;
        let best = outcome.best()?;
        found.push(Found {
            tokens: best.tokens.to_vec(),
            frames: best.frames.to_vec(),
            log_mass: best.log_mass,
        });
    }
    let times = Times {
        model: in_model,
        search: begun.elapsed() - in_model,
    };
    Ok((found, times))
}
