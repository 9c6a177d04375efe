//! sherpa-onnx with models in the manner of NeMo: RNN-T with several tokens a frame, and TDT.
//!
//! Its searches are a greedy one and one with beams that merges no alignments and follows the
//! best duration alone, so they have masses that are not comparable. The models are sure of
//! every symbol, and the fixture has what both find: the one path that there is.

use serde::Deserialize;
use widebeam::ScoreKind;
use widebeam::transducer::{Blank, Topology, TransducerSearch};

use super::toy::Model;
use crate::driver::Driver;

#[derive(Deserialize)]
struct Fixture {
    cases: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    model: Model,
    max_symbols: usize,
    utterances: Vec<Answer>,
}

#[derive(Deserialize)]
struct Answer {
    frames: usize,
    tokens: Vec<u32>,
    at: Vec<u32>,
    durations: Vec<u32>,
}

impl Case {
    fn topology(&self) -> Topology {
        let max_symbols = self.max_symbols;
        match self.model.durations as u32 {
            0 => Topology::Standard { max_symbols },
            count => Topology::Tdt {
                durations: (0..count).collect(),
                max_symbols,
            },
        }
    }
}

#[test]
fn where_a_model_is_sure_the_engine_finds_what_sherpa_onnx_does() {
    let json = include_str!("../../fixtures/sherpa_onnx_nemo.json");
    let fixture: Fixture = serde_json::from_str(json).unwrap();
    let (mut tokens, mut in_the_same_frame, mut beyond) = (0, 0, 0);
    for case in fixture.cases {
        let is_tdt = case.model.durations > 0;
        for beams in [1, 2, 8] {
            let search = TransducerSearch::new(case.model.vocab, Blank(case.model.blank), beams)
                .unwrap()
                .with_topology(case.topology())
                .unwrap();
            let mut driver = Driver::new(search);
            for answer in &case.utterances {
                let id = driver.search.admit(answer.frames).unwrap();
                driver.run(ScoreKind::Logits, |_, frame, prefix| {
                    case.model.logits(frame, prefix)
                });
                let (found, frames, durations, _) = &driver.outcome(id)[0];
                assert_eq!(found, &answer.tokens);
                assert_eq!(frames, &answer.at);
                if is_tdt {
                    assert_eq!(durations, &answer.durations);
                }
                tokens += found.len();
                in_the_same_frame += frames.windows(2).filter(|pair| pair[0] == pair[1]).count();
                let ends = frames.iter().zip(durations).map(|(frame, d)| frame + d);
                beyond += ends.filter(|&end| end as usize > answer.frames).count();
            }
        }
    }
    assert!(tokens > 1000, "{tokens}");
    assert!(in_the_same_frame > 300, "{in_the_same_frame}");
    assert!(beyond > 30, "{beyond}");
}
