//! A borrowed view of the scores a search reads.

use std::ops::Range;

use half::{bf16, f16};

use crate::error::{Error, Kind};
pub use crate::score_kind::ScoreKind;

mod sparse;

pub use sparse::SparseScoresView;

// Nobody outside can name or call what is sealed.
#[allow(private_interfaces, unreachable_pub)]
mod sealed {
    pub trait Sealed: Copy + Send + Sync + 'static {
        fn wrap(data: &[Self]) -> super::Data<'_>;
    }
}

/// A type of score: `f32`, [`half::f16`] or [`half::bf16`].
///
/// Scores of another type must be converted first. That includes f64: the searches read
/// f32, and add in f64.
///
/// ```compile_fail,E0277
/// # use widebeam::ScoresView;
/// let scores = ScoresView::probabilities(&[0.5f64, 0.5], [1, 1, 2]);
/// ```
#[diagnostic::on_unimplemented(
    message = "scores of type `{Self}` cannot be read: they must be converted to `f32`",
    label = "not a type of score",
    note = "scores are one slice of `f32`, `widebeam::half::f16` or `widebeam::half::bf16`",
    note = "a slice of f64 is converted by `.iter().map(|&score| score as f32).collect::<Vec<f32>>()`",
    note = "rows that are vectors of their own are joined by `.concat()`"
)]
pub trait Element: sealed::Sealed {}

macro_rules! element {
    ($type:ty, $variant:ident) => {
        impl sealed::Sealed for $type {
            #[allow(private_interfaces)]
            fn wrap(data: &[Self]) -> Data<'_> {
                Data::$variant(data)
            }
        }
        impl Element for $type {}
    };
}
element!(f32, F32);
element!(f16, F16);
element!(bf16, Bf16);

/// Values of one of the three types: the whole tensor, or one row of it.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Data<'a> {
    F32(&'a [f32]),
    F16(&'a [f16]),
    Bf16(&'a [bf16]),
}

/// One row: the scores of every token at one position of one item.
pub(crate) type Row<'a> = Data<'a>;

impl<'a> Data<'a> {
    pub(crate) fn len(self) -> usize {
        match self {
            Data::F32(data) => data.len(),
            Data::F16(data) => data.len(),
            Data::Bf16(data) => data.len(),
        }
    }

    pub(crate) fn slice(self, range: Range<usize>) -> Self {
        match self {
            Data::F32(data) => Data::F32(&data[range]),
            Data::F16(data) => Data::F16(&data[range]),
            Data::Bf16(data) => Data::Bf16(&data[range]),
        }
    }

    /// The value at `index`, exactly, as f32.
    pub(crate) fn get(self, index: usize) -> f32 {
        match self {
            Data::F32(data) => data[index],
            Data::F16(data) => data[index].to_f32(),
            Data::Bf16(data) => data[index].to_f32(),
        }
    }

    pub(crate) fn element_bytes(self) -> usize {
        match self {
            Data::F32(_) => 4,
            Data::F16(_) | Data::Bf16(_) => 2,
        }
    }
}

/// Where the elements of a `[batch, time, vocab]` tensor lie in its slice.
///
/// The vocabulary is contiguous; the strides of batch and time are free, zero
/// and overlapping ones included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Layout {
    shape: [usize; 3],
    /// Elements from one item to the next, and from one step to the next.
    /// `None` where the tensor is dense and fills its slice.
    strides: Option<[usize; 2]>,
}

impl Layout {
    /// A dense tensor that fills its slice exactly.
    pub fn contiguous(shape: [usize; 3]) -> Self {
        Layout {
            shape,
            strides: None,
        }
    }

    /// A tensor whose element `[item, step, token]` lies at
    /// `item * strides[0] + step * strides[1] + token`.
    pub fn strided(shape: [usize; 3], strides: [usize; 2]) -> Self {
        Layout {
            shape,
            strides: Some(strides),
        }
    }
}

impl From<[usize; 3]> for Layout {
    /// `[batch, time, vocab]`, dense.
    fn from(shape: [usize; 3]) -> Self {
        Layout::contiguous(shape)
    }
}

impl From<[usize; 2]> for Layout {
    /// `[time, vocab]`, dense: a batch of one item.
    fn from([time, vocab]: [usize; 2]) -> Self {
        Layout::contiguous([1, time, vocab])
    }
}

/// Borrowed scores of shape `[batch, time, vocab]`, of a stated kind, with an
/// optional length per item. Its layout is checked here, once; its values are
/// checked by the scan that reads them.
///
/// ```
/// use widebeam::ScoresView;
///
/// let probabilities = [0.5f32, 0.3, 0.2, 0.1, 0.1, 0.8];
/// let scores = ScoresView::probabilities(&probabilities, [1, 2, 3])?;
/// assert_eq!((scores.batch(), scores.time(), scores.vocab()), (1, 2, 3));
/// # Ok::<(), widebeam::Error>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct ScoresView<'a> {
    data: Data<'a>,
    kind: ScoreKind,
    shape: [usize; 3],
    strides: [usize; 2],
    lengths: Option<&'a [usize]>,
    /// The index that errors give to item 0.
    first_item: usize,
}

