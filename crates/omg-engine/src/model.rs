//! The model and its tokenizer behind the traits of the scheduler.

use std::sync::Arc;

use omg_models::{Batch, KvCache, Model, Seq};

use crate::error::Result;
use crate::forward::{Forward, StepBatch, TokenDecoder, Vocabulary};
use crate::tokenizer::{Reach, Segment, StreamDecoder, Tokenizer};
use crate::types::PromptSegment;

pub(crate) struct LoadedModel {
    pub(crate) model: Model,
    pub(crate) kv: KvCache,
}

fn with_batch<T>(step: &StepBatch<'_>, run: impl FnOnce(&Batch<'_>) -> T) -> T {
    let seqs: Vec<Seq<'_>> = step
        .seqs
        .iter()
        .map(|seq| Seq {
            rows: seq.rows.clone(),
            first_position: seq.first_position,
            block_table: seq.block_table,
        })
        .collect();
    run(&Batch {
        tokens: step.tokens,
        positions: step.positions,
        seqs: &seqs,
        outputs: step.outputs,
    })
}

impl Forward for LoadedModel {
    fn vocab_size(&self) -> usize {
        self.model.spec().vocab
    }

    fn forward(&mut self, batch: &StepBatch<'_>) -> Result<Vec<f32>> {
        Ok(with_batch(batch, |b| self.model.forward(&mut self.kv, b))?)
    }

    fn hidden(&mut self, batch: &StepBatch<'_>) -> Result<Vec<f32>> {
        Ok(with_batch(batch, |b| self.model.hidden(&mut self.kv, b))?)
    }
}

pub(crate) fn segments(prompt: &[PromptSegment]) -> Vec<Segment<'_>> {
    prompt
        .iter()
        .map(|segment| match segment {
            PromptSegment::Text {
                text,
                parse_special,
            } => Segment::Text {
                text,
                parse_special: *parse_special,
            },
            PromptSegment::Tokens { tokens } => Segment::Tokens(tokens),
        })
        .collect()
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
