//! Text to tokens and back. One `Tokenizer` whatever the model came with: the vocabulary of a GGUF file (BPE,
//! SPM or RWKV's, implemented here) or a `tokenizer.json` (through the `tokenizers` crate).
//!
//! ```ignore
//! let tokenizer = Tokenizer::open(&files)?;
//! let ids = tokenizer.encode(&[
//!     Segment::Text { text: "<|im_start|>user\n", parse_special: true },
//!     Segment::Text { text: user_text, parse_special: false }, // "<|im_end|>" in it stays text
//!     Segment::Text { text: "<|im_end|>\n", parse_special: true },
//! ])?;
//! let mut stream = tokenizer.stream_decoder(false);
//! emit(stream.push(token)); // whole UTF-8 characters only
//! emit(stream.finish());
//! ```

mod base64;
mod bpe;
mod bpe_vocabulary;
mod byte_level;
mod file;
mod folder_vocabulary;
mod gguf;
mod greedy;
mod json_model;
mod open;
mod pair;
mod pre_names;
mod pre_tokenizer;
mod protobuf;
mod reach;
mod segment;
mod sentencepiece;
mod specials;
mod spm;
mod step;
mod stream;
mod tekken;
mod tiktoken;
mod tokenizer_json;
mod unigram;
mod vocabulary;
mod vocabulary_file;
mod word_piece;

#[cfg(test)]
mod kind_tests;
#[cfg(test)]
mod tests;

use std::ops::ControlFlow;
use std::sync::Arc;

use self::bpe::Bpe;
pub(crate) use self::file::token_text;
use self::greedy::Greedy;
use self::json_model::JsonModel;
pub use self::pair::Pair;
use self::pair::PairFrame;
pub use self::reach::Reach;
pub use self::segment::Segment;
pub(crate) use self::segment::segments;
use self::segment::{Piece, push_tokens};
use self::specials::Specials;
use self::spm::Spm;
pub use self::stream::StreamDecoder;
use self::vocabulary::Vocabulary;
use crate::error::{EngineError, Result};

/// Turns text into tokens of one vocabulary and back. Cheap to share; nothing in it changes.
#[derive(Debug)]
pub struct Tokenizer {
    vocabulary: Arc<Vocabulary>,
    specials: Specials,
    model: Model,
    /// What every prompt begins with: the BOS token, or nothing.
    prefix: Vec<u32>,
    /// What a text to embed ends with: the EOS or SEP token, or nothing.
    suffix: Vec<u32>,
    pair: PairFrame,
}

#[derive(Debug)]
enum Model {
    Bpe(Box<Bpe>),
    Spm(Spm),
    Greedy(Greedy),
    Json(Box<JsonModel>),
}

impl Tokenizer {
    /// With as many ids as the model has rows. Rows beyond the tokens of the tokenizer's files are padding: they can be drawn
    /// and read like any other, as in the reference implementations, and stand for no text.
    pub fn padded_to(mut self, rows: usize) -> Self {
        Arc::make_mut(&mut self.vocabulary).pad_to(rows);
        self
    }

