//! The CTC search on fixed emissions, whole and as streams, alone and with each
//! scorer.

use half::{bf16, f16};
use widebeam::ctc::{Blank, CtcHypothesis, CtcPruning};
use widebeam::scorers::{NgramModel, NgramScorer, Scorer, Unscored, Vocabulary};
use widebeam::{CtcSearch, Level, ScoreKind, ScoresView};

use crate::Results;
use crate::arrangement::{Order, everywhere};
use crate::inputs::{Hash, KINDS, Number, hex, value};
use crate::word_scorers;

const SHAPE: [usize; 3] = [5, 40, 30];
const BEAMS: usize = 9;
const BLANK: u32 = 2;

const MODEL: &str = "\
\\data\\
ngram 1=4
ngram 2=3

\\1-grams:
-1.5 <unk>
-0.5 a -0.25
-0.75 b -0.125
-1.25 c -0.5

\\2-grams:
-0.375 a b
-0.625 b c
-0.25 c c

\\end\\
";

pub(crate) fn results() -> Results {
    let labels: Vec<String> = (0..SHAPE[2])
        .map(|i| ["a", "b", "c", "d"][i % 4].to_owned())
        .collect();
    let model = NgramModel::read_arpa(MODEL.as_bytes()).unwrap();
    let scorer = NgramScorer::of_tokens(model, &Vocabulary::new(&labels, None)).unwrap();
    let scorer = scorer.with_weight(0.5).unwrap();
    let scorer = scorer.with_token_bonus(0.75).unwrap();
    let pruned = CtcPruning::none()
        .with_top_tokens(8)
        .with_score_threshold(9.0)
        .with_commit_delay(7);
    let mut results = Results::new();
    use Fields::{All, First};
    for (name, kind) in KINDS {
        let mut add = |what: &str, dtype: &str, hash| {
            results.insert(format!("ctc/{what}/{name}/{dtype}"), hash);
        };
        let none = CtcPruning::none();
        add(
            "plain",
            f32::NAME,
            case::<f32, _>(First, kind, &none, &Unscored),
        );
        add(
            "plain",
            f16::NAME,
            case::<f16, _>(First, kind, &none, &Unscored),
        );
        add(
            "plain",
            bf16::NAME,
            case::<bf16, _>(First, kind, &none, &Unscored),
        );
        add(
            "pruned",
            f32::NAME,
            case::<f32, _>(First, kind, &pruned, &Unscored),
        );
        add(
            "scored",
            f32::NAME,
            case::<f32, _>(First, kind, &none, &scorer),
        );
        add(
            "fields",
            f32::NAME,
            case::<f32, _>(All, kind, &none, &Unscored),
        );
        let vocab = SHAPE[2];
        let ngram = word_scorers::word_ngram(vocab, BLANK);
        let spellings = word_scorers::spelling_lexicon(vocab);
        let phrases = word_scorers::phrases(vocab, BLANK);
        let lexicon = word_scorers::lexicon(vocab, BLANK);
        add("words", f32::NAME, case::<f32, _>(All, kind, &none, &ngram));
        add("words", f16::NAME, case::<f16, _>(All, kind, &none, &ngram));
        add(
            "spellings",
            f32::NAME,
            case::<f32, _>(All, kind, &none, &spellings),
        );
        add(
            "phrases",
            f32::NAME,
            case::<f32, _>(All, kind, &none, &phrases),
        );
        let all = (lexicon, (phrases, ngram));
        add("all", f32::NAME, case::<f32, _>(All, kind, &none, &all));
        add("all", bf16::NAME, case::<bf16, _>(All, kind, &pruned, &all));
    }
    results
}

/// The fields of a hypothesis that are hashed.
#[derive(Clone, Copy, PartialEq)]
enum Fields {
    /// Those that the first golden results were made of.
    First,
    All,
}

fn case<T: Number, S: Scorer<State: Send> + Sync>(
    fields: Fields,
    kind: ScoreKind,
    pruning: &CtcPruning,
    scorer: &S,
) -> String {
    let count = SHAPE.iter().product();
    let data: Vec<T> = (0..count).map(|i| T::of(value(kind, 2, i))).collect();
    hex(&everywhere(|level, order| {
        run(&data, fields, kind, pruning, scorer, level, order)
    }))
}

fn hash<'a>(fields: Fields, hypotheses: impl Iterator<Item = CtcHypothesis<'a>>) -> u64 {
    let mut hash = Hash::default();
    let mut count = 0;
    for hypothesis in hypotheses {
        count += 1;
        hash.tokens(hypothesis.tokens);
        hash.tokens(hypothesis.frames);
        hash.score(hypothesis.score);
        hash.score(hypothesis.alignment_score);
        hash.score(hypothesis.scorer_score);
        if fields == Fields::All {
            hash.tokens(hypothesis.last_frames);
            hash.score(hypothesis.log_mass);
        }
    }
    assert!(count > 0, "nothing is hashed");
    hash.get()
}

/// The hash of each item.
fn run<T: Number, S: Scorer + Sync>(
    data: &[T],
    fields: Fields,
    kind: ScoreKind,
    pruning: &CtcPruning,
    scorer: &S,
    level: Level,
    order: Order,
) -> Vec<u64> {
    let [batch, time, vocab] = SHAPE;
    let search = CtcSearch::new(BEAMS, Blank(BLANK))
        .unwrap()
        .with_scorer(scorer);
    let search = search.with_pruning(pruning.clone()).unwrap();
    let mut search = search.with_level(level).unwrap();
    let mut stream = search.stream();
    let mut hashes = vec![0; batch];
    for group in order.groups(batch) {
        let items = group
            .iter()
            .flat_map(|&item| &data[item * time * vocab..][..time * vocab]);
        let own: Vec<T> = items.copied().collect();
        let lengths: Vec<usize> = group.iter().map(|&item| time - item).collect();
        let view = ScoresView::new(kind, &own, [group.len(), time, vocab]).unwrap();
        let nbest = search
            .decode(&view.with_lengths(&lengths).unwrap())
            .unwrap();
        for (at, &item) in group.iter().enumerate() {
            hashes[item] = hash(fields, nbest.item(at).unwrap());
            // The same frames, some at a time.
            stream.reset();
            let frames = &own[at * time * vocab..][..lengths[at] * vocab];
            let most = order.chunk().saturating_mul(vocab);
            for chunk in frames.chunks(most) {
                let shape = [chunk.len() / vocab, vocab];
                stream
                    .push(&ScoresView::new(kind, chunk, shape).unwrap())
                    .unwrap();
            }
            assert_eq!(hash(fields, stream.finish().unwrap()), hashes[item]);
        }
    }
    hashes
}
