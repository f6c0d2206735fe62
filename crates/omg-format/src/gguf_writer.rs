use crate::dtype::DType;
use crate::error::{Error, Result};
use crate::metadata::Metadata;
use crate::tensor::checked_bytes;
use crate::value::{Array, Value};

const ALIGNMENT: u64 = 32;

/// A tensor that is going to be written. Its shape is row-major, outermost first.
#[derive(Clone, Debug)]
pub struct NewTensor {
    pub name: String,
    pub dtype: DType,
    pub shape: Vec<usize>,
}

/// What a GGUF file begins with, and where the data of its tensors goes.
#[derive(Debug)]
pub struct GgufLayout {
    /// Magic, metadata and the index of tensors, filled up to where the data begins.
    pub header: Vec<u8>,
    /// Of each tensor, from the start of the file.
    pub offsets: Vec<u64>,
    /// The length of the whole file.
    pub total_bytes: u64,
}

/// Lays out a GGUF file, version 3, with the tensors in the given order. `general.alignment` and the keys of split sets are left
/// out, since the file is one and aligned by the default. `Err(UnsupportedQuantization)` for types GGUF has no number for.
pub fn layout_gguf(metadata: &Metadata, tensors: &[NewTensor]) -> Result<GgufLayout> {
    let kept: Vec<_> = metadata
        .iter()
        .filter(|(key, _)| *key != "general.alignment" && !key.starts_with("split."))
        .collect();
    let mut out = Vec::new();
    out.extend(b"GGUF");
    out.extend(3u32.to_le_bytes());
    out.extend((tensors.len() as u64).to_le_bytes());
    out.extend((kept.len() as u64).to_le_bytes());
    for (key, value) in kept {
        put_string(&mut out, key);
        put_value(&mut out, value);
    }
    let mut offset = 0;
    let mut offsets = Vec::with_capacity(tensors.len());
    for tensor in tensors {
        let id = tensor
            .dtype
            .ggml_id()
            .ok_or_else(|| Error::UnsupportedQuantization {
                name: tensor.dtype.name().to_owned(),
            })?;
        put_string(&mut out, &tensor.name);
        out.extend((tensor.shape.len() as u32).to_le_bytes());
        // GGUF counts dimensions from the contiguous one.
        for dim in tensor.shape.iter().rev() {
            out.extend((*dim as u64).to_le_bytes());
        }
        out.extend(id.to_le_bytes());
        out.extend(u64::to_le_bytes(offset));
        offsets.push(offset);
        offset +=
            checked_bytes(&tensor.name, tensor.dtype, &tensor.shape)?.next_multiple_of(ALIGNMENT);
    }
    out.resize(out.len().next_multiple_of(ALIGNMENT as usize), 0);
    let begin = out.len() as u64;
    Ok(GgufLayout {
        header: out,
        offsets: offsets.iter().map(|offset| begin + offset).collect(),
        total_bytes: begin + offset,
    })
}

fn put_string(out: &mut Vec<u8>, text: &str) {
    out.extend((text.len() as u64).to_le_bytes());
    out.extend(text.as_bytes());
}

fn put_value(out: &mut Vec<u8>, value: &Value) {
    let id: u32 = match value {
        Value::U8(_) => 0,
        Value::I8(_) => 1,
        Value::U16(_) => 2,
        Value::I16(_) => 3,
        Value::U32(_) => 4,
        Value::I32(_) => 5,
        Value::F32(_) => 6,
        Value::Bool(_) => 7,
        Value::String(_) => 8,
        Value::Array(_) => 9,
        Value::U64(_) => 10,
        Value::I64(_) => 11,
        Value::F64(_) => 12,
    };
    out.extend(id.to_le_bytes());
    match value {
        Value::U8(v) => out.extend(v.to_le_bytes()),
        Value::I8(v) => out.extend(v.to_le_bytes()),
        Value::U16(v) => out.extend(v.to_le_bytes()),
        Value::I16(v) => out.extend(v.to_le_bytes()),
        Value::U32(v) => out.extend(v.to_le_bytes()),
        Value::I32(v) => out.extend(v.to_le_bytes()),
        Value::U64(v) => out.extend(v.to_le_bytes()),
        Value::I64(v) => out.extend(v.to_le_bytes()),
        Value::F32(v) => out.extend(v.to_le_bytes()),
        Value::F64(v) => out.extend(v.to_le_bytes()),
        Value::Bool(v) => out.push(u8::from(*v)),
        Value::String(v) => put_string(out, v),
        Value::Array(array) => put_array(out, array),
    }
}

fn put_array(out: &mut Vec<u8>, array: &Array) {
    macro_rules! numbers {
        ($id:literal, $values:expr) => {{
            put_array_head(out, $id, $values.len());
            $values.iter().for_each(|v| out.extend(v.to_le_bytes()));
        }};
    }
    match array {
        Array::U8(v) => numbers!(0, v),
        Array::I8(v) => numbers!(1, v),
        Array::U16(v) => numbers!(2, v),
        Array::I16(v) => numbers!(3, v),
        Array::U32(v) => numbers!(4, v),
        Array::I32(v) => numbers!(5, v),
        Array::F32(v) => numbers!(6, v),
        Array::U64(v) => numbers!(10, v),
        Array::I64(v) => numbers!(11, v),
        Array::F64(v) => numbers!(12, v),
        Array::Bool(v) => {
            put_array_head(out, 7, v.len());
            out.extend(v.iter().map(|b| u8::from(*b)));
        }
        Array::String(v) => {
            put_array_head(out, 8, v.len());
            v.iter().for_each(|text| put_string(out, text));
        }
    }
}

fn put_array_head(out: &mut Vec<u8>, id: u32, len: usize) {
    out.extend(id.to_le_bytes());
    out.extend((len as u64).to_le_bytes());
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::{ModelFiles, parse_gguf_header};

    #[test]
    fn a_layout_reads_back_as_it_was_written() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/files/tiny.gguf");
        let files = ModelFiles::open(&path).unwrap();
        let tensors: Vec<_> = files
            .tensors()
            .iter()
            .map(|t| NewTensor {
                name: t.name.clone(),
                dtype: t.dtype,
                shape: t.shape.clone(),
            })
            .collect();
        let layout = layout_gguf(files.metadata(), &tensors).unwrap();
        let header = parse_gguf_header(&layout.header, layout.total_bytes).unwrap();
        let pairs = |metadata: &Metadata| -> Vec<(String, Value)> {
            metadata
                .iter()
                .filter(|(key, _)| *key != "general.alignment")
                .map(|(key, value)| (key.to_owned(), value.clone()))
                .collect()
        };
        assert_eq!(pairs(&header.metadata), pairs(files.metadata()));
        assert_eq!(header.data_offset, layout.header.len() as u64);
        for ((read, written), offset) in header.tensors.iter().zip(&tensors).zip(&layout.offsets) {
            assert_eq!(
                (&read.name, read.dtype, &read.shape, read.offset),
                (&written.name, written.dtype, &written.shape, *offset)
            );
        }
    }
}
