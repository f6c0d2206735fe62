use half::{bf16, f16};

use crate::dtype::DType;
use crate::error::{Error, Result};

/// Encodes floats as F32, F16, BF16 or Q8_0 (round to nearest; the same bytes as ggml writes). `Err(UnsupportedQuantization)`
/// for other types, `Err(Invalid)` when the values are not whole blocks.
pub fn quantize(dtype: DType, values: &[f32]) -> Result<Vec<u8>> {
    let mut out = Vec::with_capacity(dtype.row_bytes(values.len())?);
    match dtype {
        DType::F32 => values.iter().for_each(|v| out.extend(v.to_le_bytes())),
        DType::F16 => values
            .iter()
            .for_each(|v| out.extend(f16::from_f32(*v).to_le_bytes())),
        DType::BF16 => values
            .iter()
            .for_each(|v| out.extend(bf16::from_f32(*v).to_le_bytes())),
        DType::Q8_0 => values
            .as_chunks::<32>()
            .0
            .iter()
            .for_each(|block| q8_0(block, &mut out)),
        _ => {
            return Err(Error::UnsupportedQuantization {
                name: dtype.name().to_owned(),
            });
        }
    }
    Ok(out)
}

fn q8_0(values: &[f32; 32], out: &mut Vec<u8>) {
    let largest = values
        .iter()
        .fold(0.0f32, |largest, v| largest.max(v.abs()));
    let d = largest / 127.0;
    let inverse = if d == 0.0 { 0.0 } else { 1.0 / d };
    out.extend(f16::from_f32(d).to_le_bytes());
    out.extend(values.iter().map(|v| (v * inverse).round() as i8 as u8));
}
