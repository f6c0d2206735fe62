//! Online softmax over the blocks of a span of keys.

use std::cell::Cell;
use std::ops::Range;

use super::{AttentionShape, BLOCK_TOKENS, PagedKv};
use crate::scratch;
use crate::simd::{Kernel, Simd};

/// Queries worked on at a time.
pub(super) const MAX_QUERIES: usize = 32;
/// From this many queries on, a block is widened to f32 once for all.
const WIDEN_FROM: usize = 12;

pub(super) struct Query {
    /// Row x heads + head: where it is in `q` and `out`.
    pub(super) at: usize,
    pub(super) head: usize,
    pub(super) position: usize,
    pub(super) visible: Range<usize>,
}

/// Per query the largest score so far, the sum of e^(score - largest), and the values weighted by the same.
#[derive(Clone, Default)]
pub(super) struct Part {
    largest: Vec<f32>,
    sum: Vec<f32>,
    values: Vec<f32>,
    stride: usize,
}

impl Part {
    pub(super) const fn new() -> Self {
        Self {
            largest: Vec::new(),
            sum: Vec::new(),
            values: Vec::new(),
            stride: 0,
        }
    }

    pub(super) fn reset(&mut self, queries: usize, stride: usize) {
        self.stride = stride;
        self.largest.clear();
        self.largest.resize(queries, f32::NEG_INFINITY);
        self.sum.clear();
        self.sum.resize(queries, 0.0);
        self.values.clear();
        self.values.resize(queries * stride, 0.0);
    }

    pub(super) fn add_sink(&mut self, query: usize, score: f32) {
        self.largest[query] = score;
        self.sum[query] = 1.0;
    }

    /// Adds what `other` found in later keys.
    pub(super) fn merge(&mut self, other: &Self) {
        for query in 0..self.sum.len() {
            if other.sum[query] == 0.0 {
                continue;
            }
            let largest = self.largest[query].max(other.largest[query]);
            let factor = |old: f32| {
                if old == largest {
                    1.0
                } else {
                    (old - largest).exp()
                }
            };
            let (mine, theirs) = (factor(self.largest[query]), factor(other.largest[query]));
            self.largest[query] = largest;
            self.sum[query] = self.sum[query] * mine + other.sum[query] * theirs;
            let range = query * self.stride..(query + 1) * self.stride;
            for (a, b) in self.values[range.clone()]
                .iter_mut()
                .zip(&other.values[range])
            {
                *a = *a * mine + b * theirs;
            }
        }
    }

    /// The result of a query; zeros when it saw no key.
    pub(super) fn write(&self, query: usize, out: &mut [f32]) {
        let sum = self.sum[query];
        let factor = if sum == 0.0 { 0.0 } else { 1.0 / sum };
        for (out, x) in out.iter_mut().zip(&self.values[query * self.stride..]) {
            *out = x * factor;
        }
    }
}

/// Some queries over the keys of one part.
pub(super) struct Span<'a> {
    pub(super) shape: &'a AttentionShape,
    pub(super) q: &'a [f32],
    pub(super) kv: &'a PagedKv,
    pub(super) kv_head: usize,
    pub(super) block_table: &'a [u32],
    /// Tokens of the sequence in the cache.
    pub(super) len: usize,
    pub(super) keys: Range<usize>,
    pub(super) queries: &'a [Query],
    pub(super) part: &'a mut Part,
}

#[derive(Default)]
struct Scratch {
    keys: Vec<f32>,
    values: Vec<f32>,
}

#[repr(C, align(64))]
struct Weights {
    /// Scores, then e^(score - largest), per query.
    rows: [[f32; BLOCK_TOKENS]; MAX_QUERIES],
    /// What to multiply a query's earlier values by.
    decay: [f32; MAX_QUERIES],
}

thread_local! {
    static SCRATCH: Cell<Option<Box<Scratch>>> = const { Cell::new(None) };
}

