//! Vectors and scores against those of sentence-transformers and transformers, for each file format and path.

use std::path::{Path, PathBuf};

use omg_format::ModelFiles;
use omg_models::{
    DeviceChoice, Encoder, EncoderOutput, EncoderSpec, EncoderText, Pooling, encoder_of,
    pooling_of, spec_of,
};
use serde_json::Value as Json;

const CPU: DeviceChoice = DeviceChoice::Cpu { threads: 2 };
/// Nearly all of it is the rounding of keys and values to f16.
const TOLERANCE: f32 = 3e-3;
const COSINE: f64 = 0.99999;

fn folder(case: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/fixtures/encoders")
        .join(case)
}

fn path(case: &str, file: &str) -> PathBuf {
    folder(case).join(file)
}

fn expected(case: &str) -> Json {
    let text = std::fs::read(folder(case).join("expected.json")).unwrap();
    serde_json::from_slice(&text).unwrap()
}

fn numbers(value: &Json) -> Vec<f32> {
    let items = value.as_array().unwrap().iter();
    items.map(|n| n.as_f64().unwrap() as f32).collect()
}

fn ids(value: &Json) -> Vec<u32> {
    numbers(value).into_iter().map(|n| n as u32).collect()
}

fn spec(path: &Path) -> EncoderSpec {
    encoder_of(&ModelFiles::open(path).unwrap())
        .unwrap()
        .unwrap()
}

fn load(path: &Path, device: DeviceChoice) -> Encoder {
    let files = ModelFiles::open(path).unwrap();
    let spec = encoder_of(&files).unwrap().unwrap();
    Encoder::load(&files, spec, &device, &mut |_| true).unwrap()
}

fn single(tokens: &[u32]) -> EncoderText<'_> {
    EncoderText {
        tokens,
        second: tokens.len(),
    }
}

/// What sentence-transformers cuts a text to: the last token stays.
fn cut(mut tokens: Vec<u32>, limit: usize) -> Vec<u32> {
    if tokens.len() > limit {
        let last = tokens[tokens.len() - 1];
        tokens.truncate(limit - 1);
        tokens.push(last);
    }
    tokens
}

fn normalized(mut vector: Vec<f32>) -> Vec<f32> {
    let length = vector.iter().map(|x| x * x).sum::<f32>().sqrt();
    vector.iter_mut().for_each(|x| *x /= length);
    vector
}

fn difference(a: &[f32], b: &[f32]) -> f32 {
    assert_eq!(a.len(), b.len());
    let pairs = a.iter().zip(b);
    pairs.map(|(a, b)| (a - b).abs()).fold(0.0, f32::max)
}

fn cosine(a: &[f32], b: &[f32]) -> f64 {
    let dot = |a: &[f32], b: &[f32]| -> f64 {
        let pairs = a.iter().zip(b);
        pairs.map(|(a, b)| f64::from(*a) * f64::from(*b)).sum()
    };
    dot(a, b) / (dot(a, a) * dot(b, b)).sqrt()
}

fn check_vectors(case: &str, file: &str, device: DeviceChoice) {
    let want = expected(case);
    let encoder = load(&path(case, file), device);
    let limit = want["limit"].as_u64().unwrap_or(1 << 20) as usize;
    let normalize = want["normalize"].as_bool().unwrap_or(false);
    let texts: Vec<Vec<u32>> = want["texts"]
        .as_array()
        .unwrap()
        .iter()
        .map(|text| cut(ids(&text["tokens"]), limit))
        .collect();
    let batch: Vec<EncoderText<'_>> = texts.iter().map(|tokens| single(tokens)).collect();
    let got = encoder.encode(&batch).unwrap();
    for (text, got) in want["texts"].as_array().unwrap().iter().zip(got) {
        let got = if normalize { normalized(got) } else { got };
        let vector = numbers(&text["vector"]);
        let (off, cosine) = (difference(&got, &vector), cosine(&got, &vector));
        assert!(off <= TOLERANCE, "{case} {file} {device:?}: {off}");
        assert!(cosine >= COSINE, "{case} {file} {device:?}: {cosine}");
    }
}

