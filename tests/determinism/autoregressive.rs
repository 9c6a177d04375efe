//! The autoregressive search on fixed requests over a fixed model.

use half::{bf16, f16};
use widebeam::autoregressive::{
    AutoregressiveSearch, EarlyStopping, Finish, Normaliser, RequestId, Rules,
};
use widebeam::reference::requests::{Model, Permitted, Processor, Spec, found, score};
use widebeam::{Level, ScoreKind, ScoresView};

use crate::Results;
use crate::arrangement::{Order, everywhere};
use crate::inputs::{Hash, KINDS, Number, hex};

const VOCAB: usize = 150;

pub(crate) fn results() -> Results {
    let mut results = Results::new();
    for (name, kind) in KINDS {
        let mut add = |dtype, hash| {
            results.insert(format!("autoregressive/{name}/{dtype}"), hash);
        };
        add(f32::NAME, case::<f32>(kind));
        add(f16::NAME, case::<f16>(kind));
        add(bf16::NAME, case::<bf16>(kind));
    }
    results
}

/// Requests of every sort. No length penalty here needs a rounded power.
fn specs(kind: ScoreKind) -> Vec<Spec> {
    let plain = Spec::plain(4, 9, &[3, 8]);
    let mut changed = Spec {
        prompt: vec![5, 9, 5],
        rules: Rules::hugging_face(2.0, EarlyStopping::Never),
        after: vec![Processor::Repetition(1.5), Processor::Ngram(2)],
        ..Spec::plain(6, 7, &[3])
    };
    let whole = kind == ScoreKind::Probabilities;
    if !whole {
        changed.before = vec![Processor::Hook(4, 0.125), Processor::Suppress(vec![1, 2])];
    }
    let sequences = (0..40u32).map(|i| vec![i % 7, i % 5, i]).collect();
    let normaliser = if whole {
        Normaliser::WholeRow
    } else {
        Normaliser::Permitted
    };
    vec![
        plain.clone(),
        changed,
        Spec {
            groups: (3, 0.5),
            ..Spec::plain(9, 6, &[3])
        },
        Spec {
            constraints: vec![(Permitted::Trie(sequences), normaliser)],
            ..plain.clone()
        },
        Spec {
            rules: Rules::fairseq(1.0),
            ..Spec::plain(40, 5, &[7])
        },
    ]
}

fn case<T: Number>(kind: ScoreKind) -> String {
    let model = Model {
        seed: 3,
        vocab: VOCAB,
        memory: 3,
        values: 0,
        impossible: 11,
        kind,
    };
    let specs = specs(kind);
    hex(&everywhere(|level, order| {
        run::<T>(&model, &specs, level, order)
    }))
}

/// The hash of each request.
fn run<T: Number>(model: &Model, specs: &[Spec], level: Level, order: Order) -> Vec<u64> {
    let search = AutoregressiveSearch::new(VOCAB).unwrap();
    let mut search = search.with_level(level).unwrap();
    let (mut before, mut hashes) = (Vec::new(), vec![0; specs.len()]);
    let mut ids: Vec<(RequestId, usize)> = Vec::new();
    let mut groups = order.groups(specs.len()).into_iter();
    loop {
        // Pairs come a step after each other, else each group waits for the one
        // before it.
        let comes = match order {
            Order::Pairs => true,
            _ => search.is_idle(),
        };
        if comes {
            for index in groups.next().unwrap_or_default() {
                ids.push((search.admit(specs[index].engine()).unwrap(), index));
            }
        }
        if search.is_idle() {
            break;
        }
        let scores = score(&mut search, &mut before, |_, history| model.scores(history));
        let scores: Vec<T> = scores.into_iter().map(T::of).collect();
        let shape = [scores.len() / VOCAB, VOCAB];
        search
            .advance(&ScoresView::new(model.kind, &scores, shape).unwrap())
            .unwrap();
    }
    for (id, index) in ids {
        let mut hash = Hash::default();
        for found in found(search.outcome(id).unwrap().unwrap()) {
            hash.tokens(&found.tokens);
            found
                .token_scores
                .iter()
                .for_each(|&score| hash.score(score));
            hash.score(found.log_probability);
            hash.score(found.score);
            hash.number(u64::from(found.finish == Finish::End.into()));
        }
        hashes[index] = hash.get();
    }
    hashes
}
