//! Any toy model and any request.

use arbitrary::{Result, Unstructured};
use widebeam::ScoreKind;
use widebeam::autoregressive::{
    AtMaximum, CountedLength, EndRank, ForcedScore, Leader, LengthPenalty, Normaliser, PoolSize,
    Rules, Stopping, WhenFull,
};
use widebeam::reference::requests::{
    Brackets, EndsWhen, Extended, Model, Permitted, Processor, Spec,
};

use crate::any_tensor;

/// Any toy model.
///
/// # Errors
///
/// If the input is too short.
pub fn model(u: &mut Unstructured<'_>) -> Result<Model> {
    Ok(Model {
        seed: u.arbitrary()?,
        vocab: match u.ratio(1, 4)? {
            true => u.int_in_range(60..=150)?,
            false => u.int_in_range(1..=20)?,
        },
        memory: u.int_in_range(0..=6)?,
        values: *u.choose(&[0, 1, 3, 50])?,
        impossible: *u.choose(&[0, 3])?,
        kind: any_tensor::kind(u)?,
    })
}

/// A request that makes sense for the model.
pub fn spec(u: &mut Unstructured<'_>, model: &Model) -> Result<Spec> {
    let vocab = model.vocab as u32;
    let groups = match u.ratio(1, 4)? {
        true => u.int_in_range(1..=3)?,
        false => 1usize,
    };
    let width = u.int_in_range(1..=8usize)?;
    let mut spec = Spec::plain(width * groups, u.int_in_range(1..=6)?, &[]);
    spec.prompt = tokens(u, vocab, 3)?;
    spec.ends = tokens(u, vocab, 3)?;
    spec.rules = rules(u)?;
    spec.groups = (groups, f64::from(u.int_in_range(0..=8u8)?) / 8.0);
    if u.arbitrary()? {
        spec.after = processors(u, vocab)?;
        let whole = model.kind == ScoreKind::Probabilities;
        if !whole {
            spec.before = processors(u, vocab)?;
        }
        for _ in 0..*u.choose(&[0, 0, 1, 2])? {
            let normaliser = match whole || u.arbitrary()? {
                true => Normaliser::WholeRow,
                false => Normaliser::Permitted,
            };
            spec.constraints.push((permitted(u, vocab)?, normaliser));
        }
    }
    Ok(spec)
}

/// A request with everything that may end, rank or widen it.
///
/// # Errors
///
/// If the input is too short.
pub fn extended(u: &mut Unstructured<'_>, model: &Model) -> Result<Extended> {
    let vocab = model.vocab as u32;
    let mut plain = spec(u, model)?;
    if u.ratio(1, 2)? {
        return Ok(Extended::of(plain));
    }
    plain.rules = more_rules(u, plain.rules)?;
    let groups = plain.groups.0;
    let mut request = Extended::of(plain);
    for _ in 0..u.int_in_range(0..=3usize)? {
        let mut stop = tokens(u, vocab.min(4), 3)?;
        stop.push(token(u, vocab)?);
        request.stops.push(stop);
    }
    if u.ratio(1, 3)? {
        let divisor = u.int_in_range(2..=4)?;
        let rest = u.int_in_range(0..=divisor - 1)?;
        request.ends_when = Some(EndsWhen { divisor, rest });
    }
    if u.ratio(1, 4)? && vocab > 1 {
        let brackets = Brackets {
            open: 0,
            close: 1,
            deepest: u.int_in_range(1..=2)?,
        };
        request.grammar = Some((brackets, Normaliser::WholeRow));
        request.complete = u.arbitrary()?;
    }
    for _ in 0..u.int_in_range(0..=2usize)? {
        request.widths.push(groups * u.int_in_range(1..=5usize)?);
    }
    if u.ratio(1, 3)? {
        request.n_best = Some(u.int_in_range(1..=9)?);
    }
    request.own_scores = u.arbitrary()?;
    Ok(request)
}

