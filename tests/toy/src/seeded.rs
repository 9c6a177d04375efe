//! How many cases a property is tried on, and which: the same at every run, so
//! that a fault is seen always or never. `PROPTEST_RNG_SEED` chooses others.

use proptest::test_runner::{Config, RngSeed};

/// The settings of a property that is tried on so many cases.
pub fn cases(count: u32) -> Config {
    let config = Config::with_cases(count);
    let rng_seed = match config.rng_seed {
        RngSeed::Random => RngSeed::Fixed(1),
        chosen => chosen,
    };
    Config { rng_seed, ..config }
}
