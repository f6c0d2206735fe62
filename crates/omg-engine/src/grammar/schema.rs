use std::fmt;

use serde_json::{Map, Value, json};

use super::{MAX_SOURCE_BYTES, invalid};
use crate::error::Result;

/// Deeper documents are not read from text either.
const MAX_DEPTH: usize = 128;
/// Characters of a property's name that a message shows.
const LONGEST_NAME: usize = 60;
const MAX_REFS: usize = 2_000;
/// More repetitions are nobody's contract, and each costs memory.
const MAX_COUNT: u64 = 100_000;
/// Each remainder is a state.
const MAX_STEP: f64 = 100_000.0;
/// Whole numbers that every reader of JSON keeps exactly (RFC 8259, section 6), and a range for the others that needs no exponent.
const MAX_INTEGER: i64 = 9_007_199_254_740_991;
const MAX_NUMBER: f64 = 1e15;
/// As people indent: not the endless white space that JSON would allow and models fall into.
const WHITE_SPACE: &str = r" |\r?\n[ \t]{0,24}";

/// Assertions of JSON Schema that the compiler does not know.
const UNSUPPORTED: &[&str] = &[
    "$dynamicRef",
    "$recursiveRef",
    "contains",
    "dependencies",
    "dependentRequired",
    "dependentSchemas",
    "else",
    "if",
    "maxContains",
    "minContains",
    "not",
    "propertyNames",
    "then",
    "unevaluatedItems",
    "unevaluatedProperties",
    "uniqueItems",
];
const FORMATS: &[&str] = &[
    "date",
    "date-time",
    "duration",
    "email",
    "hostname",
    "ipv4",
    "ipv6",
    "time",
    "unknown",
    "uri",
    "uuid",
];

/// The schema as the compiler is to read it. `invalid_request` names the place of a keyword that cannot be enforced
/// (`strict`) or has a value that is none.
pub(super) fn prepare(schema: &Value, strict: bool) -> Result<Value> {
    let mut schema = match schema {
        Value::Bool(true) => json!({}),
        Value::Object(_) => schema.clone(),
        _ => return Err(invalid("schema: must be an object")),
    };
    let bytes = schema.to_string().len();
    if bytes > MAX_SOURCE_BYTES {
        return Err(invalid(format!(
            "schema: has {bytes} bytes, it can have {MAX_SOURCE_BYTES}"
        )));
    }
    let mut walk = Walk {
        strict,
        closing: !overlaps(&schema),
        refs: 0,
    };
    walk.schema(&mut schema, Place::ROOT, 0)?;
    if let Value::Object(root) = &mut schema {
        root.insert(
            "x-guidance".to_owned(),
            json!({ "whitespace_pattern": WHITE_SPACE, "lenient": !strict }),
        );
    }
    Ok(schema)
}

/// Some object is described in two places, so that neither knows all of its properties.
fn overlaps(value: &Value) -> bool {
    match value {
        Value::Object(map) => {
            let here = map.contains_key("properties") || map.contains_key("required");
            let elsewhere = ["$ref", "anyOf", "oneOf"]
                .iter()
                .any(|k| map.contains_key(*k));
            map.contains_key("allOf") || (here && elsewhere) || map.values().any(overlaps)
        }
        Value::Array(items) => items.iter().any(overlaps),
        _ => false,
    }
}

/// Where in the schema the walk is. It is written down for a message only: each path as text would cost the square of the schema.
#[derive(Clone, Copy)]
struct Place<'a> {
    within: Option<&'a Place<'a>>,
    step: Step<'a>,
}

#[derive(Clone, Copy)]
enum Step<'a> {
    Key(&'a str),
    Item(usize),
}

impl<'a> Place<'a> {
    const ROOT: Place<'static> = Place {
        within: None,
        step: Step::Key("schema"),
    };

    fn key(&'a self, key: &'a str) -> Self {
        Self {
            within: Some(self),
            step: Step::Key(key),
        }
    }

    fn item(&'a self, index: usize) -> Self {
        Self {
            within: Some(self),
            step: Step::Item(index),
        }
    }
}

impl fmt::Display for Place<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(within) = self.within {
            within.fmt(f)?;
        }
        match self.step {
            Step::Item(index) => write!(f, "[{index}]"),
            Step::Key(key) => {
                let dot = if self.within.is_some() { "." } else { "" };
                match key.char_indices().nth(LONGEST_NAME) {
                    Some((end, _)) => write!(f, "{dot}{}…", &key[..end]),
                    None => write!(f, "{dot}{key}"),
                }
            }
        }
    }
}

struct Walk {
    strict: bool,
    /// Objects that name their properties have no others unless they say so: valid in any reading, and what is meant.
    closing: bool,
    refs: usize,
}

