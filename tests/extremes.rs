//! Settings and shapes at their limits and far beyond them: an error or a
//! result, never a panic, and never a wait or an allocation that has nothing to
//! do with what is really there.

use std::sync::Arc;

use widebeam::autoregressive::{
    AutoregressiveSearch, CountedLength, Ended, ForcedFirst, ForcedLast, ForcedScore, Leader,
    LengthPenalty, MaximumLength, MinimumLength, NoRepeatNgram, Normaliser, RepetitionPenalty,
    Request, Rules, Stopping, Suppress, TokenMask, TokenTrie, processor_fn,
};
use widebeam::ctc::{Blank, CtcPruning};
use widebeam::scorers::{
    Lexicon, NgramModel, NgramScorer, Phrases, Scorer, Vocabulary, WordBoundary,
};
use widebeam::{CtcSearch, Error, ErrorKind, IndependentSearch, Layout, ScoreKind, ScoresView};

const KINDS: [ScoreKind; 3] = [
    ScoreKind::Probabilities,
    ScoreKind::LogProbabilities,
    ScoreKind::Logits,
];

/// Numbers where arithmetic goes wrong, if it does.
const SIZES: [usize; 10] = [
    0,
    1,
    2,
    7,
    u32::MAX as usize - 1,
    u32::MAX as usize,
    (u32::MAX as usize).saturating_add(1),
    usize::MAX / 2,
    usize::MAX - 1,
    usize::MAX,
];

/// A view of every shape and stride of these sizes is refused, or read in no
/// time: whatever it holds lies in seven values.
#[test]
fn shapes_and_strides_of_any_size() {
    let data = [0.0f32; 7];
    let (mut read, mut refused) = (0, 0);
    let mut independent = IndependentSearch::new(2).unwrap();
    let mut ctc = CtcSearch::new(2, Blank(0)).unwrap();
    for batch in SIZES {
        for time in SIZES {
            for vocab in SIZES {
                for strides in SIZES.map(|a| SIZES.map(|b| [a, b])).as_flattened() {
                    let layout = Layout::strided([batch, time, vocab], *strides);
                    let Ok(view) = ScoresView::logits(&data, layout) else {
                        refused += 1;
                        continue;
                    };
                    read += 1;
                    view.bytes();
                    let _ = (view.items(0..batch.min(1)), view.items(batch..batch));
                    independent.bytes_needed(&view);
                    ctc.bytes_needed(&view);
                    // More would be honest work, or want of memory.
                    let small = |axis: usize| axis < 10;
                    if [batch, time, vocab].into_iter().all(small) && strides[0] < 10 {
                        assert_eq!(independent.decode(&view).unwrap().failures().len(), 0);
                        assert_eq!(ctc.decode(&view).unwrap().failures().len(), 0);
                    }
                }
                let contiguous = ScoresView::logits(&data, [batch, time, vocab]);
                assert!(
                    contiguous.is_err()
                        || batch.saturating_mul(time).saturating_mul(vocab) == 7
                        || (batch == 0 || time == 0) == contiguous.is_ok()
                );
            }
        }
    }
    assert!(read > 500 && refused > 50_000, "{read} {refused}");
}

#[test]
fn beams_of_any_number() {
    let data = [0.25f32; 12];
    let view = ScoresView::probabilities(&data, [2, 3, 2]).unwrap();
    for beams in SIZES {
        match IndependentSearch::new(beams) {
            Ok(mut search) => {
                let nbest = search.decode(&view).unwrap();
                assert_eq!(nbest.item(0).unwrap().len(), beams.min(8));
            }
            Err(_) => assert!(beams == 0 || beams > IndependentSearch::MAX_BEAMS),
        }
        match CtcSearch::new(beams, Blank(0)) {
            Ok(mut search) => assert_eq!(search.decode(&view).unwrap().failures().len(), 0),
            Err(_) => assert!(beams == 0 || beams > CtcSearch::MAX_BEAMS),
        }
    }
    for blank in [1, 2, u32::MAX - 1, u32::MAX] {
        let mut search = CtcSearch::new(3, Blank(blank)).unwrap();
        assert_eq!(search.decode(&view).is_ok(), blank < 2);
        assert_eq!(search.stream().push(&view.items(0..1)).is_ok(), blank < 2);
    }
}