/// Rules with parts that those of other requests do not have.
fn more_rules(u: &mut Unstructured<'_>, rules: Rules) -> Result<Rules> {
    Ok(match u.int_in_range(0..=4u8)? {
        0 => Rules::whisper(None, *u.choose(&[0.4, 1.0, 2.0])?),
        1 => Rules::vllm(1.0),
        2 => rules,
        _ => rules
            .with_stopping(*u.choose(&[Stopping::Never, Stopping::PoolFull])?)
            .with_end_rank(*u.choose(&[EndRank::BeforeLastBeam, EndRank::WithinRow])?)
            .with_at_maximum(*u.choose(&[AtMaximum::FillUp, AtMaximum::Finish])?)
            .with_pool_size(*u.choose(&[PoolSize::Patience { patience: 1.5 }, PoolSize::All])?),
    })
}

fn token(u: &mut Unstructured<'_>, vocab: u32) -> Result<u32> {
    u.int_in_range(0..=vocab - 1)
}

fn tokens(u: &mut Unstructured<'_>, vocab: u32, most: usize) -> Result<Vec<u32>> {
    let count = u.int_in_range(0..=most)?;
    (0..count).map(|_| token(u, vocab)).collect()
}

fn rules(u: &mut Unstructured<'_>) -> Result<Rules> {
    let alpha = *u.choose(&[0.0, 0.6, 1.0, 2.0, -0.5])?;
    let length_penalty = *u.choose(&[
        LengthPenalty::None,
        LengthPenalty::Power { alpha },
        LengthPenalty::Gnmt { alpha },
    ])?;
    let counted = *u.choose(&[
        CountedLength::Generated,
        CountedLength::WithoutEnd,
        CountedLength::WithPrompt,
    ])?;
    let stopping = match u.int_in_range(0..=4u8)? {
        0 => Stopping::Heuristic {
            leader: Leader::Live,
        },
        1 => Stopping::Heuristic {
            leader: Leader::Any,
        },
        2 => Stopping::Exhaustive,
        3 => Stopping::FirstFinished {
            patience: *u.choose(&[0.4, 1.0, 2.5])?,
        },
        _ => Stopping::BestFinished {
            hypotheses: u.int_in_range(0..=4)?,
        },
    };
    let at_maximum = [
        AtMaximum::Finish,
        AtMaximum::FinishUnlessDone,
        AtMaximum::FinishIfNoneEnded,
        AtMaximum::ForceEnd,
    ];
    Ok(Rules::plain()
        .with_length_penalty(length_penalty)
        .with_counted(counted)
        .with_stopping(stopping)
        .with_end_rank(*u.choose(&[EndRank::WithinBeam, EndRank::Any])?)
        .with_when_full(*u.choose(&[WhenFull::ReplaceWorst, WhenFull::Keep])?)
        .with_at_maximum(*u.choose(&at_maximum)?))
}

fn processors(u: &mut Unstructured<'_>, vocab: u32) -> Result<Vec<Processor>> {
    let count = u.int_in_range(0..=2usize)?;
    (0..count).map(|_| processor(u, vocab)).collect()
}

fn processor(u: &mut Unstructured<'_>, vocab: u32) -> Result<Processor> {
    let score = *u.choose(&[ForcedScore::Own, ForcedScore::Certain])?;
    Ok(match u.int_in_range(0..=6u8)? {
        0 => Processor::MinimumLength(u.int_in_range(0..=3)?),
        1 => Processor::Suppress(tokens(u, vocab, 5)?),
        2 => Processor::First(token(u, vocab)?, score),
        3 => Processor::Last(token(u, vocab)?, score),
        4 => Processor::Repetition(*u.choose(&[0.7, 1.3])?),
        5 => Processor::Ngram(u.int_in_range(1..=3)?),
        _ => {
            let amount = f64::from(u.int_in_range(-8..=8i8)?) / 16.0;
            Processor::Hook(u.int_in_range(1..=vocab)?, amount)
        }
    })
}

fn permitted(u: &mut Unstructured<'_>, vocab: u32) -> Result<Permitted> {
    Ok(match u.int_in_range(0..=2u8)? {
        0 => {
            let count = u.int_in_range(0..=12usize)?;
            let sequences = (0..count).map(|_| tokens(u, vocab.min(5), 4));
            let mut sequences: Vec<Vec<u32>> = sequences.collect::<Result<_>>()?;
            // A request of the empty sequence alone takes no step.
            sequences.push(vec![0]);
            Permitted::Trie(sequences)
        }
        1 => Permitted::Mask(tokens(u, vocab, 24)?),
        _ => Permitted::Function(u.int_in_range(2..=4)?),
    })
}
