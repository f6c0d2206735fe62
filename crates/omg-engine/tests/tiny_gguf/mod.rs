//! Writes a two-layer Llama with random F32 weights and a byte-level vocabulary without merges.

pub(crate) const HIDDEN: usize = 64;
const FEED_FORWARD: usize = 96;
const HEADS: usize = 4;
const KV_HEADS: usize = 2;
const LAYERS: usize = 2;
/// 256 bytes and the end token; the matrices have padding rows beyond.
const TOKENS: usize = 257;
const ROWS: usize = 264;
pub(crate) const EOS: u32 = 256;
const ALIGNMENT: usize = 32;

const U32: u32 = 4;
const I32: u32 = 5;
const F32: u32 = 6;
const STRING: u32 = 8;
const ARRAY: u32 = 9;

#[derive(Default)]
struct Writer {
    bytes: Vec<u8>,
    keys: u64,
}

impl Writer {
    fn u32(&mut self, v: u32) {
        self.bytes.extend(v.to_le_bytes());
    }

    fn u64(&mut self, v: u64) {
        self.bytes.extend(v.to_le_bytes());
    }

    fn string(&mut self, s: &str) {
        self.u64(s.len() as u64);
        self.bytes.extend(s.as_bytes());
    }

    fn key(&mut self, key: &str, kind: u32) {
        self.keys += 1;
        self.string(key);
        self.u32(kind);
    }

    fn number(&mut self, key: &str, v: usize) {
        self.key(key, U32);
        self.u32(v as u32);
    }

    fn text(&mut self, key: &str, v: &str) {
        self.key(key, STRING);
        self.string(v);
    }
}

/// The printable stand-ins of the bytes in byte-level vocabularies.
fn byte_names() -> Vec<String> {
    let mut next = 256;
    (0..256u32)
        .map(|b| {
            let own = matches!(b, 33..=126 | 161..=172 | 174..=255);
            let code = if own {
                b
            } else {
                next += 1;
                next - 1
            };
            char::from_u32(code).expect("a character").to_string()
        })
        .collect()
}

pub(crate) fn bytes() -> Vec<u8> {
    let mut meta = Writer::default();
    meta.text("general.architecture", "llama");
    meta.number("llama.context_length", 1024);
    meta.number("llama.embedding_length", HIDDEN);
    meta.number("llama.block_count", LAYERS);
    meta.number("llama.feed_forward_length", FEED_FORWARD);
    meta.number("llama.attention.head_count", HEADS);
    meta.number("llama.attention.head_count_kv", KV_HEADS);
    meta.number("llama.rope.dimension_count", HIDDEN / HEADS);
    meta.key("llama.attention.layer_norm_rms_epsilon", F32);
    meta.bytes.extend(1e-5f32.to_le_bytes());
    meta.text("tokenizer.ggml.model", "gpt2");
    meta.text("tokenizer.ggml.pre", "llama-bpe");
    meta.text("tokenizer.chat_template", "{{ messages }}");
    meta.number("tokenizer.ggml.eos_token_id", EOS as usize);
    let mut names = byte_names();
    names.push("<|end|>".to_owned());
    meta.key("tokenizer.ggml.tokens", ARRAY);
    meta.u32(STRING);
    meta.u64(TOKENS as u64);
    for name in &names {
        meta.string(name);
    }
    meta.key("tokenizer.ggml.token_type", ARRAY);
    meta.u32(I32);
    meta.u64(TOKENS as u64);
    for token in 0..TOKENS {
        meta.u32(if token == EOS as usize { 3 } else { 1 });
    }
    meta.key("tokenizer.ggml.merges", ARRAY);
    meta.u32(STRING);
    meta.u64(0);

    let head_dim = HIDDEN / HEADS;
    let mut tensors = vec![
        ("token_embd.weight".to_owned(), vec![ROWS, HIDDEN]),
        ("output.weight".to_owned(), vec![ROWS, HIDDEN]),
        ("output_norm.weight".to_owned(), vec![HIDDEN]),
    ];
    for layer in 0..LAYERS {
        for (name, shape) in [
            ("attn_norm", vec![HIDDEN]),
            ("ffn_norm", vec![HIDDEN]),
            ("attn_q", vec![HIDDEN, HIDDEN]),
            ("attn_k", vec![KV_HEADS * head_dim, HIDDEN]),
            ("attn_v", vec![KV_HEADS * head_dim, HIDDEN]),
            ("attn_output", vec![HIDDEN, HIDDEN]),
            ("ffn_gate", vec![FEED_FORWARD, HIDDEN]),
            ("ffn_up", vec![FEED_FORWARD, HIDDEN]),
            ("ffn_down", vec![HIDDEN, FEED_FORWARD]),
        ] {
            tensors.push((format!("blk.{layer}.{name}.weight"), shape));
        }
    }
    assemble(&meta, &tensors)
}

fn assemble(meta: &Writer, tensors: &[(String, Vec<usize>)]) -> Vec<u8> {
    let mut out = Writer::default();
    out.bytes.extend(b"GGUF");
    out.u32(3);
    out.u64(tensors.len() as u64);
    out.u64(meta.keys);
    out.bytes.extend(&meta.bytes);
    let mut offset = 0;
    for (name, shape) in tensors {
        out.string(name);
        out.u32(shape.len() as u32);
        for &dim in shape.iter().rev() {
            out.u64(dim as u64);
        }
        out.u32(0);
        out.u64(offset);
        let bytes = shape.iter().product::<usize>() * 4;
        offset += bytes.next_multiple_of(ALIGNMENT) as u64;
    }
    let mut state = 42u64;
    for (_, shape) in tensors {
        out.bytes
            .resize(out.bytes.len().next_multiple_of(ALIGNMENT), 0);
        for _ in 0..shape.iter().product::<usize>() {
            state = state.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(1);
            let uniform = (state >> 40) as f32 / (1u64 << 24) as f32 - 0.5;
            let value = if shape.len() == 1 {
                1.0 + uniform * 0.1
            } else {
                uniform * 0.5
            };
            out.bytes.extend(value.to_le_bytes());
        }
    }
    out.bytes
}
