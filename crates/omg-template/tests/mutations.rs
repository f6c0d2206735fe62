//! Templates of the corpus, broken at random: whatever comes of them is text or a refusal, soon.

use std::fs;
use std::path::Path;
use std::sync::LazyLock;
use std::time::{Duration, Instant};

use omg_template::{Moment, Refused, Renderer};
use proptest::prelude::*;

const NOW: Moment = Moment {
    year: 2026,
    month: 3,
    day: 5,
    hour: 14,
    minute: 7,
    second: 9,
};

/// Generous: the machine may be busy, and the code not optimised.
const SOON: Duration = Duration::from_secs(120);

const VARIABLES: &str = r#"{
    "messages": [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": [{"type": "text", "text": "Hi"}]},
        {"role": "assistant", "content": null, "tool_calls": [{"id": "a", "function": {"name": "f", "arguments": {"x": 1.0}}}]},
        {"role": "tool", "content": "{}", "tool_call_id": "a"}
    ],
    "tools": [{"type": "function", "function": {"name": "f", "parameters": {"type": "object", "properties": {"items": {}}}}}],
    "add_generation_prompt": true
}"#;

static TEMPLATES: LazyLock<Vec<String>> = LazyLock::new(|| {
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures");
    let mut templates: Vec<String> = fs::read_dir(fixtures.join("chats"))
        .unwrap()
        .filter_map(|entry| fs::read_to_string(entry.unwrap().path().join("template.jinja")).ok())
        .collect();
    for file in fs::read_dir(fixtures.join("snippets")).unwrap() {
        let text = fs::read_to_string(file.unwrap().path()).unwrap();
        let group: serde_json::Value = serde_json::from_str(&text).unwrap();
        let cases = group["cases"].as_array().unwrap();
        templates.extend(
            cases
                .iter()
                .map(|case| case["template"].as_str().unwrap().to_owned()),
        );
    }
    templates.sort();
    templates
});

/// What is put in the place of something else.
const PARTS: [&str; 40] = [
    "{{",
    "}}",
    "{%",
    "%}",
    "-",
    "+",
    "(",
    ")",
    "[",
    "]",
    "{",
    "}",
    "'",
    "\"",
    "\\",
    "|",
    ".",
    ",",
    ":",
    "~",
    "%",
    "**",
    " is ",
    " not ",
    " in ",
    " if ",
    " else ",
    "{% for x in messages %}",
    "{% endfor %}",
    "{% break %}",
    "{% with %}",
    "{% endwith %}",
    "{% set x = messages %}",
    "messages",
    "loop",
    "range(99999)",
    "* 99999",
    "none",
    "999999999999",
    "\u{1f600}",
];

fn broken() -> impl Strategy<Value = String> {
    let change = (any::<prop::sample::Index>(), 0..6usize, 0..PARTS.len());
    (
        any::<prop::sample::Index>(),
        prop::collection::vec(change, 1..6),
    )
        .prop_map(|(which, changes)| {
            let mut chars: Vec<char> = which.get(TEMPLATES.as_slice()).chars().collect();
            for (at, removed, part) in changes {
                let at = at.index(chars.len() + 1);
                let end = (at + removed).min(chars.len());
                chars.splice(at..end, PARTS[part].chars());
            }
            chars.into_iter().collect()
        })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn broken_templates_end_in_text_or_a_refusal(template in broken()) {
        let began = Instant::now();
        let result = Renderer::new().render(&template, VARIABLES, NOW);
        prop_assert!(began.elapsed() < SOON, "it took {:?}", began.elapsed());
        if let Err(Refused::Failed(reason)) = result {
            prop_assert!(!reason.contains("engine failed"), "{reason}");
        }
    }
}
