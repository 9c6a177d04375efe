//! After a warm-up, steps of the autoregressive search allocate nothing.

#[path = "support/counting.rs"]
mod counting;

use widebeam::ScoresView;
use widebeam::autoregressive::{
    AutoregressiveSearch, MinimumLength, NoRepeatNgram, Normaliser, Permit, RepetitionPenalty,
    Request, RequestId, Rules, Stopping,
};

const VOCAB: usize = 300;

/// Requests that run on for as long as they are asked to.
fn requests() -> Vec<Request> {
    let rules = Rules {
        stopping: Stopping::FirstFinished { patience: 1e9 },
        ..Rules::plain()
    };
    let request = |beams| Request::new(beams, 1000).end_tokens([3]).rules(rules);
    vec![
        request(1),
        request(4),
        request(50),
        request(6).diverse_groups(3, 0.5),
        request(4)
            .adjust_logits(RepetitionPenalty::new(1.2).unwrap())
            .adjust_log_probabilities(MinimumLength(4))
            .adjust_log_probabilities(NoRepeatNgram::new(2).unwrap()),
        request(4).permit(
            Permit::function(|generated, mask| {
                let odd = generated.len() as u32 % 2;
                (0..VOCAB as u32 / 2).for_each(|i| mask.insert(2 * i + odd));
            }),
            Normaliser::WholeRow,
        ),
    ]
}

struct Batch {
    search: AutoregressiveSearch,
    ids: Vec<RequestId>,
    logits: Vec<f32>,
    prefix: Vec<u32>,
    state: u64,
}

impl Batch {
    fn step(&mut self) {
        let rows = self.search.feed().rows();
        self.logits.clear();
        for _ in 0..rows * VOCAB {
            self.state = self
                .state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            self.logits.push((self.state >> 40) as f32 / 4e6);
        }
        let scores = ScoresView::logits(&self.logits, [rows, VOCAB]).unwrap();
        self.search.advance(&scores).unwrap();
        self.search.stable_prefix(self.ids[1], &mut self.prefix);
    }
}

/// Allocations of the calling thread during `run`.
fn allocations(run: impl FnOnce()) -> usize {
    let before = counting::by_this_thread();
    run();
    counting::by_this_thread() - before
}

#[test]
fn a_warm_search_steps_without_allocating() {
    counting::check();
    assert!(allocations(|| drop(vec![1])) > 0, "the counter counts");
    let noisy = |request: Request| {
        let mut search = AutoregressiveSearch::new(VOCAB).unwrap();
        // Two, so that there are neighbours.
        let ids = [request.clone(), request].map(|request| search.admit(request).unwrap());
        let mut batch = Batch {
            search,
            ids: ids.to_vec(),
            logits: Vec::with_capacity(200 * VOCAB),
            prefix: Vec::with_capacity(1000),
            state: 7,
        };
        for _ in 0..300 {
            batch.step();
        }
        (0..200)
            .map(|_| allocations(|| batch.step()))
            .sum::<usize>()
    };
    let pool = rayon::ThreadPoolBuilder::new()
        .num_threads(1)
        .build()
        .unwrap();
    let noise: Vec<usize> = requests()
        .into_iter()
        .map(|r| pool.install(|| noisy(r)))
        .collect();
    assert_eq!(noise, [0; 6]);
}
