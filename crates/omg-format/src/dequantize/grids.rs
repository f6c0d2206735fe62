//! The codebooks of the IQ types, 4 or 8 values an entry, and the signs that go with them.

/// Written by scripts/fixtures/quant_grids.py, which tells the order.
const PACKED: &[u8; 9216] = include_bytes!("grids.bin");

/// Sizes of values at two bits, as 8 bytes an entry.
const fn eights<const N: usize>(at: usize, values: [u8; 3]) -> [u64; N] {
    let mut out = [0; N];
    let mut entry = 0;
    while entry < N {
        let mut value = 0;
        while value < 8 {
            let index = PACKED[at + 2 * entry + value / 4] >> (2 * (value % 4)) & 3;
            out[entry] |= (values[index as usize] as u64) << (8 * value);
            value += 1;
        }
        entry += 1;
    }
    out
}

/// As `eights`, four bits and 4 bytes an entry.
const fn fours<const N: usize>(at: usize, values: [u8; 8]) -> [u32; N] {
    let mut out = [0; N];
    let mut entry = 0;
    while entry < N {
        let mut value = 0;
        while value < 4 {
            let index = PACKED[at + 2 * entry + value / 2] >> (4 * (value % 2)) & 7;
            out[entry] |= (values[index as usize] as u32) << (8 * value);
            value += 1;
        }
        entry += 1;
    }
    out
}

const TWO_BITS: [u8; 3] = [8, 25, 43];
pub(super) static IQ2_XXS: [u64; 256] = eights(0, TWO_BITS);
pub(super) static IQ2_XS: [u64; 512] = eights(512, TWO_BITS);
pub(super) static IQ2_S: [u64; 1024] = eights(1536, TWO_BITS);
pub(super) static IQ3_XXS: [u32; 256] = fours(3584, [4, 12, 20, 28, 36, 44, 52, 62]);
pub(super) static IQ3_S: [u32; 512] = fours(4096, [1, 3, 5, 7, 9, 11, 13, 15]);
/// Eight times -1, 0 and 1, so that the eighth which blocks add or take away is a whole number.
pub(super) static IQ1: [u64; 2048] = eights(5120, [(-8i8) as u8, 0, 8]);

/// Negates the bytes of `values`, each 1 to 127, whose bit of `signs` is set.
pub(super) fn signed(values: u64, signs: u8) -> u64 {
    const ONES: u64 = 0x0101_0101_0101_0101;
    let bit_each = (u64::from(signs) * ONES) & 0x8040_2010_0804_0201;
    let negative = ((bit_each + 0x7f * ONES) >> 7) & ONES;
    (values ^ (negative * 0xff)) + negative
}

/// The eighth sign makes the number of negative values even.
pub(super) fn even_signs(seven: u32) -> u8 {
    let seven = (seven & 127) as u8;
    seven | ((seven.count_ones() & 1) as u8) << 7
}

/// Adds byte by byte, without carries between them.
pub(super) fn add_bytes(a: u64, b: u64) -> u64 {
    const LOW: u64 = 0x7f7f_7f7f_7f7f_7f7f;
    ((a & LOW) + (b & LOW)) ^ ((a ^ b) & !LOW)
}
