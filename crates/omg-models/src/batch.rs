use std::ops::Range;

use omg_kernels::{BLOCK_TOKENS, SeqView};

use crate::error::{Error, Result};

/// Tokens of several sequences, run through the model together: prefill chunks and single decode tokens mixed.
#[derive(Debug, Clone, Copy)]
pub struct Batch<'a> {
    pub tokens: &'a [u32],
    /// Position of each token for rope.
    pub positions: &'a [u32],
    /// In the order of their rows, which they cover without a gap.
    pub seqs: &'a [Seq<'a>],
    /// Token rows whose result is wanted, in the order in which it is.
    pub outputs: &'a [usize],
}

/// One sequence of a batch. Its keys and values lie in the blocks of `block_table`; earlier tokens are there already.
#[derive(Debug, Clone)]
pub struct Seq<'a> {
    /// Its tokens in the batch.
    pub rows: Range<usize>,
    /// Tokens of the sequence before these.
    pub first_position: usize,
    pub block_table: &'a [u32],
}

/// A text, or a pair of texts of which the second begins at token `second`.
#[derive(Debug, Clone, Copy)]
pub struct EncoderText<'a> {
    pub tokens: &'a [u32],
    /// `tokens.len()` for a single text.
    pub second: usize,
}

/// A checked batch with what blocks need of it.
pub(crate) struct Step<'a> {
    pub(crate) tokens: &'a [u32],
    pub(crate) positions: &'a [u32],
    pub(crate) seqs: Vec<SeqView<'a>>,
    pub(crate) outputs: &'a [usize],
}

impl<'a> Step<'a> {
    /// `Err(InvalidBatch)` for a batch that would read or write outside the vocabulary, the cache or the batch.
    pub(crate) fn check(batch: &Batch<'a>, vocab: usize, blocks: usize) -> Result<Self> {
        let rows = batch.tokens.len();
        if rows == 0 || batch.positions.len() != rows {
            return invalid(format!(
                "{rows} tokens with {} positions",
                batch.positions.len()
            ));
        }
        if let Some(token) = batch.tokens.iter().find(|token| **token as usize >= vocab) {
            return invalid(format!(
                "token {token} is outside the vocabulary of {vocab}"
            ));
        }
        if let Some(row) = batch.outputs.iter().find(|row| **row >= rows) {
            return invalid(format!("output row {row} of {rows}"));
        }
        let mut next = 0;
        let mut seqs = Vec::with_capacity(batch.seqs.len());
        for seq in batch.seqs {
            if seq.rows.start != next || seq.rows.is_empty() {
                return invalid(format!(
                    "sequence rows {:?} where row {next} is next",
                    seq.rows
                ));
            }
            next = seq.rows.end;
            let tokens = seq.first_position + seq.rows.len();
            if tokens > seq.block_table.len() * BLOCK_TOKENS {
                return invalid(format!(
                    "{tokens} tokens in {} blocks",
                    seq.block_table.len()
                ));
            }
            if let Some(block) = seq
                .block_table
                .iter()
                .find(|block| **block as usize >= blocks)
            {
                return invalid(format!("block {block} of {blocks}"));
            }
            seqs.push(SeqView {
                q_rows: seq.rows.clone(),
                first_position: seq.first_position,
                block_table: seq.block_table,
            });
        }
        if next != rows {
            return invalid(format!("the sequences cover {next} of {rows} tokens"));
        }
        Ok(Self {
            tokens: batch.tokens,
            positions: batch.positions,
            seqs,
            outputs: batch.outputs,
        })
    }
}

fn invalid<T>(reason: String) -> Result<T> {
    Err(Error::InvalidBatch { reason })
}
