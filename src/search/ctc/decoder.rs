//! Phase two: the prefix beam of one item, frame by frame.
//!
//! ```text
//! beam = {empty prefix: blank = 0, token = -inf}            (log masses)
//! for each frame:
//!     for each prefix p of the beam, e its last token, q the prefix without e:
//!         blank'(p) = mass(p) + log P(blank)
//!         token'(p) = token(p) + log P(e)
//!                     log-plus, if q is in the beam, entering(q, e)
//!     for each prefix p of the beam and token c, p + c not in the beam:
//!         token'(p + c) = entering(p, c)
//!     beam = the best W of all these by mass' = blank' log-plus token'
//!     where entering(p, c) = (c repeats p's last token ? blank(p) : mass(p))
//!                            + log P(c)
//!           mass(p) = blank(p) log-plus token(p)
//! ```
//!
//! The empty prefix has no last token: its token mass stays -inf. A scorer's scores are
//! added to mass' where the best W are taken.
//!
//! (Graves et al. 2006 for the masses; Hannun et al. 2014, algorithm 1, for the
//! beam.) The best single alignment runs along: the same recursion with
//! maximum in place of log-plus, over the same prefixes of the same beam.
//!
//! These departures do not change the answer:
//! 1. An extension is skipped if the ranks of its prefix and its token show that it cannot
//!    enter the beam ([`Settings::extended_by`]), or if it is below a bound that as many
//!    candidates reach as the beam holds ([`Extensions`]).
//! 2. That bound also says which tokens can matter. If there is no list of the row's
//!    best tokens, only tokens that reach the bound are collected ([`Frame::collect`]).
//! 3. Prefixes are nodes of a tree, made for survivors only. A prefix that
//!    left the beam and comes back gets its node again, because the search tells
//!    prefixes apart by their nodes alone.
//! 4. The masses of the prefixes in the beam are updated in vectors ([`Carried`]).
//! 5. If no prefix enters and the order stays, the beam is updated in place. Otherwise the
//!    candidates, which come in a few sorted runs, are merged ([`RunSort`]).
//! 6. While the beam is updated, the next row is prefetched ([`pace`]).
//! 7. The tokens and frames that all live prefixes share are moved out of the trees now and
//!    then ([`History`]).

use super::beam::{Beam, Prefix};
use super::candidate::{self, Candidate, Origin};
use super::carried::Carried;
use super::ended::Ended;
use super::extensions::{self, Extensions};
use super::frame::{Frame, Source};
use super::links::Links;
use super::nbest::CtcNBest;
use super::pace;
use super::rebuild::Rebuild;
use super::runs::RunSort;
use super::scored_extensions::ScoredExtensions;
use super::settings::Settings;
use super::states::States;
use crate::cancellation::{Cancellation, Interrupt, Watch};
use crate::error::Error;
use crate::kernels::prefetch::Prefetcher;
use crate::memory::reserve;
use crate::score_kind::IMPOSSIBLE;
use crate::scorers::{self, Scorer};
use crate::scores::{Row, ScoreKind};
use crate::search::aligned::Scores;
use crate::search::prefixes::History;
use crate::search::shortlist::Shortlist;
use crate::simd::Dispatch;

/// The beam of one item and all that goes with it. It keeps its memory from
/// one item to the next.
#[derive(Clone, Debug)]
pub(super) struct Decoder<T> {
    frames: u32,
    watch: Watch,
    prefetcher: Prefetcher,
    history: History,
    beam: Beam,
    states: States<T>,
    links: Links,
    frame: Frame,
    carried: Carried,
    extensions: Extensions,
    candidates: Vec<Candidate>,
    runs: RunSort,
    next: Beam,
}

impl<T> Default for Decoder<T> {
    fn default() -> Self {
        Decoder {
            frames: 0,
            watch: Watch::default(),
            prefetcher: Prefetcher::default(),
            history: History::default(),
            beam: Beam::default(),
            states: States::default(),
            links: Links::default(),
            frame: Frame::default(),
            carried: Carried::default(),
            extensions: Extensions::default(),
            candidates: Vec::new(),
            runs: RunSort::default(),
            next: Beam::default(),
        }
    }
}

