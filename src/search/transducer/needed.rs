//! How much memory an utterance takes at most.

use super::TransducerSearch;
use super::bucket::Waiting;
use super::candidate::Candidate;
use super::feed::{JoinerRow, PredictorStep};
use super::history::{Emission, slack};
use super::late::LateRows;
use super::lists::List;
use super::live::LivePrefix;
use super::record::Record;
use super::selection::Active;
use super::settings::Settings;
use super::stays::Stay;
use super::topology::Topology;
use crate::batch;
use crate::error::Error;
use crate::score_kind::ScoreKind;
use crate::scorers::{self, Scorer};
use crate::search::prefixes::{PrefixTree, Tree};
use crate::search::shortlist::Shortlists;

impl<S: Scorer + Sync> TransducerSearch<S> {
    /// At most the bytes of memory that the search of one utterance of so many frames takes to
    /// its end, results included. What the scorer's states hold elsewhere, and what
    /// [`SpellingLexicon`](crate::scorers::SpellingLexicon) and others hold themselves, comes on
    /// top.
    ///
    /// Most utterances take much less: hypotheses share tokens, and few emit as many in a frame
    /// as [`TransducerSearch::topology`] allows. See
    /// [`IndependentSearch::bytes_needed`](crate::IndependentSearch::bytes_needed) for what it
    /// is for. Utterances that are searched at once need no more than the sum.
    ///
    /// # Errors
    ///
    /// If there are more frames than [`TransducerSearch::MAX_FRAMES`].
    pub fn bytes_needed(&self, frames: usize) -> Result<usize, Error> {
        Settings::check_frames(0, frames)?;
        Ok(self.bytes_of(frames, 0))
    }

    /// What a stream of `frames` complete frames needs at most for `count` more, while it holds
    /// `shared` tokens that all its hypotheses share.
    pub(super) fn bytes_of_stream(&self, frames: usize, count: usize, shared: usize) -> usize {
        let uncommitted = match self.settings.commit_delay {
            // Prefixes are dropped once in `delay` frames, their nodes when the trees have doubled.
            Some(delay) => {
                let ahead = self.settings.topology.frames_ahead();
                times(4, delay.saturating_add(ahead)).min(frames)
            }
            None => frames,
        };
        self.bytes_of(uncommitted.saturating_add(count), shared)
    }

    /// What an utterance of so many frames needs at most behind so many tokens that all
    /// hypotheses share.
    fn bytes_of(&self, frames: usize, shared: usize) -> usize {
        let scored = scorers::scores::<S>();
        let most = Most::new(&self.settings, scored, frames, shared);
        let parts = [
            2 * size_of::<Record<S::State>>(),
            most.buckets(),
            most.live_prefixes(size_of::<S::State>()),
            most.trees(),
            most.lists(),
            most.beams(),
            most.reading(),
            most.results(),
        ];
        parts.into_iter().fold(0, usize::saturating_add)
    }
}

/// The most that there can be of everything.
struct Most<'a> {
    settings: &'a Settings,
    scored: bool,
    /// Tokens that a hypothesis emits in a frame.
    symbols: usize,
    /// Hypotheses that are active in a frame.
    active: usize,
    /// Hypotheses that come to wait in a frame, for each duration.
    arrivals: usize,
    /// Nodes of each tree.
    nodes: usize,
    /// Tokens of a hypothesis.
    tokens: usize,
}

impl<'a> Most<'a> {
    fn new(settings: &'a Settings, scored: bool, frames: usize, shared: usize) -> Self {
        let (beams, durations) = (settings.beams, settings.topology.durations());
        let symbols = match durations[0] {
            0 => settings.topology.max_symbols(),
            // A token leaves its frame.
            _ => 1,
        };
        let active = times(beams, symbols.saturating_add(1));
        let emitted = times(beams, symbols);
        let arrivals = match settings.topology {
            Topology::OneSymbol => beams,
            _ => active.saturating_add(emitted),
        };
        let created = times(times(emitted, durations.len()), frames);
        Most {
            settings,
            scored,
            symbols,
            active,
            arrivals,
            nodes: created
                .max(slack(beams))
                .saturating_add(emitted)
                .saturating_add(1),
            tokens: times(symbols, frames).saturating_add(shared),
        }
    }

    /// Hypotheses that wait, in all buckets.
    fn waiting(&self) -> usize {
        let durations = self.settings.topology.durations().iter();
        let frames: usize = durations
            .map(|&duration| duration.max(1) as usize + 1)
            .sum();
        times(self.arrivals, frames)
    }

    /// Prefixes that are alive, and as many whose states they wait for.
    fn alive(&self) -> usize {
        times(2, self.waiting().saturating_add(self.active))
    }

