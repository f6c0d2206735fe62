//! Kinds of vocabularies against their references; fixtures by scripts/fixtures/tokenizers/make.py.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

use omg_format::{
    Array, FolderFiles, Metadata, ModelFiles, Strings, TokenType, TokenizerMetadata, Value,
};
use proptest::prelude::*;
use serde_json::{Value as Json, json};

use super::tests::{corpus, ids, metadata_with, path, read};
use super::{Segment, Tokenizer, base64, byte_level, sentencepiece, tekken, tiktoken};

fn text(text: &str) -> Option<Value> {
    Some(Value::String(text.to_owned()))
}

/// A GGUF file with nothing but tokens, of a kind.
fn bare(model: &str, tokens: Strings) -> Metadata {
    let mut metadata = Metadata::default();
    metadata.insert(
        "tokenizer.ggml.model".to_owned(),
        Value::String(model.to_owned()),
    );
    metadata.insert(
        "tokenizer.ggml.tokens".to_owned(),
        Value::Array(Array::String(tokens)),
    );
    metadata
}

/// Without the names of special tokens, as text of a person.
fn assert_expected(tokenizer: &Tokenizer, expected: &[Option<Vec<u32>>], label: &str) {
    let corpus = corpus();
    assert_eq!(corpus.len(), expected.len());
    // In these forms of the vocabulary the added tokens differ.
    let added = |text: &str| {
        ["tool", "<think>", "[EOS]"]
            .iter()
            .any(|name| text.contains(name))
    };
    for (text, expected) in corpus.iter().zip(expected) {
        if let Some(expected) = expected
            && !added(text)
        {
            assert_eq!(&ids(tokenizer, text, false), expected, "{label}: {text:?}");
        }
    }
}

#[test]
fn further_pre_tokenizers_agree_with_hugging_face() {
    let expected: BTreeMap<String, Vec<Option<Vec<u32>>>> = read("pre.expected.json");
    assert!(expected.len() >= 15);
    for (pre, expected) in &expected {
        let metadata = metadata_with("bpe.gguf", &[("tokenizer.ggml.pre", text(pre))]);
        assert_expected(&Tokenizer::from_gguf(&metadata).unwrap(), expected, pre);
    }
}

#[test]
fn old_deepseek_cuts_scripts_apart() {
    let metadata = metadata_with(
        "bpe.gguf",
        &[
            ("tokenizer.ggml.pre", text("deepseek-llm")),
            ("tokenizer.ggml.add_bos_token", Some(Value::Bool(false))),
        ],
    );
    let tokenizer = Tokenizer::from_gguf(&metadata).unwrap();
    let apart = |words: &[&str]| -> Vec<u32> {
        words
            .iter()
            .flat_map(|word| ids(&tokenizer, word, false))
            .collect()
    };
    assert_eq!(
        ids(&tokenizer, "Straße1234!!中文\n x", false),
        apart(&["Straße", "1234", "!!", "中文", "\n", " x"])
    );
}

#[test]
fn text_of_qwen_is_composed_first() {
    let of = |architecture: &str, pre: &str| {
        let changes = [
            ("general.architecture", text(architecture)),
            ("tokenizer.ggml.pre", text(pre)),
        ];
        Tokenizer::from_gguf(&metadata_with("bpe.gguf", &changes)).unwrap()
    };
    for (composed, apart) in [
        ("café à", "cafe\u{301} a\u{300}"),
        ("각", "\u{1100}\u{1161}\u{11a8}"),
        ("Ω", "\u{2126}"),
    ] {
        let qwen = of("qwen3", "qwen2");
        assert_eq!(ids(&qwen, apart, false), ids(&qwen, composed, false));
        let other = of("llama", "qwen2");
        assert_ne!(ids(&other, apart, false), ids(&other, composed, false));
    }
}

