//! Transducer search by its definition: RNN-T (Graves 2012), one symbol a frame, and TDT
//! (Xu et al. 2023).
//!
//! Whole prefixes wait in buckets, one a frame; every token of every row is tried, in full
//! lists that are sorted. Decisions that the algorithm's outline leaves open are written where
//! they are taken: how prefixes merge and rank in `bucket.rs`, what leaves a frame and in which
//! order in `frame.rs`.

mod bucket;
mod by_text;
mod end;
mod frame;
mod prefix;
mod row;

use std::collections::BTreeMap;

use super::scorers::PrefixScorer;
use crate::scores::ScoreKind;
use bucket::Bucket;
pub use by_text::merged_by_text;
use prefix::Prefix;

/// Gives the row of a frame and a prefix: the scores of all tokens, and for TDT those of
/// all durations behind them.
pub type Joiner<'a> = dyn FnMut(usize, &[u32]) -> Vec<f32> + 'a;

/// Where a symbol leads.
#[derive(Clone, Debug, PartialEq)]
#[allow(missing_docs)]
pub enum Topology {
    /// A token stays in its frame, the blank leaves it.
    Standard { max_symbols: usize },
    /// Every symbol leaves its frame.
    OneSymbol,
    /// Every symbol has a duration, a list of which is given in ascending order.
    Tdt {
        durations: Vec<u32>,
        max_symbols: usize,
    },
}

/// How to search.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The beam width.
    pub beams: usize,
    /// The index of the blank.
    pub blank: u32,
    /// Where a symbol leads.
    pub topology: Topology,
    /// How many frames before the last a token of the best prefix becomes definite; it is
    /// looked for once in so many frames.
    pub commit_delay: Option<usize>,
    /// Whether hypotheses are ranked by score / (tokens + 1).
    pub divide_by_length: bool,
    /// The most hypotheses to return.
    pub nbest: usize,
}

/// A hypothesis of the search.
#[derive(Clone, Debug, PartialEq)]
pub struct Hypothesis {
    /// The tokens.
    pub tokens: Vec<u32>,
    /// The frame of each in the best alignment.
    pub frames: Vec<u32>,
    /// The duration of each there, which may go beyond the end; empty if not TDT.
    pub durations: Vec<u32>,
    /// The log of the summed mass of its alignments.
    pub log_mass: f64,
    /// The log-probability of the best alignment.
    pub alignment_score: f64,
    /// The scorer's part.
    pub scorer_score: f64,
    /// What it is ranked by.
    pub score: f64,
}

/// A score that is none of its kind.
#[derive(Clone, Debug, PartialEq)]
pub struct Invalid {
    /// The frame of the row.
    pub frame: usize,
    /// The prefix of the row.
    pub prefix: Vec<u32>,
    /// The place in the row.
    pub place: usize,
}

/// The search of one utterance of so many frames; an invalid score fails it.
///
/// If the scorer is not bounded, only tokens among a row's `beams` + 2 best are tried, the
/// blank counted.
///
/// # Panics
///
/// If a row has no score of the blank.
pub fn search<S: PrefixScorer>(
    settings: &Settings,
    kind: ScoreKind,
    frames: usize,
    joiner: &mut Joiner<'_>,
    scorer: &S,
) -> Result<Vec<Hypothesis>, Invalid> {
    let mut start = Bucket::default();
    start.arrive(Prefix::empty(), 0);
    let mut search = Search {
        settings,
        kind,
        joiner,
        scorer,
        buckets: BTreeMap::from([(0, start)]),
    };
    for frame in 0..frames {
        let bucket = search.buckets.remove(&frame).unwrap_or_default();
        let live = bucket.best(settings.beams);
        match &settings.topology {
            // A token of duration 0 with a probability of 1; the blank leaves all the same.
            Topology::Standard { max_symbols } => search.stages(frame, live, &[0], *max_symbols)?,
            Topology::OneSymbol => search.one_symbol(frame, live)?,
            Topology::Tdt {
                durations,
                max_symbols,
            } => search.stages(frame, live, durations, *max_symbols)?,
        }
        search.commit(frame + 1);
    }
    Ok(search.finish())
}

/// The state between two frames.
struct Search<'a, 'j, S> {
    settings: &'a Settings,
    kind: ScoreKind,
    joiner: &'a mut Joiner<'j>,
    scorer: &'a S,
    /// Of each coming frame what has arrived there.
    buckets: BTreeMap<usize, Bucket>,
}