/// One token, one beam, nothing to choose from, and nothing possible.
#[test]
fn the_smallest_searches_there_are() {
    for kind in KINDS {
        for value in [0.0f32, -0.0, f32::MIN_POSITIVE * 0.5, f32::NEG_INFINITY] {
            if !kind.accepts(value) {
                continue;
            }
            let data = [value; 3];
            let view = ScoresView::new(kind, &data, [1, 3, 1]).unwrap();
            let nbest = IndependentSearch::new(1).unwrap().decode(&view).unwrap();
            assert!(nbest.item(0).is_ok());
            let nbest = CtcSearch::new(1, Blank(0)).unwrap().decode(&view).unwrap();
            assert!(nbest.item(0).is_ok());
            let mut search = AutoregressiveSearch::new(1).unwrap();
            let id = search
                .admit(Request::new(1, MaximumLength(2)).with_end_tokens([0]))
                .unwrap();
            while !search.is_idle() {
                let rows = search.feed().rows();
                let view = ScoresView::new(kind, &data[..rows], [rows, 1]).unwrap();
                search.advance(&view).unwrap();
            }
            assert!(search.outcome(id).unwrap().is_some());
        }
    }
}

#[test]
fn prunings_of_any_number() {
    let data: Vec<f32> = (0..6 * 5).map(|i| (i * 7 % 11) as f32 / 11.0).collect();
    let view = ScoresView::probabilities(&data, [6, 5]).unwrap();
    let numbers = [
        0.0,
        -0.0,
        -1e308,
        1e308,
        f64::MIN_POSITIVE,
        f64::NEG_INFINITY,
        f64::INFINITY,
        f64::NAN,
    ];
    let try_it = |pruning: CtcPruning| {
        let search = CtcSearch::new(3, Blank(1)).unwrap();
        match search.with_pruning(pruning.clone()) {
            Err(error) => assert!(error.to_string().contains("it must be"), "{error}"),
            Ok(mut search) => {
                let whole = search.decode(&view).unwrap().item(0).unwrap().len();
                let mut stream = search.stream();
                for frame in data.chunks(5) {
                    stream
                        .push(&ScoresView::probabilities(frame, [1, 5]).unwrap())
                        .unwrap();
                    stream.stable();
                }
                assert_eq!(stream.finish().unwrap().len(), whole, "{pruning:?}");
            }
        }
    };
    for number in numbers {
        try_it(CtcPruning::none().with_min_token_log_probability(number));
        try_it(CtcPruning::none().with_score_threshold(number));
        try_it(CtcPruning::none().with_blank_skip(number));
    }
    for size in SIZES {
        try_it(CtcPruning::none().with_top_tokens(size));
        try_it(CtcPruning::none().with_commit_delay(size));
    }
}

/// How a request over a vocabulary of six tokens ends; `None` if a score fails it. An
/// error is that of its admission.
fn run(request: Request) -> Result<Option<Ended>, Error> {
    let mut search = AutoregressiveSearch::new(6)?;
    let id = search.admit(request)?;
    for _ in 0..6 {
        if search.is_idle() {
            break;
        }
        let rows = search.feed().rows();
        let data: Vec<f32> = (0..rows * 6).map(|i| (i * 5 % 13) as f32 - 6.0).collect();
        search.advance(&ScoresView::logits(&data, [rows, 6])?)?;
    }
    let mut prefix = Vec::new();
    search.stable_prefix(id, &mut prefix);
    let ended = match search.outcome(id) {
        Ok(None) => Some(Ended::Length),
        Ok(Some(outcome)) => {
            outcome.hypotheses().for_each(drop);
            Some(outcome.ended())
        }
        Err(error) => {
            assert_eq!(
                (error.kind(), error.request()),
                (ErrorKind::InvalidScore, Some(id))
            );
            None
        }
    };
    assert!(search.remove(id));
    Ok(ended)
}

