//! Activations as 8-bit integers with one scale per 32 columns.

use super::{GROUP, TILE_GROUPS};
use crate::pool::Pool;
use crate::shared::SharedMut;
use crate::simd::{Kernel, Simd};

/// 32 activations and all that a kernel multiplies them by: one cache line.
#[derive(Clone, Copy)]
#[repr(C, align(64))]
pub(crate) struct Group {
    pub(crate) quants: [i8; GROUP],
    pub(crate) scale: f32,
    /// Minus the sum of the quants; times a type's zero point it is where an integer dot product starts.
    pub(crate) minus_sum: i32,
    /// `scale` times the sum of the quants, for the additive part of weights.
    pub(crate) scaled_sum: f32,
    /// `minus_sum` and `scaled_sum` of each half.
    pub(crate) minus_halves: [i32; 2],
    pub(crate) scaled_halves: [f32; 2],
    unused: u32,
}

const _: () = assert!(size_of::<Group>() == 64);

impl Group {
    const ZERO: Self = Self {
        quants: [0; GROUP],
        scale: 0.0,
        minus_sum: 0,
        scaled_sum: 0.0,
        minus_halves: [0; 2],
        scaled_halves: [0.0; 2],
        unused: 0,
    };

    /// Not-a-number and infinities poison the whole group: its scale becomes NaN.
    #[inline(always)]
    fn quantize(x: &[f32; GROUP]) -> Self {
        // Bits of non-negative floats order as the floats do, and put infinity and NaN on top.
        let largest = x.iter().fold(0u32, |m, x| m.max(x.to_bits() & 0x7fff_ffff));
        let mut group = Self::ZERO;
        if largest >= f32::INFINITY.to_bits() {
            group.scale = f32::NAN;
        } else if f32::from_bits(largest) > 1e-30 {
            let largest = f32::from_bits(largest);
            group.scale = largest / 127.0;
            let inverse = 127.0 / largest;
            let mut wide = [0i32; GROUP];
            for (q, x) in wide.iter_mut().zip(x) {
                // Adding 1.5 * 2^23 rounds to nearest even and leaves the integer in the low bits.
                *q = ((x * inverse + 12_582_912.0).to_bits() as i32) - 0x4b40_0000;
            }
            for (q, wide) in group.quants.iter_mut().zip(wide) {
                *q = wide as i8;
            }
            let halves = [
                wide[..16].iter().sum::<i32>(),
                wide[16..].iter().sum::<i32>(),
            ];
            group.minus_halves = halves.map(|h| -h);
            group.minus_sum = -(halves[0] + halves[1]);
        }
        group.scaled_halves = group.minus_halves.map(|h| group.scale * -(h as f32));
        group.scaled_sum = group.scale * -(group.minus_sum as f32);
        group
    }
}

/// Rows of quantised activations. Group g of tile t of row r is at `(t * rows + r) * TILE_GROUPS + g`, so that a kernel
/// working through the rows of one tile reads straight on.
pub(crate) struct Activations {
    groups: Vec<Group>,
    rows: usize,
}

struct Quantize<'a> {
    /// One row.
    x: &'a [f32],
    row: usize,
    rows: usize,
    out: SharedMut<'a, Group>,
}

impl Kernel for Quantize<'_> {
    type Out = ();
    #[inline(always)]
    fn call<S: Simd>(self, _: S) {
        for (index, chunk) in self.x.chunks_exact(GROUP).enumerate() {
            let (tile, group) = (index / TILE_GROUPS, index % TILE_GROUPS);
            let at = (tile * self.rows + self.row) * TILE_GROUPS + group;
            let Ok(chunk) = chunk.try_into() else {
                unreachable!("chunks are whole groups")
            };
            // SAFETY: each row is written by one worker, and rows do not share groups.
            unsafe { self.out.write(at, Group::quantize(chunk)) };
        }
    }
}

impl Activations {
    /// An empty buffer, to be refilled by `quantize`.
    pub(crate) const fn new() -> Self {
        Self {
            groups: Vec::new(),
            rows: 0,
        }
    }

    /// Quantises `x` = [rows, cols]; `cols` is a multiple of 32.
    pub(crate) fn quantize(&mut self, pool: &Pool, x: &[f32], rows: usize, cols: usize) {
        assert_eq!(x.len(), rows * cols);
        self.gather(pool, x, rows, cols, &|row| row);
    }

    /// Quantises `rows` rows of `x` = [any, cols]: row i is row `from(i)` of `x`.
    pub(crate) fn gather(
        &mut self,
        pool: &Pool,
        x: &[f32],
        rows: usize,
        cols: usize,
        from: &(dyn Fn(usize) -> usize + Sync),
    ) {
        assert!(cols.is_multiple_of(GROUP));
        let tiles = cols.div_ceil(GROUP * TILE_GROUPS);
        self.groups.clear();
        self.groups.resize(tiles * rows * TILE_GROUPS, Group::ZERO);
        self.rows = rows;
        let out = SharedMut::new(&mut self.groups);
        let quantize = |row| {
            pool.isa().run(Quantize {
                x: &x[from(row) * cols..][..cols],
                row,
                rows,
                out,
            });
        };
        if rows * cols < 1 << 15 {
            (0..rows).for_each(quantize);
        } else {
            pool.for_each(rows, &quantize);
        }
    }

    /// Groups of tile `tile` from row `row` on.
    pub(crate) fn tile(&self, tile: usize, row: usize) -> &[Group] {
        &self.groups[(tile * self.rows + row) * TILE_GROUPS..(tile + 1) * self.rows * TILE_GROUPS]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn poisoned_groups_stay_poisoned_and_small_ones_vanish() {
        let mut x = [0.5f32; GROUP];
        x[3] = f32::NAN;
        assert!(Group::quantize(&x).scale.is_nan());
        x[3] = f32::NEG_INFINITY;
        assert!(Group::quantize(&x).scale.is_nan());
        let tiny = Group::quantize(&[1e-38; GROUP]);
        assert_eq!((tiny.scale, tiny.quants), (0.0, [0; GROUP]));
    }

    #[test]
    fn quants_are_within_half_a_step() {
        let x: [f32; GROUP] = std::array::from_fn(|i| ((i * 37 % 64) as f32 - 31.0) * 0.173);
        let group = Group::quantize(&x);
        for (x, q) in x.iter().zip(group.quants) {
            assert!((x - f32::from(q) * group.scale).abs() <= group.scale * 0.500_01);
        }
        let sum: i32 = group.quants.iter().map(|&q| i32::from(q)).sum();
        assert_eq!(group.minus_sum, -sum);
        assert_eq!(group.minus_halves[0] + group.minus_halves[1], -sum);
    }
}
