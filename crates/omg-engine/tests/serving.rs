//! The engine over a real decoder: a small random Llama in a GGUF file that the test writes.

mod tiny_gguf;

use std::path::PathBuf;
use std::sync::OnceLock;

use omg_engine::{
    EmbedRequest, Engine, EngineError, Event, GenerateRequest, LoadSpec, PromptSegment, Sampling,
    StopReason, Task, TokenLogprob, Usage, WorkEvent, WorkRequest, inspect, load, plan,
};

fn model() -> PathBuf {
    static PATH: OnceLock<PathBuf> = OnceLock::new();
    PATH.get_or_init(|| {
        let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR"));
        let path = folder.join("serving.gguf");
        // Renamed into place: another run may have the file of the last one open.
        let written = folder.join(format!("serving-{}.gguf", std::process::id()));
        std::fs::write(&written, tiny_gguf::bytes()).expect("a temporary file");
        std::fs::rename(&written, &path).expect("the file can be renamed");
        path
    })
    .clone()
}

fn engine(context_length: usize, max_sequences: usize) -> Engine {
    let spec = LoadSpec {
        path: model(),
        device: Some("cpu".to_owned()),
        context_length: Some(context_length),
        max_sequences: Some(max_sequences),
        threads: Some(2),
        ..LoadSpec::default()
    };
    let mut heard = Vec::new();
    let engine = load(&spec, &mut |part| {
        heard.push(part);
        true
    })
    .expect("the model loads");
    assert!(
        heard.is_sorted() && heard.last().is_some_and(|&p| p > 0.9),
        "{heard:?}"
    );
    engine
}

fn text(text: &str) -> Vec<PromptSegment> {
    vec![PromptSegment::Text {
        text: text.to_owned(),
        parse_special: false,
    }]
}

fn request(prompt: &str, seed: Option<i64>) -> GenerateRequest {
    GenerateRequest {
        prompt: text(prompt),
        sampling: Sampling {
            temperature: Some(if seed.is_some() { 1.0 } else { 0.0 }),
            seed,
            ..Sampling::default()
        },
        max_tokens: Some(24),
        top_logprobs: Some(2),
        ..GenerateRequest::default()
    }
}

#[derive(Debug, Clone, PartialEq)]
struct Answer {
    text: String,
    logprobs: Vec<TokenLogprob>,
    reason: StopReason,
    usage: Usage,
}

fn read(generation: &Task) -> Result<Answer, EngineError> {
    let mut answer = Answer {
        text: String::new(),
        logprobs: Vec::new(),
        reason: StopReason::Cancelled,
        usage: Usage::default(),
    };
    while let Some(events) = generation.next()? {
        for event in events {
            let WorkEvent::Generate(event) = event else {
                panic!("{event:?} is no text");
            };
            match event {
                Event::Start { .. } => {}
                Event::Text { text, logprobs, .. } => {
                    answer.text += &text;
                    answer.logprobs.extend(logprobs.unwrap_or_default());
                }
                Event::End { reason, usage, .. } => {
                    answer.reason = reason;
                    answer.usage = usage;
                }
            }
        }
    }
    Ok(answer)
}

fn generate(engine: &Engine, request: GenerateRequest) -> Task {
    engine.start(WorkRequest::Generate(request))
}

fn ask(engine: &Engine, request: &GenerateRequest) -> Answer {
    read(&generate(engine, request.clone())).expect("an answer")
}

/// Text, tokens and the very bits of the log probabilities; what came from the cache may differ.
fn same(a: &Answer, b: &Answer) {
    assert_eq!((&a.text, a.reason), (&b.text, b.reason));
    assert_eq!(a.logprobs, b.logprobs);
    assert_eq!(a.usage.completion_tokens, b.usage.completion_tokens);
}

fn prompt(i: usize) -> String {
    let shared = "The quick brown fox jumps over the lazy dog, again and again and again. ";
    format!("{}{}", shared.repeat(1 + i % 3), "x".repeat(i))
}

#[test]
fn a_cached_prefix_changes_no_bit() {
    let request = request(&prompt(5), Some(7));
    let fresh = ask(&engine(512, 1), &request);
    let warm = engine(512, 1);
    ask(&warm, &self::request(&prompt(2), None));
    let cached = ask(&warm, &request);
    assert_eq!(fresh.usage.cached_tokens, 0);
    assert!(cached.usage.cached_tokens >= 32, "{:?}", cached.usage);
    same(&fresh, &cached);
}

#[test]
fn twenty_at_once_answer_as_alone() {
    let engine = engine(512, 6);
    let requests: Vec<GenerateRequest> = (0..20)
        .map(|i| request(&prompt(i), (i % 2 == 0).then_some(i as i64)))
        .collect();
    let generations: Vec<Task> = requests
        .iter()
        .map(|r| generate(&engine, r.clone()))
        .collect();
    let together: Vec<Answer> = generations
        .iter()
        .map(|g| read(g).expect("an answer"))
        .collect();
    drop(generations);
    let alone = self::engine(512, 1);
    for (request, answer) in requests.iter().zip(&together) {
        same(answer, &ask(&alone, request));
    }
    engine.unload();
    engine.unload();
    let late = read(&generate(&engine, requests[0].clone())).expect_err("it is unloaded");
    assert_eq!(late.code(), "shutting_down");
}

