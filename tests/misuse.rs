//! What a call says that cannot be done, and what an error says of where it was: sort,
//! item, step, token, request. Indices out of range panic, in words.

#[path = "support/this_program.rs"]
mod this_program;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use this_program::this_program;

use widebeam::autoregressive::{
    AutoregressiveSearch, LogitsProcessor, MaximumLength, MinimumLength, Request, RequestId,
    RowScores, processor_fn,
};
use widebeam::ctc::{Blank, CtcSearch};
use widebeam::{
    Error, ErrorKind, IndependentSearch, Level, NBest, ScoreKind, ScoresView, beam_search, log_add,
};

/// What an error says of where it was.
#[derive(Debug, Default, PartialEq)]
struct Place {
    item: Option<usize>,
    step: Option<usize>,
    token: Option<u32>,
    request: Option<RequestId>,
}

#[track_caller]
fn check(error: &Error, kind: ErrorKind, place: Place, sentence: &str) {
    assert_eq!(error.kind(), kind, "{error}");
    assert_eq!(error.is_out_of_memory(), kind == ErrorKind::OutOfMemory);
    let found = Place {
        item: error.item(),
        step: error.step(),
        token: error.token(),
        request: error.request(),
    };
    assert_eq!(found, place, "{error}");
    assert_eq!(error.to_string(), sentence);
    assert_eq!(format!("{error:?}"), sentence, "Debug is the sentence");
    assert_eq!(format!("{error:#?}"), sentence);
    let boxed: Box<dyn std::error::Error + Send + Sync> = error.clone().into();
    assert_eq!(boxed.to_string(), sentence);
}

/// An item of three is refused by its step and token, in a batch of either search.
#[test]
fn an_invalid_score_of_a_batch_is_placed() {
    for vocab in [5, 300] {
        for (kind, bad, said) in [
            (
                ScoreKind::Probabilities,
                1.5,
                "1.5 is not a valid probability (limits: 0 and 1.001)",
            ),
            (
                ScoreKind::LogProbabilities,
                0.5,
                "0.5 is not a valid log-probability (limits: -inf and 0.001)",
            ),
            (
                ScoreKind::Logits,
                f32::NAN,
                "NaN is not a valid logit (it must be below +inf, and a number)",
            ),
        ] {
            let mut data = vec![-0.0f32; 3 * 4 * vocab];
            data[(4 + 2) * vocab + 3] = bad;
            let view = ScoresView::new(kind, &data, [3, 4, vocab]).unwrap();
            let mut independent = IndependentSearch::new(2).unwrap();
            let mut ctc = CtcSearch::new(2, Blank(0)).unwrap();
            let errors = [
                independent.decode(&view).unwrap().item(1).unwrap_err(),
                ctc.decode(&view).unwrap().item(1).unwrap_err(),
            ];
            for error in errors {
                let place = Place {
                    item: Some(1),
                    step: Some(2),
                    token: Some(3),
                    request: None,
                };
                let sentence = format!("item 1, step 2, token 3: {said}");
                check(&error, ErrorKind::InvalidScore, place, &sentence);
            }
            // Steps of a stream count from the start of the frames that are pushed.
            let mut stream = ctc.stream();
            stream.push(&view.items(0..1)).unwrap();
            let error = stream.push(&view.items(1..2)).unwrap_err();
            assert_eq!((error.step(), error.token()), (Some(2), Some(3)));
            assert_eq!(error.kind(), ErrorKind::InvalidScore);
            assert_eq!(stream.frames(), 4);
        }
    }
}

/// Why a request was refused whose neighbour goes on, after a step of `[1, 2, 3]` scores
/// and one of the scores given, of rows 0 (the neighbour's) and 1.
fn refused(request: Request, second: [f32; 6]) -> (Error, RequestId) {
    let mut search = AutoregressiveSearch::new(3).unwrap();
    let neighbour = search.admit(Request::new(1, MaximumLength(2))).unwrap();
    let id = search.admit(request).unwrap();
    for scores in [[-1.0, -2.0, -3.0, -1.0, -2.0, -3.0], second] {
        if search.outcome(id).is_err() {
            break;
        }
        assert_eq!(search.feed().rows(), 2);
        let scores = ScoresView::log_probabilities(&scores, [2, 3]).unwrap();
        search.advance(&scores).unwrap();
    }
    assert!(search.finished().contains(&id));
    assert!(search.outcome(neighbour).unwrap().is_some());
    (search.outcome(id).unwrap_err(), id)
}

