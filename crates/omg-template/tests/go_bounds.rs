//! Go templates that want too much, and those that are no templates: they are refused, in bounded time and without a panic.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use omg_template::{Moment, Refused, go_names, render_go, render_go_value};

const NOW: Moment = Moment {
    year: 2026,
    month: 1,
    day: 1,
    hour: 0,
    minute: 0,
    second: 0,
};

/// Some twenty times what the slowest takes where nothing else runs.
const LONG: Duration = Duration::from_secs(60);

const CONVERSATION: &str = r#"{"messages":[{"role":"user","content":"Hello there"},{"role":"assistant","content":"Yes","tool_calls":[{"function":{"name":"f","arguments":{"a":[1,{"b":null}]}}}]},{"role":"user","content":"And?"}],"tools":[{"type":"function","function":{"name":"f","description":"d","parameters":{"type":"object","required":["a"],"properties":{"a":{"type":["string","null"]}}}}}],"think":true}"#;

fn refused(template: &str) -> Refused {
    let begun = Instant::now();
    let refused =
        render_go(template, CONVERSATION, NOW).expect_err(&template[..template.len().min(80)]);
    assert!(
        begun.elapsed() < LONG,
        "{template:.80}: {:?}",
        begun.elapsed()
    );
    let text = refused.to_string();
    assert!(text.len() < 300, "{text}");
    assert!(!text.contains("engine failed"), "{template:.80}: {text}");
    refused
}

#[test]
fn work_and_text_are_bounded() {
    let templates = [
        "{{ range 9223372036854775807 }}{{ end }}".to_owned(),
        "{{ range 1000000 }}{{ range 1000000 }}{{ end }}{{ end }}".to_owned(),
        "{{ range 100000000 }}0123456789{{ end }}".to_owned(),
        format!(
            "{{{{ $x := \"0123456789\" }}}}{}",
            "{{ $x = print $x $x }}".repeat(60)
        ),
        "{{ range 100000 }}{{ printf \"%065000d\" 1 }}{{ end }}".to_owned(),
        "{{ range 100000 }}{{ $x := printf \"%-65000s\" \"a\" }}{{ end }}".to_owned(),
        format!(
            "{{{{ $x := \"<\" }}}}{}",
            "{{ $x = html $x $x $x }}".repeat(60)
        ),
        format!("{{{{ $x := \"<\" }}}}{}", "{{ $x = json $x }}".repeat(200)),
        "{{ range 10000000 }}{{ $x := json $.Messages }}{{ end }}".to_owned(),
        "{{ define \"r\" }}{{ template \"r\" }}{{ template \"r\" }}{{ end }}{{ template \"r\" }}"
            .to_owned(),
        format!(
            "{}{{{{ range 10000000 }}}}{{{{ $a }}}}{{{{ end }}}}",
            "{{ $a := 1 }}".to_owned() + &"{{ $b := 1 }}".repeat(900)
        ),
    ];
    for template in templates {
        let refused = refused(&template);
        let deep = template.contains("define");
        assert!(
            matches!(refused, Refused::TooMuchWork)
                || deep && matches!(refused, Refused::Failed(_)),
            "{template:.80}: {refused}"
        );
    }
}

#[test]
fn depth_is_bounded() {
    let deep = |open: &str, close: &str, times: usize| {
        format!("{}{}", open.repeat(times), close.repeat(times))
    };
    let templates = [
        deep("{{if 1}}", "{{end}}", 60_000),
        deep("{{range 1}}", "{{end}}", 50_000),
        format!("{{{{ {} }}}}", deep("(", ")", 400_000)),
        format!("{{{{ {}1{} }}}}", "(".repeat(400_000), ")".repeat(400_000)),
        format!("{{{{if 0}}}}{}{{{{end}}}}", "{{else if 0}}".repeat(70_000)),
        format!(
            "{{{{with 0}}}}{}{{{{end}}}}",
            "{{else with 0}}".repeat(60_000)
        ),
        format!(
            "{{{{define \"r\"}}}}{}{{{{template \"r\"}}}}{}{{{{end}}}}{{{{template \"r\"}}}}",
            "{{if 1}}".repeat(900),
            "{{end}}".repeat(900)
        ),
        format!(
            "{{{{define \"r\"}}}}{}{{{{end}}}}{{{{template \"r\"}}}}",
            "{{template \"r\"}}".repeat(1000)
        ),
    ];
    for template in templates {
        assert!(matches!(refused(&template), Refused::Failed(_)));
    }
}

