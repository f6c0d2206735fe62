use std::collections::HashSet;

use crate::dtype::DType;
use crate::error::{Error, Result};
use crate::metadata::Metadata;
use crate::tensor::{TensorInfo, checked_bytes, refuse_overlaps};
use crate::value::{Array, Strings, Value};

const MAGIC: &[u8; 4] = b"GGUF";
const DEFAULT_ALIGNMENT: u32 = 32;
const MAX_DIMS: u32 = 4;
/// Key length, type and one byte of value.
const MIN_PAIR_BYTES: u64 = 13;
/// Name length, dimension count, type and offset.
const MIN_TENSOR_BYTES: u64 = 24;

/// The header of one GGUF file (one shard of a set).
#[derive(Clone, Debug)]
pub struct GgufHeader {
    pub version: u32,
    pub metadata: Metadata,
    /// Their `file` is 0; offsets count from the start of the file.
    pub tensors: Vec<TensorInfo>,
    pub alignment: u32,
    /// Where the tensor data begins.
    pub data_offset: u64,
}

/// Reads the header from the first bytes of a file of `file_len` bytes. `Err(Incomplete{need})` when the header goes on
/// past `bytes`; `Err(Invalid)` when it is broken or promises more than `file_len` holds.
pub fn parse_gguf_header(bytes: &[u8], file_len: u64) -> Result<GgufHeader> {
    let mut cursor = Cursor {
        bytes,
        position: 0,
        file_len,
    };
    let version = read_version(&mut cursor)?;
    let tensor_count = cursor.count("tensors", MIN_TENSOR_BYTES)?;
    let pair_count = cursor.count("metadata pairs", MIN_PAIR_BYTES)?;

    let mut metadata = Metadata::default();
    for _ in 0..pair_count {
        let key = cursor.key()?;
        let value = read_value(&mut cursor, &key)?;
        if metadata.contains(&key) {
            return Err(Error::invalid(format!("metadata key {key} appears twice")));
        }
        metadata.insert(key, value);
    }
    let alignment = metadata
        .u32("general.alignment")?
        .unwrap_or(DEFAULT_ALIGNMENT);
    if !alignment.is_power_of_two() {
        return Err(Error::invalid(format!(
            "general.alignment is {alignment}, not a power of two"
        )));
    }

    let mut tensors = Vec::with_capacity(cursor.fitting(tensor_count, MIN_TENSOR_BYTES));
    let mut names = HashSet::new();
    for _ in 0..tensor_count {
        let tensor = read_tensor(&mut cursor)?;
        if !names.insert(tensor.name.clone()) {
            return Err(Error::invalid(format!(
                "tensor {} appears twice",
                tensor.name
            )));
        }
        tensors.push(tensor);
    }
    drop(names);

    let data_offset = (cursor.position as u64)
        .checked_next_multiple_of(u64::from(alignment))
        .ok_or_else(|| Error::invalid("general.alignment is too large"))?;
    for tensor in &mut tensors {
        place(tensor, data_offset, alignment, file_len)?;
    }
    refuse_overlaps(&tensors)?;
    Ok(GgufHeader {
        version,
        metadata,
        tensors,
        alignment,
        data_offset,
    })
}

fn read_version(cursor: &mut Cursor<'_>) -> Result<u32> {
    // The magic is looked at byte by byte, so that a few bytes are enough to tell that a file is something else.
    let magic = cursor
        .bytes
        .get(..4.min(cursor.bytes.len()))
        .unwrap_or_default();
    if !MAGIC.starts_with(magic) {
        return Err(Error::invalid(format!(
            "not a GGUF file{}",
            guess_other_format(cursor.bytes)
        )));
    }
    cursor.take(4)?;
    let version = cursor.u32()?;
    match version {
        2 | 3 => Ok(version),
        1 => Err(Error::invalid(
            "GGUF version 1 is not supported: convert the model again with a current tool",
        )),
        _ if version & 0xffff == 0 => Err(Error::invalid(
            "a big-endian GGUF file; only little-endian ones can be read",
        )),
        _ => Err(Error::invalid(format!(
            "GGUF version {version} is not known"
        ))),
    }
}