#[test]
fn an_invalid_score_of_a_request_is_placed() {
    let good = [-1.0, -2.0, -3.0, -1.0, -2.0, -3.0];
    let request = || Request::new(1, MaximumLength(5));
    let place = |id| Place {
        item: None,
        step: Some(1),
        token: Some(2),
        request: Some(id),
    };
    let mut bad = good;
    bad[5] = 0.5;
    let (error, id) = refused(request(), bad);
    let sentence =
        "row 1, step 1, token 2: 0.5 is not a valid log-probability (limits: -inf and 0.001)";
    check(&error, ErrorKind::InvalidScore, place(id), sentence);
    let set = processor_fn(|row| {
        if row.generated().len() == 1 {
            row.set(2, f64::INFINITY);
        }
    });
    let sentence = "step 1, token 2: a logits processor set a score of inf; \
                    it must be a number below +inf";
    for request in [
        request().process_logits(set),
        request().process_log_probabilities(set),
    ] {
        let (error, id) = refused(request, good);
        check(&error, ErrorKind::InvalidScore, place(id), sentence);
    }
}

#[test]
fn a_kind_of_scores_that_a_request_does_not_work_with_is_an_invalid_score() {
    let mut search = AutoregressiveSearch::new(2).unwrap();
    let request = Request::new(1, MaximumLength(2)).process_logits(MinimumLength(1));
    let id = search.admit(request).unwrap();
    search.feed();
    let scores = ScoresView::probabilities(&[0.5f32, 0.5], [1, 2]).unwrap();
    search.advance(&scores).unwrap();
    let place = Place {
        request: Some(id),
        ..Place::default()
    };
    let sentence = "a logits processor before the log-softmax needs logits or \
                    log-probabilities, not probabilities";
    let error = search.outcome(id).unwrap_err();
    check(&error, ErrorKind::InvalidScore, place, sentence);
}

#[test]
fn errors_of_whole_calls_have_their_sort() {
    let data = [0.5f32; 6];
    let view = ScoresView::probabilities(&data, [1, 3, 2]).unwrap();
    let token = |token| Place {
        token: Some(token),
        ..Place::default()
    };
    let item = |item| Place {
        item: Some(item),
        ..Place::default()
    };
    let none = Place::default;
    let mut finished = CtcSearch::new(2, Blank(0)).unwrap().stream();
    finished.finish().unwrap();
    let mut search = AutoregressiveSearch::new(4).unwrap();
    let request = || Request::new(2, MaximumLength(3));
    for (error, kind, place, sentence) in [
        (
            ScoresView::logits(&data, [1, 3, 3]).unwrap_err(),
            ErrorKind::InvalidShape,
            none(),
            "shape [1, 3, 3] needs exactly 9 values, 6 were given",
        ),
        (
            view.with_lengths(&[4]).unwrap_err(),
            ErrorKind::InvalidShape,
            item(0),
            "item 0: length 4 is above the 3 time steps of the scores",
        ),
        (
            IndependentSearch::new(0).unwrap_err(),
            ErrorKind::InvalidSetting,
            none(),
            "a beam width of 0 finds nothing; at least 1 is needed",
        ),
        (
            CtcSearch::new(CtcSearch::MAX_BEAMS + 1, Blank(0)).unwrap_err(),
            ErrorKind::LimitExceeded,
            none(),
            "a beam width of 1048577 is above the limit of 1048576",
        ),
        (
            CtcSearch::new(2, Blank(7))
                .unwrap()
                .decode(&view)
                .unwrap_err(),
            ErrorKind::UnknownToken,
            token(7),
            "the blank is token 7, beyond a vocabulary of 2 tokens",
        ),
        (
            finished.push(&view).unwrap_err(),
            ErrorKind::OutOfOrder,
            none(),
            "the stream was finished after 0 frames; reset it first",
        ),
        (
            search.admit(request().with_end_tokens([9])).unwrap_err(),
            ErrorKind::UnknownToken,
            token(9),
            "end tokens: token 9 is beyond the vocabulary of 4 tokens",
        ),
        (
            search
                .admit(request().with_diverse_groups(3, 0.5))
                .unwrap_err(),
            ErrorKind::InvalidSetting,
            none(),
            "2 beams cannot be split evenly into 3 groups of at least 1",
        ),
        (
            log_add(&[0.0], &[0.0; 2], &mut [0.0]).unwrap_err(),
            ErrorKind::InvalidShape,
            none(),
            "1 and 2 logarithms cannot be added into 1 sums; the lengths must be the same",
        ),
        (
            "sse".parse::<Level>().unwrap_err(),
            ErrorKind::InvalidLevel,
            none(),
            "\"sse\" is not an instruction-set level; the levels are baseline, avx2 and avx512",
        ),
        (
            widebeam::scorers::NgramModel::read_arpa(&b"no model"[..]).unwrap_err(),
            ErrorKind::InvalidModel,
            none(),
            "ARPA file, line 1: no \"\\data\\\" with the numbers of n-grams",
        ),
    ] {
        check(&error, kind, place, sentence);
    }
}

