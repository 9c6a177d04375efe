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
//! ```
//!
//! (Graves et al. 2006 for the masses; Hannun et al. 2014, algorithm 1, for the
//! beam.) The best single alignment runs along: the same recursion with
//! maximum in place of log-plus, over the same prefixes of the same beam.
//!
//! Departures, none of which changes the answer:
//! 1. Only the extensions that can reach the beam are looked at
//!    ([`Settings::cells`]), and of those only the ones that reach a bound that
//!    as many other candidates reach ([`Decoder::entry_bound`]).
//! 2. Prefixes are nodes of a tree, made for survivors only. A prefix that
//!    left the beam and comes back has its node again, because all the search
//!    knows of the identity of prefixes are nodes.
//! 3. What is added up over the beam is added up in vectors.
//! 4. What all live prefixes share is moved out of the trees now and then.

use super::beam::{Beam, Path, Prefix, padded};
use super::candidate::{self, Candidate, Move};
use super::frame::{Frame, Source};
use super::nbest::{CtcNBest, Scores};
use super::scorer::Scorer;
use super::settings::Settings;
use super::tree::{NONE, PrefixTree, Tree};
use crate::kernels::log_add::log_add_f64;
use crate::search::shortlist::Shortlist;
use crate::simd::{Dispatch, F64_LANES, F64Lanes, Float64, Kernel, Simd};

const IMPOSSIBLE: f64 = f64::NEG_INFINITY;

/// The beam of one item and all that goes with it. It keeps its memory from
/// one item to the next.
#[derive(Debug)]
pub(super) struct Decoder<T> {
    frames: u32,
    prefixes: PrefixTree,
    /// Of each alignment that may still be the best of a prefix, the frames at
    /// which it entered the prefix's tokens.
    entries: Tree,
    beam: Beam<T>,
    next: Beam<T>,
    frame: Frame,
    stays: Stays,
    /// Of each cell of [`Settings::cells`], whether it leads into the beam.
    /// Without a scorer only: with one there are no cells, and the tree is asked.
    merged: Vec<bool>,
    candidates: Vec<Candidate>,
    /// The extensions of the beam by the frame's best token.
    column: Vec<f64>,
    /// The alignments that enter prefixes of the beam.
    arrivals: Vec<Path>,
    /// Compact at this many nodes.
    limits: [usize; 2],
    live: Vec<u32>,
    /// What all live prefixes share, and has left the trees.
    shared_tokens: Vec<u32>,
    shared_frames: Vec<u32>,
}

impl<T> Default for Decoder<T> {
    fn default() -> Self {
        Decoder {
            frames: 0,
            prefixes: PrefixTree::default(),
            entries: Tree::default(),
            beam: Beam::default(),
            next: Beam::default(),
            frame: Frame::default(),
            stays: Stays::default(),
            merged: Vec::new(),
            candidates: Vec::new(),
            column: Vec::new(),
            arrivals: Vec::new(),
            limits: [0; 2],
            live: Vec::new(),
            shared_tokens: Vec::new(),
            shared_frames: Vec::new(),
        }
    }
}

/// What a frame makes of the prefixes that are in the beam, by rank.
#[derive(Debug, Default)]
struct Stays {
    /// The log-probability of the prefix's last token.
    repeat: Vec<f64>,
    /// Its place in the frame.
    place: Vec<u32>,
    /// The cell that leads to it from the prefix one token shorter, or
    /// [`NONE`].
    cell: Vec<u32>,
    /// The rank of the prefix one token shorter, or [`NONE`].
    parent: Vec<u32>,
    /// The mass that enters from there.
    entering: Vec<f64>,
    blank: Vec<f64>,
    token: Vec<f64>,
    mass: Vec<f64>,
    /// The mass and the scorer's scores.
    score: Vec<f64>,
}

impl Stays {
    fn reset(&mut self, beams: usize) {
        let padded = padded(beams);
        for array in [
            &mut self.repeat,
            &mut self.entering,
            &mut self.blank,
            &mut self.token,
            &mut self.mass,
            &mut self.score,
        ] {
            array.resize(padded, IMPOSSIBLE);
        }
        self.place.resize(padded, 0);
        self.cell.resize(padded, NONE);
        self.parent.resize(padded, NONE);
    }
}

