use std::cell::RefCell;

use omg_format::DType;

use crate::aligned::AlignedBytes;
use crate::error::{Error, Result};
use crate::float::{self, Float};
use crate::pool::Pool;
use crate::quant::activation::Activations;
use crate::quant::layout::Layout;
use crate::quant::pack::pack_block;
use crate::quant::{self, LANES};
use crate::shared::SharedMut;

/// Weights [rows (outputs), cols (inputs)], packed for the kernels in panels of 16 rows. Takes as much memory as in the
/// file, rows rounded up to 16.
pub struct Matrix {
    dtype: DType,
    rows: usize,
    cols: usize,
    panel_bytes: usize,
    packing: Packing,
    bytes: AlignedBytes,
}

#[derive(Clone, Copy)]
enum Packing {
    Quant(Layout),
    Float(Float),
}

/// A matrix under construction; see [`Matrix::builder`].
pub struct MatrixBuilder {
    matrix: Matrix,
    row_bytes: usize,
    written: usize,
}

/// One product of [`multiply`]: `y` = `x` times `matrix` transposed; `x` is [n, cols], `y` is [n, rows].
pub struct Product<'a> {
    pub matrix: &'a Matrix,
    pub x: &'a [f32],
    pub y: &'a mut [f32],
}

impl Matrix {
    /// Whether weights of this type can be packed.
    pub fn supports(dtype: DType) -> bool {
        Layout::of(dtype).is_some() || Float::of(dtype).is_some()
    }

    /// Packs a whole matrix from the bytes of a file, row after row.
    pub fn from_bytes(
        dtype: DType,
        rows: usize,
        cols: usize,
        bytes: &[u8],
        pool: &Pool,
    ) -> Result<Self> {
        let mut builder = Self::builder(dtype, rows, cols)?;
        builder.push_rows(bytes, pool)?;
        builder.finish()
    }

    /// A matrix that is filled with some rows at a time, so that never both forms are in memory as a whole.
    pub fn builder(dtype: DType, rows: usize, cols: usize) -> Result<MatrixBuilder> {
        let packing = match (Layout::of(dtype), Float::of(dtype)) {
            (Some(layout), _) => Packing::Quant(layout),
            (_, Some(float)) => Packing::Float(float),
            _ => return Err(Error::UnsupportedType { dtype }),
        };
        if !cols.is_multiple_of(dtype.block_elems()) {
            return Err(Error::PartialBlocks { dtype, cols });
        }
        let too_large = || Error::TooLarge { rows, cols };
        let row_bytes = (cols / dtype.block_elems())
            .checked_mul(dtype.block_bytes())
            .ok_or_else(too_large)?;
        let panel_bytes = row_bytes.checked_mul(LANES).ok_or_else(too_large)?;
        let bytes = rows
            .div_ceil(LANES)
            .checked_mul(panel_bytes)
            .ok_or_else(too_large)?;
        let bytes = AlignedBytes::zeroed(bytes)?;
        let matrix = Self {
            dtype,
            rows,
            cols,
            panel_bytes,
            packing,
            bytes,
        };
        Ok(MatrixBuilder {
            matrix,
            row_bytes,
            written: 0,
        })
    }

    /// Outputs.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Inputs.
    pub fn cols(&self) -> usize {
        self.cols
    }

    pub fn dtype(&self) -> DType {
        self.dtype
    }

    /// Bytes the weights take in memory.
    pub fn byte_size(&self) -> usize {
        self.bytes.len()
    }

    /// `y` [n, rows] = `x` [n, cols] times this matrix transposed. A row of `y` has the same bits whatever `n` is and
    /// however many threads work on it.
    pub fn matmul(&self, pool: &Pool, x: &[f32], n: usize, y: &mut [f32]) {
        assert_eq!(
            x.len(),
            n * self.cols,
            "activations of [{n}, {}]",
            self.cols
        );
        multiply(pool, &mut [Product { matrix: self, x, y }]);
    }

    /// Row `i`, dequantised, into `out` of `cols` floats.
    pub fn row(&self, i: usize, out: &mut [f32]) {
        assert!(i < self.rows && out.len() == self.cols);
        let (panel, lane) = (self.panel(i / LANES), i % LANES);
        match &self.packing {
            Packing::Float(float) => float.unpack_row(panel, lane, out),
            Packing::Quant(layout) => quant::unpack::unpack_row(layout, panel, lane, out),
        }
    }

    fn panel(&self, panel: usize) -> &[u8] {
        &self.bytes[panel * self.panel_bytes..][..self.panel_bytes]
    }

    fn panels(&self) -> usize {
        self.rows.div_ceil(LANES)
    }
}

