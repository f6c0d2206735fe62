use std::sync::Arc;

use serde_json::{Value, json};

use super::*;
use crate::forward::TokenDecoder;
use crate::sampler::{Sampler, Settings};
use crate::tokenizer::Reach;
use crate::types::{FreeSpan, GrammarAfter, PromptSegment, Sampling};

/// Every byte, then these. The specials come last.
const TEXTS: &[&str] = &[
    "{\"",
    "\":",
    "\": ",
    "\", \"",
    "\"}",
    "}}",
    "[[",
    "],",
    "true",
    "false",
    "null",
    "name",
    "  ",
    "\n",
    "\n  ",
    "12",
    "0.5",
    "e-",
    "é",
    "\\\"",
    "\\u00",
    "<think>",
    "</think>",
    "</think>x",
    "k>{\"",
    "k>\n\n",
    ">\n",
    "<tool",
    "_call>",
    "abc",
];
const SPECIALS: &[&str] = &["<end>", "[CALLS]", "[ARGS]"];
const END: u32 = 256 + TEXTS.len() as u32;

struct Bytes;

impl Vocabulary for Bytes {
    fn size(&self) -> usize {
        256 + TEXTS.len() + SPECIALS.len()
    }

    fn is_eog(&self, token: u32) -> bool {
        token == END
    }

    fn is_special(&self, token: u32) -> bool {
        token >= END
    }

    fn token_bytes(&self, token: u32) -> Vec<u8> {
        let token = token as usize;
        match token.checked_sub(256) {
            None => vec![token as u8],
            Some(t) if t < TEXTS.len() => TEXTS[t].as_bytes().to_vec(),
            Some(t) => SPECIALS[t - TEXTS.len()].as_bytes().to_vec(),
        }
    }

    fn encode(&self, _: &[PromptSegment], _: &Reach<'_>) -> Result<Vec<u32>> {
        Ok(Vec::new())
    }

    fn decoder(&self, _: bool) -> Box<dyn TokenDecoder> {
        unreachable!("these tests join bytes")
    }
}

fn grammars() -> Grammars {
    Grammars::new(Arc::new(Bytes))
}

fn id(text: &str) -> u32 {
    (0..Bytes.size() as u32)
        .rev()
        .find(|t| Bytes.token_bytes(*t) == text.as_bytes())
        .unwrap_or_else(|| panic!("no token {text:?}"))
}

/// The text, a token, may come next.
fn can(constraint: &mut Constraint, text: &str) -> bool {
    let mut logits = vec![0.0; Bytes.size()];
    constraint.restrict(&mut logits).expect("a mask");
    logits[id(text) as usize] == 0.0
}

/// Goes on with the text, which may come next. True: the answer is complete.
fn push(constraint: &mut Constraint, text: &str) -> bool {
    assert!(can(constraint, text), "{text:?}");
    constraint.accept(id(text)).expect("accepted")
}

fn of(source: GrammarSource) -> Grammar {
    Grammar {
        source,
        after: None,
    }
}

fn schema(schema: Value) -> Grammar {
    of(GrammarSource::JsonSchema {
        schema,
        strict: true,
    })
}

fn random(state: &mut u64) -> u64 {
    *state = state
        .wrapping_mul(0x5851_f42d_4c95_7f2d)
        .wrapping_add(0x1405_7b7e_f767_814f);
    *state >> 33
}

/// Draws an answer from random logits at temperature 1; none when it is not complete after `most` tokens.
fn draw(mut constraint: Constraint, seed: u64, most: usize) -> Option<String> {
    let sampling = Sampling {
        temperature: Some(1.0),
        top_k: Some(0),
        top_p: Some(1.0),
        seed: Some(seed as i64),
        ..Sampling::default()
    };
    let settings = Settings::resolve(&sampling).expect("settings");
    let mut sampler = Sampler::new(settings);
    let mut state = seed;
    let mut bytes = Vec::new();
    for _ in 0..most {
        let mut logits: Vec<f32> = (0..Bytes.size())
            .map(|_| (random(&mut state) % 4096) as f32 / 1024.0)
            .collect();
        constraint.restrict(&mut logits).expect("a mask");
        let token = sampler.sample(&mut logits, &[]).expect("a token");
        if token == END {
            return Some(String::from_utf8(bytes).expect("UTF-8"));
        }
        bytes.extend(Bytes.token_bytes(token));
        if constraint.accept(token).expect("a token of the mask") {
            return Some(String::from_utf8(bytes).expect("UTF-8"));
        }
    }
    None
}

