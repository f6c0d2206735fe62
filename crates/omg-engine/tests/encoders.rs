//! Encoders through the engine: tokens, vectors and scores against those of sentence-transformers and transformers.

use std::path::{Path, PathBuf};

use omg_engine::{
    Capability, EmbedRequest, Embeddings, Engine, EngineError, GenerateRequest, LoadSpec,
    PromptSegment, ScoreRequest, Scores, WorkEvent, WorkRequest, inspect, load, plan,
};
use serde_json::Value as Json;

fn path(case: &str, file: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../omg-models/tests/fixtures/encoders")
        .join(case)
        .join(file)
}

fn expected(case: &str) -> Json {
    let text = std::fs::read(path(case, "expected.json")).expect("the fixture");
    serde_json::from_slice(&text).expect("JSON")
}

fn engine(case: &str, file: &str) -> Engine {
    let spec = LoadSpec {
        path: path(case, file),
        threads: Some(2),
        ..LoadSpec::default()
    };
    load(&spec, &mut |_| true).unwrap_or_else(|error| panic!("{case}/{file}: {error}"))
}

fn text(text: &str) -> Vec<PromptSegment> {
    vec![PromptSegment::Text {
        text: text.to_owned(),
        parse_special: false,
    }]
}

fn texts(want: &Json) -> Vec<&str> {
    let all = want["texts"].as_array().expect("texts").iter();
    all.map(|row| row["text"].as_str().expect("a text"))
        .collect()
}

fn floats(value: &Json) -> Vec<f32> {
    let items = value.as_array().expect("numbers").iter();
    items
        .map(|n| n.as_f64().expect("a number") as f32)
        .collect()
}

fn ids(value: &Json) -> Vec<u32> {
    floats(value).into_iter().map(|n| n as u32).collect()
}

fn embed(engine: &Engine, request: &EmbedRequest) -> Result<Embeddings, EngineError> {
    match engine.start(WorkRequest::Embed(request.clone())).last()? {
        Some(WorkEvent::Embed(embeddings)) => Ok(embeddings),
        other => panic!("{other:?}"),
    }
}

fn score(engine: &Engine, request: &ScoreRequest) -> Result<Scores, EngineError> {
    match engine.start(WorkRequest::Score(request.clone())).last()? {
        Some(WorkEvent::Score(scores)) => Ok(scores),
        other => panic!("{other:?}"),
    }
}

fn cosine(a: &[f32], b: &[f32]) -> f64 {
    assert_eq!(a.len(), b.len());
    let dot = |a: &[f32], b: &[f32]| -> f64 {
        let pairs = a.iter().zip(b);
        pairs.map(|(a, b)| f64::from(*a) * f64::from(*b)).sum()
    };
    dot(a, b) / (dot(a, a) * dot(b, b)).sqrt()
}

const CASES: [(&str, &str); 4] = [
    ("mean", ""),
    ("mean", "model.gguf"),
    ("cls-vocabulary-file", ""),
    ("cls-vocabulary-file", "model.gguf"),
];

#[test]
fn texts_become_the_reference_tokens() {
    for (case, file) in CASES {
        let engine = engine(case, file);
        for row in expected(case)["texts"].as_array().expect("texts") {
            let mut got = engine
                .tokenize(&text(row["text"].as_str().expect("a text")))
                .expect("tokens");
            // The closing token belongs to texts that are embedded.
            got.push(3);
            assert_eq!(got, ids(&row["tokens"]), "{case}/{file}: {}", row["text"]);
        }
    }
}

