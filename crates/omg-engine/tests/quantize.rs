//! Quantised files read back as models, within the error their types allow.

use std::path::{Path, PathBuf};

use omg_engine::quantize;
use omg_format::{DType, Metadata, ModelFiles, NewTensor, Value, layout_gguf};

struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("omg-quantize-{}-{name}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }
    fn file(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// Values like those of weights: mostly small, some large, from a small seeded generator.
fn weights(count: usize, seed: u64) -> Vec<f32> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut uniform = move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 40) as f32 / (1u64 << 24) as f32 - 0.5
    };
    (0..count)
        .map(|_| (0..6).map(|_| uniform()).sum::<f32>() * 0.04)
        .collect()
}

const TENSORS: [(&str, &[usize]); 7] = [
    ("token_embd.weight", &[300, 512]),
    ("output.weight", &[300, 512]),
    ("output_norm.weight", &[512]),
    ("blk.0.attn_v.weight", &[256, 512]),
    ("blk.0.attn_q.weight", &[512, 512]),
    ("blk.0.ffn_down.weight", &[512, 96]),
    ("blk.0.ffn_gate_inp.weight", &[8, 512]),
];

fn source(path: &Path, dtype: DType) {
    let mut metadata = Metadata::default();
    metadata.insert("general.architecture".into(), Value::String("llama".into()));
    metadata.insert("general.file_type".into(), Value::U32(0));
    metadata.insert("llama.block_count".into(), Value::U32(1));
    let tensors: Vec<_> = TENSORS
        .iter()
        .map(|(name, shape)| NewTensor {
            name: (*name).to_owned(),
            dtype: if shape.len() > 1 { dtype } else { DType::F32 },
            shape: shape.to_vec(),
        })
        .collect();
    let layout = layout_gguf(&metadata, &tensors).unwrap();
    let mut bytes = layout.header.clone();
    for (index, (tensor, offset)) in tensors.iter().zip(&layout.offsets).enumerate() {
        bytes.resize(*offset as usize, 0);
        let values = weights(tensor.shape.iter().product(), index as u64 + 1);
        bytes.extend(omg_format::quantize(tensor.dtype, &values).unwrap());
    }
    bytes.resize(layout.total_bytes as usize, 0);
    std::fs::write(path, bytes).unwrap();
}

/// Root mean square of the difference over that of the values.
fn error_of(a: &[f32], b: &[f32]) -> f64 {
    let square = |values: &mut dyn Iterator<Item = f64>| values.map(|v| v * v).sum::<f64>();
    let difference = square(&mut a.iter().zip(b).map(|(a, b)| f64::from(a - b)));
    (difference / square(&mut a.iter().map(|a| f64::from(*a)))).sqrt()
}

#[test]
fn every_type_stays_within_its_error() {
    let folder = Folder::new("types");
    let input = folder.file("in.gguf");
    source(&input, DType::F16);
    let before = ModelFiles::open(&input).unwrap();
    // What the types lose on weights of a normal distribution, with a tenth of room.
    for (target, worst) in [
        ("q8_0", 0.007),
        ("q6_k", 0.02),
        ("q5_1", 0.05),
        ("q5_k_m", 0.045),
        ("q5_0", 0.06),
        ("q4_k_m", 0.09),
        ("q4_k_s", 0.09),
        ("q4_1", 0.1),
        ("q4_0", 0.12),
        ("q3_k_m", 0.2),
        ("bf16", 0.003),
        ("f32", 0.0),
    ] {
        let output = folder.file("out.gguf");
        quantize(&input, target, &output, &mut |_, _| true).unwrap();
        let after = ModelFiles::open(&output).unwrap();
        assert_eq!(after.tensors().len(), TENSORS.len());
        for (name, shape) in TENSORS {
            let (old, new) = (before.tensor(name).unwrap(), after.tensor(name).unwrap());
            assert_eq!(new.shape, shape, "{target} {name}");
            let (a, b) = (before.read_f32(old).unwrap(), after.read_f32(new).unwrap());
            let error = error_of(&a, &b);
            if old.dtype == new.dtype {
                assert_eq!(a, b, "{target} {name}");
            } else {
                assert!(
                    error <= worst,
                    "{target} {name} as {}: {error}",
                    new.dtype.name()
                );
            }
        }
    }
}

#[test]
fn the_file_says_what_it_is_and_keeps_the_rest() {
    let folder = Folder::new("metadata");
    let (input, output) = (folder.file("in.gguf"), folder.file("out.gguf"));
    source(&input, DType::F32);
    let mut seen = Vec::new();
    quantize(&input, "Q4_K_M", &output, &mut |done, total| {
        seen.push((done, total));
        true
    })
    .unwrap();
    assert!(seen.windows(2).all(|pair| pair[0].0 < pair[1].0));
    assert!(seen.last().is_some_and(|(done, total)| done == total));
    let files = ModelFiles::open(&output).unwrap();
    assert_eq!(files.quantization(), "Q4_K_M");
    assert_eq!(files.metadata().u32("llama.block_count").unwrap(), Some(1));
    let type_of = |name: &str| files.tensor(name).unwrap().dtype;
    assert_eq!(type_of("output.weight"), DType::Q6_K);
    assert_eq!(type_of("token_embd.weight"), DType::Q4_K);
    assert_eq!(type_of("blk.0.attn_v.weight"), DType::Q6_K);
    assert_eq!(type_of("blk.0.ffn_gate_inp.weight"), DType::F32);
    // Its rows are no whole K blocks.
    assert_eq!(type_of("blk.0.ffn_down.weight"), DType::Q8_0);
}

#[test]
fn what_cannot_be_done_is_refused() {
    let folder = Folder::new("refused");
    let (input, output) = (folder.file("in.gguf"), folder.file("out.gguf"));
    source(&input, DType::Q8_0);
    let code = |target: &str| {
        quantize(&input, target, &output, &mut |_, _| true)
            .unwrap_err()
            .code()
    };
    assert_eq!(code("Q4_0"), "unsupported");
    assert_eq!(code("Q7_X"), "invalid_request");
    quantize(&input, "F32", &output, &mut |_, _| true).unwrap();
    let (before, after) = (
        ModelFiles::open(&input).unwrap(),
        ModelFiles::open(&output).unwrap(),
    );
    for tensor in before.tensors() {
        let floats = after.read_f32(after.tensor(&tensor.name).unwrap()).unwrap();
        assert_eq!(before.read_f32(tensor).unwrap(), floats, "{}", tensor.name);
    }
    source(&input, DType::F32);
    let stopped = quantize(&input, "Q4_0", &output, &mut |_, _| false);
    assert_eq!(stopped.unwrap_err().code(), "cancelled");
}
