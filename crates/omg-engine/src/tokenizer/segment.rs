use crate::error::{EngineError, Result};
use crate::types::PromptSegment;

/// One part of a prompt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Segment<'a> {
    /// With `parse_special` the names of special tokens in the text become those tokens; without, they stay text, so that
    /// nothing a person writes can end a turn. Text of neighbouring segments is tokenised as if it were one.
    Text {
        text: &'a str,
        parse_special: bool,
    },
    Tokens(&'a [u32]),
}

/// The parts of a request's prompt, as the tokenizer takes them.
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

/// A prompt after special tokens were found: runs of plain text and of tokens, never two texts in a row.
#[derive(Debug)]
pub(super) enum Piece {
    Text(String),
    Tokens(Vec<u32>),
}

pub(super) fn push_tokens(pieces: &mut Vec<Piece>, tokens: &[u32]) {
    match pieces.last_mut() {
        Some(Piece::Tokens(last)) => last.extend(tokens),
        _ => pieces.push(Piece::Tokens(tokens.to_vec())),
    }
}

pub(super) fn push_text(pieces: &mut Vec<Piece>, text: &str) {
    match pieces.last_mut() {
        _ if text.is_empty() => {}
        Some(Piece::Text(last)) => last.push_str(text),
        _ => pieces.push(Piece::Text(text.to_owned())),
    }
}

/// More is not read in one go: it takes a hundred times that while it is.
pub(super) const MAX_UNDIVIDED_BYTES: usize = 8 << 20;

pub(super) fn check_undivided(text: usize) -> Result<()> {
    match text > MAX_UNDIVIDED_BYTES {
        true => Err(EngineError::InvalidRequest(format!(
            "a stretch of {text} bytes is too long for the tokenizer of this model, which reads up to {MAX_UNDIVIDED_BYTES} in one go"
        ))),
        false => Ok(()),
    }
}
