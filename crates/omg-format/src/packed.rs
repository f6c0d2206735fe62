//! Weights of safetensors folders whose codes and scales are tensors of their own, joined into one tensor of a known type.
//!
//! - FP8: `weight` in E4M3 with `weight_scale_inv` or `weight_scale`: one number, one a row, or one a block of rows and columns.
//! - MLX: `weight` of packed codes, `scales` and `biases` per group.
//!
//! FP8 becomes BF16 and MLX the type of its scales, which is what the reference implementations dequantise to.

use std::collections::{HashMap, HashSet};
use std::ops::Range;

use serde_json::Value as Json;

use crate::dtype::DType;
use crate::error::{Error, Result};
use crate::tensor::TensorInfo;

/// How to make the rows of one joined tensor.
#[derive(Clone, Debug)]
pub(crate) enum Packed {
    Fp8 {
        codes: TensorInfo,
        scales: TensorInfo,
        /// Rows and columns that share a scale, and scales in a row of blocks.
        block: [usize; 2],
        across: usize,
    },
    Mlx {
        codes: TensorInfo,
        scales: TensorInfo,
        biases: TensorInfo,
        bits: usize,
        group: usize,
    },
}

/// Reads the bytes of some rows of a stored tensor.
pub(crate) type ReadRows<'a> = &'a dyn Fn(&TensorInfo, Range<usize>) -> Result<Vec<u8>>;

/// Replaces the parts of packed weights by the weights. `Err(Invalid)` names the tensor whose parts do not fit together.
pub(crate) fn join(
    tensors: Vec<TensorInfo>,
    config: &Json,
) -> Result<(Vec<TensorInfo>, HashMap<String, Packed>)> {
    let by_name: HashMap<&str, &TensorInfo> = tensors
        .iter()
        .map(|tensor| (tensor.name.as_str(), tensor))
        .collect();
    let mut packed = HashMap::new();
    let mut joined = HashMap::new();
    let mut parts = HashSet::new();
    for tensor in &tensors {
        let get = |name: String| by_name.get(name.as_str()).copied();
        let found = if let Some(stem) = tensor.name.strip_suffix(".weight") {
            let scale = get(format!("{stem}.weight_scale_inv"))
                .or_else(|| get(format!("{stem}.weight_scale")));
            let affine = get(format!("{stem}.scales")).zip(get(format!("{stem}.biases")));
            match (tensor.dtype, scale, affine) {
                (DType::F8_E4M3, Some(scales), _) => Some(fp8(tensor, scales, config)),
                (DType::U32, _, Some((scales, biases))) => {
                    Some(mlx(tensor, scales, biases, config))
                }
                _ => None,
            }
        } else {
            None
        };
        if let Some(found) = found {
            let (name, dtype, shape, how) = found?;
            for part in how.parts() {
                parts.insert(part.name.clone());
            }
            if let Some(stem) = tensor.name.strip_suffix(".weight") {
                // What activations were scaled by: ours are not rounded to eight bits of float.
                parts.insert(format!("{stem}.input_scale"));
                parts.insert(format!("{stem}.activation_scale"));
            }
            let bytes = crate::tensor::checked_bytes(&name, dtype, &shape)?;
            let info = TensorInfo {
                name: name.clone(),
                dtype,
                shape,
                bytes,
                ..tensor.clone()
            };
            joined.insert(tensor.name.clone(), info);
            packed.insert(name, how);
        }
    }
    let tensors = tensors
        .iter()
        .filter_map(|tensor| match joined.remove(&tensor.name) {
            Some(joined) => Some(joined),
            None if parts.contains(&tensor.name) => None,
            None => Some(tensor.clone()),
        })
        .collect();
    Ok((tensors, packed))
}

type Joined = (String, DType, Vec<usize>, Packed);

fn misfit(codes: &TensorInfo, part: &TensorInfo) -> Error {
    Error::invalid(format!(
        "tensor {}: {:?} scales ({}) do not fit codes of {:?}",
        codes.name, part.shape, part.name, codes.shape
    ))
}

fn fp8(codes: &TensorInfo, scales: &TensorInfo, config: &Json) -> Result<Joined> {
    let (rows, cols) = (codes.rows(), codes.cols());
    let wrong = || misfit(codes, scales);
    if codes.shape.len() != 2 || !is_float(scales.dtype) {
        return Err(wrong());
    }
    let wanted = config
        .get("quantization_config")
        .and_then(|method| method.get("weight_block_size")?.as_array().cloned());
    let side = |at: usize| match &wanted {
        Some(sides) => sides.get(at).and_then(Json::as_u64).unwrap_or(0) as usize,
        None => 128,
    };
    let (block, across) = match scales.shape[..] {
        [] | [1] | [1, 1] => ([rows, cols], 1),
        [n] if n == rows => ([1, cols], 1),
        [n, 1] if n == rows => ([1, cols], 1),
        [down, across]
            if side(0) > 0
                && side(1) > 0
                && down == rows.div_ceil(side(0))
                && across == cols.div_ceil(side(1)) =>
        {
            ([side(0), side(1)], across)
        }
        _ => return Err(wrong()),
    };
    let how = Packed::Fp8 {
        codes: codes.clone(),
        scales: scales.clone(),
        block,
        across,
    };
    Ok((codes.name.clone(), DType::BF16, codes.shape.clone(), how))
}

