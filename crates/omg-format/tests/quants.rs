//! Decoding and encoding against ggml's own Python reader; fixtures by scripts/fixtures/quant_blocks.py.

use std::fs;
use std::path::PathBuf;

use omg_format::{DType, dequantize, quantize};

fn fixture(name: &str) -> Vec<u8> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("tests/fixtures/quants")
        .join(name);
    fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn floats(name: &str) -> Vec<f32> {
    fixture(name)
        .as_chunks::<4>()
        .0
        .iter()
        .map(|bytes| f32::from_le_bytes(*bytes))
        .collect()
}

#[test]
fn every_type_decodes_as_ggml_does() {
    let mut checked = 0;
    for dtype in DType::ALL
        .iter()
        .filter(|dtype| dtype.is_quantized() || matches!(dtype, DType::F16 | DType::BF16))
    {
        if !dtype.can_dequantize() {
            continue;
        }
        let name = dtype.name();
        let expected = floats(&format!("{name}.f32"));
        let mut out = vec![f32::NAN; expected.len()];
        dequantize(*dtype, &fixture(&format!("{name}.blocks")), &mut out).unwrap();
        for (index, (a, b)) in out.iter().zip(&expected).enumerate() {
            // Whether a zero has a sign is the one thing in which ggml's readers differ among themselves.
            assert!(
                a.to_bits() == b.to_bits() || (*a == 0.0 && *b == 0.0),
                "{name}[{index}]: {a} instead of {b}"
            );
        }
        checked += 1;
    }
    assert_eq!(checked, 29);
}

#[test]
fn q8_0_encodes_as_ggml_does() {
    assert_eq!(
        quantize(DType::Q8_0, &floats("to-q8_0.f32")).unwrap(),
        fixture("to-q8_0.blocks")
    );
}

#[test]
fn plain_types_round_trip() {
    let values = [0.0, -1.5, 65504.0, 1e-3, 3.0];
    for (dtype, tolerance) in [(DType::F32, 0.0), (DType::F16, 1e-3), (DType::BF16, 1e-2)] {
        let mut out = [0.0; 5];
        dequantize(dtype, &quantize(dtype, &values).unwrap(), &mut out).unwrap();
        for (a, b) in out.iter().zip(values) {
            assert!(
                (a - b).abs() <= b.abs() * tolerance,
                "{}: {a} instead of {b}",
                dtype.name()
            );
        }
    }
}

#[test]
fn types_without_a_decoder_are_refused_by_name() {
    let mut out = [0.0; 4];
    let error = dequantize(DType::F8_E4M3, &[0; 4], &mut out).unwrap_err();
    assert_eq!(error.code(), "unsupported_quantization");
    assert!(error.to_string().contains("F8_E4M3"), "{error}");
    assert_eq!(
        DType::from_ggml_id(31).unwrap_err().to_string(),
        "the quantisation type Q4_0_4_4 (removed from the format) is not supported"
    );
    assert_eq!(
        DType::from_ggml_id(999).unwrap_err().code(),
        "unsupported_quantization"
    );
}

#[test]
fn lengths_that_disagree_are_refused() {
    let mut out = [0.0; 32];
    assert!(dequantize(DType::Q8_0, &[0; 33], &mut out).is_err());
    assert!(dequantize(DType::Q4_K, &[0; 144], &mut out).is_err());
    assert!(quantize(DType::Q8_0, &[0.0; 31]).is_err());
}
