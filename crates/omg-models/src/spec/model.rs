use super::{AttentionSpec, LayerSpec, LearnedPositions, NormSpec, PerLayerTable};
use crate::weights::TensorNames;

/// A decoder-only text model. Sizes are in elements, lengths in tokens.
#[derive(Debug, Clone)]
pub struct ModelSpec {
    /// The family's name, such as `llama`.
    pub architecture: &'static str,
    pub hidden: usize,
    /// Rows of the embedding table; may exceed the tokenizer's vocabulary.
    pub vocab: usize,
    /// The longest context the model was made for.
    pub context_length: usize,
    /// The longest context that will be served. Models with two sets of rope factors choose by it, once, because
    /// a cache must not mix them.
    pub served_context: usize,
    pub embedding_scale: f32,
    /// A table of positions that is added to the embeddings.
    pub positions: Option<LearnedPositions>,
    pub per_layer: Option<PerLayerTable>,
    pub layers: Vec<LayerSpec>,
    pub final_norm: NormSpec,
    pub head: HeadSpec,
    pub names: TensorNames,
}

/// From the last hidden state to logits: `softcap(scale · W·h + bias)`.
#[derive(Debug, Clone, PartialEq)]
pub struct HeadSpec {
    /// The embedding table is the output matrix.
    pub tied: bool,
    pub bias: bool,
    pub scale: f32,
    pub softcap: Option<f32>,
}

impl ModelSpec {
    /// Fixes the context that will be served, before loading; clamped to the model's own.
    pub fn with_served_context(mut self, tokens: usize) -> Self {
        self.served_context = tokens.clamp(1, self.context_length);
        self
    }

    /// The attention of every layer that has one, to be changed by a family.
    pub(crate) fn attention_mut<'a>(
        &'a mut self,
    ) -> impl Iterator<Item = (usize, &'a mut AttentionSpec)> {
        let mixers = |(index, layer): (usize, &'a mut LayerSpec)| {
            layer.mixers.iter_mut().map(move |mixer| (index, mixer))
        };
        let mixers = self.layers.iter_mut().enumerate().flat_map(mixers);
        mixers.filter_map(|(index, mixer)| Some((index, mixer.attention_mut()?)))
    }
}
