use omg_models::Batch;

use crate::cache::StateCopy;
use crate::error::Result;
use crate::tokenizer::Reach;
use crate::types::PromptSegment;

/// A model with its KV cache, as the scheduler sees it. A row's result must not depend on the other rows of the batch nor
/// on where its sequence was cut into chunks; prefix reuse and preemption rest on that.
pub(crate) trait Forward: Send {
    /// Columns of the logits; may be padded beyond the tokenizer's vocabulary.
    fn vocab_size(&self) -> usize;
    /// [outputs, vocab_size]
    fn forward(&mut self, batch: &Batch<'_>) -> Result<Vec<f32>>;
    /// The state in one slot becomes that in another, in a model that keeps states. A sequence whose first token is in a batch
    /// begins with an empty state, whatever its slot held.
    fn copy_state(&mut self, copy: StateCopy) -> Result<()>;
    /// [outputs, hidden size], after the last norm.
    fn hidden(&mut self, batch: &Batch<'_>) -> Result<Vec<f32>>;
}

/// A tokenizer, as the scheduler sees it.
pub(crate) trait Vocabulary: Send + Sync {
    fn size(&self) -> usize;
    fn is_eog(&self, token: u32) -> bool;
    /// A token that is no text.
    fn is_special(&self, token: u32) -> bool;
    /// The bytes of a token as text, special tokens by their name.
    fn token_bytes(&self, token: u32) -> Vec<u8>;
    /// The tokens for as far as `reach` says.
    fn encode(&self, prompt: &[PromptSegment], reach: &Reach<'_>) -> Result<Vec<u32>>;
    fn decoder(&self, keep_special: bool) -> Box<dyn TokenDecoder>;
}

/// Text of a growing token sequence. Whole UTF-8 characters only.
pub(crate) trait TokenDecoder: Send {
    fn push(&mut self, token: u32) -> String;
}
