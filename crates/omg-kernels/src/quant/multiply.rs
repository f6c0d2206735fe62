//! The integer kernels. Each output is `sum over groups of scale * activation scale * (integer dot product)`, added in the
//! order of the columns, by the same operations for any number of rows: that is what makes batches reproducible.

use std::cell::Cell;

use super::activation::{Activations, Group};
use super::layout::Layout;
use super::unpack::unpack;
use super::{GROUP, LANES, TILE_COLS, TILE_GROUPS, Tile};
use crate::scratch;
use crate::shared::SharedMut;
use crate::simd::{Kernel, Simd};

/// Activation rows worked on at a time: their accumulators stay in the first-level cache.
pub(crate) const MAX_ROWS: usize = 256;

/// One panel times some rows of activations.
pub(crate) struct Multiply<'a> {
    pub(crate) layout: &'a Layout,
    pub(crate) panel: &'a [u8],
    pub(crate) cols: usize,
    pub(crate) x: &'a Activations,
    /// First activation row, and how many: at most `MAX_ROWS`.
    pub(crate) row: usize,
    pub(crate) rows: usize,
    /// [activation rows, outputs]
    pub(crate) y: SharedMut<'a, f32>,
    pub(crate) outputs: usize,
    /// First output of the panel.
    pub(crate) output: usize,
}

#[repr(C, align(64))]
struct Scratch {
    tile: Tile,
    sums: [[f32; LANES]; MAX_ROWS],
}

thread_local! {
    static SCRATCH: Cell<Option<Box<Scratch>>> = const { Cell::new(None) };
}

fn new_scratch() -> Box<Scratch> {
    Box::new(Scratch {
        tile: Tile::zeroed(),
        sums: [[0.0; LANES]; MAX_ROWS],
    })
}

impl Kernel for Multiply<'_> {
    type Out = ();
    #[inline(always)]
    fn call<S: Simd>(self, s: S) {
        let mut scratch = scratch::take(&SCRATCH, new_scratch);
        let Scratch { tile, sums } = &mut *scratch;
        let sums = &mut sums[..self.rows];
        sums.fill([0.0; LANES]);
        let layout = self.layout;
        for first in (0..self.cols).step_by(TILE_COLS) {
            let groups = (self.cols - first).min(TILE_COLS) / GROUP;
            unpack(s, layout, self.panel, first, groups, tile);
            let x = &self.x.tile(first / TILE_COLS, self.row)[..self.rows * TILE_GROUPS];
            match (layout.halves, layout.mins, layout.zero_log2) {
                (false, true, _) => add_tile::<S, false, true, 0>(s, tile, groups, x, sums),
                (false, false, Some(3)) => add_tile::<S, false, false, 3>(s, tile, groups, x, sums),
                (false, false, Some(4)) => add_tile::<S, false, false, 4>(s, tile, groups, x, sums),
                (false, false, _) => add_tile::<S, false, false, 7>(s, tile, groups, x, sums),
                (true, true, _) => add_tile::<S, true, true, 0>(s, tile, groups, x, sums),
                (true, false, Some(2)) => add_tile::<S, true, false, 2>(s, tile, groups, x, sums),
                (true, false, _) => add_tile::<S, true, false, 5>(s, tile, groups, x, sums),
            }
        }
        let width = LANES.min(self.outputs - self.output);
        for (r, sums) in sums.iter().enumerate() {
            // SAFETY: the outputs of a panel are written by the worker that has the panel.
            let y = unsafe {
                self.y
                    .slice((self.row + r) * self.outputs + self.output, width)
            };
            y.copy_from_slice(&sums[..width]);
        }
        scratch::put_back(&SCRATCH, scratch);
    }
}

#[inline(always)]
fn add_tile<S: Simd, const HALVES: bool, const MINS: bool, const ZERO: u32>(
    s: S,
    tile: &Tile,
    groups: usize,
    x: &[Group],
    sums: &mut [[f32; LANES]],
) {
    assert!(groups <= TILE_GROUPS && x.len() == sums.len() * TILE_GROUPS);
    let mut row = 0;
    macro_rules! block {
        ($rows:literal) => {
            while S::BLOCK_ROWS >= $rows && row + $rows <= sums.len() {
                // SAFETY: `$rows` rows from `row` on exist in both, as was just checked.
                unsafe {
                    let x = x.as_ptr().add(row * TILE_GROUPS);
                    let sums = sums.as_mut_ptr().add(row);
                    add_rows::<S, HALVES, MINS, ZERO, $rows>(s, tile, groups, x, sums);
                }
                row += $rows;
            }
        };
    }
    block!(8);
    block!(4);
    block!(2);
    block!(1);
}