/// The words of a panic.
#[track_caller]
fn words<R>(f: impl FnOnce() -> R) -> String {
    let panic = catch_unwind(AssertUnwindSafe(|| drop(f()))).expect_err("it must panic");
    match panic.downcast::<String>() {
        Ok(words) => *words,
        Err(panic) => panic.downcast::<&str>().expect("words").to_string(),
    }
}

#[test]
fn an_index_out_of_range_panics_and_says_index_and_length() {
    let data = [0.5f32; 8];
    let view = ScoresView::probabilities(&data, [2, 2, 2]).unwrap();
    let lengths = [1, 2];
    let with_lengths = view.with_lengths(&lengths).unwrap();
    let nbest = beam_search(&view, 2).unwrap();
    let labels = CtcSearch::new(2, Blank(0)).unwrap().decode(&view).unwrap();
    for item in [2, 3, usize::MAX] {
        let said = format!("item {item} is out of range: the number of items is 2");
        assert_eq!(words(|| nbest.item(item)), said);
        assert_eq!(words(|| nbest.best(item)), said);
        assert_eq!(words(|| labels.item(item)), said);
        assert_eq!(words(|| labels.best(item)), said);
        assert_eq!(words(|| view.length(item)), said);
        assert_eq!(words(|| with_lengths.length(item)), said);
        let none: NBest = NBest::new();
        let said = format!("item {item} is out of range: the number of items is 0");
        assert_eq!(words(|| none.item(item)), said);
    }
    for range in [0..3, 2..3, 3..3, usize::MAX..usize::MAX, 0..usize::MAX] {
        let said = format!("items {range:?} are out of range: the number of items is 2");
        assert_eq!(words(|| view.items(range.clone())), said);
        assert_eq!(words(|| with_lengths.items(range)), said);
    }
    // A range that ends before it begins.
    let backwards = std::ops::Range { start: 2, end: 1 };
    let said = "items 2..1 are out of range: the number of items is 2";
    assert_eq!(words(|| view.items(backwards)), said);
    assert_eq!(view.items(2..2).batch(), 0);
}

#[test]
fn a_row_out_of_range_panics_and_leaves_the_tokens_alone() {
    let mut search = AutoregressiveSearch::new(3).unwrap();
    let mut tokens = vec![5];
    let said = words(|| search.feed().sequence(0, &mut tokens));
    assert_eq!(said, "row 0 is out of range: the number of rows is 0");
    search.admit(Request::new(2, MaximumLength(4))).unwrap();
    for row in [1, 2, usize::MAX] {
        let said = words(|| search.feed().sequence(row, &mut tokens));
        assert_eq!(
            said,
            format!("row {row} is out of range: the number of rows is 1")
        );
    }
    assert_eq!(tokens, [5]);
    search.feed().sequence(0, &mut tokens);
    assert!(tokens.is_empty());
}

