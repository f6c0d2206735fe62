use std::collections::HashSet;

use omg_kernels::BLOCK_TOKENS;
pub use omg_kernels::Seq;

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

/// A text, or a pair of texts of which the second begins at token `second`.
#[derive(Debug, Clone, Copy)]
pub struct EncoderText<'a> {
    pub tokens: &'a [u32],
    /// `tokens.len()` for a single text.
    pub second: usize,
}

impl Batch<'_> {
    /// `Err(InvalidBatch)` for a batch that would read or write outside the vocabulary, the cache or the batch. `states`: how
    /// many there are, in a model that keeps any; each sequence then has one to itself.
    pub(crate) fn check(&self, vocab: usize, blocks: usize, states: Option<usize>) -> Result<()> {
        let rows = self.tokens.len();
        if rows == 0 || self.positions.len() != rows {
            return invalid(format!(
                "{rows} tokens with {} positions",
                self.positions.len()
            ));
        }
        if let Some(token) = self.tokens.iter().find(|token| **token as usize >= vocab) {
            return invalid(format!(
                "token {token} is outside the vocabulary of {vocab}"
            ));
        }
        if let Some(row) = self.outputs.iter().find(|row| **row >= rows) {
            return invalid(format!("output row {row} of {rows}"));
        }
        if let Some(states) = states {
            self.check_states(states)?;
        }
        let mut next = 0;
        for seq in self.seqs {
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
        }
        if next != rows {
            return invalid(format!("the sequences cover {next} of {rows} tokens"));
        }
        Ok(())
    }

    fn check_states(&self, states: usize) -> Result<()> {
        let mut taken = HashSet::with_capacity(self.seqs.len());
        for seq in self.seqs {
            match seq.state {
                Some(slot) if (slot as usize) < states && taken.insert(slot) => {}
                Some(slot) => return invalid(format!("state {slot} of {states}, or twice")),
                None => return invalid("a sequence without a state".to_owned()),
            }
        }
        Ok(())
    }
}

fn invalid<T>(reason: String) -> Result<T> {
    Err(Error::InvalidBatch { reason })
}