impl Kernel for Span<'_> {
    type Out = ();
    #[inline(always)]
    fn call<S: Simd>(mut self, s: S) {
        assert!(self.queries.len() <= MAX_QUERIES);
        let start = self
            .queries
            .iter()
            .map(|q| q.visible.start)
            .min()
            .unwrap_or(0)
            .max(self.keys.start);
        let end = self
            .queries
            .iter()
            .map(|q| q.visible.end)
            .max()
            .unwrap_or(0)
            .min(self.keys.end);
        let mut weights = Weights {
            rows: [[0.0; BLOCK_TOKENS]; MAX_QUERIES],
            decay: [1.0; MAX_QUERIES],
        };
        let (k_dim, v_stride) = (self.shape.k_dim, self.kv.v_stride());
        let mut scratch = scratch::take(&SCRATCH, Box::default);
        for index in start / BLOCK_TOKENS..end.div_ceil(BLOCK_TOKENS) {
            let block = self.block_table[index] as usize;
            let (keys, values) = (
                self.kv.keys(block, self.kv_head),
                self.kv.values(block, self.kv_head),
            );
            let first = index * BLOCK_TOKENS;
            // Slots after the sequence may hold what others left there: they are not read as values.
            let tokens = start.max(first) - first..(self.len - first).min(BLOCK_TOKENS);
            if self.queries.len() >= WIDEN_FROM {
                scratch.keys.resize(k_dim * BLOCK_TOKENS, 0.0);
                scratch.values.resize(v_stride * BLOCK_TOKENS, 0.0);
                widen(s, keys, &mut scratch.keys);
                widen(s, values, &mut scratch.values);
                self.scores::<S, true>(s, scratch.keys.as_ptr().cast(), &mut weights);
                self.softmax(s, first, &mut weights);
                self.add_values::<S, true>(s, scratch.values.as_ptr().cast(), tokens, &weights);
            } else {
                self.scores::<S, false>(s, keys.as_ptr(), &mut weights);
                self.softmax(s, first, &mut weights);
                self.add_values::<S, false>(s, values.as_ptr(), tokens, &weights);
            }
        }
        scratch::put_back(&SCRATCH, scratch);
    }
}

#[inline(always)]
fn widen<S: Simd>(s: S, from: &[u16], to: &mut [f32]) {
    for (from, to) in from.chunks_exact(16).zip(to.chunks_exact_mut(16)) {
        // SAFETY: 16 of each.
        unsafe { s.store(to.as_mut_ptr(), s.load_f16(from.as_ptr())) };
    }
}

/// # Safety
/// 16 f32 (`WIDE`) or half floats can be read from element `at` of `p` on.
#[inline(always)]
unsafe fn load<S: Simd, const WIDE: bool>(s: S, p: *const u16, at: usize) -> S::F {
    // SAFETY: see above.
    unsafe {
        if WIDE {
            s.load(p.cast::<f32>().add(at))
        } else {
            s.load_f16(p.add(at))
        }
    }
}

