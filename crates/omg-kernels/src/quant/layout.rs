use omg_format::{Codes, DType};

use super::{GROUP, LANES};

/// How the quants of 32 columns x 16 rows are split into bit planes. All planes are 64-byte vectors of 16 lanes x 4
/// bytes; "vector v" is columns 4v..4v+4. They follow one another in the order of the name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Planes {
    /// 4 vectors: byte v holds vector v in its low bits and vector v + 4 in its high bits.
    Four,
    /// `Four`, then 1 vector whose bit v is bit 4 of vector v.
    FourOne,
    /// `Four`, then 2 vectors: bits 2f, 2f+1 of vector p are bits 4, 5 of vector 4p + f.
    FourTwo,
    /// 8 vectors.
    Eight,
    /// 2 vectors: bits 2f, 2f+1 of vector p are vector 4p + f.
    Two,
    /// `Two`, then 1 vector whose bit v is bit 2 of vector v.
    TwoOne,
    /// None: a unit is the blocks of its rows as they are in the file, scales included, and `Codes` reads them.
    Blocks,
}

impl Planes {
    pub(crate) const fn bytes(self) -> usize {
        64 * match self {
            Self::Four => 4,
            Self::FourOne => 5,
            Self::FourTwo => 6,
            Self::Eight => 8,
            Self::Two => 2,
            Self::TwoOne => 3,
            Self::Blocks => 0,
        }
    }
}

/// How the scales of a unit are kept, before its planes. `d`, `m` and `dmin` are 16 half floats each, one per lane.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scales {
    /// d
    D,
    /// d of types whose quants count from 1: their minimum is -d
    One,
    /// 4 groups of 16 columns x 16 scales of 8 bits (4 of exponent, 3 of mantissa)
    Micro,
    /// d, m
    DM,
    /// 16 exponents, one byte per lane: 2^(e - 128)
    Exponent,
    /// d, dmin, then 6-bit scales and mins of 8 groups: 8 x 16 bytes with the low 4 bits of (scale, min), 4 x 16 bytes with
    /// the high 2 bits of (scale i, min i, scale i+4, min i+4)
    Six,
    /// d, dmin, then 16 groups x 16 bytes (scale in the low nibble, min in the high)
    Nibbles,
    /// d, then 16 groups x 16 i8
    Signed,
    /// d, then 6-bit scales + 32 of 16 groups: 8 x 16 bytes with the low 4 bits of groups i and i+8, 4 x 16 bytes with
    /// the high 2 bits of groups i, i+4, i+8, i+12
    SixSigned,
    /// d, then 6-bit scales + 32 of 8 groups: 4 x 16 bytes with the low 4 bits of groups i and i+4, 2 x 16 bytes with
    /// the high 2 bits of groups i, i+2, i+4, i+6
    SixSignedWide,
    /// With [`Planes::Blocks`]: what so many bytes a row hold, of this type.
    Blocks(DType),
}

impl Scales {
    pub(crate) const fn bytes(self) -> usize {
        match self {
            Self::D | Self::One => 32,
            Self::Micro => 64,
            Self::DM => 64,
            Self::Exponent => 16,
            Self::Six => 64 + 192,
            Self::Nibbles => 64 + 256,
            Self::Signed => 32 + 256,
            Self::SixSigned => 32 + 192,
            Self::SixSignedWide => 32 + 96,
            Self::Blocks(dtype) => LANES * dtype.block_bytes(),
        }
    }
}

/// The packed form of one quantised type. A unit is 16 rows of one block of the type, and takes as many bytes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Layout {
    pub(crate) scales: Scales,
    pub(crate) planes: Planes,
    /// Columns in a unit: 32, 64, 128 or 256.
    pub(crate) unit_cols: usize,
    /// Scales are per 16 columns and not per 32.
    pub(crate) halves: bool,
    /// A weight has an additive part.
    pub(crate) mins: bool,
    /// The quant that stands for 0 is this power of two.
    pub(crate) zero_log2: Option<u32>,
    /// Quants are looked up here when they are unpacked.
    pub(crate) table: Option<&'static [u8; 16]>,
}

/// The values of IQ4_NL and IQ4_XS plus 128.
pub(crate) static NON_LINEAR: [u8; 16] = [
    1, 24, 45, 63, 79, 93, 106, 118, 129, 141, 153, 166, 181, 197, 217, 241,
];
/// Twice the values of NVFP4 plus 32.
pub(crate) static FP4_OF_32: [u8; 16] = [
    32, 33, 34, 35, 36, 38, 40, 44, 32, 31, 30, 29, 28, 26, 24, 20,
];
/// Twice the values of MXFP4 plus 128.
pub(crate) static FP4: [u8; 16] = [
    128, 129, 130, 131, 132, 134, 136, 140, 128, 127, 126, 125, 124, 122, 120, 116,
];