    /// Token ids of a prompt. The BOS token is put in front where the model wants one and the prompt does not already begin
    /// with it. `invalid_request` for token ids outside the vocabulary, and for a stretch of text that is too long to be read at
    /// once where the vocabulary asks for that.
    pub fn encode(&self, prompt: &[Segment<'_>]) -> Result<Vec<u32>> {
        self.encode_within(prompt, &Reach::ALL)
    }

    /// As `encode`, for as far as `reach` says. Where that ends reading, the tokens are those so far.
    pub fn encode_within(&self, prompt: &[Segment<'_>], reach: &Reach<'_>) -> Result<Vec<u32>> {
        let pieces = self.pieces(prompt)?;
        let mut ids = if pieces
            .first()
            .is_some_and(|piece| self.begins_with_prefix(piece))
        {
            Vec::new()
        } else {
            self.prefix.clone()
        };
        self.encode_pieces(&pieces, reach, &mut ids)?;
        Ok(ids)
    }

    /// As `encode`, with nothing put in front.
    fn encode_bare(&self, text: &[Segment<'_>]) -> Result<Vec<u32>> {
        let mut ids = Vec::new();
        self.encode_pieces(&self.pieces(text)?, &Reach::ALL, &mut ids)?;
        Ok(ids)
    }

    fn encode_pieces(&self, pieces: &[Piece], reach: &Reach<'_>, ids: &mut Vec<u32>) -> Result<()> {
        if let Model::Json(json) = &self.model {
            return json.encode(pieces, ids);
        }
        let mut after_special = true;
        for piece in pieces {
            let flow = match (piece, &self.model) {
                (Piece::Text(text), Model::Bpe(bpe)) => bpe.encode(text, reach, ids),
                (Piece::Text(text), Model::Spm(spm)) => {
                    spm.encode(text, after_special, reach, ids)?
                }
                (Piece::Text(text), Model::Greedy(greedy)) => greedy.encode(text, reach, ids),
                (Piece::Tokens(tokens), _) => {
                    ids.extend(tokens);
                    reach.check(ids.len())
                }
                (Piece::Text(_), Model::Json(_)) => ControlFlow::Continue(()),
            };
            if flow.is_break() {
                break;
            }
            after_special = matches!(piece, Piece::Tokens(_));
        }
        Ok(())
    }

    /// As `encode`, with the closing token (EOS or SEP) of embedding models where the model wants one.
    pub fn encode_for_embedding(&self, prompt: &[Segment<'_>]) -> Result<Vec<u32>> {
        let mut ids = self.encode(prompt)?;
        if !ids.ends_with(&self.suffix) {
            ids.extend(&self.suffix);
        }
        Ok(ids)
    }

    fn begins_with_prefix(&self, piece: &Piece) -> bool {
        matches!(piece, Piece::Tokens(tokens) if tokens.starts_with(&self.prefix))
    }

    fn pieces(&self, prompt: &[Segment<'_>]) -> Result<Vec<Piece>> {
        let mut pieces = Vec::new();
        for segment in prompt {
            match *segment {
                Segment::Tokens([]) => {}
                Segment::Tokens(tokens) => {
                    if let Some(id) = tokens.iter().find(|id| **id as usize >= self.vocab_size()) {
                        let size = self.vocab_size();
                        return Err(EngineError::InvalidRequest(format!(
                            "token {id} is outside the vocabulary of {size} tokens"
                        )));
                    }
                    push_tokens(&mut pieces, tokens);
                }
                Segment::Text {
                    text,
                    parse_special,
                } => {
                    self.specials.split(text, parse_special, &mut pieces);
                }
            }
        }
        Ok(pieces)
    }

    /// Text of a whole sequence: special tokens left out, broken UTF-8 as U+FFFD, and without the space that the tokenizer
    /// itself had put in front of the text.
    pub fn decode(&self, tokens: &[u32]) -> String {
        let mut decoder = self.stream_decoder(false);
        let mut text: String = tokens.iter().map(|token| decoder.push(*token)).collect();
        text.push_str(&decoder.finish());
        let added_space = match &self.model {
            Model::Bpe(_) | Model::Greedy(_) => false,
            Model::Spm(spm) => spm.adds_space_prefix(),
            Model::Json(json) => json.strips_leading_space(),
        };
        if added_space && text.starts_with(' ') {
            text.remove(0);
        }
        text
    }

    /// A decoder for tokens as they are generated. `keep_special` also emits the names of special tokens.
    pub fn stream_decoder(&self, keep_special: bool) -> StreamDecoder {
        StreamDecoder::new(Arc::clone(&self.vocabulary), keep_special)
    }

    /// Number of ids.
    pub fn vocab_size(&self) -> usize {
        self.vocabulary.len()
    }

    /// The bytes a token stands for, perhaps a fragment of a character; the name of a special token; empty outside the
    /// vocabulary.
    pub fn token_bytes(&self, token: u32) -> &[u8] {
        self.vocabulary.bytes(token)
    }

    /// As `token_bytes`, with U+FFFD for what is not UTF-8.
    pub fn token_text(&self, token: u32) -> String {
        String::from_utf8_lossy(self.token_bytes(token)).into_owned()
    }

    /// The id of the special or plain token with exactly this text.
    pub fn token_id(&self, text: &str) -> Option<u32> {
        self.vocabulary.id_of(text)
    }

    pub fn bos(&self) -> Option<u32> {
        self.vocabulary.bos
    }

    pub fn eos(&self) -> Option<u32> {
        self.vocabulary.eos
    }

    /// End of turn, where the vocabulary declares one apart from `eos`.
    pub fn eot(&self) -> Option<u32> {
        self.vocabulary.eot
    }

    /// Whether prompts get the BOS token.
    pub fn adds_bos(&self) -> bool {
        !self.prefix.is_empty()
    }

    /// Whether generation ends with this token.
    pub fn is_eog(&self, token: u32) -> bool {
        self.vocabulary.eog.binary_search(&token).is_ok()
    }

    /// All tokens that end generation, ascending.
    pub fn eog_tokens(&self) -> &[u32] {
        &self.vocabulary.eog
    }

    /// Control and unknown tokens: those that are not text.
    pub fn is_special(&self, token: u32) -> bool {
        self.vocabulary.is_special(token)
    }

    /// The first `limit` tokens of what `encode_for_embedding` gave, the closing token kept.
    pub(crate) fn cut_text(&self, mut tokens: Vec<u32>, limit: usize) -> Vec<u32> {
        if tokens.len() > limit {
            tokens.truncate(limit.saturating_sub(self.suffix.len()));
            tokens.extend(&self.suffix);
            tokens.truncate(limit);
        }
        tokens
    }

    /// Two texts as the model was trained on pairs. `limit`: the second is cut so that the whole has so many tokens, where
    /// the first leaves room for that.
    pub fn encode_pair(&self, first: &str, second: &str, limit: Option<usize>) -> Result<Pair> {
        let plain = |text| {
            self.encode_bare(&[Segment::Text {
                text,
                parse_special: false,
            }])
        };
        let (first, mut second) = (plain(first)?, plain(second)?);
        let frame = self.prefix.len() + self.pair.between.len() + self.pair.after.len();
        let whole = frame + first.len() + second.len();
        if let Some(limit) = limit {
            second.truncate(limit.saturating_sub(frame + first.len()));
        }
        let parts = [&self.prefix, &first, &self.pair.between];
        let start = parts.iter().map(|part| part.len()).sum();
        let mut tokens = Vec::with_capacity(whole);
        for part in parts.into_iter().chain([&second, &self.pair.after]) {
            tokens.extend(part);
        }
        Ok(Pair {
            tokens,
            second: start,
            whole,
        })
    }
}