impl<T: Clone> Decoder<T> {
    /// Begins an item.
    pub(super) fn reset<S: Scorer<State = T>>(
        &mut self,
        settings: &Settings,
        scorer: &S,
        vocab: usize,
    ) {
        self.frames = 0;
        self.prefixes.reset();
        self.entries.reset();
        self.limits = [Self::slack(settings); 2];
        self.beam.reset(settings.beams);
        self.next.reset(settings.beams);
        self.beam.start(scorer.start());
        self.prefixes.set_rank(0, 0);
        self.frame.reset(vocab);
        self.stays.reset(settings.beams);
        let cells = if S::SCORES { 0 } else { settings.all_cells() };
        self.merged.clear();
        self.merged.resize(cells, false);
        self.shared_tokens.clear();
        self.shared_frames.clear();
    }

    /// Bytes that [`Decoder::reset`] asks for.
    pub(super) fn bytes_needed(settings: &Settings, vocab: usize) -> usize {
        let prefix = size_of::<Prefix>() + 4 * size_of::<f64>() + size_of::<T>();
        let stay = 6 * size_of::<f64>() + 3 * size_of::<u32>();
        settings.beams * (2 * prefix + stay) + settings.all_cells() + vocab * size_of::<u32>()
    }

    /// How far the trees may grow beyond what compaction leaves.
    fn slack(settings: &Settings) -> usize {
        8 * settings.beams + 1024
    }

    /// The number of frames read.
    pub(super) fn frames(&self) -> u32 {
        self.frames
    }

    /// Reads a frame.
    pub(super) fn advance<S: Scorer<State = T>>(
        &mut self,
        settings: &Settings,
        scorer: &S,
        dispatch: Dispatch,
        list: Shortlist<'_>,
        source: &Source<'_>,
    ) {
        self.frame.read(list, source, settings.blank);
        self.stay::<S>(settings, source, dispatch);
        self.candidates.clear();
        if S::SCORES {
            self.extend_scored(settings, scorer);
        } else {
            self.extend(settings);
        }
        self.clear_merged();
        if self.candidates.is_empty() && self.keeps_its_order() {
            self.stay_in_place();
        } else {
            self.add_stays();
            candidate::keep_best(&mut self.candidates, settings.beams);
            self.candidates.sort_unstable();
            self.rebuild(scorer);
        }
        self.frames += 1;
        if let Some(distance) = settings.pruning.score_threshold {
            self.drop_below::<S>(distance);
        }
        if let Some(delay) = settings.pruning.settle
            && (self.frames as usize).is_multiple_of(delay)
        {
            self.settle(delay);
        }
        if self.prefixes.len() > self.limits[0] || self.entries.len() > self.limits[1] {
            self.compact();
            let slack = Self::slack(settings);
            self.limits = [self.prefixes.len(), self.entries.len()].map(|kept| 2 * kept + slack);
        }
    }

    /// What the frame makes of each prefix that is in the beam.
    fn stay<S: Scorer>(&mut self, settings: &Settings, source: &Source<'_>, dispatch: Dispatch) {
        let Decoder {
            beam, stays, frame, ..
        } = self;
        for prefix in beam.prefixes() {
            if prefix.last != NONE {
                frame.ask(prefix.last, source);
            }
        }
        frame.complete(source, dispatch);

        let prefixes = beam.prefixes();
        let length = prefixes.len();
        let (blank, mass) = (&beam.blank[..length], &beam.mass[..length]);
        let repeats = &mut stays.repeat[..length];
        let places = &mut stays.place[..length];
        let parents = &mut stays.parent[..length];
        let cells = &mut stays.cell[..length];
        let enterings = &mut stays.entering[..length];
        for (rank, prefix) in prefixes.iter().enumerate() {
            let last = prefix.last;
            let (mut repeat, mut place) = (IMPOSSIBLE, NONE as usize);
            if last != NONE {
                place = frame.place(last);
                repeat = frame.log_probability(place);
            }
            let parent = self.prefixes.parent_rank(prefix.node);
            let (mut entering, mut leads) = (IMPOSSIBLE, NONE);
            if parent != NONE {
                let from = parent as usize;
                let doubled = prefixes[from].last == last;
                entering = repeat + if doubled { blank[from] } else { mass[from] };
                let within = settings.cells(from);
                if !S::SCORES && place < within.len().min(frame.tokens().len()) {
                    let cell = within.start + place;
                    self.merged[cell] = true;
                    leads = cell as u32;
                }
            }
            repeats[rank] = repeat;
            places[rank] = place as u32;
            parents[rank] = parent;
            cells[rank] = leads;
            enterings[rank] = entering;
        }
        let blank = frame.blank();
        dispatch.run(StayMasses { blank, beam, stays });
        if S::SCORES {
            for rank in 0..length {
                stays.score[rank] = stays.mass[rank] + beam.scored[rank];
            }
        } else {
            stays.score[..length].copy_from_slice(&stays.mass[..length]);
        }
    }

