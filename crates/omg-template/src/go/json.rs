//! Values as `encoding/json` writes them: keys of maps sorted, `<`, `>` and `&` escaped.

use std::fmt::Write;

use super::Fault;
use super::budget::Budget;
use super::value::{ListKind, Struct, Value};

pub(super) fn to_json(value: &Value, budget: &mut Budget) -> Result<String, Fault> {
    let mut out = String::new();
    write(value, &mut out, budget)?;
    Ok(out)
}

fn write(value: &Value, out: &mut String, budget: &mut Budget) -> Result<(), Fault> {
    budget.step()?;
    match value {
        Value::Missing | Value::Nil => out.push_str("null"),
        Value::Bool(value) => out.push_str(if *value { "true" } else { "false" }),
        Value::Int(value) => write_display(out, value),
        Value::Byte(value) => write_display(out, value),
        Value::Float(value) => out.push_str(&number(*value)),
        Value::Spelled(digits) => out.push_str(digits),
        Value::Text(text) => quote(text, out, budget)?,
        Value::List(list) if list.is_nil => out.push_str("null"),
        Value::List(list) => match (list.kind, list.items.as_slice()) {
            (ListKind::Types, [one]) => write(one, out, budget)?,
            (_, items) => {
                out.push('[');
                for (at, item) in items.iter().enumerate() {
                    if at > 0 {
                        out.push(',');
                    }
                    write(item, out, budget)?;
                }
                out.push(']');
            }
        },
        Value::Map(map) if map.is_nil => out.push_str("null"),
        Value::Map(map) => members(map.members.iter().map(|(k, v)| (&**k, v)), out, budget)?,
        Value::Struct(value) => members(fields(value), out, budget)?,
    }
    Ok(())
}

fn fields(value: &Struct) -> impl Iterator<Item = (&str, &Value)> {
    let named = value.shape.fields.iter().zip(&value.values);
    named
        .filter(|(field, value)| !field.omit_empty || !is_empty(value))
        .map(|(field, value)| (field.json, value))
        .chain(value.others.iter().map(|(key, value)| (&**key, value)))
}

/// What `omitempty` leaves out.
fn is_empty(value: &Value) -> bool {
    !matches!(value, Value::Struct(_)) && !value.is_true()
}

fn members<'a>(
    members: impl Iterator<Item = (&'a str, &'a Value)>,
    out: &mut String,
    budget: &mut Budget,
) -> Result<(), Fault> {
    out.push('{');
    for (at, (key, value)) in members.enumerate() {
        if at > 0 {
            out.push(',');
        }
        quote(key, out, budget)?;
        out.push(':');
        write(value, out, budget)?;
    }
    out.push('}');
    Ok(())
}

fn quote(text: &str, out: &mut String, budget: &mut Budget) -> Result<(), Fault> {
    budget.text(text.len())?;
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '<' | '>' | '&' | '\u{0}'..='\u{1f}' | '\u{2028}' | '\u{2029}' => {
                let _ = write!(out, "\\u{:04x}", u32::from(c));
            }
            c => out.push(c),
        }
    }
    out.push('"');
    Ok(())
}

fn write_display(out: &mut String, value: impl std::fmt::Display) {
    let _ = write!(out, "{value}");
}

/// A float as ECMAScript writes it.
fn number(value: f64) -> String {
    let size = value.abs();
    if size != 0.0 && !(1e-6..1e21).contains(&size) {
        let text = format!("{value:e}");
        return match text.split_once('e') {
            Some((digits, exponent)) if !exponent.starts_with('-') => {
                format!("{digits}e+{exponent}")
            }
            _ => text,
        };
    }
    format!("{value}")
}
