use super::{Segment, Tokenizer};
use crate::error::Result;

/// What stands between the two texts of a pair and after them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct PairFrame {
    pub(super) between: Vec<u32>,
    pub(super) after: Vec<u32>,
}

/// The tokens of two texts that a cross-encoder reads together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pair {
    pub tokens: Vec<u32>,
    /// Where the second text begins.
    pub second: usize,
    /// Tokens of the whole pair, those that were cut off included.
    pub whole: usize,
}

impl Tokenizer {
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