#[test]
fn cancelling_and_limits() {
    let engine = engine(256, 2);
    let endless = GenerateRequest {
        max_tokens: None,
        sampling: Sampling {
            // Never the end token.
            logit_bias: Some(vec![(tiny_gguf::EOS, -100.0)]),
            ..Sampling::default()
        },
        ..request("abc", Some(1))
    };
    let generation = generate(&engine, endless.clone());
    let first = generation.next().expect("no error").expect("an event");
    assert!(
        matches!(first[0], WorkEvent::Generate(Event::Start { .. })),
        "{first:?}"
    );
    generation.cancel();
    assert_eq!(
        read(&generation).expect("an end").reason,
        StopReason::Cancelled
    );
    let full = ask(&engine, &endless);
    assert_eq!(full.reason, StopReason::Length);
    assert_eq!(full.usage.prompt_tokens + full.usage.completion_tokens, 256);

    let long = read(&generate(&engine, request(&"y".repeat(600), None))).expect_err("too long");
    assert_eq!(long.code(), "context_length_exceeded");
    let detail = long.detail().expect("numbers");
    assert_eq!(detail["contextLength"], 256);
    assert!(detail["promptTokens"].as_u64().expect("a number") >= 600);

    let empty = read(&generate(&engine, GenerateRequest::default())).expect_err("no prompt");
    assert_eq!(empty.code(), "invalid_request");
    let wrong = GenerateRequest {
        prompt: vec![PromptSegment::Tokens {
            tokens: vec![1_000_000],
        }],
        ..GenerateRequest::default()
    };
    assert_eq!(
        read(&generate(&engine, wrong))
            .expect_err("no such token")
            .code(),
        "invalid_request"
    );
}

#[test]
fn tokens_go_there_and_back_and_texts_become_vectors() {
    let engine = engine(256, 1);
    let tokens = engine.tokenize(&text("héllo wörld")).expect("tokens");
    assert_eq!(engine.detokenize(&tokens).expect("text"), "héllo wörld");
    assert_eq!(
        engine
            .detokenize(&[99_999])
            .expect_err("no such token")
            .code(),
        "invalid_request"
    );
    let embed = |words: &[&str]| {
        let request = EmbedRequest {
            texts: words.iter().map(|word| text(word)).collect(),
            ..EmbedRequest::default()
        };
        match engine.start(WorkRequest::Embed(request)).last() {
            Ok(Some(WorkEvent::Embed(embeddings))) => embeddings,
            other => panic!("{other:?}"),
        }
    };
    let both = embed(&["one text", "another"]);
    assert_eq!(both.dimensions, tiny_gguf::HIDDEN);
    let (one, other) = both.vectors.split_at(both.dimensions);
    assert_eq!(one, embed(&["one text"]).vectors);
    assert_eq!(other, embed(&["another"]).vectors);
    assert_ne!(one, other);
}

#[test]
fn a_tokenizer_alone_tokenises_and_nothing_else() {
    let spec = LoadSpec {
        path: model(),
        tokenizer_only: true,
        ..LoadSpec::default()
    };
    let engine = load(&spec, &mut |_| true).expect("it loads");
    assert_eq!(engine.tokenize(&text("abc")).expect("tokens").len(), 3);
    let error = read(&generate(&engine, request("abc", None))).expect_err("no weights");
    assert_eq!(error.code(), "unsupported");
}

#[test]
fn headers_are_read_and_memory_is_planned() {
    let header = inspect(&model()).expect("a header");
    assert_eq!(
        (header.format.as_str(), header.architecture.as_str()),
        ("gguf", "llama")
    );
    assert_eq!(header.special_tokens["eos_token"], "<|end|>");
    assert_eq!(header.embedding_length, tiny_gguf::HIDDEN);
    assert_eq!(header.chat_template.as_deref(), Some("{{ messages }}"));
    assert!(header.metadata["tokenizer.ggml.tokens"]["arrayLength"].as_u64() > Some(200));
    let json = serde_json::to_value(&header).expect("JSON");
    assert_eq!(json["trainedContextLength"], 1024);

    let spec = LoadSpec {
        path: model(),
        ..LoadSpec::default()
    };
    let fits = plan(&spec).expect("a plan");
    assert!(fits.fits && fits.context_length == 1024, "{fits:?}");
    assert_eq!(
        fits.total_bytes,
        fits.weights_bytes + fits.kv_bytes + fits.scratch_bytes
    );
}

#[test]
fn what_is_no_model_is_refused() {
    let path = std::env::temp_dir().join(format!("omg-no-model-{}.gguf", std::process::id()));
    std::fs::write(&path, b"GGUF and then nothing").expect("a temporary file");
    let spec = LoadSpec {
        path: path.clone(),
        ..LoadSpec::default()
    };
    let error = load(&spec, &mut |_| true).err().expect("no model");
    assert_eq!(error.code(), "invalid_model_file");
    assert_eq!(
        inspect(&path).expect_err("no model").code(),
        "invalid_model_file"
    );
    std::fs::remove_file(&path).expect("it is there");
    assert_eq!(plan(&spec).expect_err("gone").code(), "not_found");
}

#[test]
fn a_load_can_be_stopped() {
    let spec = LoadSpec {
        path: model(),
        ..LoadSpec::default()
    };
    let error = load(&spec, &mut |_| false).err().expect("stopped");
    assert_eq!(error.code(), "cancelled");
}
