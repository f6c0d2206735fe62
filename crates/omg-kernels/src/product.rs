//! Products of packed matrices with rows of activations, any number in one dispatch.

use std::cell::RefCell;
use std::ops::Range;

use crate::float;
use crate::matrix::{Matrix, Packing};
use crate::pool::Pool;
use crate::quant::activation::Activations;
use crate::quant::{self, LANES};
use crate::shared::SharedMut;

/// One product of [`multiply`]: `y` = `x` times `matrix` transposed; `x` is [n, cols], `y` is [n, rows].
pub struct Product<'a> {
    pub matrix: &'a Matrix,
    pub x: &'a [f32],
    pub y: &'a mut [f32],
}

impl Matrix {
    /// `y` [n, rows] = `x` [n, cols] times this matrix transposed. A row of `y` has the same bits whatever `n` is and
    /// however many threads work on it.
    pub fn matmul(&self, pool: &Pool, x: &[f32], n: usize, y: &mut [f32]) {
        assert_eq!(
            x.len(),
            n * self.cols(),
            "activations of [{n}, {}]",
            self.cols()
        );
        multiply(pool, &mut [Product { matrix: self, x, y }]);
    }
}

thread_local! {
    /// Buffers for quantised activations, kept between calls.
    static ACTIVATIONS: RefCell<Vec<Activations>> = const { RefCell::new(Vec::new()) };
}

/// Weights of about this many bytes make a piece of work: small enough to share out evenly, large enough to stream.
const PIECE_BYTES: usize = 96 << 10;

/// Computes several products in one dispatch. Products whose `x` is the same slice share its quantisation (query, key
/// and value projections; gate and up).
pub fn multiply(pool: &Pool, products: &mut [Product<'_>]) {
    let mut buffers = ACTIVATIONS.take();
    let mut inputs: Vec<(*const f32, usize, usize)> = Vec::new();
    let mut works = Vec::with_capacity(products.len());
    for Product { matrix, x, y } in products.iter_mut() {
        let (rows, cols) = (matrix.rows(), matrix.cols());
        if rows == 0 || y.is_empty() {
            assert!(y.is_empty());
            continue;
        }
        assert!(y.len().is_multiple_of(rows), "outputs of [n, {rows}]");
        let n = y.len() / rows;
        assert_eq!(x.len(), n * cols, "activations of [{n}, {cols}]");
        if cols == 0 {
            y.fill(0.0);
            continue;
        }
        let buffer = match matrix.packing {
            Packing::Float(_) => 0,
            Packing::Quant(_) => {
                let key = (x.as_ptr(), n, cols);
                let known = inputs.iter().position(|input| *input == key);
                known.unwrap_or_else(|| {
                    inputs.push(key);
                    if buffers.len() < inputs.len() {
                        buffers.push(Activations::new());
                    }
                    buffers[inputs.len() - 1].quantize(pool, x, n, cols);
                    inputs.len() - 1
                })
            }
        };
        works.push((
            buffer,
            Part {
                matrix,
                panels: 0..matrix.panels(),
                outputs: rows,
                rows: 0..n,
                x,
                y: SharedMut::new(y),
            },
        ));
    }
    let works = works
        .into_iter()
        .map(|(buffer, part)| part.with(buffers.get(buffer)));
    run(pool, works);
    ACTIVATIONS.replace(buffers);
}

/// Some panels of a matrix times some rows of activations.
pub(crate) struct Part<'a> {
    pub(crate) matrix: &'a Matrix,
    /// Those of the outputs, and how many outputs they have.
    pub(crate) panels: Range<usize>,
    pub(crate) outputs: usize,
    /// Of the activations, and of `y`.
    pub(crate) rows: Range<usize>,
    /// [all rows, cols]; float weights read it.
    pub(crate) x: &'a [f32],
    /// [all rows, outputs]
    pub(crate) y: SharedMut<'a, f32>,
}

/// A part cut into pieces for the workers.
pub(crate) struct Work<'a> {
    part: Part<'a>,
    activations: Option<&'a Activations>,
    /// Rows of a piece.
    max_rows: usize,
    /// Panels in a piece.
    step: usize,
    /// Pieces per tile of activation rows.
    pieces: usize,
    count: usize,
}

impl<'a> Part<'a> {
    /// With the quantised form of all rows of `x`, which quantised weights read.
    pub(crate) fn with(self, activations: Option<&'a Activations>) -> Work<'a> {
        let (n, cols) = (self.rows.len(), self.matrix.cols());
        let max_rows = match self.matrix.packing {
            Packing::Float(_) => float::MAX_ROWS,
            // Half a megabyte of activations, which leaves room in the second-level cache.
            Packing::Quant(_) => ((512 << 10) / (2 * cols)).clamp(16, quant::multiply::MAX_ROWS),
        };
        // A product of few rows costs as much as reading the weights, one of many rows as much as multiplying.
        let panel_cost = self.matrix.panel_bytes * n.min(max_rows).div_ceil(4);
        let step = (PIECE_BYTES / panel_cost.max(1)).max(1);
        let pieces = self.panels.len().div_ceil(step);
        Work {
            count: pieces * n.div_ceil(max_rows),
            part: self,
            activations,
            max_rows,
            step,
            pieces,
        }
    }
}

/// Runs all pieces of all works in one dispatch.
pub(crate) fn run<'a>(pool: &Pool, works: impl Iterator<Item = Work<'a>>) {
    let mut total = 0;
    let works: Vec<(usize, Work<'_>)> = works
        .map(|work| {
            let first = total;
            total += work.count;
            (first, work)
        })
        .collect();
    pool.for_each(total, &|piece| {
        // The last work that begins at or before the piece; those without pieces begin where the next one does.
        let at = works.partition_point(|(first, _)| *first <= piece) - 1;
        let (first, work) = &works[at];
        work.piece(pool, piece - first);
    });
}

impl Work<'_> {
    fn piece(&self, pool: &Pool, piece: usize) {
        let part = &self.part;
        let (matrix, outputs, y) = (part.matrix, part.outputs, part.y);
        let cols = matrix.cols();
        let row = part.rows.start + piece / self.pieces * self.max_rows;
        let rows = self.max_rows.min(part.rows.end - row);
        let first = piece % self.pieces * self.step;
        for index in first..(first + self.step).min(part.panels.len()) {
            let (panel, output) = (matrix.panel(part.panels.start + index), index * LANES);
            match (&matrix.packing, self.activations) {
                (Packing::Quant(layout), Some(x)) => {
                    let tiles = pool.isa().has_tiles();
                    pool.isa().run(quant::multiply::Multiply {
                        layout,
                        panel,
                        cols,
                        x,
                        row,
                        rows,
                        y,
                        outputs,
                        output,
                        tiles,
                    });
                }
                (Packing::Float(float), _) => {
                    let (float, x) = (*float, part.x);
                    pool.isa().run(float::Multiply {
                        float,
                        panel,
                        cols,
                        x,
                        row,
                        rows,
                        y,
                        outputs,
                        output,
                    });
                }
                (Packing::Quant(_), None) => unreachable!("activations were quantised"),
            }
        }
    }
}
