//! The corpus of `scripts/fixtures/templates`: what Jinja2 makes of each snippet and chat, byte for byte.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use omg_template::{Moment, Refused, Renderer};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;

/// What differs from Jinja2, and why it may. One that differs no more must leave the list.
const DIFFERENT: [(&str, &str); 2] = [
    (
        "loops: break within a with block of a loop",
        "minijinja leaves no scope from within; refused when the template is read",
    ),
    (
        "macros: recursion of a hundred and fifty calls",
        "minijinja stops at 125; schemas are not nested as deeply",
    ),
];

type Variables = BTreeMap<String, Box<RawValue>>;

#[derive(Deserialize)]
struct Group {
    now: String,
    cases: Vec<Snippet>,
}

#[derive(Deserialize)]
struct Snippet {
    name: String,
    template: String,
    #[serde(default)]
    variables: Option<Box<RawValue>>,
    #[serde(flatten)]
    outcome: Outcome,
}

#[derive(Deserialize)]
struct Outcome {
    expected: Option<String>,
    kind: Option<String>,
    message: Option<String>,
}

impl Outcome {
    /// Whether the render came out as in Jinja2. A refusal is the same one if it is the template's own.
    fn equals(&self, got: &Result<String, Refused>) -> bool {
        match (got, &self.expected) {
            (Ok(text), Some(expected)) => text == expected,
            (Err(Refused::Raised(message)), None) => {
                self.kind.as_deref() == Some("TemplateError")
                    && self.message.as_ref() == Some(message)
            }
            (Err(_), None) => self.kind.as_deref() != Some("TemplateError"),
            _ => false,
        }
    }

    fn describe(&self) -> String {
        match &self.expected {
            Some(text) => format!("{text:?}"),
            None => format!("refused: {:?} {:?}", self.kind, self.message),
        }
    }
}

#[test]
fn renders_every_snippet_as_jinja2_does() {
    let mut renderer = Renderer::new();
    let mut wrong = Vec::new();
    let mut count = 0;
    for file in files(&fixtures().join("snippets")) {
        let group = file.file_stem().unwrap().to_string_lossy().into_owned();
        let Group { now, cases } = read(&file);
        for snippet in cases {
            count += 1;
            let name = format!("{group}: {}", snippet.name);
            let variables = snippet.variables.as_ref().map_or("{}", |v| v.get());
            let got = renderer.render(&snippet.template, variables, moment(&now));
            let same = snippet.outcome.equals(&got);
            if same == DIFFERENT.iter().any(|(known, _)| *known == name) {
                wrong.push(format!(
                    "{name}\n  {:?}\n  got  {got:?}\n  want {}",
                    snippet.template,
                    snippet.outcome.describe()
                ));
            }
        }
    }
    assert!(
        wrong.is_empty(),
        "{} of {count} differ:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
    assert!(count >= 300, "only {count} snippets");
}

#[derive(Deserialize)]
struct Conversations {
    now: String,
    conversations: Vec<Conversation>,
}

#[derive(Deserialize)]
struct Conversation {
    name: String,
    variables: Variables,
}

#[derive(Deserialize)]
struct Family {
    variables: Variables,
    cases: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    conversation: String,
    #[serde(flatten)]
    outcome: Outcome,
}

#[test]
fn renders_every_chat_as_jinja2_does() {
    let mut renderer = Renderer::new();
    let mut wrong = Vec::new();
    let (mut families, mut count) = (0, 0);
    let shared: Conversations = read(&fixtures().join("chats/conversations.json"));
    for folder in entries(&fixtures().join("chats")) {
        let cases = folder.join("cases.json");
        if !cases.is_file() {
            continue;
        }
        families += 1;
        let name = folder.file_name().unwrap().to_string_lossy().into_owned();
        let template = fs::read_to_string(folder.join("template.jinja")).unwrap();
        let Family { variables, cases } = read(&cases);
        for case in cases {
            count += 1;
            let conversation = shared
                .conversations
                .iter()
                .find(|conversation| conversation.name == case.conversation)
                .unwrap_or_else(|| panic!("{name}: no conversation '{}'", case.conversation));
            let mut all: BTreeMap<&String, &RawValue> = variables
                .iter()
                .map(|(key, value)| (key, &**value))
                .collect();
            all.extend(
                conversation
                    .variables
                    .iter()
                    .map(|(key, value)| (key, &**value)),
            );
            let all = serde_json::to_string(&all).unwrap();
            let got = renderer.render(&template, &all, moment(&shared.now));
            if !case.outcome.equals(&got) {
                wrong.push(format!(
                    "{name}: {}\n  got  {got:?}\n  want {}",
                    case.conversation,
                    case.outcome.describe()
                ));
            }
        }
    }
    assert!(
        wrong.is_empty(),
        "{} of {count} differ:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
    assert!(families > 0, "no family");
}

fn read<T: DeserializeOwned>(file: &Path) -> T {
    let text = fs::read_to_string(file).unwrap();
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", file.display()))
}

/// `2026-03-05T14:07:09`.
fn moment(text: &str) -> Moment {
    let part = |range: std::ops::Range<usize>| text[range].parse().unwrap();
    Moment {
        year: text[..4].parse().unwrap(),
        month: part(5..7),
        day: part(8..10),
        hour: part(11..13),
        minute: part(14..16),
        second: part(17..19),
    }
}

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures")
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut files = entries(folder);
    files.retain(|path| path.extension().is_some_and(|e| e == "json"));
    files
}

fn entries(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap();
    let mut entries: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    entries.sort();
    entries
}
