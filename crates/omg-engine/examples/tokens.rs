//! What the tokenizer of a model makes of texts: `tokens MODEL < texts.json`, a list of strings, prints the list of their ids,
//! without BOS. `--plain`: names of special tokens stay text. `scripts/fixtures/tokenizers/compare.py` uses it.

use std::error::Error;
use std::io::{self, Read};
use std::path::Path;
use std::time::Instant;

use omg_engine::tokenizer::{Segment, Tokenizer};
use omg_format::ModelFiles;

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments: Vec<String> = std::env::args().skip(1).collect();
    let plain = arguments.iter().any(|argument| argument == "--plain");
    arguments.retain(|argument| argument != "--plain");
    let model = arguments
        .first()
        .ok_or("usage: tokens [--plain] MODEL < texts.json")?;
    let started = Instant::now();
    let tokenizer = Tokenizer::open(&ModelFiles::open(Path::new(model))?)?;
    eprintln!("opened in {:.2} s", started.elapsed().as_secs_f64());
    let mut input = String::new();
    io::stdin().read_to_string(&mut input)?;
    let texts: Vec<String> = serde_json::from_str(&input)?;
    let started = Instant::now();
    let mut all = Vec::with_capacity(texts.len());
    for text in &texts {
        let parse_special = !plain;
        let mut ids = tokenizer.encode(&[Segment::Text {
            text,
            parse_special,
        }])?;
        if tokenizer.adds_bos() && ids.first() == tokenizer.bos().as_ref() {
            ids.remove(0);
        }
        all.push(ids);
    }
    eprintln!(
        "{} texts in {:.3} s",
        texts.len(),
        started.elapsed().as_secs_f64()
    );
    println!("{}", serde_json::to_string(&all)?);
    Ok(())
}