impl<'a> ScoresView<'a> {
    /// The largest vocabulary, 2^31 - 1 = 2,147,483,647 tokens.
    pub const MAX_VOCAB: usize = (u32::MAX >> 1) as usize;

    /// A view of probabilities. See [`ScoresView::new`] for the errors.
    pub fn probabilities<T: Element>(
        data: &'a [T],
        layout: impl Into<Layout>,
    ) -> Result<Self, Error> {
        Self::new(ScoreKind::Probabilities, data, layout)
    }

    /// A view of natural log-probabilities. See [`ScoresView::new`] for the
    /// errors.
    pub fn log_probabilities<T: Element>(
        data: &'a [T],
        layout: impl Into<Layout>,
    ) -> Result<Self, Error> {
        Self::new(ScoreKind::LogProbabilities, data, layout)
    }

    /// A view of logits. See [`ScoresView::new`] for the errors.
    pub fn logits<T: Element>(data: &'a [T], layout: impl Into<Layout>) -> Result<Self, Error> {
        Self::new(ScoreKind::Logits, data, layout)
    }

    /// A view of scores of `kind`, every item as long as the time axis.
    ///
    /// # Errors
    ///
    /// If the vocabulary is empty or above [`ScoresView::MAX_VOCAB`], if the
    /// layout spans more elements than `usize` counts, or if `data` is not
    /// exactly as long as a dense layout needs or shorter than a strided one
    /// reaches.
    pub fn new<T: Element>(
        kind: ScoreKind,
        data: &'a [T],
        layout: impl Into<Layout>,
    ) -> Result<Self, Error> {
        let Layout { shape, strides } = layout.into();
        let [batch, time, vocab] = shape;
        let dense = [time.saturating_mul(vocab), vocab];
        let given = data.len();
        if vocab == 0 {
            return Err(Kind::EmptyVocabulary { shape }.into());
        }
        if vocab > Self::MAX_VOCAB {
            return Err(Kind::VocabularyTooLarge {
                vocab,
                limit: Self::MAX_VOCAB,
            }
            .into());
        }
        let used_strides = strides.unwrap_or(dense);
        let needed = span(shape, used_strides).ok_or(Kind::SizeOverflow {
            shape,
            strides: used_strides,
        })?;
        match strides {
            None if given != needed => {
                return Err(Kind::DataLength {
                    shape,
                    needed,
                    given,
                }
                .into());
            }
            Some(strides) if given < needed => {
                return Err(Kind::DataTooShort {
                    shape,
                    strides,
                    needed,
                    given,
                }
                .into());
            }
            _ => {}
        }
        // The products below index results, never `data`: with strides of
        // zero they may be larger than the span.
        if batch.checked_mul(time).is_none() {
            return Err(Kind::SizeOverflow {
                shape,
                strides: used_strides,
            }
            .into());
        }
        Ok(ScoresView {
            data: T::wrap(data),
            kind,
            shape,
            strides: used_strides,
            lengths: None,
            first_item: 0,
        })
    }

