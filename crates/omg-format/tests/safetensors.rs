//! Reading safetensors folders written by the reference package and refusing those that lie.

mod support;

use std::fs;
use std::path::{Path, PathBuf};

use omg_format::{DType, Error, Format, ModelFiles, parse_safetensors_header};
use support::fixture;

#[test]
fn reads_a_single_file_and_what_lies_beside_it() {
    for path in ["single", "single/model.safetensors"] {
        let files = ModelFiles::open(&fixture(path)).unwrap();
        assert_eq!(files.format(), Format::Safetensors);
        let norm = files.require_tensor("model.norm.weight").unwrap();
        assert_eq!((norm.dtype, &norm.shape[..]), (DType::F16, &[8][..]));
        assert_eq!(
            files.read_f32(norm).unwrap(),
            (0..8).map(|v| v as f32).collect::<Vec<_>>()
        );
        assert_eq!(
            files
                .require_tensor("model.embed_tokens.weight")
                .unwrap()
                .shape,
            [16, 8]
        );
        assert_eq!(files.quantization(), "F32");
        assert_eq!(files.parameter_count(), 16 * 8 + 8 + 4 * 8);
        let config = files.config().unwrap();
        assert_eq!(config["architectures"][0], "LlamaForCausalLM");
        assert_eq!(config["time_step_limit"][1], 1e308);
        assert_eq!(config["text"], "NaN \"Infinity");
        let folder = files.folder().unwrap();
        assert_eq!(
            folder.generation_config.as_ref().unwrap()["eos_token_id"][1],
            5
        );
        assert_eq!(folder.chat_template.as_deref(), Some("d"));
        assert!(folder.tokenizer_json.as_ref().unwrap().is_file());
        assert!(files.tokenizer().unwrap().is_none());
    }
}

#[test]
fn shards_are_one_model() {
    let single = ModelFiles::open(&fixture("single")).unwrap();
    let sharded = ModelFiles::open(&fixture("sharded")).unwrap();
    assert_eq!(sharded.files().len(), 2);
    assert_eq!(sharded.tensors().len(), 3);
    for tensor in single.tensors() {
        let other = sharded.require_tensor(&tensor.name).unwrap();
        assert_eq!(single.read(tensor).unwrap(), sharded.read(other).unwrap());
    }
}

struct Folder(PathBuf);