/// A schema whose documents are short.
fn random_schema(state: &mut u64, depth: usize) -> Value {
    match random(state) % if depth == 0 { 6 } else { 9 } {
        0 => json!({ "type": "string", "maxLength": 1 + random(state) % 5 }),
        1 => {
            let least = (random(state) % 100) as i64 - 50;
            json!({ "type": "integer", "minimum": least, "maximum": least + (random(state) % 200) as i64 })
        }
        2 => json!({ "type": ["boolean", "null"] }),
        3 => json!({ "enum": ["red", 7, null, { "a": [true] }] }),
        4 => json!({ "const": format!("é\"{}", random(state) % 9) }),
        5 => json!({ "type": "number", "minimum": -1.5, "exclusiveMaximum": 3 }),
        6 => {
            let most = 1 + random(state) % 3;
            json!({ "type": "array", "items": random_schema(state, depth - 1), "minItems": random(state) % (most + 1), "maxItems": most })
        }
        7 => {
            let kinds: Vec<Value> = (0..2).map(|_| random_schema(state, depth - 1)).collect();
            json!({ "anyOf": kinds })
        }
        _ => {
            let mut properties = serde_json::Map::new();
            let mut required = Vec::new();
            for i in 0..1 + random(state) % 3 {
                let name = format!("p{i}");
                properties.insert(name.clone(), random_schema(state, depth - 1));
                if random(state).is_multiple_of(2) {
                    required.push(name);
                }
            }
            json!({ "type": "object", "properties": properties, "required": required, "additionalProperties": false })
        }
    }
}

/// The keywords of `random_schema`, by the letter of the specification.
fn validates(schema: &Value, value: &Value) -> bool {
    let number = |key: &str| schema.get(key).and_then(Value::as_f64);
    let type_ok = schema.get("type").is_none_or(|t| {
        let is = |name: &Value| match name.as_str() {
            Some("string") => value.is_string(),
            Some("integer") => value.as_f64().is_some_and(|v| v.fract() == 0.0),
            Some("number") => value.is_number(),
            Some("boolean") => value.is_boolean(),
            Some("null") => value.is_null(),
            Some("array") => value.is_array(),
            Some("object") => value.is_object(),
            _ => false,
        };
        t.as_array().map_or_else(|| is(t), |all| all.iter().any(is))
    });
    let range_ok = value.as_f64().is_none_or(|v| {
        number("minimum").is_none_or(|m| v >= m)
            && number("maximum").is_none_or(|m| v <= m)
            && number("exclusiveMaximum").is_none_or(|m| v < m)
    });
    let length_ok = value
        .as_str()
        .is_none_or(|s| number("maxLength").is_none_or(|m| s.chars().count() as f64 <= m));
    let items_ok = value.as_array().is_none_or(|items| {
        let count = items.len() as f64;
        number("minItems").is_none_or(|m| count >= m)
            && number("maxItems").is_none_or(|m| count <= m)
            && schema
                .get("items")
                .is_none_or(|s| items.iter().all(|i| validates(s, i)))
    });
    let members_ok = value.as_object().is_none_or(|members| {
        let Some(Value::Object(properties)) = schema.get("properties") else {
            return true;
        };
        let required = schema["required"].as_array().expect("a list");
        members
            .iter()
            .all(|(k, v)| properties.get(k).is_some_and(|s| validates(s, v)))
            && required
                .iter()
                .all(|r| members.contains_key(r.as_str().unwrap_or_default()))
    });
    let one_of = |key: &str, ok: &dyn Fn(&Value) -> bool| {
        schema
            .get(key)
            .and_then(Value::as_array)
            .is_none_or(|all| all.iter().any(ok))
    };
    type_ok
        && range_ok
        && length_ok
        && items_ok
        && members_ok
        && one_of("enum", &|v| v == value)
        && one_of("anyOf", &|s| validates(s, value))
        && schema.get("const").is_none_or(|v| v == value)
}

