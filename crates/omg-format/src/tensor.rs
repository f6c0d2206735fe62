use crate::dtype::DType;
use crate::error::{Error, Result};

/// Where one tensor lies. Its range is known to be inside its file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TensorInfo {
    pub name: String,
    pub dtype: DType,
    /// Row-major, outermost first: `[rows, cols]`, where `cols` is contiguous.
    pub shape: Vec<usize>,
    /// Index of the file in the set, 0 for the first shard.
    pub file: usize,
    /// Bytes from the start of that file.
    pub offset: u64,
    pub bytes: u64,
}

impl TensorInfo {
    pub fn elements(&self) -> usize {
        self.shape.iter().product()
    }

    /// The contiguous dimension; 1 for a scalar.
    pub fn cols(&self) -> usize {
        self.shape.last().copied().unwrap_or(1)
    }

    /// All other dimensions together: a vector has one row.
    pub fn rows(&self) -> usize {
        self.shape.iter().rev().skip(1).product()
    }

    pub fn row_bytes(&self) -> Result<usize> {
        self.dtype.row_bytes(self.cols())
    }
}

/// Bytes of a tensor of this shape (row-major). `Err` on overflow, an empty dimension or a broken block.
pub(crate) fn checked_bytes(name: &str, dtype: DType, shape: &[usize]) -> Result<u64> {
    let cols = shape.last().copied().unwrap_or(1);
    if shape.contains(&0) {
        return Err(Error::invalid(format!(
            "tensor {name} has an empty dimension"
        )));
    }
    let too_large = || Error::invalid(format!("tensor {name} is too large to exist"));
    let mut elements = 1usize;
    for dim in shape {
        elements = elements.checked_mul(*dim).ok_or_else(too_large)?;
    }
    let row = dtype
        .row_bytes(cols)
        .map_err(|error| Error::invalid(format!("tensor {name}: {error}")))?;
    let bytes = row.checked_mul(elements / cols).ok_or_else(too_large)? as u64;
    if i64::try_from(bytes).is_err() {
        return Err(too_large());
    }
    Ok(bytes)
}

/// Refuses tensors of one file that share bytes.
pub(crate) fn refuse_overlaps(tensors: &[TensorInfo]) -> Result<()> {
    let mut by_offset: Vec<&TensorInfo> = tensors.iter().collect();
    by_offset.sort_by_key(|tensor| tensor.offset);
    for pair in by_offset.windows(2) {
        if let [a, b] = pair
            && a.offset + a.bytes > b.offset
        {
            return Err(Error::invalid(format!(
                "tensors {} and {} overlap",
                a.name, b.name
            )));
        }
    }
    Ok(())
}
