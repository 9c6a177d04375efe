//! A search over a tensor, in groups of items that keep memory in bounds.

use widebeam::ctc::CtcNBest;
use widebeam::{Error, IndependentSearch, Level, NBest, ScoresView};
use widebeam_perf::console::failure::Failure;
use widebeam_perf::console::memory;

use crate::answer::{Answer, Hypothesis, Outcome};
use crate::confidence;
use crate::ctc;
use crate::transcript::Reader;

/// Bytes of scores decoded in one call: enough to keep every thread busy,
/// little enough that a progress bar moves.
const GROUP_BYTES: usize = 64 << 20;

/// Bytes that the search of one call may need, unless it is of one item.
const GROUP_MEMORY: usize = 1 << 30;

/// A search and what is kept of its results.
pub(crate) struct Decoder {
    search: AnySearch,
    keep: usize,
    reader: Option<Reader>,
    /// Whether hypotheses that read the same are one.
    merges: bool,
    /// Whether hypotheses say how sure they are.
    confident: bool,
}

enum AnySearch {
    Independent(IndependentSearch, NBest),
    Ctc(ctc::Search, CtcNBest),
}

impl Decoder {
    /// An independent search with a beam of width `beams`, of whose hypotheses
    /// `keep` are kept.
    pub(crate) fn independent(
        beams: usize,
        keep: usize,
        level: Option<Level>,
    ) -> Result<Self, Error> {
        let search = IndependentSearch::new(beams)?;
        let search = match level {
            Some(level) => search.with_level(level)?,
            None => search,
        };
        Ok(Decoder {
            search: AnySearch::Independent(search, NBest::new()),
            keep,
            reader: None,
            merges: false,
            confident: false,
        })
    }

    /// A CTC search, of whose hypotheses `keep` are kept.
    pub(crate) fn ctc(search: ctc::Search, keep: usize) -> Self {
        Decoder {
            search: AnySearch::Ctc(search, CtcNBest::new()),
            keep,
            reader: None,
            merges: false,
            confident: false,
        }
    }

    /// The same decoder that reads hypotheses; `merges` says whether those that read the same
    /// are one.
    pub(crate) fn with_reader(self, reader: Reader, merges: bool) -> Self {
        Decoder {
            reader: Some(reader),
            merges,
            ..self
        }
    }

    /// The same decoder, whose hypotheses say how sure they are if `confident`.
    pub(crate) fn with_confidence(self, confident: bool) -> Self {
        Decoder { confident, ..self }
    }

    /// Decodes every item, and tells `progress` how many are done. An item that holds
    /// an invalid score is refused, and the others are decoded.
    ///
    /// # Errors
    ///
    /// If the batch as a whole cannot be decoded.
    pub(crate) fn decode(
        &mut self,
        scores: &ScoresView<'_>,
        mut progress: impl FnMut(usize),
    ) -> Result<Vec<Answer>, Failure> {
        let batch = scores.batch();
        // Items of average size: what a group holds need not be exact.
        let item_bytes = (scores.bytes() / batch.max(1)).max(1);
        let most = (GROUP_BYTES / item_bytes).max(1);
        let mut answers = Vec::new();
        while answers.len() < batch {
            let start = answers.len();
            let needed = |part: &ScoresView<'_>| self.search.bytes_needed(part);
            let part = group(scores, start, most, GROUP_MEMORY, needed);
            memory::require(needed(&part), "the search")
                .map_err(|failure| failure.about(format_args!("item {start}")))?;
            let outcomes = self.decode_part(&part)?;
            answers.extend(
                (start..)
                    .zip(outcomes)
                    .map(|(item, outcome)| Answer { item, outcome }),
            );
            progress(answers.len());
        }
        Ok(answers)
    }

    /// The best hypotheses of each item, or why it was refused.
    fn decode_part(&mut self, scores: &ScoresView<'_>) -> Result<Vec<Outcome>, Error> {
        let (keep, reader) = (self.keep, self.reader.as_ref());
        let confident = self.confident;
        // How sure one is depends on all of them.
        let most = if confident { usize::MAX } else { keep };
        let finish = |mut found: Vec<Hypothesis>| {
            if confident {
                confidence::add(&mut found);
            }
            found.truncate(keep);
            found
        };
        match &mut self.search {
            AnySearch::Independent(search, nbest) => {
                search.decode_into(scores, nbest)?;
                let outcomes = nbest.iter().map(|item| {
                    let found = item?.take(most);
                    let found = found.map(|found| Hypothesis::independent(found, reader));
                    found.collect::<Outcome>().map(finish)
                });
                Ok(outcomes.collect())
            }
            AnySearch::Ctc(search, nbest) => {
                search.decode_into(scores, nbest)?;
                if let (true, Some(reader)) = (self.merges, reader) {
                    *nbest = nbest.merged_by(|tokens| reader.text(tokens))?;
                }
                let outcomes = nbest.iter().map(|item| {
                    let found = item?.take(most);
                    let found = found.map(|found| Hypothesis::ctc(found, reader));
                    found.collect::<Outcome>().map(finish)
                });
                Ok(outcomes.collect())
            }
        }
    }
}