#[test]
fn documents_drawn_from_noise_validate() {
    let grammars = grammars();
    let mut state = 17;
    let mut complete = 0;
    for round in 0..150u64 {
        let wanted = random_schema(&mut state, 3);
        for seed in 0..5 {
            let constraint = grammars
                .compile(&schema(wanted.clone()))
                .expect("a grammar");
            let Some(text) = draw(constraint, round * 5 + seed, 600) else {
                continue;
            };
            let value: Value = serde_json::from_str(&text)
                .unwrap_or_else(|e| panic!("{e}: {text:?} for {wanted}"));
            assert!(validates(&wanted, &value), "{text} for {wanted}");
            complete += 1;
        }
    }
    assert!(complete >= 700, "{complete} of 750 were complete");
}

#[test]
fn any_object_is_json() {
    let grammars = grammars();
    let mut complete = 0;
    for seed in 0..100 {
        let constraint = grammars
            .compile(&of(GrammarSource::JsonObject))
            .expect("a grammar");
        if let Some(text) = draw(constraint, seed, 2000) {
            let value: Value = serde_json::from_str(&text).expect(&text);
            assert!(value.is_object());
            complete += 1;
        }
    }
    assert!(complete > 50, "{complete}");
}

#[test]
fn a_grammar_begins_after_thoughts_that_come_or_not() {
    let grammars = grammars();
    let wait = |opened: bool| Grammar {
        after: Some(GrammarAfter {
            span: Some(FreeSpan {
                open: "<think>".to_owned(),
                close: "</think>".to_owned(),
                opened,
            }),
            opener: None,
        }),
        ..of(GrammarSource::Regex {
            pattern: "(yes|no)".to_owned(),
        })
    };
    let mut c = grammars.compile(&wait(false)).expect("a grammar");
    assert!(can(&mut c, "y") && can(&mut c, "<think>"));
    assert!(!can(&mut c, "<") && !can(&mut c, "a") && !can(&mut c, "<end>") && !can(&mut c, "\n"));
    for text in ["y", "e"] {
        assert!(!push(&mut c, text));
    }
    assert!(!can(&mut c, "<think>"));
    assert!(push(&mut c, "s"));

    for opened in [true, false] {
        let mut c = grammars.compile(&wait(opened)).expect("a grammar");
        if !opened {
            push(&mut c, "<think>");
        }
        for text in [
            "abc",
            "[CALLS]",
            "yes"[..1].as_ref(),
            "<",
            "/",
            "t",
            "h",
            "i",
            "n",
        ] {
            assert!(!can(&mut c, "<end>") && !can(&mut c, "</think>x"));
            push(&mut c, text);
        }
        assert!(!can(&mut c, "k>{\""), "it would reach into the grammar");
        push(&mut c, "k>\n\n");
        assert!(can(&mut c, "\n") && can(&mut c, "n") && !can(&mut c, "a"));
        push(&mut c, "\n");
        push(&mut c, "n");
        assert!(push(&mut c, "o"));
    }
}

/// Both begin with `<t`, so until they differ the answer may become either.
#[test]
fn a_tag_that_begins_as_the_grammar_does_shuts_neither_out() {
    let grammars = grammars();
    let grammar = Grammar {
        after: Some(GrammarAfter {
            span: Some(FreeSpan {
                open: "<thought>".to_owned(),
                close: "</think>".to_owned(),
                opened: false,
            }),
            opener: None,
        }),
        ..of(GrammarSource::Regex {
            pattern: "<tool_call>(yes|no)".to_owned(),
        })
    };
    let begun = || {
        let mut c = grammars.compile(&grammar).expect("a grammar");
        assert!(can(&mut c, "<tool"));
        push(&mut c, "<");
        push(&mut c, "t");
        assert!(can(&mut c, "o") && can(&mut c, "h") && !can(&mut c, "x"));
        c
    };
    let mut c = begun();
    for text in ["o", "o", "l"] {
        push(&mut c, text);
        assert!(!can(&mut c, "h"));
    }
    for text in ["_call>", "y", "e"] {
        assert!(!push(&mut c, text));
    }
    assert!(push(&mut c, "s"));

    let mut c = begun();
    for text in ["h", "o", "u", "g", "h", "t"] {
        push(&mut c, text);
        assert!(!can(&mut c, "l"));
    }
    assert!(can(&mut c, ">"), "the tag without a line break");
    push(&mut c, ">\n");
    for text in ["abc", "<", "</think>", "\n"] {
        assert!(!push(&mut c, text));
    }
    // The grammar begins at its beginning.
    for text in ["<tool", "_call>", "n"] {
        assert!(!push(&mut c, text));
    }
    assert!(push(&mut c, "o"));
}

