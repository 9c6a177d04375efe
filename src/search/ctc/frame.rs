//! One frame, as phase two sees it.

use super::settings::Settings;
use crate::error::Error;
use crate::kernels::prefetch::Prefetcher;
use crate::kernels::threshold::ThresholdScan;
use crate::memory::{reserve, resize};
use crate::order::{key_token, rank_key};
use crate::phase;
use crate::score_kind::IMPOSSIBLE;
use crate::scores::{Row, ScoreKind};
pub(super) use crate::search::late_row::Source;
use crate::search::late_row::{CollectTokens, FirstToken, ScanRow};
use crate::search::shortlist::Shortlist;
use crate::simd::Dispatch;

/// The blank's log-probability and the frame's best other tokens, best first.
///
/// They come from one of two places:
/// - from a list that phase one made, all at once ([`Frame::take_list`]);
/// - from the row itself, which phase two then reads when its turn comes
///   ([`Frame::scan`], [`Frame::collect`]). It knows the beam, so it can say how
///   good a token must be to matter, and most often a handful is.
#[derive(Clone, Debug, Default)]
pub(super) struct Frame {
    blank: f64,
    tokens: Vec<u32>,
    log_probabilities: Vec<f64>,
    /// How many of them are listed.
    listed: usize,
    /// The last token of a list that may lack tokens which pruning leaves.
    listed_to: Option<u32>,
    /// The best token of a row that was scanned, unless it is the blank.
    best: Option<(u32, f64)>,
    threshold: ThresholdScan,
    /// The keys of tokens that a list lacked.
    more: Vec<u64>,
}

impl Frame {
    /// Makes room for frames of `vocab` tokens.
    pub(super) fn reserve(
        &mut self,
        settings: &Settings,
        kind: ScoreKind,
        vocab: usize,
        scored: bool,
    ) -> Result<(), Error> {
        let width = settings.shortlist_width().min(vocab);
        let what = "the tokens of a frame";
        // A scorer may need more of them than are listed at first.
        let most = if scored { vocab } else { width };
        self.more.clear();
        reserve(&mut self.more, most - width, what)?;
        resize(&mut self.tokens, most, what)?;
        resize(&mut self.log_probabilities, most, what)?;
        self.threshold.reserve(kind, vocab, width)
    }

    /// Bytes that [`Frame::reserve`] allocates for a scorer beyond what a list of phase one
    /// takes.
    pub(super) fn bytes_needed(settings: &Settings, vocab: usize, scored: bool) -> usize {
        let width = settings.shortlist_width().min(vocab);
        let token = size_of::<u32>() + size_of::<f64>() + size_of::<u64>();
        match scored {
            true => (vocab - width).saturating_mul(token),
            false => 0,
        }
    }

    /// Takes the place of the frame before: all that phase one listed and
    /// pruning leaves.
    pub(super) fn take_list(
        &mut self,
        settings: &Settings,
        list: Shortlist<'_>,
        source: &Source<'_>,
    ) {
        self.listed = 0;
        self.best = None;
        self.listed_to = None;
        self.blank = source.log_probability(settings.blank);
        let pruning = &settings.pruning;
        if pruning.skips(self.blank) {
            return;
        }
        let most = pruning.top_tokens.unwrap_or(usize::MAX);
        let least = pruning.min_token_log_probability.unwrap_or(IMPOSSIBLE);
        for (&token, &log) in list.tokens.iter().zip(list.log_probabilities) {
            if log < least || self.listed == most {
                return;
            }
            self.push(settings.blank, token, log);
        }
        let is_full = list.tokens.len() == settings.shortlist_width();
        if is_full && pruning.top_tokens.is_none() {
            self.listed_to = list.tokens.last().copied();
        }
    }

    /// Whether tokens that are not listed may be possible, where pruning leaves them.
    pub(super) fn lacks_tokens(&self) -> bool {
        self.listed_to.is_some()
    }

