//! Every field of every preset, as its library has it.

use widebeam::autoregressive::{
    AtMaximum, CTranslate2Options, CountedLength, EarlyStopping, EndRank, Leader, LengthPenalty,
    Rules, Stopping, WhenFull,
};

const LIVE: Stopping = Stopping::Heuristic {
    leader: Leader::Live,
};
const ANY: Stopping = Stopping::Heuristic {
    leader: Leader::Any,
};

/// The rules of most libraries but for their penalty and when they stop.
fn usual(length_penalty: LengthPenalty, stopping: Stopping) -> Rules {
    Rules::plain()
        .with_length_penalty(length_penalty)
        .with_counted(CountedLength::Generated)
        .with_stopping(stopping)
        .with_end_rank(EndRank::WithinBeam)
        .with_when_full(WhenFull::ReplaceWorst)
        .with_at_maximum(AtMaximum::Finish)
}

#[test]
fn presets_are_the_published_rules() {
    let power = |alpha| LengthPenalty::Power { alpha };
    let first = |patience| Stopping::FirstFinished { patience };
    let best = |hypotheses| Stopping::BestFinished { hypotheses };
    let scorer = |alpha, stopping| {
        Rules::plain()
            .with_length_penalty(power(alpha))
            .with_counted(CountedLength::WithPrompt)
            .with_stopping(stopping)
            .with_end_rank(EndRank::WithinBeam)
            .with_when_full(WhenFull::ReplaceWorst)
            .with_at_maximum(AtMaximum::FinishUnlessDone)
    };
    use EarlyStopping::{FirstFinished, Heuristic, Never};
    let ctranslate2 = |length_penalty, patience, hypotheses| {
        Rules::ctranslate2(
            CTranslate2Options::default()
                .with_length_penalty(length_penalty)
                .with_patience(patience)
                .with_num_hypotheses(hypotheses),
        )
    };
    let table = [
        (Rules::default(), usual(power(1.0), LIVE)),
        (Rules::plain(), usual(power(1.0), LIVE)),
        (Rules::hugging_face(1.0, Heuristic), Rules::plain()),
        (Rules::hugging_face(0.6, Heuristic), usual(power(0.6), LIVE)),
        (
            Rules::hugging_face(0.0, FirstFinished),
            usual(power(0.0), first(1.0)),
        ),
        (
            Rules::hugging_face(-1.0, Never),
            usual(power(-1.0), Stopping::Exhaustive),
        ),
        (Rules::hugging_face_scorer(0.6, Heuristic), scorer(0.6, ANY)),
        (
            Rules::hugging_face_scorer(2.0, FirstFinished),
            scorer(2.0, first(1.0)),
        ),
        (
            Rules::hugging_face_scorer(1.0, Never),
            scorer(1.0, Stopping::Exhaustive),
        ),
        (
            Rules::fairseq(1.2),
            Rules::plain()
                .with_length_penalty(power(1.2))
                .with_counted(CountedLength::Generated)
                .with_stopping(first(1.0))
                .with_end_rank(EndRank::WithinBeam)
                .with_when_full(WhenFull::Keep)
                .with_at_maximum(AtMaximum::ForceEnd),
        ),
        (ctranslate2(1.0, 2.5, 3), usual(power(1.0), first(2.5))),
        (ctranslate2(-0.5, 1.0, 3), usual(power(-0.5), first(1.0))),
        (
            Rules::ctranslate2(CTranslate2Options::default()),
            usual(power(1.0), first(1.0)),
        ),
        (
            Rules::ctranslate2(CTranslate2Options::default().with_length_penalty(0.0)),
            usual(power(0.0), best(1)),
        ),
        (ctranslate2(0.0, 2.5, 3), usual(power(0.0), best(3))),
        (ctranslate2(-0.0, 1.0, 1), usual(power(0.0), best(1))),
        (
            Rules::gnmt(0.6),
            Rules::plain()
                .with_length_penalty(LengthPenalty::Gnmt { alpha: 0.6 })
                .with_counted(CountedLength::Generated)
                .with_stopping(Stopping::Exhaustive)
                .with_end_rank(EndRank::Any)
                .with_when_full(WhenFull::ReplaceWorst)
                .with_at_maximum(AtMaximum::FinishIfNoneEnded),
        ),
    ];
    for (index, (preset, published)) in table.into_iter().enumerate() {
        assert_eq!(preset, published, "row {index}");
    }
}
