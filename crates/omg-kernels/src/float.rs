//! Float weights, 16 rows interleaved: column c of the 16 rows of a panel lies together.

use std::cell::Cell;

use omg_format::DType;

use crate::quant::LANES;
use crate::shared::SharedMut;
use crate::simd::{Kernel, Simd};

/// Activation rows worked on at a time, so that they stay in the second-level cache while panels pass by.
pub(crate) const MAX_ROWS: usize = 64;
/// Columns are summed in this many chains (column c in chain c % 4), so that additions need not wait for each other.
const CHAINS: usize = 4;

/// How a float is stored; bf16 and f16 are widened on the fly.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Float {
    F32,
    F16,
    BF16,
}

impl Float {
    pub(crate) const fn of(dtype: DType) -> Option<Self> {
        match dtype {
            DType::F32 => Some(Self::F32),
            DType::F16 => Some(Self::F16),
            DType::BF16 => Some(Self::BF16),
            _ => None,
        }
    }

    pub(crate) const fn bytes(self) -> usize {
        match self {
            Self::F32 => 4,
            Self::F16 | Self::BF16 => 2,
        }
    }

    /// Writes some columns of a row (bytes as in the file) as lane `lane` of those columns of a panel.
    pub(crate) fn pack_row(self, row: &[u8], panel: &mut [u8], lane: usize) {
        fn pack<const SIZE: usize>(row: &[u8], panel: &mut [u8], lane: usize) {
            let (values, _) = row.as_chunks::<SIZE>();
            let (columns, _) = panel.as_chunks_mut::<SIZE>();
            for (value, column) in values.iter().zip(columns.chunks_exact_mut(LANES)) {
                column[lane] = *value;
            }
        }
        match self {
            Self::F32 => pack::<4>(row, panel, lane),
            Self::F16 | Self::BF16 => pack::<2>(row, panel, lane),
        }
    }

    pub(crate) fn unpack_row(self, panel: &[u8], lane: usize, out: &mut [f32]) {
        let size = self.bytes();
        for (out, column) in out.iter_mut().zip(panel.chunks_exact(size * LANES)) {
            let at = &column[lane * size..];
            *out = match self {
                Self::F32 => f32::from_le_bytes([at[0], at[1], at[2], at[3]]),
                Self::F16 => half::f16::from_le_bytes([at[0], at[1]]).to_f32(),
                Self::BF16 => half::bf16::from_le_bytes([at[0], at[1]]).to_f32(),
            };
        }
    }
}

/// One panel times some rows of activations.
pub(crate) struct Multiply<'a> {
    pub(crate) float: Float,
    pub(crate) panel: &'a [u8],
    pub(crate) cols: usize,
    /// [rows, cols], of which `row..row + rows` are wanted.
    pub(crate) x: &'a [f32],
    pub(crate) row: usize,
    pub(crate) rows: usize,
    /// [activation rows, outputs]
    pub(crate) y: SharedMut<'a, f32>,
    pub(crate) outputs: usize,
    /// First output of the panel.
    pub(crate) output: usize,
}

thread_local! {
    static WIDE: Cell<Vec<f32>> = const { Cell::new(Vec::new()) };
}

impl Kernel for Multiply<'_> {
    type Out = ();
    #[inline(always)]
    fn call<S: Simd>(self, s: S) {
        assert!(self.panel.len() == self.cols * LANES * self.float.bytes());
        assert!(self.x.len() >= (self.row + self.rows) * self.cols);
        // With many rows it pays to widen the panel once.
        if self.rows > 4 && self.float != Float::F32 {
            let mut wide = WIDE.take();
            wide.resize(self.cols * LANES, 0.0);
            for (c, out) in wide.chunks_exact_mut(LANES).enumerate() {
                // SAFETY: column c is in the panel, and 16 floats in `out`.
                unsafe {
                    let column = self.panel.as_ptr().cast::<u16>().add(c * LANES);
                    let w = match self.float {
                        Float::BF16 => s.load_bf16(column),
                        _ => s.load_f16(column),
                    };
                    s.store(out.as_mut_ptr(), w);
                }
            }
            self.all_rows::<S, F32>(s, wide.as_ptr().cast());
            WIDE.set(wide);
            return;
        }
        let panel = self.panel.as_ptr();
        match self.float {
            Float::F32 => self.all_rows::<S, F32>(s, panel),
            Float::F16 => self.all_rows::<S, F16>(s, panel),
            Float::BF16 => self.all_rows::<S, BF16>(s, panel),
        }
    }
}

