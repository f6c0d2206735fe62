//! Methods of text.

use minijinja::value::ValueKind;
use minijinja::{Error, State, Value};

use super::{case, layout, places, predicates, split};
use crate::arguments::{Callable, bind};
use crate::format;
use crate::python::{self, charge, refuse, type_name};

pub(super) fn find(name: &str) -> Option<Callable> {
    case::find(name)
        .or_else(|| places::find(name))
        .or_else(|| layout::find(name))
        .or_else(|| predicates::find(name))
        .or_else(|| split::find(name))
        .or_else(|| own(name))
}

fn own(name: &str) -> Option<Callable> {
    Some(match name {
        "encode" => encode,
        "format" => |state, arguments| format::format(state, text(&arguments[0]), &arguments[1..]),
        "format_map" => |state, arguments| {
            let bound = bind("format_map", &arguments[1..], ["/mapping"], 1)?;
            format::format_map(state, text(&arguments[0]), bound.required(0))
        },
        "join" => join,
        "replace" => replace,
        "translate" => translate,
        _ => return None,
    })
}

/// The text that a method of text is called on.
pub(super) fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

fn join(state: &mut State<'_, '_>, arguments: &[Value]) -> Result<Value, Error> {
    let bound = bind("join", &arguments[1..], ["/items"], 1)?;
    let separator = text(&arguments[0]);
    let mut out = String::new();
    for (at, item) in python::items(state, bound.required(0))?.iter().enumerate() {
        let item = item
            .as_str()
            .ok_or_else(|| refuse(format!("join takes texts, not {}", type_name(item))))?;
        charge(state, separator.len() + item.len())?;
        if at > 0 {
            out.push_str(separator);
        }
        out.push_str(item);
    }
    Ok(Value::from(out))
}

fn replace(state: &mut State<'_, '_>, arguments: &[Value]) -> Result<Value, Error> {
    let bound = bind("replace", &arguments[1..], ["/old", "/new", "/count"], 2)?;
    let (old, new) = (bound.text(0)?.unwrap_or(""), bound.text(1)?.unwrap_or(""));
    let count = usize::try_from(bound.integer(2, -1)?).unwrap_or(usize::MAX);
    replaced(state, text(&arguments[0]), old, new, count).map(Value::from)
}

/// `text` with up to `count` replacements, which are paid for before they are made.
pub(crate) fn replaced(
    state: &State<'_, '_>,
    text: &str,
    old: &str,
    new: &str,
    count: usize,
) -> Result<String, Error> {
    let found = if old.is_empty() {
        text.chars().count() + 1
    } else {
        text.matches(old).count()
    };
    charge(
        state,
        text.len() + found.min(count).saturating_mul(new.len()),
    )?;
    Ok(text.replacen(old, new, count))
}

fn translate(state: &mut State<'_, '_>, arguments: &[Value]) -> Result<Value, Error> {
    let bound = bind("translate", &arguments[1..], ["/table"], 1)?;
    let mut out = String::new();
    for c in text(&arguments[0]).chars() {
        let found = bound
            .required(0)
            .as_object()
            .and_then(|table| table.get_value(&Value::from(u32::from(c))));
        match found {
            None => out.push(c),
            Some(value) if value.is_none() => {}
            Some(value) => match (value.as_str(), python::integer(&value)) {
                (Some(text), _) => out.push_str(text),
                (None, Some(code)) => {
                    let c = u32::try_from(code).ok().and_then(char::from_u32);
                    out.push(c.ok_or_else(|| refuse("no character has this number"))?);
                }
                _ => return Err(refuse("translate takes texts, numbers and none")),
            },
        }
        charge(state, 0)?;
    }
    python::text(state, out)
}

fn encode(state: &mut State<'_, '_>, arguments: &[Value]) -> Result<Value, Error> {
    let bound = bind("encode", &arguments[1..], ["encoding", "errors"], 0)?;
    let text = text(&arguments[0]);
    charge(state, text.len())?;
    match encoding(bound.text(0)?)? {
        "ascii" if !text.is_ascii() => Err(refuse("the text is not ASCII")),
        _ => Ok(Value::from_bytes(text.as_bytes().to_vec())),
    }
}

/// `bytes.decode`.
pub(super) fn decode(state: &mut State<'_, '_>, arguments: &[Value]) -> Result<Value, Error> {
    let bound = bind("decode", &arguments[1..], ["encoding", "errors"], 0)?;
    let bytes = match arguments[0].kind() {
        ValueKind::Bytes => arguments[0].as_bytes().unwrap_or_default(),
        _ => return Err(refuse("decode is for bytes")),
    };
    charge(state, bytes.len())?;
    encoding(bound.text(0)?)?;
    let text = std::str::from_utf8(bytes).map_err(|_| refuse("the bytes are not UTF-8"))?;
    Ok(Value::from(text))
}

fn encoding(name: Option<&str>) -> Result<&'static str, Error> {
    match name
        .unwrap_or("utf-8")
        .to_ascii_lowercase()
        .replace('_', "-")
        .as_str()
    {
        "utf-8" | "utf8" => Ok("utf-8"),
        "ascii" | "us-ascii" => Ok("ascii"),
        other => Err(refuse(format!("the encoding '{other}' is not known"))),
    }
}
