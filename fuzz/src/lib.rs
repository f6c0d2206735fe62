//! What the fuzzers run. The same targets run over a fixed sample of mutations in `cargo test` and over a large one in
//! `src/bin/mutations.rs`.

pub mod mutations;
pub mod targets;
