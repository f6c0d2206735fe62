//! Reading GGUF files written by gguf-py (scripts/fixtures/model_files.py) and refusing those that lie.

#[path = "support/gguf_bytes.rs"]
mod gguf_bytes;
mod support;

use std::fs;

use gguf_bytes::{gguf, gguf_start, pair, tensor, text};
use omg_format::{Array, DType, Error, Format, ModelFiles, TokenType, Value, parse_gguf_header};
use support::fixture;

#[test]
fn reads_every_metadata_type() {
    let files = ModelFiles::open(&fixture("tiny.gguf")).unwrap();
    let metadata = files.metadata();
    assert_eq!(files.format(), Format::Gguf);
    assert_eq!(metadata.get("test.uint8"), Some(&Value::U8(200)));
    assert_eq!(metadata.get("test.int8"), Some(&Value::I8(-100)));
    assert_eq!(metadata.get("test.uint16"), Some(&Value::U16(60_000)));
    assert_eq!(metadata.get("test.int16"), Some(&Value::I16(-30_000)));
    assert_eq!(
        metadata.get("test.uint32"),
        Some(&Value::U32(4_000_000_000))
    );
    assert_eq!(
        metadata.get("test.int32"),
        Some(&Value::I32(-2_000_000_000))
    );
    assert_eq!(metadata.get("test.float32"), Some(&Value::F32(1.5)));
    assert_eq!(metadata.get("test.bool"), Some(&Value::Bool(true)));
    assert_eq!(
        metadata.get("test.string"),
        Some(&Value::String("Grüße, 世界".to_owned()))
    );
    assert_eq!(metadata.get("test.uint64"), Some(&Value::U64(1 << 40)));
    assert_eq!(metadata.get("test.int64"), Some(&Value::I64(-(1 << 40))));
    assert_eq!(metadata.get("test.float64"), Some(&Value::F64(0.1)));
    assert_eq!(
        metadata.get("test.int16s"),
        Some(&Value::Array(Array::I16(vec![-30_000; 3])))
    );
    assert_eq!(
        metadata.get("test.uint64s"),
        Some(&Value::Array(Array::U64(vec![1 << 40; 3])))
    );
    assert_eq!(
        metadata.get("test.float64s"),
        Some(&Value::Array(Array::F64(vec![0.1; 3])))
    );
    assert_eq!(
        metadata.get("test.bools"),
        Some(&Value::Array(Array::Bool(vec![true; 3])))
    );
}

#[test]
fn getters_convert_what_fits_and_name_what_does_not() {
    let files = ModelFiles::open(&fixture("tiny.gguf")).unwrap();
    let metadata = files.metadata();
    assert_eq!(
        metadata.require_str("general.architecture").unwrap(),
        "llama"
    );
    assert_eq!(metadata.u32("test.uint8").unwrap(), Some(200));
    assert_eq!(metadata.f32("test.uint8").unwrap(), Some(200.0));
    assert_eq!(metadata.u32("test.absent").unwrap(), None);
    for (key, error) in [
        ("test.int8", metadata.u32("test.int8").unwrap_err()),
        ("test.uint64", metadata.u32("test.uint64").unwrap_err()),
        ("test.string", metadata.f32("test.string").unwrap_err()),
        (
            "test.absent",
            metadata.require_u32("test.absent").unwrap_err(),
        ),
    ] {
        assert_eq!(error.code(), "invalid_model_file");
        assert!(error.to_string().contains(key), "{error}");
    }
    assert_eq!(
        metadata
            .u32_per_layer("llama.attention.head_count_kv", 3)
            .unwrap(),
        Some(vec![4, 2, 4])
    );
    assert_eq!(
        metadata.u32_per_layer("llama.block_count", 2).unwrap(),
        Some(vec![4, 4])
    );
    assert_eq!(
        metadata.bool_per_layer("llama.pattern", 2).unwrap(),
        Some(vec![true, false])
    );
    assert!(
        metadata
            .u32_per_layer("llama.attention.head_count_kv", 5)
            .is_err()
    );
}

#[test]
fn reads_tensors_and_rows_of_them() {
    let files = ModelFiles::open(&fixture("tiny.gguf")).unwrap();
    assert_eq!(files.quantization(), "Q8_0");
    assert_eq!(
        files.total_bytes(),
        fs::metadata(fixture("tiny.gguf")).unwrap().len()
    );
    let experts = files.require_tensor("blk.0.ffn_down_exps.weight").unwrap();
    assert_eq!(
        (experts.dtype, &experts.shape[..]),
        (DType::Q4_0, &[3, 8, 64][..])
    );
    assert_eq!(
        (experts.rows(), experts.cols(), experts.bytes),
        (24, 64, 24 * 36)
    );
    let norm = files.require_tensor("output_norm.weight").unwrap();
    assert_eq!(
        files.read_f32(norm).unwrap(),
        (0..32).map(|v| v as f32).collect::<Vec<_>>()
    );
    let embedding = files.require_tensor("token_embd.weight").unwrap();
    let whole = files.read(embedding).unwrap();
    assert_eq!(
        files.read_rows(embedding, 3..5).unwrap(),
        whole[3 * 34..5 * 34]
    );
    assert!(files.read_rows(embedding, 3..17).is_err());
    assert_eq!(
        files.require_tensor("nothing").unwrap_err().code(),
        "invalid_model_file"
    );
}