#[test]
fn vectors_are_those_of_sentence_transformers() {
    for case in ["mean", "cls-vocabulary-file"] {
        for file in ["", "model.gguf"] {
            check_vectors(case, file, CPU);
            check_vectors(case, file, DeviceChoice::CpuTensors);
        }
    }
}

#[test]
fn the_positions_of_roberta_begin_after_its_padding() {
    check_vectors("roberta", "", CPU);
    check_vectors("roberta", "", DeviceChoice::CpuTensors);
}

#[test]
fn rope_and_gates_take_the_place_of_positions() {
    check_vectors("nomic-bert", "", CPU);
    check_vectors("nomic-bert", "", DeviceChoice::CpuTensors);
    assert_eq!(spec(&path("nomic-bert", "")).context_length, 64);
}

#[test]
fn cross_encoders_score_as_in_transformers() {
    let want = expected("rank");
    for file in ["", "model.gguf"] {
        for device in [CPU, DeviceChoice::CpuTensors] {
            let encoder = load(&path("rank", file), device);
            for pair in want["pairs"].as_array().unwrap() {
                let (tokens, types) = (ids(&pair["tokens"]), numbers(&pair["types"]));
                if tokens.len() > 64 {
                    continue;
                }
                let second = types.iter().position(|kind| *kind == 1.0).unwrap();
                let got = encoder
                    .encode(&[EncoderText {
                        tokens: &tokens,
                        second,
                    }])
                    .unwrap();
                assert_eq!(got[0].len(), 1);
                let off = (got[0][0] - pair["score"].as_f64().unwrap() as f32).abs();
                assert!(off <= TOLERANCE, "{file} {device:?}: {off}");
            }
        }
    }
}

#[test]
fn a_text_has_the_same_bits_alone_and_in_a_batch() {
    let encoder = load(&path("mean", ""), CPU);
    let texts: Vec<Vec<u32>> = [1usize, 3, 31, 32, 17]
        .iter()
        .map(|count| (0..*count as u32).map(|i| i * 13 % 140).collect())
        .collect();
    let all: Vec<EncoderText<'_>> = texts.iter().map(|tokens| single(tokens)).collect();
    let together = encoder.encode(&all).unwrap();
    for (text, want) in all.iter().zip(together) {
        assert_eq!(encoder.encode(&[*text]).unwrap()[0], want);
    }
}

#[test]
fn the_files_say_how_vectors_are_made() {
    for (case, pooling, normalize, limit) in [
        ("mean", Pooling::Mean, true, 32),
        ("cls-vocabulary-file", Pooling::First, false, 64),
    ] {
        let spec = spec(&path(case, ""));
        let EncoderOutput::Vector(stated) = spec.output else {
            panic!("{case} makes no vectors");
        };
        assert_eq!((stated.pooling, stated.normalize), (pooling, normalize));
        assert_eq!(spec.context_length, limit);
        let gguf = ModelFiles::open(&path(case, "model.gguf")).unwrap();
        assert_eq!(pooling_of(&gguf).unwrap().unwrap().pooling, pooling);
    }
    assert_eq!(spec(&path("roberta", "")).context_length, 64);
    let rank = spec(&path("rank", "")).output;
    assert!(
        matches!(rank, EncoderOutput::Labels { labels: 1, .. }),
        "{rank:?}"
    );
}

#[test]
fn what_cannot_be_read_is_refused() {
    let encoder = load(&path("mean", ""), CPU);
    let long = vec![1; 33];
    for bad in [&[][..], &long, &[142]] {
        let error = encoder.encode(&[single(bad)]).unwrap_err();
        assert_eq!(error.code(), "internal", "{error}");
    }
    assert_eq!(encoder.encode(&[]).unwrap(), Vec::<Vec<f32>>::new());
}

#[test]
fn an_encoder_is_no_decoder() {
    let files = ModelFiles::open(&path("mean", "")).unwrap();
    assert_eq!(
        spec_of(&files).unwrap_err().code(),
        "unsupported_architecture"
    );
}
