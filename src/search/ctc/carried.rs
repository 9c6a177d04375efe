//! What a frame makes of the prefixes that are in the beam.

use super::beam::{Alignment, Beam, Masses, resize_padded};
use super::frame::{Frame, Source};
use super::links::Links;
use super::pace;
use super::settings::Settings;
use crate::error::Error;
use crate::kernels::log_add::log_add_f64;
use crate::kernels::log_probabilities;
use crate::kernels::prefetch::Prefetcher;
use crate::memory::{reserve, resize};
use crate::score_kind::IMPOSSIBLE;
use crate::scorers::{self, Scorer};
use crate::scores::ScoreKind;
use crate::search::prefixes::{Entry, Tree};
use crate::simd::{Dispatch, F64_LANES, F64Lanes, Float64, Kernel, Simd};

/// The masses that the prefixes of the beam have after the frame, if they are carried
/// over, by rank.
#[derive(Clone, Debug, Default)]
pub(super) struct Carried {
    pub(super) masses: Masses,
    /// With the scorer's scores.
    pub(super) scores: Vec<f64>,
    /// The log-probability of each prefix's last token.
    pub(super) repeats: Vec<f64>,
    /// Of equal scores the lower source goes first: the prefix's own rank, or
    /// that of the prefix which enters it, if that is better.
    pub(super) sources: Vec<u32>,
    /// The scores and log-probabilities of [`Links::lasts`].
    last_values: Vec<f32>,
    last_logs: Vec<f64>,
    /// For each of [`Links::pairs`], the mass that remains in the token and the mass that
    /// enters.
    remaining: Vec<f64>,
    entering: Vec<f64>,
    arrivals: Vec<Alignment>,
}

impl Carried {
    pub(super) fn reset(&mut self, beams: usize) -> Result<(), Error> {
        let what = "the beam";
        self.masses.reserve(beams)?;
        for array in [
            &mut self.scores,
            &mut self.repeats,
            &mut self.remaining,
            &mut self.entering,
        ] {
            resize_padded(array, beams)?;
        }
        resize(&mut self.sources, beams, what)?;
        resize(&mut self.last_values, beams + 1, what)?;
        resize(&mut self.last_logs, beams + 1, what)?;
        self.arrivals.clear();
        reserve(&mut self.arrivals, beams, what)?;
        self.rank_by_themselves();
        Ok(())
    }

    /// The beam is a new one.
    pub(super) fn rank_by_themselves(&mut self) {
        for (rank, source) in (0..).zip(&mut self.sources) {
            *source = rank;
        }
    }

    /// Finds what the frame makes of the beam, once [`Carried::read_lasts`] has
    /// been there.
    pub(super) fn step(
        &mut self,
        beam: &Beam,
        links: &Links,
        blank: f64,
        prefetcher: &mut Prefetcher,
        dispatch: Dispatch,
    ) {
        dispatch.run(Step {
            prefetcher,
            length: beam.length,
            blank,
            before: &beam.masses,
            links,
            carried: self,
        });
        for (link, &entering) in links.pairs().iter().zip(&self.entering) {
            self.sources[link.rank as usize] = if entering > IMPOSSIBLE {
                link.rank.min(link.parent)
            } else {
                link.rank
            };
        }
    }

    /// Adds the scorer's scores.
    pub(super) fn score<S: Scorer>(&mut self, beam: &Beam) {
        let (all, scores) = (&self.masses.all[..beam.length], &mut self.scores);
        if scorers::scores::<S>() {
            for ((score, mass), scored) in scores.iter_mut().zip(all).zip(&beam.scored) {
                *score = mass + scored;
            }
        } else {
            scores[..all.len()].copy_from_slice(all);
        }
    }

