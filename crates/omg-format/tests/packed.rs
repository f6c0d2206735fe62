//! Weights that lie in several tensors, against PyTorch; fixtures by scripts/fixtures/packed_weights.py.

mod support;

use std::fs;

use omg_format::{DType, ModelFiles, parse_safetensors_header};
use support::fixture;

/// The bytes of the only tensor of a file.
fn expected(folder: &str) -> Vec<u8> {
    let bytes = fs::read(fixture(&format!("../packed/{folder}/expected.tensors"))).unwrap();
    let header = parse_safetensors_header(&bytes, bytes.len() as u64).unwrap();
    bytes[header.tensors[0].offset as usize..].to_vec()
}

#[test]
fn packed_weights_are_one_tensor_with_the_values_of_the_reference() {
    for (folder, dtype, shape, label) in [
        ("fp8-blocks", DType::BF16, [130, 144], "FP8"),
        ("fp8-rows", DType::BF16, [24, 64], "FP8"),
        ("fp8-whole", DType::BF16, [24, 64], "FP8"),
        ("mlx-4", DType::BF16, [12, 128], "MLX_4BIT"),
        ("mlx-8", DType::F16, [12, 128], "MLX_8BIT"),
        ("mlx-3", DType::BF16, [12, 128], "MLX_3BIT"),
        ("mlx-6", DType::F16, [12, 128], "MLX_6BIT"),
    ] {
        let files = ModelFiles::open(&fixture(&format!("../packed/{folder}"))).unwrap();
        assert_eq!(files.tensors().len(), 1, "{folder}");
        assert_eq!(files.quantization(), label);
        let weight = files.require_tensor("a.weight").unwrap();
        assert_eq!((weight.dtype, &weight.shape[..]), (dtype, &shape[..]));
        let expected = expected(folder);
        assert_eq!(weight.bytes, expected.len() as u64);
        // A zero may come with either sign.
        let values = |bytes: &[u8]| {
            let mut out = vec![0.0; bytes.len() / 2];
            omg_format::dequantize(dtype, bytes, &mut out).unwrap();
            out
        };
        assert_eq!(
            values(&files.read(weight).unwrap()),
            values(&expected),
            "{folder}"
        );
        let some = files.read_rows(weight, 5..9).unwrap();
        assert_eq!(
            values(&some),
            values(&expected[5 * shape[1] * 2..9 * shape[1] * 2]),
            "{folder}"
        );
        assert!(files.read_rows(weight, 5..shape[0] + 1).is_err());
    }
}

/// A copy of a folder whose header has `from` replaced by `to`, which is as long.
fn changed(folder: &str, from: &str, to: &str) -> omg_format::Result<ModelFiles> {
    let copy = tempdir(folder);
    let source = fixture(&format!("../packed/{folder}"));
    let mut bytes = fs::read(source.join("model.safetensors")).unwrap();
    let at = bytes
        .windows(from.len())
        .position(|part| part == from.as_bytes())
        .unwrap();
    bytes[at..at + from.len()].copy_from_slice(to.as_bytes());
    fs::write(copy.join("model.safetensors"), bytes).unwrap();
    fs::copy(source.join("config.json"), copy.join("config.json")).unwrap();
    let opened = ModelFiles::open(&copy);
    fs::remove_dir_all(&copy).unwrap();
    opened
}

fn tempdir(name: &str) -> std::path::PathBuf {
    let path = std::env::temp_dir().join(format!("omg-packed-{name}-{}", std::process::id()));
    fs::create_dir_all(&path).unwrap();
    path
}

#[test]
fn parts_that_do_not_fit_are_refused_by_name() {
    for (folder, from, to) in [
        ("fp8-blocks", "[2,2]", "[4,1]"),
        ("fp8-rows", "[24,1]", "[12,2]"),
        ("mlx-4", "[12,2]", "[2,12]"),
    ] {
        let error = changed(folder, from, to).unwrap_err();
        assert_eq!(error.code(), "invalid_model_file", "{folder}: {error}");
        assert!(error.to_string().contains("a.weight"), "{error}");
    }
}
