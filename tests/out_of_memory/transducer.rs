//! Transducer searches.

use widebeam::scorers::{Scorer, Unscored};
use widebeam::transducer::{Blank, Emitted, RequestId, Topology, TransducerSearch};
use widebeam::{Error, ScoresView};

use super::{Refusal, is_about_memory, probabilities, refuse_each, word_scorers};

const VOCAB: usize = 90;
const FRAMES: usize = 4;

/// The joiner: the row of rank r of every request is always the same.
struct Model {
    columns: usize,
    rows: Vec<f32>,
    logits: Vec<f32>,
}

impl Model {
    fn new<S: Scorer + Sync>(search: &TransducerSearch<S>) -> Self {
        let (beams, columns) = (search.beams(), search.columns());
        let rows = probabilities(beams * columns)
            .into_iter()
            .map(|p| 200.0 * p);
        Model {
            columns,
            rows: rows.collect(),
            logits: Vec::with_capacity(2 * beams * columns),
        }
    }

    /// Runs what wants rows; allocates nothing itself.
    fn run<S: Scorer + Sync>(&mut self, search: &mut TransducerSearch<S>) -> Result<(), Error> {
        while search.feed().rows() > 0 {
            self.logits.clear();
            for (_, rows) in search.feed().requests() {
                self.logits.extend(&self.rows[..rows.len() * self.columns]);
            }
            let shape = [search.feed().rows(), self.columns];
            search.advance(&ScoresView::logits(&self.logits, shape)?)?;
        }
        Ok(())
    }
}

type Found = Vec<(Vec<u32>, Vec<u32>, u64)>;

/// What a request has found.
fn found<S: Scorer + Sync>(search: &TransducerSearch<S>, id: RequestId) -> Result<Found, Error> {
    let outcome = search.outcome(id)?.expect("it is done");
    let hypotheses = outcome.hypotheses();
    Ok(hypotheses
        .map(|h| (h.tokens.to_vec(), h.frames.to_vec(), h.score.to_bits()))
        .collect())
}

/// Two utterances side by side, one of them a stream.
struct Pair<S: Scorer> {
    search: TransducerSearch<S>,
    ids: [Option<RequestId>; 2],
    streamed: usize,
}

impl<S: Scorer + Sync> Pair<S> {
    fn new(beams: usize, topology: &Topology, scorer: S) -> Self {
        let search = TransducerSearch::new(VOCAB, Blank(0), beams).unwrap();
        let search = search.with_topology(topology.clone()).unwrap();
        let search = search.with_commit_delay(Some(3)).unwrap();
        Pair {
            search: search.with_scorer(scorer),
            ids: [None; 2],
            streamed: 0,
        }
    }

    /// Admits those that are not there, and runs them to their end, or goes on with that.
    fn run(&mut self, model: &mut Model) -> Result<(), Error> {
        let search = &mut self.search;
        if self.ids[0].is_none() {
            self.ids[0] = Some(search.admit(FRAMES)?);
        }
        let stream = match self.ids[1] {
            Some(id) => id,
            None => *self.ids[1].insert(search.admit_stream()?),
        };
        while self.streamed < FRAMES && search.outcome(stream)?.is_none() {
            self.streamed += 2;
            search.add_frames(stream, 2)?;
            model.run(search)?;
            search.stable(stream)?;
            search.current(stream)?;
        }
        search.end(stream)?;
        model.run(search)
    }
}

/// Refuses each allocation in turn. What is refused before a step can be done again; what is
/// refused on the way ends its request, and no other.
fn check<S: Scorer + Sync + Send + Clone>(beams: usize, topology: &Topology, scorer: S)
where
    S::State: Send,
{
    let new = || Pair::new(beams, topology, scorer.clone());
    let mut pair = new();
    let mut model = Model::new(&pair.search);
    pair.run(&mut model).unwrap();
    let expected = pair.ids.map(|id| found(&pair.search, id.unwrap()).unwrap());
    assert!(expected.iter().all(|found| !found.is_empty()));

    let (mut interrupted, mut failed) = (0, 0);
    let needed = refuse_each(|refusal: Refusal| {
        let mut pair = new();
        let ran = refusal.during(|| pair.run(&mut model));
        let mut done = ran.is_ok();
        if let Err(error) = &ran {
            is_about_memory(error);
            interrupted += 1;
            // The stream may be what was refused.
            if let Err(error) = pair.run(&mut model) {
                is_about_memory(&error);
                model.run(&mut pair.search).unwrap();
            }
        }
        for (id, expected) in pair.ids.into_iter().zip(&expected) {
            match id.map(|id| found(&pair.search, id)) {
                Some(Ok(found)) => assert_eq!(&found, expected, "{refusal:?}"),
                Some(Err(error)) => {
                    is_about_memory(&error);
                    failed += 1;
                    done = false;
                }
                None => done = false,
            }
        }
        for id in pair.ids.into_iter().flatten() {
            assert!(pair.search.remove(id));
        }
        assert!(pair.search.is_idle());
        done
    });
    assert!(needed > 50, "{needed}");
    assert!(interrupted > 10 && failed > 10, "{interrupted} {failed}");
}

#[test]
fn a_request_without_memory_is_refused_and_its_neighbour_goes_on() {
    for topology in [
        Topology::Standard { max_symbols: 2 },
        Topology::OneSymbol,
        Topology::Tdt {
            durations: vec![0, 1, 3],
            max_symbols: 2,
        },
    ] {
        check(4, &topology, Unscored);
        check(4, &topology, word_scorers::phrases(VOCAB, 0));
    }
    // Wide enough for lists that are shorter than the beam.
    check(70, &Topology::OneSymbol, Unscored);
}

/// What is stable is taken, or stays.
#[test]
fn stable_tokens_without_room_are_not_taken() {
    let topology = Topology::OneSymbol;
    let mut pair = Pair::new(4, &topology, Unscored);
    let mut model = Model::new(&pair.search);
    let id = pair.search.admit_stream().unwrap();
    pair.search.add_frames(id, 40).unwrap();
    model.run(&mut pair.search).unwrap();
    let stable = pair.search.stable(id).unwrap().tokens.to_vec();
    assert!(!stable.is_empty());
    let mut emitted = Emitted::new();
    refuse_each(|refusal: Refusal| {
        match refusal.during(|| pair.search.take_stable(id, &mut emitted)) {
            Ok(()) => {
                // The first time; then there is nothing to take.
                assert_eq!(emitted.tokens, stable);
                true
            }
            Err(error) => {
                is_about_memory(&error);
                assert!(emitted.tokens.is_empty());
                assert_eq!(pair.search.stable(id).unwrap().tokens, stable);
                false
            }
        }
    });
    assert_eq!(emitted.tokens, stable);
}
