#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| omg_fuzz::targets::safetensors_index(bytes));
