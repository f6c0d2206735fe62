//! `tojson` as transformers defines it: `json.dumps` that leaves text and the order of keys alone.

use std::fmt::Write;

use minijinja::value::{Kwargs, Rest, ValueKind, from_args};
use minijinja::{Error, ErrorKind, State, Value};

use crate::number::float_text;
use crate::variables::LongInteger;

struct Style {
    ascii: bool,
    indent: Option<String>,
    between_items: String,
    after_key: String,
    sort_keys: bool,
}

/// `tojson(value, ensure_ascii=False, indent=None, separators=None, sort_keys=False)`.
pub(crate) fn tojson(
    state: &State<'_, '_>,
    value: &Value,
    arguments: Rest<Value>,
) -> Result<Value, Error> {
    let (positional, named): (&[Value], Kwargs) = from_args(&arguments)?;
    let argument = |at: usize, name: &str| -> Result<Option<Value>, Error> {
        match positional.get(at) {
            Some(value) => Ok(Some(value.clone())),
            None => named.get(name),
        }
    };
    let is_set = |value: Option<Value>| value.is_some_and(|value| value.is_true());
    let ascii = is_set(argument(0, "ensure_ascii")?);
    let indent = argument(1, "indent")?;
    let separators = argument(2, "separators")?;
    let sort_keys = is_set(argument(3, "sort_keys")?);
    named.assert_all_used()?;
    let indent = match indent {
        None => None,
        Some(value) if value.is_none() => None,
        Some(value) => Some(match value.as_str() {
            Some(text) => text.to_owned(),
            None => " ".repeat(usize::try_from(i64::try_from(value)?.clamp(0, 64)).unwrap_or(0)),
        }),
    };
    let (between_items, after_key) = match separators.filter(|value| !value.is_none()) {
        None => (
            (if indent.is_some() { "," } else { ", " }).to_owned(),
            ": ".to_owned(),
        ),
        Some(pair) => {
            let pair: Vec<Value> = pair.try_iter()?.collect();
            match pair.as_slice() {
                [a, b] => (a.to_string(), b.to_string()),
                _ => {
                    return Err(Error::new(
                        ErrorKind::InvalidOperation,
                        "separators must be two texts",
                    ));
                }
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
    write_value(&style, &mut out, value, 0, state)?;
    Ok(Value::from(out))
}

/// Deeper values are refused, as Python refuses those beyond its recursion limit.
const DEEPEST: usize = 200;

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
        ValueKind::Seq => {
            let mut any = false;
            out.push('[');
            for item in value.try_iter()? {
                separate(style, out, any, depth + 1);
                any = true;
                write_value(style, out, &item, depth + 1, state)?;
            }
            close(style, out, any, depth, ']');
        }
        ValueKind::Map => {
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
                separate(style, out, i > 0, depth + 1);
                write_text(style, out, text);
                out.push_str(&style.after_key);
                write_value(style, out, &value.get_item(key)?, depth + 1, state)?;
            }
            close(style, out, any, depth, '}');
        }
        ValueKind::Plain => match value.downcast_object_ref::<LongInteger>() {
            Some(integer) => out.push_str(integer.digits()),
            None => return Err(not_serialisable(&value.kind().to_string())),
        },
        kind => return Err(not_serialisable(&kind.to_string())),
    }
    state.consume_fuel(((out.len() - before) / 64) as u64 + 1)
}

fn separate(style: &Style, out: &mut String, follows: bool, depth: usize) {
    if follows {
        out.push_str(&style.between_items);
    }
    new_line(style, out, depth);
}

fn close(style: &Style, out: &mut String, any: bool, depth: usize, bracket: char) {
    if any {
        new_line(style, out, depth);
    }
    out.push(bracket);
}

fn new_line(style: &Style, out: &mut String, depth: usize) {
    if let Some(indent) = &style.indent {
        out.push('\n');
        for _ in 0..depth {
            out.push_str(indent);
        }
    }
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
        kind => Err(not_serialisable(&format!("a key that is a {kind}"))),
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
            c if style.ascii && !c.is_ascii() => {
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
