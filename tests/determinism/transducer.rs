//! The transducer search on fixed utterances over a fixed model with state, whole and as
//! streams, of each topology, alone and with scorers.

use half::f16;
use widebeam::reference::toy::mix;
use widebeam::scorers::{Scorer, Unscored};
use widebeam::transducer::{Blank, LengthNormalisation, RequestId, Topology, TransducerSearch};
use widebeam::{Level, ScoreKind, ScoresView};

use crate::Results;
use crate::arrangement::{Order, everywhere};
use crate::driver::Driver;
use crate::inputs::{Hash, KINDS, Number, hex, value};
use crate::word_scorers;

const VOCAB: usize = 40;
const BEAMS: usize = 7;
const BLANK: u32 = 2;
/// The frames of each utterance.
const FRAMES: [usize; 5] = [17, 0, 9, 1, 12];

pub(crate) fn results() -> Results {
    let max_symbols = 3;
    let durations = vec![0, 1, 2, 4];
    let topologies = [
        ("standard", Topology::Standard { max_symbols }),
        ("one-symbol", Topology::OneSymbol),
        (
            "tdt",
            Topology::Tdt {
                durations,
                max_symbols,
            },
        ),
    ];
    let phrases = word_scorers::phrases(VOCAB, BLANK);
    let ngram = word_scorers::word_ngram(VOCAB, BLANK);
    let lexicon = word_scorers::lexicon(VOCAB, BLANK);
    let words = (lexicon, (phrases.clone(), ngram));
    let mut results = Results::new();
    for (topology_name, topology) in &topologies {
        for (name, kind) in KINDS {
            let mut add = |what: &str, dtype: &str, hash| {
                let name = format!("transducer/{topology_name}/{what}/{name}/{dtype}");
                results.insert(name, hash);
            };
            let plain = Case::new(topology, kind);
            let changed = Case {
                changed: true,
                ..plain
            };
            add("plain", f32::NAME, case::<f32, _>(plain, &Unscored));
            add("plain", f16::NAME, case::<f16, _>(plain, &Unscored));
            add("changed", f32::NAME, case::<f32, _>(changed, &Unscored));
            add("phrases", f32::NAME, case::<f32, _>(plain, &phrases));
            add("phrases", f16::NAME, case::<f16, _>(plain, &phrases));
            add("words", f32::NAME, case::<f32, _>(changed, &words));
        }
    }
    results
}

#[derive(Clone, Copy)]
struct Case<'a> {
    topology: &'a Topology,
    kind: ScoreKind,
    /// With a commit delay, scores by length and a short list.
    changed: bool,
}

impl<'a> Case<'a> {
    fn new(topology: &'a Topology, kind: ScoreKind) -> Self {
        Case {
            topology,
            kind,
            changed: false,
        }
    }

    fn search<S: Scorer + Sync>(self, scorer: S, level: Level) -> TransducerSearch<S> {
        let search = TransducerSearch::new(VOCAB, Blank(BLANK), BEAMS).unwrap();
        let search = search.with_topology(self.topology.clone()).unwrap();
        let search = search.with_level(level).unwrap().with_scorer(scorer);
        if !self.changed {
            return search;
        }
        let search = search.with_length_normalisation(LengthNormalisation::PerToken);
        let search = search.with_commit_delay(Some(5)).unwrap();
        search.with_nbest(3).unwrap()
    }

    /// The row of an utterance, a frame and a prefix, whose last two tokens count.
    fn row<T: Number>(self, utterance: usize, frame: usize, prefix: &[u32], out: &mut Vec<T>) {
        let recent = &prefix[prefix.len().saturating_sub(2)..];
        let start = mix(utterance as u64) ^ mix(1000 + frame as u64);
        let seed = recent.iter().fold(start, |seed, &token| {
            mix(seed.rotate_left(9) ^ u64::from(token))
        });
        let columns = match self.topology {
            Topology::Tdt { durations, .. } => VOCAB + durations.len(),
            _ => VOCAB,
        };
        out.extend((0..columns).map(|column| T::of(value(self.kind, seed, column))));
    }
}

fn case<T: Number, S: Scorer<State: Send> + Sync>(case: Case<'_>, scorer: &S) -> String {
    hex(&everywhere(|level, order| {
        run::<T, S>(case, scorer, level, order)
    }))
}

/// The hash of each utterance.
fn run<T: Number, S: Scorer + Sync>(
    case: Case<'_>,
    scorer: &S,
    level: Level,
    order: Order,
) -> Vec<u64> {
    let mut driver = Driver::new(case.search(scorer, level));
    let columns = driver.search.columns();
    let mut groups = order.groups(FRAMES.len()).into_iter();
    // Each request, its utterance, and the frames that are still to come.
    let mut ids: Vec<(RequestId, usize, usize)> = Vec::new();
    loop {
        // Pairs come a step after each other, else each group waits for the one before it.
        if matches!(order, Order::Pairs) || driver.search.is_idle() {
            for utterance in groups.next().unwrap_or_default() {
                let frames = FRAMES[utterance];
                ids.push(match order {
                    Order::Together => (driver.search.admit(frames).unwrap(), utterance, 0),
                    _ => (driver.search.admit_stream().unwrap(), utterance, frames),
                });
            }
        }
        for (id, utterance, missing) in &mut ids {
            let more = order.chunk().min(*missing);
            if more > 0 {
                driver.search.add_frames(*id, more).unwrap();
                *missing -= more;
            }
            if *missing == 0 && (more > 0 || FRAMES[*utterance] == 0) {
                driver.search.end(*id).unwrap();
            }
        }
        let rows = driver.predict();
        if rows.is_empty() {
            if driver.search.is_idle() && ids.len() == FRAMES.len() {
                break;
            }
            continue;
        }
        let mut scores: Vec<T> = Vec::new();
        for (id, frame, prefix) in &rows {
            let found = ids.iter().find(|request| request.0 == *id);
            let &(_, utterance, _) = found.expect("it was admitted");
            case.row(utterance, *frame, prefix, &mut scores);
        }
        let view = ScoresView::new(case.kind, &scores, [rows.len(), columns]).unwrap();
        driver.search.advance(&view).unwrap();
    }
    let mut hashes = vec![0; FRAMES.len()];
    for (id, utterance, _) in ids {
        let mut hash = Hash::default();
        let found = driver.outcome(id);
        hash.number(found.len() as u64);
        for (tokens, frames, durations, scores) in found {
            for list in [tokens, frames, durations] {
                hash.tokens(&list);
            }
            scores.into_iter().for_each(|bits| hash.number(bits));
        }
        hashes[utterance] = hash.get();
    }
    hashes
}
