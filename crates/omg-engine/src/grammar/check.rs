use std::sync::{Arc, LazyLock};

use super::Grammars;
use crate::error::{EngineError, Result};
use crate::forward::{TokenDecoder, Vocabulary};
use crate::intake::GRAMMAR_STACK_BYTES;
use crate::tokenizer::Reach;
use crate::types::{Grammar, GrammarSource, PromptSegment};

/// Above the ids of every known vocabulary, so that a grammar may name any token.
const TOKENS: usize = 300_000;

static GRAMMARS: LazyLock<Grammars> = LazyLock::new(|| Grammars::new(Arc::new(Bytes)));

/// Compiles a grammar without a model and throws the result away. What it costs hardly depends on the vocabulary, so it is
/// a trial of what `generate` would do. There is no other way to learn that than to compile, and a compilation cannot be
/// stopped: for grammars from outside this runs in a process with limits of its own. `invalid_request` says what is wrong.
pub fn check_grammar(grammar: &Grammar) -> Result<()> {
    let compile = || GRAMMARS.compile(grammar).map(|_constraint| ());
    std::thread::scope(|scope| {
        std::thread::Builder::new()
            .name("omg-grammar".to_owned())
            .stack_size(GRAMMAR_STACK_BYTES)
            .spawn_scoped(scope, compile)
            .map_err(|e| EngineError::Internal(format!("no thread could be started: {e}")))?
            .join()
            .unwrap_or_else(|_| Err(super::invalid("the grammar cannot be compiled")))
    })
}

/// The grammar as the compiler is to read it, which costs no more than its text.
pub fn prepare_grammar(source: &GrammarSource) -> Result<String> {
    let prepared = super::top_level(&*GRAMMARS.tokens()?, source)?;
    serde_json::to_string(&prepared).map_err(|e| EngineError::Internal(e.to_string()))
}

/// Every byte is a token, and the others are no text.
struct Bytes;

impl Vocabulary for Bytes {
    fn size(&self) -> usize {
        TOKENS
    }

    fn is_eog(&self, token: u32) -> bool {
        token as usize == TOKENS - 1
    }

    fn is_special(&self, token: u32) -> bool {
        self.is_eog(token)
    }

    fn token_bytes(&self, token: u32) -> Vec<u8> {
        u8::try_from(token).map_or_else(|_| Vec::new(), |byte| vec![byte])
    }

    fn encode(&self, _: &[PromptSegment], _: &Reach<'_>) -> Result<Vec<u32>> {
        Err(EngineError::Unsupported("there is no model".to_owned()))
    }

    fn decoder(&self, _: bool) -> Box<dyn TokenDecoder> {
        struct Nothing;
        impl TokenDecoder for Nothing {
            fn push(&mut self, _: u32) -> String {
                String::new()
            }
        }
        Box::new(Nothing)
    }
}