/// What stays the same for all frames.
pub(super) struct Search<'a, S> {
    pub(super) settings: &'a Settings,
    pub(super) scorer: &'a S,
    pub(super) dispatch: Dispatch,
    pub(super) cancellation: &'a Cancellation,
}

/// Frames of few beams from one look at the token to the next. One of many beams looks at it in
/// between.
const FRAMES: u32 = 8;

/// So many beams are many.
const MANY_BEAMS: usize = 1 << 10;

impl<T> Decoder<T> {
    /// Begins an item.
    ///
    /// # Errors
    ///
    /// If memory runs out.
    pub(super) fn reset<S: Scorer<State = T>>(
        &mut self,
        search: &Search<'_, S>,
        kind: ScoreKind,
        vocab: usize,
    ) -> Result<(), Error> {
        let settings = search.settings;
        let beams = settings.beams;
        self.frames = 0;
        self.prefetcher = Prefetcher::default();
        self.history.reset(settings.beams)?;
        self.beam.reset(beams)?;
        self.next.reset(beams)?;
        self.links.reset(beams, vocab)?;
        let scored = scorers::scores::<S>();
        self.frame.reserve(settings, kind, vocab, scored)?;
        self.carried.reset(beams)?;
        self.extensions.reset(beams)?;
        let most = extensions::most_candidates(settings);
        self.candidates.clear();
        reserve(&mut self.candidates, most, "the candidates of a frame")?;
        self.runs.reserve(most)?;
        self.states.reset(beams)?;
        let start = search.scorer.start();
        let most = search.scorer.max_score(&start);
        let follow = search.scorer.may_follow(&start);
        self.beam.start(self.states.insert(start), most, follow);
        self.changed();
        Ok(())
    }

    /// About the bytes that [`Decoder::reset`] allocates.
    pub(super) fn bytes_needed(settings: &Settings, vocab: usize, scored: bool) -> usize {
        let prefix = size_of::<Prefix>() + 6 * size_of::<f64>() + size_of::<u32>();
        let states = States::<T>::BYTES_A_PREFIX;
        // Ten arrays of f64 and eight of u32 for what is known by rank.
        let ranks = 2 * (5 * size_of::<f64>() + 4 * size_of::<u32>());
        let candidates = 2 * extensions::most_candidates(settings) * size_of::<Candidate>();
        let history = History::bytes_needed(settings.beams);
        let parts = [
            settings.beams.saturating_mul(2 * prefix + ranks + states),
            history,
            candidates,
            vocab.saturating_mul(size_of::<u32>()),
            Frame::bytes_needed(settings, vocab, scored),
        ];
        parts.into_iter().fold(0, usize::saturating_add)
    }

    /// How many nodes its trees have, the larger of them, and how many tokens all prefixes
    /// share and were not taken.
    pub(super) fn held(&self) -> [usize; 2] {
        self.history.held()
    }

    /// The number of frames read.
    pub(super) fn frames(&self) -> u32 {
        self.frames
    }

    /// Takes a frame of which phase one made a list.
    ///
    /// # Errors
    ///
    /// If memory runs out, or the search is cancelled; the frame is then not taken.
    pub(super) fn advance<S: Scorer<State = T>>(
        &mut self,
        search: &Search<'_, S>,
        list: Shortlist<'_>,
        source: &Source<'_>,
    ) -> Result<(), Ended> {
        self.look_now_and_then(search)?;
        self.history.reserve(search.settings.beams)?;
        self.frame.take_list(search.settings, list, source);
        Ok(self.step(search, source, &mut Prefetcher::default(), false)?)
    }