#[test]
fn length_is_bounded_and_reading_is_linear() {
    for template in [
        "x".repeat((1 << 20) + 1),
        format!("{{{{{}", " ".repeat(1 << 19)),
        "{{".repeat(1 << 18),
        format!("{{{{{} }}}}", " -".repeat(1 << 18)),
        format!("{{{{ \"{}", "\\\"".repeat(1 << 18)),
        "{{/*".repeat(1 << 17),
        "{{ $a := 1 }}".repeat(70_000),
        format!("{{{{ .{} }}}}", "a.".repeat(1 << 18)),
        format!("{{{{ {} }}}}", "1".repeat(1 << 19)),
    ] {
        refused(&template);
        assert!(go_names(&template).is_err());
    }
}

#[test]
fn values_are_bounded() {
    let nested = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    assert!(matches!(
        render_go_value("{{ . }}", &nested, NOW),
        Err(Refused::Variables(_))
    ));
    for wrong in ["", "[]", "1", "{", "{\"messages\":"] {
        assert!(matches!(
            render_go("a", wrong, NOW),
            Err(Refused::Variables(_))
        ));
    }
    for odd in [
        r#"{"messages":null,"tools":1}"#,
        r#"{"messages":[1,null,{"role":1,"content":[]},{"tool_calls":[1,{},{"function":1},{"function":{"arguments":"{\"cut"}}]}]}"#,
        r#"{"messages":[],"tools":[1,{},{"function":{}},{"function":{"parameters":{"properties":{"a":true,"b":{"type":1,"anyOf":[1]}}}}}]}"#,
    ] {
        let template = "{{ range .Messages }}{{ .Role }}{{ range .ToolCalls }}{{ .Function.Arguments }}{{ end }}{{ end }}{{ .Tools }}{{ json .Tools }}{{ range .Tools }}{{ range .Function.Parameters.Properties }}{{ toTypeScriptType . }}{{ end }}{{ end }}";
        render_go(template, odd, NOW).unwrap_or_else(|e| panic!("{odd}: {e}"));
    }
}

/// Pieces that mean something in some place.
const PIECES: [&str; 34] = [
    "{{",
    "}}",
    "{{-",
    "-}}",
    " -}}",
    "{{ end }}",
    "{{ else }}",
    "{{ if .A }}",
    "{{ range . }}",
    "{{ with $ }}",
    "{{ break }}",
    "\"",
    "`",
    "'",
    "(",
    ")",
    "|",
    "$",
    ".",
    ":=",
    "=",
    ",",
    " nil ",
    " 1 ",
    "-1",
    "1e999",
    "/*",
    "*/",
    "{{ define \"x\" }}",
    "{{ template \"x\" . }}",
    " slice ",
    " printf \"%[3]*.[2]*[1]v\" ",
    "\u{fffd}é",
    "\0",
];

#[test]
fn changed_templates_never_make_it_panic() {
    let chats = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/go/chats");
    let mut templates: Vec<String> = fs::read_dir(chats)
        .unwrap()
        .map(|folder| fs::read_to_string(folder.unwrap().path().join("template.gotmpl")).unwrap())
        .collect();
    templates.sort();
    let mut seed = 7_u64;
    let mut random = move |below: usize| {
        seed = seed
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(seed >> 33).unwrap() % below.max(1)
    };
    let (mut rendered, mut count) = (0, 0);
    for round in 0..60 {
        for template in &templates {
            let mut changed: Vec<char> = template.chars().collect();
            for _ in 0..=round % 4 {
                let at = random(changed.len());
                let until = (at + random(12)).min(changed.len());
                let piece = PIECES[random(PIECES.len())];
                match random(3) {
                    0 => drop(changed.splice(at..until, piece.chars())),
                    1 => drop(changed.splice(at..at, piece.chars())),
                    _ => drop(changed.drain(at..until)),
                }
            }
            let changed: String = changed.into_iter().collect();
            count += 1;
            match render_go(&changed, CONVERSATION, NOW) {
                Ok(_) => rendered += 1,
                Err(refused) => {
                    assert!(
                        !refused.to_string().contains("engine failed"),
                        "{changed:?}"
                    );
                }
            }
        }
    }
    // Both kinds are met, else nothing was tried.
    assert!(
        rendered > count / 20 && rendered < count,
        "{rendered} of {count}"
    );
}
