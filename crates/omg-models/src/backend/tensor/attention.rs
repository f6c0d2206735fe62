use candle_core::{D, DType, Device, Tensor};
use omg_kernels::{AttentionShape, BLOCK_TOKENS, Mask, SeqView};

use crate::batch::Step;
use crate::error::Result;

/// Scores held at once, so that long prompts do not need a square of their length.
const SCORES_AT_ONCE: usize = 1 << 26;

/// Keys and values of one layer, f16: `[blocks · BLOCK_TOKENS, kv_heads, dim]`.
pub(crate) struct TensorKv {
    keys: Tensor,
    values: Tensor,
}

impl TensorKv {
    pub(crate) fn new(shape: &AttentionShape, blocks: usize, device: &Device) -> Result<Self> {
        let tokens = blocks * BLOCK_TOKENS;
        Ok(Self {
            keys: Tensor::zeros((tokens, shape.kv_heads, shape.k_dim), DType::F16, device)?,
            values: Tensor::zeros((tokens, shape.kv_heads, shape.v_dim), DType::F16, device)?,
        })
    }

    pub(crate) fn copy_block(&mut self, from: usize, to: usize) -> Result<()> {
        for cache in [&self.keys, &self.values] {
            let block = cache
                .narrow(0, from * BLOCK_TOKENS, BLOCK_TOKENS)?
                .force_contiguous()?;
            cache.slice_set(&block, 0, to * BLOCK_TOKENS)?;
        }
        Ok(())
    }

    /// Stores the new keys and values, then attends: `[n, heads · v_dim]`.
    pub(crate) fn attend(
        &mut self,
        shape: &AttentionShape,
        step: &Step<'_>,
        query: &Tensor,
        key: &Tensor,
        value: &Tensor,
    ) -> Result<Tensor> {
        let rows = query.dim(0)?;
        let query = query.reshape((rows, shape.heads, shape.k_dim))?;
        let key = key
            .reshape((rows, shape.kv_heads, shape.k_dim))?
            .to_dtype(DType::F16)?;
        let value = value
            .reshape((rows, shape.kv_heads, shape.v_dim))?
            .to_dtype(DType::F16)?;
        let mut outs = Vec::with_capacity(step.seqs.len());
        for seq in &step.seqs {
            write(&self.keys, &key, seq)?;
            write(&self.values, &value, seq)?;
            outs.push(self.attend_one(shape, seq, &query)?);
        }
        Ok(Tensor::cat(&outs, 0)?)
    }

    fn attend_one(
        &self,
        shape: &AttentionShape,
        seq: &SeqView<'_>,
        query: &Tensor,
    ) -> Result<Tensor> {
        let tokens = seq.first_position + seq.q_rows.len();
        let slots: Vec<u32> = (0..tokens).map(|token| slot(seq, token) as u32).collect();
        let slots = Tensor::new(slots, query.device())?;
        // [kv_heads, tokens, dim]
        let gather = |cache: &Tensor| {
            cache
                .index_select(&slots, 0)?
                .to_dtype(DType::F32)?
                .transpose(0, 1)?
                .contiguous()
        };
        let (keys, values) = (gather(&self.keys)?.transpose(1, 2)?, gather(&self.values)?);
        let at_once = (SCORES_AT_ONCE / (tokens * shape.heads)).max(1);
        let mut outs = Vec::new();
        for first in (0..seq.q_rows.len()).step_by(at_once) {
            let rows = at_once.min(seq.q_rows.len() - first);
            let part = query.narrow(0, seq.q_rows.start + first, rows)?;
            outs.push(attend_rows(
                shape,
                &part,
                &keys,
                &values,
                seq.first_position + first,
            )?);
        }
        Ok(Tensor::cat(&outs, 0)?)
    }
}

/// `query [rows, heads, k_dim]`, the first at `position`; `keys [kv_heads, k_dim, tokens]`, `values [kv_heads, tokens, v_dim]`.
fn attend_rows(
    shape: &AttentionShape,
    query: &Tensor,
    keys: &Tensor,
    values: &Tensor,
    position: usize,
) -> Result<Tensor> {
    let (rows, tokens) = (query.dim(0)?, keys.dim(2)?);
    let group = shape.heads / shape.kv_heads;
    let query = query.transpose(0, 1)?.contiguous()?.reshape((
        shape.kv_heads,
        group * rows,
        shape.k_dim,
    ))?;
    let mut scores = (query.matmul(keys)? * f64::from(shape.scale))?;
    if let Some(cap) = shape.softcap {
        scores = ((scores / f64::from(cap))?.tanh()? * f64::from(cap))?;
    }
    let scores = scores
        .reshape((shape.heads, rows, tokens))?
        .broadcast_add(&mask(shape, position, rows, tokens, query.device())?)?;
    let weights = scores
        .broadcast_sub(&scores.max_keepdim(D::Minus1)?)?
        .exp()?;
    let weights = weights.broadcast_div(&weights.sum_keepdim(D::Minus1)?)?;
    let mixed = weights
        .reshape((shape.kv_heads, group * rows, tokens))?
        .matmul(values)?;
    let mixed = mixed
        .reshape((shape.heads, rows, shape.v_dim))?
        .transpose(0, 1)?
        .contiguous()?;
    Ok(mixed.reshape((rows, shape.heads * shape.v_dim))?)
}

/// Zero where a key is seen, minus infinity where it is hidden: `[1, rows, tokens]`.
fn mask(
    shape: &AttentionShape,
    position: usize,
    rows: usize,
    tokens: usize,
    device: &Device,
) -> Result<Tensor> {
    let seen = |query: usize, key: usize| match shape.mask {
        Mask::Causal => key <= query,
        Mask::Window(window) => key <= query && query < key + window,
        Mask::Chunk(chunk) => key <= query && key / chunk == query / chunk,
        Mask::Full => true,
        Mask::Symmetric(width) => key.abs_diff(query) <= width / 2,
    };
    let cells = (0..rows * tokens).map(|cell| {
        let (row, key) = (cell / tokens, cell % tokens);
        if seen(position + row, key) {
            0.0
        } else {
            f32::NEG_INFINITY
        }
    });
    Ok(Tensor::from_vec(
        cells.collect::<Vec<f32>>(),
        (1, rows, tokens),
        device,
    )?)
}

/// Copies a sequence's new rows into its blocks, a run inside one block at a time.
fn write(cache: &Tensor, rows: &Tensor, seq: &SeqView<'_>) -> Result<()> {
    let mut done = 0;
    while done < seq.q_rows.len() {
        let position = seq.first_position + done;
        let run = (BLOCK_TOKENS - position % BLOCK_TOKENS).min(seq.q_rows.len() - done);
        let part = rows.narrow(0, seq.q_rows.start + done, run)?.contiguous()?;
        cache.slice_set(&part, 0, slot(seq, position))?;
        done += run;
    }
    Ok(())
}

/// Where a token of a sequence lies in the cache.
fn slot(seq: &SeqView<'_>, position: usize) -> usize {
    seq.block_table[position / BLOCK_TOKENS] as usize * BLOCK_TOKENS + position % BLOCK_TOKENS
}