/// The items from `start` on that one call decodes: `most`, or half as many again and
/// again while their search needs more than `limit` bytes.
fn group<'a>(
    scores: &ScoresView<'a>,
    start: usize,
    most: usize,
    limit: usize,
    bytes_needed: impl Fn(&ScoresView<'_>) -> usize,
) -> ScoresView<'a> {
    let mut count = most.min(scores.batch() - start);
    loop {
        let part = scores.items(start..start + count);
        if count <= 1 || bytes_needed(&part) <= limit {
            return part;
        }
        count /= 2;
    }
}

impl AnySearch {
    fn bytes_needed(&self, scores: &ScoresView<'_>) -> usize {
        match self {
            AnySearch::Independent(search, _) => search.bytes_needed(scores),
            AnySearch::Ctc(search, _) => search.bytes_needed(scores),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use widebeam::Layout;
    use widebeam::ctc::Blank;

    #[test]
    fn a_group_is_halved_until_its_search_fits_or_it_is_one_item() {
        // Item i has i as the score of its first token.
        let data: Vec<f32> = (0..10).flat_map(|item| [item as f32, 0.5]).collect();
        let scores = ScoresView::logits(&data, [10, 1, 2]).unwrap();
        let best = |view: &ScoresView<'_>, item| {
            let nbest = IndependentSearch::new(1).unwrap().decode(view).unwrap();
            nbest.best(item).unwrap().score
        };
        let needed = |part: &ScoresView<'_>| 100 * part.batch();
        for (start, most, limit, count) in [
            (0, 10, 1000, 10),
            (0, 10, 999, 5),
            (0, 10, 500, 5),
            (0, 10, 499, 2),
            (0, 10, 199, 1),
            (0, 10, 0, 1),
            (0, 4, 1000, 4),
            (7, 4, 1000, 3),
            (7, 4, 299, 1),
            (9, 4, 0, 1),
        ] {
            let part = group(&scores, start, most, limit, needed);
            assert_eq!(part.batch(), count, "{start} {most} {limit}");
            assert_eq!(
                best(&part, 0),
                best(&scores, start),
                "{start} {most} {limit}"
            );
        }
    }

    /// Scores are decoded in groups of a size, so that a bar moves, and items are
    /// numbered through.
    #[test]
    fn a_batch_is_decoded_in_groups() {
        // One row of scores, seen as many: an item has 16 MiB of it.
        let vocab = 1 << 14;
        let row: Vec<f32> = (0..vocab).map(|i| (i % 101) as f32 / 101.0).collect();
        for (batch, groups) in [
            (0, &[][..]),
            (1, &[1]),
            (4, &[4]),
            (5, &[4, 5]),
            (9, &[4, 8, 9]),
        ] {
            let layout = Layout::strided([batch, 256, vocab], [0, 0]);
            let view = ScoresView::probabilities(&row, layout).unwrap();
            let mut decoder = Decoder::independent(2, 1, None).unwrap();
            let mut progress = Vec::new();
            let answers = decoder.decode(&view, |done| progress.push(done));
            let answers = answers.unwrap_or_else(|failure| panic!("{failure:?}"));
            assert_eq!(progress, groups);
            assert!(answers.iter().map(|answer| answer.item).eq(0..batch));
            for answer in &answers {
                assert_eq!(answer.hypotheses().len(), 1);
                assert_eq!(answer.hypotheses()[0].tokens, [100; 256]);
            }
        }
    }

    #[test]
    fn an_error_about_the_batch_is_not_one_about_an_item() {
        let row = [f32::NAN, 0.5];
        let view = ScoresView::probabilities(&row, [1, 2]).unwrap();
        let blank = |blank| Decoder::ctc(ctc::Search::plain(4, Blank(blank), None).unwrap(), 1);
        assert!(matches!(
            blank(2).decode(&view, |_| ()),
            Err(Failure::Input(message)) if message.starts_with("the blank is token 2")
        ));
        for mut decoder in [Decoder::independent(4, 1, None).unwrap(), blank(1)] {
            let answers = decoder.decode(&view, |_| ()).unwrap();
            let error = answers[0].outcome.as_ref().unwrap_err();
            assert_eq!(error.item(), Some(0));
        }
    }

    #[test]
    fn as_many_hypotheses_are_kept_as_asked_for() {
        let row = [0.5f32, 0.25, 0.125, 0.125];
        let view = ScoresView::probabilities(&row, [1, 4]).unwrap();
        for keep in 1..=4 {
            let search = ctc::Search::plain(4, Blank(3), None).unwrap();
            let decoders = [
                Decoder::independent(4, keep, None).unwrap(),
                Decoder::ctc(search, keep),
            ];
            for (at, mut decoder) in decoders.into_iter().enumerate() {
                let Ok(answers) = decoder.decode(&view, |_| ()) else {
                    panic!("{keep}")
                };
                let hypotheses = answers[0].hypotheses();
                assert_eq!(hypotheses.len(), keep);
                let first = &hypotheses[0];
                assert_eq!((&first.tokens[..], first.score), (&[0][..], 0.5f64.ln()));
                assert_eq!(first.alignment.is_some(), at == 1);
                if let Some(alignment) = &first.alignment {
                    assert_eq!(alignment.frames, [0]);
                    assert_eq!(alignment.score, 0.5f64.ln());
                }
            }
        }
    }
}
