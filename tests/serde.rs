//! Settings and results as data: they come back as they went, and their JSON is what the
//! documentation says.

#![cfg(feature = "serde")]

use std::fmt::Debug;

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use widebeam::autoregressive::{
    AtMaximum, AutoregressiveSearch, CountedLength, EarlyStopping, EndRank, Ended, Finish,
    ForcedFirst, ForcedLast, ForcedScore, Leader, LengthPenalty, MaximumLength, MinimumLength,
    NoRepeatNgram, Normaliser, OwnedCompletion, PoolSize, RepetitionPenalty, Request, Rules,
    Sampling, Stopping, Suppress, WhenFull, processor_fn,
};
use widebeam::ctc::{Blank, CtcPruning, CtcSearch, OwnedCtcHypothesis};
use widebeam::independent::{IndependentDetails, OwnedHypothesis};
use widebeam::scorers::{Lookahead, NgramUnit, WordBoundary};
use widebeam::{ErrorKind, Layout, Level, NBest, ScoreKind, ScoresView, beam_search};

/// Checks that a value comes back from text as it went.
#[track_caller]
fn comes_back<T: Serialize + DeserializeOwned>(value: &T) -> T {
    let text = serde_json::to_string(value).unwrap();
    let back: T = serde_json::from_str(&text).unwrap();
    assert_eq!(serde_json::to_string(&back).unwrap(), text);
    back
}

/// The same, of a value that is written as this JSON.
#[track_caller]
fn check<T: Serialize + DeserializeOwned + PartialEq + Debug>(value: T, expected: Value) {
    assert_eq!(serde_json::to_value(&value).unwrap(), expected);
    assert_eq!(comes_back(&value), value);
    assert_eq!(serde_json::from_value::<T>(expected).unwrap(), value);
}

#[track_caller]
fn is_refused<T: DeserializeOwned + Debug>(value: Value) -> String {
    serde_json::from_value::<T>(value).unwrap_err().to_string()
}

#[test]
fn names_are_in_snake_case() {
    check(Level::Baseline, json!("baseline"));
    for &level in Level::ALL {
        check(level, json!(level.name()));
    }
    check(ScoreKind::Probabilities, json!("probabilities"));
    check(ScoreKind::LogProbabilities, json!("log_probabilities"));
    check(ScoreKind::Logits, json!("logits"));
    check(CountedLength::Generated, json!("generated"));
    check(CountedLength::WithoutEnd, json!("without_end"));
    check(CountedLength::WithPrompt, json!("with_prompt"));
    check(EndRank::WithinBeam, json!("within_beam"));
    check(EndRank::Any, json!("any"));
    check(EndRank::BeforeLastBeam, json!("before_last_beam"));
    check(EndRank::WithinRow, json!("within_row"));
    check(PoolSize::Beams, json!("beams"));
    check(PoolSize::All, json!("all"));
    let patience = PoolSize::Patience { patience: 1.5 };
    check(patience, json!({"patience": {"patience": 1.5}}));
    check(WhenFull::ReplaceWorst, json!("replace_worst"));
    check(WhenFull::Keep, json!("keep"));
    check(AtMaximum::Finish, json!("finish"));
    check(AtMaximum::FinishUnlessDone, json!("finish_unless_done"));
    check(AtMaximum::FinishIfNoneEnded, json!("finish_if_none_ended"));
    check(AtMaximum::ForceEnd, json!("force_end"));
    check(AtMaximum::FillUp, json!("fill_up"));
    check(Leader::Live, json!("live"));
    check(Leader::Any, json!("any"));
    check(EarlyStopping::Heuristic, json!("heuristic"));
    check(EarlyStopping::FirstFinished, json!("first_finished"));
    check(EarlyStopping::Never, json!("never"));
    check(Normaliser::WholeRow, json!("whole_row"));
    check(Normaliser::Permitted, json!("permitted"));
    check(Ended::StoppingRule, json!("stopping_rule"));
    check(Ended::Length, json!("length"));
    check(Ended::Exhausted, json!("exhausted"));
    check(Ended::Told, json!("told"));
    check(Ended::NothingFound, json!("nothing_found"));
    check(Finish::End, json!("end"));
    check(Finish::Length, json!("length"));
    check(Finish::Stop(2), json!({"stop": 2}));
    check(Finish::Predicate, json!("predicate"));
    check(Finish::Complete, json!("complete"));
    check(Finish::Live, json!("live"));
    check(ForcedScore::Own, json!("own"));
    check(ForcedScore::Certain, json!("certain"));
    check(NgramUnit::Token, json!("token"));
    check(NgramUnit::Character, json!("character"));
    check(NgramUnit::Word, json!("word"));
    check(Lookahead::None, json!("none"));
    check(Lookahead::Unigram, json!("unigram"));
    check(WordBoundary::Space, json!("space"));
    check(WordBoundary::Delimiter(3), json!({"delimiter": 3}));
    check(WordBoundary::BeginMark, json!("begin_mark"));
    check(WordBoundary::ContinueMark, json!("continue_mark"));
    check(WordBoundary::GoOnMark, json!("go_on_mark"));
    check(WordBoundary::EveryToken, json!("every_token"));
    check(ErrorKind::InvalidScore, json!("invalid_score"));
    check(ErrorKind::NoHypothesis, json!("no_hypothesis"));
    is_refused::<Level>(json!("sse"));
    is_refused::<ScoreKind>(json!("Logits"));
}

