use crate::error::{Error, Result};

macro_rules! dtypes {
    ($($variant:ident $name:literal $id:tt $elems:literal $bytes:literal)*) => {
        /// The element types of tensors: those of ggml by its ids, and those only safetensors files have.
        #[allow(non_camel_case_types)]
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum DType { $($variant),* }

        impl DType {
            pub const ALL: &'static [DType] = &[$(DType::$variant),*];

            /// Name as ggml and llama.cpp print it (`Q4_K`).
            pub const fn name(self) -> &'static str {
                match self { $(DType::$variant => $name),* }
            }

            /// Elements in one block; 1 for plain types.
            pub const fn block_elems(self) -> usize {
                match self { $(DType::$variant => $elems),* }
            }

            /// Bytes of one block.
            pub const fn block_bytes(self) -> usize {
                match self { $(DType::$variant => $bytes),* }
            }

            /// Type id in GGUF files; none for types only safetensors has.
            pub const fn ggml_id(self) -> Option<u32> {
                match self { $(DType::$variant => dtypes!(@id $id)),* }
            }
        }
    };
    (@id none) => { None };
    (@id $id:literal) => { Some($id) };
}

dtypes! {
    F32 "F32" 0 1 4
    F16 "F16" 1 1 2
    Q4_0 "Q4_0" 2 32 18
    Q4_1 "Q4_1" 3 32 20
    Q5_0 "Q5_0" 6 32 22
    Q5_1 "Q5_1" 7 32 24
    Q8_0 "Q8_0" 8 32 34
    Q8_1 "Q8_1" 9 32 36
    Q2_K "Q2_K" 10 256 84
    Q3_K "Q3_K" 11 256 110
    Q4_K "Q4_K" 12 256 144
    Q5_K "Q5_K" 13 256 176
    Q6_K "Q6_K" 14 256 210
    Q8_K "Q8_K" 15 256 292
    IQ2_XXS "IQ2_XXS" 16 256 66
    IQ2_XS "IQ2_XS" 17 256 74
    IQ3_XXS "IQ3_XXS" 18 256 98
    IQ1_S "IQ1_S" 19 256 50
    IQ4_NL "IQ4_NL" 20 32 18
    IQ3_S "IQ3_S" 21 256 110
    IQ2_S "IQ2_S" 22 256 82
    IQ4_XS "IQ4_XS" 23 256 136
    I8 "I8" 24 1 1
    I16 "I16" 25 1 2
    I32 "I32" 26 1 4
    I64 "I64" 27 1 8
    F64 "F64" 28 1 8
    IQ1_M "IQ1_M" 29 256 56
    BF16 "BF16" 30 1 2
    TQ1_0 "TQ1_0" 34 256 54
    TQ2_0 "TQ2_0" 35 256 66
    MXFP4 "MXFP4" 39 32 17
    NVFP4 "NVFP4" 40 64 36
    Q1_0 "Q1_0" 41 128 18
    Q2_0 "Q2_0" 42 64 18
    U8 "U8" none 1 1
    U16 "U16" none 1 2
    U32 "U32" none 1 4
    U64 "U64" none 1 8
    Bool "BOOL" none 1 1
    F8_E4M3 "F8_E4M3" none 1 1
    F8_E5M2 "F8_E5M2" none 1 1
}

/// Ids that ggml has taken back: files with them were made for builds long gone.
const REMOVED: &[(u32, &str)] = &[
    (4, "Q4_2"),
    (5, "Q4_3"),
    (31, "Q4_0_4_4"),
    (32, "Q4_0_4_8"),
    (33, "Q4_0_8_8"),
    (36, "IQ4_NL_4_4"),
    (37, "IQ4_NL_4_8"),
    (38, "IQ4_NL_8_8"),
];

impl DType {
    /// `Err(UnsupportedQuantization)` for ids that were removed from ggml or that it never had.
    pub fn from_ggml_id(id: u32) -> Result<Self> {
        if let Some(dtype) = Self::ALL.iter().find(|dtype| dtype.ggml_id() == Some(id)) {
            return Ok(*dtype);
        }
        let name = match REMOVED.iter().find(|(removed, _)| *removed == id) {
            Some((_, name)) => format!("{name} (removed from the format)"),
            None => format!("number {id}"),
        };
        Err(Error::UnsupportedQuantization { name })
    }

    /// From the dtype string of a safetensors header.
    pub fn from_safetensors_name(name: &str) -> Result<Self> {
        let plain = |dtype: &&DType| dtype.block_elems() == 1 && dtype.name() == name;
        match Self::ALL.iter().find(plain) {
            Some(dtype) => Ok(*dtype),
            None => Err(Error::UnsupportedQuantization {
                name: name.chars().take(40).collect(),
            }),
        }
    }

    /// Whether `dequantize` reads this type: all of ggml's.
    pub const fn can_dequantize(self) -> bool {
        self.ggml_id().is_some()
    }

    /// Whether an element is coded in blocks with scales of their own.
    pub const fn is_quantized(self) -> bool {
        self.block_elems() > 1
    }

    /// Bytes of one row of `cols` elements. `Err` when `cols` is not whole blocks or the size overflows.
    pub fn row_bytes(self, cols: usize) -> Result<usize> {
        if !cols.is_multiple_of(self.block_elems()) {
            return Err(Error::invalid(format!(
                "a row of {cols} elements is not whole blocks of {} ({})",
                self.block_elems(),
                self.name()
            )));
        }
        (cols / self.block_elems())
            .checked_mul(self.block_bytes())
            .ok_or_else(|| Error::invalid(format!("a row of {cols} elements is too large")))
    }
}
