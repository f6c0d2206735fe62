//! How long the tools of each server take to compile, as one forced call each:
//! `cargo run --release --package omg-engine --example tool_schemas [FOLDER]`. The folder has files as `tests/tool-schemas`.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Instant;

use omg_engine::{Grammar, GrammarRule, GrammarSource, check_grammar};
use serde_json::{Value, json};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let usual = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/tool-schemas");
    let folder = std::env::args().nth(1).map_or(usual, Into::into);
    let mut sets = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        let file: Value = serde_json::from_str(&std::fs::read_to_string(&path)?)?;
        let tools = file["tools"].as_array().cloned().unwrap_or_default();
        sets.push((
            path.file_stem()
                .unwrap_or_default()
                .to_string_lossy()
                .into_owned(),
            tools,
        ));
    }
    sets.sort_by(|a, b| a.0.cmp(&b.0));
    let all: Vec<Value> = sets.iter().flat_map(|(_, tools)| tools.clone()).collect();
    sets.push((
        "first 40 of all".to_owned(),
        all.iter().take(40).cloned().collect(),
    ));
    sets.push(("all".to_owned(), all));
    // The vocabulary is made with the first grammar.
    check_grammar(&forced(&[]))?;
    for (name, tools) in sets {
        let grammar = forced(&tools);
        let begin = Instant::now();
        check_grammar(&grammar)?;
        let ms = begin.elapsed().as_secs_f64() * 1e3;
        println!("{ms:8.1} ms  {:4} tools  {name}", tools.len());
    }
    Ok(())
}

fn forced(tools: &[Value]) -> Grammar {
    let mut names = vec!["none".to_owned()];
    let mut source = String::from("none: \"none\"\n");
    let mut rules = BTreeMap::new();
    for (i, tool) in tools.iter().enumerate() {
        let begin = json!(format!("{{\"name\": {}, \"arguments\": ", tool["name"]));
        source.push_str(&format!("call_{i}: {begin} arguments_{i} \"}}\"\n"));
        names.push(format!("call_{i}"));
        let schema = tool["parameters"].clone();
        rules.insert(
            format!("arguments_{i}"),
            GrammarRule::Schema {
                schema,
                strict: false,
            },
        );
    }
    let source = format!("start: {}\n{source}", names.join(" | "));
    Grammar {
        source: GrammarSource::Lark { source, rules },
        after: None,
    }
}
