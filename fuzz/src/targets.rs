//! Each takes any bytes and must come to an end without a panic. An error is an answer.

use omg_engine::tokenizer::{Segment, Tokenizer};
use omg_engine::{GrammarSource, prepare_grammar};
use omg_format::{
    DType, TokenizerMetadata, dequantize as decode, parse_gguf_header, parse_safetensors_header,
    parse_safetensors_index,
};

pub struct Target {
    pub name: &'static str,
    pub run: fn(&[u8]),
    pub seeds: fn() -> Vec<Vec<u8>>,
}

pub const TARGETS: &[Target] = &[
    Target {
        name: "gguf_header",
        run: gguf_header,
        seeds: || vec![GGUF.to_vec(), BPE_GGUF[..4096].to_vec()],
    },
    Target {
        name: "safetensors_header",
        run: safetensors_header,
        seeds: || vec![SAFETENSORS.to_vec()],
    },
    Target {
        name: "safetensors_index",
        run: safetensors_index,
        seeds: || vec![INDEX.to_vec()],
    },
    Target {
        name: "gguf_tokenizer",
        run: gguf_tokenizer,
        seeds: || vec![BPE_GGUF.to_vec(), SPM_GGUF.to_vec()],
    },
    Target {
        name: "tokenizer_json",
        run: tokenizer_json,
        seeds: || vec![BPE_JSON.to_vec(), SPM_JSON.to_vec()],
    },
    Target {
        name: "gbnf",
        run: gbnf,
        seeds: || GBNF.iter().map(|text| text.as_bytes().to_vec()).collect(),
    },
    Target {
        name: "schema",
        run: schema,
        seeds: || {
            SCHEMAS
                .iter()
                .map(|text| text.as_bytes().to_vec())
                .collect()
        },
    },
    Target {
        name: "dequantize",
        run: dequantize,
        seeds: || {
            (0..=255)
                .map(|kind| [&[kind], &[0x5a; 400][..]].concat())
                .collect()
        },
    },
];

const GGUF: &[u8] = include_bytes!("../../crates/omg-format/tests/fixtures/files/tiny.gguf");
const SAFETENSORS: &[u8] =
    include_bytes!("../../crates/omg-format/tests/fixtures/files/single/model.safetensors");
const INDEX: &[u8] = include_bytes!(
    "../../crates/omg-format/tests/fixtures/files/sharded/model.safetensors.index.json"
);
const BPE_GGUF: &[u8] =
    include_bytes!("../../crates/omg-engine/tests/fixtures/tokenizers/bpe.gguf");
const SPM_GGUF: &[u8] =
    include_bytes!("../../crates/omg-engine/tests/fixtures/tokenizers/spm.gguf");
const BPE_JSON: &[u8] =
    include_bytes!("../../crates/omg-engine/tests/fixtures/tokenizers/bpe.tokenizer.json");
const SPM_JSON: &[u8] =
    include_bytes!("../../crates/omg-engine/tests/fixtures/tokenizers/spm.tokenizer.json");

const GBNF: &[&str] = &[
    "root ::= object # comment\nvalue ::= object | string | (\"true\" | \"null\") ws\nobject ::= \"{\" ws (string \":\" value (\",\" ws string \":\" value)*)? \"}\"\nstring ::= \"\\\"\" [^\"\\\\\\x7F\\x00-\\x1F]{0,6} \"\\\"\"\nws ::= | \" \" | \"\\n\" [ \\t]{0,4}",
    "root ::= [a-cX-]+ \"é\"{2} (\"1\" | dash-ed)?\ndash-ed ::= \"\\u00e9\" .",
];
const SCHEMAS: &[&str] = &[
    r##"{"type":"object","properties":{"name":{"type":"string","minLength":1,"maxLength":80},"age":{"type":"integer","minimum":0},"tags":{"type":"array","items":{"enum":["a",1,null]},"maxItems":3},"friend":{"$ref":"#/$defs/f"}},"required":["name"],"$defs":{"f":{"anyOf":[{"type":"string","pattern":"^a{1,3}$"},{"type":"null"}]}}}"##,
    r#"{"allOf":[{"type":"number","multipleOf":0.5},{"exclusiveMaximum":3}],"oneOf":[true,{"const":1}],"prefixItems":[{"format":"date"}],"additionalProperties":false}"#,
];

