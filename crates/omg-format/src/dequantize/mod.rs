//! The reference decoding of every block layout: plain loops in the order of the format's definition. Faster kernels are
//! tested against it.

mod codes;
mod decode;
mod grids;
mod iq;
mod k_quants;
mod lookup;
mod plain;
mod small_blocks;
mod ternary;

pub use codes::Codes;

use crate::dtype::DType;
use crate::error::{Error, Result};

/// Decodes whole blocks: `bytes` holds exactly `out.len()` elements. `Err(UnsupportedQuantization)` for types without a
/// decoder, `Err(Argument)` when the lengths disagree.
pub fn dequantize(dtype: DType, bytes: &[u8], out: &mut [f32]) -> Result<()> {
    if dtype.row_bytes(out.len())? != bytes.len() {
        return Err(Error::Argument(format!(
            "{} bytes of {} are not {} elements",
            bytes.len(),
            dtype.name(),
            out.len()
        )));
    }
    match dtype {
        DType::F32 => plain::each(bytes, out, f32::from_le_bytes),
        DType::F64 => plain::each(bytes, out, |b| f64::from_le_bytes(b) as f32),
        DType::F16 => plain::each(bytes, out, |b| half::f16::from_le_bytes(b).to_f32()),
        DType::BF16 => plain::each(bytes, out, |b| half::bf16::from_le_bytes(b).to_f32()),
        DType::I8 => plain::each(bytes, out, |b| f32::from(i8::from_le_bytes(b))),
        DType::I16 => plain::each(bytes, out, |b| f32::from(i16::from_le_bytes(b))),
        DType::I32 => plain::each(bytes, out, |b| i32::from_le_bytes(b) as f32),
        DType::I64 => plain::each(bytes, out, |b| i64::from_le_bytes(b) as f32),
        DType::Q4_0 => blocks(bytes, out, small_blocks::q4_0),
        DType::Q4_1 => blocks(bytes, out, small_blocks::q4_1),
        DType::Q5_0 => blocks(bytes, out, small_blocks::q5_0),
        DType::Q5_1 => blocks(bytes, out, small_blocks::q5_1),
        DType::Q8_0 => blocks(bytes, out, small_blocks::q8_0),
        DType::Q2_K => blocks(bytes, out, k_quants::q2_k),
        DType::Q3_K => blocks(bytes, out, k_quants::q3_k),
        DType::Q4_K => blocks(bytes, out, k_quants::q4_k),
        DType::Q5_K => blocks(bytes, out, k_quants::q5_k),
        DType::Q6_K => blocks(bytes, out, k_quants::q6_k),
        DType::IQ4_NL => blocks(bytes, out, lookup::iq4_nl),
        DType::IQ4_XS => blocks(bytes, out, lookup::iq4_xs),
        DType::MXFP4 => blocks(bytes, out, lookup::mxfp4),
        _ => match Codes::per_scale(dtype) {
            Some(per_scale) => coded(dtype, per_scale, bytes, out),
            None => {
                return Err(Error::UnsupportedQuantization {
                    name: dtype.name().to_owned(),
                });
            }
        },
    }
    Ok(())
}

fn blocks<const BYTES: usize, const ELEMS: usize>(
    bytes: &[u8],
    out: &mut [f32],
    decode: fn(&[u8; BYTES], &mut [f32; ELEMS]),
) {
    for (block, y) in bytes
        .as_chunks::<BYTES>()
        .0
        .iter()
        .zip(out.as_chunks_mut::<ELEMS>().0)
    {
        decode(block, y);
    }
}

fn coded(dtype: DType, per_scale: usize, bytes: &[u8], out: &mut [f32]) {
    let mut codes = Codes::ZERO;
    let blocks = bytes.chunks_exact(dtype.block_bytes());
    for (block, y) in blocks.zip(out.chunks_exact_mut(dtype.block_elems())) {
        codes.decode(dtype, block);
        for (i, y) in y.iter_mut().enumerate() {
            *y = codes.scales[i / per_scale] * f32::from(codes.codes[i]);
        }
    }
}
