use std::fs::{File, OpenOptions};
use std::io::Read as _;
use std::path::Path;

use crate::error::{Error, Result};

/// Opens a file of a model and gives its length. Anything but a regular file is `invalid_model_file`, also behind a link:
/// a pipe would be waited for and a device never ends.
pub(crate) fn open(path: &Path) -> Result<(File, u64)> {
    let file = match options().open(path) {
        Ok(file) => file,
        // A socket cannot be opened at all, and a folder not on every system.
        Err(_) if path.metadata().is_ok_and(|meta| !meta.is_file()) => return Err(refused(path)),
        Err(error) => return Err(Error::io(path, error)),
    };
    let meta = file.metadata().map_err(|error| Error::io(path, error))?;
    match meta.is_file() {
        true => Ok((file, meta.len())),
        false => Err(refused(path)),
    }
}

/// All of a regular file of up to `limit` bytes; `None` when there is none. What it says about its length is not relied on.
pub fn read_file(path: &Path, limit: u64) -> Result<Option<Vec<u8>>> {
    let (file, len) = match open(path) {
        Err(Error::NotFound(_)) => return Ok(None),
        opened => opened?,
    };
    let mut bytes = Vec::with_capacity(len.min(limit) as usize);
    file.take(limit.saturating_add(1))
        .read_to_end(&mut bytes)
        .map_err(|error| Error::io(path, error))?;
    if bytes.len() as u64 > limit {
        return Err(Error::invalid(format!(
            "more than {limit} bytes are too many for this file"
        ))
        .in_file(path));
    }
    Ok(Some(bytes))
}

fn refused(path: &Path) -> Error {
    Error::invalid("not a regular file").in_file(path)
}

fn options() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.read(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt as _;
        // Opening a pipe without a writer would block, and a terminal could become this process's own.
        options.custom_flags(libc::O_NONBLOCK | libc::O_NOCTTY);
    }
    options
}