pub fn gguf_header(bytes: &[u8]) {
    for claimed in [bytes.len() as u64, u64::MAX] {
        let Ok(header) = parse_gguf_header(bytes, claimed) else {
            continue;
        };
        for tensor in &header.tensors {
            assert!(
                tensor
                    .offset
                    .checked_add(tensor.bytes)
                    .is_some_and(|end| end <= claimed)
            );
        }
        // Either answer is fine.
        let _ = TokenizerMetadata::of(&header.metadata);
    }
}

pub fn safetensors_header(bytes: &[u8]) {
    for claimed in [bytes.len() as u64, u64::MAX] {
        if let Ok(header) = parse_safetensors_header(bytes, claimed) {
            for tensor in &header.tensors {
                assert!(
                    tensor
                        .offset
                        .checked_add(tensor.bytes)
                        .is_some_and(|end| end <= claimed)
                );
            }
        }
    }
}

pub fn safetensors_index(bytes: &[u8]) {
    if let Ok(index) = parse_safetensors_index(bytes) {
        for file in index.values() {
            assert!(!file.contains(['/', '\\', ':']) && file != "..");
        }
    }
}

pub fn gguf_tokenizer(bytes: &[u8]) {
    if let Ok(header) = parse_gguf_header(bytes, bytes.len() as u64)
        && let Ok(tokenizer) = Tokenizer::from_gguf(&header.metadata)
    {
        try_out(&tokenizer);
    }
}

pub fn tokenizer_json(bytes: &[u8]) {
    if let Ok(tokenizer) = Tokenizer::from_tokenizer_json_bytes(bytes) {
        try_out(&tokenizer);
    }
}

fn try_out(tokenizer: &Tokenizer) {
    for text in [
        "",
        "The <|im_end|> quick\n\n  brown 1234 日本é",
        "aaaaaaaaaaaaaaaa",
    ] {
        for parse_special in [false, true] {
            let prompt = [Segment::Text {
                text,
                parse_special,
            }];
            if let Ok(ids) = tokenizer.encode(&prompt) {
                assert!(ids.iter().all(|id| (*id as usize) < tokenizer.vocab_size()));
                tokenizer.decode(&ids);
            }
        }
    }
}

pub fn gbnf(bytes: &[u8]) {
    let source = String::from_utf8_lossy(bytes).into_owned();
    // What it is translated to is compiled elsewhere, in a process with limits.
    let _ = prepare_grammar(&GrammarSource::Gbnf { source });
}

pub fn schema(bytes: &[u8]) {
    if let Ok(schema) = serde_json::from_slice::<serde_json::Value>(bytes) {
        for strict in [false, true] {
            let _ = prepare_grammar(&GrammarSource::JsonSchema {
                schema: schema.clone(),
                strict,
            });
        }
    }
}

/// The first byte chooses the type.
pub fn dequantize(bytes: &[u8]) {
    let Some((kind, bytes)) = bytes.split_first() else {
        return;
    };
    let dtype = DType::ALL[usize::from(*kind) % DType::ALL.len()];
    let blocks = bytes.len() / dtype.block_bytes();
    let mut out = vec![0.0; blocks * dtype.block_elems()];
    let whole = &bytes[..blocks * dtype.block_bytes()];
    assert_eq!(
        decode(dtype, whole, &mut out).is_ok(),
        dtype.can_dequantize()
    );
    // Lengths that disagree are an argument that is wrong.
    assert!(blocks == 0 || decode(dtype, whole, &mut out[1..]).is_err());
}