    /// Reads a frame, without a scorer and without pruning of tokens; `next` is
    /// what will be read next. `false` if the row holds an invalid score.
    ///
    /// # Errors
    ///
    /// If memory runs out, or the search is cancelled; the frame is then not taken.
    pub(super) fn read<S: Scorer<State = T>>(
        &mut self,
        search: &Search<'_, S>,
        source: &Source<'_>,
        next: Row<'_>,
    ) -> Result<bool, Ended> {
        // Rows that are read late are long.
        self.watch.look(search.cancellation)?;
        self.history.reserve(search.settings.beams)?;
        let scanned = self.frame.scan(
            search.settings,
            source,
            next,
            &mut self.prefetcher,
            search.dispatch,
        );
        let Some(normaliser) = scanned else {
            return Ok(false);
        };
        let source = Source {
            normaliser,
            ..*source
        };
        let mut prefetcher = self.prefetcher;
        let stepped = self.step(search, &source, &mut prefetcher, true);
        self.prefetcher = prefetcher;
        stepped?;
        Ok(true)
    }

    /// Looks at the token before a frame: each of a scorer, which takes long, and some others.
    #[inline]
    fn look_now_and_then<S: Scorer>(&mut self, search: &Search<'_, S>) -> Result<(), Interrupt> {
        match scorers::scores::<S>() || self.frames.is_multiple_of(FRAMES) {
            true => self.watch.look(search.cancellation),
            false => Ok(()),
        }
    }

    /// Looks at the token within a frame, if there are many beams.
    #[inline]
    fn look_within<S: Scorer>(&mut self, search: &Search<'_, S>) -> Result<(), Interrupt> {
        match search.settings.beams >= MANY_BEAMS {
            true => self.watch.look(search.cancellation),
            false => Ok(()),
        }
    }

    /// Makes the beam that of the next frame. Nothing has changed if it returns early.
    ///
    /// # Errors
    ///
    /// If the search is cancelled.
    fn step<S: Scorer<State = T>>(
        &mut self,
        search: &Search<'_, S>,
        source: &Source<'_>,
        prefetcher: &mut Prefetcher,
        late: bool,
    ) -> Result<(), Interrupt> {
        let (settings, dispatch) = (search.settings, search.dispatch);
        let (beam, links, frame) = (&self.beam, &self.links, &self.frame);
        prefetcher.prefetch_next::<{ pace::STAGE }>();
        self.carried
            .read_lasts(settings, links, frame, source, dispatch);
        self.carried
            .step(beam, links, frame.blank(), prefetcher, dispatch);
        prefetcher.prefetch_next::<{ pace::STAGE }>();
        self.carried.score::<S>(beam);
        self.look_within(search)?;
        self.candidates.clear();
        let bound = if scorers::scores::<S>() {
            self.extend_scored(search, source)?;
            IMPOSSIBLE
        } else {
            self.extend(search, source, prefetcher, late)
        };
        self.look_within(search)?;
        if self.candidates.is_empty() && self.carried.keep_their_order(self.beam.length) {
            let (entries, at) = (&mut self.history.entries, self.frames);
            let blank = self.frame.blank();
            self.carried
                .replace(&mut self.beam, &self.links, blank, entries, at, prefetcher);
        } else {
            self.add_carried(bound);
            self.choose(search, prefetcher);
        }
        self.frames += 1;
        if let Some(distance) = settings.pruning.score_threshold {
            self.drop_below(distance);
        }
        if let Some(delay) = settings.pruning.commit_delay
            && (self.frames as usize).is_multiple_of(delay)
        {
            self.commit(delay);
        }
        let beam = &mut self.beam.prefixes[..self.beam.length];
        self.history.compact_if_grown(settings.beams, beam);
        Ok(())
    }

