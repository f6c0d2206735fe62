use omg_format::DType;

/// What can go wrong when weights are packed. Wrong lengths of activations are programming errors and panic.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    #[error("the CPU kernels do not read {} weights", .dtype.name())]
    UnsupportedType { dtype: DType },
    #[error("a row of {cols} columns is not whole blocks of {}", .dtype.name())]
    PartialBlocks { dtype: DType, cols: usize },
    #[error("{found} bytes for {rows} rows of {cols} columns of {}: expected {expected}", .dtype.name())]
    Length {
        dtype: DType,
        rows: usize,
        cols: usize,
        expected: usize,
        found: usize,
    },
    #[error("rows {start}..{end} are outside a matrix of {rows} rows")]
    RowsOutside {
        start: usize,
        end: usize,
        rows: usize,
    },
    #[error("only {written} of {rows} rows were given")]
    RowsMissing { written: usize, rows: usize },
    #[error("a matrix of {rows} x {cols} is too large for this machine")]
    TooLarge { rows: usize, cols: usize },
    #[error("{bytes} bytes of memory could not be reserved")]
    OutOfMemory { bytes: usize },
}

pub type Result<T> = std::result::Result<T, Error>;

impl Error {
    /// Code from the product's catalogue of errors (`ts/errors/codes.ts`).
    pub fn code(&self) -> &'static str {
        match self {
            Self::UnsupportedType { .. } => "unsupported_quantization",
            Self::PartialBlocks { .. } | Self::Length { .. } => "invalid_model_file",
            Self::RowsOutside { .. } | Self::RowsMissing { .. } => "internal",
            Self::TooLarge { .. } | Self::OutOfMemory { .. } => "out_of_memory",
        }
    }
}