#[test]
fn requests_of_any_size() {
    for size in SIZES {
        assert_eq!(run(Request::new(2, MaximumLength(size))).is_ok(), size > 0);
        // Up to the limit the beam is as wide as there are hypotheses.
        let wide = run(Request::new(size, MaximumLength(3)));
        assert_eq!(
            wide.is_ok(),
            (1..=Request::MAX_BEAMS).contains(&size),
            "{wide:?}"
        );
        let grouped = run(Request::new(4, MaximumLength(3)).with_diverse_groups(size, 0.5));
        assert_eq!(grouped.is_ok(), matches!(size, 1 | 2), "{grouped:?}");
        let processed = Request::new(3, MaximumLength(4))
            .with_end_tokens([2])
            .process_log_probabilities(MinimumLength(size));
        run(processed).unwrap();
        if let Ok(ngram) = NoRepeatNgram::new(size) {
            run(Request::new(3, MaximumLength(4))
                .with_prompt([1, 1])
                .process_logits(ngram))
            .unwrap();
        }
        let hypotheses = Stopping::BestFinished { hypotheses: size };
        let rules = Rules::plain().with_stopping(hypotheses);
        run(Request::new(3, MaximumLength(4))
            .with_end_tokens([2])
            .with_rules(rules))
        .unwrap();
    }
    run(Request::new(Request::MAX_BEAMS, MaximumLength(2))).unwrap();
    run(Request::new(3, MaximumLength(usize::MAX))
        .with_rules(
            Rules::plain()
                .with_counted(CountedLength::WithPrompt)
                .with_stopping(Stopping::Exhaustive),
        )
        .with_prompt([1, 2])
        .with_end_tokens([0]))
    .unwrap();
}

#[test]
fn penalties_of_any_number() {
    let numbers = [
        0.0,
        -0.0,
        1.0,
        -1.0,
        1e308,
        -1e308,
        f64::MIN_POSITIVE,
        f64::MAX,
        f64::INFINITY,
        f64::NEG_INFINITY,
        f64::NAN,
    ];
    for number in numbers {
        for length_penalty in [
            LengthPenalty::Power { alpha: number },
            LengthPenalty::Gnmt { alpha: number },
        ] {
            for counted in [CountedLength::Generated, CountedLength::WithoutEnd] {
                for stopping in [
                    Stopping::Heuristic {
                        leader: Leader::Live,
                    },
                    Stopping::Exhaustive,
                    Stopping::FirstFinished { patience: 1.0 },
                ] {
                    let rules = Rules::plain()
                        .with_length_penalty(length_penalty)
                        .with_counted(counted)
                        .with_stopping(stopping);
                    let request = Request::new(3, MaximumLength(4))
                        .with_end_tokens([2, 5])
                        .with_rules(rules);
                    assert_eq!(run(request).is_ok(), number.is_finite());
                }
            }
        }
        let patience = Rules::plain().with_stopping(Stopping::FirstFinished { patience: number });
        let request = Request::new(3, MaximumLength(4))
            .with_end_tokens([2])
            .with_rules(patience);
        assert_eq!(run(request).is_ok(), number.is_finite() && number > 0.0);
        let request = Request::new(4, MaximumLength(4)).with_diverse_groups(2, number);
        assert_eq!(run(request).is_ok(), number.is_finite());
        if let Ok(penalty) = RepetitionPenalty::new(number) {
            let request = Request::new(3, MaximumLength(4)).with_prompt([0, 1, 2, 3]);
            run(request.clone().process_logits(penalty.clone())).unwrap();
            run(request.process_log_probabilities(penalty)).unwrap();
        }
        // A processor may set anything; what is no score fails its request.
        let set = processor_fn(move |row| {
            row.set(3, number);
            row.set(u32::MAX, number);
            assert_eq!(row.get(u32::MAX), f64::NEG_INFINITY);
        });
        let valid = !number.is_nan() && number != f64::INFINITY;
        for request in [
            Request::new(3, MaximumLength(4)).process_log_probabilities(set),
            Request::new(3, MaximumLength(4)).process_logits(set),
        ] {
            let ended = run(request).unwrap();
            assert!(valid || ended.is_none(), "{number}: {ended:?}");
        }
    }
}

#[test]
fn tokens_of_any_number() {
    let largest = [6, u32::MAX - 1, u32::MAX];
    for token in largest {
        let request = || Request::new(3, MaximumLength(3));
        let (own, whole) = (ForcedScore::Own, Normaliser::WholeRow);
        // A prompt is the model's own affair.
        run(request()
            .with_prompt([token; 3])
            .process_logits(NoRepeatNgram::new(1).unwrap()))
        .unwrap();
        assert!(run(request().with_end_tokens([token])).is_err());
        assert!(run(request().process_logits(Suppress(vec![token]))).is_err());
        assert!(run(request().process_logits(ForcedFirst::new(token, own))).is_err());
        assert!(run(request().process_logits(ForcedLast::new(token, own))).is_err());
        assert!(run(request().with_constraint(TokenTrie::new([[token]]), whole)).is_err());
        let permitted = processor_fn(move |row| row.permit_only([token]));
        let ended = run(request().process_log_probabilities(permitted)).unwrap();
        assert_eq!(ended, Some(Ended::NothingFound));
    }
    // All tokens end, none is permitted, or only what is forbidden.
    run(Request::new(3, MaximumLength(3)).with_end_tokens(0..6)).unwrap();
    for normaliser in [Normaliser::WholeRow, Normaliser::Permitted] {
        let nothing = TokenTrie::new::<[u32; 0]>([]);
        let nothing = Request::new(3, MaximumLength(3)).with_constraint(nothing, normaliser);
        assert!(run(nothing).is_err());
        let none =
            Request::new(3, MaximumLength(3)).with_constraint(TokenMask::default(), normaliser);
        assert!(run(none).is_err());
        let forbidden = Request::new(3, MaximumLength(3))
            .with_constraint(TokenTrie::new([[1]]), normaliser)
            .process_logits(Suppress(vec![1]));
        assert!(run(forbidden).is_err());
    }
}