impl Layout {
    /// `None` for types that are not packed as integers.
    pub(crate) const fn of(dtype: DType) -> Option<Self> {
        const OLD: Layout = Layout {
            scales: Scales::D,
            planes: Planes::Four,
            unit_cols: 32,
            halves: false,
            mins: false,
            zero_log2: None,
            table: None,
        };
        const K: Layout = Layout {
            unit_cols: 256,
            ..OLD
        };
        Some(match dtype {
            DType::Q4_0 => Self {
                zero_log2: Some(3),
                ..OLD
            },
            DType::Q4_1 => Self {
                scales: Scales::DM,
                mins: true,
                ..OLD
            },
            DType::Q5_0 => Self {
                planes: Planes::FourOne,
                zero_log2: Some(4),
                ..OLD
            },
            DType::Q5_1 => Self {
                planes: Planes::FourOne,
                scales: Scales::DM,
                mins: true,
                ..OLD
            },
            DType::Q8_0 => Self {
                planes: Planes::Eight,
                zero_log2: Some(7),
                ..OLD
            },
            DType::IQ4_NL => Self {
                zero_log2: Some(7),
                table: Some(&NON_LINEAR),
                ..OLD
            },
            DType::MXFP4 => Self {
                scales: Scales::Exponent,
                zero_log2: Some(7),
                table: Some(&FP4),
                ..OLD
            },
            DType::Q2_K => Self {
                scales: Scales::Nibbles,
                planes: Planes::Two,
                halves: true,
                mins: true,
                ..K
            },
            DType::Q3_K => Self {
                scales: Scales::SixSigned,
                planes: Planes::TwoOne,
                halves: true,
                zero_log2: Some(2),
                ..K
            },
            DType::Q4_K => Self {
                scales: Scales::Six,
                mins: true,
                ..K
            },
            DType::Q5_K => Self {
                scales: Scales::Six,
                planes: Planes::FourOne,
                mins: true,
                ..K
            },
            DType::Q6_K => Self {
                scales: Scales::Signed,
                planes: Planes::FourTwo,
                halves: true,
                zero_log2: Some(5),
                ..K
            },
            DType::IQ4_XS => Self {
                scales: Scales::SixSignedWide,
                zero_log2: Some(7),
                table: Some(&NON_LINEAR),
                ..K
            },
            DType::TQ2_0 => Self {
                scales: Scales::One,
                planes: Planes::Two,
                mins: true,
                ..K
            },
            DType::Q2_0 => Self {
                scales: Scales::One,
                planes: Planes::Two,
                unit_cols: 64,
                mins: true,
                ..OLD
            },
            DType::NVFP4 => Self {
                scales: Scales::Micro,
                unit_cols: 64,
                halves: true,
                zero_log2: Some(5),
                table: Some(&FP4_OF_32),
                ..OLD
            },
            _ => return Self::of_codes(dtype),
        })
    }

    const fn of_codes(dtype: DType) -> Option<Self> {
        use DType::*;
        let Some(per_scale) = Codes::per_scale(dtype) else {
            return None;
        };
        // By the largest code.
        let zero_log2 = match dtype {
            TQ1_0 | Q1_0 => 3,
            IQ1_S | IQ3_S => 4,
            IQ1_M => 5,
            IQ2_XXS | IQ2_XS | IQ2_S | IQ3_XXS => 6,
            _ => 7,
        };
        Some(Self {
            scales: Scales::Blocks(dtype),
            planes: Planes::Blocks,
            unit_cols: dtype.block_elems(),
            halves: per_scale < GROUP,
            mins: false,
            zero_log2: Some(zero_log2),
            table: None,
        })
    }

    pub(crate) const fn unit_bytes(&self) -> usize {
        self.scales.bytes() + self.unit_cols / GROUP * self.planes.bytes()
    }

    pub(crate) const fn zero(&self) -> i32 {
        match self.zero_log2 {
            Some(log2) => 1 << log2,
            None => 0,
        }
    }
}

const _: () = assert!(LANES * 4 == 64);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panel_takes_the_bytes_of_its_rows() {
        let mut seen = 0;
        for &dtype in DType::ALL {
            if let Some(layout) = Layout::of(dtype) {
                assert_eq!(layout.unit_cols, dtype.block_elems(), "{}", dtype.name());
                assert_eq!(
                    layout.unit_bytes(),
                    LANES * dtype.block_bytes(),
                    "{}",
                    dtype.name()
                );
                seen += 1;
            }
        }
        assert_eq!(seen, 27);
    }
}
