use candle_core::{D, DType, Device, Tensor};
use omg_kernels::{AttentionShape, BLOCK_TOKENS, Mask, Seq};

use crate::batch::Batch;
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
        step: &Batch<'_>,
        query: &Tensor,
        new: Option<(&Tensor, &Tensor)>,
    ) -> Result<Tensor> {
        let rows = query.dim(0)?;
        let query = query.reshape((rows, shape.heads, shape.k_dim))?;
        if let Some((key, value)) = new {
            let half = |rows_of: &Tensor, dim| {
                rows_of
                    .reshape((rows, shape.kv_heads, dim))?
                    .to_dtype(DType::F16)
            };
            let (key, value) = (half(key, shape.k_dim)?, half(value, shape.v_dim)?);
            for seq in step.seqs {
                write(&self.keys, &key, seq)?;
                write(&self.values, &value, seq)?;
            }
        }
        let mut outs = Vec::with_capacity(step.seqs.len());
        for seq in step.seqs {
            outs.push(self.attend_one(shape, seq, &query)?);
        }
        Ok(Tensor::cat(&outs, 0)?)
    }

    fn attend_one(&self, shape: &AttentionShape, seq: &Seq<'_>, query: &Tensor) -> Result<Tensor> {
        let tokens = seq.first_position + seq.rows.len();
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
        for first in (0..seq.rows.len()).step_by(at_once) {
            let rows = at_once.min(seq.rows.len() - first);
            let part = query.narrow(0, seq.rows.start + first, rows)?;
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
    let device = query.device();
    let mut scores = scores.reshape((shape.heads, rows, tokens))?;
    if let Some(slopes) = &shape.slopes {
        let slopes = Tensor::new(slopes.as_slice(), device)?.reshape((shape.heads, 1, 1))?;
        let distances = distances(position, rows, tokens, device)?;
        scores = scores.broadcast_add(&slopes.broadcast_mul(&distances)?)?;
    }
    let scores = scores.broadcast_add(&mask(shape, position, rows, tokens, device)?)?;
    let weights = softmax(&scores, shape.sinks.as_deref())?;
    let mixed = weights
        .reshape((shape.kv_heads, group * rows, tokens))?
        .matmul(values)?;
    let mixed = mixed
        .reshape((shape.heads, rows, shape.v_dim))?
        .transpose(0, 1)?
        .contiguous()?;
    Ok(mixed.reshape((rows, shape.heads * shape.v_dim))?)
}

/// Over the last dimension of `scores [heads, rows, tokens]`; a sink takes part in it and has no weight itself.
fn softmax(scores: &Tensor, sinks: Option<&[f32]>) -> Result<Tensor> {
    let largest = scores.max_keepdim(D::Minus1)?;
    let Some(sinks) = sinks else {
        let weights = scores.broadcast_sub(&largest)?.exp()?;
        return Ok(weights.broadcast_div(&weights.sum_keepdim(D::Minus1)?)?);
    };
    let sinks = Tensor::new(sinks, scores.device())?
        .reshape((sinks.len(), 1, 1))?
        .broadcast_as(largest.shape())?;
    let largest = largest.maximum(&sinks)?;
    let weights = scores.broadcast_sub(&largest)?.exp()?;
    let sum = (weights.sum_keepdim(D::Minus1)? + (sinks - largest)?.exp()?)?;
    Ok(weights.broadcast_div(&sum)?)
}

/// By how many positions each key is after each query: `[1, rows, tokens]`.
fn distances(position: usize, rows: usize, tokens: usize, device: &Device) -> Result<Tensor> {
    let cells = (0..rows * tokens).map(|cell| {
        let (row, key) = (cell / tokens, cell % tokens);
        key as f32 - (position + row) as f32
    });
    Ok(Tensor::from_vec(
        cells.collect::<Vec<f32>>(),
        (1, rows, tokens),
        device,
    )?)
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
fn write(cache: &Tensor, rows: &Tensor, seq: &Seq<'_>) -> Result<()> {
    let mut done = 0;
    while done < seq.rows.len() {
        let position = seq.first_position + done;
        let run = (BLOCK_TOKENS - position % BLOCK_TOKENS).min(seq.rows.len() - done);
        let part = rows.narrow(0, seq.rows.start + done, run)?.contiguous()?;
        cache.slice_set(&part, 0, slot(seq, position))?;
        done += run;
    }
    Ok(())
}

/// Where a token of a sequence lies in the cache.
fn slot(seq: &Seq<'_>, position: usize) -> usize {
    seq.block_table[position / BLOCK_TOKENS] as usize * BLOCK_TOKENS + position % BLOCK_TOKENS
}

#[cfg(test)]
mod tests {
    use omg_kernels::{PagedKv, Pool, attention};

    use super::*;

    fn numbers(count: usize, seed: u32) -> Vec<f32> {
        let mut state = seed;
        let mut next = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 8) as f32 / (1 << 23) as f32 - 1.0
        };
        (0..count).map(|_| next()).collect()
    }

    /// The kernel and the generic form over two sequences, one of them in the middle of its prompt.
    fn compare(shape: &AttentionShape) -> f32 {
        let pool = Pool::new(1);
        let AttentionShape {
            heads,
            kv_heads,
            k_dim,
            v_dim,
            ..
        } = *shape;
        let mut kernel_kv = PagedKv::new(4, kv_heads, k_dim, v_dim).expect("a cache");
        let mut tensor_kv = TensorKv::new(shape, 4, &Device::Cpu).expect("a cache");
        let mut step = |first: [usize; 2], counts: [usize; 2], seed: u32| {
            let n = counts[0] + counts[1];
            let (q, k, v) = (
                numbers(n * heads * k_dim, seed),
                numbers(n * kv_heads * k_dim, seed + 1),
                numbers(n * kv_heads * v_dim, seed + 2),
            );
            let seqs = [
                Seq {
                    rows: 0..counts[0],
                    first_position: first[0],
                    block_table: &[2, 0],
                    state: None,
                },
                Seq {
                    rows: counts[0]..n,
                    first_position: first[1],
                    block_table: &[1, 3],
                    state: None,
                },
            ];
            for seq in &seqs {
                let part = |all: &[f32], width: usize| {
                    all[seq.rows.start * width..seq.rows.end * width].to_vec()
                };
                kernel_kv.write(
                    &pool,
                    seq.block_table,
                    seq.first_position,
                    &part(&k, kv_heads * k_dim),
                    &part(&v, kv_heads * v_dim),
                );
            }
            let mut want = vec![0.0; n * heads * v_dim];
            attention(&pool, shape, &q, &kernel_kv, &seqs, &mut want);
            let tensor = |values: Vec<f32>, width: usize| {
                Tensor::from_vec(values, (n, width), &Device::Cpu).expect("a tensor")
            };
            let tokens = vec![0; n];
            let batch = Batch {
                tokens: &tokens,
                positions: &tokens,
                seqs: &seqs,
                outputs: &[],
            };
            let got = tensor_kv
                .attend(
                    shape,
                    &batch,
                    &tensor(q, heads * k_dim),
                    Some((&tensor(k, kv_heads * k_dim), &tensor(v, kv_heads * v_dim))),
                )
                .expect("attention");
            let got: Vec<f32> = got.flatten_all().expect("flat").to_vec1().expect("floats");
            let differences = want.iter().zip(&got).map(|(a, b)| (a - b).abs());
            differences.fold(0.0, f32::max)
        };
        let prompt = step([0, 0], [37, 5], 1);
        prompt.max(step([37, 5], [3, 40], 9))
    }

    const SHAPE: AttentionShape = AttentionShape {
        heads: 4,
        kv_heads: 2,
        k_dim: 16,
        v_dim: 24,
        scale: 0.25,
        softcap: None,
        mask: Mask::Causal,
        sinks: None,
        slopes: None,
    };

    #[test]
    fn every_form_of_attention_agrees_with_the_kernel() {
        let sinks = Some(vec![0.5, -1.0, 3.0, 0.0]);
        let slopes = Some(vec![0.5, 0.25, 0.125, 0.0625]);
        for mask in [
            Mask::Causal,
            Mask::Window(7),
            Mask::Chunk(16),
            Mask::Full,
            Mask::Symmetric(8),
        ] {
            for (sinks, slopes) in [
                (None, None),
                (sinks.clone(), None),
                (None, slopes.clone()),
                (sinks.clone(), slopes.clone()),
            ] {
                let shape = AttentionShape {
                    mask,
                    sinks,
                    slopes,
                    softcap: Some(20.0),
                    ..SHAPE
                };
                let difference = compare(&shape);
                assert!(difference < 2e-3, "{difference} with {shape:?}");
            }
        }
    }
}
