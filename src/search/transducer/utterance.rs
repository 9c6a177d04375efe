//! The search of one utterance, frame by frame.
//!
//! A frame begins with the best prefixes of its bucket, which are *active*. At each stage
//! the rows of the active prefixes that have none are *wanted*; when they have come, the
//! active prefixes leave the frame by the blank, or emit tokens. Those that emit tokens of
//! duration 0 are the active prefixes of the next stage.

use super::bucket::{Arrival, BEFORE_FRAMES, Bucket, NO_FRAME, Paths};
use super::candidate::{self, Candidate};
use super::history::History;
use super::late::LateRows;
use super::lists::Lists;
use super::live::{LivePrefix, LivePrefixes};
use super::selection::Active;
use super::settings::Settings;
use super::stays::Stays;
use super::step_rows::StepRows;
use super::topology::Topology;
use crate::error::Error;
use crate::memory::{grow, reserve};
use crate::request_id::RequestId;
use crate::scorers::{self, Scorer};
use crate::search::prefixes::NONE;

/// What stays the same for all utterances.
pub(super) struct Search<'a, S> {
    pub(super) settings: &'a Settings,
    pub(super) scorer: &'a S,
}

/// The hypotheses of one utterance and all that goes with them. It keeps its memory from one
/// utterance to the next.
#[derive(Debug)]
pub(super) struct Utterance<T> {
    /// The number of frames that are complete, and so the current frame.
    pub(super) frame: u32,
    /// How many frames have come.
    pub(super) available: u32,
    /// Whether no more frames come.
    pub(super) ended: bool,
    /// Whether the current frame has begun.
    pub(super) under_way: bool,
    /// How many tokens the active prefixes have emitted in the current frame.
    pub(super) stage: usize,
    pub(super) history: History,
    pub(super) live: LivePrefixes<T>,
    /// Those of the current frame, and of each frame that an emission can reach. The bucket
    /// of frame t is number t modulo their count.
    pub(super) buckets: Vec<Bucket>,
    pub(super) active: Vec<Active>,
    pub(super) next: Vec<Active>,
    /// The prefixes that take part in the current frame.
    pinned: Vec<u32>,
    /// The prefixes whose rows are wanted, by rank.
    wanted: Vec<u32>,
    /// Those of them whose state the step under way computes.
    pub(super) computing: Vec<u32>,
    pub(super) lists: Lists,
    pub(super) candidates: Vec<Candidate>,
    pub(super) stays: Stays,
    pub(super) keys: Vec<u64>,
    /// The places of prefixes that leave a bucket.
    pub(super) dropped: Vec<u32>,
    /// All buckets as one, for results.
    pub(super) joined: Bucket,
}

impl<T> Default for Utterance<T> {
    fn default() -> Self {
        Utterance {
            frame: 0,
            available: 0,
            ended: false,
            under_way: false,
            stage: 0,
            history: History::default(),
            live: LivePrefixes::default(),
            buckets: Vec::new(),
            active: Vec::new(),
            next: Vec::new(),
            pinned: Vec::new(),
            wanted: Vec::new(),
            computing: Vec::new(),
            dropped: Vec::new(),
            lists: Lists::default(),
            candidates: Vec::new(),
            stays: Stays::default(),
            keys: Vec::new(),
            joined: Bucket::default(),
        }
    }
}

