//! Random damage to valid files: never a panic, and never more memory than a small multiple of the file.

mod support;

use std::alloc::{GlobalAlloc, Layout, System};
use std::fs;
use std::sync::atomic::{AtomicUsize, Ordering};

use omg_format::{TokenizerMetadata, parse_gguf_header, parse_safetensors_header};
use proptest::prelude::*;
use support::fixture;

struct LargestRequest;

static LARGEST: AtomicUsize = AtomicUsize::new(0);

// SAFETY: every call is passed on to the system allocator unchanged.
unsafe impl GlobalAlloc for LargestRequest {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        LARGEST.fetch_max(layout.size(), Ordering::Relaxed);
        // SAFETY: the caller keeps the contract of `alloc`.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: the caller keeps the contract of `dealloc`.
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        LARGEST.fetch_max(size, Ordering::Relaxed);
        // SAFETY: the caller keeps the contract of `realloc`.
        unsafe { System.realloc(pointer, layout, size) }
    }
}

#[global_allocator]
static ALLOCATOR: LargestRequest = LargestRequest;

/// Files here are under 6 KB; tables of the test harness itself stay below this too.
const LIMIT: usize = 4 << 20;

fn check(bytes: &[u8], claimed_len: u64) {
    if let Ok(header) = parse_gguf_header(bytes, claimed_len) {
        for tensor in &header.tensors {
            assert!(
                tensor
                    .offset
                    .checked_add(tensor.bytes)
                    .is_some_and(|end| end <= claimed_len)
            );
            assert_eq!(
                tensor.row_bytes().unwrap() as u64 * tensor.rows() as u64,
                tensor.bytes
            );
        }
        if let Ok(Some(tokenizer)) = TokenizerMetadata::of(&header.metadata) {
            assert_eq!(tokenizer.token_types.len(), tokenizer.tokens.len());
        }
    }
    if let Ok(header) = parse_safetensors_header(bytes, claimed_len) {
        for tensor in &header.tensors {
            assert!(tensor.offset + tensor.bytes <= claimed_len);
        }
    }
    let largest = LARGEST.load(Ordering::Relaxed);
    assert!(largest < LIMIT, "one allocation of {largest} bytes");
}

/// Where damage hurts: the header, not the weights.
fn samples() -> Vec<(Vec<u8>, usize)> {
    let paths = [
        "tiny.gguf",
        "split/tiny-00002-of-00002.gguf",
        "single/model.safetensors",
    ];
    let read = |path: &&str| {
        let bytes = fs::read(fixture(path)).unwrap();
        let header = bytes.len().min(2600);
        (bytes, header)
    };
    paths.iter().map(read).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn damaged_files(
        which in 0usize..3,
        edits in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>(), 0usize..9), 0..6),
        cut in any::<prop::sample::Index>(),
        keep in any::<bool>(),
        huge_claim in any::<bool>(),
    ) {
        let (mut bytes, header) = samples().swap_remove(which);
        for (at, value, run) in edits {
            let at = at.index(header);
            let end = (at + run).min(bytes.len());
            bytes[at..end].fill(value);
        }
        if !keep {
            bytes.truncate(cut.index(bytes.len() + 1));
        }
        let claimed = if huge_claim { u64::MAX } else { bytes.len() as u64 };
        check(&bytes, claimed);
    }

    #[test]
    fn noise(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        check(&bytes, bytes.len() as u64);
        check(&[&b"GGUF\x03\0\0\0"[..], &bytes].concat(), u64::MAX);
    }
}

/// Every byte of every header set to the values that lie best.
#[test]
fn every_header_byte_flipped() {
    for (bytes, header) in samples() {
        for at in 0..header {
            for value in [0, 1, 0x7f, 0x80, 0xff, bytes[at] ^ 1] {
                let mut damaged = bytes.clone();
                damaged[at] = value;
                check(&damaged, damaged.len() as u64);
            }
        }
        for end in 0..bytes.len() {
            check(&bytes[..end], end as u64);
        }
    }
}
