//! What Go's `text/template` makes of each snippet and chat of `scripts/fixtures/go-templates`, byte for byte.

use std::fs;
use std::path::{Path, PathBuf};

use omg_template::{Moment, Refused, go_names, render_go, render_go_value};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

/// What differs from Go, and why it may. One that differs no more must leave the list.
const DIFFERENT: [(&str, &str); 0] = [];

/// The day that the fixtures are made at.
const NOW: Moment = Moment {
    year: 2026,
    month: 3,
    day: 5,
    hour: 0,
    minute: 0,
    second: 0,
};

#[derive(Deserialize)]
struct Group {
    cases: Vec<Snippet>,
}

#[derive(Deserialize)]
struct Snippet {
    name: String,
    template: String,
    #[serde(default)]
    values: Value,
    expected: Option<String>,
}

#[test]
fn renders_every_snippet_as_go_does() {
    let mut report = Report::default();
    for file in entries(&fixtures().join("snippets")) {
        let group = file.file_stem().unwrap().to_string_lossy().into_owned();
        for snippet in read::<Group>(&file).cases {
            let got = render_go_value(&snippet.template, &snippet.values.to_string(), NOW);
            report.add(
                format!("{group}: {}", snippet.name),
                &got,
                &snippet.expected,
            );
        }
    }
    report.check(300);
}

#[derive(Deserialize)]
struct Conversations {
    conversations: Vec<Value>,
}

#[derive(Deserialize)]
struct Family {
    names: Vec<String>,
    cases: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    conversation: String,
    expected: Option<String>,
}

#[test]
fn renders_every_chat_as_go_does() {
    let mut report = Report::default();
    let Conversations { conversations } = read(&fixtures().join("conversations.json"));
    for folder in entries(&fixtures().join("chats")) {
        let name = folder.file_name().unwrap().to_string_lossy().into_owned();
        let template = fs::read_to_string(folder.join("template.gotmpl")).unwrap();
        let Family { names, cases } = read(&folder.join("cases.json"));
        assert_eq!(go_names(&template).unwrap(), names, "{name}");
        assert_eq!(cases.len(), conversations.len(), "{name}");
        for (case, conversation) in cases.iter().zip(&conversations) {
            let got = render_go(&template, &conversation.to_string(), NOW);
            report.add(
                format!("{name}: {}", case.conversation),
                &got,
                &case.expected,
            );
        }
    }
    report.check(25 * 10);
}

#[derive(Default)]
struct Report {
    count: usize,
    wrong: Vec<String>,
}

impl Report {
    fn add(&mut self, name: String, got: &Result<String, Refused>, expected: &Option<String>) {
        self.count += 1;
        let same = match got {
            Ok(text) => expected.as_ref() == Some(text),
            Err(Refused::Failed(_)) => expected.is_none(),
            Err(_) => false,
        };
        if same == DIFFERENT.iter().any(|(known, _)| *known == name) {
            self.wrong
                .push(format!("{name}\n  got  {got:?}\n  want {expected:?}"));
        }
    }

    fn check(self, least: usize) {
        let Self { count, wrong } = self;
        assert!(
            wrong.is_empty(),
            "{} of {count} differ:\n{}",
            wrong.len(),
            wrong.join("\n")
        );
        assert!(count >= least, "only {count} cases");
    }
}

fn read<T: DeserializeOwned>(file: &Path) -> T {
    let text = fs::read_to_string(file).unwrap();
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", file.display()))
}

fn entries(folder: &Path) -> Vec<PathBuf> {
    let mut entries: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    entries.sort();
    entries
}

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/go")
}
