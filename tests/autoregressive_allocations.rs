//! After a warm-up, steps of the autoregressive search allocate nothing, on any
//! thread.

#[path = "support/counting.rs"]
mod counting;
#[path = "support/random.rs"]
mod random;

use random::Random;
use widebeam::autoregressive::{
    AutoregressiveSearch, CompletionNBest, Constraint, EndRank, FrequencyPenalty, MaximumLength,
    MinimumLength, NoRepeatNgram, Normaliser, PresencePenalty, RepetitionPenalty, Request,
    RequestId, Requirement, Rules, Sampling, StatefulConstraint, Stopping, TokenMask, TokenTrie,
    WhisperTimestamps,
};
use widebeam::{ScoresView, SparseScoresView};

/// Permits even and odd tokens in turn. The state is on the heap, and is written over.
struct InTurn {
    vocab: u32,
}

impl StatefulConstraint for InTurn {
    type State = Box<u32>;

    fn start(&self, _prompt: &[u32]) -> Box<u32> {
        Box::new(0)
    }

    fn permit(&self, state: &Box<u32>, mask: &mut TokenMask) {
        let tokens = (**state..self.vocab).step_by(2);
        tokens.for_each(|token| mask.insert(token));
    }

    fn advance(&self, state: &Box<u32>, _token: u32) -> Box<u32> {
        Box::new(1 - **state)
    }

    fn advance_into(&self, state: &Box<u32>, _token: u32, next: &mut Box<u32>) {
        **next = 1 - **state;
    }
}

/// Requests that run on for as long as they are asked to.
fn requests(vocab: usize) -> Vec<Request> {
    let rules = Rules::plain().with_stopping(Stopping::FirstFinished { patience: 1e9 });
    let request = |beams| {
        Request::new(beams, MaximumLength(1000))
            .with_end_tokens([3])
            .with_rules(rules)
    };
    vec![
        request(1),
        request(4),
        request(50),
        request(6).with_diverse_groups(3, 0.5),
        request(4)
            .process_logits(RepetitionPenalty::new(1.2).unwrap())
            .process_log_probabilities(MinimumLength(4))
            .process_log_probabilities(NoRepeatNgram::new(2).unwrap()),
        request(4).with_constraint(
            Constraint::function(move |tokens, mask| {
                let odd = tokens.generated().len() as u32 % 2;
                (0..vocab as u32 / 2).for_each(|i| mask.insert(2 * i + odd));
            }),
            Normaliser::WholeRow,
        ),
        request(4)
            .with_constraint(
                Constraint::stateful(InTurn {
                    vocab: vocab as u32,
                }),
                Normaliser::Permitted,
            )
            .process_logits(FrequencyPenalty::new(0.1).unwrap().generated_only())
            .process_log_probabilities(PresencePenalty::new(0.1).unwrap().with_exempt([7])),
        request(5).process_logits(WhisperTimestamps::new(200, 100).unwrap()),
        request(40).with_constraint(TokenTrie::new(long_sequences()), Normaliser::Permitted),
        request(4)
            .with_stop_sequences([[3, 4], [7, 3]])
            .with_own_scores(),
        // A third of all tokens ends, so that some walks go on beyond the best candidates.
        request(8).ends_when(|_, token| token % 3 == 0),
        request(5).with_coverage(0.5, SOURCES),
        request(3).with_rules(rules.with_end_rank(EndRank::WithinRow)),
        request(4).with_widths([2, 7, 5]),
        // Met over and over by hypotheses that end, never by all that go on.
        request(6)
            .with_required_words([
                Requirement::phrase([7, 9]).unwrap(),
                Requirement::any_of([vec![11], vec![12, 13]]).unwrap(),
            ])
            .with_diverse_groups(2, 0.5),
        request(5)
            .with_sampling(Sampling::beam_sampling(3))
            .with_required_words([Requirement::phrase([5, 8, 5]).unwrap()])
            .with_coverage(0.5, SOURCES)
            .with_own_scores(),
        Request::new(5, MaximumLength(1000)).with_sampling(Sampling::stochastic_beams(1)),
        request(4)
            .with_sampling(Sampling::beam_sampling(2).with_temperature(0.7).unwrap())
            .process_logits(RepetitionPenalty::new(1.2).unwrap())
            .process_log_probabilities(MinimumLength(1000)),
    ]
}

