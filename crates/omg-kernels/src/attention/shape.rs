use std::ops::Range;

/// Tokens in a block of the cache.
pub const BLOCK_TOKENS: usize = 32;

/// What the attention of a layer is like.
#[derive(Clone, Debug)]
pub struct AttentionShape {
    pub heads: usize,
    /// Divides `heads`; consecutive query heads share a key head.
    pub kv_heads: usize,
    pub k_dim: usize,
    pub v_dim: usize,
    /// Factor of the scores, usually 1 / sqrt(k_dim).
    pub scale: f32,
    /// Scores become cap · tanh(score / cap).
    pub softcap: Option<f32>,
    pub mask: Mask,
    /// Per head, a score that takes part in the softmax without a value (gpt-oss).
    pub sinks: Option<Vec<f32>>,
    /// Per head, added to a score for each position that the key is after the query (ALiBi: positive slopes).
    pub slopes: Option<Vec<f32>>,
}

/// Which keys a query at position p sees.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mask {
    /// Positions up to p.
    Causal,
    /// The last `n` positions up to p, p included.
    Window(usize),
    /// Positions up to p in the same stretch of `n` positions.
    Chunk(usize),
    /// All.
    Full,
    /// Those at most `n` / 2 away on either side.
    Symmetric(usize),
}

impl Mask {
    pub(super) fn visible(self, position: usize, len: usize) -> Range<usize> {
        let end = len.min(position + 1);
        match self {
            Self::Causal => 0..end,
            Self::Window(n) => end.saturating_sub(n.max(1))..end,
            Self::Chunk(n) => position / n.max(1) * n.max(1)..end,
            Self::Full => 0..len,
            Self::Symmetric(n) => position.saturating_sub(n / 2)..len.min(position + n / 2 + 1),
        }
    }
}

/// The part of one sequence in a batch.
#[derive(Clone, Debug)]
pub struct Seq<'a> {
    /// Its rows of the batch.
    pub rows: Range<usize>,
    /// Position of the first of these rows; the keys and values of all positions up to the last row are in the cache.
    pub first_position: usize,
    /// Blocks of the cache, in the order of positions.
    pub block_table: &'a [u32],
    /// Its slot in the states of recurrent mixers, in a model that has any.
    pub state: Option<u32>,
}