#[test]
fn a_split_set_is_one_model_whichever_file_is_named() {
    let whole = ModelFiles::open(&fixture("tiny.gguf")).unwrap();
    for path in [
        "split/tiny-00001-of-00002.gguf",
        "split/tiny-00002-of-00002.gguf",
        "split",
    ] {
        let split = ModelFiles::open(&fixture(path)).unwrap();
        assert_eq!(split.files().len(), 2);
        assert_eq!(
            split.metadata().require_u32("llama.block_count").unwrap(),
            4
        );
        assert_eq!(split.tensors().len(), whole.tensors().len());
        for tensor in whole.tensors() {
            let other = split.require_tensor(&tensor.name).unwrap();
            assert_eq!(
                split.read(other).unwrap(),
                whole.read(tensor).unwrap(),
                "{}",
                tensor.name
            );
        }
    }
}

#[test]
fn a_split_set_with_a_missing_or_renamed_file_is_refused() {
    let folder = std::env::temp_dir().join(format!("omg-format-split-{}", std::process::id()));
    fs::create_dir_all(&folder).unwrap();
    let first = folder.join("tiny-00001-of-00002.gguf");
    fs::copy(fixture("split/tiny-00001-of-00002.gguf"), &first).unwrap();
    assert_eq!(ModelFiles::open(&first).unwrap_err().code(), "not_found");
    fs::copy(&first, folder.join("tiny-00002-of-00002.gguf")).unwrap();
    assert!(
        ModelFiles::open(&first)
            .unwrap_err()
            .to_string()
            .contains("another set")
    );
    let renamed = folder.join("model.gguf");
    fs::copy(&first, &renamed).unwrap();
    assert!(
        ModelFiles::open(&renamed)
            .unwrap_err()
            .to_string()
            .contains("one of 2 files")
    );
    fs::remove_dir_all(&folder).unwrap();
}

#[test]
fn the_tokenizer_view_drops_ids_outside_the_vocabulary() {
    let files = ModelFiles::open(&fixture("tiny.gguf")).unwrap();
    let tokenizer = files.tokenizer().unwrap().unwrap();
    assert_eq!(tokenizer.model, "llama");
    assert_eq!(
        tokenizer.tokens.iter().collect::<Vec<_>>(),
        ["<unk>", "<s>", "</s>", "▁hello", "é", ""]
    );
    assert_eq!(
        (tokenizer.bos, tokenizer.eos, tokenizer.padding),
        (Some(1), Some(2), None)
    );
    assert_eq!(tokenizer.token_types[0], TokenType::Unknown);
    assert_eq!(tokenizer.token_types[5], TokenType::Unused);
    assert_eq!(tokenizer.chat_template, Some("{{ messages }}"));
}

#[test]
fn a_prefix_says_how_much_more_is_needed() {
    let bytes = fs::read(fixture("tiny.gguf")).unwrap();
    let whole = parse_gguf_header(&bytes, bytes.len() as u64).unwrap();
    let mut have = 0;
    let mut rounds = 0;
    let header = loop {
        match parse_gguf_header(&bytes[..have], bytes.len() as u64) {
            Err(Error::Incomplete { need }) => {
                assert!(need as usize > have && need <= bytes.len() as u64);
                have = need as usize;
                rounds += 1;
            }
            other => break other.unwrap(),
        }
    };
    assert!(rounds > 10);
    assert_eq!(header.tensors, whole.tensors);
    assert!(have as u64 <= header.data_offset);
}