#[test]
fn rules_come_back() {
    let penalties = [
        (LengthPenalty::None, json!("none")),
        (
            LengthPenalty::Power { alpha: 0.6 },
            json!({"power": {"alpha": 0.6}}),
        ),
        (
            LengthPenalty::Gnmt { alpha: -1.0 },
            json!({"gnmt": {"alpha": -1.0}}),
        ),
    ];
    let stoppings = [
        (
            Stopping::Heuristic {
                leader: Leader::Any,
            },
            json!({"heuristic": {"leader": "any"}}),
        ),
        (Stopping::Exhaustive, json!("exhaustive")),
        (
            Stopping::FirstFinished { patience: 1.5 },
            json!({"first_finished": {"patience": 1.5}}),
        ),
        (
            Stopping::BestFinished { hypotheses: 3 },
            json!({"best_finished": {"hypotheses": 3}}),
        ),
        (Stopping::Never, json!("never")),
        (Stopping::PoolFull, json!("pool_full")),
    ];
    for (length_penalty, penalty) in &penalties {
        check(*length_penalty, penalty.clone());
        for (stopping, stops) in &stoppings {
            check(*stopping, stops.clone());
            let rules = Rules::plain()
                .with_length_penalty(*length_penalty)
                .with_counted(CountedLength::WithPrompt)
                .with_stopping(*stopping)
                .with_end_rank(EndRank::Any)
                .with_when_full(WhenFull::Keep)
                .with_at_maximum(AtMaximum::ForceEnd)
                .with_pool_size(PoolSize::All);
            let expected = json!({
                "length_penalty": penalty,
                "counted": "with_prompt",
                "stopping": stops,
                "end_rank": "any",
                "when_full": "keep",
                "at_maximum": "force_end",
                "pool_size": "all",
            });
            check(rules, expected);
        }
    }
    for rules in [
        Rules::plain(),
        Rules::hugging_face_scorer(0.6, EarlyStopping::Never),
        Rules::fairseq(1.0),
        Rules::gnmt(0.6),
        Rules::whisper(Some(0.6), 1.5),
        Rules::vllm(1.0),
    ] {
        assert_eq!(comes_back(&rules), rules);
    }
    // What is left out is that of the default.
    let some: Rules = serde_json::from_value(json!({"when_full": "keep"})).unwrap();
    assert_eq!(some, Rules::default().with_when_full(WhenFull::Keep));
    let none: Rules = serde_json::from_value(json!({})).unwrap();
    assert_eq!(none, Rules::default());
    let unknown = is_refused::<Rules>(json!({"when_fall": "keep"}));
    assert!(unknown.contains("when_fall"), "{unknown}");
}

#[test]
fn pruning_comes_back() {
    let pruning = CtcPruning::none()
        .with_top_tokens(7)
        .with_min_token_log_probability(-5.5)
        .with_score_threshold(9.25)
        .with_blank_skip(-0.125)
        .with_commit_delay(50);
    let json = json!({
        "top_tokens": 7,
        "min_token_log_probability": -5.5,
        "score_threshold": 9.25,
        "blank_skip": -0.125,
        "commit_delay": 50,
    });
    check(pruning, json);
    assert_eq!(comes_back(&CtcPruning::none()), CtcPruning::none());
    let some: CtcPruning = serde_json::from_value(json!({"top_tokens": 7})).unwrap();
    assert_eq!(some, CtcPruning::none().with_top_tokens(7));
    is_refused::<CtcPruning>(json!({"top_token": 7}));
    // Numbers out of range are refused where they are used.
    let none: CtcPruning = serde_json::from_value(json!({"top_tokens": 0})).unwrap();
    let search = CtcSearch::new(2, Blank(0)).unwrap();
    assert!(search.with_pruning(none).is_err());
}