impl Span<'_> {
    /// Dot products of all queries with the 32 keys of a block, at `keys` as [dim][token].
    #[inline(always)]
    fn scores<S: Simd, const WIDE: bool>(&self, s: S, keys: *const u16, weights: &mut Weights) {
        let mut i = 0;
        while S::BLOCK_ROWS >= 4 && i + 4 <= self.queries.len() {
            self.some_scores::<S, WIDE, 4>(s, keys, i, weights);
            i += 4;
        }
        while i + 2 <= self.queries.len() {
            self.some_scores::<S, WIDE, 2>(s, keys, i, weights);
            i += 2;
        }
        if i < self.queries.len() {
            self.some_scores::<S, WIDE, 1>(s, keys, i, weights);
        }
    }

    #[inline(always)]
    fn some_scores<S: Simd, const WIDE: bool, const R: usize>(
        &self,
        s: S,
        keys: *const u16,
        first: usize,
        weights: &mut Weights,
    ) {
        let dim = self.shape.k_dim;
        let q: [*const f32; R] =
            std::array::from_fn(|r| self.q[self.queries[first + r].at * dim..][..dim].as_ptr());
        let mut sums = [[s.splat(0.0); 2]; R];
        for d in 0..dim {
            // SAFETY: row d of `dim` rows of 32 keys, element d of `dim` of each query.
            unsafe {
                let low = load::<S, WIDE>(s, keys, d * BLOCK_TOKENS);
                let high = load::<S, WIDE>(s, keys, d * BLOCK_TOKENS + 16);
                for r in 0..R {
                    let x = s.splat(*q[r].add(d));
                    sums[r][0] = s.fma(low, x, sums[r][0]);
                    sums[r][1] = s.fma(high, x, sums[r][1]);
                }
            }
        }
        for r in 0..R {
            let out = weights.rows[first + r].as_mut_ptr();
            // SAFETY: 32 floats.
            unsafe {
                s.store(out, sums[r][0]);
                s.store(out.add(16), sums[r][1]);
            }
        }
    }

    /// From scores to weights, for the block that begins at position `first`.
    #[inline(always)]
    fn softmax<S: Simd>(&mut self, s: S, first: usize, weights: &mut Weights) {
        for (i, query) in self.queries.iter().enumerate() {
            let row = weights.rows[i].as_mut_ptr();
            let begin = query.visible.start.saturating_sub(first).min(BLOCK_TOKENS);
            let end = query.visible.end.saturating_sub(first).min(BLOCK_TOKENS);
            let zero = s.splat(0.0);
            if begin >= end {
                weights.decay[i] = 1.0;
                // SAFETY: 32 floats.
                unsafe {
                    s.store(row, zero);
                    s.store(row.add(16), zero);
                }
                continue;
            }
            let mask = (u32::MAX >> (BLOCK_TOKENS - (end - begin))) << begin;
            let mut scores = [zero; 2];
            for (half, score) in scores.iter_mut().enumerate() {
                // SAFETY: 16 of 32 floats.
                let mut x = s.mul(
                    unsafe { s.load(row.add(half * 16)) },
                    s.splat(self.shape.scale),
                );
                if let Some(cap) = self.shape.softcap {
                    x = s.mul(s.tanh(s.div(x, s.splat(cap))), s.splat(cap));
                }
                if let Some(slopes) = &self.shape.slopes {
                    let distance: [f32; 16] = std::array::from_fn(|lane| {
                        (first + half * 16 + lane) as f32 - query.position as f32
                    });
                    // SAFETY: 16 floats.
                    x = s.fma(
                        unsafe { s.load(distance.as_ptr()) },
                        s.splat(slopes[query.head]),
                        x,
                    );
                }
                *score = s.select((mask >> (half * 16)) as u16, x, s.splat(f32::NEG_INFINITY));
            }
            let before = self.part.largest[i];
            let largest = s.max_lane(s.max(scores[0], scores[1])).max(before);
            let decay = if before == largest {
                1.0
            } else {
                s.to_array(s.exp(s.splat(before - largest)))[0]
            };
            let low = s.exp(s.sub(scores[0], s.splat(largest)));
            let high = s.exp(s.sub(scores[1], s.splat(largest)));
            // SAFETY: 32 floats.
            unsafe {
                s.store(row, low);
                s.store(row.add(16), high);
            }
            weights.decay[i] = decay;
            self.part.largest[i] = largest;
            self.part.sum[i] = self.part.sum[i] * decay + s.sum(s.add(low, high));
        }
    }

    /// Adds the weighted values at `values` as [token][v_stride] to those of each query.
    #[inline(always)]
    fn add_values<S: Simd, const WIDE: bool>(
        &mut self,
        s: S,
        values: *const u16,
        tokens: Range<usize>,
        weights: &Weights,
    ) {
        let vectors = self.kv.v_stride() / 16;
        let mut i = 0;
        while i < self.queries.len() {
            let four = S::BLOCK_ROWS >= 4 && i + 4 <= self.queries.len();
            let mut v = 0;
            while v < vectors {
                let wide = v + 4 <= vectors;
                match (four, wide) {
                    (true, true) => {
                        self.some_values::<S, WIDE, 4, 4>(s, values, tokens.clone(), weights, i, v);
                    }
                    (true, false) => {
                        self.some_values::<S, WIDE, 4, 1>(s, values, tokens.clone(), weights, i, v);
                    }
                    (false, true) => {
                        self.some_values::<S, WIDE, 1, 4>(s, values, tokens.clone(), weights, i, v);
                    }
                    (false, false) => {
                        self.some_values::<S, WIDE, 1, 1>(s, values, tokens.clone(), weights, i, v);
                    }
                }
                v += if wide { 4 } else { 1 };
            }
            i += if four { 4 } else { 1 };
        }
    }

    /// For `R` queries from `first` on and `V` vectors of 16 dims from `vector` on.
    #[inline(always)]
    fn some_values<S: Simd, const WIDE: bool, const R: usize, const V: usize>(
        &mut self,
        s: S,
        values: *const u16,
        tokens: Range<usize>,
        weights: &Weights,
        first: usize,
        vector: usize,
    ) {
        let stride = self.part.stride;
        let start = first * stride + vector * 16;
        let end = start + (R - 1) * stride + V * 16;
        // One borrow for all queries: another would end the pointers of the one before.
        let rows = self.part.values[start..end].as_mut_ptr();
        // SAFETY: the last query's vectors end at `end`, as just checked.
        let sums: [*mut f32; R] = std::array::from_fn(|r| unsafe { rows.add(r * stride) });
        let mut sum = [[s.splat(0.0); V]; R];
        for r in 0..R {
            let decay = s.splat(weights.decay[first + r]);
            for v in 0..V {
                // SAFETY: V vectors of each query, as just checked.
                sum[r][v] = s.mul(unsafe { s.load(sums[r].add(v * 16)) }, decay);
            }
        }
        for t in tokens {
            let mut value = [s.splat(0.0); V];
            for (v, value) in value.iter_mut().enumerate() {
                // SAFETY: token t < 32, vectors below the stride.
                *value = unsafe { load::<S, WIDE>(s, values, t * stride + (vector + v) * 16) };
            }
            for r in 0..R {
                let weight = s.splat(weights.rows[first + r][t]);
                for v in 0..V {
                    sum[r][v] = s.fma(value[v], weight, sum[r][v]);
                }
            }
        }
        for r in 0..R {
            for v in 0..V {
                // SAFETY: as above.
                unsafe { s.store(sums[r].add(v * 16), sum[r][v]) };
            }
        }
    }
}