#[test]
fn gemma_4_agrees_with_hugging_face() {
    let expected: Vec<Option<Vec<u32>>> = read("gemma4.expected.json");
    let tokenizer = Tokenizer::open(&ModelFiles::open(&path("gemma4.gguf")).unwrap()).unwrap();
    assert_expected(&tokenizer, &expected, "gemma4");
    for text in corpus().iter().filter(|text| !text.contains('▁')) {
        assert_eq!(&tokenizer.decode(&ids(&tokenizer, text, false)), text);
    }
    let prompt = [Segment::Text {
        text: "a<turn|>",
        parse_special: true,
    }];
    let tokens = tokenizer.encode(&prompt).unwrap();
    assert_eq!(tokens[0], 2);
    assert!(tokenizer.is_eog(tokens[2]));
    // Ollama's converter names the kind of the models before.
    let metadata = metadata_with("gemma4.gguf", &[("tokenizer.ggml.model", text("llama"))]);
    assert_expected(
        &Tokenizer::from_gguf(&metadata).unwrap(),
        &expected,
        "gemma4 as llama",
    );
}

#[test]
fn merges_by_rank_agree_with_tiktoken() {
    let expected: BTreeMap<String, Vec<Option<Vec<u32>>>> = read("ranks.expected.json");
    let metadata = metadata_with(
        "bpe.gguf",
        &[
            ("tokenizer.ggml.pre", text("kimi-k2")),
            ("tokenizer.ggml.merges", None),
        ],
    );
    assert_expected(
        &Tokenizer::from_gguf(&metadata).unwrap(),
        &expected["kimi-k2"],
        "GGUF",
    );

    let source = TokenizerMetadata::of(&metadata).unwrap().unwrap();
    let plain: Vec<Vec<u8>> = source
        .tokens
        .iter()
        .zip(&source.token_types)
        .filter(|(_, kind)| **kind == TokenType::Normal)
        .map(|(text, _)| byte_level::bytes_of(text).unwrap())
        .collect();
    let lines = plain
        .iter()
        .enumerate()
        .map(|(rank, token)| format!("{} {rank}\n", base64::encode(token)));
    let count = plain.len();
    let added = json!({ count.to_string(): { "content": "[EOS]", "special": true }, (count + 3).to_string(): { "content": "<think>", "special": false } });
    let folder = Folder::new(&[
        (
            "config.json",
            json!({ "model_type": "kimi_k2" }).to_string(),
        ),
        (
            "tokenizer_config.json",
            json!({ "added_tokens_decoder": added, "eos_token": "[EOS]" }).to_string(),
        ),
        ("tiktoken.model", lines.collect()),
    ]);
    let tokenizer = folder.open().unwrap();
    assert_expected(&tokenizer, &expected["kimi-k2"], "tiktoken.model");
    assert_eq!(tokenizer.vocab_size(), count + 4);
    assert_eq!(tokenizer.eos(), Some(count as u32));
    assert_eq!(ids(&tokenizer, "<think>", false), [count as u32 + 3]);
    assert_ne!(ids(&tokenizer, "[EOS]", false), [count as u32]);

    // The content says which of the two a tokenizer.model is; the kind of the model says how text is cut.
    let lines: String = plain
        .iter()
        .enumerate()
        .map(|(rank, token)| format!("{} {rank}\n", base64::encode(token)))
        .collect();
    assert!(tiktoken::is_one(lines.as_bytes()));
    let folder = Folder::new(&[
        (
            "config.json",
            json!({ "model_type": "of_tomorrow" }).to_string(),
        ),
        ("tokenizer.model", lines),
    ]);
    let error = folder.open().unwrap_err();
    assert_eq!(error.code(), "unsupported");
    assert!(
        error.to_string().contains("tokenizer.model") && error.to_string().contains("of_tomorrow"),
        "{error}"
    );

    let lead = r"[^\r\n\p{L}\p{N}]?";
    let (upper, lower) = (
        r"[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]",
        r"[\p{Ll}\p{Lm}\p{Lo}\p{M}]",
    );
    let pattern = format!(
        r"{lead}{upper}*{lower}+|{lead}{upper}+{lower}*|\p{{N}}| ?[^\s\p{{L}}\p{{N}}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+"
    );
    let vocab: Vec<Json> = (0..).zip(&plain).map(|(rank, token): (usize, _)| json!({ "rank": rank, "token_bytes": base64::encode(token), "token_str": null })).collect();
    let file = json!({
        "config": { "pattern": pattern, "num_vocab_tokens": count + 100, "default_vocab_size": count + 20, "default_num_special_tokens": 20 },
        "vocab": vocab,
    });
    let tokenizer = Folder::new(&[
        ("config.json", "{}".to_owned()),
        ("tekken.json", file.to_string()),
    ])
    .open()
    .unwrap();
    let shifted: Vec<Option<Vec<u32>>> = expected["tekken"]
        .iter()
        .map(|ids| {
            ids.as_ref()
                .map(|ids| ids.iter().map(|id| id + 20).collect())
        })
        .collect();
    assert_expected(&tokenizer, &shifted, "tekken.json");
    let prompt = [Segment::Text {
        text: "[INST]",
        parse_special: true,
    }];
    assert_eq!(tokenizer.encode(&prompt).unwrap(), [1, 3]);
    assert!(tokenizer.is_eog(2));
}

