//! Logits against those of transformers in float32, for each family, file format and path.

mod fixture;

use fixture::{Form, cases, largest_difference, load, prompts, run};
use omg_models::DeviceChoice;

/// Against float32 throughout. Nearly all of it is the rounding of keys and values to f16.
const TOLERANCE: f32 = 1e-3;
/// Against the reference with the same rounding: a key may still round the other way.
const TOLERANCE_HALF_CACHE: f32 = 4e-4;
const CPU: DeviceChoice = DeviceChoice::Cpu { threads: 2 };

fn check(form: Form, device: DeviceChoice) {
    for case in cases(form) {
        for prompt in prompts(&case) {
            let model = load(&case, form, device, prompt.served_context);
            let mut kv = model.new_kv(2).unwrap();
            let logits = run(
                &model,
                &mut kv,
                &[1, 0],
                0,
                &prompt.tokens,
                &prompt.positions,
            );
            let exact = largest_difference(&logits, &prompt.logits);
            let rounded = largest_difference(&logits, &prompt.logits_half_cache);
            println!(
                "{case} ({form:?}, {device:?}, {} tokens): {exact:.1e}, f16 cache {rounded:.1e}",
                prompt.tokens.len()
            );
            assert!(
                exact <= TOLERANCE,
                "{case} as {form:?} on {device:?}: {exact}"
            );
            assert!(
                rounded <= TOLERANCE_HALF_CACHE,
                "{case} as {form:?} on {device:?}: {rounded}"
            );
        }
    }
}

#[test]
fn safetensors_on_the_kernels() {
    check(Form::Safetensors, CPU);
}

#[test]
fn safetensors_on_tensors() {
    check(Form::Safetensors, DeviceChoice::CpuTensors);
}

#[test]
fn gguf_on_the_kernels() {
    check(Form::Gguf, CPU);
}

#[test]
fn gguf_on_tensors() {
    check(Form::Gguf, DeviceChoice::CpuTensors);
}

#[test]
fn both_paths_agree_on_every_token() {
    for case in cases(Form::Safetensors) {
        for prompt in prompts(&case) {
            let all: Vec<usize> = (0..prompt.tokens.len()).collect();
            let logits = [CPU, DeviceChoice::CpuTensors].map(|device| {
                let model = load(&case, Form::Safetensors, device, prompt.served_context);
                run(
                    &model,
                    &mut model.new_kv(2).unwrap(),
                    &[0, 1],
                    0,
                    &prompt.tokens,
                    &all,
                )
            });
            let difference = largest_difference(&logits[0], &logits[1]);
            assert!(difference <= TOLERANCE, "{case}: {difference}");
        }
    }
}
