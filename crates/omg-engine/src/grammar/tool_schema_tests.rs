//! Schemas in the shapes of the tools that MCP servers offer (`tests/tool-schemas`).

use std::collections::BTreeMap;
use std::path::Path;

use serde::Deserialize;
use serde_json::{Value, json};

use super::following::Follower;
use crate::types::{GrammarRule, GrammarSource};

#[derive(Deserialize)]
struct Server {
    tools: Vec<Tool>,
    right: Vec<Call>,
    wrong: Vec<Call>,
}

#[derive(Deserialize)]
struct Tool {
    name: String,
    parameters: Value,
}

#[derive(Deserialize)]
struct Call {
    tool: String,
    arguments: Value,
}

fn servers() -> Vec<(String, Server)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/tool-schemas");
    let mut all: Vec<_> = std::fs::read_dir(folder)
        .expect("the folder")
        .map(|entry| {
            let path = entry.expect("an entry").path();
            let text = std::fs::read_to_string(&path).expect("a file");
            let server = serde_json::from_str(&text).unwrap_or_else(|e| panic!("{e}: {path:?}"));
            (path.display().to_string(), server)
        })
        .collect();
    all.sort_by(|a, b| a.0.cmp(&b.0));
    all
}

/// A forced call of any of the tools.
fn calls<'t>(tools: impl Iterator<Item = &'t Tool>) -> GrammarSource {
    let mut source = String::new();
    let mut names = Vec::new();
    let mut rules = BTreeMap::new();
    for (i, tool) in tools.enumerate() {
        let begin = json!(format!("{{\"name\": \"{}\", \"arguments\": ", tool.name));
        source.push_str(&format!("call_{i}: {begin} arguments_{i} \"}}\"\n"));
        names.push(format!("call_{i}"));
        let rule = GrammarRule::Schema {
            schema: tool.parameters.clone(),
            strict: false,
        };
        rules.insert(format!("arguments_{i}"), rule);
    }
    GrammarSource::Lark {
        source: format!("start: {}\n{source}", names.join(" | ")),
        rules,
    }
}

#[test]
fn the_tools_of_every_server_compile_alone_and_together() {
    let servers = servers();
    let follower = Follower::new();
    let mut count = 0;
    for (server, Server { tools, .. }) in &servers {
        for tool in tools {
            let said = follower.refusal(&tool.parameters, false);
            assert_eq!(said, "nothing", "{server}: {}", tool.name);
            count += 1;
        }
        if let Err(error) = follower.compile(calls(tools.iter())) {
            panic!("{server}: {error}");
        }
    }
    assert!(count >= 150, "{count} tools");
    let all = servers.iter().flat_map(|(_, server)| &server.tools);
    follower.compile(calls(all)).expect("all tools at once");
}

#[test]
fn right_arguments_are_let_through_and_wrong_ones_are_not() {
    let follower = Follower::new();
    for (
        server,
        Server {
            tools,
            right,
            wrong,
        },
    ) in servers()
    {
        assert!(!right.is_empty() && !wrong.is_empty(), "{server}");
        for (calls, expected) in [(right, true), (wrong, false)] {
            for Call { tool, arguments } in calls {
                let found = tools.iter().find(|t| t.name == tool);
                let schema = &found
                    .unwrap_or_else(|| panic!("{server}: {tool}"))
                    .parameters;
                let text = arguments.to_string();
                let allowed = follower.allows(schema, false, &text);
                assert_eq!(allowed, expected, "{server}: {tool} {text}");
            }
        }
    }
}