#[test]
fn unigram_agrees_with_sentencepiece() {
    let expected: Vec<Option<Vec<u32>>> = read("unigram.expected.json");
    let folder = Folder::new(&[("config.json", "{}".to_owned())]);
    fs::copy(path("unigram.model"), folder.0.join("tokenizer.model")).unwrap();
    let tokenizer = folder.open().unwrap();
    assert_expected(&tokenizer, &expected, "tokenizer.model");
    assert_eq!(
        ids(&tokenizer, "Ａ ﬁ e\u{301}", false),
        ids(&tokenizer, "A fi é", false)
    );
    let closed = tokenizer
        .encode_for_embedding(&[Segment::Text {
            text: "the",
            parse_special: false,
        }])
        .unwrap();
    assert_eq!(closed.last(), tokenizer.eos().as_ref());
}

/// What SentencePiece writes of a vocabulary of merges.
fn model_proto(source: &TokenizerMetadata<'_>, prefix: bool) -> Vec<u8> {
    fn field(out: &mut Vec<u8>, number: u8, bytes: &[u8]) {
        out.push(number << 3 | 2);
        let mut length = bytes.len();
        while length >= 0x80 {
            out.push(length as u8 | 0x80);
            length >>= 7;
        }
        out.push(length as u8);
        out.extend_from_slice(bytes);
    }
    let mut out = Vec::new();
    let scores = source.scores.as_ref().unwrap();
    for (at, (text, kind)) in source.tokens.iter().zip(&source.token_types).enumerate() {
        let mut piece = Vec::new();
        field(&mut piece, 1, text.as_bytes());
        piece.push(2 << 3 | 5);
        piece.extend(scores[at].to_le_bytes());
        piece.extend([3 << 3, kind.id() as u8]);
        field(&mut out, 1, &piece);
    }
    field(&mut out, 2, &[3 << 3, 2]);
    field(&mut out, 3, &[3 << 3, u8::from(prefix), 4 << 3, 0]);
    out
}

#[test]
fn merges_of_sentencepiece_are_those_of_its_gguf() {
    for (name, prefix) in [("spm.gguf", true), ("spm-no-prefix.gguf", false)] {
        let metadata = metadata_with(name, &[]);
        let source = TokenizerMetadata::of(&metadata).unwrap().unwrap();
        let reference = Tokenizer::from_gguf(&metadata).unwrap();
        let folder = Folder::new(&[("config.json", "{}".to_owned())]);
        fs::write(
            folder.0.join("tokenizer.model"),
            model_proto(&source, prefix),
        )
        .unwrap();
        let tokenizer = folder.open().unwrap();
        for text in corpus() {
            for special in [false, true] {
                assert_eq!(
                    ids(&tokenizer, &text, special),
                    ids(&reference, &text, special),
                    "{name}: {text:?}"
                );
            }
        }
        assert_eq!(
            (tokenizer.bos(), tokenizer.eos()),
            (reference.bos(), reference.eos())
        );
        // A token that the configuration adds, by either of the files for that.
        let count = source.tokens.len();
        fs::write(
            folder.0.join("added_tokens.json"),
            json!({ "<|im_start|>": count }).to_string(),
        )
        .unwrap();
        fs::write(
            folder.0.join("tokenizer_config.json"),
            json!({ "add_bos_token": false, "eos_token": { "content": "<|im_start|>" } })
                .to_string(),
        )
        .unwrap();
        let tokenizer = folder.open().unwrap();
        assert_eq!(tokenizer.eos(), Some(count as u32));
        assert!(!tokenizer.adds_bos());
        assert_eq!(ids(&tokenizer, "<|im_start|>", true), [count as u32]);
        // An id from nowhere costs an error and no memory.
        fs::write(
            folder.0.join("added_tokens.json"),
            json!({ "<x>": 4_000_000_000u32 }).to_string(),
        )
        .unwrap();
        assert_eq!(folder.open().unwrap_err().code(), "invalid_model_file");
    }
}

