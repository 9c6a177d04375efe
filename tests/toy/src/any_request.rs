//! Any toy model and any request.

use arbitrary::{Result, Unstructured};
use widebeam::ScoreKind;
use widebeam::autoregressive::{
    AtMaximum, CountedLength, EndRank, ForcedScore, Leader, LengthPenalty, Normaliser, Rules,
    Stopping, WhenFull,
};
use widebeam::reference::requests::{Model, Permitted, Processor, Spec};

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

/// A request that makes sense for the model, and can end.
///
/// # Errors
///
/// If the input is too short.
pub fn spec(u: &mut Unstructured<'_>, model: &Model) -> Result<Spec> {
    Ok(any_spec(u, model)?.able_to_end(model.vocab))
}

pub(crate) fn any_spec(u: &mut Unstructured<'_>, model: &Model) -> Result<Spec> {
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

pub(crate) fn token(u: &mut Unstructured<'_>, vocab: u32) -> Result<u32> {
    u.int_in_range(0..=vocab - 1)
}

pub(crate) fn tokens(u: &mut Unstructured<'_>, vocab: u32, most: usize) -> Result<Vec<u32>> {
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