/// Words past the last token name none, and are not taken for others.
#[test]
fn a_mask_longer_than_all_tokens() {
    let mut words = vec![0u64; (1 << 26) + 1];
    words[1 << 26] = 1;
    let mask = TokenMask::from_words(words);
    assert_eq!((mask.count(), mask.iter().next()), (0, None));
    assert!(!mask.contains(0));
}

#[test]
fn scorers_of_any_weight() {
    let arpa = "\\data\\\nngram 1=2\n\\1-grams:\n-3.4e38 a\n-3.4e38 <unk>\n\\end\\\n";
    let model = Arc::new(NgramModel::read_arpa(arpa.as_bytes()).unwrap());
    let labels = ["", "a", "b"];
    let data = [0.2f32, 0.5, 0.3].repeat(4);
    let view = ScoresView::probabilities(&data, [4, 3]).unwrap();
    for weight in [0.0, 1.0, -1.0, f64::MAX, f64::MIN, f64::INFINITY, f64::NAN] {
        for bonus in [0.0, f64::MAX, f64::MIN, f64::NAN] {
            let vocabulary = Vocabulary::new(&labels, Some(Blank(0)));
            let scorer = NgramScorer::of_characters(model.clone(), &vocabulary).unwrap();
            let scorer = scorer.with_weight(weight);
            let scorer = scorer.and_then(|scorer| scorer.with_token_bonus(bonus));
            assert_eq!(scorer.is_ok(), weight.is_finite() && bonus.is_finite());
            if let Ok(scorer) = scorer {
                let search = CtcSearch::new(3, Blank(0)).unwrap();
                let nbest = search.with_scorer(scorer).decode(&view).unwrap();
                assert!(nbest.item(0).is_ok());
            }
        }
        let sequences = [
            (&[1u32, 2, 1][..], weight),
            (&[1], weight),
            (&[u32::MAX], 1.0),
        ];
        let texts = [("aba", weight), ("a", weight), ("\u{10ffff}", 1.0)];
        let vocabulary = Vocabulary::new(&labels, Some(Blank(0)));
        for phrases in [
            Phrases::from_tokens(&sequences),
            Phrases::from_text(&texts, &vocabulary, false),
            Phrases::from_text(&texts, &vocabulary, true),
        ] {
            // Two of the largest boosts are more than a number holds.
            let fits = weight.is_finite() && weight.abs() < f64::MAX;
            assert_eq!(phrases.is_ok(), fits);
            if let Ok(phrases) = phrases {
                assert!(phrases.max_score(&phrases.start()).is_finite());
                let search = CtcSearch::new(3, Blank(0)).unwrap();
                let nbest = search.with_scorer(phrases).decode(&view).unwrap();
                assert!(nbest.item(0).is_ok());
            }
        }
    }
    for boundary in [
        WordBoundary::Space,
        WordBoundary::Delimiter(0),
        WordBoundary::Delimiter(2),
        WordBoundary::EveryToken,
    ] {
        for labels in [&labels[..], &[]] {
            let vocabulary = Vocabulary::new(labels, Some(Blank(0)));
            let Ok(vocabulary) = vocabulary.with_boundary(boundary) else {
                continue;
            };
            let lexicon = Lexicon::new(&["a"], &vocabulary).unwrap();
            let search = CtcSearch::new(3, Blank(0)).unwrap();
            let nbest = search.with_scorer(lexicon).decode(&view).unwrap();
            assert!(nbest.item(0).is_ok());
        }
    }
    assert!(
        Vocabulary::new(&labels, Some(Blank(u32::MAX)))
            .spell("ab")
            .is_ok()
    );
    assert!(Vocabulary::new::<&str>(&[], None).spell("a").is_err());
}