impl MatrixBuilder {
    /// Appends rows; `bytes` are those of the file and hold whole rows.
    pub fn push_rows(&mut self, bytes: &[u8], pool: &Pool) -> Result<()> {
        let Matrix {
            dtype,
            rows,
            cols,
            panel_bytes,
            ..
        } = self.matrix;
        let count = bytes.len().checked_div(self.row_bytes).unwrap_or(rows);
        if count * self.row_bytes != bytes.len() {
            let expected = count * self.row_bytes;
            return Err(Error::Length {
                dtype,
                rows: count,
                cols,
                expected,
                found: bytes.len(),
            });
        }
        let (start, end) = (self.written, self.written + count);
        if end > rows {
            return Err(Error::RowsOutside { start, end, rows });
        }
        self.written = end;
        if count == 0 || self.row_bytes == 0 {
            return Ok(());
        }
        let (packing, row_bytes) = (self.matrix.packing, self.row_bytes);
        let (first, last) = (start / LANES, (end - 1) / LANES);
        let out = SharedMut::new(&mut self.matrix.bytes);
        pool.for_each(last - first + 1, &|panel| {
            let panel = first + panel;
            // SAFETY: each panel is written by one worker.
            let out = unsafe { out.slice(panel * panel_bytes, panel_bytes) };
            let rows = (panel * LANES).max(start)..((panel + 1) * LANES).min(end);
            // All rows of some columns before the next columns: what is written stays in the first-level cache.
            let (from_bytes, to_bytes) = match &packing {
                Packing::Float(float) => (128 * float.bytes(), 128 * float.bytes() * LANES),
                Packing::Quant(layout) => (dtype.block_bytes(), layout.unit_bytes()),
            };
            for (at, out) in out.chunks_mut(to_bytes).enumerate() {
                let part = at * from_bytes..((at + 1) * from_bytes).min(row_bytes);
                for row in rows.clone() {
                    let from = &bytes[(row - start) * row_bytes..][part.clone()];
                    match &packing {
                        Packing::Float(float) => float.pack_row(from, out, row % LANES),
                        Packing::Quant(layout) => pack_block(dtype, layout, from, out, row % LANES),
                    }
                }
            }
        });
        Ok(())
    }

    /// `Err(RowsMissing)` unless all rows were pushed.
    pub fn finish(self) -> Result<Matrix> {
        if self.written != self.matrix.rows {
            return Err(Error::RowsMissing {
                written: self.written,
                rows: self.matrix.rows,
            });
        }
        Ok(self.matrix)
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
        let (rows, cols) = (matrix.rows, matrix.cols);
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
        let (buffer, max_rows) = match matrix.packing {
            Packing::Float(_) => (0, float::MAX_ROWS),
            Packing::Quant(_) => {
                let key = (x.as_ptr(), n, cols);
                let known = inputs.iter().position(|input| *input == key);
                let buffer = known.unwrap_or_else(|| {
                    inputs.push(key);
                    if buffers.len() < inputs.len() {
                        buffers.push(Activations::new());
                    }
                    buffers[inputs.len() - 1].quantize(pool, x, n, cols);
                    inputs.len() - 1
                });
                // Half a megabyte of activations, which leaves room in the second-level cache.
                (
                    buffer,
                    ((512 << 10) / (2 * cols)).clamp(16, quant::multiply::MAX_ROWS),
                )
            }
        };
        // A product of few rows costs as much as reading the weights, one of many rows as much as multiplying.
        let panel_cost = matrix.panel_bytes * n.min(max_rows).div_ceil(4);
        let step = (PIECE_BYTES / panel_cost.max(1)).max(1);
        let pieces = matrix.panels().div_ceil(step);
        let tiles = n.div_ceil(max_rows);
        works.push(Work {
            matrix,
            x,
            y: SharedMut::new(y),
            n,
            buffer,
            max_rows,
            step,
            pieces,
            count: pieces * tiles,
        });
    }
    let total = works.iter().map(|work| work.count).sum();
    pool.for_each(total, &|mut piece| {
        for work in &works {
            if piece < work.count {
                work.piece(pool, buffers.get(work.buffer), piece);
                return;
            }
            piece -= work.count;
        }
    });
    ACTIVATIONS.replace(buffers);
}

struct Work<'a> {
    matrix: &'a Matrix,
    x: &'a [f32],
    y: SharedMut<'a, f32>,
    n: usize,
    buffer: usize,
    max_rows: usize,
    /// Panels in a piece.
    step: usize,
    /// Pieces per tile of activation rows.
    pieces: usize,
    count: usize,
}

impl Work<'_> {
    fn piece(&self, pool: &Pool, activations: Option<&Activations>, piece: usize) {
        let matrix = self.matrix;
        let row = piece / self.pieces * self.max_rows;
        let rows = self.max_rows.min(self.n - row);
        let first = piece % self.pieces * self.step;
        for index in first..(first + self.step).min(matrix.panels()) {
            let (panel, cols, y) = (matrix.panel(index), matrix.cols, self.y);
            let (outputs, output) = (matrix.rows, index * LANES);
            match (&matrix.packing, activations) {
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
                    let (float, x) = (*float, self.x);
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