    /// Finds the log-probability of each of [`Links::lasts`].
    pub(super) fn read_lasts(
        &mut self,
        settings: &Settings,
        links: &Links,
        frame: &Frame,
        source: &Source<'_>,
        dispatch: Dispatch,
    ) {
        let lasts = &links.lasts()[1..];
        self.last_logs[0] = IMPOSSIBLE;
        let logs = &mut self.last_logs[1..=lasts.len()];
        let pruning = &settings.pruning;
        if pruning.skips(frame.blank()) || pruning.top_tokens.is_some() {
            logs.fill(IMPOSSIBLE);
            for (token, log) in frame.listed() {
                if let Some(slot) = (links.slot(token) as usize).checked_sub(1) {
                    logs[slot] = log;
                }
            }
            return;
        }
        let values = &mut self.last_values[..lasts.len()];
        for (value, &token) in values.iter_mut().zip(lasts) {
            *value = source.row.get(token as usize);
        }
        dispatch.run(LogProbabilities {
            kind: source.kind,
            normaliser: source.normaliser,
            values,
            out: logs,
        });
        let least = pruning.min_token_log_probability;
        for (log, &value) in logs.iter_mut().zip(&*values) {
            if value == source.kind.impossible() || least.is_some_and(|least| *log < least) {
                *log = IMPOSSIBLE;
            }
        }
    }

    /// Whether all prefixes of the beam are possible still and score in the same
    /// order, without a tie: what most frames that are sure of the blank do.
    pub(super) fn keep_their_order(&self, length: usize) -> bool {
        let scores = &self.scores[..length];
        let last = scores.last().copied().unwrap_or(IMPOSSIBLE);
        // No way out of the loop, so that it runs in vectors.
        let pairs = scores.iter().zip(scores.iter().skip(1));
        pairs.fold(last > IMPOSSIBLE, |sorted, (a, b)| sorted & (a > b))
    }

    /// The highest score of the beam's `length` prefixes.
    pub(super) fn most(&self, length: usize) -> f64 {
        let scores = self.scores[..length].iter().copied();
        scores.fold(IMPOSSIBLE, f64::max)
    }

    /// The lowest score of the beam's `length` prefixes.
    pub(super) fn least(&self, length: usize) -> f64 {
        // Side by side, so that they are compared in vectors.
        let (whole, rest) = self.scores[..length].as_chunks::<F64_LANES>();
        let mut least = [f64::INFINITY; F64_LANES];
        for scores in whole {
            for (least, &score) in least.iter_mut().zip(scores) {
                *least = if score < *least { score } else { *least };
            }
        }
        least
            .iter()
            .chain(rest)
            .copied()
            .fold(f64::INFINITY, f64::min)
    }

    /// Makes the beam what the frame makes of its prefixes, where nothing enters
    /// and they keep their order.
    pub(super) fn replace(
        &mut self,
        beam: &mut Beam,
        links: &Links,
        blank: f64,
        entries: &mut Tree<Entry>,
        frame: u32,
        prefetcher: &mut Prefetcher,
    ) {
        let prefixes = &mut beam.prefixes[..beam.length];
        // All that arrives leaves before anything changes.
        self.arrivals.clear();
        let arrivals = links
            .pairs()
            .iter()
            .map(|link| prefixes[link.parent as usize].leaving(link.doubled, frame));
        self.arrivals.extend(arrivals);
        for (prefix, &repeat) in prefixes.iter_mut().zip(&self.repeats) {
            prefetcher.prefetch_next::<{ pace::KEPT }>();
            prefix.carry(blank, repeat, frame);
        }
        for (link, &alignment) in links.pairs().iter().zip(&self.arrivals) {
            let rank = link.rank as usize;
            prefixes[rank].enter(alignment, self.repeats[rank], entries, frame);
        }
        std::mem::swap(&mut beam.masses, &mut self.masses);
    }
}

struct LogProbabilities<'a> {
    kind: ScoreKind,
    normaliser: f64,
    values: &'a [f32],
    out: &'a mut [f64],
}

impl Kernel for LogProbabilities<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        for (out, &value) in self.out.iter_mut().zip(self.values) {
            *out = f64::from(value);
        }
        let width = self.out.len().max(1);
        log_probabilities(simd, self.kind, self.out, width, &[self.normaliser]);
    }
}

/// The new masses.
struct Step<'a> {
    prefetcher: &'a mut Prefetcher,
    length: usize,
    blank: f64,
    before: &'a Masses,
    links: &'a Links,
    carried: &'a mut Carried,
}

