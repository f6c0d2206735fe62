//! For tests: whether a grammar lets an answer through, with every byte a token.

use std::sync::Arc;

use serde_json::Value;

use super::Grammars;
use crate::error::Result;
use crate::forward::{TokenDecoder, Vocabulary};
use crate::tokenizer::Reach;
use crate::types::{Grammar, GrammarSource, PromptSegment};

const END: u32 = 256;

/// Every byte, then these texts, then the end.
pub(super) struct Texts(pub(super) Vec<String>);

impl Vocabulary for Texts {
    fn size(&self) -> usize {
        256 + self.0.len() + 1
    }

    fn is_eog(&self, token: u32) -> bool {
        token as usize == self.size() - 1
    }

    fn is_special(&self, token: u32) -> bool {
        self.is_eog(token)
    }

    fn token_bytes(&self, token: u32) -> Vec<u8> {
        let text = |at: usize| self.0.get(at).map_or("<end>", String::as_str);
        match (token as usize).checked_sub(256) {
            Some(at) => text(at).as_bytes().to_vec(),
            None => vec![token as u8],
        }
    }

    fn encode(&self, _: &[PromptSegment], _: &Reach<'_>) -> Result<Vec<u32>> {
        Ok(Vec::new())
    }

    fn decoder(&self, _: bool) -> Box<dyn TokenDecoder> {
        unreachable!("nothing is decoded here")
    }
}

pub(super) struct Follower(Grammars);

impl Follower {
    pub(super) fn new() -> Self {
        Self(Grammars::new(Arc::new(Texts(Vec::new()))))
    }

    pub(super) fn compile(&self, source: GrammarSource) -> Result<()> {
        let after = None;
        self.0.compile(&Grammar { source, after }).map(|_| ())
    }

    /// The text is a whole answer.
    pub(super) fn allows(&self, schema: &Value, strict: bool, text: &str) -> bool {
        let source = GrammarSource::JsonSchema {
            schema: schema.clone(),
            strict,
        };
        let after = None;
        let mut constraint = match self.0.compile(&Grammar { source, after }) {
            Ok(constraint) => constraint,
            Err(error) => panic!("{error}: {schema}"),
        };
        let mut complete = false;
        for byte in text.bytes() {
            let mut logits = vec![0.0; END as usize + 1];
            if complete || constraint.restrict(&mut logits).is_err() {
                return false;
            }
            if logits[usize::from(byte)] != 0.0 {
                return false;
            }
            complete = constraint.accept(u32::from(byte)).expect("of the mask");
        }
        let mut logits = vec![0.0; END as usize + 1];
        complete || constraint.restrict(&mut logits).is_ok() && logits[END as usize] == 0.0
    }

    /// What is said of a schema that is refused.
    pub(super) fn refusal(&self, schema: &Value, strict: bool) -> String {
        let schema = schema.clone();
        match self.compile(GrammarSource::JsonSchema { schema, strict }) {
            Ok(()) => "nothing".to_owned(),
            Err(error) => {
                assert_eq!(error.code(), "invalid_request", "{error}");
                error.to_string()
            }
        }
    }
}
