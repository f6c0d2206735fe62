/// Everything that can go wrong between a model's files and its logits.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("the model family `{name}` is not supported (supported: {supported})")]
    UnsupportedArchitecture { name: String, supported: String },
    #[error("the model uses {what}, which is not supported")]
    Unsupported { what: String },
    #[error("the tensor `{tensor}` is stored as {dtype}, which cannot be computed with")]
    UnsupportedQuantization { tensor: String, dtype: &'static str },
    #[error("the model's header has no `{key}`")]
    MissingKey { key: String },
    #[error("the model's header has a wrong `{key}`: {reason}")]
    InvalidKey { key: String, reason: String },
    #[error("the model has no tensor `{name}`")]
    MissingTensor { name: String },
    #[error("the tensor `{name}` has the shape {found:?} where {expected:?} is needed")]
    TensorShape {
        name: String,
        expected: Vec<usize>,
        found: Vec<usize>,
    },
    #[error(
        "the model has a tensor `{name}` that its family does not use; running without it would give wrong answers"
    )]
    UnexpectedTensor { name: String },
    #[error("the batch is not valid: {reason}")]
    InvalidBatch { reason: String },
    #[error("the device cannot be used: {reason}")]
    Device { reason: String },
    #[error("loading was stopped")]
    Cancelled,
    #[error(transparent)]
    Format(#[from] omg_format::Error),
    #[error(transparent)]
    Kernels(#[from] omg_kernels::Error),
    #[error("the device computation failed: {0}")]
    Compute(#[from] candle_core::Error),
}

pub type Result<T> = std::result::Result<T, Error>;

impl Error {
    /// The product-wide code of `ts/errors/codes.ts`.
    pub fn code(&self) -> &'static str {
        match self {
            Self::UnsupportedArchitecture { .. } => "unsupported_architecture",
            Self::Unsupported { .. } => "unsupported",
            Self::UnsupportedQuantization { .. } => "unsupported_quantization",
            Self::MissingKey { .. }
            | Self::InvalidKey { .. }
            | Self::MissingTensor { .. }
            | Self::TensorShape { .. }
            | Self::UnexpectedTensor { .. } => "invalid_model_file",
            Self::InvalidBatch { .. } | Self::Compute(_) => "internal",
            Self::Device { .. } => "model_load_failed",
            Self::Cancelled => "cancelled",
            Self::Format(error) => error.code(),
            Self::Kernels(error) => error.code(),
        }
    }

    /// What a person can do about it.
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::UnsupportedArchitecture { .. } | Self::Unsupported { .. } => {
                Some("choose a model of a supported family, or a newer omg")
            }
            Self::UnsupportedQuantization { .. } => {
                Some("choose another quantisation of this model, such as Q4_K_M or Q8_0")
            }
            Self::MissingTensor { .. } | Self::TensorShape { .. } => {
                Some("the file may be cut short or wrongly converted; download it again")
            }
            Self::Device { .. } => Some("choose the CPU, or a build of omg for this device"),
            Self::Format(error) => error.hint(),
            _ => None,
        }
    }
}
