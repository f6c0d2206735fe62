use std::ops::Range;

use omg_format::{DType, ModelFiles, TensorInfo};

use super::RowOrder;
use crate::error::Result;

/// Rows of a stored matrix, in an order of their own, not yet read.
pub(crate) struct MatrixRows<'a> {
    stored: Stored<'a>,
    order: RowOrder,
    cols: usize,
}

enum Stored<'a> {
    File(&'a ModelFiles, &'a TensorInfo),
    /// Changed while loading: its type and its bytes.
    Memory(DType, Vec<u8>),
}

impl<'a> MatrixRows<'a> {
    /// `order` and `cols` agree with the tensor's shape.
    pub(super) fn of_file(files: &'a ModelFiles, tensor: &'a TensorInfo, order: RowOrder) -> Self {
        Self {
            stored: Stored::File(files, tensor),
            order,
            cols: tensor.cols(),
        }
    }

    /// `bytes`: all rows of the matrix that `order` takes its own of.
    pub(super) fn in_memory(dtype: DType, bytes: Vec<u8>, order: RowOrder, cols: usize) -> Self {
        Self {
            stored: Stored::Memory(dtype, bytes),
            order,
            cols,
        }
    }

    pub(crate) fn dtype(&self) -> DType {
        match &self.stored {
            Stored::File(_, tensor) => tensor.dtype,
            Stored::Memory(dtype, _) => *dtype,
        }
    }

    pub(crate) fn rows(&self) -> usize {
        self.order.rows()
    }

    pub(crate) fn cols(&self) -> usize {
        self.cols
    }

    /// The bytes of some of these rows.
    pub(crate) fn read(&self, rows: Range<usize>) -> Result<Vec<u8>> {
        let mut runs = self.order.stored(rows);
        let mut bytes = match runs.next() {
            Some(run) => self.read_run(run)?,
            None => Vec::new(),
        };
        for run in runs {
            bytes.extend(self.read_run(run)?);
        }
        Ok(bytes)
    }

    fn read_run(&self, run: Range<usize>) -> Result<Vec<u8>> {
        match &self.stored {
            Stored::File(files, tensor) => Ok(files.read_rows(tensor, run)?),
            Stored::Memory(dtype, bytes) => {
                let row = dtype.row_bytes(self.cols)?;
                Ok(bytes[run.start * row..run.end * row].to_vec())
            }
        }
    }

    /// Ranges of rows of about `bytes` bytes each, so that reading needs little memory beside the result.
    pub(crate) fn chunks(&self, bytes: usize) -> Result<impl Iterator<Item = Range<usize>>> {
        let row_bytes = self.dtype().row_bytes(self.cols)?.max(1);
        // Whole groups of rows, because repacked layouts interleave a few of them.
        let step = (bytes / row_bytes / 64).max(1) * 64;
        let rows = self.rows();
        Ok((0..rows)
            .step_by(step)
            .map(move |start| start..(start + step).min(rows)))
    }
}
