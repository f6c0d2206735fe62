//! Load, generate, cancel, unload. Owns its threads; knows nothing of Node.

mod blocks;
mod error;
mod forward;
mod generation;
mod sampler;
mod scheduler;
mod stop;
pub mod tokenizer;
mod types;

pub use error::{EngineError, Result};
pub use generation::Generation;
pub use types::*;
