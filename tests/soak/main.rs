//! Hours of random calls in one process: decodes, steps, streams, an invalid
//! score in every batch, calls that are cancelled, panic or get no memory, and memory that stays
//! as it is.
//!
//! `some_rounds` runs in seconds with every test. The long one is
//!
//! ```sh
//! SOAK_MINUTES=10 cargo test --test soak -- --ignored --nocapture
//! ```

mod batches;
#[path = "../support/counting.rs"]
mod counting;
mod interrupted;
#[path = "../support/random.rs"]
mod random;
mod requests_at_once;
mod streams;
mod unruly;

use std::fs;
use std::time::{Duration, Instant};

use batches::Batches;
use interrupted::Interrupted;
use random::Random;
use requests_at_once::RequestsAtOnce;
use streams::Streams;

/// What was done, and how much of it was held against a reference.
#[derive(Debug, Default)]
pub(crate) struct Counts {
    pub(crate) items: usize,
    pub(crate) items_refused: usize,
    pub(crate) items_compared: usize,
    pub(crate) frames: usize,
    pub(crate) chunks_refused: usize,
    pub(crate) streams_compared: usize,
    pub(crate) steps: usize,
    pub(crate) requests: usize,
    pub(crate) requests_failed: usize,
    pub(crate) requests_compared: usize,
    pub(crate) cancelled: usize,
    pub(crate) panicked: usize,
    pub(crate) without_memory: usize,
    pub(crate) interrupted_compared: usize,
}

/// Searches that are kept all along.
struct Soak {
    random: Random,
    counts: Counts,
    batches: Batches,
    streams: Streams,
    requests: RequestsAtOnce,
    interrupted: Interrupted,
}

impl Soak {
    fn new() -> Self {
        Soak {
            random: Random::new(1),
            counts: Counts::default(),
            batches: Batches::new(),
            streams: Streams::new(),
            requests: RequestsAtOnce::new(),
            interrupted: Interrupted::new(),
        }
    }

    /// So many rounds, the same ones every time.
    fn tour(&mut self, rounds: usize) {
        self.random = Random::new(1);
        for _ in 0..rounds {
            self.round();
        }
        self.streams.rest();
        self.requests.rest();
        self.interrupted.rest();
    }

    fn round(&mut self) {
        let Soak {
            random,
            counts,
            batches,
            streams,
            requests,
            interrupted,
        } = self;
        batches.round(random, counts);
        streams.round(random, counts);
        requests.round(random, counts);
        if random.one_in(8) {
            interrupted.round(random, counts);
        }
    }
}

/// On one thread, this one: what is allocated is then counted to the byte.
fn on_this_thread(run: impl FnOnce() + Send) {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(1);
    let pool = pool
        .use_current_thread()
        .build()
        .expect("the thread is in no pool yet");
    pool.install(run);
}

/// A line of `/proc/self/status`, in KiB; 0 where there is none.
fn memory(name: &str) -> usize {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
    let number = line.and_then(|line| line.split_whitespace().next()?.parse().ok());
    number.unwrap_or(0)
}

/// Rounds of a tour: six minutes of frames of 10 ms, and some six hours.
const SHORT_TOUR: usize = 350;
const LONG_TOUR: usize = 20_000;

/// Tours until all buffers are as large as the work needs. One is not enough: a
/// slot that a request leaves is the next to be taken, so that in the next tour
/// the largest request comes to another slot, until it has been in all of them;
/// and each has pairs of buffers that change places at every step, so that it has
/// to meet either one.
const WARM: usize = 2 * requests_at_once::MOST;

/// The same random rounds again and again, while there are to be `more` tours of
/// them, asked with the number so far. The searches are kept all along. Once warm,
/// no tour may leave a byte more or less.
///
/// Rounds that are never the same would prove less: the largest of all so far
/// comes ever more rarely, but it comes, and buffers grow to it.
fn soak(rounds: usize, more: impl Fn(usize) -> bool + Sync) {
    counting::check();
    // Some panics are meant.
    std::panic::set_hook(Box::new(|info| {
        if info.payload().downcast_ref::<&str>() != Some(&unruly::MESSAGE) {
            eprintln!("{info}");
        }
    }));
    on_this_thread(|| {
        let start = Instant::now();
        let mut soak = Soak::new();
        let mut tours = 0;
        let mut held = 0;
        while more(tours) {
            soak.tour(rounds);
            tours += 1;
            let now = counting::bytes_held();
            if tours == WARM {
                held = now;
            }
            println!(
                "tour {tours}, {:.0} s: {now} bytes held; {} KiB resident, {} KiB at most",
                start.elapsed().as_secs_f64(),
                memory("VmRSS"),
                memory("VmHWM"),
            );
            if tours > WARM {
                assert_eq!(now, held, "bytes held after tour {tours}");
            }
        }
        let counts = &soak.counts;
        println!("{counts:?}");
        for count in [
            counts.items_refused,
            counts.items_compared,
            counts.chunks_refused,
            counts.streams_compared,
            counts.requests_failed,
            counts.requests_compared,
            counts.cancelled,
            counts.panicked,
            counts.without_memory,
            counts.interrupted_compared,
        ] {
            assert!(count > 0, "{counts:?}");
        }
    });
}

#[test]
fn some_rounds() {
    soak(SHORT_TOUR, |tours| tours < WARM + 3);
}

/// As many minutes as the environment says.
#[test]
#[ignore = "takes SOAK_MINUTES"]
fn for_minutes() {
    let minutes = std::env::var("SOAK_MINUTES").expect("SOAK_MINUTES says for how long");
    let minutes: f64 = minutes.parse().expect("SOAK_MINUTES is a number");
    let end = Instant::now() + Duration::from_secs_f64(60.0 * minutes);
    soak(LONG_TOUR, |tours| tours < WARM + 3 || Instant::now() < end);
}