#[test]
fn a_lazy_grammar_waits_for_its_opener_outside_of_thoughts() {
    let grammars = grammars();
    let grammar = Grammar {
        source: GrammarSource::Lark {
            source: "start: \"yes\" args \"no\"".to_owned(),
            rules: BTreeMap::from([(
                "args".to_owned(),
                GrammarRule::Text {
                    text: "a[ARGS]b".to_owned(),
                },
            )]),
        },
        after: Some(GrammarAfter {
            span: Some(FreeSpan {
                open: "<think>".to_owned(),
                close: "</think>".to_owned(),
                opened: false,
            }),
            opener: Some("<tool_call>".to_owned()),
        }),
    };
    let mut c = grammars.compile(&grammar).expect("a grammar");
    let free = |c: &mut Constraint| {
        let mut logits = vec![0.0; Bytes.size()];
        c.restrict(&mut logits).expect("a mask");
        logits[id("z") as usize] == 0.0 && logits[END as usize] == 0.0
    };
    for text in [
        "<think>", "<tool", "_call>", "</think>", "<tool", "<", "t", "o", "o", "l",
    ] {
        assert!(free(&mut c), "before {text:?}");
        assert!(!c.accept(id(text)).expect("accepted"));
    }
    assert!(free(&mut c));
    c.accept(id("_call>")).expect("accepted");
    for text in ["y", "e", "s", "a", "[ARGS]", "b", "n"] {
        assert!(!free(&mut c), "before {text:?}");
        assert!(!c.accept(id(text)).expect("accepted"));
    }
    assert!(c.accept(id("o")).expect("accepted"));
}

#[test]
fn a_special_token_is_not_its_name() {
    let mut c = grammars()
        .compile(&of(GrammarSource::Regex {
            pattern: r"\[CALLS\]<end>".to_owned(),
        }))
        .expect("a grammar");
    let mut logits = vec![0.0; Bytes.size()];
    c.restrict(&mut logits).expect("a mask");
    assert_eq!(logits[id("[") as usize], 0.0);
    assert_eq!(logits[id("[CALLS]") as usize], f32::NEG_INFINITY);
}

fn gbnf(source: &str) -> Grammar {
    of(GrammarSource::Gbnf {
        source: source.to_owned(),
    })
}

/// In the manner of llama.cpp's own.
const GBNF_JSON: &str = r#"
root   ::= object # comment
value  ::= object | array | string | number | ("true" | "false" | "null") ws

object ::=
  "{" ws (
            string ":" ws value
    ("," ws string ":" ws value)*
  )? "}" ws

array  ::= "[" ws ( value ("," ws value){0,3} )? "]" ws
string ::= "\"" ([^"\\\x7F\x00-\x1F] | "\\" (["\\bfnrt] | "u00" [0-9a-fA-F]{2})){0,6} "\"" ws
number ::= ("-"? ([0-9] | [1-9] [0-9]{0,5})) ("." [0-9]{1,3})? ws
ws     ::= | " " | "\n" [ \t]{0,4}
"#;

#[test]
fn gbnf_is_followed() {
    let grammars = grammars();
    let mut complete = 0;
    for seed in 0..60 {
        let constraint = grammars.compile(&gbnf(GBNF_JSON)).expect("a grammar");
        if let Some(text) = draw(constraint, seed, 1000) {
            let value: Value =
                serde_json::from_str(&text).unwrap_or_else(|e| panic!("{e}: {text:?}"));
            assert!(value.is_object());
            complete += 1;
        }
    }
    assert!(complete > 30, "{complete}");
    let plain =
        gbnf("root ::= [a-cX-]+ \"é\"{2} (\"1\" | dash-ed-Name)?\ndash-ed-Name ::= \"\\u00e9\" .");
    let pattern = regex::Regex::new("^[a-cX-]+éé(1|é(?s:.))?$").expect("a pattern");
    for seed in 0..40 {
        let constraint = grammars.compile(&plain).expect("a grammar");
        if let Some(text) = draw(constraint, seed, 1000) {
            assert!(pattern.is_match(&text), "{text:?}");
        }
    }
    for (source, complaint) in [
        ("", "no rule root"),
        ("root ::= other", "no rule other"),
        ("root ::= (\"a\"", "where ) should"),
        ("root ::= \"a", "end of the text"),
        ("root ::= []", "empty"),
        ("root ::= \"a\"{3,2}", "range"),
        ("root ::= \"a\"{99999999}", "repetitions"),
        ("root ::= \"\\q\"", "escape"),
        ("root = \"a\"", "::="),
        ("root ::= \"a\"\nroot ::= \"b\"", "twice"),
    ] {
        assert!(refusal(&gbnf(source)).contains(complaint), "{source}");
    }
    refusal(&gbnf(&format!("root ::= {}", "(".repeat(10_000))));
}

