//! For every quantisation type, the tokens that llama.cpp draws greedily from the same file.
//! `scripts/fixtures/models/quantised.py` had ggml quantise the files and llama.cpp draw the tokens.

mod fixture;

use fixture::{root, run};
use omg_format::ModelFiles;
use omg_models::{DeviceChoice, Model, spec_of};

const BLOCKS: [u32; 3] = [2, 0, 1];

/// Greedy tokens after a prompt.
fn greedy(model: &Model, prompt: &[u32], count: usize) -> Vec<u32> {
    let mut kv = model.new_kv(BLOCKS.len()).unwrap();
    let best = |logits: &[f32]| omg_kernels::argmax(logits) as u32;
    let mut tokens = vec![best(&run(
        model,
        &mut kv,
        &BLOCKS,
        0,
        prompt,
        &[prompt.len() - 1],
    ))];
    while tokens.len() < count {
        let (position, last) = (prompt.len() + tokens.len() - 1, tokens[tokens.len() - 1]);
        tokens.push(best(&run(model, &mut kv, &BLOCKS, position, &[last], &[0])));
    }
    tokens
}

fn check(device: DeviceChoice) {
    let folder = root().join("quantised");
    let text = std::fs::read(folder.join("greedy.json")).unwrap();
    let expected: serde_json::Value = serde_json::from_slice(&text).unwrap();
    let types = expected.as_object().unwrap();
    assert_eq!(types.len(), 10);
    for (name, case) in types {
        let numbers =
            |key: &str| -> Vec<u32> { serde_json::from_value(case[key].clone()).unwrap() };
        let files = ModelFiles::open(&folder.join(format!("{name}.gguf"))).unwrap();
        let model = Model::load(&files, spec_of(&files).unwrap(), &device, &mut |_| true).unwrap();
        let (prompt, tokens) = (numbers("prompt"), numbers("tokens"));
        assert!(tokens.len() >= 64);
        assert_eq!(
            greedy(&model, &prompt, tokens.len()),
            tokens,
            "{name} on {device:?}"
        );
    }
}

#[test]
fn the_kernels_draw_the_tokens_of_llama_cpp() {
    check(DeviceChoice::Cpu { threads: 2 });
}

#[test]
fn the_tensors_draw_the_tokens_of_llama_cpp() {
    check(DeviceChoice::CpuTensors);
}