/// # Safety
/// `R` rows of `TILE_GROUPS` groups can be read at `x`, `R` rows of sums read and written at `sums`; `groups` is at most
/// `TILE_GROUPS`.
#[inline(always)]
unsafe fn add_rows<
    S: Simd,
    const HALVES: bool,
    const MINS: bool,
    const ZERO: u32,
    const R: usize,
>(
    s: S,
    tile: &Tile,
    groups: usize,
    x: *const Group,
    sums: *mut [f32; LANES],
) {
    // SAFETY: row r < R; see above.
    let mut sum: [S::F; R] = std::array::from_fn(|r| unsafe { s.load(sums.add(r).cast()) });
    for g in 0..groups {
        // SAFETY: row r < R and group g < TILE_GROUPS; see above.
        let x: [&Group; R] = std::array::from_fn(|r| unsafe { &*x.add(r * TILE_GROUPS + g) });
        if HALVES {
            let mut total = [s.splat(0.0); R];
            for half in 0..2 {
                let start = x.map(|x| x.minus_halves[half]);
                let quants = x.map(|x| x.quants[half * 16..].as_ptr());
                // SAFETY: the pointers are to the 16 quants of a half.
                let dots =
                    unsafe { dots::<S, ZERO, 4, R>(s, tile, g * 8 + half * 4, start, quants) };
                // SAFETY: 16 floats.
                let scale = unsafe { s.load(tile.scales[2 * g + half].as_ptr()) };
                for r in 0..R {
                    let dot = s.to_f32(dots[r]);
                    total[r] = if half == 0 {
                        s.mul(dot, scale)
                    } else {
                        s.fma_exact(dot, scale, total[r])
                    };
                }
            }
            for r in 0..R {
                sum[r] = s.fma_exact(total[r], s.splat(x[r].scale), sum[r]);
            }
            if MINS {
                for half in 0..2 {
                    // SAFETY: 16 floats.
                    let min = unsafe { s.load(tile.mins[2 * g + half].as_ptr()) };
                    for r in 0..R {
                        sum[r] = s.fma_exact(min, s.splat(x[r].scaled_halves[half]), sum[r]);
                    }
                }
            }
        } else {
            let quants = x.map(|x| x.quants.as_ptr());
            // SAFETY: the pointers are to the 32 quants of a group.
            let dots =
                unsafe { dots::<S, ZERO, 8, R>(s, tile, g * 8, x.map(|x| x.minus_sum), quants) };
            // SAFETY: 16 floats.
            let scale = unsafe { s.load(tile.scales[g].as_ptr()) };
            for r in 0..R {
                sum[r] = s.fma_exact(s.mul(s.to_f32(dots[r]), scale), s.splat(x[r].scale), sum[r]);
            }
            if MINS {
                // SAFETY: 16 floats.
                let min = unsafe { s.load(tile.mins[g].as_ptr()) };
                for r in 0..R {
                    sum[r] = s.fma_exact(min, s.splat(x[r].scaled_sum), sum[r]);
                }
            }
        }
    }
    for (r, sum) in sum.into_iter().enumerate() {
        // SAFETY: row r < R; see above.
        unsafe { s.store(sums.add(r).cast(), sum) };
    }
}

/// Integer dot products of `V` vectors of a tile from vector `first` on with 4 V quants of each row, from `start * zero`.
///
/// # Safety
/// 4 V quants can be read at each of `x`.
#[inline(always)]
unsafe fn dots<S: Simd, const ZERO: u32, const V: usize, const R: usize>(
    s: S,
    tile: &Tile,
    first: usize,
    start: [i32; R],
    x: [*const i8; R],
) -> [S::I; R] {
    let weights = &tile.quants[first * 64..(first + V) * 64];
    let mut dots: [S::I; R] = std::array::from_fn(|r| {
        if ZERO == 0 {
            s.splat_i32(0)
        } else {
            s.shl_i32::<ZERO>(s.splat_i32(start[r]))
        }
    });
    for v in 0..V {
        // SAFETY: `weights` has V vectors of 64 bytes.
        let w = unsafe { s.load_bytes(weights.as_ptr().add(v * 64)) };
        for r in 0..R {
            // SAFETY: 4 quants from 4 v on, with v < V.
            dots[r] = unsafe {
                let x = x[r].add(v * 4);
                if ZERO == 7 {
                    s.dot::<true>(dots[r], w, x)
                } else {
                    s.dot::<false>(dots[r], w, x)
                }
            };
        }
    }
    dots
}
