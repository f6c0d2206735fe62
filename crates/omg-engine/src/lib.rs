//! Load, generate, cancel, unload. Owns its threads; knows nothing of Node.

mod blocks;
mod devices;
mod embedding;
mod engine;
mod error;
mod forward;
mod generation;
mod grammar;
mod inspect;
mod intake;
mod memory;
mod model;
mod parameters;
mod plan;
mod quantize;
mod sampler;
mod scheduler;
mod stop;
pub mod tokenizer;
mod types;

pub use devices::devices;
pub use embedding::Cancel;
pub use engine::{Engine, load};
pub use error::{EngineError, Result};
pub use generation::Generation;
pub use grammar::{check_grammar, prepare_grammar};
pub use inspect::inspect;
pub use plan::plan;
pub use quantize::quantize;
pub use types::*;

/// The version of the engine.
pub fn version() -> &'static str {
    env!("CARGO_PKG_VERSION")
}
