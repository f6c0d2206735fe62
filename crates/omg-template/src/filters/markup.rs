//! Filters for HTML and URLs.

use std::borrow::Cow;
use std::fmt::Write;

use minijinja::value::ValueKind;
use minijinja::{Error, State, Value};

use super::soft;
use crate::arguments::bind;
use crate::python::{self, charge, is_dict, refuse};
use crate::python_text::text_of;

pub(crate) fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '\'' => out.push_str("&#39;"),
            '"' => out.push_str("&#34;"),
            c => out.push(c),
        }
    }
    out
}

/// One side of a sum of texts: beside text that is safe, text that is not is escaped, whatever the environment says.
pub(crate) fn operand<'a>(value: &'a Value, other: &Value) -> Cow<'a, str> {
    let text = value.as_str().unwrap_or_default();
    if other.is_safe() && !value.is_safe() {
        Cow::Owned(escaped(text))
    } else {
        Cow::Borrowed(text)
    }
}

/// `text` that is as safe as the value it was made of.
pub(crate) fn as_safe_as(value: &Value, text: Value) -> Value {
    match text.as_str() {
        Some(plain) if value.is_safe() => Value::from_safe_string(plain.to_owned()),
        _ => text,
    }
}

pub(super) fn escape(state: &mut State<'_, '_>, arguments: &[Value]) -> Result<Value, Error> {
    bind("escape", &arguments[1..], [], 0)?;
    if arguments[0].is_safe() {
        return Ok(arguments[0].clone());
    }
    forceescape(state, arguments)
}

pub(super) fn forceescape(state: &mut State<'_, '_>, arguments: &[Value]) -> Result<Value, Error> {
    bind("forceescape", &arguments[1..], [], 0)?;
    let text = text_of(state, &arguments[0])?;
    charge(state, text.len() * 5)?;
    Ok(Value::from_safe_string(escaped(&text)))
}

pub(super) fn safe(state: &mut State<'_, '_>, arguments: &[Value]) -> Result<Value, Error> {
    bind("safe", &arguments[1..], [], 0)?;
    text_of(state, &arguments[0]).map(Value::from_safe_string)
}

pub(super) fn striptags(state: &mut State<'_, '_>, arguments: &[Value]) -> Result<Value, Error> {
    bind("striptags", &arguments[1..], [], 0)?;
    let text = soft(state, &arguments[0])?;
    charge(state, text.len() * 4)?;
    let text = without(&without(&text, "<!--", "-->"), "<", ">");
    let words: Vec<&str> = text.split_whitespace().collect();
    Ok(Value::from(unescaped(&words.join(" "))))
}

/// `text` without what stands between `open` and `close`.
fn without(text: &str, open: &str, close: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find(open) {
        let Some(length) = rest[start..].find(close) else {
            break;
        };
        out.push_str(&rest[..start]);
        rest = &rest[start + length + close.len()..];
    }
    out + rest
}

fn unescaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find('&') {
        out.push_str(&rest[..start]);
        rest = &rest[start..];
        let end = rest
            .char_indices()
            .skip(1)
            .take(10)
            .find(|(_, c)| *c == ';')
            .map(|(at, _)| at);
        match end.and_then(|end| entity(&rest[1..end]).map(|c| (c, end))) {
            Some((c, end)) => {
                out.push(c);
                rest = &rest[end + 1..];
            }
            None => {
                out.push('&');
                rest = &rest[1..];
            }
        }
    }
    out + rest
}

fn entity(name: &str) -> Option<char> {
    if let Some(number) = name.strip_prefix('#') {
        let code = match number.strip_prefix(['x', 'X']) {
            Some(digits) => u32::from_str_radix(digits, 16).ok()?,
            None => number.parse().ok()?,
        };
        return char::from_u32(code);
    }
    Some(match name {
        "amp" => '&',
        "lt" => '<',
        "gt" => '>',
        "quot" => '"',
        "apos" => '\'',
        "nbsp" => '\u{a0}',
        "copy" => '©',
        "reg" => '®',
        "hellip" => '…',
        "mdash" => '—',
        "ndash" => '–',
        "lsquo" => '‘',
        "rsquo" => '’',
        "ldquo" => '“',
        "rdquo" => '”',
        _ => return None,
    })
}

fn quoted(text: &str, in_query: bool) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'_' | b'.' | b'-' | b'~' => {
                out.push(char::from(byte));
            }
            b'/' if !in_query => out.push('/'),
            b' ' if in_query => out.push('+'),
            byte => {
                let _ = write!(out, "%{byte:02X}");
            }
        }
    }
    out
}

pub(super) fn urlencode(state: &mut State<'_, '_>, arguments: &[Value]) -> Result<Value, Error> {
    bind("urlencode", &arguments[1..], [], 0)?;
    let value = &arguments[0];
    let pairs: Vec<Value> = match value.kind() {
        ValueKind::Map if is_dict(value) => python::items(state, value)?
            .into_iter()
            .map(|key| {
                let item = value.get_item(&key).unwrap_or_default();
                python::tuple(vec![key, item])
            })
            .collect(),
        ValueKind::Seq | ValueKind::Iterable => python::items(state, value)?,
        _ => {
            let text = text_of(state, value)?;
            charge(state, text.len() * 3)?;
            return Ok(Value::from(quoted(&text, false)));
        }
    };
    let mut parts = Vec::new();
    for pair in pairs {
        let pair = python::items(state, &pair)?;
        let [key, value] = pair.as_slice() else {
            return Err(refuse("urlencode takes pairs"));
        };
        let part =
            quoted(&text_of(state, key)?, true) + "=" + &quoted(&text_of(state, value)?, true);
        charge(state, part.len())?;
        parts.push(part);
    }
    Ok(Value::from(parts.join("&")))
}

pub(super) fn xmlattr(state: &mut State<'_, '_>, arguments: &[Value]) -> Result<Value, Error> {
    let bound = bind("xmlattr", &arguments[1..], ["autospace"], 0)?;
    let dict = &arguments[0];
    if !is_dict(dict) {
        return Err(refuse("xmlattr takes a dict"));
    }
    let mut parts = Vec::new();
    for key in python::items(state, dict)? {
        let value = dict.get_item(&key)?;
        if value.is_none() || value.is_undefined() {
            continue;
        }
        let key = text_of(state, &key)?;
        if key.contains(|c: char| c.is_whitespace() || "/>=".contains(c)) {
            return Err(refuse(format!("'{key}' is no name of an attribute")));
        }
        let part = format!(
            "{}=\"{}\"",
            escaped(&key),
            escaped(&text_of(state, &value)?)
        );
        charge(state, part.len())?;
        parts.push(part);
    }
    let space = if bound.truth(0, true) && !parts.is_empty() {
        " "
    } else {
        ""
    };
    Ok(Value::from(format!("{space}{}", parts.join(" "))))
}
