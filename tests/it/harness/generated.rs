//! How many generated cases a property is held to, and which.

use proptest::test_runner::{Config, RngSeed};

/// The same so many cases every time; or as many others as `GOLDENPATH_TEST_CASES` asks for.
pub fn cases(count: u32) -> Config {
    let asked = std::env::var("GOLDENPATH_TEST_CASES").ok();
    let others = asked.map(|asked| asked.parse().expect("GOLDENPATH_TEST_CASES is a number"));
    let rng_seed = if others.is_some() { RngSeed::Random } else { RngSeed::Fixed(1) };
    let cases = others.unwrap_or(count);
    Config { cases, rng_seed, failure_persistence: None, ..Config::default() }
}