#[test]
fn broken_headers_are_refused_with_a_reason() {
    let u32_pair = |key: &str, value: u32| pair(key, 4, &value.to_le_bytes());
    let array = |kind: u32, count: u64| [&kind.to_le_bytes()[..], &count.to_le_bytes()].concat();
    let cases: Vec<(&str, Vec<u8>)> = vec![
        ("not a GGUF", b"hello".to_vec()),
        ("zip archive", b"PK\x03\x04....".to_vec()),
        (
            "Git LFS",
            b"version https://git-lfs.github.com/spec/v1".to_vec(),
        ),
        ("web page", b"<!doctype html>".to_vec()),
        ("version 1", gguf_start(1, 0, 0)),
        ("version 9", gguf_start(9, 0, 0)),
        ("big-endian", gguf_start(3 << 24, 0, 0)),
        ("ends inside its header", b"GGUF".to_vec()),
        ("ends inside its header", gguf_start(3, 0, 0)[..20].to_vec()),
        (
            "count of 18446744073709551615 for tensors",
            gguf_start(3, u64::MAX, 0),
        ),
        ("for metadata pairs", gguf_start(3, 0, 1 << 40)),
        ("name of 0 bytes", gguf(&[u32_pair("", 1)], &[], 0)),
        (
            "not UTF-8",
            gguf(
                &[[&2u64.to_le_bytes()[..], b"\xff\xfe", &[0; 8]].concat()],
                &[],
                0,
            ),
        ),
        ("twice", gguf(&[u32_pair("a", 1), u32_pair("a", 2)], &[], 0)),
        ("unknown type 13", gguf(&[pair("a", 13, &[0; 8])], &[], 0)),
        (
            "array of arrays",
            gguf(&[pair("a", 9, &array(9, 1))], &[], 64),
        ),
        (
            "unknown element type 77",
            gguf(&[pair("a", 9, &array(77, 1))], &[], 64),
        ),
        (
            "count of 4294967295 for a",
            gguf(&[pair("a", 9, &array(8, u64::from(u32::MAX)))], &[], 64),
        ),
        (
            "count of 9223372036854775807 for a",
            gguf(&[pair("a", 8, &(i64::MAX).to_le_bytes())], &[], 64),
        ),
        (
            "not a power of two",
            gguf(&[u32_pair("general.alignment", 24)], &[], 0),
        ),
        (
            "not a power of two",
            gguf(&[u32_pair("general.alignment", 0)], &[], 0),
        ),
        (
            "general.alignment",
            gguf(&[pair("general.alignment", 8, &text("32"))], &[], 0),
        ),
        ("5 dimensions", gguf(&[], &[tensor("t", &[1; 5], 0, 0)], 64)),
        (
            "empty dimension",
            gguf(&[], &[tensor("t", &[0, 4], 0, 0)], 64),
        ),
        (
            "too large",
            gguf(&[], &[tensor("t", &[1 << 62, 1 << 62], 0, 0)], 64),
        ),
        (
            "too large",
            gguf(&[], &[tensor("t", &[1 << 61, 3], 0, 0)], 64),
        ),
        ("whole blocks", gguf(&[], &[tensor("t", &[33], 8, 0)], 64)),
        (
            "twice",
            gguf(
                &[],
                &[tensor("t", &[4], 0, 0), tensor("t", &[4], 0, 32)],
                64,
            ),
        ),
        (
            "overlap",
            gguf(
                &[],
                &[tensor("t", &[16], 0, 0), tensor("u", &[4], 0, 32)],
                96,
            ),
        ),
        ("not aligned", gguf(&[], &[tensor("t", &[4], 0, 4)], 64)),
        ("past the end", gguf(&[], &[tensor("t", &[64], 0, 0)], 64)),
        (
            "past the end",
            gguf(&[], &[tensor("t", &[4], 0, u64::MAX - 31)], 64),
        ),
    ];
    for (reason, bytes) in cases {
        let error = parse_gguf_header(&bytes, bytes.len() as u64).unwrap_err();
        assert_eq!(error.code(), "invalid_model_file", "{reason}: {error}");
        assert!(error.to_string().contains(reason), "{reason}: {error}");
    }
}

#[test]
fn types_that_left_the_format_are_refused_by_name() {
    let bytes = gguf(&[], &[tensor("t", &[256], 36, 0)], 1024);
    let error = parse_gguf_header(&bytes, bytes.len() as u64).unwrap_err();
    assert_eq!(error.code(), "unsupported_quantization");
    assert!(error.to_string().contains("IQ4_NL_4_4"));
    assert!(error.hint().is_some());
}

#[test]
fn absent_files_and_other_files_have_their_codes() {
    assert_eq!(
        ModelFiles::open(&fixture("absent.gguf"))
            .unwrap_err()
            .code(),
        "not_found"
    );
    let error = ModelFiles::open(&fixture("single/config.json")).unwrap_err();
    assert_eq!(error.code(), "invalid_model_file");
    assert!(error.to_string().contains("config.json"), "{error}");
}

#[test]
fn a_large_vocabulary_is_read_whole() {
    let mut tokens = [&8u32.to_le_bytes()[..], &200_000u64.to_le_bytes()].concat();
    (0..200_000).for_each(|id| tokens.extend(text(&format!("token{id}"))));
    let bytes = gguf(&[pair("tokenizer.ggml.tokens", 9, &tokens)], &[], 0);
    let start = std::time::Instant::now();
    let header = parse_gguf_header(&bytes, bytes.len() as u64).unwrap();
    let elapsed = start.elapsed();
    let strings = header
        .metadata
        .strings("tokenizer.ggml.tokens")
        .unwrap()
        .unwrap();
    assert_eq!(
        (strings.len(), strings.get(199_999)),
        (200_000, Some("token199999"))
    );
    eprintln!("200000 strings in {elapsed:?}");
}
