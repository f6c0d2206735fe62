//! The model and its tokenizer behind the traits of the scheduler.

use std::sync::Arc;

use omg_models::{Batch, KvCache, Model};

use crate::cache::StateCopy;
use crate::error::Result;
use crate::forward::{Forward, TokenDecoder, Vocabulary};
use crate::tokenizer::{Reach, StreamDecoder, Tokenizer, segments};
use crate::types::PromptSegment;

pub(crate) struct LoadedModel {
    pub(crate) model: Model,
    pub(crate) kv: KvCache,
}

impl Forward for LoadedModel {
    fn vocab_size(&self) -> usize {
        self.model.spec().vocab
    }

    fn forward(&mut self, batch: &Batch<'_>) -> Result<Vec<f32>> {
        Ok(self.model.forward(&mut self.kv, batch)?)
    }

    fn copy_state(&mut self, copy: StateCopy) -> Result<()> {
        Ok(self.model.copy_state(&mut self.kv, copy.from, copy.to)?)
    }

    fn hidden(&mut self, batch: &Batch<'_>) -> Result<Vec<f32>> {
        Ok(self.model.hidden(&mut self.kv, batch)?)
    }
}

impl Vocabulary for Arc<Tokenizer> {
    fn size(&self) -> usize {
        self.vocab_size()
    }

    fn is_eog(&self, token: u32) -> bool {
        Tokenizer::is_eog(self, token)
    }

    fn is_special(&self, token: u32) -> bool {
        Tokenizer::is_special(self, token)
    }

    fn token_bytes(&self, token: u32) -> Vec<u8> {
        Tokenizer::token_bytes(self, token).to_vec()
    }

    fn encode(&self, prompt: &[PromptSegment], reach: &Reach<'_>) -> Result<Vec<u32>> {
        Tokenizer::encode_within(self, &segments(prompt), reach)
    }

    fn decoder(&self, keep_special: bool) -> Box<dyn TokenDecoder> {
        Box::new(self.stream_decoder(keep_special))
    }
}

impl TokenDecoder for StreamDecoder {
    fn push(&mut self, token: u32) -> String {
        StreamDecoder::push(self, token)
    }
}
