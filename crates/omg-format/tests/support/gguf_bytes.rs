//! Writes GGUF bytes by hand, so that tests can lie in every field.

pub(crate) fn text(value: &str) -> Vec<u8> {
    [&(value.len() as u64).to_le_bytes()[..], value.as_bytes()].concat()
}

pub(crate) fn pair(key: &str, kind: u32, value: &[u8]) -> Vec<u8> {
    [&text(key)[..], &kind.to_le_bytes(), value].concat()
}

pub(crate) fn tensor(name: &str, dims: &[u64], kind: u32, offset: u64) -> Vec<u8> {
    let mut out = [&text(name)[..], &(dims.len() as u32).to_le_bytes()].concat();
    dims.iter().for_each(|dim| out.extend(dim.to_le_bytes()));
    out.extend(kind.to_le_bytes());
    out.extend(offset.to_le_bytes());
    out
}

/// Header with true counts, padded to 32, followed by `data` zero bytes.
pub(crate) fn gguf(pairs: &[Vec<u8>], tensors: &[Vec<u8>], data: usize) -> Vec<u8> {
    let mut out = gguf_start(3, tensors.len() as u64, pairs.len() as u64);
    pairs
        .iter()
        .chain(tensors)
        .for_each(|part| out.extend(part));
    out.resize(out.len().next_multiple_of(32) + data, 0);
    out
}

pub(crate) fn gguf_start(version: u32, tensors: u64, pairs: u64) -> Vec<u8> {
    [
        &b"GGUF"[..],
        &version.to_le_bytes(),
        &tensors.to_le_bytes(),
        &pairs.to_le_bytes(),
    ]
    .concat()
}
