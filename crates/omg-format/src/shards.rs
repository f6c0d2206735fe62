use std::fs::File;
use std::path::{Path, PathBuf};

use crate::error::{Error, Result};
use crate::gguf::{GgufHeader, parse_gguf_header};
use crate::metadata::Metadata;
use crate::regular_file;
use crate::safetensors::{SafetensorsHeader, parse_safetensors_header};
use crate::tensor::TensorInfo;

/// Most headers fit; those of large vocabularies grow from here.
const FIRST_READ_BYTES: u64 = 1 << 20;
const MAX_SHARDS: u32 = 10_000;

/// One open file of a set.
#[derive(Debug)]
pub(crate) struct Shard {
    pub(crate) path: PathBuf,
    pub(crate) file: File,
    pub(crate) len: u64,
}

impl Shard {
    pub(crate) fn open(path: &Path) -> Result<Self> {
        let (file, len) = regular_file::open(path)?;
        Ok(Shard {
            path: path.to_owned(),
            file,
            len,
        })
    }

    pub(crate) fn read_exact_at(&self, out: &mut [u8], offset: u64) -> Result<()> {
        read_exact_at(&self.file, out, offset).map_err(|error| Error::io(&self.path, error))
    }

    /// Runs `parse` on longer and longer prefixes until it has enough.
    fn parse_prefix<T>(&self, parse: fn(&[u8], u64) -> Result<T>) -> Result<T> {
        let mut bytes = Vec::new();
        let mut want = FIRST_READ_BYTES;
        loop {
            let have = bytes.len();
            bytes.resize(want.min(self.len) as usize, 0);
            self.read_exact_at(&mut bytes[have..], have as u64)?;
            match parse(&bytes, self.len) {
                Err(Error::Incomplete { need }) if (bytes.len() as u64) < self.len => {
                    want = need.max(bytes.len() as u64 * 4);
                }
                Err(error) => return Err(error.in_file(&self.path)),
                Ok(parsed) => return Ok(parsed),
            }
        }
    }

    pub(crate) fn gguf_header(&self) -> Result<GgufHeader> {
        self.parse_prefix(parse_gguf_header)
    }

    pub(crate) fn safetensors_header(&self) -> Result<SafetensorsHeader> {
        self.parse_prefix(parse_safetensors_header)
    }
}

#[cfg(unix)]
fn read_exact_at(file: &File, out: &mut [u8], offset: u64) -> std::io::Result<()> {
    std::os::unix::fs::FileExt::read_exact_at(file, out, offset)
}

#[cfg(windows)]
fn read_exact_at(file: &File, mut out: &mut [u8], mut offset: u64) -> std::io::Result<()> {
    while !out.is_empty() {
        match std::os::windows::fs::FileExt::seek_read(file, out, offset) {
            Ok(0) => return Err(std::io::ErrorKind::UnexpectedEof.into()),
            Ok(count) => {
                out = &mut out[count..];
                offset += count as u64;
            }
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

pub(crate) type OpenSet = (Vec<Shard>, Vec<TensorInfo>, Metadata);

/// A GGUF file with all its shards, whichever of them `path` is.
pub(crate) fn open_gguf_set(path: &Path) -> Result<OpenSet> {
    let shard = Shard::open(path)?;
    let header = shard.gguf_header()?;
    let place = SplitPlace::of(&header.metadata).map_err(|error| error.in_file(path))?;
    if place.count <= 1 {
        return Ok((vec![shard], header.tensors, header.metadata));
    }
    let (prefix, number, count) = split_name(path).ok_or_else(|| {
        Error::invalid(format!(
            "one of {} files of a model, but its name does not end in -00001-of-{:05}.gguf",
            place.count, place.count
        ))
        .in_file(path)
    })?;
    if count != place.count || number != place.number + 1 {
        return Err(Error::invalid("its name and its split metadata disagree").in_file(path));
    }

    let mut shards = Vec::new();
    let mut tensors: Vec<TensorInfo> = Vec::new();
    let mut metadata = Metadata::default();
    for number in 1..=place.count {
        let shard_path =
            path.with_file_name(format!("{prefix}-{number:05}-of-{:05}.gguf", place.count));
        let shard = Shard::open(&shard_path)?;
        let header = shard.gguf_header()?;
        let own = SplitPlace::of(&header.metadata).map_err(|error| error.in_file(&shard_path))?;
        if own.count != place.count || own.number != number - 1 {
            return Err(Error::invalid("belongs to another set of files").in_file(&shard_path));
        }
        let file = shards.len();
        tensors.extend(
            header
                .tensors
                .into_iter()
                .map(|tensor| TensorInfo { file, ..tensor }),
        );
        if number == 1 {
            metadata = header.metadata;
        }
        shards.push(shard);
    }
    if let Some(expected) = metadata.u64("split.tensors.count")?
        && expected != tensors.len() as u64
    {
        return Err(Error::invalid(format!(
            "the files hold {} tensors instead of {expected}",
            tensors.len()
        ))
        .in_file(path));
    }
    Ok((shards, tensors, metadata))
}

struct SplitPlace {
    /// From 0.
    number: u32,
    count: u32,
}

impl SplitPlace {
    fn of(metadata: &Metadata) -> Result<Self> {
        let count = metadata.u32("split.count")?.unwrap_or(1);
        let number = metadata.u32("split.no")?.unwrap_or(0);
        if count > MAX_SHARDS || (count > 0 && number >= count) {
            return Err(Error::invalid(format!("split file {number} of {count}")));
        }
        Ok(SplitPlace { number, count })
    }
}

/// `prefix-00002-of-00005.gguf` → (prefix, 2, 5).
fn split_name(path: &Path) -> Option<(&str, u32, u32)> {
    let stem = path.file_name()?.to_str()?.strip_suffix(".gguf")?;
    let (rest, count) = stem.rsplit_once("-of-")?;
    let (prefix, number) = rest.rsplit_once('-')?;
    Some((prefix, number.parse().ok()?, count.parse().ok()?))
}
