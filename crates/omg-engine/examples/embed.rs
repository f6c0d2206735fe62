//! Vectors of texts: `cargo run --release -p omg-engine --example embed -- MODEL < TEXTS > VECTORS`
//! Texts come as JSON strings, one a line; vectors leave as JSON arrays, one a line. The speed goes to stderr.

use std::io::{BufRead, Write};
use std::path::PathBuf;
use std::time::Instant;

use omg_engine::{EmbedRequest, LoadSpec, PromptSegment, WorkEvent, WorkRequest, load};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let path = std::env::args()
        .nth(1)
        .ok_or("usage: embed MODEL < TEXTS")?;
    let spec = LoadSpec {
        path: PathBuf::from(path),
        ..LoadSpec::default()
    };
    let engine = load(&spec, &mut |_| true)?;
    let mut request = EmbedRequest {
        truncate: true,
        ..EmbedRequest::default()
    };
    for line in std::io::stdin().lock().lines() {
        request.texts.push(vec![PromptSegment::Text {
            text: serde_json::from_str(&line?)?,
            parse_special: false,
        }]);
    }
    let start = Instant::now();
    let Some(WorkEvent::Embed(embeddings)) = engine.start(WorkRequest::Embed(request)).last()?
    else {
        return Err("the model answered without vectors".into());
    };
    let seconds = start.elapsed().as_secs_f64();
    let tokens: usize = embeddings.texts.iter().map(|t| t.prompt_tokens).sum();
    let texts = embeddings.texts.len();
    eprintln!(
        "{texts} texts, {tokens} tokens in {seconds:.2} s: {:.0} texts/s, {:.0} tokens/s",
        texts as f64 / seconds,
        tokens as f64 / seconds
    );
    let mut out = std::io::stdout().lock();
    for vector in embeddings
        .vectors
        .chunks_exact(embeddings.dimensions.max(1))
    {
        serde_json::to_writer(&mut out, vector)?;
        out.write_all(b"\n")?;
    }
    Ok(())
}