impl<T> Utterance<T> {
    /// Begins an utterance of which no frame has come yet.
    ///
    /// # Errors
    ///
    /// If memory runs out.
    pub(super) fn begin<S: Scorer<State = T>>(
        &mut self,
        search: &Search<'_, S>,
    ) -> Result<(), Error> {
        let settings = search.settings;
        (self.frame, self.available, self.ended) = (0, 0, false);
        (self.under_way, self.stage) = (false, 0);
        self.history.reset(settings.beams)?;
        self.live.reset();
        self.lists.reset(settings.vocab, settings.blank);
        self.active.clear();
        self.pinned.clear();
        self.wanted.clear();
        self.computing.clear();
        let buckets = settings.topology.frames_ahead() + 1;
        grow(&mut self.buckets, buckets, "the buckets of frames")?;
        self.buckets.truncate(buckets);
        self.buckets.iter_mut().for_each(Bucket::clear);

        self.live.reserve(1)?;
        let state = search.scorer.start();
        let empty = LivePrefix {
            most_scored: search.scorer.max_score(&state),
            follow: search.scorer.may_follow(&state),
            ..LivePrefix::EMPTY
        };
        let place = self.live.insert(empty, state);
        self.history.prefixes.set_rank(0, place);
        let paths = Paths {
            mass: 0.0,
            best: 0.0,
            emission: 0,
            source: 0,
        };
        self.reserve(0, 1)?;
        let arrival = Arrival {
            place,
            paths,
            emits: None,
        };
        self.buckets[0].arrive(arrival, BEFORE_FRAMES, &mut self.history.emissions);
        self.live.hold(place);
        Ok(())
    }

    /// Whether all frames are complete and no more come.
    pub(super) fn is_over(&self) -> bool {
        self.ended && !self.under_way && self.frame == self.available
    }

    /// The prefixes whose rows are wanted, by rank.
    pub(super) fn wanted(&self) -> &[u32] {
        &self.wanted
    }

    /// The bucket of the frame `ahead` of the current one.
    pub(super) fn bucket(&self, ahead: usize) -> usize {
        let frame = u64::from(self.frame) + ahead as u64;
        (frame % self.buckets.len() as u64) as usize
    }

    /// In place of the current frame [`NO_FRAME`], unless it is under way.
    pub(super) fn frame_under_way(&self) -> u32 {
        if self.under_way { self.frame } else { NO_FRAME }
    }

    /// Goes on until rows are wanted or frames are.
    ///
    /// # Errors
    ///
    /// If memory runs out; the utterance cannot go on then.
    pub(super) fn go_on<S: Scorer<State = T>>(
        &mut self,
        search: &Search<'_, S>,
    ) -> Result<(), Error> {
        while self.wanted.is_empty() {
            if self.under_way {
                self.stage(search)?;
            } else if self.frame == self.available {
                break;
            } else if self.buckets.iter().all(Bucket::is_empty) {
                // Nothing is possible any more.
                self.frame = self.available;
            } else {
                self.begin_frame(search)?;
            }
        }
        Ok(())
    }

    /// Takes the rows that were wanted, which begin at `first_row`, and goes on.
    ///
    /// # Errors
    ///
    /// If a score is not valid, or memory runs out; the utterance cannot go on then.
    pub(super) fn take<S: Scorer<State = T>>(
        &mut self,
        search: &Search<'_, S>,
        request: RequestId,
        rows: &StepRows<'_>,
        first_row: usize,
        late: &mut LateRows,
    ) -> Result<(), Error> {
        for (rank, &place) in self.wanted.iter().enumerate() {
            let row = first_row + rank;
            self.live.computed(place);
            let prefix = self.live.get_mut(place);
            if let Some(dispatch) = rows.late() {
                let mut source = rows.source(row, 0.0);
                let (next, blank) = (rows.next_row(row), search.settings.blank);
                let Some(scan) = late.scan(rank, &source, next, blank, dispatch) else {
                    return Err(rows.invalid_score(request, row, self.frame));
                };
                source.normaliser = scan.normaliser;
                prefix.list = self.lists.push_scanned(&source, scan.best)?;
                continue;
            }
            let kept = match scorers::scores::<S>() {
                true => prefix.most_scored < f64::INFINITY,
                false => search.settings.lists_may_end(),
            };
            let Some((read, normaliser)) = rows.get(row, kept) else {
                return Err(rows.invalid_score(request, row, self.frame));
            };
            let durations = rows.durations(row, normaliser);
            prefix.list = self.lists.push(&read, durations)?;
        }
        self.wanted.clear();
        self.computing.clear();
        if let Topology::OneSymbol = search.settings.topology {
            self.one_symbol(search, rows, first_row, late)?;
        }
        self.go_on(search)
    }