    /// The same view with item `i` cut to its first `lengths[i]` steps. What
    /// lies beyond is never read.
    ///
    /// # Errors
    ///
    /// If there is not one length per item, or a length is above the time
    /// axis.
    pub fn with_lengths(mut self, lengths: &'a [usize]) -> Result<Self, Error> {
        let [batch, time, _] = self.shape;
        if lengths.len() != batch {
            return Err(Kind::LengthsCount {
                batch,
                given: lengths.len(),
            }
            .into());
        }
        if let Some(item) = lengths.iter().position(|&length| length > time) {
            return Err(Kind::LengthTooLong {
                item: self.first_item + item,
                length: lengths[item],
                time,
            }
            .into());
        }
        self.lengths = Some(lengths);
        Ok(self)
    }

    /// A view of some of the items alone. Errors go on naming an item by its index in the
    /// whole: item 0 of `items(3..5)` is item 3.
    ///
    /// # Panics
    ///
    /// If the range does not lie within the batch.
    #[track_caller]
    #[must_use]
    pub fn items(&self, range: Range<usize>) -> Self {
        let batch = self.batch();
        assert!(
            range.start <= range.end && range.end <= batch,
            "items {range:?} are out of range: the number of items is {batch}"
        );
        let lengths = self.lengths.map(|lengths| &lengths[range.clone()]);
        let [_, time, vocab] = self.shape;
        let shape = [range.len(), time, vocab];
        let start = match span(shape, self.strides) {
            Some(0) | None => 0,
            Some(_) => range.start * self.strides[0],
        };
        ScoresView {
            data: self.data.slice(start..self.data.len()),
            shape,
            lengths,
            first_item: self.first_item + range.start,
            ..*self
        }
    }

    /// What the scores are.
    pub fn kind(&self) -> ScoreKind {
        self.kind
    }

    /// The number of items.
    pub fn batch(&self) -> usize {
        self.shape[0]
    }

    /// The number of steps of the time axis.
    pub fn time(&self) -> usize {
        self.shape[1]
    }

    /// The number of tokens.
    pub fn vocab(&self) -> usize {
        self.shape[2]
    }

    /// The number of steps of `item` in use.
    ///
    /// # Panics
    ///
    /// If there is no such item.
    #[track_caller]
    pub fn length(&self, item: usize) -> usize {
        let batch = self.batch();
        assert!(
            item < batch,
            "item {item} is out of range: the number of items is {batch}"
        );
        self.lengths.map_or(self.time(), |lengths| lengths[item])
    }

    /// The index that errors give to the first item.
    pub(crate) fn first_item(&self) -> usize {
        self.first_item
    }

    /// The length of each item, where they have lengths of their own.
    pub(crate) fn lengths(&self) -> Option<&'a [usize]> {
        self.lengths
    }

    /// The number of steps of the longest item.
    pub(crate) fn longest(&self) -> usize {
        match self.lengths {
            None => self.time(),
            Some(lengths) => lengths.iter().copied().max().unwrap_or(0),
        }
    }

    /// Bytes of scores in use: what a search reads.
    pub fn bytes(&self) -> usize {
        let steps = match self.lengths {
            None => self.batch() * self.time(),
            Some(lengths) => lengths.iter().sum(),
        };
        steps
            .saturating_mul(self.vocab())
            .saturating_mul(self.data.element_bytes())
    }

    /// The rows of one step of a batch: a view with a batch or a time axis of
    /// 1 and no lengths, as `[1, rows, vocab]`.
    pub(crate) fn step_rows(&self) -> Option<Self> {
        let [batch, time, vocab] = self.shape;
        let (rows, stride) = match (batch, time) {
            _ if self.lengths.is_some() => return None,
            (1, rows) => (rows, self.strides[1]),
            (rows, 1) => (rows, self.strides[0]),
            _ => return None,
        };
        Some(ScoresView {
            shape: [1, rows, vocab],
            strides: [0, stride],
            ..*self
        })
    }

    /// Some columns alone of a view `[1, rows, vocab]`; none, if the range is empty.
    pub(crate) fn columns(&self, range: std::ops::Range<usize>) -> Self {
        debug_assert!(self.shape[0] == 1 && range.end <= self.vocab());
        let start = if self.shape[1] == 0 { 0 } else { range.start };
        ScoresView {
            data: self.data.slice(start..self.data.len()),
            shape: [1, self.shape[1], range.len()],
            ..*self
        }
    }

    /// The slice that holds all scores.
    pub(crate) fn data(&self) -> Data<'a> {
        self.data
    }

    /// Bytes in the scores of one position.
    pub(crate) fn row_bytes(&self) -> usize {
        self.vocab().saturating_mul(self.data.element_bytes())
    }

    /// Where the scores of one position lie.
    pub(crate) fn row_range(&self, item: usize, step: usize) -> Range<usize> {
        let start = item * self.strides[0] + step * self.strides[1];
        start..start + self.vocab()
    }

    /// From the scores of one step to those of the next.
    pub(crate) fn step_stride(&self) -> usize {
        self.strides[1]
    }

    /// What a scan that goes on from one position will read next, as far as
    /// that is known.
    pub(crate) fn after_row(&self, item: usize, step: usize) -> Range<usize> {
        let end = self.row_range(item, step).end;
        if self.strides[1] == self.vocab() {
            end..self.data.len()
        } else if step + 1 < self.length(item) {
            self.row_range(item, step + 1)
        } else {
            end..end
        }
    }

    /// The scores of one position.
    pub(crate) fn row(&self, item: usize, step: usize) -> Row<'a> {
        debug_assert!(step < self.length(item));
        self.data.slice(self.row_range(item, step))
    }

    /// The scores of [`ScoresView::after_row`].
    pub(crate) fn next_row(&self, item: usize, step: usize) -> Row<'a> {
        self.data.slice(self.after_row(item, step))
    }

    /// The error that names the first invalid score of a row that a scan
    /// refused; token 0, should the scores have changed since.
    pub(crate) fn invalid_score(&self, item: usize, step: usize) -> Error {
        let row = self.row(item, step);
        let invalid = |&token: &usize| !self.kind.accepts(row.get(token));
        let token = (0..row.len()).find(invalid).unwrap_or(0);
        let kind = Kind::InvalidScore {
            kind: self.kind,
            item: self.first_item + item,
            step,
            token,
            value: row.get(token),
        };
        kind.into()
    }
}

