//! Blocks as whole numbers and scales, which is what both the reference and the integer kernels make of the types without
//! bit planes of their own.

use crate::dtype::DType;

/// One block: element `i` is `scales[i / n] * codes[i]`, where `n` is [`Codes::per_scale`] and the arrays are filled as far as
/// the block goes.
pub struct Codes {
    pub codes: [i8; 256],
    pub scales: [f32; 16],
}

impl Codes {
    pub const ZERO: Self = Self {
        codes: [0; 256],
        scales: [0.0; 16],
    };

    /// Elements that share a scale, for the types that [`Codes::decode`] reads.
    pub const fn per_scale(dtype: DType) -> Option<usize> {
        use DType::*;
        match dtype {
            IQ2_XS | IQ2_S | IQ1_M | NVFP4 => Some(16),
            IQ1_S | IQ2_XXS | IQ3_XXS | IQ3_S | TQ1_0 | TQ2_0 | Q1_0 | Q2_0 | Q8_1 | Q8_K => {
                Some(32)
            }
            _ => None,
        }
    }

    /// Eight codes, `at` in eights.
    pub(super) fn put(&mut self, at: usize, codes: u64) {
        let out = &mut self.codes[8 * at..8 * at + 8];
        for (out, code) in out.iter_mut().zip(codes.to_le_bytes()) {
            *out = code as i8;
        }
    }
}
