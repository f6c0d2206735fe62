use half::f16;

use super::BLOCK_TOKENS;
use crate::aligned::AlignedBytes;
use crate::error::{Error, Result};
use crate::pool::Pool;
use crate::shared::SharedMut;

/// Keys and values of one layer as half floats, in blocks of [`BLOCK_TOKENS`] tokens that sequences share by number.
///
/// Keys are [block][kv head][dim][token]: the lanes of a kernel are keys, so a score needs no sum across lanes. Values
/// are [block][kv head][token][dim], the dims padded to 16: there the lanes are the outputs.
pub struct PagedKv {
    keys: AlignedBytes,
    values: AlignedBytes,
    blocks: usize,
    kv_heads: usize,
    k_dim: usize,
    v_dim: usize,
}

impl PagedKv {
    /// A cache of `blocks` blocks, all zero.
    pub fn new(blocks: usize, kv_heads: usize, k_dim: usize, v_dim: usize) -> Result<Self> {
        let bytes = |dim: usize| {
            [blocks, kv_heads, BLOCK_TOKENS, dim]
                .iter()
                .try_fold(2usize, |bytes, &n| bytes.checked_mul(n))
                .ok_or(Error::OutOfMemory { bytes: usize::MAX })
        };
        let keys = AlignedBytes::zeroed(bytes(k_dim)?)?;
        let values = AlignedBytes::zeroed(bytes(v_dim.next_multiple_of(16))?)?;
        Ok(Self {
            keys,
            values,
            blocks,
            kv_heads,
            k_dim,
            v_dim,
        })
    }

    /// Bytes that `new` takes per token.
    pub fn bytes_per_token(kv_heads: usize, k_dim: usize, v_dim: usize) -> usize {
        2 * kv_heads * (k_dim + v_dim.next_multiple_of(16))
    }

    pub fn blocks(&self) -> usize {
        self.blocks
    }
    pub fn kv_heads(&self) -> usize {
        self.kv_heads
    }
    pub fn k_dim(&self) -> usize {
        self.k_dim
    }
    pub fn v_dim(&self) -> usize {
        self.v_dim
    }
    pub fn byte_size(&self) -> usize {
        self.keys.len() + self.values.len()
    }

    pub(super) fn v_stride(&self) -> usize {
        self.v_dim.next_multiple_of(16)
    }

    /// Half floats [dim][token] of a block.
    pub(super) fn keys(&self, block: usize, kv_head: usize) -> &[u16] {
        let len = self.k_dim * BLOCK_TOKENS;
        &halves(&self.keys)[(block * self.kv_heads + kv_head) * len..][..len]
    }

    /// Half floats [token][v_stride] of a block.
    pub(super) fn values(&self, block: usize, kv_head: usize) -> &[u16] {
        let len = self.v_stride() * BLOCK_TOKENS;
        &halves(&self.values)[(block * self.kv_heads + kv_head) * len..][..len]
    }

    /// Writes keys [n, kv_heads, k_dim] and values [n, kv_heads, v_dim] at positions `position..position + n` of the
    /// sequence that has `block_table`. What exceeds the range of half floats becomes their largest number.
    pub fn write(
        &mut self,
        pool: &Pool,
        block_table: &[u32],
        position: usize,
        k: &[f32],
        v: &[f32],
    ) {
        let Self {
            blocks,
            kv_heads,
            k_dim,
            v_dim,
            ..
        } = *self;
        let row = kv_heads * k_dim;
        let n = k.len().checked_div(row).unwrap_or(0);
        assert!(k.len() == n * row && v.len() == n * kv_heads * v_dim);
        assert!(
            block_table.len() * BLOCK_TOKENS >= position + n,
            "block table too short"
        );
        assert!(block_table.iter().all(|&block| (block as usize) < blocks));
        let v_stride = self.v_stride();
        let keys = SharedMut::new(halves_mut(&mut self.keys));
        let values = SharedMut::new(halves_mut(&mut self.values));
        let write_head = |kv_head: usize| {
            let mut token = 0;
            while token < n {
                let slot = (position + token) % BLOCK_TOKENS;
                let count = (BLOCK_TOKENS - slot).min(n - token);
                let block =
                    block_table[(position + token) / BLOCK_TOKENS] as usize * kv_heads + kv_head;
                // SAFETY: heads do not share cache entries, and each head is written by one worker.
                let (keys, values) = unsafe {
                    (
                        keys.slice(block * k_dim * BLOCK_TOKENS, k_dim * BLOCK_TOKENS),
                        values.slice(block * v_stride * BLOCK_TOKENS, v_stride * BLOCK_TOKENS),
                    )
                };
                for t in 0..count {
                    let row = (token + t) * kv_heads + kv_head;
                    for (d, x) in k[row * k_dim..][..k_dim].iter().enumerate() {
                        keys[d * BLOCK_TOKENS + slot + t] = half_bits(*x);
                    }
                    let out = &mut values[(slot + t) * v_stride..][..v_dim];
                    for (out, x) in out.iter_mut().zip(&v[row * v_dim..][..v_dim]) {
                        *out = half_bits(*x);
                    }
                }
                token += count;
            }
        };
        if n * row < 1 << 14 {
            (0..kv_heads).for_each(write_head);
        } else {
            pool.for_each(kv_heads, &write_head);
        }
    }

    /// Copies a block, all heads of it: for sequences that part after a common beginning.
    pub fn copy_block(&mut self, from: usize, to: usize) {
        assert!(from < self.blocks && to < self.blocks);
        for bytes in [&mut self.keys, &mut self.values] {
            let len = bytes.len() / self.blocks;
            bytes.copy_within(from * len..(from + 1) * len, to * len);
        }
    }
}

fn half_bits(x: f32) -> u16 {
    const MAX: f32 = 65504.0;
    // `clamp` keeps NaN.
    f16::from_f32(x.clamp(-MAX, MAX)).to_bits()
}

fn halves(bytes: &[u8]) -> &[u16] {
    // SAFETY: the buffer is aligned to more than 2, and any bits are valid.
    unsafe { std::slice::from_raw_parts(bytes.as_ptr().cast(), bytes.len() / 2) }
}

fn halves_mut(bytes: &mut [u8]) -> &mut [u16] {
    // SAFETY: as in `halves`, and borrowed exclusively.
    unsafe { std::slice::from_raw_parts_mut(bytes.as_mut_ptr().cast(), bytes.len() / 2) }
}
