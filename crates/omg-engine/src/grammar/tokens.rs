use std::sync::Arc;

use llguidance::ParserFactory;
use llguidance::toktrie::{ApproximateTokEnv, TokEnv, TokRxInfo, TokTrie, TokenId};

use crate::error::{EngineError, Result};
use crate::forward::Vocabulary;

/// A hostile grammar may cost this much and no more: about 2 kB each.
const MAX_LEXER_STATES: usize = 50_000;
const NO_TOKEN: TokenId = TokenId::MAX;

/// The vocabulary of a model as a trie of bytes, made once per model. Special tokens and those that end generation are no
/// text in it, so no grammar can be satisfied by the name of one.
pub(super) struct Tokens {
    pub(super) factory: ParserFactory,
    /// Those that are white space and nothing else, up to four bytes.
    pub(super) white_space: Vec<TokenId>,
    pub(super) ends: Vec<TokenId>,
    special: Vec<(Vec<u8>, TokenId)>,
}

impl Tokens {
    pub(super) fn new(vocabulary: &dyn Vocabulary) -> Result<Self> {
        let size = vocabulary.size() as u32;
        let mut special = Vec::new();
        let mut white_space = Vec::new();
        let mut ends = Vec::new();
        let mut words = Vec::with_capacity(size as usize);
        for token in 0..size {
            let bytes = vocabulary.token_bytes(token);
            let end = vocabulary.is_eog(token);
            if end {
                ends.push(token);
            }
            if end || vocabulary.is_special(token) {
                words.push([&[TokTrie::SPECIAL_TOKEN_MARKER], bytes.as_slice()].concat());
                special.push((bytes, token));
                continue;
            }
            if !bytes.is_empty() && bytes.len() <= 4 && bytes.iter().all(u8::is_ascii_whitespace) {
                white_space.push(token);
            }
            // No text has this byte, which marks special tokens in the trie.
            let is_text = !bytes.contains(&TokTrie::SPECIAL_TOKEN_MARKER);
            words.push(if is_text { bytes } else { Vec::new() });
        }
        let info = TokRxInfo::new(size, ends.first().copied().unwrap_or(NO_TOKEN));
        let mut trie = TokTrie::from(&info, &words);
        if !ends.is_empty() {
            trie = trie.with_eos_tokens(&ends);
        }
        // Tokens are never forced on the model: it spells as it likes.
        let env: TokEnv = Arc::new(ApproximateTokEnv::new(trie));
        let mut factory = ParserFactory::new_simple(&env).map_err(|e| {
            EngineError::Internal(format!("the vocabulary cannot be constrained: {e}"))
        })?;
        factory.quiet();
        let limits = factory.limits_mut();
        limits.max_lexer_states = MAX_LEXER_STATES;
        limits.verbose_errors = false;
        // Longest first, so that of names that begin together the longest is found.
        special.sort_by(|a, b| b.0.len().cmp(&a.0.len()).then(a.1.cmp(&b.1)));
        special.retain(|(name, _)| !name.is_empty());
        Ok(Self {
            factory,
            white_space,
            ends,
            special,
        })
    }

    pub(super) fn trie(&self) -> &TokTrie {
        self.factory.tok_env().tok_trie()
    }

    /// What the token prints, with special tokens by their name.
    pub(super) fn printed(&self, token: TokenId) -> &[u8] {
        let bytes = self.trie().token(token);
        match bytes.first() {
            Some(&TokTrie::SPECIAL_TOKEN_MARKER) => &bytes[1..],
            _ => bytes,
        }
    }

    /// Every token that could come next in a text that goes on with `rest`: those that print a beginning of it. When one
    /// token is all of it, only that one.
    pub(super) fn beginnings(&self, rest: &[u8]) -> Vec<TokenId> {
        let whole = self.special.iter().find(|(name, _)| name == rest);
        if let Some((_, token)) = whole {
            return vec![*token];
        }
        match self.trie().token_id(rest) {
            Some(token) => vec![token],
            None => self.trie().all_prefixes(rest),
        }
    }

    /// The text as an expression of a Lark grammar.
    pub(super) fn lark_of(&self, text: &str) -> String {
        let mut parts = Vec::new();
        let mut plain = String::new();
        let mut rest = text;
        while let Some(c) = rest.chars().next() {
            let found = self
                .special
                .iter()
                .find(|(name, _)| rest.as_bytes().starts_with(name))
                // A name is UTF-8 unless the model file is broken, and a broken one cannot be cut off a text.
                .filter(|(name, _)| rest.is_char_boundary(name.len()));
            if let Some((name, token)) = found {
                if !plain.is_empty() {
                    parts.push(quoted(&std::mem::take(&mut plain)));
                }
                parts.push(format!("<[{token}]>"));
                rest = &rest[name.len()..];
            } else {
                plain.push(c);
                rest = &rest[c.len_utf8()..];
            }
        }
        if !plain.is_empty() || parts.is_empty() {
            parts.push(quoted(&plain));
        }
        parts.join(" ")
    }
}

/// As a string literal of Lark, which are those of JSON.
pub(super) fn quoted(text: &str) -> String {
    // The one control character that JSON writes as it is.
    serde_json::Value::from(text)
        .to_string()
        .replace('\u{7f}', "\\u007f")
}
