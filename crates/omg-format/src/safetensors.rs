use std::collections::HashSet;
use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, Visitor};

use crate::dtype::DType;
use crate::error::{Error, Result};
use crate::tensor::{TensorInfo, checked_bytes, refuse_overlaps};

/// The limit of the reference implementation.
const MAX_HEADER_BYTES: u64 = 100_000_000;
const MAX_DIMS: usize = 8;

/// The header of one safetensors file.
#[derive(Clone, Debug)]
pub struct SafetensorsHeader {
    /// The `__metadata__` pairs.
    pub metadata: Vec<(String, String)>,
    /// Their `file` is 0; offsets count from the start of the file.
    pub tensors: Vec<TensorInfo>,
}

/// Reads the header from the first bytes of a file of `file_len` bytes, with the errors of `parse_gguf_header`.
pub fn parse_safetensors_header(bytes: &[u8], file_len: u64) -> Result<SafetensorsHeader> {
    if file_len < 8 {
        return Err(Error::invalid(
            "not a safetensors file: it is shorter than 8 bytes",
        ));
    }
    let Some((length, rest)) = bytes.split_first_chunk::<8>() else {
        return Err(Error::Incomplete { need: 8 });
    };
    let length = u64::from_le_bytes(*length);
    if length > MAX_HEADER_BYTES || length > file_len - 8 || length < 2 {
        return Err(Error::invalid(format!(
            "not a safetensors file, or a damaged one: a header of {length} bytes in a file of {file_len}"
        )));
    }
    let Some(json) = rest.get(..length as usize) else {
        return Err(Error::Incomplete { need: 8 + length });
    };
    let raw: RawHeader = serde_json::from_slice(json)
        .map_err(|error| Error::invalid(format!("the safetensors header is damaged: {error}")))?;

    let mut names = HashSet::new();
    let mut tensors = Vec::with_capacity(raw.tensors.len());
    for (name, entry) in raw.tensors {
        if !names.insert(name.clone()) {
            return Err(Error::invalid(format!("tensor {name} appears twice")));
        }
        tensors.push(tensor_info(name, entry, 8 + length, file_len)?);
    }
    refuse_overlaps(&tensors)?;
    Ok(SafetensorsHeader {
        metadata: raw.metadata,
        tensors,
    })
}

fn tensor_info(
    name: String,
    entry: RawTensor,
    data_offset: u64,
    file_len: u64,
) -> Result<TensorInfo> {
    let dtype = DType::from_safetensors_name(&entry.dtype)?;
    if entry.shape.len() > MAX_DIMS {
        return Err(Error::invalid(format!(
            "tensor {name} has {} dimensions",
            entry.shape.len()
        )));
    }
    let bytes = checked_bytes(&name, dtype, &entry.shape)?;
    let [start, end] = entry.data_offsets;
    if start.checked_add(bytes) != Some(end) {
        return Err(Error::invalid(format!(
            "tensor {name}: its offsets and its shape disagree"
        )));
    }
    if end > file_len - data_offset {
        return Err(Error::invalid(format!(
            "tensor {name} ends past the end of the file ({file_len} bytes): the file is cut short or damaged"
        )));
    }
    Ok(TensorInfo {
        name,
        dtype,
        shape: entry.shape,
        file: 0,
        offset: data_offset + start,
        bytes,
    })
}

#[derive(Deserialize)]
struct RawTensor {
    dtype: String,
    shape: Vec<usize>,
    data_offsets: [u64; 2],
}

/// Keeps the entries as a list: a map would let a name given twice hide the first.
struct RawHeader {
    metadata: Vec<(String, String)>,
    tensors: Vec<(String, RawTensor)>,
}

impl<'de> Deserialize<'de> for RawHeader {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        struct HeaderVisitor;
        impl<'de> Visitor<'de> for HeaderVisitor {
            type Value = RawHeader;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object of tensors")
            }

            fn visit_map<A: MapAccess<'de>>(
                self,
                mut map: A,
            ) -> std::result::Result<RawHeader, A::Error> {
                let mut header = RawHeader {
                    metadata: Vec::new(),
                    tensors: Vec::new(),
                };
                while let Some(key) = map.next_key::<String>()? {
                    if key == "__metadata__" {
                        let pairs: std::collections::BTreeMap<String, String> = map.next_value()?;
                        header.metadata = pairs.into_iter().collect();
                    } else {
                        header.tensors.push((key, map.next_value()?));
                    }
                }
                Ok(header)
            }
        }
        deserializer.deserialize_map(HeaderVisitor)
    }
}