fn refusal(grammar: &Grammar) -> String {
    match grammars().compile(grammar) {
        Ok(_) => panic!("{grammar:?} was accepted"),
        Err(error) => {
            assert_eq!(error.code(), "invalid_request");
            error.to_string()
        }
    }
}

#[test]
fn refusals_name_the_place() {
    let inner =
        json!({ "type": "object", "properties": { "a": { "items": { "uniqueItems": true } } } });
    assert!(refusal(&schema(inner.clone())).starts_with("schema.properties.a.items.uniqueItems: "));
    let lenient = of(GrammarSource::JsonSchema {
        schema: inner,
        strict: false,
    });
    assert!(grammars().compile(&lenient).is_ok());
    assert!(
        refusal(&schema(json!({ "type": "string", "format": "postcode" })))
            .contains("schema.format")
    );
    assert!(refusal(&schema(json!({ "properties": { "a": 3 } }))).contains("schema.properties.a"));
    assert!(refusal(&schema(json!([]))).contains("must be an object"));
    assert!(refusal(&schema(json!({ "type": "strin" }))).contains("strin"));
    assert!(refusal(&schema(json!({ "$ref": "#/$defs/none" }))).contains("none"));
    assert!(
        refusal(&of(GrammarSource::Regex {
            pattern: "(".to_owned()
        }))
        .contains("compiled")
    );
    let lark = |source: &str| {
        of(GrammarSource::Lark {
            source: source.to_owned(),
            rules: BTreeMap::new(),
        })
    };
    assert!(!refusal(&lark("start: nothing")).contains('\n'));
    refusal(&lark(""));
}

#[test]
fn hostile_grammars_are_refused_or_small() {
    let mut deep = json!({ "type": "string" });
    for _ in 0..120 {
        deep = json!({ "items": deep });
    }
    let chain: serde_json::Map<String, Value> = (0..1_900)
        .map(|i| {
            (
                format!("d{i}"),
                json!({ "$ref": format!("#/$defs/d{}", (i + 1) % 1_900) }),
            )
        })
        .collect();
    let schemas = [
        json!({ "type": "array", "minItems": 1_000_000_000u64 }),
        json!({ "type": "string", "minLength": 99_999, "maxLength": 100_000 }),
        json!({ "type": "string", "pattern": "(a{1000}){1000}{1000}" }),
        json!({ "type": "string", "pattern": "((((a?){50}){50}){50}){50}" }),
        json!({ "enum": (0..20_000).map(|i| format!("{i}")).collect::<Vec<_>>() }),
        json!({ "const": "é".repeat(70) , "type": "é".repeat(70) }),
        json!({ "$ref": "#/$defs/d0", "$defs": chain }),
        json!({ "$ref": "#" }),
        json!({ "allOf": [{ "$ref": "#" }, { "type": "object" }] }),
        deep,
    ];
    let regexes = [
        "(".repeat(100_000),
        "a{4294967295}".to_owned(),
        r"\p{L}{1,9999}\p{N}{1,9999}".to_owned(),
    ];
    let larks = [
        format!("start: {}\"a\"{}", "(".repeat(50_000), ")".repeat(50_000)),
        "start: start start |".to_owned(),
    ];
    let all = schemas
        .into_iter()
        .map(schema)
        .chain(
            regexes
                .into_iter()
                .map(|pattern| of(GrammarSource::Regex { pattern })),
        )
        .chain(larks.into_iter().map(|source| {
            of(GrammarSource::Lark {
                source,
                rules: BTreeMap::new(),
            })
        }));
    let all: Vec<Grammar> = all.collect();
    let compile = move || {
        let grammars = grammars();
        for grammar in &all {
            if let Ok(mut constraint) = grammars.compile(grammar) {
                let mut logits = vec![0.0; Bytes.size()];
                // Too complex is an answer, too.
                let _ = constraint.restrict(&mut logits);
            }
        }
    };
    std::thread::Builder::new()
        .stack_size(crate::intake::GRAMMAR_STACK_BYTES)
        .spawn(compile)
        .expect("a thread")
        .join()
        .expect("no grammar ends the process");
}

