use std::io;
use std::path::{Path, PathBuf};

pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Everything that can be wrong with a model file. `code()` is a key of `ts/errors/codes.ts`.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("{}: no such file or folder", .0.display())]
    NotFound(PathBuf),
    #[error("{}: permission denied", .0.display())]
    PermissionDenied(PathBuf),
    #[error("{}: {source}", path.display())]
    Io { path: PathBuf, source: io::Error },
    /// The bytes handed in end inside the header. At least the first `need` bytes of the file are necessary; callers
    /// that fetch ranges do well to ask for twice what they had when that is more.
    #[error("the header continues past the bytes at hand: at least {need} bytes are needed")]
    Incomplete { need: u64 },
    #[error("{0}")]
    Invalid(String),
    #[error("{}: {source}", path.display())]
    InFile { path: PathBuf, source: Box<Error> },
    #[error("the quantisation type {name} is not supported")]
    UnsupportedQuantization { name: String },
    #[error("metadata key {key} {problem}")]
    Metadata { key: String, problem: String },
    /// A caller's mistake, such as an output slice of the wrong length.
    #[error("{0}")]
    Argument(String),
}

impl Error {
    pub fn code(&self) -> &'static str {
        match self {
            Error::NotFound(_) => "not_found",
            Error::PermissionDenied(_) => "permission_denied",
            Error::Incomplete { .. } | Error::Invalid(_) | Error::Metadata { .. } => {
                "invalid_model_file"
            }
            Error::UnsupportedQuantization { .. } => "unsupported_quantization",
            Error::InFile { source, .. } => source.code(),
            Error::Io { .. } | Error::Argument(_) => "internal",
        }
    }

    /// What a person can do about it.
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Error::PermissionDenied(_) => Some("check the owner and the mode of the file"),
            Error::Incomplete { .. } => Some("the file is cut short; download it again"),
            Error::UnsupportedQuantization { .. } => {
                Some("choose another quantisation of this model, such as Q4_K_M or Q8_0")
            }
            Error::InFile { source, .. } => source.hint(),
            _ => None,
        }
    }

    pub(crate) fn invalid(message: impl Into<String>) -> Self {
        Error::Invalid(message.into())
    }

    pub(crate) fn io(path: &Path, source: io::Error) -> Self {
        match source.kind() {
            // A path through something that is no folder leads nowhere either.
            io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => {
                Error::NotFound(path.to_owned())
            }
            io::ErrorKind::PermissionDenied => Error::PermissionDenied(path.to_owned()),
            io::ErrorKind::UnexpectedEof => {
                Error::invalid("the file ended before the data its header promises").in_file(path)
            }
            io::ErrorKind::InvalidFilename => {
                Error::invalid("the name is too long or not one for a file").in_file(path)
            }
            _ if is_link_loop(&source) => {
                Error::invalid("a link that leads back to itself").in_file(path)
            }
            _ => Error::Io {
                path: path.to_owned(),
                source,
            },
        }
    }

    pub(crate) fn in_file(self, path: &Path) -> Self {
        match self {
            Error::InFile { .. }
            | Error::NotFound(_)
            | Error::PermissionDenied(_)
            | Error::Io { .. } => self,
            other => Error::InFile {
                path: path.to_owned(),
                source: Box::new(other),
            },
        }
    }
}

/// `io::ErrorKind` has no stable name for it.
fn is_link_loop(error: &io::Error) -> bool {
    #[cfg(unix)]
    return error.raw_os_error() == Some(libc::ELOOP);
    #[cfg(not(unix))]
    return error.raw_os_error() == Some(1921); // ERROR_CANT_RESOLVE_FILENAME
}
