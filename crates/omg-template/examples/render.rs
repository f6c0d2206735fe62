//! Renders a job per line of standard input, `{"template": …, "variables": {…}}`, and answers each with `{"text": …}` or
//! `{"refused": …}`: what `scripts/fixtures/templates/compare.py` compares with the reference.

use std::io::{BufRead, Write};

use omg_template::{Moment, Renderer};
use serde_json::value::RawValue;

#[derive(serde::Deserialize)]
struct Job {
    template: String,
    variables: Box<RawValue>,
}

fn main() -> std::io::Result<()> {
    let mut renderer = Renderer::new();
    let mut out = std::io::stdout().lock();
    for line in std::io::stdin().lock().lines() {
        let answer = match serde_json::from_str::<Job>(&line?) {
            Ok(job) => match renderer.render(&job.template, job.variables.get(), NOW) {
                Ok(text) => serde_json::json!({ "text": text }),
                Err(refused) => serde_json::json!({ "refused": refused.to_string() }),
            },
            Err(error) => serde_json::json!({ "refused": error.to_string() }),
        };
        writeln!(out, "{answer}")?;
        out.flush()?;
    }
    Ok(())
}

/// The time that the fixtures are made at.
const NOW: Moment = Moment {
    year: 2026,
    month: 3,
    day: 5,
    hour: 14,
    minute: 7,
    second: 9,
};
