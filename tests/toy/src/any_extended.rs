//! Any request with everything that was added to the search.

use arbitrary::{Result, Unstructured};
use widebeam::ScoreKind;
use widebeam::autoregressive::{AtMaximum, EndRank, Normaliser, PoolSize, Rules, Stopping};
use widebeam::reference::autoregressive as oracle;
use widebeam::reference::autoregressive::{Method, Sampling};
use widebeam::reference::requests::{
    Brackets, EndsWhen, Extended, Model, Penalised, Penalty, Timestamps,
};

use crate::any_request::{any_spec, token, tokens};

/// Tokens that hypotheses may have so that required words fit in.
const LONGEST: usize = 8;

/// A request with any settings. It may be one that cannot end, which the engine refuses.
///
/// # Errors
///
/// If the input is too short.
pub fn request(u: &mut Unstructured<'_>, model: &Model) -> Result<Extended> {
    let mut plain = any_spec(u, model)?;
    if u.ratio(1, 4)? {
        return Ok(Extended::of(plain));
    }
    plain.rules = more_rules(u, plain.rules)?;
    let mut request = Extended::of(plain);
    add_ends(u, model, &mut request)?;
    add_changes(u, model, &mut request)?;
    let groups = request.plain.groups.0;
    for _ in 0..u.int_in_range(0..=2usize)? {
        request.widths.push(groups * u.int_in_range(1..=5usize)?);
    }
    if u.ratio(1, 3)? {
        request.n_best = Some(u.int_in_range(1..=9)?);
    }
    if u.ratio(1, 4)? {
        let factor = f64::from(u.int_in_range(-4..=12i8)?) / 8.0;
        request.coverage = Some((factor, u.int_in_range(1..=3)?));
    }
    request.own_scores = u.arbitrary()?;
    if u.ratio(1, 5)? {
        require(u, model, &mut request)?;
    }
    if u.ratio(1, 4)? {
        request.sampling = sampling(u, model, &request)?;
    }
    if u.ratio(1, 3)? {
        request.given = Some(u.int_in_range(0..=model.vocab)?);
    }
    Ok(request)
}

fn add_ends(u: &mut Unstructured<'_>, model: &Model, request: &mut Extended) -> Result<()> {
    let vocab = model.vocab as u32;
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
    Ok(())
}

/// What changes rows: a grammar, penalties, timestamps.
fn add_changes(u: &mut Unstructured<'_>, model: &Model, request: &mut Extended) -> Result<()> {
    let vocab = model.vocab as u32;
    let whole = model.kind == ScoreKind::Probabilities;
    if u.ratio(1, 4)? && vocab > 1 {
        let brackets = Brackets {
            open: 0,
            close: 1,
            deepest: u.int_in_range(1..=2)?,
        };
        let normaliser = match whole || u.arbitrary()? {
            true => Normaliser::WholeRow,
            false => Normaliser::Permitted,
        };
        request.grammar = Some((brackets, normaliser));
        request.complete = u.arbitrary()?;
    }
    if u.ratio(1, 3)? {
        request.penalties_after = penalties(u, vocab)?;
    }
    if !whole && u.ratio(1, 3)? {
        request.penalties_before = penalties(u, vocab)?;
    }
    if !whole && vocab > 1 && u.ratio(1, 6)? {
        let begin = u.int_in_range(1..=vocab - 1)?;
        request.timestamps = Some(Timestamps {
            begin,
            end: u.int_in_range(0..=begin - 1)?,
            none: match u.arbitrary()? {
                true => Some(token(u, vocab)?),
                false => None,
            },
            max_initial: match u.arbitrary()? {
                true => Some(u.int_in_range(0..=3)?),
                false => None,
            },
        });
    }
    Ok(())
}

fn penalties(u: &mut Unstructured<'_>, vocab: u32) -> Result<Vec<Penalised>> {
    let mut all = Vec::new();
    for _ in 0..u.int_in_range(1..=2usize)? {
        let amount = *u.choose(&[-0.5, 0.25, 0.75, 2.0])?;
        let penalty = match u.int_in_range(0..=2u8)? {
            0 => Penalty::Repetition(*u.choose(&[0.5, 1.0, 1.25, 4.0])?),
            1 => Penalty::Frequency(amount),
            _ => Penalty::Presence(amount),
        };
        all.push(Penalised {
            penalty,
            generated_only: u.arbitrary()?,
            exempt: tokens(u, vocab, 2)?,
        });
    }
    Ok(all)
}

/// Adds words that there is room for.
fn require(u: &mut Unstructured<'_>, model: &Model, request: &mut Extended) -> Result<()> {
    let vocab = model.vocab as u32;
    for _ in 0..u.int_in_range(1..=2usize)? {
        let mut phrases = Vec::new();
        for _ in 0..u.int_in_range(1..=2usize)? {
            let mut phrase = tokens(u, vocab.min(5), 2)?;
            phrase.push(token(u, vocab)?);
            phrases.push(phrase);
        }
        request.required.push(phrases);
    }
    let mut missing = oracle::Request::new(1, 1);
    let required = request.required.iter().cloned();
    missing.required = required.map(oracle::Requirement).collect();
    let needed = missing.missing(&[]) + u.int_in_range(0..=2usize)?;
    let length = &mut request.plain.max_length;
    *length = (*length).max(needed).min(LONGEST);
    Ok(())
}

/// How the request draws, if it can.
fn sampling(
    u: &mut Unstructured<'_>,
    model: &Model,
    request: &Extended,
) -> Result<Option<Sampling>> {
    let sampling = Sampling {
        method: *u.choose(&[Method::StochasticBeams, Method::BeamSampling])?,
        seed: u.int_in_range(0..=1000)?,
        temperature: *u.choose(&[1.0, 0.75, 1.5, 0.02])?,
    };
    let by_row = request.plain.rules.end_rank() == EndRank::WithinRow;
    let can = model.kind != ScoreKind::Probabilities && !by_row;
    Ok(can.then(|| able(sampling, request)))
}

/// It, by candidates of each step where the request cannot draw sequences.
pub fn able(sampling: Sampling, request: &Extended) -> Sampling {
    let widens = !request.widths.is_sorted_by(|before, width| before >= width);
    let one = request.plain.groups.0 == 1 && request.required.is_empty();
    match one && !widens {
        true => sampling,
        false => Sampling {
            method: Method::BeamSampling,
            ..sampling
        },
    }
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
