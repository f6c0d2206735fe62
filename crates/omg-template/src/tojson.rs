//! `tojson` as transformers defines it: `json.dumps` that leaves text and the order of keys alone.

use std::fmt::Write;

use minijinja::value::ValueKind;
use minijinja::{Error, ErrorKind, State, Value};

use crate::arguments::bind;
use crate::number::float_text;
use crate::python::{self, charge, is_dict, is_list, is_tuple, refuse, type_name};
use crate::python_text::DEEPEST;
use crate::variables::LongInteger;

struct Style {
    ascii: bool,
    indent: Option<String>,
    between_items: String,
    after_key: String,
    sort_keys: bool,
}

/// `tojson(value, ensure_ascii=False, indent=None, separators=None, sort_keys=False)`.
pub(crate) fn tojson(state: &mut State<'_, '_>, arguments: &[Value]) -> Result<Value, Error> {
    let names = ["ensure_ascii", "indent", "separators", "sort_keys"];
    let bound = bind("tojson", &arguments[1..], names, 0)?;
    let ascii = bound.truth(0, false);
    let sort_keys = bound.truth(3, false);
    let indent = match bound.set(1) {
        None => None,
        Some(value) => Some(match value.as_str() {
            Some(text) => text.to_owned(),
            None => {
                let width = usize::try_from(python::index(value)?).unwrap_or(0);
                charge(state, width)?;
                " ".repeat(width)
            }
        }),
    };
    let (between_items, after_key) = match bound.set(2) {
        None => (
            (if indent.is_some() { "," } else { ", " }).to_owned(),
            ": ".to_owned(),
        ),
        Some(pair) => {
            let pair = python::items(state, pair)?;
            match pair.as_slice() {
                [a, b] if a.as_str().is_some() && b.as_str().is_some() => {
                    (a.to_string(), b.to_string())
                }
                _ => return Err(refuse("separators are two texts")),
            }
        }
    };
    let style = Style {
        ascii,
        indent,
        between_items,
        after_key,
        sort_keys,
    };
    let mut out = String::new();
    write_value(&style, &mut out, &arguments[0], 0, state)?;
    Ok(Value::from(out))
}

fn write_value(
    style: &Style,
    out: &mut String,
    value: &Value,
    depth: usize,
    state: &State<'_, '_>,
) -> Result<(), Error> {
    if depth > DEEPEST {
        return Err(not_serialisable("it is nested too deeply"));
    }
    let before = out.len();
    match value.kind() {
        ValueKind::None => out.push_str("null"),
        ValueKind::Bool => out.push_str(if value.is_true() { "true" } else { "false" }),
        ValueKind::Number => out.push_str(&number_text(value)),
        ValueKind::String => write_text(style, out, value.as_str().unwrap_or_default()),
        ValueKind::Seq if is_list(value) || is_tuple(value) => {
            let mut any = false;
            out.push('[');
            for item in value.try_iter()? {
                separate(style, out, any, depth + 1, state)?;
                any = true;
                write_value(style, out, &item, depth + 1, state)?;
            }
            close(style, out, any, depth, ']', state)?;
        }
        ValueKind::Map if is_dict(value) => {
            let mut keys: Vec<(String, Value)> = Vec::new();
            for key in value.try_iter()? {
                keys.push((key_text(&key)?, key));
            }
            if style.sort_keys {
                keys.sort_by(|a, b| a.0.cmp(&b.0));
            }
            out.push('{');
            let any = !keys.is_empty();
            for (i, (text, key)) in keys.iter().enumerate() {
                separate(style, out, i > 0, depth + 1, state)?;
                write_text(style, out, text);
                out.push_str(&style.after_key);
                write_value(style, out, &value.get_item(key)?, depth + 1, state)?;
            }
            close(style, out, any, depth, '}', state)?;
        }
        _ => match value.downcast_object_ref::<LongInteger>() {
            Some(integer) => out.push_str(&integer.digits()),
            None => return Err(not_serialisable(type_name(value))),
        },
    }
    charge(state, out.len() - before)
}

fn separate(
    style: &Style,
    out: &mut String,
    follows: bool,
    depth: usize,
    state: &State<'_, '_>,
) -> Result<(), Error> {
    if follows {
        charge(state, style.between_items.len())?;
        out.push_str(&style.between_items);
    }
    new_line(style, out, depth, state)
}

fn close(
    style: &Style,
    out: &mut String,
    any: bool,
    depth: usize,
    bracket: char,
    state: &State<'_, '_>,
) -> Result<(), Error> {
    if any {
        new_line(style, out, depth, state)?;
    }
    out.push(bracket);
    Ok(())
}

fn new_line(
    style: &Style,
    out: &mut String,
    depth: usize,
    state: &State<'_, '_>,
) -> Result<(), Error> {
    if let Some(indent) = &style.indent {
        charge(state, depth.saturating_mul(indent.len()))?;
        out.push('\n');
        for _ in 0..depth {
            out.push_str(indent);
        }
    }
    Ok(())
}

fn number_text(value: &Value) -> String {
    if value.is_integer() {
        return value.to_string();
    }
    match f64::try_from(value.clone()) {
        Ok(f) if f.is_nan() => "NaN".to_owned(),
        Ok(f) if f.is_infinite() => if f > 0.0 { "Infinity" } else { "-Infinity" }.to_owned(),
        Ok(f) => float_text(f),
        Err(_) => value.to_string(),
    }
}

fn key_text(key: &Value) -> Result<String, Error> {
    match key.kind() {
        ValueKind::String => Ok(key.as_str().unwrap_or_default().to_owned()),
        ValueKind::Number => Ok(number_text(key)),
        ValueKind::Bool => Ok((if key.is_true() { "true" } else { "false" }).to_owned()),
        ValueKind::None => Ok("null".to_owned()),
        _ => Err(not_serialisable(&format!(
            "a key that is {}",
            type_name(key)
        ))),
    }
}

fn write_text(style: &Style, out: &mut String, text: &str) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            c if (c as u32) < 0x20 => {
                let _ = write!(out, "\\u{:04x}", c as u32);
            }
            c if style.ascii && c > '~' => {
                for unit in c.encode_utf16(&mut [0; 2]) {
                    let _ = write!(out, "\\u{unit:04x}");
                }
            }
            c => out.push(c),
        }
    }
    out.push('"');
}

fn not_serialisable(what: &str) -> Error {
    Error::new(
        ErrorKind::BadSerialization,
        format!("tojson cannot write it: {what}"),
    )
}