    /// Adds the extensions that can enter the beam to the candidates; returns a
    /// score that whatever enters it reaches.
    fn extend<S: Scorer<State = T>>(
        &mut self,
        search: &Search<'_, S>,
        source: &Source<'_>,
        prefetcher: &mut Prefetcher,
        late: bool,
    ) -> f64 {
        let settings = search.settings;
        let Decoder {
            beam,
            links,
            frame,
            carried,
            extensions,
            candidates,
            ..
        } = self;
        let mut bound = Extensions::bound_of_carried(settings, carried, beam.length);
        prefetcher.prefetch_next::<{ pace::STAGE }>();
        if let Some(best) = frame.best() {
            bound = extensions.raise(settings, beam, links, carried, best, bound);
        }
        prefetcher.prefetch_next::<{ pace::STAGE }>();
        if late && let Some(&mass) = beam.masses.all[..beam.length].first() {
            frame.collect(settings, source, bound, mass, search.dispatch);
        }
        prefetcher.prefetch_next::<{ pace::STAGE }>();
        Extensions::extend(settings, beam, links, frame, bound, candidates);
        prefetcher.prefetch_next::<{ pace::STAGE }>();
        bound
    }

    /// Adds the extensions that can enter the beam to the candidates, with a scorer.
    ///
    /// # Errors
    ///
    /// If the search is cancelled.
    fn extend_scored<S: Scorer<State = T>>(
        &mut self,
        search: &Search<'_, S>,
        source: &Source<'_>,
    ) -> Result<(), Interrupt> {
        let (settings, candidates) = (search.settings, &mut self.candidates);
        let mut extensions = ScoredExtensions {
            settings,
            scorer: search.scorer,
            beam: &self.beam,
            states: &self.states,
            links: &self.links,
            carried: &self.carried,
            watch: &mut self.watch,
            cancellation: search.cancellation,
            bound: Extensions::bound_of_carried(settings, &self.carried, self.beam.length),
        };
        extensions.extend(&mut self.frame, source, candidates)?;
        candidate::keep_best(candidates, settings.beams);
        Ok(())
    }

    /// Adds the prefixes of the beam that reach `bound` to the candidates.
    fn add_carried(&mut self, bound: f64) {
        let scores = self.carried.scores[..self.beam.length].iter();
        for ((rank, &score), &source) in scores.enumerate().zip(&self.carried.sources) {
            if score >= bound && score > IMPOSSIBLE {
                self.candidates
                    .push(candidate::carried(score, source as usize, rank));
            }
        }
    }

    /// Makes the best candidates the beam.
    fn choose<S: Scorer<State = T>>(
        &mut self,
        search: &Search<'_, S>,
        prefetcher: &mut Prefetcher,
    ) {
        let beams = search.settings.beams;
        if self.candidates.len() > 2 * beams {
            candidate::keep_best(&mut self.candidates, beams);
        }
        prefetcher.prefetch_next::<{ pace::STAGE }>();
        self.runs.sort(&mut self.candidates, beams);
        prefetcher.prefetch_next::<{ pace::STAGE }>();
        let rebuild = Rebuild {
            beam: &self.beam,
            links: &self.links,
            carried: &self.carried,
            frame: &self.frame,
            at: self.frames,
            history: &mut self.history,
            next: &mut self.next,
            states: &mut self.states,
            prefetcher,
        };
        rebuild.run(&self.candidates, search.scorer);
        std::mem::swap(&mut self.beam, &mut self.next);
        self.changed();
    }

    /// The beam holds other prefixes, or in another order.
    fn changed(&mut self) {
        self.links
            .rebuild(self.beam.prefixes(), &mut self.history.prefixes);
        self.carried.rank_by_themselves();
    }

    /// Drops the prefixes that score more than `distance` below the best.
    fn drop_below(&mut self, distance: f64) {
        if self.beam.length == 0 {
            return;
        }
        let least = self.beam.score(0) - distance;
        let kept = (0..self.beam.length)
            .take_while(|&rank| self.beam.score(rank) >= least)
            .count();
        if kept < self.beam.length {
            self.truncate(kept);
        }
    }

    /// Leaves the first `length` prefixes.
    fn truncate(&mut self, length: usize) {
        let dropped = length..self.beam.length;
        self.states.release(&self.beam.states[dropped]);
        self.beam.truncate(length);
        self.changed();
    }