/// One past the last element that a layout reaches, or `None` on overflow.
fn span([batch, time, vocab]: [usize; 3], strides: [usize; 2]) -> Option<usize> {
    if batch == 0 || time == 0 {
        return Some(0);
    }
    let items = (batch - 1).checked_mul(strides[0])?;
    let steps = (time - 1).checked_mul(strides[1])?;
    items.checked_add(steps)?.checked_add(vocab)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(result: Result<ScoresView<'_>, Error>) -> String {
        result.unwrap_err().to_string()
    }

    #[test]
    fn dense_data_must_fill_its_shape() {
        let data = [0f32; 24];
        assert!(ScoresView::logits(&data, [2, 3, 4]).is_ok());
        assert_eq!(
            message(ScoresView::logits(&data[..23], [2, 3, 4])),
            "shape [2, 3, 4] needs exactly 24 values, 23 were given"
        );
        assert_eq!(
            message(ScoresView::logits(&data, [2, 3, 3])),
            "shape [2, 3, 3] needs exactly 18 values, 24 were given"
        );
    }

    #[test]
    fn strides_reach_their_elements_and_no_further() {
        let data: Vec<f32> = (0..20).map(|i| i as f32).collect();
        // Time outermost: [time, batch, vocab] seen as [batch, time, vocab].
        let view = ScoresView::logits(&data, Layout::strided([2, 3, 3], [3, 7])).unwrap();
        let Data::F32(row) = view.row(1, 2) else {
            panic!("f32 in, f32 out")
        };
        assert_eq!(row, [17.0, 18.0, 19.0]);
        assert_eq!(
            message(ScoresView::logits(
                &data[..19],
                Layout::strided([2, 3, 3], [3, 7])
            )),
            "shape [2, 3, 3] with strides [3, 7] reaches 20 values, 19 were given"
        );
    }

    #[test]
    fn sizes_that_overflow_are_refused() {
        let huge = usize::MAX / 2;
        let empty: [f32; 0] = [];
        assert!(message(ScoresView::logits(&empty, [huge, 3, 4])).contains("more elements"));
        let shape = [huge, huge, 1];
        assert!(
            message(ScoresView::logits(&[0f32], Layout::strided(shape, [0, 0])))
                .contains("more elements")
        );
        assert!(message(ScoresView::logits(&empty, [0, 0, usize::MAX])).contains("limit"));
    }

    #[test]
    fn lengths_are_one_per_item_and_within_time() {
        let data = [0f32; 24];
        let view = ScoresView::logits(&data, [2, 3, 4]).unwrap();
        assert_eq!(view.with_lengths(&[0, 3]).unwrap().length(0), 0);
        assert_eq!(
            message(view.with_lengths(&[1])),
            "a batch of 2 items needs 2 lengths, 1 were given"
        );
        assert_eq!(
            message(view.with_lengths(&[1, 4])),
            "item 1: length 4 is above the 3 time steps of the scores"
        );
    }

    #[test]
    fn empty_batches_and_times_are_no_error_but_an_empty_vocabulary_is() {
        let empty: [f32; 0] = [];
        assert!(ScoresView::logits(&empty, [0, 5, 7]).is_ok());
        assert!(ScoresView::logits(&empty, [5, 0, 7]).is_ok());
        assert_eq!(
            message(ScoresView::logits(&empty, [5, 7, 0])),
            "shape [5, 7, 0] has a vocabulary of 0 tokens; at least 1 is needed"
        );
    }

    #[test]
    fn each_kind_accepts_its_values_and_no_more() {
        let least = f32::from_bits(1);
        for (kind, accepted, refused) in [
            (
                ScoreKind::Probabilities,
                &[0.0, -0.0, least, 1.0, 1.001][..],
                &[-least, 1.001f32.next_up(), f32::NEG_INFINITY][..],
            ),
            (
                ScoreKind::LogProbabilities,
                &[f32::NEG_INFINITY, -1e38, -0.0, 0.0, 0.001],
                &[0.001f32.next_up(), 1.0],
            ),
            (
                ScoreKind::Logits,
                &[f32::NEG_INFINITY, f32::MIN, 0.0, f32::MAX],
                &[],
            ),
        ] {
            assert!(
                accepted.iter().all(|&value| kind.accepts(value)),
                "{kind:?}"
            );
            assert!(
                !refused.iter().any(|&value| kind.accepts(value)),
                "{kind:?}"
            );
            for value in [f32::NAN, -f32::NAN, f32::INFINITY] {
                assert!(!kind.accepts(value), "{kind:?}");
            }
            // Impossible is the least that is accepted, and what is above it is possible.
            let impossible = kind.impossible();
            assert!(kind.accepts(impossible) && kind.accepts(kind.least_possible()));
            assert!(accepted.iter().all(|&value| impossible <= value));
            assert!(kind.least_possible() > impossible);
            assert_eq!(kind.least_possible().next_down(), impossible);
        }
    }

    #[test]
    fn values_of_all_types_are_read_and_counted() {
        let numbers = [0.5f32, -2.0, 65504.0, f32::NEG_INFINITY];
        let halves = numbers.map(f16::from_f32);
        let brains = numbers.map(bf16::from_f32);
        for (data, bytes) in [
            (Data::F32(&numbers), 4),
            (Data::F16(&halves), 2),
            (Data::Bf16(&brains), 2),
        ] {
            assert_eq!((data.len(), data.element_bytes()), (4, bytes));
            let part = data.slice(1..3);
            assert_eq!(part.len(), 2);
            for (value, expected) in [(data.get(0), 0.5), (part.get(0), -2.0)] {
                assert_eq!(value, expected);
            }
            assert_eq!(data.get(3), f32::NEG_INFINITY);
        }
    }

    #[test]
    fn vocabularies_up_to_the_limit() {
        let empty: [f32; 0] = [];
        let limit = ScoresView::MAX_VOCAB;
        assert_eq!(limit, (1 << 31) - 1);
        assert!(ScoresView::logits(&empty, [0, 3, limit]).is_ok());
        assert_eq!(
            message(ScoresView::logits(&empty, [0, 3, limit + 1])),
            "a vocabulary of 2147483648 tokens is above the limit of 2147483647"
        );
    }

    #[test]
    fn a_shape_without_a_batch_is_one_item() {
        let data = [0f32; 12];
        let view = ScoresView::logits(&data, [3, 4]).unwrap();
        assert_eq!((view.batch(), view.time(), view.vocab()), (1, 3, 4));
        assert_eq!(view.kind(), ScoreKind::Logits);
        let [probabilities, logs] = [
            ScoresView::probabilities(&data, [3, 4]).unwrap(),
            ScoresView::log_probabilities(&data, [3, 4]).unwrap(),
        ];
        assert_eq!(probabilities.kind(), ScoreKind::Probabilities);
        assert_eq!(logs.kind(), ScoreKind::LogProbabilities);
    }

    /// One past the last element, and none where an axis is empty.
    #[test]
    fn the_span_of_a_layout() {
        for (shape, strides, expected) in [
            ([2, 3, 4], [12, 4], Some(24)),
            ([2, 3, 4], [4, 8], Some(24)),
            ([2, 3, 4], [0, 0], Some(4)),
            ([1, 1, 4], [usize::MAX, usize::MAX], Some(4)),
            ([0, 3, 4], [usize::MAX, 9], Some(0)),
            ([3, 0, 4], [9, usize::MAX], Some(0)),
            ([3, 1, 4], [usize::MAX, 0], None),
            ([1, 3, 4], [0, usize::MAX], None),
            ([2, 2, 4], [usize::MAX / 2, usize::MAX / 2 + 2], None),
            ([2, 1, 4], [usize::MAX - 4, 0], Some(usize::MAX)),
            ([2, 1, 4], [usize::MAX - 3, 0], None),
        ] {
            assert_eq!(span(shape, strides), expected, "{shape:?} {strides:?}");
        }
        let data = [0f32; 30];
        let strided = |length: usize| {
            let layout = Layout::strided([2, 3, 4], [12, 4]);
            ScoresView::logits(&data[..length], layout).is_ok()
        };
        assert_eq!([23, 24, 25].map(strided), [false, true, true]);
    }

    /// Every row of parts of a batch, with and without lengths, in any order of axes.
    #[test]
    fn parts_of_a_batch_have_its_rows_and_its_numbers() {
        let data: Vec<f32> = (0..60).map(|i| i as f32).collect();
        let lengths = [3, 0, 2, 1];
        for strides in [[15, 5], [5, 20], [15, 0], [0, 5], [0, 0]] {
            let view = ScoresView::logits(&data, Layout::strided([4, 3, 4], strides)).unwrap();
            for view in [view, view.with_lengths(&lengths).unwrap()] {
                for start in 0..=4 {
                    for end in start..=4 {
                        let part = view.items(start..end);
                        assert_eq!(
                            (part.batch(), part.time(), part.vocab()),
                            (end - start, 3, 4)
                        );
                        for item in 0..part.batch() {
                            assert_eq!(part.length(item), view.length(start + item));
                            for step in 0..part.length(item) {
                                let first = (start + item) * strides[0] + step * strides[1];
                                assert_eq!(part.row(item, step).len(), 4);
                                assert_eq!(part.row(item, step).get(3), (first + 3) as f32);
                            }
                        }
                        // A part of a part.
                        let last = part.items(part.batch()..part.batch());
                        assert_eq!((last.batch(), last.first_item), (0, end));
                    }
                }
            }
        }
    }

    #[test]
    fn parts_outside_of_the_batch_panic() {
        let data = [0f32; 24];
        let view = ScoresView::logits(&data, [2, 3, 4]).unwrap();
        #[allow(clippy::reversed_empty_ranges)]
        for range in [0..3, 3..3, 2..1, usize::MAX..usize::MAX] {
            assert!(std::panic::catch_unwind(|| view.items(range).batch()).is_err());
        }
        for item in [2, usize::MAX] {
            assert!(std::panic::catch_unwind(|| view.length(item)).is_err());
        }
    }

    #[test]
    fn lengths_of_a_part_are_refused_by_the_numbers_of_the_whole() {
        let data = [0f32; 24];
        let view = ScoresView::logits(&data, [6, 1, 4]).unwrap();
        assert_eq!(
            message(view.items(2..5).with_lengths(&[1, 1, 2])),
            "item 4: length 2 is above the 1 time steps of the scores"
        );
        let error = view.items(3..6).with_lengths(&[9, 0, 9]).unwrap_err();
        assert_eq!(error.item(), Some(3));
    }

    #[test]
    fn what_is_in_use_is_counted() {
        let data = [f16::ONE; 24];
        let view = ScoresView::logits(&data, [2, 3, 4]).unwrap();
        assert_eq!((view.bytes(), view.longest(), view.row_bytes()), (48, 3, 8));
        assert!(view.lengths().is_none());
        let cut = view.with_lengths(&[2, 1]).unwrap();
        assert_eq!((cut.bytes(), cut.longest(), cut.row_bytes()), (24, 2, 8));
        assert_eq!(cut.lengths(), Some(&[2, 1][..]));
        let none = view.items(0..0);
        assert_eq!((none.bytes(), none.longest()), (0, 3));
        let none = none.with_lengths(&[]).unwrap();
        assert_eq!((none.bytes(), none.longest()), (0, 0));
        let one = [1f32; 4];
        let long = ScoresView::logits(&one, Layout::strided([1, usize::MAX / 4, 4], [0, 0]));
        assert_eq!(long.unwrap().bytes(), usize::MAX);
    }

    /// What the scan will read behind a row, where that is known.
    #[test]
    fn the_rows_that_follow() {
        let data: Vec<f32> = (0..30).map(|i| i as f32).collect();
        // Dense: all that is left of the data, other items included.
        let dense = ScoresView::logits(&data, Layout::strided([2, 3, 4], [12, 4])).unwrap();
        assert_eq!((dense.step_stride(), dense.data().len()), (4, 30));
        assert_eq!(dense.row_range(1, 1), 16..20);
        assert_eq!(dense.after_row(0, 2), 12..30);
        assert_eq!(dense.after_row(1, 2), 24..30);
        // With gaps: the next row of the item, if it has one in use.
        let gaps = ScoresView::logits(&data, Layout::strided([2, 3, 4], [15, 5])).unwrap();
        let gaps = gaps.with_lengths(&[3, 2]).unwrap();
        assert_eq!(gaps.after_row(0, 0), 5..9);
        assert_eq!(gaps.after_row(1, 0), 20..24);
        assert_eq!(gaps.next_row(1, 0).get(0), 20.0);
        assert!(gaps.after_row(0, 2).is_empty() && gaps.after_row(1, 1).is_empty());
        assert_eq!(gaps.next_row(1, 1).len(), 0);
    }

    #[test]
    fn rows_of_a_step_lie_along_the_batch_or_the_time_axis() {
        let data: Vec<f32> = (0..30).map(|i| i as f32).collect();
        let rows = |shape, strides| {
            let view = ScoresView::logits(&data, Layout::strided(shape, strides)).unwrap();
            let rows = view.step_rows()?;
            let first = |row| rows.row(0, row).get(0);
            let firsts: Vec<f32> = (0..rows.time()).map(first).collect();
            assert_eq!((rows.batch(), rows.vocab()), (1, 4));
            Some(firsts)
        };
        assert_eq!(rows([1, 3, 4], [9, 5]), Some(vec![0.0, 5.0, 10.0]));
        assert_eq!(rows([3, 1, 4], [6, 9]), Some(vec![0.0, 6.0, 12.0]));
        assert_eq!(rows([1, 1, 4], [6, 9]), Some(vec![0.0]));
        assert_eq!(rows([0, 1, 4], [6, 9]), Some(vec![]));
        assert_eq!(rows([2, 2, 4], [6, 9]), None);
        assert_eq!(rows([0, 0, 4], [6, 9]), None);
        let view = ScoresView::logits(&data, Layout::strided([1, 3, 4], [9, 5])).unwrap();
        assert!(view.with_lengths(&[3]).unwrap().step_rows().is_none());
    }

    #[test]
    fn the_first_invalid_score_is_named_and_the_first_token_where_there_is_none() {
        let mut data = [0.5f32; 24];
        data[12 + 4 + 2] = -1.0;
        data[12 + 4 + 3] = f32::NAN;
        let view = ScoresView::probabilities(&data, [2, 3, 4]).unwrap();
        let said = |view: ScoresView<'_>, item, step| view.invalid_score(item, step).to_string();
        assert_eq!(
            said(view, 1, 1),
            "item 1, step 1, token 2: -1 is not a valid probability (limits: 0 and 1.001)"
        );
        assert!(said(view.items(1..2), 0, 1).starts_with("item 1, step 1, token 2: -1 "));
        assert!(said(view, 0, 2).starts_with("item 0, step 2, token 0: 0.5 "));
    }
}
