//! Types whose elements are one of two or three values.

use super::codes::Codes;
use super::plain::f16_at;

/// qs[48], qh[4], d. A byte holds five digits of base 3 (those of `qh` four), as a fraction of 256.
pub(super) fn tq1_0(block: &[u8], out: &mut Codes) {
    out.scales.fill(f16_at(block, 52));
    let mut at = 0;
    for (bytes, digits) in [(&block[..32], 5), (&block[32..48], 5), (&block[48..52], 4)] {
        let mut power = 1u8;
        for _ in 0..digits {
            for byte in bytes {
                let fraction = byte.wrapping_mul(power);
                out.codes[at] = ((u16::from(fraction) * 3) >> 8) as i8 - 1;
                at += 1;
            }
            power = power.wrapping_mul(3);
        }
    }
}

/// qs[64], d. Each 32 bytes hold four times 32 elements, by shift.
pub(super) fn tq2_0(block: &[u8], out: &mut Codes) {
    out.scales.fill(f16_at(block, 64));
    for (i, code) in out.codes.iter_mut().enumerate() {
        let (part, shift, l) = (i / 128, 2 * (i / 32 % 4), i % 32);
        *code = (block[32 * part + l] >> shift & 3) as i8 - 1;
    }
}

/// d, qs[16]: a bit is d, none is -d.
pub(super) fn q1_0(block: &[u8], out: &mut Codes) {
    out.scales.fill(f16_at(block, 0));
    for (i, code) in out.codes[..128].iter_mut().enumerate() {
        *code = if block[2 + i / 8] >> (i % 8) & 1 == 0 {
            -1
        } else {
            1
        };
    }
}

/// d, qs[16]: two bits an element.
pub(super) fn q2_0(block: &[u8], out: &mut Codes) {
    out.scales.fill(f16_at(block, 0));
    for (i, code) in out.codes[..64].iter_mut().enumerate() {
        *code = (block[2 + i / 4] >> (2 * (i % 4)) & 3) as i8 - 1;
    }
}