/// Source positions, of which a request counts some.
const SOURCES: usize = 6;

/// Sequences that are longer than any search here.
fn long_sequences() -> Vec<Vec<u32>> {
    let token = |sequence: u32, at: u32| (sequence * (at + 7) + at * at) % 290;
    let sequence = |number| (0..600).map(move |at| token(number, at)).collect();
    (0..60).map(sequence).collect()
}

struct Batch {
    search: AutoregressiveSearch,
    ids: Vec<RequestId>,
    logits: Vec<f32>,
    attention: Vec<f32>,
    tokens: Vec<u32>,
    prefix: Vec<u32>,
    live: CompletionNBest,
    random: Random,
}

impl Batch {
    /// Two requests, so that there are neighbours.
    fn new(request: Request, vocab: usize) -> Self {
        let mut search = AutoregressiveSearch::new(vocab).unwrap();
        let ids = [request.clone(), request].map(|request| search.admit(request).unwrap());
        Batch {
            search,
            ids: ids.to_vec(),
            logits: Vec::with_capacity(100 * vocab),
            attention: vec![0.125; 100 * SOURCES],
            tokens: Vec::with_capacity(100 * vocab),
            prefix: Vec::with_capacity(1000),
            live: CompletionNBest::new(),
            random: Random::new(7),
        }
    }

    fn step(&mut self) {
        let rows = self.search.feed().rows();
        let vocab = self.search.vocab();
        self.logits.clear();
        for _ in 0..rows * vocab {
            self.logits.push(4.0 * self.random.unit());
        }
        let attention = &self.attention[..rows * SOURCES];
        let attention = ScoresView::probabilities(attention, [rows, SOURCES]).unwrap();
        // Some steps give the tokens in an order of their own.
        if self.random.one_in(3) {
            self.tokens.clear();
            let last = vocab as u32 - 1;
            let tokens = (0..rows * vocab).map(|place| last - (place % vocab) as u32);
            self.tokens.extend(tokens);
            let shape = [rows, vocab];
            let scores = SparseScoresView::logits(vocab, &self.tokens, &self.logits, shape);
            let scores = scores.unwrap();
            self.search
                .advance_sparse_with(&scores, &attention)
                .unwrap();
        } else {
            let scores = ScoresView::logits(&self.logits, [rows, vocab]).unwrap();
            self.search.advance_with(&scores, &attention).unwrap();
        }
        self.search.stable_prefix(self.ids[1], &mut self.prefix);
    }
}

impl Batch {
    /// Looks at the live hypotheses.
    fn look(&mut self) {
        self.search.live(self.ids[0], &mut self.live).unwrap();
        assert!(self.live.item(0).unwrap().len() > 0, "it runs");
    }
}

/// Allocations of all threads during `run`.
fn allocations(run: impl FnOnce()) -> usize {
    let before = counting::by_all_threads();
    run();
    counting::by_all_threads() - before
}

/// It runs inside the pool: rayon's queue of calls from outside allocates now
/// and then. It is the only test here, because the counter sees all threads.
#[test]
fn a_warm_search_steps_without_allocating() {
    counting::check();
    let pools = [1, 2, 4].map(|threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads);
        let pool = pool.build().unwrap();
        // Threads make what they need for stealing when they start. They also
        // allocate when they end, some time after their pool: none does before
        // all is counted.
        pool.broadcast(|_| ());
        pool
    });
    for pool in &pools {
        let threads = pool.current_num_threads();
        // Rows too short for a second thread, and rows that two threads share.
        for (vocab, warm, counted) in [(300, 300, 200), (70_000, 40, 10)] {
            for (index, request) in requests(vocab).into_iter().enumerate() {
                if vocab > 300 && request.beams() > 6 {
                    continue;
                }
                let mut batch = Batch::new(request, vocab);
                let counted = pool.install(|| {
                    (0..warm).for_each(|_| batch.step());
                    let steps = allocations(|| (0..counted).for_each(|_| batch.step()));
                    batch.look();
                    steps + allocations(|| batch.look())
                });
                assert_eq!(
                    counted, 0,
                    "request {index}, {vocab} tokens, {threads} threads"
                );
            }
        }
    }
}
