//! The shapes of `ts/inference`, field for field.

mod embed;
mod generate;
mod grammar;
mod model;

pub use embed::{EmbedRequest, Embeddings, ReadText, ScoreRequest, Scores};
pub use generate::{
    Alternative, Event, GenerateRequest, PromptSegment, Sampling, StopReason, Timings,
    TokenLogprob, Usage,
};
pub use grammar::{FreeSpan, Grammar, GrammarAfter, GrammarRule, GrammarSource};
pub use model::{
    Capability, DeviceInfo, DeviceKind, LoadSpec, LoadedModelInfo, MemoryPlan, ModelHeader,
    TensorSummary,
};