const F32: u8 = 0;
const F16: u8 = 1;
const BF16: u8 = 2;

/// # Safety
/// The panel has more than `column` columns.
#[inline(always)]
unsafe fn weights<S: Simd, const FLOAT: u8>(s: S, panel: *const u8, column: usize) -> S::F {
    // SAFETY: see above.
    unsafe {
        match FLOAT {
            F32 => s.load(panel.cast::<f32>().add(column * LANES)),
            F16 => s.load_f16(panel.cast::<u16>().add(column * LANES)),
            _ => s.load_bf16(panel.cast::<u16>().add(column * LANES)),
        }
    }
}

impl Multiply<'_> {
    #[inline(always)]
    fn all_rows<S: Simd, const FLOAT: u8>(&self, s: S, panel: *const u8) {
        let mut r = 0;
        // 24 sums fill the 32 wide registers well, and each weight is read once for six products.
        while S::BLOCK_ROWS >= 8 && r + 6 <= self.rows {
            self.some_rows::<S, FLOAT, 6>(s, panel, r);
            r += 6;
        }
        while S::BLOCK_ROWS >= 4 && r + 4 <= self.rows {
            self.some_rows::<S, FLOAT, 4>(s, panel, r);
            r += 4;
        }
        while S::BLOCK_ROWS == 2 && r + 2 <= self.rows {
            self.some_rows::<S, FLOAT, 2>(s, panel, r);
            r += 2;
        }
        while r < self.rows {
            self.some_rows::<S, FLOAT, 1>(s, panel, r);
            r += 1;
        }
    }

    #[inline(always)]
    fn some_rows<S: Simd, const FLOAT: u8, const R: usize>(
        &self,
        s: S,
        panel: *const u8,
        first: usize,
    ) {
        let cols = self.cols;
        let x: [*const f32; R] =
            std::array::from_fn(|r| self.x[(self.row + first + r) * cols..][..cols].as_ptr());
        let mut sums = [[s.splat(0.0); R]; CHAINS];
        let whole = cols / CHAINS * CHAINS;
        for c in (0..whole).step_by(CHAINS) {
            s.prefetch(panel.wrapping_add((c * LANES) * if FLOAT == F32 { 4 } else { 2 } + 4096));
            for (chain, sums) in sums.iter_mut().enumerate() {
                // SAFETY: column c + chain < cols of a panel that has them all (asserted in `call`).
                let w = unsafe { weights::<S, FLOAT>(s, panel, c + chain) };
                for r in 0..R {
                    // SAFETY: column c + chain < cols.
                    sums[r] = s.fma(w, s.splat(unsafe { *x[r].add(c + chain) }), sums[r]);
                }
            }
        }
        for c in whole..cols {
            // SAFETY: c < cols.
            let w = unsafe { weights::<S, FLOAT>(s, panel, c) };
            for r in 0..R {
                // SAFETY: c < cols.
                let x = s.splat(unsafe { *x[r].add(c) });
                sums[c - whole][r] = s.fma(w, x, sums[c - whole][r]);
            }
        }
        let width = LANES.min(self.outputs - self.output);
        for r in 0..R {
            let sum = s.add(s.add(sums[0][r], sums[1][r]), s.add(sums[2][r], sums[3][r]));
            // SAFETY: the outputs of a panel are written by the worker that has the panel.
            let y = unsafe {
                self.y
                    .slice((self.row + first + r) * self.outputs + self.output, width)
            };
            y.copy_from_slice(&s.to_array(sum)[..width]);
        }
    }
}
