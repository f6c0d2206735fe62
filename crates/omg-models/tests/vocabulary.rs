//! What a spec can say beyond what the families of the fixtures use: both paths compute the same, and something else than
//! without it.

mod fixture;

use fixture::{Form, largest_difference, open, run};
use omg_kernels::Mask;
use omg_models::spec::{AttentionSpec, Mixer, Temperature};
use omg_models::{DeviceChoice, Model, ModelSpec, spec_of};

const TOKENS: [u32; 40] = {
    let mut tokens = [3; 40];
    let mut at = 0;
    while at < 40 {
        tokens[at] = 3 + (at as u32 * 31 + 7) % 280;
        at += 1;
    }
    tokens
};

fn logits(device: DeviceChoice, change: impl Fn(&mut ModelSpec)) -> Vec<f32> {
    let files = open("qwen3", Form::Safetensors);
    let mut spec = spec_of(&files).unwrap().with_served_context(256);
    change(&mut spec);
    let model = Model::load(&files, spec, &device, &mut |_| true).unwrap();
    let all: Vec<usize> = (0..TOKENS.len()).collect();
    let mut kv = model.new_kv(2).unwrap();
    // In two chunks, so that the second reads what the first has kept.
    let mut logits = run(&model, &mut kv, &[1, 0], 0, &TOKENS[..33], &all[..33]);
    logits.extend(run(&model, &mut kv, &[1, 0], 33, &TOKENS[33..], &all[..7]));
    logits
}

fn check(name: &str, change: impl Fn(&mut ModelSpec)) {
    let kernels = logits(DeviceChoice::Cpu { threads: 2 }, &change);
    let tensors = logits(DeviceChoice::CpuTensors, &change);
    let plain = logits(DeviceChoice::Cpu { threads: 2 }, |_| {});
    let apart = largest_difference(&kernels, &tensors);
    assert!(apart < 1e-3, "{name}: {apart} between the paths");
    let changed = largest_difference(&kernels, &plain);
    assert!(changed > 1e-2, "{name}: {changed} from what it was");
}

fn check_attention(name: &str, change: impl Fn(&mut AttentionSpec)) {
    check(name, |spec| {
        for layer in &mut spec.layers {
            for attention in layer.mixers.iter_mut().filter_map(Mixer::attention_mut) {
                change(attention);
            }
        }
    });
}

#[test]
fn attention_without_positions_in_its_heads() {
    check_attention("slopes", |attention| {
        attention.rope = None;
        attention.slopes = Some(vec![0.5, 0.25, 0.125, 0.0625]);
    });
}

#[test]
fn attention_in_chunks() {
    check_attention("chunks", |attention| attention.mask = Mask::Chunk(16));
}

#[test]
fn ropes_that_turn_the_end_of_a_head() {
    check_attention("offset", |attention| {
        let rope = attention.rope.as_mut().unwrap();
        rope.dims = attention.key_dim / 2;
        rope.offset = attention.key_dim / 4;
    });
}

#[test]
fn norms_after_the_rope_and_of_values() {
    check_attention("norms", |attention| {
        let norm = attention.qk_norm.as_mut().unwrap();
        norm.after_rope = true;
        attention.value_norm = Some(norm.norm.weightless());
    });
}

#[test]
fn queries_that_grow_with_their_position() {
    check_attention("temperature", |attention| {
        attention.temperature = Some(Temperature {
            scale: 0.5,
            length: 8,
            offset: 1,
        });
    });
}

#[test]
fn two_mixers_side_by_side() {
    check("two mixers", |spec| {
        for layer in &mut spec.layers {
            let mut second = layer.mixers.clone();
            for attention in second.iter_mut().filter_map(Mixer::attention_mut) {
                attention.mask = Mask::Window(3);
            }
            layer.mixers.extend(second);
        }
    });
}
