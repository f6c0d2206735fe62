use omg_format::DType;

use crate::aligned::AlignedBytes;
use crate::error::{Error, Result};
use crate::float::Float;
use crate::pool::Pool;
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
    pub(crate) panel_bytes: usize,
    pub(crate) packing: Packing,
    bytes: AlignedBytes,
}

#[derive(Clone, Copy)]
pub(crate) enum Packing {
    Quant(Layout),
    Float(Float),
}

/// A matrix under construction; see [`Matrix::builder`].
pub struct MatrixBuilder {
    matrix: Matrix,
    row_bytes: usize,
    written: usize,
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

    /// Row `i`, dequantised, into `out` of `cols` floats.
    pub fn row(&self, i: usize, out: &mut [f32]) {
        assert!(i < self.rows && out.len() == self.cols);
        let (panel, lane) = (self.panel(i / LANES), i % LANES);
        match &self.packing {
            Packing::Float(float) => float.unpack_row(panel, lane, out),
            Packing::Quant(layout) => quant::unpack::unpack_row(layout, panel, lane, out),
        }
    }

    pub(crate) fn panel(&self, panel: usize) -> &[u8] {
        &self.bytes[panel * self.panel_bytes..][..self.panel_bytes]
    }

    pub(crate) fn panels(&self) -> usize {
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

    /// Rows pushed so far, and those skipped.
    pub(crate) fn written(&self) -> usize {
        self.written
    }

    /// The next row begins a panel; rows between stay zero.
    pub(crate) fn skip_to_panel(&mut self) {
        self.written = self.written.next_multiple_of(LANES);
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