#[test]
fn other_settings_come_back() {
    check(Blank(3), json!(3));
    for layout in [
        Layout::contiguous([2, 3, 4]),
        Layout::strided([2, 3, 4], [5, 10]),
        Layout::strided([2, 3, 4], [0, 0]),
    ] {
        assert_eq!(comes_back(&layout), layout);
        let data = [0.25f32; 39];
        let needed = if layout == Layout::contiguous([2, 3, 4]) {
            24
        } else {
            39
        };
        let view = ScoresView::logits(&data[..needed], comes_back(&layout)).unwrap();
        assert_eq!([view.batch(), view.time(), view.vocab()], [2, 3, 4]);
    }
    // Processors; what their constructors refuse is refused.
    fn json<T: Serialize + DeserializeOwned>(value: T) -> Value {
        serde_json::to_value(comes_back(&value)).unwrap()
    }
    assert_eq!(json(MinimumLength(3)), json!(3));
    assert_eq!(json(Suppress(vec![2, 1])), json!([2, 1]));
    let (token, score) = (4, ForcedScore::Certain);
    let forced = json!({"token": 4, "score": "certain"});
    assert_eq!(json(ForcedFirst::new(token, score)), forced);
    assert_eq!(json(ForcedLast::new(token, score)), forced);
    assert_eq!(json(NoRepeatNgram::new(2).unwrap()), json!(2));
    assert_eq!(
        is_refused::<NoRepeatNgram>(json!(0)),
        NoRepeatNgram::new(0).unwrap_err().to_string()
    );
    let cooled = Sampling::stochastic_beams(7).with_temperature(0.5).unwrap();
    let sampling = json!({"method": "stochastic_beams", "seed": 7, "temperature": 0.5});
    assert_eq!(json(cooled), sampling);
    assert_eq!(
        is_refused::<Sampling>(json!({"method": "beam_sampling", "seed": 7, "temperature": 0.0})),
        Sampling::beam_sampling(7)
            .with_temperature(0.0)
            .unwrap_err()
            .to_string()
    );
    let unknown = json!({"method": "beam_sampling", "seed": 7, "temperature": 1.0, "top_p": 0.9});
    assert!(is_refused::<Sampling>(unknown).contains("top_p"));
    assert_eq!(
        json(RepetitionPenalty::new(1.5).unwrap()),
        json!({"penalty": 1.5, "generated_only": false, "exempt": []})
    );
    assert_eq!(
        is_refused::<RepetitionPenalty>(json!({"penalty": -1.0})),
        RepetitionPenalty::new(-1.0).unwrap_err().to_string()
    );
}

#[test]
fn hypotheses_come_back_with_every_bit() {
    let data: Vec<f32> = (0..24).map(|i| (i * 7 % 11 + 1) as f32 / 13.0).collect();
    let view = ScoresView::probabilities(&data, [1, 6, 4]).unwrap();
    let nbest = beam_search(&view, 3).unwrap();
    for found in nbest.item(0).unwrap() {
        let owned: OwnedHypothesis = found.into_owned();
        check(
            owned.clone(),
            json!({"tokens": found.tokens, "score": found.score}),
        );
        assert_eq!(
            serde_json::to_value(found).unwrap(),
            serde_json::to_value(owned).unwrap()
        );
    }
    let nbest = CtcSearch::new(3, Blank(0)).unwrap().decode(&view).unwrap();
    for found in nbest.item(0).unwrap() {
        let owned: OwnedCtcHypothesis = found.into_owned();
        let json = json!({
            "tokens": found.tokens,
            "frames": found.frames,
            "last_frames": found.last_frames,
            "score": found.score,
            "log_mass": found.log_mass,
            "alignment_score": found.alignment_score,
            "scorer_score": found.scorer_score,
        });
        check(owned, json.clone());
        assert_eq!(serde_json::to_value(found).unwrap(), json);
    }
    let mut search = AutoregressiveSearch::new(4).unwrap();
    // A token that the model holds to be impossible, whose own score is -infinity.
    let possible = processor_fn(|row| row.set(3, -0.2));
    let request = Request::new(3, MaximumLength(3))
        .with_end_tokens([1])
        .process_log_probabilities(possible)
        .with_own_scores();
    let id = search.admit(request).unwrap();
    while !search.is_idle() {
        let rows = search.feed().rows();
        let mut data = data[..rows * 4].to_vec();
        data.chunks_mut(4).for_each(|row| row[3] = 0.0);
        let scores = ScoresView::probabilities(&data, [rows, 4]).unwrap();
        search.advance(&scores).unwrap();
    }
    let outcome = search.outcome(id).unwrap().unwrap();
    assert_eq!(outcome.hypotheses().len(), 3);
    let own: Vec<f64> = outcome.nbest().own_scores().to_vec();
    assert!(own.contains(&f64::NEG_INFINITY), "{own:?}");
    for found in outcome.hypotheses() {
        let owned: OwnedCompletion = found.into_owned();
        let own_scores = found
            .own_scores
            .iter()
            .map(|score| match score.is_finite() {
                true => json!(score),
                false => json!("-inf"),
            });
        let own_scores: Vec<Value> = own_scores.collect();
        let finish = match found.finish {
            Finish::End => "end",
            _ => "length",
        };
        let json = json!({
            "tokens": found.tokens,
            "token_scores": found.token_scores,
            "log_probability": found.log_probability,
            "score": found.score,
            "finish": finish,
            "ending": found.ending,
            "own_scores": own_scores,
            "coverage": 0.0,
            "sampled": null,
            "group": 0,
        });
        check(owned, json.clone());
        assert_eq!(serde_json::to_value(found).unwrap(), json);
    }
    let listed = json!([{"hypotheses": outcome.hypotheses()}]);
    assert_eq!(serde_json::to_value(outcome.nbest()).unwrap(), listed);
}

