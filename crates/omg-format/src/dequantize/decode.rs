//! Which decoding belongs to a type whose blocks are read as codes.

use super::codes::Codes;
use super::{iq, plain, ternary};
use crate::dtype::DType;

impl Codes {
    /// Reads one block of a type that has [`Codes::per_scale`].
    ///
    /// # Panics
    /// On other types, and where `block` is shorter than a block.
    pub fn decode(&mut self, dtype: DType, block: &[u8]) {
        match dtype {
            DType::IQ2_XXS => iq::iq2_xxs(block, self),
            DType::IQ2_XS => iq::iq2_xs(block, self),
            DType::IQ2_S => iq::iq2_s(block, self),
            DType::IQ3_XXS => iq::iq3_xxs(block, self),
            DType::IQ3_S => iq::iq3_s(block, self),
            DType::IQ1_S => iq::iq1_s(block, self),
            DType::IQ1_M => iq::iq1_m(block, self),
            DType::TQ1_0 => ternary::tq1_0(block, self),
            DType::TQ2_0 => ternary::tq2_0(block, self),
            DType::Q1_0 => ternary::q1_0(block, self),
            DType::Q2_0 => ternary::q2_0(block, self),
            DType::NVFP4 => nvfp4(block, self),
            DType::Q8_1 => bytes(plain::f16_at(block, 0), &block[4..36], self),
            DType::Q8_K => {
                let d = f32::from_le_bytes([block[0], block[1], block[2], block[3]]);
                bytes(d, &block[4..260], self);
            }
            _ => unreachable!("{} has no codes", dtype.name()),
        }
    }
}

fn bytes(d: f32, codes: &[u8], out: &mut Codes) {
    out.scales.fill(d);
    for (out, code) in out.codes.iter_mut().zip(codes) {
        *out = *code as i8;
    }
}

/// Twice the values of E2M1, so that they are whole.
const FP4: [i8; 16] = [0, 1, 2, 3, 4, 6, 8, 12, 0, -1, -2, -3, -4, -6, -8, -12];

/// d UE4M3[4], qs[32]: 8 bytes per 16 elements, the first half of them in the low nibbles.
fn nvfp4(block: &[u8], out: &mut Codes) {
    for group in 0..4 {
        out.scales[group] = 0.5 * ue4m3(block[group]);
        for j in 0..8 {
            let q = block[4 + 8 * group + j];
            out.codes[16 * group + j] = FP4[usize::from(q & 15)];
            out.codes[16 * group + j + 8] = FP4[usize::from(q >> 4)];
        }
    }
}

/// Eight bits without a sign: 4 of exponent, 3 of mantissa. What would be not-a-number is 0.
fn ue4m3(bits: u8) -> f32 {
    let (exponent, mantissa) = (bits >> 3 & 15, f32::from(bits & 7));
    match exponent {
        _ if bits == 0x7f => 0.0,
        0 => mantissa / 512.0,
        _ => (1.0 + mantissa / 8.0) * f32::from_bits((u32::from(exponent) + 120) << 23),
    }
}
