//! What the memory plan is told agrees with what loading then takes.

mod fixture;

use fixture::{Form, cases, load, open};
use omg_models::{DeviceChoice, kv_bytes_per_token, scratch_bytes, spec_of, weight_bytes_estimate};

#[test]
fn weights_take_what_was_estimated() {
    for form in [Form::Safetensors, Form::Gguf] {
        for case in cases(form) {
            let files = open(&case, form);
            let estimate = weight_bytes_estimate(&files, &spec_of(&files).unwrap()) as f64;
            let loaded =
                load(&case, form, DeviceChoice::Cpu { threads: 1 }, 256).weight_bytes() as f64;
            // The matrices alone: norms are not counted, rows are padded to the width of the kernels.
            assert!(
                (0.9..=1.1).contains(&(loaded / estimate)),
                "{case}: {loaded} of {estimate}"
            );
        }
    }
}

#[test]
fn the_cache_is_two_bytes_for_each_element_of_key_and_value() {
    let spec = spec_of(&open("qwen3", Form::Gguf)).unwrap();
    // 2 layers, 2 key heads of 32 elements.
    assert_eq!(kv_bytes_per_token(&spec), 2 * 2 * (32 + 32) * 2);
}

#[test]
fn scratch_grows_with_the_batch() {
    let spec = spec_of(&open("llama", Form::Gguf)).unwrap();
    let (one, many) = (scratch_bytes(&spec, 1), scratch_bytes(&spec, 512));
    // At least the residual stream and the two widths of the feed-forward.
    assert!(
        one >= 4 * (64 + 2 * 64) && many > 50 * one / 8,
        "{one} {many}"
    );
}