/// Items with hypotheses, refused, and without a hypothesis.
#[test]
fn a_list_is_its_items_each_with_hypotheses_or_an_error() {
    let data = [0.25f32, 0.75, f32::NAN, 0.5, 0.0, 0.0];
    let view = ScoresView::probabilities(&data, [3, 1, 2]).unwrap();
    let sentence = "item 1, step 0, token 0: NaN is not a valid probability (limits: 0 and 1.001)";
    let nbest = beam_search(&view, 2).unwrap();
    let found: Vec<OwnedHypothesis> = nbest.item(0).unwrap().map(|h| h.into_owned()).collect();
    let expected = json!([
        {"hypotheses": found},
        {"error": sentence},
        {"hypotheses": []},
    ]);
    assert_eq!(serde_json::to_value(&nbest).unwrap(), expected);
    assert_eq!(expected[0]["hypotheses"][0]["tokens"], json!([1]));
    assert_eq!(
        serde_json::to_value(nbest.item(0).unwrap()).unwrap(),
        expected[0]["hypotheses"]
    );
    assert_eq!(
        serde_json::to_value(nbest.item(1).unwrap_err()).unwrap(),
        json!(sentence)
    );
    // What is left of an iterator.
    let mut rest = nbest.item(0).unwrap();
    rest.next();
    assert_eq!(serde_json::to_value(rest).unwrap(), json!([found[1]]));

    let nbest = CtcSearch::new(2, Blank(0)).unwrap().decode(&view).unwrap();
    let found: Vec<OwnedCtcHypothesis> = nbest.item(0).unwrap().map(|h| h.into_owned()).collect();
    assert_eq!(found.len(), 2);
    let expected = json!([
        {"hypotheses": found},
        {"error": sentence},
        {"hypotheses": []},
    ]);
    assert_eq!(serde_json::to_value(&nbest).unwrap(), expected);
    assert_eq!(
        serde_json::to_value(NBest::<IndependentDetails>::new()).unwrap(),
        json!([])
    );
}

/// JSON has no infinity: there such a score is a string.
#[test]
fn an_infinite_score_comes_back() {
    let hypothesis = |score: &str| format!("{{\"tokens\":[1],\"score\":{score}}}");
    for (text, score) in [
        ("\"-inf\"", f64::NEG_INFINITY),
        ("-0.5", -0.5),
        ("-1", -1.0),
    ] {
        let read: OwnedHypothesis = serde_json::from_str(&hypothesis(text)).unwrap();
        assert_eq!(read.score, score);
        let written = serde_json::to_string(&read).unwrap();
        let back: OwnedHypothesis = serde_json::from_str(&written).unwrap();
        assert_eq!(back, read);
    }
    for bad in ["null", "\"low\"", "\"1\"", "[]"] {
        let read = serde_json::from_str::<OwnedHypothesis>(&hypothesis(bad));
        let error = read.unwrap_err().to_string();
        assert!(error.contains("expected a number, or \"-inf\""), "{error}");
    }
}
