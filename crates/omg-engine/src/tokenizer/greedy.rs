use std::ops::ControlFlow;

use aho_corasick::{AhoCorasick, MatchKind};
use omg_format::{TokenType, TokenizerMetadata};

use super::file::invalid;
use super::reach::Reach;
use crate::error::Result;

/// RWKV's way: from where the last token ended, the longest one that the text goes on with.
#[derive(Debug)]
pub(super) struct Greedy {
    /// Every byte is a token, so that matches follow each other without gaps.
    tokens: AhoCorasick,
    ids: Vec<u32>,
}

impl Greedy {
    pub(super) fn new(source: &TokenizerMetadata<'_>) -> Result<Self> {
        let (mut texts, mut ids) = (Vec::new(), Vec::new());
        let mut single = [false; 256];
        for (id, (text, kind)) in (0u32..).zip(source.tokens.iter().zip(&source.token_types)) {
            let bytes = bytes_of(text);
            if bytes.is_empty() || matches!(kind, TokenType::Control | TokenType::Unknown) {
                continue;
            }
            if let [byte] = bytes[..] {
                single[usize::from(byte)] = true;
            }
            texts.push(bytes);
            ids.push(id);
        }
        // No text has the bytes from F8 on.
        if let Some(byte) =
            (0..0xf8).find(|byte| !single[*byte] && !matches!(byte, 0xc0 | 0xc1 | 0xf5..=0xf7))
        {
            return Err(invalid(format!(
                "the vocabulary has no token for the byte {byte:#04x}"
            )));
        }
        let tokens = AhoCorasick::builder()
            .match_kind(MatchKind::LeftmostLongest)
            .build(&texts)
            .map_err(|error| invalid(format!("the vocabulary cannot be indexed: {error}")))?;
        Ok(Greedy { tokens, ids })
    }

    pub(super) fn encode(
        &self,
        text: &str,
        reach: &Reach<'_>,
        ids: &mut Vec<u32>,
    ) -> ControlFlow<()> {
        for found in self.tokens.find_iter(text) {
            ids.push(self.ids[found.pattern().as_usize()]);
            if ids.len().is_multiple_of(64) {
                reach.check(ids.len())?;
            }
        }
        ControlFlow::Continue(())
    }
}

/// The bytes that a token of RWKV's list stands for, which is written like a literal of Python: `\n`, `\x0a`, `\\`.
pub(super) fn bytes_of(text: &str) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, after @ ..] = rest {
        rest = after;
        let [escape, after @ ..] = rest else {
            bytes.push(*first);
            break;
        };
        if *first != b'\\' {
            bytes.push(*first);
            continue;
        }
        rest = after;
        match escape {
            b't' => bytes.push(b'\t'),
            b'n' => bytes.push(b'\n'),
            b'r' => bytes.push(b'\r'),
            b'x' => {
                let digits = after
                    .get(..2)
                    .and_then(|digits| std::str::from_utf8(digits).ok());
                match digits.and_then(|digits| u8::from_str_radix(digits, 16).ok()) {
                    Some(byte) => {
                        bytes.push(byte);
                        rest = &after[2..];
                    }
                    None => bytes.push(b'x'),
                }
            }
            other => bytes.push(*other),
        }
    }
    bytes
}