    /// Undoes what [`Decoder::stay`] did to `merged`.
    fn clear_merged(&mut self) {
        for &cell in &self.stays.cell[..self.beam.length] {
            if cell != NONE {
                self.merged[cell as usize] = false;
            }
        }
    }

    /// Adds the extensions that can reach the beam to the candidates.
    fn extend(&mut self, settings: &Settings) {
        let bound = self.entry_bound(settings);
        let Decoder {
            beam,
            stays,
            candidates,
            ..
        } = self;
        let log_probabilities = self.frame.log_probabilities();
        let Some(best) = log_probabilities.first() else {
            return;
        };
        let masses = &beam.mass[..beam.length];
        let places = &stays.place[..beam.length];
        for (rank, (mass, &own)) in masses.iter().zip(places).enumerate() {
            if mass + best < bound {
                break;
            }
            let merged = &self.merged[settings.cells(rank)];
            for (place, (log, &merged)) in log_probabilities.iter().zip(merged).enumerate() {
                let score = mass + log;
                if score < bound {
                    break;
                }
                if merged {
                    continue;
                }
                if place != own as usize {
                    candidates.push(candidate::extension(score, rank, place));
                } else {
                    let score = beam.blank[rank] + log;
                    if score >= bound && score > IMPOSSIBLE {
                        candidates.push(candidate::extension(score, rank, place));
                    }
                }
            }
        }
    }

    /// A score that at least as many candidates reach as the beam holds, so
    /// that whatever is below it cannot enter; -infinity if there are fewer.
    ///
    /// The candidates counted are the stays and the extensions by the frame's
    /// best token: where the frame is sure of anything, that is nearly all that
    /// survives.
    fn entry_bound(&mut self, settings: &Settings) -> f64 {
        let Decoder { beam, stays, .. } = self;
        let scores = &stays.score[..beam.length];
        let mut bound = IMPOSSIBLE;
        if beam.length == settings.beams {
            bound = scores.iter().copied().fold(f64::INFINITY, f64::min);
        }
        let Some(best) = self.frame.log_probabilities().first() else {
            return bound;
        };
        self.column.clear();
        let masses = &beam.mass[..beam.length];
        let places = &stays.place[..beam.length];
        for (rank, (mass, &own)) in masses.iter().zip(places).enumerate() {
            let score = mass + best;
            if score <= bound {
                break;
            }
            if own != 0 && !self.merged[settings.cells(rank).start] {
                self.column.push(score);
            }
        }
        // The least j such that the first j + 1 of the column and the stays no
        // worse than its j-th fill the beam.
        let (mut low, mut high) = (0, self.column.len());
        while low < high {
            let middle = (low + high) / 2;
            let score = self.column[middle];
            let stays = scores.iter().filter(|&&stay| stay >= score).count();
            if middle + 1 + stays >= settings.beams {
                high = middle;
            } else {
                low = middle + 1;
            }
        }
        self.column
            .get(low)
            .map_or(bound, |&score| score.max(bound))
    }

    /// Adds every extension by a listed token to the candidates: a scorer can
    /// lift any of them.
    fn extend_scored<S: Scorer<State = T>>(&mut self, settings: &Settings, scorer: &S) {
        let Decoder { beam, stays, .. } = self;
        let tokens = self.frame.tokens();
        for rank in 0..beam.length {
            for (place, (&token, log)) in tokens
                .iter()
                .zip(self.frame.log_probabilities())
                .enumerate()
            {
                if self.prefixes.child_in_beam(beam.prefixes[rank].node, token) {
                    continue;
                }
                let repeats = place == stays.place[rank] as usize;
                let from = if repeats {
                    beam.blank[rank]
                } else {
                    beam.mass[rank]
                };
                let mass = from + log;
                if mass == IMPOSSIBLE {
                    continue;
                }
                let (score, _) = scorer.extend(&beam.states[rank], token);
                let total = mass + (beam.scored[rank] + score);
                if score.is_finite() && total.is_finite() {
                    self.candidates
                        .push(candidate::extension(total, rank, place));
                }
            }
            if self.candidates.len() > 8 * settings.beams {
                candidate::keep_best(&mut self.candidates, settings.beams);
            }
        }
    }

