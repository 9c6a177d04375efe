//! Every way in which the same work is laid out.

use std::fmt::Debug;

use rayon::{ThreadPool, ThreadPoolBuilder};
use widebeam::Level;

/// How the items of a batch come.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Order {
    Together,
    Reversed,
    /// One after the other.
    Alone,
    /// Two at a time, from the middle on.
    Pairs,
}

impl Order {
    /// The items of each call.
    pub(crate) fn groups(self, items: usize) -> Vec<Vec<usize>> {
        let all: Vec<usize> = (0..items).collect();
        match self {
            Order::Together => vec![all],
            Order::Reversed => vec![all.into_iter().rev().collect()],
            Order::Alone => all.chunks(1).map(<[usize]>::to_vec).collect(),
            Order::Pairs => {
                let (first, second) = all.split_at(items / 2);
                [second, first]
                    .concat()
                    .chunks(2)
                    .map(<[usize]>::to_vec)
                    .collect()
            }
        }
    }

    /// How many frames a stream is fed at a time.
    pub(crate) fn chunk(self) -> usize {
        match self {
            Order::Together => usize::MAX,
            Order::Reversed => 3,
            Order::Alone => 1,
            Order::Pairs => 5,
        }
    }
}

/// A pool of so many threads; none where a program has one thread, as on WebAssembly.
fn pool(threads: usize) -> Option<ThreadPool> {
    let build = || ThreadPoolBuilder::new().num_threads(threads).build();
    (!cfg!(target_family = "wasm")).then(|| build().unwrap())
}

/// Numbers of threads: 1 to 8, or, where the variable `WIDEBEAM_SHORT` is set, 2. An emulator is
/// slow, and if another machine computes other bits, it does so on any number.
fn threads() -> &'static [usize] {
    if cfg!(target_family = "wasm") {
        return &[1];
    }
    match std::env::var_os("WIDEBEAM_SHORT") {
        Some(_) => &[2],
        None => &[1, 2, 3, 4, 5, 6, 7, 8],
    }
}

/// Runs the same work at every level, on all numbers of threads, in every order, and
/// returns its one result.
pub(crate) fn everywhere<R: PartialEq + Debug + Send>(run: impl Fn(Level, Order) -> R + Sync) -> R {
    let mut result = None;
    for &threads in threads() {
        let pool = pool(threads);
        for level in Level::available() {
            for order in [Order::Together, Order::Reversed, Order::Alone, Order::Pairs] {
                let found = match &pool {
                    Some(pool) => pool.install(|| run(level, order)),
                    None => run(level, order),
                };
                let expected = result.get_or_insert_with(|| run(level, order));
                assert_eq!(&found, expected, "{level}, {threads} threads, {order:?}");
            }
        }
    }
    result.expect("there is a level")
}
