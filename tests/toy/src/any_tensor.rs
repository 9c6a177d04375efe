//! Any tensor of scores, valid or not.

use arbitrary::{Result, Unstructured};
use half::{bf16, f16};
use widebeam::reference::toy::mix;
use widebeam::{Details, Element, ErrorKind, Hypotheses, Layout, NBest, ScoreKind, ScoresView};

/// The values of one of the three types.
#[derive(Clone, Debug)]
enum Values {
    F32(Vec<f32>),
    F16(Vec<f16>),
    Bf16(Vec<bf16>),
}

/// A tensor with all that a view of it needs.
#[derive(Clone, Debug)]
pub struct Tensor {
    kind: ScoreKind,
    shape: [usize; 3],
    strides: [usize; 2],
    lengths: Vec<usize>,
    values: Values,
}

/// How its values are spread.
#[derive(Clone, Copy)]
enum Spread {
    /// Any bits at all: the input's own.
    Bits,
    Free,
    /// A handful of values, so that most are tied.
    Few(u64),
    /// Mostly impossible.
    Sparse,
    /// Far apart, beyond the precision of f64.
    Far,
}

/// Any kind of scores.
///
/// # Errors
///
/// If the input is too short.
pub fn kind(u: &mut Unstructured<'_>) -> Result<ScoreKind> {
    Ok(*u.choose(&[
        ScoreKind::Logits,
        ScoreKind::Probabilities,
        ScoreKind::LogProbabilities,
    ])?)
}

/// The largest axes of a tensor.
#[derive(Clone, Copy)]
pub struct Limits {
    /// Items.
    pub batch: usize,
    /// Steps of an item.
    pub time: usize,
    /// Tokens.
    pub vocab: usize,
}

impl Tensor {
    /// Any tensor within the limits.
    ///
    /// # Errors
    ///
    /// If the input is too short.
    pub fn any(u: &mut Unstructured<'_>, limits: Limits) -> Result<Self> {
        let kind = kind(u)?;
        let batch = u.int_in_range(0..=limits.batch)?;
        let time = u.int_in_range(0..=limits.time)?;
        let vocab = u.int_in_range(1..=limits.vocab)?;
        let row = vocab + u.int_in_range(0..=2usize)?;
        let strides = match u.arbitrary()? {
            true => [row, batch * row],
            false => [time * row, row],
        };
        let lengths = (0..batch)
            .map(|_| Ok(time.saturating_sub(u.int_in_range(0..=3usize)?)))
            .collect::<Result<Vec<_>>>()?;
        let spread = match u.int_in_range(0..=4u8)? {
            0 => Spread::Bits,
            1 => Spread::Free,
            2 => Spread::Few(u.int_in_range(1..=4)?),
            3 => Spread::Sparse,
            _ => Spread::Far,
        };
        let dtype = u.int_in_range(0..=2u8)?;
        let seed: u64 = u.arbitrary()?;
        let mut count = 0;
        let mut value = || -> f32 {
            count += 1;
            match spread {
                Spread::Bits => f32::from_bits(u.arbitrary().unwrap_or_default()),
                _ => score(kind, spread, mix(seed.wrapping_add(count))),
            }
        };
        let values: Vec<f32> = (0..batch * time * row).map(|_| value()).collect();
        Ok(Tensor {
            kind,
            shape: [batch, time, vocab],
            strides,
            lengths,
            values: match dtype {
                0 => Values::F32(values),
                1 => Values::F16(values.into_iter().map(f16::from_f32).collect()),
                _ => Values::Bf16(values.into_iter().map(bf16::from_f32).collect()),
            },
        })
    }

    /// Makes one score invalid.
    #[allow(dead_code)]
    pub fn poison(&mut self, item: usize, step: usize, token: usize) {
        let at = item * self.strides[0] + step * self.strides[1] + token;
        match &mut self.values {
            Values::F32(values) => values[at] = f32::NAN,
            Values::F16(values) => values[at] = f16::NAN,
            Values::Bf16(values) => values[at] = bf16::NAN,
        }
    }

    /// The tensor as the library takes it.
    pub fn view(&self) -> ScoresView<'_> {
        fn view<'a, T: Element>(tensor: &'a Tensor, values: &'a [T]) -> ScoresView<'a> {
            let layout = Layout::strided(tensor.shape, tensor.strides);
            let view = ScoresView::new(tensor.kind, values, layout).expect("it fits");
            view.with_lengths(&tensor.lengths).expect("they fit")
        }
        match &self.values {
            Values::F32(values) => view(self, values),
            Values::F16(values) => view(self, values),
            Values::Bf16(values) => view(self, values),
        }
    }
}

/// A valid score from random bits.
fn score(kind: ScoreKind, spread: Spread, bits: u64) -> f32 {
    let unit = (bits >> 40) as f32 / (1u64 << 24) as f32;
    let unit = match spread {
        Spread::Few(values) => (bits % values) as f32 / values as f32,
        Spread::Sparse if !bits.is_multiple_of(3) => 0.0,
        Spread::Far => [0.0, 1e-30, 0.25, 0.25][bits as usize % 4],
        _ => unit,
    };
    match kind {
        ScoreKind::Probabilities => unit,
        _ if unit == 0.0 => f32::NEG_INFINITY,
        ScoreKind::LogProbabilities => unit.ln(),
        ScoreKind::Logits => unit.ln() + 3.0,
    }
}

/// The first invalid score of each item, as errors name it.
fn invalid(view: &ScoresView<'_>, item: usize) -> Option<String> {
    for step in 0..view.length(item) {
        let row = widebeam::reference::values(view, item, step);
        if let Some(token) = row.iter().position(|&value| !view.kind().accepts(value)) {
            return Some(format!("item {item}, step {step}, token {token}: "));
        }
    }
    None
}

/// The items that were decoded. Exactly those with an invalid score must be refused,
/// each with an error that names the first.
///
/// # Panics
///
/// If others are.
pub fn decoded<'a, D: Details>(
    view: &ScoresView<'_>,
    nbest: &'a NBest<D>,
) -> Vec<(usize, Hypotheses<'a, D>)> {
    assert_eq!(nbest.len(), view.batch());
    let (mut decoded, mut refused) = (Vec::new(), Vec::new());
    for (item, found) in nbest.iter().enumerate() {
        match (found, invalid(view, item)) {
            (Ok(hypotheses), None) => decoded.push((item, hypotheses)),
            (Err(error), Some(place)) => {
                assert!(
                    error.to_string().starts_with(&place),
                    "{error}, not {place}"
                );
                assert_eq!(error.kind(), ErrorKind::InvalidScore);
                assert_eq!(error.item(), Some(item));
                refused.push((item, error));
            }
            (found, place) => panic!("item {item}: {found:?}, invalid at {place:?}"),
        }
    }
    let expected = refused.iter().map(|(item, error)| (*item, error));
    assert!(nbest.failures().eq(expected));
    decoded
}
