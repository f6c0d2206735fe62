//! Sharing out row-wise work, when there is enough of it to pay for waking others.

use crate::pool::Pool;
use crate::shared::SharedMut;

/// Elements below which a dispatch costs more than it saves.
const ALONE: usize = 1 << 14;

/// Calls `f(row index, row of y)` for each row of `y` = [n, dim].
pub(crate) fn each_row(
    pool: &Pool,
    dim: usize,
    y: &mut [f32],
    f: &(dyn Fn(usize, &mut [f32]) + Sync),
) {
    if dim == 0 {
        return;
    }
    assert!(y.len().is_multiple_of(dim), "rows of {dim}");
    if y.len() <= ALONE {
        y.chunks_exact_mut(dim)
            .enumerate()
            .for_each(|(row, y)| f(row, y));
        return;
    }
    let rows = y.len() / dim;
    let step = rows.div_ceil(pool.threads() * 4);
    let y = SharedMut::new(y);
    pool.for_each(rows.div_ceil(step), &|piece| {
        for row in piece * step..((piece + 1) * step).min(rows) {
            // SAFETY: each row is given out once.
            f(row, unsafe { y.slice(row * dim, dim) });
        }
    });
}

/// Calls `f(row)` for each row of `x` = [n, dim].
pub(crate) fn each_row_in_place(
    pool: &Pool,
    dim: usize,
    x: &mut [f32],
    f: &(dyn Fn(&mut [f32]) + Sync),
) {
    each_row(pool, dim, x, &|_, row| f(row));
}

/// Calls `f(offset, part of y)` for parts of `y` of any length; parts start at multiples of 16.
pub(crate) fn each_part(pool: &Pool, y: &mut [f32], f: &(dyn Fn(usize, &mut [f32]) + Sync)) {
    let len = y.len();
    if len <= ALONE {
        f(0, y);
        return;
    }
    let step = len
        .div_ceil(pool.threads() * 4)
        .next_multiple_of(16)
        .max(ALONE / 4);
    let y = SharedMut::new(y);
    pool.for_each(len.div_ceil(step), &|piece| {
        let start = piece * step;
        // SAFETY: each part is given out once.
        f(start, unsafe { y.slice(start, step.min(len - start)) });
    });
}