    fn buckets(&self) -> usize {
        let topology = &self.settings.topology;
        let bucket = times(self.arrivals, topology.durations().len());
        let indices = times(self.alive(), 2 * size_of::<u32>());
        let bucket = times(bucket, size_of::<Waiting>()).saturating_add(indices);
        // And all of them joined.
        let joined = times(self.waiting(), size_of::<Waiting>()).saturating_add(indices);
        doubled(times(bucket, topology.frames_ahead() + 1).saturating_add(joined))
    }

    fn live_prefixes(&self, state: usize) -> usize {
        // Places that are free, slots that were freed, places that leave buckets.
        let prefix = size_of::<LivePrefix>() + state + 3 * size_of::<u32>();
        doubled(times(self.alive(), prefix))
    }

    fn trees(&self) -> usize {
        let node = PrefixTree::BYTES_A_NODE + Tree::<Emission>::BYTES_A_NODE;
        // What all share: as much as the trees have nodes, beside what was shared before.
        let shared = times(self.nodes, 2).saturating_add(self.tokens);
        let nodes = self.alive().max(self.waiting());
        let numbers = times(shared, 3).saturating_add(nodes);
        doubled(times(self.nodes, node).saturating_add(times(numbers, size_of::<u32>())))
    }

    fn lists(&self) -> usize {
        let Settings { vocab, .. } = *self.settings;
        let durations = self.settings.topology.durations().len();
        let token = size_of::<u32>() + size_of::<f64>();
        let width = self.settings.shortlist_width(self.scored).min(vocab);
        let list = size_of::<List>() + durations * size_of::<f64>() + (width + 1) * token;
        let mut all = times(self.active, list);
        if self.scored || self.settings.lists_may_end() {
            let kept = match self.settings.topology {
                Topology::OneSymbol => 0,
                _ => times(vocab, size_of::<f32>()),
            };
            // A list can grow once for each duration and symbol.
            let grown = times(times(times(vocab, token), durations), self.symbols);
            all = all.saturating_add(times(self.active, kept.saturating_add(grown)));
            all = all.saturating_add(times(vocab, size_of::<u64>()));
        }
        doubled(all)
    }

    fn beams(&self) -> usize {
        let beams = self.settings.beams;
        let candidates = times(self.waiting().max(6 * beams + 1), size_of::<Candidate>());
        let keys = times(self.waiting().max(2 * beams), size_of::<u64>());
        // Active now and next; pinned, wanted and computing.
        let active = times(self.active, 2 * size_of::<Active>() + 3 * size_of::<u32>());
        let stay = size_of::<Stay>() + size_of::<f64>() + 3 * size_of::<u32>();
        let stays = times(beams, stay);
        // Steps, rows, and slots; the request and where it is.
        let row = size_of::<PredictorStep>() + size_of::<JoinerRow>() + size_of::<u32>();
        let feed = times(self.alive(), row).saturating_add(256);
        let parts = [candidates, keys, active, stays, feed];
        doubled(parts.into_iter().fold(0, usize::saturating_add))
    }

    /// What reads the rows of a step.
    fn reading(&self) -> usize {
        let settings = self.settings;
        let width = settings.shortlist_width(self.scored);
        let durations = settings.topology.duration_columns();
        let kinds = [
            ScoreKind::Probabilities,
            ScoreKind::LogProbabilities,
            ScoreKind::Logits,
        ];
        let of_kind = |kind| {
            let rows = settings.beams;
            let mut bytes = Shortlists::bytes_of_rows(rows, settings.vocab, width, kind);
            if durations > 0 {
                let more = Shortlists::bytes_of_rows(rows, durations, 1, kind);
                bytes = bytes.saturating_add(more);
            }
            if settings.reads_late() && !self.scored {
                let late = LateRows::bytes_needed(settings, kind);
                bytes = bytes.saturating_add(times(batch::threads(), late));
            }
            bytes
        };
        doubled(kinds.map(of_kind).into_iter().max().unwrap_or(0))
    }

    fn results(&self) -> usize {
        let tokens = times(self.tokens, size_of::<[u32; 3]>());
        // Where it ends, and its scores.
        let hypothesis = tokens.saturating_add(size_of::<usize>() + 5 * size_of::<f64>());
        let count = self.settings.nbest.min(self.settings.beams);
        doubled(times(count, hypothesis).saturating_add(64))
    }
}

fn times(a: usize, b: usize) -> usize {
    a.saturating_mul(b)
}

/// Where memory grows, it is doubled.
fn doubled(bytes: usize) -> usize {
    bytes.saturating_mul(2)
}