    /// Drops the prefixes that differ from the best in tokens that it entered
    /// more than `delay` frames ago.
    fn commit(&mut self, delay: usize) {
        let recent = self.frames - delay as u32;
        let Some(best) = self.beam.prefixes().first() else {
            return;
        };
        let Some(committed) =
            self.history
                .node_before(best.node, best.best(self.frames).spot.entry(), recent)
        else {
            return;
        };
        let tree = self.history.prefixes.tree();
        let mut kept = 0;
        for rank in 0..self.beam.length {
            // An ancestor's index is below its descendants'.
            let mut node = self.beam.prefixes[rank].node;
            while node > committed {
                node = tree.parent(node);
            }
            if node == committed {
                self.beam.swap(kept, rank);
                kept += 1;
            }
        }
        self.truncate(kept);
    }

    /// See [`History::shared`]; as much as is shared by now.
    pub(super) fn shared(&mut self) -> (&[u32], &[u32]) {
        let beam = &mut self.beam.prefixes[..self.beam.length];
        self.history.compact(beam);
        self.history.shared()
    }

    /// Forgets the first `length` of [`Decoder::shared`].
    pub(super) fn forget_shared(&mut self, length: usize) {
        self.history.forget_shared(length);
    }

    /// Appends the prefixes alive as the hypotheses of an item, whether the
    /// input ends here or not.
    ///
    /// # Errors
    ///
    /// If memory runs out, or a token cancels it.
    pub(super) fn write<S: Scorer<State = T>>(
        &mut self,
        scorer: &S,
        ended: bool,
        most: usize,
        nbest: &mut CtcNBest,
        cancellation: &Cancellation,
    ) -> Result<(), Ended> {
        let (beam, states) = (&self.beam, &self.states);
        let scored = |rank: usize| match (scorers::scores::<S>(), ended) {
            (false, _) => 0.0,
            (true, false) => beam.scored[rank] + 0.0,
            (true, true) => beam.scored[rank] + scorer.finish(states.get(beam.states[rank])),
        };
        self.candidates.clear();
        for rank in 0..beam.length {
            let scored = scored(rank);
            if scored.is_finite() {
                let score = beam.masses.all[rank] + scored;
                self.candidates.push(candidate::carried(score, rank, rank));
            }
        }
        self.candidates.sort_unstable();
        for &candidate in self.candidates.iter().take(most) {
            let Origin::Carried { rank } = candidate::unpack(candidate) else {
                continue;
            };
            self.watch.look(cancellation)?;
            let (prefix, scored) = (&beam.prefixes[rank], scored(rank));
            let (mass, best) = (beam.masses.all[rank], prefix.best(self.frames));
            let scores = Scores {
                score: mass + scored,
                log_mass: mass + 0.0,
                alignment: best.score,
                scorer: scored,
            };
            let tokens = self.history.tokens(prefix.node)?;
            let [frames, last_frames] = nbest.push(tokens, scores)?;
            let spot = best.spot;
            self.history
                .read_frames(spot.entry(), spot.last(), frames, last_frames);
        }
        Ok(())
    }
}

/// Appends the one hypothesis of an item that has no frames (yet): nothing.
///
/// # Errors
///
/// If memory runs out.
pub(super) fn write_empty<S: Scorer>(
    scorer: &S,
    ended: bool,
    nbest: &mut CtcNBest,
) -> Result<(), Error> {
    let scored = match (scorers::scores::<S>(), ended) {
        // Summed as for other prefixes, or a zero could have another sign.
        (true, true) => 0.0 + scorer.finish(&scorer.start()),
        _ => 0.0,
    };
    if scored.is_finite() {
        let scores = Scores {
            score: scored,
            log_mass: 0.0,
            alignment: 0.0,
            scorer: scored,
        };
        nbest.push([&[], &[]], scores)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests;