    /// Adds the prefixes of the beam to the candidates.
    fn add_stays(&mut self) {
        let length = self.beam.length;
        let entering = &self.stays.entering[..length];
        let parents = &self.stays.parent[..length];
        for (rank, &score) in self.stays.score[..length].iter().enumerate() {
            if score > IMPOSSIBLE {
                // NONE is above every rank.
                let source = match entering[rank] {
                    IMPOSSIBLE => rank,
                    _ => rank.min(parents[rank] as usize),
                };
                self.candidates.push(candidate::stay(score, source, rank));
            }
        }
    }

    /// Whether all prefixes of the beam are possible still and score in the same
    /// order, without a tie: what most frames that are sure of the blank do.
    fn keeps_its_order(&self) -> bool {
        let scores = &self.stays.score[..self.beam.length];
        let last = scores.last().copied().unwrap_or(IMPOSSIBLE);
        last > IMPOSSIBLE && scores.is_sorted_by(|a, b| a > b)
    }

    /// Makes the beam what the frame makes of its prefixes, where nothing enters
    /// and [`Decoder::keeps_its_order`].
    fn stay_in_place(&mut self) {
        let Decoder {
            beam,
            stays,
            arrivals,
            ..
        } = self;
        let prefixes = &mut beam.prefixes[..beam.length];
        let parents = &stays.parent[..prefixes.len()];
        let repeats = &stays.repeat[..prefixes.len()];
        // All that arrives leaves before anything changes.
        arrivals.clear();
        for (rank, &parent) in parents.iter().enumerate() {
            if parent != NONE {
                arrivals.push(arrival(&prefixes[rank], &prefixes[parent as usize]));
            }
        }
        let mut arrivals = arrivals.iter();
        let blank = self.frame.blank();
        for ((prefix, &repeat), &parent) in prefixes.iter_mut().zip(repeats).zip(parents) {
            prefix.stay(blank, repeat);
            if parent != NONE
                && let Some(path) = arrivals.next()
            {
                prefix.enter(path, repeat, &mut self.entries, self.frames);
            }
        }
        std::mem::swap(&mut beam.blank, &mut stays.blank);
        std::mem::swap(&mut beam.token, &mut stays.token);
        std::mem::swap(&mut beam.mass, &mut stays.mass);
    }

    /// Makes the candidates, in order, the beam.
    fn rebuild<S: Scorer<State = T>>(&mut self, scorer: &S) {
        let Decoder {
            prefixes,
            entries,
            beam,
            next,
            stays,
            frame,
            ..
        } = self;
        for prefix in beam.prefixes() {
            prefixes.set_rank(prefix.node, NONE);
        }
        next.states.clear();
        next.length = self.candidates.len();
        let old = beam.prefixes();
        let new = next.prefixes[..next.length].iter_mut();
        for (to, (new, &candidate)) in new.zip(&self.candidates).enumerate() {
            match candidate::unpack(candidate) {
                Move::Stay { rank } => {
                    let repeat = stays.repeat[rank];
                    *new = old[rank];
                    new.stay(frame.blank(), repeat);
                    let parent = stays.parent[rank];
                    if parent != NONE {
                        let path = arrival(&old[rank], &old[parent as usize]);
                        new.enter(&path, repeat, entries, self.frames);
                    }
                    next.blank[to] = stays.blank[rank];
                    next.token[to] = stays.token[rank];
                    next.mass[to] = stays.mass[rank];
                    if S::SCORES {
                        next.scored[to] = beam.scored[rank];
                    }
                    next.states.push(beam.states[rank].clone());
                }
                Move::Extend { rank, place } => {
                    let prefix = &old[rank];
                    let (token, log) = (frame.tokens()[place], frame.log_probability(place));
                    let repeats = place == stays.place[rank] as usize;
                    let path = leave(prefix, repeats);
                    *new = Prefix {
                        node: prefixes.child(prefix.node, token),
                        last: token,
                        best_blank: Path::IMPOSSIBLE,
                        best_token: Path {
                            score: path.score + log,
                            entry: entries.push(path.entry, self.frames),
                        },
                    };
                    let from = if repeats {
                        beam.blank[rank]
                    } else {
                        beam.mass[rank]
                    };
                    next.blank[to] = IMPOSSIBLE;
                    next.token[to] = from + log;
                    next.mass[to] = from + log;
                    let (score, state) = scorer.extend(&beam.states[rank], token);
                    if S::SCORES {
                        next.scored[to] = beam.scored[rank] + score;
                    }
                    next.states.push(state);
                }
            }
        }
        for (rank, prefix) in next.prefixes().iter().enumerate() {
            prefixes.set_rank(prefix.node, rank as u32);
        }
        std::mem::swap(beam, next);
    }