    /// Makes the best prefixes of the current frame's bucket active.
    fn begin_frame<S: Scorer<State = T>>(&mut self, search: &Search<'_, S>) -> Result<(), Error> {
        let bucket = &self.buckets[self.bucket(0)];
        bucket.rank(&self.live, search.settings.beams, &mut self.candidates)?;
        self.active.clear();
        reserve(&mut self.active, self.candidates.len(), "the beam")?;
        for &candidate in &self.candidates {
            let (_, index) = candidate::numbers(candidate);
            let waiting = &bucket.waiting()[index as usize];
            self.active.push(Active {
                place: waiting.place,
                emission: waiting.paths.emission,
                mass: waiting.paths.mass,
                best: waiting.paths.best,
            });
        }
        (self.under_way, self.stage) = (true, 0);
        self.want()?;
        if self.active.is_empty() {
            self.end_frame(search)?;
        }
        Ok(())
    }

    /// Makes the rows wanted of the active prefixes that have none in this frame.
    pub(super) fn want(&mut self) -> Result<(), Error> {
        let more = self.active.len();
        reserve(&mut self.wanted, more, "the rows of a step")?;
        reserve(&mut self.computing, more, "the rows of a step")?;
        reserve(&mut self.pinned, more, "the prefixes of a frame")?;
        for (rank, active) in (0..).zip(&self.active) {
            let prefix = self.live.get_mut(active.place);
            prefix.rank = rank;
            if prefix.list == NONE {
                self.wanted.push(active.place);
            }
            if !prefix.pinned {
                prefix.pinned = true;
                self.pinned.push(active.place);
                self.live.hold(active.place);
            }
        }
        Ok(())
    }

    /// Makes room for so many arrivals in a bucket, of new prefixes too.
    pub(super) fn reserve(&mut self, bucket: usize, more: usize) -> Result<(), Error> {
        self.history.reserve(more)?;
        self.live.reserve(more)?;
        let places = self.live.places() + more;
        self.buckets[bucket].reserve(more, places)
    }

    /// Lets alignments of a prefix wait in a bucket; there is room for them.
    pub(super) fn arrive(&mut self, bucket: usize, arrival: Arrival) {
        let place = arrival.place;
        let emissions = &mut self.history.emissions;
        if self.buckets[bucket].arrive(arrival, self.frame, emissions) {
            self.live.hold(place);
        }
    }

    /// Ends the current frame.
    pub(super) fn end_frame<S: Scorer<State = T>>(
        &mut self,
        search: &Search<'_, S>,
    ) -> Result<(), Error> {
        let bucket = self.bucket(0);
        for waiting in self.buckets[bucket].waiting() {
            self.live.release(waiting.place);
        }
        self.buckets[bucket].clear();
        for &place in &self.pinned {
            let prefix = self.live.get_mut(place);
            (prefix.pinned, prefix.list) = (false, NONE);
            self.live.release(place);
        }
        self.pinned.clear();
        self.active.clear();
        self.lists.clear();
        self.under_way = false;
        self.frame += 1;
        if let Some(delay) = search.settings.commit_delay
            && (self.frame as usize).is_multiple_of(delay)
        {
            self.commit(search.settings.beams, delay)?;
        }
        if self.history.has_grown() {
            self.compact(search.settings.beams)?;
        }
        Ok(())
    }

    /// Drops from the trees what no hypothesis needs.
    pub(super) fn compact(&mut self, beams: usize) -> Result<(), Error> {
        let under_way = self.frame_under_way();
        let (buckets, active) = (&mut self.buckets, &mut self.active);
        self.history.compact(beams, &mut self.live, |each| {
            for bucket in buckets.iter_mut() {
                bucket.each_emission(under_way, each);
            }
            for active in active.iter_mut() {
                each(&mut active.emission);
            }
        })
    }
}
