//! Streams an answer to stdout and prints the speed to stderr.
//! `cargo run --release -p omg-engine --example generate -- MODEL PROMPT [MAX_TOKENS] [STREAMS]`

use std::io::Write;
use std::process::ExitCode;

use omg_engine::{
    EngineError, Event, GenerateRequest, LoadSpec, PromptSegment, Sampling, WorkEvent, WorkRequest,
};

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [model, prompt, rest @ ..] = args.as_slice() else {
        eprintln!("usage: generate MODEL PROMPT [MAX_TOKENS] [STREAMS]");
        return ExitCode::from(2);
    };
    let number = |at: usize, default| rest.get(at).and_then(|n| n.parse().ok()).unwrap_or(default);
    match run(model, prompt, number(0, 128), number(1, 1)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{}: {error}", error.code());
            if let Some(hint) = error.hint() {
                eprintln!("hint: {hint}");
            }
            ExitCode::FAILURE
        }
    }
}

fn run(model: &str, prompt: &str, max_tokens: usize, streams: usize) -> Result<(), EngineError> {
    let spec = LoadSpec {
        path: model.into(),
        max_sequences: Some(streams),
        ..LoadSpec::default()
    };
    let engine = omg_engine::load(&spec, &mut |_| true)?;
    eprintln!(
        "loaded in {:.0} ms, context {}",
        engine.info().load_ms,
        engine.info().context_length
    );
    let request = GenerateRequest {
        prompt: vec![PromptSegment::Text {
            text: prompt.to_owned(),
            parse_special: true,
        }],
        sampling: Sampling {
            temperature: Some(0.0),
            ..Sampling::default()
        },
        max_tokens: Some(max_tokens),
        ..GenerateRequest::default()
    };
    let generations: Vec<_> = (0..streams)
        .map(|_| engine.start(WorkRequest::Generate(request.clone())))
        .collect();
    for (i, generation) in generations.iter().enumerate() {
        while let Some(events) = generation.next()? {
            for event in events {
                report(event, i == 0);
            }
        }
    }
    engine.unload();
    Ok(())
}

fn report(event: WorkEvent, print: bool) {
    match event {
        WorkEvent::Generate(Event::Text { text, .. }) if print => {
            print!("{text}");
            // A closed pipe ends the output, not the measurement.
            let _ = std::io::stdout().flush();
        }
        WorkEvent::Generate(Event::End {
            reason,
            usage,
            timings,
            ..
        }) => {
            let per_second = |n: usize, ms: f64| n as f64 / ms.max(1e-3) * 1e3;
            eprintln!(
                "\n{reason:?}: prefill {} tokens at {:.1}/s, decode {} tokens at {:.1}/s",
                usage.prompt_tokens - usage.cached_tokens,
                per_second(
                    usage.prompt_tokens - usage.cached_tokens,
                    timings.prefill_ms
                ),
                usage.completion_tokens,
                per_second(usage.completion_tokens.saturating_sub(1), timings.decode_ms),
            );
        }
        _ => {}
    }
}