    /// Drops the prefixes that score more than `distance` below the best.
    fn drop_below<S: Scorer>(&mut self, distance: f64) {
        let beam = &mut self.beam;
        if beam.length == 0 {
            return;
        }
        let score = |rank: usize| {
            let scored = if S::SCORES { beam.scored[rank] } else { 0.0 };
            beam.mass[rank] + scored
        };
        let least = score(0) - distance;
        let kept = (0..beam.length)
            .take_while(|&rank| score(rank) >= least)
            .count();
        for prefix in &beam.prefixes()[kept..] {
            self.prefixes.set_rank(prefix.node, NONE);
        }
        beam.truncate(kept);
    }

    /// Drops the prefixes that differ from the best in tokens that it entered
    /// more than `delay` frames ago.
    fn settle(&mut self, delay: usize) {
        if self.beam.length == 0 {
            return;
        }
        let recent = self.frames - delay as u32;
        let (tree, beam) = (self.prefixes.tree(), &mut self.beam);
        let best = &beam.prefixes[0];
        let (mut entry, mut settled) = (best.best().entry, best.node);
        while self.entries.parent(entry) != NONE && self.entries.value(entry) >= recent {
            entry = self.entries.parent(entry);
            settled = tree.parent(settled);
            if settled == NONE {
                return;
            }
        }
        let mut kept = 0;
        for rank in 0..beam.length {
            // An ancestor's index is below its descendants'.
            let mut node = beam.prefixes[rank].node;
            while node > settled {
                node = tree.parent(node);
            }
            if node == settled {
                beam.swap(kept, rank);
                kept += 1;
            }
        }
        for prefix in beam.prefixes() {
            self.prefixes.set_rank(prefix.node, NONE);
        }
        beam.truncate(kept);
        for (rank, prefix) in beam.prefixes().iter().enumerate() {
            self.prefixes.set_rank(prefix.node, rank as u32);
        }
    }

    /// Drops what no live prefix needs from the trees, and moves what all share
    /// out of them.
    pub(super) fn compact(&mut self) {
        let beam = &mut self.beam.prefixes[..self.beam.length];
        if beam.is_empty() {
            return;
        }
        let live = &mut self.live;
        live.clear();
        live.extend(beam.iter().map(|prefix| prefix.node));
        self.prefixes.compact(live, &mut self.shared_tokens);
        for (prefix, &node) in beam.iter_mut().zip(&*live) {
            prefix.node = node;
        }
        live.clear();
        for prefix in beam.iter() {
            live.extend([prefix.best_blank.entry, prefix.best_token.entry]);
        }
        self.entries.compact(live, &mut self.shared_frames);
        for (prefix, entries) in beam.iter_mut().zip(live.chunks_exact(2)) {
            (prefix.best_blank.entry, prefix.best_token.entry) = (entries[0], entries[1]);
        }
    }

    /// The tokens that all live prefixes share, and their frames where all
    /// alignments share them; as many of each as of both.
    pub(super) fn shared(&self) -> (&[u32], &[u32]) {
        let length = self.shared_tokens.len().min(self.shared_frames.len());
        (&self.shared_tokens[..length], &self.shared_frames[..length])
    }

    /// Forgets the first `length` of [`Decoder::shared`].
    pub(super) fn forget_shared(&mut self, length: usize) {
        self.shared_tokens.drain(..length);
        self.shared_frames.drain(..length);
    }

