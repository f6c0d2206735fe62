//! Files whose header and tensors do not fit each other are refused with an error that says where.

mod fixture;

use std::path::{Path, PathBuf};

use fixture::{Form, open, path};
use omg_format::ModelFiles;
use omg_kernels::Mask;
use omg_models::spec::Mixer;
use omg_models::{Batch, DeviceChoice, Error, Model, Seq, spec_of};
use serde_json::{Value, json};

type Change = fn(&mut Value);

/// A copy of the safetensors folder of a case, with changes.
struct Copy {
    folder: PathBuf,
}

impl Copy {
    fn new(name: &str, case: &str) -> Self {
        let folder = std::env::temp_dir().join(format!("omg-models-{}-{name}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let from = path(case, Form::Safetensors);
        for file in ["config.json", "model.safetensors"] {
            std::fs::copy(from.with_file_name(file), folder.join(file)).unwrap();
        }
        Self { folder }
    }

    fn config(self, change: impl FnOnce(&mut Value)) -> Self {
        let file = self.folder.join("config.json");
        let mut config: Value = serde_json::from_slice(&std::fs::read(&file).unwrap()).unwrap();
        change(&mut config);
        std::fs::write(&file, config.to_string()).unwrap();
        self
    }

    /// Changes the tensor table of the safetensors header.
    fn header(self, change: impl FnOnce(&mut Value)) -> Self {
        let file = self.folder.join("model.safetensors");
        let bytes = std::fs::read(&file).unwrap();
        let len = u64::from_le_bytes(bytes[..8].try_into().unwrap()) as usize;
        let mut header: Value = serde_json::from_slice(&bytes[8..8 + len]).unwrap();
        change(&mut header);
        let header = header.to_string().into_bytes();
        let parts = [
            &(header.len() as u64).to_le_bytes()[..],
            &header,
            &bytes[8 + len..],
        ];
        std::fs::write(&file, parts.concat()).unwrap();
        self
    }

    fn load(&self) -> Result<Model, Error> {
        load(&self.folder)
    }
}

impl Drop for Copy {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

fn load(path: &Path) -> Result<Model, Error> {
    let files = ModelFiles::open(path)?;
    Model::load(
        &files,
        spec_of(&files)?,
        &DeviceChoice::Cpu { threads: 1 },
        &mut |_| true,
    )
}

fn rename(header: &mut Value, from: &str, to: &str) {
    let table = header.as_object_mut().unwrap();
    let entry = table.remove(from).unwrap();
    table.insert(to.to_owned(), entry);
}

#[test]
fn an_unknown_family_is_named_with_those_that_are_known() {
    let copy = Copy::new("unknown", "llama")
        .config(|config| config["architectures"] = json!(["RwkvForCausalLM"]));
    let error = copy.load().err().unwrap();
    assert_eq!(error.code(), "unsupported_architecture");
    assert!(
        matches!(&error, Error::UnsupportedArchitecture { name, .. } if name == "RwkvForCausalLM")
    );
    assert!(error.to_string().contains("qwen3"));
}

#[test]
fn a_missing_tensor_is_named() {
    let name = "model.layers.1.self_attn.k_proj.weight";
    let copy = Copy::new("missing", "llama").header(|header| rename(header, name, "mtp.elsewhere"));
    let error = copy.load().err().unwrap();
    assert!(
        matches!(&error, Error::MissingTensor { name: missing } if missing == name),
        "{error}"
    );
    assert_eq!(error.code(), "invalid_model_file");
}

#[test]
fn a_tensor_of_another_shape_is_named_with_both_shapes() {
    let copy = Copy::new("shape", "llama").header(|header| {
        header["model.layers.0.mlp.up_proj.weight"]["shape"] = json!([32, 128]);
    });
    let error = copy.load().err().unwrap();
    let Error::TensorShape {
        name,
        expected,
        found,
    } = error
    else {
        panic!("{error}")
    };
    assert_eq!(
        (name.as_str(), expected, found),
        (
            "model.layers.0.mlp.up_proj.weight",
            vec![64, 64],
            vec![32, 128]
        )
    );
}

#[test]
fn a_tensor_that_nobody_uses_is_refused() {
    // A Qwen 3 checkpoint that calls itself Llama would run, and talk nonsense.
    let copy = Copy::new("extra", "qwen3").config(|config| {
        config["architectures"] = json!(["LlamaForCausalLM"]);
    });
    let error = copy.load().err().unwrap();
    assert!(
        matches!(&error, Error::UnexpectedTensor { name } if name.contains("_norm")),
        "{error}"
    );
}

#[test]
fn wrong_settings_are_named() {
    let cases: [(&str, Change, &str); 8] = [
        (
            "heads",
            |c| c["num_attention_heads"] = json!(0),
            "num_attention_heads",
        ),
        (
            "kv",
            |c| c["num_key_value_heads"] = json!(3),
            "num_key_value_heads",
        ),
        (
            "layers",
            |c| c["num_hidden_layers"] = json!(4_000_000),
            "num_hidden_layers",
        ),
        (
            "hidden",
            |c| c["hidden_size"] = json!("wide"),
            "hidden_size",
        ),
        ("eps", |c| c["rms_norm_eps"] = json!(-1.0), "rms_norm_eps"),
        (
            "factor",
            |c| c["rope_parameters"]["factor"] = json!(0.0),
            "rope_parameters",
        ),
        (
            "width",
            |c| c["intermediate_size"] = json!(-5),
            "intermediate_size",
        ),
        (
            "context",
            |c| c["max_position_embeddings"] = json!(0.5),
            "max_position_embeddings",
        ),
    ];
    for (name, change, key) in cases {
        let error = Copy::new(name, "llama")
            .config(change)
            .load()
            .err()
            .unwrap();
        assert_eq!(error.code(), "invalid_model_file", "{name}: {error}");
        let (Error::InvalidKey { key: named, .. } | Error::MissingKey { key: named }) = &error
        else {
            panic!("{name}: {error}")
        };
        assert!(
            ["num_key_value_heads", key].contains(&named.as_str()),
            "{name}: {error}"
        );
    }
}

#[test]
fn what_would_compute_something_else_is_unsupported() {
    let cases: [(&str, Change); 3] = [
        ("rope", |c| {
            c["rope_parameters"]["rope_type"] = json!("spiral");
        }),
        ("activation", |c| c["hidden_act"] = json!("relu6")),
        ("experts", |c| {
            c["architectures"] = json!(["MistralForCausalLM"]);
            c["num_local_experts"] = json!(8);
        }),
    ];
    for (name, change) in cases {
        let error = Copy::new(name, "llama")
            .config(change)
            .load()
            .err()
            .unwrap();
        assert_eq!(error.code(), "unsupported", "{name}: {error}");
    }
}

#[test]
fn an_expert_that_is_missing_is_named() {
    let name = "model.layers.1.mlp.experts.4.up_proj.weight";
    let copy =
        Copy::new("expert", "qwen3moe").header(|header| rename(header, name, "mtp.elsewhere"));
    let error = copy.load().err().unwrap();
    assert!(
        matches!(&error, Error::MissingTensor { name: missing } if missing == name),
        "{error}"
    );
}

#[test]
fn experts_of_another_number_are_named() {
    // One tensor per expert: there are six.
    let copy = |name: &str, count: usize| {
        Copy::new(name, "qwen3moe").config(|config| config["num_experts"] = json!(count))
    };
    let error = copy("experts-less", 5).load().err().unwrap();
    let Error::TensorShape {
        name,
        expected,
        found,
    } = error
    else {
        panic!("{error}")
    };
    assert_eq!(name, "model.layers.0.mlp.gate.weight");
    assert_eq!((expected, found), (vec![5, 32], vec![6, 32]));
    let error = copy("experts-more", 7).load().err().unwrap();
    assert_eq!(error.code(), "invalid_model_file", "{error}");

    // All experts in one tensor.
    let copy = Copy::new("experts-shape", "qwen3moe-memory").header(|header| {
        header["model.layers.1.mlp.experts.down_proj"]["shape"] = json!([10, 16, 16]);
    });
    let error = copy.load().err().unwrap();
    let Error::TensorShape {
        name,
        expected,
        found,
    } = error
    else {
        panic!("{error}")
    };
    assert_eq!(name, "model.layers.1.mlp.experts.down_proj");
    assert_eq!((expected, found), (vec![5, 32, 16], vec![10, 16, 16]));
}

#[test]
fn settings_of_experts_that_do_not_fit_are_named() {
    let cases: [(&str, Change, &str); 4] = [
        (
            "used",
            |c| c["num_experts_per_tok"] = json!(7),
            "num_experts_per_tok",
        ),
        (
            "unused",
            |c| c["num_experts_per_tok"] = json!(0),
            "num_experts_per_tok",
        ),
        (
            "width",
            |c| c["moe_intermediate_size"] = json!(0),
            "moe_intermediate_size",
        ),
        ("groups", |c| c["n_group"] = json!(4), "n_group"),
    ];
    for (name, change, key) in cases {
        let copy = Copy::new(&format!("experts-{name}"), "qwen3moe").config(change);
        let error = copy.load().err().unwrap();
        assert!(
            matches!(&error, Error::InvalidKey { key: named, .. } if named == key),
            "{name}: {error}"
        );
    }
}

#[test]
fn loading_stops_when_told_to() {
    let files = open("llama", Form::Gguf);
    let mut heard = Vec::new();
    let mut progress = |part: f32| {
        heard.push(part);
        heard.len() < 3
    };
    let device = DeviceChoice::Cpu { threads: 1 };
    let result = Model::load(&files, spec_of(&files).unwrap(), &device, &mut progress);
    assert!(matches!(result.err(), Some(Error::Cancelled)));
    assert!(
        heard.len() == 3 && heard.windows(2).all(|pair| pair[0] < pair[1]),
        "{heard:?}"
    );
}

#[test]
fn a_device_that_this_build_lacks_is_an_error() {
    let files = open("llama", Form::Gguf);
    let result = Model::load(
        &files,
        spec_of(&files).unwrap(),
        &DeviceChoice::Cuda(0),
        &mut |_| true,
    );
    if !cfg!(feature = "cuda") {
        assert_eq!(result.err().unwrap().code(), "model_load_failed");
    }
}

#[test]
fn what_is_null_is_not_what_the_family_has_by_default() {
    let windows = |change: Change| {
        let copy = Copy::new("null", "olmo3").config(change);
        let files = ModelFiles::open(&copy.folder).unwrap();
        let spec = spec_of(&files).unwrap();
        let masks = spec
            .layers
            .into_iter()
            .map(|layer| match &layer.mixers[..] {
                [Mixer::Attention(attention)] => attention.mask,
                _ => panic!("other mixers"),
            });
        masks.filter(|mask| *mask != Mask::Causal).count()
    };
    let left_out: Change = |config| {
        config.as_object_mut().unwrap().remove("sliding_window");
    };
    assert_eq!(windows(left_out), 3);
    assert_eq!(windows(|config| config["sliding_window"] = json!(null)), 0);
}

#[test]
fn a_context_is_stretched_within_bounds() {
    let context = |factor: f64| {
        let copy = Copy::new("stretched", "llama-dynamic")
            .config(|config| config["rope_scaling"]["factor"] = json!(factor));
        let files = ModelFiles::open(&copy.folder).unwrap();
        spec_of(&files).unwrap().context_length
    };
    assert_eq!(context(4.0), 96);
    assert_eq!(context(0.5), 24);
    assert_eq!(context(1e300), 1 << 30);
}

#[test]
fn the_first_command_r_has_the_context_of_its_tokenizer() {
    let copy = Copy::new("command-r", "cohere")
        .config(|config| config["model_max_length"] = json!(131_072));
    let files = ModelFiles::open(&copy.folder).unwrap();
    assert_eq!(spec_of(&files).unwrap().context_length, 131_072);
}

#[test]
fn shared_caches_need_an_owner() {
    for (shared, reason) in [(3, "leaves no owner"), (4, "a cache of its own")] {
        let copy = Copy::new("owner", "gemma4-e")
            .config(|config| config["num_kv_shared_layers"] = json!(shared));
        let error = copy.load().err().unwrap();
        assert_eq!(error.code(), "invalid_model_file");
        assert!(error.to_string().contains(reason), "{error}");
    }
}

#[test]
fn positions_beyond_the_learned_ones_are_refused() {
    let model = load(&path("gpt2", Form::Safetensors)).unwrap();
    let batch = |positions: &[u32]| {
        let seq = Seq {
            rows: 0..1,
            first_position: 0,
            block_table: &[0],
            state: None,
        };
        let batch = Batch {
            tokens: &[5],
            positions,
            seqs: &[seq],
            outputs: &[0],
        };
        model.forward(&mut model.new_kv(1).unwrap(), &batch)
    };
    assert!(batch(&[255]).is_ok());
    assert_eq!(batch(&[256]).unwrap_err().code(), "internal");
    assert_eq!(batch(&[u32::MAX]).unwrap_err().code(), "internal");
}
