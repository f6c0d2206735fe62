//! The integer kernels. Each output is `sum over groups of scale * activation scale * (integer dot product)`, added in the
//! order of the columns, by the same operations for any number of rows: that is what makes batches reproducible.

use std::cell::Cell;

use super::activation::{Activations, Group};
use super::layout::Layout;
use super::unpack::unpack;
use super::{GROUP, LANES, TILE_COLS, TILE_GROUPS, Tile};
use crate::scratch;
use crate::shared::SharedMut;
#[cfg(target_arch = "x86_64")]
use crate::simd::amx;
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
    /// Whether this CPU has AMX tiles and they are wanted.
    pub(crate) tiles: bool,
}

/// Rows of dot products that are computed ahead: those of an AMX tile.
const READY_ROWS: usize = 16;

#[repr(C, align(64))]
struct Scratch {
    tile: Tile,
    sums: [[f32; LANES]; MAX_ROWS],
    #[cfg(target_arch = "x86_64")]
    dots: amx::Dots,
}

thread_local! {
    static SCRATCH: Cell<Option<Box<Scratch>>> = const { Cell::new(None) };
}

fn new_scratch() -> Box<Scratch> {
    Box::new(Scratch {
        tile: Tile::zeroed(),
        sums: [[0.0; LANES]; MAX_ROWS],
        #[cfg(target_arch = "x86_64")]
        dots: amx::Dots::ZERO,
    })
}