impl Walk {
    fn schema(&mut self, schema: &mut Value, place: Place<'_>, depth: usize) -> Result<()> {
        if depth > MAX_DEPTH {
            return Err(invalid(format!(
                "schema: is nested deeper than {MAX_DEPTH} levels"
            )));
        }
        let Value::Object(map) = schema else {
            return match schema {
                Value::Bool(_) => Ok(()),
                _ => Err(invalid(format!("{place}: must be an object"))),
            };
        };
        self.check(map, place)?;
        self.bound(map);
        for (key, value) in map.iter_mut() {
            let at = place.key(key);
            match (key.as_str(), value) {
                ("properties" | "patternProperties" | "$defs" | "definitions", value) => {
                    let Value::Object(members) = value else {
                        return Err(invalid(format!("{at}: must be an object")));
                    };
                    for (name, member) in members.iter_mut() {
                        self.schema(member, at.key(name), depth + 1)?;
                    }
                }
                ("allOf" | "anyOf" | "oneOf" | "prefixItems", Value::Array(items))
                | ("items", Value::Array(items)) => {
                    for (i, item) in items.iter_mut().enumerate() {
                        self.schema(item, at.item(i), depth + 1)?;
                    }
                }
                ("allOf" | "anyOf" | "oneOf" | "prefixItems", _) => {
                    return Err(invalid(format!("{at}: must be a list")));
                }
                ("items" | "additionalItems" | "additionalProperties", value) => {
                    self.schema(value, at, depth + 1)?;
                }
                _ => {}
            }
        }
        Ok(())
    }

    fn check(&mut self, map: &mut Map<String, Value>, place: Place<'_>) -> Result<()> {
        if map.get("uniqueItems") == Some(&Value::Bool(false)) {
            map.shift_remove("uniqueItems");
        }
        if self.strict
            && let Some(key) = UNSUPPORTED.iter().find(|k| map.contains_key(**k))
        {
            return Err(invalid(format!(
                "{place}.{key}: this keyword cannot be enforced; leave it out, or ask for the schema without strict"
            )));
        }
        if let Some(format) = map.get("format").and_then(Value::as_str)
            && self.strict
            && !FORMATS.contains(&format)
        {
            return Err(invalid(format!(
                "{place}.format: the format {format:?} cannot be enforced; known are {}",
                FORMATS.join(", ")
            )));
        }
        for key in [
            "minItems",
            "maxItems",
            "minLength",
            "maxLength",
            "minProperties",
            "maxProperties",
        ] {
            let Some(value) = map.get(key) else { continue };
            // Draft 4 wrote whole numbers as 3.0, too.
            let count = value.as_u64().or_else(|| {
                value
                    .as_f64()
                    .filter(|v| v.fract() == 0.0 && *v >= 0.0)
                    .map(|v| v as u64)
            });
            match count {
                Some(count) if count > MAX_COUNT => {
                    return Err(invalid(format!(
                        "{place}.{key}: is {count}, it can be {MAX_COUNT}"
                    )));
                }
                Some(_) => {}
                None => return Err(invalid(format!("{place}.{key}: must be a whole number"))),
            }
        }
        if let Some(step) = map.get("multipleOf").and_then(Value::as_f64)
            && step > MAX_STEP
        {
            return Err(invalid(format!(
                "{place}.multipleOf: is {step}, it can be {MAX_STEP}"
            )));
        }
        self.refs += usize::from(map.contains_key("$ref"));
        if self.refs > MAX_REFS {
            return Err(invalid(format!("schema: has more than {MAX_REFS} $ref")));
        }
        Ok(())
    }

    /// What the schema leaves open and no answer should use.
    fn bound(&self, map: &mut Map<String, Value>) {
        let is = |name: &str| match map.get("type") {
            Some(Value::String(one)) => one == name,
            Some(Value::Array(several)) => several.iter().any(|t| t == name),
            _ => false,
        };
        let (integer, number) = (is("integer"), is("number"));
        let limit = match (integer, number) {
            (_, true) => Some(MAX_NUMBER),
            (true, false) => Some(MAX_INTEGER as f64),
            _ => None,
        };
        if let Some(limit) = limit
            && !map.contains_key("const")
            && !map.contains_key("enum")
        {
            let least = ["minimum", "exclusiveMinimum"].map(|k| map.get(k).and_then(Value::as_f64));
            let most = ["maximum", "exclusiveMaximum"].map(|k| map.get(k).and_then(Value::as_f64));
            let bound = if number {
                json!(limit)
            } else {
                json!(MAX_INTEGER)
            };
            let negative = if number {
                json!(-limit)
            } else {
                json!(-MAX_INTEGER)
            };
            if most.iter().all(Option::is_none) && least.iter().flatten().all(|l| *l < limit) {
                map.insert("maximum".to_owned(), bound);
            }
            if least.iter().all(Option::is_none) && most.iter().flatten().all(|m| *m > -limit) {
                map.insert("minimum".to_owned(), negative);
            }
        }
        let Some(Value::Object(properties)) = map.get("properties") else {
            return;
        };
        let names_all = map
            .get("required")
            .and_then(Value::as_array)
            .is_none_or(|r| {
                r.iter()
                    .filter_map(Value::as_str)
                    .all(|r| properties.contains_key(r))
            });
        let says_more = ["additionalProperties", "patternProperties", "minProperties"]
            .iter()
            .any(|k| map.contains_key(*k));
        if self.closing && names_all && !says_more {
            map.insert("additionalProperties".to_owned(), Value::Bool(false));
        }
    }
}