fn guess_other_format(bytes: &[u8]) -> &'static str {
    const KNOWN: &[(&[u8], &str)] = &[
        (b"ggml", ": it is of the old GGML format, before GGUF"),
        (b"lmgg", ": it is of the old GGML format, before GGUF"),
        (b"tjgg", ": it is of the old GGJT format, before GGUF"),
        (b"fmgg", ": it is of the old GGMF format, before GGUF"),
        (
            b"PK\x03\x04",
            ": it is a zip archive or a PyTorch checkpoint",
        ),
        (b"\x80", ": it looks like a Python pickle"),
        (
            b"version https://git-lfs",
            ": it is a Git LFS pointer, not the file itself",
        ),
        (b"<", ": it looks like a web page"),
    ];
    KNOWN
        .iter()
        .find(|(start, _)| bytes.starts_with(start))
        .map_or("", |(_, text)| text)
}

fn read_value(cursor: &mut Cursor<'_>, key: &str) -> Result<Value> {
    let kind = cursor.u32()?;
    Ok(match kind {
        0 => Value::U8(cursor.fixed::<1>()?[0]),
        1 => Value::I8(i8::from_le_bytes(cursor.fixed()?)),
        2 => Value::U16(u16::from_le_bytes(cursor.fixed()?)),
        3 => Value::I16(i16::from_le_bytes(cursor.fixed()?)),
        4 => Value::U32(cursor.u32()?),
        5 => Value::I32(i32::from_le_bytes(cursor.fixed()?)),
        6 => Value::F32(f32::from_le_bytes(cursor.fixed()?)),
        7 => Value::Bool(cursor.fixed::<1>()?[0] != 0),
        8 => Value::String(cursor.string(key)?.into_owned()),
        9 => Value::Array(read_array(cursor, key)?),
        10 => Value::U64(cursor.u64()?),
        11 => Value::I64(i64::from_le_bytes(cursor.fixed()?)),
        12 => Value::F64(f64::from_le_bytes(cursor.fixed()?)),
        _ => {
            return Err(Error::invalid(format!(
                "metadata key {key} has the unknown type {kind}"
            )));
        }
    })
}

fn read_array(cursor: &mut Cursor<'_>, key: &str) -> Result<Array> {
    let kind = cursor.u32()?;
    let element_bytes: u64 = match kind {
        0 | 1 | 7 => 1,
        2 | 3 => 2,
        4..=6 => 4,
        8 | 10..=12 => 8,
        9 => {
            return Err(Error::invalid(format!(
                "metadata key {key} is an array of arrays"
            )));
        }
        _ => {
            return Err(Error::invalid(format!(
                "metadata key {key} has the unknown element type {kind}"
            )));
        }
    };
    let count = cursor.count(key, element_bytes)?;
    if kind == 8 {
        return read_strings(cursor, key, count);
    }
    let bytes = cursor.take(u64::from(count) * element_bytes)?;
    Ok(match kind {
        0 => Array::U8(bytes.to_vec()),
        1 => Array::I8(elements(bytes, i8::from_le_bytes)),
        2 => Array::U16(elements(bytes, u16::from_le_bytes)),
        3 => Array::I16(elements(bytes, i16::from_le_bytes)),
        4 => Array::U32(elements(bytes, u32::from_le_bytes)),
        5 => Array::I32(elements(bytes, i32::from_le_bytes)),
        6 => Array::F32(elements(bytes, f32::from_le_bytes)),
        7 => Array::Bool(bytes.iter().map(|byte| *byte != 0).collect()),
        10 => Array::U64(elements(bytes, u64::from_le_bytes)),
        11 => Array::I64(elements(bytes, i64::from_le_bytes)),
        _ => Array::F64(elements(bytes, f64::from_le_bytes)),
    })
}

fn read_strings(cursor: &mut Cursor<'_>, key: &str, count: u32) -> Result<Array> {
    let mut strings = Strings::default();
    strings.reserve(cursor.fitting(count, 8));
    for _ in 0..count {
        strings.push(&cursor.string(key)?);
    }
    Ok(Array::String(strings))
}

fn elements<const N: usize, T>(bytes: &[u8], convert: fn([u8; N]) -> T) -> Vec<T> {
    bytes
        .as_chunks::<N>()
        .0
        .iter()
        .map(|chunk| convert(*chunk))
        .collect()
}