#[test]
fn texts_become_the_reference_vectors() {
    for (case, file) in CASES {
        let (engine, want) = (engine(case, file), expected(case));
        let request = EmbedRequest {
            texts: texts(&want).into_iter().map(text).collect(),
            truncate: true,
            normalize: want["normalize"].as_bool(),
            ..EmbedRequest::default()
        };
        let got = embed(&engine, &request).expect("vectors");
        let rows = want["texts"].as_array().expect("texts");
        let limit = engine.info().context_length;
        assert_eq!(got.texts.len(), rows.len());
        for ((row, vector), read) in rows
            .iter()
            .zip(got.vectors.chunks_exact(got.dimensions))
            .zip(&got.texts)
        {
            let tokens = ids(&row["tokens"]).len();
            assert_eq!(read.prompt_tokens, tokens.min(limit), "{}", row["text"]);
            assert_eq!(read.truncated, tokens > limit);
            // GGUF files do not know where sentence-transformers was told to cut.
            if file.is_empty() || tokens <= want["limit"].as_u64().expect("a limit") as usize {
                let near = cosine(vector, &floats(&row["vector"]));
                assert!(near >= 0.99999, "{case}/{file} {}: {near}", row["text"]);
            }
        }
    }
}

#[test]
fn the_length_of_vectors_is_the_files_or_the_callers_choice() {
    let length = |vector: &[f32]| vector.iter().map(|x| x * x).sum::<f32>().sqrt();
    let request = |normalize, dimensions| EmbedRequest {
        texts: vec![text("the cat sat")],
        normalize,
        dimensions,
        ..EmbedRequest::default()
    };
    let (own, raw) = (engine("mean", ""), engine("cls-vocabulary-file", ""));
    let of = |engine: &Engine, normalize, dimensions| {
        let got = embed(engine, &request(normalize, dimensions)).expect("a vector");
        assert_eq!(got.vectors.len(), dimensions.unwrap_or(32));
        got.vectors
    };
    assert!((length(&of(&own, None, None)) - 1.0).abs() < 1e-5);
    assert!((length(&of(&own, Some(false), None)) - 1.0).abs() > 1e-2);
    assert!((length(&of(&raw, None, None)) - 1.0).abs() > 1e-2);
    assert!((length(&of(&raw, Some(true), None)) - 1.0).abs() < 1e-5);
    let cut = of(&own, None, Some(8));
    assert!((length(&cut) - 1.0).abs() < 1e-5);
    assert!(cosine(&cut, &of(&own, None, None)[..8]) > 0.999_999);
    for dimensions in [0, 33] {
        let error = embed(&own, &request(None, Some(dimensions))).expect_err("no such vector");
        assert_eq!(error.code(), "invalid_request");
    }
}

#[test]
fn pairs_become_the_reference_scores() {
    let want = expected("rank");
    for file in ["", "model.gguf"] {
        let engine = engine("rank", file);
        for pair in want["pairs"].as_array().expect("pairs") {
            let one = |truncate| ScoreRequest {
                query: pair["query"].as_str().expect("a query").to_owned(),
                documents: vec![pair["document"].as_str().expect("a document").to_owned()],
                truncate,
            };
            let tokens = ids(&pair["tokens"]).len();
            let got = score(&engine, &one(true)).expect("a score");
            let off = (got.scores[0] - pair["score"].as_f64().expect("a score") as f32).abs();
            assert!(off < 3e-3, "{file}: {off} for {}", pair["query"]);
            assert_eq!(got.texts[0].prompt_tokens, tokens.min(64));
            assert_eq!(got.texts[0].truncated, tokens > 64);
            let strict = score(&engine, &one(false));
            assert_eq!(
                strict.err().map(|error| error.code()),
                (tokens > 64).then_some("context_length_exceeded")
            );
        }
    }
}

#[test]
fn a_text_that_is_too_long_is_named_with_both_numbers() {
    let request = EmbedRequest {
        texts: vec![text("the cat"), text(&"the ".repeat(40))],
        ..EmbedRequest::default()
    };
    let error = embed(&engine("mean", ""), &request).expect_err("too long");
    assert_eq!(error.code(), "context_length_exceeded");
    let detail = error.detail().expect("numbers");
    assert_eq!(
        detail,
        serde_json::json!({ "promptTokens": 42, "contextLength": 32, "index": 1 })
    );
}

