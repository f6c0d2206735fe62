//! A fixed sample of what the fuzzers do (`fuzz/`): thousands of damaged inputs for everything that reads bytes from strangers.

#[path = "../../../fuzz/src/mutations.rs"]
#[expect(unreachable_pub, reason = "public where it is a crate")]
mod mutations;
#[path = "../../../fuzz/src/targets.rs"]
#[expect(unreachable_pub, reason = "public where it is a crate")]
mod targets;

use mutations::Mutations;
use targets::{TARGETS, Target};

const INPUTS: usize = 3_000;

fn run(name: &str) {
    let Target { run, seeds, .. } = TARGETS
        .iter()
        .find(|target| target.name == name)
        .expect("a target");
    for seed in seeds() {
        run(&seed);
    }
    let mut mutations = Mutations::new(seeds(), 1);
    for _ in 0..INPUTS {
        run(&mutations.next_input());
    }
}

macro_rules! tests {
    ($($name:ident)*) => {
        $(#[test] fn $name() { run(stringify!($name)); })*

        #[test]
        fn every_target_is_here() {
            let here = [$(stringify!($name)),*];
            assert_eq!(here.to_vec(), TARGETS.iter().map(|target| target.name).collect::<Vec<_>>());
        }
    };
}

tests! { gguf_header safetensors_header safetensors_index gguf_tokenizer tokenizer_json gbnf schema dequantize }
