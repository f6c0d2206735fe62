//! The corpus of `scripts/fixtures/templates`: what Jinja2 makes of each snippet and chat, byte for byte.

use std::fs;
use std::path::{Path, PathBuf};

use omg_template::{Moment, Renderer};
use serde::Deserialize;
use serde_json::value::RawValue;

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
    expected: Option<String>,
}

#[test]
fn renders_every_snippet_as_jinja2_does() {
    let mut renderer = Renderer::new();
    let mut wrong = Vec::new();
    let mut count = 0;
    for file in files(&fixtures().join("snippets")) {
        let group = file.file_stem().unwrap().to_string_lossy().into_owned();
        let Group { now, cases } =
            serde_json::from_str(&fs::read_to_string(&file).unwrap()).unwrap();
        for snippet in cases {
            count += 1;
            let variables = snippet.variables.as_ref().map_or("{}", |v| v.get());
            let got = renderer.render(&snippet.template, variables, moment(&now));
            let same = match (&got, &snippet.expected) {
                (Ok(text), Some(expected)) => text == expected,
                (Err(_), None) => true,
                _ => false,
            };
            if !same {
                wrong.push(format!(
                    "{group}: {}\n  {:?}\n  got  {got:?}\n  want {:?}",
                    snippet.name, snippet.template, snippet.expected
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
    let mut files: Vec<PathBuf> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|e| e == "json"))
        .collect();
    files.sort();
    files
}
