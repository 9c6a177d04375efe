//! Rows that are read when their turn comes, and of which only tokens are listed that can enter
//! the beam.
//!
//! This is for [`Topology::OneSymbol`](super::Topology::OneSymbol) without a scorer, where each
//! row serves once, and is still in the cache when the beam's threshold is known.

use super::settings::Settings;
use crate::error::Error;
use crate::kernels::prefetch::Prefetcher;
use crate::kernels::threshold::ThresholdScan;
use crate::memory::{grow, resize};
use crate::phase;
use crate::score_kind::IMPOSSIBLE;
use crate::scores::{Row, ScoreKind};
use crate::search::late_row::{CollectTokens, RowScan, ScanRow, Source};
use crate::simd::Dispatch;

/// The scans of the rows of one utterance in a frame.
#[derive(Debug, Default)]
pub(super) struct LateRows {
    /// By the rank of the prefix.
    scans: Vec<ThresholdScan>,
    tokens: Vec<u32>,
    logs: Vec<f64>,
    prefetcher: Prefetcher,
    /// What there is room for: kind, tokens of a row, tokens of a list, and rows.
    room: Option<(ScoreKind, usize, usize, usize)>,
}

impl LateRows {
    /// Makes room for the rows of a beam.
    ///
    /// # Errors
    ///
    /// If memory runs out.
    pub(super) fn reserve(&mut self, settings: &Settings, kind: ScoreKind) -> Result<(), Error> {
        let (vocab, beams) = (settings.vocab, settings.beams);
        let width = settings.shortlist_width(false).min(vocab);
        let room = Some((kind, vocab, width, beams));
        if self.room == room {
            return Ok(());
        }
        self.room = None;
        let what = "the tokens of a frame";
        grow(&mut self.scans, beams, what)?;
        for scan in &mut self.scans {
            scan.reserve(kind, vocab, width)?;
        }
        resize(&mut self.tokens, width, what)?;
        resize(&mut self.logs, width, what)?;
        self.room = room;
        Ok(())
    }

    /// Bytes that [`LateRows::reserve`] allocates.
    pub(super) fn bytes_needed(settings: &Settings, kind: ScoreKind) -> usize {
        let (vocab, beams) = (settings.vocab, settings.beams);
        let width = settings.shortlist_width(false).min(vocab);
        let scan = ThresholdScan::bytes_needed(kind, vocab, width);
        let token = size_of::<u32>() + size_of::<f64>();
        let scans = beams.saturating_mul(scan.saturating_add(size_of::<ThresholdScan>()));
        scans.saturating_add(width.saturating_mul(token))
    }

    /// Reads the row of the prefix of a rank; `next` is what will be read next. `None` if it
    /// holds an invalid score.
    pub(super) fn scan(
        &mut self,
        rank: usize,
        source: &Source<'_>,
        next: Row<'_>,
        blank: u32,
        dispatch: Dispatch,
    ) -> Option<RowScan> {
        let _scanning = phase::scan();
        dispatch.run(ScanRow {
            source,
            next,
            prefetcher: &mut self.prefetcher,
            blank,
            threshold: &mut self.scans[rank],
        })
    }

    /// The tokens of the row of a rank, which was scanned, with which a prefix of mass `mass`
    /// reaches `bound`, and maybe some that fall a little short; of more than can matter, the
    /// best. Best first, with their log-probabilities.
    pub(super) fn collect(
        &mut self,
        rank: usize,
        source: &Source<'_>,
        bound: f64,
        mass: f64,
        dispatch: Dispatch,
    ) -> (&[u32], &[f64]) {
        let bound = (bound > IMPOSSIBLE).then(|| source.least_score(bound, mass));
        let count = dispatch.run(CollectTokens {
            source,
            bound,
            threshold: &mut self.scans[rank],
            tokens: &mut self.tokens,
            log_probabilities: &mut self.logs,
        });
        (&self.tokens[..count], &self.logs[..count])
    }
}
