//! The engine's searches of several requests that come one after the other.

use widebeam::autoregressive::{AutoregressiveSearch, Outcome, RequestId};
use widebeam::reference::autoregressive::Scores;
use widebeam::reference::requests::{Extended, Model};
use widebeam::{Level, ScoreKind, ScoresView, SparseScoresView};

/// Where and how a batch runs.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Setting {
    pub(crate) level: Level,
    pub(crate) threads: usize,
    /// Whether rows are handed in as the tokens that are given. They must be if a request
    /// does not give all.
    pub(crate) sparse: bool,
}

/// The rows of one step as the caller hands them in, each as long as the longest.
#[derive(Default)]
struct SparseRows {
    tokens: Vec<u32>,
    scores: Vec<f32>,
    lengths: Vec<usize>,
    width: usize,
}

impl SparseRows {
    fn new(rows: Vec<Vec<(u32, f32)>>) -> SparseRows {
        let mut all = SparseRows {
            width: rows.iter().map(Vec::len).max().unwrap_or(0),
            ..SparseRows::default()
        };
        for row in rows {
            all.lengths.push(row.len());
            // What lies beyond the length of a row is never read.
            let padding = std::iter::repeat_n((u32::MAX, f32::NAN), all.width - row.len());
            let (tokens, scores): (Vec<u32>, Vec<f32>) = row.into_iter().chain(padding).unzip();
            all.tokens.extend(tokens);
            all.scores.extend(scores);
        }
        all
    }

    fn view(&self, kind: ScoreKind, vocab: usize) -> SparseScoresView<'_> {
        let shape = [self.lengths.len(), self.width];
        SparseScoresView::new(kind, vocab, &self.tokens, &self.scores, shape)
            .and_then(|view| view.with_lengths(&self.lengths))
            .unwrap()
    }
}

/// Runs requests of one model, each from a step on, and shows what each has found.
pub(crate) fn run(
    model: &Model,
    requests: &[(Extended, usize)],
    setting: Setting,
    see: impl Fn(usize, Outcome<'_>) + Sync,
) {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(setting.threads);
    pool.build()
        .unwrap()
        .install(|| run_here(model, requests, setting, &see));
}

fn run_here(
    model: &Model,
    requests: &[(Extended, usize)],
    setting: Setting,
    see: &impl Fn(usize, Outcome<'_>),
) {
    let mut search = AutoregressiveSearch::new(model.vocab)
        .and_then(|search| search.with_level(setting.level))
        .unwrap();
    let mut ids: Vec<Option<RequestId>> = vec![None; requests.len()];
    let last = requests.iter().map(|&(_, step)| step).max().unwrap_or(0);
    let mut step = 0;
    while step <= last || !search.is_idle() {
        for (id, (request, _)) in (ids.iter_mut().zip(requests)).filter(|(_, r)| r.1 == step) {
            *id = Some(search.admit(request.engine()).unwrap());
        }
        step += 1;
        let feed = search.feed();
        let mut rows: Vec<Scores> = Vec::new();
        let mut tokens = Vec::new();
        for (id, range) in feed.requests() {
            let number = ids.iter().position(|&known| known == Some(id)).unwrap();
            for row in range {
                feed.sequence(row, &mut tokens);
                rows.push(requests[number].0.scored(model, &tokens).scores);
            }
        }
        if rows.is_empty() {
            continue;
        }
        match setting.sparse {
            true => {
                let given = |scores| match scores {
                    Scores::Sparse { given, .. } => given,
                    Scores::Dense(scores) => (0..).zip(scores).collect(),
                };
                let rows = SparseRows::new(rows.into_iter().map(given).collect());
                let view = rows.view(model.kind, model.vocab);
                search.advance_sparse(&view).unwrap();
            }
            false => {
                let all = |scores| match scores {
                    Scores::Sparse { .. } => panic!("not all tokens are given"),
                    Scores::Dense(scores) => scores,
                };
                let (count, data) = (rows.len(), rows.into_iter().flat_map(all));
                let data: Vec<f32> = data.collect();
                let view = ScoresView::new(model.kind, &data, [count, model.vocab]).unwrap();
                search.advance(&view).unwrap();
            }
        }
        for &id in search.finished().to_vec().iter() {
            let number = ids.iter().position(|&known| known == Some(id)).unwrap();
            see(number, search.outcome(id).unwrap().unwrap());
            assert!(search.remove(id));
        }
    }
}