/// By the path as text at each level this took longer than anybody waited.
#[test]
fn a_schema_is_prepared_in_one_pass() {
    let properties: serde_json::Map<String, Value> = (0..15_000)
        .map(|i| (format!("p{i}"), json!({ "type": "string" })))
        .collect();
    let inner = json!({ "type": "object", "properties": properties });
    let name = "x".repeat(300_000);
    let long = json!({ "type": "object", "properties": { name.as_str(): inner } });
    let begin = std::time::Instant::now();
    super::schema::to_lark(&long, true).expect("a schema");
    assert!(begin.elapsed().as_secs() < 10, "{:?}", begin.elapsed());
    let wrong = json!({ "properties": { name.as_str(): { "items": [true, { "type": "array", "uniqueItems": true }] } } });
    let message = refusal(&schema(wrong));
    assert!(message.contains("….items[1].uniqueItems: "), "{message}");
    assert!(message.len() < 400, "{message}");
}

#[test]
fn a_chain_of_rules_is_read_in_one_pass() {
    let mut source = String::from("root ::= r0\n");
    for i in 0..100_000 {
        source.push_str(&format!("r{i} ::= \"a\" r{}\n", i + 1));
    }
    source.push_str("r100000 ::= \"b\" | loop\nloop ::= loop\n");
    let begin = std::time::Instant::now();
    let lark = super::gbnf::to_lark(&source).expect("a grammar");
    assert!(begin.elapsed().as_secs() < 10, "{:?}", begin.elapsed());
    // All of them lead to the one that is recursive.
    assert!(lark.starts_with("start: r_root\n") && lark.contains("\nr_r7: \"a\" r_r8\n"));
}

/// All numbers of one to four digits, as large vocabularies have them: more states than the fuel of a mask allows.
fn numbers() -> Vec<String> {
    (1..=4)
        .flat_map(|width| (0..10_u32.pow(width as u32)).map(move |n| format!("{n:0width$}")))
        .collect()
}

/// Those that cannot be compiled or followed are the fault of the request, whatever the compiler calls it, and are refused
/// before the scheduler sees them.
#[test]
fn what_is_too_complex_is_no_internal_error() {
    let circle = json!({
        "$ref": "#/$defs/a",
        "$defs": {
            "a": { "allOf": [{ "$ref": "#/$defs/b" }, { "type": "object" }] },
            "b": { "allOf": [{ "$ref": "#/$defs/a" }, { "type": "object" }] },
        },
    });
    let grammars = Grammars::new(Arc::new(following::Texts(numbers())));
    for wanted in [
        json!({ "type": "integer", "multipleOf": 9_973 }),
        json!({ "type": "integer", "multipleOf": 999_983 }),
        circle,
    ] {
        match grammars.compile(&schema(wanted.clone())) {
            Ok(_) => panic!("{wanted} was accepted"),
            Err(error) => assert_eq!(error.code(), "invalid_request", "{error}"),
        }
    }
}

#[test]
fn a_grammar_is_checked_without_a_model() {
    assert!(check_grammar(&schema(json!({ "type": "integer", "multipleOf": 5 }))).is_ok());
    assert!(check_grammar(&gbnf(GBNF_JSON)).is_ok());
    // By the id and by the name of a token that only the model knows.
    let named = of(GrammarSource::Lark {
        source: "start: <[128000]> tag".to_owned(),
        rules: BTreeMap::from([(
            "tag".to_owned(),
            GrammarRule::Text {
                text: "<|im_end|>".to_owned(),
            },
        )]),
    });
    assert!(check_grammar(&named).is_ok());
    for wrong in [gbnf("root ::= other"), schema(json!({ "type": "strin" }))] {
        let error = check_grammar(&wrong).expect_err("a refusal");
        assert_eq!(error.code(), "invalid_request");
    }
}
