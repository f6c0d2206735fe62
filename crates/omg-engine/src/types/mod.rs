//! The shapes of `ts/inference`, field for field.

mod embed;
mod generate;
mod grammar;
mod model;

use serde::{Deserialize, Serialize};

use crate::error::{EngineError, Result};

pub use embed::{EmbedRequest, Embeddings, ReadText, ScoreRequest, Scores};
pub use generate::{
    Alternative, Event, GenerateRequest, PromptSegment, Sampling, StopReason, Timings,
    TokenLogprob, Usage,
};
pub use grammar::{FreeSpan, Grammar, GrammarAfter, GrammarRule, GrammarSource};
pub use model::{
    Capability, DeviceInfo, DeviceKind, DeviceShare, LoadSpec, LoadedModelInfo, MemoryPlan,
    ModelHeader, StagePlan, TensorSummary,
};

/// Everything a model can be asked to do: `Work` of `ts/inference/work.ts`.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(tag = "kind", content = "request", rename_all = "lowercase")]
#[expect(
    clippy::large_enum_variant,
    reason = "one for each request, taken apart at once"
)]
pub enum WorkRequest {
    Generate(GenerateRequest),
    Embed(EmbedRequest),
    Score(ScoreRequest),
}

impl WorkRequest {
    /// With the bytes that it refers to by index. `invalid_request` where it has no use for any.
    pub fn with_attachments(self, attachments: Vec<Vec<u8>>) -> Result<Self> {
        if attachments.is_empty() {
            return Ok(self);
        }
        match self {
            Self::Generate(_) | Self::Embed(_) | Self::Score(_) => {
                Err(EngineError::InvalidRequest(
                    "the request brings attachments, which this kind of work has no use for"
                        .to_owned(),
                ))
            }
        }
    }
}

/// What work reports. The last event of each kind has the type `end`.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(untagged)]
pub enum WorkEvent {
    Generate(Event),
    Embed(Embeddings),
    Score(Scores),
}

/// Numbers that cross to JavaScript as they are in memory.
#[derive(Debug, Clone, PartialEq)]
pub enum Array {
    Floats(Vec<f32>),
    Bytes(Vec<u8>),
}

impl WorkEvent {
    /// Nothing comes after it.
    pub(crate) fn is_last(&self) -> bool {
        match self {
            Self::Generate(event) => matches!(event, Event::End { .. }),
            Self::Embed(_) | Self::Score(_) => true,
        }
    }

    /// Takes the next event into this one, or gives it back.
    pub(crate) fn join(&mut self, next: Self) -> Option<Self> {
        match (self, next) {
            (Self::Generate(event), Self::Generate(next)) => event.join(next).map(Self::Generate),
            (_, next) => Some(next),
        }
    }

    /// Takes the array that belongs into the event as JavaScript sees it, with the name of its field.
    pub fn take_array(&mut self) -> Option<(&'static str, Array)> {
        match self {
            Self::Embed(embeddings) => {
                let vectors = std::mem::take(&mut embeddings.vectors);
                Some(("vectors", Array::Floats(vectors)))
            }
            Self::Generate(_) | Self::Score(_) => None,
        }
    }
}

impl From<Event> for WorkEvent {
    fn from(event: Event) -> Self {
        Self::Generate(event)
    }
}

impl From<Embeddings> for WorkEvent {
    fn from(embeddings: Embeddings) -> Self {
        Self::Embed(embeddings)
    }
}

impl From<Scores> for WorkEvent {
    fn from(scores: Scores) -> Self {
        Self::Score(scores)
    }
}