#[test]
fn many_texts_have_the_vectors_they_have_alone() {
    let engine = engine("mean", "");
    let words: Vec<String> = (0..300)
        .map(|i| "the cat sat on a mat ".repeat(1 + i % 4))
        .collect();
    let all = EmbedRequest {
        texts: words.iter().map(|words| text(words)).collect(),
        ..EmbedRequest::default()
    };
    let all = embed(&engine, &all).expect("vectors");
    for (index, vector) in all
        .vectors
        .chunks_exact(all.dimensions)
        .enumerate()
        .step_by(37)
    {
        let alone = EmbedRequest {
            texts: vec![text(&words[index])],
            ..EmbedRequest::default()
        };
        assert_eq!(embed(&engine, &alone).expect("a vector").vectors, vector);
    }
}

#[test]
fn work_that_was_cancelled_ends_between_its_steps() {
    let engine = engine("mean", "");
    let request = EmbedRequest {
        texts: vec![text(&"the cat ".repeat(10)); 20_000],
        truncate: true,
        ..EmbedRequest::default()
    };
    let task = engine.start(WorkRequest::Embed(request.clone()));
    task.cancel();
    task.cancel();
    assert_eq!(task.last().expect_err("cancelled").code(), "cancelled");
    assert_eq!(task.next().expect("nothing more"), None);
    engine.unload();
    engine.unload();
    let error = embed(&engine, &request).expect_err("unloaded");
    assert_eq!(error.code(), "shutting_down");
}

#[test]
fn encoders_refuse_what_is_not_theirs() {
    let (vectors, ranks) = (engine("mean", ""), engine("rank", ""));
    let pair = ScoreRequest {
        query: "a".to_owned(),
        documents: vec!["b".to_owned()],
        truncate: false,
    };
    let error = score(&vectors, &pair);
    assert_eq!(error.expect_err("no scores").code(), "unsupported");
    let request = EmbedRequest {
        texts: vec![text("a")],
        ..EmbedRequest::default()
    };
    assert_eq!(
        embed(&ranks, &request).expect_err("no vectors").code(),
        "unsupported"
    );
    let generation = vectors.start(WorkRequest::Generate(GenerateRequest {
        prompt: text("a"),
        ..GenerateRequest::default()
    }));
    let error = generation.next().expect_err("no text");
    assert_eq!(error.code(), "unsupported");
    assert_eq!(generation.next().expect("nothing more"), None);
}

#[test]
fn bytes_that_work_has_no_use_for_are_refused() {
    let request =
        |attachments| WorkRequest::Embed(EmbedRequest::default()).with_attachments(attachments);
    assert!(request(Vec::new()).is_ok());
    let error = request(vec![vec![1, 2]]).expect_err("no use for bytes");
    assert_eq!(error.code(), "invalid_request");
}

#[test]
fn headers_and_plans_know_encoders() {
    let header = inspect(&path("mean", "")).expect("a header");
    assert_eq!(header.capabilities, [Capability::Embedding]);
    assert_eq!(
        (header.architecture.as_str(), header.embedding_length),
        ("bert", 32)
    );
    assert_eq!(header.trained_context_length, 32);
    let gguf = inspect(&path("mean", "model.gguf")).expect("a header");
    assert_eq!(
        (gguf.capabilities, gguf.trained_context_length),
        (vec![Capability::Embedding], 64)
    );
    for file in ["", "model.gguf"] {
        let header = inspect(&path("rank", file)).expect("a header");
        assert_eq!(header.capabilities, [Capability::Rerank]);
    }
    let spec = LoadSpec {
        path: path("mean", ""),
        context_length: Some(16),
        ..LoadSpec::default()
    };
    let plan = plan(&spec).expect("a plan");
    assert!(
        plan.fits && plan.context_length == 16 && plan.kv_bytes == 0,
        "{plan:?}"
    );
    let file = std::fs::metadata(path("mean", "model.safetensors")).expect("the file");
    assert!(plan.weights_bytes > 0 && plan.weights_bytes < file.len());
    let engine = load(&spec, &mut |_| true).expect("it loads");
    let long = EmbedRequest {
        texts: vec![text(&"the ".repeat(20))],
        ..EmbedRequest::default()
    };
    assert_eq!(
        embed(&engine, &long)
            .expect_err("too long")
            .detail()
            .expect("numbers")["contextLength"],
        16
    );
}
