//! Load, generate, cancel, unload. Owns its threads; knows nothing of Node.

mod cache;
mod devices;
mod engine;
mod error;
mod forward;
mod grammar;
mod inspect;
mod intake;
mod memory;
mod model;
mod plan;
mod quantize;
mod sampler;
mod scheduler;
mod serving;
mod stop;
mod task;
pub mod tokenizer;
mod types;

pub use devices::devices;
pub use engine::{Engine, load};
pub use error::{EngineError, Result};
pub use grammar::{check_grammar, prepare_grammar};
pub use inspect::inspect;
pub use plan::plan;
pub use quantize::quantize;
pub use task::Task;
pub use types::*;

/// The version of the engine.
pub fn version() -> &'static str {
    env!("CARGO_PKG_VERSION")
}
