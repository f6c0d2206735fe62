use omg_format::ModelFiles;

use super::{LayerSpec, LearnedPositions, NormSpec};
use crate::weights::{Role, TensorNames, needed};

/// Tokens that run in one step, unless a single text has more.
pub const ENCODER_STEP_TOKENS: usize = 2048;

/// What checkpoints of encoders carry for other uses: poolers that no vector goes through, heads that predict words.
pub(crate) const UNUSED: &[&str] = &[
    "pooler.",
    "bert.pooler.",
    "roberta.pooler.",
    "cls.predictions.",
    "cls.seq_relationship.",
    "lm_head.",
    "embeddings.position_ids",
    "bert.embeddings.position_ids",
    "roberta.embeddings.position_ids",
];

/// A text encoder of the BERT kind: every token sees every other, and a norm follows each half of a layer.
#[derive(Debug, Clone)]
pub struct EncoderSpec {
    /// The family's name, such as `bert`.
    pub architecture: &'static str,
    pub hidden: usize,
    pub vocab: usize,
    /// The longest text, tokens that begin and end it included.
    pub context_length: usize,
    /// `None`: positions are in the attention (rope).
    pub positions: Option<LearnedPositions>,
    /// Rows of the table that tells the two texts of a pair apart; 0: there is none.
    pub token_types: usize,
    pub embedding_norm: NormSpec,
    pub layers: Vec<LayerSpec>,
    pub output: EncoderOutput,
    pub names: TensorNames,
}

/// What becomes of the hidden states.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EncoderOutput {
    Vector(PoolingSpec),
    /// `output · tanh(dense · first + bias) + bias`: a number per label. `dense` is absent in some GGUF files.
    Labels {
        dense: Option<Role>,
        labels: usize,
    },
}

/// How the states of a text become its vector, as the model's files have it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PoolingSpec {
    pub pooling: Pooling,
    /// The vector is scaled to length 1.
    pub normalize: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pooling {
    Mean,
    First,
    Last,
    /// The largest of each element.
    Max,
}

impl EncoderSpec {
    /// Shortens the longest text, before loading.
    pub fn with_served_context(mut self, tokens: usize) -> Self {
        self.context_length = tokens.clamp(1, self.context_length);
        self
    }

    /// Elements of a vector, or labels.
    pub fn output_width(&self) -> usize {
        match self.output {
            EncoderOutput::Vector(_) => self.hidden,
            EncoderOutput::Labels { labels, .. } => labels,
        }
    }

    /// Bytes of the weights in memory.
    pub fn weight_bytes(&self, files: &ModelFiles) -> u64 {
        let dense = match self.output {
            EncoderOutput::Labels {
                dense: Some(role), ..
            } => self.names.weight(role, 0),
            _ => String::new(),
        };
        let used = |name: &str| {
            needed(name, self.layers.len())
                && (name == dense || !UNUSED.iter().any(|part| name.starts_with(part)))
        };
        let tensors = files.tensors().iter().filter(|t| used(&t.name));
        tensors.map(|tensor| tensor.bytes).sum()
    }

    /// Bytes of activations, keys and values in the largest step. Layers share the buffers.
    pub fn scratch_bytes(&self) -> u64 {
        let tokens = ENCODER_STEP_TOKENS.max(self.context_length);
        let widest = self.layers.iter().map(|layer| {
            let mixer = layer.mixers.iter().map(|mixer| {
                // Short texts leave the rest of their block of keys empty.
                4 * mixer.scratch_width() + 2 * mixer.cache_need().per_token
            });
            let feed_forward = layer.feed_forward.as_ref();
            let feed_forward = feed_forward.map_or(0, |half| half.scratch_width(self.hidden));
            mixer.max().unwrap_or(0) + 4 * (feed_forward + 3 * self.hidden)
        });
        (widest.max().unwrap_or(0) * tokens) as u64
    }
}