    /// Appends the prefixes alive as the hypotheses of an item, whether the
    /// input ends here or not.
    pub(super) fn write<S: Scorer<State = T>>(
        &mut self,
        scorer: &S,
        ended: bool,
        most: usize,
        nbest: &mut CtcNBest,
    ) {
        let beam = &self.beam;
        let end = |rank: usize| {
            let end = if ended {
                scorer.finish(&beam.states[rank])
            } else {
                0.0
            };
            beam.scored[rank] + end
        };
        self.candidates.clear();
        for rank in 0..beam.length {
            let scored = if S::SCORES { end(rank) } else { 0.0 };
            if scored.is_finite() {
                let score = beam.mass[rank] + scored;
                self.candidates.push(candidate::stay(score, rank, rank));
            }
        }
        self.candidates.sort_unstable();
        for &candidate in self.candidates.iter().take(most) {
            let Move::Stay { rank } = candidate::unpack(candidate) else {
                continue;
            };
            let prefix = &beam.prefixes[rank];
            let (node, path) = (prefix.node, prefix.best());
            let shared = self.shared_tokens.len();
            let length = shared + self.prefixes.tree().depth(node);
            let scored = if S::SCORES { end(rank) } else { 0.0 };
            let scores = Scores {
                score: beam.mass[rank] + scored,
                alignment: path.score,
                scorer: scored,
            };
            let (tokens, frames) = nbest.push(length, scores);
            tokens[..shared].copy_from_slice(&self.shared_tokens);
            self.prefixes.tree().read_path(node, &mut tokens[shared..]);
            let shared = self.shared_frames.len();
            frames[..shared].copy_from_slice(&self.shared_frames);
            self.entries.read_path(path.entry, &mut frames[shared..]);
        }
    }
}

/// The best alignment with which a prefix can be extended: by its own last
/// token, one that ends in a blank.
#[inline(always)]
fn leave(prefix: &Prefix, repeats: bool) -> Path {
    if repeats {
        prefix.best_blank
    } else {
        prefix.best()
    }
}

/// The best alignment that can enter a prefix from the one a token shorter.
#[inline(always)]
fn arrival(prefix: &Prefix, parent: &Prefix) -> Path {
    leave(parent, parent.last == prefix.last)
}

impl Prefix {
    /// One frame further in the beam: its alignments go on by the blank or
    /// repeat its last token.
    #[inline(always)]
    fn stay(&mut self, blank: f64, repeat: f64) {
        let best = self.best();
        self.best_blank = best.add(blank);
        self.best_token = self.best_token.add(repeat);
    }

    /// Lets the alignment `path` of the prefix one token shorter enter, at
    /// `frame`, if it is better than the one that is there.
    #[inline(always)]
    fn enter(&mut self, path: &Path, token: f64, entries: &mut Tree, frame: u32) {
        let score = path.score + token;
        if score > self.best_token.score {
            let entry = entries.push(path.entry, frame);
            self.best_token = Path { score, entry };
        }
    }
}

/// The new masses of the prefixes that are in the beam.
struct StayMasses<'a, T> {
    blank: f64,
    beam: &'a Beam<T>,
    stays: &'a mut Stays,
}

impl<T> Kernel for StayMasses<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        let StayMasses { blank, beam, stays } = self;
        for start in (0..beam.length).step_by(F64_LANES) {
            let token = load(simd, &beam.token, start) + load(simd, &stays.repeat, start);
            let entering = load(simd, &stays.entering, start);
            let mass = load(simd, &beam.mass, start);
            let blank = mass + mass.splat(blank);
            // Adding nothing leaves the same bits.
            let enters = stays.entering[start..start + F64_LANES].iter();
            let token = if enters.fold(false, |any, &mass| any | (mass > IMPOSSIBLE)) {
                log_add_f64(token, entering)
            } else {
                token
            };
            let mass = log_add_f64(blank, token);
            store(blank, &mut stays.blank, start);
            store(token, &mut stays.token, start);
            store(mass, &mut stays.mass, start);
        }
    }
}

/// Eight of an array that is padded to whole vectors.
#[inline(always)]
fn load<S: Simd>(simd: S, array: &[f64], start: usize) -> S::F64 {
    let lanes = array[start..].first_chunk::<F64_LANES>();
    simd.f64_load(lanes.expect("arrays are padded to whole vectors"))
}

#[inline(always)]
fn store<V: F64Lanes>(vector: V, array: &mut [f64], start: usize) {
    let lanes = array[start..].first_chunk_mut::<F64_LANES>();
    vector.store(lanes.expect("arrays are padded to whole vectors"));
}