/// What a process with the variable set finds: its tests are this one's. The level of
/// `log_add` is looked up once.
#[test]
fn a_level_that_the_environment_does_not_name_is_an_error_of_every_call() {
    const CHILD: &str = "WIDEBEAM_TEST_ADDS";
    if std::env::var_os(CHILD).is_some() {
        let mut sums = [7.0];
        let added = log_add(&[0.25f64.ln()], &[0.5f64.ln()], &mut sums);
        let again = log_add(&[0.25f64.ln()], &[0.5f64.ln()], &mut [0.0]);
        assert_eq!(added, again);
        match added {
            Ok(()) => println!("added: {:x}", sums[0].to_bits()),
            Err(error) => {
                assert_eq!((error.kind(), sums), (ErrorKind::InvalidLevel, [7.0]));
                assert_eq!(IndependentSearch::new(1).unwrap_err(), error);
                assert_eq!(CtcSearch::new(1, Blank(0)).unwrap_err(), error);
                assert_eq!(AutoregressiveSearch::new(1).unwrap_err(), error);
                println!("error: {error}");
            }
        }
        return;
    }
    let found = |value: &str| {
        let mut child = this_program();
        let test = "a_level_that_the_environment_does_not_name_is_an_error_of_every_call";
        child.args([test, "--exact", "--nocapture"]);
        child.env(CHILD, "").env(Level::VARIABLE, value);
        let output = child.output().unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        assert!(output.status.success(), "{text}");
        let said = text.split('\n').find_map(|line| {
            let from = line.find("added: ").or(line.find("error: "))?;
            Some(line[from..].to_owned())
        });
        said.expect("it says something")
    };
    let mut sums = [0.0];
    log_add(&[0.25f64.ln()], &[0.5f64.ln()], &mut sums).unwrap();
    let added = format!("added: {:x}", sums[0].to_bits());
    assert_eq!(found(""), added);
    for &level in Level::ALL {
        match level.is_available() {
            true => assert_eq!(found(level.name()), added),
            false => assert!(found(level.name()).contains("this processor has no level")),
        }
    }
    for name in ["sse9", "AVX2", " "] {
        let said = format!(
            "error: environment variable WIDEBEAM_LEVEL: {name:?} is not an instruction-set \
             level; the levels are baseline, avx2 and avx512"
        );
        assert_eq!(found(name), said);
    }
}

/// Errors name an item by its index in the whole, also those of a list of some items.
#[test]
fn errors_of_some_items_name_them_by_their_index_in_the_whole() {
    let probabilities = [0.5f32, 0.5, 0.0, 0.0, f32::NAN, 0.5];
    let scores = ScoresView::probabilities(&probabilities, [3, 1, 2]).unwrap();
    let nbest = beam_search(&scores.items(1..3), 1).unwrap();
    assert_eq!(nbest.best(0).unwrap_err().item(), Some(1));
    assert_eq!(nbest.best(1).unwrap_err().item(), Some(2));
    let refused: Vec<_> = nbest.failures().map(|(item, e)| (item, e.item())).collect();
    assert_eq!(refused, [(1, Some(2))]);
    let nbest = CtcSearch::new(1, Blank(0)).unwrap();
    let nbest = nbest.clone().decode(&scores.items(1..3)).unwrap();
    assert_eq!(nbest.best(0).unwrap_err().item(), Some(1));
}

/// A list of hypotheses knows the best one, whatever was taken from it.
#[test]
fn the_best_hypothesis_is_there_when_the_list_is_used_up() {
    let scores = ScoresView::probabilities(&[0.6f32, 0.4], [1, 1, 2]).unwrap();
    let nbest = beam_search(&scores, 2).unwrap();
    let mut hypotheses = nbest.item(0).unwrap();
    assert_eq!(hypotheses.by_ref().count(), 2);
    assert_eq!(hypotheses.best().unwrap().tokens, [0]);
}

/// What a processor of another crate refuses is refused, in its words.
#[test]
fn a_processor_may_refuse_a_vocabulary() {
    struct Picky;
    impl LogitsProcessor for Picky {
        fn process(&self, _: &mut RowScores<'_>) {}
        fn check(&self, vocab: usize) -> Result<(), Error> {
            let sentence = format!("picky: {vocab} tokens; it must be 7");
            (vocab == 7)
                .then_some(())
                .ok_or_else(|| Error::invalid_setting(sentence))
        }
    }
    // Shared by requests, it is the same.
    let request = Request::new(1, MaximumLength(1)).process_logits(Arc::new(Picky));
    let error = AutoregressiveSearch::new(6).unwrap().admit(request.clone());
    let error = error.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidSetting);
    assert_eq!(error.to_string(), "picky: 6 tokens; it must be 7");
    assert!(AutoregressiveSearch::new(7).unwrap().admit(request).is_ok());
}
