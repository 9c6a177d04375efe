//! What the engine says of bad settings, calls at the wrong time and bad scores.

use widebeam::ScoreKind::{LogProbabilities, Logits, Probabilities};
use widebeam::transducer::{Blank, Emitted, Topology, TransducerSearch};
use widebeam::{ErrorKind, ScoreKind, ScoresView};

use crate::driver::Driver;
use crate::toys::{NO, Toy, VOCAB, search, tdt, topologies};

#[test]
fn settings_that_make_no_sense_are_refused() {
    let refused = |vocab, blank, beams| {
        let search = TransducerSearch::new(vocab, Blank(blank), beams);
        search.unwrap_err().to_string()
    };
    assert!(refused(5, 5, 1).contains("the blank is token 5"));
    assert!(refused(0, 0, 1).contains("vocabulary of 0"));
    assert!(refused(5, 0, 0).contains("beam width of 0"));
    let most = TransducerSearch::MAX_BEAMS;
    assert!(refused(5, 0, most + 1).contains("limit of 1048576"));
    for (durations, said) in [
        (&[][..], "no durations"),
        (&[0], "all 0"),
        (&[2, 1], "strictly ascending"),
        (&[1, 1], "strictly ascending"),
        (&[0, 1025], "limit of 1024"),
    ] {
        let search = TransducerSearch::new(5, Blank(0), 2).unwrap();
        let error = search
            .with_topology(tdt(durations))
            .unwrap_err()
            .to_string();
        assert!(error.contains(said), "{error}");
    }
    let search = || TransducerSearch::new(5, Blank(0), 2).unwrap();
    let symbols = Topology::Standard { max_symbols: 0 };
    assert!(search().with_topology(symbols).is_err());
    assert!(search().with_nbest(0).is_err());
    assert!(search().with_commit_delay(Some(0)).is_err());
    let error = search().admit(usize::MAX).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::LimitExceeded);
}

#[test]
fn calls_that_come_at_the_wrong_time_say_so() {
    let mut search = search(3, 2, &Topology::OneSymbol);
    let row = [0.0f32; 6];
    let view = ScoresView::logits(&row, [2, 3]).unwrap();
    assert_eq!(
        search.advance(&view).unwrap_err().kind(),
        ErrorKind::OutOfOrder
    );
    let id = search.admit(2).unwrap();
    assert_eq!(
        search.advance(&view).unwrap_err().kind(),
        ErrorKind::OutOfOrder
    );
    assert_eq!(search.feed().rows(), 1);
    let error = search.advance(&view).unwrap_err();
    assert_eq!(
        error.to_string(),
        "scores of shape [1, 2, 3] were given; this step needs [1, 1, 3]"
    );
    let wide = ScoresView::logits(&row[..4], [1, 4]).unwrap();
    assert_eq!(
        search.advance(&wide).unwrap_err().kind(),
        ErrorKind::InvalidShape
    );
    let lengths = ScoresView::logits(&row[..3], [1, 3]).unwrap();
    let lengths = lengths.with_lengths(&[1]).unwrap();
    assert_eq!(
        search.advance(&lengths).unwrap_err().kind(),
        ErrorKind::InvalidShape
    );
    // Nothing has changed.
    assert_eq!(search.feed().rows(), 1);

    let error = search.add_frames(id, 1).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::OutOfOrder);
    assert_eq!(
        error.to_string(),
        format!("{id}: its frames have ended, after 2")
    );
    let stream = search.admit_stream().unwrap();
    search.add_frames(stream, 0).unwrap();
    let most = TransducerSearch::MAX_FRAMES;
    assert!(search.add_frames(stream, most + 1).is_err());
    search.end(stream).unwrap();
    assert_eq!(
        search.add_frames(stream, 1).unwrap_err().request(),
        Some(stream)
    );
    assert_eq!(
        search.outcome(stream).unwrap().unwrap().hypotheses().len(),
        1
    );
    assert!(search.stable(stream).unwrap().tokens.is_empty());

    let other = crate::toys::search(3, 2, &Topology::OneSymbol)
        .admit(1)
        .unwrap();
    assert!(search.remove(id));
    for gone in [id, other] {
        let kinds = [
            search.add_frames(gone, 1).unwrap_err(),
            search.end(gone).unwrap_err(),
            search.finish(gone).unwrap_err(),
            search.outcome(gone).unwrap_err(),
            search.current(gone).unwrap_err(),
            search.frames(gone).unwrap_err(),
            search.stable(gone).unwrap_err(),
            search.take_stable(gone, &mut Emitted::new()).unwrap_err(),
        ];
        for error in kinds {
            assert_eq!(
                (error.kind(), error.request()),
                (ErrorKind::UnknownRequest, Some(gone))
            );
        }
        assert!(!search.remove(gone));
    }
}