impl Folder {
    fn copy_of(name: &str, label: &str) -> Self {
        let path = std::env::temp_dir().join(format!("omg-format-{label}-{}", std::process::id()));
        fs::create_dir_all(&path).unwrap();
        for entry in fs::read_dir(fixture(name)).unwrap() {
            let entry = entry.unwrap();
            fs::copy(entry.path(), path.join(entry.file_name())).unwrap();
        }
        Folder(path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn refusal(path: &Path) -> Error {
    ModelFiles::open(path).unwrap_err()
}

#[test]
fn incomplete_folders_are_refused() {
    let folder = Folder::copy_of("sharded", "shards");
    let index = folder.0.join("model.safetensors.index.json");
    let shard = folder.0.join("model-00002-of-00002.safetensors");
    let bytes = fs::read(&shard).unwrap();

    fs::write(&shard, &bytes[..bytes.len() - 1]).unwrap();
    assert!(refusal(&folder.0).to_string().contains("past the end"));
    fs::remove_file(&shard).unwrap();
    assert_eq!(refusal(&folder.0).code(), "not_found");
    fs::write(&shard, &bytes).unwrap();

    fs::write(&index, r#"{"weight_map": {"x": "../model.safetensors"}}"#).unwrap();
    assert!(refusal(&folder.0).to_string().contains("leaves the folder"));
    fs::write(
        &index,
        r#"{"weight_map": {"x": "model-00001-of-00002.safetensors"}}"#,
    )
    .unwrap();
    assert!(
        refusal(&folder.0)
            .to_string()
            .contains("tensor x is not in")
    );
    fs::write(&index, r#"{"weight_map": []}"#).unwrap();
    assert!(refusal(&folder.0).to_string().contains("index"));
    fs::remove_file(&index).unwrap();
    assert_eq!(ModelFiles::open(&folder.0).unwrap().tensors().len(), 3);
    fs::copy(&shard, folder.0.join("other.safetensors")).unwrap();
    assert!(
        refusal(&folder.0)
            .to_string()
            .contains("3 safetensors files")
    );
    fs::remove_file(folder.0.join("config.json")).unwrap();
    fs::remove_file(folder.0.join("other.safetensors")).unwrap();
    assert!(refusal(&folder.0).to_string().contains("config.json"));
}

#[test]
fn a_folder_without_weights_is_refused() {
    let folder = Folder::copy_of("single", "empty");
    fs::remove_file(folder.0.join("model.safetensors")).unwrap();
    let error = refusal(&folder.0);
    assert_eq!(error.code(), "invalid_model_file");
    assert!(error.to_string().contains("no weights"), "{error}");
}

#[test]
fn modules_of_sentence_transformers_stay_in_the_folder() {
    let folder = Folder::copy_of("single", "modules");
    let modules = folder.0.join("modules.json");
    let pooling = |path: &str| {
        let kind = "sentence_transformers.models";
        format!(
            r#"[{{"type": "{kind}.Transformer", "path": ""}}, {{"type": "{kind}.Pooling", "path": "{path}"}}]"#
        )
    };
    fs::create_dir(folder.0.join("1_Pooling")).unwrap();
    fs::write(
        folder.0.join("1_Pooling/config.json"),
        r#"{"pooling_mode": "cls"}"#,
    )
    .unwrap();
    fs::write(&modules, pooling("1_Pooling")).unwrap();
    let files = ModelFiles::open(&folder.0).unwrap();
    let stated = files
        .folder()
        .unwrap()
        .sentence_transformers
        .as_ref()
        .unwrap();
    assert_eq!(stated.pooling.as_ref().unwrap()["pooling_mode"], "cls");
    assert_eq!(
        stated.kinds().collect::<Vec<_>>(),
        ["Transformer", "Pooling"]
    );
    for path in ["../1_Pooling", "/etc", "a/b"] {
        fs::write(&modules, pooling(path)).unwrap();
        assert!(refusal(&folder.0).to_string().contains("leaves the folder"));
    }
    fs::write(&modules, "{").unwrap();
    assert_eq!(refusal(&folder.0).code(), "invalid_model_file");
}

fn file(header: &str, data: usize) -> Vec<u8> {
    let mut out = (header.len() as u64).to_le_bytes().to_vec();
    out.extend(header.as_bytes());
    out.resize(out.len() + data, 0);
    out
}

#[test]
fn broken_headers_are_refused_with_a_reason() {
    let one = |fields: &str| file(&format!(r#"{{"t": {{{fields}}}}}"#), 16);
    let cases = [
        ("shorter than 8", vec![1, 2, 3]),
        ("header of 18446744073709551615 bytes", vec![0xff; 64]),
        ("header is damaged", file("[]", 0)),
        ("header is damaged", file(r#"{"t": 1}"#, 0)),
        (
            "header is damaged",
            one(r#""dtype": "F32", "shape": [-1], "data_offsets": [0, 4]"#),
        ),
        (
            "disagree",
            one(r#""dtype": "F32", "shape": [4], "data_offsets": [0, 15]"#),
        ),
        (
            "disagree",
            one(r#""dtype": "F32", "shape": [4], "data_offsets": [16, 0]"#),
        ),
        (
            "past the end",
            one(r#""dtype": "F32", "shape": [4], "data_offsets": [4, 20]"#),
        ),
        (
            "too large",
            one(r#""dtype": "F32", "shape": [9223372036854775807, 9], "data_offsets": [0, 4]"#),
        ),
        (
            "twice",
            file(
                r#"{"t":{"dtype":"I8","shape":[1],"data_offsets":[0,1]},"t":{"dtype":"I8","shape":[1],"data_offsets":[1,2]}}"#,
                2,
            ),
        ),
        (
            "overlap",
            file(
                r#"{"t":{"dtype":"I8","shape":[2],"data_offsets":[0,2]},"u":{"dtype":"I8","shape":[1],"data_offsets":[1,2]}}"#,
                2,
            ),
        ),
    ];
    for (reason, bytes) in cases {
        let error = parse_safetensors_header(&bytes, bytes.len() as u64).unwrap_err();
        assert_eq!(error.code(), "invalid_model_file", "{reason}: {error}");
        assert!(error.to_string().contains(reason), "{reason}: {error}");
    }
    let unknown = one(r#""dtype": "F6_E2M3", "shape": [4], "data_offsets": [0, 3]"#);
    let error = parse_safetensors_header(&unknown, unknown.len() as u64).unwrap_err();
    assert_eq!(error.code(), "unsupported_quantization");
    assert!(error.to_string().contains("F6_E2M3"));
}

#[test]
fn a_prefix_says_how_much_more_is_needed() {
    let bytes = fs::read(fixture("single/model.safetensors")).unwrap();
    let need = |have: usize| match parse_safetensors_header(&bytes[..have], bytes.len() as u64) {
        Err(Error::Incomplete { need }) => need as usize,
        other => panic!("{other:?}"),
    };
    assert_eq!(need(3), 8);
    let header = need(8);
    assert_eq!(
        parse_safetensors_header(&bytes[..header], bytes.len() as u64)
            .unwrap()
            .tensors
            .len(),
        3
    );
}

/// Looking each tensor of the index up in a list took minutes for so many.
#[test]
fn a_large_index_is_compared_in_one_pass() {
    const TENSORS: usize = 200_000;
    let folder = Folder::copy_of("sharded", "index");
    let names: Vec<String> = (0..TENSORS).map(|i| format!("t{i:06}")).collect();
    let entry = |(i, name): (usize, &String)| {
        format!(
            r#""{name}":{{"dtype":"I8","shape":[1],"data_offsets":[{i},{}]}}"#,
            i + 1
        )
    };
    let header: Vec<String> = names.iter().enumerate().map(entry).collect();
    let weights = file(&format!("{{{}}}", header.join(",")), TENSORS);
    fs::write(folder.0.join("a.safetensors"), weights).unwrap();
    // The last to be found is the first that is looked for.
    let map: Vec<String> = names
        .iter()
        .map(|n| format!(r#""{n}":"a.safetensors""#))
        .collect();
    let index = |map: &[String]| format!(r#"{{"weight_map":{{{}}}}}"#, map.join(","));
    let path = folder.0.join("model.safetensors.index.json");
    fs::write(&path, index(&map)).unwrap();
    let begin = std::time::Instant::now();
    assert_eq!(
        ModelFiles::open(&folder.0).unwrap().tensors().len(),
        TENSORS
    );
    assert!(begin.elapsed().as_secs() < 30, "{:?}", begin.elapsed());
    fs::write(
        &path,
        index(&[&map[..], &[r#""more":"a.safetensors""#.to_owned()]].concat()),
    )
    .unwrap();
    assert!(
        refusal(&folder.0)
            .to_string()
            .contains("tensor more is not in a.safetensors")
    );
}