fn mlx(
    codes: &TensorInfo,
    scales: &TensorInfo,
    biases: &TensorInfo,
    config: &Json,
) -> Result<Joined> {
    let stem = codes.name.trim_end_matches(".weight");
    let all = config
        .get("quantization")
        .or_else(|| config.get("quantization_config"));
    // Single tensors may have settings of their own.
    let own = all.and_then(|all| all.get(stem));
    let number = |key: &str| {
        let value = own.and_then(|own| own.get(key)).or(all?.get(key))?;
        usize::try_from(value.as_u64()?).ok()
    };
    let wrong = || misfit(codes, scales);
    let (bits, group) = (
        number("bits").ok_or_else(wrong)?,
        number("group_size").ok_or_else(wrong)?,
    );
    let cols = scales.cols().saturating_mul(group);
    if !(2..=8).contains(&bits)
        || group == 0
        || cols.checked_mul(bits) != codes.cols().checked_mul(32)
        || scales.rows() != codes.rows()
        || scales.shape.len() != codes.shape.len()
        || scales.shape != biases.shape
        || scales.dtype != biases.dtype
        || !is_float(scales.dtype)
    {
        return Err(wrong());
    }
    let mut shape = codes.shape.clone();
    if let Some(last) = shape.last_mut() {
        *last = cols;
    }
    let how = Packed::Mlx {
        codes: codes.clone(),
        scales: scales.clone(),
        biases: biases.clone(),
        bits,
        group,
    };
    Ok((codes.name.clone(), scales.dtype, shape, how))
}

fn is_float(dtype: DType) -> bool {
    matches!(dtype, DType::F32 | DType::F16 | DType::BF16)
}

fn floats(tensor: &TensorInfo, rows: Range<usize>, read: ReadRows<'_>) -> Result<Vec<f32>> {
    let mut out = vec![0.0; rows.len() * tensor.cols()];
    crate::dequantize(tensor.dtype, &read(tensor, rows)?, &mut out)?;
    Ok(out)
}

impl Packed {
    /// What the method is called where models are listed.
    pub(crate) fn name(&self) -> String {
        match self {
            Self::Fp8 { .. } => "FP8".to_owned(),
            Self::Mlx { bits, .. } => format!("MLX_{bits}BIT"),
        }
    }

    fn parts(&self) -> Vec<&TensorInfo> {
        match self {
            Self::Fp8 { codes, scales, .. } => vec![codes, scales],
            Self::Mlx {
                codes,
                scales,
                biases,
                ..
            } => vec![codes, scales, biases],
        }
    }

    /// The bytes of some rows of the joined tensor.
    pub(crate) fn rows(&self, rows: Range<usize>, read: ReadRows<'_>) -> Result<Vec<u8>> {
        match self {
            Self::Fp8 {
                codes,
                scales,
                block: [down, wide],
                across,
            } => {
                let cols = codes.cols();
                let bytes = read(codes, rows.clone())?;
                let scales = floats(scales, 0..scales.rows(), read)?;
                let mut values = Vec::with_capacity(bytes.len());
                for (row, bytes) in rows.zip(bytes.chunks_exact(cols)) {
                    let scales = &scales[row / down * across..][..*across];
                    let row = bytes.chunks(*wide).zip(scales);
                    values.extend(row.flat_map(|(bytes, scale)| {
                        bytes.iter().map(move |byte| e4m3(*byte) * scale)
                    }));
                }
                crate::quantize(DType::BF16, &values)
            }
            Self::Mlx {
                codes,
                scales,
                biases,
                bits,
                group,
            } => {
                let bytes = read(codes, rows.clone())?;
                let (s, b) = (
                    floats(scales, rows.clone(), read)?,
                    floats(biases, rows.clone(), read)?,
                );
                let (cols, row_bytes) = (scales.cols() * group, codes.cols() * 4);
                let mask = (1u32 << bits) - 1;
                let mut values = Vec::with_capacity(rows.len() * cols);
                for (row, bytes) in bytes.chunks_exact(row_bytes).enumerate() {
                    for col in 0..cols {
                        // Codes lie one after another from the lowest bit on, and may cross bytes.
                        let (at, shift) = (col * bits / 8, col * bits % 8);
                        let next = bytes.get(at + 1).copied().unwrap_or(0);
                        let code = u32::from(u16::from_le_bytes([bytes[at], next])) >> shift & mask;
                        let place = row * scales.cols() + col / group;
                        values.push(s[place] * code as f32 + b[place]);
                    }
                }
                crate::quantize(scales.dtype, &values)
            }
        }
    }
}

/// Four bits of exponent, three of mantissa; there are no infinities, and one not-a-number of each sign.
fn e4m3(bits: u8) -> f32 {
    let magnitude = u32::from(bits & 0x7f);
    let sign = u32::from(bits & 0x80) << 24;
    if magnitude == 0x7f {
        return f32::NAN;
    }
    // As the bits of a much smaller float: what is subnormal stays so, and nothing is rounded.
    let small = f32::from_bits(magnitude << 20 | sign);
    small * f32::from_bits((127 + 120) << 23)
}