    /// Lists more tokens: those with which a prefix of mass `mass` reaches `bound`, and
    /// maybe some that fall a little short. Reads the whole row, token by token.
    #[cold]
    pub(super) fn list_more(
        &mut self,
        settings: &Settings,
        source: &Source<'_>,
        bound: f64,
        mass: f64,
    ) {
        let Some(last) = self.listed_to.take() else {
            return;
        };
        let floor = source.kind.impossible();
        let least = match bound > IMPOSSIBLE {
            true => source.least_score(bound, mass),
            false => floor,
        };
        let score = |token: u32| source.row.get(token as usize);
        let last = rank_key(score(last), last);
        self.more.clear();
        for token in 0..source.row.len() as u32 {
            let score = score(token);
            let key = rank_key(score, token);
            if score >= least && score > floor && key > last {
                self.more.push(key);
            }
        }
        self.more.sort_unstable();
        let least = settings.pruning.min_token_log_probability;
        for place in 0..self.more.len() {
            let token = key_token(self.more[place]);
            let log = source.log_probability(token);
            if least.is_some_and(|least| log < least) {
                break;
            }
            self.push(settings.blank, token, log);
        }
    }

    /// Takes the place of the frame before: reads the row, but lists no token
    /// yet. `None` if it holds an invalid score, else its normaliser. `next` is
    /// what will be read next; on return `prefetcher` points into it.
    pub(super) fn scan(
        &mut self,
        settings: &Settings,
        source: &Source<'_>,
        next: Row<'_>,
        prefetcher: &mut Prefetcher,
        dispatch: Dispatch,
    ) -> Option<f64> {
        let _scanning = phase::scan();
        self.listed = 0;
        let scanned = dispatch.run(ScanRow {
            source,
            next,
            prefetcher,
            blank: settings.blank,
            threshold: &mut self.threshold,
        })?;
        let normalised = Source {
            normaliser: scanned.normaliser,
            ..*source
        };
        self.blank = normalised.log_probability(settings.blank);
        self.best = scanned.best.and_then(|largest| {
            let token = dispatch.run(FirstToken {
                source,
                threshold: &self.threshold,
                largest,
            })?;
            Some((token, normalised.log_of(largest)))
        });
        Some(scanned.normaliser)
    }

    /// Lists the tokens of a row that was scanned with which a prefix of mass
    /// `mass` reaches `bound`, and maybe some that fall a little short; of more
    /// than can matter, the best.
    pub(super) fn collect(
        &mut self,
        settings: &Settings,
        source: &Source<'_>,
        bound: f64,
        mass: f64,
        dispatch: Dispatch,
    ) {
        let bound = (bound > IMPOSSIBLE).then(|| source.least_score(bound, mass));
        let count = dispatch.run(CollectTokens {
            source,
            bound,
            threshold: &mut self.threshold,
            tokens: &mut self.tokens,
            log_probabilities: &mut self.log_probabilities,
        });
        for place in 0..count {
            self.push(
                settings.blank,
                self.tokens[place],
                self.log_probabilities[place],
            );
        }
    }

    /// Lists a token, unless it is the blank.
    #[inline]
    fn push(&mut self, blank: u32, token: u32, log_probability: f64) {
        if token != blank {
            self.tokens[self.listed] = token;
            self.log_probabilities[self.listed] = log_probability;
            self.listed += 1;
        }
    }

    /// The log-probability of the last token that is listed.
    pub(super) fn last_log_probability(&self) -> f64 {
        let last = self.listed.checked_sub(1);
        last.map_or(0.0, |last| self.log_probabilities[last])
    }

    pub(super) fn blank(&self) -> f64 {
        self.blank
    }

    /// The best token and its log-probability, as far as it is known.
    pub(super) fn best(&self) -> Option<(u32, f64)> {
        self.best.or_else(|| self.listed().next())
    }

    /// The tokens listed, without the blank and impossible ones, and their
    /// log-probabilities, best first.
    pub(super) fn listed(&self) -> impl ExactSizeIterator<Item = (u32, f64)> {
        let tokens = self.tokens[..self.listed].iter().copied();
        tokens.zip(self.log_probabilities[..self.listed].iter().copied())
    }

    /// The token of a place in the list, and its log-probability.
    #[inline(always)]
    pub(super) fn at(&self, place: usize) -> (u32, f64) {
        (self.tokens[place], self.log_probabilities[place])
    }
}