impl Kernel for Step<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        let Step {
            prefetcher,
            length,
            blank,
            before,
            links,
            carried,
        } = self;
        let logs = &carried.last_logs[..];
        for (repeat, &slot) in carried.repeats.iter_mut().zip(&links.slots()[..length]) {
            *repeat = logs[slot as usize];
        }
        let vectors = length.div_ceil(F64_LANES);
        let repeats = &carried.repeats.as_chunks::<F64_LANES>().0[..vectors];
        let before_token = &before.token.as_chunks::<F64_LANES>().0[..vectors];
        let after_token = &mut carried.masses.token.as_chunks_mut::<F64_LANES>().0[..vectors];
        for ((after, before), repeat) in after_token.iter_mut().zip(before_token).zip(repeats) {
            (simd.f64_load(before) + simd.f64_load(repeat)).store(after);
        }
        prefetcher.prefetch_next::<{ pace::STAGE }>();
        // Few prefixes have something enter them; side by side they fill
        // vectors.
        let links = links.pairs();
        let out = carried.remaining.iter_mut().zip(&mut carried.entering);
        for (link, (remaining, entering)) in links.iter().zip(out) {
            let rank = link.rank as usize;
            *remaining = carried.masses.token[rank];
            *entering = before.extended(link.parent as usize, link.doubled) + carried.repeats[rank];
        }
        let remaining = carried.remaining.as_chunks_mut::<F64_LANES>().0.iter_mut();
        let entering = carried.entering.as_chunks::<F64_LANES>().0;
        let sums = remaining.zip(entering);
        for (remaining, entering) in sums.take(links.len().div_ceil(F64_LANES)) {
            log_add_f64(simd.f64_load(remaining), simd.f64_load(entering)).store(remaining);
        }
        prefetcher.prefetch_next::<{ pace::STAGE }>();
        for (link, &sum) in links.iter().zip(&carried.remaining) {
            carried.masses.token[link.rank as usize] = sum;
        }
        let Masses {
            blank: to,
            token,
            all,
        } = &mut carried.masses;
        let before = &before.all.as_chunks::<F64_LANES>().0[..vectors];
        let token = &token.as_chunks::<F64_LANES>().0[..vectors];
        let to = &mut to.as_chunks_mut::<F64_LANES>().0[..vectors];
        let all = &mut all.as_chunks_mut::<F64_LANES>().0[..vectors];
        for (((all, to), token), before) in all.iter_mut().zip(to).zip(token).zip(before) {
            prefetcher.prefetch_next::<{ pace::VECTOR }>();
            let before = simd.f64_load(before);
            let blank = before + before.splat(blank);
            blank.store(to);
            log_add_f64(blank, simd.f64_load(token)).store(all);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scored(scores: &[f64]) -> Carried {
        Carried {
            scores: scores.to_vec(),
            ..Carried::default()
        }
    }

    #[test]
    fn a_beam_keeps_its_order_where_all_are_possible_and_none_tie() {
        for (scores, keeps) in [
            (&[-1.0][..], true),
            (&[], false),
            (&[IMPOSSIBLE], false),
            (&[-1.0, -2.0, -3.0], true),
            (&[-1.0, -1.0], false),
            (&[-1.0, -1.0, -1.0], false),
            (&[-2.0, -1.0], false),
            (&[-1.0, -3.0, -2.0], false),
            (&[-1.0, IMPOSSIBLE], false),
        ] {
            assert_eq!(
                scored(scores).keep_their_order(scores.len()),
                keeps,
                "{scores:?}"
            );
        }
        assert!(scored(&[-1.0, -2.0, -1.0]).keep_their_order(2));
    }

    #[test]
    fn the_least_of_any_number_of_scores_is_found_anywhere() {
        for length in 1..=3 * F64_LANES + 1 {
            for at in 0..length {
                let mut scores: Vec<f64> = (0..length).map(|rank| -(rank as f64)).collect();
                scores[at] = -100.0;
                // What lies past the end does not count.
                scores.push(-200.0);
                assert_eq!(scored(&scores).least(length), -100.0);
            }
        }
    }
}