impl Kernel for Multiply<'_> {
    type Out = ();
    #[inline(always)]
    fn call<S: Simd>(self, s: S) {
        let mut scratch = scratch::take(&SCRATCH, new_scratch);
        scratch.sums[..self.rows].fill([0.0; LANES]);
        let layout = self.layout;
        match (layout.halves, layout.mins, layout.zero_log2) {
            (false, true, _) => self.all_tiles::<S, false, true, 0>(s, &mut scratch),
            (false, false, Some(3)) => self.all_tiles::<S, false, false, 3>(s, &mut scratch),
            (false, false, Some(4)) => self.all_tiles::<S, false, false, 4>(s, &mut scratch),
            (false, false, Some(6)) => self.all_tiles::<S, false, false, 6>(s, &mut scratch),
            (false, false, _) => self.all_tiles::<S, false, false, 7>(s, &mut scratch),
            (true, true, _) => self.all_tiles::<S, true, true, 0>(s, &mut scratch),
            (true, false, Some(2)) => self.all_tiles::<S, true, false, 2>(s, &mut scratch),
            (true, false, Some(6)) => self.all_tiles::<S, true, false, 6>(s, &mut scratch),
            (true, false, _) => self.all_tiles::<S, true, false, 5>(s, &mut scratch),
        }
        let sums = &scratch.sums[..self.rows];
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

impl Multiply<'_> {
    #[inline(always)]
    fn all_tiles<S: Simd, const HALVES: bool, const MINS: bool, const ZERO: u32>(
        &self,
        s: S,
        scratch: &mut Scratch,
    ) {
        let Scratch { tile, sums, .. } = scratch;
        let sums = &mut sums[..self.rows];
        #[cfg(not(target_arch = "x86_64"))]
        assert!(!self.tiles, "tiles are of x86-64");
        // Tiles cannot be filled by groups of 16 columns: there they gain nothing.
        #[cfg(target_arch = "x86_64")]
        let tiles = if self.tiles && !HALVES && self.rows >= amx::ROWS {
            // SAFETY: `tiles` is set only where they are available.
            Some(unsafe { amx::Tiles::new() })
        } else {
            None
        };
        for first in (0..self.cols).step_by(TILE_COLS) {
            let groups = (self.cols - first).min(TILE_COLS) / GROUP;
            unpack(s, self.layout, self.panel, first, groups, tile);
            let x = &self.x.tile(first / TILE_COLS, self.row)[..self.rows * TILE_GROUPS];
            // What fills no tile goes first: it wants unsigned quants.
            #[cfg(target_arch = "x86_64")]
            if let Some(tiles) = &tiles {
                let rest = self.rows % amx::ROWS;
                let (x_rest, x) = x.split_at(rest * TILE_GROUPS);
                let (sums_rest, sums) = sums.split_at_mut(rest);
                add_tile::<S, HALVES, MINS, ZERO>(s, tile, groups, x_rest, sums_rest);
                add_tile_amx::<S, MINS, ZERO>(s, tiles, tile, &mut scratch.dots, groups, x, sums);
                continue;
            }
            add_tile::<S, HALVES, MINS, ZERO>(s, tile, groups, x, sums);
        }
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
            while S::BLOCK_ROWS >= $rows && sums.len() - row >= $rows {
                // SAFETY: `$rows` rows from `row` on exist in both, as was just checked.
                unsafe {
                    let x = x.as_ptr().add(row * TILE_GROUPS);
                    let sums = sums.as_mut_ptr().add(row);
                    add_rows::<S, HALVES, MINS, ZERO, false, $rows>(
                        s,
                        tile,
                        groups,
                        x,
                        std::ptr::null(),
                        sums,
                    );
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

/// As `add_tile`, for multiples of 16 rows; leaves the quants of the tile signed.
#[cfg(target_arch = "x86_64")]
#[inline(always)]
fn add_tile_amx<S: Simd, const MINS: bool, const ZERO: u32>(
    s: S,
    tiles: &amx::Tiles,
    tile: &mut Tile,
    dots: &mut amx::Dots,
    groups: usize,
    x: &[Group],
    sums: &mut [[f32; LANES]],
) {
    const BLOCK: usize = 8;
    assert!(
        groups <= TILE_GROUPS
            && x.len() == sums.len() * TILE_GROUPS
            && sums.len().is_multiple_of(amx::ROWS)
    );
    if ZERO > 0 {
        for quant in &mut tile.quants {
            *quant = quant.wrapping_sub(1 << ZERO);
        }
    }
    for (x, sums) in x
        .chunks_exact(amx::ROWS * TILE_GROUPS)
        .zip(sums.chunks_exact_mut(amx::ROWS))
    {
        // SAFETY: 16 rows of groups, whose quants come first.
        unsafe { tiles.dots(&tile.quants, x.as_ptr().cast(), dots) };
        for row in (0..amx::ROWS).step_by(BLOCK) {
            // SAFETY: `BLOCK` rows from `row` on exist in all three.
            unsafe {
                let x = x.as_ptr().add(row * TILE_GROUPS);
                let dots = dots.0[0][row].as_ptr();
                add_rows::<S, false, MINS, ZERO, true, BLOCK>(
                    s,
                    tile,
                    groups,
                    x,
                    dots,
                    sums.as_mut_ptr().add(row),
                );
            }
        }
    }
}

/// # Safety
/// `R` rows of `TILE_GROUPS` groups can be read at `x`, `R` rows of sums read and written at `sums`; `groups` is at most
/// `TILE_GROUPS`. With `READY`, `ready` points at the first of the rows in the dot products of a tile; they are not
/// computed then.
#[inline(always)]
unsafe fn add_rows<
    S: Simd,
    const HALVES: bool,
    const MINS: bool,
    const ZERO: u32,
    const READY: bool,
    const R: usize,
>(
    s: S,
    tile: &Tile,
    groups: usize,
    x: *const Group,
    ready: *const i32,
    sums: *mut [f32; LANES],
) {
    let mut sum = [s.splat(0.0); R];
    for (r, sum) in sum.iter_mut().enumerate() {
        // SAFETY: row r < R; see above.
        *sum = unsafe { s.load(sums.add(r).cast()) };
    }
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
            let dots = unsafe {
                if READY {
                    // The next tile of activations: the tile loads, 16 rows apart, have no hardware prefetcher.
                    for x in x {
                        s.prefetch(
                            std::ptr::from_ref(x)
                                .wrapping_add(READY_ROWS * TILE_GROUPS)
                                .cast(),
                        );
                    }
                    ready_dots::<S, R>(s, ready, g)
                } else {
                    dots::<S, ZERO, 8, R>(s, tile, g * 8, x.map(|x| x.minus_sum), quants)
                }
            };
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

/// # Safety
/// `ready` points at a row of [group][16 rows][lane] that has `R` rows of `group`.
#[inline(always)]
unsafe fn ready_dots<S: Simd, const R: usize>(s: S, ready: *const i32, group: usize) -> [S::I; R] {
    let mut dots = [s.splat_i32(0); R];
    for (r, dots) in dots.iter_mut().enumerate() {
        // SAFETY: see above.
        *dots = unsafe { s.load_i32(ready.add((group * READY_ROWS + r) * LANES)) };
    }
    dots
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
    let mut dots = [s.splat_i32(0); R];
    if ZERO != 0 {
        for (dots, start) in dots.iter_mut().zip(start) {
            *dots = s.shl_i32::<ZERO>(s.splat_i32(start));
        }
    }
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