/// The offset is still relative to the data.
fn read_tensor(cursor: &mut Cursor<'_>) -> Result<TensorInfo> {
    let name = cursor.key()?;
    let dims = cursor.u32()?;
    if dims > MAX_DIMS {
        return Err(Error::invalid(format!(
            "tensor {name} has {dims} dimensions; {MAX_DIMS} is the most"
        )));
    }
    let mut shape = Vec::with_capacity(dims as usize);
    for _ in 0..dims {
        let dim = usize::try_from(cursor.u64()?)
            .map_err(|_| Error::invalid(format!("tensor {name} is too large to exist")))?;
        shape.push(dim);
    }
    shape.reverse();
    let dtype = DType::from_ggml_id(cursor.u32()?)?;
    let offset = cursor.u64()?;
    let bytes = checked_bytes(&name, dtype, &shape)?;
    Ok(TensorInfo {
        name,
        dtype,
        shape,
        file: 0,
        offset,
        bytes,
    })
}

fn place(tensor: &mut TensorInfo, data_offset: u64, alignment: u32, file_len: u64) -> Result<()> {
    if !tensor.offset.is_multiple_of(u64::from(alignment)) {
        return Err(Error::invalid(format!(
            "tensor {} is not aligned to {alignment} bytes",
            tensor.name
        )));
    }
    let start = data_offset.checked_add(tensor.offset);
    let end = start.and_then(|start| start.checked_add(tensor.bytes));
    match (start, end) {
        (Some(start), Some(end)) if end <= file_len => {
            tensor.offset = start;
            Ok(())
        }
        _ => Err(Error::invalid(format!(
            "tensor {} ends past the end of the file ({file_len} bytes): the file is cut short or damaged",
            tensor.name
        ))),
    }
}

struct Cursor<'a> {
    bytes: &'a [u8],
    position: usize,
    file_len: u64,
}

impl<'a> Cursor<'a> {
    fn take(&mut self, length: u64) -> Result<&'a [u8]> {
        let end = (self.position as u64)
            .checked_add(length)
            .filter(|end| *end <= self.file_len);
        let Some(end) = end else {
            return Err(Error::invalid(
                "the file ends inside its header: it is cut short or damaged",
            ));
        };
        match usize::try_from(end)
            .ok()
            .and_then(|end| self.bytes.get(self.position..end))
        {
            Some(taken) => {
                self.position += taken.len();
                Ok(taken)
            }
            None => Err(Error::Incomplete { need: end }),
        }
    }

    fn fixed<const N: usize>(&mut self) -> Result<[u8; N]> {
        let mut out = [0; N];
        out.copy_from_slice(self.take(N as u64)?);
        Ok(out)
    }

    fn u32(&mut self) -> Result<u32> {
        Ok(u32::from_le_bytes(self.fixed()?))
    }

    fn u64(&mut self) -> Result<u64> {
        Ok(u64::from_le_bytes(self.fixed()?))
    }

    /// A count of things that take at least `min_bytes` each in the rest of the file, and at most 2³⁰.
    fn count(&mut self, of: &str, min_bytes: u64) -> Result<u32> {
        let count = self.u64()?;
        let remaining = self.file_len.saturating_sub(self.position as u64);
        match u32::try_from(count) {
            Ok(small) if small <= 1 << 30 && u64::from(small) * min_bytes <= remaining => Ok(small),
            _ => Err(Error::invalid(format!(
                "a count of {count} for {of} is more than the file can hold"
            ))),
        }
    }

    /// How many of `count` things can be in the bytes at hand: what to allocate for.
    fn fitting(&self, count: u32, min_bytes: u64) -> usize {
        let present = (self.bytes.len() - self.position) as u64 / min_bytes;
        u64::from(count).min(present) as usize
    }

    fn string(&mut self, of: &str) -> Result<std::borrow::Cow<'a, str>> {
        let length = self.count(of, 1)?;
        Ok(String::from_utf8_lossy(self.take(u64::from(length))?))
    }

    /// A key or tensor name: not empty, at most 64 KiB, UTF-8.
    fn key(&mut self) -> Result<String> {
        let length = self.u64()?;
        if length == 0 || length > 65_535 {
            return Err(Error::invalid(format!(
                "a name of {length} bytes: the header is damaged"
            )));
        }
        let bytes = self.take(length)?;
        match std::str::from_utf8(bytes) {
            Ok(name) => Ok(name.to_owned()),
            Err(_) => Err(Error::invalid("a name is not UTF-8: the header is damaged")),
        }
    }
}
