use std::panic::{AssertUnwindSafe, catch_unwind};

use tokenizers::normalizer::Range;
use tokenizers::{
    Model as _, NormalizedString, Normalizer as _, OffsetReferential, OffsetType,
    PreTokenizedString, PreTokenizer as _, Token,
};

use super::file::invalid;
use super::segment::{Piece, check_undivided};
use super::specials::Specials;
use crate::error::Result;

/// A tokenizer of the `tokenizers` crate. Special tokens are found before it sees the text: the crate's own search could not
/// leave those alone that stand in what a person wrote.
#[derive(Debug)]
pub(super) struct JsonModel {
    pub(super) inner: tokenizers::Tokenizer,
    /// Added tokens that are searched for in normalised text.
    pub(super) normalized: Specials,
    pub(super) strips_leading_space: bool,
}

impl JsonModel {
    pub(super) fn strips_leading_space(&self) -> bool {
        self.strips_leading_space
    }

    /// All pieces in one go: what a tokenizer does to text may depend on where in the prompt it stands.
    pub(super) fn encode(&self, pieces: &[Piece], ids: &mut Vec<u32>) -> Result<()> {
        let bytes = |piece: &Piece| match piece {
            Piece::Text(text) => text.len(),
            Piece::Tokens(_) => 1,
        };
        check_undivided(pieces.iter().map(bytes).sum())?;
        let done = guarded(|| self.try_encode(pieces, ids));
        let error = match done {
            Some(Ok(())) => return Ok(()),
            Some(Err(error)) => error.to_string(),
            None => "its library fails on it".to_owned(),
        };
        Err(invalid(format!(
            "the tokenizer of the model cannot read the text: {error}"
        )))
    }

    fn try_encode(&self, pieces: &[Piece], ids: &mut Vec<u32>) -> tokenizers::Result<()> {
        let mut whole = String::new();
        let mut ends = Vec::with_capacity(pieces.len());
        for piece in pieces {
            match piece {
                Piece::Text(text) => whole.push_str(text),
                // Keeps the place of the tokens; empty parts would be dropped.
                Piece::Tokens(_) => whole.push('\0'),
            }
            ends.push(whole.len());
        }
        if whole.is_empty() {
            return Ok(());
        }
        let mut prepared = PreTokenizedString::from(whole);
        prepared.split(|_, text| {
            let mut start = 0;
            let mut parts = Vec::with_capacity(pieces.len());
            for (piece, end) in pieces.iter().zip(&ends) {
                let tokens = match piece {
                    Piece::Text(_) => None,
                    Piece::Tokens(tokens) => {
                        Some(tokens.iter().map(|id| plain_token(*id)).collect())
                    }
                };
                parts.push((slice(&text, start, *end)?, tokens));
                start = *end;
            }
            Ok(parts)
        })?;
        prepared.split(|_, mut text| {
            if let Some(normalizer) = self.inner.get_normalizer() {
                normalizer.normalize(&mut text)?;
            }
            let mut start = 0;
            let mut parts: Vec<(NormalizedString, Option<Vec<Token>>)> = Vec::new();
            for (from, to, id) in self.normalized.find_all(text.get()) {
                parts.push((slice(&text, start, from)?, None));
                parts.push((slice(&text, from, to)?, Some(vec![plain_token(id)])));
                start = to;
            }
            parts.push((slice(&text, start, text.get().len())?, None));
            Ok(parts)
        })?;
        if let Some(pre_tokenizer) = self.inner.get_pre_tokenizer() {
            pre_tokenizer.pre_tokenize(&mut prepared)?;
        }
        prepared.tokenize(|text| self.inner.get_model().tokenize(text.get()))?;
        for (_, _, tokens) in prepared.get_splits(OffsetReferential::Normalized, OffsetType::None) {
            ids.extend(tokens.iter().flatten().map(|token| token.id));
        }
        Ok(())
    }
}

fn slice(
    text: &NormalizedString,
    start: usize,
    end: usize,
) -> tokenizers::Result<NormalizedString> {
    text.slice(Range::Normalized(start..end))
        .ok_or_else(|| "a special token splits a character".into())
}

fn plain_token(id: u32) -> Token {
    Token::new(id, String::new(), (0, 0))
}

/// The library panics on some files and texts; nothing of what it worked on is used afterwards.
pub(super) fn guarded<T>(work: impl FnOnce() -> T) -> Option<T> {
    catch_unwind(AssertUnwindSafe(work)).ok()
}