#[test]
fn rwkv_takes_the_longest_token() {
    let mut tokens: Vec<String> = vec!["<s>".to_owned()];
    tokens.extend((0..=255u8).map(|byte| format!("\\x{byte:02x}")));
    let words = [
        "the",
        "then",
        " then",
        "\\n\\n",
        "\\xe6\\x97\\xa5",
        "\\xe6\\x97",
    ];
    tokens.extend(words.map(str::to_owned));
    let list: Strings = tokens.iter().map(String::as_str).collect();
    let metadata = bare("rwkv", list);
    let tokenizer = Tokenizer::from_gguf(&metadata).unwrap();
    let word = |at: u32| 257 + at;
    assert_eq!(
        ids(&tokenizer, "then then\n\n\\日本", false),
        [
            word(1),
            word(2),
            word(3),
            1 + 0x5c,
            word(4),
            1 + 0xe6,
            1 + 0x9c,
            1 + 0xac
        ]
    );
    for text in corpus() {
        assert_eq!(tokenizer.decode(&ids(&tokenizer, &text, false)), text);
    }
    let some: Strings = tokens.iter().take(100).map(String::as_str).collect();
    let lacking = bare("rwkv", some);
    assert_eq!(
        Tokenizer::from_gguf(&lacking).unwrap_err().code(),
        "invalid_model_file"
    );
}

#[test]
fn long_tokens_do_not_make_merges_endless() {
    let long = "a".repeat(1 << 16);
    let tokens: Strings = std::iter::once(long.as_str()).chain(["a", "b"]).collect();
    let mut metadata = bare("gpt2", tokens);
    metadata.insert(
        "tokenizer.ggml.pre".to_owned(),
        Value::String("kimi-k2".to_owned()),
    );
    assert_eq!(
        Tokenizer::from_gguf(&metadata).unwrap_err().code(),
        "invalid_model_file"
    );
}

proptest! {
    #[test]
    fn damaged_vocabulary_files_end_in_an_error_or_a_vocabulary(
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
        length in any::<prop::sample::Index>(),
    ) {
        let unigram = fs::read(path("unigram.model")).unwrap();
        let lines = (0..40u8).map(|rank| format!("{} {rank}\n", base64::encode(&[rank]))).collect::<String>();
        let tekken_json = json!({
            "config": { "pattern": ".", "default_vocab_size": 4, "default_num_special_tokens": 2 },
            "vocab": [{ "rank": 0, "token_bytes": "YQ==" }, { "rank": 1, "token_bytes": "Yg==" }],
        }).to_string();
        for bytes in [unigram, lines.into_bytes(), tekken_json.into_bytes()] {
            let mut bytes = bytes;
            for (at, byte) in &changes {
                let at = at.index(bytes.len());
                bytes[at] = *byte;
            }
            bytes.truncate(length.index(bytes.len()) + 1);
            for read in [sentencepiece::read(&bytes), tiktoken::read(&bytes, "llama"), tekken::read(&bytes)] {
                match read {
                    Ok(vocabulary) => prop_assert!(vocabulary.tokens.len() <= 2 * bytes.len() + (1 << 17)),
                    Err(error) => prop_assert!(matches!(error.code(), "invalid_model_file" | "unsupported")),
                }
            }
        }
    }
}

/// A folder of a model without weights, that goes when it is dropped.
struct Folder(PathBuf);

impl Folder {
    fn new(files: &[(&str, String)]) -> Self {
        use std::sync::atomic::{AtomicUsize, Ordering};
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let folder =
            std::env::temp_dir().join(format!("omg-vocabulary-{}-{count}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let empty = [&2u64.to_le_bytes()[..], b"{}"].concat();
        fs::write(folder.join("model.safetensors"), empty).unwrap();
        for (name, content) in files {
            fs::write(folder.join(name), content).unwrap();
        }
        Folder(folder)
    }

    fn open(&self) -> crate::error::Result<Tokenizer> {
        let files = ModelFiles::open(&self.0).unwrap();
        let folder: &FolderFiles = files.folder().unwrap();
        Tokenizer::require(&files).unwrap();
        Tokenizer::from_folder(folder)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}