/// A score that is none fails its own request; the answer says which row, frame and symbol.
#[test]
fn a_score_that_is_none_fails_its_own_request() {
    let bad: [(ScoreKind, f32, &str); 4] = [
        (Logits, f32::NAN, "NaN is not a valid logit"),
        (Logits, f32::INFINITY, "inf is not a valid logit"),
        (LogProbabilities, 0.5, "0.5 is not a valid log-probability"),
        (Probabilities, -0.5, "-0.5 is not a valid probability"),
    ];
    for topology in topologies() {
        for (kind, value, said) in bad {
            let mut driver = Driver::new(search(VOCAB, 3, &topology));
            let columns = driver.search.columns();
            let ids = [(); 3].map(|()| driver.search.admit(5).unwrap());
            let toy = Toy {
                utterance: 2,
                columns,
                spread: 1.0,
            };
            let scores = |frame, prefix: &[u32]| -> Vec<f32> {
                let row = toy.row(frame, prefix);
                let negative = kind == LogProbabilities;
                row.into_iter()
                    .map(|x| if negative { -x } else { x })
                    .collect()
            };
            // The last column: of a token, or of a duration.
            driver.run(kind, |id, frame, prefix| {
                let mut row = scores(frame, prefix);
                if id == ids[1] && frame == 2 {
                    row[columns - 1] = value;
                }
                row
            });
            let error = driver.search.outcome(ids[1]).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidScore);
            assert_eq!((error.request(), error.step()), (Some(ids[1]), Some(2)));
            let (what, token) = match columns {
                VOCAB => ("token 89", Some(89)),
                _ => ("duration 4", None),
            };
            assert_eq!(error.token(), token);
            let message = error.to_string();
            assert!(
                message.contains(&format!("frame 2, {what}: {said}")),
                "{message}"
            );
            for error in [
                driver.search.add_frames(ids[1], 1).unwrap_err(),
                driver.search.current(ids[1]).unwrap_err(),
                driver.search.finish(ids[1]).unwrap_err(),
                driver.search.stable(ids[1]).unwrap_err(),
            ] {
                assert_eq!(error.to_string(), message);
            }
            let mut alone = Driver::new(search(VOCAB, 3, &topology));
            let id = alone.search.admit(5).unwrap();
            alone.run(kind, |_, frame, prefix| scores(frame, prefix));
            let expected = alone.outcome(id);
            assert_eq!(driver.outcome(ids[0]), expected);
            assert_eq!(driver.outcome(ids[2]), expected);
        }
    }
}

/// Rows in which nothing is possible leave no hypothesis, and ask for nothing more.
#[test]
fn rows_of_nothing_leave_nothing() {
    for topology in topologies() {
        let mut driver = Driver::new(search(4, 3, &topology));
        let columns = driver.search.columns();
        let ids = [(); 2].map(|()| driver.search.admit(6).unwrap());
        let stream = driver.search.admit_stream().unwrap();
        driver.search.add_frames(stream, 2).unwrap();
        let mut rows = 0;
        driver.run(Logits, |id, frame, _| {
            if id == ids[0] {
                return (0..columns).map(|column| column as f32).collect();
            }
            rows += 1;
            vec![if frame < 1 { 0.0 } else { NO }; columns]
        });
        assert!(rows < 40, "{rows}");
        assert!(!driver.outcome(ids[0]).is_empty());
        assert!(driver.outcome(ids[1]).is_empty());
        driver.search.add_frames(stream, 100).unwrap();
        driver.search.end(stream).unwrap();
        driver.run(Logits, |_, _, _| vec![NO; columns]);
        let outcome = driver.search.outcome(stream).unwrap().unwrap();
        assert_eq!(outcome.hypotheses().len(), 0);
        assert_eq!(outcome.best().unwrap_err().kind(), ErrorKind::NoHypothesis);
    }
}

/// Blanks that are impossible keep an utterance in its frame for as long as it may stay.
#[test]
fn a_frame_has_no_more_symbols_than_it_may() {
    for max_symbols in [1, 2, 5] {
        let mut driver = Driver::new(search(3, 2, &Topology::Standard { max_symbols }));
        let id = driver.search.admit(2).unwrap();
        let mut steps = 0;
        driver.run(LogProbabilities, |_, _, prefix| {
            steps += usize::from(prefix.len() > steps);
            vec![NO, -0.5, NO]
        });
        assert_eq!((steps, driver.outcome(id).len()), (max_symbols, 0));
    }
}

#[test]
fn searches_and_results_cross_threads() {
    fn crosses<T: Send + Sync>() {}
    crosses::<TransducerSearch>();
    crosses::<TransducerSearch<widebeam::scorers::Phrases>>();
    crosses::<widebeam::transducer::TransducerNBest>();
}

#[test]
fn a_clone_has_the_settings_and_no_requests() {
    let mut first = search(3, 2, &tdt(&[1, 2]));
    let id = first.admit(4).unwrap();
    let mut second = first.clone();
    assert_eq!((second.beams(), second.columns()), (2, 5));
    assert_eq!(second.topology(), first.topology());
    assert!(second.is_idle() && second.outcome(id).is_err());
    assert_eq!((first.feed().rows(), second.feed().rows()), (1, 0));
}
